"""A terminal that is open: the description behind a descriptor (drivers/tty/tty_io.c)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EIO, ENOTTY, SyscallError
from pyuk.abi.fcntl import O_CLOEXEC, O_CREAT, O_EXCL, O_LARGEFILE, O_NOCTTY, O_TRUNC
from pyuk.abi.ioctls import TIOCPKT, TIOCSPGRP, TIOCSPTLCK
from pyuk.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM
from pyuk.fs.file import OpenFile, first_bytes, scatter
from pyuk.fs.tmpfile import NodeFile, shown_path
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.tmpnode import Entry
    from pyuk.fs.tty.device import Tty
    from pyuk.wait.queue import WaitQueue

_OF_MASTERS = (TIOCPKT, TIOCSPTLCK)
_WRITE_CHUNK_BYTES, _READ_CHUNK_BYTES = 2048, 64
_NOT_SHOWN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC
_HUNG_UP = POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM


class TtyFile(NodeFile):
    """A terminal opened once. When the terminal hangs up, this stays hung up, whoever opens the terminal again."""

    __slots__ = ("_is_awaited", "entry", "hung_up", "inode", "tty")
    can_poll = True

    def __init__(self, tty: Tty, entry: Entry, flags: int) -> None:
        """entry: by which it was opened. flags: open(2)'s."""
        super().__init__(flags & ~_NOT_SHOWN | O_LARGEFILE)
        self.entry = entry
        self.inode = entry.inode
        self.inode.hold()
        self.stream = True
        self.tty = tty
        self.hung_up = False
        self._is_awaited = False
        tty.files.add(self)

    def close(self) -> None:
        """One description less."""
        super().close()
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

    def check_request(self, request: int) -> None:
        """Errors: EIO, ENOTTY."""
        if self.hung_up:
            raise SyscallError(ENOTTY if request == TIOCSPGRP else EIO)
        if not self.tty.is_master and request in _OF_MASTERS:
            raise SyscallError(ENOTTY)

    def open_peer(self, flags: int) -> OpenFile:
        """Errors: EIO this is no master, or its slave is locked."""
        if self.hung_up or not self.tty.is_master:
            raise SyscallError(EIO)
        slave = self.tty.slave
        return slave.open(slave.entry, flags)

    def link_text(self) -> bytes:
        """As /proc/PID/fd shows it."""
        return super().link_text() if self.mount is not None else b"/dev/pts/" + shown_path(self)

    def reopen(self, flags: int) -> OpenFile:
        """Another description, as by its name."""
        if self.tty.is_master:
            raise SyscallError(EIO)
        return self.tty.open(self.entry, flags)
