"""Programs made wrong in one way each: pyuk refuses, kills or lays out exactly as the host's execve(2) does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from tests.loader.elfmaker import (
    EXEC,
    EXIT_0,
    PAGE,
    PT_GNU_STACK,
    PT_INTERP,
    PT_NOTE,
    STATIC_PIE,
    Elf,
    R,
    Segment,
    W,
    X,
)  # fmt: skip
from tests.loader.guestside import Guests, differences
from tests.loader.hostexec import Someone, execve, needs_native

pytestmark = needs_native

TWO_PAGES = EXIT_0.ljust(PAGE, b"\xcc") + b"\xdd" * 100
LD_SO = b"/lib64/ld-linux-x86-64.so.2\0"
PIE = STATIC_PIE.but(interp=b"interp\0")
DYN = STATIC_PIE.build()


def exec_of(*segments: Segment, **fields: object) -> bytes:
    """A program with an address of its own."""
    return Elf(segments=segments).but(**fields).build()


def pie_of(*segments: Segment, **fields: object) -> bytes:
    """A static PIE, or with interp a PIE."""
    return Elf(segments=segments, type=3).but(**fields).build()


def text(**fields: int) -> Segment:
    """The file's first page."""
    return Segment(**{"filesz": PAGE, **fields})


def second(**fields: int) -> Segment:
    """The file's second page."""
    return Segment(**{"vaddr": 0x401000, "offset": PAGE, **fields})


