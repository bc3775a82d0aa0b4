"""AVX is SIGILL: a VEX-coded instruction traps before it runs, every time, wherever and however it is reached."""

from __future__ import annotations

import pytest

from pyuk.machine import engine as uc
from pyuk.machine.cpu import DEBUG, INVALID_OPCODE, PAGE_FAULT, RDI, RIP, TF
from pyuk.machine.paging import PAGE_BYTES
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, EXIT, FLAGS, Rig

VEX = {
    "vaddps_xmm": "vaddps xmm0, xmm1, xmm2",
    "vaddps_ymm": "vaddps ymm0, ymm1, ymm2",
    "vmovdqu_store": "vmovdqu [rbx], xmm0",
    "vzeroupper": "vzeroupper",
    "andn": "andn eax, ebx, ecx",
    "three_byte_form": ".byte 0xc4, 0xe1, 0x70, 0x58, 0xc2",
    "prefixed": ".byte 0x66, 0xc5, 0xf0, 0x58, 0xc2",
    "high_registers": "vpxor xmm8, xmm9, xmm10",
    "vpbroadcast": "vpbroadcastd xmm0, xmm1",
    "fma": "vfmadd213ps xmm0, xmm1, xmm2",
}
LOOKALIKES = """
    mov eax, 0xc5f058c2
    mov ecx, [rip + data]
    mov rbp, rsp
    add esp, 0
    mov r8b, 0xc4
    lea rdx, [rbx + 0xc5c4]
    pinsrw xmm0, eax, 0xc5
    jmp over
    data: .byte 0xc5, 0xf0, 0x58, 0xc2
    over: mov edi, ecx
"""
BEFORE = f"mov ebx, {DATA}\n mov qword ptr [rbx], 77\n inc r8d\n"
AFTER = "\n inc r9d\n mov qword ptr [rbx], 99\n"


@pytest.mark.parametrize("name", VEX)
@pytest.mark.parametrize("place", ["first", "middle", "page_end"])
def test_vex_is_undefined(rig: Rig, name: str, place: str) -> None:
    """#UD at the instruction, what precedes it done and what follows not, at each of 5 executions."""
    rig.on_trap = lambda vector: rig.cpu.stop() if vector != PAGE_FAULT or rig.cpu.confirm_fault() else None
    head = "" if place == "first" else BEFORE
    if place == "page_end":
        start = rig.code_at_page_end(head + VEX[name])
    else:
        start = CODE
        rig.code(head + VEX[name] + AFTER)
    for _ in range(5):
        rig.set_word(DATA, 5)
        trap = rig.go(start)
        assert trap is not None
        assert (trap.vector, trap.rip) == (INVALID_OPCODE, start + len(assemble(head)))
        assert rig.word(DATA) == (5 if place == "first" else 77)
        assert rig.regs[9] == 0


def test_vex_across_a_page(rig: Rig) -> None:
    """An instruction, and a block, that run over a page's end."""
    code = assemble(BEFORE + VEX["vaddps_xmm"] + AFTER)
    at = len(assemble(BEFORE))
    rig.map(CODE, code[: at + 2].rjust(PAGE_BYTES, b"\x90"), rights="rx")
    rig.map(CODE + PAGE_BYTES, code[at + 2 :], rights="rx")
    for _ in range(3):
        trap = rig.go(CODE + PAGE_BYTES - 2 - at)
        assert trap is not None
        assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + PAGE_BYTES - 2)


def test_vex_on_the_second_page_of_a_block(rig: Rig) -> None:
    """The block begins on one page, the instruction lies on the next."""
    code = assemble(BEFORE + VEX["vaddps_xmm"] + AFTER)
    at = len(assemble(BEFORE))
    rig.map(CODE, code[: at - 3].rjust(PAGE_BYTES, b"\x90"), rights="rx")
    rig.map(CODE + PAGE_BYTES, code[at - 3 :], rights="rx")
    for _ in range(3):
        trap = rig.go(CODE + PAGE_BYTES - at + 3)
        assert trap is not None
        assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + PAGE_BYTES + 3)


def test_guest_bytes_are_unchanged(rig: Rig) -> None:
    """The program reads its own instruction, before and after it has trapped."""
    source = f"mov edi, [rip + it]\n mov r8d, 1\n jmp it\n it: {VEX['vaddps_xmm']}\n mov eax, {EXIT}\n syscall"
    bytes_of_it = int.from_bytes(assemble(VEX["vaddps_xmm"]), "little")

    def on_trap(_vector: int) -> None:
        rig.regs[RIP] = CODE

    rig.on_trap = lambda vector: on_trap(vector) if len(rig.traps) < 3 else rig.cpu.stop()
    page = assemble(source)
    frame = rig.code(source)
    rig.go()
    assert rig.regs[RDI] == bytes_of_it
    assert bytes(rig.ram.frame(frame)[: len(page)]) == page
    assert rig.cpu._planter.n_planted == 1


