"""A thin binding to libunicorn: only what the machine calls, by ctypes.

The unicorn package's own binding costs 30 ms of start and 3 us a call; its shared library is all
that is used of it. Two handles to one library: `free` lets other threads run during a call (only
emu_start needs it), `held` keeps the interpreter lock and is three times quicker.
"""

from __future__ import annotations

import os
import sys

from pyuk.machine import clib
from pyuk.machine.clib import c_int, c_void_p

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# unicorn.h and x86.h of Unicorn 2.1
UC_ARCH_X86 = 4
UC_MODE_64 = 8
UC_PROT_ALL = 7
UC_ERR_OK = 0
UC_CPU_X86_WESTMERE = 16

UC_HOOK_INTR = 1 << 0
UC_HOOK_INSN = 1 << 1
UC_HOOK_CODE = 1 << 2
UC_HOOK_BLOCK = 1 << 3
UC_HOOK_INSN_INVALID = 1 << 14
UC_HOOK_EDGE_GENERATED = 1 << 15

UC_X86_INS_IN = 218
UC_X86_INS_OUT = 500
UC_X86_INS_SYSCALL = 699
UC_X86_INS_SYSENTER = 700

_IO_WRITE = 1 << 30
UC_CTL_USE_EXITS = 4 | 1 << 26 | _IO_WRITE
UC_CTL_CPU_MODEL = 7 | 1 << 26 | _IO_WRITE
UC_CTL_TB_REMOVE_CACHE = 9 | 2 << 26 | _IO_WRITE
UC_CTL_TB_FLUSH = 10 | _IO_WRITE
UC_CTL_TLB_FLUSH = 11 | _IO_WRITE
UC_CTL_TCG_BUFFER_SIZE = 13 | 1 << 26 | _IO_WRITE

# enum uc_x86_reg
UC_X86_REG_RIP = 41
UC_X86_REG_EFLAGS = 25
UC_X86_REG_CR0, UC_X86_REG_CR2, UC_X86_REG_CR3, UC_X86_REG_CR4 = 50, 52, 53, 54
UC_X86_REG_FPCW, UC_X86_REG_FPTAG = 246, 247
UC_X86_REG_MSR = 248
UC_X86_REG_MXCSR = 249
UC_X86_REG_CS, UC_X86_REG_DS, UC_X86_REG_ES = 11, 17, 28
UC_X86_REG_FS, UC_X86_REG_GS = 32, 33
UC_X86_REG_GDTR = 243
UC_X86_REG_FS_BASE, UC_X86_REG_GS_BASE = 250, 251
UC_X86_REG_XMM0 = 122
GPR_IDS = (35, 38, 40, 37, 44, 36, 43, 39, *range(106, 114))
"""rax rcx rdx rbx rsp rbp rsi rdi r8..r15: the order of the register file and of ModRM."""

_RTLD_LAZY, _RTLD_DEEPBIND = 1, 8  # bits/dlfcn.h
_EFLAGS = c_int(UC_X86_REG_EFLAGS)


class Block(clib.Structure):
    """uc_tb, a block of translated code."""

    pc: int
    n_bytes: int
    _fields_ = (("pc", clib.c_uint64), ("n_insns", clib.c_uint16), ("n_bytes", clib.c_uint16))


# Hook prototypes (unicorn.h) are uc_engine *, ..., void *user_data. Arguments at the end that nobody looks at are not
# declared, which a C caller cannot notice: each costs 12 ns at every call.
PLAIN_CALLBACK = clib.CFUNCTYPE(None)  # syscall, sysenter, out, code
INTR_CALLBACK = clib.CFUNCTYPE(None, c_void_p, clib.c_uint32)
INVALID_CALLBACK = clib.CFUNCTYPE(clib.c_bool)
IN_CALLBACK = clib.CFUNCTYPE(clib.c_uint32)
EDGE_CALLBACK = clib.CFUNCTYPE(None, c_void_p, c_void_p)


class MachineError(Exception):
    """The CPU did what it must never do, or cannot be had: a bug of pyuk's or of its library."""


def library_path() -> str:
    """The shared library inside the installed unicorn package, found without importing the package."""
    name = {"darwin": "libunicorn.2.dylib", "win32": "unicorn.dll"}.get(sys.platform, "libunicorn.so.2")
    for directory in sys.path:
        path = os.path.join(directory, "unicorn", "lib", name)
        if os.path.exists(path):
            return path
    raise MachineError("the Python package 'unicorn' is not installed")


def _open_library(path: str) -> int | None:
    """dlopen(3) as ctypes does it, but lazily and with the library's own symbols first: 0.8 ms less for its 30,000."""
    if not sys.platform.startswith("linux"):
        return None
    dlopen = clib.CDLL(None).dlopen
    dlopen.restype = c_void_p
    handle: int | None = dlopen(os.fsencode(path), _RTLD_LAZY | _RTLD_DEEPBIND)
    return handle


