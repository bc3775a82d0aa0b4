"""The timer that ends time slices: a thread that stops the engine now and then while a guest runs."""

from __future__ import annotations

import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_EARLY_SLICE_S, _SLICE_S = 0.004, 0.02
_N_EARLY = 16


class Ticker:
    """Calls `stop` every few milliseconds between `arm` and `disarm`.

    It must be periodic: a stop that falls between two emu_start calls is lost. The thread begins
    with the first `arm` and sleeps in a lock, so it costs nothing while nothing runs.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._armed = _thread.allocate_lock()  # held while no guest runs
        self._armed.acquire()
        self._pause = _thread.allocate_lock()  # always held: acquiring it with a timeout is the sleep
        self._pause.acquire()
        self._stopping = _thread.allocate_lock()  # held during `stop`, so that `close` can wait for its end
        self._started = self._running = self._closed = False
        self._n_ticks = 0

    def arm(self) -> None:
        """A guest begins to run."""
        self._running = True
        if not self._started:
            self._started = True
            _thread.start_new_thread(self._loop, ())
        if self._armed.locked():
            self._armed.release()

    def disarm(self) -> None:
        """No guest runs any more."""
        self._running = False

    def hurry(self) -> None:
        """Begin with short slices again."""
        self._n_ticks = 0

    def close(self) -> None:
        """End the thread; there is no `stop` after this."""
        with self._stopping:
            self._closed = True
        self._running = False
        if self._armed.locked():
            self._armed.release()
        if self._pause.locked():
            self._pause.release()

    def _loop(self) -> None:
        while True:
            if not self._running:
                self._armed.acquire()
            else:
                self._pause.acquire(timeout=_EARLY_SLICE_S if self._n_ticks < _N_EARLY else _SLICE_S)
                self._n_ticks += 1
            with self._stopping:
                if self._closed:
                    return
                if self._running:
                    self._stop()
