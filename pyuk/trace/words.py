"""Numbers as strace(1) writes them: the text of each kind that is not a pointer."""

from __future__ import annotations

from pyuk.abi import signal as sig
from pyuk.abi.errno import known
from pyuk.abi.errno import name as errno_name
from pyuk.abi.fcntl import AT_FDCWD
from pyuk.abi.kinds import Address, Explained, FdNumber, Flags, Mode, Number, Word
from pyuk.abi.resource import RLIM64_INFINITY
from pyuk.abi.siginfo import signal_name
from pyuk.abi.stat import S_IFMT
from pyuk.abi.tables import Table
from pyuk.trace import style
from pyuk.trace.text import address, hexadecimal, octal, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.abi.kinds import Kind

    Show = Callable[[Any], str]

_FILE_TYPES = Table("stat", "S_IF", without="S_IFMT")
_SPECIAL_BITS = Table("stat", "S_IS")
_MODE_BITS = 0xFFFF  # umode_t is 16 bits
_PERMISSIONS = 0o777


def as_ctype(value: int, ctype: str) -> int:
    """A register as the C type that the call takes it for."""
    if ctype == "int":
        return (value & 0xFFFFFFFF ^ 0x80000000) - 0x80000000
    if ctype == "uint":
        return value & 0xFFFFFFFF
    if ctype == "long":
        return (value ^ 1 << 63) - (1 << 63)
    return value


def shower(kind: Kind) -> Show:
    """The function that writes a value of this kind, which is already of the kind's C type."""
    if isinstance(kind, Number):
        return _BASES[kind.base]
    if isinstance(kind, Flags):
        mask = (1 << 64) - 1 if kind.ctype in ("long", "ulong") else (1 << 32) - 1
        return _constant(_flags_shower(kind), lambda value: hexadecimal(value & mask))
    if isinstance(kind, FdNumber):
        return _constant(_dirfd, str) if kind.dirfd else str
    if isinstance(kind, Mode):
        return whole_mode if kind.whole else _permissions
    if isinstance(kind, Word):
        meaning = _MEANINGS[kind.meaning]
        return _constant(meaning, str) if kind.meaning == "signal" else meaning
    if isinstance(kind, Explained):
        return _explained_shower(kind)
    if isinstance(kind, Address):
        return address
    raise TypeError(f"{type(kind).__name__} is not the kind of a number")


def _constant(named: Show, number: Show) -> Show:
    """By name, as a number, or both: strace -X."""
    return lambda value: styled(number(value), lambda: named(value))


_BASES: dict[int, Show] = {8: octal, 10: str, 16: hexadecimal}


def _dirfd(value: int) -> str:
    return "AT_FDCWD" if value == AT_FDCWD else str(value)


def _permissions(value: int) -> str:
    return octal(value & _MODE_BITS)


def whole_mode(value: int) -> str:
    """`S_IFDIR|S_ISVTX|0777`."""
    return _styled_mode(value)


def _named_mode(value: int) -> str:
    kind = value & S_IFMT
    words = [_FILE_TYPES.name(kind) or hexadecimal(kind)] if kind else []
    special, _rest = _SPECIAL_BITS.split(value & ~S_IFMT & ~_PERMISSIONS)
    return "|".join([*words, *special, octal(value & _PERMISSIONS)])


_styled_mode = _constant(_named_mode, octal)


def _explained_shower(kind: Explained) -> Show:
    meaning = shower(kind.kind)
    number: Show = hexadecimal if kind.base == 16 else str  # noqa: PLR2004

    def show(value: int) -> str:
        return f"{number(value)} ({kind.prefix}{meaning(value)})"

    return show


# Flags


def _flags_shower(kind: Flags) -> Show:
    mask = (1 << 64) - 1 if kind.ctype in ("long", "ulong") else (1 << 32) - 1
    if kind.enum:
        return lambda value: _name_of(kind.table, value & mask, value)
    if kind.modes:
        return lambda value: _with_modes(kind, value & mask)
    return lambda value: _names_of(kind.table, value & mask)


