"""A terminal's settings (termios(3)) as the kernel keeps them, and the structs in which ioctl(2) moves them."""

from __future__ import annotations

import struct

from pyuk.abi.ioctls import (
    B0,
    B38400,
    BOTHER,
    CBAUD,
    CREAD,
    CS8,
    CSIZE,
    ECHO,
    ECHOCTL,
    ECHOE,
    ECHOK,
    ECHOKE,
    ICANON,
    ICRNL,
    IEXTEN,
    ISIG,
    IXON,
    ONLCR,
    OPOST,
    PARENB,
)  # fmt: skip

_TERMIOS, _TERMIOS2 = struct.Struct("<IIIIB19s"), struct.Struct("<IIIIB19sII")
_TERMIO = struct.Struct("<HHHHB8sx")
TERMIOS_BYTES, TERMIOS2_BYTES, TERMIO_BYTES = _TERMIOS.size, _TERMIOS2.size, _TERMIO.size
"""36, 44 and 18: asm-generic/termbits.h, asm-generic/termios.h."""

DISABLED = 0
"""_POSIX_VDISABLE: a control character with this value is switched off."""
_CBAUDEX, _INPUT_SHIFT = 0x1000, 16
_SPEEDS = (
    0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800,
    500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
)  # fmt: skip
_N_PLAIN_SPEEDS = 15
_CFLAG, _SPEED = B38400 | CS8 | CREAD, 38400
_ADDRB = 0x20000000  # addresses on a multi-drop line: no terminal here has any
_LOW, _HIGH = 0xFFFF, 0xFFFF0000
_INIT_CC = b"\x03\x1c\x7f\x15\x04\x00\x01\x00\x11\x13\x1a\x00\x12\x0f\x17\x16\x00".ljust(19, b"\0")


class Termios:
    """Values, never changed: a change of settings is another object. The names are those of struct ktermios."""

    __slots__ = ("cc", "cflag", "iflag", "ispeed", "lflag", "line", "oflag", "ospeed")

    def __init__(
        self, iflag: int, oflag: int, cflag: int, lflag: int, line: int, cc: bytes, ispeed: int, ospeed: int
    ) -> None:
        self.iflag = iflag
        self.oflag = oflag
        self.cflag = cflag
        self.lflag = lflag
        self.line = line
        self.cc = cc
        self.ispeed = ispeed
        self.ospeed = ospeed

    def pack(self) -> bytes:
        """A struct termios."""
        return _TERMIOS.pack(self.iflag, self.oflag, self.cflag, self.lflag, self.line, self.cc)

    def pack2(self) -> bytes:
        """A struct termios2."""
        return self.pack() + struct.pack("<II", self.ispeed, self.ospeed)

    def pack_old(self) -> bytes:
        """A struct termio."""
        return _TERMIO.pack(
            self.iflag & _LOW, self.oflag & _LOW, self.cflag & _LOW, self.lflag & _LOW, self.line, self.cc[:8]
        )

    def changed_by(self, data: bytes) -> Termios:
        """These settings with what one of the three structs, told by its size, says of them; speeds follow cflag."""
        ispeed, ospeed = self.ispeed, self.ospeed
        if len(data) == TERMIO_BYTES:
            iflag, oflag, cflag, lflag, line, cc = _TERMIO.unpack(data)
            iflag, oflag = self.iflag & _HIGH | iflag, self.oflag & _HIGH | oflag
            cflag, lflag = self.cflag & _HIGH | cflag, self.lflag & _HIGH | lflag
            cc += self.cc[8:]
        elif len(data) == TERMIOS2_BYTES:
            iflag, oflag, cflag, lflag, line, cc, ispeed, ospeed = _TERMIOS2.unpack(data)
        else:
            iflag, oflag, cflag, lflag, line, cc = _TERMIOS.unpack(data)
        out = _speed(cflag & CBAUD, ospeed)
        code = cflag >> _INPUT_SHIFT & CBAUD
        ispeed = out if code == B0 else _speed(code, ispeed)
        return Termios(iflag, oflag, cflag, lflag, line, cc, ispeed, out)

    def kept_where(self, locked: Termios, old: Termios) -> Termios:
        """These, but the old ones where `locked` has bits and characters (unset_locked_termios)."""

        def chosen(new: int, before: int, mask: int) -> int:
            return new & ~mask | before & mask

        return Termios(
            chosen(self.iflag, old.iflag, locked.iflag), chosen(self.oflag, old.oflag, locked.oflag),
            chosen(self.cflag, old.cflag, locked.cflag), chosen(self.lflag, old.lflag, locked.lflag),
            old.line if locked.line else self.line,
            bytes(before if lock else new for new, before, lock in zip(self.cc, old.cc, locked.cc, strict=True)),
            self.ispeed, self.ospeed,
        )  # fmt: skip

    def as_pty(self) -> Termios:
        """What a pseudoterminal makes of settings: it has 8 bits and no parity (pty_set_termios)."""
        cflag = self.cflag & ~(CSIZE | PARENB | _ADDRB) | CS8 | CREAD
        return Termios(
            self.iflag, self.oflag, cflag, self.lflag, self.line, self.cc, self.ispeed, self.ospeed
        )  # fmt: skip


def _speed(code: int, other: int) -> int:
    """Bits a second of a B code (tty_termios_baud_rate); BOTHER stands for another number."""
    if code == BOTHER:
        return other
    if code & _CBAUDEX:
        code = (code & ~_CBAUDEX) + _N_PLAIN_SPEEDS
    return _SPEEDS[code] if code < len(_SPEEDS) else 0


def standard() -> Termios:
    """What a terminal begins with (drivers/tty/tty_io.c, tty_std_termios)."""
    lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN
    return Termios(ICRNL | IXON, OPOST | ONLCR, _CFLAG, lflag, 0, _INIT_CC, _SPEED, _SPEED)


def nothing() -> Termios:
    """All zeros: of locks, none."""
    return Termios(0, 0, 0, 0, 0, bytes(len(_INIT_CC)), 0, 0)


def plain() -> Termios:
    """What a master of a pseudoterminal has, for good: nothing is done to any byte."""
    return Termios(0, 0, _CFLAG, 0, 0, _INIT_CC, _SPEED, _SPEED)
