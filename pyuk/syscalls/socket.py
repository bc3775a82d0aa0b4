"""Making, naming and connecting sockets: socket(2), socketpair(2), bind(2), listen(2), accept(2), connect(2)."""

from __future__ import annotations

from pyuk.abi.errno import (
    EAFNOSUPPORT,
    ECONNABORTED,
    EINVAL,
    EMFILE,
    ENOTSOCK,
    EPERM,
    EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_PACKET,
    AF_UNIX,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_RAW,
    SOCK_SEQPACKET,
    SOCK_STREAM,
    SOMAXCONN,
)  # fmt: skip
from pyuk.abi.syscall import syscall
from pyuk.net.socket import Socket
from pyuk.syscalls.message import read_address, tell_address
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        FamilyArg,
        FdArg,
        FdResult,
        IntArg,
        ProtocolArg,
        ShutdownArg,
        SocketFlagsArg,
        SocketTypeArg,
        UIntArg,
    )
    from pyuk.abi.kinds import IN, OUT, SocketAddress, SocketAddressLength, StructAt
    from pyuk.abi.structs import FD
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_N_FAMILIES = 46
_N_TYPES = 11
_TYPE_MASK = 15


def socket_of(task: Task, fd: int) -> Socket:
    """The socket of a descriptor. Errors: EBADF, ENOTSOCK."""
    file = task.files.get(fd)
    if not isinstance(file, Socket):
        raise SyscallError(ENOTSOCK)
    return file


def _new_socket(task: Task, family: int, kind: int, protocol: int, flags: int) -> Socket:
    """net/socket.c, __sock_create. Errors: EAFNOSUPPORT, EINVAL, and those of the family."""
    if not 0 <= family < _N_FAMILIES:
        raise SyscallError(EAFNOSUPPORT)
    if not 0 <= kind < _N_TYPES:
        raise SyscallError(EINVAL)
    network = task.kernel.network
    if family == AF_UNIX:
        from pyuk.net.unix import new_unix_socket  # noqa: PLC0415

        if protocol not in (0, AF_UNIX):
            raise SyscallError(EPROTONOSUPPORT)
        if kind not in (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW):
            raise SyscallError(ESOCKTNOSUPPORT)
        return new_unix_socket(network, SOCK_DGRAM if kind == SOCK_RAW else kind, flags)
    if family in (AF_INET, AF_INET6):
        from pyuk.net.inet import new_inet_socket  # noqa: PLC0415

        return new_inet_socket(network, family, kind, protocol, flags)
    if family == AF_NETLINK:
        from pyuk.net.netlink import new_netlink_socket  # noqa: PLC0415

        return new_netlink_socket(network, kind, protocol, flags)
    if family == AF_PACKET:
        raise SyscallError(EPERM)
    raise SyscallError(EAFNOSUPPORT)


@syscall("socket", note="AF_UNIX only")
def sys_socket(task: Task, family: FamilyArg, type: SocketTypeArg, protocol: ProtocolArg) -> FdResult:  # noqa: A002
    """A socket that is not connected. Errors: EINVAL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EMFILE."""
    if type & ~_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK):
        raise SyscallError(EINVAL)
    file = _new_socket(task, family, type & _TYPE_MASK, protocol, O_NONBLOCK if type & SOCK_NONBLOCK else 0)
    try:
        return task.files.install(file, cloexec=bool(type & SOCK_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])
    except SyscallError:
        file.release()
        raise


