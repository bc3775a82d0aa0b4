"""fork: a second address space with the same contents, sharing tables and frames until one side writes.

Source: Linux 6.1 kernel/fork.c (dup_mmap), mm/memory.c (copy_page_range); "On-demand-fork" (EuroSys 2021).
Deviation: a child has the file pages that its parent had mapped at once; Linux lets it fault for them.
"""

from __future__ import annotations

from pyuk.machine.paging import LARGE_SHIFT
from pyuk.machine.ram import OutOfFramesError
from pyuk.mm import ptes
from pyuk.mm.space import AddressSpace
from pyuk.mm.vma import VM_DONTCOPY, VM_LOCKED, VM_LOCKONFAULT, VM_WIPEONFORK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.backing import Limits
    from pyuk.mm.vma import Vma


def fork(parent: AddressSpace, limits: Limits) -> AddressSpace:
    """A copy-on-write copy: regions are shared whole, except where an area that the child does not get lies in them.

    Raises OutOfFramesError, and then nothing of the child is left.
    """
    child = AddressSpace(parent.machine, parent.cache, limits)
    child.inherit(parent)
    try:
        withheld: set[int] = set()
        copied: list[Vma] = []
        for vma in parent.vmas:
            flags = vma.flags
            if flags & (VM_DONTCOPY | VM_WIPEONFORK):
                withheld.update(ptes.regions(parent.page_table, vma.start, vma.end))
                if flags & VM_DONTCOPY:
                    continue
            else:
                copied.append(vma)
            twin = vma.twin()
            if flags & (VM_LOCKED | VM_LOCKONFAULT):
                twin.set_flags(flags & ~(VM_LOCKED | VM_LOCKONFAULT))
            child.vmas.append(twin)
            if flags & VM_WIPEONFORK:
                twin.anon_vma = 0
            elif vma.anon_vma:
                twin.anon_vma = child.new_anon_vma()
                twin.forked = True
        parent.page_table.share(child.page_table, withheld)
        if withheld:
            _share_areas(parent, child, copied, withheld)
    except OutOfFramesError:
        child.destroy()
        raise
    finally:
        parent.machine.flush_tlb()
        parent.n_flushes += 1
    return child


def _share_areas(parent: AddressSpace, child: AddressSpace, areas: list[Vma], withheld: set[int]) -> None:
    for region in withheld:
        start, end = region << LARGE_SHIFT, region + 1 << LARGE_SHIFT
        for vma in areas:
            if vma.start < end and start < vma.end:
                ptes.share(parent, child, max(vma.start, start), min(vma.end, end))
