"""Descriptors and paths as a log tells of them: -y, -yy and -P."""

from __future__ import annotations

from pyuk.abi.errno import SyscallError
from pyuk.abi.fcntl import AT_FDCWD
from pyuk.abi.kinds import CString, FdNumber
from pyuk.abi.stat import S_IFBLK, S_IFCHR, S_IFMT
from pyuk.trace import style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pyuk.trace.decode import Call

_SPECIAL = frozenset(b"<>\\\n\t\v\f\r")


def descriptor_text(task: Any, fd: int) -> str:
    """`3</etc/passwd>` where that is wanted and there is such a descriptor, else the number."""
    wanted = style.current.descriptors
    name = "AT_FDCWD" if fd == AT_FDCWD else str(fd)
    link = _link(task, fd)
    if not wanted or link is None:
        return name
    text = _escaped(link)
    if "dev" in wanted and fd != AT_FDCWD:
        text += _device(task, fd)
    return f"{name}<{text}>"


def paths_of(call: Call) -> Iterator[bytes]:
    """What a call names: paths as they are given, and those of descriptors."""
    for kind, value in zip(call.decoder.kinds, call.args, strict=False):
        if isinstance(kind, CString) and kind.path:
            yield call.task.mem.peek(value, 4096).partition(b"\0")[0]
        elif isinstance(kind, FdNumber):
            link = _link(call.task, (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000)
            if link is not None:
                yield link


def _link(task: Any, fd: int) -> bytes | None:
    try:
        if fd == AT_FDCWD:
            return bytes(task.fs.getcwd())
        return bytes(task.files.get_any(fd).link_text())
    except SyscallError:
        return None


def _device(task: Any, fd: int) -> str:
    """`<char 5:0>`."""
    status = task.files.get_any(fd).stat()
    kind = {S_IFCHR: "char", S_IFBLK: "block"}.get(status.st_mode & S_IFMT)
    if kind is None:
        return ""
    rdev = status.st_rdev
    return f"<{kind} {rdev >> 8 & 0xFFF}:{rdev & 0xFF | rdev >> 12 & ~0xFF}>"


def _escaped(link: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in _SPECIAL else f"\\{byte:o}" for byte in link)  # noqa: PLR2004
