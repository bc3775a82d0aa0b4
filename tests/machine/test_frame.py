"""Trap frames: what `save` took anywhere, `restore` gives back anywhere."""

from __future__ import annotations

import pytest

from pyuk.machine.cpu import RDI, RIP
from tests.machine.rig import CODE, DATA, EXIT, STACK, Rig

STATES = ("live", "copied", "probe")

# What a program has before it is saved, and its own check of it: RDI is 0 if all is there.
STATE = """
    mov rbx, 0x1122334455667788
    movq xmm9, rbx
    fldpi
    push 0x2c93
    popf
"""  # DF, OF and SF set, ZF not; CF and AF set
CHECK = f"""
    pushf
    cld
    pop rcx
    xor edi, edi
    and ecx, 0xcd5
    cmp ecx, 0xc91
    setne dil
    shl edi, 8
    movq rcx, xmm9
    cmp rcx, rbx
    setne dil
    fldpi
    fcomip st, st(1)
    jz good
    or edi, 0x10000
    good: mov eax, {EXIT}
    syscall
"""
TAKEN_BY = {
    "system call": "mov eax, 1\n syscall",
    "fault": f"mov ebp, {STACK - 4096:#x}\n mov [rbp], rbp",
    "breakpoint": "int3",
    "undefined": "ud2",
    "refused": "in al, dx",
    "avx": "vzeroupper",
}
SKIP = {"undefined": 2, "refused": 1, "avx": 3}
OTHER = f"again: xor eax, eax\n fninit\n pxor xmm9, xmm9\n xor ebx, ebx\n mov eax, {EXIT}\n syscall\n jmp again"


@pytest.mark.parametrize("taken_by", TAKEN_BY)
@pytest.mark.parametrize("where", ["inside", "outside"])
@pytest.mark.parametrize("back", ["inside", "outside"])
def test_frame(rig: Rig, taken_by: str, where: str, back: str) -> None:
    """A frame saved inside a hook or after the run, of any trap, restored inside another or between runs."""
    frames = []

    def save() -> None:
        frames.append(rig.cpu.save())

    def on_trap(_vector: int) -> None:
        rig.regs[RIP] += SKIP.get(taken_by, 0)
        if taken_by == "fault":
            rig.map(STACK - 4096, rights="rw")
        if where == "inside":
            save()
        rig.cpu.stop()

    rig.on_trap = on_trap
    rig.on_syscall = on_trap
    rig.run(f"{STATE}\n{TAKEN_BY[taken_by]}\n{CHECK}")
    if where == "outside":
        save()
    assert len(frames) == 1
    rig.on_syscall = lambda _number: rig.cpu.stop()
    rig.code(OTHER, CODE + 0x8000)
    rig.go(CODE + 0x8000, flags=0x202)
    if back == "inside":
        restored: list[int] = []

        def on_syscall(_number: int) -> None:
            if restored:
                rig.cpu.stop()
            else:
                rig.cpu.restore(frames[0])
                restored.append(1)

        rig.on_syscall = on_syscall
        rig.resume()
    else:
        rig.cpu.restore(frames[0])
        rig.resume()
    assert rig.syscalls[-1] == EXIT
    assert rig.regs[RDI] == 0


def test_saving_changes_nothing(rig: Rig) -> None:
    """A program that is saved at each system call goes on with its flags and registers."""

    def on_syscall(number: int) -> None:
        rig.cpu.save()
        if number == EXIT:
            rig.cpu.stop()

    rig.on_syscall = on_syscall
    rig.run(f"{STATE}\n mov eax, 1\n syscall\n{CHECK}")
    assert rig.regs[RDI] == 0


def test_frame_has_no_address_space(rig: Rig) -> None:
    """restore keeps the space that is loaded, and the one that load_space has asked for."""
    rig.set_word(DATA, 1)
    text = rig.code(f"mov eax, 1\n syscall\n mov rdi, [{DATA:#x}]\n mov eax, {EXIT}\n syscall")
    other = rig.machine.new_page_table()
    rig.show(CODE, text, rights="rx", space=other)
    rig.map(DATA, b"\x02", rights="rw", space=other)
    rig.on_syscall = lambda _number: rig.cpu.stop()
    rig.go()
    frame = rig.cpu.save()
    found = []
    for space in (other, rig.space, rig.space, other, other):
        rig.cpu.load_space(space)
        rig.cpu.restore(frame)
        rig.resume()
        found.append(rig.regs[RDI])
    assert found == [2, 1, 1, 2, 2]


def test_two_programs_in_turns(rig: Rig) -> None:
    """Two frames, switched at every system call inside the hook: each adds up in all its registers by itself."""
    rig.code(f"""
        again: add rdi, r15
        add [rbp], r15
        mov eax, 1
        syscall
        dec r14
        jnz again
        mov eax, {EXIT}
        syscall
    """)
    waiting: list[bytes] = []
    results = []
    rig.go(CODE + 0x800)  # somewhere, to have a frame
    for step in (3, 1000):
        for index, value in ((RDI, 0), (15, step), (14, 50), (5, DATA + step), (RIP, CODE)):
            rig.regs[index] = value
        waiting.append(rig.cpu.save())

    def on_syscall(number: int) -> None:
        if number == EXIT:
            results.append(rig.regs[RDI])
            if waiting:
                rig.cpu.restore(waiting.pop(0))
            else:
                rig.cpu.stop()
        else:
            waiting.append(rig.cpu.save())
            rig.cpu.restore(waiting.pop(0))

    rig.on_syscall = on_syscall
    rig.cpu.restore(waiting.pop(0))
    rig.resume()
    assert results == [150, 50_000]
