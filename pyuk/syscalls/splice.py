"""splice(2), tee(2), vmsplice(2): bytes through pipes without a way through the program.

Deviation: they are copied, so what is changed afterwards in the file or in the memory they came from does not show.
A pipe of the host's (standard input, a FIFO) is read and written as any file. Source: Linux 6.1 fs/splice.c.
"""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EBADF, EFAULT, EINVAL, EPIPE, ERESTARTSYS, ESPIPE, SyscallError
from pyuk.abi.fcntl import O_APPEND, O_NONBLOCK
from pyuk.abi.poll import POLLIN
from pyuk.abi.signal import SIGPIPE
from pyuk.abi.splice import SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK
from pyuk.abi.stat import S_IFBLK, S_IFCHR, S_IFIFO, S_IFREG, S_IFSOCK
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT, SEEK_CUR
from pyuk.fs.pipe import PAGE_BYTES, PipeEnd
from pyuk.syscalls.copying import Pump, begin, kind_of, verify_area
from pyuk.syscalls.filesize import room_to_write
from pyuk.syscalls.transfer import user_segments
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.declare import Annotated, FdArg, SizeArg, SpliceArg, ULongArg
    from pyuk.abi.kinds import IN, IoVector, StructAt
    from pyuk.abi.structs import INT64
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT
_NULL, _RANDOM, _URANDOM = (1 << 8 | minor for minor in (3, 8, 9))  # Documentation/admin-guide/devices.txt
_MEMORY_DEVICES = 1
_PIECE_BYTES = 1 << 16


@syscall("splice")
def sys_splice(
    task: Task, fd_in: FdArg, off_in: Annotated[UserAddr, StructAt(IN, INT64)], fd_out: FdArg,
    off_out: Annotated[UserAddr, StructAt(IN, INT64)], len: SizeArg, flags: SpliceArg,  # noqa: A002
) -> int:  # fmt: skip
    """Between a pipe and any file, or two pipes. Errors: EINVAL, EBADF, ESPIPE, EFAULT, EAGAIN, EPIPE, EFBIG."""
    if not len:
        return 0
    if flags & ~_FLAGS:
        raise SyscallError(EINVAL)
    source, target = task.files.get(fd_in), task.files.get(fd_out)
    from_pipe, to_pipe = is_pipe(source), is_pipe(target)
    if (from_pipe and off_in) or (to_pipe and off_out):
        raise SyscallError(ESPIPE)
    start_out = task.mem.read_i64(off_out) if off_out else None
    start_in = task.mem.read_i64(off_in) if off_in else None
    if not source.readable or not target.writable:
        raise SyscallError(EBADF)
    blocks = not flags & SPLICE_F_NONBLOCK
    if from_pipe and to_pipe:
        return _between(task, source, target, len, blocks=blocks, keep=False)
    if from_pipe:
        return _drain_pipe(task, source, target, off_out, start_out, len, blocks=blocks)
    if to_pipe:
        if start_in is not None and source.stream:
            raise SyscallError(EINVAL)
        return fill_pipe(task, source, target, off_in or None, start_in, len, blocks=blocks)
    raise SyscallError(EINVAL)


@syscall("tee")
def sys_tee(task: Task, fdin: FdArg, fdout: FdArg, len: SizeArg, flags: SpliceArg) -> int:  # noqa: A002
    """Copy what is in a pipe to another, and leave it. Errors: EINVAL, EBADF, EAGAIN, EPIPE."""
    if flags & ~_FLAGS:
        raise SyscallError(EINVAL)
    if not len:
        return 0
    source, target = task.files.get(fdin), task.files.get(fdout)
    if not source.readable or not target.writable:
        raise SyscallError(EBADF)
    if not is_pipe(source) or not is_pipe(target):
        raise SyscallError(EINVAL)
    return _between(task, source, target, len, blocks=not flags & SPLICE_F_NONBLOCK, keep=True)


