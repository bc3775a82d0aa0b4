"""A machine with three pages, a program of a few instructions, and a kernel that is two functions of the test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyuk.machine.cpu import RAX, RIP, RSP
from pyuk.machine.machine import Machine
from pyuk.machine.paging import FRAME_MASK, NX, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, P, U, W
from tests.machine.asm import assemble

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import FrameNr
    from pyuk.machine.paging import PageTable

CODE, DATA, STACK = 0x401000, 0x600000, 0x7FFF_F000
STACK_TOP = STACK + 0x800
FLAGS = 0x202
EXIT = 60
NOP = b"\x90"


@dataclass(frozen=True)
class Trap:
    """What the kernel sees of an exception. `error_code` and `cr2` count only for those that have them."""

    vector: int
    error_code: int
    cr2: int
    rip: int


class Rig:
    """`traps` and `syscalls` (numbers) are in order. A trap and `exit` end the run unless the test says otherwise."""

    def __init__(
        self, memory_bytes: int = 64 << 20, *, entry: Callable[[], object] | None = None, counts_blocks: bool = False
    ) -> None:
        self.machine = Machine(memory_bytes, counts_blocks=counts_blocks)
        self.cpu, self.ram = self.machine.cpu, self.machine.ram
        self.regs = self.cpu.regs
        self.traps: list[Trap] = []
        self.syscalls: list[int] = []
        self.on_syscall: Callable[[int], object] = self._exit_only
        self.on_trap: Callable[[int], object] = lambda _vector: self.cpu.stop()
        self.cpu._n_early_flushes = 1 << 30  # so that all flushes are the test's
        self.cpu.attach(entry or self._syscall, self._trap)
        self.space = self.machine.new_page_table()
        self.data = self.map(DATA, rights="rw")
        self.stack = self.map(STACK, rights="rw")
        self.cpu.load_space(self.space)
        self.cpu.reset()

    def close(self) -> None:
        self.machine.close()

    # Memory

    def map(self, va: int, content: bytes = b"", *, rights: str, space: PageTable | None = None) -> FrameNr:
        """A new frame at va; `rights` of r, w, x, and s for a page that only the kernel may touch."""
        frame = self.ram.alloc()
        self.ram.frame(frame)[: len(content)] = content
        self.show(va, frame, rights=rights, space=space)
        return frame

    def show(self, va: int, frame: FrameNr, *, rights: str, space: PageTable | None = None) -> None:
        """Map a frame that exists."""
        if "x" in rights:
            self.ram.executable[frame] = 1
        (space or self.space).set(va, frame << PAGE_SHIFT | pte_bits(rights))

    def hide(self, va: int) -> None:
        self.space.set(va, 0)

    def code(self, source: str, at: int = CODE, *, rights: str = "rx") -> FrameNr:
        """A page of code at `at`, then NOPs."""
        self.cpu.flush_tlb()
        return self.map(at, assemble(source).ljust(PAGE_BYTES, NOP), rights=rights)

    def code_at_page_end(self, source: str) -> int:
        """The code as the last bytes of a page whose successor is absent. Gives its address."""
        code = assemble(source)
        self.cpu.flush_tlb()
        self.map(CODE, code.rjust(PAGE_BYTES, NOP), rights="rx")
        return CODE + PAGE_BYTES - len(code)

    def word(self, va: int) -> int:
        """The eight bytes at va, by a walk of the tables."""
        return self.ram.words[(self.space.entry(va) & FRAME_MASK | va & PAGE_MASK) >> 3]

    def set_word(self, va: int, value: int) -> None:
        self.ram.words[(self.space.entry(va) & FRAME_MASK | va & PAGE_MASK) >> 3] = value

    # Running

    def go(self, rip: int = CODE, *, flags: int = FLAGS, **registers: int) -> Trap | None:
        """Run from rip with these registers (`r5=1` is RBP) and an empty stack; gives the last trap of this run."""
        for index in range(RIP):
            self.regs[index] = registers.get(f"r{index}", 0)
        self.regs[RSP], self.regs[RIP] = STACK_TOP, rip
        self.cpu.rflags = flags
        return self.resume()

    def resume(self) -> Trap | None:
        """Run on from where the last run ended."""
        n_before = len(self.traps)
        self.cpu.run()
        return self.traps[-1] if len(self.traps) > n_before else None

    def run(self, source: str, **registers: int) -> Trap | None:
        """Run these instructions, alone on their page."""
        self.code(source)
        return self.go(**registers)

    def exits(self, source: str, **registers: int) -> int:
        """Run these instructions, which must come to `exit`; gives what they left in RDI."""
        n_before = len(self.syscalls)
        trap = self.run(f"{source}\n mov eax, {EXIT}\n syscall", **registers)
        assert self.syscalls[n_before:][-1:] == [EXIT], trap
        return self.regs[7]

    # The kernel

    def _syscall(self) -> None:
        self.syscalls.append(self.regs[RAX])
        self.on_syscall(self.regs[RAX])

    def _exit_only(self, number: int) -> None:
        assert number == EXIT, number
        self.cpu.stop()

    def _trap(self, vector: int) -> None:
        cpu = self.cpu
        self.traps.append(Trap(vector, cpu.error_code, cpu.cr2, cpu.regs[RIP]))
        self.on_trap(vector)


def pte_bits(rights: str) -> int:
    """A page-table entry's rights."""
    return P | (W if "w" in rights else 0) | (0 if "s" in rights else U) | (0 if "x" in rights else NX)
