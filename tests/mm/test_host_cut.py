"""A file that the host cuts while a guest maps it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.guests import guest

if TYPE_CHECKING:
    from pathlib import Path

SIGBUS = 7


@pytest.mark.parametrize("command", [[], [sys.executable, "-m", "pyuk", "run"]], ids=["native", "pyuk"])
def test_pages_behind_a_host_s_cut_are_sigbus(command: list[str], tmp_path: Path) -> None:
    """A shared page that was there, and stored to, is SIGBUS once another process has truncated the file."""
    program, file = guest("tools/touch_after_line").build(), tmp_path / "file"
    file.write_bytes(bytes(8192))
    child = subprocess.Popen(
        [*command, str(program), str(file)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"mapped\n"
    os.truncate(file, 100)
    child.stdin.write(b"\n")
    child.stdin.close()
    child.stdout.close()
    assert child.wait(30) in (-SIGBUS, 128 + SIGBUS)
