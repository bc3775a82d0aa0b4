"""Guests that wait for what the host's programs do to files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests import guest


def _start(command: list[str], directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pyuk", "run", *command], cwd=directory, stdout=subprocess.PIPE, text=True
    )


def test_a_guest_is_told_what_the_host_does(tmp_path: Path) -> None:
    """Files that appear, change, move and go are told, in order; that the host opens them is not."""
    with _start([str(guest("tools/tell_events").build())], tmp_path) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        file = tmp_path / "file"
        file.write_text("text")
        file.rename(tmp_path / "other")
        (tmp_path / "other").unlink()
        (tmp_path / "end").touch()
        told = running.stdout.read().splitlines()
    assert running.returncode == 0
    assert told == ["100 file", "2 file", "40 file", "80 other", "200 other", "100 end"]


def test_tail_follows_a_file_of_the_host(tmp_path: Path) -> None:
    """What the host appends is printed, and tail(1) sleeps until then."""
    if shutil.which("tail") is None:
        pytest.skip("tail is not installed (Debian package coreutils)")
    log = tmp_path / "log"
    log.write_text("old\n")
    with _start(["/usr/bin/tail", "-f", "log"], tmp_path) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "old\n"
        for line in ("one\n", "two\n"):
            with log.open("a") as appended:
                appended.write(line)
            assert running.stdout.readline() == line
        running.terminate()
    assert running.returncode in (128 + 15, -15)
