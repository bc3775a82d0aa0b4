"""A file system of the host's and one of pyuk's, asked the same things. A handle is the number of an open file."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyuk.abi import fcntl as f
from pyuk.abi.errno import EACCES, EBADF, EINVAL, EISDIR, ENOTDIR, ESPIPE, SyscallError, name
from pyuk.fs import hostcalls
from pyuk.fs.errors import guest_error
from pyuk.fs.filesystem import LinkMet
from pyuk.syscalls.memfd import check_allocation
from tests.fs.memory import Maker, Someone, contents, reach

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem

UMASK = 0o022
_OF_HANDLE = (
    "close", "copy", "fallocate", "fchmod", "fstat", "entries", "ftruncate", "link_handle", "pread", "pwrite", "read",
    "seek", "write",
)  # fmt: skip
OLD_NS = 1_000_000_000 * 10**9
NOBODY = 65534
UNREADABLE = b"(may not be read)"


def data(n_bytes: int) -> bytes:
    """What is written."""
    return bytes(i * 7 % 251 for i in range(n_bytes))


class Native:
    """The host's side; a handle is a descriptor."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        self.handles: list[int] = []

    def do(self, step: str, *arguments: Any) -> Any:
        if step in ("setxattr", "getxattr", "removexattr", "listxattr"):
            here = Path.cwd()
            os.fchdir(self.fd)
            try:
                return self._xattr(step, *arguments)
            finally:
                os.chdir(here)
        return getattr(self, step)(*arguments)

    def who(self, is_other: bool) -> None:  # noqa: FBT001
        if os.getuid() == 0:
            os.seteuid(0)
            os.setegid(NOBODY if is_other else 0)
            os.seteuid(NOBODY if is_other else 0)

    def open(self, path: bytes, flags: int, mode: int) -> None:
        self.handles.append(os.open(path, flags | os.O_NONBLOCK, mode, dir_fd=self.fd))

    def tmpfile(self, path: bytes, flags: int, mode: int) -> None:
        self.open(path, flags | os.O_TMPFILE, mode)

    def close(self, handle: int) -> None:
        os.close(self.handles.pop(handle))

    def read(self, handle: int, n_bytes: int) -> bytes:
        return os.read(self.handles[handle], n_bytes)

    def pread(self, handle: int, n_bytes: int, offset: int) -> bytes:
        return os.pread(self.handles[handle], n_bytes, offset)

    def write(self, handle: int, n_bytes: int) -> int:
        return os.write(self.handles[handle], data(n_bytes))

    def pwrite(self, handle: int, n_bytes: int, offset: int) -> int:
        return os.pwrite(self.handles[handle], data(n_bytes), offset)

    def seek(self, handle: int, offset: int, whence: int) -> int:
        return os.lseek(self.handles[handle], offset, whence)

    def ftruncate(self, handle: int, size: int) -> None:
        os.ftruncate(self.handles[handle], size)

    def fallocate(self, handle: int, mode: int, offset: int, length: int) -> None:
        hostcalls.fallocate(self.handles[handle], mode, offset, length + 1)

    def fstat(self, handle: int) -> Any:
        return shown(os.fstat(self.handles[handle]))

    def fchmod(self, handle: int, mode: int) -> None:
        os.fchmod(self.handles[handle], mode)

    def link_handle(self, handle: int, new: bytes) -> None:
        hostcalls.linkat(None, b"/proc/self/fd/%d" % self.handles[handle], self.fd, new)

    def entries(self, handle: int) -> list[bytes]:
        if stat.S_ISDIR(os.fstat(self.handles[handle]).st_mode):
            os.lseek(self.handles[handle], 0, os.SEEK_SET)
        with os.scandir(self.handles[handle]) as entries:
            return [os.fsencode(entry.name) for entry in entries]

    def copy(self, handle: int, other: int, n_bytes: int) -> int:
        return os.copy_file_range(self.handles[handle], self.handles[other], n_bytes)

    def truncate(self, path: bytes, size: int) -> None:
        here = Path.cwd()
        os.fchdir(self.fd)
        try:
            os.truncate(path, size)
        finally:
            os.chdir(here)

    def unlink(self, path: bytes) -> None:
        os.unlink(path, dir_fd=self.fd)

    def rmdir(self, path: bytes) -> None:
        os.rmdir(path, dir_fd=self.fd)

    def readlink(self, path: bytes) -> bytes:
        return os.readlink(path, dir_fd=self.fd)

    def stat(self, path: bytes) -> Any:
        return shown(os.stat(path, dir_fd=self.fd))

    def lstat(self, path: bytes) -> Any:
        return shown(os.stat(path, dir_fd=self.fd, follow_symlinks=False))

    def mkdir(self, path: bytes, mode: int) -> None:
        os.mkdir(path, mode & 0o1777, dir_fd=self.fd)

    def mknod(self, path: bytes, kind: int, mode: int) -> None:
        os.mknod(path, kind | mode, os.makedev(4000, 7) if kind == stat.S_IFCHR else 0, dir_fd=self.fd)

    def symlink(self, path: bytes, target: bytes) -> None:
        os.symlink(target, path, dir_fd=self.fd)

    def link(self, path: bytes, new: bytes, follow: bool) -> None:  # noqa: FBT001
        if follow:
            hostcalls.linkat(self.fd, path, self.fd, new)
        else:
            os.link(path, new, src_dir_fd=self.fd, dst_dir_fd=self.fd, follow_symlinks=False)

    def rename(self, path: bytes, new: bytes, flags: int) -> None:
        hostcalls.renameat2(self.fd, path, self.fd, new, flags)

    def chmod(self, path: bytes, mode: int) -> None:
        os.chmod(path, mode, dir_fd=self.fd)

    def chown(self, path: bytes, uid: int, gid: int, follow: bool) -> None:  # noqa: FBT001
        os.chown(path, uid, gid, dir_fd=self.fd, follow_symlinks=follow)

    def utime(self, path: bytes, is_touch: bool, follow: bool) -> None:  # noqa: FBT001
        times = {} if is_touch else {"ns": (OLD_NS, OLD_NS)}
        os.utime(path, dir_fd=self.fd, follow_symlinks=follow, **times)

    def access(self, path: bytes, mode: int, effective: bool) -> None:  # noqa: FBT001
        hostcalls.faccessat(self.fd, path, mode, effective=effective, follow=True)

    def _xattr(self, step: str, path: bytes, *arguments: Any) -> Any:
        if step == "setxattr":
            return os.setxattr(path, arguments[0], b"value", arguments[1])
        result = getattr(os, step)(path, *arguments)
        return sorted(map(os.fsencode, result)) if isinstance(result, list) else result

    def tree(self) -> list[Any]:
        """Everything below the root: names, what lstat says, contents."""
        found = []
        for path in Path(self.root).rglob("*"):  # follows no links
            try:
                status = path.lstat()
            except PermissionError:
                continue
            text = b""
            if stat.S_ISREG(status.st_mode):
                try:
                    text = path.read_bytes()
                except PermissionError:
                    text = UNREADABLE
            found.append((os.fsencode(path.relative_to(self.root)), shown(status), text))
        return sorted(found)

    def end(self) -> None:
        """Close everything."""
        self.who(is_other=False)
        for handle in self.handles:
            os.close(handle)
        self.handles.clear()
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


