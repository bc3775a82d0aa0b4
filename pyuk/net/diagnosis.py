"""What NETLINK_SOCK_DIAG answers (sock_diag(7)): the lists of sockets that ss(8) shows.

Source: Linux 6.1 net/ipv4/inet_diag.c, net/unix/diag.c.
"""

from __future__ import annotations

import struct

from pyuk.abi import netlink as nl
from pyuk.abi.errno import EINVAL, ENOENT, SyscallError
from pyuk.abi.inet import IPPROTO_TCP, IPPROTO_UDP
from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    TCP_CLOSE,
    TCP_ESTABLISHED,
    TCP_LISTEN,
    TCP_TIME_WAIT,
)  # fmt: skip
from pyuk.net.address import ANY4, ANY6, pack
from pyuk.net.netlink import attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyuk.net.address import Endpoint
    from pyuk.net.inet import InetSocket
    from pyuk.net.netlink import NetlinkSocket
    from pyuk.net.network import Network
    from pyuk.net.unix import UnixSocket

_INET_REQUEST, _UNIX_REQUEST = struct.Struct("<BBBxI48s"), struct.Struct("<BBHIIIII")
_INET_MESSAGE, _UNIX_MESSAGE = struct.Struct("<4B48sIIIII"), struct.Struct("<4BIII")
_SHOW_NAME, _SHOW_VFS, _SHOW_PEER, _SHOW_ICONS, _SHOW_RQLEN, _SHOW_MEMINFO, _SHOW_UID = 1, 2, 4, 8, 16, 32, 64
_N_TIME_WAIT_TIMER = 3


def answer_diagnosis(socket: NetlinkSocket, kind: int, _flags: int, body: bytes) -> Iterable[bytes] | None:
    """The sockets of a family and a protocol. Errors: EINVAL, ENOENT no such family."""
    if kind != nl.SOCK_DIAG_BY_FAMILY or len(body) < 2:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    family, protocol = body[:2]
    network = socket.network
    if family == AF_UNIX:
        if len(body) < _UNIX_REQUEST.size:
            raise SyscallError(EINVAL)
        _family, _protocol, _pad, states, ino, show, *_cookie = _UNIX_REQUEST.unpack_from(body)
        found = [
            _unix(each, show)
            for each in network.unix.everybody.values()
            if 1 << each.state & states and ino in (0, each.ino)
        ]
    elif family in (AF_INET, AF_INET6) and protocol in (IPPROTO_TCP, IPPROTO_UDP):
        if len(body) < _INET_REQUEST.size:
            raise SyscallError(EINVAL)
        _family, _protocol, extensions, states, _id = _INET_REQUEST.unpack_from(body)
        found = list((_tcp if protocol == IPPROTO_TCP else _udp)(network, family, states, extensions))
    else:
        raise SyscallError(ENOENT)
    return found


def _message(body: bytes) -> bytes:
    return nl.SOCK_DIAG_BY_FAMILY.to_bytes(2, "little") + body


def _id(family: int, local: Endpoint, remote: Endpoint, cookie: int) -> bytes:
    """struct inet_diag_sockid."""
    addresses = b""
    for ip, _port in (local, remote):
        if family == AF_INET6:
            addresses += pack(AF_INET6, ANY6 if ip == ANY4 else ip, 0)[8:24]
        else:
            addresses += ip[:4].ljust(16, b"\0")
    ports = local[1].to_bytes(2, "big") + remote[1].to_bytes(2, "big")
    return ports + addresses + struct.pack("<III", 0, cookie, 0)


