"""What a program finds when it begins, and the two ways into the kernel."""

from __future__ import annotations

import pytest

from pyuk.machine import cpu as vectors
from pyuk.machine.cpu import R11, RAX, RCX, RDI, RIP, RSP
from pyuk.machine.fpu import initial_fxsave
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, EXIT, FLAGS, STACK_TOP, Rig

STATES = ("live", "copied", "probe")


def test_code_runs_in_ring_3(rig: Rig) -> None:
    """CS is 0x33 and SS 0x2b: Linux's user selectors, at CPL 3."""
    assert rig.exits("mov edi, cs") == 0x33
    assert rig.exits("mov edi, ss") == 0x2B


@pytest.mark.parametrize("register", ["ds", "es", "fs", "gs"])
def test_data_selectors_begin_as_null(rig: Rig, register: str) -> None:
    """DS, ES, FS, GS are 0, as start_thread leaves them."""
    assert rig.exits(f"mov edi, {register}") == 0


@pytest.mark.parametrize("register", ["ds", "es", "fs", "gs"])
def test_user_selector_can_be_loaded(rig: Rig, register: str) -> None:
    """`mov ds, 0x2b` works: the GDT is mapped. It stays, and the next program finds 0 again."""
    assert rig.exits(f"mov eax, 0x2b\n mov {register}, eax\n mov edi, {register}") == 0x2B
    rig.cpu.reset()
    assert rig.exits(f"mov edi, {register}") == 0


def test_kernel_selector_cannot_be_loaded(rig: Rig) -> None:
    """`mov ds, 0x18`, the kernel's data segment, is #GP with the selector as error code."""
    trap = rig.run("mov eax, 0x18\n mov ds, eax")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.rip) == (vectors.GENERAL_PROTECTION, 0x18, CODE + 5)


def test_user_stack_selector_can_be_loaded(rig: Rig) -> None:
    """`mov ss, 0x2b` works, and the stack with it."""
    assert rig.exits("mov eax, 0x2b\n mov ss, eax\n push 7\n pop rdi") == 7


def test_reset_gives_the_state_of_a_new_program(rig: Rig) -> None:
    """After `reset` all registers are 0, RFLAGS is 0x202, and FS and GS have no base."""
    rig.run("mov rax, -1\n mov r15, -1\n stc\n std\n ud2")
    rig.cpu.fs_base = rig.cpu.gs_base = 0x1000
    rig.cpu.reset()
    assert list(rig.regs) == [0] * 17
    assert rig.cpu.rflags == FLAGS
    assert (rig.cpu.fs_base, rig.cpu.gs_base) == (0, 0)


def test_registers_are_numbered_as_in_modrm(rig: Rig) -> None:
    """`regs` is RAX RCX RDX RBX RSP RBP RSI RDI R8-R15 RIP."""
    names = [
        "rax",
        "rcx",
        "rdx",
        "rbx",
        "rsp",
        "rbp",
        "rsi",
        "rdi",
        "r8",
        "r9",
        "r10",
        "r11",
        "r12",
        "r13",
        "r14",
        "r15",
    ]
    source = "\n".join(f"mov {name}, {0x1000 + i}" for i, name in enumerate(names))
    trap = rig.run(source + "\n ud2")
    assert list(rig.regs[:16]) == [0x1000 + i for i in range(16)]
    assert trap is not None
    assert rig.regs[RIP] == trap.rip == CODE + len(assemble(source))


def test_registers_written_outside_reach_the_program(rig: Rig) -> None:
    """What Python writes into `regs` between runs is what the program has."""
    assert rig.exits("lea rdi, [rax + rbx*2]\n add rdi, r15", r0=1, r3=10, r15=100) == 121


def test_syscall_shows_the_next_instruction(rig: Rig) -> None:
    """In on_syscall RIP is after the instruction, nothing else is changed, and the program goes on there."""
    seen = []

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
            return
        seen.append((rig.regs[RIP], rig.regs[RCX], rig.regs[R11], rig.regs[RSP]))
        rig.regs[RAX] = 1234

    rig.on_syscall = on_syscall
    assert rig.exits("mov eax, 39\n syscall\n mov edi, eax", r1=5, r11=6) == 1234
    assert seen == [(CODE + 7, 5, 6, STACK_TOP)]


