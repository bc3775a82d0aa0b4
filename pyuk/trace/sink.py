"""Where a trace goes. A sink that dies (a full disk, a reader that went away) never hurts the guest."""

from __future__ import annotations

import os
import select

_BUFFER_CHARS = 1 << 16


class Sink:
    """Text to a host file descriptor.

    A buffered sink writes when it has a lot, on flush, and on close; the other writes at once, so that trace and
    guest output on one terminal come in the order in which they happened.
    """

    __slots__ = ("_fd", "_n_chars", "_owned", "_waiting", "buffered", "dead")

    def __init__(self, fd: int, *, buffered: bool, owned: bool = False) -> None:
        self._fd = fd
        self._owned = owned
        self.buffered = buffered
        self.dead = False
        self._waiting: list[str] = []
        self._n_chars = 0

    def write(self, text: str) -> None:
        """Take some text; it need not be whole lines."""
        if not self.buffered:
            self._put(text)
            return
        self._waiting.append(text)
        self._n_chars += len(text)
        if self._n_chars >= _BUFFER_CHARS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting, self._n_chars = self._waiting, [], 0
        if waiting:
            self._put("".join(waiting))

    def close(self) -> None:
        """Write what waits and let the file go; more writes are ignored."""
        self.flush()
        self.dead = True
        if self._owned:
            self._owned = False
            os.close(self._fd)

    def _put(self, text: str) -> None:
        if self.dead:
            return
        data = memoryview(text.encode("latin-1", "replace"))
        while data and not self.dead:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:  # somebody made the terminal's description non-blocking
                select.select([], [self._fd], [])
            except OSError:
                self.dead = True


def stderr_sink() -> Sink:
    """The host's standard error."""
    return Sink(2, buffered=False)


def null_sink() -> Sink:
    """Nowhere."""
    sink = Sink(-1, buffered=True)
    sink.dead = True
    return sink


def file_sink(path: str, *, append: bool = False) -> Sink:
    """A file, emptied first or added to. Raises OSError where it cannot be opened."""
    how = os.O_APPEND if append else os.O_TRUNC
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | how | os.O_CLOEXEC, 0o666)
    return Sink(fd, buffered=True, owned=True)
