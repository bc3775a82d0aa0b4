"""The same calls on the host's kernel and on pyuk's: equal errnos, equal /proc/PID/maps, equal bytes."""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.abi import mman
from pyuk.abi.errno import SyscallError
from tests.mm.fake_machine import Guest, MemoryFile, new_guest

PAGE = 4096
BASE = 0x1000_0000_0000  # nothing of a Python process lies near
N_PAGES = 24
FILE_BYTES = 5 * PAGE + 100

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the oracle is an x86-64 Linux kernel")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_SYS = {"mmap": 9, "mprotect": 10, "munmap": 11, "mremap": 25, "msync": 26, "madvise": 28, "pread": 17, "pwrite": 18}


def host(name: str, *args: int) -> int:
    """A raw system call: the result, or -errno."""
    result = int(_libc.syscall(_SYS[name], *(ctypes.c_ulong(arg & (1 << 64) - 1) for arg in args)))
    return -ctypes.get_errno() if result == -1 else result


def host_copy(name: str, va: int, data: bytes) -> bytes | None:
    """What the host's kernel reads at va ("pwrite" of it), or None: copied as the CPU would, and never a signal."""
    scratch = os.memfd_create("scratch")
    try:
        os.write(scratch, data)
        done = host(name, scratch, va, len(data), 0) == len(data)
        return os.pread(scratch, len(data), 0) if done else None
    finally:
        os.close(scratch)


def guest_call(call: Callable[..., int | None], *args: Any) -> int:
    """The result, or -errno."""
    try:
        result = call(*args)
    except SyscallError as error:
        return -error.errno
    return result if isinstance(result, int) else 0


def host_maps(end: int) -> list[str]:
    """The window's lines without device and name."""
    text = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
    return joined(line for line in text.splitlines() if BASE <= int(line.split("-")[0], 16) < end)


def joined(lines: Iterable[str]) -> list[str]:
    """start-end perms offset, with adjacent lines of equal rights made one: when Linux merges has changed since 6.1."""
    out: list[tuple[int, int, str, int]] = []
    for line in lines:
        span, perms, offset, _dev, ino = line.split()[:5]
        start, end = (int(part, 16) for part in span.split("-"))
        at = int(offset, 16) if perms[3] == "s" or int(ino) else -1
        if out:
            before = out[-1]
            follows = before[3] == at == -1 or before[3] >= 0 <= at == before[3] + before[1] - before[0]
            if before[1] == start and before[2] == perms and follows:
                out[-1] = (before[0], end, perms, before[3])
                continue
        out.append((start, end, perms, at))
    return [f"{start:x}-{end:x} {perms} {at:x}" for start, end, perms, at in out]


indices = st.integers(0, N_PAGES - 1)
lengths = st.one_of(st.integers(0, 6 * PAGE), st.sampled_from((PAGE, 2 * PAGE, 5 * PAGE)))
whole_pages = st.integers(1, 6).map(lambda n: n * PAGE)  # before 6.17 a bad old length unmapped the target first
addresses = st.builds(lambda i, odd: BASE + i * PAGE + odd, indices, st.sampled_from((0, 0, 0, 0, 0, 0, 1)))
anonymous = st.sampled_from((mman.MAP_PRIVATE, mman.MAP_SHARED)).map(lambda kind: kind | mman.MAP_ANONYMOUS)
advice = st.sampled_from((0, 1, 2, 3, 4, 4, 5, 10, 11, 16, 17, 18, 19, 22, 23))
operations = st.one_of(
    st.tuples(
        st.just("mmap"), addresses, lengths, st.integers(0, 7),
        st.one_of(anonymous, st.sampled_from((mman.MAP_PRIVATE, mman.MAP_SHARED, mman.MAP_PRIVATE, 0, 4))),
        st.sampled_from((mman.MAP_FIXED, mman.MAP_FIXED, mman.MAP_FIXED_NOREPLACE)),
        st.one_of(st.integers(0, 6).map(lambda i: i * PAGE), st.just(7)),
    ),
    st.tuples(st.just("munmap"), addresses, lengths),
    st.tuples(st.just("mprotect"), addresses, lengths, st.sampled_from((0, 1, 2, 3, 4, 5, 6, 7, 16))),
    st.tuples(st.just("mremap"), addresses, lengths, lengths, st.sampled_from((0, 0, 1 << 5)), addresses),
    st.tuples(st.just("mremap"), addresses, whole_pages, whole_pages, st.sampled_from((3, 3, 7)), addresses),
    st.tuples(st.just("madvise"), addresses, lengths, advice),
    st.tuples(st.just("msync"), addresses, lengths, st.sampled_from((0, 1, 2, 4, 5, 6, 8))),
    st.tuples(st.just("write"), indices, st.integers(0, PAGE - 1), st.integers(1, 255)),
    st.tuples(st.just("write"), indices, st.integers(0, PAGE - 1), st.integers(1, 255)),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(operations, max_size=30))
