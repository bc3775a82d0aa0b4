"""An open(2) that waits for the other end of a FIFO."""

from __future__ import annotations

from pyuk.abi.errno import ERESTARTSYS, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.fs.fifo import FifoWait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task
    from pyuk.wait.park import WouldBlock


class FifoOpen:
    """What is left of the call: to give the open file a number."""

    __slots__ = ("_cloexec", "_opening", "_task")

    def __init__(self, task: Task, blocked: WouldBlock, *, cloexec: bool) -> None:
        assert isinstance(blocked, FifoWait)  # noqa: S101  # nothing else makes an open wait
        self._task = task
        self._opening = blocked.opening
        self._cloexec = cloexec

    def step(self) -> int:
        """The descriptor. May raise WouldBlock; errors: EMFILE, and open(2)'s."""
        file = self._opening.take()
        task = self._task
        try:
            return task.files.install(file, cloexec=self._cloexec, n_max=task.limits.soft[RLIMIT_NOFILE])
        except SyscallError:
            file.release()
            raise

    def interrupted(self) -> int:
        """Opened again unless a handler without SA_RESTART runs (fs/pipe.c, fifo_open)."""
        raise SyscallError(ERESTARTSYS)

    timed_out = interrupted

    def close(self) -> None:
        """The opening is not needed any more."""
        self._opening.close()
