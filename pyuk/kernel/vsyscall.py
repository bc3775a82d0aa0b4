"""The vsyscall page in "xonly" mode, Debian's default (arch/x86/entry/vsyscall/vsyscall_64.c).

Three entries at fixed addresses that very old programs call. Nothing is mapped there: the fetch
faults, and the call is done here as a system call and a return.
"""

from __future__ import annotations

from pyuk.machine.cpu import RAX, RDI, RIP, RSI, RSP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

VSYSCALL_ADDR = 0xFFFF_FFFF_FF60_0000
_CALLS = {VSYSCALL_ADDR: 96, VSYSCALL_ADDR + 0x400: 201, VSYSCALL_ADDR + 0x800: 309}
"""gettimeofday, time, getcpu."""
_MASK = (1 << 64) - 1


def is_entry(address: int) -> bool:
    """Whether a fetch there is one of the three calls."""
    return address in _CALLS


def emulate(task: Task, address: int) -> bool:
    """Do the call and return to its caller; false where the stack or a pointer is bad, which is SIGSEGV."""
    from pyuk.abi.errno import EFAULT, SyscallError  # noqa: PLC0415

    regs = task.kernel.machine.cpu.regs
    try:
        caller = task.mem.read_u64(regs[RSP])
        result = task.kernel.call(task, _CALLS[address], (regs[RDI], regs[RSI]))
    except SyscallError as error:
        if error.errno == EFAULT:
            return False
        result = -error.errno
    regs[RAX] = result & _MASK
    regs[RIP] = caller
    regs[RSP] += 8
    return True
