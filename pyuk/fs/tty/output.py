"""What N_TTY makes of output: newlines, tabs, and the echo of what is typed (drivers/tty/n_tty.c)."""

from __future__ import annotations

from pyuk.abi.ioctls import ECHO, ECHOCTL, ECHONL, IUTF8, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from pyuk.fs.tty.termios import Termios

    class Line(Protocol):
        """Where output goes."""

        termios: Termios

        def write_room(self) -> int: ...
        def put(self, data: bytes) -> int: ...


XTABS = TABDLY
_BUFFER_BYTES = 4096
_MASK = _BUFFER_BYTES - 1
_BLOCK, _WATERMARK = 256, 256
_DISCARD_WATERMARK = _BUFFER_BYTES - (_BLOCK + 32)
_START, _MOVE_BACK, _SET_CANON_COLUMN, _ERASE_TAB = 0xFF, 0x80, 0x81, 0x82
"""ECHO_OP_: in the echo buffer _START announces what is no plain character."""
_NEWLINE, _RETURN, _TAB, _BACKSPACE, _BELL, _SPACE = b"\n\r\t\b\a "
_CONTINUATIONS = bytes(range(0x80, 0xC0))
CONTROLS = frozenset((*range(32), 127))
_MARK_CONTROLS = bytes(int(c in CONTROLS) for c in range(256))
# lib/ctype.c: the kernel's characters are Latin-1, and its case is bit 5
LOWER = frozenset((*range(ord("a"), ord("z") + 1), 0xDF, *range(0xE0, 0xF7), *range(0xF8, 0x100)))
UPPER = frozenset((*range(ord("A"), ord("Z") + 1), *range(0xC0, 0xD7), *range(0xD8, 0xDF)))
ALNUM = LOWER | UPPER | frozenset(b"0123456789")
_TO_UPPER = bytes(c - 32 if c in LOWER else c for c in range(256))


