"""Sleeping in the host until a descriptor is ready, a time has passed, or a signal has come for a guest.

Python goes on with an interrupted system call by itself (PEP 475), so a signal is noticed by its byte
in a pipe that every sleep watches as well. A process has one such pipe, as it has one set of signals.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

POLLIN, POLLOUT = 1, 4
_NS = 1_000_000_000
_pipe: list[int] = []


def watch_signals(signals: Iterable[int], receive: Callable[[int], None]) -> None:
    """Have `receive` called in the main thread for each of these, and every sleep end. Main thread only."""
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # the signal module makes enums: 3 ms

    if not _pipe:
        _pipe.extend(os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe())
        os.set_blocking(_pipe[0], False)
        os.set_blocking(_pipe[1], False)
        _signal.set_wakeup_fd(_pipe[1], warn_on_full_buffer=False)
    for signo in signals:
        _signal.signal(signo, lambda number, _frame: receive(number))


def await_ready(fd: int, events: int) -> bool:
    """Sleep until fd is ready for one of the events. False: a watched signal ended the sleep."""
    import select  # noqa: PLC0415

    poll = select.poll()
    poll.register(fd, events)
    if _pipe:
        poll.register(_pipe[0], POLLIN)
    return not _drain(ready for ready, _events in poll.poll())


def sleep_ns(duration_ns: int) -> bool:
    """Sleep for a time. False: a watched signal ended it early."""
    if not _pipe:
        time.sleep(duration_ns / _NS)
        return True
    import select  # noqa: PLC0415

    ready, _, _ = select.select(_pipe[:1], (), (), duration_ns / _NS)
    return not _drain(ready)


def _drain(ready: Iterable[int]) -> bool:
    """Whether the signal pipe is among the descriptors; its bytes are eaten."""
    if not _pipe or _pipe[0] not in tuple(ready):
        return False
    os.read(_pipe[0], 4096)
    return True
