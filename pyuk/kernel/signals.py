"""Signals (signal(7)): what is pending, what is blocked, and what happens when one is delivered."""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINTR, ERESTARTNOINTR, ERESTARTSYS
from pyuk.abi.signal import (
    SA_NODEFER,
    SA_RESETHAND,
    SA_RESTART,
    SI_KERNEL,
    SI_USER,
    SIG_DFL,
    SIG_IGN,
    SIGBUS,
    SIGCHLD,
    SIGCONT,
    SIGFPE,
    SIGILL,
    SIGKILL,
    SIGSEGV,
    SIGSTOP,
    SIGSYS,
    SIGTRAP,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGURG,
    SIGWINCH,
)  # fmt: skip
from pyuk.kernel.task import SIGNAL_PENDING, STEP, WAS_STOPPED
from pyuk.machine.cpu import RAX, RIP
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from pyuk.kernel.task import Process, Task

N_SIGNALS = 64
_KILL = 1 << (SIGKILL - 1)
_MASK = (1 << 64) - 1
UNBLOCKABLE = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1)
_IGNORED_BY_DEFAULT = frozenset((SIGCHLD, SIGCONT, SIGURG, SIGWINCH))
_STOPS_BY_DEFAULT = frozenset((SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU))
_SYNCHRONOUS = frozenset((SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS))
_SYNCHRONOUS_MASK = sum(1 << (signo - 1) for signo in _SYNCHRONOUS)


class Siginfo:
    """siginfo_t (sigaction(2)). `address` is si_addr of a fault; the others are of kill(2)'s form."""

    __slots__ = ("address", "code", "errno", "pid", "signo", "status", "uid", "value")

    def __init__(
        self, signo: int, code: int, *, address: int = 0, pid: int = 0, uid: int = 0, value: int = 0, status: int = 0
    ) -> None:
        self.signo = signo
        self.code = code
        self.errno = 0
        self.address = address
        self.pid = pid
        self.uid = uid
        self.value = value
        self.status = status

    @property
    def is_fault(self) -> bool:
        """Whether si_addr is the member in use."""
        return self.signo in _SYNCHRONOUS and 0 < self.code < SI_KERNEL

    def pack(self) -> bytes:
        """The 128 bytes of include/uapi/asm-generic/siginfo.h."""
        head = struct.pack("<iiii", self.signo, self.errno, self.code, 0)
        if self.signo == SIGCHLD and self.code > 0:  # si_pid si_uid si_status si_utime si_stime
            return (head + struct.pack("<iIi4xqq", self.pid, self.uid, self.status, 0, 0)).ljust(128, b"\0")
        fault, sender = struct.pack("<Q", self.address), struct.pack("<iIQ", self.pid, self.uid, self.value)
        return (head + (fault if self.is_fault else sender)).ljust(128, b"\0")


class Action:
    """struct sigaction as rt_sigaction(2) takes it; values, never changed."""

    __slots__ = ("flags", "handler", "mask", "restorer")

    def __init__(self, handler: int, flags: int, restorer: int, mask: int) -> None:
        self.handler = handler
        self.flags = flags
        self.restorer = restorer
        self.mask = mask


_DEFAULT = Action(SIG_DFL, 0, 0, 0)


class SignalActions:
    """The dispositions of a process, by signo; shared by its threads."""

    __slots__ = ("_actions", "_signalfd_queue")

    def __init__(self) -> None:
        self._actions: dict[int, Action] = {}
        self._signalfd_queue: WaitQueue | None = None

    def signalfd_queue(self) -> WaitQueue:
        """Who reads or polls a signalfd(2): woken when a signal comes."""
        if self._signalfd_queue is None:
            self._signalfd_queue = WaitQueue()
        return self._signalfd_queue

    def tell_signalfds(self) -> None:
        """A signal has come."""
        if self._signalfd_queue is not None:
            self._signalfd_queue.wake()

    def get(self, signo: int) -> Action:
        """What is to be done with signo; the default action where nothing was set."""
        return self._actions.get(signo, _DEFAULT)

    def set(self, signo: int, action: Action) -> None:
        """Replace the disposition."""
        self._actions[signo] = action

    def reset_handlers(self) -> None:
        """As execve(2): caught signals get the default action, ignored ones stay ignored."""
        self._actions = {s: Action(SIG_IGN, 0, 0, 0) for s, a in self._actions.items() if a.handler == SIG_IGN}

    def copy(self) -> SignalActions:
        """A child's own, equal at first."""
        twin = SignalActions()
        twin._actions = self._actions.copy()
        return twin

    def ignores(self, signo: int) -> bool:
        """Whether a signal would be thrown away at once."""
        handler = self.get(signo).handler
        return handler == SIG_IGN or (handler == SIG_DFL and signo in _IGNORED_BY_DEFAULT)


