"""Locks on files: record locks of processes and of open file descriptions (fcntl(2)), and flock(2).

A record lock's owner is a descriptor table, as Linux's is the files_struct, or an open file description (F_OFD_SETLK).
Guests' locks on one file are compared here; what they hold together of a host's file is also held on the host, for the
programs there (hostlock.py). Source: Linux 6.1 fs/locks.c.
"""

from __future__ import annotations

from itertools import pairwise

from pyuk.abi.errno import EAGAIN, EDEADLK, SyscallError
from pyuk.abi.fcntl import F_RDLCK, F_UNLCK, F_WRLCK, LOCK_EX, LOCK_NB, LOCK_UN
from pyuk.abi.stat import S_IFMT, S_IFREG
from pyuk.fs.file import FdTable, OpenFile
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyuk.fs.hostlock import HostLocks

    Owner = FdTable | OpenFile

END = 1 << 63
"""Behind the last byte that any file can have."""
_MOST_HOPS = 10  # fs/locks.c: MAX_DEADLK_ITERATIONS


class Record:
    """A record lock, or the wish for one: [start, end) in bytes; F_RDLCK, F_WRLCK, or in a wish F_UNLCK."""

    __slots__ = ("end", "kind", "owner", "pid", "start")

    def __init__(self, owner: Owner, start: int, end: int, kind: int, pid: int) -> None:
        self.owner = owner
        self.start = start
        self.end = end
        self.kind = kind
        self.pid = pid
        """What F_GETLK says of it: -1 for one of an open file description, 0 for one outside."""

    def part(self, start: int, end: int) -> Record:
        """A piece of it."""
        return Record(self.owner, start, end, self.kind, self.pid)


class LockTable:
    """The files that have locks, and who waits for whom."""

    __slots__ = ("files", "hints", "waiting")

    def __init__(self) -> None:
        self.files: dict[tuple[bool, int, int], FileLocks] = {}
        self.waiting: dict[Record, Owner] = {}
        """The wishes of processes that sleep, and the owner of what is in their way."""
        self.hints: dict[tuple[bool, int, int], int] = {}
        """F_SET_RW_HINT's, by inode."""

    @staticmethod
    def key_of(file: OpenFile) -> tuple[bool, int, int]:
        """The inode; the host's numbers and pyuk's own are not the same."""
        status = file.stat()
        return file.host_fd() >= 0, status.st_dev, status.st_ino

    def of(self, file: OpenFile) -> FileLocks:
        """Those of the inode that is open there."""
        key = self.key_of(file)
        found = self.files.get(key)
        if found is None:
            found = self.files[key] = FileLocks(self, key)
            if key[0] and file.stat().st_mode & S_IFMT == S_IFREG:
                from pyuk.fs.hostlock import HostLocks  # noqa: PLC0415

                found.host = HostLocks()
        return found

    def listing(self) -> Iterator[tuple[bytes, bool, int, int, int, int, int]]:
        """Every lock: kind, whether it is exclusive, pid, st_dev, st_ino, start, end (/proc/locks)."""
        for file in self.files.values():
            yield from file.listing()

    def would_deadlock(self, owner: Owner, blocker: Owner) -> bool:
        """Whether the blocker waits, by some others perhaps, for the owner (posix_locks_deadlock)."""
        for _hop in range(_MOST_HOPS):
            if blocker is owner:
                return True
            next_one = next((to for wish, to in self.waiting.items() if wish.owner is blocker), None)
            if next_one is None:
                return False
            blocker = next_one
        return blocker is owner


