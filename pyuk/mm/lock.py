"""mlock, mlock2, munlock, mlockall, munlockall. Source: Linux 6.1 mm/mlock.c, mm/gup.c (__mm_populate); mlock(2)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EINVAL, ENOMEM, EPERM, SyscallError
from pyuk.abi.mman import MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_MEMLOCK
from pyuk.abi.signal import SIGKILL
from pyuk.machine.paging import PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, TASK_SIZE
from pyuk.mm import ptes
from pyuk.mm.fault import PF_WRITE
from pyuk.mm.vma import VM_ACCESS, VM_DONTEXPAND, VM_LOCKED, VM_LOCKONFAULT, VM_SHARED, VM_WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.vma import Vma

_BOTH = VM_LOCKED | VM_LOCKONFAULT
_U64 = (1 << 64) - 1


def mlock(space: AddressSpace, addr: int, length: int, *, on_fault: bool = False) -> None:
    """Lock the pages of [addr, addr + length), which are faulted in, or with on_fault as they are used.

    Errors: EPERM RLIMIT_MEMLOCK is 0; ENOMEM over that limit, a hole, or a page that cannot be had; EINVAL overflow;
    EAGAIN no memory.
    """
    limit = _limit(space)
    length = length + (addr & PAGE_MASK) + PAGE_MASK & ~PAGE_MASK & _U64
    addr &= ~PAGE_MASK
    if limit != RLIM64_INFINITY and locked_bytes(space) + length > limit & ~PAGE_MASK:
        already = sum(
            max(min(vma.end, addr + length) - max(vma.start, addr), 0) for vma in space.vmas if vma.flags & VM_LOCKED
        )
        if locked_bytes(space) + length - already > limit & ~PAGE_MASK:
            raise SyscallError(ENOMEM, "RLIMIT_MEMLOCK")
    _set_flags(space, addr, length, VM_LOCKED | (VM_LOCKONFAULT if on_fault else 0))
    _populate(space, addr, addr + length)


def munlock(space: AddressSpace, addr: int, length: int) -> None:
    """Unlock [addr, addr + length). Errors: ENOMEM a hole; EINVAL overflow."""
    length = length + (addr & PAGE_MASK) + PAGE_MASK & ~PAGE_MASK & _U64
    _set_flags(space, addr & ~PAGE_MASK, length, 0)


def mlockall(space: AddressSpace, flags: int) -> None:
    """Lock what there is (MCL_CURRENT) and what will come (MCL_FUTURE).

    Errors: EINVAL unknown, none, or MCL_ONFAULT alone; EPERM RLIMIT_MEMLOCK is 0; ENOMEM over that limit.
    """
    if not flags or flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) or flags == MCL_ONFAULT:
        raise SyscallError(EINVAL, "no such flags")
    limit = _limit(space)
    if flags & MCL_CURRENT and limit != RLIM64_INFINITY and space.n_mapped_pages > limit >> PAGE_SHIFT:
        raise SyscallError(ENOMEM, "RLIMIT_MEMLOCK")
    _set_all(space, flags)
    if flags & MCL_CURRENT and not flags & MCL_ONFAULT:
        space.populate(0, TASK_SIZE)


def munlockall(space: AddressSpace) -> None:
    """Unlock everything, and nothing to come will be locked."""
    _set_all(space, 0)


def locked_bytes(space: AddressSpace) -> int:
    """VmLck."""
    return sum(vma.end - vma.start for vma in space.vmas if vma.flags & VM_LOCKED)


def _limit(space: AddressSpace) -> int:
    """can_do_mlock: RLIMIT_MEMLOCK in bytes, without end for CAP_IPC_LOCK."""
    if space.may_lock_all:
        return RLIM64_INFINITY
    limit = space.limits.soft[RLIMIT_MEMLOCK]
    if not limit:
        raise SyscallError(EPERM, "RLIMIT_MEMLOCK is 0")
    return limit


def _set_all(space: AddressSpace, flags: int) -> None:
    """apply_mlockall_flags."""
    bits = VM_LOCKED | (VM_LOCKONFAULT if flags & MCL_ONFAULT else 0)
    space.default_flags = bits if flags & MCL_FUTURE else 0
    if flags and not flags & MCL_CURRENT:
        return
    for vma in list(space.vmas):
        if not vma.flags & VM_DONTEXPAND:
            vma.set_flags(vma.flags & ~_BOTH | (bits if flags else 0))
    for vma in list(space.vmas):
        if space.vmas.find(vma.start) is vma:
            space.vmas.merge(vma)


def _set_flags(space: AddressSpace, start: int, length: int, flags: int) -> None:
    """apply_vma_lock_flags."""
    end = start + length
    if end > _U64:
        raise SyscallError(EINVAL, "range overflows")
    while start < end:
        vma = space.vmas.find(start)
        if vma is None:
            raise SyscallError(ENOMEM, "a hole in the range")
        stop = min(vma.end, end)
        _set_area(space, vma, start, stop, vma.flags & ~_BOTH | flags)
        start = stop


def _set_area(space: AddressSpace, vma: Vma, start: int, end: int, flags: int) -> None:
    if flags == vma.flags or vma.flags & VM_DONTEXPAND:
        return
    if vma.start != start or vma.end != end:
        space.check_map_count()
        ptes.prepare(space.page_table, start, end)
        (vma,) = space.vmas.isolate(start, end)
    vma.set_flags(flags)
    space.vmas.merge(vma)


def _populate(space: AddressSpace, start: int, end: int) -> None:
    """__mm_populate, and __mlock_posix_error_return."""
    for vma in space.vmas.overlapping(start, end):
        if vma.flags & (VM_DONTEXPAND | VM_LOCKONFAULT):
            continue
        error_code = PF_WRITE if vma.flags & (VM_WRITE | VM_SHARED) == VM_WRITE else 0
        if not vma.flags & VM_ACCESS:
            raise SyscallError(ENOMEM, "no access")
        for va in range(max(start, vma.start), min(end, vma.end), PAGE_BYTES):
            fault = space.touch(va, error_code)
            if fault is not None:
                raise SyscallError(EAGAIN if fault.signo == SIGKILL else ENOMEM, "no page to be had")
