"""tmpfs: a file system in guest RAM (tmpfs(5); Linux fs/namei.c, fs/open.c, mm/shmem.c).

A device node opens what its number stands for in a table that is handed in: /dev is a tmpfs too (devfs.py).
"""

from __future__ import annotations

from pyuk.abi.capability import CAP_MKNOD
from pyuk.abi.errno import (
    EACCES,
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    ENAMETOOLONG,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    ENXIO,
    EPERM,
    ETXTBSY,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import (
    O_CREAT,
    O_DIRECTORY,
    O_EXCL,
    O_LARGEFILE,
    O_NOCTTY,
    O_PATH,
    O_TMPFILE,
    O_TRUNC,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    RENAME_WHITEOUT,
)  # fmt: skip
from pyuk.abi.mountapi import MS_NODEV
from pyuk.abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG
from pyuk.abi.unistd import NAME_MAX, W_OK, X_OK
from pyuk.fs.filesystem import FileSystem, LinkMet
from pyuk.fs.permission import (
    RealIds,
    check,
    check_creation,
    check_kind,
    check_link_source,
    check_open,
    check_removal,
    check_rename,
    may,
    new_owner,
)  # fmt: skip
from pyuk.fs.tmpfile import MAX_BYTES, PathFile, TmpDirectory, TmpFile, shown_path
from pyuk.fs.tmpnode import Directory, Entry, Inode, Regular, Symlink, Volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from pyuk.fs.devices import DeviceTable
    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import Times
    from pyuk.fs.permission import Who
    from pyuk.fs.stat import Stat, StatFs


_NOT_SHOWN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC
_TMPFILE = O_TMPFILE & ~O_DIRECTORY
_MAX_TARGET = 4095  # PAGE_SIZE with the NUL


class TmpFs(FileSystem):
    """One mounted tmpfs."""

    __slots__ = ("_devices", "_is_running", "root", "volume")
    is_optimistic = True

    def __init__(
        self, volume: Volume, *, mode: int = 0o1777, devices: DeviceTable | None = None,
        is_running: Callable[[tuple[int, int]], bool] = lambda _ident: False,
    ) -> None:  # fmt: skip
        """An empty one, owned by root; the volume is its own.

        devices: what device nodes open. is_running: whether the file with this st_dev and st_ino is a running program.
        """
        self.volume = volume
        self.root = Directory(volume, mode, 0, 0, b"", None)
        self._is_running = is_running
        self._devices = devices

    def close(self) -> None:
        """See FileSystem: all names end, and what nobody has open or mapped goes with them."""
        ahead = [self.root]
        while ahead:
            directory = ahead.pop()
            for entry in list(directory.children.values()):
                if type(entry.inode) is Directory:
                    ahead.append(entry.inode)
                else:
                    directory.remove(entry)

    def is_program(self, status: os.stat_result | Stat) -> bool:
        """See FileSystem."""
        return self._is_running((status.st_dev, status.st_ino))

    # From a path to an inode

    def _start(self, at: OpenFile | None) -> Inode:
        return self.root if at is None else at.inode  # type: ignore[attr-defined]

    def _find(self, at: OpenFile | None, path: bytes, who: Who, *, follow: bool = True) -> Entry:
        """The entry of a path. Errors: ENOENT, ENOTDIR, EACCES, ENAMETOOLONG, LinkMet."""
        if not path:
            return self.root.entry if at is None else at.entry  # type: ignore[attr-defined]
        directory, name = self._parent(at, path, who)
        entry = _child(directory, name)
        if entry is None:
            raise SyscallError(ENOENT)
        if follow and type(entry.inode) is Symlink:
            raise LinkMet
        return entry

    def _parent(self, at: OpenFile | None, path: bytes, who: Who) -> tuple[Directory, bytes]:
        """The directory that a path's last name is in, which may be searched, and the name."""
        inode = self.root if at is None else self._start(at)
        ahead, _, name = path.rpartition(b"/")
        for part in ahead.split(b"/") if ahead else ():
            entry = _child(_searched(inode, who), part)
            if entry is None:
                raise SyscallError(ENOENT)
            inode = entry.inode
        return _searched(inode, who), name

    def _place(self, at: OpenFile | None, path: bytes, who: Who) -> tuple[Directory, bytes]:
        """Where something is to be made. Errors: EEXIST, ENOENT the directory was removed, EACCES."""
        if not path:
            raise SyscallError(EEXIST)
        directory, name = self._parent(at, path, who)
        if _child(directory, name) is not None:
            raise SyscallError(EEXIST)
        _check_creation(directory, who)
        return directory, name

    def walk(self, at: OpenFile | None, path: bytes, *, follow: bool) -> tuple[int, bytes] | None:
        """See FileSystem. What is wrong with the path is for the operation itself to say."""
        who = self.volume.creds()
        inode = self._start(at)
        end = -1
        while end < len(path):
            start = end + 1
            end = path.find(b"/", start)
            if end < 0:
                end = len(path)
                if not follow:
                    return None
            if type(inode) is not Directory or not may(who, inode, X_OK):
                return None
            entry = inode.children.get(path[start:end])
            if entry is None:
                return None
            inode = entry.inode
            if type(inode) is Symlink:
                inode.accessed()
                return end, inode.target
        return None

    def path_of(self, file: OpenFile) -> bytes:
        """See FileSystem."""
        return shown_path(file)  # type: ignore[arg-type]

    # Opening

    def open(self, at: OpenFile | None, path: bytes, flags: int, mode: int, umask: int) -> OpenFile:
        """See FileSystem. Raises FifoWait."""
        who = self.volume.creds()
        if flags & _TMPFILE and not flags & O_PATH:
            return self._open_unnamed(self._find(at, path, who), flags, mode & ~umask, who)
        if not flags & O_CREAT or not path:
            return self._open(self._find(at, path, who, follow=False), flags, who)
        directory, name = self._parent(at, path, who)
        entry = _child(directory, name)
        if entry is not None:
            return self._open(entry, flags, who)
        _check_creation(directory, who)
        mode, uid, gid = new_owner(who, directory, S_IFREG | mode & ~umask)
        entry = self._add(directory, name, Regular(self.volume, mode, uid, gid))
        if flags & O_DIRECTORY:  # the file stays, before Linux 6.4
            raise SyscallError(ENOTDIR)
        return TmpFile(self, entry, flags & ~_NOT_SHOWN | O_LARGEFILE)

    def open_entry(self, entry: Entry, flags: int) -> OpenFile:
        """As open(2) of what an entry names, even if it is gone. Raises FifoWait."""
        return self._open(entry, flags, self.volume.creds())

    def _open(self, entry: Entry, flags: int, who: Who) -> OpenFile:
        """An existing file: may_open, do_dentry_open."""
        inode = entry.inode
        kind = inode.st_mode & S_IFMT
        writes = check_open(who, inode, flags)
        if flags & O_PATH:
            return PathFile(entry, flags) if kind != S_IFDIR else TmpDirectory(self, entry, flags)
        shown = flags & ~_NOT_SHOWN | O_LARGEFILE
        if kind == S_IFREG:
            if writes:
                self._check_not_running(inode)
            file = TmpFile(self, entry, shown)
            if flags & O_TRUNC:
                file.memory.truncate(0)
                inode.written()
            return file
        if kind == S_IFDIR:
            return TmpDirectory(self, entry, shown)
        if kind == S_IFIFO:
            from pyuk.fs.tmpfifo import open_fifo  # noqa: PLC0415  # few programs use them

            return open_fifo(self, entry, shown)
        if kind in (S_IFCHR, S_IFBLK) and self._devices is not None:
            if hasattr(self, "mount") and self.mount.flags & MS_NODEV:
                raise SyscallError(EACCES)
            return self._devices.open(entry, shown | flags & O_NOCTTY)
        raise SyscallError(ENXIO)

    def _open_unnamed(self, place: Entry, flags: int, mode: int, who: Who) -> OpenFile:
        """O_TMPFILE."""
        directory = place.inode
        if type(directory) is not Directory:
            raise SyscallError(ENOTDIR)
        check(who, directory, W_OK | X_OK)
        mode, uid, gid = new_owner(who, directory, S_IFREG | mode)
        inode = Regular(self.volume, mode, uid, gid)
        inode.is_linkable = not flags & O_EXCL
        entry = Entry(b"#%d" % inode.st_ino, directory, inode)
        entry.is_gone = True
        return TmpFile(self, entry, flags & ~_NOT_SHOWN | O_LARGEFILE)

    def _check_not_running(self, inode: Inode) -> None:
        if self._is_running((self.volume.dev, inode.st_ino)):
            raise SyscallError(ETXTBSY)

    # Questions

    def stat(self, at: OpenFile | None, path: bytes, *, follow: bool) -> Stat:
        """See FileSystem."""
        return self._find(at, path, self.volume.creds(), follow=follow).inode.stat()

    def statfs(self, at: OpenFile | None, path: bytes) -> StatFs:
        """See FileSystem."""
        self._find(at, path, self.volume.creds())
        return self.volume.statfs()

    def readlink(self, at: OpenFile | None, path: bytes) -> bytes:
        """See FileSystem."""
        inode = self._find(at, path, self.volume.creds(), follow=False).inode
        if type(inode) is not Symlink:
            raise SyscallError(EINVAL)
        inode.accessed()
        return inode.target

    def access(self, at: OpenFile | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        if not effective:
            who = RealIds(who)
        check(who, self._find(at, path, who, follow=follow).inode, mode)

    def getxattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> bytes:
        """See FileSystem."""
        return self._find(at, path, self.volume.creds(), follow=follow).inode.getxattr(name)

    def listxattr(self, at: OpenFile | None, path: bytes, *, follow: bool) -> list[bytes]:
        """See FileSystem."""
        return self._find(at, path, self.volume.creds(), follow=follow).inode.listxattr()

    # Changes of one inode

    def truncate(self, at: OpenFile | None, path: bytes, size_bytes: int) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        inode = self._find(at, path, who).inode
        kind = inode.st_mode & S_IFMT
        if kind == S_IFDIR:
            raise SyscallError(EISDIR)
        if type(inode) is not Regular:
            raise SyscallError(EINVAL)
        check(who, inode, W_OK)
        self._check_not_running(inode)
        if size_bytes > MAX_BYTES:
            raise SyscallError(EINVAL)
        is_changed = size_bytes != inode.size_bytes or inode.n_pages  # shmem_truncate_range moves the times too
        inode.memory.truncate(size_bytes)
        if is_changed:
            inode.written()

    def chmod(self, at: OpenFile | None, path: bytes, mode: int) -> None:
        """See FileSystem."""
        self._find(at, path, self.volume.creds()).inode.chmod(mode)

    def chown(self, at: OpenFile | None, path: bytes, uid: int, gid: int, *, follow: bool) -> None:
        """See FileSystem."""
        self._find(at, path, self.volume.creds(), follow=follow).inode.chown(uid, gid)

    def utime(self, at: OpenFile | None, path: bytes, times_ns: Times, *, follow: bool) -> None:
        """See FileSystem."""
        self._find(at, path, self.volume.creds(), follow=follow).inode.utime(times_ns)

    def setxattr(
        self, at: OpenFile | None, path: bytes, name: bytes, value: bytes, flags: int, *, follow: bool
    ) -> None:
        """See FileSystem."""
        self._find(at, path, self.volume.creds(), follow=follow).inode.setxattr(name, value, flags)

    def removexattr(self, at: OpenFile | None, path: bytes, name: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        self._find(at, path, self.volume.creds(), follow=follow).inode.removexattr(name)

    # Changes of names

    def _add(self, directory: Directory, name: bytes, inode: Inode) -> Entry:
        entry = directory.add(name, inode)
        directory.modified()
        return entry

    def mkdir(self, at: OpenFile | None, path: bytes, mode: int, umask: int) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        directory, name = self._place(at, path, who)
        mode, uid, gid = new_owner(who, directory, S_IFDIR | mode & ~umask)
        self._add(directory, name, Directory(self.volume, mode, uid, gid, name, directory))

    def mknod(self, at: OpenFile | None, path: bytes, mode: int, device: tuple[int, int], umask: int) -> None:
        """See FileSystem. A character device 0:0 is a whiteout, and for everyone."""
        who = self.volume.creds()
        directory, name = self._place(at, path, who)
        kind = mode & S_IFMT or S_IFREG
        is_device = kind in (S_IFCHR, S_IFBLK)
        if is_device and (kind, device) != (S_IFCHR, (0, 0)) and not who.has(CAP_MKNOD):
            raise SyscallError(EPERM)
        mode, uid, gid = new_owner(who, directory, kind | mode & ~S_IFMT & ~umask)
        inode: Inode
        if kind == S_IFREG:
            inode = Regular(self.volume, mode, uid, gid)
        else:
            from pyuk.fs.devices import make_dev  # noqa: PLC0415  # rare

            inode = Inode(self.volume, mode, uid, gid, make_dev(*device) if is_device else 0)
        self._add(directory, name, inode)

    def symlink(self, at: OpenFile | None, path: bytes, target: bytes) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        directory, name = self._place(at, path, who)
        if len(target) > _MAX_TARGET:
            raise SyscallError(ENAMETOOLONG)
        _mode, uid, gid = new_owner(who, directory, 0)
        self._add(directory, name, Symlink(self.volume, uid, gid, target))

    def link(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, *, follow: bool) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        self._link(self._find(at, path, who, follow=follow).inode, to, new, who)

    def link_file(self, file: OpenFile, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        self._link(file.inode, at, path, self.volume.creds())  # type: ignore[attr-defined]

    def _link(self, inode: Inode, to: OpenFile | None, new: bytes, who: Who) -> None:
        if not new:
            raise SyscallError(EEXIST)
        directory, name = self._parent(to, new, who)
        if _child(directory, name) is not None:
            raise SyscallError(EEXIST)
        check_link_source(who, inode)
        _check_creation(directory, who)
        if type(inode) is Directory:
            raise SyscallError(EPERM)
        if not inode.nlink and not inode.is_linkable:
            raise SyscallError(ENOENT)
        if inode.nlink:
            self.volume.charge_inode()
        inode.is_linkable = False
        self._add(directory, name, inode)
        inode.ctime_ns = directory.ctime_ns

    def unlink(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        if not path:
            raise SyscallError(EISDIR)
        directory, name = self._parent(at, path, who)
        self._remove(_removable(directory, name, who, is_directory=False))

    def rmdir(self, at: OpenFile | None, path: bytes) -> None:
        """See FileSystem."""
        who = self.volume.creds()
        if not path:
            raise SyscallError(EBUSY)
        directory, name = self._parent(at, path, who)
        entry = _removable(directory, name, who, is_directory=True)
        _check_empty(entry.inode)
        self._remove(entry)

    def _remove(self, entry: Entry) -> None:
        directory = entry.parent
        assert directory is not None  # noqa: S101  # the root is never removed
        directory.remove(entry)
        directory.modified()

    def rename(self, at: OpenFile | None, path: bytes, to: OpenFile | None, new: bytes, flags: int) -> None:
        """See FileSystem: do_renameat2, vfs_rename, shmem_rename2."""
        who = self.volume.creds()
        if not path or not new:
            raise SyscallError(EBUSY)
        source, name = self._parent(at, path, who)
        target, new_name = self._parent(to, new, who)
        entry = _child(source, name)
        other = None if entry is None else _child(target, new_name)
        if entry is None or (other is None and flags & RENAME_EXCHANGE):
            raise SyscallError(ENOENT)
        _check_places(entry, other, source, target, flags)
        if flags & RENAME_WHITEOUT and not who.has(CAP_MKNOD):
            raise SyscallError(EPERM)
        if other is not None and other.inode is entry.inode:
            return
        check_rename(
            who, source, entry.inode, target, None if other is None else other.inode,
            is_exchange=bool(flags & RENAME_EXCHANGE),
        )  # fmt: skip
        if other is None:
            _check_creation(target, who)
        if flags & RENAME_EXCHANGE:
            assert other is not None  # noqa: S101  # ENOENT above
            _exchange(entry, other)
            other.inode.ctime_ns = self.volume.now_ns()
        else:
            whiteout = None
            if flags & RENAME_WHITEOUT:
                _mode, uid, gid = new_owner(who, source, 0)
                whiteout = Inode(self.volume, S_IFCHR, uid, gid)
            if other is not None:
                _check_empty(other.inode)
                target.remove(other)
            source.take(entry)
            entry.name = new_name
            target.put(entry)
            if whiteout is not None:
                source.add(name, whiteout)
        source.modified()
        target.mtime_ns = target.ctime_ns = entry.inode.ctime_ns = source.ctime_ns


def _searched(inode: Inode, who: Who) -> Directory:
    """The directory that a name is about to be looked up in. Errors: ENOTDIR, EACCES, LinkMet."""
    if type(inode) is not Directory:
        raise LinkMet if type(inode) is Symlink else SyscallError(ENOTDIR)
    if not may(who, inode, X_OK):
        raise SyscallError(EACCES)
    return inode


def _child(directory: Directory, name: bytes) -> Entry | None:
    """Errors: ENAMETOOLONG."""
    if len(name) > NAME_MAX:
        raise SyscallError(ENAMETOOLONG)
    return directory.children.get(name)


def _check_creation(directory: Directory, who: Who) -> None:
    """may_create. Errors: ENOENT the directory was removed, EACCES."""
    if directory.is_dead:
        raise SyscallError(ENOENT)
    check_creation(who, directory)


def _removable(directory: Directory, name: bytes, who: Who, *, is_directory: bool) -> Entry:
    """may_delete. Errors: ENOENT, EACCES, EPERM, ENOTDIR, EISDIR."""
    entry = _child(directory, name)
    if entry is None:
        raise SyscallError(ENOENT)
    check_removal(who, directory, entry.inode)
    check_kind(entry.inode, is_directory=is_directory)
    return entry


def _check_empty(inode: Inode) -> None:
    if type(inode) is Directory and inode.children:
        raise SyscallError(ENOTEMPTY)


def _is_within(directory: Directory, inode: Inode) -> bool:
    """Whether the directory is the inode, or below it."""
    above: Directory | None = directory
    while above is not None:
        if above is inode:
            return True
        above = above.entry.parent
    return False


def _check_places(entry: Entry, other: Entry | None, source: Directory, target: Directory, flags: int) -> None:
    """do_renameat2: a directory does not go into itself. Errors: EEXIST, EINVAL, ENOTEMPTY."""
    if other is not None and flags & RENAME_NOREPLACE:
        raise SyscallError(EEXIST)
    if _is_within(target, entry.inode):
        raise SyscallError(EINVAL)
    if other is not None and _is_within(source, other.inode):
        raise SyscallError(EINVAL if flags & RENAME_EXCHANGE else ENOTEMPTY)


def _exchange(one: Entry, other: Entry) -> None:
    """Each gets the other's name and place."""
    first, second = one.parent, other.parent
    assert first is not None  # noqa: S101  # neither is the root
    assert second is not None  # noqa: S101
    first.take(one)
    second.take(other)
    one.name, other.name = other.name, one.name
    second.put(one)
    first.put(other)
