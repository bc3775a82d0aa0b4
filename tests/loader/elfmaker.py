"""Tiny ELF files, byte by byte, so that a test can make any field wrong."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

ET_EXEC, ET_DYN = 2, 3
PT_LOAD, PT_INTERP, PT_NOTE, PT_GNU_STACK = 1, 3, 4, 0x6474E551
R, W, X = 4, 2, 1
PAGE = 4096

EXIT_0 = bytes.fromhex("b83c000000 31ff 0f05".replace(" ", ""))
"""mov eax, 60; xor edi, edi; syscall"""


@dataclass(frozen=True)
class Segment:
    """One program header; what is None follows from the others."""

    type: int = PT_LOAD
    flags: int = R | X
    offset: int = 0
    vaddr: int = 0x400000
    filesz: int | None = None
    memsz: int | None = None
    align: int = PAGE

    def pack(self, file_bytes: int) -> bytes:
        filesz = file_bytes - self.offset if self.filesz is None else self.filesz
        memsz = filesz if self.memsz is None else self.memsz
        return struct.pack(
            "<IIQQQQQQ", self.type, self.flags, self.offset, self.vaddr, self.vaddr, filesz, memsz, self.align
        )


@dataclass(frozen=True)
class Elf:
    """A file: the header, the program headers right behind it, the code, then `data` at the next page's start.

    The first segment covers the whole file unless told otherwise; the code's address is `code_offset` in it.
    """

    segments: tuple[Segment, ...] = (Segment(),)
    type: int = ET_EXEC
    machine: int = 62
    ident: bytes = b"\x7fELF\2\1\1" + bytes(9)
    entry: int | None = None
    phoff: int = 64
    phentsize: int = 56
    phnum: int | None = None
    code: bytes = EXIT_0
    data: bytes = b""
    interp: bytes | None = None
    order: str = "<"
    extra: dict[str, int] = field(default_factory=dict)

    def but(self, **changes: object) -> Elf:
        """The same file with other fields."""
        return replace(self, **changes)  # type: ignore[arg-type]

    @property
    def code_offset(self) -> int:
        n = len(self.segments) + (self.interp is not None)
        return 64 + 56 * n + len(self.interp or b"")

    def build(self) -> bytes:
        """The file's bytes."""
        segments = list(self.segments)
        n = len(segments) + (self.interp is not None)
        interp_at = 64 + 56 * n
        if self.interp is not None:
            segments.insert(0, Segment(PT_INTERP, R, interp_at, interp_at, len(self.interp), len(self.interp), 1))
        body = (self.interp or b"") + self.code
        n_bytes = interp_at + len(body)
        if self.data:
            body += bytes(-n_bytes % PAGE) + self.data
            n_bytes = interp_at + len(body)
        first = next((s for s in segments if s.type == PT_LOAD), None)
        entry = self.entry
        if entry is None:
            entry = self.code_offset + (first.vaddr - first.offset if first else 0)
        phnum = n if self.phnum is None else self.phnum
        header = struct.pack(
            self.order + "16sHHIQQQIHHHHHH", self.ident, self.type, self.machine, 1, entry & (1 << 64) - 1, self.phoff,
            0, 0, 64, self.phentsize, phnum, 0, 0, 0,
        )  # fmt: skip
        return header + b"".join(s.pack(n_bytes) for s in segments) + body


EXEC = Elf()
"""A static program at 0x400000 that exits with 0."""
STATIC_PIE = Elf(type=ET_DYN, segments=(Segment(vaddr=0),))
"""The same without an address of its own; also good as an interpreter."""