def send(task: Task, info: Siginfo) -> None:
    """Make a signal pending for one thread."""
    if _is_wanted(task, info):
        task.pending.add(info)
        task.actions.tell_signalfds()
        recompute(task)


def send_process(process: Process, info: Siginfo) -> None:
    """Make a signal pending for a process: some thread that does not block it will take it."""
    if process.tasks and _is_wanted(process.tasks[0], info):
        process.pending.add(info)
        process.tasks[0].actions.tell_signalfds()
        for task in process.tasks:
            recompute(task)


def _is_wanted(task: Task, info: Siginfo) -> bool:
    """What a signal does by being sent (kernel/signal.c, prepare_signal), and whether it is to be kept."""
    signo, process = info.signo, task.process
    if process.group_exit is not None:
        return False  # it is dying already
    if signo in (SIGCONT, SIGKILL):
        _take_back(process, _STOPS_BY_DEFAULT)
        task.kernel.continue_process(process, told=signo == SIGCONT)
    elif signo in _STOPS_BY_DEFAULT:
        _take_back(process, (SIGCONT,))
    if not task.actions.ignores(signo) or (task.tracee is not None and signo != SIGKILL):
        return True
    if all((other.blocked | other.awaited) >> (signo - 1) & 1 for other in process.tasks):
        return True
    task.kernel.saw_signal(task, info, is_ignored=True)
    return False


def _take_back(process: Process, signals: Collection[int]) -> None:
    process.pending.discard(signals)
    for task in process.tasks:
        task.pending.discard(signals)


def forget(task: Task, signo: int) -> None:
    """A signal that is ignored from now on does not pend either (do_sigaction)."""
    _take_back(task.process, (signo,))
    for other in task.process.tasks:
        recompute(other)


def force(task: Task, info: Siginfo) -> None:
    """A fault's signal: blocked or ignored, it kills (kernel/signal.c, force_sig_info_to_task)."""
    bit = 1 << (info.signo - 1)
    if task.blocked & bit or task.actions.get(info.signo).handler == SIG_IGN:
        task.actions.set(info.signo, _DEFAULT)
        task.blocked &= ~bit
    task.pending.add(info)
    recompute(task)


def recompute(task: Task) -> None:
    """Set or clear SIGNAL_PENDING after a change of the mask or of what is pending; a sleeper is woken.

    A handler of the host's signals may run within: the bit is cleared before it is decided on, never after.
    """
    task.work &= ~SIGNAL_PENDING
    pending = task.pending.mask | task.process.pending.mask
    is_trapped = task.tracee is not None and task.tracee.has_trap
    if is_trapped or pending & ~task.blocked:
        task.work |= SIGNAL_PENDING
    if task.sleep is not None and (is_trapped or pending & (~task.blocked | task.awaited)):
        task.sleep.wake()


def set_blocked(task: Task, mask: int) -> None:
    """Replace the signal mask; SIGKILL and SIGSTOP stay deliverable."""
    task.blocked = mask & ~UNBLOCKABLE
    recompute(task)


def pending_set(task: Task) -> int:
    """The sigset of sigpending(2)."""
    return (task.pending.mask | task.process.pending.mask) & task.blocked


