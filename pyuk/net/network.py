"""The network of one kernel: what all its sockets share, and what they need of the rest of the kernel."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from pyuk.net.inet import Inet
    from pyuk.net.netlink import NetlinkSocket
    from pyuk.net.socket import Socket
    from pyuk.net.unix import UnixNames

    class Alarm(Protocol):
        """A call to come."""

        def cancel(self) -> None: ...

    class Who(Protocol):
        """The credentials of a task."""

        uid: int
        gid: int
        euid: int
        egid: int
        groups: list[int]

        def has(self, capability: int) -> bool: ...


class Network:
    """Handed in by the system: time, randomness, and who makes the present call.

    after(duration_ns, act) calls `act` that much later; current() gives the process id and the credentials of the task
    that runs.
    """

    __slots__ = (
        "_inet",
        "_unix",
        "after",
        "current",
        "monotonic_ns",
        "n_made",
        "netlink_sockets",
        "random_bytes",
        "realtime_ns",
    )

    def __init__(
        self, *, monotonic_ns: Callable[[], int], realtime_ns: Callable[[], int],
        after: Callable[[int, Callable[[], None]], Alarm], random_bytes: Callable[[int], bytes],
        current: Callable[[], tuple[int, Who]],
    ) -> None:  # fmt: skip
        self.monotonic_ns = monotonic_ns
        self.realtime_ns = realtime_ns
        self.after = after
        self.random_bytes = random_bytes
        self.current = current
        self.n_made = 0
        """Inode numbers are counted for the whole of sockfs."""
        self.netlink_sockets: list[NetlinkSocket] = []
        self._unix: UnixNames | None = None
        self._inet: Inet | None = None

    @property
    def unix(self) -> UnixNames:
        """The names of AF_UNIX."""
        if self._unix is None:
            from pyuk.net.unix import UnixNames  # noqa: PLC0415

            self._unix = UnixNames(self)
        return self._unix

    @property
    def inet(self) -> Inet:
        """The loopback of AF_INET and AF_INET6."""
        if self._inet is None:
            from pyuk.net.inet import Inet  # noqa: PLC0415

            self._inet = Inet(self)
        return self._inet

    def urgent(self, socket: Socket) -> None:
        """A socket has got an urgent byte: who owns it (F_SETOWN) is told by SIGURG."""
        owner: Any = socket.owner  # the kernel's
        if owner is not None:
            owner.urge()
