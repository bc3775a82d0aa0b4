"""Files and paths as long as somebody watches: what guests do to them is told (fsnotify's hooks in Linux fs/).

An open file becomes one of a class that tells, with everything else as it was: who watches nothing pays nothing.
"""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_TRUNC, RENAME_EXCHANGE
from pyuk.abi.inotify import (
    IN_ACCESS,
    IN_ATTRIB,
    IN_CLOSE_NOWRITE,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_ISDIR,
    IN_MODIFY,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_OPEN,
)
from pyuk.fs.file import OpenFile
from pyuk.fs.notify import Notifier, key_of
from pyuk.fs.place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any

    from pyuk.fs.filesystem import Times
    from pyuk.fs.stat import Stat

_classes: dict[tuple[Notifier, type[OpenFile]], type[OpenFile]] = {}


class WatchedFile(OpenFile):
    """What an open file tells beside what it does."""

    __slots__ = ()
    notifier: Notifier

    def _tell(self, mask: int) -> None:
        if mask & self.notifier.wanted:
            self.notifier.tell_of_file(self, mask)

    def read(self, slices: list[memoryview]) -> int:
        """IN_ACCESS."""
        done = super().read(slices)
        if done:
            self._tell(IN_ACCESS)
        return done

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """IN_ACCESS."""
        done = super().pread(slices, offset, rwf)
        if done:
            self._tell(IN_ACCESS)
        return done

    def read_nothing_at_all(self) -> None:
        """readv(2) tells of that too."""
        self._tell(IN_ACCESS)

    def write(self, slices: list[memoryview]) -> int:
        """IN_MODIFY."""
        done = super().write(slices)
        if done:
            self._tell(IN_MODIFY)
        return done

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """IN_MODIFY."""
        done = super().pwrite(slices, offset, rwf)
        if done:
            self._tell(IN_MODIFY)
        return done

    def copy_range(self, start: int | None, target: OpenFile, target_start: int | None, count: int) -> int:
        """IN_ACCESS, and of the target IN_MODIFY."""
        done = super().copy_range(start, target, target_start, count)
        if done:
            self._tell(IN_ACCESS)
            self.notifier.tell_of_file(target, IN_MODIFY)
        return done

    def truncate(self, size_bytes: int) -> None:
        """IN_MODIFY."""
        super().truncate(size_bytes)
        self._tell(IN_MODIFY)

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """IN_MODIFY."""
        super().allocate(mode, offset, length)
        self._tell(IN_MODIFY)

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """IN_ACCESS."""
        found = super().entries()
        self._tell(IN_ACCESS)
        return found

    def chmod(self, mode: int) -> None:
        """IN_ATTRIB."""
        super().chmod(mode)
        self._tell(IN_ATTRIB)

    def chown(self, uid: int, gid: int) -> None:
        """IN_ATTRIB, if it changes anything."""
        super().chown(uid, gid)
        if uid >= 0 or gid >= 0:
            self._tell(IN_ATTRIB)

    def utime(self, times_ns: Times) -> None:
        """See mask_of_times."""
        super().utime(times_ns)
        self._tell(mask_of_times(times_ns))

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """IN_ATTRIB."""
        super().setxattr(name, value, flags)
        self._tell(IN_ATTRIB)

    def removexattr(self, name: bytes) -> None:
        """IN_ATTRIB."""
        super().removexattr(name)
        self._tell(IN_ATTRIB)

    def close(self) -> None:
        """IN_CLOSE_WRITE or IN_CLOSE_NOWRITE; and its end where it has no name any more."""
        status = self.stat()
        self._tell(IN_CLOSE_WRITE if self.writable else IN_CLOSE_NOWRITE)
        super().close()
        self.notifier.closed(status)


def watch_file(notifier: Notifier, file: OpenFile) -> None:
    """From now on the file tells. Only what was opened by a name has anything to tell."""
    kind = type(file)
    if file.mount is None or isinstance(file, WatchedFile):
        return
    watched = _classes.get((notifier, kind))
    if watched is None:
        body = {"__slots__": (), "notifier": notifier, "__module__": __name__}
        watched = _classes[notifier, kind] = type(f"Watched{kind.__name__}", (WatchedFile, kind), body)
    notifier.opened(file)
    file.__class__ = watched  # it has the same slots


def mask_of_times(times_ns: Times) -> int:
    """Both times are IN_ATTRIB, one alone is what moves it (fsnotify_change)."""
    if times_ns is None or (times_ns[0] is not None and times_ns[1] is not None):
        return IN_ATTRIB
    return IN_ACCESS if times_ns[0] is not None else IN_MODIFY if times_ns[1] is not None else 0


