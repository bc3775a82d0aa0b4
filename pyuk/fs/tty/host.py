"""The host's terminal as the guest's: its line discipline does the work, and sessions are pyuk's.

A guest's settings are the host terminal's as long as pyuk runs in the foreground there. The sessions and groups are
the guests' own: for the host there is one process, pyuk. Imported when pyuk has a terminal.
"""

from __future__ import annotations

import fcntl
import os
import time
from stat import S_IMODE

from pyuk.abi.errno import EAGAIN, EBUSY, EPERM, SyscallError
from pyuk.abi.fcntl import O_NOCTTY, O_NONBLOCK
from pyuk.abi.ioctls import (
    FIONREAD,
    ICANON,
    TCFLSH,
    TCGETA,
    TCGETS,
    TCGETS2,
    TCSBRK,
    TCSBRKP,
    TCSETA,
    TCSETAF,
    TCSETAW,
    TCSETS,
    TCSETS2,
    TCSETSF,
    TCSETSF2,
    TCSETSW,
    TCSETSW2,
    TCXONC,
    TIOCGETD,
    TIOCGSOFTCAR,
    TIOCGWINSZ,
    TIOCMGET,
    TIOCOUTQ,
    TIOCSTI,
    TIOCSWINSZ,
    TIOCVHANGUP,
    TOSTOP,
    VMIN,
    VTIME,
)  # fmt: skip
from pyuk.abi.signal import SIGTTIN, SIGTTOU
from pyuk.fs.errors import guest_error
from pyuk.fs.tty import jobs
from pyuk.fs.tty.device import Tty
from pyuk.fs.tty.file import TtyFile
from pyuk.wait.host import POLLIN, POLLOUT, forget, is_ready, queue_of, ready_events
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyuk.fs.file import FdTable
    from pyuk.fs.hostfile import HostFile
    from pyuk.fs.tmpnode import Entry
    from pyuk.fs.tty.devpts import DevPts
    from pyuk.fs.tty.jobs import Member, Sessions

_TERMIOS_BYTES, _LFLAG_AT, _CC_AT = 36, 12, 17  # asm-generic/termbits.h: struct termios
_DECISECOND_NS = 100_000_000
_RETRY_NS = 5_000_000
_CHUNK_BYTES = 64
_CAUTIOUS_BYTES = 256
_TOLD = frozenset(
    (TCGETS, TCGETA, TCGETS2, TIOCGWINSZ, TIOCSWINSZ, TIOCOUTQ, FIONREAD, TIOCGSOFTCAR, TIOCGETD, TIOCMGET)
)
"""What the host may answer to anybody."""
_SETTINGS = frozenset((TCSETS, TCSETSW, TCSETSF, TCSETS2, TCSETSW2, TCSETSF2, TCSETA, TCSETAW, TCSETAF))
_BY_VALUE = frozenset((TCSBRK, TCSBRKP, TCXONC, TCFLSH))
_REFUSED = frozenset((TIOCSTI, TIOCVHANGUP))
"""What would reach beyond the guests: to type into the shell that has started pyuk, to hang up its terminal."""


