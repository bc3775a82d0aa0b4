"""inotify(7)."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EMFILE, SyscallError
from pyuk.abi.fcntl import O_DIRECTORY, O_NOFOLLOW, O_PATH
from pyuk.abi.inotify import (
    IN_ALL_EVENTS,
    IN_CLOEXEC,
    IN_DONT_FOLLOW,
    IN_EXCL_UNLINK,
    IN_IGNORED,
    IN_ISDIR,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_NONBLOCK,
    IN_ONESHOT,
    IN_ONLYDIR,
    IN_Q_OVERFLOW,
    IN_UNMOUNT,
)
from pyuk.abi.resource import RLIMIT_NOFILE
from pyuk.abi.syscall import syscall
from pyuk.abi.unistd import R_OK
from pyuk.fs.inotify import Inotify
from pyuk.fs.notify import Notifier
from pyuk.fs.watched import watch_file, watched_places
from pyuk.syscalls.names import locate_cwd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.abi.declare import FdArg, FdResult, InotifyInitArg, InotifyMaskArg, IntArg, PathArg
    from pyuk.kernel.task import Task

_ALL = (
    IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK
    | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT
)  # fmt: skip
_MAX_INSTANCES = 128  # fs.inotify.max_user_instances


@syscall("inotify_init")
def sys_inotify_init(task: Task) -> FdResult:
    """A new instance. Errors: EMFILE."""
    return _init(task, 0)


@syscall("inotify_init1")
def sys_inotify_init1(task: Task, flags: InotifyInitArg) -> FdResult:
    """A new instance. Errors: EINVAL, EMFILE."""
    return _init(task, flags)


def _init(task: Task, flags: int) -> int:
    if flags & ~(IN_CLOEXEC | IN_NONBLOCK):
        raise SyscallError(EINVAL)
    notifier = _notifier(task)
    uid = task.creds.euid
    if notifier.n_instances.get(uid, 0) >= _MAX_INSTANCES:
        raise SyscallError(EMFILE)
    file = Inotify(notifier, uid, flags & IN_NONBLOCK)
    try:
        return task.files.install(file, cloexec=bool(flags & IN_CLOEXEC), n_max=task.limits.soft[RLIMIT_NOFILE])
    except SyscallError:
        file.release()
        raise


def _notifier(task: Task) -> Notifier:
    """The kernel's; with the first one all paths begin to tell what is done by them."""
    notifier = task.kernel.notifier
    if notifier is None:
        notifier = task.kernel.notifier = Notifier()
        task.fs.namespace.place = watched_places(notifier)
    return notifier


@syscall("inotify_add_watch")
def sys_inotify_add_watch(task: Task, fd: FdArg, pathname: PathArg, mask: InotifyMaskArg) -> int:
    """Watch a file. Errors: EINVAL, EBADF, EACCES, EEXIST, ENOTDIR, ENOSPC, and those of the path."""
    if mask & ~_ALL or not mask:
        raise SyscallError(EINVAL)
    instance = task.files.get(fd)
    if mask & IN_MASK_ADD and mask & IN_MASK_CREATE:
        raise SyscallError(EINVAL)
    if not isinstance(instance, Inotify):
        raise SyscallError(EINVAL)
    place = locate_cwd(task, pathname, follow=not mask & IN_DONT_FOLLOW)
    flags = O_PATH | (O_NOFOLLOW if mask & IN_DONT_FOLLOW else 0) | (O_DIRECTORY if mask & IN_ONLYDIR else 0)
    wanted, notifier = _notifier(task).wanted, _notifier(task)
    notifier.wanted = 0  # this opening is nobody's business
    try:
        file = place.open(flags, 0, 0)
    finally:
        notifier.wanted = wanted
    try:
        place.access(R_OK, effective=True)
        wd = instance.watch(file, mask)
    finally:
        file.release()
    for other in task.kernel.tasks.values():
        for opened in other.files.files():
            watch_file(notifier, opened)
    return wd


@syscall("inotify_rm_watch")
def sys_inotify_rm_watch(task: Task, fd: FdArg, wd: IntArg) -> int:
    """Stop watching. Errors: EBADF, EINVAL."""
    instance = task.files.get(fd)
    if not isinstance(instance, Inotify):
        raise SyscallError(EINVAL)
    instance.unwatch(wd)
    return 0
