"""pyuk as a process of the host's: signals that it gets are its guests', and a stop of its first guest is its own."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the signal module makes enums: 3 ms
import os

from pyuk.abi.signal import SIG_IGN, SIGCONT
from pyuk.wait.host import watch_signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.signals import SignalActions
    from pyuk.system import System

_FOR_THE_GUEST = (1, 2, 3, 10, 12, 14, 15, 18, 20, 28)
"""HUP INT QUIT USR1 USR2 ALRM TERM CONT TSTP WINCH: what a terminal, a shell or a user sends is for the program."""
_PPID_AT = 1


class Outside:
    """The host's side of one System that a command runs."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._watched: list[int] = []

    def watch(self, actions: SignalActions) -> None:
        """From now on signals are the guests'. actions: those that the first process begins with.

        Deviation: what the caller ignores never comes here, also where the program has a handler for it.
        """
        self._watched = [signo for signo in _FOR_THE_GUEST if actions.get(signo).handler != SIG_IGN]
        kernel = self._system.kernel
        kernel.on_stop = self._stop
        kernel.is_unattended = is_orphaned
        watch_signals(self._watched, self._receive)

    def _receive(self, signo: int) -> None:
        if signo == SIGCONT:
            self._system.resume_terminals()
        self._system.kernel.host_signal(signo)

    def _stop(self, signo: int) -> None:
        """The first guest was stopped: whoever waits for pyuk is to see that, with the terminal as it was.

        Other guests stop with it.
        """
        self._system.suspend_terminals()
        is_watched = signo in self._watched
        if is_watched:
            _signal.signal(signo, _signal.SIG_DFL)
        os.kill(os.getpid(), signo)
        if is_watched:
            watch_signals((signo,), self._receive)
        self._receive(SIGCONT)


def is_orphaned() -> bool:
    """Whether the host's process group of pyuk is: no parent in another group of its session could make it go on.

    A member whose parent is in the group is followed to that. Deviation: other members of the group are not looked at.
    """
    group, pid = os.getpgrp(), os.getpid()
    try:
        session = os.getsid(0)
        while pid and os.getpgid(pid) == group:
            with open(f"/proc/{pid}/stat", "rb", 0) as file:
                pid = int(file.read().rpartition(b")")[2].split()[_PPID_AT])
        return not pid or os.getsid(pid) != session
    except OSError:
        return False
