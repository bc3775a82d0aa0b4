"""pyuk's side of the comparison: the loader on a real address space, without a CPU."""

from __future__ import annotations

import gc
import os
from dataclasses import dataclass
from pathlib import Path

from pyuk.abi.errno import SyscallError
from pyuk.abi.resource import RLIM64_INFINITY, RLIM_NLIMITS, RLIMIT_AS, RLIMIT_STACK
from pyuk.abi.types import FrameNr
from pyuk.fs.file import OpenFile
from pyuk.loader import LateLoadError, LoadError
from pyuk.loader.load import Loaded, prepare
from pyuk.loader.stack import Cpu
from pyuk.machine.paging import NX, PageTable
from pyuk.machine.ram import Ram
from pyuk.mm.pagecache import PageCache
from pyuk.mm.space import AddressSpace
from pyuk.mm.usermem import UserMemory
from tests.host_context import host_context
from tests.loader.elfmaker import EXIT_0
from tests.loader.hostexec import ADDRESS_SPACE_BYTES, Native, Someone

CAP_SYS_RAWIO = 17
HOST_AREAS = ("[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]")
FETCH, PRESENT = 4 | 16, 1
STACK_LIMIT_BYTES = 8 << 20


class FakeMachine:
    """RAM and page tables; there is no TLB to flush and nobody to run."""

    def __init__(self) -> None:
        self.ram = Ram(8 << 30)  # more than the oracle's RLIMIT_AS, so that only that counts
        self.ram.retire = lambda _frames: None

    rip = 0

    def single_step(self) -> bool:
        return False

    def end_single_step(self) -> None:
        pass

    def new_page_table(self) -> PageTable:
        return PageTable(self.ram, 0)

    def flush_tlb(self) -> None:
        pass

    def flush_page(self, va: int, /) -> None:
        pass

    def drop_translations(self, frames: list[FrameNr], /) -> None:
        pass


class Limits:
    """Those of the oracle's child."""

    def __init__(self) -> None:
        self.soft = [RLIM64_INFINITY] * RLIM_NLIMITS
        self.soft[RLIMIT_STACK] = STACK_LIMIT_BYTES
        self.soft[RLIMIT_AS] = ADDRESS_SPACE_BYTES
        self.hard = list(self.soft)


@dataclass
class Outcome:
    """What pyuk's loader made of a file."""

    verdict: str
    reason: str = ""
    space: AddressSpace | None = None
    loaded: Loaded | None = None

    @property
    def end(self) -> str:
        """How the program must end, as far as its first instructions tell: a fetch fault, or exit(0)."""
        assert self.space is not None
        assert self.loaded is not None
        fault = self.space.fault(self.loaded.entry, FETCH)
        if fault is None and self.space.page_table.entry(self.loaded.entry) & NX:
            fault = self.space.fault(self.loaded.entry, FETCH | PRESENT)
        if fault is not None:
            return f"signal {fault.signo}"
        try:
            code = UserMemory(self.space).read(self.loaded.entry, len(EXIT_0))
        except SyscallError:
            return ""
        return "exit 0" if code == EXIT_0 else ""


class Guests:
    """Loads one program after another on one machine; `close` checks that all gave everything back."""

    def __init__(self, directory: str) -> None:
        gc.collect()
        self._n_fds = _n_open()
        self.machine = FakeMachine()
        self.cache = PageCache(self.machine)
        self.fs = host_context(os.fsencode(directory))

    def open(self, path: bytes, flags: int, /) -> OpenFile:
        """The opener: relative to the directory."""
        return self.fs.open(path, flags)

    def execve(
        self,
        path: str,
        argv: list[str] | None = None,
        env: dict[str, str] | None = None,
        *,
        creds: Someone | None = None,
        cpu: Cpu | None = None,
    ) -> Outcome:
        """Load a file; the caller calls `end` when it has seen enough of a loaded one."""
        arguments = [os.fsencode(arg) for arg in (argv if argv is not None else [path])]
        environment = [os.fsencode(f"{name}={value}") for name, value in (env or {}).items()]
        try:
            program = prepare(self.open, os.fsencode(path), arguments, environment, creds or Someone())
        except LoadError as error:
            return Outcome(f"errno {error.errno}", error.reason or "no reason is given, and one must be")
        space = AddressSpace(self.machine, self.cache, Limits())
        space.mmap_min_addr = _mmap_min_addr()
        try:
            loaded = program.commit(space, bytes(16), stack_limit_bytes=STACK_LIMIT_BYTES, cpu=cpu)
        except LateLoadError as error:
            space.destroy()
            return Outcome("killed 11", error.reason or "no reason is given, and one must be")
        space.check_invariants()
        return Outcome("loaded", space=space, loaded=loaded)

    def finish(self, outcome: Outcome) -> None:
        """The process is gone."""
        if outcome.space is not None and outcome.loaded is not None:
            outcome.loaded.exe.drop()
            outcome.space.destroy()

    def close(self) -> None:
        """Every process is gone: no frame has an owner and no descriptor is left open."""
        self.cache.close()
        self.fs.release()
        self.fs.namespace.close()
        assert self.machine.ram.n_used == 0
        assert _n_open() == self._n_fds


