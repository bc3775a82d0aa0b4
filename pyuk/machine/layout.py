"""Where the CPU's state lives in the engine's memory, so that a register costs 0.03 us instead of 2.

Unicorn has no API for this. The offsets are known for the builds named in `_KNOWN`, by the
library's build id, and are checked at every start all the same: each is written through the public
API and must appear where it is expected. Memory is read through /proc/self/mem while in doubt, so
that a wrong guess is an answer and not a crash.
"""

from __future__ import annotations

import os
import struct

from pyuk.machine import engine as uc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine

_UC_STRUCT_BYTES = 4096  # scanned; the struct of 2.1.4 has about 2,100


class Layout:
    """Byte offsets: `cpu_pointer` and `no_exit_request` in struct uc_struct, `env` from the CPU, the rest from env."""

    __slots__ = (
        "cpu_pointer", "cr", "env", "error_code", "exception_is_int", "no_exit_request", "old_exception", "regs",
        "rip", "segs",
    )  # fmt: skip

    def __init__(
        self, *, cpu_pointer: int, no_exit_request: int, env: int, regs: int, rip: int, segs: int, cr: int,
        error_code: int, exception_is_int: int, old_exception: int,
    ) -> None:  # fmt: skip
        self.cpu_pointer = cpu_pointer
        self.no_exit_request = no_exit_request
        self.env = env
        self.regs = regs
        self.rip = rip
        self.segs = segs
        self.cr = cr
        self.error_code = error_code
        self.exception_is_int = exception_is_int
        self.old_exception = old_exception


SEGMENT_BYTES, SEGMENT_BASE = 24, 8  # SegmentCache: selector, base, limit, flags
FS, GS = 4, 5  # indices of segs

_LAYOUT_2_1_4_X86_64 = Layout(
    cpu_pointer=440, no_exit_request=2034, env=35408, regs=0, rip=128, segs=184, cr=424,
    error_code=5384, exception_is_int=5388, old_exception=5496,
)  # fmt: skip
_KNOWN = ((2, 1, 4, "x86_64", _LAYOUT_2_1_4_X86_64),)


def find(engine: Engine) -> tuple[Layout, int] | None:
    """The layout of this build and the host address of env; None where it cannot be told for sure."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    for *version, built_for, layout in _KNOWN:
        if tuple(version) == engine.version() and built_for == machine:
            try:
                memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return None
            try:
                env = _verify(engine, layout, memory)
            finally:
                os.close(memory)
            if env:
                return layout, env
    return None


def _verify(engine: Engine, layout: Layout, memory: int) -> int:
    """Write through the API, look at the expected places. Gives env's address, 0 where anything differs."""
    marks = [0x5EED_0000_1000_0000 | i << 12 | 0xABC for i in range(16)]
    for register, mark in zip(uc.GPR_IDS, marks, strict=True):
        engine.write(register, mark)
    singles = (
        (uc.UC_X86_REG_RIP, layout.rip),
        (uc.UC_X86_REG_FS_BASE, layout.segs + FS * SEGMENT_BYTES + SEGMENT_BASE),
        (uc.UC_X86_REG_GS_BASE, layout.segs + GS * SEGMENT_BYTES + SEGMENT_BASE),
        (uc.UC_X86_REG_CR2, layout.cr + 16),
    )
    for register, offset in singles:
        engine.write(register, 0x7EED_0000 | offset)
    try:
        word = os.pread(memory, 8, (engine.handle.value or 0) + layout.cpu_pointer)
        env = int.from_bytes(word, "little") + layout.env
        state = os.pread(memory, layout.old_exception + 4, env)
        flag = os.pread(memory, 1, (engine.handle.value or 0) + layout.no_exit_request)
    except (OSError, OverflowError):
        return 0
    if state[layout.regs : layout.regs + 128] != struct.pack("<16Q", *marks) or flag != b"\0":
        return 0
    for _register, offset in singles:
        if int.from_bytes(state[offset : offset + 8], "little") != 0x7EED_0000 | offset:
            return 0
    if state[layout.old_exception : layout.old_exception + 4] != b"\xff\xff\xff\xff":
        return 0
    return env
