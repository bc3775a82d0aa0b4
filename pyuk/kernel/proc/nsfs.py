"""Namespaces as files: where /proc/PID/ns leads. There is one of each kind (namespaces(7); fs/nsfs.c)."""

from __future__ import annotations

from pyuk.abi.fcntl import O_RDONLY
from pyuk.abi.stat import S_IFREG
from pyuk.fs.file import OpenFile
from pyuk.fs.stat import Stat, StatFs

_NSFS_MAGIC = 0x6E736673
_NSFS_DEV = 4  # an anonymous device
_NET_INO, _MNT_INO = 0xF0000098, 0xF0000000

NAMESPACES: dict[bytes, tuple[bytes, int]] = {
    b"net": (b"net", _NET_INO),
    b"uts": (b"uts", 0xEFFFFFFE),
    b"ipc": (b"ipc", 0xEFFFFFFF),
    b"pid": (b"pid", 0xEFFFFFFC),
    b"pid_for_children": (b"pid", 0xEFFFFFFC),
    b"user": (b"user", 0xEFFFFFFD),
    b"mnt": (b"mnt", _MNT_INO),
    b"cgroup": (b"cgroup", 0xEFFFFFFB),
    b"time": (b"time", 0xEFFFFFFA),
    b"time_for_children": (b"time", 0xEFFFFFFA),
}
"""By name in ns/: kind, inode number (include/linux/proc_ns.h, PROC_*_INIT_INO)."""


class NamespaceFile(OpenFile):
    """A namespace, opened."""

    __slots__ = ("name",)

    def __init__(self, name: bytes) -> None:
        """name: as in ns/."""
        super().__init__(O_RDONLY)
        self.name = name

    def stat(self) -> Stat:
        """See OpenFile."""
        return Stat(_NSFS_DEV, NAMESPACES[self.name][1], S_IFREG | 0o444)

    def statfs(self) -> StatFs:
        """See OpenFile."""
        return StatFs(_NSFS_MAGIC)

    def link_text(self) -> bytes:
        """See OpenFile."""
        kind, ino = NAMESPACES[self.name]
        return b"%b:[%d]" % (kind, ino)

    def reopen(self, flags: int) -> OpenFile:
        """Another of the same."""
        return NamespaceFile(self.name)
