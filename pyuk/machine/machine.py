"""RAM and CPU as one: what the rest of pyuk knows as the machine."""

from __future__ import annotations

from pyuk.machine.cpu import RIP, TF, Cpu
from pyuk.machine.paging import PageTable
from pyuk.machine.ram import Ram

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr


_SMALL_FRAMES = 256
"""With fewer frames in use flushing all and filling again is quicker than flushing one."""


class Machine:
    """One machine serves any number of processes, one after another or interleaved."""

    def __init__(self, memory_bytes: int, *, counts_blocks: bool = False) -> None:
        """counts_blocks: see Cpu. Errors: MachineError."""
        self.ram = Ram(memory_bytes)
        self.cpu = Cpu(self.ram, counts_blocks=counts_blocks)
        self.ram.retire = self._retire

    def new_page_table(self) -> PageTable:
        """An empty address space with the kernel half."""
        return PageTable(self.ram, self.cpu.kernel_entry)

    def flush_tlb(self) -> None:
        """All entries, before the guest goes on."""
        self.cpu.flush_tlb()

    def flush_page(self, va: int) -> None:
        """One entry, before the guest goes on."""
        if self.ram.n_used < _SMALL_FRAMES:
            self.cpu.flush_tlb()
        else:
            self.cpu.flush_page(va)

    @property
    def rip(self) -> int:
        """Where the guest is."""
        return self.cpu.regs[RIP]

    def single_step(self) -> bool:
        """Let the guest do one instruction, and trap as with RFLAGS.TF; false where it traps so by its own wish."""
        if self.cpu.rflags & TF:
            return False
        self.cpu.rflags |= TF
        return True

    def end_single_step(self) -> None:
        """No more."""
        self.cpu.rflags &= ~TF

    def drop_translations(self, frames: list[FrameNr]) -> None:
        """The code in these frames has changed: never run what was translated from them."""
        self.cpu.drop_translations(frames)

    def _retire(self, frames: list[FrameNr]) -> None:
        """Frames about to be given out again: no TLB entry and no translation may know them."""
        self.cpu.flush_tlb()
        executable = self.ram.executable
        code = [frame for frame in frames if executable[frame]]
        if code:
            self.cpu.drop_translations(code)
            for frame in code:
                executable[frame] = 0

    def close(self) -> None:
        """Give host memory and the engine back."""
        self.cpu.close()
