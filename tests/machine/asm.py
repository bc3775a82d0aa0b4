"""Machine code from a few lines of assembler, in Intel syntax; each text is assembled once."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.guests import BUILD_DIR

_CACHE = BUILD_DIR / "asm"
_SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr


@cache
def assemble(source: str) -> bytes:
    """The bytes of `source`, which may use its own labels. AssertionError with gcc's words if it is wrong."""
    kept = _CACHE / hashlib.sha256(source.encode()).hexdigest()[:24]
    try:
        return kept.read_bytes()
    except FileNotFoundError:
        pass
    _CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE) as scratch:
        file = Path(scratch) / "code.o"
        text = f".intel_syntax noprefix\n.text\n{source}\n"
        command = ["gcc", "-c", "-x", "assembler", "-o", str(file), "-"]
        made = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert made.returncode == 0, f"{made.stderr}\n{source}"
        code = _text_of(file.read_bytes())
        done = Path(scratch) / "code.bin"
        done.write_bytes(code)
        done.replace(kept)
    return code


def _text_of(elf: bytes) -> bytes:
    """The contents of .text, an object file's first section after the null one."""
    (table,) = struct.unpack_from("<Q", elf, 0x28)  # e_shoff
    _name, _kind, _flags, _address, offset, size, *_rest = _SECTION.unpack_from(elf, table + _SECTION.size)
    return elf[offset : offset + size]
