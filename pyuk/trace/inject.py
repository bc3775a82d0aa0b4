"""Faults put into system calls on purpose: an error, a result, a shorter count, a signal, at chosen calls.

The words are those of `strace -e inject=SET:error=ENOENT:when=2+` (strace(1), "Tampering").
"""

from __future__ import annotations

import time

from pyuk.abi import errno as errnos
from pyuk.abi.errno import SyscallError
from pyuk.abi.siginfo import signal_name
from pyuk.abi.signal import SIGRTMAX
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
    """What is done to a call. It is not made where there is an error or a result."""

    __slots__ = ("delay_enter_us", "delay_exit_us", "error", "n_bytes", "result", "signo", "when")

    def __init__(
        self, *, error: int = 0, result: int | None = None, n_bytes: int | None = None, signo: int = 0,
        delay_enter_us: int = 0, delay_exit_us: int = 0, when: When | None = None,
    ) -> None:  # fmt: skip
        """n_bytes: the most that its third argument, a count, may be."""
        self.error = error
        self.result = result
        self.n_bytes = n_bytes
        self.signo = signo
        self.delay_enter_us = delay_enter_us
        self.delay_exit_us = delay_exit_us
        self.when = when or When()


def parse_injection(text: str, *, is_fault: bool) -> Injection:
    """`error=EIO:when=2+` and its kind; -e fault injects ENOSYS without an error. Errors: ValueError."""
    given = dict(part.partition("=")[::2] for part in text.split(":") if part)
    injection = Injection(when=parse_when(given.pop("when", "1+")))
    for word, value in given.items():
        if word == "error":
            injection.error = errno_of(value)
        elif is_fault:
            raise ValueError(f"invalid fault argument '{word}={value}'")
        elif word == "retval":
            injection.result = _number(value, word)
        elif word == "signal":
            injection.signo = _signo(value)
        elif word == "delay_enter":
            injection.delay_enter_us = _number(value, word)
        elif word == "delay_exit":
            injection.delay_exit_us = _number(value, word)
        else:
            raise ValueError(f"invalid inject argument '{word}={value}'")
    if is_fault and not injection.error:
        injection.error = errnos.ENOSYS
    if (injection.error and injection.result is not None) or (not given and not is_fault):
        raise ValueError(f"invalid inject argument '{text}'")
    return injection


def _number(value: str, word: str) -> int:
    try:
        return int(value, 0)
    except ValueError:
        raise ValueError(f"invalid {word} '{value}'") from None


def _signo(value: str) -> int:
    names = {signal_name(signo): signo for signo in range(1, SIGRTMAX + 1)}
    found = names.get(value.upper()) or names.get("SIG" + value.upper()) or (int(value) if value.isdecimal() else 0)
    if not 0 < found <= SIGRTMAX:
        raise ValueError(f"invalid signal '{value}'")
    return found


def install(
    kernel: Kernel, numbers: Iterable[int], injection: Injection, told: Callable[[Task, str], object] | None = None
) -> None:
    """Have these calls made with the injection; those of each number are counted by themselves, as strace does.

    told: is told of each call that is tampered with, and by which word strace says so.
    """
    for number in numbers:
        kernel.entries[number] = _tampered(kernel.entries[number], injection, told)


def _tampered(
    entry: Callable[[Task, RegisterFile], int], injection: Injection, told: Callable[[Task, str], object] | None
) -> Callable[[Task, RegisterFile], int]:
    count = 0

    def tampered(task: Task, regs: RegisterFile) -> int:
        nonlocal count
        count += 1
        if not injection.when.has(count):
            return entry(task, regs)
        is_made = not injection.error and injection.result is None
        if told is not None:
            told(task, "" if is_made else "INJECTED")
            if injection.delay_enter_us or injection.delay_exit_us:
                told(task, "DELAYED")
        time.sleep(injection.delay_enter_us / 1e6)
        if injection.signo:
            task.send_signal(injection.signo, by_kernel=True)
        try:
            return _spoil(injection, entry, task, regs)
        finally:
            time.sleep(injection.delay_exit_us / 1e6)

    return tampered


def _spoil(injection: Injection, entry: Callable[[Task, RegisterFile], int], task: Task, regs: RegisterFile) -> int:
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


def errno_of(word: str | int) -> int:
    """An errno by name or number. Errors: ValueError."""
    if isinstance(word, int) or word.isdecimal():
        number = int(word)
    else:
        number = getattr(errnos, word.upper(), 0) if word.upper().startswith("E") else 0
    if not 0 < number <= _MAX_ERRNO or not isinstance(number, int):
        raise ValueError(f"invalid error '{word}'")
    return number
