"""What may differ between two runs, and between this host and pyuk: all of it is here.

Two things, kept apart. *Scrubbing* takes out what differs between two runs on one kernel: addresses, process ids,
times, inode and device numbers, random bytes. *HOST_DIFFERENCES* is the one list of what is known to differ between the
host's kernel or CPU and pyuk's, each with its reason and the kernels it was seen on. Both are applied to both texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

# --- what differs between the host and pyuk ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TextDifference:
    """Lines of a trace or of a program's output that are not compared as they are.

    `pattern` (re.MULTILINE) is replaced by `replacement` in both texts; "" after a whole line drops it. `subject` is
    matched from the start of the case's name ("programs/uname -a", "loader/start_frame").
    """

    name: str
    where: Literal["trace", "output"]
    subject: str
    pattern: str
    replacement: str
    reason: str
    kernels: str


@dataclass(frozen=True, slots=True)
class DeathDifference:
    """A guest that pyuk ends in another way than the host; `pyuk` is the death wanted of it.

    Written as `SIGNAL CODE addr=A rip=R`, A and R as numbers, `fault` or `fault+N`; "survives" when the instruction
    just works (the plain guest then exits with SURVIVED, the one at a page's end faults on the next page).
    """

    name: str
    subject: str
    pyuk: str
    reason: str
    kernels: str


@dataclass(frozen=True, slots=True)
class GuestDifference:
    """A guest that passes natively and cannot pass on pyuk; the day it does, its test fails until this is removed."""

    name: str
    subject: str
    reason: str
    kernels: str


HostDifference = TextDifference | DeathDifference | GuestDifference

_ILL = "SIGILL ILL_ILLOPN addr=fault rip=fault"
_NO_AVX = "pyuk's CPU is a Westmere: no VEX or EVEX instruction may run (docs/cpu.md); a host with AVX runs it"

HOST_DIFFERENCES: tuple[HostDifference, ...] = (
    DeathDifference("avx", r"cpu/deaths/(vex|evex)_", _ILL, _NO_AVX, "any; depends on the host's CPU"),
    DeathDifference(
        "xsave",
        r"cpu/deaths/xgetbv",
        _ILL,
        "a Westmere has no XSAVE, and CPUID says so",
        "any; depends on the host's CPU",
    ),
    DeathDifference(
        "rdtscp",
        r"cpu/deaths/rdtscp",
        _ILL,
        "Unicorn's Westmere has no RDTSCP, and CPUID says so",
        "any; depends on the host's CPU",
    ),
    DeathDifference(
        "IA32_EMULATION",
        r"cpu/deaths/int_0x80",
        "SIGSEGV SI_KERNEL addr=0x0 rip=fault",
        "pyuk is a kernel without IA32_EMULATION; the host's may have it, and then int 0x80 is a system call",
        "6.18 with CONFIG_IA32_EMULATION=y",
    ),
    DeathDifference(
        "sysenter",
        r"cpu/deaths/sysenter",
        "SIGSEGV SI_KERNEL addr=0x0 rip=fault",
        "pyuk is an Intel CPU under a kernel without IA32_EMULATION (#GP); an AMD CPU has no 64-bit sysenter (#UD)",
        "6.18 on AMD",
    ),
    DeathDifference(
        "icebp",
        r"cpu/deaths/icebp",
        "SIGTRAP TRAP_BRKPT addr=fault+1 rip=fault+1",
        "int1 is a trap (SDM vol. 2A), and so it is on pyuk; KVM on AMD leaves RIP at the instruction",
        "6.18 under KVM on AMD",
    ),
    DeathDifference(
        "non-canonical target",
        r"cpu/deaths/(noncanonical_(jump|call)|ret_noncanonical)",
        "SIGSEGV SI_KERNEL addr=0x0 rip=0x800000000000",
        "Unicorn branches first and finds the target bad then, as early AMD CPUs did; others fault at the branch",
        "any; depends on the host's CPU",
    ),
    DeathDifference(
        "alignment",
        r"cpu/deaths/(movaps_misaligned|ac_flag)",
        "survives",
        "Unicorn checks no alignment: neither SSE's #GP nor #AC (unicorn#1783; docs/cpu.md)",
        "any",
    ),
    DeathDifference(
        "SSE exceptions",
        r"cpu/deaths/sse_unmasked",
        "survives",
        "Unicorn raises no unmasked SSE exception, #XM (docs/cpu.md)",
        "any",
    ),
    GuestDifference(
        "x87 stack faults",
        r"fpu/stack_fault",
        "Unicorn does not notice that the x87 register stack overflows or is empty (docs/cpu.md)",
        "any",
    ),
    TextDifference(
        "uname",
        "trace",
        r"programs/uname",
        r'^(uname\(\{sysname="Linux", nodename=)".*?"|^(write\(1, "Linux ).*$',
        r"\1\2...",
        "the node's name and the kernel's release and version are pyuk's own",
        "any",
    ),
    TextDifference(
        "uname",
        "output",
        r"programs/uname",
        r"^Linux \S+ \S+ #.* (x86_64 GNU/Linux)$",
        r"Linux NODE RELEASE VERSION \1",
        "the node's name and the kernel's release and version are pyuk's own",
        "any",
    ),
    TextDifference(
        "hwcaps directories",
        "trace",
        r"",
        r"^.*/(glibc-hwcaps/x86-64-v[34]|haswell|avx512_1|xeon_phi)[/\"].*\n",
        "",
        "ld.so also looks for libraries built for the host's CPU, x86-64-v3 and v4; pyuk's is x86-64-v2",
        "any; depends on the host's CPU",
    ),
    TextDifference(
        "file systems",
        "trace",
        r"",
        r'^(read\(\d+, ")nodev\\t.*$',
        r"\1...",
        "/proc/filesystems lists what the kernel has been built with",
        "any",
    ),
    TextDifference(
        "parent",
        "trace",
        r"",
        r"^(getppid\(\) += )\d+$",
        r"\1PPID",
        "pyuk's first process has no parent, as the first process of a pid namespace has none",
        "any",
    ),
    TextDifference(
        "order of directories",
        "trace",
        r"sys/getdents64",
        r"^getdents64\(\d+, 0x[0-9a-f]+ /\* \d+ entries \*/, 64\) .*\n",
        "",
        "pyuk sorts a host directory's names, so other entries share a small buffer",
        "any",
    ),
    TextDifference(
        "opening and cutting",
        "output",
        r"file/inotify$",
        r"^open with O_TRUNC\n(?:  .*\n){4}",
        "",
        "up to Linux 6.7 inotify tells of O_TRUNC's cut before the opening, since then after it",
        "6.18 against 6.1",
    ),
    TextDifference(
        "number of CPUs",
        "trace",
        r"",
        r"^(sched_getaffinity\(\d+, \d+, )\[[\d ]*\](\) += )\d+$",
        r"\1[CPUS]\2N",
        "pyuk is one CPU; the mask's size is the host kernel's NR_CPUS",
        "any",
    ),
    TextDifference(
        "auxiliary vector of newer kernels",
        "output",
        r"loader/start_frame",
        r"^AT_(27|28|29) .*\n",
        "",
        "AT_RSEQ_FEATURE_SIZE and AT_RSEQ_ALIGN came with Linux 6.3; pyuk follows 6.1's uapi headers",
        "6.18 against 6.1",
    ),
    TextDifference(
        "auxiliary vector of the CPU",
        "output",
        r"loader/start_frame",
        r"^AT_(HWCAP2?|MINSIGSTKSZ) .*$",
        r"AT_\1 ...",
        "CPUID's feature bits, FSGSBASE, and the size of the CPU's extended state are another CPU's",
        "any; depends on the host's CPU",
    ),
)


def death_difference(case: str) -> DeathDifference | None:
    """Return what HOST_DIFFERENCES says about the death of this guest."""
    for difference in HOST_DIFFERENCES:
        if isinstance(difference, DeathDifference) and re.match(difference.subject, case):
            return difference
    return None


def death_line(line: str, program: Path) -> str:
    """Return a line of deathwatch, or `SIGNAL CODE addr=A rip=R`, with its numbers as they can be compared.

    Addresses near a symbol that death guests give their fatal instruction are `SYMBOL` or `SYMBOL+N`; those on the
    stack, whose place depends on the environment, are STACK.
    """
    symbols = _landmarks(program)

    def name(match: re.Match[str]) -> str:
        number = int(match[2], 16)
        if number >= _STACK_START and number < _STACK_END:
            return f"{match[1]}=STACK"
        below = [
            (number - value, symbol) for symbol, value in symbols.items() if 0 <= number - value < MAX_INSTRUCTION_BYTES
        ]
        if not below:
            return match[0]
        distance, symbol = min(below)
        return f"{match[1]}={symbol}" + (f"+{distance}" if distance else "")

    line = re.sub(r" at=\S+", "", line)
    if " witness=" not in line:  # not made with death.inc: what its registers hold depends on where its stack is
        line = line.partition(" flags=")[0]
    return re.sub(r"\b(addr|rip)=(0x[0-9a-f]+)", name, line)


MAX_INSTRUCTION_BYTES = 15
_STACK_START, _STACK_END = 0x7FF000000000, 0x7FFFFFFFF000


@cache
def _landmarks(program: Path) -> dict[str, int]:
    """Where a death guest's fatal instruction lies: death.inc and raw_death.h name it."""
    with program.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        found = {name: table.get_symbol_by_name(name) for name in ("fault", "fatal_read", "fatal_write", "fatal_call")}
        return {name: symbols[0]["st_value"] for name, symbols in found.items() if symbols}


def guest_difference(case: str) -> GuestDifference | None:
    """Return why this guest cannot pass on pyuk, if HOST_DIFFERENCES says so."""
    for difference in HOST_DIFFERENCES:
        if isinstance(difference, GuestDifference) and re.match(difference.subject, case):
            return difference
    return None


def _without_differences(text: str, where: str, case: str) -> str:
    for difference in HOST_DIFFERENCES:
        if isinstance(difference, TextDifference) and difference.where == where and re.match(difference.subject, case):
            text = re.sub(difference.pattern, difference.replacement, text, flags=re.MULTILINE)
    return text


# --- what differs between two runs -------------------------------------------------------------------------------

# A number of six hex digits or more is an address, but for rseq's signature, an offset that ends mmap's arguments, and
# numbers inside strings. Linux hands out no address below 0x10000.
_ADDRESS = re.compile(r'(?<![\w"])0x(?!53053053\b)[0-9a-f]{6,16}\b')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_MMAP = re.compile(r"^(mmap\(.*, )(0|0x[0-9a-f]+)(\)\s+= .*)$")
_PADDING = re.compile(r"^((?:[a-z_0-9]+\(.*|.*resumed>.*)\))\s+= ")

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _rule(pattern: str, replacement: str) -> Rule:
    return re.compile(pattern, re.MULTILINE), replacement


_PID_CALLS = r"getpid|gettid|getppid|getpgrp|getpgid|getsid|set_tid_address|fork|vfork|clone3?|wait4"
_TRACE_RULES: tuple[Rule, ...] = (
    _rule(rf"^((?:{_PID_CALLS})\(.*\)\s+= )[1-9]\d*$", r"\1PID"),
    _rule(r"^((?:getpgid|getsid|prlimit64|kill|tkill|tgkill|wait4)\()[1-9]\d{0,6}\b", r"\1PID"),
    _rule(r"^(getrandom\()\".*?\"(?:\.\.\.)?,", r"\1RANDOM,"),
    _rule(r"\b(st_ino|stx_ino|d_ino)=\d+", r"\1=INO"),
    _rule(r"\b(st_dev|st_rdev)=makedev\([^)]*\)", r"\1=DEV"),
    _rule(r"\b(stx_r?dev_(?:major|minor))=\d+", r"\1=DEV"),
    _rule(r"\b(tv_sec|tv_nsec|tv_usec|st_[amc]time(?:_nsec)?)=-?\d+", r"\1=T"),
    _rule(r"^(time\((?:\[)?)\d+", r"\1T"),
    _rule(r"^(time\(.*\)\s+= )\d+", r"\1T"),
    _rule(r"/\* \d{4}-\d\d-\d\dT[-+:.\d]+ \*/", "/* DATE */"),
    _rule(r" \(\d{4}-\d\d-\d\dT[-+:.\d]+\)$", " (DATE)"),
    _rule(r"^(sysinfo\(\{).*(\}\))", r"\1...\2"),
    _rule(r"\bsi_pid=\d+", "si_pid=PID"),
    _rule(r"^(gete?[ug]id\(\)\s+= )\d+$", r"\1ID"),
    # The link of a program started as ./NAME leads into the build directory, whose name has any length.
    _rule(r'^(readlink(?:at\(AT_FDCWD, |\()"/proc/self/exe", )".*"(?:\.\.\.)?(, \d+\)\s+= )\d+$', r"\1EXE\2N"),
)


def scrub_trace(text: str, case: str, *, cwd: str) -> str:
    """Return a log of strace or of `pyuk strace` as it can be compared with another one's.

    Units: whole lines, each ended. The column of `=` follows the length of what is before it, so addresses of another
    length move it: it is checked by misaligned_lines() on the unscrubbed text, and put at one space here.
    """
    text = _without_differences(text, "trace", case)
    text = text.replace(cwd, "$CWD")
    text = _scrub_linker_cache(text)
    for pattern, replacement in _TRACE_RULES:
        text = pattern.sub(replacement, text)
    lines = [_PADDING.sub(r"\1 = ", _scrub_addresses(line)) for line in text.splitlines()]
    return "".join(line + "\n" for line in lines)


def scrub_output(text: bytes, case: str, *, cwd: str) -> str:
    """Return a program's output as it can be compared with another run's."""
    decoded = text.decode("utf-8", errors="backslashreplace").replace(cwd, "$CWD")
    return _without_differences(decoded, "output", case)


def misaligned_lines(text: str) -> Sequence[str]:
    """Return the lines of an unscrubbed log whose `=` is not where strace puts it: at column 40, or after one space."""
    wrong = []
    for line in text.splitlines():
        if match := re.match(r"^([a-z_0-9]+\(.*\))( +)= (?:-?\d|0x|\?)", line):
            call, spaces = match[1], match[2]
            if len(spaces) != max(1, 40 - len(call)):
                wrong.append(line)
    return wrong


def _scrub_addresses(line: str) -> str:
    offset = ""
    if mmap := _MMAP.match(line):
        line, offset = f"{mmap[1]}OFFSET{mmap[3]}", mmap[2]
    parts, end = [], 0
    for string in _STRING.finditer(line):
        parts += [_ADDRESS.sub("0xADDR", line[end : string.start()]), string[0]]
        end = string.end()
    parts.append(_ADDRESS.sub("0xADDR", line[end:]))
    return "".join(parts).replace("OFFSET", offset, 1) if offset else "".join(parts)


def _scrub_linker_cache(text: str) -> str:
    """The size of /etc/ld.so.cache is the machine's: it shows in the stat, the mmap and the munmap of that file."""
    opened = re.search(
        r'^openat\(AT_FDCWD, "/etc/ld\.so\.cache", .*\n(?:newfstatat|fstat)\(.*?st_size=(\d+)', text, re.MULTILINE
    )
    if opened is None:
        return text
    size = opened[1]
    text = text.replace(f"st_size={size},", "st_size=LDCACHE,", 1)
    text = re.sub(rf"^(mmap\(NULL, ){size},", r"\1LDCACHE,", text, count=1, flags=re.MULTILINE)
    return re.sub(rf"^(munmap\(0x[0-9a-f]+, ){size}\)", r"\1LDCACHE)", text, count=1, flags=re.MULTILINE)