def differences(native: Native, outcome: Outcome) -> list[str]:
    """Everything in which a loaded program differs from the host's; empty is equal.

    What the host has and pyuk has not is left out: the vDSO and vsyscall pages and their auxv entries.
    """
    if native.verdict != outcome.verdict:
        return [f"host: {native.verdict}, pyuk: {outcome.verdict} {outcome.reason}"]
    if not native.loaded:
        return []
    assert outcome.space is not None
    loaded = outcome.loaded
    assert loaded is not None
    pairs = {
        "maps": (_comparable(native.maps), _comparable(outcome.space.maps())),
        "entry": (native.rip, loaded.entry),
    }
    strings = loaded.strings
    positions = {
        "start_code": (26, loaded.start_code),
        "end_code": (27, loaded.end_code),
        "start_data": (45, loaded.start_data),
        "end_data": (46, loaded.end_data),
        "start_brk": (47, loaded.brk),
        "arg_start": (48, strings.arg_start),
    }
    if _intact(outcome):
        positions |= {
            "arg_end": (49, strings.arg_end),
            "env_start": (50, strings.env_start),
            "env_end": (51, strings.env_end),
        }
    for name, (field, value) in positions.items():
        pairs[name] = (int(native.stat[field - 3]), value)
    end = outcome.end
    if end and native.end != "signal 9" and not _in_vdso(native):  # 9: killed before its first instruction
        pairs["end"] = (native.end, end)
    return [f"{name}: host {_show(host)}, pyuk {_show(ours)}" for name, (host, ours) in pairs.items() if host != ours]


def _n_open() -> int:
    """Descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


def _in_vdso(native: Native) -> bool:
    """Whether the entry point is, by chance, in a page that only the host has."""
    for line in native.maps.splitlines():
        if line.endswith(HOST_AREAS):
            start, end = line.split()[0].split("-")
            if int(start, 16) <= native.rip < int(end, 16):
                return True
    return False


def _intact(outcome: Outcome) -> bool:
    """Whether no segment lies over the strings. Linux measures what it then finds there; pyuk knows the lengths."""
    assert outcome.space is not None
    assert outcome.loaded is not None
    strings = outcome.loaded.strings
    return UserMemory(outcome.space).peek(strings.arg_start, len(strings.data)) == strings.data


def _mmap_min_addr() -> int:
    """CAP_SYS_RAWIO lifts the host's limit, and root has it unless it was taken away."""
    status = Path("/proc/self/status").read_text().splitlines()
    effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff:"))
    if effective >> CAP_SYS_RAWIO & 1:
        return 0
    return int(Path("/proc/sys/vm/mmap_min_addr").read_text())


def _comparable(maps: str) -> str:
    """One space between words, and the differences left out that are known and of no consequence.

    An area of zeros that touches start_brk is called the heap by Linux 6.1 and not by later ones, before there is any
    heap. Zeros made by vm_brk_flags are not merged with an area of zeros above them.
    """
    lines: list[list[str]] = []
    for line in maps.splitlines():
        words = line.split()
        if words[-1] == "[heap]":
            words[-1:] = ["[stack]"] if words[0].endswith("-7ffffffff000") else []
        if words[-1] in HOST_AREAS:
            continue
        if lines and words[4] == "0" and words[1:] == lines[-1][1:]:
            (below, middle), (start, end) = lines[-1][0].split("-"), words[0].split("-")
            if middle == start:
                lines[-1][0] = f"{below}-{end}"
                continue
        lines.append(words)
    return "\n".join(map(" ".join, lines))


def _show(value: object) -> str:
    return hex(value) if isinstance(value, int) else "\n" + str(value) if "\n" in str(value) else str(value)
