"""The composition root: a machine, a kernel and a file system put together, and programs run on them.

A System stays: its page cache and its translations serve every program it runs, so the second run
of a program starts in a fraction of the time of the first.
"""

from __future__ import annotations

import os

import pyuk.syscalls  # noqa: F401  # declares the system calls
from pyuk.abi.errno import SyscallError
from pyuk.abi.resource import RLIMIT_STACK
from pyuk.fs.context import FsContext
from pyuk.fs.hostfs import HostFs
from pyuk.fs.namespace import Namespace, host_directory
from pyuk.fs.procfs import ProcFs
from pyuk.fs.stdio import stdio_table
from pyuk.kernel.clock import HostClock
from pyuk.kernel.creds import Credentials
from pyuk.kernel.kernel import Identity, Kernel
from pyuk.kernel.limits import Limits
from pyuk.kernel.proc import ProcessTable
from pyuk.kernel.randomness import HostRandom
from pyuk.kernel.signals import SignalActions
from pyuk.kernel.task import NO_PARENT, Process, Task
from pyuk.loader.load import prepare
from pyuk.loader.vdso import Vdso
from pyuk.machine.cpu import RIP, RSP
from pyuk.machine.machine import Machine
from pyuk.mm.pagecache import PageCache
from pyuk.mm.space import AddressSpace
from pyuk.mm.usermem import UserMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyuk.kernel.kernel import Clock, Random, Tracer
    from pyuk.loader.load import Loaded, Program

DEFAULT_MEMORY_BYTES = 4 << 30


class System:
    """A kernel that stays. Not for use by several host threads at once."""

    def __init__(
        self, *, memory_bytes: int = DEFAULT_MEMORY_BYTES, clock: Clock | None = None, random: Random | None = None,
        nodename: str = "pyuk", host_order: bool = False,
    ) -> None:  # fmt: skip
        """memory_bytes: guest RAM. host_order: list directories in the host's order, not sorted."""
        self.machine = Machine(memory_bytes)
        self.cache = PageCache(self.machine)
        self.kernel = Kernel(self.machine, self.cache, clock or HostClock(), random or HostRandom(), Identity(nodename))
        self._vdso = Vdso(self.machine)
        self._host = HostFs(host_order=host_order)
        self._namespace = Namespace(self._host, ProcFs(self._host, ProcessTable(self.kernel)))

    def start(
        self,
        path: bytes,
        argv: Sequence[bytes],
        environment: Sequence[bytes],
        *,
        directory: bytes = b".",
        limits: dict[int, tuple[int, int]] | None = None,
        tracer: Tracer | None = None,
    ) -> Task:
        """Make a process that is about to execute `path`, with the host's standard files.

        Errors: SyscallError as execve(2), with a reason where the path alone does not say it; OSError
        where the directory cannot be entered.
        """
        kernel = self.kernel
        process = Process(kernel.new_pid(), NO_PARENT, Limits(limits))
        umask = os.umask(0o077)
        os.umask(umask)
        fs = FsContext(self._namespace, host_directory(self._host, directory), umask)
        creds = Credentials(os.getuid(), os.getgid(), os.geteuid(), os.getegid(), os.getgroups())
        task = Task(kernel, process, creds, stdio_table(self._host), fs, SignalActions())
        kernel.tracer = tracer
        if tracer is not None:
            registers = self.machine.cpu.regs
            tracer.stack_pointer = lambda: registers[RSP]
        try:
            program = prepare(
                fs.open, path, list(argv), list(environment), creds,
                stack_limit_bytes=process.limits.soft[RLIMIT_STACK],
            )  # fmt: skip
        except SyscallError:
            task.files.close_all()
            fs.close()
            raise
        kernel.add(task)
        loaded = self._enter(task, program)
        if tracer is not None:
            tracer.exec(task, path, argv, loaded.envp_at, len(environment))
        return task

    def _enter(self, task: Task, program: Program) -> Loaded:
        """The part of execve(2) after which there is no way back."""
        kernel, process = self.kernel, task.process
        task.mm = AddressSpace(self.machine, self.cache, process.limits)
        if task.creds.euid == 0:
            task.mm.mmap_min_addr = 0  # security/min_addr.c: CAP_SYS_RAWIO may map there
            task.mm.may_lock_all = True  # CAP_IPC_LOCK
        task.mem = UserMemory(task.mm)
        loaded = program.commit(
            task.mm, kernel.random.bytes(16), stack_limit_bytes=process.limits.soft[RLIMIT_STACK], vdso=self._vdso
        )
        task.comm = loaded.comm
        process.exe = loaded.exe
        process.loaded = loaded
        cpu = self.machine.cpu
        cpu.reset()
        cpu.regs[RIP], cpu.regs[RSP] = loaded.entry, loaded.sp
        return loaded

    def run(self, task: Task) -> int:
        """Run a started process to its end; gives its exit code, or -signo where a signal ended it."""
        status = self.kernel.run(task)
        self.kernel.reap(task)
        task.fs.close()
        return status

    def close(self) -> None:
        """Give everything back to the host."""
        self.cache.close()
        self.machine.close()
