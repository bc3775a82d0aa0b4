"""A slow reader stops a fast writer: what is between them is bounded, in bytes and in pieces."""

from __future__ import annotations

import pytest

from pyuk.abi.errno import EAGAIN, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.poll import POLLOUT
from pyuk.abi.socket import AF_INET, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM
from pyuk.fs.context import FsContext
from pyuk.net.address import LOOPBACK4, pack
from pyuk.net.socket import Socket
from pyuk.net.tcp import TcpSocket
from pyuk.net.udp import UdpSocket
from tests.net.alone import new_network, new_pair

NO_FILES: FsContext = None  # type: ignore[assignment]  # no path is looked up


def tcp_pair() -> tuple[TcpSocket, TcpSocket]:
    """Two ends of a TCP connection, which do not wait."""
    network = new_network()
    listener, client = TcpSocket(network, AF_INET, 0), TcpSocket(network, AF_INET, O_NONBLOCK)
    listener.bind(pack(AF_INET, LOOPBACK4, 0), NO_FILES)
    listener.listen(1)
    client.connect(listener.name(), 0, NO_FILES)
    server = listener.accept(O_NONBLOCK)
    assert isinstance(server, TcpSocket)
    server.flags |= O_NONBLOCK
    return client, server


def fill(sender: Socket, data: memoryview) -> int:
    """Send until there is no room; gives how many bytes that was."""
    sent = 0
    while True:
        try:
            sent += sender.send([data], 0, O_NONBLOCK)
        except SyscallError as error:
            if error.errno != EAGAIN:
                raise
            return sent


@pytest.mark.parametrize("size", [1, 100, 5000, 70000])
def test_tcp_holds_no_more_than_its_buffers(size: int) -> None:
    """However small the pieces are, memory is bounded; what is read makes room, and nothing is lost."""
    client, server = tcp_pair()
    data = memoryview(bytes(range(256)) * (size // 256 + 1))[:size]
    sent = fill(client, data)
    assert server.n_bytes == sent == client.send_buffer_bytes + server.window
    assert len(server.inbox) <= sent // 1000 + 2
    assert not client.poll() & POLLOUT
    got = 0
    room = memoryview(bytearray(1 << 16))
    while server.n_bytes:
        got += server.receive([room], 0, O_NONBLOCK)
    assert got == sent
    assert client.poll() & POLLOUT


@pytest.mark.parametrize("kind", [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET])
def test_unix_holds_no_more_than_the_send_buffer(kind: int) -> None:
    """Each message is charged until it is read."""
    sender, receiver = new_pair(O_NONBLOCK, kind)
    piece = memoryview(bytes(1000))
    n_sent = fill(sender, piece) // 1000
    assert sender.in_flight <= sender.send_buffer_bytes + 4096
    assert n_sent < 200
    for _ in range(n_sent):
        assert receiver.receive([memoryview(bytearray(1000))], 0, O_NONBLOCK) == 1000
    assert sender.in_flight == 0


def test_udp_loses_what_does_not_fit() -> None:
    """A full receive buffer takes nothing more, and counts it."""
    network = new_network()
    sender, receiver = UdpSocket(network, AF_INET, 0), UdpSocket(network, AF_INET, O_NONBLOCK)
    receiver.bind(pack(AF_INET, LOOPBACK4, 0), NO_FILES)
    sender.connect(receiver.name(), 0, NO_FILES)
    for _ in range(1000):
        assert sender.send([memoryview(b"x")], 0, 0) == 1
    assert receiver.used_bytes <= receiver.receive_buffer_bytes + 1000
    assert receiver.n_lost == 1000 - len(receiver.inbox) > 0
