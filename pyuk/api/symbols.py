"""Names in a guest's program and libraries: from a symbol to its address, by pyelftools."""

from __future__ import annotations

import os
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Process
    from pyuk.mm.space import AddressSpace

_N_FIELDS = 6


class Symbols:
    """The symbols of every file mapped in one address space; the program's own come first."""

    def __init__(self, process: Process, space: AddressSpace) -> None:
        self._process = process
        self._space = space

    def address_of(self, name: str) -> int:
        """Where the symbol is; `name+offset` too. Errors: LookupError nobody has it."""
        symbol, plus, offset = name.partition("+")
        for path, bias in self._files():
            value = _symbols_of(path, _version(path)).get(symbol)
            if value is not None:
                return value + bias + (int(offset, 0) if plus else 0)
        raise LookupError(f"no symbol {symbol} in the program or its libraries")

    def _files(self) -> list[tuple[str, int]]:
        """Path and load bias of each mapped file, in the order of the addresses of their first bytes."""
        found: dict[str, int] = {}
        for line in self._space.maps().splitlines():
            fields = line.split(None, _N_FIELDS - 1)
            if len(fields) == _N_FIELDS and fields[5].startswith("/") and not int(fields[2], 16):
                start = int(fields[0].partition("-")[0], 16)
                found.setdefault(fields[5], start - _first_address(fields[5], _version(fields[5])))
        program = os.fsdecode(self._process.exe.path)
        return sorted(found.items(), key=lambda item: item[0] != program)


def _version(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns


@lru_cache(maxsize=64)
def _symbols_of(path: str, _version: tuple[int, int]) -> dict[str, int]:
    """Value by name, of what is defined; a file that cannot be read has none."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    found: dict[str, int] = {}
    try:
        with open(path, "rb") as file:
            for section in ELFFile(file).iter_sections():
                if isinstance(section, SymbolTableSection):
                    for symbol in section.iter_symbols():
                        if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
                            found.setdefault(symbol.name, symbol["st_value"])
    except (OSError, ELFError):
        return {}
    return found


@lru_cache(maxsize=64)
def _first_address(path: str, _version: tuple[int, int]) -> int:
    """The address that the file gives its first byte."""
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile

    try:
        with open(path, "rb") as file:
            segments = [s["p_vaddr"] - s["p_offset"] for s in ELFFile(file).iter_segments("PT_LOAD")]
    except (OSError, ELFError):
        return 0
    return int(min(segments, default=0)) & -4096
