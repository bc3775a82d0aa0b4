"""Open files of tmpfs: what read, write and mmap see (Linux mm/shmem.c)."""

from __future__ import annotations

from _bisect import bisect_right  # the bisect module defines it in Python first

from pyuk.abi.errno import (
    EACCES,
    EBADF,
    EFBIG,
    EINVAL,
    EISDIR,
    ENOENT,
    ENXIO,
    EOPNOTSUPP,
    EPERM,
    EXDEV,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import (
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    O_APPEND,
    O_NOATIME,
    O_TRUNC,
)  # fmt: skip
from pyuk.abi.ioctls import FIGETBSZ, FIONREAD, FIOQSIZE, FS_IOC_GETFLAGS
from pyuk.abi.stat import S_IFDIR
from pyuk.abi.unistd import (
    MAX_RW_COUNT,
    RWF_APPEND,
    RWF_DSYNC,
    RWF_HIPRI,
    RWF_SYNC,
    SEEK_CUR,
    SEEK_DATA,
    SEEK_END,
    SEEK_HOLE,
    SEEK_SET,
)  # fmt: skip
from pyuk.fs.file import OpenFile
from pyuk.fs.permission import RealIds, check
from pyuk.fs.tmpnode import PAGE_BYTES, Directory, Symlink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.fs.filesystem import Times
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.fs.tmpfs import TmpFs
    from pyuk.fs.tmpnode import Entry, Inode, Regular
    from pyuk.mm.memory import SharedMemory

MAX_BYTES = (1 << 63) - 1
_MOST_SAFE = MAX_BYTES - MAX_RW_COUNT
"""No read or write at or below this offset ends too far."""
_KNOWN_RWF = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_APPEND
_COPY_BYTES = 1 << 20
_LONG_BYTES = 8


class NodeFile(OpenFile):
    """What open files of any type do through their inode.

    Who is a file of another kind too has this first among its bases and slots for `entry` and `inode`, holds the
    inode when it is made, and ends with this close().
    """

    __slots__ = ()
    entry: Entry
    """The name by which it was opened."""
    inode: Inode

    def close(self) -> None:
        """The inode may go."""
        self.inode.drop()

    def stat(self) -> Stat:
        """The inode's."""
        return self.inode.stat()

    def statfs(self) -> StatFs:
        """The volume's."""
        return self.inode.volume.statfs()

    def access(self, mode: int, *, effective: bool) -> None:
        """Errors: EACCES."""
        who = self.inode.volume.creds()
        check(who if effective else RealIds(who), self.inode, mode)

    def readlink(self) -> bytes:
        """Of a link itself."""
        if type(self.inode) is not Symlink:
            raise SyscallError(ENOENT)
        self.inode.accessed()
        return self.inode.target

    def chmod(self, mode: int) -> None:
        """As fchmod(2)."""
        self.inode.chmod(mode)

    def chown(self, uid: int, gid: int) -> None:
        """As fchown(2)."""
        self.inode.chown(uid, gid)

    def utime(self, times_ns: Times) -> None:
        """As futimens(3)."""
        self.inode.utime(times_ns)

    def getxattr(self, name: bytes) -> bytes:
        """As fgetxattr(2)."""
        return self.inode.getxattr(name)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As fsetxattr(2)."""
        self.inode.setxattr(name, value, flags)

    def removexattr(self, name: bytes) -> None:
        """As fremovexattr(2)."""
        self.inode.removexattr(name)

    def listxattr(self) -> list[bytes]:
        """As flistxattr(2)."""
        return self.inode.listxattr()


def shown_path(file: NodeFile) -> bytes:
    """See FileSystem.path_of."""
    return file.entry.path() + (b" (deleted)" if file.entry.is_gone else b"")


class PathFile(NodeFile):
    """A file opened with O_PATH, whatever its type."""

    __slots__ = ("entry", "inode")

    def __init__(self, entry: Entry, flags: int) -> None:
        super().__init__(flags)
        self.entry = entry
        self.inode = entry.inode
        self.inode.hold()


class FileMemory:
    """A regular file for mmap: one for all the mappings made through an open file, which it holds.

    Invariant: refs >= 1 while anything is mapped through it.
    """

    __slots__ = ("dev", "file", "ino", "pages", "refs")

    def __init__(self, file: MemFile) -> None:
        """The caller owns one reference."""
        self.file = file
        file.hold()
        self.pages: SharedMemory = file.inode.memory
        self.dev: int = self.pages.dev
        self.ino: int = self.pages.ino
        self.refs = 1

    @property
    def key(self) -> tuple[int, int, int, int, int]:
        """Nothing behind it can change."""
        return self.dev, self.ino, 0, 0, 0

    @property
    def size_bytes(self) -> int:
        """Beyond its last page is SIGBUS."""
        return self.pages.size_bytes

    @property
    def path(self) -> bytes:
        """As /proc/PID/maps shows it."""
        return self.file.link_text()

    def map_flags(self, vm_flags: int) -> int:
        """What the seals leave. Errors: EPERM."""
        return self.pages.map_flags(vm_flags)

    def hold(self) -> FileMemory:
        """One more mapping."""
        self.refs += 1
        return self

    def drop(self) -> None:
        """One mapping less; the last one lets go of the file."""
        self.refs -= 1
        if not self.refs:
            self.file.forget_backing(self)
            self.file.release()

    def punch(self, offset: int, length: int) -> None:
        """As of the file."""
        self.pages.punch(offset, length)

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        """Not asked by mappings: the pages are here."""
        return self.pages.preadv(slices, offset)

    def pwritev(self, slices: list[memoryview], offset: int) -> int:
        """Not asked by mappings: the pages are here."""
        return self.pages.pwritev(slices, offset)


class MemFile(NodeFile):
    """An open file description of a regular file in memory."""

    __slots__ = ("_backing", "_is_read", "entry", "inode", "memory", "position")
    inode: Regular

    def __init__(self, entry: Entry, flags: int) -> None:
        super().__init__(flags)
        self.entry = entry
        self.inode = entry.inode  # type: ignore[assignment]  # the caller knows
        self.inode.hold()
        self.memory: SharedMemory = self.inode.memory
        self.position = 0
        self._is_read = False
        self._backing: FileMemory | None = None

    def read(self, slices: list[memoryview]) -> int:
        """At the position."""
        if self.position > _MOST_SAFE:
            _check_end(slices, self.position)
        done = self.memory.preadv(slices, self.position)
        self.position += done
        inode = self.inode
        if not self._is_read or inode.atime_ns <= inode.mtime_ns or inode.atime_ns <= inode.ctime_ns:
            self._accessed()
        return done

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        if rwf & ~_KNOWN_RWF:
            raise SyscallError(EOPNOTSUPP)
        if offset < 0:
            return self.read(slices)
        if offset > _MOST_SAFE:
            _check_end(slices, offset)
        done = self.memory.preadv(slices, offset)
        inode = self.inode
        if not self._is_read or inode.atime_ns <= inode.mtime_ns or inode.atime_ns <= inode.ctime_ns:
            self._accessed()
        return done

    def _accessed(self) -> None:
        """Not at every read: whether the last access is a day old is asked at the first one only."""
        self._is_read = True
        if not self.flags & O_NOATIME:
            self.inode.accessed()

    def write(self, slices: list[memoryview]) -> int:
        """At the position, or with O_APPEND at the end."""
        return self._write_here(slices, self.flags & O_APPEND)

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere; with O_APPEND at the end, as Linux has it."""
        if rwf & ~_KNOWN_RWF:
            raise SyscallError(EOPNOTSUPP)
        at_end = self.flags & O_APPEND or rwf & RWF_APPEND
        if offset < 0:
            return self._write_here(slices, at_end)
        return self._write(slices, self.memory.size_bytes if at_end else offset)

    def _write_here(self, slices: list[memoryview], at_end: int) -> int:
        offset = self.memory.size_bytes if at_end else self.position
        done = self._write(slices, offset)
        if done:
            self.position = offset + done
        return done

    def _write(self, slices: list[memoryview], offset: int) -> int:
        n_bytes = len(slices[0]) if len(slices) == 1 else sum(map(len, slices))
        if not n_bytes:
            return 0
        if offset > _MOST_SAFE:
            _check_end(slices, offset)
        self.inode.written()
        return self.memory.pwritev(slices, offset)

    def read_limit(self, offset: int | None) -> int:
        """The rest."""
        at = self.position if offset is None or offset < 0 else offset
        return max(self.memory.size_bytes - at, 0)

    def read_nothing(self, offset: int | None) -> bool:
        """At or beyond the end."""
        return self.read_limit(offset) == 0

    def lseek(self, offset: int, whence: int) -> int:
        """As generic_file_llseek, and shmem_file_llseek for holes. Errors: EINVAL; ENXIO past the end."""
        if whence == SEEK_CUR:
            offset += self.position
        elif whence != SEEK_SET:
            size = self.memory.size_bytes
            if whence == SEEK_END:
                offset += size
            elif whence in (SEEK_DATA, SEEK_HOLE):
                if not 0 <= offset < size:
                    raise SyscallError(ENXIO)
                page = self.memory.next_page(offset >> 12, hole=whence == SEEK_HOLE)
                offset = max(offset, min(page << 12, size))
                if whence == SEEK_DATA and offset >= size:
                    raise SyscallError(ENXIO)
            else:
                raise SyscallError(EINVAL)
        if not 0 <= offset <= MAX_BYTES:
            raise SyscallError(EINVAL)
        self.position = offset
        return offset

    def truncate(self, size_bytes: int) -> None:
        """ftruncate(2): the times move even if the size stays. Errors: EPERM a seal; EINVAL not open for writing."""
        if not self.writable:
            raise SyscallError(EINVAL)
        self.memory.truncate(size_bytes)
        self.inode.written()

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """fallocate(2). Errors: EBADF, EFBIG, EOPNOTSUPP, ENOSPC, EPERM a seal."""
        if not self.writable:
            raise SyscallError(EBADF)
        if offset + length > MAX_BYTES:
            raise SyscallError(EFBIG)
        if mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE):
            raise SyscallError(EOPNOTSUPP)
        if mode & FALLOC_FL_PUNCH_HOLE:
            self.memory.punch(offset, length)
        else:
            self.memory.allocate(offset, length, keep_size=bool(mode & FALLOC_FL_KEEP_SIZE))
        self.inode.written()

    def copy_range(self, start: int | None, target: OpenFile, target_start: int | None, count: int) -> int:
        """Within one file system. Errors: EXDEV; EINVAL the ranges are of one file and overlap."""
        if not isinstance(target, MemFile) or target.inode.volume is not self.inode.volume:
            raise SyscallError(EXDEV)
        at = self.position if start is None else start
        to = target.position if target_start is None else target_start
        count = min(count, self.read_limit(at))
        if target.inode is self.inode and at - count < to < at + count:
            raise SyscallError(EINVAL)
        if not count:
            return 0
        buffer = memoryview(bytearray(min(count, _COPY_BYTES)))
        n = self.pread([buffer], at)
        done = target.write([buffer[:n]]) if target_start is None else target.pwrite([buffer[:n]], to)
        if start is None:
            self.position += done
        return done

    def sync(self, *, data_only: bool) -> None:
        """There is nothing to write."""

    def control(self, request: int, data: bytes) -> bytes:
        """What every regular file knows."""
        return node_control(self, request, data, self.memory.size_bytes - self.position)

    def seals(self) -> int:
        """F_GET_SEALS."""
        return self.memory.seals

    def add_seals(self, seals: int) -> None:
        """F_ADD_SEALS. Errors: EPERM not open for writing, or F_SEAL_SEAL; EINVAL; EBUSY."""
        if not self.writable:
            raise SyscallError(EPERM)
        self.memory.add_seals(seals)

    def backing(self) -> FileMemory:  # type: ignore[override]
        """The memory itself. Errors: EACCES not open for reading."""
        if not self.readable:
            raise SyscallError(EACCES)
        self._accessed()
        if self._backing is None:
            self._backing = FileMemory(self)
            return self._backing
        return self._backing.hold()

    def forget_backing(self, backing: FileMemory) -> None:
        """The last mapping through it is gone."""
        if self._backing is backing:
            self._backing = None

    def reopen(self, flags: int) -> OpenFile:
        """A description of its own; whether that is permitted has been asked. Errors: EPERM a seal."""
        file = type(self)(self.entry, flags)
        if flags & O_TRUNC and file.writable:
            try:
                file.truncate(0)
            except SyscallError:
                file.release()
                raise
        return file


