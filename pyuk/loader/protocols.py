"""What the loader asks of those who bring it files and credentials. For the type checker: nothing imports it to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol  # noqa: TID253  # see above

if TYPE_CHECKING:
    import os
    from collections.abc import Collection

    from pyuk.mm.backing import Backing


class StatLike(Protocol):
    """The part of a stat result that decides who may execute."""

    @property
    def st_mode(self) -> int: ...
    @property
    def st_uid(self) -> int: ...
    @property
    def st_gid(self) -> int: ...


class ExecutableFile(Protocol):
    """What the loader asks of an open file (fs.file.OpenFile has it)."""

    def stat(self) -> os.stat_result | StatLike: ...
    def pread(self, slices: list[memoryview], offset: int) -> int: ...
    def backing(self) -> Backing: ...
    def release(self) -> None: ...


class Opener(Protocol):
    """Opens a path for a process, with open(2)'s flags and errors (fs.context.FsContext.open)."""

    def __call__(self, path: bytes, flags: int, /) -> ExecutableFile: ...


class Credentials(Protocol):
    """Who asks (cred(7)): real and effective ids, and supplementary groups."""

    @property
    def uid(self) -> int: ...
    @property
    def euid(self) -> int: ...
    @property
    def gid(self) -> int: ...
    @property
    def egid(self) -> int: ...
    @property
    def groups(self) -> Collection[int]: ...
