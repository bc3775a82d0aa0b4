"""openat2(2): the host opens a path and itself refuses every symbolic link in it and every way out of a directory."""

from __future__ import annotations

import errno
import os
import sys

from pyuk.machine import clib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SYS_OPENAT2 = 437  # on every architecture
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 2, 4, 8  # include/uapi/linux/openat2.h
_RESOLVE = _RESOLVE_NO_MAGICLINKS | _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH
_HOW_BYTES = 24  # struct open_how: flags, mode, resolve
_MOST_RETRIES = 100

_state: dict[str, Any] = {}


def is_available() -> bool:
    """Whether the host has it: Linux from 5.6 on, where no seccomp filter forbids it (EPERM, in old containers)."""
    if "available" not in _state:
        _state["available"] = sys.platform == "linux" and _prepare()
    return bool(_state["available"])


def _prepare() -> bool:
    try:
        _state["call"] = clib.errno_function("syscall")
        _state["how"] = (clib.c_uint64 * 3)()
        root = os.open("/", os.O_PATH | os.O_CLOEXEC)
    except (AttributeError, OSError):
        return False
    try:
        os.close(open_beneath(root, b".", os.O_PATH | os.O_CLOEXEC))
    except OSError:
        return False
    finally:
        os.close(root)
    return True


def open_beneath(dir_fd: int, path: bytes, flags: int, mode: int = 0) -> int:
    """Open a clean relative path. The host's flags and mode, and none without a meaning (openat2 is strict).

    Raises OSError: ELOOP a component is a symbolic link; the last one is not where flags have O_NOFOLLOW.
    """
    how = _state["how"]
    how[0], how[1], how[2] = flags, mode, _RESOLVE
    for _ in range(_MOST_RETRIES):
        fd: int = _state["call"](_SYS_OPENAT2, dir_fd, path, how, _HOW_BYTES)
        if fd >= 0:
            return fd
        number = clib.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):  # EAGAIN: something was renamed meanwhile
            break
    raise OSError(number, "openat2")
