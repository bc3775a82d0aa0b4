"""AF_UNIX (unix(7)): names, connections, and what its three types share.

A name in the file system is an inode: who is bound to it is found by device and inode number, and the inode is pinned
as long as the socket lives, so that its number is nobody else's. Source: Linux 6.1 net/unix/af_unix.c.
"""

from __future__ import annotations

from _collections import deque  # type: ignore[import-not-found]  # collections itself costs a start 1 ms

from pyuk.abi.errno import (
    EADDRINUSE,
    EAGAIN,
    ECONNREFUSED,
    ECONNRESET,
    EEXIST,
    EINVAL,
    EISCONN,
    ENODATA,
    ENOSPC,
    ENOTCONN,
    EPROTOTYPE,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_NOFOLLOW, O_NONBLOCK, O_PATH
from pyuk.abi.poll import POLLERR, POLLHUP, POLLRDHUP
from pyuk.abi.socket import (
    AF_UNIX,
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
    SIZEOF_SOCKADDR_UN,
    SOCK_DGRAM,
    SOCK_SEQPACKET,
    TCP_CLOSE,
    TCP_ESTABLISHED,
    TCP_LISTEN,
)  # fmt: skip
from pyuk.abi.stat import S_IFMT, S_IFSOCK
from pyuk.abi.unistd import W_OK
from pyuk.net.socket import RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, WRITABLE, Socket
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.fs.file import OpenFile
    from pyuk.net.message import Incoming, Outgoing, Ucred
    from pyuk.net.network import Network

_FAMILY = AF_UNIX.to_bytes(2, "little")
_BOTH = RCV_SHUTDOWN | SEND_SHUTDOWN
_N_AUTOMATIC = 1 << 20
_NOBODY = 65534  # overflowuid


class Message:
    """What one send has put in: the bytes from `start` on are not read yet.

    cost: what the sender's buffer is charged with until it is read. rights are held once for it.
    """

    __slots__ = ("cost", "credentials", "data", "rights", "sender", "start", "user")

    def __init__(self, sender: UnixSocket, data: bytes, cost: int) -> None:
        self.sender = sender
        self.data = data
        self.start = 0
        self.cost = cost
        self.credentials: Ucred | None = None
        self.rights: list[OpenFile] = []
        self.user = 0
        """Whose files these are."""


class UnixNames:
    """Who is bound to what, in one network."""

    __slots__ = (
        "_by_inode", "_next_automatic", "abstract", "everybody", "in_flight", "n_in_flight", "network",
    )  # fmt: skip

    def __init__(self, network: Network) -> None:
        self.network = network
        self._by_inode: dict[tuple[int, int], UnixSocket] = {}
        self.everybody: dict[int, UnixSocket] = {}
        """All sockets, by inode number."""
        self.abstract: dict[tuple[bytes, int], UnixSocket] = {}
        """By name and type."""
        self.in_flight: dict[UnixSocket, int] = {}
        """Sockets that were sent and not received, and how often: see net/rights.py."""
        self.n_in_flight: dict[int, int] = {}
        """Files that were sent and not received, by the sender's user."""
        self._next_automatic: int | None = None

    def bind_path(self, socket: UnixSocket, path: bytes, fs: FsContext) -> OpenFile:
        """Make the name, and pin it for the socket. Errors: EADDRINUSE, those of mknod(2), EINVAL it has one."""
        place = fs.find(path, follow=False)
        try:
            place.mknod(socket.mode & 0o777 | S_IFSOCK, (0, 0), fs.umask)
        except SyscallError as error:
            raise SyscallError(EADDRINUSE if error.errno == EEXIST else error.errno) from None
        if socket.address:
            place.unlink()
            raise SyscallError(EINVAL)
        pinned = fs.open(path, O_PATH | O_NOFOLLOW)
        found = pinned.stat()
        self._by_inode[found.st_dev, found.st_ino] = socket
        return pinned

    def forget_path(self, socket: UnixSocket, pinned: OpenFile) -> None:
        """The socket is closed; its name in the file system stays."""
        found = pinned.stat()
        if self._by_inode.get((found.st_dev, found.st_ino)) is socket:
            del self._by_inode[found.st_dev, found.st_ino]
        pinned.release()

    def automatic(self, kind: int) -> bytes:
        """A free abstract name of five digits. Errors: ENOSPC."""
        if self._next_automatic is None:
            self._next_automatic = int.from_bytes(self.network.random_bytes(4), "little")
        for _ in range(_N_AUTOMATIC):
            self._next_automatic = self._next_automatic + 1 & _N_AUTOMATIC - 1
            name = b"\0%05x" % self._next_automatic
            if (name, kind) not in self.abstract:
                return name
        raise SyscallError(ENOSPC)

    def find(self, address: bytes, kind: int, fs: FsContext) -> UnixSocket:
        """Who is bound to a name (unix_find_other). Errors: those of the path, ECONNREFUSED nobody, EPROTOTYPE."""
        if address[:1] == b"\0":
            found = self.abstract.get((address, kind))
            if found is None:
                raise SyscallError(ECONNREFUSED)
            return found
        path = address.split(b"\0", 1)[0]
        status = fs.stat(path)
        fs.access(path, W_OK, effective=True)
        found = self._by_inode.get((status.st_dev, status.st_ino)) if status.st_mode & S_IFMT == S_IFSOCK else None
        if found is None:
            raise SyscallError(ECONNREFUSED)
        if found.kind != kind:
            raise SyscallError(EPROTOTYPE)
        return found


class UnixSocket(Socket):
    """One end. Invariant: `in_flight` is the cost of what has been sent and not read."""

    __slots__ = (
        "_pinned",
        "address",
        "in_flight",
        "inbox",
        "is_closed",
        "peer",
        "peer_groups_then",
        "peer_ucred",
        "room",
    )

    def __init__(self, network: Network, kind: int, flags: int) -> None:
        """kind: SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET; flags: O_NONBLOCK."""
        super().__init__(network, AF_UNIX, kind, 0, flags, TCP_CLOSE)
        self.peer: UnixSocket | None = None
        self.address = b""
        """sun_path of its name: with a NUL behind a path, before an abstract name."""
        self.in_flight = 0
        self.inbox: deque[Message] = deque()
        self.room = WaitQueue()
        """Who waits until this one has read something, or accepted."""
        self.is_closed = False
        self._pinned: OpenFile | None = None
        network.unix.everybody[self.ino] = self
        self.peer_ucred: Ucred | None = None
        self.peer_groups_then: list[int] = []

    # Names

    def bind(self, address: bytes, fs: FsContext) -> None:
        """A name, or with the family alone one that is free. Errors: EINVAL, EADDRINUSE, those of mknod(2)."""
        if address == _FAMILY:
            self.bind_automatically()
            return
        address = check_address(address)
        names = self.network.unix
        if address[:1] != b"\0":
            path = address.split(b"\0", 1)[0]
            self._pinned = names.bind_path(self, path, fs)
            self.address = path + b"\0"
            return
        if self.address:
            raise SyscallError(EINVAL)
        if (address, self.kind) in names.abstract:
            raise SyscallError(EADDRINUSE)
        names.abstract[address, self.kind] = self
        self.address = address

    def bind_automatically(self) -> None:
        """Give it a name if it has none."""
        if not self.address:
            names = self.network.unix
            self.address = names.automatic(self.kind)
            names.abstract[self.address, self.kind] = self

    def name(self) -> bytes:
        """Its own."""
        return _FAMILY + self.address

    def peer_name(self) -> bytes:
        """The peer's. Errors: ENOTCONN."""
        if self.peer is None:
            raise SyscallError(ENOTCONN)
        return _FAMILY + self.peer.address

    def find(self, address: bytes, fs: FsContext) -> UnixSocket:
        """Whom to talk to. Errors: see UnixNames.find."""
        name = check_address(address)
        if self.passes_credentials:
            self.bind_automatically()
        return self.network.unix.find(name, self.kind, fs)

    def connect_pair(self, other: Socket) -> None:
        """Two ends of one connection."""
        assert isinstance(other, UnixSocket)  # noqa: S101
        self.peer, other.peer = other, self
        self.know_peer()
        other.know_peer()
        self.state = other.state = TCP_ESTABLISHED

    def know_peer(self, like: UnixSocket | None = None) -> None:
        """SO_PEERCRED: the task that makes this call, or what another socket knows."""
        if like is not None:
            self.peer_ucred, self.peer_groups_then = like.peer_ucred, like.peer_groups_then
            return
        pid, who = self.network.current()
        self.peer_ucred, self.peer_groups_then = (pid, who.euid, who.egid), list(who.groups)

    def peer_credentials(self) -> Ucred:
        """As they were when the connection was made."""
        return self.peer_ucred or (0, -1, -1)

    def peer_groups(self) -> list[int]:
        """The same."""
        if self.peer_ucred is None:
            raise SyscallError(ENODATA)
        return self.peer_groups_then

    # Ends

    def shutdown(self, how: int) -> None:
        """One half or both, on both ends of a connection. Errors: EINVAL; ENOTCONN is not told by this family."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise SyscallError(EINVAL)
        halves = how + 1
        self.is_shut |= halves
        peer = self.peer
        if peer is not None and self.kind != SOCK_DGRAM:
            peer.is_shut |= (SEND_SHUTDOWN if halves & RCV_SHUTDOWN else 0) | (
                RCV_SHUTDOWN if halves & SEND_SHUTDOWN else 0
            )
            peer.queue.wake()
        self.queue.wake()

    def close(self) -> None:
        """The name is free, the peer hears of it, and what was not read is lost."""
        self.end(lost=bool(self.inbox))

    def end(self, *, lost: bool) -> None:
        """As unix_release_sock. lost: the peer's bytes, or the connection that nobody has accepted."""
        if self.is_closed:
            return
        self.is_closed = True
        names = self.network.unix
        del names.everybody[self.ino]
        if self._pinned is not None:
            names.forget_path(self, self._pinned)
        elif names.abstract.get((self.address, self.kind)) is self:
            del names.abstract[self.address, self.kind]
        peer = self.peer
        if peer is not None and self.kind != SOCK_DGRAM:
            peer.is_shut = _BOTH
            if lost:
                peer.error = ECONNRESET
            peer.queue.wake()
        self.state, self.peer = TCP_CLOSE, None
        while self.inbox:
            self.drop(self.inbox.popleft())
        self.room.wake()
        if names.in_flight:
            from pyuk.net.rights import collect_cycles  # noqa: PLC0415

            collect_cycles(names)

    def n_waiting(self) -> int:
        """Of a listener: the connections that nobody has accepted."""
        return 0

    def n_may_wait(self) -> int:
        """Of a listener: how many there may be."""
        return 0

    # Bytes

    def attach_extra(self, message: Message, receiver: UnixSocket, extra: Outgoing | None) -> None:
        """Who sends it, where one of the ends wants to know, and the files that go with it."""
        if extra is not None:
            if extra.credentials is not None:
                message.credentials = extra.credentials
            if extra.rights:
                from pyuk.net.rights import send_rights  # noqa: PLC0415

                send_rights(self.network.unix, message, extra)
        if message.credentials is None and (self.passes_credentials or receiver.passes_credentials):
            message.credentials = self.own_credentials()

    def own_credentials(self) -> Ucred:
        """What SCM_CREDENTIALS says of the task that makes this call."""
        pid, who = self.network.current()
        return pid, who.uid, who.gid

    def tell(self, message: Message, extra: Incoming) -> None:
        """Who has sent it."""
        if message.sender.address:
            extra.name = _FAMILY + message.sender.address
        if self.passes_credentials:
            extra.credentials = message.credentials or (0, _NOBODY, _NOBODY)

    def take_rights(self, message: Message, extra: Incoming | None, *, peeking: bool) -> None:
        """The files that came with a message; they are closed where nobody wants them."""
        from pyuk.net.rights import peek_rights, receive_rights  # noqa: PLC0415

        if not peeking:
            rights = receive_rights(self.network.unix, message)
            if extra is not None:
                extra.rights += rights
            else:
                for file in rights:
                    file.release()
        elif extra is not None:
            extra.rights += peek_rights(message)

    def drop(self, message: Message) -> None:
        """It is read, or lost: the sender has room again."""
        if message.rights:
            self.take_rights(message, None, peeking=False)
        sender = message.sender
        sender.in_flight -= message.cost
        if sender.has_much_room():
            sender.queue.wake(WRITABLE)

    def has_much_room(self) -> bool:
        """unix_writable: a quarter of the buffer may be in flight."""
        return self.state != TCP_LISTEN and self.in_flight * 4 <= self.send_buffer_bytes

    def set_peek_offset(self, offset: int) -> None:
        """Where the next MSG_PEEK begins; negative for the beginning."""
        self.peek_offset = offset

    def poll(self) -> int:
        """What all types tell (unix_poll)."""
        events = 0
        is_shut = self.is_shut
        if self.error:
            events |= POLLERR
        if is_shut == _BOTH:
            events |= POLLHUP
        if is_shut & RCV_SHUTDOWN:
            events |= POLLRDHUP | READABLE
        if self.inbox:
            events |= READABLE
        return events

    def ioctl(self, request: int, data: bytes) -> bytes | None:
        """SIOCOUTQ, SIOCINQ. Errors: EINVAL of a listening socket."""
        from pyuk.abi.ioctls import FIONREAD, TIOCOUTQ  # noqa: PLC0415

        if request == TIOCOUTQ:
            return self.in_flight.to_bytes(4, "little")
        if request == FIONREAD:
            if self.state == TCP_LISTEN:
                raise SyscallError(EINVAL)
            return self.readable_bytes().to_bytes(4, "little")
        return None


class UnixConnecting(UnixSocket):
    """What SOCK_STREAM and SOCK_SEQPACKET share: listening and being connected."""

    __slots__ = ("backlog", "waiting")

    def __init__(self, network: Network, kind: int, flags: int) -> None:
        super().__init__(network, kind, flags)
        self.backlog = 0
        self.waiting: deque[UnixConnecting] = deque()
        """Connections that nobody has accepted, each held once."""

    def listen(self, backlog: int) -> None:
        """Let others connect, or change how many may wait. Errors: EINVAL without a name, or connected."""
        if not self.address or self.state not in (TCP_CLOSE, TCP_LISTEN):
            raise SyscallError(EINVAL)
        grows = backlog > self.backlog
        self.backlog = backlog
        self.state = TCP_LISTEN
        self.know_peer()
        if grows:
            self.room.wake()

    def n_waiting(self) -> int:
        """See UnixSocket."""
        return len(self.waiting)

    def n_may_wait(self) -> int:
        """See UnixSocket."""
        return self.backlog

    def connect(self, address: bytes, status: int, fs: FsContext) -> None:
        """Errors: see find; ECONNREFUSED, EAGAIN too many wait, EISCONN, EINVAL."""
        other = self.find(address, fs)
        if other.state != TCP_LISTEN or other.is_shut & RCV_SHUTDOWN:
            raise SyscallError(ECONNREFUSED)
        assert isinstance(other, UnixConnecting)  # noqa: S101  # only these listen
        if len(other.waiting) > other.backlog:
            if status & O_NONBLOCK or self.send_timeout_ns == 0:
                raise SyscallError(EAGAIN)
            raise WouldBlock(other.room, limit_ns=self.send_timeout_ns or 0)
        if self.state != TCP_CLOSE:
            raise SyscallError(EISCONN if self.state == TCP_ESTABLISHED else EINVAL)
        child = type(self)(self.network, self.kind, 0)
        child.address = other.address
        child.know_peer()
        self.know_peer(other)
        self.peer, child.peer = child, self
        self.state = child.state = TCP_ESTABLISHED
        child.passes_credentials = True  # nobody knows yet whether who accepts it will want them
        other.waiting.append(child)
        other.queue.wake(READABLE)

    def accept(self, status: int) -> Socket:
        """The connection that has waited longest. Errors: EINVAL it does not listen, or is shut down; EAGAIN."""
        if self.state != TCP_LISTEN:
            raise SyscallError(EINVAL)
        if self.error:
            raise SyscallError(self.take_error())
        if not self.waiting:
            if self.is_shut & RCV_SHUTDOWN and not status & O_NONBLOCK:
                raise SyscallError(EINVAL)
            raise self.until_readable(status)
        child: UnixConnecting = self.waiting.popleft()
        child.passes_credentials = self.passes_credentials
        self.room.wake()
        return child

    def end(self, *, lost: bool) -> None:
        """Nobody will accept who still waits."""
        while self.waiting:
            child = self.waiting.popleft()
            child.end(lost=True)
        super().end(lost=lost)

    def poll(self) -> int:
        """And who waits."""
        events = super().poll()
        if self.waiting:
            events |= READABLE
        if self.state == TCP_CLOSE:
            events |= POLLHUP
        return events

    def readable_bytes(self) -> int:
        """All of them."""
        return sum(len(message.data) - message.start for message in self.inbox)


def check_address(address: bytes) -> bytes:
    """sun_path of a struct sockaddr_un (unix_validate_addr)."""
    if not 2 < len(address) <= SIZEOF_SOCKADDR_UN or address[:2] != _FAMILY:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    return address[2:]


def new_unix_socket(network: Network, kind: int, flags: int) -> UnixSocket:
    """A socket of its type. flags: O_NONBLOCK."""
    if kind == SOCK_DGRAM:
        from pyuk.net.unix_messages import UnixDatagram  # noqa: PLC0415

        return UnixDatagram(network, kind, flags)
    if kind == SOCK_SEQPACKET:
        from pyuk.net.unix_messages import UnixSeqpacket  # noqa: PLC0415

        return UnixSeqpacket(network, kind, flags)
    from pyuk.net.unix_stream import UnixStream  # noqa: PLC0415

    return UnixStream(network, kind, flags)
