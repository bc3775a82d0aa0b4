"""open(2), close(2), dup(2) and what else makes and ends descriptors."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, SyscallError
from pyuk.abi.fcntl import (
    AT_FDCWD,
    CLOSE_RANGE_CLOEXEC,
    CLOSE_RANGE_UNSHARE,
    O_ACCMODE,
    O_APPEND,
    O_ASYNC,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECT,
    O_DIRECTORY,
    O_DSYNC,
    O_EXCL,
    O_LARGEFILE,
    O_NOATIME,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_SYNC,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    RESOLVE_IN_ROOT,
)  # fmt: skip
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.syscalls.names import start_of, user_path
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        CloseRangeArg,
        DirFdArg,
        FdArg,
        FdFlagsArg,
        FdResult,
        ModeArg,
        OpenFlagsArg,
        OpenModeArg,
        PathArg,
        UIntArg,
    )
    from pyuk.abi.kinds import OUT, StructAt
    from pyuk.abi.structs import FD
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

VALID_OPEN_FLAGS = (
    O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_ASYNC | O_DIRECT
    | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE
)  # fmt: skip
"""include/linux/fcntl.h: VALID_OPEN_FLAGS; open ignores the rest."""
_TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY
_SYNC_BIT = O_SYNC & ~O_DSYNC
_WITH_PATH = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC
_PERMISSIONS = 0o7777


@syscall("open")
def sys_open(task: Task, filename: PathArg, flags: OpenFlagsArg, mode: OpenModeArg) -> FdResult:
    """openat from the working directory."""
    return _open(task, AT_FDCWD, filename, flags, mode)


@syscall("openat")
def sys_openat(task: Task, dfd: DirFdArg, filename: PathArg, flags: OpenFlagsArg, mode: OpenModeArg) -> FdResult:
    """Open, perhaps create."""
    return _open(task, dfd, filename, flags, mode)


@syscall("creat")
def sys_creat(task: Task, pathname: PathArg, mode: ModeArg) -> FdResult:
    """Open for writing, create, truncate."""
    return _open(task, AT_FDCWD, pathname, O_CREAT | O_WRONLY | O_TRUNC, mode)


def _open(task: Task, dirfd: int, address: UserAddr, flags: int, mode: int) -> int:
    """Linux fs/open.c, do_sys_openat2: flags, then open_checked."""
    flags = checked_flags(flags)
    mode = mode & _PERMISSIONS if flags & (O_CREAT | _TMPFILE_BIT) else 0
    return open_checked(task, dirfd, address, flags, mode)


def open_checked(task: Task, dirfd: int, address: UserAddr, flags: int, mode: int, resolve: int = 0) -> int:
    """The name, then the number, then the file. resolve: RESOLVE_ flags."""
    path = user_path(task, address)
    files = task.files
    n_max = task.limits.soft[RLIMIT_NOFILE]
    files.check_room(n_max)
    start = task.files.get_any(dirfd) if resolve & RESOLVE_IN_ROOT and dirfd >= 0 else start_of(task, dirfd, path)
    try:
        file = task.fs.open(path, flags & ~O_CLOEXEC, mode, start, resolve)
    except WouldBlock as blocked:
        from pyuk.syscalls.fifo import FifoOpen  # noqa: PLC0415  # rare

        raise Park.after(blocked, FifoOpen(task, blocked, cloexec=bool(flags & O_CLOEXEC))) from None
    return files.install(file, cloexec=bool(flags & O_CLOEXEC), n_max=n_max)


def checked_flags(flags: int) -> int:
    """Linux fs/open.c, build_open_flags. Errors: EINVAL __O_TMPFILE without O_DIRECTORY, with O_CREAT, or read-only."""
    flags &= VALID_OPEN_FLAGS
    if flags & _SYNC_BIT:
        flags |= O_DSYNC
    if flags & O_PATH:
        return flags & _WITH_PATH
    if flags & _TMPFILE_BIT and (flags & (O_TMPFILE | O_CREAT) != O_TMPFILE or flags & O_ACCMODE == O_RDONLY):
        raise SyscallError(EINVAL)
    return flags | O_LARGEFILE


@syscall("close")
def sys_close(task: Task, fd: FdArg) -> int:
    """Free the number; the file goes with its last one."""
    task.files.close(fd)
    return 0


@syscall("close_range")
def sys_close_range(task: Task, first: UIntArg, last: UIntArg, flags: CloseRangeArg) -> int:
    """Close all of [first, last], or mark them close-on-exec."""
    if flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) or first > last:
        raise SyscallError(EINVAL)
    if flags & CLOSE_RANGE_UNSHARE and task.files.refs > 1:
        task.files.refs -= 1
        task.files = task.files.copy()
    files = task.files
    inside = [fd for fd in files.numbers() if first <= fd <= last]
    if flags & CLOSE_RANGE_CLOEXEC:
        files.cloexec.update(inside)
    else:
        for fd in inside:
            files.close_quietly(fd)
    return 0


@syscall("dup")
def sys_dup(task: Task, fildes: FdArg) -> FdResult:
    """The lowest free number for the same file."""
    file = task.files.get_any(fildes)
    fd = task.files.install(file, n_max=task.limits.soft[RLIMIT_NOFILE])
    file.hold()
    return fd


@syscall("dup2")
def sys_dup2(task: Task, oldfd: FdArg, newfd: FdArg) -> FdResult:
    """A chosen number; the same one is only checked."""
    if oldfd == newfd:
        task.files.get_any(oldfd)
        return newfd
    return _dup_to(task, oldfd, newfd, cloexec=False)


@syscall("dup3")
def sys_dup3(task: Task, oldfd: FdArg, newfd: FdArg, flags: FdFlagsArg) -> FdResult:
    """A chosen number, perhaps close-on-exec; the same one is refused."""
    if flags & ~O_CLOEXEC or oldfd == newfd:
        raise SyscallError(EINVAL)
    return _dup_to(task, oldfd, newfd, cloexec=bool(flags))


def _dup_to(task: Task, oldfd: int, newfd: int, *, cloexec: bool) -> int:
    if not 0 <= newfd < task.limits.soft[RLIMIT_NOFILE]:
        raise SyscallError(EBADF)
    task.files.replace(newfd, task.files.get_any(oldfd).hold(), cloexec=cloexec)
    return newfd


@syscall("pipe")
def sys_pipe(task: Task, fildes: Annotated[UserAddr, StructAt(OUT, FD, 2)]) -> int:
    """A pipe without flags."""
    return _pipe(task, fildes, 0)


@syscall("pipe2")
def sys_pipe2(
    task: Task,
    fildes: Annotated[UserAddr, StructAt(OUT, FD, 2)],
    flags: FdFlagsArg,
) -> int:
    """A pipe: both numbers, or none."""
    return _pipe(task, fildes, flags)


def _pipe(task: Task, address: UserAddr, flags: int) -> int:
    if flags & ~(O_NONBLOCK | O_DIRECT | O_CLOEXEC):
        raise SyscallError(EINVAL)
    from pyuk.fs.pipe import new_pipe  # noqa: PLC0415  # most programs open files, and few pipes

    ends = new_pipe(flags & ~O_CLOEXEC)
    fds: list[int] = []
    cloexec, n_max = bool(flags & O_CLOEXEC), task.limits.soft[RLIMIT_NOFILE]
    try:
        fds += (task.files.install(end, cloexec=cloexec, n_max=n_max) for end in ends)
        task.mem.write(address, b"".join(fd.to_bytes(4, "little") for fd in fds))
    except SyscallError:
        for fd in fds:
            task.files.close(fd)
        raise
    return 0
