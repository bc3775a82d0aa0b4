"""What the host has to say: descriptors that become ready, time that passes, signals that come for a guest.

Python goes on with an interrupted system call by itself (PEP 475), so a signal is noticed by its byte
in a pipe that every sleep watches as well. A process has one such pipe, as it has one set of signals,
and one epoll for all descriptors.
"""

from __future__ import annotations

import os
import time

from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    import select
    from collections.abc import Callable, Collection

    from pyuk.wait.queue import Waiter

_NS, _NS_PER_MS = 1_000_000_000, 1_000_000
_LONGEST_NS = 86_400 * _NS
"""Python refuses more than the host's clocks can hold; who waits longer comes again."""
POLLIN, POLLOUT = 1, 4  # abi/poll.py has them all; a start does without it
_ANYTHING = 0x2007  # POLLIN POLLPRI POLLOUT POLLRDHUP
_ANY_ANSWER = 0x23C7  # and POLLRDNORM POLLRDBAND POLLWRNORM POLLWRBAND
_NORMAL_IN, _NORMAL_OUT = 0xC0, 0x300  # POLLRDNORM POLLRDBAND, POLLWRNORM POLLWRBAND
_EPOLLET = 1 << 31

_pipe: list[int] = []
_queues: dict[int, HostQueue] = {}
_watched: set[int] = set()
"""The descriptors that are in the epoll."""
_epoll: select.epoll | None = None
n_events = 0
"""How often a descriptor had news."""
_has_signals = False


class HostQueue(WaitQueue):
    """Who waits for a descriptor of the host's. There is one for a descriptor, see `queue_of`.

    The host's epoll reports each change once (edge-triggered), so a waiter may stay for ever without
    keeping the host awake; who begins to wait has looked before that the descriptor is not ready.
    """

    __slots__ = ("_wanted", "fd")

    def __init__(self, fd: int) -> None:
        super().__init__()
        self.fd = fd
        self._wanted = 0  # what the host is asked about

    def add(self, waiter: Waiter) -> None:
        """Begin to wait. For the first one the host looks again, and what is ready is told anew.

        It is asked only about what somebody wants: which of several things has changed it does not say.
        """
        wanted = _asked(waiter.events)
        if not self._waiters:
            self._wanted = 0
        super().add(waiter)
        if wanted & ~self._wanted:
            self._wanted |= wanted
            _watch(self.fd, self._wanted)


def queue_of(fd: int) -> HostQueue:
    """The queue of a descriptor of the host's."""
    queue = _queues.get(fd)
    if queue is None:
        queue = _queues[fd] = HostQueue(fd)
    return queue


def _asked(events: int) -> int:
    """Events as the host's epoll is asked about them."""
    events = events & _ANYTHING | (POLLIN if events & _NORMAL_IN else 0) | (POLLOUT if events & _NORMAL_OUT else 0)
    return events or _ANYTHING


def forget(fd: int) -> None:
    """The descriptor is about to be closed."""
    if _queues.pop(fd, None) is not None and fd in _watched:
        _stop_watching(fd)


def _watch(fd: int, events: int) -> None:
    global _epoll  # noqa: PLW0603  # made with the first descriptor
    import errno  # noqa: PLC0415
    import select  # noqa: PLC0415

    if _epoll is None:
        _epoll = select.epoll()
        if _pipe:
            _epoll.register(_pipe[0], POLLIN)
    try:
        if fd in _watched and _is_still_watched(_epoll, fd, events):
            return
        _epoll.register(fd, events | _EPOLLET)
        _watched.add(fd)
    except OSError as error:
        if error.errno != errno.EPERM:  # what never makes anybody wait
            raise


def _is_still_watched(epoll: select.epoll, fd: int, events: int) -> bool:
    """Have the host look again, unless the number is another file's by now."""
    try:
        epoll.modify(fd, events | _EPOLLET)
    except FileNotFoundError:
        return False
    return True


def _stop_watching(fd: int) -> None:
    _watched.discard(fd)
    if _epoll is not None:
        try:
            _epoll.unregister(fd)
        except OSError:
            pass  # closed already


def watch_signals(signals: Collection[int], receive: Callable[[int], None]) -> None:
    """Have `receive` called in the main thread for each of these, and every sleep end. Main thread only."""
    global _has_signals  # noqa: PLW0603
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # the signal module makes enums: 3 ms

    make_interruptible()
    if not _has_signals:
        _has_signals = True
        _signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    for signo in signals:
        _signal.signal(signo, lambda number, _frame: receive(number))
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, signals)  # the guest has a mask of its own


def make_interruptible() -> None:
    """From now on `interrupt` ends every sleep."""
    if not _pipe:
        _pipe.extend(os.pipe())
        os.set_blocking(_pipe[0], False)
        os.set_blocking(_pipe[1], False)
        if _epoll is not None:
            _epoll.register(_pipe[0], POLLIN)


def interrupt() -> None:
    """End the sleep that is, or the next one. Any thread may call this."""
    try:
        os.write(_pipe[1], b"\0")
    except BlockingIOError:
        pass  # it is full of them


def can_be_interrupted() -> bool:
    """Whether a signal can end a sleep."""
    return _has_signals


def is_awaited() -> bool:
    """Whether somebody waits for a descriptor."""
    return any(_queues.values())


def ready_events(fd: int) -> int:
    """What poll(2) says of a descriptor now: all events that hold."""
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(fd, _ANY_ANSWER)
    ready = poll.poll(0)
    return ready[0][1] if ready else 0


def is_ready(fd: int, events: int) -> bool:
    """Whether a call on fd would not block."""
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(fd, events)
    return bool(poll.poll(0))


def look() -> None:
    """Wake who waits for what is ready now."""
    if _watched:
        _collect(0)


def wait(timeout_ns: int | None) -> None:
    """Sleep until a descriptor that somebody waits for is ready, the time is over, or a watched signal comes.

    It may end early: the caller looks whether the time has come.
    """
    import select  # noqa: PLC0415

    if timeout_ns is None and (_watched or _pipe):
        if _epoll is not None:
            _collect(-1)
        else:
            select.select(_pipe[:1], (), ())
            _drain()
        return
    seconds = min(timeout_ns or 0, _LONGEST_NS) / _NS
    if not _watched:
        if not _pipe:
            time.sleep(seconds)
        elif select.select(_pipe[:1], (), (), seconds)[0]:
            _drain()
        return
    try:  # epoll_wait(2) counts in milliseconds
        if select.select((_epoll,), (), (), seconds)[0]:  # type: ignore[type-var]  # a watched one is in it
            _collect(0)
    except ValueError:  # select(2) knows descriptors up to 1023
        _collect(-(-seconds * 1000 // 1) / 1000)


def _collect(seconds: float) -> None:
    global n_events  # noqa: PLW0603
    assert _epoll is not None  # noqa: S101  # there is a queue
    for fd, events in _epoll.poll(seconds):
        n_events += 1
        if _pipe and fd == _pipe[0]:
            _drain()
            continue
        queue = _queues.get(fd)
        if queue:
            queue.wake(events)
        else:  # nobody has come back since
            _stop_watching(fd)


def _drain() -> None:
    try:
        os.read(_pipe[0], 4096)
    except BlockingIOError:
        pass
