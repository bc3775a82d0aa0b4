"""The one line that says how a process died, for the person who ran it."""

from __future__ import annotations

from pyuk.abi.siginfo import code_name, signal_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.crash import Crash

_RIP = 16


def crash_line(program: str, crash: Crash) -> str:
    """`PROGRAM: killed by SIGSEGV (SEGV_MAPERR) at address 0x0, rip 0x401000 <main+0x10>: mov eax, dword ptr [0]`."""
    info = crash.info
    code = code_name(info.signo, info.code)
    line = f"{program}: killed by {signal_name(info.signo)} ({code})"
    if info.is_fault:
        line += f" at address {info.address:#x}"
    elif info.pid:
        line += f" sent by pid {info.pid}"
    rip = crash.regs[_RIP]
    line += f", rip {rip:#x}"
    symbol = symbol_at(rip, crash.maps)
    if symbol:
        line += f" <{symbol}>"
    if crash.code:
        line += f": {disassemble(crash.code, rip)}"
    return line


def disassemble(code: bytes, address: int) -> str:
    """The instruction at the start of `code`, by capstone; one that this CPU lacks is said to be AVX."""
    from capstone import CS_ARCH_X86, CS_MODE_64, Cs  # 40 ms, only for the dead

    from pyuk.machine.insn import find_vex  # noqa: PLC0415

    for _address, _size, mnemonic, operands in Cs(CS_ARCH_X86, CS_MODE_64).disasm_lite(code, address, 1):
        text = f"{mnemonic} {operands}".rstrip()
        if find_vex(code, 1) == 0:
            text += " (AVX instruction: this CPU is an x86-64-v2)"
        return text
    return "undefined instruction " + code[:4].hex(" ")


def symbol_at(address: int, maps: str) -> str:
    """`name+0xoffset` from the symbol table of the file mapped there, "" where there is none."""
    for line in maps.splitlines():
        fields = line.split(None, 5)
        start, end = (int(bound, 16) for bound in fields[0].split("-"))
        if start <= address < end and len(fields) == 6 and fields[5].startswith("/"):  # noqa: PLR2004
            offset = int(fields[2], 16) + address - start
            return _symbol_in_file(fields[5], offset)
    return ""


def _symbol_in_file(path: str, offset: int) -> str:
    from elftools.common.exceptions import ELFError
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    best = (-1, "")
    try:
        with open(path, "rb") as file:
            elf = ELFFile(file)
            address = _address_of(elf, offset)
            for section in elf.iter_sections():
                if not isinstance(section, SymbolTableSection):
                    continue
                for symbol in section.iter_symbols():
                    value, size = symbol["st_value"], symbol["st_size"]
                    is_code = (
                        symbol["st_info"]["type"] in ("STT_FUNC", "STT_NOTYPE") and symbol["st_shndx"] != "SHN_UNDEF"
                    )
                    inside = value <= address < value + size if size else value <= address
                    if is_code and symbol.name and inside and value > best[0]:
                        best = (value, symbol.name)
    except (OSError, ELFError):
        return ""
    return f"{best[1]}+{address - best[0]:#x}" if best[1] and address is not None else ""


def _address_of(elf: object, offset: int) -> int:
    """The virtual address, before any load bias, of a file offset."""
    for segment in elf.iter_segments("PT_LOAD"):  # type: ignore[attr-defined]  # pyelftools has no types
        if segment["p_offset"] <= offset < segment["p_offset"] + segment["p_filesz"]:
            return int(segment["p_vaddr"] + offset - segment["p_offset"])
    return offset
