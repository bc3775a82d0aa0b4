"""The texts of /proc/net (proc(5)): sockets, the loopback device, its addresses and routes.

Source: Linux 6.1 net/ipv4/tcp_ipv4.c, udp.c, net/unix/af_unix.c, net/core/net-procfs.c.
"""

from __future__ import annotations

from pyuk.abi.socket import (
    AF_INET,
    AF_INET6,
    TCP_ESTABLISHED,
    TCP_LISTEN,
    TCP_SYN_SENT,
    TCP_TIME_WAIT,
)  # fmt: skip
from pyuk.net.address import ANY6, pack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyuk.net.inet import InetSocket
    from pyuk.net.network import Network
    from pyuk.net.tcp import TcpSocket, TimeWait

_TCP_WIDTH, _UDP_WIDTH = 149, 127
_POINTER = "0000000000000000"  # %pK, for who may not see it
_ACCEPTS, _CONNECTED, _UNCONNECTED, _CONNECTING, _DISCONNECTING = 0x10000, 3, 1, 2, 4
_NS_PER_TICK = 10_000_000
_TIME_WAIT_NS = 60_000_000_000
_COLUMNS = "st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
_WIDE = "local_address                         remote_address                        "


def tcp(network: Network) -> Iterator[bytes]:
    """net/tcp."""
    yield _padded(f"  sl  local_address rem_address   {_COLUMNS}", _TCP_WIDTH)
    for index, line in enumerate(_tcp_lines(network, AF_INET)):
        yield _padded(f"{index:4d}: {line}", _TCP_WIDTH)


def tcp6(network: Network) -> Iterator[bytes]:
    """net/tcp6."""
    yield f"  sl  {_WIDE}{_COLUMNS}\n".encode()
    for index, line in enumerate(_tcp_lines(network, AF_INET6)):
        yield f"{index:4d}: {line}\n".encode()


def _padded(line: str, width: int) -> bytes:
    return (line.ljust(width) + "\n").encode()


def _tcp_lines(network: Network, family: int) -> Iterator[str]:
    inet = network.inet
    listeners = [listener for port in sorted(inet.listeners) for listener in inet.listeners[port]]
    for socket in (*listeners, *inet.connections.values()):
        if socket.family == family:
            yield _tcp_line(socket)
    now_ns = network.monotonic_ns()
    for entry in inet.time_waits.values():
        left_ns = entry.begun_ns + _TIME_WAIT_NS - now_ns
        if entry.family == family and left_ns > 0:
            ticks = left_ns // _NS_PER_TICK
            yield (
                f"{_ends(entry, entry.local, entry.remote)} {TCP_TIME_WAIT:02X} 00000000:00000000 03:{ticks:08X} "
                f"00000000 {0:5d} {0:8d} 0 3 {_POINTER}"
            )


def _tcp_line(socket: TcpSocket) -> str:
    state = socket.state
    if state == TCP_LISTEN:
        sent, received = 0, len(socket.waiting)
        rest = "100 0 0 10 0"
    else:
        peer = socket.peer
        sent = 0 if peer is None else max(peer.n_bytes - peer.window, 0)
        received = min(socket.n_bytes, socket.window)
        rest = "20 4 0 10 -1" if state == TCP_ESTABLISHED else "100 0 0 10 -1"
    ends = _ends(socket, (socket.local_ip, socket.local_port), (socket.remote_ip, socket.remote_port))
    timer = 1 if state == TCP_SYN_SENT else 0
    inode = 0 if socket.is_closed else socket.ino
    return (
        f"{ends} {state:02X} {sent:08X}:{received:08X} {timer:02X}:{0:08X} {0:08X} {socket.uid:5d} {0:8d} {inode} "
        f"{2 if state == TCP_SYN_SENT else 1} {_POINTER} {rest}"
    )


