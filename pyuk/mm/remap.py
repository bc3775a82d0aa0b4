"""mremap. Source: Linux 6.1 mm/mremap.c; mremap(2)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, ENOMEM, SyscallError
from pyuk.abi.mman import MAP_FIXED, MAP_NONBLOCK, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE
from pyuk.machine.paging import PAGE_MASK, PAGE_SHIFT, TASK_SIZE
from pyuk.mm import ptes
from pyuk.mm.vma import VM_ACCOUNT, VM_DONTEXPAND, VM_LOCKED, VM_LOCKONFAULT, VM_MAYSHARE, VM_SHARED, Vma

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace

_U64_PAGES = ~PAGE_MASK & (1 << 64) - 1


def mremap(space: AddressSpace, addr: int, old_length: int, new_length: int, flags: int, new_addr: int) -> int:
    """Grow, shrink or move the mapping at addr; gives where it is then.

    Units: bytes, rounded up to pages; old_length 0 makes a second mapping of shared pages.
    Errors: EINVAL unknown or contradicting flags, unaligned addresses, overlap, new_length 0; EFAULT nothing mapped at
    addr, or the range spans areas; ENOMEM no room, a limit, or it cannot grow and MREMAP_MAYMOVE is not given; EAGAIN
    RLIMIT_MEMLOCK.
    """
    if flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP):
        raise SyscallError(EINVAL, "unknown flags")
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) and not flags & MREMAP_MAYMOVE:
        raise SyscallError(EINVAL, "MREMAP_MAYMOVE is missing")
    if flags & MREMAP_DONTUNMAP and old_length != new_length:
        raise SyscallError(EINVAL, "MREMAP_DONTUNMAP with another length")
    if addr & PAGE_MASK:
        raise SyscallError(EINVAL, "address not page aligned")
    old_length, new_length = old_length + PAGE_MASK & _U64_PAGES, new_length + PAGE_MASK & _U64_PAGES
    if not new_length:
        raise SyscallError(EINVAL, "new length is 0")
    vma = space.vmas.find(addr)
    if vma is None:
        raise SyscallError(EFAULT, "nothing mapped there")
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP):
        return _move_to(space, addr, old_length, new_length, flags, new_addr)
    if old_length >= new_length:
        if old_length > new_length:
            space.munmap(addr + new_length, old_length - new_length)
        return addr
    vma = _check(space, addr, old_length, new_length, flags)
    if old_length == vma.end - addr and _expandable(space, vma, new_length - old_length):
        if vma.flags & VM_ACCOUNT:
            space.check_enough_memory(new_length - old_length >> PAGE_SHIFT)
        vma.end = addr + new_length
        space.vmas.merge(vma)
        if vma.flags & VM_LOCKED:
            space.populate(addr + old_length, addr + new_length)
        return addr
    if not flags & MREMAP_MAYMOVE:
        raise SyscallError(ENOMEM, "no room to grow in place")
    return _move(space, vma, addr, old_length, new_length, space.place(0, new_length, 0), flags)


def _move_to(space: AddressSpace, addr: int, old_length: int, new_length: int, flags: int, new_addr: int) -> int:
    """mremap_to: MREMAP_FIXED and MREMAP_DONTUNMAP."""
    if new_addr & PAGE_MASK:
        raise SyscallError(EINVAL, "new address not page aligned")
    if new_length > TASK_SIZE or new_addr > TASK_SIZE - new_length:
        raise SyscallError(EINVAL, "past the end of the address space")
    if addr + old_length > new_addr and new_addr + new_length > addr:
        raise SyscallError(EINVAL, "old and new range overlap")
    space.check_map_count(5)
    if flags & MREMAP_FIXED:
        space.munmap(new_addr, new_length)
    if old_length > new_length:
        space.munmap(addr + new_length, old_length - new_length)
        old_length = new_length
    vma = _check(space, addr, old_length, new_length, flags)
    if flags & MREMAP_DONTUNMAP and not space.may_expand(vma.flags, old_length >> PAGE_SHIFT):
        raise SyscallError(ENOMEM, "RLIMIT_AS or RLIMIT_DATA")
    new_addr = space.place(new_addr, new_length, MAP_FIXED if flags & MREMAP_FIXED else 0)
    return _move(space, vma, addr, old_length, new_length, new_addr, flags)


def _check(space: AddressSpace, addr: int, old_length: int, new_length: int, flags: int) -> Vma:
    """vma_to_resize: the area at addr, if it may be resized so."""
    vma = space.vmas.find(addr)
    if vma is None:
        raise SyscallError(EFAULT, "nothing mapped there")
    if not old_length and not vma.flags & VM_MAYSHARE:
        raise SyscallError(EINVAL, "old length 0 of a private mapping")
    if flags & MREMAP_DONTUNMAP and vma.flags & VM_DONTEXPAND:
        raise SyscallError(EINVAL, "a mapping of the kernel's")
    if old_length > vma.end - addr:
        raise SyscallError(EFAULT, "the range spans areas")
    if new_length == old_length:
        return vma
    if vma.page_at(addr) + (new_length >> PAGE_SHIFT) >= 1 << 64:
        raise SyscallError(EINVAL, "file offset overflows")
    if vma.flags & VM_DONTEXPAND:
        raise SyscallError(EFAULT, "a mapping of the kernel's")
    if vma.flags & VM_LOCKED:
        space.check_mlock(new_length - old_length)
    if not space.may_expand(vma.flags, new_length - old_length >> PAGE_SHIFT):
        raise SyscallError(ENOMEM, "RLIMIT_AS or RLIMIT_DATA")
    return vma


def _expandable(space: AddressSpace, vma: Vma, n_bytes: int) -> bool:
    end = vma.end + n_bytes
    return end <= TASK_SIZE and not space.vmas.overlapping(vma.end, end) and vma.start >= space.mmap_min_addr


def _move(
    space: AddressSpace, vma: Vma, addr: int, old_length: int, new_length: int, new_addr: int, flags: int,
) -> int:  # fmt: skip
    """move_vma: a new area with the old one's pages; the old one goes unless MREMAP_DONTUNMAP."""
    keep = flags & MREMAP_DONTUNMAP
    space.check_map_count(3)
    if old_length:
        ptes.make_room(space, addr, addr + old_length, new_addr)
    if vma.flags & VM_ACCOUNT:
        space.check_enough_memory((new_length if keep else new_length - old_length) >> PAGE_SHIFT)
    new = vma.twin()
    new.start, new.end = new_addr, new_addr + new_length
    new.pgoff = vma.page_at(addr) if vma.pages is not None or vma.anon_vma else new_addr >> PAGE_SHIFT
    space.vmas.add(new)
    if old_length:
        ptes.move(space, addr, addr + old_length, new_addr)
    if keep:
        if addr == vma.start and old_length == vma.end - vma.start:
            vma.anon_vma = 0
        vma.set_flags(vma.flags & ~(VM_LOCKED | VM_LOCKONFAULT))
    elif old_length:
        space.munmap(addr, old_length)
    new = space.vmas.merge(new)
    if new.flags & VM_LOCKED:
        space.populate(new_addr + old_length, new_addr + new_length)
    return new_addr


