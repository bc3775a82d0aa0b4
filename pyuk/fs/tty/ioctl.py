"""ioctl_tty(2) on pseudoterminals (drivers/tty/tty_io.c, tty_ioctl.c, n_tty.c, pty.c)."""

from __future__ import annotations

import struct

from pyuk.abi.errno import EINVAL, ENOTTY, EPERM, SyscallError
from pyuk.abi.ioctls import (
    CLOCAL,
    FIONREAD,
    TCFLSH,
    TCGETA,
    TCGETS,
    TCGETS2,
    TCIFLUSH,
    TCIOFF,
    TCIOFLUSH,
    TCION,
    TCOFLUSH,
    TCOOFF,
    TCOON,
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
    TIOCCBRK,
    TIOCCONS,
    TIOCEXCL,
    TIOCGDEV,
    TIOCGETD,
    TIOCGEXCL,
    TIOCGLCKTRMIOS,
    TIOCGPGRP,
    TIOCGPKT,
    TIOCGPTLCK,
    TIOCGPTN,
    TIOCGSID,
    TIOCGSOFTCAR,
    TIOCGWINSZ,
    TIOCNOTTY,
    TIOCNXCL,
    TIOCOUTQ,
    TIOCPKT,
    TIOCSBRK,
    TIOCSCTTY,
    TIOCSETD,
    TIOCSIG,
    TIOCSLCKTRMIOS,
    TIOCSPGRP,
    TIOCSPTLCK,
    TIOCSSOFTCAR,
    TIOCSTI,
    TIOCSWINSZ,
    TIOCVHANGUP,
    VSTART,
    VSTOP,
)  # fmt: skip
from pyuk.abi.signal import SIGINT, SIGQUIT, SIGTSTP
from pyuk.fs.tty import jobs
from pyuk.fs.tty.termios import DISABLED, Termios, nothing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.tty.device import Tty
    from pyuk.fs.tty.file import TtyFile
    from pyuk.fs.tty.pty import Pty

_N_TTY = 0


def control(tty: Pty, file: TtyFile, request: int, data: bytes) -> bytes:
    """Errors: ENOTTY no such request; EINVAL, EPERM, EIO, ESRCH and ERESTARTSYS of single ones."""
    handler = _HANDLERS.get(request)
    if handler is not None:
        return handler(tty, file, data)
    if tty.is_master:
        handler = _OF_MASTERS.get(request)
        if handler is not None:
            return handler(tty, file, data)
    return job_control(tty, file, request, data)


def job_control(tty: Tty, file: TtyFile, request: int, data: bytes) -> bytes:
    """What has to do with sessions, and with whose a terminal is; any other request is ENOTTY."""
    handler = _OF_JOBS.get(request)
    if handler is None:
        raise SyscallError(ENOTTY)
    return handler(tty, file, data)


def _int(data: bytes) -> int:
    return int.from_bytes(data[:4], "little", signed=True)


def _as_int(value: int) -> bytes:
    return struct.pack("<i", value)


def _as_uint(value: int) -> bytes:
    return struct.pack("<I", value)


# Settings


def _set_termios(tty: Pty, data: bytes, *, flush: bool = False) -> bytes:
    """There is never output to wait for: it is the other end's input at once."""
    slave = tty.slave
    jobs.check_change(slave)
    new = slave.termios.changed_by(data)
    if flush:
        slave.drop_input()
    slave.set_termios(new)
    slave.go_on()
    return b""


def _lock_settings(tty: Pty, data: bytes) -> bytes:
    """TIOCSLCKTRMIOS. Errors: EPERM."""
    if not tty.sessions.is_admin():
        raise SyscallError(EPERM)
    tty.slave.locked = nothing().changed_by(data)
    return b""


def _set_softcar(tty: Pty, data: bytes) -> bytes:
    now = tty.slave.termios
    cflag = now.cflag | CLOCAL if _int(data) else now.cflag & ~CLOCAL
    tty.slave.set_termios(
        Termios(now.iflag, now.oflag, cflag, now.lflag, now.line, now.cc, now.ispeed, now.ospeed)
    )  # fmt: skip
    return b""


