"""read(2), write(2) and their relatives."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, EOPNOTSUPP, ESPIPE, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import SEEK_HOLE
from pyuk.syscalls.transfer import read_into, read_segments, user_segments, write_from, write_segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        FdArg,
        HiddenArg,
        OffArg,
        RwFlagsArg,
        SizeArg,
        ULongArg,
        WhenceArg,
    )
    from pyuk.abi.kinds import IN, OUT, Buffer, IoVector
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_RWF_SUPPORTED = 31  # include/uapi/linux/fs.h


@syscall("read")
def sys_read(task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(OUT, "return")], count: SizeArg) -> int:
    """Read at the file's position."""
    file = task.files.get(fd)
    if not file.readable:
        raise SyscallError(EBADF)
    return read_into(task, file, buf, count)


@syscall("write")
def sys_write(task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(IN, "count")], count: SizeArg) -> int:
    """Write at the file's position."""
    file = task.files.get(fd)
    if not file.writable:
        raise SyscallError(EBADF)
    return write_from(task, file, buf, count)


@syscall("pread64")
def sys_pread64(
    task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(OUT, "return")], count: SizeArg, offset: OffArg
) -> int:
    """Read elsewhere; the position stays."""
    file = _positional(task, fd, offset)
    if not file.readable:
        raise SyscallError(EBADF)
    return read_into(task, file, buf, count, offset)


@syscall("pwrite64")
def sys_pwrite64(
    task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(IN, "count")], count: SizeArg, offset: OffArg
) -> int:
    """Write elsewhere; the position stays."""
    file = _positional(task, fd, offset)
    if not file.writable:
        raise SyscallError(EBADF)
    return write_from(task, file, buf, count, offset)


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
    return _readv(task, _positional(task, fd, offset), iov, iovcnt, offset, 0)


@syscall("pwritev")
def sys_pwritev(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(IN, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg,
) -> int:  # fmt: skip
    """Several buffers, elsewhere."""
    return _writev(task, _positional(task, fd, offset), iov, iovcnt, offset, 0)


@syscall("preadv2")
def sys_preadv2(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(OUT, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg, flags: RwFlagsArg,
) -> int:  # fmt: skip
    """With RWF_ flags; offset -1 is the file's position."""
    file = task.files.get(fd) if offset == -1 else _positional(task, fd, offset)
    return _readv(task, file, iov, iovcnt, None if offset == -1 and not flags else offset, flags)


@syscall("pwritev2")
def sys_pwritev2(
    task: Task, fd: FdArg, iov: Annotated[UserAddr, IoVector(IN, "iovcnt")], iovcnt: ULongArg, offset: OffArg,
    pos_h: HiddenArg, flags: RwFlagsArg,
) -> int:  # fmt: skip
    """With RWF_ flags; offset -1 is the file's position."""
    file = task.files.get(fd) if offset == -1 else _positional(task, fd, offset)
    return _writev(task, file, iov, iovcnt, None if offset == -1 and not flags else offset, flags)


@syscall("lseek")
def sys_lseek(task: Task, fd: FdArg, offset: OffArg, whence: WhenceArg) -> int:
    """Move the file's position."""
    file = task.files.get(fd)
    if whence > SEEK_HOLE:
        raise SyscallError(EINVAL)
    if file.stream:
        raise SyscallError(ESPIPE)
    return file.lseek(offset, whence)


def _positional(task: Task, fd: int, offset: int) -> OpenFile:
    """Linux fs/read_write.c: a negative offset is seen before the descriptor, a pipe before its access mode."""
    if offset < 0:
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if file.stream:
        raise SyscallError(ESPIPE)
    return file


def _readv(task: Task, file: OpenFile, iov: UserAddr, iovcnt: int, offset: int | None, rwf: int) -> int:
    segments = user_segments(task, iov, iovcnt)
    if not file.readable:
        raise SyscallError(EBADF)
    if not segments:
        return 0
    if rwf & ~_RWF_SUPPORTED:
        raise SyscallError(EOPNOTSUPP)
    return read_segments(task, file, segments, offset, rwf)


def _writev(task: Task, file: OpenFile, iov: UserAddr, iovcnt: int, offset: int | None, rwf: int) -> int:
    segments = user_segments(task, iov, iovcnt)
    if not file.writable:
        raise SyscallError(EBADF)
    if not segments:
        return 0
    if rwf & ~_RWF_SUPPORTED:
        raise SyscallError(EOPNOTSUPP)
    return write_segments(task, file, segments, offset, rwf)
