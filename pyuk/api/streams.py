"""Standard files whose other end is Python: pipes that a guest reads and writes as any other."""

from __future__ import annotations

from pyuk.fs.pipe import Pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


class FedPipe(Pipe):
    """A pipe that Python writes to. What it has no room for waits outside, and moves in as the guest reads."""

    __slots__ = ("_is_finished", "_outside")

    def __init__(self) -> None:
        super().__init__()
        self._outside = bytearray()
        self._is_finished = False
        self.n_writers = 1

    def feed(self, data: bytes) -> None:
        """Add bytes, as many as you like. Errors: ValueError it was closed, BrokenPipeError no guest can read them."""
        if self._is_finished:
            raise ValueError("write to closed file")
        if not self.n_readers:
            raise BrokenPipeError("no process has the other end open")
        self._outside += data
        self._move_in()

    def finish(self) -> None:
        """No more will come: after what is there the guest reads the end of file."""
        self._is_finished = True
        self._move_in()

    def get(self, slices: list[memoryview]) -> int:
        """See Pipe; the room is filled again at once."""
        done = super().get(slices)
        if self._outside:
            self._move_in()
        return done

    def _move_in(self) -> None:
        if self._outside:
            with memoryview(self._outside) as data:
                n_moved = self.put([data])
            del self._outside[:n_moved]
        if self._is_finished and not self._outside and self.n_writers:
            self.n_writers = 0
            self.readers.wake()


class CapturedPipe(Pipe):
    """A pipe that Python reads. It is never full, because what comes is taken out at once."""

    __slots__ = ("captured", "on_change")

    def __init__(self) -> None:
        super().__init__()
        self.captured = bytearray()
        self.on_change: Callable[[], object] | None = None
        """Called when something has come."""
        self.n_readers = 1

    def put(self, slices: list[memoryview], *, as_packets: bool = False) -> int:
        """Take everything."""
        before = len(self.captured)
        for piece in slices:
            self.captured += piece
        if self.on_change is not None:
            self.on_change()
        return len(self.captured) - before


class Writer:
    """The end of a process's standard input that Python has, as `subprocess.Popen.stdin`; writing never blocks."""

    def __init__(self, pipe: FedPipe) -> None:
        self._pipe = pipe
        self.closed = False

    def write(self, data: bytes) -> int:
        """Give the process bytes to read. Errors: BrokenPipeError it cannot, ValueError after close()."""
        self._pipe.feed(data)
        return len(data)

    def flush(self) -> None:
        """Nothing is kept here."""

    def close(self) -> None:
        """The process reads the end of file after what was written."""
        if not self.closed:
            self.closed = True
            self._pipe.finish()


class Reader:
    """The end of a process's output that Python has, as `subprocess.Popen.stdout`: a read runs the guests."""

    def __init__(self, pipe: CapturedPipe, advance: Callable[[Callable[[], bool]], None]) -> None:
        """advance: runs the guests until a condition holds or nothing can change any more."""
        self._pipe = pipe
        self._advance = advance
        self._at = 0

    @property
    def captured(self) -> bytes:
        """All that came, read or not."""
        return bytes(self._pipe.captured)

    def read(self, n_bytes: int = -1) -> bytes:
        """n_bytes, or fewer at the end of file; with -1 all until then. Where all guests sleep: what there is."""
        self._advance(lambda: self._is_over or 0 <= n_bytes <= self._n_unread)
        return self._take(self._n_unread if n_bytes < 0 else min(n_bytes, self._n_unread))

    def read_available(self) -> bytes:
        """What has come and was not read; runs nobody."""
        return self._take(self._n_unread)

    def read_until(self, mark: bytes) -> bytes:
        """Up to and with `mark`; at the end of file, or where all guests sleep, what there is."""
        self._advance(lambda: self._is_over or self._pipe.captured.find(mark, self._at) >= 0)
        found = self._pipe.captured.find(mark, self._at)
        return self._take(self._n_unread if found < 0 else found + len(mark) - self._at)

    def readline(self) -> bytes:
        """A line with its end."""
        return self.read_until(b"\n")

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    @property
    def _n_unread(self) -> int:
        return len(self._pipe.captured) - self._at

    @property
    def _is_over(self) -> bool:
        return not self._pipe.n_writers

    def _take(self, n_bytes: int) -> bytes:
        data = bytes(self._pipe.captured[self._at : self._at + n_bytes])
        self._at += n_bytes
        return data
