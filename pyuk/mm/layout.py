"""Where things go in a 47-bit address space without randomisation (personality ADDR_NO_RANDOMIZE).

Source: Linux 6.1 arch/x86/mm/mmap.c (mmap_base), arch/x86/kernel/sys_x86_64.c (arch_get_unmapped_area_topdown),
mm/mmap.c (get_unmapped_area, round_hint_to_min).
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, ENOMEM, EPERM, SyscallError
from pyuk.abi.mman import MAP_32BIT, MAP_FIXED
from pyuk.abi.resource import RLIM64_INFINITY
from pyuk.machine.paging import PAGE_BYTES, PAGE_MASK, TASK_SIZE
from pyuk.mm.vma import STACK_GUARD_GAP_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.vma import VmaSet

STACK_TOP = TASK_SIZE
ELF_ET_DYN_BASE = 0x5555_5555_4000
"""Where a PIE goes: two thirds of TASK_SIZE, rounded as the kernel's ELF loader does."""
MMAP_MIN_ADDR = 65536
"""vm.mmap_min_addr of Debian; only CAP_SYS_RAWIO maps below."""

_GAP_MIN_BYTES = 128 << 20
_GAP_MAX_BYTES = TASK_SIZE // 6 * 5
_LEGACY_BASE = TASK_SIZE // 3 + PAGE_MASK & ~PAGE_MASK
_LOW_2GIB = 0x4000_0000, 0x8000_0000  # find_start_end for MAP_32BIT


def mmap_base(stack_limit_bytes: int) -> tuple[int, bool]:
    """Where mappings start, and whether they grow down from there (up where the stack is unlimited)."""
    if stack_limit_bytes == RLIM64_INFINITY:
        return _LEGACY_BASE, False
    gap = stack_limit_bytes + STACK_GUARD_GAP_BYTES
    gap = min(max(gap, _GAP_MIN_BYTES), _GAP_MAX_BYTES)
    return TASK_SIZE - gap + PAGE_MASK & ~PAGE_MASK, True


def place(
    vmas: VmaSet, addr: int, length: int, flags: int, base: tuple[int, bool], *, mmap_min_addr: int,
) -> int:  # fmt: skip
    """The address that a mapping of length bytes (a multiple of a page) gets.

    Errors, in Linux's order: ENOMEM longer than the address space, no hole, or MAP_FIXED past its end; EINVAL MAP_FIXED
    and not page aligned; EPERM below mmap_min_addr.
    """
    if length > TASK_SIZE:
        raise SyscallError(ENOMEM, "longer than the address space")
    if not flags & MAP_FIXED:
        addr &= ~PAGE_MASK
        if 0 < addr < mmap_min_addr:
            addr = mmap_min_addr
        addr = _search(vmas, addr, length, flags, base)
    if addr > TASK_SIZE - length:
        raise SyscallError(ENOMEM, "past the end of the address space")
    if addr & PAGE_MASK:
        raise SyscallError(EINVAL, "address not page aligned")
    if addr < mmap_min_addr:
        raise SyscallError(EPERM, "below mmap_min_addr")
    return addr


def _search(vmas: VmaSet, hint: int, length: int, flags: int, base: tuple[int, bool]) -> int:
    if hint and hint + length <= TASK_SIZE and not flags & MAP_32BIT:
        above = vmas.from_address(hint)
        if above is None or hint + length <= above.guarded_start:
            return hint
    start, down = base
    found = None
    if flags & MAP_32BIT:
        low, high = _LOW_2GIB
        if hint and hint + length <= high:
            above = vmas.from_address(hint)
            if above is None or hint + length <= above.guarded_start:
                return hint
        found = vmas.gap_above(length, low, high)
    else:
        if down:
            found = vmas.gap_below(length, PAGE_BYTES, start)
        if found is None:
            found = vmas.gap_above(length, _LEGACY_BASE, TASK_SIZE)
    if found is None:
        raise SyscallError(ENOMEM, "no hole is large enough")
    return found
