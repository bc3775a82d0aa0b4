"""tmpfs: room and its end, names that move under open files, listings, FIFOs; nothing is left at the end."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import EAGAIN, EEXIST, ENOENT, ENOSPC, ENXIO, EOPNOTSUPP, ETXTBSY, SyscallError
from pyuk.abi.poll import POLLHUP
from pyuk.abi.unistd import SEEK_DATA, SEEK_HOLE, SEEK_SET
from pyuk.fs.fifo import FifoWait
from pyuk.fs.tmpfs import TmpFs
from tests.fs.memory import Maker, contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyuk.fs.file import OpenFile

NEW = f.O_CREAT | f.O_RDWR
PAGE = 4096


@pytest.fixture
def maker() -> Iterator[Maker]:
    """What makes tmpfs; at the end no frame of RAM is in use."""
    maker = Maker()
    yield maker
    assert maker.cache.ram.n_used == 0


@pytest.fixture
def system(maker: Maker) -> Iterator[TmpFs]:
    """An empty one, without limits; at the end everything in it is removed, and it counts nothing."""
    system = maker.tmpfs()
    yield system
    _empty(system, b"")
    assert (system.volume.n_pages, system.volume.n_inodes) == (0, 1)


def _empty(system: TmpFs, place: bytes) -> None:
    for name in _names(system, place):
        path = place + b"/" + name if place else name
        if stat.S_ISDIR(system.stat(None, path, follow=False).st_mode):
            _empty(system, path)
            system.rmdir(None, path)
        else:
            system.unlink(None, path)


def _names(system: TmpFs, place: bytes) -> list[bytes]:
    directory = system.open(None, place, f.O_DIRECTORY, 0, 0)
    names = [name for *_, name in directory.entries()]
    directory.release()
    return names[2:]


def _make(system: TmpFs, path: bytes, data: bytes = b"") -> None:
    file = system.open(None, path, NEW, 0o644, 0)
    if data:
        file.write([memoryview(data)])
    file.release()


def _fails(errno: int, action: Callable[[], object]) -> None:
    with pytest.raises(SyscallError) as error:
        action()
    assert error.value.errno == errno


def test_room_ends_in_the_middle_of_a_write(maker: Maker) -> None:
    """What fits is written and counted, then it is ENOSPC; what is removed makes room again."""
    system = maker.tmpfs(max_pages=2)
    file = system.open(None, b"a", NEW, 0o600, 0)
    assert file.write([memoryview(bytes(5 * PAGE))]) == 2 * PAGE
    _fails(ENOSPC, lambda: file.write([memoryview(b"more")]))
    assert file.stat().st_size == 2 * PAGE
    found = system.statfs(None, b"")
    assert (found.f_blocks, found.f_bfree, found.f_bavail) == (2, 0, 0)
    file.truncate(1)
    assert file.pwrite([memoryview(b"x")], PAGE) == 1
    system.unlink(None, b"a")
    file.release()
    assert system.statfs(None, b"").f_bfree == 2


def test_fallocate_has_all_or_nothing(maker: Maker) -> None:
    """Reserved pages are counted, and holes until they are written; what does not fit whole takes nothing."""
    system = maker.tmpfs(max_pages=4)
    file = system.open(None, b"a", NEW, 0o600, 0)
    file.allocate(0, 0, 3 * PAGE)
    assert (file.stat().st_size, file.stat().st_blocks) == (3 * PAGE, 24)
    _fails(ENOSPC, lambda: file.allocate(0, 0, 5 * PAGE))
    assert file.stat().st_blocks == 24
    file.pwrite([memoryview(b"x")], PAGE)
    assert file.stat().st_blocks == 24
    assert (file.lseek(0, SEEK_DATA), file.lseek(PAGE, SEEK_HOLE)) == (PAGE, 2 * PAGE)
    other = system.open(None, b"b", NEW, 0o600, 0)
    assert other.write([memoryview(bytes(3 * PAGE))]) == PAGE
    file.allocate(f.FALLOC_FL_PUNCH_HOLE | f.FALLOC_FL_KEEP_SIZE, 0, 3 * PAGE)
    assert (file.stat().st_blocks, system.volume.n_pages) == (0, 1)
    for each, name in ((file, b"a"), (other, b"b")):
        system.unlink(None, name)
        each.release()
    assert system.volume.n_pages == 0


def test_a_sparse_file_is_looked_through_at_once(system: TmpFs) -> None:
    """Data and holes of a file of exabytes are found by what is there, not page by page."""
    file = system.open(None, b"a", NEW, 0o600, 0)
    file.truncate(1 << 62)
    file.pwrite([memoryview(b"x")], 1 << 61)
    assert file.lseek(0, SEEK_DATA) == 1 << 61
    assert file.lseek(1 << 61, SEEK_HOLE) == (1 << 61) + PAGE
    file.release()


def test_inodes_end(maker: Maker) -> None:
    """Each file, and each name of a file beyond its first, takes an inode; O_TMPFILE's first name does not."""
    system = maker.tmpfs(max_inodes=3)
    _make(system, b"a")
    system.link(None, b"a", None, b"b", follow=False)
    _fails(ENOSPC, lambda: system.link(None, b"a", None, b"c", follow=False))
    _fails(ENOSPC, lambda: system.mkdir(None, b"c", 0o755, 0))
    _fails(ENOSPC, lambda: system.symlink(None, b"c", b"t" * 200))
    assert (system.statfs(None, b"").f_files, system.statfs(None, b"").f_ffree) == (3, 0)
    system.unlink(None, b"b")
    file = system.open(None, b"", f.O_TMPFILE | f.O_RDWR, 0o600, 0)
    system.link_file(file, None, b"c")
    file.release()
    system.unlink(None, b"c")
    system.unlink(None, b"a")
    assert (system.volume.n_inodes, system.volume.n_pages) == (1, 0)


