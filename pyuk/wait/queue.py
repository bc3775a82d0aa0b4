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


_ALWAYS = 0x18  # POLLERR, POLLHUP


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


class Narrowed(WaitQueue):
    """A queue for one who waits in several, and in each for other events. It takes one waiter at a time."""

    __slots__ = ("_events", "_part", "_queue")

    def __init__(self, queue: WaitQueue, events: int) -> None:
        super().__init__()
        self._queue = queue
        self._events = events
        self._part: _Part | None = None

    def add(self, waiter: Waiter) -> None:
        """See WaitQueue."""
        self._part = _Part(waiter, self._events)
        self._queue.add(self._part)

    def remove(self, waiter: Waiter) -> None:
        """See WaitQueue."""
        if self._part is not None:
            self._queue.remove(self._part)
            self._part = None


class _Part:
    """The waiter as one of its queues sees it."""

    __slots__ = ("_waiter", "events")
    in_line = True
    exclusive = False

    def __init__(self, waiter: Waiter, events: int) -> None:
        self._waiter = waiter
        self.events = events

    def wake(self, events: int) -> bool:
        """What it does not wait for in this queue is nothing to it."""
        if events and self.events and not events & (self.events | _ALWAYS):
            return False
        return self._waiter.wake(0)
