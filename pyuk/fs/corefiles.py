"""Core files in a directory of the host's, for whoever runs pyuk and not for the guest."""

from __future__ import annotations

import os

from pyuk.fs.errors import guest_error

_MODE = 0o600


class HostCoreFile:
    """One that is being written."""

    __slots__ = ("_fd",)

    def __init__(self, path: str) -> None:
        """Replace what was there. Errors: as open(2)."""
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, _MODE)
        except OSError as error:
            raise guest_error(error) from None

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Write at an offset. Errors: ENOSPC and its like."""
        try:
            return os.pwritev(self._fd, slices, offset)
        except OSError as error:
            raise guest_error(error) from None

    def truncate(self, size_bytes: int) -> None:
        """Set the size."""
        os.ftruncate(self._fd, size_bytes)

    def release(self) -> None:
        """Close it."""
        os.close(self._fd)
