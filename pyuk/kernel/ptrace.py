"""ptrace(2): a thread that is traced stops at certain points, and goes on when its tracer says so.

A stop is data, like the sleep in a system call: it stands in Task.sleep, with the function that goes on. Everything
that may happen to a traced thread is in this file; its registers are in ptrace_regs.py, its system calls' stops in
entry.py. Source: Linux 6.1 kernel/ptrace.c, and kernel/signal.c (ptrace_stop, do_signal_stop, do_jobctl_trap).
"""

from __future__ import annotations

from pyuk.abi.errno import ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS
from pyuk.abi.ptrace import (
    PTRACE_EVENT_CLONE,
    PTRACE_EVENT_EXEC,
    PTRACE_EVENT_EXIT,
    PTRACE_EVENT_FORK,
    PTRACE_EVENT_STOP,
    PTRACE_EVENT_VFORK,
    PTRACE_EVENT_VFORK_DONE,
    PTRACE_O_EXITKILL,
)
from pyuk.abi.sched import CLONE_PTRACE, CLONE_UNTRACED, CLONE_VFORK
from pyuk.abi.signal import (
    CLD_CONTINUED,
    CLD_DUMPED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_STOPPED,
    CLD_TRAPPED,
    SA_NOCLDSTOP,
    SA_NOCLDWAIT,
    SI_KERNEL,
    SI_USER,
    SIG_IGN,
    SIGCHLD,
    SIGCONT,
    SIGKILL,
    SIGSTOP,
    SIGTRAP,
)  # fmt: skip
from pyuk.abi.structs import SIGINFO_KILL
from pyuk.kernel import lifecycle, signals
from pyuk.kernel.ptrace_regs import UserRegisters
from pyuk.kernel.scheduler import Sleep
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.task import PTRACED, STEP
from pyuk.machine.cpu import RAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task

_MASK = (1 << 64) - 1
_NO_CALL = -1
_RESTART_SYSCALL = 219
_CORE_FLAG = 0x80


class _Nothing:
    """The operation of a stop, which has none."""

    __slots__ = ()

    def step(self) -> int:
        """Never called, nor are the next two."""
        raise NotImplementedError

    interrupted = timed_out = step

    def close(self) -> None:
        """Nothing is held."""


_NOTHING = _Nothing()


class OwnSiginfo(Siginfo):
    """The siginfo of a stop that no signal has caused: who stops, whatever the number says otherwise."""

    __slots__ = ()

    def pack(self) -> bytes:
        """With si_pid and si_uid."""
        return SIGINFO_KILL.pack((self.signo, 0, self.code), self.pid, self.uid)


class Stop(Sleep):
    """What a thread does instead of running: it waits for its tracer. It stands in Task.sleep.

    code: what wait4(2) has not been told yet, 0 then; at the end what the tracer gave, a signal or 0.
    """

    __slots__ = ("code", "info", "then", "tracee")
    is_special = is_stop = True

    def __init__(self, tracee: Tracee, code: int, info: Siginfo | None, then: Callable[[Stop], object]) -> None:
        """info: what PTRACE_GETSIGINFO tells, None in a group-stop. then: called with this at the end."""
        self.tracee = tracee
        self.task = tracee.task
        self.code = code
        self.info = info
        self.then = then
        self.operation = _NOTHING
        self.is_over = False
        self.number = 0
        self.arguments = ()

    def wake(self, events: int = 0) -> bool:
        """Signals wait for the tracer too, but for the one that kills."""
        if self.is_over or not self.tracee.is_killed:
            return False
        self.tracee.release(0)
        return True

    def dequeue(self) -> None:
        """The thread ends."""
        self.is_over = True

    def go_on(self, kernel: Kernel) -> bool:
        """What the tracer has changed takes effect, and what the stop was before goes on."""
        if not self.is_over:
            return False
        tracee, task = self.tracee, self.task
        task.sleep = None
        tracee.regs.apply()
        tracee.message = 0
        self.then(self)
        if not kernel.may_run(task):
            return False
        if task.tracee is tracee:
            tracee.is_new = False
            if tracee.mode & STEP:
                tracee.regs.begin_step()
        return True


