"""The FXSAVE image of the x87 and SSE state, by the engine's public API (Intel SDM vol. 1, table 10-2)."""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine

_UC_X86_REG_FPSW, _UC_X86_REG_FPCW, _UC_X86_REG_FPTAG, _UC_X86_REG_MXCSR = 31, 246, 247, 249
_UC_X86_REG_FP0, _UC_X86_REG_FIP, _UC_X86_REG_FDP = 82, 254, 256
_UC_X86_REG_XMM0 = 122
MXCSR_MASK = 0xFFFF
_EMPTY = 3  # a tag
HEADER = struct.Struct("<HHBxHQQII")  # FCW FSW FTW FOP FIP FDP MXCSR MXCSR_MASK
_INITIAL = HEADER.pack(0x37F, 0, 0, 0, 0, 0, 0x1F80, MXCSR_MASK).ljust(512, b"\0")


def initial_fxsave() -> bytes:
    """As after execve: x87 and SSE control words at their defaults, everything else zero."""
    return _INITIAL


def read_fxsave(engine: Engine) -> bytes:
    """The 512 bytes that `fxsave64` would write now."""
    control, status = engine.read(_UC_X86_REG_FPCW) & 0xFFFF, engine.read(_UC_X86_REG_FPSW) & 0xFFFF
    tags = engine.read(_UC_X86_REG_FPTAG) & 0xFFFF
    abridged = sum(1 << i for i in range(8) if tags >> 2 * i & 3 != _EMPTY)
    top = status >> 11 & 7
    header = HEADER.pack(
        control, status, abridged, 0, engine.read(_UC_X86_REG_FIP), engine.read(_UC_X86_REG_FDP),
        engine.read(_UC_X86_REG_MXCSR) & 0xFFFF, MXCSR_MASK,
    )  # fmt: skip
    stack = b"".join(engine.read_wide(_UC_X86_REG_FP0 + (top + i) % 8, 16)[:10] + bytes(6) for i in range(8))
    xmm = b"".join(engine.read_wide(_UC_X86_REG_XMM0 + i, 16) for i in range(16))
    return (header + stack + xmm).ljust(512, b"\0")


def write_fxsave(engine: Engine, image: bytes) -> None:
    """Load what `fxrstor64` would; reserved MXCSR bits are dropped as Linux drops them from a signal frame."""
    control, status, abridged, _fop, fip, fdp, mxcsr, _mask = HEADER.unpack_from(image)
    top = status >> 11 & 7
    engine.write(_UC_X86_REG_FPCW, control)
    engine.write(_UC_X86_REG_FPSW, status)
    engine.write(_UC_X86_REG_FIP, fip)
    engine.write(_UC_X86_REG_FDP, fdp)
    engine.write(_UC_X86_REG_MXCSR, mxcsr & MXCSR_MASK)
    for i in range(8):
        engine.write_wide(_UC_X86_REG_FP0 + (top + i) % 8, image[32 + 16 * i : 42 + 16 * i] + bytes(6))
    engine.write(_UC_X86_REG_FPTAG, sum(_EMPTY << 2 * i for i in range(8) if not abridged >> i & 1))
    for i in range(16):
        engine.write_wide(_UC_X86_REG_XMM0 + i, image[160 + 16 * i : 176 + 16 * i])
