"""System calls as data: what a run did, one record a call, with the text that strace would print for it."""

from __future__ import annotations

from dataclasses import dataclass

from pyuk.abi import errno as errnos
from pyuk.abi.numbers import NUMBERS
from pyuk.trace.strace import Tracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.trace.decode import Call
    from pyuk.trace.filter import Filter


@dataclass(frozen=True, slots=True)
class Syscall:
    """One call, in the order in which the calls ended.

    args are the six registers as they were, unsigned. result is what the guest got: -errno for an error, None
    where the call never returned (exit, a killed process).
    """

    pid: int
    tid: int
    name: str
    number: int
    args: tuple[int, ...]
    result: int | None
    text: str

    @property
    def errno(self) -> str:
        """The error's name, "" where there was none."""
        result = self.result
        return errnos.name(-result) if result is not None and -errnos.MAX_ERRNO <= result < 0 else ""

    def __str__(self) -> str:
        return self.text


class Log:
    """A sink that keeps what is written."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.buffered = True

    def write(self, text: str) -> None:
        """Whole lines, as sinks are written to that are buffered."""
        self.parts.append(text)

    def flush(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """It stays readable."""


class Recorder(Tracer):
    """strace's text, as `strace -f` writes it, and the records, in memory."""

    __slots__ = ("_log", "records")

    def __init__(self, filter_: Filter) -> None:
        self._log = Log()
        super().__init__(self._log, filter_, follows=True)  # type: ignore[arg-type]  # a sink by its methods
        self.records: list[Syscall] = []

    @property
    def text(self) -> str:
        """The log as `pyuk strace -f` would have written it."""
        return "".join(self._log.parts)

    def exec(self, task: Any, path: bytes, argv: Any, envp_at: int, n_environment: int) -> None:
        """See Tracer; the first record has no arguments, which nobody passed."""
        n_before = len(self._log.parts)
        super().exec(task, path, argv, envp_at, n_environment)
        for line in self._log.parts[n_before:]:
            number = NUMBERS["execve"]
            self.records.append(Syscall(task.process.pid, task.tid, "execve", number, (), 0, line.rstrip("\n")))

    def _prefix(self, task: Any, instruction_pointer: Callable[[], int] | None) -> str:
        return f"[pid {task.tid:5}] " if self._n_tasks > 1 else ""

    def _finish(self, call: Call, rest: str) -> None:
        super()._finish(call, rest)
        name, task = call.decoder.name, call.task
        text = f"{self._padded(call.text.removeprefix(call.prefix) + rest)}= {call.decoder.result_text(call)}"
        number = NUMBERS.get(name, -1)
        self.records.append(Syscall(task.process.pid, task.tid, name, number, call.args, call.result, text))