def test_an_unlinked_file_lives_while_it_is_open(system: TmpFs) -> None:
    """Its data, its link count of 0 and its path, and a new file of the name is another."""
    _make(system, b"a", b"old")
    file = system.open(None, b"a", f.O_RDWR, 0, 0)
    system.unlink(None, b"a")
    _make(system, b"a", b"newer")
    assert (contents(file), file.stat().st_nlink) == (b"old", 0)
    assert system.path_of(file) == b"a (deleted)"
    assert file.stat().st_ino != system.stat(None, b"a", follow=True).st_ino
    _fails(ENOENT, lambda: system.link_file(file, None, b"b"))
    file.release()


def test_open_files_follow_renames(system: TmpFs) -> None:
    """The path of an open file is where the name is now, whichever directory above was moved."""
    for path in (b"d", b"d/e", b"other"):
        system.mkdir(None, path, 0o755, 0)
    _make(system, b"d/e/a")
    file = system.open(None, b"d/e/a", f.O_RDONLY, 0, 0)
    directory = system.open(None, b"d/e", f.O_PATH | f.O_DIRECTORY, 0, 0)
    system.rename(None, b"d", None, b"other/moved", 0)
    assert system.path_of(file) == b"other/moved/e/a"
    assert system.path_of(directory) == b"other/moved/e"
    system.rename(directory, b"a", None, b"a", 0)
    assert system.path_of(file) == b"a"
    system.rmdir(None, b"other/moved/e")
    assert system.path_of(directory) == b"other/moved/e (deleted)"
    _fails(ENOENT, lambda: _make_below(system, directory))
    file.release()
    directory.release()


def _make_below(system: TmpFs, directory: OpenFile) -> None:
    system.open(directory, b"x", NEW, 0o600, 0).release()


def test_a_listing_goes_on_whatever_changes(system: TmpFs) -> None:
    """Names that stay are listed once, names removed before their turn never, and an offset leads back to its place."""
    names = [b"%03d" % number for number in range(100)]
    for name in names:
        _make(system, name)
    directory = system.open(None, b"", f.O_DIRECTORY, 0, 0)
    seen: list[bytes] = []
    offsets = {}
    while True:
        batch = [entry for _, entry in zip(range(7), directory.entries(), strict=False)]
        if not batch:
            break
        for _ino, after, _kind, name in batch:
            seen.append(name)
            offsets[name] = after
        directory.lseek(batch[-1][1], SEEK_SET)
        if len(seen) < 30:
            left = [name for name in names if name not in seen]
            system.unlink(None, left[0])
            system.unlink(None, seen[-1])
            names.remove(left[0])
            _make(system, b"new%d" % len(seen))
    assert seen[:2] == [b".", b".."]
    assert sorted(seen[2:]) == names
    directory.lseek(offsets[b"050"], SEEK_SET)
    assert next(directory.entries())[3] == b"049"
    directory.release()


