"""fcntl(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_FOWNER, CAP_SYS_RESOURCE
from pyuk.abi.errno import EBADF, EINVAL, EPERM, SyscallError
from pyuk.abi.fcntl import (
    F_ADD_SEALS,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GET_RW_HINT,
    F_GET_SEALS,
    F_GETFD,
    F_GETFL,
    F_GETLEASE,
    F_GETLK,
    F_GETOWN,
    F_GETOWN_EX,
    F_GETOWNER_UIDS,
    F_GETPIPE_SZ,
    F_GETSIG,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_SET_RW_HINT,
    F_SETFD,
    F_SETFL,
    F_SETLK,
    F_SETLKW,
    F_SETOWN,
    F_SETOWN_EX,
    F_SETPIPE_SZ,
    F_SETSIG,
    F_UNLCK,
    FD_CLOEXEC,
    O_APPEND,
    O_ASYNC,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
    RWH_WRITE_LIFE_EXTREME,
    RWH_WRITE_LIFE_NOT_SET,
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
_OWNERS = (F_GETOWN, F_SETOWN, F_GETOWN_EX, F_SETOWN_EX, F_GETSIG, F_SETSIG, F_GETOWNER_UIDS)
_UINT_MAX = 0xFFFFFFFF
_CHANGEABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME


@syscall("fcntl", note="no leases (EINVAL), as on a kernel without them; no F_NOTIFY")
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
        _set_flags(task, fd, file, arg)
        return 0
    return _others(task, fd, file, cmd, arg)


def _set_flags(task: Task, fd: int, file: OpenFile, flags: int) -> None:
    """Linux fs/fcntl.c, setfl. Errors: EPERM O_NOATIME for another's file, EINVAL O_DIRECT."""
    before = file.status_flags()
    new = flags & ~before
    if new & O_NOATIME and file.stat().st_uid != task.creds.fsuid and not task.creds.has(CAP_FOWNER):
        raise SyscallError(EPERM)
    if new & O_DIRECT and not file.takes_direct:
        raise SyscallError(EINVAL)
    if (flags ^ before) & O_ASYNC and file.has_fasync:
        from pyuk.kernel.sigio import set_async  # noqa: PLC0415

        set_async(task, file, fd, on=bool(flags & O_ASYNC))
        before = file.status_flags()
    file.set_status(before & ~_CHANGEABLE | flags & _CHANGEABLE)


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
    if cmd in _OWNERS:
        from pyuk.syscalls.owners import owner_command  # noqa: PLC0415

        return owner_command(task, file, cmd, arg)
    if cmd in (F_GET_RW_HINT, F_SET_RW_HINT):
        return _lifetime_hint(task, file, cmd, arg)
    if cmd == F_GETLEASE:
        return F_UNLCK
    raise SyscallError(EINVAL)


def _lifetime_hint(task: Task, file: OpenFile, cmd: int, address: int) -> int:
    """How long written data is expected to live: kept with the inode, and nobody does anything with it."""
    from pyuk.syscalls.locks import lock_table  # noqa: PLC0415  # it knows inodes by their numbers

    table = lock_table(task)
    if cmd == F_GET_RW_HINT:
        task.mem.write_u64(address, table.hints.get(table.key_of(file), RWH_WRITE_LIFE_NOT_SET))
        return 0
    hint = task.mem.read_u64(address)
    if hint > RWH_WRITE_LIFE_EXTREME:
        raise SyscallError(EINVAL)
    table.hints[table.key_of(file)] = hint
    return 0
