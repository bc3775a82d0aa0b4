"""How long an x86-64 instruction is, and two questions about it that the engine does not answer.

The opcode maps are those of the Intel SDM vol. 2, appendix A, in 64-bit mode. A length is found, not
a meaning: group extensions, operands and feature bits that make a defined opcode undefined are not
looked at, because the length does not depend on them. EVEX, XOP and REX2 are unknown here, as they
are to the engine.

The bytes are cut into instructions as the engine cuts them. One choice is visible: a near branch
with a 66 prefix and no REX.W has a 16-bit offset, as in QEMU and on AMD; Intel (and capstone) ignore
the prefix. What linkers write, `66 66 48 E8` for thread-local storage, is the same on all. Memory forms
of register-only SSE instructions (MOVMSKPS, shifts by an immediate) are an exception: undefined on any
CPU, they run in the engine as if nothing followed ModRM.
"""

from __future__ import annotations

_INSN_BYTES_MAX = 15
_DATA16, _ADDRESS32, _REPNE, _FS, _GS = 0x66, 0x67, 0xF2, 0x64, 0x65
_REX_W, _REX_B = range(0x48, 0x50), range(0x41, 0x50, 2)  # they count only right before the opcode
_VEX_3, _VEX_2 = 0xC4, 0xC5  # by the bytes of prefix

# What follows an opcode: immediate bytes in the low nibble, and
_MODRM = 0x10  # ModRM, with the SIB and displacement it asks for
_SIZED = 0x20  # the immediate's 4 bytes are 2 if the operand size is 16 bits
_TEST = 0x40  # the immediate belongs to TEST only, /0 and /1 of group 3
# or one of these, which the opcode alone does not settle.
_SPECIAL = 0x80
_PREFIX, _ESCAPE, _ESCAPE_38, _ESCAPE_3A, _VEX, _OFFSET, _FULL_SIZE, _SSE4A, _NONE = range(_SPECIAL, _SPECIAL + 9)
_ESCAPES_3 = (_ESCAPE_38, _ESCAPE_3A)


def _map(*rows: tuple[int, str]) -> bytes:
    """An opcode map from rows of `what follows` and the opcodes, in hexadecimal, that it follows."""
    shapes = bytearray((_NONE,)) * 256
    for shape, opcodes in rows:
        for span in opcodes.split():
            first = int(span[:2], 16)
            last = int(span[-2:], 16)
            shapes[first : last + 1] = bytes((shape,)) * (last - first + 1)
    return bytes(shapes)


# Table A-2, one-byte opcodes
_ONE = _map(
    (_PREFIX, "26 2E 36 3E 40-4F 64-67 F0 F2-F3"),
    (_ESCAPE, "0F"),
    (_VEX, "C4-C5"),
    (_OFFSET, "A0-A3"),
    (_FULL_SIZE, "B8-BF"),
    (0, "50-5F 6C-6F 90-99 9B-9F A4-A7 AA-AF C3 C9 CB-CC CF D7 EC-EF F1 F4-F5 F8-FD"),
    (1, "04 0C 14 1C 24 2C 34 3C 6A 70-7F A8 B0-B7 CD E0-E7 EB"),
    (2, "C2 CA"),
    (3, "C8"),
    (4 | _SIZED, "05 0D 15 1D 25 2D 35 3D 68 A9 E8-E9"),
    (_MODRM, "00-03 08-0B 10-13 18-1B 20-23 28-2B 30-33 38-3B 63 84-8F D0-D3 D8-DF FE-FF"),
    (_MODRM | 1, "6B 80 83 C0-C1 C6"),
    (_MODRM | 4 | _SIZED, "69 81 C7"),
    (_MODRM | 1 | _TEST, "F6"),
    (_MODRM | 4 | _SIZED | _TEST, "F7"),
)

