"""Programs at a terminal: what somebody sees who types the same, natively and under pyuk."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.native import ENVIRONMENT, pyuk_command
from tests.typist import Typist

_WORLD = {**ENVIRONMENT, "TERM": "xterm", "PS1": "$ ", "LC_ALL": "C.UTF-8"}
_BACKGROUND_PID = re.compile(rb"^(\[\d+\]) \d+", re.MULTILINE)


def _screen(command: list[str], types: Callable[[Typist], None], directory: Path, *, status: int = 0) -> bytes:
    with Typist(command, cwd=directory, environment=_WORLD) as typist:
        types(typist)
        assert typist.end() == status, typist.screen
        return typist.screen


def _compare(command: list[str], types: Callable[[Typist], None], tmp_path: Path, *, status: int = 0) -> bytes:
    """Natively and under pyuk, each in an empty directory; gives what was seen."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    screens = []
    for where, prefix in (("host", []), ("pyuk", [*pyuk_command(), "run"])):
        (tmp_path / where).mkdir()
        screen = _screen([*prefix, *command], types, tmp_path / where, status=status)
        screens.append(_BACKGROUND_PID.sub(rb"\1 PID", screen))
    assert screens[1] == screens[0]
    return screens[0]


def _nothing(_typist: Typist) -> None:
    """To look is enough."""


_BASH = ["bash", "--norc", "--noediting", "-i"]


def test_bash_job_control(tmp_path: Path) -> None:
    """^Z stops a job, jobs, fg and bg know it, ^C ends it; pipelines are jobs too; the shell itself stays."""

    def types(typist: Typist) -> None:
        typist.answer(b"$ ", b"cat\n")
        typist.answer(b"cat\r\n", b"one\n")
        typist.answer(b"one\r\none\r\n", b"\x1a")
        typist.answer(b"Stopped", b"")
        typist.answer(b"$ ", b"jobs\n")
        typist.answer(b"Stopped", b"")
        typist.answer(b"$ ", b"fg\n")
        typist.answer(b"cat\r\n", b"two\n")
        typist.answer(b"two\r\ntwo\r\n", b"\x03")
        typist.answer(b"$ ", b"echo $?\n")
        typist.wait_for(b"130\r\n")
        typist.answer(b"$ ", b"cat | cat\n")
        typist.answer(b"cat | cat\r\n", b"three\n")
        typist.answer(b"three\r\nthree\r\n", b"\x04")
        typist.answer(b"$ ", b"exit 3\n")

    screen = _compare(_BASH, types, tmp_path, status=3)
    assert b"no job control" not in screen


@pytest.mark.parametrize("command", ["cat", "stty -echo", "sh -c 'stty tostop; echo word'"])
@pytest.mark.parametrize("where", ["host", "pyuk"])
def test_background_job_stops(where: str, command: str, tmp_path: Path) -> None:
    """Who reads in the background, changes the terminal or, with tostop, writes, is stopped."""
    prefix = [*pyuk_command(), "run"] if where == "pyuk" else []
    with Typist([*prefix, *_BASH], cwd=tmp_path, environment=_WORLD) as typist:
        typist.answer(b"$ ", command.encode() + b" & until jobs > jobs; grep Stopped jobs; do sleep 0.02; done\n")
        typist.wait_for(b"+  Stopped")
        typist.answer(b"\n$ ", b"fg\n")
        typist.answer(b"fg\r\n" + command.encode() + b"\r\n", b"exit 4\n" if command != "cat" else b"\x04exit 4\n")
        assert typist.end() == 4


def test_readline(tmp_path: Path) -> None:
    """Lines are edited and recalled."""

    def types(typist: Typist) -> None:
        typist.answer(b"$ ", b"ecko abc\x01\x1b[C\x1b[C\x0bho abd\x7fc\x05 d\n")
        typist.answer(b"abc d\r\n", b"")
        typist.answer(b"$ ", b"\x10\n")
        typist.answer(b"abc d\r\n", b"")
        typist.answer(b"$ ", b"exit\n")

    _compare(["bash", "--norc", "-i"], types, tmp_path)


def test_dash_job_control(tmp_path: Path) -> None:
    """dash has job control as well."""

    def types(typist: Typist) -> None:
        typist.answer(b"$ ", b"cat\n")
        typist.answer(b"cat\r\n", b"x\n")
        typist.answer(b"x\r\nx\r\n", b"\x1a")
        typist.answer(b"$ ", b"fg\n")
        typist.answer(b"cat\r\n", b"y\n")
        typist.answer(b"y\r\ny\r\n", b"\x03")
        typist.answer(b"$ ", b"exit\n")

    _compare(["dash", "-i"], types, tmp_path, status=130)


