"""-e read=SET and -e write=SET: the data that a call has moved, in hex, below its line."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.trace.decode import Call

_READS = ("read", "pread64", "recv", "recvfrom", "getdents", "getdents64")
_WRITES = ("write", "pwrite64", "send", "sendto")
_READ_VECTORS = ("readv", "preadv", "preadv2")
_WRITE_VECTORS = ("writev", "pwritev", "pwritev2", "vmsplice")
_LINE_BYTES, _HALF_BYTES = 16, 8
_IOVEC_BYTES = 16


def dump(call: Call, dumps: dict[str, set[int] | None]) -> str:
    """The lines, "" where none are wanted."""
    name = call.decoder.name
    kind = "read" if name in _READS + _READ_VECTORS else "write" if name in _WRITES + _WRITE_VECTORS else ""
    if not kind or call.failed or not call.result:
        return ""
    wanted = dumps[kind]
    fd = call.args[0] & 0xFFFFFFFF
    if wanted is not None and fd not in wanted:
        return ""
    if name in _READS + _WRITES:
        return _lines(call.peek(call.args[1], call.result if kind == "read" else call.args[2]) or b"")
    return _vector(call, call.result if kind == "read" else 1 << 62)


def _vector(call: Call, left: int) -> str:
    text = ""
    for index in range(call.args[2]):
        entry = call.peek(call.args[1] + index * _IOVEC_BYTES, _IOVEC_BYTES)
        if entry is None or left <= 0:
            break
        base, length = int.from_bytes(entry[:8], "little"), min(int.from_bytes(entry[8:], "little"), left)
        left -= length
        text += f" * {length} bytes in buffer {index}\n" + _lines(call.peek(base, length) or b"")
    return text


def _lines(data: bytes) -> str:
    lines = []
    for at in range(0, len(data), _LINE_BYTES):
        row = data[at : at + _LINE_BYTES]
        first, second = row[:_HALF_BYTES].hex(" "), row[_HALF_BYTES:].hex(" ")
        shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)  # noqa: PLR2004
        lines.append(f" | {at:05x}  {first:23}  {second:23}  {shown:16} |\n")
    return "".join(lines)
