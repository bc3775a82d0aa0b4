"""Seccomp's user notifications: another process decides on a call (Linux 6.1 kernel/seccomp.c, seccomp_unotify(2))."""

from __future__ import annotations

from pyuk.abi.errno import (
    EBADF,
    EINPROGRESS,
    EINTR,
    EINVAL,
    ENOENT,
    ENOSYS,
    ERESTARTSYS,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_CLOEXEC
from pyuk.abi.poll import POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.seccomp import SECCOMP_ADDFD_FLAG_SEND, SECCOMP_ADDFD_FLAG_SETFD, SECCOMP_USER_NOTIF_FLAG_CONTINUE
from pyuk.abi.signal import SIGKILL
from pyuk.fs.anon import AnonFile
from pyuk.kernel.scheduler import Sleep
from pyuk.kernel.task import SIGNAL_PENDING
from pyuk.wait.park import Park, WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.seccomp import Filter
    from pyuk.kernel.task import Task

_MASK = (1 << 64) - 1
_INIT, _SENT, _REPLIED = range(3)


class _Nothing:
    """The operation of a notification, which has none."""

    __slots__ = ()

    def step(self) -> int:
        """Never called, nor are the next two."""
        raise NotImplementedError

    interrupted = timed_out = step

    def close(self) -> None:
        """Nothing is held."""


class Notification(Sleep):
    """A call that waits for an answer; its thread sleeps. `result` and `goes_on` are the answer."""

    __slots__ = ("data", "end", "goes_on", "listener", "number_of", "result", "state")
    is_special = True

    def __init__(
        self, task: Task, listener: Listener, data: bytes, arguments: tuple[int, ...],
        end: Callable[[int | None], object],
    ) -> None:  # fmt: skip
        """end: called with the call's result, or None where it is to be made."""
        super().__init__(task.kernel.scheduler, task, Park(_Nothing()), int.from_bytes(data[:4], "little"), arguments)
        self.listener = listener
        self.data = data
        self.end = end
        self.number_of = listener.next_id()
        """The notification's id."""
        self.state = _INIT
        self.result = 0
        self.goes_on = False

    def answer(self, result: int, *, goes_on: bool = False) -> None:
        """The call gives this, or is made after all."""
        self.state = _REPLIED
        self.result, self.goes_on = result, goes_on
        self.wake()

    @property
    def is_killable_only(self) -> bool:
        """Whether signals wait: the listener has taken it, and the filter wants that."""
        return self.state == _SENT and self.listener.filter.is_wait_killable

    def go_on(self, kernel: Kernel) -> bool:
        """Answered, or interrupted by a signal; else it was woken for nothing."""
        task = self.task
        if self.state != _REPLIED:
            is_killed = (task.pending.mask | task.process.pending.mask) >> (SIGKILL - 1) & 1
            if not is_killed and (self.is_killable_only or not task.work & SIGNAL_PENDING):
                self.enqueue()
                return False
            self.result = -ERESTARTSYS
        self.listener.forget(self)
        task.sleep = None
        self.end(None if self.goes_on else self.result)
        return kernel.may_run(task)


class Listener(AnonFile):
    """The descriptor of SECCOMP_FILTER_FLAG_NEW_LISTENER."""

    __slots__ = ("_next_id", "_notifications", "_queue", "filter", "is_closed", "n_requests")
    kind = b"seccomp notify"
    is_listener = True

    def __init__(self, owner: Filter, first_id: int) -> None:
        super().__init__()
        self.filter = owner
        self.n_requests = 0
        """How many have come that nobody has received; some may be gone already."""
        self.is_closed = False
        self._notifications: list[Notification] = []
        self._queue = WaitQueue()
        self._next_id = first_id

    def next_id(self) -> int:
        """Counted up from a random number."""
        number = self._next_id
        self._next_id = number + 1 & _MASK
        return number

    def ask(self, notification: Notification) -> None:
        """One more call waits."""
        self._notifications.append(notification)
        self.n_requests += 1
        self._queue.wake(POLLIN | POLLRDNORM)

    def forget(self, notification: Notification) -> None:
        """It waits no more."""
        if notification in self._notifications:
            self._notifications.remove(notification)

    def hang_up(self) -> None:
        """Nobody has the filter any more."""
        self._queue.wake(POLLHUP)

    def close(self) -> None:
        """Nobody will answer any more (seccomp_notify_release)."""
        self.is_closed = True
        for notification in list(self._notifications):
            if notification.state != _REPLIED:
                notification.answer(-ENOSYS)

    def poll(self) -> int:
        """Readable: somebody to receive; writable: somebody to answer."""
        states = {notification.state for notification in self._notifications}
        found = POLLIN | POLLRDNORM if _INIT in states else 0
        if _SENT in states:
            found |= POLLOUT | POLLWRNORM
        return found if self.filter.n_users else found | POLLHUP

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """One for all."""
        return (self._queue,)

    # What the listener does, by ioctl(2)

    def receive(self) -> Notification:
        """The first that nobody has. Errors: ENOENT it has gone already. Blocks while there was none."""
        if not self.n_requests:
            raise WouldBlock(self._queue)
        self.n_requests -= 1
        for notification in self._notifications:
            if notification.state == _INIT:
                notification.state = _SENT
                self._queue.wake(POLLOUT | POLLWRNORM)
                return notification
        raise SyscallError(ENOENT)

    def take_back(self, notification: Notification) -> None:
        """It could not be copied out: the next gets it."""
        if notification.state == _SENT:
            notification.state = _INIT
            self.n_requests += 1
            self._queue.wake(POLLIN | POLLRDNORM)

    def is_valid(self, number: int) -> bool:
        """Whether it has been received, and still waits."""
        found = self._find(number)
        return found is not None and found.state == _SENT

    def send(self, number: int, value: int, error: int, flags: int) -> None:
        """Answer. Errors: EINVAL flags, ENOENT, EINPROGRESS it was not received, or answered."""
        if flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE or (flags and (value or error)):
            raise SyscallError(EINVAL)
        self._received(number).answer(error or value, goes_on=bool(flags))

    def add_fd(self, number: int, flags: int, file: OpenFile | None, newfd: int, newfd_flags: int) -> int:
        """Give the caller a descriptor, and with SECCOMP_ADDFD_FLAG_SEND that as the answer too.

        Errors: EINVAL, EBADF, ENOENT, EINPROGRESS, EMFILE.
        """
        if newfd_flags & ~O_CLOEXEC or flags & ~(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND):
            raise SyscallError(EINVAL)
        if newfd and not flags & SECCOMP_ADDFD_FLAG_SETFD:
            raise SyscallError(EINVAL)
        if file is None:
            raise SyscallError(EBADF)
        notification = self._received(number)
        task, cloexec = notification.task, bool(newfd_flags)
        n_max = task.limits.soft[RLIMIT_NOFILE]
        if flags & SECCOMP_ADDFD_FLAG_SETFD:
            if newfd >= n_max:
                raise SyscallError(EBADF)
            task.files.replace(newfd, file.hold(), cloexec=cloexec)
        else:
            task.files.check_room(n_max)
            newfd = task.files.install(file.hold(), cloexec=cloexec, n_max=n_max)
        if flags & SECCOMP_ADDFD_FLAG_SEND:
            notification.answer(newfd)
        return newfd

    def _find(self, number: int) -> Notification | None:
        return next((found for found in self._notifications if found.number_of == number), None)

    def _received(self, number: int) -> Notification:
        found = self._find(number)
        if found is None:
            raise SyscallError(ENOENT)
        if found.state != _SENT:
            raise SyscallError(EINPROGRESS)
        return found


class Receive:
    """What is left of SECCOMP_IOCTL_NOTIF_RECV. Who parks it holds the listener."""

    __slots__ = ("listener", "tell")

    def __init__(self, listener: Listener, tell: Callable[[Notification], int]) -> None:
        self.listener = listener
        self.tell = tell

    def step(self) -> int:
        """Tell of the first. Errors: ENOENT, EFAULT."""
        notification = self.listener.receive()
        try:
            return self.tell(notification)
        except SyscallError:
            self.listener.take_back(notification)
            raise

    def interrupted(self) -> int:
        """By any signal."""
        raise SyscallError(EINTR)

    timed_out = step

    def close(self) -> None:
        """The descriptor may go."""
        self.listener.release()
