"""/proc as the guest's own kernel shows it: its processes, and never the Python process that runs them.

What the files say is handed in by the system; this file knows only names, links and types. The rest of /proc
(cpuinfo, meminfo) is the host's for now.
"""

from __future__ import annotations

import os
import stat as modes

from pyuk.abi.errno import EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, SyscallError
from pyuk.abi.fcntl import (
    O_ACCMODE,
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_LARGEFILE,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_WRONLY,
)  # fmt: skip
from pyuk.abi.unistd import SEEK_CUR, SEEK_END, SEEK_SET, W_OK, X_OK
from pyuk.fs.errors import guest_error
from pyuk.fs.file import OpenFile
from pyuk.fs.filesystem import FileSystem
from pyuk.fs.hostfs import HostFs
from pyuk.fs.stat import Stat, StatFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Protocol

    from pyuk.fs.file import FdTable

    class Window(Protocol):
        """What is behind a file whose offsets are addresses."""

        def read(self, slices: list[memoryview], offset: int, /) -> int: ...
        def write(self, slices: list[memoryview], offset: int, /) -> int: ...

    class Processes(Protocol):
        """What /proc knows of the guest's processes; each function takes a pid that `pids` has given."""

        texts: Mapping[bytes, Callable[[int], bytes]]
        """Contents of /proc/PID/NAME: maps, auxv, cmdline, comm, status, stat, environ..."""
        links: Mapping[bytes, Callable[[int], bytes]]
        """Targets of /proc/PID/NAME: exe, cwd, root."""

        windows: Mapping[bytes, Callable[[int], Window]]
        """Files of /proc/PID that are read, and perhaps written, at any offset: mem, pagemap."""

        def pids(self) -> list[int]: ...
        def current(self) -> int: ...
        def fd_table(self, pid: int, /) -> FdTable: ...


_PROC_MAGIC = 0x9FA0
_HOST_TEXTS = (b"cgroup", b"mountinfo", b"mounts", b"mountstats")
"""Files of a process that are the host's as long as the tree is."""
_ROOT_LINKS = (b"self", b"thread-self")
_PRIVATE = (b"auxv", b"environ", b"pagemap")  # mode 0400; fs/proc/base.c: tgid_base_stuff
_HOST, _ROOT, _PROCESS, _FD_DIR, _TASK_DIR, _TEXT, _LINK, _FD = range(8)
_DIRECTORIES = (_ROOT, _PROCESS, _FD_DIR, _TASK_DIR)
_MODES = {
    _ROOT: modes.S_IFDIR | 0o555, _PROCESS: modes.S_IFDIR | 0o555, _TASK_DIR: modes.S_IFDIR | 0o555,
    _FD_DIR: modes.S_IFDIR | 0o500, _TEXT: modes.S_IFREG | 0o444, _LINK: modes.S_IFLNK | 0o777,
    _FD: modes.S_IFLNK | 0o500,
}  # fmt: skip


class Node:
    """A name below /proc: what it is, whose, and which."""

    __slots__ = ("kind", "name", "pid")

    def __init__(self, kind: int, pid: int = 0, name: bytes = b"") -> None:
        self.kind = kind
        self.pid = pid
        self.name = name