def styled(number: str, named: Callable[[], str]) -> str:
    """A constant as a number, by its name, or both."""
    how = style.current.constants
    if how == style.ABBREVIATED:
        return named()
    name = named() if how == style.VERBOSE else number
    return number if name == number else f"{number} /* {name} */"


def one_of(table: Table, bits: int, value: int | None = None) -> str:
    """The name of a value, or the number with the table's doubt beside it."""
    return styled(hexadecimal(bits), lambda: _name_of(table, bits, value))


def some_of(table: Table, bits: int) -> str:
    """The names of the bits; what has no name stands in hex at the end."""
    return styled(hexadecimal(bits), lambda: _names_of(table, bits))


def _name_of(table: Table, bits: int, value: int | None = None) -> str:
    name = table.name(bits if value is None else value)
    return name or f"{hexadecimal(bits)} /* {table.unknown} */"


def _names_of(table: Table, bits: int) -> str:
    if not bits:
        return table.name(0) or "0"
    names, rest = table.split(bits)
    if not names:
        return f"{hexadecimal(rest)} /* {table.unknown} */"
    if rest:
        names.append(hexadecimal(rest))
    return "|".join(names)


def flag_words(kind: Kind, bits: int) -> str:
    """The same without doubts: what has no name is a number (strace's sprintflags)."""
    assert isinstance(kind, Flags)  # noqa: S101
    names, rest = kind.table.split(bits)
    return "|".join([*names, hexadecimal(rest)] if rest else names)


def _with_modes(kind: Flags, bits: int) -> str:
    modes = bits & kind.modes
    bits &= ~kind.modes
    name = kind.table.name(modes)
    if name is None:
        named, rest = kind.table.split(modes)
        name = "|".join(named) if named and not rest else f"{hexadecimal(modes)} /* {kind.table.unknown} */"
    words = [name]
    tail = ""
    if kind.shifted is not None:
        shift_name, shift, mask = kind.shifted
        number = bits >> shift & mask
        bits &= ~(mask << shift)
        tail = f"{number}<<{shift_name}" if number else ""
    names, rest = kind.table.split(bits)
    words += names
    if rest:
        words.append(hexadecimal(rest))
    if tail:
        words.append(tail)
    return "|".join(words)


# Words with a meaning of their own


def _identifier(value: int) -> str:
    return "-1" if value == 0xFFFFFFFF else str(value)  # noqa: PLR2004


def device(value: int) -> str:
    """A dev_t: makedev(3)."""
    major = value >> 8 & 0xFFF | value >> 32 & ~0xFFF
    minor = value & 0xFF | value >> 12 & ~0xFF
    return f"makedev({hexadecimal(major)}, {hexadecimal(minor)})"


def _limit(value: int) -> str:
    if value == RLIM64_INFINITY:
        return "RLIM64_INFINITY"
    return f"{value // 1024}*1024" if value > 1024 and value % 1024 == 0 else str(value)  # noqa: PLR2004


_PTRACE_EVENTS = Table("ptrace", "PTRACE_EVENT_")


def _wait_status(value: int) -> str:
    signo = value & 0x7F
    if value & 0xFFFF == 0xFFFF:  # noqa: PLR2004
        return "{WIFCONTINUED(s)}"
    if value & 0xFF == 0x7F:  # noqa: PLR2004
        more = " | 0x80" if value >> 8 & 0x80 else ""  # PTRACE_O_TRACESYSGOOD
        event = f"|{one_of(_PTRACE_EVENTS, value >> 16)}<<16" if value >> 16 else ""
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {signal_name(value >> 8 & 0x7F)}{more}}}{event}"
    if signo:
        core = " && WCOREDUMP(s)" if value & 0x80 else ""
        return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {signal_name(signo)}{core}}}"
    return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {value >> 8 & 0xFF}}}"


