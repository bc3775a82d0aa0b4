"""The FXSAVE image in the engine's own memory: 2 us instead of 30, for the frames of signal handlers.

Where the fields are is known for the builds of layout.py that have `fpu` and `xmm`, and compared with what the
public API says before it is used.
"""

from __future__ import annotations

import struct

from pyuk.machine import engine as uc
from pyuk.machine import fpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine
    from pyuk.machine.layout import Layout
    from pyuk.machine.state import LiveState

# CPUX86State from fpstt on: fpstt fpus fpuc fptags[8] fpregs[8] ... fpip fpdp, with 16 bytes for each of fpregs
_HEAD = struct.Struct("<IHHQ")
_STACK_AT, _POINTERS_AT = 20, 156
_POINTERS = struct.Struct("<QQ")
_STACK = struct.Struct("<" + "10s6x" * 8)
_XMM = struct.Struct("<" + "16s48x" * 15 + "16s")  # ZMMReg
_XMM_IMAGE = struct.Struct("<" + "16s" * 16)
_EMPTY_TAGS = 0x0101010101010101


class LiveFpu:
    """Views of x87 and SSE in a live state."""

    def __init__(self, engine: Engine, whole: memoryview, layout: Layout) -> None:
        self._engine = engine
        self._fpu, self._xmm = layout.fpu, layout.xmm
        self._whole = whole
        self._mxcsr: memoryview[int] = whole[layout.mxcsr : layout.mxcsr + 4].cast("I")
        self._begin, self._end = layout.fpu, layout.xmm + _XMM.size
        fpu.write_fxsave(engine, fpu.initial_fxsave())
        self._initial = bytes(whole[self._begin : self._end])
        self._bytes, self._image = self._initial, fpu.initial_fxsave()
        """A state as the engine has it and as an image. A handler's frame is often the same as the last one's."""

    def reset(self) -> None:
        """`initial_fxsave`."""
        self._whole[self._begin : self._end] = self._initial

    def read(self) -> bytes:
        """The 512 bytes that `fxsave64` would write now."""
        whole, at = self._whole, self._fpu
        found = bytes(whole[self._begin : self._end])
        if found == self._bytes:
            return self._image
        top, status, control, tags = _HEAD.unpack_from(whole, at)
        abridged = 0 if tags == _EMPTY_TAGS else _abridged(tags)
        fip, fdp = _POINTERS.unpack_from(whole, at + _POINTERS_AT)
        top &= 7
        status = status & ~0x3800 | top << 11
        header = fpu.HEADER.pack(
            control, status, abridged, 0, fip, fdp, self._mxcsr[0] & fpu.MXCSR_MASK, fpu.MXCSR_MASK
        )
        stack = _STACK.unpack_from(whole, at + _STACK_AT)
        if top:
            stack = stack[top:] + stack[:top]
        self._image = b"".join((header, _STACK.pack(*stack), *_XMM.unpack_from(whole, self._xmm), bytes(96)))
        self._bytes = found
        return self._image

    def write(self, image: bytes) -> None:
        """Load what `fxrstor64` would, as fpu.write_fxsave."""
        whole, at = self._whole, self._fpu
        if image == self._image:
            whole[self._begin : self._end] = self._bytes
            return
        control, status, abridged, _fop, fip, fdp, mxcsr, _mask = fpu.HEADER.unpack_from(image)
        old_control = _HEAD.unpack_from(whole, at)[2]
        top = status >> 11 & 7
        tags = _EMPTY_TAGS if not abridged else _expanded(abridged)
        _HEAD.pack_into(whole, at, top, status & ~0x3800, old_control, tags)
        _POINTERS.pack_into(whole, at + _POINTERS_AT, fip, fdp)
        stack = _STACK.unpack_from(image, 32)
        if top:
            stack = stack[8 - top :] + stack[: 8 - top]
        _STACK.pack_into(whole, at + _STACK_AT, *stack)
        _XMM.pack_into(whole, self._xmm, *_XMM_IMAGE.unpack_from(image, 160))
        if control != old_control:  # rounding is worked out from it, by the engine
            self._engine.write(uc.UC_X86_REG_FPCW, control)
        if mxcsr & fpu.MXCSR_MASK != self._mxcsr[0]:
            self._engine.write(uc.UC_X86_REG_MXCSR, mxcsr & fpu.MXCSR_MASK)


def open_live_fpu(engine: Engine, state: LiveState, layout: Layout) -> LiveFpu | None:
    """The views, if they agree with the public API both ways; else None. The CPU is as before."""
    if not layout.fpu or not state.live:
        return None
    kept = state.save()
    try:
        view = LiveFpu(engine, state.whole, layout)
        if view.read() != fpu.initial_fxsave():
            return None
        for image, other in ((_distinct_image(3), _distinct_image(6)), (_distinct_image(5), _distinct_image(0))):
            fpu.write_fxsave(engine, image)
            if view.read() != image:
                return None
            view.write(other)
            if fpu.read_fxsave(engine) != other:
                return None
        view.reset()
        return view if fpu.read_fxsave(engine) == fpu.initial_fxsave() else None
    finally:
        state.restore(kept)


def _distinct_image(top: int) -> bytes:
    """An image in which every byte that can be read back has a value of its own place."""
    image = bytearray(fpu.initial_fxsave())
    fpu.HEADER.pack_into(image, 0, 0x37F - top, top << 11 | 0x4100, 0x5A ^ top, 0, 0x1234567 * top, 0x89ABCD * top,
                         0x1F80 | top << 13, fpu.MXCSR_MASK)  # fmt: skip
    for i in range(8):
        image[32 + 16 * i : 42 + 16 * i] = bytes(range(i * 10 + top, i * 10 + top + 10))
    image[160:416] = bytes((i * 7 + top) & 0xFF for i in range(256))
    return bytes(image)


def _abridged(tags: int) -> int:
    return sum(1 << i for i in range(8) if not tags >> 8 * i & 1)


def _expanded(abridged: int) -> int:
    return sum(1 << 8 * i for i in range(8) if not abridged >> i & 1)
