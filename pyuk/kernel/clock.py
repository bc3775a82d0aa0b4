"""Where time comes from: the host, or a clock that stands still until something moves it."""

from __future__ import annotations

import time

from pyuk.wait import host

_NS = 1_000_000_000


class HostClock:
    """The host's clocks, in nanoseconds."""

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC."""
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME, or the monotonic clock where the host has none."""
        clock = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic_ns() if clock is None else time.clock_gettime_ns(clock)

    def cpu_ns(self) -> int:
        """CPU time that running guests has taken: this process's own."""
        return time.process_time_ns()

    def sleep_ns(self, duration_ns: int) -> None:
        """Let that much time pass, or less when a signal for a guest comes."""
        host.wait({}, duration_ns)


class VirtualClock:
    """Starts at a given time and advances by `step_ns` each time it is read, so that nothing waits for ever."""

    def __init__(self, start_ns: int = 1_700_000_000 * _NS, step_ns: int = 1_000) -> None:
        self._realtime_ns = start_ns
        self._monotonic_ns = _NS
        self._step_ns = step_ns

    def _advance(self) -> None:
        self._realtime_ns += self._step_ns
        self._monotonic_ns += self._step_ns

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME."""
        self._advance()
        return self._realtime_ns

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC."""
        self._advance()
        return self._monotonic_ns

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME: the machine never sleeps."""
        return self.monotonic_ns()

    def cpu_ns(self) -> int:
        """All time is CPU time here."""
        return self.monotonic_ns() - _NS

    def sleep_ns(self, duration_ns: int) -> None:
        """Move on at once."""
        self._realtime_ns += duration_ns
        self._monotonic_ns += duration_ns