class ProcFs(FileSystem):
    """What is no process's is the host's."""

    __slots__ = ("_dev", "_host", "_processes", "_uid_gid")

    def __init__(self, processes: Processes) -> None:
        self._host = HostFs(b"/proc", has_proc=True, has_devices=True)
        self._processes = processes
        self._dev = 0
        self._uid_gid = (os.getuid(), os.getgid())

    def close(self) -> None:
        """See FileSystem."""
        self._host.close()

    def walk(self, at: OpenFile | None, path: bytes, *, follow: bool) -> tuple[int, bytes | OpenFile] | None:
        """See FileSystem."""
        base = self._full(at, b"")
        end = -1
        while end < len(path):
            end = path.find(b"/", end + 1)
            if end < 0:
                if not follow:
                    return None
                end = len(path)
            full = base + b"/" + path[:end] if base else path[:end]
            try:
                node = self._node(full)
                if node.kind == _FD:
                    return end, self._fd_file(node).hold()
                if node.kind == _LINK:
                    return end, self._link(node)
                if node.kind == _HOST:
                    return end, self._host.readlink(None, full)
            except SyscallError:
                continue
        return None

    def path_of(self, file: OpenFile) -> bytes:
        """See FileSystem."""
        return file.proc_path if isinstance(file, ProcFile) else self._host.path_of(file)

    def _full(self, at: OpenFile | None, path: bytes) -> bytes:
        base = b"" if at is None else self.path_of(at)
        return base + b"/" + path if base and path else base or path

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem."""
        path = self._full(at, path)
        node = self._node(path)
        if node.kind == _HOST:
            file = self._host.open(None, path, flags, mode, umask)
            if file.filesystem is not None:
                file.filesystem = self
            return file
        if flags & O_CREAT and flags & O_EXCL:
            raise SyscallError(EEXIST)
        is_directory = node.kind in _DIRECTORIES
        if flags & O_DIRECTORY and not is_directory and node.kind != _FD:
            raise SyscallError(ENOTDIR)
        shown = flags & (O_ACCMODE | O_PATH | O_DIRECTORY | O_NOFOLLOW) | (0 if flags & O_PATH else O_LARGEFILE)
        if node.kind == _FD and not flags & O_NOFOLLOW:
            return self._fd_file(node).reopen(flags)
        if node.kind in (_FD, _LINK) and not flags & O_PATH:
            raise SyscallError(ELOOP)
        if is_directory:
            if flags & O_ACCMODE != O_RDONLY or flags & O_CREAT:
                raise SyscallError(EISDIR)
            return ProcDirectory(self, path, node, shown)
        if flags & O_ACCMODE != O_RDONLY and not flags & O_PATH and node.name != b"mem":
            raise SyscallError(EACCES)
        window = self._processes.windows.get(node.name)
        if window is not None and not flags & O_PATH:
            return ProcWindow(self, path, node, shown, window(node.pid))
        return ProcFile(self, path, node, shown)

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> os.stat_result | Stat:
        """See FileSystem."""
        path = self._full(at, path)
        node = self._node(path)
        if node.kind == _HOST:
            return self._host.stat(None, path, follow=follow)
        if node.kind == _FD and follow:
            return self._fd_file(node).stat()
        return self.stat_node(node)

    def statx(self, at: OpenFile | None, path: bytes, flags: int, mask: int) -> bytes | None:
        """See FileSystem."""
        path = self._full(at, path)
        if self._node(path).kind == _HOST:
            return self._host.statx(None, path, flags, mask)
        return None

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """See FileSystem."""
        node = self._node(self._full(at, path))
        return self._fd_file(node).statfs() if node.kind == _FD else StatFs(_PROC_MAGIC)

    def readlink(self, at: OpenFile | None, path: bytes) -> bytes:
        """See FileSystem."""
        path = self._full(at, path)
        node = self._node(path)
        if node.kind == _HOST:
            return self._host.readlink(None, path)
        if node.kind == _FD:
            return self._fd_file(node).link_text()
        if node.kind == _LINK:
            return self._link(node)
        raise SyscallError(EINVAL)

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """See FileSystem. Deviation: fd/N is granted without a look at the file's own rights."""
        path = self._full(at, path)
        node = self._node(path)
        if node.kind == _HOST:
            self._host.access(None, path, mode, effective=effective, follow=follow)
        elif (node.kind == _TEXT and mode & (W_OK | X_OK)) or (node.kind in _DIRECTORIES and mode & W_OK):
            raise SyscallError(EACCES)

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """No name can be made here."""
        try:
            self._node(self._full(at, path))
        except SyscallError:
            raise SyscallError(ENOENT) from None
        raise SyscallError(EEXIST)

    def stat_node(self, node: Node) -> Stat:
        """What lstat shows of one of our own."""
        if not self._dev:
            self._dev = os.fstat(self._host.root).st_dev
        kind = node.kind
        ino = node.pid << 20 | kind << 16
        if kind == _FD:
            ino |= int(node.name)
        elif not node.pid:
            ino = _ROOT_LINKS.index(node.name) + 2 if node.name else 1
        elif node.name:
            ino |= 1 + self._names().index(node.name)
        mode = _MODES[kind]
        if kind == _FD:
            file = self._fd_file(node)
            access = file.status_flags() & O_ACCMODE
            mode = modes.S_IFLNK | 0o100 | (0 if access == O_WRONLY else 0o400) | (0 if access == O_RDONLY else 0o200)
        elif node.name in _PRIVATE:
            mode = modes.S_IFREG | 0o400
        elif node.name == b"mem":
            mode = modes.S_IFREG | 0o600
        answer = Stat(self._dev, ino, mode, nlink=2 if modes.S_ISDIR(mode) else 1)
        answer.st_blksize = 1024
        if kind == _FD:
            answer.st_size = 64
        if kind != _ROOT:
            answer.st_uid, answer.st_gid = self._uid_gid
        return answer

    def text(self, node: Node) -> bytes:
        """A file's whole contents now."""
        if node.name in self._processes.texts:
            return self._processes.texts[node.name](node.pid)
        try:
            with open(b"/proc/self/" + node.name, "rb") as file:
                return file.read()
        except OSError as error:
            raise guest_error(error) from None

    def listing(self, node: Node) -> list[tuple[Node, bytes]]:
        """What a directory of ours holds."""
        pid = node.pid
        if node.kind == _FD_DIR:
            return [(Node(_FD, pid, b"%d" % fd), b"%d" % fd) for fd in self._processes.fd_table(pid).numbers()]
        if node.kind == _TASK_DIR:
            return [(Node(_PROCESS, pid), b"%d" % pid)]
        if node.kind == _PROCESS:
            return [(self._entry(pid, name), name) for name in sorted(self._names())]
        return [(Node(_PROCESS, pid), b"%d" % pid) for pid in self._processes.pids()]

    def host_names(self) -> list[tuple[int, int, bytes]]:
        """The host's entries of /proc that are no process's and no way to one: inode, DT_ type, name."""
        try:
            with os.scandir(b"/proc") as found:
                return [
                    (entry.inode(), (modes.S_IFDIR if entry.is_dir(follow_symlinks=False) else modes.S_IFREG) >> 12,
                     entry.name)
                    for entry in found
                    if not entry.name.isdigit() and not entry.is_symlink()
                ]  # fmt: skip
        except OSError:
            return []

    def _names(self) -> list[bytes]:
        processes = self._processes
        return [*processes.texts, *processes.links, *_HOST_TEXTS, b"fd", b"task", *processes.windows]

    def _entry(self, pid: int, name: bytes) -> Node:
        processes = self._processes
        if name == b"fd":
            return Node(_FD_DIR, pid)
        if name in processes.texts or name in _HOST_TEXTS or name in processes.windows:
            return Node(_TEXT, pid, name)
        if name in processes.links:
            return Node(_LINK, pid, name)
        if name == b"task":
            return Node(_TASK_DIR, pid)
        raise SyscallError(ENOENT)

    def _node(self, path: bytes) -> Node:
        """Errors: ENOENT for other processes, pyuk's own among them; ENOTDIR below a file."""
        parts = path.split(b"/") if path else []
        if not parts:
            return Node(_ROOT)
        if parts[0] in _ROOT_LINKS:
            if len(parts) == 1:
                return Node(_LINK, 0, parts[0])
            pid = self._processes.current()
        elif parts[0].isdigit():
            pid = int(parts[0])
        else:
            return Node(_HOST)
        if pid not in self._processes.pids():
            raise SyscallError(ENOENT)
        rest = parts[1:]
        if rest[:1] == [b"task"] and len(rest) > 1:
            if rest[1] != b"%d" % pid:
                raise SyscallError(ENOENT)
            rest = rest[2:]
        return self._below(pid, rest)

    def _below(self, pid: int, rest: list[bytes]) -> Node:
        if not rest:
            return Node(_PROCESS, pid)
        node = self._entry(pid, rest[0])
        if len(rest) == 1:
            return node
        if node.kind == _FD_DIR and len(rest) == 2:  # noqa: PLR2004
            node = Node(_FD, pid, rest[1])
            self._fd_file(node)
            return node
        raise SyscallError(ENOENT if node.kind == _FD_DIR else ENOTDIR)

    def _link(self, node: Node) -> bytes:
        if not node.pid:
            pid = self._processes.current()
            return b"%d" % pid if node.name == b"self" else b"%d/task/%d" % (pid, pid)
        return self._processes.links[node.name](node.pid)

    def _fd_file(self, node: Node) -> OpenFile:
        name = node.name
        try:
            if not name.isdigit() or (name != b"0" and name[:1] == b"0"):
                raise SyscallError(ENOENT)
            return self._processes.fd_table(node.pid).get_any(int(name))
        except SyscallError:
            raise SyscallError(ENOENT) from None


