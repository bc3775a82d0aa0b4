"""What the options of `pyuk run` show to a program, and what it cannot do there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests import REPOSITORY, guest

ENOENT, EROFS, EXDEV, EBUSY = -2, -30, -18, -16


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """A static program in a directory of its own; `here` beside it is to run it in."""
    directory = Path(os.path.realpath(tmp_path)) / "bin"
    directory.mkdir()
    (directory.parent / "here").mkdir()
    return Path(shutil.copy(guest("tools/names").build(), directory / "names"))


def pyuk(tool: Path | str, *words: str, cwd: Path, options: tuple[str, ...] = ()) -> list[str]:
    """A line for each thing done; errors are negative numbers."""
    done = subprocess.run(
        [sys.executable, "-m", "pyuk", "run", *options, tool, *words], cwd=cwd, capture_output=True, check=False,
        text=True, timeout=60, env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    return [line.rstrip() for line in done.stdout.splitlines()]


def refused(cwd: Path, *options: str) -> tuple[int, str]:
    """Status and message of a command line that starts nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "pyuk", "run", *options, "/bin/true"], cwd=cwd, capture_output=True, check=False,
        text=True, timeout=60, env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
    )  # fmt: skip
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.returncode, done.stderr


def test_default(tool: Path) -> None:
    """The working directory can be written, the rest only read; /tmp is the guest's own, with the program in it."""
    here = tool.parent.parent / "here"
    (here.parent / "beside").write_text("hidden or not to be written")
    words = ("cwd", "write", "file", "text", "write", "/etc/new", "x", "write", str(tool.parent / "x"), "x")
    assert pyuk(tool, *words, cwd=here) == [str(here), "ok", str(EROFS), str(EROFS)]
    assert (here / "file").read_text() == "text"
    assert pyuk(tool, "write", "/tmp/new", "x", "read", "/tmp/new", cwd=here) == ["ok", "x"]  # noqa: S108
    assert not Path("/tmp/new").exists()  # noqa: S108
    assert pyuk(tool, "rename", "file", "/tmp/file", cwd=here) == [str(EXDEV)]  # noqa: S108
    assert "hosts" in pyuk(tool, "list", "/etc", cwd=here)[0].split()


def test_read_only(tool: Path) -> None:
    """Nothing of the host's can be written, memory can."""
    here = tool.parent.parent / "here"
    words = ("write", "file", "x", "make", "dir", "write", "/tmp/x", "x")  # noqa: S108
    assert pyuk(tool, *words, cwd=here, options=("--read-only",)) == [str(EROFS), str(EROFS), "ok"]
    assert list(here.iterdir()) == []


def test_root(tool: Path) -> None:
    """Another tree is `/`, and no link, `..` or descriptor leads out of it."""
    jail = tool.parent.parent / "jail"
    jail.mkdir()
    shutil.copy(tool, jail)
    (jail.parent / "secret").write_text("outside")
    for name, target in (("absolute", str(jail.parent / "secret")), ("up", "../secret"), ("self", "/proc/self/root")):
        (jail / name).symlink_to(target)
    options = ("--root", str(jail))
    words = ("cwd", "read", "absolute", "read", "up", "read", "../secret", "read", "/proc/1000/root/secret",
             "read", "self/../secret", "read", "/proc/self/cwd/../secret", "write", "new", "x")  # fmt: skip
    answers = pyuk("/names", *words, cwd=jail.parent, options=options)
    assert answers == ["/", *[str(ENOENT)] * 6, "ok"]
    assert (jail / "new").read_text() == "x"
    assert {"dev", "proc", "sys", "names"} <= set(pyuk("/names", "list", "/", cwd=jail, options=options)[0].split())
    assert sorted(path.name for path in jail.iterdir()) == ["absolute", "names", "new", "self", "up"]
    assert pyuk("/names", "write", "y", "x", cwd=jail, options=(*options, "--read-only")) == [str(EROFS)]


