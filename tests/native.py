"""Run one program three ways: natively, natively under the host's strace or deathwatch, and under pyuk.

All three get the same world: the fixed environment, the given working directory, standard input from bytes (empty
unless given), output to pipes, and the limits set below, so that what they print can be compared line for line.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.guests import REPOSITORY, Guest, ToolMissingError, guest

ENVIRONMENT: Mapping[str, str] = {"HOME": "/", "LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC0"}
TIMEOUT_S = 60
STACK_LIMIT_BYTES = 8 << 20


def _fix_limits() -> None:
    """The stack limit shows in traces and layouts; core files of guests that must crash are not wanted."""
    for which, soft in ((resource.RLIMIT_STACK, STACK_LIMIT_BYTES), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(which)
        resource.setrlimit(which, (soft, hard))


def _fix_signals() -> None:
    """What a job in the background of a shell ignores, all programs would: it shows in their traces."""
    for which in (signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(which) == signal.SIG_IGN:
            signal.signal(which, signal.default_int_handler if which == signal.SIGINT else signal.SIG_DFL)


_fix_limits()
_fix_signals()


@dataclass(frozen=True, slots=True)
class Death:
    """How a program was killed, in sigaction(2)'s names; address is si_addr, 0 where the kernel gives none."""

    signal: str
    code: str
    address: int
    rip: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program left: its exit status, or the signal that killed it (then status is None), and what it wrote."""

    status: int | None
    signal: str | None
    stdout: bytes
    stderr: bytes
    death: Death | None = None  # this and the next only from pyuk
    crash_line: str = ""

    def __str__(self) -> str:
        end = f"killed by {self.signal}" if self.signal else f"status {self.status}"
        return f"{end}\nstdout: {self.stdout.decode(errors='replace')}\nstderr: {self.stderr.decode(errors='replace')}"


# --- natively --------------------------------------------------------------------------------------------------


def run_native(
    program: str | Path,
    args: Sequence[str] = (),
    *,
    cwd: Path,
    stdin: bytes = b"",
    fixed_layout: bool = False,
) -> Outcome:
    """Run on the host's kernel. With fixed_layout, without address space randomisation (setarch -R).

    Errors: OSError when the kernel's execve refuses the program.
    """
    command = [*(_no_randomisation() if fixed_layout else []), str(program), *args]
    return _native_outcome(_spawn(command, cwd, stdin))


def strace_native(
    program: str | Path,
    args: Sequence[str] = (),
    *,
    cwd: Path,
    stdin: bytes = b"",
    options: Sequence[str] = (),
) -> tuple[Outcome, str]:
    """Run on the host's kernel under strace; the log is returned as strace wrote it (scrub it before comparing)."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        prefix = [*_no_randomisation(), "strace", "-o", str(log), *options]
        done = _spawn([*prefix, str(program), *args], cwd, stdin)
        return _native_outcome(done), log.read_text(encoding="utf-8", errors="surrogateescape")


