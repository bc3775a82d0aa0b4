"""Who may do what with an inode that pyuk itself keeps: the checks of Linux's fs/namei.c and fs/attr.c."""

from __future__ import annotations

from pyuk.abi.capability import (
    CAP_CHOWN,
    CAP_DAC_OVERRIDE,
    CAP_DAC_READ_SEARCH,
    CAP_FOWNER,
    CAP_FSETID,
)  # fmt: skip
from pyuk.abi.errno import EACCES, EEXIST, EISDIR, ELOOP, ENOTDIR, EPERM, SyscallError
from pyuk.abi.fcntl import O_ACCMODE, O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOFOLLOW, O_PATH, O_TRUNC
from pyuk.abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_ISVTX
from pyuk.abi.unistd import R_OK, W_OK, X_OK
from pyuk.fs.filesystem import LinkMet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Who(Protocol):
        """The credentials by which files are accessed (kernel/creds.py)."""

        fsuid: int
        fsgid: int
        groups: list[int]

        def has(self, capability: int, /) -> bool: ...

    class Owned(Protocol):
        """What is asked about: an inode, or what stat(2) shows of one."""

        @property
        def st_mode(self) -> int: ...
        @property
        def st_uid(self) -> int: ...
        @property
        def st_gid(self) -> int: ...


_WANTED = (R_OK, W_OK, R_OK | W_OK, R_OK | W_OK)
_GROUP_EXECUTE = 0o010
_ANY_EXECUTE = 0o111
_LEFT_OVER = S_ISGID | _GROUP_EXECUTE


class _Root:
    """Whoever may do everything."""

    __slots__ = ("fsgid", "fsuid", "groups")

    def __init__(self) -> None:
        self.fsuid = self.fsgid = 0
        self.groups: list[int] = []

    def has(self, _capability: int) -> bool:
        """Any."""
        return True


ROOT = _Root()
"""Who does pyuk's own work on a file system."""


class RealIds:
    """What access(2) asks for: the real ids, and root's capabilities only where the real id is root (fs/open.c)."""

    __slots__ = ("_permitted", "fsgid", "fsuid", "groups")

    def __init__(self, who: Who) -> None:
        """Anything without real ids has them by being asked as it is."""
        self.fsuid: int = getattr(who, "uid", who.fsuid)
        self.fsgid: int = getattr(who, "gid", who.fsgid)
        self.groups = who.groups
        self._permitted: int = 0 if self.fsuid else getattr(who, "permitted", -1)

    def has(self, capability: int) -> bool:
        """Whether it is permitted to root."""
        return bool(self._permitted >> capability & 1)


def is_member(who: Who, gid: int) -> bool:
    """in_group_p."""
    return gid == who.fsgid or gid in who.groups


def may(who: Who, inode: Owned, wanted: int) -> bool:
    """generic_permission: wanted has R_OK, W_OK, X_OK."""
    mode = inode.st_mode
    bits = mode
    if inode.st_uid == who.fsuid:
        bits >>= 6
    elif is_member(who, inode.st_gid):
        bits >>= 3
    if not wanted & ~bits:
        return True
    if mode & S_IFMT == S_IFDIR:
        return (not wanted & W_OK and who.has(CAP_DAC_READ_SEARCH)) or who.has(CAP_DAC_OVERRIDE)
    if wanted == R_OK and who.has(CAP_DAC_READ_SEARCH):
        return True
    return (not wanted & X_OK or bool(mode & _ANY_EXECUTE)) and who.has(CAP_DAC_OVERRIDE)


def check(who: Who, inode: Owned, wanted: int) -> None:
    """Errors: EACCES."""
    if not may(who, inode, wanted):
        raise SyscallError(EACCES)


def is_owner(who: Who, inode: Owned) -> bool:
    """inode_owner_or_capable."""
    return who.fsuid == inode.st_uid or who.has(CAP_FOWNER)


def check_owner(who: Who, inode: Owned) -> None:
    """Errors: EPERM."""
    if not is_owner(who, inode):
        raise SyscallError(EPERM)


def check_removal(who: Who, directory: Owned, victim: Owned) -> None:
    """may_delete: write access to the directory, and in a sticky one to own either. Errors: EACCES, EPERM."""
    check(who, directory, W_OK | X_OK)
    if directory.st_mode & S_ISVTX and who.fsuid not in (victim.st_uid, directory.st_uid) and not who.has(CAP_FOWNER):
        raise SyscallError(EPERM)