@syscall("socketpair")
def sys_socketpair(
    task: Task, family: FamilyArg, type: SocketTypeArg, protocol: UIntArg,  # noqa: A002
    usockvec: Annotated[UserAddr, StructAt(OUT, FD, 2)],
) -> int:  # fmt: skip
    """Two sockets connected to each other: both numbers, or none. Errors: EINVAL, EOPNOTSUPP, EMFILE, EFAULT."""
    if type & ~_TYPE_MASK & ~(SOCK_CLOEXEC | SOCK_NONBLOCK):
        raise SyscallError(EINVAL)
    files = task.files
    first = files.lowest_free()
    second = files.lowest_free(first + 1)
    if second >= task.limits.soft[RLIMIT_NOFILE]:
        raise SyscallError(EMFILE)
    # net/socket.c tells the numbers before all else
    task.mem.write(usockvec, first.to_bytes(4, "little") + second.to_bytes(4, "little"))
    flags = O_NONBLOCK if type & SOCK_NONBLOCK else 0
    ends = [_new_socket(task, family, type & _TYPE_MASK, protocol, flags) for _ in range(2)]
    try:
        ends[0].connect_pair(ends[1])
    except SyscallError:
        for end in ends:
            end.release()
        raise
    for end in ends:
        files.install(end, cloexec=bool(type & SOCK_CLOEXEC))
    return 0


@syscall("bind")
def sys_bind(task: Task, fd: FdArg, umyaddr: Annotated[UserAddr, SocketAddress(IN, "addrlen")], addrlen: IntArg) -> int:
    """Give the socket a name. Errors: EBADF, ENOTSOCK, EINVAL, EFAULT, EADDRINUSE, EADDRNOTAVAIL, EACCES."""
    socket = socket_of(task, fd)
    socket.bind(read_address(task, umyaddr, addrlen), task.fs)
    return 0


@syscall("listen")
def sys_listen(task: Task, fd: FdArg, backlog: IntArg) -> int:
    """Let others connect. Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EINVAL, EADDRINUSE."""
    socket_of(task, fd).listen(backlog if 0 <= backlog < SOMAXCONN else SOMAXCONN)
    return 0


class Accept:
    """What is left of an accept(2) that waits."""

    __slots__ = ("address", "flags", "length_at", "socket", "task")

    def __init__(self, task: Task, socket: Socket, address: UserAddr, length_at: UserAddr, flags: int) -> None:
        self.task = task
        self.socket = socket.hold()
        self.address = address
        self.length_at = length_at
        self.flags = flags

    def step(self) -> int:
        """Take the next connection. An address that cannot be told loses it, as on Linux."""
        task = self.task
        child = self.socket.accept(self.socket.flags)  # type: ignore[attr-defined]
        if self.flags & SOCK_NONBLOCK:
            child.flags |= O_NONBLOCK
        try:
            if self.address:
                try:
                    name = child.peer_name()
                except SyscallError:
                    raise SyscallError(ECONNABORTED) from None
                tell_address(task, name, self.address, self.length_at)
            n_max = task.limits.soft[RLIMIT_NOFILE]
            return task.files.install(child, cloexec=bool(self.flags & SOCK_CLOEXEC), n_max=n_max)
        except SyscallError:
            child.release()
            raise

    def interrupted(self) -> int:
        """A signal."""
        raise SyscallError(self.socket.interruption(filling=True))

    def timed_out(self) -> int:
        """SO_RCVTIMEO."""
        return self.socket.give_up()

    def close(self) -> None:
        """Unpin the socket."""
        self.socket.release()


@syscall("accept")
def sys_accept(
    task: Task, fd: FdArg, upeer_sockaddr: Annotated[UserAddr, SocketAddress(OUT, "upeer_addrlen")],
    upeer_addrlen: Annotated[UserAddr, SocketAddressLength("upeer_sockaddr")],
) -> FdResult:  # fmt: skip
    """Take a connection. Errors: EBADF, ENOTSOCK, EOPNOTSUPP, EINVAL, EMFILE, EAGAIN, EFAULT."""
    return _accept(task, fd, upeer_sockaddr, upeer_addrlen, 0)


