"""/proc/PID/mounts, mountinfo and mountstats: the mount table as a process sees it (Linux 6.1 fs/proc_namespace.c)."""

from __future__ import annotations

import os

from pyuk.abi.errno import EINVAL, SyscallError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.fs.mount import Mount
    from pyuk.kernel.proc.subject import Subject


def check(subject: Subject) -> None:
    """Errors: ESRCH; EINVAL a zombie has no view."""
    subject.check()
    if subject.task.is_dead:
        raise SyscallError(EINVAL)


def _seen(subject: Subject) -> Iterator[tuple[Mount, bytes]]:
    """The mounts below the process's root, and where they are from there."""
    if subject.task.is_dead:
        return
    fs = subject.task.fs
    root = b"" if fs.root is None else fs.root.link_text().rstrip(b"/")
    for mount in fs.namespace.mounts():
        path = mount.path
        if path == root or path.startswith(root + b"/"):
            yield mount, path[len(root) :] or b"/"
        elif not root:
            yield mount, path


def _escape(text: bytes, more: bytes = b"") -> bytes:
    """seq_escape: space, tab, newline and backslash in octal."""
    return b"".join([b"\\%03o" % byte if byte in b" \t\n\\" + more else bytes((byte,)) for byte in text])


def _words(mount: Mount) -> tuple[bytes, bytes]:
    """The options of the mount, and those of the file system."""
    shown, own = mount.shown_options(), mount.options
    of_mount = shown[: len(shown) - len(own) - 1] if own else shown
    access = b"rw"
    return of_mount, access + b"," + own if own else access


def mounts(subject: Subject) -> Iterator[bytes]:
    """A line as in fstab(5)."""
    for mount, path in _seen(subject):
        yield b"%b %b %b %b 0 0\n" % (
            _escape(mount.source, b"#"), _escape(path), mount.fstype, mount.shown_options(),
        )  # fmt: skip


def mountinfo(subject: Subject) -> Iterator[bytes]:
    """The line of proc(5)."""
    for mount, path in _seen(subject):
        parent_id = 1 if mount.parent is None else mount.parent.id
        dev = mount.fs.stat(None, b"", follow=False).st_dev
        of_mount, of_system = _words(mount)
        yield b"%d %d %d:%d / %b %b - %b %b %b\n" % (
            mount.id, parent_id, os.major(dev), os.minor(dev), _escape(path), of_mount, mount.fstype,
            _escape(mount.source, b"#"), of_system,
        )  # fmt: skip


def mountstats(subject: Subject) -> Iterator[bytes]:
    """Which file systems are where."""
    for mount, path in _seen(subject):
        yield b"device %b mounted on %b with fstype %b\n" % (
            _escape(mount.source, b"#"), _escape(path), mount.fstype,
        )  # fmt: skip