class HostTty(Tty):
    """One terminal of the host's, as long as pyuk runs.

    Invariant: `_original` is what the settings were before a guest first changed them, None where none has.
    """

    __slots__ = ("_blocks", "_fd", "_original", "_partial", "_suspended", "is_controlling")

    def __init__(self, sessions: Sessions, index: int, entry: Entry, fd: int) -> None:
        """fd: any descriptor of it; it stays the caller's."""
        super().__init__(sessions, index, entry)
        self._blocks = False
        try:  # a description of its own does not block; on the caller's that would hit others
            self._fd = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:  # somebody else's terminal
            self._fd = os.dup(fd)
            self._blocks = True
        self.read_wait = self.write_wait = queue_of(self._fd)
        self._original: bytes | None = None
        self._suspended: bytes | None = None
        """The guests' settings, while the terminal has its original ones because pyuk is stopped."""
        self._partial = (0, 0)
        """Bytes that were there and not enough, and when they were first seen (ns)."""
        try:
            os.tcgetpgrp(self._fd)
            self.is_controlling = True
        except OSError:
            self.is_controlling = False

    def open(self, entry: Entry, flags: int) -> TtyFile:
        """As open(2) of its name. Errors: EBUSY taken for one alone."""
        if self.is_exclusive and not self.sessions.is_admin():
            raise SyscallError(EBUSY)
        file = TtyFile(self, entry, flags)
        if not flags & O_NOCTTY:
            jobs.opened(self, for_reading=file.readable)
        return file

    def close(self) -> None:
        """pyuk ends, or this System does: the terminal is as it was."""
        self.restore()
        forget(self._fd)
        os.close(self._fd)

    # Data

    def read(self, file: TtyFile, n_most: int) -> bytes:
        """The host's line discipline gives lines or bytes; how long to wait for enough of these is decided here."""
        jobs.check_change(self, SIGTTIN)
        if not n_most:
            return b""
        self._come_to_foreground()
        is_nonblocking = bool(file.flags & O_NONBLOCK)
        try:
            settings = self._settings()
            lines, minimum = settings[_LFLAG_AT] & ICANON, settings[_CC_AT + VMIN]
            time_ns = settings[_CC_AT + VTIME] * _DECISECOND_NS
            if not lines and minimum > 1 and not is_nonblocking:
                self._await_enough(min(minimum, n_most, _CHUNK_BYTES), time_ns)
            if self._blocks and not is_ready(self._fd, POLLIN):
                raise BlockingIOError
            return os.read(self._fd, n_most)
        except BlockingIOError:
            if not lines and not minimum and not time_ns:
                return b""
            if is_nonblocking:
                raise SyscallError(EAGAIN) from None
            timeout_ns = time_ns if not lines and not minimum else 0
            raise WouldBlock(self.read_wait, events=POLLIN, timeout_ns=timeout_ns) from None
        except OSError as error:
            raise guest_error(error) from None

    def _await_enough(self, n_wanted: int, time_ns: int) -> None:
        """MIN above 1. The host would wait here, so it is asked every now and then once the first byte has come."""
        n_there = int.from_bytes(fcntl.ioctl(self._fd, FIONREAD, bytes(4)), "little")
        if n_there >= n_wanted:
            return
        if not n_there:
            raise WouldBlock(self.read_wait, events=POLLIN)
        now_ns = time.monotonic_ns()
        n_before, since_ns = self._partial
        if n_before != n_there:
            self._partial = (n_there, now_ns)
        elif time_ns and now_ns - since_ns >= time_ns:
            self._partial = (0, 0)
            return
        raise WouldBlock(retry_ns=_RETRY_NS)

    def read_rest(self, n_most: int) -> bytes:
        """What is there in non-canonical mode."""
        try:
            if self._settings()[_LFLAG_AT] & ICANON or not is_ready(self._fd, POLLIN):
                return b""
            return os.read(self._fd, n_most)
        except OSError:
            return b""

    def write(self, file: TtyFile, data: bytes) -> int:
        """As much as the host takes."""
        try:
            if self.sessions.caller.pgid != self.pgid and self._settings()[_LFLAG_AT + 1] & TOSTOP >> 8:
                jobs.check_change(self, SIGTTOU)
            if self._blocks:
                if data and not is_ready(self._fd, POLLOUT):
                    raise BlockingIOError
                data = data[:_CAUTIOUS_BYTES]
            return os.write(self._fd, data)
        except BlockingIOError:
            if file.flags & O_NONBLOCK:
                raise SyscallError(EAGAIN) from None
            raise WouldBlock(self.write_wait, events=POLLOUT) from None
        except OSError as error:
            raise guest_error(error) from None

    def poll(self) -> int:
        """The host knows."""
        return ready_events(self._fd)

    # Control

    def control(self, file: TtyFile, request: int, data: bytes) -> bytes:
        """Settings, size and flow are the host's; sessions, and whose it is alone, pyuk's.

        Errors: as ioctl_tty(2); EPERM for TIOCSTI and TIOCVHANGUP.
        """
        if request in _REFUSED:
            raise SyscallError(EPERM)
        if request in _SETTINGS or request in _BY_VALUE:
            jobs.check_change(self)
            self._come_back()
        elif request not in _TOLD:
            from pyuk.fs.tty.ioctl import job_control  # noqa: PLC0415  # shells first of all

            return job_control(self, file, request, data)
        if request in _SETTINGS and self._original is None:
            self._original = self._settings()
        argument = int.from_bytes(data, "little", signed=True) if request in _BY_VALUE else data
        return self._ioctl(request, argument)

    def _ioctl(self, request: int, argument: int | bytes) -> bytes:
        """In the background the host stops pyuk for a change, unless the guest would not be stopped either."""
        import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # few programs change anything

        blocked = request not in _TOLD and self.sessions.ignores(SIGTTOU)
        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, (SIGTTOU,)) if blocked else ()
        try:
            while True:
                try:
                    answer = fcntl.ioctl(self._fd, request, argument)
                except InterruptedError:
                    continue
                return answer if isinstance(answer, bytes) else b""
        except OSError as error:
            raise guest_error(error) from None
        finally:
            if blocked:
                _signal.pthread_sigmask(_signal.SIG_SETMASK, before)

    def _settings(self) -> bytes:
        """A struct termios."""
        return fcntl.ioctl(self._fd, TCGETS, bytes(_TERMIOS_BYTES))

    # pyuk's own place at the terminal

    def _is_in_foreground(self) -> bool:
        if not self.is_controlling:
            return True
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return True

    def _come_to_foreground(self) -> None:
        """A read in the host's background stops pyuk, as it would have stopped the program."""
        if not self._is_in_foreground():
            os.read(self._fd, 0)
        self._come_back()

    def _come_back(self) -> None:
        if self._suspended is not None and self._is_in_foreground():
            settings, self._suspended = self._suspended, None
            self._set(settings)

    def _set(self, settings: bytes) -> None:
        """Without waiting, and without being stopped."""
        import _signal  # noqa: PLC0415

        before = _signal.pthread_sigmask(_signal.SIG_BLOCK, (SIGTTOU,))
        try:
            fcntl.ioctl(self._fd, TCSETS, settings)
        except OSError:
            pass  # it has hung up
        finally:
            _signal.pthread_sigmask(_signal.SIG_SETMASK, before)

    def suspend(self) -> None:
        """pyuk is about to be stopped: its user's shell gets the terminal as it was."""
        if self._original is not None and self._suspended is None and self._is_in_foreground():
            try:
                self._suspended = self._settings()
            except OSError:
                return
            self._set(self._original)

    def resume(self) -> None:
        """pyuk goes on: the guests' settings again, now or when it is in the foreground."""
        self._come_back()

    def restore(self) -> None:
        """For good."""
        self.suspend()
        self._original = None


