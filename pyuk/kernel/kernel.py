"""The kernel: the tasks of one machine, which of them runs, and how a process ends."""

from __future__ import annotations

from pyuk.abi.errno import ENOSYS, SyscallError
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_CPU
from pyuk.abi.signal import SI_KERNEL, SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTSTP, SIGWINCH
from pyuk.abi.syscall import find
from pyuk.abi.types import Tid
from pyuk.kernel import dispatch, faults, lifecycle, signals
from pyuk.kernel.accounts import Accounts
from pyuk.kernel.faults import LastFault
from pyuk.kernel.runqueue import charge
from pyuk.kernel.scheduler import Scheduler, Sleep
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.task import SIGNAL_PENDING, TRACED, WAS_STOPPED
from pyuk.kernel.usage import settle_faults
from pyuk.machine.cpu import BREAKPOINT, DEBUG
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyuk.fs.locks import LockTable
    from pyuk.fs.notify import Notifier
    from pyuk.kernel.coredump import CoreSink
    from pyuk.kernel.futex import FutexWait
    from pyuk.kernel.protocols import Clock, Random, Tracer
    from pyuk.kernel.ptrace import Tracee
    from pyuk.kernel.sessions import Sessions
    from pyuk.kernel.slices import Slices
    from pyuk.kernel.task import Process, Task
    from pyuk.kernel.timekeeper import Timekeeper
    from pyuk.loader.vdso import Vdso
    from pyuk.machine.cpu import Cpu, RegisterFile
    from pyuk.machine.machine import Machine
    from pyuk.machine.traptimer import TrapTimer
    from pyuk.mm.pagecache import PageCache
    from pyuk.net.network import Network
    from pyuk.wait.park import Park

_JIFFY_NS, _FREQUENT_NS = 4_000_000, 20_000_000
"""Between ticks: where CPU time is waited for, as at CONFIG_HZ=250, and where something is to be looked at then."""
_N_TICKS_PER_LOOK = 16
_DEBUG_TRAPS = (DEBUG, BREAKPOINT)
_OF_TERMINALS = (SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGWINCH)
FIRST_PID = 1000
"""Fixed, so that traces repeat."""


class Identity:
    """struct new_utsname (uname(2)): what kernel this says it is."""

    __slots__ = ("boot_id", "domainname", "machine", "nodename", "release", "sysname", "version")

    def __init__(self, nodename: str) -> None:
        self.sysname = "Linux"
        self.nodename = nodename
        self.release = "6.1.0-pyuk"
        self.version = "#1 SMP PREEMPT_DYNAMIC pyuk"
        self.machine = "x86_64"
        self.domainname = "(none)"
        self.boot_id = ""
        """Of /proc/sys/kernel/random; made when it is first read."""


