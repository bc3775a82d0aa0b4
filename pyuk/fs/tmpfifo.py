"""FIFOs of tmpfs (fifo(7)): pipes with a name. An open that waits for the other end is data, as every wait is.

Source: Linux fs/pipe.c, fifo_open.
"""

from __future__ import annotations

from pyuk.abi.errno import ENXIO, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.poll import POLLHUP
from pyuk.fs.fifo import FifoWait
from pyuk.fs.pipe import Pipe, PipeEnd
from pyuk.fs.tmpfile import NodeFile
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.fs.tmpfs import TmpFs
    from pyuk.fs.tmpnode import Entry


class NamedPipe(Pipe):
    """What is in a FIFO as long as anybody has it open."""

    __slots__ = ("n_readers_ever", "n_writers_ever", "openers")

    def __init__(self) -> None:
        super().__init__()
        self.n_readers_ever = self.n_writers_ever = 0
        """How often each end was opened: a waiting open is told even of an end that has gone again."""
        self.openers = WaitQueue()
        """Woken when an end was opened."""


class FifoEnd(NodeFile, PipeEnd):
    """An open FIFO."""

    __slots__ = ("_n_writers_before", "_system", "entry", "inode")
    pipe: NamedPipe

    def __init__(self, system: TmpFs, entry: Entry, flags: int) -> None:
        inode = entry.inode
        if inode.pipe is None:
            inode.pipe = NamedPipe()
        pipe = inode.pipe
        PipeEnd.__init__(self, pipe, flags)
        self.entry = entry
        self.inode = inode
        inode.hold()
        self._system = system
        pipe.n_readers_ever += self.readable
        pipe.n_writers_ever += self.writable
        self._n_writers_before = pipe.n_writers_ever if flags & O_NONBLOCK and not pipe.n_writers else -1
        pipe.openers.wake()

    def close(self) -> None:
        """With the last end goes what nobody has read."""
        pipe = self.pipe
        PipeEnd.close(self)
        if not pipe.n_readers and not pipe.n_writers:
            self.inode.pipe = None
        NodeFile.close(self)

    def read(self, slices: list[memoryview]) -> int:
        """As of a pipe; the access time moves."""
        done = PipeEnd.read(self, slices)
        self.inode.accessed()
        return done

    def write(self, slices: list[memoryview]) -> int:
        """As of a pipe; the times move."""
        done = PipeEnd.write(self, slices)
        if done:
            self.inode.modified()
        return done

    def poll(self) -> int:
        """As of a pipe; where no writer has come yet, none has hung up."""
        events = PipeEnd.poll(self)
        return events & ~POLLHUP if self.pipe.n_writers_ever == self._n_writers_before else events

    def reopen(self, flags: int) -> OpenFile:
        """As open(2) of the very FIFO."""
        return self._system.open_entry(self.entry, flags)


class TmpFifoOpening:
    """An open(2) that waits for the other end; its own end is there already, as others must see it."""

    __slots__ = ("_file", "_seen")

    def __init__(self, file: FifoEnd) -> None:
        """The file becomes the opening's."""
        self._file: FifoEnd | None = file
        self._seen = self._n_others(file)

    @staticmethod
    def _n_others(file: FifoEnd) -> int:
        return file.pipe.n_writers_ever if file.readable else file.pipe.n_readers_ever

    def take(self) -> OpenFile:
        """The open file, once. Raises FifoWait while nobody has come."""
        file = self._file
        assert file is not None  # noqa: S101  # taken once
        if self._n_others(file) == self._seen:
            raise FifoWait(self, file.pipe.openers)
        self._file = None
        return file

    def close(self) -> None:
        """Nobody waits for it any more."""
        if self._file is not None:
            self._file.release()
            self._file = None


def open_fifo(system: TmpFs, entry: Entry, flags: int) -> OpenFile:
    """As open(2). Raises FifoWait. Errors: ENXIO nobody reads and O_NONBLOCK."""
    file = FifoEnd(system, entry, flags)
    pipe = file.pipe
    if file.readable:
        is_alone = not file.writable and not pipe.n_writers and not flags & O_NONBLOCK
    else:
        is_alone = not pipe.n_readers
        if is_alone and flags & O_NONBLOCK:
            file.release()
            raise SyscallError(ENXIO)
    if is_alone:
        raise FifoWait(TmpFifoOpening(file), pipe.openers)
    return file
