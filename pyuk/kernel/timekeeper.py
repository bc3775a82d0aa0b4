"""The page from which the vDSO tells the time (kernel/time/timekeeping.c, kernel/time/vsyscall.c).

Time is a line over the time stamp counter: ns = base + (counter - last) * rate. The rate is measured against the clock
that the kernel uses otherwise, first for a fraction of a millisecond, then over an ever longer time. At every look at
the clock, so at the end of a time slice and after each sleep, a new line begins where the clock is; or, where the old
line is ahead of it, on the old line and a little slower. So whoever reads clocks, by the vDSO or by system calls,
never sees one go back.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.protocols import Clock

_HEAD = struct.Struct("<II")
_LINE = struct.Struct("<QQQ")
_OFFSETS = struct.Struct("<12Q")
_RAW_AT, _OFFSETS_AT = _HEAD.size + _LINE.size, _HEAD.size + 2 * _LINE.size
"""struct vvar of guest/vdso/vdso.c: sequence is_usable; the monotonic line and the raw one; offset_ns."""
_FIXED_POINT_BITS = 48
_FIRST_NS = 200_000
"""How long the counter is watched at first: 40 ns of uncertainty are 0.02 %, 1 us in the first time slice."""
_HORIZON_NS = 50_000_000
"""A line that is ahead of its clock is made to meet it after so long."""
_MOST_SLOWER = 0.5
_LONG_NS = 10_000_000_000
"""A rate is measured over one to two times that: a host that corrects its clock changes it slowly."""
_STEP_NS = 1_000
"""Offsets between clocks are constants, but for steps; what is less is the uncertainty of reading them."""


class _Line:
    """One clock over the counter."""

    __slots__ = (
        "_at", "_counter", "_page", "_recent", "_recent_ns", "_start", "_start_ns", "base_ns", "clock_ns", "last",
        "rate",
    )  # fmt: skip

    def __init__(self, clock_ns: Callable[[], int], counter: Callable[[], int], page: memoryview, at: int) -> None:
        """at: where in the page it is told."""
        self.clock_ns = clock_ns
        self._counter = counter
        self._page, self._at = page, at
        self._start, self._start_ns = self._recent, self._recent_ns = self._look()
        while clock_ns() - self._start_ns < _FIRST_NS:
            pass
        self.last, self.base_ns = self._look()
        self.rate = (self.base_ns - self._start_ns << _FIXED_POINT_BITS) // (self.last - self._start)

    def _look(self) -> tuple[int, int]:
        """The counter and the clock at the same time: of several pairs that which took least."""
        counter, clock_ns = self._counter, self.clock_ns
        best = (1 << 63, 0, 0)
        for _ in range(5):
            before = counter()
            now_ns = clock_ns()
            after = counter()
            best = min(best, (after - before, before + after >> 1, now_ns))
        return best[1], best[2]

    def renew(self, *, is_unread: bool = False) -> int:
        """Begin anew where the clock is, or the line; gives the time there.

        is_unread: no guest has run since the line began, so that nobody knows how far it went.
        """
        before = self._counter()
        now_ns = self.clock_ns()
        counter = before + self._counter() >> 1
        line_ns, since = self.base_ns, counter - self.last
        if is_unread:
            counter = max(counter, self.last)
        elif since > 0:
            line_ns += since * self.rate >> _FIXED_POINT_BITS
        else:
            counter = self.last
        rate = (now_ns - self._start_ns << _FIXED_POINT_BITS) // (counter - self._start)
        if line_ns > now_ns:
            rate = int(rate * (1 - min((line_ns - now_ns) / _HORIZON_NS, _MOST_SLOWER)))
            now_ns = line_ns
        elif now_ns - self._recent_ns > _LONG_NS:
            self._start, self._start_ns = self._recent, self._recent_ns
            self._recent, self._recent_ns = counter, now_ns
        self.last, self.base_ns, self.rate = counter, now_ns, rate
        _LINE.pack_into(self._page, self._at, counter, now_ns, rate)
        return now_ns


class Timekeeper:
    """A clock in front of another: what it says is never behind what the vDSO has said."""

    goes_by_itself = True

    def __init__(self, clock: Clock, counter: Callable[[], int], page: memoryview) -> None:
        self._clock = clock
        self._page = page
        self._sequence = 0
        self._monotonic = _Line(clock.monotonic_ns, counter, page, _HEAD.size)
        self._raw = _Line(clock.raw_ns, counter, page, _RAW_AT)
        self._realtime_ns = self._offset(clock.realtime_ns)
        self._boottime_ns = self._offset(clock.boottime_ns)
        self.tai_offset_s = clock.tai_offset_s
        self._raw.renew()
        self._tell_offsets()
        self.monotonic_ns()

    def _offset(self, clock_ns: Callable[[], int]) -> int:
        """How far a clock is ahead of the monotonic one, by the quickest of several looks."""
        best = (1 << 63, 0)
        for _ in range(5):
            before_ns = self._clock.monotonic_ns()
            there_ns = clock_ns()
            after_ns = self._clock.monotonic_ns()
            best = min(best, (after_ns - before_ns, there_ns - (before_ns + after_ns >> 1)))
        return best[1]

    def _tell_offsets(self) -> None:
        real, boot = self._realtime_ns & _MASK, self._boottime_ns & _MASK
        tai = real + self.tai_offset_s * 1_000_000_000 & _MASK
        _OFFSETS.pack_into(self._page, _OFFSETS_AT, real, 0, 0, 0, 0, real, 0, boot, 0, 0, 0, tai)

    @property
    def counter_khz(self) -> int:
        """How fast the counter has been found to go."""
        return (1_000_000 << _FIXED_POINT_BITS) // self._monotonic.rate

    def look(self) -> None:
        """At the end of a time slice: all clocks, also whether somebody has set one."""
        clock = self._clock
        before_ns = clock.monotonic_ns()
        real_ns, boot_ns = clock.realtime_ns(), clock.boottime_ns()
        after_ns = clock.monotonic_ns()
        is_real = real_ns - after_ns - _STEP_NS < self._realtime_ns < real_ns - before_ns + _STEP_NS
        is_boot = boot_ns - after_ns - _STEP_NS < self._boottime_ns < boot_ns - before_ns + _STEP_NS
        if not is_real or not is_boot:
            self._realtime_ns = self._offset(clock.realtime_ns)
            self._boottime_ns = self._offset(clock.boottime_ns)
            self._tell_offsets()
        self._raw.renew()
        self.monotonic_ns()

    def _count(self) -> None:
        self._sequence = self._sequence + 1 & 0xFFFF_FFFF
        _HEAD.pack_into(self._page, 0, self._sequence, 1)

    # The clock

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC. To read it is to begin a new line."""
        now_ns = self._monotonic.renew()
        self._count()
        return now_ns

    def peek_ns(self) -> int:
        """The monotonic clock for the kernel's own use; no new line."""
        return self._clock.peek_ns()

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME."""
        return self.monotonic_ns() + self._realtime_ns

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME."""
        return self.monotonic_ns() + self._boottime_ns

    def raw_ns(self) -> int:
        """CLOCK_MONOTONIC_RAW."""
        now_ns = self._raw.renew()
        self._count()
        return now_ns

    def cpu_ns(self) -> int:
        """CPU time that running guests has taken."""
        return self._clock.cpu_ns()

    def host_ns(self, duration_ns: int) -> int:
        """How long that is on the host's clock."""
        return self._clock.host_ns(duration_ns)

    def wait(self, duration_ns: int | None) -> None:
        """Let that much time pass, or less."""
        lines = (self._monotonic, self._raw)
        for line in lines:
            line.renew()
        self._clock.wait(duration_ns)
        for line in lines:
            line.renew(is_unread=True)
        self._count()


_MASK = (1 << 64) - 1
