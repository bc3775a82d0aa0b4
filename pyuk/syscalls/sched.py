"""Scheduling: policies, priorities, affinity: sched(7), getpriority(2), sched_setaffinity(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_NICE
from pyuk.abi.errno import E2BIG, EACCES, EINVAL, EPERM, ESRCH, SyscallError
from pyuk.abi.resource import PRIO_PGRP, PRIO_PROCESS, PRIO_USER, RLIMIT_NICE, RLIMIT_RTPRIO
from pyuk.abi.sched import (
    SCHED_BATCH,
    SCHED_DEADLINE,
    SCHED_FIFO,
    SCHED_FLAG_KEEP_PARAMS,
    SCHED_FLAG_KEEP_POLICY,
    SCHED_FLAG_RESET_ON_FORK,
    SCHED_IDLE,
    SCHED_OTHER,
    SCHED_RESET_ON_FORK,
    SCHED_RR,
)
from pyuk.abi.structs import SCHED_ATTR, SCHED_PARAM, TIMESPEC
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, IntArg, PidArg, PriorityArg, SchedArg, SchedResult, UIntArg
    from pyuk.abi.kinds import IN, OUT, CpuSet, StructAt
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_REALTIME = (SCHED_FIFO, SCHED_RR)
_FAIR = (SCHED_OTHER, SCHED_BATCH, SCHED_IDLE)
_MAX_REALTIME = 99
_MIN_NICE, _MAX_NICE = -20, 19
_RR_SLICE_NS, _FAIR_SLICE_NS = 100_000_000, 4_000_000
_CPUMASK_BYTES = 8
_SCHED_ATTR_SIZE_VER0 = 48
_ATTR_FLAGS = SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_KEEP_POLICY | SCHED_FLAG_KEEP_PARAMS
_PAGE_BYTES = 4096


def _find(task: Task, pid: int) -> Task:
    """The thread of that id, 0 meaning the caller. Errors: EINVAL negative, ESRCH."""
    if pid < 0:
        raise SyscallError(EINVAL)
    found = task.kernel.tasks.get(Tid(pid)) if pid else task
    if found is None:
        raise SyscallError(ESRCH)
    return found


def _may_be_nice(task: Task, other: Task, nice: int) -> bool:
    """can_nice: by RLIMIT_NICE, whose 1..40 stand for 19..-20."""
    return 20 - nice <= other.limits.soft[RLIMIT_NICE] or task.creds.has(CAP_SYS_NICE)


# nice values


def _whom(task: Task, which: int, who: int) -> list[Task]:
    """Errors: EINVAL, ESRCH nobody."""
    everyone = task.kernel.tasks.values()
    if which == PRIO_PROCESS:
        found = [other for other in everyone if other.tid == (who or task.tid)]
    elif which == PRIO_PGRP:
        found = [other for other in everyone if other.process.pgid == (who or task.process.pgid)]
    elif which == PRIO_USER:
        found = [other for other in everyone if other.creds.uid == (who or task.creds.uid)]
    else:
        raise SyscallError(EINVAL)
    if not found:
        raise SyscallError(ESRCH)
    return found


@syscall("getpriority")
def sys_getpriority(task: Task, which: PriorityArg, who: IntArg) -> int:
    """The best nice value of a process, group or user, as 20 - nice. Errors: EINVAL, ESRCH."""
    return max(20 - other.nice for other in _whom(task, which, who))


@syscall("setpriority")
def sys_setpriority(task: Task, which: PriorityArg, who: IntArg, niceval: IntArg) -> int:
    """Set nice values. Errors: EINVAL, ESRCH, EPERM another user's, EACCES a better one without right."""
    nice = min(max(niceval, _MIN_NICE), _MAX_NICE)
    error = 0
    for other in _whom(task, which, who):
        if not task.creds.owns(other.creds) and not task.creds.has(CAP_SYS_NICE):
            error = EPERM
        elif nice < other.nice and not _may_be_nice(task, other, nice):
            error = EACCES
        else:
            other.nice = nice
            task.kernel.scheduler.requeue(other)
    if error:
        raise SyscallError(error)
    return 0


# Policies


