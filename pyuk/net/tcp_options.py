"""The options of tcp(7), SOL_TCP. Source: Linux 6.1 net/ipv4/tcp.c, do_tcp_setsockopt and do_tcp_getsockopt."""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_NET_ADMIN
from pyuk.abi.errno import EINVAL, ENOENT, ENOPROTOOPT, EPERM, SyscallError
from pyuk.abi.inet import (
    TCP_CONGESTION,
    TCP_CORK,
    TCP_DEFER_ACCEPT,
    TCP_FASTOPEN,
    TCP_FASTOPEN_CONNECT,
    TCP_FASTOPEN_NO_COOKIE,
    TCP_INFO,
    TCP_INQ,
    TCP_KEEPCNT,
    TCP_KEEPIDLE,
    TCP_KEEPINTVL,
    TCP_LINGER2,
    TCP_MAXSEG,
    TCP_NODELAY,
    TCP_NOTSENT_LOWAT,
    TCP_QUICKACK,
    TCP_REPAIR,
    TCP_SAVE_SYN,
    TCP_SYNCNT,
    TCP_THIN_DUPACK,
    TCP_THIN_LINEAR_TIMEOUTS,
    TCP_TIMESTAMP,
    TCP_TX_DELAY,
    TCP_ULP,
    TCP_USER_TIMEOUT,
    TCP_WINDOW_CLAMP,
)  # fmt: skip
from pyuk.abi.socket import SOL_TCP, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LISTEN
from pyuk.net.socket import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.net.socket import Read
    from pyuk.net.tcp import TcpSocket

_DEFAULTS = {
    TCP_NODELAY: 0, TCP_MAXSEG: 536, TCP_CORK: 0, TCP_KEEPIDLE: 7200, TCP_KEEPINTVL: 75, TCP_KEEPCNT: 9, TCP_SYNCNT: 6,
    TCP_LINGER2: 60, TCP_DEFER_ACCEPT: 0, TCP_WINDOW_CLAMP: 0, TCP_QUICKACK: 1, TCP_THIN_LINEAR_TIMEOUTS: 0,
    TCP_THIN_DUPACK: 0, TCP_USER_TIMEOUT: 0, TCP_FASTOPEN: 0, TCP_NOTSENT_LOWAT: 0, TCP_SAVE_SYN: 0,
    TCP_FASTOPEN_CONNECT: 0, TCP_FASTOPEN_NO_COOKIE: 0, TCP_INQ: 0, TCP_TX_DELAY: 0, TCP_REPAIR: 0,
}  # fmt: skip
_RANGES = {
    TCP_KEEPIDLE: (1, 32767), TCP_KEEPINTVL: (1, 32767), TCP_KEEPCNT: (1, 127), TCP_SYNCNT: (1, 127),
    TCP_THIN_LINEAR_TIMEOUTS: (0, 1), TCP_THIN_DUPACK: (0, 1), TCP_USER_TIMEOUT: (0, 0x7FFFFFFF),
    TCP_SAVE_SYN: (0, 2), TCP_FASTOPEN_CONNECT: (0, 1), TCP_FASTOPEN_NO_COOKIE: (0, 1), TCP_INQ: (0, 1),
    TCP_FASTOPEN: (0, 0x7FFFFFFF), TCP_TX_DELAY: (0, 0x7FFFFFFF),
}  # fmt: skip
_SWITCHES = (TCP_NODELAY, TCP_CORK, TCP_QUICKACK)
_CONGESTION, _LONGEST_NAME = (b"cubic", b"reno"), 16
_SMALLEST_SEGMENT, _LARGEST_SEGMENT = 88, 32767
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 1, 120
_IDLE_SEGMENT, _LOOPBACK_SEGMENT = 536, 65483


def set_tcp_option(socket: TcpSocket, name: int, n_bytes: int, read: Read) -> None:
    """Set one. Errors: EINVAL too short or out of range, ENOENT no such algorithm, EPERM, ENOPROTOOPT."""
    if name in (TCP_CONGESTION, TCP_ULP):
        _set_name(socket, name, n_bytes, read)
        return
    need(n_bytes, 4)
    value = int.from_bytes(read(4), "little", signed=True)
    if name not in _DEFAULTS and name != TCP_TIMESTAMP:
        raise SyscallError(ENOPROTOOPT)
    low, high = _RANGES.get(name, (-(1 << 31), (1 << 31) - 1))
    if not low <= value <= high:
        raise SyscallError(EINVAL)
    if name == TCP_MAXSEG and value and not _SMALLEST_SEGMENT <= value <= _LARGEST_SEGMENT:
        raise SyscallError(EINVAL)
    if name == TCP_REPAIR and not socket.network.current()[1].has(CAP_NET_ADMIN):
        raise SyscallError(EPERM)
    if name in (TCP_TIMESTAMP, TCP_REPAIR):
        raise SyscallError(EPERM)  # only in repair mode, which is not there
    if name == TCP_WINDOW_CLAMP and not value and socket.state != TCP_CLOSE:
        raise SyscallError(EINVAL)
    if name in (TCP_FASTOPEN, TCP_FASTOPEN_CONNECT) and socket.state not in (TCP_CLOSE, TCP_LISTEN):
        raise SyscallError(EINVAL)
    if name in _SWITCHES:
        value = int(value != 0)
    elif name == TCP_DEFER_ACCEPT:
        value = _as_retries(value)
    elif name == TCP_LINGER2:
        value = -1 if value < 0 else 0 if value > _LONGEST_RETRY_SECONDS else value
    socket.options[SOL_TCP, name] = value


