"""The mount table: what paths lead where, what a read-only mount refuses, what belongs to a mount point."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import (
    EBUSY,
    EEXIST,
    EISDIR,
    ELOOP,
    ENAMETOOLONG,
    ENOENT,
    ENOTDIR,
    EROFS,
    ETXTBSY,
    SyscallError,
    name,
)
from pyuk.fs.context import FsContext
from pyuk.fs.hostfs import HostFs
from pyuk.fs.stdio import StdioFile
from pyuk.fs.view import BIND, HERE, TMPFS, MountSpec, View, ViewError, default_view
from tests.fs.views import Makers
from tests.syscalls.file_task import FileTask

AT_FDCWD, RDONLY, MNT_ID = -100, 1, 144


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory with a file, a directory and links."""
    root = Path(os.path.realpath(tmp_path))
    (root / "d" / "e").mkdir(parents=True)
    (root / "file").write_text("text")
    (root / "d" / "file").write_text("below")
    (root / "link").symlink_to("file")
    os.mkfifo(root / "fifo")
    return root


@pytest.fixture
def view(tree: Path) -> Iterator[View]:
    """Memory with the directory in it twice: to be written at /rw, and not at /ro."""
    root = bytes(tree)
    specs = [MountSpec(TMPFS, b"/"), MountSpec(BIND, b"/rw", root), MountSpec(BIND, b"/ro", root, read_only=True)]
    made = View(Makers(), specs)
    yield made
    made.namespace.close()


@pytest.fixture
def task(view: View) -> Iterator[FileTask]:
    """A task in /ro."""
    one = FileTask(FsContext(view.namespace, None, 0o022))
    one.fs.chdir(b"/ro")
    yield one
    one.files.close_all()
    one.fs.release()


REFUSED = (
    ("open", b"file", f.O_WRONLY, 0), ("open", b"file", f.O_RDWR, 0), ("open", b"file", f.O_RDONLY | f.O_TRUNC, 0),
    ("open", b"new", f.O_CREAT | f.O_RDONLY, 0o600), ("open", b".", f.O_TMPFILE | f.O_RDWR, 0o600),
    ("creat", b"file", 0o600), ("mkdir", b"new", 0o755), ("mknod", b"new", 0o10600, 0), ("symlink", b"x", b"new"),
    ("link", b"file", b"new"), ("unlink", b"file"), ("unlink", b"absent"), ("rmdir", b"d"), ("rename", b"file", b"new"),
    ("rename", b"absent", b"new"), ("chmod", b"file", 0o600), ("chown", b"file", 0, 0), ("lchown", b"link", 0, 0),
    ("truncate", b"file", 0), ("utime", b"file", 0), ("utimensat", AT_FDCWD, b"link", 0, f.AT_SYMLINK_NOFOLLOW),
    ("access", b"file", 2), ("access", b"d", 2), ("setxattr", b"file", b"user.a", b"x", 1, 0),
    ("removexattr", b"file", b"user.a"),
)  # fmt: skip