class TmpFile(MemFile):
    """A regular file of a mounted tmpfs."""

    __slots__ = ("_system",)

    def __init__(self, system: TmpFs, entry: Entry, flags: int) -> None:
        super().__init__(entry, flags)
        self._system = system

    def reopen(self, flags: int) -> OpenFile:
        """As open(2) of the very file."""
        return self._system.open_entry(self.entry, flags)


def _check_end(slices: list[memoryview], offset: int) -> None:
    """rw_verify_area: no byte has an offset that is no loff_t. Errors: EINVAL."""
    if offset + sum(map(len, slices)) > MAX_BYTES:
        raise SyscallError(EINVAL)


class TmpDirectory(NodeFile):
    """A directory: where relative paths start, and a listing.

    An entry's offset is its serial number, so it stays true whatever else is made and removed meanwhile: to go on at
    an offset is to go on with the older names.
    """

    __slots__ = ("_listing", "_position", "_system", "entry", "inode")
    inode: Directory

    def __init__(self, system: TmpFs, entry: Entry, flags: int) -> None:
        super().__init__(flags)
        self.entry = entry
        self.inode = entry.inode  # type: ignore[assignment]  # the caller knows
        self.inode.hold()
        self.filesystem = self._system = system
        self._position = 0
        self._listing: list[tuple[int, Entry]] = []
        """The names and their serial numbers when the listing began, the oldest first."""

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """See OpenFile; the position moves by lseek(), when the caller knows how many it could use."""
        directory, at = self.inode, self._position
        if directory.is_dead:
            raise SyscallError(ENOENT)
        if not self.flags & O_NOATIME:
            directory.accessed()
        if at <= 0:
            yield directory.st_ino, 1, S_IFDIR >> 12, b"."
        if at <= 1:
            above = directory.entry.parent or directory
            yield above.st_ino, 2, S_IFDIR >> 12, b".."
        if at <= 2:  # noqa: PLR2004  # behind `..`
            self._listing = [(entry.serial, entry) for entry in directory.children.values()]
            index = len(self._listing)
        else:
            index = bisect_right(self._listing, at - 1, key=_serial)
        for serial, entry in reversed(self._listing[:index]):
            if not entry.is_gone and entry.serial == serial and entry.parent is directory:
                yield entry.inode.st_ino, serial, entry.inode.st_mode >> 12, entry.name

    def lseek(self, offset: int, whence: int) -> int:
        """As dcache_dir_lseek. Errors: EINVAL."""
        if whence == SEEK_CUR:
            offset += self._position
        elif whence != SEEK_SET:
            raise SyscallError(EINVAL)
        if not 0 <= offset <= MAX_BYTES:
            raise SyscallError(EINVAL)
        self._position = offset
        return offset

    def read(self, slices: list[memoryview]) -> int:
        """Errors: EISDIR."""
        raise SyscallError(EISDIR)

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Errors: EISDIR."""
        raise SyscallError(EISDIR)

    def sync(self, *, data_only: bool) -> None:
        """There is nothing to write."""

    def control(self, request: int, data: bytes) -> bytes:
        """What every directory knows."""
        return node_control(self, request, data)

    def reopen(self, flags: int) -> OpenFile:
        """As open(2) of the very directory."""
        return self._system.open_entry(self.entry, flags)


def _serial(place: tuple[int, Entry]) -> int:
    return place[0]


def node_control(file: NodeFile, request: int, data: bytes, rest_bytes: int | None = None) -> bytes:
    """The ioctls of files and directories (fs/ioctl.c). rest_bytes: what a regular file has behind the position."""
    if request == FIGETBSZ:
        return PAGE_BYTES.to_bytes(4, "little")
    if request == FIOQSIZE:
        return file.inode.size_bytes.to_bytes(_LONG_BYTES, "little")
    if request == FS_IOC_GETFLAGS:
        return bytes(4)
    if request == FIONREAD and rest_bytes is not None:
        return (rest_bytes & 0xFFFFFFFF).to_bytes(4, "little")
    return OpenFile.control(file, request, data)
