"""Who takes part: each way to run a static x86-64 program, and which of them this machine has."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

from bench.guests import REPOSITORY, hello_world
from bench.measure import refusal, run

QILING_VARIABLE = "PYUK_QILING_PYTHON"
DEFAULT_QILING_PYTHON = REPOSITORY / ".venv-qiling" / "bin" / "python"


@dataclass(slots=True)
class Contestants:
    """The commands that a program's path is appended to, by name, and in one line why the others cannot run."""

    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def find_contestants(qiling_python: str | None) -> Contestants:
    """Try every contestant on hello_world; who does not print what the host prints is absent, with one line why."""
    program = str(hello_world())
    expected = run([program]).stdout
    found = Contestants()
    for name, command in _candidates(qiling_python).items():
        if command and shutil.which(command[0]) is None:
            path = Path(command[0])
            found.absent[name] = f"no {path.relative_to(REPOSITORY) if path.is_relative_to(REPOSITORY) else path.name}"
            continue
        reason = refusal(run([*command, program]), expected)
        if name == "floor" and not reason:
            reason = refusal(run([*command, "--self-test"]), b"")
        if reason:
            found.absent[name] = reason
        else:
            found.commands[name] = command
    return found


def _candidates(qiling_python: str | None) -> dict[str, tuple[str, ...]]:
    python = sys.executable
    script = Path(python).parent / "pyuk"
    qiling = qiling_python or os.environ.get(QILING_VARIABLE) or str(DEFAULT_QILING_PYTHON)
    return {
        "native": (),
        # The floor's CPU model, so that a libc picks the same routines in all three.
        "qemu": ("qemu-x86_64", "-cpu", "Westmere"),
        "floor": (python, "-m", "bench.floor"),
        "pyuk": (python, "-m", "pyuk", "run"),
        "pyuk command": (str(script), "run"),
        "qiling": (qiling, "-m", "bench.qiling_run"),
    }