def _set_discipline(tty: Tty, data: bytes) -> bytes:
    """There is one."""
    jobs.check_change(tty)
    if _int(data) != _N_TTY:
        raise SyscallError(EINVAL)
    return b""


def _set_winsize(tty: Pty, data: bytes) -> bytes:
    tty.slave.set_winsize(data)
    return b""


# Flow


def _flow(tty: Pty, data: bytes) -> bytes:
    """TCXONC."""
    jobs.check_change(tty)
    action = _int(data)
    if action == TCOOFF:
        if not tty.tco_stopped:
            tty.tco_stopped = True
            tty.stop()
    elif action == TCOON:
        if tty.tco_stopped:
            tty.tco_stopped = False
            tty.start()
    elif action in (TCIOFF, TCION):
        c = tty.termios.cc[VSTOP if action == TCIOFF else VSTART]
        if c != DISABLED:
            _send_at_once(tty, c)
    else:
        raise SyscallError(EINVAL)
    return b""


def _send_at_once(tty: Pty, c: int) -> None:
    """Also where output is stopped."""
    was_stopped = tty.stopped
    if was_stopped:
        tty.start()
    tty.put(bytes((c,)))
    if was_stopped:
        tty.stop()


def _flush(tty: Pty, data: bytes) -> bytes:
    """TCFLSH."""
    which = _int(data)
    if which in (TCIFLUSH, TCIOFLUSH):
        tty.drop_port()
    jobs.check_change(tty)
    if which in (TCIFLUSH, TCIOFLUSH):
        tty.drop_input()
        tty.go_on()
        if not which:
            tty.link.write_wait.wake()
    if which in (TCOFLUSH, TCIOFLUSH):
        tty.drop_output()
    elif which != TCIFLUSH:
        raise SyscallError(EINVAL)
    return b""


def _break(tty: Pty) -> bytes:
    """A line that is none has no breaks."""
    jobs.check_change(tty)
    return b""


def _type(tty: Pty, data: bytes) -> bytes:
    """TIOCSTI: as if it had been typed."""
    if tty.sessions.caller.tty is not tty and not tty.sessions.is_admin():
        raise SyscallError(EPERM)
    tty.input.receive(data[:1], may_wait=False)
    return b""


# Jobs


def _acquire(tty: Tty, file: TtyFile, data: bytes) -> bytes:
    jobs.acquire(tty.slave, int.from_bytes(data, "little"), for_reading=file.readable)
    return b""


def _give_up(tty: Tty) -> bytes:
    jobs.give_up(tty)
    return b""


def _set_foreground(tty: Tty, data: bytes) -> bytes:
    jobs.set_foreground(tty.slave, _int(data))
    return b""


def _hang_up(tty: Pty) -> bytes:
    if not tty.sessions.is_admin():
        raise SyscallError(EPERM)
    tty.hang_up()
    return b""


def _set_exclusive(tty: Tty, *, on: bool) -> bytes:
    tty.is_exclusive = on
    return b""


def _be_console(tty: Tty) -> bytes:
    """TIOCCONS: what is written to the console appears here, but nobody writes there. Errors: EINVAL, EPERM."""
    if tty.is_master:
        raise SyscallError(EINVAL)
    if not tty.sessions.is_admin():
        raise SyscallError(EPERM)
    return b""


# Masters


def _lock(tty: Pty, data: bytes) -> bytes:
    tty.is_locked = bool(_int(data))
    return b""


def _set_packet_mode(tty: Pty, data: bytes) -> bytes:
    on = bool(_int(data))
    if on and not tty.is_packet:
        tty.link.packet_news = 0
    tty.is_packet = on
    return b""


def _signal(tty: Pty, data: bytes) -> bytes:
    """TIOCSIG. Errors: EINVAL another signal than the keyboard's."""
    signo = _int(data)
    if signo not in (SIGINT, SIGQUIT, SIGTSTP):
        raise SyscallError(EINVAL)
    tty.link.signal(signo)
    return b""


