"""Open files of made-up file systems, by how they are read (Linux fs/seq_file.c, fs/libfs.c, fs/proc)."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EISDIR, ENODEV, ENXIO, SyscallError
from pyuk.abi.stat import S_IFMT
from pyuk.abi.unistd import SEEK_CUR, SEEK_END, SEEK_HOLE, SEEK_SET
from pyuk.fs.file import OpenFile, scatter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    from pyuk.fs.backing import HostBacking
    from pyuk.fs.pseudo.node import Directory, File, Link, Node
    from pyuk.fs.pseudo.system import PseudoFs
    from pyuk.fs.stat import Stat, StatFs

    class Window(Protocol):
        """What is behind a file whose offsets are addresses."""

        def read(self, slices: list[memoryview], offset: int, /) -> int: ...
        def write(self, slices: list[memoryview], offset: int, /) -> int: ...


_BUFFER_BYTES = 4096
_MOST_WRITTEN = 1 << 16
_MAX_BYTES = (1 << 63) - 1


class PseudoFile(OpenFile):
    """What they share: `path` is from the file system's root, and without links."""

    __slots__ = ("fs", "node", "path", "position")

    def __init__(self, fs: PseudoFs, node: Node, path: bytes, flags: int) -> None:
        super().__init__(flags)
        self.fs = fs
        self.node = node
        self.path = path
        self.position = 0

    @property
    def can_poll(self) -> bool:  # type: ignore[override]
        """Whether its kind has a poll; it is always ready."""
        return self.node.can_poll

    def stat(self) -> Stat:
        """See OpenFile."""
        return self.fs.stat_node(self.node)

    def statfs(self) -> StatFs:
        """See OpenFile."""
        return self.fs.statfs(None, b"")

    def access(self, mode: int, *, effective: bool) -> None:
        """See OpenFile."""
        self.fs.check_access(self.node, mode, effective=effective)

    def link_text(self) -> bytes:
        """See OpenFile."""
        return self.fs.full_path(self.path)

    def reopen(self, flags: int) -> OpenFile:
        """A new one at the beginning."""
        return self.fs.open_node(self.node, self.path, flags)

    def backing(self) -> HostBacking:
        """Nothing of this can be mapped."""
        raise SyscallError(getattr(self.node, "map_errno", 0) or ENODEV)

    def truncate(self, size_bytes: int) -> None:
        """Nothing happens: `>` may open it."""


class LinkFile(PseudoFile):
    """A link that was opened with O_PATH | O_NOFOLLOW."""

    __slots__ = ()
    node: Link

    def readlink(self) -> bytes:
        """See OpenFile."""
        return self.node.text()


class PathFile(PseudoFile):
    """A file that was opened with O_PATH."""

    __slots__ = ()


class PseudoDirectory(PseudoFile):
    """A listing, and the start of walks. Offsets are entry numbers, in the order of the first look."""

    __slots__ = ("_listing",)
    node: Directory

    def __init__(self, fs: PseudoFs, node: Node, path: bytes, flags: int) -> None:
        super().__init__(fs, node, path, flags)
        self.filesystem = fs
        self._listing: list[tuple[int, int, bytes]] | None = None

    def read(self, slices: list[memoryview]) -> int:
        """A directory is not read."""
        raise SyscallError(EISDIR)

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """A directory is not read."""
        raise SyscallError(EISDIR)

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """See OpenFile."""
        if self.position == 0 or self._listing is None:
            self._listing = list(self._scan())
        for index in range(self.position, len(self._listing)):
            ino, kind, name = self._listing[index]
            yield ino, index + 1, kind, name

    def _scan(self) -> Iterator[tuple[int, int, bytes]]:
        here = S_IFMT & self.node.st_mode
        yield self.node.ino, here >> 12, b"."
        yield self.fs.find(None, self.path.rpartition(b"/")[0]).ino, here >> 12, b".."
        for name, node in self.node.entries():
            yield node.ino, (S_IFMT & node.st_mode) >> 12, name

    def lseek(self, offset: int, whence: int) -> int:
        """generic_file_llseek."""
        self.position = seek(self.position, offset, whence)
        return self.position

    def backing(self) -> HostBacking:
        """No directory can be mapped."""
        raise SyscallError(ENODEV)


def seek(position: int, offset: int, whence: int) -> int:
    """generic_file_llseek of a file of 0 bytes. Errors: EINVAL, ENXIO."""
    if whence == SEEK_CUR:
        offset += position
    elif whence > SEEK_END:
        raise SyscallError(ENXIO if whence <= SEEK_HOLE else EINVAL)
    if not 0 <= offset <= _MAX_BYTES:
        raise SyscallError(EINVAL)
    return offset


