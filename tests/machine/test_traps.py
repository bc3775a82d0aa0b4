"""Instructions that a program may not execute, or that trap by design: vector, error code, RIP, and nothing torn."""

from __future__ import annotations

import pytest

from pyuk.machine.cpu import (
    BREAKPOINT,
    DEBUG,
    DIVIDE_ERROR,
    GENERAL_PROTECTION,
    INVALID_OPCODE,
    OVERFLOW,
    PAGE_FAULT,
    RIP,
    TF,
    X87_FAULT,
)
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, EXIT, FLAGS, Rig

BEFORE = f"mov rbx, {DATA:#x}\n mov rsi, rbx\n mov rdi, rbx\n mov qword ptr [rbx], 77\n mov edx, 0x3f8\n cmp edx, -1\n"
AFTER = "\n mov qword ptr [rbx], 99\n mov qword ptr [rbx + 8], 99\n mov eax, 99\n mov r9d, 99\n movq xmm0, r9\n"

GP = (GENERAL_PROTECTION, 0)
FAULTS = {
    "cli": ("cli", *GP),
    "sti": ("sti", *GP),
    "hlt": ("hlt", *GP),
    "mov_to_cr0": ("mov cr0, rax", *GP),
    "mov_to_cr3": ("mov cr3, rax", *GP),
    "mov_from_cr3": ("mov rax, cr3", *GP),
    "mov_to_cr4": ("mov cr4, rax", *GP),
    "mov_to_dr7": ("mov dr7, rax", *GP),
    "rdmsr": ("rdmsr", *GP),
    "wrmsr": ("wrmsr", *GP),
    "lgdt": ("lgdt [rbx]", *GP),
    "lidt": ("lidt [rbx]", *GP),
    "lldt": ("lldt ax", *GP),
    "ltr": ("ltr ax", *GP),
    "lmsw": ("lmsw ax", *GP),
    "invlpg": ("invlpg [rbx]", *GP),
    "wbinvd": ("wbinvd", *GP),
    "clts": ("clts", *GP),
    "swapgs": ("swapgs", *GP),
    "sysretq": ("sysretq", *GP),
    "sysexit": (".byte 0x0f, 0x35", *GP),
    "sysenter": ("sysenter", *GP),
    "rdpmc": ("rdpmc", *GP),
    "in_al_imm": ("in al, 0x60", *GP),
    "in_ax_imm": ("in ax, 0x60", *GP),
    "in_eax_dx": ("in eax, dx", *GP),
    "out_imm_al": ("out 0x60, al", *GP),
    "out_dx_ax": ("out dx, ax", *GP),
    "out_dx_eax": ("out dx, eax", *GP),
    "outsb": ("outsb", *GP),
    "outsd": ("outsd", *GP),
    "rep_outsb": ("rep outsb", *GP),
    "int_0x80": ("int 0x80", GENERAL_PROTECTION, 0x402),
    "int_0": ("int 0", GENERAL_PROTECTION, 0x02),
    "int_1": ("int 1", GENERAL_PROTECTION, 0x0A),
    "int_13": ("int 13", GENERAL_PROTECTION, 0x6A),
    "int_14": ("int 14", GENERAL_PROTECTION, 0x72),
    "int_0xff": ("int 0xff", GENERAL_PROTECTION, 0x7FA),
    "ud2": ("ud2", INVALID_OPCODE, None),
    "push_es": (".byte 0x06", INVALID_OPCODE, None),
    "lock_nop": (".byte 0xf0, 0x90", INVALID_OPCODE, None),
    "lock_register": (".byte 0xf0, 0x01, 0xc0", INVALID_OPCODE, None),
    "rdtscp": ("rdtscp", INVALID_OPCODE, None),
    "bmi": ("blsi eax, ecx", INVALID_OPCODE, None),
    "xgetbv": ("xgetbv", INVALID_OPCODE, None),
    "monitor": ("monitor", INVALID_OPCODE, None),
    "vmcall": ("vmcall", INVALID_OPCODE, None),
    "div_0": ("div ecx", DIVIDE_ERROR, None),
    "idiv_overflow": ("idiv rsi", DIVIDE_ERROR, None),
    "div_memory_0": ("div qword ptr [rbx + 16]", DIVIDE_ERROR, None),
}
SETUP = {"idiv_overflow": "mov edx, 0x40000000\n mov esi, 1\n", "rep_outsb": "mov ecx, 1\n"}
TRAPS = {
    "int3": ("int3", BREAKPOINT),
    "int_3_long": (".byte 0xcd, 3", BREAKPOINT),
    "int_4": ("int 4", OVERFLOW),
    "icebp": (".byte 0xf1", DEBUG),
}


