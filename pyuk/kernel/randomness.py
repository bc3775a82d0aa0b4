"""Where random bytes come from: the host, or a seed."""

from __future__ import annotations

import os


class HostRandom:
    """The host's random device."""

    def bytes(self, n_bytes: int) -> bytes:
        """n_bytes of it."""
        return os.urandom(n_bytes)


class SeededRandom:
    """A repeatable stream: SHA-256 of the seed and a counter."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counter = 0

    def bytes(self, n_bytes: int) -> bytes:
        """The next n_bytes of the stream."""
        from hashlib import sha256  # noqa: PLC0415  # most runs have no seed

        made = b""
        while len(made) < n_bytes:
            made += sha256(f"pyuk {self._seed} {self._counter}".encode()).digest()
            self._counter += 1
        return made[:n_bytes]
