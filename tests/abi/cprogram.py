"""What the host's C headers say: one small program compiled and run, its output as words."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="no gcc")


def printed(headers: Iterable[str], statements: Iterable[str]) -> list[list[str]] | None:
    """The lines that the statements print, split into words; None where they do not compile."""
    source = "#define _GNU_SOURCE\n#include <stdio.h>\n#include <stddef.h>\n"
    source += "".join(f"#include <{header}>\n" for header in headers)
    source += "int main(void) {\n" + "\n".join(statements) + "\nreturn 0; }\n"
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "program"
        built = subprocess.run(["gcc", "-w", "-xc", "-", "-o", str(program)], input=source.encode(), check=False)
        if built.returncode:
            return None
        output = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    return [text.split() for text in output.splitlines()]
