"""The options of ip(7) and ipv6(7): SOL_IP of both families, SOL_IPV6 of AF_INET6.

Source: Linux 6.1 net/ipv4/ip_sockglue.c, net/ipv6/ipv6_sockglue.c.
"""

from __future__ import annotations

from pyuk.abi import inet
from pyuk.abi.capability import CAP_NET_ADMIN, CAP_NET_RAW
from pyuk.abi.errno import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    EINVAL,
    ENODEV,
    ENOPROTOOPT,
    ENOTCONN,
    EPERM,
    EPROTO,
    SyscallError,
)  # fmt: skip
from pyuk.abi.socket import AF_INET, SOCK_STREAM, SOL_IP, SOL_IPV6, TCP_CLOSE
from pyuk.net.address import LOOPBACK_INDEX, is_local, is_multicast
from pyuk.net.socket import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.net.inet import InetSocket
    from pyuk.net.socket import Read

_ANY = (-(1 << 31), (1 << 31) - 1)
_FLAG = (0, 1)
LOOPBACK_MTU = 65536

# option: default, range
_IP = {
    inet.IP_TOS: (0, _ANY), inet.IP_TTL: (64, (1, 255)), inet.IP_ROUTER_ALERT: (0, None), inet.IP_RECVOPTS: (0, _ANY),
    inet.IP_RETOPTS: (0, _ANY), inet.IP_PKTINFO: (0, _ANY), inet.IP_MTU_DISCOVER: (1, (0, 5)),
    inet.IP_RECVERR: (0, _ANY), inet.IP_RECVTTL: (0, _ANY), inet.IP_RECVTOS: (0, _ANY), inet.IP_FREEBIND: (0, _ANY),
    inet.IP_PASSSEC: (0, _ANY), inet.IP_TRANSPARENT: (0, _ANY), inet.IP_ORIGDSTADDR: (0, _ANY),
    inet.IP_MINTTL: (0, (0, 255)), inet.IP_CHECKSUM: (0, _ANY), inet.IP_BIND_ADDRESS_NO_PORT: (0, _ANY),
    inet.IP_RECVFRAGSIZE: (0, _ANY), inet.IP_RECVERR_RFC4884: (0, _FLAG), inet.IP_MULTICAST_TTL: (1, (0, 255)),
    inet.IP_MULTICAST_LOOP: (1, _ANY), inet.IP_MULTICAST_ALL: (1, _FLAG), inet.IP_UNICAST_IF: (0, None),
}  # fmt: skip
_IP_SWITCHES = frozenset((
    inet.IP_RECVOPTS, inet.IP_RETOPTS, inet.IP_PKTINFO, inet.IP_RECVERR, inet.IP_RECVTTL, inet.IP_RECVTOS,
    inet.IP_FREEBIND, inet.IP_PASSSEC, inet.IP_TRANSPARENT, inet.IP_ORIGDSTADDR, inet.IP_CHECKSUM,
    inet.IP_BIND_ADDRESS_NO_PORT, inet.IP_RECVFRAGSIZE, inet.IP_MULTICAST_LOOP,
))  # fmt: skip
_NOT_FOR_STREAMS = frozenset((inet.IP_MULTICAST_TTL, inet.IP_RECVFRAGSIZE))
_MEMBERSHIPS = (inet.IP_ADD_MEMBERSHIP, inet.IP_DROP_MEMBERSHIP)
_SOURCES = tuple(range(inet.IP_UNBLOCK_SOURCE, inet.IP_MSFILTER + 1))
_GROUPS = tuple(range(inet.MCAST_JOIN_GROUP, inet.MCAST_MSFILTER + 1))
_JOINS = (inet.IP_ADD_MEMBERSHIP, inet.MCAST_JOIN_GROUP, inet.IPV6_ADD_MEMBERSHIP)


def set_ip_option(socket: InetSocket, name: int, n_bytes: int, read: Read) -> None:
    """Set one of SOL_IP. Errors: EINVAL, ENOPROTOOPT, EPERM, EPROTO, ENODEV, EADDRINUSE, EADDRNOTAVAIL."""
    if name == inet.IP_OPTIONS:
        _set_header_options(n_bytes, read)
        return
    if name in _MEMBERSHIPS or name in _GROUPS:
        _set_membership(socket, name, n_bytes, read)
        return
    if name == inet.IP_MULTICAST_IF:
        _set_multicast_device(socket, n_bytes, read)
        return
    if name in _SOURCES:
        raise SyscallError(EINVAL)
    default_range = _IP.get(name)
    if default_range is None:
        raise SyscallError(ENOPROTOOPT)
    value = _read_number(n_bytes, read)
    if name in (inet.IP_TTL, inet.IP_MULTICAST_TTL):
        need(n_bytes, 1)
    if socket.kind == SOCK_STREAM and name in _NOT_FOR_STREAMS:
        raise SyscallError(EINVAL)
    if value == -1 and name in (inet.IP_TTL, inet.IP_MULTICAST_TTL):
        value = default_range[0]
    else:
        _check_ip_value(socket, name, value, default_range[1])
    if name in _IP_SWITCHES:
        value = int(value != 0)
    elif name == inet.IP_TOS:
        value &= 0xFC if socket.kind == SOCK_STREAM else 0xFF
    if name == inet.IP_RECVERR and not value:
        socket.forget_errors()
    socket.options[SOL_IP, name] = value


