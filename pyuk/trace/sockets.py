"""What only socket calls have, as strace(1) writes it: lengths in and out, messages, control messages, options."""

from __future__ import annotations

from pyuk.abi import socket as names
from pyuk.abi.kinds import (
    OUT,
    Early,
    MessageAt,
    OptionValue,
    Pointer,
    SocketAddressLength,
    SocketOption,
)  # fmt: skip
from pyuk.abi.socket import SCM_CREDENTIALS, SCM_RIGHTS, SOL_IP, SOL_IPV6, SOL_NETLINK, SOL_PACKET, SOL_SOCKET, SOL_TCP
from pyuk.abi.tables import Table
from pyuk.trace import style
from pyuk.trace.sockaddr import sockaddr_text
from pyuk.trace.text import address, hexadecimal, quote, quote_cut
from pyuk.trace.words import one_of, some_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.abi.kinds import Kind
    from pyuk.trace.decode import Call, Text

_INT_BYTES, _MSGHDR_BYTES, _MMSGHDR_BYTES, _CMSGHDR_BYTES, _IOVEC_BYTES = 4, 56, 64, 16, 16
_NAMELEN_AT = 8
_TOP = 1 << 64
_UCRED_BYTES = 12
_MAX_NAME_BYTES = 128

_LEVELS = Table("socket", "SOL_", unknown="SOL_??")
_CONTROL_LEVELS = Table("socket", "SOL_")
_MSG_FLAGS = Table("socket", "MSG_")
_OPTIONS = {
    SOL_SOCKET: Table("socket", "SO_"),
    SOL_IP: Table("inet", "IP_ MCAST_", unknown="IP_???"),
    SOL_IPV6: Table("inet", "IPV6_ MCAST_", unknown="IPV6_???"),
    SOL_TCP: Table("inet", "TCP_"),
    names.SOL_UDP: Table("inet", "UDP_"),
    names.SOL_RAW: Table("inet", "ICMP_FILTER", unknown="RAW_???"),
    SOL_PACKET: Table("packet", "PACKET_"),
    SOL_NETLINK: Table(
        "netlink",
        "NETLINK_ADD_MEMBERSHIP NETLINK_DROP_MEMBERSHIP NETLINK_PKTINFO NETLINK_BROADCAST_ERROR NETLINK_NO_ENOBUFS "
        "NETLINK_RX_RING NETLINK_TX_RING NETLINK_LISTEN_ALL_NSID NETLINK_LIST_MEMBERSHIPS NETLINK_CAP_ACK "
        "NETLINK_EXT_ACK NETLINK_GET_STRICT_CHK",
        unknown="NETLINK_???",
    ),
}
_CONTROL_TYPES = {
    SOL_SOCKET: Table(
        "socket",
        "SCM_ SO_TIMESTAMP_OLD SO_TIMESTAMPNS_OLD SO_TIMESTAMPING_OLD SO_WIFI_STATUS SO_TXTIME SO_TIMESTAMP_NEW "
        "SO_TIMESTAMPNS_NEW SO_TIMESTAMPING_NEW",
        without="SCM_MAX_FD",
    ),
    SOL_IP: Table(
        "inet",
        "IP_TOS IP_TTL IP_SCM_SECURITY IP_RECVOPTS IP_RETOPTS IP_PKTINFO IP_RECVERR IP_ORIGDSTADDR IP_CHECKSUM",
        without="IP_RECVERR_*",
        unknown="IP_???",
    ),
}


# What has to be looked at when the call begins


def before(kind: Kind) -> Callable[[Call, int], Any] | None:
    """The function that looks at the argument when the call begins, None where it is shown as it is at the end."""
    if isinstance(kind, SocketAddressLength):
        return _int_at
    if isinstance(kind, MessageAt) and kind.direction == OUT:
        return _name_lengths(kind)
    if isinstance(kind, Early):
        from pyuk.trace.decode import text_of  # noqa: PLC0415

        return text_of(kind.kind)
    return None


def _int_at(call: Call, at: int) -> int | None:
    data = call.peek(at, _INT_BYTES)
    return None if data is None else int.from_bytes(data, "little", signed=True)


def _name_lengths(kind: MessageAt) -> Callable[[Call, int], list[int | None]]:
    def look(call: Call, at: int) -> list[int | None]:
        n_messages = min(call.value(kind.count), style.current.string_limit) if kind.count else 1
        return [_int_at(call, at + _MMSGHDR_BYTES * i + _NAMELEN_AT) for i in range(n_messages)] if at else []

    return look


def _early(_kind: Early) -> Text:
    return lambda call, _value: call.seen[_kind]


