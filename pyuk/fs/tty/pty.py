"""Pseudoterminals (pty(7)): two terminals of which each reads what the other writes (drivers/tty/pty.c)."""

from __future__ import annotations

from pyuk.abi.errno import EAGAIN, EBUSY, EIO, SyscallError
from pyuk.abi.fcntl import O_NOCTTY, O_NONBLOCK
from pyuk.abi.ioctls import EXTPROC, IXON, TOSTOP, VMIN, VSTART, VSTOP, VTIME
from pyuk.abi.poll import POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM
from pyuk.abi.signal import SIGTTIN, SIGTTOU, SIGWINCH
from pyuk.abi.tty import (
    TIOCPKT_DATA,
    TIOCPKT_DOSTOP,
    TIOCPKT_FLUSHREAD,
    TIOCPKT_FLUSHWRITE,
    TIOCPKT_IOCTL,
    TIOCPKT_NOSTOP,
    TIOCPKT_START,
    TIOCPKT_STOP,
)  # fmt: skip
from pyuk.fs.tty import jobs
from pyuk.fs.tty.device import Tty
from pyuk.fs.tty.file import TtyFile
from pyuk.fs.tty.input import Input
from pyuk.fs.tty.output import Output
from pyuk.fs.tty.termios import Termios, plain, standard
from pyuk.wait.park import WouldBlock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.tmpnode import Entry
    from pyuk.fs.tty.jobs import Sessions

_PORT_BYTES = 8192
_WAKE_WRITERS_BYTES = 128  # TTY_THRESHOLD_UNTHROTTLE
_DECISECOND_NS = 100_000_000
_CTRL_Q, _CTRL_S = 0x11, 0x13
_READABLE, _WRITABLE = POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM


