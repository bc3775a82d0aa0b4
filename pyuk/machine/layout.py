"""Where the CPU's state lives in the engine's memory, so that a register costs 0.03 us instead of 2.

Unicorn has no API for this. The offsets are known for the builds in `_KNOWN`, by the ELF build id of
the library; for another build they are searched for (probe.py, 20 ms). Either way they are checked
at every start: what is written through the public API must appear where it is expected. The engine's
memory is read through /proc/self/mem while in doubt, so that a wrong guess is an answer, not a crash.
"""

from __future__ import annotations

import os
import struct

from pyuk.machine import engine as uc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine

OWN_MEMORY = "/proc/self/mem"
"""Linux's file of this process's memory; where it cannot be had there is no live view."""

SEGMENT_BYTES, SEGMENT_BASE = 24, 8  # SegmentCache: selector, base, limit, flags
FS, GS = 4, 5  # indices of segs
_N_GPRS = 16


class Layout:
    """Byte offsets: of the CPU state from its first general register on, and of what leads there.

    `context` is where the state begins in a uc_context. For the live view: uc_struct has the pointer
    `cpu_pointer` to an object that has the state at `env`. 0 in `cpu_pointer` or `no_exit_request`: not found.
    `fpu` (from fpstt on), `mxcsr` and `xmm` are for livefpu.py, `tlb` (1: just before the state, as
    QEMU 5.0 has it) for tlbs.py; 0: not known.
    """

    __slots__ = (
        "context", "cpu_pointer", "cr2", "eflags", "env", "error_code", "exception_is_int", "fpu", "fs_base", "gs_base",
        "mxcsr", "no_exit_request", "old_exception", "rip", "tlb", "xmm",
    )  # fmt: skip

    def __init__(self, **offsets: int) -> None:
        for name in self.__slots__:
            setattr(self, name, offsets.get(name, 0))

    context: int
    cpu_pointer: int
    cr2: int
    eflags: int
    env: int
    error_code: int
    exception_is_int: int
    fpu: int
    fs_base: int
    gs_base: int
    mxcsr: int
    no_exit_request: int
    old_exception: int
    rip: int
    tlb: int
    xmm: int


_SEGS_2_1_4 = 184 + SEGMENT_BASE
_KNOWN = {
    # unicorn-2.1.4-py2.py3-none-manylinux_2_17_x86_64
    "44285d3e80527122e9e361928189385906ec813e": Layout(
        context=40, rip=128, fs_base=_SEGS_2_1_4 + FS * SEGMENT_BYTES, gs_base=_SEGS_2_1_4 + GS * SEGMENT_BYTES,
        eflags=136, cr2=440, error_code=5384, exception_is_int=5388, old_exception=5496,
        cpu_pointer=440, env=35408, no_exit_request=2034, fpu=604, mxcsr=816, xmm=824, tlb=1,
    ),
}  # fmt: skip
"""Offsets by build id (`readelf -n libunicorn.so.2`)."""


def find(engine: Engine, *, probe: bool = False) -> Layout:
    """The layout of this build; with `probe` it is searched for even if the build is known.

    Errors: MachineError where it cannot be told.
    """
    layout = None if probe else _KNOWN.get(build_id(engine.path))
    if layout is None:
        from pyuk.machine.probe import discover  # noqa: PLC0415  # other builds only

        layout = discover()
    if layout is None:
        raise uc.MachineError("the layout of the CPU state in this build of Unicorn cannot be found")
    return layout


def build_id(path: str) -> str:
    """The GNU build id of a shared library, "" where there is none near its start."""
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(4096)
    except OSError:
        return ""
    note = head.find(struct.pack("<III4s", 4, 20, 3, b"GNU"))  # name and descriptor size, NT_GNU_BUILD_ID
    return head[note + 16 : note + 36].hex() if note >= 0 else ""


def live_address(engine: Engine, layout: Layout) -> int:
    """The host address of the CPU state, if it is where the layout says and reads as it should; else 0."""
    if not layout.cpu_pointer:
        return 0
    try:
        memory = os.open(OWN_MEMORY, os.O_RDONLY)
    except OSError:
        return 0
    uc_struct = engine.handle.value or 0
    try:
        marks = write_marks(engine, 1)
        env = int.from_bytes(os.pread(memory, 8, uc_struct + layout.cpu_pointer), "little") + layout.env
        state = os.pread(memory, layout.old_exception + 4, env)
        no_exit_request = os.pread(memory, 1, uc_struct + layout.no_exit_request)
    except (OSError, OverflowError):
        return 0
    finally:
        os.close(memory)
    if layout.no_exit_request and no_exit_request != b"\0":
        return 0
    return env if reads_as(layout, state, marks) else 0


def write_marks(engine: Engine, salt: int) -> list[int]:
    """Give the general registers, RIP, the bases and CR2 values by the public API that nothing else has."""
    marks = [salt << 44 | 0x5EED << 28 | i << 12 | 0xABC for i in range(_N_GPRS + len(_SINGLES))]
    for register, mark in zip((*uc.GPR_IDS, *_SINGLES), marks, strict=True):
        engine.write(register, mark)
    engine.write(uc.UC_X86_REG_EFLAGS, _FLAGS_MARK)
    return marks


_SINGLES = (uc.UC_X86_REG_RIP, uc.UC_X86_REG_FS_BASE, uc.UC_X86_REG_GS_BASE, uc.UC_X86_REG_CR2)
_FLAGS_MARK = 0xA57  # OF IF ZF AF PF CF and the bit that is always set


def reads_as(layout: Layout, state: bytes, marks: list[int]) -> bool:
    """Whether `state`, which begins with the general registers, holds `write_marks`' values and no exception."""
    if state[: _N_GPRS * 8] != struct.pack(f"<{_N_GPRS}Q", *marks[:_N_GPRS]):
        return False
    offsets = (layout.rip, layout.fs_base, layout.gs_base, layout.cr2)
    found = [int.from_bytes(state[offset : offset + 8], "little") for offset in offsets]
    if int.from_bytes(state[layout.eflags : layout.eflags + 8], "little") != _FLAGS_MARK:
        return False
    return found == marks[_N_GPRS:] and state[layout.old_exception : layout.old_exception + 4] == b"\xff" * 4
