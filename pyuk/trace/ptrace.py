"""ptrace(2), whose request says which arguments there are and what they mean: as strace(1) writes it."""

from __future__ import annotations

import struct

from pyuk.abi import ptrace as abi
from pyuk.abi.errno import MAX_ERRNO, name
from pyuk.abi.kinds import Flags, Number, Word
from pyuk.abi.numbers import name_of
from pyuk.abi.structs import SIGINFO_BYTES
from pyuk.abi.tables import Table
from pyuk.trace import style
from pyuk.trace.decode import Decoder
from pyuk.trace.text import address, hexadecimal
from pyuk.trace.views import siginfo_text
from pyuk.trace.words import as_ctype, shower, signal_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.syscall import Declaration
    from pyuk.trace.decode import Call

_WITHOUT = "PTRACE_O_* PTRACE_EVENT* PTRACE_SYSCALL_INFO_* PTRACE_PEEKSIGINFO_SHARED"
_request = shower(Flags(Table("ptrace", "PTRACE_", without=_WITHOUT), "ulong", enum=True))
_options = shower(Flags(Table("ptrace", "PTRACE_O_", without="PTRACE_O_MASK"), "ulong"))
_signal = shower(Word("signal", "ulong"))
_note = shower(Flags(Table("ptrace", "NT_"), "ulong", enum=True))
_filter_flags = shower(Flags(Table("seccomp", "SECCOMP_FILTER_FLAG_"), "ulong"))
_peek_flags = shower(Flags(Table("ptrace", "PTRACE_PEEKSIGINFO_"), "uint"))

_VECTOR = Number("ulong")
"""The key of PTRACE_GETREGSET's iovec as it was before."""
_WORD_BYTES, _SIGSET_BYTES = 8, 8
_ALONE = (abi.PTRACE_ATTACH, abi.PTRACE_INTERRUPT, abi.PTRACE_KILL, abi.PTRACE_LISTEN)
_SIGNALLED = (
    abi.PTRACE_CONT, abi.PTRACE_DETACH, abi.PTRACE_SINGLEBLOCK, abi.PTRACE_SINGLESTEP, abi.PTRACE_SYSCALL,
    abi.PTRACE_SYSEMU, abi.PTRACE_SYSEMU_SINGLESTEP,
)  # fmt: skip
_WITH_OPTIONS = (abi.PTRACE_SEIZE, abi.PTRACE_SETOPTIONS, abi.PTRACE_OLDSETOPTIONS)
_REGISTER_SETS = (abi.PTRACE_GETREGS, abi.PTRACE_SETREGS, abi.PTRACE_GETFPREGS, abi.PTRACE_SETFPREGS)
_SIZED = (
    abi.PTRACE_GETSIGMASK, abi.PTRACE_SETSIGMASK, abi.PTRACE_SECCOMP_GET_FILTER, abi.PTRACE_SECCOMP_GET_METADATA,
    abi.PTRACE_GET_SYSCALL_INFO, abi.PTRACE_GET_RSEQ_CONFIGURATION,
)  # fmt: skip
_REGISTERS = (
    "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi", "orig_rax",
    "rip", "cs", "eflags", "rsp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs",
)  # fmt: skip
# struct user (sys/user.h), by offset; what lies between two has the name of the first and a distance
_USER = (
    *((8 * i, f"8*{word.upper() if word != 'eflags' else 'EFL'}") for i, word in enumerate(_REGISTERS[:21])),
    *(
        (offset, f"offsetof(struct user, {member})")
        for offset, member in (
            (216, "u_fpvalid"), (224, "i387"), (736, "u_tsize"), (744, "u_dsize"), (752, "u_ssize"),
            (760, "start_code"), (768, "start_stack"), (776, "signal"), (784, "reserved"), (792, "u_ar0"),
            (800, "u_fpstate"), (808, "magic"), (816, "u_comm"), (848, "u_debugreg"),
        )
    ),
    (912, "sizeof(struct user)"),
)  # fmt: skip
_USER_END = 912
_FP = struct.Struct("<HHHHQQII32I64I24I")
_OPS = {
    0: "PTRACE_SYSCALL_INFO_NONE",
    1: "PTRACE_SYSCALL_INFO_ENTRY",
    2: "PTRACE_SYSCALL_INFO_EXIT",
    3: "PTRACE_SYSCALL_INFO_SECCOMP",
}


class PtraceDecoder(Decoder):
    """Request, pid and what else it has; what the kernel fills, when the call ends."""

    __slots__ = ()

    def begin(self, call: Call) -> str:
        """`ptrace(PTRACE_CONT, 5, NULL, SIGUSR1`."""
        request, pid, addr, data = call.args[:4]
        words = [_request(request)]
        if request == abi.PTRACE_GETREGSET:
            call.seen[_VECTOR] = call.peek(data, 16)
        if request != abi.PTRACE_TRACEME:
            words.append(str(as_ctype(pid, "int")))
            if request not in _ALONE:
                words += [
                    word for word in (_address_text(call, request, addr), _given(call, request, addr, data)) if word
                ]
        return f"ptrace({', '.join(words)}"

    def end(self, call: Call) -> str:
        """`, [0x401000]`."""
        request, _pid, addr, data = call.args[:4]
        if request == abi.PTRACE_PEEKSIGINFO and call.peek(addr, 16) is None:
            return ""
        show = _RESULTS.get(request)
        return "" if show is None else f", {show(call, addr, data)}"