class Pty(Tty):
    """One end: what the two have in common.

    Invariant: `port` holds what the other end has written and the line discipline had no room for; in the first
    _n_looked_at bytes of that, ^S and ^Q have been obeyed.
    """

    __slots__ = (
        "_is_receiving", "_n_looked_at", "_writer", "input", "is_locked", "is_other_closed", "is_packet", "link",
        "locked", "output", "packet_news", "port", "stopped", "tco_stopped", "termios", "winsize",
    )  # fmt: skip
    link: Pty
    termios: Termios
    locked: Termios | None
    winsize: bytes
    input: Input
    is_locked: bool
    is_packet: bool

    @property
    def slave(self) -> Pty:
        """The end that programs have as their terminal."""
        return self

    def __init__(self, sessions: Sessions, index: int, entry: Entry, termios: Termios) -> None:
        super().__init__(sessions, index, entry)
        self.termios = termios
        self.locked: Termios | None = None
        """What of the settings cannot be changed (TIOCSLCKTRMIOS); None for nothing."""
        self.winsize = bytes(8)
        self.stopped = self.tco_stopped = False
        """Output is stopped, by ^S or for good until TCOON."""
        self.is_packet = False
        self.packet_news = 0
        """TIOCPKT_ bits that the other end has not read yet."""
        self.is_other_closed = False
        self.is_locked = False
        """A master's: the slave cannot be opened yet (unlockpt(3))."""
        self.port = bytearray()
        self._n_looked_at = 0
        self._is_receiving = False
        self._writer: object = None
        """The thread that sleeps in a write, or has slept."""
        self.output = Output(self)
        self.input = Input(self, self.output)

    # Bytes from end to end

    def write_room(self) -> int:
        """How much put() takes."""
        return 0 if self.stopped else _PORT_BYTES - len(self.link.port)

    def put(self, data: bytes) -> int:
        """Output that has been processed: to the other end. Gives how much that took.

        What is echoed gets there when all input that has come has been looked at: a ^C in it takes it back.
        """
        if self.stopped:
            return 0
        port = self.link.port
        if not port and not self._is_receiving:
            return self.link.insert(data)
        n = min(len(data), _PORT_BYTES - len(port))
        port += data[:n]
        if not self._is_receiving:
            self.link.push()
        return n

    def insert(self, data: bytes) -> int:
        """The same for the other end, where nothing waits there."""
        done = self._receive(data)
        n = min(len(data), done + _PORT_BYTES)
        if done < n:
            self.port += data[done:n]
            self._look_ahead()
        return n

    def _receive(self, data: bytes) -> int:
        self._is_receiving = True
        n = self.input.receive(data)
        self._is_receiving = False
        self.link.push()
        return n

    def push(self) -> None:
        """Give the line discipline what it takes."""
        if self.port:
            data = bytes(self.port)
            self.port.clear()
            n = self._receive(data)
            self.port[:0] = data[n:]
            self._n_looked_at = max(self._n_looked_at - n, 0)
            self._look_ahead()

    def _look_ahead(self) -> None:
        """^S and ^Q do not wait."""
        news = bytes(self.port[self._n_looked_at :])
        self._n_looked_at = len(self.port)
        if news:
            self.input.look_ahead(news)

    def drop_port(self) -> None:
        """What the other end has put here and the line discipline has not seen."""
        self.port.clear()
        self._n_looked_at = 0

    def go_on(self) -> None:
        """Something has been read: what had to wait comes in."""
        if self.input.is_full:
            self.input.is_full = False
            self.push()

    # What the line discipline asks for

    def stop(self) -> None:
        """^S."""
        if not self.stopped:
            self.stopped = True
            self._tell_flow(TIOCPKT_STOP, TIOCPKT_START)

    def start(self) -> None:
        """^Q."""
        if self.stopped and not self.tco_stopped:
            self.stopped = False
            self._tell_flow(TIOCPKT_START, TIOCPKT_STOP)
            self.write_wait.wake(_WRITABLE)

    def _tell_flow(self, news: int, past: int) -> None:
        if self.link.is_packet:
            self.packet_news = self.packet_news & ~past | news
            self.link.read_wait.wake()

    def _tell(self, news: int) -> None:
        if self.link.is_packet:
            self.packet_news |= news
            self.link.read_wait.wake()

    def signal(self, signo: int) -> None:
        """To the foreground."""
        if self.pgid:
            self.sessions.signal_group(self.pgid, signo)

    def drop_output(self) -> None:
        """What is on its way to the other end."""
        self.link.drop_port()
        self._tell(TIOCPKT_FLUSHWRITE)

    def input_dropped(self) -> None:
        """The line discipline has thrown its input away."""
        self._tell(TIOCPKT_FLUSHREAD)

    def wake_readers(self) -> None:
        """There is something to read."""
        self.read_wait.wake(_READABLE)

    # Files

    def read(self, file: TtyFile, n_most: int) -> bytes:
        """As n_tty_read."""
        jobs.check_change(self, SIGTTIN)
        if not n_most:
            return b""
        if self.is_packet and self.link.packet_news:
            news, self.link.packet_news = self.link.packet_news, 0
            return bytes((news,))
        line = self.input
        if line.is_readable(line.minimum(n_most)):
            return self._take(n_most)
        if line.is_readable() and (self.is_other_closed or file.flags & O_NONBLOCK):
            return self._take(n_most)
        if self.is_other_closed:
            raise SyscallError(EIO)
        timeout_ns = 0
        if not line.is_canonical:
            cc = self.termios.cc
            timeout_ns = cc[VTIME] * _DECISECOND_NS
            if not cc[VMIN] and not timeout_ns:
                return b""
            if cc[VMIN] and not line.is_readable():
                timeout_ns = 0
        if file.flags & O_NONBLOCK:
            raise SyscallError(EAGAIN)
        raise WouldBlock(self.read_wait, timeout_ns=timeout_ns)

    def _take(self, n_most: int) -> bytes:
        line = self.input
        data = bytes((TIOCPKT_DATA,)) + line.take(n_most - 1) if self.is_packet else line.take(n_most)
        left = (line.canon_head if line.is_canonical else line.commit_head) - line.tail
        self.go_on()
        if left <= _WAKE_WRITERS_BYTES:
            self.link.write_wait.wake(_WRITABLE)
        return data

    def read_rest(self, n_most: int) -> bytes:
        """What a read that waits no longer gives."""
        return self._take(n_most) if not self.input.reads_lines and self.input.is_readable() else b""

    def write(self, file: TtyFile, data: bytes) -> int:
        """As n_tty_write. What one thread has begun to write ends before another's begins (tty_write_lock)."""
        if self.termios.lflag & TOSTOP:
            jobs.check_change(self, SIGTTOU)
        thread = self.sessions.thread()
        if self._writer is not None and self._writer is not thread and self.sessions.is_asleep(self._writer):
            raise SyscallError(EAGAIN) if file.flags & O_NONBLOCK else WouldBlock(self.write_wait)
        self.output.resume()
        if not data:
            return 0
        done = self.output.write(data)
        if done < len(data) and not file.flags & O_NONBLOCK:
            self._writer = thread
        elif self._writer is thread:
            self._writer = None
            self.write_wait.wake(_WRITABLE)
        if not done:
            raise SyscallError(EAGAIN) if file.flags & O_NONBLOCK else WouldBlock(self.write_wait)
        return done

    def poll(self) -> int:
        """As n_tty_poll."""
        events = _READABLE if self.input.is_readable(self.input.poll_minimum()) else 0
        if self.is_packet and self.link.packet_news:
            events |= POLLPRI | _READABLE
        if self.is_other_closed:
            events |= POLLHUP
        if self.write_room() > 0:
            events |= _WRITABLE
        return events

    def control(self, file: TtyFile, request: int, data: bytes) -> bytes:
        """See ioctl.py."""
        from pyuk.fs.tty.ioctl import control  # noqa: PLC0415  # most of a terminal's code

        return control(self, file, request, data)

    # Settings

    def set_termios(self, new: Termios) -> None:
        """tty_set_termios; a master never has others than at first."""
        old = self.termios
        if self.locked is not None:
            new = new.kept_where(self.locked, old)
        self.termios = new.as_pty()
        if self.link.is_packet:
            news = 0
            flow = _has_usual_flow(self.termios)
            if flow != _has_usual_flow(old):
                self.packet_news &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)
                news = TIOCPKT_DOSTOP if flow else TIOCPKT_NOSTOP
            if (old.lflag | new.lflag) & EXTPROC:
                news |= TIOCPKT_IOCTL
            if news:
                self._tell(news)
        self.input.settings_changed(old)
        self.write_wait.wake()
        self.read_wait.wake()

    def drop_input(self) -> None:
        """What has been typed and not read (n_tty_flush_buffer); go_on() is to follow."""
        self.input.forget()
        self._tell(TIOCPKT_FLUSHREAD)

    def set_winsize(self, winsize: bytes) -> None:
        """Both ends have the size, and the foreground hears of a new one (pty_resize)."""
        if winsize == self.winsize:
            return
        for pgid in {self.pgid, self.link.pgid} - {0}:
            self.sessions.signal_group(pgid, SIGWINCH)
        self.winsize = self.link.winsize = winsize

    def hang_up(self) -> None:
        """TIOCVHANGUP, or the master is closed: who has it open reads its end from now on (__tty_hangup)."""
        for file in self.files:
            file.hung_up = True
        self.files.clear()
        jobs.hang_up(self)
        self.packet_news = 0
        self.stopped = self.tco_stopped = False
        self.input.forget()
        self.drop_port()
        self.read_wait.wake()
        self.write_wait.wake()


