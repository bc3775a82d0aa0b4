"""The vsyscall page in "xonly" mode, Debian's default (arch/x86/entry/vsyscall/vsyscall_64.c).

Three entries at fixed addresses that very old programs call. Nothing is mapped there: the fetch
faults, and the call is done here as a system call and a return. Anything else about the page, a bad
stack or a bad pointer is SIGSEGV with SI_KERNEL.
"""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, ENOSYS, SyscallError
from pyuk.abi.signal import SI_KERNEL, SIGSEGV
from pyuk.kernel.signals import Siginfo, force
from pyuk.machine.cpu import RAX, RDI, RIP, RSI, RSP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

_VSYSCALL_ADDR = 0xFFFF_FFFF_FF60_0000
_GETTIMEOFDAY, _TIME, _GETCPU = 96, 201, 309
_CALLS = {0: (_GETTIMEOFDAY, 2), 0x400: (_TIME, 1), 0x800: (_GETCPU, 2)}
"""By offset: the system call, and how many of its arguments are the caller's."""
_MASK = (1 << 64) - 1


def is_in_page(address: int) -> bool:
    """Whether a fetch there is this page's business."""
    return address >> 12 == _VSYSCALL_ADDR >> 12


def emulate(task: Task, address: int) -> None:
    """Do the call at `address` and return to its caller, or make it SIGSEGV."""
    regs = task.kernel.machine.cpu.regs
    call = _CALLS.get(address - _VSYSCALL_ADDR)
    result = -EFAULT
    if call is not None:
        number, n_arguments = call
        arguments = (regs[RDI], regs[RSI])[:n_arguments]
        if number == _GETCPU:
            arguments = (*arguments, 0)
        regs[RAX] = -ENOSYS & _MASK  # what a debugger finds where the call comes to nothing
        try:
            caller = task.mem.read_u64(regs[RSP])
            result = task.kernel.call(task, number, arguments)
        except SyscallError as error:
            result = -error.errno
    if result == -EFAULT:
        force(task, Siginfo(SIGSEGV, SI_KERNEL))
        return
    regs[RAX] = result & _MASK
    regs[RIP] = caller
    regs[RSP] += 8
