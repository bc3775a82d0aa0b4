"""The inodes of tmpfs and their names, in memory (Linux mm/shmem.c, fs/libfs.c, fs/attr.c, fs/dcache.c)."""

from __future__ import annotations

from pyuk.abi.errno import ENOSPC, SyscallError
from pyuk.abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from pyuk.fs.permission import check_chown, check_utime, mode_after_chown, mode_after_write, new_mode
from pyuk.fs.stat import Stat, StatFs
from pyuk.mm.memory import SharedMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyuk.fs.filesystem import Times
    from pyuk.fs.permission import Who
    from pyuk.fs.tmpfifo import NamedPipe
    from pyuk.fs.xattr import Xattrs
    from pyuk.mm.pagecache import PageCache

PAGE_BYTES = 4096
_BLOCKS_PER_PAGE = 8  # st_blocks counts 512 bytes
_ENTRY_BYTES = 20  # BOGO_DIRENT_SIZE
_SHORT_TARGET_BYTES = 128  # SHORT_SYMLINK_LEN, with the NUL
_FIRST_SERIAL = 3
TMPFS_MAGIC = 0x01021994
_ST_RELATIME = 0x1000
_DAY_NS = 86_400_000_000_000
_SET_IDS = 0o6000


class Volume:
    """What the inodes of one tmpfs share: numbers, room, the clock, and who asks (Linux: a super block).

    Invariants: n_pages is the sum of its files' n_held and of long link targets; n_inodes counts inodes, and names
    of files beyond their first. A limit of 0 is none.
    """

    __slots__ = (
        "cache", "creds", "dev", "has_user_xattrs", "max_inodes", "max_pages", "n_inodes", "n_pages", "next_ino",
        "now_ns",
    )  # fmt: skip

    def __init__(
        self, cache: PageCache, dev: int, creds: Callable[[], Who], now_ns: Callable[[], int], *,
        max_pages: int = 0, max_inodes: int = 0, has_user_xattrs: bool = False,
    ) -> None:  # fmt: skip
        self.cache = cache
        self.dev = dev
        self.creds = creds
        self.now_ns = now_ns
        self.has_user_xattrs = has_user_xattrs
        self.max_pages = max_pages
        self.max_inodes = max_inodes
        self.n_pages = 0
        self.n_inodes = 0
        self.next_ino = 1

    def charge(self, n_pages: int) -> None:
        """Take room, or with a negative number give it back. Errors: ENOSPC."""
        if n_pages > 0 and self.max_pages and self.n_pages + n_pages > self.max_pages:
            raise SyscallError(ENOSPC)
        self.n_pages += n_pages

    def charge_inode(self) -> None:
        """Take an inode's room. Errors: ENOSPC."""
        if self.max_inodes and self.n_inodes >= self.max_inodes:
            raise SyscallError(ENOSPC)
        self.n_inodes += 1

    def statfs(self) -> StatFs:
        """As shmem_statfs."""
        found = StatFs(TMPFS_MAGIC)
        found.f_fsid = self.dev
        found.f_flags |= _ST_RELATIME
        if self.max_pages:
            found.f_blocks = self.max_pages
            found.f_bfree = found.f_bavail = max(self.max_pages - self.n_pages, 0)
        if self.max_inodes:
            found.f_files = self.max_inodes
            found.f_ffree = max(self.max_inodes - self.n_inodes, 0)
        return found

    def new_ino(self) -> int:
        """Numbers are never used twice."""
        ino = self.next_ino
        self.next_ino = ino + 1
        return ino


