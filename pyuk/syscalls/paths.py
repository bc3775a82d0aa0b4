"""Making, naming, renaming and removing files, and changing what a name carries: mode, owner, times, size."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, ENOENT, SyscallError
from pyuk.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_REMOVEDIR,
    AT_SYMLINK_FOLLOW,
    AT_SYMLINK_NOFOLLOW,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    RENAME_WHITEOUT,
)  # fmt: skip
from pyuk.abi.resource import RLIMIT_FSIZE
from pyuk.abi.stat import UTIME_NOW, UTIME_OMIT
from pyuk.abi.structs import TIMESPEC, TIMEVAL, UTIMBUF
from pyuk.abi.syscall import syscall
from pyuk.syscalls.names import empty_path_file, locate, locate_cwd, start_of, user_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyuk.abi.declare import (
        Annotated,
        AtFlagsArg,
        DirFdArg,
        FdArg,
        GidArg,
        LengthArg,
        ModeArg,
        PathArg,
        RenameArg,
        SizeArg,
        UidArg,
    )
    from pyuk.abi.kinds import IN, OUT, Buffer, StructAt
    from pyuk.abi.structs import TIMESTAMP, TIMEVAL_STAMP
    from pyuk.abi.types import UserAddr
    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import Times
    from pyuk.fs.place import Place
    from pyuk.kernel.task import Task

_PERMISSIONS = 0o7777
_SECOND_NS = 1_000_000_000


@syscall("readlink")
def sys_readlink(
    task: Task, path: PathArg, buf: Annotated[UserAddr, Buffer(OUT, "return", text=True)], bufsiz: SizeArg
) -> int:
    """The target, cut to the buffer, without a NUL."""
    return _readlink(task, AT_FDCWD, path, buf, bufsiz)


@syscall("readlinkat")
def sys_readlinkat(
    task: Task, dfd: DirFdArg, path: PathArg, buf: Annotated[UserAddr, Buffer(OUT, "return", text=True)],
    bufsiz: SizeArg,
) -> int:  # fmt: skip
    """The same; an empty path is the link that dfd refers to (O_PATH | O_NOFOLLOW)."""
    return _readlink(task, dfd, path, buf, bufsiz)


def _readlink(task: Task, dirfd: int, address: UserAddr, buf: UserAddr, size_bytes: int) -> int:
    size_bytes &= 0xFFFF_FFFF  # an int for the kernel, a size_t for libc and strace
    if not 0 < size_bytes < 1 << 31:
        raise SyscallError(EINVAL)
    path = user_path(task, address, may_be_empty=True)
    if path:
        target = task.fs.find(path, start_of(task, dirfd, path), follow=False).readlink()
    else:
        target = empty_path_file(task, dirfd).readlink()
    target = target[:size_bytes]
    task.mem.write(buf, target)
    return len(target)


@syscall("unlink")
def sys_unlink(task: Task, pathname: PathArg) -> int:
    """Remove a name."""
    locate_cwd(task, pathname, follow=False).unlink()
    return 0


@syscall("unlinkat")
def sys_unlinkat(task: Task, dfd: DirFdArg, pathname: PathArg, flag: AtFlagsArg) -> int:
    """Remove a name, or with AT_REMOVEDIR a directory."""
    if flag & ~AT_REMOVEDIR:
        raise SyscallError(EINVAL)
    place = locate(task, dfd, pathname, follow=False)
    if flag:
        place.rmdir()
    else:
        place.unlink()
    return 0


@syscall("rmdir")
def sys_rmdir(task: Task, pathname: PathArg) -> int:
    """Remove an empty directory."""
    locate_cwd(task, pathname, follow=False).rmdir()
    return 0


@syscall("mkdir")
def sys_mkdir(task: Task, pathname: PathArg, mode: ModeArg) -> int:
    """Make a directory."""
    locate_cwd(task, pathname, follow=False).mkdir(mode & 0o1777, task.fs.umask)
    return 0


@syscall("mkdirat")
def sys_mkdirat(task: Task, dfd: DirFdArg, pathname: PathArg, mode: ModeArg) -> int:
    """Make a directory."""
    locate(task, dfd, pathname, follow=False).mkdir(mode & 0o1777, task.fs.umask)
    return 0


@syscall("rename")
def sys_rename(task: Task, oldname: PathArg, newname: PathArg) -> int:
    """Move a name over another."""
    return _rename(task, AT_FDCWD, oldname, AT_FDCWD, newname, 0)


@syscall("renameat")
def sys_renameat(task: Task, olddfd: DirFdArg, oldname: PathArg, newdfd: DirFdArg, newname: PathArg) -> int:
    """Move a name over another."""
    return _rename(task, olddfd, oldname, newdfd, newname, 0)


@syscall("renameat2")
def sys_renameat2(
    task: Task, olddfd: DirFdArg, oldname: PathArg, newdfd: DirFdArg, newname: PathArg, flags: RenameArg
) -> int:
    """Move a name, not over another, or in exchange with it."""
    return _rename(task, olddfd, oldname, newdfd, newname, flags)


def _rename(task: Task, olddfd: int, old: UserAddr, newdfd: int, new: UserAddr, flags: int) -> int:
    others = RENAME_NOREPLACE | RENAME_WHITEOUT
    if flags & ~(others | RENAME_EXCHANGE) or (flags & RENAME_EXCHANGE and flags & others):
        raise SyscallError(EINVAL)
    place = locate(task, olddfd, old, follow=False)
    place.rename(_new_name(task, newdfd, new, place.check_parent), flags)
    return 0


def _new_name(task: Task, dirfd: int, address: UserAddr, check_old: Callable[[], object]) -> Place:
    """Where a new name leads; the old one's errors come first."""
    try:
        return locate(task, dirfd, address, follow=False)
    except SyscallError:
        check_old()
        raise