class Engine:
    """One uc_engine. Calls raise MachineError with the library's own words."""

    def __init__(self) -> None:
        self.path = library_path()
        try:
            self.free = clib.CDLL(self.path, handle=_open_library(self.path))
        except OSError as error:
            raise MachineError(f"cannot load Unicorn's library: {error}") from error
        self.held = clib.PyDLL(self.path, handle=self.free._handle)  # noqa: SLF001  # documented, whatever its name says
        self._callbacks: list[Any] = []
        handle = c_void_p()
        self.check(self.held.uc_open(UC_ARCH_X86, UC_MODE_64, clib.byref(handle)))
        self.handle = handle
        self.uc_ctl = self.held.uc_ctl
        self.uc_ctl.argtypes = (c_void_p, c_int)  # variadic after these two
        self._read = self.held.uc_reg_read
        self._flags = clib.c_uint64()
        self._flags_at = clib.byref(self._flags)

    def version(self) -> tuple[int, int, int]:
        """Major, minor and patch of the library."""
        word = int(self.held.uc_version(None, None))
        return word >> 24 & 0xFF, word >> 16 & 0xFF, word >> 8 & 0xFF

    def check(self, error: int) -> None:
        """Raise for anything but UC_ERR_OK."""
        if error:
            self.held.uc_strerror.restype = clib.c_char_p
            raise MachineError(f"Unicorn: {self.held.uc_strerror(error).decode()}")

    def ctl(self, control: int, *args: Any) -> None:
        """uc_ctl with a control word and its ctypes arguments."""
        self.check(self.uc_ctl(self.handle, control, *args))

    def read(self, register: int) -> int:
        """A register of up to 64 bits, by the public API."""
        value = clib.c_uint64()
        self.check(self.held.uc_reg_read(self.handle, register, clib.byref(value)))
        return value.value

    def write(self, register: int, value: int) -> None:
        """Set a register of up to 64 bits, by the public API."""
        self.check(self.held.uc_reg_write(self.handle, register, clib.byref(clib.c_uint64(value))))

    def read_flags(self) -> int:
        """RFLAGS; on the path of every syscall, so without an allocation."""
        self._read(self.handle, _EFLAGS, self._flags_at)
        return self._flags.value

    def settle_flags(self) -> None:
        """Store the arithmetic flags in RFLAGS itself, where the engine looks for them when it starts."""
        self._read(self.handle, _EFLAGS, self._flags_at)
        self.held.uc_reg_write(self.handle, _EFLAGS, self._flags_at)

    def context_bytes(self) -> int:
        """The size of a uc_context: a header of the library's own, and all CPU state but the TLB."""
        self.held.uc_context_size.restype = clib.c_size_t
        return int(self.held.uc_context_size(self.handle))

    def new_context(self) -> c_void_p:
        """Room for the CPU state. It is given back with `free_context`."""
        context = c_void_p()
        self.check(self.held.uc_context_alloc(self.handle, clib.byref(context)))
        return context

    def save_context(self, context: c_void_p) -> None:
        """Copy the CPU state out."""
        self.check(self.held.uc_context_save(self.handle, context))

    def restore_context(self, context: c_void_p) -> None:
        """Copy the CPU state in; the TLB stays as it is."""
        self.check(self.held.uc_context_restore(self.handle, context))

    def copiers(self, context: c_void_p) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """`save_context` and `restore_context` of this context as functions in C: a signal comes before or after."""
        prototype = clib.PYFUNCTYPE(c_int, c_void_p, c_void_p)
        arguments = ((1, "uc", self.handle.value), (1, "context", context.value))
        save = prototype(("uc_context_save", self.held), arguments)
        return save, prototype(("uc_context_restore", self.held), arguments)

    def free_context(self, context: c_void_p) -> None:
        """Give a context back."""
        self.check(self.held.uc_context_free(context))

    def read_wide(self, register: int, size_bytes: int) -> bytes:
        """A register wider than 64 bits (XMM, ST)."""
        buffer = clib.create_string_buffer(size_bytes)
        self.check(self.held.uc_reg_read(self.handle, register, buffer))
        return bytes(buffer)

    def write_wide(self, register: int, value: bytes) -> None:
        """Set a register wider than 64 bits."""
        self.check(self.held.uc_reg_write(self.handle, register, clib.create_string_buffer(value)))

    def write_msr(self, number: int, value: int) -> None:
        """uc_x86_msr: {uint32_t rid; uint64_t value;}."""
        packed = number.to_bytes(8, "little") + value.to_bytes(8, "little")
        self.write_wide(UC_X86_REG_MSR, packed)

    def hook(self, kind: int, prototype: Any, function: Callable[..., Any], instruction: int | None = None) -> c_void_p:
        """Add a raw hook for all addresses; the callback object lives as long as the engine."""
        callback = prototype(function)
        self._callbacks.append(callback)
        hook = c_void_p()
        begin, end = clib.c_uint64(1), clib.c_uint64(0)  # begin > end: everywhere
        extra = () if instruction is None else (c_int(instruction),)
        self.check(
            self.held.uc_hook_add(self.handle, clib.byref(hook), kind, callback, None, begin, end, *extra),
        )
        return hook

    def hook_code(self, kind: int, address: int, user_data: c_void_p) -> None:
        """Add a hook for all addresses whose function is machine code at an address."""
        begin, end = clib.c_uint64(1), clib.c_uint64(0)
        hook = c_void_p()
        self.check(self.held.uc_hook_add(self.handle, clib.byref(hook), kind, c_void_p(address), user_data, begin, end))

    def unhook(self, hook: c_void_p) -> None:
        """Remove a hook."""
        self.check(self.held.uc_hook_del(self.handle, hook))

    def stop(self) -> None:
        """End the current emu_start; lost when none is under way."""
        self.held.uc_emu_stop(self.handle)

    def close(self) -> None:
        """Free the engine; RAM given to it stays its owner's."""
        if self.handle.value:
            self.held.uc_close(self.handle)
            self.handle = c_void_p()
