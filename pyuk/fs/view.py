"""What a guest's tree is made of: mounts as plain data, and how they become a mount table.

A view is a list of MountSpec. `default_view` is what `pyuk run` shows without options, and `View` builds the table.
"""

from __future__ import annotations

import os
import stat as modes

from pyuk.abi.errno import EEXIST, ENOENT, ENOTDIR, SyscallError, message
from pyuk.abi.mountapi import MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME
from pyuk.abi.stat import S_IFREG
from pyuk.fs.context import FsContext
from pyuk.fs.namespace import Namespace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from pyuk.fs.filesystem import FileSystem
    from pyuk.fs.hostfs import HostFs
    from pyuk.fs.mount import Mount

    class Makers(Protocol):
        """How file systems are made; each may raise OSError for a directory of the host's that is not there."""

        def host(self, path: bytes, /) -> HostFs: ...
        def tmpfs(self) -> FileSystem: ...
        def overlay(self, lower: HostFs, upper: HostFs | None, /) -> FileSystem: ...
        def proc(self) -> FileSystem: ...
        def sysfs(self) -> FileSystem: ...
        def dev(self) -> FileSystem: ...
        def devpts(self) -> FileSystem: ...


BIND, COW, TMPFS, PROC, SYSFS, DEV, DEVPTS, HERE = "bind", "cow", "tmpfs", "proc", "sysfs", "dev", "devpts", "here"
"""Those that have no source are also the names of what makes them (Makers)."""
_FLAGS = {
    BIND: MS_NOSUID | MS_NODEV | MS_RELATIME,
    COW: MS_NOSUID | MS_NODEV | MS_RELATIME,
    TMPFS: MS_NOSUID | MS_NODEV | MS_RELATIME,
    PROC: MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
    SYSFS: MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RELATIME,
    DEV: MS_NOSUID | MS_RELATIME,
    DEVPTS: MS_NOSUID | MS_NOEXEC | MS_RELATIME,
}
_FSTYPES = {COW: b"overlay", TMPFS: b"tmpfs", PROC: b"proc", SYSFS: b"sysfs", DEV: b"devtmpfs", DEVPTS: b"devpts"}


_NAMED = (b"/", b"/tmp", b"/dev/shm")  # mount points in the guest
"""Mount points of pyuk's own that are found by name alone, as /proc is."""


class MountSpec:
    """One mount: what (`kind`), where in the guest's tree (`target`), from where on the host (`source`).

    `upper` is the host's directory that keeps what is written to a COW mount; b"" for memory. Paths are absolute.
    HERE has neither target nor source: it stands for the directory in which a program is started, which is bound at
    its own path when that is known (View.admit), and lets a program be seen that would be hidden.
    """

    __slots__ = ("kind", "read_only", "source", "target", "upper")

    def __init__(
        self, kind: str, target: bytes = b"", source: bytes = b"", *, read_only: bool = False, upper: bytes = b""
    ) -> None:  # fmt: skip
        self.kind = kind
        self.target = target
        self.source = source
        self.read_only = read_only
        self.upper = upper

    def __str__(self) -> str:
        return os.fsdecode(self.source + b":" + self.target if self.source else self.target)


class ViewError(Exception):
    """Why a view cannot be made: one line for the user."""


def default_view() -> list[MountSpec]:
    """The host's tree read-only but for the working directory, and a /tmp, /dev, /proc and /sys of the guest's own."""
    return [MountSpec(BIND, b"/", b"/", read_only=True), *own_mounts(), MountSpec(TMPFS, b"/tmp"), MountSpec(HERE)]


def own_mounts() -> list[MountSpec]:
    """What is pyuk's own in every view."""
    return [
        MountSpec(DEV, b"/dev"), MountSpec(DEVPTS, b"/dev/pts"), MountSpec(TMPFS, b"/dev/shm"),
        MountSpec(PROC, b"/proc"), MountSpec(SYSFS, b"/sys"),
    ]  # fmt: skip


def parse_bind(text: bytes) -> MountSpec:
    """HOST:GUEST[:MODE] as on the command line. Raises ValueError."""
    host, colon, rest = text.partition(b":")
    guest, _, mode = rest.partition(b":")
    shown = os.fsdecode(text)
    if not colon or not host or guest[:1] != b"/":
        raise ValueError(f"--bind {shown}: not HOST:GUEST with an absolute path GUEST")
    if mode not in (b"", b"ro", b"rw", b"cow"):
        raise ValueError(f"--bind {shown}: the mode is ro, rw or cow")
    return MountSpec(COW if mode == b"cow" else BIND, guest, os.path.abspath(host), read_only=mode == b"ro")


