"""The calls without handlers."""

from __future__ import annotations

from pyuk.abi.numbers import NUMBERS
from pyuk.abi.syscall import SYSCALLS
from pyuk.syscalls import load_all
from pyuk.trace import others


def _names() -> list[str]:
    return [others.name_in(text) for text in others._PROTOTYPES.split("\n") if text]


def test_every_prototype_can_be_read() -> None:
    """Names of calls, kinds of arguments."""
    for name in _names():
        prototype = others.prototype_of(NUMBERS[name])
        assert prototype is not None
        assert prototype[0] == name
    assert others.prototype_of(NUMBERS["read"]) is None


def test_no_call_is_declared_twice() -> None:
    """A call that has a handler has its signature there."""
    load_all()
    names = _names()
    assert len(set(names)) == len(names)
    assert [name for name in names if NUMBERS[name] in SYSCALLS] == []
