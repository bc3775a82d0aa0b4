"""Pipes against the host's, and their ends."""

from __future__ import annotations

import fcntl
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyuk.abi.errno import EPIPE, SyscallError
from pyuk.abi.fcntl import F_SETPIPE_SZ, O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY
from pyuk.abi.ioctls import FIONREAD
from pyuk.fs.pipe import CAPACITY_BYTES, PAGE_BYTES, PipeEnd, new_pipe
from pyuk.wait.host import ready_events
from pyuk.wait.park import WouldBlock

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = st.integers(0, 20) | st.integers(0, 2 * CAPACITY_BYTES) | st.sampled_from([PAGE_BYTES, PAGE_BYTES + 1])
WRITES = st.tuples(st.just("write"), st.lists(SIZES, min_size=1, max_size=3))
READS = st.tuples(st.just("read"), st.lists(SIZES, min_size=1, max_size=3))
SMALL = st.tuples(st.sampled_from(["write", "read"]), st.lists(st.integers(1, 3000), min_size=1, max_size=2))
RESIZES = st.tuples(st.just("resize"), st.lists(st.integers(0, 4 * CAPACITY_BYTES), min_size=1, max_size=1))


@pytest.mark.skipif(sys.platform != "linux", reason="the oracle is Linux")
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.booleans(), st.lists(WRITES | READS | SMALL | RESIZES, max_size=60))
def test_does_what_the_hosts_pipe_does(as_packets: bool, operations: list[tuple[str, list[int]]]) -> None:  # noqa: FBT001
    """The same bytes, counts, EAGAINs, sizes and poll events, for any sequence of writes, reads and F_SETPIPE_SZ."""
    direct = os.O_DIRECT if as_packets else 0
    host = os.pipe2(os.O_NONBLOCK | direct)
    reader, writer = new_pipe(O_NONBLOCK | (O_DIRECT if as_packets else 0))
    number = 0
    try:
        for operation, sizes in operations:
            if operation == "write":
                pieces = []
                for size in sizes:
                    pieces.append(bytes((number + i) % 251 for i in range(size)))
                    number += size
                wanted: object = _host(partial(os.writev, host[1], pieces))
                found: object = _ours(partial(writer.write, [memoryview(piece) for piece in pieces]))
            elif operation == "read":
                into, ours = ([bytearray(size) for size in sizes] for _ in range(2))
                wanted = _host(partial(os.readv, host[0], into)), into
                found = _ours(partial(_read, reader, ours)), ours
            else:
                wanted = _host(partial(fcntl.fcntl, host[0], F_SETPIPE_SZ, sizes[0]))
                found = _ours(partial(reader.set_pipe_bytes, sizes[0], is_privileged=True))
            assert found == wanted, operation
            inside = int.from_bytes(fcntl.ioctl(host[0], FIONREAD, bytes(4)), "little")
            assert int.from_bytes(reader.control(FIONREAD, bytes(4)), "little") == inside
            assert [reader.poll(), writer.poll()] == [ready_events(fd) for fd in host]
            reader.pipe.check_invariants()
    finally:
        for fd in host:
            os.close(fd)


def _host(step: Callable[[], int]) -> int:
    try:
        return step()
    except OSError as error:
        return -(error.errno or 0)


def _ours(step: Callable[[], int]) -> int:
    try:
        return step()
    except SyscallError as error:
        return -error.errno


def _read(reader: PipeEnd, buffers: list[bytearray]) -> int:
    """As a handler does: a read of nothing asks nobody."""
    return reader.read([memoryview(buffer) for buffer in buffers]) if any(buffers) else 0


def test_the_ends_know_of_each_other() -> None:
    """No writer: end of file. No reader: EPIPE. Another description of an end keeps it alive."""
    reader, writer = new_pipe(0)
    room = [memoryview(bytearray(10))]
    with pytest.raises(WouldBlock):
        reader.read(room)
    second = writer.reopen(O_WRONLY)
    writer.release()
    with pytest.raises(WouldBlock):
        reader.read(room)
    assert second.write([memoryview(b"abc")]) == 3
    second.release()
    assert reader.read(room) == 3
    assert reader.read(room) == 0
    late = reader.reopen(O_WRONLY)
    other = reader.reopen(O_RDONLY)
    reader.release()
    assert late.write([memoryview(b"x")]) == 1
    other.release()
    with pytest.raises(SyscallError) as refused:
        late.write([memoryview(b"x")])
    assert refused.value.errno == EPIPE


def test_a_full_pipe_blocks() -> None:
    """What a blocking end cannot do now waits, with nothing done; a page that is partly read is not free."""
    reader, writer = new_pipe(0)
    assert writer.write([memoryview(bytes(CAPACITY_BYTES - 100))]) == CAPACITY_BYTES - 100
    assert writer.write([memoryview(bytes(60))]) == 60
    with pytest.raises(WouldBlock):
        writer.write([memoryview(bytes(41))])
    assert writer.write([memoryview(bytes(40))]) == 40
    assert reader.pipe.used == CAPACITY_BYTES
    assert reader.read([memoryview(bytearray(PAGE_BYTES - 1))]) == PAGE_BYTES - 1
    with pytest.raises(WouldBlock):
        writer.write([memoryview(b"x")])
    assert reader.read([memoryview(bytearray(1))]) == 1
    assert writer.write([memoryview(bytes(PAGE_BYTES + 1))]) == PAGE_BYTES
