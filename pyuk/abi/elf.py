"""The ELF file format: what a loader needs of it.

Source: linux/elf.h, linux/elf-em.h (Linux 6.1).
"""

# e_ident
EI_CLASS = 4
EI_DATA = 5
EI_VERSION = 6
EI_OSABI = 7
EI_NIDENT = 16
ELFCLASS32 = 1
ELFCLASS64 = 2
ELFDATA2LSB = 1
ELFDATA2MSB = 2
EV_CURRENT = 1

# e_type
ET_NONE = 0
ET_REL = 1
ET_EXEC = 2
ET_DYN = 3
ET_CORE = 4

# e_machine
EM_386 = 3
EM_X86_64 = 62
EM_AARCH64 = 183
EM_RISCV = 243
EM_ARM = 40
EM_PPC64 = 21
EM_S390 = 22
EM_MIPS = 8

# p_type
PT_NULL = 0
PT_LOAD = 1
PT_DYNAMIC = 2
PT_INTERP = 3
PT_NOTE = 4
PT_SHLIB = 5
PT_PHDR = 6
PT_TLS = 7
PT_GNU_EH_FRAME = 0x6474E550
PT_GNU_STACK = 0x6474E551
PT_GNU_RELRO = 0x6474E552
PT_GNU_PROPERTY = 0x6474E553

# p_flags
PF_X = 1
PF_W = 2
PF_R = 4

# e_phnum overflow
PN_XNUM = 0xFFFF
