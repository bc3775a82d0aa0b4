"""Random mmap, munmap, mprotect, mremap, madvise, store, execute, kernel write, fork and exit, against a dict of pages.

The guest's accesses go through a TLB that forgets only what is flushed, and run code as it was translated, so a missing
flush or a stale translation shows as a wrong byte.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.mman import (
    MADV_DOFORK,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    MS_SYNC,
    PROT_EXEC,
    PROT_WRITE,
)  # fmt: skip
from pyuk.abi.signal import SIGBUS, SIGSEGV
from tests.mm.fake_machine import Guest, GuestSignalError, MemoryFile, new_guest

PAGE = 4096
BASE = 0x1FF8_0000  # the window has two whole 2 MiB and parts of two more
N_PAGES = 1280
N_FILE_PAGES = 20

pages = st.one_of(
    st.integers(0, 7), st.integers(120, 135), st.sampled_from((128, 640)), st.integers(636, 644),
    st.integers(0, N_PAGES - 1),
)  # fmt: skip
lengths = st.one_of(st.integers(1, 4), st.integers(1, 40), st.sampled_from((512, 520, 1024, 1152)))
prots = st.integers(0, 7)
kinds = st.sampled_from(("anonymous", "shared", "private file", "shared file"))
values = st.integers(1, 255)


class Cell:
    """A page's first byte, wherever it is seen."""

    def __init__(self, value: int = 0) -> None:
        self.value = value


class Page:
    """What the model knows of one page of a process."""

    def __init__(self, prot: int, cell: Cell | None, *, private: bool, origin: Cell | None = None) -> None:
        self.prot = prot
        self.cell = cell  # None is past the end of a file
        self.private = private
        self.origin = origin  # the file's page that an unwritten private page shows
        self.own = False
        self.child = MADV_DOFORK  # MADV_DONTFORK, MADV_WIPEONFORK: what a child gets

    def copy(self) -> Page:
        if self.child == MADV_WIPEONFORK:
            twin = Page(self.prot, Cell(), private=True)
            twin.own, twin.child = True, self.child
            return twin
        twin = Page(self.prot, self.cell, private=self.private, origin=self.origin)
        if self.private and self.own and self.cell is not None:
            twin.cell = Cell(self.cell.value)
            twin.own = True
        return twin


class Process:
    """A guest, and what its memory should be."""

    def __init__(self, guest: Guest, memory: dict[int, Page]) -> None:
        self.guest = guest
        self.memory = memory


