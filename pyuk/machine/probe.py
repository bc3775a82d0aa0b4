"""Search for the layout of a build of Unicorn that `layout.py` does not know.

All is done on an engine of its own. Inside a uc_context the offsets are found safely: values are
written through the public API, or known exceptions raised, and only the places that follow every
change remain. What the live view needs besides is looked for through /proc/self/mem; the one byte
that has to be poked, `no_exit_request`, is tried out.
"""

from __future__ import annotations

import ctypes
import os
import struct
from ctypes import c_int, c_size_t, c_uint64

from pyuk.machine import engine as uc
from pyuk.machine.engine import Engine
from pyuk.machine.layout import OWN_MEMORY, Layout, write_marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CODE, _MEMORY_BYTES = 0x1000, 0x10000
_UC_STRUCT_BYTES = 2560  # what is searched of it; 2.1.4's has some 15,000, most of them jump buffers
_OBJECT_BYTES = 1 << 17  # of what it points to; the state of 2.1.4 begins after 35,408
_USE_EXITS_TO_NO_EXIT_REQUEST = 606  # in struct uc_struct of 2.1: 64 exits and 94 bytes of words and flags
_GPRS = struct.Struct("<16Q")

_INT_21 = b"\xcd\x21"
_DIVIDE_BY_ZERO = b"\x31\xc9\xf7\xf1"  # xor ecx, ecx; div ecx
_INC_RAX = b"\x48\xff\xc0"
_HLT = b"\xf4"


def _load_ds(selector: int) -> bytes:
    """Mov eax, selector; mov ds, eax: #GP with the selector as its error code, as no descriptor is there."""
    return b"\xb8" + selector.to_bytes(4, "little") + b"\x8e\xd8"


def discover() -> Layout | None:
    """Everything a CopiedState needs, and as much of the rest as is certain; None where not even that is."""
    engine = Engine()
    try:
        engine.check(engine.held.uc_mem_map(engine.handle, c_uint64(0), c_size_t(_MEMORY_BYTES), uc.UC_PROT_ALL))
        offsets = _context_offsets(engine)
        if offsets is not None:
            offsets.update(_live_offsets(engine))
        return None if offsets is None else Layout(**offsets)
    finally:
        engine.close()


# In a context


def _context_offsets(engine: Engine) -> dict[str, int] | None:
    context = _Context(engine)
    try:
        marks = [write_marks(engine, salt) for salt in (3, 4)]
        images = []
        for values in marks:
            for register, value in zip(uc.GPR_IDS, values, strict=False):
                engine.write(register, value)
            images.append(context.image())
        begin = _only(_places(images[0], _GPRS.pack(*marks[0][:16]), 8))
        if begin != _only(_places(images[1], _GPRS.pack(*marks[1][:16]), 8)) or not begin:
            return None
        found: dict[str, int | None] = {
            name: _follower(engine, context, register)
            for name, register in (
                ("rip", uc.UC_X86_REG_RIP), ("fs_base", uc.UC_X86_REG_FS_BASE), ("gs_base", uc.UC_X86_REG_GS_BASE),
                ("cr2", uc.UC_X86_REG_CR2), ("cr3", uc.UC_X86_REG_CR3),
            )
        }  # fmt: skip
        found["eflags"] = _follower(engine, context, uc.UC_X86_REG_EFLAGS, (0x246, 0xA93, 0x292, 0x202))
        found |= _exception_offsets(engine, context)
        certain = {name: place - begin for name, place in found.items() if place is not None}
    finally:
        context.close()
    if len(certain) != len(found) or certain.pop("cr3") != certain["cr2"] + 8:
        return None
    return {"context": begin, **certain}


_VALUES = (0x7EED_1000, 0x3ABC_D000, 0x1234_5000)


def _follower(engine: Engine, context: _Context, register: int, values: tuple[int, ...] = _VALUES) -> int | None:
    """The one place in a context that takes every value written to a register."""
    places: set[int] | None = None
    for value in values:
        engine.write(register, value)
        here = _places(context.image(), value.to_bytes(8, "little"), 8)
        places = here if places is None else places & here
    engine.write(register, 0)
    return _only(places or set())


def _exception_offsets(engine: Engine, context: _Context) -> dict[str, int | None]:
    """Raise exceptions from one clean state each, and keep the words that tell them apart as they should."""
    engine.write(uc.UC_X86_REG_RIP, _CODE)
    context.save()
    hook = engine.hook(uc.UC_HOOK_INTR, uc.INTR_CALLBACK, lambda _uc, _vector: engine.stop())
    words: dict[str, set[int] | None] = {"error_code": None, "exception_is_int": None, "old_exception": None}
    # code, error_code, exception_is_int, old_exception (only the contributory ones are remembered)
    for code, *expected in (
        (_load_ds(0x5A58), 0x5A58, 0, 13),
        (_load_ds(0x1238), 0x1238, 0, 13),
        (_INT_21, 0, 1, -1),
        (_DIVIDE_BY_ZERO, 0, 0, 0),
    ):
        context.restore()
        _run(engine, code)
        image = context.image()
        for name, value in zip(words, expected, strict=True):
            here = _places(image, value.to_bytes(4, "little", signed=True), 4)
            before = words[name]
            words[name] = here if before is None else before & here
    context.restore()
    engine.unhook(hook)
    return {name: _only(places or set()) for name, places in words.items()}


