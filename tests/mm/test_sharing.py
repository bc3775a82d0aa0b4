"""Files, shared memory, copy-on-write and fork: who sees whose bytes, and what is flushed."""

from __future__ import annotations

import pytest

from pyuk.abi import errno
from pyuk.abi.errno import SyscallError
from pyuk.abi.mman import (
    MADV_DODUMP,
    MADV_DONTDUMP,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_FREE,
    MADV_HWPOISON,
    MADV_NORMAL,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_REMOVE,
    MADV_WILLNEED,
    MADV_WIPEONFORK,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_PRIVATE,
    MAP_SHARED,
    MREMAP_DONTUNMAP,
    MREMAP_FIXED,
    MREMAP_MAYMOVE,
    MS_ASYNC,
    MS_INVALIDATE,
    MS_SYNC,
    PROT_EXEC,
    PROT_GROWSDOWN,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
)  # fmt: skip
from pyuk.machine.ram import OutOfFramesError
from pyuk.mm.space import AddressSpace
from tests.mm.fake_machine import Guest, GuestSignalError, MemoryFile, new_guest

PAGE = 4096
RW = PROT_READ | PROT_WRITE
RX = PROT_READ | PROT_EXEC
ANON = MAP_PRIVATE | MAP_ANONYMOUS
AT = 0x1000_0000


def sibling(guest: Guest) -> Guest:
    """Another process on the same machine."""
    return Guest(guest.machine, AddressSpace(guest.machine, guest.space.cache, guest.space.limits))


def errno_of(call: object, *args: object) -> int:
    """The errno of a refused call."""
    with pytest.raises(SyscallError) as caught:
        call(*args)  # type: ignore[operator]
    return caught.value.errno


def test_private_file_page_is_copied_on_write() -> None:
    """A private write is seen by the writer alone: not by the file, not by another mapping."""
    guest, file = new_guest(), MemoryFile(b"f" * 3 * PAGE)
    mine = guest.space.mmap(0, 3 * PAGE, RW, MAP_PRIVATE, file)
    other = sibling(guest)
    theirs = other.space.mmap(0, 3 * PAGE, RW, MAP_PRIVATE, file)
    assert other.load(theirs) == guest.load(mine + PAGE) == b"f"
    guest.store(mine, b"M")
    guest.store(mine + PAGE, b"N")
    assert (guest.load(mine, 2), guest.load(mine + PAGE, 2)) == (b"Mf", b"Nf")
    assert other.load(theirs) == other.load(theirs + PAGE) == b"f"
    assert file.data[: 2 * PAGE] == b"f" * 2 * PAGE
    assert len(file.reads) == 1
    guest.space.check_invariants()


def test_shared_file_pages_reach_the_file() -> None:
    """A shared write is seen by others at once, and by the host after msync, munmap and exit."""
    guest, file = new_guest(), MemoryFile(b"f" * (3 * PAGE + 100))
    other = sibling(guest)
    mine = guest.space.mmap(0, 4 * PAGE, RW, MAP_SHARED, file)
    theirs = other.space.mmap(0, 4 * PAGE, PROT_READ, MAP_SHARED, file)
    assert other.load(theirs + PAGE) == b"f"
    guest.load(mine + PAGE)
    guest.store(mine + PAGE, b"1")
    guest.store(mine + 3 * PAGE, b"3")
    assert other.load(theirs + PAGE) == b"1"
    assert file.data[PAGE] == ord("f")
    guest.space.check_invariants()
    guest.space.msync(mine, 4 * PAGE, MS_SYNC)
    assert (file.data[PAGE], file.data[3 * PAGE], len(file.data)) == (ord("1"), ord("3"), 3 * PAGE + 100)
    assert file.writes == [(PAGE, PAGE), (3 * PAGE, 100)]
    guest.store(mine + 2 * PAGE, b"2")
    guest.store(mine + 3 * PAGE, b"4")
    guest.space.munmap(mine, 3 * PAGE)
    assert (file.data[2 * PAGE], file.data[3 * PAGE]) == (ord("2"), ord("3"))
    guest.space.destroy()
    assert file.data[3 * PAGE] == ord("4")


