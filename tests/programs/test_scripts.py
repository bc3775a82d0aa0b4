"""`#!` scripts as execve(2) runs them: fs/binfmt_script.c of Linux."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.guests import guest
from tests.native import Outcome, run_native, run_pyuk

PRINT_ARGS = guest("loader/print_args")
CANNOT_EXECUTE, NOT_FOUND = 126, 127


def write_script(path: Path, content: str, mode: int = 0o755) -> str:
    """Write a script and return `./NAME`."""
    path.write_text(content, newline="")
    path.chmod(mode)
    return f"./{path.name}"


@pytest.fixture
def interpreter(tmp_path: Path) -> str:
    """A program that prints its arguments, at a short absolute path (Linux reads 256 bytes of a script)."""
    link = tmp_path / "i"
    link.symlink_to(PRINT_ARGS.build())
    return str(link)


def check_same(program: str, args: list[str], cwd: Path) -> Outcome:
    """Assert that a program ends and writes on pyuk as natively; return how it went natively."""
    native = run_native(program, args, cwd=cwd)
    here = run_pyuk(program, args, cwd=cwd)
    assert (here.status, here.stdout) == (native.status, native.stdout), here
    return native


Content = Callable[[str], str]

RUNS: dict[str, tuple[Content, list[str]]] = {
    "no argument": (lambda i: f"#!{i}\n", []),
    "with the caller's arguments": (lambda i: f"#!{i}\nrest\n", ["a", "b c", ""]),
    "one argument": (lambda i: f"#!{i} -x\n", ["a"]),
    "one argument with spaces in it": (lambda i: f"#!{i}  -x  -y \t \n", ["a"]),
    "spaces before the interpreter": (lambda i: f"#! \t {i}\n", []),
    "a tab before the argument": (lambda i: f"#!{i}\t-x\n", []),
    "no newline at the end": (lambda i: f"#!{i} last", []),
    "nothing but the interpreter": (lambda i: f"#!{i}", []),
    "CR LF after an argument": (lambda i: f"#!{i} x\r\n", []),
    "an argument that is cut at 256 bytes": (lambda i: f"#!{i} {'z' * 300}\n", []),
    "a NUL in the argument": (lambda i: f"#!{i} ab\0cd\n", []),
}


@pytest.mark.parametrize("name", RUNS)
def test_script_runs(name: str, tmp_path: Path, interpreter: str) -> None:
    """argv is the interpreter, at most one argument with its inner spaces, the script's path, the caller's own."""
    content, args = RUNS[name]
    script = write_script(tmp_path / "script", content(interpreter))
    native = check_same(script, args, tmp_path)
    assert native.status == 0


def test_script_line_1_by_hand(tmp_path: Path, interpreter: str) -> None:
    """The example of execve(2): `#!interpreter [optional-arg]`."""
    script = write_script(tmp_path / "script", f"#!{interpreter} script-arg\n")
    native = check_same(script, ["hello", "world"], tmp_path)
    assert native.stdout.decode().splitlines() == [
        f"[{interpreter}]",
        "[script-arg]",
        "[./script]",
        "[hello]",
        "[world]",
        "execfn [./script]",
    ]


@pytest.mark.parametrize("depth", [1, 2, 4, 5])
def test_nested_scripts_run(depth: int, tmp_path: Path, interpreter: str) -> None:
    """A script may be a script's interpreter, five deep (Linux counts five rewrites); argv grows by each."""
    for level in range(depth):
        target = interpreter if level == 0 else str(tmp_path / f"s{level - 1}")
        write_script(tmp_path / f"s{level}", f"#!{target} arg{level}\n")
    native = check_same(f"./s{depth - 1}", ["end"], tmp_path)
    assert native.status == 0


Refusal = tuple[int, Callable[[Path, str], str]]


def _nest_six(cwd: Path, interpreter: str) -> str:
    for level in range(6):
        target = interpreter if level == 0 else str(cwd / f"s{level - 1}")
        write_script(cwd / f"s{level}", f"#!{target}\n")
    return "./s5"


REFUSALS: dict[str, Refusal] = {
    "six deep": (errno.ELOOP, _nest_six),
    "itself": (errno.ELOOP, lambda cwd, _: write_script(cwd / "own", f"#!{cwd}/own\n")),
    "missing interpreter": (errno.ENOENT, lambda cwd, _: write_script(cwd / "script", "#!/nonexistent/interpreter\n")),
    "CR LF after the interpreter": (errno.ENOENT, lambda cwd, i: write_script(cwd / "script", f"#!{i}\r\n")),
    "no interpreter": (errno.ENOEXEC, lambda cwd, _: write_script(cwd / "script", "#!\n")),
    "spaces only": (errno.ENOEXEC, lambda cwd, _: write_script(cwd / "script", "#!   \n")),
    "not executable": (errno.EACCES, lambda cwd, i: write_script(cwd / "script", f"#!{i}\n", 0o644)),
    "interpreter not executable": (errno.EACCES, lambda cwd, _: write_script(cwd / "script", f"#!{cwd}/fruit\n")),
    "interpreter is a directory": (errno.EACCES, lambda cwd, _: write_script(cwd / "script", f"#!{cwd}\n")),
    "interpreter name cut at 256 bytes": (
        errno.ENOEXEC,
        lambda cwd, _: write_script(cwd / "script", f"#!/{'n' * 300}\n"),
    ),
    "plain text": (errno.ENOEXEC, lambda cwd, _: write_script(cwd / "script", "echo no first line\n")),
    "empty": (errno.ENOEXEC, lambda cwd, _: write_script(cwd / "script", "")),
    "interpreter is plain text": (
        errno.ENOEXEC,
        lambda cwd, _: write_script(cwd / "script", f"#!{cwd}/{Path(write_script(cwd / 'text', 'text')).name}\n"),
    ),
    "a directory": (errno.EACCES, lambda _cwd, _i: "./."),
    "no such file": (errno.ENOENT, lambda _cwd, _i: "./none"),
    "a file as a directory": (errno.ENOTDIR, lambda _cwd, _i: "./fruit/x"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_script_is_refused(name: str, tmp_path: Path, interpreter: str) -> None:
    """What the host's execve refuses pyuk refuses: one line on standard error, status 126, or 127 for ENOENT."""
    (tmp_path / "fruit").write_text("no script")
    wanted, make = REFUSALS[name]
    program = make(tmp_path, interpreter)
    with pytest.raises(OSError) as refused:  # noqa: PT011 - the errno is what is compared
        run_native(program, cwd=tmp_path)
    assert refused.value.errno == wanted, os.strerror(refused.value.errno or 0)
    here = run_pyuk(program, cwd=tmp_path)
    assert here.status == (NOT_FOUND if wanted == errno.ENOENT else CANNOT_EXECUTE), here
    assert here.stdout == b""
    assert here.stderr.count(b"\n") == 1, here
    assert here.stderr.startswith(b"pyuk: ")
