"""Options of sockets: getsockopt(2), setsockopt(2)."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.syscall import syscall
from pyuk.syscalls.socket import socket_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, IntArg, SocketLevelArg, SocketOptionArg
    from pyuk.abi.kinds import IN, OUT, OptionValue, SocketAddressLength
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task


@syscall("getsockopt")
def sys_getsockopt(
    task: Task, fd: FdArg, level: SocketLevelArg, optname: SocketOptionArg,
    optval: Annotated[UserAddr, OptionValue(OUT, "level", "optname", "optlen")],
    optlen: Annotated[UserAddr, SocketAddressLength("optval")],
) -> int:  # fmt: skip
    """An option's value. Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EFAULT, EINVAL, ENOPROTOOPT."""
    socket = socket_of(task, fd)
    length = task.mem.read_i32(optlen)
    if length < 0:
        raise SyscallError(EINVAL)
    value = socket.get_option(level, optname, length)[:length]
    task.mem.write(optval, value)
    task.mem.write_u32(optlen, len(value))
    return 0


@syscall("setsockopt")
def sys_setsockopt(
    task: Task, fd: FdArg, level: SocketLevelArg, optname: SocketOptionArg,
    optval: Annotated[UserAddr, OptionValue(IN, "level", "optname", "optlen")], optlen: IntArg,
) -> int:  # fmt: skip
    """Set an option. Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EINVAL, EFAULT, ENOPROTOOPT."""
    if optlen < 0:
        raise SyscallError(EINVAL)
    socket = socket_of(task, fd)
    socket.set_option(level, optname, optlen, lambda n_bytes: task.mem.read(optval, n_bytes))
    return 0
