"""futex(2)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EFAULT, EINVAL, ENOSYS, SyscallError
from pyuk.abi.futex import (
    FUTEX_CLOCK_REALTIME,
    FUTEX_CMD_MASK,
    FUTEX_CMP_REQUEUE,
    FUTEX_LOCK_PI,
    FUTEX_LOCK_PI2,
    FUTEX_PRIVATE_FLAG,
    FUTEX_REQUEUE,
    FUTEX_TRYLOCK_PI,
    FUTEX_UNLOCK_PI,
    FUTEX_WAIT,
    FUTEX_WAIT_BITSET,
    FUTEX_WAKE,
    FUTEX_WAKE_BITSET,
    FUTEX_WAKE_OP,
)  # fmt: skip
from pyuk.abi.structs import TIMESPEC
from pyuk.abi.syscall import syscall
from pyuk.abi.time import NSEC_PER_SEC
from pyuk.kernel import futex
from pyuk.machine.paging import TASK_SIZE
from pyuk.wait.park import Park

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

_COMMANDS = (
    FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_WAKE, FUTEX_WAKE_BITSET, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE, FUTEX_WAKE_OP,
)  # fmt: skip
_PI_COMMANDS = (FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_UNLOCK_PI, FUTEX_TRYLOCK_PI)
_INT_MAX = (1 << 31) - 1


@syscall("futex", note="PI futexes hand locks on and inherit no priority; no requeueing to them (ENOSYS)")
def sys_futex(
    task: Task, uaddr: AddressArg, op: FutexOpArg, val: UIntArg, utime: FutexTimeoutArg, uaddr2: FutexAddressArg,
    val3: FutexValueArg,
) -> int:  # fmt: skip
    """Wait on a word, or wake who waits.

    Errors: EINVAL unaligned, EFAULT, EAGAIN the word has another value, ETIMEDOUT, EINTR, ENOSYS.
    """
    command = op & FUTEX_CMD_MASK
    if command in _PI_COMMANDS:
        return _pi(task, uaddr, op, utime)
    waits = command in (FUTEX_WAIT, FUTEX_WAIT_BITSET)
    deadline_ns = _deadline(task, utime, op) if utime and waits else None
    if command not in _COMMANDS or (op & FUTEX_CLOCK_REALTIME and command != FUTEX_WAIT_BITSET):
        raise SyscallError(ENOSYS)
    if waits:
        bitset = val3 if command == FUTEX_WAIT_BITSET else futex.MATCH_ANY
        return _wait(task, uaddr, op, val, bitset, deadline_ns)
    private = bool(op & FUTEX_PRIVATE_FLAG)
    n_second = utime & 0xFFFF_FFFF
    if command in (FUTEX_REQUEUE, FUTEX_CMP_REQUEUE) and (val > _INT_MAX or n_second > _INT_MAX):
        raise SyscallError(EINVAL)
    key = _key(task, uaddr, private=private)
    if command in (FUTEX_WAKE, FUTEX_WAKE_BITSET):
        bitset = val3 if command == FUTEX_WAKE_BITSET else futex.MATCH_ANY
        if not bitset:
            raise SyscallError(EINVAL)
        return futex.wake_key(task.kernel, key, max(1, min(val, _INT_MAX)), bitset)
    other = _key(task, uaddr2, private=private)
    if command == FUTEX_WAKE_OP:
        return _wake_op(task, key, other, uaddr2, val, n_second, val3)
    if command == FUTEX_CMP_REQUEUE and task.mem.read_u32(uaddr) != val3:
        raise SyscallError(EAGAIN)
    n_woken, n_moved = futex.requeue(task.kernel, key, other, val, n_second)
    return n_woken + n_moved


def _key(task: Task, address: int, *, private: bool) -> futex.Key:
    if address % 4:
        raise SyscallError(EINVAL)
    if address >= TASK_SIZE:
        raise SyscallError(EFAULT)
    return futex.key_of(task, address, private=private)


def _deadline(task: Task, address: UserAddr, op: int) -> int:
    """The time-out on the monotonic clock: relative for FUTEX_WAIT, absolute for the others."""
    seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(address, TIMESPEC.size))
    if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
        raise SyscallError(EINVAL)
    wanted_ns = int(seconds * NSEC_PER_SEC + nanoseconds)
    clock = task.kernel.clock
    now_ns = clock.monotonic_ns()
    if op & FUTEX_CMD_MASK == FUTEX_WAIT:
        return now_ns + wanted_ns
    return now_ns + wanted_ns - clock.realtime_ns() if op & FUTEX_CLOCK_REALTIME else wanted_ns


def _wait(task: Task, uaddr: UserAddr, op: int, val: int, bitset: int, deadline_ns: int | None) -> int:
    if not bitset:
        raise SyscallError(EINVAL)
    key = _key(task, uaddr, private=bool(op & FUTEX_PRIVATE_FLAG))
    if task.mem.read_u32(uaddr) != val:
        raise SyscallError(EAGAIN)
    operation = futex.FutexWait(task, key, bitset)
    if deadline_ns is not None:
        operation.again = lambda: _wait(task, uaddr, op, val, bitset, deadline_ns)
    raise Park(operation, (operation.queue,), deadline_ns=deadline_ns)


def _pi(task: Task, uaddr: UserAddr, op: int, utime: UserAddr) -> int:
    command = op & FUTEX_CMD_MASK
    if op & FUTEX_CLOCK_REALTIME and command != FUTEX_LOCK_PI2:
        raise SyscallError(ENOSYS)
    is_lock = command in (FUTEX_LOCK_PI, FUTEX_LOCK_PI2)
    deadline_ns = None
    if is_lock and utime:  # FUTEX_LOCK_PI is on CLOCK_REALTIME without saying so
        deadline_ns = _deadline(task, utime, op | (FUTEX_CLOCK_REALTIME if command == FUTEX_LOCK_PI else 0))
    key = _key(task, uaddr, private=bool(op & FUTEX_PRIVATE_FLAG))
    from pyuk.kernel import futex_pi  # noqa: PLC0415  # few programs use them

    if command == FUTEX_UNLOCK_PI:
        return futex_pi.unlock(task, key, uaddr)
    return futex_pi.lock(task, key, uaddr, deadline_ns, may_sleep=is_lock)


def _wake_op(
    task: Task, key: futex.Key, other: futex.Key, uaddr2: UserAddr, n_wake: int, n_second: int, encoded: int
) -> int:
    """FUTEX_WAKE_OP: change the second word, and wake its sleepers too where its old value compares (FUTEX_OP)."""
    operation, compare = encoded >> 28 & 7, encoded >> 24 & 15
    operand, compared = (_signed_12(encoded >> shift & 0xFFF) for shift in (12, 0))
    if encoded >> 31 & 1:
        operand = 1 << (operand & 31)
    old = task.mem.read_u32(uaddr2)
    if operation > 4 or compare > 5:  # noqa: PLR2004  # FUTEX_OP_XOR, FUTEX_OP_CMP_GE
        raise SyscallError(ENOSYS)
    new = (operand, old + operand, old | operand, old & ~operand, old ^ operand)[operation]
    task.mem.write_u32(uaddr2, new & 0xFFFF_FFFF)
    n_woken = futex.wake_key(task.kernel, key, n_wake)
    signed = (old ^ 1 << 31) - (1 << 31)
    holds = (
        signed == compared, signed != compared, signed < compared, signed <= compared, signed > compared,
        signed >= compared,
    )[compare]  # fmt: skip
    return n_woken + (futex.wake_key(task.kernel, other, n_second) if holds else 0)


def _signed_12(value: int) -> int:
    return (value ^ 0x800) - 0x800
