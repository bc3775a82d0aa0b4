"""Small questions that several files of /proc ask."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Process, Task


def cpu_mask(kernel: Kernel) -> int:
    """The CPUs that there are, a bit each."""
    return (1 << kernel.n_cpus) - 1


def cpu_list(mask: int) -> str:
    """CPUs as a list: "0", "0-3", "1,4-5"."""
    runs: list[str] = []
    first = 0
    while mask >> first:
        if mask >> first & 1:
            n = (~(mask >> first) & (mask >> first) + 1).bit_length() - 1
            runs.append(f"{first}" if n == 1 else f"{first}-{first + n - 1}")
            first += n
        else:
            first += 1
    return ",".join(runs)


def tracer_pid(task: Task) -> int:
    """The tid of who traces it (ptrace(2)), 0 for nobody."""
    tracer = task.tracer
    return 0 if tracer is None else tracer.tid


def is_trace_stopped(task: Task) -> bool:
    """Whether it waits for its tracer."""
    return task.sleep is not None and task.sleep.is_stop


def is_stopped(task: Task) -> bool:
    """By job control or by a tracer."""
    return task.is_stopped or is_trace_stopped(task)


def seccomp_mode(task: Task) -> int:
    """SECCOMP_MODE_, as PR_GET_SECCOMP."""
    return 0 if task.guard is None else task.guard.mode


def n_seccomp_filters(task: Task) -> int:
    """How many it has, with those that it has inherited."""
    newest = None if task.guard is None else task.guard.filter
    return 0 if newest is None else len(newest.chain())


def tty_numbers(process: Process) -> tuple[int, int]:
    """The controlling terminal's device number as stat shows it, and its foreground group; (0, -1) for none."""
    tty = process.tty
    if tty is None:
        return 0, -1
    return tty.rdev, tty.pgid
