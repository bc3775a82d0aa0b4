"""Directories: reading them, and the one that relative paths start from."""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINVAL, ERANGE, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.abi.types import UserAddr
from pyuk.abi.unistd import SEEK_SET
from pyuk.syscalls.names import user_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, OctalArg, OctalResult, PathArg, SizeArg, UIntArg
    from pyuk.abi.kinds import OUT, Buffer, DirentArray
    from pyuk.kernel.task import Task


@syscall("getdents64")
def sys_getdents64(task: Task, fd: FdArg, dirent: Annotated[UserAddr, DirentArray(64)], count: UIntArg) -> int:
    """As many entries as fit."""
    return _getdents(task, fd, dirent, count, wide=True)


@syscall("getdents")
def sys_getdents(task: Task, fd: FdArg, dirent: Annotated[UserAddr, DirentArray(32)], count: UIntArg) -> int:
    """The old layout: the type is the record's last byte."""
    return _getdents(task, fd, dirent, count, wide=False)


def _getdents(task: Task, fd: int, address: UserAddr, count: int, *, wide: bool) -> int:
    """What fits, or was stored before a bad address. Errors: EINVAL not even one fits, EFAULT; the position stays."""
    file = task.files.get(fd)
    records: list[tuple[bytes, int]] = []
    room = count if count < 1 << 31 else 0  # struct getdents_callback64 counts with an int
    for ino, after, kind, name in file.entries():
        record = _record64(ino, after, kind, name) if wide else _record(ino, after, kind, name)
        if len(record) > room:
            if not records:
                raise SyscallError(EINVAL)
            break
        records.append((record, after))
        room -= len(record)
    if not records:
        return 0
    try:
        task.mem.write(address, b"".join(record for record, _after in records))
    except SyscallError:
        records = records[: _store(task, address, records)]
    file.lseek(records[-1][1], SEEK_SET)
    return sum(len(record) for record, _after in records)


def _store(task: Task, address: UserAddr, records: list[tuple[bytes, int]]) -> int:
    """Record by record: how many can be stored. Errors: EFAULT none."""
    at = address
    for n_stored, (record, _after) in enumerate(records):
        try:
            task.mem.write(at, record)
        except SyscallError:
            if not n_stored:
                raise
            return n_stored
        at = UserAddr(at + len(record))
    return len(records)


def _record64(ino: int, after: int, kind: int, name: bytes) -> bytes:
    """struct linux_dirent64 (include/linux/dirent.h)."""
    length = 19 + len(name) + 1 + 7 & ~7
    return struct.pack("<QqHB", ino, after, length, kind) + name.ljust(length - 19, b"\0")


def _record(ino: int, after: int, kind: int, name: bytes) -> bytes:
    """struct linux_dirent (fs/readdir.c)."""
    length = 18 + len(name) + 2 + 7 & ~7
    return struct.pack("<QQH", ino, after, length) + name.ljust(length - 19, b"\0") + bytes((kind,))


@syscall("getcwd")
def sys_getcwd(task: Task, buf: Annotated[UserAddr, Buffer(OUT, "return", text=True)], size: SizeArg) -> int:
    """The working directory's path with its NUL, whose length is the result."""
    path = task.fs.getcwd() + b"\0"
    if len(path) > size:
        raise SyscallError(ERANGE)
    task.mem.write(buf, path)
    return len(path)


@syscall("chdir")
def sys_chdir(task: Task, filename: PathArg) -> int:
    """Relative paths start there from now on."""
    task.fs.chdir(user_path(task, filename))
    return 0


@syscall("fchdir")
def sys_fchdir(task: Task, fd: FdArg) -> int:
    """At an open directory."""
    task.fs.fchdir(task.files.get_any(fd))
    return 0


@syscall("umask")
def sys_umask(task: Task, mask: OctalArg) -> OctalResult:
    """Set the mask of permission bits for new files, and return the one before."""
    before, task.fs.umask = task.fs.umask, mask & 0o777
    return before