@syscall("link")
def sys_link(task: Task, oldname: PathArg, newname: PathArg) -> int:
    """One more name; a link in the last place gets it itself."""
    return _link(task, AT_FDCWD, oldname, AT_FDCWD, newname, 0)


@syscall("linkat")
def sys_linkat(
    task: Task, olddfd: DirFdArg, oldname: PathArg, newdfd: DirFdArg, newname: PathArg, flags: AtFlagsArg
) -> int:
    """One more name for a path, or with AT_EMPTY_PATH for an open file."""
    return _link(task, olddfd, oldname, newdfd, newname, flags)


def _link(task: Task, olddfd: int, old: UserAddr, newdfd: int, new: UserAddr, flags: int) -> int:
    if flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        raise SyscallError(EINVAL)
    follow = bool(flags & AT_SYMLINK_FOLLOW)
    path = user_path(task, old, may_be_empty=bool(flags & AT_EMPTY_PATH))
    if not path:
        if task.creds.euid != 0:  # Linux fs/namei.c, do_linkat: CAP_DAC_READ_SEARCH
            raise SyscallError(ENOENT)
        empty_path_file(task, olddfd).link_to(locate(task, newdfd, new, follow=False))
        return 0
    place = task.fs.find(path, start_of(task, olddfd, path), follow=follow)
    place.link(_new_name(task, newdfd, new, place.stat))
    return 0


@syscall("symlink")
def sys_symlink(task: Task, target: PathArg, linkpath: PathArg) -> int:
    """A name that stands for a path."""
    text = user_path(task, target)
    locate_cwd(task, linkpath, follow=False).symlink(text)
    return 0


@syscall("symlinkat")
def sys_symlinkat(task: Task, target: PathArg, newdfd: DirFdArg, linkpath: PathArg) -> int:
    """A name that stands for a path."""
    text = user_path(task, target)
    locate(task, newdfd, linkpath, follow=False).symlink(text)
    return 0


@syscall("chmod")
def sys_chmod(task: Task, filename: PathArg, mode: ModeArg) -> int:
    """Change the permission bits."""
    locate_cwd(task, filename).chmod(mode & _PERMISSIONS)
    return 0


@syscall("fchmod")
def sys_fchmod(task: Task, fd: FdArg, mode: ModeArg) -> int:
    """Of an open file."""
    file = task.files.get(fd)
    file.want_write()
    file.chmod(mode & _PERMISSIONS)
    return 0


@syscall("fchmodat")
def sys_fchmodat(task: Task, dfd: DirFdArg, filename: PathArg, mode: ModeArg) -> int:
    """Of a path; the kernel's call has no flags."""
    locate(task, dfd, filename).chmod(mode & _PERMISSIONS)
    return 0


@syscall("chown")
def sys_chown(task: Task, filename: PathArg, user: UidArg, group: GidArg) -> int:
    """Change owner and group, links followed."""
    locate_cwd(task, filename).chown(_id(user), _id(group))
    return 0


@syscall("lchown")
def sys_lchown(task: Task, filename: PathArg, user: UidArg, group: GidArg) -> int:
    """Of a link itself."""
    locate_cwd(task, filename, follow=False).chown(_id(user), _id(group))
    return 0


@syscall("fchown")
def sys_fchown(task: Task, fd: FdArg, user: UidArg, group: GidArg) -> int:
    """Of an open file."""
    file = task.files.get(fd)
    file.want_write()
    file.chown(_id(user), _id(group))
    return 0


@syscall("fchownat")
def sys_fchownat(task: Task, dfd: DirFdArg, filename: PathArg, user: UidArg, group: GidArg, flag: AtFlagsArg) -> int:
    """Of a path, or with AT_EMPTY_PATH of dfd."""
    if flag & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        raise SyscallError(EINVAL)
    path = user_path(task, filename, may_be_empty=bool(flag & AT_EMPTY_PATH))
    if not path:
        file = empty_path_file(task, dfd)
        file.want_write()
        file.chown(_id(user), _id(group))
        return 0
    follow = not flag & AT_SYMLINK_NOFOLLOW
    task.fs.find(path, start_of(task, dfd, path), follow=follow).chown(_id(user), _id(group))
    return 0


