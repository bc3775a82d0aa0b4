"""Moving data between open files and guest memory, in general: large, in several pieces, faulting, waiting.

The data moves straight between the host and slices of guest RAM. A page that faults ends a transfer: what lies
before it is moved and counted, and only if that is nothing is it EFAULT.
"""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, EPIPE, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_FSIZE
from pyuk.abi.signal import SIGPIPE
from pyuk.abi.unistd import MAX_RW_COUNT, UIO_MAXIOV
from pyuk.fs.file import without_bytes
from pyuk.machine.paging import TASK_SIZE
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

    Segments = list[tuple[int, int]]
    Step = Callable[[list[memoryview], int], int]

CHUNK_BYTES = 1 << 20
"""What one host call moves at most: a huge count must not fault all of a huge buffer in for a small file."""
_SMALL_BYTES = 1 << 16
_STREAM_CHUNK_BYTES = 1 << 16
"""The same for what is written to a pipe, which seldom takes more: each wake-up looks all of a chunk up again."""


class Transfer:
    """What is left of a read or write that sleeps: the pinned open file, the segments as they were given, the progress.

    Guest memory is looked up again at each step: it may have been mapped anew in between, as on Linux.
    """

    __slots__ = ("done", "file", "filling", "offset", "rwf", "segments", "task")

    def __init__(
        self, task: Task, file: OpenFile, segments: Segments, offset: int | None, rwf: int = 0, *, filling: bool
    ) -> None:
        self.task = task
        self.file = file.hold()
        self.segments = segments
        self.offset = offset
        self.rwf = rwf
        self.filling = filling
        self.done = 0

    def park(self, blocked: WouldBlock) -> Park:
        """The exception that puts the task to sleep."""
        self.done = blocked.done
        deadline_ns = self.task.kernel.clock.monotonic_ns() + blocked.limit_ns if blocked.limit_ns else None
        return Park.after(blocked, self, deadline_ns)

    def step(self) -> int:
        """Go on from where it stopped. May raise WouldBlock again."""
        return self._count(self._step())

    def _step(self) -> int:
        if self.filling and self.offset is None and len(self.segments) == 1 and self.segments[0][1] <= _SMALL_BYTES:
            try:
                slices = self.task.mem.slices(*self.segments[0], True)  # noqa: FBT003
            except SyscallError:
                pass
            else:
                return self.file.read(slices)  # what is read ends the call
        move = _read_segments if self.filling else _write_segments
        offset = self.offset if self.offset is None or self.offset < 0 else self.offset + self.done
        try:
            return self.done + move(self.task, self.file, behind(self.segments, self.done), offset, self.rwf)
        except WouldBlock as blocked:
            self.done += blocked.done
            raise
        except SyscallError:
            if self.done:
                return self.done
            raise

    def interrupted(self) -> int:
        """What has been moved counts; nothing moved is a call that never was."""
        done = self.done or self._rest()
        if done:
            return self._count(done)
        raise SyscallError(self.file.interruption(filling=self.filling))

    def timed_out(self) -> int:
        """The file waits no longer."""
        return self._count(self.done or self._rest() or self.file.give_up())

    def _rest(self) -> int:
        """What there is, where the file waits for more."""
        if not self.filling or self.offset is not None:
            return 0
        slices, _, _ = good_slices(self.task, self.segments, filling=True)
        return self.file.read_rest(slices)

    def _count(self, n_bytes: int) -> int:
        return _count(self.task, self.file, n_bytes, filling=self.filling)

    def close(self) -> None:
        """Unpin the file."""
        self.file.release()


def read_segments(task: Task, file: OpenFile, segments: Segments, offset: int | None, rwf: int = 0) -> int:
    """Read into checked segments, at the position where offset is None."""
    try:
        return _count(task, file, _read_segments(task, file, segments, offset, rwf), filling=True)
    except WouldBlock as blocked:
        raise Transfer(task, file, segments, offset, rwf, filling=True).park(blocked) from None


def write_segments(task: Task, file: OpenFile, segments: Segments, offset: int | None, rwf: int = 0) -> int:
    """Write from checked segments. A broken pipe is SIGPIPE too."""
    try:
        return _count(task, file, _write_segments(task, file, segments, offset, rwf), filling=False)
    except WouldBlock as blocked:
        raise Transfer(task, file, segments, offset, rwf, filling=False).park(blocked) from None


def _count(task: Task, file: OpenFile, n_bytes: int, *, filling: bool) -> int:
    """The end of a call: what it moved is its task's (/proc/PID/io)."""
    if not file.is_counted:
        pass
    elif filling:
        task.usage.read_chars += n_bytes
    else:
        task.usage.write_chars += n_bytes
    return n_bytes


def _read_segments(task: Task, file: OpenFile, segments: Segments, offset: int | None, rwf: int = 0) -> int:
    step = _step(file.read, file.pread, offset, rwf)
    total = sum(length for _, length in segments)
    if total > _SMALL_BYTES:
        limit = file.read_limit(offset)
        if limit < total:
            segments = _cut(segments, max(limit, 1))
    try:
        return _move(task, file, segments, step, filling=True)
    except _FaultAtOnce:
        return file.read_fault(offset, sum(length for _, length in segments))


def _write_segments(task: Task, file: OpenFile, segments: Segments, offset: int | None, rwf: int = 0) -> int:
    step = _step(file.write, file.pwrite, offset, rwf)
    if task.limits.soft[RLIMIT_FSIZE] != RLIM64_INFINITY:
        segments = _within_size_limit(task, file, segments, offset)
    try:
        try:
            return _move(task, file, segments, step, filling=False)
        except _FaultAtOnce:
            return file.write_fault(offset, sum(length for _, length in segments))
    except SyscallError as error:
        if error.errno == EPIPE and file.sends_sigpipe:
            task.send_signal(SIGPIPE)
        raise


