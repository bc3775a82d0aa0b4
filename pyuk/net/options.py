"""The options of SOL_SOCKET (socket(7)): what every family takes, whatever it makes of it.

Source: Linux 6.1 net/core/sock.c, sock_setsockopt and sock_getsockopt.
"""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_NET_ADMIN, CAP_NET_RAW
from pyuk.abi.errno import (
    EACCES,
    EDOM,
    EINVAL,
    ENODEV,
    ENOENT,
    ENOPROTOOPT,
    ENOTCONN,
    EOPNOTSUPP,
    EPERM,
    ERANGE,
    SyscallError,
)  # fmt: skip
from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    SO_ACCEPTCONN,
    SO_ATTACH_FILTER,
    SO_BINDTODEVICE,
    SO_BINDTOIFINDEX,
    SO_BPF_EXTENSIONS,
    SO_BROADCAST,
    SO_BSDCOMPAT,
    SO_BUF_LOCK,
    SO_BUSY_POLL,
    SO_BUSY_POLL_BUDGET,
    SO_COOKIE,
    SO_DEBUG,
    SO_DETACH_FILTER,
    SO_DOMAIN,
    SO_DONTROUTE,
    SO_ERROR,
    SO_INCOMING_CPU,
    SO_INCOMING_NAPI_ID,
    SO_KEEPALIVE,
    SO_LINGER,
    SO_LOCK_FILTER,
    SO_MARK,
    SO_MAX_PACING_RATE,
    SO_MEMINFO,
    SO_NETNS_COOKIE,
    SO_NO_CHECK,
    SO_NOFCS,
    SO_OOBINLINE,
    SO_PASSCRED,
    SO_PASSSEC,
    SO_PEEK_OFF,
    SO_PEERCRED,
    SO_PEERGROUPS,
    SO_PEERNAME,
    SO_PREFER_BUSY_POLL,
    SO_PRIORITY,
    SO_PROTOCOL,
    SO_RCVBUF,
    SO_RCVBUFFORCE,
    SO_RCVLOWAT,
    SO_RCVMARK,
    SO_RCVTIMEO_NEW,
    SO_RCVTIMEO_OLD,
    SO_RESERVE_MEM,
    SO_REUSEADDR,
    SO_REUSEPORT,
    SO_RXQ_OVFL,
    SO_SELECT_ERR_QUEUE,
    SO_SNDBUF,
    SO_SNDBUFFORCE,
    SO_SNDLOWAT,
    SO_SNDTIMEO_NEW,
    SO_SNDTIMEO_OLD,
    SO_TIMESTAMP_NEW,
    SO_TIMESTAMP_OLD,
    SO_TIMESTAMPING_NEW,
    SO_TIMESTAMPING_OLD,
    SO_TIMESTAMPNS_NEW,
    SO_TIMESTAMPNS_OLD,
    SO_TXREHASH,
    SO_TYPE,
    SO_WIFI_STATUS,
    SO_ZEROCOPY,
    SOCK_DGRAM,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_LISTEN,
)  # fmt: skip
from pyuk.net.socket import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.net.socket import Read, Socket

_INT_BYTES, _LINGER_BYTES, _TIMEVAL_BYTES = 4, 8, 16
_LARGEST_BUFFER = 212992  # net.core.wmem_max, rmem_max
_SMALLEST_SEND, _SMALLEST_RECEIVE = 4608, 2304  # SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF
_INT_MAX = 0x7FFF_FFFF
_SWITCHES = frozenset((
    SO_REUSEADDR, SO_REUSEPORT, SO_DONTROUTE, SO_BROADCAST, SO_KEEPALIVE, SO_OOBINLINE, SO_NO_CHECK, SO_PASSSEC,
    SO_RXQ_OVFL, SO_WIFI_STATUS, SO_NOFCS, SO_SELECT_ERR_QUEUE, SO_PREFER_BUSY_POLL, SO_RCVMARK, SO_LOCK_FILTER,
))  # fmt: skip
"""What is on or off."""
_TOLD_ONLY = frozenset((SO_TYPE, SO_PROTOCOL, SO_DOMAIN, SO_ERROR))
_TIMESTAMPS = (SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW)
_TIME_OUTS = (SO_RCVTIMEO_OLD, SO_RCVTIMEO_NEW, SO_SNDTIMEO_OLD, SO_SNDTIMEO_NEW)
_NUMBERS = frozenset((
    SO_PRIORITY, SO_MARK, SO_BUSY_POLL, SO_BUSY_POLL_BUDGET, SO_INCOMING_CPU, SO_ZEROCOPY, SO_BINDTOIFINDEX,
    SO_BUF_LOCK, SO_RESERVE_MEM, SO_TXREHASH,
))  # fmt: skip
_LOOPBACK = (b"lo", 1)
"""The only network device."""
_SKF_AD_MAX = 64
_HIGHEST_FREE_PRIORITY = 6
_BUFFER_LOCKS = 3
_NS = 1_000_000_000


