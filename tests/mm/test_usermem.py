"""The kernel's door to guest memory: EFAULT at the first bad byte, never a signal, rights as the CPU has them."""

from __future__ import annotations

import pytest

from pyuk.abi import errno
from pyuk.abi.errno import SyscallError
from pyuk.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE
from tests.mm.fake_machine import Guest, MemoryFile, new_guest

PAGE = 4096
RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED
AT = 0x1000_0000


@pytest.fixture
def guest() -> Guest:
    """Two pages RW, one read-only, a hole, one PROT_NONE."""
    guest = new_guest()
    guest.space.mmap(AT, 2 * PAGE, RW, ANON)
    guest.space.mmap(AT + 2 * PAGE, PAGE, PROT_READ, ANON)
    guest.space.mmap(AT + 4 * PAGE, PAGE, PROT_NONE, ANON)
    return guest


BAD = (0, AT - 1, AT + 3 * PAGE, AT + 4 * PAGE, 0x7FFF_FFFF_F000, 1 << 47, 1 << 63, (1 << 64) - 1)


def efault(call: object, *args: object) -> None:
    """The call is refused with EFAULT."""
    with pytest.raises(SyscallError) as caught:
        call(*args)  # type: ignore[operator]
    assert caught.value.errno == errno.EFAULT, args


@pytest.mark.parametrize("addr", BAD)
def test_bad_pointers_are_efault(guest: Guest, addr: int) -> None:
    """Every method refuses NULL, holes, PROT_NONE, the kernel half and non-canonical addresses."""
    memory = guest.memory
    for call, *args in (
        (memory.read, 1), (memory.read, 10000), (memory.write, b"x"), (memory.write, bytes(10000)), (memory.read_u64,),
        (memory.write_u64, 1), (memory.read_u32,), (memory.read_i32,), (memory.read_i64,), (memory.write_u32, 1),
        (memory.cstr, 10), (memory.slices, 10, True), (memory.slices, 10, False),
    ):  # fmt: skip
        efault(call, addr, *args)
    assert memory.read(addr, 0) == b""
    memory.write(addr, b"")
    assert memory.slices(addr, 0, writing=True) == []
    assert memory.peek(addr, 10) == b""
    guest.space.check_invariants()


def test_write_stops_at_the_first_bad_byte(guest: Guest) -> None:
    """What comes before a read-only page is written, then EFAULT."""
    efault(guest.memory.write, AT + 2 * PAGE - 3, b"abcdef")
    assert guest.load(AT + 2 * PAGE - 3, 3) == b"abc"
    efault(guest.memory.write, AT + 2 * PAGE, b"x")
    efault(guest.memory.read, AT + 3 * PAGE - 1, 2)
    assert guest.memory.read(AT + 3 * PAGE - 1, 1) == b"\0"


def test_slices_give_the_good_prefix(guest: Guest) -> None:
    """A range that runs into a bad page gives what is before it; neighbouring frames come as one view."""
    parts = guest.memory.slices(AT + 10, 4 * PAGE, writing=True)
    assert sum(map(len, parts)) == 2 * PAGE - 10
    assert len(parts) == 1
    assert sum(map(len, guest.memory.slices(AT, 9 * PAGE, writing=False))) == 3 * PAGE
    parts[0][:3] = b"abc"
    assert guest.load(AT + 10, 3) == b"abc"


def _scatter(guest: Guest, pages: list[int]) -> None:
    """Touch eight pages in that order: their frames are neighbours in another order than they."""
    guest.space.mmap(AT, 8 * PAGE, RW, ANON)
    for page in pages:
        guest.memory.write(AT + page * PAGE, bytes((page,)) * PAGE)


def test_slices_follow_the_page_tables() -> None:
    """A buffer of scattered frames is looked up anew when its pages are others, and found again when they are not."""
    guest = new_guest()
    _scatter(guest, [3, 0, 1, 2, 7, 6, 5, 4])
    start, n_bytes = AT + 100, 7 * PAGE
    for writing in (False, True):
        for _ in range(3):
            found = guest.memory.slices(start, n_bytes, writing)
            assert b"".join(found) == guest.memory.read(start, n_bytes)
            assert len(found) > 2
    guest.space.munmap(AT + 2 * PAGE, PAGE)
    assert sum(map(len, guest.memory.slices(start, n_bytes, writing=True))) == 2 * PAGE - 100
    guest.space.mmap(AT + 2 * PAGE, PAGE, PROT_READ, ANON)
    assert sum(map(len, guest.memory.slices(start, n_bytes, writing=True))) == 2 * PAGE - 100
    found = guest.memory.slices(start, n_bytes, writing=False)
    assert b"".join(found)[2 * PAGE : 2 * PAGE + 10] == bytes(10)
    guest.space.mprotect(AT + 2 * PAGE, PAGE, RW)
    for piece in guest.memory.slices(start, n_bytes, writing=True):
        piece[:] = bytes((9,)) * len(piece)
    assert guest.memory.read(start, n_bytes) == bytes((9,)) * n_bytes


