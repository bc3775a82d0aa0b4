"""A bare x86-64 machine on Unicorn: RAM, page tables, ring 3, and nothing that could be called a kernel.

It is the measuring stick of `make bench`: pyuk cannot be faster than the same CPU with nobody at home, so
this file does what `docs/design.md` says makes Unicorn fast, and no more, on its own: it shares no code with
`pyuk`, imports next to nothing (its start counts too), and maps everything before the first instruction.

Sources: the Intel SDM volume 3A chapters 2.5 and 4.5 (control registers, 4-level paging), AMD APM volume 3
(SYSRET), unicorn.h and x86.h of Unicorn 2.1.4.
"""

from __future__ import annotations

import _thread
import ctypes
import mmap
import sys
import time
from array import array

# Members of struct uc_struct, and of the X86CPU that its `cpu` points at, that have no API; their places are known for
# one version only.
UNICORN_VERSION = (2, 1, 4)
CPU_OFFSET, USE_EXITS_OFFSET, NO_EXIT_REQUEST_OFFSET, INIT_DONE_OFFSET = 440, 1428, 2034, 2035
ENV_OFFSET = 35408  # CPUX86State, which starts with RAX

# Where malloc puts CPUX86State decides how fast SSE code is: 824 bytes in come the XMM registers, 64 bytes apart. When
# they straddle cache lines guest/bench/sha256.c takes 8 % longer, when one of them straddles pages up to 40 % (measured
# by moving the heap). Off the cache line's start and this low in a page, none straddles anything.
CACHE_LINE_BYTES = 64
WELL_PLACED_ENV_LIMIT = 0x400
N_PLACEMENTS = 8
FILLER_BYTES = 64 << 10  # larger than any hole that X86CPU could go to, smaller than what malloc takes from mmap
MALLOC_HEADER_BYTES = 16

PAGE_BYTES = 4096
PTE_PRESENT, PTE_WRITE, PTE_USER, PTE_ACCESSED, PTE_DIRTY, PTE_NX = 1 << 0, 1 << 1, 1 << 2, 1 << 5, 1 << 6, 1 << 63
PTES_PER_TABLE = 512

UC_ARCH_X86, UC_MODE_64, UC_PROT_ALL = 4, 1 << 3, 7
UC_CPU_X86_WESTMERE = 16
UC_HOOK_INTR, UC_HOOK_INSN, UC_HOOK_CODE, UC_HOOK_INSN_INVALID = 1 << 0, 1 << 1, 1 << 2, 1 << 14
UC_X86_INS_SYSCALL = 699
UC_CTL_UC_USE_EXITS, UC_CTL_CPU_MODEL, UC_CTL_TLB_FLUSH, UC_CTL_TCG_BUFFER_SIZE = 4, 7, 11, 13

UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDI, UC_X86_REG_RDX, UC_X86_REG_RIP = 35, 38, 39, 40, 41
UC_X86_REG_RSI, UC_X86_REG_RSP, UC_X86_REG_R11 = 43, 44, 109
UC_X86_REG_CR0, UC_X86_REG_CR2, UC_X86_REG_CR3, UC_X86_REG_CR4 = 50, 52, 53, 54
UC_X86_REG_FPCW, UC_X86_REG_FPTAG, UC_X86_REG_MSR, UC_X86_REG_MXCSR, UC_X86_REG_FS_BASE = 246, 247, 248, 249, 250

# What Linux runs user code with (arch/x86/include/asm/processor-flags.h, msr-index.h).
CR0_PE_MP_ET_NE_WP_AM_PG = 0x80050033
CR4_PAE_OSFXSR_OSXMMEXCPT = 0x620
MSR_EFER, EFER_SCE_LME_LMA_NXE = 0xC0000080, 0xD01
MSR_STAR, STAR_USER_SELECTOR = 0xC0000081, 0x23 << 48  # sysretq loads CS = 0x33 and SS = 0x2b from it
RFLAGS_IF = 0x202
FPCW_LINUX, FPTAG_EMPTY, MXCSR_LINUX = 0x37F, 0xFFFF, 0x1F80

SYSRETQ = b"\x48\x0f\x07"
SYSRETQ_ADDR = 0xFFFF_8000_0000_0000
TCG_BUFFER_BYTES = 64 << 20

SLICE_S = 0.005
# The softmmu TLB grows only in a flush that finds it crowded; after a dozen it has the size the program needs.
N_GROWING_SLICES = 12

