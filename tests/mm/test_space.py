"""mmap, munmap, brk and the layout, as Linux 6.1 does them."""

from __future__ import annotations

import pytest

from pyuk.abi import errno
from pyuk.abi.errno import SyscallError
from pyuk.abi.mman import (
    MAP_32BIT,
    MAP_ANONYMOUS,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_HUGETLB,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_SYNC,
    PROT_EXEC,
    PROT_NONE,
    PROT_READ,
    PROT_WRITE,
)  # fmt: skip
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK
from pyuk.abi.signal import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SI_KERNEL, SIGBUS, SIGKILL, SIGSEGV
from pyuk.mm.layout import mmap_base
from tests.mm.fake_machine import Guest, GuestSignalError, MemoryFile, new_guest

PAGE = 4096
RW = PROT_READ | PROT_WRITE
ANON = MAP_PRIVATE | MAP_ANONYMOUS
STACK_TOP = 0x7FFF_FFFF_F000
AT = 0x1000_0000


def refused(
    guest: Guest, addr: int, length: int, prot: int, flags: int, *, backing: MemoryFile | None = None, offset: int = 0,
    may_write: bool = True,
) -> int:  # fmt: skip
    """The errno that mmap gives."""
    with pytest.raises(SyscallError) as caught:
        guest.space.mmap(addr, length, prot, flags, backing, offset, may_write=may_write)
    guest.space.check_invariants()
    return caught.value.errno


def signal_of(guest: Guest, va: int, *, write: bool = False, fetch: bool = False) -> tuple[int, int, int] | None:
    """Signal, code and address of an access; None where it succeeds."""
    try:
        if write:
            guest.store(va, b"!")
        elif fetch:
            guest.execute(va)
        else:
            guest.load(va)
    except GuestSignalError as fault:
        return fault.signo, fault.si_code, fault.address
    return None


@pytest.mark.parametrize(
    ("addr", "length", "prot", "flags", "expected"),
    [
        (0, 0, RW, ANON, errno.EINVAL),
        (0, 1 << 64, RW, ANON, errno.ENOMEM),
        (0, (1 << 64) - 1, RW, ANON, errno.ENOMEM),
        (0, 1 << 47, PROT_NONE, ANON | MAP_NORESERVE, errno.ENOMEM),
        (AT + 1, PAGE, RW, ANON | MAP_FIXED, errno.EINVAL),
        (STACK_TOP, PAGE, RW, ANON | MAP_FIXED, errno.ENOMEM),
        (STACK_TOP + 1, PAGE, RW, ANON | MAP_FIXED, errno.ENOMEM),
        (1 << 63, PAGE, RW, ANON | MAP_FIXED, errno.ENOMEM),
        (0, PAGE, RW, ANON | MAP_FIXED, errno.EPERM),
        (0xF000, PAGE, RW, ANON | MAP_FIXED, errno.EPERM),
        (0, PAGE, RW, MAP_ANONYMOUS, errno.EINVAL),
        (0, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE, errno.EINVAL),
        (0, PAGE, RW, MAP_ANONYMOUS | MAP_SHARED | MAP_GROWSDOWN, errno.EINVAL),
        (0, PAGE, RW, ANON | MAP_HUGETLB, errno.ENOMEM),
        (0, PAGE, RW, ANON | MAP_HUGETLB | 5 << 26, errno.EINVAL),
        (0, 1 << 40, RW, ANON, errno.ENOMEM),
    ],
)
def test_mmap_refuses_as_linux(addr: int, length: int, prot: int, flags: int, expected: int) -> None:
    """Each bad argument has do_mmap's errno, and nothing is mapped."""
    guest = new_guest()
    assert refused(guest, addr, length, prot, flags) == expected
    assert len(guest.space.vmas) == 0


def test_mmap_fixed_noreplace_refuses_what_is_mapped() -> None:
    """EEXIST, and the old mapping stays; MAP_FIXED replaces it."""
    guest = new_guest()
    guest.space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    guest.store(AT, b"old")
    assert refused(guest, AT - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE) == errno.EEXIST
    assert guest.load(AT, 3) == b"old"
    guest.space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    assert guest.load(AT, 3) == bytes(3)