class Guest:
    """pyuk's side."""

    def __init__(self, system: FileSystem, maker: Maker) -> None:
        self.system = system
        self.maker = maker
        self.handles: list[OpenFile] = []

    def do(self, step: str, *arguments: Any) -> Any:
        """One operation. pyuk itself stays who it is."""
        uid, gid = os.geteuid(), os.getegid()
        if os.getuid() == 0:
            os.seteuid(0)
            os.setegid(0)
        try:
            return getattr(self, step)(*arguments)
        finally:
            if os.getuid() == 0:
                os.setegid(gid)
                os.seteuid(uid)

    def _at(self, path: bytes, operation: str, *arguments: Any, follow: bool = True, **options: Any) -> Any:
        def once(real: bytes) -> Any:
            return getattr(self.system, operation)(None, real, *arguments, **options)

        return reach(self.system, path, once, follow=follow)

    def who(self, is_other: bool) -> None:  # noqa: FBT001
        if os.getuid() == 0:
            self.maker.who = Someone(NOBODY, NOBODY) if is_other else Someone()

    def open(self, path: bytes, flags: int, mode: int) -> None:
        follow = not (flags & f.O_NOFOLLOW or flags & (f.O_CREAT | f.O_EXCL) == f.O_CREAT | f.O_EXCL)
        mode = mode if flags & (f.O_CREAT | f.O_TMPFILE & ~f.O_DIRECTORY) else 0
        if flags & f.O_PATH:
            flags &= f.O_PATH | f.O_DIRECTORY | f.O_NOFOLLOW
        else:
            flags |= f.O_NONBLOCK
        self.handles.append(self._at(path, "open", flags, mode, UMASK, follow=follow))

    tmpfile = Native.tmpfile

    def _file(self, handle: int, *, is_path: bool = False) -> OpenFile:
        file = self.handles[handle]
        if file.flags & f.O_PATH and not is_path:
            raise SyscallError(EBADF)
        return file

    def close(self, handle: int) -> None:
        self.handles.pop(handle).release()

    def _readable(self, handle: int) -> OpenFile:
        file = self._file(handle)
        if not file.readable:
            raise SyscallError(EBADF)
        return file

    def _writable(self, handle: int) -> OpenFile:
        file = self._file(handle)
        if not file.writable:
            raise SyscallError(EBADF)
        return file

    def read(self, handle: int, n_bytes: int) -> bytes:
        buffer = bytearray(n_bytes)
        return bytes(buffer[: self._readable(handle).read(_halves(buffer))])

    def pread(self, handle: int, n_bytes: int, offset: int) -> bytes:
        file = self._file(handle)
        if file.stream:
            raise SyscallError(ESPIPE)
        buffer = bytearray(n_bytes)
        return bytes(buffer[: self._readable(handle).pread(_halves(buffer), offset)])

    def write(self, handle: int, n_bytes: int) -> int:
        return self._writable(handle).write(_halves(bytearray(data(n_bytes))))

    def pwrite(self, handle: int, n_bytes: int, offset: int) -> int:
        file = self._file(handle)
        if file.stream:
            raise SyscallError(ESPIPE)
        return self._writable(handle).pwrite(_halves(bytearray(data(n_bytes))), offset)

    def seek(self, handle: int, offset: int, whence: int) -> int:
        file = self._file(handle)
        if file.stream:
            raise SyscallError(ESPIPE)
        return file.lseek(offset, whence)

    def ftruncate(self, handle: int, size: int) -> None:
        file = self._file(handle)
        if not file.writable:
            raise SyscallError(EINVAL)
        file.truncate(size)

    def fallocate(self, handle: int, mode: int, offset: int, length: int) -> None:
        file = self._file(handle)
        check_allocation(mode)
        file.allocate(mode, offset, length + 1)

    def fstat(self, handle: int) -> Any:
        return shown(self.handles[handle].stat())

    def fchmod(self, handle: int, mode: int) -> None:
        self._file(handle).chmod(mode)

    def link_handle(self, handle: int, new: bytes) -> None:
        file = self._file(handle, is_path=True)
        reach(self.system, new, lambda real: self.system.link_file(file, None, real), follow=False)

    def entries(self, handle: int) -> list[bytes]:
        if not stat.S_ISDIR(self.handles[handle].stat().st_mode):
            raise SyscallError(ENOTDIR)
        file = self._file(handle)
        file.lseek(0, os.SEEK_SET)
        return [entry for *_, entry in file.entries() if entry not in (b".", b"..")]

    def copy(self, handle: int, other: int, n_bytes: int) -> int:
        source, target = self._file(handle), self._file(other)
        kinds = [stat.S_IFMT(file.stat().st_mode) for file in (source, target)]
        if stat.S_IFDIR in kinds:
            raise SyscallError(EISDIR)
        if kinds != [stat.S_IFREG] * 2:
            raise SyscallError(EINVAL)
        if not source.readable or not target.writable or target.flags & f.O_APPEND:
            raise SyscallError(EBADF)
        return source.copy_range(None, target, None, n_bytes)

    def truncate(self, path: bytes, size: int) -> None:
        self._at(path, "truncate", size)

    def unlink(self, path: bytes) -> None:
        self._at(path, "unlink", follow=False)

    def rmdir(self, path: bytes) -> None:
        self._at(path, "rmdir", follow=False)

    def readlink(self, path: bytes) -> bytes:
        return self._at(path, "readlink", follow=False)  # type: ignore[no-any-return]

    def stat(self, path: bytes) -> Any:
        def once(real: bytes) -> Any:
            return self.system.stat(None, real, follow=True)

        return shown(reach(self.system, path, once))

    def lstat(self, path: bytes) -> Any:
        def once(real: bytes) -> Any:
            return self.system.stat(None, real, follow=False)

        return shown(reach(self.system, path, once, follow=False))

    def mkdir(self, path: bytes, mode: int) -> None:
        self._at(path, "mkdir", mode & 0o1777, UMASK, follow=False)

    def mknod(self, path: bytes, kind: int, mode: int) -> None:
        device = (4000, 7) if kind == stat.S_IFCHR else (0, 0)
        self._at(path, "mknod", kind | mode, device, UMASK, follow=False)

    def symlink(self, path: bytes, target: bytes) -> None:
        self._at(path, "symlink", target, follow=False)

    def link(self, path: bytes, new: bytes, follow: bool) -> None:  # noqa: FBT001
        self._two(path, new, follow, lambda old, real: self.system.link(None, old, None, real, follow=follow))

    def rename(self, path: bytes, new: bytes, flags: int) -> None:
        self._two(path, new, False, lambda old, real: self.system.rename(None, old, None, real, flags))  # noqa: FBT003

    def _two(self, path: bytes, new: bytes, follow: bool, operation: Any) -> None:  # noqa: FBT001
        """Both paths are walked before, as a namespace does it."""
        operation(self._walked(path, follow=follow), self._walked(new, follow=False))

    def _walked(self, path: bytes, *, follow: bool) -> bytes:
        def once(real: bytes) -> bytes:
            if self.system.walk(None, real, follow=follow) is not None:
                raise LinkMet
            return real

        return reach(self.system, path, once, follow=follow)  # type: ignore[no-any-return]

    def chmod(self, path: bytes, mode: int) -> None:
        self._at(path, "chmod", mode)

    def chown(self, path: bytes, uid: int, gid: int, follow: bool) -> None:  # noqa: FBT001
        reach(self.system, path, lambda real: self.system.chown(None, real, uid, gid, follow=follow), follow=follow)

    def utime(self, path: bytes, is_touch: bool, follow: bool) -> None:  # noqa: FBT001
        times = None if is_touch else (OLD_NS, OLD_NS)
        reach(self.system, path, lambda real: self.system.utime(None, real, times, follow=follow), follow=follow)

    def access(self, path: bytes, mode: int, effective: bool) -> None:  # noqa: FBT001
        def once(real: bytes) -> None:
            self.system.access(None, real, mode, effective=effective, follow=True)

        reach(self.system, path, once)

    def setxattr(self, path: bytes, attribute: bytes, flags: int) -> None:
        reach(self.system, path, lambda real: self.system.setxattr(None, real, attribute, b"value", flags, follow=True))

    def getxattr(self, path: bytes, attribute: bytes) -> Any:
        return reach(self.system, path, lambda real: self.system.getxattr(None, real, attribute, follow=True))

    def removexattr(self, path: bytes, attribute: bytes) -> None:
        reach(self.system, path, lambda real: self.system.removexattr(None, real, attribute, follow=True))

    def listxattr(self, path: bytes) -> Any:
        return sorted(reach(self.system, path, lambda real: self.system.listxattr(None, real, follow=True)))

    def tree(self) -> list[Any]:
        """Everything below the root: names, what lstat says, contents."""
        return sorted(self._below(b""))

    def _below(self, place: bytes) -> Iterator[Any]:
        try:
            names = self.names(place)
        except SyscallError as error:
            if error.errno != EACCES:
                raise
            return
        for each in names:
            path = place + b"/" + each if place else each
            try:
                status = self.system.stat(None, path, follow=False)
            except SyscallError as error:
                if error.errno != EACCES:
                    raise
                continue
            yield path, shown(status), self._text(path) if stat.S_ISREG(status.st_mode) else b""
            if stat.S_ISDIR(status.st_mode):
                yield from self._below(path)

    def _text(self, path: bytes) -> bytes:
        try:
            file = self.system.open(None, path, 0, 0, 0)
        except SyscallError as error:
            if error.errno != EACCES:
                raise
            return UNREADABLE
        text = contents(file)
        file.release()
        return text

    def names(self, place: bytes) -> list[bytes]:
        """What is in a directory, but for `.` and `..`."""
        directory = self.system.open(None, place, f.O_DIRECTORY, 0, 0)
        found = [entry for *_, entry in directory.entries() if entry not in (b".", b"..")]
        directory.release()
        return found

    def end(self) -> None:
        """Close everything."""
        self.who(is_other=False)
        for handle in self.handles:
            handle.release()
        self.handles.clear()

    def empty(self, place: bytes = b"") -> None:
        """Remove everything below a directory."""
        self.system.chmod(None, place, 0o777)
        for each in self.names(place):
            path = place + b"/" + each if place else each
            if stat.S_ISDIR(self.system.stat(None, path, follow=False).st_mode):
                self.empty(path)
                self.system.rmdir(None, path)
            else:
                self.system.unlink(None, path)


