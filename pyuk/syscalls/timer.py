"""Timers that send signals: alarm(2), setitimer(2), timer_create(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_WAKE_ALARM
from pyuk.abi.errno import EINVAL, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.signal import SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID
from pyuk.abi.structs import ITIMERSPEC, ITIMERVAL, SIGEVENT
from pyuk.abi.syscall import syscall
from pyuk.abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_MONOTONIC,
    CLOCK_MONOTONIC_COARSE,
    CLOCK_MONOTONIC_RAW,
    CLOCK_PROCESS_CPUTIME_ID,
    CLOCK_REALTIME,
    CLOCK_REALTIME_ALARM,
    CLOCK_REALTIME_COARSE,
    CLOCK_TAI,
    CLOCK_THREAD_CPUTIME_ID,
    ITIMER_PROF,
    ITIMER_REAL,
    NSEC_PER_SEC,
    TIMER_ABSTIME,
)  # fmt: skip
from pyuk.kernel.signals import N_SIGNALS
from pyuk.kernel.timers import CpuTime, PosixTimer, interval_timer
from pyuk.syscalls.time import cpu_clock_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, ClockArg, IntArg, ItimerArg, TimerFlagsArg, UIntArg
    from pyuk.abi.kinds import IN, OUT, StructAt
    from pyuk.abi.structs import INT32
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task
    from pyuk.kernel.timers import Timer

_NS_PER_US = 1_000
_US_PER_S = 1_000_000
_KTIME_MAX_NS = (1 << 63) - 1


@syscall("alarm")
def sys_alarm(task: Task, seconds: UIntArg) -> int:
    """SIGALRM after that many seconds, 0 never; gives what was left of the last one, rounded."""
    timer = interval_timer(task.process, ITIMER_REAL)
    left_ns = timer.left_ns()
    timer.disarm()
    if seconds:
        timer.arm(timer.clock.now_ns() + seconds * NSEC_PER_SEC, 0)
    left_s, rest_ns = divmod(left_ns, NSEC_PER_SEC)
    return left_s + (rest_ns >= NSEC_PER_SEC // 2 or (not left_s and rest_ns > 0))


def _itimerval(timer: Timer) -> bytes:
    left_us = -(-timer.left_ns() // _NS_PER_US)
    interval_us = timer.interval_ns // _NS_PER_US if timer.deadline_ns is not None else 0
    return ITIMERVAL.pack(divmod(interval_us, _US_PER_S), divmod(left_us, _US_PER_S))


@syscall("getitimer")
def sys_getitimer(task: Task, which: ItimerArg, value: Annotated[UserAddr, StructAt(OUT, ITIMERVAL)]) -> int:
    """What is left of an interval timer. Errors: EINVAL, EFAULT."""
    if not ITIMER_REAL <= which <= ITIMER_PROF:
        raise SyscallError(EINVAL)
    task.mem.write(value, _itimerval(interval_timer(task.process, which)))
    return 0


@syscall("setitimer", note="all CPU time is user time, so ITIMER_VIRTUAL counts as ITIMER_PROF")
def sys_setitimer(
    task: Task,
    which: ItimerArg,
    value: Annotated[UserAddr, StructAt(IN, ITIMERVAL)],
    ovalue: Annotated[UserAddr, StructAt(OUT, ITIMERVAL)],
) -> int:
    """Set an interval timer; NULL stops it. Errors: EFAULT, EINVAL."""
    parts = ITIMERVAL.unpack(task.mem.read(value, ITIMERVAL.size)) if value else ((0, 0), (0, 0))
    if any(seconds < 0 or not 0 <= microseconds < _US_PER_S for seconds, microseconds in parts):
        raise SyscallError(EINVAL)
    if not ITIMER_REAL <= which <= ITIMER_PROF:
        raise SyscallError(EINVAL)
    interval_ns, first_ns = ((seconds * _US_PER_S + us) * _NS_PER_US for seconds, us in parts)
    timer = interval_timer(task.process, which)
    old = _itimerval(timer)
    timer.disarm()
    if first_ns:
        timer.arm(timer.clock.now_ns() + first_ns, interval_ns)
    if ovalue:
        task.mem.write(ovalue, old)
    return 0


# POSIX timers

_ON_REALTIME = (CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_TAI)
_ON_MONOTONIC = (CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM)
_NO_TIMERS = (CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE)


def _clock(task: Task, which_clock: int) -> CpuTime:
    """Errors: EINVAL, EOPNOTSUPP, EPERM."""
    if which_clock in _NO_TIMERS:
        raise SyscallError(EOPNOTSUPP)
    if which_clock in (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM) and not task.creds.has(CAP_WAKE_ALARM):
        raise SyscallError(EPERM)
    if which_clock in _ON_REALTIME or which_clock in _ON_MONOTONIC:
        return CpuTime(task.kernel)
    if which_clock == CLOCK_PROCESS_CPUTIME_ID:
        return CpuTime(task.kernel, task.process)
    if which_clock == CLOCK_THREAD_CPUTIME_ID:
        return CpuTime(task.kernel, task.process, task)
    process, thread = cpu_clock_of(task, which_clock)
    return CpuTime(task.kernel, process, thread)


@syscall("timer_create", note="a CPU-time clock of another process is looked at when the caller's own time is charged")
def sys_timer_create(
    task: Task,
    which_clock: ClockArg,
    timer_event_spec: Annotated[UserAddr, StructAt(IN, SIGEVENT)],
    created_timer_id: Annotated[UserAddr, StructAt(OUT, INT32)],
) -> int:
    """A timer that sends a signal, by default SIGALRM. Errors: EINVAL, EOPNOTSUPP, EPERM, EFAULT."""
    process = task.process
    event = SIGEVENT.unpack(task.mem.read(timer_event_spec, SIGEVENT.size)) if timer_event_spec else None
    clock = _clock(task, which_clock)
    number = process.next_timer
    process.next_timer = (number + 1) & 0x7FFF_FFFF
    value, signo, notify, tid = (number, SIGALRM, SIGEV_SIGNAL, 0) if event is None else event
    target = None
    if notify not in (SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID):
        raise SyscallError(EINVAL)
    if notify == SIGEV_THREAD_ID:
        target = task.kernel.tasks.get(tid)
        if target is None or target.process is not process:
            raise SyscallError(EINVAL)
    if notify == SIGEV_NONE:
        signo = 0
    elif not 1 <= signo <= N_SIGNALS:
        raise SyscallError(EINVAL)
    task.mem.write_u32(created_timer_id, number)
    timer = PosixTimer(process, number, clock, signo, value)
    timer.target = target
    timer.is_realtime = which_clock in _ON_REALTIME
    process.posix_timers[number] = timer
    return 0


def _find(task: Task, number: int) -> PosixTimer:
    found = task.process.posix_timers.get(number)
    if found is None:
        raise SyscallError(EINVAL)
    return found


def _itimerspec(timer: Timer) -> bytes:
    interval_ns = timer.interval_ns if timer.deadline_ns is not None else 0
    return ITIMERSPEC.pack(divmod(interval_ns, NSEC_PER_SEC), divmod(timer.left_ns(), NSEC_PER_SEC))


@syscall("timer_settime")
def sys_timer_settime(
    task: Task,
    timer_id: IntArg,
    flags: TimerFlagsArg,
    new_setting: Annotated[UserAddr, StructAt(IN, ITIMERSPEC)],
    old_setting: Annotated[UserAddr, StructAt(OUT, ITIMERSPEC)],
) -> int:
    """Arm a timer, or with a value of 0 stop it. Errors: EINVAL, EFAULT."""
    if not new_setting:
        raise SyscallError(EINVAL)
    parts = ITIMERSPEC.unpack(task.mem.read(new_setting, ITIMERSPEC.size))
    if any(seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC for seconds, nanoseconds in parts):
        raise SyscallError(EINVAL)
    posix = _find(task, timer_id)
    timer = posix.timer
    old = _itimerspec(timer)
    interval_ns, first_ns = (min(seconds * NSEC_PER_SEC + ns, _KTIME_MAX_NS) for seconds, ns in parts)
    timer.disarm()
    posix.overrun = 0
    if first_ns:
        now_ns = timer.clock.now_ns()
        if not flags & TIMER_ABSTIME:
            first_ns += now_ns
        elif posix.is_realtime:
            first_ns += now_ns - task.kernel.clock.realtime_ns()
        timer.arm(first_ns, interval_ns)
        if first_ns <= now_ns:
            timer.ring()  # an absolute time that is past
    if old_setting:
        task.mem.write(old_setting, old)
    return 0


@syscall("timer_gettime")
def sys_timer_gettime(task: Task, timer_id: IntArg, setting: Annotated[UserAddr, StructAt(OUT, ITIMERSPEC)]) -> int:
    """What is left of a timer. Errors: EINVAL, EFAULT."""
    task.mem.write(setting, _itimerspec(_find(task, timer_id).timer))
    return 0


@syscall("timer_getoverrun")
def sys_timer_getoverrun(task: Task, timer_id: IntArg) -> int:
    """How many expirations the last signal stood for beside its own. Errors: EINVAL."""
    return _find(task, timer_id).overrun


@syscall("timer_delete")
def sys_timer_delete(task: Task, timer_id: IntArg) -> int:
    """Remove a timer. Errors: EINVAL."""
    _find(task, timer_id).timer.disarm()
    del task.process.posix_timers[timer_id]
    return 0
