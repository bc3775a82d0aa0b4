"""A file opened for execution: its first page, and reads as the kernel's own (kernel_read)."""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import EACCES, EINVAL, EIO, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK, O_RDONLY
from pyuk.loader import LoadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.loader.protocols import Credentials, ExecutableFile, Opener, StatLike

BINPRM_BUF_SIZE = 256
"""How much of a file its format is recognised by (include/uapi/linux/binfmts.h)."""
PATH_MAX = 4096

_HEAD_BYTES = 4096
_LOFF_MAX = (1 << 63) - 1


class Image:
    """A regular file that the process may execute.

    Invariant: `head` is the file's first page, or all of the file when that is shorter.
    """

    __slots__ = ("file", "head", "path")

    def __init__(self, path: bytes, file: ExecutableFile) -> None:
        self.path = path
        self.file = file
        buffer = bytearray(_HEAD_BYTES)
        n_bytes = file.pread([memoryview(buffer)], 0)
        self.head = bytes(buffer[:n_bytes])

    @property
    def buf(self) -> bytes:
        """bprm->buf: the first 256 bytes, padded with zeros."""
        return self.head[:BINPRM_BUF_SIZE].ljust(BINPRM_BUF_SIZE, b"\0")

    def read(self, offset: int, n_bytes: int) -> bytes:
        """All of [offset, offset + n_bytes) or nothing.

        Errors: EIO the file ends before; EINVAL the range is not within loff_t. Source: elf_read, rw_verify_area.
        """
        end = offset + n_bytes
        if end <= len(self.head):
            return self.head[offset:end]
        if end > _LOFF_MAX:
            raise SyscallError(EINVAL, "file offset out of range")
        buffer = bytearray(n_bytes)
        if self.file.pread([memoryview(buffer)], offset) != n_bytes:
            raise SyscallError(EIO, "file ends too early")
        return bytes(buffer)


def open_exec(opener: Opener, path: bytes, creds: Credentials) -> Image:
    """Open a file to run it. O_NONBLOCK: a FIFO must be refused, not waited for.

    Errors: the opener's; EACCES it is no regular file or has no x bit for this process.
    Source: do_open_execat in fs/exec.c.
    Deviation: a program that may be executed but not read is refused by the opener.
    """
    file = opener(path, O_RDONLY | O_NONBLOCK)
    try:
        stat = file.stat()
        if not modes.S_ISREG(stat.st_mode):
            is_directory = modes.S_ISDIR(stat.st_mode)
            raise LoadError(EACCES, "is a directory" if is_directory else "not a regular file")
        if not _may_execute(stat, creds):
            raise LoadError(EACCES, "no execute permission")
        return Image(path, file)
    except BaseException:
        file.release()
        raise


def _may_execute(stat: os.stat_result | StatLike, creds: Credentials) -> bool:
    """The x bit of the one class that the process falls in; root needs any of the three.

    Source: path_resolution(7); generic_permission in fs/namei.c. Deviation: access control lists are not looked at.
    """
    mode = stat.st_mode
    if creds.euid == 0:
        return bool(mode & 0o111)
    if creds.euid == stat.st_uid:
        return bool(mode & 0o100)
    if creds.egid == stat.st_gid or stat.st_gid in creds.groups:
        return bool(mode & 0o010)
    return bool(mode & 0o001)
