"""The mount table: which file systems make up what processes see as their tree (mount_namespaces(7))."""

from __future__ import annotations

from pyuk.fs.mount import Mount
from pyuk.fs.place import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyuk.fs.filesystem import FileSystem

_FIRST_ID = 20
"""Mount ids are numbered from here, so that traces repeat."""


class Namespace:
    """All mounts, from the one on `/` on. Points are clean paths of their parent mount, and no symbolic links."""

    __slots__ = ("_next_id", "place", "root")

    root: Mount

    def __init__(self) -> None:
        self._next_id = _FIRST_ID
        self.place = Place
        """What paths become; another class while somebody watches files (watched.py)."""

    def mount(
        self, path: bytes, make: Callable[[], FileSystem], fstype: bytes, *, source: bytes = b"none", flags: int = 0,
        options: bytes = b"",
    ) -> Mount:  # fmt: skip
        """Put a file system on a clean absolute path. make: called when a path first leads there."""
        mount = Mount(self._next_id, fstype, source, flags, make, options=options)
        self._next_id += 1
        if path == b"/" and mount.id == _FIRST_ID:
            self.root = mount
        else:
            parent, point = self.root.crossing(path[1:])
            parent.add(mount, point)
        return mount

    def mounts(self) -> Iterator[Mount]:
        """All, each after the one it is mounted on, in the order they were made."""
        found, ahead = [], [self.root]
        while ahead:
            mount = ahead.pop()
            found.append(mount)
            ahead.extend(mount.children.values())
        return iter(sorted(found, key=_id))

    def close(self) -> None:
        """Let go of all file systems: no process is left."""
        for mount in self.mounts():
            mount.close()


def _id(mount: Mount) -> int:
    return mount.id