def run_at(rig: Rig, source: str, place: str, **registers: int) -> int:
    """Run it in the middle of a page or at the end of one; gives the address it begins at."""
    if place == "middle":
        rig.code(source + AFTER)
        rig.go(**registers)
        return CODE
    rig.on_trap = lambda vector: rig.cpu.stop() if vector != PAGE_FAULT or rig.cpu.confirm_fault() else None
    start = rig.code_at_page_end(source)
    rig.go(start, **registers)
    return start


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("place", ["middle", "page_end"])
def test_fault_is_at_the_instruction(rig: Rig, name: str, place: str) -> None:
    """RIP is the instruction's; stores and flags before it are done; registers, memory and SSE after it are not."""
    source, vector, error_code = FAULTS[name]
    setup = SETUP.get(name, "")
    start = run_at(rig, BEFORE + setup + source, place)
    trap = rig.traps[-1]
    assert (trap.vector, trap.rip) == (vector, start + len(assemble(BEFORE + setup)))
    assert rig.regs[RIP] == trap.rip
    if error_code is not None:
        assert trap.error_code == error_code
    assert (rig.word(DATA), rig.word(DATA + 8)) == (77, 0)
    assert (rig.regs[0], rig.regs[9]) == (0, 0)
    assert rig.cpu.rflags == FLAGS | 0x15  # 0x3f8 - -1: CF PF AF
    assert rig.cpu.read_fxsave()[160:176] == bytes(16)


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("place", ["middle", "page_end"])
def test_trap_is_after_the_instruction(rig: Rig, name: str, place: str) -> None:
    """INT3, INT 4 and INT1 have RIP after them."""
    source, vector = TRAPS[name]
    start = run_at(rig, BEFORE + source, place)
    trap = rig.traps[-1]
    assert (trap.vector, trap.rip) == (vector, start + len(assemble(BEFORE + source)))
    assert (rig.word(DATA), rig.word(DATA + 8)) == (77, 0)
    assert not rig.cpu.was_single_step


@pytest.mark.parametrize("place", ["middle", "page_end"])
def test_string_output_of_an_absent_page(rig: Rig, place: str) -> None:
    """OUTSB from memory that is not there is #GP all the same: the right to the port is checked first."""
    rig.on_trap = lambda vector: rig.cpu.stop() if vector != PAGE_FAULT or rig.cpu.confirm_fault() else None
    source = BEFORE + "xor esi, esi\n outsb"
    start = CODE
    if place == "middle":
        rig.code(source + AFTER)
    else:
        start = rig.code_at_page_end(source)
    rig.go(start)
    assert (rig.traps[-1].vector, rig.traps[-1].error_code) == GP
    assert rig.regs[RIP] == start + len(assemble(source)) - 1


def test_string_input_writes_before_it_traps(rig: Rig) -> None:
    """Deviation: INSB has cleared its destination when it is #GP. RIP and registers are right."""
    rig.run(BEFORE + "insb" + AFTER)
    assert (rig.traps[-1].vector, rig.traps[-1].rip) == (GENERAL_PROTECTION, CODE + len(assemble(BEFORE)))
    assert rig.word(DATA) == 0
    assert rig.regs[7] == DATA


VOID = {
    "syscall": f"mov eax, {EXIT}\n syscall",
    "sysenter": "sysenter",
    "second_in": "in al, dx\n in al, dx\n out dx, al",
    "fault": "mov eax, [0]",
    "divide_error": "div ecx",
    "undefined": "ud2",
    "breakpoint": "int3",
    "loop": "here: jmp here",
    "read_only_code_write": f"mov [{CODE:#x}], al",
}


@pytest.mark.parametrize("name", VOID)
@pytest.mark.parametrize("first", ["in al, dx", "out dx, al"])
def test_nothing_after_a_refused_instruction_counts(rig: Rig, first: str, name: str) -> None:
    """The block goes on after IN and OUT, but the kernel sees one #GP, no system call and no other trap."""
    rig.run(BEFORE + first + "\n" + VOID[name] + AFTER)
    assert [(trap.vector, trap.rip) for trap in rig.traps] == [(GENERAL_PROTECTION, CODE + len(assemble(BEFORE)))]
    assert rig.syscalls == []
    assert (rig.word(DATA), rig.regs[0]) == (77, 0)


