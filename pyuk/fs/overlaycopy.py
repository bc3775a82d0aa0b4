"""What an overlay does when something is changed: copies from the lower to the upper, and renames across both."""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import EACCES, ENODATA, ENXIO, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TMPFILE, O_WRONLY, RENAME_EXCHANGE
from pyuk.abi.stat import S_IFMT
from pyuk.abi.unistd import SEEK_DATA, SEEK_HOLE
from pyuk.fs.overlayupper import DIRECTORY, OPAQUE, WHITEOUT
from pyuk.fs.permission import ROOT
from pyuk.fs.stat import Stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.fs.file import OpenFile
    from pyuk.fs.overlay import OverlayFs, Spot
    from pyuk.fs.overlayfile import OverlayFile

_CHUNK_BYTES = 1 << 20
_NOT_COPIED = (EPERM, EACCES, EOPNOTSUPP, ENODATA)
"""What may be in the way of copying an attribute; then the copy has none."""


def copy_of(status: os.stat_result | Stat) -> Stat:
    """The same, for the caller to change."""
    found = Stat(status.st_dev, status.st_ino, status.st_mode, nlink=status.st_nlink, size_bytes=status.st_size)
    for field in Stat.__slots__:
        setattr(found, field, getattr(status, field))
    return found


def copy_directory(overlay: OverlayFs, spot: Spot) -> None:
    """Make a directory of the lower in the upper, without what is in it. That of its parent is there."""
    upper, below = overlay.upper, spot.lower or b""
    status = overlay.lower.stat(None, below, follow=False)
    parent = _check_place(overlay, spot)
    upper.fs.mkdir(None, spot.path, status.st_mode & ~S_IFMT, 0)
    _copy_rest(overlay, spot, status, parent)


def copy_file(overlay: OverlayFs, spot: Spot, n_bytes: int | None) -> None:
    """Make a file of the lower in the upper; of a regular one the first n_bytes. If that fails, nothing is there."""
    upper, below = overlay.upper, spot.lower or b""
    status = overlay.lower.stat(None, below, follow=False)
    parent = _check_place(overlay, spot)
    kind = status.st_mode & S_IFMT
    if modes.S_ISLNK(kind):
        upper.fs.symlink(None, spot.path, overlay.lower.readlink(None, below))
    elif modes.S_ISREG(kind):
        _copy_regular(overlay, spot, status.st_size if n_bytes is None else min(n_bytes, status.st_size))
    else:
        device = status.st_rdev >> 8 & 0xFFF, status.st_rdev & 0xFF | status.st_rdev >> 12 & 0xFFF00
        upper.fs.mknod(None, spot.path, status.st_mode, device, 0)
    _copy_rest(overlay, spot, status, parent)


def _check_place(overlay: OverlayFs, spot: Spot) -> os.stat_result | Stat:
    """What the directory in the upper is before the copy, which is to leave its times alone. Errors: EPERM the name."""
    above, _, name = spot.path.rpartition(b"/")
    overlay.upper.check_name(name)
    return overlay.upper.fs.stat(None, above, follow=False)


def _copy_regular(overlay: OverlayFs, spot: Spot, n_bytes: int) -> None:
    fs = overlay.upper.fs
    source = overlay.lower.open(None, spot.lower or b"", O_RDONLY, 0, 0)
    try:
        target = fs.open(None, spot.path, O_CREAT | O_EXCL | O_WRONLY, 0o600, 0)
        try:
            copy_data(source, target, n_bytes)
        except BaseException:
            fs.unlink(None, spot.path)
            raise
        finally:
            target.release()
    finally:
        source.release()


def copy_data(source: OpenFile, target: OpenFile, n_bytes: int) -> None:
    """The first n_bytes of a file, holes where it has some."""
    buffer = memoryview(bytearray(min(n_bytes, _CHUNK_BYTES)))
    at = end = 0
    while at < n_bytes:
        if at >= end:
            try:
                at = source.lseek(at, SEEK_DATA)
                end = source.lseek(at, SEEK_HOLE)
            except SyscallError as error:
                if error.errno == ENXIO:  # nothing but a hole
                    break
                end = n_bytes  # nobody knows of holes
        wanted = min(end, n_bytes) - at
        n = source.pread([buffer[:wanted]], at) if wanted > 0 else 0
        if not n:
            break
        done = 0
        while done < n:
            done += target.pwrite([buffer[done:n]], at + done)
        at += n
    target.truncate(n_bytes)


