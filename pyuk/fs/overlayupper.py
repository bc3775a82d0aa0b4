"""Where an overlay keeps what is changed: a tmpfs in memory, or a directory of the host's that outlives it.

Beside the files themselves an upper keeps three marks: a name that is removed (a whiteout), a directory that shows
nothing of the one below it (opaque), and where below the rest of a moved directory is (a redirect).

In memory these are Linux's own (Documentation/filesystems/overlayfs.rst): a character device 0:0,
trusted.overlay.opaque and trusted.overlay.redirect. In a host's directory they are those of image layers
(opencontainers/image-spec, layer.md), because they are plain files, which everybody may make on every file system:
`.wh.NAME`, and `.wh..wh..opq` in the directory; a redirect there is none.
"""

from __future__ import annotations

import os
import stat as modes

from pyuk.abi.errno import EEXIST, ENODATA, ENOENT, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_WRONLY
from pyuk.abi.stat import S_IFCHR, S_IFMT
from pyuk.abi.unistd import X_OK
from pyuk.fs.permission import check
from pyuk.fs.tmpnode import Directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.hostfs import HostFs
    from pyuk.fs.permission import Who
    from pyuk.fs.stat import Stat
    from pyuk.fs.tmpfs import TmpFs
    from pyuk.fs.tmpnode import Inode

ABSENT, WHITEOUT, FILE, LINK, DIRECTORY, OPAQUE = range(6)
"""What an upper has under a name. DIRECTORY shows what is below it too."""
_OPAQUE, _REDIRECT = b"trusted.overlay.opaque", b"trusted.overlay.redirect"
_PREFIX = b".wh."
_OPAQUE_NAME = b".wh..wh..opq"


class Upper:
    """A writable file system, asked as root. A handle is what `look` gives for a directory and wants for its names."""

    __slots__ = ("fs",)
    has_redirects = False
    has_own_root = True
    """Whether the overlay's root has mode, owner and times of the upper's, or of the lower's."""
    root: Any = None
    """The handle of the root directory, which is there always."""

    def __init__(self, fs: FileSystem) -> None:
        self.fs = fs

    def adopt_root(self, _below: os.stat_result | Stat) -> os.stat_result | Stat:
        """The overlay begins; gives what the root of the upper is. below: what the lower's is."""
        return self.fs.stat(None, b"", follow=False)

    def look(self, above: Any, path: bytes, who: Who) -> tuple[int, Any]:
        """What is under a path whose directory's handle is `above`, and its own handle.

        Errors: EACCES the directory may not be searched.
        """
        raise NotImplementedError

    def redirect(self, handle: Any) -> bytes | None:
        """Where below the rest of this directory is, if not under its own name."""
        return None

    def set_redirect(self, path: bytes, below: bytes) -> None:
        """Say where below the rest of a directory is."""
        raise SyscallError(EOPNOTSUPP)

    def set_opaque(self, path: bytes) -> None:
        """The directory shows nothing of what is below."""
        raise NotImplementedError

    def hide(self, path: bytes) -> None:
        """Nothing is under this name, whatever is below. Its directory is there."""
        raise NotImplementedError

    def unhide(self, path: bytes) -> None:
        """Take a whiteout away, if there is one."""
        raise NotImplementedError

    def check_name(self, name: bytes) -> None:
        """Whether a file may have the name. Errors: EPERM."""

    def names(self, path: bytes) -> Iterator[tuple[int, int, bytes, bool]]:
        """A directory's names but for `.` and `..`: inode, DT_ type, name, and whether it is hidden."""
        directory = self.fs.open(None, path, O_RDONLY | O_DIRECTORY, 0, 0)
        try:
            for ino, _after, kind, name in directory.entries():
                if name not in (b".", b".."):
                    yield from self._shown(path, ino, kind, name)
        finally:
            directory.release()

    def _shown(self, path: bytes, ino: int, kind: int, name: bytes) -> Iterator[tuple[int, int, bytes, bool]]:
        raise NotImplementedError

    def clear(self, path: bytes) -> None:
        """Take the marks out of a directory that shows nothing, so that it can be removed."""
        for _ino, _kind, name, hidden in list(self.names(path)):
            if hidden:
                self.unhide(path + b"/" + name if path else name)


