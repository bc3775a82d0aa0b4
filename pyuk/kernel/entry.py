"""System calls that others decide on: what a tracer and seccomp(2) do around a call, and in which order.

dispatch.py comes here for a thread that is traced or guarded, and for no other. A stop leaves these functions; what is
left to do is the function that the stop ends with. Source: Linux 6.1 kernel/entry/common.c (syscall_trace_enter,
syscall_exit_work), include/linux/ptrace.h (ptrace_report_syscall).
"""

from __future__ import annotations

from pyuk.abi.errno import ENOSYS
from pyuk.abi.ptrace import (
    PTRACE_EVENT_SECCOMP,
    PTRACE_EVENTMSG_SYSCALL_ENTRY,
    PTRACE_EVENTMSG_SYSCALL_EXIT,
    PTRACE_O_SUSPEND_SECCOMP,
    PTRACE_O_TRACESYSGOOD,
)
from pyuk.abi.seccomp import (
    ACTION_MASK,
    DATA_MASK,
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_THREAD,
    SECCOMP_RET_LOG,
    SECCOMP_RET_TRACE,
    SECCOMP_RET_TRAP,
    SECCOMP_RET_USER_NOTIF,
)
from pyuk.abi.signal import SI_KERNEL, SIGKILL, SIGSYS, SIGTRAP, TRAP_BRKPT
from pyuk.kernel import dispatch, signals
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.task import EMULATED, SIGNAL_PENDING, STEP, SYSCALLS
from pyuk.machine.cpu import RAX, RIP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.ptrace import Stop, Tracee
    from pyuk.kernel.seccomp import Filter
    from pyuk.kernel.task import Task
    from pyuk.wait.park import Park

_MASK = (1 << 64) - 1
_NUMBER_MASK = (1 << 32) - 1
_NO_CALL = _NUMBER_MASK
"""The number by which a tracer or a filter says that no call is to be made."""
_SYSGOOD = 0x80
_MAX_ERRNO = 4095


def begin(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...]) -> None:
    """A call has come in. arguments: as Sleep's."""
    tracee = task.tracee
    regs = kernel.machine.cpu.regs
    if tracee is not None:
        tracee.orig_rax = _signed(regs[RAX])
        tracee.regs.end_step()
        regs[RAX] = -ENOSYS & _MASK
        if tracee.mode & (SYSCALLS | EMULATED):
            is_emulated = bool(tracee.mode & EMULATED)
            after = lambda: _after_report(kernel, tracee, arguments, is_emulated=is_emulated)  # noqa: E731
            _report(tracee, PTRACE_EVENTMSG_SYSCALL_ENTRY, after)
            return
    _guard(kernel, task, number, arguments)


def _report(tracee: Tracee, message: int, then: Callable[[], None]) -> None:
    """A stop at one end of a call; the signal that the tracer gives is sent afterwards."""
    task = tracee.task

    def go_on(stop: Stop) -> None:
        if stop.code:
            signals.send(task, Siginfo(stop.code, SI_KERNEL))
        then()

    tracee.notify(SIGTRAP | (_SYSGOOD if tracee.options & PTRACE_O_TRACESYSGOOD else 0), go_on, message)


def _after_report(kernel: Kernel, tracee: Tracee, arguments: tuple[int, ...], *, is_emulated: bool) -> None:
    task = tracee.task
    if tracee.is_killed:
        signals.deliver(task)
        return
    if is_emulated:
        _carry_out(kernel, task, _NO_CALL, arguments)
    else:
        _guard(kernel, task, tracee.orig_rax & _NUMBER_MASK, arguments)


def _carry_out(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...]) -> None:
    if number == _NO_CALL:
        finish(kernel, task, number, arguments, _signed(kernel.machine.cpu.regs[RAX]))
    else:
        dispatch.carry_out(kernel, task, number, arguments, finish)


