"""memfd_create(2), and fallocate(2), which few but its users need."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, ENAMETOOLONG, ENOSYS, EOPNOTSUPP, SyscallError
from pyuk.abi.fcntl import (
    F_SEAL_SEAL,
    FALLOC_FL_COLLAPSE_RANGE,
    FALLOC_FL_INSERT_RANGE,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    FALLOC_FL_UNSHARE_RANGE,
    FALLOC_FL_ZERO_RANGE,
)  # fmt: skip
from pyuk.abi.mman import MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_HUGETLB
from pyuk.abi.resource import RLIMIT_FSIZE, RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.fs.memfd import new_memfd
from pyuk.syscalls.filesize import check_new_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import CStringArg, FallocateArg, FdArg, FdResult, MemfdArg, OffArg
    from pyuk.kernel.task import Task

_NAME_MAX_BYTES = 249
_HUGE_BITS = 0x3F << 26
_ALONE_MODES = (FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE)
_ALONE = FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE
_ALLOCATIONS = _ALONE | FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_UNSHARE_RANGE


@syscall("memfd_create", note="MFD_HUGETLB is ENOSYS, as on a kernel without hugetlbfs")
def sys_memfd_create(task: Task, name: CStringArg, flags: MemfdArg) -> FdResult:
    """A file in RAM. Errors: EINVAL flags or a long name, EFAULT, EMFILE."""
    known = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | (_HUGE_BITS if flags & MFD_HUGETLB else 0)
    if flags & ~known:
        raise SyscallError(EINVAL, "unknown flags")
    try:
        text = task.mem.cstr(name, _NAME_MAX_BYTES + 1)
    except SyscallError as error:
        raise SyscallError(EINVAL if error.errno == ENAMETOOLONG else EFAULT) from None
    n_max = task.limits.soft[RLIMIT_NOFILE]
    task.files.check_room(n_max)
    if flags & MFD_HUGETLB:
        raise SyscallError(ENOSYS)
    kernel = task.kernel
    file = new_memfd(
        task.mm.cache, lambda: kernel.current.creds, kernel.clock.realtime_ns, text,
        seals=0 if flags & MFD_ALLOW_SEALING else F_SEAL_SEAL,
    )  # fmt: skip
    return task.files.install(file, cloexec=bool(flags & MFD_CLOEXEC), n_max=n_max)


@syscall("fallocate")
def sys_fallocate(task: Task, fd: FdArg, mode: FallocateArg, offset: OffArg, length: OffArg) -> int:
    """Have or give back room in a file. Errors: EBADF, EINVAL, EOPNOTSUPP, EFBIG, ENODEV, ESPIPE."""
    file = task.files.get(fd)
    if offset < 0 or length <= 0:
        raise SyscallError(EINVAL)
    check_allocation(mode)
    if not mode & FALLOC_FL_KEEP_SIZE and offset + length > task.limits.soft[RLIMIT_FSIZE] and file.writable:
        check_new_size(task, file.stat(), offset + length)
    file.allocate(mode, offset, length)
    return 0


def check_allocation(mode: int) -> None:
    """What vfs_fallocate says of the mode alone. Errors: EOPNOTSUPP, EINVAL."""
    punches, keeps = mode & FALLOC_FL_PUNCH_HOLE, mode & FALLOC_FL_KEEP_SIZE
    if mode & ~_ALLOCATIONS or (punches and (mode & FALLOC_FL_ZERO_RANGE or not keeps)):
        raise SyscallError(EOPNOTSUPP)
    if mode & _ALONE and mode not in _ALONE_MODES:
        raise SyscallError(EINVAL)
    if mode & FALLOC_FL_UNSHARE_RANGE and mode & ~(FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE):
        raise SyscallError(EINVAL)
