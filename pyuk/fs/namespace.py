"""Which file system a path belongs to: what a process sees as `/`.

Now that is the host's tree with pyuk's own /proc over it; a mount table will stand here. A path goes to the host in
one piece wherever it can, and is walked component by component only where it may lead into /proc: the kernel that
runs pyuk must not answer for the guest there.
"""

from __future__ import annotations

import os
import stat as modes

from pyuk.abi.errno import ELOOP, ENOTDIR, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.hostfs import HostFs
    from pyuk.fs.procfs import ProcFs

_MAX_LINKS = 40  # include/linux/namei.h: MAXSYMLINKS
_MAX_PLAIN = 4096


class Namespace:
    """The mounts of a process and its children."""

    __slots__ = ("_make_proc", "_plain", "_plain_below", "_proc", "host")

    def __init__(self, host: HostFs, make_proc: Callable[[], ProcFs] | None = None) -> None:
        """make_proc: called once, when a path first may lead to /proc. Without it the host's is seen."""
        self.host = host
        self._make_proc = make_proc
        self._proc: ProcFs | None = None
        self._plain: set[bytes] = set()
        """Absolute names known not to lead into /proc, whatever links they are."""
        self._plain_below: dict[tuple[int, int], set[bytes]] = {}
        """The same for relative names, by st_dev and st_ino of the directory they start from."""

    @property
    def proc(self) -> ProcFs | None:
        """What is mounted on /proc."""
        if self._proc is None and self._make_proc is not None:
            self._proc = self._make_proc()
        return self._proc

    def find(
        self, at: OpenFile | None, path: bytes, *, follow: bool, walk: bool = False
    ) -> tuple[FileSystem, OpenFile | None, bytes]:
        """The file system, and the start and path to give to it. `at` is the directory of a relative path.

        follow: whether the call follows a symbolic link in the last place. walk: do not trust the path's looks.
        Errors: ENOTDIR the start is no directory, ELOOP more than 40 links.
        """
        if path[:1] == b"/":
            at = None
        elif at is None or at.filesystem is None:
            raise SyscallError(ENOTDIR)
        else:
            walk = walk or at.in_host_proc or at.filesystem is not self.host
        has_proc = self._proc is not None or self._make_proc is not None
        if not has_proc or not (walk or _suspect(path) or not self._is_plain(at, path, follow=follow)):
            return self.host, at, path
        proc = self.proc
        if proc is None:
            return self.host, at, path
        full = self._walk(b"" if at is None else at.link_text(), path, follow=follow)
        if full == b"/proc" or full.startswith(b"/proc/"):
            return proc, None, full
        return self.host, None, full

    def links_changed(self) -> None:
        """A guest has made or moved a name that may be a link. Deviation: what others do is not noticed."""
        self._plain.clear()
        self._plain_below.clear()

    def _is_plain(self, at: OpenFile | None, path: bytes, *, follow: bool) -> bool:
        """Whether the host can be trusted with the path: no link in it leads to /proc.

        Behind such a link are others (exe, cwd, fd/N) whose end does not show that the host's process is meant.
        """
        known = self._plain
        if at is not None:
            ident = at.ident
            if len(self._plain_below) > _MAX_PLAIN:
                self._plain_below.clear()
            known = self._plain_below.setdefault(ident, set())
        if path in known:
            return True
        if len(known) > _MAX_PLAIN:
            known.clear()
        dir_fd = None if at is None else at.host_fd()
        end = 0
        while end < len(path):
            end = path.find(b"/", end + 1)
            if end < 0:
                if not follow:
                    break
                end = len(path)
            name = path[:end]
            if name in known:
                continue
            try:
                is_link = modes.S_ISLNK(os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mode)
            except OSError:
                return True  # the host says what is wrong with it
            if is_link:
                passed: list[bytes] = []
                full = self._walk(b"" if at is None else at.link_text(), name, follow=True, passed=passed)
                if any(place == b"/proc" or place.startswith(b"/proc/") for place in (full, *passed)):
                    return False
            known.add(name)
        return True

    def _walk(self, start: bytes, path: bytes, *, follow: bool, passed: list[bytes] | None = None) -> bytes:
        """The absolute path without links, `.` and `..`; a last link stays where it is not followed.

        passed: is told the links on the way.
        """
        is_directory = path.endswith((b"/", b"/.")) or path == b"."
        real = [part for part in start.split(b"/") if part]
        ahead = path.split(b"/")[::-1]
        n_links = 0
        while ahead:
            name = ahead.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                self._check_directory(real)
                del real[-1:]
                continue
            last = not any(part not in (b"", b".") for part in ahead)
            full = b"/" + b"/".join([*real, name])
            target = None if last and not follow and not is_directory else self._link(full, last=last)
            if target is None:
                real.append(name)
                continue
            if passed is not None:
                passed.append(full)
            n_links += 1
            if n_links > _MAX_LINKS:
                raise SyscallError(ELOOP)
            if target[:1] == b"/":
                real = []
            ahead.extend(target.split(b"/")[::-1])
        return b"/" + b"/".join(real) + (b"/" if is_directory and real else b"")

    def _link(self, full: bytes, *, last: bool) -> bytes | None:
        """The target where full is a link to follow; None for anything else, absent names too."""
        if self.proc is not None and full.startswith(b"/proc/"):
            return self.proc.target(full, last=last)
        try:
            return self.host.readlink(None, full)
        except SyscallError:
            return None  # no link; or an error that whoever uses the path meets again

    def _check_directory(self, real: list[bytes]) -> None:
        """`..` of a file is ENOTDIR, of nothing ENOENT."""
        if real:
            full = b"/" + b"/".join(real)
            system: FileSystem = self.proc if self.proc is not None and real[0] == b"proc" else self.host
            if not modes.S_ISDIR(system.stat(None, full, follow=False).st_mode):
                raise SyscallError(ENOTDIR)


def _suspect(path: bytes) -> bool:
    """Whether the path could lead to /proc: by name, or by /dev/fd, /dev/stdin and the like, links to it."""
    return b"proc" in path or b"/fd" in path or b"/std" in path or path.startswith((b"fd", b"std"))


def host_directory(host: HostFs, path: bytes) -> OpenFile:
    """A directory of the host to start in. A relative path starts where pyuk itself was started."""
    return host.adopt(os.open(path, os.O_DIRECTORY | getattr(os, "O_PATH", 0) | os.O_CLOEXEC), 0)
