"""Socket addresses as strace(1) writes them.

Source: linux/un.h, linux/in.h, linux/in6.h, linux/netlink.h, linux/if_packet.h.
"""

from __future__ import annotations

from pyuk.abi.socket import AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX
from pyuk.abi.tables import Table
from pyuk.net.address import text_of
from pyuk.trace.text import quote
from pyuk.trace.words import one_of, shower_of_ethertype

_FAMILIES = Table("socket", "AF_")
_FAMILY_BYTES, _INET_BYTES, _RFC2133_BYTES, _NETLINK_BYTES, _PACKET_BYTES = 2, 16, 24, 12, 20
_UNIX_BYTES = 110


def sockaddr_text(data: bytes) -> str:
    """`{sa_family=AF_UNIX, sun_path="/run/socket"}`."""
    if len(data) < _FAMILY_BYTES:
        return quote(data)
    family = int.from_bytes(data[:2], "little")
    body = f"sa_family={one_of(_FAMILIES, family)}"
    if len(data) == _FAMILY_BYTES:
        return f"{{{body}}}"
    if family == AF_UNIX:
        path = data[2:_UNIX_BYTES]
        is_abstract = path[:1] == b"\0"
        body += f", sun_path={'@' + quote(path[1:]) if is_abstract else quote(path.split(bytes(1), 1)[0])}"
    elif family == AF_INET and len(data) >= _INET_BYTES:
        dotted = ".".join(str(byte) for byte in data[4:8])
        body += f', sin_port=htons({int.from_bytes(data[2:4], "big")}), sin_addr=inet_addr("{dotted}")'
    elif family == AF_INET6 and len(data) >= _RFC2133_BYTES:
        body += _inet6(data)
    elif family == AF_NETLINK and len(data) >= _NETLINK_BYTES:
        pad, pid, groups = (int.from_bytes(data[i:j], "little") for i, j in ((2, 4), (4, 8), (8, 12)))
        body += f", nl_pad={pad:#x}" if pad else ""
        body += f", nl_pid={(pid ^ 0x80000000) - 0x80000000}, nl_groups={groups:#010x}"
        body = body.replace("nl_groups=0x00000000", "nl_groups=00000000")
    elif family == AF_PACKET and len(data) >= _PACKET_BYTES:
        body += _packet(data)
    else:
        body += f", sa_data={quote(data[2:])}"
    return f"{{{body}}}"


def _inet6(data: bytes) -> str:
    name = text_of(data[8:24])
    text = (
        f", sin6_port=htons({int.from_bytes(data[2:4], 'big')})"
        f", sin6_flowinfo=htonl({int.from_bytes(data[4:8], 'big')})"
        f', inet_pton(AF_INET6, "{name}", &sin6_addr)'
    )
    if len(data) == _RFC2133_BYTES:
        return text
    scope = int.from_bytes(data[24:28], "little")
    is_on_link = data[8] == 0xFE and data[9] & 0xC0 == 0x80  # noqa: PLR2004  # fe80::/10
    if scope == 1 and is_on_link:
        return text + ', sin6_scope_id=if_nametoindex("lo")'
    return f"{text}, sin6_scope_id={scope}"


def _packet(data: bytes) -> str:
    """Deviation: hardware types without their names."""
    index, hatype = int.from_bytes(data[4:8], "little"), int.from_bytes(data[8:10], "little")
    n_bytes = data[11]
    text = (
        f", sll_protocol={shower_of_ethertype(int.from_bytes(data[2:4], 'little'))}"
        f", sll_ifindex={_device(index)}"
        f", sll_hatype={hatype:#x} /* ARPHRD_??? */, sll_pkttype={data[10]:#x} /* PACKET_??? */, sll_halen={n_bytes}"
    )
    if not n_bytes:
        return text
    address = [f"{byte:#x}" if byte else "0" for byte in data[12 : 12 + n_bytes]]
    return f"{text}, sll_addr=[{', '.join(address)}{', ...' if n_bytes > len(address) else ''}]"


def _device(index: int) -> str:
    return 'if_nametoindex("lo")' if index == 1 else str(index)
