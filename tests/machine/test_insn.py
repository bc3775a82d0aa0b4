"""Instruction lengths against capstone and the engine, #SS against the host's CPU, VEX instructions found."""

from __future__ import annotations

import contextlib
import itertools
import json
import platform
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import capstone
import pytest
import unicorn
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st
from unicorn import x86_const

from pyuk.machine import insn

PREFIXES = bytes.fromhex("26 2E 36 3E 64 65 66 67 F0 F2 F3") + bytes(range(0x40, 0x50))
EVEX, POP_OR_XOP, VEX = 0x62, 0x8F, b"\xc4\xc5"
EVERY_OPCODE = [bytes((op,)) for op in range(256) if op not in PREFIXES and op != 0x0F] + [
    escape + bytes((op,)) for escape in (b"\x0f", b"\x0f\x38", b"\x0f\x3a") for op in range(256)
]  # fmt: skip
# All of mod, group extensions and SIB forms that a length can depend on; zeros follow
EVERY_OPERAND = tuple(bytes.fromhex(operand) for operand in (
    "C0", "D0", "F8", "00", "05", "10", "38", "40", "45", "85", "04 24", "04 25", "44 24", "44 25", "84 24", "84 25",
))  # fmt: skip

SYSTEM = ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")
MORE = (
    "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
    "/usr/lib/x86_64-linux-gnu/libcrypto.so.3",
    "/usr/bin/python3",
    f"{sysconfig.get_config_var('LIBDIR')}/{sysconfig.get_config_var('INSTSONAME')}",
)


def disassembler(*, skip_data: bool = False) -> capstone.Cs:
    """Capstone in 64-bit mode."""
    made = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    made.skipdata = skip_data
    return made


CAPSTONE = disassembler()


def capstone_length(code: bytes) -> int:
    """Capstone's length of the first instruction of `code`, 0 if it finds none."""
    return next((size for _, size, _, _ in CAPSTONE.disasm_lite(code, 0, 1)), 0)


def split(code: bytes) -> tuple[bytes, bytes]:
    """The prefixes of an instruction, and the rest of it."""
    rest = code.lstrip(PREFIXES)
    return code[: len(code) - len(rest)], rest


def is_capstone_different(code: bytes) -> str:
    """Why capstone's length of this one instruction is not ours, "" if there is no reason."""
    prefixes, rest = split(code)
    first, second = rest[0], rest[1] if len(rest) > 1 else 0
    is_wide = prefixes[-1:] in {bytes((rex,)) for rex in range(0x48, 0x50)}
    is_data16 = b"\x66" in prefixes
    if first in (EVEX, POP_OR_XOP):
        return "EVEX and XOP are not decoded here"
    if is_data16 and not is_wide and (first in (0xE8, 0xE9) or (first == 0x0F and second & 0xF0 == 0x80)):
        return "choice: a near branch obeys 66 in the engine and on AMD, not on Intel"
    if is_data16 and is_wide and first == 0xC2:
        return "capstone bug: RET imm16 given 4 bytes of immediate (SDM vol. 2, RET: C2 iw)"
    if first == 0x0F and second in (0xB9, 0xFF):
        return "capstone bug: UD1 and UD0 without their ModRM (SDM vol. 2, UD)"
    if first == 0x0F and second in (0xA6, 0xA7):
        return "VIA PadLock, no Intel or AMD opcode"
    if (is_data16 or b"\xf2" in prefixes) and first == 0x0F and second == 0x78 and rest[2] < 0xC0:
        return "capstone bug: undefined memory forms of EXTRQ and INSERTQ taken for VMREAD"
    return ""


@cache
def text_of(path: str) -> bytes:
    """The .text section of a host's x86-64 file; skips the test where there is none."""
    if not Path(path).exists():
        pytest.skip(f"no {path}")
    with Path(path).open("rb") as file:
        elf = ELFFile(file)
        section = elf.get_section_by_name(".text")
        if elf["e_machine"] != "EM_X86_64" or section is None:
            pytest.skip(f"no x86-64 code in {path}")
        return bytes(section.data())


