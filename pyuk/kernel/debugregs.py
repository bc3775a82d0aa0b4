"""DR0-DR7 as ptrace(2) gives them (arch/x86/kernel/ptrace.c, ptrace_set_debugreg, ptrace_write_dr7).

DR0-3 are addresses, DR7 says which are watched and how. Source: Intel SDM vol. 3B, 17.2.
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EIO, SyscallError
from pyuk.machine.paging import TASK_SIZE

N_ADDRESSES = 4
STATUS, CONTROL = 6, 7
_CONTROL_RESERVED = 0xFFFF_FFFF_0000_FC00
_ENABLED = 3
"""Local or global."""
EXECUTE, WRITE, PORT, ACCESS = range(4)
_LENGTHS = (1, 2, 8, 4)


class Watch:
    """One enabled address. kind: EXECUTE, WRITE or ACCESS."""

    __slots__ = ("address", "kind", "length", "number")

    def __init__(self, number: int, address: int, kind: int, length: int) -> None:
        self.number = number
        self.address = address
        self.kind = kind
        self.length = length


def watches(registers: list[int]) -> list[Watch]:
    """What DR7 enables. Errors: EINVAL a length or a kind that there is not, or an address unaligned to its length."""
    found = []
    control = registers[CONTROL]
    for number in range(N_ADDRESSES):
        if not control >> 2 * number & _ENABLED:
            continue
        field = control >> 16 + 4 * number
        kind, length = field & 3, _LENGTHS[field >> 2 & 3]
        address = registers[number]
        if kind == PORT or (kind == EXECUTE and length != 1) or address % length or address > TASK_SIZE - length:
            raise SyscallError(EINVAL)
        found.append(Watch(number, address, kind, length))
    return found


def poke(registers: list[int], number: int, value: int) -> None:
    """Set one. Errors: EIO DR4 and DR5, EINVAL."""
    if number in (4, 5):
        raise SyscallError(EIO)
    if number < N_ADDRESSES and value >= TASK_SIZE:
        raise SyscallError(EINVAL)
    if number == CONTROL:
        value &= ~_CONTROL_RESERVED
    changed = registers.copy()
    changed[number] = value
    watches(changed)
    registers[number] = value
