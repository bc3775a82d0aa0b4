"""Resource limits (getrlimit(2)), and where one runs (sched_getaffinity(2), getcpu(2))."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_RESOURCE
from pyuk.abi.errno import EINVAL, EPERM, ESRCH, SyscallError
from pyuk.abi.resource import RLIM_NLIMITS, RLIMIT_NOFILE
from pyuk.abi.structs import RLIMIT
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid, UserAddr
from pyuk.fs.file import NR_OPEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, PidArg, ResourceArg, UIntArg
    from pyuk.abi.kinds import IN, OUT, CpuSet, StructAt
    from pyuk.abi.structs import UINT32
    from pyuk.kernel.limits import Limits
    from pyuk.kernel.task import Task

_CPUMASK_BYTES = 8


@syscall("prlimit64")
def sys_prlimit64(
    task: Task,
    pid: PidArg,
    resource: ResourceArg,
    new_rlim: Annotated[UserAddr, StructAt(IN, RLIMIT)],
    old_rlim: Annotated[UserAddr, StructAt(OUT, RLIMIT)],
) -> int:
    """Get and set a limit of a process, 0 meaning the caller. Errors: EINVAL, EPERM, ESRCH, EFAULT."""
    new = RLIMIT.unpack(task.mem.read(new_rlim, RLIMIT.size)) if new_rlim else None
    receiver = task.kernel.tasks.get(Tid(pid or task.tid))
    if receiver is None:
        raise SyscallError(ESRCH)
    if resource >= RLIM_NLIMITS:
        raise SyscallError(EINVAL)
    limits = receiver.limits
    old = limits.soft[resource], limits.hard[resource]
    if new is not None:
        _set(task, limits, resource, *new)
    if old_rlim:
        task.mem.write(old_rlim, RLIMIT.pack(*old))
    return 0


@syscall("getrlimit")
def sys_getrlimit(task: Task, resource: ResourceArg, rlim: Annotated[UserAddr, StructAt(OUT, RLIMIT)]) -> int:
    """Get a limit. Errors: EINVAL, EFAULT."""
    if resource >= RLIM_NLIMITS:
        raise SyscallError(EINVAL)
    task.mem.write(rlim, RLIMIT.pack(task.limits.soft[resource], task.limits.hard[resource]))
    return 0


@syscall("setrlimit")
def sys_setrlimit(task: Task, resource: ResourceArg, rlim: Annotated[UserAddr, StructAt(IN, RLIMIT)]) -> int:
    """Set a limit. Errors: EFAULT, EINVAL soft above hard, EPERM."""
    soft, hard = RLIMIT.unpack(task.mem.read(rlim, RLIMIT.size))
    if resource >= RLIM_NLIMITS:
        raise SyscallError(EINVAL)
    _set(task, task.limits, resource, soft, hard)
    return 0


def _set(task: Task, limits: Limits, resource: int, soft: int, hard: int) -> None:
    """kernel/sys.c, do_prlimit: only root may raise a hard limit."""
    if soft > hard:
        raise SyscallError(EINVAL)
    if resource == RLIMIT_NOFILE and hard > NR_OPEN:
        raise SyscallError(EPERM)
    if hard > limits.hard[resource] and not task.creds.has(CAP_SYS_RESOURCE):
        raise SyscallError(EPERM)
    limits.soft[resource], limits.hard[resource] = soft, hard


@syscall("sched_getaffinity")
def sys_sched_getaffinity(
    task: Task, pid: PidArg, length: UIntArg, user_mask: Annotated[UserAddr, CpuSet(OUT, "return")]
) -> int:
    """The CPUs a task may run on. Gives the mask's size. Errors: EINVAL, ESRCH, EFAULT."""
    kernel = task.kernel
    if length % _CPUMASK_BYTES or length * 8 < kernel.n_cpus:
        raise SyscallError(EINVAL)
    other = kernel.tasks.get(Tid(pid)) if pid else task
    if other is None:
        raise SyscallError(ESRCH)
    mask = other.affinity or (1 << kernel.n_cpus) - 1
    task.mem.write(user_mask, mask.to_bytes(_CPUMASK_BYTES, "little"))
    return _CPUMASK_BYTES


@syscall("getcpu")
def sys_getcpu(
    task: Task,
    cpup: Annotated[UserAddr, StructAt(OUT, UINT32)],
    nodep: Annotated[UserAddr, StructAt(OUT, UINT32)],
    unused: Annotated[UserAddr, StructAt(OUT, UINT32)],
) -> int:
    """The CPU and node the caller runs on, as far as it is told; the node is 0. Errors: EFAULT."""
    for address, number in ((cpup, task.cpu), (nodep, 0)):
        if address:
            task.mem.write_u32(address, number)
    return 0
