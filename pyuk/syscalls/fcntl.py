"""fcntl(2) and flock(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_RESOURCE
from pyuk.abi.errno import EBADF, EINVAL, ERESTARTSYS, SyscallError
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
    LOCK_EX,
    LOCK_NB,
    LOCK_SH,
    LOCK_UN,
    O_APPEND,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
)  # fmt: skip
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.structs import FLOCK
from pyuk.abi.syscall import syscall
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.declare import FcntlArg, FcntlCommandArg, FcntlResult, FdArg, FlockArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_ON_PATH = (F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL)  # Linux fs/fcntl.c: check_fcntl_cmd
_LOCKS = (F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW)
_LOCK_MAND = 32  # include/uapi/asm-generic/fcntl.h
_UINT_MAX = 0xFFFFFFFF
_CHANGEABLE = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME


@syscall("fcntl", note="no leases, owners, signals, F_NOTIFY; POSIX locks are the host process's: guests share them")
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
    return _others(task, file, cmd, arg)


def _dupfd(task: Task, file: OpenFile, lowest: int, *, cloexec: bool) -> int:
    n_max = task.limits.soft[RLIMIT_NOFILE]
    if lowest >= n_max:
        raise SyscallError(EINVAL)
    fd = task.files.install(file, cloexec=cloexec, lowest=lowest, n_max=n_max)
    file.hold()
    return fd


def _others(task: Task, file: OpenFile, cmd: int, arg: int) -> int:
    if cmd in _LOCKS:
        given = task.mem.read(arg, FLOCK.size)
        try:
            answer = file.lock(cmd, given)
        except WouldBlock as blocked:
            raise Park.after(blocked, LockWait(file, lambda: file.lock(cmd, given))) from None
        if cmd in (F_GETLK, F_OFD_GETLK):
            task.mem.write(arg, answer)
        return 0
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


@syscall("flock")
def sys_flock(task: Task, fd: FdArg, cmd: FlockArg) -> int:
    """A lock on the whole file, owned by the open file description. LOCK_MAND is accepted and does nothing."""
    if cmd & _LOCK_MAND:
        return 0
    if cmd & ~LOCK_NB not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if cmd & ~LOCK_NB != LOCK_UN and not (file.readable or file.writable):
        raise SyscallError(EBADF)
    try:
        file.flock(cmd)
    except WouldBlock as blocked:
        raise Park.after(blocked, LockWait(file, lambda: file.flock(cmd))) from None
    return 0


class LockWait:
    """A lock that somebody else holds: asked for until it is there. The open file is pinned."""

    __slots__ = ("_ask", "_file")

    def __init__(self, file: OpenFile, ask: Callable[[], object]) -> None:
        self._file = file.hold()
        self._ask = ask

    def step(self) -> int:
        """Ask again; may raise WouldBlock."""
        self._ask()
        return 0

    def interrupted(self) -> int:
        """Asked for again unless a handler without SA_RESTART runs."""
        raise SyscallError(ERESTARTSYS)

    timed_out = interrupted

    def close(self) -> None:
        """Unpin the file."""
        self._file.release()
