"""select(2), pselect6(2)."""

from __future__ import annotations

from pyuk.abi.errno import EBADF, EINVAL, SyscallError
from pyuk.abi.poll import (
    POLLERR,
    POLLHUP,
    POLLIN,
    POLLNVAL,
    POLLOUT,
    POLLPRI,
    POLLRDBAND,
    POLLRDNORM,
    POLLWRBAND,
    POLLWRNORM,
)  # fmt: skip
from pyuk.abi.syscall import syscall
from pyuk.syscalls.polling import Polling, Timeout, borrow_mask, pollable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdSetArg, IntArg, PselectResult, SelectResult
    from pyuk.abi.kinds import IN, SignalSetPack, StructAt
    from pyuk.abi.structs import TIMESPEC, TIMEVAL
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

# fs/select.c: POLLIN_SET, POLLOUT_SET, POLLEX_SET
_IN = POLLNVAL | POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR
_OUT = POLLNVAL | POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR
_EXCEPT = POLLNVAL | POLLPRI
_SETS = (_IN, _OUT, _EXCEPT)
_LONG_BITS, _LONG_BYTES = 64, 8


@syscall("select")
def sys_select(
    task: Task, n: IntArg, inp: FdSetArg, outp: FdSetArg, exp: FdSetArg,
    tvp: Annotated[UserAddr, StructAt(IN, TIMEVAL)],
) -> SelectResult:  # fmt: skip
    """Wait for one of three sets of files; tvp is told what is left. Errors: EINVAL, EFAULT, EBADF, EINTR."""
    return Select(task, Timeout.timeval(task, tvp), n, (inp, outp, exp)).run()


@syscall("pselect6")
def sys_pselect6(
    task: Task, n: IntArg, inp: FdSetArg, outp: FdSetArg, exp: FdSetArg,
    tsp: Annotated[UserAddr, StructAt(IN, TIMESPEC)], sig: Annotated[UserAddr, SignalSetPack(IN)],
) -> PselectResult:  # fmt: skip
    """The same with a finer time-out and another signal mask, whose address and size stand at sig."""
    mask_at, n_bytes = (task.mem.read_u64(sig), task.mem.read_u64(sig + _LONG_BYTES)) if sig else (0, 0)
    timeout = Timeout.timespec(task, tsp, update=True)
    borrow_mask(task, mask_at, n_bytes)
    return Select(task, timeout, n, (inp, outp, exp)).run()


class Select(Polling):
    """The three sets as numbers, and where the answers go."""

    __slots__ = ("_addresses", "_n_bytes", "_n_fds", "_sets")

    def __init__(self, task: Task, timeout: Timeout, n_fds: int, addresses: tuple[UserAddr, ...]) -> None:
        super().__init__(task, timeout)
        self._n_fds = n_fds
        self._addresses = addresses
        self._n_bytes = 0
        self._sets = [0, 0, 0]

    def prepare(self) -> None:
        """Read the sets. What lies above the table of descriptors is not looked at (core_sys_select)."""
        if self._n_fds < 0:
            raise SyscallError(EINVAL)
        task = self.task
        n_fds = min(self._n_fds, task.files.table_size())
        self._n_bytes = (n_fds + _LONG_BITS - 1) // _LONG_BITS * _LONG_BYTES
        asked = (1 << n_fds) - 1
        self._sets = [
            int.from_bytes(task.mem.read(address, self._n_bytes), "little") & asked if address and n_fds else 0
            for address in self._addresses
        ]
        for fd in self._files():
            if not task.files.is_open(fd):
                raise SyscallError(EBADF)

    def scan(self) -> int:
        """A file counts once in each set that has it."""
        answers, n_ready = [0, 0, 0], 0
        for fd in self._files():
            file = pollable(self.task, fd)
            events = POLLNVAL if file is None else file.poll()
            for index in range(3):
                if self._sets[index] >> fd & 1 and events & _SETS[index]:
                    answers[index] |= 1 << fd
                    n_ready += 1
        if n_ready:
            self._tell(answers)
        return n_ready

    def _tell(self, answers: list[int]) -> None:
        for address, answer in zip(self._addresses, answers, strict=True):
            if address:
                self.task.mem.write(address, answer.to_bytes(self._n_bytes, "little"))

    def tell_nothing(self) -> int:
        """Empty sets."""
        self._tell([0, 0, 0])
        return 0

    def _files(self) -> list[int]:
        """Those in any set."""
        bits = self._sets[0] | self._sets[1] | self._sets[2]
        found = []
        while bits:
            lowest = bits & -bits
            found.append(lowest.bit_length() - 1)
            bits ^= lowest
        return found

    def asked(self) -> dict[int, int]:
        """For each file the events of the sets that have it."""
        found: dict[int, int] = {}
        for fd in self._files():
            for events, bits in zip(_SETS, self._sets, strict=True):
                if bits >> fd & 1:
                    found[fd] = found.get(fd, 0) | events
        return found
