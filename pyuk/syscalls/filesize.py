"""RLIMIT_FSIZE (getrlimit(2)): how large the caller may make a regular file. Beyond it are SIGXFSZ and EFBIG.

Source: Linux fs/read_write.c, generic_write_check_limits; fs/attr.c, inode_newsize_ok.
"""

from __future__ import annotations

from pyuk.abi.errno import EFBIG, SyscallError
from pyuk.abi.fcntl import O_APPEND
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_FSIZE
from pyuk.abi.signal import SIGXFSZ
from pyuk.abi.stat import S_IFMT, S_IFREG
from pyuk.abi.unistd import SEEK_CUR

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.file import OpenFile
    from pyuk.fs.stat import Stat
    from pyuk.kernel.task import Task


def room_to_write(task: Task, file: OpenFile, offset: int | None, n_bytes: int) -> int:
    """How much of a write at offset (None or -1: the position) is within the limit. Errors: EFBIG nothing."""
    limit = task.limits.soft[RLIMIT_FSIZE]
    if limit == RLIM64_INFINITY or file.stream or not n_bytes:
        return n_bytes
    status = file.stat()
    if status.st_mode & S_IFMT != S_IFREG:
        return n_bytes
    if file.status_flags() & O_APPEND:
        at = status.st_size
    else:
        at = file.lseek(0, SEEK_CUR) if offset is None or offset < 0 else offset
    if at >= limit:
        raise _too_large(task)
    return min(n_bytes, limit - at)


def check_new_size(task: Task, status: os.stat_result | Stat, size_bytes: int) -> None:
    """A file shall have another size. Errors: EFBIG it is regular and would grow beyond the limit."""
    is_regular = status.st_mode & S_IFMT == S_IFREG
    if is_regular and status.st_size < size_bytes > task.limits.soft[RLIMIT_FSIZE]:
        raise _too_large(task)


def _too_large(task: Task) -> SyscallError:
    task.send_signal(SIGXFSZ)
    return SyscallError(EFBIG)
