"""AF_UNIX sockets (unix(7)): pairs, and clients that find nobody. There is no guest yet that could listen."""

from __future__ import annotations

from pyuk.abi.errno import (
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EFAULT,
    EINVAL,
    EMSGSIZE,
    ENOTCONN,
    EOPNOTSUPP,
    EPIPE,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_NONBLOCK, O_RDWR
from pyuk.abi.ioctls import FIONREAD
from pyuk.abi.poll import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLOUT,
    POLLRDHUP,
    POLLRDNORM,
    POLLWRBAND,
    POLLWRNORM,
)  # fmt: skip
from pyuk.abi.socket import MSG_OOB, MSG_PEEK, MSG_TRUNC, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, SOCK_STREAM
from pyuk.fs.file import OpenFile, first_bytes, scatter, without_bytes
from pyuk.fs.stat import Stat, StatFs
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

_SOCKFS_MAGIC = 0x534F434B
_SOCKFS_DEV = 8
_S_IFSOCK_0777 = 0o140777
_READABLE, _WRITABLE = POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM | POLLWRBAND
_SEND_BUFFER_BYTES = 212992  # net.core.wmem_default
_MESSAGE_COST = 768  # what the kernel's buffer for a message takes beside its bytes
_STREAM_PIECE_BYTES = 36544  # what one such buffer holds
_MESSAGE_MARGIN = 32
_IN, _OUT = 1, 2  # the halves of a connection that are shut down

_n_made = 0


class Message:
    """What one send has put in: the bytes from `start` on are not read yet."""

    __slots__ = ("cost", "data", "start")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.start = 0
        self.cost = len(data) + _MESSAGE_COST


