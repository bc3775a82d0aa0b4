"""Process groups and sessions: setpgid(2), setsid(2)."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, EINVAL, EPERM, ESRCH, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import PidArg
    from pyuk.kernel.task import Task


@syscall("setpgid")
def sys_setpgid(task: Task, pid: PidArg, pgid: PidArg) -> int:
    """Put a process, oneself or a child that has not called execve, into a group.

    Errors: EINVAL, ESRCH not oneself nor a child, EACCES it has called execve, EPERM another session or a leader.
    """
    own = task.process
    if pgid < 0:
        raise SyscallError(EINVAL)
    process = task.kernel.processes.get(Tid(pid)) if pid else own
    if process is None or (process is not own and process.parent is not own):
        raise SyscallError(ESRCH)
    if process.sid != own.sid or process.sid == process.pid:
        raise SyscallError(EPERM)
    if process is not own and process.has_execed:
        raise SyscallError(EACCES)
    group = Tid(pgid) if pgid else process.pid
    if group != process.pid:
        members = [other for other in task.kernel.processes.values() if other.pgid == group]
        if not any(other.sid == own.sid for other in members):
            raise SyscallError(EPERM)
    process.pgid = group
    return 0


@syscall("setsid")
def sys_setsid(task: Task) -> int:
    """A new session and group with the caller as leader. Errors: EPERM the caller leads a group."""
    process = task.process
    if any(other.pgid == process.pid for other in task.kernel.processes.values()):
        raise SyscallError(EPERM)
    process.sid = process.pgid = process.pid
    process.tty = None
    return process.sid
