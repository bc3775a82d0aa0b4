"""Processes by descriptor: pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, EPERM, ESRCH, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.sched import PIDFD_NONBLOCK
from pyuk.abi.signal import SI_TKILL, SI_USER
from pyuk.abi.structs import SIGINFO, SIGINFO_BYTES
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid
from pyuk.kernel import signals
from pyuk.kernel.access import may_access
from pyuk.kernel.pidfd import PidFile
from pyuk.syscalls.process import GivenSiginfo, may_signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, FdResult, HexUIntArg, PidArg, PidfdArg, SignalArg
    from pyuk.abi.kinds import IN, StructAt
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Process, Task


def process_of(task: Task, fd: int) -> Process:
    """Whom a descriptor means. Errors: EBADF not open, or no pidfd."""
    file = task.files.get(fd)
    if not isinstance(file, PidFile):
        raise SyscallError(EBADF)
    return file.process


@syscall("pidfd_open")
def sys_pidfd_open(task: Task, pid: PidArg, flags: PidfdArg) -> FdResult:
    """A descriptor of a process, closed by execve. Errors: EINVAL, ESRCH, EMFILE."""
    if flags & ~PIDFD_NONBLOCK or pid <= 0:
        raise SyscallError(EINVAL)
    process = task.kernel.processes.get(Tid(pid))
    if process is None:
        raise SyscallError(EINVAL if Tid(pid) in task.kernel.tasks else ESRCH)
    return task.files.install(PidFile(process, flags), cloexec=True, n_max=task.limits.soft[RLIMIT_NOFILE])


@syscall("pidfd_send_signal")
def sys_pidfd_send_signal(
    task: Task, pidfd: FdArg, sig: SignalArg, info: Annotated[UserAddr, StructAt(IN, SIGINFO)], flags: HexUIntArg
) -> int:
    """kill(2), or with info rt_sigqueueinfo(2). Errors: EINVAL, EBADF, EFAULT, EPERM, ESRCH."""
    if flags:
        raise SyscallError(EINVAL)
    process = process_of(task, pidfd)
    given: signals.Siginfo
    if info:
        data = task.mem.read(info, SIGINFO_BYTES)
        if int.from_bytes(data[:4], "little") != sig & 0xFFFF_FFFF:
            raise SyscallError(EINVAL)
        given = GivenSiginfo(sig & 0x7F, data)
        if process is not task.process and (given.code >= 0 or given.code == SI_TKILL):
            raise SyscallError(EPERM)
    else:
        given = signals.from_kill(task, sig, SI_USER)
    if task.kernel.processes.get(process.pid) is not process:
        raise SyscallError(ESRCH)
    if not 0 <= sig <= signals.N_SIGNALS:
        raise SyscallError(EINVAL)
    if not may_signal(task, process, sig):
        raise SyscallError(EPERM)
    if sig:
        signals.send_process(process, given)
    return 0


@syscall("pidfd_getfd")
def sys_pidfd_getfd(task: Task, pidfd: FdArg, fd: FdArg, flags: HexUIntArg) -> FdResult:
    """A copy of another process's descriptor. Errors: EINVAL, EBADF, EPERM, ESRCH, EMFILE."""
    if flags:
        raise SyscallError(EINVAL)
    process = process_of(task, pidfd)
    if not process.tasks:
        raise SyscallError(ESRCH)
    other = process.tasks[0]
    if not may_access(task, other):
        raise SyscallError(EPERM)
    file = other.files.get_any(fd)
    return task.files.install(file.hold(), cloexec=True, n_max=task.limits.soft[RLIMIT_NOFILE])
