"""The composition root: a machine, a kernel and a file system put together, and programs run on them.

A System stays: its page cache and its translations serve every program it runs, so the second run
of a program starts in a fraction of the time of the first.
"""

from __future__ import annotations

import os

import pyuk.syscalls  # noqa: F401  # declares the system calls
from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.resource import RLIMIT_STACK
from pyuk.abi.signal import SIG_IGN
from pyuk.fs.context import FsContext
from pyuk.fs.hostfile import HostFile
from pyuk.fs.hostfs import HostFs
from pyuk.fs.stdio import stdio_table
from pyuk.fs.view import View, default_view
from pyuk.kernel.creds import Credentials
from pyuk.kernel.filesystems import FileSystems
from pyuk.kernel.host import HostClock, HostRandom
from pyuk.kernel.kernel import Identity, Kernel
from pyuk.kernel.lifecycle import release_mm
from pyuk.kernel.limits import Limits
from pyuk.kernel.program import enter
from pyuk.kernel.signals import N_SIGNALS, UNBLOCKABLE, Action, SignalActions
from pyuk.kernel.task import Process, Task
from pyuk.loader.load import prepare
from pyuk.loader.vdso import Vdso
from pyuk.machine.cpu import RIP, RSP
from pyuk.machine.engine import MachineError
from pyuk.machine.machine import Machine
from pyuk.mm.pagecache import PageCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyuk.fs.file import FdTable, OpenFile
    from pyuk.fs.overlaychanges import Change
    from pyuk.fs.view import MountSpec
    from pyuk.kernel.protocols import Clock, Random, Tracer
    from pyuk.kernel.slices import Slices
    from pyuk.loader.load import Program
    from pyuk.net.network import Network

_NET_FILES = (
    b"arp", b"dev", b"dev_mcast", b"if_inet6", b"igmp", b"ipv6_route", b"netlink", b"packet", b"raw", b"raw6",
    b"route", b"sockstat", b"sockstat6", b"tcp", b"tcp6", b"udp", b"udp6", b"udplite", b"udplite6", b"unix",
)  # fmt: skip
"""What pyuk/net/proc.py has to say in /proc/net."""
DEFAULT_MEMORY_BYTES = 4 << 30


class Platform:
    """What outlives a System: the machine with its translations, the cache of the host's files, the vDSO's image.

    Nothing of a guest is in it, so the next System on it is as new as the first, and only quicker.
    """

    def __init__(self, memory_bytes: int = DEFAULT_MEMORY_BYTES, *, counts_blocks: bool = False) -> None:
        """memory_bytes: guest RAM. counts_blocks: time slices can be the same in every run, see System."""
        self.machine = Machine(memory_bytes, counts_blocks=counts_blocks)
        self.cache = PageCache(self.machine)
        self.vdso = Vdso(self.machine)

    def close(self) -> None:
        """Give everything back to the host."""
        self.cache.close()
        self.machine.close()


class Repeatable:
    """What makes all runs with one seed the same: who runs when, time and randomness."""

    __slots__ = ("seed", "start_ns")

    def __init__(self, seed: int = 0, start_ns: int | None = None) -> None:
        """start_ns: where CLOCK_REALTIME begins, since 1970."""
        self.seed = seed
        self.start_ns = start_ns

    def random(self) -> Random:
        """What the kernel draws from."""
        from pyuk.kernel.virtual import SeededRandom  # noqa: PLC0415  # on demand only

        return SeededRandom(self.seed)

    def clock(self, machine: Machine) -> Clock:
        """It goes on with what is executed. Errors: MachineError the machine does not count that."""
        from pyuk.kernel.virtual import START_NS, BlockClock  # noqa: PLC0415

        blocks = machine.cpu.blocks
        if blocks is None:
            raise MachineError("for runs that are all the same the platform must count blocks")
        return BlockClock(lambda: blocks.n_executed, START_NS if self.start_ns is None else self.start_ns)

    def slices(self, kernel: Kernel) -> Slices:
        """How long a task may run."""
        from pyuk.kernel.slices import Slices  # noqa: PLC0415

        blocks = kernel.machine.cpu.blocks
        assert blocks is not None  # noqa: S101  # see clock
        return Slices(self.seed, blocks, kernel.scheduler)


