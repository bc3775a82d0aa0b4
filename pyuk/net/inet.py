"""AF_INET and AF_INET6 (ip(7), ipv6(7)): what TCP and UDP share, and the loopback network of one kernel.

No host socket is made: both ends of everything are here. Source: Linux 6.1 net/ipv4/af_inet.c, net/ipv6/af_inet6.c.
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_NET_BIND_SERVICE
from pyuk.abi.errno import (
    EACCES,
    EADDRNOTAVAIL,
    EINVAL,
    ENETUNREACH,
    ENOPROTOOPT,
    ENOTCONN,
    EOPNOTSUPP,
    SyscallError,
)  # fmt: skip
from pyuk.abi.inet import IP_FREEBIND, IP_TRANSPARENT, IPPROTO_TCP, IPPROTO_UDP
from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SOL_IP,
    SOL_IPV6,
    SOL_SOCKET,
    TCP_CLOSE,
    TCP_LISTEN,
)  # fmt: skip
from pyuk.net.address import (
    ANY4,
    ANY6,
    BROADCAST4,
    LOOPBACK4,
    LOOPBACK6,
    LOOPBACK_BROADCAST4,
    as_4,
    family_of,
    is_link_local,
    is_local,
    is_mapped,
    is_multicast,
    pack,
    unpack_in,
    unpack_in6,
)  # fmt: skip
from pyuk.net.ports import Ports
from pyuk.net.socket import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.net.address import Endpoint
    from pyuk.net.network import Network
    from pyuk.net.socket import Read
    from pyuk.net.tcp import TcpSocket, TimeWait
    from pyuk.net.udp import UdpSocket

_FIRST_FREE_PORT = 1024  # net.ipv4.ip_unprivileged_port_start
BOUND_ADDRESS, BOUND_PORT = 1, 2
"""Bits of InetSocket.locks: what bind(2) was asked for stays when a connection ends (SOCK_BINDADDR_LOCK)."""


class Inet:
    """The internet as one kernel's guests see it: ports, listeners, connections and what waits after them."""

    __slots__ = ("connections", "listeners", "network", "tcp_ports", "time_waits", "udp_ports", "udp_sockets")

    def __init__(self, network: Network) -> None:
        self.network = network
        self.tcp_ports = Ports(network.random_bytes)
        self.udp_ports = Ports(network.random_bytes)
        self.listeners: dict[int, list[TcpSocket]] = {}
        """By port, the latest last."""
        self.connections: dict[tuple[Endpoint, Endpoint], TcpSocket] = {}
        """By local and remote end."""
        self.time_waits: dict[tuple[Endpoint, Endpoint], TimeWait] = {}
        """What is left of connections that this machine has ended first, the oldest first."""
        self.udp_sockets: dict[int, list[UdpSocket]] = {}
        """By port, the latest first."""