def test_syscall_can_be_sent_elsewhere(rig: Rig) -> None:
    """RIP written in on_syscall is where the program goes on, also to 0 and back below 2 (sigreturn)."""
    target = CODE + 0x100

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.regs[RIP] = {1: target, 2: 0, 3: 1}[number]

    rig.on_syscall = on_syscall
    source = f"mov eax, 1\n syscall\n ud2\n .org 0x100\n mov eax, {EXIT}\n mov edi, 55\n syscall"
    assert rig.run(source) is None
    assert rig.regs[RDI] == 55
    for number in (2, 3):
        trap = rig.run(f"mov eax, {number}\n syscall")
        assert trap is not None
        assert (trap.vector, trap.cr2, trap.rip) == (vectors.PAGE_FAULT, number - 2, number - 2)


def test_syscall_as_last_instruction_of_a_page(rig: Rig) -> None:
    """A syscall before an absent page is made; then the fetch of what follows faults, with RIP there."""
    rig.on_syscall = lambda _number: None
    trap = rig.go(rig.code_at_page_end("mov eax, 39\n syscall"))
    assert rig.syscalls == [39]
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2, trap.rip) == (
        vectors.PAGE_FAULT,
        0x14,
        CODE + 0x1000,
        CODE + 0x1000,
    )


def test_flags_in_a_syscall(rig: Rig) -> None:
    """`rflags` and `read_flags` are the program's, worked out from its last arithmetic."""
    seen = []

    def on_syscall(number: int) -> None:
        seen.append((rig.cpu.rflags, rig.cpu.read_flags()))
        if number == EXIT:
            rig.cpu.stop()

    rig.on_syscall = on_syscall
    rig.run(f"mov eax, {EXIT}\n cmp ecx, 1\n syscall")  # 0 - 1: CF AF SF PF
    assert seen == [(FLAGS | 0x95, FLAGS | 0x95)]


def test_flags_set_in_a_syscall(rig: Rig) -> None:
    """RFLAGS written in on_syscall, with other registers, are the program's."""

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.regs[RCX] = 9
            rig.cpu.rflags = FLAGS | 0x401  # DF CF
            rig.regs[R11] = 8

    rig.on_syscall = on_syscall
    source = "cmp eax, eax\n syscall\n setc bl\n pushf\n pop rdi\n cld\n shl rdi, 8\n mov dil, bl\n add rdi, rcx"
    assert rig.exits(source) == (FLAGS | 0x401) << 8 | 1 + 9


def test_thread_pointers(rig: Rig) -> None:
    """FS and GS address from their bases; a base set in a syscall counts at once."""
    rig.set_word(DATA + 8, 11)
    rig.set_word(DATA + 16, 22)

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.cpu.fs_base, rig.cpu.gs_base = DATA, DATA + 8

    rig.on_syscall = on_syscall
    assert rig.exits("mov eax, 1\n syscall\n mov rdi, fs:[8]\n add rdi, gs:[8]") == 33
    assert (rig.cpu.fs_base, rig.cpu.gs_base) == (DATA, DATA + 8)


def test_new_address_space_shows_nothing_of_the_kernel(rig: Rig) -> None:
    """A new address space has one top-level entry, the kernel's, and no user page."""
    table = rig.machine.new_page_table()
    entries = rig.ram.words[table.root << 9 : (table.root << 9) + 512]
    assert [i for i in range(512) if entries[i]] == [511]
    assert not entries[511] & 1 << 2  # U


def test_reset_in_a_system_call(rig: Rig) -> None:
    """execve: `reset` and a new RIP in on_syscall are all the next program finds."""

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.cpu.reset()
            rig.regs[RIP], rig.regs[RSP] = CODE + 0x100, STACK_TOP

    rig.on_syscall = on_syscall
    source = f"""
        mov eax, 0x2b
        mov ds, eax
        mov gs, eax
        fld1
        std
        mov r15, -1
        movq xmm15, r15
        mov eax, 1
        cmp eax, 2
        syscall
        .org 0x100
        pushf
        pop rdi
        mov ebx, ds
        mov ecx, gs
        or rbx, r15
        or rcx, rbx
        shl rcx, 32
        or rdi, rcx
        mov eax, {EXIT}
        syscall
    """
    rig.run(source)
    assert rig.regs[RDI] == FLAGS
    assert rig.cpu.read_fxsave() == initial_fxsave()
