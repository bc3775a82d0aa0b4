"""One call's text: every argument by its kind, as strace(1) writes it.

A decoder is made from a declaration on the call's first use. What is told to the kernel is written when the call
begins, and from the first argument that the kernel fills the rest is written when it ends, as strace does it. Guest
memory is read by `task.mem.peek` alone: a pointer to nowhere is shown as an address, and nothing here can fail.
"""

from __future__ import annotations

from pyuk.abi import commands
from pyuk.abi.capability import _LINUX_CAPABILITY_VERSION_1
from pyuk.abi.errno import EINTR, EOVERFLOW, ERESTART_RESTARTBLOCK, MAX_ERRNO, known, message, name
from pyuk.abi.kinds import (
    ELSEWHERE,
    INOUT,
    OUT,
    Buffer,
    ByBits,
    ByCommand,
    CapabilitySets,
    CpuSet,
    CString,
    DirentArray,
    Early,
    Explained,
    FdNumber,
    FdSet,
    FileHandle,
    IoVector,
    MessageAt,
    OptionValue,
    Pointer,
    Readiness,
    SignalSet,
    SignalSetPack,
    SocketAddress,
    SocketAddressLength,
    SocketOption,
    StringVector,
    StructAt,
    TimeLeft,
    When,
    Word,
)  # fmt: skip
from pyuk.abi.unistd import PATH_MAX
from pyuk.trace import style, text
from pyuk.trace.polling import fd_bits, readiness_text, time_left_text
from pyuk.trace.sockaddr import sockaddr_text
from pyuk.trace.text import address, quote, quote_cut
from pyuk.trace.views import struct_shower
from pyuk.trace.words import as_ctype, capability_set, shower, signal_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.abi.kinds import Kind
    from pyuk.abi.syscall import Declaration

    Text = Callable[["Call", int], str | None]

_IOVEC_BYTES = 16
_SIGSET_BYTES = 8
_MAX_HANDLE_SZ = 128
_SOCKADDR_BYTES, _FAMILY_BYTES = 128, 2
_TOP = 1 << 64
_SOCKET_KINDS = (Early, MessageAt, OptionValue, SocketAddressLength, SocketOption)
"""Those of pyuk.trace.sockets."""
_FIRST_LOOK = 256  # most paths are shorter; only the others are read up to PATH_MAX


class Call:
    """One call under way. `result` is None until it ends, then what the guest gets: negative is -errno."""

    __slots__ = (
        "args", "column", "cpu_since_ns", "decoder", "is_shown", "position", "prefix", "result", "seen", "since_ns",
        "task", "text",
    )  # fmt: skip

    def __init__(self, task: Any, decoder: Decoder, args: tuple[int, ...]) -> None:
        self.task = task
        self.decoder = decoder
        self.args = args
        self.result: int | None = None
        self.is_shown = True
        self.since_ns = self.cpu_since_ns = 0
        self.prefix = ""
        self.text = ""
        """What has been written of it, with the prefix that says whose it is."""
        self.column = 0
        """Where the text stands on its line, for the alignment of the result."""
        self.position = 0
        """How many of the decoder's steps that was."""
        self.seen: dict[Kind, Any] = {}
        """What was looked at when it began, of arguments that are shown when it ends."""

    @property
    def failed(self) -> bool:
        """Whether it ended with an error: then the kernel has filled nothing."""
        return self.result is not None and -MAX_ERRNO <= self.result < 0

    def peek(self, at: int, n_bytes: int) -> bytes | None:
        """All of [at, at + n_bytes), or None."""
        if n_bytes <= 0:
            return b"" if at else None
        if not 0 < at < _TOP:
            return None
        data: bytes = self.task.mem.peek(at, n_bytes)
        return data if len(data) == n_bytes else None

    def value(self, parameter: str) -> int:
        """Another argument, as the C type it has."""
        index = self.decoder.index[parameter]
        return as_ctype(self.args[index], self.decoder.kinds[index].ctype)


class Step:
    """One argument of a decoder.

    late: it is written when the call ends; after: what is added then to one that was written at the beginning.
    """

    __slots__ = ("after", "index", "late", "show")

    def __init__(self, index: int, show: Text, late: Callable[[Call], bool], after: Text | None) -> None:
        self.index = index
        self.show = show
        self.late = late
        self.after = after


