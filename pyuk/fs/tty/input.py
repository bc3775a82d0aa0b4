"""What N_TTY makes of input: lines that can be edited, or bytes as they come (drivers/tty/n_tty.c)."""

from __future__ import annotations

from pyuk.abi.ioctls import (
    ECHO,
    ECHOCTL,
    ECHOE,
    ECHOK,
    ECHOKE,
    ECHONL,
    ECHOPRT,
    EXTPROC,
    ICANON,
    ICRNL,
    IEXTEN,
    IGNCR,
    INLCR,
    ISIG,
    ISTRIP,
    IUCLC,
    IUTF8,
    IXANY,
    IXON,
    NOFLSH,
    PARMRK,
    VEOF,
    VEOL,
    VEOL2,
    VERASE,
    VINTR,
    VKILL,
    VLNEXT,
    VMIN,
    VQUIT,
    VREPRINT,
    VSTART,
    VSTOP,
    VSUSP,
    VTIME,
    VWERASE,
)  # fmt: skip
from pyuk.abi.signal import SIGINT, SIGQUIT, SIGTSTP
from pyuk.fs.tty.output import ALNUM, CONTROLS, UPPER, Output
from pyuk.fs.tty.termios import DISABLED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from pyuk.fs.tty.termios import Termios

    class Line(Protocol):
        """The terminal whose input this is."""

        termios: Termios
        stopped: bool
        tco_stopped: bool

        def write_room(self) -> int: ...
        def put(self, data: bytes) -> int: ...
        def stop(self) -> None: ...
        def start(self) -> None: ...
        def signal(self, signo: int) -> None: ...
        def drop_output(self) -> None: ...
        def input_dropped(self) -> None: ...
        def wake_readers(self) -> None: ...


BUFFER_BYTES = 4096
_MASK = BUFFER_BYTES - 1
_NEWLINE, _RETURN, _TAB, _UNDERSCORE, _ALL_ONES = *b"\n\r\t_", 0xFF
_SIGNALS = ((VINTR, SIGINT), (VQUIT, SIGQUIT), (VSUSP, SIGTSTP))
_ERASE, _WERASE, _KILL = range(3)
_CHUNK_BYTES = 64
"""drivers/tty/tty_io.c reads in such pieces, and more than one of them is no minimum."""
_TO_LOWER = bytes(c + 32 if c in UPPER else c for c in range(256))
_LOOKED_AT = ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK


