"""Changing who one is: setuid(2) and its family, setgroups(2), capget(2), capset(2).

All of this changes the guest's own numbers. Files are opened with the rights of whoever runs pyuk.
"""

from __future__ import annotations

from pyuk.abi.capability import (
    _LINUX_CAPABILITY_VERSION_1,
    _LINUX_CAPABILITY_VERSION_2,
    _LINUX_CAPABILITY_VERSION_3,
    CAP_SETGID,
    CAP_SETPCAP,
    CAP_SETUID,
)
from pyuk.abi.errno import EFAULT, EINVAL, EPERM, ESRCH, SyscallError
from pyuk.abi.structs import CAP_USER_HEADER
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid
from pyuk.kernel.creds import ALL_CAPABILITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, GidArg, IntArg, UidArg
    from pyuk.abi.kinds import IN, OUT, CapabilitySets, StructAt
    from pyuk.abi.structs import UINT32
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_KEEP = 0xFFFF_FFFF
"""(uid_t) -1: leave that id as it is."""
_NGROUPS_MAX = 65536
_LOW = 0xFFFF_FFFF


def _changed(task: Task, before: tuple[int, ...]) -> None:
    """commit_creds: another identity is not dumpable, and does not die with its parent."""
    creds = task.creds
    if before != (creds.euid, creds.egid, creds.fsuid, creds.fsgid):
        task.process.dumpable = 0
        task.parent_death_signal = 0


def _identity(task: Task) -> tuple[int, ...]:
    creds = task.creds
    return creds.euid, creds.egid, creds.fsuid, creds.fsgid


@syscall("setuid")
def sys_setuid(task: Task, uid: UidArg) -> int:
    """Become uid; with CAP_SETUID for good. Errors: EINVAL, EPERM."""
    creds, before = task.creds, _identity(task)
    if uid == _KEEP:
        raise SyscallError(EINVAL)
    if creds.has(CAP_SETUID):
        creds.set_uids(uid, uid, uid)
    elif uid in (creds.uid, creds.suid):
        creds.set_uids(creds.uid, uid, creds.suid)
    else:
        raise SyscallError(EPERM)
    _changed(task, before)
    return 0


@syscall("setgid")
def sys_setgid(task: Task, gid: GidArg) -> int:
    """The same for the group. Errors: EINVAL, EPERM."""
    creds, before = task.creds, _identity(task)
    if gid == _KEEP:
        raise SyscallError(EINVAL)
    if creds.has(CAP_SETGID):
        creds.set_gids(gid, gid, gid)
    elif gid in (creds.gid, creds.sgid):
        creds.set_gids(creds.gid, gid, creds.sgid)
    else:
        raise SyscallError(EPERM)
    _changed(task, before)
    return 0


def _exchanged(real: int, effective: int, old: tuple[int, int, int], *, privileged: bool) -> tuple[int, int, int]:
    """setreuid's rule, from old (real, effective, saved) to new. Errors: EPERM."""
    if not privileged and (
        (real != _KEEP and real not in old[:2]) or (effective != _KEEP and effective not in old)
    ):  # fmt: skip
        raise SyscallError(EPERM)
    new_real = old[0] if real == _KEEP else real
    new_effective = old[1] if effective == _KEEP else effective
    saves = real != _KEEP or (effective != _KEEP and effective != old[0])
    return new_real, new_effective, new_effective if saves else old[2]


@syscall("setreuid")
def sys_setreuid(task: Task, ruid: UidArg, euid: UidArg) -> int:
    """Set real and effective id, -1 to leave one. Errors: EPERM."""
    creds, before = task.creds, _identity(task)
    old = creds.uid, creds.euid, creds.suid
    creds.set_uids(*_exchanged(ruid, euid, old, privileged=creds.has(CAP_SETUID)))
    _changed(task, before)
    return 0


@syscall("setregid")
def sys_setregid(task: Task, rgid: GidArg, egid: GidArg) -> int:
    """The same for groups. Errors: EPERM."""
    creds, before = task.creds, _identity(task)
    old = creds.gid, creds.egid, creds.sgid
    creds.set_gids(*_exchanged(rgid, egid, old, privileged=creds.has(CAP_SETGID)))
    _changed(task, before)
    return 0


def _chosen(wanted: tuple[int, int, int], old: tuple[int, int, int], *, privileged: bool) -> tuple[int, int, int]:
    """setresuid's rule. Errors: EPERM."""
    if not privileged and any(new != _KEEP and new not in old for new in wanted):
        raise SyscallError(EPERM)
    first, second, third = (was if new == _KEEP else new for new, was in zip(wanted, old, strict=True))
    return first, second, third


@syscall("setresuid")
def sys_setresuid(task: Task, ruid: UidArg, euid: UidArg, suid: UidArg) -> int:
    """Set real, effective and saved id, -1 to leave one. Errors: EPERM."""
    creds, before = task.creds, _identity(task)
    old = creds.uid, creds.euid, creds.suid
    creds.set_uids(*_chosen((ruid, euid, suid), old, privileged=creds.has(CAP_SETUID)))
    _changed(task, before)
    return 0


