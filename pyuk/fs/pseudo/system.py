"""A made-up file system: from paths to nodes, and what may be done with them (path_resolution(7))."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, EPERM, SyscallError
from pyuk.abi.fcntl import (
    O_ACCMODE,
    O_APPEND,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_LARGEFILE,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_RDONLY,
    O_TRUNC,
)  # fmt: skip
from pyuk.abi.unistd import R_OK, W_OK, X_OK
from pyuk.fs.filesystem import FileSystem, LinkMet
from pyuk.fs.permission import RealIds
from pyuk.fs.pseudo.files import LinkFile, PathFile, PseudoDirectory, PseudoFile
from pyuk.fs.pseudo.node import Directory, File, Link, Node
from pyuk.fs.stat import Stat, StatFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import Times
    from pyuk.fs.permission import Who

_SHOWN = O_ACCMODE | O_APPEND | O_NONBLOCK
_SHOWN_PATH = O_PATH | O_DIRECTORY | O_NOFOLLOW
_WANTED = (R_OK, W_OK, R_OK | W_OK, R_OK | W_OK)


class PseudoFs(FileSystem):
    """Nodes from `root` on. Nothing can be made, removed or renamed.

    `who` gives the credentials of the task that runs; `full_path` makes a path from this file system's root the
    guest's. `absent_errno` is that of names that would be new, where the directory has no such operation.
    """

    __slots__ = ("_dev", "_magic", "_time_ns", "absent_errno", "root", "who")

    def __init__(
        self, root: Directory, magic: int, dev: int, who: Callable[[], Who], *, time_ns: int = 0,
        absent_errno: int = ENOENT,
    ) -> None:  # fmt: skip
        """magic: f_type of statfs(2). time_ns: st_mtime and the like, of what has none of its own."""
        self.root = root
        self.who = who
        self.absent_errno = absent_errno
        self._magic = magic
        self._dev = dev
        self._time_ns = time_ns

    # From a path to a node

    def find(self, at: OpenFile | None, path: bytes, *, follow: bool = True) -> Node:
        """The node of a path. Errors: ENOENT, ENOTDIR, EACCES, LinkMet."""
        node = self.root if at is None else at.node  # type: ignore[attr-defined]
        assert isinstance(node, Node)  # noqa: S101  # `at` is one of ours
        if not path:
            return node
        who = self.who()
        parts = path.split(b"/")
        for index, name in enumerate(parts):
            node = self._step(node, name, who)
            if isinstance(node, Link) and (follow or index < len(parts) - 1):
                raise LinkMet
        return node

    def _step(self, node: Node, name: bytes, who: Who) -> Node:
        if not isinstance(node, Directory):
            raise SyscallError(ENOTDIR)
        if not node.allows(who, X_OK):
            raise SyscallError(EACCES)
        node.revalidate()
        found = node.lookup(name)
        found.revalidate()
        return found

    def walk(self, at: OpenFile | None, path: bytes, *, follow: bool) -> tuple[int, bytes | OpenFile] | None:
        """See FileSystem. What is wrong with the path is for the operation itself to say; of a link, at once."""
        node = self.root if at is None else at.node  # type: ignore[attr-defined]
        who = self.who()
        end = -1
        while end < len(path):
            start = end + 1
            end = path.find(b"/", start)
            if end < 0:
                end = len(path)
            try:
                node = self._step(node, path[start:end], who)
            except SyscallError:
                return None
            if isinstance(node, Link) and (follow or end < len(path)):
                return end, node.target()
        return None

    def path_of(self, file: OpenFile) -> bytes:
        """See FileSystem: nothing here is ever renamed."""
        assert isinstance(file, PseudoFile)  # noqa: S101  # one of ours
        return file.path

    def full_path(self, path: bytes) -> bytes:
        """A path from the root, as the guest sees it."""
        mount = getattr(self, "mount", None)
        return b"/" + path if mount is None else mount.full(path)

    # What names are asked

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem."""
        try:
            node = self.find(at, path, follow=not flags & O_NOFOLLOW and flags & (O_CREAT | O_EXCL) != O_CREAT | O_EXCL)
        except SyscallError as error:
            if error.errno == ENOENT and flags & O_CREAT:
                self._check_new(at, path)
            raise
        if flags & O_CREAT and flags & O_EXCL:
            raise SyscallError(EEXIST)
        base = b"" if at is None else self.path_of(at)
        return self.open_node(node, base + b"/" + path if base and path else base or path, flags)

    def open_node(self, node: Node, path: bytes, flags: int) -> OpenFile:
        """Open what was found. Errors: EISDIR, ENOTDIR, ELOOP, EACCES, and what the node itself refuses."""
        is_directory = isinstance(node, Directory)
        if flags & O_DIRECTORY and not is_directory:
            raise SyscallError(ENOTDIR)
        if flags & O_PATH:
            shown = flags & _SHOWN_PATH
            if isinstance(node, Link):
                return LinkFile(self, node, path, shown)
            return PseudoDirectory(self, node, path, shown) if is_directory else PathFile(self, node, path, shown)
        if isinstance(node, Link):
            raise SyscallError(ELOOP)
        if is_directory and (flags & O_ACCMODE != O_RDONLY or flags & (O_CREAT | O_TRUNC)):
            raise SyscallError(EISDIR)
        wanted = _WANTED[flags & O_ACCMODE] | (W_OK if flags & O_TRUNC else 0)
        if not node.allows(self.who(), wanted):
            raise SyscallError(EACCES)
        shown = flags & (_SHOWN | O_DIRECTORY | O_NOFOLLOW) | O_LARGEFILE
        if isinstance(node, Directory):
            return PseudoDirectory(self, node, path, shown)
        assert isinstance(node, File)  # noqa: S101  # the fourth kind of node
        return node.open(self, path, shown)

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> Stat:
        """See FileSystem."""
        return self.stat_node(self.find(at, path, follow=follow))

    def stat_node(self, node: Node) -> Stat:
        """What stat(2) shows."""
        time_ns = node.time_ns or self._time_ns
        answer = Stat(
            self._dev, node.ino, node.st_mode, nlink=node.n_links, size_bytes=node.size_bytes, time_ns=time_ns
        )  # fmt: skip
        answer.st_blksize = 1024 if self._magic == PROC_SUPER_MAGIC else 4096
        answer.st_uid, answer.st_gid = node.owner
        return answer

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """See FileSystem."""
        if path:
            self.find(at, path)
        return StatFs(self._magic)

    def readlink(self, at: OpenFile | None, path: bytes) -> bytes:
        """See FileSystem."""
        node = self.find(at, path, follow=False)
        if not isinstance(node, Link):
            raise SyscallError(EINVAL)
        return node.text()

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """See FileSystem."""
        self.check_access(self.find(at, path, follow=follow), mode, effective=effective)

    def check_access(self, node: Node, mode: int, *, effective: bool) -> None:
        """Errors: EACCES."""
        who = self.who() if effective else RealIds(self.who())
        if mode and not node.allows(who, mode):
            raise SyscallError(EACCES)

    # What nobody can do here (fs/namei.c: i_op without the operation)

    def _check_new(self, at: OpenFile | None, path: bytes) -> None:
        """Errors: those of a name that shall be new, which always fails."""
        parent = self.find(at, path.rpartition(b"/")[0])
        if not isinstance(parent, Directory):
            raise SyscallError(ENOTDIR)
        raise SyscallError(EACCES if self.absent_errno != ENOENT else ENOENT)

    def _refuse_new(self, at: OpenFile | None, path: bytes) -> None:
        try:
            self.find(at, path, follow=False)
        except SyscallError as error:
            if error.errno != ENOENT or isinstance(error, LinkMet):
                raise
        else:
            raise SyscallError(EEXIST)
        if not isinstance(self.find(at, path.rpartition(b"/")[0]), Directory):
            raise SyscallError(ENOTDIR)
        raise SyscallError(self.absent_errno)

    def _refuse(self, at: OpenFile | None, path: bytes) -> None:
        self.find(at, path, follow=False)
        parent = self.find(at, path.rpartition(b"/")[0])
        raise SyscallError(EPERM if parent.allows(self.who(), W_OK | X_OK) else EACCES)

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """See FileSystem."""
        self._refuse_new(at, path)

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """See FileSystem."""
        self._refuse_new(at, path)

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """See FileSystem."""
        self._refuse_new(at, path)

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        self.find(at, path, follow=follow)
        self._refuse_new(to, new)

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        self._refuse(at, path)

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        self._refuse(at, path)

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """See FileSystem."""
        self.find(at, path, follow=False)
        try:
            self.find(to, new, follow=False)
        except SyscallError as error:
            if error.errno != ENOENT or self.absent_errno == ENOENT:
                raise
        self._refuse(at, path)

    def truncate(self, at: OpenFile | None, path: bytes, size_bytes: int) -> None:
        """Nothing happens where it may be written."""
        node = self.find(at, path)
        if isinstance(node, Directory):
            raise SyscallError(EISDIR)
        if not node.allows(self.who(), W_OK):
            raise SyscallError(EACCES)

    def chmod(self, at: OpenFile | None, path: bytes, mode: int) -> None:
        """See FileSystem."""
        self.find(at, path)
        raise SyscallError(EPERM)

    def chown(self, at: OpenFile | None, path: bytes, uid: int, gid: int, *, follow: bool) -> None:
        """See FileSystem."""
        self.find(at, path, follow=follow)
        raise SyscallError(EPERM)

    def utime(self, at: OpenFile | None, path: bytes, times_ns: Times, *, follow: bool) -> None:
        """See FileSystem."""
        self.find(at, path, follow=follow)
        raise SyscallError(EPERM)


PROC_SUPER_MAGIC, SYSFS_MAGIC = 0x9FA0, 0x62656572  # include/uapi/linux/magic.h
