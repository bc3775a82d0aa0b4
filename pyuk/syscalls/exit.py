"""How a thread and a process end: exit(2), exit_group(2)."""

from __future__ import annotations

from pyuk.abi.syscall import syscall
from pyuk.kernel.dispatch import DoesNotReturn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import IntArg
    from pyuk.kernel.task import Task


@syscall("exit")
def sys_exit(task: Task, status: IntArg) -> int:
    """End the thread; the last one ends the process."""
    task.kernel.end_thread(task, status & 0xFF)
    raise DoesNotReturn


@syscall("exit_group")
def sys_exit_group(task: Task, status: IntArg) -> int:
    """End all threads of the process with the status's low eight bits."""
    task.kernel.end_process(task, status & 0xFF)
    raise DoesNotReturn
