"""What every file system offers: operations on names. The mount table holds objects of this kind (namespace.py).

Paths here are clean: relative, no leading or trailing slash, no `.`, no `..`, no empty component, no NUL; b"" is the
starting point itself. They start from `at`, an open directory of the same file system, or from its root where `at` is
None. No component but the last is a symbolic link, and the last only where the call does not follow one: the namespace
has asked `walk` before. Whoever meets a link all the same (somebody has just made it) raises LinkMet, and the
namespace walks again. An `is_optimistic` file system is not asked before: it must notice every link by itself.

What belongs to the mount is done before an operation is called, for every file system alike (place.py): EROFS of
read-only mounts, EXDEV, EBUSY of mount points, trailing slashes, `.` and `..` in the last place, mount ids and flags.
Permissions and everything else that a file system knows are its own.
The defaults are a read-only tree's without extras.
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, ELOOP, EOPNOTSUPP, EPERM, EROFS, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.file import OpenFile
    from pyuk.fs.mount import Mount
    from pyuk.fs.stat import Stat, StatFs


class LinkMet(SyscallError):  # noqa: N818  # a question for another walk; an error only where nobody walks
    """A symbolic link stands where none was expected."""

    def __init__(self) -> None:
        super().__init__(ELOOP)


class FileSystem:
    """Operations on names; each raises SyscallError as the system call of its name does."""

    __slots__ = ("mount",)
    mount: Mount
    """Where it is mounted; set when a path first leads there."""
    is_optimistic = False
    """Whether operations may be tried without a walk before: each finds links on the way itself (LinkMet)."""

    def close(self) -> None:
        """Give back what it holds; nobody uses it any more."""

    def walk(self, at: OpenFile | None, path: bytes, *, follow: bool) -> tuple[int, bytes | OpenFile] | None:
        """The first symbolic link among the components: where its name ends in path, and its target.

        The last component counts only with follow. The target is an OpenFile, held for the caller, for a magic link,
        whose walk goes on at that very file. None where there is no link; a missing name, or one below a file, is None
        too: whoever uses the path meets the error.
        """
        return None

    def path_of(self, file: OpenFile) -> bytes:
        """Where an open file of this file system is now, from its root; "dir/name (deleted)" where it was removed.

        Errors: ENOENT it is not below the root (any more).
        """
        raise NotImplementedError

    def is_program(self, status: os.stat_result | Stat) -> bool:
        """Whether a guest runs the file that this is the state of: nobody may write it."""
        return False

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

    def link_file(self, file: OpenFile, at: OpenFile | None, path: bytes) -> None:
        """As linkat(2) with AT_EMPTY_PATH: a name for an open file of this file system."""
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

    def setxattr(
        self, at: OpenFile | None, path: bytes, name: bytes, value: bytes, flags: int, *, follow: bool
    ) -> None:  # fmt: skip
        """As setxattr(2); flags are XATTR_CREATE or XATTR_REPLACE."""
        raise SyscallError(EOPNOTSUPP)

    def removexattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> None:
        """As removexattr(2)."""
        raise SyscallError(EOPNOTSUPP)

    def listxattr(self, at: OpenFile | None, path: bytes, *, follow: bool) -> list[bytes]:
        """As listxattr(2)."""
        return []


if TYPE_CHECKING:
    Times = tuple[int | None, int | None] | None
    """New access and modification time in ns; None inside the pair leaves one as it is, None alone is now."""
