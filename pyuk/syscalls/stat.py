"""stat(2), statx(2), access(2), statfs(2): questions about a file."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.fcntl import (
    AT_EACCESS,
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_STATX_SYNC_TYPE,
    AT_SYMLINK_NOFOLLOW,
)  # fmt: skip
from pyuk.abi.stat import STATX__RESERVED, STATX_BASIC_STATS, STATX_BTIME, STATX_DIOALIGN, STATX_MNT_ID
from pyuk.abi.structs import STAT, STATFS, STATX
from pyuk.abi.syscall import syscall
from pyuk.syscalls.names import empty_path_file, locate_cwd, start_of, user_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from pyuk.abi.declare import (
        AccessFlagsArg,
        AccessModeArg,
        Annotated,
        AtFlagsArg,
        DirFdArg,
        FdArg,
        PathArg,
        StatxFlagsArg,
        StatxMaskArg,
    )
    from pyuk.abi.kinds import OUT, StructAt
    from pyuk.abi.types import UserAddr
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.kernel.task import Task

    AnyStat = os.stat_result | Stat

_STATX_6_1 = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN
_SECOND_NS = 1_000_000_000


@syscall("stat")
def sys_stat(task: Task, filename: PathArg, statbuf: Annotated[UserAddr, StructAt(OUT, STAT)]) -> int:
    """Of a path, links followed."""
    system, at, path = locate_cwd(task, filename)
    task.mem.write(statbuf, pack_stat(system.stat(at, path, follow=True)))
    return 0


@syscall("lstat")
def sys_lstat(task: Task, filename: PathArg, statbuf: Annotated[UserAddr, StructAt(OUT, STAT)]) -> int:
    """Of a path, a last link itself."""
    system, at, path = locate_cwd(task, filename, follow=False)
    task.mem.write(statbuf, pack_stat(system.stat(at, path, follow=False)))
    return 0


@syscall("fstat")
def sys_fstat(task: Task, fd: FdArg, statbuf: Annotated[UserAddr, StructAt(OUT, STAT)]) -> int:
    """Of an open file."""
    task.mem.write(statbuf, pack_stat(task.files.get_any(fd).stat()))
    return 0


@syscall("newfstatat")
def sys_newfstatat(
    task: Task, dfd: DirFdArg, filename: PathArg, statbuf: Annotated[UserAddr, StructAt(OUT, STAT)], flag: AtFlagsArg
) -> int:
    """Of a path or, with AT_EMPTY_PATH, of dfd."""
    if flag & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE):
        raise SyscallError(EINVAL)
    path = user_path(task, filename, may_be_empty=bool(flag & AT_EMPTY_PATH))
    if path:
        follow = not flag & AT_SYMLINK_NOFOLLOW
        system, at, name = task.fs.find(path, start_of(task, dfd, path), follow=follow)
        found = system.stat(at, name, follow=follow)
    else:
        found = empty_path_file(task, dfd).stat()
    task.mem.write(statbuf, pack_stat(found))
    return 0


@syscall("statx")
def sys_statx(
    task: Task, dfd: DirFdArg, filename: PathArg, flags: StatxFlagsArg, mask: StatxMaskArg,
    buffer: Annotated[UserAddr, StructAt(OUT, STATX)],
) -> int:  # fmt: skip
    """Chosen facts of a path, or of dfd."""
    known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE
    if mask & STATX__RESERVED or flags & AT_STATX_SYNC_TYPE == AT_STATX_SYNC_TYPE or flags & ~known:
        raise SyscallError(EINVAL)
    path = user_path(task, filename, may_be_empty=bool(flags & AT_EMPTY_PATH))
    task.mem.write(buffer, _statx(task, dfd, path, flags, mask & _STATX_6_1))
    return 0


def _statx(task: Task, dirfd: int, path: bytes, flags: int, mask: int) -> bytes:
    """struct statx from the host where the file is the host's, else from what stat knows."""
    if not path:
        file = empty_path_file(task, dirfd)
        return file.statx(flags, mask) or _pack_statx(file.stat())
    follow = not flags & AT_SYMLINK_NOFOLLOW
    system, at, name = task.fs.find(path, start_of(task, dirfd, path), follow=follow)
    flags &= ~AT_EMPTY_PATH
    return system.statx(at, name, flags, mask) or _pack_statx(system.stat(at, name, follow=follow))