def set_socket_option(socket: Socket, name: int, n_bytes: int, read: Read) -> None:  # noqa: PLR0912
    """Set one. Errors: EINVAL too short or out of range, EPERM and EACCES for root only, EDOM, ENODEV, ENOPROTOOPT."""
    if name == SO_BINDTODEVICE:
        _bind_to_device(socket, read(min(n_bytes, 15)))
        return
    need(n_bytes, _INT_BYTES)
    value = int.from_bytes(read(_INT_BYTES), "little", signed=True)
    if name in _SWITCHES:
        socket.options[SOL_SOCKET, name] = int(value != 0)
    elif name in _TIMESTAMPS:
        for other in _TIMESTAMPS:
            socket.options.pop((SOL_SOCKET, other), None)
        socket.options[SOL_SOCKET, name] = int(value != 0)
    elif name == SO_PASSCRED:
        socket.passes_credentials = value != 0
    elif name in (SO_SNDBUF, SO_RCVBUF, SO_SNDBUFFORCE, SO_RCVBUFFORCE):
        _set_buffer(socket, name, value)
    elif name == SO_RCVLOWAT:
        socket.set_low_water(value if value >= 0 else _INT_MAX)
    elif name in _TIME_OUTS:
        need(n_bytes, _TIMEVAL_BYTES)
        _set_time_out(socket, name, *struct.unpack("<qq", read(_TIMEVAL_BYTES)))
    elif name == SO_LINGER:
        need(n_bytes, _LINGER_BYTES)
        on, seconds = struct.unpack("<ii", read(_LINGER_BYTES))
        socket.options[SOL_SOCKET, SO_LINGER] = seconds & 0xFFFF_FFFF if on else -1
    elif name == SO_DEBUG:
        if value and not _has(socket, CAP_NET_ADMIN):
            raise SyscallError(EACCES)
        socket.options[SOL_SOCKET, name] = int(value != 0)
    elif name == SO_PEEK_OFF:
        socket.set_peek_offset(value)
    elif name == SO_MAX_PACING_RATE:
        rate = int.from_bytes(read(8), "little") if n_bytes >= 8 else value & 0xFFFF_FFFF  # noqa: PLR2004
        socket.options[SOL_SOCKET, name] = rate if rate != 0xFFFF_FFFF else -1  # noqa: PLR2004
    elif name in _NUMBERS:
        _set_number(socket, name, value)
    elif name in (SO_TIMESTAMPING_OLD, SO_TIMESTAMPING_NEW):
        socket.options[SOL_SOCKET, SO_TIMESTAMPING_OLD] = value
    elif name == SO_DETACH_FILTER:
        raise SyscallError(ENOENT)  # there never is one
    elif name != SO_BSDCOMPAT:
        raise SyscallError(ENOPROTOOPT)


def _has(socket: Socket, *capabilities: int) -> bool:
    who = socket.network.current()[1]
    return any(who.has(capability) for capability in capabilities)


