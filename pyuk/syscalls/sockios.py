"""ioctl(2) of sockets: what the socket itself knows, owners, and network devices (netdevice(7), unix(7), tcp(7))."""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_NET_ADMIN
from pyuk.abi.errno import EFAULT, EINVAL, ENODEV, ENOENT, ENOTTY, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.fcntl import F_GETOWN, F_SETOWN
from pyuk.abi.ioctls import (
    FIOGETOWN,
    FIONREAD,
    FIOSETOWN,
    SIOCATMARK,
    SIOCETHTOOL,
    SIOCGIFADDR,
    SIOCGIFBRDADDR,
    SIOCGIFCONF,
    SIOCGIFDSTADDR,
    SIOCGIFFLAGS,
    SIOCGIFHWADDR,
    SIOCGIFINDEX,
    SIOCGIFMAP,
    SIOCGIFMETRIC,
    SIOCGIFMTU,
    SIOCGIFNAME,
    SIOCGIFNETMASK,
    SIOCGIFSLAVE,
    SIOCGIFTXQLEN,
    SIOCGPGRP,
    SIOCGSTAMP_OLD,
    SIOCGSTAMPNS_OLD,
    SIOCOUTQNSD,
    SIOCSIFFLAGS,
    SIOCSPGRP,
    TIOCOUTQ,
)  # fmt: skip
from pyuk.abi.socket import AF_INET
from pyuk.net.socket import Socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_NUMBERS = (FIONREAD, TIOCOUTQ, SIOCATMARK, SIOCOUTQNSD)
"""Requests that give an int."""
_IFREQ_BYTES, _NAME_BYTES = 40, 16
_NAME, _INDEX = b"lo", 1
_LOOPBACK, _MASK = b"\x7f\0\0\1", b"\xff\0\0\0"


def _address(ip: bytes) -> bytes:
    return struct.pack("<H2x4s8x", AF_INET, ip)


_ANSWERS = {
    SIOCGIFFLAGS: struct.pack("<H", 0x49),  # IFF_UP, IFF_LOOPBACK, IFF_RUNNING
    SIOCGIFMETRIC: bytes(4),
    SIOCGIFMTU: (65536).to_bytes(4, "little"),
    SIOCGIFHWADDR: struct.pack("<H14x", 772),  # ARPHRD_LOOPBACK
    SIOCGIFINDEX: _INDEX.to_bytes(4, "little"),
    SIOCGIFTXQLEN: (1000).to_bytes(4, "little"),
    SIOCGIFMAP: bytes(24),
}
"""What struct ifreq is told of the loopback device."""
_INET_ANSWERS = {
    SIOCGIFADDR: _address(_LOOPBACK),
    SIOCGIFDSTADDR: _address(_LOOPBACK),
    SIOCGIFBRDADDR: _address(bytes(4)),
    SIOCGIFNETMASK: _address(_MASK),
}
"""Of AF_INET sockets alone."""
_FIRST_DEVICE_REQUEST, _LAST_DEVICE_REQUEST = 0x8910, 0x897F


def socket_ioctl(task: Task, file: OpenFile, request: int, arg: int) -> int:
    """Errors: ENOTTY the family knows no such request, EFAULT, ENODEV, EPERM."""
    assert isinstance(file, Socket)  # noqa: S101
    if request in _NUMBERS:
        task.mem.write(arg, file.control(request, b""))
        return 0
    if request in (FIOSETOWN, SIOCSPGRP, FIOGETOWN, SIOCGPGRP):
        return _own(task, file, request, arg)
    if request in (SIOCGSTAMP_OLD, SIOCGSTAMPNS_OLD):
        raise SyscallError(ENOENT)
    if request == SIOCGIFCONF:
        return _configuration(task, arg)
    if _FIRST_DEVICE_REQUEST <= request <= _LAST_DEVICE_REQUEST:
        return _device(task, file, request, arg)
    raise SyscallError(ENOTTY)


def _own(task: Task, file: OpenFile, request: int, arg: int) -> int:
    """F_SETOWN and F_GETOWN by another name."""
    from pyuk.syscalls.owners import owner_command  # noqa: PLC0415

    if request in (FIOSETOWN, SIOCSPGRP):
        owner_command(task, file, F_SETOWN, task.mem.read_i32(arg) & 0xFFFF_FFFF_FFFF_FFFF)
    else:
        task.mem.write_u32(arg, owner_command(task, file, F_GETOWN, 0))
    return 0


def _configuration(task: Task, arg: int) -> int:
    """struct ifconf: an ifreq for each address, or how long they are."""
    n_bytes, buffer = struct.unpack("<i4xQ", task.mem.read(arg, 16))
    if not buffer:
        n_told = _IFREQ_BYTES
    elif n_bytes < 0:
        raise SyscallError(EINVAL)
    else:
        n_told = 0
        if n_bytes >= _IFREQ_BYTES:
            n_told = _IFREQ_BYTES
            task.mem.write(buffer, (_NAME.ljust(_NAME_BYTES, b"\0") + _address(_LOOPBACK)).ljust(_IFREQ_BYTES, b"\0"))
        else:
            n_told = n_bytes or 0
    task.mem.write_u32(arg, n_told)
    return 0


def _device(task: Task, socket: Socket, request: int, arg: int) -> int:
    """struct ifreq (net/core/dev_ioctl.c, net/ipv4/devinet.c)."""
    answers = _INET_ANSWERS if request in _INET_ANSWERS and socket.family == AF_INET else _ANSWERS
    is_known = request in answers or request in (SIOCGIFSLAVE, SIOCGIFNAME, SIOCSIFFLAGS, SIOCETHTOOL)
    if not is_known:
        raise SyscallError(ENOTTY)
    try:
        data = task.mem.read(arg, _IFREQ_BYTES)
    except SyscallError:
        raise SyscallError(EFAULT) from None
    if request == SIOCGIFNAME:
        if int.from_bytes(data[16:20], "little") != _INDEX:
            raise SyscallError(ENODEV)
        task.mem.write(arg, _NAME.ljust(_NAME_BYTES, b"\0") + data[_NAME_BYTES:])
        return 0
    if request == SIOCETHTOOL:
        task.mem.read(int.from_bytes(data[16:24], "little"), 4)
    name = data[:_NAME_BYTES].split(b"\0", 1)[0].split(b":", 1)[0]
    if request == SIOCSIFFLAGS and not task.creds.has(CAP_NET_ADMIN):
        raise SyscallError(EPERM)
    if name != _NAME:
        raise SyscallError(ENODEV)
    if request == SIOCSIFFLAGS:
        if not data[16] & 1:
            raise SyscallError(EPERM)  # it stays up
        return 0
    if request == SIOCGIFSLAVE:
        raise SyscallError(EINVAL)
    if request == SIOCETHTOOL:
        raise SyscallError(EOPNOTSUPP)
    task.mem.write(arg, data[:_NAME_BYTES] + answers[request].ljust(_IFREQ_BYTES - _NAME_BYTES, b"\0")[:24])
    return 0
