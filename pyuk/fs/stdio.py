"""The caller's stdin, stdout and stderr as the guest's: the host descriptors 0, 1 and 2 themselves.

Whatever the guest does not read stays for whoever reads next, as it does natively. The descriptors outlive the
guest's close(2), because pyuk has a use for them. Deviation: a reader at the other end of a pipe sees its end only
when pyuk ends.
"""

from __future__ import annotations

import errno
import os

from pyuk.abi.errno import EACCES, EAGAIN, EBADF, SyscallError
from pyuk.abi.fcntl import O_ACCMODE, O_LARGEFILE, O_NONBLOCK, O_PATH, O_RDONLY, O_RDWR, O_TRUNC
from pyuk.abi.unistd import UIO_MAXIOV
from pyuk.fs.errors import guest_error
from pyuk.fs.file import FdTable, first_bytes
from pyuk.fs.hostfile import HostFile
from pyuk.wait.host import POLLIN, POLLOUT, is_ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.hostfs import HostFs


_PIPE_BUF = 4096


class StdioFile(HostFile):
    """A descriptor shared with pyuk and with whoever started it.

    O_NONBLOCK is the guest's own: on the shared description it would hit the caller's shell and pyuk's own messages.
    """

    __slots__ = ("_asked", "_own_fd")

    def __init__(self, host: HostFs, fd: int, flags: int, mode: int, rdev: int) -> None:
        """flags are a guess: the host refuses what the real access mode forbids, with the same EBADF."""
        super().__init__(host, fd, flags, mode, rdev)
        self._asked = False
        self._own_fd: int | None = None
        """Another descriptor of the same pipe or terminal, which does not block; -1 where none can be had."""

    def status_flags(self) -> int:
        """Asked from the host when the guest first wants to know: the fcntl module is not needed before."""
        if not self._asked:
            import fcntl  # noqa: PLC0415

            self.flags = self.host.guest_flags(fcntl.fcntl(self.fd, fcntl.F_GETFL))
            self._asked = True
        return self.flags

    def close(self) -> None:
        """It is not the guest's alone, and stays."""
        if self._own_fd is not None and self._own_fd >= 0:
            os.close(self._own_fd)
        self._own_fd = None

    def read(self, slices: list[memoryview]) -> int:
        """EAGAIN where the guest asked for that and nothing is there."""
        if self.flags & O_NONBLOCK and not is_ready(self.fd, POLLIN):
            raise SyscallError(EAGAIN)
        return super().read(slices)

    def _write_some(self, slices: list[memoryview]) -> int:
        """The caller's description may block: with room for something, a pipe takes a page for certain."""
        if not self.stream:
            return super()._write_some(slices)
        if not is_ready(self.fd, POLLOUT):
            raise BlockingIOError(errno.EAGAIN, "")
        if sum(map(len, slices)) <= _PIPE_BUF:
            return super()._write_some(slices)
        if self._own_fd is None:
            self._own_fd = self._open_own()
        if self._own_fd < 0:
            return super()._write_some(first_bytes(slices, _PIPE_BUF))
        return os.writev(self._own_fd, slices[:UIO_MAXIOV])

    def _open_own(self) -> int:
        try:
            return os.open(self.host.name_of(self.fd), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return -1  # a socket, or somebody else's terminal

    def reopen(self, flags: int) -> OpenFile:
        """Anew, with no more rights than the caller has given. Errors: EACCES it was not opened for that."""
        wanted, given = flags & O_ACCMODE, self.status_flags() & O_ACCMODE
        if not flags & O_PATH and given != O_RDWR and (wanted != given or (flags & O_TRUNC and given == O_RDONLY)):
            raise SyscallError(EACCES)
        return super().reopen(flags)

    def set_status(self, flags: int) -> None:
        """O_APPEND as asked; O_NONBLOCK is only remembered."""
        super().set_status(flags & ~O_NONBLOCK)
        self.flags = flags
        self._asked = True


def stdio_table(host: HostFs, fds: Iterable[int] | None = None) -> FdTable:
    """A table with those of 0, 1 and 2 that are the caller's; without `fds` these are the open ones."""
    table = FdTable()
    for fd in range(3) if fds is None else fds:
        try:
            file = stdio_file(host, fd)
        except SyscallError as error:
            if error.errno != EBADF:
                raise
        else:
            table.replace(fd, file)
    return table


def stdio_file(host: HostFs, fd: int) -> StdioFile:
    """A descriptor of the host's, which stays its owner's. Errors: EBADF."""
    try:
        status = os.fstat(fd)
    except OSError as error:
        raise guest_error(error) from None
    return StdioFile(host, fd, O_RDWR | O_LARGEFILE, status.st_mode, status.st_rdev)
