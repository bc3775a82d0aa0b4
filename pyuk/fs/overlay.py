"""One file system over another: what is changed is kept in the upper, and the lower stays as it is.

As Linux's overlayfs (Documentation/filesystems/overlayfs.rst; fs/overlayfs), in this alone otherwise: a directory of
the lower can be renamed, st_dev is the lower's, and file numbers stay when a file is copied up on any layers.
"""

from __future__ import annotations

import os
import stat as modes

from pyuk.abi.errno import (
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    ENODATA,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    ENXIO,
    EPERM,
    ETXTBSY,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import (
    O_ACCMODE,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_LARGEFILE,
    O_NOCTTY,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_TMPFILE,
    O_TRUNC,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
)  # fmt: skip
from pyuk.abi.stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK
from pyuk.abi.unistd import R_OK, W_OK, X_OK
from pyuk.fs.filesystem import FileSystem, LinkMet
from pyuk.fs.overlayfile import OverlayDirectory, OverlayFile
from pyuk.fs.overlayupper import ABSENT, DIRECTORY, FILE, LINK, WHITEOUT
from pyuk.fs.permission import (
    ROOT,
    RealIds,
    check,
    check_chown,
    check_creation,
    check_link_source,
    check_open,
    check_removal,
    check_rename,
    check_utime,
    mode_after_chown,
    mode_after_write,
    new_mode,
    new_owner,
)  # fmt: skip
from pyuk.fs.stat import Stat, StatFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import Times
    from pyuk.fs.overlayfile import OverlayNode
    from pyuk.fs.overlayupper import Upper
    from pyuk.fs.permission import Owned, Who

_OVERLAYFS_SUPER_MAGIC = 0x794C7630
_NUMBER_OF_UPPER = 1 << 48
"""Added to the numbers of what only the upper has: the lower has no such numbers, and a double holds them exactly."""
_TMPFILE = O_TMPFILE & ~O_DIRECTORY
_NOT_SHOWN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC
_OWN_ATTRIBUTES = b"trusted.overlay."
_GONE = (ENOENT, ENOTDIR)


class Spot:
    """What a path leads to.

    kind: what the upper has there (overlayupper.ABSENT...). below: where in the lower the same name is, None where
    nothing of the lower shows through. lower: the path in the lower of what shows here, alone or merged; it may turn
    out not to be there.
    """

    __slots__ = ("below", "kind", "lower", "path")

    def __init__(self, path: bytes, kind: int, below: bytes | None, lower: bytes | None) -> None:
        self.path = path
        self.kind = kind
        self.below = below
        self.lower = lower

    @property
    def is_upper(self) -> bool:
        """Whether the upper has the object, or its copy."""
        return self.kind >= FILE


class OverlayFs(FileSystem):
    """The two as one.

    Invariant: a path is the same in the upper as here; `opened` has every open file of the overlay.
    """

    __slots__ = ("_creds", "_host_uid", "_is_running", "_numbers", "_root_dev", "lower", "opened", "upper")
    is_optimistic = True

    def __init__(
        self, lower: FileSystem, upper: Upper, creds: Callable[[], Who],
        is_running: Callable[[tuple[int, int]], bool] = lambda _ident: False,
    ) -> None:  # fmt: skip
        """lower: is only read. is_running: whether the file with this st_dev and st_ino is a running program."""
        self.lower = lower
        self.upper = upper
        self._creds = creds
        self._is_running = is_running
        self._host_uid = os.geteuid()
        root = lower.stat(None, b"", follow=False)
        self._root_dev: int = root.st_dev
        self._numbers: dict[tuple[int, int], tuple[int, int]] = {}
        """st_dev and st_ino in the upper to those that are shown."""
        self.opened: dict[OverlayNode, None] = {}
        self.numbered(upper.adopt_root(root), (root.st_dev, root.st_ino))

    def close(self) -> None:
        """See FileSystem."""
        self.lower.close()
        self.upper.fs.close()

    # From a path to what is there

    def _full(self, at: OpenFile | None, path: bytes) -> bytes:
        """The path from the root. Errors: ENOENT it begins in a directory that was removed."""
        if at is None:
            return path
        if at.is_gone:  # type: ignore[attr-defined]
            raise SyscallError(ENOENT)
        above: bytes = at.path  # type: ignore[attr-defined]
        return above + b"/" + path if above and path else above or path

    def resolve(self, path: bytes, who: Who) -> Spot:
        """Follow a path through the upper, as far as that has it. Errors: ENOENT, ENOTDIR, EACCES; raises LinkMet."""
        upper = self.upper
        kind, handle = DIRECTORY, upper.root
        shows: bytes | None = b""
        under: bytes | None = b""
        end, n_bytes = -1, len(path)
        while end < n_bytes and path:
            start = end + 1
            end = path.find(b"/", start)
            if end < 0:
                end = n_bytes
            prefix = path[:end]
            kind, handle = upper.look(handle, prefix, who)
            under = None if shows is None else shows + b"/" + path[start:end] if shows else path[start:end]
            if kind == ABSENT and under is not None:
                rest = under + path[end:]
                if who.fsuid != self._host_uid and who is not ROOT:
                    self._check_search(under, rest, who)
                return Spot(path, ABSENT, rest, rest)
            if kind < DIRECTORY and end < n_bytes:
                if kind == LINK:
                    raise LinkMet
                raise SyscallError(ENOTDIR if kind == FILE else ENOENT)
            shows = upper.redirect(handle) or under if kind == DIRECTORY else None
        return Spot(path, kind, under, shows)

    def _check_search(self, start: bytes, path: bytes, who: Who) -> None:
        """Whether directories of the lower may be searched by somebody whom its host does not know. Errors: EACCES."""
        end = len(start)
        while end < len(path):
            status = self.lower.stat(None, path[:end], follow=True)
            if not modes.S_ISDIR(status.st_mode):
                raise SyscallError(ENOTDIR)
            check(who, status, X_OK)
            end = path.find(b"/", end + 1)
            if end < 0:
                break

    def status(self, spot: Spot, *, follow: bool = False) -> os.stat_result | Stat:
        """What stat(2) shows of it. Errors: ENOENT, those of the lower; raises LinkMet."""
        if spot.is_upper:
            if spot.kind == LINK and follow:
                raise LinkMet
            if not spot.path and not self.upper.has_own_root:
                return self.lower.stat(None, b"", follow=False)
            found = self.shown(self.upper.fs.stat(None, spot.path, follow=False), is_upper=True)
            if spot.kind == DIRECTORY:
                found.st_nlink = 1  # as overlayfs: its subdirectories are not counted
            return found
        if spot.lower is None or spot.kind == WHITEOUT:
            raise SyscallError(ENOENT)
        return self.lower.stat(None, spot.lower, follow=follow)

    def _status_or_none(self, spot: Spot) -> os.stat_result | Stat | None:
        try:
            return self.status(spot)
        except SyscallError as error:
            if error.errno != ENOENT:
                raise
            return None

    def _find(
        self, at: OpenFile | None, path: bytes, *, follow: bool, who: Who | None = None
    ) -> tuple[Spot, os.stat_result | Stat]:
        spot = self.resolve(self._full(at, path), who or self._creds())
        return spot, self.status(spot, follow=follow)

    def shown(self, status: os.stat_result | Stat, *, is_upper: bool) -> Stat:
        """A layer's stat with the numbers that the overlay shows, for the caller to change."""
        dev, ino = status.st_dev, status.st_ino
        if is_upper:
            dev, ino = self._numbers.get((dev, ino)) or (self._root_dev, ino | _NUMBER_OF_UPPER)
        found = Stat(dev, ino, status.st_mode, nlink=status.st_nlink, size_bytes=status.st_size)
        found.st_uid, found.st_gid, found.st_rdev = status.st_uid, status.st_gid, status.st_rdev
        found.st_blksize, found.st_blocks = status.st_blksize, status.st_blocks
        found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns = (
            status.st_atime_ns, status.st_mtime_ns, status.st_ctime_ns
        )  # fmt: skip
        return found

    def is_program(self, status: os.stat_result | Stat) -> bool:
        """See FileSystem."""
        return self._is_running((status.st_dev, status.st_ino))

    def is_below(self, spot: Spot) -> bool:
        """Whether the lower has something under this very name, which would show if the upper did not hide it."""
        if spot.below is None:
            return False
        try:
            self.lower.stat(None, spot.below, follow=False)
        except SyscallError as error:
            if error.errno not in _GONE:
                raise
            return False
        return True

    def walk(self, at: OpenFile | None, path: bytes, *, follow: bool) -> tuple[int, bytes | OpenFile] | None:
        """See FileSystem."""
        try:
            full = self._full(at, path)
        except SyscallError:
            return None
        n_above = len(full) - len(path)
        end = n_above - 1
        while end < len(full):
            end = full.find(b"/", end + 1)
            if end < 0:
                end = len(full)
            try:
                spot = self.resolve(full[:end], ROOT)
            except SyscallError:
                return None
            if spot.kind == ABSENT and spot.lower is not None:
                below = spot.lower + full[end:]
                met = self.lower.walk(None, below, follow=follow)
                return None if met is None else (met[0] + len(path) - len(below), met[1])
            if spot.kind == LINK:
                is_last = end == len(full)
                return None if is_last and not follow else (end - n_above, self.upper.fs.readlink(None, full[:end]))
            if not spot.is_upper:
                return None
        return None

    def path_of(self, file: OpenFile) -> bytes:
        """See FileSystem."""
        node: OverlayNode = file  # type: ignore[assignment]
        return node.path + (b" (deleted)" if node.is_gone else b"")

    # Opening

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem. Raises FifoWait."""
        if at is not None and not path and not flags & _TMPFILE:
            return at.reopen(flags)
        who = self._creds()
        spot = self.resolve(self._full(at, path), who)
        if flags & _TMPFILE and not flags & O_PATH:
            return self._open_unnamed(spot, flags, mode & ~umask, who)
        if not flags & O_CREAT:
            return self._open(spot, self.status(spot), flags, who)
        status = self._status_or_none(spot)
        if status is not None:
            return self._open(spot, status, flags, who)
        real: list[OpenFile] = []

        def make(mode: int) -> None:
            layer_flags = flags & ~O_DIRECTORY | O_EXCL | O_CREAT
            real.append(self.upper.fs.open(None, spot.path, layer_flags, mode & ~S_IFMT, 0))

        self._make(spot, S_IFREG | mode & ~umask, who, make)
        if flags & O_DIRECTORY:  # the file stays, before Linux 6.4
            real[0].release()
            raise SyscallError(ENOTDIR)
        return OverlayFile(self, spot.path, flags & ~_NOT_SHOWN | O_LARGEFILE, real[0], is_upper=True)

    def _open(self, spot: Spot, status: os.stat_result | Stat, flags: int, who: Who) -> OpenFile:
        """An existing file."""
        kind = status.st_mode & S_IFMT
        is_plain = not spot.is_upper and who.fsuid == self._host_uid
        writes = check_open(who, status, flags, reads_anyway=is_plain)
        shown = flags if flags & O_PATH else flags & ~_NOT_SHOWN | O_LARGEFILE
        if kind == S_IFDIR:
            if is_plain and not flags & O_PATH:
                self.lower.access(None, spot.lower or b"", R_OK, effective=True, follow=False)
            return OverlayDirectory(self, spot.path, shown)
        if not flags & O_PATH:
            if kind == S_IFSOCK:
                raise SyscallError(ENXIO)
            if kind == S_IFREG and writes:
                if self.is_program(status):
                    raise SyscallError(ETXTBSY)
                if not spot.is_upper:
                    self.copy_up(spot, 0 if flags & O_TRUNC else None)
            elif kind == S_IFIFO and not spot.is_upper:
                self.copy_up(spot)  # whoever has the lower's open is not to be met there
        layer_flags = flags & ~(O_CREAT | O_EXCL) | (O_NOFOLLOW if flags & O_PATH else 0)
        if kind == S_IFIFO and not flags & O_PATH:
            return self._open_fifo(spot, layer_flags, shown)
        file = OverlayFile(self, spot.path, shown, self._open_real(spot, layer_flags), is_upper=spot.is_upper)
        if flags & O_TRUNC and file.has_set_ids:
            self.written(file)
        return file

    def _open_real(self, spot: Spot, flags: int) -> OpenFile:
        if spot.is_upper:
            return self.upper.fs.open(None, spot.path, flags, 0, 0)
        return self.lower.open(None, spot.lower or b"", flags, 0, 0)

    def _open_fifo(self, spot: Spot, flags: int, shown: int) -> OpenFile:
        from pyuk.fs.fifo import FifoWait  # noqa: PLC0415  # few programs use them
        from pyuk.fs.overlayfifo import OverlayFifoOpening  # noqa: PLC0415

        try:
            real = self._open_real(spot, flags)
        except FifoWait as waits:
            raise OverlayFifoOpening(self, spot.path, shown, waits.opening).waiting(waits) from None
        return OverlayFile(self, spot.path, shown, real, is_upper=True)

    def _open_unnamed(self, spot: Spot, flags: int, mode: int, who: Who) -> OpenFile:
        """O_TMPFILE."""
        status = self.status(spot, follow=True)
        if status.st_mode & S_IFMT != S_IFDIR:
            raise SyscallError(ENOTDIR)
        check_creation(who, status)
        mode, uid, gid = new_owner(who, status, S_IFREG | mode)
        self.copy_up_directories(spot.path)
        real = self.upper.fs.open(None, spot.path, flags, mode & ~S_IFMT, 0)
        self._number(real.stat(), (status.st_dev, 0))
        _give(real, uid, gid, mode)
        name = b"#%d" % real.stat().st_ino
        path = spot.path + b"/" + name if spot.path else name
        file = OverlayFile(self, path, flags & ~_NOT_SHOWN | O_LARGEFILE, real, is_upper=True)
        file.is_gone = True
        return file

    def reopen(self, file: OverlayFile, flags: int) -> OpenFile:
        """As open(2) of what a file has open, whose name may be gone."""
        flags &= ~(O_NOFOLLOW | O_CREAT | O_EXCL)
        if not file.is_gone:
            who = self._creds()
            spot = self.resolve(file.path, ROOT)
            return self._open(spot, self.status(spot), flags | (O_NOFOLLOW if flags & O_PATH else 0), who)
        writes = check_open(self._creds(), file.stat(), flags)
        real = (file.upper() if writes else file.real).reopen(flags)
        twin = OverlayFile(self, file.path, flags & ~_NOT_SHOWN | O_LARGEFILE, real, is_upper=file.is_upper)
        twin.is_gone = True
        return twin

    # Questions

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> os.stat_result | Stat:
        """See FileSystem."""
        if at is not None and not path:
            return at.stat() if at.is_gone else self.status(self.resolve(at.path, ROOT))  # type: ignore[attr-defined]
        return self._find(at, path, follow=follow)[1]

    def statx(self, at: OpenFile | None, path: bytes, flags: int, mask: int) -> bytes | None:
        """See FileSystem: the lower's own where it alone has the file."""
        spot = self.resolve(self._full(at, path), self._creds())
        if spot.kind == ABSENT and spot.lower is not None:
            return self.lower.statx(None, spot.lower, flags, mask)
        return None

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """See FileSystem: the upper's room, which is where what is written goes."""
        self._find(at, path, follow=True)
        found = self.upper.fs.statfs(None, b"")
        found.f_type = _OVERLAYFS_SUPER_MAGIC
        return found

    def readlink(self, at: OpenFile | None, path: bytes) -> bytes:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=False)
        if not modes.S_ISLNK(status.st_mode):
            raise SyscallError(EINVAL)
        if spot.is_upper:
            return self.upper.fs.readlink(None, spot.path)
        return self.lower.readlink(None, spot.lower or b"")

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """See FileSystem."""
        who = self._creds()
        if at is not None and not path:
            at.access(mode, effective=effective)
            return
        asks = who if effective else RealIds(who)
        spot, status = self._find(at, path, follow=follow, who=asks)
        if not spot.is_upper and not mode & W_OK and who.fsuid == self._host_uid:
            self.lower.access(None, spot.lower or b"", mode, effective=effective, follow=False)
        else:
            check(asks, status, mode)

    def check_access(self, status: Owned, mode: int, *, effective: bool) -> None:
        """Errors: EACCES."""
        who = self._creds()
        check(who if effective else RealIds(who), status, mode)

    def getxattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> bytes:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=follow)
        if spot.is_upper:
            return self.attribute(status, name, lambda: self.upper.fs.getxattr(None, spot.path, name, follow=False))
        below = spot.lower or b""
        return self.attribute(status, name, lambda: self.lower.getxattr(None, below, name, follow=False))

    def attribute(self, status: Owned, name: bytes, get: Callable[[], bytes]) -> bytes:
        """An attribute of a layer's file, if whoever asks may have it. Errors: EACCES, ENODATA, EOPNOTSUPP."""
        from pyuk.fs.xattr import check_name  # noqa: PLC0415

        if not name.startswith(b"system."):
            check_name(self._creds(), status, name, R_OK, has_user=True)
        if name.startswith(_OWN_ATTRIBUTES):
            raise SyscallError(ENODATA)
        return get()

    def check_attribute(self, status: Owned, name: bytes) -> None:
        """Whether an attribute may be changed. Errors: EACCES, EPERM, EOPNOTSUPP."""
        from pyuk.fs.xattr import check_name  # noqa: PLC0415

        check_name(self._creds(), status, name, W_OK, has_user=True)
        if name.startswith(_OWN_ATTRIBUTES):
            raise SyscallError(EPERM)

    def listxattr(self, at: OpenFile | None, path: bytes, *, follow: bool) -> list[bytes]:
        """See FileSystem."""
        spot, _status = self._find(at, path, follow=follow)
        if spot.is_upper:
            return self.attributes(self.upper.fs.listxattr(None, spot.path, follow=False))
        return self.attributes(self.lower.listxattr(None, spot.lower or b"", follow=False))

    def attributes(self, names: list[bytes]) -> list[bytes]:
        """Those of a layer's that are not the overlay's own."""
        return [name for name in names if not name.startswith(_OWN_ATTRIBUTES)]

    def listing(self, path: bytes) -> list[tuple[int, int, bytes]]:
        """A directory's names in order, but for `.` and `..`: inode, DT_ type, name."""
        spot = self.resolve(path, ROOT)
        found: dict[bytes, tuple[int, int, bytes]] = {}
        hidden: set[bytes] = set()
        if spot.is_upper:
            dev = self.upper.fs.stat(None, path, follow=False).st_dev
            for ino, kind, name, is_hidden in self.upper.names(path):
                if is_hidden:
                    hidden.add(name)
                else:
                    shown = self._numbers.get((dev, ino))
                    found[name] = (shown[1] if shown else ino | _NUMBER_OF_UPPER, kind, name)
        if spot.lower is not None:
            for ino, kind, name in self._listing_below(spot.lower):
                if name not in hidden and name not in found:
                    found[name] = (ino, kind, name)
        return sorted(found.values(), key=_name)

    def _listing_below(self, path: bytes) -> list[tuple[int, int, bytes]]:
        try:
            directory = self.lower.open(None, path, O_RDONLY | O_DIRECTORY, 0, 0)
        except SyscallError as error:
            if error.errno not in _GONE:
                raise
            return []
        try:
            return [(ino, kind, name) for ino, _, kind, name in directory.entries() if name not in (b".", b"..")]
        finally:
            directory.release()

    # Copying up

    def copy_up_directories(self, path: bytes) -> None:
        """Have a directory, and those above it, in the upper."""
        end = -1
        while path and end < len(path):
            end = path.find(b"/", end + 1)
            if end < 0:
                end = len(path)
            spot = self.resolve(path[:end], ROOT)
            if spot.kind == ABSENT:
                from pyuk.fs.overlaycopy import copy_directory  # noqa: PLC0415  # what only reads needs none

                copy_directory(self, spot)

    def copy_up(self, spot: Spot, n_bytes: int | None = None) -> None:
        """Have a file in the upper; of a regular one only the first n_bytes. Its open files go on there."""
        from pyuk.fs.overlaycopy import copy_file  # noqa: PLC0415

        self.copy_up_directories(spot.path.rpartition(b"/")[0])
        copy_file(self, spot, n_bytes)
        spot.kind, spot.lower = self.upper_kind(spot.path), None
        for file in self.opened:
            if isinstance(file, OverlayFile) and not file.is_upper and not file.is_gone and file.path == spot.path:
                wanted = file.flags & ~(O_ACCMODE | O_DIRECTORY) | (O_NOFOLLOW if file.flags & O_PATH else 0)
                file.copied_up(self.upper.fs.open(None, spot.path, wanted, 0, 0))

    def upper_kind(self, path: bytes) -> int:
        """What the upper has under a path."""
        return self.resolve(path, ROOT).kind

    def copy_up_file(self, file: OverlayFile) -> None:
        """Have what a file has open in the upper, even if its name is gone."""
        if not file.is_gone:
            self.copy_up(self.resolve(file.path, ROOT))
            return
        from pyuk.fs.overlaycopy import copy_unnamed  # noqa: PLC0415

        file.copied_up(copy_unnamed(self, file))

    def numbered(self, upper: os.stat_result | Stat, shown: tuple[int, int]) -> None:
        """A file of the upper shows these numbers: those of what it is a copy of."""
        self._numbers[upper.st_dev, upper.st_ino] = shown

    def _number(self, upper: os.stat_result | Stat, parent: tuple[int, int]) -> None:
        """A new file of the upper has numbers of its own, and its directory's device."""
        self._numbers[upper.st_dev, upper.st_ino] = (parent[0], upper.st_ino | _NUMBER_OF_UPPER)

    # Changes of one file

    def _to_upper(self, spot: Spot, status: Owned) -> None:
        if not spot.is_upper:
            if modes.S_ISDIR(status.st_mode):
                self.copy_up_directories(spot.path)
            else:
                self.copy_up(spot)

    def truncate(self, at: OpenFile | None, path: bytes, size_bytes: int) -> None:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=True)
        if modes.S_ISDIR(status.st_mode):
            raise SyscallError(EISDIR)
        if not modes.S_ISREG(status.st_mode):
            raise SyscallError(EINVAL)
        check(self._creds(), status, W_OK)
        if self.is_program(status):
            raise SyscallError(ETXTBSY)
        if not spot.is_upper:
            self.copy_up(spot, size_bytes)
        self.upper.fs.truncate(None, spot.path, size_bytes)
        plain = mode_after_write(self._creds(), status.st_mode)
        if plain != status.st_mode:
            self.upper.fs.chmod(None, spot.path, plain & ~S_IFMT)

    def chmod(self, at: OpenFile | None, path: bytes, mode: int) -> None:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=True)
        mode = new_mode(self._creds(), status, mode)
        self._to_upper(spot, status)
        self.upper.fs.chmod(None, spot.path, mode)

    def chmod_real(self, real: OpenFile, status: Owned, mode: int) -> None:
        """The same of an open file of the upper."""
        real.chmod(new_mode(self._creds(), status, mode))

    def written(self, file: OverlayFile) -> None:
        """Somebody writes a set-id program: the layer, which knows only pyuk, would let it stay one."""
        mode = file.real.stat().st_mode
        plain = mode_after_write(self._creds(), mode)
        if plain != mode:
            file.real.chmod(plain & ~S_IFMT)
            file.has_set_ids = False

    def chown(self, at: OpenFile | None, path: bytes, uid: int, gid: int, *, follow: bool) -> None:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=follow)
        who = self._creds()
        check_chown(who, status, uid, gid)
        mode = mode_after_chown(who, status)
        self._to_upper(spot, status)
        self.upper.fs.chown(None, spot.path, uid, gid, follow=False)
        if not modes.S_ISLNK(mode):
            self.upper.fs.chmod(None, spot.path, mode & ~S_IFMT)

    def chown_real(self, real: OpenFile, status: Owned, uid: int, gid: int) -> None:
        """The same of an open file of the upper."""
        who = self._creds()
        check_chown(who, status, uid, gid)
        mode = mode_after_chown(who, status)
        real.chown(uid, gid)
        if not modes.S_ISLNK(mode):
            real.chmod(mode & ~S_IFMT)

    def utime(self, at: OpenFile | None, path: bytes, times_ns: Times, *, follow: bool) -> None:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=follow)
        self.check_times(status, times_ns)
        self._to_upper(spot, status)
        self.upper.fs.utime(None, spot.path, times_ns, follow=False)

    def check_times(self, status: Owned, times_ns: Times) -> None:
        """Errors: EPERM, EACCES."""
        check_utime(self._creds(), status, is_touch=times_ns is None)

    def setxattr(
        self, at: OpenFile | None, path: bytes, name: bytes, value: bytes, flags: int, *, follow: bool
    ) -> None:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=follow)
        self.check_attribute(status, name)
        self._to_upper(spot, status)
        self.upper.fs.setxattr(None, spot.path, name, value, flags, follow=False)

    def removexattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        spot, status = self._find(at, path, follow=follow)
        self.check_attribute(status, name)
        self._to_upper(spot, status)
        self.upper.fs.removexattr(None, spot.path, name, follow=False)

    # Changes of names

    def _parent(self, path: bytes, who: Who) -> os.stat_result | Stat:
        """The directory of a name. Errors: ENOENT, ENOTDIR, EACCES; raises LinkMet."""
        status = self.status(self.resolve(path.rpartition(b"/")[0], who), follow=True)
        if not modes.S_ISDIR(status.st_mode):
            raise SyscallError(ENOTDIR)
        return status

    def _make(self, spot: Spot, mode: int, who: Who, make: Callable[[int], None]) -> None:
        """Make something new in the upper, where it belongs to who makes it. Errors: EACCES, EPERM, make's.

        make: does it, with the mode that it shall have.
        """
        parent = self._parent(spot.path, who)
        check_creation(who, parent)
        self.upper.check_name(spot.path.rpartition(b"/")[2])
        mode, uid, gid = new_owner(who, parent, mode)
        self.copy_up_directories(spot.path.rpartition(b"/")[0])
        self.replace_whiteout(spot, lambda: make(mode))
        fs = self.upper.fs
        status = fs.stat(None, spot.path, follow=False)
        self._number(status, (parent.st_dev, 0))
        is_given = (status.st_uid, status.st_gid) != (uid, gid)
        if is_given:
            self.give(spot.path, uid, gid)
        if (is_given or status.st_mode != mode) and not modes.S_ISLNK(status.st_mode):
            fs.chmod(None, spot.path, mode & ~S_IFMT)

    def give(self, path: bytes, uid: int, gid: int) -> None:
        """Have a file of the upper owned. Where the host does not let pyuk do that, it stays pyuk's own."""
        try:
            self.upper.fs.chown(None, path, uid, gid, follow=False)
        except SyscallError as error:
            if error.errno != EPERM:
                raise

    def replace_whiteout(self, spot: Spot, action: Callable[[], None]) -> None:
        """Do what puts something in a whiteout's place; if it fails the whiteout is there again."""
        if spot.kind != WHITEOUT:
            action()
            return
        self.upper.unhide(spot.path)
        try:
            action()
        except BaseException:
            self.upper.hide(spot.path)
            raise

    def _new(self, at: OpenFile | None, path: bytes, who: Who) -> Spot:
        """Where something is to be made. Errors: EEXIST, ENOENT."""
        spot = self.resolve(self._full(at, path), who)
        if self._status_or_none(spot) is not None:
            raise SyscallError(EEXIST)
        return spot

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """See FileSystem."""
        who = self._creds()
        spot = self._new(at, path, who)

        def make(mode: int) -> None:
            self.upper.fs.mkdir(None, spot.path, mode & ~S_IFMT, 0)
            self.upper.set_opaque(spot.path)

        self._make(spot, S_IFDIR | mode & ~umask, who, make)

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """See FileSystem. Errors: EPERM also for a character device 0:0, which is a whiteout."""
        from pyuk.abi.capability import CAP_MKNOD  # noqa: PLC0415

        who = self._creds()
        spot = self._new(at, path, who)
        kind = mode & S_IFMT or S_IFREG
        if not (modes.S_ISREG(kind) or modes.S_ISFIFO(kind) or modes.S_ISSOCK(kind)):
            check_creation(who, self._parent(spot.path, who))
            if not who.has(CAP_MKNOD) or (kind, device) == (S_IFCHR, (0, 0)):
                raise SyscallError(EPERM)

        def make(mode: int) -> None:
            self.upper.fs.mknod(None, spot.path, mode, device, 0)

        self._make(spot, kind | mode & ~S_IFMT & ~umask, who, make)

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """See FileSystem."""
        who = self._creds()
        spot = self._new(at, path, who)

        def make(_mode: int) -> None:
            self.upper.fs.symlink(None, spot.path, target)

        self._make(spot, 0, who, make)

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """See FileSystem. Deviation, overlayfs's own: of a file with several names in the lower one is copied up."""
        who = self._creds()
        old, status = self._find(at, path, follow=follow)
        spot = self._new(to, new, who)
        self._check_link(status, spot, who)
        self._to_upper(old, status)
        self._link(spot, lambda: self.upper.fs.link(None, old.path, None, spot.path, follow=False))

    def link_file(self, file: OpenFile, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        node: OverlayFile = file  # type: ignore[assignment]
        who = self._creds()
        spot = self._new(at, path, who)
        status = file.stat()
        self._check_link(status, spot, who)
        if not node.is_upper and node.is_gone:
            raise SyscallError(ENOENT)
        real = node.upper()
        self._link(spot, lambda: self.upper.fs.link_file(real, None, spot.path))
        if node.is_gone and status.st_nlink == 0:
            node.is_gone, node.path = False, spot.path

    def _check_link(self, status: Owned, spot: Spot, who: Who) -> None:
        check_link_source(who, status)
        check_creation(who, self._parent(spot.path, who))
        if modes.S_ISDIR(status.st_mode):
            raise SyscallError(EPERM)

    def _link(self, spot: Spot, action: Callable[[], None]) -> None:
        self.upper.check_name(spot.path.rpartition(b"/")[2])
        self.copy_up_directories(spot.path.rpartition(b"/")[0])
        self.replace_whiteout(spot, action)

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        who = self._creds()
        spot, status = self._find(at, path, follow=False)
        if not spot.path:
            raise SyscallError(EISDIR)
        check_removal(who, self._parent(spot.path, who), status)
        if modes.S_ISDIR(status.st_mode):
            raise SyscallError(EISDIR)
        self._remove(spot, lambda: self.upper.fs.unlink(None, spot.path))
        for file in self.opened:
            if file.path == spot.path:
                file.is_gone = True

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        who = self._creds()
        spot, status = self._find(at, path, follow=False)
        if not spot.path:
            raise SyscallError(EBUSY)
        check_removal(who, self._parent(spot.path, who), status)
        if not modes.S_ISDIR(status.st_mode):
            raise SyscallError(ENOTDIR)
        self._check_empty(spot)

        def remove() -> None:
            self.upper.clear(spot.path)
            self.upper.fs.rmdir(None, spot.path)

        self._remove(spot, remove)
        self._tell_removed(spot.path, status)

    def _tell_removed(self, path: bytes, status: os.stat_result | Stat) -> None:
        for file in self.opened:
            if file.path == path and not file.is_gone:
                file.is_gone = True
                if isinstance(file, OverlayDirectory):
                    file.removed(self.copied(status))

    @staticmethod
    def copied(status: os.stat_result | Stat) -> Stat:
        """The same, for the caller to change."""
        from pyuk.fs.overlaycopy import copy_of  # noqa: PLC0415

        return copy_of(status)

    def _remove(self, spot: Spot, action: Callable[[], None]) -> None:
        """Take a name away in the upper, and hide what the lower has under it."""
        is_below = self.is_below(spot)
        if is_below:
            self.copy_up_directories(spot.path.rpartition(b"/")[0])
        if spot.is_upper:
            action()
        if is_below:
            self.upper.hide(spot.path)

    def _check_empty(self, spot: Spot) -> None:
        if self.listing(spot.path):
            raise SyscallError(ENOTEMPTY)

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """See FileSystem."""
        from pyuk.fs.overlaycopy import rename  # noqa: PLC0415

        if flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE):
            raise SyscallError(EINVAL)
        who = self._creds()
        old_path, new_path = self._full(at, path), self._full(to, new)
        if not old_path or not new_path:
            raise SyscallError(EBUSY)
        parents = self._parent(old_path, who), self._parent(new_path, who)
        old = self.resolve(old_path, who)
        status = self.status(old)
        spot = self.resolve(new_path, who)
        other = self._status_or_none(spot)
        if other is None and flags & RENAME_EXCHANGE:
            raise SyscallError(ENOENT)
        if other is not None and flags & RENAME_NOREPLACE:
            raise SyscallError(EEXIST)
        if (new_path + b"/").startswith(old_path + b"/") and new_path != old_path:
            raise SyscallError(EINVAL)
        if old_path.startswith(new_path + b"/"):
            raise SyscallError(EINVAL if flags & RENAME_EXCHANGE else ENOTEMPTY)
        if other is not None and (other.st_dev, other.st_ino) == (status.st_dev, status.st_ino):
            return
        is_same = (parents[0].st_dev, parents[0].st_ino) == (parents[1].st_dev, parents[1].st_ino)
        check_rename(
            who, parents[0], status, parents[0] if is_same else parents[1], other,
            is_exchange=bool(flags & RENAME_EXCHANGE),
        )  # fmt: skip
        if other is not None and modes.S_ISDIR(other.st_mode) and not flags & RENAME_EXCHANGE:
            self._check_empty(spot)
        self.upper.check_name(new_path.rpartition(b"/")[2])
        rename(self, old, spot, other, is_exchange=bool(flags & RENAME_EXCHANGE))
        if other is not None and not flags & RENAME_EXCHANGE:
            self._tell_removed(new_path, other)
        for file in self.opened:
            if not file.is_gone:
                file.path = _moved(file.path, old_path, new_path, is_exchange=bool(flags & RENAME_EXCHANGE))


def _moved(path: bytes, old: bytes, new: bytes, *, is_exchange: bool) -> bytes:
    """Where a path is after a rename."""
    if path == old or path.startswith(old + b"/"):
        return new + path[len(old) :]
    if is_exchange and (path == new or path.startswith(new + b"/")):
        return old + path[len(new) :]
    return path


def _give(real: OpenFile, uid: int, gid: int, mode: int) -> None:
    status = real.stat()
    if (status.st_uid, status.st_gid) != (uid, gid):
        try:
            real.chown(uid, gid)
        except SyscallError as error:
            if error.errno != EPERM:
                raise
        real.chmod(mode & ~S_IFMT)


def _name(entry: tuple[int, int, bytes]) -> bytes:
    return entry[2]
