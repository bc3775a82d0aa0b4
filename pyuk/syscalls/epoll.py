"""epoll(7): epoll_create(2), epoll_ctl(2), epoll_wait(2) and their relatives."""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_BLOCK_SUSPEND
from pyuk.abi.epoll import EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLEXCLUSIVE, EPOLLWAKEUP
from pyuk.abi.errno import EFAULT, EINTR, EINVAL, EPERM, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.fs.epoll import Epoll
from pyuk.machine.paging import TASK_SIZE
from pyuk.syscalls.polling import Polling, Timeout, borrow_mask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        EpollCreateArg,
        EpollCtlArg,
        EpollEventArg,
        FdArg,
        FdResult,
        IntArg,
        SizeArg,
    )
    from pyuk.abi.kinds import IN, OUT, SignalSet, StructAt
    from pyuk.abi.structs import EPOLL_EVENT, TIMESPEC
    from pyuk.abi.types import UserAddr
    from pyuk.fs.epoll import EpollItem
    from pyuk.kernel.task import Task

_EVENT = struct.Struct("<IQ")
_MAX_EVENTS = ((1 << 31) - 1) // _EVENT.size
_NS_PER_MS = 1_000_000


@syscall("epoll_create")
def sys_epoll_create(task: Task, size: IntArg) -> FdResult:
    """A new epoll; the size is only checked. Errors: EINVAL, EMFILE."""
    if size <= 0:
        raise SyscallError(EINVAL)
    return _create(task, 0)


@syscall("epoll_create1")
def sys_epoll_create1(task: Task, flags: EpollCreateArg) -> FdResult:
    """A new epoll. Errors: EINVAL, EMFILE."""
    return _create(task, flags)


def _create(task: Task, flags: int) -> int:
    if flags & ~EPOLL_CLOEXEC:
        raise SyscallError(EINVAL)
    return task.files.install(
        Epoll(), cloexec=bool(flags & EPOLL_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE]
    )  # fmt: skip


@syscall("epoll_ctl", note="no limit on the number of watched files; EPOLLWAKEUP keeps nobody awake")
def sys_epoll_ctl(task: Task, epfd: FdArg, op: EpollCtlArg, fd: FdArg, event: EpollEventArg) -> int:
    """Add, change or remove a file. Errors: EFAULT, EBADF, EPERM not pollable, EINVAL, EEXIST, ENOENT, ELOOP.

    Source: fs/eventpoll.c, do_epoll_ctl, which checks in this order.
    """
    events, data = _EVENT.unpack(task.mem.read(event, _EVENT.size)) if op != EPOLL_CTL_DEL else (0, 0)
    epoll, file = task.files.get(epfd), task.files.get(fd)
    if not file.can_poll:
        raise SyscallError(EPERM)
    if events & EPOLLWAKEUP and not task.creds.has(CAP_BLOCK_SUSPEND):
        events &= ~EPOLLWAKEUP
    if epoll is file or not isinstance(epoll, Epoll):
        raise SyscallError(EINVAL)
    if events & EPOLLEXCLUSIVE and op == EPOLL_CTL_MOD:
        raise SyscallError(EINVAL)
    if op == EPOLL_CTL_ADD:
        epoll.add(file, fd, events, data)
    elif op == EPOLL_CTL_DEL:
        epoll.remove(file, fd)
    elif op == EPOLL_CTL_MOD:
        epoll.modify(file, fd, events, data)
    else:
        raise SyscallError(EINVAL)
    return 0


@syscall("epoll_wait")
def sys_epoll_wait(
    task: Task, epfd: FdArg, events: Annotated[UserAddr, StructAt(OUT, EPOLL_EVENT, "return")], maxevents: IntArg,
    timeout: IntArg,
) -> int:  # fmt: skip
    """Wait for up to maxevents files of an epoll. Errors: EINVAL, EFAULT, EBADF, EINTR."""
    duration_ns = timeout * _NS_PER_MS if timeout >= 0 else None
    return EpollWait(task, Timeout(task, duration_ns), epfd, events, maxevents).run()