def test_bind(tool: Path) -> None:
    """Host directories and files elsewhere in the tree: to be written, read, or written in memory only."""
    here, shown = tool.parent.parent / "here", tool.parent.parent / "shown"
    shown.mkdir()
    (shown / "file").write_text("old")
    wanted = ((":ro", str(EROFS), "old"), (":cow", "ok", "old"), (":rw", "ok", "new"), ("", "ok", "new"))
    for mode, answer, left in wanted:
        option = f"{shown}:/made/up{mode}"
        assert pyuk(tool, "write", "/made/up/file", "new", cwd=here, options=("--bind", option)) == [answer]
        assert (shown / "file").read_text() == left
    options = ("--bind", f"{shown}/file:/file", "--tmpfs", "/x/y")
    assert pyuk(tool, "read", "/file", "list", "/x/y", cwd=here, options=options) == ["new", ". .."]


def test_overlay(tool: Path) -> None:
    """Everything can be written and nothing of it reaches the host, but for a directory that keeps it."""
    here, kept = tool.parent.parent / "here", tool.parent.parent / "kept"
    (here / "file").write_text("old")
    words = ("write", "file", "new", "read", "file", "write", "/etc/pyuk-test", "x", "read", "/etc/pyuk-test")
    for option in ("--overlay", f"--overlay={kept}"):
        kept.mkdir(exist_ok=True)
        answers = pyuk(tool, *words, cwd=here, options=(option,))
        assert answers[:2] == ["ok", "new"]
        assert answers[2:] == ["ok", "x"] or os.geteuid() != 0
        assert (here / "file").read_text() == "old"
        assert not Path("/etc/pyuk-test").exists()
    assert pyuk(tool, "read", "file", cwd=here, options=(f"--overlay={kept}",)) == ["new"]
    assert pyuk(tool, "read", "file", cwd=here, options=("--overlay",)) == ["old"]


def test_directory_and_search(tool: Path) -> None:
    """-C names the directory that can be written; a program that only PATH knows is found where /tmp hides it."""
    here = tool.parent.parent / "here"
    assert pyuk(tool, "cwd", "write", "f", "x", cwd=Path("/"), options=("-C", str(here))) == [str(here), "ok"]
    path = f"PATH={tool.parent}"
    done = subprocess.run(
        ["env", path, sys.executable, "-m", "pyuk", "run", "names", "cwd"], cwd=here, capture_output=True, text=True,
        check=False, env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
    )  # fmt: skip
    assert (done.returncode, done.stdout.rstrip()) == (0, str(here))


def test_mount_points_stay(tool: Path) -> None:
    """They are neither renamed nor removed."""
    here = tool.parent.parent / "here"
    options = ("--tmpfs", "/tmp/x")  # noqa: S108
    words = ("rename", "/tmp/x", "/tmp/y", "remove", "/tmp/x", "make", "/tmp/x")  # noqa: S108
    assert pyuk(tool, *words, cwd=here, options=options) == [str(EBUSY), str(EBUSY), "-17"]


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        (("--bind", "nowhere"), 2, "not HOST:GUEST"),
        (("--bind", "/etc:relative"), 2, "not HOST:GUEST"),
        (("--bind", "/etc:/x:wild"), 2, "the mode is ro, rw or cow"),
        (("--tmpfs", "relative"), 2, "not an absolute path"),
        (("--root", "/", "--bind", "/:/"), 2, "one too many"),
        (("--bind", "/nonexistent/x:/y"), 125, "No such file or directory"),
        (("--root", "/nonexistent"), 125, "No such file or directory"),
        (("--bind", "/etc/hostname:/etc"), 125, "Not a directory"),
        (("-C", "/nonexistent"), 125, "No such file or directory"),
    ],
)
def test_refusals(tmp_path: Path, options: tuple[str, ...], status: int, text: str) -> None:
    """One line, and the status of a command line not understood or of a failure of pyuk's own."""
    got, message = refused(tmp_path, *options)
    assert (got, text in message) == (status, True), message