def _has_usual_flow(termios: Termios) -> bool:
    return bool(termios.iflag & IXON) and (termios.cc[VSTART], termios.cc[VSTOP]) == (_CTRL_Q, _CTRL_S)


class Slave(Pty):
    """What a program has as its terminal."""

    __slots__ = ()

    def open(self, entry: Entry, flags: int) -> TtyFile:
        """As open(2). Errors: EIO locked or without master, EBUSY taken for one alone."""
        master = self.link
        if master.is_locked or not master.files:
            raise SyscallError(EIO)
        if self.is_exclusive and not self.sessions.is_admin():
            raise SyscallError(EBUSY)
        file = TtyFile(self, entry, flags)
        master.is_other_closed = False
        if not flags & O_NOCTTY:
            jobs.opened(self, for_reading=file.readable)
        return file

    def closed(self, file: TtyFile) -> None:
        """The master hears of the last one."""
        super().closed(file)
        if not self.files and self.link.files:
            self.is_packet = False
            self.link.is_other_closed = True
            self.link.read_wait.wake()
            self.link.write_wait.wake()


class Master(Pty):
    """What plays the keyboard and the screen."""

    __slots__ = ("_on_close",)
    is_master = True

    def __init__(self, sessions: Sessions, index: int, entry: Entry, on_close: Callable[[], object]) -> None:
        """With its slave, whose entry in /dev/pts this is."""
        super().__init__(sessions, index, entry, plain())
        self._on_close = on_close
        self.is_locked = True
        self.link = Slave(sessions, index, entry, standard())
        self.link.link = self

    @property
    def slave(self) -> Pty:
        """The other end."""
        return self.link

    def closed(self, file: TtyFile) -> None:
        """The slave hangs up, and its name is gone."""
        super().closed(file)
        slave = self.link
        assert isinstance(slave, Slave)  # noqa: S101
        slave.is_other_closed = True
        self._on_close()
        slave.hang_up()