def test_msync_notices_every_later_write() -> None:
    """A page written again after msync is written back again, although its entry was in the TLB."""
    guest, file = new_guest(), MemoryFile(bytes(PAGE))
    addr = guest.space.mmap(0, PAGE, RW, MAP_SHARED, file)
    for value in b"abc":
        guest.store(addr, bytes((value,)))
        guest.memory.write(addr + 1, bytes((value,)))
        guest.space.msync(addr, PAGE, MS_SYNC)
        assert file.data[:2] == bytes((value, value))
    n_writes = len(file.writes)
    guest.space.msync(addr, PAGE, MS_SYNC)
    assert len(file.writes) == n_writes


def test_msync_refuses_as_linux() -> None:
    """EINVAL flags and alignment, ENOMEM holes (after syncing the rest), overflow."""
    guest, file = new_guest(), MemoryFile(bytes(PAGE))
    space = guest.space
    space.mmap(AT, PAGE, RW, MAP_SHARED | MAP_FIXED, file)
    guest.store(AT, b"x")
    assert errno_of(space.msync, AT, PAGE, 8) == errno.EINVAL
    assert errno_of(space.msync, AT, PAGE, MS_SYNC | MS_ASYNC) == errno.EINVAL
    assert errno_of(space.msync, AT + 1, PAGE, MS_SYNC) == errno.EINVAL
    assert errno_of(space.msync, AT, (1 << 64) - PAGE, MS_SYNC) == errno.ENOMEM
    assert errno_of(space.msync, AT - PAGE, 3 * PAGE, MS_SYNC | MS_INVALIDATE) == errno.ENOMEM
    assert file.data[0] == ord("x")
    space.msync(AT, 0, MS_SYNC)


def test_fault_around_reads_once_and_maps_sixteen_pages() -> None:
    """One preadv of 64 KiB serves 16 pages, which then need no fault; the rest of the file is not read."""
    guest, file = new_guest(), MemoryFile(bytes(64 * PAGE))
    addr = guest.space.mmap(0x2000_0000, 64 * PAGE, RX, MAP_PRIVATE, file)
    guest.execute(addr + 20 * PAGE)
    assert file.reads == [(16 * PAGE, 16 * PAGE)]
    assert guest.space.n_around == 15
    for i in range(16, 32):
        guest.execute(addr + i * PAGE)
    assert (guest.space.n_file, guest.space.n_minor) == (1, 0)


def test_cache_survives_processes_and_sees_changes() -> None:
    """A second process reads nothing from the host; a changed file is read anew, by old mappings too."""
    guest, file = new_guest(), MemoryFile(b"1" * PAGE)
    addr = guest.space.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file)
    assert guest.load(addr) == b"1"
    other = sibling(guest)
    there = other.space.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file)
    assert other.load(there) == b"1"
    assert len(file.reads) == 1
    file.rewrite(b"2" * PAGE)
    third = sibling(guest)
    assert third.load(third.space.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file)) == b"2"
    assert guest.load(addr) == other.load(there) == b"2"


def test_reclaim_frees_clean_unmapped_pages_only() -> None:
    """Under pressure the page cache gives way, but not what is mapped or not yet written back."""
    guest = new_guest(128)
    file, kept = MemoryFile(bytes(40 * PAGE), ino=1), MemoryFile(b"k" * PAGE, ino=2)
    addr = guest.space.mmap(0, 40 * PAGE, PROT_READ, MAP_PRIVATE, file)
    for i in range(0, 40, 16):
        guest.load(addr + i * PAGE)
    guest.space.munmap(addr, 40 * PAGE)
    shared = guest.space.mmap(0, PAGE, RW, MAP_SHARED, kept)
    guest.store(shared, b"K")
    big = guest.space.mmap(0, 100 * PAGE, RW, ANON)
    for i in range(100):
        guest.store(big + i * PAGE, b"x")
    assert guest.load(shared, 2) == b"Kk"
    assert guest.space.cache.n_frames < 40
    guest.space.check_invariants()