def test_vex_in_a_second_address_space(rig: Rig) -> None:
    """The same frame in another process, at the same address and at another, traps there as well."""
    frame = rig.code(BEFORE + VEX["vaddps_xmm"])
    places = [CODE, CODE + 0x7000]
    for place in places:
        other = rig.machine.new_page_table()
        rig.show(place, frame, rights="rx", space=other)
        rig.show(DATA, rig.data, rights="rw", space=other)
        for space, at in ((rig.space, CODE), (other, place), (rig.space, CODE)):
            rig.cpu.load_space(space)
            trap = rig.go(at)
            assert trap is not None
            assert (trap.vector, trap.rip) == (INVALID_OPCODE, at + len(assemble(BEFORE)))


def test_vex_after_its_page_was_dropped(rig: Rig) -> None:
    """When the translations are gone the trap is planted again."""
    frame = rig.code(BEFORE + VEX["vaddps_xmm"])
    for _ in range(3):
        trap = rig.go()
        assert trap is not None
        assert trap.vector == INVALID_OPCODE
        rig.machine.drop_translations([frame])
    assert rig.cpu._planter.n_planted == 3


def test_vex_that_is_overwritten(rig: Rig) -> None:
    """Host writes and a drop: what was VEX runs as what it is now, and what was not traps."""
    frame = rig.code(f"{VEX['vaddps_xmm']}\n mov edi, 4\n mov eax, {EXIT}\n syscall")
    vex = assemble(VEX["vaddps_xmm"])
    for _ in range(3):
        trap = rig.go()
        assert trap is not None
        assert trap.vector == INVALID_OPCODE
        rig.ram.frame(frame)[: len(vex)] = b"\x90" * len(vex)
        rig.machine.drop_translations([frame])
        assert rig.go() is None
        rig.ram.frame(frame)[: len(vex)] = vex
        rig.machine.drop_translations([frame])


def test_vex_written_by_the_program(rig: Rig) -> None:
    """A program that makes a VEX-coded instruction on an RWX page, over a NOP that ran, is trapped too."""
    vex = int.from_bytes(assemble(VEX["vaddps_xmm"]), "little")
    source = f"""
        lea rbx, [rip + it]
        it: nop; nop; nop; nop
        inc edi
        cmp edi, 3
        jb it
        mov dword ptr [rbx], {vex:#x}
        jmp it
    """
    rig.code(source, rights="rwx")
    trap = rig.go()
    assert trap is not None
    assert (trap.vector, trap.rip, rig.regs[RDI]) == (INVALID_OPCODE, CODE + 7, 3)


def test_vex_with_single_steps(rig: Rig) -> None:
    """With TF on the instruction before it steps, and it traps as #UD; stepped over by the kernel, the rest steps."""
    rig.code(f"nop\n {VEX['vaddps_xmm']}\n nop\n mov eax, {EXIT}")
    size = len(assemble(VEX["vaddps_xmm"]))

    def on_trap(vector: int) -> None:
        if vector == INVALID_OPCODE:
            rig.regs[RIP] += size
        elif len(rig.traps) == 4:
            rig.cpu.stop()

    rig.on_trap = on_trap
    for _ in range(2):
        rig.traps.clear()
        rig.go(flags=FLAGS | TF)
        found = [(trap.vector, trap.rip - CODE) for trap in rig.traps]
        assert found == [(DEBUG, 1), (INVALID_OPCODE, 1), (DEBUG, 2 + size), (DEBUG, 7 + size)]


def test_single_stepped_code_still_traps_at_speed(rig: Rig) -> None:
    """A trap planted for single steps does not remove the one for full speed, and the other way round."""
    rig.code(f"nop\n {VEX['vaddps_xmm']}")
    rig.on_trap = lambda vector: rig.cpu.stop() if vector == INVALID_OPCODE else None
    for flags in (FLAGS, FLAGS | TF, FLAGS, FLAGS | TF, FLAGS):
        trap = rig.go(flags=flags)
        assert trap is not None
        assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + 1)
    n_planted = rig.cpu._planter.n_planted
    for flags in (FLAGS, FLAGS | TF, FLAGS):
        rig.go(flags=flags)
    assert rig.cpu._planter.n_planted == n_planted