@syscall("access")
def sys_access(task: Task, filename: PathArg, mode: AccessModeArg) -> int:
    """With the real ids."""
    return _access(task, AT_FDCWD, filename, mode, 0)


@syscall("faccessat")
def sys_faccessat(task: Task, dfd: DirFdArg, filename: PathArg, mode: AccessModeArg) -> int:
    """With the real ids; the kernel's call has no flags."""
    return _access(task, dfd, filename, mode, 0)


@syscall("faccessat2")
def sys_faccessat2(task: Task, dfd: DirFdArg, filename: PathArg, mode: AccessModeArg, flags: AccessFlagsArg) -> int:
    """With the ids that flags choose."""
    return _access(task, dfd, filename, mode, flags)


def _access(task: Task, dirfd: int, address: UserAddr, mode: int, flags: int) -> int:
    if mode & ~7 or flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise SyscallError(EINVAL)
    effective = bool(flags & AT_EACCESS)
    path = user_path(task, address, may_be_empty=bool(flags & AT_EMPTY_PATH))
    if path:
        follow = not flags & AT_SYMLINK_NOFOLLOW
        system, at, name = task.fs.find(path, start_of(task, dirfd, path), follow=follow)
        system.access(at, name, mode, effective=effective, follow=follow)
    else:
        empty_path_file(task, dirfd).access(mode, effective=effective)
    return 0


@syscall("statfs")
def sys_statfs(task: Task, pathname: PathArg, buf: Annotated[UserAddr, StructAt(OUT, STATFS)]) -> int:
    """Of the file system with this path."""
    system, at, path = locate_cwd(task, pathname)
    task.mem.write(buf, _pack_statfs(system.statfs(at, path)))
    return 0


@syscall("fstatfs")
def sys_fstatfs(task: Task, fd: FdArg, buf: Annotated[UserAddr, StructAt(OUT, STATFS)]) -> int:
    """Of the file system with this file."""
    task.mem.write(buf, _pack_statfs(task.files.get_any(fd).statfs()))
    return 0


def pack_stat(found: AnyStat) -> bytes:
    """struct stat (arch/x86/include/uapi/asm/stat.h)."""
    return STAT.pack(
        found.st_dev, found.st_ino, found.st_nlink, found.st_mode, found.st_uid, found.st_gid, found.st_rdev,
        found.st_size, found.st_blksize, found.st_blocks, *divmod(found.st_atime_ns, _SECOND_NS),
        *divmod(found.st_mtime_ns, _SECOND_NS), *divmod(found.st_ctime_ns, _SECOND_NS),
    )  # fmt: skip


def _pack_statx(found: AnyStat) -> bytes:
    return STATX.pack(
        stx_mask=STATX_BASIC_STATS, stx_blksize=found.st_blksize, stx_nlink=found.st_nlink, stx_uid=found.st_uid,
        stx_gid=found.st_gid, stx_mode=found.st_mode, stx_ino=found.st_ino, stx_size=found.st_size,
        stx_blocks=found.st_blocks, stx_atime=divmod(found.st_atime_ns, _SECOND_NS),
        stx_ctime=divmod(found.st_ctime_ns, _SECOND_NS), stx_mtime=divmod(found.st_mtime_ns, _SECOND_NS),
        stx_rdev_major=_major(found.st_rdev), stx_rdev_minor=_minor(found.st_rdev),
        stx_dev_major=_major(found.st_dev), stx_dev_minor=_minor(found.st_dev),
    )  # fmt: skip


def _pack_statfs(found: StatFs) -> bytes:
    return STATFS.pack(
        found.f_type, found.f_bsize, found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree,
        found.f_fsid & 0xFFFFFFFF, found.f_fsid >> 32, found.f_namelen, found.f_frsize, found.f_flags,
    )  # fmt: skip


def _major(dev: int) -> int:
    """include/linux/kdev_t.h: new_decode_dev."""
    return dev >> 8 & 0xFFF


def _minor(dev: int) -> int:
    return dev & 0xFF | dev >> 12 & 0xFFF00
