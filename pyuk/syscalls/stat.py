"""stat(2), statx(2), access(2), statfs(2): questions about a file."""

from __future__ import annotations

from os import stat_result
from struct import error

from pyuk.abi.errno import EINVAL, SyscallError
from pyuk.abi.fcntl import (
    AT_EACCESS,
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_STATX_SYNC_TYPE,
    AT_SYMLINK_NOFOLLOW,
)  # fmt: skip
from pyuk.abi.stat import (
    STATX__RESERVED,
    STATX_ATTR_MOUNT_ROOT,
    STATX_BASIC_STATS,
    STATX_BTIME,
    STATX_DIOALIGN,
    STATX_MNT_ID,
)  # fmt: skip
from pyuk.abi.structs import STAT, STATFS, STATX
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import W_OK
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
    from pyuk.fs.file import OpenFile
    from pyuk.fs.mount import Mount
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.kernel.task import Task

    AnyStat = os.stat_result | Stat

_STATX_6_1 = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN
_SECOND_NS = 1_000_000_000
_ATTRIBUTES_MASK_AT, _MNT_ID_AT = 56, 144  # struct statx: stx_attributes_mask, stx_mnt_id


@syscall("stat")
def sys_stat(task: Task, filename: PathArg, statbuf: Annotated[UserAddr, StructAt(OUT, STAT)]) -> int:
    """Of a path, links followed."""
    task.mem.write(statbuf, pack_stat(locate_cwd(task, filename).stat()))
    return 0


@syscall("lstat")
def sys_lstat(task: Task, filename: PathArg, statbuf: Annotated[UserAddr, StructAt(OUT, STAT)]) -> int:
    """Of a path, a last link itself."""
    task.mem.write(statbuf, pack_stat(locate_cwd(task, filename, follow=False).stat()))
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
    if flag == AT_EMPTY_PATH and dfd >= 0 and task.mem.read(filename, 1) == b"\0":  # fstat(3)
        task.mem.write(statbuf, pack_stat(task.files.get_any(dfd).stat()))
        return 0
    path = user_path(task, filename, may_be_empty=bool(flag & AT_EMPTY_PATH))
    if path:
        follow = not flag & AT_SYMLINK_NOFOLLOW
        found = task.fs.find(path, start_of(task, dfd, path), follow=follow).stat()
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
        return _in_mount(file.statx(flags, mask) or _pack_statx(file.stat()), file.mount, is_root=_is_root(file))
    place = task.fs.find(path, start_of(task, dirfd, path), follow=not flags & AT_SYMLINK_NOFOLLOW)
    found = place.statx(flags & ~AT_EMPTY_PATH, mask) or _pack_statx(place.stat())
    reached = place.file
    if reached is not None:
        return _in_mount(found, reached.mount, is_root=False)
    return _in_mount(found, place.mount, is_root=place.at is None and not place.name)


def _is_root(file: OpenFile) -> bool:
    return file.mount is not None and file.filesystem is not None and not file.mount.fs.path_of(file)


def _in_mount(packed: bytes, mount: Mount | None, *, is_root: bool) -> bytes:
    """A struct statx with what the guest's mount table says of the file."""
    if mount is None:
        return packed
    found = bytearray(packed)
    mask, attributes, known = (int.from_bytes(found[at : at + 8], "little") for at in (0, 8, _ATTRIBUTES_MASK_AT))
    attributes = attributes | STATX_ATTR_MOUNT_ROOT if is_root else attributes & ~STATX_ATTR_MOUNT_ROOT
    found[0:4] = (mask & 0xFFFFFFFF | STATX_MNT_ID).to_bytes(4, "little")
    found[8:16] = attributes.to_bytes(8, "little")
    found[_ATTRIBUTES_MASK_AT : _ATTRIBUTES_MASK_AT + 8] = (known | STATX_ATTR_MOUNT_ROOT).to_bytes(8, "little")
    found[_MNT_ID_AT : _MNT_ID_AT + 8] = mount.id.to_bytes(8, "little")
    return bytes(found)


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
        task.fs.find(path, start_of(task, dirfd, path), follow=follow).access(mode, effective=effective)
    else:
        file = empty_path_file(task, dirfd)
        file.access(mode, effective=effective)
        if mode & W_OK:
            file.want_write()
    return 0


@syscall("statfs")
def sys_statfs(task: Task, pathname: PathArg, buf: Annotated[UserAddr, StructAt(OUT, STATFS)]) -> int:
    """Of the file system with this path."""
    task.mem.write(buf, _pack_statfs(locate_cwd(task, pathname).statfs()))
    return 0


@syscall("fstatfs")
def sys_fstatfs(task: Task, fd: FdArg, buf: Annotated[UserAddr, StructAt(OUT, STATFS)]) -> int:
    """Of the file system with this file."""
    file = task.files.get_any(fd)
    found = file.statfs()
    if file.mount is not None:
        found.f_flags = file.mount.statfs_flags(found.f_flags)
    task.mem.write(buf, _pack_statfs(found))
    return 0


def pack_stat(found: AnyStat) -> bytes:
    """struct stat (arch/x86/include/uapi/asm/stat.h)."""
    if type(found) is stat_result:
        mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime = found
        try:
            return STAT.codec.pack(
                dev, ino, nlink, mode, uid, gid, found.st_rdev, size, found.st_blksize, found.st_blocks,
                atime, found.st_atime_ns - atime * _SECOND_NS, mtime, found.st_mtime_ns - mtime * _SECOND_NS,
                ctime, found.st_ctime_ns - ctime * _SECOND_NS,
            )  # fmt: skip
        except error:
            pass  # a number of a width that Linux has not
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