def test_program_goes_on_after_a_refused_instruction(rig: Rig) -> None:
    """A handler that steps over IN finds memory, flags and registers as they were, and all goes on; also 100 times."""
    rig.on_trap = lambda _vector: rig.regs.__setitem__(RIP, rig.regs[RIP] + 1)
    source = f"""
        mov ebx, {DATA}
        mov r8d, 100
        again: inc qword ptr [rbx]
        cmp r8d, r8d
        in al, dx
        setz cl
        add r9, rcx
        inc qword ptr [rbx]
        dec r8d
        jnz again
        mov rdi, r9
    """
    assert rig.exits(source) == 100
    assert rig.word(DATA) == 200
    assert [trap.vector for trap in rig.traps] == [GENERAL_PROTECTION] * 100


def test_single_step(rig: Rig) -> None:
    """With TF set each instruction ends in #DB with RIP after it; `was_single_step` tells it from INT1."""
    steps = []

    def on_trap(vector: int) -> None:
        steps.append((vector, rig.regs[RIP], rig.cpu.was_single_step))
        if len(steps) == 4:
            rig.cpu.stop()

    rig.on_trap = on_trap
    rig.code("inc eax\n inc ecx\n syscall\n inc edx")
    rig.on_syscall = lambda _number: None
    rig.go(flags=FLAGS | TF)
    assert steps == [(DEBUG, CODE + at, True) for at in (2, 4, 6, 8)]
    assert (rig.regs[0], rig.regs[1], rig.regs[2]) == (1, 1, 1)


def test_single_step_set_by_the_program(rig: Rig) -> None:
    """POPF with TF traps after the next instruction."""
    rig.run("push 0x302\n popf\n nop\n nop")
    trap = rig.traps[-1]
    assert (trap.vector, trap.rip - CODE) in {(DEBUG, 6), (DEBUG, 7)}
    assert rig.cpu.rflags & TF


def test_single_step_turned_off_in_the_trap(rig: Rig) -> None:
    """RFLAGS written in the #DB handler are the program's: the rest runs at full speed."""

    def on_trap(_vector: int) -> None:
        rig.cpu.rflags &= ~TF

    rig.on_trap = on_trap
    rig.code(f"inc edi\n inc edi\n inc edi\n mov eax, {EXIT}\n syscall")
    rig.go(flags=FLAGS | TF)
    assert (len(rig.traps), rig.regs[7]) == (1, 3)


def test_guest_single_step_across_an_absent_page(rig: Rig) -> None:
    """The program's own TF is not lost when a page fault is confirmed."""
    rig.on_trap = lambda vector: rig.cpu.stop() if vector == PAGE_FAULT and rig.cpu.confirm_fault() else None
    code = assemble("inc eax\n mov rax, 0x1122334455667788")
    rig.cpu.flush_tlb()
    rig.map(CODE, code[:-4].rjust(4096, b"\x90"), rights="rx")
    start = CODE + 4096 - len(code) + 4
    rig.go(start, flags=FLAGS | TF)
    assert [(trap.vector, trap.rip) for trap in rig.traps] == [(DEBUG, start + 2), (PAGE_FAULT, start + 2)]
    assert rig.cpu.rflags & TF


def test_x87_exception(rig: Rig) -> None:
    """An unmasked x87 exception is #MF at the next waiting x87 instruction."""
    source = f"mov dword ptr [{DATA:#x}], 0x37b\n fldcw [{DATA:#x}]\n fld1\n fldz\n fdivp\n nop\n fwait"
    rig.run(source)
    trap = rig.traps[-1]
    assert (trap.vector, trap.rip) == (X87_FAULT, CODE + len(assemble(source)) - 1)
    assert rig.cpu.read_fxsave()[2] & 0x84 == 0x84  # ZE and ES in the status word


def test_icebp_is_not_a_single_step(rig: Rig) -> None:
    """INT1 after a single step: the flag is of the last #DB."""
    rig.code("nop\n .byte 0xf1")
    seen = []

    def on_trap(_vector: int) -> None:
        seen.append(rig.cpu.was_single_step)
        rig.cpu.rflags &= ~TF
        if len(seen) == 2:
            rig.cpu.stop()

    rig.on_trap = on_trap
    rig.go(flags=FLAGS | TF)
    assert seen == [True, False]
