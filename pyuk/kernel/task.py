"""Tasks: a thread each, with what threads of one process share behind references."""

from __future__ import annotations

from pyuk.abi.types import Tid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import UserAddr
    from pyuk.fs.context import FsContext
    from pyuk.fs.file import FdTable
    from pyuk.kernel.crash import Crash
    from pyuk.kernel.creds import Credentials
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.limits import Limits
    from pyuk.kernel.signals import Siginfo, SignalActions
    from pyuk.loader.load import Loaded
    from pyuk.mm.backing import Backing
    from pyuk.mm.space import AddressSpace
    from pyuk.mm.usermem import UserMemory

NO_PARENT = Tid(0)
"""getppid(2) of a process whose parent is no guest."""
DEFAULT_TIMER_SLACK_NS = 50_000  # init/init_task.c

# Bits of Task.work: what the kernel has to do beside the call itself. 0 is the fast path.
TRACED, SIGNAL_PENDING = 1 << 0, 1 << 1


class Process:
    """A thread group: what getpid(2) names.

    `status` is None while it lives; then the exit code, or -signo where a signal ended it.
    """

    __slots__ = (
        "crash", "dumpable", "dumped_core", "exe", "is_subreaper", "limits", "loaded", "parent_pid", "pgid", "pid",
        "sid", "status",
    )  # fmt: skip

    def __init__(self, pid: Tid, parent_pid: Tid, limits: Limits) -> None:
        self.pid = self.pgid = self.sid = pid
        self.parent_pid = parent_pid
        self.limits = limits
        self.exe: Backing
        """The file of /proc/PID/exe, held once."""
        self.loaded: Loaded
        """Where the program, its arguments and its environment were put."""
        self.status: int | None = None
        self.dumped_core = False
        self.dumpable = 1
        self.is_subreaper = False
        self.crash: Crash | None = None


class Task:
    """One thread. Everything of it is here: the CPU's registers are its own only while it runs."""

    __slots__ = (
        "actions", "altstack", "blocked", "clear_child_tid", "comm", "creds", "files", "fs", "kernel", "mem", "mm",
        "no_new_privs", "parent_death_signal", "pending", "process", "robust_list", "rseq", "tid", "timer_slack_ns",
        "work",
    )  # fmt: skip

    def __init__(
        self, kernel: Kernel, process: Process, creds: Credentials, files: FdTable, fs: FsContext,
        actions: SignalActions,
    ) -> None:  # fmt: skip
        self.kernel = kernel
        self.process = process
        self.tid: Tid = process.pid
        self.creds = creds
        self.files = files
        self.fs = fs
        self.actions = actions
        self.mm: AddressSpace
        self.mem: UserMemory
        self.comm = b""
        self.blocked = 0
        """sigset: bit signo - 1."""
        self.pending: list[Siginfo] = []
        self.altstack: tuple[int, int, int] = (0, 0, 0)
        """ss_sp, ss_flags, ss_size of sigaltstack(2); without a size there is none."""
        self.clear_child_tid: UserAddr | int = 0
        self.robust_list: UserAddr | int = 0
        self.rseq: tuple[int, int, int] | None = None
        """Address, length and signature as registered."""
        self.parent_death_signal = 0
        self.no_new_privs = False
        self.timer_slack_ns = DEFAULT_TIMER_SLACK_NS
        self.work = 0

    @property
    def limits(self) -> Limits:
        """The limits of the process."""
        return self.process.limits

    def send_signal(self, signo: int, code: int = 0x80) -> None:
        """Make a signal pending from the kernel (SI_KERNEL unless said)."""
        from pyuk.kernel.signals import Siginfo, send  # noqa: PLC0415

        send(self, Siginfo(signo, code))
