"""A machine without a CPU: real RAM and page tables, a walker in Python for the MMU, and a record of what was flushed.

The walker has a TLB that forgets nothing by itself, so a flush that is missing shows as a stale access.
"""

from __future__ import annotations

from pyuk.abi.errno import EOPNOTSUPP, SyscallError
from pyuk.abi.resource import RLIM64_INFINITY, RLIM_NLIMITS, RLIMIT_STACK
from pyuk.abi.types import FrameNr
from pyuk.machine.paging import FRAME_MASK, NX, PAGE_MASK, PS, A, D, P, PageTable, U, W
from pyuk.machine.ram import Ram
from pyuk.mm.fault import PF_INSTR, PF_PRESENT, PF_USER, PF_WRITE, Fault
from pyuk.mm.pagecache import PageCache
from pyuk.mm.space import AddressSpace
from pyuk.mm.usermem import UserMemory


class GuestSignalError(Exception):
    """The access ended in a signal."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(repr(fault))
        self.signo, self.si_code, self.address = fault.signo, fault.si_code, fault.address


class Limits:
    """No limit but the usual stack."""

    def __init__(self) -> None:
        self.soft = [RLIM64_INFINITY] * RLIM_NLIMITS
        self.hard = [RLIM64_INFINITY] * RLIM_NLIMITS
        self.soft[RLIMIT_STACK] = 8 << 20


class FakeMachine:
    """RAM, and one TLB for whichever space is loaded."""

    def __init__(self, n_frames: int = 4096) -> None:
        self.ram = Ram(n_frames << 12)
        self.ram.retire = self._retire
        self.tlb: dict[int, int] = {}
        self.loaded: PageTable | None = None
        self.translated: dict[int, bytes] = {}
        """frame -> the bytes as they were when code from it first ran since its translations were dropped."""
        self.n_flushes = 0

    def new_page_table(self) -> PageTable:
        return PageTable(self.ram, 0)

    rip = 0

    def single_step(self) -> bool:
        return True

    def end_single_step(self) -> None:
        pass

    def flush_tlb(self) -> None:
        self.n_flushes += 1
        self.tlb.clear()

    def flush_page(self, va: int) -> None:
        self.n_flushes += 1
        self.tlb.pop(va >> 12, None)

    def drop_translations(self, frames: list[FrameNr]) -> None:
        for frame in frames:
            self.translated.pop(frame, None)
            self.ram.executable[frame] = 0

    def _retire(self, frames: list[FrameNr]) -> None:
        self.tlb.clear()
        self.drop_translations(frames)

    def load(self, space: AddressSpace) -> None:
        """Switch the address space, as a write to CR3 does."""
        if self.loaded is not space.page_table:
            self.loaded = space.page_table
            self.tlb.clear()


class Guest:
    """A process that touches memory through the MMU: stores, loads and fetches, with faults answered by the space."""

    def __init__(self, machine: FakeMachine, space: AddressSpace) -> None:
        self.machine = machine
        self.space = space
        self.memory = UserMemory(space)

    def _access(self, va: int, error_code: int) -> int:
        """The physical address of va; faults until it may be accessed. TLB hits are not checked against the table."""
        machine, words = self.machine, self.machine.ram.words
        machine.load(self.space)
        write, fetch = error_code & PF_WRITE, error_code & PF_INSTR
        for _ in range(4):
            entry = machine.tlb.get(va >> 12)
            if entry is None or (write and not entry & W) or (fetch and entry & NX):
                slot, entry = self._walk(va)
                present = entry & P
                if present and entry & U and not (write and not entry & W) and not (fetch and entry & NX):
                    words[slot] |= A | (D if write else 0)
                    machine.tlb[va >> 12] = entry
                else:
                    machine.tlb.pop(va >> 12, None)
                    fault = self.space.fault(va, error_code | PF_USER | (PF_PRESENT if present else 0))
                    if fault is not None:
                        raise GuestSignalError(fault)
                    continue
            return entry & FRAME_MASK | va & PAGE_MASK
        raise AssertionError(f"the fault at {va:#x} is answered but recurs")

    def _walk(self, va: int) -> tuple[int, int]:
        """Where the entry that translates va stands, and its translation with the rights of all levels."""
        words = self.machine.ram.words
        table: int = self.space.page_table.root
        rights = P | W | U
        for shift in (39, 30, 21, 12):
            slot = (table << 9) + (va >> shift & 511)
            entry = words[slot]
            if not entry & P:
                return slot, 0
            rights &= entry
            table = (entry & FRAME_MASK) >> 12
            if shift == 21 and entry & PS:
                assert not table & 511
                table += va >> 12 & 511
                break
        return slot, table << 12 | rights | entry & (NX | A | D)

    def load(self, va: int, n_bytes: int = 1) -> bytes:
        """Read bytes of one page."""
        at = self._access(va, 0)
        return bytes(self.machine.ram.bytes[at : at + n_bytes])

    def store(self, va: int, data: bytes) -> None:
        """Write bytes of one page; the CPU notices a store into code through an entry that is executable."""
        at = self._access(va, PF_WRITE)
        self.machine.ram.bytes[at : at + len(data)] = data
        if not self.machine.tlb[va >> 12] & NX:
            self.machine.translated.pop(at >> 12, None)

    def execute(self, va: int, n_bytes: int = 1) -> bytes:
        """The bytes that run at va: those of the translation, if the frame has one."""
        at = self._access(va, PF_INSTR)
        frame = at >> 12
        if frame not in self.machine.translated:
            self.machine.translated[frame] = bytes(self.machine.ram.bytes[frame << 12 : frame + 1 << 12])
        return self.machine.translated[frame][at & PAGE_MASK : (at & PAGE_MASK) + n_bytes]

    def fork(self) -> Guest:
        return Guest(self.machine, self.space.fork())


class MemoryFile:
    """A file in host memory, with every call recorded."""

    def __init__(self, data: bytes, ino: int = 7, path: bytes = b"/tmp/file") -> None:  # only a name
        self.data = bytearray(data)
        self.dev, self.ino, self.path = 0x801, ino, path
        self.mtime_ns = 1
        self.refs = 0
        self.pages = None
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, int]] = []

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        return self.dev, self.ino, len(self.data), self.mtime_ns, self.mtime_ns

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def rewrite(self, data: bytes) -> None:
        """Change the file behind pyuk's back."""
        self.data = bytearray(data)
        self.mtime_ns += 1

    def map_flags(self, vm_flags: int) -> int:
        return vm_flags

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        self.reads.append((offset, sum(map(len, slices))))
        start = offset
        for part in slices:
            piece = self.data[offset : offset + len(part)]
            part[: len(piece)] = piece
            offset += len(piece)
        return offset - start

    def pwritev(self, slices: list[memoryview], offset: int) -> int:
        self.writes.append((offset, sum(map(len, slices))))
        for part in slices:
            self.data[offset : offset + len(part)] = part
            offset += len(part)
        self.mtime_ns += 1
        return sum(map(len, slices))

    def punch(self, offset: int, length: int) -> None:
        raise SyscallError(EOPNOTSUPP)

    def hold(self) -> MemoryFile:
        self.refs += 1
        return self

    def drop(self) -> None:
        self.refs -= 1


def new_guest(n_frames: int = 4096) -> Guest:
    """An empty process on a new machine."""
    machine = FakeMachine(n_frames)
    cache = PageCache(machine)
    return Guest(machine, AddressSpace(machine, cache, Limits()))
