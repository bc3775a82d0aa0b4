"""/proc/PID/status and stat: a process in lines, and in one line of 52 fields (Linux 6.1 fs/proc/array.c; proc(5))."""

from __future__ import annotations

from pyuk.abi.signal import SIGCHLD
from pyuk.kernel.creds import ALL_CAPABILITIES
from pyuk.kernel.proc.facts import cpu_list, cpu_mask, n_seccomp_filters, seccomp_mode, tracer_pid, tty_numbers
from pyuk.kernel.proc.wchan import state_of
from pyuk.kernel.signals import N_SIGNALS
from pyuk.kernel.usage import process_usage, task_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.proc.subject import Subject
    from pyuk.kernel.task import Task
    from pyuk.kernel.usage import Usage

_NS_PER_TICK = 10_000_000  # USER_HZ = 100
_N_NODES_WORDS = 32  # Debian's MAX_NUMNODES is 1024
_OLD_MASK = (1 << 31) - 1
_STATES = {
    "R": "R (running)", "S": "S (sleeping)", "D": "D (disk sleep)", "T": "T (stopped)", "t": "t (tracing stop)",
    "Z": "Z (zombie)", "X": "X (dead)",
}  # fmt: skip
_RLIMIT_RSS, _RLIMIT_SIGPENDING = 5, 11
_MAX_RT_PRIO, _DEFAULT_PRIO = 100, 120
_REALTIME = (1, 2)  # SCHED_FIFO, SCHED_RR

# include/linux/sched.h
_PF_EXITING, _PF_FORKNOEXEC, _PF_NOFREEZE = 0x4, 0x40, 0x8000


def ticks(ns: int) -> int:
    """In units of 1/100 s (sysconf(_SC_CLK_TCK))."""
    return ns // _NS_PER_TICK


def usage_of(subject: Subject) -> Usage:
    """What it has used: of the process, with the threads that have ended."""
    return process_usage(subject.process) if subject.is_whole else task_usage(subject.task)


def times_of(subject: Subject) -> tuple[int, int]:
    """utime and stime, in ns."""
    shown = subject.process.times if subject.is_whole else subject.task.times
    return shown.show(usage_of(subject))


def n_threads(subject: Subject) -> int:
    """A leader that has ended before the others is still one."""
    process = subject.process
    return len(process.tasks) + (process.leader.is_dead and bool(process.tasks)) if process.tasks else 1


def _masks(task: Task) -> tuple[int, int]:
    """The signals that are ignored, and those with a handler."""
    ignored = caught = 0
    for signo in range(1, N_SIGNALS + 1):
        handler = task.actions.get(signo).handler
        if handler == 1:
            ignored |= 1 << (signo - 1)
        elif handler > 1:
            caught |= 1 << (signo - 1)
    return ignored, caught


def escape(comm: bytes) -> bytes:
    """As string_escape_str does it for status: backslashes and newlines."""
    return comm.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def status(subject: Subject) -> bytes:
    """The text of status."""
    task, process, creds, kernel = subject.task, subject.process, subject.task.creds, subject.kernel
    usage = task_usage(task)
    ignored, caught = _masks(task)
    is_dead = task.is_dead
    head = [b"Name:\t" + escape(task.comm)]
    if not is_dead:
        head.append(b"Umask:\t%04o" % task.fs.umask)
    lines = [
        f"State:\t{_STATES[state_of(subject)]}",
        f"Tgid:\t{process.pid}",
        "Ngid:\t0",
        f"Pid:\t{subject.tid}",
        f"PPid:\t{process.parent_pid}",
        f"TracerPid:\t{tracer_pid(task)}",
        f"Uid:\t{creds.uid}\t{creds.euid}\t{creds.suid}\t{creds.fsuid}",
        f"Gid:\t{creds.gid}\t{creds.egid}\t{creds.sgid}\t{creds.fsgid}",
        f"FDSize:\t{0 if is_dead else task.files.table_size()}",
        f"Groups:\t{' '.join(map(str, creds.groups))} ",
        f"NStgid:\t{process.pid}",
        f"NSpid:\t{subject.tid}",
        f"NSpgid:\t{process.pgid}",
        f"NSsid:\t{process.sid}",
    ]
    if not is_dead:
        from pyuk.mm.smaps import status_lines  # noqa: PLC0415

        lines += status_lines(task.mm)
    lines += [
        f"Threads:\t{n_threads(subject)}",
        f"SigQ:\t{_queued(subject)}/{process.limits.soft[_RLIMIT_SIGPENDING]}",
        f"SigPnd:\t{task.pending.mask:016x}",
        f"ShdPnd:\t{process.pending.mask:016x}",
        f"SigBlk:\t{task.blocked:016x}",
        f"SigIgn:\t{ignored:016x}",
        f"SigCgt:\t{caught:016x}",
        f"CapInh:\t{creds.inheritable:016x}",
        f"CapPrm:\t{creds.permitted:016x}",
        f"CapEff:\t{creds.effective:016x}",
        f"CapBnd:\t{getattr(creds, 'bounding', ALL_CAPABILITIES):016x}",
        f"CapAmb:\t{getattr(creds, 'ambient', 0):016x}",
        f"NoNewPrivs:\t{int(task.no_new_privs)}",
        f"Seccomp:\t{seccomp_mode(task)}",
        f"Seccomp_filters:\t{n_seccomp_filters(task)}",
        "Speculation_Store_Bypass:\tnot vulnerable",
        "SpeculationIndirectBranch:\tnot affected",
        f"Cpus_allowed:\t{task.affinity or cpu_mask(kernel):x}",
        f"Cpus_allowed_list:\t{cpu_list(task.affinity or cpu_mask(kernel))}",
        f"Mems_allowed:\t{','.join(['00000000'] * (_N_NODES_WORDS - 1) + ['00000001'])}",
        "Mems_allowed_list:\t0",
        f"voluntary_ctxt_switches:\t{usage.n_voluntary}",
        f"nonvoluntary_ctxt_switches:\t{usage.n_involuntary}",
    ]
    return b"\n".join(head) + b"\n" + "\n".join(lines).encode() + b"\n"


