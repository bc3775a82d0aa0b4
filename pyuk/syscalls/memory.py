"""Memory of a process: brk(2), mmap(2), munmap(2), mprotect(2), mremap(2), madvise(2), msync(2), mincore(2)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_IPC_LOCK
from pyuk.abi.errno import EACCES, EFAULT, EINVAL, SyscallError
from pyuk.abi.mman import MAP_ANONYMOUS, MAP_LOCKED, MAP_SHARED, MAP_TYPE, PROT_WRITE
from pyuk.abi.syscall import syscall
from pyuk.machine.paging import PAGE_MASK, PAGE_SHIFT, TASK_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        AddressArg,
        AddressResult,
        AdviceArg,
        Annotated,
        FdArg,
        HexArg,
        MapFlagsArg,
        MremapAddressArg,
        MremapArg,
        MsyncArg,
        ProtArg,
        SizeArg,
    )
    from pyuk.abi.kinds import OUT, StructAt
    from pyuk.abi.structs import UINT8
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task


@syscall("brk")
def sys_brk(task: Task, addr: AddressArg) -> AddressResult:
    """Set the end of the heap; gives the end as it is then, also where the wish is refused."""
    return task.mm.set_brk(addr)


@syscall("mmap")
def sys_mmap(
    task: Task, addr: AddressArg, length: SizeArg, prot: ProtArg, flags: MapFlagsArg, fd: FdArg, offset: HexArg
) -> AddressResult:
    """Map memory or a file.

    Units: bytes; offset is a multiple of a page.
    Errors: EBADF, EACCES, EINVAL, ENODEV, ENOMEM, EPERM, EOVERFLOW, EEXIST.
    Source: mmap(2); arch/x86/kernel/sys_x86_64.c, mm/mmap.c.
    """
    if offset & PAGE_MASK:
        raise SyscallError(EINVAL, "offset is not a multiple of a page")
    if flags & MAP_LOCKED or task.mm.default_flags:
        task.mm.may_lock_all = task.creds.has(CAP_IPC_LOCK)
    if flags & MAP_ANONYMOUS:
        return task.mm.mmap(addr, length, prot, flags, None, offset)
    file = task.files.get(fd)
    if not length or not flags & MAP_TYPE:
        raise SyscallError(EINVAL)
    if not file.readable:
        raise SyscallError(EACCES, "the file is not opened readable")
    if file.maps_zeros():  # Deviation: /proc/PID/maps does not show its name
        if flags & MAP_SHARED and prot & PROT_WRITE and not file.writable:
            raise SyscallError(EACCES, "the file is not opened writable")
        return task.mm.mmap(addr, length, prot, flags | MAP_ANONYMOUS, None, 0)
    backing = file.backing()
    try:
        return task.mm.mmap(addr, length, prot, flags, backing, offset, may_write=file.writable)
    finally:
        backing.drop()


@syscall("munmap")
def sys_munmap(task: Task, addr: AddressArg, length: SizeArg) -> int:
    """Remove every mapping that intersects the range. Errors: EINVAL unaligned, length 0, past TASK_SIZE."""
    task.mm.munmap(addr, length)
    return 0


@syscall("mprotect")
def sys_mprotect(task: Task, addr: AddressArg, length: SizeArg, prot: ProtArg) -> int:
    """Change the rights of a range. Errors: EINVAL, ENOMEM a hole (what comes before it is changed), EACCES."""
    task.mm.mprotect(addr, length, prot)
    return 0


@syscall("mremap")
def sys_mremap(
    task: Task,
    old_address: AddressArg,
    old_size: SizeArg,
    new_size: SizeArg,
    flags: MremapArg,
    new_address: MremapAddressArg,
) -> AddressResult:
    """Grow, shrink or move a mapping. Errors: EFAULT, EINVAL, ENOMEM, EAGAIN."""
    task.mm.may_lock_all = task.creds.has(CAP_IPC_LOCK)
    return task.mm.mremap(old_address, old_size, new_size, flags, new_address)


@syscall("madvise")
def sys_madvise(task: Task, addr: AddressArg, length: SizeArg, advice: AdviceArg) -> int:
    """Say how a range will be used, or drop its pages. Errors: EINVAL, ENOMEM a hole, EACCES."""
    task.mm.madvise(addr, length, advice)
    return 0


@syscall("msync")
def sys_msync(task: Task, addr: AddressArg, length: SizeArg, flags: MsyncArg) -> int:
    """Write a shared file mapping's changes to its file. Errors: EINVAL, ENOMEM a hole, EIO."""
    task.mm.msync(addr, length, flags)
    return 0


@syscall("mincore")
def sys_mincore(
    task: Task, addr: AddressArg, length: SizeArg, vec: Annotated[UserAddr, StructAt(OUT, UINT8, "pages:length")]
) -> int:
    """Which pages are in RAM, a byte each. Errors: EINVAL unaligned, ENOMEM a hole, EFAULT."""
    if addr & PAGE_MASK:
        raise SyscallError(EINVAL, "address not page aligned")
    task.mm.check_range(addr, length)
    n_pages = length + PAGE_MASK >> PAGE_SHIFT
    if vec > TASK_SIZE - n_pages:
        raise SyscallError(EFAULT)
    done = 0
    while done < n_pages:
        n = min(n_pages - done, 1 << PAGE_SHIFT)
        task.mem.write(vec + done, task.mm.mincore(addr + (done << PAGE_SHIFT), n << PAGE_SHIFT))
        done += n
    return 0
