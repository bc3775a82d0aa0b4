"""madvise, msync and mincore. Source: Linux 6.1 mm/madvise.c, mm/msync.c, mm/mincore.c, mm/ksm.c, mm/khugepaged.c."""

from __future__ import annotations

from pyuk.abi import mman
from pyuk.abi.errno import (
    EACCES,
    EAGAIN,
    EBUSY,
    EFAULT,
    EINVAL,
    ENOMEM,
    EPERM,
    SyscallError,
)  # fmt: skip
from pyuk.abi.signal import SIGKILL
from pyuk.machine.paging import FRAME_MASK, LARGE_BYTES, LARGE_SHIFT, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, TASK_SIZE
from pyuk.mm import ptes
from pyuk.mm.fault import PF_WRITE
from pyuk.mm.vma import (
    VM_DONTCOPY,
    VM_DONTDUMP,
    VM_DONTEXPAND,
    VM_EXEC,
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_MAYSHARE,
    VM_MERGEABLE,
    VM_NOHUGEPAGE,
    VM_RAND_READ,
    VM_SEQ_READ,
    VM_SHARED,
    VM_WIPEONFORK,
    VM_WRITE,
)  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

# Advice that only changes an area's flags: what goes, what comes.
_FLAG_ADVICE = {
    mman.MADV_NORMAL: (VM_RAND_READ | VM_SEQ_READ, 0),
    mman.MADV_SEQUENTIAL: (VM_RAND_READ, VM_SEQ_READ),
    mman.MADV_RANDOM: (VM_SEQ_READ, VM_RAND_READ),
    mman.MADV_DONTFORK: (0, VM_DONTCOPY),
    mman.MADV_DOFORK: (VM_DONTCOPY, 0),
    mman.MADV_WIPEONFORK: (0, VM_WIPEONFORK),
    mman.MADV_KEEPONFORK: (VM_WIPEONFORK, 0),
    mman.MADV_DONTDUMP: (0, VM_DONTDUMP),
    mman.MADV_DODUMP: (VM_DONTDUMP, 0),
    mman.MADV_MERGEABLE: (0, VM_MERGEABLE),
    mman.MADV_UNMERGEABLE: (VM_MERGEABLE, 0),
    mman.MADV_HUGEPAGE: (VM_NOHUGEPAGE, VM_HUGEPAGE),
    mman.MADV_NOHUGEPAGE: (VM_HUGEPAGE, VM_NOHUGEPAGE),
}
_PAGE_ADVICE = frozenset((
    mman.MADV_WILLNEED, mman.MADV_DONTNEED, mman.MADV_DONTNEED_LOCKED, mman.MADV_FREE, mman.MADV_REMOVE,
    mman.MADV_COLD, mman.MADV_PAGEOUT, mman.MADV_POPULATE_READ, mman.MADV_POPULATE_WRITE, mman.MADV_COLLAPSE,
))  # fmt: skip
_PEAK_BYTES = 1 << 20
_POPULATE = mman.MADV_POPULATE_READ, mman.MADV_POPULATE_WRITE


def madvise(space: AddressSpace, addr: int, length: int, advice: int) -> None:
    """Act on or record advice for [addr, addr + length).

    Errors: EINVAL unknown advice, unaligned, overflow, or not for this kind of area; ENOMEM a hole (the areas
    beside it have been advised, except by MADV_POPULATE_*, which stops); EACCES MADV_REMOVE; EFAULT
    MADV_POPULATE_* past the end of a file; EPERM MADV_HWPOISON.
    Deviation: MADV_FREE keeps the pages, as Linux does without memory pressure.
    """
    if advice in (mman.MADV_HWPOISON, mman.MADV_SOFT_OFFLINE):
        raise SyscallError(EPERM, "needs CAP_SYS_ADMIN")
    if advice not in _FLAG_ADVICE and advice not in _PAGE_ADVICE:
        raise SyscallError(EINVAL, "unknown advice")
    end = addr + (length + PAGE_MASK & ~PAGE_MASK)
    if addr & PAGE_MASK or end >= 1 << 64:
        raise SyscallError(EINVAL, "range unaligned or overflowing")
    has_hole = False
    while addr < end:
        vma = space.vmas.from_address(addr)
        if vma is None or vma.start > addr:
            if vma is None or advice in _POPULATE:
                raise SyscallError(ENOMEM, "nothing mapped there")
            has_hole = True
            addr = vma.start
            if addr >= end:
                break
        stop = min(end, vma.end)
        if advice in _PAGE_ADVICE:
            _advise_pages(space, vma, addr, stop, advice)
        else:
            _advise_flags(space, vma, addr, stop, advice)
        addr = stop
    if has_hole:
        raise SyscallError(ENOMEM, "a hole in the range")


