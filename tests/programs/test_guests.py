"""Every guest that ends by itself: natively first, since only what passes on Linux may judge pyuk, then on pyuk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests import Guest, guests
from tests.native import Outcome, run_native, run_pyuk
from tests.scrub import scrub_output

GUESTS = guests("hello", "cpu", "fpu", "mm", "loader", "sys")

pytestmark = pytest.mark.parametrize("guest", GUESTS, ids=str)


def check(outcome: Outcome, guest: Guest) -> None:
    """Assert that the program ended by itself with the status its source states."""
    assert outcome.signal is None, outcome
    assert outcome.status == guest.status, outcome


def test_passes_natively(guest: Guest, program: str, tmp_path: Path) -> None:
    """The host's kernel does what the guest's comment claims."""
    check(run_native(program, guest.args, cwd=tmp_path), guest)


@pytest.mark.usefixtures("pyuk_has_it")
def test_passes_on_pyuk(guest: Guest, program: str, tmp_path: Path) -> None:
    """pyuk does it too, and the guest writes what it writes natively, to standard output and to standard error."""
    native = run_native(program, guest.args, cwd=tmp_path)
    here = run_pyuk(program, guest.args, cwd=tmp_path)
    check(here, guest)
    for wrote, wanted in ((here.stdout, native.stdout), (here.stderr, native.stderr)):
        cwd = str(tmp_path)
        assert scrub_output(wrote, guest.name, cwd=cwd) == scrub_output(wanted, guest.name, cwd=cwd)


@pytest.mark.usefixtures("pyuk_has_it")
def test_tracing_changes_nothing(guest: Guest, program: str, tmp_path: Path) -> None:
    """With --strace the guest ends and writes as natively: the tracer only looks."""
    native = run_native(program, guest.args, cwd=tmp_path)
    here = run_pyuk(program, guest.args, cwd=tmp_path, options=["--strace"])
    check(here, guest)
    cwd = str(tmp_path)
    assert scrub_output(here.stdout, guest.name, cwd=cwd) == scrub_output(native.stdout, guest.name, cwd=cwd)
