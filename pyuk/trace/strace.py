"""strace(1)'s log: one line a call, one a signal, one for the end."""

from __future__ import annotations

import time

from pyuk.abi.errno import ERESTART_RESTARTBLOCK
from pyuk.abi.kinds import Number
from pyuk.abi.numbers import NUMBERS, X32_FIRST, X32_NAMES, X32_SYSCALL_BIT, n_args_of, name_of
from pyuk.abi.siginfo import signal_name
from pyuk.abi.syscall import find
from pyuk.trace import style
from pyuk.trace.decode import Call, Decoder, make_decoder
from pyuk.trace.dump import dump
from pyuk.trace.files import paths_of
from pyuk.trace.filter import EVERYTHING
from pyuk.trace.options import STATUSES, Options
from pyuk.trace.others import prototype_of
from pyuk.trace.stamps import Stamps, duration
from pyuk.trace.text import quote, quote_cut
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
    from pyuk.trace.summary import Summary

_SIGNAL_MASK, _CORE_FLAG = 0x7F, 0x80  # of a wait status
_HEX: Kind = Number("ulong", 16)
_RAW: dict[str, Kind] = {
    "int": Number("uint", 16), "uint": Number("uint", 16), "long": Number("ulong", 16), "ulong": _HEX,
}  # fmt: skip
_NO_DUMPS: dict[str, set[int] | None] = {"read": set(), "write": set()}
_LONG: Kind = Number("long")
_RT_SIGRETURN = NUMBERS["rt_sigreturn"]
_EXECVE = NUMBERS["execve"]
_RESTART_SYSCALL = NUMBERS["restart_syscall"]
_SIGMASK_IN_FRAME = 8 + 40 + 256  # struct rt_sigframe behind its return address: uc_sigmask of struct ucontext


class Output:
    """Where lines go, and the call whose line is the last one and not complete."""

    __slots__ = ("open", "sink")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.open: Call | None = None

    def interrupt(self) -> None:
        """Somebody else speaks: the open line is left unfinished."""
        call = self.open
        if call is not None:
            self.open = None
            self.sink.write((call.text if self.sink.buffered else "") + " <unfinished ...>\n")


