"""Where a task sleeps: its state, the kernel function that waits in its name, and the system call (wchan, syscall)."""

from __future__ import annotations

from pyuk.kernel.proc.facts import is_stopped, is_trace_stopped
from pyuk.machine.cpu import R8, R9, R10, RDI, RDX, RIP, RSI, RSP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.proc.subject import Subject
    from pyuk.kernel.task import Task

_ARGUMENTS = (RDI, RSI, RDX, R10, R8, R9)
_BY_CALL = {
    7: b"do_sys_poll", 23: b"do_select", 34: b"__do_sys_pause", 35: b"hrtimer_nanosleep", 61: b"do_wait",
    65: b"do_semtimedop", 69: b"do_msgsnd", 70: b"do_msgrcv", 72: b"do_lock_file_wait", 73: b"locks_lock_inode_wait",
    43: b"inet_csk_accept", 42: b"inet_stream_connect", 56: b"kernel_clone", 57: b"kernel_clone", 58: b"kernel_clone",
    128: b"do_sigtimedwait", 130: b"sigsuspend", 202: b"futex_wait_queue", 208: b"read_events",
    220: b"do_semtimedop", 230: b"hrtimer_nanosleep", 232: b"ep_poll", 242: b"wq_sleep", 243: b"wq_sleep",
    247: b"do_wait", 270: b"do_select", 271: b"do_sys_poll", 281: b"ep_poll", 288: b"inet_csk_accept",
    435: b"kernel_clone", 441: b"ep_poll", 449: b"futex_wait_multiple",
}  # fmt: skip
"""What get_wchan finds in Linux 6.1 for the calls that wait for one thing: the caller of schedule()."""
_RESTARTED = {"Nap": b"hrtimer_nanosleep", "Poll": b"do_sys_poll", "FutexWait": b"futex_wait_queue"}
"""The same where the call is restart_syscall(2), by what is left of it."""
_VFORKS = ("VforkDone",)


def state_of(subject: Subject) -> str:
    """The letter of the state (fs/proc/array.c, task_state_array)."""
    task = subject.task
    if task.is_dead:
        return "Z"
    if is_stopped(task):
        return "t" if is_trace_stopped(task) else "T"
    if task.sleep is None or task.sleep.is_over:
        return "R"
    return "D" if type(task.sleep.operation).__name__ in _VFORKS else "S"


def wchan(subject: Subject) -> bytes:
    """The text of wchan: a name without a newline, "0" for what runs or may not be looked at."""
    task = subject.task
    if task.is_dead or not subject.may_look():
        return b"0"
    if is_stopped(task):
        return b"ptrace_stop" if is_trace_stopped(task) else b"do_signal_stop"
    sleep = task.sleep
    if sleep is None or sleep.is_over:
        return b"0"
    name = _BY_CALL.get(sleep.number) or _RESTARTED.get(type(sleep.operation).__name__)
    if name is not None:
        return name
    file = getattr(sleep.operation, "file", None)
    if file is None:
        return b"0"
    filling = getattr(sleep.operation, "filling", True)
    return file.waits_in[0 if filling else 1] if hasattr(file, "waits_in") else b"wait_woken"


def syscall(subject: Subject) -> bytes:
    """The text of syscall: number, arguments, stack pointer and program counter of a call that waits."""
    task = subject.task
    sleep = task.sleep
    if task.is_dead:
        return b"-1 0x0 0x0\n"
    if sleep is None or sleep.is_over or sleep.is_stop:
        if not is_stopped(task):
            return b"running\n"
        regs = _registers(task)
        return b"-1 0x%x 0x%x\n" % (regs[RSP], regs[RIP])
    regs = _registers(task)
    numbers = [*(regs[index] for index in _ARGUMENTS), regs[RSP], regs[RIP]]
    return b"%d %b\n" % (sleep.number, b" ".join([b"0x%x" % number for number in numbers]))


def _registers(task: Task) -> list[int]:
    """Those of a task that does not run."""
    cpu = task.kernel.machine.cpu
    return list(cpu.regs) if task.frame is None else cpu.general_of(task.frame)
