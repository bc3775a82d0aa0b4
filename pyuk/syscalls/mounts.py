"""The tree of mounts, which no guest changes: it is what pyuk was told to show.

Who could on Linux gets EPERM too, as root in a container without CAP_SYS_ADMIN; arguments and paths are looked at
first where Linux does so. Source: Linux 6.1 fs/namespace.c, fs/fsopen.c.
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_CHROOT
from pyuk.abi.errno import E2BIG, EBADF, EINVAL, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_RECURSIVE,
    AT_SYMLINK_NOFOLLOW,
    O_NOFOLLOW,
    O_PATH,
)
from pyuk.abi.mountapi import (
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_RECONFIGURE,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_FD,
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_STRING,
    MNT_DETACH,
    MNT_EXPIRE,
    MNT_FORCE,
    OPEN_TREE_CLOEXEC,
    OPEN_TREE_CLONE,
    UMOUNT_NOFOLLOW,
)
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import PATH_MAX
from pyuk.syscalls.names import empty_path_file, locate_cwd, start_of, user_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        AtFlagsArg,
        CStringArg,
        DirFdArg,
        FdArg,
        FdResult,
        OpenTreeArg,
        PathArg,
        SizeArg,
    )
    from pyuk.abi.kinds import IN, Address, ByBits, ByCommand, CString, Flags, StructAt
    from pyuk.abi.structs import MOUNT_ATTR
    from pyuk.abi.tables import Table
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_PAGE_BYTES = 4096
_SMALLEST_ATTR = 32  # MOUNT_ATTR_SIZE_VER0
_MOST_BINARY = 1 << 20
_NOTE = "EPERM"


@syscall("mount", note=_NOTE)
def sys_mount(
    task: Task, dev_name: CStringArg, dir_name: PathArg,
    type: Annotated[UserAddr, ByBits("flags", 0x1F3020, Address(), CString())],  # noqa: A002
    flags: Annotated[int, Flags(Table("mountapi", "MS_"), "ulong")],
    data: Annotated[UserAddr, ByBits("flags", 0x1F3000, Address(), CString())],
) -> int:  # fmt: skip
    """Mount. Errors: EFAULT, those of the path, EPERM."""
    for address in (type, dev_name):
        if address:
            task.mem.cstr(address, PATH_MAX)
    if data:
        task.mem.read(data, 1)
    locate_cwd(task, dir_name).stat()
    raise SyscallError(EPERM)


@syscall("umount2", note=_NOTE)
def sys_umount2(
    task: Task, name: PathArg, flags: Annotated[int, Flags(Table("mountapi", "MNT_ UMOUNT_", unknown="MNT_???"))]
) -> int:
    """Unmount. Errors: EINVAL, those of the path, EPERM."""
    if flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW):
        raise SyscallError(EINVAL)
    locate_cwd(task, name, follow=not flags & UMOUNT_NOFOLLOW).stat()
    raise SyscallError(EPERM)


@syscall("pivot_root", note=_NOTE)
def sys_pivot_root(_task: Task, new_root: PathArg, put_old: PathArg) -> int:
    """Change what is mounted on `/`. Errors: EPERM."""
    raise SyscallError(EPERM)


@syscall("chroot")
def sys_chroot(task: Task, filename: PathArg) -> int:
    """Change the process's root. Errors: those of the path, EACCES, EPERM."""
    path = user_path(task, filename)
    if task.creds.has(CAP_SYS_CHROOT):
        task.fs.chroot(path)
        return 0
    task.fs.check_directory(path)
    raise SyscallError(EPERM)


@syscall("open_tree", note="without OPEN_TREE_CLONE, which is EPERM")
def sys_open_tree(
    task: Task, dfd: DirFdArg, filename: PathArg,
    flags: OpenTreeArg,
) -> FdResult:  # fmt: skip
    """Open a place of the tree, as with O_PATH. Errors: EINVAL, EPERM, those of the path, EMFILE."""
    known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    if flags & ~known or flags & (AT_RECURSIVE | OPEN_TREE_CLONE) == AT_RECURSIVE:
        raise SyscallError(EINVAL)
    if flags & OPEN_TREE_CLONE:
        raise SyscallError(EPERM)
    n_max = task.limits.soft[RLIMIT_NOFILE]
    task.files.check_room(n_max)
    path = user_path(task, filename, may_be_empty=bool(flags & AT_EMPTY_PATH))
    if path:
        how = O_PATH | (O_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0)
        file = task.fs.open(path, how, 0, start_of(task, dfd, path))
    else:
        file = empty_path_file(task, dfd).reopen(O_PATH)
    return task.files.install(file, cloexec=bool(flags & OPEN_TREE_CLOEXEC), n_max=n_max)


