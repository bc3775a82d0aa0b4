"""Guest-physical RAM: one sparse host mapping, and the frames it is made of.

The mapping is private and not reserved, so a frame costs host memory only once it is touched.
Python and the CPU see the same bytes: `bytes` and `words` are views, never copies.

Frames are given out one by one from the bottom, and from the top in runs of 512 neighbours for 2 MiB pages.
"""

from __future__ import annotations

import mmap
from _bisect import bisect_left  # the bisect module defines it in Python first

from pyuk.abi.errno import ENOMEM, SyscallError
from pyuk.machine.clib import addressof, c_char

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import FrameNr

FRAME_BYTES = 4096
RUN_FRAMES = 512
_RUN_BYTES = RUN_FRAMES * FRAME_BYTES
_MAP_NORESERVE = 0x4000  # mmap.MAP_NORESERVE came with Python 3.11.? only on some hosts
_RECYCLE_FRAMES = 256
"""So many released frames pay for a TLB flush; zeroing one is ten times cheaper than the host's fault for a new one."""
_GIVE_BACK_FRAMES = 4096
"""So many released frames are looked through for whole runs."""
_RECYCLE_RUNS = 8
"""So many released runs pay for a TLB flush, and so many are kept to be zeroed; the host gets the rest back."""
_ZERO_FRAME = bytes(FRAME_BYTES)
_NO_RUN = 0


