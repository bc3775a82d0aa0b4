"""Faults put into system calls on purpose: an error, a result, a shorter count, a signal, at chosen calls.

The words are those of `strace -e inject=SET:error=ENOENT:when=2+` (strace(1), "Tampering").
"""

from __future__ import annotations

from pyuk.abi import errno as errnos
from pyuk.abi.errno import SyscallError
from pyuk.machine.cpu import RDX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import RegisterFile

_MAX_ERRNO = 4095
_MOST = 0xFFFF


class When:
    """Which calls of those that match: the first, the last, and the step between."""

    __slots__ = ("first", "last", "step")

    def __init__(self, first: int = 1, last: int | None = None, step: int = 1) -> None:
        self.first = first
        self.last = last
        self.step = step

    def has(self, count: int) -> bool:
        """Whether the call of this number, from 1, is one."""
        if count < self.first or (self.last is not None and count > self.last):
            return False
        return (count - self.first) % self.step == 0


def parse_when(text: str) -> When:
    """`FIRST`, `FIRST+`, `FIRST+STEP`, `FIRST..LAST`, `FIRST..LAST+STEP`. Errors: ValueError."""
    head, plus, step = text.partition("+")
    first, dots, last = head.partition("..")
    numbers = (first, last if dots else "1", step or "1")
    if not all(part.isdecimal() and 0 < int(part) <= _MOST for part in numbers):
        raise ValueError(f"invalid when expression '{text}'")
    end = int(last) if dots else None if plus else int(first)
    return When(int(first), end, int(step or "1"))


class Injection:
    """What is done to a call."""

    __slots__ = ("error", "n_bytes", "result", "signo", "when")

    def __init__(
        self, *, error: int = 0, result: int | None = None, n_bytes: int | None = None, signo: int = 0,
        when: When | None = None,
    ) -> None:  # fmt: skip
        """error, result: instead of making the call. n_bytes: the most that its third argument, a count, may be."""
        self.error = error
        self.result = result
        self.n_bytes = n_bytes
        self.signo = signo
        self.when = when or When()


def install(kernel: Kernel, numbers: Iterable[int], injection: Injection) -> None:
    """Have these calls made with the injection; those of each number are counted by themselves, as strace does."""
    for number in numbers:
        kernel.entries[number] = _tampered(kernel.entries[number], injection)


def _tampered(entry: Callable[[Task, RegisterFile], int], injection: Injection) -> Callable[[Task, RegisterFile], int]:
    count = 0

    def tampered(task: Task, regs: RegisterFile) -> int:
        nonlocal count
        count += 1
        if not injection.when.has(count):
            return entry(task, regs)
        if injection.signo:
            task.send_signal(injection.signo)
        if injection.error:
            raise SyscallError(injection.error)
        if injection.result is not None:
            return injection.result
        if injection.n_bytes is None or regs[RDX] <= injection.n_bytes:
            return entry(task, regs)
        wanted = regs[RDX]
        regs[RDX] = injection.n_bytes
        try:
            return entry(task, regs)
        finally:
            regs[RDX] = wanted

    return tampered


def errno_of(word: str | int) -> int:
    """An errno by name or number. Errors: ValueError."""
    if isinstance(word, int) or word.isdecimal():
        number = int(word)
    else:
        number = getattr(errnos, word.upper(), 0) if word.upper().startswith("E") else 0
    if not 0 < number <= _MAX_ERRNO or not isinstance(number, int):
        raise ValueError(f"invalid error '{word}'")
    return number