def _copy_rest(
    overlay: OverlayFs, spot: Spot, status: os.stat_result | Stat, parent: os.stat_result | Stat
) -> None:  # fmt: skip
    """Owner, mode, attributes and times, and the numbers that it goes on with."""
    fs, path, below = overlay.upper.fs, spot.path, spot.lower or b""
    made = fs.stat(None, path, follow=False)
    overlay.numbered(made, (status.st_dev, status.st_ino))
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        overlay.give(path, status.st_uid, status.st_gid)
    for name in overlay.lower.listxattr(None, below, follow=False):
        try:
            value = overlay.lower.getxattr(None, below, name, follow=False)
            fs.setxattr(None, path, name, value, 0, follow=False)
        except SyscallError as error:
            if error.errno not in _NOT_COPIED:
                raise
    if not modes.S_ISLNK(status.st_mode):
        fs.chmod(None, path, status.st_mode & ~S_IFMT)
    fs.utime(None, path, (status.st_atime_ns, status.st_mtime_ns), follow=False)
    fs.utime(None, path.rpartition(b"/")[0], (parent.st_atime_ns, parent.st_mtime_ns), follow=False)


def copy_unnamed(overlay: OverlayFs, file: OverlayFile) -> OpenFile:
    """A copy of an open file whose name is gone, in the upper and as nameless; open as the file is."""
    status = file.stat()
    made = overlay.upper.fs.open(None, b"", O_TMPFILE | O_RDWR, 0o600, 0)
    try:
        copy_data(file.real, made, status.st_size)
        overlay.numbered(made.stat(), (status.st_dev, status.st_ino))
        made.chown(status.st_uid, status.st_gid)
        made.chmod(status.st_mode & ~S_IFMT)
        made.utime((status.st_atime_ns, status.st_mtime_ns))
        return made.reopen(file.flags)
    finally:
        made.release()


def copy_tree(overlay: OverlayFs, path: bytes) -> None:
    """Have a directory and all that is below it in the upper, which then shows nothing of the lower there."""
    overlay.copy_up_directories(path)
    for _ino, kind, name in overlay.listing(path):
        below = path + b"/" + name
        spot = overlay.resolve(below, ROOT)
        if kind == modes.S_IFDIR >> 12:
            copy_tree(overlay, below)
        elif not spot.is_upper:
            overlay.copy_up(spot)
    overlay.upper.clear(path)
    overlay.upper.set_opaque(path)


def rename(overlay: OverlayFs, old: Spot, new: Spot, other: os.stat_result | Stat | None, *, is_exchange: bool) -> None:
    """Move one name to another, whose object, if there is one, goes away or comes back here. All is checked."""
    upper = overlay.upper
    leaves_below = overlay.is_below(old)
    for path in {old.path.rpartition(b"/")[0], new.path.rpartition(b"/")[0]}:
        overlay.copy_up_directories(path)
    _detach(overlay, old)
    if is_exchange:
        _detach(overlay, new)
        upper.fs.rename(None, old.path, None, new.path, RENAME_EXCHANGE)
        return
    if other is not None and new.kind in (DIRECTORY, OPAQUE):
        upper.clear(new.path)

    def move() -> None:
        upper.fs.rename(None, old.path, None, new.path, 0)

    overlay.replace_whiteout(new, move) if new.kind == WHITEOUT else move()
    if leaves_below:
        upper.hide(old.path)


def _detach(overlay: OverlayFs, spot: Spot) -> None:
    """Have what is there in the upper, so that it shows the same under another name."""
    status = overlay.status(spot)
    if not modes.S_ISDIR(status.st_mode):
        if not spot.is_upper:
            overlay.copy_up(spot)
    elif spot.lower is None:
        if spot.kind == DIRECTORY:
            overlay.upper.set_opaque(spot.path)
    elif overlay.upper.has_redirects:
        overlay.copy_up_directories(spot.path)
        overlay.upper.set_redirect(spot.path, spot.lower)
    else:
        copy_tree(overlay, spot.path)
