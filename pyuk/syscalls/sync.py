"""Hints and flushing."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, ESPIPE, SyscallError
from pyuk.abi.fcntl import POSIX_FADV_WILLNEED
from pyuk.abi.stat import S_IFBLK, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FadviseArg, FdArg, LengthArg, OffArg, SizeArg
    from pyuk.abi.kinds import Flags
    from pyuk.abi.tables import Table
    from pyuk.kernel.task import Task

_LAST_ADVICE = 5
_SYNC_FLAGS = 7  # include/uapi/linux/fs.h: SYNC_FILE_RANGE_*


@syscall("fadvise64")
def sys_fadvise64(task: Task, fd: FdArg, offset: OffArg, len: LengthArg, advice: FadviseArg) -> int:  # noqa: A002
    """What will be read, told to the host where the file is its own. Errors: EBADF, ESPIPE, EINVAL."""
    file = task.files.get(fd)
    if S_IFMT & file.stat().st_mode == S_IFIFO:
        raise SyscallError(ESPIPE)
    if len < 0 or not 0 <= advice <= _LAST_ADVICE:
        raise SyscallError(EINVAL)
    file.advise(offset, len, advice)
    return 0


@syscall("readahead")
def sys_readahead(task: Task, fd: FdArg, offset: OffArg, count: SizeArg) -> int:
    """Read a part of a file into the host's memory, ahead of time. Errors: EBADF, EINVAL."""
    file = task.files.get(fd)
    if not file.readable:
        raise SyscallError(EBADF)
    if S_IFMT & file.stat().st_mode not in (S_IFREG, S_IFBLK):
        raise SyscallError(EINVAL)
    file.advise(offset, min(count, MAX_RW_COUNT), POSIX_FADV_WILLNEED)
    return 0


@syscall("sync", note="what guests have written is the host's already, which puts it on the disk when it likes")
def sys_sync(_task: Task) -> int:
    """Write everything out."""
    return 0


@syscall("fsync")
def sys_fsync(task: Task, fd: FdArg) -> int:
    """Data and metadata to the disk."""
    task.files.get(fd).sync(data_only=False)
    return 0


@syscall("fdatasync")
def sys_fdatasync(task: Task, fd: FdArg) -> int:
    """Data to the disk."""
    task.files.get(fd).sync(data_only=True)
    return 0


@syscall("syncfs")
def sys_syncfs(task: Task, fd: FdArg) -> int:
    """The file system with this file to the disk. Errors: EBADF, and what writing meets: EIO, ENOSPC, EDQUOT."""
    task.files.get(fd).sync_all()
    return 0


@syscall("sync_file_range")
def sys_sync_file_range(
    task: Task, fd: FdArg, offset: OffArg, nbytes: OffArg,
    flags: Annotated[int, Flags(Table("fcntl", "SYNC_FILE_RANGE_"), "uint")],
) -> int:  # fmt: skip
    """A range of a file to the disk."""
    file = task.files.get(fd)
    if flags & ~_SYNC_FLAGS or offset < 0 or nbytes < 0 or offset + nbytes >= 1 << 63:
        raise SyscallError(EINVAL)
    if S_IFMT & file.stat().st_mode not in (S_IFREG, S_IFBLK, S_IFDIR, S_IFLNK):
        raise SyscallError(ESPIPE)
    if flags:
        file.sync_range(offset, nbytes, flags)
    return 0
