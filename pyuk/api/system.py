"""A System: a kernel that stays, for as many processes as you like, and Python in charge of it."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager

from pyuk import system as composition
from pyuk.abi.errno import SyscallError
from pyuk.abi.fcntl import O_RDONLY, O_RDWR, O_WRONLY
from pyuk.api import intercept, warm
from pyuk.api.final import FinalState
from pyuk.api.process import Process
from pyuk.api.records import Recorder
from pyuk.api.streams import CapturedPipe, FedPipe, Reader, Writer
from pyuk.fs.file import FdTable
from pyuk.fs.pipe import PipeEnd
from pyuk.fs.stdio import stdio_file
from pyuk.fs.view import MountSpec, ViewError, chosen_view, parse_bind
from pyuk.kernel.virtual import START_NS, SeededRandom, VirtualClock
from pyuk.trace.filter import EVERYTHING, parse_filter
from pyuk.trace.inject import Injection, errno_of, install, parse_when
from pyuk.wait import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import IO, Self

    from pyuk.api.debug import Debugger
    from pyuk.api.intercept import SyscallCall
    from pyuk.fs.file import OpenFile
    from pyuk.fs.overlaychanges import Change
    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import Cpu

    Handler = Callable[[SyscallCall], int | None]

PIPE, STDOUT, DEVNULL = -1, -2, -3
"""As subprocess has them."""
DEFAULT_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "LC_ALL": "C", "TZ": "UTC0"}


class System:
    """A Linux of your own: a file system, processes, a clock; and Python looks in and has its hand in it.

    Nothing comes from the host unasked: the clock is virtual and starts at `time`, randomness is a stream that `seed`
    fixes, pids begin at 1000. The same calls give the same results.

    One host thread at a time may use it: another one gets RuntimeError.
    """

    def __init__(
        self, *, memory: int = composition.DEFAULT_MEMORY_BYTES, seed: int = 0, time: float | None = None,
        nodename: str = "pyuk", trace: bool | str = False, mounts: Sequence[str] = (), tmpfs: Sequence[str] = (),
        root: str | os.PathLike[str] | None = None, overlay: bool | str | os.PathLike[str] = True,
        read_only: bool = False, deterministic: bool = True,
    ) -> None:  # fmt: skip
        """memory: guest RAM in bytes. time: the real-time clock at the start, in seconds since 1970.

        trace: record system calls; a string is an expression as `strace -e` takes it. The tree of the processes is
        the host's, or `root`, and what they write to it stays in memory (see `files`), with overlay=DIR in DIR; with
        overlay=False it is what `pyuk run` shows. mounts: "HOST:GUEST[:ro|rw|cow]" as --bind takes them; tmpfs:
        empty directories in memory. deterministic: threads and processes take turns as `seed` says, the same in every
        run; without it their time slices are the host's time, and what computes is up to twice as fast.
        Errors: ValueError, OSError a mount cannot be made.
        """
        view = _view(mounts, tmpfs, root, overlay, read_only=read_only)
        self._platform = warm.take(memory, counts_blocks=deterministic)
        start_ns = START_NS if time is None else int(time * 1_000_000_000)
        try:
            self._system = composition.System(
                platform=self._platform,
                clock=None if deterministic else VirtualClock(start_ns),
                random=SeededRandom(seed),
                nodename=nodename,
                mounts=view,
                repeatable=composition.Repeatable(seed, start_ns) if deterministic else None,
            )
        except ViewError as error:
            warm.give_back(self._platform)
            raise ValueError(str(error)) from None
        self._kernel = kernel = self._system.kernel
        self.recorder = Recorder(EVERYTHING if trace is True else parse_filter(trace)) if trace else None
        self._finals: dict[int, FinalState] = {}
        kernel.on_process_end = self._note_end
        kernel.on_memory_end = self._note_memory
        kernel.on_idle = self._note_idle
        self._is_idle = False
        self._user = threading.Lock()
        self._handling = 0  # the thread in which a handler of the user's runs
        self._is_closed = False
        self._debugger: Debugger | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill what still lives. What processes have left can still be asked for."""
        if not self._is_closed:
            with self.entered():
                self._is_closed = True
                self._system.close()
                warm.give_back(self._platform)

    @property
    def messages(self) -> list[str]:
        """What the kernel had to tell: out-of-memory kills, deadlocks."""
        return self._kernel.messages

    def files(self) -> dict[str, Change]:
        """What the processes have changed in their tree, by path; {} without an overlay.

        A Change has kind ("created", "changed", "deleted"), mode, uid, gid, and data: contents, or a link's target.
        """
        found = {} if self._is_closed else self._system.changes()
        return {"/" + os.fsdecode(path): change for path, change in found.items()}

    def spawn(
        self, program: str | os.PathLike[str], args: Sequence[str] = (), *, stdin: int | IO[bytes] | None = DEVNULL,
        stdout: int | IO[bytes] | None = PIPE, stderr: int | IO[bytes] | None = PIPE,
        env: Mapping[str, str] | None = None, cwd: str | os.PathLike[str] | None = None,
        limits: Mapping[int, tuple[int, int]] | None = None, argv0: str | None = None, text: bool = False,
    ) -> Process:  # fmt: skip
        """Make a process that is about to execute `program`; it runs when somebody waits for something.

        stdin, stdout, stderr: PIPE, DEVNULL, a file or descriptor of the host's, None for pyuk's own; stderr also
        STDOUT. env: all of the environment; None for PATH, HOME=/, LC_ALL=C and TZ=UTC0. limits: soft and hard by
        RLIMIT number. Errors: OSError as execve(2), with a reason.
        """
        path = os.fsencode(program)
        environment = DEFAULT_ENVIRONMENT if env is None else env
        feed = FedPipe() if stdin == PIPE else None
        out = CapturedPipe() if stdout == PIPE else None
        error = CapturedPipe() if stderr == PIPE else None
        with self.entered():
            files = self._files(stdin, stdout, stderr, feed, out, error)
            try:
                task = self._system.start(
                    path, [os.fsencode(argv0 or program), *map(os.fsencode, args)],
                    [os.fsencode(f"{name}={value}") for name, value in environment.items()],
                    fs=self._system.look_from(None if cwd is None else os.fsencode(cwd)), files=files,
                    tracer=self.recorder, limits=None if limits is None else dict(limits),
                )  # fmt: skip
            except SyscallError as refusal:
                reason = refusal.reason or os.strerror(refusal.errno)
                raise OSError(refusal.errno, reason, os.fspath(program)) from None
        final = self._finals[task.process.pid] = FinalState(task.process, self._platform)
        return Process(
            self, task, [argv0 or os.fspath(program), *args], None if feed is None else Writer(feed),
            None if out is None else Reader(out, self.run_until),
            None if error is None else Reader(error, self.run_until), final, text=text,
        )  # fmt: skip

    def _files(
        self, stdin: int | IO[bytes] | None, stdout: int | IO[bytes] | None, stderr: int | IO[bytes] | None,
        feed: FedPipe | None, out: CapturedPipe | None, error: CapturedPipe | None,
    ) -> FdTable:  # fmt: skip
        files = FdTable()
        files.replace(0, PipeEnd(feed, O_RDONLY) if feed is not None else self._host_file(0, stdin))
        files.replace(1, PipeEnd(out, O_WRONLY) if out is not None else self._host_file(1, stdout))
        if stderr == STDOUT:
            files.replace(2, files.get(1).hold())
        else:
            files.replace(2, PipeEnd(error, O_WRONLY) if error is not None else self._host_file(2, stderr))
        return files

    def _host_file(self, number: int, what: int | IO[bytes] | None) -> OpenFile:
        if what == DEVNULL:
            return self._system.open(b"/dev/null", O_RDWR)
        fd = number if what is None else what if isinstance(what, int) else what.fileno()
        return stdio_file(self._system.host, fd)

    # Running

    def run(self) -> None:
        """Run until every process has ended, or those that live sleep and nobody will wake them."""
        self.run_until(lambda: not self._kernel.tasks)

    def advance(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Run until the condition holds or all sleep for good; false where `timeout` host seconds were over before."""
        if timeout is None:
            self.run_until(condition)
            return True
        host.make_interruptible()
        is_over = False

        def expire() -> None:
            nonlocal is_over
            is_over = True
            self._kernel.pause()
            host.interrupt()

        alarm = threading.Timer(timeout, expire)
        alarm.daemon = True
        alarm.start()
        try:
            self.run_until(lambda: is_over or condition())
        finally:
            alarm.cancel()
        return not is_over or condition()

    def run_until(self, condition: Callable[[], bool]) -> None:
        """Run until the condition holds, or all sleep for good. It is looked at whenever something of note happens."""
        kernel = self._kernel
        if self._handling:
            raise RuntimeError("a guest waits for this very function: nobody can run before it returns")
        with self.entered():
            self._is_idle = False
            if self._debugger is not None:
                self._debugger.release()
            while not condition() and not self._is_idle:
                kernel.scheduler.is_paused = False
                kernel.run()

    def _note_idle(self) -> None:
        self._is_idle = True
        self._kernel.pause()

    def _note_end(self, task: Task) -> None:
        final = self._finals.get(task.process.pid)
        if final is not None:
            final.note_end(task)
            self._kernel.pause()

    def _note_memory(self, task: Task) -> None:
        if task.process.group_exit is not None:
            final = self._finals.pop(task.process.pid, None)
            if final is not None:
                final.keep(task.mm)

    # Interference

    def syscall(self, names: str) -> Callable[[Handler], Handler]:
        """A decorator: the function is asked for each call of these names (as `strace -e trace=` takes them).

        It gets a SyscallCall and gives the result, -errno for an error, or None to leave the call to the kernel. An
        OSError that it raises is the call's error; another exception ends the run and is raised there.

            @system.syscall("openat")
            def no_such_file(call):
                if call.memory.read_cstring(call.args[1]) == b"/etc/passwd":
                    raise FileNotFoundError(errno.ENOENT, "")
        """
        numbers = intercept.numbers_of(names)

        def install(handler: Handler) -> Handler:
            with self.entered():
                intercept.install(self, self._kernel, numbers, handler)
            return handler

        return install

    def inject(
        self, names: str, *, error: int | str = 0, result: int | None = None, n_bytes: int | None = None,
        signal: int = 0, when: int | str = "1+",
    ) -> None:  # fmt: skip
        """Put a fault into calls of these names: an error, a result, a count of at most n_bytes, a signal.

        when: as `strace -e inject` takes it: 3 is the third call, "3+" all from there, "3+2" every second one,
        "3..5" the three. Errors: ValueError.
        """
        numbers = intercept.numbers_of(names)
        injection = Injection(
            error=errno_of(error) if error else 0, result=result, n_bytes=n_bytes, signo=int(signal),
            when=parse_when(str(when)),
        )  # fmt: skip
        with self.entered():
            install(self._kernel, numbers, injection)

    def debugger(self) -> Debugger:
        """What steps and breakpoints are made with; made when first asked for."""
        if self._debugger is None:
            from pyuk.api.debug import Debugger

            self._debugger = Debugger(self, self._kernel)
        return self._debugger

    # Who may do what when

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The guests stand still, and this thread alone has its hand on them."""
        if self._handling == threading.get_ident():
            yield
            return
        if not self._user.acquire(blocking=False):
            raise RuntimeError("the System is in use by another thread")
        try:
            if self._is_closed:
                raise RuntimeError("the System is closed")
            yield
        finally:
            self._user.release()

    @contextmanager
    def handling(self) -> Iterator[None]:
        """A function of the user's is called while a guest waits for it: it may look and change, and run nobody."""
        before, self._handling = self._handling, threading.get_ident()
        try:
            yield
        finally:
            self._handling = before

    @contextmanager
    def with_cpu(self, task: Task) -> Iterator[Cpu]:
        """The CPU with this task's registers in it."""
        with self.entered():
            if self._kernel.current is not task:
                self._kernel.load(task)
            yield self._kernel.machine.cpu


def _view(
    mounts: Sequence[str], tmpfs: Sequence[str], root: str | os.PathLike[str] | None,
    overlay: bool | str | os.PathLike[str], *, read_only: bool,  # noqa: FBT001  # a directory, or whether
) -> list[MountSpec]:  # fmt: skip
    is_kept = not isinstance(overlay, bool)
    return chosen_view(
        root=b"" if root is None else os.fsencode(root), binds=[parse_bind(os.fsencode(text)) for text in mounts],
        tmpfs=[os.fsencode(path) for path in tmpfs], has_overlay=is_kept or bool(overlay),
        upper=os.fsencode(overlay) if not isinstance(overlay, bool) else b"", read_only=read_only,
    )  # fmt: skip
