"""System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2)."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, EINVAL, EPERM, SyscallError
from pyuk.abi.shm import (
    IPC_INFO,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    SHM_INFO,
    SHM_LOCK,
    SHM_LOCKED,
    SHM_STAT,
    SHM_STAT_ANY,
    SHM_UNLOCK,
)  # fmt: skip
from pyuk.abi.structs import SHM_INFO_STRUCT, SHMID_DS, SHMINFO
from pyuk.abi.syscall import syscall
from pyuk.mm.sysv import SHMALL, SHMMAX, SHMMNI, Segment, SysvShm, detach

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import (
        AddressArg,
        AddressResult,
        IntArg,
        IpcKeyArg,
        ShmAtArg,
        ShmCommandArg,
        ShmCtlArgument,
        ShmGetArg,
        SizeArg,
    )
    from pyuk.kernel.task import Task

_NS = 1_000_000_000
_READ = 0o444


def _segments(task: Task) -> SysvShm:
    cache, kernel = task.mm.cache, task.kernel
    if cache.sysv is None:
        cache.sysv = SysvShm(cache, lambda: kernel.clock.realtime_ns() // _NS, lambda: kernel.current.process.pid)
    return cache.sysv


@syscall("shmget", note="no huge pages; one namespace")
def sys_shmget(task: Task, key: IpcKeyArg, size: SizeArg, shmflg: ShmGetArg) -> int:
    """Find or make a segment. Errors: EACCES, EEXIST, EINVAL, ENOENT, ENOMEM, ENOSPC."""
    return _segments(task).get(key, size, shmflg, task.creds)


@syscall("shmat")
def sys_shmat(task: Task, shmid: IntArg, shmaddr: AddressArg, shmflg: ShmAtArg) -> AddressResult:
    """Map a segment. Errors: EINVAL, EIDRM, EACCES, ENOMEM."""
    return _segments(task).attach(task.mm, shmid, shmaddr, shmflg, task.creds)


@syscall("shmdt")
def sys_shmdt(task: Task, shmaddr: AddressArg) -> int:
    """Unmap a segment. Errors: EINVAL."""
    detach(task.mm, shmaddr)
    return 0


@syscall("shmctl")
def sys_shmctl(task: Task, shmid: IntArg, cmd: ShmCommandArg, buf: ShmCtlArgument) -> int:
    """Look at, change or remove a segment. Errors: EINVAL, EIDRM, EACCES, EPERM, EFAULT."""
    if cmd < 0 or shmid < 0:
        raise SyscallError(EINVAL)
    table = _segments(task)
    if cmd in (IPC_INFO, SHM_INFO):
        task.mem.write(buf, _info(table, cmd))
        return max(table.by_index, default=0)
    if cmd in (SHM_STAT, SHM_STAT_ANY, IPC_STAT):
        segment = table.find(shmid) if cmd == IPC_STAT else table.by_index.get(shmid)
        if segment is None:
            raise SyscallError(EINVAL)
        if cmd != SHM_STAT_ANY and not segment.may(task.creds, _READ):
            raise SyscallError(EACCES)
        task.mem.write(buf, _status(segment))
        return 0 if cmd == IPC_STAT else segment.ino
    if cmd not in (IPC_SET, IPC_RMID, SHM_LOCK, SHM_UNLOCK):
        raise SyscallError(EINVAL)
    given = SHMID_DS.unpack(task.mem.read(buf, SHMID_DS.size)) if cmd == IPC_SET else None
    segment = table.find(shmid)
    if cmd in (SHM_LOCK, SHM_UNLOCK):
        table.lock(segment, task.creds, on=cmd == SHM_LOCK, bit=SHM_LOCKED)
        return 0
    if not segment.owned_by(task.creds):
        raise SyscallError(EPERM)
    if given is None:
        table.remove(segment)
    else:
        _key, uid, gid, _cuid, _cgid, mode, *_rest = given[0]
        table.set(segment, uid, gid, mode)
    return 0


def _info(table: SysvShm, cmd: int) -> bytes:
    if cmd == IPC_INFO:
        return SHMINFO.pack(shmmax=SHMMAX, shmmin=1, shmmni=SHMMNI, shmseg=SHMMNI, shmall=SHMALL)
    n_resident = sum(len(segment.memory.frames) for segment in table.by_index.values())
    return SHM_INFO_STRUCT.pack(used_ids=len(table.by_index), shm_tot=table.n_pages, shm_rss=n_resident)


def _status(segment: Segment) -> bytes:
    sequence = segment.ino >> 15
    perm = (
        segment.key_t, segment.uid, segment.gid, segment.cuid, segment.cgid, segment.mode, sequence & 0xFFFF,
    )  # fmt: skip
    return SHMID_DS.pack(
        perm, segment.size_bytes, segment.atime, segment.dtime, segment.ctime, segment.cpid, segment.lpid,
        segment.n_attached,
    )  # fmt: skip
