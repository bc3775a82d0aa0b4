"""Page faults and non-canonical addresses: vector, error code, CR2 and RIP are exact, and nothing else has happened."""

from __future__ import annotations

import pytest

from pyuk.machine.cpu import GENERAL_PROTECTION, PAGE_FAULT, RDI, RIP, STACK_FAULT
from pyuk.machine.paging import NX, PAGE_BYTES, PAGE_SHIFT, P, U, W
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, STACK_TOP, Rig, Trap

READ, WRITE, READ_ONLY = DATA + 0x1000, DATA + 0x2000, DATA + 0x3000
SUPERVISOR, NEXT_CODE = DATA + 0x4000, CODE + PAGE_BYTES

BEFORE = f"mov rbx, {DATA:#x}\n mov qword ptr [rbx], 77\n"
AFTER = "\n mov qword ptr [rbx], 99\n mov ecx, 99"

FAULTS = {
    "absent_read": (f"mov rax, [{READ + 5:#x}]", 0x4, READ + 5),
    "absent_write": (f"mov [{WRITE + 6:#x}], eax", 0x6, WRITE + 6),
    "absent_push": (f"mov rsp, {WRITE + 8:#x}\n push rax", 0x6, WRITE),
    "absent_read_modify_write": (f"inc dword ptr [{WRITE:#x}]", None, WRITE),
    "null_read": ("mov rax, [0]", 0x4, 0),
    "read_only_write": (f"mov [{READ_ONLY + 0xFFF:#x}], al", 0x7, READ_ONLY + 0xFFF),
    "text_write": (f"mov [{CODE:#x}], al", 0x7, CODE),
    "supervisor_read": (f"mov al, [{SUPERVISOR + 1:#x}]", 0x5, SUPERVISOR + 1),
    "supervisor_write": (f"mov [{SUPERVISOR:#x}], al", 0x7, SUPERVISOR),
    "kernel_gdt_read": ("mov rax, 0xffffffff80000000\n mov rax, [rax]", 0x5, 0xFFFF_FFFF_8000_0000),
    "kernel_hole_read": ("mov rax, 0xffff800000000000\n mov al, [rax]", 0x4, 0xFFFF_8000_0000_0000),
    "kernel_hole_write": ("mov rax, 0xffff800000000000\n mov [rax], al", 0x6, 0xFFFF_8000_0000_0000),
    "last_page_read": ("mov rax, 0x7ffffffffff8\n mov al, [rax]", 0x4, 0x7FFF_FFFF_FFF8),
    "sse_read": (f"movups xmm0, [{READ:#x}]", 0x4, READ),
    "string_read": (f"mov esi, {READ:#x}\n lodsq", 0x4, READ),
    "crossing_read": (f"mov rax, [{READ - 4:#x}]", 0x4, READ),
}

# Where the fetch goes, and the error code
FETCHES = {
    "absent": ("mov eax, {target:#x}", READ + 0x123, 0x14),
    "null": ("xor eax, eax", 0, 0x14),
    "not_executable": ("mov eax, {target:#x}", DATA + 0x40, 0x15),
    "supervisor": ("mov eax, {target:#x}", SUPERVISOR + 2, 0x15),
    "kernel": ("mov rax, {target:#x}", 0xFFFF_FFFF_8000_1000, 0x15),
    "vsyscall": ("mov rax, {target:#x}", 0xFFFF_FFFF_FF60_0000, 0x14),
}


def prepare(rig: Rig) -> None:
    """Map the pages that the tables speak of."""
    rig.map(READ_ONLY, rights="r")
    rig.map(SUPERVISOR, rights="rwxs")


def last_address(source: str) -> int:
    """The length of all but the last instruction."""
    return len(assemble("\n".join(source.split("\n")[:-1])))


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("place", ["middle", "page_end"])
def test_page_fault(rig: Rig, name: str, place: str) -> None:
    """A bad access is #PF with its address, error code and RIP; what came before is done, what follows is not."""
    source, error_code, address = FAULTS[name]
    prepare(rig)
    whole = BEFORE + source
    if place == "middle":
        rig.code(whole + AFTER)
        trap, start = rig.go(), CODE
    else:
        start = rig.code_at_page_end(whole)
        trap = None
        rig.on_trap = lambda vector: rig.cpu.stop() if vector != PAGE_FAULT or rig.cpu.confirm_fault() else None
        trap = rig.go(start)
    assert trap is not None
    assert (trap.vector, trap.cr2, trap.rip) == (PAGE_FAULT, address, start + last_address(whole))
    if error_code is not None:
        assert trap.error_code == error_code
    assert rig.word(DATA) == 77
    assert rig.regs[1] == 0


