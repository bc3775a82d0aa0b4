"""Clocks: clock_gettime(2), clock_getres(2), gettimeofday(2), time(2), nanosleep(2), times(2), getrusage(2)."""

from __future__ import annotations

from pyuk.abi.errno import EINTR, EINVAL, EOPNOTSUPP, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, SyscallError
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
from pyuk.abi.types import Tid
from pyuk.kernel.timers import CpuTime
from pyuk.kernel.usage import process_times, process_usage, task_times
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, ClockArg, RusageArg, TimeResult, TimerFlagsArg
    from pyuk.abi.kinds import IN, OUT, StructAt
    from pyuk.abi.structs import TIME
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Process, Task
    from pyuk.kernel.usage import Usage

_USER_HZ = 100
_KTIME_MAX = (1 << 63) - 1  # include/linux/ktime.h
_COARSE_NS = 4_000_000  # a jiffy at Debian's CONFIG_HZ=250
_REALTIME = (CLOCK_REALTIME, CLOCK_REALTIME_ALARM)
_COARSE = (CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE)
_BOOTTIME = (CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM)


def _read(task: Task, which_clock: int) -> int:
    """The clock's time in nanoseconds. Errors: EINVAL."""
    clock = task.kernel.clock
    if which_clock in _REALTIME:
        now_ns = clock.realtime_ns()
    elif which_clock == CLOCK_MONOTONIC:
        now_ns = clock.monotonic_ns()
    elif which_clock == CLOCK_MONOTONIC_RAW:
        now_ns = clock.raw_ns()
    elif which_clock == CLOCK_TAI:
        now_ns = clock.realtime_ns() + clock.tai_offset_s * NSEC_PER_SEC
    elif which_clock in _COARSE:
        now_ns = clock.realtime_ns() if which_clock == CLOCK_REALTIME_COARSE else clock.monotonic_ns()
        now_ns -= now_ns % _COARSE_NS
    elif which_clock in _BOOTTIME:
        now_ns = clock.boottime_ns()
    elif which_clock == CLOCK_PROCESS_CPUTIME_ID:
        return CpuTime(task.kernel, task.process).now_ns()
    elif which_clock == CLOCK_THREAD_CPUTIME_ID:
        return CpuTime(task.kernel, task.process, task).now_ns()
    else:
        return CpuTime(task.kernel, *cpu_clock_of(task, which_clock)).now_ns()
    return now_ns


def cpu_clock_of(task: Task, which_clock: int) -> tuple[Process, Task | None]:
    """Whose CPU time a negative clock id is (clock_getcpuclockid(3)): ~pid << 3 | kind, or a thread's with bit 2.

    Errors: EINVAL no such clock.
    """
    if which_clock >= 0 or which_clock & _KIND == _KIND:
        raise SyscallError(EINVAL)
    number = ~(which_clock >> 3)
    if which_clock & _PER_THREAD:
        thread = task if not number else task.kernel.tasks.get(Tid(number))
        if thread is None or thread.process is not task.process:
            raise SyscallError(EINVAL)
        return thread.process, thread
    process = task.process if not number else task.kernel.processes.get(Tid(number))
    if process is None:
        raise SyscallError(EINVAL)
    return process, None


_KIND, _PER_THREAD = 3, 4  # linux/posix-timers.h: CPUCLOCK_CLOCK_MASK, CPUCLOCK_PERTHREAD_MASK


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
        task.mem.write(tp, TIMESPEC.pack(0, _COARSE_NS if which_clock in _COARSE else 1))
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
    """Sleep on a clock, until a time with TIMER_ABSTIME. Errors: EINVAL, EOPNOTSUPP, EFAULT, EINTR."""
    if which_clock in (CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE, CLOCK_REALTIME_COARSE):
        raise SyscallError(EOPNOTSUPP)
    now_ns = _read(task, which_clock)
    wanted_ns = _duration_ns(task, rqtp)
    if flags & TIMER_ABSTIME:
        return _sleep(task, max(0, wanted_ns - now_ns), None, is_absolute=True)
    return _sleep(task, wanted_ns, rmtp)


