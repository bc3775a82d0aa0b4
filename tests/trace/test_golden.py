"""pyuk's log is strace's, line for line: for programs that make every call with good, odd and bad arguments."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.trace import oracle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", oracle.PROGRAMS)
def test_recorded_run(name: str, tmp_path: Path) -> None:
    """The recorded run gives the text that the host's strace wrote when it was recorded."""
    golden = (oracle.GOLDEN / f"{name}.txt").read_text()
    actual = oracle.replayed_trace(oracle.GOLDEN / f"{name}.json.gz", tmp_path)
    wanted, found = oracle.scrub(golden).splitlines(), oracle.scrub(actual).splitlines()
    wrong = [pair for pair in zip(wanted, found, strict=False) if pair[0] != pair[1]]
    assert wrong == []
    assert len(wanted) == len(found)


@pytest.mark.usefixtures("host_strace")
@pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")
@pytest.mark.parametrize("name", oracle.PROGRAMS)
def test_live_run(name: str, tmp_path: Path) -> None:
    """The same with a fresh build on this host: two tracers of one native program."""
    oracle.build(name, tmp_path)
    wanted = oracle.scrub(oracle.host_trace([f"./{name}"], tmp_path))
    assert oracle.scrub(oracle.own_trace([f"./{name}"], tmp_path)).splitlines() == wanted.splitlines()


@pytest.mark.corpus
@pytest.mark.usefixtures("host_strace")
@pytest.mark.parametrize(
    "command",
    [
        "/bin/true",
        "/bin/ls -l /etc",
        "/bin/cat /etc/passwd",
        "/usr/bin/sha256sum /bin/true",
        "/usr/bin/expr 1 + 2",
        "/usr/bin/seq 5",
        "/usr/bin/sort /etc/passwd",
        "/usr/bin/find /etc/apt",
        "/usr/bin/stat /etc",
        "/usr/bin/od -c /etc/hostname",
        "/bin/dd if=/dev/zero of=/dev/null bs=1M count=3 status=none",
    ],
)
def test_debian_programs(command: str, tmp_path: Path) -> None:
    """Debian's own programs, dynamic, through the run-time linker."""
    argv = command.split()
    if shutil.which(argv[0]) is None:
        pytest.skip(f"no {argv[0]}")
    wanted = oracle.scrub(oracle.host_trace(argv, tmp_path))
    assert oracle.scrub(oracle.own_trace(argv, tmp_path)).splitlines() == wanted.splitlines()
