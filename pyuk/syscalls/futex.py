"""futex(2), as far as one thread can use it."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EDEADLK, EFAULT, EINVAL, ENOSYS, ETIMEDOUT, SyscallError
from pyuk.abi.futex import (
    FUTEX_CLOCK_REALTIME,
    FUTEX_CMD_MASK,
    FUTEX_CMP_REQUEUE,
    FUTEX_PRIVATE_FLAG,
    FUTEX_REQUEUE,
    FUTEX_WAIT,
    FUTEX_WAIT_BITSET,
    FUTEX_WAKE,
    FUTEX_WAKE_BITSET,
)  # fmt: skip
from pyuk.abi.structs import TIMESPEC
from pyuk.abi.syscall import syscall
from pyuk.abi.time import NSEC_PER_SEC
from pyuk.machine.paging import TASK_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        AddressArg,
        FutexAddressArg,
        FutexOpArg,
        FutexTimeoutArg,
        FutexValueArg,
        UIntArg,
    )
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task


@syscall("futex", note="WAIT, WAKE and REQUEUE of a single thread; the others with threads")
def sys_futex(
    task: Task,
    uaddr: AddressArg,
    op: FutexOpArg,
    val: UIntArg,
    utime: FutexTimeoutArg,
    uaddr2: FutexAddressArg,
    val3: FutexValueArg,
) -> int:
    """Wait on a word, or wake who waits: with one thread nobody does, so a wake counts 0.

    Errors: EINVAL unaligned, EFAULT, EAGAIN the word has another value, ETIMEDOUT, ENOSYS.
    """
    command = op & FUTEX_CMD_MASK
    if command not in (FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAKE_BITSET, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE):
        raise SyscallError(ENOSYS)
    if uaddr % 4:
        raise SyscallError(EINVAL)
    if uaddr >= TASK_SIZE:
        raise SyscallError(EFAULT)
    if command in (FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET) and not val3:
        raise SyscallError(EINVAL)
    if not op & FUTEX_PRIVATE_FLAG:
        task.mem.read_u32(uaddr)  # kernel/futex/core.c, get_futex_key: a shared one is known by its page
    if command == FUTEX_CMP_REQUEUE and task.mem.read_u32(uaddr) != val3:
        raise SyscallError(EAGAIN)
    if command not in (FUTEX_WAIT, FUTEX_WAIT_BITSET):
        return 0
    deadline = _timeout(task, utime)
    if task.mem.read_u32(uaddr) != val:
        raise SyscallError(EAGAIN)
    return _wait(task, command, op, deadline)


def _timeout(task: Task, address: UserAddr) -> int | None:
    if not address:
        return None
    seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(address, TIMESPEC.size))
    if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
        raise SyscallError(EINVAL)
    return int(seconds * NSEC_PER_SEC + nanoseconds)


def _wait(task: Task, command: int, op: int, timeout_ns: int | None) -> int:
    """Nobody can wake the only thread: sleep out the timeout."""
    if timeout_ns is None:
        # Deviation: Linux sleeps until a signal. Nothing could end that here but the user.
        raise SyscallError(EDEADLK, "the only thread would wait for ever")
    clock = task.kernel.clock
    if command == FUTEX_WAIT_BITSET:  # absolute
        timeout_ns -= clock.realtime_ns() if op & FUTEX_CLOCK_REALTIME else clock.monotonic_ns()
    clock.sleep_ns(max(0, timeout_ns))
    raise SyscallError(ETIMEDOUT)
