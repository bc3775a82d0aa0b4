"""epoll against the host's: the same random changes to the same files, told in the same order."""

from __future__ import annotations

import errno
import itertools
import os
import select
import socket
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyuk.abi.epoll import EPOLLET, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLPRI, EPOLLRDNORM
from pyuk.abi.errno import SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.fs.epoll import Epoll
from pyuk.fs.eventfd import EventFd
from pyuk.fs.file import FdTable
from pyuk.fs.pipe import new_pipe
from tests.net.alone import new_pair

EVENTS = st.sampled_from([0, EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLPRI, EPOLLIN | EPOLLRDNORM])
HOW = st.sampled_from([0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT])
EVENTFDS, N_FILES = (4, 5), 8
FILE = st.integers(0, N_FILES + 1)
N_BYTES = st.sampled_from([1, 100, 4096, 70000])
STEP = (
    st.tuples(st.sampled_from(["add", "change"]), st.integers(0, 1), FILE, EVENTS, HOW)
    | st.tuples(st.just("remove"), st.integers(0, 1), FILE, st.just(0), st.just(0))
    | st.tuples(st.sampled_from(["write", "read"]), st.just(0), FILE, N_BYTES, st.just(0))
    | st.tuples(st.sampled_from(["dup", "close"]), st.just(0), FILE, st.just(0), st.just(0))
    | st.tuples(st.just("wait"), st.integers(0, 1), st.integers(1, 9), st.just(0), st.just(0))
)


def is_small(which: int) -> bool:
    """An eventfd, or another descriptor that may be one: 8 bytes are moved."""
    return which in EVENTFDS or which >= N_FILES


class Host:
    """Two pipes, two eventfds, a pair of sockets, and two epolls to watch them, on the host."""

    def __init__(self) -> None:
        self.epolls = [select.epoll(), select.epoll()]
        fds = [*os.pipe2(os.O_NONBLOCK), *os.pipe2(os.O_NONBLOCK)]
        fds += [os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(3, os.EFD_NONBLOCK | os.EFD_SEMAPHORE)]
        for end in socket.socketpair():
            end.settimeout(0)
            fds.append(end.detach())
        self.fds: list[int | None] = [*fds, None, None]

    def do(self, name: str, epoll: int, which: int, number: int, how: int) -> Any:
        """One step: its result, or the error's name."""
        try:
            return getattr(self, name)(epoll, which, number, how)
        except OSError as error:
            return errno.errorcode[error.errno or 0]

    def add(self, epoll: int, which: int, number: int, how: int) -> None:
        self.epolls[epoll].register(self.fd(which), number | how)

    def change(self, epoll: int, which: int, number: int, how: int) -> None:
        self.epolls[epoll].modify(self.fd(which), number | how)

    def remove(self, epoll: int, which: int, _number: int, _how: int) -> None:
        self.epolls[epoll].unregister(self.fd(which))

    def write(self, _epoll: int, which: int, number: int, _how: int) -> int:
        return os.write(self.fd(which), (1).to_bytes(8, "little") if is_small(which) else bytes(number))

    def read(self, _epoll: int, which: int, number: int, _how: int) -> int:
        return len(os.read(self.fd(which), 8 if is_small(which) else number))

    def dup(self, _epoll: int, which: int, _number: int, _how: int) -> None:
        """To the last two places, which is to the numbers behind all others."""
        place, fd = N_FILES + which % 2, self.fd(which)
        if self.fds[place] is None:
            self.fds[place] = os.dup(fd)

    def close(self, _epoll: int, which: int, _number: int, _how: int) -> None:
        fd, self.fds[which] = self.fd(which), None
        os.close(fd)

    def wait(self, epoll: int, which: int, _number: int, _how: int) -> list[tuple[int, int]]:
        return [(self.fds.index(fd), events) for fd, events in self.epolls[epoll].poll(0, which) if fd in self.fds]

    def fd(self, which: int) -> int:
        fd = self.fds[which]
        if fd is None:
            raise OSError(errno.EBADF, "")
        return fd

    def end(self) -> None:
        for fd in self.fds:
            if fd is not None:
                os.close(fd)
        for epoll in self.epolls:
            epoll.close()