def test_mmap_of_a_file_checks_how_it_was_opened() -> None:
    """EACCES for a shared writable mapping of a file opened for reading; and its mprotect later."""
    guest, file = new_guest(), MemoryFile(bytes(PAGE))
    assert refused(guest, 0, PAGE, RW, MAP_SHARED, backing=file, may_write=False) == errno.EACCES
    addr = guest.space.mmap(0, PAGE, PROT_READ, MAP_SHARED, file, 0, may_write=False)
    with pytest.raises(SyscallError) as caught:
        guest.space.mprotect(addr, PAGE, RW)
    assert caught.value.errno == errno.EACCES
    guest.space.mmap(0, PAGE, RW, MAP_PRIVATE, file, 0, may_write=False)


def test_mmap_of_a_file_refuses_offsets() -> None:
    """EINVAL unaligned, EOVERFLOW past the largest file, EOPNOTSUPP an unknown flag with MAP_SHARED_VALIDATE."""
    guest, file = new_guest(), MemoryFile(bytes(PAGE))
    assert refused(guest, 0, PAGE, RW, MAP_PRIVATE, backing=file, offset=1) == errno.EINVAL
    assert refused(guest, 0, PAGE, RW, MAP_PRIVATE, backing=file, offset=(1 << 64) - PAGE) == errno.EOVERFLOW
    assert refused(guest, 0, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, backing=file) == errno.EOPNOTSUPP
    assert refused(guest, 0, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, backing=file) == errno.EINVAL
    assert file.refs == 0


def test_layout_is_that_of_setarch_r() -> None:
    """With the usual 8 MiB stack mappings end at 0x7ffff7fff000 and go down; with an unlimited stack they go up."""
    assert mmap_base(8 << 20) == (0x7FFF_F7FF_F000, True)
    assert mmap_base(1 << 30) == (STACK_TOP - (1 << 30) - (1 << 20), True)
    assert mmap_base(RLIM64_INFINITY) == (0x2AAA_AAAA_B000, False)
    guest = new_guest()
    first = guest.space.mmap(0, PAGE, RW, ANON)
    second = guest.space.mmap(0, PAGE, PROT_READ, ANON)
    assert (first, second) == (0x7FFF_F7FF_E000, 0x7FFF_F7FF_D000)
    guest.space.munmap(first, PAGE)
    assert guest.space.mmap(0, 2 * PAGE, RW, ANON) == 0x7FFF_F7FF_B000
    assert guest.space.mmap(0, PAGE, RW, ANON) == first


def test_hint_is_taken_where_it_is_free() -> None:
    """A hint is rounded down, taken if free, ignored otherwise; a low one is lifted to mmap_min_addr."""
    guest = new_guest()
    assert guest.space.mmap(AT + 5, PAGE, RW, ANON) == AT
    assert guest.space.mmap(AT, PAGE, RW, ANON) == 0x7FFF_F7FF_E000
    assert guest.space.mmap(PAGE, PAGE, RW, ANON) == 0x10000
    assert guest.space.mmap(STACK_TOP - PAGE, 2 * PAGE, RW, ANON) < 0x7FFF_F7FF_F000


def test_map_32bit_goes_into_the_second_gigabyte() -> None:
    """MAP_32BIT is bottom-up from 0x40000000."""
    guest = new_guest()
    assert guest.space.mmap(0, PAGE, RW, ANON | MAP_32BIT) == 0x4000_0000
    assert guest.space.mmap(0, PAGE, PROT_READ, ANON | MAP_32BIT) == 0x4000_1000


def test_munmap_refuses_as_linux() -> None:
    """EINVAL for an unaligned address, length 0 or a range past TASK_SIZE; holes are fine."""
    guest = new_guest()
    bad = (AT + 1, PAGE), (AT, 0), (STACK_TOP, PAGE), (AT, 1 << 47), (1 << 63, PAGE), (AT, (1 << 64) - 1)
    for addr, length in bad:
        with pytest.raises(SyscallError) as caught:
            guest.space.munmap(addr, length)
        assert caught.value.errno == errno.EINVAL
    guest.space.munmap(AT, PAGE)


def test_munmap_middle_splits_vma() -> None:
    """Removing the middle leaves both ends with their contents, and the middle faults with SEGV_MAPERR."""
    guest = new_guest()
    guest.space.mmap(AT, 3 * PAGE, RW, ANON | MAP_FIXED)
    for i in range(3):
        guest.store(AT + i * PAGE, b"%d" % i)
    guest.space.munmap(AT + PAGE, 1)
    guest.space.check_invariants()
    assert [(v.start, v.end) for v in guest.space.vmas] == [(AT, AT + PAGE), (AT + 2 * PAGE, AT + 3 * PAGE)]
    assert guest.load(AT) == b"0"
    assert guest.load(AT + 2 * PAGE) == b"2"
    assert signal_of(guest, AT + PAGE + 7) == (SIGSEGV, SEGV_MAPERR, AT + PAGE + 7)


