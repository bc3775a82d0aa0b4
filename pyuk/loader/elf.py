"""ELF headers, checked as far as Linux checks them and in its order (fs/binfmt_elf.c).

What Linux does not look at is not looked at here: EI_CLASS, EI_DATA, e_version, e_ehsize and all sections.
The e_machine of another class or byte order is what refuses such a file, and only the *reason* given says more.
"""

from __future__ import annotations

from struct import Struct

from pyuk.abi.elf import (
    EI_CLASS,
    EI_DATA,
    ELFCLASS32,
    ELFDATA2MSB,
    EM_386,
    EM_AARCH64,
    EM_ARM,
    EM_MIPS,
    EM_PPC64,
    EM_RISCV,
    EM_S390,
    EM_X86_64,
    ET_CORE,
    ET_DYN,
    ET_EXEC,
    ET_REL,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
)  # fmt: skip
from pyuk.abi.errno import ELIBBAD, ENOEXEC, SyscallError
from pyuk.abi.mman import PROT_EXEC, PROT_READ, PROT_WRITE
from pyuk.loader import LoadError
from pyuk.loader.image import PATH_MAX, Image

PAGE_BYTES = 4096
PAGE_MASK = PAGE_BYTES - 1
U64 = (1 << 64) - 1

ELF_MAGIC = b"\x7fELF"
EHDR_BYTES = 64
PHDR_BYTES = 56
PHDRS_MAX_BYTES = 65536
"""So 1170 program headers. Linux 6.1.0 had a limit of one page; later ones have this alone."""

EXSTACK_DEFAULT, EXSTACK_DISABLE_X, EXSTACK_ENABLE_X = 0, 1, 2

_INTERP_MIN_BYTES = 2
_EHDR = Struct("<16sHHIQQQIHHHHHH")
_PHDR = Struct("<IIQQQQQQ")
_MACHINES = {
    EM_386: "i386", 6: "i486", EM_ARM: "32-bit ARM", EM_AARCH64: "AArch64", EM_RISCV: "RISC-V", EM_PPC64: "PowerPC64",
    EM_S390: "S/390", EM_MIPS: "MIPS",
}  # fmt: skip


class Ehdr:
    """The part of the ELF header that the kernel reads."""

    __slots__ = ("entry", "machine", "phentsize", "phnum", "phoff", "type")

    def __init__(self, buf: bytes) -> None:
        (_, self.type, self.machine, _, self.entry, self.phoff, _, _, _, self.phentsize, self.phnum, _, _, _) = (
            _EHDR.unpack_from(buf)
        )


class Phdr:
    """One program header. All but `prot` as in the file."""

    __slots__ = ("align", "filesz", "flags", "memsz", "offset", "type", "vaddr")

    def __init__(self, fields: tuple[int, ...]) -> None:
        self.type, self.flags, self.offset, self.vaddr, _, self.filesz, self.memsz, self.align = fields

    @property
    def prot(self) -> int:
        """p_flags as mmap's prot."""
        flags = self.flags
        return (flags & PF_R and PROT_READ) | (flags & PF_W and PROT_WRITE) | (flags & PF_X and PROT_EXEC)


