"""How processes begin, stop, go on and end (kernel/fork.c, kernel/exit.c, kernel/signal.c)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_ADMIN, CAP_SYS_RESOURCE
from pyuk.abi.errno import EAGAIN, ENOMEM, SyscallError
from pyuk.abi.resource import RLIMIT_CORE, RLIMIT_NPROC
from pyuk.abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_FILES,
    CLONE_FS,
    CLONE_PARENT,
    CLONE_PARENT_SETTID,
    CLONE_SETTLS,
    CLONE_SIGHAND,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
)  # fmt: skip
from pyuk.abi.signal import (
    CLD_CONTINUED,
    CLD_DUMPED,
    CLD_EXITED,
    CLD_KILLED,
    CLD_STOPPED,
    SA_NOCLDSTOP,
    SA_NOCLDWAIT,
    SI_KERNEL,
    SI_USER,
    SIG_IGN,
    SIGCHLD,
    SIGCONT,
    SIGHUP,
    SIGKILL,
    SIGSTOP,
)  # fmt: skip
from pyuk.abi.types import UserAddr
from pyuk.kernel import signals, usage
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.task import TRACED, Process, Task
from pyuk.machine.cpu import RAX, RSP
from pyuk.machine.ram import OutOfFramesError
from pyuk.mm.usermem import UserMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.kernel import Kernel


INIT_PID = 1
_CORE_FLAG = 0x80
"""Of a wait status: WCOREDUMP."""


class CloneArguments:
    """struct clone_args (clone3(2)) as far as it is honoured; addresses are the guest's."""

    __slots__ = ("child_tid", "exit_signal", "flags", "parent_tid", "sp", "tls")

    def __init__(
        self, flags: int, *, exit_signal: int = SIGCHLD, sp: int = 0, parent_tid: int = 0, child_tid: int = 0,
        tls: int = 0,
    ) -> None:  # fmt: skip
        self.flags = flags
        self.exit_signal = exit_signal
        self.sp = sp
        """The child's stack pointer; 0: the parent's own."""
        self.parent_tid = parent_tid
        self.child_tid = child_tid
        self.tls = tls


def clone(task: Task, wish: CloneArguments) -> Task:
    """Make a child or a thread that returns 0 from the same call; checked flags.

    Errors: EAGAIN RLIMIT_NPROC, ENOMEM.
    """
    kernel, flags = task.kernel, wish.flags
    _check_number(task)
    if flags & CLONE_THREAD:
        process, tid = task.process, kernel.new_pid()
    else:
        tid = kernel.new_pid()
        parent = task.process.parent if flags & CLONE_PARENT else task.process
        process = Process(tid, parent, task.limits.copy())
        process.exit_signal = wish.exit_signal
    try:
        mm = task.mm if flags & CLONE_VM else task.mm.fork(process.limits)
    except OutOfFramesError:
        raise SyscallError(ENOMEM) from None
    child = Task(
        kernel, process, task.creds.copy(),
        task.files.share() if flags & CLONE_FILES else task.files.copy(),
        task.fs.share() if flags & CLONE_FS else task.fs.copy(),
        task.actions if flags & CLONE_SIGHAND else task.actions.copy(),
        tid,
    )  # fmt: skip
    child.mm, child.mem = mm, UserMemory(mm)
    if flags & CLONE_VM:
        mm.users += 1
    _inherit(child, task, flags)
    if not flags & CLONE_THREAD:
        process.exe, process.loaded, process.dumpable = task.process.exe, task.process.loaded, task.process.dumpable
        process.exe.hold()
        process.pgid, process.sid, process.tty = task.process.pgid, task.process.sid, task.process.tty
        if process.parent is not None:
            process.parent.children.append(process)
    if task.tracee is not None:
        task.tracee.regs.end_step()
    child.frame = _frame_of_child(task, wish)
    if flags & CLONE_PARENT_SETTID:
        _store(task, wish.parent_tid, tid)
    if flags & CLONE_CHILD_SETTID:
        _store(child, wish.child_tid, tid)
    if flags & CLONE_CHILD_CLEARTID:
        child.clear_child_tid = wish.child_tid
    kernel.add(child)
    if task.tracee is not None:
        task.tracee.inherit(child, flags, wish.exit_signal)
    kernel.scheduler.make_ready(child)
    return child