def _within_size_limit(task: Task, file: OpenFile, segments: Segments, offset: int | None) -> Segments:
    from pyuk.syscalls.filesize import room_to_write  # noqa: PLC0415  # few have such a limit

    n_bytes = sum(length for _, length in segments)
    room = room_to_write(task, file, offset, n_bytes)
    return segments if room == n_bytes else _cut(segments, room)


def user_segments(task: Task, vector: UserAddr, n_segments: int) -> Segments:
    """The (address, length) pairs of a struct iovec array, cut at MAX_RW_COUNT in all.

    Errors: EINVAL more than UIO_MAXIOV segments or a length below 0; EFAULT.
    Source: Linux lib/iov_iter.c, __import_iovec.
    """
    n_segments &= 0xFFFF_FFFF  # an unsigned long for readv, an unsigned int for import_iovec
    if n_segments > UIO_MAXIOV:
        raise SyscallError(EINVAL)
    if n_segments == 0:
        return []
    words = memoryview(task.mem.read(vector, 16 * n_segments)).cast("Q")
    if any(length >> 63 for length in words[1::2]):
        raise SyscallError(EINVAL)
    segments = []
    room = MAX_RW_COUNT
    for index in range(0, 2 * n_segments, 2):
        address, length = words[index], words[index + 1]
        if length > TASK_SIZE or address > TASK_SIZE - length:
            raise SyscallError(EFAULT)
        length = min(length, room)
        room -= length
        if length:
            segments.append((address, length))
    return segments


def _step(
    streaming: Callable[[list[memoryview]], int], positional: Callable[[list[memoryview], int, int], int],
    offset: int | None, rwf: int,
) -> Step:  # fmt: skip
    """One host call of a transfer, `done` bytes into it."""
    if offset is None:
        return lambda slices, _done: streaming(slices)
    return lambda slices, done: positional(slices, offset if offset < 0 else offset + done, rwf)


class _FaultAtOnce(Exception):  # noqa: N818  # a signal between these functions
    """The very first byte is bad."""


def _move(task: Task, file: OpenFile, segments: Segments, step: Step, *, filling: bool) -> int:
    """Take the segments in chunks until something ends the transfer; an error after some bytes is only their count."""
    done = 0
    if file.stream and not filling and segments:
        file.await_room(sum(length for _, length in segments))
    chunk_bytes = _STREAM_CHUNK_BYTES if file.stream and not filling and not file.has_messages else CHUNK_BYTES
    for chunk in _chunks(segments, chunk_bytes) if segments else [[]]:
        slices, wanted, faulted = good_slices(task, chunk, filling=filling)
        if faulted and file.stream and not filling:
            slices = file.whole_pieces(slices, wanted)
        if faulted and not slices:
            if done:
                return done
            raise _FaultAtOnce
        available = sum(map(len, slices)) if faulted else wanted
        moved = 0
        try:
            moved = step(slices, done)
            if not filling and file.stream and not file.flags & O_NONBLOCK:
                while moved < available:  # a blocking write ends when all is written
                    moved += step(without_bytes(slices, moved), done + moved)
        except SyscallError as error:
            if done + moved:
                if error.errno == EPIPE and not filling and file.sends_sigpipe_late:
                    task.send_signal(SIGPIPE)  # fs/pipe.c, pipe_write: also after some bytes
                return done + moved
            raise
        except WouldBlock as blocked:
            blocked.done = done + moved
            if filling and blocked.done:
                return blocked.done
            raise
        done += moved
        if moved < wanted or (filling and file.stream):
            break
    return done


def good_slices(task: Task, chunk: Segments, *, filling: bool) -> tuple[list[memoryview], int, bool]:
    """The good slices of a chunk, the bytes asked for, and whether a bad page cut them short."""
    slices: list[memoryview] = []
    wanted = 0
    for address, length in chunk:
        try:
            part = task.mem.slices(address, length, filling)
        except SyscallError as error:
            if error.errno != EFAULT:
                raise
            return slices, wanted + length, True
        wanted += length
        slices += part
        if sum(map(len, part)) < length:
            return slices, wanted, True
    return slices, wanted, False


def _chunks(segments: Segments, chunk_bytes: int) -> Iterator[Segments]:
    """The segments in portions of at most chunk_bytes."""
    if sum(length for _, length in segments) <= chunk_bytes:
        yield segments
        return
    chunk: Segments = []
    room = chunk_bytes
    for address, length in segments:
        at, left = address, length
        while left:
            n = min(left, room)
            chunk.append((at, n))
            at += n
            left -= n
            room -= n
            if not room:
                yield chunk
                chunk, room = [], chunk_bytes
    if chunk:
        yield chunk


def behind(segments: Segments, n_bytes: int) -> Segments:
    """What is left of the segments behind their first n_bytes."""
    rest = []
    for address, length in segments:
        skipped = min(length, n_bytes)
        n_bytes -= skipped
        if skipped < length:
            rest.append((address + skipped, length - skipped))
    return rest


def _cut(segments: Segments, limit: int) -> Segments:
    """The first `limit` bytes."""
    kept = []
    for address, length in segments:
        n = min(length, limit)
        kept.append((address, n))
        limit -= n
        if not limit:
            break
    return kept
