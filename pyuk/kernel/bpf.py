"""Classic BPF as seccomp(2) takes it: what is a program, and what it gives.

Source: Linux 6.1 net/core/filter.c (bpf_check_classic, check_load_and_stores, bpf_convert_filter), kernel/seccomp.c
(seccomp_check_filter).
"""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.seccomp import DATA_BYTES

MAX_INSNS = 4096
INSN = struct.Struct("<HBBI")  # struct sock_filter: code, jt, jf, k

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_N_CELLS = 16
_MASK = 0xFFFFFFFF

# linux/bpf_common.h, linux/filter.h
_LD, _LDX, _ST, _STX, _ALU, _JMP, _RET, _MISC = range(8)
_K, _X = 0x00, 0x08
_A = 0x10
_IMM, _ABS, _MEM, _LEN = 0x00, 0x20, 0x60, 0x80
_ADD, _SUB, _MUL, _DIV, _OR, _AND, _LSH, _RSH, _NEG, _XOR = 0x00, 0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80, 0xA0
_JA, _JEQ, _JGT, _JGE, _JSET = 0x00, 0x10, 0x20, 0x30, 0x40
_TAX, _TXA = 0x00, 0x80

_LD_ABS, _LD_LEN, _LDX_LEN = _LD | _ABS, _LD | _LEN, _LDX | _LEN
_CONDITIONS = frozenset(_JMP | test | source for test in (_JEQ, _JGT, _JGE, _JSET) for source in (_K, _X))
_ALLOWED = _CONDITIONS | {
    _LD_ABS, _LD_LEN, _LDX_LEN, _LD | _IMM, _LDX | _IMM, _LD | _MEM, _LDX | _MEM, _ST, _STX,
    _RET | _K, _RET | _A, _JMP | _JA, _MISC | _TAX, _MISC | _TXA, _ALU | _NEG,
    *(_ALU | op | source for op in (_ADD, _SUB, _MUL, _DIV, _OR, _AND, _LSH, _RSH, _XOR) for source in (_K, _X)),
}  # fmt: skip
"""What seccomp_check_filter lets through of what the network's filters know."""
_CELLS = (_LD | _MEM, _LDX | _MEM, _ST, _STX)
_SHIFT_BITS = 32
_NUMBER_AND_ARCH_BYTES = 8


class Program:
    """A checked program. `image` is its instructions as they were given."""

    __slots__ = ("_by_number", "_insns", "image", "n_converted")

    def __init__(self, image: bytes) -> None:
        """Errors: EINVAL what is no program, or none that may be a filter."""
        self.image = image
        self._insns: list[tuple[int, int, int, int]] = list(INSN.iter_unpack(image))
        self._by_number: dict[int, int] = {}
        _check(self._insns)
        self.n_converted = _PROLOGUE_INSNS + sum(_converted(*insn) for insn in self._insns)
        """How long Linux's own form of it would be, by which a thread's filters are limited."""

    def __len__(self) -> int:
        return len(self._insns)

    def run(self, data: bytes) -> int:
        """The 32 bits it returns for a struct seccomp_data.

        Where that depends on the call's number alone (the architecture is always the same) it is kept.
        """
        number = int.from_bytes(data[:4], "little")
        known = self._by_number.get(number)
        if known is not None:
            return known
        value, looked_further = self._run(memoryview(data).cast("I"))
        if not looked_further:
            self._by_number[number] = value
        return value

    def _run(self, words: memoryview[int]) -> tuple[int, bool]:
        insns = self._insns
        accumulator = index = 0
        cells = [0] * _N_CELLS
        looked_further = False
        pc = 0
        while True:
            code, jt, jf, k = insns[pc]
            pc += 1
            kind = code & 7
            operand = index if code & _X else k
            if code == _LD_ABS:
                looked_further |= k >= _NUMBER_AND_ARCH_BYTES
                accumulator = words[k >> 2]
            elif kind == _JMP:
                if code == _JMP | _JA:
                    pc += k
                else:
                    pc += jt if _JUMPS[code & 0xF0](accumulator, operand) else jf
            elif kind == _RET:
                return (accumulator if code == _RET | _A else k), looked_further
            elif kind == _ALU:
                if code & 0xF0 == _DIV and not operand:
                    return 0, looked_further
                accumulator = _ARITHMETIC[code & 0xF0](accumulator, operand) & _MASK
            elif kind == _LD:
                accumulator = cells[k] if code & _MEM == _MEM else DATA_BYTES if code == _LD_LEN else k
            elif kind == _LDX:
                index = cells[k] if code & _MEM == _MEM else DATA_BYTES if code == _LDX_LEN else k
            elif kind == _ST:
                cells[k] = accumulator
            elif kind == _STX:
                cells[k] = index
            elif code == _MISC | _TAX:
                index = accumulator
            else:
                accumulator = index


