"""ioctl(2) of sockets: copying in and out for what the socket itself does (netdevice(7), unix(7), tcp(7), udp(7))."""

from __future__ import annotations

from pyuk.abi.errno import ENOTTY, SyscallError
from pyuk.abi.ioctls import FIONREAD, SIOCATMARK, SIOCOUTQNSD, TIOCOUTQ

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_NUMBERS = (FIONREAD, TIOCOUTQ, SIOCATMARK, SIOCOUTQNSD)
"""Requests that give an int."""


def socket_ioctl(task: Task, file: OpenFile, request: int, arg: int) -> int:
    """Errors: ENOTTY the family knows no such request, EFAULT."""
    if request in _NUMBERS:
        task.mem.write(arg, file.control(request, b""))
        return 0
    raise SyscallError(ENOTTY)
