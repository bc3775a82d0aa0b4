"""The composition root: a machine, a kernel and a file system put together, and programs run on them.

A System stays: its page cache and its translations serve every program it runs, so the second run
of a program starts in a fraction of the time of the first.
"""

from __future__ import annotations

import os

import pyuk.syscalls  # noqa: F401  # declares the system calls
from pyuk.abi.mount import MS_NODEV, MS_NOSUID, MS_RELATIME
from pyuk.abi.resource import RLIMIT_STACK
from pyuk.abi.signal import SIG_IGN
from pyuk.abi.stat import S_IFCHR
from pyuk.fs.context import FsContext
from pyuk.fs.hostfs import HostFs
from pyuk.fs.namespace import Namespace
from pyuk.fs.stdio import stdio_table
from pyuk.kernel.creds import Credentials
from pyuk.kernel.host import HostClock, HostRandom
from pyuk.kernel.kernel import Identity, Kernel
from pyuk.kernel.lifecycle import release_mm
from pyuk.kernel.limits import Limits
from pyuk.kernel.program import enter
from pyuk.kernel.signals import N_SIGNALS, UNBLOCKABLE, Action, SignalActions
from pyuk.kernel.task import Process, Task
from pyuk.loader.load import prepare
from pyuk.loader.vdso import Vdso
from pyuk.machine.cpu import RSP
from pyuk.machine.machine import Machine
from pyuk.mm.pagecache import PageCache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyuk.fs.devices import DeviceTable
    from pyuk.fs.file import FdTable, OpenFile
    from pyuk.fs.pseudo.system import PseudoFs
    from pyuk.fs.tmpfs import TmpFs
    from pyuk.fs.tmpnode import Entry, Volume
    from pyuk.kernel.protocols import Clock, Random, Tracer
    from pyuk.net.network import Network

SHM_DEV = 25
"""st_dev of /dev/shm: an anonymous device, as everything mounted by pyuk has."""
DEFAULT_MEMORY_BYTES = 4 << 30


class Platform:
    """What outlives a System: the machine with its translations, the cache of the host's files, the vDSO's image.

    Nothing of a guest is in it, so the next System on it is as new as the first, and only quicker.
    """

    def __init__(self, memory_bytes: int = DEFAULT_MEMORY_BYTES) -> None:
        """memory_bytes: guest RAM."""
        self.machine = Machine(memory_bytes)
        self.cache = PageCache(self.machine)
        self.vdso = Vdso(self.machine)

    def close(self) -> None:
        """Give everything back to the host."""
        self.cache.close()
        self.machine.close()


