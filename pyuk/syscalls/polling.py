"""What the calls that wait for several files share: the borrowed signal mask, the time-out, and the sleep."""

from __future__ import annotations

from pyuk.abi.errno import EINTR, EINVAL, ERESTARTNOHAND, SyscallError
from pyuk.abi.structs import TIMESPEC, TIMEVAL
from pyuk.abi.time import NSEC_PER_SEC, USEC_PER_SEC
from pyuk.kernel import signals
from pyuk.kernel.task import SIGNAL_PENDING
from pyuk.wait.park import Park, WouldBlock
from pyuk.wait.queue import Narrowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.structs import Struct
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task
    from pyuk.wait.queue import WaitQueue

_SIGSET_BYTES = 8
_KTIME_MAX = (1 << 63) - 1


def borrow_mask(task: Task, address: UserAddr | int, n_bytes: int) -> None:
    """Another signal mask for this call, if any is given (set_user_sigmask). Errors: EINVAL, EFAULT."""
    if not address:
        return
    if n_bytes != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    mask = task.mem.read_u64(address)
    task.restore_blocked = task.blocked
    signals.set_blocked(task, mask)


def give_mask_back(task: Task) -> None:
    """The call's own mask again."""
    if task.restore_blocked is not None:
        mask, task.restore_blocked = task.restore_blocked, None
        signals.set_blocked(task, mask)


class Timeout:
    """How long a call may wait: `deadline_ns` on the monotonic clock, or None; what is left is written back.

    is_zero: it does not wait, and its time is not touched (fs/select.c, poll_select_finish).
    """

    __slots__ = ("_address", "_struct", "_task", "deadline_ns", "is_zero")

    def __init__(self, task: Task, duration_ns: int | None, address: int = 0, struct: Struct = TIMESPEC) -> None:
        """address: of the struct timespec or timeval to be updated, 0 for none."""
        self._task = task
        self._address = address
        self._struct = struct
        self.is_zero = duration_ns == 0
        now_ns = 0 if not duration_ns else task.kernel.clock.monotonic_ns()
        self.deadline_ns = None if duration_ns is None else min(now_ns + duration_ns, _KTIME_MAX)

    @classmethod
    def timespec(cls, task: Task, address: UserAddr, *, update: bool) -> Timeout:
        """Of a struct timespec; NULL waits for ever. Errors: EFAULT, EINVAL."""
        if not address:
            return cls(task, None)
        seconds, nanoseconds = TIMESPEC.unpack(task.mem.read(address, TIMESPEC.size))
        if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
            raise SyscallError(EINVAL)
        return cls(task, seconds * NSEC_PER_SEC + nanoseconds, address if update else 0)

    @classmethod
    def timeval(cls, task: Task, address: UserAddr) -> Timeout:
        """Of a struct timeval, whose microseconds may be more than a second's. Errors: EFAULT, EINVAL."""
        if not address:
            return cls(task, None)
        seconds, microseconds = TIMEVAL.unpack(task.mem.read(address, TIMEVAL.size))
        carry = microseconds // USEC_PER_SEC if microseconds >= 0 else 0
        if microseconds < 0 or not 0 <= seconds + carry < 1 << 63:
            raise SyscallError(EINVAL)
        return cls(task, seconds * NSEC_PER_SEC + microseconds * 1000, address, TIMEVAL)

    def write_left(self) -> bool:
        """Tell what is left. False: it could not be written, so the call cannot be made again."""
        if not self._address or self.is_zero or self.deadline_ns is None:
            return True
        left_ns = max(0, self.deadline_ns - self._task.kernel.clock.monotonic_ns())
        seconds, nanoseconds = divmod(left_ns, NSEC_PER_SEC)
        fraction = nanoseconds if self._struct is TIMESPEC else nanoseconds // 1000
        try:
            self._task.mem.write(self._address, self._struct.pack(seconds, fraction))
        except SyscallError:
            return False
        return True


class Polling:
    """An Operation that waits until something is ready.

    The files are pinned while it sleeps, and their numbers looked up at each scan, as on Linux (fs/select.c, do_poll).
    """

    __slots__ = ("_events", "_held", "_is_interrupted", "_queues", "task", "timeout")

    def __init__(self, task: Task, timeout: Timeout) -> None:
        self.task = task
        self.timeout = timeout
        self._held: list[OpenFile] = []
        self._queues: tuple[WaitQueue, ...] = ()
        self._events = 0
        """Those that help in all the queues, 0 for any."""
        self._is_interrupted = False

    # What each call does its own way

    def prepare(self) -> None:
        """Read and check what has not been yet."""

    def scan(self) -> int:
        """How many are ready, once the caller has been told which; 0 tells nothing."""
        raise NotImplementedError

    def asked(self) -> dict[int, int]:
        """The descriptors that are waited for, each with its events."""
        raise NotImplementedError

    def tell_nothing(self) -> int:
        """The time is over: the result, once the caller has been told that nothing is ready."""
        return 0

    def interruption(self) -> SyscallError:
        """How the call ends where a signal has come."""
        return SyscallError(ERESTARTNOHAND)

    # What they have in common

    def run(self) -> int:
        """Look, and sleep where nothing is ready. Gives the call's result, or raises Park."""
        try:
            result = self._first()
        except SyscallError:
            if not self._is_interrupted:
                self.timeout.write_left()
            self.close()
            raise
        self.close()
        return result

    def _first(self) -> int:
        self.prepare()
        self.task.kernel.scheduler.look()
        n_ready = self._scan()
        if n_ready:
            return n_ready
        if self.task.work & SIGNAL_PENDING:
            return self.interrupted()
        if self.timeout.is_zero:
            return self.tell_nothing()
        self._pin()
        raise Park(self, self._queues, deadline_ns=self.timeout.deadline_ns, events=self._events)

    def _pin(self) -> None:
        queues: dict[WaitQueue, int] = {}
        for fd, events in self.asked().items():
            file = pollable(self.task, fd)
            if file is not None:
                self._held.append(file.hold())
                for queue in file.poll_queues():
                    queues[queue] = queues.get(queue, 0) | events
        kinds = set(queues.values())
        if len(kinds) <= 1:
            self._queues, self._events = tuple(queues), kinds.pop() if kinds else 0
        else:  # what may always be written to must not wake who waits to read there
            self._queues = tuple(Narrowed(queue, events) for queue, events in queues.items())

    def _scan(self) -> int:
        n_ready = self.scan()
        if n_ready:
            self.timeout.write_left()
        return n_ready

    def step(self) -> int:
        """Look again."""
        n_ready = self._scan()
        if not n_ready:
            raise WouldBlock(*self._queues, events=self._events)
        return n_ready

    def timed_out(self) -> int:
        """What is ready by now still counts."""
        n_ready = self._scan()
        if not n_ready:
            self.timeout.write_left()
            n_ready = self.tell_nothing()
        return n_ready

    def interrupted(self) -> int:
        """The mask stays borrowed for the handler. Where the time left cannot be told, the call is not made again."""
        self._is_interrupted = True
        if not self.timeout.write_left():
            raise SyscallError(EINTR)
        raise self.interruption()

    def close(self) -> None:
        """Unpin the files, and give the mask back."""
        held, self._held = self._held, []
        for file in held:
            file.release()
        if not self._is_interrupted:
            give_mask_back(self.task)


def pollable(task: Task, fd: int) -> OpenFile | None:
    """The file of a descriptor, None where there is none that can be used."""
    try:
        return task.files.get(fd)
    except SyscallError:
        return None
