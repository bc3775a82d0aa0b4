"""What lies on the stack when a program starts.

From the top down (setup in fs/exec.c, create_elf_tables in fs/binfmt_elf.c; SysV ABI AMD64 3.4.1 "Initial Stack"):
eight zero bytes, the path given to execve, the environment strings, the argument strings, then, from a multiple of 16
down, the platform string and 16 random bytes, and at the stack pointer, again a multiple of 16: argc, argv, envp, auxv.
"""

from __future__ import annotations

import struct

from pyuk.abi.elf import (
    AT_BASE,
    AT_CLKTCK,
    AT_EGID,
    AT_ENTRY,
    AT_EUID,
    AT_EXECFN,
    AT_FLAGS,
    AT_GID,
    AT_HWCAP,
    AT_HWCAP2,
    AT_MINSIGSTKSZ,
    AT_NULL,
    AT_PAGESZ,
    AT_PHDR,
    AT_PHENT,
    AT_PHNUM,
    AT_PLATFORM,
    AT_RANDOM,
    AT_SECURE,
    AT_SYSINFO_EHDR,
    AT_UID,
)  # fmt: skip
from pyuk.abi.errno import E2BIG
from pyuk.loader import LoadError
from pyuk.loader.elf import PAGE_BYTES, PHDR_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.loader.protocols import Credentials

STACK_TOP = 0x7FFF_FFFF_F000
"""End of the stack when nothing is randomised (STACK_TOP = TASK_SIZE_MAX)."""

MAX_ARG_STRLEN = 32 * 4096
"""One string with its NUL (include/uapi/linux/binfmts.h)."""
ARG_MAX_BYTES = 128 * 1024
"""All strings and pointers may take this much even where the stack's limit is small (uapi/linux/limits.h)."""
STK_LIM = 8 << 20

PLATFORM = b"x86_64\0"
RANDOM_BYTES = 16
CLOCKS_PER_SEC = 100

HWCAP_WESTMERE = 0x078B_FBFF
"""CPUID.1:EDX of the CPU model that the machine has."""
MINSIGSTKSZ_FXSAVE = 1040
"""The largest signal frame without XSAVE, IA32_EMULATION off: 440 + 15 + 512 + 63, rounded up to 16
(init_sigframe_size in arch/x86/kernel/signal.c)."""


AUXV_ORDER = (
    AT_SYSINFO_EHDR, AT_MINSIGSTKSZ, AT_HWCAP, AT_PAGESZ, AT_CLKTCK, AT_PHDR, AT_PHENT, AT_PHNUM, AT_BASE, AT_FLAGS,
    AT_ENTRY, AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE, AT_RANDOM, AT_HWCAP2, AT_EXECFN, AT_PLATFORM, AT_NULL,
)  # fmt: skip


class Cpu:
    """What the auxiliary vector says of the CPU."""

    __slots__ = ("hwcap", "hwcap2", "minsigstksz")

    def __init__(
        self,
        hwcap: int = HWCAP_WESTMERE,
        hwcap2: int = 0,
        minsigstksz: int = MINSIGSTKSZ_FXSAVE,
    ) -> None:
        self.hwcap = hwcap
        self.hwcap2 = hwcap2
        self.minsigstksz = minsigstksz


class Strings:
    """The string area: `data` goes to [start, top) and ends with eight zero bytes.

    [arg_start, arg_end) and [env_start, env_end) are what /proc/PID/cmdline and environ show.
    """

    __slots__ = ("arg_end", "arg_start", "argv", "data", "env_end", "env_start", "envp", "execfn", "top")

    def __init__(self, top: int, argv: list[bytes], envp: list[bytes], execfn: bytes) -> None:
        self.top = top
        self.argv = argv
        self.envp = envp
        arguments = b"\0".join([*argv, b""])
        environment = b"\0".join([*envp, b""])
        self.data = arguments + environment + execfn + bytes(1 + 8)
        self.arg_start = top - len(self.data)
        self.arg_end = self.env_start = self.arg_start + len(arguments)
        self.env_end = self.execfn = self.env_start + len(environment)


def check_limits(argv: list[bytes], envp: list[bytes], execfn: bytes, n_pointers: int, stack_limit_bytes: int) -> None:
    """Raise E2BIG where execve would. n_pointers: argv and envp as the caller gave them.

    The room is a quarter of RLIMIT_STACK, at most 6 MiB and at least 128 KiB, and the pointers count.
    Source: execve(2), "Limits on size of arguments and environment"; bprm_stack_limits.
    """
    limit = max(min(STK_LIM // 4 * 3, stack_limit_bytes // 4), ARG_MAX_BYTES) - n_pointers * 8
    if limit <= 0:
        raise LoadError(E2BIG, f"{n_pointers} arguments and environment strings")
    strings = [*argv, *envp, execfn]
    if sum(map(len, strings)) + len(strings) > limit:
        raise LoadError(E2BIG, "arguments and environment take more than a quarter of the stack's limit")
    if max(map(len, strings)) >= MAX_ARG_STRLEN:
        raise LoadError(E2BIG, "an argument or environment string is longer than 128 KiB")


class Tables:
    """The part below the strings: `data` goes to [sp, sp + len(data)); its first word is argc."""

    __slots__ = ("auxv", "data", "random", "sp")

    def __init__(
        self, strings: Strings, random16: bytes, creds: Credentials, cpu: Cpu, program: dict[int, int]
    ) -> None:  # fmt: skip
        """`program` has the values that depend on what was mapped where.

        These are AT_PHDR, AT_PHNUM, AT_BASE, AT_ENTRY, AT_SECURE, and AT_SYSINFO_EHDR where there is a vDSO.
        """
        aligned = strings.arg_start & ~15
        platform = aligned - len(PLATFORM)
        self.random = platform - RANDOM_BYTES
        values = {
            AT_MINSIGSTKSZ: cpu.minsigstksz,
            AT_HWCAP: cpu.hwcap,
            AT_PAGESZ: PAGE_BYTES,
            AT_CLKTCK: CLOCKS_PER_SEC,
            AT_PHENT: PHDR_BYTES,
            AT_FLAGS: 0,
            AT_UID: creds.uid,
            AT_EUID: creds.euid,
            AT_GID: creds.gid,
            AT_EGID: creds.egid,
            AT_RANDOM: self.random,
            AT_HWCAP2: cpu.hwcap2,
            AT_EXECFN: strings.execfn,
            AT_PLATFORM: platform,
            AT_NULL: 0,
            **program,
        }
        auxv = [(tag, values[tag]) for tag in AUXV_ORDER if tag in values]
        self.auxv: list[tuple[int, int]] = auxv

        words = [len(strings.argv)]
        words.extend(_addresses(strings.argv, strings.arg_start))
        words.extend(_addresses(strings.envp, strings.env_start))
        for pair in auxv:
            words.extend(pair)
        self.sp = self.random - len(words) * 8 & ~15
        gap = self.random - self.sp - len(words) * 8
        self.data = (
            struct.pack(f"<{len(words)}Q", *words)
            + bytes(gap)
            + random16
            + PLATFORM
            + bytes(strings.arg_start - aligned)
        )


def _addresses(strings: list[bytes], start: int) -> list[int]:
    """Where each string begins, and the NULL that ends the vector."""
    addresses = []
    for string in strings:
        addresses.append(start)
        start += len(string) + 1
    addresses.append(0)
    return addresses