@pytest.mark.parametrize("option", ["-a", "size", "-g"])
def test_stty_shows(option: str, tmp_path: Path) -> None:
    """The settings and the size are the terminal's."""
    _compare(["stty", option], _nothing, tmp_path)


def test_password_prompt(tmp_path: Path) -> None:
    """What is typed while echo is off is not seen."""

    def types(typist: Typist) -> None:
        typist.answer(b"password: ", b"secret\n")

    screen = _compare(["bash", "-c", 'read -rsp "password: " word; echo; echo "${#word}"'], types, tmp_path)
    assert b"secret" not in screen


def test_less(tmp_path: Path) -> None:
    """A pager: keys as they are pressed, the screen of before at the end."""

    def types(typist: Typist) -> None:
        typist.answer(b"numbers", b" ")
        typist.answer(b"(END)", b"q")

    _compare(["sh", "-c", "seq 40 > numbers; exec less numbers"], types, tmp_path)


def test_vi(tmp_path: Path) -> None:
    """An editor: the keyboard in raw mode, and a file written."""
    if shutil.which("vi") is None:
        pytest.skip("vi is not installed (Debian package vim-tiny)")

    def types(typist: Typist) -> None:
        typist.answer(b"poem", b"ifirst\rsecond\x1b")
        typist.answer(b"second", b":wq\r")

    for where, prefix in (("host", []), ("pyuk", [*pyuk_command(), "run"])):
        (tmp_path / where).mkdir()
        _screen([*prefix, "vi", "-u", "NONE", "poem"], types, tmp_path / where)
        assert (tmp_path / where / "poem").read_text() == "first\nsecond\n"


def test_python_prompt(tmp_path: Path) -> None:
    """python3 -i: its own readline, and the size of the window."""

    def types(typist: Typist) -> None:
        typist.answer(b">>> ", b"6 * 7\n")
        typist.answer(b"42", b"")
        typist.answer(b">>> ", b"import os; os.get_terminal_size()\n")
        typist.answer(b">>> ", b"raise SystemExit\n")

    screen = _compare(["python3", "-q", "-i", "-S", "-E", "-c", "pass"], types, tmp_path)
    assert b"columns=80, lines=24" in screen


def test_window_size_follows(tmp_path: Path) -> None:
    """Another size of the window is SIGWINCH to the foreground."""

    def types(typist: Typist) -> None:
        typist.wait_for(b"ready\r\n")
        typist.resize(30, 100)
        typist.wait_for(b"30 100\r\n")

    _compare(
        ["bash", "-c", "trap 'stty size; kill $!; exit 5' WINCH; sleep 99 & echo ready; wait"],
        types,
        tmp_path,
        status=5,
    )


def test_window_size_is_the_terminals(tmp_path: Path) -> None:
    """A size that a program sets is seen by whoever sits at the terminal."""
    for where, prefix in (("host", []), ("pyuk", [*pyuk_command(), "run"])):
        (tmp_path / where).mkdir()
        with Typist([*prefix, "stty", "rows", "50"], cwd=tmp_path / where, environment=_WORLD) as typist:
            assert typist.end(keep=True) == 0
            assert typist.size() == (50, 80), where


@pytest.mark.parametrize("settings", ["min 1 time 0", "min 4 time 0", "min 9 time 2", "min 0 time 2"])
def test_raw_reads(settings: str, tmp_path: Path) -> None:
    """Raw reads wait for enough bytes, or long enough."""

    def types(typist: Typist) -> None:
        typist.answer(b"ready\r\n", b"ab")
        typist.type(b"cd" if "min 4" in settings else b"")

    command = f"stty -icanon -echo {settings}; echo ready; dd bs=10 count=1 status=none | od -c; stty icanon"
    screen = _compare(["sh", "-c", command], types, tmp_path)
    assert b"a   b   c   d" in screen or "min 4" not in settings


def test_stop_key_where_nobody_looks(tmp_path: Path) -> None:
    """^Z does nothing to a program whose group is orphaned: nobody would make it go on."""

    def types(typist: Typist) -> None:
        typist.answer(b"ready\r\n", b"\x1a")
        typist.answer(b"^Z", b"word\n")
        typist.answer(b"word\r\nword\r\n", b"\x04")

    _compare(["sh", "-c", "echo ready; exec cat"], types, tmp_path)


