"""signalfd(2)."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.signalfd import SFD_CLOEXEC, SFD_NONBLOCK
from pyuk.abi.syscall import syscall
from pyuk.kernel.signalfd import SignalFd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, FdArg, FdResult, SignalfdArg, SizeArg
    from pyuk.abi.kinds import IN, SignalSet
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_SIGSET_BYTES = 8


@syscall("signalfd")
def sys_signalfd(
    task: Task, ufd: FdArg, user_mask: Annotated[UserAddr, SignalSet(IN, "sizemask")], sizemask: SizeArg
) -> FdResult:
    """signalfd4 without flags."""
    return _signalfd(task, ufd, user_mask, sizemask, 0)


@syscall("signalfd4")
def sys_signalfd4(
    task: Task, ufd: FdArg, user_mask: Annotated[UserAddr, SignalSet(IN, "sizemask")], sizemask: SizeArg,
    flags: SignalfdArg,
) -> FdResult:  # fmt: skip
    """A file that gives signals, or with ufd another set for one. Errors: EINVAL, EFAULT, EBADF, EMFILE."""
    return _signalfd(task, ufd, user_mask, sizemask, flags)


def _signalfd(task: Task, ufd: int, address: UserAddr, n_bytes: int, flags: int) -> int:
    if n_bytes != _SIGSET_BYTES:
        raise SyscallError(EINVAL)
    mask = task.mem.read_u64(address)
    if flags & ~(SFD_CLOEXEC | SFD_NONBLOCK):
        raise SyscallError(EINVAL)
    if ufd == -1:
        file = SignalFd(task.kernel, mask, flags & SFD_NONBLOCK)
        return task.files.install(file, cloexec=bool(flags & SFD_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])
    known = task.files.get(ufd)
    if not isinstance(known, SignalFd):
        raise SyscallError(EINVAL)
    known.set_mask(mask)
    return ufd
