"""mknod(2): FIFOs, sockets, devices, and regular files too."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EPERM, SyscallError
from pyuk.abi.fcntl import AT_FDCWD
from pyuk.abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK
from pyuk.abi.syscall import syscall
from pyuk.syscalls.names import locate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import DeviceArg, DirFdArg, FileModeArg, PathArg
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_TYPES = (0, S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK)


@syscall("mknod")
def sys_mknod(task: Task, filename: PathArg, mode: FileModeArg, dev: DeviceArg) -> int:
    """Make a file of a type. Errors: EPERM a directory, EINVAL no type, and those of the path."""
    return _mknod(task, AT_FDCWD, filename, mode, dev)


@syscall("mknodat")
def sys_mknodat(task: Task, dfd: DirFdArg, filename: PathArg, mode: FileModeArg, dev: DeviceArg) -> int:
    """The same relative to a directory."""
    return _mknod(task, dfd, filename, mode, dev)


def _mknod(task: Task, dirfd: int, address: UserAddr, mode: int, dev: int) -> int:
    kind = mode & S_IFMT
    if kind not in _TYPES:
        raise SyscallError(EPERM if kind == S_IFDIR else EINVAL)
    place = locate(task, dirfd, address, follow=False)
    device = dev >> 8 & 0xFFF, dev & 0xFF | dev >> 12 & 0xFFF00  # include/linux/kdev_t.h: new_decode_dev
    place.mknod(mode & 0o177777, device, task.fs.umask)
    return 0