class MemoryUpper(Upper):
    """A tmpfs, which is this overlay's own: its credentials are permission.ROOT, and it keeps user.* attributes."""

    __slots__ = ("root",)
    fs: TmpFs
    has_redirects = True

    def __init__(self, fs: TmpFs) -> None:
        super().__init__(fs)
        self.root = fs.root

    def adopt_root(self, below: os.stat_result | Stat) -> os.stat_result | Stat:
        """See Upper."""
        self.fs.chown(None, b"", below.st_uid, below.st_gid, follow=False)
        self.fs.chmod(None, b"", below.st_mode & ~S_IFMT)
        self.fs.utime(None, b"", (below.st_atime_ns, below.st_mtime_ns), follow=False)
        return super().adopt_root(below)

    def look(self, above: Directory, path: bytes, who: Who) -> tuple[int, Inode | None]:
        """See Upper."""
        check(who, above, X_OK)
        entry = above.children.get(path[path.rfind(b"/") + 1 :])
        if entry is None:
            return ABSENT, None
        inode = entry.inode
        if type(inode) is Directory:
            is_opaque = inode.xattrs is not None and _OPAQUE in inode.xattrs
            return (OPAQUE if is_opaque else DIRECTORY), inode
        kind = inode.st_mode & S_IFMT
        if kind == S_IFCHR and not inode.st_rdev:
            return WHITEOUT, None
        return (LINK if modes.S_ISLNK(kind) else FILE), inode

    def redirect(self, handle: Directory) -> bytes | None:
        """See Upper."""
        if handle.xattrs is None or _REDIRECT not in handle.xattrs:
            return None
        return handle.getxattr(_REDIRECT)

    def set_redirect(self, path: bytes, below: bytes) -> None:
        """See Upper."""
        self.fs.setxattr(None, path, _REDIRECT, below, 0, follow=False)

    def set_opaque(self, path: bytes) -> None:
        """See Upper."""
        self.fs.setxattr(None, path, _OPAQUE, b"y", 0, follow=False)
        try:
            self.fs.removexattr(None, path, _REDIRECT, follow=False)
        except SyscallError as error:
            if error.errno != ENODATA:
                raise

    def hide(self, path: bytes) -> None:
        """See Upper."""
        self.fs.mknod(None, path, S_IFCHR, (0, 0), 0)

    def unhide(self, path: bytes) -> None:
        """See Upper."""
        try:
            status = self.fs.stat(None, path, follow=False)
        except SyscallError as error:
            if error.errno != ENOENT:
                raise
            return
        if modes.S_ISCHR(status.st_mode) and not status.st_rdev:
            self.fs.unlink(None, path)

    def _shown(self, path: bytes, ino: int, kind: int, name: bytes) -> Iterator[tuple[int, int, bytes, bool]]:
        hidden = False
        if kind == S_IFCHR >> 12:
            status = self.fs.stat(None, path + b"/" + name if path else name, follow=False)
            hidden = not status.st_rdev
        yield ino, kind, name, hidden


class HostUpper(Upper):
    """A directory of the host's. Whoever runs pyuk owns what is made there, if it is not root."""

    __slots__ = ("_uid",)
    fs: HostFs
    has_own_root = False

    def __init__(self, fs: HostFs) -> None:
        super().__init__(fs)
        self._uid = os.geteuid()

    def look(self, above: Any, path: bytes, who: Who) -> tuple[int, Any]:
        """See Upper. The host itself knows what pyuk's own user may search."""
        place, _, name = path.rpartition(b"/")
        if who.fsuid != self._uid:
            check(who, self.fs.stat(None, place, follow=False), X_OK)
        if name.startswith(_PREFIX):
            return ABSENT, None
        try:
            mode = self.fs.stat(None, path, follow=False).st_mode
        except SyscallError as error:
            if error.errno != ENOENT:
                raise
            return (WHITEOUT if self._has(_mark(path)) else ABSENT), None
        if modes.S_ISDIR(mode):
            return (OPAQUE if self._has(path + b"/" + _OPAQUE_NAME) else DIRECTORY), None
        return (LINK if modes.S_ISLNK(mode) else FILE), None

    def _has(self, path: bytes) -> bool:
        try:
            self.fs.stat(None, path, follow=False)
        except SyscallError as error:
            if error.errno != ENOENT:
                raise
            return False
        return True

    def set_opaque(self, path: bytes) -> None:
        """See Upper. The mark leaves the directory's times alone."""
        before = self.fs.stat(None, path, follow=False)
        self._put(path + b"/" + _OPAQUE_NAME)
        self.fs.utime(None, path, (before.st_atime_ns, before.st_mtime_ns), follow=False)

    def hide(self, path: bytes) -> None:
        """See Upper."""
        self._put(_mark(path))

    def _put(self, path: bytes) -> None:
        try:
            self.fs.open(None, path, O_CREAT | O_EXCL | O_WRONLY, 0o600, 0).release()
        except SyscallError as error:
            if error.errno != EEXIST:
                raise

    def unhide(self, path: bytes) -> None:
        """See Upper."""
        try:
            self.fs.unlink(None, _mark(path))
        except SyscallError as error:
            if error.errno != ENOENT:
                raise

    def check_name(self, name: bytes) -> None:
        """See Upper."""
        if name.startswith(_PREFIX):
            raise SyscallError(EPERM, "the overlay keeps its own marks under such names")

    def _shown(self, path: bytes, ino: int, kind: int, name: bytes) -> Iterator[tuple[int, int, bytes, bool]]:
        if not name.startswith(_PREFIX):
            yield ino, kind, name, False
        elif name != _OPAQUE_NAME:
            yield ino, kind, name[len(_PREFIX) :], True

    def clear(self, path: bytes) -> None:
        """See Upper."""
        super().clear(path)
        try:
            self.fs.unlink(None, path + b"/" + _OPAQUE_NAME)
        except SyscallError as error:
            if error.errno != ENOENT:
                raise


def _mark(path: bytes) -> bytes:
    above, slash, name = path.rpartition(b"/")
    return above + slash + _PREFIX + name