def _check_number(task: Task) -> None:
    """RLIMIT_NPROC: how many threads one user may have; root may have more."""
    creds, limit = task.creds, task.limits.soft[RLIMIT_NPROC]
    tasks = task.kernel.tasks
    if len(tasks) < limit or creds.uid == 0 or creds.has(CAP_SYS_RESOURCE) or creds.has(CAP_SYS_ADMIN):
        return
    if sum(1 for other in tasks.values() if other.creds.uid == creds.uid) >= limit:
        raise SyscallError(EAGAIN)


def _inherit(child: Task, task: Task, flags: int) -> None:
    child.comm = task.comm
    child.blocked = task.blocked
    child.no_new_privs = task.no_new_privs
    child.virtual_ns = task.virtual_ns
    child.affinity, child.cpu = task.affinity, task.cpu
    child.rdtsc_is_forbidden = task.rdtsc_is_forbidden
    child.timer_slack_ns = task.timer_slack_ns
    child.personality = task.personality
    if not task.resets_on_fork:
        child.policy, child.realtime_priority, child.nice = task.policy, task.realtime_priority, task.nice
    else:
        child.nice = max(task.nice, 0)
    if not flags & CLONE_VM or flags & CLONE_VFORK:
        child.altstack = task.altstack  # kernel/fork.c, copy_process: CLONE_VM alone loses it
    if not flags & CLONE_VM:
        child.rseq = task.rseq
    if task.guard is not None:
        from pyuk.kernel import seccomp  # noqa: PLC0415  # few programs are guarded

        seccomp.inherit(child, task)


def _frame_of_child(task: Task, wish: CloneArguments) -> bytes:
    """The registers as they are, but RAX is 0, and stack and thread pointer as wished."""
    cpu = task.kernel.machine.cpu
    regs = cpu.regs
    kept = regs[RAX], regs[RSP], cpu.fs_base
    regs[RAX] = 0
    if wish.sp:
        regs[RSP] = wish.sp
    if wish.flags & CLONE_SETTLS:
        cpu.fs_base = wish.tls
    frame = cpu.save()
    regs[RAX], regs[RSP] = kept[0], kept[1]
    if wish.flags & CLONE_SETTLS:
        cpu.fs_base = kept[2]
    return frame


def _store(task: Task, address: int, value: int) -> None:
    """put_user whose failure nobody is told."""
    try:
        task.mem.write_u32(UserAddr(address), value)
    except SyscallError:
        return


# The end


def end_thread(kernel: Kernel, task: Task, status: int) -> None:
    """exit(2): the last thread's end is the process's."""
    if len(task.process.tasks) == 1:
        end_process(kernel, task, status, None)
    elif not _waits_for_tracer(kernel, task, status << 8):
        _drop_task(kernel, task, status << 8)
        kernel.machine.cpu.switch()


def kill_thread(kernel: Kernel, task: Task, signo: int, info: Siginfo | None = None) -> None:
    """do_exit with a signal as code: that of one thread alone; the last one's is the process's."""
    if len(task.process.tasks) == 1:
        end_process(kernel, task, -signo, info)
    elif not _waits_for_tracer(kernel, task, signo):
        _drop_task(kernel, task, signo)
        kernel.machine.cpu.switch()


