"""Files that are in RAM and have no name: memfd_create(2)."""

from __future__ import annotations

from pyuk.abi.fcntl import O_LARGEFILE, O_RDWR
from pyuk.fs.tmpfile import MemFile
from pyuk.fs.tmpnode import Entry, Regular, Volume
from pyuk.mm.memory import SHMEM_DEV

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.permission import Who
    from pyuk.mm.pagecache import PageCache

_PERMISSIONS = 0o777


class MemFd(MemFile):
    """An open file description of a memfd."""

    __slots__ = ()

    def link_text(self) -> bytes:
        """`/memfd:name (deleted)`."""
        return b"/memfd:" + self.entry.name + b" (deleted)"


def new_memfd(cache: PageCache, creds: Callable[[], Who], now_ns: Callable[[], int], name: bytes, seals: int) -> MemFd:
    """A file of the kernel's own tmpfs. creds: who asks, whenever that is."""
    volume = Volume(cache, SHMEM_DEV, creds, now_ns)
    volume.next_ino = cache.new_serial()
    who = creds()
    inode = Regular(volume, _PERMISSIONS, who.fsuid, who.fsgid, seals)
    entry = Entry(name, None, inode)
    entry.is_gone = True
    return MemFd(entry, O_RDWR | O_LARGEFILE)