LAYOUTS: dict[str, bytes] = {
    "static": EXEC.build(),
    "static-pie": DYN,
    "pie": PIE.build(),
    "two segments": exec_of(text(), second(flags=R | W), data=TWO_PAGES),
    "bss in page": exec_of(text(), second(filesz=10, memsz=100, flags=R | W), data=TWO_PAGES),
    "bss beyond": exec_of(text(), second(memsz=0x5001, flags=R | W), data=TWO_PAGES),
    "bss exact": exec_of(text(), second(filesz=PAGE, memsz=0x3000, flags=R | W), data=TWO_PAGES),
    "bss alone": exec_of(Segment(), Segment(vaddr=0x500000, filesz=0, memsz=0x2345, flags=R | W)),
    "bss alone unaligned": exec_of(Segment(), Segment(vaddr=0x500123, filesz=0, memsz=0x2345, flags=R | W)),
    "bss alone first": exec_of(Segment(vaddr=0x300000, filesz=0, memsz=0x2000, flags=R | W), Segment(), entry=0x4000B0),
    "bss not writable": exec_of(text(), second(filesz=10, memsz=0x3000, flags=R), data=TWO_PAGES),
    "bss executable": exec_of(text(), second(filesz=10, memsz=0x3000, flags=R | W | X), data=TWO_PAGES),
    "bss between": exec_of(
        text(),
        second(filesz=10, memsz=0x3000, flags=R | W),
        Segment(vaddr=0x405000, offset=PAGE, filesz=10, flags=R | W),
        data=TWO_PAGES,
    ),
    "bss of text": exec_of(Segment(memsz=0x3000)),
    "out of order": exec_of(text(vaddr=0x500000), text(), entry=0x5000B0),
    "overlapping": exec_of(text(), text(vaddr=0x400000, offset=PAGE, flags=R), data=TWO_PAGES),
    "overlapping bss": exec_of(Segment(memsz=0x5000, flags=R | W | X), Segment(vaddr=0x402000, flags=R)),
    "same page twice": exec_of(Segment(filesz=200), Segment(vaddr=0x400000, filesz=300, flags=R | W | X)),
    "hole": pie_of(text(vaddr=0), Segment(vaddr=0x10000, offset=PAGE, flags=R | W), data=TWO_PAGES),
    "pie hole": pie_of(
        text(vaddr=0), Segment(vaddr=0x10000, offset=PAGE, flags=R | W), data=TWO_PAGES, interp=b"interp\0"
    ),
    "pie out of order": pie_of(text(vaddr=0x5000, flags=R), text(vaddr=0), entry=0xB0, interp=b"interp\0"),
    "static-pie out of order": pie_of(text(vaddr=0x5000, flags=R), text(vaddr=0), entry=0xB0),
    "pie with vaddr": pie_of(Segment(vaddr=0x123000), interp=b"interp\0"),
    "static-pie with vaddr": pie_of(Segment(vaddr=0x123000)),
    "static-pie bss first": pie_of(Segment(vaddr=0, filesz=0, memsz=0x1000, flags=R | W), Segment(vaddr=0x2000)),
    "pie bss first": pie_of(
        Segment(vaddr=0, filesz=0, memsz=0x1000, flags=R | W), Segment(vaddr=0x2000), interp=b"interp\0"
    ),
    "pie bss": pie_of(
        text(vaddr=0), Segment(vaddr=0x1000, offset=PAGE, memsz=0x5000, flags=R | W), data=TWO_PAGES, interp=b"interp\0"
    ),
    "static-pie bss": pie_of(
        text(vaddr=0), Segment(vaddr=0x1000, offset=PAGE, memsz=0x5000, flags=R | W), data=TWO_PAGES
    ),
    "pie 2M aligned": pie_of(Segment(vaddr=0, align=0x200000), interp=b"interp\0"),
    "pie 1G aligned": pie_of(Segment(vaddr=0, align=1 << 30), interp=b"interp\0"),
    "pie 64T aligned": pie_of(Segment(vaddr=0, align=1 << 46), interp=b"interp\0"),
    "pie 128T aligned": pie_of(Segment(vaddr=0, align=1 << 47), interp=b"interp\0"),
    "pie 2**63 aligned": pie_of(Segment(vaddr=0, align=1 << 63), interp=b"interp\0"),
    "pie aligned 0": pie_of(Segment(vaddr=0, align=0), interp=b"interp\0"),
    "pie aligned 3": pie_of(Segment(vaddr=0, align=3), interp=b"interp\0"),
    "static-pie 2M aligned": pie_of(Segment(vaddr=0, align=0x200000)),
    "static-pie 1G aligned": pie_of(Segment(vaddr=0, align=1 << 30)),
    "static-pie 128T aligned": pie_of(Segment(vaddr=0, align=1 << 47)),
    "static-pie 2M aligned with vaddr": pie_of(Segment(vaddr=0x201000, align=0x200000)),
    "exec 2M aligned": exec_of(Segment(vaddr=0x401000, align=0x200000)),
    "aligned 1": exec_of(Segment(align=1)),
    "unaligned but congruent": exec_of(Segment(vaddr=0x400040, offset=0x40), entry=0x400078),
    "not congruent": exec_of(Segment(vaddr=0x400001)),
    "not congruent by a sector": exec_of(Segment(vaddr=0x400200, offset=0)),
    "second not congruent": exec_of(Segment(), Segment(vaddr=0x500001)),
    "write only": exec_of(Segment(flags=W)),
    "exec only": exec_of(Segment(flags=X)),
    "no rights": exec_of(Segment(flags=0)),
    "read only": exec_of(Segment(flags=R)),
    "odd flags": exec_of(Segment(flags=0xFFFFFFF8 | R | X)),
    "rwx": exec_of(Segment(flags=R | W | X)),
    "stack rw": exec_of(Segment(), Segment(PT_GNU_STACK, R | W, filesz=0)),
    "stack rwx": exec_of(Segment(), Segment(PT_GNU_STACK, R | W | X, filesz=0)),
    "stack x only": exec_of(Segment(), Segment(PT_GNU_STACK, X, filesz=0)),
    "offset beyond the file": exec_of(text(offset=0x10000)),
    "second beyond the file": exec_of(Segment(), text(vaddr=0x500000, offset=0x10000)),
    "bss of beyond the file": exec_of(
        Segment(), Segment(vaddr=0x500000, offset=0x10000, filesz=10, memsz=20, flags=R | W)
    ),
    "bss of beyond the file, read only": exec_of(
        Segment(), Segment(vaddr=0x500000, offset=0x10000, filesz=10, memsz=20, flags=R)
    ),
    "entry beyond the file": exec_of(Segment(filesz=0x3000), entry=0x402000),
    "entry unmapped": exec_of(Segment(), entry=0x700000),
    "entry 0": exec_of(Segment(), entry=0),
    "entry in the hole": exec_of(Segment(), entry=0x8000_0000_0000),
    "entry at the end": exec_of(Segment(), entry=0x7FFF_FFFF_F000),
    "entry below the end": exec_of(Segment(), entry=0x7FFF_FFFF_EFFF),
    "entry in the kernel": exec_of(Segment(), entry=0xFFFF_FFFF_8000_0000),
    "pie entry wraps": PIE.but(entry=-0x1000).build(),
    "static-pie entry wraps": STATIC_PIE.but(entry=(1 << 64) - 0x1000).build(),
    "phdrs in no segment": exec_of(second(), data=TWO_PAGES, entry=0x401000),
    "phdrs behind": exec_of(Segment(), phoff=64),
}