def _guard(
    kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], *, is_second: bool = False
) -> None:  # fmt: skip
    """Ask the filters (__secure_computing). is_second: again, as the tracer may have made another call of it."""
    guard, tracee = task.guard, task.tracee
    if guard is None or (tracee is not None and tracee.options & PTRACE_O_SUSPEND_SECCOMP):
        _carry_out(kernel, task, number, arguments)
        return
    from pyuk.kernel import lifecycle, seccomp  # noqa: PLC0415  # for guarded threads only

    regs = kernel.machine.cpu.regs
    if seccomp.is_strict(guard):
        if seccomp.allows_strict(number):
            _carry_out(kernel, task, number, arguments)
        else:
            lifecycle.kill_thread(kernel, task, SIGKILL)
        return
    data = seccomp.data_of(regs, number)
    verdict, owner = seccomp.judge(guard, data)
    action, value = verdict & ACTION_MASK, verdict & DATA_MASK
    if action in (SECCOMP_RET_ALLOW, SECCOMP_RET_LOG) or (action == SECCOMP_RET_TRACE and is_second):
        _carry_out(kernel, task, number, arguments)
    elif action == SECCOMP_RET_ERRNO:
        finish(kernel, task, number, arguments, -min(value, _MAX_ERRNO))
    elif action == SECCOMP_RET_TRACE:
        _ask_tracer(kernel, task, number, arguments, value)
    elif action == SECCOMP_RET_USER_NOTIF:
        _ask_listener(kernel, task, data, owner, arguments)
    else:
        info = seccomp.SigsysSiginfo(number, regs[RIP], value)
        given = _signed(regs[RAX]) if tracee is None else tracee.orig_rax  # the registers as the call found them
        if action == SECCOMP_RET_TRAP:
            signals.force(task, info)
            finish(kernel, task, number, arguments, given)
            return
        regs[RAX] = given & _MASK
        if action == SECCOMP_RET_KILL_THREAD:
            lifecycle.kill_thread(kernel, task, SIGSYS, info)
        else:
            lifecycle.end_process(kernel, task, -SIGSYS, info)


def _ask_tracer(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], value: int) -> None:
    tracee = task.tracee
    if tracee is None or not tracee.wants(PTRACE_EVENT_SECCOMP):
        finish(kernel, task, number, arguments, -ENOSYS)
        return

    def go_on(_stop: Stop) -> None:
        changed = tracee.orig_rax & _NUMBER_MASK
        if tracee.is_killed or changed >> 31:
            _carry_out(kernel, task, _NO_CALL, arguments)
        else:
            _guard(kernel, task, changed, arguments, is_second=True)

    tracee.notify(SIGTRAP | PTRACE_EVENT_SECCOMP << 8, go_on, value)


def _ask_listener(
    kernel: Kernel, task: Task, data: bytes, owner: Filter | None, arguments: tuple[int, ...]
) -> None:  # fmt: skip
    from pyuk.kernel.seccomp_notify import Notification  # noqa: PLC0415

    listener = None if owner is None else owner.listener
    number = int.from_bytes(data[:4], "little")
    if listener is None or listener.is_closed:
        finish(kernel, task, number, arguments, -ENOSYS)
        return

    def end(result: int | None) -> None:
        if result is None:
            _carry_out(kernel, task, number, arguments)
        else:
            finish(kernel, task, number, arguments, result)

    notification = Notification(task, listener, data, arguments, end)
    listener.ask(notification)
    kernel.begin_sleep(task, notification)


def sleep(kernel: Kernel, task: Task, park: Park, number: int, arguments: tuple[int, ...]) -> None:
    """A call is about to sleep: first it is told what has happened in it (vfork)."""
    tracee = task.tracee
    if tracee is None or not tracee.events:
        kernel.sleep(task, park, number, arguments)
        return
    event, message = tracee.events.pop(0)
    tracee.notify(SIGTRAP | event << 8, lambda _stop: sleep(kernel, task, park, number, arguments), message)


def finish(kernel: Kernel, task: Task, number: int, arguments: tuple[int, ...], result: int) -> None:
    """A call has a result: what has happened in it is told, then its end."""
    tracee = task.tracee
    if tracee is None:
        dispatch.close(kernel, task, number, arguments, result)
        return
    regs = kernel.machine.cpu.regs
    if tracee.events:
        event, message = tracee.events.pop(0)
        regs[RAX] = -ENOSYS & _MASK  # the result is not there yet
        tracee.notify(SIGTRAP | event << 8, lambda _stop: finish(kernel, task, number, arguments, result), message)
        return
    regs[RAX] = result & _MASK

    def end() -> None:
        value = _signed(regs[RAX])
        dispatch.tell(kernel, task, number, arguments, value)
        call = tracee.call_to_restart()
        if call is not None or task.work & SIGNAL_PENDING:
            signals.deliver(task, call)

    if tracee.mode & STEP and not tracee.mode & EMULATED:
        signals.force(task, Siginfo(SIGTRAP, TRAP_BRKPT, address=regs[RIP]))
    elif tracee.mode & SYSCALLS:
        _report(tracee, PTRACE_EVENTMSG_SYSCALL_EXIT, end)
        return
    end()


def _signed(word: int) -> int:
    return (word ^ 1 << 63) - (1 << 63)
