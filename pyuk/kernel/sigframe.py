"""The frame of a signal handler on the guest's stack (arch/x86/kernel/signal.c, struct rt_sigframe).

From low to high addresses: return address (the restorer), ucontext, siginfo, and above them the
FXSAVE image at a multiple of 64. This CPU has no XSAVE, so UC_FP_XSTATE is not set.
"""

from __future__ import annotations

import struct
from array import array

from pyuk.abi.errno import EFAULT, SyscallError
from pyuk.abi.signal import MINSIGSTKSZ, SA_ONSTACK, SA_RESTORER, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK
from pyuk.machine.cpu import RAX, RDI, RDX, RIP, RSI, RSP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.signals import Action, Siginfo
    from pyuk.kernel.task import Task

_RED_ZONE_BYTES = 128  # System V ABI 3.2.2
FXSAVE_BYTES = 512
_MXCSR_AT = 24
_FRAME = struct.Struct("<QQQQIIQ18QHHHHQQQQQ64xQ")
"""pretcode; uc_flags, uc_link; ss_sp, ss_flags, pad, ss_size; r8-r15 di si bp bx dx ax cx sp ip flags;
cs gs fs ss; err trapno oldmask cr2; fpstate; reserved; uc_sigmask."""
_UCONTEXT_AT = 8
_SIGINFO_AT = _FRAME.size
FRAME_BYTES = _FRAME.size + 128
_UC_SIGCONTEXT_SS, _UC_STRICT_RESTORE_SS = 2, 4
_CS, _SS = 0x33, 0x2B
_FLAGS_KEPT_BY_HANDLER = ~(1 << 10 | 1 << 16 | 1 << 8)  # DF, RF and TF are cleared
_FLAGS_RESTORED = 0x50DD5
"""FIX_EFLAGS: AC OF DF TF SF ZF AF PF CF RF, what sigreturn may change."""


def on_altstack(task: Task, sp: int) -> bool:
    """Whether sp is inside the alternate stack (include/linux/sched/signal.h, __on_sig_stack)."""
    base, flags, size = task.altstack
    return not flags & SS_AUTODISARM and base < sp <= base + size


def altstack_state(task: Task, sp: int) -> int:
    """SS_DISABLE, SS_ONSTACK or 0 (sas_ss_flags); no size is what disables it."""
    if not task.altstack[2]:
        return SS_DISABLE
    return SS_ONSTACK if on_altstack(task, sp) else 0


def push(task: Task, info: Siginfo, action: Action) -> bool:
    """Write the frame and point the registers at the handler. False: the stack is not writable there."""
    cpu = task.kernel.machine.cpu
    regs = cpu.regs
    if not action.flags & SA_RESTORER:
        return False  # x86-64 has no other way back (signal.c, x64_setup_rt_frame)
    sp = regs[RSP] - _RED_ZONE_BYTES
    base, ss_flags, size = task.altstack
    state = altstack_state(task, regs[RSP])
    is_on_altstack = state == SS_ONSTACK
    if action.flags & SA_ONSTACK and state == 0:
        sp = base + size
        is_on_altstack = True
    fpstate = (sp - FXSAVE_BYTES) & ~63
    frame = ((fpstate - FRAME_BYTES) & ~15) - 8
    if is_on_altstack and not base < frame <= base + size:
        return False  # overflow of the alternate stack
    flags = cpu.rflags
    mask = task.blocked if task.restore_blocked is None else task.restore_blocked
    last = task.kernel.last_fault
    ax, cx, dx, bx, old_sp, bp, si, di, *high, ip = regs.tolist()
    words = _FRAME.pack(
        action.restorer, _UC_SIGCONTEXT_SS | _UC_STRICT_RESTORE_SS, 0, base, ss_flags, 0, size,
        *high, di, si, bp, bx, dx, ax, cx, old_sp, ip, flags, _CS, 0, 0, _SS,
        last.error_code, last.vector, mask, last.cr2, fpstate, mask,
    )  # fmt: skip
    try:
        task.mem.write(fpstate, cpu.read_fxsave())
        task.mem.write(frame, words + info.pack())
    except SyscallError:
        return False
    if ss_flags & SS_AUTODISARM:
        task.altstack = (0, SS_DISABLE, 0)
    regs[RDI], regs[RAX] = info.signo, 0
    regs[RSI], regs[RDX] = frame + _SIGINFO_AT, frame + _UCONTEXT_AT
    regs[RSP], regs[RIP] = frame, action.handler
    if flags & ~_FLAGS_KEPT_BY_HANDLER:
        cpu.rflags = flags & _FLAGS_KEPT_BY_HANDLER
    cpu.reset_fpu()
    return True


def pop(task: Task) -> int:
    """rt_sigreturn(2): registers and FPU as the frame (perhaps changed by the handler) says. Gives the mask.

    Raises SyscallError(EFAULT) where the frame cannot be read: the caller makes it SIGSEGV.
    """
    cpu = task.kernel.machine.cpu
    regs = cpu.regs
    values = _FRAME.unpack(task.mem.read(regs[RSP] - 8, _FRAME.size))
    flags, fpstate, mask = values[24], values[33], values[34]
    image = task.mem.read(fpstate, FXSAVE_BYTES) if fpstate else None
    if image is not None and image[_MXCSR_AT + 2 : _MXCSR_AT + 4] != b"\0\0":
        raise SyscallError(EFAULT)  # reserved bits: fxrstor would be #GP
    if values[25] != _CS or values[28] != _SS:
        raise SyscallError(EFAULT)  # iretq with a selector that is no 64-bit code, or no stack
    di, si, bp, bx, dx, ax, cx, sp, ip = values[15:24]
    regs[:] = array("Q", (ax, cx, dx, bx, sp, bp, si, di, *values[7:15], ip))
    before = cpu.rflags
    flags = before & ~_FLAGS_RESTORED | flags & _FLAGS_RESTORED
    if flags != before:
        cpu.rflags = flags
    if image is None:
        cpu.reset_fpu()
    else:
        cpu.write_fxsave(image)
    sp, ss_flags, size = values[3], values[4], values[6]
    mode = ss_flags & ~SS_AUTODISARM
    if mode in (0, SS_ONSTACK, SS_DISABLE) and not on_altstack(task, regs[RSP]):  # restore_altstack
        if mode == SS_DISABLE:
            task.altstack = (0, ss_flags, 0)
        elif size >= MINSIGSTKSZ or (sp, ss_flags, size) == task.altstack:
            task.altstack = (sp, ss_flags, size)
    return int(mask)
