"""Calls that this kernel is built without, or that are the administrator's: named in the log, and refused.

io_uring and Landlock are ENOSYS, as without CONFIG_IO_URING and CONFIG_SECURITY_LANDLOCK: programs that could use them
ask first and do without.
"""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, ENODEV, ENOSYS, ENOTBLK, EPERM, SyscallError
from pyuk.abi.stat import S_IFBLK, S_IFMT
from pyuk.abi.syscall import syscall
from pyuk.syscalls.names import locate_cwd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        AddressArg,
        Annotated,
        DirFdArg,
        FanotifyMaskArg,
        FdArg,
        FdResult,
        HexUIntArg,
        LandlockArg,
        OpenFlagsArg,
        PathArg,
        SizeArg,
        UIntArg,
    )
    from pyuk.abi.kinds import IN, ByCommand, Flags, SignalSet, StructAt, Word
    from pyuk.abi.structs import IO_URING_PARAMS, LANDLOCK_PATH_BENEATH_ATTR, LANDLOCK_RULESET_ATTR
    from pyuk.abi.tables import Table
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_MAXQUOTAS = 3  # include/linux/quota.h
_Q_SYNC = 0x800001
_FAN_MARK_KNOWN = 0x1FF  # FANOTIFY_MARK_FLAGS
_FAN_MARK_COMMANDS = 0x83  # FAN_MARK_ADD, FAN_MARK_REMOVE, FAN_MARK_FLUSH
_AS_WITHOUT = "ENOSYS, as on a kernel without it"


@syscall("io_uring_setup", note=_AS_WITHOUT)
def sys_io_uring_setup(
    _task: Task, entries: UIntArg, params: Annotated[UserAddr, StructAt(IN, IO_URING_PARAMS)]
) -> FdResult:
    """Rings for asynchronous I/O. Errors: ENOSYS."""
    raise SyscallError(ENOSYS)


@syscall("io_uring_enter", note=_AS_WITHOUT)
def sys_io_uring_enter(
    _task: Task, fd: FdArg, to_submit: UIntArg, min_complete: UIntArg,
    flags: Annotated[int, Flags(Table("iouring", "IORING_ENTER_"), "uint")],
    sig: Annotated[UserAddr, SignalSet(IN, "sigsetsize")],
    sigsetsize: SizeArg,
) -> int:  # fmt: skip
    """Submit and wait. Errors: ENOSYS."""
    raise SyscallError(ENOSYS)


@syscall("io_uring_register", note=_AS_WITHOUT)
def sys_io_uring_register(
    _task: Task, fd: FdArg,
    opcode: Annotated[int, Flags(Table("iouring", "IORING_REGISTER_ IORING_UNREGISTER_"), "uint", enum=True)],
    arg: AddressArg, nr_args: UIntArg,
) -> int:  # fmt: skip
    """Buffers and files of a ring. Errors: ENOSYS."""
    raise SyscallError(ENOSYS)


@syscall("landlock_create_ruleset", note=_AS_WITHOUT)
def sys_landlock_create_ruleset(
    _task: Task, attr: Annotated[UserAddr, StructAt(IN, LANDLOCK_RULESET_ATTR)], size: SizeArg, flags: LandlockArg
) -> FdResult:
    """A set of restrictions. Errors: ENOSYS."""
    raise SyscallError(ENOSYS)


@syscall("landlock_add_rule", note=_AS_WITHOUT)
def sys_landlock_add_rule(
    _task: Task,
    ruleset_fd: FdArg,
    rule_type: Annotated[int, Flags(Table("landlock", "LANDLOCK_RULE_"), enum=True)],
    rule_attr: Annotated[UserAddr, StructAt(IN, LANDLOCK_PATH_BENEATH_ATTR)],
    flags: HexUIntArg,
) -> int:
    """An exception from it. Errors: ENOSYS."""
    raise SyscallError(ENOSYS)


@syscall("landlock_restrict_self", note=_AS_WITHOUT)
def sys_landlock_restrict_self(_task: Task, ruleset_fd: FdArg, flags: HexUIntArg) -> int:
    """Obey it. Errors: ENOSYS."""
    raise SyscallError(ENOSYS)


@syscall("fanotify_init", note="EPERM")
def sys_fanotify_init(
    _task: Task,
    flags: Annotated[
        int,
        Flags(
            Table("fanotify", "FAN_C FAN_NONBLOCK FAN_UNLIMITED FAN_ENABLE FAN_REPORT", unknown="FAN_???"),
            "uint",
            modes=0xC,
        ),
    ],
    event_f_flags: OpenFlagsArg,
) -> FdResult:
    """Watch files of whole mounts. Errors: EPERM."""
    raise SyscallError(EPERM)


@syscall("fanotify_mark", note="there is no group to add to: EBADF, EINVAL")
def sys_fanotify_mark(
    task: Task, fanotify_fd: FdArg, flags: Annotated[int, Flags(Table("fanotify", "FAN_MARK_"), "uint")],
    mask: FanotifyMaskArg,
    dfd: DirFdArg,
    pathname: PathArg,
) -> int:  # fmt: skip
    """Say what to watch. Errors: EINVAL, EBADF (fs/notify/fanotify/fanotify_user.c, do_fanotify_mark)."""
    if mask >> 32 or flags & ~_FAN_MARK_KNOWN or flags & _FAN_MARK_COMMANDS not in (1, 2, 0x80):
        raise SyscallError(EINVAL)
    if flags & _FAN_MARK_COMMANDS != 0x80 and not mask:  # noqa: PLR2004  # FAN_MARK_FLUSH
        raise SyscallError(EINVAL)
    task.files.get(fanotify_fd)
    raise SyscallError(EINVAL)


@syscall("quotactl", note="no file system has quotas")
def sys_quotactl(
    task: Task,
    cmd: Annotated[int, Word("quota", "uint")],
    special: PathArg,
    id: Annotated[int, ByCommand("cmd", "QUOTA_ID", ctype="uint", mask=0xFFFFFF00)],  # noqa: A002
    addr: Annotated[UserAddr, ByCommand("cmd", "QUOTA_ADDRESS", mask=0xFFFFFF00)],
) -> int:
    """Quotas of a block device. Errors: EINVAL, ENODEV, ENOTBLK, those of the path (fs/quota/quota.c)."""
    if cmd & 0xFF >= _MAXQUOTAS:
        raise SyscallError(EINVAL)
    if not special:
        if cmd >> 8 == _Q_SYNC:
            return 0
        raise SyscallError(ENODEV)
    if locate_cwd(task, special).stat().st_mode & S_IFMT != S_IFBLK:
        raise SyscallError(ENOTBLK)
    raise SyscallError(ENODEV)


@syscall("quotactl_fd", note="no file system has quotas")
def sys_quotactl_fd(
    task: Task,
    fd: FdArg,
    cmd: Annotated[int, Word("quota", "uint")],
    id: Annotated[int, ByCommand("cmd", "QUOTA_ID", ctype="uint", mask=0xFFFFFF00)],  # noqa: A002
    addr: Annotated[UserAddr, ByCommand("cmd", "QUOTA_ADDRESS", mask=0xFFFFFF00)],
) -> int:
    """Quotas of the file system with an open file. Errors: EBADF, EINVAL, ENOSYS it has none."""
    if task.files.find(fd) is None:
        raise SyscallError(EBADF)
    if cmd & 0xFF >= _MAXQUOTAS:
        raise SyscallError(EINVAL)
    raise SyscallError(ENOSYS)
