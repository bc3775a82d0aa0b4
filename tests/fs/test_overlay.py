"""Overlays: what shows through, what is hidden, what stays the same when a file is copied up, and what has changed."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import EINVAL, ENODATA, ENOENT, ENOSPC, ENOTEMPTY, EPERM, ETXTBSY, SyscallError
from pyuk.fs.fifo import FifoWait
from pyuk.fs.hostfs import HostFs
from pyuk.fs.overlay import OverlayFs
from pyuk.fs.overlaychanges import CHANGED, CREATED, DELETED, changes
from pyuk.fs.overlayupper import HostUpper, MemoryUpper, Upper
from pyuk.fs.permission import ROOT
from tests.fs.memory import Maker, contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pyuk.fs.file import OpenFile

NEW = f.O_CREAT | f.O_RDWR
PAGE = 4096


class Lab:
    """An overlay over a directory of the host's."""

    def __init__(self, root: Path, *, in_memory: bool, max_pages: int = 0) -> None:
        self.maker = Maker()
        self.maker.who.fsuid = self.maker.who.uid
        self.maker.who.fsgid = self.maker.who.gid
        self.lower = root / "lower"
        self.upper = root / "upper"
        self.running: list[tuple[int, int]] = []
        self.in_memory = in_memory
        self.max_pages = max_pages
        for path in (self.lower, self.upper):
            path.mkdir(exist_ok=True)
        (self.lower / "d" / "e").mkdir(parents=True, exist_ok=True)
        (self.lower / "d" / "e" / "deep").write_bytes(b"deep")
        (self.lower / "d" / "one").write_bytes(b"one")
        (self.lower / "d" / "two").write_bytes(b"two")
        (self.lower / "file").write_bytes(b"file" * 1000)
        (self.lower / "file").chmod(0o640)
        (self.lower / "link").symlink_to("file")
        self.system = self.open()

    def open(self) -> OverlayFs:
        """Another overlay of the same directories; the upper in memory is a new one."""
        upper: Upper
        if self.in_memory:
            memory = self.maker.tmpfs(has_user_xattrs=True, max_pages=self.max_pages)
            memory.volume.creds = lambda: ROOT
            upper = MemoryUpper(memory)
        else:
            upper = HostUpper(HostFs(os.fsencode(self.upper)))
        return OverlayFs(
            HostFs(os.fsencode(self.lower)), upper, lambda: self.maker.who, lambda ident: ident in self.running
        )

    def file(self, path: bytes, flags: int = f.O_RDONLY) -> OpenFile:
        return self.system.open(None, path, flags, 0o644, 0o022)

    def write(self, path: bytes, data: bytes) -> None:
        file = self.file(path, NEW | f.O_TRUNC)
        file.write([memoryview(data)])
        file.release()

    def read(self, path: bytes, system: OverlayFs | None = None) -> bytes:
        file = (system or self.system).open(None, path, f.O_RDONLY, 0, 0)
        data = contents(file)
        file.release()
        return data

    def names(self, path: bytes = b"", system: OverlayFs | None = None) -> list[bytes]:
        directory = (system or self.system).open(None, path, f.O_DIRECTORY, 0, 0)
        found = [name for *_, name in directory.entries()]
        directory.release()
        return found[2:]

    def ident(self, path: bytes) -> tuple[int, int]:
        status = self.system.stat(None, path, follow=False)
        return status.st_dev, status.st_ino