def functions_of(path: str) -> Iterator[bytes]:
    """The functions of a file, from the sorted table of .eh_frame_hdr (LSB Core 10.6.2): it outlives `strip`."""
    text = text_of(path)
    with Path(path).open("rb") as file:
        elf = ELFFile(file)
        header, code = elf.get_section_by_name(".eh_frame_hdr"), elf.get_section_by_name(".text")
        assert header is not None
        assert code is not None
        base = header["sh_addr"] - code["sh_addr"]
        table = memoryview(header.data()[12:]).cast("i")
    starts = [base + start for start in table[::2] if 0 <= base + start < len(text)]
    return (text[start:end] for start, end in itertools.pairwise([*starts, len(text)]))


def disagreements(path: str) -> Iterator[str]:
    """Instructions of the file's code whose length is not what capstone says."""
    text = text_of(path)
    for at, size, mnemonic, operands in disassembler(skip_data=True).disasm_lite(text, 0):
        if mnemonic != ".byte" and insn.length(text, at) != size and not is_capstone_different(text[at : at + size]):
            yield f"{at:#x} {text[at : at + size].hex(' ')} {mnemonic} {operands}: {insn.length(text, at)}"


@pytest.mark.parametrize("path", SYSTEM)
def test_length_agrees_on_libc(path: str) -> None:
    """Every instruction of the host's C library and loader is as long as capstone says."""
    assert list(disagreements(path)) == []


@pytest.mark.slow
@pytest.mark.parametrize("path", MORE)
def test_length_agrees_on_programs(path: str) -> None:
    """Every instruction of libstdc++, libcrypto and Python is as long as capstone says."""
    assert list(disagreements(path)) == []


@pytest.mark.parametrize("prefixes", ["", "66", "67", "F2", "F3", "48", "41", "66 48", "48 66", "67 48", "64", "F2 66"])
def test_length_of_every_opcode_agrees(prefixes: str) -> None:
    """Whatever capstone decodes has its length, for all opcodes of the four maps, all operand forms and prefixes."""
    start = bytes.fromhex(prefixes)
    for opcode, operand in itertools.product(EVERY_OPCODE, EVERY_OPERAND):
        code = start + opcode + operand + bytes(12)
        theirs = capstone_length(code)
        assert theirs in (0, insn.length(code, 0)) or is_capstone_different(code), code.hex(" ")


CODE, STRIDE_BYTES = 0x100000, 32
GIVEN_UP = 0xF1F1F1F1  # the engine's length of what it finds undefined while decoding


def engine(codes: list[bytes]) -> unicorn.Uc:
    """The engine that runs the guests, set up as far as it decides what an instruction is, with code at strides."""
    uc = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
    uc.ctl_set_cpu_model(x86_const.UC_CPU_X86_WESTMERE)
    uc.reg_write(x86_const.UC_X86_REG_CR4, 0x620)  # PAE, OSFXSR, OSXMMEXCPT
    image = b"".join(code.ljust(STRIDE_BYTES, b"\x90") for code in codes)
    uc.mem_map(CODE, (len(image) + 0xFFF) & ~0xFFF)
    uc.mem_write(CODE, image)
    return uc


def engine_lengths(codes: list[bytes]) -> list[int]:
    """What the engine takes for the length of each; it may be undefined all the same."""
    uc = engine(codes)
    lengths: list[int] = []

    def before(uc: unicorn.Uc, _address: int, size: int, _data: object) -> None:
        lengths.append(size)
        uc.emu_stop()

    uc.hook_add(unicorn.UC_HOOK_CODE, before)
    for address in range(CODE, CODE + len(codes) * STRIDE_BYTES, STRIDE_BYTES):
        with contextlib.suppress(unicorn.UcError):
            uc.emu_start(address, 0)
    return lengths


def is_undefined_to_engine(code: bytes) -> bool:
    """Whether #UD comes of it."""
    try:
        engine([code]).emu_start(CODE, 0, count=1)
    except unicorn.UcError as error:
        return bool(error.errno == unicorn.UC_ERR_INSN_INVALID)
    return False