def end_process(kernel: Kernel, task: Task, status: int, info: Siginfo | None) -> None:
    """All threads end, as soon as their tracers let them; what is left is a zombie (do_group_exit)."""
    process = task.process
    if kernel.on_process_end is not None:
        kernel.on_process_end(task)
    process.group_exit = status
    process.is_stopped = False
    if info is not None:
        from pyuk.kernel.crash import Crash  # noqa: PLC0415  # for the dead only

        cpu = kernel.machine.cpu
        regs = list(cpu.regs)
        process.crash = Crash(info, regs, cpu.rflags, cpu.code_at(regs[16]), task.mm.maps())
        if kernel.open_core is not None or task.limits.soft[RLIMIT_CORE]:
            from pyuk.kernel.coredump import dump  # noqa: PLC0415

            process.dumped_core = dump(task, info)
    if task.work & TRACED and kernel.tracer is not None:
        kernel.tracer.ending(task)
    kernel.charge()
    code = exit_code(process)
    for other in process.tasks[::-1]:
        if not _waits_for_tracer(kernel, other, code):
            _drop_task(kernel, other, code)
    kernel.machine.cpu.switch()


def exit_code(process: Process) -> int:
    """The end of a process as wait4(2) tells it."""
    status = process.group_exit or 0
    return status << 8 if status >= 0 else -status | (_CORE_FLAG if process.dumped_core else 0)


def _waits_for_tracer(kernel: Kernel, task: Task, code: int) -> bool:
    """Whether the end of a thread comes later, when its tracer has seen it."""
    return task.tracee is not None and task.tracee.exit_stop(code, lambda: _drop_task(kernel, task, code))


def _become_zombie(kernel: Kernel, process: Process, last: Task) -> None:
    """All threads have ended: tell who waits for the process."""
    process.status = process.group_exit or 0
    if process.posix_timers or process.interval_timers:
        from pyuk.kernel.timers import drop_timers  # noqa: PLC0415  # most programs set none

        drop_timers(process)
    process.exe.drop()
    process.vfork_done.wake()
    if process.tty is not None or process.old_tty_pgid:
        from pyuk.fs.tty import jobs  # noqa: PLC0415  # most programs never see a terminal

        jobs.leave(kernel.sessions(), process, on_exit=True)
    _leave_children(kernel, process, signals.from_kill(last, SIGKILL))
    first = kernel.tracees.get(process.pid)
    if first is None:
        tell_parent(kernel, process, last.creds.uid)
    else:
        process.uid_at_end = last.creds.uid
        first.tell_of_end()


def end_other_threads(kernel: Kernel, task: Task) -> None:
    """de_thread: the caller takes the leader's place, and its tid (fs/exec.c)."""
    process = task.process
    kernel.charge()
    for other in list(process.tasks):
        if other is not task:
            if other.work & TRACED and other.tid == process.pid and kernel.tracer is not None:
                other.work &= ~TRACED
                kernel.tracer.superseded(other, task.tid)
            _drop_task(kernel, other, 0)
    if task.tid != process.pid:
        del kernel.tasks[task.tid]
        task.tid = process.pid
        kernel.tasks[task.tid] = task
        task.start_ns = process.leader.start_ns
        process.leader = task


def _drop_task(kernel: Kernel, task: Task, code: int) -> None:
    """What one thread's end gives back (exit_mm, exit_files, exit_fs); the last one's is the process's end.

    code: as wait4(2) tells it to who traces the thread.
    """
    if task.work & TRACED and kernel.tracer is not None:
        kernel.tracer.ended(task, code)
    if task.sleep is not None:
        task.sleep.dequeue()
        task.sleep.operation.close()
        task.sleep = None
    leave_program(task)
    process = task.process
    kernel.forget(task)
    process.tasks.remove(task)
    task.is_dead = True
    task.work = 0
    if task.guard is not None:
        from pyuk.kernel import seccomp  # noqa: PLC0415

        seccomp.leave(task)
    task.files.release()
    task.fs.release()
    release_mm(kernel, task)
    process.ended.add(task.usage)
    kernel.accounts.end_task(task)
    if process.tracees:
        process.tracees[0].leave_all(task)
    if task.tracee is not None:
        task.tracee.end(code)
    if not process.tasks:
        _become_zombie(kernel, process, task)