def test_fork_copies_on_write_both_ways() -> None:
    """Parent and child see each other's old bytes and not each other's new ones; shared memory is one."""
    guest = new_guest()
    private = guest.space.mmap(0, 2 * PAGE, RW, ANON)
    shared = guest.space.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    guest.store(private, b"p")
    guest.store(shared, b"s")
    child = guest.fork()
    guest.store(private, b"q")
    assert child.load(private) == b"p"
    child.store(private + PAGE, b"c")
    child.store(shared, b"t")
    assert guest.load(private + PAGE) == b"\0"
    assert guest.load(shared) == b"t"
    child.space.check_invariants()
    guest.space.check_invariants()
    n_cow = guest.space.n_cow
    child.space.destroy()
    guest.store(private, b"r")
    assert guest.space.n_cow == n_cow


def test_fork_obeys_advice() -> None:
    """MADV_DONTFORK leaves a hole, MADV_WIPEONFORK zeros."""
    guest = new_guest()
    guest.space.mmap(AT, 3 * PAGE, RW, ANON | MAP_FIXED)
    for i in range(3):
        guest.store(AT + i * PAGE, b"x")
    guest.space.madvise(AT, PAGE, MADV_DONTFORK)
    guest.space.madvise(AT + PAGE, PAGE, MADV_WIPEONFORK)
    child = guest.fork()
    with pytest.raises(GuestSignalError):
        child.load(AT)
    assert child.load(AT + PAGE) == b"\0"
    assert child.load(AT + 2 * PAGE) == b"x"


def test_fork_without_ram_leaves_nothing() -> None:
    """A fork that runs out of frames gives back what it took."""
    guest = new_guest(40)
    addr = guest.space.mmap(AT, 1 << 30, RW, ANON | 0x4000)
    for i in range(6):
        guest.store(addr + (i << 24), b"x")
    filler = guest.space.mmap(0, 40 * PAGE, RW, ANON)
    guest.space.populate(filler, filler + 40 * PAGE)
    guest.space.munmap(filler, 4 * PAGE)
    n_used = guest.machine.ram.n_used
    with pytest.raises(OutOfFramesError):
        guest.space.fork()
    assert guest.machine.ram.n_used == n_used
    guest.store(addr, b"y")
    guest.space.check_invariants()


def test_dual_mapping_never_runs_stale_code() -> None:
    """One shared page, written here and executed there: each run sees the last store, by guest or kernel."""
    guest = new_guest()
    file = MemoryFile(bytes(PAGE))
    writer = guest.space.mmap(0, PAGE, RW, MAP_SHARED, file)
    runner = guest.space.mmap(0, PAGE, RX, MAP_SHARED, file)
    private = guest.space.mmap(0, PAGE, RX, MAP_PRIVATE, file)
    assert guest.execute(runner) == b"\0"
    for value in range(1, 20):
        if value % 3:
            guest.store(writer, bytes((value,)))
        else:
            guest.memory.write(writer, bytes((value,)))
        assert guest.execute(runner if value % 2 else private) == bytes((value,))
        assert guest.load(writer) == bytes((value,))
        guest.space.check_invariants()


def test_rwx_aliases_take_turns() -> None:
    """Two writable and executable mappings of one page: stores through either are seen by fetches through either."""
    guest = new_guest()
    first = guest.space.mmap(0, PAGE, RW | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS)
    second = guest.space.mremap(first, 0, PAGE, MREMAP_MAYMOVE)
    assert first != second
    for value in range(1, 30):
        guest.store(first if value % 2 else second, bytes((value,)))
        assert guest.execute(first if value % 3 else second) == bytes((value,))


def test_mprotect_flips_run_fresh_code() -> None:
    """RW, write, RX, run, a thousand times; the kernel's own write into executable pages counts as well."""
    guest = new_guest()
    guest.space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    for value in range(1000):
        data = value.to_bytes(2, "little")
        if value % 2:
            guest.store(AT, data)
        else:
            guest.memory.write(AT, data)
        guest.space.mprotect(AT, PAGE, RX)
        if value % 4 == 0:
            assert guest.execute(AT, 2) == data
        guest.space.mprotect(AT, PAGE, RW | PROT_EXEC)
        guest.memory.write(AT, data[::-1])
        assert guest.execute(AT, 2) == data[::-1]
        guest.space.mprotect(AT, PAGE, RW)


