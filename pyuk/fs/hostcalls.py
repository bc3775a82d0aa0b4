"""Host calls that Python's os module lacks or blurs, through the C library; loaded when first used."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ctypes
    from typing import Any

AT_FDCWD = -100 if sys.platform == "linux" else -2
AT_SYMLINK_NOFOLLOW = 0x100 if sys.platform == "linux" else 0x20
AT_EACCESS = 0x200 if sys.platform == "linux" else 0x10

_library: ctypes.CDLL | None = None


def has(name: str) -> bool:
    """Whether the host's C library knows the function."""
    return hasattr(_libc(), name)


def call(name: str, *arguments: Any) -> int:
    """Call a function that returns -1 and sets errno where it fails. Raises OSError."""
    result: int = getattr(_libc(), name)(*arguments)
    if result == -1:
        import ctypes  # noqa: PLC0415

        raise OSError(ctypes.get_errno(), name)
    return result


def _libc() -> ctypes.CDLL:
    global _library  # noqa: PLW0603  # one library for the process, loaded once
    if _library is None:
        import ctypes  # noqa: PLC0415  # most programs come without any of this

        _library = ctypes.CDLL(None, use_errno=True)
    return _library
