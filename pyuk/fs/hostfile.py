"""Open files of the host: the data side. One open file description is one host descriptor.

The host's own offset is the file's position, so O_APPEND and offsets shared by dup(2) are right by themselves.
Host descriptors are close-on-exec and no guest ever sees their numbers.
"""

from __future__ import annotations

import os
import stat as modes
import sys

from pyuk.abi.errno import EACCES, EAGAIN, EINVAL, ENODEV, ENOENT, ENXIO, EOPNOTSUPP, SyscallError
from pyuk.abi.fcntl import (
    F_GETPIPE_SZ,
    F_SETPIPE_SZ,
    O_APPEND,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
)  # fmt: skip
from pyuk.abi.unistd import MAX_RW_COUNT, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET, UIO_MAXIOV
from pyuk.fs.backing import HostBacking
from pyuk.fs.errors import guest_error
from pyuk.fs.file import OpenFile
from pyuk.wait.host import POLLIN, POLLOUT, forget, is_ready, queue_of, ready_events
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.fs.filesystem import Times
    from pyuk.fs.hostfs import HostFs
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.wait.queue import WaitQueue

# Documentation/admin-guide/devices.txt
_NULL_RDEV, _ZERO_RDEV, _RANDOM_RDEV = (1 << 8 | minor for minor in (3, 5, 8))
_DIRECTORY_END = (1 << 63) - 1
_RWF_ALL = 31  # include/uapi/linux/fs.h: RWF_SUPPORTED of 6.1


