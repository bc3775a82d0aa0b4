"""Memory calls beside mmap's family: process_vm_readv(2), membarrier(2), pkey_alloc(2), remap_file_pages(2)."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, ENOSPC, ENOSYS, EPERM, ESRCH, SyscallError
from pyuk.abi.membarrier import (
    MEMBARRIER_CMD_FLAG_CPU,
    MEMBARRIER_CMD_GLOBAL,
    MEMBARRIER_CMD_GLOBAL_EXPEDITED,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER_CMD_QUERY,
    MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
)  # fmt: skip
from pyuk.abi.mman import PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid, UserAddr
from pyuk.kernel.access import may_access
from pyuk.syscalls.transfer import user_segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.abi.declare import (
        AddressArg,
        Annotated,
        HexArg,
        IntArg,
        MapFlagsArg,
        MembarrierArg,
        MembarrierCpuArg,
        MembarrierFlagsArg,
        MembarrierResult,
        OpenFlagsArg,
        PidArg,
        PkeyRightsArg,
        ProtArg,
        SizeArg,
        ULongArg,
    )
    from pyuk.abi.kinds import ELSEWHERE, IN, OUT, IoVector
    from pyuk.kernel.task import Task
    from pyuk.mm.usermem import UserMemory

_NEEDS = {
    MEMBARRIER_CMD_PRIVATE_EXPEDITED: MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE: MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE,
    MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ: MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
}
_REGISTRATIONS = (*_NEEDS.values(), MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED)
_ALL_COMMANDS = 0x1FF
_UIO_MAXIOV, _WORDS = 1024, 16
_COPY_BYTES = 1 << 20


@syscall("process_vm_readv")
def sys_process_vm_readv(
    task: Task, pid: PidArg, lvec: Annotated[UserAddr, IoVector(OUT, "liovcnt")], liovcnt: ULongArg,
    rvec: Annotated[UserAddr, IoVector(ELSEWHERE, "riovcnt")], riovcnt: ULongArg, flags: ULongArg,
) -> int:  # fmt: skip
    """Copy from another process's memory. Errors: EINVAL, EFAULT, ESRCH, EPERM."""
    return _transfer(task, pid, (lvec, liovcnt), (rvec, riovcnt), flags, writing=False)


@syscall("process_vm_writev")
def sys_process_vm_writev(
    task: Task, pid: PidArg, lvec: Annotated[UserAddr, IoVector(IN, "liovcnt")], liovcnt: ULongArg,
    rvec: Annotated[UserAddr, IoVector(ELSEWHERE, "riovcnt")], riovcnt: ULongArg, flags: ULongArg,
) -> int:  # fmt: skip
    """Copy into another process's memory. Errors: EINVAL, EFAULT, ESRCH, EPERM."""
    return _transfer(task, pid, (lvec, liovcnt), (rvec, riovcnt), flags, writing=True)


def _transfer(
    task: Task, pid: int, local: tuple[UserAddr, int], remote: tuple[UserAddr, int], flags: int, *, writing: bool
) -> int:
    """mm/process_vm_access.c: process_vm_rw. A bad byte ends it; what came before is copied and counted."""
    if flags:
        raise SyscallError(EINVAL, "no flags are defined")
    here = user_segments(task, *local)
    if not here:
        return 0
    there = _remote_segments(task, *remote)
    n_there = sum(length for _address, length in there)
    if not n_there:
        return 0
    other = task.kernel.tasks.get(Tid(pid))
    if other is None:
        raise SyscallError(ESRCH)
    if not may_access(task, other):
        raise SyscallError(EPERM)
    from_memory, to_memory = (task.mem, other.mem) if writing else (other.mem, task.mem)
    source, target = (here, there) if writing else (there, here)
    done = 0
    try:
        for to, at, n_bytes in _pairs(source, target):
            data = _good_prefix(from_memory, at, n_bytes)
            done += _store(to_memory, to, data)
            if len(data) < n_bytes:
                raise SyscallError(EFAULT)
    except SyscallError as error:
        if error.errno != EFAULT:
            raise
        if isinstance(error, _PartError):
            done += error.n_bytes
        if not done:
            raise SyscallError(EFAULT) from None
    return done


class _PartError(SyscallError):
    """EFAULT after n_bytes."""

    __slots__ = ("n_bytes",)

    def __init__(self, n_bytes: int) -> None:
        super().__init__(EFAULT)
        self.n_bytes = n_bytes


