"""ptrace(2): what a tracer may ask and change."""

from __future__ import annotations

import struct

from pyuk.abi import ptrace as abi
from pyuk.abi.capability import CAP_SYS_ADMIN
from pyuk.abi.errno import EACCES, EINVAL, EIO, ENODEV, ENOENT, ENXIO, EPERM, ESRCH, SyscallError
from pyuk.abi.prctl import ARCH_GET_FS, ARCH_GET_GS, ARCH_SET_FS, ARCH_SET_GS
from pyuk.abi.seccomp import SECCOMP_FILTER_FLAG_LOG
from pyuk.abi.signal import SI_KERNEL, SIGKILL, SIGSTOP, SIGTRAP
from pyuk.abi.structs import SIGINFO_BYTES
from pyuk.abi.syscall import syscall
from pyuk.abi.types import Tid
from pyuk.kernel import debugregs, ptrace, ptrace_regs, signals
from pyuk.kernel.access import may_access
from pyuk.kernel.ptrace_regs import FS_BASE, GS_BASE, IP, LAYOUT, N_REGS, SP
from pyuk.kernel.signals import N_SIGNALS, Siginfo
from pyuk.kernel.task import EMULATED, STEP, SYSCALLS
from pyuk.machine.paging import TASK_SIZE
from pyuk.mm.access import MemoryWindow
from pyuk.syscalls.process import GivenSiginfo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.abi.declare import PidArg, PtraceArg, ULongArg
    from pyuk.kernel.ptrace import Tracee
    from pyuk.kernel.seccomp import Filter
    from pyuk.kernel.task import Task

    Request = Callable[[Task, Tracee, int, int], int]

_MASK = (1 << 64) - 1
_WORD_BYTES = 8
_SIGSET_BYTES = 8
_FPREGS_BYTES = 512
_MXCSR_AT = 24
_MXCSR_MASK = 0xFFFF
_USER_BYTES, _DEBUG_AT = 928, 848
"""sizeof(struct user), and u_debugreg in it (asm/user_64.h)."""
_AUDIT_ARCH_X86_64 = 0xC000003E
_SYSCALL_ARGUMENTS = (14, 13, 12, 7, 9, 8)
"""rdi rsi rdx r10 r8 r9 in struct user_regs_struct."""


@syscall("ptrace", note="debug registers are stored but never trap")
def sys_ptrace(task: Task, request: PtraceArg, pid: PidArg, addr: ULongArg, data: ULongArg) -> int:
    """Trace a thread, look into it and change it.

    Errors: EPERM, ESRCH no such thread, or not traced by the caller, or not stopped; EIO request, address or signal;
    EINVAL, EFAULT. Source: ptrace(2); kernel/ptrace.c, arch/x86/kernel/ptrace.c.
    """
    if request == abi.PTRACE_TRACEME:
        return _trace_me(task)
    if request in (abi.PTRACE_ATTACH, abi.PTRACE_SEIZE):
        return _attach(task, _find(task, pid), addr, data, is_seizing=request == abi.PTRACE_SEIZE)
    tracee = task.kernel.tracees.get(_find(task, pid).tid) if pid > 0 else None
    if tracee is None or tracee.tracer is not task:
        raise SyscallError(ESRCH)
    if request == abi.PTRACE_KILL:
        signals.send(tracee.task, signals.from_kill(task, SIGKILL))
        return 0
    if request == abi.PTRACE_INTERRUPT:
        if not tracee.is_seized:
            raise SyscallError(EIO)
        tracee.interrupt()
        return 0
    if tracee.stop is None or tracee.is_listening:
        raise SyscallError(ESRCH)
    handler = _REQUESTS.get(request)
    if handler is None:
        raise SyscallError(EIO)
    return handler(task, tracee, addr, data)


def _find(task: Task, pid: int) -> Task:
    found = task.kernel.tasks.get(Tid(pid))
    if found is None:
        raise SyscallError(ESRCH)
    return found


# To begin and to end


def _trace_me(task: Task) -> int:
    if task.tracee is not None or task.traced_outside:
        raise SyscallError(EPERM)
    parent = task.process.parent
    if parent is None or not parent.tasks:
        task.traced_outside = True
        return 0
    ptrace.attach(parent.tasks[0], task)
    return 0


def _attach(task: Task, other: Task, addr: int, options: int, *, is_seizing: bool) -> int:
    if is_seizing:
        if addr or options & ~abi.PTRACE_O_MASK:
            raise SyscallError(EIO)
        _check_options(task, options)
    if other.process is task.process or not may_access(task, other):
        raise SyscallError(EPERM)
    if other.tracee is not None or other.traced_outside:
        raise SyscallError(EPERM)
    ptrace.attach(task, other, options=options if is_seizing else 0, is_seized=is_seizing)
    if not is_seizing:
        signals.send(other, Siginfo(SIGSTOP, SI_KERNEL))
    return 0