@pytest.mark.parametrize("name", FETCHES)
@pytest.mark.parametrize("how", ["jmp rax", "call rax", "push rax\n ret"])
def test_fetch_fault(rig: Rig, name: str, how: str) -> None:
    """A jump to where no code may be is #PF with the fetch bit, at the target, after the jump is done."""
    source, target, error_code = FETCHES[name]
    prepare(rig)
    trap = rig.run(BEFORE + source.format(target=target) + "\n" + how)
    assert trap == Trap(PAGE_FAULT, error_code, target, target)
    assert rig.word(DATA) == 77
    assert rig.regs[4] == STACK_TOP - (8 if how == "call rax" else 0)


def test_falling_off_a_page(rig: Rig) -> None:
    """Code that runs into an absent page faults there, once confirmed, with all before it done."""
    confirmed = []

    def on_trap(_vector: int) -> None:
        confirmed.append(rig.cpu.confirm_fault())
        if confirmed[-1]:
            rig.cpu.stop()

    rig.on_trap = on_trap
    trap = rig.go(rig.code_at_page_end(BEFORE + "mov ecx, 5\n push rcx"))
    assert trap == Trap(PAGE_FAULT, 0x14, NEXT_CODE, NEXT_CODE)
    assert (rig.word(DATA), rig.word(STACK_TOP - 8)) == (77, 5)
    assert confirmed == [False, True]


def test_instruction_across_an_absent_page(rig: Rig) -> None:
    """An instruction whose tail is absent is #PF on the tail's page, with RIP at its first byte."""
    rig.on_trap = lambda _vector: rig.cpu.stop() if rig.cpu.confirm_fault() else None
    head = BEFORE + "add ecx, 3\n"
    code = assemble(head + "mov rax, 0x1122334455667788")
    rig.cpu.flush_tlb()
    start = NEXT_CODE - len(code) + 4  # 4 bytes of the last instruction are on the next page
    rig.map(CODE, b"\x90" * (start - CODE) + code[:-4], rights="rx")
    trap = rig.go(start)
    assert trap == Trap(PAGE_FAULT, 0x14, NEXT_CODE, start + len(assemble(head)))
    assert (rig.word(DATA), rig.regs[1]) == (77, 3)


def test_confirming_leaves_no_trace(rig: Rig) -> None:
    """After the single steps of confirm_fault RFLAGS.TF is off, and was never seen by the kernel as a trap."""
    rig.on_trap = lambda _vector: rig.cpu.stop() if rig.cpu.confirm_fault() else None
    rig.go(rig.code_at_page_end(BEFORE + "stc"))
    assert rig.cpu.rflags == 0x203
    assert [trap.vector for trap in rig.traps] == [PAGE_FAULT, PAGE_FAULT]


def test_confirming_survives_popf(rig: Rig) -> None:
    """POPF in the block ends the single steps too soon: they begin again, and the fault is exact all the same."""
    rig.on_trap = lambda _vector: rig.cpu.stop() if rig.cpu.confirm_fault() else None
    start = rig.code_at_page_end("push 0x203\n popf\n mov ecx, 5\n push rcx")
    trap = rig.go(start)
    assert trap == Trap(PAGE_FAULT, 0x14, NEXT_CODE, NEXT_CODE)
    assert (rig.word(STACK_TOP - 8), rig.cpu.rflags) == (5, 0x203)


def test_demand_fault_while_confirming(rig: Rig) -> None:
    """A page that the kernel brings in during the single steps is another fault; the confirmation goes on after it."""

    def on_trap(_vector: int) -> None:
        if rig.cpu.cr2 == READ:
            rig.map(READ, b"\x07", rights="rw")
        elif rig.cpu.confirm_fault():
            rig.cpu.stop()

    rig.on_trap = on_trap
    trap = rig.go(rig.code_at_page_end(BEFORE + f"mov ecx, [{READ:#x}]\n push rcx"))
    assert trap == Trap(PAGE_FAULT, 0x14, NEXT_CODE, NEXT_CODE)
    assert (rig.word(DATA), rig.word(STACK_TOP - 8)) == (77, 7)


