"""Sessions at a terminal: who may read and write, and whose controlling terminal it is (drivers/tty/tty_jobctrl.c)."""

from __future__ import annotations

from pyuk.abi.errno import EINVAL, EIO, ENOTTY, EPERM, ERESTARTSYS, ESRCH, SyscallError
from pyuk.abi.signal import SIGCONT, SIGHUP, SIGTTIN, SIGTTOU

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Protocol

    from pyuk.fs.tty.device import Tty

    class Member(Protocol):
        """A process, as a terminal sees it."""

        @property
        def pid(self) -> int: ...
        @property
        def pgid(self) -> int: ...
        @property
        def sid(self) -> int: ...

        tty: Tty | None
        """Its controlling terminal."""
        old_tty_pgid: int
        """The foreground of the terminal that its session has lost, for the leader's end; 0: none."""

    class Sessions(Protocol):
        """What terminals ask of the kernel; `caller` is the process that makes the system call."""

        @property
        def caller(self) -> Member: ...
        def thread(self) -> object:
            """That of the caller."""

        def is_asleep(self, thread: object) -> bool:
            """Whether a thread sleeps in a system call."""

        def ignores(self, signo: int) -> bool:
            """Whether the caller blocks or ignores a signal."""

        def is_orphaned(self) -> bool:
            """Whether the caller's group is: nobody could make it go on."""

        def is_admin(self) -> bool:
            """CAP_SYS_ADMIN."""

        def owner(self) -> tuple[int, int]:
            """The user and group that new files of the caller have."""

        def now_ns(self) -> int:
            """The time of day."""

        def members(self, sid: int) -> Iterable[Member]:
            """The processes of a session."""

        def session_of_group(self, pgid: int) -> int:
            """The session of a group or else of a process; 0: there is none."""

        def signal_group(self, pgid: int, signo: int) -> None:
            """As the kernel does."""

        def signal_process(self, process: Any, signo: int) -> None:
            """The same for one."""


def check_change(tty: Tty, signo: int = SIGTTOU) -> None:
    """Whether the caller may read from its terminal (SIGTTIN) or change it: in the background it is stopped.

    Errors: EIO it cannot be stopped, ERESTARTSYS after the signal.
    """
    sessions = tty.sessions
    caller = sessions.caller
    if caller.tty is not tty or not tty.pgid or tty.pgid == caller.pgid:
        return
    if sessions.ignores(signo):
        if signo == SIGTTIN:
            raise SyscallError(EIO)
    elif sessions.is_orphaned():
        raise SyscallError(EIO)
    else:
        sessions.signal_group(caller.pgid, signo)
        raise SyscallError(ERESTARTSYS)


def opened(tty: Tty, *, for_reading: bool) -> None:
    """An open without O_NOCTTY: a session leader without terminal has one now."""
    caller = tty.sessions.caller
    if caller.sid == caller.pid and caller.tty is None and not tty.sid and for_reading:
        take(tty, caller)


def acquire(tty: Tty, argument: int, *, for_reading: bool) -> None:
    """TIOCSCTTY. Errors: EPERM."""
    sessions = tty.sessions
    caller = sessions.caller
    is_leader = caller.sid == caller.pid
    if is_leader and tty.sid == caller.sid:
        return
    if not is_leader or caller.tty is not None:
        raise SyscallError(EPERM)
    if tty.sid:
        if argument != 1 or not sessions.is_admin():
            raise SyscallError(EPERM)
        _clear_session(tty.sessions, tty.sid)
    if not for_reading and not sessions.is_admin():
        raise SyscallError(EPERM)
    take(tty, caller)


def take(tty: Tty, caller: Member) -> None:
    """It is the caller's session's from now on, and the caller's group is in the foreground."""
    tty.pgid, tty.sid = caller.pgid, caller.sid
    caller.tty, caller.old_tty_pgid = tty, 0


def share(tty: Tty, sid: int) -> None:
    """It turns out to have been a session's all the time."""
    if not tty.sid:
        tty.sid = tty.pgid = sid
        for member in tty.sessions.members(sid):
            member.tty = tty


def _clear_session(sessions: Sessions, sid: int) -> None:
    """All of a session lose their terminal."""
    for member in sessions.members(sid):
        member.tty = None


def give_up(tty: Tty) -> None:
    """TIOCNOTTY. Errors: ENOTTY it is not the caller's."""
    caller = tty.sessions.caller
    if caller.tty is not tty:
        raise SyscallError(ENOTTY)
    leave(tty.sessions, caller, on_exit=False)
    caller.tty = None


def leave(sessions: Sessions, process: Member, *, on_exit: bool) -> None:
    """A session leader ends, or gives its terminal up: the foreground hangs up, and nobody has the terminal."""
    if process.sid != process.pid:
        return
    tty = process.tty
    if tty is None:
        if on_exit and process.old_tty_pgid:
            for signo in (SIGHUP, SIGCONT):
                sessions.signal_group(process.old_tty_pgid, signo)
            process.old_tty_pgid = 0
        return
    if tty.pgid:
        sessions.signal_group(tty.pgid, SIGHUP)
        if not on_exit:
            sessions.signal_group(tty.pgid, SIGCONT)
    tty.sid = tty.pgid = 0
    process.old_tty_pgid = 0
    _clear_session(sessions, process.sid)


def hang_up(tty: Tty) -> None:
    """The terminal is gone: its session's leader hears of it, and when that ends the foreground does."""
    sessions = tty.sessions
    for member in sessions.members(tty.sid) if tty.sid else ():
        if member.tty is tty:
            member.tty = None
        if member.pid == member.sid:
            sessions.signal_process(member, SIGHUP)
            sessions.signal_process(member, SIGCONT)
            member.old_tty_pgid = tty.pgid
    tty.sid = tty.pgid = 0


def foreground(tty: Tty, asked: Tty) -> int:
    """TIOCGPGRP of `tty`, asked at itself or at its master. Errors: ENOTTY it is not the caller's."""
    if tty is asked and tty.sessions.caller.tty is not tty:
        raise SyscallError(ENOTTY)
    return tty.pgid


def set_foreground(tty: Tty, pgid: int) -> None:
    """TIOCSPGRP. Errors: ENOTTY, EINVAL, ESRCH no such group, EPERM one of another session."""
    caller = tty.sessions.caller
    try:
        check_change(tty)
    except SyscallError as error:
        raise SyscallError(ENOTTY) if error.errno == EIO else error from None
    if pgid < 0:
        raise SyscallError(EINVAL)
    if caller.tty is not tty or tty.sid != caller.sid:
        raise SyscallError(ENOTTY)
    sid = tty.sessions.session_of_group(pgid)
    if not sid:
        raise SyscallError(ESRCH)
    if sid != caller.sid:
        raise SyscallError(EPERM)
    tty.pgid = pgid


def session(tty: Tty, asked: Tty) -> int:
    """TIOCGSID. Errors: ENOTTY."""
    if (tty is asked and tty.sessions.caller.tty is not tty) or not tty.sid:
        raise SyscallError(ENOTTY)
    return tty.sid
