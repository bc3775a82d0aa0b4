"""Copying between files inside the kernel: sendfile(2), copy_file_range(2)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EBADF, EINVAL, EISDIR, EOVERFLOW, EPIPE, ERESTARTSYS, ESPIPE, EXDEV, SyscallError
from pyuk.abi.fcntl import O_APPEND, O_NONBLOCK
from pyuk.abi.poll import POLLIN
from pyuk.abi.signal import SIGPIPE
from pyuk.abi.stat import S_IFBLK, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT, SEEK_CUR
from pyuk.syscalls.filesize import room_to_write
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, SizeArg, UIntArg
    from pyuk.abi.kinds import IN, INOUT, StructAt
    from pyuk.abi.structs import INT64, UINT64
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_U64 = (1 << 64) - 1
_PIECE_BYTES = 1 << 16


def kind_of(file: OpenFile) -> int:
    """S_IFMT's bits."""
    return file.stat().st_mode & S_IFMT


def verify_area(place: int, count: int) -> None:
    """rw_verify_area (fs/read_write.c). Errors: EINVAL the range does not lie within what an off_t counts."""
    if count >> 63 or place < 0 or place + count >= 1 << 63:
        raise SyscallError(EINVAL)


@syscall("sendfile")
def sys_sendfile(
    task: Task, out_fd: FdArg, in_fd: FdArg, offset: Annotated[UserAddr, StructAt(INOUT, UINT64)], count: SizeArg
) -> int:
    """From one file to another, from the given offset or from the position (fs/read_write.c, do_sendfile).

    Errors: EFAULT, EBADF, ESPIPE, EINVAL the source is not a regular file or a block device, EPIPE, EFBIG.
    """
    start = task.mem.read_i64(offset) if offset else None
    source = task.files.get(in_fd)
    if not source.readable:
        raise SyscallError(EBADF)
    if start is not None and source.stream:
        raise SyscallError(ESPIPE)
    verify_area(start or 0, count)
    target = task.files.get(out_fd)
    if not target.writable:
        raise SyscallError(EBADF)
    into_pipe = kind_of(target) == S_IFIFO
    if kind_of(source) not in (S_IFREG, S_IFBLK) or (target.flags & O_APPEND and not into_pipe):
        raise SyscallError(EINVAL)
    count = min(count, MAX_RW_COUNT)
    if into_pipe:
        from pyuk.syscalls.splice import fill_pipe  # noqa: PLC0415

        return fill_pipe(task, source, target, offset if start is not None else None, start, count, blocks=True)
    count = room_to_write(task, target, None, count)
    return begin(Pump(task, source, target, start, count, offset))


class Pump:
    """What is left of a copy by way of a buffer: both files pinned, and what was read and not yet taken.

    once: it ends with what the first read has given, as splice(2) does.
    """

    __slots__ = ("blocks", "count", "done", "offset_at", "once", "source", "start", "target", "task", "unsent")

    def __init__(
        self, task: Task, source: OpenFile, target: OpenFile, start: int | None, count: int, offset_at: UserAddr | int,
        *, once: bool = False, blocks: bool = True,
    ) -> None:  # fmt: skip
        self.task = task
        self.source, self.target = source.hold(), target.hold()
        self.start = start
        """Where in the source, None for its position."""
        self.count = count
        self.offset_at = offset_at
        """Where the guest is told how far it has come."""
        self.once = once
        self.blocks = blocks
        """Whether to wait for a source that has nothing yet."""
        self.done = 0
        self.unsent = memoryview(b"")

    def step(self) -> int:
        """In pieces of a pipe's size, until a file ends, or will not go on and something has been sent."""
        try:
            while self.done < self.count and self._send_piece():
                pass
        except WouldBlock:
            if not self.done:
                raise
        except SyscallError as error:
            if error.errno == EPIPE and not self.done:
                self.task.send_signal(SIGPIPE)
            if not self.done:
                raise
        return self._finish()

    def _send_piece(self) -> bool:
        if not self.unsent:
            room = memoryview(bytearray(min(self.count - self.done, _PIECE_BYTES)))
            source, start = self.source, self.start
            if not self.blocks and source.stream and not source.poll() & POLLIN:
                raise SyscallError(EAGAIN)
            n_read = source.read([room]) if start is None else source.pread([room], start + self.done)
            self.unsent = room[:n_read]
            if not n_read:
                return False
        n_written = self.target.write([self.unsent])
        self.unsent = self.unsent[n_written:]
        self.done += n_written
        if self.unsent and self.source.stream and not self.target.flags & O_NONBLOCK:
            return True
        return not self.unsent and not self.once

    def _finish(self) -> int:
        if self.start is not None:
            self.task.mem.write(self.offset_at, (self.start + self.done).to_bytes(8, "little"))
        self.task.usage.copied(self.done)
        return self.done

    def interrupted(self) -> int:
        """What has been sent counts."""
        if self.done:
            return self._finish()
        raise SyscallError(ERESTARTSYS)

    timed_out = interrupted

    def settle(self) -> None:
        """What the target has not taken stays unread. Deviation: a stream of the host's loses it."""
        if self.unsent and self.start is None and not self.source.stream:
            self.source.lseek(-len(self.unsent), SEEK_CUR)
            self.unsent = memoryview(b"")

    def close(self) -> None:
        """Unpin the files."""
        self.settle()
        self.source.release()
        self.target.release()


