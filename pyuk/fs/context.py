"""What a process has of the file system: its view, its working directory, its umask (clone(2), CLONE_FS)."""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import ENOENT, ENOTDIR, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_PATH, O_RDONLY
from pyuk.abi.unistd import X_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.namespace import Namespace
    from pyuk.fs.stat import Stat


class FsContext:
    """Paths given here are the guest's: absolute, or relative to `at` or else to the working directory.

    Invariant: cwd is a directory held by this context alone or shared through `refs` tasks (CLONE_FS).
    """

    __slots__ = ("cwd", "namespace", "refs", "umask")

    def __init__(self, namespace: Namespace, cwd: OpenFile, umask: int) -> None:
        """The caller's reference to cwd becomes the context's."""
        self.namespace = namespace
        self.cwd = cwd
        self.umask = umask
        self.refs = 1

    def find(
        self, path: bytes, at: OpenFile | None = None, *, follow: bool = True
    ) -> tuple[FileSystem, OpenFile | None, bytes]:
        """Where a path leads, see Namespace.find. Errors: ENOENT it is empty."""
        if not path:
            raise SyscallError(ENOENT)
        return self.namespace.find(self.cwd if at is None else at, path, follow=follow)

    def open(self, path: bytes, flags: int = O_RDONLY, mode: int = 0, at: OpenFile | None = None) -> OpenFile:
        """As open(2) with validated flags; the caller owns the one reference."""
        follow = not (flags & O_NOFOLLOW or (flags & O_CREAT and flags & O_EXCL))
        system, start, name = self.find(path, at, follow=follow)
        file = system.open(start, name, flags, mode, self.umask)
        if not file.in_host_proc or system is self.namespace.proc or self.namespace.proc is None:
            return file
        file.release()  # a link somewhere led into the host's /proc, which is not the guest's
        system, start, name = self.namespace.find(self.cwd if at is None else at, path, follow=follow, walk=True)
        return system.open(start, name, flags, mode, self.umask)

    def stat(self, path: bytes, *, follow: bool = True) -> os.stat_result | Stat:
        """As stat(2) or lstat(2)."""
        system, start, name = self.find(path, follow=follow)
        return system.stat(start, name, follow=follow)

    def readlink(self, path: bytes) -> bytes:
        """As readlink(2)."""
        system, start, name = self.find(path, follow=False)
        return system.readlink(start, name)

    def access(self, path: bytes, mode: int, *, effective: bool = False) -> None:
        """As access(2): returns where it is granted, raises what refuses it."""
        system, start, name = self.find(path)
        system.access(start, name, mode, effective=effective, follow=True)

    def getcwd(self) -> bytes:
        """The working directory's path now, whoever renamed it. Errors: ENOENT it was removed."""
        text = self.cwd.link_text()
        if text.endswith(b" (deleted)") and self.cwd.stat().st_nlink == 0:
            raise SyscallError(ENOENT)
        return text

    def chdir(self, path: bytes) -> None:
        """As chdir(2): EACCES where the directory may not be searched."""
        system, start, name = self.find(path)
        directory = system.open(start, name, O_PATH | O_DIRECTORY, 0, 0)
        try:
            system.access(start, name, X_OK, effective=True, follow=True)
        except SyscallError:
            directory.release()
            raise
        self._move(directory)

    def fchdir(self, directory: OpenFile) -> None:
        """As fchdir(2)."""
        if not modes.S_ISDIR(directory.stat().st_mode):
            raise SyscallError(ENOTDIR)
        system, start, name = self.find(b".", directory)
        system.access(start, name, X_OK, effective=True, follow=True)
        self._move(directory.hold())

    def _move(self, directory: OpenFile) -> None:
        before, self.cwd = self.cwd, directory
        before.release()

    def copy(self) -> FsContext:
        """A child's own (fork(2))."""
        return FsContext(self.namespace, self.cwd.hold(), self.umask)

    def share(self) -> FsContext:
        """One more task with this very context (CLONE_FS)."""
        self.refs += 1
        return self

    def release(self) -> None:
        """One task less; the last one lets go of the working directory."""
        self.refs -= 1
        if not self.refs:
            self.cwd.release()
