"""What whoever started pyuk left to its child: descriptors, signals, environment, limits, directory.

A program run by pyuk inherits these as if its caller had executed it, so they are taken from the host
before pyuk, or Python, changes anything: `settle` is the first thing the command does.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the signal module makes enums: 3 ms
import os

_SIGINT = 2
_PYTHONS_OWN = 1 << (13 - 1) | 1 << (25 - 1)
"""PIPE and XFSZ: ignored by Python's start whatever they were before, and restored by nobody."""
_N_LIMITS = 16  # RLIM_NLIMITS
_LIMIT_MASK = (1 << 64) - 1

_standard_fds: list[int] = []
_is_settled = False


def settle() -> None:
    """Before anything else is imported: keep the standard descriptors' numbers, let Ctrl-C end the start.

    A closed descriptor 0, 1 or 2 would become one of pyuk's own files. /dev/null takes its place, opened
    so that using it is EBADF as before.
    """
    global _is_settled  # noqa: PLW0603  # a process has one start
    _is_settled = True
    if _signal.getsignal(_SIGINT) is _signal.default_int_handler:
        _signal.signal(_SIGINT, _signal.SIG_DFL)
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if fd else os.O_WRONLY)  # the lowest free number: fd
        else:
            _standard_fds.append(fd)


def standard_fds() -> list[int] | None:
    """Which of 0, 1 and 2 the caller gave; None where nobody has looked: those that are open."""
    return _standard_fds if _is_settled else None


def environment() -> list[bytes]:
    """The strings execve(2) passed, as they were: order, duplicates, and what is no NAME=VALUE.

    os.environ has none of these, but perhaps an LC_CTYPE of Python's own (PEP 538).
    """
    try:
        with open("/proc/self/environ", "rb", 0) as file:
            text = file.read()
    except OSError:
        return [name + b"=" + value for name, value in os.environb.items()]
    return text.removesuffix(b"\0").split(b"\0") if text else []


def signals() -> tuple[int, int]:
    """The sigsets of ignored and of blocked signals; nothing is known of them where there is no /proc.

    Deviation: PIPE and XFSZ are never among the ignored, because Python forgets what they were.
    """
    ignored = blocked = 0
    try:
        with open("/proc/self/status", "rb", 0) as file:
            for line in file.read().splitlines():
                if line.startswith(b"SigIgn:"):
                    ignored = int(line[7:], 16)
                elif line.startswith(b"SigBlk:"):
                    blocked = int(line[7:], 16)
    except OSError:
        pass
    return ignored & ~_PYTHONS_OWN, blocked


def limits() -> dict[int, tuple[int, int]]:
    """RLIMIT number to soft and hard, as a child of the caller would have them."""
    import resource  # noqa: PLC0415

    found = {}
    for number in range(_N_LIMITS):  # the numbers are Linux's on the hosts that have them
        try:
            soft, hard = resource.getrlimit(number)
        except (ValueError, OSError):
            continue
        found[number] = (soft & _LIMIT_MASK, hard & _LIMIT_MASK)
    return found


def raise_own_limits() -> None:
    """pyuk enforces the guest's limits itself; its own files are not to count as the guest's."""
    import resource  # noqa: PLC0415

    for number in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE):
        try:
            soft, hard = resource.getrlimit(number)
            if soft != hard:
                resource.setrlimit(number, (hard, hard))
        except (ValueError, OSError):
            pass  # a host that does not let it: the guest meets the host's limit


def directory() -> tuple[bytes | None, bytes | None]:
    """Where pyuk was started, and another way to it: its name `.` and those above may not be searched."""
    link = b"/proc/self/cwd"
    try:
        return os.readlink(link), link
    except OSError:
        return None, None