class Nap:
    """A sleep until a time on the monotonic clock; `rmtp` is told what is left when a signal ends it."""

    __slots__ = ("deadline_ns", "is_absolute", "rmtp", "task")

    def __init__(self, task: Task, deadline_ns: int, rmtp: UserAddr | None, *, is_absolute: bool = False) -> None:
        self.task = task
        self.deadline_ns = deadline_ns
        self.rmtp = rmtp
        self.is_absolute = is_absolute

    def step(self) -> int:
        """Nobody but time ends it."""
        raise WouldBlock

    def timed_out(self) -> int:
        """Slept well."""
        return 0

    def interrupted(self) -> int:
        """EINTR where a handler runs, else it goes on (hrtimer_nanosleep)."""
        if self.is_absolute:
            raise SyscallError(ERESTARTNOHAND)
        left_ns = max(0, self.deadline_ns - self.task.kernel.clock.monotonic_ns())
        if self.rmtp:
            self.task.mem.write(self.rmtp, TIMESPEC.pack(*divmod(left_ns, NSEC_PER_SEC)))
        self.task.restart = self.again
        raise SyscallError(ERESTART_RESTARTBLOCK)

    def again(self) -> int:
        """Go on after a stop."""
        raise Park(self, deadline_ns=self.deadline_ns)

    def close(self) -> None:
        """Nothing is held."""


def _sleep(task: Task, duration_ns: int, rmtp: UserAddr | None, *, is_absolute: bool = False) -> int:
    deadline_ns = min(task.kernel.clock.monotonic_ns() + duration_ns, _KTIME_MAX)
    raise Park(Nap(task, deadline_ns, rmtp, is_absolute=is_absolute), deadline_ns=deadline_ns)


@syscall("restart_syscall")
def sys_restart_syscall(task: Task) -> int:
    """Go on with the call that a stop has interrupted. Errors: EINTR there is none."""
    again, task.restart = task.restart, None
    if again is None:
        raise SyscallError(EINTR)
    return again()


def _duration_ns(task: Task, address: UserAddr) -> int:
    seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(address, TIMESPEC.size))
    if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
        raise SyscallError(EINVAL)
    return min(int(seconds * NSEC_PER_SEC + nanoseconds), _KTIME_MAX)


@syscall("times")
def sys_times(task: Task, tbuf: Annotated[UserAddr, StructAt(OUT, TMS)]) -> int:
    """CPU times in ticks of 1/100 s; gives ticks since boot. tbuf may be NULL. Errors: EFAULT."""
    process = task.process
    if tbuf:
        times_ns = (*process_times(process), process.children_user_ns, process.children_system_ns)
        task.mem.write(tbuf, TMS.pack(*(ns * _USER_HZ // NSEC_PER_SEC for ns in times_ns)))
    return task.kernel.clock.monotonic_ns() * _USER_HZ // NSEC_PER_SEC


@syscall("getrusage")
def sys_getrusage(task: Task, who: RusageArg, ru: Annotated[UserAddr, StructAt(OUT, RUSAGE)]) -> int:
    """What the process, its waited-for children or the thread have used. Errors: EINVAL, EFAULT."""
    if who not in (RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD):
        raise SyscallError(EINVAL)
    process = task.process
    if who == RUSAGE_CHILDREN:
        times_ns = process.children_user_ns, process.children_system_ns
        max_rss_kib, usage = process.children_max_rss_kib, process.children_usage
    else:
        task.mm.note_peaks()
        max_rss_kib = max(process.max_rss_kib, task.mm.peak_rss_pages * 4)
        if who == RUSAGE_THREAD:
            times_ns, usage = task_times(task), task.usage
        else:
            usage = process_usage(process)
            times_ns = process.times.show(usage)
    task.mem.write(ru, rusage(times_ns, max_rss_kib, usage))
    return 0


def rusage(times_ns: tuple[int, int], max_rss_kib: int, usage: Usage) -> bytes:
    """struct rusage; what it does not have is not kept by Linux either. times_ns: user, system."""
    user, system = (divmod(ns // 1000, 1_000_000) for ns in times_ns)
    return RUSAGE.pack(
        ru_utime=user, ru_stime=system, ru_maxrss=max_rss_kib, ru_minflt=usage.n_minor, ru_majflt=usage.n_major,
        ru_inblock=usage.read_bytes >> 9, ru_oublock=usage.write_bytes >> 9,
        ru_nvcsw=usage.n_voluntary, ru_nivcsw=usage.n_involuntary,
    )  # fmt: skip