def date(seconds: int, fraction: int = 0, n_digits: int = 9) -> str:
    """ISO 8601 in the local time zone, as strace puts it in comments; "" for a year that C cannot write."""
    import time  # noqa: PLC0415

    try:
        local = time.localtime(seconds)
    except (OverflowError, OSError, ValueError):
        return ""
    digits = f".{fraction:0{n_digits}d}" if fraction else ""
    return time.strftime("%Y-%m-%dT%H:%M:%S", local) + digits + time.strftime("%z", local)


def signal_set(mask: int) -> str:
    """`[INT CHLD]`, or what is not in it where more than two thirds of the signals are: `~[KILL]`."""
    names = [_short_name(signo) for signo in range(1, sig.SIGRTMAX + 1) if mask >> signo - 1 & 1]
    if len(names) < sig.SIGRTMAX * 2 // 3:
        return f"[{' '.join(names)}]"
    return f"~[{' '.join(_short_name(signo) for signo in range(1, sig.SIGRTMAX + 1) if not mask >> signo - 1 & 1)}]"


def _short_name(signo: int) -> str:
    return styled(str(signo), lambda: signal_name(signo).removeprefix("SIG"))


_CAPABILITIES = Table("capability", "CAP_", without="CAP_LAST_CAP", unknown="CAP_???")


def capability_set(mask: int) -> str:
    """`1<<CAP_CHOWN|1<<CAP_KILL`."""
    names = [f"1<<{name}" for number, name in _CAPABILITIES.pairs if mask >> number & 1]
    rest = mask >> len(_CAPABILITIES.pairs) << len(_CAPABILITIES.pairs)
    if rest:
        names.append(hexadecimal(rest) if names else f"{hexadecimal(rest)} /* CAP_??? */")
    return "|".join(names) or "0"


_PERSONALITIES = Table("personality", "PER_", without="PER_MASK")
_PERSONALITY_FLAGS = Table("personality", "", without="PER_*")


def _personality(value: int) -> str:
    """`PER_LINUX|ADDR_NO_RANDOMIZE`; all ones asks only."""
    if value == 0xFFFFFFFF:  # noqa: PLR2004
        return "0xffffffff"
    names, rest = _PERSONALITY_FLAGS.split(value & ~0xFF)
    words = [one_of(_PERSONALITIES, value & 0xFF), *names]
    return "|".join([*words, hexadecimal(rest)] if rest else words)


_IOCTLS = Table("ioctls", "TC TIO FI FS_IOC BLK SIOC SECCOMP_IOCTL", without="TCO* TCI*")
_SHARED_IOCTLS = {
    "TCSETS": "SNDCTL_TMR_START or TCSETS",
    "TCSETSW": "SNDCTL_TMR_STOP or TCSETSW",
    "TCSETSF": "SNDCTL_TMR_CONTINUE or TCSETSF",
    "FICLONE": "BTRFS_IOC_CLONE or FICLONE",
    "FICLONERANGE": "BTRFS_IOC_CLONE_RANGE or FICLONERANGE",
}
"""Where two subsystems took one number, strace shows both names (linux/soundcard.h, linux/btrfs.h)."""
_IOC_DIRECTIONS = ("_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE")


def _ioctl(value: int) -> str:
    """The request's name, or the parts of its number (asm-generic/ioctl.h)."""
    name = _IOCTLS.name(value)
    if name is not None:
        return _SHARED_IOCTLS.get(name, name)
    parts = (value >> 8 & 0xFF, value & 0xFF, value >> 16 & 0x3FFF)
    return f"_IOC({_IOC_DIRECTIONS[value >> 30]}, {', '.join(hexadecimal(part) for part in parts)})"


_FUTEX = Table("futex", "FUTEX_", without="FUTEX_PRIVATE_FLAG FUTEX_CLOCK_REALTIME FUTEX_CMD_MASK FUTEX_BITSET* "
               "FUTEX_WAITERS FUTEX_OWNER_DIED FUTEX_TID_MASK")  # fmt: skip
