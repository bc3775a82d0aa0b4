"""Structs as strace(1) writes them: by their fields' kinds, or by a rule of their own."""

from __future__ import annotations

from pyuk.abi import ioctls, magic, signal, stat
from pyuk.abi.errno import known
from pyuk.abi.errno import name as errno_name
from pyuk.abi.fcntl import O_CREAT, O_TMPFILE
from pyuk.abi.numbers import name_of
from pyuk.abi.siginfo import code_name, signal_name
from pyuk.abi.structs import (
    SIGINFO_CHILD,
    SIGINFO_FAULT,
    SIGINFO_HEAD,
    SIGINFO_POLL,
    SIGINFO_QUEUE,
    SIGINFO_SYS,
    SIGINFO_TIMER,
    Nested,
    Struct,
)  # fmt: skip
from pyuk.abi.tables import Table
from pyuk.trace.text import address, hexadecimal, octal, quote
from pyuk.trace.words import date, device, one_of, shower, signal_set, some_of, styled, whole_mode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.trace.words import Show

_CHARACTER_OR_BLOCK = (stat.S_IFCHR, stat.S_IFBLK)

_showers: dict[tuple[Struct, bool], Callable[[tuple[Any, ...]], str]] = {}


def struct_shower(layout: Struct, *, whole: bool = False) -> Callable[[tuple[Any, ...]], str]:
    """The function from a struct's values to its text; made once for each struct. whole: nothing is left out (-v)."""
    show = _showers.get((layout, whole))
    if show is None:
        view = _WHOLE_VIEWS.get(layout.view) if whole else None
        view = view or _VIEWS.get(layout.view)
        show = view(layout) if view is not None else _plain(layout, whole=whole)
        _showers[layout, whole] = show
    return show


def _plain(layout: Struct, *, whole: bool = False) -> Callable[[tuple[Any, ...]], str]:
    wanted = ([] if whole else layout.shown.split()) or [name for name in layout.names if name]
    dots = ", ..." if wanted[-1] == "..." else ""
    parts = [
        (i, f"{field.name}=", _field_shower(field.kind))
        for i, field in enumerate(layout.fields)
        if field.name in wanted
    ]

    def show(values: tuple[Any, ...]) -> str:
        return "{" + ", ".join([label + text(values[i]) for i, label, text in parts]) + dots + "}"

    return show


def _field_shower(kind: Any) -> Show:
    return struct_shower(kind.struct) if isinstance(kind, Nested) else shower(kind)


def _by_name(show: Callable[[dict[str, Any]], str]) -> Callable[[Struct], Callable[[tuple[Any, ...]], str]]:
    return lambda layout: lambda values: show(dict(zip(layout.names, values, strict=True)))


def _scalar(layout: Struct) -> Callable[[tuple[Any, ...]], str]:
    text = shower(layout.fields[0].kind)
    return lambda values: text(values[0])


def _stat(v: dict[str, Any]) -> str:
    mode = v["st_mode"]
    is_device = mode & stat.S_IFMT in _CHARACTER_OR_BLOCK
    rest = f"st_rdev={device(v['st_rdev'])}" if is_device else f"st_size={v['st_size']}"
    return f"{{st_mode={whole_mode(mode)}, {rest}, ...}}"


def _whole_stat(v: dict[str, Any]) -> str:
    mode = v["st_mode"]
    is_device = mode & stat.S_IFMT in _CHARACTER_OR_BLOCK
    parts = [f"st_dev={device(v['st_dev'])}", f"st_ino={v['st_ino']}", f"st_mode={whole_mode(mode)}"]
    parts += [f"{name}={v[name]}" for name in ("st_nlink", "st_uid", "st_gid", "st_blksize", "st_blocks")]
    parts.append(f"st_rdev={device(v['st_rdev'])}" if is_device else f"st_size={v['st_size']}")
    for name in ("st_atime", "st_mtime", "st_ctime"):
        seconds, fraction = v[name], v[f"{name}_nsec"]
        parts.append(f"{name}={seconds} /* {date(seconds, fraction)} */" if date(seconds) else f"{name}={seconds}")
        parts.append(f"{name}_nsec={fraction}")
    return f"{{{', '.join(parts)}}}"


_FILESYSTEMS = Table("magic", "", without="ST_*")
_MOUNT_FLAGS = Table("magic", "ST_")


