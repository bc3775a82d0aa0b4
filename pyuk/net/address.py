"""Internet addresses as the kernel keeps them: 4 or 16 bytes; struct sockaddr_in and sockaddr_in6 (ip(7), ipv6(7)).

The only device is the loopback: 127.0.0.0/8 and ::1 are its addresses, and there is no way to any other.
"""

from __future__ import annotations

import struct

from pyuk.abi.errno import EAFNOSUPPORT, EINVAL, SyscallError
from pyuk.abi.socket import AF_INET, AF_INET6

ANY4, ANY6 = bytes(4), bytes(16)
LOOPBACK4, LOOPBACK6 = bytes((127, 0, 0, 1)), bytes(15) + b"\1"
BROADCAST4 = b"\xff\xff\xff\xff"
LOOPBACK_BROADCAST4 = b"\x7f\xff\xff\xff"
_MAPPED = bytes(10) + b"\xff\xff"
SOCKADDR_IN_BYTES, SOCKADDR_IN6_BYTES, SIN6_LEN_RFC2133 = 16, 28, 24
_SIN = struct.Struct("<H2s4s8x")
_SIN6 = struct.Struct("<H2sI16sI")
LOOPBACK_INDEX = 1

Endpoint = tuple[bytes, int]
"""Address and port."""


def is_mapped(ip: bytes) -> bool:
    """::ffff:a.b.c.d."""
    return len(ip) == 16 and ip.startswith(_MAPPED)  # noqa: PLR2004


def is_multicast(ip: bytes) -> bool:
    """224.0.0.0/4 or ff00::/8."""
    return ip[0] >> 4 == 14 if len(ip) == 4 else ip[0] == 255  # noqa: PLR2004


def is_local(ip: bytes) -> bool:
    """Of this machine."""
    return ip[0] == 127 and ip != LOOPBACK_BROADCAST4 if len(ip) == 4 else ip == LOOPBACK6  # noqa: PLR2004


def is_link_local(ip: bytes) -> bool:
    """fe80::/10."""
    return len(ip) == 16 and ip[0] == 0xFE and ip[1] & 0xC0 == 0x80  # noqa: PLR2004


def as_4(ip: bytes) -> bytes:
    """A mapped address as the IPv4 address that it is; others as they are."""
    return ip[12:] if is_mapped(ip) else ip


def text_of(ip: bytes) -> str:
    """As inet_ntop(3) writes it: the longest run of two or more zero words is left out."""
    if len(ip) == 4:  # noqa: PLR2004
        return ".".join(map(str, ip))
    words = [int.from_bytes(ip[i : i + 2], "big") for i in range(0, 16, 2)]
    start = length = 0
    for i in range(8):
        n = next((k for k in range(8 - i) if words[i + k]), 8 - i)
        if n > max(length, 1):
            start, length = i, n
    if length and start == 0 and (length == 6 or (length == 5 and words[5] == 0xFFFF)):  # noqa: PLR2004
        return ("::" if length == 6 else "::ffff:") + text_of(ip[12:])  # noqa: PLR2004
    text = [f"{word:x}" for word in words]
    if not length:
        return ":".join(text)
    return f"{':'.join(text[:start])}::{':'.join(text[start + length :])}"


def family_of(address: bytes) -> int:
    """sa_family."""
    return int.from_bytes(address[:2], "little")


def pack(family: int, ip: bytes, port: int, scope: int = 0) -> bytes:
    """The struct sockaddr of a socket of this family; an IPv4 address is mapped for AF_INET6."""
    if family == AF_INET:
        return _SIN.pack(AF_INET, port.to_bytes(2, "big"), ip if len(ip) == 4 else ANY4)  # noqa: PLR2004
    if len(ip) == 4:  # noqa: PLR2004
        ip = _MAPPED + ip
    return _SIN6.pack(AF_INET6, port.to_bytes(2, "big"), 0, ip, scope)


def unpack_in(address: bytes) -> Endpoint:
    """A struct sockaddr_in. Errors: EINVAL too short, EAFNOSUPPORT another family."""
    if len(address) < SOCKADDR_IN_BYTES:
        raise SyscallError(EINVAL)
    if family_of(address) != AF_INET:
        raise SyscallError(EAFNOSUPPORT)
    return address[4:8], int.from_bytes(address[2:4], "big")


def unpack_in6(address: bytes) -> tuple[bytes, int, int]:
    """A struct sockaddr_in6 as address, port and scope; a mapped address stays 16 bytes.

    Errors: EINVAL too short, EAFNOSUPPORT another family.
    """
    if len(address) < SIN6_LEN_RFC2133:
        raise SyscallError(EINVAL)
    if family_of(address) != AF_INET6:
        raise SyscallError(EAFNOSUPPORT)
    scope = int.from_bytes(address[24:28], "little") if len(address) >= SOCKADDR_IN6_BYTES else 0
    return address[8:24], int.from_bytes(address[2:4], "big"), scope
