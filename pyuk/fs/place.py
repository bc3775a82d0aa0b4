"""A path on its way into a system call: where it leads, and what the call does there.

What is the same on every file system is decided here: read-only mounts, mount points, links between mounts, trailing
slashes, `.` and `..` in the last place. The order of errors is that of Linux fs/namei.c and fs/open.c.
"""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import (
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    ELOOP,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    EROFS,
    ETXTBSY,
    EXDEV,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import (
    O_ACCMODE,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_TMPFILE,
    O_TRUNC,
    O_WRONLY,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
)  # fmt: skip
from pyuk.abi.mountapi import MS_RDONLY
from pyuk.abi.unistd import R_OK, W_OK
from pyuk.fs.filesystem import LinkMet

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from typing import TypeVar

    from pyuk.fs.context import FsContext
    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem, Times
    from pyuk.fs.mount import Mount
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.fs.walk import Walk

    T = TypeVar("T")
    Operation = Callable[[FileSystem, "OpenFile | None", bytes], T]

_MOST_WALKS = 200
_TMPFILE = O_TMPFILE & ~O_DIRECTORY
_WRITES = O_CREAT | O_TRUNC | _TMPFILE


class Place:
    """A guest's path, which is walked when it is used. Not for use after the call.

    Invariant: once found, `at`, `name` and `mount` are where the walk ended (see FileSystem), or `file` is the file
    that a magic link stands for.
    """

    __slots__ = (
        "_context", "_follow", "_held", "_last", "_path", "_resolve", "_start", "at", "file", "mount", "name", "slash",
    )  # fmt: skip

    mount: Mount

    def __init__(
        self, context: FsContext, start: OpenFile | None, path: bytes, *, follow: bool, resolve: int = 0
    ) -> None:  # fmt: skip
        """start: the directory of a relative path. follow: whether the call follows a link in the last place.

        resolve: openat2(2)'s RESOLVE_ flags.
        """
        self._resolve = resolve
        self._context = context
        self._start = start
        self._path = path
        self._follow = follow
        self._held: list[OpenFile] | None = None
        self.file: OpenFile | None = None
        self.name: bytes | None = None
        self.slash = False
        self._last = 0
        if resolve:
            if start is None or start.filesystem is None:
                raise SyscallError(ENOTDIR)
        elif path[:1] == b"/":
            if context.root is None and path[-1:] != b"/" and b"//" not in path and b"/." not in path:
                mount = context.namespace.root
                name = path[1:]
                if mount.children:
                    mount, name = mount.crossing(name)
                if mount.fs.is_optimistic:
                    self.mount, self.at, self.name = mount, None, name
        elif start is None or start.filesystem is None or start.mount is None:
            raise SyscallError(ENOTDIR)
        elif (
            not start.covers and path[-1:] != b"/" and path[:1] != b"." and b"//" not in path and b"/." not in path
            and start.filesystem.is_optimistic
        ):  # fmt: skip
            self.mount, self.at, self.name = start.mount, start, path

    def __del__(self) -> None:
        if self._held:
            for file in self._held:
                file.release()

    def _find(self, *, parent: bool = False, optimistic: bool = True) -> bytes:
        """Walk; gives the name. parent: for a call that makes, removes or moves the name, which is not followed."""
        walk = self._new_walk(optimistic=optimistic)
        try:
            walk.go(self._path, follow=self._follow and not parent, parent=parent)
        finally:
            self._held = [*(self._held or ()), *walk.held]
        self.mount, self.at, self.file = walk.mount, walk.at, walk.file
        self.name = b"/".join(walk.parts)
        self.slash, self._last = walk.slash, walk.last
        return self.name

    def _new_walk(self, *, optimistic: bool) -> Walk:
        is_absolute = self._path[:1] == b"/"
        if self._resolve and self._start is not None:
            from pyuk.fs.scoped import ScopedWalk  # noqa: PLC0415  # few programs want it

            return ScopedWalk(
                self._context, self._start, self._resolve, is_absolute=is_absolute, optimistic=optimistic
            )  # fmt: skip
        from pyuk.fs.walk import Walk  # noqa: PLC0415  # most paths need none

        return Walk(self._context, None if is_absolute else self._start, optimistic=optimistic)

    def _do(
        self, operation: Operation[T], on_file: Callable[[OpenFile], T] | None = None, *, parent: bool = False
    ) -> T:  # fmt: skip
        """The operation where the path leads, again where a link turns up on the way.

        on_file: what is done instead where the path ends in a magic link, with its file.
        """
        name = self.name
        if name is None:
            name = self._find(parent=parent)
        for _ in range(_MOST_WALKS):
            if self.file is not None and on_file is not None:
                if self.slash:
                    raise SyscallError(ENOTDIR)
                return on_file(self.file)
            try:
                return operation(self.mount.fs, self.at, name)
            except LinkMet:
                name = self._find(parent=parent, optimistic=False)
        raise SyscallError(ELOOP)

    @property
    def follows(self) -> bool:
        """Whether a link in the last place is followed."""
        return self._follow or self.slash

    def _know(self) -> None:
        """Find out whether there is a trailing slash, and which mount it is."""
        if self.name is None:
            self._find()

    # Opening

    def open(self, flags: int, mode: int, umask: int) -> OpenFile:
        """As open(2) with validated flags; the caller owns the one reference. May raise WouldBlock (a FIFO)."""
        name = self.name
        if name is not None and not self.mount.flags & MS_RDONLY:  # it has been found by its looks, without a slash
            try:
                return self._is_opened(self.mount.fs.open(self.at, name, flags, mode, umask))
            except LinkMet:
                pass
        if name is None:
            if flags & O_CREAT:
                self._check_create(flags)
            self._know()
        if flags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY:
            return self._create_no_directory(flags, mode, umask)
        wanted = flags & ~O_NOFOLLOW | O_DIRECTORY if self.slash else flags
        if self.mount.is_read_only and (flags & _WRITES or flags & O_ACCMODE != O_RDONLY) and not flags & O_PATH:
            wanted = self._check_read_only_open(wanted)
        file = self._do(
            lambda fs, at, name: self._is_opened(fs.open(at, name, wanted, mode, umask)),
            lambda file: self._reopen(file, flags),
        )
        if wanted != flags:
            file.flags = file.flags & ~O_DIRECTORY | flags & (O_DIRECTORY | O_NOFOLLOW)
        return file

    def _create_no_directory(self, flags: int, mode: int, umask: int) -> OpenFile:
        """O_CREAT | O_DIRECTORY makes a file and refuses it (open(2), BUGS; Linux 5.7 to 6.3)."""
        self.open(flags & ~(O_DIRECTORY | O_TRUNC), mode, umask).release()
        raise SyscallError(ENOTDIR)

    def _check_create(self, flags: int) -> None:
        """Paths that end in `.` or a slash name no file that could be made. Errors: EISDIR, EEXIST, those before."""
        self._find(parent=self._path.endswith(b"/"))
        if self._last:
            raise SyscallError(EEXIST if flags & O_EXCL else EISDIR)
        if self.slash:
            self.check_parent()
            raise SyscallError(EISDIR)

    def _reopen(self, file: OpenFile, flags: int) -> OpenFile:
        if flags & O_ACCMODE != O_RDONLY or flags & O_TRUNC:
            file.want_write()
        if flags & O_DIRECTORY:
            raise SyscallError(ENOTDIR)
        opened = file.reopen(flags)
        opened.mount = file.mount
        return opened

    def _is_opened(self, file: OpenFile) -> OpenFile:
        mount = file.mount = self.mount
        if mount.children and file.filesystem is not None:
            if self.at is None:
                file.covers = mount.covers(self.name or b"")
            elif self.at.covers:
                file.covers = mount.covers(mount.fs.path_of(file))
        return file

    def _check_read_only_open(self, flags: int) -> int:
        """Of a call that may write or create: the flags for what it may do all the same. Errors: EROFS..."""
        try:
            status = self.stat()
        except SyscallError as error:
            if error.errno == ENOENT and flags & O_CREAT:
                self.check_parent()
                raise SyscallError(EROFS) from None
            raise
        if flags & O_CREAT and flags & O_EXCL:
            raise SyscallError(EEXIST)
        if flags & _TMPFILE:
            raise SyscallError(EROFS if modes.S_ISDIR(status.st_mode) else ENOTDIR)
        access = flags & O_ACCMODE
        if modes.S_ISDIR(status.st_mode) and (flags & O_CREAT or access != O_RDONLY):
            raise SyscallError(EISDIR)
        if flags & O_DIRECTORY and not modes.S_ISDIR(status.st_mode):
            raise SyscallError(ENOTDIR)
        if modes.S_ISLNK(status.st_mode):
            raise SyscallError(ELOOP)
        if access == O_RDONLY and not (flags & O_TRUNC and modes.S_ISREG(status.st_mode)):
            return flags & ~(O_CREAT | O_TRUNC)
        if modes.S_ISREG(status.st_mode) and not flags & O_TRUNC:
            wanted = W_OK if access == O_WRONLY else R_OK | W_OK
            self._do(lambda fs, at, name: fs.access(at, name, wanted, effective=True, follow=True))
            if self.mount.fs.is_program(status):
                raise SyscallError(ETXTBSY)
        elif modes.S_ISCHR(status.st_mode) or modes.S_ISBLK(status.st_mode):
            return flags  # a device is not the mount's to protect (fs/open.c, do_dentry_open: special_file)
        raise SyscallError(EROFS)

    # Questions

    def stat(self) -> os.stat_result | Stat:
        """As stat(2) or lstat(2)."""
        self._know()
        status = self._do(lambda fs, at, name: fs.stat(at, name, follow=self.follows), lambda file: file.stat())
        if self.slash and not modes.S_ISDIR(status.st_mode):
            raise SyscallError(ENOTDIR)
        return status

    def statx(self, flags: int, mask: int) -> bytes | None:
        """See FileSystem.statx."""
        self._check_slash()
        return self._do(lambda fs, at, name: fs.statx(at, name, flags, mask), lambda file: file.statx(flags, mask))

    def statfs(self) -> StatFs:
        """As statfs(2)."""
        self._check_slash()
        found = self._do(lambda fs, at, name: fs.statfs(at, name), lambda file: file.statfs())
        if self.file is None:
            found.f_flags = self.mount.statfs_flags(found.f_flags)
        return found

    def readlink(self) -> bytes:
        """As readlink(2), whole."""
        self._check_slash()
        return self._do(lambda fs, at, name: fs.readlink(at, name))

    def access(self, mode: int, *, effective: bool) -> None:
        """As faccessat2(2): returns where the access is granted."""
        self._check_slash()
        self._do(
            lambda fs, at, name: fs.access(at, name, mode, effective=effective, follow=self.follows),
            lambda file: file.access(mode, effective=effective),
        )
        if not mode & W_OK:
            return
        if self.file is not None:
            self.file.want_write()
        elif self.mount.is_read_only:
            kind = modes.S_IFMT(self.stat().st_mode)
            if kind in (modes.S_IFREG, modes.S_IFDIR, modes.S_IFLNK):
                raise SyscallError(EROFS)

    def getxattr(self, name: bytes) -> bytes:
        """As getxattr(2), the whole value."""
        self._check_slash()
        return self._do(
            lambda fs, at, path: fs.getxattr(at, path, name, follow=self.follows), lambda file: file.getxattr(name)
        )

    def listxattr(self) -> list[bytes]:
        """As listxattr(2)."""
        self._check_slash()
        return self._do(lambda fs, at, path: fs.listxattr(at, path, follow=self.follows), lambda file: file.listxattr())

    def _check_slash(self) -> None:
        """ENOTDIR where only a directory will do."""
        self._know()
        if self.slash:
            self.stat()

    # Changes of what a name carries

    def chmod(self, mode: int) -> None:
        """As chmod(2)."""
        self._change(lambda fs, at, name: fs.chmod(at, name, mode), lambda file: file.chmod(mode))

    def chown(self, uid: int, gid: int) -> None:
        """As chown(2); -1 leaves an id as it is."""
        self._change(
            lambda fs, at, name: fs.chown(at, name, uid, gid, follow=self.follows), lambda file: file.chown(uid, gid)
        )

    def utime(self, times_ns: Times) -> None:
        """As utimensat(2)."""
        self._change(
            lambda fs, at, name: fs.utime(at, name, times_ns, follow=self.follows), lambda file: file.utime(times_ns)
        )

    def truncate(self, size_bytes: int) -> None:
        """As truncate(2)."""
        self._know()
        if self.file is not None or self.mount.is_read_only:
            kind = modes.S_IFMT(self.stat().st_mode)
            if kind != modes.S_IFREG:
                raise SyscallError(EISDIR if kind == modes.S_IFDIR else EINVAL)
        self._change(lambda fs, at, name: fs.truncate(at, name, size_bytes), lambda file: _truncate(file, size_bytes))

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As setxattr(2)."""
        self._change(
            lambda fs, at, path: fs.setxattr(at, path, name, value, flags, follow=self.follows),
            lambda file: file.setxattr(name, value, flags),
        )

    def removexattr(self, name: bytes) -> None:
        """As removexattr(2)."""
        self._change(
            lambda fs, at, path: fs.removexattr(at, path, name, follow=self.follows),
            lambda file: file.removexattr(name),
        )

    def want_write(self) -> None:
        """The errors that a call which changes the file has before it looks at what is to be changed."""
        self._change(lambda fs, at, name: _look(fs, at, name, follow=self.follows), lambda _file: None)

    def _change(self, operation: Operation[None], on_file: Callable[[OpenFile], None]) -> None:
        """Errors: EROFS, after those of the path, before those of the operation."""
        self._check_slash()

        def change(fs: FileSystem, at: OpenFile | None, name: bytes) -> None:
            if self.mount.is_read_only:
                fs.stat(at, name, follow=self.follows)
                raise SyscallError(EROFS)
            operation(fs, at, name)

        def change_file(file: OpenFile) -> None:
            file.want_write()
            on_file(file)

        self._do(change, change_file)

    # Names: made, removed, moved

    def mkdir(self, mode: int, umask: int) -> None:
        """As mkdir(2)."""
        self._to_make(directory=True)
        self._do(lambda fs, at, name: fs.mkdir(at, name, mode, umask), parent=True)

    def mknod(self, mode: int, device: tuple[int, int], umask: int) -> None:
        """As mknod(2), of any type but a directory; device is major and minor."""
        self._to_make()
        self._do(lambda fs, at, name: fs.mknod(at, name, mode, device, umask), parent=True)

    def symlink(self, target: bytes) -> None:
        """As symlink(2): this is the link that is made."""
        self._to_make()
        self._do(lambda fs, at, name: fs.symlink(at, name, target), parent=True)

    def unlink(self) -> None:
        """As unlink(2)."""
        name = self._to_remove()
        if self._last:
            raise SyscallError(EISDIR)
        if not name:
            raise SyscallError(EISDIR if modes.S_ISDIR(self.stat().st_mode) else EBUSY)
        self._check_may_remove()
        if self.slash:
            raise SyscallError(EISDIR if modes.S_ISDIR(self._lstat().st_mode) else ENOTDIR)
        self._do(lambda fs, at, name: fs.unlink(at, name), parent=True)

    def rmdir(self) -> None:
        """As rmdir(2)."""
        name = self._to_remove()
        if self._last:
            raise SyscallError((0, EINVAL, ENOTEMPTY, EBUSY)[self._last])
        if not name:
            raise SyscallError(EBUSY)
        self._check_may_remove()
        self._do(lambda fs, at, name: fs.rmdir(at, name), parent=True)

    def rename(self, new: Place, flags: int) -> None:
        """As renameat2(2)."""
        old_name = self._to_remove()
        try:
            new_name = new._to_remove()
        except SyscallError:
            self.check_parent()  # its errors come first
            raise
        if self._owner(old_name) is not new._owner(new_name):
            self.check_parent()
            new.check_parent()
            raise SyscallError(EXDEV)
        if self._last or new._last or not old_name or not new_name:
            self.check_parent()
            new.check_parent()
            exists = not self._last and old_name and flags & RENAME_NOREPLACE
            raise SyscallError(EEXIST if exists else EBUSY)
        if self.mount.is_read_only:
            self.check_parent()
            new.check_parent()
            raise SyscallError(EROFS)
        if self.slash or new.slash:
            self._check_rename_slashes(new, flags)
        for _ in range(_MOST_WALKS):
            try:
                self.mount.fs.rename(self.at, old_name, new.at, new_name, flags)
                break
            except LinkMet:
                old_name = self._find(parent=True, optimistic=False)
                new_name = new._find(parent=True, optimistic=False)
                if self.mount is not new.mount:
                    raise SyscallError(EXDEV) from None
        else:
            raise SyscallError(ELOOP)
        if self.mount.children:
            self._move_mounts(new, flags)

    def _check_rename_slashes(self, new: Place, flags: int) -> None:
        """A trailing slash wants a directory (fs/namei.c, do_renameat2)."""
        old_is_directory = modes.S_ISDIR(self._lstat().st_mode)
        status = new._lstat_or_none()
        if status is not None and flags & RENAME_NOREPLACE:
            raise SyscallError(EEXIST)
        if flags & RENAME_EXCHANGE:
            if status is None:
                raise SyscallError(ENOENT)
            if new.slash and not modes.S_ISDIR(status.st_mode):
                raise SyscallError(ENOTDIR)
        elif not old_is_directory and new.slash:
            raise SyscallError(ENOTDIR)
        if self.slash and not old_is_directory:
            raise SyscallError(ENOTDIR)

    def _move_mounts(self, new: Place, flags: int) -> None:
        """Mounts below a directory go where it goes."""
        names = []
        for place in (self, new):
            base = b"" if place.at is None else place.mount.fs.path_of(place.at)
            names.append(base + b"/" + (place.name or b"") if base else place.name or b"")
        self.mount.renamed(names[0], names[1], exchange=bool(flags & RENAME_EXCHANGE))

    def link(self, new: Place) -> None:
        """As linkat(2): a new name for what this is. The old name's errors come first."""
        self._check_slash()
        for _ in range(_MOST_WALKS):
            if self.file is not None:
                return self.file.link_to(new)
            try:
                new_name = new._to_remove()
            except SyscallError:
                self.stat()
                raise
            if new._last or new.slash or not new_name or new.mount is not self.mount or self.mount.is_read_only:
                self.stat()
                new._to_make(looks=True)
                raise SyscallError(EXDEV)
            try:
                return self.mount.fs.link(self.at, self.name or b"", new.at, new_name, follow=self.follows)
            except LinkMet:
                self._find(optimistic=False)
                new._find(parent=True, optimistic=False)
        raise SyscallError(ELOOP)

    def link_file(self, file: OpenFile) -> None:
        """Give an open file this name (linkat(2) with AT_EMPTY_PATH)."""
        self._to_make(looks=file.mount is not self.mount)
        if file.mount is not self.mount:
            raise SyscallError(EXDEV)
        self._do(lambda fs, at, name: fs.link_file(file, at, name), parent=True)

    def _to_remove(self) -> bytes:
        """The name, found without following a last link. Errors: those of the way to it."""
        return self._find(parent=True) if self.name is None else self.name

    def _to_make(self, *, directory: bool = False, looks: bool = False) -> None:
        """Find a name that shall be new (fs/namei.c, filename_create). Errors: EEXIST, ENOENT, EROFS.

        looks: do not leave it to the file system whether there is such a name.
        """
        name = self._to_remove()
        if self._last or not name:
            raise SyscallError(EEXIST)
        is_refused = self.slash and not directory
        if self.mount.is_read_only or is_refused or looks:
            if self._lstat_or_none() is not None:
                raise SyscallError(EEXIST)
            if is_refused:
                raise SyscallError(ENOENT)
            if self.mount.is_read_only:
                raise SyscallError(EROFS)

    def _check_may_remove(self) -> None:
        """EROFS, after the errors of the way to the name."""
        if self.mount.is_read_only:
            self.check_parent()
            raise SyscallError(EROFS)

    def _owner(self, name: bytes) -> Mount:
        """The mount that the name itself is in: that of a mount point is in the one below."""
        if self._last:
            above = self._path.rstrip(b"/").rpartition(b"/")[0] or (b"/" if self._path[:1] == b"/" else b".")
            place = Place(self._context, self._start, above, follow=True)
            place._know()
            return place.mount
        return self.mount.parent if not name and self.at is None and self.mount.parent is not None else self.mount

    def _lstat(self) -> os.stat_result | Stat:
        return self._do(lambda fs, at, name: fs.stat(at, name, follow=False), parent=True)

    def _lstat_or_none(self) -> os.stat_result | Stat | None:
        """None for a name that is not there. Errors: ENOENT its directory is not there either."""
        try:
            return self._lstat()
        except SyscallError as error:
            if error.errno != ENOENT:
                raise
        self.check_parent()
        return None

    def check_parent(self) -> None:
        """The errors of the way to the last name."""
        status = self._do(lambda fs, at, name: fs.stat(at, name.rpartition(b"/")[0], follow=True), parent=True)
        if not modes.S_ISDIR(status.st_mode):
            raise SyscallError(ENOTDIR)


def _look(fs: FileSystem, at: OpenFile | None, name: bytes, *, follow: bool) -> None:
    """Only whether it is there."""
    fs.stat(at, name, follow=follow)


def _truncate(file: OpenFile, size_bytes: int) -> None:
    """truncate(2) of an open file, which may be open for reading only."""
    opened = file.reopen(O_WRONLY)
    try:
        opened.truncate(size_bytes)
    finally:
        opened.release()
