"""send(2), recv(2), shutdown(2), and what a socket says of itself: getsockname(2), getsockopt(2)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, EISCONN, ENOPROTOOPT, ENOTCONN, ENOTSOCK, EOPNOTSUPP, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.socket import (
    AF_UNIX,
    MSG_DONTWAIT,
    MSG_NOSIGNAL,
    SO_ACCEPTCONN,
    SO_DOMAIN,
    SO_ERROR,
    SO_PROTOCOL,
    SO_RCVBUF,
    SO_SNDBUF,
    SO_TYPE,
    SOL_SOCKET,
)  # fmt: skip
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import MAX_RW_COUNT
from pyuk.fs.file import OpenFile
from pyuk.machine.paging import TASK_SIZE
from pyuk.net.unix import UnixSocket
from pyuk.syscalls.transfer import read_segments, write_segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        AddressArg,
        Annotated,
        FdArg,
        IntArg,
        MessageFlagsArg,
        ShutdownArg,
        SizeArg,
        SocketLevelArg,
        SocketOptionArg,
    )
    from pyuk.abi.kinds import IN, OUT, Buffer, SocketAddress, StructAt
    from pyuk.abi.structs import INT32
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task
    from pyuk.wait.queue import WaitQueue

_UNNAMED = AF_UNIX.to_bytes(2, "little")
_SMALLEST_SEND_BUFFER, _LARGEST_SEND_BUFFER = 4608, 425984  # SOCK_MIN_SNDBUF, twice net.core.wmem_max
_FOR_NAUGHT = (2, 5, 6, 9, 10, 13, 15, 16, 18, 20, 21)
"""Options that are accepted and change nothing between two guests."""


class Talk(OpenFile):
    """One send or recv with flags, as the file that a transfer moves bytes through."""

    __slots__ = ("_flags", "_socket")
    is_counted = False

    def __init__(self, socket: UnixSocket, flags: int) -> None:
        super().__init__(socket.flags | (O_NONBLOCK if flags & MSG_DONTWAIT else 0))
        socket.hold()
        self._socket = socket
        self._flags = flags
        self.stream = True

    @property
    def sends_sigpipe(self) -> bool:  # type: ignore[override]
        """Unless asked not to."""
        return not self._flags & MSG_NOSIGNAL

    def read(self, slices: list[memoryview]) -> int:
        """A recv."""
        return self._socket.receive(slices, self._flags, self.flags)

    def write(self, slices: list[memoryview]) -> int:
        """A send."""
        return self._socket.send(slices, self._flags, self.flags)

    @property
    def has_messages(self) -> bool:  # type: ignore[override]
        """As the socket."""
        return self._socket.has_messages

    def await_room(self, n_bytes: int) -> None:
        """The socket's own."""
        self._socket.await_room(n_bytes)

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """The socket's own."""
        return self._socket.read_fault(offset, n_bytes)

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The socket's own."""
        return self._socket.write_fault(offset, n_bytes)

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """The socket's own."""
        return self._socket.poll_queues()

    def close(self) -> None:
        """The call has ended."""
        self._socket.release()


def _socket(task: Task, fd: int) -> UnixSocket:
    file = task.files.get(fd)
    if not isinstance(file, UnixSocket):
        raise SyscallError(ENOTSOCK)
    return file


@syscall("sendto", note="connected AF_UNIX sockets only; no MSG_OOB")
def sys_sendto(
    task: Task, fd: FdArg, buff: Annotated[UserAddr, Buffer(IN, "len")], len: SizeArg, flags: MessageFlagsArg,  # noqa: A002
    addr: Annotated[UserAddr, SocketAddress(IN, "addr_len")], addr_len: IntArg,
) -> int:  # fmt: skip
    """Send. Errors: ENOTSOCK, EISCONN an address, ENOTCONN, EPIPE, EAGAIN, EMSGSIZE, EFAULT."""
    if buff > TASK_SIZE or len > TASK_SIZE - buff:
        raise SyscallError(EFAULT)
    socket = _socket(task, fd)
    if addr and addr_len:
        raise SyscallError(EISCONN if socket.peer is not None else EOPNOTSUPP)
    file = Talk(socket, flags)
    try:
        return write_segments(task, file, [(buff, min(len, MAX_RW_COUNT))] if len else [], None)
    finally:
        file.release()


