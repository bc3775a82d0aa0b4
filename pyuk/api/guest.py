"""Guest programs for tests: made from source, run, and compared with what is expected of them."""

from __future__ import annotations

import inspect
import subprocess
import textwrap
from pathlib import Path

from pyuk.api import toolchain
from pyuk.api.completed import Completed
from pyuk.api.expect import differences
from pyuk.api.header import HeaderError
from pyuk.api.run import run
from pyuk.api.toolchain import ToolchainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from pyuk.api.golden import Golden

__all__ = ["ExpectationError", "Guest", "GuestFactory", "HeaderError", "Run", "ToolchainError"]


class ExpectationError(AssertionError):
    """A run is not as it was expected; the text says where it is not."""


class GuestFactory:
    """What the fixture `guest` is."""

    def __init__(self, *, seed: int, native: bool, report: Callable[[str, str], object]) -> None:
        """native: run everything on the host's kernel too. report: is told name and trace of each run."""
        self._seed = seed
        self._native = native
        self._report = report

    def asm(self, source: str, *flags: str, origin: tuple[str, int] | None = None) -> Guest:
        """Assemble GNU syntax, run through the C preprocessor; the entry is _start. Errors: ToolchainError."""
        is_whole = "_start" in source
        text = textwrap.dedent(source) if is_whole else f"    .globl _start\n_start:\n{source}"
        where = origin or _origin(source, 0 if is_whole else 2)
        return self._guest(toolchain.assemble(_ended(text), flags, origin=where))

    def c(self, source: str, *flags: str, static: bool = True, libc: str = "glibc") -> Guest:
        """Compile C; libc: glibc or musl. Errors: ToolchainError."""
        where = _origin(source, 0)
        return self._guest(toolchain.compile_c(_ended(source), flags, static=static, libc=libc, origin=where))

    def shellcode(self, code: bytes) -> Guest:
        """A program that is these bytes of machine code."""
        return self._guest(toolchain.from_bytes(code))

    def program(self, path: str | os.PathLike[str]) -> Guest:
        """A program that is there. Errors: FileNotFoundError."""
        found = Path(path)
        if not found.exists():
            raise FileNotFoundError(f"no program {found}")
        return self._guest(found)

    def _guest(self, path: Path) -> Guest:
        return Guest(path, self._seed, self._report, native=self._native)


class Guest:
    """A program to be run."""

    def __init__(self, path: Path, seed: int, report: Callable[[str, str], object], *, native: bool) -> None:
        self.path = path
        self._seed = seed
        self._report = report
        self._native = native

    def run(self, *args: str, **options: Any) -> Run:
        """Run it with pyuk.run's options; records system calls unless trace=False."""
        options.setdefault("seed", self._seed)
        options.setdefault("argv0", self.path.name)
        completed = run(self.path, args, **options)
        if options.get("trace", True):
            self._report(" ".join((self.path.name, *args)), completed.trace)
        native = _run_natively(self.path, args, options) if self._native else None
        return Run(completed, native)


class Run(Completed):
    """A run of a guest; `native` is how it went on the host's kernel, where that was asked for."""

    def __init__(self, completed: Completed, native: subprocess.CompletedProcess[Any] | None) -> None:
        self.__dict__.update(completed.__dict__)
        self.native = native

    def expect(
        self, *, stdout: bytes | str | None = None, stderr: bytes | str | None = None, exit: int | None = None,
        signal: int | str | None = None, syscalls: Sequence[str] | None = None,
        registers: Mapping[str, int] | None = None, memory: Mapping[int | str, bytes | int] | None = None,
        strace: Golden | None = None,
    ) -> Run:  # fmt: skip
        """Compare what is given, and say of everything at once what is different. Gives the run itself.

        syscalls: the whole list, each a name or strace's text with wildcards: "write(1, ...) = 6". registers: at the
        end, unsigned or signed. memory: by address or symbol; a number stands for eight bytes. strace: a golden
        trace. With --pyuk-native output and end are compared with the host's too.
        Errors: ExpectationError.
        """
        __tracebackhide__ = True
        found = differences(
            self, stdout=stdout, stderr=stderr, exit=exit, signal=signal, syscalls=syscalls, registers=registers,
            memory=memory,
        )  # fmt: skip
        if strace is not None:
            difference = strace.difference(self.trace)
            found += [difference] if difference else []
        native = self.native
        if native is not None:
            unlike = differences(self, stdout=native.stdout, stderr=native.stderr, exit=native.returncode)
            found += [f"not as on the host's kernel: {text}" for text in unlike]
        if found:
            raise ExpectationError("\n".join(found))
        return self


def _run_natively(path: Path, args: Sequence[str], options: Mapping[str, Any]) -> subprocess.CompletedProcess[Any]:
    """The same on the host's kernel. Errors: OSError it cannot run there."""
    from pyuk.api.system import DEFAULT_ENVIRONMENT

    known = {
        name: options[name] for name in ("cwd", "input", "stdin", "text", "timeout") if options.get(name) is not None
    }
    environment = options.get("env") or DEFAULT_ENVIRONMENT
    if "input" not in known:
        known.setdefault("stdin", subprocess.DEVNULL)
    if known.get("text") is None and isinstance(known.get("input"), str):
        known["input"] = known["input"].encode()
    command = [options.get("argv0") or str(path), *args]
    return subprocess.run(command, executable=path, env=dict(environment), capture_output=True, check=False, **known)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _origin(source: str, n_added: int) -> tuple[str, int] | None:
    """File and line where a text begins in the test that has it, less the lines put before it."""
    caller = inspect.stack(0)[2]
    try:
        file = Path(caller.filename).read_text(encoding="utf-8")
    except OSError:
        return None
    at = file.find(source)
    return None if at < 0 else (caller.filename, file.count("\n", 0, at) + 1 - n_added)
