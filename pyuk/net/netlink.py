"""AF_NETLINK (netlink(7)): questions to the kernel and their answers.

What a protocol answers is in routes.py (NETLINK_ROUTE) and diagnosis.py (NETLINK_SOCK_DIAG).
Source: Linux 6.1 net/netlink/af_netlink.c.
"""

from __future__ import annotations

import struct
from _collections import deque  # type: ignore[import-not-found]  # collections itself costs a start 1 ms

from pyuk.abi.errno import (
    EADDRINUSE,
    ECONNREFUSED,
    EINVAL,
    EMSGSIZE,
    ENODATA,
    ENOENT,
    ENOPROTOOPT,
    EOPNOTSUPP,
    EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
    SyscallError,
)  # fmt: skip
from pyuk.abi.netlink import (
    NETLINK_ADD_MEMBERSHIP,
    NETLINK_CAP_ACK,
    NETLINK_DROP_MEMBERSHIP,
    NETLINK_GENERIC,
    NETLINK_KOBJECT_UEVENT,
    NETLINK_LIST_MEMBERSHIPS,
    NETLINK_PKTINFO,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_USERSOCK,
    NLM_F_ACK,
    NLM_F_CAPPED,
    NLM_F_MULTI,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_MIN_TYPE,
)  # fmt: skip
from pyuk.abi.poll import POLLERR
from pyuk.abi.socket import (
    AF_NETLINK,
    AF_UNSPEC,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    SOCK_DGRAM,
    SOCK_RAW,
    SOL_NETLINK,
    TCP_CLOSE,
)  # fmt: skip
from pyuk.fs.file import scatter
from pyuk.net.socket import READABLE, WRITABLE, Socket, need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyuk.fs.context import FsContext
    from pyuk.net.message import Incoming, Outgoing
    from pyuk.net.network import Network
    from pyuk.net.socket import Read

    Answer = Callable[["NetlinkSocket", int, int, bytes], Iterable[bytes] | None]
    """From (socket, type, flags, body) to the answers, each its type as two bytes and its body; None: done."""

HEADER = struct.Struct("<IHHII")
_SOCKADDR = struct.Struct("<HHII")
_PROTOCOLS = (
    NETLINK_ROUTE, NETLINK_USERSOCK, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT, NETLINK_GENERIC,
)  # fmt: skip
_MARGIN_BYTES = 32
_DUMP_BYTES = 16384
"""What one answer of a dump holds."""
_FIRST_FREE_PORT = 0xFFFFF000


def attribute(kind: int, data: bytes) -> bytes:
    """A struct nlattr with its data, padded."""
    length = 4 + len(data)
    return struct.pack("<HH", length, kind) + data + bytes(-length & 3)


def attributes(data: bytes) -> dict[int, bytes]:
    """The data of each attribute, by type."""
    found: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("<HH", data, at)
        if length < 4 or at + length > len(data):  # noqa: PLR2004
            break
        found[kind & 0x3FFF] = data[at + 4 : at + length]
        at += length + 3 & -4
    return found