def begin(operation: Pump) -> int:
    """Do what can be done at once; sleep where that is nothing."""
    try:
        done = operation.step()
    except WouldBlock as blocked:
        raise Park.after(blocked, operation) from None
    except SyscallError:
        operation.close()
        raise
    operation.close()
    return done


@syscall("copy_file_range")
def sys_copy_file_range(
    task: Task, fd_in: FdArg, off_in: Annotated[UserAddr, StructAt(IN, INT64)], fd_out: FdArg,
    off_out: Annotated[UserAddr, StructAt(IN, INT64)], len: SizeArg, flags: UIntArg,  # noqa: A002
) -> int:  # fmt: skip
    """Between regular files of one file system (fs/read_write.c, vfs_copy_file_range).

    Errors: EBADF, EFAULT, EINVAL flags or an overlap, EISDIR, EXDEV, EOVERFLOW, EFBIG.
    """
    source, target = task.files.get(fd_in), task.files.get(fd_out)
    starts = [task.mem.read_i64(address) if address else None for address in (off_in, off_out)]
    if flags:
        raise SyscallError(EINVAL)
    places = [file.lseek(0, SEEK_CUR) if at is None and not file.stream else at or 0
              for file, at in zip((source, target), starts, strict=True)]  # fmt: skip
    count = _checked_count(task, source, target, places, len)
    for place in places:
        verify_area(place, count)
    n = _copy(source, target, starts, places, count)
    task.usage.copied(n)
    for address, start in ((off_in, starts[0]), (off_out, starts[1])):
        if start is not None:
            task.mem.write(address, (start + n).to_bytes(8, "little"))
    return n


def _checked_count(task: Task, source: OpenFile, target: OpenFile, places: list[int], count: int) -> int:
    """As much as the source has, and the target may have (generic_copy_file_checks)."""
    seen = source.stat(), target.stat()
    types = [S_IFMT & status.st_mode for status in seen]
    if S_IFDIR in types:
        raise SyscallError(EISDIR)
    if types != [S_IFREG, S_IFREG]:
        raise SyscallError(EINVAL)
    if not source.readable or not target.writable or target.status_flags() & O_APPEND:
        raise SyscallError(EBADF)
    if seen[0].st_dev != seen[1].st_dev:
        raise SyscallError(EXDEV)
    if any((place & _U64) + count > _U64 for place in places):
        raise SyscallError(EOVERFLOW)
    count = 0 if places[0] >= seen[0].st_size else min(count, seen[0].st_size - places[0])
    count = room_to_write(task, target, places[1], count)
    is_same = seen[0].st_ino == seen[1].st_ino
    if is_same and places[1] + count > places[0] and places[1] < places[0] + count:
        raise SyscallError(EINVAL)
    return min(count, MAX_RW_COUNT)


def _copy(
    source: OpenFile, target: OpenFile, starts: list[int | None], places: list[int], count: int
) -> int:  # fmt: skip
    """By the host where both files are its own, else by way of a buffer."""
    if not count:
        return 0
    try:
        return source.copy_range(starts[0], target, starts[1], count)
    except SyscallError as error:
        if error.errno != EXDEV:
            raise
    done = 0
    while done < count:
        piece = memoryview(bytearray(min(count - done, _PIECE_BYTES)))
        n_read = source.pread([piece], places[0] + done)
        n_written = target.pwrite([piece[:n_read]], places[1] + done) if n_read else 0
        done += n_written
        if n_written < len(piece):
            break
    for file, start in ((source, starts[0]), (target, starts[1])):
        if start is None:
            file.lseek(done, SEEK_CUR)
    return done