def _advise_flags(space: AddressSpace, vma: Vma, start: int, end: int, advice: int) -> None:
    if advice == mman.MADV_WIPEONFORK and (vma.pages is not None or vma.flags & VM_SHARED):
        raise SyscallError(EINVAL, "not private anonymous memory")
    if advice == mman.MADV_DODUMP and vma.flags & VM_DONTEXPAND:
        raise SyscallError(EINVAL, "a mapping of the kernel's")
    if advice == mman.MADV_MERGEABLE and vma.flags & (VM_SHARED | VM_MAYSHARE | VM_DONTEXPAND):
        return
    goes, comes = _FLAG_ADVICE[advice]
    flags = vma.flags & ~goes | comes
    if flags == vma.flags:
        return
    if vma.start != start or vma.end != end:
        ptes.prepare(space.page_table, start, end)
        try:
            space.check_map_count()
        except SyscallError:
            raise SyscallError(EAGAIN, "max_map_count") from None
        (vma,) = space.vmas.isolate(start, end)
    vma.set_flags(flags)
    space.vmas.merge(vma)


def _advise_pages(space: AddressSpace, vma: Vma, start: int, end: int, advice: int) -> None:
    locked = vma.flags & VM_LOCKED
    if locked and advice not in (mman.MADV_WILLNEED, mman.MADV_DONTNEED_LOCKED, *_POPULATE):
        raise SyscallError(EINVAL, "locked")
    if advice in (mman.MADV_DONTNEED, mman.MADV_DONTNEED_LOCKED):
        if end - start >= _PEAK_BYTES:
            space.note_peaks()
        ptes.prepare(space.page_table, start, end)
        ptes.clear(space, start, end)
    elif advice == mman.MADV_COLLAPSE:
        _collapse(space, vma, start, end)
    elif advice == mman.MADV_FREE and vma.pages is not None:
        raise SyscallError(EINVAL, "not for this kind of area")
    elif advice == mman.MADV_REMOVE:
        _remove(space, vma, start, end)
    elif advice == mman.MADV_WILLNEED:
        _read_ahead(vma, start, end)
    elif advice in _POPULATE:
        _populate(space, vma, start, end, write=advice == mman.MADV_POPULATE_WRITE)


def _remove(space: AddressSpace, vma: Vma, start: int, end: int) -> None:
    """MADV_REMOVE: a hole in shared memory, for everyone who maps it."""
    pages = vma.pages
    if pages is None:
        raise SyscallError(EINVAL, "anonymous memory")
    if vma.flags & (VM_SHARED | VM_WRITE) != VM_SHARED | VM_WRITE:
        raise SyscallError(EACCES, "not shared and writable")
    if vma.backing is not None:
        vma.backing.punch(vma.page_at(start) << PAGE_SHIFT, end - start)
        return
    gone = [page for page in range(vma.page_at(start), vma.page_at(end)) if page in pages.frames]
    frames = {pages.frames[page] for page in gone}
    for other in space.cache.spaces:
        for area in other.vmas:
            if area.pages is pages:
                ptes.clear_frames(other, area, frames)
    pages.forget(gone)


def _collapse(space: AddressSpace, vma: Vma, start: int, end: int) -> None:
    """MADV_COLLAPSE: 2 MiB pages where there are small ones now (mm/khugepaged.c, madvise_collapse).

    Errors: EINVAL no aligned 2 MiB in the area, not private anonymous memory, or nothing there yet; ENOMEM no run.
    """
    last = vma.end - LARGE_BYTES & -LARGE_BYTES
    if last < vma.start or vma.pages is not None or vma.flags & (VM_NOHUGEPAGE | VM_EXEC) or not vma.flags & VM_WRITE:
        raise SyscallError(EINVAL, "not for this kind of area")
    n_failed = 0
    for region in range(start + LARGE_BYTES - 1 >> LARGE_SHIFT, end >> LARGE_SHIFT):
        n_failed += not ptes.collapse(space, vma, region)
    if n_failed:
        raise SyscallError(EINVAL, "nothing there to collapse")