REFUSALS: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\x7f",
    "magic only": b"\x7fELF",
    "text": b"hello\n",
    "zeros": bytes(5000),
    **{
        f"cut at {n}": EXEC.build()[:n]
        for n in (5, 16, 17, 18, 20, 24, 32, 40, 54, 56, 58, 60, 62, 63, 64, 65, 100, 119)
    },
    "cut behind phdrs": EXEC.build()[:120],
    "big-endian": EXEC.but(order=">", ident=b"\x7fELF\2\2\1" + bytes(9)).build(),
    "big-endian mark only": EXEC.but(ident=b"\x7fELF\2\2\1" + bytes(9)).build(),
    "class 32 mark only": EXEC.but(ident=b"\x7fELF\1\1\1" + bytes(9)).build(),
    "version 9": EXEC.but(ident=b"\x7fELF\2\1\x09" + bytes(9)).build(),
    "osabi": EXEC.but(ident=b"\x7fELF\2\1\1\x09" + bytes(8)).build(),
    **{f"type {n}": EXEC.but(type=n).build() for n in (0, 1, 4, 0xFE00, 0xFFFF)},
    **{f"machine {n}": EXEC.but(machine=n).build() for n in (0, 2, 7, 40, 183, 243, 0xFFFF)},
    **{f"phentsize {n}": EXEC.but(phentsize=n).build() for n in (0, 32, 55, 57, 0xFFFF)},
    **{f"phnum {n}": EXEC.but(phnum=n).build() for n in (0, 2, 3, 74, 1170, 1171, 0xFFFF)},
    **{
        f"phoff {n:#x}": EXEC.but(phoff=n).build()
        for n in (0, 1, 63, 65, 0x1000, 1 << 31, 1 << 62, 1 << 63, (1 << 64) - 1)
    },
    "phdrs overlap the header": EXEC.but(phoff=0).build(),
    "no PT_LOAD": exec_of(Segment(PT_NOTE)),
    "no PT_LOAD, static-pie": pie_of(Segment(PT_NOTE)),
    "no PT_LOAD, pie": pie_of(Segment(PT_NOTE), interp=b"interp\0"),
    "all sizes 0": exec_of(Segment(filesz=0, memsz=0)),
    "all sizes 0, static-pie": pie_of(Segment(vaddr=0, filesz=0, memsz=0)),
    "all sizes 0, pie": pie_of(Segment(vaddr=0, filesz=0, memsz=0), interp=b"interp\0"),
    "memsz < filesz": exec_of(Segment(memsz=8)),
    "memsz 0": exec_of(Segment(memsz=0)),
    "second memsz < filesz": exec_of(Segment(), Segment(vaddr=0x500000, memsz=8)),
    **{
        f"vaddr {vaddr:#x}": exec_of(Segment(vaddr=vaddr))
        for vaddr in (
            0,
            0x1000,
            0xF000,
            0x10000,
            0x7FFF_FFF0_0000,
            0x7FFF_FFFD_D000,
            0x7FFF_FFFD_E000,
            0x7FFF_FFFF_D000,
            0x7FFF_FFFF_E000,
            0x7FFF_FFFF_F000,
            0x8000_0000_0000,
            0xFFFF_8000_0000_0000,
            0xFFFF_FFFF_FFFF_F000,
        )
    },
    **{
        f"second vaddr {vaddr:#x}": exec_of(Segment(), Segment(vaddr=vaddr, flags=R | W))
        for vaddr in (
            0,
            0x10000,
            0x7FFF_FFF0_0000,
            0x7FFF_FFFD_E000,
            0x7FFF_FFFF_D000,
            0x7FFF_FFFF_F000,
            0x8000_0000_0000,
            0xFFFF_FFFF_FFFF_F000,
        )
    },
    **{
        f"{kind} memsz {memsz:#x}": make(Segment(vaddr=vaddr, memsz=memsz, flags=R | W | X), interp=interp)
        for kind, make, vaddr, interp in (
            ("exec", exec_of, 0x400000, None),
            ("static-pie", pie_of, 0, None),
            ("pie", pie_of, 0, b"interp\0"),
        )
        for memsz in (1 << 20, 1 << 36, 1 << 40, 0x7FFF_FFBF_F000, 0x7FFF_FFBF_E000, 1 << 47, 1 << 63, (1 << 64) - 1)
    },
    **{
        f"{kind} filesz {filesz:#x}": make(Segment(vaddr=vaddr, filesz=filesz), interp=interp)
        for kind, make, vaddr, interp in (
            ("exec", exec_of, 0x400000, None),
            ("static-pie", pie_of, 0, None),
            ("pie", pie_of, 0, b"interp\0"),
        )
        for filesz in (1 << 19, 1 << 20, 1 << 36, 1 << 46, 1 << 47, 1 << 63, (1 << 64) - 4096, (1 << 64) - 1)
    },
    **{
        f"offset {offset:#x}": exec_of(Segment(offset=offset, filesz=PAGE))
        for offset in (1 << 32, 1 << 43, 1 << 44, 1 << 62, (1 << 63) - 4096, 1 << 63, (1 << 64) - 4096)
    },
    "pt_interp 1 byte": exec_of(Segment(PT_INTERP, offset=0, filesz=1), Segment()),
    "pt_interp 4097 bytes": exec_of(Segment(PT_INTERP, offset=0, filesz=4097), Segment(), data=bytes(8192)),
    "pt_interp 4096 bytes": exec_of(
        Segment(PT_INTERP, offset=PAGE, filesz=4096), Segment(), data=b"a/" * 2047 + b"a\0"
    ),
    "pt_interp not ended": PIE.but(interp=b"interp").build(),
    "pt_interp beyond the file": exec_of(Segment(PT_INTERP, offset=1 << 20, filesz=9), Segment()),
    "pt_interp at 2**63": exec_of(Segment(PT_INTERP, offset=1 << 63, filesz=9), Segment()),
    "pt_interp no name": PIE.but(interp=b"\0\0").build(),
    "pt_interp name with NUL": PIE.but(interp=b"interp\0more\0").build(),
    "two pt_interp": pie_of(Segment(vaddr=0), Segment(PT_INTERP, offset=0, filesz=9), interp=b"interp\0"),
}

