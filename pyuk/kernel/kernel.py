"""The kernel: the tasks of one machine, which of them runs, and how a process ends."""

from __future__ import annotations

from pyuk.abi.syscall import find
from pyuk.abi.errno import ENOSYS, SyscallError
from pyuk.abi.signal import SI_KERNEL, SIGKILL
from pyuk.abi.types import Tid
from pyuk.kernel import dispatch, faults, signals
from pyuk.kernel.faults import LastFault
from pyuk.kernel.signals import DUMPS_CORE, Siginfo
from pyuk.kernel.task import SIGNAL_PENDING, TRACED, Process, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from pyuk.abi.syscall import Declaration
    from pyuk.machine.cpu import RegisterFile
    from pyuk.machine.machine import Machine
    from pyuk.mm.pagecache import PageCache

    class Clock(Protocol):
        """kernel/clock.py has two."""

        def realtime_ns(self) -> int: ...
        def monotonic_ns(self) -> int: ...
        def boottime_ns(self) -> int: ...
        def cpu_ns(self) -> int: ...
        def sleep_ns(self, duration_ns: int) -> bool: ...

    class Random(Protocol):
        """kernel/randomness.py has two."""

        def bytes(self, n_bytes: int) -> bytes: ...

    class Tracer(Protocol):
        """What a watcher of system calls is told (trace/strace.py)."""

        stack_pointer: Callable[[], int] | None

        def exec(self, task: Task, path: bytes, argv: Sequence[bytes], envp_at: int, n_environment: int) -> None: ...
        def enter(
            self, task: Task, declaration: Declaration | None, number: int, arguments: tuple[int, ...]
        ) -> None: ...
        def leave(
            self, task: Task, declaration: Declaration | None, number: int, arguments: tuple[int, ...], result: int
        ) -> None: ...
        def signal(self, task: Task, info: Siginfo) -> None: ...
        def exited(self, task: Task, status: int) -> None: ...
        def killed(self, task: Task, signo: int, dumped: bool) -> None: ...  # noqa: FBT001


FIRST_PID = 1000
"""Fixed, so that traces repeat."""


class Identity:
    """struct new_utsname (uname(2)): what kernel this says it is."""

    __slots__ = ("domainname", "machine", "nodename", "release", "sysname", "version")

    def __init__(self, nodename: str) -> None:
        self.sysname = "Linux"
        self.nodename = nodename
        self.release = "6.1.0-pyuk"
        self.version = "#1 SMP PREEMPT_DYNAMIC pyuk"
        self.machine = "x86_64"
        self.domainname = "(none)"


class Kernel:
    """One per machine. `current` is the task whose registers are in the CPU."""

    current: Task
    entries: dict[int, Callable[[Task, RegisterFile], int]]

    def __init__(self, machine: Machine, cache: PageCache, clock: Clock, random: Random, identity: Identity) -> None:
        self.machine = machine
        self.cache = cache
        self.clock = clock
        self.random = random
        self.identity = identity
        self.tasks: dict[Tid, Task] = {}
        self.tracer: Tracer | None = None
        self.last_fault = LastFault()
        self.messages: list[str] = []
        """What a console would show (an OOM kill); the system hands it on."""
        self._next_pid = FIRST_PID
        machine.cpu.attach(dispatch.make_entry(self), self._on_trap)
        machine.cpu.on_tick = self._on_tick

    def new_pid(self) -> Tid:
        """Pids are never used twice in one kernel."""
        pid = Tid(self._next_pid)
        self._next_pid += 1
        return pid

    def add(self, task: Task) -> None:
        """A new task; it is watched if there is a tracer."""
        self.tasks[task.tid] = task
        if self.tracer is not None:
            task.work |= TRACED

    def run(self, task: Task) -> int:
        """Run a task until its process has ended; gives its status (Process.status)."""
        self.current = task
        cpu = self.machine.cpu
        cpu.load_space(task.mm.page_table)
        cpu.expect_growth()
        while task.process.status is None:
            cpu.run()
        return task.process.status

    def call(self, task: Task, number: int, arguments: tuple[int, ...]) -> int:
        """A system call made by the kernel itself, without the entry's order of things."""
        declaration = find(number)
        if declaration is None:
            raise SyscallError(ENOSYS)
        return declaration.handler(task, *arguments)

    def _on_trap(self, vector: int) -> None:
        task = self.current
        faults.handle(task, vector)
        if task.work & SIGNAL_PENDING:
            signals.deliver(task)

    def _on_tick(self) -> None:
        """Between slices: what came from outside while the guest was busy."""
        if self.current.work & SIGNAL_PENDING:
            signals.deliver(self.current)

    def host_signal(self, signo: int) -> None:
        """A signal to pyuk is one to the guest that runs. Called by a Python signal handler, at any point here."""
        signals.send(self.current, Siginfo(signo, SI_KERNEL))

    def saw_signal(self, task: Task, info: Siginfo) -> None:
        """A signal is about to be acted on."""
        if self.tracer is not None and task.work & TRACED:
            self.tracer.signal(task, info)

    def end_process(self, task: Task, status: int, info: Siginfo | None = None) -> None:
        """exit_group(2) or death by a signal: the memory and the files go, the status stays.

        status: the exit code, or -signo.
        """
        process = task.process
        process.status = status
        if info is not None:
            from pyuk.kernel.crash import Crash  # noqa: PLC0415

            cpu = self.machine.cpu
            regs = list(cpu.regs)
            process.crash = Crash(info, regs, cpu.rflags, cpu.code_at(regs[16]), task.mm.maps())
            process.dumped_core = False
        if self.tracer is not None and task.work & TRACED:
            if status >= 0:
                self.tracer.exited(task, status)
            else:
                self.tracer.killed(task, -status, process.dumped_core)
        task.work = 0
        self.machine.cpu.stop()
        task.files.close_all()
        del self.tasks[task.tid]

    def reap(self, task: Task) -> None:
        """Free the address space of a process that has ended; not from inside its own trap."""
        self.machine.cpu.unload_space()
        task.mm.destroy()

    def out_of_memory(self, task: Task) -> None:
        """No frame is left for a fault that cannot be refused: the process is killed (mm/oom_kill.c)."""
        rss_kib = task.mm.rss_pages * 4
        self.messages.append(
            f"Out of memory: Killed process {task.process.pid} ({task.comm.decode(errors='replace')}) rss:{rss_kib}kB"
        )
        signals.force(task, Siginfo(SIGKILL, SI_KERNEL))


def core_would_be_dumped(signo: int) -> bool:
    """Whether the default action of signo is "core" (signal(7))."""
    return signo in DUMPS_CORE


__all__ = ["FIRST_PID", "Identity", "Kernel", "Process"]