class Output:
    """The way out of one terminal.

    Invariants: column is that of the cursor as far as the discipline can tell; canon_column that where the line began
    that is being typed. The echo buffer is a ring; tail <= commit <= mark <= head: what is behind the tail is written,
    what is between commit and head is not to be written yet.
    """

    __slots__ = ("_commit", "_echo", "_head", "_mark", "_tail", "canon_column", "column", "tty")

    def __init__(self, tty: Line) -> None:
        self.tty = tty
        self.column = self.canon_column = 0
        self._echo = bytearray(_BUFFER_BYTES)
        self._head = self._tail = self._mark = self._commit = 0

    def write(self, data: bytes) -> int:
        """What a program writes; gives how much of it has gone out."""
        if not self.tty.termios.oflag & OPOST:
            return self.tty.put(data)
        room = self.tty.write_room()
        out = bytearray()
        marks = data.translate(_MARK_CONTROLS)
        at, size = 0, len(data)
        while at < size and room > 0:
            end = marks.find(1, at)
            if end == at:
                made = self._character(data[at], room, out)
                if made < 0:
                    break
                at += 1
                room -= made
                continue
            run = data[at : min(size if end < 0 else end, at + room)]
            self._print(run, out)
            at += len(run)
            room -= len(run)
        if out:
            self.tty.put(bytes(out))
        return at

    def _print(self, run: bytes, out: bytearray) -> None:
        """Characters without controls."""
        termios = self.tty.termios
        if termios.oflag & OLCUC:
            run = run.translate(_TO_UPPER)
        self.column += len(run.translate(None, _CONTINUATIONS)) if termios.iflag & IUTF8 else len(run)
        out += run

    def _character(self, c: int, room: int, out: bytearray) -> int:
        """One character under OPOST; gives the bytes that it has become, -1 where they do not fit."""
        oflag = self.tty.termios.oflag
        if not room:
            return -1
        if c == _NEWLINE:
            if oflag & ONLRET:
                self.column = 0
            if oflag & ONLCR:
                if room < len(b"\r\n"):
                    return -1
                self.canon_column = self.column = 0
                out += b"\r\n"
                return 2
            self.canon_column = self.column
        elif c == _RETURN:
            if oflag & ONOCR and self.column == 0:
                return 0
            if not oflag & OCRNL:
                self.canon_column = self.column = 0
            else:
                c = _NEWLINE
                if oflag & ONLRET:
                    self.canon_column = self.column = 0
        elif c == _TAB:
            n_spaces = 8 - (self.column & 7)
            if oflag & TABDLY == XTABS:
                if room < n_spaces:
                    return -1
                self.column += n_spaces
                out += b" " * n_spaces
                return n_spaces
            self.column += n_spaces
        elif c == _BACKSPACE:
            self.column = max(self.column - 1, 0)
        elif c not in CONTROLS:
            self._print(bytes((c,)), out)
            return 1
        out.append(c)
        return 1

    # The echo of what is typed

    def echo(self, c: int) -> None:
        """A character, as ^X where it is a control character and ECHOCTL is on."""
        if c == _START:
            self._add(_START, _START)
        elif c in CONTROLS and c != _TAB and self.tty.termios.lflag & ECHOCTL:
            self._add(_START, c)
        else:
            self._add(c)

    def echo_raw(self, text: bytes) -> None:
        """Characters as they are."""
        for c in text:
            self._add(*((_START, _START) if c == _START else (c,)))

    def set_canon_column(self) -> None:
        """The first character of a line is about to be echoed."""
        self._add(_START, _SET_CANON_COLUMN)

    def move_back(self) -> None:
        """A byte more of a character has been echoed: it takes no column."""
        self._add(_START, _MOVE_BACK)

    def erase_tab(self, n_columns: int, *, after_tab: bool) -> None:
        """Go back over a tab; n_columns stand before it, from the tab before that or from the line's beginning."""
        self._add(_START, _ERASE_TAB, n_columns & 7 | (0x80 if after_tab else 0))

    def _add(self, *codes: int) -> None:
        for code in codes:
            self._echo[self._head & _MASK] = code
            self._head += 1

    def forget_echo(self) -> None:
        """Nothing of what has been typed is to be echoed any more."""
        self._head = self._tail = self._mark = self._commit = 0

    def commit(self) -> None:
        """What has been added belongs together and may go out, in blocks, or at the end of the input."""
        self._mark = self._head
        n_before, n_now = self._commit - self._tail, self._head - self._tail
        if n_now >= _WATERMARK and n_now % _BLOCK <= n_before % _BLOCK:
            self._commit = self._head
            self._process()

    def flush(self) -> None:
        """The end of the input that has come."""
        if self.tty.termios.lflag & (ECHO | ECHONL) and self._commit != self._head:
            self._commit = self._head
            self._process()

    def resume(self) -> None:
        """Output is possible again, or about to follow: what could not be echoed is."""
        if self._mark != self._tail:
            self._commit = self._mark
            self._process()

    def _process(self) -> None:
        """Write what is committed, as far as there is room for it."""
        room = self.tty.write_room()
        out = bytearray()
        at = self._tail
        while (self._commit - at) & _MASK:
            used, made = self._operation(at, room - len(out), out)
            if not used:
                break
            at += used
            assert made <= room  # noqa: S101
        while self._commit - at >= _DISCARD_WATERMARK:
            code, following = self._echo[at & _MASK], self._echo[at + 1 & _MASK]
            at += 1 if code != _START else 3 if following == _ERASE_TAB else 2
        self._tail = at
        if out:
            self.tty.put(bytes(out))

    def _operation(self, at: int, room: int, out: bytearray) -> tuple[int, int]:
        """One entry of the echo buffer: how much of it that was, 0 if it has to wait, and the bytes written."""
        code = self._echo[at & _MASK]
        before = len(out)
        if code != _START:
            if self.tty.termios.oflag & OPOST:
                made = self._character(code, room, out)
                return (0, 0) if made < 0 else (1, made)
            if not room:
                return 0, 0
            out.append(code)
            return 1, 1
        operation = self._echo[at + 1 & _MASK]
        if operation == _ERASE_TAB:
            columns = self._echo[at + 2 & _MASK]
            if not columns & 0x80:
                columns += self.canon_column
            n_back = 8 - (columns & 7)
            if n_back > room:
                return 0, 0
            out += b"\b" * n_back
            self.column = max(self.column - n_back, 0)
            return 3, n_back
        if operation == _SET_CANON_COLUMN:
            self.canon_column = self.column
        elif operation == _MOVE_BACK:
            self.column = max(self.column - 1, 0)
        else:
            text = b"\xff" if operation == _START else bytes((ord("^"), operation ^ 0x40))
            if len(text) > room:
                return 0, 0
            out += text
            self.column += len(text)
        return 2, len(out) - before
