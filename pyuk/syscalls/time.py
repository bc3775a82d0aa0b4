"""Clocks: clock_gettime(2), clock_getres(2), gettimeofday(2), time(2), nanosleep(2), times(2), getrusage(2)."""

from __future__ import annotations

from pyuk.abi.errno import EINTR, EINVAL, EOPNOTSUPP, SyscallError
from pyuk.abi.resource import RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD
from pyuk.abi.structs import RUSAGE, TIMESPEC, TIMEVAL, TIMEZONE, TMS
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
    NSEC_PER_SEC,
    TIMER_ABSTIME,
)  # fmt: skip
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, ClockArg, RusageArg, TimeResult, TimerFlagsArg
    from pyuk.abi.kinds import IN, OUT, StructAt
    from pyuk.abi.structs import TIME
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_USER_HZ = 100
_KTIME_MAX = (1 << 63) - 1  # include/linux/ktime.h
_COARSE_NS = 4_000_000  # a jiffy at Debian's CONFIG_HZ=250
_REALTIME = (CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_REALTIME_ALARM, CLOCK_TAI)
_MONOTONIC = (CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE)
_BOOTTIME = (CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM)
_CPUTIME = (CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID)


def _read(task: Task, which_clock: int) -> int:
    """The clock's time in nanoseconds. Errors: EINVAL."""
    clock = task.kernel.clock
    if which_clock in _REALTIME:
        now_ns = clock.realtime_ns()
    elif which_clock in _MONOTONIC:
        now_ns = clock.monotonic_ns()
    elif which_clock in _BOOTTIME:
        now_ns = clock.boottime_ns()
    elif which_clock in _CPUTIME or _is_own_cpu_clock(task, which_clock):
        return clock.cpu_ns()
    else:
        raise SyscallError(EINVAL)
    if which_clock in (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE):
        now_ns -= now_ns % _COARSE_NS
    return now_ns


def _is_own_cpu_clock(task: Task, which_clock: int) -> bool:
    """clock_getcpuclockid(3)'s negative ids: ~pid << 3 | kind, or a thread's with bit 2 (posix-timers.h)."""
    return which_clock < 0 and which_clock & 3 != 3 and ~(which_clock >> 3) in (0, task.process.pid, task.tid)  # noqa: PLR2004