class Tracee:
    """What there is of a thread because somebody traces it. It outlives the thread until the tracer has been told.

    Invariants: it is in the `tracees` of the tracer's process, and in Kernel.tracees by its tid; `stop` is the thread's
    sleep while the tracer may ask and change it; `exit_code` is None while it lives.
    """

    __slots__ = (
        "debug", "events", "exit_code", "is_dequeued", "is_exiting", "is_listening", "is_new", "is_notified",
        "is_seized", "is_stopping", "is_trapping", "message", "mode", "options", "orig_rax", "process", "regs", "stop",
        "stop_signal", "task", "tid", "tracer",
    )  # fmt: skip

    def __init__(self, task: Task, tracer: Task, *, options: int = 0, is_seized: bool = False) -> None:
        self.task = task
        self.tid = task.tid
        self.process = task.process
        self.tracer = tracer
        self.options = options
        self.is_seized = is_seized
        self.stop: Stop | None = None
        self.exit_code: int | None = None
        """As wait4(2) tells it."""
        self.message = 0
        """PTRACE_GETEVENTMSG."""
        self.mode = 0
        """How it was let go on: SYSCALLS, EMULATED, STEP."""
        self.orig_rax = _NO_CALL
        """The system call that the thread makes or has just made."""
        self.regs = UserRegisters(self)
        self.debug = [0] * 8
        """DR0-DR7."""
        self.events: list[tuple[int, int]] = []
        """(event, message): to be told before the call under way ends."""
        self.is_trapping = False
        """JOBCTL_TRAP_STOP: it shall stop before it sees user mode or a signal."""
        self.is_notified = False
        """JOBCTL_TRAP_NOTIFY: the same, because the state of job control has changed."""
        self.is_stopping = False
        """JOBCTL_STOP_PENDING: it shall take part in a group-stop."""
        self.is_dequeued = False
        """JOBCTL_STOP_DEQUEUED: no SIGCONT has come since it took the signal in hand."""
        self.is_exiting = self.is_listening = False
        self.is_new = False
        """It has not been in user mode yet."""
        self.stop_signal = 0

    # What makes it stop

    @property
    def has_trap(self) -> bool:
        """Whether it is to stop at once, with or without a signal."""
        return self.is_trapping or self.is_notified or self.is_stopping

    @property
    def is_killed(self) -> bool:
        """SIGKILL is pending (fatal_signal_pending)."""
        return bool((self.task.pending.mask | self.process.pending.mask) >> (SIGKILL - 1) & 1)

    def wants(self, event: int) -> bool:
        """Whether the tracer has asked for an event."""
        return bool(self.options >> event & 1)

    def halt(
        self, code: int, why: int, info: Siginfo | None, then: Callable[[Stop], object], message: int = 0
    ) -> None:  # fmt: skip
        """Stop the thread, which has the CPU, and tell the tracer (ptrace_stop). Who is being killed goes on at once.

        code: what wait4(2) gives above the 0x7f. why: CLD_TRAPPED or CLD_STOPPED.
        """
        if self.is_killed:
            then(Stop(self, 0, info, then))
            return
        self.regs.capture()
        completes = why == CLD_STOPPED and self._take_part()
        self.is_trapping = False
        if info is not None and info.code >> 8 == PTRACE_EVENT_STOP:
            self.is_notified = False
        signals.recompute(self.task)
        self.message = message
        self.stop = self.task.sleep = Stop(self, code, info, then)
        self._tell_tracer(why, code & 0x7F if why == CLD_TRAPPED else self.stop_signal)
        if completes and self.is_reparented:
            lifecycle.tell_of_stop(self.process, CLD_STOPPED, self.process.news or 0)
        self.task.kernel.machine.cpu.switch()

    def notify(self, code: int, then: Callable[[Stop], object], message: int = 0) -> None:
        """A stop that is the kernel's own news (ptrace_notify)."""
        self.halt(code, CLD_TRAPPED, self._own_info(SIGTRAP, code), then, message)

    def _own_info(self, signo: int, code: int) -> Siginfo:
        return OwnSiginfo(signo, code, pid=self.task.tid, uid=self.task.creds.uid)

    def takes_over(self) -> bool:
        """Whether it stops instead of acting on signals: the tracer is asked what is to be done (ptrace_signal)."""
        if self.is_killed:
            return False
        if self._traps():
            return True
        info = signals.take_from(self.task, ~self.task.blocked)
        if info is None:
            return False
        self.is_dequeued = True
        self.halt(info.signo, CLD_TRAPPED, info, self._after_signal)
        return True

    def _after_signal(self, stop: Stop) -> None:
        task, signo, info = self.task, stop.code, stop.info
        if not signo or info is None:
            signals.deliver(task, self.call_to_restart())
            return
        if signo != info.signo:
            info = Siginfo(signo, SI_USER, pid=self.tracer.tid, uid=self.tracer.creds.uid)
        if task.blocked >> (signo - 1) & 1 or self.is_killed:
            task.pending.add(info)
            signals.recompute(task)
            signals.deliver(task, self.call_to_restart())
        else:
            signals.deliver(task, self.call_to_restart(), info)

    def _traps(self) -> bool:
        """Whether it stops now because job control or PTRACE_INTERRUPT wants it (do_jobctl_trap)."""
        if not self.has_trap:
            return False
        signo = self.stop_signal
        if not self.is_seized:
            self.is_notified = False
            self.halt(signo, CLD_STOPPED, None, self._after_trap)
        else:
            if not self.process.is_stopped and not self._is_group_stopping():
                signo = SIGTRAP
            code = signo | PTRACE_EVENT_STOP << 8
            self.halt(code, CLD_STOPPED, self._own_info(signo, code), self._after_trap)
        return True

    def _after_trap(self, _stop: Stop) -> None:
        signals.deliver(self.task, self.call_to_restart())

    def call_to_restart(self) -> int | None:
        """The number to make again, where RAX and orig_rax say that a call was interrupted; the tracer may say so."""
        if self.orig_rax == _NO_CALL:
            return None
        errno = -self.task.kernel.machine.cpu.regs[RAX] & _MASK
        if errno == ERESTART_RESTARTBLOCK:
            return _RESTART_SYSCALL
        return self.orig_rax if errno in (ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND) else None

    # Group-stops

    def join_stop(self, signo: int) -> None:
        """The process is being stopped by a signal (do_signal_stop): this thread traps when it can."""
        self.is_stopping, self.stop_signal = True, signo
        signals.recompute(self.task)

    def _is_group_stopping(self) -> bool:
        return any(other.tracee is not None and other.tracee.is_stopping for other in self.process.tasks)

    def _take_part(self) -> bool:
        """Whether the group-stop is complete with this thread (task_participate_group_stop)."""
        if not self.is_stopping:
            return False
        self.is_stopping = False
        if self.process.is_stopped or self._is_group_stopping():
            return False
        self.process.is_stopped = True
        self.process.news = self.stop_signal
        return True

    def forget_stop(self) -> None:
        """SIGCONT: a stop that has not come is not to come; a seized thread tells of it."""
        self.is_stopping = self.is_dequeued = False
        if self.is_seized:
            self.is_notified = True
            self._poke(resumes=self.is_listening)

    def interrupt(self) -> None:
        """PTRACE_INTERRUPT."""
        self.is_trapping = True
        self._poke(resumes=self.is_listening)

    def listen(self) -> None:
        """PTRACE_LISTEN: stay stopped, but tell when job control has news."""
        self.is_listening = True
        if self.is_notified:
            self._poke(resumes=True)

    def _poke(self, *, resumes: bool) -> None:
        if resumes:
            self.release(0)
        signals.recompute(self.task)

    # Going on

    def release(self, code: int) -> None:
        """The stop is over; the thread goes on with `code` when it is its turn."""
        stop, task = self.stop, self.task
        if stop is None:
            return
        stop.code = code
        stop.is_over = True
        self.stop = None
        self.is_listening = False
        task.kernel.scheduler.make_ready(task)

    def resume(self, signo: int, mode: int) -> None:
        """PTRACE_CONT and its kind (ptrace_resume)."""
        self.mode = mode
        self.release(signo)

    # The tracer

    @property
    def is_reparented(self) -> bool:
        """Whether the tracer is not the real parent's process (ptrace_reparented)."""
        return self.tracer.process is not self.process.parent

    @property
    def is_leader(self) -> bool:
        """Whether it stands for its process."""
        return self.tid == self.process.pid

    @property
    def is_zombie(self) -> bool:
        """Whether the tracer can be told of its end: the first thread's end is the process's (delay_group_leader)."""
        return self.exit_code is not None and (not self.is_leader or self.process.status is not None)

    def _tell_tracer(self, why: int, status: int) -> None:
        """SIGCHLD and a wake-up (do_notify_parent_cldstop)."""
        tracer = self.tracer
        action = tracer.actions.get(SIGCHLD)
        if action.handler != SIG_IGN and not action.flags & SA_NOCLDSTOP:
            info = Siginfo(SIGCHLD, why, pid=self.tid, uid=self.task.creds.uid, status=status)
            signals.send_process(tracer.process, info)
        tracer.process.child_changed.wake()

    def tell_of_continue(self) -> None:
        """The process of this first thread has gone on."""
        self._tell_tracer(CLD_CONTINUED, SIGCONT)

    def end(self, code: int) -> None:
        """The thread has ended; a thread that is not the first is told of now, the first with its process."""
        self.exit_code = code
        self.stop = None
        if not self.is_leader:
            self.tell_of_end()

    def tell_of_end(self) -> None:
        """There is a zombie for the tracer (exit_notify, do_notify_parent)."""
        tracer = self.tracer
        signo = self.process.exit_signal if self.is_leader and not self.is_reparented else SIGCHLD
        action = tracer.actions.get(SIGCHLD)
        if signo:
            why, status = self.end_news()
            info = Siginfo(signo, why, pid=self.tid, uid=self.task.creds.uid, status=status)
            signals.send_process(tracer.process, info)
        tracer.process.child_changed.wake()
        if signo == SIGCHLD and (action.handler == SIG_IGN or action.flags & SA_NOCLDWAIT):
            self.unlink()
            if self.is_leader:
                lifecycle.reap(self.task.kernel, self.process)

    def end_news(self) -> tuple[int, int]:
        """CLD_ code and status of its end."""
        code = self.exit_code or 0
        if self.process.group_exit is not None:
            code = lifecycle.exit_code(self.process)
        signo = code & 0x7F
        if not signo:
            return CLD_EXITED, code >> 8
        return CLD_DUMPED if code & _CORE_FLAG else CLD_KILLED, signo

    def reap(self) -> None:
        """The tracer has been told of its end: now it is the real parent's turn (wait_task_zombie)."""
        process, kernel = self.process, self.task.kernel
        is_reparented = self.is_reparented
        self.unlink()
        if not self.is_leader:
            return
        if is_reparented:
            lifecycle.tell_parent(kernel, process, process.uid_at_end)
        else:
            lifecycle.reap(kernel, process)

    def unlink(self) -> None:
        """Nobody traces the thread any more (__ptrace_unlink, without what follows for it)."""
        kernel, task = self.task.kernel, self.task
        if kernel.tracees.get(self.tid) is self:
            del kernel.tracees[self.tid]
        self.tracer.process.tracees.remove(self)
        if task.tracee is self:
            task.tracee = None
            task.work &= ~PTRACED

    def detach(self, signo: int | None = None) -> None:
        """PTRACE_DETACH with a signal, or (None) the end of the tracer: the thread goes on by itself."""
        process, task = self.process, self.task
        is_reparented, is_stopping = self.is_reparented, self.is_stopping
        self.mode = 0
        self.unlink()
        if self.exit_code is not None:
            if self.is_zombie and self.is_leader and is_reparented:
                lifecycle.tell_parent(task.kernel, process, process.uid_at_end)
            return
        stop = self.stop
        if process.is_stopped or is_stopping:
            task.is_stopped = True
            task.kernel.scheduler.withdraw(task)
            if is_stopping and not self._is_group_stopping():
                lifecycle.complete_stop(process, self.stop_signal)
        if stop is not None:
            self.release(stop.code if signo is None else signo)
        signals.recompute(task)

    def leave_all(self, tracer: Task) -> None:
        """A thread that traces this and others ends (exit_ptrace)."""
        for tracee in [tracee for tracee in tracer.process.tracees if tracee.tracer is tracer]:
            if tracee.options & PTRACE_O_EXITKILL and tracee.exit_code is None:
                signals.send(tracee.task, Siginfo(SIGKILL, SI_KERNEL))
            tracee.detach()

    # What the thread does itself

    def inherit(self, child: Task, flags: int, exit_signal: int) -> None:
        """It has made another: tell of that, and trace it too, as the options say (kernel_clone)."""
        event = 0
        if not flags & CLONE_UNTRACED:
            if flags & CLONE_VFORK:
                event = PTRACE_EVENT_VFORK
            else:
                event = PTRACE_EVENT_FORK if exit_signal == SIGCHLD else PTRACE_EVENT_CLONE
            if not self.wants(event):
                event = 0
        if event or flags & CLONE_PTRACE:
            twin = attach(self.tracer, child, options=self.options, is_seized=self.is_seized)
            twin.orig_rax, twin.is_new = self.orig_rax, True
            if self.is_seized:
                twin.is_trapping = True
            else:
                child.pending.add(Siginfo(SIGSTOP, SI_USER))
            signals.recompute(child)
        if event:
            self.events.append((event, child.tid))

    def vfork_done(self, pid: int) -> None:
        """The child of a vfork has gone its way."""
        if self.wants(PTRACE_EVENT_VFORK_DONE):
            self.events.append((PTRACE_EVENT_VFORK_DONE, pid))

    def has_execed(self) -> None:
        """It has another program. Its tid may be another too: then the first thread is gone, without a word."""
        task, kernel, old_tid = self.task, self.task.kernel, self.tid
        if old_tid != task.tid:
            first = kernel.tracees.get(task.tid)
            if first is not None:
                first.unlink()
            del kernel.tracees[old_tid]
            self.tid = task.tid
            kernel.tracees[self.tid] = self
        self.debug = [0] * 8
        if self.wants(PTRACE_EVENT_EXEC):
            self.events.append((PTRACE_EVENT_EXEC, old_tid))
        elif not self.is_seized:
            signals.send(task, Siginfo(SIGTRAP, SI_USER, pid=task.process.pid, uid=task.creds.uid))

    def exit_stop(self, code: int, end: Callable[[], object]) -> bool:
        """Whether its end waits for the tracer (PTRACE_EVENT_EXIT); `end` is called then.

        A thread without the CPU stops when it gets it.
        """
        task, kernel = self.task, self.task.kernel
        if self.is_exiting or not self.wants(PTRACE_EVENT_EXIT):
            return False
        self.is_exiting = True

        def halt(_stop: Stop) -> None:
            self.notify(SIGTRAP | PTRACE_EVENT_EXIT << 8, lambda _stop: end(), code)

        if task is kernel.current:
            halt(Stop(self, 0, None, halt))
            return True
        if task.sleep is not None:
            task.sleep.dequeue()
            task.sleep.operation.close()
        task.sleep = self.stop = Stop(self, 0, None, halt)
        task.is_stopped = False
        self.release(0)
        return True


def attach(tracer: Task, task: Task, *, options: int = 0, is_seized: bool = False) -> Tracee:
    """Begin to trace, and no more than that (ptrace_link)."""
    tracee = Tracee(task, tracer, options=options, is_seized=is_seized)
    task.tracee = tracee
    task.work |= PTRACED
    task.kernel.tracees[task.tid] = tracee
    tracer.process.tracees.append(tracee)
    sleep = task.sleep
    if sleep is not None and not sleep.is_stop:
        tracee.orig_rax = sleep.number
    if task.is_stopped:  # TASK_STOPPED becomes TASK_TRACED: it traps in its turn
        task.is_stopped = False
        tracee.is_trapping = True
        tracee.stop_signal = task.process.stop_signal or SIGSTOP
        if sleep is None or sleep.is_over:
            task.kernel.scheduler.make_ready(task)
        signals.recompute(task)
    return tracee