def _set(task: Task, other: Task, policy: int, priority: int, *, resets: bool) -> None:
    """Errors: EINVAL, EPERM (kernel/sched/core.c, __sched_setscheduler)."""
    if policy not in (*_REALTIME, *_FAIR):
        raise SyscallError(EINVAL)
    if not (1 <= priority <= _MAX_REALTIME if policy in _REALTIME else priority == 0):
        raise SyscallError(EINVAL)
    if not task.creds.has(CAP_SYS_NICE):
        limit = other.limits.soft[RLIMIT_RTPRIO]
        if policy in _REALTIME and (
            (policy != other.policy and not limit) or (priority > other.realtime_priority and priority > limit)
        ):  # fmt: skip
            raise SyscallError(EPERM)
        if other.policy == SCHED_IDLE and policy != SCHED_IDLE and not _may_be_nice(task, other, other.nice):
            raise SyscallError(EPERM)
        if not task.creds.owns(other.creds) or (other.resets_on_fork and not resets):
            raise SyscallError(EPERM)
    other.policy, other.realtime_priority, other.resets_on_fork = policy, priority, resets
    task.kernel.scheduler.requeue(other)


@syscall("sched_setscheduler", note="no SCHED_DEADLINE (EINVAL); real-time tasks are not throttled")
def sys_sched_setscheduler(
    task: Task, pid: PidArg, policy: SchedArg, param: Annotated[UserAddr, StructAt(IN, SCHED_PARAM)]
) -> int:
    """Set policy and priority. Errors: EINVAL, EFAULT, ESRCH, EPERM."""
    if policy < 0 or not param:
        raise SyscallError(EINVAL)
    return _set_scheduler(task, pid, policy, param)


@syscall("sched_setparam", note="as sched_setscheduler")
def sys_sched_setparam(task: Task, pid: PidArg, param: Annotated[UserAddr, StructAt(IN, SCHED_PARAM)]) -> int:
    """Set the priority within the policy. Errors: EINVAL, EFAULT, ESRCH, EPERM."""
    if not param:
        raise SyscallError(EINVAL)
    return _set_scheduler(task, pid, None, param)


def _set_scheduler(task: Task, pid: int, policy: int | None, param: UserAddr) -> int:
    if pid < 0:
        raise SyscallError(EINVAL)
    (priority,) = SCHED_PARAM.unpack(task.mem.read(param, SCHED_PARAM.size))
    other = _find(task, pid)
    if policy is None:
        _set(task, other, other.policy, priority, resets=other.resets_on_fork)
    else:
        _set(task, other, policy & ~SCHED_RESET_ON_FORK, priority, resets=bool(policy & SCHED_RESET_ON_FORK))
    return 0


@syscall("sched_getscheduler")
def sys_sched_getscheduler(task: Task, pid: PidArg) -> SchedResult:
    """The policy. Errors: EINVAL, ESRCH."""
    other = _find(task, pid)
    return other.policy | (SCHED_RESET_ON_FORK if other.resets_on_fork else 0)


@syscall("sched_getparam")
def sys_sched_getparam(task: Task, pid: PidArg, param: Annotated[UserAddr, StructAt(OUT, SCHED_PARAM)]) -> int:
    """The real-time priority. Errors: EINVAL, ESRCH, EFAULT."""
    if not param:
        raise SyscallError(EINVAL)
    task.mem.write(param, SCHED_PARAM.pack(_find(task, pid).realtime_priority))
    return 0


@syscall("sched_setattr", note="as sched_setscheduler; no SCHED_DEADLINE and no utilization clamps (EINVAL)")
def sys_sched_setattr(
    task: Task, pid: PidArg, uattr: Annotated[UserAddr, StructAt(IN, SCHED_ATTR)], flags: UIntArg
) -> int:
    """Set policy, nice value and priority at once. Errors: EINVAL, E2BIG, EFAULT, ESRCH, EPERM."""
    if not uattr or pid < 0 or flags:
        raise SyscallError(EINVAL)
    size = task.mem.read_u32(uattr) or _SCHED_ATTR_SIZE_VER0
    if not _SCHED_ATTR_SIZE_VER0 <= size <= _PAGE_BYTES:
        task.mem.write_u32(uattr, SCHED_ATTR.size)
        raise SyscallError(E2BIG)
    given = task.mem.read(uattr, size)
    if any(given[SCHED_ATTR.size :]):
        task.mem.write_u32(uattr, SCHED_ATTR.size)
        raise SyscallError(E2BIG)
    wish = SCHED_ATTR.record(given.ljust(SCHED_ATTR.size, b"\0"))
    if wish.sched_flags & ~_ATTR_FLAGS or wish.sched_policy >= 1 << 31:
        raise SyscallError(EINVAL)
    other = _find(task, pid)
    policy = other.policy if wish.sched_flags & SCHED_FLAG_KEEP_POLICY else wish.sched_policy
    if wish.sched_flags & SCHED_FLAG_KEEP_PARAMS:
        priority, nice = other.realtime_priority, other.nice
    else:
        priority, nice = wish.sched_priority, min(max(wish.sched_nice, _MIN_NICE), _MAX_NICE)
    is_fair = policy in (SCHED_OTHER, SCHED_BATCH)
    if is_fair and nice < other.nice and not _may_be_nice(task, other, nice):
        raise SyscallError(EPERM)
    _set(task, other, policy, priority, resets=bool(wish.sched_flags & SCHED_FLAG_RESET_ON_FORK))
    if is_fair:
        other.nice = nice
        task.kernel.scheduler.requeue(other)
    return 0