@pytest.fixture(params=[True, False], ids=["memory", "directory"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lab]:
    """An overlay with either kind of upper. At the end nothing is open, and no frame of RAM is in use."""
    lab = Lab(tmp_path, in_memory=request.param)
    before = _tree(lab.lower)
    yield lab
    assert not lab.system.opened
    lab.system.close()
    assert lab.maker.cache.ram.n_used == 0
    assert _tree(lab.lower) == before


def _tree(root: Path) -> list[object]:
    return [(str(path), path.lstat().st_mode, path.lstat().st_mtime_ns) for path in sorted(root.rglob("*"))]


def _fails(errno: int, action: Callable[[], object]) -> None:
    with pytest.raises(SyscallError) as error:
        action()
    assert error.value.errno == errno


def test_the_lower_shows_through(lab: Lab) -> None:
    """Before anything is changed it is the lower, file numbers and all, and the upper is empty."""
    assert lab.names() == [b"d", b"file", b"link"]
    assert lab.read(b"d/e/deep") == b"deep"
    status = (lab.lower / "file").stat()
    assert lab.ident(b"file") == (status.st_dev, status.st_ino)
    assert lab.system.stat(None, b"file", follow=True).st_size == 4000
    assert lab.system.readlink(None, b"link") == b"file"
    assert lab.system.walk(None, b"link", follow=True) == (4, b"file")
    assert lab.system.walk(None, b"link", follow=False) is None
    assert changes(lab.system) == {}
    assert not any(lab.upper.iterdir())


@pytest.mark.parametrize("change", ["write", "chmod", "utime", "truncate", "link", "xattr"])
def test_file_numbers_stay(lab: Lab, change: str) -> None:
    """st_dev and st_ino are the same before and after the first change, and through a descriptor from before."""
    before = lab.file(b"d/one")
    ident = lab.ident(b"d/one")
    directory = lab.ident(b"d")
    if change == "write":
        lab.write(b"d/one", b"new")
    elif change == "chmod":
        lab.system.chmod(None, b"d/one", 0o600)
    elif change == "utime":
        lab.system.utime(None, b"d/one", (1, 2), follow=True)
    elif change == "truncate":
        lab.system.truncate(None, b"d/one", 1)
    elif change == "link":
        lab.system.link(None, b"d/one", None, b"other", follow=False)
        assert lab.ident(b"other") == ident
    else:
        with suppress(SyscallError):  # the host's directory may keep none
            lab.system.setxattr(None, b"d/one", b"user.a", b"b", 0, follow=True)
    assert lab.ident(b"d/one") == ident
    assert lab.ident(b"d") == directory
    assert (before.stat().st_dev, before.stat().st_ino) == ident
    listed = lab.file(b"d", f.O_DIRECTORY)
    assert {name: ino for ino, _, _, name in listed.entries()}[b"one"] == ident[1]
    listed.release()
    before.release()


def test_a_copy_keeps_everything(lab: Lab) -> None:
    """Mode, owner, times, size and holes are those of the lower's file, and so are those of the directories above."""
    path = lab.lower / "d" / "e" / "holes"
    times = path.parent.stat()
    with path.open("wb") as file:
        file.truncate(1 << 30)
        os.pwrite(file.fileno(), b"x", 1 << 29)
    path.chmod(0o4751)
    os.utime(path, ns=(10**18, 10**18 + 5))
    os.utime(path.parent, ns=(10**18 + 7, 10**18 + 9))
    before = lab.system.stat(None, b"d/e/holes", follow=True)
    above = lab.system.stat(None, b"d/e", follow=True)
    lab.system.chmod(None, b"d/e/holes", 0o4751)
    after = lab.system.stat(None, b"d/e/holes", follow=True)
    for field in ("st_mode", "st_uid", "st_gid", "st_size", "st_mtime_ns", "st_nlink"):
        assert getattr(after, field) == getattr(before, field)
    assert after.st_blocks == 8
    merged = lab.system.stat(None, b"d/e", follow=True)
    assert (merged.st_mode, merged.st_mtime_ns) == (above.st_mode, above.st_mtime_ns)
    path.unlink()
    os.utime(path.parent, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_what_was_open_sees_the_copy(lab: Lab) -> None:
    """A descriptor from before reads what is written afterwards, at the position where it was."""
    reader = lab.file(b"file")
    buffer = bytearray(8)
    assert reader.read([memoryview(buffer)]) == 8
    writer = lab.file(b"file", f.O_RDWR)
    writer.pwrite([memoryview(b"CHANGED!")], 8)
    assert reader.read([memoryview(buffer)]) == 8
    assert buffer == b"CHANGED!"
    writer.release()
    reader.release()


def test_a_mapping_stays_what_it_was(lab: Lab) -> None:
    """What is mapped before a copy shows the lower's file for good; a mapping made afterwards shows the copy."""
    reader = lab.file(b"file")
    backing = reader.backing()
    lab.write(b"file", b"new")
    later = reader.backing()
    buffer = bytearray(4)
    assert backing.preadv([memoryview(buffer)], 0) == 4
    assert buffer == b"file"
    assert later.preadv([memoryview(buffer)], 0) == 3
    assert (backing.dev, backing.ino) == (later.dev, later.ino) == lab.ident(b"file")
    for each in (backing, later):
        each.drop()
    reader.release()


def test_removed_names_are_hidden(lab: Lab) -> None:
    """What the lower has under a name that was removed does not come back, whatever is made in its place."""
    lab.system.unlink(None, b"d/one")
    _fails(ENOENT, lambda: lab.file(b"d/one"))
    assert lab.names(b"d") == [b"e", b"two"]
    _fails(ENOTEMPTY, lambda: lab.system.rmdir(None, b"d"))
    for path in (b"d/e/deep", b"d/two"):
        lab.system.unlink(None, path)
    lab.system.rmdir(None, b"d/e")
    lab.system.rmdir(None, b"d")
    assert lab.names() == [b"file", b"link"]
    lab.system.mkdir(None, b"d", 0o700, 0)
    assert lab.names(b"d") == []
    lab.write(b"d/one", b"another")
    assert lab.read(b"d/one") == b"another"
    lab.system.unlink(None, b"d/one")
    lab.system.rmdir(None, b"d")
    lab.write(b"d", b"a file now")
    assert lab.read(b"d") == b"a file now"
    _fails(ENOENT, lambda: lab.system.stat(None, b"gone/x", follow=True))


def test_a_directory_of_the_lower_is_renamed(lab: Lab) -> None:
    """With all that is in it, as often as one likes; at the old place is nothing, and what is made there is new."""
    inside = lab.file(b"d/e/deep")
    directory = lab.file(b"d/e", f.O_DIRECTORY)
    ident = lab.ident(b"d")
    lab.write(b"d/two", b"changed")
    lab.system.rename(None, b"d", None, b"moved", 0)
    assert lab.names(b"moved") == [b"e", b"one", b"two"]
    assert lab.ident(b"moved") == ident
    assert (lab.read(b"moved/one"), lab.read(b"moved/two")) == (b"one", b"changed")
    assert lab.system.path_of(inside) == b"moved/e/deep"
    assert lab.read(b"moved/e/deep") == contents(inside) == b"deep"
    lab.system.unlink(directory, b"deep")
    assert lab.system.path_of(inside) == b"moved/e/deep (deleted)"
    assert inside.stat().st_nlink == 0
    _fails(ENOENT, lambda: lab.system.stat(None, b"d", follow=True))
    lab.system.mkdir(None, b"d", 0o755, 0)
    assert lab.names(b"d") == []
    lab.system.rename(None, b"moved", None, b"d", 0)
    assert lab.names(b"d") == [b"e", b"one", b"two"]
    assert lab.names(b"d/e") == []
    lab.system.rename(None, b"d/e", None, b"e", 0)
    assert lab.names(b"e") == []
    _fails(EINVAL, lambda: lab.system.rename(None, b"d", None, b"d/x", 0))
    inside.release()
    directory.release()


def test_directories_are_exchanged(lab: Lab) -> None:
    """Both have what the other had, from whichever layer it is."""
    lab.system.mkdir(None, b"new", 0o755, 0)
    lab.write(b"new/x", b"x")
    lab.system.rename(None, b"d", None, b"new", f.RENAME_EXCHANGE)
    assert lab.names(b"new") == [b"e", b"one", b"two"]
    assert lab.names(b"d") == [b"x"]
    lab.system.rename(None, b"file", None, b"new/one", f.RENAME_EXCHANGE)
    assert lab.read(b"file") == b"one"
    assert lab.read(b"new/one") == b"file" * 1000


def test_a_fifo_of_the_lower_is_ones_own(lab: Lab) -> None:
    """Whoever has the lower's FIFO open on the host is not at the other end."""
    os.mkfifo(lab.lower / "fifo")
    host = os.open(lab.lower / "fifo", os.O_RDWR)
    with pytest.raises(FifoWait) as waits:
        lab.file(b"fifo")
    writer = lab.file(b"fifo", f.O_RDWR)
    reader = None
    while reader is None:
        with suppress(FifoWait):  # the host's are opened by a thread
            reader = waits.value.opening.take()
    writer.write([memoryview(b"text")])
    buffer = bytearray(9)
    assert reader.read([memoryview(buffer)]) == 4
    assert lab.system.path_of(reader) == b"fifo"
    waits.value.opening.close()
    reader.release()
    writer.release()
    os.close(host)
    (lab.lower / "fifo").unlink()


def test_a_running_program_is_not_copied_up(lab: Lab) -> None:
    """ETXTBSY, by the numbers that the overlay shows."""
    lab.running.append(lab.ident(b"d/one"))
    _fails(ETXTBSY, lambda: lab.file(b"d/one", f.O_WRONLY))
    _fails(ETXTBSY, lambda: lab.system.truncate(None, b"d/one", 0))
    lab.system.chmod(None, b"d/one", 0o755)
    _fails(ETXTBSY, lambda: lab.file(b"d/one", f.O_WRONLY))


def test_an_open_file_without_a_name_can_be_changed(lab: Lab) -> None:
    """fchmod of a removed file of the lower, and opening it for writing by its descriptor."""
    file = lab.file(b"file")
    lab.system.unlink(None, b"file")
    file.chmod(0o600)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = file.reopen(f.O_RDWR)
    again.pwrite([memoryview(b"FILE")], 0)
    assert contents(file)[:8] == b"FILEfile"
    assert (file.stat().st_nlink, lab.system.path_of(again)) == (0, b"file (deleted)")
    again.release()
    file.release()


def test_changes_as_data(lab: Lab) -> None:
    """What was made, changed and deleted, by path, with contents; what was only touched or put back is no change."""
    lab.write(b"d/one", b"ONE")
    lab.write(b"d/two", b"two")  # the same again
    lab.system.utime(None, b"file", (1, 2), follow=True)
    lab.system.unlink(None, b"link")
    lab.system.mkdir(None, b"new", 0o755, 0)
    lab.write(b"new/file", b"text")
    lab.system.symlink(None, b"new/link", b"target")
    found = changes(lab.system)
    assert {path: (change.kind, change.data) for path, change in found.items()} == {
        b"d/one": (CHANGED, b"ONE"),
        b"link": (DELETED, None),
        b"new": (CREATED, None),
        b"new/file": (CREATED, b"text"),
        b"new/link": (CREATED, b"target"),
    }
    assert list(found) == sorted(found)
    lab.system.chmod(None, b"file", 0o600)
    lab.system.rename(None, b"d", None, b"moved", 0)
    kinds = {path: change.kind for path, change in changes(lab.system).items()}
    assert kinds == {
        b"d": DELETED, b"d/e": DELETED, b"d/e/deep": DELETED, b"d/one": DELETED, b"d/two": DELETED,
        b"file": CHANGED, b"link": DELETED, b"moved": CREATED, b"moved/e": CREATED, b"moved/e/deep": CREATED,
        b"moved/one": CREATED, b"moved/two": CREATED, b"new": CREATED, b"new/file": CREATED, b"new/link": CREATED,
    }  # fmt: skip


def test_a_directory_keeps_the_changes(tmp_path: Path) -> None:
    """Another overlay with the same upper shows the same; the marks are those of an image layer."""
    lab = Lab(tmp_path, in_memory=False)
    lab.write(b"d/one", b"ONE")
    lab.system.unlink(None, b"d/two")
    lab.system.unlink(None, b"d/e/deep")
    lab.system.rmdir(None, b"d/e")
    lab.system.mkdir(None, b"d/e", 0o755, 0)
    lab.system.rename(None, b"file", None, b"renamed", 0)
    other = lab.open()
    assert lab.names(b"", other) == [b"d", b"link", b"renamed"]
    assert lab.names(b"d", other) == [b"e", b"one"]
    assert lab.names(b"d/e", other) == []
    assert lab.read(b"d/one", other) == b"ONE"
    assert sorted(str(path.relative_to(lab.upper)) for path in lab.upper.rglob("*")) == [
        ".wh.file", "d", "d/.wh.two", "d/e", "d/e/.wh..wh..opq", "d/one", "renamed",
    ]  # fmt: skip
    _fails(EPERM, lambda: lab.write(b".wh.x", b""))
    for system in (other, lab.system):
        system.close()


def test_a_copy_that_does_not_fit_leaves_nothing(tmp_path: Path) -> None:
    """ENOSPC while a file is copied up: it stays the lower's; while one replaces what was removed: it stays removed."""
    lab = Lab(tmp_path, in_memory=True, max_pages=3)
    (lab.lower / "large").write_bytes(b"x" * 5 * PAGE)
    _fails(ENOSPC, lambda: lab.file(b"large", f.O_RDWR))
    assert lab.read(b"large") == b"x" * 5 * PAGE
    assert lab.maker.cache.ram.n_used == 0
    lab.system.unlink(None, b"d/one")
    lab.write(b"filler", b"x" * 3 * PAGE)
    _fails(ENOSPC, lambda: lab.system.symlink(None, b"d/one", b"t" * 200))
    _fails(ENOENT, lambda: lab.system.stat(None, b"d/one", follow=False))
    assert lab.system.statfs(None, b"").f_type == 0x794C7630
    lab.system.close()


def test_attributes_are_copied_and_the_overlays_own_hidden(tmp_path: Path) -> None:
    """user.* of the lower goes along where the host has any; trusted.overlay.* is nobody's business."""
    lab = Lab(tmp_path, in_memory=True)
    try:
        os.setxattr(lab.lower / "file", "user.a", b"value")
    except OSError:
        pytest.skip("the host's directory for tests keeps no attributes")
    lab.system.chmod(None, b"file", 0o600)
    assert lab.system.getxattr(None, b"file", b"user.a", follow=True) == b"value"
    lab.system.mkdir(None, b"new", 0o755, 0)
    _fails(ENODATA, lambda: lab.system.getxattr(None, b"new", b"trusted.overlay.opaque", follow=True))
    assert lab.system.listxattr(None, b"new", follow=True) == []
    lab.system.close()
