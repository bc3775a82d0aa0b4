"""The system and the CPU: uname(2), sysinfo(2), arch_prctl(2), getrandom(2)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, ENODEV, EPERM, SyscallError
from pyuk.abi.prctl import ARCH_GET_CPUID, ARCH_GET_FS, ARCH_GET_GS, ARCH_SET_CPUID, ARCH_SET_FS, ARCH_SET_GS
from pyuk.abi.random import GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM
from pyuk.abi.structs import SYSINFO, UTSNAME
from pyuk.abi.syscall import syscall
from pyuk.abi.time import NSEC_PER_SEC
from pyuk.abi.types import UserAddr
from pyuk.abi.unistd import MAX_RW_COUNT
from pyuk.machine.paging import TASK_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        ArchPrctlArg,
        ArchPrctlArgument,
        GrndArg,
        SizeArg,
    )
    from pyuk.abi.kinds import OUT, Buffer, StructAt
    from pyuk.kernel.task import Task

_RANDOM_CHUNK = 1 << 16


@syscall("uname")
def sys_uname(task: Task, name: Annotated[UserAddr, StructAt(OUT, UTSNAME)]) -> int:
    """Which kernel this is. Errors: EFAULT."""
    identity = task.kernel.identity
    fields = (
        identity.sysname, identity.nodename, identity.release, identity.version, identity.machine, identity.domainname,
    )  # fmt: skip
    task.mem.write(name, UTSNAME.pack(*(field.encode() for field in fields)))
    return 0


@syscall("sysinfo", note="no loads, buffers, shared memory or swap: 0")
def sys_sysinfo(task: Task, info: Annotated[UserAddr, StructAt(OUT, SYSINFO)]) -> int:
    """Guest RAM in bytes, uptime in seconds, number of tasks. Errors: EFAULT."""
    ram = task.kernel.machine.ram
    free = (ram.n_frames - task.kernel.cache.n_used) * 4096
    uptime = task.kernel.clock.boottime_ns() // NSEC_PER_SEC
    text = SYSINFO.pack(uptime=uptime, totalram=ram.size_bytes, freeram=free, procs=len(task.kernel.tasks), mem_unit=1)
    task.mem.write(info, text)
    return 0


@syscall("arch_prctl", note="shadow stacks, XSAVE components and faulting CPUID are what a CPU without them says")
def sys_arch_prctl(task: Task, option: ArchPrctlArg, arg2: ArchPrctlArgument) -> int:
    """Set and get the bases of FS and GS. Errors: EINVAL option, EPERM not a user address, EFAULT, ENODEV."""
    cpu = task.kernel.machine.cpu
    if option in (ARCH_SET_FS, ARCH_SET_GS):
        if arg2 >= TASK_SIZE:
            raise SyscallError(EPERM)
        if option == ARCH_SET_FS:
            cpu.fs_base = arg2
        else:
            cpu.gs_base = arg2
    elif option in (ARCH_GET_FS, ARCH_GET_GS):
        task.mem.write_u64(UserAddr(arg2), cpu.fs_base if option == ARCH_GET_FS else cpu.gs_base)
    elif option == ARCH_GET_CPUID:
        return 1
    elif option == ARCH_SET_CPUID:
        raise SyscallError(ENODEV)
    else:
        raise SyscallError(EINVAL)
    return 0


@syscall("getrandom")
def sys_getrandom(
    task: Task, buf: Annotated[UserAddr, Buffer(OUT, "return", opaque=True)], count: SizeArg, flags: GrndArg
) -> int:
    """Random bytes, never fewer than asked for up to 256, else as far as the buffer is good. Errors: EINVAL, EFAULT."""
    if flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE):
        raise SyscallError(EINVAL)
    if flags & (GRND_RANDOM | GRND_INSECURE) == GRND_RANDOM | GRND_INSECURE:
        raise SyscallError(EINVAL)
    count = min(count, MAX_RW_COUNT)
    if buf > TASK_SIZE - count:
        raise SyscallError(EFAULT)
    if not count:
        return 0
    n_done = 0
    for part in task.mem.slices(buf, count, writing=True):
        for start in range(0, len(part), _RANDOM_CHUNK):
            piece = part[start : start + _RANDOM_CHUNK]
            piece[:] = task.kernel.random.bytes(len(piece))
        n_done += len(part)
    return n_done
