"""The host's clocks, set to another time or made to go faster or slower."""

from __future__ import annotations

from datetime import UTC

from pyuk.kernel.host import HostClock

_FIXED_POINT_BITS = 32


class ShiftedClock(HostClock):
    """CLOCK_REALTIME begins at a given time; all but the clocks of CPU time go `scale` times as fast as the host's."""

    def __init__(self, start_ns: int | None = None, scale: float = 1.0) -> None:
        """start_ns: since 1970; None for the host's time. scale: above 0."""
        self._scale = max(1, int(scale * (1 << _FIXED_POINT_BITS)))
        self._start_ns = super().monotonic_ns()
        self._realtime_start_ns = super().realtime_ns() if start_ns is None else start_ns
        self._boottime_start_ns = super().boottime_ns()
        self._raw_start_ns = super().raw_ns()

    def _passed(self, host_ns: int) -> int:
        return host_ns * self._scale >> _FIXED_POINT_BITS

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC."""
        return self._start_ns + self._passed(super().monotonic_ns() - self._start_ns)

    def peek_ns(self) -> int:
        """The same."""
        return self.monotonic_ns()

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME; nobody sets it."""
        return self._realtime_start_ns + self._passed(super().monotonic_ns() - self._start_ns)

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME."""
        return self._boottime_start_ns + self._passed(super().boottime_ns() - self._boottime_start_ns)

    def raw_ns(self) -> int:
        """CLOCK_MONOTONIC_RAW."""
        return self._raw_start_ns + self._passed(super().raw_ns() - self._raw_start_ns)

    def host_ns(self, duration_ns: int) -> int:
        """How long that is on the host's clock."""
        return (duration_ns << _FIXED_POINT_BITS) // self._scale + 1

    def wait(self, duration_ns: int | None) -> None:
        """Let that much of its time pass, or less."""
        super().wait(None if duration_ns is None else self.host_ns(duration_ns))


def parse_date(text: str) -> int:
    """Nanoseconds since 1970 of a date in ISO 8601 (UTC where it does not say), or of "@SECONDS". Raises ValueError."""
    from datetime import datetime  # noqa: PLC0415

    try:
        now = datetime.fromtimestamp(float(text[1:]), UTC) if text.startswith("@") else datetime.fromisoformat(text)
        if now.tzinfo is None:
            now = now.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"--time {text}: no date such as 2024-02-29, 2024-02-29T12:30:00 or @1700000000") from None
    since = now - datetime(1970, 1, 1, tzinfo=UTC)
    if since.days < 0:
        raise ValueError(f"--time {text}: before 1970")
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def parse_scale(text: str) -> float:
    """A factor for the clocks' speed, from a millionth to a million. Raises ValueError."""
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 1e-6 <= scale <= 1e6:  # noqa: PLR2004
        raise ValueError(f"--time-scale {text}: no factor from 0.000001 to 1000000")
    return scale
