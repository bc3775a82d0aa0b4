"""Time and randomness that are the same in every run."""

from __future__ import annotations

from hashlib import sha256

from pyuk.wait import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_NS = 1_000_000_000
START_NS = 1_700_000_000 * _NS
"""CLOCK_REALTIME at the start: 2023-11-14."""
_TICK_NS = 5_000_000
NS_PER_BLOCK = 5
"""What a block of code takes, some five instructions."""


class VirtualClock:
    """Starts at a given time and advances by `step_ns` each time it is read, so that nothing waits for ever."""

    goes_by_itself = False
    tai_offset_s = 0

    def __init__(self, start_ns: int = START_NS, step_ns: int = 1_000) -> None:
        self._realtime_ns = start_ns
        self._monotonic_ns = _NS
        self._step_ns = step_ns
        self._slept_ns = 0

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

    def peek_ns(self) -> int:
        """The monotonic clock, which does not advance by that."""
        return self._monotonic_ns

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME: the machine never sleeps."""
        return self.monotonic_ns()

    raw_ns = monotonic_ns
    """CLOCK_MONOTONIC_RAW: nobody corrects it."""

    def cpu_ns(self) -> int:
        """All time that nobody slept through."""
        return self.monotonic_ns() - _NS - self._slept_ns

    def host_ns(self, _duration_ns: int) -> int:
        """How long that is on the host's clock: unknown, so not long."""
        return _TICK_NS

    def wait(self, duration_ns: int | None) -> None:
        """Move on at once. Only where no time would end it, the host is waited for."""
        if duration_ns is None:
            host.wait(None)
            return
        host.look()
        self._slept_ns += duration_ns
        self._realtime_ns += duration_ns
        self._monotonic_ns += duration_ns


class BlockClock(VirtualClock):
    """Advances with the blocks of code that guests execute, too."""

    def __init__(self, n_executed: Callable[[], int], start_ns: int = START_NS, step_ns: int = 100) -> None:
        super().__init__(start_ns, step_ns)
        self._n_executed = n_executed
        self._n_seen = n_executed()

    def _advance(self) -> None:
        n_executed = self._n_executed()
        passed_ns = (n_executed - self._n_seen) * NS_PER_BLOCK + self._step_ns
        self._n_seen = n_executed
        self._realtime_ns += passed_ns
        self._monotonic_ns += passed_ns

    def peek_ns(self) -> int:
        """The monotonic clock, which does not advance by that."""
        return self._monotonic_ns + (self._n_executed() - self._n_seen) * NS_PER_BLOCK


class SeededRandom:
    """A repeatable stream: SHA-256 of the seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counter = 0

    def bytes(self, n_bytes: int) -> bytes:
        """The next n_bytes of the stream."""
        made = b""
        while len(made) < n_bytes:
            made += sha256(f"pyuk {self._seed} {self._counter}".encode()).digest()
            self._counter += 1
        return made[:n_bytes]
