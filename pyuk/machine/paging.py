"""x86-64 page tables in guest RAM, written by Python and walked by the emulated MMU.

An entry is 64 bits (Intel SDM vol. 3A, 4.5): the physical address of the next level or page, and
rights. Four levels of 512 entries each translate 48-bit canonical addresses; only the lower
(user) half differs between address spaces.

Last-level tables are shared by a fork and copied when one side changes an entry, after "On-demand-fork" (Zhao, Gong,
Fonseca, EuroSys 2021): the entry above a shared table has no W, so the first write through it faults.
"""

from __future__ import annotations

from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from pyuk.abi.types import FrameNr
    from pyuk.machine.ram import Ram

PAGE_SHIFT = 12
PAGE_BYTES = 1 << PAGE_SHIFT
PAGE_MASK = PAGE_BYTES - 1
LARGE_SHIFT = 21
LARGE_BYTES = 1 << LARGE_SHIFT
LARGE_PAGES = LARGE_BYTES >> PAGE_SHIFT
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
_LEAF = Struct("=512Q")  # not the array module: it imports collections, 1 ms of every start
_IN_LARGE = LARGE_BYTES - PAGE_BYTES  # the page's place in its 2 MiB


class PageTable:
    """One address space's four levels, by region: a region is 2 MiB, number va >> 21.

    Invariants: leaves[region] is the index in ram.words of the first of the 512 entries that translate it,
    large[region] the index of the second-level entry that maps a 2 MiB page there; no region is in both. `owned` has
    the leaves that may be changed: those of this space alone. The second-level entry has W exactly for these;
    counts[frame of a leaf] is the number of spaces that have it, and every entry in it counts its frame once for all.
    """

    __slots__ = ("_upper", "large", "leaves", "owned", "ram", "root")

    def __init__(self, ram: Ram, kernel_half: int) -> None:
        """`kernel_half` is the top-level entry 511, shared by all (supervisor pages only)."""
        self.ram = ram
        self.root = ram.alloc()
        self.leaves: dict[int, int] = {}
        self.owned: dict[int, int] = {}
        self.large: dict[int, int] = {}
        self._upper: dict[tuple[int, int], FrameNr] = {}
        ram.words[(self.root << 9) + 511] = kernel_half

    def entry(self, va: int) -> int:
        """The entry that translates va, as a last-level one and with the rights that it has here; 0 where none is."""
        region = va >> LARGE_SHIFT
        base = self.owned.get(region)
        if base is not None:
            return self.ram.words[base + (va >> 12 & 511)]
        base = self.leaves.get(region)
        if base is not None:
            return self.ram.words[base + (va >> 12 & 511)] & ~W
        slot = self.large.get(region)
        return 0 if slot is None else (self.ram.words[slot] & ~PS) + (va & _IN_LARGE)

    def code_at(self, va: int, n_bytes: int) -> bytes:
        """Up to n_bytes of what the CPU would fetch at va, as far as pages are present and executable."""
        found = b""
        while len(found) < n_bytes:
            here = va + len(found)
            entry = self.entry(here)
            if not entry & P or entry & NX:
                break
            offset = here & PAGE_MASK
            start = (entry & FRAME_MASK) + offset
            found += bytes(self.ram.bytes[start : start + min(n_bytes - len(found), PAGE_BYTES - offset)])
        return found

    def set(self, va: int, entry: int) -> None:
        """Write one last-level entry; flushing is the caller's business. Raises OutOfFramesError."""
        self.ram.words[self.own(va >> LARGE_SHIFT) + (va >> 12 & 511)] = entry

    def own(self, region: int) -> int:
        """The index in ram.words of the region's own last-level table, made, copied or split from a large page.

        No flush is needed: what the TLB may hold has no more rights than before. Raises OutOfFramesError.
        """
        base = self.owned.get(region)
        if base is not None:
            return base
        if region in self.large:
            return self._split(region)
        slot = self.slot(region)
        base = self.leaves.get(region)
        if base is None:
            base = self.ram.alloc() << 9
        elif self.ram.counts[base >> 9] > 1:
            base = self._copy(base)
        self._enter(region, slot, base)
        return base

    def _enter(self, region: int, slot: int, base: int) -> None:
        self.leaves[region] = self.owned[region] = base
        self.ram.words[slot] = base << 3 | _TABLE

    def _copy(self, base: int) -> int:
        """A table of our own instead of a shared one; nobody may write the pages that are in both now."""
        ram = self.ram
        words, counts = ram.words, ram.counts
        copy = ram.alloc_unzeroed() << 9
        entries = words[base : base + 512].tolist()
        for entry in entries:
            if entry:
                counts[(entry & FRAME_MASK) >> 12] += 1
        leaf = memoryview(_LEAF.pack(*[entry & ~W for entry in entries])).cast("Q")
        words[base : base + 512] = words[copy : copy + 512] = leaf
        ram.release(base >> 9)  # type: ignore[arg-type]
        return copy

    def _split(self, region: int) -> int:
        """512 pages instead of a large one; the frames and rights stay."""
        ram = self.ram
        base = ram.alloc_unzeroed() << 9
        slot = self.large.pop(region)
        first = ram.words[slot] & ~PS
        leaf = _LEAF.pack(*range(first, first + LARGE_BYTES, PAGE_BYTES))
        ram.words[base : base + 512] = memoryview(leaf).cast("Q")
        ram.split_run((first & FRAME_MASK) >> 12)  # type: ignore[arg-type]
        self._enter(region, slot, base)
        return base

    def set_large(self, region: int, entry: int) -> None:
        """Map a run of frames as a 2 MiB page where there is no table; the run's count is the caller's."""
        slot = self.slot(region)
        self.ram.words[slot] = entry | PS
        self.large[region] = slot

    def clear_large(self, region: int) -> int:
        """Unmap a 2 MiB page; gives its entry, whose run the caller releases."""
        slot = self.large.pop(region)
        entry = self.ram.words[slot]
        self.ram.words[slot] = 0
        return entry & ~PS

    def share(self, child: PageTable, withheld: Container[int]) -> None:
        """Give an empty child every region as it is, except some; from now on whoever changes one copies first.

        The caller flushes. Raises OutOfFramesError, and then the child has a part of it.
        """
        ram = self.ram
        words, counts = ram.words, ram.counts
        number = mine = theirs = -1
        mixed: list[int] = []
        for region, slot in self.large.items():
            if region >> 9 != number:
                number = region >> 9
                theirs = child.slot(number << 9)
            entry = words[slot] & ~W
            head = (entry & FRAME_MASK) >> 12
            if region in withheld:
                continue
            if counts[head + 1]:  # not a whole run any more (Ram.is_whole)
                mixed.append(region)
                continue
            counts[head] += 1
            target = theirs + (region & 511)
            words[slot] = words[target] = entry
            child.large[region] = target
        for region in mixed:
            self._split(region)
        number = -1
        owned = self.owned
        for region, base in self.leaves.items():
            if region in withheld:
                continue
            if region >> 9 != number:
                number = region >> 9
                mine, theirs = self.slot(number << 9), child.slot(number << 9)
            at = region & 511
            if owned.pop(region, None) is not None:
                words[mine + at] &= ~W
            counts[base >> 9] += 1
            words[theirs + at] = base << 3 | P | U
            child.leaves[region] = base

    def take_leaf(self, region: int) -> int:
        """Take a leaf, shared or not, out of the region, to be put into another by `put_leaf`."""
        base = self.leaves.pop(region)
        self.owned.pop(region, None)
        self.ram.words[self.slot(region)] = 0
        return base

    def put_leaf(self, region: int, base: int) -> None:
        """Put a leaf that `take_leaf` gave where there is nothing; the slot has been made (`make_room`)."""
        self.leaves[region] = base
        self.ram.words[self.slot(region)] = base << 3 | P | U

    def make_room(self, region: int) -> None:
        """Make the upper levels, so that nothing can fail later. Raises OutOfFramesError."""
        self.slot(region)

    def slot(self, region: int) -> int:
        """The index in ram.words of a region's second-level entry, its tables made if absent."""
        directory = self._upper.get((2, region >> 9))
        if directory is None:
            ram = self.ram
            directory = self.root
            for level, shift in ((3, 18), (2, 9)):
                key = (level, region >> shift)
                lower = self._upper.get(key)
                if lower is None:
                    lower = ram.alloc()
                    self._upper[key] = lower
                    ram.words[(directory << 9) + (region >> shift & 511)] = lower << PAGE_SHIFT | _TABLE
                directory = lower
        return (directory << 9) + (region & 511)

    @property
    def n_tables(self) -> int:
        """Tables of all levels but the first, shared ones too (VmPTE)."""
        return len(self.leaves) + len(self._upper)

    def drop_leaf(self, region: int) -> None:
        """Let go of a region's last-level table, whose entries the caller has cleared, unless it is shared."""
        base = self.leaves.pop(region, None)
        if base is not None:
            self.owned.pop(region, None)
            self.ram.words[self.slot(region)] = 0
            self.ram.release(base >> 9)  # type: ignore[arg-type]

    def free(self) -> None:
        """Give all tables back; no CPU may have this root loaded, and what they map has been let go of."""
        self.ram.release_all([base >> 9 for base in self.leaves.values()])  # type: ignore[misc]
        self.ram.release_all([*self._upper.values(), self.root])
        self._upper.clear()
        self.leaves.clear()
        self.owned.clear()
