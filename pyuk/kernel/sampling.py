"""How much of the CPU time is the kernel's: at each tick the next traps are timed, and stand for that time slice.

Linux looks at a tick whether it has interrupted the kernel (kernel/sched/cputime.c, account_process_tick). Here a tick
never does: the engine ends a slice when the guest goes on, so it would always find the guest. The measured time is
divided as the samples say, in the way that Linux divides sum_exec_runtime (usage.py). What it costs to get from the
guest to the kernel and back counts as the guest's.
"""

from __future__ import annotations

from pyuk.machine.traptimer import TrapTimer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import Cpu

_N_TRAPS = 16
_SAMPLE = 1_000_000


def new_timer(cpu: Cpu, on_syscall: Callable[[], object], on_trap: Callable[[int], object]) -> TrapTimer:
    """One whose results are divided among whose time and which kind of time it was."""
    return TrapTimer(cpu, on_syscall, on_trap, _share, _N_TRAPS)


def _share(spent_ns: dict[Task, list[int]]) -> None:
    total_ns = sum(user_ns + kernel_ns for user_ns, kernel_ns in spent_ns.values())
    for task, (user_ns, kernel_ns) in spent_ns.items() if total_ns else ():
        task.usage.user_share += _SAMPLE * user_ns // total_ns
        task.usage.kernel_share += _SAMPLE * kernel_ns // total_ns