def _length(kind: SocketAddressLength) -> Text:
    def show(call: Call, at: int) -> str:
        told = call.seen[kind]
        if told is None:
            return address(at)
        now = None if call.failed else _int_at(call, at)
        return f"[{told}]" if now is None or now == told else f"[{told} => {now}]"

    return show


# Messages


def _message(kind: MessageAt) -> Text:
    if kind.count:
        return _messages(kind)
    receives = kind.direction == OUT

    def show(call: Call, at: int) -> str:
        header = call.peek(at, _MSGHDR_BYTES)
        if header is None:
            return address(at)
        if receives and call.failed:
            return f"{{msg_namelen={int.from_bytes(header[8:12], 'little', signed=True)}}}"
        length_before = call.seen[kind][0] if receives else None
        return message_text(call, header, call.result or 0 if receives else _TOP, length_before)

    return show


def _messages(kind: MessageAt) -> Text:
    receives = kind.direction == OUT

    def show(call: Call, at: int) -> str:
        if receives and call.failed:
            return address(at)
        n_done = 0 if call.failed else call.result or 0
        n_messages = n_done if receives else call.value(kind.count)
        shown: list[str] = []
        for i in range(n_messages):
            if i == style.current.string_limit:
                shown.append("...")
                break
            here = at + _MMSGHDR_BYTES * i
            header = call.peek(here, _MMSGHDR_BYTES)
            if header is None:
                if i == 0:
                    return address(at)
                shown.append(f"... /* {here:#x} */")
                break
            n_bytes = int.from_bytes(header[56:60], "little")
            length_before = call.seen[kind][i] if receives else None
            text = message_text(call, header, n_bytes if receives else _TOP, length_before)
            tail = f", msg_len={n_bytes}" if i < n_done else ""
            shown.append(f"{{msg_hdr={text}{tail}}}")
        if not n_messages and not at:
            return address(at)
        return f"[{', '.join(shown)}]"

    return show


def message_text(call: Call, header: bytes, n_bytes: int, length_before: int | None) -> str:
    """A struct msghdr; n_bytes: how much of its data there is. length_before: msg_namelen before a receive."""
    name_at, vector, n_segments, control_at, control_bytes = (
        int.from_bytes(header[i : i + 8], "little") for i in (0, 16, 24, 32, 40)
    )
    name_bytes = int.from_bytes(header[8:12], "little", signed=True)
    flags = int.from_bytes(header[48:52], "little")
    name = call.peek(name_at, min(name_bytes, _MAX_NAME_BYTES)) if name_bytes > 1 else None
    if length_before is not None and name is not None and length_before < name_bytes:
        name = call.peek(name_at, length_before) if length_before > 1 else None
    text = f"{{msg_name={address(name_at) if name is None else sockaddr_text(name)}, msg_namelen="
    text += f"{name_bytes}" if length_before in (None, name_bytes) else f"{length_before} => {name_bytes}"
    text += f", msg_iov={_segments_text(call, vector, n_segments, n_bytes)}, msg_iovlen={n_segments}"
    if control_bytes:
        text += f", msg_control={_control_text(call, control_at, control_bytes)}"
    return f"{text}, msg_controllen={control_bytes}, msg_flags={some_of(_MSG_FLAGS, flags)}}}"


def _segments_text(call: Call, at: int, count: int, n_bytes: int) -> str:
    from pyuk.trace.decode import bytes_text  # noqa: PLC0415

    if not at or at + count * _IOVEC_BYTES > _TOP:
        return address(at)
    shown: list[str] = []
    for i in range(count):
        if i == style.current.string_limit:
            shown.append("...")
            break
        here = at + i * _IOVEC_BYTES
        word = call.peek(here, _IOVEC_BYTES)
        if word is None:
            if i == 0:
                return address(at)
            shown.append(f"... /* {here:#x} */")
            break
        base, length = int.from_bytes(word[:8], "little"), int.from_bytes(word[8:], "little")
        n_shown = min(length, max(n_bytes, 0))
        n_bytes -= n_shown
        shown.append(f"{{iov_base={bytes_text(call, base, n_shown)}, iov_len={length}}}")
    return f"[{', '.join(shown)}]"


