"""From reset to ring 3: what an operating system's first hundred instructions do.

The kernel half holds two supervisor pages: a GDT, read when a guest loads a segment register, and
a page with the two pieces of code that run at CPL 0. One is the sysretq that leaves it for good (a
syscall is a hook and never comes back); the other removes a page from the TLB, for which the engine
has no API, in a context of its own.
"""

from __future__ import annotations

from pyuk.machine import engine as uc
from pyuk.machine.clib import c_uint64
from pyuk.machine.paging import PAGE_SHIFT, PS, P, U, W

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.types import FrameNr
    from pyuk.machine.engine import Engine
    from pyuk.machine.ram import Ram

KERNEL_BASE = 0xFFFF_FFFF_8000_0000
_GDT_VA, _STUB_VA = KERNEL_BASE, KERNEL_BASE + 0x1000
_USER_CS, _USER_SS = 0x33, 0x2B
_SYSRETQ = b"\x48\x0f\x07"
_INVLPG_RDI, _HLT = b"\x0f\x01\x3f", b"\xf4"
INVALIDATE = _STUB_VA + len(_SYSRETQ)
"""Removes the page of the address in RDI from the TLB, and ends emulation at INVALIDATED."""
INVALIDATED = INVALIDATE + len(_INVLPG_RDI + _HLT)

_IA32_EFER, _IA32_STAR = 0xC000_0080, 0xC000_0081
_EFER = 1 << 0 | 1 << 8 | 1 << 10 | 1 << 11  # SCE LME LMA NXE
_CR0 = 0x8005_0033  # PE MP ET NE WP AM PG, as Linux sets them
_CR4 = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 10  # PAE PGE OSFXSR OSXMMEXCPT
_RFLAGS = 0x202  # IF and the bit that is always set

# arch/x86/include/asm/segment.h: the selectors that a program can load without #GP
_GDT = {
    1: 0x00CF9B000000FFFF,  # __KERNEL32_CS
    2: 0x00AF9B000000FFFF,  # __KERNEL_CS
    3: 0x00CF93000000FFFF,  # __KERNEL_DS
    4: 0x00CFFB000000FFFF,  # __USER32_CS
    5: 0x00CFF3000000FFFF,  # __USER_DS
    6: 0x00AFFB000000FFFF,  # __USER_CS
    15: 0x0040F50000000000,  # __CPUNODE_SEG: its limit is the CPU's number, 0
}
_CPU_SEGMENT = 15


class KernelHalf:
    """`entry` is the top-level entry 511 of every address space; `identity_root` maps all RAM at its own address."""

    __slots__ = ("_cpu_segment", "_words", "empty_root", "entry", "identity_root")

    def __init__(self, ram: Ram) -> None:
        words = ram.words
        directory_pointers, directory, table, gdt, stub = (ram.alloc() for _ in range(5))
        words[(directory_pointers << 9) + 510] = directory << PAGE_SHIFT | P | W
        words[directory << 9] = table << PAGE_SHIFT | P | W
        words[table << 9] = gdt << PAGE_SHIFT | P | W
        words[(table << 9) + 1] = stub << PAGE_SHIFT | P | W
        for index, descriptor in _GDT.items():
            words[(gdt << 9) + index] = descriptor
        self._words, self._cpu_segment = words, (gdt << 9) + _CPU_SEGMENT
        code = _SYSRETQ + _INVLPG_RDI + _HLT
        ram.frame(stub)[: len(code)] = code
        self.entry = directory_pointers << PAGE_SHIFT | P | W
        self.empty_root = self._root(ram)
        self.identity_root = self._root(ram)
        self._map_identity(ram)

    def tell_cpu(self, number: int) -> None:
        """The limit of __CPUNODE_SEG, which `lsl` reads in vdso(7)'s getcpu: node 0 and the CPU."""
        self._words[self._cpu_segment] = _GDT[_CPU_SEGMENT] | number

    def _root(self, ram: Ram) -> FrameNr:
        root = ram.alloc()
        ram.words[(root << 9) + 511] = self.entry
        return root

    def _map_identity(self, ram: Ram) -> None:
        """User, executable 1 GiB pages: the engine looks translations up with the rights of a guest's fetch."""
        words = ram.words
        n_gib = -(-ram.size_bytes >> 30)
        for first in range(0, n_gib, 512):
            pointers = ram.alloc()
            words[(self.identity_root << 9) + first // 512] = pointers << PAGE_SHIFT | P | W | U
            for gib in range(first, min(first + 512, n_gib)):
                words[(pointers << 9) + gib % 512] = gib << 30 | P | W | U | PS


def enter_kernel(engine: Engine, half: KernelHalf) -> None:
    """Turn on paging: the CPU is at CPL 0, with nothing but the kernel half mapped."""
    engine.write_msr(_IA32_EFER, _EFER)
    engine.write_msr(_IA32_STAR, (_USER_SS - 8) << 48)  # sysretq: SS from it + 8, CS from it + 16
    engine.write(uc.UC_X86_REG_CR4, _CR4)
    engine.write(uc.UC_X86_REG_CR3, half.empty_root << PAGE_SHIFT)
    engine.write(uc.UC_X86_REG_CR0, _CR0)
    gdtr = b"\0" * 8 + _GDT_VA.to_bytes(8, "little") + (16 * 8 - 1).to_bytes(4, "little") + b"\0" * 4
    engine.write_wide(uc.UC_X86_REG_GDTR, gdtr)  # uc_x86_mmr: selector, base, limit, flags


def enter_ring_3(engine: Engine) -> None:
    """Leave the CPU at CPL 3 with Linux's selectors and an FPU as after execve, at address 0."""
    for register in uc.GPR_IDS:
        engine.write(register, 0)
    engine.write(uc.GPR_IDS[11], _RFLAGS)  # sysretq: RFLAGS from R11, RIP from RCX
    # Address 0 is not mapped: the fetch there ends the start. An instruction count would leave a stale fault behind.
    faults = engine.hook(uc.UC_HOOK_INTR, uc.INTR_CALLBACK, lambda _uc, _vector: engine.stop())
    nowhere, none = c_uint64(0xFFFF_FFFF_FFFF_FFFF), c_uint64(0)
    engine.check(engine.free.uc_emu_start(engine.handle, c_uint64(_STUB_VA), nowhere, none, none))
    engine.unhook(faults)
    if engine.read(uc.UC_X86_REG_CS) != _USER_CS:
        raise uc.MachineError("the CPU did not enter ring 3")
    engine.write(uc.UC_X86_REG_FPCW, 0x37F)
    engine.write(uc.UC_X86_REG_FPTAG, 0xFFFF)
    engine.write(uc.UC_X86_REG_MXCSR, 0x1F80)