@syscall("clock_gettime")
def sys_clock_gettime(task: Task, which_clock: ClockArg, tp: Annotated[UserAddr, StructAt(OUT, TIMESPEC)]) -> int:
    """The time of a clock. Errors: EINVAL no such clock, EFAULT."""
    now_ns = _read(task, which_clock)
    task.mem.write(tp, TIMESPEC.pack(now_ns // NSEC_PER_SEC, now_ns % NSEC_PER_SEC))
    return 0


@syscall("clock_getres")
def sys_clock_getres(task: Task, which_clock: ClockArg, tp: Annotated[UserAddr, StructAt(OUT, TIMESPEC)]) -> int:
    """A clock's resolution; tp may be NULL. Errors: EINVAL, EFAULT."""
    _read(task, which_clock)
    if tp:
        coarse = which_clock in (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE)
        task.mem.write(tp, TIMESPEC.pack(0, _COARSE_NS if coarse else 1))
    return 0


@syscall("gettimeofday")
def sys_gettimeofday(
    task: Task, tv: Annotated[UserAddr, StructAt(OUT, TIMEVAL)], tz: Annotated[UserAddr, StructAt(OUT, TIMEZONE)]
) -> int:
    """The wall clock in microseconds; the time zone is the kernel's, 0. Either may be NULL. Errors: EFAULT."""
    now_ns = task.kernel.clock.realtime_ns()
    if tv:
        task.mem.write(tv, TIMEVAL.pack(now_ns // NSEC_PER_SEC, now_ns % NSEC_PER_SEC // 1000))
    if tz:
        task.mem.write(tz, bytes(TIMEZONE.size))
    return 0


@syscall("time")
def sys_time(task: Task, tloc: Annotated[UserAddr, StructAt(OUT, TIME)]) -> TimeResult:
    """Seconds since the Epoch, also stored at tloc unless NULL. Errors: EFAULT."""
    seconds = task.kernel.clock.realtime_ns() // NSEC_PER_SEC
    if tloc:
        task.mem.write_u64(tloc, seconds)
    return seconds


@syscall("nanosleep")
def sys_nanosleep(
    task: Task,
    rqtp: Annotated[UserAddr, StructAt(IN, TIMESPEC)],
    rmtp: Annotated[UserAddr, StructAt(OUT, TIMESPEC, only_interrupted=True)],
) -> int:
    """Sleep for a relative time. Errors: EFAULT, EINVAL nanoseconds not in [0, 1e9) or seconds negative."""
    return _sleep(task, _duration_ns(task, rqtp), rmtp)


@syscall("clock_nanosleep")
def sys_clock_nanosleep(
    task: Task,
    which_clock: ClockArg,
    flags: TimerFlagsArg,
    rqtp: Annotated[UserAddr, StructAt(IN, TIMESPEC)],
    rmtp: Annotated[UserAddr, StructAt(OUT, TIMESPEC, only_interrupted=True)],
) -> int:
    """Sleep on a clock, until a time with TIMER_ABSTIME. Errors: EINVAL, EOPNOTSUPP, EFAULT."""
    if which_clock in (CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE):
        raise SyscallError(EOPNOTSUPP)
    now_ns = _read(task, which_clock)
    wanted_ns = _duration_ns(task, rqtp)
    if flags & TIMER_ABSTIME:
        return _sleep(task, max(0, wanted_ns - now_ns), None)
    return _sleep(task, wanted_ns, rmtp)


class Nap:
    """A sleep until a time on the monotonic clock; `rmtp` is told what is left when a handler ends it."""

    __slots__ = ("deadline_ns", "rmtp", "task")

    def __init__(self, task: Task, deadline_ns: int, rmtp: UserAddr | None) -> None:
        self.task = task
        self.deadline_ns = deadline_ns
        self.rmtp = rmtp

    def step(self) -> int:
        """Nobody but time ends it."""
        raise WouldBlock

    def timed_out(self) -> int:
        """Slept well."""
        return 0

    def interrupted(self) -> int:
        """EINTR and the rest; what the guest ignores never comes here. Deviation: a stop ends it with EINTR too."""
        left_ns = max(0, self.deadline_ns - self.task.kernel.clock.monotonic_ns())
        if self.rmtp:
            self.task.mem.write(self.rmtp, TIMESPEC.pack(*divmod(left_ns, NSEC_PER_SEC)))
        raise SyscallError(EINTR)

    def close(self) -> None:
        """Nothing is held."""


def _sleep(task: Task, duration_ns: int, rmtp: UserAddr | None) -> int:
    deadline_ns = min(task.kernel.clock.monotonic_ns() + duration_ns, _KTIME_MAX)
    raise Park(Nap(task, deadline_ns, rmtp), deadline_ns=deadline_ns)


def _duration_ns(task: Task, address: UserAddr) -> int:
    seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(address, TIMESPEC.size))
    if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
        raise SyscallError(EINVAL)
    return min(int(seconds * NSEC_PER_SEC + nanoseconds), _KTIME_MAX)


@syscall("times", note="all CPU time is user time; children come with a later step")
def sys_times(task: Task, tbuf: Annotated[UserAddr, StructAt(OUT, TMS)]) -> int:
    """CPU times in ticks of 1/100 s; gives ticks since boot. tbuf may be NULL. Errors: EFAULT."""
    clock = task.kernel.clock
    ticks = clock.cpu_ns() * _USER_HZ // NSEC_PER_SEC
    if tbuf:
        task.mem.write(tbuf, TMS.pack(ticks, 0, 0, 0))
    return clock.monotonic_ns() * _USER_HZ // NSEC_PER_SEC


@syscall("getrusage", note="times, maxrss and faults; children come with a later step")
def sys_getrusage(task: Task, who: RusageArg, ru: Annotated[UserAddr, StructAt(OUT, RUSAGE)]) -> int:
    """What the process has used. Errors: EINVAL, EFAULT."""
    if who not in (RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD):
        raise SyscallError(EINVAL)
    if who == RUSAGE_CHILDREN:
        task.mem.write(ru, bytes(RUSAGE.size))
        return 0
    cpu_us = task.kernel.clock.cpu_ns() // 1000
    usage = RUSAGE.pack(
        ru_utime=divmod(cpu_us, 1_000_000), ru_maxrss=task.mm.rss_pages * 4, ru_minflt=task.mm.n_minor_faults
    )
    task.mem.write(ru, usage)
    return 0
