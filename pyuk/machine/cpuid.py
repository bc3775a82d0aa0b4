"""What CPUID says on the emulated CPU. It is asked of an engine of its own: the one that runs guests is left alone."""

from __future__ import annotations

import mmap

from pyuk.machine import engine as uc
from pyuk.machine.clib import addressof, c_char, c_int, c_uint64, c_void_p
from pyuk.machine.engine import Engine

_PAGE_BYTES = 4096
_CODE = b"\x0f\xa2\xf4"  # cpuid; hlt
_RAX, _RCX, _RDX, _RBX = uc.GPR_IDS[:4]

Leaf = tuple[int, int, int, int]
"""EAX, EBX, ECX, EDX."""


def read_leaves(wanted: list[tuple[int, int]]) -> dict[tuple[int, int], Leaf]:
    """The answers to (EAX, ECX). 10 ms."""
    page = mmap.mmap(-1, _PAGE_BYTES)
    page[: len(_CODE)] = _CODE
    held = c_char.from_buffer(page)
    engine = Engine()
    found: dict[tuple[int, int], Leaf] = {}
    try:
        engine.ctl(uc.UC_CTL_CPU_MODEL, c_int(uc.UC_CPU_X86_WESTMERE))
        memory = (c_uint64(0), c_uint64(_PAGE_BYTES), uc.UC_PROT_ALL, c_void_p(addressof(held)))
        engine.check(engine.held.uc_mem_map_ptr(engine.handle, *memory))
        for leaf, sub in wanted:
            engine.write(_RAX, leaf)
            engine.write(_RCX, sub)
            end, none = c_uint64(2), c_uint64(0)
            engine.check(engine.held.uc_emu_start(engine.handle, none, end, none, none))
            values = [engine.read(register) & 0xFFFF_FFFF for register in (_RAX, _RBX, _RCX, _RDX)]
            found[leaf, sub] = (values[0], values[1], values[2], values[3])
    finally:
        engine.close()
        del held
        page.close()
    return found