class MemoryMachine(RuleBasedStateMachine):
    """Up to four processes on one machine, and one file."""

    def __init__(self) -> None:
        super().__init__()
        first = new_guest(8192)
        self.machine = first.machine
        self.cache = first.space.cache
        self.file = MemoryFile(b"".join(bytes((i + 100,)) * PAGE for i in range(N_FILE_PAGES))[:-100])
        self.file_cells = [Cell(i + 100) for i in range(N_FILE_PAGES)]
        self.processes = [Process(first, {})]
        self.turn = 0

    @property
    def process(self) -> Process:
        return self.processes[self.turn % len(self.processes)]

    @rule(turn=st.integers(0, 3))
    def switch(self, turn: int) -> None:
        self.turn = turn

    @rule(first=pages, n=lengths, prot=prots, kind=kinds, offset=st.integers(0, N_FILE_PAGES))
    def mmap(self, first: int, n: int, prot: int, kind: str, offset: int) -> None:
        process = self.process
        n = min(n, N_PAGES - first)
        is_file = kind.endswith("file")
        flags = MAP_FIXED | (MAP_SHARED if kind.startswith("shared") else MAP_PRIVATE)
        if not is_file:
            flags |= MAP_ANONYMOUS
        file = self.file if is_file else None
        process.guest.space.mmap(BASE + first * PAGE, n * PAGE, prot, flags, file, offset * PAGE if is_file else 0)
        for i in range(n):
            private = flags & MAP_PRIVATE != 0
            if is_file:
                cell = self.file_cells[offset + i] if offset + i < N_FILE_PAGES else None
                process.memory[first + i] = Page(prot, cell, private=private, origin=cell)
            else:
                page = Page(prot, Cell(), private=private)
                page.own = True
                process.memory[first + i] = page

    @rule(first=pages, n=lengths)
    def munmap(self, first: int, n: int) -> None:
        self.process.guest.space.munmap(BASE + first * PAGE, n * PAGE)
        for i in range(first, first + n):
            self.process.memory.pop(i, None)

    @rule(first=pages, n=lengths, prot=prots)
    def mprotect(self, first: int, n: int, prot: int) -> None:
        memory = self.process.memory
        hole = next((i for i in range(first, first + n) if i not in memory), None)
        try:
            self.process.guest.space.mprotect(BASE + first * PAGE, n * PAGE, prot)
            assert hole is None
        except SyscallError:
            assert hole is not None
        for i in range(first, first + n if hole is None else hole):
            memory[i].prot = prot

    @rule(first=pages, new=pages, n=lengths)
    def mremap(self, first: int, new: int, n: int) -> None:
        memory = self.process.memory
        flags = MREMAP_MAYMOVE | MREMAP_FIXED
        if max(first, new) + n > N_PAGES:
            return
        try:
            old = BASE + first * PAGE
            self.process.guest.space.mremap(old, n * PAGE, n * PAGE, flags, BASE + new * PAGE)
        except SyscallError:
            overlap = abs(first - new) < n
            if not overlap and first in memory:  # EFAULT over two areas: the target has been unmapped before
                for i in range(new, new + n):
                    memory.pop(i, None)
            return
        for i in range(n):
            memory.pop(new + i, None)
        for i in range(n):
            memory[new + i] = memory.pop(first + i)

    @rule(first=pages, n=lengths)
    def dontneed(self, first: int, n: int) -> None:
        memory = self.process.memory
        try:
            self.process.guest.space.madvise(BASE + first * PAGE, n * PAGE, MADV_DONTNEED)
        except SyscallError:
            assert any(i not in memory for i in range(first, first + n))
        for i in range(first, first + n):
            page = memory.get(i)
            if page is not None and page.private:
                page.cell = page.origin if page.origin is not None else Cell() if page.cell is not None else None
                page.own = page.origin is None

    @rule(first=pages, n=lengths, advice=st.sampled_from((MADV_DONTFORK, MADV_WIPEONFORK)))
    def keep_from_child(self, first: int, n: int, advice: int) -> None:
        memory = self.process.memory
        try:
            self.process.guest.space.madvise(BASE + first * PAGE, n * PAGE, advice)
        except SyscallError as error:
            if error.errno == EINVAL:  # a file or shared memory: what comes before it has been advised
                assert advice == MADV_WIPEONFORK
                n = next(i for i in range(n) if first + i in memory and not self._can_be_wiped(memory[first + i]))
            else:
                assert any(i not in memory for i in range(first, first + n))
        for i in range(first, first + n):
            if i in memory and memory[i].child != MADV_DONTFORK:
                memory[i].child = advice

    @staticmethod
    def _can_be_wiped(page: Page) -> bool:
        return page.private and page.origin is None and page.cell is not None

    @rule(index=pages, value=values, by_kernel=st.booleans())
    def write(self, index: int, value: int, by_kernel: bool) -> None:  # noqa: FBT001  # hypothesis draws it
        page = self.process.memory.get(index)
        guest, va, data = self.process.guest, BASE + index * PAGE, bytes((value,))
        expected = self._signal(page, PROT_WRITE)
        try:
            if by_kernel:
                guest.memory.write(va, data)
            else:
                guest.store(va, data)
        except GuestSignalError as fault:
            self._agree(fault.signo, expected)
            return
        except SyscallError:
            assert expected
            return
        assert not expected
        assert page is not None
        assert page.cell is not None
        if page.private and not page.own:
            page.cell, page.own = Cell(value), True
        page.cell.value = value

    @rule(index=pages, how=st.sampled_from(("load", "execute", "read", "peek")))
    def read(self, index: int, how: str) -> None:
        page = self.process.memory.get(index)
        va = BASE + index * PAGE
        expected = self._signal(page, PROT_EXEC if how == "execute" else 0)
        try:
            found = self._look(how, va)
        except GuestSignalError as fault:
            self._agree(fault.signo, expected)
        except SyscallError:
            assert expected
        else:
            if expected:
                assert (how, found) == ("peek", b"")
            else:
                assert page is not None
                assert page.cell is not None
                assert found == bytes((page.cell.value,))

    def _look(self, how: str, va: int) -> bytes:
        guest = self.process.guest
        if how == "load":
            return guest.load(va)
        if how == "execute":
            return guest.execute(va)
        return guest.memory.read(va, 1) if how == "read" else guest.memory.peek(va, 1)

    @staticmethod
    def _agree(found: int, expected: int) -> None:
        assert found == expected

    @staticmethod
    def _signal(page: Page | None, wanted: int) -> int:
        if page is None or not page.prot or (wanted == PROT_WRITE and not page.prot & wanted):
            return SIGSEGV
        if page.cell is None:
            return SIGBUS
        return SIGSEGV if wanted and not page.prot & wanted else 0

    @precondition(lambda self: len(self.processes) < 4)
    @rule()
    def fork(self) -> None:
        parent = self.process
        memory = {i: page.copy() for i, page in parent.memory.items() if page.child != MADV_DONTFORK}
        self.processes.append(Process(parent.guest.fork(), memory))

    @precondition(lambda self: len(self.processes) > 1)
    @rule()
    def exit(self) -> None:
        process = self.process
        self.processes.remove(process)
        self.machine.loaded = None
        process.guest.space.destroy()

    @rule(first=pages, n=lengths)
    def msync(self, first: int, n: int) -> None:
        try:
            self.process.guest.space.msync(BASE + first * PAGE, n * PAGE, MS_SYNC)
        except SyscallError:
            return
        for i in range(first, first + n):
            page = self.process.memory[i]
            if not page.private and page.cell in self.file_cells:
                assert self.file.data[self.file_cells.index(page.cell) * PAGE] == page.cell.value

    @rule()
    def reclaim(self) -> None:
        self.cache.reclaim()

    @invariant()
    def structures_hold(self) -> None:
        for process in self.processes:
            process.guest.space.check_invariants()

    def teardown(self) -> None:
        self.machine.loaded = None
        for process in self.processes:
            process.guest.space.destroy()
        assert self.file.refs == 0
        assert self.machine.ram.n_used == self.cache.n_frames
        for i, cell in enumerate(self.file_cells):
            assert self.file.data[i * PAGE] == cell.value
        self.cache.close()
        assert not any(self.machine.ram.counts[: self.machine.ram.n_frames])


TestAgainstModel = MemoryMachine.TestCase
TestAgainstModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