@syscall("setresgid")
def sys_setresgid(task: Task, rgid: GidArg, egid: GidArg, sgid: GidArg) -> int:
    """The same for groups. Errors: EPERM."""
    creds, before = task.creds, _identity(task)
    old = creds.gid, creds.egid, creds.sgid
    creds.set_gids(*_chosen((rgid, egid, sgid), old, privileged=creds.has(CAP_SETGID)))
    _changed(task, before)
    return 0


@syscall("setfsuid")
def sys_setfsuid(task: Task, uid: UidArg) -> int:
    """Set the id that file access goes by; gives the old one whether or not it has changed."""
    creds, before = task.creds, _identity(task)
    old = creds.fsuid
    if uid != _KEEP and (uid in (creds.uid, creds.euid, creds.suid, old) or creds.has(CAP_SETUID)):
        creds.fsuid = uid
        _changed(task, before)
    return old


@syscall("setfsgid")
def sys_setfsgid(task: Task, gid: GidArg) -> int:
    """The same for the group."""
    creds, before = task.creds, _identity(task)
    old = creds.fsgid
    if gid != _KEEP and (gid in (creds.gid, creds.egid, creds.sgid, old) or creds.has(CAP_SETGID)):
        creds.fsgid = gid
        _changed(task, before)
    return old


@syscall("setgroups")
def sys_setgroups(task: Task, size: IntArg, groups: Annotated[UserAddr, StructAt(IN, UINT32, "size")]) -> int:
    """Replace the supplementary groups, which the kernel keeps sorted. Errors: EPERM, EINVAL, EFAULT."""
    if not task.creds.has(CAP_SETGID):
        raise SyscallError(EPERM)
    if not 0 <= size <= _NGROUPS_MAX:
        raise SyscallError(EINVAL)
    data = task.mem.read(groups, 4 * size) if size else b""
    wanted = [int.from_bytes(data[at : at + 4], "little") for at in range(0, 4 * size, 4)]
    if _KEEP in wanted:
        raise SyscallError(EINVAL)
    task.creds.groups = sorted(wanted)
    return 0


# Capabilities

_WORDS = {_LINUX_CAPABILITY_VERSION_1: 1, _LINUX_CAPABILITY_VERSION_2: 2, _LINUX_CAPABILITY_VERSION_3: 2}
"""How many 32-bit words each set has in a version of the interface."""


def _header(task: Task, address: UserAddr) -> tuple[int, int]:
    """Number of words (0: no such version; the header is told which there is) and pid. Errors: EFAULT."""
    version, pid = CAP_USER_HEADER.unpack(task.mem.read(address, CAP_USER_HEADER.size))
    n_words = _WORDS.get(version, 0)
    if not n_words:
        task.mem.write_u32(address, _LINUX_CAPABILITY_VERSION_3)
    return n_words, pid


@syscall("capget")
def sys_capget(
    task: Task,
    header: Annotated[UserAddr, StructAt(IN, CAP_USER_HEADER)],
    data: Annotated[UserAddr, CapabilitySets(OUT, "header")],
) -> int:
    """The capabilities of a thread, 0 meaning the caller; without data only which version there is.

    Errors: EINVAL version or negative pid, EFAULT, ESRCH.
    """
    n_words, pid = _header(task, header)
    if not n_words:
        if data:
            raise SyscallError(EINVAL)
        return 0
    if pid < 0:
        raise SyscallError(EINVAL)
    found = task.kernel.tasks.get(Tid(pid)) if pid else task
    if found is None:
        raise SyscallError(ESRCH)
    if data:
        creds = found.creds
        sets = creds.effective, creds.permitted, creds.inheritable
        words = [value >> shift & _LOW for shift in range(0, 32 * n_words, 32) for value in sets]
        task.mem.write(data, b"".join(word.to_bytes(4, "little") for word in words))
    return 0


@syscall("capset")
def sys_capset(
    task: Task,
    header: Annotated[UserAddr, StructAt(IN, CAP_USER_HEADER)],
    data: Annotated[UserAddr, CapabilitySets(IN, "header")],
) -> int:
    """Set the caller's capabilities: nothing beyond the permitted ones. Errors: EINVAL, EFAULT, EPERM.

    Source: kernel/capability.c, security/commoncap.c (cap_capset).
    """
    n_words, pid = _header(task, header)
    if not n_words:
        raise SyscallError(EINVAL)
    if pid not in (0, task.tid):
        raise SyscallError(EPERM)
    if not data:
        raise SyscallError(EFAULT)
    given = task.mem.read(data, 12 * n_words)
    words = [int.from_bytes(given[at : at + 4], "little") for at in range(0, len(given), 4)]
    effective, permitted, inheritable = (
        sum(words[i + 3 * high] << 32 * high for high in range(n_words)) & ALL_CAPABILITIES for i in range(3)
    )
    creds = task.creds
    may_inherit = ALL_CAPABILITIES if creds.has(CAP_SETPCAP) else creds.inheritable | creds.permitted
    if inheritable & ~(creds.inheritable | may_inherit) or permitted & ~creds.permitted or effective & ~permitted:
        raise SyscallError(EPERM)
    creds.effective, creds.permitted, creds.inheritable = effective, permitted, inheritable
    return 0
