"""ioctl(2): what every file understands, and the copying in and out for what the file itself does."""

from __future__ import annotations

import struct

from pyuk.abi import ioctls
from pyuk.abi.errno import EBADF, EINVAL, EISDIR, ENOMEM, ENOTTY, EOPNOTSUPP, EXDEV, SyscallError
from pyuk.abi.fcntl import O_APPEND, O_ASYNC, O_CLOEXEC, O_NONBLOCK, O_PATH
from pyuk.abi.ioctls import (
    FICLONE,
    FICLONERANGE,
    FIDEDUPERANGE,
    FIGETBSZ,
    FIOASYNC,
    FIOCLEX,
    FIONBIO,
    FIONCLEX,
    FIONREAD,
    FIOQSIZE,
    TIOCGPTPEER,
)
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import SEEK_CUR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import FdArg, IoctlArg, IoctlRequestArg
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_IN = {
    "TCSETS": 36, "TCSETSW": 36, "TCSETSF": 36, "TCSETA": 18, "TCSETAW": 18, "TCSETAF": 18, "TCSETS2": 44,
    "TCSETSW2": 44, "TCSETSF2": 44, "TIOCSWINSZ": 8, "TIOCSPTLCK": 4, "TIOCSPGRP": 4, "TIOCPKT": 4, "TIOCSETD": 4,
    "TIOCSTI": 1, "TIOCSLCKTRMIOS": 36, "TIOCSSOFTCAR": 4,
}  # fmt: skip
"""Bytes copied in. termios is 36, termio 18, termios2 44 bytes (asm-generic/termbits.h, asm-generic/termios.h)."""
_OUT = {
    "TCGETS": 36, "TCGETA": 18, "TCGETS2": 44, "TIOCGWINSZ": 8, "TIOCOUTQ": 4, "FIONREAD": 4, "FIOQSIZE": 8,
    "FIGETBSZ": 4, "FS_IOC_GETFLAGS": 4, "TIOCMGET": 4, "TIOCGSOFTCAR": 4, "TIOCGETD": 4, "TIOCGDEV": 4,
    "TIOCGEXCL": 4, "TIOCGPTN": 4, "TIOCGPTLCK": 4, "RNDGETENTCNT": 4, "TIOCGPGRP": 4,
    "TIOCGSID": 4, "TIOCGPKT": 4, "TIOCGLCKTRMIOS": 36,
}  # fmt: skip
"""Bytes copied out."""
_CLONE_RANGE = struct.Struct("<qQQQ")  # struct file_clone_range (include/uapi/linux/fs.h)
_DEDUPE_HEAD = struct.Struct("<QQHHI")  # struct file_dedupe_range
_DEDUPE_TARGET = struct.Struct("<qQQiI")  # struct file_dedupe_range_info
_DEDUPE_COUNT_AT = 16
_PAGE_BYTES = 4096
_BY_VALUE = (
    "TCSBRK", "TCSBRKP", "TCXONC", "TCFLSH", "TIOCSCTTY", "TIOCNOTTY", "TIOCEXCL", "TIOCNXCL", "TIOCVHANGUP",
    "TIOCSBRK", "TIOCCBRK", "TIOCSIG", "TIOCCONS",
)  # fmt: skip

_shapes: dict[int, tuple[bool, int]] = {}
"""Request to (copied out, bytes); 0 bytes is a plain number. Made on the first ioctl."""