class ProcFile(OpenFile):
    """A text that is made when its beginning is read."""

    __slots__ = ("_node", "_position", "_system", "_text", "proc_path")

    def __init__(self, system: ProcFs, path: bytes, node: Node, flags: int) -> None:
        super().__init__(flags)
        self._system = system
        self.proc_path = path
        self._node = node
        self._position = 0
        self._text = b""

    def read(self, slices: list[memoryview]) -> int:
        """At the position."""
        n = self.pread(slices, self._position)
        self._position += n
        return n

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        if offset < 0:
            return self.read(slices)
        if offset == 0:
            self._text = self._system.text(self._node)
        done = 0
        for piece in slices:
            part = self._text[offset + done : offset + done + len(piece)]
            piece[: len(part)] = part
            done += len(part)
        return done

    def read_nothing(self, offset: int | None) -> bool:
        """At the end."""
        at = self._position if offset is None else offset
        return at > 0 and at >= len(self._text)

    def lseek(self, offset: int, whence: int) -> int:
        """As seq_lseek: nothing to measure the end from."""
        if whence == SEEK_CUR:
            offset += self._position
        if whence not in (SEEK_SET, SEEK_CUR) or offset < 0:
            raise SyscallError(EINVAL)
        self._position = offset
        return offset

    def stat(self) -> Stat:
        """Size 0, as all of /proc."""
        return self._system.stat_node(self._node)

    def statfs(self) -> StatFs:
        """As procfs."""
        return StatFs(_PROC_MAGIC)

    def reopen(self, flags: int) -> OpenFile:
        """A new one at the beginning."""
        return self._system.open(None, self.proc_path, flags, 0, 0)


