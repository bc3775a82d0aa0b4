"""Writable xor executable, for frames that one table entry lets a guest write and another lets it execute.

The CPU notices stores only through the entry that it executes from; through another, translations of the old bytes
would go on running (a JIT that maps one memfd twice). So of the entries of such a frame only those that agree have
their rights, and the fault of the other side flips them: docs/design.md, section 2.
"""

from __future__ import annotations

from pyuk.machine.paging import FRAME_MASK, NX, PAGE_MASK, PAGE_SHIFT, P, W

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.pages import Pages
    from pyuk.mm.space import AddressSpace


def grant(space: AddressSpace, va: int, frame: FrameNr, rights: int, pages: Pages, page: int) -> int:
    """The part of an entry's `rights` that it may have now; others of the frame lose what conflicts with it.

    `rights` is the entry as its area wants it, W and NX already narrowed to what the fault asked for, except that
    an area which is writable and executable keeps both: one entry with both is no conflict, and taking
    turns with itself would never end. Called when `pages` lists the page as writable, or its frame as executable.
    """
    ram = space.ram
    takes_write = rights & W
    rip_page = -1
    if takes_write and rights & NX and _shows(space, space.machine.rip, frame):
        # The instruction stores into its own page: it needs both at once. One step, and the right to write goes again.
        rip_page = space.machine.rip & ~PAGE_MASK
        space.self_store = (va, frame, space.machine.single_step())
    takes_execute = not rights & NX
    lost = False
    for other in space.cache.spaces:
        for vma in other.vmas:
            if vma.pages is not pages or not vma.pgoff <= page < vma.pgoff + vma.n_pages:
                continue
            there = vma.start + (page - vma.pgoff << PAGE_SHIFT)
            entry = other.page_table.entry(there)
            if not entry & P or (entry & FRAME_MASK) >> PAGE_SHIFT != frame or (other is space and there == va):
                continue
            new = entry
            if takes_write and not (other is space and there == rip_page):
                new |= NX
            if takes_execute:
                new &= ~W
            if new != entry:
                other.page_table.set(there, new)
                lost = True
    if lost:
        space.machine.flush_tlb()
        space.n_flushes += 1
    if takes_execute:
        if ram.executable[frame]:
            space.machine.drop_translations([frame])
        ram.executable[frame] = 1
    return rights


def _shows(space: AddressSpace, address: int, frame: FrameNr) -> bool:
    """Whether code at address runs from this frame."""
    entry = space.page_table.entry(address)
    return bool(entry & P) and not entry & NX and (entry & FRAME_MASK) >> PAGE_SHIFT == frame


def end_self_store(space: AddressSpace) -> bool:
    """The instruction that stored into its own page has been done, or has met something else.

    True: the single-step trap that ends it is nobody's but ours.
    """
    if space.self_store is None:
        return False
    va, frame, is_ours = space.self_store
    space.self_store = None
    entry = space.page_table.entry(va)
    if (entry & FRAME_MASK) >> PAGE_SHIFT == frame:
        space.page_table.set(va, entry & ~W)
    space.machine.flush_tlb()
    space.n_flushes += 1
    space.machine.drop_translations([frame])
    space.ram.executable[frame] = 1
    if is_ours:
        space.machine.end_single_step()
    return is_ours
