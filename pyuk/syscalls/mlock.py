"""Pages that stay in RAM: mlock(2), mlock2(2), munlock(2), mlockall(2), munlockall(2).

Nothing of a guest's memory is ever paged out, so what is left of it is the limit and the faults that are taken ahead.
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_IPC_LOCK
from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.mman import MLOCK_ONFAULT
from pyuk.abi.syscall import syscall
from pyuk.mm import lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import AddressArg, Mlock2Arg, MlockallArg, SizeArg
    from pyuk.kernel.task import Task
    from pyuk.mm.space import AddressSpace


def _memory(task: Task) -> AddressSpace:
    task.mm.may_lock_all = task.creds.has(CAP_IPC_LOCK)
    return task.mm


@syscall("mlock")
def sys_mlock(task: Task, addr: AddressArg, length: SizeArg) -> int:
    """Lock a range. Errors: EPERM, ENOMEM, EINVAL, EAGAIN."""
    lock.mlock(_memory(task), addr, length)
    return 0


@syscall("mlock2")
def sys_mlock2(task: Task, addr: AddressArg, length: SizeArg, flags: Mlock2Arg) -> int:
    """Lock a range, with MLOCK_ONFAULT each page as it is used. Errors: as mlock."""
    if flags & ~MLOCK_ONFAULT:
        raise SyscallError(EINVAL, "unknown flags")
    lock.mlock(_memory(task), addr, length, on_fault=bool(flags & MLOCK_ONFAULT))
    return 0


@syscall("munlock")
def sys_munlock(task: Task, addr: AddressArg, length: SizeArg) -> int:
    """Unlock a range. Errors: ENOMEM a hole, EINVAL."""
    lock.munlock(task.mm, addr, length)
    return 0


@syscall("mlockall")
def sys_mlockall(task: Task, flags: MlockallArg) -> int:
    """Lock everything. Errors: EINVAL, EPERM, ENOMEM."""
    lock.mlockall(_memory(task), flags)
    return 0


@syscall("munlockall")
def sys_munlockall(task: Task) -> int:
    """Unlock everything."""
    lock.munlockall(task.mm)
    return 0
