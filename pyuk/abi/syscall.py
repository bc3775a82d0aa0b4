"""A system call is declared once, by the signature of its handler.

    @syscall("read")
    def sys_read(task: Task, fd: FdArg, buf: Annotated[UserAddr, Buffer(OUT, "return")], count: SizeArg) -> int:

The conversion of registers, the trace text, docs/syscalls.md and the bad-pointer sweep come from the annotations. These
are words of `pyuk.abi.declare`, `kinds` and `structs` and stay strings until somebody asks what they mean, as a tracer
does: a plain run never imports the vocabulary. All that it wants to know is the C type of each argument, and
`make docs` has written that beside the call's number (pyuk/syscalls/index.py).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from pyuk.abi.kinds import Kind

    Handler = TypeVar("Handler", bound=Callable[..., int])
    Entry = Callable[[Any, Any], int]


class Declaration:
    """One system call: who it is, who handles it, and what its arguments are."""

    __slots__ = ("_kinds", "handler", "name", "note")

    def __init__(self, name: str, handler: Callable[..., int], note: str) -> None:
        self.name = name
        self.handler = handler
        self.note = note
        """What of the call is not there, in a few words; empty when all of it is."""
        self._kinds: tuple[tuple[tuple[str, Kind], ...], Kind] | None = None

    @property
    def number(self) -> int:
        """What the guest puts into RAX."""
        from pyuk.abi.numbers import NUMBERS  # noqa: PLC0415

        return NUMBERS[self.name]

    @property
    def groups(self) -> str:
        """The letters of its strace groups, see `numbers.GROUPS`."""
        from pyuk.abi.numbers import groups_of  # noqa: PLC0415

        return groups_of(self.number)

    @property
    def names(self) -> tuple[str, ...]:
        """The arguments' names, in register order."""
        code = self.handler.__code__
        return code.co_varnames[1 : code.co_argcount]

    @property
    def params(self) -> tuple[tuple[str, Kind], ...]:
        """(name, kind) of each argument, in register order."""
        return self._evaluated()[0]

    @property
    def result(self) -> Kind:
        """The kind of the return value."""
        return self._evaluated()[1]

    @property
    def shape(self) -> str:
        """One letter an argument, saying its C type: i int, u uint, l long, U ulong."""
        return "".join(_LETTERS[kind.ctype] for _name, kind in self.params)

    def _evaluated(self) -> tuple[tuple[tuple[str, Kind], ...], Kind]:
        if self._kinds is None:
            from pyuk.abi import declare, kinds, structs  # noqa: PLC0415  # 80 KB that only say what calls mean

            words = {**vars(structs), **vars(kinds), **vars(declare)}
            params = tuple((name, self._evaluate(name, words)) for name in self.names)
            result = self.handler.__annotations__["return"]
            plain = result in ("int", "NoReturn")
            self._kinds = (params, kinds.Number("long") if plain else self._evaluate("return", words))
        return self._kinds

    def _evaluate(self, name: str, words: dict[str, Any]) -> Kind:
        """The kind that an annotation names: a word, or one of the handler's own module."""
        kind: Kind = eval(self.handler.__annotations__[name], self.handler.__globals__, words)  # noqa: S307
        if not hasattr(kind, "ctype"):
            raise TypeError(f"{self.handler.__qualname__}: the annotation of {name} names no kind")
        return kind


DECLARED: dict[str, Declaration] = {}
"""By name, as far as modules with declarations have been imported."""

SYSCALLS: dict[int, Declaration] = {}
"""By number, as far as they have been asked for by `find`."""


def syscall(name: str, *, note: str = "") -> Callable[[Handler], Handler]:
    """Declare the decorated function as the handler of this call; it stays the plain function it was."""

    def declare(handler: Handler) -> Handler:
        DECLARED[name] = Declaration(name, handler, note)
        return handler

    return declare


def look_up(number: int) -> tuple[str, str, str] | None:  # noqa: ARG001
    """Name, shape and module of a call. pyuk.syscalls puts its own in this place."""
    return None


def find(number: int) -> Declaration | None:
    """The declaration of a call, or None where it has none."""
    found = SYSCALLS.get(number)
    if found is None:
        row = look_up(number)
        if row is not None:
            name, _shape, module = row
            __import__(module)
            found = SYSCALLS[number] = DECLARED[name]
    return found


def find_entry(number: int) -> Entry | None:
    """The function from (task, registers) to the result of a call, or None where it is not declared."""
    declaration = find(number)
    row = look_up(number)
    return None if declaration is None or row is None else compile_entry(declaration.handler, row[1])


_LETTERS = {"int": "i", "uint": "u", "long": "l", "ulong": "U"}
_REGISTERS = (7, 6, 2, 10, 8, 9)  # rdi, rsi, rdx, r10, r8, r9 in the trap frame: SysV ABI, kernel's variant
_READ = {
    "i": "(regs[{}] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000",
    "u": "regs[{}] & 0xFFFFFFFF",
    "l": "(regs[{}] ^ 1 << 63) - (1 << 63)",
    "U": "regs[{}]",
}
# The first three are what the smallest program needs, compiled ahead: `eval` costs 50 us a shape.
_entry_makers: dict[str, Callable[[Callable[..., int]], Entry]] = {
    "": lambda handler: lambda task, _regs: handler(task),
    "i": lambda handler: lambda task, regs: handler(task, (regs[7] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000),
    "iUU": lambda handler: (
        lambda task, regs: handler(task, (regs[7] & 0xFFFFFFFF ^ 0x80000000) - 0x80000000, regs[6], regs[2])
    ),
}


def compile_entry(handler: Callable[..., int], shape: str) -> Entry:
    """The function from (task, registers) to the handler's result: no layer between.

    The registers are a memoryview of format "Q" in the order of the trap frame. Calls of one shape share a compilation.
    """
    make = _entry_makers.get(shape)
    if make is None:
        make = _entry_makers[shape] = make_entry_maker(shape)
    return make(handler)


def make_entry_maker(shape: str) -> Callable[[Callable[..., int]], Entry]:
    """Compile the function from a handler to its entry for calls of one shape."""
    arguments = "".join(f", {_READ[letter].format(_REGISTERS[i])}" for i, letter in enumerate(shape))
    maker: Callable[[Callable[..., int]], Entry] = eval(f"lambda handler: lambda task, regs: handler(task{arguments})")  # noqa: S307
    return maker
