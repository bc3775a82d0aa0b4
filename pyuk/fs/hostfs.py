"""The host's file system as a guest sees it: operations on names. Data goes through hostfile.py.

The host process's own working directory and umask take no part: relative paths start at a directory the guest
opened, and the guest's umask stands in for the host's while a name is created.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import sys

from pyuk.abi import fcntl as guest
from pyuk.abi.errno import EINVAL, EMFILE, ETXTBSY, SyscallError
from pyuk.abi.fcntl import O_ACCMODE, O_CREAT, O_EXCL, O_LARGEFILE, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_TRUNC
from pyuk.fs.errors import guest_error
from pyuk.fs.filesystem import FileSystem
from pyuk.fs.hostfile import HostDirectory, HostFile, key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.fs.fifo import FifoWait
    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import Times
    from pyuk.fs.stat import StatFs
    from pyuk.mm.pagecache import PageCache


_TMPFILE = 0o20000000  # __O_TMPFILE: include/uapi/asm-generic/fcntl.h
_PASSED = (
    "O_APPEND", "O_CREAT", "O_DIRECT", "O_DIRECTORY", "O_DSYNC", "O_EXCL", "O_NOATIME", "O_NOFOLLOW", "O_NONBLOCK",
    "O_PATH", "O_RDWR", "O_SYNC", "O_TMPFILE", "O_TRUNC", "O_WRONLY",
)  # fmt: skip
"""Guest open flags with a host meaning. Not O_CLOEXEC and O_NOCTTY (always), not O_ASYNC (SIGIO would come to us)."""
_SPARE_FDS = 8
"""What pyuk may need at any time: modules to import, a directory to read, a file of /proc."""
_NOT_SHOWN = guest.O_CREAT | guest.O_EXCL | guest.O_NOCTTY | guest.O_TRUNC | guest.O_CLOEXEC


def _flag_pairs() -> tuple[int, list[tuple[int, int]]]:
    """The guest's bits that are the host's too, and pairs for those that differ."""
    same = 0
    pairs = []
    for name in _PASSED:
        ours, theirs = getattr(guest, name), getattr(os, name, 0)
        if ours == theirs:
            same |= ours
        elif theirs:
            pairs.append((ours, theirs))
    return same, pairs


_SAME, _PAIRS = _flag_pairs()


class HostFs(FileSystem):
    """The host's whole tree. Nothing else in pyuk opens, names or changes host files."""

    __slots__ = ("_n_fds", "cache", "host_order", "is_running", "proc_dev")

    def __init__(self, *, host_order: bool = False) -> None:
        self.cache: PageCache | None = None
        """What is mapped of the host's files, where anything maps them: reads and writes keep it true."""
        self.host_order = host_order
        """Whether directories are listed in the host's order, or sorted, so that no hash of the host's shows."""
        most = os.sysconf("SC_OPEN_MAX")
        self._n_fds = 1 << 31 if most < 0 else most - _SPARE_FDS
        """The host's descriptors that guests may fill: RLIMIT_NOFILE of pyuk itself, but for a few."""
        self.is_running: Callable[[tuple[int, int]], bool] | None = None
        """Whether a guest runs the program with this st_dev and st_ino: nobody may write it."""
        self.proc_dev = _proc_dev()
        """st_dev of the host's /proc, -1 where it has none."""

    def open_flags(self, flags: int) -> int:
        """The guest's open flags in the host's numbers."""
        host = flags & _SAME
        for ours, theirs in _PAIRS:
            if flags & ours == ours:
                host |= theirs
        return host

    def guest_flags(self, host: int) -> int:
        """The host's F_GETFL in the guest's numbers."""
        if _PAIRS:
            flags = host & (_SAME | 3)
            for ours, theirs in _PAIRS:
                if host & theirs == theirs:
                    flags |= ours
            return flags | O_LARGEFILE
        return host

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem. The umask is only swapped for calls that create: it belongs to the whole host process."""
        host_flags = self.open_flags(flags) | os.O_CLOEXEC | os.O_NOCTTY
        dir_fd = None if at is None else at.host_fd()
        if not flags & O_PATH:
            host_flags |= os.O_NONBLOCK  # what may block here is not to block all guests
        if flags & O_TRUNC and not flags & O_EXCL and self.is_running is not None:
            self._check_not_running(path, dir_fd, follow=not flags & O_NOFOLLOW)
        try:
            if flags & (O_CREAT | _TMPFILE):
                before = os.umask(umask)
                try:
                    fd = os.open(path, host_flags, mode, dir_fd=dir_fd)
                finally:
                    os.umask(before)
            else:
                fd = os.open(path, host_flags, dir_fd=dir_fd)
        except OSError as error:
            if error.errno == errno.ENXIO and not flags & O_NONBLOCK:
                self._open_for_writing_waits(path, dir_fd, flags)
            raise guest_error(error) from None
        if fd >= self._n_fds:
            os.close(fd)
            raise SyscallError(EMFILE, "pyuk needs the last descriptors itself")
        shown = flags if flags & O_PATH else flags & ~_NOT_SHOWN | O_LARGEFILE
        file = self.adopt(fd, shown)
        if flags & O_TRUNC:
            file.was_truncated(0)
        if modes.S_ISFIFO(file.mode) and not flags & (O_ACCMODE | O_NONBLOCK | O_PATH):
            raise self._fifo_wait(fd, flags)  # the other end is waited for; the descriptor is the anchor
        if file.writable and self.is_running is not None and modes.S_ISREG(file.mode) and self.is_running(file.ident):
            file.release()
            raise SyscallError(ETXTBSY)
        return file

    def _check_not_running(self, path: bytes, dir_fd: int | None, *, follow: bool) -> None:
        """ETXTBSY where a guest runs the program: the host, which does not, would cut it."""
        try:
            status = os.stat(path, dir_fd=dir_fd, follow_symlinks=follow)
        except OSError:
            return  # whoever opens it will say so
        if self.is_running is not None and self.is_running((status.st_dev, status.st_ino)):
            raise SyscallError(ETXTBSY)

    def _open_for_writing_waits(self, path: bytes, dir_fd: int | None, flags: int) -> None:
        """ENXIO of a FIFO is that nobody reads; raises FifoWait then."""
        try:
            anchor = os.open(path, os.O_PATH | os.O_CLOEXEC, dir_fd=dir_fd)
        except OSError:
            return
        if modes.S_ISFIFO(os.fstat(anchor).st_mode):
            raise self._fifo_wait(anchor, flags)
        os.close(anchor)

    def _fifo_wait(self, anchor: int, flags: int) -> FifoWait:
        """An opening that waits for the other end. The anchor becomes its own."""
        from pyuk.fs.fifo import FifoOpening, FifoWait  # noqa: PLC0415  # few programs use them

        host_flags = self.open_flags(flags & O_ACCMODE) | os.O_CLOEXEC
        shown = flags & ~_NOT_SHOWN | O_LARGEFILE
        opening = FifoOpening(anchor, self.name_of(anchor), host_flags, lambda fd: self.adopt(fd, shown))
        return FifoWait(opening, retry_ns=1_000_000)

    def adopt(self, fd: int, flags: int) -> HostFile:
        """An open file for a host descriptor, which becomes its own."""
        status = os.fstat(fd)
        file: HostFile
        if modes.S_ISDIR(status.st_mode):
            file = HostDirectory(self, fd, flags, status.st_mode)
            file.ident = (status.st_dev, status.st_ino)
        else:
            file = HostFile(self, fd, flags, status.st_mode, status.st_rdev)
            if modes.S_ISREG(status.st_mode):
                file.ident = (status.st_dev, status.st_ino)
        file.in_host_proc = status.st_dev == self.proc_dev
        return file

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> os.stat_result:
        """See FileSystem."""
        try:
            return os.stat(path, dir_fd=None if at is None else at.host_fd(), follow_symlinks=follow)
        except OSError as error:
            raise guest_error(error) from None

    def statx(self, at: OpenFile | None, path: bytes, flags: int, mask: int) -> bytes | None:
        """The host's own statx(2): birth time, mount id and attributes included. The path may be empty here."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        if sys.platform != "linux" or not hostcalls.has("statx"):
            return None
        try:
            return hostcalls.statx(None if at is None else at.host_fd(), path, flags, mask)
        except OSError as error:
            raise guest_error(error) from None

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """See FileSystem."""
        return self.statfs_of(self._reach(at, path))

    def statfs_of(self, what: int | bytes) -> StatFs:
        """Of a host descriptor or path. Deviation: outside Linux f_type and f_fsid are 0."""
        from pyuk.fs import hostcalls  # noqa: PLC0415
        from pyuk.fs.stat import StatFs  # noqa: PLC0415

        try:
            found = os.statvfs(what)
            kind, fsid = hostcalls.statfs_identity(what) if sys.platform == "linux" else (0, 0)
        except OSError as error:
            raise guest_error(error) from None
        answer = StatFs(kind)
        answer.f_bsize, answer.f_frsize = found.f_bsize, found.f_frsize
        answer.f_blocks, answer.f_bfree, answer.f_bavail = found.f_blocks, found.f_bfree, found.f_bavail
        answer.f_files, answer.f_ffree, answer.f_namelen = found.f_files, found.f_ffree, found.f_namemax
        answer.f_flags = found.f_flag | 0x20  # ST_VALID
        answer.f_fsid = fsid
        return answer

    def readlink(self, at: OpenFile | None, path: bytes) -> bytes:
        """See FileSystem."""
        try:
            return os.readlink(path, dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """See FileSystem."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        dir_fd = None if at is None else at.host_fd()
        try:
            hostcalls.faccessat(dir_fd, path, mode, effective=effective, follow=follow)
        except OSError as error:
            raise guest_error(error) from None

    def truncate(self, at: OpenFile | None, path: bytes, size_bytes: int) -> None:
        """See FileSystem."""
        try:
            where = self._reach(at, path)
            self._check_not_running(where, None, follow=True)
            os.truncate(where, size_bytes)
            status = os.stat(where)
            if self.cache is not None and (status.st_dev, status.st_ino) in self.cache.files:
                self.cache.truncated((status.st_dev, status.st_ino), size_bytes, key_of(status))
        except OSError as error:
            raise guest_error(error) from None

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """See FileSystem."""
        before = os.umask(umask)
        try:
            os.mkdir(path, mode, dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None
        finally:
            os.umask(before)

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """See FileSystem."""
        before = os.umask(umask)
        try:
            os.mknod(path, mode, os.makedev(*device), dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None
        finally:
            os.umask(before)

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        try:
            os.unlink(path, dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        try:
            os.rmdir(path, dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """See FileSystem. Deviation: flags are EINVAL on hosts without renameat2(2)."""
        src_dir_fd, dst_dir_fd = None if at is None else at.host_fd(), None if to is None else to.host_fd()
        try:
            if flags == 0:
                os.rename(path, new, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)
                return
            from pyuk.fs import hostcalls  # noqa: PLC0415

            if not hostcalls.has("renameat2"):
                raise SyscallError(EINVAL)
            hostcalls.renameat2(src_dir_fd, path, dst_dir_fd, new, flags)
        except OSError as error:
            raise guest_error(error) from None

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        source, target = None if at is None else at.host_fd(), None if to is None else to.host_fd()
        try:
            if follow:
                from pyuk.fs import hostcalls  # noqa: PLC0415

                hostcalls.linkat(source, path, target, new)
            else:
                os.link(path, new, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except OSError as error:
            raise guest_error(error) from None

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """See FileSystem."""
        try:
            os.symlink(target, path, dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None

    def chmod(self, at: OpenFile | None, path: bytes, mode: int) -> None:
        """See FileSystem."""
        try:
            os.chmod(path, mode, dir_fd=None if at is None else at.host_fd())
        except OSError as error:
            raise guest_error(error) from None

    def chown(self, at: OpenFile | None, path: bytes, uid: int, gid: int, *, follow: bool) -> None:
        """See FileSystem."""
        try:
            os.chown(path, uid, gid, dir_fd=None if at is None else at.host_fd(), follow_symlinks=follow)
        except OSError as error:
            raise guest_error(error) from None

    def utime(self, at: OpenFile | None, path: bytes, times_ns: Times, *, follow: bool) -> None:
        """See FileSystem."""
        self.set_times(path, times_ns, None if at is None else at.host_fd(), follow=follow)

    def set_times(self, what: int | bytes, times_ns: Times, dir_fd: int | None = None, *, follow: bool = True) -> None:
        """Times of a host descriptor or path; one that stays is read first, as Python cannot leave it out."""
        where: Any = {} if isinstance(what, int) else {"dir_fd": dir_fd, "follow_symlinks": follow}
        try:
            if times_ns is None:
                os.utime(what, None, **where)
                return
            now = os.stat(what, **where)
            access = now.st_atime_ns if times_ns[0] is None else times_ns[0]
            change = now.st_mtime_ns if times_ns[1] is None else times_ns[1]
            os.utime(what, ns=(access, change), **where)
        except OSError as error:
            raise guest_error(error) from None

    def getxattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> bytes:
        """See FileSystem."""
        return self.xattr(self._reach(at, path), name, follow=follow)

    def listxattr(self, at: OpenFile | None, path: bytes, *, follow: bool) -> list[bytes]:
        """See FileSystem."""
        return self.xattrs(self._reach(at, path), follow=follow)

    def xattr(self, what: int | bytes, name: bytes, *, follow: bool = True) -> bytes:
        """An attribute of a host descriptor or path."""
        if not hasattr(os, "getxattr"):
            return super().getxattr(None, b"/", name, follow=follow)
        try:
            return os.getxattr(what, name, follow_symlinks=follow)
        except OSError as error:
            raise guest_error(error) from None

    def xattrs(self, what: int | bytes, *, follow: bool = True) -> list[bytes]:
        """The attributes' names, in the host's order."""
        if not hasattr(os, "listxattr"):
            return []
        try:
            return [os.fsencode(name) for name in os.listxattr(what, follow_symlinks=follow)]
        except OSError as error:
            raise guest_error(error) from None

    def name_of(self, fd: int) -> bytes:
        """A path by which the host finds exactly the file behind one of pyuk's descriptors."""
        return b"/proc/self/fd/%d" % fd if sys.platform == "linux" else b"/dev/fd/%d" % fd

    def text_of(self, fd: int) -> bytes:
        """Where the file is now, by the host's knowledge."""
        if sys.platform == "linux":
            return os.readlink(b"/proc/self/fd/%d" % fd)
        import fcntl  # noqa: PLC0415

        answer: bytes = fcntl.fcntl(fd, fcntl.F_GETPATH, bytes(1024))
        return answer.split(b"\0", 1)[0]

    def _reach(self, at: OpenFile | None, path: bytes) -> bytes:
        """A path for host calls that take no directory descriptor."""
        if at is None or path[:1] == b"/":
            return path
        if sys.platform == "linux":
            return b"/proc/self/fd/%d/%s" % (at.host_fd(), path)
        return self.text_of(at.host_fd()) + b"/" + path


def _proc_dev() -> int:
    try:
        dev = os.stat(b"/proc/self").st_dev
    except OSError:
        return -1
    return -1 if dev == os.stat(b"/").st_dev else dev
