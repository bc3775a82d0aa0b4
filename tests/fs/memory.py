"""A tmpfs without a machine: RAM is real, and nobody maps it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from pyuk.fs.filesystem import LinkMet
from pyuk.fs.tmpfs import TmpFs
from pyuk.fs.tmpnode import Volume
from pyuk.machine.ram import Ram
from pyuk.mm.pagecache import PageCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem

RAM_BYTES = 64 << 20
_MAX_LINKS = 40


class Machine:
    """What a page cache needs of one."""

    def __init__(self, n_bytes: int = RAM_BYTES) -> None:
        self.ram = Ram(n_bytes)

    def drop_translations(self, frames: list[int]) -> None:
        """No CPU has any."""


class Someone:
    """Credentials: root has all capabilities, others have none. The real ids stay this process's own."""

    def __init__(self, fsuid: int = 0, fsgid: int = 0) -> None:
        self.uid, self.gid = os.getuid(), os.getgid()
        self.fsuid, self.fsgid = fsuid, fsgid
        self.groups = os.getgroups()
        self.permitted = -1 if self.uid == 0 else 0

    def has(self, _capability: int) -> bool:
        return self.fsuid == 0


class Maker:
    """Makes tmpfs with one page cache; `who` is who asks."""

    def __init__(self) -> None:
        self.cache = PageCache(Machine())  # type: ignore[arg-type]
        self.who = Someone(os.geteuid(), os.getegid())
        self.n_made = 0

    def tmpfs(self, **options: Any) -> TmpFs:
        """A new one, which belongs to this process's user; options are Volume's."""
        self.n_made += 1
        system = TmpFs(Volume(self.cache, 100 + self.n_made, lambda: self.who, time.time_ns, **options))
        system.root.st_uid, system.root.st_gid = os.geteuid(), os.getegid()
        return system


def reach(system: FileSystem, path: bytes, operation: Callable[[bytes], Any], *, follow: bool = True) -> Any:
    """Do an operation on a path as a namespace does it: links on the way are replaced by their targets.

    Targets are relative and have no `..`.
    """
    for _ in range(_MAX_LINKS + 1):
        try:
            return operation(path)
        except LinkMet:
            met = system.walk(None, path, follow=follow)
            if met is None:
                met = system.walk(None, path, follow=True)
            assert met is not None
            end, target = met
            assert isinstance(target, bytes)
            above = path[:end].rpartition(b"/")[0]
            path = b"/".join(part for part in (above, target, path[end + 1 :]) if part)
    raise LinkMet


def contents(file: OpenFile) -> bytes:
    """All of an open file."""
    buffer = bytearray(file.stat().st_size)
    assert file.pread([memoryview(buffer)], 0) == len(buffer)
    return bytes(buffer)
