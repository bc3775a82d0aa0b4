"""Extended attributes (xattr(7)), read only for now."""

from __future__ import annotations

from pyuk.abi.errno import ENAMETOOLONG, ERANGE, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.syscalls.names import locate_cwd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, CStringArg, FdArg, PathArg, SizeArg
    from pyuk.abi.kinds import OUT, Buffer
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task


@syscall("getxattr")
def sys_getxattr(
    task: Task, pathname: PathArg, name: CStringArg, value: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg
) -> int:
    """An extended attribute of a path."""
    place = locate_cwd(task, pathname)
    return _give(task, place.getxattr(_attribute(task, name)), value, size)


@syscall("lgetxattr")
def sys_lgetxattr(
    task: Task, pathname: PathArg, name: CStringArg, value: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg
) -> int:
    """An extended attribute of a link itself."""
    place = locate_cwd(task, pathname, follow=False)
    return _give(task, place.getxattr(_attribute(task, name)), value, size)


@syscall("fgetxattr")
def sys_fgetxattr(
    task: Task, fd: FdArg, name: CStringArg, value: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg
) -> int:
    """An extended attribute of an open file."""
    return _give(task, task.files.get(fd).getxattr(_attribute(task, name)), value, size)


@syscall("listxattr")
def sys_listxattr(
    task: Task,
    pathname: PathArg,
    list: Annotated[UserAddr, Buffer(OUT, "return")],  # noqa: A002
    size: SizeArg,
) -> int:
    """The names of a path's extended attributes, each with a NUL."""
    return _give(task, _joined(locate_cwd(task, pathname).listxattr()), list, size)


@syscall("llistxattr")
def sys_llistxattr(
    task: Task,
    pathname: PathArg,
    list: Annotated[UserAddr, Buffer(OUT, "return")],  # noqa: A002
    size: SizeArg,
) -> int:
    """The same of a link itself."""
    return _give(task, _joined(locate_cwd(task, pathname, follow=False).listxattr()), list, size)


@syscall("flistxattr")
def sys_flistxattr(
    task: Task,
    fd: FdArg,
    list: Annotated[UserAddr, Buffer(OUT, "return")],  # noqa: A002
    size: SizeArg,
) -> int:
    """The same of an open file."""
    return _give(task, _joined(task.files.get(fd).listxattr()), list, size)


def _attribute(task: Task, address: UserAddr) -> bytes:
    """Errors: ERANGE a name that is empty or longer than XATTR_NAME_MAX (include/uapi/linux/limits.h)."""
    try:
        name = task.mem.cstr(address, 256)
    except SyscallError as error:
        raise SyscallError(ERANGE if error.errno == ENAMETOOLONG else error.errno) from None
    if not name:
        raise SyscallError(ERANGE)
    return name


def _joined(names: list[bytes]) -> bytes:
    return b"".join(name + b"\0" for name in names)


def _give(task: Task, value: bytes, address: UserAddr, size_bytes: int) -> int:
    """Size 0 only asks for the length."""
    if size_bytes:
        if len(value) > size_bytes:
            raise SyscallError(ERANGE)
        task.mem.write(address, value)
    return len(value)
