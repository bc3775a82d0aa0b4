"""AF_UNIX pairs against the host's: the same random calls on both give the same results, errors and bytes."""

from __future__ import annotations

import array
import errno
import fcntl
import socket
import termios
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyuk.abi.errno import SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.ioctls import FIONREAD
from pyuk.abi.socket import SO_PEEK_OFF, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, SOL_SOCKET
from pyuk.net.message import Incoming
from tests.net.alone import new_pair

END = st.integers(0, 1)
SIZE = st.sampled_from([0, 1, 5, 100, 700])
FLAGS = st.sampled_from(
    [0, 0, socket.MSG_PEEK, socket.MSG_TRUNC, socket.MSG_PEEK | socket.MSG_TRUNC, socket.MSG_WAITALL]
)
STEP = (
    st.tuples(st.just("send"), END, SIZE.filter(bool), st.just(0))  # 6.18 takes an unread empty message for none
    | st.tuples(st.just("receive"), END, SIZE, FLAGS)
    | st.tuples(st.just("shutdown"), END, st.integers(-1, 3), st.just(0))
    | st.tuples(st.sampled_from(["waiting", "error", "close"]), END, st.just(0), st.just(0))
    | st.tuples(st.just("peek offset"), END, st.sampled_from([-1, 0, 3, 200]), st.just(0))
)


class Host:
    """The host's pair."""

    def __init__(self, kind: int) -> None:
        self.ends = list(socket.socketpair(socket.AF_UNIX, kind))
        for end in self.ends:
            end.setblocking(False)  # noqa: FBT003  # it is the only argument

    def do(self, name: str, end: int, number: int, flags: int, data: bytes) -> Any:
        it = self.ends[end]
        if it.fileno() < 0:
            return None if name == "close" else "EBADF"
        try:
            if name == "send":
                return it.send(data[:number], socket.MSG_NOSIGNAL)
            if name == "receive":
                room = bytearray(number)
                n, _control, told, _name = it.recvmsg_into([room], 0, flags)
                return n, bytes(room), told & socket.MSG_TRUNC
            if name == "shutdown":
                it.shutdown(number)
            elif name == "waiting":
                count = array.array("i", [0])
                fcntl.ioctl(it, termios.FIONREAD, count)
                return count[0]
            elif name == "error":
                return it.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            elif name == "peek offset":
                it.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, number)
            else:
                it.close()
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        return None

    def close(self) -> None:
        for end in self.ends:
            end.close()


class Ours:
    """pyuk's."""

    def __init__(self, kind: int) -> None:
        self.ends = list(new_pair(O_NONBLOCK, kind))
        self.closed: set[int] = set()

    def do(self, name: str, end: int, number: int, flags: int, data: bytes) -> Any:
        it = self.ends[end]
        if end in self.closed:
            return None if name == "close" else "EBADF"
        try:
            if name == "send":
                it.await_room(number)
                return it.send([memoryview(data[:number])] if number else [], 0, O_NONBLOCK)
            if name == "receive":
                room, extra = bytearray(number), Incoming()
                n = it.receive([memoryview(room)], flags, O_NONBLOCK, extra)
                return n, bytes(room), extra.flags & socket.MSG_TRUNC
            if name == "shutdown":
                it.shutdown(number)
            elif name == "waiting":
                return int.from_bytes(it.control(FIONREAD, b""), "little")
            elif name == "error":
                return it.take_error()
            elif name == "peek offset":
                it.set_option(SOL_SOCKET, SO_PEEK_OFF, 4, lambda _n: number.to_bytes(4, "little", signed=True))
            else:
                self.closed.add(end)
                it.release()
        except SyscallError as error:
            return errno.errorcode[error.errno]
        return None


@pytest.mark.parametrize("kind", [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEP, max_size=25))
def test_the_same_calls_do_the_same(kind: int, steps: list[tuple[str, int, int, int]]) -> None:
    """Result, errno and bytes of each call; small messages, so that no buffer is ever full."""
    host, ours = Host(kind), Ours(kind)
    try:
        for index, (name, end, number, flags) in enumerate(steps):
            data = bytes((index + i) & 0xFF for i in range(max(number, 0)))
            ours_did, host_did = (both.do(name, end, number, flags, data) for both in (ours, host))
            if (kind, ours_did, host_did) == (SOCK_DGRAM, "ENOTCONN", "EPIPE"):
                continue  # 6.18 looks for its own shutdown(2) before it looks for the peer
            assert ours_did == host_did, (index, name)
    finally:
        host.close()
