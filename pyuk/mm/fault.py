"""Page faults: demand zero, demand paging, copy-on-write, stack growth, or the signal that Linux sends.

Source: Linux 6.1 arch/x86/mm/fault.c (do_user_addr_fault, access_error), mm/memory.c (do_fault_around,
do_cow_fault, do_wp_page), mm/mmap.c (expand_downwards).
"""

from __future__ import annotations

from _bisect import bisect_right  # the bisect module defines it in Python first

from pyuk.abi.errno import SyscallError
from pyuk.abi.resource import RLIMIT_STACK
from pyuk.abi.signal import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, SIGBUS, SIGKILL, SIGSEGV
from pyuk.machine.paging import (
    FRAME_MASK,
    LARGE_BYTES,
    LARGE_SHIFT,
    NX,
    PAGE_BYTES,
    PAGE_MASK,
    PAGE_SHIFT,
    TASK_SIZE,
    A,
    D,
    P,
    W,
)
from pyuk.machine.ram import OutOfFramesError
from pyuk.mm.pages import READ_AROUND_PAGES
from pyuk.mm.vma import STACK_GUARD_GAP_BYTES, VM_ACCESS, VM_EXEC, VM_GROWSDOWN, VM_NOHUGEPAGE, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.mm.backing import Backing
    from pyuk.mm.pages import Pages
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

# Page-fault error code (Intel SDM vol. 3A, 4.7)
PF_PRESENT, PF_WRITE, PF_USER, PF_INSTR = 1, 2, 4, 16

_AROUND_BYTES = READ_AROUND_PAGES << PAGE_SHIFT


class Fault:
    """A page fault that is the guest's fault: the signal it gets. SIGKILL says that RAM is exhausted."""

    __slots__ = ("address", "si_code", "signo")

    def __init__(self, signo: int, si_code: int, address: int) -> None:
        self.signo = signo
        self.si_code = si_code
        self.address = address

    def __repr__(self) -> str:
        return f"<Fault signo {self.signo} si_code {self.si_code} address {self.address:#x}>"


def fault(space: AddressSpace, address: int, error_code: int) -> Fault | None:
    """Answer a page fault of the guest, or of the kernel on its behalf.

    None means that the access may be tried again. Needs no flush after it, unless an entry was replaced that
    the TLB may still hold: the CPU's own write refills it, the kernel's does not (usermem flushes then).
    """
    vmas = space.vmas
    index = bisect_right(vmas.starts, address) - 1
    vma = vmas.areas[index] if index >= 0 else None
    if vma is None or address >= vma.end:
        vma = expand_stack(space, address)
        if vma is None:
            return Fault(SIGSEGV, SEGV_MAPERR, address)
    flags = vma.flags
    if error_code & PF_WRITE:
        if not flags & VM_WRITE:
            return Fault(SIGSEGV, SEGV_ACCERR, address)
    elif not flags & VM_ACCESS or (error_code & PF_PRESENT and not (error_code & PF_INSTR and flags & VM_EXEC)):
        return Fault(SIGSEGV, SEGV_ACCERR, address)
    ram = space.ram
    try:
        region = address >> 21
        base = space.page_table.owned.get(region)
        if base is None:
            if vma.pages is None and _large(space, vma, region, error_code):
                return None
            base = space.page_table.own(region)
        slot = base + (address >> 12 & 511)
        entry = ram.words[slot]
        if entry:
            return _present(space, vma, address, slot, error_code)
        if vma.pages is not None:
            return _absent_file_page(space, vma, address, slot, error_code)
        if not vma.anon_vma:
            space.prepare_anon_vma(vma)
        frame = ram.alloc()
        ram.words[slot] = frame << 12 | vma.entry
        if flags & VM_EXEC:
            ram.executable[frame] = 1
        space.n_demand_zero += 1
    except OutOfFramesError:
        return Fault(SIGKILL, SI_KERNEL, address)
    return None


