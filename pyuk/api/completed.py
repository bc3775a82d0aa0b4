"""What a run has left, in the manner of subprocess.CompletedProcess."""

from __future__ import annotations

import signal as signals
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pyuk.api.final import FinalState
    from pyuk.api.records import Recorder, Syscall
    from pyuk.fs.overlaychanges import Change
    from pyuk.kernel.crash import Crash


class Completed:
    """A process that has ended.

    returncode is as subprocess has it: the exit status, or -N where signal N ended the process. stdout and stderr
    are None where they were not captured, str with text=True.
    """

    def __init__(
        self, args: Sequence[str], returncode: int, stdout: Any, stderr: Any,
        final: FinalState, recorder: Recorder | None, messages: list[str], files: dict[str, Change],
    ) -> None:  # fmt: skip
        self.args = list(args)
        self.returncode = returncode
        self.stdout = stdout
        self.stderr = stderr
        self.files = files
        """What the guests had changed in their tree when this was made; see System.files."""
        self.messages = messages
        """What the kernel had to tell: an out-of-memory kill, a deadlock."""
        self._final = final
        self._recorder = recorder

    def __repr__(self) -> str:
        return f"Completed(args={self.args!r}, returncode={self.returncode!r})"

    def check_returncode(self) -> None:
        """Raise subprocess.CalledProcessError where the process did not end with 0."""
        if self.returncode:
            raise subprocess.CalledProcessError(self.returncode, self.args, self.stdout, self.stderr)

    @property
    def signal(self) -> signals.Signals | None:
        """What killed it."""
        return signals.Signals(-self.returncode) if self.returncode < 0 else None

    @property
    def syscalls(self) -> list[Syscall]:
        """Its system calls, in the order in which they ended. Errors: ValueError the run was not traced."""
        return self._record().records

    @property
    def trace(self) -> str:
        """The same as strace writes it. Errors: ValueError the run was not traced."""
        return self._record().text

    @property
    def registers(self) -> dict[str, int]:
        """rax to r15, rip and rflags of the thread that ended the process, as they were then."""
        return self._final.registers

    @property
    def maps(self) -> str:
        """/proc/PID/maps at the end."""
        return self._final.maps()

    @property
    def stats(self) -> dict[str, int]:
        """What its memory cost, by name: see docs/memory.md."""
        return self._final.stats()

    @property
    def crash(self) -> Crash | None:
        """What is known of the signal that killed it; None where none did."""
        return self._final.crash

    @property
    def crash_report(self) -> str:
        """The line that `pyuk run` prints for it, "" where no signal killed it."""
        if self.crash is None:
            return ""
        from pyuk.trace.crash import crash_line

        return crash_line(self.args[0], self.crash)

    def memory(self, where: int | str, n_bytes: int) -> bytes:
        """Guest memory at the end; where: an address, or a symbol of the program.

        Errors: ValueError not all of it is mapped, LookupError there is no such symbol.
        """
        return self._final.memory(where, n_bytes)

    def _record(self) -> Recorder:
        if self._recorder is None:
            raise ValueError("the run was not traced: trace=True records its system calls")
        return self._recorder