def _statfs(v: dict[str, Any]) -> str:
    kind = _FILESYSTEMS.name(v["f_type"]) or hexadecimal(v["f_type"])
    names = ("f_bsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree")
    numbers = ", ".join(f"{name}={v[name] & (1 << 64) - 1}" for name in names)
    fsid = ", ".join(hexadecimal(v[name] & 0xFFFFFFFF) for name in ("f_fsid0", "f_fsid1"))
    text = f"f_type={kind}, {numbers}, f_fsid={{val=[{fsid}]}}, f_namelen={v['f_namelen']}, f_frsize={v['f_frsize']}"
    if v["f_flags"] & magic.ST_VALID:
        text += f", f_flags={some_of(_MOUNT_FLAGS, v['f_flags'])}"
    return f"{{{text}}}"


def _sysinfo(v: dict[str, Any]) -> str:
    loads = ", ".join(str(v[name]) for name in ("load1", "load5", "load15"))
    rest = ", ".join(
        f"{name}={value}" for name, value in v.items() if name not in ("uptime", "load1", "load5", "load15")
    )
    return f"{{uptime={v['uptime']}, loads=[{loads}], {rest}}}"


_HANDLERS = {signal.SIG_DFL: "SIG_DFL", signal.SIG_IGN: "SIG_IGN", signal.SIG_ERR: "SIG_ERR"}
_ACTION_FLAGS = Table("signal", "SA_", without="SA_UNSUPPORTED SA_EXPOSE_TAGBITS")


def _sigaction(v: dict[str, Any]) -> str:
    at = v["sa_handler"]
    handler = styled(hexadecimal(at), lambda: _HANDLERS[at]) if at in _HANDLERS else address(at)
    flags = v["sa_flags"]
    text = f"sa_handler={handler}, sa_mask={signal_set(v['sa_mask'])}, sa_flags={some_of(_ACTION_FLAGS, flags)}"
    if flags & signal.SA_RESTORER:
        text += f", sa_restorer={address(v['sa_restorer'])}"
    return f"{{{text}}}"


_BAUD = Table("ioctls", "B", without="BRKINT BOTHER BSDLY BLK*", unknown="B???")
_INPUT = Table("ioctls", "IGN BRKINT PARMRK INPCK ISTRIP INLCR ICRNL IUCLC IX IMAXBEL IUTF8")
_OUTPUT = Table("ioctls", "OPOST OLCUC ONLCR OCRNL ONOCR ONLRET OFILL OFDEL")
_CONTROL = Table("ioctls", "CSTOPB CREAD PARENB PARODD HUPCL CLOCAL CMSPAR CRTSCTS")
_LOCAL = Table("ioctls", "ISIG ICANON XCASE ECHO NOFLSH IEXTEN FLUSHO PENDIN TOSTOP EXTPROC")
_DELAYS = (("NL", 8, 1), ("CR", 9, 3), ("TAB", 11, 3), ("BS", 13, 1), ("VT", 14, 1), ("FF", 15, 1))
_XTABS = 3
_IBSHIFT = 16


def _termios(v: dict[str, Any]) -> str:
    iflag, oflag, cflag, lflag = v["c_iflag"], v["c_oflag"], v["c_cflag"], v["c_lflag"]
    output = []
    for name, shift, mask in _DELAYS:
        number = oflag >> shift & mask
        output.append("XTABS" if name == "TAB" and number == _XTABS else f"{name}{number}")
        oflag &= ~(mask << shift)
    output += _words(_OUTPUT, oflag) or [""]
    control = [one_of(_BAUD, cflag & ioctls.CBAUD)]
    if cflag & ioctls.CIBAUD:
        control.append(f"{one_of(_BAUD, (cflag & ioctls.CIBAUD) >> _IBSHIFT)}<<IBSHIFT")
    control.append(f"CS{5 + ((cflag & ioctls.CSIZE) >> 4)}")
    control += _words(_CONTROL, cflag & ~(ioctls.CBAUD | ioctls.CIBAUD | ioctls.CSIZE)) or [""]
    return (
        f"{{c_iflag={'|'.join(_words(_INPUT, iflag))}, c_oflag={'|'.join(output)}, "
        f"c_cflag={'|'.join(control)}, c_lflag={'|'.join(_words(_LOCAL, lflag))}, ...}}"
    )


def _words(table: Table, bits: int) -> list[str]:
    names, rest = table.split(bits)
    return [*names, hexadecimal(rest)] if rest else names