@pytest.mark.parametrize("prefix", ["", "66", "48"])
def test_length_agrees_with_the_engine(prefix: str) -> None:
    """What the engine runs has the length it takes it for, so both see the same instructions in a block.

    Not so for memory forms of MOVMSKPS, EXTRQ and INSERTQ: undefined, but the engine runs them, without the SIB.
    """
    start = bytes.fromhex(prefix)
    codes = [
        start + opcode + operand + bytes(12)
        for opcode, operand in itertools.product(EVERY_OPCODE, (b"\xc0", b"\x84\x24"))
        if not (operand != b"\xc0" and opcode in (b"\x0f\x50", b"\x0f\x78")) and opcode not in (b"\xc4", b"\xc5")
    ]
    for code, theirs in zip(codes, engine_lengths(codes), strict=True):
        assert theirs in (GIVEN_UP, insn.length(code, 0)) or is_undefined_to_engine(code), code.hex(" ")


def code_bytes() -> st.SearchStrategy[bytes]:
    """Random bytes that are often an instruction: some prefixes, any opcode map, then anything."""
    prefixes = st.lists(st.sampled_from(PREFIXES), max_size=4).map(bytes)
    maps = st.sampled_from([b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a", b"\xc5", b"\xc4"])
    return st.builds(lambda *parts: b"".join(parts), prefixes, maps, st.binary(min_size=1, max_size=16))


@settings(max_examples=1000, deadline=None)
@given(code_bytes())
def test_length_agrees_on_random_bytes(code: bytes) -> None:
    """Where capstone finds an instruction in random bytes, it has our length."""
    theirs = capstone_length(code)
    if theirs and not is_capstone_different(code[:theirs]):
        assert insn.length(code, 0) == theirs


@given(
    st.sampled_from([b"\x90", b"\x48\xb8" + bytes(8), b"\xc5\xf8\x77", b"\x66\x0f\x3a\x0f\x44\x24\x08\x01"]), st.data()
)
def test_length_of_a_part_is_zero(code: bytes, data: st.DataObject) -> None:
    """An instruction cut by the end of the bytes has no length; what comes before it does not matter."""
    before = data.draw(st.binary(max_size=4))
    n_bytes = data.draw(st.integers(0, len(code)))
    expected = len(code) if n_bytes == len(code) else 0
    assert insn.length(before + code[:n_bytes], len(before)) == expected
    assert insn.length(memoryview(before + code[:n_bytes]), len(before)) == expected


@pytest.mark.parametrize(
    ("code", "n_bytes"),
    [
        ("66 E8 00 00", 4),
        ("66 66 48 E8 00 00 00 00", 8),  # __tls_get_addr, as linkers write it
        ("66 0F 84 00 00", 5),
        ("66 EB 00", 3),
        ("48 66 B8 00 00", 5),  # a REX not before the opcode is void
        ("66 48 B8 00 00 00 00 00 00 00 00", 11),
        ("67 A0 00 00 00 00", 6),
        ("A0 00 00 00 00 00 00 00 00", 9),
        ("C8 00 00 00", 4),
        ("F7 C0 00 00 00 00", 6),
        ("F7 D0", 2),
        ("66 48 C2 00 00", 5),
        ("0F 20 04", 3),  # MOV from CR0 has a register operand, whatever `mod` is
        ("0F 0F C0 BF", 4),
        ("0F B9 04 25 00 00 00 00", 8),
        ("C4 E3 7D 18 44 24 08 01", 8),
        ("2E 67 C5 F8 58 00", 6),
        ("66 2E 0F 1F 84 00 00 00 00 00", 10),
        ("2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 90", 15),
        ("2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 2E 90", 0),  # longer than any
        ("06", 0),
        ("EA 00 00 00 00 00 00", 0),
        ("0F 04", 0),
        ("62 F1 7C 48 58 C0", 0),  # EVEX
        ("C4 E0 78 58 C0", 0),  # VEX map 0
        ("C5 F8 05", 0),  # SYSCALL has no VEX form
        ("66 66", 0),
    ],
)
def test_length_of(code: str, n_bytes: int) -> None:
    """The cases that a table gets wrong first."""
    assert insn.length(bytes.fromhex(code), 0) == n_bytes


@pytest.mark.parametrize(
    ("code", "offset"),
    [
        ("", -1),
        ("90 C3", -1),
        ("C5 F8 77", 0),
        ("C4 E2 7D 58 C0", 0),
        ("48 89 E5 C5 F8 77", 3),
        ("48 89 C4 C3", -1),  # in a ModRM: mov rsp, rax
        ("B8 C5 F8 77 90 C3", -1),  # in an immediate, that would be vzeroupper
        ("8B 80 C4 E2 7D 58 C3", -1),  # in a displacement
        ("E8 C5 F8 77 C4", -1),
        ("B0 C5 C5 F8 77", 2),
        ("8B 80 C4 00 00 00 83 C4 08 C4 E2 7D 58 C0", 9),
        ("48 B8 C5 C4 C5 C4 C5 C4 C5 C4 67 C5 F8 58 00", 10),
        ("90 2E C5 F8 58 C0", 1),
        ("90 64 67 C5 F8 58 00", 1),
        ("90 66 C5 F8 77", 1),  # undefined, but VEX
        ("90 C5", 1),  # cut: C5 can be nothing else
        ("06 C5 F8 77", -1),  # nothing is found after an undefined opcode, as nothing is run
        ("90 0F 04 C5 F8 77", -1),
        ("0F 58 C4 C5 F8 58 C0 C5 F8 77", 3),
    ],
)
def test_find_vex(code: str, offset: int) -> None:
    """C4 and C5 count as opcodes only, wherever else they may be."""
    block = bytes.fromhex(code)
    assert insn.find_vex(block, len(block)) == offset


def test_find_vex_stops_at_size() -> None:
    """What follows the block is not looked at."""
    assert insn.find_vex(b"\x90\xc5\xf8\x77", 1) == -1


def first_vex(instructions: Iterator[tuple[int, bytes]]) -> int:
    """The plain way to say what find_vex finds."""
    for at, code in instructions:
        _, rest = split(code)
        if rest[:1] in (b"\xc4", b"\xc5"):
            return at
        if rest[0] == EVEX:
            break
    return -1


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from([*VEX, 0x48, 0x66, 0x2E, 0x0F, 0xB8, 0x83, 0x90, 0x8B, 0x05]), max_size=24).map(bytes))
def test_find_vex_is_a_walk(block: bytes) -> None:
    """Looking at every instruction finds the same; one that is cut short counts if its opcode is there."""

    def walk() -> Iterator[tuple[int, bytes]]:
        at = 0
        while n_bytes := insn.length(block, at):
            yield at, block[at : at + n_bytes]
            at += n_bytes
        if split(block[at:])[1]:
            yield at, block[at:]

    assert insn.find_vex(block, len(block)) == first_vex(walk())


