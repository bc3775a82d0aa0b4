"""A network without a kernel, for tests that talk to sockets themselves."""

from __future__ import annotations

import os
import time

from pyuk.abi.socket import SOCK_STREAM
from pyuk.kernel.creds import Credentials
from pyuk.net.network import Network
from pyuk.net.unix import UnixSocket, new_unix_socket


class Timers:
    """Alarms that ring when a test says so."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    def after(self, duration_ns: int, act: object) -> Alarm:
        alarm = Alarm(duration_ns, act)
        self.alarms.append(alarm)
        return alarm


class Alarm:
    """One of them."""

    def __init__(self, duration_ns: int, act: object) -> None:
        self.duration_ns = duration_ns
        self.act = act

    def cancel(self) -> None:
        self.act = None


def new_network() -> Network:
    """A network of nobody's."""
    creds = Credentials(os.getuid(), os.getgid(), os.geteuid(), os.getegid(), os.getgroups())
    return Network(
        monotonic_ns=time.monotonic_ns,
        realtime_ns=time.time_ns,
        after=Timers().after,
        random_bytes=bytes,
        current=lambda: (os.getpid(), creds),
    )


def new_pair(flags: int = 0, kind: int = SOCK_STREAM) -> tuple[UnixSocket, UnixSocket]:
    """Two AF_UNIX sockets connected to each other."""
    network = new_network()
    ends = new_unix_socket(network, kind, flags), new_unix_socket(network, kind, flags)
    ends[0].connect_pair(ends[1])
    return ends