def test_poll_of_several(tmp_path: Path) -> None:
    """A terminal that could be written to wakes nobody who waits to read there and elsewhere."""
    program = (
        "import os, select\n"
        "poll, (reader, writer) = select.poll(), os.pipe()\n"
        "poll.register(0, select.POLLIN), poll.register(reader, select.POLLIN), poll.register(1, 0)\n"
        "print(poll.poll(20), select.select([0, reader], [], [], 0.02))\n"
        "poll.register(writer, select.POLLOUT)\n"
        "print(poll.poll(20))\n"
    )
    _compare(["python3", "-c", program], _nothing, tmp_path)


def test_terminal_behind_a_pipe(tmp_path: Path) -> None:
    """/dev/tty is the terminal wherever standard input comes from."""

    def types(typist: Typist) -> None:
        typist.answer(b"name: ", b"word\n")

    command = "echo x | { printf 'name: '; read -r y < /dev/tty; cat; echo $y; stty size < /dev/tty; }"
    _compare(["sh", "-c", command], types, tmp_path)


def test_interrupt_of_a_busy_program(tmp_path: Path) -> None:
    """^C reaches a program that makes no system calls, and its exit status is the shell's for that."""

    def types(typist: Typist) -> None:
        typist.answer(b"ready\r\n", b"\x03")

    command = "trap 'echo trapped; exit 9' INT; echo ready; while :; do :; done"
    _compare(["sh", "-c", command], types, tmp_path, status=9)


@pytest.mark.parametrize("where", ["host", "pyuk"])
def test_terminal_is_switched_off(where: str, tmp_path: Path) -> None:
    """The end of the terminal is SIGHUP for the program."""
    prefix = [*pyuk_command(), "run"] if where == "pyuk" else []
    command = "trap 'echo hung up > log; exit 5' HUP; echo ready; while :; do sleep 0.01; done"
    with Typist([*prefix, "sh", "-c", command], cwd=tmp_path, environment=_WORLD) as typist:
        typist.wait_for(b"ready\r\n")
        os.close(typist.master)
        typist.master = -1
        assert typist.process.wait(60) == 5
    assert (tmp_path / "log").read_text() == "hung up\n"


# Terminals that programs make


def test_python_spawns_at_a_pty(tmp_path: Path) -> None:
    """python3's pty.spawn: a terminal within the terminal, with settings and a size of its own."""
    program = (
        "import os, pty, sys\n"
        "os.write(1, b'outer\\n')\n"
        "status = pty.spawn(['sh', '-c', 'stty -echo; echo inner; read x; echo got $x; tty | cut -c1-9; exit 7'])\n"
        "print(os.waitstatus_to_exitcode(status))\n"
    )

    def types(typist: Typist) -> None:
        typist.answer(b"inner", b"word\n")

    _compare(["python3", "-c", program], types, tmp_path)


def test_script(tmp_path: Path) -> None:
    """script(1) runs a shell with job control at a terminal of its own, and keeps what it shows."""
    if shutil.which("script") is None:
        pytest.skip("script is not installed (Debian package bsdutils)")

    def types(typist: Typist) -> None:
        typist.answer(b"$ ", b"cat\n")
        typist.answer(b"cat\r\n", b"x\n")
        typist.answer(b"x\r\nx\r\n", b"\x1a")
        typist.answer(b"$ ", b"fg\n")
        typist.answer(b"cat\r\n", b"y\n")
        typist.answer(b"y\r\ny\r\n", b"\x03")
        typist.answer(b"$ ", b"exit 3\n")

    screen = _compare(["script", "-qec", "bash --norc --noediting -i", "kept"], types, tmp_path, status=3)
    for where in ("host", "pyuk"):
        kept = (tmp_path / where / "kept").read_bytes()
        assert kept.partition(b"\n")[2].startswith(screen[:40])


