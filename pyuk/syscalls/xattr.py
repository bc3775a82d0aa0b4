"""Extended attributes (xattr(7); Linux fs/xattr.c)."""

from __future__ import annotations

from pyuk.abi.errno import E2BIG, EINVAL, ENAMETOOLONG, ERANGE, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.abi.xattr import XATTR_CREATE, XATTR_REPLACE, XATTR_SIZE_MAX
from pyuk.syscalls.names import locate_cwd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, CStringArg, FdArg, PathArg, SizeArg, XattrFlagsArg, XattrValueArg
    from pyuk.abi.kinds import OUT, Buffer
    from pyuk.abi.types import UserAddr
    from pyuk.fs.place import Place
    from pyuk.kernel.task import Task


@syscall("getxattr")
def sys_getxattr(
    task: Task, pathname: PathArg, name: CStringArg, value: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg
) -> int:
    """An extended attribute of a path."""
    place = locate_cwd(task, pathname)
    return _give(task, place.getxattr(_attribute_at(task, place, name)), value, size)


@syscall("lgetxattr")
def sys_lgetxattr(
    task: Task, pathname: PathArg, name: CStringArg, value: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg
) -> int:
    """An extended attribute of a link itself."""
    place = locate_cwd(task, pathname, follow=False)
    return _give(task, place.getxattr(_attribute_at(task, place, name)), value, size)


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


@syscall("setxattr")
def sys_setxattr(
    task: Task, pathname: PathArg, name: CStringArg, value: XattrValueArg, size: SizeArg,
    flags: XattrFlagsArg,
) -> int:  # fmt: skip
    """Give a path an extended attribute."""
    return _set(task, locate_cwd(task, pathname), name, value, size, flags)


@syscall("lsetxattr")
def sys_lsetxattr(
    task: Task, pathname: PathArg, name: CStringArg, value: XattrValueArg, size: SizeArg,
    flags: XattrFlagsArg,
) -> int:  # fmt: skip
    """Give one to a link itself."""
    return _set(task, locate_cwd(task, pathname, follow=False), name, value, size, flags)


def _set(task: Task, place: Place, name: UserAddr, value: UserAddr, size: int, flags: int) -> int:
    """Errors: EINVAL, ERANGE the name, E2BIG, EFAULT, and before them those of the path."""
    try:
        attribute, data = _new_value(task, name, value, size, flags)
    except SyscallError:
        place.want_write()
        raise
    place.setxattr(attribute, data, flags)
    return 0


@syscall("fsetxattr")
def sys_fsetxattr(
    task: Task, fd: FdArg, name: CStringArg, value: XattrValueArg, size: SizeArg,
    flags: XattrFlagsArg,
) -> int:  # fmt: skip
    """Give one to an open file."""
    file = task.files.get(fd)
    file.want_write()
    file.setxattr(*_new_value(task, name, value, size, flags), flags)
    return 0


@syscall("removexattr")
def sys_removexattr(task: Task, pathname: PathArg, name: CStringArg) -> int:
    """Take an extended attribute from a path."""
    return _remove(task, locate_cwd(task, pathname), name)


@syscall("lremovexattr")
def sys_lremovexattr(task: Task, pathname: PathArg, name: CStringArg) -> int:
    """Take one from a link itself."""
    return _remove(task, locate_cwd(task, pathname, follow=False), name)


def _remove(task: Task, place: Place, name: UserAddr) -> int:
    try:
        attribute = _attribute(task, name)
    except SyscallError:
        place.want_write()
        raise
    place.removexattr(attribute)
    return 0


@syscall("fremovexattr")
def sys_fremovexattr(task: Task, fd: FdArg, name: CStringArg) -> int:
    """Take one from an open file."""
    file = task.files.get(fd)
    file.want_write()
    file.removexattr(_attribute(task, name))
    return 0


def _new_value(task: Task, name: UserAddr, value: UserAddr, size: int, flags: int) -> tuple[bytes, bytes]:
    """Name and value of an attribute to be set (setxattr_copy)."""
    if flags & ~(XATTR_CREATE | XATTR_REPLACE):
        raise SyscallError(EINVAL)
    attribute = _attribute(task, name)
    if size > XATTR_SIZE_MAX:
        raise SyscallError(E2BIG)
    return attribute, task.mem.read(value, size) if size else b""


def _attribute_at(task: Task, place: Place, address: UserAddr) -> bytes:
    """The same for a call on a path, whose errors come first."""
    try:
        return _attribute(task, address)
    except SyscallError:
        place.stat()
        raise


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