@pytest.mark.parametrize("call", REFUSED, ids=lambda call: " ".join(map(str, call)))
def test_a_read_only_mount_refuses(task: FileTask, tree: Path, call: tuple[str | int | bytes, ...]) -> None:
    """EROFS, and nothing has changed."""
    before = sorted((path, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in tree.rglob("*"))
    what, *arguments = call
    assert isinstance(what, str)
    assert task.call(what, *arguments) == name(EROFS)  # type: ignore[arg-type]
    assert sorted((path, path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in tree.rglob("*")) == before


BEFORE_EROFS = (
    (EEXIST, "mkdir", b"d", 0o755), (EEXIST, "symlink", b"x", b"file"), (ENOENT, "mkdir", b"absent/x", 0o755),
    (ENOENT, "unlink", b"absent/x"), (ENOENT, "chmod", b"absent", 0o600), (EISDIR, "open", b"d", f.O_RDWR, 0),
    (EEXIST, "open", b"file", f.O_CREAT | f.O_EXCL | f.O_RDWR, 0o600), (ENOENT, "open", b"absent", f.O_RDWR, 0),
    (ELOOP, "open", b"link", f.O_RDWR | f.O_NOFOLLOW, 0), (ENOTDIR, "open", b"file", f.O_RDWR | f.O_DIRECTORY, 0),
    (EISDIR, "truncate", b"d", 0), (ENOTDIR, "mkdir", b"file/x", 0o755), (EISDIR, "open", b"d/", f.O_CREAT, 0o600),
)  # fmt: skip


@pytest.mark.parametrize("case", BEFORE_EROFS, ids=lambda case: " ".join(map(str, case)))
def test_other_errors_come_first(task: FileTask, case: tuple[int | str | bytes, ...]) -> None:
    """What Linux finds out before it asks for the right to write."""
    errno, what, *arguments = case
    assert isinstance(errno, int)
    assert isinstance(what, str)
    assert task.call(what, *arguments) == name(errno)  # type: ignore[arg-type]


def test_open_files_of_a_read_only_mount(task: FileTask) -> None:
    """They are read, and what they carry is not changed either; O_CREAT opens what is there."""
    fd = task.fd(b"file", f.O_RDONLY | f.O_CREAT, 0o600)
    for call in (("fchmod", fd, 0o600), ("fchown", fd, 0, 0), ("utimensat", fd, 0, 0, 0)):
        assert task.call(*call) == name(EROFS)
    assert task.call("access", b"file", 4) == 0


def test_a_program_that_runs_is_busy_before_it_is_read_only(task: FileTask) -> None:
    """ETXTBSY comes first, as in do_dentry_open."""
    host = task.fs.cwd.mount.fs  # type: ignore[union-attr]
    assert isinstance(host, HostFs)
    status = task.fs.stat(b"file")
    host.is_running = lambda ident: ident == (status.st_dev, status.st_ino)
    assert task.call("open", b"file", f.O_WRONLY, 0) == name(ETXTBSY)


def test_mounts_are_told_apart(view: View, tree: Path) -> None:
    """statfs(2) has the mount's flags; `..` leaves a mount for the one below; names lead into it by every way."""
    fs = FsContext(view.namespace, None, 0)
    assert fs.find(b"/ro").statfs().f_flags & RDONLY
    assert not fs.find(b"/rw").statfs().f_flags & RDONLY
    inode = tree.stat().st_ino
    for path in (b"/rw", b"/rw/", b"/ro/../rw", b"//rw/.", b"/rw/d/..", b"/../rw", b"/rw/d/e/../.."):
        assert fs.stat(path).st_ino == inode, path
    fs.chdir(b"/rw/d/e")
    assert fs.getcwd() == b"/rw/d/e"
    assert fs.stat(b"../../../ro/file").st_size == 4
    fs.chdir(b"/")
    assert fs.stat(b"rw/d/file").st_size == 5
    assert {entry[3] for entry in fs.open(b"/").entries()} == {b".", b"..", b"rw", b"ro"}
    fs.release()


def test_mount_points_are_busy(view: View) -> None:
    """Linux's errors for what is done to the name of a mount point."""
    fs = FsContext(view.namespace, None, 0)

    def refused(action: str, path: bytes, *arguments: object) -> int:
        with pytest.raises(SyscallError) as error:
            getattr(fs.find(path, follow=False), action)(*arguments)
        return error.value.errno

    assert refused("rmdir", b"/rw") == refused("rename", b"/rw", fs.find(b"/x", follow=False), 0) == EBUSY
    assert refused("unlink", b"/rw") == EISDIR
    assert refused("mkdir", b"/rw", 0o755, 0) == EEXIST
    fs.find(b"/dir", follow=False).mkdir(0o755, 0)
    assert refused("rename", b"/dir", fs.find(b"/rw", follow=False), 0) == EBUSY
    assert refused("rmdir", b"/") == EBUSY
    fs.release()


def test_mounts_go_with_their_directory(tree: Path) -> None:
    """A directory that a guest renames keeps what is mounted below it."""
    specs = [MountSpec(TMPFS, b"/"), MountSpec(BIND, b"/a/b", bytes(tree))]
    view = View(Makers(), specs)
    fs = FsContext(view.namespace, None, 0)
    fs.find(b"/a", follow=False).rename(fs.find(b"/c", follow=False), 0)
    assert fs.stat(b"/c/b/file").st_size == 4
    fs.chdir(b"/c/b/d")
    assert fs.getcwd() == b"/c/b/d"
    with pytest.raises(SyscallError) as refused:
        fs.stat(b"/a/b/file")
    assert refused.value.errno == ENOENT
    fs.release()
    view.namespace.close()


def test_limits_of_paths(view: View, tree: Path) -> None:
    """40 links and no more; 255 bytes of a name, 4095 of a path."""
    previous = "d"
    for n in range(41):
        (tree / f"chain{n}").symlink_to(previous)
        previous = f"chain{n}"
    fs = FsContext(view.namespace, None, 0)
    assert fs.stat(b"/rw/chain39/file").st_size == 5
    for path, errno in ((b"/rw/chain40/file", ELOOP), (b"/rw/" + b"n" * 256, ENAMETOOLONG),
                        (b"/rw" + b"/." * 2047, ENAMETOOLONG), (b"/rw/" + b"n" * 255, ENOENT)):  # fmt: skip
        with pytest.raises(SyscallError) as refused:
            fs.stat(path)
        assert refused.value.errno == errno
    assert fs.stat(b"/rw" + b"/." * 2046).st_ino == tree.stat().st_ino
    fs.release()


def test_what_is_let_in(tree: Path) -> None:
    """The default view takes in the directory of a program, and gives it up; what it shows anyway is left alone."""
    view = View(Makers(), [spec for spec in default_view() if spec.kind in (BIND, TMPFS, HERE)])
    n_mounts = len(list(view.namespace.mounts()))
    fs = FsContext(view.namespace, None, 0)
    view.admit(bytes(tree), read_only=False)
    assert view.shows(bytes(tree))
    assert fs.stat(bytes(tree) + b"/file").st_size == 4
    fs.find(bytes(tree) + b"/new", follow=False).mkdir(0o755, 0)
    view.admit(bytes(tree / "d"), read_only=True)
    assert len(list(view.namespace.mounts())) == n_mounts + 1
    view.withdraw()
    assert len(list(view.namespace.mounts())) == n_mounts
    fs.release()
    view.namespace.close()


def test_views_that_cannot_be(tree: Path) -> None:
    """A line that says which mount it is."""
    for spec in (MountSpec(BIND, b"/x", b"/nonexistent"), MountSpec(BIND, b"/d/file/x", bytes(tree))):
        with pytest.raises(ViewError, match=r"x: (No such file|Not a directory)"):
            View(Makers(), [MountSpec(BIND, b"/", bytes(tree)), spec])


def test_standard_files_are_opened_anew_with_their_own_rights(tree: Path) -> None:
    """What the caller opened for reading is not written by way of /proc/self/fd/0."""
    host = HostFs(None, has_devices=True, has_proc=True)
    fd = os.open(tree / "file", os.O_RDONLY)
    file = StdioFile(host, fd, f.O_RDWR, os.fstat(fd).st_mode, 0)
    for flags in (f.O_RDWR, f.O_WRONLY, f.O_RDONLY | f.O_TRUNC):
        with pytest.raises(SyscallError):
            file.reopen(flags)
    file.reopen(f.O_RDONLY).release()
    file.release()
    os.close(fd)
    assert (tree / "file").read_text() == "text"