@cache
def why_no_strace() -> str:
    """Return why strace cannot be used on this host, or "" when it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-o", os.devnull, "/bin/true"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"strace cannot trace here: {done.stderr.strip()}"


@cache
def why_no_deathwatch() -> str:
    """Return why guest/tools/deathwatch.c cannot be used on this host, or "" when it can."""
    try:
        done = subprocess.run([_deathwatch(), "/bin/true"], capture_output=True, text=True, check=False)
    except ToolMissingError as error:
        return str(error)
    return "" if done.stdout == "exited 0\n" else f"deathwatch cannot trace here: {done.stderr.strip()}"


def deathwatch(program: Path, *, cwd: Path) -> str:
    """Return the line of guest/tools/deathwatch.c about this program: its state at the fatal signal, or `exited N`."""
    done = _spawn([str(_deathwatch()), str(program)], cwd, b"")
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode().rstrip("\n")


@cache
def _deathwatch() -> Path:
    return guest("tools/deathwatch").build()


@cache
def _no_randomisation() -> list[str]:
    """`setarch -R` where the host lets a process do that (some containers' seccomp filters do not)."""
    if shutil.which("setarch") is None:
        return []
    works = subprocess.run(["setarch", "-R", "/bin/true"], capture_output=True, check=False).returncode == 0
    return ["setarch", "-R"] if works else []


def _native_outcome(done: subprocess.CompletedProcess[bytes]) -> Outcome:
    if done.returncode < 0:
        return Outcome(None, signal.Signals(-done.returncode).name, done.stdout, done.stderr)
    return Outcome(done.returncode, None, done.stdout, done.stderr)


# --- under pyuk ------------------------------------------------------------------------------------------------

# pyuk: ./guest: killed by SIGSEGV (SEGV_MAPERR) at address 0x0, rip 0x401000 <_start+0x0>: mov eax, dword ptr [0]
CRASH_LINE = re.compile(
    rb"^pyuk: .*: killed by (?P<signal>SIG[A-Z0-9]+)"
    rb"(?: \((?P<code>\w+)\))?(?: at address (?P<address>0x[0-9a-f]+|NULL|0))?(?:, rip (?P<rip>0x[0-9a-f]+))?.*\n",
    re.MULTILINE,
)


def run_pyuk(
    program: str | Path,
    args: Sequence[str] = (),
    *,
    cwd: Path,
    stdin: bytes = b"",
    options: Sequence[str] = (),
) -> Outcome:
    """Run under `pyuk run`. A status of 128+N with pyuk's crash line on stderr is reported as signal N."""
    return _pyuk_outcome(_spawn([*pyuk_command(), "run", *options, str(program), *args], cwd, stdin))


def strace_pyuk(
    program: str | Path,
    args: Sequence[str] = (),
    *,
    cwd: Path,
    stdin: bytes = b"",
    options: Sequence[str] = (),
) -> tuple[Outcome, str]:
    """Run under `pyuk strace`; the log is returned as pyuk wrote it (scrub it before comparing)."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        log.touch()
        done = _spawn([*pyuk_command(), "strace", "-o", str(log), *options, str(program), *args], cwd, stdin)
        return _pyuk_outcome(done), log.read_text(encoding="utf-8", errors="surrogateescape")


# Finds pyuk in the repository without PYTHONPATH, which its guests would see in their environment.
_START_FROM_REPOSITORY = f"""\
import runpy, sys
sys.path.insert(0, {str(REPOSITORY)!r})
runpy.run_module("pyuk", run_name="__main__", alter_sys=True)
"""


@cache
def pyuk_command() -> list[str]:
    """`python -m pyuk` where pyuk is installed, else the same from the repository."""
    probe = [sys.executable, "-c", "import pyuk"]
    installed = subprocess.run(probe, cwd="/", env=dict(ENVIRONMENT), capture_output=True, check=False).returncode == 0
    return [sys.executable, "-m", "pyuk"] if installed else [sys.executable, "-c", _START_FROM_REPOSITORY]


def _pyuk_outcome(done: subprocess.CompletedProcess[bytes]) -> Outcome:
    crash = CRASH_LINE.search(done.stderr)
    if crash is None or done.returncode <= 128:
        return Outcome(done.returncode, None, done.stdout, done.stderr)
    name = crash["signal"].decode()
    assert done.returncode == 128 + signal.Signals[name], f"status {done.returncode} for {name}"
    death = None
    if crash["code"] and crash["rip"]:
        address = crash["address"] or b"0"
        address_number = 0 if address == b"NULL" else int(address, 16)
        death = Death(name, crash["code"].decode(), address_number, int(crash["rip"], 16))
    guest_stderr = done.stderr[: crash.start()] + done.stderr[crash.end() :]
    return Outcome(None, name, done.stdout, guest_stderr, death, crash[0].decode(errors="replace").rstrip("\n"))


# --- both ------------------------------------------------------------------------------------------------------


def place(guest_program: Guest, directory: Path) -> str:
    """Build a guest, link to it from `directory`, return `./NAME`: its argv[0] is the same wherever it was built."""
    program = guest_program.build()
    link = directory / program.name
    if not link.exists():
        link.symlink_to(program)
    return f"./{link.name}"


def _spawn(command: Sequence[str], cwd: Path, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """In a process group of its own, as a shell does it: the tests' may be an orphan, which SIGTSTP does not stop."""
    return subprocess.run(
        command, cwd=cwd, env=dict(ENVIRONMENT), input=stdin, capture_output=True, check=False, timeout=TIMEOUT_S,
        process_group=0,
    )  # fmt: skip
