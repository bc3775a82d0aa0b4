"""What tasks have used: CPU time, faults, switches, bytes. getrusage(2), times(2), wait4(2) and /proc show it.

Source: Linux 6.1 kernel/sched/cputime.c, kernel/exit.c (wait_task_zombie), fs/read_write.c.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Process, Task


class Usage:
    """The counters of a task; or of several that have ended, added up. They only grow.

    CPU time is measured, in ns. How much of it was the kernel's is sampled at ticks: each sample adds a million in all
    to the shares of those who had the CPU then (Kernel._sample).
    """

    __slots__ = (
        "cpu_ns", "kernel_share", "n_involuntary", "n_major", "n_minor", "n_reads", "n_voluntary", "n_writes",
        "read_bytes", "read_chars", "user_share", "write_bytes", "write_chars",
    )  # fmt: skip

    def __init__(self) -> None:
        self.cpu_ns = 0
        """As charged (Kernel.charge)."""
        self.user_share = self.kernel_share = 0
        self.n_minor = self.n_major = 0
        """Page faults, without and with a read of a file; as settled (settle_faults)."""
        self.n_voluntary = self.n_involuntary = 0
        """Context switches: it slept, or another's turn had come."""
        self.n_reads = self.n_writes = 0
        """Calls of the read and write families that came as far as a file."""
        self.read_chars = self.write_chars = 0
        """Bytes that such calls moved."""
        self.read_bytes = self.write_bytes = 0
        """Of these and of page faults, what was the host's files'."""

    def add(self, other: Usage) -> None:
        """Both together."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def copied(self, n_bytes: int) -> None:
        """One call has moved so much from file to file (sendfile(2), copy_file_range(2))."""
        self.n_reads += 1
        self.n_writes += 1
        self.read_chars += n_bytes
        self.write_chars += n_bytes


class Times:
    """User and system time of a task or a process as last shown, in ns: neither ever goes back."""

    __slots__ = ("system_ns", "user_ns")

    def __init__(self) -> None:
        self.user_ns = self.system_ns = 0

    def show(self, usage: Usage) -> tuple[int, int]:
        """Divide the measured CPU time as the samples say (kernel/sched/cputime.c, cputime_adjust)."""
        total_ns = usage.cpu_ns
        if self.user_ns + self.system_ns < total_ns:
            kernel, user = usage.kernel_share, usage.user_share
            system_ns = 0 if not kernel else total_ns * kernel // (kernel + user)
            system_ns = max(system_ns, self.system_ns)
            self.user_ns = max(total_ns - system_ns, self.user_ns)
            self.system_ns = total_ns - self.user_ns
        return self.user_ns, self.system_ns


def settle_faults(task: Task) -> None:
    """The faults that its memory has counted since this was last asked were the task's."""
    mm, usage = task.mm, task.usage
    n_minor, n_major = mm.n_minor_faults, mm.n_file
    if mm.cache.is_uniform:
        n_minor, n_major = n_minor + n_major, 0
    usage.n_minor += n_minor - mm.told_faults[0]
    usage.n_major += n_major - mm.told_faults[1]
    mm.told_faults = n_minor, n_major


def task_usage(task: Task) -> Usage:
    """A thread's, as it is now."""
    kernel = task.kernel
    kernel.charge()
    if not task.is_dead:
        settle_faults(kernel.current if kernel.current.mm is task.mm else task)
    return task.usage


def process_usage(process: Process) -> Usage:
    """All threads', those included that have ended; as it is now."""
    total = Usage()
    total.add(process.ended)
    for task in process.tasks:
        total.add(task_usage(task))
    return total


def process_times(process: Process) -> tuple[int, int]:
    """utime and stime in ns."""
    return process.times.show(process_usage(process))


def task_times(task: Task) -> tuple[int, int]:
    """The same of one thread."""
    return task.times.show(task_usage(task))