@syscall("sched_getattr")
def sys_sched_getattr(
    task: Task, pid: PidArg, uattr: Annotated[UserAddr, StructAt(OUT, SCHED_ATTR)], usize: UIntArg, flags: UIntArg
) -> int:
    """Policy, nice value and priority at once. Errors: EINVAL, ESRCH, EFAULT."""
    if not uattr or usize > _PAGE_BYTES or usize < _SCHED_ATTR_SIZE_VER0 or flags:
        raise SyscallError(EINVAL)
    other = _find(task, pid)
    text = SCHED_ATTR.pack(
        size=min(usize, SCHED_ATTR.size), sched_policy=other.policy, sched_priority=other.realtime_priority,
        sched_flags=SCHED_FLAG_RESET_ON_FORK if other.resets_on_fork else 0,
        sched_nice=0 if other.policy in _REALTIME else other.nice, sched_util_max=0,
    )  # fmt: skip
    task.mem.write(uattr, text[:usize])
    return 0


@syscall("sched_get_priority_max")
def sys_sched_get_priority_max(_task: Task, policy: SchedArg) -> int:
    """The highest priority of a policy. Errors: EINVAL."""
    if policy in _REALTIME:
        return _MAX_REALTIME
    if policy in (*_FAIR, SCHED_DEADLINE):
        return 0
    raise SyscallError(EINVAL)


@syscall("sched_get_priority_min")
def sys_sched_get_priority_min(_task: Task, policy: SchedArg) -> int:
    """The lowest priority of a policy. Errors: EINVAL."""
    if policy in _REALTIME:
        return 1
    if policy in (*_FAIR, SCHED_DEADLINE):
        return 0
    raise SyscallError(EINVAL)


@syscall("sched_rr_get_interval")
def sys_sched_rr_get_interval(task: Task, pid: PidArg, interval: Annotated[UserAddr, StructAt(OUT, TIMESPEC)]) -> int:
    """The time slice. Errors: EINVAL, ESRCH, EFAULT."""
    policy = _find(task, pid).policy
    slice_ns = {SCHED_RR: _RR_SLICE_NS, SCHED_FIFO: 0}.get(policy, _FAIR_SLICE_NS)
    task.mem.write(interval, TIMESPEC.pack(0, slice_ns))
    return 0


@syscall("sched_setaffinity")
def sys_sched_setaffinity(
    task: Task, pid: PidArg, length: UIntArg, user_mask: Annotated[UserAddr, CpuSet(IN, "length")]
) -> int:
    """Where a thread may run: all run on one CPU, and this is which it says that it is.

    Errors: EFAULT, ESRCH, EPERM, EINVAL no such CPU.
    """
    n_bytes = min(length, _CPUMASK_BYTES)
    mask = int.from_bytes(task.mem.read(user_mask, n_bytes), "little") if n_bytes else 0
    other = task.kernel.tasks.get(Tid(pid)) if pid else task
    if other is None:
        raise SyscallError(ESRCH)
    if not task.creds.owns(other.creds) and not task.creds.has(CAP_SYS_NICE):
        raise SyscallError(EPERM)
    mask &= (1 << task.kernel.n_cpus) - 1
    if not mask:
        raise SyscallError(EINVAL)
    other.affinity = mask
    if not mask >> other.cpu & 1:
        other.cpu = (mask & -mask).bit_length() - 1
        task.kernel.tell_cpu(other)
    return 0


@syscall("sched_yield")
def sys_sched_yield(task: Task) -> int:
    """Let others run."""
    if task.kernel.scheduler.has_others:
        task.kernel.step_back(task)
    return 0
