"""The locks of flock(2) on a file that is the guests' alone."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, SyscallError
from pyuk.abi.fcntl import LOCK_EX, LOCK_NB, LOCK_UN
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile


class Flocks:
    """Who holds a lock on one file. Invariant: one exclusive holder, or any number of shared ones."""

    __slots__ = ("_changed", "_exclusive")

    def __init__(self) -> None:
        self._exclusive: dict[OpenFile, bool] = {}
        self._changed = WaitQueue()

    def apply(self, owner: OpenFile, operation: int) -> None:
        """As flock(2): a lock that is converted is given up first (fs/locks.c, flock_lock_inode). Errors: EAGAIN."""
        exclusive = operation & ~LOCK_NB == LOCK_EX
        if operation & ~LOCK_NB == LOCK_UN:
            self.drop(owner)
        elif self._exclusive.get(owner) is not exclusive:
            self.drop(owner)
            if any(exclusive or other for other in self._exclusive.values()):
                if operation & LOCK_NB:
                    raise SyscallError(EAGAIN)
                raise WouldBlock(self._changed)
            self._exclusive[owner] = exclusive

    def drop(self, owner: OpenFile) -> None:
        """Give up what the owner holds."""
        if self._exclusive.pop(owner, None) is not None:
            self._changed.wake()
