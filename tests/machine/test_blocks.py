"""Time slices in executed blocks: what is counted, and where they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pyuk.machine.cpu import PAGE_FAULT, RDI, RIP
from pyuk.machine.paging import PAGE_BYTES
from tests.machine.rig import DATA, EXIT, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.machine.blocks import BlockCounter

LOOP = f"again: inc rdi\n dec rcx\n jnz again\n mov eax, {EXIT}\n syscall"


@pytest.fixture
def rig(state: str) -> Iterator[Rig]:
    """A machine that counts blocks, in each state."""
    assert state
    made = Rig(counts_blocks=True)
    yield made
    made.close()


def blocks(rig: Rig) -> BlockCounter:
    """The counter."""
    assert rig.cpu.blocks is not None
    return rig.cpu.blocks


def count(rig: Rig, source: str, **registers: int) -> int:
    """How many blocks the program executes, once it has been translated and then again."""
    rig.run(source, **registers)
    first = blocks(rig).n_executed
    rig.go(**registers)
    return blocks(rig).n_executed - first


@pytest.mark.parametrize("n", [1, 2, 100])
def test_each_turn_of_a_loop_is_a_block(rig: Rig, n: int) -> None:
    """And what comes behind it is one more."""
    assert count(rig, LOOP, r1=n) == n + 1


def test_every_slice_is_exact(rig: Rig) -> None:
    """A slice of n blocks ends after n, wherever that is; nothing is done twice or left out."""
    ends: list[int] = []

    def on_tick() -> None:
        ends.append(rig.regs[RDI])
        blocks(rig).grant(len(ends) * 7)

    rig.cpu.on_tick = on_tick
    rig.code(LOOP)
    blocks(rig).grant(5)
    rig.go(r1=2000)
    assert rig.regs[RDI] == 2000
    assert ends[:5] == [5, 12, 26, 47, 75]


def test_the_first_translation_counts_nothing(rig: Rig) -> None:
    """A program with a VEX instruction, which is planted when it is met: as many blocks as the second time."""
    source = f"mov eax, 1\n syscall\n nop\n vzeroupper\n mov eax, {EXIT}\n syscall"
    seen: list[int] = []

    def on_trap(_vector: int) -> None:
        rig.regs[RIP] += 3

    rig.on_trap = on_trap
    rig.on_syscall = lambda number: rig.cpu.stop() if number == EXIT else None
    rig.code(source)
    for _ in range(3):
        before = blocks(rig).n_executed
        rig.go()
        seen.append(blocks(rig).n_executed - before)
    assert seen == [seen[0]] * 3


def test_a_repaired_fault_counts_nothing(rig: Rig) -> None:
    """A loop whose pages appear as it touches them executes as many blocks as one that finds them."""
    source = f"""
        again: mov rax, [rbx]
        inc rdi
        mov [rbx], rdi
        add rbx, {PAGE_BYTES}
        dec rcx
        jnz again
        mov eax, {EXIT}
        syscall
    """
    begin = DATA + PAGE_BYTES

    def on_trap(vector: int) -> None:
        assert vector == PAGE_FAULT
        rig.map(rig.cpu.cr2 & -PAGE_BYTES, rights="rw")

    rig.on_trap = on_trap
    rig.code(source)
    seen = []
    for _ in range(2):
        before = blocks(rig).n_executed
        rig.go(r1=40, r3=begin)
        seen.append(blocks(rig).n_executed - before)
    assert len(rig.traps) == 40
    assert seen == [41, 41]


@pytest.mark.parametrize("how", ["flush_tlb", "flush_page", "stop", "drop"])
def test_what_the_kernel_does_counts_nothing(rig: Rig, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flushes, stops of the engine and translations that are dropped in a system call."""
    monkeypatch.setattr("pyuk.machine.machine._SMALL_FRAMES", 0)
    text = rig.code(f"again: mov eax, 1\n syscall\n inc rdi\n dec r15\n jnz again\n mov eax, {EXIT}\n syscall")

    def on_syscall(number: int) -> None:
        if number == EXIT or how == "stop":
            rig.cpu.stop()
        elif how == "flush_tlb":
            rig.machine.flush_tlb()
        elif how == "flush_page":
            rig.machine.flush_page(DATA)
        else:
            rig.cpu.drop_translations([text])

    rig.on_syscall = on_syscall
    before = blocks(rig).n_executed
    rig.go(r15=30)
    while rig.syscalls[-1] != EXIT:
        rig.resume()
    assert rig.regs[RDI] == 30
    assert blocks(rig).n_executed - before == 61


def test_no_ticker(rig: Rig) -> None:
    """Nothing ends a slice but its end."""
    assert rig.cpu.ticker is None
    ticks: list[int] = []
    rig.cpu.on_tick = lambda: ticks.append(1)
    rig.run(LOOP, r1=20_000_000)
    assert ticks == []
