"""The files of /proc that are about the machine as a whole: stat, uptime, loadavg, interrupts and others (fs/proc)."""

from __future__ import annotations

from pyuk.kernel.proc.facts import is_stopped
from pyuk.kernel.proc.status import ticks
from pyuk.kernel.usage import Usage, task_usage
from pyuk.wait import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task

_NS = 1_000_000_000
_FIXED_1 = 1 << 11  # include/linux/sched/loadavg.h, FSHIFT
SOFTIRQS = ("HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU")
_TIMER = 1
_VECTORS = (
    ("NMI", "Non-maskable interrupts"), ("LOC", "Local timer interrupts"), ("SPU", "Spurious interrupts"),
    ("PMI", "Performance monitoring interrupts"), ("IWI", "IRQ work interrupts"),
    ("RTR", "APIC ICR read retries"), ("RES", "Rescheduling interrupts"), ("CAL", "Function call interrupts"),
    ("TLB", "TLB shootdowns"), ("TRM", "Thermal event interrupts"), ("THR", "Threshold APIC interrupts"),
    ("DFR", "Deferred Error APIC interrupts"), ("MCE", "Machine check exceptions"), ("MCP", "Machine check polls"),
)  # fmt: skip


def runs(task: Task) -> bool:
    """Whether it has the CPU or waits for it."""
    return not is_stopped(task) and (task.sleep is None or task.sleep.is_over)


class CpuTimes:
    """Where the time of the CPU has gone since boot, in ns."""

    __slots__ = ("idle", "nice", "system", "total", "usage", "user")

    def __init__(self, kernel: Kernel) -> None:
        kernel.charge()
        usage = Usage()
        usage.add(kernel.accounts.ended)
        for task in kernel.tasks.values():
            usage.add(task_usage(task))
        nice_ns = kernel.accounts.ended_nice_ns + sum(
            task.times.show(task.usage)[0] for task in kernel.tasks.values() if task.nice > 0
        )
        self.usage = usage
        user_ns, self.system = kernel.accounts.times.show(usage)
        self.nice = min(nice_ns, user_ns)
        self.user = user_ns - self.nice
        self.total = kernel.clock.boottime_ns() * kernel.n_cpus
        self.idle = max(kernel.accounts.idle_ns, self.total - usage.cpu_ns)
        kernel.accounts.idle_ns = self.idle  # it never goes back


def stat(kernel: Kernel) -> bytes:
    """The text of /proc/stat."""
    times = CpuTimes(kernel)
    numbers = f"{ticks(times.user)} {ticks(times.nice)} {ticks(times.system)} {ticks(times.idle)} 0 0 0 0 0 0"
    idle = f"0 0 0 {ticks(kernel.clock.boottime_ns())} 0 0 0 0 0 0"
    soft = _softirq_counts(kernel)
    irqs = _irq_counts(kernel)
    boot_s = (kernel.clock.realtime_ns() - kernel.clock.boottime_ns()) // _NS
    lines = [
        f"cpu  {numbers}",
        f"cpu0 {numbers}" if kernel.n_cpus == 1 else f"cpu0 {_first_cpu(kernel, times)}",
        *(f"cpu{cpu} {idle}" for cpu in range(1, kernel.n_cpus)),
        f"intr {sum(irqs) + _n_timer_interrupts(kernel)} {' '.join(map(str, irqs))}",
        f"ctxt {kernel.accounts.n_switches + kernel.scheduler.n_idle}",
        f"btime {boot_s}",
        f"processes {kernel.accounts.n_forks}",
        f"procs_running {sum(map(runs, kernel.tasks.values()))}",
        "procs_blocked 0",
        f"softirq {sum(soft)} {' '.join(map(str, soft))}",
    ]
    return ("\n".join(lines) + "\n").encode()


def _first_cpu(kernel: Kernel, times: CpuTimes) -> str:
    idle_ns = max(0, kernel.clock.boottime_ns() - times.usage.cpu_ns)
    return f"{ticks(times.user)} {ticks(times.nice)} {ticks(times.system)} {ticks(idle_ns)} 0 0 0 0 0 0"


def _softirq_counts(kernel: Kernel) -> list[int]:
    counts = [0] * len(SOFTIRQS)
    counts[_TIMER] = kernel.scheduler.n_rings
    return counts


def _irq_counts(kernel: Kernel) -> list[int]:
    """By number: 1 is a descriptor of the host's that has news, 2 a signal of the host's."""
    return [0, host.n_events, kernel.accounts.n_host_signals]