class HostFile(OpenFile):
    """A host descriptor that pyuk opened for a guest. `mode` is its st_mode when it was opened (the type stays)."""

    __slots__ = ("_backing", "fd", "host", "mode", "rdev")
    takes_direct = True
    """The host says whether it does."""

    def __init__(self, host: HostFs, fd: int, flags: int, mode: int, rdev: int = 0) -> None:
        super().__init__(flags)
        self.host = host
        self.fd = fd
        self.mode = mode
        self.rdev = rdev
        self._backing: HostBacking | None = None
        kind = modes.S_IFMT(mode)
        if kind != modes.S_IFREG:  # not /dev/zero and its like (major 1), which fill whole buffers
            self.stream = kind in (modes.S_IFIFO, modes.S_IFSOCK) or (kind == modes.S_IFCHR and rdev >> 8 != 1)

    def close(self) -> None:
        """Close the host's descriptor; what it reports (ENOSPC, EIO on network file systems) is the guest's."""
        fd, self.fd = self.fd, -1
        if self.stream:
            forget(fd)
        try:
            os.close(fd)
        except OSError as error:
            raise guest_error(error) from None

    def is_terminal(self) -> bool:
        """Whether it is one of the host's terminals."""
        return self.stream and modes.S_ISCHR(self.mode) and os.isatty(self.fd)

    def read(self, slices: list[memoryview]) -> int:
        """Through readv(2); no slices at all is a read of 0 bytes, which still has its errors."""
        cache = self.host.cache
        if cache is not None and self.ident in cache.files:
            cache.settle(self.ident)
        try:
            if not slices:
                return len(os.read(self.fd, 0))
            if self.stream and not self.flags & O_NONBLOCK and not is_ready(self.fd, POLLIN):
                return self._await_input()
            return os.readv(self.fd, slices if len(slices) <= UIO_MAXIOV else slices[:UIO_MAXIOV])
        except BlockingIOError as error:
            if self.flags & O_NONBLOCK:
                raise guest_error(error) from None
            return self._await_input()
        except OSError as error:
            raise guest_error(error) from None

    def write(self, slices: list[memoryview]) -> int:
        """Through writev(2)."""
        cache = self.host.cache
        if cache is not None and self.ident in cache.files:
            return self._write_through(slices, -1, 0)
        try:
            if not slices:
                return os.write(self.fd, b"")
            return self._write_some(slices)
        except BlockingIOError as error:
            if self.flags & O_NONBLOCK:
                raise guest_error(error) from None
            raise WouldBlock(queue_of(self.fd), events=POLLOUT) from None
        except OSError as error:
            raise guest_error(error) from None

    def _write_some(self, slices: list[memoryview]) -> int:
        """On the host no description of a guest's file blocks (HostFs.open); whether it does here is the guest's."""
        return os.write(self.fd, slices[0]) if len(slices) == 1 else os.writev(self.fd, slices[:UIO_MAXIOV])

    def _await_input(self) -> int:
        """A read that would block sleeps with the other tasks, not in the host, and perhaps not for ever."""
        timeout_ns = None
        if modes.S_ISCHR(self.mode):
            from pyuk.fs import hostioctl  # noqa: PLC0415

            timeout_ns = hostioctl.longest_read_ns(self.fd)
        if timeout_ns == 0:
            return 0
        raise WouldBlock(queue_of(self.fd), events=POLLIN, timeout_ns=timeout_ns or 0)

    @property
    def can_poll(self) -> bool:  # type: ignore[override]
        """Streams, and /dev/random."""
        return self.stream or (self.rdev == _RANDOM_RDEV and modes.S_ISCHR(self.mode))

    def poll(self) -> int:
        """The host knows."""
        return ready_events(self.fd) if self.stream else super().poll()

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """The host's news."""
        return (queue_of(self.fd),) if self.stream else ()

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Through preadv(2), or preadv2(2) where flags are given."""
        cache = self.host.cache
        if cache is not None and self.ident in cache.files:
            cache.settle(self.ident)
        try:
            if slices and not rwf and offset >= 0:
                return os.preadv(self.fd, slices if len(slices) <= UIO_MAXIOV else slices[:UIO_MAXIOV], offset)
            if not slices and offset >= 0:
                return len(os.pread(self.fd, 0, offset))
            _check_rwf(rwf)
            return os.preadv(self.fd, slices[:UIO_MAXIOV], offset, rwf)
        except OSError as error:
            raise guest_error(error) from None

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Through pwritev(2), or pwritev2(2) where flags are given."""
        if self._is_cached():
            return self._write_through(slices, offset, rwf)
        return self._pwrite(slices, offset, rwf)

    def _is_cached(self) -> bool:
        cache = self.host.cache
        return cache is not None and self.ident in cache.files

    def _write_through(self, slices: list[memoryview], offset: int, rwf: int) -> int:
        """Write where guests may have the file mapped: offset -1 is the position."""
        cache = self.host.cache
        assert cache is not None  # noqa: S101  # _is_cached
        cache.settle(self.ident)
        try:
            if offset < 0 and not rwf:
                done = os.writev(self.fd, slices[:UIO_MAXIOV]) if slices else os.write(self.fd, b"")
            else:
                done = self._pwrite(slices, offset, rwf)
            now = os.fstat(self.fd)
            if self.status_flags() & O_APPEND or rwf:
                at = now.st_size - done
            else:
                at = os.lseek(self.fd, 0, os.SEEK_CUR) - done if offset < 0 else offset
        except OSError as error:
            raise guest_error(error) from None
        cache.written(self.ident, at, done, key_of(now))
        return done

    def was_truncated(self, size_bytes: int) -> None:
        """Tell whoever has it mapped."""
        if self._is_cached():
            assert self.host.cache is not None  # noqa: S101  # _is_cached
            self.host.cache.truncated(self.ident, size_bytes, key_of(os.fstat(self.fd)))

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """The host's fallocate(2). Holes and the like in a file that is mapped are seen there too."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        cache = self.host.cache if self._is_cached() else None
        try:
            if cache is not None:
                cache.settle(self.ident)
            hostcalls.fallocate(self.fd, mode, offset, length)
            if cache is not None:
                now = os.fstat(self.fd)
                cache.written(self.ident, 0, now.st_size, key_of(now))
                cache.truncated(self.ident, now.st_size, key_of(now))
        except OSError as error:
            raise guest_error(error) from None

    def _pwrite(self, slices: list[memoryview], offset: int, rwf: int) -> int:
        try:
            if not slices and offset >= 0:
                return os.pwrite(self.fd, b"", offset)
            if rwf == 0 and offset >= 0:
                return os.pwritev(self.fd, slices[:UIO_MAXIOV], offset)
            _check_rwf(rwf)
            return os.pwritev(self.fd, slices[:UIO_MAXIOV], offset, rwf)
        except OSError as error:
            raise guest_error(error) from None

    def read_limit(self, offset: int | None) -> int:
        """A regular file's rest. One of size 0 may be of the kind that /proc has: nothing is known of it."""
        if not modes.S_ISREG(self.mode):
            return MAX_RW_COUNT
        size_bytes = os.fstat(self.fd).st_size
        at = os.lseek(self.fd, 0, os.SEEK_CUR) if offset is None or offset < 0 else offset
        return max(size_bytes - at, 0) if size_bytes else MAX_RW_COUNT

    def read_nothing(self, offset: int | None) -> bool:
        """At or beyond the end of a regular file or of a stream, which may have to be waited for; on /dev/null."""
        if modes.S_ISREG(self.mode):
            at = os.lseek(self.fd, 0, os.SEEK_CUR) if offset is None or offset < 0 else offset
            return not os.pread(self.fd, 1, at)
        if self.stream:
            return self._wait_to_read()
        return self.rdev == _NULL_RDEV and modes.S_ISCHR(self.mode)

    def _wait_to_read(self) -> bool:
        """Wait until a read would not block, and say whether it would find the end. Errors: EAGAIN (O_NONBLOCK)."""
        import select  # noqa: PLC0415

        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        ready = poll.poll(0)
        if not ready and self.status_flags() & O_NONBLOCK:
            raise SyscallError(EAGAIN)
        if not ready:
            raise WouldBlock(queue_of(self.fd), events=POLLIN)
        return not ready[0][1] & select.POLLIN

    def maps_zeros(self) -> bool:
        """/dev/zero."""
        return self.rdev == _ZERO_RDEV and modes.S_ISCHR(self.mode)

    def write_unread(self) -> bool:
        """Only /dev/null and /dev/zero."""
        return self.rdev in (_NULL_RDEV, _ZERO_RDEV) and modes.S_ISCHR(self.mode)

    def lseek(self, offset: int, whence: int) -> int:
        """The host's offset; SEEK_DATA and SEEK_HOLE too where the host has them."""
        try:
            return os.lseek(self.fd, offset, whence)
        except OSError as error:
            raise guest_error(error) from None

    def stat(self) -> os.stat_result | Stat:
        """Straight from the host."""
        try:
            return os.fstat(self.fd)
        except OSError as error:
            raise guest_error(error) from None

    def statx(self, flags: int, mask: int) -> bytes | None:
        """The host's own."""
        return self.host.statx(self, b"", flags, mask)

    def access(self, mode: int, *, effective: bool) -> None:
        """By way of the host's name for its descriptor."""
        self.host.access_of(self.fd, mode, effective=effective)

    def readlink(self) -> bytes:
        """Of the link itself."""
        if not modes.S_ISLNK(self.mode):
            raise SyscallError(ENOENT)
        try:
            return os.readlink(b"", dir_fd=self.fd)
        except OSError as error:
            raise guest_error(error) from None

    def pipe_bytes(self) -> int:
        """The host's pipe."""
        import fcntl  # noqa: PLC0415

        try:
            return fcntl.fcntl(self.fd, F_GETPIPE_SZ)
        except OSError as error:
            raise guest_error(error) from None

    def set_pipe_bytes(self, n_bytes: int, *, is_privileged: bool) -> int:
        """The host's pipe, and the host's rules."""
        import fcntl  # noqa: PLC0415

        try:
            return fcntl.fcntl(self.fd, F_SETPIPE_SZ, n_bytes)
        except (OSError, OverflowError) as error:
            raise guest_error(error) if isinstance(error, OSError) else SyscallError(EINVAL) from None

    def host_name(self) -> bytes:
        """See HostFs.name_of."""
        return self.host.name_of(self.fd)

    def statfs(self) -> StatFs:
        """Straight from the host."""
        return self.host.statfs_of(self.fd)

    def copy_range(self, start: int | None, target: OpenFile, target_start: int | None, count: int) -> int:
        """The host copies, perhaps without moving a byte. Errors: EXDEV where it cannot."""
        if target.host_fd() < 0 or not hasattr(os, "copy_file_range"):
            return super().copy_range(start, target, target_start, count)
        try:
            return os.copy_file_range(self.fd, target.host_fd(), count, start, target_start)
        except OSError as error:
            raise guest_error(error) from None

    def truncate(self, size_bytes: int) -> None:
        """EINVAL where it is not open for writing is ftruncate(2)'s own."""
        try:
            os.ftruncate(self.fd, size_bytes)
        except OSError as error:
            raise guest_error(error) from None
        self.was_truncated(size_bytes)

    def sync(self, *, data_only: bool) -> None:
        """To the host's disk."""
        if self._is_cached():
            assert self.host.cache is not None  # noqa: S101  # _is_cached
            self.host.cache.settle(self.ident)
        try:
            if data_only and hasattr(os, "fdatasync"):
                os.fdatasync(self.fd)
            else:
                os.fsync(self.fd)
        except OSError as error:
            raise guest_error(error) from None

    def sync_all(self) -> None:
        """The host's file system."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        try:
            if hostcalls.has("syncfs"):
                hostcalls.syncfs(self.fd)
        except OSError as error:
            raise guest_error(error) from None

    def sync_range(self, offset: int, n_bytes: int, flags: int) -> None:
        """By the host, where it has such a call."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        try:
            if hostcalls.has("sync_file_range"):
                hostcalls.sync_file_range(self.fd, offset, n_bytes, flags)
        except OSError as error:
            raise guest_error(error) from None

    def advise(self, offset: int, n_bytes: int, advice: int) -> None:
        """A hint for the host's memory, which it may refuse."""
        if hasattr(os, "posix_fadvise"):
            try:
                os.posix_fadvise(self.fd, offset, n_bytes, advice)
            except (OSError, OverflowError):
                pass

    def chmod(self, mode: int) -> None:
        """As fchmod(2)."""
        try:
            os.fchmod(self.fd, mode)
        except OSError as error:
            raise guest_error(error) from None

    def chown(self, uid: int, gid: int) -> None:
        """As fchown(2)."""
        try:
            if self.flags & O_PATH:  # AT_EMPTY_PATH: fchown(2) itself refuses such a descriptor
                os.chown(self.host.name_of(self.fd), uid, gid)
            else:
                os.fchown(self.fd, uid, gid)
        except OSError as error:
            raise guest_error(error) from None

    def utime(self, times_ns: Times) -> None:
        """As futimens(3)."""
        self.host.set_times(self.host.name_of(self.fd) if self.flags & O_PATH else self.fd, times_ns)

    def getxattr(self, name: bytes) -> bytes:
        """As fgetxattr(2), the whole value."""
        return self.host.xattr(self.fd, name)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As fsetxattr(2)."""
        self.host.set_xattr(self.fd, name, value, flags)

    def removexattr(self, name: bytes) -> None:
        """As fremovexattr(2)."""
        self.host.remove_xattr(self.fd, name)

    def listxattr(self) -> list[bytes]:
        """As flistxattr(2)."""
        return self.host.xattrs(self.fd)

    def control(self, request: int, data: bytes) -> bytes:
        """The host's ioctl: its numbers and structs are the guest's on every Linux with the generic ABI."""
        from pyuk.fs import hostioctl  # noqa: PLC0415  # few programs ask, and it needs fcntl and termios

        return hostioctl.control(self.fd, request, data)

    def set_status(self, flags: int) -> None:
        """F_SETFL on the host's description, which is this guest's alone."""
        import fcntl  # noqa: PLC0415

        changed = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME
        try:
            now = fcntl.fcntl(self.fd, fcntl.F_GETFL)
            kept = now & ~self.host.open_flags(changed)
            fcntl.fcntl(self.fd, fcntl.F_SETFL, kept | self.host.open_flags(flags & changed))
        except OSError as error:
            raise guest_error(error) from None
        self.flags = flags

    def backing(self) -> HostBacking:
        """A regular file's pages. One object serves all mappings until the file changes.

        Errors: ENODEV not a regular file (devices are not mapped through the host), EACCES not open for reading.
        """
        if not modes.S_ISREG(self.mode):
            raise SyscallError(ENODEV)
        if not self.readable:
            raise SyscallError(EACCES)
        now = os.fstat(self.fd)
        key = key_of(now)
        known = self._backing
        if known is not None and known.key == key:
            return known.hold()
        self._backing = HostBacking(self, key)
        return self._backing

    def forget_backing(self, backing: HostBacking) -> None:
        """The last mapping through it is gone."""
        if self._backing is backing:
            self._backing = None

    def host_fd(self) -> int:
        """The host's descriptor."""
        return self.fd

    def link_text(self) -> bytes:
        """The path in the guest's tree; the host's own for what came from outside."""
        return self.host.text_of(self.fd) if self.mount is None else super().link_text()

    def reopen(self, flags: int) -> OpenFile:
        """A description of its own with its own rights, by way of the host's /proc/self/fd."""
        return self.host.reopen(self, flags)


