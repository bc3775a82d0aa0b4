"""Host calls that Python's os module lacks or blurs, through the C library. Imported where one is made.

`at` is a host descriptor, or None for the host's own working directory. All raise OSError.
"""

from __future__ import annotations

import os
import sys

from pyuk.machine import clib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AT_FDCWD = -100 if sys.platform == "linux" else -2
_AT_SYMLINK_NOFOLLOW = 0x100 if sys.platform == "linux" else 0x20
_AT_SYMLINK_FOLLOW = 0x400 if sys.platform == "linux" else 0x40
_SPLICE_F_NONBLOCK = 2
_UTIME_OMIT = (1 << 30) - 2 if sys.platform == "linux" else -2
_AT_EACCESS = 0x200 if sys.platform == "linux" else 0x10

_functions: dict[str, Any] = {}


def has(name: str) -> bool:
    """Whether the host's C library knows the function."""
    try:
        _function(name)
    except AttributeError:
        return False
    return True


def _function(name: str) -> Any:
    found = _functions.get(name)
    if found is None:
        found = _functions[name] = clib.errno_function(name)
    return found


def faccessat(at: int | None, path: bytes, mode: int, *, effective: bool, follow: bool) -> None:
    """As faccessat2(2); os.access would not say why."""
    flags = (_AT_EACCESS if effective else 0) | (0 if follow else _AT_SYMLINK_NOFOLLOW)
    _call("faccessat", _dirfd(at), path, mode, flags)


def statx(at: int | None, path: bytes, flags: int, mask: int) -> bytes:
    """The host's struct statx."""
    buffer = clib.create_string_buffer(256)
    _call("statx", _dirfd(at), path, flags, mask, buffer)
    return bytes(buffer)


def renameat2(at: int | None, path: bytes, to: int | None, new: bytes, flags: int) -> None:
    """As renameat2(2)."""
    _call("renameat2", _dirfd(at), path, _dirfd(to), new, flags)


def linkat(at: int | None, path: bytes, to: int | None, new: bytes) -> None:
    """As linkat(2) with AT_SYMLINK_FOLLOW; os.link makes link(2) of it, which follows nothing."""
    _call("linkat", _dirfd(at), path, _dirfd(to), new, _AT_SYMLINK_FOLLOW)


def fallocate(fd: int, mode: int, offset: int, length: int) -> None:
    """As fallocate(2)."""
    _call("fallocate", fd, mode, clib.c_int64(offset), clib.c_int64(length))


def utimensat(what: int | bytes, times_ns: tuple[int | None, ...], at: int | None, *, follow: bool) -> None:
    """As utimensat(2) of a path, or futimens(3) of a descriptor; None leaves a time as it is."""
    words = (clib.c_int64 * 4)()
    for i, time_ns in enumerate(times_ns):
        words[2 * i], words[2 * i + 1] = (0, _UTIME_OMIT) if time_ns is None else divmod(time_ns, 1_000_000_000)
    if isinstance(what, int):
        _call("futimens", what, words)
    else:
        _call("utimensat", _dirfd(at), what, words, 0 if follow else _AT_SYMLINK_NOFOLLOW)


def syncfs(fd: int) -> None:
    """As syncfs(2)."""
    _call("syncfs", fd)


def sync_file_range(fd: int, offset: int, n_bytes: int, flags: int) -> None:
    """As sync_file_range(2)."""
    _call("sync_file_range", fd, clib.c_int64(offset), clib.c_int64(n_bytes), flags)


def inotify_init() -> int:
    """As inotify_init1(2); it does not block."""
    return _call("inotify_init1", os.O_NONBLOCK | os.O_CLOEXEC)


def inotify_add_watch(fd: int, path: bytes, mask: int) -> int:
    """As inotify_add_watch(2)."""
    return _call("inotify_add_watch", fd, path, clib.c_uint32(mask))


def inotify_rm_watch(fd: int, wd: int) -> None:
    """As inotify_rm_watch(2)."""
    _call("inotify_rm_watch", fd, wd)


def copy_of_pipe(fd: int, n_bytes: int) -> bytes | None:
    """What stands in a pipe, which stays there (tee(2)); None if that has to be waited for."""
    reader, writer = os.pipe()
    try:
        try:
            n = _call("tee", fd, writer, clib.c_size_t(n_bytes), _SPLICE_F_NONBLOCK)
        except BlockingIOError:
            return None
        return os.read(reader, n) if n else b""
    finally:
        os.close(reader)
        os.close(writer)


def statfs_identity(what: int | bytes) -> tuple[int, int]:
    """f_type and f_fsid of a descriptor or path, which statvfs hides.

    Words 0 and 7 of Linux's struct statfs (asm-generic/statfs.h, 64 bits).
    """
    buffer = (clib.c_uint64 * 32)()
    _call("fstatfs" if isinstance(what, int) else "statfs", what, buffer)
    return buffer[0], buffer[7]


def _dirfd(at: int | None) -> int:
    return _AT_FDCWD if at is None else at


def _call(name: str, *arguments: Any) -> int:
    """The result, which is an int's or a small long's."""
    result: int = _function(name)(*arguments)
    if result & 0xFFFFFFFF == 0xFFFFFFFF:  # noqa: PLR2004  # an int's -1
        raise OSError(clib.get_errno(), name)
    return result