@syscall("vmsplice")
def sys_vmsplice(
    task: Task, fd: FdArg, uiov: Annotated[UserAddr, IoVector(IN, "nr_segs")], nr_segs: ULongArg, flags: SpliceArg
) -> int:
    """Memory into a pipe's writing end, or out of its reading end. Errors: EINVAL, EBADF, EFAULT, EAGAIN, EPIPE."""
    if flags & ~_FLAGS:
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if not (file.writable or file.readable):
        raise SyscallError(EBADF)
    segments = user_segments(task, uiov, nr_segs)
    if not segments:
        return 0
    if not is_pipe(file):
        raise SyscallError(EBADF)
    blocks = not flags & SPLICE_F_NONBLOCK
    if file.writable:
        return _run(task, (file,), lambda: _from_memory(task, file, segments, blocks=blocks))
    return _run(task, (file,), lambda: _to_memory(task, file, segments, blocks=blocks))


def is_pipe(file: OpenFile) -> bool:
    """A pipe or FIFO, a guest's or the host's."""
    return isinstance(file, PipeEnd) or (file.stream and kind_of(file) == S_IFIFO)


class Splice:
    """A call that waits: the files are pinned, and `step` is the whole of it, for nothing has been moved yet."""

    __slots__ = ("_files", "_step", "_task")

    def __init__(self, task: Task, files: tuple[OpenFile, ...], step: Callable[[], int]) -> None:
        self._task = task
        self._files = tuple(file.hold() for file in files)
        self._step = step

    def step(self) -> int:
        """Try again; may raise WouldBlock."""
        try:
            return self._step()
        except SyscallError as error:
            if error.errno == EPIPE:
                self._task.send_signal(SIGPIPE)
            raise

    def interrupted(self) -> int:
        """Nothing has been moved."""
        raise SyscallError(ERESTARTSYS)

    timed_out = interrupted

    def close(self) -> None:
        """Unpin the files."""
        for file in self._files:
            file.release()


def _run(task: Task, files: tuple[OpenFile, ...], step: Callable[[], int]) -> int:
    """The first step; sleep if that is nothing."""
    operation = Splice(task, files, step)
    try:
        done = operation.step()
    except WouldBlock as blocked:
        raise Park.after(blocked, operation) from None
    except SyscallError:
        operation.close()
        raise
    operation.close()
    return done


# From a file into a pipe


def fill_pipe(
    task: Task, source: OpenFile, target: OpenFile, offset_at: UserAddr | None, start: int | None, count: int, *,
    blocks: bool,
) -> int:  # fmt: skip
    """What one read gives and the pipe has room for, for sendfile(2) too (splice_file_to_pipe)."""
    blocks = blocks and not target.flags & O_NONBLOCK
    if not isinstance(target, PipeEnd):
        _check_source(source, start, min(count, _PIECE_BYTES))
        return begin(Pump(task, source, target, start, count, offset_at or 0, once=True, blocks=blocks))
    return _run(
        task, (source, target), lambda: _fill(task, source, target, offset_at, start, count, blocks=blocks)
    )  # fmt: skip


def _fill(
    task: Task, source: OpenFile, target: PipeEnd, offset_at: UserAddr | None, start: int | None, count: int, *,
    blocks: bool,
) -> int:  # fmt: skip
    target.await_page(blocks=blocks)
    place = start if start is not None else 0 if source.stream else source.lseek(0, SEEK_CUR)
    within = 0 if source.stream else place % PAGE_BYTES
    count = min(count, target.pipe.free_bytes)
    _check_source(source, place, count)
    if not blocks and kind_of(source) == S_IFSOCK and not source.poll() & POLLIN:
        raise SyscallError(EAGAIN)
    room = bytearray(min(count, target.pipe.free_bytes - within, MAX_RW_COUNT))
    with memoryview(room) as view:
        done = source.read([view]) if start is None else source.pread([view], start)
    if done:
        target.pipe.put_pages(room if done == len(room) else room[:done], within)
    if offset_at is not None:
        task.mem.write(offset_at, (place + done).to_bytes(8, "little"))
    task.usage.copied(done)
    return done


def _check_source(source: OpenFile, place: int | None, count: int) -> None:
    """Whether it has a splice_read, after its range has been found good (do_splice_to)."""
    verify_area(place or 0, count)
    if not _has_splice_read(source):
        raise SyscallError(EINVAL)


