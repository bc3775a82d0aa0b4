"""clone(2) and clone3(2), of which strace(1) names the arguments and shows only those that the flags ask for."""

from __future__ import annotations

from pyuk.abi.kinds import Flags, Word
from pyuk.abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_PARENT_SETTID,
    CLONE_PIDFD,
    CLONE_SETTLS,
    CSIGNAL,
)
from pyuk.abi.structs import CLONE_ARGS
from pyuk.abi.tables import Table
from pyuk.trace.decode import Decoder
from pyuk.trace.text import address, hexadecimal
from pyuk.trace.words import shower

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.syscall import Declaration
    from pyuk.trace.decode import Call

_flags = shower(Flags(Table("sched", "CLONE_", without="CLONE_DETACHED"), "ulong"))
_signal = shower(Word("signal"))
_STORED = CLONE_PARENT_SETTID | CLONE_PIDFD
_CHILD_TID = CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
_SET_TID_AT = 64


class CloneDecoder(Decoder):
    """child_stack and flags at the beginning; where the tids go, when it ends."""

    __slots__ = ()

    def begin(self, call: Call) -> str:
        """`clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD`."""
        flags, stack = call.args[0], call.args[1]
        words = [] if not flags & ~CSIGNAL and flags & CSIGNAL else [_flags(flags & ~CSIGNAL)]
        if flags & CSIGNAL:
            words.append(_signal(flags & CSIGNAL))
        return f"clone(child_stack={address(stack)}, flags={'|'.join(words)}"

    def end(self, call: Call) -> str:
        """`, parent_tid=[5], tls=0x7f, child_tidptr=0x7f`."""
        flags, _stack, parent_tid, child_tid, tls = call.args[:5]
        text = ""
        if flags & _STORED:
            text += f", parent_tid={_number_at(call, parent_tid)}"
        if flags & CLONE_SETTLS:
            text += f", tls={hexadecimal(tls)}"
        if flags & _CHILD_TID:
            text += f", child_tidptr={address(child_tid)}"
        return text


class Clone3Decoder(Decoder):
    """The fields that the flags ask for; what was stored, when it ends."""

    __slots__ = ()

    def begin(self, call: Call) -> str:
        """`clone3({flags=CLONE_VM, ...}`, and the size where nothing is to follow."""
        at, size = call.args[0], call.args[1]
        data = call.peek(at, min(size, CLONE_ARGS.size)) if size >= _SET_TID_AT else None
        if data is None:
            return f"clone3({address(at)}, {size}"
        v = CLONE_ARGS.record(data.ljust(CLONE_ARGS.size, b"\0"))
        fields = [f"flags={_flags(v.flags)}"]
        if v.flags & CLONE_PIDFD:
            fields.append(f"pidfd={address(v.pidfd)}")
        if v.flags & _CHILD_TID:
            fields.append(f"child_tid={address(v.child_tid)}")
        if v.flags & CLONE_PARENT_SETTID:
            fields.append(f"parent_tid={address(v.parent_tid)}")
        fields.append(f"exit_signal={_signal(v.exit_signal)}")
        fields.append(f"stack={address(v.stack)}, stack_size={hexadecimal(v.stack_size)}")
        if v.flags & CLONE_SETTLS:
            fields.append(f"tls={hexadecimal(v.tls)}")
        if v.set_tid or v.set_tid_size:
            fields.append(f"set_tid={address(v.set_tid)}, set_tid_size={v.set_tid_size}")
        if v.cgroup:
            fields.append(f"cgroup={v.cgroup}")
        text = f"clone3({{{', '.join(fields)}}}"
        return text if v.flags & _STORED else f"{text}, {size}"

    def end(self, call: Call) -> str:
        """` => {parent_tid=[5]}, 88`."""
        at, size = call.args[0], call.args[1]
        data = call.peek(at, min(CLONE_ARGS.size, size)) if size >= _SET_TID_AT else None
        if data is None:
            return ""
        v = CLONE_ARGS.record(data.ljust(CLONE_ARGS.size, b"\0"))
        if not v.flags & _STORED:
            return ""
        if call.failed:
            return f", {size}"
        stored = [f"pidfd={_number_at(call, v.pidfd)}"] if v.flags & CLONE_PIDFD else []
        if v.flags & CLONE_PARENT_SETTID:
            stored.append(f"parent_tid={_number_at(call, v.parent_tid)}")
        return f" => {{{', '.join(stored)}}}, {size}"


def _number_at(call: Call, at: int) -> str:
    data = None if call.failed else call.peek(at, 4)
    return address(at) if data is None else f"[{int.from_bytes(data, 'little')}]"


def make_clone_decoder(declaration: Declaration) -> Decoder:
    """The decoder of either."""
    cls = CloneDecoder if declaration.name == "clone" else Clone3Decoder
    return cls(declaration.name, declaration.params, declaration.result)