def deliver(task: Task, interrupted: int | None = None, passed: Siginfo | None = None) -> None:
    """On the way back to the guest: act on every signal that is pending and not blocked.

    Handlers are entered by frames on the guest's stack, the last one built runs first, as Linux.
    `interrupted` is the number of a call that ended with ERESTARTSYS or one of its kind: it is made
    again, or ends with EINTR where a handler without SA_RESTART runs (arch/x86/kernel/signal.c). That
    is decided when a task that stops here goes on.
    A traced thread stops instead of acting; `passed` is a signal that its tracer has let through.
    """
    if task.work & WAS_STOPPED:
        task.work &= ~WAS_STOPPED
        interrupted = task.interrupted
    while True:
        tracee, info, passed = task.tracee, passed, None
        if info is None:
            if tracee is not None and tracee.takes_over():
                return
            info = take_from(task, ~task.blocked)
        if info is None:
            if interrupted is not None:
                _restart(task, interrupted)
            if task.restore_blocked is not None:
                mask, task.restore_blocked = task.restore_blocked, None
                set_blocked(task, mask)
                if task.work & SIGNAL_PENDING:
                    continue
            return
        task.kernel.saw_signal(task, info)
        action = task.actions.get(info.signo)
        if action.handler == SIG_IGN:
            continue
        if action.handler == SIG_DFL:
            if info.signo in _IGNORED_BY_DEFAULT:
                continue
            if info.signo in _STOPS_BY_DEFAULT:
                if not task.kernel.stop_process(task, info.signo) or tracee is not None:
                    continue
                task.work |= WAS_STOPPED
                task.interrupted = interrupted
                return
            task.kernel.end_process(task, -info.signo, info)
            return
        if interrupted is not None:
            _settle_interrupted(task, interrupted, action)
            interrupted = None
        _enter_handler(task, info, action)
        if tracee is not None and tracee.mode & STEP:  # signal_delivered: the handler's first instruction is a step
            tracee.mode &= ~STEP
            tracee.notify(SIGTRAP, lambda _stop: deliver(task))
            return


def _settle_interrupted(task: Task, number: int, action: Action) -> None:
    regs = task.kernel.machine.cpu.regs
    kind = -regs[RAX] & _MASK
    if kind == ERESTARTNOINTR or (kind == ERESTARTSYS and action.flags & SA_RESTART):
        _restart(task, number)
    else:
        regs[RAX] = -EINTR & _MASK


def _restart(task: Task, number: int) -> None:
    """Back to the syscall instruction, with the number in RAX."""
    regs = task.kernel.machine.cpu.regs
    regs[RAX] = number
    regs[RIP] -= 2


def take_from(task: Task, wanted: int) -> Siginfo | None:
    """Take one pending signal of a set: synchronous faults first, then by number (kernel/signal.c, next_signal)."""
    ready = (task.pending.mask | task.process.pending.mask) & wanted
    if not ready:
        return None
    first = ready & _KILL or ready & _SYNCHRONOUS_MASK or ready
    signo = (first & -first).bit_length()
    own = task.pending.mask >> (signo - 1) & 1
    info = (task.pending if own else task.process.pending).take(signo)
    recompute(task)
    return info


def _enter_handler(task: Task, info: Siginfo, action: Action) -> None:
    """Build the frame and set the registers; a stack that does not take it is SIGSEGV (signal_setup_done)."""
    from pyuk.kernel import sigframe  # noqa: PLC0415  # most programs handle no signal

    if action.flags & SA_RESETHAND:
        task.actions.set(info.signo, Action(SIG_DFL, action.flags, action.restorer, action.mask))
    if task.rseq is not None:
        from pyuk.kernel import rseq  # noqa: PLC0415

        rseq.before_handler(task, info.signo)
    if not sigframe.push(task, info, action):
        force_segv(task, info.signo)
        return
    task.restore_blocked = None
    blocked = task.blocked | action.mask
    if not action.flags & SA_NODEFER:
        blocked |= 1 << (info.signo - 1)
    set_blocked(task, blocked)


def force_segv(task: Task, signo: int) -> None:
    """What a signal needs for its handler cannot be had: SIGSEGV, which cannot be caught where it is that signal."""
    if signo == SIGSEGV:
        task.actions.set(SIGSEGV, _DEFAULT)
    force(task, Siginfo(SIGSEGV, SI_KERNEL))


def from_kill(task: Task, signo: int, code: int = SI_USER) -> Siginfo:
    """What kill(2) (SI_USER) or tgkill(2) (SI_TKILL) by this task tells the receiver."""
    return Siginfo(signo, code, pid=task.process.pid, uid=task.creds.uid)