@syscall(
    "ioctl",
    note="ioctl_tty(2); on the host's terminal no TIOCSTI, TIOCVHANGUP; FIONREAD, FIONBIO, "
    "FIOCLEX, FIOQSIZE, FIGETBSZ, FS_IOC_GETFLAGS, FICLONE, FICLONERANGE, "
    "FIDEDUPERANGE; the rest ENOTTY",
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
        return _set_async(task, fd, file, on=bool(task.mem.read_i32(arg)))
    handler = _HANDLERS.get(request)
    if handler is not None:
        return handler(task, file, arg)
    if file.is_socket:
        from pyuk.syscalls.sockios import socket_ioctl  # noqa: PLC0415

        return socket_ioctl(task, file, request, arg)
    if request in (FIONREAD, FIGETBSZ, FIOQSIZE) and file.host_fd() < 0 and _of_any_file(task, file, request, arg):
        return 0
    return _passed(task, file, request, arg)


def _open_peer(task: Task, file: OpenFile, argument: int) -> int:
    """The slave of a master, without a name. Errors: EIO it is locked, or this is no master; EMFILE."""
    flags = argument & 0xFFFFFFFF
    task.files.check_room(task.limits.soft[RLIMIT_NOFILE])
    peer = file.open_peer(flags & ~O_CLOEXEC)
    return task.files.install(peer, cloexec=bool(flags & O_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])


def _set_async(task: Task, fd: int, file: OpenFile, *, on: bool) -> int:
    """O_ASYNC. Errors: ENOTTY the file knows of no such thing."""
    if on != bool(file.status_flags() & O_ASYNC):
        if not file.has_fasync:
            raise SyscallError(ENOTTY)
        from pyuk.kernel.sigio import set_async  # noqa: PLC0415

        set_async(task, file, fd, on=on)
    return 0


def _clone(task: Task, file: OpenFile, source_fd: int) -> int:
    """Another file's contents without a copy (FICLONE)."""
    source = task.files.get(source_fd & 0xFFFFFFFF)
    _check_clone(source, file)
    file.control(FICLONE, source.host_fd().to_bytes(8, "little"))
    return 0


def _clone_range(task: Task, file: OpenFile, address: int) -> int:
    """A part of it (FICLONERANGE)."""
    source_fd, start, length, target_start = _CLONE_RANGE.unpack(task.mem.read(address, _CLONE_RANGE.size))
    source = task.files.get(source_fd)
    _check_clone(source, file)
    file.control(FICLONERANGE, _CLONE_RANGE.pack(source.host_fd(), start, length, target_start))
    return 0


def _check_clone(source: OpenFile, target: OpenFile) -> None:
    """Linux fs/remap_range.c, do_clone_file_range. Errors: EXDEV, EISDIR, EINVAL, EBADF, EOPNOTSUPP."""
    seen = source.stat(), target.stat()
    if seen[0].st_dev != seen[1].st_dev:
        raise SyscallError(EXDEV)
    kinds = [status.st_mode & S_IFMT for status in seen]
    if S_IFDIR in kinds:
        raise SyscallError(EISDIR)
    if kinds != [S_IFREG, S_IFREG]:
        raise SyscallError(EINVAL)
    if not source.readable or not target.writable or target.status_flags() & O_APPEND:
        raise SyscallError(EBADF)
    if source.host_fd() < 0 or target.host_fd() < 0:
        raise SyscallError(EOPNOTSUPP)


def _dedupe_range(task: Task, file: OpenFile, address: int) -> int:
    """Let files share what is the same (FIDEDUPERANGE): for each target the bytes, or an errno (vfs_dedupe_file_range).

    Errors: EFAULT, ENOMEM too many targets, EINVAL, EISDIR, EOPNOTSUPP the file system has no such thing.
    """
    n_targets = int.from_bytes(task.mem.read(address + _DEDUPE_COUNT_AT, 2), "little")
    size_bytes = _DEDUPE_HEAD.size + n_targets * _DEDUPE_TARGET.size
    if size_bytes > _PAGE_BYTES:
        raise SyscallError(ENOMEM)
    data = bytearray(task.mem.read(address, size_bytes))
    start, length, _n, reserved_1, reserved_2 = _DEDUPE_HEAD.unpack_from(data)
    kind = file.stat().st_mode & S_IFMT
    if not file.readable or reserved_1 or reserved_2 or start + length >= 1 << 64:
        raise SyscallError(EINVAL)
    if kind != S_IFREG:
        raise SyscallError(EISDIR if kind == S_IFDIR else EINVAL)
    if file.host_fd() < 0:
        raise SyscallError(EOPNOTSUPP)
    for i in range(n_targets):
        at = _DEDUPE_HEAD.size + i * _DEDUPE_TARGET.size
        fd, target_start, _done, _status, reserved = _DEDUPE_TARGET.unpack_from(data, at)
        done, status = _dedupe(task, file, (start, length), fd, target_start) if not reserved else (0, -EINVAL)
        _DEDUPE_TARGET.pack_into(data, at, fd, target_start, done, status, reserved)
    task.mem.write(address, data)
    return 0


def _dedupe(task: Task, file: OpenFile, source: tuple[int, int], fd: int, target_start: int) -> tuple[int, int]:
    """Bytes and status for one target."""
    target = task.files.find(fd)
    if target is None or target.flags & O_PATH:
        return 0, -EBADF
    if target.host_fd() < 0 or target.stat().st_dev != file.stat().st_dev:
        return 0, -EXDEV
    head = _DEDUPE_HEAD.pack(*source, 1, 0, 0)
    answer = file.control(FIDEDUPERANGE, head + _DEDUPE_TARGET.pack(target.host_fd(), target_start, 0, 0, 0))
    _fd, _start, done, status, _reserved = _DEDUPE_TARGET.unpack_from(answer, len(head))
    return done, status


def _of_any_file(task: Task, file: OpenFile, request: int, arg: int) -> bool:
    """What Linux answers for the file (do_vfs_ioctl). The host does it for its own."""
    status = file.stat()
    kind = status.st_mode & S_IFMT
    if request == FIONREAD and kind == S_IFREG:
        task.mem.write_u32(arg, status.st_size - file.lseek(0, SEEK_CUR))
    elif request == FIGETBSZ:
        task.mem.write_u32(arg, status.st_blksize)
    elif request == FIOQSIZE and kind in (S_IFREG, S_IFDIR, S_IFLNK):
        task.mem.write_u64(arg, status.st_blocks << 9)
    else:
        return False
    return True


def _passed(task: Task, file: OpenFile, request: int, arg: int) -> int:
    if file.is_listener:
        from pyuk.syscalls.seccomp import listener_ioctl  # noqa: PLC0415

        return listener_ioctl(task, file, request, arg)
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
        file.check_request(request)
        raise
    file.control(request, data)
    return 0


_HANDLERS = {
    FICLONE: _clone, FICLONERANGE: _clone_range, FIDEDUPERANGE: _dedupe_range, TIOCGPTPEER: _open_peer,
}  # fmt: skip