def test_two_ways_to_one_vex_instruction(rig: Rig) -> None:
    """Blocks that begin at different places and hold the same instruction come to keep their traps."""
    source = f"cmp r15d, 1\n je entry\n nop\n nop\n entry: nop\n {VEX['vaddps_xmm']}"
    rig.code(source)
    for i in range(20):
        trap = rig.go(r15=i % 2)
        assert trap is not None
        assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + len(assemble(source)) - 4)
    assert rig.cpu._planter.n_planted == 3  # the second drops the first, whose byte it begins at, and not again


def test_handler_returns_to_the_vex_instruction(rig: Rig) -> None:
    """A kernel that changes nothing gets the same trap again, as after a SIGILL handler that returned."""
    rig.on_trap = lambda _vector: rig.cpu.stop() if len(rig.traps) == 100 else None
    rig.run(BEFORE + VEX["vaddps_xmm"])
    assert {(trap.vector, trap.rip) for trap in rig.traps} == {(INVALID_OPCODE, CODE + len(assemble(BEFORE)))}
    assert rig.cpu._planter.n_planted == 2  # for the block it is in, and for the one that begins with it


def test_neighbours_run(rig: Rig) -> None:
    """Instructions with C4 and C5 bytes in them that are no VEX prefix run, and the planter leaves them alone."""
    assert rig.exits(LOOKALIKES) == int.from_bytes(b"\xc5\xf0\x58\xc2", "little")
    assert rig.cpu._planter.n_planted == 0


def test_vex_after_a_lookalike(rig: Rig) -> None:
    """The true one is found behind a false one."""
    trap = rig.run(f"mov eax, 0xc5f058c2\n {VEX['vaddps_xmm']}")
    assert trap is not None
    assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + 5)


def test_vex_that_is_jumped_over_costs_nothing(rig: Rig) -> None:
    """A program that asks CPUID first never comes to its AVX code: nothing is planted."""
    rig.exits(f"xor eax, eax\n jz over\n {VEX['vaddps_xmm']}\n over: nop")
    assert rig.cpu._planter.n_planted == 0


def test_code_after_a_full_flush_of_translations(rig: Rig) -> None:
    """When the engine's buffer is full it forgets everything, the traps as well: they are planted again."""
    rig.code(BEFORE + VEX["vaddps_xmm"])
    for _ in range(2):
        trap = rig.go()
        assert trap is not None
        assert trap.vector == INVALID_OPCODE
        rig.cpu._engine.ctl(uc.UC_CTL_TB_FLUSH)


def test_vex_in_a_block_with_a_refused_instruction(rig: Rig) -> None:
    """IN and a VEX-coded instruction in one block: the first of the two traps, with all right at both."""
    source = f"{BEFORE}in al, dx\n {VEX['vmovdqu_store']}\n{AFTER}"
    rig.code(source)
    for _ in range(2):
        trap = rig.go()
        assert trap is not None
        assert (trap.vector, trap.rip) == (13, CODE + len(assemble(BEFORE)))
    trap = rig.go(CODE + len(assemble(BEFORE)) + 1, r3=DATA)
    assert trap is not None
    assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + len(assemble(BEFORE)) + 1)
    assert rig.word(DATA) == 77


def test_vex_when_the_engines_buffer_is_full(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of traps through a small buffer of translations, which is full again and again: each comes once."""
    assert state
    monkeypatch.setattr("pyuk.machine.cpu._TCG_BUFFER_BYTES", 1 << 20)
    rig = Rig()
    piece = assemble(f"inc edi\n {VEX['vaddps_xmm']}\n jmp next\n next:")
    n_pages = 20
    n_pieces = PAGE_BYTES // len(piece)
    for i in range(n_pages):
        tail = assemble(f"mov eax, {EXIT}\n syscall") if i == n_pages - 1 else b""
        content = (piece * (n_pieces - 1) + tail).ljust(PAGE_BYTES, b"\x90")
        rig.map(CODE + i * PAGE_BYTES, content, rights="rx")

    def on_trap(_vector: int) -> None:
        rig.regs[RIP] += 4

    rig.on_trap = on_trap
    for _ in range(2):
        rig.traps.clear()
        rig.go()
        assert rig.regs[RDI] == n_pages * (n_pieces - 1)
        assert [trap.rip for trap in rig.traps] == sorted({trap.rip for trap in rig.traps})
        assert len(rig.traps) == rig.regs[RDI]
    rig.close()