SYSCALL_HOOK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
INTR_HOOK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
INSN_INVALID_HOOK = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_void_p)
CODE_HOOK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p)


class MachineError(Exception):
    """Unicorn refused a call, is another version, or the guest ran into an exception."""


class Msr(ctypes.Structure):
    """`uc_x86_msr` of x86.h."""

    _fields_ = (("rid", ctypes.c_uint32), ("value", ctypes.c_uint64))


def load_library() -> ctypes.CDLL:
    """Load the libunicorn of the `unicorn` wheel, without importing the package: that alone costs 30 ms."""
    for directory in sys.path:
        try:
            return ctypes.CDLL(f"{directory}/unicorn/lib/libunicorn.so.2")
        except OSError:
            continue
    raise MachineError("no unicorn/lib/libunicorn.so.2 on sys.path")


def ctl_write(kind: int, n_args: int) -> int:
    """UC_CTL_WRITE(kind, n_args) of unicorn.h."""
    return kind | n_args << 26 | 1 << 30


class Machine:
    """One Unicorn x86-64 CPU with paging on, and RAM that Python writes to directly."""

    def __init__(self, ram_bytes: int = 256 << 20, *, no_exit_request: bool = True) -> None:
        self.lib = load_library()
        major, minor = ctypes.c_uint(), ctypes.c_uint()
        combined = self.lib.uc_version(ctypes.byref(major), ctypes.byref(minor))
        version = (combined >> 24 & 0xFF, combined >> 16 & 0xFF, combined >> 8 & 0xFF)
        if version != UNICORN_VERSION:
            raise MachineError(f"Unicorn {version} found, {UNICORN_VERSION} wanted")
        self.ram_mmap = mmap.mmap(-1, ram_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self.ram = memoryview(self.ram_mmap)
        self.entries = self.ram.cast("Q")
        self.n_frames = ram_bytes // PAGE_BYTES
        self.open_well_placed(no_exit_request=no_exit_request)

        self.next_frame = 1  # frame 0 stays unused, so that a zero table entry never points at anything
        self.regions: list[tuple[int, int, int]] = []  # (start, end, physical address), each contiguous in RAM
        self.cr3 = self.take_frames(1)
        self.halted = False
        self.failure: BaseException | None = None
        self.hooks: list[object] = []  # ctypes callbacks must outlive the engine

    def call(self, name: str, *args: object) -> None:
        """Call a Unicorn function and raise MachineError unless it returns UC_ERR_OK."""
        error = getattr(self.lib, name)(*args)
        if error:
            raise MachineError(f"{name}: error {error}")

    def open_well_placed(self, *, no_exit_request: bool) -> None:
        """Open engines until malloc puts the CPU state of one where it is fast: the first, or the second.

        Else the floor would be another one for each length of a path on the command line. Fillers use up the heap's
        holes, so that the engine's one large block follows the last filler; from there to the CPU state it is 0x1D0
        bytes modulo a page, mostly. An engine placed badly is left open, or the next would get its memory.
        """
        malloc = ctypes.CDLL(None).malloc
        malloc.restype = ctypes.c_size_t
        for _ in range(N_PLACEMENTS):
            for _ in range(16):
                block = malloc(ctypes.c_size_t(FILLER_BYTES - MALLOC_HEADER_BYTES))
            malloc(ctypes.c_size_t(FILLER_BYTES + -block % PAGE_BYTES - MALLOC_HEADER_BYTES))
            self.open_engine()
            env = self.env_addr()
            if env % CACHE_LINE_BYTES and env % PAGE_BYTES < WELL_PLACED_ENV_LIMIT:
                break
        self.enable_exits(no_exit_request=no_exit_request)

    def open_engine(self) -> None:
        """Open an engine, with the CPU model chosen and RAM at physical address 0."""
        self.uc = ctypes.c_void_p()
        self.call("uc_open", UC_ARCH_X86, UC_MODE_64, ctypes.byref(self.uc))
        self.call("uc_ctl", self.uc, ctl_write(UC_CTL_CPU_MODEL, 1), UC_CPU_X86_WESTMERE)
        self.call("uc_ctl", self.uc, ctl_write(UC_CTL_TCG_BUFFER_SIZE, 1), TCG_BUFFER_BYTES)
        ram_addr = ctypes.addressof(ctypes.c_char.from_buffer(self.ram_mmap))
        size = ctypes.c_size_t(self.n_frames * PAGE_BYTES)
        self.call("uc_mem_map_ptr", self.uc, ctypes.c_uint64(0), size, UC_PROT_ALL, ctypes.c_void_p(ram_addr))

    def env_addr(self) -> int:
        """Return the host address of CPUX86State, told by the RAX it starts with."""
        marker = 0x0123_4567_89AB_CDEF
        self.write_reg(UC_X86_REG_RAX, marker)
        env = ctypes.c_uint64.from_address((self.uc.value or 0) + CPU_OFFSET).value + ENV_OFFSET
        if ctypes.c_uint64.from_address(env).value != marker:
            raise MachineError("CPUX86State is not where Unicorn 2.1.4 has it")
        return env

    def enable_exits(self, *, no_exit_request: bool) -> None:
        """Enable exits, of which none is ever set, and set uc_struct.no_exit_request to 1 if asked.

        With that byte, which has no API, stops land between blocks and stores need no check. It lies a known way
        from use_exits, which an API toggles, and right before init_done: seeing both guards the write.
        """
        members = (ctypes.c_uint8 * (INIT_DONE_OFFSET + 1)).from_address(self.uc.value or 0)
        before = members[USE_EXITS_OFFSET]
        self.call("uc_ctl", self.uc, ctl_write(UC_CTL_UC_USE_EXITS, 1), 1)
        after = members[USE_EXITS_OFFSET]
        if (before, after, members[NO_EXIT_REQUEST_OFFSET], members[INIT_DONE_OFFSET]) != (0, 1, 0, 1):
            raise MachineError("struct uc_struct is not as Unicorn 2.1.4 has it")
        members[NO_EXIT_REQUEST_OFFSET] = no_exit_request

    # --- memory

    def take_frames(self, n_frames: int) -> int:
        """Return the physical address of frames that were never used, hence zero."""
        if self.next_frame + n_frames > self.n_frames:
            raise MachineError("out of RAM")
        frame = self.next_frame
        self.next_frame += n_frames
        return frame * PAGE_BYTES

    def page_table(self, addr: int) -> int:
        """Return the physical address of the lowest-level table for `addr`, made when missing."""
        table = self.cr3
        for shift in (39, 30, 21):
            slot = table // 8 + (addr >> shift & 511)
            if not self.entries[slot]:
                self.entries[slot] = self.take_frames(1) | PTE_PRESENT | PTE_WRITE | PTE_USER
            table = self.entries[slot] & ~0xFFF
        return table

    def map(self, start: int, end: int, *, write: bool = False, execute: bool = False, user: bool = True) -> int:
        """Map fresh zero frames at [start, end), both page aligned; return their physical address."""
        physical = self.take_frames((end - start) // PAGE_BYTES)
        # Accessed and dirty are set beforehand: the MMU never has to.
        entry = physical | PTE_PRESENT | PTE_ACCESSED
        entry |= (PTE_WRITE | PTE_DIRTY if write else 0) | (PTE_USER if user else 0) | (0 if execute else PTE_NX)
        addr = start
        while addr < end:
            index = addr >> 12 & 511
            n_pages = min(PTES_PER_TABLE - index, (end - addr) // PAGE_BYTES)
            slot = self.page_table(addr) // 8 + index
            if any(self.entries[slot : slot + n_pages]):
                raise MachineError(f"pages at {addr:#x} are mapped twice")
            self.entries[slot : slot + n_pages] = array("Q", range(entry, entry + n_pages * PAGE_BYTES, PAGE_BYTES))
            entry += n_pages * PAGE_BYTES
            addr += n_pages * PAGE_BYTES
        self.regions.append((start, end, physical))
        return physical

    def slice_of(self, addr: int, n_bytes: int) -> memoryview | None:
        """Return guest memory [addr, addr + n_bytes) as a view of RAM, or None when no single region holds it."""
        for start, end, physical in self.regions:
            if start <= addr and addr + n_bytes <= end:
                return self.ram[physical + addr - start : physical + addr - start + n_bytes]
        return None

    # --- registers

    def read_reg(self, reg: int) -> int:
        """Return a general, control or floating-point register, by its number in x86.h."""
        value = ctypes.c_uint64()
        self.call("uc_reg_read", self.uc, reg, ctypes.byref(value))
        return value.value

    def write_reg(self, reg: int, value: int) -> None:
        """Set a register, by its number in x86.h."""
        self.call("uc_reg_write", self.uc, reg, ctypes.byref(ctypes.c_uint64(value)))

    def write_msr(self, msr: int, value: int) -> None:
        """Set a model-specific register."""
        self.call("uc_reg_write", self.uc, UC_X86_REG_MSR, ctypes.byref(Msr(msr, value)))

    # --- running

    def hook(self, kind: int, callback: object, *extra: int) -> None:
        """Add a raw ctypes hook over all addresses; `extra` is the instruction of UC_HOOK_INSN."""
        handle = ctypes.c_size_t()
        begin, end = ctypes.c_uint64(1), ctypes.c_uint64(0)
        self.call("uc_hook_add", self.uc, ctypes.byref(handle), kind, callback, None, begin, end, *extra)
        self.hooks.append(callback)

    def stop(self, failure: BaseException | None = None) -> None:
        """End `run_user` from inside a hook; it raises `failure` if one is given."""
        self.failure = self.failure or failure
        self.halted = True
        self.lib.uc_emu_stop(self.uc)

    def fail_on_exceptions(self) -> None:
        """Make any CPU exception of the guest end the run with a MachineError."""

        def on_intr(_uc: int, number: int, _user: int) -> None:
            where = f"RIP {self.read_reg(UC_X86_REG_RIP):#x}, CR2 {self.read_reg(UC_X86_REG_CR2):#x}"
            self.stop(MachineError(f"exception {number} at {where}"))

        def on_insn_invalid(_uc: int, _user: int) -> bool:
            self.stop(MachineError(f"invalid instruction at RIP {self.read_reg(UC_X86_REG_RIP):#x}"))
            return True

        self.hook(UC_HOOK_INTR, INTR_HOOK(on_intr))
        self.hook(UC_HOOK_INSN_INVALID, INSN_INVALID_HOOK(on_insn_invalid))

    def set_control_registers(self) -> None:
        """Turn on paging, NX, SSE and the FPU as Linux has them; the reset values compute wrong floating point."""
        self.write_msr(MSR_EFER, EFER_SCE_LME_LMA_NXE)
        self.write_msr(MSR_STAR, STAR_USER_SELECTOR)
        self.write_reg(UC_X86_REG_CR4, CR4_PAE_OSFXSR_OSXMMEXCPT)
        self.write_reg(UC_X86_REG_CR3, self.cr3)
        self.write_reg(UC_X86_REG_CR0, CR0_PE_MP_ET_NE_WP_AM_PG)
        self.write_reg(UC_X86_REG_FPCW, FPCW_LINUX)
        self.write_reg(UC_X86_REG_FPTAG, FPTAG_EMPTY)
        self.write_reg(UC_X86_REG_MXCSR, MXCSR_LINUX)

    def run_user(self, entry: int, stack: int) -> None:
        """Go to ring 3 at `entry` and run until `stop` is called.

        A thread stops the CPU every 5 ms at first, so that the TLB can be flushed and grow; then it is left alone.
        """
        stub = self.map(SYSRETQ_ADDR, SYSRETQ_ADDR + PAGE_BYTES, execute=True, user=False)
        self.ram[stub : stub + len(SYSRETQ)] = SYSRETQ
        self.set_control_registers()
        self.write_reg(UC_X86_REG_RSP, stack)
        self.write_reg(UC_X86_REG_RCX, entry)
        self.write_reg(UC_X86_REG_R11, RFLAGS_IF)
        _thread.start_new_thread(self.tick, ())
        pc = SYSRETQ_ADDR
        until = timeout = count = ctypes.c_uint64(0)  # until 0 is no exit, as exits are enabled and none is set
        while True:
            self.call("uc_emu_start", self.uc, ctypes.c_uint64(pc), until, timeout, count)
            if self.halted:
                break
            self.call("uc_ctl", self.uc, ctl_write(UC_CTL_TLB_FLUSH, 0))
            pc = self.read_reg(UC_X86_REG_RIP)
        if self.failure:
            raise self.failure

    def tick(self) -> None:
        """Stop the CPU every 5 ms for the first dozen slices; the other thread of `run_user`."""
        for _ in range(N_GROWING_SLICES):
            time.sleep(SLICE_S)
            if self.halted:
                return
            self.lib.uc_emu_stop(self.uc)
