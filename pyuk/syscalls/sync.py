"""Hints, flushing, and copying between files inside the kernel."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, EISDIR, EOVERFLOW, EPIPE, ERESTARTSYS, ESPIPE, SyscallError
from pyuk.abi.fcntl import O_APPEND
from pyuk.abi.signal import SIGPIPE
from pyuk.abi.stat import S_IFDIR, S_IFIFO, S_IFMT, S_IFREG
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT, SEEK_CUR
from pyuk.syscalls.filesize import room_to_write
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FadviseArg, FdArg, LengthArg, OffArg, SizeArg, UIntArg
    from pyuk.abi.kinds import INOUT, Flags, StructAt
    from pyuk.abi.structs import INT64
    from pyuk.abi.tables import Table
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_LAST_ADVICE = 5
_U64 = (1 << 64) - 1
_PIECE_BYTES = 1 << 16
_SYNC_FLAGS = 7  # include/uapi/linux/fs.h: SYNC_FILE_RANGE_*


@syscall("fadvise64", note="a hint that is not passed on")
def sys_fadvise64(task: Task, fd: FdArg, offset: OffArg, len: LengthArg, advice: FadviseArg) -> int:  # noqa: A002
    """Checked, then forgotten."""
    file = task.files.get(fd)
    if S_IFMT & file.stat().st_mode == S_IFIFO:
        raise SyscallError(ESPIPE)
    if len < 0 or not 0 <= advice <= _LAST_ADVICE:
        raise SyscallError(EINVAL)
    return 0


@syscall("sync", note="what guests have written is the host's already, which puts it on the disk when it likes")
def sys_sync(_task: Task) -> int:
    """Write everything out."""
    return 0


@syscall("fsync")
def sys_fsync(task: Task, fd: FdArg) -> int:
    """Data and metadata to the disk."""
    task.files.get(fd).sync(data_only=False)
    return 0


@syscall("fdatasync")
def sys_fdatasync(task: Task, fd: FdArg) -> int:
    """Data to the disk."""
    task.files.get(fd).sync(data_only=True)
    return 0


@syscall("sync_file_range", note="flushes the whole file")
def sys_sync_file_range(
    task: Task, fd: FdArg, offset: OffArg, nbytes: OffArg,
    flags: Annotated[int, Flags(Table("fcntl", "SYNC_FILE_RANGE_"), "uint")],
) -> int:  # fmt: skip
    """A range of a file to the disk."""
    file = task.files.get(fd)
    if flags & ~_SYNC_FLAGS or offset < 0 or nbytes < 0 or offset + nbytes >= 1 << 63:
        raise SyscallError(EINVAL)
    if S_IFMT & file.stat().st_mode == S_IFIFO:
        raise SyscallError(ESPIPE)
    if flags:
        file.sync(data_only=True)
    return 0


@syscall("sendfile")
def sys_sendfile(
    task: Task, out_fd: FdArg, in_fd: FdArg, offset: Annotated[UserAddr, StructAt(INOUT, INT64)], count: SizeArg
) -> int:
    """From one file to another, from the given offset or from the position."""
    start = task.mem.read_i64(offset) if offset else None
    source = task.files.get(in_fd)
    if not source.readable:
        raise SyscallError(EBADF)
    if start is not None and (start < 0 or source.stream):
        raise SyscallError(EINVAL if start < 0 and not source.stream else ESPIPE)
    if count >> 63 or (start or 0) + count >= 1 << 63:
        raise SyscallError(EINVAL)
    target = task.files.get(out_fd)
    if not target.writable:
        raise SyscallError(EBADF)
    if target.status_flags() & O_APPEND or S_IFMT & source.stat().st_mode == S_IFDIR:
        raise SyscallError(EINVAL)
    count = room_to_write(task, target, None, min(count, MAX_RW_COUNT))
    operation = SendFile(task, source, target, start, count, offset)
    try:
        sent = operation.step()
    except WouldBlock as blocked:
        raise Park.after(blocked, operation) from None
    except SyscallError:
        operation.close()
        raise
    operation.close()
    return sent


class SendFile:
    """What is left of a sendfile: both files pinned, and what was read and not yet taken."""

    __slots__ = ("count", "done", "offset_at", "source", "start", "target", "task", "unsent")

    def __init__(
        self, task: Task, source: OpenFile, target: OpenFile, start: int | None, count: int, offset_at: UserAddr
    ) -> None:
        self.task = task
        self.source, self.target = source.hold(), target.hold()
        self.start = start
        self.count = count
        self.offset_at = offset_at
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
            start = self.start
            n_read = self.source.read([room]) if start is None else self.source.pread([room], start + self.done)
            self.unsent = room[:n_read]
            if not n_read:
                return False
        n_written = self.target.write([self.unsent])
        self.unsent = self.unsent[n_written:]
        self.done += n_written
        return not self.unsent and not self.source.stream

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
        """What the target has not taken stays unread. Deviation: a stream loses it once the call has ended."""
        if self.unsent and self.start is None and not self.source.stream:
            self.source.lseek(-len(self.unsent), SEEK_CUR)
            self.unsent = memoryview(b"")

    def close(self) -> None:
        """Unpin the files."""
        self.settle()
        self.source.release()
        self.target.release()


@syscall("copy_file_range")
def sys_copy_file_range(
    task: Task, fd_in: FdArg, off_in: Annotated[UserAddr, StructAt(INOUT, INT64)], fd_out: FdArg,
    off_out: Annotated[UserAddr, StructAt(INOUT, INT64)], len: SizeArg, flags: UIntArg,  # noqa: A002
) -> int:  # fmt: skip
    """Between regular files, by the host where it can."""
    source, target = task.files.get(fd_in), task.files.get(fd_out)
    starts = [task.mem.read_i64(address) if address else None for address in (off_in, off_out)]
    if flags:
        raise SyscallError(EINVAL)
    types = [S_IFMT & file.stat().st_mode for file in (source, target)]
    if S_IFDIR in types:
        raise SyscallError(EISDIR)
    if types != [S_IFREG, S_IFREG]:
        raise SyscallError(EINVAL)
    if not source.readable or not target.writable or target.status_flags() & O_APPEND:
        raise SyscallError(EBADF)
    places = [file.lseek(0, SEEK_CUR) if at is None else at for file, at in zip((source, target), starts, strict=True)]
    if any((place & _U64) + len > _U64 for place in places):  # mm/filemap.c, generic_copy_file_checks: unsigned
        raise SyscallError(EOVERFLOW)
    if min(places) < 0:
        raise SyscallError(EINVAL)
    n = source.copy_range(starts[0], target, starts[1], room_to_write(task, target, starts[1], min(len, MAX_RW_COUNT)))
    task.usage.copied(n)
    for address, start in ((off_in, starts[0]), (off_out, starts[1])):
        if start is not None:
            task.mem.write(address, (start + n).to_bytes(8, "little"))
    return n