class InetSocket(Socket):
    """A socket with a local and a remote end. Addresses are 4 bytes where IPv4 is spoken, whatever the family."""

    __slots__ = ("groups", "inet", "is_ipv6only", "local_ip", "local_port", "locks", "port", "remote_ip", "remote_port")

    def __init__(self, network: Network, family: int, kind: int, protocol: int, flags: int) -> None:
        super().__init__(network, family, kind, protocol, flags, TCP_CLOSE)
        self.inet = network.inet
        self.local_ip = self.remote_ip = ANY4 if family == AF_INET else ANY6
        self.local_port = self.remote_port = 0
        self.port = 0
        """The one it has in the table of ports, 0 for none; its name may keep one that it has no more."""
        self.locks = 0
        self.is_ipv6only = False
        self.groups: list[bytes] = []
        """Those it has joined."""

    @property
    def is_reusable(self) -> bool:
        """SO_REUSEADDR."""
        return bool(self.options.get((SOL_SOCKET, SO_REUSEADDR)))

    @property
    def is_shared(self) -> bool:
        """SO_REUSEPORT."""
        return bool(self.options.get((SOL_SOCKET, SO_REUSEPORT)))

    @property
    def is_listening(self) -> bool:
        """It waits for connections."""
        return self.state == TCP_LISTEN

    @property
    def is_waiting(self) -> bool:
        """It is no socket any more, but TIME_WAIT."""
        return False

    # Names

    def bind(self, address: bytes, fs: FsContext) -> None:
        """Errors: EINVAL, EAFNOSUPPORT, EADDRNOTAVAIL, EACCES a low port, EADDRINUSE."""
        ip, port, is_wide = self._checked(address)
        if 0 < port < _FIRST_FREE_PORT and not self.network.current()[1].has(CAP_NET_BIND_SERVICE):
            raise SyscallError(EACCES)
        if self.state != TCP_CLOSE or self.port:
            raise SyscallError(EINVAL)
        before, was_only = self.local_ip, self.is_ipv6only
        self.local_ip = ip
        if self.family == AF_INET6 and not is_wide and len(ip) == len(ANY6):
            self.is_ipv6only = True
        try:
            self.take_port(port)
        except SyscallError:
            self.local_ip, self.is_ipv6only = before, was_only
            raise
        self.locks = (0 if is_wide else BOUND_ADDRESS) | (BOUND_PORT if port else 0)
        self.remote_ip, self.remote_port = (ANY4 if self.family == AF_INET else ANY6), 0

    def _checked(self, address: bytes) -> tuple[bytes, int, bool]:
        """Address, port, and whether it is the one that stands for all."""
        if self.family == AF_INET:
            if len(address) >= 16 and family_of(address) == AF_UNSPEC and address[4:8] == ANY4:  # noqa: PLR2004
                address = AF_INET.to_bytes(2, "little") + address[2:]  # as programs of the eighties do
            ip, port = unpack_in(address)
            self._check_local(ip)
            return ip, port, ip == ANY4
        ip, port, scope = unpack_in6(address)
        if is_multicast(ip) and self.protocol == IPPROTO_TCP:
            raise SyscallError(EINVAL)
        if is_mapped(ip):
            if self.is_ipv6only:
                raise SyscallError(EINVAL)
            ip = as_4(ip)
            self._check_local(ip)
            return ip, port, False
        if ip != ANY6:
            if is_link_local(ip) and not scope:
                raise SyscallError(EINVAL)
            if not is_multicast(ip):
                self._check_local(ip)
        return ip, port, ip == ANY6

    def _check_local(self, ip: bytes) -> None:
        """inet_addr_valid_or_nonlocal."""
        if is_local(ip) or not any(ip):
            return
        if len(ip) == len(ANY4) and (is_multicast(ip) or ip in (BROADCAST4, LOOPBACK_BROADCAST4)):
            return
        options = self.options
        if not options.get((SOL_IP, IP_FREEBIND)) and not options.get((SOL_IP, IP_TRANSPARENT)):
            raise SyscallError(EADDRNOTAVAIL)

    def take_port(self, port: int) -> None:
        """Have this port, or with 0 a free one. Errors: EADDRINUSE."""
        raise NotImplementedError

    def leave_port(self) -> None:
        """Have none; the name keeps its number."""
        raise NotImplementedError

    def name(self) -> bytes:
        """Its own."""
        return pack(self.family, self.local_ip, self.local_port)

    def peer_name(self) -> bytes:
        """The remote end's. Errors: ENOTCONN."""
        if not self.remote_port:
            raise SyscallError(ENOTCONN)
        return pack(self.family, self.remote_ip, self.remote_port)

    def destination(self, address: bytes) -> Endpoint:
        """Where a struct sockaddr leads: this machine, in place of no address. Errors: EINVAL, EAFNOSUPPORT."""
        if self.family == AF_INET:
            ip, port = unpack_in(address)
            return (LOOPBACK4 if ip == ANY4 else ip), port
        ip, port, scope = unpack_in6(address)
        if ip == ANY6:
            return (LOOPBACK4 if len(self.local_ip) == len(ANY4) else LOOPBACK6), port
        if is_link_local(ip) and not scope:
            raise SyscallError(EINVAL)
        if is_mapped(ip):
            if self.is_ipv6only:
                raise SyscallError(ENETUNREACH)
            return (LOOPBACK4 if as_4(ip) == ANY4 else as_4(ip)), port
        if len(self.local_ip) == len(ANY4):
            raise SyscallError(ENETUNREACH)
        return ip, port

    def check_route(self, ip: bytes) -> None:
        """Errors: ENETUNREACH no device leads there."""
        if not is_local(ip):
            raise SyscallError(ENETUNREACH)

    def source_for(self, ip: bytes) -> bytes:
        """The address that a packet to ip comes from, where the socket has none of its own."""
        if any(self.local_ip) and not is_multicast(self.local_ip):
            return self.local_ip
        return LOOPBACK4 if len(ip) == len(ANY4) else LOOPBACK6

    def forget_errors(self) -> None:
        """IP_RECVERR is off: what has come back is not told."""

    # Options

    def get_option(self, level: int, name: int, n_bytes: int) -> bytes:
        """SOL_SOCKET, SOL_IP and SOL_IPV6. Errors: EOPNOTSUPP, ENOPROTOOPT."""
        if level in (SOL_IP, SOL_IPV6):
            from pyuk.net.ip_options import get_ip_option, get_ipv6_option  # noqa: PLC0415

            if level == SOL_IP:
                return get_ip_option(self, name, n_bytes)
            if self.family == AF_INET6:
                return get_ipv6_option(self, name)
        if level != SOL_SOCKET:
            raise SyscallError(EOPNOTSUPP if self.family == AF_INET else ENOPROTOOPT)
        return super().get_option(level, name, n_bytes)

    def set_option(self, level: int, name: int, n_bytes: int, read: Read) -> None:
        """The same."""
        if level in (SOL_IP, SOL_IPV6):
            from pyuk.net.ip_options import set_ip_option, set_ipv6_option  # noqa: PLC0415

            if level == SOL_IP:
                set_ip_option(self, name, n_bytes, read)
                return
            if self.family == AF_INET6:
                set_ipv6_option(self, name, n_bytes, read)
                return
        if level != SOL_SOCKET:
            raise SyscallError(ENOPROTOOPT)
        super().set_option(level, name, n_bytes, read)