class Kernel:
    """One per machine. `current` is the task whose registers are in the CPU."""

    current: Task
    entries: dict[int, Callable[[Task, RegisterFile], int]]
    is_unattended: Callable[[], bool] | None = None
    """Whether nobody outside could make the first process go on after a stop. Without it: somebody can."""
    on_stop: Callable[[int], object] | None = None
    """Called by whoever called `run` when a signal has stopped the first process: its parent is outside."""
    stopped_by = 0
    """`run` has ended for that: the signal."""
    _sessions: Sessions | None = None

    def __init__(self, machine: Machine, cache: PageCache, clock: Clock, random: Random, identity: Identity) -> None:
        self.machine = machine
        self.cache = cache
        self.clock = clock
        self.random = random
        self.identity = identity
        self.tasks: dict[Tid, Task] = {}
        self.processes: dict[Tid, Process] = {}
        self.init: Process | None = None
        """Who gets the children of processes that end before them."""
        self.tracees: dict[int, Tracee] = {}
        """The traced threads by tid, those included whose end their tracers have not been told yet."""
        self.scheduler = Scheduler(clock)
        self.futexes: dict[tuple[object, int], list[FutexWait]] = {}
        """Who sleeps on which word, in the order they came."""
        self.locks: LockTable | None = None
        """The locks on files; made with the first."""
        self.notifier: Notifier | None = None
        """Who watches which files; made with the first inotify."""
        self.handles: dict[bytes, bytes] = {}
        """File handles that were given out, the oldest first, and the paths that they stand for."""
        self.vdso: Vdso | None = None
        """What every new program is given (AT_SYSINFO_EHDR)."""
        self.tracer: Tracer | None = None
        self.last_fault = LastFault()
        self.on_memory_end: Callable[[Task], object] | None = None
        """Called with the last user of an address space before that is freed, by exit or execve.

        Who adds a user to it keeps it.
        """
        self.on_process_end: Callable[[Task], object] | None = None
        """Called with the thread that ends its process, while that has its threads and its memory."""
        self.open_core: Callable[[Task], CoreSink] | None = None
        """Where core files go, whatever RLIMIT_CORE says; None for the process's working directory."""
        self.on_trap: Callable[[Task, int], bool] | None = None
        """Called for #DB and #BP before they become signals: whether they are none of the guest's business."""
        self.on_idle: Callable[[], object] | None = None
        """Called when everybody waits for somebody else. Without it that is a deadlock, and they are killed."""
        self.messages: list[str] = []
        """What a console would show (an OOM kill); the system hands it on."""
        self.make_network: Callable[[], Network]
        """Called once, for the first socket."""
        self.slices: Slices | None = None
        """Who says how long a task may run; without it the ticker does."""
        self.timekeeper: Timekeeper | None = None
        """`clock`, as soon as a program has read it through the vDSO."""
        self._network: Network | None = None
        self.n_cpus = 1
        """How many CPUs processes are told of; there is one."""
        self.accounts = Accounts(clock.boottime_ns())
        self.proc_files: dict[bytes, Callable[[], bytes | Iterable[bytes]]] = {}
        """What other rooms show in /proc, by path: net/tcp, sysvipc/msg. A text, or records of one."""
        self._is_interrupted = False
        self._come_back: Callable[[Task], None] = self._import_come_back
        self._loaded: Task | None = None  # whose registers the CPU has
        self._awaited: Process | None = None  # whose end `run` waits for
        self._charged_ns = clock.cpu_ns()
        self._next_pid = FIRST_PID
        self._trap_timer: TrapTimer | None = None
        self._entry = dispatch.make_entry(self)
        self._attach(machine.cpu)

    def _attach(self, cpu: Cpu) -> None:
        """What the CPU calls, and when it is interrupted."""
        cpu.attach(self._entry, self._on_trap)
        cpu.on_tick = self._on_tick
        cpu.on_switch = self._switch
        self.scheduler.on_better = self._give_way
        if cpu.ticker is not None:
            self.scheduler.ticker = cpu.ticker
            cpu.ticker.plan = self._plan_tick

    @property
    def network(self) -> Network:
        """What all sockets share; most programs have none."""
        if self._network is None:
            self._network = self.make_network()
        return self._network

    @property
    def tsc_khz(self) -> int:
        """How fast `rdtsc` goes: as it is measured when this is first asked, or in ns, as a virtual clock has it."""
        accounts = self.accounts
        if not accounts.tsc_khz:
            if self.timekeeper is None:
                self.keep_time()
            accounts.tsc_khz = 1_000_000 if self.timekeeper is None else self.timekeeper.counter_khz
        return accounts.tsc_khz

    def keep_time(self) -> None:
        """A program is about to read the page from which the vDSO tells the time."""
        if not self.clock.goes_by_itself or self.machine.cpu.ticker is None or self.vdso is None:
            return
        from pyuk.kernel.timekeeper import Timekeeper  # noqa: PLC0415  # many programs never ask for the time
        from pyuk.machine.tsc import open_counter  # noqa: PLC0415

        counter = open_counter()
        if counter is not None:
            self.timekeeper = Timekeeper(self.clock, counter, self.vdso.data.data)
            self.clock = self.scheduler.clock = self.timekeeper

    def new_pid(self) -> Tid:
        """Pids are never used twice in one kernel."""
        pid = Tid(self._next_pid)
        self._next_pid += 1
        return pid

    @property
    def last_pid(self) -> int:
        """The newest pid or tid."""
        return self._next_pid - 1

    def add(self, task: Task) -> None:
        """A new task. If there is a tracer, who was started from outside is watched; of others, who is told to be."""
        self.tasks[task.tid] = task
        self.processes.setdefault(task.process.pid, task.process)
        task.process.tasks.append(task)
        if task.tid == task.process.pid:
            task.process.leader = task
        self.accounts.n_forks += 1
        if self.init is None:
            self.init = task.process
        tracer = self.tracer
        if tracer is not None:
            is_first = task.process.parent is None and task.tid == task.process.pid
            if is_first or tracer.follows:
                task.work |= TRACED
                tracer.attached(task, is_first=is_first)

    # The CPU goes from task to task

    def run(self, process: Process | None = None) -> None:
        """Run everybody until this process has ended, or until somebody calls `pause`."""
        cpu, scheduler = self.machine.cpu, self.scheduler
        self._awaited = process
        while not self._is_over():
            while self._take_next():
                cpu.run()
            if self._trap_timer is not None and self._trap_timer.is_open:
                self._trap_timer.end()
            if self._is_over():
                break
            if not scheduler.wait():
                if not scheduler.is_paused:
                    (self.on_idle or self._end_deadlock)()
            elif scheduler.has_slept:
                scheduler.has_slept = False
                self.accounts.sample_load(self.clock.peek_ns(), 0)
                self.cache.notice_cuts()

    def sessions(self) -> Sessions:
        """What terminals ask."""
        if self._sessions is None:
            from pyuk.kernel.sessions import Sessions  # noqa: PLC0415  # most programs never see a terminal

            self._sessions = Sessions(self)
        return self._sessions

    def pause(self) -> None:
        """End `run` before the guest goes on. Nothing is lost: after `scheduler.is_paused = False` it can go on.

        Another thread may call this: it takes effect at the next trap or at the end of the time slice.
        """
        self.scheduler.is_paused = True
        self.machine.cpu.switch()
        self.machine.cpu.interrupt()

    def _plan_tick(self) -> float:
        """When the running task has to be interrupted, in seconds. In the ticker's thread: what it sees may change."""
        ns = self.scheduler.tick_ns()
        process = self.current.process
        if process.cpu_timers:
            ns = min(ns, _JIFFY_NS)
        elif self.timekeeper is not None or process.limits.soft[RLIMIT_CPU] != RLIM64_INFINITY:
            ns = min(ns, _FREQUENT_NS)
        self.scheduler.tick_at_ns = self.clock.peek_ns() + ns
        return self.clock.host_ns(ns) / 1e9

    def _is_over(self) -> bool:
        awaited = self._awaited
        return self.scheduler.is_paused or (awaited is not None and awaited.status is not None)

    def _switch(self) -> bool:
        """The task that has the CPU does not go on, or not now: somebody else does, if anybody is ready.

        Called inside the engine's hooks.
        """
        task, was_interrupted = self.current, self._is_interrupted
        self._is_interrupted = False
        if task.sleep is not None or task.tid not in self.tasks:
            return self._take_next()
        self.scheduler.put_back(task, first=was_interrupted)
        goes_on = self._take_next()
        if self.current is not task:
            task.usage.n_involuntary += 1
            self.accounts.n_switches += 1
        return goes_on

    def _take_next(self) -> bool:
        """Give the CPU to the first that is ready and whose call, if it sleeps in one, has come to its end."""
        while not self._is_over():
            task = self.scheduler.next()
            if task is None:
                return False
            self.load(task)
            if self.slices is not None:
                self.slices.begin()
            if task.sleep is None:
                if task.work & (SIGNAL_PENDING | WAS_STOPPED) and not self._is_left_by_signals(task):
                    continue
                return True
            if self._wake_up(task):
                return True
        return False

    def take_cpu(self, task: Task) -> None:
        """A new task's registers are about to be set: those of the last one are kept."""
        self.charge()
        if self._loaded is not None:
            self._loaded.frame = self.machine.cpu.save()
        self._loaded = self.current = task

    def end_all(self) -> None:
        """Kill what still lives, and forget the zombies."""
        for tracee in list(self.tracees.values()):
            tracee.unlink()
        for task in list(self.tasks.values()):
            if task.tid in self.tasks:
                self.current = task
                lifecycle.end_process(self, task, -SIGKILL, None)
        self.processes.clear()
        self.init = None

    def load(self, task: Task) -> None:
        """Give the CPU to a task; the state of the last one is kept until it is its turn again."""
        cpu = self.machine.cpu
        last = self._loaded
        self.current = task
        self.scheduler.running = task
        task.turn_ns = 0
        if last is task:
            return
        self.charge()
        if last is not None:
            last.frame = cpu.save()
            if last.mm.users > 1:
                settle_faults(last)
        if self._trap_timer is not None and self._trap_timer.is_open:
            self._trap_timer.change_owner(task)
        self._loaded = task
        cpu.load_space(task.mm.page_table)
        if task.frame is not None:
            cpu.restore(task.frame)
            task.frame = None
        if self.n_cpus > 1:
            cpu.tell_number(task.cpu)
        if task.rseq is not None:
            self._come_back(task)

    def tell_cpu(self, task: Task) -> None:
        """The task is on another CPU, as it is told."""
        if task is self._loaded:
            self.machine.cpu.tell_number(task.cpu)
        if task.rseq is not None:
            from pyuk.kernel import rseq  # noqa: PLC0415

            rseq.migrate(task)

    def _import_come_back(self, task: Task) -> None:
        from pyuk.kernel.rseq import come_back  # noqa: PLC0415  # a program that is alone never does

        self._come_back = come_back
        come_back(task)

    def charge(self) -> None:
        """CPU time since the last charge was that of the task whose registers the CPU has."""
        now_ns = self.clock.cpu_ns()
        if self._loaded is not None:
            self._loaded.usage.cpu_ns += now_ns - self._charged_ns
            charge(self._loaded, now_ns - self._charged_ns)
        self._charged_ns = now_ns

    def step_back(self, task: Task) -> None:
        """The task that runs lets another go first."""
        self.scheduler.queue.step_back(task)
        self.machine.cpu.switch()

    def _give_way(self) -> None:
        """Somebody better has become ready: the task that runs comes back before those of its rank."""
        self._is_interrupted = True
        self.machine.cpu.switch()

    def sleep(self, task: Task, park: Park, number: int, arguments: tuple[int, ...] = ()) -> None:
        """The call that `task` has made cannot end yet: run somebody else until it can."""
        self.begin_sleep(task, Sleep(self.scheduler, task, park, number, arguments))

    def begin_sleep(self, task: Task, sleep: Sleep) -> None:
        """Run somebody else until this is over."""
        task.sleep = sleep
        sleep.enqueue()
        if task.work & SIGNAL_PENDING:
            sleep.wake()
        task.usage.n_voluntary += 1
        self.accounts.n_switches += 1
        self.machine.cpu.switch()

    def _wake_up(self, task: Task) -> bool:
        """Go on with the call that a task slept in; false if it sleeps again."""
        sleep = task.sleep
        assert sleep is not None  # noqa: S101
        if sleep.is_special:
            return sleep.go_on(self)
        operation = sleep.operation
        try:
            if sleep.is_timed_out:
                result = operation.timed_out()
            elif task.work & SIGNAL_PENDING:
                try:
                    result = operation.step()  # what has come in the meantime counts before the signal
                except WouldBlock:
                    result = operation.interrupted()
            else:
                result = operation.step()
        except WouldBlock as blocked:
            sleep.wait_again(blocked)
            task.usage.n_voluntary += 1
            self.accounts.n_switches += 1
            return False
        except SyscallError as error:
            result = -error.errno
        operation.close()
        task.sleep = None
        dispatch.finish(self, task, sleep.number, sleep.arguments, result)
        return self.may_run(task)

    def may_run(self, task: Task) -> bool:
        """Whether a task that has just been in the kernel goes on to user mode: neither dead nor stopped."""
        return not task.is_dead and task.sleep is None and not task.is_stopped

    def _is_left_by_signals(self, task: Task) -> bool:
        """Act on the signals that came while another had the CPU; whether the task may still run."""
        if task.tracee is not None and not task.tracee.is_new and not task.work & WAS_STOPPED:
            task.tracee.orig_rax = -1
        signals.deliver(task)
        return self.may_run(task)

    def _end_deadlock(self) -> None:
        """Everybody waits for somebody else, and no signal can come from outside."""
        self.messages.append("all processes wait for each other: killed")
        for task in list(self.tasks.values()):
            signals.send(task, Siginfo(SIGKILL, SI_KERNEL))

    def call(self, task: Task, number: int, arguments: tuple[int, ...]) -> int:
        """A system call made by the kernel itself, without the entry's order of things."""
        declaration = find(number)
        if declaration is None:
            raise SyscallError(ENOSYS)
        return declaration.handler(task, *arguments)

    def _on_trap(self, vector: int) -> None:
        task = self.current
        if vector in _DEBUG_TRAPS and self.on_trap is not None and self.on_trap(task, vector):
            return
        faults.handle(task, vector)
        if task.work & SIGNAL_PENDING:
            if task.tracee is not None:
                task.tracee.orig_rax = -1
            signals.deliver(task)

    def _on_tick(self) -> None:
        """Between slices: what came from outside while the guest was busy, and whose turn it is."""
        accounts = self.accounts
        accounts.n_ticks += 1
        if not accounts.n_ticks % _N_TICKS_PER_LOOK:
            accounts.sample_load(self.clock.peek_ns(), 1 + self.scheduler.n_ready)
        self.scheduler.look()
        if self.scheduler.is_paused:
            self.machine.cpu.switch()
        self.cache.notice_cuts()
        if self.timekeeper is not None:
            self.timekeeper.look()
        if self.slices is not None:
            self.slices.begin()
        task = self.current
        process = task.process
        if process.cpu_timers or process.limits.soft[RLIMIT_CPU] != RLIM64_INFINITY:
            from pyuk.kernel.timers import check_cpu  # noqa: PLC0415  # most programs have neither

            self.charge()
            check_cpu(process)
        if task.work & SIGNAL_PENDING and not self._is_left_by_signals(task):
            return
        if self.scheduler.has_others and not task.is_ready:
            self.charge()
            if self.scheduler.queue.yields_to(task, is_slice_over=True):
                self.machine.cpu.switch()
        if self.clock.goes_by_itself:
            self._sample(task)

    def _sample(self, task: Task) -> None:
        if self._trap_timer is None:
            from pyuk.kernel.sampling import new_timer  # noqa: PLC0415  # short programs have no tick

            self._trap_timer = new_timer(self.machine.cpu, self._entry, self._on_trap)
        self._trap_timer.begin(task)

    def host_signal(self, signo: int) -> None:
        """A signal to pyuk is one to its guests. Called by a Python signal handler, at any point here.

        pyuk has one process group of the host's, which stands for that of the first process; what comes from the
        terminal, or may, is for the guests in the foreground there.
        """
        self.accounts.n_host_signals += 1
        init = self.init
        if init is None:
            return
        groups: set[int] = {init.pgid}
        if init.tty is not None and init.tty.pgid and signo in _OF_TERMINALS:
            groups = {init.tty.pgid} if signo != SIGHUP else {init.pgid, init.tty.pgid}
        info = Siginfo(signo, SI_KERNEL)
        for process in list(self.processes.values()):
            if process.pgid in groups:
                signals.send_process(process, info)

    def saw_signal(self, task: Task, info: Siginfo, *, is_ignored: bool = False) -> None:
        """A signal is about to be acted on, or thrown away."""
        if self.tracer is not None and task.work & TRACED:
            if is_ignored:
                self.tracer.ignored(task, info)
            else:
                self.tracer.signal(task, info)

    # Ends, stops and their news: see kernel/lifecycle.py

    def end_process(self, task: Task, status: int, info: Siginfo | None = None) -> None:
        """exit_group(2) by `task`, or the process's death by a signal; status: the exit code, or -signo."""
        lifecycle.end_process(self, task, status, info)

    def end_thread(self, task: Task, status: int) -> None:
        """exit(2) of one thread."""
        lifecycle.end_thread(self, task, status)

    def end_other_threads(self, task: Task) -> None:
        """execve(2) leaves a process with one thread, which is its leader."""
        lifecycle.end_other_threads(self, task)

    def stop_process(self, task: Task, signo: int) -> bool:
        """SIGSTOP and its kind: no thread of the process runs until SIGCONT. False: nobody could send that."""
        return lifecycle.stop_process(self, task, signo)

    def continue_process(self, process: Process, *, told: bool) -> None:
        """SIGCONT, or SIGKILL (not `told` to the parent): the process runs again if it was stopped."""
        lifecycle.continue_process(self, process, told=told)

    def release_cpu(self, task: Task) -> None:
        """The task has ended: if the CPU's registers were its own, they are nobody's."""
        if self._loaded is task:
            self._loaded = None

    def forget(self, task: Task) -> None:
        """The task has ended, and nobody finds it any more."""
        self.release_cpu(task)
        self.scheduler.forget(task)
        del self.tasks[task.tid]

    def is_running(self, ident: tuple[int, int]) -> bool:
        """Whether the file with this st_dev and st_ino is the program of a process: nobody may write it (ETXTBSY)."""
        return any(
            process.status is None and (process.exe.dev, process.exe.ino) == ident
            for process in self.processes.values()
        )

    def out_of_memory(self, task: Task) -> None:
        """No frame is left for a fault that cannot be refused: the worst process is killed (mm/oom_kill.c)."""
        n_frames = self.machine.ram.n_frames
        victim = max(self.tasks.values(), key=lambda other: other.process.settings.badness(other.mm, n_frames))
        rss_kib, name = victim.mm.rss_pages * 4, victim.comm.decode(errors="replace")
        self.messages.append(f"Out of memory: Killed process {victim.process.pid} ({name}) rss:{rss_kib}kB")
        if victim.mm is task.mm:
            signals.force(task, Siginfo(SIGKILL, SI_KERNEL))
        else:
            signals.send_process(victim.process, Siginfo(SIGKILL, SI_KERNEL))
            self.step_back(task)
