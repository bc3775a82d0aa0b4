"""What an overlay has that its lower has not, as plain data."""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import ENOENT, ENOTDIR, SyscallError
from pyuk.abi.fcntl import O_RDONLY
from pyuk.fs.overlayupper import DIRECTORY
from pyuk.fs.permission import ROOT

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.overlay import OverlayFs
    from pyuk.fs.stat import Stat

    Status = os.stat_result | Stat

CREATED, CHANGED, DELETED = "created", "changed", "deleted"


class Change:
    """One name. kind: CREATED, CHANGED or DELETED; mode: st_mode now, or before where it is deleted.

    data: a regular file's contents or a link's target now; None for everything else.
    """

    __slots__ = ("data", "gid", "kind", "mode", "uid")

    def __init__(self, kind: str, status: Status, data: bytes | None) -> None:
        self.kind = kind
        self.mode = status.st_mode
        self.uid, self.gid = status.st_uid, status.st_gid
        self.data = data

    def __repr__(self) -> str:
        return f"<Change {self.kind} {self.mode:o} {self.data!r}>"


def changes(overlay: OverlayFs) -> dict[bytes, Change]:
    """All names that differ, by their clean paths from the overlay's root, in order.

    A name is changed where type, permissions, owner or contents are others; times do not count. What a directory that
    was made or removed holds is there name by name.
    """
    found: dict[bytes, Change] = {}
    _compare_names(overlay, b"", found)
    return found


def _compare_names(overlay: OverlayFs, path: bytes, found: dict[bytes, Change]) -> None:
    spot = overlay.resolve(path, ROOT)
    if spot.kind == DIRECTORY and spot.lower == path:
        names = {name for _ino, _kind, name, _hidden in overlay.upper.names(path)}
    else:  # nothing here comes from where it was
        names = {name for _ino, _kind, name in overlay.listing(path)} | _names_below(overlay.lower, path)
    for name in sorted(names):
        _compare(overlay, path + b"/" + name if path else name, found)


def _compare(overlay: OverlayFs, path: bytes, found: dict[bytes, Change]) -> None:
    before = _status_or_none(overlay.lower, path)
    now = _status_or_none(overlay, path)
    if now is None:
        if before is not None:
            _deleted(overlay.lower, path, before, found)
        return
    if before is not None and modes.S_ISDIR(before.st_mode) and not modes.S_ISDIR(now.st_mode):
        for name in sorted(_names_below(overlay.lower, path)):
            below = path + b"/" + name
            _deleted(overlay.lower, below, overlay.lower.stat(None, below, follow=False), found)
    data = _data(overlay, path, now)
    if before is None:
        found[path] = Change(CREATED, now, data)
    elif _plain(before) != _plain(now) or _data(overlay.lower, path, before) != data:
        found[path] = Change(CHANGED, now, data)
    if modes.S_ISDIR(now.st_mode):
        _compare_names(overlay, path, found)


def _deleted(lower: FileSystem, path: bytes, before: Status, found: dict[bytes, Change]) -> None:
    found[path] = Change(DELETED, before, None)
    if modes.S_ISDIR(before.st_mode):
        for name in sorted(_names_below(lower, path)):
            below = path + b"/" + name
            _deleted(lower, below, lower.stat(None, below, follow=False), found)


def _plain(status: Status) -> tuple[int, int, int, int]:
    return status.st_mode, status.st_uid, status.st_gid, status.st_rdev


def _status_or_none(fs: FileSystem, path: bytes) -> Status | None:
    try:
        return fs.stat(None, path, follow=False)
    except SyscallError as error:
        if error.errno not in (ENOENT, ENOTDIR):
            raise
        return None


def _data(fs: FileSystem, path: bytes, status: Status) -> bytes | None:
    if modes.S_ISLNK(status.st_mode):
        return fs.readlink(None, path)
    if not modes.S_ISREG(status.st_mode):
        return None
    file = fs.open(None, path, O_RDONLY, 0, 0)
    try:
        buffer = memoryview(bytearray(status.st_size))
        at = 0
        while at < len(buffer):
            n = file.pread([buffer[at:]], at)
            if not n:
                break
            at += n
        return buffer[:at].tobytes()
    finally:
        file.release()


def _names_below(lower: FileSystem, path: bytes) -> set[bytes]:
    try:
        directory = lower.open(None, path, O_RDONLY, 0, 0)
    except SyscallError as error:
        if error.errno not in (ENOENT, ENOTDIR):
            raise
        return set()
    try:
        if directory.filesystem is None:
            return set()
        return {name for *_, name in directory.entries() if name not in (b".", b"..")}
    finally:
        directory.release()
