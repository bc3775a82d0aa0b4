"""What all sockets are (socket(7)): open files with a family, a type, an error to tell, time-outs and options.

A method is asked once for each try: what cannot go on raises WouldBlock with nothing done, or EAGAIN where the caller's
`status` flags have O_NONBLOCK. The calls' arguments have been copied in by then; guest memory is known as slices only.
"""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EFAULT, EINTR, EINVAL, ENODATA, EOPNOTSUPP, ERESTARTSYS, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK, O_RDWR
from pyuk.abi.poll import POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM
from pyuk.abi.socket import SOL_SOCKET
from pyuk.fs.file import OpenFile, first_bytes
from pyuk.fs.stat import Stat, StatFs
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.context import FsContext
    from pyuk.net.message import Incoming, Outgoing
    from pyuk.net.network import Network

    Read = Callable[[int], bytes]
    """Copies in that many bytes of an option's value."""

_SOCKFS_MAGIC = 0x534F434B
_SOCKFS_DEV = 8
_S_IFSOCK_0777 = 0o140777
READABLE, WRITABLE = POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM | POLLWRBAND
RCV_SHUTDOWN, SEND_SHUTDOWN = 1, 2
"""Bits of Socket.is_shut: the directions that are over."""
DEFAULT_BUFFER_BYTES = 212992  # net.core.wmem_default, rmem_default
_SKB_BYTES, _SKB_SHARED_BYTES = 256, 320  # struct sk_buff and skb_shared_info, as they are aligned
_SMALLEST_SLAB, _LARGEST_SLAB = 512, 8192


def true_size(header_bytes: int, page_bytes: int = 0) -> int:
    """What the kernel's buffer for a message takes: a slab for its head, and whole pages for the rest of it.

    Source: Linux 6.1 net/core/skbuff.c, __alloc_skb, alloc_skb_with_frags; SKB_TRUESIZE.
    """
    need = (header_bytes + 63 & -64) + _SKB_SHARED_BYTES
    slab = _SMALLEST_SLAB if need <= _SMALLEST_SLAB else 1 << (need - 1).bit_length()
    return slab + _SKB_BYTES + (page_bytes + 4095 & -4096)


