"""What every file system offers: operations on names. A mount table will hold objects of this kind.

`at` is an open directory of the same file system from which a relative path starts, None with an absolute path;
the path is never empty and has no NUL. Which file system a path belongs to is decided before (namespace.py).
The defaults are a read-only tree's without extras.
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EOPNOTSUPP, EPERM, EROFS, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.file import OpenFile
    from pyuk.fs.stat import Stat, StatFs


class FileSystem:
    """Operations on names; each raises SyscallError as the system call of its name does."""

    __slots__ = ()

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """As open(2); flags and mode are validated."""
        raise NotImplementedError

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> os.stat_result | Stat:
        """As stat(2) or lstat(2)."""
        raise NotImplementedError

    def statx(self, at: OpenFile | None, path: bytes, flags: int, mask: int) -> bytes | None:
        """The struct statx as the host fills it, or None: then it is made from stat()."""
        return None

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """As statfs(2)."""
        raise NotImplementedError

    def readlink(self, at: OpenFile | None, path: bytes) -> bytes:
        """As readlink(2), whole."""
        raise SyscallError(EINVAL)

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """As faccessat2(2): returns where the access is granted."""
        raise NotImplementedError

    def truncate(self, at: OpenFile | None, path: bytes, size_bytes: int) -> None:
        """As truncate(2)."""
        raise SyscallError(EROFS)

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """As mkdir(2)."""
        raise SyscallError(EROFS)

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """As mknod(2), of any type but a directory; device is major and minor."""
        raise SyscallError(EPERM)

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """As unlink(2)."""
        raise SyscallError(EPERM)

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """As rmdir(2)."""
        raise SyscallError(EPERM)

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """As renameat2(2) within this file system."""
        raise SyscallError(EROFS)

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """As linkat(2) within this file system."""
        raise SyscallError(EPERM)

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """As symlink(2): path is the link that is made."""
        raise SyscallError(EROFS)

    def chmod(self, at: OpenFile | None, path: bytes, mode: int) -> None:
        """As chmod(2)."""
        raise SyscallError(EPERM)

    def chown(self, at: OpenFile | None, path: bytes, uid: int, gid: int, *, follow: bool) -> None:
        """As chown(2); -1 leaves an id as it is."""
        raise SyscallError(EPERM)

    def utime(self, at: OpenFile | None, path: bytes, times_ns: Times, *, follow: bool) -> None:
        """As utimensat(2)."""
        raise SyscallError(EPERM)

    def getxattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> bytes:
        """As getxattr(2), the whole value."""
        raise SyscallError(EOPNOTSUPP)

    def listxattr(self, at: OpenFile | None, path: bytes, *, follow: bool) -> list[bytes]:
        """As listxattr(2)."""
        return []


if TYPE_CHECKING:
    Times = tuple[int | None, int | None] | None
    """New access and modification time in ns; None inside the pair leaves one as it is, None alone is now."""