def test_neighbours_merge_as_can_vma_merge() -> None:
    """Equal anonymous neighbours become one area; other rights, or two separately touched areas, do not."""
    guest = new_guest()
    space = guest.space
    space.mmap(AT, PAGE, RW, ANON | MAP_FIXED)
    space.mmap(AT + PAGE, PAGE, RW, ANON | MAP_FIXED)
    assert len(space.vmas) == 1
    space.mmap(AT + 2 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED)
    assert len(space.vmas) == 2
    space.mmap(AT + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED)
    guest.store(AT, b"a")
    guest.store(AT + 4 * PAGE, b"b")
    space.mmap(AT + 2 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED)
    assert [(v.start, v.end) for v in space.vmas] == [(AT, AT + 4 * PAGE), (AT + 4 * PAGE, AT + 5 * PAGE)]


def test_file_neighbours_merge_only_in_sequence() -> None:
    """Two parts of a file merge when the offsets continue."""
    guest, file = new_guest(), MemoryFile(bytes(8 * PAGE))
    space = guest.space
    space.mmap(AT, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0)
    space.mmap(AT + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, PAGE)
    space.mmap(AT + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 7 * PAGE)
    assert [(v.n_pages, v.pgoff) for v in space.vmas] == [(2, 0), (1, 7)]
    assert file.refs == 2


def test_reservation_of_terabytes_costs_nothing() -> None:
    """PROT_NONE of 64 TiB, mprotect of a piece, munmap: no tables but the touched page's."""
    guest = new_guest()
    n_used = guest.machine.ram.n_used
    addr = guest.space.mmap(0, 64 << 40, PROT_NONE, ANON | MAP_NORESERVE)
    guest.space.mprotect(addr + (1 << 40), PAGE, RW)
    guest.store(addr + (1 << 40), b"x")
    assert guest.machine.ram.n_used <= n_used + 4
    guest.space.mprotect(addr, 64 << 40, PROT_NONE)
    guest.space.munmap(addr, 64 << 40)
    assert not guest.space.page_table.leaves


def test_protection_faults_have_linux_codes() -> None:
    """SEGV_ACCERR for what is mapped and not allowed, SEGV_MAPERR for what is not mapped; si_addr is exact."""
    guest = new_guest()
    space = guest.space
    space.mmap(AT, PAGE, PROT_READ, ANON | MAP_FIXED)
    space.mmap(AT + PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED)
    assert signal_of(guest, AT + 9, write=True) == (SIGSEGV, SEGV_ACCERR, AT + 9)
    assert signal_of(guest, AT + 3, fetch=True) == (SIGSEGV, SEGV_ACCERR, AT + 3)
    assert signal_of(guest, AT + PAGE + 3) == (SIGSEGV, SEGV_ACCERR, AT + PAGE + 3)
    for va in (0, AT + 2 * PAGE, STACK_TOP, 1 << 63):
        assert signal_of(guest, va) == (SIGSEGV, SEGV_MAPERR, va)


def test_write_implies_read_and_exec_implies_read() -> None:
    """x86 without protection keys: PROT_WRITE alone can be read, PROT_EXEC alone too."""
    guest = new_guest()
    guest.space.mmap(AT, PAGE, PROT_WRITE, ANON | MAP_FIXED)
    guest.space.mmap(AT + PAGE, PAGE, PROT_EXEC, ANON | MAP_FIXED)
    assert guest.load(AT) == guest.load(AT + PAGE) == b"\0"
    assert guest.execute(AT + PAGE) == b"\0"
    assert signal_of(guest, AT, fetch=True) == (SIGSEGV, SEGV_ACCERR, AT)


def test_file_pages_past_the_end_are_sigbus() -> None:
    """The last page's tail reads as zeros; the page after it is BUS_ADRERR."""
    guest, file = new_guest(), MemoryFile(b"x" * (PAGE + 10))
    addr = guest.space.mmap(0, 4 * PAGE, PROT_READ, MAP_PRIVATE, file)
    assert guest.load(addr + PAGE, PAGE) == b"x" * 10 + bytes(PAGE - 10)
    assert signal_of(guest, addr + 2 * PAGE + 5) == (SIGBUS, BUS_ADRERR, addr + 2 * PAGE + 5)
    assert signal_of(guest, addr + 3 * PAGE) == (SIGBUS, BUS_ADRERR, addr + 3 * PAGE)


