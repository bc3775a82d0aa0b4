"""Files as memory: what a mapping reads its pages from, and writes shared ones back to."""

from __future__ import annotations

import os

from pyuk.abi.fcntl import FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE
from pyuk.fs.errors import guest_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyuk.fs.hostfile import HostFile


class HostBacking:
    """A regular host file for mmap.

    It holds the open file description, as Linux's vma does, not a descriptor: close(2) does not end a mapping.

    `key` says which contents these are, as seen when the mapping was made: two backings with one key may share pages.
    Invariant: refs >= 1 while anything is mapped through it.
    """

    __slots__ = ("dev", "file", "ino", "key", "refs")

    pages = None
    """The page cache has them."""

    def __init__(self, file: HostFile, key: tuple[int, int, int, int, int]) -> None:
        """The caller owns one reference."""
        self.file = file
        file.hold()
        self.key = key
        self.dev = key[0]
        self.ino = key[1]
        self.refs = 1

    @staticmethod
    def map_flags(vm_flags: int) -> int:
        """Nothing is sealed here."""
        return vm_flags

    def hold(self) -> HostBacking:
        """One more mapping."""
        self.refs += 1
        return self

    def drop(self) -> None:
        """One mapping less; the last one lets go of the file."""
        self.refs -= 1
        if self.refs == 0:
            self.file.forget_backing(self)
            self.file.release()

    @property
    def size_bytes(self) -> int:
        """The file's size now: beyond its last page is SIGBUS."""
        return os.fstat(self.file.fd).st_size

    @property
    def path(self) -> bytes:
        """As /proc/PID/maps shows it."""
        return self.file.link_text()

    def preadv(self, slices: list[memoryview], offset: int) -> int:
        """Fill the slices from the file; short at its end."""
        try:
            return os.preadv(self.file.fd, slices, offset)
        except OSError as error:
            raise guest_error(error) from None

    def punch(self, offset: int, length: int) -> None:
        """A hole in the file, for everyone."""
        self.file.allocate(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, length)

    def pwritev(self, slices: Sequence[memoryview], offset: int) -> int:
        """Write pages of a shared mapping back."""
        try:
            return os.pwritev(self.file.fd, slices, offset)
        except OSError as error:
            raise guest_error(error) from None