class System:
    """A kernel and what it shows its processes. Not for use by several host threads at once."""

    def __init__(
        self, *, platform: Platform | None = None, memory_bytes: int = DEFAULT_MEMORY_BYTES,
        clock: Clock | None = None, random: Random | None = None, nodename: str = "pyuk", host_order: bool = False,
        mounts: Sequence[MountSpec] | None = None, repeatable: Repeatable | None = None,
    ) -> None:  # fmt: skip
        """platform: one that no other System uses now; without it, one of its own with memory_bytes of guest RAM.

        host_order: list the host's directories in its order, not sorted. mounts: what processes see as their tree;
        None for fs.view.default_view(). repeatable: makes all runs the same; it asks for a platform that counts blocks.
        Errors: ViewError a mount cannot be made.
        """
        self._own = None if platform else Platform(memory_bytes, counts_blocks=repeatable is not None)
        platform = platform or self._own
        assert platform is not None  # noqa: S101
        self.machine = platform.machine
        self.cache = platform.cache
        self.cache.restart(is_uniform=repeatable is not None)
        if repeatable is not None:
            random = random or repeatable.random()
            clock = clock or repeatable.clock(self.machine)
        self.kernel = Kernel(self.machine, self.cache, clock or HostClock(), random or HostRandom(), Identity(nodename))
        if repeatable is not None:
            self.kernel.slices = repeatable.slices(self.kernel)
            self.kernel.scheduler.queue.is_fair = False
        self.kernel.vdso = platform.vdso
        platform.vdso.restart(self.kernel.keep_time)
        self.host = HostFs(None, has_devices=True, has_proc=True)
        """What the caller's own descriptors are handled with; it has no names."""
        self.host.cache = self.cache
        self.host.is_running = self.kernel.is_running
        self._file_systems = FileSystems(self.kernel, host_order=host_order)
        with self._file_systems:
            self._view = View(self._file_systems, default_view() if mounts is None else mounts)
        self.kernel.make_network = self._make_network
        for name in _NET_FILES:
            self.kernel.proc_files[b"net/" + name] = self._net_file(name)

    def _net_file(self, name: bytes) -> Callable[[], Iterable[bytes]]:
        def lines() -> Iterable[bytes]:
            from pyuk.net.proc import FILES  # noqa: PLC0415

            return FILES[name](self.kernel.network)

        return lines

    def keep_cores(self, directory: str) -> None:
        """Have the core files of all processes in a directory of the host's, as core.PID."""
        from pyuk.fs.corefiles import HostCoreFile  # noqa: PLC0415  # most programs die otherwise

        self.kernel.open_core = lambda task: HostCoreFile(os.path.join(directory, f"core.{task.process.pid}"))

    def _make_network(self) -> Network:
        """What sockets need of the rest of the kernel."""
        from pyuk.net.network import Network  # noqa: PLC0415

        kernel = self.kernel
        return Network(
            monotonic_ns=kernel.clock.monotonic_ns,
            realtime_ns=kernel.clock.realtime_ns,
            after=kernel.scheduler.after,
            random_bytes=kernel.random.bytes,
            current=lambda: (kernel.current.process.pid, kernel.current.creds),
        )

    def start(  # noqa: PLR0913  # what a process begins with
        self,
        path: bytes,
        argv: Sequence[bytes],
        environment: Sequence[bytes],
        *,
        fs: FsContext | None = None,
        directory: bytes | None = None,
        limits: dict[int, tuple[int, int]] | None = None,
        files: FdTable | None = None,
        signals: tuple[int, int] = (0, 0),
        tracer: Tracer | None = None,
    ) -> Task:
        """Make a process that is about to execute `path`, with the host's standard files.

        fs: where it begins, which becomes its own; None for what look_from(directory) gives.
        files: its descriptors, which become its own; None for those of 0, 1 and 2 that are open.
        signals: the sigsets ignored and blocked.
        Errors: SyscallError as execve(2), with a reason where the path alone does not say it, and those of look_from.
        Then nothing is left of the process.
        """
        kernel = self.kernel
        if fs is None:
            fs = self.look_from(directory)
        process = Process(kernel.new_pid(), None, Limits(limits))
        creds = Credentials(os.getuid(), os.getgid(), os.geteuid(), os.getegid(), os.getgroups())
        if files is None:
            files = stdio_table(self.host)
        self._attach_terminals(process, files)
        task = Task(kernel, process, creds, files, fs, _inherited(signals[0]))
        task.blocked = signals[1] & ~UNBLOCKABLE
        try:
            program = self._prepare(fs, path, list(argv), list(environment), creds, process.limits)
            kernel.take_cpu(task)
            loaded = enter(task, program)
        except BaseException:
            self._undo(task)
            raise
        kernel.tracer = tracer
        if tracer is not None:
            tracer.begin(kernel)
        kernel.add(task)
        kernel.scheduler.make_ready(task)
        if tracer is not None:
            registers = self.machine.cpu.regs
            tracer.stack_pointer = lambda: registers[RSP]
            tracer.instruction_pointer = lambda: registers[RIP]
            tracer.exec(task, path, argv, loaded.envp_at, len(environment))
        return task

    def _attach_terminals(self, process: Process, files: FdTable) -> None:
        """Descriptors of a terminal become files of pyuk's own; the controlling one is the process's."""
        opened: dict[int, HostFile] = {}
        for fd in files.numbers():
            file = files.get_any(fd)
            if isinstance(file, HostFile) and file.is_terminal():
                opened[fd] = file
        if opened:
            self._file_systems.terminals.attach(process, files, opened)

    def suspend_terminals(self) -> None:
        """The caller's terminals are as they were, until resume_terminals: pyuk is about to be stopped."""
        self._file_systems.suspend_terminals()

    def resume_terminals(self) -> None:
        """The guests' settings again."""
        self._file_systems.resume_terminals()

    def look_from(self, directory: bytes | None = None, source: bytes | None = None) -> FsContext:
        """The view from a directory in it, for `start`; with the caller's umask.

        A relative one, and None, begin where pyuk was started, if that is to be seen, and else at `/`.
        source: another way to the directory, which is that where pyuk was started, where its path cannot be walked.
        Errors: SyscallError it cannot be entered; OSError the host has no such directory.
        """
        umask = os.umask(0o077)
        os.umask(umask)
        view = self._view
        if not self.kernel.tasks:
            self._withdraw()
        if view.here is not None:
            directory = os.path.realpath(directory or b".")
            self._admit(directory, read_only=view.here.read_only, source=source)
        elif source is not None and directory is not None:
            directory = directory if view.shows(directory) else b"/"
        elif directory is None or directory[:1] != b"/":
            here = os.path.realpath(b".")
            directory = os.path.join(here if view.shows(here) else b"/", directory or b"")
        fs = FsContext(view.namespace, None, umask)
        try:
            fs.chdir(directory)
        except SyscallError:
            fs.release()
            raise
        return fs

    def admit_program(self, path: bytes) -> bool:
        """Let a program of the host's be seen that memory of the guest's own hides, with the directory it is in.

        Only in a view with a HERE: who has chosen otherwise has chosen what is hidden. Says whether anything was done.
        """
        if self._view.here is None:
            return False
        found = False
        for place in dict.fromkeys((os.path.abspath(path), os.path.realpath(path))):
            directory = os.path.dirname(place)
            if self._view.hides(directory) and os.path.isfile(place):
                self._admit(directory, read_only=True)
                found = True
        return found

    def _admit(self, directory: bytes, *, read_only: bool, source: bytes | None = None) -> None:
        with self._file_systems:
            self._view.admit(directory, read_only=read_only, source=source)

    def _withdraw(self) -> None:
        """No process is left: what was let in for those before is not there for the next."""
        with self._file_systems:
            self._view.withdraw()

    def _prepare(
        self, fs: FsContext, path: bytes, argv: list[bytes], environment: list[bytes], creds: Credentials,
        limits: Limits,
    ) -> Program:  # fmt: skip
        def opener(name: bytes, flags: int = 0) -> OpenFile:
            try:
                return fs.open(name, flags)
            except SyscallError as error:
                if error.errno != ENOENT or not name or not self.admit_program(os.path.join(fs.getcwd(), name)):
                    raise
            return fs.open(name, flags)

        return prepare(opener, path, argv, environment, creds, stack_limit_bytes=limits.soft[RLIMIT_STACK])

    def _undo(self, task: Task) -> None:
        """A process that never ran: give back what it has."""
        task.files.release()
        task.fs.release()
        self.kernel.release_cpu(task)
        if hasattr(task, "mm"):
            release_mm(self.kernel, task)

    def open(self, path: bytes, flags: int) -> OpenFile:
        """A file as a guest in the root directory would open it; the caller's to release. Errors: SyscallError."""
        fs = FsContext(self._view.namespace, None, 0o022)
        try:
            return fs.open(path, flags)
        finally:
            fs.release()

    def changes(self) -> dict[bytes, Change]:
        """What the overlay on `/` has changed, by clean path; {} where there is none."""
        from pyuk.fs.overlay import OverlayFs  # noqa: PLC0415  # few views have one
        from pyuk.fs.overlaychanges import changes  # noqa: PLC0415

        fs = self._view.namespace.root.fs
        return changes(fs) if isinstance(fs, OverlayFs) else {}

    def run(self, task: Task) -> int:
        """Run a started process to its end; gives its exit code, or -signo where a signal ended it.

        What it leaves running goes with it, as in a container whose first process ends.
        """
        kernel = self.kernel
        try:
            kernel.run(task.process)
            while kernel.stopped_by and kernel.on_stop is not None:
                signo, kernel.stopped_by = kernel.stopped_by, 0
                kernel.scheduler.is_paused = False
                kernel.on_stop(signo)
                kernel.run(task.process)
            kernel.end_all()
        finally:
            self._file_systems.leave_terminals()
        self._withdraw()
        return task.process.status or 0

    def close(self) -> None:
        """End all guests; give its own platform back to the host."""
        self.kernel.end_all()
        self._file_systems.leave_terminals()
        self._view.namespace.close()
        self.host.close()
        if self._own is not None:
            self._own.close()


def _inherited(ignored: int) -> SignalActions:
    """The dispositions that a program starts with: default, or ignored as its caller has it."""
    actions = SignalActions()
    for signo in range(1, N_SIGNALS + 1) if ignored else ():
        if ignored >> (signo - 1) & 1:
            actions.set(signo, Action(SIG_IGN, 0, 0, 0))
    return actions
