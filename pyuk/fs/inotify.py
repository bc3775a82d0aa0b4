"""inotify(7): an instance is a file whose bytes are events (fs/notify/inotify)."""

from __future__ import annotations

import struct

from pyuk.abi.errno import EAGAIN, EEXIST, EFAULT, EINVAL, ENOSPC, SyscallError
from pyuk.abi.fcntl import O_ACCMODE, O_NONBLOCK
from pyuk.abi.inotify import (
    IN_ALL_EVENTS,
    IN_EXCL_UNLINK,
    IN_IGNORED,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_ONESHOT,
    IN_Q_OVERFLOW,
)
from pyuk.abi.ioctls import FIONREAD
from pyuk.abi.poll import POLLIN, POLLRDNORM
from pyuk.fs.anon import AnonFile
from pyuk.fs.file import scatter
from pyuk.fs.notify import Mark, key_of
from pyuk.fs.stat import kernel_device
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.fs.notify import Key, Notifier

_EVENT = struct.Struct("<iIII")  # struct inotify_event: wd, mask, cookie, len
_MAX_EVENTS = 16384  # fs.inotify.max_queued_events
_MAX_WATCHES = 1 << 20  # fs.inotify.max_user_watches at its most
_READABLE = POLLIN | POLLRDNORM


class Inotify(AnonFile):
    """An instance: its watches, and the events that were not read yet."""

    __slots__ = ("_by_key", "_events", "_n_wds", "_notifier", "_queue", "_uid", "marks")
    kind = b"inotify"
    waits_in = (b"inotify_read", b"0")
    has_fasync = True

    def __init__(self, notifier: Notifier, uid: int, flags: int) -> None:
        super().__init__(flags)
        self.flags &= ~O_ACCMODE  # O_RDONLY
        self.writable = False
        self._notifier = notifier
        self._uid = uid
        notifier.n_instances[uid] = notifier.n_instances.get(uid, 0) + 1
        self.marks: dict[int, Mark] = {}
        """By watch descriptor."""
        self._by_key: dict[Key, Mark] = {}
        self._n_wds = 0
        self._events: list[tuple[int, int, int, bytes]] = []
        """wd, mask, cookie, name."""
        self._queue = WaitQueue()

    def watch(self, file: OpenFile, mask: int) -> int:
        """Watch the inode that is open there, or change what it is watched for; gives the watch descriptor.

        Errors: EEXIST IN_MASK_CREATE, ENOSPC (inotify_update_watch).
        """
        wanted = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)
        key = key_of(file.stat())
        mark = self._by_key.get(key)
        if mark is not None:
            if mask & IN_MASK_CREATE:
                raise SyscallError(EEXIST)
            mark.mask = mark.mask | wanted if mask & IN_MASK_ADD else wanted
            self._notifier.changed(mark, file)
            return mark.wd
        if len(self.marks) >= _MAX_WATCHES:
            raise SyscallError(ENOSPC)
        self._n_wds += 1
        mark = Mark(key, self, wanted, self._n_wds)
        self._notifier.add(mark, file)
        self.marks[mark.wd] = self._by_key[key] = mark
        return mark.wd

    def unwatch(self, wd: int) -> None:
        """Errors: EINVAL there is no such watch."""
        self._notifier.listen()
        mark = self.marks.get(wd)
        if mark is None:
            raise SyscallError(EINVAL)
        self._notifier.remove(mark)
        self.forget(mark)

    def forget(self, mark: Mark) -> None:
        """The watch is no more, for whatever reason."""
        if self.marks.pop(mark.wd, None) is not None:
            del self._by_key[mark.key]
            self._add(mark.wd, IN_IGNORED, b"", 0)

    def tell(self, mark: Mark, mask: int, name: bytes, cookie: int) -> None:
        """What a mark of this instance has seen."""
        self._add(mark.wd, mask, name, cookie)

    def overflow(self) -> None:
        """Something was lost on the way here."""
        if not self._events or self._events[-1][0] != -1:
            self._events.append((-1, IN_Q_OVERFLOW, 0, b""))
            self._queue.wake(_READABLE)

    def _add(self, wd: int, mask: int, name: bytes, cookie: int) -> None:
        """Like the last one, it is not told twice; too many are an overflow (inotify_merge, fsnotify_insert_event)."""
        events = self._events
        if len(events) >= _MAX_EVENTS:
            self.overflow()
            return
        if events and events[-1][0] == wd and events[-1][1] == mask and events[-1][3] == name and mask != IN_IGNORED:
            return
        events.append((wd, mask, cookie, name))
        self._queue.wake(_READABLE)

    def read(self, slices: list[memoryview]) -> int:
        """As many whole events as there is room for. Errors: EINVAL not even one, EAGAIN."""
        self._await()
        room, data = sum(map(len, slices)), b""
        while self._events:
            packed = _packed(*self._events[0])
            if len(packed) > room - len(data):
                break
            data += packed
            del self._events[0]
        if not data:
            raise SyscallError(EINVAL)
        return scatter(slices, data)

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """An event that fits is taken before it is copied."""
        self._await()
        if len(_packed(*self._events[0])) > n_bytes:
            raise SyscallError(EINVAL)
        del self._events[0]
        raise SyscallError(EFAULT)

    def _await(self) -> None:
        self._notifier.listen()
        if not self._events:
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(self._queue)

    def poll(self) -> int:
        """Whether there are events."""
        self._notifier.listen()
        return _READABLE if self._events else 0

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Told of each event."""
        return (self._queue,)

    def fdinfo(self) -> bytes:
        """See OpenFile. The newest watch comes first; file handles are not told (fs/notify/fdinfo.c)."""
        return b"".join(
            b"inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0 \n"
            % (mark.wd, mark.key[2], kernel_device(mark.key[1]), mark.mask)
            for mark in reversed(self.marks.values())
        )

    def control(self, request: int, data: bytes) -> bytes:
        """FIONREAD: the bytes of all events."""
        if request == FIONREAD:
            self._notifier.listen()
            return sum(len(_packed(*event)) for event in self._events).to_bytes(4, "little")
        return super().control(request, data)

    def close(self) -> None:
        """Its watches end with it."""
        for mark in self.marks.values():
            self._notifier.remove(mark)
        self.marks.clear()
        n = self._notifier.n_instances.pop(self._uid) - 1
        if n:
            self._notifier.n_instances[self._uid] = n


def _packed(wd: int, mask: int, cookie: int, name: bytes) -> bytes:
    """struct inotify_event: the name is filled up with NULs to a multiple of the struct's size, with one at least."""
    length = len(name) // _EVENT.size * _EVENT.size + _EVENT.size if name else 0
    return _EVENT.pack(wd, mask, cookie, length) + name.ljust(length, b"\0")