class WatchedPlace(Place):
    """What calls on names tell. What changes on the host, the host tells."""

    __slots__ = ()
    notifier: Notifier

    def status_before(self, *, follow: bool) -> os.stat_result | Stat | None:
        """Of what is there before, where it can be told of; None where nothing is, or the call will say so."""
        try:
            return Place.stat(self) if follow else self._lstat()
        except SyscallError:
            return None

    def tell_name(self, mask: int, cookie: int = 0) -> None:
        """The directory of the name."""
        self.notifier.tell_of_name(self.mount.fs, self.at, self.name or b"", mask, cookie)

    def open(self, flags: int, mode: int, umask: int) -> OpenFile:
        """IN_CREATE, IN_MODIFY where it was cut, IN_OPEN."""
        notifier = self.notifier
        if not notifier.wanted:
            return super().open(flags, mode, umask)
        is_new = False
        if flags & O_CREAT:
            try:
                Place.stat(self)
            except SyscallError as error:
                is_new = error.errno == ENOENT
        file = super().open(flags, mode, umask)
        watch_file(notifier, file)
        if is_new and self.name:
            self.tell_name(IN_CREATE)
        elif flags & O_TRUNC:
            notifier.tell_of_file(file, IN_MODIFY)
        notifier.tell_of_file(file, IN_OPEN)
        return file

    def _changed(self, mask: int) -> None:
        if self.file is not None:
            self.notifier.tell_of_file(self.file, mask)
            return
        status = self.status_before(follow=True)
        if status is not None:
            if modes.S_ISDIR(status.st_mode):
                mask |= IN_ISDIR
            self.notifier.tell_of_path(self.mount.fs, self.at, self.name or b"", status, mask)

    def chmod(self, mode: int) -> None:
        """IN_ATTRIB."""
        super().chmod(mode)
        self._changed(IN_ATTRIB)

    def chown(self, uid: int, gid: int) -> None:
        """IN_ATTRIB, if it changes anything."""
        super().chown(uid, gid)
        if uid >= 0 or gid >= 0:
            self._changed(IN_ATTRIB)

    def utime(self, times_ns: Times) -> None:
        """See mask_of_times."""
        super().utime(times_ns)
        self._changed(mask_of_times(times_ns))

    def truncate(self, size_bytes: int) -> None:
        """IN_MODIFY."""
        super().truncate(size_bytes)
        self._changed(IN_MODIFY)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """IN_ATTRIB."""
        super().setxattr(name, value, flags)
        self._changed(IN_ATTRIB)

    def removexattr(self, name: bytes) -> None:
        """IN_ATTRIB."""
        super().removexattr(name)
        self._changed(IN_ATTRIB)

    def mkdir(self, mode: int, umask: int) -> None:
        """IN_CREATE."""
        super().mkdir(mode, umask)
        self.tell_name(IN_CREATE | IN_ISDIR)

    def mknod(self, mode: int, device: tuple[int, int], umask: int) -> None:
        """IN_CREATE."""
        super().mknod(mode, device, umask)
        self.tell_name(IN_CREATE)

    def symlink(self, target: bytes) -> None:
        """IN_CREATE."""
        super().symlink(target)
        self.tell_name(IN_CREATE)

    def unlink(self) -> None:
        """IN_ATTRIB and perhaps IN_DELETE_SELF of the file, IN_DELETE of its directory."""
        status = self.status_before(follow=False)
        super().unlink()
        if status is not None:
            self.notifier.unlinked(status)
        self.tell_name(IN_DELETE)

    def rmdir(self) -> None:
        """IN_DELETE_SELF, IN_DELETE."""
        status = self.status_before(follow=False)
        super().rmdir()
        if status is not None:
            self.notifier.unlinked(status)
        self.tell_name(IN_DELETE | IN_ISDIR)

    def rename(self, new: Place, flags: int) -> None:
        """IN_MOVED_FROM, IN_MOVED_TO, IN_MOVE_SELF, and what becomes of the file that had the name (fsnotify_move)."""
        if not isinstance(new, WatchedPlace) or not self.notifier.wanted:
            super().rename(new, flags)
            return
        source, target = self.status_before(follow=False), new.status_before(follow=False)
        super().rename(new, flags)
        if source is None or (target is not None and key_of(source) == key_of(target)):
            return
        self.tell_move(new, source)
        if target is not None:
            if flags & RENAME_EXCHANGE:
                new.tell_move(self, target)
                self.notifier.tell(key_of(target), IN_MOVE_SELF)
            else:
                self.notifier.unlinked(target)

    def tell_move(self, new: WatchedPlace, source: os.stat_result | Stat) -> None:
        """What was here is there."""
        is_directory = IN_ISDIR if modes.S_ISDIR(source.st_mode) else 0
        cookie = self.notifier.next_cookie()
        self.tell_name(IN_MOVED_FROM | is_directory, cookie)
        new.tell_name(IN_MOVED_TO | is_directory, cookie)
        self.notifier.tell(key_of(source), IN_MOVE_SELF | is_directory)

    def link(self, new: Place) -> None:
        """IN_ATTRIB of the file, IN_CREATE."""
        super().link(new)
        status = self.status_before(follow=True)
        if isinstance(new, WatchedPlace) and self.file is None and status is not None:
            self.notifier.tell(key_of(status), IN_ATTRIB)
            new.tell_name(IN_CREATE)

    def link_file(self, file: OpenFile) -> None:
        """The same for an open file."""
        super().link_file(file)
        self.notifier.tell(key_of(file.stat()), IN_ATTRIB)
        self.tell_name(IN_CREATE)


def watched_places(notifier: Notifier) -> type[Place]:
    """The class of paths that tell this notifier."""
    body: dict[str, Any] = {"__slots__": (), "notifier": notifier, "__module__": __name__}
    return type("WatchedPlace", (WatchedPlace,), body)
