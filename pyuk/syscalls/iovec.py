"""Reading into and writing from several buffers: readv(2), writev(2), preadv(2), preadv2(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EOPNOTSUPP, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.syscalls.io import positional
from pyuk.syscalls.transfer import read_segments, user_segments, write_segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, HiddenArg, OffArg, RwFlagsArg, ULongArg
    from pyuk.abi.kinds import IN, OUT, IoVector
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_RWF_SUPPORTED = 31  # include/uapi/linux/fs.h


@syscall("readv")
def sys_readv(task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(OUT, "iovcnt")], iovcnt: ULongArg) -> int:
    """Read into several buffers."""
    return _readv(task, task.files.get(fd), iov, iovcnt, None, 0)


@syscall("writev")
def sys_writev(task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(IN, "iovcnt")], iovcnt: ULongArg) -> int:
    """Write from several buffers."""
    return _writev(task, task.files.get(fd), iov, iovcnt, None, 0)


@syscall("preadv")
def sys_preadv(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(OUT, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg,
) -> int:  # fmt: skip
    """Several buffers, elsewhere. On a 64-bit kernel pos_h is not looked at."""
    return _readv(task, positional(task, fd, offset), iov, iovcnt, offset, 0)


@syscall("pwritev")
def sys_pwritev(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(IN, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg,
) -> int:  # fmt: skip
    """Several buffers, elsewhere."""
    return _writev(task, positional(task, fd, offset), iov, iovcnt, offset, 0)


@syscall("preadv2")
def sys_preadv2(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(OUT, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg, flags: RwFlagsArg,
) -> int:  # fmt: skip
    """With RWF_ flags; offset -1 is the file's position."""
    file = task.files.get(fd) if offset == -1 else positional(task, fd, offset)
    return _readv(task, file, iov, iovcnt, None if offset == -1 and not flags else offset, flags)


@syscall("pwritev2")
def sys_pwritev2(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(IN, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg, flags: RwFlagsArg,
) -> int:  # fmt: skip
    """With RWF_ flags; offset -1 is the file's position."""
    file = task.files.get(fd) if offset == -1 else positional(task, fd, offset)
    return _writev(task, file, iov, iovcnt, None if offset == -1 and not flags else offset, flags)


def _readv(task: Task, file: OpenFile, iov: UserAddr, iovcnt: int, offset: int | None, rwf: int) -> int:
    task.usage.n_reads += 1
    segments = user_segments(task, iov, iovcnt)
    if not file.readable:
        raise SyscallError(EBADF)
    if rwf & ~_RWF_SUPPORTED and segments:
        raise SyscallError(EOPNOTSUPP)
    done = read_segments(task, file, segments, offset, rwf) if segments else 0
    if not done:
        file.read_nothing_at_all()
    return done


def _writev(task: Task, file: OpenFile, iov: UserAddr, iovcnt: int, offset: int | None, rwf: int) -> int:
    task.usage.n_writes += 1
    segments = user_segments(task, iov, iovcnt)
    if not file.writable:
        raise SyscallError(EBADF)
    if not segments:
        return 0
    if rwf & ~_RWF_SUPPORTED:
        raise SyscallError(EOPNOTSUPP)
    return write_segments(task, file, segments, offset, rwf)
