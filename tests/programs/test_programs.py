"""Real programs: what they write and how they end is what they write and how they end natively."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests import ToolMissingError
from tests.native import Outcome, run_native, run_pyuk
from tests.programs.cases import PROGRAMS, Case
from tests.scrub import scrub_output


def run_both(case: Case, tmp_path: Path, stdin: bytes = b"") -> tuple[Outcome, Outcome]:
    """Run a case natively and on pyuk; skip when its program is not installed."""
    try:
        program = case.start(tmp_path)
    except ToolMissingError as error:
        pytest.skip(str(error))
    native = run_native(program, case.args, cwd=tmp_path, stdin=stdin)
    return native, run_pyuk(program, case.args, cwd=tmp_path, stdin=stdin)


@pytest.mark.parametrize("case", PROGRAMS, ids=str)
def test_output_and_status_are_native(case: Case, tmp_path: Path) -> None:
    """Standard output, standard error and the exit status equal the host's, but for HOST_DIFFERENCES."""
    native, here = run_both(case, tmp_path)
    assert (here.status, here.signal) == (native.status, native.signal), here
    cwd = str(tmp_path)
    assert scrub_output(here.stdout, case.name, cwd=cwd) == scrub_output(native.stdout, case.name, cwd=cwd)
    assert scrub_output(here.stderr, case.name, cwd=cwd) == scrub_output(native.stderr, case.name, cwd=cwd)


STDIN_PROGRAMS = (
    Case("programs/cat-stdin", "/bin/cat"),
    Case("programs/sort-stdin", "/usr/bin/sort", ("-u",)),
    Case("programs/sha256sum-stdin", "/usr/bin/sha256sum"),
    Case("programs/busybox-cat-stdin", "/bin/busybox", ("cat",)),
)


@pytest.mark.parametrize("case", STDIN_PROGRAMS, ids=str)
def test_standard_input_is_the_callers(case: Case, tmp_path: Path) -> None:
    """A guest reads what is piped to pyuk, more than a pipe holds at once."""
    lines = b"".join(b"%d\n" % (number * 7919 % 20011) for number in range(20_000))
    native, here = run_both(case, tmp_path, lines)
    assert (here.status, here.stdout, here.stderr) == (native.status, native.stdout, native.stderr)