class HostDirectory(HostFile):
    """A host directory: where relative paths start, and a listing.

    The listing is taken at the first read after open or rewind and is sorted, because the host's order is nobody's
    business; the offset of an entry is its place in it.
    """

    __slots__ = ("_listing", "_position")

    def __init__(self, host: HostFs, fd: int, flags: int, mode: int) -> None:
        super().__init__(host, fd, flags, mode)
        self.filesystem = host
        self._listing: list[tuple[int, int, bytes]] | None = None
        self._position = 0

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """See OpenFile; the position moves by lseek(), when the caller knows how many it could use."""
        if self._position == 0 or self._listing is None:
            self._listing = self._scan()
        for index in range(self._position, len(self._listing)):
            ino, kind, name = self._listing[index]
            yield ino, index + 1, kind, name

    def _scan(self) -> list[tuple[int, int, bytes]]:
        try:
            if os.fstat(self.fd).st_nlink == 0:
                raise SyscallError(ENOENT)  # getdents(2) says so; readdir(3), which Python uses, sees an empty end
            above = os.stat("..", dir_fd=self.fd).st_ino
            found = [(os.fstat(self.fd).st_ino, modes.S_IFDIR >> 12, b"."), (above, modes.S_IFDIR >> 12, b"..")]
            with os.scandir(self.fd) as entries:
                inside = [(entry.inode(), _kind(entry), os.fsencode(entry.name)) for entry in entries]
        except OSError as error:
            raise guest_error(error) from None
        if self.covers and self.mount is not None:
            known = {name for _ino, _kind, name in inside}
            points = self.mount.points_in(self.host.path_of(self))
            inside += [(1, kind, name) for name, kind in points if name not in known]
        if not self.host.host_order:
            inside.sort(key=_name)
        return found + inside

    def lseek(self, offset: int, whence: int) -> int:
        """Offsets are entry numbers; the end is where ext4 has it (fs/ext4/dir.c, ext4_dir_llseek)."""
        if whence in (SEEK_DATA, SEEK_HOLE):
            if not 0 <= offset < _DIRECTORY_END:
                raise SyscallError(ENXIO)
            at = offset if whence == SEEK_DATA else _DIRECTORY_END
        else:
            at = offset + {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: _DIRECTORY_END}[whence]
        if not 0 <= at <= _DIRECTORY_END:
            raise SyscallError(EINVAL)
        if at == 0 and (whence == SEEK_SET or offset):
            self._listing = None
        self._position = at
        return at


def _kind(entry: os.DirEntry[str]) -> int:
    """The DT_ value: st_mode's type bits. The cheap questions first: they need no call to the host."""
    if entry.is_symlink():
        return modes.S_IFLNK >> 12
    if entry.is_dir(follow_symlinks=False):
        return modes.S_IFDIR >> 12
    if entry.is_file(follow_symlinks=False):
        return modes.S_IFREG >> 12
    try:
        return modes.S_IFMT(entry.stat(follow_symlinks=False).st_mode) >> 12
    except OSError:
        return 0  # DT_UNKNOWN: it went away meanwhile


def _name(entry: tuple[int, int, bytes]) -> bytes:
    return entry[2]


def _check_rwf(rwf: int) -> None:
    if rwf & ~_RWF_ALL or (rwf and sys.platform != "linux"):
        raise SyscallError(EOPNOTSUPP)


def key_of(status: os.stat_result) -> tuple[int, int, int, int, int]:
    """What tells one state of a file from another (HostBacking.key)."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
