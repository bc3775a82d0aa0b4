"""Opening a FIFO of the host, which waits for the other end (fifo(7)): a host thread does it, and nobody else waits.

There is no other way to learn that a writer has come that has not written yet. One that comes, writes and leaves
before the thread has begun to wait is noticed by the reading descriptor that the opening begins with.
"""

from __future__ import annotations

import _thread
import os

from pyuk.fs.errors import guest_error
from pyuk.wait.host import POLLIN, forget, is_ready, queue_of
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from pyuk.fs.file import OpenFile
    from pyuk.wait.queue import WaitQueue

    class Opening(Protocol):
        """An open(2) that is under way: the file may be taken once, or all is given up."""

        def take(self) -> OpenFile: ...
        def close(self) -> None: ...


_FIRST_RETRY_NS, _LAST_RETRY_NS = 1_000_000, 1_000_000_000


class FifoOpening:
    """An open(2) that is under way. `adopt` makes an open file of the descriptor that it ends with.

    Ownership: the anchor, a descriptor by whose name the FIFO is opened, and the pipe that tells of the end belong to
    this object and to its thread together; the one that leaves last closes them.
    """

    __slots__ = (
        "_adopt", "_anchor", "_ended", "_error", "_fd", "_flags", "_is_abandoned", "_is_done", "_is_reading",
        "_lock", "_name", "_poke", "_retry_ns", "_tells", "host_fd",
    )  # fmt: skip

    def __init__(self, anchor: int, name: bytes, flags: int, adopt: Callable[[int], OpenFile]) -> None:
        """flags are the host's, without O_NONBLOCK; the anchor becomes the opening's."""
        self._anchor = anchor
        self._name = name
        self._flags = flags
        self._adopt = adopt
        self._fd = self._poke = -1
        self._error: OSError | None = None
        self._is_done = self._is_abandoned = False
        self._is_reading = flags & (os.O_WRONLY | os.O_RDWR) == 0
        self._retry_ns = _FIRST_RETRY_NS
        self._lock, self._ended = _thread.allocate_lock(), _thread.allocate_lock()
        self._ended.acquire()
        self.host_fd, self._tells = os.pipe()
        """Readable once open(2) has ended."""
        _thread.start_new_thread(self._open, ())

    def _open(self) -> None:
        fd, error = -1, None
        try:
            fd = os.open(self._name, self._flags)
        except OSError as failure:
            error = failure
        with self._lock:
            self._fd, self._error = fd, error
            self._is_done = True
            if self._is_abandoned:
                self._close_all()
            else:
                os.write(self._tells, b"!")
        self._ended.release()

    def take(self) -> OpenFile:
        """The open file, once. Raises FifoWait while the other end is not there, and what open(2) ends with."""
        with self._lock:
            if self._error is not None:
                raise guest_error(self._error)
            if self._is_reading and (self._is_done or is_ready(self._anchor, POLLIN)):
                fd = os.dup(self._anchor)
            elif self._is_done:
                fd, self._fd = self._fd, -1
            else:
                self._retry_ns = min(2 * self._retry_ns, _LAST_RETRY_NS)
                raise self.waiting(self._retry_ns)
        return self._adopt(fd)

    def waiting(self, retry_ns: int = 0) -> FifoWait:
        """What to raise while it is under way."""
        return FifoWait(self, queue_of(self.host_fd), events=POLLIN, retry_ns=retry_ns)

    def close(self) -> None:
        """Nobody waits for it any more; a thread that still does is freed by a short other end."""
        forget(self.host_fd)
        with self._lock:
            if self._is_done:
                self._close_all()
                return
            self._is_abandoned = True
            try:
                self._poke = os.open(self._name, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            except OSError:
                return  # not permitted: the thread waits on, for nothing
        self._ended.acquire(timeout=_LAST_RETRY_NS / 1e9)  # nobody else is to meet the other end

    def _close_all(self) -> None:
        for fd in (self._fd, self._anchor, self.host_fd, self._tells, self._poke):
            if fd >= 0:
                os.close(fd)


class FifoWait(WouldBlock):
    """The opening waits, for a host's FIFO or one of pyuk's (tmpfifo.py)."""

    def __init__(self, opening: Opening, *queues: WaitQueue, events: int = 0, retry_ns: int = 0) -> None:
        super().__init__(*queues, events=events, retry_ns=retry_ns)
        self.opening = opening
