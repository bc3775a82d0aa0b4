"""Code that changes is never run as it was."""

from __future__ import annotations

import pytest

from pyuk.abi.types import FrameNr
from pyuk.machine.cpu import PAGE_FAULT, RDI, RIP
from pyuk.machine.paging import FRAME_MASK, PAGE_BYTES, PAGE_SHIFT
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, EXIT, Rig
from tests.machine.test_tlb import at_syscall

FUNCTION = CODE + 0x10000


def returns(value: int) -> bytes:
    """A function: mov edi, value; ret."""
    return b"\xbf" + value.to_bytes(4, "little") + b"\xc3"


CALL = f"mov eax, {FUNCTION:#x}\n call rax"


def test_host_write_to_code(rig: Rig) -> None:
    """After drop_translations Python's new bytes are what runs; 200 versions."""
    frame = rig.map(FUNCTION, returns(0), rights="rx")
    rig.code(f"{CALL}\n mov eax, {EXIT}\n syscall")
    found = []
    for value in range(200):
        rig.ram.frame(frame)[:6] = returns(value)
        rig.machine.drop_translations([frame])
        rig.go()
        found.append(rig.regs[RDI])
    assert found == list(range(200))


def test_host_write_to_code_inside_a_system_call(rig: Rig) -> None:
    """The same from on_syscall, of the very page that is running: read(2) into mapped text."""
    frame = rig.code(f"""
        mov eax, 1
        syscall
        changed: mov edi, 1
        mov eax, {EXIT}
        syscall
    """)
    at = len(assemble("mov eax, 1\n syscall"))

    def change() -> None:
        rig.ram.frame(frame)[at : at + 5] = returns(2)[:5]
        rig.machine.drop_translations([frame])

    at_syscall(rig, change, lambda: None)
    rig.go()
    assert rig.regs[RDI] == 2
    rig.go()
    assert rig.regs[RDI] == 2


def test_drop_reaches_every_address_space(rig: Rig) -> None:
    """One frame mapped at two addresses in two spaces: both run the new code."""
    frame = rig.map(FUNCTION, returns(1), rights="rx")
    other = rig.machine.new_page_table()
    rig.show(FUNCTION + PAGE_BYTES, frame, rights="rx", space=other)
    stub = f"{CALL}\n mov eax, {EXIT}\n syscall"
    rig.code(stub)
    rig.map(CODE, assemble(stub.replace(f"{FUNCTION:#x}", f"{FUNCTION + PAGE_BYTES:#x}")), rights="rx", space=other)
    rig.show(0x7FFF_F000, rig.stack, rights="rw", space=other)
    found = []
    for value in (1, 2):
        rig.ram.frame(frame)[:6] = returns(value)
        rig.machine.drop_translations([frame])
        for space in (rig.space, other, rig.space):
            rig.cpu.load_space(space)
            rig.go()
            found.append(rig.regs[RDI])
    assert found == [1, 1, 1, 2, 2, 2]


def test_drop_of_many_frames(rig: Rig) -> None:
    """Frames in any order, with gaps, at both ends of RAM; the others keep their translations and the run its space."""
    frames = [rig.map(FUNCTION + i * PAGE_BYTES, returns(i), rights="rx") for i in range(8)]
    source = "\n".join(f"mov eax, {FUNCTION + i * PAGE_BYTES:#x}\n call rax\n add ebx, edi" for i in range(8))
    assert rig.exits(f"{source}\n mov edi, ebx") == sum(range(8))
    for i in (6, 0, 3, 1):
        rig.ram.frame(frames[i])[:6] = returns(100 * i)
    rig.machine.drop_translations([frames[i] for i in (6, 0, 3, 1)])
    rig.machine.drop_translations([FrameNr(rig.ram.n_frames - 1)])
    rig.go()
    assert rig.regs[RDI] == 600 + 0 + 300 + 100 + 2 + 4 + 5 + 7


def test_reused_frame(rig: Rig) -> None:
    """A frame that held code is freed, allocated again and filled with other code for the same address."""
    rig.code(f"{CALL}\n mov eax, {EXIT}\n syscall")
    found, frames = [], set()
    for value in range(20):
        frame = rig.map(FUNCTION, returns(value), rights="rx")
        frames.add(frame)
        rig.go()
        found.append(rig.regs[RDI])
        rig.hide(FUNCTION)
        rig.ram.release(frame)
        rig.ram._refill()  # what alloc does when enough is released
    assert found == list(range(20))
    assert len(frames) == 1
    assert rig.cpu.n_frames_dropped >= 19


def test_retired_data_frame_keeps_translations(rig: Rig) -> None:
    """A frame that was never executable goes round without a drop."""
    rig.exits("nop")
    rig.ram.release(rig.map(DATA + PAGE_BYTES, rights="rw"))
    rig.ram._refill()
    assert rig.cpu.n_frames_dropped == 0


