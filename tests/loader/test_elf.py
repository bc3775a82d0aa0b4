"""What is refused for its headers, with which errno and in which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pyuk.abi.errno import EIO, ELIBBAD, ENOEXEC, SyscallError
from pyuk.fs.hostfs import HostFs
from pyuk.loader.elf import (
    EHDR_BYTES,
    EXSTACK_DEFAULT,
    EXSTACK_DISABLE_X,
    EXSTACK_ENABLE_X,
    parse_interpreter,
    parse_program,
)  # fmt: skip
from pyuk.loader.image import Image
from tests.loader.elfmaker import EXEC, PT_GNU_STACK, PT_INTERP, PT_NOTE, STATIC_PIE, Elf, R, Segment, W, X

MakeImage = Callable[[bytes], Image]

_HOST = HostFs()


@pytest.fixture
def image(tmp_path: Path) -> MakeImage:
    """Makes an opened file of bytes."""

    def make(data: bytes) -> Image:
        path = tmp_path / "program"
        path.write_bytes(data)
        return Image(b"program", _HOST.open(None, bytes(path)[1:], 0, 0, 0))

    return make


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"text\n", "not an ELF file"),
        (EXEC.build()[:16], "ELF type 0 is not executable"),
        (EXEC.but(type=1).build(), "an object file, not linked yet"),
        (EXEC.but(type=4).build(), "a core dump"),
        (EXEC.but(machine=183).build(), "program for another machine (AArch64)"),
        (EXEC.but(machine=0x1234).build(), "program for another machine (machine 4660)"),
        (EXEC.but(machine=3, ident=b"\x7fELF\1\1\1" + bytes(9)).build(), "32-bit program (i386)"),
        (EXEC.but(order=">", ident=b"\x7fELF\2\2\1" + bytes(9)).build(), "big-endian program"),
        (EXEC.but(phentsize=32).build(), "program headers of 32 bytes instead of 56"),
        (EXEC.but(phnum=0).build(), "no program headers"),
        (EXEC.but(phnum=1171).build(), "too many program headers (1171)"),
        (EXEC.but(phnum=100).build(), "program headers: file ends too early"),
        (EXEC.but(phoff=1 << 63).build(), "program headers: file offset out of range"),
    ],
)
def test_refused_program(image: MakeImage, data: bytes, reason: str) -> None:
    """Whatever is wrong with the program's own headers is ENOEXEC."""
    with pytest.raises(SyscallError) as caught:
        parse_program(image(data))
    assert (caught.value.errno, caught.value.reason) == (ENOEXEC, reason)


def test_class_and_byte_order_marks_are_not_looked_at(image: MakeImage) -> None:
    """Linux decides by e_machine alone."""
    assert parse_program(image(EXEC.but(ident=b"\x7fELF\1\2\7" + bytes(9)).build())).ehdr.type == 2


@pytest.mark.parametrize(
    ("data", "errno"),
    [
        (b"", EIO),
        (EXEC.build()[: EHDR_BYTES - 1], EIO),
        (b"x" * EHDR_BYTES, ELIBBAD),
        (EXEC.but(machine=3).build(), ELIBBAD),
        (EXEC.but(phnum=100).build(), ELIBBAD),
    ],
)
def test_refused_interpreter(image: MakeImage, data: bytes, errno: int) -> None:
    """An interpreter that is no good is ELIBBAD, one without a whole header EIO."""
    with pytest.raises(SyscallError) as caught:
        parse_interpreter(image(data))
    assert caught.value.errno == errno


@pytest.mark.parametrize(
    ("segment", "errno"),
    [
        (Segment(PT_INTERP, offset=64, filesz=1), ENOEXEC),
        (Segment(PT_INTERP, offset=64, filesz=4097), ENOEXEC),
        (Segment(PT_INTERP, offset=0, filesz=4), ENOEXEC),
        (Segment(PT_INTERP, offset=1 << 20, filesz=10), EIO),
    ],
)
def test_bad_pt_interp(image: MakeImage, segment: Segment, errno: int) -> None:
    """The path must have 2 to 4096 bytes, all in the file, and end with a NUL."""
    elf = parse_program(image(Elf(segments=(segment, Segment())).build()))
    with pytest.raises(SyscallError) as caught:
        elf.interpreter_path()
    assert caught.value.errno == errno


def test_first_pt_interp_counts(image: MakeImage) -> None:
    """Up to its first NUL."""
    second = Segment(PT_INTERP, offset=0, filesz=1)
    elf = STATIC_PIE.but(interp=b"/lib/ld\0junk\0", segments=(Segment(vaddr=0), second))
    assert parse_program(image(elf.build())).interpreter_path() == b"/lib/ld"


@pytest.mark.parametrize(
    ("flags", "stack"), [((), EXSTACK_DEFAULT), ((R | W,), EXSTACK_DISABLE_X), ((R | W, X), EXSTACK_ENABLE_X)]
)
def test_last_pt_gnu_stack_counts(image: MakeImage, flags: tuple[int, ...], stack: int) -> None:
    """Only its PF_X means anything."""
    segments = (Segment(), *(Segment(PT_GNU_STACK, flag) for flag in flags))
    assert parse_program(image(Elf(segments=segments).build())).stack == stack


def test_as_many_headers_as_fit(image: MakeImage) -> None:
    """64 KiB of them, more than the page that is read at first."""
    segments = (Segment(), *(Segment(PT_NOTE, filesz=0) for _ in range(1169)))
    assert len(parse_program(image(Elf(segments=segments).build())).phdrs) == 1170


@pytest.mark.parametrize(
    ("aligns", "expected"),
    [((0,), 0), ((1,), 4096), ((0x200000, 4096), 0x200000), ((3, 0x3000), 0), ((1 << 63,), 1 << 63)],
)
def test_alignment_is_the_largest_power_of_two(image: MakeImage, aligns: tuple[int, ...], expected: int) -> None:
    """p_align of anything else is not looked at."""
    segments = tuple(Segment(align=align) for align in aligns)
    assert parse_program(image(Elf(segments=segments).build())).alignment_bytes() == expected
