"""Signals that an open file sends to its owner when it can be read or written: O_ASYNC, F_SETOWN, F_SETSIG.

Source: Linux 6.1 fs/fcntl.c (send_sigio, kill_fasync), fs/pipe.c.
"""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINVAL, ESRCH, SyscallError
from pyuk.abi.fcntl import F_OWNER_PID, F_OWNER_TID, O_ASYNC
from pyuk.abi.poll import POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDBAND, POLLRDNORM, POLLWRBAND, POLLWRNORM
from pyuk.abi.signal import (
    POLL_HUP,
    POLL_IN,
    POLL_OUT,
    POLL_PRI,
    SI_KERNEL,
    SI_SIGIO,
    SIGBUS,
    SIGCHLD,
    SIGFPE,
    SIGILL,
    SIGIO,
    SIGSEGV,
    SIGSYS,
    SIGTRAP,
    SIGURG,
)
from pyuk.abi.types import Tid
from pyuk.fs.pipe import PipeEnd
from pyuk.kernel.signals import Siginfo, send, send_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.fs.file import OpenFile
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task
    from pyuk.wait.queue import WaitQueue

_BANDS = {
    POLL_IN: POLLIN | POLLRDNORM,
    POLL_OUT: POLLOUT | POLLWRNORM | POLLWRBAND,
    POLL_PRI: POLLPRI | POLLRDBAND,
    POLL_HUP: POLLHUP | POLLERR,
}
_WITH_CODES = frozenset((SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP, SIGCHLD, SIGSYS))
"""Whose positive si_codes mean something else (sig_specific_sicodes)."""


class IoSiginfo(Siginfo):
    """What F_SETSIG's signal tells: which descriptor, and what can be done with it."""

    __slots__ = ("band", "fd")

    def __init__(self, signo: int, reason: int, fd: int) -> None:
        super().__init__(signo, SI_SIGIO if signo in _WITH_CODES else reason)
        self.band = _BANDS[reason]
        self.fd = fd

    def pack(self) -> bytes:
        """si_band and si_fd (include/uapi/asm-generic/siginfo.h)."""
        return struct.pack("<iii4xqi", self.signo, 0, self.code, self.band, self.fd).ljust(128, b"\0")


class Owner:
    """struct fown_struct: who gets the signals of an open file, and which.

    kind: F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP; number 0 is nobody. uid and euid are of whoever has set it.
    """

    __slots__ = ("euid", "kernel", "kind", "number", "signo", "uid")

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.kind = F_OWNER_TID
        self.number = self.uid = self.euid = 0
        self.signo = 0
        """0 is SIGIO without further words."""

    def set(self, task: Task, kind: int, number: int) -> None:
        """By this task. Errors: ESRCH nobody has the number."""
        if number and not _exists(self.kernel, number):
            raise SyscallError(ESRCH)
        self.kind, self.number = kind, number
        if number:
            self.uid, self.euid = task.creds.uid, task.creds.euid

    def seen(self) -> int:
        """The number as long as it has a process, else 0."""
        return self.number if any(True for _task in self._tasks()) else 0

    def _tasks(self) -> Iterator[Task]:
        kernel = self.kernel
        if self.kind == F_OWNER_TID:
            task = kernel.tasks.get(Tid(self.number))
            if task is not None:
                yield task
        elif self.kind == F_OWNER_PID:
            process = kernel.processes.get(Tid(self.number))
            if process is not None and process.tasks:
                yield process.tasks[0]
        elif self.number:
            for process in tuple(kernel.processes.values()):
                if process.pgid == self.number and process.tasks:
                    yield process.tasks[0]

    def tell(self, reason: int, fd: int) -> None:
        """Send the signal: POLL_IN, POLL_OUT, POLL_PRI or POLL_HUP has come to pass."""
        for task in self._tasks():
            creds = task.creds
            if self.euid and not {self.uid, self.euid} & {creds.uid, creds.suid}:  # sigio_perm
                continue
            info = IoSiginfo(self.signo, reason, fd) if self.signo else Siginfo(SIGIO, SI_KERNEL)
            if self.kind == F_OWNER_TID:
                send(task, info)
            else:
                send_process(task.process, info)

    def urge(self) -> None:
        """An urgent byte has come (send_sigurg)."""
        for task in self._tasks():
            creds = task.creds
            if self.euid and not {self.uid, self.euid} & {creds.uid, creds.suid}:
                continue
            info = Siginfo(SIGURG, SI_KERNEL)
            if self.kind == F_OWNER_TID:
                send(task, info)
            else:
                send_process(task.process, info)


def _exists(kernel: Kernel, number: int) -> bool:
    return number in kernel.tasks or any(
        number in (process.pid, process.pgid, process.sid) for process in kernel.processes.values()
    )


def owner_of(task: Task, file: OpenFile) -> Owner:
    """The file's, or a new one that is nobody."""
    owner = file.owner
    if owner is None:
        owner = file.owner = Owner(task.kernel)
    assert isinstance(owner, Owner)  # noqa: S101  # nobody else makes one
    return owner


class Listener:
    """Waits in one queue of a file as long as the file has O_ASYNC."""

    __slots__ = ("_fd", "_owner", "_reason", "events", "queue")
    in_line = exclusive = False

    def __init__(self, owner: Owner, queue: WaitQueue, events: int, reason: int, fd: int) -> None:
        """reason: what a wake-up means that does not say."""
        self._owner = owner
        self._reason = reason
        self._fd = fd
        self.events = events
        self.queue = queue
        queue.add(self)

    def wake(self, events: int) -> bool:
        """Something has happened."""
        reason = self._reason
        if events & POLLIN:
            reason = POLL_IN
        elif events & POLLOUT:
            reason = POLL_OUT
        elif events & (POLLHUP | POLLERR):
            reason = POLL_HUP
        self._owner.tell(reason, self._fd)
        return False


class Asynchronous:
    """O_ASYNC of one open file: its listeners."""

    __slots__ = ("_listeners",)

    def __init__(self, file: OpenFile, owner: Owner, fd: int) -> None:
        self._listeners = []
        for queue in file.poll_queues():
            is_output = isinstance(file, PipeEnd) and queue is file.pipe.writers
            reason, events = (POLL_OUT, POLLOUT) if is_output else (POLL_IN, POLLIN)
            self._listeners.append(Listener(owner, queue, events, reason, fd))

    def released(self, _file: OpenFile) -> None:
        """Nobody listens any more."""
        for listener in self._listeners:
            listener.queue.remove(listener)


def set_async(task: Task, file: OpenFile, fd: int, *, on: bool) -> None:
    """Begin or end it, where the file knows of such a thing (fasync_helper)."""
    if not file.has_fasync or on == bool(file.flags & O_ASYNC):
        return
    if on:
        owner = owner_of(task, file)
        if isinstance(file, PipeEnd):
            file.pipe.is_polled = file.pipe.tells_writers = True
        file.attach(Asynchronous(file, owner, fd))
        file.flags |= O_ASYNC
        return
    for other in tuple(file.attached or ()):
        if isinstance(other, Asynchronous) and file.attached is not None:
            file.attached.remove(other)
            other.released(file)
    file.flags &= ~O_ASYNC


def checked_signal(number: int) -> int:
    """F_SETSIG's argument. Errors: EINVAL."""
    if not 0 <= number <= 64:  # noqa: PLR2004  # _NSIG
        raise SyscallError(EINVAL)
    return number
