"""A directory of the host as a guest sees it: operations on names. Data goes through hostfile.py.

Nothing here lets the host follow a symbolic link, or `..`, of the guest's: a path is opened by openat2(2), which
refuses them (openat2.py), or component by component where the host has no such call; what has only a form with a name
(mkdir, unlink, rename...) is done to one name in a directory that was opened so; and what changes a file itself is
done by way of a descriptor. Whoever renames things meanwhile can make a call fail or walk again, and never lead it out
of the directory.

The host process's own working directory and umask take no part: the guest's umask stands in for the host's while a
name is created.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import sys

from pyuk.abi import fcntl as guest
from pyuk.abi.errno import EACCES, EINVAL, EMFILE, ENOENT, EOPNOTSUPP, ETXTBSY, SyscallError
from pyuk.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_SYMLINK_NOFOLLOW,
    O_ACCMODE,
    O_CREAT,
    O_LARGEFILE,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_TRUNC,
)  # fmt: skip
from pyuk.fs import openat2
from pyuk.fs.errors import guest_error
from pyuk.fs.filesystem import FileSystem, LinkMet
from pyuk.fs.hostfile import HostDirectory, HostFile, key_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.fs.fifo import FifoWait
    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import Times
    from pyuk.fs.stat import Stat, StatFs
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
_HOST_PATH = getattr(os, "O_PATH", os.O_RDONLY)
_JUST_THERE = _HOST_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = _HOST_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_STATX_MODE_AT = 28  # struct statx: stx_mode
_PROC_SUPER_MAGIC = 0x9FA0


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
    """One directory of the host and all below it, or one file. Nothing else opens, names or changes host files."""

    __slots__ = (
        "_devices", "_last_root", "_n_fds", "_opens_beneath", "cache", "has_devices", "has_proc", "host_order",
        "is_running", "root",
    )  # fmt: skip
    is_optimistic = True

    def __init__(
        self, root: bytes | None = b"/", *, host_order: bool = False, has_devices: bool = False, has_proc: bool = False,
        opens_beneath: bool | None = None,
    ) -> None:  # fmt: skip
        """root: a path of the host's; None for what has no names and only opens descriptors anew.

        has_devices, has_proc: whether device nodes and the host's /proc are opened.
        opens_beneath: whether openat2(2) is used; None where the host has it.
        Raises OSError where the root cannot be opened.
        """
        self.root = -1 if root is None else os.open(root, _HOST_PATH | os.O_CLOEXEC)
        """A descriptor of the root; it stays for the life of this object."""
        self._last_root = b""
        """Its path when it was closed: what is still mapped has one."""
        self.cache: PageCache | None = None
        """What is mapped of the host's files, where anything maps them: reads and writes keep it true."""
        self.host_order = host_order
        """Whether directories are listed in the host's order, or sorted, so that no hash of the host's shows."""
        self.has_devices = has_devices
        self.has_proc = has_proc
        most = os.sysconf("SC_OPEN_MAX")
        self._n_fds = 1 << 31 if most < 0 else most - _SPARE_FDS
        """The host's descriptors that guests may fill: RLIMIT_NOFILE of pyuk itself, but for a few."""
        self.is_running: Callable[[tuple[int, int]], bool] | None = None
        """Whether a guest runs the program with this st_dev and st_ino: nobody may write it."""
        self._devices: dict[int, bool] = {}
        """Whether the file system with this st_dev is a /proc."""
        self._opens_beneath = openat2.is_available() if opens_beneath is None else opens_beneath

    def close(self) -> None:
        """See FileSystem."""
        root, self.root = self.root, -1
        if root >= 0:
            self._last_root = self.text_of(root)
            os.close(root)

    def __del__(self) -> None:
        if hasattr(self, "root"):
            self.close()

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

    # Ways to a file: all raise OSError, or LinkMet

    def start(self, at: OpenFile | None) -> int:
        """The descriptor of the directory where a path begins."""
        return self.root if at is None else at.host_fd()

    def open_at(self, start: int, path: bytes, flags: int, mode: int = 0) -> int:
        """A new host descriptor for a clean path, with the host's flags."""
        if not path:
            return self._open_again(start, flags, mode)
        if not self._opens_beneath:
            return self._open_by_components(start, path, flags, mode)
        try:
            return openat2.open_beneath(start, path, flags, mode)
        except OSError as error:
            if error.errno == errno.ELOOP and not (flags & os.O_NOFOLLOW and self._ends_in_link(start, path)):
                raise LinkMet from None
            raise

    def _open_again(self, fd: int, flags: int, mode: int) -> int:
        if modes.S_ISDIR(os.fstat(fd).st_mode):
            return os.open(b".", flags, mode, dir_fd=fd)
        return os.open(self.name_of(fd), flags & ~os.O_NOFOLLOW, mode)

    def _ends_in_link(self, start: int, path: bytes) -> bool:
        with Parent(self, start, path) as (fd, name):
            return _is_link(fd, name)

    def _open_by_components(self, start: int, path: bytes, flags: int, mode: int) -> int:
        """The last name is opened with O_NOFOLLOW, in a directory that was reached in the same way."""
        with Parent(self, start, path) as (fd, name):
            try:
                opened = os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=fd)
            except OSError as error:
                # A link is ELOOP; with O_DIRECTORY it is ENOTDIR.
                is_link = error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR) and _is_link(fd, name)
                if is_link and not flags & os.O_NOFOLLOW:
                    raise LinkMet from None
                raise
        if flags & _HOST_PATH and not flags & os.O_NOFOLLOW and modes.S_ISLNK(os.fstat(opened).st_mode):
            os.close(opened)
            raise LinkMet
        return opened

    def descend(self, start: int, path: bytes) -> int:
        """A descriptor of a directory below one, reached component by component; never `start` itself."""
        fd = start
        try:
            for name in path.split(b"/"):
                try:
                    below = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                except OSError as error:
                    if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR) and _is_link(fd, name):
                        raise LinkMet from None
                    raise
                if fd != start:
                    os.close(fd)
                fd = below
        except BaseException:
            if fd != start:
                os.close(fd)
            raise
        return fd

    def open_directory(self, start: int, path: bytes) -> int:
        """A descriptor of a directory, good for what is done to names in it."""
        return self.open_at(start, path, _DIRECTORY) if self._opens_beneath else self.descend(start, path)

    def walk(self, at: OpenFile | None, path: bytes, *, follow: bool) -> tuple[int, bytes | OpenFile] | None:
        """See FileSystem."""
        fd = start = self.start(at)
        end = -1
        try:
            while end < len(path):
                begin, end = end + 1, path.find(b"/", end + 1)
                if end < 0:
                    end = len(path)
                    if not follow:
                        break
                name = path[begin:end]
                try:
                    return end, os.readlink(name, dir_fd=fd)
                except OSError as error:
                    if error.errno != errno.EINVAL or end == len(path):
                        break  # not there, or no link: whoever uses the path is told
                if not begin and self._opens_beneath and self._has_no_link(start, path, follow=follow):
                    break
                below = os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                if fd != start:
                    os.close(fd)
                fd = below
        except OSError:
            pass  # the same
        finally:
            if fd != start:
                os.close(fd)
        return None

    def _has_no_link(self, start: int, path: bytes, *, follow: bool) -> bool:
        """Whether the host meets no link, or something else that ends the path before it: one call for all names."""
        try:
            os.close(openat2.open_beneath(start, path, (0 if follow else os.O_NOFOLLOW) | _HOST_PATH | os.O_CLOEXEC))
        except OSError as error:
            return error.errno != errno.ELOOP
        return True

    def path_of(self, file: OpenFile) -> bytes:
        """See FileSystem. By the host's knowledge, whoever renamed it."""
        try:
            root = self._last_root if self.root < 0 else self.text_of(self.root)
            path = self.text_of(file.host_fd())
        except OSError as error:
            raise guest_error(error) from None
        if root == b"/":
            return path[1:]
        if path == root:
            return b""
        if not path.startswith(root + b"/"):
            raise SyscallError(ENOENT, "outside of what is mounted")
        return path[len(root) + 1 :]

    # Opening

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem. The umask is only swapped for calls that create: it belongs to the whole host process."""
        host_flags = self.open_flags(flags) | os.O_CLOEXEC
        start = self.root if at is None else at.host_fd()
        if not flags & O_PATH:
            host_flags |= os.O_NOCTTY | os.O_NONBLOCK  # what may block here is not to block all guests
            if flags & O_TRUNC or not self.has_devices:
                self._check_before(start, path, flags)
        try:
            if flags & (O_CREAT | _TMPFILE):
                before = os.umask(umask)
                try:
                    fd = self.open_at(start, path, host_flags, mode)
                finally:
                    os.umask(before)
            else:
                fd = self.open_at(start, path, host_flags)
        except OSError as error:
            if error.errno == errno.ENXIO and not flags & O_NONBLOCK:
                self._open_for_writing_waits(start, path, flags)
            raise guest_error(error) from None
        return self._opened(fd, flags)

    def reopen(self, file: HostFile, flags: int) -> OpenFile:
        """A new description of an open file, by way of the host's own /proc/self/fd."""
        host_flags = self.open_flags(flags & ~O_NOFOLLOW) | os.O_CLOEXEC
        if not flags & O_PATH:
            host_flags |= os.O_NOCTTY | os.O_NONBLOCK
        try:
            if flags & O_TRUNC:
                self._check_not_running(os.fstat(file.fd))
            fd = os.open(self.name_of(file.fd), host_flags)
        except OSError as error:
            if error.errno == errno.ENXIO and not flags & O_NONBLOCK:
                self._open_for_writing_waits(file.fd, b"", flags)
            raise guest_error(error) from None
        return self._opened(fd, flags)

    def _opened(self, fd: int, flags: int) -> OpenFile:
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

    def _check_before(self, start: int, path: bytes, flags: int) -> None:
        """What the host must not be asked at all: to open a device, or to cut a program that a guest runs.

        That the name may lead elsewhere when it is opened is no matter: then it is noticed afterwards (adopt).
        """
        try:
            status = os.stat(path or b".", dir_fd=start, follow_symlinks=False)
        except OSError:
            return  # whoever opens it will say so
        if flags & O_TRUNC:
            self._check_not_running(status)
        if not self.has_devices and _is_device(status.st_mode):
            raise SyscallError(EACCES, "device nodes of the host are not opened")

    def is_program(self, status: os.stat_result | Stat) -> bool:
        """See FileSystem."""
        return self.is_running is not None and self.is_running((status.st_dev, status.st_ino))

    def _check_not_running(self, status: os.stat_result) -> None:
        """ETXTBSY where a guest runs the program: the host, which does not, would cut it."""
        if self.is_program(status):
            raise SyscallError(ETXTBSY)

    def _open_for_writing_waits(self, start: int, path: bytes, flags: int) -> None:
        """ENXIO of a FIFO is that nobody reads; raises FifoWait then."""
        try:
            anchor = os.dup(start) if not path else self.open_at(start, path, _HOST_PATH | os.O_CLOEXEC)
        except OSError:
            return
        if modes.S_ISFIFO(os.fstat(anchor).st_mode):
            raise self._fifo_wait(anchor, flags)
        os.close(anchor)

    def _fifo_wait(self, anchor: int, flags: int) -> FifoWait:
        """An opening that waits for the other end. The anchor becomes its own."""
        from pyuk.fs.fifo import FifoOpening  # noqa: PLC0415  # few programs use them

        host_flags = self.open_flags(flags & O_ACCMODE) | os.O_CLOEXEC
        shown = flags & ~_NOT_SHOWN | O_LARGEFILE
        opening = FifoOpening(anchor, self.name_of(anchor), host_flags, lambda fd: self.adopt(fd, shown))
        return opening.waiting(retry_ns=1_000_000)

    def adopt(self, fd: int, flags: int) -> HostFile:
        """An open file for a host descriptor, which becomes its own.

        Errors: EACCES a device node, or a file of the host's /proc, which tells of the process that runs pyuk.
        """
        status = os.fstat(fd)
        mode, dev = status.st_mode, status.st_dev
        file: HostFile
        if modes.S_ISREG(mode):
            file = HostFile(self, fd, flags, mode, status.st_rdev)
            file.ident = (dev, status.st_ino)
        elif modes.S_ISDIR(mode):
            file = HostDirectory(self, fd, flags, mode)
            file.ident = (dev, status.st_ino)
        else:
            if _is_device(mode) and not self.has_devices and not flags & O_PATH:
                os.close(fd)
                raise SyscallError(EACCES, "device nodes of the host are not opened")
            file = HostFile(self, fd, flags, mode, status.st_rdev)
        if not self.has_proc and self._devices.get(dev, True) and self._is_proc(fd, dev):
            file.release()
            raise SyscallError(EACCES, "the host's /proc is not the guest's")
        file.mount = getattr(self, "mount", None)
        return file

    def _is_proc(self, fd: int, dev: int) -> bool:
        if dev not in self._devices:
            if sys.platform != "linux":
                self._devices[dev] = False
            else:
                from pyuk.fs import hostcalls  # noqa: PLC0415

                self._devices[dev] = hostcalls.statfs_identity(fd)[0] == _PROC_SUPER_MAGIC
        return self._devices[dev]

    # Questions

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> os.stat_result:
        """See FileSystem."""
        start = self.root if at is None else at.host_fd()
        try:
            if not path:
                return os.fstat(start)
            if b"/" not in path:
                status = os.stat(path, dir_fd=start, follow_symlinks=False)
            else:
                fd = self.open_at(start, path, _JUST_THERE)
                try:
                    status = os.fstat(fd)
                finally:
                    os.close(fd)
        except OSError as error:
            raise guest_error(error) from None
        if follow and modes.S_ISLNK(status.st_mode):
            raise LinkMet
        return status

    def statx(self, at: OpenFile | None, path: bytes, flags: int, mask: int) -> bytes | None:
        """The host's own statx(2): birth time and attributes included."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        if sys.platform != "linux" or not hostcalls.has("statx"):
            return None
        with Parent(self, self.start(at), path) as (fd, name):
            nowhere = 0 if name else AT_EMPTY_PATH
            found = hostcalls.statx(fd, name, flags | AT_SYMLINK_NOFOLLOW | nowhere, mask)
        if (
            name
            and not flags & AT_SYMLINK_NOFOLLOW
            and modes.S_ISLNK(int.from_bytes(found[_STATX_MODE_AT:][:2], "little"))
        ):
            raise LinkMet
        return found

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """See FileSystem."""
        with Reached(self, at, path) as fd:
            return self.statfs_of(fd)

    def statfs_of(self, what: int) -> StatFs:
        """Of a host descriptor. Deviation: outside Linux f_type and f_fsid are 0."""
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
        if not path:
            raise SyscallError(EINVAL)
        with Parent(self, self.start(at), path) as (fd, name):
            return os.readlink(name, dir_fd=fd)

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """See FileSystem."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        if not path:
            self.access_of(self.start(at), mode, effective=effective)
            return
        with Parent(self, self.start(at), path) as (fd, name):
            if follow and _is_link(fd, name):
                raise LinkMet
            hostcalls.faccessat(fd, name, mode, effective=effective, follow=False)

    def access_of(self, fd: int, mode: int, *, effective: bool) -> None:
        """Of a host descriptor's file."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        try:
            hostcalls.faccessat(None, self.name_of(fd), mode, effective=effective, follow=True)
        except OSError as error:
            raise guest_error(error) from None

    # Changes

    def truncate(self, at: OpenFile | None, path: bytes, size_bytes: int) -> None:
        """See FileSystem."""
        with Reached(self, at, path) as fd:
            self._check_not_running(os.fstat(fd))
            os.truncate(self.name_of(fd), size_bytes)
            status = os.fstat(fd)
            if self.cache is not None and (status.st_dev, status.st_ino) in self.cache.files:
                self.cache.truncated((status.st_dev, status.st_ino), size_bytes, key_of(status))

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, name):
            before = os.umask(umask)
            try:
                os.mkdir(name, mode, dir_fd=fd)
            finally:
                os.umask(before)

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, name):
            before = os.umask(umask)
            try:
                os.mknod(name, mode, os.makedev(*device), dir_fd=fd)
            finally:
                os.umask(before)

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, name):
            os.unlink(name, dir_fd=fd)

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, name):
            os.rmdir(name, dir_fd=fd)

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """See FileSystem. Deviation: flags are EINVAL on hosts without renameat2(2)."""
        with Parent(self, self.start(at), path) as (fd, name), Parent(self, self.start(to), new) as (to_fd, new_name):
            if flags == 0:
                os.rename(name, new_name, src_dir_fd=fd, dst_dir_fd=to_fd)
                return
            from pyuk.fs import hostcalls  # noqa: PLC0415

            if not hostcalls.has("renameat2"):
                raise SyscallError(EINVAL)
            hostcalls.renameat2(fd, name, to_fd, new_name, flags)

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, name):
            status = os.stat(name, dir_fd=fd, follow_symlinks=False) if name else os.fstat(fd)
            if follow and modes.S_ISLNK(status.st_mode):
                raise LinkMet
            with Parent(self, self.start(to), new) as (to_fd, new_name):
                os.link(name or b".", new_name, src_dir_fd=fd, dst_dir_fd=to_fd, follow_symlinks=False)

    def link_file(self, file: OpenFile, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        from pyuk.fs import hostcalls  # noqa: PLC0415

        with Parent(self, self.start(at), path) as (fd, name):
            hostcalls.linkat(None, self.name_of(file.host_fd()), fd, name)

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, name):
            os.symlink(target, name, dir_fd=fd)

    def chmod(self, at: OpenFile | None, path: bytes, mode: int) -> None:
        """See FileSystem."""
        with Reached(self, at, path) as fd:
            os.chmod(self.name_of(fd), mode)

    def chown(self, at: OpenFile | None, path: bytes, uid: int, gid: int, *, follow: bool) -> None:
        """See FileSystem."""
        if follow or not path:
            with Reached(self, at, path) as fd:
                os.chown(self.name_of(fd), uid, gid)
            return
        with Parent(self, self.start(at), path) as (fd, name):
            os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)

    def utime(self, at: OpenFile | None, path: bytes, times_ns: Times, *, follow: bool) -> None:
        """See FileSystem."""
        if follow or not path:
            with Reached(self, at, path) as fd:
                self.set_times(self.name_of(fd), times_ns)
            return
        with Parent(self, self.start(at), path) as (fd, name):
            self.set_times(name, times_ns, fd, follow=False)

    def set_times(self, what: int | bytes, times_ns: Times, dir_fd: int | None = None, *, follow: bool = True) -> None:
        """Times of a host descriptor or path."""
        where: Any = {} if isinstance(what, int) else {"dir_fd": dir_fd, "follow_symlinks": follow}
        try:
            if times_ns is None:
                os.utime(what, None, **where)
            elif times_ns[0] is not None and times_ns[1] is not None:
                os.utime(what, ns=(times_ns[0], times_ns[1]), **where)
            else:
                from pyuk.fs import hostcalls  # noqa: PLC0415  # Python can leave none out

                hostcalls.utimensat(what, times_ns, dir_fd, follow=follow)
        except OSError as error:
            raise guest_error(error) from None

    def getxattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> bytes:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, last):
            return self.xattr(self._below(fd, last, follow=follow), name, follow=not last)

    def listxattr(self, at: OpenFile | None, path: bytes, *, follow: bool) -> list[bytes]:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, last):
            return self.xattrs(self._below(fd, last, follow=follow), follow=not last)

    def setxattr(
        self, at: OpenFile | None, path: bytes, name: bytes, value: bytes, flags: int, *, follow: bool
    ) -> None:  # fmt: skip
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, last):
            self.set_xattr(self._below(fd, last, follow=follow), name, value, flags, follow=not last)

    def removexattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        with Parent(self, self.start(at), path) as (fd, last):
            self.remove_xattr(self._below(fd, last, follow=follow), name, follow=not last)

    def _below(self, fd: int, name: bytes, *, follow: bool) -> bytes:
        """A path of the host's for calls that take no directory descriptor: of one name, which is not followed."""
        if not name:
            return self.name_of(fd)
        if follow and _is_link(fd, name):
            raise LinkMet
        return self.name_of(fd) + b"/" + name

    def xattr(self, what: int | bytes, name: bytes, *, follow: bool = True) -> bytes:
        """An attribute of a host descriptor or path."""
        if not hasattr(os, "getxattr"):
            return super().getxattr(None, b"/", name, follow=follow)
        try:
            return os.getxattr(what, name, follow_symlinks=follow)
        except OSError as error:
            raise guest_error(error) from None

    def set_xattr(self, what: int | bytes, name: bytes, value: bytes, flags: int, *, follow: bool = True) -> None:
        """Give one to a host descriptor or path."""
        if not hasattr(os, "setxattr"):
            raise SyscallError(EOPNOTSUPP)
        try:
            os.setxattr(what, name, value, flags, follow_symlinks=follow)
        except OSError as error:
            raise guest_error(error) from None

    def remove_xattr(self, what: int | bytes, name: bytes, *, follow: bool = True) -> None:
        """Take one away."""
        if not hasattr(os, "removexattr"):
            raise SyscallError(EOPNOTSUPP)
        try:
            os.removexattr(what, name, follow_symlinks=follow)
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


