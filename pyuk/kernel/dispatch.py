"""The system-call entry: from the syscall instruction to the handler and back.

What is done at entry and exit stands in one list (`_slow`). "The trick is making all this nothing
fast": `task.work` is 0 for a task that nobody watches and that has no signal, and then a call is
one table look-up and one Python call.
"""

from __future__ import annotations

from pyuk.abi.errno import ENOSYS, ERESTART_RESTARTBLOCK, ERESTARTSYS, SyscallError
from pyuk.abi.syscall import find, find_entry
from pyuk.kernel import signals
from pyuk.kernel.task import GUARDED, PTRACED, SIGNAL_PENDING, TRACED
from pyuk.machine.cpu import R8, R9, R10, R11, RAX, RCX, RDI, RDX, RIP, RSI
from pyuk.wait.park import Park

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task

    Finish = Callable[[Kernel, Task, int, tuple[int, ...], int], None]

_MASK = (1 << 64) - 1
_NUMBER_MASK = (1 << 32) - 1  # the kernel takes the number as an int (arch/x86/entry/entry_64.S)
_RESTART_SYSCALL = 219
"""What is made instead of a call that says ERESTART_RESTARTBLOCK: it goes on with Task.restart."""
_ARGUMENTS = (RDI, RSI, RDX, R10, R8, R9)


class DoesNotReturn(Exception):  # noqa: N818  # an event, not an error
    """Raised by a handler after which this call has no result: exit, a successful execve, rt_sigreturn."""


class Entries(dict[int, "Callable[[Task, Any], int]"]):
    """Compiled entries by number, made when a number is first used."""

    def __missing__(self, number: int) -> Callable[[Task, Any], int]:
        entry = find_entry(number) or _unknown
        self[number] = entry
        return entry


def _unknown(_task: Task, _regs: Any) -> int:
    raise SyscallError(ENOSYS)


def make_entry(kernel: Kernel) -> Callable[[], None]:
    """The function that runs at every syscall instruction."""
    entries = Entries()
    kernel.entries = entries
    cpu = kernel.machine.cpu
    regs, read_flags = cpu.regs, cpu.read_flags

    def on_syscall() -> None:
        task = kernel.current
        regs[R11] = read_flags()
        regs[RCX] = regs[RIP]
        if task.work:
            _slow(kernel, task)
            return
        number = regs[RAX] & _NUMBER_MASK
        try:
            regs[RAX] = entries[number](task, regs) & _MASK
        except SyscallError as error:
            regs[RAX] = -error.errno & _MASK
            if error.errno >= ERESTARTSYS:
                signals.deliver(task, number)
                return
        except DoesNotReturn:
            pass
        except Park as park:
            kernel.sleep(task, park, number)
            return
        if task.work:
            signals.deliver(task)

    return on_syscall


def _is_in_vdso(task: Task, rip: int) -> bool:
    """What a vDSO function does is not a system call of the program: strace never sees it.

    But for those that Linux's own vDSO makes, too.
    """
    start, vdso = task.process.loaded.vdso, task.kernel.vdso
    return vdso is not None and start <= rip < start + vdso.n_quiet_bytes


def _slow(kernel: Kernel, task: Task) -> None:
    """The same with everything that may be wanted around it, in its order."""
    regs = kernel.machine.cpu.regs
    number = regs[RAX] & _NUMBER_MASK
    is_hidden = _is_in_vdso(task, regs[RIP])
    tracer = kernel.tracer if task.work & TRACED and not is_hidden else None
    arguments: tuple[int, ...] = ()
    if tracer is not None:
        arguments = tuple(regs[index] for index in _ARGUMENTS)
        tracer.enter(task, find(number), number, arguments)
    if task.work & (PTRACED | GUARDED) and not is_hidden:
        from pyuk.kernel import entry  # noqa: PLC0415  # for those that are traced or guarded only

        entry.begin(kernel, task, number, arguments)
    else:
        carry_out(kernel, task, number, arguments, close)


def carry_out(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], finish: Finish) -> None:
    """Make a call that all those who had a say have admitted. finish: what is done with its result."""
    regs = kernel.machine.cpu.regs
    try:
        result = kernel.entries[number](task, regs)
    except SyscallError as error:
        result = -error.errno
    except DoesNotReturn:
        if task.tid not in kernel.tasks or task.sleep is not None:
            return
        result = (regs[RAX] ^ 1 << 63) - (1 << 63)
    except Park as park:
        if task.tracee is None:
            kernel.sleep(task, park, number, arguments)
        else:
            from pyuk.kernel import entry  # noqa: PLC0415

            entry.sleep(kernel, task, park, number, arguments)
        return
    finish(kernel, task, number, arguments, result)


def finish(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], result: int) -> None:
    """The end of a call that has slept."""
    if task.tracee is not None:
        from pyuk.kernel import entry  # noqa: PLC0415

        entry.finish(kernel, task, number, arguments, result)
    else:
        close(kernel, task, number, arguments, result)


def close(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], result: int) -> None:
    """The end of a call, at once or after a sleep; no arguments: pyuk's tracer is not told. The task has the CPU."""
    kernel.machine.cpu.regs[RAX] = result & _MASK
    tell(kernel, task, number, arguments, result)
    if -ERESTART_RESTARTBLOCK <= result <= -ERESTARTSYS:
        signals.deliver(task, _RESTART_SYSCALL if result == -ERESTART_RESTARTBLOCK else number)
    elif task.work & SIGNAL_PENDING:
        signals.deliver(task)


def tell(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], result: int) -> None:
    """Tell pyuk's tracer of the end of a call that it has seen begin."""
    if arguments and kernel.tracer is not None:
        kernel.tracer.leave(task, find(number), number, arguments, result)
