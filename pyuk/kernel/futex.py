"""Futexes (futex(2)): who sleeps on a word of user memory.

A private futex is known by its address space and address; a shared one by the pages behind the
mapping, so that processes that map the same memory elsewhere meet (kernel/futex/core.c, get_futex_key).
"""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, ERESTART_RESTARTBLOCK, ERESTARTSYS, ETIMEDOUT, SyscallError
from pyuk.abi.types import UserAddr
from pyuk.mm.vma import VM_SHARED
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task

    Key: TypeAlias = tuple[object, int]

MATCH_ANY = 0xFFFF_FFFF


class FutexWait:
    """One sleeper: an Operation that ends when somebody has woken it."""

    __slots__ = ("again", "bitset", "is_woken", "kernel", "key", "queue", "task")

    def __init__(self, task: Task, key: Key, bitset: int) -> None:
        self.task = task
        self.kernel = kernel = task.kernel
        self.key = key
        self.bitset = bitset
        self.is_woken = False
        self.again: Callable[[], int] | None = None
        """With a time-out: how a stop is gone on from; Task.restart."""
        self.queue = WaitQueue()
        kernel.futexes.setdefault(key, []).append(self)

    def step(self) -> int:
        """0 once woken."""
        if not self.is_woken:
            raise WouldBlock(self.queue)
        return 0

    def interrupted(self) -> int:
        """Waited for again unless a handler without SA_RESTART runs; with a time-out, any handler."""
        if self.again is None:
            raise SyscallError(ERESTARTSYS)
        self.task.restart = self.again
        raise SyscallError(ERESTART_RESTARTBLOCK)

    def timed_out(self) -> int:
        """A wake-up that came at the same time counts."""
        if self.is_woken:
            return 0
        raise SyscallError(ETIMEDOUT)

    def close(self) -> None:
        """Leave the list, where nobody has woken it."""
        if not self.is_woken:
            leave_list(self)


def key_of(task: Task, address: int, *, private: bool) -> Key:
    """What a futex word is known by. Errors: EFAULT a shared one that is not mapped."""
    if private:
        return task.mm, address
    task.mem.read_u32(UserAddr(address))
    vma = task.mm.vmas.find(address)
    if vma is None:
        raise SyscallError(EFAULT)
    if vma.flags & VM_SHARED and vma.pages is not None:
        return vma.pages, vma.page_at(address) << 12 | address & 0xFFF
    return task.mm, address


def wake(task: Task, address: int, n_most: int, *, private: bool, bitset: int = MATCH_ANY) -> int:
    """Wake up to n_most sleepers whose bits match; gives how many. Errors: EFAULT."""
    try:
        key = key_of(task, address, private=private)
    except SyscallError:
        if private:
            raise
        key = task.mm, address
    return wake_key(task.kernel, key, n_most, bitset)


def wake_key(kernel: Kernel, key: Key, n_most: int, bitset: int = MATCH_ANY) -> int:
    """The same with the key in hand."""
    n_woken = 0
    for waiter in list(kernel.futexes.get(key, ())):
        if n_woken >= n_most:
            break
        if waiter.bitset & bitset:
            wake_waiter(waiter)
            n_woken += 1
    return n_woken


def wake_waiter(waiter: FutexWait) -> None:
    """End one sleep."""
    leave_list(waiter)
    waiter.is_woken = True
    waiter.queue.wake()


def requeue(kernel: Kernel, key: Key, other: Key, n_wake: int, n_requeue: int) -> tuple[int, int]:
    """Wake n_wake sleepers and let up to n_requeue others sleep on `other`; gives both numbers."""
    n_woken = wake_key(kernel, key, n_wake)
    moved = list(kernel.futexes.get(key, ()))[:n_requeue]
    for waiter in moved:
        leave_list(waiter)
        waiter.key = other
        kernel.futexes.setdefault(other, []).append(waiter)
    return n_woken, len(moved)


def leave_list(waiter: FutexWait) -> None:
    """Take a sleeper off its word's list."""
    waiting = waiter.kernel.futexes.get(waiter.key)
    if waiting is not None and waiter in waiting:
        waiting.remove(waiter)
        if not waiting:
            del waiter.kernel.futexes[waiter.key]
