"""Areas whose pages the kernel provides: the vDSO (arch/x86/entry/vdso/vma.c, map_vdso)."""

from __future__ import annotations

from pyuk.abi.mman import MAP_PRIVATE
from pyuk.machine.paging import FRAME_MASK, PAGE_SHIFT
from pyuk.mm.vma import VM_DONTEXPAND, VM_EXEC, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, Vma

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.space import AddressSpace

VVAR_PAGES, VDSO_PAGES = 4, 2
"""As Linux 6.1 lays them out."""


def map_vdso(space: AddressSpace, frame: FrameNr) -> int:
    """Map [vvar], which has nothing to say yet, and [vdso] above it; gives the address of the vDSO's ELF header.

    The vDSO's first page is `frame`, shared by all processes; a guest that writes there gets its own copy.
    Errors: ENOMEM.
    """
    n_bytes = VVAR_PAGES + VDSO_PAGES << PAGE_SHIFT
    start = space.place(0, n_bytes, MAP_PRIVATE)
    vdso = start + (VVAR_PAGES << PAGE_SHIFT)
    end = start + n_bytes
    readable = VM_READ | VM_MAYREAD | VM_DONTEXPAND
    space.vmas.add(Vma(start, vdso, readable, start >> PAGE_SHIFT, name=b"[vvar]"))
    code = Vma(vdso, end, readable | VM_EXEC | VM_MAYWRITE | VM_MAYEXEC, vdso >> PAGE_SHIFT, name=b"[vdso]")
    code.anon_vma = space.new_anon_vma()  # its page is entered here and found by no fault: fork must copy it
    space.vmas.add(code)
    space.ram.counts[frame] += 1
    space.ram.executable[frame] = 1
    space.page_table.set(vdso, frame << PAGE_SHIFT & FRAME_MASK | code.entry)
    return vdso