def check_functions(*, only_avx: bool) -> None:
    """Compare find_vex with capstone's instructions, a function of libc at a time."""
    libc = SYSTEM[1]
    n_checked = 0
    for code in functions_of(libc):
        if only_avx and b"\xc5\xf8\x77" not in code:
            continue
        found = ((at, code[at : at + size]) for at, size, _, _ in CAPSTONE.disasm_lite(code, 0))
        assert insn.find_vex(code, len(code)) == first_vex(found), code.hex(" ")
        n_checked += 1
    assert n_checked > 0


def test_find_vex_in_avx_functions_of_libc() -> None:
    """In strlen's, memcpy's and the other functions with vzeroupper the first VEX instruction is found."""
    check_functions(only_avx=True)


@pytest.mark.slow
def test_find_vex_in_libc() -> None:
    """In each function of libc the first VEX instruction is found, or none."""
    check_functions(only_avx=False)


# Code, the registers made non-canonical first, and whether Linux answers with SIGBUS
STACK_CASES = [
    ("48 8B 00", "rax", False),
    ("48 8B 45 00", "rbp", True),
    ("48 8B 04 24", "rsp", True),
    ("49 8B 04 24", "r12", False),
    ("49 8B 45 00", "r13", False),
    ("48 8B 44 05 00", "rax", True),  # the base decides, [rbp + rax]
    ("48 8B 44 28 00", "rbp", False),  # not the index, [rax + rbp]
    ("36 48 8B 00", "rax", False),  # SS, DS, ES and CS overrides are void
    ("3E 48 8B 45 00", "rbp", True),
    ("64 48 8B 45 00", "rbp", False),
    ("65 48 8B 45 00", "rbp", False),
    ("F0 48 83 45 00 01", "rbp", True),
    ("DB 6D 00", "rbp", True),
    ("0F 10 45 00", "rbp", True),
    ("66 0F 38 00 5D 00", "rbp", True),
    ("50", "rsp", True),
    ("64 50", "rsp", True),
    ("41 5C", "rsp", True),
    ("68 00 00 00 00", "rsp", True),
    ("6A 00", "rsp", True),
    ("9C", "rsp", True),
    ("9D", "rsp", True),
    ("C3", "rsp", True),
    ("C2 00 00", "rsp", True),
    ("CB", "rsp", True),
    ("48 CF", "rsp", True),
    ("C8 00 00 00", "rsp", True),
    ("C9", "rbp", True),
    ("E8 00 00 00 00", "rsp", True),
    ("0F A0", "rsp", True),
    ("0F A9", "rsp", True),
    ("FF D0", "rsp", True),
    ("FF F0", "rsp", True),
    ("8F C0", "rsp", True),
    ("FF 10", "rax", False),
    ("FF 30", "rax", False),
    ("8F 00", "rax", False),
    ("FF 20", "rax", False),
    ("FF 55 00", "rbp", True),
    ("FF 34 24", "rsp", True),
    ("8F 04 24", "rsp", True),
]
STACK_CASES_VEX = [
    ("C5 F8 10 00", "rax", False),
    ("C5 F8 10 45 00", "rbp", True),
    ("C4 E1 78 10 45 00", "rbp", True),
    ("C4 C1 78 10 45 00", "r13", False),
]
NO_MEMORY = ["90", "89 E8", "48 8B 05 00 00 00 00", "48 8B 04 25 00 00 00 00", "0F 20 04", "C5 F8 77", "48 8B 45", ""]


