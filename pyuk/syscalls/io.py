"""read(2), write(2), pread(2), pwrite(2), lseek(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EFAULT, EINVAL, EPIPE, ESPIPE, SyscallError
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_FSIZE
from pyuk.abi.signal import SIGPIPE
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT, PIPE_BUF, SEEK_HOLE
from pyuk.machine.paging import TASK_SIZE
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        FdArg,
        OffArg,
        SizeArg,
        WhenceArg,
    )
    from pyuk.abi.kinds import IN, OUT, Buffer
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_SMALL_BYTES = 1 << 16
"""What is moved here, in one host call. All that is not so simple is left to pyuk.syscalls.transfer."""


@syscall("read")
def sys_read(task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(OUT, "return")], count: SizeArg) -> int:
    """Read at the file's position."""
    file = task.files.get(fd)
    if not file.readable:
        raise SyscallError(EBADF)
    return _read(task, file, buf, count)


@syscall("write")
def sys_write(task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(IN, "count")], count: SizeArg) -> int:
    """Write at the file's position."""
    file = task.files.get(fd)
    if not file.writable:
        raise SyscallError(EBADF)
    return _write(task, file, buf, count)


@syscall("pread64")
def sys_pread64(
    task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(OUT, "return")], count: SizeArg, offset: OffArg
) -> int:
    """Read elsewhere; the position stays."""
    if offset < 0:
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if file.stream:
        raise SyscallError(ESPIPE)
    if not file.readable:
        raise SyscallError(EBADF)
    return _read(task, file, buf, count, offset)


@syscall("pwrite64")
def sys_pwrite64(
    task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(IN, "count")], count: SizeArg, offset: OffArg
) -> int:
    """Write elsewhere; the position stays."""
    file = positional(task, fd, offset)
    if not file.writable:
        raise SyscallError(EBADF)
    return _write(task, file, buf, count, offset)


@syscall("lseek")
def sys_lseek(task: Task, fd: FdArg, offset: OffArg, whence: WhenceArg) -> int:
    """Move the file's position."""
    file = task.files.get(fd)
    if whence > SEEK_HOLE:
        raise SyscallError(EINVAL)
    if file.stream:
        raise SyscallError(ESPIPE)
    return file.lseek(offset, whence)


def positional(task: Task, fd: int, offset: int) -> OpenFile:
    """Linux fs/read_write.c: a negative offset is seen before the descriptor, a pipe before its access mode."""
    if offset < 0:
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if file.stream:
        raise SyscallError(ESPIPE)
    return file


def _read(task: Task, file: OpenFile, address: UserAddr, count: int, offset: int | None = None) -> int:
    """As read(2), once the file is known to be readable; pread(2) where an offset is given."""
    usage = task.usage
    usage.n_reads += 1
    if 0 < count <= _SMALL_BYTES:
        try:
            if file.stream:
                if address > TASK_SIZE - count:
                    raise SyscallError(EFAULT)
                file.await_bytes()
            try:
                slices = task.mem.slices(address, count, True)  # noqa: FBT003
            except SyscallError:
                pass  # whether that matters depends on the file
            else:
                n_bytes = file.read(slices) if offset is None else file.pread(slices, offset)
                usage.read_chars += n_bytes
                return n_bytes
        except WouldBlock as blocked:
            from pyuk.syscalls.transfer import Transfer  # noqa: PLC0415

            raise Transfer(task, file, [(address, count)], offset, filling=True).park(blocked) from None
    if count > TASK_SIZE or address > TASK_SIZE - count:
        raise SyscallError(EFAULT)
    from pyuk.syscalls.transfer import read_segments  # noqa: PLC0415

    return read_segments(task, file, [(address, min(count, MAX_RW_COUNT))] if count else [], offset)


def _write(task: Task, file: OpenFile, address: UserAddr, count: int, offset: int | None = None) -> int:
    """As write(2), once the file is known to be writable; pwrite(2) where an offset is given."""
    usage = task.usage
    usage.n_writes += 1
    if file.takes_unread and count <= TASK_SIZE - address:
        n_bytes = min(count, MAX_RW_COUNT)
        usage.write_chars += n_bytes
        return n_bytes
    is_stream = file.stream
    if 0 < count <= (PIPE_BUF if is_stream else _SMALL_BYTES):
        slices: list[memoryview] = []
        if is_stream or task.process.limits.soft[RLIMIT_FSIZE] == RLIM64_INFINITY:
            try:
                slices = task.mem.slices(address, count, False)  # noqa: FBT003
            except SyscallError:
                pass
        if slices and (not is_stream or sum(map(len, slices)) == count):
            try:
                n_bytes = file.write(slices) if offset is None else file.pwrite(slices, offset)
            except SyscallError as error:
                if error.errno == EPIPE and file.sends_sigpipe:
                    task.send_signal(SIGPIPE)
                raise
            except WouldBlock:
                pass  # nothing has been written
            else:
                usage.write_chars += n_bytes
                return n_bytes
    if count > TASK_SIZE or address > TASK_SIZE - count:
        raise SyscallError(EFAULT)
    from pyuk.syscalls.transfer import write_segments  # noqa: PLC0415

    return write_segments(task, file, [(address, min(count, MAX_RW_COUNT))] if count else [], offset)
