"""Who a task is, and whom it knows: getpid(2), credentials(7), kill(2), set_tid_address(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBUSY, EFAULT, EINVAL, EPERM, ESRCH, SyscallError
from pyuk.abi.rseq import RSEQ_FLAG_UNREGISTER
from pyuk.abi.signal import SI_KERNEL, SI_TKILL, SI_USER, SIGCONT, SIGSEGV
from pyuk.abi.structs import SIGINFO, SIGINFO_BYTES, SIGINFO_HEAD
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid, UserAddr
from pyuk.kernel import signals
from pyuk.machine.paging import TASK_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        Annotated,
        HexUIntArg,
        IntArg,
        PidArg,
        RawAddressArg,
        SignalArg,
        SizeArg,
    )
    from pyuk.abi.kinds import IN, OUT, Address, StructAt
    from pyuk.abi.structs import POINTER, UINT32, UINT64
    from pyuk.kernel.task import Process, Task

_ROBUST_LIST_HEAD_BYTES = 24
_NGROUPS_MAX = 65536


@syscall("getpid")
def sys_getpid(task: Task) -> int:
    """The process id, which is that of its first thread."""
    return task.process.pid


@syscall("gettid")
def sys_gettid(task: Task) -> int:
    """The thread id."""
    return task.tid


@syscall("getppid")
def sys_getppid(task: Task) -> int:
    """The parent's process id; 0 where the parent is not a guest."""
    return task.process.parent_pid


@syscall("getpgrp")
def sys_getpgrp(task: Task) -> int:
    """The process group."""
    return task.process.pgid


@syscall("getpgid")
def sys_getpgid(task: Task, pid: PidArg) -> int:
    """The process group of pid, 0 meaning the caller. Errors: ESRCH."""
    return _process(task, pid).pgid


@syscall("getsid")
def sys_getsid(task: Task, pid: PidArg) -> int:
    """The session of pid, 0 meaning the caller. Errors: ESRCH."""
    return _process(task, pid).sid


def _process(task: Task, pid: int) -> Process:
    found = task.kernel.processes.get(Tid(pid)) if pid else task.process
    if found is None:
        raise SyscallError(ESRCH)
    return found


def _find(task: Task, pid: int) -> Task:
    found = task.kernel.tasks.get(Tid(pid or task.tid))
    if found is None:
        raise SyscallError(ESRCH)
    return found


@syscall("getuid")
def sys_getuid(task: Task) -> int:
    """The real user id."""
    return task.creds.uid


@syscall("geteuid")
def sys_geteuid(task: Task) -> int:
    """The effective user id."""
    return task.creds.euid


@syscall("getgid")
def sys_getgid(task: Task) -> int:
    """The real group id."""
    return task.creds.gid


@syscall("getegid")
def sys_getegid(task: Task) -> int:
    """The effective group id."""
    return task.creds.egid


@syscall("getresuid")
def sys_getresuid(
    task: Task,
    ruid: Annotated[UserAddr, StructAt(OUT, UINT32)],
    euid: Annotated[UserAddr, StructAt(OUT, UINT32)],
    suid: Annotated[UserAddr, StructAt(OUT, UINT32)],
) -> int:
    """Real, effective and saved user id. Errors: EFAULT."""
    creds = task.creds
    for address, value in ((ruid, creds.uid), (euid, creds.euid), (suid, creds.suid)):
        task.mem.write_u32(address, value)
    return 0


@syscall("getresgid")
def sys_getresgid(
    task: Task,
    rgid: Annotated[UserAddr, StructAt(OUT, UINT32)],
    egid: Annotated[UserAddr, StructAt(OUT, UINT32)],
    sgid: Annotated[UserAddr, StructAt(OUT, UINT32)],
) -> int:
    """Real, effective and saved group id. Errors: EFAULT."""
    creds = task.creds
    for address, value in ((rgid, creds.gid), (egid, creds.egid), (sgid, creds.sgid)):
        task.mem.write_u32(address, value)
    return 0