class Decoder:
    """What there is to say of one system call."""

    __slots__ = ("before", "index", "kinds", "name", "result", "steps")

    def __init__(self, call_name: str, params: tuple[tuple[str, Kind], ...], result: Kind) -> None:
        self.name = call_name
        self.index = {param: i for i, (param, _kind) in enumerate(params)}
        self.kinds = [kind for _param, kind in params]
        self.steps = [_step(i, kind) for i, kind in enumerate(self.kinds)]
        self.result = result
        self.before = [(i, kind, look) for i, kind in enumerate(self.kinds) if (look := _look_before(kind)) is not None]

    def begin(self, call: Call) -> str:
        """`name(`, the arguments up to the first that the kernel fills, and a comma if that is not all."""
        for i, kind, look in self.before:
            call.seen[kind] = look(call, call.args[i])
        parts = []
        for step in self.steps:
            if step.late(call):
                break
            call.position += 1
            shown = step.show(call, call.args[step.index])
            if shown is not None:
                parts.append(shown)
            if step.after is not None:
                return f"{self.name}({', '.join(parts)}"
        comma = ", " if parts and call.position < len(self.steps) else ""
        return f"{self.name}({', '.join(parts)}{comma}"

    def end(self, call: Call) -> str:
        """The arguments that were left."""
        if call.position == len(self.steps):
            return ""
        parts = [step.show(call, call.args[step.index]) for step in self.steps[call.position :]]
        text = ", ".join([part for part in parts if part is not None])
        last = self.steps[call.position - 1] if call.position else None
        if last is None or last.after is None:
            return text
        return (last.after(call, call.args[last.index]) or "") + (f", {text}" if text else "")

    def result_text(self, call: Call) -> str:
        """What stands after the equals sign."""
        result = call.result
        if result is None:
            return "?"
        if not call.failed:
            kind = self.result
            if isinstance(kind, Readiness):
                return readiness_text(kind, call)
            if isinstance(kind, TimeLeft):
                return time_left_text(kind, call)
            if isinstance(kind, FdNumber):
                return _descriptor(kind)(call, result)
            return _result_of(kind, call) if isinstance(kind, ByCommand) else shower(kind)(as_ctype(result, kind.ctype))
        errno = -result
        if _is_restart(errno):
            return f"? {name(errno)} ({message(errno)})"
        return f"-1 {name(errno)} ({message(errno)})" if known(errno) else f"-1 (errno {errno})"


def make_decoder(declaration: Declaration) -> Decoder:
    """The decoder of a declared call."""
    return Decoder(declaration.name, declaration.params, declaration.result)


def _is_restart(errno: int) -> bool:
    return 512 <= errno <= ERESTART_RESTARTBLOCK  # noqa: PLR2004


def _result_of(kind: ByCommand, call: Call) -> str:
    result = call.result or 0
    chosen = getattr(commands, kind.commands).get(call.value(kind.selector) & kind.mask)
    if isinstance(chosen, FdNumber):
        return _descriptor(chosen)(call, result)
    is_bare = result == 0 and not (isinstance(chosen, Explained) and chosen.zero)
    return str(result) if chosen is None or is_bare else shower(chosen)(as_ctype(result, chosen.ctype))


def _look_before(kind: Kind) -> Callable[[Call, int], Any] | None:
    if not isinstance(kind, _SOCKET_KINDS):
        return None
    from pyuk.trace.sockets import before  # noqa: PLC0415  # it needs this module

    return before(kind)


# From a kind to the function that shows an argument


def _step(index: int, kind: Kind) -> Step:
    after = None
    if isinstance(kind, StructAt) and kind.direction == INOUT:
        after = _new_value(kind)
    elif isinstance(kind, FileHandle) and kind.direction == INOUT:
        after = _handle_after
    return Step(index, text_of(kind), _lateness(kind), after)


def _lateness(kind: Kind) -> Callable[[Call], bool]:
    """Whether the argument waits for the end of the call."""
    if isinstance(kind, ByCommand):
        return lambda call: _is_out(_chosen(kind, call))
    if isinstance(kind, When):
        return _lateness(kind.kind)
    is_out = _is_out(kind) or (isinstance(kind, MessageAt) and bool(kind.count))  # which tells how much was sent
    return lambda _call: is_out


def _is_out(kind: Kind | None) -> bool:
    return isinstance(kind, Pointer) and kind.direction == OUT