class HostTerminals:
    """The terminals that pyuk was started at: those of its descriptors, and its controlling one."""

    __slots__ = ("_by_rdev", "_devpts", "_first_sid", "_is_known", "controlling", "sessions")

    def __init__(self, devpts: DevPts, first_sid: int) -> None:
        """devpts: where they have names. first_sid: the session of pyuk's first process."""
        self._devpts = devpts
        self.sessions = devpts.sessions
        self._first_sid = first_sid
        self._by_rdev: dict[int, HostTty] = {}
        self.controlling: HostTty | None = None
        self._is_known = False

    def attach(self, process: Member, files: FdTable, opened: Mapping[int, HostFile]) -> None:
        """A process that begins a session, with descriptors of terminals: these become files of pyuk's own.

        Descriptors of one terminal with the same flags are one open file: a shell opens it once and duplicates that.
        """
        known: dict[tuple[HostTty, int], TtyFile] = {}
        for number, stdio in opened.items():
            rdev = os.fstat(stdio.fd).st_rdev
            tty = self._by_rdev.get(rdev)
            if tty is None:
                tty = self._new(rdev, stdio.fd)
            flags = stdio.status_flags()
            file = known.get((tty, flags))
            if file is None:
                file = known[tty, flags] = TtyFile(tty, tty.entry, flags)
            else:
                file.hold()
            files.replace(number, file)
            if tty.is_controlling and not tty.sid:
                self.controlling = tty
                jobs.take(tty, process)

    def _new(self, rdev: int, fd: int) -> HostTty:
        devpts = self._devpts
        index = devpts.free_index()
        status = os.fstat(fd)
        entry = devpts.add(index, mode=S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid)
        tty = self._by_rdev[rdev] = HostTty(self.sessions, index, entry, fd)
        devpts.ttys[index] = tty
        return tty

    def find_controlling(self) -> HostTty | None:
        """pyuk's controlling terminal where no descriptor of its is one, the first time that somebody asks."""
        if self.controlling is None and not self._is_known:
            self._is_known = True
            try:
                fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
            except OSError:
                return None
            try:
                self.controlling = self._new(0, fd)
            finally:
                os.close(fd)
        return self.controlling

    def is_own_session(self, sid: int) -> bool:
        """Whether pyuk's first process leads the session, which then has pyuk's controlling terminal."""
        return sid == self._first_sid

    def suspend(self) -> None:
        """See HostTty."""
        for tty in self._by_rdev.values():
            tty.suspend()

    def resume(self) -> None:
        """See HostTty."""
        for tty in self._by_rdev.values():
            tty.resume()

    def close(self) -> None:
        """See HostTty."""
        for tty in self._by_rdev.values():
            tty.close()
            self._devpts.remove(tty.index)
        self._by_rdev.clear()
        self.controlling = None