def test_recycled_frames_do_not_show_old_bytes() -> None:
    """The tail of a file's last page is zero also in a frame that had other contents."""
    guest = new_guest(64)
    for _ in range(3):
        addr = guest.space.mmap(0, 20 * PAGE, RW, ANON)
        for i in range(20):
            guest.store(addr + i * PAGE, b"secret" * 600)
        guest.space.munmap(addr, 20 * PAGE)
    file = MemoryFile(b"x")
    addr = guest.space.mmap(0, PAGE, PROT_READ, MAP_PRIVATE, file)
    assert guest.load(addr, PAGE) == b"x" + bytes(PAGE - 1)
    addr = guest.space.mmap(0, 8 * PAGE, RW, ANON)
    assert all(guest.load(addr + i * PAGE, PAGE) == bytes(PAGE) for i in range(8))


def test_brk_moves_and_refuses() -> None:
    """Growth gives zeros, shrinking unmaps, below start_brk or into a mapping the old value comes back."""
    guest = new_guest()
    space = guest.space
    space.start_brk = space.brk = AT
    assert space.set_brk(0) == AT
    assert space.set_brk(AT + PAGE + 1) == AT + PAGE + 1
    guest.store(AT + PAGE, b"x")
    assert "[heap]" in space.maps()
    assert space.set_brk(AT + PAGE) == AT + PAGE
    assert signal_of(guest, AT + PAGE) == (SIGSEGV, SEGV_MAPERR, AT + PAGE)
    assert space.set_brk(AT + 2 * PAGE) == AT + 2 * PAGE
    assert guest.load(AT + PAGE) == b"\0"
    space.mmap(AT + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED)
    assert space.set_brk(AT + 3 * PAGE) == AT + 3 * PAGE
    assert space.set_brk(AT + 4 * PAGE) == AT + 3 * PAGE  # a page must stay free
    assert space.set_brk(AT - 1) == AT + 3 * PAGE
    space.limits.soft[RLIMIT_DATA] = 3 * PAGE
    assert space.set_brk(AT + 3 * PAGE + 1) == AT + 3 * PAGE


def test_stack_grows_to_its_limit() -> None:
    """A new stack is 132 KiB; a touch within RLIMIT_STACK makes it reach there, one below is SEGV_MAPERR."""
    guest = new_guest()
    start = guest.space.set_stack(STACK_TOP, 100, 8 << 20)
    assert start == 0x7FFF_FFFD_E000
    guest.store(STACK_TOP - (8 << 20), b"x")
    assert guest.space.vmas.areas[0].start == STACK_TOP - (8 << 20)
    below = STACK_TOP - (8 << 20) - 1
    assert signal_of(guest, below, write=True) == (SIGSEGV, SEGV_MAPERR, below)
    assert guest.space.maps().count("[stack]") == 1


def test_stack_keeps_a_guard_gap() -> None:
    """Growth stops 256 pages above a mapping, and mmap leaves that room; a PROT_NONE mapping may be nearer."""
    guest = new_guest()
    space = guest.space
    space.set_stack(AT + (1 << 20), 100, 8 << 20)
    bottom = space.vmas.areas[0].start
    wall = bottom - 257 * PAGE
    space.mmap(wall, PAGE, RW, ANON | MAP_FIXED)
    guest.store(bottom, b"x")
    assert signal_of(guest, bottom - 1, write=True) == (SIGSEGV, SEGV_MAPERR, bottom - 1)
    space.mprotect(wall, PAGE, PROT_NONE)
    assert signal_of(guest, bottom - 1, write=True) is None
    other = new_guest()
    other.space.set_stack(AT + (1 << 20), 100, 8 << 20)
    hint = other.space.vmas.areas[0].start - 256 * PAGE
    assert other.space.mmap(hint, PAGE, RW, ANON) != hint
    assert other.space.mmap(hint - PAGE, PAGE, RW, ANON) == hint - PAGE


