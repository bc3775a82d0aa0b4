"""eventfd(2)."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.eventfd import EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.fs.eventfd import EventFd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import EventfdArg, FdResult, UIntArg
    from pyuk.kernel.task import Task


@syscall("eventfd")
def sys_eventfd(task: Task, count: UIntArg) -> FdResult:
    """A counter. Errors: EMFILE."""
    return _eventfd(task, count, 0)


@syscall("eventfd2")
def sys_eventfd2(task: Task, count: UIntArg, flags: EventfdArg) -> FdResult:
    """A counter, perhaps a semaphore. Errors: EINVAL, EMFILE."""
    return _eventfd(task, count, flags)


def _eventfd(task: Task, count: int, flags: int) -> int:
    if flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK):
        raise SyscallError(EINVAL)
    file = EventFd(count, flags & EFD_NONBLOCK, is_semaphore=bool(flags & EFD_SEMAPHORE))
    return task.files.install(file, cloexec=bool(flags & EFD_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])
