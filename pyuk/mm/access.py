"""Another's look into a memory, whatever its rights: /proc/PID/mem, /proc/PID/pagemap, and what ptrace(2) will need.

Source: Linux 6.1 mm/memory.c (access_remote_vm with FOLL_FORCE), mm/gup.c, fs/proc/task_mmu.c (pagemap_read).
"""

from __future__ import annotations

from struct import pack

from pyuk.abi.errno import EINVAL, EIO, SyscallError
from pyuk.machine.paging import FRAME_MASK, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, TASK_SIZE, D, W
from pyuk.mm.fault import PF_WRITE
from pyuk.mm.vma import VM_MAYREAD, VM_MAYWRITE, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_ENTRY_BYTES = 8
_PRESENT, _FILE, _EXCLUSIVE = 1 << 63, 1 << 61, 1 << 56


class MemoryWindow:
    """/proc/PID/mem: the bytes at an address are those at the same offset."""

    __slots__ = ("_space",)

    def __init__(self, space: AddressSpace) -> None:
        self._space = space

    def read(self, slices: list[memoryview], offset: int) -> int:
        """Errors: EIO not one byte can be had."""
        return self._move(slices, offset, writing=False)

    def write(self, slices: list[memoryview], offset: int) -> int:
        """Private memory can be written whatever its rights; what is read-only is copied first. Errors: EIO."""
        return self._move(slices, offset, writing=True)

    def _move(self, slices: list[memoryview], address: int, *, writing: bool) -> int:
        done = 0
        for piece in slices:
            at = 0
            while at < len(piece):
                n_bytes = min(len(piece) - at, PAGE_BYTES - (address & PAGE_MASK))
                page = self._page(address, writing=writing)
                if page is None:
                    if not done:
                        raise SyscallError(EIO)
                    return done
                start = address & PAGE_MASK
                if writing:
                    page[start : start + n_bytes] = piece[at : at + n_bytes]
                else:
                    piece[at : at + n_bytes] = page[start : start + n_bytes]
                at += n_bytes
                done += n_bytes
                address += n_bytes
        return done

    def _page(self, address: int, *, writing: bool) -> memoryview | None:
        space = self._space
        vma = space.vmas.find(address) if 0 <= address < TASK_SIZE else None
        if vma is None:
            return None
        frame = _frame_to_write(space, vma, address) if writing else _frame_to_read(space, vma, address)
        return space.ram.frame(frame) if frame else None  # type: ignore[arg-type]


def _frame_to_read(space: AddressSpace, vma: Vma, address: int) -> FrameNr | int:
    if not vma.flags & VM_MAYREAD:
        return 0
    if not space.page_table.entry(address):
        if not vma.prot:
            return _absent_frame(space, vma, address)
        if space.touch(address, 0) is not None:
            return 0
    return (space.page_table.entry(address) & FRAME_MASK) >> PAGE_SHIFT


def _absent_frame(space: AddressSpace, vma: Vma, address: int) -> FrameNr | int:
    """A page of a PROT_NONE area that was never touched: put there as a fault would, but not present."""
    table, ram = space.page_table, space.ram
    if vma.pages is not None:
        page = vma.page_at(address)
        frame = vma.pages.frames.get(page) or vma.pages.load(page, vma.backing)
        if not frame:
            return 0
        ram.counts[frame] += 1
    else:
        frame = ram.alloc()
        if not vma.anon_vma:
            space.prepare_anon_vma(vma)
    table.set(address, frame << PAGE_SHIFT | vma.entry & ~W)
    return frame


def _frame_to_write(space: AddressSpace, vma: Vma, address: int) -> FrameNr | int:
    """The frame after what a write fault would do, a copy where the area may not be written."""
    ram, table = space.ram, space.page_table
    if vma.flags & VM_WRITE:
        if space.touch(address, PF_WRITE) is not None:
            return 0
        frame: FrameNr = (table.entry(address) & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
    else:
        if vma.flags & VM_SHARED or not vma.flags & VM_MAYWRITE:
            return 0
        if not _frame_to_read(space, vma, address):
            return 0
        table.own(address >> 21)
        entry = table.entry(address)
        frame = (entry & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
        if ram.counts[frame] > 1:
            copy = ram.alloc_unzeroed()
            ram.frame(copy)[:] = ram.frame(frame)
            if not vma.anon_vma:
                space.prepare_anon_vma(vma)
            table.set(address, copy << PAGE_SHIFT | entry & ~(FRAME_MASK | W) | D)
            ram.release(frame)
            ram.executable[copy] = ram.executable[frame]
            frame = copy
            space.machine.flush_page(address)
            space.n_flushes += 1
    if ram.executable[frame]:
        space.machine.drop_translations([frame])
        ram.executable[frame] = 1
    return frame


class PagemapWindow:
    """/proc/PID/pagemap: 8 bytes a page. Frame numbers are the machine's, as a privileged reader sees them."""

    __slots__ = ("_space",)

    def __init__(self, space: AddressSpace) -> None:
        self._space = space

    def read(self, slices: list[memoryview], offset: int) -> int:
        """Errors: EINVAL offset or length is no multiple of 8."""
        n_bytes = sum(map(len, slices))
        if offset % _ENTRY_BYTES or n_bytes % _ENTRY_BYTES:
            raise SyscallError(EINVAL)
        last = TASK_SIZE + PAGE_BYTES >> PAGE_SHIFT
        first = offset // _ENTRY_BYTES
        count = max(min(n_bytes // _ENTRY_BYTES, last - first), 0)
        data = b"".join([pack("<Q", self._entry(page << PAGE_SHIFT)) for page in range(first, first + count)])
        done = 0
        for piece in slices:
            part = data[done : done + len(piece)]
            piece[: len(part)] = part
            done += len(part)
        return done

    def write(self, slices: list[memoryview], offset: int) -> int:
        """Not possible."""
        raise SyscallError(EINVAL)

    def _entry(self, va: int) -> int:
        space = self._space
        entry = space.page_table.entry(va)
        if not entry:
            return 0
        frame = (entry & FRAME_MASK) >> PAGE_SHIFT
        vma = space.vmas.find(va)
        cached = vma is not None and vma.pages is not None and vma.pages.frames.get(vma.page_at(va)) == frame
        n_mapped = space.ram.counts[frame] - cached
        base = space.page_table.leaves.get(va >> 21)
        if base is not None:
            n_mapped += space.ram.counts[base >> 9] - 1
        return _PRESENT | (_FILE if cached else 0) | (_EXCLUSIVE if n_mapped == 1 else 0) | frame
