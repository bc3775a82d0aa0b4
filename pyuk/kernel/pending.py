"""Signals that have been sent and not yet acted on (struct sigpending): a mask, and the siginfos of each."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyuk.kernel.signals import Siginfo

FIRST_REALTIME = 32
"""The kernel's SIGRTMIN: these are queued, the others pend once. glibc keeps 32 and 33 for itself."""


class PendingSignals:
    """Invariant: bit signo - 1 of `mask` is set exactly when there is a siginfo for signo."""

    __slots__ = ("_infos", "mask")

    def __init__(self) -> None:
        self.mask = 0
        self._infos: dict[int, list[Siginfo]] = {}

    def add(self, info: Siginfo) -> None:
        """Keep one more; a standard signal that pends already is not kept twice."""
        bit = 1 << (info.signo - 1)
        if not self.mask & bit:
            self._infos[info.signo] = [info]
            self.mask |= bit
        elif info.signo >= FIRST_REALTIME:
            self._infos[info.signo].append(info)

    def take(self, signo: int) -> Siginfo:
        """The oldest of a signal that pends."""
        infos = self._infos[signo]
        info = infos.pop(0)
        if not infos:
            del self._infos[signo]
            self.mask &= ~(1 << (signo - 1))
        return info

    @property
    def n_queued(self) -> int:
        """How many siginfos are kept."""
        return sum(map(len, self._infos.values()))

    def holds(self, info: Siginfo) -> bool:
        """Whether this very siginfo still pends."""
        return info in self._infos.get(info.signo, ())

    def infos(self) -> Iterator[Siginfo]:
        """All of them, roughly in the order in which they came."""
        for infos in self._infos.values():
            yield from infos

    def discard(self, signals: Iterable[int]) -> None:
        """Take signals back."""
        for signo in signals:
            if self._infos.pop(signo, None) is not None:
                self.mask &= ~(1 << (signo - 1))
