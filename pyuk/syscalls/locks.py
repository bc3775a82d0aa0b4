"""flock(2), and the record locks of fcntl(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, EOVERFLOW, ERESTARTSYS, SyscallError
from pyuk.abi.fcntl import (
    F_GETLK,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_RDLCK,
    F_SETLKW,
    F_UNLCK,
    F_WRLCK,
    LOCK_EX,
    LOCK_NB,
    LOCK_SH,
    LOCK_UN,
)  # fmt: skip
from pyuk.abi.structs import FLOCK
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import SEEK_CUR, SEEK_END, SEEK_SET
from pyuk.fs.locks import END, LockTable, Record
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.declare import FdArg, FlockArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_LOCK_MAND = 32  # include/uapi/asm-generic/fcntl.h
_OF_DESCRIPTIONS = (F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW)
_LAST = END - 1  # OFFSET_MAX


def record_lock(task: Task, fd: int, file: OpenFile, cmd: int, address: int) -> int:
    """F_GETLK, F_SETLK, F_SETLKW and those of open file descriptions (fs/locks.c, fcntl_setlk).

    Errors: EFAULT, EINVAL, EOVERFLOW, EBADF the access mode, EAGAIN, EDEADLK.
    """
    kind, whence, start, length, pid = FLOCK.unpack(task.mem.read(address, FLOCK.size))
    asks = cmd in (F_GETLK, F_OFD_GETLK)
    if asks and kind not in (F_RDLCK, F_WRLCK):
        raise SyscallError(EINVAL)
    start, end = _range(file, whence, start, length)
    if kind not in (F_RDLCK, F_WRLCK, F_UNLCK):
        raise SyscallError(EINVAL)
    if not asks and ((kind == F_RDLCK and not file.readable) or (kind == F_WRLCK and not file.writable)):
        raise SyscallError(EBADF)
    is_process_s = cmd not in _OF_DESCRIPTIONS
    if pid and not is_process_s:
        raise SyscallError(EINVAL)
    wish = Record(task.files if is_process_s else file, start, end, kind, task.process.pid if is_process_s else -1)
    table = lock_table(task)
    if asks:
        _answer(task, table.of(file).find(file, wish), address)
        return 0
    _lock(task, fd, file, wish, waits=cmd in (F_SETLKW, F_OFD_SETLKW))
    return 0


def _range(file: OpenFile, whence: int, start: int, length: int) -> tuple[int, int]:
    """The half-open range of a struct flock (flock_to_posix_lock)."""
    if whence == SEEK_CUR:
        base = 0 if file.stream else file.lseek(0, SEEK_CUR)
    elif whence == SEEK_END:
        base = file.stat().st_size
    elif whence == SEEK_SET:
        base = 0
    else:
        raise SyscallError(EINVAL)
    if start > _LAST - base:
        raise SyscallError(EOVERFLOW)
    start += base
    if start < 0:
        raise SyscallError(EINVAL)
    if length > 0:
        if length - 1 > _LAST - start:
            raise SyscallError(EOVERFLOW)
        return start, start + length
    if length < 0:
        if start + length < 0:
            raise SyscallError(EINVAL)
        return start + length, start
    return start, END


def _answer(task: Task, found: Record | None, address: int) -> None:
    """Who is in the way; of nobody, only l_type says so."""
    if found is None:
        task.mem.write(address, F_UNLCK.to_bytes(2, "little"))
    else:
        length = 0 if found.end == END else found.end - found.start
        task.mem.write(address, FLOCK.pack(found.kind, SEEK_SET, found.start, length, found.pid))


def _lock(task: Task, fd: int, file: OpenFile, wish: Record, *, waits: bool) -> None:
    table = lock_table(task)

    def ask() -> None:
        table.of(file).set(file, wish, waits=waits)
        table.waiting.pop(wish, None)
        if task.files.find(fd) is not file and wish.kind != F_UNLCK:  # another thread has closed it meanwhile
            wish.kind = F_UNLCK
            table.of(file).set(file, wish, waits=False)
            raise SyscallError(EBADF)

    try:
        ask()
    except WouldBlock as blocked:
        raise Park.after(blocked, LockWait(file, ask, lambda: table.waiting.pop(wish, None))) from None


@syscall("flock")
def sys_flock(task: Task, fd: FdArg, cmd: FlockArg) -> int:
    """A lock on the whole file, owned by the open file description. LOCK_MAND is accepted and does nothing."""
    if cmd & _LOCK_MAND:
        return 0
    if cmd & ~LOCK_NB not in (LOCK_SH, LOCK_EX, LOCK_UN):
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if cmd & ~LOCK_NB != LOCK_UN and not (file.readable or file.writable):
        raise SyscallError(EBADF)
    table = lock_table(task)
    try:
        table.of(file).flock(file, cmd)
    except WouldBlock as blocked:
        raise Park.after(blocked, LockWait(file, lambda: table.of(file).flock(file, cmd))) from None
    return 0


def lock_table(task: Task) -> LockTable:
    """The kernel's."""
    table = task.kernel.locks
    if table is None:
        table = task.kernel.locks = LockTable()
    return table


class LockWait:
    """A lock that somebody else holds: asked for until it is there. The open file is pinned."""

    __slots__ = ("_ask", "_file", "_give_up")

    def __init__(self, file: OpenFile, ask: Callable[[], object], give_up: Callable[[], object] = lambda: None) -> None:
        self._file = file.hold()
        self._ask = ask
        self._give_up = give_up

    def step(self) -> int:
        """Ask again; may raise WouldBlock."""
        self._ask()
        return 0

    def interrupted(self) -> int:
        """Asked for again unless a handler without SA_RESTART runs."""
        raise SyscallError(ERESTARTSYS)

    timed_out = interrupted

    def close(self) -> None:
        """Wait no more, and unpin the file."""
        self._give_up()
        self._file.release()
