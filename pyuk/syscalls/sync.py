"""Hints and flushing."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, ESPIPE, SyscallError
from pyuk.abi.stat import S_IFIFO, S_IFMT
from pyuk.abi.syscall import syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FadviseArg, FdArg, LengthArg, OffArg
    from pyuk.abi.kinds import Flags
    from pyuk.abi.tables import Table
    from pyuk.kernel.task import Task

_LAST_ADVICE = 5
_U64 = (1 << 64) - 1
_PIECE_BYTES = 1 << 16
_SYNC_FLAGS = 7  # include/uapi/linux/fs.h: SYNC_FILE_RANGE_*


@syscall("fadvise64", note="a hint that is not passed on")
def sys_fadvise64(task: Task, fd: FdArg, offset: OffArg, len: LengthArg, advice: FadviseArg) -> int:  # noqa: A002
    """Checked, then forgotten."""
    file = task.files.get(fd)
    if S_IFMT & file.stat().st_mode == S_IFIFO:
        raise SyscallError(ESPIPE)
    if len < 0 or not 0 <= advice <= _LAST_ADVICE:
        raise SyscallError(EINVAL)
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


@syscall("sync_file_range", note="flushes the whole file")
def sys_sync_file_range(
    task: Task, fd: FdArg, offset: OffArg, nbytes: OffArg,
    flags: Annotated[int, Flags(Table("fcntl", "SYNC_FILE_RANGE_"), "uint")],
) -> int:  # fmt: skip
    """A range of a file to the disk."""
    file = task.files.get(fd)
    if flags & ~_SYNC_FLAGS or offset < 0 or nbytes < 0 or offset + nbytes >= 1 << 63:
        raise SyscallError(EINVAL)
    if S_IFMT & file.stat().st_mode == S_IFIFO:
        raise SyscallError(ESPIPE)
    if flags:
        file.sync(data_only=True)
    return 0
