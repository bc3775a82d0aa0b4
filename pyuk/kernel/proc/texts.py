"""The smaller files of a process: limits, io, schedstat, timers and their like (Linux 6.1 fs/proc/base.c; proc(5))."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_ADMIN, CAP_SYS_NICE
from pyuk.abi.errno import EACCES, EINVAL, EPERM, SyscallError
from pyuk.kernel.proc.status import n_threads, priority, usage_of
from pyuk.kernel.usage import task_usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.proc.subject import Subject

_LIMIT_NAMES = (
    ("Max cpu time", "seconds"), ("Max file size", "bytes"), ("Max data size", "bytes"), ("Max stack size", "bytes"),
    ("Max core file size", "bytes"), ("Max resident set", "bytes"), ("Max processes", "processes"),
    ("Max open files", "files"), ("Max locked memory", "bytes"), ("Max address space", "bytes"),
    ("Max file locks", "locks"), ("Max pending signals", "signals"), ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""), ("Max realtime priority", ""), ("Max realtime timeout", "us"),
)  # fmt: skip
"""By RLIMIT number (lnames)."""
_SIGEV_NONE = 1


def limits(subject: Subject) -> bytes:
    """The text of limits."""
    lines = [f"{'Limit':25} {'Soft Limit':20} {'Hard Limit':20} {'Units':10}"]
    kept = subject.process.limits
    for resource, (name, unit) in enumerate(_LIMIT_NAMES):
        soft, hard = (
            "unlimited" if value == (1 << 64) - 1 else str(value)
            for value in (kept.soft[resource], kept.hard[resource])
        )
        lines.append(f"{name:25} {soft:20} {hard:20} {f'{unit:10}' if unit else ''}")
    return ("\n".join(lines) + "\n").encode()


def io(subject: Subject) -> bytes:
    """The text of io. Errors: EACCES the viewer may not look."""
    if not subject.may_look():
        raise SyscallError(EACCES)
    usage = usage_of(subject)
    n_reads, n_writes, rchar, wchar = usage.n_reads, usage.n_writes, usage.read_chars, usage.write_chars
    read_bytes, write_bytes = usage.read_bytes, usage.write_bytes
    if subject.is_whole:
        children = subject.process.children_usage
        n_reads, n_writes = n_reads + children.n_reads, n_writes + children.n_writes
        rchar, wchar = rchar + children.read_chars, wchar + children.write_chars
        read_bytes, write_bytes = read_bytes + children.read_bytes, write_bytes + children.write_bytes
    return (
        b"rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d\ncancelled_write_bytes: 0\n"
        % (rchar, wchar, n_reads, n_writes, read_bytes, write_bytes)
    )


def schedstat(subject: Subject) -> bytes:
    """Time on the CPU and time in the queue in ns, and time slices. Deviation: time in the queue is not measured."""
    usage = task_usage(subject.task)
    return b"%d 0 %d\n" % (usage.cpu_ns, usage.n_voluntary + usage.n_involuntary + 1)


def sched(subject: Subject) -> bytes:
    """Of the text of sched what has a meaning here; times are in ms."""
    task, usage = subject.task, task_usage(subject.task)
    n_switches = usage.n_voluntary + usage.n_involuntary
    now_ms = subject.kernel.clock.boottime_ns() / 1e6
    rows = (
        ("se.exec_start", f"{now_ms:.6f}"), ("se.vruntime", f"{usage.cpu_ns / 1e6:.6f}"),
        ("se.sum_exec_runtime", f"{usage.cpu_ns / 1e6:.6f}"), ("se.nr_migrations", "0"),
        ("nr_switches", str(n_switches)), ("nr_voluntary_switches", str(usage.n_voluntary)),
        ("nr_involuntary_switches", str(usage.n_involuntary)), ("policy", str(task.policy)),
        ("prio", str(priority(task) + 100)),
    )  # fmt: skip
    head = task.comm + b" (%d, #threads: %d)\n" % (subject.tid, n_threads(subject)) + b"-" * 67 + b"\n"
    return head + "".join([f"{name:<45}:{value:>21}\n" for name, value in rows]).encode()


def personality(subject: Subject) -> bytes:
    """In hex. Errors: EPERM."""
    subject.check_attach()
    return b"%08x\n" % subject.task.personality


def stack(subject: Subject) -> bytes:
    """Nothing: no kernel stack of its own belongs to a task. Errors: EACCES without CAP_SYS_ADMIN."""
    if not subject.viewer.creds.has(CAP_SYS_ADMIN):
        raise SyscallError(EACCES)
    return b""


def syscall(subject: Subject) -> bytes:
    """See kernel/proc/wchan.py. Errors: EPERM."""
    from pyuk.kernel.proc import wchan  # noqa: PLC0415

    subject.check_attach()
    return wchan.syscall(subject)


def timers(subject: Subject) -> list[bytes]:
    """A record for each POSIX timer."""
    records = []
    for number, posix in subject.process.posix_timers.items():
        clock = posix.timer.clock
        notify = b"none" if not posix.signo else b"signal"
        whom = b"pid" if posix.target is None else b"tid"
        ident = subject.process.pid if posix.target is None else posix.target.tid
        which = 1 if clock.is_wall and not posix.is_realtime else 0 if clock.is_wall else 3 if clock.task else 2
        records.append(
            b"ID: %d\nsignal: %d/%016x\nnotify: %b/%b.%d\nClockID: %d\n"
            % (number, posix.signo, posix.value, notify, whom, ident, which)
        )
    return records


def timer_slack(subject: Subject) -> bytes:
    """In ns. Errors: EPERM another's, without CAP_SYS_NICE."""
    _check_slack(subject)
    return b"%d\n" % subject.task.timer_slack_ns


def set_timer_slack(subject: Subject, data: bytes, _offset: int) -> int:
    """0 is the default. Errors: EPERM, EINVAL."""
    from pyuk.kernel.task import DEFAULT_TIMER_SLACK_NS  # noqa: PLC0415

    try:
        value = int(data[:20].split(b"\0")[0].strip() or b"x", 0)
    except ValueError:
        raise SyscallError(EINVAL) from None
    _check_slack(subject)
    subject.task.timer_slack_ns = value or DEFAULT_TIMER_SLACK_NS
    return len(data)


def _check_slack(subject: Subject) -> None:
    if subject.task is not subject.viewer and not subject.viewer.creds.has(CAP_SYS_NICE):
        raise SyscallError(EPERM)


def children(subject: Subject) -> bytes:
    """The pids of the children that live. Deviation: all of a process's are its leader's."""
    process = subject.process
    if subject.task is not process.leader:
        return b""
    return b"".join([b"%d " % child.pid for child in process.children])


def identity_map(_subject: Subject) -> bytes:
    """Of the first user namespace."""
    return b"%10d %10d %10d\n" % (0, 0, (1 << 32) - 1)


def refuse_map(_subject: Subject, _data: bytes, _offset: int) -> int:
    """The first namespace has its map (kernel/user_namespace.c, map_write)."""
    raise SyscallError(EPERM)


def no_label(_subject: Subject, *_write: object) -> bytes:
    """No security module is there to say anything."""
    raise SyscallError(EINVAL)