class Input:
    """The way into one terminal: a ring of 4096 bytes, and marks in it.

    Invariants: tail <= canon_head <= commit_head <= head, or so: `tail` is where the next read begins, `head` where
    the next byte goes; up to canon_head there are whole lines, the last byte of each is marked in `ends`, and an end
    of file is a marked byte 0; up to commit_head bytes can be read in non-canonical mode. Of the next _n_looked_at
    bytes that come, ^S and ^Q have been obeyed. The counts are never reduced
    modulo the buffer's size, and begin again with each flush.
    """

    __slots__ = (
        "_buffer", "_ends", "_erasing", "_lnext", "_n_looked_at", "_special", "canon_head", "commit_head", "head",
        "is_canonical", "is_full", "is_raw", "output", "tail", "tty",
    )  # fmt: skip

    def __init__(self, tty: Line, output: Output) -> None:
        self.tty = tty
        self.output = output
        self._buffer = bytearray(BUFFER_BYTES)
        self._ends = bytearray(BUFFER_BYTES)
        self.is_full = False
        """Input had to be left where it comes from."""
        self.forget()
        self._lnext = False
        self._n_looked_at = 0
        self.is_canonical = self.is_raw = False
        self._special: frozenset[int] = frozenset()
        self.settings_changed(None)

    def forget(self) -> None:
        """Everything that has not been read."""
        self.head = self.tail = self.canon_head = self.commit_head = 0
        self._ends[:] = bytes(BUFFER_BYTES)
        self._erasing = False

    def settings_changed(self, old: Termios | None) -> None:
        """The terminal has other settings than before."""
        now = self.tty.termios
        lflag, iflag = now.lflag, now.iflag
        if old is None or (old.lflag ^ lflag) & (ICANON | EXTPROC):
            self._ends[:] = bytes(BUFFER_BYTES)
            if not lflag & ICANON or self.head == self.tail:
                self.canon_head = self.tail
            else:
                self._ends[self.head - 1 & _MASK] = 1
                self.canon_head = self.head
            self.commit_head = self.head
            self._erasing = self._lnext = False
        self.is_canonical = bool(lflag & ICANON)
        self.is_raw = not (iflag & _LOOKED_AT or lflag & (ICANON | ISIG | ECHO))
        if not self.is_raw:
            self._special = frozenset(_special_characters(now))
        if not iflag & IXON and old is not None and old.iflag & IXON and not self.tty.tco_stopped:
            self.tty.start()
            self.output.resume()

    # What comes in

    def receive(self, data: bytes, *, may_wait: bool = True) -> int:
        """Take bytes; gives how many. The others have to come again, or with may_wait=False are lost."""
        at = 0
        while True:
            room = BUFFER_BYTES - (self.head - self.tail)
            if self.tty.termios.iflag & PARMRK:
                room = (room + 2) // 3
            room -= 1
            if room <= 0:  # a line that is too long can still be edited and ended
                overflows = self.is_canonical and self.canon_head == self.tail
                if overflows and room < 0:
                    self.head -= 1
                room = int(overflows)
                self.is_full = may_wait and not room
            n = min(len(data) - at, room)
            if n <= 0:
                return at
            self._take_in(data[at : at + n])
            at += n

    def look_ahead(self, data: bytes) -> None:
        """What has to wait is searched for ^S and ^Q, which do not (n_tty_lookahead_flow_ctrl)."""
        self._n_looked_at += len(data)
        termios = self.tty.termios
        if termios.iflag & IXON:
            for c in data:
                if c in (termios.cc[VSTART], termios.cc[VSTOP]):
                    self._control_flow(c)

    def _control_flow(self, c: int) -> None:
        if c == self.tty.termios.cc[VSTART]:
            self.tty.start()
            self.output.resume()
        else:
            self.tty.stop()

    def _take_in(self, data: bytes) -> None:
        termios = self.tty.termios
        n_looked_at = min(self._n_looked_at, len(data))
        self._n_looked_at -= n_looked_at
        if self.is_raw or (
            termios.lflag & EXTPROC
            and not (termios.iflag & ISTRIP or (termios.iflag & IUCLC and termios.lflag & IEXTEN))
        ):
            start = self.head & _MASK
            n_first = min(len(data), BUFFER_BYTES - start)
            self._buffer[start : start + n_first] = data[:n_first]
            self._buffer[: len(data) - n_first] = data[n_first:]
            self.head += len(data)
        else:
            for at, c in enumerate(data):
                self._character(c, was_looked_at=at < n_looked_at)
            self.output.flush()
        if self.is_canonical and not self.tty.termios.lflag & EXTPROC:
            return
        self.commit_head = self.head
        if self.head != self.tail:
            self.tty.wake_readers()

    def _put(self, c: int) -> None:
        self._buffer[self.head & _MASK] = c
        self.head += 1

    def _character(self, c: int, *, was_looked_at: bool) -> None:
        termios = self.tty.termios
        iflag, lflag = termios.iflag, termios.lflag
        if iflag & ISTRIP:
            c &= 0x7F
        if iflag & IUCLC and lflag & IEXTEN:
            c = _TO_LOWER[c]
        if self._lnext:
            self._lnext = False
            self._plain(c)
        elif lflag & EXTPROC:
            self._put(c)
        elif c in self._special:
            self._special_character(c, was_looked_at=was_looked_at)
        else:
            self._plain(c)

    def _plain(self, c: int) -> None:
        """A character of the text."""
        self._go_on_for_any()
        if self.tty.termios.lflag & ECHO:
            self._finish_erasing()
            self._echo(c)
            self.output.commit()
        self._put_doubled(c)

    def _put_doubled(self, c: int) -> None:
        """PARMRK makes 0xFF two, so that it is no mark."""
        if c == _ALL_ONES and self.tty.termios.iflag & PARMRK:
            self._put(c)
        self._put(c)

    def _echo(self, c: int) -> None:
        if self.canon_head == self.head:
            self.output.set_canon_column()
        self.output.echo(c)

    def _go_on_for_any(self) -> None:
        """IXANY."""
        tty = self.tty
        if tty.stopped and not tty.tco_stopped and tty.termios.iflag & (IXON | IXANY) == IXON | IXANY:
            tty.start()
            self.output.resume()

    def _special_character(self, c: int, *, was_looked_at: bool) -> None:
        termios = self.tty.termios
        iflag, cc = termios.iflag, termios.cc
        if iflag & IXON and c in (cc[VSTART], cc[VSTOP]):
            if not was_looked_at:
                self._control_flow(c)
            return
        if termios.lflag & ISIG:
            for place, signo in _SIGNALS:
                if c == cc[place]:
                    self._signal(signo, c)
                    return
        self._go_on_for_any()
        if c == _RETURN:
            if iflag & IGNCR:
                return
            if iflag & ICRNL:
                c = _NEWLINE
        elif c == _NEWLINE and iflag & INLCR:
            c = _RETURN
        if self.is_canonical and self._edit(c):
            return
        if termios.lflag & ECHO:
            self._finish_erasing()
            if c == _NEWLINE:
                self.output.echo_raw(b"\n")
            else:
                self._echo(c)
            self.output.commit()
        self._put_doubled(c)

    def _signal(self, signo: int, c: int) -> None:
        """^C and its like: the foreground gets a signal, and what has been typed before is lost."""
        tty, lflag = self.tty, self.tty.termios.lflag
        tty.signal(signo)
        if not lflag & NOFLSH:
            self.output.forget_echo()
            tty.drop_output()
            self.forget()
            tty.input_dropped()
        if tty.termios.iflag & IXON:
            tty.start()
        if tty.termios.lflag & ECHO:
            self.output.echo(c)
            self.output.commit()
        else:
            self.output.resume()

    def _edit(self, c: int) -> bool:
        """The characters that canonical mode knows; false for any other."""
        termios = self.tty.termios
        cc, lflag = termios.cc, termios.lflag
        extended = lflag & IEXTEN
        if c in (cc[VERASE], cc[VKILL]) or (c == cc[VWERASE] and extended):
            self._erase(c)
            self.output.commit()
        elif c == cc[VLNEXT] and extended:
            self._lnext = True
            if lflag & ECHO:
                self._finish_erasing()
                if lflag & ECHOCTL:
                    self.output.echo_raw(b"^\b")
                    self.output.commit()
        elif c == cc[VREPRINT] and lflag & ECHO and extended:
            self._finish_erasing()
            self.output.echo(c)
            self.output.echo_raw(b"\n")
            for at in range(self.canon_head, self.canon_head + (self.head - self.canon_head & _MASK)):
                self.output.echo(self._buffer[at & _MASK])
            self.output.commit()
        elif c == _NEWLINE:
            if lflag & (ECHO | ECHONL):
                self.output.echo_raw(b"\n")
                self.output.commit()
            self._end_line(c)
        elif c == cc[VEOF]:
            self._end_line(DISABLED)
        elif c == cc[VEOL] or (c == cc[VEOL2] and extended):
            if lflag & ECHO:
                self._echo(c)
                self.output.commit()
            if c == _ALL_ONES and termios.iflag & PARMRK:
                self._put(c)
            self._end_line(c)
        else:
            return False
        return True

    def _end_line(self, c: int) -> None:
        self._ends[self.head & _MASK] = 1
        self._put(c)
        self.canon_head = self.head
        self.tty.wake_readers()

    # Editing

    def _finish_erasing(self) -> None:
        """ECHOPRT shows what is erased between a backslash and a slash."""
        if self._erasing:
            self.output.echo_raw(b"/")
            self._erasing = False

    def _erase(self, c: int) -> None:
        """ERASE, WERASE or KILL: up to the beginning of the line, as nobody has read it."""
        if self.head == self.canon_head:
            return
        termios, output = self.tty.termios, self.output
        lflag = termios.lflag
        kind = _ERASE if c == termios.cc[VERASE] else _WERASE if c == termios.cc[VWERASE] else _KILL
        if kind == _KILL and lflag & (ECHO | ECHOK | ECHOKE | ECHOE) != ECHO | ECHOK | ECHOKE | ECHOE:
            self.head = self.canon_head
            if lflag & ECHO:
                self._finish_erasing()
                output.echo(termios.cc[VKILL])
                if lflag & ECHOK:
                    output.echo_raw(b"\n")
            return
        seen_word = False
        while (self.head - self.canon_head) & _MASK:
            at = self._character_before()
            if at < 0:
                break
            c = self._buffer[at & _MASK]
            if kind == _WERASE:
                if c in ALNUM or c == _UNDERSCORE:
                    seen_word = True
                elif seen_word:
                    break
            n_bytes, self.head = self.head - at, at
            if lflag & ECHO:
                self._show_erased(c, n_bytes, kind)
            if kind == _ERASE:
                break
        if self.head == self.canon_head and lflag & ECHO:
            self._finish_erasing()

    def _character_before(self) -> int:
        """Where the last character begins, which has several bytes in UTF-8; -1: only its end is there."""
        at = self.head - 1
        if self.tty.termios.iflag & IUTF8:
            while self._buffer[at & _MASK] & 0xC0 == 0x80 and (at - self.canon_head) & _MASK:  # noqa: PLR2004
                at -= 1
            if self._buffer[at & _MASK] & 0xC0 == 0x80:  # noqa: PLR2004
                return -1
        return at

    def _show_erased(self, c: int, n_bytes: int, kind: int) -> None:
        """What is seen of an erasure; the character stood at `head`."""
        termios, output = self.tty.termios, self.output
        lflag = termios.lflag
        if lflag & ECHOPRT:
            if not self._erasing:
                output.echo_raw(b"\\")
                self._erasing = True
            output.echo(c)
            for at in range(self.head + 1, self.head + n_bytes):
                output.echo_raw(bytes((self._buffer[at & _MASK],)))
                output.move_back()
        elif kind == _ERASE and not lflag & ECHOE:
            output.echo(termios.cc[VERASE])
        elif c == _TAB:
            self._show_erased_tab()
        else:
            if c in CONTROLS and lflag & ECHOCTL:
                output.echo_raw(b"\b \b")
            if c not in CONTROLS or lflag & ECHOCTL:
                output.echo_raw(b"\b \b")

    def _show_erased_tab(self) -> None:
        """Back by as many columns as it had, which those before it decide."""
        termios = self.tty.termios
        n_columns, after_tab, at = 0, False, self.head
        while (at - self.canon_head) & _MASK:
            at -= 1
            c = self._buffer[at & _MASK]
            if c == _TAB:
                after_tab = True
                break
            if c in CONTROLS:
                n_columns += 2 if termios.lflag & ECHOCTL else 0
            elif not (termios.iflag & IUTF8 and c & 0xC0 == 0x80):  # noqa: PLR2004
                n_columns += 1
        self.output.erase_tab(n_columns, after_tab=after_tab)

    # What is read

    @property
    def reads_lines(self) -> bool:
        """Whether a read is for a line."""
        return self.is_canonical and not self.tty.termios.lflag & EXTPROC

    def n_readable(self) -> int:
        """FIONREAD (n_tty_ioctl): an end of file does not count."""
        if not self.reads_lines:
            return self.head - self.tail
        n = 0
        for at in range(self.tail, self.canon_head):
            place = at & _MASK
            n += not (self._ends[place] and self._buffer[place] == DISABLED)
        return n

    def is_readable(self, n_bytes: int = 1) -> bool:
        """Whether a read finds a line, or so many bytes."""
        if self.reads_lines:
            return self.canon_head != self.tail
        return self.commit_head - self.tail >= n_bytes

    def minimum(self, n_most: int) -> int:
        """The bytes without which a read of n_most in non-canonical mode does not end by itself."""
        return 1 if self.is_canonical else min(self.tty.termios.cc[VMIN] or 1, n_most, _CHUNK_BYTES)

    def poll_minimum(self) -> int:
        """The bytes that poll(2) calls readable."""
        cc = self.tty.termios.cc
        return cc[VMIN] if cc[VMIN] and not cc[VTIME] else 1

    def take(self, n_most: int) -> bytes:
        """What one read gives: the rest of a line, or what is there."""
        return self._take_line(n_most) if self.reads_lines else self._take_bytes(n_most)

    def _take_line(self, n_most: int) -> bytes:
        n = min(n_most, self.canon_head - self.tail)
        if n <= 0:
            return b""
        end = self._find_end(n)
        found = end >= 0
        n_gone = end + 1 if found else n
        n = end if found and self._buffer[self.tail + end & _MASK] == DISABLED else n_gone
        data = self._copy(n)
        self.tail += n_gone
        if found:
            self._ends[self.tail - 1 & _MASK] = 0
        elif self.tail != self.canon_head and n == n_most:
            self._skip_end_of_file()
        return data

    def _find_end(self, n: int) -> int:
        """Which of the next n bytes ends a line; -1: none."""
        start = self.tail & _MASK
        at = self._ends.find(1, start, min(start + n, BUFFER_BYTES))
        if at < 0 and start + n > BUFFER_BYTES:
            at = self._ends.find(1, 0, start + n - BUFFER_BYTES)
            return at if at < 0 else at + BUFFER_BYTES - start
        return at if at < 0 else at - start

    def _skip_end_of_file(self) -> None:
        """A read that has just filled its buffer takes an end of file with it."""
        place = self.tail & _MASK
        if self._ends[place] and self._buffer[place] == DISABLED:
            self._ends[place] = 0
            self.tail += 1

    def _take_bytes(self, n_most: int) -> bytes:
        if self.tty.termios.cc[VMIN] > _CHUNK_BYTES and not self.is_canonical:
            n_most = min(n_most, _CHUNK_BYTES)
        n = min(n_most, self.commit_head - self.tail)
        data = self._copy(n)
        self.tail += n
        termios = self.tty.termios
        if (
            termios.lflag & EXTPROC and self.is_canonical and n == 1 and data[0] == termios.cc[VEOF]
            and self.commit_head == self.tail
        ):  # fmt: skip
            return b""
        return data

    def _copy(self, n: int) -> bytes:
        start = self.tail & _MASK
        data = bytes(self._buffer[start : start + n])
        return data if len(data) == n else data + bytes(self._buffer[: n - len(data)])


def _special_characters(termios: Termios) -> set[int]:
    """The characters that have a meaning."""
    iflag, lflag, cc = termios.iflag, termios.lflag, termios.cc
    found = set()
    if iflag & (IGNCR | ICRNL):
        found.add(_RETURN)
    if iflag & INLCR:
        found.add(_NEWLINE)
    places: list[int] = []
    if lflag & ICANON:
        found.add(_NEWLINE)
        places += (VERASE, VKILL, VEOF, VEOL)
        if lflag & IEXTEN:
            places += (VWERASE, VLNEXT, VEOL2)
            if lflag & ECHO:
                places.append(VREPRINT)
    if iflag & IXON:
        places += (VSTART, VSTOP)
    if lflag & ISIG:
        places += (VINTR, VQUIT, VSUSP)
    found.update(cc[place] for place in places)
    found.discard(DISABLED)
    return found
