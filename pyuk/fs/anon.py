"""Files that are only descriptors: eventfd(2), epoll(7), timerfd_create(2), signalfd(2) (fs/anon_inodes.c)."""

from __future__ import annotations

from pyuk.abi.errno import ENXIO, SyscallError
from pyuk.abi.fcntl import O_RDWR
from pyuk.fs.file import OpenFile
from pyuk.fs.stat import Stat, StatFs

_ANON_INODE_MAGIC = 0x09041934
_ANON_INODE_DEV, _INO = 15, 1  # an anonymous device: major 0; one inode serves all
_S_0600 = 0o600  # of no type at all


class AnonFile(OpenFile):
    """What they share. `kind` is the word in their link."""

    __slots__ = ()
    can_poll = True
    kind = b""

    def __init__(self, flags: int = 0) -> None:
        """flags: O_NONBLOCK."""
        super().__init__(O_RDWR | flags)

    def lseek(self, offset: int, whence: int) -> int:
        """noop_llseek: the position is always 0."""
        return 0

    def stat(self) -> Stat:
        """As anon_inodefs shows it."""
        return Stat(_ANON_INODE_DEV, _INO, _S_0600)

    def statfs(self) -> StatFs:
        """As anon_inodefs shows it."""
        return StatFs(_ANON_INODE_MAGIC)

    def link_text(self) -> bytes:
        """As /proc/PID/fd shows it."""
        return b"anon_inode:[%b]" % self.kind

    def reopen(self, flags: int) -> OpenFile:
        """Such an inode has no open."""
        raise SyscallError(ENXIO)
