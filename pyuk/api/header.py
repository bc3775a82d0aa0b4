r"""The expectation header of a `*.S` test: comment lines with `pyuk:` and TOML behind it.

    # pyuk: exit = 3
    # pyuk: stdout = "hello\n"
    # pyuk: registers.rbx = 0x1234
    # pyuk: memory.counter = 5          # eight bytes at a symbol, or a string, or an array of bytes
    # pyuk: syscalls = ["execve", "write(1, ...) = 6", "exit"]

Also: signal, stderr, args, stdin, flags (for the compiler). A string says nothing of its end: "hello" is five bytes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LINE = re.compile(r"^\s*(?:#|//|/?\*)\s*pyuk:(.*?)(?:\*/)?\s*$", re.MULTILINE)
_EXPECTED = ("exit", "signal", "stdout", "stderr", "syscalls", "registers", "memory")


class HeaderError(Exception):
    """The header cannot be understood; the text says why."""


@dataclass
class Header:
    """What a file says of itself."""

    args: list[str] = field(default_factory=list)
    stdin: str | None = None
    flags: list[str] = field(default_factory=list)
    expected: dict[str, Any] = field(default_factory=dict)
    """As Run.expect takes it."""


def read_header(source: str) -> Header:
    """The header of an assembler text. Errors: HeaderError."""
    try:
        table = tomllib.loads("\n".join(_LINE.findall(source)))
    except tomllib.TOMLDecodeError as error:
        raise HeaderError(f"pyuk: header: {_mistake(source) or error}") from None
    header = Header(table.pop("args", []), table.pop("stdin", None), table.pop("flags", []))
    for name in list(table):
        if name not in _EXPECTED:
            raise HeaderError(
                f"pyuk: header: nobody knows {name!r}; there are {', '.join(_EXPECTED)}, args, stdin, flags"
            )
        header.expected[name] = table.pop(name)
    memory = header.expected.get("memory")
    if memory is not None:
        header.expected["memory"] = {_place(key): _bytes(value) for key, value in memory.items()}
    return header


def _mistake(source: str) -> str:
    """The first line that is no TOML by itself; "" where each is."""
    for found in _LINE.finditer(source):
        try:
            tomllib.loads(found[1])
        except tomllib.TOMLDecodeError as error:
            number = source.count("\n", 0, found.start(1)) + 1
            return f"line {number}: {found[1].strip()}: {error}"
    return ""


def _place(key: str) -> int | str:
    return int(key, 0) if key[:1].isdigit() else key


def _bytes(value: str | int | list[int]) -> bytes | int:
    if isinstance(value, str):
        return value.encode()
    return value if isinstance(value, int) else bytes(value)
