"""openat2(2): open with a say in how the path is walked."""

from __future__ import annotations

from pyuk.abi.errno import E2BIG, EAGAIN, EINVAL, SyscallError
from pyuk.abi.fcntl import (
    O_ACCMODE,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECTORY,
    O_NOFOLLOW,
    O_PATH,
    O_RDONLY,
    O_TMPFILE,
    O_TRUNC,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)  # fmt: skip
from pyuk.abi.structs import OPEN_HOW
from pyuk.abi.syscall import syscall
from pyuk.syscalls.files import VALID_OPEN_FLAGS, checked_flags, open_checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, DirFdArg, FdResult, PathArg, SizeArg
    from pyuk.abi.kinds import IN, StructAt
    from pyuk.abi.types import UserAddr
    from pyuk.kernel.task import Task

_TMPFILE_BIT = O_TMPFILE & ~O_DIRECTORY
_SCOPES = RESOLVE_BENEATH | RESOLVE_IN_ROOT
_VALID_RESOLVE = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | _SCOPES | RESOLVE_CACHED
_S_IALLUGO = 0o7777
_PAGE_BYTES = 4096


@syscall("openat2")
def sys_openat2(
    task: Task, dfd: DirFdArg, filename: PathArg, how: Annotated[UserAddr, StructAt(IN, OPEN_HOW)], size: SizeArg
) -> FdResult:
    """As openat, but nothing is ignored. Errors: EINVAL, E2BIG, EAGAIN, EXDEV, ELOOP, and open(2)'s.

    Source: Linux fs/open.c, build_open_flags.
    """
    if size < OPEN_HOW.size:
        raise SyscallError(EINVAL)
    if size > _PAGE_BYTES:
        raise SyscallError(E2BIG)
    data = task.mem.read(how, size)
    if any(data[OPEN_HOW.size :]):
        raise SyscallError(E2BIG)
    flags, mode, resolve = OPEN_HOW.unpack(data)
    creates = flags & (O_CREAT | _TMPFILE_BIT)
    if flags & ~VALID_OPEN_FLAGS or resolve & ~_VALID_RESOLVE or resolve & _SCOPES == _SCOPES:
        raise SyscallError(EINVAL)
    if mode & ~_S_IALLUGO or (mode and not creates):
        raise SyscallError(EINVAL)
    if flags & _TMPFILE_BIT and (flags & (O_TMPFILE | O_CREAT) != O_TMPFILE or flags & O_ACCMODE == O_RDONLY):
        raise SyscallError(EINVAL)
    if flags & O_PATH and flags & ~(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC):
        raise SyscallError(EINVAL)
    if resolve & RESOLVE_CACHED and (creates or flags & O_TRUNC):
        raise SyscallError(EAGAIN)
    return open_checked(task, dfd, filename, checked_flags(flags), mode, resolve & ~RESOLVE_CACHED)