class UnixSocket(OpenFile):
    """A socket. Invariant: `in_flight` is the cost of what the peer has not read of it."""

    __slots__ = ("_error", "_inbox", "_is_shut", "in_flight", "ino", "kind", "peer", "queue", "send_buffer_bytes")
    can_poll = True

    def __init__(self, kind: int, flags: int) -> None:
        """kind: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET; flags: O_NONBLOCK."""
        global _n_made  # noqa: PLW0603  # inode numbers are counted for the whole of sockfs
        super().__init__(O_RDWR | flags)
        self.stream = True
        self.kind = kind
        self.peer: UnixSocket | None = None
        self.queue = WaitQueue()
        """Woken when something has come, something was taken, or the connection has changed."""
        self.send_buffer_bytes = _SEND_BUFFER_BYTES
        self.in_flight = 0
        self._inbox: list[Message] = []
        self._is_shut = 0
        self._error = 0
        _n_made += 1
        self.ino = _n_made

    def close(self) -> None:
        """The peer hears of it, and of what was not read (net/unix/af_unix.c, unix_release_sock)."""
        peer, self.peer = self.peer, None
        if peer is not None and self.kind != SOCK_DGRAM:
            peer._is_shut = _IN | _OUT  # noqa: SLF001
            if self._inbox:
                peer._error = ECONNRESET  # noqa: SLF001
        if peer is not None:
            if self.kind == SOCK_DGRAM:
                peer._error = peer._error or ECONNREFUSED  # noqa: SLF001  # told by the next send
            peer.peer = None if self.kind == SOCK_DGRAM else peer.peer
            peer.queue.wake()

    def shutdown(self, how: int) -> None:
        """One half or both, on both ends of a connection. Errors: EINVAL, ENOTCONN is not told by this family."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise SyscallError(EINVAL)
        halves = how + 1
        self._is_shut |= halves
        if self.peer is not None and self.kind != SOCK_DGRAM:
            self.peer._is_shut |= (_OUT if halves & _IN else 0) | (_IN if halves & _OUT else 0)  # noqa: SLF001
            self.peer.queue.wake()
        self.queue.wake()

    # Receiving

    def read(self, slices: list[memoryview]) -> int:
        """A recv without flags."""
        return self.receive(slices, 0, self.flags)

    def receive(self, slices: list[memoryview], flags: int, status: int) -> int:
        """What there is: of a stream as much as fits, else one message, whose rest is lost.

        Errors: EAGAIN where status has O_NONBLOCK, ECONNRESET, EINVAL or ENOTCONN not connected.
        """
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP if self.kind != SOCK_STREAM else EINVAL)
        if not self._inbox:
            return self._receive_nothing(slices, status)
        if self.kind != SOCK_STREAM:
            message = self._inbox[0]
            n_read = scatter(slices, message.data)
            if not flags & MSG_PEEK:
                self._drop(message)
            return len(message.data) if flags & MSG_TRUNC else n_read
        done = 0
        for message in tuple(self._inbox):
            rest = without_bytes(slices, done)
            if not rest:
                break
            n = scatter(rest, message.data[message.start :])
            done += n
            if not flags & MSG_PEEK:
                message.start += n
                if message.start == len(message.data):
                    self._drop(message)
        return done

    def _receive_nothing(self, slices: list[memoryview], status: int) -> int:
        if self._error:
            raise SyscallError(self.take_error())
        if self.peer is None and self.kind != SOCK_DGRAM:
            raise SyscallError(EINVAL if self.kind == SOCK_STREAM else ENOTCONN)
        if self._is_shut & _IN:
            return 0
        if not slices and self.kind == SOCK_STREAM:
            return 0
        raise SyscallError(EAGAIN) if status & O_NONBLOCK else WouldBlock(self.queue)

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """Something must be there for the buffer to matter."""
        if not self._inbox:
            return self._receive_nothing([memoryview(b"x")], self.flags)
        raise SyscallError(EFAULT)

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The connection comes first."""
        self._receiver()
        raise SyscallError(EFAULT)

    def _drop(self, message: Message) -> None:
        """All of it is read: the sender has room again."""
        self._inbox.remove(message)
        sender = self.peer
        if sender is not None:
            sender.in_flight -= message.cost
            if sender._has_much_room():  # noqa: SLF001
                sender.queue.wake(_WRITABLE)

    # Sending

    def write(self, slices: list[memoryview]) -> int:
        """A send without flags."""
        return self.send(slices, 0, self.flags)

    def send(self, slices: list[memoryview], flags: int, status: int) -> int:
        """Of a stream what there is room for, else a message.

        Errors: EAGAIN, ENOTCONN, EPIPE (the caller adds SIGPIPE), EMSGSIZE, ECONNREFUSED.
        """
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        peer = self._receiver()
        wanted = sum(map(len, slices))
        self.await_room(wanted)
        done = 0
        while self.in_flight < self.send_buffer_bytes and (done < wanted or (not done and self.kind != SOCK_STREAM)):
            limit = wanted - done if self.kind != SOCK_STREAM else _STREAM_PIECE_BYTES
            message = Message(b"".join(first_bytes(without_bytes(slices, done), limit)))
            peer._inbox.append(message)  # noqa: SLF001
            self.in_flight += message.cost
            done += len(message.data)
            if self.kind != SOCK_STREAM:
                break
        else:
            if not done and wanted:
                raise SyscallError(EAGAIN) if status & O_NONBLOCK else WouldBlock(self.queue)
        peer.queue.wake(_READABLE)
        return done

    @property
    def has_messages(self) -> bool:  # type: ignore[override]
        """But for streams."""
        return self.kind != SOCK_STREAM

    def await_room(self, n_bytes: int) -> None:
        """A message has a largest size."""
        if self.kind != SOCK_STREAM and n_bytes > self.send_buffer_bytes - _MESSAGE_MARGIN:
            raise SyscallError(EMSGSIZE)

    def _receiver(self) -> UnixSocket:
        peer = self.peer
        if self.kind == SOCK_DGRAM and self._error:
            raise SyscallError(self.take_error())
        if peer is None:
            raise SyscallError(ENOTCONN)
        if self._is_shut & _OUT or peer._is_shut & _IN:  # noqa: SLF001
            raise SyscallError(EPIPE)
        return peer

    def _has_much_room(self) -> bool:
        """unix_writable: a quarter of the buffer may be in flight."""
        return self.in_flight * 4 <= self.send_buffer_bytes

    # The rest

    def take_error(self) -> int:
        """What went wrong behind its back, told once (SO_ERROR)."""
        error, self._error = self._error, 0
        return error

    def poll(self) -> int:
        """See net/unix/af_unix.c, unix_poll."""
        events = _WRITABLE if self._has_much_room() else 0
        if self._error:
            events |= POLLERR
        if self._is_shut == _IN | _OUT:
            events |= POLLHUP
        if self._is_shut & _IN:
            events |= POLLRDHUP | _READABLE
        if self._inbox:
            events |= _READABLE
        if self.kind != SOCK_DGRAM and self.peer is None:
            events |= POLLHUP
        return events

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """One for everything."""
        return (self.queue,)

    def control(self, request: int, data: bytes) -> bytes:
        """FIONREAD: of a stream all bytes, else those of the first message."""
        if request == FIONREAD:
            inbox = self._inbox if self.kind == SOCK_STREAM else self._inbox[:1]
            return sum(len(message.data) - message.start for message in inbox).to_bytes(4, "little")
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


def new_pair(kind: int, flags: int) -> tuple[UnixSocket, UnixSocket]:
    """Two sockets connected to each other. flags: O_NONBLOCK."""
    first, second = UnixSocket(kind, flags), UnixSocket(kind, flags)
    first.peer, second.peer = second, first
    return first, second