def chosen_view(
    *, root: bytes, binds: list[MountSpec], tmpfs: list[bytes], has_overlay: bool, upper: bytes, read_only: bool
) -> list[MountSpec]:  # fmt: skip
    """The view that the options of `pyuk run` ask for. root, upper: b"" where they are not given.

    Raises ValueError.
    """
    for target in tmpfs:
        if target[:1] != b"/":
            raise ValueError(f"--tmpfs {os.fsdecode(target)}: not an absolute path")
    specs = [*binds, *(MountSpec(TMPFS, target) for target in tmpfs)]
    top = [spec for spec in specs if spec.target.strip(b"/") == b""]
    if root:
        top.append(MountSpec(BIND, b"/", os.path.abspath(root)))
    if len(top) > 1:
        raise ValueError("two mounts on / are one too many")
    base = top[0] if top else MountSpec(BIND, b"/", b"/", read_only=True)
    if read_only and root:
        base.read_only = True
    if has_overlay:
        base = MountSpec(COW, b"/", base.source, upper=os.path.abspath(upper) if upper else b"")
    taken = {spec.target.rstrip(b"/") for spec in specs}
    own = [*own_mounts(), MountSpec(TMPFS, b"/tmp")] if base.read_only else own_mounts()
    if not top and not has_overlay:
        own.append(MountSpec(HERE, read_only=read_only))
    return [base, *(spec for spec in own if spec.target not in taken), *(spec for spec in specs if spec not in top)]