@syscall("utimensat")
def sys_utimensat(
    task: Task, dfd: DirFdArg, filename: PathArg, utimes: Annotated[UserAddr, StructAt(IN, TIMESTAMP, 2)],
    flags: AtFlagsArg,
) -> int:  # fmt: skip
    """Set access and modification time of a path, or with a NULL path of dfd.

    Linux fs/utimes.c: two UTIME_OMIT end it at once; the file's own errors come before those of the times.
    """
    values = [TIMESPEC.unpack(task.mem.read(utimes, 32), offset) for offset in (0, 16)] if utimes else None
    if values and values[0][1] == values[1][1] == UTIME_OMIT:
        return 0
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) or (not filename and dfd != AT_FDCWD and flags):
        raise SyscallError(EINVAL)
    if not filename and dfd != AT_FDCWD:
        return _futimens(task.files.get(dfd), _times(values))
    path = user_path(task, filename, may_be_empty=bool(flags & AT_EMPTY_PATH))
    if not path:
        return _futimens(empty_path_file(task, dfd), _times(values))
    follow = not flags & AT_SYMLINK_NOFOLLOW
    place = task.fs.find(path, start_of(task, dfd, path), follow=follow)
    try:
        times = _times(values)
    except SyscallError:
        place.stat()
        raise
    place.utime(times)
    return 0


def _futimens(file: OpenFile, times_ns: Times) -> int:
    file.want_write()
    file.utime(times_ns)
    return 0


@syscall("utimes")
def sys_utimes(task: Task, filename: PathArg, utimes: Annotated[UserAddr, StructAt(IN, TIMEVAL_STAMP, 2)]) -> int:
    """In microseconds."""
    times = _old_times(task, utimes)
    locate_cwd(task, filename).utime(times)
    return 0


@syscall("futimesat")
def sys_futimesat(
    task: Task, dfd: DirFdArg, filename: PathArg, utimes: Annotated[UserAddr, StructAt(IN, TIMEVAL_STAMP, 2)]
) -> int:
    """The same of a path relative to dfd, or with a NULL path of dfd."""
    times = _old_times(task, utimes)
    if not filename and dfd != AT_FDCWD:
        file = task.files.get(dfd)
        file.want_write()
        file.utime(times)
    else:
        locate(task, dfd, filename).utime(times)
    return 0


def _old_times(task: Task, address: UserAddr) -> Times:
    """Two struct timeval. Errors: EFAULT, EINVAL microseconds out of range."""
    if not address:
        return None
    values = [TIMEVAL.unpack(task.mem.read(address, 32), offset) for offset in (0, 16)]
    if any(not 0 <= microseconds < _SECOND_NS // 1000 for _, microseconds in values):
        raise SyscallError(EINVAL)
    return _times([(seconds, microseconds * 1000) for seconds, microseconds in values])


@syscall("utime")
def sys_utime(task: Task, filename: PathArg, times: Annotated[UserAddr, StructAt(IN, UTIMBUF)]) -> int:
    """In seconds."""
    seconds = UTIMBUF.unpack(task.mem.read(times, UTIMBUF.size)) if times else None
    locate_cwd(task, filename).utime(seconds and (seconds[0] * _SECOND_NS, seconds[1] * _SECOND_NS))
    return 0


def _times(values: Sequence[tuple[int, ...]] | None) -> Times:
    """What FileSystem.utime takes. Now for one alone is the host's clock, as the file's other times are.

    Errors: EINVAL nanoseconds out of range.
    """
    if values is None:
        return None
    found: list[int | None] = []
    for seconds, nanoseconds in values:
        if nanoseconds == UTIME_OMIT:
            found.append(None)
        elif nanoseconds == UTIME_NOW:
            from time import time_ns  # noqa: PLC0415

            found.append(time_ns())
        elif 0 <= nanoseconds < _SECOND_NS:
            found.append(seconds * _SECOND_NS + nanoseconds)
        else:
            raise SyscallError(EINVAL)
    return None if values[0][1] == values[1][1] == UTIME_NOW else (found[0], found[1])


@syscall("truncate")
def sys_truncate(task: Task, path: PathArg, length: LengthArg) -> int:
    """Set a file's size."""
    if length < 0:
        raise SyscallError(EINVAL)
    place = locate_cwd(task, path)
    if length > task.limits.soft[RLIMIT_FSIZE]:
        from pyuk.syscalls.filesize import check_new_size  # noqa: PLC0415  # few have such a limit

        check_new_size(task, place.stat(), length)
    place.truncate(length)
    return 0


@syscall("ftruncate")
def sys_ftruncate(task: Task, fd: FdArg, length: LengthArg) -> int:
    """Set an open file's size."""
    if length < 0:
        raise SyscallError(EINVAL)
    file = task.files.get(fd)
    if not file.writable:
        raise SyscallError(EINVAL)
    if length > task.limits.soft[RLIMIT_FSIZE]:
        from pyuk.syscalls.filesize import check_new_size  # noqa: PLC0415  # few have such a limit

        check_new_size(task, file.stat(), length)
    file.truncate(length)
    return 0


def _id(number: int) -> int:
    """All ones leaves the id as it is."""
    return -1 if number == 0xFFFFFFFF else number  # noqa: PLR2004
