"""Who has which port of a protocol, and which are free (ip(7), socket(7): SO_REUSEADDR, SO_REUSEPORT).

Source: Linux 6.1 net/ipv4/inet_connection_sock.c, inet_csk_get_port; net/ipv4/udp.c, udp_lib_get_port;
net/ipv4/inet_hashtables.c, __inet_hash_connect.
"""

from __future__ import annotations

from pyuk.abi.errno import EADDRINUSE, EADDRNOTAVAIL, SyscallError
from pyuk.net.address import ANY4, ANY6

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.net.inet import InetSocket

LOWEST_PORT, HIGHEST_PORT = 32768, 60999  # net.ipv4.ip_local_port_range
N_PORTS = HIGHEST_PORT - LOWEST_PORT + 1


class Owner:
    """What conflicts are decided by: a socket that has a port, or what is left of one (TIME_WAIT)."""

    __slots__ = ("is_ipv6only", "is_listening", "is_reusable", "is_shared", "is_waiting", "local_ip", "uid")

    def __init__(self, socket: InetSocket) -> None:
        self.local_ip = socket.local_ip
        self.is_ipv6only = socket.is_ipv6only
        self.is_reusable = socket.is_reusable
        self.is_shared = socket.is_shared
        self.is_listening = False
        self.is_waiting = True
        self.uid = socket.uid


def same_place(a: InetSocket | Owner, b: InetSocket | Owner) -> bool:
    """Whether two local addresses meet, one that stands for all of them included (inet_rcv_saddr_equal)."""
    ip, other = a.local_ip, b.local_ip
    if len(ip) == len(other):
        return ip == other or not any(ip) or not any(other)
    wide, narrow = (a, b) if len(ip) > len(other) else (b, a)
    return wide.local_ip == ANY6 and not wide.is_ipv6only and len(narrow.local_ip) == len(ANY4)


class Ports:
    """The ports of one protocol. Invariant: no list is empty."""

    __slots__ = ("_random", "by_connect", "owners")

    def __init__(self, random: Callable[[int], bytes]) -> None:
        """random: that many random bytes."""
        self._random = random
        self.owners: dict[int, list[InetSocket | Owner]] = {}
        self.by_connect: set[int] = set()
        """Those that nobody has bound: another connection to elsewhere may have them too."""

    def add(self, port: int, owner: InetSocket | Owner) -> None:
        """It has the port."""
        self.owners.setdefault(port, []).append(owner)

    def remove(self, port: int, owner: InetSocket | Owner) -> None:
        """It has the port no more."""
        owners = self.owners.get(port)
        if owners is not None and owner in owners:
            owners.remove(owner)
            if not owners:
                del self.owners[port]
                self.by_connect.discard(port)

    def bind(
        self, socket: InetSocket, port: int, conflicts: Callable[[InetSocket, InetSocket | Owner, bool], bool]
    ) -> int:
        """Take the port, or with 0 a free one. Errors: EADDRINUSE.

        conflicts(socket, owner, relaxed) says whether the two cannot both have it; relaxed: the port was asked for.
        """
        if not port:
            port = self._find_free(socket, conflicts)
        elif any(conflicts(socket, owner, True) for owner in self.owners.get(port, ()) if owner is not socket):  # noqa: FBT003
            raise SyscallError(EADDRINUSE)
        self.add(port, socket)
        self.by_connect.discard(port)
        return port

    def _find_free(self, socket: InetSocket, conflicts: Callable[[InetSocket, InetSocket | Owner, bool], bool]) -> int:
        """From a random place on, first the odd ones: connect(2) takes even ones first."""
        start = self._start() | 1
        for parity in (start, start - 1):
            for step in range(0, N_PORTS, 2):
                port = LOWEST_PORT + (parity + step) % N_PORTS
                owners = self.owners.get(port)
                if not owners or not any(conflicts(socket, owner, False) for owner in owners):  # noqa: FBT003
                    return port
        raise SyscallError(EADDRINUSE)

    def _start(self) -> int:
        return int.from_bytes(self._random(4), "little") % N_PORTS

    def find_for_connect(self, is_free: Callable[[int], bool]) -> int:
        """A port for a connection: one that nobody has bound, and that is_free for this remote end.

        Errors: EADDRNOTAVAIL.
        """
        start = self._start() & ~1
        for parity in (start, start + 1):
            for step in range(0, N_PORTS, 2):
                port = LOWEST_PORT + (parity + step) % N_PORTS
                if is_free(port):
                    return port
        raise SyscallError(EADDRNOTAVAIL)
