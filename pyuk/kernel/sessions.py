"""What terminals ask of the kernel: fs.tty.jobs.Sessions over its processes. Imported with the first terminal."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_ADMIN
from pyuk.abi.signal import SI_KERNEL, SIG_IGN
from pyuk.abi.types import Tid
from pyuk.kernel import signals
from pyuk.kernel.lifecycle import is_orphaned
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.task import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Process


class Sessions:
    """See fs/tty/jobs.py."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @property
    def caller(self) -> Process:
        """The process that makes the system call."""
        return self._kernel.current.process

    def thread(self) -> object:
        """Which of its threads."""
        return self._kernel.current

    def is_asleep(self, thread: object) -> bool:
        """In a system call."""
        return isinstance(thread, Task) and thread.sleep is not None

    def ignores(self, signo: int) -> bool:
        """drivers/tty/tty_jobctrl.c, is_ignored."""
        task = self._kernel.current
        return bool(task.blocked >> (signo - 1) & 1) or task.actions.get(signo).handler == SIG_IGN

    def is_orphaned(self) -> bool:
        """is_current_pgrp_orphaned."""
        caller = self.caller
        return is_orphaned(self._kernel, caller.pgid, caller.sid)

    def is_admin(self) -> bool:
        """CAP_SYS_ADMIN."""
        return self._kernel.current.creds.has(CAP_SYS_ADMIN)

    def owner(self) -> tuple[int, int]:
        """Of new files."""
        creds = self._kernel.current.creds
        return creds.fsuid, creds.fsgid

    def now_ns(self) -> int:
        """The time of day."""
        return self._kernel.clock.realtime_ns()

    def members(self, sid: int) -> list[Process]:
        """The processes of a session that live."""
        return [other for other in self._kernel.processes.values() if other.sid == sid and other.status is None]

    def session_of_group(self, pgid: int) -> int:
        """session_of_pgrp."""
        for other in self._kernel.processes.values():
            if other.pgid == pgid:
                return other.sid
        process = self._kernel.processes.get(Tid(pgid))
        return 0 if process is None else process.sid

    def signal_group(self, pgid: int, signo: int) -> None:
        """kill_pgrp(pgrp, sig, 1)."""
        for other in list(self._kernel.processes.values()):
            if other.pgid == pgid:
                self.signal_process(other, signo)

    def signal_process(self, process: Process, signo: int) -> None:
        """SEND_SIG_PRIV."""
        signals.send_process(process, Siginfo(signo, SI_KERNEL))
