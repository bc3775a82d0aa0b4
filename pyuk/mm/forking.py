"""fork: a second address space with the same contents, sharing frames until one side writes.

Source: Linux 6.1 kernel/fork.c (dup_mmap), mm/memory.c (copy_page_range, vma_needs_copy).
"""

from __future__ import annotations

from pyuk.machine.ram import OutOfFramesError
from pyuk.mm import ptes
from pyuk.mm.space import AddressSpace
from pyuk.mm.vma import VM_DONTCOPY, VM_LOCKED, VM_LOCKONFAULT, VM_WIPEONFORK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.backing import Limits


def fork(parent: AddressSpace, limits: Limits) -> AddressSpace:
    """A copy-on-write copy. Pages that a fault can find again (files, shared memory) are not entered in its tables.

    Raises OutOfFramesError, and then nothing of the child is left.
    """
    child = AddressSpace(parent.machine, parent.cache, limits)
    child.inherit(parent)
    try:
        for vma in parent.vmas:
            if vma.flags & VM_DONTCOPY:
                continue
            twin = vma.twin()
            twin.set_flags(vma.flags & ~(VM_LOCKED | VM_LOCKONFAULT))
            child.vmas.add(twin)
            if vma.flags & VM_WIPEONFORK:
                twin.anon_vma = 0
            elif vma.anon_vma:
                twin.anon_vma = child.new_anon_vma()
                twin.forked = True
                ptes.share(parent, child, vma)
    except OutOfFramesError:
        child.destroy()
        raise
    finally:
        parent.machine.flush_tlb()
        parent.n_flushes += 1
    return child