@syscall("recvfrom", note="AF_UNIX only; MSG_WAITALL takes what there is")
def sys_recvfrom(
    task: Task, fd: FdArg, ubuf: Annotated[UserAddr, Buffer(OUT, "return")], size: SizeArg, flags: MessageFlagsArg,
    addr: AddressArg, addr_len: Annotated[UserAddr, StructAt(OUT, INT32)],
) -> int:  # fmt: skip
    """Receive; who has sent it has no name. Errors: ENOTSOCK, EAGAIN, ECONNRESET, EINVAL or ENOTCONN, EFAULT."""
    if ubuf > TASK_SIZE or size > TASK_SIZE - ubuf:
        raise SyscallError(EFAULT)
    file = Talk(_socket(task, fd), flags)
    try:
        done = read_segments(task, file, [(ubuf, min(size, MAX_RW_COUNT))] if size else [], None)
    finally:
        file.release()
    if addr:
        task.mem.write_u32(addr_len, 0)
    return done


@syscall("shutdown")
def sys_shutdown(task: Task, fd: FdArg, how: ShutdownArg) -> int:
    """End one direction of a connection, or both. Errors: EBADF, ENOTSOCK, EINVAL."""
    _socket(task, fd).shutdown(how)
    return 0


@syscall("getsockname", note="no socket has a name yet")
def sys_getsockname(
    task: Task, fd: FdArg, usockaddr: Annotated[UserAddr, SocketAddress(OUT, "usockaddr_len")],
    usockaddr_len: Annotated[UserAddr, StructAt(OUT, INT32)],
) -> int:  # fmt: skip
    """The family alone. Errors: EBADF, ENOTSOCK, EINVAL, EFAULT."""
    _socket(task, fd)
    return _tell_name(task, usockaddr, usockaddr_len)


@syscall("getpeername", note="no socket has a name yet")
def sys_getpeername(
    task: Task, fd: FdArg, usockaddr: Annotated[UserAddr, SocketAddress(OUT, "usockaddr_len")],
    usockaddr_len: Annotated[UserAddr, StructAt(OUT, INT32)],
) -> int:  # fmt: skip
    """The family alone. Errors: EBADF, ENOTSOCK, ENOTCONN, EINVAL, EFAULT."""
    if _socket(task, fd).peer is None:
        raise SyscallError(ENOTCONN)
    return _tell_name(task, usockaddr, usockaddr_len)


def _tell_name(task: Task, address: UserAddr, length_at: UserAddr) -> int:
    """net/socket.c, move_addr_to_user."""
    length = task.mem.read_i32(length_at)
    if length < 0:
        raise SyscallError(EINVAL)
    if length:
        task.mem.write(address, _UNNAMED[:length])
    task.mem.write_u32(length_at, len(_UNNAMED))
    return 0


@syscall("getsockopt", note="SOL_SOCKET, the options that a pair has an answer to")
def sys_getsockopt(
    task: Task, fd: FdArg, level: SocketLevelArg, optname: SocketOptionArg,
    optval: Annotated[UserAddr, StructAt(OUT, INT32)], optlen: Annotated[UserAddr, StructAt(OUT, INT32)],
) -> int:  # fmt: skip
    """An option's value. Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EFAULT, EINVAL, ENOPROTOOPT."""
    socket = _socket(task, fd)
    if level != SOL_SOCKET:
        raise SyscallError(EOPNOTSUPP)
    length = task.mem.read_i32(optlen)
    if length < 0:
        raise SyscallError(EINVAL)
    value = {
        SO_TYPE: socket.kind, SO_SNDBUF: socket.send_buffer_bytes, SO_RCVBUF: 212992, SO_DOMAIN: AF_UNIX,
        SO_PROTOCOL: 0, SO_ACCEPTCONN: 0,
    }.get(optname)  # fmt: skip
    if optname == SO_ERROR:
        value = socket.take_error()
    elif optname in _FOR_NAUGHT:
        value = 0
    if value is None:
        raise SyscallError(ENOPROTOOPT)
    task.mem.write(optval, value.to_bytes(4, "little")[:length])
    task.mem.write_u32(optlen, min(length, 4))
    return 0


@syscall("setsockopt", note="SOL_SOCKET: SO_SNDBUF, and options that change nothing between guests")
def sys_setsockopt(
    task: Task, fd: FdArg, level: SocketLevelArg, optname: SocketOptionArg,
    optval: Annotated[UserAddr, StructAt(IN, INT32)], optlen: IntArg,
) -> int:  # fmt: skip
    """Set an option. Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EINVAL, EFAULT, ENOPROTOOPT."""
    if optlen < 0:
        raise SyscallError(EINVAL)
    socket = _socket(task, fd)
    if level != SOL_SOCKET:
        raise SyscallError(EOPNOTSUPP)
    if optlen < 4:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    value = task.mem.read_i32(optval)
    if optname == SO_SNDBUF:
        socket.send_buffer_bytes = min(max(2 * value, _SMALLEST_SEND_BUFFER), _LARGEST_SEND_BUFFER)
    elif optname != SO_RCVBUF and optname not in _FOR_NAUGHT:
        raise SyscallError(ENOPROTOOPT)
    return 0
