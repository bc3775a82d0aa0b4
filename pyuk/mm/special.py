"""Areas whose pages the kernel provides: the vDSO and its data (arch/x86/entry/vdso/vma.c, map_vdso)."""

from __future__ import annotations

from pyuk.abi.mman import MAP_PRIVATE
from pyuk.machine.paging import PAGE_BYTES, PAGE_SHIFT
from pyuk.mm.pages import Pages
from pyuk.mm.vma import VM_DONTEXPAND, VM_EXEC, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, Vma

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import FrameNr
    from pyuk.machine.ram import Ram
    from pyuk.mm.backing import Backing
    from pyuk.mm.space import AddressSpace

VVAR_PAGES, VDSO_PAGES = 4, 2
"""As Linux 6.1 lays them out."""


def vdso_pages(ram: Ram, frame: FrameNr) -> Pages:
    """The vDSO's pages, the first of them `frame`: one object for all processes, and for as long as the kernel runs."""
    pages = Pages(ram, VDSO_PAGES)
    pages.frames[0] = frame
    pages.hold()
    return pages


class VvarPages(Pages):
    """The data of the vDSO: one page, which says when a program looks at it first, and none behind it."""

    __slots__ = ("_frame", "on_first_use")

    def __init__(self, ram: Ram, on_first_use: Callable[[], None]) -> None:
        super().__init__(ram, VVAR_PAGES)
        self._frame = ram.alloc()
        self.on_first_use = on_first_use
        self.hold()

    @property
    def data(self) -> memoryview:
        """The page's bytes."""
        return self.ram.frame(self._frame)

    def restart(self) -> None:
        """Nobody has looked at it yet."""
        self.data[:] = bytes(PAGE_BYTES)
        if self.frames:
            self.forget([0])

    def load(self, page: int, _backing: Backing | None) -> FrameNr | int:
        """The first page; 0, so SIGBUS, for the others: no clock of a hypervisor, no time namespace."""
        if page:
            return 0
        self.on_first_use()
        self.ram.counts[self._frame] += 1
        self.frames[0] = self._frame
        return self._frame


def map_vdso(space: AddressSpace, data: Pages, pages: Pages) -> int:
    """Map [vvar], and [vdso] above it; gives the address of the vDSO's ELF header.

    A guest that writes there gets its own copy; what it throws away (MADV_DONTNEED) comes back. Errors: ENOMEM.
    """
    n_bytes = VVAR_PAGES + VDSO_PAGES << PAGE_SHIFT
    start = space.place(0, n_bytes, MAP_PRIVATE)
    vdso = start + (VVAR_PAGES << PAGE_SHIFT)
    end = start + n_bytes
    readable = VM_READ | VM_MAYREAD | VM_DONTEXPAND
    vvar = Vma(start, vdso, readable, 0, data, name=b"[vvar]")
    vvar.hold()
    space.vmas.add(vvar)
    code = Vma(vdso, end, readable | VM_EXEC | VM_MAYWRITE | VM_MAYEXEC, 0, pages, name=b"[vdso]")
    code.hold()
    space.vmas.add(code)
    return vdso
