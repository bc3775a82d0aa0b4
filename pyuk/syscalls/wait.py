"""Waiting for children: wait4(2), waitid(2)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, ECHILD, EINVAL, ERESTARTSYS, ESRCH, SyscallError
from pyuk.abi.sched import (
    __WALL,
    __WCLONE,
    __WNOTHREAD,
    P_ALL,
    P_PGID,
    P_PID,
    P_PIDFD,
    PIDFD_NONBLOCK,
    WCONTINUED,
    WEXITED,
    WNOHANG,
    WNOWAIT,
    WSTOPPED,
    WUNTRACED,
)  # fmt: skip
from pyuk.abi.signal import (
    CLD_CONTINUED,
    CLD_DUMPED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_STOPPED,
    CLD_TRAPPED,
    SIGCHLD,
    SIGCONT,
)
from pyuk.abi.structs import RUSAGE, SIGINFO_CHILD
from pyuk.abi.syscall import syscall
from pyuk.kernel.lifecycle import reap
from pyuk.kernel.usage import process_usage
from pyuk.syscalls.time import rusage
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.declare import Annotated, IdTypeArg, PidArg, WaitArg
    from pyuk.abi.kinds import OUT, StructAt
    from pyuk.abi.structs import SIGINFO, WAIT_STATUS
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.ptrace import Tracee
    from pyuk.kernel.task import Process, Task

_CORE_FLAG, _STOPPED, _CONTINUED = 0x80, 0x7F, 0xFFFF
_ALL, _CLONE, _NO_THREAD = __WALL, __WCLONE, __WNOTHREAD  # two underscores would mean something else within a class
_SIGINFO_WRITTEN = 28  # up to si_status


class News:
    """What a wait tells of one child or traced thread. code: CLD_; status: as si_status has it."""

    __slots__ = ("code", "pid", "process", "status", "uid")

    def __init__(self, process: Process, pid: int, code: int, status: int) -> None:
        self.process = process
        self.pid = pid
        self.code = code
        self.status = status
        self.uid = process.tasks[0].creds.uid if process.tasks else process.uid_at_end


class WaitForChild:
    """What is left of a wait: who is waited for, and how the answer is told.

    Source: kernel/exit.c, wait_consider_task.
    """

    __slots__ = ("matches", "options", "task", "tell")

    def __init__(
        self, task: Task, matches: Callable[[int, Process], bool], options: int, tell: Callable[[News], int]
    ) -> None:
        """matches: by a tid and its process. `tell` gives the call's result."""
        self.task = task
        self.matches = matches
        self.options = options
        self.tell = tell

    def step(self) -> int:
        """The first child with news, or 0 with WNOHANG. Errors: ECHILD nobody can ever match."""
        own = self.task.process
        is_hopeless = True
        for child in own.children:
            if not self.matches(child.pid, child) or not self._is_eligible(child):
                continue
            traced = self.task.kernel.tracees.get(child.pid)
            if traced is not None and traced.tracer.process is own:
                continue  # below
            if child.status is None or self.options & (WEXITED | WCONTINUED):
                is_hopeless = False
            if child.status is None or traced is None:
                code = self._news(child, is_traced=False)
                if code:
                    return self._take(child, code)
        for tracee in own.tracees:
            if self.options & _NO_THREAD and tracee.tracer is not self.task:
                continue
            if self.matches(tracee.tid, tracee.process):
                is_hopeless = False
                result = self._look_at(tracee)
                if result is not None:
                    return result
        if is_hopeless:
            raise SyscallError(ECHILD)
        if self.options & WNOHANG:
            return 0
        raise WouldBlock(own.child_changed)

    def _is_eligible(self, child: Process) -> bool:
        """Children that were made with another exit signal than SIGCHLD are waited for by __WCLONE or __WALL only."""
        if self.options & _ALL:
            return True
        return (child.exit_signal != SIGCHLD) == bool(self.options & _CLONE)

    def _news(self, child: Process, *, is_traced: bool) -> int:
        if child.status is not None:
            if not self.options & WEXITED:
                return 0
            return CLD_EXITED if child.status >= 0 else CLD_DUMPED if child.dumped_core else CLD_KILLED
        if child.news == SIGCONT and self.options & WCONTINUED:
            return CLD_CONTINUED
        if child.news not in (None, SIGCONT) and self.options & WSTOPPED and not is_traced:
            return CLD_STOPPED
        return 0

    def _take(self, child: Process, code: int) -> int:
        status = child.news or 0 if child.status is None else abs(child.status)
        try:
            return self.tell(News(child, child.pid, code, status))
        finally:  # a bad address loses the news
            if not self.options & WNOWAIT:
                if child.status is not None:
                    reap(self.task.kernel, child)
                else:
                    child.news = None

    def _look_at(self, tracee: Tracee) -> int | None:
        """News of a traced thread: its stops need no WUNTRACED."""
        process, keeps = tracee.process, self.options & WNOWAIT
        if tracee.is_zombie:
            if not self.options & WEXITED:
                return None
            end = tracee.end_news()
            try:
                return self.tell(News(process, tracee.tid, *end))
            finally:
                if not keeps:
                    tracee.reap()
        if tracee.exit_code is not None:
            return None
        stop = tracee.stop
        if stop is not None and stop.code and not tracee.is_listening:
            try:
                return self.tell(News(process, tracee.tid, CLD_TRAPPED, stop.code))
            finally:
                if not keeps:
                    stop.code = 0
        if tracee.is_leader:
            code = self._news(process, is_traced=True)
            if code:
                return self._take(process, code)
        return None

    def interrupted(self) -> int:
        """Made again unless a handler without SA_RESTART runs."""
        raise SyscallError(ERESTARTSYS)

    timed_out = step

    def close(self) -> None:
        """Nothing is held."""


