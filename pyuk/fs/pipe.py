"""Pipes between guests (pipe(7)): a ring of bytes and two ends.

What cannot go on raises WouldBlock with nothing done: the caller retries when the other end has moved, or returns
EAGAIN. A write of at most PIPE_BUF bytes goes in whole or not at all.
"""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EPIPE, SyscallError
from pyuk.abi.fcntl import O_LARGEFILE, O_NONBLOCK, O_RDONLY, O_WRONLY
from pyuk.abi.ioctls import FIONREAD
from pyuk.abi.unistd import PIPE_BUF
from pyuk.fs.file import OpenFile
from pyuk.fs.stat import Stat, StatFs
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

CAPACITY_BYTES = 65536
_PIPEFS_MAGIC = 0x50495045
_PIPEFS_DEV = 14  # an anonymous device: major 0
_S_IFIFO_0600 = 0o010600

_n_made = 0


class Pipe:
    """The ring and who is at its ends.

    Invariants: 0 <= used <= len(ring); start < len(ring); n_readers and n_writers count open descriptions.
    """

    __slots__ = ("changed", "ino", "n_readers", "n_writers", "ring", "start", "used")

    def __init__(self) -> None:
        global _n_made  # noqa: PLW0603  # inode numbers are counted for the whole of pipefs
        _n_made += 1
        self.ino = _n_made
        self.changed = WaitQueue()
        """Woken when bytes have come or gone, or an end was closed."""
        self.ring = bytearray()
        self.start = 0
        self.used = 0
        self.n_readers = self.n_writers = 0

    def get(self, slices: list[memoryview]) -> int:
        """Move up to the slices' bytes out."""
        done = 0
        for piece in slices:
            at = 0
            while at < len(piece) and self.used:
                n = min(len(piece) - at, self.used, len(self.ring) - self.start)
                piece[at : at + n] = self.ring[self.start : self.start + n]
                self.start = (self.start + n) % len(self.ring)
                self.used -= n
                at += n
            done += at
        if not self.used:
            self.start = 0
        if done:
            self.changed.wake()
        return done

    def put(self, slices: list[memoryview]) -> int:
        """Move in what there is room for."""
        if not self.ring:
            self.ring = bytearray(CAPACITY_BYTES)
        done = 0
        for piece in slices:
            at = 0
            while at < len(piece) and self.used < len(self.ring):
                end = (self.start + self.used) % len(self.ring)
                n = min(len(piece) - at, len(self.ring) - self.used, len(self.ring) - end)
                self.ring[end : end + n] = piece[at : at + n]
                self.used += n
                at += n
            done += at
        if done:
            self.changed.wake()
        return done

    @property
    def room(self) -> int:
        """Free bytes."""
        return CAPACITY_BYTES - self.used

    def stat(self) -> Stat:
        """As pipefs shows it."""
        return Stat(_PIPEFS_DEV, self.ino, _S_IFIFO_0600)


class PipeEnd(OpenFile):
    """What both ends share."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Pipe, flags: int) -> None:
        super().__init__(flags)
        self.stream = True
        self.pipe = pipe
        pipe.n_readers += self.readable
        pipe.n_writers += self.writable

    def close(self) -> None:
        """One end less: the other meets the end of file, or EPIPE."""
        self.pipe.n_readers -= self.readable
        self.pipe.n_writers -= self.writable
        self.pipe.changed.wake()

    def read(self, slices: list[memoryview]) -> int:
        """What is there; 0 when every writer is gone."""
        if not slices or self.read_nothing(None):
            return 0
        return self.pipe.get(slices)

    def read_nothing(self, offset: int | None) -> bool:
        """Empty for good. Empty for now is EAGAIN, or has to be waited for."""
        pipe = self.pipe
        if pipe.used:
            return False
        if pipe.n_writers:
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(pipe.changed)
        return True

    def write(self, slices: list[memoryview]) -> int:
        """What there is room for; all or nothing up to PIPE_BUF. Errors: EPIPE no reader (the caller adds SIGPIPE)."""
        pipe = self.pipe
        wanted = sum(map(len, slices))
        if not wanted:
            return 0
        if not pipe.n_readers:
            raise SyscallError(EPIPE)
        if pipe.room < (wanted if wanted <= PIPE_BUF else 1):
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(pipe.changed)
        return pipe.put(slices)

    def control(self, request: int, data: bytes) -> bytes:
        """FIONREAD."""
        if request == FIONREAD:
            return self.pipe.used.to_bytes(4, "little")
        return super().control(request, data)

    def pipe_bytes(self) -> int:
        """The one size there is."""
        return CAPACITY_BYTES

    def stat(self) -> Stat:
        """As pipefs shows it."""
        return self.pipe.stat()

    def statfs(self) -> StatFs:
        """As pipefs shows it."""
        return StatFs(_PIPEFS_MAGIC)

    def chmod(self, mode: int) -> None:
        """Accepted and forgotten: nobody else can open it. Deviation: fstat does not show it."""

    def link_text(self) -> bytes:
        """As /proc/PID/fd shows it."""
        return b"pipe:[%d]" % self.pipe.ino

    def reopen(self, flags: int) -> OpenFile:
        """Another end of the same pipe, with its own access mode."""
        return PipeEnd(self.pipe, flags & ~O_LARGEFILE)


def new_pipe(flags: int) -> tuple[PipeEnd, PipeEnd]:
    """The reading and the writing end. flags: O_NONBLOCK, O_DIRECT."""
    pipe = Pipe()
    return PipeEnd(pipe, O_RDONLY | flags), PipeEnd(pipe, O_WRONLY | flags)
