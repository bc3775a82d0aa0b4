"""How a system call sleeps: as data, not as a suspended frame.

The handler has read its arguments once. What remains is an Operation; a wake-up calls its `step`. So
a sleeping task can be listed, killed, interrupted or timed out, and nothing is read twice.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    from pyuk.wait.queue import WaitQueue

    class Operation(Protocol):
        """What is left of a call. Each gives the call's result or raises SyscallError; `step` may raise WouldBlock."""

        def step(self) -> int: ...
        def interrupted(self) -> int: ...
        def timed_out(self) -> int: ...
        def close(self) -> None: ...


class WouldBlock(Exception):  # noqa: N818  # no error: the call waits
    """A file cannot go on now, and says what has to change first: a queue, or a host descriptor.

    `done` bytes were moved before that.
    """

    def __init__(self, queue: WaitQueue | None = None, *, host_fd: int = -1, events: int = 0) -> None:
        super().__init__()
        self.queue = queue
        self.host_fd = host_fd
        self.events = events
        self.done = 0


class Park(Exception):  # noqa: N818
    """Raised by a handler: sleep on the queues, the host descriptor and the deadline, whatever comes first.

    deadline_ns: on the monotonic clock, None for no limit.
    """

    def __init__(
        self,
        operation: Operation,
        queues: Sequence[WaitQueue] = (),
        *,
        deadline_ns: int | None = None,
        host_fd: int = -1,
        events: int = 0,
    ) -> None:
        super().__init__()
        self.operation = operation
        self.queues = queues
        self.deadline_ns = deadline_ns
        self.host_fd = host_fd
        self.events = events

    @classmethod
    def after(cls, blocked: WouldBlock, operation: Operation) -> Park:
        """Wait for what a file waits for."""
        queues = () if blocked.queue is None else (blocked.queue,)
        return cls(operation, queues, host_fd=blocked.host_fd, events=blocked.events)
