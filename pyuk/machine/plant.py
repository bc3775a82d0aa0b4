"""AVX: VEX-coded instructions must trap, because the engine would run some of them as SSE.

Each new block of translated code is looked at once, before it first runs. One with a VEX-coded
instruction is translated anew with an undefined opcode in its place. The guest's bytes stay as they
are: host writes do not invalidate translations, so the trap lives as long as the translation, in
every process that maps the frame, and code without traps pays nothing.
"""

from __future__ import annotations

from pyuk.machine import engine as uc
from pyuk.machine.clib import c_uint64
from pyuk.machine.paging import FRAME_MASK, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.machine.engine import Engine
    from pyuk.machine.paging import PageTable
    from pyuk.machine.ram import Ram

_UNDEFINED = b"\x06"  # push es: one byte that 64-bit mode does not know


class Planter:
    """Finds blocks that need a trap while the engine runs, and plants when it has stopped."""

    def __init__(self, ram: Ram) -> None:
        self._ram = ram
        self._find = ram.find
        self.found: list[tuple[int, FrameNr, int]] = []
        """Start of the block, the frame it begins in, the instruction's place in RAM."""
        self._planting = False
        self.n_planted = 0

    def wants(self, table: PageTable | None, block: int, n_bytes: int) -> bool:
        """Whether the engine must stop before it runs this new block."""
        if self._planting:
            return True
        if table is None:
            return False
        offset = block & PAGE_MASK
        if offset + n_bytes <= PAGE_BYTES:
            start = (table.entry(block) & FRAME_MASK) + offset
            end = start + n_bytes
            if self._find(b"\xc5", start, end) < 0 and self._find(b"\xc4", start, end) < 0:
                return False
        from pyuk.machine import insn  # noqa: PLC0415  # small programs have no such byte

        at = insn.find_vex(table.code_at(block, n_bytes), n_bytes)
        if at < 0:
            return False
        frame = (table.entry(block) & FRAME_MASK) >> PAGE_SHIFT
        where = (table.entry(block + at) & FRAME_MASK) + (block + at & PAGE_MASK)
        self.found.append((block, frame, where))  # type: ignore[arg-type]
        return True

    def plant(self, engine: Engine) -> None:
        """Translate what was found with its traps, in the address space it was found in.

        The translation is made by starting the engine, which `wants` stops again before anything runs:
        UC_CTL_TB_REQUEST_CACHE would do it too, but jumps into nowhere when the engine's buffer is full.
        """
        ram = self._ram.bytes
        none = c_uint64(0)
        while self.found:
            block, _frame, where = self.found[-1]
            # Only what begins at or runs over this first byte: another block's trap at the same address stays.
            engine.ctl(uc.UC_CTL_TB_REMOVE_CACHE, c_uint64(block), c_uint64(block + 1))
            true_byte = ram[where]
            try:
                self._planting = True
                ram[where : where + 1] = _UNDEFINED
                engine.check(engine.held.uc_emu_start(engine.handle, c_uint64(block), none, none, none))
            finally:
                ram[where] = true_byte
                self._planting = False
            self.found.pop()
            self.n_planted += 1

    def forget(self) -> list[FrameNr]:
        """Plant nothing; gives the frames whose translations have no traps."""
        frames = [frame for _block, frame, _where in self.found]
        self.found.clear()
        return frames