def test_mprotect_refuses_as_linux() -> None:
    """EINVAL and ENOMEM in Linux's order; what lies before a hole is changed."""
    guest = new_guest()
    space = guest.space
    space.mmap(AT, 2 * PAGE, RW, ANON | MAP_FIXED)
    space.mmap(AT + 3 * PAGE, PAGE, RW, ANON | MAP_FIXED)
    guest.store(AT + PAGE, b"x")
    assert errno_of(space.mprotect, AT + 1, PAGE, RW) == errno.EINVAL
    assert errno_of(space.mprotect, AT, PAGE, 0x40) == errno.EINVAL
    assert errno_of(space.mprotect, AT, PAGE, 0x3000000) == errno.EINVAL
    assert errno_of(space.mprotect, AT, PAGE, PROT_GROWSDOWN) == errno.EINVAL
    assert errno_of(space.mprotect, AT, (1 << 64) - 1, RW) == errno.ENOMEM
    assert errno_of(space.mprotect, AT - PAGE, PAGE, RW) == errno.ENOMEM
    space.mprotect(AT - PAGE, 0, RW)
    assert errno_of(space.mprotect, AT + PAGE, 3 * PAGE, PROT_READ) == errno.ENOMEM
    with pytest.raises(GuestSignalError):
        guest.store(AT + PAGE, b"y")
    guest.store(AT, b"y")
    guest.store(AT + 3 * PAGE, b"y")


def test_prot_none_keeps_the_bytes() -> None:
    """A page that loses all rights and gets them back has its bytes."""
    guest = new_guest()
    guest.space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    guest.store(AT, b"keep")
    guest.space.mprotect(AT, PAGE, PROT_NONE)
    with pytest.raises(GuestSignalError):
        guest.load(AT)
    assert errno_of(guest.memory.read, AT, 1) == errno.EFAULT
    assert guest.memory.peek(AT, 4) == b""
    guest.space.check_invariants()
    guest.space.mprotect(AT, PAGE, RW)
    assert guest.load(AT, 4) == b"keep"


def test_gained_rights_need_no_flush() -> None:
    """mprotect flushes only when something in the TLB loses a right."""
    guest = new_guest()
    space = guest.space
    space.mmap(AT, 4 * PAGE, RW, ANON | MAP_FIXED)
    guest.machine.n_flushes = 0
    space.mprotect(AT, 4 * PAGE, PROT_READ)
    assert guest.machine.n_flushes == 0
    space.mprotect(AT, 4 * PAGE, RW)
    guest.store(AT, b"x")
    space.mprotect(AT, PAGE, RW | PROT_EXEC)
    assert guest.machine.n_flushes == 0
    space.mprotect(AT, PAGE, PROT_READ)
    assert guest.machine.n_flushes == 1
    space.mprotect(AT, PAGE, RW)
    space.munmap(AT + PAGE, 3 * PAGE)
    assert guest.machine.n_flushes == 1


def test_mremap_grows_shrinks_and_moves() -> None:
    """Bytes follow the mapping; growth is zeros; the old place is unmapped, or kept empty by MREMAP_DONTUNMAP."""
    guest = new_guest()
    space = guest.space
    space.mmap(AT, 2 * PAGE, RW, ANON | MAP_FIXED)
    guest.store(AT, b"0")
    guest.store(AT + PAGE, b"1")
    assert space.mremap(AT, 2 * PAGE, 3 * PAGE, 0) == AT
    assert guest.load(AT + 2 * PAGE) == b"\0"
    space.mmap(AT + 3 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED)
    assert errno_of(space.mremap, AT, 3 * PAGE, 4 * PAGE, 0) == errno.ENOMEM
    moved = space.mremap(AT, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE)
    assert moved not in (AT, 0)
    assert guest.load(moved) + guest.load(moved + PAGE) == b"01"
    with pytest.raises(GuestSignalError):
        guest.load(AT)
    assert space.mremap(moved, 5 * PAGE, PAGE, 0) == moved
    assert space.mremap(moved, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT + 3 * PAGE) == AT + 3 * PAGE
    assert guest.load(AT + 3 * PAGE) == b"0"
    kept = space.mremap(AT + 3 * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP)
    assert guest.load(kept) + guest.load(AT + 3 * PAGE) == b"0\0"
    space.check_invariants()


