"""Open files of an overlay: each has the real file of one layer open, and another one once that is copied up.

As in Linux (fs/overlayfs/file.c), what was opened for reading before a copy shows the copy from then on; what was
mapped before shows what it showed (Documentation/filesystems/overlayfs.rst, "Non-standard behavior").
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EISDIR, ENOENT, SyscallError
from pyuk.abi.fcntl import O_ACCMODE, O_NOFOLLOW, O_PATH, O_RDONLY, O_TRUNC
from pyuk.abi.stat import S_IFDIR
from pyuk.abi.unistd import SEEK_CUR, SEEK_SET
from pyuk.fs.file import OpenFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Any

    from pyuk.fs.filesystem import Times
    from pyuk.fs.overlay import OverlayFs
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.mm.pages import Pages
    from pyuk.wait.queue import WaitQueue

_DIRECTORY_END = (1 << 63) - 1
_SET_IDS = 0o6000


class OverlayNode(OpenFile):
    """What open files of an overlay know of themselves.

    Invariants: `path` is where the name is now; is_gone says that it is not there, and then it is its last path.
    """

    __slots__ = ("is_gone", "path", "system")

    def __init__(self, system: OverlayFs, path: bytes, flags: int) -> None:
        super().__init__(flags)
        self.system = system
        self.path = path
        self.is_gone = False
        system.opened[self] = None

    def close(self) -> None:
        """It need not be told of renames any more."""
        del self.system.opened[self]

    def statfs(self) -> StatFs:
        """The overlay's."""
        return self.system.statfs(None, b"")


