"""The registers of a thread that has stopped for its tracer (arch/x86/kernel/ptrace.c).

They are taken from the CPU when the thread stops, and given back when it goes on, if the tracer has changed them. The
x87 and SSE state stays in the thread's saved frame, and is looked for there only when it is asked for.
"""

from __future__ import annotations

import struct

from pyuk.abi.errno import EIO, SyscallError
from pyuk.machine.cpu import RIP, TF
from pyuk.machine.paging import TASK_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.ptrace import Tracee
    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import Cpu

# struct user_regs_struct (arch/x86/include/asm/user_64.h), as indices
(
    R15, R14, R13, R12, BP, BX, R11, R10, R9, R8, AX, CX, DX, SI, DI, ORIG_AX, IP, CS, FLAGS, SP, SS, FS_BASE, GS_BASE,
    DS, ES, FS, GS,
) = range(27)  # fmt: skip
N_REGS = 27
LAYOUT = struct.Struct("<27Q")
_CPU_ORDER = (15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7)
"""Of each before ORIG_AX the index in cpu.regs."""
_CPU_SP = 4
_NO_CALL = -1
_USER_CS, _USER_SS = 0x33, 0x2B
_FLAG_MASK = 0x54DD5
"""CF PF AF ZF SF TF DF OF NT RF AC: what a tracer may change."""
_MASK = (1 << 64) - 1
_RPL = 3
_SELECTOR_MASK = 0xFFFF
_SEGMENTS = (CS, SS, DS, ES, FS, GS)


class UserRegisters:
    """The values in the order of struct user_regs_struct; good while the thread is stopped.

    orig_rax is the tracee's own. Invariant: `values` are the CPU's of the stop unless `is_changed`.
    """

    __slots__ = ("_forced_tf", "_tracee", "is_changed", "values")

    def __init__(self, tracee: Tracee) -> None:
        self._tracee = tracee
        self._forced_tf = False
        """RFLAGS.TF is set by PTRACE_SINGLESTEP, not by the program (TIF_FORCED_TF)."""
        self.is_changed = False
        self.values = [0] * N_REGS

    def capture(self) -> None:
        """Take them from the CPU, which the thread has."""
        self.end_step()
        self.values = _take(self._tracee.task.kernel.machine.cpu, self._tracee.orig_rax)
        self.is_changed = False

    def apply(self) -> None:
        """Give the CPU, which the thread has, what the tracer has changed."""
        if not self.is_changed:
            return
        self.is_changed = False
        cpu = self._tracee.task.kernel.machine.cpu
        regs, values = cpu.regs, self.values
        for index, source in enumerate(_CPU_ORDER):
            regs[source] = values[index]
        regs[RIP], regs[_CPU_SP] = values[IP], values[SP]
        cpu.rflags = values[FLAGS]
        cpu.fs_base, cpu.gs_base = values[FS_BASE], values[GS_BASE]

    def begin_step(self) -> None:
        """The CPU shall trap after the next instruction, unless it does anyway (user_enable_single_step)."""
        cpu = self._tracee.task.kernel.machine.cpu
        flags = cpu.rflags
        if not flags & TF:
            cpu.rflags = flags | TF
            self._forced_tf = not _sets_flags(cpu.code_at(cpu.regs[RIP]))

    def end_step(self) -> None:
        """Undo `begin_step`, with the CPU."""
        if self._forced_tf:
            self._forced_tf = False
            self._tracee.task.kernel.machine.cpu.rflags &= ~TF

    def set(self, index: int, value: int) -> None:
        """Change one (putreg). Errors: EIO a selector or an address that a user cannot have."""
        if index in _SEGMENTS:
            value &= _SELECTOR_MASK
            if (value and value & _RPL != _RPL) or (not value and index in (CS, SS)):
                raise SyscallError(EIO)
        elif index in (FS_BASE, GS_BASE):
            if value >= TASK_SIZE:
                raise SyscallError(EIO)
        elif index == FLAGS:
            value = self.values[FLAGS] & ~_FLAG_MASK | value & _FLAG_MASK
        elif index == ORIG_AX:
            self._tracee.orig_rax = (value ^ 1 << 63) - (1 << 63)
        self.values[index] = value
        self.is_changed = True


def _take(cpu: Cpu, orig_rax: int) -> list[int]:
    """struct user_regs_struct of the task that has the CPU."""
    regs = cpu.regs
    values = [regs[source] for source in _CPU_ORDER]
    values += [orig_rax & _MASK, regs[RIP], _USER_CS, cpu.rflags, regs[_CPU_SP], _USER_SS, cpu.fs_base, cpu.gs_base]
    return [*values, *cpu.selectors]


def registers_of(task: Task) -> list[int]:
    """The same of any task, whatever it does."""
    tracee, cpu = task.tracee, task.kernel.machine.cpu
    if tracee is not None and tracee.stop is not None:
        return tracee.regs.values
    orig_rax = tracee.orig_rax if tracee is not None else _NO_CALL if task.sleep is None else task.sleep.number
    if task.frame is None:
        return _take(cpu, orig_rax)
    own = cpu.save()
    cpu.restore(task.frame)
    try:
        return _take(cpu, orig_rax)
    finally:
        cpu.restore(own)


def _sets_flags(code: bytes) -> bool:
    """Whether the instruction is POPF or IRET: then TF is its own affair (is_setting_trap_flag)."""
    for byte in code:
        if byte in (0x9D, 0xCF):
            return True
        if byte not in b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3" and not 0x40 <= byte <= 0x4F:  # noqa: PLR2004
            return False
    return False


def read_fxsave(task: Task) -> bytes:
    """The x87 and SSE state of a thread that has not the CPU, as 512 bytes."""
    kernel = task.kernel
    if task.frame is None:
        return kernel.machine.cpu.read_fxsave()
    cpu = kernel.machine.cpu
    own = cpu.save()
    cpu.restore(task.frame)
    try:
        return cpu.read_fxsave()
    finally:
        cpu.restore(own)


def write_fxsave(task: Task, image: bytes) -> None:
    """Replace it."""
    cpu = task.kernel.machine.cpu
    own = cpu.save()
    assert task.frame is not None  # noqa: S101  # a stopped thread has not the CPU
    cpu.restore(task.frame)
    try:
        cpu.write_fxsave(image)
        task.frame = cpu.save()
    finally:
        cpu.restore(own)
