"""When guest RAM is full, oom_score_adj decides who is killed, and not the size alone (proc(5))."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.native import run_pyuk

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import os, signal, sys, time

def child(adjustment, megabytes):
    pid = os.fork()
    if pid == 0:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write(adjustment)
        kept = [bytearray(b"x" * 1048576) for _ in range(megabytes)]
        time.sleep(1000)
    return pid

small = child("1000", 4)
while open(f"/proc/{small}/oom_score_adj").read() != "1000\\n":
    time.sleep(0.001)
hog = child("0", 1000)
first, status = os.wait()
print(first == small, os.WTERMSIG(status))
second, status = os.wait()
print(second == hog, os.WTERMSIG(status))
"""


def test_adjusted_first(tmp_path: Path) -> None:
    """A small process that offers itself dies before the one that eats all memory; that is the next."""
    (tmp_path / "program.py").write_text(PROGRAM)
    outcome = run_pyuk("/usr/bin/python3", ["-I", "-S", "program.py"], cwd=tmp_path, options=("--memory", "128M"))
    assert outcome.stdout == b"True 9\nTrue 9\n", outcome