class OverlayFile(OverlayNode):
    """Anything but a directory. `is_upper` says whether `real` is the upper's file; what changes it copies it up."""

    __slots__ = ("_backing", "has_set_ids", "is_upper", "real")

    def __init__(self, system: OverlayFs, path: bytes, flags: int, real: OpenFile, *, is_upper: bool) -> None:
        """The reference to the real file becomes this one's."""
        super().__init__(system, path, flags)
        self.real = real
        self.is_upper = is_upper
        self.stream = real.stream
        self.has_set_ids = self.writable and bool(real.stat().st_mode & _SET_IDS)
        """It may be a set-id program, which a write by anyone but root ends."""
        self._backing: OverlayBacking | None = None

    def close(self) -> None:
        """The real file too."""
        super().close()
        self.real.release()

    def copied_up(self, real: OpenFile) -> None:
        """The upper has it from now on: go on there, at the same position. The reference becomes this one's."""
        before, self.real, self.is_upper = self.real, real, True
        self._backing = None
        if not self.flags & O_PATH and not self.stream:
            real.lseek(before.lseek(0, SEEK_CUR), SEEK_SET)
        before.release()

    def upper(self) -> OpenFile:
        """The real file in the upper, copied there if need be."""
        if not self.is_upper:
            self.system.copy_up_file(self)
        return self.real

    @property
    def can_poll(self) -> bool:  # type: ignore[override]
        """As the real one."""
        return self.real.can_poll

    def read(self, slices: list[memoryview]) -> int:
        """The real file's."""
        return self.real.read(slices)

    def read_rest(self, slices: list[memoryview]) -> int:
        """The real file's."""
        return self.real.read_rest(slices)

    def interruption(self, *, filling: bool) -> int:
        """The real file's."""
        return self.real.interruption(filling=filling)

    def give_up(self) -> int:
        """The real file's."""
        return self.real.give_up()

    def await_bytes(self) -> None:
        """The real file's."""
        self.real.await_bytes()

    def await_room(self, n_bytes: int) -> None:
        """The real file's."""
        self.real.await_room(n_bytes)

    def write(self, slices: list[memoryview]) -> int:
        """The real file's, which is the upper's where it is open for writing."""
        if self.has_set_ids and any(map(len, slices)):
            self.system.written(self)
        return self.real.write(slices)

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """The real file's."""
        return self.real.pread(slices, offset, rwf)

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """The real file's."""
        if self.has_set_ids and any(map(len, slices)):
            self.system.written(self)
        return self.real.pwrite(slices, offset, rwf)

    def whole_pieces(self, slices: list[memoryview], n_bytes: int) -> list[memoryview]:
        """The real file's."""
        return self.real.whole_pieces(slices, n_bytes)

    def maps_zeros(self) -> bool:
        """The real file's."""
        return self.real.maps_zeros()

    def read_limit(self, offset: int | None) -> int:
        """The real file's."""
        return self.real.read_limit(offset)

    def read_nothing(self, offset: int | None) -> bool:
        """The real file's."""
        return self.real.read_nothing(offset)

    def write_unread(self) -> bool:
        """The real file's."""
        return self.real.write_unread()

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """The real file's."""
        return self.real.read_fault(offset, n_bytes)

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The real file's."""
        return self.real.write_fault(offset, n_bytes)

    def poll(self) -> int:
        """The real file's."""
        return self.real.poll()

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """The real file's."""
        return self.real.poll_queues()

    def lseek(self, offset: int, whence: int) -> int:
        """The real file's."""
        return self.real.lseek(offset, whence)

    def stat(self) -> Stat:
        """The real file's, with the numbers that it had before it was copied."""
        found = self.system.shown(self.real.stat(), is_upper=self.is_upper)
        if self.is_gone and not self.is_upper:
            found.st_nlink = max(found.st_nlink - 1, 0)
        return found

    def access(self, mode: int, *, effective: bool) -> None:
        """By what stat shows. Errors: EACCES."""
        self.system.check_access(self.stat(), mode, effective=effective)

    def readlink(self) -> bytes:
        """The real link's."""
        return self.real.readlink()

    def pipe_bytes(self) -> int:
        """The real FIFO's."""
        return self.real.pipe_bytes()

    def set_pipe_bytes(self, n_bytes: int, *, is_privileged: bool) -> int:
        """The real FIFO's."""
        return self.real.set_pipe_bytes(n_bytes, is_privileged=is_privileged)

    def copy_range(self, start: int | None, target: OpenFile, target_start: int | None, count: int) -> int:
        """Between the real files."""
        if isinstance(target, OverlayFile) and target.has_set_ids:
            target.system.written(target)
        return self.real.copy_range(
            start, target.real if isinstance(target, OverlayFile) else target, target_start, count
        )

    def truncate(self, size_bytes: int) -> None:
        """The real file's."""
        if self.has_set_ids:
            self.system.written(self)
        self.real.truncate(size_bytes)

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """The real file's."""
        if self.has_set_ids:
            self.system.written(self)
        self.real.allocate(mode, offset, length)

    def seals(self) -> int:
        """The real file's."""
        return self.real.seals()

    def add_seals(self, seals: int) -> None:
        """The real file's."""
        self.real.add_seals(seals)

    def sync(self, *, data_only: bool) -> None:
        """The real file's, if it can have been changed."""
        if self.is_upper:
            self.real.sync(data_only=data_only)

    def sync_all(self) -> None:
        """The upper's file system: nothing else is written."""
        if self.is_upper:
            self.real.sync_all()

    def sync_range(self, offset: int, n_bytes: int, flags: int) -> None:
        """The real file's, if it can have been changed."""
        if self.is_upper:
            self.real.sync_range(offset, n_bytes, flags)

    def advise(self, offset: int, n_bytes: int, advice: int) -> None:
        """The real file's."""
        self.real.advise(offset, n_bytes, advice)

    def control(self, request: int, data: bytes) -> bytes:
        """The real file's."""
        return self.real.control(request, data)

    def chmod(self, mode: int) -> None:
        """As fchmod(2)."""
        status = self.stat()
        self.system.chmod_real(self.upper(), status, mode)
        self.has_set_ids = self.writable and bool(mode & _SET_IDS)

    def chown(self, uid: int, gid: int) -> None:
        """As fchown(2)."""
        status = self.stat()
        self.system.chown_real(self.upper(), status, uid, gid)

    def utime(self, times_ns: Times) -> None:
        """As futimens(3)."""
        self.system.check_times(self.stat(), times_ns)
        self.upper().utime(times_ns)

    def getxattr(self, name: bytes) -> bytes:
        """As fgetxattr(2)."""
        return self.system.attribute(self.stat(), name, lambda: self.real.getxattr(name))

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As fsetxattr(2)."""
        self.system.check_attribute(self.stat(), name)
        self.upper().setxattr(name, value, flags)

    def removexattr(self, name: bytes) -> None:
        """As fremovexattr(2)."""
        self.system.check_attribute(self.stat(), name)
        self.upper().removexattr(name)

    def listxattr(self) -> list[bytes]:
        """As flistxattr(2)."""
        return self.system.attributes(self.real.listxattr())

    def set_status(self, flags: int) -> None:
        """F_SETFL."""
        self.real.set_status(flags)
        self.flags = flags

    def backing(self) -> OverlayBacking:  # type: ignore[override]
        """The real file's memory, under this file's name."""
        if self._backing is not None:
            real = self.real.backing()
            if real is self._backing.real:
                real.drop()
                return self._backing.hold()
            self._backing = OverlayBacking(self, real)
        else:
            self._backing = OverlayBacking(self, self.real.backing())
        return self._backing

    def forget_backing(self, backing: OverlayBacking) -> None:
        """The last mapping through it is gone."""
        if self._backing is backing:
            self._backing = None

    def reopen(self, flags: int) -> OpenFile:
        """As open(2) of this very file."""
        return self.system.reopen(self, flags)


class OverlayBacking:
    """A file of either layer for mmap. It stays that layer's when the file is copied up.

    Invariant: refs >= 1 while anything is mapped through it; it holds the real backing once, and the open file.
    """

    __slots__ = ("dev", "file", "ino", "pages", "real", "refs")

    def __init__(self, file: OverlayFile, real: Any) -> None:
        """The caller owns one reference; that to the real one becomes this object's."""
        self.file = file
        file.hold()
        self.real = real
        self.pages: Pages | None = real.pages
        status = file.stat()
        self.dev, self.ino = status.st_dev, status.st_ino
        self.refs = 1

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """The layer's own: an overlay and its layer share pages."""
        return self.real.key  # type: ignore[no-any-return]

    @property
    def size_bytes(self) -> int:
        """The real file's."""
        return self.real.size_bytes  # type: ignore[no-any-return]

    @property
    def path(self) -> bytes:
        """As /proc/PID/maps shows it."""
        return self.file.link_text()

    def map_flags(self, vm_flags: int) -> int:
        """The real file's."""
        return self.real.map_flags(vm_flags)  # type: ignore[no-any-return]

    def hold(self) -> OverlayBacking:
        """One more mapping."""
        self.refs += 1
        return self

    def drop(self) -> None:
        """One mapping less."""
        self.refs -= 1
        if not self.refs:
            self.file.forget_backing(self)
            self.real.drop()
            self.file.release()

    def punch(self, offset: int, length: int) -> None:
        """The real file's."""
        self.real.punch(offset, length)

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        """The real file's."""
        return self.real.preadv(slices, offset)  # type: ignore[no-any-return]

    def pwritev(self, slices: list[memoryview], offset: int) -> int:
        """The real file's."""
        return self.real.pwritev(slices, offset)  # type: ignore[no-any-return]