class Tracer:
    """What dispatch, signals and exit tell it, it writes to the sink. It reads of the guest, and changes nothing.

    `stack_pointer` gives the current RSP, which is all that rt_sigreturn(2) has to show.
    """

    __slots__ = (
        "_calls", "_decoders", "_is_held", "_late", "_n_tasks", "_numbers", "_options", "_output", "_outputs",
        "_restarted", "_stamps", "_x32", "cpu_ns", "follows", "instruction_pointer", "now_ns", "separate",
        "stack_pointer", "summary", "summary_only", "tampered",
    )  # fmt: skip

    def __init__(
        self, sink: Sink, filter_: Filter = EVERYTHING, stack_pointer: Callable[[], int] | None = None, *,
        follows: bool = False, separate: Callable[[int], Sink] | None = None, options: Options | None = None,
    ) -> None:  # fmt: skip
        """follows: children too (-f). separate: gives each task a sink of its own, by tid (-ff -o).

        options: all else; filter_ alone says which calls are shown.
        """
        self.stack_pointer = stack_pointer
        self.instruction_pointer: Callable[[], int] | None = None
        self.now_ns: Callable[[], int] = time.time_ns
        """Of the real-time clock, which goes on no quicker because it is asked."""
        self.cpu_ns: Callable[[], int] = time.process_time_ns
        """What -c counts."""
        self.follows = follows
        self.separate = separate
        if options is None:
            options = Options()
            options.calls = filter_
        self._options = options
        style.use(options.style)
        self._is_held = len(options.statuses) < len(STATUSES) or bool(options.paths)
        self._stamps = Stamps(options, self._now) if options.has_stamps() else None
        self._numbers: dict[Any, int] = {}  # by task: its last call, where that is shown
        self.tampered: dict[Any, str] = {}
        """By task: the word that says so behind the result."""
        self.summary: Summary | None = None
        self.summary_only = False
        self._output = Output(sink)
        self._outputs: dict[Any, Output] = {}  # by task, where each has its own
        self._n_tasks = 0
        self._decoders: dict[int, Decoder | None] = {}
        self._calls: dict[Any, Call] = {}  # by task: begun and not ended
        self._late: dict[Any, list[Any]] = {}  # by task: ignored signals, told of after the call that it makes
        self._x32: set[Any] = set()
        self._restarted: dict[Any, str] = {}  # by task: the call that restart_syscall goes on with

    def _now(self) -> int:
        return self.now_ns()

    @property
    def sink(self) -> Sink:
        """Where all is written that has no sink of its own."""
        return self._output.sink

    def begin(self, kernel: Any) -> None:
        """The kernel's first program is about to begin: put in what -e inject says."""
        for calls, injection in self._options.injections:
            from pyuk.trace.inject import install  # noqa: PLC0415  # few logs have one

            install(kernel, [number for number in NUMBERS.values() if number in calls], injection, self._note_tampering)
        self._options.injections = []

    def _note_tampering(self, task: Any, word: str) -> None:
        if word:
            self.tampered[task] = word if task not in self.tampered else f"{self.tampered[task]},{word}"

    def attached(self, task: Any, *, is_first: bool) -> None:
        """One more task is watched. Of the first one nothing is said."""
        self._n_tasks += 1
        if self.separate is not None:
            self._outputs[task] = Output(self.separate(task.tid))
        elif not is_first and "attach" not in self._options.quiet and not self.sink.buffered:
            self.sink.write(f"strace: Process {task.tid} attached\n")  # an open line goes on behind it

    def exec(self, task: Any, path: bytes, argv: Sequence[bytes], envp_at: int, n_environment: int) -> None:
        """The first line: the execve that brought the program in."""
        options = self._options
        if self._stamps is not None:
            self._numbers[task] = _EXECVE
        if _EXECVE not in options.calls or "successful" not in options.statuses or options.paths:
            return
        if self.summary is not None:
            self.summary.add("execve", 0, failed=False)
        words = [quote_cut(word, len(word)) for word in argv[: style.current.string_limit]]
        dots = ["..."] if len(argv) > style.current.string_limit else []
        plural = "" if n_environment == 1 else "s"
        text = f"execve({quote(path)}, [{', '.join(words + dots)}], {envp_at:#x} /* {n_environment} var{plural} */"
        ending = duration(0, options.call_digits) if options.call_digits is not None else ""
        self._line(task, f"{self._padded(text)}= 0{ending}\n")

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
        style.current.is_whole = number not in style.current.abbreviated
        if self._stamps is not None:
            self._numbers[task] = number
        call.prefix = self._prefix(task, self.instruction_pointer)
        call.text = call.prefix + decoder.begin(call)
        call.is_shown = not self._options.paths or self._concerns(call)
        if self.summary is not None or self._options.call_digits is not None:
            call.since_ns = self.now_ns()
            call.cpu_since_ns = self.cpu_ns() if self.summary is not None else 0
        if number == _RT_SIGRETURN:
            call.text += self._frame_mask(task)
        elif number == _RESTART_SYSCALL:
            call.text += f"<... resuming interrupted {self._restarted.pop(task, 'restart_syscall')} ...>"
        self._calls[task] = call
        if self._is_held or self.summary_only:
            return
        output = self._output_of(task)
        output.interrupt()
        output.open = call
        if not output.sink.buffered:
            output.sink.write(call.text)

    def leave(
        self, task: Any, _declaration: Declaration | None, number: int, _args: tuple[int, ...], result: int
    ) -> None:
        """The call that this task had begun ends; a negative result is -errno."""
        call = self._calls.pop(task, None)
        if call is not None:
            call.result = result
            if self.summary is not None:
                elapsed_ns = self.cpu_ns() - call.cpu_since_ns
                self.summary.add(call.decoder.name, elapsed_ns, failed=call.failed)
            if result == -ERESTART_RESTARTBLOCK and call.decoder.name != "restart_syscall":
                self._restarted[task] = call.decoder.name
            style.current.is_whole = number not in style.current.abbreviated
            self._finish(call, call.decoder.end(call))
            for info in self._late.pop(task, ()):
                self.signal(task, info)

    def signal(self, task: Any, info: Any) -> None:
        """A signal is about to be delivered; `info.pack()` is its siginfo."""
        if info.signo not in self._options.signals:
            return
        data: bytes = info.pack()
        text = f"--- {signal_name(info.signo)} {siginfo_text(data)} ---\n"
        self._line(task, text, self.instruction_pointer)

    def ignored(self, task: Any, info: Any) -> None:
        """A signal was thrown away, because the task ignores it: ptrace(2), and so strace, would have seen it."""
        if task in self._calls:
            self._late.setdefault(task, []).append(info)
        else:
            self.signal(task, info)

    def stopped(self, task: Any, signo: int) -> None:
        """The task stops with its process."""
        self._line(task, f"--- stopped by {signal_name(signo)} ---\n")

    def ending(self, task: Any) -> None:
        """The task ends its process: the call, if it is one, never returns."""
        call = self._calls.pop(task, None)
        if call is not None:
            self._finish(call, " <unfinished ...>" if call.position < len(call.decoder.steps) else "")

    def ended(self, task: Any, code: int) -> None:
        """The task is no more; code: as wait4(2) tells it."""
        self.ending(task)
        if code & _SIGNAL_MASK and code & _SIGNAL_MASK not in self._options.signals:
            pass  # neither its coming nor its effect is shown
        elif code & _SIGNAL_MASK:
            core = " (core dumped)" if code & _CORE_FLAG else ""
            self._line(task, f"+++ killed by {signal_name(code & _SIGNAL_MASK)}{core} +++\n")
        elif "exit" not in self._options.quiet:
            self._line(task, f"+++ exited with {code >> 8 & 0xFF} +++\n")
        self._n_tasks -= 1
        self._forget(task)

    def superseded(self, task: Any, by: int) -> None:
        """Another thread executes a program, and takes this one's place."""
        self.ending(task)
        self._n_tasks -= 1  # before the line, as strace: it may be the first without a prefix again
        if "thread-execve" not in self._options.quiet:
            self._line(task, f"+++ superseded by execve in pid {by} +++\n")
        self._forget(task)

    def close(self) -> None:
        """Nothing more will come: write everything out."""
        for output in (*self._outputs.values(), self._output):
            output.interrupt()
            if output is self._output and self.summary is not None:
                output.sink.write(self.summary.text())
            output.sink.close()

    def _forget(self, task: Any) -> None:
        self._late.pop(task, None)
        self._numbers.pop(task, None)
        output = self._outputs.pop(task, None)
        if output is not None:
            output.sink.close()

    # One line after the other, whoever speaks

    def _finish(self, call: Call, rest: str) -> None:
        decoder, output, options = call.decoder, self._output_of(call.task), self._options
        word = self.tampered.pop(call.task, "") if self.tampered else ""
        if self.summary_only or (self._is_held and not (call.is_shown and _status_of(call) in options.statuses)):
            return
        if output.open is call or self._is_held:
            output.open = None
            before = "" if not (output.sink.buffered or self._is_held) else call.text
            line = call.text + rest
        else:
            output.interrupt()
            before = line = f"{self._prefix(call.task, self.instruction_pointer)}<... {decoder.name} resumed>"
            line += rest
        ending = f" ({word})" if word else ""
        if options.call_digits is not None and call.result is not None:
            ending += duration(self.now_ns() - call.since_ns, options.call_digits)
        text = before + rest + self._padded(line)[len(line) :] + f"= {decoder.result_text(call)}{ending}\n"
        if options.dumps != _NO_DUMPS:
            text += dump(call, options.dumps)
        output.sink.write(text)

    def _line(self, task: Any, text: str, instruction_pointer: Callable[[], int] | None = None) -> None:
        if self.summary_only:
            return
        output = self._output_of(task)
        output.interrupt()
        output.sink.write(self._prefix(task, instruction_pointer) + text)

    def _padded(self, text: str) -> str:
        """A call up to its closing parenthesis, as wide as results are aligned."""
        return (text + ") ").ljust(self._options.column)

    def _concerns(self, call: Call) -> bool:
        """-P: whether one of its paths or descriptors is one of those."""
        return any(path in self._options.paths for path in paths_of(call))

    def _output_of(self, task: Any) -> Output:
        return self._outputs.get(task, self._output) if self._outputs else self._output

    def _prefix(self, task: Any, instruction_pointer: Callable[[], int] | None) -> str:
        """Who speaks, where several may: in a file always, on a terminal while there is more than one. And when."""
        who = ""
        if self.follows and self.separate is None:
            if self.sink.buffered:
                who = f"{task.tid:<5} "
            elif self._n_tasks > 1:
                who = f"[pid {task.tid:5}] "
        if self._stamps is None:
            return who
        rip = None if instruction_pointer is None else instruction_pointer()
        return who + self._stamps.before(self._numbers.get(task), rip)

    # What a number is

    def _decoder(self, declaration: Declaration | None, number: int) -> Decoder | None:
        if number not in self._options.calls:
            return None
        name, n_args = name_of(number), n_args_of(number)
        if number & X32_SYSCALL_BIT:
            name = _x32_name(number)
            declaration = find(NUMBERS[name]) if name else None
            n_args = n_args_of(NUMBERS[name]) if name else n_args
        if number in self._options.raw:
            kinds = [kind for _param, kind in declaration.params] if declaration is not None else [_HEX] * n_args
            raw = tuple((f"arg{i}", _RAW[kind.ctype]) for i, kind in enumerate(kinds))
            return Decoder(name or f"syscall_{number:#x}", raw, _HEX)
        if declaration is not None:
            if name in ("clone", "clone3"):
                from pyuk.trace.clone import make_clone_decoder  # noqa: PLC0415

                return make_clone_decoder(declaration)
            if name == "ptrace":
                from pyuk.trace.ptrace import make_ptrace_decoder  # noqa: PLC0415

                return make_ptrace_decoder(declaration)
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
            if not self._output_of(task).sink.buffered:  # strace -o is silent about it
                self._line(task, f"[ Process PID={task.tid} runs in {'x32' if is_x32 else '64 bit'} mode. ]\n")

    def _frame_mask(self, task: Any) -> str:
        if self.stack_pointer is None:
            return "{mask=[]}"
        at = self.stack_pointer() - 8 + _SIGMASK_IN_FRAME
        data: bytes = task.mem.peek(at, 8)
        return f"{{mask={signal_set(int.from_bytes(data, 'little'))}}}" if len(data) == 8 else f"{at:#x}"  # noqa: PLR2004


def _status_of(call: Call) -> str:
    return "unfinished" if call.result is None else "failed" if call.failed else "successful"


def _x32_name(number: int) -> str | None:
    low = number & ~X32_SYSCALL_BIT
    if low < X32_FIRST:
        return name_of(low)
    names = X32_NAMES.split()
    return names[low - X32_FIRST] if low - X32_FIRST < len(names) else None
