"""The pages behind shared memory and files: page number to frame, one owner for all who map them.

Linux calls this an address_space. The object owns its frames (one count each); every table entry that
shows one counts as well, so a count of 1 means that nobody has the page mapped.
"""

from __future__ import annotations

from pyuk.abi.errno import SyscallError
from pyuk.machine.paging import PAGE_BYTES, PAGE_SHIFT
from pyuk.machine.ram import OutOfFramesError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.machine.ram import Ram
    from pyuk.mm.backing import Backing

READ_AROUND_PAGES = 16
"""One miss reads the aligned run of this many pages; a fault maps as many (fault_around_bytes)."""


class Pages:
    """Anonymous shared memory of a fixed size: zeros until written, freed with the last area that maps it.

    `writable` has every page that some table entry lets a guest write: an entry gets W only through the
    write fault that puts its page here. For a file those are the pages to be written back.
    """

    __slots__ = ("frames", "n_pages", "ram", "refs", "serial", "writable")

    def __init__(self, ram: Ram, n_pages: int, serial: int = 0) -> None:
        """`serial` is its inode number on Linux's internal tmpfs, which /proc/PID/maps shows."""
        self.ram = ram
        self.serial = serial
        self.n_pages = n_pages
        self.frames: dict[int, FrameNr] = {}
        self.writable: set[int] = set()
        self.refs = 0

    def hold(self) -> object:
        """One more area maps this."""
        self.refs += 1
        return self

    def drop(self) -> None:
        """One area less; the last one frees the frames."""
        self.refs -= 1
        if not self.refs:
            self.forget(list(self.frames))

    def load(self, page: int, _backing: Backing | None) -> FrameNr | int:
        """Make a page that is not in `frames`; 0 when it lies past the end. Raises OutOfFramesError."""
        if page >= self.n_pages:
            return 0
        frame = self.ram.alloc()
        self.frames[page] = frame
        return frame

    def first_written(self) -> None:
        """The first access through a table entry was a write."""

    def peek(self, page: int, _backing: Backing | None) -> bytes | None:
        """The bytes of a page that is not in `frames`, leaving no trace; None past the end."""
        return bytes(PAGE_BYTES) if page < self.n_pages else None

    def forget(self, pages: list[int]) -> None:
        """Let go of pages; who has them mapped keeps the frame."""
        for page in pages:
            self.ram.release(self.frames.pop(page))
            self.writable.discard(page)

    def write_back(self, _backing: Backing | None, _first: int, _last: int) -> None:
        """Nothing is behind anonymous memory."""


class CachedFile(Pages):
    """A file's pages. Kept after the last mapping has gone, for the next exec of the same program."""

    __slots__ = ("key",)

    def __init__(self, ram: Ram, key: tuple[int, int, int, int, int]) -> None:
        super().__init__(ram, 0)
        self.key = key

    def drop(self) -> None:
        """One area less; the cache keeps the frames."""
        self.refs -= 1

    def load(self, page: int, backing: Backing | None) -> FrameNr | int:
        """Read the page and its absent neighbours with one preadv; 0 when it lies past the end of the file.

        Errors: SyscallError where the host cannot read. Raises OutOfFramesError.
        """
        assert backing is not None  # noqa: S101  # an area of file pages has a file
        frames = self.frames
        first, last = page, page + 1
        low = page & -READ_AROUND_PAGES
        while first > low and first - 1 not in frames:
            first -= 1
        while last < low + READ_AROUND_PAGES and last not in frames:
            last += 1
        try:
            fresh = self._alloc(last - first)
        except OutOfFramesError:
            first, last = page, page + 1
            fresh = self._alloc(1)
        ram = self.ram
        n_bytes = 0
        try:
            n_bytes = backing.preadv(frame_slices(ram, fresh), first << PAGE_SHIFT)
        finally:
            n_full, tail = divmod(n_bytes, PAGE_BYTES)
            if tail:
                ram.frame(fresh[n_full])[tail:] = bytes(PAGE_BYTES - tail)
                n_full += 1
            for frame in fresh[n_full:]:
                ram.release(frame)
        frames.update(zip(range(first, last), fresh[:n_full], strict=False))
        return frames.get(page, 0)

    def peek(self, page: int, backing: Backing | None) -> bytes | None:
        """The bytes of a page that is not in `frames`, leaving no trace; None past the end."""
        assert backing is not None  # noqa: S101  # an area of file pages has a file
        buffer = bytearray(PAGE_BYTES)
        try:
            n_bytes = backing.preadv([memoryview(buffer)], page << PAGE_SHIFT)
        except SyscallError:
            return None
        return bytes(buffer) if n_bytes else None

    def _alloc(self, n_frames: int) -> list[FrameNr]:
        fresh: list[FrameNr] = []
        try:
            while len(fresh) < n_frames:
                fresh.append(self.ram.alloc_unzeroed())
        except OutOfFramesError:
            for frame in fresh:
                self.ram.release(frame)
            raise
        return fresh

    def write_back(self, backing: Backing | None, first: int, last: int) -> None:
        """Give the written pages of [first, last) to the host, as far as the file reaches.

        A page that is still mapped writable somewhere stays listed: its writer will not fault again.
        """
        assert backing is not None  # noqa: S101  # an area of file pages has a file
        dirty = sorted(page for page in self.writable if first <= page < last)
        if not dirty:
            return
        n_left = backing.size_bytes - (dirty[0] << PAGE_SHIFT)
        start = 0
        for index in range(1, len(dirty) + 1):
            if index == len(dirty) or dirty[index] != dirty[index - 1] + 1:
                n_left = backing.size_bytes - (dirty[start] << PAGE_SHIFT)
                run = [self.frames[page] for page in dirty[start:index]]
                slices = _cut(frame_slices(self.ram, run), n_left)
                if slices:
                    backing.pwritev(slices, dirty[start] << PAGE_SHIFT)
                start = index
        ram = self.ram
        for page in dirty:
            frame = self.frames[page]
            if ram.counts[frame] == 1 and not ram.executable[frame]:
                self.writable.discard(page)
        self.key = backing.key


def frame_slices(ram: Ram, frames: list[FrameNr]) -> list[memoryview]:
    """The frames' bytes in order, runs of neighbouring frames in one slice."""
    slices: list[memoryview] = []
    first = 0
    for index in range(1, len(frames) + 1):
        if index == len(frames) or frames[index] != frames[index - 1] + 1:
            slices.append(ram.bytes[frames[first] << PAGE_SHIFT : frames[index - 1] + 1 << PAGE_SHIFT])
            first = index
    return slices


def _cut(slices: list[memoryview], n_bytes: int) -> list[memoryview]:
    """The first n_bytes of the slices."""
    cut = []
    for piece in slices:
        if n_bytes <= 0:
            break
        cut.append(piece[:n_bytes])
        n_bytes -= len(piece)
    return cut