def _as_retries(seconds: int) -> int:
    """The time of so many retransmissions that it is not less (secs_to_retrans)."""
    passed, timeout = 0, _FIRST_RETRY_SECONDS
    while passed < seconds:
        passed += timeout
        timeout = min(timeout * 2, _LONGEST_RETRY_SECONDS)
    return passed


def _set_name(socket: TcpSocket, name: int, n_bytes: int, read: Read) -> None:
    need(n_bytes, 1)
    value = read(min(n_bytes, _LONGEST_NAME - 1)).split(b"\0", 1)[0]
    if name == TCP_ULP or value not in _CONGESTION:
        raise SyscallError(ENOENT)
    socket.options[SOL_TCP, TCP_CONGESTION] = _CONGESTION.index(value)


def get_tcp_option(socket: TcpSocket, name: int) -> bytes:
    """The whole value of one. Errors: ENOPROTOOPT."""
    options = socket.options
    if name == TCP_CONGESTION:
        return _CONGESTION[options.get((SOL_TCP, name), 0)].ljust(_LONGEST_NAME, b"\0")
    if name == TCP_INFO:
        return tcp_info(socket)
    if name == TCP_ULP:
        return b""
    if name == TCP_TIMESTAMP:
        return (socket.network.monotonic_ns() // 1_000_000 & 0xFFFF_FFFF).to_bytes(4, "little")
    if name not in _DEFAULTS:
        raise SyscallError(ENOPROTOOPT)
    value = options.get((SOL_TCP, name), _DEFAULTS[name])
    if name == TCP_MAXSEG and (socket.state not in (TCP_CLOSE, TCP_LISTEN) or not value):
        value = _segment(socket)
    if name == TCP_LINGER2 and value == 0:
        value = _DEFAULTS[name]
    return (value & 0xFFFF_FFFF).to_bytes(4, "little")


def _segment(socket: TcpSocket) -> int:
    if socket.state in (TCP_CLOSE, TCP_LISTEN):
        return _IDLE_SEGMENT
    return min(socket.options.get((SOL_TCP, TCP_MAXSEG)) or _LOOPBACK_SEGMENT, _LOOPBACK_SEGMENT)


_INFO = struct.Struct("<8B24I4Q6I4Q2I2Q4I")


def tcp_info(socket: TcpSocket) -> bytes:
    """struct tcp_info (linux/tcp.h). What has to do with packets and time says what an idle loopback says."""
    peer = socket.peer
    unsent = 0 if peer is None else max(peer.n_bytes - peer.window, 0)
    is_open = socket.state in (TCP_ESTABLISHED, TCP_CLOSE_WAIT)
    segment = _segment(socket)
    n_waiting, n_room = (len(socket.waiting), socket.backlog) if socket.state == TCP_LISTEN else (0, 0)
    sent = 0 if peer is None else peer.consumed + peer.n_bytes - unsent
    received = socket.consumed + min(socket.n_bytes, socket.window)
    return _INFO.pack(
        # state, ca_state, retransmits, probes, backoff, options, wscale, delivery_rate
        socket.state, 0, 0, 0, 0, 7 if is_open else 0, 0x77 if is_open else 0, 0,
        # rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets
        204000, 40000 if is_open else 0, segment, min(segment, 536), n_waiting, n_room, 0, 0, 0,
        # last_data_sent, last_ack_sent, last_data_recv, last_ack_recv, pmtu, rcv_ssthresh, rtt, rttvar
        0, 0, 0, 0, 65535 if is_open else 0, socket.window, 25 if is_open else 0, 12 if is_open else 0,
        # snd_ssthresh, snd_cwnd, advmss, reordering, rcv_rtt, rcv_space, total_retrans
        0x7FFFFFFF, 10, segment, 3, 0, socket.window, 0,
        # pacing_rate, max_pacing_rate, bytes_acked, bytes_received
        0, (1 << 64) - 1, sent, received,
        # segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out
        0, 0, unsent, 0, 0, 0,
        # delivery_rate, busy_time, rwnd_limited, sndbuf_limited
        0, 0, 0, 0,
        # delivered, delivered_ce, bytes_sent, bytes_retrans, dsack_dups, reord_seen, rcv_ooopack, snd_wnd
        0, 0, sent, 0, 0, 0, 0, socket.window,
    )  # fmt: skip