def _read_ahead(vma: Vma, start: int, end: int) -> None:
    pages = vma.pages
    if pages is None or vma.backing is None:
        return
    for page in range(vma.page_at(start), vma.page_at(end)):
        try:
            if page not in pages.frames and not pages.load(page, vma.backing):
                return
        except (SyscallError, MemoryError):
            return


def _populate(space: AddressSpace, vma: Vma, start: int, end: int, *, write: bool) -> None:
    """MADV_POPULATE_READ, _WRITE: EINVAL the area does not allow it, EFAULT where the access would be SIGBUS."""
    if not vma.prot or (write and not vma.flags & VM_WRITE):
        raise SyscallError(EINVAL, "the area does not allow it")
    for va in range(start, end, PAGE_BYTES):
        fault = space.touch(va, PF_WRITE if write else 0)
        if fault is not None:
            raise SyscallError(ENOMEM if fault.signo == SIGKILL else EFAULT)


def msync(space: AddressSpace, addr: int, length: int, flags: int) -> None:
    """Give the written pages of shared file mappings in [addr, addr + length) to the host.

    Errors: EINVAL unknown flags, both MS_ASYNC and MS_SYNC, unaligned; ENOMEM a hole, or overflow; EBUSY MS_INVALIDATE
    of locked memory; EIO and the like from the host. Deviation: MS_ASYNC writes at once.
    """
    if flags & ~(mman.MS_ASYNC | mman.MS_INVALIDATE | mman.MS_SYNC) or addr & PAGE_MASK:
        raise SyscallError(EINVAL, "unknown flags, or unaligned")
    if flags & mman.MS_ASYNC and flags & mman.MS_SYNC:
        raise SyscallError(EINVAL, "both MS_ASYNC and MS_SYNC")
    end = addr + (length + PAGE_MASK & ~PAGE_MASK)
    if end >= 1 << 64:
        raise SyscallError(ENOMEM, "range overflows")
    has_hole = False
    while addr < end:
        vma = space.vmas.from_address(addr)
        if vma is None or vma.start > addr:
            if vma is None or flags == mman.MS_ASYNC or vma.start >= end:
                raise SyscallError(ENOMEM, "nothing mapped there")
            has_hole = True
            addr = vma.start
        if flags & mman.MS_INVALIDATE and vma.flags & VM_LOCKED:
            raise SyscallError(EBUSY, "locked")
        stop = min(end, vma.end)
        if vma.flags & VM_SHARED and vma.backing is not None:
            _sync(space, vma, addr, stop)
        addr = stop
    if has_hole:
        raise SyscallError(ENOMEM, "a hole in the range")


def _sync(space: AddressSpace, vma: Vma, start: int, end: int) -> None:
    """Write back, and make the next write fault again, so that it is known."""
    pages = vma.pages
    if pages is None or not pages.writable:
        return
    ptes.write_protect(space, start, end)
    pages.write_back(vma.backing, vma.page_at(start), vma.page_at(end))
    ram, entry_at = space.ram, space.page_table.entry
    first, last = vma.page_at(start), vma.page_at(end)
    for page in [page for page in pages.writable if first <= page < last]:
        frame = pages.frames[page]
        shown = (entry_at(start + (page - first << PAGE_SHIFT)) & FRAME_MASK) >> PAGE_SHIFT
        n_others = ram.counts[frame] - 1 - (shown == frame)
        if not n_others and not ram.executable[frame]:
            pages.writable.discard(page)


def mincore(space: AddressSpace, addr: int, length: int) -> bytes:
    """One byte a page: 1 where an access would not have to fetch anything.

    Errors: EINVAL addr unaligned; ENOMEM a hole, or past the address space.
    """
    if addr & PAGE_MASK:
        raise SyscallError(EINVAL, "address not page aligned")
    end = addr + (length + PAGE_MASK & ~PAGE_MASK)
    if end > TASK_SIZE:
        raise SyscallError(ENOMEM, "past the address space")
    found = bytearray()
    for va in range(addr, end, PAGE_BYTES):
        vma = space.vmas.find(va)
        if vma is None:
            raise SyscallError(ENOMEM, "a hole in the range")
        present = space.page_table.entry(va) != 0 or (vma.pages is not None and vma.page_at(va) in vma.pages.frames)
        present |= space.cache.is_uniform and vma.backing is not None
        found.append(present)
    return bytes(found)