class Parent:
    """For a with statement: the directory that holds a path's last name, opened for the time being, and the name.

    What the host refuses meanwhile is raised as the guest's error.
    """

    __slots__ = ("_fd", "_fs", "_path", "_start")

    def __init__(self, fs: HostFs, start: int, path: bytes) -> None:
        self._fs = fs
        self._start = start
        self._path = path
        self._fd = start

    def __enter__(self) -> tuple[int, bytes]:
        above, slash, name = self._path.rpartition(b"/")
        if slash:
            try:
                self._fd = self._fs.open_directory(self._start, above)
            except OSError as error:
                raise guest_error(error) from None
        return self._fd, name

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if self._fd != self._start:
            os.close(self._fd)
        if isinstance(error, OSError):
            raise guest_error(error) from None


class Reached:
    """For a with statement: a descriptor of the very file that a path leads to. Raises LinkMet where that is a link.

    What the host refuses meanwhile is raised as the guest's error.
    """

    __slots__ = ("_fd", "_fs", "_path", "_start")

    def __init__(self, fs: HostFs, at: OpenFile | None, path: bytes) -> None:
        self._fs = fs
        self._fd = self._start = fs.start(at)
        self._path = path

    def __enter__(self) -> int:
        if self._path:
            try:
                self._fd = self._fs.open_at(self._start, self._path, _JUST_THERE)
                is_link = modes.S_ISLNK(os.fstat(self._fd).st_mode)
            except OSError as error:
                raise guest_error(error) from None
            if is_link:
                os.close(self._fd)
                raise LinkMet
        return self._fd

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        if self._fd != self._start:
            os.close(self._fd)
        if isinstance(error, OSError):
            raise guest_error(error) from None


def _is_link(fd: int, name: bytes) -> bool:
    """Whether a name in a directory is a symbolic link; not for one that is not there."""
    try:
        return modes.S_ISLNK(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _is_device(mode: int) -> bool:
    return modes.S_ISCHR(mode) or modes.S_ISBLK(mode)
