"""memfd_create(2), and fallocate(2), which few but its users need."""

from __future__ import annotations

from pyuk.abi.errno import EFAULT, EINVAL, ENAMETOOLONG, ENOSYS, SyscallError
from pyuk.abi.fcntl import F_SEAL_SEAL, FALLOC_FL_KEEP_SIZE
from pyuk.abi.mman import MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_HUGETLB
from pyuk.abi.resource import RLIMIT_FSIZE, RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.fs.memfd import Inode, MemFile
from pyuk.mm.memory import SharedMemory
from pyuk.syscalls.filesize import check_new_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import CStringArg, FallocateArg, FdArg, FdResult, MemfdArg, OffArg
    from pyuk.kernel.task import Task

_NAME_MAX_BYTES = 249
_HUGE_BITS = 0x3F << 26


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
    memory = SharedMemory(
        task.mm.cache, b"/memfd:" + text + b" (deleted)", seals=0 if flags & MFD_ALLOW_SEALING else F_SEAL_SEAL
    )
    file = MemFile(Inode(memory, task.kernel.clock.realtime_ns, task.creds.euid, task.creds.egid))
    return task.files.install(file, cloexec=bool(flags & MFD_CLOEXEC), n_max=n_max)


@syscall("fallocate")
def sys_fallocate(task: Task, fd: FdArg, mode: FallocateArg, offset: OffArg, length: OffArg) -> int:
    """Have or give back room in a file. Errors: EBADF, EINVAL, EOPNOTSUPP, EFBIG, ENODEV, ESPIPE."""
    file = task.files.get(fd)
    if offset < 0 or length <= 0:
        raise SyscallError(EINVAL)
    if not mode & FALLOC_FL_KEEP_SIZE and offset + length > task.limits.soft[RLIMIT_FSIZE] and file.writable:
        check_new_size(task, file.stat(), offset + length)
    file.allocate(mode, offset, length)
    return 0
