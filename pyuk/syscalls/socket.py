"""socket(2), socketpair(2), connect(2): pairs, and enough for a client to learn that nobody is there."""

from __future__ import annotations

from pyuk.abi.errno import (
    EAFNOSUPPORT,
    ECONNREFUSED,
    EINVAL,
    EMFILE,
    ENOTSOCK,
    EOPNOTSUPP,
    EPROTONOSUPPORT,
    ESOCKTNOSUPPORT,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_UNIX,
    AF_UNSPEC,
    SOCK_CLOEXEC,
    SOCK_DGRAM,
    SOCK_NONBLOCK,
    SOCK_RAW,
    SOCK_SEQPACKET,
    SOCK_STREAM,
)  # fmt: skip
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import W_OK
from pyuk.net.unix import UnixSocket, new_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FamilyArg, FdArg, FdResult, IntArg
    from pyuk.abi.kinds import IN, OUT, Flags, SocketAddress, StructAt
    from pyuk.abi.structs import FD
    from pyuk.abi.tables import Table
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_SOCKADDR_BYTES = 128
_SUN_BYTES = 110


@syscall("socket", note="AF_UNIX only")
def sys_socket(
    task: Task, family: FamilyArg,
    type: Annotated[int, Flags(Table("socket", "SOCK_"), modes=15)],  # noqa: A002
    protocol: IntArg,
) -> FdResult:  # fmt: skip
    """A socket that is not connected."""
    if type & ~15 & ~(SOCK_CLOEXEC | SOCK_NONBLOCK):
        raise SyscallError(EINVAL)
    if family != AF_UNIX:
        raise SyscallError(EAFNOSUPPORT)
    kind = _kind(type, protocol)
    file = UnixSocket(kind, O_NONBLOCK if type & SOCK_NONBLOCK else 0)
    return task.files.install(file, cloexec=bool(type & SOCK_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])


def _kind(type: int, protocol: int) -> int:  # noqa: A002
    """net/unix/af_unix.c, unix_create."""
    kind = SOCK_DGRAM if type & 15 == SOCK_RAW else type & 15
    if protocol not in (0, AF_UNIX):
        raise SyscallError(EPROTONOSUPPORT)
    if kind not in (SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET):
        raise SyscallError(ESOCKTNOSUPPORT)
    return kind


@syscall("socketpair", note="AF_UNIX only")
def sys_socketpair(
    task: Task, family: FamilyArg,
    type: Annotated[int, Flags(Table("socket", "SOCK_"), modes=15)],  # noqa: A002
    protocol: IntArg, usockvec: Annotated[UserAddr, StructAt(OUT, FD, 2)],
) -> int:  # fmt: skip
    """Two sockets connected to each other: both numbers, or none. Errors: EINVAL, EOPNOTSUPP, EMFILE, EFAULT."""
    if type & ~15 & ~(SOCK_CLOEXEC | SOCK_NONBLOCK):
        raise SyscallError(EINVAL)
    files = task.files
    first = files.lowest_free()
    second = files.lowest_free(first + 1)
    if second >= task.limits.soft[RLIMIT_NOFILE]:
        raise SyscallError(EMFILE)
    # net/socket.c tells the numbers before all else
    task.mem.write(usockvec, first.to_bytes(4, "little") + second.to_bytes(4, "little"))
    if family not in (AF_UNIX, AF_INET, AF_INET6):
        raise SyscallError(EAFNOSUPPORT)
    if family != AF_UNIX:
        raise SyscallError(EOPNOTSUPP)
    for end in new_pair(_kind(type, protocol), O_NONBLOCK if type & SOCK_NONBLOCK else 0):
        files.install(end, cloexec=bool(type & SOCK_CLOEXEC))
    return 0


@syscall("connect", note="nobody listens: ENOENT or ECONNREFUSED; AF_UNSPEC of a datagram socket gives 0")
def sys_connect(
    task: Task, fd: FdArg, uservaddr: Annotated[UserAddr, SocketAddress(IN, "addrlen")], addrlen: IntArg
) -> int:
    """Linux net/unix/af_unix.c, unix_find_bsd: the name is looked up, must be writable, and is then refused."""
    file = task.files.get(fd)
    if not 0 <= addrlen <= _SOCKADDR_BYTES:
        raise SyscallError(EINVAL)
    address = task.mem.read(uservaddr, addrlen)
    if not isinstance(file, UnixSocket):
        raise SyscallError(ENOTSOCK)
    family = int.from_bytes(address[:2], "little")
    if family == AF_UNSPEC and file.kind == SOCK_DGRAM and len(address) > 1:
        return 0
    if family != AF_UNIX or not 2 < addrlen <= _SUN_BYTES:  # noqa: PLR2004
        raise SyscallError(EINVAL)
    path = address[2:].split(b"\0", 1)[0]
    if path:
        task.fs.access(path, W_OK, effective=True)
    raise SyscallError(ECONNREFUSED)
