"""The page cache: which file pages are in RAM, for all processes and beyond their ends.

One CachedFile for each (dev, ino). Its key is compared with the host's at every open, exec and mmap; where it differs
the cached pages are forgotten, and taken out of every table that shows them, except those a guest has written.
"""

from __future__ import annotations

from pyuk.machine.paging import PAGE_MASK, PAGE_SHIFT
from pyuk.mm.pages import CachedFile, Pages
from pyuk.mm.vma import VM_SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.backing import Backing, Machine
    from pyuk.mm.memory import SharedMemory
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.sysv import SysvShm

_RECLAIM_FRAMES = 4096

_MOST_AREAS = 4096


class PageCache:
    """All cached files, and the address spaces that may have their pages mapped."""

    __slots__ = ("_serial", "files", "is_uniform", "machine", "ram", "shared", "spaces", "sysv")

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.ram = machine.ram
        self.sysv: SysvShm | None = None
        """The segments of shmget(2), once there is one."""
        self.files: dict[tuple[int, int], CachedFile] = {}  # least recently opened first
        self.shared: set[SharedMemory] = set()
        """Memory with a name or a descriptor that somebody has."""
        self._serial = 0
        self.is_uniform = False
        """No program can find out what is in the cache: pages around a fault are there, no fault is a major one."""
        self.spaces: list[AddressSpace] = []
        self.ram.on_shortage = self.reclaim

    def open(self, backing: Backing) -> Pages:
        """The file's pages, none of them older than the host's file."""
        if backing.pages is not None:
            return backing.pages
        key = backing.key
        cached = self.files.pop(key[:2], None)
        if cached is None:
            cached = CachedFile(self.ram, key)
        elif cached.key != key:
            self._forget_clean(cached)
            cached.key = key
        self.files[key[:2]] = cached
        return cached

    def settle(self, ident: tuple[int, int], offset: int = 0, n_bytes: int = 1 << 62) -> None:
        """The file is about to be read or written through a descriptor: what guests have stored goes to it first."""
        cached = self.files[ident]
        if cached.writable:
            cached.write_back(self._writer(cached), offset >> PAGE_SHIFT, offset + n_bytes + PAGE_MASK >> PAGE_SHIFT)

    def written(self, ident: tuple[int, int], offset: int, n_bytes: int, key: tuple[int, int, int, int, int]) -> None:
        """Bytes of the file were written through a descriptor of a guest; `key` is what it is now.

        Pages that are mapped are read again where they are, the others are forgotten.
        """
        cached = self.files[ident]
        cached.key = key
        if not n_bytes:
            return
        pages = range(offset >> PAGE_SHIFT, offset + n_bytes + PAGE_MASK >> PAGE_SHIFT)
        stale = [page for page in pages if page in cached.frames]
        counts, ram = self.ram.counts, self.ram
        backing = self._writer(cached) if stale else None
        changed_code = []
        for page in stale:
            frame = cached.frames[page]
            if counts[frame] == 1 or backing is None:
                cached.forget([page])
                continue
            view = ram.frame(frame)
            n_read = backing.preadv([view], page << PAGE_SHIFT)
            view[n_read:] = bytes(len(view) - n_read)
            if ram.executable[frame]:
                changed_code.append(frame)
        self.code_written(changed_code)

    def truncated(self, ident: tuple[int, int], size_bytes: int, key: tuple[int, int, int, int, int]) -> None:
        """The file was cut, or made longer, by a guest: pages behind its end are SIGBUS from now on."""
        cached = self.files[ident]
        cached.key = key
        n_pages = size_bytes + PAGE_MASK >> PAGE_SHIFT
        gone = [page for page in cached.frames if page >= n_pages]
        if gone:
            self.unmap_pages(cached, n_pages, 1 << 52, copies=True)
            cached.forget(gone)
        frame = cached.frames.get(size_bytes >> PAGE_SHIFT)
        if frame is not None and size_bytes & PAGE_MASK:
            tail = self.ram.frame(frame)[size_bytes & PAGE_MASK :]
            tail[:] = bytes(len(tail))

    def notice_cuts(self) -> None:
        """Files that the host has cut while guests map them: what lies behind the new end is SIGBUS from now on.

        The host tells nobody: this is asked between time slices and when everybody has slept. A process with
        thousands of areas is passed over.
        """
        mapped: dict[CachedFile, Backing] = {}
        for space in self.spaces:
            if len(space.vmas) <= _MOST_AREAS:
                for vma in space.vmas:
                    if isinstance(vma.pages, CachedFile) and vma.backing is not None:
                        mapped[vma.pages] = vma.backing
        for cached, backing in mapped.items():
            size_bytes = backing.size_bytes
            if size_bytes < cached.key[2]:
                dev, ino = cached.key[:2]
                self.truncated((dev, ino), size_bytes, (dev, ino, size_bytes, -1, -1))  # a key that no file ever has

    def _writer(self, cached: CachedFile) -> Backing | None:
        """A backing of the file, the one of a shared mapping if there is one: it can write."""
        found = None
        for space in self.spaces:
            for vma in space.vmas:
                if vma.pages is cached:
                    if vma.flags & VM_SHARED:
                        return vma.backing
                    found = vma.backing
        return found

    def reclaim(self) -> bool:
        """Free clean pages that nobody maps, least recently opened files first; says whether there were any."""
        counts = self.ram.counts
        n_freed = 0
        for ident, cached in list(self.files.items()):
            frames, writable = cached.frames, cached.writable
            idle = [page for page, frame in frames.items() if counts[frame] == 1 and page not in writable]
            cached.forget(idle)
            n_freed += len(idle)
            if not frames and not cached.refs:
                del self.files[ident]
            if n_freed >= _RECLAIM_FRAMES:
                break
        return n_freed > 0

    def restart(self, *, is_uniform: bool) -> None:
        """A kernel begins, for which nobody has made anything yet; what is known of the host's files stays."""
        self._serial = 0
        self.is_uniform = is_uniform

    def new_serial(self) -> int:
        """An inode number for shared memory without a name."""
        self._serial += 1
        return self._serial

    def close(self) -> None:
        """Forget everything; no address space is left."""
        for cached in self.files.values():
            cached.forget(list(cached.frames))
        self.files.clear()

    @property
    def n_shown(self) -> int:
        """What programs are told of `n_frames`."""
        return 0 if self.is_uniform else self.n_frames

    @property
    def n_used(self) -> int:
        """Frames that have an owner, as programs are told."""
        return self.ram.n_used - (self.n_frames if self.is_uniform else 0)

    @property
    def n_frames(self) -> int:
        """Frames that the cache owns."""
        return sum(len(cached.frames) for cached in self.files.values())

    def _forget_clean(self, cached: CachedFile, first: int = 0, last: int = 1 << 52) -> None:
        """Drop the pages of [first, last) that no guest has written, from tables too: the next touch reads again."""
        writable = cached.writable
        stale = {page: frame for page, frame in cached.frames.items() if first <= page < last and page not in writable}
        counts = self.ram.counts
        if any(counts[frame] > 1 for frame in stale.values()):
            self._unmap(cached, set(stale.values()))
        cached.forget(list(stale))

    def unmap_pages(self, pages: Pages, first: int, last: int, *, copies: bool) -> None:
        """Make pages [first, last) absent for everyone who maps them; with `copies`, private copies of them too."""
        from pyuk.mm import ptes  # noqa: PLC0415  # rare

        gone = {frame for page, frame in pages.frames.items() if first <= page < last}
        for space in self.spaces:
            for vma in space.vmas:
                if vma.pages is not pages or vma.pgoff + vma.n_pages <= first or last <= vma.pgoff:
                    continue
                if not copies:
                    ptes.clear_frames(space, vma, gone)
                    continue
                start = vma.start + (max(first - vma.pgoff, 0) << PAGE_SHIFT)
                end = min(vma.end, vma.start + (last - vma.pgoff << PAGE_SHIFT))
                ptes.prepare(space.page_table, start, end)
                ptes.clear(space, start, end)

    def code_written(self, frames: list[FrameNr]) -> None:
        """The kernel has written frames that guests may execute."""
        if frames:
            self.machine.drop_translations(frames)
            for frame in frames:
                self.ram.executable[frame] = 1

    def _unmap(self, cached: CachedFile, frames: set[FrameNr]) -> None:
        from pyuk.mm.ptes import clear_frames  # noqa: PLC0415  # rare

        for space in self.spaces:
            for vma in space.vmas:
                if vma.pages is cached:
                    clear_frames(space, vma, frames)
