"""Wait queues: who waits until one thing changes (a pipe, a child, a futex)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Waiter(Protocol):
        """Somebody who can be told that it is worth looking again. Being told twice does no harm."""

        @property
        def events(self) -> int:
            """The poll(2) events that it wants to be told about, among other bits; 0 for any."""

        @property
        def in_line(self) -> bool:
            """Whether it is told in its turn; the others are told before, the last to come first."""

        @property
        def exclusive(self) -> bool:
            """Whether one of this kind is enough: when it takes a wake-up, no other exclusive one is told.

            It stands in line.
            """

        def wake(self, events: int) -> bool:
            """Look again. events: the poll(2) events that have come, 0 for anything. Gives whether it will."""


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

    def wake(self, events: int = 0) -> None:
        """Wake all, but of the exclusive waiters only the first that has a use for the events.

        They leave the queue themselves.
        """
        if self._waiters:
            waiters = tuple(self._waiters)
            for waiter in reversed(waiters):
                if not waiter.in_line:
                    waiter.wake(events)
            taken = False
            for waiter in waiters:
                if waiter.in_line and not (taken and waiter.exclusive):
                    taken |= waiter.wake(events) and waiter.exclusive

    def wake_one(self, events: int = 0) -> None:
        """Wake the first that has a use for it."""
        for waiter in tuple(self._waiters):
            if waiter.wake(events):
                return

    def __len__(self) -> int:
        return len(self._waiters)