def _read_number(n_bytes: int, read: Read) -> int:
    """An int, or a single byte."""
    if n_bytes >= 4:  # noqa: PLR2004
        return int.from_bytes(read(4), "little", signed=True)
    return read(1)[0] if n_bytes >= 1 else 0


def _check_ip_value(socket: InetSocket, name: int, value: int, limits: tuple[int, int] | None) -> None:
    if limits is None:
        if name == inet.IP_ROUTER_ALERT:
            raise SyscallError(EINVAL)  # for raw sockets
        if value & 0xFFFF_FFFF not in (0, LOOPBACK_INDEX << 24):  # an index in network order
            raise SyscallError(EADDRNOTAVAIL)
    elif not limits[0] <= value <= limits[1]:
        raise SyscallError(EINVAL)
    if name == inet.IP_TRANSPARENT and value:
        who = socket.network.current()[1]
        if not who.has(CAP_NET_RAW) and not who.has(CAP_NET_ADMIN):
            raise SyscallError(EPERM)


def _set_header_options(n_bytes: int, read: Read) -> None:
    """None, or a list of no-operations and ends: others would need a router."""
    if n_bytes > 40:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    if any(read(n_bytes) if n_bytes else b"") and set(read(n_bytes)) - {0, 1}:
        raise SyscallError(EINVAL)


def _set_multicast_device(socket: InetSocket, n_bytes: int, read: Read) -> None:
    """struct in_addr, ip_mreq or ip_mreqn."""
    if socket.kind == SOCK_STREAM:
        raise SyscallError(EINVAL)
    need(n_bytes, 4)
    if n_bytes >= 12:  # noqa: PLR2004
        request = read(12)
        address, index = request[4:8], int.from_bytes(request[8:12], "little", signed=True)
    elif n_bytes >= 8:  # noqa: PLR2004
        address, index = read(8)[4:], 0
    else:
        address, index = read(4), 0
    if not index and any(address):
        if not is_local(address):
            raise SyscallError(EADDRNOTAVAIL)
        index = LOOPBACK_INDEX
    if index not in (0, LOOPBACK_INDEX):
        raise SyscallError(EADDRNOTAVAIL)
    socket.options[SOL_IP, inet.IP_MULTICAST_IF] = index
    socket.options[SOL_IP, -inet.IP_MULTICAST_IF] = int.from_bytes(address, "little")


def _set_membership(socket: InetSocket, name: int, n_bytes: int, read: Read) -> None:
    """Join or leave a group, on the only device there is."""
    if name in _MEMBERSHIPS:
        if socket.kind == SOCK_STREAM:
            raise SyscallError(EPROTO)
        need(n_bytes, 8)
        request = read(min(n_bytes, 12))
        group, place = request[:4], request[4:8]
        index = int.from_bytes(request[8:12], "little") if n_bytes >= 12 else 0  # noqa: PLR2004
        if not index and any(place) and not is_local(place):
            raise SyscallError(ENODEV if name in _JOINS else EADDRNOTAVAIL)
    elif name in (inet.MCAST_JOIN_GROUP, inet.MCAST_LEAVE_GROUP):
        need(n_bytes, 136)
        request = read(136)
        index = int.from_bytes(request[:4], "little")
        family = int.from_bytes(request[8:10], "little")
        group = request[12:16] if family == AF_INET else request[16:32]
    else:
        raise SyscallError(EINVAL)
    join_or_leave(socket, name in _JOINS, group, index)


def join_or_leave(socket: InetSocket, joins: bool, group: bytes, index: int) -> None:  # noqa: FBT001
    """Errors: EINVAL no group, ENODEV no such device, EADDRINUSE it is in it, EADDRNOTAVAIL it is not."""
    if not is_multicast(group):
        raise SyscallError(EINVAL)
    if index not in (0, LOOPBACK_INDEX):
        raise SyscallError(ENODEV)
    groups = socket.groups
    if joins:
        if group in groups:
            raise SyscallError(EADDRINUSE)
        groups.append(group)
    elif group not in groups:
        raise SyscallError(EADDRNOTAVAIL)
    else:
        groups.remove(group)


