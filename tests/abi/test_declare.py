"""Declarations: what a handler's signature becomes."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyuk.abi import syscall
from pyuk.abi.declare import (
    Annotated,
    CStringArg,
    FdArg,
    FdResult,
    IntArg,
    LongArg,
    OpenModeArg,
    SizeArg,
    UIntArg,
)
from pyuk.abi.kinds import OUT, Buffer, FdNumber, Number, Pointer, When
from pyuk.abi.syscall import SYSCALLS, Declaration, compile_entry
from pyuk.abi.types import UserAddr
from pyuk.syscalls import load_all

load_all()

_word = st.integers(0, (1 << 64) - 1)


def _every_type(
    task: object, a: IntArg, b: UIntArg, c: LongArg, d: SizeArg, e: FdArg, f: Annotated[UserAddr, Buffer(OUT, "d")]
) -> int:
    return hash((task, a, b, c, d, e, f))


def _nothing(task: object) -> FdResult:
    return int(task is None)


def _undeclared(task: object, count: int) -> int:
    return int(task is None) + count


def _as(value: int, bits: int, *, signed: bool) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if signed and value >> (bits - 1) else value


@given(st.lists(_word, min_size=17, max_size=17))
def test_registers_become_c_arguments(words: list[int]) -> None:
    """int and uint are the low 32 bits, long and ulong all 64; the order is rdi, rsi, rdx, r10, r8, r9."""
    seen: list[tuple[object, ...]] = []

    def handler(task: object, a: IntArg, b: UIntArg, c: LongArg, d: SizeArg, e: FdArg, f: CStringArg) -> int:
        seen.append((task, a, b, c, d, e, f))
        return 7

    regs = memoryview(array("Q", words))
    assert compile_entry(handler, Declaration("mmap", handler, "").shape)("task", regs) == 7
    rdi, rsi, rdx, r10, r8, r9 = (words[i] for i in (7, 6, 2, 10, 8, 9))
    assert seen == [
        (
            "task",
            _as(rdi, 32, signed=True),
            _as(rsi, 32, signed=False),
            _as(rdx, 64, signed=True),
            r10,
            _as(r8, 32, signed=True),
            r9,
        )
    ]


def test_a_call_without_arguments_gets_the_task_alone() -> None:
    """Nothing is read of the registers."""
    assert Declaration("getpid", _nothing, "").shape == ""
    assert compile_entry(_nothing, "")(None, ()) == 1


def test_calls_of_one_shape_share_one_compilation() -> None:
    """The same code object, whoever the handler is."""
    first = compile_entry(_collect, "iUl")
    second = compile_entry(_nothing, "iUl")
    assert first.__code__ is second.__code__


@pytest.mark.parametrize("shape", ["", "i", "iUU"])
@given(words=st.lists(_word, min_size=17, max_size=17))
def test_shapes_compiled_ahead_are_the_same(shape: str, words: list[int]) -> None:
    """What is written out for a fast start does what would be compiled."""
    regs = memoryview(array("Q", words))
    ahead, compiled = syscall._entry_makers[shape], syscall.make_entry_maker(shape)
    assert ahead(_collect)(0, regs) == compiled(_collect)(0, regs)


def _collect(*arguments: int) -> int:
    return hash(arguments)


def test_kinds_are_those_of_the_annotations() -> None:
    """In register order, and the result's too; an annotation without an alias is evaluated."""
    declaration = Declaration("mmap", _every_type, "")
    names, kinds = zip(*declaration.params, strict=True)
    assert names == ("a", "b", "c", "d", "e", "f")
    assert [kind.ctype for kind in kinds] == ["int", "uint", "long", "ulong", "int", "ulong"]
    assert isinstance(kinds[5], Buffer)
    assert kinds[5].direction == OUT
    assert isinstance(declaration.result, Number)
    assert isinstance(Declaration("getpid", _nothing, "").result, FdNumber)


def test_an_annotation_that_is_no_kind_is_a_bug() -> None:
    """It is said by whom."""
    with pytest.raises(TypeError, match="_undeclared: the annotation of count names no kind"):
        _ = Declaration("alarm", _undeclared, "").params


def test_an_argument_may_depend_on_another() -> None:
    """open's mode is there only with O_CREAT or O_TMPFILE."""
    kind: object = OpenModeArg
    assert isinstance(kind, When)
    assert (kind.parameter, kind.ctype) == ("flags", "uint")


def test_every_declared_pointer_is_a_pointer() -> None:
    """What the handler takes for a UserAddr has a pointer's kind or a number's, never a word of 32 bits."""
    for declaration in SYSCALLS.values():
        for name, kind in declaration.params:
            if isinstance(kind, Pointer):
                assert kind.ctype == "ulong", (declaration.name, name)


def test_every_argument_that_is_named_exists() -> None:
    """Kinds that speak of another argument name one of the call's."""
    for declaration in SYSCALLS.values():
        names = {*declaration.names, "return", None}
        for _name, kind in declaration.params:
            for attribute in ("size", "count", "length", "selector", "parameter"):
                value = getattr(kind, attribute, None)
                assert isinstance(value, int) or (value or "").removeprefix("pages:") in names | {""}, (
                    declaration.name,
                    attribute,
                )
