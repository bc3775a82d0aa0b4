"""The host's inotify: one instance watches its files for all guests, whoever changes them."""

from __future__ import annotations

import os
import struct

from pyuk.abi.inotify import IN_ALL_EVENTS, IN_DELETE_SELF, IN_IGNORED, IN_ISDIR, IN_Q_OVERFLOW, IN_UNMOUNT
from pyuk.fs import hostcalls
from pyuk.fs.errors import guest_error
from pyuk.wait.host import POLLIN, forget, queue_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.fs.notify import Key, Notifier

_EVENT = struct.Struct("<iIII")  # struct inotify_event: wd, mask, cookie, len
_READ_BYTES = 1 << 16
_SHOWN = IN_ALL_EVENTS | IN_ISDIR | IN_UNMOUNT


class HostNotifier:
    """Waits for the host's events as long as a file of the host's is watched; it is a waiter of a HostQueue.

    Deviation: on hosts without inotify nothing is told.
    """

    __slots__ = ("_fd", "_keys", "_notifier", "_wds")
    in_line = exclusive = False
    events = POLLIN

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._keys: dict[int, Key] = {}
        self._wds: dict[Key, int] = {}
        self._fd = hostcalls.inotify_init()
        queue_of(self._fd).add(self)

    def watch(self, key: Key, file: OpenFile, mask: int) -> None:
        """Watch a file, or change what it is watched for. Errors: as inotify_add_watch(2)."""
        path = b"/proc/self/fd/%d" % file.host_fd()
        try:
            wd = hostcalls.inotify_add_watch(self._fd, path, mask | IN_DELETE_SELF)
        except OSError as error:
            raise guest_error(error) from None
        self._keys[wd] = key
        self._wds[key] = wd

    def unwatch(self, key: Key) -> None:
        """Nobody watches the file any more."""
        wd = self._wds.pop(key, None)
        if wd is not None and self._keys.pop(wd, None) is not None:
            try:
                hostcalls.inotify_rm_watch(self._fd, wd)
            except OSError:
                pass  # it has gone by itself meanwhile

    def wake(self, _events: int) -> bool:
        """There is something to read."""
        self.drain()
        return False

    def drain(self) -> None:
        """Hand on what there is."""
        while self._fd >= 0:
            try:
                data = os.read(self._fd, _READ_BYTES)
            except BlockingIOError:
                return
            at = 0
            while at < len(data):
                wd, mask, cookie, length = _EVENT.unpack_from(data, at)
                name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                at += _EVENT.size + length
                self._hand_on(wd, mask, cookie, name)

    def _hand_on(self, wd: int, mask: int, cookie: int, name: bytes) -> None:
        if mask & IN_Q_OVERFLOW:
            for listener in self._notifier.listeners():
                listener.overflow()
            return
        key = self._keys.get(wd)
        if key is None:
            return  # of a watch that was removed
        if mask & IN_IGNORED:
            del self._keys[wd]
            self._wds.pop(key, None)
            self._notifier.forget_inode(key)
        else:
            self._notifier.tell(key, mask & _SHOWN, name, cookie, by_host=True)

    def close(self) -> None:
        """Nothing of the host's is watched."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            queue_of(fd).remove(self)
            forget(fd)
            os.close(fd)
