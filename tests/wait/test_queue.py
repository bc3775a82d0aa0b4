"""Who is told of a change, in which order, and when the host's descriptors are one."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from pyuk.abi.poll import POLLIN, POLLOUT
from pyuk.wait import host
from pyuk.wait.queue import WaitQueue


class Listener:
    """Writes its name into a log when it is woken; `takes` is its answer."""

    def __init__(
        self, name: str, log: list[str], *, in_line: bool = True, exclusive: bool = False, takes: bool = True,
        events: int = 0,
    ) -> None:  # fmt: skip
        self.name = name
        self.log = log
        self.in_line = in_line
        self.exclusive = exclusive
        self.takes = takes
        self.events = events
        self.told = 0

    def wake(self, events: int) -> bool:
        self.log.append(self.name)
        self.told = events
        return self.takes


def test_those_in_line_are_told_in_their_turn() -> None:
    """The others before them, the last to come first."""
    log: list[str] = []
    queue = WaitQueue()
    for name, in_line in ("a", True), ("b", False), ("c", True), ("d", False):
        queue.add(Listener(name, log, in_line=in_line))
    queue.wake()
    assert log == ["d", "b", "a", "c"]


def test_one_exclusive_waiter_is_enough() -> None:
    """One that has no use for it does not count, and the others are told all the same."""
    log: list[str] = []
    queue = WaitQueue()
    queue.add(Listener("a", log, exclusive=True, takes=False))
    queue.add(Listener("b", log, exclusive=True))
    queue.add(Listener("c", log, exclusive=True))
    queue.add(Listener("d", log))
    queue.wake(POLLIN)
    assert log == ["a", "b", "d"]


def test_wake_one_goes_on_to_who_takes_it() -> None:
    """And no further."""
    log: list[str] = []
    queue = WaitQueue()
    for name, takes in ("a", False), ("b", True), ("c", True):
        queue.add(Listener(name, log, takes=takes))
    queue.wake_one()
    assert log == ["a", "b"]


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe of the host's."""
    ends = os.pipe()
    yield ends
    for fd in ends:
        host.forget(fd)
        os.close(fd)


def test_a_waiter_may_stay(pipe: tuple[int, int]) -> None:
    """Each change is told once, also while nobody reads; what is ready at the beginning is one."""
    log: list[str] = []
    reader, writer = pipe
    os.write(writer, b"x")
    queue = host.queue_of(reader)
    queue.add(Listener("a", log, events=POLLIN))
    host.look()
    host.look()
    assert log == ["a"]
    os.write(writer, b"x")
    host.wait(None)
    host.look()
    assert log == ["a", "a"]


def test_nobody_is_told_what_nobody_asked(pipe: tuple[int, int]) -> None:
    """Bytes are no news for who waits for room."""
    log: list[str] = []
    queue = host.queue_of(pipe[0])
    queue.add(Listener("a", log, events=POLLOUT))
    os.write(pipe[1], b"x")
    host.look()
    assert log == []
    assert host.queue_of(pipe[0]) is queue
    assert host.is_awaited()


def test_who_comes_back_is_told_again(pipe: tuple[int, int]) -> None:
    """The host looks anew when the first waiter comes."""
    log: list[str] = []
    reader, writer = pipe
    os.write(writer, b"x")
    queue, listener = host.queue_of(reader), Listener("a", log, events=POLLIN)
    for n_told in 1, 2, 3:
        queue.add(listener)
        host.look()
        queue.remove(listener)
        host.look()
        assert len(log) == n_told
    assert not host.is_awaited()


def test_a_number_may_become_another_file(pipe: tuple[int, int]) -> None:
    """A descriptor that was closed behind our back, and made anew, is watched as what it is now."""
    log: list[str] = []
    listener = Listener("a", log, events=POLLIN)
    other = os.pipe()
    queue = host.queue_of(other[0])
    queue.add(listener)
    queue.remove(listener)
    os.close(other[0])
    os.close(other[1])
    assert os.dup2(pipe[0], other[0]) == other[0]
    os.write(pipe[1], b"x")
    queue.add(listener)
    host.look()
    assert log == ["a"]
    assert listener.told & POLLIN
    host.forget(other[0])
    os.close(other[0])


def test_writers_and_readers_of_one_descriptor() -> None:
    """Both are asked for when both wait."""
    log: list[str] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        queue = host.queue_of(ours.fileno())
        queue.add(Listener("reader", log, events=POLLIN))
        host.look()
        assert log == []
        queue.add(Listener("writer", log, events=POLLOUT))
        host.look()
        assert "writer" in log
        host.forget(ours.fileno())
