"""System calls answered by Python: before the kernel sees them, or instead of it."""

from __future__ import annotations

from pyuk.abi import numbers
from pyuk.abi.errno import SyscallError
from pyuk.abi.numbers import NUMBERS
from pyuk.api.process import Memory
from pyuk.machine.cpu import R8, R9, R10, RDI, RDX, RSI
from pyuk.trace.filter import FilterError, parse_filter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.api.system import System
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import RegisterFile

    Entry = Callable[[Task, RegisterFile], int]

ARGUMENTS = (RDI, RSI, RDX, R10, R8, R9)
_MASK = (1 << 64) - 1


class SyscallCall:
    """A system call that a guest is making; the guests stand still meanwhile.

    args: its six registers, unsigned; what is stored there is what the kernel's own handler gets.
    """

    def __init__(self, system: System, name: str, task: Task, regs: RegisterFile, entry: Entry) -> None:
        self.name = name
        self.pid: int = task.process.pid
        self.tid: int = task.tid
        self.args = [regs[index] for index in ARGUMENTS]
        self.memory = Memory(system, task)
        self._task, self._regs, self._entry = task, regs, entry

    def __repr__(self) -> str:
        return f"<pyuk.SyscallCall {self.name}({', '.join(map(hex, self.args))}) of {self.tid}>"

    def proceed(self) -> int:
        """Have the kernel make the call now; gives its result, -errno for an error.

        One that has to wait comes back to the guest when it can, and nothing after this line is done.
        """
        try:
            return self.make()
        except SyscallError as error:
            return -error.errno

    def make(self) -> int:
        """The kernel's own handler with the arguments as they are now."""
        regs = self._regs
        before = [regs[index] for index in ARGUMENTS]
        for index, value in zip(ARGUMENTS, self.args, strict=True):
            regs[index] = value & _MASK
        try:
            return self._entry(self._task, regs)
        finally:
            for index, value in zip(ARGUMENTS, before, strict=True):
                regs[index] = value


def name_of(number: int) -> str:
    """The name of a call."""
    return numbers.name_of(number) or f"syscall_{number:#x}"


def numbers_of(names: str) -> list[int]:
    """The calls of an expression as `strace -e trace=` takes it. Errors: ValueError."""
    try:
        chosen = parse_filter(f"trace={names}")
    except FilterError as error:
        raise ValueError(str(error).removeprefix("strace: ")) from None
    return [number for number in NUMBERS.values() if number in chosen]


def install(system: System, kernel: Kernel, chosen: list[int], handler: Callable[[SyscallCall], int | None]) -> None:
    """Have the handler asked for each of these calls: an int is the result, None leaves it to the kernel.

    An OSError that it raises is the call's; any other exception ends the run.
    """
    for number in chosen:
        kernel.entries[number] = _asking(system, name_of(number), kernel.entries[number], handler)


def _asking(system: System, name: str, entry: Entry, handler: Callable[[SyscallCall], int | None]) -> Entry:
    def ask(task: Task, regs: RegisterFile) -> int:
        call = SyscallCall(system, name, task, regs, entry)
        try:
            with system.handling():
                answer = handler(call)
        except OSError as error:
            raise SyscallError(error.errno or 0) from None
        return call.make() if answer is None else answer

    return ask
