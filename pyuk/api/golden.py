"""Golden traces: the log of a run as it once was right, in a file beside the tests."""

from __future__ import annotations

import difflib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_N_LINES = 60


class Goldens:
    """The golden files of one directory."""

    def __init__(self, directory: Path, *, update: bool) -> None:
        self._directory = directory
        self._update = update

    def __call__(self, name: str) -> Golden:
        """The one of this name."""
        return Golden(self._directory / f"{name}.strace", update=self._update)


class Golden:
    """One file, which is written anew with --pyuk-update-golden."""

    def __init__(self, path: Path, *, update: bool) -> None:
        self.path = path
        self._update = update

    def difference(self, trace: str) -> str:
        """What is different in this trace, "" for nothing."""
        if self._update:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(trace, encoding="latin-1")
            return ""
        try:
            wanted = self.path.read_text(encoding="latin-1")
        except FileNotFoundError:
            return f"strace: there is no {self.path}: --pyuk-update-golden writes it"
        if wanted == trace:
            return ""
        lines = list(
            difflib.unified_diff(wanted.splitlines(), trace.splitlines(), str(self.path), "this run", lineterm="", n=3)
        )
        more = [f"... and {len(lines) - _N_LINES} lines more"] if len(lines) > _N_LINES else []
        return "strace:\n  " + "\n  ".join(lines[:_N_LINES] + more)