def test_mremap_refuses_as_linux() -> None:
    """EINVAL, EFAULT: flags, alignment, overlap, holes, ranges over two areas."""
    guest = new_guest()
    space = guest.space
    space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    space.mmap(AT + PAGE, PAGE, PROT_READ, ANON | MAP_FIXED)
    for args in (
        (AT, PAGE, PAGE, 8), (AT, PAGE, PAGE, MREMAP_FIXED), (AT, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP),
        (AT + 1, PAGE, PAGE, 0), (AT, PAGE, 0, 0), (AT, 0, PAGE, MREMAP_MAYMOVE),
        (AT, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT + 1), (AT, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, AT),
        (AT, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 1 << 47),
    ):  # fmt: skip
        assert errno_of(space.mremap, *args) == errno.EINVAL, args
    assert errno_of(space.mremap, AT + 5 * PAGE, PAGE, PAGE, 0) == errno.EFAULT
    assert errno_of(space.mremap, AT, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE) == errno.EFAULT


def test_madvise_dontneed_zeroes() -> None:
    """Anonymous memory reads as zeros after MADV_DONTNEED, a private file page as the file again."""
    guest, file = new_guest(), MemoryFile(b"f" * PAGE)
    space = guest.space
    space.mmap(AT, 2 * PAGE, RW, ANON | MAP_FIXED)
    addr = space.mmap(0, PAGE, RW, MAP_PRIVATE, file)
    guest.store(AT + PAGE, b"x")
    guest.store(addr, b"x")
    space.madvise(AT, 2 * PAGE, MADV_DONTNEED)
    space.madvise(addr, PAGE, MADV_DONTNEED)
    assert guest.load(AT + PAGE) == b"\0"
    assert guest.load(addr) == b"f"


def test_madvise_refuses_as_linux() -> None:
    """EINVAL unknown advice, alignment; ENOMEM for holes after doing the rest; advice that is not for this area."""
    guest, file = new_guest(), MemoryFile(b"f" * PAGE)
    space = guest.space
    space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    mapped = space.mmap(0, 4 * PAGE, PROT_READ, MAP_SHARED, file)
    guest.store(AT, b"x")
    for advice in (5, 7, 26, 99, -1):
        assert errno_of(space.madvise, AT, PAGE, advice) == errno.EINVAL
    assert errno_of(space.madvise, AT + 1, PAGE, MADV_NORMAL) == errno.EINVAL
    assert errno_of(space.madvise, AT, (1 << 64) - 1, MADV_NORMAL) == errno.EINVAL
    assert errno_of(space.madvise, AT, PAGE, MADV_HWPOISON) == errno.EPERM
    assert errno_of(space.madvise, AT - PAGE, 3 * PAGE, MADV_DONTNEED) == errno.ENOMEM
    assert guest.load(AT) == b"\0"
    assert errno_of(space.madvise, mapped, PAGE, MADV_FREE) == errno.EINVAL
    assert errno_of(space.madvise, mapped, PAGE, MADV_WIPEONFORK) == errno.EINVAL
    assert errno_of(space.madvise, mapped, PAGE, MADV_REMOVE) == errno.EACCES
    assert errno_of(space.madvise, AT, PAGE, MADV_REMOVE) == errno.EINVAL
    assert errno_of(space.madvise, mapped, PAGE, MADV_POPULATE_WRITE) == errno.EINVAL
    assert errno_of(space.madvise, mapped, 4 * PAGE, MADV_POPULATE_READ) == errno.EFAULT
    space.madvise(mapped, 4 * PAGE, MADV_WILLNEED)
    space.madvise(AT, 0, MADV_DONTNEED)
    space.madvise(AT, PAGE, MADV_FREE)
    space.madvise(AT, PAGE, MADV_DONTDUMP)
    space.madvise(AT, PAGE, MADV_DODUMP)


def test_madvise_remove_punches_shared_memory() -> None:
    """MADV_REMOVE of shared anonymous memory zeroes it for everyone."""
    guest = new_guest()
    addr = guest.space.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    guest.store(addr, b"x")
    child = guest.fork()
    assert child.load(addr) == b"x"
    child.space.madvise(addr, PAGE, MADV_REMOVE)
    assert guest.load(addr) == child.load(addr) == b"\0"
