"""ioctl(2) of sockets: the family's own requests, and those about network devices (netdevice(7))."""

from __future__ import annotations

from pyuk.abi.errno import ENOTTY, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.net.socket import Socket


def socket_ioctl(socket: Socket, request: int, data: bytes) -> bytes:
    """What is copied out. Errors: ENOTTY."""
    answer = socket.ioctl(request, data)
    if answer is None:
        raise SyscallError(ENOTTY)
    return answer
