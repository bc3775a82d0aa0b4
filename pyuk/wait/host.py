"""Sleeping in the host until a descriptor is ready, a time has passed, or a signal has come for a guest.

Python goes on with an interrupted system call by itself (PEP 475), so a signal is noticed by its byte
in a pipe that every sleep watches as well. A process has one such pipe, as it has one set of signals.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

POLLIN, POLLOUT = 1, 4
_NS, _NS_PER_MS = 1_000_000_000, 1_000_000
_LONGEST_NS = 86_400 * _NS
"""poll(2) takes an int of milliseconds, and Python refuses more than the host's clocks can hold."""
_pipe: list[int] = []


def watch_signals(signals: Collection[int], receive: Callable[[int], None]) -> None:
    """Have `receive` called in the main thread for each of these, and every sleep end. Main thread only."""
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # the signal module makes enums: 3 ms

    if not _pipe:
        _pipe.extend(os.pipe())
        os.set_blocking(_pipe[0], False)
        os.set_blocking(_pipe[1], False)
        _signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    for signo in signals:
        _signal.signal(signo, lambda number, _frame: receive(number))
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, signals)  # the guest has a mask of its own


def can_be_interrupted() -> bool:
    """Whether a signal can end a sleep."""
    return bool(_pipe)


def is_ready(fd: int, events: int) -> bool:
    """Whether a call on fd would not block."""
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(fd, events)
    return bool(poll.poll(0))


def wait(fds: Mapping[int, int], timeout_ns: int | None) -> list[int]:
    """Sleep until one of fds (descriptor to events) is ready, the time is over, or a watched signal comes.

    Gives the descriptors that are ready. It may end early: the caller looks whether the time has come.
    """
    if timeout_ns is not None:
        timeout_ns = min(timeout_ns, _LONGEST_NS)
    if not fds and not _pipe:
        if timeout_ns is not None:
            time.sleep(timeout_ns / _NS)
        return []
    import select  # noqa: PLC0415

    if not fds and timeout_ns is not None:  # poll(2) counts in milliseconds
        ready, _, _ = select.select(_pipe[:1], (), (), timeout_ns / _NS)
    else:
        poll = select.poll()
        for fd, events in fds.items():
            poll.register(fd, events)
        if _pipe:
            poll.register(_pipe[0], POLLIN)
        ready = [fd for fd, _events in poll.poll(None if timeout_ns is None else -(-timeout_ns // _NS_PER_MS))]
    if _pipe and _pipe[0] in ready:
        os.read(_pipe[0], 4096)
        ready.remove(_pipe[0])
    return ready