NONCANONICAL = {
    "read": ("mov rax, 0x8000000000600000\n mov cl, [rax]", GENERAL_PROTECTION),
    "write": ("mov rax, 0x0000800000000000\n mov [rax], al", GENERAL_PROTECTION),
    "just_above": ("mov rax, 0x00007ffffffffff9\n mov rcx, [rax]", GENERAL_PROTECTION),
    "index": ("mov rax, 0x1000000000000000\n mov rcx, [rbx + rax*8]", GENERAL_PROTECTION),
    "rsp_based": ("mov rsp, 0x8000000000600000\n mov rcx, [rsp]", STACK_FAULT),
    "rbp_based": ("mov rbp, 0x8000000000600000\n mov rcx, [rbp + 8]", STACK_FAULT),
    "push": ("mov rsp, 0x8000000000600000\n push rax", STACK_FAULT),
    "pop": ("mov rsp, 0x8000000000600000\n pop rax", STACK_FAULT),
    "call": ("mov rsp, 0x8000000000600000\n call . + 5", STACK_FAULT),
    "ret": ("mov rsp, 0x8000000000600000\n ret", STACK_FAULT),
    "string": ("mov rdi, 0x8000000000600000\n stosq", GENERAL_PROTECTION),
}


@pytest.mark.parametrize("name", NONCANONICAL)
@pytest.mark.parametrize("place", ["middle", "page_end"])
def test_noncanonical_access(rig: Rig, name: str, place: str) -> None:
    """A non-canonical address is #GP(0), through the stack #SS(0), never an access without its top bits."""
    source, vector = NONCANONICAL[name]
    whole = BEFORE + source
    if name == "just_above" and place == "page_end":
        rig.map(0x7FFF_FFFF_F000, rights="rw")
    if place == "middle":
        rig.code(whole + AFTER)
        trap, start = rig.go(), CODE
    else:
        rig.on_trap = lambda vector: rig.cpu.stop() if vector != PAGE_FAULT or rig.cpu.confirm_fault() else None
        start = rig.code_at_page_end(whole)
        trap = rig.go(start)
    assert trap is not None
    if name == "just_above" and place == "middle":  # the page below the hole is absent, and is asked first
        assert (trap.vector, trap.cr2) == (PAGE_FAULT, 0x7FFF_FFFF_FFF9)
    else:
        assert (trap.vector, trap.error_code) == (vector, 0)
    assert trap.rip == start + last_address(whole)
    assert rig.word(DATA) == 77
    assert rig.regs[1] == 0


def test_noncanonical_jump_traps_at_its_target(rig: Rig) -> None:
    """Deviation: the #GP of a jump out of the canonical space has RIP at the target; a CPU has it at the jump."""
    trap = rig.run("mov rax, 0x1800000000000\n jmp rax")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.rip) == (GENERAL_PROTECTION, 0, 0x1_8000_0000_0000)


def test_demand_fault_resumes(rig: Rig) -> None:
    """A page mapped in the #PF is used when the handler returns: the instruction is done once, and needs no flush."""
    rig.on_trap = lambda _vector: rig.map(rig.cpu.cr2 & -PAGE_BYTES, rights="rw")
    source = "\n".join(f"inc dword ptr [{DATA + i * PAGE_BYTES:#x}]" for i in range(1, 5))
    assert rig.exits(source + "\n mov edi, 3") == 3
    assert [rig.word(DATA + i * PAGE_BYTES) for i in range(1, 5)] == [1] * 4
    assert len(rig.traps) == 4
    assert rig.cpu.n_tlb_flushes == 1  # the first load of CR3


def test_demand_fault_of_the_second_page_of_an_access(rig: Rig) -> None:
    """A store across two pages, the second absent: nothing is stored before the fault, all of it after."""
    seen = []

    def on_trap(_vector: int) -> None:
        seen.append(rig.word(DATA + 0xFF8))
        rig.map(DATA + PAGE_BYTES, rights="rw")

    rig.on_trap = on_trap
    rig.exits(f"mov rax, -1\n mov [{DATA + 0xFFC:#x}], rax")
    assert seen == [0]
    assert (rig.word(DATA + 0xFF8), rig.word(DATA + PAGE_BYTES)) == (0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF)


def test_rep_movs_resumes_in_the_middle(rig: Rig) -> None:
    """A string instruction faults with its registers at the element it has reached, and goes on from there."""
    seen = []

    def on_trap(_vector: int) -> None:
        seen.append((rig.regs[1], rig.regs[RDI], rig.regs[RIP]))
        rig.map(DATA + PAGE_BYTES, rights="rw")

    rig.on_trap = on_trap
    left = rig.exits(f"mov edi, {DATA + 0xF00:#x}\n mov ecx, 0x200\n mov al, 0xAA\n rep stosb\n mov edi, ecx")
    assert left == 0
    assert seen == [(0x100, DATA + PAGE_BYTES, CODE + 12)]
    assert rig.word(DATA + PAGE_BYTES + 0xF8) == 0xAAAA_AAAA_AAAA_AAAA
    assert rig.word(DATA + PAGE_BYTES + 0x100) == 0


