"""An open(2) of an overlay's FIFO that waits for the other end."""

from __future__ import annotations

from pyuk.fs.fifo import FifoWait
from pyuk.fs.overlayfile import OverlayFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.fifo import Opening
    from pyuk.fs.file import OpenFile
    from pyuk.fs.overlay import OverlayFs


class OverlayFifoOpening:
    """That of the upper's FIFO, whose file becomes the overlay's."""

    __slots__ = ("_flags", "_path", "_real", "_system")

    def __init__(self, system: OverlayFs, path: bytes, flags: int, real: Opening) -> None:
        """The real opening becomes this one's."""
        self._system = system
        self._path = path
        self._flags = flags
        self._real = real

    def waiting(self, waits: FifoWait) -> FifoWait:
        """What to raise, given what the real one raises."""
        return FifoWait(self, *waits.queues, events=waits.events, retry_ns=waits.retry_ns)

    def take(self) -> OpenFile:
        """The open file, once. Raises FifoWait while nobody has come."""
        try:
            real = self._real.take()
        except FifoWait as waits:
            raise self.waiting(waits) from None
        return OverlayFile(self._system, self._path, self._flags, real, is_upper=True)

    def close(self) -> None:
        """Nobody waits for it any more."""
        self._real.close()
