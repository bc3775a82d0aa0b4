"""Pipes between guests (pipe(7)): a queue of bytes and two ends.

What cannot go on raises WouldBlock with nothing done: the caller retries when the other end has moved, or returns
EAGAIN. A write of at most PIPE_BUF bytes goes in whole or not at all.
"""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EBADF, EBUSY, EFAULT, EINVAL, EPERM, EPIPE, ESPIPE, SyscallError
from pyuk.abi.fcntl import O_DIRECT, O_LARGEFILE, O_NONBLOCK, O_RDONLY, O_WRONLY
from pyuk.abi.ioctls import FIONREAD
from pyuk.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from pyuk.fs.file import OpenFile, first_bytes, without_bytes
from pyuk.fs.stat import Stat, StatFs
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

PAGE_BYTES = 4096
CAPACITY_BYTES = 16 * PAGE_BYTES
_MAX_CAPACITY_BYTES = 1 << 31
_UNPRIVILEGED_BYTES = 1 << 20  # fs.pipe-max-size
_READABLE, _WRITABLE = POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM
_PIPEFS_MAGIC = 0x50495045
_PIPEFS_DEV = 14  # an anonymous device: major 0
_S_IFIFO_0600 = 0o010600

_n_made = 0


class Packet(bytearray):
    """What one write with O_DIRECT has put in: it is read alone, and what is not taken of it is lost."""


class Spliced(bytearray):
    """Pages that were not written: no write fills the last of them up (PIPE_BUF_FLAG_CAN_MERGE)."""


