"""Guest-physical RAM: one sparse host mapping, and the frames it is made of.

The mapping is private and not reserved, so a frame costs host memory only once it is touched.
Python and the CPU see the same bytes: `bytes` and `words` are views, never copies.
"""

from __future__ import annotations

import ctypes
import mmap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import FrameNr

FRAME_BYTES = 4096
_MAP_NORESERVE = 0x4000  # mmap.MAP_NORESERVE came with Python 3.11.? only on some hosts
_RECYCLE_FRAMES = 256
"""So many released frames pay for a TLB flush; zeroing one is ten times cheaper than the host's fault for a new one."""
_ZERO_FRAME = bytes(FRAME_BYTES)


class OutOfFramesError(Exception):
    """All of guest RAM is in use and nothing could be reclaimed."""


class Ram:
    """The frames [0, n_frames): allocate, reference-count, free.

    Invariants: a frame on `_free` or at or above `_fresh` is all zeros or is zeroed when it is
    allocated; counts[f] is the number of owners (page-table entries, the page cache, the kernel);
    a released frame waits in `_quarantine` until no TLB entry and no translation can reach it.
    """

    __slots__ = (
        "_free", "_fresh", "_mapping", "_quarantine", "bytes", "counts", "executable", "host_address", "n_frames",
        "on_shortage", "retire", "size_bytes", "words",
    )  # fmt: skip

    def __init__(self, size_bytes: int) -> None:
        self.n_frames = size_bytes // FRAME_BYTES
        self.size_bytes = self.n_frames * FRAME_BYTES
        self._mapping = _sparse(self.size_bytes)
        self.bytes = memoryview(self._mapping)
        self.words = self.bytes.cast("Q")
        self.counts = memoryview(_sparse(self.n_frames * 4)).cast("I")
        self.executable = memoryview(_sparse(self.n_frames))
        """1 for a frame that is or was mapped executable since its translations were last dropped."""
        self.host_address = ctypes.addressof(ctypes.c_char.from_buffer(self._mapping))
        self._fresh = 1  # frame 0 is never given out, so 0 can mean "none"
        self._free: list[FrameNr] = []
        self._quarantine: list[FrameNr] = []
        self.retire: Callable[[list[FrameNr]], None] = lambda _frames: None
        """Makes frames unreachable for the CPU (TLB flush, translations dropped); set by the machine."""
        self.on_shortage: Callable[[], bool] = lambda: False
        """Asked when RAM is full: frees something and says so, or says no."""

    def alloc(self) -> FrameNr:
        """A frame of zeros with one owner. Raises OutOfFramesError."""
        if not self._free:
            fresh = self._fresh
            if fresh < self.n_frames and len(self._quarantine) < _RECYCLE_FRAMES:
                self._fresh = fresh + 1
                self.counts[fresh] = 1
                return fresh  # type: ignore[return-value]  # never used before: the host gives zeros
            self._refill()
        frame = self._free.pop()
        start = frame << 12
        self.bytes[start : start + FRAME_BYTES] = _ZERO_FRAME
        self.counts[frame] = 1
        return frame

    def alloc_unzeroed(self) -> FrameNr:
        """A frame whose every byte the caller overwrites before anyone else can see it."""
        if not self._free:
            return self.alloc()
        frame = self._free.pop()
        self.counts[frame] = 1
        return frame

    def release(self, frame: FrameNr) -> None:
        """One owner less; the last one's leaving frees the frame."""
        count = self.counts[frame] - 1
        self.counts[frame] = count
        if count == 0:
            self._quarantine.append(frame)

    def release_all(self, frames: list[FrameNr]) -> None:
        """One owner less for each frame, in one go (munmap, exit)."""
        counts, quarantine = self.counts, self._quarantine
        for frame in frames:
            count = counts[frame] - 1
            counts[frame] = count
            if count == 0:
                quarantine.append(frame)

    def frame(self, frame: FrameNr) -> memoryview:
        """The frame's 4096 bytes."""
        start = frame << 12
        return self.bytes[start : start + FRAME_BYTES]

    @property
    def n_used(self) -> int:
        """Frames that have an owner."""
        return self._fresh - 1 - len(self._free) - len(self._quarantine)

    def _refill(self) -> None:
        """Move the quarantine to the free list, asking for memory back when that is not enough."""
        if not self._quarantine and not self.on_shortage():
            raise OutOfFramesError
        frames = self._quarantine
        self._quarantine = []
        self.retire(frames)
        self._free.extend(frames)
        if not self._free:
            raise OutOfFramesError


def _sparse(size_bytes: int) -> mmap.mmap:
    """Private, zero, not reserved: Python's own default would be a shared mapping."""
    return mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)
