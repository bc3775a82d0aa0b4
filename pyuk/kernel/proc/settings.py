"""The files of a process that it may write: comm, oom_score_adj, coredump_filter and their like (fs/proc/base.c)."""

from __future__ import annotations

from pyuk.abi.capability import CAP_SYS_RESOURCE
from pyuk.abi.errno import EACCES, EINVAL, EPERM, ERANGE, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.proc.subject import Subject

_COMM_BYTES = 15
_ADJ_MAX, _OLD_MIN, _OLD_MAX, _OLD_DISABLE = 1000, -16, 15, -17
_NUMBER_BYTES = 12
_FILTER_MASK = 0x1FF
_UNSET = (1 << 32) - 1


def parse_int(data: bytes, *, base: int = 0, limit: int = 1 << 31) -> int:
    """kstrtoint of what was written, in C's bases. Errors: EINVAL, ERANGE."""
    text = data.split(b"\0")[0].strip()
    sign = text[:1] if text[:1] in b"+-" else b""
    digits = text[len(sign) :]
    try:
        if base == 0:
            if digits[:2].lower() == b"0x":
                value = int(digits, 16)
            else:
                value = int(digits, 8 if digits[:1] == b"0" and len(digits) > 1 else 10)
        else:
            value = int(digits, base)
    except ValueError:
        raise SyscallError(EINVAL) from None
    if not digits[:1].isdigit() or b"_" in digits:
        raise SyscallError(EINVAL)
    if sign == b"-":
        value = -value
    if not -limit <= value < limit:
        raise SyscallError(ERANGE)
    return value


def comm(subject: Subject) -> bytes:
    """The thread's name."""
    return subject.task.comm + b"\n"


def set_comm(subject: Subject, data: bytes, _offset: int) -> int:
    """Name a thread of one's own process. Errors: EINVAL another's."""
    if subject.viewer.process is not subject.process:
        raise SyscallError(EINVAL)
    subject.task.comm = data[:_COMM_BYTES].split(b"\0")[0]
    return len(data)


def oom_score(subject: Subject) -> bytes:
    """How likely it is to be killed, 0 to 2000 (mm/oom_kill.c, oom_badness)."""
    mm, adjust = subject.mm, subject.process.settings.oom_score_adj
    if mm is None or adjust == -_ADJ_MAX:
        return b"0\n"
    n_total = subject.kernel.machine.ram.n_frames
    badness = subject.process.settings.badness(mm, n_total)
    points = max(0, (1000 + int(badness * 1000 / n_total)) * 2 // 3)
    return b"%d\n" % points


def oom_score_adj(subject: Subject) -> bytes:
    """-1000 to 1000."""
    return b"%d\n" % subject.process.settings.oom_score_adj


def set_oom_score_adj(subject: Subject, data: bytes, _offset: int) -> int:
    """Errors: EINVAL out of range; EACCES below what a privileged process has set, without CAP_SYS_RESOURCE."""
    value = parse_int(data[:_NUMBER_BYTES])
    if not -_ADJ_MAX <= value <= _ADJ_MAX:
        raise SyscallError(EINVAL)
    is_privileged = subject.viewer.creds.has(CAP_SYS_RESOURCE)
    settings = subject.process.settings
    if not is_privileged and value < settings.oom_score_adj_min:
        raise SyscallError(EACCES)
    settings.oom_score_adj = value
    if is_privileged:
        settings.oom_score_adj_min = value
    return len(data)


def oom_adj(subject: Subject) -> bytes:
    """The same in the old scale, -17 to 15."""
    value = subject.process.settings.oom_score_adj
    shown = _OLD_MAX if value == _ADJ_MAX else int(value * -_OLD_DISABLE / _ADJ_MAX)
    return b"%d\n" % shown


def set_oom_adj(subject: Subject, data: bytes, _offset: int) -> int:
    """Errors: EINVAL, EACCES to lower it without CAP_SYS_RESOURCE."""
    value = parse_int(data[:_NUMBER_BYTES])
    if not (_OLD_MIN <= value <= _OLD_MAX or value == _OLD_DISABLE):
        raise SyscallError(EINVAL)
    scaled = _ADJ_MAX if value == _OLD_MAX else int(value * _ADJ_MAX / -_OLD_DISABLE)
    settings = subject.process.settings
    if scaled < settings.oom_score_adj and not subject.viewer.creds.has(CAP_SYS_RESOURCE):
        raise SyscallError(EACCES)
    settings.oom_score_adj = scaled
    return len(data)


def coredump_filter(subject: Subject) -> bytes:
    """Which areas a core file has; nothing of a zombie."""
    return b"" if subject.mm is None else b"%08x\n" % subject.process.settings.coredump_filter


def set_coredump_filter(subject: Subject, data: bytes, _offset: int) -> int:
    """Errors: EINVAL no number."""
    value = parse_int(data, limit=1 << 32)
    if value < 0:
        raise SyscallError(EINVAL)
    subject.process.settings.coredump_filter = value & _FILTER_MASK
    return len(data)


def loginuid(subject: Subject) -> bytes:
    """Who has logged in; inherited."""
    return b"%d" % subject.process.settings.loginuid


def set_loginuid(subject: Subject, data: bytes, offset: int) -> int:
    """Errors: EPERM another's, or set already; EINVAL."""
    if subject.task is not subject.viewer:
        raise SyscallError(EPERM)
    if offset:
        raise SyscallError(EINVAL)
    value = parse_int(data, base=10, limit=1 << 32)
    if value < 0:
        raise SyscallError(EINVAL)
    if subject.process.settings.loginuid != _UNSET:
        raise SyscallError(EPERM)
    subject.process.settings.loginuid = value
    return len(data)
