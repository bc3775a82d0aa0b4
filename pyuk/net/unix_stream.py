"""SOCK_STREAM of AF_UNIX: bytes in order, files and credentials between them, and one urgent byte.

Source: Linux 6.1 net/unix/af_unix.c, unix_stream_sendmsg, unix_stream_read_generic.
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE, SyscallError
from pyuk.abi.ioctls import SIOCATMARK
from pyuk.abi.poll import POLLPRI
from pyuk.abi.socket import MSG_OOB, MSG_PEEK, SO_OOBINLINE, SOL_SOCKET, TCP_ESTABLISHED
from pyuk.fs.file import first_bytes, scatter, without_bytes
from pyuk.net.socket import RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, WRITABLE, true_size
from pyuk.net.unix import Message, UnixConnecting
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.net.message import Incoming, Outgoing
    from pyuk.net.network import Network

_HEAD_BYTES, _PAGES_BYTES = 3776, 32768  # SKB_MAX_HEAD(0), UNIX_SKB_FRAGS_SZ
_URGENT_COST = true_size(1)


def _cost(n_bytes: int) -> int:
    if n_bytes <= _HEAD_BYTES:
        return true_size(n_bytes)
    in_pages = min(n_bytes, n_bytes - _HEAD_BYTES + 4095 & -4096)
    return true_size(n_bytes - in_pages, in_pages)


class UnixStream(UnixConnecting):
    """Invariant: `urgent` is a message of the inbox, of one byte."""

    __slots__ = ("urgent",)
    piece_bytes = _HEAD_BYTES + _PAGES_BYTES

    def __init__(self, network: Network, kind: int, flags: int) -> None:
        super().__init__(network, kind, flags)
        self.urgent: Message | None = None

    # Sending

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """What there is room for. Errors: EISCONN and EOPNOTSUPP an address, ENOTCONN, EPIPE, EAGAIN."""
        wanted = sum(map(len, slices))
        if flags & MSG_OOB and not wanted:
            raise SyscallError(EOPNOTSUPP)
        self._check_name(extra)
        peer = self.receiver()
        done = 0
        limit = min((self.send_buffer_bytes >> 1) - 64, self.piece_bytes)
        plain = wanted - 1 if flags & MSG_OOB else wanted
        while done < plain:
            if self.in_flight >= self.send_buffer_bytes:
                if not done:
                    raise self.until_writable(status)
                break
            n = min(plain - done, limit)
            if n == wanted:
                data = slices[0].tobytes() if len(slices) == 1 else b"".join(slices)
            else:
                data = b"".join(first_bytes(without_bytes(slices, done), n))
            self._put(peer, Message(self, data, _cost(n)), extra)
            done += n
        if flags & MSG_OOB and done == plain:
            if self.in_flight >= self.send_buffer_bytes and not done:
                raise self.until_writable(status)
            urgent = Message(self, b"".join(without_bytes(slices, done)), _URGENT_COST)
            self._put(peer, urgent, extra)
            peer.urgent = urgent
            self.network.urgent(peer)
            peer.queue.wake(POLLPRI)
            done += 1
        if done:
            peer.queue.wake(READABLE)
        return done

    def _check_name(self, extra: Outgoing | None) -> None:
        if extra is not None and extra.name:
            raise SyscallError(EISCONN if self.state == TCP_ESTABLISHED else EOPNOTSUPP)

    def _put(self, peer: UnixStream, message: Message, extra: Outgoing | None) -> None:
        if extra is not None or self.passes_credentials or peer.passes_credentials:
            self.attach_extra(message, peer, extra)
        peer.inbox.append(message)
        self.in_flight += message.cost

    def receiver(self) -> UnixStream:
        """Errors: ENOTCONN, EPIPE (the caller adds SIGPIPE)."""
        peer = self.peer
        if self.is_shut & SEND_SHUTDOWN:
            raise SyscallError(EPIPE)
        if peer is None:
            raise SyscallError(ENOTCONN)
        if peer.is_closed or peer.is_shut & RCV_SHUTDOWN:
            raise SyscallError(EPIPE)
        assert isinstance(peer, UnixStream)  # noqa: S101
        return peer

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """The connection and the room."""
        self._check_name(extra)
        self.receiver()
        if self.in_flight >= self.send_buffer_bytes:
            raise self.until_writable(status)

    # Receiving

    def await_bytes(self) -> None:
        """Nothing yet: the buffer is not looked at."""
        if not self.inbox and self.state == TCP_ESTABLISHED:
            self._nothing(self.flags)

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """What there is, up to the next files or another sender. Errors: EINVAL not connected, ECONNRESET, EAGAIN."""
        if self.state != TCP_ESTABLISHED:
            raise SyscallError(EINVAL)
        if flags & MSG_OOB:
            return self._receive_urgent(slices, flags, extra)
        inbox = self.inbox
        if extra is None and not flags and len(inbox) == 1 and len(slices) == 1 and not self.urgent:
            message = inbox[0]
            data = message.data
            if not message.start and len(data) <= len(slices[0]) and self.low_water_bytes <= len(data):
                slices[0][: len(data)] = data
                inbox.popleft()
                self.drop(message)
                return len(data)
        if self.low_water_bytes > 1 and not self._has_enough(sum(map(len, slices))):
            blocked = self.until_readable(status)
            if isinstance(blocked, WouldBlock) and not self.error:
                raise blocked
        done = self._move(slices, flags, extra)
        if done < 0:
            self._nothing(status)
            return 0
        return done

    def _has_enough(self, wanted: int) -> bool:
        return self.readable_bytes() >= min(self.low_water_bytes, wanted) or bool(self.is_shut & RCV_SHUTDOWN)

    def _nothing(self, status: int) -> None:
        """Raise what an empty queue means; nothing at the end of the file."""
        if self.error:
            raise SyscallError(self.take_error())
        if not self.is_shut & RCV_SHUTDOWN:
            raise self.until_readable(status)

    def _move(self, slices: list[memoryview], flags: int, extra: Incoming | None) -> int:
        """Move bytes out; -1 where there is no message at all."""
        inbox = self.inbox
        peeking = bool(flags & MSG_PEEK)
        skip = max(self.peek_offset, 0) if peeking else 0
        index = done = 0
        left = sum(map(len, slices))
        found = False
        while index < len(inbox):
            message: Message = inbox[index]
            if message is self.urgent and self._passes_urgent(message, done, peeking=peeking):
                if done:
                    break
                index += peeking
                continue
            size = len(message.data) - message.start
            if skip >= size > 0:
                skip -= size
                index += 1
                continue
            if extra is not None and not self._same_sender(message, extra, done):
                extra.is_cut = True
                break
            found = True
            n = min(size - skip, left - done)
            if n:
                begin = message.start + skip
                scatter(without_bytes(slices, done) if done else slices, memoryview(message.data)[begin : begin + n])
            done += n
            skip = 0
            if message.rights:
                self.take_rights(message, extra, peeking=peeking)
                if extra is not None:
                    extra.is_cut = True
                if peeking:
                    break
                self._consume(message, n)
                break
            if peeking:
                index += 1
            else:
                self._consume(message, n)
                if n < size:
                    break
            if done == left:
                break
        if self.peek_offset >= 0:
            self.peek_offset = self.peek_offset + done if peeking else max(self.peek_offset - done, 0)
        return done if found else -1

    def _same_sender(self, message: Message, extra: Incoming, done: int) -> bool:
        """Bytes of different senders are never glued where the receiver is told who they are."""
        if not self.passes_credentials:
            if not extra.name:
                self.tell(message, extra)
            return True
        if extra.credentials is not None:
            return message.credentials == extra.credentials
        self.tell(message, extra)
        return True

    def _consume(self, message: Message, n_bytes: int) -> None:
        message.start += n_bytes
        if message.start == len(message.data):
            self.inbox.remove(message)
            if message is self.urgent:
                self.urgent = None
            self.drop(message)

    def _passes_urgent(self, message: Message, done: int, *, peeking: bool) -> bool:
        """At the urgent byte a receive ends; one that begins there goes behind it, unless it is kept inline."""
        if done:
            return True
        if self.options.get((SOL_SOCKET, SO_OOBINLINE)):
            if not peeking:
                self.urgent = None
            return False
        if not peeking:
            self.urgent = None
            self.inbox.remove(message)
            self.drop(message)
        return True

    def _receive_urgent(self, slices: list[memoryview], flags: int, extra: Incoming | None) -> int:
        """The urgent byte, whatever comes before it. Errors: EINVAL none, or it is kept inline."""
        message = self.urgent
        if message is None or self.options.get((SOL_SOCKET, SO_OOBINLINE)):
            raise SyscallError(EINVAL)
        n = scatter(slices, message.data)
        if not flags & MSG_PEEK:
            self._consume(message, 1)
            self.urgent = None
        if extra is not None:
            extra.flags |= MSG_OOB
        return n

    def poll(self) -> int:
        """And whether a byte is urgent, and whether there is room."""
        events = super().poll()
        if self.urgent is not None:
            events |= POLLPRI
        return events | WRITABLE if self.has_much_room() else events

    def ioctl(self, request: int, data: bytes) -> bytes | None:
        """SIOCATMARK: the next byte is the urgent one."""
        if request == SIOCATMARK:
            return int(bool(self.inbox) and self.inbox[0] is self.urgent).to_bytes(4, "little")
        return super().ioctl(request, data)
