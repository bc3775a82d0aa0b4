"""A mount: a file system at a place of the guest's tree, and what may be done there (mount(2))."""

from __future__ import annotations

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.magic import ST_NODEV, ST_NOEXEC, ST_NOSUID, ST_RDONLY, ST_RELATIME
from pyuk.abi.mountapi import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem

_STATFS = (
    (MS_RDONLY, ST_RDONLY), (MS_NOSUID, ST_NOSUID), (MS_NODEV, ST_NODEV), (MS_NOEXEC, ST_NOEXEC),
    (MS_RELATIME, ST_RELATIME),
)  # fmt: skip
_OWN_ST = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC | ST_RELATIME


class Mount:
    """One line of /proc/mounts.

    `point` is the place in the parent mount, a clean path from its root; b"" for the first mount of all. `children`
    are the mounts on places of this one, by point. Each has a file system of its own, made when a path first leads
    there. `source`, `fstype` and `options` (those of the file system: size=, mode=) are for /proc/mounts.
    Invariant: parent.children[point] is this mount.
    """

    __slots__ = (
        "_firsts",
        "_fs",
        "_fstype",
        "_make",
        "children",
        "flags",
        "id",
        "options",
        "parent",
        "point",
        "source",
    )

    def __init__(
        self, ident: int, fstype: bytes, source: bytes, flags: int, make: Callable[[], FileSystem],
        *, options: bytes = b"",
    ) -> None:  # fmt: skip
        """fstype: b"" for the one that statfs(2) tells of."""
        self.id = ident
        self._fstype = fstype
        self.source = source
        self.flags = flags
        self.options = options
        self.parent: Mount | None = None
        self.point = b""
        self.children: dict[bytes, Mount] = {}
        self._firsts: dict[bytes, list[bytes]] = {}
        self._make = make
        self._fs: FileSystem | None = None

    @property
    def fs(self) -> FileSystem:
        """The file system."""
        if self._fs is None:
            self._fs = self._make()
            self._fs.mount = self
        return self._fs

    @property
    def fstype(self) -> bytes:
        """The type of file system; a host directory's is asked for."""
        if not self._fstype:
            self._fstype = _fstype_of(self.fs.statfs(None, b"").f_type)
        return self._fstype

    @property
    def is_made(self) -> bool:
        """Whether the file system is there already."""
        return self._fs is not None

    def close(self) -> None:
        """Let go of the file system, if a path ever led there."""
        if self._fs is not None:
            self._fs.close()

    @property
    def is_read_only(self) -> bool:
        """Whether everything that changes something is EROFS."""
        return bool(self.flags & MS_RDONLY)

    @property
    def path(self) -> bytes:
        """Where it is in the tree, absolute."""
        return self.full(b"")

    def full(self, path: bytes) -> bytes:
        """The absolute path of a clean path in this mount."""
        mount: Mount = self
        while mount.parent is not None:
            path = mount.point + b"/" + path if path and mount.point else mount.point or path
            mount = mount.parent
        return b"/" + path

    def path_of(self, file: OpenFile) -> bytes:
        """Where an open file is now, absolute; below a name that nobody has where it is outside (fs/d_path.c)."""
        try:
            return self.full(self.fs.path_of(file))
        except SyscallError as error:
            if error.errno != ENOENT:
                raise
            return b"(unreachable)/"

    def add(self, child: Mount, point: bytes) -> None:
        """Mount on a clean path of this mount, over what is there; an empty one is the mount's own root."""
        covered = self.children.get(point)
        if covered is not None:
            covered.add(child, b"")
            return
        child.parent = self
        child.point = point
        self.children[point] = child
        self._index()

    def remove(self, child: Mount) -> None:
        """Unmount; nothing is mounted on it."""
        del self.children[child.point]
        self._index()

    def crossing(self, path: bytes) -> tuple[Mount, bytes]:
        """The mount that a clean path ends in, and the rest of the path there. Symbolic links are not looked at."""
        mount = self
        while mount.children:
            over = mount.children.get(b"")
            if over is not None:
                mount = over
                continue
            for point in mount._firsts.get(path.partition(b"/")[0], ()):  # noqa: SLF001  # another of this class
                if path == point or path.startswith(point + b"/"):
                    mount, path = mount.children[point], path[len(point) + 1 :]
                    break
            else:
                break
        return mount, path

    def points_in(self, path: bytes) -> list[tuple[bytes, int]]:
        """Names of mount points in a directory of this mount, and their DT_ types: it may have no such names itself."""
        found = []
        for point, child in self.children.items():
            above, _, name = point.rpartition(b"/")
            if name and above == path:
                found.append((name, child.fs.stat(None, b"", follow=False).st_mode >> 12))
        return found

    def covers(self, path: bytes) -> bool:
        """Whether there are mounts below a clean path of this mount, or on it."""
        if not path:
            return bool(self.children)
        return any(point == path or point.startswith(path + b"/") for point in self.children)

    def renamed(self, old: bytes, new: bytes, *, exchange: bool) -> None:
        """A directory got another name, or two have exchanged theirs: mounts below go along."""
        before, self.children = self.children, {}
        for point, child in before.items():
            at = point
            if point.startswith(old + b"/"):
                at = new + point[len(old) :]
            elif exchange and point.startswith(new + b"/"):
                at = old + point[len(new) :]
            child.point = at
            self.children[at] = child
        self._index()

    def _index(self) -> None:
        self._firsts = {}
        for point in sorted(self.children, reverse=True):  # what lies deeper comes first
            if point:
                self._firsts.setdefault(point.partition(b"/")[0], []).append(point)

    def statfs_flags(self, flags: int) -> int:
        """f_flags: the mount's own, with the file system's others."""
        return flags & ~_OWN_ST | sum(st for ms, st in _STATFS if self.flags & ms)

    def shown_options(self) -> bytes:
        """As /proc/mounts has them: "rw,nosuid,relatime,size=1024k"."""
        words = [b"ro" if self.flags & MS_RDONLY else b"rw"]
        words += [
            word
            for flag, word in (
                (MS_NOSUID, b"nosuid"), (MS_NODEV, b"nodev"), (MS_NOEXEC, b"noexec"), (MS_RELATIME, b"relatime"),
            )
            if self.flags & flag
        ]  # fmt: skip
        return b",".join([*words, self.options] if self.options else words)


def _fstype_of(f_type: int) -> bytes:
    """The name in /proc/mounts of what statfs(2) gives a number for."""
    from pyuk.abi import magic  # noqa: PLC0415  # for /proc/mounts

    for name, number in vars(magic).items():
        if number == f_type and "_MAGIC" in name:
            word = name.partition("_")[0].lower()
            return {"ext2": "ext4", "overlayfs": "overlay", "v9fs": "9p", "msdos": "vfat"}.get(word, word).encode()
    return b"none"