def _ends(owner: InetSocket | TimeWait, local: tuple[bytes, int], remote: tuple[bytes, int]) -> str:
    return " ".join(f"{_hex(owner.family, ip)}:{port:04X}" for ip, port in (local, remote))


def _hex(family: int, ip: bytes) -> str:
    """Words as a little-endian machine reads them."""
    if family == AF_INET6:
        ip = pack(AF_INET6, ip if ip != bytes(4) else ANY6, 0)[8:24]
    return "".join(f"{int.from_bytes(ip[i : i + 4], 'little'):08X}" for i in range(0, len(ip), 4))


def udp(network: Network) -> Iterator[bytes]:
    """net/udp."""
    header = f"   sl  local_address rem_address   {_COLUMNS} ref pointer drops"
    yield _padded(header, _UDP_WIDTH)
    for line in _udp_lines(network, AF_INET):
        yield _padded(line, _UDP_WIDTH)


def udp6(network: Network) -> Iterator[bytes]:
    """net/udp6."""
    yield f"  sl  {_WIDE}{_COLUMNS} ref pointer drops\n".encode()
    for line in _udp_lines(network, AF_INET6):
        yield f"{line}\n".encode()


def _udp_lines(network: Network, family: int) -> Iterator[str]:
    inet = network.inet
    for port in sorted(inet.udp_sockets):
        for socket in inet.udp_sockets[port]:
            if socket.family == family:
                ends = _ends(socket, (socket.local_ip, socket.local_port), (socket.remote_ip, socket.remote_port))
                yield (
                    f"{port & 0xFFF:5d}: {ends} {socket.state:02X} {0:08X}:{socket.used_bytes:08X} 00:{0:08X} {0:08X} "
                    f"{socket.uid:5d} {0:8d} {socket.ino} 2 {_POINTER} {socket.n_lost}"
                )


def unix(network: Network) -> Iterator[bytes]:
    """net/unix."""
    yield b"Num       RefCount Protocol Flags    Type St Inode Path\n"
    for socket in list(network.unix.everybody.values()):
        flags = _ACCEPTS if socket.state == TCP_LISTEN else 0
        state = _CONNECTED if socket.state == TCP_ESTABLISHED else _UNCONNECTED
        n_references = 2 + (socket.peer is not None)
        line = f"{_POINTER}: {n_references:08X} 00000000 {flags:08X} {socket.kind:04X} {state:02X} {socket.ino:5d}"
        path = b""
        if socket.address:
            path = b" " + (socket.address.replace(b"\0", b"@") if socket.address[:1] == b"\0" else socket.address[:-1])
        yield line.encode() + path + b"\n"


def netlink(network: Network) -> Iterator[bytes]:
    """net/netlink."""
    yield b"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
    for protocol in (0, 4, 15, 16):
        yield f"{_POINTER} {protocol:<3d} {0:<10d} {0:08x} {0:<8d} {0:<8d} 0     2        0        {0:<8d}\n".encode()
    for socket in network.netlink_sockets:
        yield (
            f"{_POINTER} {socket.protocol:<3d} {socket.port_id:<10d} {socket.groups & 0xFFFFFFFF:08x} {0:<8d} {0:<8d} "
            f"0     2        0        {socket.ino:<8d}\n"
        ).encode()


def sockstat(network: Network) -> Iterator[bytes]:
    """net/sockstat."""
    inet = network.inet
    n_tcp = sum(socket.family == AF_INET for socket in inet.connections.values())
    n_tcp += sum(len(listeners) for listeners in inet.listeners.values())
    n_udp = sum(socket.family == AF_INET for sockets in inet.udp_sockets.values() for socket in sockets)
    n_used = n_tcp + n_udp + len(network.unix.everybody) + len(network.netlink_sockets)
    orphans = sum(socket.is_closed for socket in inet.connections.values())
    yield (
        f"sockets: used {n_used}\nTCP: inuse {n_tcp} orphan {orphans} tw {len(inet.time_waits)} alloc {n_tcp} mem 0\n"
        f"UDP: inuse {n_udp} mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n"
    ).encode()