class View:
    """A mount table in the making, and the one it has made.

    Pyuk's own mounts are found by name alone; the points of others are resolved as the guest would, and made where
    they are missing: in memory, never on the host.
    """

    __slots__ = ("_admitted", "_makers", "_specs", "here", "namespace")

    def __init__(self, makers: Makers, specs: Iterable[MountSpec]) -> None:
        """Errors: ViewError a source is missing, or a target cannot be one."""
        self._makers = makers
        self._specs: dict[Mount, MountSpec] = {}
        self._admitted: list[Mount] = []
        self.namespace = Namespace()
        self.here: MountSpec | None = None
        """Whether the directory in which a program is started is bound, and how."""
        for spec in sorted(specs, key=_depth):
            if spec.kind == HERE:
                self.here = spec
                continue
            try:
                self.add(spec)
            except (OSError, SyscallError) as error:
                if self._specs:
                    self.namespace.close()
                reason = error.strerror if isinstance(error, OSError) else message(error.errno)
                raise ViewError(f"{spec}: {reason}") from None

    def add(self, spec: MountSpec) -> Mount:
        """Mount one more. Errors: OSError a source is missing; SyscallError a target cannot be one."""
        fs = self._host_side(spec)
        target = spec.target
        if spec.kind in (BIND, COW, TMPFS) and spec.target not in _NAMED:
            is_directory = fs is None or modes.S_ISDIR(fs.stat(None, b"", follow=False).st_mode)
            try:
                target = self._resolve(target, is_directory=is_directory)
            except SyscallError:
                if fs is not None:
                    fs.close()
                raise
        return self._mount(target, spec, fs)

    def admit(self, path: bytes, *, read_only: bool, source: bytes | None = None) -> None:
        """Let a host directory be seen at its own path, if it is not, and be written unless read_only.

        path: absolute and without symbolic links. source: another way to it. Raises OSError where it is not there.
        `/` and what is in /proc and /sys stay as they are.
        """
        if path == b"/":
            return
        mount, rest = self.namespace.root.crossing(path[1:])
        if self.shows(path):
            if read_only or not mount.is_read_only:
                return
            if not rest and mount in self._admitted:
                mount.flags &= ~MS_RDONLY
                return
        elif self._specs[mount].kind in (PROC, SYSFS):
            return
        spec = MountSpec(BIND, path, path, read_only=read_only)
        self._admitted.append(self._mount(path, spec, self._makers.host(source or path)))

    def withdraw(self) -> None:
        """Unmount what was admitted; no process is left that uses it."""
        while self._admitted:
            mount = self._admitted.pop()
            parent = mount.parent
            assert parent is not None  # noqa: S101  # `/` is not admitted
            parent.remove(mount)
            mount.close()
            del self._specs[mount]
            if parent.is_made and self._specs[parent].kind == TMPFS:
                _remove_point(parent.fs, mount.point)

    def shows(self, path: bytes) -> bool:
        """Whether an absolute path without symbolic links is the same for the guest and the host."""
        mount, rest = self.namespace.root.crossing(path[1:])
        spec = self._specs[mount]
        return spec.kind in (BIND, COW) and (spec.source.rstrip(b"/") + b"/" + rest).rstrip(b"/") == path.rstrip(b"/")

    def hides(self, path: bytes) -> bool:
        """Whether what the host has at an absolute path is covered by memory of the guest's own."""
        return self._specs[self.namespace.root.crossing(path[1:])[0]].kind == TMPFS

    def _host_side(self, spec: MountSpec) -> FileSystem | None:
        """What a bind or copy-on-write mount shows; None for what is the guest's own."""
        if spec.kind not in (BIND, COW):
            return None
        host = self._makers.host(spec.source)
        if spec.kind == BIND:
            return host
        if spec.upper:
            os.makedirs(spec.upper, exist_ok=True)
        return self._makers.overlay(host, self._makers.host(spec.upper) if spec.upper else None)

    def _mount(self, target: bytes, spec: MountSpec, fs: FileSystem | None) -> Mount:
        flags = _FLAGS[spec.kind] | (MS_RDONLY if spec.read_only else 0)
        fstype = _FSTYPES.get(spec.kind, b"")
        mount = self.namespace.mount(
            target, lambda: self._make(mount) if fs is None else fs, fstype, source=spec.source or fstype, flags=flags,
            options=b"mode=1777" if spec.kind == TMPFS else b"",
        )  # fmt: skip
        self._specs[mount] = spec
        parent = mount.parent
        if parent is not None and parent.is_made and self._specs[parent].kind == TMPFS:
            _make_point(parent.fs, mount.point, is_directory=_is_directory(fs))
        return mount

    def _make(self, mount: Mount) -> FileSystem:
        """A file system of the guest's own, when a path first leads there; mounts on it may be there before it."""
        makers, kind = self._makers, self._specs[mount].kind
        if kind != TMPFS:
            fs: FileSystem = getattr(makers, kind)()
            return fs
        fs = makers.tmpfs()
        for point, child in sorted(mount.children.items()):
            _make_point(fs, point, is_directory=not child.is_made or _is_directory(child.fs))
        return fs

    def _resolve(self, target: bytes, *, is_directory: bool) -> bytes:
        """The clean path of a mount point. What is missing of it is made in memory.

        Errors: ENOTDIR a file and a directory cannot cover each other; those of the walk.
        """
        from pyuk.fs.walk import Walk  # noqa: PLC0415  # only for mounts that the user asks for

        context = FsContext(self.namespace, None, 0)
        try:
            walk = Walk(context, None, optimistic=False)
            walk.go(target, follow=True)
            missing: list[bytes] = []
            while True:
                try:
                    status = walk.mount.fs.stat(None, b"/".join(walk.parts), follow=False)
                    break
                except SyscallError as error:
                    if error.errno != ENOENT or not walk.parts:
                        raise
                    missing.insert(0, walk.parts.pop())
        finally:
            context.release()
        if modes.S_ISDIR(status.st_mode) != (is_directory or bool(missing)):
            raise SyscallError(ENOTDIR)
        if missing and self._specs[walk.mount].kind != TMPFS and (len(missing) > 1 or not is_directory):
            above = walk.mount.full(b"/".join([*walk.parts, missing[0]]))
            self._mount(above, MountSpec(TMPFS, above, read_only=True), None)
        return walk.mount.full(b"/".join([*walk.parts, *missing]))


def _is_directory(fs: FileSystem | None) -> bool:
    return fs is None or modes.S_ISDIR(fs.stat(None, b"", follow=False).st_mode)


def _make_point(fs: FileSystem, point: bytes, *, is_directory: bool) -> None:
    """What a mount point needs to be seen in its directory."""
    parts = point.split(b"/")
    for n in range(1, len(parts) + 1):
        path = b"/".join(parts[:n])
        try:
            if n < len(parts) or is_directory:
                fs.mkdir(None, path, 0o755, 0)
            else:
                fs.mknod(None, path, S_IFREG | 0o644, (0, 0), 0)
        except SyscallError as error:
            if error.errno != EEXIST:
                raise


def _remove_point(fs: FileSystem, point: bytes) -> None:
    """Take a mount point away, and the directories above that have nothing else in them."""
    while point:
        try:
            fs.rmdir(None, point)
        except SyscallError:
            break
        point = point.rpartition(b"/")[0]


def _depth(spec: MountSpec) -> int:
    """What stands on another comes after it."""
    return spec.target.rstrip(b"/").count(b"/")