def _queued(subject: Subject) -> int:
    """How many signals are queued to processes of this user."""
    uid = subject.task.creds.uid
    n = 0
    for process in subject.kernel.processes.values():
        if process.leader.creds.uid == uid:
            n += process.pending.n_queued + sum(task.pending.n_queued for task in process.tasks)
    return n


def priority(task: Task) -> int:
    """task_prio: 20 + nice, or -1 - the real-time priority."""
    if task.policy in _REALTIME:
        return -1 - task.realtime_priority
    return _DEFAULT_PRIO + task.nice - _MAX_RT_PRIO


def stat(subject: Subject) -> bytes:
    """The text of stat."""
    task, process, kernel = subject.task, subject.process, subject.kernel
    usage = usage_of(subject)
    user_ns, system_ns = times_of(subject)
    may_look = subject.may_look()
    mm = subject.mm
    ignored, caught = _masks(task)
    state = state_of(subject)
    is_whole = subject.is_whole
    children = process.children_usage
    tty_nr, tty_pgrp = tty_numbers(process)
    waits = int(state != "R") if may_look and (not is_whole or n_threads(subject) < 2) else 0  # noqa: PLR2004
    vsize = rss = start_code = end_code = 0
    places = [0] * 7
    start_stack = 0
    if mm is not None:
        vsize, rss = mm.n_mapped_pages << 12, mm.rss_pages
        start_code, end_code = mm.code_range if may_look else (1, 1)
        if may_look:
            loaded = process.loaded
            start_stack = mm.start_stack
            places = [
                loaded.start_data, loaded.end_data, mm.start_brk, *mm.arg_range, *mm.env_range,
            ]  # fmt: skip
    exit_signal = (process.exit_signal or (SIGCHLD if process is kernel.init else 0)) if task is process.leader else -1
    fields = (
        state, process.parent_pid, process.pgid, process.sid, tty_nr, tty_pgrp, _flags(task),
        usage.n_minor, children.n_minor if is_whole else 0, usage.n_major, children.n_major if is_whole else 0,
        ticks(user_ns), ticks(system_ns), ticks(process.children_user_ns), ticks(process.children_system_ns),
        priority(task), task.nice, n_threads(subject), 0, ticks(task.start_ns), vsize, rss,
        process.limits.soft[_RLIMIT_RSS], start_code, end_code, start_stack, 0, 0,
        task.pending.mask & _OLD_MASK, task.blocked & _OLD_MASK, ignored & _OLD_MASK, caught & _OLD_MASK,
        waits, 0, 0, exit_signal, task.cpu, task.realtime_priority, task.policy, 0, 0, 0,
        *places, _exit_code(subject) if may_look else 0,
    )  # fmt: skip
    return b"%d (%b) " % (subject.tid, task.comm) + " ".join(map(str, fields)).encode() + b"\n"


def _flags(task: Task) -> int:
    """PF_ flags, as far as they mean anything here."""
    flags = 0 if task.process.has_execed or task.process.parent is None else _PF_FORKNOEXEC
    return flags | (_PF_EXITING | _PF_NOFREEZE if task.is_dead else 0)


def _exit_code(subject: Subject) -> int:
    """As wait(2) will give it."""
    status = subject.process.status
    if status is None:
        return 0
    return status << 8 if status >= 0 else -status | (0x80 if subject.process.dumped_core else 0)


def statm(subject: Subject) -> bytes:
    """The text of statm."""
    if subject.mm is None:
        return b"0 0 0 0 0 0 0\n"
    from pyuk.mm.smaps import statm as of_memory  # noqa: PLC0415

    return of_memory(subject.mm).encode()
