"""What the kernel takes from the host: time and randomness. kernel/virtual.py has what is the same in every run."""

from __future__ import annotations

import os
import time

from pyuk.wait import host


class HostClock:
    """The host's clocks, in nanoseconds."""

    goes_by_itself = True

    @property
    def tai_offset_s(self) -> int:
        """Leap seconds so far; 0 where nobody has told the host's kernel."""
        clock = getattr(time, "CLOCK_TAI", None)
        return 0 if clock is None else round((time.clock_gettime_ns(clock) - time.time_ns()) / 1e9)

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC."""
        return time.monotonic_ns()

    def peek_ns(self) -> int:
        """The monotonic clock, for the kernel's own bookkeeping: no guest sees it."""
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME, or the monotonic clock where the host has none."""
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)

    def raw_ns(self) -> int:
        """CLOCK_MONOTONIC_RAW, or the monotonic clock where the host has none."""
        clock = getattr(time, "CLOCK_MONOTONIC_RAW", None)
        return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)

    def cpu_ns(self) -> int:
        """CPU time that running guests has taken: this process's own."""
        return time.process_time_ns()

    def host_ns(self, duration_ns: int) -> int:
        """How long that is on the host's clock."""
        return duration_ns

    def wait(self, duration_ns: int | None) -> None:
        """Let that much time pass (None: any), or less when the host has something for a guest."""
        host.wait(duration_ns)


class HostRandom:
    """The host's random device."""

    def bytes(self, n_bytes: int) -> bytes:
        """n_bytes of it."""
        return os.urandom(n_bytes)
