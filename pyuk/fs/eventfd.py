"""eventfd(2): a counter that can be waited for (fs/eventfd.c)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EFAULT, EINVAL, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK
from pyuk.abi.poll import POLLERR, POLLIN, POLLOUT
from pyuk.fs.anon import AnonFile
from pyuk.fs.file import scatter
from pyuk.wait.park import WouldBlock
from pyuk.wait.queue import WaitQueue

_COUNTER_BYTES = 8
_MAX = (1 << 64) - 1


class EventFd(AnonFile):
    """The counter: 0 <= count < 2**64 - 1. Reads take it (or 1 of it, as a semaphore), writes add to it."""

    __slots__ = ("_count", "_is_semaphore", "_queue")
    kind = b"eventfd"
    waits_in = (b"eventfd_read", b"eventfd_write")

    def __init__(self, count: int, flags: int, *, is_semaphore: bool) -> None:
        super().__init__(flags)
        self._count = count
        self._is_semaphore = is_semaphore
        self._queue = WaitQueue()

    def read(self, slices: list[memoryview]) -> int:
        """The counter, or 1. Errors: EINVAL no room for 8 bytes, EAGAIN it is 0."""
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
        if not self._count:
            raise self._blocked()
        taken = 1 if self._is_semaphore else self._count
        self._count -= taken
        self._queue.wake(POLLOUT)
        return taken

    def write(self, slices: list[memoryview]) -> int:
        """Add. Errors: EINVAL fewer than 8 bytes, or 2**64 - 1; EAGAIN the counter would pass its end."""
        data = b"".join(slices)[:_COUNTER_BYTES]
        if len(data) < _COUNTER_BYTES:
            raise SyscallError(EINVAL)
        more = int.from_bytes(data, "little")
        if more == _MAX:
            raise SyscallError(EINVAL)
        if _MAX - self._count <= more:
            raise self._blocked()
        self._count += more
        self._queue.wake(POLLIN)
        return _COUNTER_BYTES

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """The number of bytes is looked at before they are."""
        raise SyscallError(EFAULT if n_bytes >= _COUNTER_BYTES else EINVAL)

    def _blocked(self) -> Exception:
        return SyscallError(EAGAIN) if self.flags & O_NONBLOCK else WouldBlock(self._queue)

    def fdinfo(self) -> bytes:
        """See OpenFile. Every eventfd has an id; these are not numbered."""
        return b"eventfd-count: %16x\neventfd-id: 0\n" % self._count

    def poll(self) -> int:
        """POLLERR is a counter at its end, where only the kernel can bring it."""
        count = self._count
        return (POLLIN if count else 0) | (POLLOUT if count < _MAX - 1 else 0) | (POLLERR if count == _MAX else 0)

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """One for both directions."""
        return (self._queue,)