class ContentFile(PseudoFile):
    """A file with contents. Reading is `_read_at`; a write goes to the node as one piece."""

    __slots__ = ()
    node: File

    def read(self, slices: list[memoryview]) -> int:
        """At the position."""
        n_bytes = self._read_at(slices, self.position)
        self.position += n_bytes
        return n_bytes

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        return self.read(slices) if offset < 0 else self._read_at(slices, offset)

    def _read_at(self, slices: list[memoryview], offset: int) -> int:
        raise NotImplementedError

    def write(self, slices: list[memoryview]) -> int:
        """At the position."""
        n_bytes = self._write_at(slices, self.position)
        self.position += n_bytes
        return n_bytes

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        return self.write(slices) if offset < 0 else self._write_at(slices, offset)

    def _write_at(self, slices: list[memoryview], offset: int) -> int:
        data = b"".join(slices)
        return self.node.write(data[:_MOST_WRITTEN], offset)

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """What there is to read is made before the buffer is looked at."""
        room = [memoryview(bytearray(1))]
        position = self.position
        n = self.read(room) if offset is None else self.pread(room, offset)
        self.position = position
        return super().read_fault(offset, n_bytes) if n else 0

    def read_nothing(self, offset: int | None) -> bool:
        """read_fault has looked."""
        return False

    def lseek(self, offset: int, whence: int) -> int:
        """As most have it."""
        self.position = seek(self.position, offset, whence)
        return self.position


class SeqFile(ContentFile):
    """Records, made one after the other as they are read (fs/seq_file.c).

    A read gives what fits of whole records into a buffer of 4096 bytes, or of the largest record so far. Reading on at
    any other place than where the last read ended makes everything anew.
    """

    __slots__ = ("_at", "_buffer", "_buffer_bytes", "_pending", "_records", "_show")

    def __init__(self, fs: PseudoFs, node: File, path: bytes, flags: int, show: Callable[[], Iterable[bytes]]) -> None:
        """show: makes the records; called when the beginning is read."""
        super().__init__(fs, node, path, flags)
        self._show = show
        self._records: Iterator[bytes] | None = None
        self._at = 0  # where the last read ended
        self._buffer = b""  # of what is made, the part not read yet
        self._pending: bytes | None = None  # a record that had no room in the buffer
        self._buffer_bytes = _BUFFER_BYTES

    def _read_at(self, slices: list[memoryview], offset: int) -> int:
        n_wanted = sum(map(len, slices))
        if not n_wanted:
            return 0
        if self._records is None or offset != self._at or not offset:
            self._begin(offset)
        got = self._buffer[:n_wanted]
        self._buffer = self._buffer[n_wanted:]
        if not self._buffer and len(got) < n_wanted:
            made = self._fill(n_wanted - len(got))
            self._buffer = made[n_wanted - len(got) :]
            got += made[: n_wanted - len(got)]
        self._at = offset + len(got)
        return scatter(slices, got)

    def _begin(self, offset: int) -> None:
        """Make everything anew, and skip what lies before the offset (traverse)."""
        self._records = iter(self._show())
        self._pending = None
        self._buffer = b""
        while offset > 0:
            record = self._next()
            if record is None:
                return
            self._buffer = record[offset:]
            offset -= len(record)

    def _next(self) -> bytes | None:
        """The next record that is not empty."""
        record, self._pending = self._pending, None
        while not record:
            assert self._records is not None  # noqa: S101  # _begin
            record = next(self._records, None)
            if record is None:
                return None
        return record

    def _fill(self, n_wanted: int) -> bytes:
        """A buffer full of records: at least one, and no more once there is as much as is wanted."""
        made = self._next() or b""
        while len(made) >= self._buffer_bytes:
            self._buffer_bytes *= 2
        while made and len(made) < n_wanted:
            record = self._next()
            if record is None:
                break
            if len(made) + len(record) >= self._buffer_bytes:
                self._pending = record
                break
            made += record
        return made

    def lseek(self, offset: int, whence: int) -> int:
        """seq_lseek: there is nothing to measure the end from."""
        if whence == SEEK_CUR:
            offset += self.position
        if whence not in (SEEK_SET, SEEK_CUR) or not 0 <= offset <= _MAX_BYTES:
            raise SyscallError(EINVAL)
        self.position = offset
        return offset


class BlobFile(ContentFile):
    """Bytes that are there, all of them, at every read: cmdline, environ, sysctls."""

    __slots__ = ("_get",)

    def __init__(self, fs: PseudoFs, node: File, path: bytes, flags: int, get: Callable[[], bytes]) -> None:
        super().__init__(fs, node, path, flags)
        self._get = get

    def _read_at(self, slices: list[memoryview], offset: int) -> int:
        return scatter(slices, self._get()[offset:])


class NumberFile(BlobFile):
    """A number that is read from its beginning only: elsewhere is the end (kernel/sysctl.c, do_proc_dointvec)."""

    __slots__ = ()

    def _read_at(self, slices: list[memoryview], offset: int) -> int:
        return 0 if offset else super()._read_at(slices, 0)


class WindowFile(ContentFile):
    """A file whose offsets are addresses: mem, pagemap. It stays with the memory that was there at open."""

    __slots__ = ("_window",)

    def __init__(self, fs: PseudoFs, node: File, path: bytes, flags: int, window: Window) -> None:
        super().__init__(fs, node, path, flags)
        self._window = window

    def _read_at(self, slices: list[memoryview], offset: int) -> int:
        return self._window.read(slices, offset)

    def _write_at(self, slices: list[memoryview], offset: int) -> int:
        return self._window.write(slices, offset)

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """As any file: reads may be of any size."""
        return OpenFile.read_fault(self, offset, n_bytes)

    def lseek(self, offset: int, whence: int) -> int:
        """mem_lseek: any place."""
        if whence == SEEK_CUR:
            offset += self.position
        if whence not in (SEEK_SET, SEEK_CUR):
            raise SyscallError(EINVAL)
        self.position = offset & (1 << 64) - 1
        return self.position
