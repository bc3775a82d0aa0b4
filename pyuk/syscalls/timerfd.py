"""timerfd_create(2), timerfd_settime(2), timerfd_gettime(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_WAKE_ALARM
from pyuk.abi.errno import EINVAL, EPERM, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.structs import ITIMERSPEC
from pyuk.abi.syscall import syscall
from pyuk.abi.time import (
    CLOCK_BOOTTIME,
    CLOCK_BOOTTIME_ALARM,
    CLOCK_MONOTONIC,
    CLOCK_REALTIME,
    CLOCK_REALTIME_ALARM,
    NSEC_PER_SEC,
    TFD_CLOEXEC,
    TFD_NONBLOCK,
    TFD_TIMER_ABSTIME,
    TFD_TIMER_CANCEL_ON_SET,
)  # fmt: skip
from pyuk.kernel.timerfd import TimerFd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, ClockArg, FdArg, FdResult, TimerfdArg
    from pyuk.abi.kinds import IN, OUT, StructAt
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_ALARMS = (CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM)


@syscall("timerfd_create")
def sys_timerfd_create(task: Task, clockid: ClockArg, flags: TimerfdArg) -> FdResult:
    """A timer on one of five clocks. Errors: EINVAL, EPERM an alarm without CAP_WAKE_ALARM, EMFILE."""
    clock = task.kernel.clock
    clocks = {
        CLOCK_REALTIME: clock.realtime_ns, CLOCK_REALTIME_ALARM: clock.realtime_ns,
        CLOCK_MONOTONIC: clock.monotonic_ns,
        CLOCK_BOOTTIME: clock.boottime_ns, CLOCK_BOOTTIME_ALARM: clock.boottime_ns,
    }  # fmt: skip
    if flags & ~(TFD_CLOEXEC | TFD_NONBLOCK) or clockid not in clocks:
        raise SyscallError(EINVAL)
    if clockid in _ALARMS and not task.creds.has(CAP_WAKE_ALARM):
        raise SyscallError(EPERM)
    file = TimerFd(task.kernel, clocks[clockid], flags & TFD_NONBLOCK, clockid)
    return task.files.install(file, cloexec=bool(flags & TFD_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])


@syscall("timerfd_settime", note="the clock is never set, so TFD_TIMER_CANCEL_ON_SET has nothing to cancel")
def sys_timerfd_settime(
    task: Task, ufd: FdArg, flags: TimerfdArg, utmr: Annotated[UserAddr, StructAt(IN, ITIMERSPEC)],
    otmr: Annotated[UserAddr, StructAt(OUT, ITIMERSPEC)],
) -> int:  # fmt: skip
    """Start, change or stop the timer, and get what it was. Errors: EFAULT, EINVAL, EBADF."""
    interval, value = ITIMERSPEC.unpack(task.mem.read(utmr, ITIMERSPEC.size))
    if flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET):
        raise SyscallError(EINVAL)
    value_ns, interval_ns = _duration_ns(*value), _duration_ns(*interval)
    file = _timer(task, ufd)
    left_ns, old_ns = file.set(value_ns, interval_ns, is_absolute=bool(flags & TFD_TIMER_ABSTIME))
    if otmr:
        task.mem.write(otmr, ITIMERSPEC.pack(divmod(old_ns, NSEC_PER_SEC), divmod(left_ns, NSEC_PER_SEC)))
    return 0


@syscall("timerfd_gettime")
def sys_timerfd_gettime(task: Task, ufd: FdArg, otmr: Annotated[UserAddr, StructAt(OUT, ITIMERSPEC)]) -> int:
    """The time to the next expiration, and the interval. Errors: EBADF, EINVAL, EFAULT."""
    left_ns, interval_ns = _timer(task, ufd).get()
    task.mem.write(otmr, ITIMERSPEC.pack(divmod(interval_ns, NSEC_PER_SEC), divmod(left_ns, NSEC_PER_SEC)))
    return 0


def _timer(task: Task, ufd: int) -> TimerFd:
    file = task.files.get(ufd)
    if not isinstance(file, TimerFd):
        raise SyscallError(EINVAL)
    return file


def _duration_ns(seconds: int, nanoseconds: int) -> int:
    if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
        raise SyscallError(EINVAL)
    return min(seconds * NSEC_PER_SEC + nanoseconds, (1 << 63) - 1)
