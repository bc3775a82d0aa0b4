"""Paths as system calls take them: a user pointer, and where a relative one starts (path_resolution(7))."""

from __future__ import annotations

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.fcntl import AT_FDCWD
from pyuk.abi.unistd import PATH_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import Fd, UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.fs.place import Place
    from pyuk.kernel.task import Task


def user_path(task: Task, address: UserAddr, *, may_be_empty: bool = False) -> bytes:
    """The path at a user address. Errors: EFAULT, ENAMETOOLONG, ENOENT where it is empty and may not be."""
    path = task.mem.cstr(address, PATH_MAX)
    if not path and not may_be_empty:
        raise SyscallError(ENOENT)
    return path


def start_of(task: Task, dirfd: Fd | int, path: bytes) -> OpenFile:
    """The directory where the walk starts. Errors: EBADF, only for relative paths."""
    if dirfd == AT_FDCWD or path[:1] == b"/":
        return task.fs.cwd
    return task.files.get_any(dirfd)


def locate(task: Task, dirfd: Fd | int, address: UserAddr, *, follow: bool = True) -> Place:
    """Where a call's dirfd and path lead. follow: whether the call follows a last link."""
    path = user_path(task, address)
    return task.fs.find(path, start_of(task, dirfd, path), follow=follow)


def locate_cwd(task: Task, address: UserAddr, *, follow: bool = True) -> Place:
    """The same for the calls without a dirfd."""
    return task.fs.find(user_path(task, address), follow=follow)


def empty_path_file(task: Task, dirfd: Fd | int) -> OpenFile:
    """What an empty path with AT_EMPTY_PATH means: the file of dirfd itself."""
    return task.fs.cwd if dirfd == AT_FDCWD else task.files.get_any(dirfd)
