"""Robust futexes: the locks that a thread held when it died are marked (kernel/futex/core.c, exit_robust_list)."""

from __future__ import annotations

import struct

from pyuk.abi.errno import SyscallError
from pyuk.abi.futex import FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS
from pyuk.abi.types import UserAddr
from pyuk.kernel import futex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

_HEAD = struct.Struct("<QqQ")  # list, futex_offset, list_op_pending
_LIST_LIMIT = 2048  # ROBUST_LIST_LIMIT
_PI = 1
"""Bit 0 of an entry: a priority-inheritance futex."""


def leave(task: Task) -> None:
    """The thread ends, or leaves the program: walk its list. What cannot be read or written ends the walk."""
    head = task.robust_list
    task.robust_list = 0
    try:
        entry, offset, pending = _HEAD.unpack(task.mem.read(UserAddr(head), _HEAD.size))
        n_left = _LIST_LIMIT
        while entry & ~_PI != head and n_left:
            following = task.mem.read_u64(UserAddr(entry & ~_PI))
            if entry != pending:
                _release(task, (entry & ~_PI) + offset, is_pi=bool(entry & _PI), was_pending=False)
            entry = following
            n_left -= 1
        if pending & ~_PI:
            _release(task, (pending & ~_PI) + offset, is_pi=bool(pending & _PI), was_pending=True)
    except SyscallError:
        return


def _release(task: Task, address: int, *, is_pi: bool, was_pending: bool) -> None:
    """handle_futex_death."""
    if address % 4:
        raise SyscallError(0)
    word = task.mem.read_u32(UserAddr(address))
    owner = word & FUTEX_TID_MASK
    if was_pending and not is_pi and not owner:
        futex.wake(task, address, 1, private=False)
        return
    if owner != task.tid:
        return
    if is_pi:
        from pyuk.kernel import futex_pi  # noqa: PLC0415

        futex_pi.hand_on(task, futex.key_of(task, address, private=False), UserAddr(address), FUTEX_OWNER_DIED)
        return
    task.mem.write_u32(UserAddr(address), word & FUTEX_WAITERS | FUTEX_OWNER_DIED)
    if word & FUTEX_WAITERS:
        futex.wake(task, address, 1, private=False)