class Pipe:
    """What was written and not read, and who is at the ends.

    Linux keeps it in a ring of pages: a write fills the last page up if all of its odd bytes fit there, and begins
    new pages with the rest; a page is free again when all that is in it has been read. Here a run is the new pages
    of one write.

    Invariants: no run is empty; `start` bytes of the first are read; n_pages counts the pages of all runs but for
    those wholly read, n_pages <= max_pages; used is the unread bytes; n_readers and n_writers count open descriptions.
    """

    __slots__ = (
        "ino", "is_polled", "max_pages", "n_pages", "n_readers", "n_writers", "readers", "runs", "start",
        "tells_writers", "used", "writers",
    )  # fmt: skip

    def __init__(self) -> None:
        global _n_made  # noqa: PLW0603  # inode numbers are counted for the whole of pipefs
        _n_made += 1
        self.ino = _n_made
        self.readers = WaitQueue()
        """Woken when bytes have come, or the last other end was closed."""
        self.writers = WaitQueue()
        """Woken when a page has become free, or the last other end was closed."""
        self.runs: list[bytearray] = []
        self.start = 0
        self.used = 0
        self.n_pages = 0
        self.max_pages = CAPACITY_BYTES // PAGE_BYTES
        self.n_readers = self.n_writers = 0
        self.is_polled = False
        """Somebody has asked poll(2): from then on each write tells the readers, for edge-triggered epolls."""
        self.tells_writers = False
        """Each read tells the writers, for O_ASYNC."""

    def get(self, slices: list[memoryview]) -> int:
        """Move up to the slices' bytes out, or a packet."""
        was_full = self.n_pages >= self.max_pages or self.tells_writers
        runs, done = self.runs, 0
        if runs and type(runs[0]) is Packet:
            done = self._get_packet(slices)
            slices = []
        for piece in slices:
            at, size = 0, len(piece)
            while at < size and runs and type(runs[0]) is not Packet:
                run, start = runs[0], self.start
                left = len(run) - start
                if left <= size - at:
                    n = left
                    piece[at : at + n] = memoryview(run)[start:] if start else run
                    self._next_run()
                else:
                    n = size - at
                    piece[at:size] = memoryview(run)[start : start + n]
                    self.start = start + n
                    self.n_pages -= (self.start >> 12) - (start >> 12)
                self.used -= n
                at += n
            done += at
        if was_full and self.n_pages < self.max_pages:
            self.writers.wake(_WRITABLE)
        return done

    def _get_packet(self, slices: list[memoryview]) -> int:
        packet, done = self.runs[0], 0
        for piece in slices:
            n = min(len(piece), len(packet) - done)
            piece[:n] = memoryview(packet)[done : done + n]
            done += n
        self.used -= len(packet)
        self._next_run()
        return done

    def _next_run(self) -> None:
        run = self.runs.pop(0)
        self.n_pages -= (len(run) + PAGE_BYTES - 1 >> 12) - (self.start >> 12)
        self.start = 0

    def put(self, slices: list[memoryview], *, as_packets: bool = False) -> int:
        """Move in what there is room for."""
        was_empty = not self.used
        wanted = sum(map(len, slices))
        done = 0
        if not was_empty:
            done = self.odd_bytes(wanted)
            if done:
                self.runs[-1] += b"".join(first_bytes(slices, done))
        n = min(wanted - done, (self.max_pages - self.n_pages) * PAGE_BYTES)
        if n > 0:
            if done or n < wanted:
                slices = first_bytes(without_bytes(slices, done), n)
            if not as_packets:
                self.runs.append(bytearray(slices[0]) if len(slices) == 1 else bytearray().join(slices))
            else:
                data = b"".join(slices)
                self.runs += (Packet(data[at : at + PAGE_BYTES]) for at in range(0, n, PAGE_BYTES))
            self.n_pages += n + PAGE_BYTES - 1 >> 12
            done += n
        self.used += done
        if done and (was_empty or self.is_polled):
            self.readers.wake(_READABLE)
        return done

    def odd_bytes(self, n_bytes: int) -> int:
        """What a write of n_bytes puts into the last page before it begins a new one: its odd bytes, if all fit."""
        odd = n_bytes & PAGE_BYTES - 1
        if not odd or not self.used or type(self.runs[-1]) is not bytearray:
            return 0
        end = len(self.runs[-1]) & PAGE_BYTES - 1
        return odd if end and end + odd <= PAGE_BYTES else 0

    def has_room(self, n_bytes: int) -> bool:
        """Whether a write of n_bytes can put anything in: all of it up to PIPE_BUF, which is a page."""
        return self.n_pages < self.max_pages or self.odd_bytes(n_bytes) > 0

    # splice(2), tee(2), vmsplice(2)

    @property
    def free_bytes(self) -> int:
        """What fits into the pages that are free, if it begins at a page's beginning."""
        return (self.max_pages - self.n_pages) * PAGE_BYTES

    def peek(self, n_bytes: int) -> list[memoryview]:
        """The first n_bytes, as they lie there. Let go of the views before anything else is done to the pipe."""
        found, start = [], self.start
        for run in self.runs:
            if n_bytes <= 0:
                break
            found.append(memoryview(run)[start : start + n_bytes])
            n_bytes -= len(found[-1])
            start = 0
        return found

    def skip(self, n_bytes: int) -> None:
        """Take the first n_bytes out."""
        was_full = self.n_pages >= self.max_pages or self.tells_writers
        self.used -= n_bytes
        while n_bytes:
            run, start = self.runs[0], self.start
            left = len(run) - start
            if n_bytes < left:
                self.start = start + n_bytes
                self.n_pages -= (self.start >> 12) - (start >> 12)
                break
            n_bytes -= left
            self._next_run()
        if was_full and self.n_pages < self.max_pages:
            self.writers.wake(_WRITABLE)

    def put_pages(self, data: bytes | bytearray | memoryview, offset: int = 0) -> None:
        """Put pages in that no write fills up: the data begins that far into the first. There is room."""
        was_empty = not self.used
        self._add(data, offset, Spliced)
        if data and (was_empty or self.is_polled):
            self.readers.wake(_READABLE)

    def _add(self, data: bytes | bytearray | memoryview, offset: int, kind: type[bytearray]) -> None:
        self.used += len(data)
        if offset:
            head = min(len(data), PAGE_BYTES - offset)
            self.runs.append(Spliced(data[:head]) if kind is bytearray else kind(data[:head]))
            self.n_pages += 1
            data = data[head:]
        if data:
            self.runs.append(data if type(data) is kind else kind(data))
            self.n_pages += len(data) + PAGE_BYTES - 1 >> 12

    def splice_to(self, other: Pipe, n_bytes: int, *, keep: bool) -> int:
        """Move up to n_bytes over, or with `keep` copy them (fs/splice.c, splice_pipe_to_pipe, link_pipe)."""
        was_empty = not other.used
        done, start = 0, self.start
        for run in tuple(self.runs):
            offset = start & PAGE_BYTES - 1
            n = min(len(run) - start, n_bytes - done, other.free_bytes - offset)
            if n <= 0:
                break
            is_end = start + n == len(run)
            kind = Packet if type(run) is Packet else Spliced if keep or not is_end else type(run)
            other._add(run if n == len(run) and not keep else run[start : start + n], offset, kind)
            done += n
            if not is_end:
                break
            start = 0
        if not keep:
            self.skip(done)
        if done and (was_empty or other.is_polled):
            other.readers.wake(_READABLE)
        return done

    def resize(self, n_bytes: int, *, is_privileged: bool) -> int:
        """As F_SETPIPE_SZ; gives the size it has now.

        Errors: EINVAL too much, EPERM above the limit, EBUSY what is in it does not fit (fs/pipe.c, pipe_set_size).
        """
        if n_bytes > _MAX_CAPACITY_BYTES:
            raise SyscallError(EINVAL)
        n_pages = 1 << (max(n_bytes, PAGE_BYTES) - 1 >> 12).bit_length()
        if n_pages > self.max_pages and n_pages * PAGE_BYTES > _UNPRIVILEGED_BYTES and not is_privileged:
            raise SyscallError(EPERM)
        if n_pages < self.n_pages:
            raise SyscallError(EBUSY)
        grows = n_pages > self.max_pages
        self.max_pages = n_pages
        if grows:
            self.writers.wake(_WRITABLE)
        return n_pages * PAGE_BYTES

    def check_invariants(self) -> None:
        """Raise AssertionError where the class's invariants do not hold."""
        pages = sum(len(run) + PAGE_BYTES - 1 >> 12 for run in self.runs) - (self.start >> 12)
        used = sum(map(len, self.runs)) - self.start
        if (pages, used) != (self.n_pages, self.used) or not all(self.runs) or pages > self.max_pages:
            raise AssertionError(self.runs, self.start, self.n_pages, self.used)

    def stat(self) -> Stat:
        """As pipefs shows it."""
        return Stat(_PIPEFS_DEV, self.ino, _S_IFIFO_0600)