_OMITTED = {stat.UTIME_NOW: "UTIME_NOW", stat.UTIME_OMIT: "UTIME_OMIT"}


def _timestamp(layout: Struct) -> Callable[[tuple[Any, ...]], str]:
    plain = _plain(layout)
    n_digits = 6 if layout.names[1] == "tv_usec" else 9

    def show(values: tuple[Any, ...]) -> str:
        seconds, fraction = values
        if n_digits == 9 and fraction in _OMITTED:  # noqa: PLR2004
            return _OMITTED[fraction]
        when = date(seconds, fraction, n_digits) if 0 <= fraction < 10**n_digits else ""
        return plain(values) + (f" /* {when} */" if when else "")

    return show


def _pollfd(layout: Struct) -> Callable[[tuple[Any, ...]], str]:
    events = shower(layout.fields[1].kind)
    return lambda values: f"{{fd={values[0]}" + (f", events={events(values[1])}}}" if values[0] >= 0 else "}")


def _epoll_event(layout: Struct) -> Callable[[tuple[Any, ...]], str]:
    events = shower(layout.fields[0].kind)
    return lambda values: f"{{events={events(values[0])}, data={{u32={values[1] & 0xFFFFFFFF}, u64={values[1]}}}}}"


def _open_how(layout: Struct) -> Callable[[tuple[Any, ...]], str]:
    flags, _mode, resolve = (shower(field.kind) for field in layout.fields)

    def show(values: tuple[Any, ...]) -> str:
        mode = f", mode={octal(values[1])}" if values[1] or values[0] & (O_CREAT | O_TMPFILE) else ""
        return f"{{flags={flags(values[0])}{mode}, resolve={resolve(values[2])}}}"

    return show


def _siginfo(_layout: Struct) -> Callable[[tuple[Any, ...]], str]:
    return lambda values: siginfo_text(values[0])


def _shmid(v: dict[str, Any]) -> str:
    key, uid, gid, cuid, cgid, mode, _seq = v["shm_perm"]
    perm = f"shm_perm={{uid={uid}, gid={gid}, mode={octal(mode)}, key={key}, cuid={cuid}, cgid={cgid}}}"
    return "{" + ", ".join([perm, *(f"{name}={v[name]}" for name in _SHMID_FIELDS)]) + "}"


_SHMID_FIELDS = ("shm_segsz", "shm_cpid", "shm_lpid", "shm_nattch", "shm_atime", "shm_dtime", "shm_ctime")


def _shmid_set(v: dict[str, Any]) -> str:
    _key, uid, gid, _cuid, _cgid, mode, _seq = v["shm_perm"]
    return f"{{shm_perm={{uid={uid}, gid={gid}, mode={octal(mode)}}}}}"


_NOTIFY = Table("signal", "SIGEV_")


def _sigevent(v: dict[str, Any]) -> str:
    value, notify = v["sigev_value"], v["sigev_notify"]
    number = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    is_named = notify in (signal.SIGEV_SIGNAL, signal.SIGEV_THREAD, signal.SIGEV_THREAD_ID)
    signo = signal_name(v["sigev_signo"]) if is_named else str(v["sigev_signo"])
    text = f"sigev_value={{sival_int={number}, sival_ptr={address(value)}}}, sigev_signo={signo}"
    text += f", sigev_notify={one_of(_NOTIFY, notify & 0xFFFFFFFF, notify)}"
    if notify == signal.SIGEV_THREAD_ID:
        text += f", sigev_notify_thread_id={v['sigev_tid']}"
    elif notify == signal.SIGEV_THREAD:
        text += ", sigev_notify_function=NULL, sigev_notify_attributes=NULL"
    return f"{{{text}}}"


_AUDIT_ARCH_X86_64 = 0xC000003E


def _seccomp_notif(v: dict[str, Any]) -> str:
    name = name_of(v["nr"])
    words = [int.from_bytes(v["args"][at : at + 8], "little") for at in range(0, 48, 8)]
    is_own = v["arch"] == _AUDIT_ARCH_X86_64
    parts = (
        f"nr={'__NR_' + name if name and is_own else v['nr']}",
        f"arch={'AUDIT_ARCH_X86_64' if is_own else hexadecimal(v['arch']) + ' /* AUDIT_ARCH_??? */'}",
        f"instruction_pointer={address(v['instruction_pointer'])}",
        f"args=[{', '.join(hexadecimal(word) for word in words)}]",
    )
    head = f"id={hexadecimal(v['id'])}, pid={v['pid']}, flags={hexadecimal(v['flags'])}"
    return f"{{{head}, data={{{', '.join(parts)}}}}}"