def test_random_calls_do_what_the_host_does(calls: list[tuple[Any, ...]]) -> None:
    """After each call the errno and the areas agree, and in the end every byte of the window and of the file."""
    agree(calls, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(operations, max_size=25))
def test_random_calls_on_large_areas_do_what_the_host_does(calls: list[tuple[Any, ...]]) -> None:
    """The same with everything 256 times as large: 2 MiB pages come, are split, moved and dropped."""
    agree([scaled(call) for call in calls], SCALE)


SCALE = 256


def scaled(call: tuple[Any, ...]) -> tuple[Any, ...]:
    """Addresses and lengths, whole pages of them, times SCALE."""
    name, *args = call
    if name == "write":
        return (name, args[0] * SCALE + args[1] % SCALE, *args[1:])
    positions = {"mmap": (0, 1, 5), "mremap": (0, 1, 2, 4)}.get(name, (0, 1))
    for at in positions:
        base = BASE if at in (0, 4) and args[at] >= BASE else 0
        whole, rest = divmod(args[at] - base, PAGE)
        args[at] = base + whole * PAGE * SCALE + rest
    return (name, *args)


def agree(calls: list[tuple[Any, ...]], scale: int) -> None:
    """Make the calls on both sides, in a window of scale times N_PAGES."""
    end = BASE + scale * N_PAGES * PAGE
    content = bytes(i * 7 & 0xFF for i in range(FILE_BYTES))
    with tempfile.TemporaryFile() as host_file:
        host_file.write(content)
        host_file.flush()
        file = MemoryFile(content)
        guest = new_guest(8192 * scale if scale > 1 else 4096)
        try:
            for call in calls:
                compare(call, host_file.fileno(), file, guest, end)
                guest.space.check_invariants()
                assert joined(guest.space.maps().splitlines()[:-1]) == host_maps(end), call
            for va in range(BASE, end, PAGE * max(scale // 4, 1)):
                assert (host_copy("pwrite", va, bytes(PAGE)) or b"") == read_page(guest, va), hex(va)
        finally:
            host("munmap", BASE, end - BASE)
        guest.space.destroy()
        assert os.pread(host_file.fileno(), FILE_BYTES * 2, 0) == bytes(file.data)
        assert guest.machine.ram.n_used == guest.space.cache.n_frames


def read_page(guest: Guest, va: int) -> bytes:
    """A whole page as read(2)'s copy would see it; empty where it is EFAULT."""
    try:
        return guest.memory.read(va, PAGE)
    except SyscallError:
        return b""


def compare(call: tuple[Any, ...], fd: int, file: MemoryFile, guest: Guest, end: int) -> None:
    """One call on both sides."""
    name, *args = call
    space, memory = guest.space, guest.memory
    if name == "write":
        index, offset, value = args
        va = BASE + index * PAGE + offset
        data = bytes((value,))
        theirs = host_copy("pread", va, data)
        assert (theirs is None) == (guest_call(memory.write, va, data) < 0), call
    elif args[0] + args[1] > end or (name == "mremap" and max(args[0], args[4]) + args[2] > end):
        return
    elif name == "mmap":
        addr, length, prot, kind, how, offset = args
        is_anonymous = kind & mman.MAP_ANONYMOUS
        flags = kind | how
        result = host("mmap", addr, length, prot, flags, -1 if is_anonymous else fd, offset)
        ours = guest_call(space.mmap, addr, length, prot, flags, None if is_anonymous else file, offset)
        assert ours == result, call
    else:
        vma = space.vmas.find(args[0])
        if name == "mremap" and args[3] and vma is not None and vma.end < args[0] + args[1]:
            return  # since 6.17 a range over several areas moves, or leaves the target alone
        result = host(str(name), *args)
        ours = guest_call(getattr(space, str(name)), *args)
        if name == "mremap" and {ours, result} == {-errno.EFAULT, -errno.EINVAL}:
            return  # which of two wrong arguments counts has changed since 6.1
        assert ours == result, (call, space.maps())