@syscall("epoll_pwait")
def sys_epoll_pwait(
    task: Task, epfd: FdArg, events: Annotated[UserAddr, StructAt(OUT, EPOLL_EVENT, "return")], maxevents: IntArg,
    timeout: IntArg, sigmask: Annotated[UserAddr, SignalSet(IN, "sigsetsize")], sigsetsize: SizeArg,
) -> int:  # fmt: skip
    """The same with another signal mask. Errors: EINVAL also its size."""
    duration_ns = timeout * _NS_PER_MS if timeout >= 0 else None
    borrow_mask(task, sigmask, sigsetsize)
    return EpollWait(task, Timeout(task, duration_ns), epfd, events, maxevents).run()


@syscall("epoll_pwait2")
def sys_epoll_pwait2(
    task: Task, epfd: FdArg, events: Annotated[UserAddr, StructAt(OUT, EPOLL_EVENT, "return")], maxevents: IntArg,
    timeout: Annotated[UserAddr, StructAt(IN, TIMESPEC, late=True)],
    sigmask: Annotated[UserAddr, SignalSet(IN, "sigsetsize")], sigsetsize: SizeArg,
) -> int:  # fmt: skip
    """The same with a finer time-out. Errors: EFAULT, EINVAL also those."""
    limit = Timeout.timespec(task, timeout, update=False)
    borrow_mask(task, sigmask, sigsetsize)
    return EpollWait(task, limit, epfd, events, maxevents).run()


class EpollWait(Polling):
    """The pinned epoll, and where the events go."""

    __slots__ = ("_address", "_epfd", "_epoll", "_n_most")

    def __init__(self, task: Task, timeout: Timeout, epfd: int, address: UserAddr, n_most: int) -> None:
        super().__init__(task, timeout)
        self._epfd = epfd
        self._address = address
        self._n_most = n_most
        self._epoll: Epoll | None = None

    def prepare(self) -> None:
        """Find the epoll (do_epoll_wait)."""
        if not 0 < self._n_most <= _MAX_EVENTS:
            raise SyscallError(EINVAL)
        if self._address > TASK_SIZE - self._n_most * _EVENT.size:
            raise SyscallError(EFAULT)
        epoll = self.task.files.get(self._epfd)
        if not isinstance(epoll, Epoll):
            raise SyscallError(EINVAL)
        self._epoll = epoll
        epoll.hold()

    def scan(self) -> int:
        """What is ready is told as far as it can be."""
        epoll = self._epoll
        assert epoll is not None  # noqa: S101  # it is prepared
        taken = epoll.take(self._n_most)
        if not taken:
            return 0
        n_told = self._tell(taken)
        epoll.settle(taken, n_told)
        if not n_told:
            raise SyscallError(EFAULT)
        return n_told

    def _tell(self, taken: list[tuple[EpollItem, int]]) -> int:
        write = self.task.mem.write
        try:
            write(self._address, b"".join(_EVENT.pack(events, item.data) for item, events in taken))
        except SyscallError:
            return self._tell_one_by_one(taken)
        return len(taken)

    def _tell_one_by_one(self, taken: list[tuple[EpollItem, int]]) -> int:
        """The array ends in a bad page: those before count."""
        at: int = self._address
        for index, (item, events) in enumerate(taken):
            try:
                self.task.mem.write(at, _EVENT.pack(events, item.data))
            except SyscallError:
                return index
            at += _EVENT.size
        return len(taken)

    def _pin(self) -> None:
        assert self._epoll is not None  # noqa: S101  # it is prepared
        self._queues = (self._epoll.waiters,)

    def interruption(self) -> SyscallError:
        """Never made again (ep_poll)."""
        return SyscallError(EINTR)

    def close(self) -> None:
        """A wake-up that was for this task is for another one now."""
        super().close()
        epoll, self._epoll = self._epoll, None
        if epoll is not None:
            if epoll.ready:
                epoll.waiters.wake_one()
            epoll.release()
