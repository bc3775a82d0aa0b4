"""Who watches which inodes, and the way of what happens to them (Linux fs/notify/).

Files of the host are watched by the host, for guests and its own programs alike (hostnotify.py). Opening, reading and
closing them is told here all the same, where only guests' are meant: pyuk itself opens and reads files for many
reasons. What happens to all other files is told here (watched.py). As long as nobody watches anything, none of this is
imported and nothing asks whether it should be.
"""

from __future__ import annotations

import os
import stat as modes

from pyuk.abi.errno import SyscallError
from pyuk.abi.inotify import (
    IN_ACCESS,
    IN_ALL_EVENTS,
    IN_ATTRIB,
    IN_CLOSE_NOWRITE,
    IN_DELETE_SELF,
    IN_EXCL_UNLINK,
    IN_ISDIR,
    IN_MOVE_SELF,
    IN_ONESHOT,
    IN_OPEN,
    IN_UNMOUNT,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.hostnotify import HostNotifier
    from pyuk.fs.stat import Stat

    Key = tuple[bool, int, int]
    AnyStat = os.stat_result | Stat

    class Listener(Protocol):
        """Who has set watches."""

        def tell(self, mark: Mark, mask: int, name: bytes, cookie: int) -> None: ...
        def overflow(self) -> None: ...
        def forget(self, mark: Mark) -> None: ...


OF_GUESTS = IN_OPEN | IN_ACCESS | IN_CLOSE_NOWRITE
"""What is told of a host's file only when a guest does it."""
_OF_SELF = IN_DELETE_SELF | IN_MOVE_SELF


class Mark:
    """One watch on one inode. `mask` are the events wanted, with IN_ONESHOT and IN_EXCL_UNLINK."""

    __slots__ = ("key", "listener", "mask", "wd")

    def __init__(self, key: Key, listener: Listener, mask: int, wd: int) -> None:
        self.key = key
        self.listener = listener
        self.mask = mask
        self.wd = wd


class Notifier:
    """All watches.

    Invariants: no list of marks is empty; `wanted` has what any of them wants; n_open counts the open files of an
    inode as far as they are known to be open, and is never 0.
    """

    __slots__ = ("_cookie", "_host", "marks", "n_instances", "n_open", "wanted")

    def __init__(self) -> None:
        self.marks: dict[Key, list[Mark]] = {}
        self.wanted = 0
        self.n_open: dict[Key, int] = {}
        self.n_instances: dict[int, int] = {}
        """inotify instances by the user who has made them."""
        self._cookie = 0
        self._host: HostNotifier | None = None

    # Watches

    def add(self, mark: Mark, file: OpenFile) -> None:
        """A new watch, on the inode that is open there."""
        self.marks.setdefault(mark.key, []).append(mark)
        self.changed(mark, file)

    def changed(self, mark: Mark, file: OpenFile) -> None:
        """The mask is another. The host is asked to watch its own files."""
        self.wanted |= mark.mask
        if mark.key[0]:
            if self._host is None:
                from pyuk.fs.hostnotify import HostNotifier  # noqa: PLC0415

                self._host = HostNotifier(self)
            masks = [other.mask for other in self.marks[mark.key]]
            exclusive = IN_EXCL_UNLINK if all(mask & IN_EXCL_UNLINK for mask in masks) else 0
            wanted = 0
            for mask in masks:
                wanted |= mask & IN_ALL_EVENTS & ~OF_GUESTS
            self._host.watch(mark.key, file, wanted | exclusive)

    def remove(self, mark: Mark) -> None:
        """The watch is no more."""
        marks = self.marks.get(mark.key)
        if marks is None or mark not in marks:
            return
        marks.remove(mark)
        if not marks:
            del self.marks[mark.key]
            if self._host is not None and mark.key[0]:
                self._host.unwatch(mark.key)
        self.wanted = 0
        for others in self.marks.values():
            for other in others:
                self.wanted |= other.mask
        if not self.marks and self._host is not None:
            self._host.close()
            self._host = None

    def forget_inode(self, key: Key) -> None:
        """The inode is no more."""
        for mark in tuple(self.marks.get(key, ())):
            self.remove(mark)
            mark.listener.forget(mark)

    def listen(self) -> None:
        """Take in what the host has to say."""
        if self._host is not None:
            self._host.drain()

    def listeners(self) -> Iterator[Listener]:
        """Each once."""
        return iter({id(mark.listener): mark.listener for marks in self.marks.values() for mark in marks}.values())

    # What happens

    def next_cookie(self) -> int:
        """What the two events of one rename have in common."""
        self._cookie = self._cookie + 1 & 0xFFFFFFFF
        return self._cookie

    def tell(
        self, key: Key, mask: int, name: bytes = b"", cookie: int = 0, *, unlinked: bool = False, by_host: bool = False
    ) -> None:  # fmt: skip
        """Something has happened to an inode, or with a name to what has this name in it.

        unlinked: the name is no more. by_host: the host says so.
        """
        marks = self.marks.get(key)
        if marks is None:
            return
        if not by_host:
            if key[0] and not mask & OF_GUESTS:
                return
            self.listen()
        for mark in tuple(marks):
            if mask & (mark.mask | IN_UNMOUNT) & ~IN_ISDIR and not (unlinked and mark.mask & IN_EXCL_UNLINK):
                mark.listener.tell(mark, mask & ~IN_ISDIR if mask & _OF_SELF else mask, name, cookie)
                if mark.mask & IN_ONESHOT:
                    self.remove(mark)
                    mark.listener.forget(mark)
        if mask & IN_DELETE_SELF and not by_host:
            self.forget_inode(key)

    def tell_of_file(self, file: OpenFile, mask: int) -> None:
        """Something has happened to an open file: its directory is told first."""
        if mask & self.wanted and file.mount is not None:
            status = file.stat()
            if modes.S_ISDIR(status.st_mode):
                mask |= IN_ISDIR
            try:
                path = file.mount.fs.path_of(file)
            except SyscallError:
                path = b""
            unlinked = not status.st_nlink
            if unlinked:
                path = path.removesuffix(b" (deleted)")
            self.tell_of_path(file.mount.fs, None, path, status, mask, unlinked=unlinked)

    def tell_of_path(
        self, fs: FileSystem, at: OpenFile | None, path: bytes, status: AnyStat, mask: int, *, unlinked: bool = False
    ) -> None:  # fmt: skip
        """The same for what a clean path of a file system leads to."""
        key = key_of(status)
        if key[0] and not mask & OF_GUESTS:
            return
        if path:
            self.tell_of_name(fs, at, path, mask, unlinked=unlinked)
        self.tell(key, mask)

    def tell_of_name(
        self, fs: FileSystem, at: OpenFile | None, path: bytes, mask: int, cookie: int = 0, *, unlinked: bool = False
    ) -> None:  # fmt: skip
        """Only the directory that the name is in, or was."""
        if not mask & self.wanted:
            return
        parent, _slash, name = path.rpartition(b"/")
        try:
            status = fs.stat(at, parent, follow=False)
        except SyscallError:
            return  # it has gone since
        self.tell(key_of(status), mask, name, cookie, unlinked=unlinked)

    def unlinked(self, status: AnyStat) -> None:
        """An inode has lost a name; the status is from before."""
        key = key_of(status)
        if key[0]:
            return
        is_directory = modes.S_ISDIR(status.st_mode)
        if not is_directory:
            self.tell(key, IN_ATTRIB)
        if (is_directory or status.st_nlink <= 1) and key not in self.n_open:
            self.tell(key, IN_DELETE_SELF)

    # Open files

    def opened(self, file: OpenFile) -> None:
        """One that is known to be open."""
        key = key_of(file.stat())
        self.n_open[key] = self.n_open.get(key, 0) + 1

    def closed(self, status: AnyStat) -> None:
        """It is not any more; the status is from before."""
        key = key_of(status)
        n = self.n_open.pop(key, 1) - 1
        if n:
            self.n_open[key] = n
        elif not status.st_nlink and not key[0]:
            self.tell(key, IN_DELETE_SELF)


def key_of(status: AnyStat) -> Key:
    """The inode; the host's numbers and pyuk's own are not the same."""
    return isinstance(status, os.stat_result), status.st_dev, status.st_ino