def _inet(socket: InetSocket, received: int, sent: int, extensions: int) -> bytes:
    local, remote = (socket.local_ip, socket.local_port), (socket.remote_ip, socket.remote_port)
    body = _INET_MESSAGE.pack(
        socket.family, socket.state, 0, 0, _id(socket.family, local, remote, socket.ino), 0, received, sent, socket.uid,
        socket.ino,
    )  # fmt: skip
    body += attribute(nl.INET_DIAG_SHUTDOWN, bytes((socket.is_shut,)))
    if extensions & 1 << (nl.INET_DIAG_SKMEMINFO - 1):
        memory = struct.pack(
            "<9I", received, socket.receive_buffer_bytes, sent, socket.send_buffer_bytes, 0, 0, 0, 0, 0
        )
        body += attribute(nl.INET_DIAG_SKMEMINFO, memory)
    if socket.family == AF_INET6 and socket.state in (TCP_LISTEN, TCP_CLOSE):
        body += attribute(nl.INET_DIAG_SKV6ONLY, bytes((socket.is_ipv6only,)))
    if socket.protocol == IPPROTO_TCP and extensions & 1 << (nl.INET_DIAG_CONG - 1):
        body += attribute(nl.INET_DIAG_CONG, b"cubic\0")
    if socket.protocol == IPPROTO_TCP and extensions & 1 << (nl.INET_DIAG_INFO - 1):
        from pyuk.abi.inet import TCP_INFO  # noqa: PLC0415
        from pyuk.abi.socket import SOL_TCP  # noqa: PLC0415

        body += attribute(nl.INET_DIAG_INFO, socket.get_option(SOL_TCP, TCP_INFO, 256))
    return _message(body)


def _tcp(network: Network, family: int, states: int, extensions: int) -> Iterator[bytes]:
    inet = network.inet
    for port in sorted(inet.listeners):
        for listener in inet.listeners[port]:
            if listener.family == family and states & 1 << TCP_LISTEN:
                yield _inet(listener, len(listener.waiting), listener.backlog, extensions)
    for socket in inet.connections.values():
        if socket.family == family and states & 1 << socket.state:
            unsent = 0 if socket.peer is None else max(socket.peer.n_bytes - socket.peer.window, 0)
            yield _inet(socket, min(socket.n_bytes, socket.window), unsent, extensions)
    for entry in inet.time_waits.values() if states & 1 << TCP_TIME_WAIT else ():
        if entry.family == family:
            yield _message(
                _INET_MESSAGE.pack(
                    family,
                    TCP_TIME_WAIT,
                    _N_TIME_WAIT_TIMER,
                    0,
                    _id(family, entry.local, entry.remote, 0),
                    0,
                    0,
                    0,
                    0,
                    0,
                )
            )


def _udp(network: Network, family: int, states: int, extensions: int) -> Iterator[bytes]:
    for sockets in network.inet.udp_sockets.values():
        for socket in sockets:
            if socket.family == family and states & 1 << socket.state:
                yield _inet(socket, socket.used_bytes, 0, extensions)


def _unix(socket: UnixSocket, show: int) -> bytes:
    body = _UNIX_MESSAGE.pack(AF_UNIX, socket.kind, socket.state, 0, socket.ino, socket.ino, 0)
    if show & _SHOW_NAME and socket.address:
        body += attribute(nl.UNIX_DIAG_NAME, socket.address)
    if show & _SHOW_PEER and socket.peer is not None:
        body += attribute(nl.UNIX_DIAG_PEER, socket.peer.ino.to_bytes(4, "little"))
    if show & _SHOW_RQLEN:
        if socket.state == TCP_LISTEN:
            lengths = struct.pack("<II", socket.n_waiting(), socket.n_may_wait())
        else:
            received = socket.readable_bytes() if socket.state == TCP_ESTABLISHED or socket.inbox else 0
            lengths = struct.pack("<II", received, socket.in_flight)
        body += attribute(nl.UNIX_DIAG_RQLEN, lengths)
    if show & _SHOW_UID:
        body += attribute(nl.UNIX_DIAG_UID, socket.uid.to_bytes(4, "little"))
    body += attribute(nl.UNIX_DIAG_SHUTDOWN, bytes((socket.is_shut,)))
    return _message(body)
