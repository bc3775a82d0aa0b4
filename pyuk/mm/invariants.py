"""What must hold between the areas, the page tables and the frames of an address space."""

from __future__ import annotations

from pyuk.machine.paging import FRAME_MASK, LARGE_SHIFT, NX, PAGE_SHIFT, P, U, W
from pyuk.mm.vma import VM_ACCESS, VM_SHARED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma


def check(space: AddressSpace) -> None:
    """Raise AssertionError where an invariant of AddressSpace, VmaSet, Pages or Ram.executable does not hold."""
    space.vmas.check_invariants()
    words = space.ram.words
    for region, base in space.page_table.leaves.items():
        for index, entry in enumerate(words[base : base + 512].tolist()):
            if entry:
                va = (region << LARGE_SHIFT) + (index << PAGE_SHIFT)
                vma = space.vmas.find(va)
                wrong = "no area" if vma is None else _entry_fault(space, vma, va, entry)
                if wrong:
                    raise AssertionError(f"entry {entry:#x} at {va:#x}: {wrong}")


def _entry_fault(space: AddressSpace, vma: Vma, va: int, entry: int) -> str:
    frame = (entry & FRAME_MASK) >> PAGE_SHIFT
    count = space.ram.counts[frame]
    pages = vma.pages
    cached = pages is not None and pages.frames.get(vma.page_at(va)) == frame
    checks = (
        (count < 1 + cached, "frame counted too low"),
        (not entry & U, "not a user page"),
        (bool(entry & P) != bool(vma.flags & VM_ACCESS), "present although PROT_NONE, or absent although not"),
        (entry & W and not vma.entry & W, "writable beyond the area's rights"),
        (not entry & NX and vma.entry & NX, "executable beyond the area's rights"),
        (entry & P and not entry & NX and not space.ram.executable[frame], "executable frame not noted"),
        (entry & W and not vma.flags & VM_SHARED and count != 1, "private page writable by two"),
        (vma.flags & VM_SHARED and not cached, "shared area shows a frame of its own"),
        (entry & W and pages is not None and cached and vma.page_at(va) not in pages.writable, "writer not listed"),
        (not vma.flags & VM_SHARED and not cached and not vma.anon_vma, "private page without anon_vma"),
    )
    return next((text for wrong, text in checks if wrong), "")