def _has_splice_read(file: OpenFile) -> bool:
    """Regular files, sockets, terminals, block devices, /dev/random and /dev/urandom have."""
    status = file.stat()
    kind = status.st_mode & 0o170000
    if kind == S_IFCHR:
        return status.st_rdev in (_RANDOM, _URANDOM) or status.st_rdev >> 8 != _MEMORY_DEVICES
    return kind in (S_IFREG, S_IFSOCK, S_IFBLK)


# From a pipe into a file


def _drain_pipe(
    task: Task, source: OpenFile, target: OpenFile, offset_at: UserAddr, start: int | None, count: int, *, blocks: bool
) -> int:
    """All that is there, when something is (iter_file_splice_write)."""
    if start is not None and target.stream:
        raise SyscallError(EINVAL)
    if target.status_flags() & O_APPEND:
        raise SyscallError(EINVAL)
    verify_area(start if start is not None else 0 if target.stream else target.lseek(0, SEEK_CUR), count)
    if not _has_splice_write(target):
        raise SyscallError(EINVAL)
    blocks = blocks and not source.flags & O_NONBLOCK
    count = min(count, MAX_RW_COUNT)
    if isinstance(source, PipeEnd):
        return _run(
            task, (source, target), lambda: _drain(task, source, target, offset_at, start, count, blocks=blocks)
        )  # fmt: skip
    if start is None:
        return begin(Pump(task, source, target, None, count, 0, once=True, blocks=blocks))
    return _run(
        task, (source, target), lambda: _read_into(task, source, target, offset_at, start, count, blocks=blocks)
    )


def _has_splice_write(file: OpenFile) -> bool:
    """As for reading, and /dev/null."""
    return _has_splice_read(file) or (kind_of(file) == S_IFCHR and file.stat().st_rdev == _NULL)


def _await_bytes(source: OpenFile, *, blocks: bool) -> None:
    """Raise WouldBlock, or EAGAIN, while a pipe is empty and has a writer."""
    if isinstance(source, PipeEnd):
        if not source.pipe.used and source.pipe.n_writers:
            raise WouldBlock(source.pipe.readers) if blocks else SyscallError(EAGAIN)
    elif not blocks and not source.poll() & POLLIN:
        raise SyscallError(EAGAIN)


def _drain(
    task: Task, source: PipeEnd, target: OpenFile, offset_at: UserAddr, start: int | None, count: int, *, blocks: bool
) -> int:
    _await_bytes(source, blocks=blocks)
    count = min(count, source.pipe.used)
    if not count:
        return 0
    done = _write(task, target, source.pipe.peek(count), start, count)
    source.pipe.skip(done)
    if start is not None:
        task.mem.write(offset_at, (start + done).to_bytes(8, "little"))
    task.usage.copied(done)
    return done


def _write(task: Task, target: OpenFile, views: list[memoryview], start: int | None, count: int) -> int:
    room = room_to_write(task, target, start, count)
    if room < count:
        views = [memoryview(b"".join(views))[:room]]
    return target.write(views) if start is None else target.pwrite(views, start)


def _read_into(
    task: Task, source: OpenFile, target: OpenFile, offset_at: UserAddr, start: int, count: int, *, blocks: bool
) -> int:
    """A pipe of the host's into a place of a file, which takes all."""
    _await_bytes(source, blocks=blocks)
    room = memoryview(bytearray(min(count, _PIECE_BYTES)))
    n_read = source.read([room])
    done = _write(task, target, [room[:n_read]], start, n_read) if n_read else 0
    task.mem.write(offset_at, (start + done).to_bytes(8, "little"))
    task.usage.copied(done)
    return done


# Between pipes


