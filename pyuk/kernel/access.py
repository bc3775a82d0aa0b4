"""Who may look into another process (kernel/ptrace.c, __ptrace_may_access; security/commoncap.c)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_PTRACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

_SUID_DUMP_USER = 1


def may_access(task: Task, other: Task, *, by_real_ids: bool = True) -> bool:
    """Whether `task` may trace, read and write `other`, or what is as good.

    by_real_ids: PTRACE_MODE_REALCREDS, as ptrace(2) and process_vm_readv(2); else by the ids and capabilities that
    count for files, as /proc does.
    """
    if other.process is task.process:
        return True
    own, theirs = task.creds, other.creds
    uid, gid = (own.uid, own.gid) if by_real_ids else (own.fsuid, own.fsgid)
    is_same = {theirs.uid, theirs.euid, theirs.suid} == {uid} and {theirs.gid, theirs.egid, theirs.sgid} == {gid}
    if own.has(CAP_SYS_PTRACE):
        return True
    if not is_same or other.process.dumpable != _SUID_DUMP_USER:
        return False
    return not theirs.permitted & ~(own.permitted if by_real_ids else own.effective)
