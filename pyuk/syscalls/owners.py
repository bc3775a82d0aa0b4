"""Who gets an open file's signals: F_SETOWN, F_SETOWN_EX, F_SETSIG and their opposites (fcntl(2))."""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.fcntl import (
    F_GETOWN,
    F_GETOWN_EX,
    F_GETOWNER_UIDS,
    F_GETSIG,
    F_OWNER_PGRP,
    F_OWNER_PID,
    F_OWNER_TID,
    F_SETOWN,
    F_SETOWN_EX,
    F_SETSIG,
)
from pyuk.kernel.sigio import checked_signal, owner_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_OWNER_EX = struct.Struct("<ii")  # struct f_owner_ex: type, pid
_INT_MIN = -(1 << 31)


def owner_command(task: Task, file: OpenFile, cmd: int, arg: int) -> int:
    """One of those commands. Errors: EINVAL, ESRCH, EFAULT."""
    owner = owner_of(task, file)
    number = (arg & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    if cmd == F_SETOWN:
        if number == _INT_MIN:
            raise SyscallError(EINVAL)
        owner.set(task, F_OWNER_PGRP if number < 0 else F_OWNER_PID, abs(number))
    elif cmd == F_GETOWN:
        return -owner.seen() if owner.kind == F_OWNER_PGRP else owner.seen()
    elif cmd == F_SETOWN_EX:
        kind, number = _OWNER_EX.unpack(task.mem.read(arg, _OWNER_EX.size))
        if kind not in (F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP):
            raise SyscallError(EINVAL)
        owner.set(task, kind, number)
    elif cmd == F_GETOWN_EX:
        task.mem.write(arg, _OWNER_EX.pack(owner.kind, owner.seen()))
    elif cmd == F_SETSIG:
        owner.signo = checked_signal(arg if arg < 1 << 63 else -1)
    elif cmd == F_GETSIG:
        return owner.signo
    elif cmd == F_GETOWNER_UIDS:
        task.mem.write(arg, struct.pack("<II", owner.uid, owner.euid))
    return 0
