"""Socket addresses as strace(1) writes them.

Source: linux/un.h, linux/in.h, linux/in6.h.
"""

from __future__ import annotations

from pyuk.abi.socket import AF_INET, AF_INET6, AF_UNIX
from pyuk.abi.tables import Table
from pyuk.trace.text import quote
from pyuk.trace.words import one_of

_FAMILIES = Table("socket", "AF_")
_FAMILY_BYTES, _INET_BYTES, _INET6_BYTES = 2, 16, 28


def sockaddr_text(data: bytes) -> str:
    """`{sa_family=AF_UNIX, sun_path="/run/socket"}`."""
    if len(data) < _FAMILY_BYTES:
        return quote(data)
    family = int.from_bytes(data[:2], "little")
    body = f"sa_family={one_of(_FAMILIES, family)}"
    if family == AF_UNIX and len(data) > _FAMILY_BYTES:
        path = data[2:]
        if path[:1] == b"\0":
            body += f", sun_path=@{quote(path[1:])}"
        else:
            body += f", sun_path={quote(path.split(bytes(1), 1)[0])}"
    elif family == AF_INET and len(data) >= _INET_BYTES:
        dotted = ".".join(str(byte) for byte in data[4:8])
        body += f', sin_port=htons({int.from_bytes(data[2:4], "big")}), sin_addr=inet_addr("{dotted}")'
    elif family == AF_INET6 and len(data) >= _INET6_BYTES:
        import socket

        name = socket.inet_ntop(socket.AF_INET6, data[8:24])
        body += (
            f", sin6_port=htons({int.from_bytes(data[2:4], 'big')})"
            f", sin6_flowinfo=htonl({int.from_bytes(data[4:8], 'big')})"
            f', inet_pton(AF_INET6, "{name}", &sin6_addr), sin6_scope_id={int.from_bytes(data[24:28], "little")}'
        )
    elif len(data) > _FAMILY_BYTES:
        body += f", sa_data={quote(data[2:])}"
    return f"{{{body}}}"
