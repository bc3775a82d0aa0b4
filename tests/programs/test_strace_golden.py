"""`pyuk strace` writes what the host's strace writes about the same program, line for line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests import ToolMissingError
from tests.native import strace_native, strace_pyuk
from tests.programs.cases import CASES, Case
from tests.record_golden import golden_trace, why_golden_is_silent
from tests.scrub import misaligned_lines, scrub_trace

GOLDEN = [case for case in CASES if case.golden]


def start(case: Case, tmp_path: Path, where: str) -> tuple[str, Path]:
    """Make the directory `where` ("host" or "pyuk": of one length, as getcwd's result shows) and what runs in it."""
    directory = tmp_path / where
    directory.mkdir(exist_ok=True)
    try:
        return case.start(directory), directory
    except ToolMissingError as error:
        pytest.skip(str(error))


def pyuk_trace(case: Case, tmp_path: Path) -> str:
    """Return what `pyuk strace` writes, scrubbed."""
    program, directory = start(case, tmp_path, "pyuk")
    _, log = strace_pyuk(program, case.args, cwd=directory)
    assert misaligned_lines(log) == []
    return scrub_trace(log, case.name, cwd=str(directory))


def host_trace(case: Case, tmp_path: Path) -> str:
    """Return what the host's strace writes, scrubbed."""
    program, directory = start(case, tmp_path, "host")
    _, log = strace_native(program, case.args, cwd=directory)
    assert misaligned_lines(log) == []
    return scrub_trace(log, case.name, cwd=str(directory))


def read_golden(case: Case) -> str:
    """Return the recorded log; skip where it says nothing about this host."""
    try:
        reason = why_golden_is_silent(case)
    except ToolMissingError as error:
        reason = str(error)
    if reason:
        pytest.skip(reason)
    return golden_trace(case).read_text(encoding="utf-8", errors="surrogateescape")


@pytest.mark.usefixtures("host_strace")
@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_golden_is_the_hosts(case: Case, tmp_path: Path) -> None:
    """The recorded log is what the host's strace says now: the scrubber leaves nothing that changes from run to run."""
    assert host_trace(case, tmp_path) == read_golden(case)


@pytest.mark.parametrize("case", GOLDEN, ids=str)
def test_trace_equals_golden(case: Case, tmp_path: Path) -> None:
    """pyuk's log equals the one recorded from strace. On a mismatch it is written beside it as NAME.actual."""
    wanted = read_golden(case)
    trace = pyuk_trace(case, tmp_path)
    actual = golden_trace(case).with_suffix(".actual")
    if trace != wanted:
        actual.write_text(trace, encoding="utf-8", errors="surrogateescape")
    else:
        actual.unlink(missing_ok=True)
    assert trace == wanted, f"the whole log is in {actual}"


@pytest.mark.usefixtures("host_strace")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_trace_equals_fresh_strace(case: Case, tmp_path: Path) -> None:
    """pyuk's log equals the one strace makes on this host now, whatever libraries it has."""
    wanted = host_trace(case, tmp_path)
    assert pyuk_trace(case, tmp_path) == wanted
