"""One process of a System, in the manner of subprocess.Popen."""

from __future__ import annotations

import subprocess

from pyuk.abi.signal import SI_USER, SIGKILL, SIGTERM
from pyuk.api.completed import Completed
from pyuk.api.debug import Stop
from pyuk.api.final import REGISTERS, FinalState
from pyuk.api.symbols import Symbols
from pyuk.kernel.signals import Siginfo, send_process
from pyuk.mm.access import MemoryWindow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyuk.api.debug import Breakpoint
    from pyuk.api.streams import Reader, Writer
    from pyuk.api.system import System
    from pyuk.kernel.task import Task


class Process:
    """A process that Python has started. stdin, stdout and stderr are None where they are no pipes of ours."""

    def __init__(
        self, system: System, task: Task, args: Sequence[str], stdin: Writer | None, stdout: Reader | None,
        stderr: Reader | None, final: FinalState, *, text: bool,
    ) -> None:  # fmt: skip
        self.args = list(args)
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self._system = system
        self._process = task.process
        self._final = final
        self._text = text

    def __repr__(self) -> str:
        return f"<pyuk.Process {self.pid} {self.args[0]}: {self._state()}>"

    def _state(self) -> str:
        return "running" if self.returncode is None else f"returncode {self.returncode}"

    @property
    def pid(self) -> int:
        """As the guests know it."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit status, -N where signal N ended it, None while it lives."""
        return self._process.status

    def poll(self) -> int | None:
        """The same: asking runs nobody."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Run the guests until this one has ended.

        timeout: host seconds. Errors: subprocess.TimeoutExpired, after which it still lives; DeadlockError all guests
        sleep, and nothing in Python's hands will wake them in this call.
        """
        if not self._system.advance(lambda: self.returncode is not None, timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        if self.returncode is None:
            raise DeadlockError(f"{self.args[0]} and all others sleep, and nobody will wake them")
        return self.returncode

    def communicate(self, input: bytes | str | None = None, timeout: float | None = None) -> Completed:
        """Feed standard input and close it, run to the end. Errors: as wait(); a timeout has the output so far."""
        if self.stdin is not None and not self.stdin.closed:
            if input:
                self.stdin.write(input.encode() if isinstance(input, str) else input)
            self.stdin.close()
        try:
            self.wait(timeout)
        except subprocess.TimeoutExpired as expired:
            self.tell(expired)
            raise
        return self.completed()

    def tell(self, expired: subprocess.TimeoutExpired) -> None:
        """Put the output so far into the exception."""
        expired.output = self._captured(self.stdout)
        expired.stderr = self._captured(self.stderr)

    def completed(self) -> Completed:
        """What an ended process has left. Errors: ValueError it has not ended."""
        if self.returncode is None:
            raise ValueError(f"{self!r} has not ended")
        stdout, stderr = self._captured(self.stdout), self._captured(self.stderr)
        system = self._system
        return Completed(
            self.args, self.returncode, stdout, stderr, self._final, system.recorder, system.messages, system.files()
        )

    def send_signal(self, signo: int) -> None:
        """As kill(2) from outside; nothing where it has ended."""
        if self.returncode is None:
            with self._system.entered():
                send_process(self._process, Siginfo(signo, SI_USER))

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(SIGKILL)

    def _captured(self, reader: Reader | None) -> Any:
        if reader is None:
            return None
        return reader.captured.decode(errors="replace") if self._text else reader.captured

    # Registers and memory of one that lives

    @property
    def registers(self) -> Registers:
        """Of its first thread, to read and to change."""
        return Registers(self._system, self._first_task())

    @property
    def memory(self) -> Memory:
        """Of its address space, to read and to change."""
        return Memory(self._system, self._first_task())

    # Debugging: all of it is about the first thread

    def step(self, n_instructions: int = 1) -> Stop:
        """Execute so many instructions; a system call is one, however long it sleeps. Tells why it ended."""
        stop = Stop("step")
        for _ in range(n_instructions):
            stop = self._system.debugger().step(self._first_task())
            if stop.reason != "step":
                break
        return stop

    def break_at(self, where: int | str) -> Breakpoint:
        """Stop whenever this address or symbol is about to be executed. Errors: LookupError, OSError not mapped."""
        return self._system.debugger().add(self._first_task(), self._address(where))

    def clear(self, where: int | str) -> None:
        """No breakpoint there any more."""
        self._system.debugger().remove(self._first_task(), self._address(where))

    def watch(self, where: int | str, n_bytes: int = 8) -> None:
        """Stop whenever these bytes have changed. From then on the process runs step by step: slowly."""
        self._system.debugger().watch(self._first_task(), self._address(where), n_bytes)

    def resume(self) -> Stop:
        """Run on until there is a reason to stop; the process itself is asked for one alone."""
        if self.returncode is not None:
            return Stop("exit")
        return self._system.debugger().resume(self._first_task())

    def run_to(self, where: int | str) -> Stop:
        """Run on to an address or symbol, or to another stop that comes before."""
        debugger, task, address = self._system.debugger(), self._first_task(), self._address(where)
        debugger.add(task, address)
        try:
            return debugger.resume(task)
        finally:
            if not task.is_dead:
                debugger.remove(task, address)

    def run_to_syscall(self, names: str = "all") -> Stop:
        """Run on to a system call that is about to be made, of these names (as `strace -e trace=` takes them)."""
        debugger, task = self._system.debugger(), self._first_task()
        debugger.hold(task, names)
        try:
            return debugger.resume(task)
        finally:
            debugger.let_go()

    def _address(self, where: int | str) -> int:
        return self.symbol(where) if isinstance(where, str) else where

    def symbol(self, name: str) -> int:
        """The address of a symbol of the program or of a library it has mapped. Errors: LookupError."""
        return Symbols(self._process, self._first_task().mm).address_of(name)

    def _first_task(self) -> Task:
        if not self._process.tasks:
            raise ProcessLookupError(f"{self!r} has ended")
        return self._process.tasks[0]


class DeadlockError(RuntimeError):
    """Everybody waits for somebody else."""


class Registers:
    """rax to r15, rip and rflags of a thread that does not run now, by name."""

    def __init__(self, system: System, task: Task) -> None:
        self._system = system
        self._task = task

    def __getitem__(self, name: str) -> int:
        with self._system.with_cpu(self._task) as cpu:
            return cpu.rflags if name == "rflags" else cpu.regs[_index(name)]

    def __setitem__(self, name: str, value: int) -> None:
        with self._system.with_cpu(self._task) as cpu:
            if name == "rflags":
                cpu.rflags = value
            else:
                cpu.regs[_index(name)] = value & (1 << 64) - 1

    def as_dict(self) -> dict[str, int]:
        """All of them."""
        return {name: self[name] for name in (*REGISTERS, "rflags")}


def _index(name: str) -> int:
    try:
        return REGISTERS[name]
    except KeyError:
        raise KeyError(f"{name}: no register; there are {', '.join(REGISTERS)} and rflags") from None


class Memory:
    """Guest memory by address or symbol. A debugger's view: also what the guest itself may not write."""

    def __init__(self, system: System, task: Task) -> None:
        self._system = system
        self._task = task

    def read(self, where: int | str, n_bytes: int) -> bytes:
        """Errors: ValueError not all of it is mapped, LookupError no such symbol."""
        address = self._address(where)
        data: bytes = self._task.mem.peek(address, n_bytes)
        if len(data) != n_bytes:
            raise ValueError(f"{address:#x}: only {len(data)} of {n_bytes} bytes are mapped")
        return data

    def read_int(self, where: int | str, n_bytes: int = 8, *, signed: bool = False) -> int:
        """A little-endian number."""
        return int.from_bytes(self.read(where, n_bytes), "little", signed=signed)

    def read_cstring(self, where: int | str, limit: int = 4096) -> bytes:
        """Up to a NUL, which is not part of it. Errors: ValueError there is none."""
        address = self._address(where)
        data: bytes = self._task.mem.peek(address, limit)
        text, nul, _rest = data.partition(b"\0")
        if not nul:
            raise ValueError(f"{address:#x}: no NUL within {len(data)} bytes")
        return text

    def write(self, where: int | str, data: bytes) -> None:
        """As ptrace's POKEDATA: private pages are copied first. Errors: ValueError not all of it is mapped."""
        address = self._address(where)
        with self._system.with_cpu(self._task):
            n_written = MemoryWindow(self._task.mm).write([memoryview(data)], address)
        if n_written != len(data):
            raise ValueError(f"{address:#x}: only {n_written} of {len(data)} bytes are mapped")

    def _address(self, where: int | str) -> int:
        return Symbols(self._task.process, self._task.mm).address_of(where) if isinstance(where, str) else where
