"""SOCK_DGRAM and SOCK_SEQPACKET of AF_UNIX: messages, each sent and received whole.

Source: Linux 6.1 net/unix/af_unix.c, unix_dgram_sendmsg, __unix_dgram_recvmsg, unix_dgram_poll.
"""

from __future__ import annotations

from pyuk.abi.errno import (
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EINVAL,
    EMSGSIZE,
    ENOTCONN,
    EOPNOTSUPP,
    EPERM,
    EPIPE,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.socket import AF_UNSPEC, MSG_OOB, MSG_PEEK, MSG_TRUNC, TCP_CLOSE, TCP_ESTABLISHED
from pyuk.fs.file import scatter
from pyuk.net.socket import RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, WRITABLE, true_size
from pyuk.net.unix import Message, UnixConnecting, UnixSocket, check_address
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.net.message import Incoming, Outgoing
    from pyuk.net.network import Network

_MARGIN_BYTES = 32
_MAX_DATAGRAMS = 512  # net.unix.max_dgram_qlen, as systemd sets it
_HEAD_BYTES = 16064  # SKB_MAX_ALLOC


def _cost(n_bytes: int) -> int:
    in_pages = min(n_bytes, n_bytes - _HEAD_BYTES + 4095 & -4096) if n_bytes > _HEAD_BYTES else 0
    return true_size(n_bytes - in_pages, in_pages)


class _Messages(UnixSocket):
    """What both have."""

    __slots__ = ()
    is_datagram = True
    sends_sigpipe = False

    def _check_size(self, n_bytes: int) -> None:
        if n_bytes > self.send_buffer_bytes - _MARGIN_BYTES:
            raise SyscallError(EMSGSIZE)

    def await_room(self, n_bytes: int) -> None:
        """What is too long is too long, wherever it lies."""
        self._check_size(n_bytes)

    def _check_room(self, status: int) -> None:
        """sock_alloc_send_pskb."""
        if self.error:
            raise SyscallError(self.take_error())
        if self.is_shut & SEND_SHUTDOWN:
            raise SyscallError(EPIPE)
        if self.in_flight >= self.send_buffer_bytes:
            raise self.until_writable(status)

    def _put(self, receiver: UnixSocket, slices: list[memoryview], extra: Outgoing | None) -> int:
        data = slices[0].tobytes() if len(slices) == 1 else b"".join(slices)
        message = Message(self, data, _cost(len(data)))
        if extra is not None or self.passes_credentials or receiver.passes_credentials:
            self.attach_extra(message, receiver, extra)
        receiver.inbox.append(message)
        self.in_flight += message.cost
        receiver.queue.wake(READABLE)
        return len(data)

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """One message. Errors: EOPNOTSUPP MSG_OOB, ECONNRESET, EAGAIN."""
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        if self.error:
            raise SyscallError(self.take_error())
        peeking = bool(flags & MSG_PEEK)
        message, skip = self._next(max(self.peek_offset, 0) if peeking else 0)
        if message is None:
            return self._nothing(status)
        size = len(message.data) - skip
        n = scatter(slices, memoryview(message.data)[skip:] if skip else message.data)
        if extra is not None:
            if n < size:
                extra.flags |= MSG_TRUNC
            self.tell(message, extra)
        if message.rights:
            self.take_rights(message, extra, peeking=peeking)
        if self.peek_offset >= 0:
            self.peek_offset = self.peek_offset + n if peeking else max(self.peek_offset - len(message.data), 0)
        if not peeking:
            self.inbox.popleft()
            self.drop(message)
            self.has_read()
        return size if flags & MSG_TRUNC else n

    def _next(self, skip: int) -> tuple[Message | None, int]:
        """The message at SO_PEEK_OFF (__skb_try_recv_from_queue)."""
        for message in self.inbox:
            if not skip or skip < len(message.data):
                return message, skip
            skip -= len(message.data)
        return None, 0

    def _nothing(self, status: int) -> int:
        blocked = self.until_readable(status)
        if self.is_shut & RCV_SHUTDOWN and (isinstance(blocked, WouldBlock) or self.ends_at_once):
            return 0
        raise blocked

    ends_at_once = False
    """The end of the file is told to who does not wait, too."""

    def has_read(self) -> None:
        """A message less is in the inbox."""
        self.room.wake()

    def readable_bytes(self) -> int:
        """Those of the first message."""
        return len(self.inbox[0].data) if self.inbox else 0


class UnixDatagram(_Messages):
    """SOCK_DGRAM. `pollers` are those whose poll(2) has said that this one takes no more."""

    __slots__ = ("pollers",)

    def __init__(self, network: Network, kind: int, flags: int) -> None:
        super().__init__(network, kind, flags)
        self.pollers: dict[UnixDatagram, None] = {}

    def connect(self, address: bytes, status: int, fs: FsContext) -> None:
        """Choose the peer; AF_UNSPEC chooses none. Errors: EINVAL, see find, EPERM who has chosen another."""
        if len(address) < 2:  # noqa: PLR2004
            raise SyscallError(EINVAL)
        other: UnixSocket | None = None
        if int.from_bytes(address[:2], "little") != AF_UNSPEC:
            other = self.find(address, fs)
            if not self._may_send(other):
                raise SyscallError(EPERM)
            self.state = other.state = TCP_ESTABLISHED
        else:
            self.state = TCP_CLOSE
        old, self.peer = self.peer, other
        if old is not None and old is not other:
            self._disconnected(old)

    def _may_send(self, other: UnixSocket) -> bool:
        return other.peer is None or other.peer is self

    def _disconnected(self, old: UnixSocket) -> None:
        """What the old peer has sent is lost, and if it sends only here, it is told (unix_dgram_disconnected)."""
        if self.inbox:
            while self.inbox:
                self.drop(self.inbox.popleft())
            self.has_read()
            if not old.is_closed and old.peer is self:
                old.error = ECONNRESET
                old.queue.wake()

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """To the address, or to the peer. Errors: ENOTCONN, EMSGSIZE, EPIPE, ECONNREFUSED, EPERM, EAGAIN."""
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        address = extra.name if extra is not None else b""
        if not address and self.peer is None:
            raise SyscallError(ENOTCONN)
        if address:
            check_address(address)
        if self.passes_credentials:
            self.bind_automatically()
        self._check_size(sum(map(len, slices)))
        self._check_room(status)
        other = self._other(address, extra)
        if not self._may_send(other):
            raise SyscallError(EPERM)
        if other.is_shut & RCV_SHUTDOWN:
            raise SyscallError(EPIPE)
        if other is not self and other.peer is not self and len(other.inbox) > _MAX_DATAGRAMS:
            if status & O_NONBLOCK or self.send_timeout_ns == 0:
                raise SyscallError(EAGAIN)
            raise WouldBlock(other.room, limit_ns=self.send_timeout_ns or 0)
        return self._put(other, slices, extra)

    def _other(self, address: bytes, extra: Outgoing | None) -> UnixSocket:
        if address and extra is not None and extra.fs is not None:
            return self.network.unix.find(address[2:], self.kind, extra.fs)
        other = self.peer
        if other is None:
            raise SyscallError(ECONNRESET)
        if other.is_closed:
            self.peer = None
            self.state = TCP_CLOSE
            self._disconnected(other)
            raise SyscallError(ECONNREFUSED)
        return other

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """The address, the size and the room."""
        if extra is not None and extra.name:
            check_address(extra.name)
        elif self.peer is None:
            raise SyscallError(ENOTCONN)
        self._check_size(n_bytes)
        self._check_room(status)

    def has_read(self) -> None:
        """And who polls whether it may send."""
        super().has_read()
        if self.pollers:
            pollers, self.pollers = self.pollers, {}
            for poller in pollers:
                poller.queue.wake(WRITABLE)

    def end(self, *, lost: bool) -> None:
        """Who polls this one has something to do: to be told."""
        if not self.is_closed:
            super().end(lost=lost)
            self.has_read()

    def poll(self) -> int:
        """Writable only if the peer takes it."""
        events = super().poll()
        if not self.has_much_room():
            return events
        other = self.peer
        if isinstance(other, UnixDatagram) and other.peer is not self and len(other.inbox) > _MAX_DATAGRAMS:
            other.pollers[self] = None
            return events
        return events | WRITABLE


class UnixSeqpacket(UnixConnecting, _Messages):
    """SOCK_SEQPACKET: messages over a connection."""

    __slots__ = ()
    ends_at_once = True

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """To the peer, whatever the address. Errors: ENOTCONN, EMSGSIZE, EPIPE, EAGAIN."""
        if self.error:
            raise SyscallError(self.take_error())
        if self.state != TCP_ESTABLISHED:
            raise SyscallError(ENOTCONN)
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        self._check_size(sum(map(len, slices)))
        self._check_room(status)
        peer = self.peer
        if peer is None or peer.is_closed:
            raise SyscallError(ECONNREFUSED)
        if peer.is_shut & RCV_SHUTDOWN:
            raise SyscallError(EPIPE)
        return self._put(peer, slices, extra)

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """The connection, the size and the room."""
        if self.state != TCP_ESTABLISHED:
            raise SyscallError(ENOTCONN)
        self._check_size(n_bytes)
        self._check_room(status)

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """One message. Errors: ENOTCONN."""
        if self.state != TCP_ESTABLISHED:
            raise SyscallError(ENOTCONN)
        return _Messages.receive(self, slices, flags, status, extra)

    def poll(self) -> int:
        """As datagram_poll: half of the buffer may be in flight."""
        events = UnixConnecting.poll(self)
        return events | WRITABLE if self.in_flight < self.send_buffer_bytes >> 1 else events

    def readable_bytes(self) -> int:
        """Those of all messages (unix_inq_len)."""
        return UnixConnecting.readable_bytes(self)
