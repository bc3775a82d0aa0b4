"""timerfd_create(2): a timer whose expirations are read as a number (fs/timerfd.c).

An interval timer that has expired does not go on until it is looked at; the expirations in between are then worked out.
"""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EFAULT, EINVAL, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.poll import POLLIN
from pyuk.fs.anon import AnonFile
from pyuk.fs.file import scatter
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.scheduler import Alarm

_COUNTER_BYTES = 8
_NS = 1_000_000_000


class TimerFd(AnonFile):
    """One timer. `now_ns` reads the clock that absolute times are on.

    Invariants: `_alarm` is set exactly while the timer runs and its next expiration has not come; `_ticks` counts
    those that have come and were not read, the last of them unless it `_is_expired`, which is to be looked at.
    """

    __slots__ = (
        "_alarm", "_deadline_ns", "_interval_ns", "_is_expired", "_kernel", "_queue", "_set_flags", "_ticks",
        "clock", "now_ns",
    )  # fmt: skip
    kind = b"timerfd"
    waits_in = (b"timerfd_read_iter", b"0")

    def __init__(self, kernel: Kernel, now_ns: Callable[[], int], flags: int, clock: int = 0) -> None:
        """clock: the CLOCK_ of timerfd_create."""
        super().__init__(flags)
        self.clock = clock
        self._set_flags = 0
        self._kernel = kernel
        self.now_ns = now_ns
        self._queue = WaitQueue()
        self._alarm: Alarm | None = None
        self._deadline_ns: int | None = None  # on the monotonic clock
        self._interval_ns = 0
        self._is_expired = False
        self._ticks = 0

    def set(self, value_ns: int, interval_ns: int, *, is_absolute: bool) -> tuple[int, int]:
        """Begin anew, or stop with a value of 0; gives the old time left and interval."""
        old = self.get()
        self._set_flags = int(is_absolute)
        self._disarm()
        self._ticks, self._interval_ns = 0, interval_ns
        if value_ns:
            self._arm(self._monotonic_ns() + value_ns - (self.now_ns() if is_absolute else 0))
        return old

    def get(self) -> tuple[int, int]:
        """The time to the next expiration, 0 if there is none, and the interval."""
        self._catch_up()
        self._forward()
        left_ns = 0 if self._deadline_ns is None else max(0, self._deadline_ns - self._monotonic_ns())
        return left_ns, self._interval_ns

    def _monotonic_ns(self) -> int:
        return self._kernel.clock.monotonic_ns()

    def _arm(self, deadline_ns: int) -> None:
        self._deadline_ns = deadline_ns
        self._alarm = self._kernel.scheduler.at(deadline_ns, self._expire)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = self._deadline_ns = None
        self._is_expired = False

    def _expire(self) -> None:
        self._alarm = None
        self._is_expired = True
        self._ticks += 1
        self._queue.wake(POLLIN)

    def _catch_up(self) -> None:
        """The time may have come since the scheduler has looked."""
        if self._alarm is not None and self._deadline_ns is not None and self._deadline_ns <= self._monotonic_ns():
            self._alarm.cancel()
            self._expire()

    def _forward(self) -> None:
        """An interval timer that has expired goes on behind the present (hrtimer_forward)."""
        if self._is_expired and self._interval_ns and self._deadline_ns is not None:
            n_passed = max(1, (self._monotonic_ns() - self._deadline_ns) // self._interval_ns + 1)
            self._ticks += n_passed - 1
            self._arm(self._deadline_ns + n_passed * self._interval_ns)
        self._is_expired = False

    def read(self, slices: list[memoryview]) -> int:
        """The number of expirations since the last read. Errors: EINVAL no room for 8 bytes, EAGAIN none."""
        if sum(map(len, slices)) < _COUNTER_BYTES:
            raise SyscallError(EINVAL)
        return scatter(slices, self._take().to_bytes(_COUNTER_BYTES, "little"))

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """It is taken before it is copied."""
        if n_bytes < _COUNTER_BYTES:
            raise SyscallError(EINVAL)
        self._take()
        raise SyscallError(EFAULT)

    def _take(self) -> int:
        self._catch_up()
        if not self._ticks:
            raise SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(self._queue)
        self._forward()
        ticks, self._ticks = self._ticks, 0
        return ticks

    def fdinfo(self) -> bytes:
        """See OpenFile."""
        ticks = self._ticks
        left_ns, interval_ns = self.get()
        return b"clockid: %d\nticks: %d\nsettime flags: 0%o\nit_value: (%d, %d)\nit_interval: (%d, %d)\n" % (
            self.clock, ticks, self._set_flags, *divmod(left_ns, _NS), *divmod(interval_ns, _NS),
        )  # fmt: skip

    def poll(self) -> int:
        """Whether it has expired."""
        self._catch_up()
        return POLLIN if self._ticks else 0

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Told when it expires."""
        return (self._queue,)

    def close(self) -> None:
        """Nobody asks any more."""
        self._disarm()