def make_ptrace_decoder(declaration: Declaration) -> Decoder:
    """The decoder of ptrace(2)."""
    return PtraceDecoder(declaration.name, declaration.params, declaration.result)


def _address_text(call: Call, request: int, addr: int) -> str:
    """The third argument; "" where it is not shown."""
    if request in _REGISTER_SETS:
        return ""
    if request in (abi.PTRACE_PEEKUSER, abi.PTRACE_POKEUSER):
        return _user_offset(addr)
    if request in (abi.PTRACE_GETREGSET, abi.PTRACE_SETREGSET):
        return _note(addr)
    if request in _SIZED:
        return str(addr)
    if request == abi.PTRACE_PEEKSIGINFO:
        wish = call.peek(addr, 16)
        if wish is None:
            return f"{address(addr)}, {address(call.args[3])}"
        offset, flags, count = struct.unpack("<QII", wish)
        return f"{{off={offset}, flags={_peek_flags(flags)}, nr={count}}}"
    return address(addr)


def _user_offset(offset: int) -> str:
    if offset > _USER_END:
        return hexadecimal(offset)
    start, word = max((entry for entry in _USER if entry[0] <= offset), key=lambda entry: entry[0])
    return word if start == offset else f"{word}+{offset - start}"


def _given(call: Call, request: int, addr: int, data: int) -> str:
    """The fourth argument, where the kernel does not fill it; "" where it does."""
    if request in _SIGNALLED:
        return _signal(data)
    if request in _WITH_OPTIONS:
        return _options(data)
    if request == abi.PTRACE_SETSIGINFO:
        image = call.peek(data, SIGINFO_BYTES)
        return address(data) if image is None else siginfo_text(image)
    if request == abi.PTRACE_SETSIGMASK:
        return _sigmask(call, addr, data)
    if request == abi.PTRACE_SETREGSET:
        return _regset(call, addr, data)
    if request in (abi.PTRACE_SETREGS, abi.PTRACE_SETFPREGS):
        return _registers_at(call, data, is_fp=request == abi.PTRACE_SETFPREGS)
    return "" if request in _RESULTS else address(data)


def _sigmask(call: Call, size: int, at: int) -> str:
    image = call.peek(at, _SIGSET_BYTES) if size == _SIGSET_BYTES else None
    return address(at) if image is None else signal_set(int.from_bytes(image, "little"))


def _word_at(call: Call, at: int, *, is_pointer: bool = True) -> str:
    image = None if call.failed else call.peek(at, _WORD_BYTES)
    if image is None:
        return address(at)
    word = int.from_bytes(image, "little")
    return f"[{address(word) if is_pointer else word}]"


def _siginfo_at(call: Call, at: int) -> str:
    image = None if call.failed else call.peek(at, SIGINFO_BYTES)
    return address(at) if image is None else siginfo_text(image)


def _siginfos_at(call: Call, at: int) -> str:
    if call.failed or not at:
        return address(at)
    count, limit = call.result or 0, style.current.string_limit
    shown = [_siginfo_at(call, at + i * SIGINFO_BYTES) for i in range(min(count, limit))]
    return f"[{', '.join([*shown, '...'] if count > limit else shown)}]"


# Registers


def _registers_at(call: Call, at: int, *, is_fp: bool) -> str:
    image = call.peek(at, _FP.size if is_fp else 8 * len(_REGISTERS))
    if image is None or call.failed:
        return address(at)
    return _fp_text(image) if is_fp else _registers_text(image)


def _registers_text(image: bytes) -> str:
    words = [word for (word,) in struct.iter_unpack("<Q", image)]
    return "{" + ", ".join(f"{reg}={hexadecimal(word)}" for reg, word in zip(_REGISTERS, words, strict=False)) + "}"


def _fp_text(image: bytes) -> str:
    values = _FP.unpack(image.ljust(_FP.size, b"\0"))
    fields = [
        f"{label}={hexadecimal(value)}"
        for label, value in zip(("cwd", "swd", "ftw", "fop", "rip", "rdp", "mxcsr", "mxcr_mask"), values, strict=False)
    ]
    for label, start, count in (("st_space", 8, 32), ("xmm_space", 40, 64), ("padding", 104, 24)):
        shown = [hexadecimal(value) for value in values[start : start + min(count, style.current.string_limit)]]
        fields.append(f"{label}=[{', '.join([*shown, '...'] if count > len(shown) else shown)}]")
    return f"{{{', '.join(fields)}}}"


