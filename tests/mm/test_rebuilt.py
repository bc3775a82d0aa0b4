"""One kernel, one path, many programs: what the host puts there is what runs, and never what was there before."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from pyuk.system import System

if TYPE_CHECKING:
    from pathlib import Path

N_BUILDS = 12
SOURCE = """
    .globl _start
_start:
    mov $60, %eax
    mov ${status}, %edi
    {padding}
    syscall
"""


def build(program: Path, status: int) -> None:
    """A static program that exits with that status, linked anew over the old file."""
    source = program.with_suffix(".S")
    source.write_text(SOURCE.format(status=status, padding="nop\n" * (status % 3)), encoding="utf-8")
    subprocess.run(["gcc", "-nostdlib", "-static", "-no-pie", "-o", str(program), str(source)], check=True)


def test_a_rebuilt_program_is_never_served_stale(tmp_path: Path) -> None:
    """Rebuilt by the linker, rewritten in place with its size kept, or replaced by rename: the new bytes run."""
    system = System(memory_bytes=64 << 20)
    program = tmp_path / "program"
    path = os.fsencode(program)

    def run() -> int:
        return system.run(system.start(path, [path], []))

    try:
        for status in range(N_BUILDS):
            build(program, status)
            assert run() == status
            assert run() == status
        image = program.read_bytes()
        at = image.index(bytes((0xBF, N_BUILDS - 1, 0, 0, 0)))  # mov $N, %edi
        for status in range(100, 110):
            with program.open("r+b") as file:
                file.seek(at + 1)
                file.write(bytes((status,)))
            assert run() == status
        for status in range(50, 55):
            build(tmp_path / "other", status)
            (tmp_path / "other").rename(program)
            assert run() == status
        assert system.machine.ram.n_used - system.cache.n_frames < 64
    finally:
        system.close()
