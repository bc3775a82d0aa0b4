"""What stands before a call on its line: the time, the call's number, where it was made; and its time behind it."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.trace.options import Options

_NS = 1_000_000_000


class Stamps:
    """-t, -tt, -ttt, -r, -n and -i of one log."""

    def __init__(self, options: Options, now_ns: Callable[[], int]) -> None:
        self._options = options
        self._now_ns = now_ns
        self._last_ns: int | None = None

    def before(self, number: int | None, rip: int | None) -> str:
        """With blanks behind each; None: nothing is known of it."""
        options = self._options
        text = ""
        if options.clock or options.relative_digits is not None:
            now_ns = self._now_ns()
            if options.clock:
                text = _clock(now_ns, options.clock, options.clock_digits)
            if options.relative_digits is not None:
                since_ns = 0 if self._last_ns is None else now_ns - self._last_ns
                self._last_ns = now_ns
                relative = f"{since_ns // _NS:6}{_fraction(since_ns, options.relative_digits)}"
                text += f"(+{relative}) " if options.clock else f"{relative} "
        if options.has_number:
            text += "[????] " if number is None else f"[{number:4}] "
        if options.has_ip:
            text += "[????????????????] " if rip is None else f"[{rip:016x}] "
        return text


def duration(elapsed_ns: int, digits: int) -> str:
    """-T: ` <0.000024>`."""
    return f" <{elapsed_ns // _NS}{_fraction(elapsed_ns, digits)}>"


def _clock(now_ns: int, clock: str, digits: int) -> str:
    seconds = now_ns // _NS
    whole = str(seconds) if clock == "unix" else time.strftime("%H:%M:%S", time.localtime(seconds))
    return f"{whole}{_fraction(now_ns, digits)} "


def _fraction(value_ns: int, digits: int) -> str:
    return f".{value_ns % _NS:09}"[: digits + 1] if digits else ""