def test_tmux(tmp_path: Path) -> None:
    """tmux: a server, a client and shells in windows, started and stopped."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")

    def types(typist: Typist) -> None:
        typist.answer(b":sh", b"echo $((6*7)) words\n")
        typist.wait_for(b"42 words")
        typist.type(b"\x02%")
        typist.type(b"echo $((6*8)) others\n")
        typist.wait_for(b"48 others")
        typist.type(b"exit\n")
        typist.answer(b"42 words", b"exit\n")  # the first window has the whole screen again
        typist.wait_for(b"[exited]")

    for where, prefix in (("host", []), ("pyuk", [*pyuk_command(), "run"])):
        (tmp_path / where).mkdir()
        world = {**_WORLD, "SHELL": "/bin/sh", "TMUX_TMPDIR": str(tmp_path / where), "ENV": "", "HOME": str(tmp_path)}
        with Typist([*prefix, "tmux", "-f", "/dev/null"], cwd=tmp_path / where, environment=world) as typist:
            types(typist)
            assert typist.end() == 0


# pyuk itself as a job of its user's shell


def test_terminal_of_a_pipeline(shell: Typist) -> None:
    """pyuk in a pipeline: its guest finds the terminal, and ^Z and ^C are for the whole job."""
    with shell:
        command = _pyuk("sh -c 'read -r a; read -r b < /dev/tty; echo $a $b; cat < /dev/tty'")
        shell.type(f"echo one | {command} | cat\n".encode())
        shell.wait_for(b"| cat\r\n")
        shell.type(b"two\n")
        shell.wait_for(b"one two\r\n")
        shell.type(b"\x1a")
        shell.wait_for(b"Stopped")
        shell.answer(b"\n$ ", b"fg\n")
        shell.wait_for(b"| cat\r\n")
        shell.type(b"three\n")
        shell.wait_for(b"three\r\nthree\r\n")
        shell.type(b"\x03")
        shell.answer(b"$ ", b"echo so $?\n")
        shell.wait_for(b"so 130\r\n")


def _pyuk(words: str) -> str:
    return f"{shlex.join(pyuk_command())} run {words}"


@pytest.fixture
def shell(tmp_path: Path) -> Typist:
    """A native shell with job control, at its prompt."""
    typist = Typist(_BASH, cwd=tmp_path, environment=_WORLD)
    typist.wait_for(b"$ ")
    return typist


def test_stop_and_go_on(shell: Typist) -> None:
    """^Z gives the shell its terminal back, with its settings; fg goes on with the guest's."""
    with shell:
        before = shell.settings()
        shell.type(_pyuk("sh -c 'stty -echo -icanon; echo ready; cat'").encode() + b"\n")
        shell.wait_for(b"ready\r\n")
        guests = shell.settings()
        assert guests != before
        shell.type(b"x")
        shell.answer(b"x", b"\x1a")
        shell.answer(b"Stopped", b"")
        shell.wait_for(b"$ ")
        assert shell.settings() == before
        shell.type(b"fg; echo so $?\n")
        shell.wait_for(b"cat'\r\n")
        shell.wait_for_settings(guests)
        shell.answer(b"", b"y")
        shell.wait_for(b"y")
        shell.type(b"\x03")
        shell.wait_for(b"so 130\r\n")
        shell.wait_for(b"$ ")
        assert shell.settings() == before


def test_background(shell: Typist) -> None:
    """pyuk in the shell's background: it runs, and stops where its guest reads from the terminal."""
    with shell:
        shell.type(_pyuk("sh -c 'echo started; read -r line; echo got $line'").encode() + b" &\n")
        shell.wait_for(b"started\r\n")
        shell.type(b"sleep 0.2\n")
        shell.answer(b"Stopped", b"fg\n")
        shell.wait_for(b"got $line'\r\n")
        shell.type(b"words\n")
        shell.wait_for(b"got words\r\n")


@pytest.mark.parametrize("ending", ["exit", "crash", signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=str)
def test_settings_come_back(ending: str | int, shell: Typist) -> None:
    """However the guest ends, the terminal is as it was."""
    ends = {"exit": "exit 3", "crash": "kill -SEGV $$"}.get(str(ending), f"kill -{ending} $$")
    with shell:
        before = shell.settings()
        shell.type(_pyuk(f"sh -c 'stty raw -echo; {ends}'").encode() + b"; echo so $?\n")
        shell.wait_for(b"\r\nso ")
        shell.wait_for(b"$ ")
        assert shell.settings() == before


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT], ids=str)
def test_settings_come_back_after_a_signal(signo: int, tmp_path: Path) -> None:
    """pyuk is told to end while its guest has the terminal in raw mode."""
    command = [*pyuk_command(), "run", "sh", "-c", "stty raw -echo; echo ready; exec cat"]
    with Typist(command, cwd=tmp_path, environment=_WORLD) as typist:
        before = typist.settings()
        typist.wait_for(b"ready")
        assert typist.settings() != before
        os.kill(typist.process.pid, signo)
        assert typist.process.wait(60) == 128 + signo
        assert typist.settings() == before