def text_of(kind: Kind) -> Text:
    """The function that shows an argument register of this kind; None where the call does not have the argument."""
    if type(kind) in _MAKERS:
        return _MAKERS[type(kind)](kind)
    if isinstance(kind, _SOCKET_KINDS):
        from pyuk.trace.sockets import MAKERS  # noqa: PLC0415  # it needs this module

        return MAKERS[type(kind)](kind)
    if isinstance(kind, Word) and kind.meaning == "hidden":
        return lambda _call, _value: None
    if isinstance(kind, FdNumber):
        return _descriptor(kind)
    show, ctype = shower(kind), kind.ctype
    if ctype == "ulong":
        return lambda _call, value: show(value)
    return lambda _call, value: show(as_ctype(value, ctype))


def _descriptor(kind: FdNumber) -> Callable[[Call, int], str]:
    """A number, or with -y also what it stands for."""
    show = shower(kind)

    def show_descriptor(call: Call, value: int) -> str:
        number = as_ctype(value, "int")
        if not style.current.descriptors:
            return show(number)
        from pyuk.trace.files import descriptor_text  # noqa: PLC0415  # it needs this module

        return descriptor_text(call.task, number)

    return show_descriptor


def _chosen(kind: ByCommand, call: Call) -> Kind | None:
    table: commands.Commands = getattr(commands, kind.commands)
    command = call.value(kind.selector) & kind.mask
    return table[command] if command in table else table.get(commands.OTHERWISE, commands.DEFAULT)


def _by_command(kind: ByCommand) -> Text:
    shown: dict[Kind, Text] = {}

    def show(call: Call, value: int) -> str | None:
        chosen = _chosen(kind, call)
        if chosen is None:
            return None
        if chosen not in shown:
            shown[chosen] = text_of(chosen)
        return shown[chosen](call, value)

    return show


def _by_bits(kind: ByBits) -> Text:
    one, other = text_of(kind.with_bits), text_of(kind.without)
    return lambda call, value: (one if call.value(kind.parameter) & kind.bits else other)(call, value)


def _when(kind: When) -> Text:
    show = text_of(kind.kind)
    return lambda call, value: show(call, value) if call.value(kind.parameter) & kind.bits else None


# Strings and bytes


def _c_string(kind: CString) -> Text:
    if kind.path:
        return path_text
    return lambda call, at: address(at) if call.failed and kind.direction == OUT else string_text(call, at)


def path_text(call: Call, at: int) -> str:
    """A path, whole."""
    data = call.task.mem.peek(at, _FIRST_LOOK) if at else b""
    if b"\0" not in data and len(data) == _FIRST_LOOK:
        data = call.task.mem.peek(at, PATH_MAX)
    head, nul, _tail = data.partition(b"\0")
    if nul:
        return quote(head)
    return quote(data[:-1]) + "..." if len(data) == PATH_MAX else address(at)


def string_text(call: Call, at: int) -> str:
    """A string, cut."""
    data = call.task.mem.peek(at, style.current.string_limit + 1) if at else b""
    head, nul, _tail = data.partition(b"\0")
    if nul:
        return quote(head)
    return quote_cut(data, len(data)) if len(data) == style.current.string_limit + 1 else address(at)


def bytes_text(call: Call, at: int, length: int, show: Callable[[bytes, int], str] = quote_cut) -> str:
    """Bytes, cut."""
    data = call.peek(at, min(length, style.current.string_limit))
    return address(at) if data is None else show(data, length)


def _buffer(kind: Buffer) -> Text:
    show = text.quote_hex if kind.opaque else quote_cut

    def show_buffer(call: Call, at: int) -> str:
        if kind.direction == OUT and call.failed:
            return address(at)
        length = call.result or 0 if kind.size == "return" else call.value(kind.size)
        if kind.most and length > kind.most:
            return address(at)
        if kind.text and length and call.peek(at + length - 1, 1) == b"\0":  # getcwd counts the NUL, and is shown whole
            return quote(call.peek(at, length - 1) or b"")
        return bytes_text(call, at, length, show)

    return show_buffer


def _dirents(kind: DirentArray) -> Text:
    reclen_at = 16
    smallest = 19 if kind.bits == 64 else 18  # noqa: PLR2004

    def show(call: Call, at: int) -> str:
        length = call.result or 0
        data = b"" if length == 0 else call.peek(at, length)
        if call.failed or data is None:
            return address(at)
        entries, offset = 0, 0
        while offset + smallest <= length:
            entries += 1
            offset += max(int.from_bytes(data[offset + reclen_at : offset + reclen_at + 2], "little"), smallest)
        return f"{address(at)} /* {entries} entries */"

    return show


def _string_vector(kind: StringVector) -> Text:
    return _environment if kind.environment else _argument_vector