class PipeEnd(OpenFile):
    """What both ends share."""

    __slots__ = ("pipe",)
    can_poll = True
    takes_direct = True
    waits_in = (b"pipe_read", b"pipe_write")

    def __init__(self, pipe: Pipe, flags: int) -> None:
        super().__init__(flags)
        self.stream = True
        self.pipe = pipe
        pipe.n_readers += self.readable
        pipe.n_writers += self.writable

    def close(self) -> None:
        """One end less: the other meets the end of file, or EPIPE."""
        pipe = self.pipe
        pipe.n_readers -= self.readable
        pipe.n_writers -= self.writable
        if bool(pipe.n_readers) != bool(pipe.n_writers):
            pipe.readers.wake()
            pipe.writers.wake()

    def read(self, slices: list[memoryview]) -> int:
        """What is there; 0 when every writer is gone."""
        if not self.pipe.used and (not slices or self.read_nothing(None)):
            return 0
        return self.pipe.get(slices)

    def read_nothing(self, offset: int | None) -> bool:
        """Empty for good. Empty for now is EAGAIN, or has to be waited for."""
        pipe = self.pipe
        if pipe.used:
            return False
        if pipe.n_writers:
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(pipe.readers)
        return True

    def await_bytes(self) -> None:
        """Empty for now."""
        if not self.pipe.used:
            self.read_nothing(None)

    def await_page(self, *, blocks: bool) -> None:
        """No reader, or no free page (fs/splice.c, wait_for_space)."""
        if not self.pipe.n_readers:
            raise SyscallError(EPIPE)
        if self.pipe.n_pages >= self.pipe.max_pages:
            raise WouldBlock(self.pipe.writers) if blocks else SyscallError(EAGAIN)

    def await_room(self, n_bytes: int) -> None:
        """No reader, or no room."""
        if not self.pipe.n_readers:
            raise SyscallError(EPIPE)
        if not self.pipe.has_room(n_bytes):
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(self.pipe.writers)

    def read_limit(self, offset: int | None) -> int:
        """What is in it."""
        return self.pipe.used or CAPACITY_BYTES

    def write(self, slices: list[memoryview]) -> int:
        """What there is room for; all or nothing up to PIPE_BUF. Errors: EPIPE no reader (the caller adds SIGPIPE)."""
        wanted = len(slices[0]) if len(slices) == 1 else sum(map(len, slices))
        if not wanted:
            return 0
        self.await_room(wanted)
        return self.pipe.put(slices, as_packets=bool(self.flags & O_DIRECT))

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The reader and the room come first."""
        self.await_room(n_bytes)
        raise SyscallError(EFAULT)

    def whole_pieces(self, slices: list[memoryview], n_bytes: int) -> list[memoryview]:
        """The write's odd bytes come first where they fit into the last page, and the rest goes in by whole pages."""
        head = self.pipe.odd_bytes(n_bytes)
        n_good = sum(map(len, slices))
        return first_bytes(slices, head + (n_good - head & -PAGE_BYTES) if n_good >= head else 0)

    def poll(self) -> int:
        """An end without the other: POLLHUP for the reader, POLLERR for the writer (fs/pipe.c, pipe_poll)."""
        pipe = self.pipe
        pipe.is_polled = True
        events = 0
        if self.readable:
            events = (_READABLE if pipe.used else 0) | (0 if pipe.n_writers else POLLHUP)
        if self.writable:
            events |= (_WRITABLE if pipe.n_pages < pipe.max_pages else 0) | (0 if pipe.n_readers else POLLERR)
        return events

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Those of its own side, or of both."""
        if not self.writable:
            return (self.pipe.readers,)
        return (self.pipe.readers, self.pipe.writers) if self.readable else (self.pipe.writers,)

    def control(self, request: int, data: bytes) -> bytes:
        """FIONREAD."""
        if request == FIONREAD:
            return self.pipe.used.to_bytes(4, "little")
        return super().control(request, data)

    def pipe_bytes(self) -> int:
        """All its pages."""
        return self.pipe.max_pages * PAGE_BYTES

    def set_pipe_bytes(self, n_bytes: int, *, is_privileged: bool) -> int:
        """See Pipe.resize."""
        return self.pipe.resize(n_bytes, is_privileged=is_privileged)

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """vfs_fallocate has a word for pipes."""
        raise SyscallError(ESPIPE if self.writable else EBADF)

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
    return PipeEnd(pipe, O_RDONLY | flags & O_NONBLOCK), PipeEnd(pipe, O_WRONLY | flags)
