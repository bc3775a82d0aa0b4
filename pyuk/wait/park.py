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
    """Nothing can go on now, and this says where a change would be told: in one or more queues.

    events: the poll(2) events that would help, 0 for any. What nobody is told about is looked at again after
    retry_ns; after timeout_ns it is given up, and limit_ns is what the whole call may wait, however often it is woken.
    `done` bytes were moved before that.
    """

    def __init__(
        self, *queues: WaitQueue, events: int = 0, retry_ns: int = 0, timeout_ns: int = 0, limit_ns: int = 0
    ) -> None:
        super().__init__()
        self.queues = queues
        self.events = events
        self.retry_ns = retry_ns
        self.timeout_ns = timeout_ns
        self.limit_ns = limit_ns
        self.done = 0


class Park(Exception):  # noqa: N818
    """Raised by a handler: sleep on the queues and the deadline, whatever comes first.

    deadline_ns: on the monotonic clock, None for no limit. events, retry_ns, timeout_ns: see WouldBlock.
    """

    def __init__(
        self,
        operation: Operation,
        queues: Sequence[WaitQueue] = (),
        *,
        deadline_ns: int | None = None,
        events: int = 0,
        retry_ns: int = 0,
        timeout_ns: int = 0,
    ) -> None:
        super().__init__()
        self.operation = operation
        self.queues = queues
        self.deadline_ns = deadline_ns
        self.events = events
        self.retry_ns = retry_ns
        self.timeout_ns = timeout_ns

    @classmethod
    def after(cls, blocked: WouldBlock, operation: Operation, deadline_ns: int | None = None) -> Park:
        """Wait for what a file waits for."""
        return cls(
            operation, blocked.queues, deadline_ns=deadline_ns, events=blocked.events, retry_ns=blocked.retry_ns,
            timeout_ns=blocked.timeout_ns,
        )  # fmt: skip