def _argument_vector(call: Call, at: int) -> str:
    shown: list[str] = []
    while True:
        word = call.peek(at + 8 * len(shown), 8)
        if word is None:
            return address(at) if not shown else f"[{', '.join(shown)}, ... /* {at + 8 * len(shown):#x} */]"
        pointer = int.from_bytes(word, "little")
        if not pointer:
            return f"[{', '.join(shown)}]"
        if len(shown) == style.current.string_limit:
            return f"[{', '.join(shown)}, ...]"
        shown.append(string_text(call, pointer))


def _environment(call: Call, at: int) -> str:
    count, first = 0, call.peek(at, 8)
    word = first
    while word is not None and any(word):
        count += 1
        word = call.peek(at + 8 * count, 8)
    if first is None:
        return address(at)
    ending = "" if word is not None else ", unterminated"
    return f"{address(at)} /* {count} var{'' if count == 1 else 's'}{ending} */"


# Structs


def _struct_at(kind: StructAt) -> Text:
    layout = kind.struct
    is_scalar = layout.view == "scalar"

    def show(call: Call, at: int) -> str:
        if call.failed and kind.direction == OUT and not (kind.only_interrupted and _interrupted(call)):
            return address(at)
        if call.failed and kind.late:
            return address(at)
        if kind.only_interrupted and not _interrupted(call):
            return address(at)
        if kind.count is not None:
            return _array(call, at, kind)
        data = call.peek(at, layout.size)
        if data is None:
            return address(at)
        shown = struct_shower(layout, whole=style.current.is_whole)(layout.unpack(data))
        return f"[{shown}]" if is_scalar else shown

    return show


def _interrupted(call: Call) -> bool:
    return call.result is not None and (-call.result == EINTR or _is_restart(-call.result))


def _count(call: Call, wanted: str | int | None) -> int:
    if isinstance(wanted, int):
        return wanted
    if wanted and wanted.startswith("pages:"):
        return -(-call.value(wanted[6:]) >> 12)
    return call.value(wanted) if wanted and wanted != "return" else call.result or 0


def _array(call: Call, at: int, kind: StructAt) -> str:
    size = kind.struct.size
    count = _count(call, kind.count)
    if not at or not 0 <= count * size < _TOP or at + count * size > _TOP:
        return address(at)
    show = struct_shower(kind.struct, whole=style.current.is_whole)
    shown: list[str] = []
    for i in range(count):
        if i == style.current.string_limit and not style.current.is_whole:
            shown.append("...")
            break
        data = call.peek(at + i * size, size)
        if data is None:
            if i == 0:
                return address(at)
            shown.append(f"... /* {at + i * size:#x} */")
            break
        shown.append(show(kind.struct.unpack(data)))
    return f"[{', '.join(shown)}]"


def _new_value(kind: StructAt) -> Text:
    show = _struct_at(kind)
    return lambda call, at: None if call.failed or not call.result or not at else f" => {show(call, at)}"


def _file_handle(kind: FileHandle) -> Text:
    def show(call: Call, at: int) -> str:
        head = call.peek(at, 8)
        if head is None:
            return address(at)
        size = int.from_bytes(head[:4], "little")
        if kind.direction == INOUT:
            return f"{{handle_bytes={size}"
        return f"{{handle_bytes={size}{_handle_rest(call, at, head)}}}"

    return show


def _handle_rest(call: Call, at: int, head: bytes) -> str:
    kind = int.from_bytes(head[4:], "little", signed=True)
    size = int.from_bytes(head[:4], "little")
    data = call.peek(at + 8, min(size, _MAX_HANDLE_SZ))
    if data is None:
        return f", handle_type={kind}, f_handle={address(at + 8)}"
    shown = "".join(f"\\x{byte:02x}" for byte in data)
    return f', handle_type={kind}, f_handle="{shown}"{"..." if size > _MAX_HANDLE_SZ else ""}'


def _handle_after(call: Call, at: int) -> str | None:
    head = call.peek(at, 8)
    if head is None:
        return None
    size = int.from_bytes(head[:4], "little")
    if call.failed:
        return f" => {size}}}" if call.result == -EOVERFLOW else "}"
    return f" => {size}{_handle_rest(call, at, head)}}}"


