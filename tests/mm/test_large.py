"""2 MiB pages, tables that a fork shares, and the memory that goes back: what is counted, split, copied and freed."""

from __future__ import annotations

import mmap

import pytest

from pyuk.abi.mman import (
    MADV_DONTNEED,
    MADV_NOHUGEPAGE,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
)  # fmt: skip
from pyuk.machine.paging import PS
from pyuk.machine.ram import RUN_FRAMES, OutOfFramesError, Ram
from tests.mm.fake_machine import Guest, GuestSignalError, new_guest

PAGE = 4096
LARGE = 2 << 20
AT = 0x4000_0000
RW = PROT_READ | PROT_WRITE
FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
N_FRAMES = 32768


def guest_with(n_large: int) -> Guest:
    """A guest with so many 2 MiB at AT, each touched once."""
    guest = new_guest(N_FRAMES)
    guest.space.mmap(AT, n_large * LARGE, RW, FIXED)
    for index in range(n_large):
        guest.store(AT + index * LARGE + 5 * PAGE, bytes((index + 1,)))
    return guest


def finish(*guests: Guest) -> None:
    """All end, and nothing is left."""
    machine = guests[0].machine
    for guest in guests:
        guest.space.check_invariants()
    machine.loaded = None
    for guest in guests:
        guest.space.destroy()
    assert machine.ram.n_used == 0
    assert not any(machine.ram.counts[: machine.ram.n_frames])


def test_a_touch_of_an_aligned_area_takes_one_fault_for_2_mib() -> None:
    """Each 2 MiB of a private anonymous area that is large enough is one page of the MMU, with zeros in it."""
    guest = guest_with(4)
    space = guest.space
    assert (space.n_large, len(space.page_table.large), len(space.page_table.leaves)) == (4, 4, 0)
    assert space.rss_pages == 4 * RUN_FRAMES
    assert space.ram.words[space.page_table.large[AT >> 21]] & PS
    assert guest.load(AT + LARGE - 1) == b"\0"
    assert guest.load(AT + LARGE + 5 * PAGE) == b"\2"
    assert space.n_demand_zero == 4
    assert guest.memory.read(AT + LARGE - 2, 4) == bytes(4)
    finish(guest)


@pytest.mark.parametrize("why", ["small", "executable", "no huge page", "table"])
def test_no_large_page_where_it_may_not_be(why: str) -> None:
    """An area that is smaller or runs code, advice against it, or a table that is there already: 4 KiB pages."""
    guest = new_guest(N_FRAMES)
    space = guest.space
    start, length = (AT + PAGE, LARGE) if why == "small" else (AT, LARGE)
    space.mmap(start, length, RW | PROT_EXEC if why == "executable" else RW, FIXED)
    if why == "no huge page":
        space.madvise(AT, LARGE, MADV_NOHUGEPAGE)
    if why == "table":
        space.munmap(AT + PAGE, LARGE - PAGE)
        guest.store(AT, b"x")
        space.mmap(AT + PAGE, LARGE - PAGE, RW, FIXED)
    guest.store(AT + 2 * PAGE, b"x")
    assert not space.page_table.large
    finish(guest)


@pytest.mark.parametrize("change", ["munmap", "mprotect", "dontneed", "mremap", "exec"])
def test_a_change_of_a_part_splits_the_page(change: str) -> None:
    """What happens to some pages of a 2 MiB page leaves the bytes and the rights of the others."""
    guest = guest_with(2)
    space = guest.space
    guest.store(AT + 9 * PAGE, b"n")
    start = AT + 5 * PAGE
    if change == "munmap":
        space.munmap(start, PAGE)
    elif change == "mprotect":
        space.mprotect(start, PAGE, PROT_READ)
    elif change == "exec":
        space.mprotect(AT, LARGE, PROT_READ | PROT_EXEC)
    elif change == "dontneed":
        space.madvise(start, PAGE, MADV_DONTNEED)
    else:
        space.mremap(start, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT + 64 * LARGE)
        assert guest.load(AT + 64 * LARGE) == b"\1"
    assert len(space.page_table.large) == 1
    assert guest.load(AT + 9 * PAGE) == b"n"
    if change != "exec":
        guest.store(AT + 9 * PAGE, b"o")
    if change in ("munmap", "mremap"):
        with pytest.raises(GuestSignalError):
            guest.load(start)
    else:
        assert guest.load(start) == (b"\0" if change == "dontneed" else b"\1")
    if change in ("mprotect", "exec"):
        with pytest.raises(GuestSignalError):
            guest.store(start, b"x")
    finish(guest)


def test_whole_pages_change_without_a_split() -> None:
    """mprotect, a move by a multiple of 2 MiB and munmap of whole 2 MiB pages keep them as they are."""
    guest = guest_with(3)
    space = guest.space
    space.mprotect(AT, 3 * LARGE, PROT_NONE)
    with pytest.raises(GuestSignalError):
        guest.load(AT)
    space.mprotect(AT, 3 * LARGE, RW)
    guest.store(AT, b"w")
    space.mremap(AT, 3 * LARGE, 3 * LARGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT + 8 * LARGE)
    assert guest.load(AT + 8 * LARGE) == b"w"
    assert guest.load(AT + 10 * LARGE + 5 * PAGE) == b"\3"
    assert len(space.page_table.large) == 3
    space.munmap(AT + 8 * LARGE, LARGE)
    assert len(space.page_table.large) == 2
    finish(guest)


