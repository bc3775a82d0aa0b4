"""What is ready, as strace(1) writes it behind the result of poll(2) and select(2)."""

from __future__ import annotations

from pyuk.abi.structs import POLLFD
from pyuk.trace import style
from pyuk.trace.text import address
from pyuk.trace.views import struct_shower
from pyuk.trace.words import flag_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.kinds import Readiness, TimeLeft
    from pyuk.trace.decode import Call

_ROOM = 1024  # strace writes these texts into an array, and leaves out what does not fit
_POLL_MARGIN, _SELECT_MARGIN = 27, 25
_MOST_BITS = 1 << 20
_NAMES = ("in", "out", "except")


def readiness_text(kind: Readiness, call: Call) -> str:
    """`2 ([{fd=3, revents=POLLIN}, {fd=4, revents=POLLOUT}])`, `0 (Timeout)`."""
    count = call.result or 0
    if not count:
        return "0 (Timeout)"
    shown = _select_text(kind, call, count) if " " in kind.sets else _poll_text(kind, call)
    return f"{count} ({shown})" if shown else str(count)


def _poll_text(kind: Readiness, call: Call) -> str:
    at, n_fds = call.value(kind.sets), call.value(kind.count)
    if not at or not n_fds:
        return ""
    shown, n_shown = "", 0
    for entry in range(at, at + n_fds * POLLFD.size, POLLFD.size):
        data = call.peek(entry, POLLFD.size)
        separator = ", " if shown else "["
        if data is None:
            shown += f"{separator}{entry:#x}"
            break
        fd, _events, revents = POLLFD.unpack(data)
        if not revents:
            continue
        shown += separator
        text = f"{{fd={fd}, revents={flag_words(POLLFD.fields[2].kind, revents)}}}"
        if n_shown == style.current.string_limit or len(shown) + len(text) >= _ROOM - _POLL_MARGIN:
            shown += "..."
            break
        shown += text
        n_shown += 1
    if shown:
        shown += "]"
    left = _left(kind, call)
    if left is None:
        return shown
    separator = ", " if shown else ""
    return f"{shown}{separator}left {left}" if len(shown) + len(", left ") + 1 + len(left) < _ROOM else f"{shown}, ..."


def _select_text(kind: Readiness, call: Call, n_ready: int) -> str:
    n_fds = min(max(call.value(kind.count), 0), _MOST_BITS)
    shown = separator = ""
    for name, parameter in zip(_NAMES, kind.sets.split(), strict=True):
        if n_ready <= 0:
            break
        bits = fd_bits(call, call.value(parameter), n_fds)
        if bits is None:
            continue
        is_first = True
        for fd in bits:
            if len(shown) < _ROOM - _SELECT_MARGIN:
                shown += f"{separator}{name} [{fd}" if is_first else f" {fd}"
                if is_first:
                    separator = ", "
                is_first = False
            n_ready -= 1
            if not n_ready:
                break
        if shown:
            shown += "]"
    left = _left(kind, call)
    if left is not None and len(shown) + len("left ") + 1 + len(separator) + len(left) < _ROOM:
        shown += f"{separator}left {left}"
    return shown


def fd_bits(call: Call, at: int, n_fds: int) -> list[int] | None:
    """The descriptors in an fd_set, which is read in whole words; None where it cannot be."""
    n_bytes = (n_fds + 63) // 64 * 8
    data = call.peek(at, n_bytes) if n_bytes else None
    if data is None:
        return None
    bits = int.from_bytes(data, "little")
    return [fd for fd in range(n_fds) if bits >> fd & 1]


def time_left_text(kind: TimeLeft, call: Call) -> str:
    """A number, `3 (left {tv_sec=0, tv_nsec=5})`."""
    if not call.result:
        return "0 (Timeout)"
    left = _left(kind, call)
    return str(call.result) if left is None else f"{call.result} (left {left})"


def _left(kind: Readiness | TimeLeft, call: Call) -> str | None:
    """The time left, where the call has a time at all."""
    at = call.value(kind.timeout) if kind.timeout else 0
    if not at or kind.struct is None:
        return None
    data = call.peek(at, kind.struct.size)
    return address(at) if data is None else struct_shower(kind.struct)(kind.struct.unpack(data))