def test_faults_are_never_double(rig: Rig) -> None:
    """A thousand exceptions in a row, of alternating kinds, each arrive as themselves: the engine's latch is reset."""
    kinds = (
        ("mov eax, [0]", PAGE_FAULT), ("mov rax, 1 << 63\n mov al, [rax]", GENERAL_PROTECTION), ("div ecx", 0),
        ("mov eax, 0x18\n mov ds, eax", GENERAL_PROTECTION), (f"mov [{CODE:#x}], al", PAGE_FAULT),
        ("push rsp\n mov rsp, 1 << 63\n pop rax", STACK_FAULT),
    )  # fmt: skip
    n_rounds = 167
    source = f"mov r15d, {n_rounds}\n again:\n"
    source += "".join(f"{text}\n mov esp, {STACK_TOP:#x}\n" for text, _vector in kinds)
    skip = {}
    at = len(assemble(f"mov r15d, {n_rounds}"))
    for text, _vector in kinds:
        skip[CODE + at + last_address(text)] = CODE + at + len(assemble(text))
        at += len(assemble(f"{text}\n mov esp, {STACK_TOP:#x}"))

    def on_trap(_vector: int) -> None:
        rig.regs[RIP] = skip[rig.regs[RIP]]

    rig.on_trap = on_trap
    rig.exits(source + "dec r15d\n jnz again")
    assert [trap.vector for trap in rig.traps] == [vector for _text, vector in kinds] * n_rounds


def test_fault_after_many_runs(rig: Rig) -> None:
    """Runs that end in a fault, and begin again, do not become double faults either."""
    rig.code("mov eax, [0]")
    assert {rig.go() for _ in range(50)} == {Trap(PAGE_FAULT, 4, 0, CODE)}


def test_address_0_is_an_address(rig: Rig) -> None:
    """Code mapped at 0 runs, and a jump to an unmapped 0 is a fetch fault and not the end of the run."""
    rig.map(0, assemble("mov edi, 8\n mov eax, 60\n syscall"), rights="rx")
    assert rig.run("xor eax, eax\n jmp rax") is None
    assert rig.regs[RDI] == 8
    rig.hide(0)
    assert rig.run("xor eax, eax\n jmp rax") == Trap(PAGE_FAULT, 0x14, 0, 0)


def test_accessed_and_dirty(rig: Rig) -> None:
    """The MMU sets A on a read and D on a write, as it walks."""
    for page in (READ, WRITE):
        rig.map(page, rights="rw")
    rig.exits(f"mov rax, [{READ:#x}]\n mov [{WRITE:#x}], rax")
    assert rig.space.entry(READ) & 0x60 == 0x20
    assert rig.space.entry(WRITE) & 0x60 == 0x60


def test_page_table_rights_are_the_weakest(rig: Rig) -> None:
    """A last-level entry decides alone: the tables above it allow everything."""
    frame = rig.map(READ, b"\x05", rights="r")
    assert rig.space.entry(READ) == frame << PAGE_SHIFT | P | U | NX
    assert rig.exits(f"mov edi, [{READ:#x}]") == 5
    rig.space.set(READ, frame << PAGE_SHIFT | P | U | W | NX)  # gains a right: no flush
    assert rig.exits(f"inc dword ptr [{READ:#x}]\n mov edi, [{READ:#x}]") == 6


def test_code_at(rig: Rig) -> None:
    """`code_at` is what the CPU would fetch: across pages, and no further than they are present and executable."""
    end = CODE + 2 * PAGE_BYTES
    rig.map(CODE, b"\x11" * PAGE_BYTES, rights="rx")
    rig.map(NEXT_CODE, b"\x22" * PAGE_BYTES, rights="rx")
    rig.map(end, b"\x33" * PAGE_BYTES, rights="rw")
    assert rig.cpu.code_at(CODE) == b"\x11" * 15
    assert rig.cpu.code_at(NEXT_CODE - 5, 8) == b"\x11" * 5 + b"\x22" * 3
    assert rig.cpu.code_at(NEXT_CODE - 1, PAGE_BYTES + 2) == b"\x11" + b"\x22" * PAGE_BYTES
    assert rig.cpu.code_at(end - 4) == b"\x22" * 4
    for nowhere in (end, 0, 1 << 47, (1 << 64) - 1, 0xFFFF_FFFF_8000_1000):
        assert rig.cpu.code_at(nowhere) == b""
    rig.cpu.unload_space(rig.space)
    assert rig.cpu.code_at(CODE) == b""