@syscall("wait4")
def sys_wait4(
    task: Task,
    upid: PidArg,
    stat_addr: Annotated[UserAddr, StructAt(OUT, WAIT_STATUS)],
    options: WaitArg,
    ru: Annotated[UserAddr, StructAt(OUT, RUSAGE)],
) -> int:
    """Wait for a child: one (pid), a group (-pgid, 0) or any (-1). Errors: EINVAL, ECHILD, EINTR, EFAULT, ESRCH."""
    if options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL):
        raise SyscallError(EINVAL)
    if upid == -(1 << 31):
        raise SyscallError(ESRCH)

    def tell(news: News) -> int:
        if stat_addr:
            task.mem.write_u32(stat_addr, _status_word(news))
        if ru:
            task.mem.write(ru, _rusage(news.process))
        return news.pid

    return _wait(WaitForChild(task, _matcher(task, upid), options | WEXITED, tell))


def _status_word(news: News) -> int:
    if news.code in (CLD_STOPPED, CLD_TRAPPED):
        return news.status << 8 | _STOPPED
    if news.code == CLD_CONTINUED:
        return _CONTINUED
    if news.code == CLD_EXITED:
        return news.status << 8
    return news.status | (_CORE_FLAG if news.code == CLD_DUMPED else 0)


def _rusage(child: Process) -> bytes:
    """Its own and what its children had; one that is only stopped has what has been charged so far."""
    max_rss_kib = max(child.max_rss_kib, child.children_max_rss_kib)
    total = process_usage(child)
    user_ns, system_ns = child.times.show(total)
    total.add(child.children_usage)
    return rusage((user_ns + child.children_user_ns, system_ns + child.children_system_ns), max_rss_kib, total)


def _matcher(task: Task, upid: int) -> Callable[[int, Process], bool]:
    if upid > 0:
        return lambda tid, _process: tid == upid
    if upid == -1:
        return lambda _tid, _process: True
    group = -upid or task.process.pgid
    return lambda _tid, process: process.pgid == group


@syscall("waitid")
def sys_waitid(
    task: Task,
    which: IdTypeArg,
    upid: PidArg,
    infop: Annotated[UserAddr, StructAt(OUT, SIGINFO)],
    options: WaitArg,
    ru: Annotated[UserAddr, StructAt(OUT, RUSAGE)],
) -> int:
    """Wait for a child and get its news as a siginfo. Errors: EINVAL, ECHILD, EINTR, EFAULT."""
    try:
        return _waitid(task, which, upid, infop, options, ru)
    except SyscallError:
        if infop:  # kernel/exit.c: an error is told as an empty siginfo too, and a bad address comes first
            task.mem.write(infop, bytes(_SIGINFO_WRITTEN))
        raise


def _waitid(task: Task, which: int, upid: int, infop: UserAddr, options: int, ru: UserAddr) -> int:
    if options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL):
        raise SyscallError(EINVAL)
    if not options & (WEXITED | WSTOPPED | WCONTINUED) or which not in (P_ALL, P_PID, P_PGID, P_PIDFD):
        raise SyscallError(EINVAL)
    if (which == P_PID and upid <= 0) or (which == P_PGID and upid < 0):
        raise SyscallError(EINVAL)

    def tell(news: News) -> int:
        if infop:
            head = (SIGCHLD, 0, news.code)
            task.mem.write(infop, SIGINFO_CHILD.pack(head, news.pid, news.uid, news.status, 0, 0))
        if ru:
            task.mem.write(ru, _rusage(news.process))
        return 0

    if which == P_PIDFD:
        matches, is_nonblocking = _by_pidfd(task, upid)
    else:
        matches, is_nonblocking = _matcher(task, {P_ALL: -1, P_PID: upid, P_PGID: -upid}[which]), False
    if infop and options & WNOHANG:
        task.mem.write(infop, bytes(SIGINFO_CHILD.size))
    if is_nonblocking:
        try:
            return WaitForChild(task, matches, options & ~WNOHANG, tell).step()
        except WouldBlock:
            raise SyscallError(EAGAIN) from None
    return _wait(WaitForChild(task, matches, options, tell))


def _by_pidfd(task: Task, fd: int) -> tuple[Callable[[int, Process], bool], bool]:
    """The descriptor's process, and whether it has PIDFD_NONBLOCK. Errors: EINVAL negative, EBADF."""
    if fd < 0:
        raise SyscallError(EINVAL)
    from pyuk.syscalls.pidfd import process_of  # noqa: PLC0415

    process = process_of(task, fd)
    return (lambda tid, owner: owner is process and tid == process.pid), bool(task.files.get(fd).flags & PIDFD_NONBLOCK)


def _wait(operation: WaitForChild) -> int:
    try:
        return operation.step()
    except WouldBlock as blocked:
        raise Park.after(blocked, operation) from None