# Table A-3, opcodes after 0F. MOV to and from control and debug registers (20-23) ignores `mod`: its ModRM is
# never followed by anything, which makes it an immediate here. 3DNow! (0F) has its opcode where an immediate is.
_TWO = _map(
    (_ESCAPE_38, "38"),
    (_ESCAPE_3A, "3A"),
    (_SSE4A, "78"),
    (0, "05-09 0B 0E 30-35 37 77 A0-A2 A8-AA C8-CF"),
    (1, "20-23"),
    (4 | _SIZED, "80-8F"),
    (_MODRM, "00-03 0D 10-1F 28-2F 40-6F 74-76 79 7C-7F 90-9F A3 A5 AB AD-B9 BB-C1 C3 C7 D0-FF"),
    (_MODRM | 1, "0F 70-73 A4 AC BA C2 C4-C6"),
)
_VEX_MAPS = {2: _MODRM, 3: _MODRM | 1}  # 0F38 and 0F3A; map 1 is _TWO
_VZEROUPPER = 0x77  # the only VEX-coded instruction without ModRM

# Table 2-2: bytes of ModRM, SIB and displacement, by ModRM. 0: the SIB must be asked (mod 0, rm 4), as its base may
# be a displacement instead.
_OPERAND = (
    bytes((1, 1, 1, 1, 0, 5, 1, 1)) * 8
    + bytes((2, 2, 2, 2, 3, 2, 2, 2)) * 8
    + bytes((5, 5, 5, 5, 6, 5, 5, 5)) * 8
    + bytes((1,)) * 64
)
_REGISTER = 3  # the `mod` of an operand that is not in memory
_SP, _BP = 4, 5  # base registers; as `rm` 4 means a SIB follows, and 5 with mod 0 no base

# Opcodes that push or pop, without those that can have a memory operand as well
_STACK_ONE = frozenset((*range(0x50, 0x60), 0x68, 0x6A, 0x9C, 0x9D, 0xC2, 0xC3, 0xC8, 0xC9, 0xCA, 0xCB, 0xCF, 0xE8))
_STACK_TWO = frozenset((0xA0, 0xA1, 0xA8, 0xA9))  # FS and GS
_POP, _GROUP_5 = 0x8F, 0xFF
_STACK_GROUP_5 = (2, 6)  # CALL and PUSH


def length(code: memoryview | bytes, offset: int) -> int:
    """The bytes of the instruction at `offset`; 0 if its opcode is undefined or `code` ends within it."""
    at = offset
    try:
        while (shape := _ONE[code[at]]) == _PREFIX:
            at += 1
        opcode = at
        at += 1
        if shape == _ESCAPE:
            shape = _TWO[code[at]]
            at += 1
        if shape >= _SPECIAL:
            if shape in _ESCAPES_3:
                at += 1
                shape = _MODRM | (shape == _ESCAPE_3A)
            elif shape == _VEX:
                at += 2 if code[opcode] == _VEX_2 else 3
                shape = _vex_shape(code, opcode)
            else:
                shape = _prefixed_shape(code, offset, opcode, shape)
            if shape == _NONE:
                return 0
        if shape & _MODRM:
            modrm = code[at]
            at += _OPERAND[modrm] or (6 if code[at + 1] & 7 == _BP else 2)
            if shape & _TEST and modrm & 0x30:
                shape = 0
        if shape & _SIZED and opcode > offset and _is_16_bit(code, offset, opcode):
            at -= 2
    except IndexError:
        return 0
    at += shape & 0xF
    n_bytes = at - offset
    return n_bytes if n_bytes <= _INSN_BYTES_MAX and at <= len(code) else 0


def _opcode_at(code: memoryview | bytes, start: int) -> int:
    while _ONE[code[start]] == _PREFIX:
        start += 1
    return start


def _is_wide(code: memoryview | bytes, start: int, opcode: int) -> bool:
    return opcode > start and code[opcode - 1] in _REX_W


def _is_16_bit(code: memoryview | bytes, start: int, opcode: int) -> bool:
    return _DATA16 in code[start:opcode] and not _is_wide(code, start, opcode)


