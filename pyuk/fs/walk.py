"""From a path to a place in a mount (path_resolution(7)): mounts, `..`, symbolic links.

Where a path has none of these it is found by its looks alone (Place), and this module is not needed.
"""

from __future__ import annotations

import stat as modes

from pyuk.abi.errno import ELOOP, ENOENT, ENOTDIR, SyscallError
from pyuk.abi.unistd import X_OK
from pyuk.fs.file import OpenFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.fs.mount import Mount

_MAX_LINKS = 40  # include/linux/namei.h: MAXSYMLINKS
NAME, DOT, DOTDOT, ROOT = range(4)
"""What the last component was: include/linux/namei.h, LAST_NORM and so on."""


class Walk:
    """Where a walk has come to.

    The place is `at` (None: the mount's root) and the components in `parts`, none of which is a link or a mount.
    Where a magic link has led to a file that is no directory, `file` is that file and nothing else counts.
    `slash` says that it must be a directory; `last` what the last component was.
    The caller owns what is in `held`.
    """

    __slots__ = ("_context", "_dot", "_n_links", "_optimistic", "at", "file", "held", "last", "mount", "parts", "slash")

    def __init__(self, context: FsContext, at: OpenFile | None, *, optimistic: bool) -> None:
        """Begin at an open directory or, with None, at the root. Errors: ENOTDIR."""
        self._context = context
        self._n_links = 0
        self._optimistic = optimistic
        self.parts: list[bytes] = []
        self.file: OpenFile | None = None
        self.last = ROOT
        self.slash = self._dot = False
        self.held: list[OpenFile] = []
        if at is None:
            self._begin_at_root()
        else:
            self._begin_at(at)

    def _begin_at_root(self) -> None:
        root = self._context.root
        if root is None:
            self.mount: Mount = self._context.namespace.root
            self.at: OpenFile | None = None
            self.parts = []
            self._cross()
        else:
            self._begin_at(root)

    def _begin_at(self, at: OpenFile) -> None:
        if at.filesystem is None or at.mount is None:
            raise SyscallError(ENOTDIR)
        self.mount = at.mount
        self.at = at
        self.parts = []
        if at.covers:
            try:
                self._leave_at()
            except SyscallError:
                self.at = at  # outside of the mount by now: nothing is mounted there

    def go(self, path: bytes, *, follow: bool, parent: bool = False) -> None:
        """Walk a path. follow: a link in the last place too. parent: the last name need not be there.

        Errors: ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
        """
        ahead = self._take(path)
        self.last = last_of(path)
        follow = follow or (self.slash and not parent)
        while ahead:
            if ahead[-1] == b"..":
                ahead.pop()
                self._up()
                continue
            run: list[bytes] = []
            while ahead and ahead[-1] != b"..":
                run.append(ahead.pop())
            self._forward(run, ahead, follow=follow or self._dot)
        if self._dot:
            self._check_directory()

    def _take(self, path: bytes) -> list[bytes]:
        """The names in reverse, without those that say nothing; a last `.` or `/` wants a directory."""
        found = [name for name in path.split(b"/") if name and name != b"."]
        self._dot = last_of(path) == DOT
        self.slash = self._dot or path.endswith(b"/")
        found.reverse()
        return found

    def _forward(self, run: list[bytes], ahead: list[bytes], *, follow: bool) -> None:
        """Take a run of names; where a link is met, what is to be walked then goes to `ahead`."""
        if self.file is not None:
            raise SyscallError(ENOTDIR)
        self.parts += run
        self._cross()
        fs = self.mount.fs
        if not self.parts or (self._optimistic and fs.is_optimistic and not ahead and not self._dot):
            return
        link = fs.walk(self.at, b"/".join(self.parts), follow=follow or bool(ahead))
        if link is None:
            return
        end, target = link
        n_done = b"/".join(self.parts)[:end].count(b"/")
        ahead.extend(reversed(self.parts[n_done + 1 :]))
        del self.parts[n_done:]
        self._n_links += 1
        if isinstance(target, OpenFile):
            self.held.append(target)
        if self._n_links > _MAX_LINKS:
            raise SyscallError(ELOOP)
        self._follow(target, ahead)

    def _follow(self, target: bytes | OpenFile, ahead: list[bytes]) -> None:
        """Go on where a link leads."""
        if isinstance(target, OpenFile):
            if target.filesystem is None or target.mount is None:
                self.file = target
            else:
                self._begin_at(target)
            return
        if not target:
            raise SyscallError(ENOENT)
        if target[:1] == b"/":
            self._begin_at_root()
        if ahead:
            slash, dot = self.slash, self._dot
            ahead.extend(self._take(target))
            self.slash, self._dot = slash, dot
        else:
            slash = self.slash
            ahead.extend(self._take(target))
            self.slash = self.slash or slash

    def _cross(self) -> None:
        """Enter mounts that the parts lead into. Links on the way to a mount's point are not looked at."""
        if self.at is None and self.mount.children:
            mount, rest = self.mount.crossing(b"/".join(self.parts))
            if mount is not self.mount:
                self.mount = mount
                self.parts = rest.split(b"/") if rest else []

    def _up(self) -> None:
        """`..`: not above the process's root, and out of a mount into the one it stands on."""
        self._check_directory()
        if self.parts and self._context.root is None:
            self.parts.pop()
            return
        self._leave_at()
        root = self._context.root
        if root is not None and root.mount is self.mount and self.mount.fs.path_of(root) == b"/".join(self.parts):
            return
        while not self.parts and self.mount.parent is not None:
            point = self.mount.point
            self.mount = self.mount.parent
            self.parts = point.split(b"/") if point else []
        if self.parts:
            self.parts.pop()
        self._cross()

    def _leave_at(self) -> None:
        """Name the place from the mount's root instead. Errors: ENOENT it is not below that any more."""
        if self.at is not None:
            path = self.mount.fs.path_of(self.at)
            if path.endswith(b" (deleted)") and not self.at.stat().st_nlink:
                path = path.removesuffix(b" (deleted)")
            self.at = None
            self.parts = [*path.split(b"/"), *self.parts] if path else self.parts
            self._cross()

    def _check_directory(self) -> None:
        """What is left behind by `.` or `..` must be a directory that may be searched."""
        if self.file is not None:
            raise SyscallError(ENOTDIR)
        fs, path = self.mount.fs, b"/".join(self.parts)
        if path and not modes.S_ISDIR(fs.stat(self.at, path, follow=False).st_mode):
            raise SyscallError(ENOTDIR)
        fs.access(self.at, path, X_OK, effective=True, follow=False)


def last_of(path: bytes) -> int:
    """What the last component of a path is."""
    name = path.rstrip(b"/").rpartition(b"/")[2]
    if not name:
        return ROOT
    return DOT if name == b"." else DOTDOT if name == b".." else NAME