class FileLocks:
    """The locks on one inode.

    Invariants: an owner's records are sorted, do not overlap, and neighbours of one kind are one; those of two owners
    overlap only where both are F_RDLCK. Of flocks there is one exclusive, or any number of shared ones. An empty
    one is not in the table.
    """

    __slots__ = ("_changed", "_flocks", "_key", "_records", "_table", "host")

    def __init__(self, table: LockTable, key: tuple[bool, int, int]) -> None:
        self._table = table
        self._key = key
        self._changed = WaitQueue()
        self._records: dict[Owner, list[Record]] = {}
        self._flocks: dict[OpenFile, bool] = {}
        """Whether it is exclusive."""
        self.host: HostLocks | None = None
        """What is held on the host, for a regular file of the host's."""

    def is_of(self, file: OpenFile) -> bool:
        """Whether the file is open there."""
        return self._key == self._table.key_of(file)

    def conflict(self, wish: Record) -> Record | None:
        """A lock that is in the way."""
        for owner, records in self._records.items():
            if owner is not wish.owner:
                for record in records:
                    if record.start < wish.end and wish.start < record.end and F_WRLCK in (record.kind, wish.kind):
                        return record
        return None

    def find(self, file: OpenFile, wish: Record) -> Record | None:
        """The same, with the host's programs asked too (F_GETLK)."""
        found = self.conflict(wish)
        return self.host.conflict(file, wish) if found is None and self.host is not None else found

    def set(self, file: OpenFile, wish: Record, *, waits: bool) -> None:
        """Lock or unlock. Errors: EAGAIN it is locked by another, EDEADLK waiting would be for ever; may block."""
        blocker = None if wish.kind == F_UNLCK else self.conflict(wish)
        if blocker is not None:
            if not waits:
                raise SyscallError(EAGAIN)
            if isinstance(wish.owner, FdTable):
                if self._table.would_deadlock(wish.owner, blocker.owner):
                    raise SyscallError(EDEADLK)
                self._table.waiting[wish] = blocker.owner
            raise WouldBlock(self._changed)
        changed = list(_changed(self._records.get(wish.owner, ()), wish))
        if self.host is not None:
            self._change_host(file, wish, changed, waits=waits)
        self._keep(wish.owner, changed)
        self._changed.wake()
        self._forget_if_empty()

    def _change_host(self, file: OpenFile, wish: Record, changed: list[Record], *, waits: bool) -> None:
        others = [record for owner, records in self._records.items() if owner is not wish.owner for record in records]
        before = [*others, *self._records.get(wish.owner, ())]
        assert self.host is not None  # noqa: S101  # the caller has looked
        self.host.change(file, wish, _strongest(before, wish), _strongest([*others, *changed], wish), waits=waits)

    def _keep(self, owner: Owner, records: list[Record]) -> None:
        if records:
            self._records[owner] = records
            owner.attach(self)
        elif self._records.pop(owner, None) is not None and isinstance(owner, FdTable):
            owner.locked.pop(self, None)

    def flock(self, owner: OpenFile, operation: int) -> None:
        """As flock(2): a lock that is converted is given up first (flock_lock_inode). Errors: EAGAIN; may block."""
        exclusive = operation & ~LOCK_NB == LOCK_EX
        waits = not operation & LOCK_NB
        if operation & ~LOCK_NB != LOCK_UN:
            if self._flocks.get(owner) is exclusive:
                return
            self._drop_flock(owner)
            if any(exclusive or other for other in self._flocks.values()):
                if owner.host_fd() >= 0:
                    _flock_host(owner, LOCK_UN, waits=False)
                if not waits:
                    self._forget_if_empty()
                    raise SyscallError(EAGAIN)
                raise WouldBlock(self._changed)
        else:
            self._drop_flock(owner)
        if owner.host_fd() >= 0:
            _flock_host(owner, operation, waits=waits)
        if operation & ~LOCK_NB != LOCK_UN:
            self._flocks[owner] = exclusive
            owner.attach(self)
        self._forget_if_empty()

    def _drop_flock(self, owner: OpenFile) -> None:
        if self._flocks.pop(owner, None) is not None:
            self._changed.wake()

    def drop(self, file: OpenFile, owner: Owner) -> None:
        """The owner has closed the file, or is the file and is closed: all that it holds is given up."""
        if owner is file:
            self._drop_flock(file)
        if owner in self._records:
            self.set(file, Record(owner, 0, END, F_UNLCK, 0), waits=False)
        self._forget_if_empty()

    def released(self, file: OpenFile) -> None:
        """The open file description is closed."""
        self.drop(file, file)

    def _forget_if_empty(self) -> None:
        if not self._records and not self._flocks and not len(self._changed):
            self._table.files.pop(self._key, None)
            if self.host is not None:
                self.host.close()

    def listing(self) -> Iterator[tuple[bytes, bool, int, int, int, int, int]]:
        """See LockTable. Deviation: who has made a flock is not kept; its pid is 0."""
        _, dev, ino = self._key
        for is_exclusive in self._flocks.values():
            yield b"FLOCK", is_exclusive, 0, dev, ino, 0, END
        for record in self.records():
            kind = b"OFDLCK" if record.pid == -1 else b"POSIX"
            yield kind, record.kind == F_WRLCK, record.pid, dev, ino, record.start, record.end

    def records(self) -> Iterator[Record]:
        """All record locks, for whoever lists them."""
        for records in self._records.values():
            yield from records

    def check_invariants(self) -> None:
        """Raise AssertionError where the class's invariants do not hold."""
        for owner, records in self._records.items():
            ok = all(
                one.end <= two.start and (one.end < two.start or one.kind != two.kind) for one, two in pairwise(records)
            )
            if not ok or not records or any(self.conflict(record) is not None for record in records):
                raise AssertionError(owner, [(record.start, record.end, record.kind) for record in records])


def _changed(records: Iterable[Record], wish: Record) -> Iterator[Record]:
    """An owner's records with the wish among them, neighbours of one kind made one (posix_lock_inode)."""
    pieces = [record.part(record.start, wish.start) for record in records if record.start < wish.start < record.end]
    pieces += [record for record in records if record.end <= wish.start or record.start >= wish.end]
    pieces += [record.part(wish.end, record.end) for record in records if record.start < wish.end < record.end]
    if wish.kind != F_UNLCK:
        pieces.append(wish)
    pieces.sort(key=lambda record: record.start)
    last: Record | None = None
    for piece in pieces:
        if last is not None and last.end == piece.start and last.kind == piece.kind:
            last = last.part(last.start, piece.end)
        else:
            if last is not None:
                yield last
            last = piece
    if last is not None:
        yield last


def _strongest(records: list[Record], wish: Record) -> list[tuple[int, int, int]]:
    """(start, end, kind) of what is held of the wish's range by all together, F_UNLCK where nothing is."""
    inside = [record for record in records if record.start < wish.end and wish.start < record.end]
    edges = {wish.start, wish.end}
    for record in inside:
        edges |= {max(record.start, wish.start), min(record.end, wish.end)}
    places = sorted(edges)
    found = []
    for start, end in pairwise(places):
        kinds = {record.kind for record in inside if record.start <= start and end <= record.end}
        found.append((start, end, F_WRLCK if F_WRLCK in kinds else F_RDLCK if kinds else F_UNLCK))
    return found


def _flock_host(owner: OpenFile, operation: int, *, waits: bool) -> None:
    from pyuk.fs.hostlock import flock  # noqa: PLC0415

    flock(owner.host_fd(), operation, waits=waits)