def _large(space: AddressSpace, vma: Vma, region: int, error_code: int) -> bool:
    """Answer a fault in anonymous memory with a 2 MiB page, if there is one that only lacks W, or can be one.

    Raises OutOfFramesError. Source: Linux 6.1 mm/huge_memory.c, with transparent_hugepage/enabled "always".
    """
    table, ram = space.page_table, space.ram
    slot = table.large.get(region)
    if slot is not None:
        entry = ram.words[slot]
        run: FrameNr = (entry & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
        if error_code & PF_INSTR:
            return False
        if not error_code & PF_WRITE or entry & W:
            return bool(entry & P)
        if vma.flags & VM_SHARED or ram.counts[run] > 1 or not ram.is_whole(run):
            return False
        ram.words[slot] = entry | W | A | D
        space.n_minor += 1
        return True
    start = region << LARGE_SHIFT
    if start < vma.start or vma.end < start + LARGE_BYTES or region in table.leaves:
        return False
    if vma.flags & (VM_EXEC | VM_NOHUGEPAGE | VM_SHARED):
        return False
    table.make_room(region)
    run = ram.alloc_run()  # type: ignore[assignment]
    if not run:
        return False
    if not vma.anon_vma:
        space.prepare_anon_vma(vma)
    table.set_large(region, run << PAGE_SHIFT | vma.entry | D)
    space.n_large += 1
    space.n_demand_zero += 1
    return True


def _present(space: AddressSpace, vma: Vma, address: int, slot: int, error_code: int) -> Fault | None:
    """The page is there but not for this: copy-on-write, first write to a shared page, W^X flip, or nothing to do."""
    ram = space.ram
    entry = ram.words[slot]
    write = error_code & PF_WRITE
    if entry & P and (entry & W if write else not (error_code & PF_INSTR and entry & NX)):
        return None  # another has answered it already
    frame: FrameNr = (entry & FRAME_MASK) >> PAGE_SHIFT  # type: ignore[assignment]
    pages, page = vma.pages, vma.page_at(address)
    if write and not vma.flags & VM_SHARED:
        _copy_on_write(space, vma, address, slot, frame)
    elif pages is not None and (write or pages.frames.get(page) == frame):
        rights = _rights(space, vma, address, frame, error_code)
        ram.words[slot] = frame << PAGE_SHIFT | rights | (D if write else entry & D)
        space.n_minor += 1
    else:  # a private page that becomes executable
        ram.words[slot] = frame << PAGE_SHIFT | vma.entry & ~W | entry & (W | A | D)
        ram.executable[frame] = 1
    return None


def _copy_on_write(space: AddressSpace, vma: Vma, address: int, slot: int, frame: FrameNr) -> None:
    """A private page is written: take the frame if nobody else counts on it, else a copy."""
    ram = space.ram
    if not vma.anon_vma:
        space.prepare_anon_vma(vma)
    if ram.counts[frame] == 1:
        ram.words[slot] = ram.words[slot] | W | A | D
        space.n_minor += 1
        return
    copy = ram.alloc_unzeroed()
    source, target = frame << PAGE_SHIFT, copy << PAGE_SHIFT
    ram.bytes[target : target + PAGE_BYTES] = ram.bytes[source : source + PAGE_BYTES]
    ram.words[slot] = target | vma.entry | D
    ram.release(frame)
    space.n_cow += 1
    if vma.flags & VM_EXEC:
        ram.executable[copy] = 1
        space.machine.flush_page(address)  # the CPU finds code by address: it would go on in the old frame
        space.n_flushes += 1


def _absent_file_page(space: AddressSpace, vma: Vma, address: int, slot: int, error_code: int) -> Fault | None:
    """First touch of a page of a file or of shared memory."""
    ram, pages = space.ram, vma.pages
    assert pages is not None  # noqa: S101  # the caller's branch
    page = vma.page_at(address)
    frame = pages.frames.get(page, 0)
    if not frame:
        try:
            frame = pages.load(page, vma.backing)
        except OutOfFramesError:
            raise
        except SyscallError:  # filemap_fault: the disk's error is the reader's SIGBUS
            frame = 0
        if not frame:
            return Fault(SIGBUS, BUS_ADRERR, address)
        space.n_file += 1
    else:
        space.n_minor += 1
    ram.counts[frame] += 1  # this entry's; until it is written, it keeps reclaim away
    if error_code & PF_WRITE:
        if vma.flags & VM_SHARED:
            rights = _rights(space, vma, address, frame, error_code)  # type: ignore[arg-type]
            ram.words[slot] = frame << PAGE_SHIFT | rights | D
            return None
        try:
            _copy_on_write(space, vma, address, slot, frame)  # type: ignore[arg-type]
        except OutOfFramesError:
            ram.release(frame)  # type: ignore[arg-type]
            raise
        return None
    if pages.writable:
        rights = _rights(space, vma, address, frame, error_code)  # type: ignore[arg-type]
        ram.words[slot] = frame << PAGE_SHIFT | rights
        return None
    rights = vma.entry & ~W
    ram.words[slot] = frame << PAGE_SHIFT | rights
    if not rights & NX:
        ram.executable[frame] = 1
    _map_around(space, vma, address, slot)
    return None


def _map_around(space: AddressSpace, vma: Vma, address: int, slot: int) -> None:
    """Map the neighbours that are in the cache, so that they need no fault of their own (do_fault_around)."""
    ram, pages = space.ram, vma.pages
    words, counts, executable = ram.words, ram.counts, ram.executable
    loads = space.cache.is_uniform and vma.backing is not None
    assert pages is not None  # noqa: S101  # the caller's branch
    frames = pages.frames
    low = max(address & -_AROUND_BYTES, vma.start)
    high = min((address & -_AROUND_BYTES) + _AROUND_BYTES, vma.end)
    rights = vma.entry & ~(W | A)
    runs_code = not rights & NX
    first = slot - ((address & ~PAGE_MASK) - low >> PAGE_SHIFT)
    page = vma.page_at(low)
    last = first + (high - low >> PAGE_SHIFT)
    for at, entry in enumerate(words[first:last].tolist(), first):
        if not entry:
            frame = frames.get(page)
            if frame is None and loads:
                frame = _load_quietly(pages, page, vma.backing)
            if frame is not None:
                counts[frame] += 1
                words[at] = frame << 12 | rights
                if runs_code:
                    executable[frame] = 1
                space.n_around += 1
        page += 1


def _load_quietly(pages: Pages, page: int, backing: Backing | None) -> FrameNr | None:
    """A page that nobody has asked for, as if it had been in the cache already."""
    try:
        return pages.load(page, backing) or None  # type: ignore[return-value]
    except (SyscallError, OutOfFramesError):
        return None


def _rights(space: AddressSpace, vma: Vma, address: int, frame: FrameNr, error_code: int) -> int:
    """The entry bits for a page of `vma.pages`, after settling who may write and who may execute its frame.

    W only for a write, so that `pages.writable` is complete. X at once where nobody can write; else by the fetch.
    """
    pages = vma.pages
    assert pages is not None  # noqa: S101  # the callers' branch
    page = vma.page_at(address)
    rights = vma.entry
    write = error_code & PF_WRITE
    if write:
        pages.writable.add(page)
        if not error_code & PF_PRESENT:
            pages.first_written()
    else:
        rights &= ~W
    if not rights & NX:
        if page not in pages.writable:
            space.ram.executable[frame] = 1
            return rights
        if not write and not error_code & PF_INSTR:
            return rights | NX
    elif not write or not space.ram.executable[frame]:
        return rights
    from pyuk.mm.wx import grant  # noqa: PLC0415  # rare

    return grant(space, address & ~PAGE_MASK, frame, rights, pages, page)


def expand_stack(space: AddressSpace, address: int) -> Vma | None:
    """Grow the stack area above address down to it; None where Linux would refuse (expand_downwards).

    Refusals: no growing area above, less than the guard gap to a neighbour, below mmap_min_addr, RLIMIT_STACK or _AS.
    """
    if address >= TASK_SIZE:
        return None
    vmas = space.vmas
    index = vmas.index_from(address)
    if index >= len(vmas) or not vmas.areas[index].flags & VM_GROWSDOWN:
        return None
    vma = vmas.areas[index]
    start = address & ~PAGE_MASK
    if start < space.mmap_min_addr:
        return None
    if index:
        below = vmas.areas[index - 1]
        if not below.flags & VM_GROWSDOWN and below.flags & VM_ACCESS and start - below.end < STACK_GUARD_GAP_BYTES:
            return None
    n_new = vma.start - start >> PAGE_SHIFT
    if n_new > vma.pgoff or not space.may_expand(vma.flags, n_new):
        return None
    if vma.end - start > space.limits.soft[RLIMIT_STACK] or n_new > space.ram.n_frames:
        return None
    vma.start = vmas.starts[index] = start
    vma.pgoff -= n_new
    return vma
