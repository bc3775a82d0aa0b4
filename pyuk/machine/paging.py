"""x86-64 page tables in guest RAM, written by Python and walked by the emulated MMU.

An entry is 64 bits (Intel SDM vol. 3A, 4.5): the physical address of the next level or page, and
rights. Four levels of 512 entries each translate 48-bit canonical addresses; only the lower
(user) half differs between address spaces.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.machine.ram import Ram

PAGE_SHIFT = 12
PAGE_BYTES = 1 << PAGE_SHIFT
PAGE_MASK = PAGE_BYTES - 1
LARGE_SHIFT = 21
TASK_SIZE = 0x7FFF_FFFF_F000
"""End of the user half: the last page below the hole is never mapped (arch/x86/include/asm/page_64_types.h)."""

P = 1 << 0  # present
W = 1 << 1  # writable
U = 1 << 2  # user
A = 1 << 5  # accessed, set by the MMU
D = 1 << 6  # dirty, set by the MMU
PS = 1 << 7  # a 2 MiB page, in a second-level entry
NX = 1 << 63  # not executable
FRAME_MASK = 0x000F_FFFF_FFFF_F000

_TABLE = P | W | U


class PageTable:
    """One address space's four levels. `leaves` finds a last-level table without a walk.

    Invariant: leaves[va >> 21] is the index in ram.words of the first of the 512 entries that
    translate that 2 MiB, and the upper levels in RAM point to the same table.
    """

    __slots__ = ("_upper", "leaves", "ram", "root")

    def __init__(self, ram: Ram, kernel_half: int) -> None:
        """`kernel_half` is the top-level entry 511, shared by all (supervisor pages only)."""
        self.ram = ram
        self.root = ram.alloc()
        self.leaves: dict[int, int] = {}
        self._upper: dict[tuple[int, int], FrameNr] = {}
        ram.words[(self.root << 9) + 511] = kernel_half

    def entry(self, va: int) -> int:
        """The last-level entry that translates va, 0 where there is no table."""
        base = self.leaves.get(va >> 21)
        return 0 if base is None else self.ram.words[base + (va >> 12 & 511)]

    def leaf(self, va: int) -> int:
        """The index in ram.words of va's last-level table, made if absent."""
        base = self.leaves.get(va >> 21)
        if base is None:
            base = self._grow(va)
        return base

    def set(self, va: int, entry: int) -> None:
        """Write one last-level entry; flushing is the caller's business."""
        base = self.leaves.get(va >> 21)
        if base is None:
            base = self._grow(va)
        self.ram.words[base + (va >> 12 & 511)] = entry

    def _grow(self, va: int) -> int:
        ram = self.ram
        table = self.root
        for level, shift in ((3, 39), (2, 30), (1, 21)):
            key = (level, va >> shift)
            lower = self._upper.get(key)
            if lower is None:
                lower = ram.alloc()
                self._upper[key] = lower
                ram.words[(table << 9) + (va >> shift & 511)] = lower << PAGE_SHIFT | _TABLE
            table = lower
        base = table << 9
        self.leaves[va >> 21] = base
        return base

    def drop_leaf(self, va: int) -> None:
        """Free the last-level table of va's 2 MiB, whose entries the caller has cleared."""
        base = self.leaves.pop(va >> 21, None)
        if base is None:
            return
        upper = self._upper[2, va >> 30]
        self.ram.words[(upper << 9) + (va >> 21 & 511)] = 0
        self.ram.release(self._upper.pop((1, va >> 21)))

    def free(self) -> None:
        """Give all tables back; no CPU may have this root loaded."""
        for table in self._upper.values():
            self.ram.release(table)
        self.ram.release(self.root)
        self._upper.clear()
        self.leaves.clear()
