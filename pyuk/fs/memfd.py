"""Files that are nowhere but in RAM and have no name: memfd_create(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EFBIG, EINVAL, ENXIO, EOPNOTSUPP, EPERM, SyscallError
from pyuk.abi.fcntl import FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, O_APPEND, O_LARGEFILE, O_RDWR, O_TRUNC
from pyuk.abi.unistd import SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET
from pyuk.fs.file import OpenFile
from pyuk.fs.stat import Stat, StatFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.filesystem import Times
    from pyuk.mm.memory import SharedMemory

_TMPFS_MAGIC = 0x01021994
_S_IFREG_0777 = 0o100777
_MAX_BYTES = (1 << 63) - 1


class Inode:
    """What all open files of one memfd share: the memory, and what stat(2) shows of it."""

    __slots__ = ("memory", "now_ns", "status")

    def __init__(self, memory: SharedMemory, now_ns: Callable[[], int], uid: int, gid: int) -> None:
        self.memory = memory
        self.now_ns = now_ns
        self.status = Stat(memory.dev, memory.ino, _S_IFREG_0777, nlink=0, time_ns=now_ns())
        self.status.st_uid, self.status.st_gid = uid, gid

    def changed(self) -> None:
        """The contents were."""
        self.status.st_mtime_ns = self.status.st_ctime_ns = self.now_ns()


class MemFile(OpenFile):
    """An open file description of a memfd."""

    __slots__ = ("_position", "inode", "memory")

    def __init__(self, inode: Inode, flags: int = O_RDWR | O_LARGEFILE) -> None:
        super().__init__(flags)
        self.inode = inode
        self.memory = inode.memory.hold()
        self._position = 0

    def close(self) -> None:
        """The memory stays as long as it is mapped."""
        self.memory.drop()

    def read(self, slices: list[memoryview]) -> int:
        """At the position."""
        done = self.memory.preadv(slices, self._position)
        self._position += done
        return done

    def write(self, slices: list[memoryview]) -> int:
        """At the position, or with O_APPEND at the end."""
        if self.flags & O_APPEND:
            self._position = self.memory.size_bytes
        done = self._write(slices, self._position)
        self._position += done
        return done

    def _write(self, slices: list[memoryview], offset: int) -> int:
        if not any(map(len, slices)):
            return 0
        done = self.memory.pwritev(slices, offset)
        self.inode.changed()
        return done

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        return self.read(slices) if offset < 0 else self.memory.preadv(slices, offset)

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere; with O_APPEND at the end, as Linux has it."""
        if offset < 0:
            return self.write(slices)
        return self._write(slices, self.memory.size_bytes if self.flags & O_APPEND else offset)

    def read_limit(self, offset: int | None) -> int:
        """The rest."""
        at = self._position if offset is None or offset < 0 else offset
        return max(self.memory.size_bytes - at, 0)

    def read_nothing(self, offset: int | None) -> bool:
        """At or beyond the end."""
        return self.read_limit(offset) == 0

    def lseek(self, offset: int, whence: int) -> int:
        """As generic_file_llseek, and shmem_file_llseek for holes. Errors: EINVAL; ENXIO past the end."""
        size = self.memory.size_bytes
        if whence in (SEEK_DATA, SEEK_HOLE):
            if not 0 <= offset < size:
                raise SyscallError(ENXIO)
            page = self.memory.next_page(offset >> 12, hole=whence == SEEK_HOLE)
            offset = max(offset, min(page << 12, size))
            if whence == SEEK_DATA and offset >= size:
                raise SyscallError(ENXIO)
        elif whence == SEEK_CUR:
            offset += self._position
        elif whence == SEEK_END:
            offset += size
        elif whence != SEEK_SET:
            raise SyscallError(EINVAL)
        if not 0 <= offset <= _MAX_BYTES:
            raise SyscallError(EINVAL)
        self._position = offset
        return offset

    def stat(self) -> Stat:
        """The inode's."""
        status = self.inode.status
        status.st_size = self.memory.size_bytes
        status.st_blocks = len(self.memory.frames) * 8
        return status

    def statfs(self) -> StatFs:
        """As tmpfs."""
        return StatFs(_TMPFS_MAGIC)

    def truncate(self, size_bytes: int) -> None:
        """ftruncate(2). Errors: EPERM a seal; EINVAL not open for writing."""
        if not self.writable:
            raise SyscallError(EINVAL)
        self.memory.truncate(size_bytes)
        self.inode.changed()

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """fallocate(2). Errors: EBADF, EOPNOTSUPP, EFBIG, EPERM a seal."""
        if mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE) or mode == FALLOC_FL_PUNCH_HOLE:
            raise SyscallError(EOPNOTSUPP)
        if not self.writable:
            raise SyscallError(EBADF)
        if offset + length > _MAX_BYTES:
            raise SyscallError(EFBIG)
        if mode & FALLOC_FL_PUNCH_HOLE:
            self.memory.punch(offset, length)
        else:
            self.memory.allocate(offset, length, keep_size=bool(mode & FALLOC_FL_KEEP_SIZE))
        self.inode.changed()

    def sync(self, *, data_only: bool) -> None:
        """There is nothing to write."""

    def chmod(self, mode: int) -> None:
        """The inode's."""
        self.inode.status.st_mode = 0o100000 | mode & 0o7777

    def chown(self, uid: int, gid: int) -> None:
        """The inode's; -1 leaves an id."""
        status = self.inode.status
        status.st_uid = status.st_uid if uid < 0 else uid
        status.st_gid = status.st_gid if gid < 0 else gid

    def utime(self, times_ns: Times) -> None:
        """The inode's."""
        status = self.inode.status
        access_ns, change_ns = times_ns if times_ns is not None else (self.inode.now_ns(),) * 2
        status.st_atime_ns = status.st_atime_ns if access_ns is None else access_ns
        status.st_mtime_ns = status.st_mtime_ns if change_ns is None else change_ns

    def seals(self) -> int:
        """F_GET_SEALS."""
        return self.memory.seals

    def add_seals(self, seals: int) -> None:
        """F_ADD_SEALS. Errors: EPERM not open for writing, or F_SEAL_SEAL; EINVAL; EBUSY."""
        if not self.writable:
            raise SyscallError(EPERM)
        self.memory.add_seals(seals)

    def backing(self) -> SharedMemory:  # type: ignore[override]
        """The memory itself."""
        return self.memory.hold()

    def link_text(self) -> bytes:
        """`/memfd:name (deleted)`."""
        return self.memory.path

    def reopen(self, flags: int) -> MemFile:
        """A description of its own."""
        file = MemFile(self.inode, flags)
        if flags & O_TRUNC and file.writable:
            try:
                self.memory.truncate(0)
            except SyscallError:
                file.release()
                raise
        return file