def test_rwx_page(rig: Rig) -> None:
    """A program that rewrites a function on its own RWX page, 1,000 times, calls the new one each time."""
    rig.map(FUNCTION, returns(0), rights="rwx")
    source = f"""
        mov ebx, {FUNCTION}
        xor r12d, r12d
        again: mov [rbx + 1], r12d
        call rbx
        add r13, rdi
        inc r12d
        cmp r12d, 1000
        jb again
        mov rdi, r13
    """
    assert rig.exits(source) == sum(range(1000))


def test_store_into_the_running_block(rig: Rig) -> None:
    """A store changes an instruction that follows it in the same block: the new one runs."""
    source = f"""
        lea rbx, [rip + target + 1]
        mov r12d, 5
        again: mov [rbx], r12b
        target: mov ecx, 0
        add edi, ecx
        dec r12d
        jnz again
        mov eax, {EXIT}
        syscall
    """
    rig.code(source, rights="rwx")
    assert rig.go() is None
    assert rig.regs[RDI] == 5 + 4 + 3 + 2 + 1


def test_store_into_the_next_page_of_the_running_block(rig: Rig) -> None:
    """The same where block and store lie on two pages."""
    code = assemble(f"""
        mov ebx, {FUNCTION + PAGE_BYTES + 1}
        mov byte ptr [rbx], 9
        target: mov edi, 0
        mov eax, {EXIT}
        syscall
    """)
    at = len(assemble(f"mov ebx, {FUNCTION}\n mov byte ptr [rbx], 9"))
    rig.map(FUNCTION, b"\x90" * (PAGE_BYTES - at) + code[:at], rights="rwx")
    rig.map(FUNCTION + PAGE_BYTES, code[at:], rights="rwx")
    for value in (9, 9):
        rig.go(FUNCTION + PAGE_BYTES - at)
        assert rig.regs[RDI] == value


def test_writable_then_executable(rig: Rig) -> None:
    """RW, write, RX, run, and again with the rights changed by the kernel and the TLB flushed: 300 right results."""
    rig.map(FUNCTION, returns(0), rights="rw")
    frame = FrameNr((rig.space.entry(FUNCTION) & FRAME_MASK) >> PAGE_SHIFT)

    def flip(rights: str) -> None:
        rig.show(FUNCTION, frame, rights=rights)
        rig.machine.flush_page(FUNCTION)

    numbers = {1: "rx", 2: "rw"}
    rig.on_syscall = lambda number: rig.cpu.stop() if number == EXIT else flip(numbers[number])
    source = f"""
        mov ebx, {FUNCTION}
        xor r12d, r12d
        again: mov [rbx + 1], r12d
        mov eax, 1
        syscall
        call rbx
        add r13, rdi
        mov eax, 2
        syscall
        inc r12d
        cmp r12d, 300
        jb again
        mov rdi, r13
    """
    assert rig.exits(source) == sum(range(300))


def test_writable_alias(rig: Rig) -> None:
    """Two mappings of one frame, one W and one X: flipped in the fault handler, 200 calls of 200 are fresh."""
    alias = DATA + 0x10000
    frame = rig.map(FUNCTION, returns(0), rights="rx")

    def on_trap(vector: int) -> None:
        if vector != PAGE_FAULT or rig.cpu.cr2 & -PAGE_BYTES not in (alias, FUNCTION):
            rig.cpu.stop()
        elif rig.cpu.cr2 & -PAGE_BYTES == alias:
            rig.hide(FUNCTION)
            rig.show(alias, frame, rights="rw")
            rig.cpu.flush_tlb()
        else:
            rig.hide(alias)
            rig.show(FUNCTION, frame, rights="rx")
            rig.cpu.flush_tlb()
            rig.machine.drop_translations([frame])

    rig.on_trap = on_trap
    source = f"""
        mov ebx, {FUNCTION}
        mov r14d, {alias}
        xor r12d, r12d
        again: mov [r14 + 1], r12d
        call rbx
        add r13, rdi
        inc r12d
        cmp r12d, 200
        jb again
        mov rdi, r13
    """
    assert rig.exits(source) == sum(range(200))
    assert len(rig.traps) >= 399


@pytest.mark.parametrize("size_mib", [1, 64, 1025])
def test_identity_map_covers_ram(size_mib: int) -> None:
    """drop_translations reaches the last frame of RAMs that are no whole number of GiB, and of more than one."""
    rig = Rig(size_mib << 20)
    try:
        rig.code(f"{CALL}\n mov eax, {EXIT}\n syscall")
        rig.hide(FUNCTION)  # its table is made
        rig.ram._fresh = rig.ram.n_frames - 1  # the next frame is the last
        frame = rig.map(FUNCTION, returns(0), rights="rx")
        assert frame == rig.ram.n_frames - 1
        for value in (1, 2):
            rig.ram.frame(frame)[:6] = returns(value)
            rig.machine.drop_translations([frame])
            rig.go()
            assert (rig.regs[RDI], rig.regs[RIP]) == (value, CODE + len(assemble(f"{CALL}\n mov eax, 60\n syscall")))
    finally:
        rig.close()
