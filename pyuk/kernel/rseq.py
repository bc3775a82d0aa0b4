"""Restartable sequences (rseq(2), kernel/rseq.c): a critical section in which a switch or a signal came begins anew."""

from __future__ import annotations

import struct

from pyuk.abi.errno import SyscallError
from pyuk.abi.rseq import RSEQ_CPU_ID_UNINITIALIZED
from pyuk.abi.signal import SI_KERNEL, SIGSEGV
from pyuk.abi.types import UserAddr
from pyuk.kernel import signals
from pyuk.machine.cpu import RIP
from pyuk.machine.paging import TASK_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

# struct rseq: cpu_id_start cpu_id rseq_cs flags
_CPU_IDS = struct.Struct("<Ii")
_POINTER_AT, _FLAGS_AT = 8, 16
_SECTION = struct.Struct("<IIQQQ")  # struct rseq_cs: version flags start_ip post_commit_offset abort_ip
_SIGNATURE_BYTES = 4
_MASK = (1 << 64) - 1


def come_back(task: Task) -> None:
    """Another task has had the CPU: the section, if the task is in one, is aborted (rseq_handle_notify_resume)."""
    if task.rseq is None:
        return
    try:
        if task.mem.read_u64(UserAddr(task.rseq[0] + _POINTER_AT)) and not _fix_up(task):
            signals.force(task, signals.Siginfo(SIGSEGV, SI_KERNEL))
    except SyscallError:
        signals.force(task, signals.Siginfo(SIGSEGV, SI_KERNEL))


def migrate(task: Task) -> None:
    """The task has come to another CPU. Its section is aborted when it comes to that."""
    try:
        tell_cpu(task)
    except SyscallError:
        signals.force(task, signals.Siginfo(SIGSEGV, SI_KERNEL))
    if task is task.kernel.current:
        come_back(task)


def before_handler(task: Task, signo: int) -> None:
    """A signal handler is about to run: it goes back to the section's abort handler (rseq_signal_deliver)."""
    assert task.rseq is not None  # noqa: S101  # the caller has looked
    try:
        if not task.mem.read_u64(UserAddr(task.rseq[0] + _POINTER_AT)) or _fix_up(task):
            return
    except SyscallError:
        pass
    signals.force_segv(task, signo)


def tell_cpu(task: Task) -> None:
    """Write the number of the CPU. Errors: EFAULT."""
    if task.rseq is not None:
        task.mem.write(UserAddr(task.rseq[0]), _CPU_IDS.pack(task.cpu, task.cpu))


def unregister(task: Task) -> None:
    """The thread has no area any more. Errors: EFAULT, and then it still has."""
    if task.rseq is not None:
        task.mem.write(UserAddr(task.rseq[0]), _CPU_IDS.pack(0, RSEQ_CPU_ID_UNINITIALIZED))
        task.rseq = None


def _fix_up(task: Task) -> bool:
    """rseq_ip_fixup, with a section in the area. False: something is wrong with it. Errors: EFAULT."""
    assert task.rseq is not None  # noqa: S101
    area, _length, signature = task.rseq
    mem, regs = task.mem, task.kernel.machine.cpu.regs
    pointer = mem.read_u64(UserAddr(area + _POINTER_AT))
    if pointer >= TASK_SIZE:
        return False
    version, flags, start, length, abort = _SECTION.unpack(mem.read(UserAddr(pointer), _SECTION.size))
    end = start + length
    if version or start >= TASK_SIZE or end >= TASK_SIZE or abort >= TASK_SIZE or start <= abort < end:
        return False
    if mem.read_u32(UserAddr(abort - _SIGNATURE_BYTES & _MASK)) != signature:
        return False
    if start <= regs[RIP] < end:
        if flags or mem.read_u32(UserAddr(area + _FLAGS_AT)):
            return False  # there have been flags that kept it from being aborted
        regs[RIP] = abort
    mem.write_u64(UserAddr(area + _POINTER_AT), 0)
    return True