def test_fork_shares_a_large_page_until_one_writes() -> None:
    """The writer gets 4 KiB pages and one copy, the other keeps the 2 MiB page; when it is alone it writes in place."""
    parent = guest_with(2)
    used = parent.machine.ram.n_used
    child = parent.fork()
    assert parent.machine.ram.n_used - used < 10
    assert len(child.space.page_table.large) == 2
    child.store(AT + 5 * PAGE, b"C")
    assert (parent.load(AT + 5 * PAGE), child.load(AT + 5 * PAGE)) == (b"\1", b"C")
    assert child.space.n_cow == 1
    parent.store(AT + 6 * PAGE, b"P")
    assert child.load(AT + 6 * PAGE) == b"\0"
    grandchild = child.fork()
    grandchild.store(AT + 5 * PAGE, b"G")
    assert [g.load(AT + 5 * PAGE) for g in (parent, child, grandchild)] == [b"\1", b"C", b"G"]
    for guest in (parent, child, grandchild):
        guest.space.check_invariants()
    grandchild.machine.loaded = None
    grandchild.space.destroy()
    child.space.destroy()
    minor = parent.space.n_minor
    parent.store(AT + LARGE, b"a")
    assert (parent.space.n_minor, parent.space.n_cow) == (minor + 1, 1)
    finish(parent)


def test_fork_shares_tables_and_copies_one_when_it_changes() -> None:
    """A fork takes no table for what it shares; a store takes a copy of its table and page, in either process."""
    parent = new_guest(N_FRAMES)
    parent.space.mmap(AT, 8 * LARGE, RW, FIXED)
    parent.space.madvise(AT, 8 * LARGE, MADV_NOHUGEPAGE)
    for index in range(8):
        parent.store(AT + index * LARGE, b"p")
    used = parent.machine.ram.n_used
    child = parent.fork()
    upper = child.machine.ram.n_used - used
    assert upper == 3
    assert not child.space.page_table.owned
    assert not parent.space.page_table.owned
    child.store(AT, b"c")
    assert child.machine.ram.n_used == used + upper + 2
    child.store(AT + PAGE, b"d")  # demand fill: the table is its own by now
    assert (parent.load(AT), parent.load(AT + PAGE), child.load(AT)) == (b"p", b"\0", b"c")
    child.space.munmap(AT + LARGE, LARGE)
    child.space.mprotect(AT + 2 * LARGE, LARGE, PROT_READ)
    child.memory.write(AT + 3 * LARGE, b"k")
    parent.store(AT + 4 * LARGE, b"q")
    assert [parent.load(AT + i * LARGE) for i in range(1, 5)] == [b"p", b"p", b"p", b"q"]
    assert [child.load(AT + i * LARGE) for i in range(2, 5)] == [b"p", b"k", b"p"]
    parent.store(AT + 2 * LARGE, b"r")
    assert child.load(AT + 2 * LARGE) == b"p"
    finish(child, parent)


def test_large_freed_ranges_go_back_to_the_host() -> None:
    """Runs, and single frames that make up runs, are dropped from the host's memory, and are zeros when they return."""
    ram = Ram(64 << 20)
    frames = [ram.alloc() for _ in range(6000)]
    for frame in frames:
        ram.frame(frame)[0] = 1
    ram.release_all(frames)
    assert ram.n_used == 0
    runs = [ram.alloc_run() for _ in range(20)]
    assert all(run and run % RUN_FRAMES == 0 for run in runs)
    for run in runs:
        assert not any(ram.bytes[run << 12 : (run << 12) + LARGE : PAGE])
        ram.bytes[run << 12 : (run << 12) + LARGE] = b"\1" * LARGE
    assert ram.n_used == 20 * RUN_FRAMES
    for run in runs:
        ram.release_run(run)  # type: ignore[arg-type]
    assert ram.n_used == 0
    again = [ram.alloc_run() for _ in range(20)]
    assert not any(any(ram.bytes[run << 12 : (run << 12) + LARGE : mmap.PAGESIZE]) for run in again if run)


def test_runs_are_broken_up_when_frames_run_short() -> None:
    """All of RAM can be had in single frames after it was given in runs, and the last eighth is never given in runs."""
    ram = Ram(16 << 20)
    runs = []
    while run := ram.alloc_run():
        runs.append(run)
    assert ram.n_frames - ram.n_used >= ram.n_frames >> 3
    for run in runs:
        ram.release_run(run)  # type: ignore[arg-type]
    frames = [ram.alloc() for _ in range(ram.n_frames - 1)]
    assert len(set(frames)) == ram.n_frames - 1
    with pytest.raises(OutOfFramesError):
        ram.alloc()
