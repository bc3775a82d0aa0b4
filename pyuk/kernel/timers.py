"""Timers of a process (setitimer(2), timer_create(2)) and its CPU time: what it has used, and what it may use.

A timer on a clock of time is an entry of the scheduler; one on CPU time is looked at when time is charged.
"""

from __future__ import annotations

from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_CPU
from pyuk.abi.signal import SI_KERNEL, SI_TIMER, SIGALRM, SIGKILL, SIGPROF, SIGVTALRM, SIGXCPU
from pyuk.abi.time import ITIMER_REAL, ITIMER_VIRTUAL, NSEC_PER_SEC
from pyuk.kernel.signals import Siginfo, send, send_process
from pyuk.kernel.usage import process_times

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.scheduler import Alarm
    from pyuk.kernel.task import Process, Task

_SHORTEST_NS = 50_000  # a shorter interval is counted, not waited for
_ITIMER_SIGNALS = (SIGALRM, SIGVTALRM, SIGPROF)


class CpuTime:
    """How much CPU time a task or a process has had; a wall clock where there is neither."""

    __slots__ = ("is_user", "kernel", "process", "task")

    def __init__(
        self, kernel: Kernel, process: Process | None = None, task: Task | None = None, *, is_user: bool = False
    ) -> None:
        """is_user: of the process's time, what it was not in the kernel."""
        self.kernel = kernel
        self.process = process
        self.task = task
        self.is_user = is_user

    @property
    def is_wall(self) -> bool:
        """It goes on by itself."""
        return self.process is None and self.task is None

    def now_ns(self) -> int:
        """The time as it is now."""
        if self.is_wall:
            return self.kernel.clock.monotonic_ns()
        self.kernel.charge()
        return self.charged_ns()

    def charged_ns(self) -> int:
        """CPU time as charged."""
        if self.task is not None:
            return self.task.usage.cpu_ns
        assert self.process is not None  # noqa: S101  # it would be a wall clock
        return process_times(self.process)[0] if self.is_user else cpu_ns(self.process)


def cpu_ns(process: Process) -> int:
    """What all threads of a process have had, those included that have ended; as charged."""
    return process.ended.cpu_ns + sum(task.usage.cpu_ns for task in process.tasks)