if TYPE_CHECKING:
    Handler = Callable[[Pty, TtyFile, bytes], bytes]
    JobHandler = Callable[[Tty, TtyFile, bytes], bytes]

_HANDLERS: dict[int, Handler] = {
    TCGETS: lambda tty, _file, _data: tty.slave.termios.pack(),
    TCGETS2: lambda tty, _file, _data: tty.slave.termios.pack2(),
    TCGETA: lambda tty, _file, _data: tty.slave.termios.pack_old(),
    **dict.fromkeys(
        (TCSETS, TCSETSW, TCSETS2, TCSETSW2, TCSETA, TCSETAW), lambda tty, _file, data: _set_termios(tty, data)
    ),
    **dict.fromkeys((TCSETSF, TCSETSF2, TCSETAF), lambda tty, _file, data: _set_termios(tty, data, flush=True)),
    TIOCGLCKTRMIOS: lambda tty, _file, _data: (tty.slave.locked or nothing()).pack(),
    TIOCSLCKTRMIOS: lambda tty, _file, data: _lock_settings(tty, data),
    TIOCGSOFTCAR: lambda tty, _file, _data: _as_int(bool(tty.slave.termios.cflag & CLOCAL)),
    TIOCSSOFTCAR: lambda tty, _file, data: _set_softcar(tty, data),
    TIOCGETD: lambda _tty, _file, _data: _as_int(_N_TTY),
    TIOCGWINSZ: lambda tty, _file, _data: tty.slave.winsize,
    TIOCSWINSZ: lambda tty, _file, data: _set_winsize(tty, data),
    TCXONC: lambda tty, _file, data: _flow(tty, data),
    TCFLSH: lambda tty, _file, data: _flush(tty, data),
    **dict.fromkeys((TCSBRK, TCSBRKP, TIOCSBRK, TIOCCBRK), lambda tty, _file, _data: _break(tty)),
    FIONREAD: lambda tty, _file, _data: _as_int(tty.input.n_readable()),
    TIOCOUTQ: lambda _tty, _file, _data: _as_int(0),
    TIOCSTI: lambda tty, _file, data: _type(tty, data),
    TIOCVHANGUP: lambda tty, _file, _data: _hang_up(tty),
}
_OF_JOBS: dict[int, JobHandler] = {
    TIOCSCTTY: _acquire,
    TIOCNOTTY: lambda tty, _file, _data: _give_up(tty),
    TIOCGPGRP: lambda tty, _file, _data: _as_int(jobs.foreground(tty.slave, tty)),
    TIOCSPGRP: lambda tty, _file, data: _set_foreground(tty, data),
    TIOCGSID: lambda tty, _file, _data: _as_int(jobs.session(tty.slave, tty)),
    TIOCEXCL: lambda tty, _file, _data: _set_exclusive(tty, on=True),
    TIOCNXCL: lambda tty, _file, _data: _set_exclusive(tty, on=False),
    TIOCGEXCL: lambda tty, _file, _data: _as_int(tty.is_exclusive),
    TIOCGDEV: lambda tty, _file, _data: _as_uint(tty.slave.rdev),
    TIOCSETD: lambda tty, _file, data: _set_discipline(tty, data),
    TIOCCONS: lambda tty, _file, _data: _be_console(tty),
}
_OF_MASTERS: dict[int, Handler] = {
    TIOCGPTN: lambda tty, _file, _data: _as_uint(tty.index),
    TIOCSPTLCK: lambda tty, _file, data: _lock(tty, data),
    TIOCGPTLCK: lambda tty, _file, _data: _as_int(tty.is_locked),
    TIOCPKT: lambda tty, _file, data: _set_packet_mode(tty, data),
    TIOCGPKT: lambda tty, _file, _data: _as_int(tty.is_packet),
    TIOCSIG: lambda tty, _file, data: _signal(tty, data),
}
