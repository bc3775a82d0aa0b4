"""poll(2), ppoll(2)."""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINVAL, ERESTART_RESTARTBLOCK, SyscallError
from pyuk.abi.poll import POLLERR, POLLHUP, POLLNVAL
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.syscalls.polling import Polling, Timeout, borrow_mask, pollable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, IntArg, PollResult, PpollResult, SizeArg, UIntArg
    from pyuk.abi.kinds import IN, SignalSet, StructAt
    from pyuk.abi.structs import POLLFD, TIMESPEC
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_POLLFD = struct.Struct("<iHH")
_REVENTS_AT = 6
_ALWAYS = POLLERR | POLLHUP
_NS_PER_MS = 1_000_000


@syscall("poll")
def sys_poll(
    task: Task, ufds: Annotated[UserAddr, StructAt(IN, POLLFD, "nfds")], nfds: UIntArg, timeout_msecs: IntArg
) -> PollResult:
    """Wait for one of several files. Errors: EINVAL nfds above RLIMIT_NOFILE, EFAULT, EINTR."""
    asked = _read(task, ufds, nfds)
    task.kernel.scheduler.look()
    n_ready = _scan(task, ufds, asked)
    if n_ready:
        return n_ready
    timeout = Timeout(task, timeout_msecs * _NS_PER_MS if timeout_msecs >= 0 else None)
    return Poll(task, timeout, ufds, nfds, asked, restarts=True).run()


@syscall("ppoll")
def sys_ppoll(
    task: Task, ufds: Annotated[UserAddr, StructAt(IN, POLLFD, "nfds")], nfds: UIntArg,
    tsp: Annotated[UserAddr, StructAt(IN, TIMESPEC)], sigmask: Annotated[UserAddr, SignalSet(IN, "sigsetsize")],
    sigsetsize: SizeArg,
) -> PpollResult:  # fmt: skip
    """The same with a finer time-out, which is told what is left, and another signal mask. Errors: EINVAL those too."""
    timeout = Timeout.timespec(task, tsp, update=True)
    borrow_mask(task, sigmask, sigsetsize)
    return Poll(task, timeout, ufds, nfds).run()


def _read(task: Task, address: UserAddr, n_fds: int) -> list[tuple[int, int]]:
    """The pairs of descriptor and events."""
    if n_fds > task.limits.soft[RLIMIT_NOFILE]:
        raise SyscallError(EINVAL)
    data = task.mem.read(address, _POLLFD.size * n_fds) if n_fds else b""
    return [(fd, events | _ALWAYS) for fd, events, _revents in _POLLFD.iter_unpack(data)]


def _scan(task: Task, address: UserAddr, asked: list[tuple[int, int]]) -> int:
    """How many have something to tell; then all answers are written."""
    answers = []
    for fd, events in asked:
        file = pollable(task, fd) if fd >= 0 else None
        answers.append(file.poll() & events if file is not None else POLLNVAL if fd >= 0 else 0)
    n_ready = len(answers) - answers.count(0)
    if n_ready:
        _tell(task, address, answers)
    return n_ready


def _tell(task: Task, address: UserAddr, answers: list[int]) -> None:
    """Write revents alone: the rest of the array may have been changed by another thread."""
    at = address + _REVENTS_AT
    for revents in answers:
        task.mem.write(at, revents.to_bytes(2, "little"))
        at += _POLLFD.size


class Poll(Polling):
    """The pairs of descriptor and events as they were read, and where the answers go."""

    __slots__ = ("_address", "_asked", "_n_fds", "_restarts")

    def __init__(
        self, task: Task, timeout: Timeout, address: UserAddr, n_fds: int, asked: list[tuple[int, int]] | None = None,
        *, restarts: bool = False,
    ) -> None:  # fmt: skip
        """asked: the array, where it has been read."""
        super().__init__(task, timeout)
        self._address = address
        self._n_fds = n_fds
        self._restarts = restarts
        self._asked = asked or []

    def prepare(self) -> None:
        """Read the array."""
        if not self._asked:
            self._asked = _read(self.task, self._address, self._n_fds)

    def scan(self) -> int:
        """All answers are written when one is not 0."""
        return _scan(self.task, self._address, self._asked)

    def tell_nothing(self) -> int:
        """No events anywhere."""
        _tell(self.task, self._address, [0] * len(self._asked))
        return 0

    def asked(self) -> dict[int, int]:
        """Those that are not negative."""
        found: dict[int, int] = {}
        for fd, events in self._asked:
            if fd >= 0:
                found[fd] = found.get(fd, 0) | events
        return found

    def interruption(self) -> SyscallError:
        """poll(2) goes on until its time, where no handler runs."""
        if not self._restarts:
            return super().interruption()
        self.task.restart = Poll(self.task, self.timeout, self._address, self._n_fds, restarts=True).run
        return SyscallError(ERESTART_RESTARTBLOCK)