class Timer:
    """Calls `expire` when its clock has reached the deadline, and every interval after that.

    Invariant: armed exactly while `deadline_ns` is not None. `owner` is whose CPU time it may watch.
    """

    __slots__ = ("_alarm", "clock", "deadline_ns", "expire", "interval_ns", "owner")

    def __init__(self, owner: Process, clock: CpuTime, expire: Callable[[], None]) -> None:
        self.owner = owner
        self.clock = clock
        self.expire = expire
        self.deadline_ns: int | None = None
        self.interval_ns = 0
        self._alarm: Alarm | None = None

    def arm(self, deadline_ns: int, interval_ns: int) -> None:
        """Begin, instead of what was before."""
        self.disarm()
        self.deadline_ns, self.interval_ns = deadline_ns, interval_ns
        if self.clock.is_wall:
            self._alarm = self.clock.kernel.scheduler.at(deadline_ns, self.ring)
        else:
            self.owner.cpu_timers.append(self)

    def disarm(self) -> None:
        """Stop."""
        if self.deadline_ns is None:
            return
        self.deadline_ns = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        else:
            self.owner.cpu_timers.remove(self)

    def left_ns(self) -> int:
        """Time to the deadline, at least 1 while it is armed and 0 when it is not."""
        return 0 if self.deadline_ns is None else max(1, self.deadline_ns - self.clock.now_ns())

    def ring(self) -> None:
        """The deadline has come."""
        deadline_ns, interval_ns = self.deadline_ns or 0, self.interval_ns
        self.disarm()
        if interval_ns:
            late_ns = self.clock.now_ns() + _SHORTEST_NS - deadline_ns if interval_ns < _SHORTEST_NS else 0
            late_ns = max(late_ns, self.clock.now_ns() - deadline_ns)
            self.arm(deadline_ns + (late_ns // interval_ns + 1) * interval_ns, interval_ns)
        self.expire()


def interval_timer(process: Process, which: int) -> Timer:
    """ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF."""
    timer = process.interval_timers.get(which)
    if timer is None:
        kernel = process.tasks[0].kernel
        clock = CpuTime(kernel) if which == ITIMER_REAL else CpuTime(kernel, process, is_user=which == ITIMER_VIRTUAL)
        info = Siginfo(_ITIMER_SIGNALS[which], SI_KERNEL)
        timer = process.interval_timers[which] = Timer(process, clock, lambda: send_process(process, info))
    return timer


class TimerSiginfo(Siginfo):
    """What a POSIX timer tells: the overruns are counted when the signal is taken."""

    __slots__ = ("expired_ns", "overrun", "timer")

    def __init__(self, timer: PosixTimer, expired_ns: int) -> None:
        super().__init__(timer.signo, SI_TIMER)
        self.timer = timer
        self.expired_ns = expired_ns
        self.overrun: int | None = None

    def pack(self) -> bytes:
        """si_timerid, si_overrun, si_value."""
        from pyuk.abi.structs import SIGINFO_TIMER  # noqa: PLC0415

        timer = self.timer.timer
        if self.overrun is None:
            late_ns = timer.clock.now_ns() - self.expired_ns
            self.overrun = min(late_ns // timer.interval_ns, (1 << 31) - 1) if timer.interval_ns else 0
            self.timer.overrun = self.overrun
        return SIGINFO_TIMER.pack((self.signo, 0, SI_TIMER), self.timer.number, self.overrun, self.timer.value)


class PosixTimer:
    """timer_create(2): a timer and whom it tells what."""

    __slots__ = ("_told", "is_realtime", "number", "overrun", "process", "signo", "target", "timer", "value")

    def __init__(self, process: Process, number: int, clock: CpuTime, signo: int, value: int) -> None:
        """signo 0: nobody is told (SIGEV_NONE)."""
        self.process = process
        self.number = number
        self.signo = signo
        self.value = value
        self.target: Task | None = None
        """The thread that is told (SIGEV_THREAD_ID); None: the process."""
        self.is_realtime = False
        """Absolute times are CLOCK_REALTIME's."""
        self.overrun = 0
        """Of the last signal that was delivered."""
        self.timer = Timer(process, clock, self._expire)
        self._told: TimerSiginfo | None = None

    def _expire(self) -> None:
        if not self.signo:
            return
        process, target = self.process, self.target
        if target is not None and target not in process.tasks:
            return
        if self._told is not None and self._told.overrun is None:
            pending = process.pending if target is None else target.pending
            if pending.holds(self._told):
                return  # it will tell of this one too
        timer = self.timer
        expired_ns = timer.clock.now_ns() if timer.deadline_ns is None else timer.deadline_ns - timer.interval_ns
        self._told = info = TimerSiginfo(self, expired_ns)
        if target is None:
            send_process(process, info)
        else:
            send(target, info)


def check_cpu(process: Process) -> None:
    """CPU time has been charged: ring timers, and enforce RLIMIT_CPU (kernel/time/posix-cpu-timers.c)."""
    for timer in list(process.cpu_timers):
        if timer.deadline_ns is not None and timer.deadline_ns <= timer.clock.charged_ns():
            timer.ring()
    soft, hard = process.limits.soft[RLIMIT_CPU], process.limits.hard[RLIMIT_CPU]
    if soft == RLIM64_INFINITY:
        return
    used_s = cpu_ns(process) // NSEC_PER_SEC
    if used_s >= hard:
        send_process(process, Siginfo(SIGKILL, SI_KERNEL))
    elif used_s >= soft:
        process.limits.soft[RLIMIT_CPU] = used_s + 1
        send_process(process, Siginfo(SIGXCPU, SI_KERNEL))


def drop_timers(process: Process, *, posix_only: bool = False) -> None:
    """execve(2) deletes POSIX timers; the end of the process all."""
    for posix in process.posix_timers.values():
        posix.timer.disarm()
    process.posix_timers.clear()
    if not posix_only:
        for timer in process.interval_timers.values():
            timer.disarm()
        process.interval_timers.clear()