def _set_buffer(socket: Socket, name: int, value: int) -> None:
    """Twice what is asked for, for the kernel's own needs; the limit is net.core.wmem_max or rmem_max."""
    if name in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
        if not _has(socket, CAP_NET_ADMIN):
            raise SyscallError(EPERM)
        value = max(value, 0)
    else:
        value = min(value & 0xFFFF_FFFF, _LARGEST_BUFFER)
    value = min(value, _INT_MAX // 2) * 2
    if name in (SO_SNDBUF, SO_SNDBUFFORCE):
        socket.send_buffer_bytes = max(value, _SMALLEST_SEND)
        socket.options[SOL_SOCKET, SO_SNDBUF] = 1  # it is not tuned from now on
        socket.wrote_buffer_size()
    else:
        socket.receive_buffer_bytes = max(value, _SMALLEST_RECEIVE)
        socket.options[SOL_SOCKET, SO_RCVBUF] = 1


def _set_time_out(socket: Socket, name: int, seconds: int, microseconds: int) -> None:
    """No time is no limit; a negative one does not wait at all."""
    if not 0 <= microseconds < 1_000_000:  # noqa: PLR2004
        raise SyscallError(EDOM)
    duration_ns: int | None = 0
    if seconds >= 0:
        duration_ns = seconds * _NS + microseconds * 1000 or None
    if name in (SO_RCVTIMEO_OLD, SO_RCVTIMEO_NEW):
        socket.receive_timeout_ns = duration_ns
    else:
        socket.send_timeout_ns = duration_ns


def _set_number(socket: Socket, name: int, value: int) -> None:
    is_privileged = _has(socket, CAP_NET_ADMIN, CAP_NET_RAW)
    if name == SO_PRIORITY and not 0 <= value <= _HIGHEST_FREE_PRIORITY and not is_privileged:
        raise SyscallError(EPERM)
    if name == SO_MARK and not is_privileged:
        raise SyscallError(EPERM)
    if name == SO_BUSY_POLL:
        if value > 0 and not _has(socket, CAP_NET_ADMIN):
            raise SyscallError(EPERM)
        if value < 0:
            raise SyscallError(EINVAL)
    if name == SO_ZEROCOPY:
        if socket.family not in (AF_INET, AF_INET6) or socket.kind not in (SOCK_STREAM, SOCK_DGRAM):
            raise SyscallError(EOPNOTSUPP)
        if value not in (0, 1):
            raise SyscallError(EINVAL)
    if name == SO_BUF_LOCK and value & ~_BUFFER_LOCKS:
        raise SyscallError(EINVAL)
    if name == SO_BINDTOIFINDEX and value not in (0, _LOOPBACK[1]):
        raise SyscallError(ENODEV if value > 0 else EINVAL)
    if name == SO_RESERVE_MEM and value:
        raise SyscallError(EOPNOTSUPP)
    if name == SO_TXREHASH and not -1 <= value <= 1:
        raise SyscallError(EINVAL)
    socket.options[SOL_SOCKET, name] = value


def _bind_to_device(socket: Socket, value: bytes) -> None:
    device = value.split(b"\0", 1)[0]
    if device and device != _LOOPBACK[0]:
        raise SyscallError(ENODEV)
    if socket.options.get((SOL_SOCKET, SO_BINDTOIFINDEX)) and not _has(socket, CAP_NET_RAW):
        raise SyscallError(EPERM)
    socket.options[SOL_SOCKET, SO_BINDTOIFINDEX] = _LOOPBACK[1] if device else 0


def get_socket_option(socket: Socket, name: int, n_bytes: int) -> bytes:  # noqa: PLR0911
    """The whole value of one. Errors: those of sock_getsockopt for the few that look at n_bytes, ENOPROTOOPT."""
    if name == SO_LINGER:
        seconds = socket.options.get((SOL_SOCKET, name), -1)
        return struct.pack("<iI", int(seconds >= 0), max(seconds, 0))
    if name in _TIME_OUTS:
        timeout_ns = socket.receive_timeout_ns if name in (SO_RCVTIMEO_OLD, SO_RCVTIMEO_NEW) else socket.send_timeout_ns
        seconds, ns = divmod(timeout_ns or 0, _NS)
        return struct.pack("<qq", seconds, ns // 1000)
    if name == SO_PEERCRED:
        return struct.pack(
            "<iII", *(number & 0xFFFF_FFFF if number < 0 else number for number in socket.peer_credentials())
        )
    if name == SO_PEERGROUPS:
        groups = socket.peer_groups()
        if n_bytes < 4 * len(groups):
            raise SyscallError(ERANGE)
        return struct.pack(f"<{len(groups)}I", *groups)
    if name == SO_PEERNAME:
        return _peer_name(socket, n_bytes)
    if name == SO_BINDTODEVICE:
        if not socket.options.get((SOL_SOCKET, SO_BINDTOIFINDEX)):
            return b""
        need(n_bytes, 16)
        return _LOOPBACK[0] + b"\0"
    if name == SO_COOKIE:
        need(n_bytes, 8)
        return socket.ino.to_bytes(8, "little")
    if name == SO_NETNS_COOKIE:
        need(n_bytes, 8)
        return (1).to_bytes(8, "little")
    if name == SO_ATTACH_FILTER:  # SO_GET_FILTER has its number
        return b""
    if name in (SO_TIMESTAMPING_OLD, SO_TIMESTAMPING_NEW):
        return struct.pack("<ii", socket.options.get((SOL_SOCKET, SO_TIMESTAMPING_OLD), 0), 0)
    if name == SO_MEMINFO:
        return struct.pack("<9I", 0, socket.receive_buffer_bytes, 0, socket.send_buffer_bytes, 0, 0, 0, 0, 0)
    if name == SO_MAX_PACING_RATE:
        rate = socket.options.get((SOL_SOCKET, name), -1) & (1 << 64) - 1
        return rate.to_bytes(8, "little") if n_bytes >= 8 else min(rate, 0xFFFF_FFFF).to_bytes(4, "little")  # noqa: PLR2004
    return (_number(socket, name) & 0xFFFF_FFFF).to_bytes(4, "little")


def _peer_name(socket: Socket, n_bytes: int) -> bytes:
    try:
        name = socket.peer_name()
    except SyscallError:
        raise SyscallError(ENOTCONN) from None
    need(len(name), n_bytes)
    return name.ljust(n_bytes, b"\0")


def _number(socket: Socket, name: int) -> int:
    if name in _SWITCHES or name in _TIMESTAMPS or name == SO_DEBUG:
        return socket.options.get((SOL_SOCKET, name), 0)
    if name in _NUMBERS:
        return socket.options.get((SOL_SOCKET, name), _DEFAULTS.get(name, 0))
    if name == SO_ERROR:
        return socket.take_error()
    if name == SO_PEEK_OFF:
        socket.set_peek_offset(socket.peek_offset)  # EOPNOTSUPP where there is none
        return socket.peek_offset
    ask = _ASKED.get(name)
    if ask is None:
        raise SyscallError(ENOPROTOOPT)
    return ask(socket)


_DEFAULTS = {SO_INCOMING_CPU: -1, SO_BUSY_POLL_BUDGET: 8, SO_TXREHASH: 1}
_ASKED: dict[int, Callable[[Socket], int]] = {
    SO_SNDBUF: lambda socket: socket.send_buffer_bytes,
    SO_RCVBUF: lambda socket: socket.receive_buffer_bytes,
    SO_TYPE: lambda socket: socket.kind,
    SO_PROTOCOL: lambda socket: socket.protocol,
    SO_DOMAIN: lambda socket: socket.family,
    SO_RCVLOWAT: lambda socket: socket.low_water_bytes,
    SO_SNDLOWAT: lambda _socket: 1,
    SO_PASSCRED: lambda socket: int(socket.passes_credentials),
    SO_ACCEPTCONN: lambda socket: int(socket.state == TCP_LISTEN),
    SO_BPF_EXTENSIONS: lambda _socket: _SKF_AD_MAX,
    SO_INCOMING_NAPI_ID: lambda _socket: 0,
    SO_BSDCOMPAT: lambda _socket: 0,
}
