"""A walk that openat2(2) restricts with its RESOLVE_ flags."""

from __future__ import annotations

from pyuk.abi.errno import ELOOP, EXDEV, SyscallError
from pyuk.abi.fcntl import (
    RESOLVE_BENEATH,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)  # fmt: skip
from pyuk.fs.file import OpenFile
from pyuk.fs.walk import Walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.fs.mount import Mount


class ScopedWalk(Walk):
    """Errors beside a walk's: ELOOP a link that is not allowed, EXDEV a way out of the directory or the mount."""

    __slots__ = ("_base", "_knows_root", "_resolve")

    def __init__(
        self, context: FsContext, at: OpenFile, resolve: int, *, is_absolute: bool, optimistic: bool
    ) -> None:  # fmt: skip
        """at: where a relative path begins, and with RESOLVE_IN_ROOT every one."""
        self._resolve = 0
        self._base: tuple[Mount, list[bytes]] | None = None
        self._knows_root = False
        """An absolute link is no way over mounts only if the root was needed before (fs/namei.c, nd_jump_root)."""
        begins_at_root = is_absolute and not resolve & RESOLVE_IN_ROOT
        super().__init__(context, None if begins_at_root else at, optimistic=optimistic)
        self._knows_root = begins_at_root
        self._leave_at()
        if is_absolute and resolve & RESOLVE_BENEATH:
            raise SyscallError(EXDEV)
        self._resolve = resolve
        if resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT):
            self._base = self.mount, list(self.parts)

    def _begin_at_root(self) -> None:
        if self._resolve & RESOLVE_BENEATH:
            raise SyscallError(EXDEV)
        if self._base is not None:
            self.mount, self.at, self.parts = self._base[0], None, list(self._base[1])
            return
        before = self.mount if self._resolve & RESOLVE_NO_XDEV else None
        kept, self._resolve = self._resolve, 0
        super()._begin_at_root()
        self._leave_at()
        self._resolve = kept
        if before is not None and (before is not self.mount or not self._knows_root):
            raise SyscallError(EXDEV)

    def _cross(self) -> None:
        before = self.mount
        super()._cross()
        if self.mount is not before and self._resolve & RESOLVE_NO_XDEV:
            raise SyscallError(EXDEV)

    def _up(self) -> None:
        if self._base is not None and self._base == (self.mount, self.parts):
            if self._resolve & RESOLVE_BENEATH:
                raise SyscallError(EXDEV)
            return
        self._knows_root = True
        before = self.mount
        super()._up()
        if self.mount is not before and self._resolve & RESOLVE_NO_XDEV:
            raise SyscallError(EXDEV)

    def _follow(self, target: bytes | OpenFile, ahead: list[bytes]) -> None:
        if self._resolve & RESOLVE_NO_SYMLINKS:
            raise SyscallError(ELOOP)
        if isinstance(target, OpenFile):
            if self._resolve & RESOLVE_NO_MAGICLINKS:
                raise SyscallError(ELOOP)
            leaves = target.mount is not self.mount and self._resolve & RESOLVE_NO_XDEV
            if self._base is not None or leaves:
                raise SyscallError(EXDEV)
        super()._follow(target, ahead)
