"""What NETLINK_ROUTE answers (rtnetlink(7)): the loopback device, its addresses, the local routes and the rules.

Nothing of it can be changed. Source: Linux 6.1 net/core/rtnetlink.c, net/ipv4/devinet.c, fib_frontend.c, route.c.
"""

from __future__ import annotations

import struct

from pyuk.abi import netlink as nl
from pyuk.abi.capability import CAP_NET_ADMIN
from pyuk.abi.errno import EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.socket import AF_INET, AF_INET6, AF_UNSPEC
from pyuk.net.address import LOOPBACK4, LOOPBACK6, LOOPBACK_BROADCAST4, LOOPBACK_INDEX, is_local
from pyuk.net.netlink import attribute, attributes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyuk.net.netlink import NetlinkSocket

_IFINFO, _IFADDR, _RTMSG = struct.Struct("<BBHiII"), struct.Struct("<BBBBI"), struct.Struct("<8BI")
_AF_BRIDGE = 7
_ARPHRD_LOOPBACK = 772
LOOPBACK_FLAGS = 0x10049  # IFF_UP, IFF_LOOPBACK, IFF_RUNNING, IFF_LOWER_UP
_NAME = b"lo\0"
_MTU, _QUEUE_LENGTH, _LARGEST_OFFLOAD = 65536, 1000, 524280
_PERMANENT = 0x80  # IFA_F_PERMANENT
_FOREVER = 0xFFFFFFFF
_READS = frozenset((
    nl.RTM_GETLINK, nl.RTM_GETADDR, nl.RTM_GETROUTE, nl.RTM_GETNEIGH, nl.RTM_GETRULE, nl.RTM_GETQDISC,
    nl.RTM_GETTCLASS, nl.RTM_GETTFILTER, nl.RTM_GETMULTICAST, nl.RTM_GETANYCAST, nl.RTM_GETNEIGHTBL,
    nl.RTM_GETADDRLABEL, nl.RTM_GETNETCONF, nl.RTM_GETMDB, nl.RTM_GETNSID, nl.RTM_GETSTATS, nl.RTM_GETNEXTHOP,
))  # fmt: skip


def _message(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2, "little") + body


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, value.to_bytes(4, "little"))


def answer_route(socket: NetlinkSocket, kind: int, flags: int, body: bytes) -> Iterable[bytes] | None:
    """The messages that answer a request. Errors: EOPNOTSUPP, EPERM a change, ENODEV, ENETUNREACH, EINVAL."""
    if kind > nl.RTM_MAX:
        raise SyscallError(EOPNOTSUPP)
    if kind & 3 != 2:  # noqa: PLR2004  # NEW, DEL or SET
        if not socket.network.current()[1].has(CAP_NET_ADMIN):
            raise SyscallError(EPERM)
        if kind in (nl.RTM_NEWLINK, nl.RTM_SETLINK) and _is_loopback(body):
            return None  # it is up
        raise SyscallError(EPERM)
    if kind not in _READS:
        raise SyscallError(EOPNOTSUPP)
    if len(body) < 1:
        raise SyscallError(EINVAL)
    family = body[0]
    is_dump = flags & nl.NLM_F_DUMP == nl.NLM_F_DUMP
    if kind == nl.RTM_GETLINK:
        if not is_dump and not _is_loopback(body):
            raise SyscallError(ENODEV)
        return [_link()] if family != _AF_BRIDGE else []
    if kind == nl.RTM_GETADDR:
        return list(_addresses(family))
    if kind == nl.RTM_GETROUTE:
        return list(_routes(family, body)) if is_dump else [_route_to(family, body)]
    if kind == nl.RTM_GETRULE:
        return list(_rules(family))
    if kind == nl.RTM_GETQDISC:
        return [_queue()]
    if not is_dump:
        raise SyscallError(EOPNOTSUPP)
    return []


def _is_loopback(body: bytes) -> bool:
    """Whether a struct ifinfomsg is about it: by number, or by name."""
    if len(body) < _IFINFO.size:
        raise SyscallError(EINVAL)
    index = _IFINFO.unpack_from(body)[3]
    names = attributes(body[_IFINFO.size :])
    name = names.get(nl.IFLA_IFNAME) or names.get(nl.IFLA_ALT_IFNAME)
    return index == LOOPBACK_INDEX if index else name is not None and name.rstrip(b"\0") == _NAME[:-1]


