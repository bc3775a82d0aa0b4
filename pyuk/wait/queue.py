"""Wait queues: who sleeps until one thing changes (a pipe, a child, a futex)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Waiter(Protocol):
        """Somebody who can be told that it is worth looking again. Being told twice does no harm."""

        def wake(self) -> None: ...


class WaitQueue:
    """Waiters in the order in which they came. A wake-up says only "look again": it hands nothing over."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: dict[Waiter, None] = {}

    def add(self, waiter: Waiter) -> None:
        """Begin to wait."""
        self._waiters[waiter] = None

    def remove(self, waiter: Waiter) -> None:
        """Stop waiting; no error if it did not wait here."""
        self._waiters.pop(waiter, None)

    def wake(self, n_most: int | None = None) -> int:
        """Wake the first n_most waiters, or all; they leave the queue themselves. Gives their number."""
        waiters = list(self._waiters)[:n_most]
        for waiter in waiters:
            waiter.wake()
        return len(waiters)

    def __len__(self) -> int:
        return len(self._waiters)