def _between(task: Task, source: OpenFile, target: OpenFile, count: int, *, blocks: bool, keep: bool) -> int:
    blocks = blocks and not (source.flags | target.flags) & O_NONBLOCK
    if isinstance(source, PipeEnd) and isinstance(target, PipeEnd):
        if source.pipe is target.pipe:
            raise SyscallError(EINVAL)
        return _run(task, (source, target), lambda: _move(source, target, count, blocks=blocks, keep=keep))
    if keep:
        return _run(task, (source, target), lambda: _copy_out(source, target, count, blocks=blocks))
    if isinstance(source, PipeEnd):
        return _run(task, (source, target), lambda: _drain(task, source, target, 0, None, count, blocks=blocks))  # type: ignore[arg-type]
    if isinstance(target, PipeEnd):
        return _run(task, (source, target), lambda: _take_in(source, target, count, blocks=blocks))
    return begin(Pump(task, source, target, None, min(count, _PIECE_BYTES), 0, once=True, blocks=blocks))


def _move(source: PipeEnd, target: PipeEnd, count: int, *, blocks: bool, keep: bool) -> int:
    _await_bytes(source, blocks=blocks)
    target.await_page(blocks=blocks)
    return source.pipe.splice_to(target.pipe, count, keep=keep)


def _take_in(source: OpenFile, target: PipeEnd, count: int, *, blocks: bool) -> int:
    """From a pipe of the host's."""
    _await_bytes(source, blocks=blocks)
    target.await_page(blocks=blocks)
    room = bytearray(min(count, target.pipe.free_bytes))
    with memoryview(room) as view:
        done = source.read([view])
    target.pipe.put_pages(room[:done])
    return done


def _copy_out(source: OpenFile, target: OpenFile, count: int, *, blocks: bool) -> int:
    """tee(2) where a pipe of the host's takes part."""
    _await_bytes(source, blocks=blocks)
    if isinstance(source, PipeEnd):
        count = min(count, source.pipe.used)
        return target.write(source.pipe.peek(count)) if count else 0
    from pyuk.fs import hostcalls  # noqa: PLC0415

    if isinstance(target, PipeEnd):
        target.await_page(blocks=blocks)
        count = min(count, target.pipe.free_bytes)
    data = hostcalls.copy_of_pipe(source.host_fd(), min(count, _PIECE_BYTES))
    if data is None:
        raise WouldBlock(*source.poll_queues(), events=POLLIN) if blocks else SyscallError(EAGAIN)
    if isinstance(target, PipeEnd):
        target.pipe.put_pages(data)
        return len(data)
    return target.write([memoryview(data)]) if data else 0


# Between a pipe and memory


def _from_memory(task: Task, file: OpenFile, segments: list[tuple[int, int]], *, blocks: bool) -> int:
    """As much as there are free pages for: a buffer for each page of memory (iter_to_pipe)."""
    if isinstance(file, PipeEnd):
        file.await_page(blocks=blocks)
    done = 0
    for address, length in segments:
        room = length
        if isinstance(file, PipeEnd):
            room = min(length, file.pipe.free_bytes - address % PAGE_BYTES)
            if room <= 0:
                break
        try:
            slices = task.mem.slices(address, room, False)  # noqa: FBT003
        except SyscallError:
            if done:
                break
            raise
        n_good = sum(map(len, slices))
        if isinstance(file, PipeEnd):
            file.pipe.put_pages(bytearray().join(slices), address % PAGE_BYTES)
            done += n_good
        else:
            done += file.write(slices)
        if n_good < length:
            break
    return done


def _to_memory(task: Task, file: OpenFile, segments: list[tuple[int, int]], *, blocks: bool) -> int:
    _await_bytes(file, blocks=blocks)
    done = 0
    for address, length in segments:
        n = min(length, file.pipe.used) if isinstance(file, PipeEnd) else length
        if not n:
            break
        try:
            slices = task.mem.slices(address, n, True)  # noqa: FBT003
        except SyscallError:
            if done:
                break
            raise SyscallError(EFAULT) from None
        if not isinstance(file, PipeEnd):
            return file.read(slices)
        for piece in slices:
            taken = b"".join(file.pipe.peek(len(piece)))
            piece[: len(taken)] = taken
            file.pipe.skip(len(taken))
            done += len(taken)
        if sum(map(len, slices)) < length:
            break
    return done
