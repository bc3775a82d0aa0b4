"""UDP (udp(7)) on the loopback: datagrams, who gets them, and what comes back where nobody does.

Source: Linux 6.1 net/ipv4/udp.c, net/ipv6/udp.c, net/ipv4/datagram.c.
"""

from __future__ import annotations

import struct
from _collections import deque  # type: ignore[import-not-found]  # collections itself costs a start 1 ms

from pyuk.abi.errno import (
    EACCES,
    EAFNOSUPPORT,
    EAGAIN,
    ECONNREFUSED,
    EDESTADDRREQ,
    EINVAL,
    EMSGSIZE,
    ENETUNREACH,
    ENOPROTOOPT,
    ENOTCONN,
    EOPNOTSUPP,
    EPIPE,
    SyscallError,
)  # fmt: skip
from pyuk.abi.inet import (
    IP_MULTICAST_ALL,
    IP_MULTICAST_IF,
    IP_ORIGDSTADDR,
    IP_PKTINFO,
    IP_RECVERR,
    IP_RECVTOS,
    IP_RECVTTL,
    IP_TOS,
    IP_TTL,
    IPPROTO_UDP,
    IPV6_2292PKTINFO,
    IPV6_HOPLIMIT,
    IPV6_MULTICAST_IF,
    IPV6_PKTINFO,
    IPV6_RECVERR,
    IPV6_RECVHOPLIMIT,
    IPV6_RECVPKTINFO,
    IPV6_RECVTCLASS,
    IPV6_TCLASS,
    IPV6_UNICAST_HOPS,
    UDP_CORK,
    UDP_ENCAP,
    UDP_GRO,
    UDP_NO_CHECK6_RX,
    UDP_NO_CHECK6_TX,
    UDP_SEGMENT,
)  # fmt: skip
from pyuk.abi.ioctls import FIONREAD, TIOCOUTQ
from pyuk.abi.poll import POLLERR, POLLHUP, POLLPRI, POLLRDHUP
from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    MSG_ERRQUEUE,
    MSG_MORE,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    SHUT_RD,
    SHUT_RDWR,
    SHUT_WR,
    SO_BROADCAST,
    SO_SELECT_ERR_QUEUE,
    SO_TIMESTAMP_NEW,
    SO_TIMESTAMP_OLD,
    SO_TIMESTAMPNS_NEW,
    SO_TIMESTAMPNS_OLD,
    SOCK_DGRAM,
    SOL_IP,
    SOL_IPV6,
    SOL_SOCKET,
    SOL_UDP,
    TCP_CLOSE,
    TCP_ESTABLISHED,
)  # fmt: skip
from pyuk.fs.file import scatter
from pyuk.net.address import (
    ANY4,
    ANY6,
    LOOPBACK4,
    LOOPBACK6,
    LOOPBACK_BROADCAST4,
    LOOPBACK_INDEX,
    as_4,
    family_of,
    is_local,
    is_mapped,
    is_multicast,
    pack,
    unpack_in6,
)  # fmt: skip
from pyuk.net.inet import BOUND_ADDRESS, BOUND_PORT, InetSocket
from pyuk.net.ports import Owner, same_place
from pyuk.net.socket import RCV_SHUTDOWN, READABLE, SEND_SHUTDOWN, WRITABLE, need, true_size
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.net.address import Endpoint
    from pyuk.net.message import Incoming, Outgoing
    from pyuk.net.network import Network
    from pyuk.net.socket import Read

_BOTH = RCV_SHUTDOWN | SEND_SHUTDOWN
_MOST_BYTES4, _MOST_BYTES6, _MOST_BYTES = 65507, 65527, 0xFFFF
_HEADER_BYTES = 59  # Ethernet's, as it is aligned, IPv4's and UDP's
_DEFAULT_TTL = 64
_TIMESTAMPS = (SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW)
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
_PORT_UNREACHABLE4, _PORT_UNREACHABLE6 = (3, 3), (1, 4)  # type and code
_UDP_OPTIONS = (UDP_CORK, UDP_ENCAP, UDP_NO_CHECK6_TX, UDP_NO_CHECK6_RX, UDP_SEGMENT, UDP_GRO)


class Datagram:
    """One that waits to be received, or has come back."""

    __slots__ = ("cost", "data", "is_refused", "source", "to", "tos", "ttl", "when_ns")

    def __init__(self, data: bytes, source: Endpoint, to: Endpoint, ttl: int, tos: int, when_ns: int) -> None:
        self.data = data
        self.source = source
        self.to = to
        self.ttl = ttl
        self.tos = tos
        self.when_ns = when_ns
        self.cost = true_size(len(data) + _HEADER_BYTES)


