"""strace(1)'s log: one line a call, one a signal, one for the end."""

from __future__ import annotations

from pyuk.abi.errno import ERESTART_RESTARTBLOCK
from pyuk.abi.kinds import Number
from pyuk.abi.numbers import NUMBERS, X32_FIRST, X32_NAMES, X32_SYSCALL_BIT, n_args_of, name_of
from pyuk.abi.siginfo import signal_name
from pyuk.abi.syscall import find
from pyuk.trace.decode import Call, Decoder, make_decoder
from pyuk.trace.filter import EVERYTHING
from pyuk.trace.others import prototype_of
from pyuk.trace.text import STRING_LIMIT, quote, quote_cut
from pyuk.trace.views import siginfo_text
from pyuk.trace.words import signal_set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pyuk.abi.kinds import Kind
    from pyuk.abi.syscall import Declaration
    from pyuk.trace.filter import Filter
    from pyuk.trace.sink import Sink

_RESULT_COLUMN = 40  # strace -a
_HEX: Kind = Number("ulong", 16)
_LONG: Kind = Number("long")
_RT_SIGRETURN = NUMBERS["rt_sigreturn"]
_EXECVE = NUMBERS["execve"]
_RESTART_SYSCALL = NUMBERS["restart_syscall"]
_SIGMASK_IN_FRAME = 8 + 40 + 256  # struct rt_sigframe behind its return address: uc_sigmask of struct ucontext