def _link() -> bytes:
    body = _IFINFO.pack(AF_UNSPEC, 0, _ARPHRD_LOOPBACK, LOOPBACK_INDEX, LOOPBACK_FLAGS, 0)
    body += attribute(nl.IFLA_IFNAME, _NAME) + _number(nl.IFLA_TXQLEN, _QUEUE_LENGTH)
    body += attribute(nl.IFLA_OPERSTATE, b"\0") + attribute(nl.IFLA_LINKMODE, b"\0")
    for kind, value in (
        (nl.IFLA_MTU, _MTU), (nl.IFLA_MIN_MTU, 0), (nl.IFLA_MAX_MTU, 0), (nl.IFLA_GROUP, 0), (nl.IFLA_PROMISCUITY, 0),
        (nl.IFLA_ALLMULTI, 0), (nl.IFLA_NUM_TX_QUEUES, 1), (nl.IFLA_GSO_MAX_SEGS, 65535), (nl.IFLA_GSO_MAX_SIZE, _MTU),
        (nl.IFLA_GRO_MAX_SIZE, _MTU), (nl.IFLA_TSO_MAX_SIZE, _LARGEST_OFFLOAD), (nl.IFLA_TSO_MAX_SEGS, 65535),
        (nl.IFLA_NUM_RX_QUEUES, 1),
    ):  # fmt: skip
        body += _number(kind, value)
    body += attribute(nl.IFLA_CARRIER, b"\1")
    for kind in (nl.IFLA_CARRIER_CHANGES, nl.IFLA_CARRIER_UP_COUNT, nl.IFLA_CARRIER_DOWN_COUNT):
        body += _number(kind, 0)
    body += attribute(nl.IFLA_PROTO_DOWN, b"\0")
    body += attribute(nl.IFLA_ADDRESS, bytes(6)) + attribute(nl.IFLA_BROADCAST, bytes(6))
    body += attribute(nl.IFLA_STATS64, bytes(200)) + attribute(nl.IFLA_STATS, bytes(96))
    body += attribute(nl.IFLA_XDP, attribute(2, b"\0")) + attribute(nl.IFLA_QDISC, b"noqueue\0")
    return _message(nl.RTM_NEWLINK, body)


def _addresses(family: int) -> Iterator[bytes]:
    lifetime = struct.pack("<4I", _FOREVER, _FOREVER, 0, 0)
    if family in (AF_UNSPEC, AF_INET):
        yield _message(
            nl.RTM_NEWADDR,
            _IFADDR.pack(AF_INET, 8, _PERMANENT, nl.RT_SCOPE_HOST, LOOPBACK_INDEX)
            + attribute(nl.IFA_ADDRESS, LOOPBACK4)
            + attribute(nl.IFA_LOCAL, LOOPBACK4)
            + attribute(nl.IFA_LABEL, _NAME)
            + _number(nl.IFA_FLAGS, _PERMANENT)
            + attribute(nl.IFA_CACHEINFO, lifetime),
        )
    if family in (AF_UNSPEC, AF_INET6):
        yield _message(
            nl.RTM_NEWADDR,
            _IFADDR.pack(AF_INET6, 128, _PERMANENT, nl.RT_SCOPE_HOST, LOOPBACK_INDEX)
            + attribute(nl.IFA_ADDRESS, LOOPBACK6)
            + attribute(nl.IFA_CACHEINFO, lifetime)
            + _number(nl.IFA_FLAGS, _PERMANENT),
        )


_LOCAL_ROUTES = (
    (bytes((127, 0, 0, 0)), 8, nl.RTN_LOCAL, nl.RT_SCOPE_HOST),
    (LOOPBACK4, 32, nl.RTN_LOCAL, nl.RT_SCOPE_HOST),
    (LOOPBACK_BROADCAST4, 32, nl.RTN_BROADCAST, nl.RT_SCOPE_LINK),
)