@syscall("getgroups")
def sys_getgroups(task: Task, size: IntArg, groups: Annotated[UserAddr, StructAt(OUT, UINT32, "return")]) -> int:
    """The supplementary groups; with size 0 only their number. Errors: EINVAL size too small, EFAULT."""
    own = task.creds.groups
    if size < 0:
        raise SyscallError(EINVAL)
    if size:
        if len(own) > size:
            raise SyscallError(EINVAL)
        task.mem.write(groups, b"".join(gid.to_bytes(4, "little") for gid in own))
    return len(own)


@syscall("set_tid_address")
def sys_set_tid_address(task: Task, tidptr: RawAddressArg) -> int:
    """Where to store 0 and wake a futex when the thread ends. Not looked at before."""
    task.clear_child_tid = tidptr
    return task.tid


@syscall("set_robust_list")
def sys_set_robust_list(task: Task, head: Annotated[UserAddr, Address()], length: SizeArg) -> int:
    """The list of locks to mark when the thread dies. Errors: EINVAL length is not that of the head (24)."""
    if length != _ROBUST_LIST_HEAD_BYTES:
        raise SyscallError(EINVAL)
    task.robust_list = head
    return 0


@syscall("get_robust_list")
def sys_get_robust_list(
    task: Task,
    pid: PidArg,
    head_ptr: Annotated[UserAddr, StructAt(OUT, POINTER)],
    len_ptr: Annotated[UserAddr, StructAt(OUT, UINT64)],
) -> int:
    """The list registered by a thread, 0 meaning the caller. Errors: ESRCH, EFAULT."""
    found = _find(task, pid)
    task.mem.write_u64(len_ptr, _ROBUST_LIST_HEAD_BYTES)
    task.mem.write_u64(head_ptr, found.robust_list)
    return 0


@syscall("kill")
def sys_kill(task: Task, pid: PidArg, sig: SignalArg) -> int:
    """Send a signal to a process, to a group (0, -pgid) or to all others (-1). Errors: EINVAL, ESRCH, EPERM."""
    everyone = task.kernel.processes.values()
    if pid > 0:
        thread = task.kernel.tasks.get(Tid(pid))
        process = thread.process if thread is not None else task.kernel.processes.get(Tid(pid))
        receivers = [] if process is None else [process]
    elif pid == -1:
        receivers = [other for other in everyone if other not in (task.process, task.kernel.init)]
    else:
        group = -pid or task.process.pgid
        receivers = [other for other in everyone if other.pgid == group]
    if not receivers:
        raise SyscallError(ESRCH)
    _check_signal(sig)
    allowed = [receiver for receiver in receivers if may_signal(task, receiver, sig)]
    if not allowed:
        raise SyscallError(EPERM)
    if sig:
        for receiver in allowed:
            signals.send_process(receiver, signals.from_kill(task, sig, SI_USER))
    return 0


def may_signal(task: Task, receiver: Process, sig: int) -> bool:
    """kernel/signal.c, check_kill_permission; a zombie takes signals from those who might have sent them before."""
    if receiver is task.process or not receiver.tasks:
        return True
    if sig == SIGCONT and receiver.sid == task.process.sid:
        return True
    return task.creds.may_signal(receiver.tasks[0].creds)


@syscall("tkill")
def sys_tkill(task: Task, tid: PidArg, sig: SignalArg) -> int:
    """Send a signal to one thread. Errors: EINVAL tid <= 0 or no signal, ESRCH, EPERM."""
    return _send_to_thread(task, None, tid, sig, None)


@syscall("tgkill")
def sys_tgkill(task: Task, tgid: PidArg, tid: PidArg, sig: SignalArg) -> int:
    """Send a signal to one thread of one process. Errors: EINVAL ids <= 0 or no signal, ESRCH, EPERM."""
    if tgid <= 0:
        raise SyscallError(EINVAL)
    return _send_to_thread(task, tgid, tid, sig, None)


def _send_to_thread(task: Task, tgid: int | None, tid: int, sig: int, info: signals.Siginfo | None) -> int:
    if tid <= 0:
        raise SyscallError(EINVAL)
    receiver = task.kernel.tasks.get(Tid(tid))
    if receiver is None or (tgid is not None and receiver.process.pid != tgid):
        raise SyscallError(ESRCH)
    _check_signal(sig)
    if not may_signal(task, receiver.process, sig):
        raise SyscallError(EPERM)
    if sig:
        signals.send(receiver, info or signals.from_kill(task, sig, SI_TKILL))
    return 0