def test_slices_cross_from_one_table_to_the_next() -> None:
    """A buffer on both sides of a 2 MiB boundary is whole, or good up to its first bad page."""
    guest = new_guest()
    edge = 0x1020_0000
    guest.space.mmap(edge - 2 * PAGE, 3 * PAGE, RW, ANON)
    guest.memory.write(edge - 2 * PAGE, bytes(range(256)) * 48)
    for writing in (False, True):
        found = guest.memory.slices(edge - 5000, 9000, writing)
        assert b"".join(found) == guest.memory.read(edge - 5000, 9000)
        assert sum(map(len, guest.memory.slices(edge - 5000, 10000, writing))) == 5000 + PAGE
    guest.space.munmap(edge, PAGE)
    assert sum(map(len, guest.memory.slices(edge - 5000, 9000, writing=True))) == 5000


def test_numbers_cross_pages(guest: Guest) -> None:
    """Unaligned numbers over a page boundary, signed and unsigned."""
    memory = guest.memory
    for addr in (AT + 8, AT + 3, AT + PAGE - 3):
        memory.write_u64(addr, 0x8123_4567_89AB_CDEF)
        assert memory.read_u64(addr) == 0x8123_4567_89AB_CDEF
        assert memory.read_i64(addr) == 0x8123_4567_89AB_CDEF - (1 << 64)
        memory.write_u32(addr, -2)
        assert (memory.read_u32(addr), memory.read_i32(addr)) == (0xFFFF_FFFE, -2)


def test_cstr_finds_its_end(guest: Guest) -> None:
    """Over pages; ENAMETOOLONG without a NUL within the limit; EFAULT only if the bad byte comes first."""
    memory = guest.memory
    memory.write(AT + PAGE - 2, b"path\0")
    assert memory.cstr(AT + PAGE - 2, 5) == b"path"
    with pytest.raises(SyscallError) as caught:
        memory.cstr(AT + PAGE - 2, 4)
    assert caught.value.errno == errno.ENAMETOOLONG
    memory.write(AT + 2 * PAGE - 2, b"ab")
    assert memory.cstr(AT + 2 * PAGE - 2, 100) == b"ab"
    guest.space.munmap(AT + 2 * PAGE, PAGE)
    efault(memory.cstr, AT + 2 * PAGE - 2, 100)


def test_kernel_write_breaks_copy_on_write(guest: Guest) -> None:
    """After fork the kernel's write goes to a copy, and the guest that had the page in its TLB sees it."""
    guest.store(AT, b"old")
    child = guest.fork()
    assert guest.load(AT, 3) == b"old"
    guest.memory.write(AT, b"new")
    assert (guest.load(AT, 3), child.load(AT, 3)) == (b"new", b"old")
    assert child.memory.read(AT, 3) == b"old"
    child.memory.slices(AT, 3, writing=True)[0][:] = b"kid"
    assert (guest.load(AT, 3), child.load(AT, 3)) == (b"new", b"kid")


def test_kernel_write_to_a_shared_file_reaches_it() -> None:
    """read(2) into a shared mapping makes the page dirty."""
    guest, file = new_guest(), MemoryFile(bytes(PAGE))
    addr = guest.space.mmap(0, PAGE, RW, MAP_SHARED, file)
    guest.memory.slices(addr, 4, writing=True)[0][:] = b"data"
    guest.space.munmap(addr, PAGE)
    assert file.data[:4] == b"data"


def test_peek_leaves_no_trace() -> None:
    """Pages that were never touched are shown without being faulted in, or even read into the cache."""
    guest, file = new_guest(), MemoryFile(b"text" * 2000)
    addr = guest.space.mmap(0, 4 * PAGE, RW, MAP_PRIVATE, file)
    shared = guest.space.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    n_used = guest.machine.ram.n_used
    assert guest.memory.peek(addr + PAGE - 2, 8) == b"xttextte"
    assert len(guest.memory.peek(addr, 5 * PAGE)) == 2 * PAGE
    assert guest.memory.peek(shared, 4) == bytes(4)
    assert guest.machine.ram.n_used == n_used
    assert not guest.space.page_table.leaves


def test_access_past_the_end_of_a_file_is_efault() -> None:
    """Where the guest would get SIGBUS the kernel gets EFAULT."""
    guest, file = new_guest(), MemoryFile(b"x")
    addr = guest.space.mmap(0, 2 * PAGE, PROT_READ, MAP_PRIVATE, file)
    efault(guest.memory.read, addr + PAGE, 1)
    assert guest.memory.read(addr, 2) == b"x\0"


def test_stack_grows_for_the_kernel(guest: Guest) -> None:
    """A buffer below the stack area, within its limit, makes it grow."""
    guest.space.set_stack(0x7FFF_FFFF_F000, 1, 8 << 20)
    start = guest.space.vmas.areas[-1].start
    guest.memory.write(start - 100, b"x")
    assert guest.space.vmas.areas[-1].start == start - PAGE