@syscall("move_mount", note=_NOTE)
def sys_move_mount(
    _task: Task, from_dfd: DirFdArg, from_pathname: PathArg, to_dfd: DirFdArg, to_pathname: PathArg,
    flags: Annotated[int, Flags(Table("mountapi", "MOVE_MOUNT_"), "uint")],
) -> int:  # fmt: skip
    """Mount what open_tree or fsmount gave. Errors: EPERM."""
    raise SyscallError(EPERM)


@syscall("fsopen", note=_NOTE)
def sys_fsopen(
    _task: Task, fs_name: CStringArg, flags: Annotated[int, Flags(Table("mountapi", "FSOPEN_"), "uint")]
) -> FdResult:
    """Begin to make a file system. Errors: EPERM."""
    raise SyscallError(EPERM)


@syscall("fspick", note=_NOTE)
def sys_fspick(
    _task: Task, dfd: DirFdArg, path: PathArg, flags: Annotated[int, Flags(Table("mountapi", "FSPICK_"), "uint")]
) -> FdResult:
    """Begin to configure one. Errors: EPERM."""
    raise SyscallError(EPERM)


@syscall("fsconfig", note="nothing can be configured: EBADF, EINVAL")
def sys_fsconfig(
    task: Task, fd: FdArg, cmd: Annotated[int, Flags(Table("mountapi", "FSCONFIG_"), "uint", enum=True)],
    key: Annotated[UserAddr, ByCommand("cmd", "FSCONFIG_KEY")],
    value: Annotated[UserAddr, ByCommand("cmd", "FSCONFIG_VALUE")],
    aux: Annotated[int, ByCommand("cmd", "FSCONFIG_AUX", ctype="int")],
) -> int:  # fmt: skip
    """Set a parameter. Errors: EINVAL, EOPNOTSUPP no such command, EBADF."""
    if fd < 0:
        raise SyscallError(EINVAL)
    if cmd > FSCONFIG_CMD_RECONFIGURE:
        raise SyscallError(EOPNOTSUPP)
    is_right = {
        FSCONFIG_SET_FLAG: key and not value and not aux,
        FSCONFIG_SET_STRING: key and value and not aux,
        FSCONFIG_SET_BINARY: key and value and 0 < aux <= _MOST_BINARY,
        FSCONFIG_SET_PATH: key and value and (aux == AT_FDCWD or aux >= 0),
        FSCONFIG_SET_PATH_EMPTY: key and value and (aux == AT_FDCWD or aux >= 0),
        FSCONFIG_SET_FD: key and not value and aux >= 0,
        FSCONFIG_CMD_CREATE: not key and not value and not aux,
        FSCONFIG_CMD_RECONFIGURE: not key and not value and not aux,
    }[cmd]
    if not is_right:
        raise SyscallError(EINVAL)
    raise SyscallError(EBADF if task.files.find(fd) is None else EINVAL)


@syscall("fsmount", note=_NOTE)
def sys_fsmount(
    _task: Task, fs_fd: FdArg, flags: Annotated[int, Flags(Table("mountapi", "FSMOUNT_"), "uint")],
    attr_flags: Annotated[int, Flags(Table("mountapi", "MOUNT_ATTR_"), "uint")],
) -> FdResult:  # fmt: skip
    """Make a mount of it. Errors: EPERM."""
    raise SyscallError(EPERM)


@syscall("mount_setattr", note=_NOTE)
def sys_mount_setattr(
    _task: Task,
    dfd: DirFdArg,
    path: PathArg,
    flags: AtFlagsArg,
    uattr: Annotated[UserAddr, StructAt(IN, MOUNT_ATTR)],
    usize: SizeArg,
) -> int:
    """Change mounts. Errors: EINVAL, E2BIG, EPERM."""
    if flags & 0xFFFFFFFF & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT):
        raise SyscallError(EINVAL)
    if usize > _PAGE_BYTES:
        raise SyscallError(E2BIG)
    if usize < _SMALLEST_ATTR:
        raise SyscallError(EINVAL)
    raise SyscallError(EPERM)
