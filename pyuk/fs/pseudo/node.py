"""Inodes of file systems that are made up as they are read (Linux fs/proc/generic.c, fs/kernfs/inode.c).

A node says what there is; open files (files.py) say how it is read. Nodes may be made anew at every look-up: two of
the same file have the same inode number.
"""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, ENOENT, SyscallError
from pyuk.abi.stat import S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from pyuk.fs.permission import may

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyuk.fs.file import OpenFile
    from pyuk.fs.permission import Who
    from pyuk.fs.pseudo.files import PseudoFile
    from pyuk.fs.pseudo.system import PseudoFs


class Node:
    """A name's inode. `owner` gives uid and gid; `ino` is unique in the file system."""

    __slots__ = ("ino", "st_mode")
    size_bytes = 0
    can_poll = False

    def __init__(self, ino: int, mode: int) -> None:
        self.ino = ino
        self.st_mode = mode

    @property
    def owner(self) -> tuple[int, int]:
        """st_uid and st_gid."""
        return 0, 0

    @property
    def st_uid(self) -> int:
        """See permission.Owned."""
        return self.owner[0]

    @property
    def st_gid(self) -> int:
        """See permission.Owned."""
        return self.owner[1]

    @property
    def n_links(self) -> int:
        """st_nlink."""
        return 1

    @property
    def time_ns(self) -> int:
        """st_atime and the others: None of the file system's own."""
        return 0

    def allows(self, who: Who, wanted: int) -> bool:
        """Whether its mode, or anything else, lets somebody R_OK, W_OK, X_OK it."""
        return may(who, self, wanted)

    def revalidate(self) -> None:
        """Errors: ENOENT what it is about is no more, so that no path leads here."""


class Directory(Node):
    """Names and what they are."""

    __slots__ = ()

    def __init__(self, ino: int, mode: int = 0o555) -> None:
        super().__init__(ino, S_IFDIR | mode)

    @property
    def n_links(self) -> int:
        """Its own two names; who has subdirectories counts them."""
        return 2

    def lookup(self, name: bytes) -> Node:
        """Errors: ENOENT."""
        raise SyscallError(ENOENT)

    def entries(self) -> Iterable[tuple[bytes, Node]]:
        """Everything in it but `.` and `..`. Errors: ENOENT what it is about is no more."""
        return ()


class Folder(Directory):
    """A directory whose names are always the same."""

    __slots__ = ("children",)

    def __init__(self, ino: int, children: dict[bytes, Node], mode: int = 0o555) -> None:
        super().__init__(ino, mode)
        self.children = children

    @property
    def n_links(self) -> int:
        """Each subdirectory has a `..`."""
        return 2 + sum(node.st_mode & S_IFMT == S_IFDIR for node in self.children.values())

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        node = self.children.get(name)
        if node is None:
            raise SyscallError(ENOENT)
        return node

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """In the order they were given."""
        return iter(self.children.items())


class Link(Node):
    """A symbolic link."""

    __slots__ = ()

    def __init__(self, ino: int, mode: int = 0o777) -> None:
        super().__init__(ino, S_IFLNK | mode)

    def text(self) -> bytes:
        """What readlink(2) gives."""
        raise NotImplementedError

    def target(self) -> bytes | OpenFile:
        """Where a walk goes on: a path, or the very file, held for the caller."""
        return self.text()


class FixedLink(Link):
    """One that a function tells."""

    __slots__ = ("_text",)

    def __init__(self, ino: int, text: Callable[[], bytes]) -> None:
        super().__init__(ino)
        self._text = text

    def text(self) -> bytes:
        """See Link."""
        return self._text()


class File(Node):
    """A regular file. What it holds, and in which form, is for its subclasses."""

    __slots__ = ()
    write_errno = EINVAL
    """Of a write to what cannot be written, by somebody who was allowed to open it."""
    map_errno = 0
    """Of mmap(2), where it is not ENODEV."""

    def __init__(self, ino: int, mode: int = 0o444) -> None:
        super().__init__(ino, S_IFREG | mode)

    def open(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """A new open file; access by mode is checked already. Errors: what else it refuses."""
        raise NotImplementedError

    def write(self, data: bytes, offset: int) -> int:
        """One write(2) of it. Errors: what it does not take."""
        raise SyscallError(self.write_errno)
