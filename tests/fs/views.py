"""Views of a host directory, for tests of paths: with the host's /proc and no process."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pyuk.fs.context import FsContext
from pyuk.fs.filesystem import FileSystem
from pyuk.fs.hostfs import HostFs
from pyuk.fs.permission import ROOT
from pyuk.fs.tmpfs import TmpFs
from pyuk.fs.tmpnode import Volume
from pyuk.fs.view import BIND, TMPFS, MountSpec, View
from pyuk.machine.machine import Machine
from pyuk.mm.pagecache import PageCache

_machines: list[Machine] = []


class Makers:
    """fs.view.Makers without a kernel: everything belongs to root."""

    def __init__(self, *, opens_beneath: bool | None = None) -> None:
        self._opens_beneath = opens_beneath
        self._n_made = 0

    def host(self, path: bytes) -> HostFs:
        """A directory of the host."""
        return HostFs(path, opens_beneath=self._opens_beneath)

    def tmpfs(self) -> TmpFs:
        """Memory of one machine that all tests share."""
        if not _machines:
            _machines.append(Machine(1 << 26))
        self._n_made += 1
        return TmpFs(Volume(PageCache(_machines[0]), 0xFFF00000 + self._n_made, lambda: ROOT, time.time_ns))

    def overlay(self, lower: HostFs, upper: HostFs | None) -> FileSystem:
        """Not needed here."""
        raise NotImplementedError

    proc = sysfs = dev = devpts = tmpfs


def plain(directory: bytes, makers: Makers) -> FsContext:
    """The host's tree as it is, from a directory."""
    return _context(View(makers, [MountSpec(BIND, b"/", b"/")]), directory)


def bound_over_memory(directory: bytes, makers: Makers) -> FsContext:
    """Memory for a tree, in which the one above the directory is a mount of its own."""
    above = bytes(Path(os.fsdecode(directory)).parent)
    specs = [MountSpec(TMPFS, b"/"), MountSpec(BIND, above, above)]
    return _context(View(makers, specs), directory)


def _context(view: View, directory: bytes) -> FsContext:
    umask = os.umask(0o077)
    os.umask(umask)
    context = FsContext(view.namespace, None, umask)
    context.chdir(os.path.realpath(directory))
    return context