def _check_options(task: Task, options: int) -> None:
    if options & ~abi.PTRACE_O_MASK:
        raise SyscallError(EINVAL)
    if options & abi.PTRACE_O_SUSPEND_SECCOMP and not task.creds.has(CAP_SYS_ADMIN):
        raise SyscallError(EPERM)


def _set_options(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    _check_options(task, data)
    tracee.options = data
    return 0


def _detach(_task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    _check_signal(data)
    tracee.detach(data)
    return 0


def _check_signal(signo: int) -> None:
    if signo > N_SIGNALS:
        raise SyscallError(EIO)


def _resume(mode: int) -> Request:
    def resume(_task: Task, tracee: Tracee, _addr: int, data: int) -> int:
        _check_signal(data)
        tracee.resume(data, mode)
        return 0

    return resume


def _listen(_task: Task, tracee: Tracee, _addr: int, _data: int) -> int:
    info = tracee.stop.info if tracee.stop is not None else None
    if not tracee.is_seized or info is None or info.code >> 8 != abi.PTRACE_EVENT_STOP:
        raise SyscallError(EIO)
    tracee.listen()
    return 0


# Memory


def _peek(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    word = bytearray(_WORD_BYTES)
    if not 0 <= addr <= TASK_SIZE - _WORD_BYTES or _move(tracee, word, addr, writing=False) < _WORD_BYTES:
        raise SyscallError(EIO)
    task.mem.write(data, word)
    return 0


def _poke(_task: Task, tracee: Tracee, addr: int, data: int) -> int:
    word = bytearray(data.to_bytes(_WORD_BYTES, "little"))
    if not 0 <= addr <= TASK_SIZE - _WORD_BYTES or _move(tracee, word, addr, writing=True) < _WORD_BYTES:
        raise SyscallError(EIO)
    return 0


def _move(tracee: Tracee, word: bytearray, addr: int, *, writing: bool) -> int:
    window = MemoryWindow(tracee.task.mm)
    view = [memoryview(word)]
    return window.write(view, addr) if writing else window.read(view, addr)


# Registers


def _peek_user(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    if addr % _WORD_BYTES or addr >= _USER_BYTES:
        raise SyscallError(EIO)
    index, debug = addr // _WORD_BYTES, (addr - _DEBUG_AT) // _WORD_BYTES
    word = 0
    if index < N_REGS:
        word = tracee.regs.values[index]
    elif 0 <= debug < len(tracee.debug):
        word = tracee.debug[debug]
    task.mem.write_u64(data, word)
    return 0


def _poke_user(_task: Task, tracee: Tracee, addr: int, data: int) -> int:
    if addr % _WORD_BYTES or addr >= _USER_BYTES:
        raise SyscallError(EIO)
    index, debug = addr // _WORD_BYTES, (addr - _DEBUG_AT) // _WORD_BYTES
    if index < N_REGS:
        tracee.regs.set(index, data)
    elif 0 <= debug < len(tracee.debug):
        debugregs.poke(tracee.debug, debug, data)
    else:
        raise SyscallError(EIO)
    return 0


def _get_regs(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    task.mem.write(data, LAYOUT.pack(*tracee.regs.values))
    return 0


def _set_regs(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    _store_regs(tracee, task.mem.read(data, LAYOUT.size))
    return 0


def _store_regs(tracee: Tracee, image: bytes) -> None:
    for index, (value,) in enumerate(struct.iter_unpack("<Q", image)):
        tracee.regs.set(index, value)


def _get_fpregs(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    task.mem.write(data, ptrace_regs.read_fxsave(tracee.task))
    return 0


def _set_fpregs(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    _store_fpregs(tracee, task.mem.read(data, _FPREGS_BYTES))
    return 0


def _store_fpregs(tracee: Tracee, image: bytes) -> None:
    """The first bytes of it. Errors: EINVAL bits of MXCSR that the CPU has not."""
    whole = image + ptrace_regs.read_fxsave(tracee.task)[len(image) :]
    if int.from_bytes(whole[_MXCSR_AT : _MXCSR_AT + 4], "little") & ~_MXCSR_MASK:
        raise SyscallError(EINVAL)
    ptrace_regs.write_fxsave(tracee.task, whole)


def _regset(task: Task, tracee: Tracee, kind: int, vector: int, *, writing: bool) -> int:
    """ptrace_regset: what is moved is cut to the set's size, and the iovec says how much that was."""
    base, length = struct.unpack("<QQ", task.mem.read(vector, 16))
    if kind in (abi.NT_PRSTATUS, abi.NT_386_IOPERM):
        unit, size = _WORD_BYTES, LAYOUT.size if kind == abi.NT_PRSTATUS else 0x2000
    elif kind == abi.NT_PRFPREG:
        unit, size = 8, _FPREGS_BYTES
    elif kind == abi.NT_X86_XSTATE:
        unit, size = _WORD_BYTES, 0
    else:
        raise SyscallError(EINVAL)
    if length % unit:
        raise SyscallError(EINVAL)
    length = min(length, size)
    if kind == abi.NT_386_IOPERM:
        raise SyscallError(EIO if writing else ENXIO)
    if kind == abi.NT_X86_XSTATE:
        raise SyscallError(ENODEV, "the CPU has no XSAVE")
    if writing:
        image = task.mem.read(base, length)
        if kind == abi.NT_PRSTATUS:
            _store_regs(tracee, image)
        else:
            _store_fpregs(tracee, image)
    else:
        whole = LAYOUT.pack(*tracee.regs.values)
        if kind == abi.NT_PRFPREG:
            whole = ptrace_regs.read_fxsave(tracee.task)
        task.mem.write(base, whole[:length])
    task.mem.write_u64(vector + _WORD_BYTES, length)
    return 0


def _arch_prctl(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    """arch_prctl(2) for another: data is the option."""
    index = {ARCH_GET_FS: FS_BASE, ARCH_SET_FS: FS_BASE, ARCH_GET_GS: GS_BASE, ARCH_SET_GS: GS_BASE}.get(data)
    if index is None:
        raise SyscallError(EINVAL)
    if data in (ARCH_GET_FS, ARCH_GET_GS):
        task.mem.write_u64(addr, tracee.regs.values[index])
    elif addr >= TASK_SIZE:
        raise SyscallError(EPERM)
    else:
        tracee.regs.set(index, addr)
    return 0


# Signals and events


def _get_event_message(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    task.mem.write_u64(data, tracee.message)
    return 0


def _get_siginfo(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    info = tracee.stop.info if tracee.stop is not None else None
    if info is None:
        raise SyscallError(EINVAL)
    task.mem.write(data, info.pack())
    return 0


def _set_siginfo(task: Task, tracee: Tracee, _addr: int, data: int) -> int:
    image = task.mem.read(data, SIGINFO_BYTES)
    if tracee.stop is None or tracee.stop.info is None:
        raise SyscallError(EINVAL)
    tracee.stop.info = GivenSiginfo(int.from_bytes(image[:4], "little"), image)
    return 0


def _peek_siginfo(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    offset, flags, count = struct.unpack("<QIi", task.mem.read(addr, 16))
    if flags & ~abi.PTRACE_PEEKSIGINFO_SHARED or count < 0:
        raise SyscallError(EINVAL)
    thread = tracee.task
    pending = thread.process.pending if flags & abi.PTRACE_PEEKSIGINFO_SHARED else thread.pending
    infos = list(pending.infos())[offset : offset + count]
    for done, info in enumerate(infos):
        try:
            task.mem.write(data + done * SIGINFO_BYTES, info.pack())
        except SyscallError:
            if not done:
                raise
            return done
    return len(infos)


def _get_sigmask(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    if addr != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    thread = tracee.task
    task.mem.write_u64(data, thread.blocked if thread.restore_blocked is None else thread.restore_blocked)
    return 0


def _set_sigmask(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    if addr != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    mask = task.mem.read_u64(data)
    tracee.task.restore_blocked = None
    signals.set_blocked(tracee.task, mask)
    return 0


def _get_syscall_info(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    """struct ptrace_syscall_info, as much of it as fits; gives its whole size."""
    values = tracee.regs.values
    info = tracee.stop.info if tracee.stop is not None else None
    op, rest = abi.PTRACE_SYSCALL_INFO_NONE, b""
    code = info.code if info is not None else 0
    call = struct.pack("<7Q", tracee.orig_rax & _MASK, *(values[index] for index in _SYSCALL_ARGUMENTS))
    if code == SIGTRAP | 0x80:
        if tracee.message == abi.PTRACE_EVENTMSG_SYSCALL_ENTRY:
            op, rest = abi.PTRACE_SYSCALL_INFO_ENTRY, call
        elif tracee.message == abi.PTRACE_EVENTMSG_SYSCALL_EXIT:
            result = values[ptrace_regs.AX]
            op, rest = abi.PTRACE_SYSCALL_INFO_EXIT, struct.pack("<Q?", result, result > _MASK - 4095)
    elif code == SIGTRAP | abi.PTRACE_EVENT_SECCOMP << 8:
        op, rest = abi.PTRACE_SYSCALL_INFO_SECCOMP, call + struct.pack("<I", tracee.message)
    image = struct.pack("<BxxxIQQ", op, _AUDIT_ARCH_X86_64, values[IP], values[SP]) + rest
    task.mem.write(data, image[:addr])
    return len(image)


def _get_rseq(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    address, length, signature = tracee.task.rseq or (0, 0, 0)
    image = struct.pack("<QIII4x", address, length, signature, 0)
    task.mem.write(data, image[:addr])
    return len(image)


def _nth_filter(task: Task, tracee: Tracee, index: int) -> Filter:
    """The oldest is 0. Errors: EACCES the caller has not the right to know, EINVAL, ENOENT."""
    if not task.creds.has(CAP_SYS_ADMIN) or task.guard is not None:
        raise SyscallError(EACCES)
    guard = tracee.task.guard
    if guard is None or guard.filter is None:
        raise SyscallError(EINVAL)
    chain = guard.filter.chain()
    if index >= len(chain):
        raise SyscallError(ENOENT)
    return chain[-1 - index]


def _get_filter(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    """The filter's instructions, or without a place for them only their number."""
    found = _nth_filter(task, tracee, addr)
    if data:
        task.mem.write(data, found.program.image)
    return len(found.program)


def _get_filter_metadata(task: Task, tracee: Tracee, addr: int, data: int) -> int:
    """struct seccomp_metadata: which filter, and its flags; as much of it as fits."""
    if not task.creds.has(CAP_SYS_ADMIN) or task.guard is not None:
        raise SyscallError(EACCES)
    size = min(addr, 2 * _WORD_BYTES)
    if size < _WORD_BYTES:
        raise SyscallError(EINVAL)
    index = task.mem.read_u64(data)
    found = _nth_filter(task, tracee, index)
    flags = SECCOMP_FILTER_FLAG_LOG if found.has_log else 0
    task.mem.write(data, struct.pack("<QQ", index, flags)[:size])
    return size


_REQUESTS: dict[int, Request] = {
    abi.PTRACE_PEEKTEXT: _peek,
    abi.PTRACE_PEEKDATA: _peek,
    abi.PTRACE_POKETEXT: _poke,
    abi.PTRACE_POKEDATA: _poke,
    abi.PTRACE_PEEKUSER: _peek_user,
    abi.PTRACE_POKEUSER: _poke_user,
    abi.PTRACE_GETREGS: _get_regs,
    abi.PTRACE_SETREGS: _set_regs,
    abi.PTRACE_GETFPREGS: _get_fpregs,
    abi.PTRACE_SETFPREGS: _set_fpregs,
    abi.PTRACE_GETREGSET: lambda task, tracee, addr, data: _regset(task, tracee, addr, data, writing=False),
    abi.PTRACE_SETREGSET: lambda task, tracee, addr, data: _regset(task, tracee, addr, data, writing=True),
    abi.PTRACE_ARCH_PRCTL: _arch_prctl,
    abi.PTRACE_CONT: _resume(0),
    abi.PTRACE_SYSCALL: _resume(SYSCALLS),
    abi.PTRACE_SYSEMU: _resume(EMULATED),
    abi.PTRACE_SYSEMU_SINGLESTEP: _resume(EMULATED | STEP),
    abi.PTRACE_SINGLESTEP: _resume(STEP),
    abi.PTRACE_SINGLEBLOCK: _resume(STEP),
    abi.PTRACE_DETACH: _detach,
    abi.PTRACE_LISTEN: _listen,
    abi.PTRACE_SETOPTIONS: _set_options,
    abi.PTRACE_OLDSETOPTIONS: _set_options,
    abi.PTRACE_GETEVENTMSG: _get_event_message,
    abi.PTRACE_GETSIGINFO: _get_siginfo,
    abi.PTRACE_SETSIGINFO: _set_siginfo,
    abi.PTRACE_PEEKSIGINFO: _peek_siginfo,
    abi.PTRACE_GETSIGMASK: _get_sigmask,
    abi.PTRACE_SETSIGMASK: _set_sigmask,
    abi.PTRACE_GET_SYSCALL_INFO: _get_syscall_info,
    abi.PTRACE_SECCOMP_GET_FILTER: _get_filter,
    abi.PTRACE_SECCOMP_GET_METADATA: _get_filter_metadata,
    abi.PTRACE_GET_RSEQ_CONFIGURATION: _get_rseq,
}