_VIEWS: dict[str, Callable[[Struct], Callable[[tuple[Any, ...]], str]]] = {
    "scalar": _scalar,
    "character": lambda _layout: lambda values: quote(values[0]),
    "stat": _by_name(_stat),
    "statfs": _by_name(_statfs),
    "sysinfo": _by_name(_sysinfo),
    "sigaction": _by_name(_sigaction),
    "termios": _by_name(_termios),
    "timestamp": _timestamp,
    "open_how": _open_how,
    "pollfd": _pollfd,
    "epoll_event": _epoll_event,
    "seccomp_notif": _by_name(_seccomp_notif),
    "siginfo": _siginfo,
    "sigevent": _by_name(_sigevent),
    "shmid": _by_name(_shmid),
    "shmid_set": _by_name(_shmid_set),
}

_WHOLE_VIEWS: dict[str, Callable[[Struct], Callable[[tuple[Any, ...]], str]]] = {"stat": _by_name(_whole_stat)}
"""-v."""

# siginfo_t: what its union holds is said by its head (asm-generic/siginfo.h)

_FAULTS = (signal.SIGILL, signal.SIGFPE, signal.SIGSEGV, signal.SIGBUS, signal.SIGTRAP)
_POLLED = (signal.POLL_IN, signal.POLL_OUT, signal.POLL_MSG)


def siginfo_text(data: bytes) -> str:
    """`{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}`."""
    signo, errno, code = SIGINFO_HEAD.unpack(data)
    if signo == 0:
        return "{}"
    words = [
        f"si_signo={styled(str(signo), lambda: signal_name(signo))}",
        f"si_code={styled(str(code), lambda: code_name(signo, code))}",
    ]
    if errno:
        words.append(f"si_errno={errno_name(errno) if known(errno) else errno}")
    words += _sent(code, data) if code <= 0 else _raised(signo, code, data)
    return f"{{{', '.join(words)}}}"


def _sent(code: int, data: bytes) -> list[str]:
    if code == signal.SI_TIMER:
        timer = SIGINFO_TIMER.record(data)
        return [
            f"si_timerid={hexadecimal(timer.si_timerid)}",
            f"si_overrun={timer.si_overrun}",
            *_value(timer.si_value),
        ]
    if code == signal.SI_SIGIO:
        return _band(data)
    source = _source(data)
    value = SIGINFO_QUEUE.record(data).si_value
    return source + _value(value) if value and code not in (signal.SI_USER, signal.SI_TKILL) else source


def _raised(signo: int, code: int, data: bytes) -> list[str]:
    if signo == signal.SIGCHLD:
        child = SIGINFO_CHILD.record(data)
        status = str(child.si_status) if code == signal.CLD_EXITED else signal_name(child.si_status)
        return [*_source(data), f"si_status={status}", f"si_utime={child.si_utime}", f"si_stime={child.si_stime}"]
    if signo in _FAULTS:
        return [f"si_addr={address(SIGINFO_FAULT.record(data).si_addr)}"]
    if signo == signal.SIGIO:
        return _band(data) if code in _POLLED else []
    if signo == signal.SIGSYS:
        call = SIGINFO_SYS.record(data)
        name = name_of(call.si_syscall)
        return [
            f"si_call_addr={address(call.si_call_addr)}",
            f"si_syscall={'__NR_' + name if name else hexadecimal(call.si_syscall)}",
            "si_arch=AUDIT_ARCH_X86_64",
        ]
    queued = SIGINFO_QUEUE.record(data)
    source = _source(data) if queued.si_pid or queued.si_uid else []
    return source + _value(queued.si_value) if queued.si_value else source


def _source(data: bytes) -> list[str]:
    queued = SIGINFO_QUEUE.record(data)
    return [f"si_pid={queued.si_pid}", f"si_uid={queued.si_uid}"]


def _value(value: int) -> list[str]:
    number = (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    return [f"si_int={number}", f"si_ptr={address(value)}"]


def _band(data: bytes) -> list[str]:
    poll = SIGINFO_POLL.record(data)
    return [f"si_band={poll.si_band}", f"si_fd={poll.si_fd}"]