class _Context:
    """A uc_context: one to keep a state in, another to look at."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._n_bytes = engine.context_bytes()
        self._kept, self._seen = engine.new_context(), engine.new_context()

    def image(self) -> bytes:
        self._engine.save_context(self._seen)
        return ctypes.string_at(self._seen.value or 0, self._n_bytes)

    def save(self) -> None:
        self._engine.save_context(self._kept)

    def restore(self) -> None:
        self._engine.restore_context(self._kept)

    def close(self) -> None:
        self._engine.free_context(self._kept)
        self._engine.free_context(self._seen)


def _places(image: bytes, value: bytes, alignment: int) -> set[int]:
    places = set()
    at = image.find(value)
    while at >= 0:
        if at % alignment == 0:
            places.add(at)
        at = image.find(value, at + 1)
    return places


def _only(places: set[int]) -> int | None:
    return places.pop() if len(places) == 1 else None


def _run(engine: Engine, code: bytes) -> None:
    engine.check(engine.held.uc_mem_write(engine.handle, c_uint64(_CODE), code, c_size_t(len(code))))
    engine.ctl(uc.UC_CTL_TB_FLUSH)  # what was run there before
    end = c_uint64(_CODE + len(code))
    engine.held.uc_emu_start(engine.handle, c_uint64(_CODE), end, c_uint64(0), c_size_t(0))


# In the engine's memory


def _live_offsets(engine: Engine) -> dict[str, int]:
    """`cpu_pointer`, `env` and `no_exit_request`, as far as they are certain."""
    try:
        memory = os.open(OWN_MEMORY, os.O_RDONLY)
    except OSError:
        return {}
    try:
        ways = set(_ways(engine, memory, range(0, _UC_STRUCT_BYTES, 8), salt=5))
        ways &= set(_ways(engine, memory, [pointer for _, pointer in ways], salt=6))
        if not ways:
            return {}
        env, cpu_pointer = min(ways)  # the nearest: no other object lies between
        return {"cpu_pointer": cpu_pointer, "env": env, "no_exit_request": _no_exit_request(engine, memory)}
    finally:
        os.close(memory)


def _ways(engine: Engine, memory: int, offsets: Iterable[int], *, salt: int) -> Iterator[tuple[int, int]]:
    """How far before the state an object begins that uc_struct points to, and the offset of the pointer."""
    state = _GPRS.pack(*write_marks(engine, salt)[:16])
    words = _read(memory, engine.handle.value or 0, _UC_STRUCT_BYTES)
    for offset in offsets:
        pointer = int.from_bytes(words[offset : offset + 8], "little")
        if pointer < 1 << 16 or pointer % 8 or pointer >> 47:
            continue
        env = _read(memory, pointer, _OBJECT_BYTES).find(state)
        if env >= 0:
            yield env, offset


def _read(memory: int, address: int, n_bytes: int) -> bytes:
    try:
        return os.pread(memory, n_bytes, address)
    except (OSError, OverflowError):
        return b""


def _no_exit_request(engine: Engine, memory: int) -> int:
    """The offset of the byte in uc_struct that keeps blocks whole; 0 if setting it has not that effect."""
    uc_struct = engine.handle.value or 0
    off = _read(memory, uc_struct, _UC_STRUCT_BYTES)
    engine.ctl(uc.UC_CTL_USE_EXITS, c_int(1))
    on = _read(memory, uc_struct, _UC_STRUCT_BYTES)
    engine.ctl(uc.UC_CTL_USE_EXITS, c_int(0))
    changed = [at for at in range(min(len(off), len(on))) if off[at] != on[at]]
    if len(changed) != 1 or (off[changed[0]], on[changed[0]]) != (0, 1):
        return 0
    offset = changed[0] + _USE_EXITS_TO_NO_EXIT_REQUEST
    if offset >= len(off) or off[offset] != 0:
        return 0
    byte = ctypes.c_uint8.from_address(uc_struct + offset)
    without = _n_done_after_stop(engine)
    byte.value = 1
    try:
        n_done = _n_done_after_stop(engine)
    finally:
        byte.value = 0
    return offset if without < n_done == _N_INCREMENTS else 0


_N_INCREMENTS = 8


def _n_done_after_stop(engine: Engine) -> int:
    """How many instructions of a block are done when each asks for a stop."""
    hook = engine.hook(uc.UC_HOOK_CODE, uc.PLAIN_CALLBACK, engine.stop)
    engine.write(uc.GPR_IDS[0], 0)
    _run(engine, _INC_RAX * _N_INCREMENTS + _HLT)
    engine.unhook(hook)
    return engine.read(uc.GPR_IDS[0])
