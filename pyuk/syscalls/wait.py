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
from pyuk.abi.signal import CLD_CONTINUED, CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, SIGCHLD, SIGCONT
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
    from pyuk.kernel.task import Process, Task

_CORE_FLAG, _STOPPED, _CONTINUED = 0x80, 0x7F, 0xFFFF
_ALL, _CLONE = __WALL, __WCLONE  # two underscores would mean something else within a class
_SIGINFO_WRITTEN = 28  # up to si_status


class WaitForChild:
    """What is left of a wait: who is waited for, and how the answer is told."""

    __slots__ = ("matches", "options", "task", "tell")

    def __init__(
        self, task: Task, matches: Callable[[Process], bool], options: int, tell: Callable[[Process, int], int]
    ) -> None:
        """`tell` gets the child and what it did (CLD_) and gives the call's result."""
        self.task = task
        self.matches = matches
        self.options = options
        self.tell = tell

    def step(self) -> int:
        """The first child with news, or 0 with WNOHANG. Errors: ECHILD nobody can ever match."""
        own = self.task.process
        candidates = [child for child in own.children if self.matches(child) and self._is_eligible(child)]
        if not candidates:
            raise SyscallError(ECHILD)
        for child in candidates:
            code = self._news(child)
            if code:
                return self._take(child, code)
        if self.options & WNOHANG:
            return 0
        raise WouldBlock(own.child_changed)

    def _is_eligible(self, child: Process) -> bool:
        """Children that were made with another exit signal than SIGCHLD are waited for by __WCLONE or __WALL only."""
        if self.options & _ALL:
            return True
        return (child.exit_signal != SIGCHLD) == bool(self.options & _CLONE)

    def _news(self, child: Process) -> int:
        if child.status is not None:
            if not self.options & WEXITED:
                return 0
            return CLD_EXITED if child.status >= 0 else CLD_DUMPED if child.dumped_core else CLD_KILLED
        if child.news == SIGCONT and self.options & WCONTINUED:
            return CLD_CONTINUED
        if child.news not in (None, SIGCONT) and self.options & WSTOPPED:
            return CLD_STOPPED
        return 0

    def _take(self, child: Process, code: int) -> int:
        try:
            return self.tell(child, code)
        finally:  # a bad address loses the news
            if not self.options & WNOWAIT:
                if child.status is not None:
                    reap(self.task.kernel, child)
                else:
                    child.news = None

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

    def tell(child: Process, code: int) -> int:
        if stat_addr:
            task.mem.write_u32(stat_addr, _status_word(child, code))
        if ru:
            task.mem.write(ru, _rusage(child))
        return child.pid

    return _wait(WaitForChild(task, _matcher(task, upid), options | WEXITED, tell))


def _status_word(child: Process, code: int) -> int:
    if code == CLD_STOPPED:
        return (child.news or 0) << 8 | _STOPPED
    if code == CLD_CONTINUED:
        return _CONTINUED
    status = child.status or 0
    return status << 8 if status >= 0 else -status | (_CORE_FLAG if child.dumped_core else 0)


def _rusage(child: Process) -> bytes:
    """Its own and what its children had; one that is only stopped has what has been charged so far."""
    max_rss_kib = max(child.max_rss_kib, child.children_max_rss_kib)
    total = process_usage(child)
    user_ns, system_ns = child.times.show(total)
    total.add(child.children_usage)
    return rusage((user_ns + child.children_user_ns, system_ns + child.children_system_ns), max_rss_kib, total)


def _matcher(task: Task, upid: int) -> Callable[[Process], bool]:
    if upid > 0:
        return lambda child: child.pid == upid
    if upid == -1:
        return lambda _child: True
    group = -upid or task.process.pgid
    return lambda child: child.pgid == group


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

    def tell(child: Process, code: int) -> int:
        status = abs(child.status) if child.status is not None else child.news or 0
        if infop:
            head = (SIGCHLD, 0, code)
            uid = child.tasks[0].creds.uid if child.tasks else child.uid_at_end
            task.mem.write(infop, SIGINFO_CHILD.pack(head, child.pid, uid, status, 0, 0))
        if ru:
            task.mem.write(ru, _rusage(child))
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


def _by_pidfd(task: Task, fd: int) -> tuple[Callable[[Process], bool], bool]:
    """The descriptor's process, and whether it has PIDFD_NONBLOCK. Errors: EINVAL negative, EBADF."""
    if fd < 0:
        raise SyscallError(EINVAL)
    from pyuk.syscalls.pidfd import process_of  # noqa: PLC0415

    process = process_of(task, fd)
    return (lambda child: child is process), bool(task.files.get(fd).flags & PIDFD_NONBLOCK)


def _wait(operation: WaitForChild) -> int:
    try:
        return operation.step()
    except WouldBlock as blocked:
        raise Park.after(blocked, operation) from None