def test_limits_are_enomem() -> None:
    """RLIMIT_AS counts everything, RLIMIT_DATA private writable memory; MAP_FIXED over itself is free."""
    guest = new_guest()
    space = guest.space
    space.limits.soft[RLIMIT_AS] = 8 * PAGE
    space.mmap(AT, 8 * PAGE, PROT_READ, ANON | MAP_FIXED)
    assert refused(guest, 0, PAGE, PROT_READ, ANON) == errno.ENOMEM
    space.mmap(AT, 8 * PAGE, PROT_READ, ANON | MAP_FIXED)
    space.limits.soft[RLIMIT_AS] = RLIM64_INFINITY
    space.limits.soft[RLIMIT_DATA] = PAGE
    space.mmap(AT + (1 << 20), PAGE, RW, ANON | MAP_FIXED)
    assert refused(guest, 0, PAGE, RW, ANON) == errno.ENOMEM
    with pytest.raises(SyscallError):
        space.mprotect(AT, PAGE, RW)
    space.mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)


def test_out_of_frames_is_a_kill() -> None:
    """When RAM is exhausted a touch is SIGKILL, and the kernel's access ENOMEM; freeing makes it work again."""
    guest = new_guest(64)
    addr = guest.space.mmap(0, 60 * PAGE, RW, ANON)
    guest.space.populate(addr, addr + 60 * PAGE)
    touched = guest.space.n_demand_zero
    assert signal_of(guest, addr + touched * PAGE, write=True) == (SIGKILL, SI_KERNEL, addr + touched * PAGE)
    with pytest.raises(SyscallError) as refusal:
        guest.memory.write(addr + touched * PAGE, b"x")
    assert refusal.value.errno == errno.ENOMEM
    guest.space.munmap(addr, 4 * PAGE)
    guest.store(addr + touched * PAGE, b"x")
    guest.space.check_invariants()


def test_populate_makes_touches_free() -> None:
    """MAP_POPULATE enters every page; touching them faults no more."""
    guest = new_guest()
    addr = guest.space.mmap(0, 16 * PAGE, RW, ANON | MAP_POPULATE)
    assert guest.space.n_demand_zero == 16
    guest.store(addr + 15 * PAGE, b"x")
    assert guest.space.n_demand_zero == 16


def test_destroy_returns_every_frame() -> None:
    """After destroy only the page cache owns frames, and no file is held."""
    guest, file = new_guest(), MemoryFile(bytes(20 * PAGE))
    ram = guest.machine.ram
    space = guest.space
    space.set_stack(STACK_TOP, 100, 8 << 20)
    space.start_brk = space.brk = AT
    space.set_brk(AT + 5 * PAGE)
    shared = space.mmap(0, 4 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS)
    text = space.mmap(0, 20 * PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file)
    data = space.mmap(0, 20 * PAGE, RW, MAP_PRIVATE, file)
    for va in (STACK_TOP - 8, AT + PAGE, shared + PAGE, data + 3 * PAGE):
        guest.store(va, b"x")
    guest.execute(text + 7 * PAGE)
    child = guest.fork()
    child.store(STACK_TOP - 8, b"y")
    child.store(data, b"y")
    child.space.check_invariants()
    child.space.destroy()
    space.check_invariants()
    space.destroy()
    assert ram.n_used == space.cache.n_frames == 16
    assert file.refs == 0
    space.cache.close()
    assert ram.n_used == 0
    assert not any(ram.counts[: ram.n_frames])


def test_rlimit_stack_decides_the_base_of_exec() -> None:
    """set_stack takes the limit of the moment: a larger stack moves mmap down."""
    guest = new_guest()
    guest.space.set_stack(STACK_TOP, 100, 1 << 30)
    assert guest.space.mmap(0, PAGE, RW, ANON) == STACK_TOP - (1 << 30) - (1 << 20) - PAGE
    guest.space.limits.soft[RLIMIT_STACK] = PAGE
    assert signal_of(guest, guest.space.vmas.areas[-1].start - 1, write=True) is not None


def test_freed_frames_are_used_again() -> None:
    """Mapping and unmapping over and over needs no more of the host's memory than a few hundred frames."""
    guest = new_guest()
    for _ in range(100):
        addr = guest.space.mmap(0, 16 * PAGE, RW, ANON)
        guest.space.populate(addr, addr + 16 * PAGE)
        assert guest.load(addr + 15 * PAGE) == b"\0"
        guest.store(addr, b"dirty")
        guest.space.munmap(addr, 16 * PAGE)
    assert guest.machine.ram._fresh < 300
