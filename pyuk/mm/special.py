"""Areas whose pages the kernel provides: the vDSO (arch/x86/entry/vdso/vma.c, map_vdso)."""

from __future__ import annotations

from pyuk.abi.mman import MAP_PRIVATE
from pyuk.machine.paging import PAGE_SHIFT
from pyuk.mm.pages import Pages
from pyuk.mm.vma import VM_DONTEXPAND, VM_EXEC, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, Vma

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.machine.ram import Ram
    from pyuk.mm.space import AddressSpace

VVAR_PAGES, VDSO_PAGES = 4, 2
"""As Linux 6.1 lays them out."""


def vdso_pages(ram: Ram, frame: FrameNr) -> Pages:
    """The vDSO's pages, the first of them `frame`: one object for all processes, and for as long as the kernel runs."""
    pages = Pages(ram, VDSO_PAGES)
    pages.frames[0] = frame
    pages.hold()
    return pages


def map_vdso(space: AddressSpace, pages: Pages) -> int:
    """Map [vvar], which has nothing to say yet, and [vdso] above it; gives the address of the vDSO's ELF header.

    A guest that writes there gets its own copy; what it throws away (MADV_DONTNEED) comes back. Errors: ENOMEM.
    """
    n_bytes = VVAR_PAGES + VDSO_PAGES << PAGE_SHIFT
    start = space.place(0, n_bytes, MAP_PRIVATE)
    vdso = start + (VVAR_PAGES << PAGE_SHIFT)
    end = start + n_bytes
    readable = VM_READ | VM_MAYREAD | VM_DONTEXPAND
    space.vmas.add(Vma(start, vdso, readable, start >> PAGE_SHIFT, name=b"[vvar]"))
    code = Vma(vdso, end, readable | VM_EXEC | VM_MAYWRITE | VM_MAYEXEC, 0, pages, name=b"[vdso]")
    code.hold()
    space.vmas.add(code)
    return vdso