def leave_program(task: Task) -> None:
    """mm_release: locks that die with it, and the word that tells a joiner; by exit or by execve."""
    if task.robust_list:
        from pyuk.kernel import robust  # noqa: PLC0415

        robust.leave(task)
    if task.clear_child_tid and task.mm.users > 1:
        from pyuk.kernel import futex  # noqa: PLC0415

        _store(task, task.clear_child_tid, 0)
        futex.wake(task, task.clear_child_tid, 1, private=False)
    task.clear_child_tid = 0


def release_mm(kernel: Kernel, task: Task) -> None:
    """One user of the address space less; the last one frees it."""
    mm, process = task.mm, task.process
    usage.settle_faults(task)
    mm.users -= 1
    process.max_rss_kib = max(process.max_rss_kib, mm.peak_rss_pages * 4, mm.rss_pages * 4)
    if not mm.users:
        if kernel.on_memory_end is not None:
            kernel.on_memory_end(task)
            if mm.users:
                return  # it is kept
        kernel.machine.cpu.unload_space(mm.page_table)
        mm.destroy()


def _leave_children(kernel: Kernel, process: Process, sender: Siginfo) -> None:
    """Give the children to the nearest subreaper (find_new_reaper), and tell those that asked to know.

    Without one they are init's, which is no guest and waits for everybody: their getppid(2) is 1.
    """
    heir = process.parent
    while heir is not None and not heir.is_subreaper:
        heir = heir.parent
    children = process.children.copy()
    process.children.clear()
    for child in children:
        child.parent = heir
        child.outer_parent_pid = INIT_PID
        if heir is not None:
            heir.children.append(child)
            if child.status is not None:
                tell_parent(kernel, child, child.uid_at_end)
        elif child.status is not None and child.pid not in kernel.tracees:
            kernel.processes.pop(child.pid, None)
        for task in child.tasks:
            if task.parent_death_signal:
                info = Siginfo(task.parent_death_signal, SI_USER, pid=sender.pid, uid=sender.uid)
                signals.send_process(child, info)
    if kernel.init is process:
        return
    _hang_up_orphans(kernel, process.pgid, process.sid)
    for child in children:
        if child.pgid != process.pgid and child.sid == process.sid:
            _hang_up_orphans(kernel, child.pgid, child.sid)


def is_orphaned(kernel: Kernel, pgid: int, sid: int) -> bool:
    """Whether nobody of the session outside a group could make it go on (will_become_orphaned_pgrp)."""
    init = kernel.init
    for process in kernel.processes.values():
        if process.pgid != pgid or process.status is not None:
            continue
        parent = process.parent
        if parent is None and process is init:
            return kernel.is_unattended is not None and kernel.is_unattended()
        if parent is not None and parent.pgid != pgid and parent.sid == sid:
            return False
    return True


def _hang_up_orphans(kernel: Kernel, pgid: int, sid: int) -> None:
    """A group that has just become an orphan and has a stopped member gets SIGHUP and SIGCONT (kill_orphaned_pgrp)."""
    members = [other for other in kernel.processes.values() if other.pgid == pgid and other.status is None]
    if any(other.is_stopped for other in members) and is_orphaned(kernel, pgid, sid):
        for signo in (SIGHUP, SIGCONT):
            for other in members:
                signals.send_process(other, Siginfo(signo, SI_KERNEL))