class OutOfFramesError(SyscallError):
    """All of guest RAM is in use and nothing could be reclaimed; within a system call, ENOMEM."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(ENOMEM, "out of guest RAM")


class Ram:
    """The frames [0, n_frames): allocate, reference-count, free.

    Invariants: a frame on `_free` or in [_fresh, _low_run) is all zeros or is zeroed when it is
    allocated; counts[f] is the number of owners (entries of a page table, the page cache, the kernel; for a table, the
    address spaces that have it); a released frame waits in `_quarantine` until no TLB entry and no translation can
    reach it. A run that only 2 MiB pages show is whole: its first frame's count is theirs, and the others' is 0.
    """

    __slots__ = (
        "_free", "_free_runs", "_fresh", "_low_run", "_mapping", "_quarantine", "_quarantined_runs", "_zero_runs",
        "bytes", "counts", "executable", "find", "host_address", "n_frames", "on_shortage", "retire", "size_bytes",
        "words",
    )  # fmt: skip

    def __init__(self, size_bytes: int) -> None:
        self.n_frames = size_bytes // FRAME_BYTES
        self.size_bytes = self.n_frames * FRAME_BYTES
        self._mapping = _sparse(self.size_bytes)
        self.bytes = memoryview(self._mapping)
        self.words = self.bytes.cast("Q")
        self.find = self._mapping.find
        """Like bytes.find, of all RAM and without a copy."""
        self.counts = memoryview(_sparse(self.n_frames * 4)).cast("I")
        self.executable = memoryview(_sparse(self.n_frames))
        """1 for a frame that is or was mapped executable since its translations were last dropped."""
        self.host_address = addressof(c_char.from_buffer(self._mapping))
        self._fresh = 1  # frame 0 is never given out, so 0 can mean "none"
        self._free: list[FrameNr] = []
        self._quarantine: list[FrameNr] = []
        self._low_run = self.n_frames  # runs come from here down
        self._free_runs: list[FrameNr] = []
        self._zero_runs: list[FrameNr] = []  # given back to the host
        self._quarantined_runs: list[FrameNr] = []
        self.retire: Callable[[list[FrameNr]], None] = lambda _frames: None
        """Makes frames unreachable for the CPU (TLB flush, translations dropped); set by the machine."""
        self.on_shortage: Callable[[], bool] = lambda: False
        """Asked when RAM is full: frees something and says so, or says no."""

    def alloc(self) -> FrameNr:
        """A frame of zeros with one owner. Raises OutOfFramesError."""
        if not self._free:
            fresh = self._fresh
            if fresh < self._low_run and len(self._quarantine) < _RECYCLE_FRAMES:
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
        if len(quarantine) >= _GIVE_BACK_FRAMES:
            self._end_quarantine()

    def alloc_run(self) -> FrameNr | int:
        """The first of 512 neighbouring frames of zeros, which starts at 2 MiB; 0 where none is to be had.

        The last eighth of RAM is not given out so: a run that is hardly used is no use.
        """
        if not self._free_runs and len(self._quarantined_runs) >= _RECYCLE_RUNS:
            self._end_run_quarantine()
        if self._free_runs:
            run = self._free_runs.pop()
            self.bytes[run << 12 : (run << 12) + _RUN_BYTES] = bytes(_RUN_BYTES)
        elif self._zero_runs:
            run = self._zero_runs.pop()
        else:
            low = self._low_run - RUN_FRAMES & -RUN_FRAMES
            if low - self._fresh < self.n_frames >> 3:
                return _NO_RUN
            self._free.extend(range(low + RUN_FRAMES, self._low_run))  # type: ignore[arg-type]
            self._low_run = run = low  # type: ignore[assignment]
        self.counts[run] = 1
        return run

    def is_whole(self, run: FrameNr) -> bool:
        """Whether a run that a 2 MiB page shows is shown by nothing else."""
        return self.counts[run + 1] == 0

    def split_run(self, run: FrameNr) -> None:
        """From now on each frame of the run is counted by itself."""
        counts = self.counts
        if counts[run + 1] == 0:
            counts[run : run + RUN_FRAMES] = memoryview(counts[run].to_bytes(4, "little") * RUN_FRAMES).cast("I")

    def release_run(self, run: FrameNr) -> None:
        """One 2 MiB page less."""
        counts = self.counts
        if counts[run + 1]:
            self.release_all(list(range(run, run + RUN_FRAMES)))  # type: ignore[arg-type]
            return
        counts[run] -= 1
        if counts[run] == 0:
            self._quarantined_runs.append(run)
            if len(self._quarantined_runs) >= 2 * _RECYCLE_RUNS:
                self._end_run_quarantine()

    def frame(self, frame: FrameNr) -> memoryview:
        """The frame's 4096 bytes."""
        start = frame << 12
        return self.bytes[start : start + FRAME_BYTES]

    @property
    def n_used(self) -> int:
        """Frames that have an owner."""
        n_runs = len(self._free_runs) + len(self._zero_runs) + len(self._quarantined_runs)
        n_given = self._fresh - 1 + self.n_frames - self._low_run
        return n_given - len(self._free) - len(self._quarantine) - n_runs * RUN_FRAMES

    def _refill(self) -> None:
        """Put frames on the free list: from the quarantine, a free run, or whoever gives memory back."""
        if not self._quarantine:
            if self._break_run():
                return
            if not self.on_shortage():
                raise OutOfFramesError
        self._end_quarantine()
        if not self._free and not self._break_run():
            raise OutOfFramesError

    def _break_run(self) -> bool:
        if self._quarantined_runs:
            self._end_run_quarantine()
        runs = self._zero_runs or self._free_runs
        if not runs:
            return False
        run = runs.pop()
        self._free.extend(range(run, run + RUN_FRAMES))  # type: ignore[arg-type]
        return True

    def _end_quarantine(self) -> None:
        """Retire what was released. Of very much, whole runs are made: the host gets them back."""
        frames = self._quarantine
        self._quarantine = []  # whoever iterates over the old list (release_all) has finished
        self.retire(frames)
        self._free.extend(frames)
        if len(self._free) >= _GIVE_BACK_FRAMES:
            self._join_runs()

    def _join_runs(self) -> None:
        """Find the whole runs among the free frames, and give them back."""
        free = self._free
        free.sort()
        rest: list[FrameNr] = []
        whole: list[FrameNr] = []
        at = 0
        while at < len(free):
            first = free[at]
            last = at + RUN_FRAMES - 1
            if first % RUN_FRAMES == 0 and last < len(free) and free[last] == first + RUN_FRAMES - 1:
                whole.append(first)
                at += RUN_FRAMES
            else:
                following = bisect_left(free, (first | RUN_FRAMES - 1) + 1, at)
                rest += free[at:following]
                at = following
        free[:] = rest
        self._give_back(whole)

    def _end_run_quarantine(self) -> None:
        runs = self._quarantined_runs
        self._quarantined_runs = []
        self.retire([])
        n_kept = max(_RECYCLE_RUNS - len(self._free_runs), 0)
        self._free_runs += runs[:n_kept]
        self._give_back(runs[n_kept:])

    def _give_back(self, runs: list[FrameNr]) -> None:
        """Runs are zeros again for the host's mapping, and no memory of it."""
        for run in runs:
            self._mapping.madvise(mmap.MADV_DONTNEED, run << 12, _RUN_BYTES)
        self._zero_runs += runs


def _sparse(size_bytes: int) -> mmap.mmap:
    """Private, zero, not reserved: Python's own default would be a shared mapping."""
    return mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)
