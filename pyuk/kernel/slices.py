"""Time slices that a seed chooses, in executed blocks of code: the same in every run, others with another seed."""

from __future__ import annotations

from pyuk.kernel.runqueue import NICE_0, weight_of
from pyuk.kernel.virtual import NS_PER_BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.scheduler import Scheduler
    from pyuk.machine.blocks import BlockCounter

_SHORTEST_BITS, _N_BITS = 4, 13
"""From 16 to 131,071 blocks, each power of two as likely as the others: short ones find races, long ones get on."""
_MASK = (1 << 64) - 1


class Slices:
    """Grants slices to whoever gets the CPU. The stream of numbers is xorshift64* (Vigna 2016)."""

    def __init__(self, seed: int, blocks: BlockCounter, scheduler: Scheduler) -> None:
        self._state = (seed + 1) * 0x9E37_79B9_7F4A_7C15 & _MASK or 1
        self._blocks = blocks
        self._scheduler = scheduler
        for _ in range(8):
            self._draw()

    def _draw(self) -> int:
        state = self._state
        state ^= state >> 12
        state ^= state << 25 & _MASK
        state ^= state >> 27
        self._state = state
        return state * 0x2545_F491_4F6C_DD1D >> 32 & 0xFFFF_FFFF

    def begin(self) -> None:
        """A slice begins. It ends in time for the first timer."""
        number = self._draw()
        shortest = 1 << _SHORTEST_BITS + number % _N_BITS
        n_blocks = shortest + (number >> 8) % shortest
        running = self._scheduler.running
        if running is not None and running.nice:
            n_blocks = n_blocks * weight_of(running) // NICE_0 + 1
        left_ns = self._scheduler.left_ns()
        if left_ns is not None:
            n_blocks = min(n_blocks, left_ns // NS_PER_BLOCK + 1)
        self._blocks.grant(n_blocks)
