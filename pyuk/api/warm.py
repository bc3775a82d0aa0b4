"""Platforms that stay warm: the next run in this Python process finds files read and code translated."""

from __future__ import annotations

import _thread

from pyuk import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.mm.space import AddressSpace

_N_KEPT = 4


class Platform(system.Platform):
    """With the address spaces of ended processes that nobody asks about any more."""

    def __init__(self, memory_bytes: int, *, counts_blocks: bool = False) -> None:
        super().__init__(memory_bytes, counts_blocks=counts_blocks)
        self.kind = memory_bytes, counts_blocks
        self.left: list[AddressSpace] = []

    def clear(self) -> None:
        """Free what was left; no guest runs now."""
        while self.left:
            space = self.left.pop()
            self.machine.cpu.unload_space(space.page_table)
            space.destroy()


_free: list[Platform] = []
_lock = _thread.allocate_lock()


def take(memory_bytes: int, *, counts_blocks: bool = False) -> Platform:
    """One that nobody uses, new if need be."""
    with _lock:
        for platform in reversed(_free):
            if platform.kind == (memory_bytes, counts_blocks):
                _free.remove(platform)
                break
        else:
            return Platform(memory_bytes, counts_blocks=counts_blocks)
    platform.clear()
    return platform


def give_back(platform: Platform) -> None:
    """No guest of it lives; what it knows of files and code is for whoever takes it next."""
    with _lock:
        _free.append(platform)
        surplus = _free.pop(0) if len(_free) > _N_KEPT else None
    if surplus is not None:
        surplus.clear()
        surplus.close()
