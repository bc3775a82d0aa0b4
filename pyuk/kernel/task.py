"""Tasks and processes: a task is a thread, a process what its threads share."""

from __future__ import annotations

from pyuk.abi.signal import SI_KERNEL
from pyuk.kernel.pending import PendingSignals
from pyuk.kernel.usage import Times, Usage
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.types import Tid, UserAddr
    from pyuk.fs.context import FsContext
    from pyuk.fs.file import FdTable
    from pyuk.fs.tty.device import Tty
    from pyuk.kernel.crash import Crash
    from pyuk.kernel.creds import Credentials
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.limits import Limits
    from pyuk.kernel.ptrace import Tracee
    from pyuk.kernel.runqueue import Entry
    from pyuk.kernel.scheduler import Sleep
    from pyuk.kernel.seccomp import Guard
    from pyuk.kernel.signals import SignalActions
    from pyuk.kernel.timers import PosixTimer, Timer
    from pyuk.loader.load import Loaded
    from pyuk.mm.backing import Backing
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.usermem import UserMemory

DEFAULT_TIMER_SLACK_NS = 50_000  # init/init_task.c
DEFAULT_DUMP_FILTER = 0x33  # include/linux/sched/coredump.h, with CONFIG_CORE_DUMP_DEFAULT_ELF_HEADERS
NO_LOGIN = (1 << 32) - 1
OOM_SCORE_ADJ_MIN = -1000  # include/uapi/linux/oom.h

SYSCALLS, EMULATED, STEP = 1 << 0, 1 << 1, 1 << 2
"""Bits of Tracee.mode: stop at the next system call; and do not make it; stop after the next instruction."""

# Bits of Task.work: what the kernel has to do beside the call itself. 0 is the fast path.
TRACED, SIGNAL_PENDING, PTRACED, GUARDED = 1 << 0, 1 << 1, 1 << 2, 1 << 3
"""By pyuk; a signal; by another guest; by seccomp(2)."""
WAS_STOPPED = 1 << 6
"""It has stopped on its way out of a call that is not settled yet: Task.interrupted."""


