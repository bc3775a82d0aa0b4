"""The timer that ends time slices: a thread that stops the engine now and then while a guest runs."""

from __future__ import annotations

import _thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_EARLY_SLICE_S, _SLICE_S, _URGENT_S, _SHORTEST_S = 0.004, 0.02, 0.001, 0.00005
_N_EARLY = 16
_LAZY_S = 0.01


class Ticker:
    """Calls `stop` between `arm` and `disarm`, when `plan` says.

    A stop that falls between two emu_start calls is lost: there must always be a next one. The thread begins with the
    first `arm` and sleeps in a lock, so it costs nothing while nothing runs.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self.plan: Callable[[], float] = lambda: _SLICE_S
        """In how many seconds the next tick is needed. Called in the ticker's thread, with the interpreter's lock."""
        self.is_lazy = False
        """The next tick is so far off that whoever needs one before should `kick`."""
        self._armed = _thread.allocate_lock()  # held while no guest runs
        self._armed.acquire()
        self._pause = _thread.allocate_lock()  # always held: acquiring it with a timeout is the sleep
        self._pause.acquire()
        self._stopping = _thread.allocate_lock()  # held during `stop`, so that `close` can wait for its end
        self._started = self._running = self._closed = False
        self._is_urgent = False
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
        self._running = self._is_urgent = False

    def hurry(self) -> None:
        """Begin with short slices again."""
        self._n_ticks = 0

    def kick(self) -> None:
        """Plan anew."""
        if self._pause.locked():
            try:
                self._pause.release()
            except RuntimeError:  # somebody else has
                pass

    def interrupt(self) -> None:
        """Tick at once, and again until `seen`. Any thread may call this."""
        self._is_urgent = True
        self.kick()

    def seen(self) -> None:
        """The guest has stopped."""
        self._is_urgent = False

    def close(self) -> None:
        """End the thread; there is no `stop` after this."""
        with self._stopping:
            self._closed = True
        self._running = False
        if self._armed.locked():
            self._armed.release()
        self.kick()

    def _loop(self) -> None:
        while True:
            if self._running:
                kicked = self._pause.acquire(timeout=self._next_s())
                if kicked and not self._is_urgent and not self._closed:
                    continue
                self._n_ticks += 1
            else:
                self.is_lazy = False
                self._armed.acquire()
                if not self._closed:
                    continue
            with self._stopping:
                if self._closed:
                    return
                if self._running:
                    self._stop()

    def _next_s(self) -> float:
        if self._is_urgent:
            return _URGENT_S
        seconds = _EARLY_SLICE_S if self._n_ticks < _N_EARLY else self.plan()
        self.is_lazy = seconds > _LAZY_S
        return max(seconds, _SHORTEST_S)