INTERPRETERS: dict[str, bytes] = {
    "static-pie": DYN,
    "with bss": pie_of(text(vaddr=0), Segment(vaddr=0x1000, offset=PAGE, memsz=0x5000, flags=R | W), data=TWO_PAGES),
    "with vaddr": pie_of(Segment(vaddr=0x33000)),
    "2M aligned": pie_of(Segment(vaddr=0, align=0x200000)),
    "exec": exec_of(Segment(vaddr=0x600000)),
    "exec over the program": exec_of(Segment(flags=R | W | X)),
    "exec over the stack": exec_of(Segment(vaddr=0x7FFF_FFFF_D000)),
    "exec with bss over the program": exec_of(Segment(vaddr=0x3FF000, memsz=0x3000)),
    "empty": b"",
    "short": DYN[:63],
    "header only": DYN[:64],
    "text": b"#!/bin/sh\n" + b"#" * 100,
    "machine 3": STATIC_PIE.but(machine=3).build(),
    "type 1": STATIC_PIE.but(type=1).build(),
    "type 4": STATIC_PIE.but(type=4).build(),
    "phnum 0": STATIC_PIE.but(phnum=0).build(),
    "phnum 9": STATIC_PIE.but(phnum=9).build(),
    "phentsize 1": STATIC_PIE.but(phentsize=1).build(),
    "no PT_LOAD": pie_of(Segment(PT_NOTE)),
    "all sizes 0": pie_of(Segment(vaddr=0, filesz=0, memsz=0)),
    "memsz < filesz": pie_of(Segment(vaddr=0, memsz=8)),
    "not congruent": pie_of(Segment(vaddr=1)),
    "far too large": pie_of(Segment(vaddr=0, memsz=1 << 47)),
    "in the kernel": exec_of(Segment(vaddr=0xFFFF_FFFF_8000_0000)),
    "entry wraps": STATIC_PIE.but(entry=(1 << 64) - 0x1000).build(),
    "entry in the hole": STATIC_PIE.but(entry=1 << 47).build(),
    "bss beyond its file": pie_of(
        Segment(vaddr=0), Segment(vaddr=0x5000, offset=PAGE, filesz=9, memsz=19, flags=R | W)
    ),
    "with an interpreter": PIE.but(interp=b"nowhere\0").build(),
    "bss first": pie_of(Segment(vaddr=0, filesz=0, memsz=0x1000, flags=R | W), Segment(vaddr=0x2000)),
}