class ProcWindow(ProcFile):
    """A file whose offsets are addresses: mem, pagemap. It stays with the memory that was there at open."""

    __slots__ = ("_window",)

    def __init__(self, system: ProcFs, path: bytes, node: Node, flags: int, window: Window) -> None:
        super().__init__(system, path, node, flags)
        self._window = window

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        return self.read(slices) if offset < 0 else self._window.read(slices, offset)

    def write(self, slices: list[memoryview]) -> int:
        """At the position."""
        n = self._window.write(slices, self._position)
        self._position += n
        return n

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Anywhere."""
        return self.write(slices) if offset < 0 else self._window.write(slices, offset)

    def read_nothing(self, offset: int | None) -> bool:
        """Not known before."""
        return False


class ProcDirectory(ProcFile):
    """A directory of ours: a listing, and the start of walks."""

    __slots__ = ("_listing",)

    def __init__(self, system: ProcFs, path: bytes, node: Node, flags: int) -> None:
        super().__init__(system, path, node, flags)
        self.filesystem = system
        self._listing: list[tuple[int, int, bytes]] = []

    def read(self, slices: list[memoryview]) -> int:
        """A directory is not read."""
        raise SyscallError(EISDIR)

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """A directory is not read."""
        raise SyscallError(EISDIR)

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """See OpenFile."""
        if self._position == 0:
            self._listing = self._scan()
        for index in range(self._position, len(self._listing)):
            ino, kind, name = self._listing[index]
            yield ino, index + 1, kind, name

    def _scan(self) -> list[tuple[int, int, bytes]]:
        system, node = self._system, self._node
        inside = [(found, system.stat_node(entry)) for entry, found in system.listing(node)]
        found = [(status.st_ino, modes.S_IFMT(status.st_mode) >> 12, name) for name, status in inside]
        if node.kind == _ROOT:
            found += system.host_names()
            found += [(2 + at, modes.S_IFLNK >> 12, name) for at, name in enumerate(_ROOT_LINKS)]
            found.sort(key=_name)
        here = modes.S_IFDIR >> 12
        return [(system.stat_node(node).st_ino, here, b"."), (1, here, b".."), *found]

    def lseek(self, offset: int, whence: int) -> int:
        """Offsets are entry numbers."""
        return super().lseek(offset, SEEK_SET if whence == SEEK_END else whence)


def _name(entry: tuple[int, int, bytes]) -> bytes:
    return entry[2]