def _routes(family: int, body: bytes) -> Iterator[bytes]:
    """The table of local ones, and for IPv6 one of the main table; those of a table that was asked for."""
    wanted = 0
    if len(body) >= _RTMSG.size:
        table = attributes(body[_RTMSG.size :]).get(nl.RTA_TABLE)
        wanted = int.from_bytes(table, "little") if table else body[4]
    if family in (AF_UNSPEC, AF_INET) and wanted in (0, nl.RT_TABLE_LOCAL):
        for to, length, kind, scope in _LOCAL_ROUTES:
            yield _message(
                nl.RTM_NEWROUTE,
                _RTMSG.pack(AF_INET, length, 0, 0, nl.RT_TABLE_LOCAL, nl.RTPROT_KERNEL, scope, kind, 0)
                + _number(nl.RTA_TABLE, nl.RT_TABLE_LOCAL)
                + attribute(nl.RTA_DST, to)
                + attribute(nl.RTA_PREFSRC, LOOPBACK4)
                + _number(nl.RTA_OIF, LOOPBACK_INDEX),
            )
    if family in (AF_UNSPEC, AF_INET6):
        for table_id, kind, metric in (
            (nl.RT_TABLE_MAIN, nl.RTN_UNICAST, 256),
            (nl.RT_TABLE_LOCAL, nl.RTN_LOCAL, 0),
        ):
            if wanted in (0, table_id):
                yield _message(
                    nl.RTM_NEWROUTE,
                    _RTMSG.pack(AF_INET6, 128, 0, 0, table_id, nl.RTPROT_KERNEL, nl.RT_SCOPE_UNIVERSE, kind, 0)
                    + _number(nl.RTA_TABLE, table_id)
                    + attribute(nl.RTA_DST, LOOPBACK6)
                    + _number(nl.RTA_PRIORITY, metric)
                    + _number(nl.RTA_OIF, LOOPBACK_INDEX)
                    + attribute(nl.RTA_CACHEINFO, bytes(32))
                    + attribute(nl.RTA_PREF, b"\0"),
                )


def _route_to(family: int, body: bytes) -> bytes:
    """`ip route get`. Errors: ENETUNREACH, EINVAL."""
    if len(body) < _RTMSG.size:
        raise SyscallError(EINVAL)
    to = attributes(body[_RTMSG.size :]).get(nl.RTA_DST, b"")
    if len(to) != (4 if family == AF_INET else 16) or not is_local(to):
        raise SyscallError(ENETUNREACH)
    is_4 = family == AF_INET
    return _message(
        nl.RTM_NEWROUTE,
        _RTMSG.pack(
            family, 32 if is_4 else 128, 0, 0, nl.RT_TABLE_MAIN, 0 if is_4 else nl.RTPROT_KERNEL,
            nl.RT_SCOPE_UNIVERSE, nl.RTN_LOCAL, 0x80000200,
        )
        + _number(nl.RTA_TABLE, nl.RT_TABLE_MAIN)
        + attribute(nl.RTA_DST, to)
        + _number(nl.RTA_OIF, LOOPBACK_INDEX)
        + attribute(nl.RTA_PREFSRC, to)
        + _number(nl.RTA_UID, 0)
        + attribute(nl.RTA_CACHEINFO, bytes(32)),
    )  # fmt: skip


def _rules(family: int) -> Iterator[bytes]:
    families = (AF_INET, AF_INET6) if family == AF_UNSPEC else (family,)
    for each in families:
        tables = ((0, nl.RT_TABLE_LOCAL), (32766, nl.RT_TABLE_MAIN), (32767, nl.RT_TABLE_DEFAULT))
        for priority, table in tables if each == AF_INET else tables[:2]:
            yield _message(
                nl.RTM_NEWRULE,
                _RTMSG.pack(each, 0, 0, 0, table, 0, 0, 1, 0)  # FR_ACT_TO_TBL
                + _number(nl.FRA_TABLE, table)
                + _number(nl.FRA_SUPPRESS_PREFIXLEN, 0xFFFFFFFF)
                + attribute(nl.FRA_PROTOCOL, b"\2")
                + (_number(nl.FRA_PRIORITY, priority) if priority else b""),
            )


def _queue() -> bytes:
    """struct tcmsg: no queue."""
    body = struct.pack("<BxxxiIIII", AF_UNSPEC, LOOPBACK_INDEX, 0, 0xFFFFFFFF, 2, 0)[:20]
    return _message(nl.RTM_NEWQDISC, body + attribute(1, b"noqueue\0"))