def remap_file_pages(space: AddressSpace, addr: int, length: int, prot: int, pgoff: int, flags: int) -> None:
    """Map pages from pgoff on in the place of [addr, addr + length), which must be a shared mapping.

    Errors: EINVAL prot not 0, overflow, nothing mapped shared there, or the range spans more than one file.
    Source: Linux 6.1 mm/mmap.c (remap_file_pages), which has emulated the call since 4.0.
    """
    addr, length = addr & ~PAGE_MASK, length & ~PAGE_MASK
    if prot or not length or addr + length > 1 << 64 or pgoff + (length >> PAGE_SHIFT) >= 1 << 64:
        raise SyscallError(EINVAL, "prot is not 0, or the range is none")
    vma = space.vmas.find(addr)
    if vma is None or not vma.flags & VM_SHARED or vma.pages is None:
        raise SyscallError(EINVAL, "not a shared mapping")
    last = vma
    while last.end < addr + length:
        following = space.vmas.find(last.end)
        if following is None or following.pages is not vma.pages or following.flags != vma.flags:
            raise SyscallError(EINVAL, "the range spans mappings")
        last = following
    pages, backing, vm_flags = vma.pages, vma.backing, vma.flags
    if backing is not None:
        backing.hold()
    pages.hold()
    try:
        space.map_pages(addr, length, vm_flags, pgoff, pages, backing)
    finally:
        pages.drop()
        if backing is not None:
            backing.drop()
    if not flags & MAP_NONBLOCK:
        space.populate(addr, addr + length)
