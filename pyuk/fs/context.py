"""What a process has of the file system: its view, its root and working directory, its umask (clone(2), CLONE_FS)."""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import ENAMETOOLONG, ENOENT, ENOTDIR, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY
from pyuk.abi.unistd import PATH_MAX, X_OK
from pyuk.fs.place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.file import OpenFile
    from pyuk.fs.namespace import Namespace
    from pyuk.fs.stat import Stat


class FsContext:
    """Paths given here are the guest's: absolute, or relative to `at` or else to the working directory.

    Invariant: cwd and root are directories held by this context alone or shared through `refs` tasks (CLONE_FS); root
    is None for the namespace's own.
    """

    __slots__ = ("cwd", "namespace", "refs", "root", "umask")

    def __init__(self, namespace: Namespace, cwd: OpenFile | None, umask: int, root: OpenFile | None = None) -> None:
        """The caller's references become the context's. cwd: None is `/`."""
        self.namespace = namespace
        self.root = root
        self.umask = umask
        self.refs = 1
        self.cwd = Place(self, None, b"/", follow=True).open(O_PATH | O_DIRECTORY, 0, 0) if cwd is None else cwd

    def find(self, path: bytes, at: OpenFile | None = None, *, follow: bool = True) -> Place:
        """Where a path leads.

        Errors: ENOENT it is empty, ENAMETOOLONG, ENOTDIR `at` is no directory; those of the walk when it is used.
        """
        if not path:
            raise SyscallError(ENOENT)
        if len(path) >= PATH_MAX:
            raise SyscallError(ENAMETOOLONG)
        return self.namespace.place(self, self.cwd if at is None else at, path, follow=follow)

    def open(
        self, path: bytes, flags: int = O_RDONLY, mode: int = 0, at: OpenFile | None = None, resolve: int = 0
    ) -> OpenFile:  # fmt: skip
        """As openat2(2) with validated flags; the caller owns the one reference."""
        follow = not (flags & O_NOFOLLOW or (flags & O_CREAT and flags & O_EXCL))
        if resolve:
            start = self.cwd if at is None else at
            return Place(self, start, path, follow=follow, resolve=resolve).open(flags, mode, self.umask)
        return self.find(path, at, follow=follow).open(flags, mode, self.umask)

    def stat(self, path: bytes, *, follow: bool = True) -> os.stat_result | Stat:
        """As stat(2) or lstat(2)."""
        return self.find(path, follow=follow).stat()

    def readlink(self, path: bytes) -> bytes:
        """As readlink(2)."""
        return self.find(path, follow=False).readlink()

    def access(self, path: bytes, mode: int, *, effective: bool = False) -> None:
        """As access(2): returns where it is granted, raises what refuses it."""
        self.find(path).access(mode, effective=effective)

    def getcwd(self) -> bytes:
        """The working directory's path now, whoever renamed it; "(unreachable)" before it where it is not below the
        root (getcwd(2)). Errors: ENOENT it was removed.
        """  # noqa: D205
        text = self.cwd.link_text()
        if text.endswith(b" (deleted)") and self.cwd.stat().st_nlink == 0:
            raise SyscallError(ENOENT)
        if text.startswith(b"(unreachable)") or self.root is None:
            return text
        root = self.root.link_text()
        if text == root:
            return b"/"
        if not text.startswith(root.rstrip(b"/") + b"/"):
            return b"(unreachable)" + text
        return text[len(root.rstrip(b"/")) :]

    def chdir(self, path: bytes) -> None:
        """As chdir(2): EACCES where the directory may not be searched."""
        self._move(self._directory(self.find(path)))

    def fchdir(self, directory: OpenFile) -> None:
        """As fchdir(2)."""
        if not modes.S_ISDIR(directory.stat().st_mode):
            raise SyscallError(ENOTDIR)
        self.find(b".", directory).access(X_OK, effective=True)
        self._move(directory.hold())

    def chroot(self, path: bytes) -> None:
        """As chroot(2) for those who may: absolute paths start there from now on, and `..` ends there."""
        root, before = self._directory(self.find(path)), self.root
        is_first = root.mount is self.namespace.root and root.link_text() == b"/"
        if is_first:
            root.release()
        self.root = None if is_first else root
        if before is not None:
            before.release()

    def check_directory(self, path: bytes) -> None:
        """The errors of chdir(2) and chroot(2) for a path."""
        self._directory(self.find(path)).release()

    def _directory(self, place: Place) -> OpenFile:
        directory = place.open(O_PATH | O_DIRECTORY, 0, 0)
        try:
            place.access(X_OK, effective=True)
        except SyscallError:
            directory.release()
            raise
        return directory

    def _move(self, directory: OpenFile) -> None:
        before, self.cwd = self.cwd, directory
        before.release()

    def copy(self) -> FsContext:
        """A child's own (fork(2))."""
        root = None if self.root is None else self.root.hold()
        return FsContext(self.namespace, self.cwd.hold(), self.umask, root)

    def share(self) -> FsContext:
        """One more task with this very context (CLONE_FS)."""
        self.refs += 1
        return self

    def release(self) -> None:
        """One task less; the last one lets go of the directories."""
        self.refs -= 1
        if not self.refs:
            self.cwd.release()
            if self.root is not None:
                self.root.release()
