"""Who runs next, who sleeps, and what the host has to say before that."""

from __future__ import annotations

from pyuk.kernel.runqueue import RunQueue
from pyuk.wait import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.protocols import Clock
    from pyuk.kernel.task import Task
    from pyuk.machine.ticker import Ticker
    from pyuk.wait.park import Operation, Park, WouldBlock
    from pyuk.wait.queue import WaitQueue


_ALWAYS = 0x18  # POLLERR, POLLHUP


class Sleep:
    """A task that sleeps in a system call. It is what wait queues hold: `wake` makes the task ready.

    Invariant: it is in all its queues and among the timers exactly while the task is not ready.
    """

    __slots__ = (
        "alarm", "arguments", "deadline_ns", "events", "is_over", "is_timed_out", "number", "operation", "queues",
        "retry_ns", "scheduler", "task", "timeout_ns",
    )  # fmt: skip
    in_line = True
    exclusive = False
    is_stop = False
    """It waits for a tracer (kernel/ptrace.py)."""
    is_special = False
    """Not for an operation: `go_on` says what comes next."""

    def __init__(self, scheduler: Scheduler, task: Task, park: Park, number: int, arguments: tuple[int, ...]) -> None:
        """number, arguments: the call's, for a restart and for the tracer."""
        self.scheduler = scheduler
        self.task = task
        self.operation: Operation = park.operation
        self.queues: tuple[WaitQueue, ...] = tuple(park.queues)
        self.deadline_ns = park.deadline_ns
        self.events = park.events
        self.retry_ns = park.retry_ns
        self.timeout_ns = park.timeout_ns
        self.number = number
        self.arguments = arguments
        self.is_timed_out = False
        self.alarm: Alarm | None = None
        self.is_over = True  # not enqueued yet

    def enqueue(self) -> None:
        """Begin to wait."""
        self.is_over = False
        for queue in self.queues:
            queue.add(self)
        if self.retry_ns:
            self.alarm = self.scheduler.after(self.retry_ns, self._retry)
        elif self.timeout_ns:
            self.alarm = self.scheduler.after(self.timeout_ns, self._time_out)
        elif self.deadline_ns is not None:
            self.alarm = self.scheduler.at(self.deadline_ns, self._time_out)

    def wait_again(self, blocked: WouldBlock) -> None:
        """The step came to nothing: wait for what it says now."""
        self.queues, self.events = blocked.queues, blocked.events
        self.retry_ns, self.timeout_ns = blocked.retry_ns, blocked.timeout_ns
        self.enqueue()
        if self.deadline_ns is not None and self.scheduler.has_passed(self.deadline_ns):
            self._time_out()  # who is woken again and again for nothing gets no older than others

    def wake(self, events: int = 0) -> bool:
        """Look again when it is this task's turn."""
        if self.is_over or (events and self.events and not events & (self.events | _ALWAYS)):
            return False
        self.dequeue()
        self.scheduler.make_ready(self.task)
        return True

    def dequeue(self) -> None:
        """Wait no more."""
        self.is_over = True
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        for queue in self.queues:
            queue.remove(self)

    def go_on(self, kernel: Kernel) -> bool:
        """Of a special one: its task has the CPU again; whether that may go on to user mode."""
        raise NotImplementedError

    def _time_out(self) -> None:
        if not self.is_over:
            self.is_timed_out = True
            self.wake()

    def _retry(self) -> None:
        self.wake()


class Alarm:
    """One entry among the timers; cancelled, it stays there for a while and does nothing."""

    __slots__ = ("_scheduler", "act", "deadline_ns", "number")

    def __init__(self, scheduler: Scheduler, deadline_ns: int, number: int, act: Callable[[], None]) -> None:
        self._scheduler = scheduler
        self.deadline_ns = deadline_ns
        self.number = number
        self.act: Callable[[], None] | None = act

    def __lt__(self, other: Alarm) -> bool:
        """By deadline, and among equals by age."""
        return (self.deadline_ns, self.number) < (other.deadline_ns, other.number)

    def cancel(self) -> None:
        """Do not ring; one that has rung is cancelled without effect."""
        if self.act is not None:
            self.act = None
            self._scheduler.forget_alarm()


_SLICE_NS, _LOOK_NS, _LONG_NS = 6_000_000, 5_000_000, 100_000_000
"""Between ticks: where others are ready, where somebody waits for a descriptor of the host's, where a task is alone.

A signal of the host's to a program that computes is noticed at a tick, too.
"""
_FEW_ALARMS = 64
_N_TURNS = 64
"""After so many turns timers and host are looked at, even where no slice has ended by itself."""