def _regset(call: Call, note: int, at: int) -> str:
    vector = call.peek(at, 16)
    if vector is None or (call.result is None and call.args[0] == abi.PTRACE_GETREGSET):
        return address(at)
    base, length = struct.unpack("<QQ", vector)
    image = None if call.failed else call.peek(base, min(length, _FP.size))
    is_known = note in (abi.NT_PRSTATUS, abi.NT_PRFPREG) and not length % _WORD_BYTES
    if image is None or not is_known:
        shown = address(base)
    else:
        shown = _registers_text(image) if note == abi.NT_PRSTATUS else _fp_text(image)
    before = call.seen.get(_VECTOR)
    given = int.from_bytes(before[8:], "little") if before is not None else length
    size = str(length) if given == length else f"{given} => {length}"
    return f"{{iov_base={shown}, iov_len={size}}}"


# What PTRACE_GET_SYSCALL_INFO and its like fill


def _syscall_info(call: Call, size: int, at: int) -> str:
    if call.failed or not at:
        return address(at)
    image = call.peek(at, min(size, call.result or 0))
    if not image:
        return address(at)
    fields = [f"op={_OPS.get(image[0], hexadecimal(image[0]))}"]
    op = image[0]
    if len(image) >= 24:  # noqa: PLR2004  # where the union begins
        fields.append("arch=AUDIT_ARCH_X86_64")
        ip, sp = struct.unpack_from("<QQ", image, 8)
        fields += [f"instruction_pointer={address(ip)}", f"stack_pointer={address(sp)}"]
    rest = image[24:]
    if rest and op in (abi.PTRACE_SYSCALL_INFO_ENTRY, abi.PTRACE_SYSCALL_INFO_SECCOMP):
        fields.append(_call_text(op, rest))
    elif rest and op == abi.PTRACE_SYSCALL_INFO_EXIT:
        value = int.from_bytes(rest[:8], "little", signed=True)
        is_error = len(rest) > _WORD_BYTES and rest[8]
        shown = f"-{name(-value)}" if is_error and -MAX_ERRNO <= value < 0 else str(value)
        tail = f", is_error={rest[8]}" if len(rest) > _WORD_BYTES else ""
        fields.append(f"exit={{rval={shown}{tail}}}")
    return f"{{{', '.join(fields)}}}"


def _call_text(op: int, rest: bytes) -> str:
    words = [word for (word,) in struct.iter_unpack("<Q", rest[: len(rest) & ~7])]
    called = name_of(words[0])
    parts = [f"nr=__NR_{called}" if called else f"nr={words[0]}"]
    if words[1:]:
        parts.append(f"args=[{', '.join(hexadecimal(word) for word in words[1:7])}]")
    label = "entry"
    if op == abi.PTRACE_SYSCALL_INFO_SECCOMP:
        label = "seccomp"
        if len(rest) > 7 * _WORD_BYTES:
            parts.append(f"ret_data={int.from_bytes(rest[56:60], 'little')}")
    return f"{label}={{{', '.join(parts)}}}"


def _metadata(call: Call, size: int, at: int) -> str:
    image = call.peek(at, min(size, 16)) if size >= _WORD_BYTES else None
    if image is None:
        return address(at)
    text = f"filter_off={int.from_bytes(image[:8], 'little')}"
    if len(image) == 16 and not call.failed:  # noqa: PLR2004
        text += f", flags={_filter_flags(int.from_bytes(image[8:], 'little'))}"
    return f"{{{text}}}"


def _rseq(call: Call, size: int, at: int) -> str:
    image = None if call.failed else call.peek(at, min(size, 24))
    if not image or len(image) < 24:  # noqa: PLR2004
        return address(at)
    pointer, length, signature, flags = struct.unpack("<QIII4x", image)
    return (
        f"{{rseq_abi_pointer={address(pointer)}, rseq_abi_size={length}, signature={hexadecimal(signature)}, "
        f"flags={hexadecimal(flags)}}}"
    )


_RESULTS = {
    abi.PTRACE_PEEKDATA: lambda call, _addr, data: _word_at(call, data),
    abi.PTRACE_PEEKTEXT: lambda call, _addr, data: _word_at(call, data),
    abi.PTRACE_PEEKUSER: lambda call, _addr, data: _word_at(call, data),
    abi.PTRACE_GETEVENTMSG: lambda call, _addr, data: _word_at(call, data, is_pointer=False),
    abi.PTRACE_GETREGS: lambda call, _addr, data: _registers_at(call, data, is_fp=False),
    abi.PTRACE_GETFPREGS: lambda call, _addr, data: _registers_at(call, data, is_fp=True),
    abi.PTRACE_GETREGSET: _regset,
    abi.PTRACE_GETSIGINFO: lambda call, _addr, data: _siginfo_at(call, data),
    abi.PTRACE_GETSIGMASK: lambda call, addr, data: address(data) if call.failed else _sigmask(call, addr, data),
    abi.PTRACE_PEEKSIGINFO: lambda call, _addr, data: _siginfos_at(call, data),
    abi.PTRACE_SECCOMP_GET_FILTER: lambda _call, _addr, data: address(data),
    abi.PTRACE_SECCOMP_GET_METADATA: _metadata,
    abi.PTRACE_GET_SYSCALL_INFO: _syscall_info,
    abi.PTRACE_GET_RSEQ_CONFIGURATION: _rseq,
}
