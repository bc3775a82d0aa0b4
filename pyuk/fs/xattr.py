"""Extended attributes of an inode that pyuk keeps, and who may have which (xattr(7); Linux fs/xattr.c)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SETFCAP, CAP_SYS_ADMIN
from pyuk.abi.errno import EEXIST, EINVAL, ENODATA, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.stat import S_IFDIR, S_IFMT, S_IFREG, S_ISVTX
from pyuk.abi.unistd import R_OK, W_OK
from pyuk.fs.permission import check, is_owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.permission import Owned, Who

XATTR_CREATE, XATTR_REPLACE = 1, 2  # include/uapi/linux/xattr.h
_CAPS = b"security.capability"
_CAPS_BYTES = (20, 24)  # include/uapi/linux/capability.h: XATTR_CAPS_SZ_2, XATTR_CAPS_SZ_3


class Xattrs:
    """The attributes of one inode. `has_user`: user.* is kept too, which tmpfs does only since 6.6."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}

    def __contains__(self, name: bytes) -> bool:
        return name in self._values

    def get(self, who: Who, inode: Owned, name: bytes, *, has_user: bool) -> bytes:
        """As getxattr(2). Errors: EOPNOTSUPP, EACCES, ENODATA."""
        check_name(who, inode, name, R_OK, has_user=has_user)
        value = self._values.get(name)
        if value is None:
            raise SyscallError(ENODATA)
        return value

    def set(self, who: Who, inode: Owned, name: bytes, value: bytes, flags: int, *, has_user: bool) -> None:
        """As setxattr(2). Errors: EOPNOTSUPP, EACCES, EPERM, EEXIST, ENODATA."""
        check_name(who, inode, name, W_OK, has_user=has_user)
        if name == _CAPS and len(value) not in _CAPS_BYTES:
            raise SyscallError(EINVAL)
        if flags & XATTR_CREATE and name in self._values:
            raise SyscallError(EEXIST)
        if flags & XATTR_REPLACE and name not in self._values:
            raise SyscallError(ENODATA)
        self._values[name] = value

    def remove(self, who: Who, inode: Owned, name: bytes, *, has_user: bool) -> None:
        """As removexattr(2). Errors: EOPNOTSUPP, EACCES, EPERM, ENODATA."""
        check_name(who, inode, name, W_OK, has_user=has_user)
        if self._values.pop(name, None) is None:
            raise SyscallError(ENODATA)

    def names(self, who: Who) -> list[bytes]:
        """As listxattr(2): trusted.* is for root only."""
        sees_all = who.has(CAP_SYS_ADMIN)
        return [name for name in self._values if sees_all or not name.startswith(b"trusted.")]

    def lose_capabilities(self) -> None:
        """The file was written, or given away (cap_inode_killpriv)."""
        self._values.pop(_CAPS, None)


def check_name(who: Who, inode: Owned, name: bytes, wanted: int, *, has_user: bool) -> None:
    """xattr_permission, what the security modules of a plain kernel say, then whether the file system has it.

    wanted: R_OK or W_OK. Errors: EPERM, EACCES, ENODATA, EOPNOTSUPP, EINVAL.
    """
    space, dot, rest = name.partition(b".")
    space += dot
    if space == b"trusted.":
        if not who.has(CAP_SYS_ADMIN):
            raise SyscallError(EPERM if wanted == W_OK else ENODATA)
    elif space == b"security.":
        if wanted == W_OK and not who.has(CAP_SETFCAP if name == _CAPS else CAP_SYS_ADMIN):
            raise SyscallError(EPERM)
    elif space != b"system.":
        if space == b"user.":
            _check_type(who, inode, wanted)
        check(who, inode, wanted)
    if space not in (b"trusted.", b"security.") and (space != b"user." or not has_user):
        raise SyscallError(EOPNOTSUPP)
    if not rest:
        raise SyscallError(EINVAL)


def _check_type(who: Who, inode: Owned, wanted: int) -> None:
    """What user.* may be on: files and directories, and with others about only the owner's."""
    kind = inode.st_mode & S_IFMT
    if kind not in (S_IFREG, S_IFDIR):
        raise SyscallError(EPERM if wanted == W_OK else ENODATA)
    if kind == S_IFDIR and inode.st_mode & S_ISVTX and wanted == W_OK and not is_owner(who, inode):
        raise SyscallError(EPERM)
