"""Resource limits of a process (getrlimit(2)): soft and hard, in the units each resource has."""

from __future__ import annotations

from pyuk.abi.resource import (
    RLIM64_INFINITY,
    RLIM_NLIMITS,
    RLIMIT_CORE,
    RLIMIT_MEMLOCK,
    RLIMIT_MSGQUEUE,
    RLIMIT_NICE,
    RLIMIT_NOFILE,
    RLIMIT_NPROC,
    RLIMIT_RTPRIO,
    RLIMIT_SIGPENDING,
    RLIMIT_STACK,
)  # fmt: skip

_DEFAULTS = {
    RLIMIT_STACK: (8 << 20, RLIM64_INFINITY),
    RLIMIT_CORE: (0, RLIM64_INFINITY),
    RLIMIT_NPROC: (4096, 4096),
    RLIMIT_NOFILE: (1024, 1 << 20),
    RLIMIT_MEMLOCK: (8 << 20, 8 << 20),
    RLIMIT_SIGPENDING: (4096, 4096),
    RLIMIT_MSGQUEUE: (819200, 819200),
    RLIMIT_NICE: (0, 0),
    RLIMIT_RTPRIO: (0, 0),
}
"""What pyuk's first process has unless told otherwise; after Linux's INIT_RLIMITS and Debian's session defaults."""


class Limits:
    """`soft[r]` and `hard[r]` by RLIMIT number; soft <= hard, RLIM64_INFINITY is no limit."""

    __slots__ = ("hard", "soft")

    def __init__(self, given: dict[int, tuple[int, int]] | None = None) -> None:
        infinite = (RLIM64_INFINITY, RLIM64_INFINITY)
        chosen = _DEFAULTS if given is None else {**_DEFAULTS, **given}
        self.soft = [chosen.get(resource, infinite)[0] for resource in range(RLIM_NLIMITS)]
        self.hard = [chosen.get(resource, infinite)[1] for resource in range(RLIM_NLIMITS)]

    def copy(self) -> Limits:
        """A child's own, equal at first."""
        twin = Limits.__new__(Limits)
        twin.soft, twin.hard = self.soft.copy(), self.hard.copy()
        return twin
