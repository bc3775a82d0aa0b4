"""No argument, no memory and no result of a guest can make the tracer fail, or write anything but one line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.abi.numbers import NUMBERS
from pyuk.abi.syscall import SYSCALLS
from pyuk.syscalls import load_all
from pyuk.trace.strace import Tracer
from tests.trace.fakes import FakeTask, ListSink

load_all()

_REGION = 0x10000
_registers = st.one_of(
    st.integers(0, 20),
    st.integers(_REGION, _REGION + 600),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([(1 << 64) - 1, 1 << 63, (1 << 32) - 1, 0x7FFFFFFFF000, (1 << 64) - 8, 0xFFFFFF9C]),
)


@pytest.mark.parametrize("number", sorted(NUMBERS.values()))
@settings(max_examples=12, deadline=None)
@given(
    st.tuples(*[_registers] * 6),
    st.one_of(st.integers(-4200, 600), st.integers(-(1 << 63), (1 << 63) - 1)),
    st.binary(max_size=600),
)
def test_any_call_is_one_line(number: int, args: tuple[int, ...], result: int, memory: bytes) -> None:
    """Whatever stands in the registers and behind them, a call is one line of printable ASCII."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask({_REGION: memory})
    tracer.enter(task, SYSCALLS.get(number), number, args)
    tracer.leave(task, SYSCALLS.get(number), number, args, result)
    text = sink.text
    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert text[:-1].isascii()
    assert text[:-1].isprintable()
    assert ") " in text
    assert "= " in text[36:]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, (1 << 32) - 1), st.tuples(*[_registers] * 6))
def test_any_number_is_one_line(number: int, args: tuple[int, ...]) -> None:
    """So is a call that Linux does not have."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask()
    tracer.enter(task, None, number, args)
    tracer.leave(task, None, number, args, -38)
    assert sink.text.count("\n") == 1
