"""/proc/PID/fdinfo/N: what is known of an open file (Linux 6.1 fs/proc/fd.c, seq_show; proc(5))."""

from __future__ import annotations

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.fcntl import O_CLOEXEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.proc.subject import Subject

_NO_MOUNT = 15
"""The kernel's own mounts, of pipefs, sockfs and anon_inodefs, are in no table."""


def fdinfo(subject: Subject, fd: int) -> bytes:
    """The text. Errors: ENOENT the descriptor was closed."""
    task = subject.task
    if task.is_dead or not task.files.is_open(fd):
        raise SyscallError(ENOENT)
    file = task.files.get_any(fd)
    flags = file.status_flags() & ~O_CLOEXEC | (O_CLOEXEC if fd in task.files.cloexec else 0)
    head = b"pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n" % (
        file.position_now(), flags, _mount_id(file), file.stat().st_ino,
    )  # fmt: skip
    return head + file.fdinfo()


def _mount_id(file: OpenFile) -> int:
    mount = getattr(file, "mount", None)
    return _NO_MOUNT if mount is None else mount.id
