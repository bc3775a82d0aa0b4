"""Futexes that know their owner: FUTEX_LOCK_PI and its kind (futex(2), "Priority-inheritance futexes").

The word holds the owner's tid, and FUTEX_WAITERS while somebody sleeps for it. Priorities are not inherited, since
everybody takes turns; what programs can see is who owns the lock, and in which order it is handed on.
"""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EDEADLK, EINVAL, EPERM, ERESTARTNOINTR, ESRCH, SyscallError
from pyuk.abi.futex import FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS
from pyuk.abi.types import Tid, UserAddr
from pyuk.kernel.futex import FutexWait, leave_list, wake_waiter
from pyuk.wait.park import Park

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.futex import Key
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task


class PiWait(FutexWait):
    """One that sleeps for a lock: once woken it owns it."""

    __slots__ = ("address",)

    def __init__(self, task: Task, key: Key, address: UserAddr) -> None:
        super().__init__(task, key, 0)
        self.address = address

    def interrupted(self) -> int:
        """A handler runs, and then it sleeps again."""
        raise SyscallError(ERESTARTNOINTR)

    def close(self) -> None:
        """Leave the list; the last one takes FUTEX_WAITERS with it."""
        if not self.is_woken:
            leave_list(self)
            if not sleepers(self.kernel, self.key):
                word = self.task.mem.read_u32(self.address)
                self.task.mem.write_u32(self.address, word & ~FUTEX_WAITERS)


def sleepers(kernel: Kernel, key: Key) -> list[PiWait]:
    """Who sleeps for the lock, the first first."""
    return [waiter for waiter in kernel.futexes.get(key, ()) if isinstance(waiter, PiWait)]


def lock(task: Task, key: Key, address: UserAddr, deadline_ns: int | None, *, may_sleep: bool) -> int:
    """Own the lock, or sleep until it is handed on.

    Errors: EDEADLK own already, ESRCH the owner is gone, EAGAIN it is held (trylock), ETIMEDOUT, EFAULT.
    """
    word = task.mem.read_u32(address)
    owner = word & FUTEX_TID_MASK
    waiting = FUTEX_WAITERS if sleepers(task.kernel, key) else 0
    if not owner:
        task.mem.write_u32(address, task.tid | waiting | word & FUTEX_OWNER_DIED)
        return 0
    if owner == task.tid:
        raise SyscallError(EDEADLK)
    if not may_sleep:
        raise SyscallError(EAGAIN)
    if Tid(owner) not in task.kernel.tasks:
        raise SyscallError(ESRCH)
    task.mem.write_u32(address, word | FUTEX_WAITERS)
    wait = PiWait(task, key, address)
    raise Park(wait, (wait.queue,), deadline_ns=deadline_ns)


def unlock(task: Task, key: Key, address: UserAddr) -> int:
    """Hand the lock on. Errors: EPERM not the owner, EINVAL ordinary futex calls sleep there, EFAULT."""
    word = task.mem.read_u32(address)
    if word & FUTEX_TID_MASK != task.tid:
        raise SyscallError(EPERM)
    if any(not isinstance(waiter, PiWait) for waiter in task.kernel.futexes.get(key, ())):
        raise SyscallError(EINVAL)
    hand_on(task, key, address, 0)
    return 0


def hand_on(task: Task, key: Key, address: UserAddr, mark: int) -> None:
    """The next sleeper owns the lock, or nobody; mark: FUTEX_OWNER_DIED or 0."""
    waiters = sleepers(task.kernel, key)
    if not waiters:
        task.mem.write_u32(address, mark)
        return
    first = waiters[0]
    more = FUTEX_WAITERS if len(waiters) > 1 else 0
    task.mem.write_u32(address, first.task.tid | more | mark)
    wake_waiter(first)