class ElfFile:
    """A program, or an interpreter, whose headers have passed."""

    __slots__ = ("ehdr", "image", "phdrs")

    def __init__(self, image: Image, ehdr: Ehdr, phdrs: list[Phdr]) -> None:
        self.image = image
        self.ehdr = ehdr
        self.phdrs = phdrs

    @property
    def loads(self) -> list[Phdr]:
        """The PT_LOAD headers in file order."""
        return [phdr for phdr in self.phdrs if phdr.type == PT_LOAD]

    @property
    def stack(self) -> int:
        """What the last PT_GNU_STACK asks for."""
        stack = EXSTACK_DEFAULT
        for phdr in self.phdrs:
            if phdr.type == PT_GNU_STACK:
                stack = EXSTACK_ENABLE_X if phdr.flags & PF_X else EXSTACK_DISABLE_X
        return stack

    def interpreter_path(self) -> bytes | None:
        """The first PT_INTERP's path, up to its first NUL; later ones are not looked at.

        Errors: ENOEXEC shorter than 2 bytes, longer than PATH_MAX or not ended by NUL; EIO, EINVAL it cannot be read.
        """
        for phdr in self.phdrs:
            if phdr.type != PT_INTERP:
                continue
            if not _INTERP_MIN_BYTES <= phdr.filesz <= PATH_MAX:
                raise LoadError(ENOEXEC, f"PT_INTERP is {phdr.filesz} bytes long")
            try:
                path = self.image.read(phdr.offset, phdr.filesz)
            except SyscallError as error:
                raise LoadError(error.errno, f"PT_INTERP: {error.reason}") from None
            if path[-1]:
                raise LoadError(ENOEXEC, "PT_INTERP is not ended by a NUL")
            return path[: path.index(0)]
        return None

    def total_mapping_bytes(self) -> int:
        """From the lowest PT_LOAD's page to the highest one's end (total_mapping_size), modulo 2**64."""
        loads = self.loads
        if not loads:
            return 0
        low = min(phdr.vaddr & ~PAGE_MASK for phdr in loads)
        high = max(phdr.vaddr + phdr.memsz & U64 for phdr in loads)
        return high - low & U64

    def alignment_bytes(self) -> int:
        """The largest p_align of a PT_LOAD that is a power of two, at least a page (maximum_alignment).

        0 where rounding to a page overflows: no alignment is asked for then.
        """
        align = max((phdr.align for phdr in self.loads if phdr.align & -phdr.align == phdr.align), default=0)
        return align + PAGE_MASK & ~PAGE_MASK & U64


def parse_program(image: Image) -> ElfFile:
    """The headers of the program itself. Errors: ENOEXEC, whatever is wrong."""
    buf = image.buf
    if not buf.startswith(ELF_MAGIC):
        raise LoadError(ENOEXEC, _not_elf(image.head))
    ehdr = Ehdr(buf)
    if ehdr.type not in (ET_EXEC, ET_DYN):
        raise LoadError(ENOEXEC, _wrong_type(buf, ehdr))
    _check_machine(buf, ehdr, ENOEXEC)
    return ElfFile(image, ehdr, _read_phdrs(image, ehdr, ENOEXEC))


def parse_interpreter(image: Image) -> ElfFile:
    """The headers of a PT_INTERP. Errors: EIO shorter than an ELF header; ELIBBAD anything else.

    e_type is looked at only after the point of no return (load_elf_interp).
    """
    buf = image.read(0, EHDR_BYTES)
    if not buf.startswith(ELF_MAGIC):
        raise LoadError(ELIBBAD, _not_elf(image.head))
    ehdr = Ehdr(buf)
    _check_machine(buf, ehdr, ELIBBAD)
    return ElfFile(image, ehdr, _read_phdrs(image, ehdr, ELIBBAD))


def _check_machine(buf: bytes, ehdr: Ehdr, errno: int) -> None:
    if ehdr.machine == EM_X86_64:
        return
    if buf[EI_DATA] == ELFDATA2MSB:
        raise LoadError(errno, "big-endian program")
    machine = _MACHINES.get(ehdr.machine, f"machine {ehdr.machine}")
    if buf[EI_CLASS] == ELFCLASS32:
        raise LoadError(errno, f"32-bit program ({machine})")
    raise LoadError(errno, f"program for another machine ({machine})")


def _read_phdrs(image: Image, ehdr: Ehdr, errno: int) -> list[Phdr]:
    if ehdr.phentsize != PHDR_BYTES:
        raise LoadError(errno, f"program headers of {ehdr.phentsize} bytes instead of {PHDR_BYTES}")
    n_bytes = ehdr.phnum * PHDR_BYTES
    if not n_bytes:
        raise LoadError(errno, "no program headers")
    if n_bytes > PHDRS_MAX_BYTES:
        raise LoadError(errno, f"too many program headers ({ehdr.phnum})")
    try:
        table = image.read(ehdr.phoff, n_bytes)
    except SyscallError as error:
        raise LoadError(errno, f"program headers: {error.reason}") from None
    return [Phdr(fields) for fields in _PHDR.iter_unpack(table)]


def _not_elf(head: bytes) -> str:
    return "not an ELF file" if head else "empty file"


def _wrong_type(buf: bytes, ehdr: Ehdr) -> str:
    if buf[EI_DATA] == ELFDATA2MSB:
        return "big-endian program"
    names = {ET_REL: "an object file, not linked yet", ET_CORE: "a core dump"}
    return names.get(ehdr.type, f"ELF type {ehdr.type} is not executable")