def _io_vector(kind: IoVector) -> Text:
    def show(call: Call, at: int) -> str:
        count = call.value(kind.count)
        if not at or not 0 <= count * _IOVEC_BYTES < _TOP or at + count * _IOVEC_BYTES > _TOP:
            return address(at)
        left = (call.result or 0) if kind.direction == OUT else _TOP
        shown: list[str] = []
        for i in range(count):
            if i == style.current.string_limit:
                shown.append("...")
                break
            word = call.peek(at + i * _IOVEC_BYTES, _IOVEC_BYTES)
            if word is None:
                if i == 0:
                    return address(at)
                shown.append(f"... /* {at + i * _IOVEC_BYTES:#x} */")
                break
            base, length = int.from_bytes(word[:8], "little"), int.from_bytes(word[8:], "little")
            n_shown = min(length, max(left, 0))
            left -= n_shown
            is_hidden = kind.direction == ELSEWHERE or (call.failed and kind.direction == OUT)
            data = address(base) if is_hidden else bytes_text(call, base, n_shown)
            shown.append(f"{{iov_base={data}, iov_len={length}}}")
        return f"[{', '.join(shown)}]"

    return show


def _signal_set(kind: SignalSet) -> Text:
    def show(call: Call, at: int) -> str:
        data = call.peek(at, _SIGSET_BYTES) if call.value(kind.size) == _SIGSET_BYTES else None
        if data is None or (call.failed and kind.direction == OUT):
            return address(at)
        return signal_set(int.from_bytes(data, "little"))

    return show


def _signal_set_pack(_kind: SignalSetPack) -> Text:
    def show(call: Call, at: int) -> str:
        data = call.peek(at, 16)
        if data is None:
            return address(at)
        mask_at, size = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")
        mask = call.peek(mask_at, _SIGSET_BYTES) if size == _SIGSET_BYTES else None
        shown = address(mask_at) if mask is None else signal_set(int.from_bytes(mask, "little"))
        return f"{{sigmask={shown}, sigsetsize={size}}}"

    return show


def _fd_set(kind: FdSet) -> Text:
    def show(call: Call, at: int) -> str:
        bits = fd_bits(call, at, min(max(call.value(kind.count), 0), 1 << 20))
        return address(at) if bits is None else f"[{' '.join(map(str, bits))}]"

    return show


def _cpu_set(kind: CpuSet) -> Text:
    def show(call: Call, at: int) -> str:
        size = call.result or 0 if kind.size == "return" else call.value(kind.size)
        data = call.peek(at, min(size, 1024)) if size else None
        if data is None or (call.failed and kind.direction == OUT):
            return address(at)
        mask = int.from_bytes(data, "little")
        return f"[{' '.join(str(cpu) for cpu in range(8 * len(data)) if mask >> cpu & 1)}]"

    return show


def _capability_sets(kind: CapabilitySets) -> Text:
    def show(call: Call, at: int) -> str:
        version = call.peek(call.args[call.decoder.index[kind.header]], 4) or b""
        n_words = 1 if int.from_bytes(version, "little") == _LINUX_CAPABILITY_VERSION_1 else 2
        data = call.peek(at, 12 * n_words) if at else None
        if data is None or (call.failed and kind.direction == OUT):
            return address(at)
        words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
        sets = [
            f"{name}={capability_set(words[i] | (words[i + 3] << 32 if n_words > 1 else 0))}"
            for i, name in enumerate(("effective", "permitted", "inheritable"))
        ]
        return f"{{{', '.join(sets)}}}"

    return show


def _socket_address(kind: SocketAddress) -> Text:
    def show(call: Call, at: int) -> str:
        length = call.value(kind.length)
        if kind.direction == OUT:
            data = None if call.failed or not at else call.peek(length, 4)
            if data is None:
                return address(at)
            length = min(int.from_bytes(data, "little", signed=True), _told_length(call, kind))
        data = call.peek(at, min(length, _SOCKADDR_BYTES)) if length >= _FAMILY_BYTES else None
        return address(at) if data is None else sockaddr_text(data)

    return show


def _told_length(call: Call, kind: SocketAddress) -> int:
    """How much room the caller has said there is."""
    told = call.seen.get(call.decoder.kinds[call.decoder.index[kind.length]])
    return _SOCKADDR_BYTES if told is None else told


_MAKERS: dict[type, Callable[[Any], Text]] = {
    ByCommand: _by_command,
    When: _when,
    ByBits: _by_bits,
    FileHandle: _file_handle,
    CString: _c_string,
    Buffer: _buffer,
    DirentArray: _dirents,
    StringVector: _string_vector,
    StructAt: _struct_at,
    IoVector: _io_vector,
    SignalSet: _signal_set,
    CapabilitySets: _capability_sets,
    SocketAddress: _socket_address,
    CpuSet: _cpu_set,
    SignalSetPack: _signal_set_pack,
    FdSet: _fd_set,
}