class Settings:
    """What /proc lets a process set for itself and its children to come (proc(5))."""

    __slots__ = ("coredump_filter", "loginuid", "oom_score_adj", "oom_score_adj_min")

    def __init__(self) -> None:
        self.coredump_filter = DEFAULT_DUMP_FILTER
        self.loginuid = NO_LOGIN
        self.oom_score_adj = self.oom_score_adj_min = 0

    def badness(self, mm: AddressSpace, n_frames: int) -> int:
        """How good it would be to kill whose memory this is, in pages (oom_badness); of all of n_frames.

        Who must not be killed (-1000) is less than nothing.
        """
        if self.oom_score_adj == OOM_SCORE_ADJ_MIN:
            return -n_frames
        return mm.rss_pages + mm.page_table.n_tables + self.oom_score_adj * (n_frames // 1000)

    def copy(self) -> Settings:
        """A child's own, equal at first."""
        twin = Settings()
        for name in self.__slots__:
            setattr(twin, name, getattr(self, name))
        return twin


class Process:
    """A thread group: what getpid(2) names.

    `status` is None while it lives; then the exit code, or -signo where a signal ended it. A process
    that has ended stays in its parent's `children` until it is waited for.
    """

    __slots__ = (
        "child_changed",
        "children",
        "children_max_rss_kib",
        "children_system_ns",
        "children_usage",
        "children_user_ns",
        "cpu_timers",
        "crash",
        "dumpable",
        "dumped_core",
        "ended",
        "exe",
        "exit_signal",
        "group_exit",
        "has_execed",
        "interval_timers",
        "is_stopped",
        "is_subreaper",
        "leader",
        "limits",
        "loaded",
        "max_rss_kib",
        "news",
        "next_timer",
        "old_tty_pgid",
        "outer_parent_pid",
        "parent",
        "pending",
        "pgid",
        "pid",
        "posix_timers",
        "settings",
        "sid",
        "status",
        "stop_signal",
        "tasks",
        "times",
        "tracees",
        "tty",
        "uid_at_end",
        "vfork_done",
    )  # fmt: skip

    def __init__(self, pid: Tid, parent: Process | None, limits: Limits) -> None:
        self.pid = pid
        self.parent = parent
        self.pgid: Tid = pid if parent is None else parent.pgid
        self.sid: Tid = pid if parent is None else parent.sid
        self.tty: Tty | None = None if parent is None else parent.tty
        """Its controlling terminal, which is its session's."""
        self.old_tty_pgid = 0
        """The foreground of the terminal that has hung up, which hears of the session leader's end; 0: none."""
        self.limits = limits
        self.tasks: list[Task] = []
        """Its threads, the oldest first; empty once it has ended."""
        self.leader: Task
        """The thread whose tid is the pid: it may be dead before the others, and is what /proc shows of a zombie."""
        self.children: list[Process] = []
        self.child_changed = WaitQueue()
        """Woken when a child has ended, stopped or gone on."""
        self.news: int | None = None
        """What wait4(2) has not been told yet of a stop (the signal) or of its end (SIGCONT)."""
        self.vfork_done = WaitQueue()
        self.exit_signal = 0
        self.has_execed = False
        self.pending = PendingSignals()
        """Signals to the process as a whole, for whichever thread does not block them."""
        self.exe: Backing
        """The file of /proc/PID/exe, held once."""
        self.loaded: Loaded
        """Where the program, its arguments and its environment were put."""
        self.status: int | None = None
        self.group_exit: int | None = None
        """What `status` will be when all threads have ended, which may wait for tracers."""
        self.is_stopped = False
        """By job control: all threads have stopped, but for those that a tracer has let go on since."""
        self.stop_signal = 0
        """The last that did."""
        self.tracees: list[Tracee] = []
        """The threads that threads of this process trace."""
        self.dumped_core = False
        self.dumpable = 1
        self.is_subreaper = False
        self.outer_parent_pid = 0
        """Of one whose parent is no guest: 0 for the first, 1 (init) for orphans."""
        self.uid_at_end = 0
        """The real user id that its SIGCHLD tells."""
        self.ended = Usage()
        """What the threads that have ended had used."""
        self.times = Times()
        self.max_rss_kib = 0
        """Of the address spaces it has left."""
        self.children_usage = Usage()
        """What the children that have been waited for had used, and theirs."""
        self.children_user_ns = self.children_system_ns = self.children_max_rss_kib = 0
        self.cpu_timers: list[Timer] = []
        """Those that watch its CPU time and are armed."""
        self.interval_timers: dict[int, Timer] = {}
        self.posix_timers: dict[int, PosixTimer] = {}
        self.next_timer = 0
        self.crash: Crash | None = None
        self.settings: Settings = Settings() if parent is None else parent.settings.copy()

    @property
    def parent_pid(self) -> int:
        """getppid(2)."""
        return self.outer_parent_pid if self.parent is None else self.parent.pid


class Task:
    """One thread. Everything of it is here: the CPU's registers are its own only while it runs."""

    __slots__ = (
        "actions",
        "affinity",
        "altstack",
        "awaited",
        "blocked",
        "clear_child_tid",
        "comm",
        "cpu",
        "creds",
        "files",
        "frame",
        "fs",
        "guard",
        "interrupted",
        "is_dead",
        "is_ready",
        "is_stopped",
        "kernel",
        "mem",
        "mm",
        "nice",
        "no_new_privs",
        "parent_death_signal",
        "pending",
        "personality",
        "policy",
        "process",
        "rdtsc_is_forbidden",
        "realtime_priority",
        "resets_on_fork",
        "restart",
        "restore_blocked",
        "robust_list",
        "rseq",
        "sleep",
        "start_ns",
        "tid",
        "timer_slack_ns",
        "times",
        "traced_outside",
        "tracee",
        "turn",
        "turn_ns",
        "usage",
        "virtual_ns",
        "work",
    )  # fmt: skip

    def __init__(
        self, kernel: Kernel, process: Process, creds: Credentials, files: FdTable, fs: FsContext,
        actions: SignalActions, tid: Tid | None = None,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.process = process
        self.tid: Tid = process.pid if tid is None else tid
        self.creds = creds
        self.files = files
        self.fs = fs
        self.actions = actions
        self.mm: AddressSpace
        self.mem: UserMemory
        self.comm = b""
        self.usage = Usage()
        self.times = Times()
        self.start_ns = kernel.clock.boottime_ns()
        """When it began, on CLOCK_BOOTTIME."""
        self.is_dead = False
        """It has ended: memory, files and fs are no longer its own."""
        self.restart: Callable[[], int] | None = None
        """What restart_syscall(2) goes on with."""
        self.policy = self.realtime_priority = self.nice = 0
        self.resets_on_fork = False
        self.personality = 0
        self.frame: bytes | None = None
        """The CPU's state while another task runs; None before the first time, and while it runs itself."""
        self.sleep: Sleep | None = None
        """The system call it sleeps in."""
        self.is_ready = False
        self.virtual_ns = self.turn_ns = self.cpu = self.affinity = 0
        """What it has had of the CPU, weighed by its nice value; and since it last came to it. Which CPU it is told
        that it runs on, and on which it may, a mask; 0: on all."""
        self.turn: Entry | None = None
        """Its place in the queue."""
        """It is in the scheduler's queue."""
        self.is_stopped = False
        """By job control: it runs when it is continued, whatever wakes it."""
        self.tracee: Tracee | None = None
        """What there is of it because it is traced."""
        self.guard: Guard | None = None
        """What seccomp(2) allows it; everything."""
        self.traced_outside = False
        """It has asked a parent that is no guest to trace it (PTRACE_TRACEME), which never stops it."""
        self.blocked = 0
        """sigset: bit signo - 1."""
        self.interrupted: int | None = None
        """With WAS_STOPPED: the number of the call, if it may be made again."""
        self.awaited = 0
        """The set that rt_sigtimedwait(2) sleeps for: these wake it although they are blocked."""
        self.restore_blocked: int | None = None
        """The mask to put back once a handler's frame has been built with it (rt_sigsuspend, ppoll)."""
        self.pending = PendingSignals()
        self.altstack: tuple[int, int, int] = (0, 0, 0)
        """ss_sp, ss_flags, ss_size of sigaltstack(2); without a size there is none."""
        self.clear_child_tid: UserAddr | int = 0
        self.robust_list: UserAddr | int = 0
        self.rseq: tuple[int, int, int] | None = None
        """Address, length and signature as registered."""
        self.parent_death_signal = 0
        self.no_new_privs = self.rdtsc_is_forbidden = False
        """prctl(2): PR_SET_NO_NEW_PRIVS; PR_SET_TSC, with which to read the counter is SIGSEGV."""
        self.timer_slack_ns = DEFAULT_TIMER_SLACK_NS
        self.work = 0

    @property
    def limits(self) -> Limits:
        """The limits of the process."""
        return self.process.limits

    @property
    def tracer(self) -> Task | None:
        """Who traces it (ptrace(2))."""
        return None if self.tracee is None else self.tracee.tracer

    def send_signal(self, signo: int, *, by_kernel: bool = False) -> None:
        """What send_sig(signo, current, 0) does: the task signals itself, as for a broken pipe.

        by_kernel: it is told so, as by send_sig(signo, current, 1).
        """
        from pyuk.kernel.signals import Siginfo, from_kill, send  # noqa: PLC0415

        send(self, Siginfo(signo, SI_KERNEL) if by_kernel else from_kill(self, signo))