def _prefixed_shape(code: memoryview | bytes, start: int, opcode: int, shape: int) -> int:
    """What follows an opcode for which prefixes decide it."""
    prefixes = code[start:opcode]
    if shape == _OFFSET:
        return 4 if _ADDRESS32 in prefixes else 8
    if shape == _FULL_SIZE:
        return 8 if _is_wide(code, start, opcode) else 4 | _SIZED
    if shape == _SSE4A:  # EXTRQ and INSERTQ have two immediates, VMREAD has none
        return _MODRM | 2 if _DATA16 in prefixes or _REPNE in prefixes else _MODRM
    return _NONE


def _vex_shape(code: memoryview | bytes, opcode: int) -> int:
    """What follows the last opcode byte of a VEX-coded instruction."""
    if code[opcode] == _VEX_2:
        number, last = 1, code[opcode + 2]
    else:
        number, last = code[opcode + 1] & 0x1F, code[opcode + 3]
    if number == 1:
        shape = _TWO[last]
        return shape if shape & _MODRM or last == _VZEROUPPER else _NONE
    return _VEX_MAPS.get(number, _NONE)


def find_vex(code: bytes, size: int) -> int:
    """The offset of the first VEX-coded instruction in the run of instructions code[:size], or -1.

    The prefixes before C4 or C5 belong to the instruction, also those that make it undefined.
    """
    hit = _next_vex_byte(code, 0, size)
    at = 0
    while hit >= 0:
        n_bytes = length(code, at)
        if n_bytes == 0 or at + n_bytes > hit:
            if _opcode_at(code, at) == hit:  # the first C4 or C5 at or after `at`: no prefix is one
                return at
            if n_bytes == 0:
                return -1
            hit = _next_vex_byte(code, at + n_bytes, size)
        at += n_bytes
    return -1


def _next_vex_byte(code: bytes, start: int, end: int) -> int:
    c4 = code.find(b"\xc4", start, end)
    c5 = code.find(b"\xc5", start, end)
    return min(c4, c5) if c4 >= 0 and c5 >= 0 else max(c4, c5)


def is_stack_reference(code: memoryview | bytes, offset: int) -> bool:
    """Whether a non-canonical operand address of the instruction at `offset` raises #SS and not #GP.

    That is so for RSP and RBP as base without an FS or GS override, and for what is pushed and popped.
    CALL, PUSH and POP of a memory operand use two addresses; the answer is for the operand's, which
    comes from data and goes astray before RSP does. LEA addresses no memory and cannot fault. That the
    address is what raised #GP is the caller's to know: a selector or a misaligned CMPXCHG16B does too.
    Source: Intel SDM vol. 1, 3.7.4 and 3.7.5; vol. 3A, 6.15, interrupt 12.
    """
    if length(code, offset) == 0:
        return False
    opcode = _opcode_at(code, offset)
    extended = opcode > offset and code[opcode - 1] in _REX_B  # the base is R12 or R13
    first, at = code[opcode], opcode + 1
    shape = _ONE[first]
    if shape == _ESCAPE:
        second = code[at]
        if second in _STACK_TWO:
            return True
        shape = _TWO[second]
        at += 1
        if shape in _ESCAPES_3:
            shape = _MODRM
            at += 1
    elif shape == _VEX:
        shape = _vex_shape(code, opcode)
        extended = first == _VEX_3 and not code[at] & 0x20
        at += 2 if first == _VEX_2 else 3
    elif first in _STACK_ONE:
        return True
    if not shape & _MODRM:
        return False
    modrm = code[at]
    mod, base = modrm >> 6, modrm & 7
    if mod == _REGISTER:
        return first == _POP or (first == _GROUP_5 and modrm >> 3 & 7 in _STACK_GROUP_5)
    prefixes = code[offset:opcode]
    if extended or _FS in prefixes or _GS in prefixes:
        return False
    if base == _SP:
        base = code[at + 1] & 7
    return base == _SP or (base == _BP and mod != 0)


def is_string_io(code: memoryview | bytes) -> bool:
    """Whether the instruction at the start of `code` is INS or OUTS, prefixed or not."""
    try:
        return code[_opcode_at(code, 0)] in (0x6C, 0x6D, 0x6E, 0x6F)
    except IndexError:
        return False
