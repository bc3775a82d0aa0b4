"""Locks on files: guests against guests by a model, and guests against programs of the host."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.abi.errno import EAGAIN, SyscallError
from pyuk.abi.fcntl import F_RDLCK, F_UNLCK, F_WRLCK
from pyuk.fs.file import FdTable
from pyuk.fs.locks import FileLocks, LockTable, Record
from pyuk.fs.tmpfile import MemFile
from tests.host_context import host_context
from tests.syscalls.file_task import FileTask

N_BYTES, N_OWNERS = 12, 3
F_GETLK, F_SETLK, F_OFD_SETLK = 5, 6, 37
_WISHES = st.lists(
    st.tuples(
        st.integers(0, N_OWNERS - 1), st.integers(0, N_BYTES - 1), st.integers(1, N_BYTES),
        st.sampled_from((F_RDLCK, F_WRLCK, F_UNLCK)),
    ),
    max_size=30,
)  # fmt: skip


class _NoFile(MemFile):
    """Whatever is asked of a file by locks that are the guests' alone: nothing."""

    def __init__(self) -> None:
        """No memory is behind it."""


def _is_allowed(held: list[dict[int, int]], owner: int, start: int, end: int, kind: int) -> bool:
    return kind == F_UNLCK or not any(
        F_WRLCK in (kind, other[byte])
        for number, other in enumerate(held)
        for byte in range(start, end)
        if number != owner and byte in other
    )


@settings(max_examples=200)
@given(_WISHES)
def test_ranges_are_kept_as_a_map_of_bytes_keeps_them(wishes: list[tuple[int, int, int, int]]) -> None:
    """Each byte is locked by whom the requests that were granted say, and a request is refused for good reason."""
    table = LockTable()
    locks = FileLocks(table, (False, 1, 1))
    owners = [FdTable() for _ in range(N_OWNERS)]
    held: list[dict[int, int]] = [{} for _ in owners]
    file = _NoFile()
    for owner, start, length, kind in wishes:
        end = min(start + length, N_BYTES)
        wish = Record(owners[owner], start, end, kind, owner)
        if not _is_allowed(held, owner, start, end, kind):
            with pytest.raises(SyscallError) as refused:
                locks.set(file, wish, waits=False)
            assert refused.value.errno == EAGAIN
            continue
        locks.set(file, wish, waits=False)
        for byte in range(start, end):
            held[owner].pop(byte, None)
            if kind != F_UNLCK:
                held[owner][byte] = kind
        locks.check_invariants()
        found = [
            {byte: record.kind for record in locks.records() if record.owner is one for byte in _bytes(record)}
            for one in owners
        ]
        assert found == held


def _bytes(record: Record) -> range:
    return range(record.start, record.end)


@pytest.fixture
def task(tmp_path: Path) -> Iterator[FileTask]:
    """A guest's task whose working directory has the file `db`."""
    (tmp_path / "db").write_bytes(bytes(100))
    guest = FileTask(host_context(os.fsencode(tmp_path)))
    yield guest
    guest.close()


@pytest.fixture
def host(tmp_path: Path, task: FileTask) -> Iterator[int]:  # noqa: ARG001  # it makes the file
    """The host's descriptor of the same file, closed first: POSIX locks go with it."""
    fd = os.open(tmp_path / "db", os.O_RDWR)
    yield fd
    os.close(fd)


def _flock(kind: int, start: int, length: int) -> bytes:
    return struct.pack("<hh4xqqi4x", kind, 0, start, length, 0)


def _set(task: FileTask, fd: int, kind: int, start: int, length: int, command: int = F_SETLK) -> int | str:
    return task.call("fcntl", fd, command, task.mem.put(_flock(kind, start, length)))


def _host_can(fd: int, kind: int, start: int, length: int) -> bool:
    answer = fcntl.fcntl(fd, fcntl.F_GETLK, _flock(kind, start, length))
    return bytes(answer[:2]) == struct.pack("<h", F_UNLCK)


def test_a_guest_s_record_lock_is_seen_by_the_host(task: FileTask, host: int) -> None:
    """What a guest holds is in the way of a host program, as far as it reaches and as long as it lasts."""
    fd = task.fd(b"db", os.O_RDWR)
    assert _set(task, fd, F_WRLCK, 10, 10) == 0
    assert not _host_can(host, F_RDLCK, 19, 1)
    assert _host_can(host, F_WRLCK, 20, 1)
    assert _set(task, fd, F_RDLCK, 15, 5) == 0
    assert _host_can(host, F_RDLCK, 15, 1)
    assert not _host_can(host, F_WRLCK, 15, 1)
    assert task.call("close", task.fd(b"db", os.O_RDONLY)) == 0
    assert _host_can(host, F_WRLCK, 0, 0)


def test_a_host_program_s_lock_is_in_a_guest_s_way(task: FileTask, host: int) -> None:
    """It is EAGAIN, nothing is locked by halves, and F_GETLK names a process that has no number here."""
    fd = task.fd(b"db", os.O_RDWR)
    fcntl.lockf(host, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 50)
    assert _set(task, fd, F_WRLCK, 10, 50) == "EAGAIN"
    assert _set(task, fd, F_WRLCK, 10, 40) == 0
    assert _set(task, fd, F_WRLCK, 0, 60) == "EAGAIN"
    assert _host_can(host, F_WRLCK, 0, 10)
    assert not _host_can(host, F_WRLCK, 10, 1)
    at = task.mem.put(_flock(F_RDLCK, 0, 0))
    assert task.call("fcntl", fd, F_GETLK, at) == 0
    assert task.mem.read(at, 32) == struct.pack("<hh4xqqi4x", F_WRLCK, 0, 50, 1, 0)


def test_what_guests_hold_together_is_held_on_the_host(task: FileTask, host: int) -> None:
    """Two owners' shared locks are one there, which stays until both are gone; one process's two files do not clash."""
    first, second = task.fd(b"db", os.O_RDWR), task.fd(b"db", os.O_RDONLY)
    assert _set(task, first, F_RDLCK, 0, 10, F_OFD_SETLK) == 0
    assert _set(task, second, F_RDLCK, 5, 10, F_OFD_SETLK) == 0
    assert _set(task, first, F_UNLCK, 0, 0, F_OFD_SETLK) == 0
    assert _host_can(host, F_WRLCK, 0, 5)
    assert not _host_can(host, F_WRLCK, 5, 10)
    assert _set(task, first, F_RDLCK, 50, 10) == 0
    assert _set(task, second, F_RDLCK, 55, 10) == 0
    assert _set(task, first, F_WRLCK, 50, 15) == 0
    assert not _host_can(host, F_RDLCK, 50, 15)


def test_flock_is_taken_on_the_host_too(task: FileTask, host: int) -> None:
    """In both directions."""
    fd = task.fd(b"db", os.O_RDONLY)
    assert task.call("flock", fd, fcntl.LOCK_EX | fcntl.LOCK_NB) == 0
    with pytest.raises(BlockingIOError):
        fcntl.flock(host, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert task.call("flock", fd, fcntl.LOCK_UN) == 0
    fcntl.flock(host, fcntl.LOCK_SH | fcntl.LOCK_NB)
    assert task.call("flock", fd, fcntl.LOCK_EX | fcntl.LOCK_NB) == "EAGAIN"
    assert task.call("flock", fd, fcntl.LOCK_SH | fcntl.LOCK_NB) == 0
