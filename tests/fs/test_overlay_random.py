"""Random sequences of operations on an overlay and on a plain copy of its lower: nobody can tell the two apart.

The lower is afterwards what it was.
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.fs.hostfs import HostFs
from pyuk.fs.overlay import OverlayFs
from pyuk.fs.overlayupper import HostUpper, MemoryUpper, Upper
from pyuk.fs.permission import ROOT
from tests.fs.memory import Maker
from tests.fs.sides import Guest, Native, play, remove
from tests.fs.test_tmpfs_random import SHM, START, STEPS, pytestmark  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Sequence


def _play(steps: Sequence[tuple[str | int | bytes, ...]], *, in_memory: bool) -> None:
    maker = Maker()
    root = tempfile.mkdtemp(dir=SHM)
    places = [f"{root}/{name}" for name in ("native", "lower", "upper")]
    for place in places:
        os.mkdir(place)  # noqa: PTH102
        os.chmod(place, 0o1777)  # noqa: S103, PTH101
    before = os.umask(0o022)
    native, lower = Native(places[0]), Native(places[1])
    try:
        for side in (native, lower):
            for step in START:
                side.do(*step)
            for handle in side.handles:
                os.close(handle)
            side.handles.clear()
        was = lower.tree()
        upper: Upper
        if in_memory:
            memory = maker.tmpfs(has_user_xattrs=True)
            memory.volume.creds = lambda: ROOT
            upper = MemoryUpper(memory)
        else:
            upper = HostUpper(HostFs(places[2].encode(), has_devices=True))
        overlay = OverlayFs(HostFs(places[1].encode()), upper, lambda: maker.who)
        guest = Guest(overlay, maker)
        play(native, guest, steps, is_overlay=True)
        guest.end()
        assert not overlay.opened
        guest.empty()
        overlay.close()
        assert maker.cache.ram.n_used == 0
        assert [(path, status[:-2], text) for path, status, text in lower.tree()] == [
            (path, status[:-2], text) for path, status, text in was
        ]
    finally:
        os.umask(before)
        native.end()
        lower.end()
        remove(root)


@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_changes_in_memory(steps: list[tuple[str | int | bytes, ...]]) -> None:
    """With the upper in memory: nothing of it is left either."""
    _play(steps, in_memory=True)


@pytest.mark.skipif(os.getuid() != 0, reason="what others own can be copied to a host's directory only by root")
@settings(deadline=None, max_examples=150)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_changes_in_a_directory(steps: list[tuple[str | int | bytes, ...]]) -> None:
    """With the upper in a directory of the host's."""
    _play(steps, in_memory=False)