def get_ip_option(socket: InetSocket, name: int, n_bytes: int) -> bytes:
    """The whole value of one of SOL_IP; a small number fits into one byte. Errors: ENOTCONN, ENOPROTOOPT, EINVAL."""
    if name == inet.IP_OPTIONS or (name == inet.IP_PKTOPTIONS and socket.kind == SOCK_STREAM):
        return b""
    if name == inet.IP_MTU:
        if not socket.remote_port:
            raise SyscallError(ENOTCONN)
        value = LOOPBACK_MTU - 1  # IP_MAX_MTU
    elif name == inet.IP_MULTICAST_IF:
        return (socket.options.get((SOL_IP, -name), 0) & 0xFFFF_FFFF).to_bytes(4, "little")
    elif name in (inet.IP_MSFILTER, inet.MCAST_MSFILTER):
        raise SyscallError(EINVAL)
    elif name in (inet.IP_HDRINCL, inet.IP_NODEFRAG):
        value = 0
    elif name in _IP:
        value = socket.options.get((SOL_IP, name), _IP[name][0])
    else:
        raise SyscallError(ENOPROTOOPT)
    if 0 < n_bytes < 4 and 0 <= value <= 255:  # noqa: PLR2004
        return bytes((value,))
    return (value & 0xFFFF_FFFF).to_bytes(4, "little")


# option: default, range
_IPV6 = {
    inet.IPV6_2292PKTINFO: (0, _ANY), inet.IPV6_2292HOPOPTS: (0, _ANY), inet.IPV6_2292DSTOPTS: (0, _ANY),
    inet.IPV6_2292RTHDR: (0, _ANY), inet.IPV6_2292HOPLIMIT: (0, _ANY), inet.IPV6_FLOWINFO: (0, _ANY),
    inet.IPV6_UNICAST_HOPS: (64, (-1, 255)), inet.IPV6_MULTICAST_IF: (0, (0, 1)),
    inet.IPV6_MULTICAST_HOPS: (1, (-1, 255)), inet.IPV6_MULTICAST_LOOP: (1, _FLAG),
    inet.IPV6_MTU_DISCOVER: (1, (0, 5)), inet.IPV6_RECVERR: (0, _ANY), inet.IPV6_V6ONLY: (0, _ANY),
    inet.IPV6_MULTICAST_ALL: (1, _ANY), inet.IPV6_ROUTER_ALERT_ISOLATE: (0, _ANY),
    inet.IPV6_RECVERR_RFC4884: (0, _FLAG), inet.IPV6_FLOWINFO_SEND: (0, _ANY), inet.IPV6_RECVPKTINFO: (0, _ANY),
    inet.IPV6_RECVHOPLIMIT: (0, _ANY), inet.IPV6_RECVHOPOPTS: (0, _ANY), inet.IPV6_RECVRTHDR: (0, _ANY),
    inet.IPV6_RECVDSTOPTS: (0, _ANY), inet.IPV6_RECVPATHMTU: (0, _ANY), inet.IPV6_DONTFRAG: (0, _ANY),
    inet.IPV6_RECVTCLASS: (0, _ANY), inet.IPV6_TCLASS: (0, (-1, 255)), inet.IPV6_AUTOFLOWLABEL: (1, _ANY),
    inet.IPV6_MINHOPCOUNT: (0, (0, 255)), inet.IPV6_ORIGDSTADDR: (0, _ANY), inet.IPV6_TRANSPARENT: (0, _ANY),
    inet.IPV6_UNICAST_IF: (0, None), inet.IPV6_RECVFRAGSIZE: (0, _ANY), inet.IPV6_FREEBIND: (0, _ANY),
    inet.IPV6_MTU: (0, _ANY),
}  # fmt: skip
_IPV6_SWITCHES = frozenset((
    inet.IPV6_2292PKTINFO, inet.IPV6_2292HOPOPTS, inet.IPV6_2292DSTOPTS, inet.IPV6_2292RTHDR, inet.IPV6_2292HOPLIMIT,
    inet.IPV6_RECVERR, inet.IPV6_V6ONLY, inet.IPV6_MULTICAST_ALL, inet.IPV6_ROUTER_ALERT_ISOLATE,
    inet.IPV6_FLOWINFO_SEND, inet.IPV6_RECVPKTINFO, inet.IPV6_RECVHOPLIMIT, inet.IPV6_RECVHOPOPTS,
    inet.IPV6_RECVRTHDR, inet.IPV6_RECVDSTOPTS, inet.IPV6_RECVPATHMTU, inet.IPV6_DONTFRAG, inet.IPV6_RECVTCLASS,
    inet.IPV6_AUTOFLOWLABEL, inet.IPV6_ORIGDSTADDR, inet.IPV6_TRANSPARENT, inet.IPV6_RECVFRAGSIZE, inet.IPV6_FREEBIND,
))  # fmt: skip
_IPV6_MULTICAST = (inet.IPV6_MULTICAST_IF, inet.IPV6_MULTICAST_HOPS)
_IPV6_MEMBERSHIPS = (inet.IPV6_ADD_MEMBERSHIP, inet.IPV6_DROP_MEMBERSHIP)
_IPV6_EMPTY = (inet.IPV6_HOPOPTS, inet.IPV6_RTHDRDSTOPTS, inet.IPV6_RTHDR, inet.IPV6_DSTOPTS)
_SMALLEST_MTU = 1280