def _conflicts(socket: InetSocket, owner: InetSocket | Owner, relaxed: bool) -> bool:  # noqa: ARG001, FBT001
    """udp_lib_lport_inuse."""
    if socket.is_reusable and owner.is_reusable:
        return False
    if socket.is_shared and owner.is_shared and socket.uid == owner.uid:
        return False
    return same_place(socket, owner)


class UdpSocket(InetSocket):
    """Invariant: `used_bytes` is the cost of what is in the inbox."""

    __slots__ = ("_corked", "_corked_to", "errors", "inbox", "n_lost", "used_bytes")
    is_datagram = True
    sends_sigpipe = False

    def __init__(self, network: Network, family: int, flags: int) -> None:
        super().__init__(network, family, SOCK_DGRAM, IPPROTO_UDP, flags)
        self.inbox: deque[Datagram] = deque()
        self.used_bytes = self.n_lost = 0
        self.errors: list[Datagram] = []
        """What has come back, for who has asked for it (IP_RECVERR)."""
        self._corked: list[bytes] = []
        self._corked_to: Endpoint | None = None

    # Ports and ends

    def take_port(self, port: int) -> None:
        """See InetSocket."""
        inet = self.inet
        self.port = self.local_port = inet.udp_ports.bind(self, port, _conflicts)
        inet.udp_sockets.setdefault(self.port, []).insert(0, self)

    def leave_port(self) -> None:
        """See InetSocket."""
        if self.port:
            inet = self.inet
            inet.udp_ports.remove(self.port, self)
            sockets = inet.udp_sockets[self.port]
            sockets.remove(self)
            if not sockets:
                del inet.udp_sockets[self.port]
            self.port = 0

    def _bind_automatically(self) -> None:
        if not self.port:
            try:
                self.take_port(0)
            except SyscallError:
                raise SyscallError(EAGAIN) from None

    def connect(self, address: bytes, status: int, fs: FsContext) -> None:
        """Choose the peer; AF_UNSPEC chooses none. Errors: EINVAL, EAFNOSUPPORT, ENETUNREACH, EACCES broadcast."""
        if len(address) < 2:  # noqa: PLR2004
            raise SyscallError(EINVAL)
        if family_of(address) == AF_UNSPEC:
            self._disconnect()
            return
        self._bind_automatically()
        if self.family == AF_INET6 and family_of(address) == AF_INET:
            if self.is_ipv6only:
                raise SyscallError(EAFNOSUPPORT)
            ip, port = address[4:8], int.from_bytes(address[2:4], "big")
            if len(address) < 16:  # noqa: PLR2004
                raise SyscallError(EINVAL)
            remote = (LOOPBACK4 if ip == ANY4 else ip), port
        else:
            remote = self.destination(address)
        self.check_route(remote[0])
        self.remote_ip, self.remote_port = remote
        if not any(self.local_ip):
            self.local_ip = self.source_for(remote[0])
        self.state = TCP_ESTABLISHED
        self.is_shut = 0

    def _disconnect(self) -> None:
        self.state = TCP_CLOSE
        self.remote_ip, self.remote_port = (ANY4 if self.family == AF_INET else ANY6), 0
        if not self.locks & BOUND_ADDRESS:
            self.local_ip = ANY4 if self.family == AF_INET else ANY6
        if not self.locks & BOUND_PORT:
            self.leave_port()
            self.local_port = 0

    def shutdown(self, how: int) -> None:
        """Errors: EINVAL, ENOTCONN, and it is shut all the same."""
        if how not in (SHUT_RD, SHUT_WR, SHUT_RDWR):
            raise SyscallError(EINVAL)
        self.is_shut |= how + 1
        self.queue.wake()
        if self.state == TCP_CLOSE:
            raise SyscallError(ENOTCONN)

    def close(self) -> None:
        """Nobody finds it any more."""
        self.leave_port()
        self.inbox.clear()

    def check_route(self, ip: bytes) -> None:
        """Errors: ENETUNREACH, EACCES a broadcast that was not asked for."""
        if ip == LOOPBACK_BROADCAST4:
            if not self.options.get((SOL_SOCKET, SO_BROADCAST)):
                raise SyscallError(EACCES)
            return
        if is_multicast(ip):
            level, name = (SOL_IP, IP_MULTICAST_IF) if len(ip) == len(ANY4) else (SOL_IPV6, IPV6_MULTICAST_IF)
            if not self.options.get((level, name)) and not is_local(self.local_ip):
                raise SyscallError(ENETUNREACH)
            return
        super().check_route(ip)

    # Sending

    def send(self, slices: list[memoryview], flags: int, status: int, extra: Outgoing | None = None) -> int:
        """To the address, or to the peer. Errors: EDESTADDRREQ, EMSGSIZE, ECONNREFUSED, ENETUNREACH, EACCES, EPIPE."""
        wanted = len(slices[0]) if len(slices) == 1 else sum(map(len, slices))
        to, source, ttl, tos = self._prepare(wanted, flags, extra)
        data = slices[0].tobytes() if len(slices) == 1 else b"".join(slices)
        if flags & MSG_MORE or self._corked or self.options.get((SOL_UDP, UDP_CORK)):
            if sum(map(len, self._corked)) + wanted > self._most_bytes(to[0]):
                raise SyscallError(EMSGSIZE)
            if self._corked_to is None:
                self._corked_to = to
            self._corked.append(data)
            if not flags & MSG_MORE and not self.options.get((SOL_UDP, UDP_CORK)):
                self._uncork()
            return wanted
        segment = self.options.get((SOL_UDP, UDP_SEGMENT), 0)
        for at in range(0, wanted, segment) if segment and wanted > segment else (0,):
            piece = data[at : at + segment] if segment else data
            self._deliver(Datagram(piece, (source, self.local_port), to, ttl, tos, self.network.realtime_ns()))
        return wanted

    def _uncork(self) -> None:
        to, pieces = self._corked_to, self._corked
        self._corked_to, self._corked = None, []
        if to is not None:
            source = self.source_for(to[0])
            data = b"".join(pieces)
            self._deliver(
                Datagram(data, (source, self.local_port), to, self._ttl(to[0]), 0, self.network.realtime_ns())
            )

    def _prepare(self, n_bytes: int, flags: int, extra: Outgoing | None) -> tuple[Endpoint, bytes, int, int]:
        """Where to, from which address, with which TTL and type of service; the checks in Linux's order."""
        self._bind_automatically()
        if n_bytes > _MOST_BYTES:
            raise SyscallError(EMSGSIZE)
        if flags & MSG_OOB:
            raise SyscallError(EOPNOTSUPP)
        to = self._to(extra.name if extra is not None else b"")
        source = self.source_for(to[0])
        ttl, tos = self._ttl(to[0]), self.options.get((SOL_IP, IP_TOS), 0)
        if extra is not None and extra.control:
            source, ttl, tos = _controlled(extra, source, ttl, tos)
        if self._corked_to is not None:
            to = self._corked_to
        self.check_route(to[0])
        if n_bytes > self._most_bytes(to[0]):
            raise SyscallError(EMSGSIZE)
        if self.error:
            raise SyscallError(self.take_error())
        if self.is_shut & SEND_SHUTDOWN:
            raise SyscallError(EPIPE)
        return to, source, ttl, tos

    def _to(self, address: bytes) -> Endpoint:
        if not address:
            if self.state != TCP_ESTABLISHED:
                raise SyscallError(EDESTADDRREQ)
            return self.remote_ip, self.remote_port
        if self.family == AF_INET:
            if len(address) < 16:  # noqa: PLR2004
                raise SyscallError(EINVAL)
            if family_of(address) not in (AF_INET, AF_UNSPEC):
                raise SyscallError(EAFNOSUPPORT)
            ip, port = address[4:8], int.from_bytes(address[2:4], "big")
        else:
            ip, port = self._to6(address)
        if not port:
            raise SyscallError(EINVAL)
        if not any(ip):
            ip = LOOPBACK4 if len(ip) == len(ANY4) else LOOPBACK6
        return ip, port

    def _to6(self, address: bytes) -> Endpoint:
        family = family_of(address)
        if family == AF_UNSPEC and len(address) >= 2:  # noqa: PLR2004
            return self._to(b"")
        if family == AF_INET and len(address) >= 16:  # noqa: PLR2004
            if self.is_ipv6only:
                raise SyscallError(ENETUNREACH)
            return address[4:8], int.from_bytes(address[2:4], "big")
        if family != AF_INET6:
            raise SyscallError(EINVAL)
        ip, port, _scope = unpack_in6(address)
        if is_mapped(ip):
            if self.is_ipv6only:
                raise SyscallError(ENETUNREACH)
            return as_4(ip), port
        if len(self.local_ip) == len(ANY4):
            raise SyscallError(ENETUNREACH)
        return ip, port

    @staticmethod
    def _most_bytes(ip: bytes) -> int:
        return _MOST_BYTES4 if len(ip) == len(ANY4) else _MOST_BYTES6

    def _ttl(self, ip: bytes) -> int:
        if is_multicast(ip):
            return 1
        level, name = (SOL_IP, IP_TTL) if len(ip) == len(ANY4) else (SOL_IPV6, IPV6_UNICAST_HOPS)
        return self.options.get((level, name), _DEFAULT_TTL)

    def _deliver(self, datagram: Datagram) -> None:
        ip = datagram.to[0]
        if is_multicast(ip) or ip == LOOPBACK_BROADCAST4:
            self._deliver_to_all(datagram)
            return
        receiver = self._find(datagram)
        if receiver is None:
            self._come_back(datagram)
        else:
            receiver.take(datagram)

    def take(self, datagram: Datagram) -> None:
        """It arrives, unless the receive buffer is full: nobody is told then."""
        if self.used_bytes > self.receive_buffer_bytes:
            self.n_lost += 1
            return
        self.inbox.append(datagram)
        self.used_bytes += datagram.cost
        self.queue.wake(READABLE)

    def _find(self, datagram: Datagram) -> UdpSocket | None:
        """Who gets it: the most special of those that may (udp4_lib_lookup2)."""
        ip, port = datagram.to
        best: list[UdpSocket] = []
        best_score = 0
        for socket in self.inet.udp_sockets.get(port, ()):
            score = socket.score(ip, datagram.source)
            if score > best_score:
                best, best_score = [socket], score
            elif score and score == best_score and socket.is_shared and best[0].is_shared:
                best.append(socket)
        if not best:
            return None
        return best[(datagram.source[1] * 2654435761 >> 16) % len(best)]

    def score(self, ip: bytes, source: Endpoint) -> int:
        """How well it fits a datagram to ip; 0: not at all."""
        if self.local_ip == ip:
            score = 16
        elif any(self.local_ip) or (len(self.local_ip) != len(ip) and (self.is_ipv6only or len(ip) != len(ANY4))):
            return 0
        else:
            score = 1
        if self.remote_port:
            if (self.remote_ip, self.remote_port) != source:
                return 0
            score += 8
        return score + (self.family == AF_INET)

    def _deliver_to_all(self, datagram: Datagram) -> None:
        ip, port = datagram.to
        joined = ip == LOOPBACK_BROADCAST4 or any(
            ip in socket.groups for sockets in self.inet.udp_sockets.values() for socket in sockets
        )
        for socket in self.inet.udp_sockets.get(port, ()) if joined else ():
            is_here = socket.local_ip == ip or (
                not any(socket.local_ip) and (len(socket.local_ip) == len(ip) or not socket.is_ipv6only)
            )
            is_from = not socket.remote_port or (socket.remote_ip, socket.remote_port) == datagram.source
            wants = (
                ip == LOOPBACK_BROADCAST4 or ip in socket.groups or
                (not socket.groups and socket.options.get((SOL_IP, IP_MULTICAST_ALL), 1))
            )  # fmt: skip
            if is_here and is_from and wants:
                socket.take(datagram)

    def _wants_errors(self, ip: bytes) -> bool:
        level, name = (SOL_IP, IP_RECVERR) if len(ip) == len(ANY4) else (SOL_IPV6, IPV6_RECVERR)
        return bool(self.options.get((level, name)))

    def _come_back(self, datagram: Datagram) -> None:
        """Nobody is at that port (ICMP): told to who is connected with it, or has asked."""
        ip = datagram.to[0]
        if self._wants_errors(ip):
            self.errors.append(datagram)
        elif self.state != TCP_ESTABLISHED:
            return
        if self.state == TCP_ESTABLISHED and datagram.to != (self.remote_ip, self.remote_port):
            return
        self.error = ECONNREFUSED
        self.queue.wake(POLLERR)

    def forget_errors(self) -> None:
        """Nobody asks for them any more."""
        self.errors.clear()

    def send_nothing(self, n_bytes: int, status: int, extra: Outgoing | None = None) -> None:
        """All that comes before the bytes."""
        self._prepare(n_bytes, 0, extra)

    # Receiving

    def receive(self, slices: list[memoryview], flags: int, status: int, extra: Incoming | None = None) -> int:
        """One message. Errors: ECONNREFUSED what was sent has come back, EAGAIN."""
        if flags & MSG_ERRQUEUE:
            return self._receive_error(slices, flags, extra)
        if self.error:
            raise SyscallError(self.take_error())
        peeking = bool(flags & MSG_PEEK)
        skip = max(self.peek_offset, 0) if peeking else 0
        datagram: Datagram | None = None
        for candidate in self.inbox:
            if not skip or skip < len(candidate.data):
                datagram = candidate
                break
            skip -= len(candidate.data)
        if datagram is None:
            blocked = self.until_readable(status)
            if self.is_shut & RCV_SHUTDOWN and isinstance(blocked, WouldBlock):
                return 0
            raise blocked
        data = datagram.data
        size = len(data) - skip
        n = scatter(slices, memoryview(data)[skip:] if skip else data)
        if extra is not None:
            if n < size:
                extra.flags |= MSG_TRUNC
            extra.name = pack(self.family, *datagram.source)
            if self.options:
                self._tell(datagram, extra)
        if self.peek_offset >= 0:
            self.peek_offset = self.peek_offset + n if peeking else max(self.peek_offset - len(data), 0)
        if not peeking:
            self.inbox.popleft()
            self.used_bytes -= datagram.cost
        return size if flags & MSG_TRUNC else n

    def _tell(self, datagram: Datagram, extra: Incoming) -> None:
        """The control messages that were asked for, in Linux's order (sock_recv_cmsgs, ip_cmsg_recv_offset)."""
        options, control = self.options, extra.control
        for name in _TIMESTAMPS:
            if options.get((SOL_SOCKET, name)):
                seconds, ns = divmod(datagram.when_ns, 1_000_000_000)
                is_ns = name in (SO_TIMESTAMPNS_OLD, SO_TIMESTAMPNS_NEW)
                control.append((SOL_SOCKET, name, struct.pack("<qq", seconds, ns if is_ns else ns // 1000)))
        ip = datagram.to[0]
        if self.family == AF_INET6:
            self._tell6(datagram, extra)
            if len(ip) != len(ANY4):
                return
        if options.get((SOL_IP, IP_PKTINFO)):
            own = LOOPBACK4 if is_multicast(ip) or ip == LOOPBACK_BROADCAST4 else ip
            control.append((SOL_IP, IP_PKTINFO, struct.pack("<I", LOOPBACK_INDEX) + own + ip))
        if options.get((SOL_IP, IP_RECVTTL)):
            control.append((SOL_IP, IP_TTL, struct.pack("<i", datagram.ttl)))
        if options.get((SOL_IP, IP_RECVTOS)):
            control.append((SOL_IP, IP_TOS, bytes((datagram.tos,))))
        if options.get((SOL_IP, IP_ORIGDSTADDR)):
            control.append((SOL_IP, IP_ORIGDSTADDR, pack(AF_INET, *datagram.to)))

    def _tell6(self, datagram: Datagram, extra: Incoming) -> None:
        options, control = self.options, extra.control
        ip = pack(AF_INET6, datagram.to[0], 0)[8:24]
        if options.get((SOL_IPV6, IPV6_RECVPKTINFO)):
            control.append((SOL_IPV6, IPV6_PKTINFO, ip + struct.pack("<I", LOOPBACK_INDEX)))
        if options.get((SOL_IPV6, IPV6_RECVHOPLIMIT)):
            control.append((SOL_IPV6, IPV6_HOPLIMIT, struct.pack("<i", datagram.ttl)))
        if options.get((SOL_IPV6, IPV6_RECVTCLASS)):
            control.append((SOL_IPV6, IPV6_TCLASS, struct.pack("<i", datagram.tos)))
        if options.get((SOL_IPV6, IPV6_2292PKTINFO)):
            control.append((SOL_IPV6, IPV6_2292PKTINFO, ip + struct.pack("<I", LOOPBACK_INDEX)))

    def _receive_error(self, slices: list[memoryview], flags: int, extra: Incoming | None) -> int:
        """What has come back, with why (ip_recv_error)."""
        if not self.errors:
            raise SyscallError(EAGAIN)
        datagram = self.errors.pop(0)
        n = scatter(slices, datagram.data)
        if extra is not None:
            extra.flags |= MSG_ERRQUEUE | (MSG_TRUNC if n < len(datagram.data) else 0)
            ip = datagram.to[0]
            is_4 = len(ip) == len(ANY4)
            kind, code = _PORT_UNREACHABLE4 if is_4 else _PORT_UNREACHABLE6
            origin = _ORIGIN_ICMP if is_4 else _ORIGIN_ICMP6
            why = struct.pack("<I4BII", ECONNREFUSED, origin, kind, code, 0, 0, 0)
            extra.name = pack(self.family, *datagram.to)
            level, name = (SOL_IP, IP_RECVERR) if is_4 else (SOL_IPV6, IPV6_RECVERR)
            extra.control.append((level, name, why + pack(AF_INET if is_4 else AF_INET6, ip, 0)))
        if self.errors:
            self.error = ECONNREFUSED
        return n

    # The rest

    def readable_bytes(self) -> int:
        """Those of the first message."""
        return len(self.inbox[0].data) if self.inbox else 0

    def set_peek_offset(self, offset: int) -> None:
        """Where the next MSG_PEEK begins; negative for the beginning."""
        self.peek_offset = offset

    def poll(self) -> int:
        """As datagram_poll; there is always room."""
        events = WRITABLE
        if self.error or self.errors:
            events |= POLLERR | (POLLPRI if self.options.get((SOL_SOCKET, SO_SELECT_ERR_QUEUE)) else 0)
        if self.is_shut & RCV_SHUTDOWN:
            events |= POLLRDHUP | READABLE
        if self.is_shut == _BOTH:
            events |= POLLHUP
        if self.inbox:
            events |= READABLE
        return events

    def ioctl(self, request: int, data: bytes) -> bytes | None:
        """SIOCINQ, SIOCOUTQ."""
        if request == FIONREAD:
            return self.readable_bytes().to_bytes(4, "little")
        return bytes(4) if request == TIOCOUTQ else None

    def get_option(self, level: int, name: int, n_bytes: int) -> bytes:
        """SOL_UDP too."""
        if level == SOL_UDP and name in _UDP_OPTIONS:
            return self.options.get((SOL_UDP, name), 0).to_bytes(4, "little")
        return super().get_option(level, name, n_bytes)

    def set_option(self, level: int, name: int, n_bytes: int, read: Read) -> None:
        """SOL_UDP too. Errors: ENOPROTOOPT, EINVAL."""
        if level != SOL_UDP:
            super().set_option(level, name, n_bytes, read)
            return
        need(n_bytes, 4)
        value = int.from_bytes(read(4), "little", signed=True)
        if name not in _UDP_OPTIONS or (name == UDP_ENCAP and value):
            raise SyscallError(ENOPROTOOPT)
        if name == UDP_SEGMENT and not 0 <= value <= _MOST_BYTES:
            raise SyscallError(EINVAL)
        self.options[SOL_UDP, name] = value if name == UDP_SEGMENT else int(value != 0)
        if name == UDP_CORK and not value:
            self._uncork()


def _controlled(extra: Outgoing, source: bytes, ttl: int, tos: int) -> tuple[bytes, int, int]:
    """What control messages say of one datagram (ip_cmsg_send, ip6_datagram_send_ctl). Errors: EINVAL, ENETUNREACH."""
    for level, name, data in extra.control:
        number = int.from_bytes(data[:4], "little", signed=True)
        if (level, name) == (SOL_IP, IP_PKTINFO) and len(data) == 12:  # noqa: PLR2004
            if number not in (0, LOOPBACK_INDEX):
                raise SyscallError(ENETUNREACH)
            if any(data[4:8]):
                source = data[4:8]
        elif (level, name) == (SOL_IP, IP_TTL) and len(data) == 4 and 1 <= number <= 255:  # noqa: PLR2004
            ttl = number
        elif (level, name) == (SOL_IP, IP_TOS) and len(data) in (1, 4):
            tos = data[0]
        elif (level, name) == (SOL_IPV6, IPV6_PKTINFO) and len(data) >= 20:  # noqa: PLR2004
            if any(data[:16]):
                source = as_4(data[:16])
        elif (level, name) == (SOL_IPV6, IPV6_HOPLIMIT) and len(data) == 4 and -1 <= number <= 255:  # noqa: PLR2004
            ttl = number if number >= 0 else ttl
        elif (level, name) == (SOL_IPV6, IPV6_TCLASS) and len(data) == 4 and -1 <= number <= 255:  # noqa: PLR2004
            tos = max(number, 0)
        elif (
            level in (SOL_IP, SOL_IPV6)
            or (level == SOL_SOCKET and name not in (1, 2, 36, 37, 61))
            or (level == SOL_UDP and name != UDP_SEGMENT)
        ):
            raise SyscallError(EINVAL)
    if not is_local(source) and any(source):
        raise SyscallError(EINVAL)
    return source, ttl, tos
