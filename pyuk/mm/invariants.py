"""What must hold between the areas, the page tables and the frames of an address space."""

from __future__ import annotations

from pyuk.machine.paging import FRAME_MASK, LARGE_SHIFT, NX, PAGE_SHIFT, PS, P, U, W
from pyuk.mm.vma import VM_ACCESS, VM_SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma


def check(space: AddressSpace) -> None:
    """Raise AssertionError where an invariant of AddressSpace, VmaSet, PageTable, Pages or Ram does not hold."""
    space.vmas.check_invariants()
    _check_tables(space)
    words = space.ram.words
    for region, base in space.page_table.leaves.items():
        mask = ~0 if region in space.page_table.owned else ~W
        for index, entry in enumerate(words[base : base + 512].tolist()):
            if entry:
                _check_entry(space, (region << LARGE_SHIFT) + (index << PAGE_SHIFT), entry & mask, large=False)
    for region, slot in space.page_table.large.items():
        _check_entry(space, region << LARGE_SHIFT, words[slot] & ~PS, large=True)
        if space.vmas.find((region + 1 << LARGE_SHIFT) - 1) is not space.vmas.find(region << LARGE_SHIFT):
            raise AssertionError(f"region {region:#x}: a 2 MiB page of two areas")


def _check_tables(space: AddressSpace) -> None:
    table, words, counts = space.page_table, space.ram.words, space.ram.counts
    if table.leaves.keys() & table.large.keys() or not table.owned.keys() <= table.leaves.keys():
        raise AssertionError("a region is in two places")
    for region, base in table.leaves.items():
        above = words[table.slot(region)]
        owned = region in table.owned
        if (above & FRAME_MASK) >> 3 != base or bool(above & W) != owned or (owned and counts[base >> 9] != 1):
            raise AssertionError(f"region {region:#x}: {above:#x} for the table at {base:#x}, owned: {owned}")
    for region, slot in table.large.items():
        if slot != table.slot(region) or not words[slot] & PS:
            raise AssertionError(f"region {region:#x}: no 2 MiB page")


def _check_entry(space: AddressSpace, va: int, entry: int, *, large: bool) -> None:
    vma = space.vmas.find(va)
    wrong = "no area" if vma is None else _entry_fault(space, vma, va, entry, large=large)
    if wrong:
        raise AssertionError(f"entry {entry:#x} at {va:#x}: {wrong}")


def _entry_fault(space: AddressSpace, vma: Vma, va: int, entry: int, *, large: bool) -> str:
    frame = (entry & FRAME_MASK) >> PAGE_SHIFT
    count = space.ram.counts[frame]
    pages = vma.pages
    cached = pages is not None and pages.frames.get(vma.page_at(va)) == frame
    checks = (
        (count < 1 + cached, "frame counted too low"),
        (not entry & U, "not a user page"),
        (bool(entry & P) != bool(vma.flags & VM_ACCESS), "present although PROT_NONE, or absent although not"),
        (entry & W and not vma.entry & W, "writable beyond the area's rights"),
        (not entry & NX and (large or vma.entry & NX), "executable beyond the area's rights"),
        (entry & P and not entry & NX and not space.ram.executable[frame], "executable frame not noted"),
        (entry & W and not vma.flags & VM_SHARED and count != 1, "private page writable by two"),
        (vma.flags & VM_SHARED and not cached, "shared area shows a frame of its own"),
        (entry & W and pages is not None and cached and vma.page_at(va) not in pages.writable, "writer not listed"),
        (not vma.flags & VM_SHARED and not cached and not vma.anon_vma, "private page without anon_vma"),
    )
    return next((text for wrong, text in checks if wrong), "")
