"""Somebody at a terminal: starts a program there, waits for what it shows, types, and says what was on the screen."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

_PATIENCE_S = 40


class Typist:
    """One terminal with one program, which leads the terminal's session."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], rows: int = 24, columns: int = 80
    ) -> None:
        self.master, slave = os.openpty()
        self.resize(rows, columns)
        self.process = subprocess.Popen(
            command, cwd=cwd, env=dict(environment), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509  # no lock of this process is needed there
        )  # fmt: skip
        os.close(slave)
        self.screen = b""
        self._seen = 0

    def resize(self, rows: int, columns: int) -> None:
        """Another size of the window."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text: bytes) -> None:
        """Until the program shows something that it has not shown before the last wait."""
        deadline = time.monotonic() + _PATIENCE_S
        while (at := self.screen.find(text, self._seen)) < 0:
            left = deadline - time.monotonic()
            assert left > 0, f"{text!r} does not come after {self.screen!r}"
            if not self._look(min(left, 1)):
                assert self.process.poll() is None, f"the program has ended without {text!r}: {self.screen!r}"
        self._seen = at + len(text)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.master, keys)

    def answer(self, prompt: bytes, keys: bytes) -> None:
        """Wait, and press keys."""
        self.wait_for(prompt)
        self.type(keys)

    def settings(self) -> list[object]:
        """tcgetattr(3) of the terminal, as whoever sits there sees it."""
        return termios.tcgetattr(self.master)

    def wait_for_settings(self, wanted: list[object]) -> None:
        """Until the terminal has these."""
        deadline = time.monotonic() + _PATIENCE_S
        while (settings := self.settings()) != wanted:
            assert time.monotonic() < deadline, f"the settings stay {settings}"
            time.sleep(0.01)

    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns, _, _ = struct.unpack("HHHH", fcntl.ioctl(self.master, termios.TIOCGWINSZ, bytes(8)))
        return rows, columns

    def end(self, *, keep: bool = False) -> int:
        """Look until the program has ended; gives its status. keep: leave the terminal on."""
        deadline = time.monotonic() + _PATIENCE_S
        while self._look(1) or self.process.poll() is None:
            assert time.monotonic() < deadline, f"the program does not end after {self.screen!r}"
        status = self.process.wait()
        if not keep:
            self.close()
        return status

    def close(self) -> None:
        """Switch the terminal off."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _look(self, seconds: float) -> bool:
        """Whether there was something to see."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        self.screen += data
        return bool(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