class System:
    """A kernel and what it shows its processes. Not for use by several host threads at once."""

    def __init__(
        self, *, platform: Platform | None = None, memory_bytes: int = DEFAULT_MEMORY_BYTES,
        clock: Clock | None = None, random: Random | None = None, nodename: str = "pyuk", host_order: bool = False,
    ) -> None:  # fmt: skip
        """platform: one that no other System uses now; without it, one of its own with memory_bytes of guest RAM.

        host_order: list directories in the host's order, not sorted.
        """
        self._own = None if platform else Platform(memory_bytes)
        platform = platform or self._own
        assert platform is not None  # noqa: S101
        self.machine = platform.machine
        self.cache = platform.cache
        self.kernel = Kernel(self.machine, self.cache, clock or HostClock(), random or HostRandom(), Identity(nodename))
        self.kernel.vdso = platform.vdso
        self.host = HostFs(host_order=host_order, has_devices=True)
        self.host.cache = self.cache
        self.host.is_running = self.kernel.is_running
        self._creds = Credentials(os.getuid(), os.getgid(), os.geteuid(), os.getegid(), os.getgroups())
        self._devices: DeviceTable | None = None
        self._namespace = Namespace()
        self._namespace.mount(b"/", lambda: self.host, b"host", flags=MS_RELATIME)
        self._namespace.mount(
            b"/dev", self._make_dev, b"devtmpfs", source=b"udev", flags=MS_NOSUID | MS_RELATIME, options=b"mode=755"
        )
        self._namespace.mount(b"/dev/pts", lambda: HostFs(b"/dev/pts", has_devices=True), b"devpts", source=b"devpts")
        self._namespace.mount(
            b"/dev/shm", lambda: self.new_tmpfs(SHM_DEV), b"tmpfs", source=b"tmpfs",
            flags=MS_NOSUID | MS_NODEV | MS_RELATIME,
        )  # fmt: skip
        self._namespace.mount(b"/proc", self._make_proc, b"proc", source=b"proc", flags=MS_RELATIME)
        self._namespace.mount(b"/sys", self._make_sys, b"sysfs", source=b"sysfs", flags=MS_RELATIME)
        self.kernel.make_network = self._make_network

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

    def _who(self) -> Credentials:
        """Of the task that asks for something; of who runs pyuk, while there is none."""
        return self.kernel.current.creds if self.kernel.tasks else self._creds

    def _volume(self, dev: int, *, max_bytes: int = 0, max_inodes: int = 0) -> Volume:
        from pyuk.fs.tmpnode import Volume  # noqa: PLC0415  # most programs use none

        kernel = self.kernel
        return Volume(
            self.cache, dev, self._who, kernel.clock.realtime_ns, max_pages=max_bytes >> 12,
            max_inodes=max_inodes,
        )  # fmt: skip

    def new_tmpfs(self, dev: int, *, max_bytes: int | None = None, mode: int = 0o1777) -> TmpFs:
        """An empty file system in guest RAM, of which it may take half without max_bytes. dev: its files' st_dev."""
        from pyuk.fs.tmpfs import TmpFs  # noqa: PLC0415  # most programs use none

        half = self.machine.ram.size_bytes >> 1
        volume = self._volume(dev, max_bytes=half if max_bytes is None else max_bytes, max_inodes=half >> 12)
        return TmpFs(volume, mode=mode, devices=self._device_table(), is_running=self.kernel.is_running)

    def _device_table(self) -> DeviceTable:
        """What device nodes open."""
        if self._devices is None:
            from pyuk.fs.devices import Device, DeviceTable, memory_devices  # noqa: PLC0415

            self._devices = DeviceTable()
            for device in memory_devices(self.kernel.random.bytes):
                self._devices.register(device)
            for name, minor in ((b"tty", 0), (b"ptmx", 2)):
                self._devices.register(Device(name, S_IFCHR | 0o666, (5, minor), self._open_host_device))
        return self._devices

    def _open_host_device(self, entry: Entry, flags: int) -> OpenFile:
        """The host's terminals, by the names that they have in its /dev too."""
        return self.host.open(None, b"dev/" + entry.name, flags, 0, 0)

    def _make_dev(self) -> TmpFs:
        """/dev, which few programs look at."""
        from pyuk.fs.devfs import DEV_DEV, make_devfs  # noqa: PLC0415

        return make_devfs(self._volume(DEV_DEV), self._device_table())

    def _make_sys(self) -> PseudoFs:
        """/sys, which few programs look at."""
        from pyuk.kernel.proc.sysfs import make_sys  # noqa: PLC0415

        return make_sys(self.kernel)

    def _make_proc(self) -> PseudoFs:
        """/proc, which most programs never look at."""
        from pyuk.kernel.proc.root import make_proc  # noqa: PLC0415

        return make_proc(self.kernel)

    def start(
        self,
        path: bytes,
        argv: Sequence[bytes],
        environment: Sequence[bytes],
        *,
        directory: bytes = b".",
        limits: dict[int, tuple[int, int]] | None = None,
        files: FdTable | None = None,
        signals: tuple[int, int] = (0, 0),
        tracer: Tracer | None = None,
    ) -> Task:
        """Make a process that is about to execute `path`, with the host's standard files.

        files: its descriptors, which become its own; None for those of 0, 1 and 2 that are open.
        signals: the sigsets ignored and blocked.
        Errors: SyscallError as execve(2), with a reason where the path alone does not say it; OSError
        where the directory cannot be entered. Then nothing is left of the process.
        """
        kernel = self.kernel
        umask = os.umask(0o077)
        os.umask(umask)
        fs = FsContext(self._namespace, self._directory(directory), umask)
        process = Process(kernel.new_pid(), None, Limits(limits))
        creds = self._creds.copy()
        if files is None:
            files = stdio_table(self.host)
        task = Task(kernel, process, creds, files, fs, _inherited(signals[0]))
        task.blocked = signals[1] & ~UNBLOCKABLE
        try:
            program = prepare(
                fs.open, path, list(argv), list(environment), creds,
                stack_limit_bytes=process.limits.soft[RLIMIT_STACK],
            )  # fmt: skip
            kernel.take_cpu(task)
            loaded = enter(task, program)
        except BaseException:
            self._undo(task)
            raise
        kernel.tracer = tracer
        kernel.add(task)
        kernel.scheduler.make_ready(task)
        if tracer is not None:
            registers = self.machine.cpu.regs
            tracer.stack_pointer = lambda: registers[RSP]
            tracer.exec(task, path, argv, loaded.envp_at, len(environment))
        return task

    def _directory(self, path: bytes) -> OpenFile:
        """A directory to start in. A relative path starts where pyuk itself was started. Raises OSError."""
        directory = self.host.adopt(os.open(path, os.O_DIRECTORY | getattr(os, "O_PATH", 0) | os.O_CLOEXEC), 0)
        directory.mount = self._namespace.root
        directory.covers = True
        return directory

    def _undo(self, task: Task) -> None:
        """A process that never ran: give back what it has."""
        task.files.release()
        task.fs.release()
        self.kernel.release_cpu(task)
        if hasattr(task, "mm"):
            release_mm(self.kernel, task)

    def open(self, path: bytes, flags: int) -> OpenFile:
        """A file as a guest in the root directory would open it; the caller's to release. Errors: SyscallError."""
        fs = FsContext(self._namespace, None, 0o022)
        try:
            return fs.open(path, flags)
        finally:
            fs.release()

    def run(self, task: Task) -> int:
        """Run a started process to its end; gives its exit code, or -signo where a signal ended it.

        What it leaves running goes with it, as in a container whose first process ends.
        """
        self.kernel.run(task.process)
        self.kernel.end_all()
        return task.process.status or 0

    def close(self) -> None:
        """End all guests; give its own platform back to the host."""
        self.kernel.end_all()
        self._namespace.close()
        if self._own is not None:
            self._own.close()


def _inherited(ignored: int) -> SignalActions:
    """The dispositions that a program starts with: default, or ignored as its caller has it."""
    actions = SignalActions()
    for signo in range(1, N_SIGNALS + 1) if ignored else ():
        if ignored >> (signo - 1) & 1:
            actions.set(signo, Action(SIG_IGN, 0, 0, 0))
    return actions