def tell_parent(kernel: Kernel, process: Process, uid: int) -> None:
    """SIGCHLD and a wake-up, or nothing at all where the parent does not care (do_notify_parent)."""
    parent = process.parent
    process.uid_at_end = uid
    if process.pid in kernel.tracees:
        return  # the tracer comes first
    if parent is None or parent.status is not None:
        kernel.processes.pop(process.pid, None)
        return
    actions = parent.tasks[0].actions
    action = actions.get(SIGCHLD)
    status = process.status or 0
    if process.exit_signal:
        code = CLD_EXITED if status >= 0 else CLD_DUMPED if process.dumped_core else CLD_KILLED
        info = Siginfo(process.exit_signal, code, pid=process.pid, uid=uid, status=abs(status))
        signals.send_process(parent, info)
    if process.exit_signal == SIGCHLD and (action.handler == SIG_IGN or action.flags & SA_NOCLDWAIT):
        reap(kernel, process)
    parent.child_changed.wake()


def reap(kernel: Kernel, process: Process) -> None:
    """The zombie has been asked for: nothing is left of it, and what it had used is its parent's children's."""
    parent = process.parent
    if parent is not None:
        parent.children.remove(process)
        user_ns, system_ns = process.times.show(process.ended)
        parent.children_user_ns += user_ns + process.children_user_ns
        parent.children_system_ns += system_ns + process.children_system_ns
        parent.children_usage.add(process.ended)
        parent.children_usage.add(process.children_usage)
        most_kib = max(process.max_rss_kib, process.children_max_rss_kib)
        parent.children_max_rss_kib = max(parent.children_max_rss_kib, most_kib)
    del kernel.processes[process.pid]


# Stop and go on


def stop_process(kernel: Kernel, task: Task, signo: int) -> bool:
    """No thread of its process runs any more (do_signal_stop); those that are traced stop for their tracers.

    False: it goes on, as nobody could make it go on later.
    """
    process = task.process
    if signo != SIGSTOP and is_orphaned(kernel, process.pgid, process.sid):
        return False
    if task.tracee is not None and not task.tracee.is_dequeued:
        return False  # SIGCONT came while the tracer looked at the signal
    process.stop_signal = signo
    is_complete = True
    for other in process.tasks:
        if other.work & TRACED and kernel.tracer is not None:
            kernel.tracer.stopped(other, signo)
        if other.tracee is not None:
            other.tracee.join_stop(signo)
            is_complete = False
        else:
            other.is_stopped = True
            kernel.scheduler.withdraw(other)
            if other is kernel.current:
                kernel.machine.cpu.switch()
    if is_complete:
        complete_stop(process, signo)
    if process is kernel.init and process.is_stopped and kernel.on_stop is not None:
        kernel.stopped_by = signo
        kernel.pause()
    return True


def complete_stop(process: Process, signo: int) -> None:
    """The last thread has stopped."""
    if not process.is_stopped:
        process.is_stopped = True
        process.news = signo
        tell_of_stop(process, CLD_STOPPED, signo)


def continue_process(kernel: Kernel, process: Process, *, told: bool) -> None:
    """Its threads run again; those that sleep in a call look whether it is over."""
    for task in process.tasks:
        if task.is_stopped:
            task.is_stopped = False
            if task.sleep is None or task.sleep.is_over:
                kernel.scheduler.make_ready(task)
        if told and task.tracee is not None:
            task.tracee.forget_stop()
    if not process.is_stopped:
        return
    process.is_stopped = False
    if told:
        process.news = SIGCONT
        tell_of_stop(process, CLD_CONTINUED, SIGCONT)
        first = kernel.tracees.get(process.pid)
        if first is not None and first.is_reparented:
            first.tell_of_continue()


def tell_of_stop(process: Process, code: int, signo: int) -> None:
    """SIGCHLD and a wake-up for the real parent."""
    parent = process.parent
    if parent is None or parent.status is not None:
        return
    if not parent.tasks[0].actions.get(SIGCHLD).flags & SA_NOCLDSTOP:
        info = Siginfo(SIGCHLD, code, pid=process.pid, uid=process.tasks[0].creds.uid, status=signo)
        signals.send_process(parent, info)
    parent.child_changed.wake()
