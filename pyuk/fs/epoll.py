"""epoll(7): a set of open files, and the list of those that may be ready (fs/eventpoll.c).

A wake-up of a file's queue puts its item on the list; whoever collects asks the file itself. An item that is ready and
level-triggered goes back to the end of the list, so that many ready files get their turns; an edge-triggered one comes
back with the next wake-up.
"""

from __future__ import annotations

from pyuk.abi.epoll import (
    EPOLLERR,
    EPOLLET,
    EPOLLEXCLUSIVE,
    EPOLLHUP,
    EPOLLIN,
    EPOLLONESHOT,
    EPOLLOUT,
    EPOLLRDNORM,
    EPOLLWAKEUP,
)  # fmt: skip
from pyuk.abi.errno import EEXIST, EINVAL, ELOOP, ENOENT, SyscallError
from pyuk.fs.anon import AnonFile
from pyuk.fs.stat import kernel_device
from pyuk.wait import host
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile

_PRIVATE = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE
_IN_OUT = EPOLLIN | EPOLLOUT
_WITH_EXCLUSIVE = _IN_OUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE
_MAX_NESTS = 4


class EpollItem:
    """One file under one number in one epoll. It waits in the file's queues as long as it is there."""

    __slots__ = ("data", "epoll", "events", "exclusive", "fd", "file", "in_line", "queues")

    def __init__(self, epoll: Epoll, file: OpenFile, fd: int, events: int, data: int) -> None:
        self.epoll = epoll
        self.file = file
        self.fd = fd
        self.events = events | EPOLLERR | EPOLLHUP
        """What is waited for, and how; only the how is left of a one-shot item that has been told."""
        self.data = data
        self.exclusive = self.in_line = bool(events & EPOLLEXCLUSIVE)
        self.queues = file.poll_queues()

    def ready_events(self) -> int:
        """What is to be told now."""
        return self.file.poll() & self.events

    def wake(self, events: int) -> bool:
        """Something has happened to the file. An exclusive item takes it only if somebody waits for that."""
        wanted = self.events
        if not wanted & ~_PRIVATE or (events and not events & wanted):
            return False
        epoll = self.epoll
        is_of_use = not self.exclusive
        if epoll.waiters and not is_of_use:
            is_of_use = not events & _IN_OUT or bool(events & wanted & _IN_OUT)
        epoll.add_ready(self)
        return is_of_use

    def leave(self) -> None:
        """The file is closed."""
        self.epoll.remove(self.file, self.fd)


class Epoll(AnonFile):
    """An epoll instance.

    Invariants: `ready` is a subset of the items, in the order in which they are looked at; a file that is ready and
    whose item waits for that is in it, but for edge- and one-shot-triggered ones that have been told.
    """

    __slots__ = ("items", "pollers", "ready", "waiters")
    kind = b"eventpoll"

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[tuple[OpenFile, int], EpollItem] = {}
        self.ready: dict[EpollItem, None] = {}
        self.waiters = WaitQueue()
        """Who sleeps in epoll_wait(2); each wake-up is for one of them."""
        self.pollers = WaitQueue()
        """Who waits for the epoll as for any file: poll(2), or another epoll."""

    # The set: epoll_ctl(2)

    def add(self, file: OpenFile, fd: int, events: int, data: int) -> None:
        """Errors: EINVAL exclusive with other events or epolls, ELOOP, EEXIST."""
        if events & EPOLLEXCLUSIVE and (isinstance(file, Epoll) or events & ~_WITH_EXCLUSIVE):
            raise SyscallError(EINVAL)
        if isinstance(file, Epoll) and (file.reaches(self) or file.depth() + self.height() > _MAX_NESTS + 1):
            raise SyscallError(ELOOP)
        if (file, fd) in self.items:
            raise SyscallError(EEXIST)
        item = self.items[file, fd] = EpollItem(self, file, fd, events, data)
        if file.epoll_items is None:
            file.epoll_items = []
        file.epoll_items.append(item)
        for queue in item.queues:
            queue.add(item)
        if item.ready_events():
            self.add_ready(item)

    def modify(self, file: OpenFile, fd: int, events: int, data: int) -> None:
        """Errors: ENOENT, EINVAL one of the two is exclusive."""
        if events & EPOLLEXCLUSIVE:
            raise SyscallError(EINVAL)
        item = self._find(file, fd)
        if item.exclusive:
            raise SyscallError(EINVAL)
        item.events, item.data = events | EPOLLERR | EPOLLHUP, data
        if item.ready_events():
            self.add_ready(item)

    def remove(self, file: OpenFile, fd: int) -> None:
        """Errors: ENOENT."""
        item = self._find(file, fd)
        del self.items[file, fd]
        self.ready.pop(item, None)
        for queue in item.queues:
            queue.remove(item)
        if file.epoll_items is not None:
            file.epoll_items.remove(item)

    def _find(self, file: OpenFile, fd: int) -> EpollItem:
        item = self.items.get((file, fd))
        if item is None:
            raise SyscallError(ENOENT)
        return item

    def reaches(self, other: Epoll) -> bool:
        """Whether the other is this one, or somewhere within it."""
        return self is other or any(file.reaches(other) for file, _fd in self.items if isinstance(file, Epoll))

    def depth(self) -> int:
        """How many epolls stand one in another from here down."""
        return 1 + max((file.depth() for file, _fd in self.items if isinstance(file, Epoll)), default=0)

    def height(self) -> int:
        """How many epolls stand one in another from here up."""
        return 1 + max((item.epoll.height() for item in self.epoll_items or ()), default=0)

    # The list: epoll_wait(2)

    def add_ready(self, item: EpollItem) -> None:
        """Put an item on the list, and tell one who waits."""
        self.ready[item] = None
        self.waiters.wake_one(EPOLLIN)
        self.pollers.wake(EPOLLIN)

    def take(self, n_most: int) -> list[tuple[EpollItem, int]]:
        """Up to n_most items from the list that are ready, with what they have to tell; `settle` is to follow."""
        host.look()
        taken: list[tuple[EpollItem, int]] = []
        for item in tuple(self.ready):
            if len(taken) == n_most:
                break
            del self.ready[item]
            events = item.ready_events()
            if events:
                taken.append((item, events))
        return taken

    def settle(self, taken: list[tuple[EpollItem, int]], n_told: int) -> None:
        """The first n_told have been told; the others go back to where they were."""
        for item, _events in taken[:n_told]:
            if item.events & EPOLLONESHOT:
                item.events &= _PRIVATE
            elif not item.events & EPOLLET:
                self.ready[item] = None
        if n_told < len(taken):
            self.ready = {**dict.fromkeys(item for item, _events in taken[n_told:]), **self.ready}
        if self.ready:
            self.waiters.wake_one(EPOLLIN)

    def fdinfo(self) -> bytes:
        """See OpenFile."""
        lines = []
        for (file, fd), item in self.items.items():
            status = file.stat()
            lines.append(
                b"tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n"
                % (fd, item.events, item.data, file.position_now(), status.st_ino, kernel_device(status.st_dev))
            )
        return b"".join(lines)

    def poll(self) -> int:
        """Readable while something is ready. What is on the list and is not ready any more leaves it."""
        host.look()
        for item in tuple(self.ready):
            if item.ready_events():
                return EPOLLIN | EPOLLRDNORM
            self.ready.pop(item, None)
        return 0

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Told when an item comes on the list."""
        return (self.pollers,)

    def close(self) -> None:
        """Leave every file."""
        for file, fd in tuple(self.items):
            self.remove(file, fd)