def _control_text(call: Call, at: int, n_bytes: int) -> str:
    data = call.peek(at, min(n_bytes, 1 << 17)) if n_bytes >= _CMSGHDR_BYTES else None
    if data is None:
        return address(at)
    shown: list[str] = []
    position = 0
    while position < len(data):
        if len(data) - position < _CMSGHDR_BYTES:
            shown.append(f"... /* {at + position:#x} */")
            break
        length = int.from_bytes(data[position : position + 8], "little")
        level, kind = (int.from_bytes(data[position + i : position + i + 4], "little") for i in (8, 12))
        text = f"{{cmsg_len={length}, cmsg_level={one_of(_CONTROL_LEVELS, level)}"
        table = _CONTROL_TYPES.get(level)
        if level == SOL_IP and kind == names.SCM_SECURITY:
            text += ", cmsg_type=SCM_SECURITY"
        else:
            text += f", cmsg_type={hexadecimal(kind) if table is None else one_of(table, kind)}"
        body = data[position + _CMSGHDR_BYTES : min(position + length, len(data))]
        inside = _control_data(level, kind, body) if body else None
        shown.append(f"{text}, cmsg_data={inside}}}" if inside else text + "}")
        position += max(length, _CMSGHDR_BYTES) + 7 & -8
        if length < _CMSGHDR_BYTES and position < len(data):
            shown.append(f"... /* {at + position:#x} */")
            break
    return f"[{', '.join(shown)}]"


def _control_data(level: int, kind: int, data: bytes) -> str | None:
    """The inside of a control message whose header is not all of it; None where nothing is said about it."""
    shows = {SOL_SOCKET: _SOCKET_DATA, SOL_IP: _IP_DATA}.get(level, {})
    return shows[kind](data) if kind in shows else None


def _ints_text(data: bytes) -> str | None:
    numbers = [str(int.from_bytes(data[i : i + 4], "little", signed=True)) for i in range(0, len(data) & -4, 4)]
    if not numbers:
        return None
    return (
        f"[{', '.join(numbers[: style.current.string_limit] + ['...'] * (len(numbers) > style.current.string_limit))}]"
    )


def _bytes_text(data: bytes) -> str:
    limit = style.current.string_limit
    return f"[{', '.join([hex(byte) for byte in data[:limit]] + ['...'] * (len(data) > limit))}]"


def _credentials_text(data: bytes) -> str | None:
    return _ucred_text(data[:_UCRED_BYTES]) if len(data) >= _UCRED_BYTES else None


def _time_text(fraction: str) -> Callable[[bytes], str]:
    def show(data: bytes) -> str:
        if len(data) < 16:  # noqa: PLR2004
            return "???"
        seconds, rest = (int.from_bytes(data[i : i + 8], "little", signed=True) for i in (0, 8))
        return f"{{tv_sec={seconds}, {fraction}={rest}}}"

    return show


def _times_text(data: bytes) -> str:
    """struct scm_timestamping: three of them."""
    if len(data) < 48:  # noqa: PLR2004
        return "???"
    show = _time_text("tv_nsec")
    return f"[{', '.join(show(data[i : i + 16]) for i in (0, 16, 32))}]"


def _pktinfo_text(data: bytes) -> str | None:
    if len(data) < 12:  # noqa: PLR2004
        return None
    index = int.from_bytes(data[:4], "little")
    own, to = (".".join(map(str, data[i : i + 4])) for i in (4, 8))
    return f'{{ipi_ifindex={index}, ipi_spec_dst=inet_addr("{own}"), ipi_addr=inet_addr("{to}")}}'


def _error_text(data: bytes) -> str | None:
    """struct sock_extended_err and the address behind it (linux/errqueue.h)."""
    if len(data) < 32:  # noqa: PLR2004
        return None
    errno, info, more = (int.from_bytes(data[i : i + 4], "little") for i in (0, 8, 12))
    return (
        f"{{ee_errno={errno}, ee_origin={data[4]}, ee_type={data[5]}, ee_code={data[6]}, ee_info={info}, "
        f"ee_data={more}, offender={sockaddr_text(data[16:32])}}}"
    )


_SOCKET_DATA: dict[int, Callable[[bytes], str | None]] = {
    SCM_RIGHTS: _ints_text,
    SCM_CREDENTIALS: _credentials_text,
    names.SCM_SECURITY: quote,
    names.SO_TIMESTAMP_OLD: _time_text("tv_usec"),
    names.SO_TIMESTAMPNS_OLD: _time_text("tv_nsec"),
    names.SO_TIMESTAMPING_OLD: _times_text,
    names.SO_TIMESTAMPING_NEW: _times_text,
    names.SO_TIMESTAMP_NEW: _time_text("tv_usec"),
    names.SO_TIMESTAMPNS_NEW: _time_text("tv_nsec"),
}
_IP_DATA: dict[int, Callable[[bytes], str | None]] = {
    1: _bytes_text,  # IP_TOS
    2: _ints_text,  # IP_TTL
    3: quote,  # SCM_SECURITY
    6: _bytes_text,  # IP_RECVOPTS
    7: _bytes_text,  # IP_RETOPTS
    8: _pktinfo_text,  # IP_PKTINFO
    11: _error_text,  # IP_RECVERR
    20: lambda data: sockaddr_text(data) if len(data) >= 16 else None,  # noqa: PLR2004  # IP_ORIGDSTADDR
    23: _ints_text,  # IP_CHECKSUM
}