def new_inet_socket(network: Network, family: int, kind: int, protocol: int, flags: int) -> InetSocket:
    """A socket of its type. Errors: ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM a raw one, EACCES ping."""
    from pyuk.abi.errno import EPERM, EPROTONOSUPPORT, ESOCKTNOSUPPORT  # noqa: PLC0415
    from pyuk.abi.inet import IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_IP  # noqa: PLC0415
    from pyuk.abi.socket import SOCK_DGRAM, SOCK_RAW, SOCK_STREAM  # noqa: PLC0415

    if not 0 <= protocol < 256:  # noqa: PLR2004  # IPPROTO_MAX; MPTCP is another number and not there
        raise SyscallError(EINVAL if protocol != 262 else EPROTONOSUPPORT)  # noqa: PLR2004
    if kind == SOCK_STREAM and protocol in (IPPROTO_IP, IPPROTO_TCP):
        from pyuk.net.tcp import TcpSocket  # noqa: PLC0415

        return TcpSocket(network, family, flags)
    if kind == SOCK_DGRAM and protocol in (IPPROTO_IP, IPPROTO_UDP):
        from pyuk.net.udp import UdpSocket  # noqa: PLC0415

        return UdpSocket(network, family, flags)
    if kind == SOCK_DGRAM and protocol == (IPPROTO_ICMP if family == AF_INET else IPPROTO_ICMPV6):
        raise SyscallError(EACCES)  # net.ipv4.ping_group_range is empty
    if kind == SOCK_RAW:
        raise SyscallError(EPERM if protocol else EPROTONOSUPPORT)
    if kind in (SOCK_STREAM, SOCK_DGRAM):
        raise SyscallError(EPROTONOSUPPORT)
    raise SyscallError(ESOCKTNOSUPPORT)