class Socket(OpenFile):
    """A socket. What one family has and another has not is answered here as Linux's proto_ops do (net/core/sock.c).

    state: one of abi/socket.py's TCP_ states, whatever the family. Time-outs are in ns, None for none, 0 for at once.
    """

    __slots__ = (
        "error", "family", "ino", "is_shut", "kind", "low_water_bytes", "mode", "network", "options",
        "passes_credentials", "peek_offset", "protocol", "queue", "receive_buffer_bytes", "receive_timeout_ns",
        "send_buffer_bytes", "send_timeout_ns", "state", "uid",
    )  # fmt: skip
    can_poll = True
    is_socket = True
    sends_sigpipe_late = False
    is_datagram = False
    can_discard = False
    """MSG_TRUNC throws bytes of the stream away, and no buffer is looked at."""
    """Every send is a message, and bytes that a receive does not take of it are lost."""

    def __init__(self, network: Network, family: int, kind: int, protocol: int, flags: int, state: int) -> None:
        """kind: a SOCK_ type; flags: O_NONBLOCK."""
        super().__init__(O_RDWR | flags)
        self.stream = True
        self.network = network
        self.family = family
        self.kind = kind
        self.protocol = protocol
        self.state = state
        self.queue = WaitQueue()
        """Woken when something has come, something was taken, or the connection has changed."""
        self.error = 0
        """What went wrong behind its back, told once (SO_ERROR)."""
        self.is_shut = 0
        self.send_buffer_bytes = self.receive_buffer_bytes = DEFAULT_BUFFER_BYTES
        self.send_timeout_ns: int | None = None
        self.receive_timeout_ns: int | None = None
        self.low_water_bytes = 1
        self.peek_offset = -1
        self.passes_credentials = False
        self.options: dict[tuple[int, int], int] = {}
        """Those of level and name that were set, or have no other place."""
        network.n_made += 1
        self.ino = network.n_made
        self.uid = network.current()[1].euid
        self.mode = _S_IFSOCK_0777

    # What the calls ask for

    def bind(self, address: bytes, fs: FsContext) -> None:
        """As bind(2)."""
        raise SyscallError(EOPNOTSUPP)

    def listen(self, backlog: int) -> None:
        """As listen(2)."""
        raise SyscallError(EOPNOTSUPP)

    def accept(self, status: int) -> Socket:
        """As accept(2), of one connection; the caller owns the one reference."""
        raise SyscallError(EOPNOTSUPP)

    def connect(self, address: bytes, status: int, fs: FsContext) -> None:
        """As connect(2); it may be asked again after it has waited."""
        raise SyscallError(EOPNOTSUPP)

    def name(self) -> bytes:
        """The struct sockaddr of getsockname(2)."""
        raise SyscallError(EOPNOTSUPP)

    def peer_name(self) -> bytes:
        """The struct sockaddr of getpeername(2)."""
        raise SyscallError(EOPNOTSUPP)

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """As sendmsg(2): of a stream what there is room for, else one message."""
        raise SyscallError(EOPNOTSUPP)

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """As recvmsg(2): of a stream what there is, else one message."""
        raise SyscallError(EOPNOTSUPP)

    def shutdown(self, how: int) -> None:
        """As shutdown(2)."""
        raise SyscallError(EOPNOTSUPP)

    def connect_pair(self, other: Socket) -> None:
        """As socketpair(2), between two new sockets."""
        raise SyscallError(EOPNOTSUPP)

    def readable_bytes(self) -> int:
        """How many bytes a receive would give."""
        return 0

    def get_option(self, level: int, name: int, n_bytes: int) -> bytes:
        """As getsockopt(2), the whole value. Errors: EOPNOTSUPP the family has no such level, ENOPROTOOPT."""
        if level != SOL_SOCKET:
            raise SyscallError(EOPNOTSUPP)
        from pyuk.net.options import get_socket_option  # noqa: PLC0415

        return get_socket_option(self, name, n_bytes)

    def set_option(self, level: int, name: int, n_bytes: int, read: Read) -> None:
        """As setsockopt(2). Errors: EINVAL too short, EOPNOTSUPP, ENOPROTOOPT, EFAULT."""
        if level != SOL_SOCKET:
            raise SyscallError(EOPNOTSUPP)
        from pyuk.net.options import set_socket_option  # noqa: PLC0415

        set_socket_option(self, name, n_bytes, read)

    def set_low_water(self, n_bytes: int) -> None:
        """SO_RCVLOWAT."""
        self.low_water_bytes = n_bytes or 1

    def set_peek_offset(self, offset: int) -> None:
        """SO_PEEK_OFF."""
        raise SyscallError(EOPNOTSUPP)

    def peer_credentials(self) -> tuple[int, int, int]:
        """SO_PEERCRED: pid, uid and gid."""
        return 0, -1, -1

    def peer_groups(self) -> list[int]:
        """SO_PEERGROUPS."""
        raise SyscallError(ENODATA)

    def wrote_buffer_size(self) -> None:
        """The send buffer has another size: somebody may have room now."""
        self.queue.wake(WRITABLE)

    def take_error(self) -> int:
        """The error that was not told yet, told now."""
        error, self.error = self.error, 0
        return error

    # Waiting

    def until_readable(self, status: int) -> SyscallError | WouldBlock:
        """What to raise where there is nothing to receive."""
        if status & O_NONBLOCK or self.receive_timeout_ns == 0:
            return SyscallError(EAGAIN)
        return WouldBlock(self.queue, limit_ns=self.receive_timeout_ns or 0)

    def until_writable(self, status: int) -> SyscallError | WouldBlock:
        """What to raise where there is no room to send."""
        if status & O_NONBLOCK or self.send_timeout_ns == 0:
            return SyscallError(EAGAIN)
        return WouldBlock(self.queue, limit_ns=self.send_timeout_ns or 0)

    def interruption(self, *, filling: bool) -> int:
        """A call with a time-out is not made again (include/net/sock.h, sock_intr_errno)."""
        timeout_ns = self.receive_timeout_ns if filling else self.send_timeout_ns
        return ERESTARTSYS if timeout_ns is None else EINTR

    def give_up(self) -> int:
        """The time of SO_RCVTIMEO or SO_SNDTIMEO is over."""
        raise SyscallError(EAGAIN)

    def give_up_connecting(self) -> int:
        """The time of SO_SNDTIMEO is over in connect(2)."""
        raise SyscallError(EAGAIN)

    # As a file

    def read(self, slices: list[memoryview]) -> int:
        """A recv without flags, of something (net/socket.c, sock_read_iter)."""
        return self.receive(slices, 0, self.flags) if slices else 0

    def write(self, slices: list[memoryview]) -> int:
        """A send without flags."""
        return self.send(slices, 0, self.flags)

    @property
    def has_messages(self) -> bool:  # type: ignore[override]
        """But for streams."""
        return self.is_datagram

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """Something must be there for the buffer to matter; a message is lost then."""
        n = self.receive([memoryview(bytearray(1))], 2 if not self.is_datagram else 0, self.flags)  # MSG_PEEK
        if n or self.is_datagram:
            raise SyscallError(EFAULT)
        return 0

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The connection comes first."""
        self.send_nothing(n_bytes, self.flags)
        raise SyscallError(EFAULT)

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """Raise what a send of n_bytes would before it looks at them."""

    def whole_pieces(self, slices: list[memoryview], n_bytes: int) -> list[memoryview]:
        """A piece of a stream's write goes in whole or not at all; a message has only one."""
        return (
            []
            if self.is_datagram
            else first_bytes(slices, sum(map(len, slices)) // self.piece_bytes * self.piece_bytes)
        )

    piece_bytes = 32768

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """One for everything."""
        return (self.queue,)

    def control(self, request: int, data: bytes) -> bytes:
        """See net/ioctls.py."""
        from pyuk.net.ioctls import socket_ioctl  # noqa: PLC0415

        return socket_ioctl(self, request, data)

    def ioctl(self, request: int, data: bytes) -> bytes | None:
        """What the family knows of ioctl(2); None: nothing."""
        return None

    def stat(self) -> Stat:
        """As sockfs shows it."""
        return Stat(_SOCKFS_DEV, self.ino, self.mode)

    def statfs(self) -> StatFs:
        """As sockfs shows it."""
        return StatFs(_SOCKFS_MAGIC)

    def chmod(self, mode: int) -> None:
        """The mode that an AF_UNIX name is made with."""
        self.mode = self.mode & ~0o7777 | mode & 0o7777

    def link_text(self) -> bytes:
        """As /proc/PID/fd shows it."""
        return b"socket:[%d]" % self.ino

    def reopen(self, flags: int) -> OpenFile:
        """A socket is not opened (net/socket.c, sock_no_open)."""
        from pyuk.abi.errno import ENXIO  # noqa: PLC0415

        raise SyscallError(ENXIO)


def need(n_bytes: int, least: int) -> None:
    """An option's value is at least so long."""
    if n_bytes < least:
        raise SyscallError(EINVAL)
