"""Files changed at random, by seed: whatever the host's execve(2) makes of one, pyuk makes the same of it.

PYUK_FUZZ_SEEDS=1000:2000 runs others than the usual few hundred.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.loader.elfmaker import EXIT_0, PAGE, PT_GNU_STACK, PT_INTERP, PT_LOAD, PT_NOTE, Elf, R, Segment, W, X
from tests.loader.guestside import Guests, differences
from tests.loader.hostexec import execve, needs_native

pytestmark = needs_native

SEEDS = range(*map(int, os.environ.get("PYUK_FUZZ_SEEDS", "0:24").split(":")))
FILES_PER_SEED = 25
DATA = EXIT_0.ljust(PAGE, b"\xcc") + bytes(range(1, 201))
THP_BYTES = 2 << 20
LSM_MMAP_MIN_ADDR = 65536
PHDR = struct.Struct("<IIQQQQQQ")

NUMBERS = (
    0, 1, 2, 7, 8, 0x3F, 0x40, 0x78, 0xFFF, 0x1000, 0x1001, 0x2000, 0x10000, 0x1FFFFF, 0x200000, 0x7FFFFFFF,
    1 << 31, 1 << 32, 1 << 40, 0x5555_5555_4000, 0x5555_5555_5000, 0x7FFF_F7FF_F000, 0x7FFF_FFFD_E000, 0x7FFF_FFFF_DFFF,
    0x7FFF_FFFF_E000, 0x7FFF_FFFF_EFFF, 0x7FFF_FFFF_F000, 1 << 47, 1 << 62, (1 << 63) - 4096, 1 << 63, (1 << 64) - 4096,
    (1 << 64) - 1,
)  # fmt: skip


def segment(rng: random.Random, base: int) -> Segment:
    """A segment that is mostly plausible, page numbers small, so that they meet one another."""
    vaddr = base + rng.choice([0, 0, 0x40, 0x123]) + rng.randrange(8) * PAGE
    offset = rng.randrange(4) * PAGE + (vaddr & 0xFFF if rng.random() < 0.95 else 0)
    filesz = rng.choice([0, 10, 100, 0xFFF, PAGE, 0x1001, 0x2345, 0x4000])
    memsz = filesz + rng.choice([0, 0, 0, 1, 100, 0xFFF, PAGE, 0x3456])
    return Segment(
        rng.choices([PT_LOAD, PT_NOTE, PT_GNU_STACK], [20, 1, 1])[0],
        rng.choice([R | X, R | W, R | W | X, R, W, X, 0]),
        offset, vaddr, filesz, memsz, rng.choice([0, 1, PAGE, PAGE, PAGE, 0x2000, 0x10000, 0x10001]),
    )  # fmt: skip


def layout(rng: random.Random) -> bytes:
    """A text segment somewhere among random ones."""
    kind = rng.choice([2, 3])
    base = 0x400000 if kind == 2 else rng.choice([0, 0, 0x10000])
    segments = [segment(rng, base) for _ in range(rng.randrange(4))]
    at = base + rng.randrange(10) * PAGE
    segments.insert(rng.randrange(len(segments) + 1), Segment(vaddr=at, offset=PAGE, filesz=PAGE, flags=R | X))
    interp = rng.choice([None, b"interp\0"])
    return Elf(tuple(segments), kind, entry=at, data=DATA, interp=interp).build()


def fields(rng: random.Random) -> bytes:
    """A good file with one to three words of its headers overwritten by an odd number."""
    data = bytearray(layout(rng))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        n_headers = data[56]
        at = rng.choice(
            [16, 18, 24, 32, 54, 56, *(64 + 56 * i + field for i in range(n_headers) for field in range(0, 56, 8))]
        )
        size = 2 if at in (16, 18, 54, 56) else 8
        value = rng.choice(NUMBERS) + rng.choice([0, 0, 0, 1, -1, PAGE, -PAGE])
        data[at : at + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
    return bytes(data)


def noise(rng: random.Random) -> bytes:
    """A good file with some bits of its headers turned."""
    data = bytearray(layout(rng))
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = rng.randrange(min(len(data), 64 + 56 * 4))
        data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def cut(rng: random.Random) -> bytes:
    """A file that ends too early."""
    data = layout(rng)
    return data[: rng.randrange(rng.choice([64, 300, len(data)]))]


def shebang(rng: random.Random) -> bytes:
    """A script's first line of whatever may matter in it."""
    parts = [b"#!", b"interp", b"program", b" ", b"\t", b"\n", b"\0", b"/", b"./", b"a", b"x" * 100, b" " * 120, b"\r"]
    return (
        b"#!" + b"".join(rng.choice(parts) for _ in range(rng.randrange(1, 9))) + rng.choice([b"", b"\n", b"\nmore\n"])
    )


MAKERS: list[Callable[[random.Random], bytes]] = [layout, fields, noise, cut, shebang]


@pytest.mark.parametrize("seed", SEEDS)
def test_as_the_host(tmp_path: Path, seed: int) -> None:
    """The program, and often its interpreter too, are random. Refusals, deaths and layouts are the host's."""
    rng = random.Random(seed)  # noqa: S311  # not a secret
    guests = Guests(str(tmp_path))
    program, interp = tmp_path / "program", tmp_path / "interp"
    for file in (program, interp):
        file.touch(0o755)
    found: list[str] = []
    for i in range(FILES_PER_SEED):
        make = rng.choice(MAKERS)
        program.write_bytes(make(rng))
        interp.write_bytes(rng.choice([layout, layout, fields, noise, cut])(rng))
        native = execve("./program", ["program", "x"], {"A": "b"}, cwd=str(tmp_path))
        outcome = guests.execve("./program", ["program", "x"], {"A": "b"})
        different = differences(native, outcome)
        if different and not may_move(program.read_bytes(), interp.read_bytes()):
            found.append(f"file {i} ({make.__name__}): {different}")
            keep(tmp_path, f"{seed}-{i}")
        guests.finish(outcome)
    guests.close()
    assert not found, "\n".join(found)


def may_move(*files: bytes) -> bool:
    """Whether pyuk is known to choose another place than the host for one of the files.

    The host puts a file mapping of 2 MiB at a multiple of 2 MiB (thp_get_unmapped_area). It moves a wish below
    mmap_min_addr up there even for root, whom it lets map there if told exactly.
    """
    for data in files:
        phdrs = (PHDR.unpack_from(data, at) for at in range(64, min(len(data), 64 + 56 * 8) - 55, 56))
        loads = [(vaddr, memsz) for kind, _, _, vaddr, _, _, memsz, _ in phdrs if kind == PT_LOAD]
        if not loads:
            continue
        extent = max(vaddr + memsz for vaddr, memsz in loads) - min(vaddr for vaddr, _ in loads)
        if extent >= THP_BYTES - PAGE or PAGE <= loads[0][0] < LSM_MMAP_MIN_ADDR:
            return True
    return False


def keep(directory: Path, name: str) -> None:
    """Copies of the files, for whoever looks into it."""
    for file in ("program", "interp"):
        (directory / f"{file}-{name}").write_bytes((directory / file).read_bytes())


def test_pt_interp_is_known() -> None:
    """The fuzzer's own files are good ones before they are changed."""
    assert Elf(interp=b"interp\0").build()[64] == PT_INTERP
