"""A terminal that is open: the description behind a descriptor (drivers/tty/tty_io.c)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EIO, ENOTTY, SyscallError
from pyuk.abi.ioctls import TIOCSPGRP
from pyuk.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from pyuk.fs.file import OpenFile, first_bytes, scatter
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.fs.tty.device import Tty
    from pyuk.wait.queue import WaitQueue

_WRITE_CHUNK_BYTES, _READ_CHUNK_BYTES = 2048, 64
_HUNG_UP = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM


class TtyFile(OpenFile):
    """A terminal opened once. When the terminal hangs up, this stays hung up, whoever opens the terminal again."""

    __slots__ = ("_is_awaited", "hung_up", "tty")
    can_poll = True

    def __init__(self, tty: Tty, flags: int) -> None:
        super().__init__(flags)
        self.stream = True
        self.tty = tty
        self.hung_up = False
        self._is_awaited = False
        tty.files.add(self)

    def close(self) -> None:
        """One description less."""
        if not self.hung_up:
            self.tty.closed(self)

    def read(self, slices: list[memoryview]) -> int:
        """A line, or what there is. Errors: EIO the other end of a pseudoterminal is closed, and in the background."""
        return scatter(slices, self._read(sum(map(len, slices))))

    def _read(self, n_most: int) -> bytes:
        is_awaited, self._is_awaited = self._is_awaited, False
        if self.hung_up:
            if is_awaited:
                raise SyscallError(EIO)
            return b""
        try:
            return self.tty.read(self, n_most)
        except WouldBlock:
            self._is_awaited = True
            raise

    def read_rest(self, slices: list[memoryview]) -> int:
        """What a read that waits no longer gives."""
        self._is_awaited = False
        return 0 if self.hung_up else scatter(slices, self.tty.read_rest(sum(map(len, slices))))

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """What is read is lost."""
        if self._read(min(n_bytes, _READ_CHUNK_BYTES)):
            raise SyscallError(EFAULT)
        return 0

    def write(self, slices: list[memoryview]) -> int:
        """Errors: EIO it has hung up, and in the background (TOSTOP)."""
        if self.hung_up:
            raise SyscallError(EIO)
        data = bytes(slices[0]) if len(slices) == 1 else b"".join(slices)
        return self.tty.write(self, data)

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The bytes are fetched before they are looked at."""
        raise SyscallError(EIO if self.hung_up else EFAULT)

    def whole_pieces(self, slices: list[memoryview], n_bytes: int) -> list[memoryview]:
        """The pieces in which they are fetched."""
        return first_bytes(slices, sum(map(len, slices)) & -_WRITE_CHUNK_BYTES)

    def poll(self) -> int:
        """See Tty.poll."""
        return _HUNG_UP if self.hung_up else self.tty.poll()

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Both ways."""
        return (self.tty.read_wait, self.tty.write_wait)

    def control(self, request: int, data: bytes) -> bytes:
        """As ioctl_tty(2)."""
        if self.hung_up:
            raise SyscallError(ENOTTY if request == TIOCSPGRP else EIO)
        return self.tty.control(self, request, data)

    def stat(self) -> Stat:
        """As its device node."""
        return self.tty.stat()

    def statfs(self) -> StatFs:
        """Of where the node stands."""
        return self.tty.statfs()

    def link_text(self) -> bytes:
        """As /proc/PID/fd shows it."""
        return self.tty.name