def set_ipv6_option(socket: InetSocket, name: int, n_bytes: int, read: Read) -> None:
    """Set one of SOL_IPV6. Errors: EINVAL, ENOPROTOOPT, ENODEV, ENOTCONN, EPROTO, EADDRINUSE, EADDRNOTAVAIL."""
    if name in _IPV6_MEMBERSHIPS:
        if socket.kind == SOCK_STREAM:
            raise SyscallError(EPROTO)
        need(n_bytes, 20)
        request = read(20)
        join_or_leave(socket, name in _JOINS, request[:16], int.from_bytes(request[16:], "little"))
        return
    if name in (inet.MCAST_JOIN_GROUP, inet.MCAST_LEAVE_GROUP):
        _set_membership(socket, name, n_bytes, read)
        return
    if name in _IPV6_EMPTY or name in (inet.IPV6_PKTINFO, inet.IPV6_FLOWLABEL_MGR):
        if n_bytes:
            raise SyscallError(EINVAL)
        return
    value = int.from_bytes(read(4), "little", signed=True) if n_bytes >= 4 else 0  # noqa: PLR2004
    if name == inet.IPV6_ADDRFORM:
        raise SyscallError(ENOTCONN if value == AF_INET else EINVAL)
    default_range = _IPV6.get(name)
    if default_range is None or (socket.kind == SOCK_STREAM and name in _IPV6_MULTICAST):
        raise SyscallError(ENOPROTOOPT)
    need(n_bytes, 4)
    _check_ipv6_value(socket, name, value, default_range[1])
    if name == inet.IPV6_V6ONLY:
        socket.is_ipv6only = value != 0
    if value == -1 and name in (inet.IPV6_UNICAST_HOPS, inet.IPV6_MULTICAST_HOPS, inet.IPV6_TCLASS):
        value = default_range[0]
    if name in _IPV6_SWITCHES:
        value = int(value != 0)
    if name == inet.IPV6_RECVERR and not value:
        socket.forget_errors()
    socket.options[SOL_IPV6, name] = value


def _check_ipv6_value(socket: InetSocket, name: int, value: int, limits: tuple[int, int] | None) -> None:
    if limits is None:
        if value & 0xFFFF_FFFF not in (0, LOOPBACK_INDEX << 24):
            raise SyscallError(EADDRNOTAVAIL)
    elif name == inet.IPV6_MULTICAST_IF:
        if value not in (0, LOOPBACK_INDEX):
            raise SyscallError(ENODEV)
    elif not limits[0] <= value <= limits[1]:
        raise SyscallError(EINVAL)
    if name == inet.IPV6_V6ONLY and (socket.port or socket.state != TCP_CLOSE):
        raise SyscallError(EINVAL)
    if name == inet.IPV6_MTU and value and value < _SMALLEST_MTU:
        raise SyscallError(EINVAL)


def get_ipv6_option(socket: InetSocket, name: int) -> bytes:
    """The whole value of one of SOL_IPV6. Errors: ENOTCONN, ENOPROTOOPT."""
    if name in _IPV6_EMPTY or (name == inet.IPV6_2292PKTOPTIONS and socket.kind == SOCK_STREAM):
        return b""
    if name in (inet.IPV6_MTU, inet.IPV6_PATHMTU, inet.IPV6_ADDRFORM):
        if not socket.remote_port or name == inet.IPV6_ADDRFORM:
            raise SyscallError(ENOTCONN)
        if name == inet.IPV6_PATHMTU:
            return bytes(28) + LOOPBACK_MTU.to_bytes(4, "little")
        return LOOPBACK_MTU.to_bytes(4, "little")
    if name == inet.IPV6_ADDR_PREFERENCES:
        return (0x500).to_bytes(4, "little")  # IPV6_PREFER_SRC_PUBTMP_DEFAULT and HOME
    if name == inet.IPV6_V6ONLY:
        return int(socket.is_ipv6only).to_bytes(4, "little")
    if name not in _IPV6:
        raise SyscallError(ENOPROTOOPT)
    value = socket.options.get((SOL_IPV6, name), _IPV6[name][0])
    return (value & 0xFFFF_FFFF).to_bytes(4, "little")
