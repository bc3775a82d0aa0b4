"""Exceptions of the CPU as Linux answers them (arch/x86/kernel/traps.c, arch/x86/mm/fault.c)."""

from __future__ import annotations

from pyuk.abi.signal import (
    BUS_ADRALN,
    FPE_FLTDIV,
    FPE_FLTINV,
    FPE_FLTOVF,
    FPE_FLTRES,
    FPE_FLTUND,
    FPE_INTDIV,
    ILL_ILLOPN,
    SI_KERNEL,
    SIGBUS,
    SIGFPE,
    SIGILL,
    SIGKILL,
    SIGSEGV,
    SIGTRAP,
    TRAP_BRKPT,
    TRAP_TRACE,
)  # fmt: skip
from pyuk.kernel.signals import Siginfo, force
from pyuk.machine import cpu as vectors
from pyuk.machine.cpu import RAX, RDX, RIP, TF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

_KERNEL_HALF = 1 << 63
_PF_PRESENT, _PF_USER = 1, 4
_RDTSC = b"\x0f\x31"


class LastFault:
    """thread.trap_nr, error_code and cr2: what a signal frame tells of the last fault that became a signal."""

    __slots__ = ("cr2", "error_code", "vector")

    def __init__(self) -> None:
        self.cr2 = self.error_code = self.vector = 0


def handle(task: Task, vector: int) -> None:
    """Answer one exception: repair it, or make it the task's signal."""
    if task.mm.self_store is not None and task.mm.end_self_store() and vector == vectors.DEBUG:
        return
    cpu = task.kernel.machine.cpu
    if vector == vectors.PAGE_FAULT:
        _page_fault(task)
        return
    last = task.kernel.last_fault
    last.vector, last.error_code = vector, cpu.error_code if vector in _WITH_ERROR_CODE else 0
    rip = cpu.regs[RIP]
    if vector == vectors.DIVIDE_ERROR:
        info = Siginfo(SIGFPE, FPE_INTDIV, address=rip)
    elif vector == vectors.INVALID_OPCODE:
        info = Siginfo(SIGILL, ILL_ILLOPN, address=rip)
    elif vector == vectors.BREAKPOINT:
        info = Siginfo(SIGTRAP, SI_KERNEL)
    elif vector == vectors.DEBUG:
        info = Siginfo(SIGTRAP, TRAP_TRACE if cpu.was_single_step else TRAP_BRKPT, address=rip)
    elif vector == vectors.STACK_FAULT:
        info = Siginfo(SIGBUS, SI_KERNEL)
    elif vector == vectors.X87_FAULT:
        info = Siginfo(SIGFPE, _x87_code(cpu.read_fxsave()), address=rip)
    elif vector == vectors.ALIGNMENT_CHECK:
        info = Siginfo(SIGBUS, BUS_ADRALN)
    elif vector == vectors.GENERAL_PROTECTION and _read_counter(task):
        return
    else:  # #GP and #OF
        info = Siginfo(SIGSEGV, SI_KERNEL)
    force(task, info)


_WITH_ERROR_CODE = frozenset((vectors.GENERAL_PROTECTION, vectors.STACK_FAULT))


def _read_counter(task: Task) -> bool:
    """`rdtsc` where time is virtual: the counter counts its nanoseconds. False: it is something else, or forbidden."""
    kernel = task.kernel
    cpu = kernel.machine.cpu
    if kernel.clock.goes_by_itself or task.rdtsc_is_forbidden or cpu.code_at(cpu.regs[RIP], 2) != _RDTSC:
        return False
    now_ns = kernel.clock.monotonic_ns()
    cpu.regs[RAX], cpu.regs[RDX] = now_ns & 0xFFFF_FFFF, now_ns >> 32 & 0xFFFF_FFFF
    cpu.regs[RIP] += len(_RDTSC)
    if cpu.rflags & TF:
        cpu.was_single_step = True
        handle(task, vectors.DEBUG)
    return True


def _page_fault(task: Task) -> None:
    cpu = task.kernel.machine.cpu
    address, error_code = cpu.cr2, cpu.error_code
    if error_code & vectors.FAULT_FETCH and address >= _KERNEL_HALF:
        from pyuk.kernel import vsyscall  # noqa: PLC0415

        if vsyscall.is_in_page(address):
            vsyscall.emulate(task, address)
            return
    fault = task.mm.fault(address, error_code)
    if fault is None or not cpu.confirm_fault():
        return
    last = task.kernel.last_fault
    if address >= _KERNEL_HALF:
        error_code |= _PF_PRESENT  # fault.c, sanitize_error_code: do not tell what is mapped there
    last.vector, last.error_code, last.cr2 = vectors.PAGE_FAULT, error_code | _PF_USER, address
    if fault.signo == SIGKILL:
        task.kernel.out_of_memory(task)
        return
    force(task, Siginfo(fault.signo, fault.si_code, address=fault.address))


def _x87_code(image: bytes) -> int:
    """si_code from the unmasked exception bits (arch/x86/kernel/fpu/core.c, fpu__exception_code)."""
    control, status = int.from_bytes(image[0:2], "little"), int.from_bytes(image[2:4], "little")
    pending = status & ~control
    for bits, code in (
        (0x01, FPE_FLTINV),
        (0x04, FPE_FLTDIV),
        (0x08, FPE_FLTOVF),
        (0x12, FPE_FLTUND),
        (0x20, FPE_FLTRES),
    ):
        if pending & bits:
            return code
    return SI_KERNEL