class GivenSiginfo(signals.Siginfo):
    """A siginfo that the sender has made up (sigqueue(3))."""

    __slots__ = ("data",)

    def __init__(self, signo: int, data: bytes) -> None:
        super().__init__(signo, SIGINFO_HEAD.unpack(data)[2])
        self.data = signo.to_bytes(4, "little") + data[4:]

    def pack(self) -> bytes:
        """As it was given, but for the signal's number."""
        return self.data


def _given(task: Task, sig: int, uinfo: UserAddr) -> GivenSiginfo:
    return GivenSiginfo(sig & 0x7F, task.mem.read(uinfo, SIGINFO_BYTES))


@syscall("rt_sigqueueinfo")
def sys_rt_sigqueueinfo(
    task: Task, pid: PidArg, sig: SignalArg, uinfo: Annotated[UserAddr, StructAt(IN, SIGINFO)]
) -> int:
    """Send a signal with data to a process. Errors: EFAULT, EPERM a code that is the kernel's, ESRCH, EINVAL."""
    info = _given(task, sig, uinfo)
    if (info.code >= 0 or info.code == SI_TKILL) and pid != task.tid:
        raise SyscallError(EPERM)
    thread = task.kernel.tasks.get(Tid(pid))
    process = thread.process if thread is not None else task.kernel.processes.get(Tid(pid))
    if process is None or pid <= 0:
        raise SyscallError(ESRCH)
    _check_signal(sig)
    if not may_signal(task, process, sig):
        raise SyscallError(EPERM)
    if sig:
        signals.send_process(process, info)
    return 0


@syscall("rt_tgsigqueueinfo")
def sys_rt_tgsigqueueinfo(
    task: Task, tgid: PidArg, tid: PidArg, sig: SignalArg, uinfo: Annotated[UserAddr, StructAt(IN, SIGINFO)]
) -> int:
    """The same for one thread. Errors: EFAULT, EINVAL, EPERM, ESRCH."""
    info = _given(task, sig, uinfo)
    if tgid <= 0 or tid <= 0:
        raise SyscallError(EINVAL)
    if (info.code >= 0 or info.code == SI_TKILL) and tid != task.tid:
        raise SyscallError(EPERM)
    return _send_to_thread(task, tgid, tid, sig, info)


def _check_signal(sig: int) -> None:
    if not 0 <= sig <= signals.N_SIGNALS:
        raise SyscallError(EINVAL)


@syscall("rseq")
def sys_rseq(task: Task, rseq: RawAddressArg, rseq_len: HexUIntArg, flags: HexUIntArg, sig: HexUIntArg) -> int:
    """Register or (flags 1) unregister the area of restartable sequences.

    Errors: EINVAL size, alignment or flags; EBUSY registered already; EPERM another signature; EFAULT.
    Source: kernel/rseq.c. The area is first written on the way back, where a bad one is SIGSEGV.
    """
    from pyuk.kernel import rseq as restartable  # noqa: PLC0415

    own = task.rseq
    if flags & RSEQ_FLAG_UNREGISTER:
        if flags & ~RSEQ_FLAG_UNREGISTER or own is None or own[:2] != (rseq, rseq_len):
            raise SyscallError(EINVAL)
        if own[2] != sig:
            raise SyscallError(EPERM)
        restartable.unregister(task)
        return 0
    if flags or (own is not None and own[:2] != (rseq, rseq_len)):
        raise SyscallError(EINVAL)
    if own is not None:
        raise SyscallError(EBUSY if own[2] == sig else EPERM)
    if rseq % _RSEQ_BYTES or rseq_len != _RSEQ_BYTES:
        raise SyscallError(EINVAL)
    if rseq + rseq_len > TASK_SIZE:
        raise SyscallError(EFAULT)
    task.rseq = (rseq, rseq_len, sig)
    try:
        restartable.tell_cpu(task)
    except SyscallError:
        signals.force(task, signals.Siginfo(SIGSEGV, SI_KERNEL))
    return 0


_RSEQ_BYTES = 32
