"""Descriptors of processes (pidfd_open(2)): readable when the process has ended."""

from __future__ import annotations

from pyuk.abi.fcntl import O_RDWR
from pyuk.abi.poll import POLLIN, POLLRDNORM
from pyuk.fs.file import OpenFile
from pyuk.fs.stat import Stat, StatFs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Process
    from pyuk.wait.queue import WaitQueue

_ANON_INODE_DEV, _ANON_INODE_INO = 15, 1
_ANON_INODE_FS_MAGIC = 0x09041934
_S_0600 = 0o600


class PidFile(OpenFile):
    """One process, also when it has ended and its pid is nobody's."""

    __slots__ = ("process",)
    can_poll = True

    def __init__(self, process: Process, flags: int) -> None:
        super().__init__(O_RDWR | flags)
        self.process = process

    def stat(self) -> Stat:
        """An anonymous inode, which is no type of file."""
        return Stat(_ANON_INODE_DEV, _ANON_INODE_INO, _S_0600)

    def statfs(self) -> StatFs:
        """anon_inodefs."""
        return StatFs(_ANON_INODE_FS_MAGIC)

    def link_text(self) -> bytes:
        """What /proc/self/fd shows."""
        return b"anon_inode:[pidfd]"

    def fdinfo(self) -> bytes:
        """See OpenFile. -1 is a process that somebody has waited for."""
        process = self.process
        pid = process.pid if process.leader.kernel.processes.get(process.pid) is process else -1
        return b"Pid:\t%d\nNSpid:\t%d\n" % (pid, pid)

    def poll(self) -> int:
        """Readable from the end on."""
        return 0 if self.process.status is None else POLLIN | POLLRDNORM

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Woken by the end, and by an execve."""
        return (self.process.vfork_done,)
