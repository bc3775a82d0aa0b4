"""Random seccomp filters on the host and on pyuk: the same are taken, and the same calls get the same answers."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.guests import guest
from tests.native import place, run_native, run_pyuk

ALLOW, ERRNO, TRAP, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x00030000, 0x80000000
GETPRIORITY = 140
CONSTANTS = (0, 1, 2, 3, 31, 32, 33, 64, 0x7FF, 0x7FFF0000, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
ARITHMETIC = [
    0x04,
    0x0C,
    0x14,
    0x1C,
    0x24,
    0x2C,
    0x34,
    0x3C,
    0x44,
    0x4C,
    0x54,
    0x5C,
    0x64,
    0x6C,
    0x74,
    0x7C,
    0x84,
    0xA4,
    0xAC,
]
JUMPS = [0x05, 0x15, 0x1D, 0x25, 0x2D, 0x35, 0x3D, 0x45, 0x4D]
STORES = [0x02, 0x03, 0x60, 0x61]
OTHERS = [0x00, 0x01, 0x07, 0x87, 0x80, 0x81]
BAD = [0x28, 0x30, 0x40, 0x94, 0x9C, 0xB1, 0x0E, 0xFF, 0x8C, 0x100]

Insn = tuple[int, int, int, int]
# Other calls than getpriority are allowed before anything else is looked at.
HEAD: list[Insn] = [(0x20, 0, 0, 0), (0x15, 1, 0, GETPRIORITY), (0x06, 0, 0, ALLOW)]
# What has been computed becomes an errno.
TAIL: list[Insn] = [(0x54, 0, 0, 0x7FF), (0x44, 0, 0, ERRNO), (0x16, 0, 0, 0)]


def random_insn(rng: random.Random, n_left: int) -> Insn:
    """One instruction; n_left follow it, so that jumps mostly end within the program."""
    kind = rng.random()
    k = rng.choice(CONSTANTS)
    if kind < 0.3:
        return rng.choice(ARITHMETIC), 0, 0, rng.choice((k, rng.randrange(1, 32)))
    if kind < 0.55:
        return 0x20, 0, 0, 4 * rng.randrange(16) if rng.random() < 0.97 else rng.choice(CONSTANTS)
    if kind < 0.7:
        code = rng.choice(JUMPS)
        near = rng.randrange(n_left + 1) if rng.random() < 0.97 else k
        return (code, 0, 0, near) if code == 0x05 else (code, rng.randrange(n_left + 1) & 0xFF, near & 0xFF, k)
    if kind < 0.82:
        return rng.choice(STORES), 0, 0, rng.randrange(3) if rng.random() < 0.98 else 16
    if kind < 0.97:
        return rng.choice(OTHERS), 0, 0, k
    if kind < 0.985:
        return 0x06, 0, 0, rng.choice((ALLOW, ERRNO | 5, TRAP, KILL_PROCESS, 0x00040000))
    return rng.choice(BAD), 0, 0, k


def random_program(rng: random.Random) -> bytes:
    """A filter as the guest reads it."""
    n_body = rng.randrange(1, 25)
    stores = [(0x02, 0, 0, cell) for cell in range(3)] if rng.random() < 0.8 else []
    body = [random_insn(rng, n_body - i - 1 + len(TAIL) - 1) for i in range(n_body)]
    insns = [*HEAD, *stores, *body, *(TAIL if rng.random() < 0.97 else [])]
    return struct.pack("<H", len(insns)) + b"".join(struct.pack("<HBBI", *insn) for insn in insns)


@pytest.mark.parametrize("seed", range(3))
def test_random_filters(seed: int, tmp_path: Path) -> None:
    """Which filters are taken, and what they make of eight calls each."""
    rng = random.Random(seed)  # noqa: S311  # no secret
    programs = b"".join(random_program(rng) for _ in range(150))
    program = place(guest("tools/bpf_run"), tmp_path)
    native = run_native(program, cwd=tmp_path, stdin=programs)
    here = run_pyuk(program, cwd=tmp_path, stdin=programs)
    lines = native.stdout.decode().splitlines()
    assert len(lines) == 150
    assert sum(line.startswith("0 8 ") for line in lines) > 20
    assert sum(line.startswith("-22 ") for line in lines) > 10
    assert here.stdout.decode().splitlines() == lines