class NetlinkSocket(Socket):
    """A socket whose other end is the kernel."""

    __slots__ = ("_to", "groups", "inbox", "memberships", "port_id")
    is_datagram = True
    sends_sigpipe = False

    def __init__(self, network: Network, kind: int, protocol: int, flags: int) -> None:
        super().__init__(network, AF_NETLINK, kind, protocol, flags, TCP_CLOSE)
        self.port_id = 0
        self.groups = 0
        """The multicast groups of bind(2), a bit each; `memberships` has those by number."""
        self.memberships: set[int] = set()
        self.inbox: deque[bytes] = deque()
        self._to = (0, 0)
        network.netlink_sockets.append(self)

    # Names

    def bind(self, address: bytes, fs: FsContext) -> None:
        """Errors: EINVAL, EADDRINUSE somebody has the port."""
        port_id, groups = _unpack(address)
        if self.port_id and port_id not in (0, self.port_id):
            raise SyscallError(EINVAL)
        if not self.port_id:
            self._take_port(port_id)
        self.groups = groups
        for bit in range(32):
            (self.memberships.add if groups >> bit & 1 else self.memberships.discard)(bit + 1)

    def _take_port(self, port_id: int) -> None:
        taken = {other.port_id for other in self.network.netlink_sockets if other.protocol == self.protocol}
        if port_id:
            if port_id in taken:
                raise SyscallError(EADDRINUSE)
        else:
            port_id = self.network.current()[0]
            free = _FIRST_FREE_PORT
            while port_id in taken:
                port_id = free
                free -= 1
        self.port_id = port_id

    def connect(self, address: bytes, status: int, fs: FsContext) -> None:
        """Choose whom to send to. Errors: EINVAL."""
        if len(address) < 2:  # noqa: PLR2004
            raise SyscallError(EINVAL)
        if int.from_bytes(address[:2], "little") == AF_UNSPEC:
            self._to = (0, 0)
            return
        self._to = _unpack(address)
        if not self.port_id:
            self._take_port(0)

    def name(self) -> bytes:
        """Its own."""
        return _SOCKADDR.pack(AF_NETLINK, 0, self.port_id, self.groups)

    def peer_name(self) -> bytes:
        """Whom it sends to: the kernel at first."""
        return _SOCKADDR.pack(AF_NETLINK, 0, *self._to)

    def close(self) -> None:
        """Nobody hears it any more."""
        self.network.netlink_sockets.remove(self)
        self.inbox.clear()

    # Bytes

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """To the kernel, which answers at once, or to another socket. Errors: EMSGSIZE, ECONNREFUSED, ENODATA."""
        to = self._check(sum(map(len, slices)), flags, extra)
        data = b"".join(slices)
        if to[0]:
            for other in self.network.netlink_sockets:
                if other.port_id == to[0] and other.protocol == self.protocol:
                    other.tell(data)
                    return len(data)
            raise SyscallError(ECONNREFUSED)
        if self.protocol not in (NETLINK_USERSOCK, NETLINK_KOBJECT_UEVENT):
            self._ask(data)
        return len(data)

    def _check(self, n_bytes: int, flags: int, extra: Outgoing | None) -> tuple[int, int]:
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        if not n_bytes:
            raise SyscallError(ENODATA)
        to = _unpack(extra.name) if extra is not None and extra.name else self._to
        if not self.port_id:
            self._take_port(0)
        if n_bytes > self.send_buffer_bytes - _MARGIN_BYTES:
            raise SyscallError(EMSGSIZE)
        return to

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """All that comes before the bytes."""
        self._check(n_bytes, 0, extra)

    def tell(self, data: bytes) -> None:
        """Something to receive."""
        self.inbox.append(data)
        self.queue.wake(READABLE)

    def _ask(self, data: bytes) -> None:
        """netlink_rcv_skb: each message of a request is answered, with an error or an acknowledgement at the end."""
        answer = self._answerer()
        while len(data) >= HEADER.size:
            length, kind, flags, seq, _port = HEADER.unpack_from(data)
            if not HEADER.size <= length <= len(data):
                return
            error, is_dump = 0, False
            if flags & NLM_F_REQUEST and kind >= NLMSG_MIN_TYPE:
                try:
                    answers = answer(self, kind, flags, data[HEADER.size : length])
                    if answers is not None:
                        is_dump = bool(flags & 0x300 == 0x300)  # noqa: PLR2004  # NLM_F_DUMP
                        self._answer(answers, seq, is_dump=is_dump)
                except SyscallError as refusal:
                    error = refusal.errno
            if error or (flags & NLM_F_ACK and not is_dump):
                self._acknowledge(data[:length], seq, error)
            data = data[length + 3 & -4 :]

    def _answerer(self) -> Answer:
        if self.protocol == NETLINK_ROUTE:
            from pyuk.net.routes import answer_route  # noqa: PLC0415

            return answer_route
        if self.protocol == NETLINK_SOCK_DIAG:
            from pyuk.net.diagnosis import answer_diagnosis  # noqa: PLC0415

            return answer_diagnosis
        return _answer_nothing

    def _answer(self, answers: Iterable[bytes], seq: int, *, is_dump: bool) -> None:
        """Messages come as (type, body); a dump's end is told by itself."""
        batch = b""
        for message in answers:
            kind, body = message[:2], message[2:]
            length = HEADER.size + len(body)
            flags = NLM_F_MULTI if is_dump else 0
            packed = HEADER.pack(length, int.from_bytes(kind, "little"), flags, seq, self.port_id) + body
            packed += bytes(-length & 3)
            if batch and len(batch) + len(packed) > _DUMP_BYTES:
                self.tell(batch)
                batch = b""
            batch += packed
        if batch:
            self.tell(batch)
        if is_dump:
            self.tell(HEADER.pack(HEADER.size + 4, NLMSG_DONE, NLM_F_MULTI, seq, self.port_id) + bytes(4))

    def _acknowledge(self, request: bytes, seq: int, error: int) -> None:
        """struct nlmsgerr: the error, and the request or its header."""
        is_capped = not error or (SOL_NETLINK, NETLINK_CAP_ACK) in self.options
        body = struct.pack("<i", -error) + (request[: HEADER.size] if is_capped else request)
        flags = NLM_F_CAPPED if is_capped else 0
        self.tell(HEADER.pack(HEADER.size + len(body), NLMSG_ERROR, flags, seq, self.port_id) + body)

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """One message. Errors: EOPNOTSUPP, EAGAIN."""
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        if self.error:
            raise SyscallError(self.take_error())
        if not self.inbox:
            raise self.until_readable(status)
        data: bytes = self.inbox[0]
        n = scatter(slices, data)
        if extra is not None:
            if n < len(data):
                extra.flags |= MSG_TRUNC
            extra.name = _SOCKADDR.pack(AF_NETLINK, 0, 0, 0)
            if self.options.get((SOL_NETLINK, NETLINK_PKTINFO)):
                extra.control.append((SOL_NETLINK, NETLINK_PKTINFO, bytes(4)))
            if self.passes_credentials:
                extra.credentials = 0, 0, 0
        if not flags & MSG_PEEK:
            self.inbox.popleft()
        return len(data) if flags & MSG_TRUNC else n

    def readable_bytes(self) -> int:
        """Those of the first message."""
        return len(self.inbox[0]) if self.inbox else 0

    def poll(self) -> int:
        """As datagram_poll; the kernel always listens."""
        events = WRITABLE
        if self.error:
            events |= POLLERR
        return events | READABLE if self.inbox else events

    def ioctl(self, request: int, data: bytes) -> bytes | None:
        """None of its own."""
        return None

    # Options

    def get_option(self, level: int, name: int, n_bytes: int) -> bytes:
        """SOL_NETLINK too. Errors: ENOPROTOOPT."""
        if level != SOL_NETLINK:
            return super().get_option(level, name, n_bytes)
        if name == NETLINK_LIST_MEMBERSHIPS:
            words = [0] * (-(-max(self.memberships, default=0) // 32) or 1)
            for group in self.memberships:
                words[(group - 1) // 32] |= 1 << (group - 1) % 32
            return struct.pack(f"<{len(words)}I", *words)
        if not NETLINK_PKTINFO <= name <= 12:  # noqa: PLR2004  # NETLINK_GET_STRICT_CHK
            raise SyscallError(ENOPROTOOPT)
        need(n_bytes, 4)
        return self.options.get((SOL_NETLINK, name), 0).to_bytes(4, "little")

    def set_option(self, level: int, name: int, n_bytes: int, read: Read) -> None:
        """The same."""
        if level != SOL_NETLINK:
            super().set_option(level, name, n_bytes, read)
            return
        value = int.from_bytes(read(4), "little") if n_bytes >= 4 else 0  # noqa: PLR2004
        if name in (NETLINK_ADD_MEMBERSHIP, NETLINK_DROP_MEMBERSHIP):
            if not 0 < value <= 64:  # noqa: PLR2004
                raise SyscallError(EINVAL)
            (self.memberships.add if name == NETLINK_ADD_MEMBERSHIP else self.memberships.discard)(value)
            if value <= 32:  # noqa: PLR2004
                bit = 1 << (value - 1)
                self.groups = self.groups | bit if name == NETLINK_ADD_MEMBERSHIP else self.groups & ~bit
            return
        if not NETLINK_PKTINFO <= name <= 12:  # noqa: PLR2004
            raise SyscallError(ENOPROTOOPT)
        self.options[SOL_NETLINK, name] = int(value != 0)


def _unpack(address: bytes) -> tuple[int, int]:
    """Port and groups of a struct sockaddr_nl. Errors: EINVAL."""
    if len(address) < _SOCKADDR.size:
        raise SyscallError(EINVAL)
    family, _pad, port_id, groups = _SOCKADDR.unpack_from(address)
    if family != AF_NETLINK:
        raise SyscallError(EINVAL)
    return port_id, groups


def _answer_nothing(_socket: NetlinkSocket, _kind: int, _flags: int, _body: bytes) -> None:
    """NETLINK_GENERIC: there is no family."""
    raise SyscallError(ENOENT)


def new_netlink_socket(network: Network, kind: int, protocol: int, flags: int) -> NetlinkSocket:
    """Errors: ESOCKTNOSUPPORT, EPROTONOSUPPORT."""
    if kind not in (SOCK_RAW, SOCK_DGRAM):
        raise SyscallError(ESOCKTNOSUPPORT)
    if protocol not in _PROTOCOLS:
        raise SyscallError(EPROTONOSUPPORT)
    return NetlinkSocket(network, kind, protocol, flags)