_FUTEX_PRIVATE, _FUTEX_CLOCK_REALTIME = 0x80, 0x100


def _futex(value: int) -> str:
    name = _FUTEX.name(value & 0x7F)
    if name is None:
        return f"{hexadecimal(value & 0xFFFFFFFF)} /* FUTEX_??? */"
    private = "_PRIVATE" if value & _FUTEX_PRIVATE else ""
    clock = "|FUTEX_CLOCK_REALTIME" if value & _FUTEX_CLOCK_REALTIME else ""
    return name + private + clock


_SHM_FLAGS = Table("shm", "IPC_CREAT IPC_EXCL SHM_HUGETLB SHM_NORESERVE")


def _shm_flags(value: int) -> str:
    names, rest = _SHM_FLAGS.split(value & 0xFFFFFFFF & ~_PERMISSIONS)
    if rest:
        names.append(hexadecimal(rest))
    permissions = value & _PERMISSIONS
    return "|".join([*names, f"0{permissions:o}" if permissions > 7 else f"{permissions:03o}"])  # noqa: PLR2004


_QUOTA, _QUOTA_TYPES = Table("quota", "Q_"), Table("quota", "USR GRP PRJ", unknown="???QUOTA")


def _quota(value: int) -> str:
    """`QCMD(Q_SYNC, USRQUOTA)`."""
    return f"QCMD({one_of(_QUOTA, value >> 8 & 0xFFFFFF)}, {one_of(_QUOTA_TYPES, value & 0xFF)})"


_POLICIES = Table("sched", "SCHED_", without="SCHED_FLAG_* SCHED_RESET_ON_FORK")


def shower_of_ethertype(value: int) -> str:
    """An AF_PACKET protocol, which is in network order. Deviation: without names but for ETH_P_ALL."""
    number = (value & 0xFF) << 8 | value >> 8 & 0xFF
    return "htons(ETH_P_ALL)" if number == 3 else f"htons({hexadecimal(number)} /* ETH_P_??? */)"  # noqa: PLR2004


_SOCKET_TYPES = Table("socket", "SOCK_", without="SOCK_CLOEXEC SOCK_NONBLOCK")
_SOCKET_FLAGS = Table("socket", "SOCK_CLOEXEC SOCK_NONBLOCK", unknown="SOCK_???")


def _socket_type(value: int) -> str:
    value &= 0xFFFFFFFF
    kind, flags = value & 0xF, value & ~0xF
    name = _SOCKET_TYPES.name(kind)
    if name is None:
        return some_of(_SOCKET_FLAGS, value)
    return f"{name}|{some_of(_SOCKET_FLAGS, flags)}" if flags else name


_MEANINGS: dict[str, Show] = {
    "socket_type": _socket_type,
    "ethertype": shower_of_ethertype,
    "ipckey": lambda value: hexadecimal(value & 0xFFFFFFFF) if value else "IPC_PRIVATE",
    "shmflags": _shm_flags,
    "id": _identifier,
    "personality": _personality,
    "personality_result": lambda value: f"{hexadecimal(value)} ({_personality(value)})",
    "scheduler": lambda value: f"{value} ({_POLICIES.name(value)})" if _POLICIES.name(value) else str(value),
    "signal": signal_name,
    "device": device,
    "limit": _limit,
    "wait": _wait_status,
    "length": lambda value: str(value & (1 << 64) - 1),
    "date": date,
    "stamp": lambda value: f"{value} /* {date(value)} */" if date(value) else str(value),
    "ioctl": _ioctl,
    "futex": _futex,
    "quota": _quota,
    "minus_errno": lambda value: f"-{errno_name(-value)}" if known(-value) else str(value),
    "bytes": quote,
    "text": lambda value: quote(value.split(b"\0", 1)[0]),
}
