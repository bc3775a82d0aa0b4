"""The caller's stdin, stdout and stderr as the guest's: the host descriptors 0, 1 and 2 themselves.

Whatever the guest does not read stays for whoever reads next, as it does natively. The descriptors outlive the
guest's close(2), because pyuk has a use for them. Deviation: a reader at the other end of a pipe sees its end only
when pyuk ends.
"""

from __future__ import annotations

import os

from pyuk.abi.errno import EAGAIN, EBADF, SyscallError
from pyuk.abi.fcntl import O_LARGEFILE, O_NONBLOCK, O_RDWR
from pyuk.fs.errors import guest_error
from pyuk.fs.file import FdTable
from pyuk.fs.hostfile import HostFile
from pyuk.wait.host import POLLIN, POLLOUT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyuk.fs.hostfs import HostFs


class StdioFile(HostFile):
    """A descriptor shared with pyuk and with whoever started it.

    O_NONBLOCK is the guest's own: on the shared description it would hit the caller's shell and pyuk's own messages.
    """

    __slots__ = ("_asked",)

    def __init__(self, host: HostFs, fd: int, flags: int, mode: int, rdev: int) -> None:
        """flags are a guess: the host refuses what the real access mode forbids, with the same EBADF."""
        super().__init__(host, fd, flags, mode, rdev)
        self._asked = False

    def status_flags(self) -> int:
        """Asked from the host when the guest first wants to know: the fcntl module is not needed before."""
        if not self._asked:
            import fcntl  # noqa: PLC0415

            self.flags = self.host.guest_flags(fcntl.fcntl(self.fd, fcntl.F_GETFL))
            self._asked = True
        return self.flags

    def close(self) -> None:
        """Nothing: it is not the guest's alone."""

    def read(self, slices: list[memoryview]) -> int:
        """EAGAIN where the guest asked for that and nothing is there."""
        if self.flags & O_NONBLOCK:
            self._check_ready(POLLIN)
        return super().read(slices)

    def write(self, slices: list[memoryview]) -> int:
        """EAGAIN where the guest asked for that and there is no room."""
        if self.flags & O_NONBLOCK:
            self._check_ready(POLLOUT)
        return super().write(slices)

    def set_status(self, flags: int) -> None:
        """O_APPEND as asked; O_NONBLOCK is only remembered."""
        super().set_status(flags & ~O_NONBLOCK)
        self.flags = flags
        self._asked = True

    def _check_ready(self, event: int) -> None:
        import select  # noqa: PLC0415

        poll = select.poll()
        poll.register(self.fd, event)
        if not poll.poll(0):
            raise SyscallError(EAGAIN)


def stdio_table(host: HostFs, fds: Iterable[int] | None = None) -> FdTable:
    """A table with those of 0, 1 and 2 that are the caller's; without `fds` these are the open ones."""
    table = FdTable()
    for fd in range(3) if fds is None else fds:
        try:
            file = _adopt(host, fd)
        except SyscallError as error:
            if error.errno != EBADF:
                raise
        else:
            table.replace(fd, file)
    return table


def _adopt(host: HostFs, fd: int) -> StdioFile:
    try:
        status = os.fstat(fd)
    except OSError as error:
        raise guest_error(error) from None
    return StdioFile(host, fd, O_RDWR | O_LARGEFILE, status.st_mode, status.st_rdev)
