"""The page cache: which file pages are in RAM, for all processes and beyond their ends.

One CachedFile for each (dev, ino). Its key is compared with the host's at every open, exec and mmap; where it differs
the cached pages are forgotten, and taken out of every table that shows them, except those a guest has written.
"""

from __future__ import annotations

from pyuk.mm.pages import CachedFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.backing import Backing, Machine
    from pyuk.mm.space import AddressSpace

_RECLAIM_FRAMES = 4096


class PageCache:
    """All cached files, and the address spaces that may have their pages mapped."""

    __slots__ = ("_files", "_serial", "ram", "spaces")

    def __init__(self, machine: Machine) -> None:
        self.ram = machine.ram
        self._files: dict[tuple[int, int], CachedFile] = {}  # least recently opened first
        self._serial = 0
        self.spaces: list[AddressSpace] = []
        self.ram.on_shortage = self.reclaim

    def open(self, backing: Backing) -> CachedFile:
        """The file's pages, none of them older than the host's file."""
        key = backing.key
        cached = self._files.pop(key[:2], None)
        if cached is None:
            cached = CachedFile(self.ram, key)
        elif cached.key != key:
            self._forget_clean(cached)
            cached.key = key
        self._files[key[:2]] = cached
        return cached

    def written(self, backing: Backing, offset: int, n_bytes: int) -> None:
        """The file's bytes [offset, offset + n_bytes) were changed through its descriptor by a guest."""
        key = backing.key
        cached = self._files.get(key[:2])
        if cached is not None:
            self._forget_clean(cached, offset >> 12, offset + n_bytes + 4095 >> 12)
            cached.key = key

    def reclaim(self) -> bool:
        """Free clean pages that nobody maps, least recently opened files first; says whether there were any."""
        counts = self.ram.counts
        n_freed = 0
        for ident, cached in list(self._files.items()):
            frames, writable = cached.frames, cached.writable
            idle = [page for page, frame in frames.items() if counts[frame] == 1 and page not in writable]
            cached.forget(idle)
            n_freed += len(idle)
            if not frames and not cached.refs:
                del self._files[ident]
            if n_freed >= _RECLAIM_FRAMES:
                break
        return n_freed > 0

    def new_serial(self) -> int:
        """An inode number for shared memory without a name."""
        self._serial += 1
        return self._serial

    def close(self) -> None:
        """Forget everything; no address space is left."""
        for cached in self._files.values():
            cached.forget(list(cached.frames))
        self._files.clear()

    @property
    def n_frames(self) -> int:
        """Frames that the cache owns."""
        return sum(len(cached.frames) for cached in self._files.values())

    def _forget_clean(self, cached: CachedFile, first: int = 0, last: int = 1 << 52) -> None:
        """Drop the pages of [first, last) that no guest has written, from tables too: the next touch reads again."""
        writable = cached.writable
        stale = {page: frame for page, frame in cached.frames.items() if first <= page < last and page not in writable}
        counts = self.ram.counts
        if any(counts[frame] > 1 for frame in stale.values()):
            self._unmap(cached, set(stale.values()))
        cached.forget(list(stale))

    def _unmap(self, cached: CachedFile, frames: set[FrameNr]) -> None:
        from pyuk.mm.ptes import clear_frames  # noqa: PLC0415  # rare

        for space in self.spaces:
            for vma in space.vmas:
                if vma.pages is cached:
                    clear_frames(space, vma, frames)