_JUMPS: dict[int, Callable[[int, int], object]] = {
    _JEQ: int.__eq__,
    _JGT: int.__gt__,
    _JGE: int.__ge__,
    _JSET: int.__and__,
}
_ARITHMETIC: dict[int, Callable[[int, int], int]] = {
    _ADD: int.__add__,
    _SUB: int.__sub__,
    _MUL: int.__mul__,
    _DIV: int.__floordiv__,
    _OR: int.__or__,
    _AND: int.__and__,
    _LSH: lambda a, b: a << (b & 31),
    _RSH: lambda a, b: a >> (b & 31),
    _NEG: lambda a, _b: -a,
    _XOR: int.__xor__,
}


_PROLOGUE_INSNS = 3


def _converted(code: int, jt: int, jf: int, k: int) -> int:
    """The instructions of eBPF that one becomes (bpf_convert_filter)."""
    if code == _RET | _K:
        return 2
    if code == _ALU | _DIV | _X:
        return 5  # with a test for 0
    if code not in _CONDITIONS:
        return 1
    is_single = jf == 0 or (jt == 0 and code & 0xF0 != _JSET)
    return (1 if is_single else 2) + (not code & _X and k >> 31)


def _check(insns: list[tuple[int, int, int, int]]) -> None:
    n = len(insns)
    if not 0 < n <= MAX_INSNS:
        raise SyscallError(EINVAL)
    for pc, (code, jt, jf, k) in enumerate(insns):
        if not _is_good(code, k) or (code in _CONDITIONS and pc + max(jt, jf) + 1 >= n):
            raise SyscallError(EINVAL, f"instruction {pc}")
        if code == _JMP | _JA and k >= n - pc - 1:
            raise SyscallError(EINVAL, f"instruction {pc}")
    if insns[-1][0] not in (_RET | _K, _RET | _A):
        raise SyscallError(EINVAL, "it does not end with a return")
    _check_cells(insns)


def _is_good(code: int, k: int) -> bool:
    """Whether an instruction is one, by itself."""
    if code not in _ALLOWED:
        return False
    if code == _ALU | _DIV | _K:
        return k != 0
    if code in (_ALU | _LSH | _K, _ALU | _RSH | _K):
        return k < _SHIFT_BITS
    if code in _CELLS:
        return k < _N_CELLS
    return code != _LD_ABS or (k < DATA_BYTES and not k & 3)


def _check_cells(insns: list[tuple[int, int, int, int]]) -> None:
    """No cell is read that was not written on every way to there."""
    all_cells = (1 << _N_CELLS) - 1
    masks = [all_cells] * (len(insns) + 1)
    valid = 0
    for pc, (code, jt, jf, k) in enumerate(insns):
        valid &= masks[pc]
        if code in (_ST, _STX):
            valid |= 1 << k
        elif code in _CELLS:
            if not valid >> k & 1:
                raise SyscallError(EINVAL, f"instruction {pc} reads what was not written")
        elif code == _JMP | _JA:
            masks[pc + 1 + k] &= valid
            valid = all_cells
        elif code in _CONDITIONS:
            masks[pc + 1 + jt] &= valid
            masks[pc + 1 + jf] &= valid
            valid = all_cells