class OverlayDirectory(OverlayNode):
    """A directory of one layer, or of both: a listing, and where relative paths start.

    The listing is taken at the first read after open or rewind; the offset of an entry is its place in it.
    """

    __slots__ = ("_last", "_listing", "_position")

    def __init__(self, system: OverlayFs, path: bytes, flags: int) -> None:
        super().__init__(system, path, flags)
        self.filesystem = system
        self._position = 0
        self._listing: list[tuple[int, int, bytes]] | None = None
        self._last: Stat | None = None
        """What it was when it was removed."""

    def removed(self, status: Stat) -> None:
        """Its name is gone, and it is empty. status: as it was before."""
        self.is_gone = True
        status.st_nlink = 0
        self._last = status

    def stat(self) -> os.stat_result | Stat:
        """As of its path now."""
        return self._last if self._last is not None else self.system.stat(None, self.path, follow=False)

    def access(self, mode: int, *, effective: bool) -> None:
        """By what stat shows. Errors: EACCES."""
        self.system.check_access(self.stat(), mode, effective=effective)

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """See OpenFile."""
        if self._position == 0 or self._listing is None:
            self._listing = self._scan()
        for index in range(self._position, len(self._listing)):
            ino, kind, name = self._listing[index]
            yield ino, index + 1, kind, name

    def _scan(self) -> list[tuple[int, int, bytes]]:
        if self.is_gone:
            raise SyscallError(ENOENT)
        above = self.path.rpartition(b"/")[0]
        dots = [
            (self.system.stat(None, place, follow=False).st_ino, S_IFDIR >> 12, name)
            for place, name in ((self.path, b"."), (above, b".."))
        ]
        found = self.system.listing(self.path)
        if self.covers and self.mount is not None:
            known = {name for _ino, _kind, name in found}
            found += [(1, kind, name) for name, kind in self.mount.points_in(self.path) if name not in known]
        return dots + found

    def lseek(self, offset: int, whence: int) -> int:
        """As of a merged directory in Linux: from the beginning or from here. Errors: EINVAL."""
        if whence not in (SEEK_SET, SEEK_CUR):
            raise SyscallError(EINVAL)
        at = offset + (self._position if whence == SEEK_CUR else 0)
        if not 0 <= at <= _DIRECTORY_END:
            raise SyscallError(EINVAL)
        if at == 0 and (whence == SEEK_SET or offset):
            self._listing = None
        self._position = at
        return at

    def read(self, slices: list[memoryview]) -> int:
        """Errors: EISDIR."""
        raise SyscallError(EISDIR)

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Errors: EISDIR."""
        raise SyscallError(EISDIR)

    def sync(self, *, data_only: bool) -> None:
        """Nothing that could be lost is kept back."""

    def _check_there(self) -> None:
        if self.is_gone:
            raise SyscallError(ENOENT)

    def chmod(self, mode: int) -> None:
        """As fchmod(2). Deviation: of a directory that was removed it is ENOENT, and so are the next ones."""
        self._check_there()
        self.system.chmod(None, self.path, mode)

    def chown(self, uid: int, gid: int) -> None:
        """As fchown(2)."""
        self._check_there()
        self.system.chown(None, self.path, uid, gid, follow=False)

    def utime(self, times_ns: Times) -> None:
        """As futimens(3)."""
        self._check_there()
        self.system.utime(None, self.path, times_ns, follow=False)

    def getxattr(self, name: bytes) -> bytes:
        """As fgetxattr(2)."""
        self._check_there()
        return self.system.getxattr(None, self.path, name, follow=False)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As fsetxattr(2)."""
        self._check_there()
        self.system.setxattr(None, self.path, name, value, flags, follow=False)

    def removexattr(self, name: bytes) -> None:
        """As fremovexattr(2)."""
        self._check_there()
        self.system.removexattr(None, self.path, name, follow=False)

    def listxattr(self) -> list[bytes]:
        """As flistxattr(2)."""
        self._check_there()
        return self.system.listxattr(None, self.path, follow=False)

    def reopen(self, flags: int) -> OpenFile:
        """As open(2) of this very directory."""
        if flags & O_ACCMODE != O_RDONLY or flags & O_TRUNC:
            raise SyscallError(EISDIR)
        if not self.is_gone:
            return self.system.open(None, self.path, flags & ~O_NOFOLLOW, 0, 0)
        twin = OverlayDirectory(self.system, self.path, flags)
        if self._last is not None:
            twin.removed(self._last)
        return twin
