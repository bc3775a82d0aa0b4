"""Debian's strace and gdb run inside pyuk, on programs of pyuk's, and say what they say on the host."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.guests import REPOSITORY, guest
from tests.native import Outcome, place, run_native, run_pyuk, why_no_strace
from tests.scrub import scrub_output, scrub_trace

_THREAD_CALLS = re.compile(
    r"^((?:clone|fork|vfork|wait4|gettid|getpid|getppid|rt_sigreturn)\(.*\)\s+= )\d+", re.MULTILINE
)


@pytest.fixture
def needs_strace() -> None:
    """Skip where strace is not installed or cannot trace."""
    if reason := why_no_strace():
        pytest.skip(reason)


def run_both(program: str, args: Sequence[str], tmp_path: Path) -> list[tuple[Outcome, Path]]:
    """Run a command on the host and on pyuk, each in a directory of its own of one length; they must end alike."""
    runs = []
    for where in ("host", "pyuk"):
        directory = tmp_path / where
        directory.mkdir()
        (directory / "fruit.txt").write_text("pear\napple\nfig\n")
        if where == "host":
            outcome = run_native(program, args, cwd=directory)
        else:
            seen = [f"--bind={path}:{path}:ro" for path in (tmp_path, REPOSITORY)]
            outcome = run_pyuk(program, args, cwd=directory, options=seen)
        runs.append((outcome, directory))
    assert runs[0][0].status == runs[1][0].status, runs[1][0]
    return runs


def logs(directory: Path) -> list[str]:
    """What `strace -ff -o log` has written, a text for each process in the order of their pids, scrubbed."""
    texts = []
    for path in sorted(directory.glob("log.*"), key=lambda path: int(path.suffix[1:])):
        text = scrub_trace(path.read_text(errors="surrogateescape"), "programs/strace", cwd=str(directory))
        text = re.sub(r"\b(child_tidptr|set_tid_address\()=?\S+", r"\1", text)
        text = _THREAD_CALLS.sub(r"\1PID", text)
        # When two children end, how many signals come and what the waits give is a race on the host too.
        texts.append(re.sub(r"^(?:wait4|--- SIGCHLD|rt_sigreturn).*\n", "", text, flags=re.MULTILINE))
    return texts


@pytest.mark.usefixtures("needs_strace")
@pytest.mark.parametrize(
    "command",
    [
        ("/bin/true",),
        ("/bin/sh", "-c", "cat fruit.txt | tr a-z A-Z | head -n 2"),
        ("/bin/sh", "-c", "kill -USR1 $$"),
        ("/bin/sh", "-c", "trap 'echo caught' USR1; kill -USR1 $$; (exit 3)"),
    ],
    ids=["true", "pipeline", "killed", "trap"],
)
def test_strace_inside(command: tuple[str, ...], tmp_path: Path) -> None:
    """`strace -ff` of a process tree inside pyuk writes for each process what it writes on the host."""
    (native, host), (inside, pyuk) = run_both("strace", ["-ff", "-o", "log", *command], tmp_path)
    assert inside.stdout == native.stdout
    assert logs(pyuk) == logs(host)


@pytest.mark.usefixtures("needs_strace")
def test_strace_attaches_and_counts(tmp_path: Path) -> None:
    """strace -c and an attach to a process that runs already (-p) work inside."""
    script = "sleep 5 & pid=$!; strace -o log -p $pid & sleep 0.2; kill $pid; wait; tail -n 2 log"
    (native, _host), (inside, _pyuk) = run_both("/bin/sh", ["-c", script], tmp_path)
    assert b"killed by SIGTERM" in native.stdout
    assert _numbers_scrubbed(inside.stdout) == _numbers_scrubbed(native.stdout)
    (tmp_path / "count").mkdir()
    (native, _host), (inside, _pyuk) = run_both("strace", ["-c", "/bin/true"], tmp_path / "count")
    assert b"execve" in inside.stderr
    assert len(inside.stderr.splitlines()) == len(native.stderr.splitlines())


def _numbers_scrubbed(text: bytes) -> str:
    return re.sub(r"\d+|0x[0-9a-f]+", "N", text.decode())


GDB_SCRIPTS = {
    "breakpoints": """
        break leaf
        run
        bt
        info registers rip
        print n
        print counter
        finish
        stepi
        nexti
        x/3i $rip
        info threads
        delete
        continue
    """,
    "values": """
        break middle if n == 2
        run
        print ratio
        print $mxcsr
        print $fctrl
        print $st0
        info registers rip eflags cs ss
        set var n = 40
        print middle(5)
        up
        info locals
        continue
    """,
    "software_watch": """
        set can-use-hw-watchpoints 0
        break middle if n == 1
        run
        watch counter
        continue
        continue
        delete
        continue
    """,
    "signals": """
        handle SIGUSR1 stop print
        run
        info signals SIGUSR1
        print $_siginfo.si_signo
        signal 0
    """,
    "steps": """
        break main
        run
        tbreak middle
        continue
        step
        step
        step
        next
        next
        bt
        kill
    """,
    "catch": """
        catch syscall write
        run
        bt 1
        continue
        info proc
        detach
    """,
}


def said_by_gdb(outcome: Outcome, directory: Path) -> str:
    """gdb's words without what differs from run to run: pids, addresses of libraries and of the stack."""
    text = scrub_output(outcome.stdout + outcome.stderr, "programs/gdb", cwd=str(directory))
    text = re.sub(r"\b(LWP|process) \d+", r"\1 PID", text)
    text = re.sub(r'(Thread \d+) "debuggee" hit', r"\1 hit", text)
    text = re.sub(r"0x0*7ff[0-9a-f]+|140737\d+", "ADDR", text)
    text = re.sub(r"expected=\d+", "expected=TID", text)
    text = re.sub(r"^\[Inferior .* detached\]\n", "", text, flags=re.MULTILINE)  # before or after what it writes then
    text = re.sub(r" +(Frame)|(\(LWP PID\)) (?:\"debuggee\" | +)", r"\2 \1", text)
    return re.sub(r"^(k[0-7]|eflags|[a-z]s_base|gs|fs|r\w+ ) .*$", r"\1", text, flags=re.MULTILINE)


@pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")
@pytest.mark.parametrize("name", GDB_SCRIPTS)
def test_gdb_inside(name: str, tmp_path: Path) -> None:
    """A script of gdb's commands gives inside pyuk what it gives on the host."""
    program = guest("debug/debuggee")
    (tmp_path / "script").write_text(GDB_SCRIPTS[name])
    args = ["-nx", "-batch", "-x", str(tmp_path / "script"), place(program, tmp_path).replace(".", str(tmp_path), 1)]
    (native, host), (inside, pyuk) = run_both("gdb", args, tmp_path)
    assert said_by_gdb(inside, pyuk) == said_by_gdb(native, host)