@syscall("accept4")
def sys_accept4(
    task: Task, fd: FdArg, upeer_sockaddr: Annotated[UserAddr, SocketAddress(OUT, "upeer_addrlen")],
    upeer_addrlen: Annotated[UserAddr, SocketAddressLength("upeer_sockaddr")], flags: SocketFlagsArg,
) -> FdResult:  # fmt: skip
    """The same with SOCK_CLOEXEC and SOCK_NONBLOCK for the new one. Errors: EINVAL other flags."""
    return _accept(task, fd, upeer_sockaddr, upeer_addrlen, flags)


def _accept(task: Task, fd: int, address: UserAddr, length_at: UserAddr, flags: int) -> int:
    file = task.files.get(fd)
    if flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK):
        raise SyscallError(EINVAL)
    task.files.check_room(task.limits.soft[RLIMIT_NOFILE])
    if not isinstance(file, Socket):
        raise SyscallError(ENOTSOCK)
    return begin(task, Accept(task, file, address, length_at, flags))


class Connect:
    """What is left of a connect(2) that waits."""

    __slots__ = ("address", "socket", "task")

    def __init__(self, task: Task, socket: Socket, address: bytes) -> None:
        self.task = task
        self.socket = socket.hold()
        self.address = address

    def step(self) -> int:
        """Try, or look how far it has come."""
        socket = self.socket
        assert isinstance(socket, Socket)  # noqa: S101
        socket.connect(self.address, socket.flags, self.task.fs)
        return 0

    def interrupted(self) -> int:
        """A signal."""
        raise SyscallError(self.socket.interruption(filling=False))

    def timed_out(self) -> int:
        """SO_SNDTIMEO."""
        assert isinstance(self.socket, Socket)  # noqa: S101
        return self.socket.give_up_connecting()

    def close(self) -> None:
        """Unpin the socket."""
        self.socket.release()


@syscall("connect")
def sys_connect(
    task: Task, fd: FdArg, uservaddr: Annotated[UserAddr, SocketAddress(IN, "addrlen")], addrlen: IntArg
) -> int:
    """Connect, or choose whom to send to. Errors: EBADF, ENOTSOCK, EINVAL, EFAULT, and those of the family."""
    file = task.files.get(fd)
    address = read_address(task, uservaddr, addrlen)
    if not isinstance(file, Socket):
        raise SyscallError(ENOTSOCK)
    return begin(task, Connect(task, file, address))


def begin(task: Task, operation: Accept | Connect) -> int:
    """The first step of a call that may have to wait."""
    try:
        result = operation.step()
    except WouldBlock as blocked:
        deadline_ns = task.kernel.clock.monotonic_ns() + blocked.limit_ns if blocked.limit_ns else None
        raise Park.after(blocked, operation, deadline_ns) from None
    except BaseException:
        operation.close()
        raise
    operation.close()
    return result


@syscall("shutdown")
def sys_shutdown(task: Task, fd: FdArg, how: ShutdownArg) -> int:
    """End one direction of a connection, or both. Errors: EBADF, ENOTSOCK, EINVAL, ENOTCONN."""
    socket_of(task, fd).shutdown(how)
    return 0


@syscall("getsockname")
def sys_getsockname(
    task: Task, fd: FdArg, usockaddr: Annotated[UserAddr, SocketAddress(OUT, "usockaddr_len")],
    usockaddr_len: Annotated[UserAddr, SocketAddressLength("usockaddr")],
) -> int:  # fmt: skip
    """Its own name. Errors: EBADF, ENOTSOCK, EINVAL, EFAULT."""
    tell_address(task, socket_of(task, fd).name(), usockaddr, usockaddr_len)
    return 0


@syscall("getpeername")
def sys_getpeername(
    task: Task, fd: FdArg, usockaddr: Annotated[UserAddr, SocketAddress(OUT, "usockaddr_len")],
    usockaddr_len: Annotated[UserAddr, SocketAddressLength("usockaddr")],
) -> int:  # fmt: skip
    """The peer's. Errors: EBADF, ENOTSOCK, ENOTCONN, EINVAL, EFAULT."""
    tell_address(task, socket_of(task, fd).peer_name(), usockaddr, usockaddr_len)
    return 0
