"""ELF segments to mappings: elf_map, elf_load and load_elf_interp of fs/binfmt_elf.c.

As Linux does it since 6.6.92 and its fellow stable releases (commit 585a018627b4 and its followers): the zeros of a
segment are made when that segment is loaded, and no error is made of a tail that is not writable.
Sums are modulo 2**64 as in C: a header may hold any number.
"""

from __future__ import annotations

from pyuk.abi.elf import ET_DYN, ET_EXEC, PF_X
from pyuk.abi.errno import EFAULT, EINVAL, ENOMEM, EPERM, SyscallError, message
from pyuk.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE
from pyuk.loader import LateLoadError
from pyuk.loader.elf import PAGE_BYTES, PAGE_MASK, U64
from pyuk.machine.paging import TASK_SIZE
from pyuk.mm.usermem import UserMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.loader.elf import ElfFile, Phdr
    from pyuk.mm.backing import Backing
    from pyuk.mm.space import AddressSpace

ELF_ET_DYN_BASE = 0x7FFF_FFFF_F000 // 3 * 2
"""Where a PIE with an interpreter goes, before rounding down (arch/x86/include/asm/elf.h)."""


class Placed:
    """Where a program's segments have come to lie. All are addresses, the bias added."""

    __slots__ = ("bias", "brk", "end_code", "end_data", "entry", "phdr", "start_code", "start_data")

    def __init__(self) -> None:
        self.bias = self.entry = self.phdr = self.brk = 0
        self.start_code, self.end_code = U64, 0
        self.start_data = self.end_data = 0

    def include(self, elf: ElfFile, phdr: Phdr) -> None:
        """Account for a segment; addresses are still without the bias."""
        phoff = elf.ehdr.phoff
        if phdr.offset <= phoff < (phdr.offset + phdr.filesz & U64):
            self.phdr = phoff - phdr.offset + phdr.vaddr
        file_end = phdr.vaddr + phdr.filesz
        if phdr.flags & PF_X:
            self.start_code = min(self.start_code, phdr.vaddr)
            self.end_code = max(self.end_code, file_end)
        self.start_data = max(self.start_data, phdr.vaddr)
        self.end_data = max(self.end_data, file_end)
        self.brk = max(self.brk, phdr.vaddr + phdr.memsz)

    def add_bias(self, bias: int) -> None:
        """Move everything to where it is mapped."""
        self.bias = bias
        for name in ("brk", "end_code", "end_data", "entry", "phdr", "start_code", "start_data"):
            setattr(self, name, getattr(self, name) + bias & U64)


def map_program(space: AddressSpace, elf: ElfFile, backing: Backing, *, has_interpreter: bool) -> Placed:
    """Map the program's PT_LOADs: an ET_EXEC where it says, a PIE at ELF_ET_DYN_BASE, a static PIE below mmap's top.

    Errors (LateLoadError): EEXIST, EINVAL, ENOMEM, ... a segment cannot be mapped or lies outside the user half.
    """
    placed = Placed()
    placed.entry = elf.ehdr.entry
    bias = 0
    for i, phdr in enumerate(elf.loads):
        try:
            if i or elf.ehdr.type == ET_EXEC:
                flags = MAP_FIXED if i else MAP_FIXED_NOREPLACE
                mapped = _elf_load(space, backing, bias + phdr.vaddr & U64, phdr, flags, 0)
            else:
                bias, mapped = _place_pie(space, elf, backing, phdr, has_interpreter=has_interpreter)
            if mapped >= TASK_SIZE:
                raise SyscallError(EINVAL, "it is not within the user half")
            _check_range(phdr, phdr.vaddr, EINVAL)
        except SyscallError as error:
            raise LateLoadError(error.errno, f"segment {i} ({_describe(phdr)}): {_why(error)}") from None
        placed.include(elf, phdr)
    placed.add_bias(bias)
    if elf.ehdr.type == ET_DYN and not has_interpreter:
        placed.brk = ELF_ET_DYN_BASE  # away from mmap's region, where a heap would soon be in the way
    placed.brk = placed.brk + PAGE_MASK & ~PAGE_MASK
    return placed


def map_interpreter(space: AddressSpace, elf: ElfFile, backing: Backing, program_bias: int) -> int:
    """Map the interpreter's PT_LOADs; the result is its load address (AT_BASE).

    Errors (LateLoadError): as map_program; EPERM it is neither ET_EXEC nor ET_DYN; EINVAL it has no PT_LOAD.
    """
    is_dyn = elf.ehdr.type == ET_DYN
    if not is_dyn and elf.ehdr.type != ET_EXEC:
        raise LateLoadError(EPERM, "the interpreter is neither a program nor a shared object")
    total = elf.total_mapping_bytes()
    if not total:
        raise LateLoadError(EINVAL, "the interpreter has no PT_LOAD segment")
    load_address = 0
    for i, phdr in enumerate(elf.loads):
        try:
            if is_dyn and not i:
                wish = 0 if program_bias else phdr.vaddr
                mapped = _elf_load(space, backing, wish, phdr, 0, total)
                load_address = mapped - (phdr.vaddr & ~PAGE_MASK) & U64
            else:
                wish = load_address + phdr.vaddr & U64
                mapped = _elf_load(space, backing, wish, phdr, MAP_FIXED, 0 if i else total)
            if mapped >= TASK_SIZE:  # nothing to map there, or it had failed; Linux takes this for the load address
                return mapped
            _check_range(phdr, load_address + phdr.vaddr & U64, ENOMEM)
        except SyscallError as error:
            raise LateLoadError(error.errno, f"interpreter's segment {i} ({_describe(phdr)}): {_why(error)}") from None
    return load_address