def put(path: Path, data: bytes, mode: int = 0o755) -> str:
    """Write a file; gives its path."""
    path.write_bytes(data)
    path.chmod(mode)
    return str(path)


def check(directory: Path, path: str, argv: list[str] | None = None, *, uid: int | None = None) -> None:
    """Both sides on one file."""
    guests = Guests(str(directory))
    creds = Someone() if uid is None else Someone(uid, uid, uid, uid)
    native = execve(path, argv, {"A": "b"}, cwd=str(directory), uid=uid)
    outcome = guests.execve(path, argv, {"A": "b"}, creds=creds)
    assert differences(native, outcome) == []
    guests.finish(outcome)
    guests.close()


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(tmp_path: Path, name: str) -> None:
    """Odd but mostly good: the same map, entry, brk and saved positions, or the same death."""
    put(tmp_path / "interp", DYN)
    check(tmp_path, put(tmp_path / "program", LAYOUTS[name]))


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal(tmp_path: Path, name: str) -> None:
    """Mostly bad: the same errno, the same death inside execve, or the same map."""
    put(tmp_path / "interp", DYN)
    check(tmp_path, put(tmp_path / "program", REFUSALS[name]))


@pytest.mark.parametrize("program", ["pie", "exec"])
@pytest.mark.parametrize("name", INTERPRETERS)
def test_interpreter(tmp_path: Path, name: str, program: str) -> None:
    """The same for a PT_INTERP's file."""
    put(tmp_path / "interp", INTERPRETERS[name])
    data = PIE.build() if program == "pie" else EXEC.but(interp=b"interp\0").build()
    check(tmp_path, put(tmp_path / "program", data))


@pytest.mark.parametrize(
    "name", ["/nonexistent/ld.so", "missing", ".", "/", "program", "locked", "program/x", "/dev/null", "link", "loop"]
)
def test_interpreter_that_is_no_good_file(tmp_path: Path, name: str) -> None:
    """Missing, a directory, itself, no x bit, a file as a directory, a device, a link, a loop of links."""
    put(tmp_path / "locked", DYN, 0o644)
    (tmp_path / "link").symlink_to(put(tmp_path / "interp", DYN))
    (tmp_path / "loop").symlink_to("loop")
    check(tmp_path, put(tmp_path / "program", PIE.but(interp=os.fsencode(name) + b"\0").build()))