class Tracer:
    """What dispatch, signals and exit tell it, it writes to the sink. It reads of the guest, and changes nothing.

    `stack_pointer` gives the current RSP, which is all that rt_sigreturn(2) has to show.
    """

    __slots__ = ("_calls", "_decoders", "_filter", "_open", "_restarted", "_x32", "sink", "stack_pointer")

    def __init__(
        self, sink: Sink, filter_: Filter = EVERYTHING, stack_pointer: Callable[[], int] | None = None
    ) -> None:
        self.sink = sink
        self.stack_pointer = stack_pointer
        self._filter = filter_
        self._decoders: dict[int, Decoder | None] = {}
        self._calls: dict[Any, Call] = {}  # by task: begun and not ended
        self._open: Call | None = None  # the one whose line is the last of the log and not complete
        self._x32: set[Any] = set()
        self._restarted: dict[Any, str] = {}  # by task: the call that restart_syscall goes on with

    def exec(self, task: Any, path: bytes, argv: Sequence[bytes], envp_at: int, n_environment: int) -> None:
        """The first line: the execve that brought the program in."""
        if _EXECVE not in self._filter:
            return
        words = [quote_cut(word, len(word)) for word in argv[:STRING_LIMIT]]
        dots = ["..."] if len(argv) > STRING_LIMIT else []
        plural = "" if n_environment == 1 else "s"
        text = f"execve({quote(path)}, [{', '.join(words + dots)}], {envp_at:#x} /* {n_environment} var{plural} */"
        self._line(task, padded(text) + "= 0\n")

    def enter(self, task: Any, declaration: Declaration | None, number: int, args: tuple[int, ...]) -> None:
        """A call begins."""
        if number & X32_SYSCALL_BIT or self._x32:
            self._note_mode(task, number)
        try:
            decoder = self._decoders[number]
        except KeyError:
            decoder = self._decoders[number] = self._decoder(declaration, number)
        if decoder is None:
            return
        call = Call(task, decoder, args)
        call.text = self._prefix(task) + decoder.begin(call)
        if number == _RT_SIGRETURN:
            call.text += self._frame_mask(task)
        elif number == _RESTART_SYSCALL:
            call.text += f"<... resuming interrupted {self._restarted.pop(task, 'restart_syscall')} ...>"
        self._interrupt()
        self._calls[task] = self._open = call
        if not self.sink.buffered:
            self.sink.write(call.text)

    def leave(
        self, task: Any, _declaration: Declaration | None, _number: int, _args: tuple[int, ...], result: int
    ) -> None:
        """The call that this task had begun ends; a negative result is -errno."""
        call = self._calls.pop(task, None)
        if call is not None:
            call.result = result
            if result == -ERESTART_RESTARTBLOCK and call.decoder.name != "restart_syscall":
                self._restarted[task] = call.decoder.name
            self._finish(call, call.decoder.end(call))

    def signal(self, task: Any, info: Any) -> None:
        """A signal is about to be delivered; `info.pack()` is its siginfo."""
        data: bytes = info.pack()
        self._line(task, f"--- {signal_name(info.signo)} {siginfo_text(data)} ---\n")

    def exited(self, task: Any, status: int) -> None:
        """The task's process ended by exit(2)."""
        self._abandon(task)
        self._line(task, f"+++ exited with {status & 0xFF} +++\n")

    def killed(self, task: Any, signo: int, dumped: bool) -> None:  # noqa: FBT001
        """The task's process ended by a signal."""
        self._abandon(task)
        core = " (core dumped)" if dumped else ""
        self._line(task, f"+++ killed by {signal_name(signo)}{core} +++\n")

    def close(self) -> None:
        """Nothing more will come: write everything out."""
        if self._open is not None:
            self._interrupt()
        self.sink.close()

    # One line after the other, whoever speaks

    def _finish(self, call: Call, rest: str) -> None:
        decoder = call.decoder
        if self._open is call:
            self._open = None
            before = "" if not self.sink.buffered else call.text
            line = call.text + rest
        else:
            self._interrupt()
            before = line = f"{self._prefix(call.task)}<... {decoder.name} resumed>"
            line += rest
        text = before + rest + padded(line)[len(line) :] + f"= {decoder.result_text(call)}\n"
        self.sink.write(text)

    def _abandon(self, task: Any) -> None:
        """The call never returns."""
        call = self._calls.pop(task, None)
        if call is not None:
            self._finish(call, " <unfinished ...>" if call.position < len(call.decoder.steps) else "")

    def _line(self, task: Any, text: str) -> None:
        self._interrupt()
        self.sink.write(self._prefix(task) + text)

    def _interrupt(self) -> None:
        """Somebody else speaks: the open line is left unfinished."""
        call = self._open
        if call is not None:
            self._open = None
            self.sink.write((call.text if self.sink.buffered else "") + " <unfinished ...>\n")

    def _prefix(self, _task: Any) -> str:
        """`[pid 123] ` where several processes are traced."""
        return ""

    # What a number is

    def _decoder(self, declaration: Declaration | None, number: int) -> Decoder | None:
        if number not in self._filter:
            return None
        name, n_args = name_of(number), n_args_of(number)
        if number & X32_SYSCALL_BIT:
            name = _x32_name(number)
            declaration = find(NUMBERS[name]) if name else None
            n_args = n_args_of(NUMBERS[name]) if name else n_args
        if declaration is not None:
            if name in ("clone", "clone3"):
                from pyuk.trace.clone import make_clone_decoder  # noqa: PLC0415

                return make_clone_decoder(declaration)
            return make_decoder(declaration)
        prototype = prototype_of(NUMBERS[name]) if name else None
        if prototype is not None:
            return Decoder(*prototype)
        if name is None:
            extended = number | -1 << 32 & (1 << 64) - 1 if number >> 31 else number
            name = f"syscall_{extended:#x}"
        return Decoder(name, tuple((f"arg{i}", _HEX) for i in range(n_args)), _LONG)

    def _note_mode(self, task: Any, number: int) -> None:
        """The kernel runs a call as x32 by a bit of its number, and strace says so whenever that changes."""
        is_x32 = bool(number & X32_SYSCALL_BIT) and not number >> 31
        if is_x32 != (task in self._x32):
            (self._x32.add if is_x32 else self._x32.discard)(task)
            if not self.sink.buffered:  # strace -o is silent about it
                self._line(task, f"[ Process PID={task.tid} runs in {'x32' if is_x32 else '64 bit'} mode. ]\n")

    def _frame_mask(self, task: Any) -> str:
        if self.stack_pointer is None:
            return "{mask=[]}"
        at = self.stack_pointer() - 8 + _SIGMASK_IN_FRAME
        data: bytes = task.mem.peek(at, 8)
        return f"{{mask={signal_set(int.from_bytes(data, 'little'))}}}" if len(data) == 8 else f"{at:#x}"  # noqa: PLR2004


def padded(text: str) -> str:
    """A call up to its closing parenthesis, as wide as results are aligned."""
    return (text + ") ").ljust(_RESULT_COLUMN)


def _x32_name(number: int) -> str | None:
    low = number & ~X32_SYSCALL_BIT
    if low < X32_FIRST:
        return name_of(low)
    names = X32_NAMES.split()
    return names[low - X32_FIRST] if low - X32_FIRST < len(names) else None
