"""The `#!` line (execve(2), "Interpreter scripts"; fs/binfmt_script.c)."""

from __future__ import annotations

from pyuk.abi.errno import ENOEXEC
from pyuk.loader import LoadError

_BLANKS = b" \t"
_TERMINATORS = b" \t\0"


def parse_shebang(buf: bytes) -> tuple[bytes, bytes | None] | None:
    """The interpreter's path and its one optional argument; None where buf is not a script's.

    buf: the file's first 256 bytes, zero-padded (bprm->buf).
    Errors: ENOEXEC no interpreter is named, or its name may be cut by the end of buf. A cut argument is used as it is:
    the interpreter can read the line again.
    Everything after the interpreter's name, without blanks around it, is one argument.
    """
    if not buf.startswith(b"#!"):
        return None
    last = len(buf) - 1
    end = _newline(buf)
    if end < 0:
        start = _skip_blanks(buf, 2, last)
        if start < 0:
            raise LoadError(ENOEXEC, "the #! line names no interpreter")
        if _terminator(buf, start, last) < 0:
            raise LoadError(ENOEXEC, "the #! line's interpreter is longer than 253 bytes")
        end = last
    while buf[end - 1] in _BLANKS:
        end -= 1
    start = _skip_blanks(buf, 2, end)
    if start < 0 or start == end:
        raise LoadError(ENOEXEC, "the #! line names no interpreter")
    separator = _terminator(buf, start, end)
    if separator < 0:
        return _cstr(buf, start, end), None
    argument = _skip_blanks(buf, separator, end) if buf[separator] else -1
    return buf[start:separator], None if argument < 0 else _cstr(buf, argument, end)


def _newline(buf: bytes) -> int:
    """The first newline that no NUL precedes (strnchr stops there)."""
    newline = buf.find(b"\n")
    return -1 if newline >= 0 and 0 <= buf.find(b"\0") < newline else newline


def _skip_blanks(buf: bytes, first: int, last: int) -> int:
    """The first place in [first, last], both included, that is no space or tab; -1 if there is none."""
    for i in range(first, last + 1):
        if buf[i] not in _BLANKS:
            return i
    return -1


def _terminator(buf: bytes, first: int, last: int) -> int:
    """The first space, tab or NUL in [first, last], both included; -1 if there is none."""
    for i in range(first, last + 1):
        if buf[i] in _TERMINATORS:
            return i
    return -1


def _cstr(buf: bytes, start: int, end: int) -> bytes:
    return buf[start:end].partition(b"\0")[0]