def sockstat6(network: Network) -> Iterator[bytes]:
    """net/sockstat6."""
    inet = network.inet
    n_tcp = sum(socket.family == AF_INET6 for socket in inet.connections.values())
    n_udp = sum(socket.family == AF_INET6 for sockets in inet.udp_sockets.values() for socket in sockets)
    yield (
        f"TCP6: inuse {n_tcp}\nUDP6: inuse {n_udp}\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n"
    ).encode()


def igmp(network: Network) -> Iterator[bytes]:
    """net/igmp: the loopback is always in the group of all hosts."""
    groups = {bytes((224, 0, 0, 1)): 1}
    for sockets in network.inet.udp_sockets.values():
        for socket in sockets:
            for group in socket.groups:
                if len(group) == 4:  # noqa: PLR2004
                    groups[group] = groups.get(group, 0) + 1
    yield b"Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
    yield f"1\tlo        : {len(groups):5d}      V3\n".encode()
    for group, n_users in groups.items():
        yield f"\t\t\t\t{int.from_bytes(group, 'little'):08X} {n_users:5d} 0:00000000\t\t0\n".encode()


_DEVICE = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
    "compressed\n"
    "    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0"
    "          0\n"
)
_ROUTE6 = (
    ("0", "00", "ffffffff", "00000001", "00000000", "00200200"),
    ("1", "80", "00000000", "00000002", "00000000", "80200001"),
    ("0", "00", "ffffffff", "00000001", "00000000", "00200200"),
)


def dev(_network: Network) -> Iterator[bytes]:
    """net/dev. Deviation: packets are not counted, as there are none."""
    yield _DEVICE.encode()


def if_inet6(_network: Network) -> Iterator[bytes]:
    """net/if_inet6."""
    yield b"00000000000000000000000000000001 01 80 10 80       lo\n"


def route(_network: Network) -> Iterator[bytes]:
    """net/route: no way leads out."""
    yield _padded("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT", 127)


def ipv6_route(_network: Network) -> Iterator[bytes]:
    """net/ipv6_route."""
    none = "0" * 32
    for last, length, metric, references, use, flags in _ROUTE6:
        yield f"{last:>032} {length} {none} 00 {none} {metric} {references} {use} {flags}       lo\n".encode()


def arp(_network: Network) -> Iterator[bytes]:
    """net/arp."""
    yield b"IP address       HW type     Flags       HW address            Mask     Device\n"


def raw(_network: Network) -> Iterator[bytes]:
    """net/raw, net/udplite: nobody."""
    yield _padded(f"  sl  local_address rem_address   {_COLUMNS} ref pointer drops", _UDP_WIDTH)


def raw6(_network: Network) -> Iterator[bytes]:
    """net/raw6, net/udplite6: nobody."""
    yield f"  sl  {_WIDE}{_COLUMNS} ref pointer drops\n".encode()


def packet(_network: Network) -> Iterator[bytes]:
    """net/packet: nobody."""
    yield b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"


def dev_mcast(_network: Network) -> Iterator[bytes]:
    """net/dev_mcast: nothing."""
    yield b""


FILES: dict[bytes, Callable[[Network], Iterator[bytes]]] = {
    b"arp": arp, b"dev": dev, b"dev_mcast": dev_mcast, b"if_inet6": if_inet6, b"igmp": igmp, b"ipv6_route": ipv6_route,
    b"netlink": netlink, b"packet": packet, b"raw": raw, b"raw6": raw6, b"route": route, b"sockstat": sockstat,
    b"sockstat6": sockstat6, b"tcp": tcp, b"tcp6": tcp6, b"udp": udp, b"udp6": udp6, b"udplite": raw, b"udplite6": raw6,
    b"unix": unix,
}  # fmt: skip
