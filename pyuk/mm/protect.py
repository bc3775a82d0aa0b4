"""mprotect. Source: Linux 6.1 mm/mprotect.c (do_mprotect_pkey, mprotect_fixup)."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, EINVAL, ENOMEM, SyscallError
from pyuk.abi.mman import PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE
from pyuk.machine.paging import LARGE_SHIFT, PAGE_MASK, PAGE_SHIFT
from pyuk.mm import ptes
from pyuk.mm.vma import VM_ACCESS, VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_NORESERVE, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma


def mprotect(space: AddressSpace, addr: int, length: int, prot: int, pkey: int = -1) -> None:
    """Change the rights of [addr, addr + length); AddressSpace.mprotect says which errors."""
    grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP)
    prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP)
    if grows == PROT_GROWSDOWN | PROT_GROWSUP:
        raise SyscallError(EINVAL, "both PROT_GROWSDOWN and PROT_GROWSUP")
    if addr & PAGE_MASK:
        raise SyscallError(EINVAL, "address not page aligned")
    if not length:
        return
    end = addr + (length + PAGE_MASK & ~PAGE_MASK & (1 << 64) - 1)
    if end <= addr or end >= 1 << 64:
        raise SyscallError(ENOMEM, "range overflows")
    if prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM):
        raise SyscallError(EINVAL, "unknown protection bits")
    if pkey != -1:
        raise SyscallError(EINVAL, "no such protection key")
    vma = space.vmas.from_address(addr)
    if vma is None:
        raise SyscallError(ENOMEM, "nothing mapped")
    if grows & PROT_GROWSDOWN:
        if vma.start >= end:
            raise SyscallError(ENOMEM, "nothing mapped")
        addr = vma.start
        if not vma.flags & VM_GROWSDOWN:
            raise SyscallError(EINVAL, "does not grow down")
    elif vma.start > addr:
        raise SyscallError(ENOMEM, "nothing mapped")
    elif grows:
        raise SyscallError(EINVAL, "nothing grows up here")
    while True:
        flags = vma.flags & ~VM_ACCESS | prot & VM_ACCESS
        if flags & ~(flags >> 4) & VM_ACCESS:
            raise SyscallError(EACCES, "more than the file was opened for")
        stop = min(vma.end, end)
        _fix(space, vma, addr, stop, flags)
        if stop >= end:
            return
        addr = stop
        following = space.vmas.find(addr)
        if following is None:
            raise SyscallError(ENOMEM, "a hole in the range")
        vma = following


def _fix(space: AddressSpace, vma: Vma, start: int, end: int, flags: int) -> None:
    """Give [start, end) of one area its new flags, split off and merged as need be."""
    if flags == vma.flags:
        return
    n_pages = end - start >> PAGE_SHIFT
    if flags & VM_WRITE:
        if not space.may_expand(flags, n_pages) and space.may_expand(vma.flags, n_pages):
            raise SyscallError(ENOMEM, "RLIMIT_DATA")
        if not vma.flags & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE):
            space.check_enough_memory(n_pages)
            flags |= VM_ACCOUNT
    region = start >> LARGE_SHIFT
    if region not in space.page_table.owned or region != end - 1 >> LARGE_SHIFT:
        ptes.prepare(space.page_table, start, end)
        ptes.own_shared(space.page_table, start, end, large=bool(flags & VM_EXEC))
    if vma.start != start or vma.end != end:
        space.check_map_count()
        (vma,) = space.vmas.isolate(start, end)
    old_rights = vma.entry
    vma.set_flags(flags)
    ptes.protect(space, vma, old_rights)
    space.vmas.merge(vma)
