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
from pyuk.mm.pages import Pages
from pyuk.mm.vma import VM_MAYWRITE, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import FrameNr
    from pyuk.mm.pagecache import PageCache

_ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
SHMEM_DEV = 1
"""The kernel's own mount of tmpfs."""


class SharedMemory(Pages):
    """A file that is nowhere but in RAM. It serves as its own mmap backing.

    `refs` counts the areas and open files together; at 0 the frames are freed and `on_unused` is told.
    Invariants: n_pages is size_bytes rounded up; the last page is zero behind size_bytes.
    """

    __slots__ = ("cache", "dev", "ino", "on_unused", "pages", "path", "seals", "size_bytes")

    def __init__(self, cache: PageCache, path: bytes, size_bytes: int = 0, seals: int = F_SEAL_SEAL) -> None:
        super().__init__(cache.ram, size_bytes + PAGE_MASK >> PAGE_SHIFT)
        self.cache = cache
        self.path = path
        """As /proc/PID/maps and /proc/PID/fd show it."""
        self.dev = SHMEM_DEV
        self.ino = cache.new_serial()
        self.size_bytes = size_bytes
        self.seals = seals
        self.pages: Pages = self
        self.on_unused: Callable[[], object] = lambda: None

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """Nothing behind it can change."""
        return self.dev, self.ino, 0, 0, 0

    def hold(self) -> SharedMemory:
        """One more owner."""
        self.refs += 1
        return self

    def drop(self) -> None:
        """One owner less."""
        super().drop()
        if not self.refs:
            self.on_unused()

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        """Copy out from offset on; short at the end."""
        done = 0
        frames, ram = self.frames, self.ram
        for piece in slices:
            at = 0
            while at < len(piece) and offset < self.size_bytes:
                start = offset & PAGE_MASK
                n = min(len(piece) - at, PAGE_BYTES - start, self.size_bytes - offset)
                frame = frames.get(offset >> PAGE_SHIFT)
                piece[at : at + n] = bytes(n) if frame is None else ram.frame(frame)[start : start + n]
                at += n
                offset += n
            done += at
        return done

    def pwritev(self, slices: list[memoryview], offset: int) -> int:
        """Copy in at offset, growing. Errors: EPERM a seal. Raises OutOfFramesError where not one byte fits."""
        n_bytes = sum(map(len, slices))
        if self.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            raise SyscallError(EPERM, "sealed against writing")
        if offset + n_bytes > self.size_bytes and self.seals & F_SEAL_GROW:
            n_bytes = (max(self.size_bytes, offset) & ~PAGE_MASK) - offset  # the whole pages before it are written
            if n_bytes <= 0:
                raise SyscallError(EPERM, "sealed against growing")
        done = 0
        written_code: list[FrameNr] = []
        try:
            for piece in slices:
                at = 0
                while at < len(piece) and done < n_bytes:
                    start = offset & PAGE_MASK
                    n = min(len(piece) - at, PAGE_BYTES - start, n_bytes - done)
                    frame = self._frame(offset >> PAGE_SHIFT)
                    self.ram.frame(frame)[start : start + n] = piece[at : at + n]
                    if self.ram.executable[frame]:
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
            self.cache.code_written(written_code)
        return done

    def _frame(self, page: int) -> FrameNr:
        frame = self.frames.get(page)
        if frame is None:
            frame = self.ram.alloc()
            self.frames[page] = frame
        return frame

    def _set_size(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.n_pages = size_bytes + PAGE_MASK >> PAGE_SHIFT

    def truncate(self, size_bytes: int) -> None:
        """Set the size; what lies behind it is gone for everyone who maps it. Errors: EPERM a seal."""
        if size_bytes < self.size_bytes and self.seals & F_SEAL_SHRINK:
            raise SyscallError(EPERM, "sealed against shrinking")
        if size_bytes > self.size_bytes and self.seals & F_SEAL_GROW:
            raise SyscallError(EPERM, "sealed against growing")
        shrinks = size_bytes < self.size_bytes
        self._set_size(size_bytes)
        if shrinks:
            self._zero(size_bytes, size_bytes + PAGE_MASK & ~PAGE_MASK)
            self._drop_pages(self.n_pages, 1 << 52, copies=True)

    def allocate(self, offset: int, length: int, *, keep_size: bool) -> None:
        """fallocate(2): have the pages. Errors: EPERM a seal. Raises OutOfFramesError."""
        end = offset + length
        if self.seals & F_SEAL_GROW and end > self.size_bytes:
            raise SyscallError(EPERM, "sealed against growing")
        for page in range(offset >> PAGE_SHIFT, end + PAGE_MASK >> PAGE_SHIFT):
            self._frame(page)
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

    def next_page(self, page: int, *, hole: bool) -> int:
        """The first page from `page` on that is there, or with `hole` is not; n_pages where there is none."""
        while page < self.n_pages and (page in self.frames) == hole:
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