def _good_prefix(memory: UserMemory, at: int, n_bytes: int) -> bytes:
    try:
        return b"".join(memory.slices(at, n_bytes, False))  # noqa: FBT003
    except SyscallError:
        return b""


def _store(memory: UserMemory, at: int, data: bytes) -> int:
    done = 0
    for part in memory.slices(at, len(data), True) if data else ():  # noqa: FBT003
        part[:] = data[done : done + len(part)]
        done += len(part)
    if done < len(data):
        raise _PartError(done)
    return done


def _pairs(source: list[tuple[int, int]], target: list[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """(to, from, bytes): the two lists laid side by side, in portions."""
    targets = iter(target)
    to, room = 0, 0
    for address, length in source:
        at, left = address, length
        while left:
            while not room:
                following = next(targets, None)
                if following is None:
                    return
                to, room = following
            n_bytes = min(left, room, _COPY_BYTES)
            yield to, at, n_bytes
            to, at, room, left = to + n_bytes, at + n_bytes, room - n_bytes, left - n_bytes


def _remote_segments(task: Task, vector: UserAddr, n_segments: int) -> list[tuple[int, int]]:
    """The remote iovec: its addresses are looked at only when they are used."""
    if n_segments > _UIO_MAXIOV:
        raise SyscallError(EINVAL)
    if not n_segments:
        return []
    words = memoryview(task.mem.read(vector, _WORDS * n_segments)).cast("Q")
    if any(length >> 63 for length in words[1::2]):
        raise SyscallError(EINVAL)
    return [(words[i], words[i + 1]) for i in range(0, 2 * n_segments, 2)]


@syscall("membarrier")
def sys_membarrier(
    task: Task, cmd: MembarrierArg, flags: MembarrierFlagsArg, cpu_id: MembarrierCpuArg
) -> MembarrierResult:
    """A memory barrier on all threads: one CPU runs them all, so there is nothing to do beside the registrations.

    Errors: EINVAL unknown command or flags; EPERM the process has not registered for an expedited one.
    """
    if flags and not (cmd == MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ and flags == MEMBARRIER_CMD_FLAG_CPU):
        raise SyscallError(EINVAL)
    if cmd == MEMBARRIER_CMD_QUERY:
        return _ALL_COMMANDS
    if cmd in _REGISTRATIONS:
        task.mm.barriers |= cmd
    elif cmd in _NEEDS:
        if not task.mm.barriers & _NEEDS[cmd]:
            raise SyscallError(EPERM, "not registered")
    elif cmd not in (MEMBARRIER_CMD_GLOBAL, MEMBARRIER_CMD_GLOBAL_EXPEDITED):
        raise SyscallError(EINVAL)
    return 0


@syscall("pkey_alloc")
def sys_pkey_alloc(task: Task, flags: HexArg, init_val: PkeyRightsArg) -> int:
    """As on a CPU without protection keys: EINVAL, and from the second time on ENOSPC (the one key 0 stays taken)."""
    if flags or init_val & ~(PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE):
        raise SyscallError(EINVAL, "unknown flags")
    if task.mm.pkey_map:
        raise SyscallError(ENOSPC)
    task.mm.pkey_map = 1
    raise SyscallError(EINVAL, "the CPU has no protection keys")


@syscall("pkey_free")
def sys_pkey_free(task: Task, pkey: IntArg) -> int:
    """EINVAL: none was allocated."""
    raise SyscallError(EINVAL, "the CPU has no protection keys")


@syscall("pkey_mprotect")
def sys_pkey_mprotect(task: Task, addr: AddressArg, length: SizeArg, prot: ProtArg, pkey: IntArg) -> int:
    """As mprotect(2) with key -1; EINVAL with another, after mprotect's own first checks."""
    task.mm.mprotect(addr, length, prot, pkey)
    return 0


@syscall("userfaultfd", note="ENOSYS, as on a kernel without CONFIG_USERFAULTFD")
def sys_userfaultfd(task: Task, flags: OpenFlagsArg) -> int:
    """Not there."""
    raise SyscallError(ENOSYS)


@syscall("remap_file_pages")
def sys_remap_file_pages(
    task: Task, addr: AddressArg, size: SizeArg, prot: ProtArg, pgoff: SizeArg, flags: MapFlagsArg
) -> int:
    """Map other pages of the file that is mapped shared there. Errors: EINVAL."""
    task.mm.remap_file_pages(addr, size, prot, pgoff, flags)
    return 0