def _halves(buffer: bytearray) -> list[memoryview]:
    """As a buffer of a guest's may be scattered."""
    view = memoryview(buffer)
    middle = len(buffer) // 3
    return [view[:middle], view[middle:]] if middle else [view]


def shown_of_overlay(status: tuple[int, ...]) -> tuple[int, ...]:
    """What must be the same of an overlay's: a merged directory has no size of its own, nor links; not access times."""
    mode, nlink, uid, gid, size, blocks, rdev, _atime, mtime = status
    if stat.S_ISDIR(mode):
        return mode, uid, gid, rdev, mtime
    return mode, nlink, uid, gid, size, blocks, rdev, mtime


def shown(status: Any) -> tuple[int, ...]:
    """What must be the same of a stat."""
    return (
        status.st_mode, status.st_nlink, status.st_uid, status.st_gid, status.st_size, status.st_blocks,
        status.st_rdev, status.st_atime_ns == OLD_NS, status.st_mtime_ns == OLD_NS,
    )  # fmt: skip


def remove(root: str) -> None:
    """A tree of this process's user, whatever its modes."""
    for place, directories, _files in os.walk(root):
        for each in directories:
            path = Path(place, each)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(root)


def play(native: Native, guest: Guest, steps: Sequence[Sequence[Any]], *, is_overlay: bool = False) -> None:
    """Do the steps on both sides; the first result that differs fails, and so does a tree that differs at the end."""
    before = os.umask(UMASK)
    try:
        for step in steps:
            results = []
            for side in (native, guest):
                values = list(step)
                if step[0] in _OF_HANDLE:
                    if not side.handles:
                        continue
                    for place in range(1, 3 if step[0] == "copy" else 2):
                        values[place] %= len(side.handles)
                try:
                    results.append(side.do(*values))
                except OSError as error:
                    results.append(name(guest_error(error).errno))
                except SyscallError as error:
                    results.append(name(error.errno))
            if is_overlay:
                results = [_of_overlay(step[0], result) for result in results]
            assert results[:1] == results[1:], (step, results)
        for side in (native, guest):
            side.who(is_other=False)
        trees = [guest.tree(), native.tree()]
        if is_overlay:
            trees = [[(path, shown_of_overlay(status), text) for path, status, text in tree] for tree in trees]
        assert trees[0] == trees[1]
    finally:
        os.umask(before)


def _of_overlay(step: str, result: Any) -> Any:
    if step in ("stat", "lstat", "fstat") and isinstance(result, tuple):
        return shown_of_overlay(result)
    return sorted(result) if step == "entries" and isinstance(result, list) else result