class Scheduler:
    """The tasks that are ready, and timers by deadline."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.has_slept = False
        """In the host, since somebody last asked: the world may have changed."""
        self.is_paused = False
        """Nobody's turn comes until this is taken back."""
        self.n_idle = 0
        """How often nobody was ready."""
        self.n_timer_wakes = 0
        """How often a timer ended that."""
        self.n_rings = 0
        """How often timers whose time had come were acted on."""
        self.queue = RunQueue()
        self.running: Task | None = None
        """Who has the CPU, unless it sleeps."""
        self.ticker: Ticker | None = None
        """What interrupts the running task."""
        self.tick_at_ns = 0
        """When that has planned to do so, on the monotonic clock."""
        self.on_better: Callable[[], object] = lambda: None
        """Called when somebody has become ready to whom the running task is to give way."""
        self._timers: list[Alarm] = []  # a heap; its first is not cancelled
        self._n_timers = 0  # how many there have been
        self._n_cancelled = 0  # of those in the heap
        self._n_turns = 0

    def make_ready(self, task: Task) -> None:
        """A task that has slept, or is new, waits for its turn; a stopped one comes there when it goes on."""
        if not task.is_ready and not task.is_stopped:
            queue, running = self.queue, self.running
            queue.wake(task)
            if self.ticker is not None and self.ticker.is_lazy:
                self._hurry(is_shared=len(queue) > 1)
            if running is not None and running.sleep is None and queue.yields_to(running, is_slice_over=False):
                self.on_better()

    def _hurry(self, *, is_shared: bool) -> None:
        """The ticker has planned for long: have it plan anew, if somebody waits for the CPU or a timer rings before."""
        running, timers = self.running, self._timers
        is_busy = running is not None and running.sleep is None
        if self.ticker is not None and (
            is_shared or (is_busy and self.queue) or (timers and timers[0].deadline_ns < self.tick_at_ns)
        ):  # fmt: skip
            self.ticker.kick()

    def tick_ns(self) -> int:
        """How long the running task may go on. Called in the ticker's thread: what it looks at may change meanwhile."""
        try:
            ns = _SLICE_NS if self.queue else _LOOK_NS if host.is_awaited() else _LONG_NS
            if self._timers:
                ns = min(ns, max(0, self._timers[0].deadline_ns - self.clock.peek_ns()))
        except (RuntimeError, IndexError):  # it has changed
            return _SLICE_NS
        return ns

    def put_back(self, task: Task, *, first: bool) -> None:
        """The task that has run is still ready. first: it was interrupted by a better one."""
        if not task.is_ready and not task.is_stopped:
            self.queue.add(task, first=first)

    def withdraw(self, task: Task) -> None:
        """The task shall not run: it has ended or is stopped."""
        if task.is_ready:
            self.queue.remove(task)

    def forget(self, task: Task) -> None:
        """The task has ended."""
        self.withdraw(task)
        if self.running is task:
            self.running = None

    def requeue(self, task: Task) -> None:
        """Its policy, priority or nice value has changed."""
        if task.is_ready:
            self.queue.remove(task)
            self.queue.add(task)
        running = self.running
        if running is not None and running.sleep is None and self.queue.yields_to(running, is_slice_over=False):
            self.on_better()

    def at(self, deadline_ns: int, act: Callable[[], None]) -> Alarm:
        """Call `act` when the monotonic clock has reached the deadline."""
        from _heapq import heappush  # noqa: PLC0415  # a shared library to load; most programs set no timer

        self._n_timers += 1
        alarm = Alarm(self, deadline_ns, self._n_timers, act)
        heappush(self._timers, alarm)
        ticker, running = self.ticker, self.running
        is_busy = self.queue or (running is not None and running.sleep is None)
        if ticker is not None and ticker.is_lazy and is_busy and deadline_ns < self.tick_at_ns:
            ticker.kick()
        return alarm

    def has_passed(self, deadline_ns: int) -> bool:
        """Whether the monotonic clock has reached a deadline."""
        return self.clock.peek_ns() >= deadline_ns

    def after(self, duration_ns: int, act: Callable[[], None]) -> Alarm:
        """Call `act` that much later."""
        return self.at(self.clock.monotonic_ns() + duration_ns, act)

    def forget_alarm(self) -> None:
        """One more is cancelled; the heap is made anew when most of it is."""
        from _heapq import heapify, heappop  # noqa: PLC0415

        self._n_cancelled += 1
        timers = self._timers
        if self._n_cancelled > _FEW_ALARMS and 2 * self._n_cancelled > len(timers):
            timers[:] = [alarm for alarm in timers if alarm.act is not None]
            heapify(timers)
            self._n_cancelled = 0
        while timers and timers[0].act is None:
            heappop(timers)
            self._n_cancelled -= 1

    @property
    def has_others(self) -> bool:
        """Whether somebody waits for the CPU."""
        return len(self.queue) != 0

    @property
    def n_ready(self) -> int:
        """How many wait for the CPU."""
        return len(self.queue)

    def left_ns(self) -> int | None:
        """How long it is until the first timer rings, None: there is none. The clock does not advance by that."""
        return max(0, self._timers[0].deadline_ns - self.clock.peek_ns()) if self._timers else None

    def next(self) -> Task | None:
        """The task whose turn it is, None: nobody is ready."""
        if not self.queue:
            return None
        self._n_turns += 1
        if not self._n_turns % _N_TURNS:
            self.look()
        return self.queue.pop()

    def wait(self) -> bool:
        """Sleep in the host until somebody is ready. False: nobody can ever run again, or all are paused."""
        while not self.queue:
            if self.is_paused or not (self._timers or host.is_awaited() or host.can_be_interrupted()):
                return False
            self._wait()
        return True

    def look(self) -> None:
        """Make ready whose time or whose descriptor has come."""
        host.look()
        if self._timers:
            self._ring()

    def _wait(self) -> None:
        """Nobody is ready: until the first timer, or until the host has something."""
        timeout_ns = max(0, self._timers[0].deadline_ns - self.clock.monotonic_ns()) if self._timers else None
        self.n_idle += 1
        self.clock.wait(timeout_ns)
        self.has_slept = True
        n_before = self.n_rings
        self._ring()
        self.n_timer_wakes += self.n_rings - n_before

    def _ring(self) -> None:
        """Act on the timers whose time has come."""
        if self._timers:
            from _heapq import heappop  # noqa: PLC0415

            now_ns = self.clock.monotonic_ns()
            self.n_rings += self._timers[0].deadline_ns <= now_ns
            while self._timers and self._timers[0].deadline_ns <= now_ns:
                alarm: Alarm = heappop(self._timers)
                act, alarm.act = alarm.act, None
                if act is not None:
                    act()
                else:
                    self._n_cancelled -= 1