def _n_timer_interrupts(kernel: Kernel) -> int:
    """Ends of slices, and ends of sleeps by a timer."""
    return kernel.accounts.n_ticks + kernel.scheduler.n_timer_wakes


def interrupts(kernel: Kernel) -> Iterator[bytes]:
    """The text of /proc/interrupts: all of them are served by CPU 0."""
    others = kernel.n_cpus - 1

    def row(label: str, count: int, text: str) -> bytes:
        cells = "".join([f"{number:10} " for number in [count, *[0] * others]])
        return f"{label:>3}: {cells}{text}\n".encode()

    yield (" " * 11 + "".join([f"CPU{cpu:<8}" for cpu in range(kernel.n_cpus)]) + "\n").encode()
    for number, count in enumerate(_irq_counts(kernel)):
        if number:
            yield row(str(number), count, f"  host   {number}-edge      {('descriptors', 'signals')[number - 1]}")
    for label, name in _VECTORS:
        yield row(label, _n_timer_interrupts(kernel) if label == "LOC" else 0, f"  {name}")
    yield b"ERR:          0\nMIS:          0\n"


def softirqs(kernel: Kernel) -> bytes:
    """The text of /proc/softirqs."""
    head = " " * 20 + "".join([f"CPU{cpu:<8}" for cpu in range(kernel.n_cpus)])
    rows = [
        f"{name + ':':>12}{count:11}" + f"{0:11}" * (kernel.n_cpus - 1)
        for name, count in zip(SOFTIRQS, _softirq_counts(kernel), strict=True)
    ]
    return ("\n".join([head, *rows]) + "\n").encode()


def uptime(kernel: Kernel) -> bytes:
    """Seconds since boot, and of all CPUs the seconds in which they were idle."""
    times = CpuTimes(kernel)
    shown = [divmod(ns // 10_000_000, 100) for ns in (kernel.clock.boottime_ns(), times.idle)]
    return b" ".join([b"%d.%02d" % pair for pair in shown]) + b"\n"


def loadavg(kernel: Kernel) -> bytes:
    """The load of 1, 5 and 15 minutes, tasks that run among all, and the last pid."""
    kernel.accounts.sample_load(kernel.clock.peek_ns(), 1 + kernel.scheduler.n_ready)
    shown = []
    for average in kernel.accounts.averages:
        whole, fraction = divmod(average + _FIXED_1 // 200, _FIXED_1)
        shown.append(b"%d.%02d" % (whole, fraction * 100 // _FIXED_1))
    n_running = sum(map(runs, kernel.tasks.values()))
    last = kernel.last_pid
    return b"%b %d/%d %d\n" % (b" ".join(shown), n_running, len(kernel.tasks), last)


def version(kernel: Kernel) -> bytes:
    """The text of /proc/version, as uname(2)."""
    us = kernel.identity
    return f"{us.sysname} version {us.release} (pyuk@pyuk) (Unicorn, Python) {us.version}\n".encode()


def filesystems(kernel: Kernel) -> bytes:
    """Which file systems there are; none of them is on a block device of the guest's."""
    names = [b"sysfs", b"tmpfs", b"bdev", b"proc", b"cgroup2", b"devtmpfs", b"pipefs", b"sockfs", b"devpts", b"mqueue"]
    names += [mount.fstype for mount in kernel.current.fs.namespace.mounts()]
    return b"".join([b"nodev\t%b\n" % name for name in dict.fromkeys(names)])


def devices(_kernel: Kernel) -> bytes:
    """The drivers of devices."""
    rows = ((1, "mem"), (5, "/dev/tty"), (5, "/dev/console"), (5, "/dev/ptmx"), (128, "ptm"), (136, "pts"))
    return ("Character devices:\n" + "".join([f"{n:3} {name}\n" for n, name in rows]) + "\nBlock devices:\n").encode()


def swaps(_kernel: Kernel) -> bytes:
    """The head of an empty table."""
    return b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def partitions(_kernel: Kernel) -> bytes:
    """There are none: not even the head is shown then (block/genhd.c, show_partition_start)."""
    return b""


def cmdline(_kernel: Kernel) -> bytes:
    """What pyuk's kernel was started with."""
    return b"pyuk\n"


def pressure(_kernel: Kernel, *, has_full: bool = True) -> bytes:
    """Nobody waits for what the host gives."""
    line = b" avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    return b"some" + line + (b"full" + line if has_full else b"")
