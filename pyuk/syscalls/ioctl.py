"""ioctl(2): what every file understands, and the copying in and out for what the file itself does."""

from __future__ import annotations

from pyuk.abi import ioctls
from pyuk.abi.errno import ENOTTY, EOPNOTSUPP, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.ioctls import FICLONE, FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX
from pyuk.abi.syscall import syscall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import FdArg, IoctlArg, IoctlRequestArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_IN = {
    "TCSETS": 36, "TCSETSW": 36, "TCSETSF": 36, "TCSETA": 18, "TCSETAW": 18, "TCSETAF": 18, "TCSETS2": 44,
    "TCSETSW2": 44, "TCSETSF2": 44, "TIOCSWINSZ": 8, "TIOCSPTLCK": 4,
}  # fmt: skip
"""Bytes copied in. termios is 36, termio 18, termios2 44 bytes (asm-generic/termbits.h, asm-generic/termios.h)."""
_OUT = {
    "TCGETS": 36, "TCGETA": 18, "TCGETS2": 44, "TIOCGWINSZ": 8, "TIOCOUTQ": 4, "FIONREAD": 4, "FIOQSIZE": 8,
    "FIGETBSZ": 4, "FS_IOC_GETFLAGS": 4, "TIOCMGET": 4, "TIOCGSOFTCAR": 4, "TIOCGETD": 4, "TIOCGDEV": 4,
    "TIOCGEXCL": 4, "TIOCGPTN": 4, "TIOCGPTLCK": 4,
}  # fmt: skip
"""Bytes copied out."""
_BY_VALUE = ("TCSBRK", "TCSBRKP", "TCXONC", "TCFLSH")

_shapes: dict[int, tuple[bool, int]] = {}
"""Request to (copied out, bytes); 0 bytes is a plain number. Made on the first ioctl."""


@syscall(
    "ioctl",
    note="terminals without job control (no TIOCGPGRP, TIOCSCTTY and the like), FIONREAD, FIONBIO, FIOCLEX, FIOQSIZE, "
    "FIGETBSZ, FS_IOC_GETFLAGS, FICLONE; the rest ENOTTY",
)
def sys_ioctl(task: Task, fd: FdArg, request: IoctlRequestArg, arg: IoctlArg) -> int:
    """Errors: EBADF, ENOTTY the file knows no such request, EFAULT."""
    file = task.files.get(fd)
    if request == FIOCLEX:
        task.files.cloexec.add(fd)
        return 0
    if request == FIONCLEX:
        task.files.cloexec.discard(fd)
        return 0
    if request == FIONBIO:
        on = task.mem.read_i32(arg)
        file.set_status(file.status_flags() & ~O_NONBLOCK | (O_NONBLOCK if on else 0))
        return 0
    if request == FIOASYNC:
        task.mem.read_i32(arg)
        raise SyscallError(ENOTTY)
    if request == FICLONE:
        return _clone(file, task.files.get(arg & 0xFFFFFFFF))
    if file.is_socket:
        from pyuk.syscalls.sockios import socket_ioctl  # noqa: PLC0415

        return socket_ioctl(task, file, request, arg)
    return _passed(task, file, request, arg)


def _clone(file: OpenFile, source: OpenFile) -> int:
    """Another file's contents without a copy."""
    if source.host_fd() < 0:
        raise SyscallError(EOPNOTSUPP)
    file.control(FICLONE, source.host_fd().to_bytes(8, "little"))
    return 0


def _passed(task: Task, file: OpenFile, request: int, arg: int) -> int:
    if not _shapes:
        _shapes.update({getattr(ioctls, name): (False, size) for name, size in _IN.items()})
        _shapes.update({getattr(ioctls, name): (True, size) for name, size in _OUT.items()})
        _shapes.update({getattr(ioctls, name): (False, 0) for name in _BY_VALUE})
    shape = _shapes.get(request)
    if shape is None:
        raise SyscallError(ENOTTY)
    out, size = shape
    if out:
        task.mem.write(arg, file.control(request, bytes(size)))
        return 0
    if not size:
        file.control(request, arg.to_bytes(8, "little"))
        return 0
    try:
        data = task.mem.read(arg, size)
    except SyscallError:
        file.control(ioctls.TCGETS, bytes(36))  # what is no terminal says ENOTTY before it looks at the pointer
        raise
    file.control(request, data)
    return 0