def check_open(who: Who, inode: Owned, flags: int, *, reads_anyway: bool = False) -> bool:
    """What open(2) says of an existing file before it is opened (do_open, may_open); gives whether it may write.

    reads_anyway: somebody else will say whether it may be read. Nothing is said of one opened with O_PATH but its type.
    Errors: ENOTDIR, EEXIST, EISDIR, ELOOP, EACCES, EPERM; raises LinkMet.
    """
    kind = inode.st_mode & S_IFMT
    if kind == S_IFLNK and not flags & O_NOFOLLOW and flags & (O_CREAT | O_EXCL) != O_CREAT | O_EXCL:
        raise LinkMet
    is_directory = kind == S_IFDIR
    if flags & O_CREAT and not flags & O_PATH:
        if flags & O_EXCL:
            raise SyscallError(EEXIST)
        if is_directory:
            raise SyscallError(EISDIR)
    if flags & O_DIRECTORY and not is_directory:
        raise SyscallError(ENOTDIR)
    if flags & O_PATH:
        return False
    wanted = _WANTED[flags & O_ACCMODE] | (W_OK if flags & O_TRUNC else 0)
    if kind == S_IFLNK:
        raise SyscallError(ELOOP)
    if is_directory and wanted & W_OK:
        raise SyscallError(EISDIR)
    if not reads_anyway or wanted != R_OK:
        check(who, inode, wanted)
    if flags & O_NOATIME:
        check_owner(who, inode)
    return bool(wanted & W_OK)


def check_creation(who: Who, directory: Owned) -> None:
    """may_create. Errors: EACCES."""
    check(who, directory, W_OK | X_OK)


def check_rename(
    who: Who, source: Owned, entry: Owned, target: Owned, other: Owned | None, *, is_exchange: bool
) -> None:
    """vfs_rename: from one directory to another, or the same object, perhaps over something.

    Errors: EACCES, EPERM, ENOTDIR, EISDIR.
    """
    is_directory = entry.st_mode & S_IFMT == S_IFDIR
    check_removal(who, source, entry)
    if other is None:
        check_creation(who, target)
    else:
        check_removal(who, target, other)
        if not is_exchange:
            check_kind(other, is_directory=is_directory)
    if target is not source:
        if is_directory:
            check(who, entry, W_OK)
        if is_exchange and other is not None and other.st_mode & S_IFMT == S_IFDIR:
            check(who, other, W_OK)


def check_kind(inode: Owned, *, is_directory: bool) -> None:
    """Errors: ENOTDIR, EISDIR."""
    if (inode.st_mode & S_IFMT == S_IFDIR) != is_directory:
        raise SyscallError(ENOTDIR if is_directory else EISDIR)


def check_link_source(who: Who, inode: Owned) -> None:
    """may_linkat with fs.protected_hardlinks = 1, as Debian sets it. Errors: EPERM."""
    mode = inode.st_mode
    is_safe = mode & S_IFMT == S_IFREG and not mode & S_ISUID and mode & _LEFT_OVER != _LEFT_OVER
    if not ((is_safe and may(who, inode, R_OK | W_OK)) or is_owner(who, inode)):
        raise SyscallError(EPERM)


def new_owner(who: Who, directory: Owned, mode: int) -> tuple[int, int, int]:
    """Mode, uid and gid of what is made in a directory (inode_init_owner, mode_strip_sgid)."""
    if not directory.st_mode & S_ISGID:
        return mode, who.fsuid, who.fsgid
    gid = directory.st_gid
    if mode & S_IFMT == S_IFDIR:
        mode |= S_ISGID
    elif mode & _LEFT_OVER == _LEFT_OVER and not is_member(who, gid) and not who.has(CAP_FSETID):
        mode &= ~S_ISGID
    return mode, who.fsuid, gid


def new_mode(who: Who, inode: Owned, mode: int) -> int:
    """What chmod(2) sets of the bits asked for. Errors: EPERM."""
    check_owner(who, inode)
    if mode & S_ISGID and not is_member(who, inode.st_gid) and not who.has(CAP_FSETID):
        mode &= ~S_ISGID
    return mode


def check_chown(who: Who, inode: Owned, uid: int, gid: int) -> None:
    """chown_ok, chgrp_ok; -1 leaves an id. Errors: EPERM."""
    owns = who.fsuid == inode.st_uid
    may_uid = uid < 0 or (owns and uid == inode.st_uid)
    may_gid = gid < 0 or (owns and (gid == inode.st_gid or is_member(who, gid)))
    if not (may_uid and may_gid) and not who.has(CAP_CHOWN):
        raise SyscallError(EPERM)


def mode_after_chown(who: Who, inode: Owned) -> int:
    """The set-id bits go, whoever asks (fs/open.c, chown_common). Errors: EPERM there are some, of somebody else."""
    mode = inode.st_mode
    if mode & S_IFMT == S_IFDIR:
        return mode
    if mode & S_ISGID and (mode & _GROUP_EXECUTE or not (is_member(who, inode.st_gid) or who.has(CAP_FSETID))):
        mode &= ~S_ISGID
    mode &= ~S_ISUID
    if mode != inode.st_mode:
        check_owner(who, inode)
    return mode


def mode_after_write(who: Who, mode: int) -> int:
    """A write by anyone but root takes the set-id bits of a program (file_remove_privs)."""
    if not mode & (S_ISUID | S_ISGID) or mode & S_IFMT != S_IFREG or who.has(CAP_FSETID):
        return mode
    return mode & ~(S_ISUID | (S_ISGID if mode & _GROUP_EXECUTE else 0))


def check_utime(who: Who, inode: Owned, *, is_touch: bool) -> None:
    """setattr_prepare for times: "now" is for whoever may write. Errors: EPERM, EACCES."""
    if is_owner(who, inode):
        return
    if not is_touch:
        raise SyscallError(EPERM)
    check(who, inode, W_OK)