class Inode:
    """A file, whatever its type; this class alone is that of FIFOs, sockets and devices.

    Invariant: refs is the open files, and one more while nlink is not 0; at 0 the inode is gone.
    """

    __slots__ = (
        "atime_ns", "ctime_ns", "is_linkable", "mtime_ns", "nlink", "pipe", "refs", "st_gid", "st_ino",
        "st_mode", "st_rdev", "st_uid", "volume", "xattrs",
    )  # fmt: skip

    def __init__(self, volume: Volume, mode: int, uid: int, gid: int, rdev: int = 0) -> None:
        """Without a name yet. Errors: ENOSPC."""
        volume.charge_inode()
        self.volume = volume
        self.st_ino = volume.new_ino()
        self.st_mode = mode
        self.st_uid = uid
        self.st_gid = gid
        self.st_rdev = rdev
        self.nlink = 0
        self.refs = 0
        self.is_linkable = False
        """Of O_TMPFILE without O_EXCL: it may be given a name although it has none."""
        self.atime_ns = self.mtime_ns = self.ctime_ns = volume.now_ns()
        self.pipe: NamedPipe | None = None
        """What is in a FIFO while somebody has it open."""
        self.xattrs: Xattrs | None = None

    @property
    def size_bytes(self) -> int:
        """st_size."""
        return 0

    @property
    def n_pages(self) -> int:
        """What it takes of its volume."""
        return 0

    def stat(self) -> Stat:
        """As stat(2) shows it now."""
        found = Stat(self.volume.dev, self.st_ino, self.st_mode, nlink=self.nlink, size_bytes=self.size_bytes)
        found.st_uid, found.st_gid, found.st_rdev = self.st_uid, self.st_gid, self.st_rdev
        found.st_blocks = self.n_pages * _BLOCKS_PER_PAGE
        found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns = self.atime_ns, self.mtime_ns, self.ctime_ns
        return found

    def hold(self) -> None:
        """One open file more."""
        self.refs += 1

    def drop(self) -> None:
        """One open file, or the last name, less."""
        self.refs -= 1
        if not self.refs:
            self.evict()

    def evict(self) -> None:
        """Nobody can find it any more."""
        self.volume.n_inodes -= 1

    def linked(self) -> None:
        """One name more."""
        if not self.nlink:
            self.refs += 1
        self.nlink += 1

    def unlinked(self, n_names: int = 1) -> None:
        """A name less; of a directory both its own and its `.`."""
        self.nlink -= n_names
        if not self.nlink:
            self.drop()

    def accessed(self) -> None:
        """relatime: the access time moves when it is older than the last change, or than a day."""
        now = self.volume.now_ns()
        if self.atime_ns <= self.mtime_ns or self.atime_ns <= self.ctime_ns or now - self.atime_ns >= _DAY_NS:
            self.atime_ns = now

    def modified(self) -> None:
        """The contents have changed."""
        self.mtime_ns = self.ctime_ns = self.volume.now_ns()

    def written(self) -> None:
        """Somebody is about to write it: the times, and the set-id bits."""
        self.mtime_ns = self.ctime_ns = self.volume.now_ns()
        if self.st_mode & _SET_IDS:
            self.st_mode = mode_after_write(self.volume.creds(), self.st_mode)
        if self.xattrs is not None:
            self.xattrs.lose_capabilities()

    def chmod(self, mode: int) -> None:
        """As chmod(2). Errors: EPERM."""
        mode = new_mode(self.volume.creds(), self, mode)
        self.st_mode = self.st_mode & S_IFMT | mode & ~S_IFMT
        self.ctime_ns = self.volume.now_ns()

    def chown(self, uid: int, gid: int) -> None:
        """As chown(2); -1 leaves an id. Errors: EPERM."""
        who = self.volume.creds()
        check_chown(who, self, uid, gid)
        self.st_mode = mode_after_chown(who, self)
        self.st_uid = self.st_uid if uid < 0 else uid
        self.st_gid = self.st_gid if gid < 0 else gid
        self.ctime_ns = self.volume.now_ns()
        if self.xattrs is not None:
            self.xattrs.lose_capabilities()

    def utime(self, times_ns: Times) -> None:
        """As utimensat(2). Errors: EPERM, EACCES."""
        check_utime(self.volume.creds(), self, is_touch=times_ns is None)
        now = self.volume.now_ns()
        access_ns, change_ns = (now, now) if times_ns is None else times_ns
        self.atime_ns = self.atime_ns if access_ns is None else access_ns
        self.mtime_ns = self.mtime_ns if change_ns is None else change_ns
        self.ctime_ns = now

    def attributes(self) -> Xattrs:
        """The extended attributes, which few files have."""
        if self.xattrs is None:
            from pyuk.fs.xattr import Xattrs  # noqa: PLC0415

            self.xattrs = Xattrs()
        return self.xattrs

    def getxattr(self, name: bytes) -> bytes:
        """As getxattr(2)."""
        return self.attributes().get(self.volume.creds(), self, name, has_user=self.volume.has_user_xattrs)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As setxattr(2)."""
        self.attributes().set(self.volume.creds(), self, name, value, flags, has_user=self.volume.has_user_xattrs)
        self.ctime_ns = self.volume.now_ns()

    def removexattr(self, name: bytes) -> None:
        """As removexattr(2)."""
        self.attributes().remove(self.volume.creds(), self, name, has_user=self.volume.has_user_xattrs)
        self.ctime_ns = self.volume.now_ns()

    def listxattr(self) -> list[bytes]:
        """As listxattr(2)."""
        return [] if self.xattrs is None else self.xattrs.names(self.volume.creds())


class TmpMemory(SharedMemory):
    """A file's pages, which its volume has room for. The volume is told of what the file does not hold any more."""

    __slots__ = ("inode", "volume")

    def __init__(self, volume: Volume, inode: Inode, seals: int) -> None:
        self.volume = volume
        self.inode = inode
        super().__init__(volume.cache, b"", seals=seals, ident=(volume.dev, inode.st_ino))

    def first_written(self) -> None:
        """The times move; no other write through a mapping is noticed (mm/memory.c, fault_dirty_shared_page)."""
        self.inode.modified()

    def charge(self, n_pages: int) -> None:
        """Errors: ENOSPC."""
        volume = self.volume
        if n_pages > 0 and volume.max_pages and volume.n_pages + n_pages > volume.max_pages:
            raise SyscallError(ENOSPC)
        volume.n_pages += n_pages


