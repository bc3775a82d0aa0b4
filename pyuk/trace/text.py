"""Bytes as strace(1) writes them: between quotes, with C's escapes, and cut."""

from __future__ import annotations

from pyuk.trace import style

_NAMED = {9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
_ESCAPES = tuple(
    _NAMED.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:o}")  # noqa: PLR2004
    for byte in range(256)
)
_DIGITS = frozenset(b"0123456789")
_ODD_IN_HEX, _ESCAPES_IN_HEX = 1, 3


def quote(data: bytes) -> str:
    """All of `data` between quotes. An octal escape has three digits only where the next byte is a digit too."""
    if style.current.hex_strings:
        return _quote_in_hex(data, style.current.hex_strings)
    if data.isascii():
        text = data.decode("ascii")
        if text.isprintable():
            if '"' in text or "\\" in text:
                text = text.replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'
    parts = [_ESCAPES[byte] for byte in data]
    for i in range(len(data) - 1):
        if data[i + 1] in _DIGITS and len(parts[i]) > 1 and parts[i][1] in "01234567":
            parts[i] = f"\\{data[i]:03o}"
    return f'"{"".join(parts)}"'


def _quote_in_hex(data: bytes, how: int) -> str:
    """-xx (2): all bytes. -x (1): all, if there is one that is no text. 3: hexadecimal instead of octal escapes."""
    if how == _ESCAPES_IN_HEX:
        return (
            '"'
            + "".join([f"\\x{byte:02x}" if _ESCAPES[byte][1:2].isdigit() else _ESCAPES[byte] for byte in data])
            + '"'
        )
    if how == _ODD_IN_HEX and not any(_ESCAPES[byte][1:2].isdigit() for byte in data):
        return f'"{"".join([_ESCAPES[byte] for byte in data])}"'
    return '"' + "".join([f"\\x{byte:02x}" for byte in data]) + '"'


def quote_cut(data: bytes, length: int) -> str:
    """The first bytes, as many as the style says, and dots if the whole has more: `length` is the whole's."""
    limit = style.current.string_limit
    return quote(data[:limit]) + ("..." if length > limit else "")


def quote_hex(data: bytes, length: int) -> str:
    """The same with every byte in hex, for bytes that are no text."""
    limit = style.current.string_limit
    shown = "".join(f"\\x{byte:02x}" for byte in data[:limit])
    return f'"{shown}"' + ("..." if length > limit else "")


def address(value: int) -> str:
    """A pointer."""
    return f"{value:#x}" if value else "NULL"


def hexadecimal(value: int) -> str:
    """C's %#x: zero has no prefix."""
    return f"{value:#x}" if value else "0"


def octal(value: int) -> str:
    """C's %#03o, as strace writes permission bits."""
    return f"0{value:o}".rjust(3, "0")