class Ours:
    """The same here. Descriptors are the places in the list."""

    def __init__(self) -> None:
        self.table = FdTable()
        self.epolls = [Epoll(), Epoll()]
        files = [*new_pipe(O_NONBLOCK), *new_pipe(O_NONBLOCK)]
        files += [EventFd(0, O_NONBLOCK, is_semaphore=False), EventFd(3, O_NONBLOCK, is_semaphore=True)]  # type: ignore[list-item]
        files += new_pair(O_NONBLOCK)  # type: ignore[arg-type]
        for file in files:
            self.table.install(file)

    def do(self, name: str, epoll: int, which: int, number: int, how: int) -> Any:
        try:
            return getattr(self, name)(epoll, which, number, how)
        except SyscallError as error:
            return errno.errorcode[error.errno]

    def add(self, epoll: int, which: int, number: int, how: int) -> None:
        self.epolls[epoll].add(self.table.get(which), which, number | how, which)

    def change(self, epoll: int, which: int, number: int, how: int) -> None:
        self.epolls[epoll].modify(self.table.get(which), which, number | how, which)

    def remove(self, epoll: int, which: int, _number: int, _how: int) -> None:
        self.epolls[epoll].remove(self.table.get(which), which)

    def write(self, _epoll: int, which: int, number: int, _how: int) -> int:
        file = self.table.get(which)
        if not file.writable:
            raise SyscallError(errno.EBADF)
        return file.write([memoryview((1).to_bytes(8, "little") if is_small(which) else bytes(number))])

    def read(self, _epoll: int, which: int, number: int, _how: int) -> int:
        file = self.table.get(which)
        if not file.readable:
            raise SyscallError(errno.EBADF)
        return file.read([memoryview(bytearray(8 if is_small(which) else number))])

    def dup(self, _epoll: int, which: int, _number: int, _how: int) -> None:
        file = self.table.get(which)
        if not self.table.is_open(N_FILES + which % 2):
            self.table.replace(N_FILES + which % 2, file.hold())

    def close(self, _epoll: int, which: int, _number: int, _how: int) -> None:
        self.table.close(which)

    def wait(self, epoll: int, which: int, _number: int, _how: int) -> list[tuple[int, int]]:
        taken = self.epolls[epoll].take(which)
        self.epolls[epoll].settle(taken, len(taken))
        return [(item.fd, events) for item, events in taken if self.table.is_open(item.fd)]


@pytest.mark.skipif(sys.platform != "linux", reason="the oracle is Linux")
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.booleans(), st.lists(STEP, max_size=80))
def test_tells_what_the_host_tells(nested: bool, steps: list[tuple[str, int, int, int, int]]) -> None:  # noqa: FBT001
    """Results, errors, events and their order, also where one epoll watches the other."""
    host, ours = Host(), Ours()
    outer = Epoll()
    host_outer = select.epoll()
    try:
        if nested:
            host_outer.register(host.epolls[0].fileno(), select.EPOLLIN)
            outer.add(ours.epolls[0], 50, EPOLLIN, 50)
        for step in steps:
            wanted, found = host.do(*step), ours.do(*step)
            assert found == wanted, step
            wanted_outer = [events for _fd, events in host_outer.poll(0)]
            taken = outer.take(9)
            outer.settle(taken, len(taken))
            assert [events for _item, events in taken] == wanted_outer, step
            _check(ours)
    finally:
        host.end()
        host_outer.close()


def _check(ours: Ours) -> None:
    """No item is forgotten or left behind."""
    for epoll in ours.epolls:
        assert set(epoll.ready) <= set(epoll.items.values())
        for (file, fd), item in epoll.items.items():
            assert (item.file, item.fd) == (file, fd)
            assert file.refs > 0
            assert item in (file.epoll_items or ())


def test_a_ring_is_refused_at_any_length() -> None:
    """ELOOP, and the tower stands as it did."""
    tower = [Epoll() for _ in range(4)]
    for lower, upper in itertools.pairwise(tower):
        upper.add(lower, 9, EPOLLIN, 0)
    for upper in tower[1:]:
        with pytest.raises(SyscallError) as refused:
            tower[0].add(upper, 9, EPOLLIN, 0)
        assert refused.value.errno == errno.ELOOP
    assert not tower[0].items
