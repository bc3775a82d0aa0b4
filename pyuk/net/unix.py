"""AF_UNIX sockets (unix(7)), as far as a client that finds nobody needs them."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, ENOTCONN, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK, O_RDWR
from pyuk.abi.ioctls import FIONREAD
from pyuk.abi.poll import POLLHUP, POLLOUT, POLLWRBAND, POLLWRNORM
from pyuk.abi.socket import SOCK_DGRAM
from pyuk.fs.file import OpenFile
from pyuk.fs.stat import Stat, StatFs
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

_SOCKFS_MAGIC = 0x534F434B
_SOCKFS_DEV = 8
_S_IFSOCK_0777 = 0o140777

_n_made = 0


class UnixSocket(OpenFile):
    """A socket that is not connected: there is no guest yet that could listen."""

    __slots__ = ("ino", "kind")
    can_poll = True

    def __init__(self, kind: int, flags: int) -> None:
        """kind: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET; flags: O_NONBLOCK."""
        global _n_made  # noqa: PLW0603  # inode numbers are counted for the whole of sockfs
        super().__init__(O_RDWR | flags)
        self.stream = True
        self.kind = kind
        _n_made += 1
        self.ino = _n_made

    def read(self, slices: list[memoryview]) -> int:
        """net/unix/af_unix.c: a stream without a peer is EINVAL, a SEQPACKET ENOTCONN, a datagram waits."""
        if self.kind == SOCK_DGRAM and self.flags & O_NONBLOCK:
            raise SyscallError(EAGAIN)
        if self.kind == SOCK_DGRAM:
            raise WouldBlock(WaitQueue())  # nobody can send anything yet
        return super().read(slices) if self.kind == 1 else self._not_connected()

    def write(self, slices: list[memoryview]) -> int:
        """ENOTCONN."""
        return self._not_connected()

    def poll(self) -> int:
        """There is room to write; a stream without a peer has hung up (net/unix/af_unix.c, unix_poll)."""
        return POLLOUT | POLLWRNORM | POLLWRBAND | (0 if self.kind == SOCK_DGRAM else POLLHUP)

    def _not_connected(self) -> int:
        raise SyscallError(ENOTCONN)

    def control(self, request: int, data: bytes) -> bytes:
        """FIONREAD on a stream is EINVAL only for a listener: nothing is there."""
        if request == FIONREAD:
            return bytes(4)
        return super().control(request, data)

    def stat(self) -> Stat:
        """As sockfs shows it."""
        return Stat(_SOCKFS_DEV, self.ino, _S_IFSOCK_0777)

    def statfs(self) -> StatFs:
        """As sockfs shows it."""
        return StatFs(_SOCKFS_MAGIC)

    def link_text(self) -> bytes:
        """As /proc/PID/fd shows it."""
        return b"socket:[%d]" % self.ino