class Regular(Inode):
    """A regular file. Invariant: it has one reference to its memory."""

    __slots__ = ("memory",)

    def __init__(self, volume: Volume, mode: int, uid: int, gid: int, seals: int = 1) -> None:
        """seals: F_SEAL_SEAL but for memfd_create(2)'s own."""
        super().__init__(volume, S_IFREG | mode & ~S_IFMT, uid, gid)
        self.memory = TmpMemory(volume, self, seals)
        self.memory.hold()

    @property
    def size_bytes(self) -> int:
        """st_size."""
        return self.memory.size_bytes

    @property
    def n_pages(self) -> int:
        """What it takes of its volume."""
        return self.memory.n_held

    def evict(self) -> None:
        """Its pages stay only where they are mapped."""
        super().evict()
        self.memory.drop()


class Symlink(Inode):
    """A symbolic link."""

    __slots__ = ("target",)

    def __init__(self, volume: Volume, uid: int, gid: int, target: bytes) -> None:
        """Errors: ENOSPC."""
        if len(target) >= _SHORT_TARGET_BYTES:
            volume.charge(1)
        try:
            super().__init__(volume, S_IFLNK | 0o777, uid, gid)
        except SyscallError:
            if len(target) >= _SHORT_TARGET_BYTES:
                volume.charge(-1)
            raise
        self.target = target

    @property
    def size_bytes(self) -> int:
        """The target's length."""
        return len(self.target)

    @property
    def n_pages(self) -> int:
        """A long target has a page."""
        return int(len(self.target) >= _SHORT_TARGET_BYTES)

    def evict(self) -> None:
        """The page goes too."""
        super().evict()
        self.volume.charge(-self.n_pages)


class Entry:
    """A name in a directory (Linux: a dentry); it follows renames, and stays with the open files when it is gone.

    Invariant: while not is_gone, parent.children[name] is this; the root has no parent.
    """

    __slots__ = ("inode", "is_gone", "name", "parent", "serial")

    def __init__(self, name: bytes, parent: Directory | None, inode: Inode) -> None:
        self.name = name
        self.parent = parent
        self.inode = inode
        self.serial = 0
        """Its place in the directory: later names have greater numbers."""
        self.is_gone = False

    def path(self) -> bytes:
        """From the root of the file system, which is empty."""
        parts = [self.name]
        above = self.parent
        while above is not None and above.entry.parent is not None:
            parts.append(above.entry.name)
            above = above.entry.parent
        return b"/".join(reversed(parts))


class Directory(Inode):
    """A directory: its names in the order they were made.

    Invariants: nlink is 2 and its subdirectories, 0 when it was removed; serials of `children` ascend.
    """

    __slots__ = ("children", "entry", "next_serial")

    def __init__(self, volume: Volume, mode: int, uid: int, gid: int, name: bytes, parent: Directory | None) -> None:
        super().__init__(volume, S_IFDIR | mode & ~S_IFMT, uid, gid)
        self.children: dict[bytes, Entry] = {}
        self.next_serial = _FIRST_SERIAL
        self.entry = Entry(name, parent, self)
        self.linked()
        self.linked()

    @property
    def size_bytes(self) -> int:
        """As tmpfs counts."""
        return (2 + len(self.children)) * _ENTRY_BYTES

    @property
    def is_dead(self) -> bool:
        """It was removed: nothing can be made in it."""
        return not self.nlink

    def put(self, entry: Entry) -> None:
        """The entry is the newest here from now on."""
        self.children.pop(entry.name, None)
        entry.parent = self
        entry.is_gone = False
        entry.serial = self.next_serial
        self.next_serial += 1
        self.children[entry.name] = entry
        if type(entry.inode) is Directory:
            self.nlink += 1

    def take(self, entry: Entry) -> None:
        """The entry is not here any more."""
        del self.children[entry.name]
        if type(entry.inode) is Directory:
            self.nlink -= 1

    def add(self, name: bytes, inode: Inode) -> Entry:
        """A new name for an inode."""
        if type(inode) is Directory:
            entry = inode.entry
        else:
            entry = Entry(name, self, inode)
            inode.linked()
        self.put(entry)
        return entry

    def remove(self, entry: Entry) -> None:
        """A name, and perhaps the file behind it, ends."""
        self.take(entry)
        entry.is_gone = True
        inode = entry.inode
        inode.ctime_ns = self.volume.now_ns()
        if type(inode) is Directory:
            inode.unlinked(2)
        else:
            if inode.nlink > 1:
                self.volume.n_inodes -= 1
            inode.unlinked()

    def listing(self) -> Iterator[Entry]:
        """The newest first, as the dentry cache lists them."""
        return reversed(self.children.values())