def test_missing_interpreter_is_named(tmp_path: Path) -> None:
    """The reason says which file it was."""
    path = put(tmp_path / "program", PIE.but(interp=b"/lib/ld-none.so\0").build())
    outcome = Guests(str(tmp_path)).execve(path)
    assert outcome.reason == "interpreter /lib/ld-none.so: No such file or directory"


@pytest.mark.parametrize(
    "path",
    ["program", "./program", "missing", "", ".", "/", "program/", "program/x", "sub", "fifo", "x" * 256, "x/" * 2048],
)
def test_path(tmp_path: Path, path: str) -> None:
    """What can stand where a program should."""
    put(tmp_path / "program", EXEC.build())
    (tmp_path / "sub").mkdir()
    os.mkfifo(tmp_path / "fifo", 0o777)
    check(tmp_path, path)


@pytest.mark.skipif(os.getuid() != 0, reason="changes its user")
@pytest.mark.parametrize("mode", [0, 0o1, 0o10, 0o100, 0o11, 0o644, 0o744, 0o754, 0o745, 0o555])
@pytest.mark.parametrize("uid", [0, 12345])
@pytest.mark.parametrize("owner", [(0, 0), (12345, 0), (0, 12345)])
def test_x_bits(mode: int, uid: int, owner: tuple[int, int]) -> None:
    """Owner, group and others have an x bit each; any of them is enough for root."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own is for root alone
        directory = Path(name)
        directory.chmod(0o755)
        path = put(directory / "program", EXEC.build(), mode)
        os.chown(path, *owner)
        Path(path).chmod(mode)
        check(directory, path, uid=uid)


@pytest.mark.parametrize(
    "line",
    [
        b"#!interp\n", b"#!interp", b"#! interp\n", b"#!\tinterp \t\n", b"#!interp -x\n", b"#!interp -x  y z \n",
        b"#!interp\0\n", b"#!interp\0junk\n", b"#!\0", b"#!\n", b"#! ", b"#!", b"#!interp\r\n",
        b"#!missing\n", b"#!.\n", b"#!locked\n", b"#!script\n", b"#!text\n",
        b"#!" + b" " * 246 + b"interp", b"#!" + b" " * 247 + b"interp", b"#!" + b" " * 247 + b"interp\n",
        b"#!" + b" " * 248 + b"interp\n", b"#!" + b" " * 300 + b"interp\n", b"#!interp " + b"a" * 300 + b"\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("argv", [["script"], ["other", "a", "b c"], []])
def test_script(tmp_path: Path, line: bytes, argv: list[str]) -> None:
    """The first line decides, and argv is rewritten (the lengths show in the saved positions)."""
    put(tmp_path / "interp", DYN)
    put(tmp_path / "text", b"text")
    put(tmp_path / "locked", DYN, 0o644)
    check(tmp_path, "./" + Path(put(tmp_path / "script", line)).name, argv)


@pytest.mark.parametrize("depth", range(1, 8))
@pytest.mark.parametrize("last", ["program", "missing"])
def test_nested_scripts(tmp_path: Path, depth: int, last: str) -> None:
    """Five `#!` lines one after the other, then ELOOP; a missing file is noticed first."""
    put(tmp_path / "program", EXEC.build())
    for i in range(depth):
        put(
            tmp_path / f"script{i}", f"#!script{i + 1} arg{i}\n".encode() if i + 1 < depth else f"#!{last} x\n".encode()
        )
    check(tmp_path, "script0")


@pytest.mark.parametrize(
    ("count", "length"),
    [
        (233007, 0),
        (233008, 0),
        (233009, 0),
        (233010, 0),
        (233011, 0),
        (233012, 0),
        (1, 131071),
        (1, 131072),
        (16, 130000),
        (17, 130000),
    ],
)
def test_large_arguments(tmp_path: Path, count: int, length: int) -> None:
    """E2BIG at the same place, and the same stack below it."""
    put(tmp_path / "program", EXEC.build())
    check(tmp_path, "program", ["x" * length] * count)
