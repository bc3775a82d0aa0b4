"""Guests' locks on the host: what programs there are to see of them, and what of theirs is in the way.

For each file there is one open file description of pyuk's own, which holds for every byte the strongest of the guests'
record locks (F_OFD_SETLK: the host's POSIX locks would be lost when pyuk closes the file elsewhere). A lock of flock(2)
is taken on the guest's own description. The host tells nobody when a lock of its programs is gone, so that one is
asked for again and again.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from itertools import pairwise

from pyuk.abi.errno import SyscallError
from pyuk.abi.fcntl import F_OFD_GETLK, F_OFD_SETLK, F_RDLCK, F_UNLCK, F_WRLCK, LOCK_NB
from pyuk.fs.errors import guest_error
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.fs.locks import Record

    Pieces = list[tuple[int, int, int]]

_RETRY_NS = 10_000_000
_FLOCK = struct.Struct("<hh4xqqi4x")  # struct flock: l_type, l_whence, l_start, l_len, l_pid
_STRENGTH = {F_UNLCK: 0, F_RDLCK: 1, F_WRLCK: 2}
_IS_LOCKED = (errno.EAGAIN, errno.EACCES)
_ENDLESS = 1 << 63


class HostLocks:
    """What is held of one file. Deviation: where the host has no F_OFD_SETLK, nothing."""

    __slots__ = ("_fds",)

    def __init__(self) -> None:
        self._fds: dict[int, int] = {}
        """Kind of lock to the descriptor that can take it: one for both where the host lets pyuk open it so."""

    def change(self, file: OpenFile, wish: Record, before: Pieces, after: Pieces, *, waits: bool) -> None:
        """Go from one state of the wish's range to another. Errors: EAGAIN, as things were before; may block."""
        edges = sorted({start for start, _end, _kind in before + after} | {wish.end})
        pieces = [(start, end, _kind_at(before, start), _kind_at(after, start)) for start, end in pairwise(edges)]
        taken: list[tuple[int, int, int]] = []
        for start, end, old, new in pieces:
            if _STRENGTH[new] > _STRENGTH[old]:
                try:
                    self._set(file, start, end, new)
                except OSError as error:
                    for at, to, kind in taken:
                        self._set(file, at, to, kind)
                    if error.errno in _IS_LOCKED and waits:
                        raise WouldBlock(retry_ns=_RETRY_NS) from None
                    raise guest_error(error) from None
                taken.append((start, end, old))
        for start, end, old, new in pieces:
            if _STRENGTH[new] < _STRENGTH[old]:
                self._set(file, start, end, new)

    def conflict(self, file: OpenFile, wish: Record) -> Record | None:
        """A lock of the host's programs that is in the way."""
        import fcntl  # noqa: PLC0415

        if sys.platform != "linux":
            return None
        fd = next(iter(self._fds.values()), file.host_fd())
        try:
            answer = fcntl.fcntl(fd, F_OFD_GETLK, _packed(wish.start, wish.end, wish.kind))
        except OSError as error:
            raise guest_error(error) from None
        kind, _whence, start, length, pid = _FLOCK.unpack(answer)
        if kind == F_UNLCK:
            return None
        found = wish.part(start, start + length if length else _ENDLESS)
        found.kind = kind
        found.pid = -1 if pid == -1 else 0  # a process outside has no number here (locks_translate_pid)
        return found

    def _set(self, file: OpenFile, start: int, end: int, kind: int) -> None:
        import fcntl  # noqa: PLC0415

        if sys.platform != "linux":
            return
        if kind != F_UNLCK and kind not in self._fds:
            self._open(file, kind)
        for fd in dict.fromkeys(self._fds.values()):
            if fd != self._fds.get(kind):
                fcntl.fcntl(fd, F_OFD_SETLK, _packed(start, end, F_UNLCK))
        if kind != F_UNLCK:
            fcntl.fcntl(self._fds[kind], F_OFD_SETLK, _packed(start, end, kind))

    def _open(self, file: OpenFile, kind: int) -> None:
        """A description for locks of that kind, which cannot block; if it can be for both kinds at once."""
        if not self._fds:
            try:
                fd = os.open(file.host_name(), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            except (OSError, SyscallError):
                pass
            else:
                self._fds = {F_RDLCK: fd, F_WRLCK: fd}
                return
        try:
            mode = os.O_RDONLY if kind == F_RDLCK else os.O_WRONLY
            self._fds[kind] = os.open(file.host_name(), mode | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, SyscallError):
            self._fds[kind] = os.dup(file.host_fd())

    def close(self) -> None:
        """No guest holds a lock on the file."""
        for fd in dict.fromkeys(self._fds.values()):
            os.close(fd)
        self._fds.clear()


def flock(fd: int, operation: int, *, waits: bool) -> None:
    """As flock(2) on a host descriptor. Errors: EAGAIN; may block."""
    import fcntl  # noqa: PLC0415

    try:
        fcntl.flock(fd, operation | LOCK_NB)
    except BlockingIOError as error:
        if waits:
            raise WouldBlock(retry_ns=_RETRY_NS) from None
        raise guest_error(error) from None
    except OSError as error:
        raise guest_error(error) from None


def _kind_at(pieces: Pieces, place: int) -> int:
    return next(kind for start, end, kind in pieces if start <= place < end)


def _packed(start: int, end: int, kind: int) -> bytes:
    return _FLOCK.pack(kind, 0, start, 0 if end == _ENDLESS else end - start, 0)
