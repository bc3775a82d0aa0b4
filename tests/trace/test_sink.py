"""Sinks: when things are written, and that a dead one hurts nobody."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from pyuk.trace.sink import Sink, file_sink

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_written_at_the_end(tmp_path: Path) -> None:
    """Little text costs one write."""
    path = tmp_path / "log"
    sink = file_sink(str(path))
    sink.write("one\n")
    assert path.read_text() == ""
    sink.close()
    assert path.read_text() == "one\n"
    sink.write("late\n")
    sink.close()
    assert path.read_text() == "one\n"


def test_a_lot_is_not_kept(tmp_path: Path) -> None:
    """A long trace goes to its file as it grows."""
    path = tmp_path / "log"
    sink = file_sink(str(path))
    for _ in range(200):
        sink.write("x" * 1000)
    assert path.stat().st_size > 100_000
    sink.close()
    assert path.stat().st_size == 200_000


def test_standard_error_is_written_at_once() -> None:
    """So that it stands among the guest's own output as things happened."""
    reader, writer = os.pipe()
    sink = Sink(writer, buffered=False)
    sink.write("now")
    assert os.read(reader, 10) == b"now"
    os.close(reader)
    sink.write("nobody reads")
    assert sink.dead
    sink.write("still nobody")
    sink.close()
    os.close(writer)


@pytest.mark.parametrize("buffered", [False, True])
def test_a_full_disk_is_no_error(*, buffered: bool) -> None:
    """What cannot be written is lost, and that is all."""
    sink = Sink(os.open("/dev/full", os.O_WRONLY), buffered=buffered, owned=True)
    sink.write("text\n")
    sink.close()
    assert sink.dead


def test_a_file_that_cannot_be_opened_is_said(tmp_path: Path) -> None:
    """Before anything runs."""
    with pytest.raises(FileNotFoundError):
        file_sink(str(tmp_path / "none" / "log"))


def test_a_full_pipe_is_waited_for() -> None:
    """A reader that is slow loses nothing, even where the description does not block."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    sink, seen = Sink(writer, buffered=False), bytearray()

    def read() -> None:
        while len(seen) < 1 << 20:
            seen.extend(os.read(reader, 1 << 16))

    thread = threading.Thread(target=read)
    thread.start()
    sink.write("x" * (1 << 20))
    thread.join()
    assert not sink.dead
    os.close(reader)
    os.close(writer)