def _place_pie(
    space: AddressSpace, elf: ElfFile, backing: Backing, first: Phdr, *, has_interpreter: bool
) -> tuple[int, int]:
    """Map the first segment with room for all.

    The result is the load bias, a multiple of the page size modulo 2**64, and the first page's address.
    """
    total = elf.total_mapping_bytes()
    if not total:
        raise SyscallError(EINVAL, "size is 0")
    align = elf.alignment_bytes()
    flags = 0
    bias = 0
    if has_interpreter:
        bias = ELF_ET_DYN_BASE
        flags = MAP_FIXED_NOREPLACE
    elif align > PAGE_BYTES:
        bias = _elf_load(space, backing, 0, first, 0, total)
        space.munmap(bias, total)
        flags = MAP_FIXED_NOREPLACE
    if align and bias:
        bias &= -align
    bias = bias - first.vaddr & U64 & ~PAGE_MASK
    wish = bias + first.vaddr & U64
    mapped = _elf_load(space, backing, wish, first, flags, total)
    return bias + mapped - (wish & ~PAGE_MASK) & U64, mapped


def _elf_load(space: AddressSpace, backing: Backing, address: int, phdr: Phdr, flags: int, total_bytes: int) -> int:
    """Map one segment and make its zeros; the result is the address of its first page.

    With total_bytes the first mapping reserves room for the whole image. The last page of the file is cleared behind
    the segment's end; whole pages of zeros are always writable, whatever p_flags says.
    """
    offset_in_page = phdr.vaddr & PAGE_MASK
    prot = phdr.prot
    if phdr.filesz:
        mapped = _elf_map(space, backing, address, phdr, flags, total_bytes)
        zero_start = mapped + offset_in_page + phdr.filesz & U64
        if phdr.memsz > phdr.filesz and zero_start & PAGE_MASK:
            try:
                UserMemory(space).write(zero_start, bytes(-zero_start & PAGE_MASK))
            except SyscallError:
                if prot & PROT_WRITE:
                    raise SyscallError(EFAULT, "its last page in the file cannot be cleared") from None
    else:
        mapped = address & ~PAGE_MASK
        zero_start = mapped
    if phdr.memsz > phdr.filesz:
        zero_end = mapped + offset_in_page + phdr.memsz + PAGE_MASK & U64 & ~PAGE_MASK
        zero_start = zero_start + PAGE_MASK & U64 & ~PAGE_MASK
        _brk(space, zero_start, zero_end - zero_start & U64, prot & PROT_EXEC)
    return mapped


def _elf_map(space: AddressSpace, backing: Backing, address: int, phdr: Phdr, flags: int, total_bytes: int) -> int:
    offset_in_page = phdr.vaddr & PAGE_MASK
    n_bytes = phdr.filesz + offset_in_page + PAGE_MASK & U64 & ~PAGE_MASK
    offset = phdr.offset - offset_in_page & U64
    address &= ~PAGE_MASK
    if not n_bytes:
        return address
    total = total_bytes + PAGE_MASK & U64 & ~PAGE_MASK
    if offset & PAGE_MASK:
        raise SyscallError(EINVAL, "p_vaddr and p_offset differ within a page")
    if offset + (total or n_bytes) > U64:
        raise SyscallError(EINVAL, "p_offset is too large")
    mapped = space.mmap(address, total or n_bytes, phdr.prot, flags | MAP_PRIVATE, backing, offset)
    if total > n_bytes:
        space.munmap(mapped + n_bytes, total - n_bytes)
    return mapped


def _brk(space: AddressSpace, start: int, n_bytes: int, prot_exec: int) -> None:
    """vm_brk_flags: zeros at a fixed place, in place of what is there."""
    if not n_bytes:
        return
    if n_bytes > TASK_SIZE or start > TASK_SIZE - n_bytes:
        raise SyscallError(ENOMEM, "it does not end within the user half")
    prot = PROT_READ | PROT_WRITE | prot_exec
    space.mmap(start, n_bytes, prot, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, None, 0)


def _check_range(phdr: Phdr, address: int, errno: int) -> None:
    """The checks that Linux makes only after mapping."""
    if phdr.filesz > phdr.memsz:
        raise SyscallError(errno, "p_filesz is larger than p_memsz")
    if address >= TASK_SIZE or phdr.memsz > TASK_SIZE or TASK_SIZE - phdr.memsz < address:
        raise SyscallError(errno, "it is not within the user half")


def _describe(phdr: Phdr) -> str:
    return f"p_vaddr {phdr.vaddr:#x}, p_offset {phdr.offset:#x}, p_filesz {phdr.filesz:#x}, p_memsz {phdr.memsz:#x}"


def _why(error: SyscallError) -> str:
    return error.reason or message(error.errno)
