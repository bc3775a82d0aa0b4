"""Files by numbers: name_to_handle_at(2), open_by_handle_at(2).

A handle has the inode's numbers, as a host's file system makes them too. What it opens is looked for where the file was
when the handle was made: nothing leads out of what the process sees. Deviation: after a rename it is stale.
"""

from __future__ import annotations

import struct

from pyuk.abi.capability import CAP_DAC_READ_SEARCH
from pyuk.abi.errno import EINVAL, EOPNOTSUPP, EOVERFLOW, EPERM, ESTALE, SyscallError
from pyuk.abi.fcntl import AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, O_CLOEXEC, O_NOFOLLOW, O_PATH
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.syscalls.files import checked_flags
from pyuk.syscalls.names import empty_path_file, start_of, user_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import Annotated, DirFdArg, FdArg, FdResult, HandleFlagsArg, OpenFlagsArg, PathArg
    from pyuk.abi.kinds import IN, INOUT, OUT, FileHandle, StructAt
    from pyuk.abi.structs import INT32
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

_HEAD = struct.Struct("<Ii")  # struct file_handle: handle_bytes, handle_type
_DATA = struct.Struct("<II")  # fs/libfs: FILEID_INO32_GEN, inode and generation
_FILEID_INO32_GEN = 1
_MAX_HANDLE_SZ = 128
_MOST_KEPT = 4096
_WITHOUT = (b"proc", b"sockfs", b"pipefs")
"""File systems whose inodes cannot be exported."""


@syscall("name_to_handle_at")
def sys_name_to_handle_at(
    task: Task, dfd: DirFdArg, name: PathArg, handle: Annotated[UserAddr, FileHandle(INOUT)],
    mnt_id: Annotated[UserAddr, StructAt(OUT, INT32)], flag: HandleFlagsArg,
) -> int:  # fmt: skip
    """A handle, and the number of the mount. Errors: EINVAL, EOPNOTSUPP, EOVERFLOW, EFAULT, those of the path."""
    if flag & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        raise SyscallError(EINVAL)
    path = user_path(task, name, may_be_empty=bool(flag & AT_EMPTY_PATH))
    if not path:
        return _tell(task, empty_path_file(task, dfd), handle, mnt_id)
    how = O_PATH | (0 if flag & AT_SYMLINK_FOLLOW else O_NOFOLLOW)
    file = task.fs.open(path, how, 0, start_of(task, dfd, path))
    try:
        return _tell(task, file, handle, mnt_id)
    finally:
        file.release()


def _tell(task: Task, file: OpenFile, handle: UserAddr, mnt_id: UserAddr) -> int:
    """Linux fs/fhandle.c, do_sys_name_to_handle."""
    mount = file.mount
    if mount is None or mount.fstype in _WITHOUT:
        raise SyscallError(EOPNOTSUPP)
    room, _kind = _HEAD.unpack(task.mem.read(handle, _HEAD.size))
    if room > _MAX_HANDLE_SZ:
        raise SyscallError(EINVAL)
    status = file.stat()
    data = _DATA.pack(status.st_ino & 0xFFFFFFFF, status.st_dev & 0xFFFFFFFF)
    fits = room >= len(data)
    task.mem.write_u32(mnt_id, mount.id)
    task.mem.write(handle, _HEAD.pack(len(data), _FILEID_INO32_GEN if fits else 0xFF) + (data if fits else b""))
    if not fits:
        raise SyscallError(EOVERFLOW)
    kept = task.kernel.handles
    kept.pop(data, None)
    kept[data] = file.link_text()
    if len(kept) > _MOST_KEPT:
        del kept[next(iter(kept))]
    return 0


@syscall("open_by_handle_at")
def sys_open_by_handle_at(
    task: Task, mountdirfd: FdArg, handle: Annotated[UserAddr, FileHandle(IN)], flags: OpenFlagsArg
) -> FdResult:
    """Open by a handle. Errors: EPERM, EFAULT, EINVAL, EBADF, ESTALE, those of open(2)."""
    if not task.creds.has(CAP_DAC_READ_SEARCH):
        raise SyscallError(EPERM)
    size, kind = _HEAD.unpack(task.mem.read(handle, _HEAD.size))
    if not 0 < size <= _MAX_HANDLE_SZ:
        raise SyscallError(EINVAL)
    data = task.mem.read(handle + _HEAD.size, size)
    empty_path_file(task, mountdirfd)
    how = checked_flags(flags)
    path = task.kernel.handles.get(data)
    if path is None or kind != _FILEID_INO32_GEN:
        raise SyscallError(ESTALE)
    n_max = task.limits.soft[RLIMIT_NOFILE]
    task.files.check_room(n_max)
    try:
        status = task.fs.stat(path, follow=False)
    except SyscallError:
        raise SyscallError(ESTALE) from None
    if _DATA.pack(status.st_ino & 0xFFFFFFFF, status.st_dev & 0xFFFFFFFF) != data:
        raise SyscallError(ESTALE)
    file = task.fs.open(path, how & ~O_CLOEXEC | O_NOFOLLOW)
    return task.files.install(file, cloexec=bool(flags & O_CLOEXEC), n_max=n_max)