@pytest.mark.parametrize(("code", "_register", "is_stack"), STACK_CASES + STACK_CASES_VEX)
def test_is_stack_reference(code: str, _register: str, is_stack: bool) -> None:  # noqa: FBT001
    """SS is used by RSP and RBP as base without FS or GS, and by what pushes and pops."""
    assert insn.is_stack_reference(bytes.fromhex(code), 0) is is_stack


@pytest.mark.parametrize("code", NO_MEMORY)
def test_is_no_stack_reference(code: str) -> None:
    """Registers, RIP, absolute addresses and what is no instruction do not use SS."""
    assert not insn.is_stack_reference(bytes.fromhex(code), 0)


FAULT = """
import ctypes, json, mmap, os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signals = []
for code in json.load(sys.stdin):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(bytes.fromhex(code))
    child = os.fork()
    if not child:
        ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
        os._exit(0)
    signals.append(-os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(signals))
"""
LOAD_NON_CANONICAL = {
    register: f"{mov} 00 00 00 00 00 00 00 80 "
    for register, mov in {"rax": "48 B8", "rbp": "48 BD", "rsp": "48 BC", "r12": "49 BC", "r13": "49 BD"}.items()
}


@pytest.mark.skipif((sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the oracle is an x86-64 Linux")
def test_is_stack_reference_natively() -> None:
    """The host's CPU and kernel answer with SIGBUS where SS is used, and with SIGSEGV where it is not."""
    has_avx = " avx " in Path("/proc/cpuinfo").read_text(encoding="ascii")
    cases = STACK_CASES + (STACK_CASES_VEX if has_avx else [])
    clear = "31 C0 31 ED "  # xor eax, eax; xor ebp, ebp: one register at a time is astray
    codes = [clear + LOAD_NON_CANONICAL[register] + code for code, register, _ in cases]
    run = subprocess.run(
        [sys.executable, "-c", FAULT], input=json.dumps(codes), capture_output=True, check=True, text=True
    )
    answers = [signal.Signals(number).name for number in json.loads(run.stdout)]
    expected = ["SIGBUS" if is_stack else "SIGSEGV" for _, _, is_stack in cases]
    assert list(zip(codes, answers, strict=True)) == list(zip(codes, expected, strict=True))