def test_a_fifo_waits_for_the_other_end(system: TmpFs) -> None:
    """An open waits for the other end, even one that has gone; what nobody reads is lost with the last end."""
    system.mknod(None, b"p", stat.S_IFIFO | 0o600, (0, 0), 0)
    _fails(ENXIO, lambda: system.open(None, b"p", f.O_WRONLY | f.O_NONBLOCK, 0, 0))
    with pytest.raises(FifoWait) as waits:
        system.open(None, b"p", f.O_RDONLY, 0, 0)
    opening = waits.value.opening
    with pytest.raises(FifoWait):
        opening.take()
    writer = system.open(None, b"p", f.O_WRONLY, 0, 0)
    writer.write([memoryview(b"hello")])
    writer.release()
    reader = opening.take()
    opening.close()
    assert reader.read([memoryview(bytearray(9))]) == 5
    assert reader.read([memoryview(bytearray(9))]) == 0
    reader.release()
    both = system.open(None, b"p", f.O_RDWR, 0, 0)
    both.write([memoryview(b"lost")])
    both.release()
    reader = system.open(None, b"p", f.O_RDONLY | f.O_NONBLOCK, 0, 0)
    assert not reader.poll() & POLLHUP
    assert reader.read([memoryview(bytearray(9))]) == 0
    writer = system.open(None, b"p", f.O_WRONLY | f.O_NONBLOCK, 0, 0)
    _fails(EAGAIN, lambda: reader.read([memoryview(bytearray(9))]))
    writer.release()
    assert reader.poll() & POLLHUP
    reader.release()
    with pytest.raises(FifoWait) as waits:
        system.open(None, b"p", f.O_WRONLY, 0, 0)
    waits.value.opening.close()


def test_a_running_program_is_not_written(maker: Maker) -> None:
    """ETXTBSY for opening it for writing, truncating it and truncating it while opening."""
    running = []
    system = maker.tmpfs()
    system = TmpFs(system.volume, is_running=lambda ident: ident in running)
    _make(system, b"a", b"text")
    status = system.stat(None, b"a", follow=True)
    running.append((status.st_dev, status.st_ino))
    for flags in (f.O_WRONLY, f.O_RDWR, f.O_RDONLY | f.O_TRUNC):
        _fails(ETXTBSY, lambda flags=flags: system.open(None, b"a", flags, 0, 0))  # type: ignore[misc]
    _fails(ETXTBSY, lambda: system.truncate(None, b"a", 0))
    assert system.stat(None, b"a", follow=True).st_size == 4
    system.unlink(None, b"a")


def test_close_frees_all_but_what_is_open(maker: Maker) -> None:
    """Once the file system is closed, an open file keeps its pages until it is closed too."""
    system = maker.tmpfs()
    system.mkdir(None, b"d", 0o755, 0)
    for path in (b"a", b"d/b"):
        _make(system, path, bytes(3 * PAGE))
    file = system.open(None, b"d/b", f.O_RDONLY, 0, 0)
    system.close()
    assert maker.cache.ram.n_used == 3
    assert contents(file) == bytes(3 * PAGE)
    file.release()


def test_user_attributes_are_as_of_6_1(maker: Maker) -> None:
    """user.* is refused, as tmpfs refuses it before 6.6, but kept where that is asked for."""
    plain, able = maker.tmpfs(), maker.tmpfs(has_user_xattrs=True)
    for system in (plain, able):
        _make(system, b"a")
    _fails(EOPNOTSUPP, lambda: plain.setxattr(None, b"a", b"user.a", b"value", 0, follow=True))
    able.setxattr(None, b"a", b"user.a", b"value", 0, follow=True)
    _fails(EEXIST, lambda: able.setxattr(None, b"a", b"user.a", b"value", 1, follow=True))
    assert able.getxattr(None, b"a", b"user.a", follow=True) == b"value"
    assert able.listxattr(None, b"a", follow=True) == [b"user.a"]
