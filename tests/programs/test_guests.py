"""Every guest that ends by itself: natively first, since only what passes on Linux may judge pyuk, then on pyuk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests import Guest, ToolMissingError, guests
from tests.native import place, run_native, run_pyuk
from tests.scrub import scrub_output

GUESTS = guests(
    "hello",
    "cpu",
    "fpu",
    "mm",
    "loader",
    "sys",
    "process",
    "proc",
    "poll",
    "file",
    "tty",
    "tmpfs",
    "net",
    "ptrace",
    "seccomp",
    "time",
)

pytestmark = pytest.mark.parametrize("guest", GUESTS, ids=str)


def run_guest(guest: Guest, tmp_path: Path, where: str, options: tuple[str, ...] = ()) -> tuple[str, str]:
    """Run a guest on the "host" or on "pyuk" in a new directory; return what it wrote, scrubbed."""
    directory = tmp_path / where
    directory.mkdir()
    try:
        program = place(guest, directory)
    except ToolMissingError as error:
        pytest.skip(str(error))
    if where == "host":
        outcome = run_native(program, guest.args, cwd=directory)
    else:
        outcome = run_pyuk(program, guest.args, cwd=directory, options=options)
    assert outcome.signal is None, outcome
    assert outcome.status == guest.status, outcome
    out, err = (scrub_output(text, guest.name, cwd=str(directory)) for text in (outcome.stdout, outcome.stderr))
    return out, err


def test_passes_natively(guest: Guest, tmp_path: Path) -> None:
    """The host's kernel does what the guest's comment claims."""
    run_guest(guest, tmp_path, "host")


@pytest.mark.usefixtures("pyuk_has_it")
def test_passes_on_pyuk(guest: Guest, tmp_path: Path) -> None:
    """pyuk does it too, and the guest writes what it writes natively, to standard output and to standard error."""
    native_out, native_err = run_guest(guest, tmp_path, "host")
    out, err = run_guest(guest, tmp_path, "pyuk")
    assert (out, err) == (native_out, native_err)


@pytest.mark.usefixtures("pyuk_has_it")
def test_tracing_changes_nothing(guest: Guest, tmp_path: Path) -> None:
    """With --strace the guest ends and writes as natively: the tracer only looks."""
    native_out, _ = run_guest(guest, tmp_path, "host")
    out, _ = run_guest(guest, tmp_path, "pyuk", ("--strace",))
    assert out == native_out
