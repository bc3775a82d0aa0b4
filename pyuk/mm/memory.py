"""Shared memory with a size and an inode number: what memfd_create(2) and shmget(2) make.

Source: Linux 6.1 mm/shmem.c, mm/memfd.c.
"""

from __future__ import annotations

from pyuk.abi.errno import EBUSY, EINVAL, EPERM, SyscallError
from pyuk.abi.fcntl import (
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_SEAL,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
)  # fmt: skip
from pyuk.machine.paging import PAGE_BYTES, PAGE_MASK, PAGE_SHIFT
from pyuk.machine.ram import OutOfFramesError
from pyuk.mm.pages import Pages
from pyuk.mm.vma import VM_MAYWRITE, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import FrameNr
    from pyuk.mm.backing import Backing
    from pyuk.mm.pagecache import PageCache

_ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
_LAST_PAGE = 1 << 52
SHMEM_DEV = 1
"""The kernel's own mount of tmpfs."""


class SharedMemory(Pages):
    """A file that is nowhere but in RAM. It serves as its own mmap backing.

    `refs` counts the areas and open files together; at 0 the frames are freed and `on_unused` is told.
    Invariants: n_pages is size_bytes rounded up; the last page is zero behind size_bytes; no page of `reserved` is in
    `frames`; n_held pages are charged.
    """

    __slots__ = ("cache", "dev", "ino", "on_unused", "pages", "path", "reserved", "seals", "size_bytes")

    def __init__(
        self, cache: PageCache, path: bytes, size_bytes: int = 0, seals: int = F_SEAL_SEAL,
        ident: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """ident: st_dev and st_ino, where it has a name somewhere."""
        super().__init__(cache.ram, size_bytes + PAGE_MASK >> PAGE_SHIFT)
        self.cache = cache
        self.path = path
        """As /proc/PID/maps and /proc/PID/fd show it."""
        self.dev, self.ino = ident or (SHMEM_DEV, cache.new_serial())
        self.size_bytes = size_bytes
        self.seals = seals
        self.reserved: set[int] = set()
        """Pages of fallocate(2) that nobody has touched: counted, but not there."""
        self.pages: Pages = self
        self.on_unused: Callable[[], object] = lambda: None

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """Nothing behind it can change."""
        return self.dev, self.ino, 0, 0, 0

    def hold(self) -> SharedMemory:
        """One more owner."""
        self.refs += 1
        if self.refs == 1:
            self.cache.shared.add(self)
        return self

    def drop(self) -> None:
        """One owner less."""
        super().drop()
        if not self.refs:
            self.cache.shared.discard(self)
            self._give_up(0, _LAST_PAGE)
            self.on_unused()

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        """Copy out from offset on; short at the end."""
        size, frames, source = self.size_bytes, self.frames, self.ram.bytes
        done = 0
        for piece in slices:
            wanted, start = len(piece), offset & PAGE_MASK
            if start + wanted <= PAGE_BYTES and offset + wanted <= size:  # most reads
                frame = frames.get(offset >> PAGE_SHIFT)
                if frame is not None:
                    start += frame << PAGE_SHIFT
                    piece[:] = source[start : start + wanted]
                    offset += wanted
                    done += wanted
                    continue
            left = min(wanted, size - offset)
            if left <= 0:
                break
            at = 0
            while at < left:
                page, start = offset >> PAGE_SHIFT, offset & PAGE_MASK
                frame = frames.get(page)
                n = min(left - at, PAGE_BYTES - start)
                if frame is None:
                    piece[at : at + n] = bytes(n)
                else:
                    first = (frame << PAGE_SHIFT) + start
                    while n < left - at and frames.get(page := page + 1) == (frame := frame + 1):  # type: ignore[assignment]
                        n = min(left - at, n + PAGE_BYTES)
                    piece[at : at + n] = source[first : first + n]
                at += n
                offset += n
            done += left
            if left < wanted:
                break
        return done

    def pwritev(self, slices: list[memoryview], offset: int) -> int:
        """Copy in at offset, growing. Errors: EPERM a seal, and `charge`'s where not one byte fits."""
        n_bytes = len(slices[0]) if len(slices) == 1 else sum(map(len, slices))
        if self.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            raise SyscallError(EPERM, "sealed against writing")
        if offset + n_bytes > self.size_bytes and self.seals & F_SEAL_GROW:
            n_bytes = (max(self.size_bytes, offset) & ~PAGE_MASK) - offset  # the whole pages before it are written
            if n_bytes <= 0:
                raise SyscallError(EPERM, "sealed against growing")
        done = 0
        written_code: list[FrameNr] = []
        frames, target, executable = self.frames, self.ram.bytes, self.ram.executable
        try:
            for piece in slices:
                at, left = 0, min(len(piece), n_bytes - done)
                while at < left:
                    start = offset & PAGE_MASK
                    n = min(left - at, PAGE_BYTES - start)
                    frame = frames.get(offset >> PAGE_SHIFT)
                    if frame is None:
                        frame = self._new_frame(offset >> PAGE_SHIFT, zeroed=n < PAGE_BYTES)
                    first = (frame << PAGE_SHIFT) + start
                    target[first : first + n] = piece[at : at + n]
                    if executable[frame]:
                        written_code.append(frame)
                    at += n
                    offset += n
                    done += n
                    if offset > self.size_bytes:
                        self._set_size(offset)
        except SyscallError:
            if not done:
                raise
        finally:
            if written_code:
                self.cache.code_written(written_code)
        return done

    def charge(self, n_pages: int) -> None:
        """So many pages more are about to be had, or with a negative number are gone. Errors: ENOSPC (fs/tmpfs.py)."""

    def _new_frame(self, page: int, *, zeroed: bool = True) -> FrameNr:
        """Have a page that is not there. Errors: `charge`'s. Raises OutOfFramesError."""
        is_reserved = page in self.reserved
        if not is_reserved:
            self.charge(1)
        try:
            frame = self.ram.alloc() if zeroed else self.ram.alloc_unzeroed()
        except SyscallError:
            if not is_reserved:
                self.charge(-1)
            raise
        self.reserved.discard(page)
        self.frames[page] = frame
        return frame

    def load(self, page: int, _backing: Backing | None) -> FrameNr | int:
        """Make a page that is touched and not there; 0 when it lies past the end."""
        return self._new_frame(page) if page < self.n_pages else 0

    def forget(self, pages: list[int]) -> None:
        """See Pages."""
        super().forget(pages)
        self.charge(-len(pages))

    @property
    def n_held(self) -> int:
        """Pages that are there or reserved."""
        return len(self.frames) + len(self.reserved)

    def _set_size(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.n_pages = size_bytes + PAGE_MASK >> PAGE_SHIFT

    def truncate(self, size_bytes: int) -> None:
        """Set the size; what lies behind it is gone for everyone who maps it. Errors: EPERM a seal."""
        if size_bytes < self.size_bytes and self.seals & F_SEAL_SHRINK:
            raise SyscallError(EPERM, "sealed against shrinking")
        if size_bytes > self.size_bytes and self.seals & F_SEAL_GROW:
            raise SyscallError(EPERM, "sealed against growing")
        drops = size_bytes <= self.size_bytes  # what fallocate(2) has behind the end goes even if the size stays
        self._set_size(size_bytes)
        if drops:
            self._zero(size_bytes, size_bytes + PAGE_MASK & ~PAGE_MASK)
            self._drop_pages(self.n_pages, _LAST_PAGE, copies=True)

    def allocate(self, offset: int, length: int, *, keep_size: bool) -> None:
        """fallocate(2): be sure of the pages, all or none. Errors: EPERM a seal, `charge`'s. Raises OutOfFramesError.

        They stay holes until something is written or mapped there (mm/shmem.c: a folio that is not uptodate).
        """
        end = offset + length
        if self.seals & F_SEAL_GROW and end > self.size_bytes:
            raise SyscallError(EPERM, "sealed against growing")
        first, last = offset >> PAGE_SHIFT, end + PAGE_MASK >> PAGE_SHIFT
        if last - first > self.ram.n_frames:
            raise OutOfFramesError
        frames, reserved = self.frames, self.reserved
        fresh = [page for page in range(first, last) if page not in frames and page not in reserved]
        if len(fresh) > self.ram.n_frames - self.ram.n_used:
            raise OutOfFramesError
        self.charge(len(fresh))
        reserved.update(fresh)
        if not keep_size and end > self.size_bytes:
            self._set_size(end)

    def punch(self, offset: int, length: int) -> None:
        """FALLOC_FL_PUNCH_HOLE: zeros in [offset, offset + length). Errors: EPERM a seal."""
        if self.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            raise SyscallError(EPERM, "sealed against writing")
        end = offset + length
        first, last = offset + PAGE_MASK >> PAGE_SHIFT, end >> PAGE_SHIFT
        if first > last:
            self._zero(offset, end)
            return
        self._zero(offset, first << PAGE_SHIFT)
        self._zero(last << PAGE_SHIFT, end)
        self._drop_pages(first, last, copies=False)

    def _zero(self, start: int, end: int) -> None:
        """Within one page."""
        frame = self.frames.get(start >> PAGE_SHIFT)
        if frame is not None and start < end:
            at = start & PAGE_MASK
            self.ram.frame(frame)[at : at + end - start] = bytes(end - start)
            if self.ram.executable[frame]:
                self.cache.code_written([frame])

    def _drop_pages(self, first: int, last: int, *, copies: bool) -> None:
        self.cache.unmap_pages(self, first, last, copies=copies)
        self.forget([page for page in self.frames if first <= page < last])
        self._give_up(first, last)

    def _give_up(self, first: int, last: int) -> None:
        """The reserved pages of [first, last)."""
        gone = [page for page in self.reserved if first <= page < last]
        self.reserved.difference_update(gone)
        self.charge(-len(gone))

    def next_page(self, page: int, *, hole: bool) -> int:
        """The first page from `page` on that is there, or with `hole` is not; n_pages where there is none."""
        frames = self.frames
        if not hole:
            return (
                min((other for other in frames if other >= page), default=self.n_pages) if page not in frames else page
            )
        while page < self.n_pages and page in frames:
            page += 1
        return page

    def add_seals(self, seals: int) -> None:
        """fcntl(2) F_ADD_SEALS. Errors: EINVAL unknown; EPERM F_SEAL_SEAL is set; EBUSY mapped shared and writable."""
        if seals & ~_ALL_SEALS:
            raise SyscallError(EINVAL, "no such seals")
        if self.seals & F_SEAL_SEAL:
            raise SyscallError(EPERM, "sealed against seals")
        if seals & F_SEAL_WRITE and not self.seals & F_SEAL_WRITE and self._has_writers():
            raise SyscallError(EBUSY, "mapped shared")
        self.seals |= seals

    def _has_writers(self) -> bool:
        """i_mmap_writable: shared mappings through a descriptor that may write, read-only ones too before 6.7."""
        return any(vma.pages is self and vma.flags & VM_SHARED for space in self.cache.spaces for vma in space.vmas)

    def map_flags(self, vm_flags: int) -> int:
        """The flags that a new area of this may have (shmem_mmap, seal_check_future_write). Errors: EPERM a seal."""
        if vm_flags & VM_SHARED:
            if self.seals & F_SEAL_WRITE:
                raise SyscallError(EPERM, "sealed against writing")
            if self.seals & F_SEAL_FUTURE_WRITE:
                if vm_flags & VM_WRITE:
                    raise SyscallError(EPERM, "sealed against writing")
                vm_flags &= ~VM_MAYWRITE
        return vm_flags
