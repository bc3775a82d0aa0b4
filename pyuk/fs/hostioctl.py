"""ioctl(2) on host descriptors: terminals first of all. Imported when a guest makes such a call."""

from __future__ import annotations

import fcntl
import sys

from pyuk.abi.errno import ENOTTY, SyscallError
from pyuk.abi.ioctls import (
    FICLONE,
    FIGETBSZ,
    FIONREAD,
    FIOQSIZE,
    FS_IOC_GETFLAGS,
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
    TIOCGDEV,
    TIOCGETD,
    TIOCGEXCL,
    TIOCGPTLCK,
    TIOCGPTN,
    TIOCGSOFTCAR,
    TIOCGWINSZ,
    TIOCMGET,
    TIOCOUTQ,
    TIOCSPTLCK,
    TIOCSWINSZ,
    VMIN,
    VTIME,
)  # fmt: skip
from pyuk.fs.errors import guest_error

_PASSED = {
    TCSETS, TCSETSW, TCSETSF, TCSETA, TCSETAW, TCSETAF, TCSETS2, TCSETSW2, TCSETSF2,
    TCGETS, TCGETA, TCGETS2, TCSBRK, TCSBRKP, TCXONC, TCFLSH, TIOCGWINSZ, TIOCSWINSZ, TIOCOUTQ, FIONREAD, FIOQSIZE,
    FICLONE, FIGETBSZ, FS_IOC_GETFLAGS, TIOCMGET, TIOCGSOFTCAR, TIOCGETD, TIOCGDEV, TIOCGEXCL, TIOCGPTN, TIOCSPTLCK,
    TIOCGPTLCK,
}  # fmt: skip
"""What the host may do as it is: no pids, descriptors, signals or guest pointers in it."""
_TERMIOS_BYTES, _LFLAG_AT, _CC_AT = 36, 12, 17  # asm-generic/termbits.h: struct termios, c_lflag, c_cc
_DECISECOND_NS = 100_000_000
_BY_VALUE = frozenset((FICLONE, TCSBRK, TCSBRKP, TCXONC, TCFLSH))


def control(fd: int, request: int, data: bytes) -> bytes:
    """Pass a request to the host with its argument's bytes; 8 of them are the number where it takes one.

    Errors: ENOTTY for what the file cannot do, and for what is not passed: pids and descriptors are not the host's.
    Deviation: on hosts other than Linux every request is ENOTTY.
    """
    if request not in _PASSED or sys.platform != "linux":
        raise SyscallError(ENOTTY)
    try:
        if request in _BY_VALUE:
            fcntl.ioctl(fd, request, int.from_bytes(data, "little", signed=True))
            return b""
        return fcntl.ioctl(fd, request, data)
    except OSError as error:
        raise guest_error(error) from None


def longest_read_ns(fd: int) -> int | None:
    """After how long a read of nothing gives 0 bytes; None: never (termios(3), noncanonical mode with MIN 0)."""
    if sys.platform != "linux":
        return None
    try:
        settings = fcntl.ioctl(fd, TCGETS, bytes(_TERMIOS_BYTES))
    except OSError:
        return None  # no terminal
    if int.from_bytes(settings[_LFLAG_AT : _LFLAG_AT + 4], "little") & ICANON or settings[_CC_AT + VMIN]:
        return None
    return settings[_CC_AT + VTIME] * _DECISECOND_NS
