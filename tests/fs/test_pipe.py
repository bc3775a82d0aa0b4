"""Pipes against a plain string of bytes, and their ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyuk.abi.errno import EAGAIN, EPIPE, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK, O_RDONLY, O_WRONLY
from pyuk.abi.ioctls import FIONREAD
from pyuk.fs.pipe import CAPACITY_BYTES, PIPE_BUF, new_pipe
from pyuk.wait.park import WouldBlock

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = st.integers(0, 20) | st.integers(0, 2 * CAPACITY_BYTES) | st.sampled_from([PIPE_BUF, PIPE_BUF + 1])


@given(st.lists(st.tuples(st.booleans(), st.lists(SIZES, min_size=1, max_size=3)), max_size=30))
def test_bytes_come_out_as_they_went_in(operations: list[tuple[bool, list[int]]]) -> None:
    """In order, none lost; up to PIPE_BUF a write is whole or EAGAIN."""
    reader, writer = new_pipe(O_NONBLOCK)
    inside = bytearray()
    number = 0
    for is_write, sizes in operations:
        total = sum(sizes)
        if is_write:
            pieces = []
            for size in sizes:
                pieces.append(bytes((number + i) % 251 for i in range(size)))
                number += size
            whole = b"".join(pieces)
            room = CAPACITY_BYTES - len(inside)
            n = _attempt(writer.write, [memoryview(piece) for piece in pieces])
            if n is None:
                assert room < (total if total <= PIPE_BUF else 1)
                continue
            assert n == min(total, room)
            assert n == total or total > PIPE_BUF
            inside += whole[:n]
        else:
            buffers = [bytearray(size) for size in sizes]
            n = _attempt(reader.read, [memoryview(buffer) for buffer in buffers])
            if n is None:
                assert not inside
                continue
            assert b"".join(buffers)[:n] == inside[:n]
            assert n == min(total, len(inside))
            del inside[:n]
        assert int.from_bytes(reader.control(FIONREAD, bytes(4)), "little") == len(inside)


def _attempt(step: Callable[[list[memoryview]], int], slices: list[memoryview]) -> int | None:
    """The result, None for EAGAIN."""
    try:
        return step(slices)
    except SyscallError as error:
        if error.errno != EAGAIN:
            raise
        return None


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
    """What a blocking end cannot do now waits, with nothing done."""
    reader, writer = new_pipe(0)
    assert writer.write([memoryview(bytes(CAPACITY_BYTES - 100))]) == CAPACITY_BYTES - 100
    with pytest.raises(WouldBlock):
        writer.write([memoryview(bytes(101))])
    assert writer.write([memoryview(bytes(PIPE_BUF + 1))]) == 100
    assert reader.pipe.used == CAPACITY_BYTES
