"""Signals: rt_sigaction(2), rt_sigprocmask(2), rt_sigreturn(2), rt_sigpending(2), sigaltstack(2)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, SyscallError
from pyuk.abi.signal import (
    MINSIGSTKSZ,
    SI_KERNEL,
    SIG_BLOCK,
    SIG_SETMASK,
    SIG_UNBLOCK,
    SIGKILL,
    SIGSEGV,
    SIGSTOP,
    SS_AUTODISARM,
    SS_DISABLE,
    SS_ONSTACK,
)  # fmt: skip
from pyuk.abi.structs import SIGACTION, STACK, TIMESPEC
from pyuk.abi.syscall import syscall
from pyuk.abi.time import NSEC_PER_SEC
from pyuk.kernel import sigframe, signals
from pyuk.kernel.dispatch import DoesNotReturn
from pyuk.kernel.signals import Action
from pyuk.machine.cpu import RSP
from pyuk.wait.park import Park, WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, SigHowArg, SignalArg, SignalResult, SizeArg
    from pyuk.abi.kinds import IN, OUT, SignalSet, StructAt
    from pyuk.abi.structs import SIGINFO
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_SIGSET_BYTES = 8
_SA_ALL = 0xDC000807
"""Flags Linux 6.1 keeps: NOCLDSTOP NOCLDWAIT SIGINFO EXPOSE_TAGBITS RESTORER ONSTACK RESTART NODEFER RESETHAND."""


@syscall("rt_sigaction")
def sys_rt_sigaction(
    task: Task,
    sig: SignalArg,
    act: Annotated[UserAddr, StructAt(IN, SIGACTION)],
    oact: Annotated[UserAddr, StructAt(OUT, SIGACTION)],
    sigsetsize: SizeArg,
) -> int:
    """Set and get what a signal does. Errors: EINVAL size, signal, or a change of KILL or STOP; EFAULT."""
    if sigsetsize != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    new = SIGACTION.unpack(task.mem.read(act, SIGACTION.size)) if act else None
    if not 1 <= sig <= signals.N_SIGNALS or (new is not None and sig in (SIGKILL, SIGSTOP)):
        raise SyscallError(EINVAL)
    old = task.actions.get(sig)
    if new is not None:
        handler, flags, restorer, mask = new
        task.actions.set(sig, Action(handler, flags & _SA_ALL, restorer, mask & ~signals.UNBLOCKABLE))
        if task.actions.ignores(sig):
            signals.forget(task, sig)
    if oact:
        task.mem.write(oact, SIGACTION.pack(old.handler, old.flags, old.restorer, old.mask))
    return 0


@syscall("rt_sigprocmask")
def sys_rt_sigprocmask(
    task: Task,
    how: SigHowArg,
    nset: Annotated[UserAddr, SignalSet(IN, "sigsetsize")],
    oset: Annotated[UserAddr, SignalSet(OUT, "sigsetsize")],
    sigsetsize: SizeArg,
) -> int:
    """Change and get the signal mask. Errors: EINVAL size or how (only with a set), EFAULT."""
    if sigsetsize != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    old = task.blocked
    if nset:
        mask = task.mem.read_u64(nset)
        if how == SIG_BLOCK:
            mask |= old
        elif how == SIG_UNBLOCK:
            mask = old & ~mask
        elif how != SIG_SETMASK:
            raise SyscallError(EINVAL)
        signals.set_blocked(task, mask)
    if oset:
        task.mem.write_u64(oset, old)
    return 0


@syscall("rt_sigpending")
def sys_rt_sigpending(task: Task, uset: Annotated[UserAddr, SignalSet(OUT, "sigsetsize")], sigsetsize: SizeArg) -> int:
    """The blocked signals that are pending. Errors: EINVAL size too large, EFAULT."""
    if sigsetsize > _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    task.mem.write(uset, signals.pending_set(task).to_bytes(_SIGSET_BYTES, "little")[:sigsetsize])
    return 0


@syscall("rt_sigreturn")
def sys_rt_sigreturn(task: Task) -> int:
    """Go back to what a signal handler interrupted; a frame that cannot be read is SIGSEGV."""
    try:
        signals.set_blocked(task, sigframe.pop(task))
        if task.tracee is not None:
            task.tracee.orig_rax = -1  # restore_sigcontext: this is no call that could be restarted
    except SyscallError:
        signals.force(task, signals.Siginfo(SIGSEGV, SI_KERNEL))
    raise DoesNotReturn


@syscall("sigaltstack")
def sys_sigaltstack(
    task: Task, uss: Annotated[UserAddr, StructAt(IN, STACK)], uoss: Annotated[UserAddr, StructAt(OUT, STACK)]
) -> int:
    """Set and get the stack for handlers. Errors: EPERM in use, EINVAL flags, ENOMEM too small, EFAULT.

    Source: kernel/signal.c, do_sigaltstack.
    """
    new = STACK.unpack(task.mem.read(uss, STACK.size)) if uss else None
    base, flags, size = task.altstack
    sp = task.kernel.machine.cpu.regs[RSP]
    old_state = sigframe.altstack_state(task, sp)
    if new is not None:
        new_base, new_flags, new_size = new
        new_flags &= 0xFFFF_FFFF
        if old_state == SS_ONSTACK:
            raise SyscallError(EPERM)
        mode = new_flags & ~SS_AUTODISARM
        if mode not in (SS_DISABLE, SS_ONSTACK, 0):
            raise SyscallError(EINVAL)
        if (new_base, new_flags, new_size) != task.altstack:
            if mode == SS_DISABLE:
                task.altstack = (0, new_flags, 0)
            elif new_size < MINSIGSTKSZ:
                raise SyscallError(ENOMEM)
            else:
                task.altstack = (new_base, new_flags, new_size)
    if uoss:
        task.mem.write(uoss, STACK.pack(base, old_state | flags & SS_AUTODISARM, size))
    return 0


class Pause:
    """Sleep until a signal has been acted on."""

    __slots__ = ()

    def step(self) -> int:
        """Only a signal ends it."""
        raise WouldBlock

    def interrupted(self) -> int:
        """A handler makes it EINTR; without one it goes on."""
        raise SyscallError(ERESTARTNOHAND)

    timed_out = interrupted

    def close(self) -> None:
        """Nothing is held."""


@syscall("pause")
def sys_pause(_task: Task) -> int:
    """Sleep until a handler has run. Errors: EINTR, always."""
    raise Park(Pause())


@syscall("rt_sigsuspend")
def sys_rt_sigsuspend(
    task: Task, unewset: Annotated[UserAddr, SignalSet(IN, "sigsetsize")], sigsetsize: SizeArg
) -> int:
    """Sleep with another mask until a handler has run, which then sees the old one. Errors: EINVAL, EFAULT, EINTR."""
    if sigsetsize != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    mask = task.mem.read_u64(unewset)
    task.restore_blocked = task.blocked
    signals.set_blocked(task, mask)
    raise Park(Pause())


class WaitForSignal:
    """rt_sigtimedwait: take one of a set without a handler."""

    __slots__ = ("info_at", "task", "wanted")

    def __init__(self, task: Task, wanted: int, info_at: UserAddr) -> None:
        self.task = task
        self.wanted = wanted
        self.info_at = info_at

    def step(self) -> int:
        """The signal's number once one of the set is pending."""
        info = signals.take_from(self.task, self.wanted)
        if info is None:
            raise WouldBlock
        if self.info_at:
            self.task.mem.write(self.info_at, info.pack())
        return info.signo

    def interrupted(self) -> int:
        """Another signal than those waited for."""
        raise SyscallError(EINTR)

    def timed_out(self) -> int:
        """None has come."""
        raise SyscallError(EAGAIN)

    def close(self) -> None:
        """The task does not wait for these any more."""
        self.task.awaited = 0


@syscall("rt_sigtimedwait")
def sys_rt_sigtimedwait(
    task: Task,
    uthese: Annotated[UserAddr, SignalSet(IN, "sigsetsize")],
    uinfo: Annotated[UserAddr, StructAt(OUT, SIGINFO)],
    uts: Annotated[UserAddr, StructAt(IN, TIMESPEC)],
    sigsetsize: SizeArg,
) -> SignalResult:
    """Wait for a signal of a set and take it. Errors: EINVAL, EFAULT, EAGAIN timed out, EINTR."""
    if sigsetsize != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    wanted = task.mem.read_u64(uthese) & ~signals.UNBLOCKABLE
    deadline_ns = None
    if uts:
        seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(uts, TIMESPEC.size))
        if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
            raise SyscallError(EINVAL)
        deadline_ns = task.kernel.clock.monotonic_ns() + seconds * NSEC_PER_SEC + nanoseconds
    operation = WaitForSignal(task, wanted, uinfo)
    try:
        return operation.step()
    except WouldBlock:
        task.awaited = wanted
        raise Park(operation, deadline_ns=deadline_ns) from None
