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


FLAGS_OF_LATER = f"""
    xor eax, eax
    inc eax
    pushf
    pop rdi
    and edi, 0xcd5
    mov eax, {EXIT}
    syscall
"""  # inc of 0: no arithmetic bit is set, CF is that of xor


@pytest.mark.parametrize("how", ["rflags", "save", "restore"])
def test_no_flag_stays_set(rig: Rig, how: str) -> None:
    """Flags that were set when a hook wrote or saved RFLAGS are cleared by instructions as ever."""

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
            return
        if how == "rflags":
            rig.cpu.rflags = 0xAD7  # all but DF
        else:
            frame = rig.cpu.save()
            if how == "restore":
                rig.cpu.restore(frame)

    rig.on_syscall = on_syscall
    rig.run(f"mov eax, 1\n cmp eax, 2\n syscall\n{FLAGS_OF_LATER}")
    assert rig.regs[RDI] == 0


@pytest.mark.parametrize("there", [True, False])
def test_switch(rig: Rig, there: bool) -> None:  # noqa: FBT001
    """`switch` goes on with the frame that on_switch restores without leaving `run`, which ends when there is none."""
    rig.code(f"mov eax, 1\n syscall\n mov edi, 7\n mov eax, {EXIT}\n syscall")
    rig.on_syscall = lambda _number: rig.cpu.stop()
    rig.go()
    frame = rig.cpu.save()
    calls: list[int] = []

    def on_switch() -> bool:
        if there:
            rig.cpu.restore(frame)
        return there

    def on_syscall(number: int) -> None:
        calls.append(number)
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.cpu.switch()

    rig.cpu.on_switch, rig.on_syscall = on_switch, on_syscall
    rig.code(f"mov edi, 1\n mov eax, 2\n syscall\n mov eax, {EXIT}\n syscall", CODE + 0x8000)
    rig.go(CODE + 0x8000)
    assert calls == ([2, EXIT] if there else [2])
    assert rig.regs[RDI] == (7 if there else 1)


@pytest.mark.parametrize("stepping", ["from", "to"])
def test_switch_of_single_steps(rig: Rig, stepping: str) -> None:
    """Whoever has TF set traps behind his own next instruction, not behind the other's system call."""
    TF = 0x100  # noqa: N806  # the SDM's name
    rig.code(f"mov eax, 1\n syscall\n mov edi, 7\n mov eax, {EXIT}\n syscall")
    rig.on_syscall = lambda _number: rig.cpu.stop()
    rig.go()
    frames = [rig.cpu.save()]
    if stepping == "to":
        rig.cpu.rflags |= TF
        frames = [rig.cpu.save()]
    traps: list[tuple[int, int]] = []

    def on_switch() -> bool:
        mine = rig.cpu.save()
        rig.cpu.restore(frames.pop())
        frames.append(mine)
        return True

    def on_syscall(number: int) -> None:
        rig.cpu.stop() if number == EXIT else rig.cpu.switch()

    def on_trap(vector: int) -> None:
        traps.append((vector, rig.regs[RDI]))
        rig.cpu.rflags &= ~TF

    rig.cpu.on_switch, rig.on_syscall, rig.on_trap = on_switch, on_syscall, on_trap
    begin = f"pushf\n or qword ptr [rsp], {TF if stepping == 'from' else 0}\n mov edi, 1\n mov eax, 2\n popf\n syscall"
    rig.code(f"{begin}\n mov edi, 5\n mov eax, {EXIT}\n syscall", CODE + 0x8000)
    rig.go(CODE + 0x8000)
    if stepping == "to":
        assert traps == [(1, 7)]
        return
    assert traps == []
    assert rig.regs[RDI] == 7
    rig.cpu.restore(frames.pop())
    rig.resume()
    assert traps == [(1, 5)]