def _ucred_text(data: bytes) -> str:
    pid = int.from_bytes(data[:4], "little", signed=True)
    uid, gid = (int.from_bytes(data[i : i + 4], "little") for i in (4, 8))
    return f"{{pid={pid}, uid={_id(uid)}, gid={_id(gid)}}}"


def _id(value: int) -> str:
    return "-1" if value == 0xFFFFFFFF else str(value)  # noqa: PLR2004


# Options


def _option(kind: SocketOption) -> Text:
    def show(call: Call, value: int) -> str:
        table = _OPTIONS.get(call.value(kind.level))
        number = value & 0xFFFFFFFF
        if table is None:
            return str((number ^ 0x80000000) - 0x80000000)
        return one_of(table, number)

    return show


_INTS = frozenset((
    *range(1, 3), *range(5, 13), 14, 15, 16, 18, 19, 27, 29, 30, 32, 33, 34, 35, 36, 37, 40, 41, 42, 43, 44, 45, 46, 49,
    53, 56, 60, 63, 64, 65, 68, 69, 70, 73, 75,
))  # fmt: skip
"""The options of SOL_SOCKET whose value strace takes for an int, whatever its length."""
_INTS_TOLD = frozenset((3, 4, 39))
_SHORT = {1: "\\x00"}


def _option_value(kind: OptionValue) -> Text:
    receives = kind.direction == OUT

    def show(call: Call, at: int) -> str:
        if receives:
            length = None if call.failed else _int_at(call, call.args[call.decoder.index[kind.length]])
            if not length or length < 0:
                return address(at)
        else:
            length = call.value(kind.length)
        level, option = call.value(kind.level), call.value(kind.option)
        if receives:
            return _told_text(call, at, level, option, length)
        return _set_text(call, at, level, option, length)

    return show


def _is_int(level: int, option: int) -> bool:
    return level == SOL_NETLINK or (level == SOL_SOCKET and option in _INTS)


def _hex(data: bytes) -> str:
    return '"' + "".join(f"\\x{byte:02x}" for byte in data) + '"'


def _told_text(call: Call, at: int, level: int, option: int, length: int) -> str:
    data = call.peek(at, min(length, style.current.string_limit))
    if data is None:
        return address(at)
    if _is_int(level, option) or (level == SOL_SOCKET and option in _INTS_TOLD):
        if length < _INT_BYTES:
            return _hex(data) if _is_int(level, option) or option == names.SO_ERROR else quote(data)
        value = int.from_bytes(data[:4], "little", signed=True)
        return f"[{_errno_text(value)}]" if (level, option) == (SOL_SOCKET, names.SO_ERROR) else f"[{value}]"
    if level == SOL_SOCKET and option == names.SO_LINGER:
        return _fields_text(data, ("l_onoff", "l_linger"), str)
    if level == SOL_SOCKET and option == names.SO_PEERCRED:
        return _fields_text(data, ("pid", "uid", "gid"), str)
    return _plain_text(data, length)


def _errno_text(value: int) -> str:
    from pyuk.abi.errno import known, name  # noqa: PLC0415

    return name(value) if value and known(value) else str(value)


def _fields_text(data: bytes, fields: tuple[str, ...], show: Callable[[int], str]) -> str:
    shown = []
    for i, field in enumerate(fields):
        part = data[4 * i : 4 * i + 4]
        if not part:
            break
        shown.append(f"{field}={show(int.from_bytes(part, 'little', signed=True)) if len(part) == 4 else _hex(part)}")  # noqa: PLR2004
    return f"{{{', '.join(shown)}}}"


def _plain_text(data: bytes, length: int) -> str:
    if length == _INT_BYTES:
        return f"[{int.from_bytes(data, 'little', signed=True)}]"
    return quote_cut(data, length)


def _set_text(call: Call, at: int, level: int, option: int, length: int) -> str:
    if _is_int(level, option):
        value = _int_at(call, at) if length >= _INT_BYTES else None
        return address(at) if value is None else f"[{value}]"
    if (level, option) == (SOL_SOCKET, names.SO_LINGER):
        data = call.peek(at, 8) if length >= 8 else None  # noqa: PLR2004
        return address(at) if data is None else _fields_text(data, ("l_onoff", "l_linger"), str)
    if length < 0:
        return address(at)
    data = call.peek(at, min(length, style.current.string_limit)) if length else b""
    if data is None or not at:
        return address(at)
    return _plain_text(data, length)


MAKERS: dict[type[Pointer | SocketOption], Callable[[Any], Text]] = {
    SocketAddressLength: _length,
    MessageAt: _message,
    SocketOption: _option,
    OptionValue: _option_value,
    Early: _early,
}
