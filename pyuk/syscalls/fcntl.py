"""fcntl(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_RESOURCE
from pyuk.abi.errno import EBADF, EINVAL, SyscallError
from pyuk.abi.fcntl import (
    F_ADD_SEALS,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GET_SEALS,
    F_GETFD,
    F_GETFL,
    F_GETLEASE,
    F_GETLK,
    F_GETOWN,
    F_GETPIPE_SZ,
    F_GETSIG,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_SETFD,
    F_SETFL,
    F_SETLK,
    F_SETLKW,
    F_SETPIPE_SZ,
    F_UNLCK,
    FD_CLOEXEC,
    O_APPEND,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
)  # fmt: skip
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import FcntlArg, FcntlCommandArg, FcntlResult, FdArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_ON_PATH = (F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL)  # Linux fs/fcntl.c: check_fcntl_cmd
_LOCKS = (F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW)
_UINT_MAX = 0xFFFFFFFF
_CHANGEABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME


@syscall("fcntl", note="no leases, owners, signals, F_NOTIFY")
def sys_fcntl(task: Task, fd: FdArg, cmd: FcntlCommandArg, arg: FcntlArg) -> FcntlResult:
    """Many small calls; see the cases."""
    file = task.files.get_any(fd)
    if file.flags & O_PATH and cmd not in _ON_PATH:
        raise SyscallError(EBADF)
    cloexec = task.files.cloexec
    if cmd in (F_DUPFD, F_DUPFD_CLOEXEC):
        return _dupfd(task, file, arg & 0xFFFFFFFF, cloexec=cmd == F_DUPFD_CLOEXEC)
    if cmd == F_GETFD:
        return FD_CLOEXEC if fd in cloexec else 0
    if cmd == F_SETFD:
        if arg & FD_CLOEXEC:
            cloexec.add(fd)
        else:
            cloexec.discard(fd)
        return 0
    if cmd == F_GETFL:
        return file.status_flags()
    if cmd == F_SETFL:
        file.set_status(file.status_flags() & ~_CHANGEABLE | arg & _CHANGEABLE)
        return 0
    return _others(task, fd, file, cmd, arg)


def _dupfd(task: Task, file: OpenFile, lowest: int, *, cloexec: bool) -> int:
    n_max = task.limits.soft[RLIMIT_NOFILE]
    if lowest >= n_max:
        raise SyscallError(EINVAL)
    fd = task.files.install(file, cloexec=cloexec, lowest=lowest, n_max=n_max)
    file.hold()
    return fd


def _others(task: Task, fd: int, file: OpenFile, cmd: int, arg: int) -> int:
    if cmd in _LOCKS:
        from pyuk.syscalls.locks import record_lock  # noqa: PLC0415

        return record_lock(task, fd, file, cmd, arg)
    if cmd == F_GETPIPE_SZ:
        return file.pipe_bytes()
    if cmd == F_SETPIPE_SZ:
        return file.set_pipe_bytes(arg, is_privileged=task.creds.has(CAP_SYS_RESOURCE))
    if cmd == F_GET_SEALS:
        return file.seals()
    if cmd == F_ADD_SEALS:
        if arg > _UINT_MAX:
            raise SyscallError(EINVAL)
        file.add_seals(arg)
        return 0
    if cmd in (F_GETOWN, F_GETSIG):
        return 0
    if cmd == F_GETLEASE:
        return F_UNLCK
    raise SyscallError(EINVAL)
