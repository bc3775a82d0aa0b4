"""Who runs next, who sleeps, and what the host has to say before that."""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]  # collections itself costs a start 1 ms
from _heapq import heappop, heappush

from pyuk.wait import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Clock
    from pyuk.kernel.task import Task
    from pyuk.wait.park import Operation, Park, WouldBlock
    from pyuk.wait.queue import WaitQueue


class Sleep:
    """A task that sleeps in a system call. It is what wait queues hold: `wake` makes the task ready.

    Invariant: it is in all its queues, in the host table under its descriptor, and among the timers
    exactly while the task is not ready.
    """

    __slots__ = (
        "arguments", "deadline_ns", "events", "host_fd", "is_over", "is_timed_out", "number", "operation", "queues",
        "scheduler", "task",
    )  # fmt: skip

    def __init__(
        self, scheduler: Scheduler, task: Task, park: Park, number: int, arguments: tuple[int, ...]
    ) -> None:
        """number, arguments: the call's, for a restart and for the tracer."""
        self.scheduler = scheduler
        self.task = task
        self.operation: Operation = park.operation
        self.queues: tuple[WaitQueue, ...] = tuple(park.queues)
        self.deadline_ns = park.deadline_ns
        self.host_fd = park.host_fd
        self.events = park.events
        self.number = number
        self.arguments = arguments
        self.is_timed_out = False
        self.is_over = True  # not enqueued yet

    def enqueue(self) -> None:
        """Begin to wait."""
        self.is_over = False
        for queue in self.queues:
            queue.add(self)
        if self.host_fd >= 0:
            self.scheduler.host_sleeps.setdefault(self.host_fd, []).append(self)
        if self.deadline_ns is not None:
            self.scheduler.at(self.deadline_ns, self._time_out)

    def wait_again(self, blocked: WouldBlock) -> None:
        """The step came to nothing: wait for what it says now."""
        self.queues = () if blocked.queue is None else (blocked.queue,)
        self.host_fd, self.events = blocked.host_fd, blocked.events
        self.enqueue()

    def wake(self) -> None:
        """Look again when it is this task's turn."""
        if not self.is_over:
            self.dequeue()
            self.scheduler.make_ready(self.task)

    def dequeue(self) -> None:
        """Wait no more. A timer that is left finds `is_over` and does nothing."""
        self.is_over = True
        for queue in self.queues:
            queue.remove(self)
        waiting = self.scheduler.host_sleeps.get(self.host_fd)
        if waiting is not None and self in waiting:
            waiting.remove(self)
            if not waiting:
                del self.scheduler.host_sleeps[self.host_fd]

    def _time_out(self) -> None:
        if not self.is_over:
            self.is_timed_out = True
            self.wake()


class Scheduler:
    """A FIFO of ready tasks, timers by deadline, and the host descriptors that tasks wait for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ready: deque[Task] = deque()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._n_timers = 0
        self.host_sleeps: dict[int, list[Sleep]] = {}

    def make_ready(self, task: Task) -> None:
        """Put a task at the end of the queue; a stopped one comes there when it goes on."""
        if not task.is_ready and not task.process.is_stopped:
            task.is_ready = True
            self._ready.append(task)

    def withdraw(self, task: Task) -> None:
        """The task shall not run: it has ended or is stopped."""
        if task.is_ready:
            task.is_ready = False
            self._ready.remove(task)

    def at(self, deadline_ns: int, act: Callable[[], None]) -> None:
        """Call `act` when the monotonic clock has reached the deadline."""
        self._n_timers += 1
        heappush(self._timers, (deadline_ns, self._n_timers, act))

    @property
    def has_others(self) -> bool:
        """Whether somebody waits for the CPU."""
        return bool(self._ready)

    def next(self) -> Task | None:
        """The task whose turn it is; sleeps in the host while there is none. None: nobody can ever run again."""
        while not self._ready:
            if not self._timers and not self.host_sleeps and not host.can_be_interrupted():
                return None
            self._look(wait=True)
        task: Task = self._ready.popleft()
        task.is_ready = False
        return task

    def look(self) -> None:
        """Between slices: make ready whose time or whose descriptor has come."""
        if self._timers or self.host_sleeps:
            self._look(wait=False)

    def _look(self, *, wait: bool) -> None:
        timeout_ns: int | None = 0
        if wait:
            timeout_ns = max(0, self._timers[0][0] - self._clock.monotonic_ns()) if self._timers else None
        if self.host_sleeps or timeout_ns is None:
            wanted: dict[int, int] = {}
            for fd, sleeps in self.host_sleeps.items():
                for sleep in sleeps:
                    wanted[fd] = wanted.get(fd, 0) | sleep.events
            for fd in host.wait(wanted, timeout_ns):
                for sleep in list(self.host_sleeps.get(fd, ())):
                    sleep.wake()
        elif timeout_ns:
            self._clock.sleep_ns(timeout_ns)
        if self._timers:
            now_ns = self._clock.monotonic_ns()
            while self._timers and self._timers[0][0] <= now_ns:
                heappop(self._timers)[2]()
