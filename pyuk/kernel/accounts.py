"""What the kernel counts for all tasks together, as /proc/stat and its like show it."""

from __future__ import annotations

from pyuk.kernel.usage import Times, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

_FIXED_1 = 1 << 11  # include/linux/sched/loadavg.h, FSHIFT
_PERIOD_NS = 5_004_000_000  # LOAD_FREQ: 5 s and a tick of 250 Hz
_DECAYS = (1884, 2014, 2037)  # EXP_1, EXP_5, EXP_15
_MOST_PERIODS = 1000


class Accounts:
    """Counters since the kernel began. They only grow."""

    __slots__ = (
        "averages", "boot_ns", "ended", "ended_nice_ns", "idle_ns", "load_due_ns", "n_forks", "n_host_signals",
        "n_switches", "n_ticks", "times", "tsc_khz",
    )  # fmt: skip

    def __init__(self, boot_ns: int) -> None:
        self.boot_ns = boot_ns
        """When the kernel began, on CLOCK_BOOTTIME."""
        self.tsc_khz = 0
        """See Kernel.tsc_khz."""
        self.n_forks = 0
        """Tasks there have been."""
        self.n_switches = 0
        """From a task to another or to nobody; Scheduler.n_idle has those from nobody."""
        self.n_ticks = 0
        """Ends of time slices by the ticker, the machine's timer interrupt."""
        self.n_host_signals = 0
        self.ended = Usage()
        """What the tasks that have ended had used."""
        self.ended_nice_ns = 0
        """Of their user time, that of those with a nice value above 0."""
        self.times = Times()
        self.idle_ns = 0
        """As last shown."""
        self.averages = [0, 0, 0]
        """The load of 1, 5 and 15 minutes, in units of 1/2048."""
        self.load_due_ns = 0

    def end_task(self, task: Task) -> None:
        """What a task had used is nobody's any more."""
        self.ended.add(task.usage)
        if task.nice > 0:
            self.ended_nice_ns += task.times.show(task.usage)[0]

    def sample_load(self, now_ns: int, n_active: int) -> None:
        """Take the samples of the load that are due (kernel/sched/loadavg.c, calc_load).

        now_ns: on the monotonic clock. n_active: the tasks that run or are ready now, which stands for all the time
        since the last look; that was at the last tick, or when the kernel went to sleep.
        """
        if not self.load_due_ns:
            self.load_due_ns = now_ns + _PERIOD_NS
        if now_ns < self.load_due_ns:
            return
        n_periods = (now_ns - self.load_due_ns) // _PERIOD_NS + 1
        self.load_due_ns += n_periods * _PERIOD_NS
        active = n_active * _FIXED_1
        for _ in range(min(n_periods, _MOST_PERIODS)):
            self.averages = [
                (load * decay + active * (_FIXED_1 - decay) + (_FIXED_1 - 1 if active >= load else 0)) // _FIXED_1
                for load, decay in zip(self.averages, _DECAYS, strict=True)
            ]
