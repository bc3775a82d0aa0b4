"""File calls against the host's kernel: the same call on both sides gives the same result, errno and bytes."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.unistd import PATH_MAX
from tests.syscalls.native_task import AT_FDCWD, BAD, Pair, native_only

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = native_only
KERNEL_HALF = -4096
HUGE = 1 << 62


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both sides, and no descriptor left over."""
    both = Pair(tmp_path)
    yield both
    both.close()


def _iovec(*segments: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<QQ", address & (1 << 64) - 1, length & (1 << 64) - 1) for address, length in segments)


def test_open_flags(pair: Pair) -> None:
    """Every access mode, creation, exclusion, truncation, type demand, and flags that make no sense."""
    pair.file("file", b"contents")
    pair.prepare(lambda d: (d / "dir").mkdir())
    pair.prepare(lambda d: (d / "link").symlink_to("file"))
    pair.prepare(lambda d: (d / "dangling").symlink_to("nowhere"))
    pair.prepare(lambda d: (d / "loop").symlink_to("loop"))
    os.umask(0o022)
    names = (b"file", b"dir", b"link", b"dangling", b"loop", b"absent", b"file/", b"dir/", b"absent/", b"file/x", b"")
    words = (
        f.O_RDONLY, f.O_WRONLY, f.O_RDWR, 3, f.O_CREAT | f.O_EXCL, f.O_CREAT | f.O_EXCL | f.O_WRONLY, f.O_DIRECTORY,
        f.O_NOFOLLOW, f.O_PATH, f.O_PATH | f.O_NOFOLLOW, f.O_PATH | f.O_CREAT | f.O_DIRECTORY, f.O_TMPFILE,
        f.O_TMPFILE | f.O_RDWR, f.O_TMPFILE & ~f.O_DIRECTORY | f.O_RDWR, f.O_TMPFILE | f.O_RDWR | f.O_CREAT,
        f.O_TRUNC | f.O_WRONLY, f.O_APPEND | f.O_WRONLY, 1 << 30, f.O_CREAT | f.O_RDWR, f.O_SYNC | f.O_WRONLY,
    )  # fmt: skip
    for path in names:
        for flags in words:
            if pair.call("openat", AT_FDCWD, path, flags, 0o7777) == 0:
                handle = pair.last
                pair.call("fcntl", handle, f.F_GETFL, 0)
                pair.call("fcntl", handle, f.F_GETFD, 0)
                pair.call("close", handle)
    pair.tree()


def test_open_name_errors(pair: Pair) -> None:
    """Bad pointers, names that are too long, dirfds that are none."""
    pair.file("file")
    plain = pair.open(b"file")
    assert pair.call("openat", AT_FDCWD, BAD, 0, 0) == "EFAULT"
    assert pair.call("openat", AT_FDCWD, KERNEL_HALF, 0, 0) == "EFAULT"
    assert pair.call("openat", AT_FDCWD, b"x" * 255, 0, 0) == "ENOENT"
    assert pair.call("openat", AT_FDCWD, b"x" * 256, 0, 0) == "ENAMETOOLONG"
    assert pair.call("openat", AT_FDCWD, b"./" * 2047 + b"f", 0, 0) == "ENOENT"
    assert len(b"./" * 2047 + b"f\0") == PATH_MAX
    assert pair.call("openat", AT_FDCWD, b"./" * 2048, 0, 0) == "ENAMETOOLONG"
    assert pair.call("openat", 999, b"file", 0, 0) == "EBADF"
    assert pair.call("openat", 999, b"/", 0, 0) == 0
    assert pair.call("openat", 999, b"", 0, 0) == "ENOENT"
    assert pair.call("openat", plain, b"file", 0, 0) == "ENOTDIR"
    assert pair.call("openat", 999, BAD, f.O_TMPFILE, 0) == "EINVAL"
    assert pair.call("open", b"file", 0, 0) == 0
    assert pair.call("creat", b"made", 0o640) == 0
    assert pair.call("read", pair.last, BAD, 1) == "EBADF"


def test_open_mode_and_umask(pair: Pair) -> None:
    """New files get mode & ~umask, whatever the umask of the host process is."""
    before = os.umask(0o022)
    try:
        for mask in (0, 0o022, 0o777, 0o1777):
            pair.call("umask", mask)  # the native side changes the process's own: pyuk must not use it
            os.umask(mask & 0o777)
            for mode in (0o666, 0o777, 0o4755, 0o10644):
                pair.open(b"f%o.%o" % (mask, mode), f.O_CREAT | f.O_RDWR, mode)
            pair.call("mkdir", b"d%o" % mask, 0o2777)
        os.umask(0o077)
        assert pair.task.call("umask", 0o022) == 0o777
        assert pair.task.call("mkdir", b"own", 0o777) == 0
        assert (pair.directories[1] / "own").stat().st_mode & 0o777 == 0o755
        (pair.directories[1] / "own").rmdir()
        modes = [[(path.name, path.stat().st_mode) for path in sorted(d.iterdir())] for d in pair.directories]
        assert modes[0] == modes[1]
        for path in [path for d in pair.directories for path in d.iterdir()]:
            path.chmod(0o700)
        pair.tree()
    finally:
        os.umask(before)


def test_read_write_on_each_kind(pair: Pair) -> None:
    """Counts, ends of file, directories, /dev/null and /dev/zero, bad buffers: who notices what first."""
    pair.file("file", bytes(range(256)) * 64)
    os.mkfifo(pair.directories[0] / "fifo")
    os.mkfifo(pair.directories[1] / "fifo")
    files = [
        pair.open(b"file", f.O_RDWR), pair.open(b"file"), pair.open(b"file", f.O_WRONLY), pair.open(b"."),
        pair.open(b"/dev/null", f.O_RDWR), pair.open(b"/dev/zero", f.O_RDWR), pair.open(b"file", f.O_PATH),
        pair.open(b"fifo", f.O_RDWR | f.O_NONBLOCK), pair.open(b"file", 3), pair.open(b"/dev/full", f.O_RDWR),
    ]  # fmt: skip
    for handle in files:
        for count in (0, 1, 5000, 20000, HUGE, -1):
            for bad in (BAD, KERNEL_HALF):
                pair.call("write", handle, bad, count)
                pair.call("read", handle, bad, count)
                pair.call("pread64", handle, bad, count, 3)
                pair.call("pwrite64", handle, bad, count, 3)
        room = pair.room(8192)
        for count in (0, 1, 4096, 8192):
            pair.call("read", handle, room, count)
            pair.call("pread64", handle, room, count, 16000)
            pair.contents(room)
        pair.call("pread64", handle, room, 10, -1)
        pair.call("pwrite64", handle, room, 10, -1)
        pair.call("pread64", handle, room, 10, 1 << 62)
        pair.call("lseek", handle, 0, 0)
        pair.call("lseek", handle, 0, 9)
        pair.call("lseek", handle, 0, -1)
    pair.tree()


def test_transfers_stop_at_a_bad_page(pair: Pair) -> None:
    """What lies before the bad page moves and is counted; the position moves as far."""
    data = bytes(range(250)) * 100
    pair.file("in", data)
    source = pair.open(b"in")
    target = pair.open(b"out", f.O_CREAT | f.O_RDWR, 0o644)
    room = pair.room(8192)
    assert pair.call("read", source, room.at(100), 20000) == 8092
    assert pair.call("lseek", source, 0, 1) == 8092
    pair.contents(room)
    assert pair.call("write", target, room.at(1), 20000) == 8191
    assert pair.call("pwrite64", target, room.at(8000), 5000, 10000) == 192
    assert pair.call("pread64", source, room.at(4090), 5000, 24000) == 1000
    assert pair.call("write", target, room.at(8192), 1) == "EFAULT"
    pair.contents(room)
    pair.tree()


def test_vectors(pair: Pair) -> None:
    """readv, writev and the positional forms: order of checks, empty vectors, partial faults, IOV_MAX."""
    pair.file("file", bytes(range(256)) * 100)
    handle = pair.open(b"file", f.O_RDWR)
    only_write = pair.open(b"file", f.O_WRONLY)
    directory = pair.open(b".")
    room = pair.room(8192)

    def vector(*segments: tuple[int, int]) -> tuple[bytes, bytes]:
        """Offsets into the room, or numbers from 1 << 40 on as they are."""
        sides = [
            _iovec(*((a - (1 << 40) if a >= 1 << 40 else base + a, n) for a, n in segments))
            for base in (room.native, room.guest)
        ]
        return sides[0], sides[1]

    def both(name: str, handle: object, segments: list[tuple[int, int]], *rest: int) -> int | str:
        native, guest = vector(*segments)
        table = pair.put(native)
        pair.task.mem.write(table.guest, guest)
        return pair.call(name, handle, table, len(segments), *rest)  # type: ignore[arg-type]

    bad = (1 << 40) + BAD
    cases: list[list[tuple[int, int]]] = [
        [(0, 10)], [(0, 10), (100, 20), (4000, 200)], [(0, 0)], [(0, 0), (bad, 0)], [(0, 10), (bad, 10)],
        [(bad, 10), (0, 10)], [(8000, 500)], [(0, 10), (8000, 500), (0, 10)], [(0, -1)], [(bad, 5), (0, -1)],
        [((1 << 40) + (1 << 63), 5)], [(0, 1 << 40)], [(0, 7)] * 1024,
    ]  # fmt: skip
    for segments in cases:
        # Linux 6.6 and later look at the access mode before the vector, 6.1 after it
        sound = all(n >= 0 and a < 1 << 41 and n < 1 << 40 for a, n in segments)
        for file in (handle, only_write, directory) if sound else (handle,):
            for name in ("readv", "writev"):
                both(name, file, segments)
            for name in ("preadv", "pwritev"):
                both(name, file, segments, 777, 0)
            for name, flags in (("preadv2", 0), ("pwritev2", 0), ("pwritev2", 2), ("pwritev2", 1 << 20)):
                both(name, file, segments, 555, 0, flags)
                both(name, file, segments, -1, 0, flags)
            pair.contents(room)
            pair.call("lseek", file, 40, 0)
    assert both("readv", handle, [(0, 1)] * 1025) == "EINVAL"
    assert both("preadv", handle, [(0, 1)], -1, 0) == "EINVAL"
    assert pair.call("readv", handle, BAD, 1) == "EFAULT"
    assert pair.call("readv", handle, BAD, 0) == 0
    assert pair.call("readv", handle, BAD, -1) == "EINVAL"
    assert pair.call("readv", 999, BAD, -1) == "EBADF"
    pair.tree()


def test_append_and_shared_positions(pair: Pair) -> None:
    """O_APPEND writes at the end, also after F_SETFL; dup shares the position, a second open does not."""
    pair.file("log", b"begin\n")
    first = pair.open(b"log", f.O_RDWR | f.O_APPEND)
    twin = pair.make("dup", first)
    other = pair.open(b"log", f.O_RDWR)
    text = pair.put(b"line\n")
    assert pair.call("write", first, text, 5) == 5
    assert pair.call("lseek", twin, 0, 1) == 11
    assert pair.call("lseek", other, 0, 1) == 0
    assert pair.call("pwrite64", twin, text, 5, 0) == 5
    assert pair.call("fcntl", twin, f.F_SETFL, 0) == 0
    pair.call("fcntl", first, f.F_GETFL, 0)
    assert pair.call("lseek", first, 2, 0) == 2
    assert pair.call("write", twin, text, 1) == 1
    assert pair.call("fcntl", other, f.F_SETFL, f.O_APPEND | f.O_NONBLOCK | f.O_CREAT | f.O_WRONLY) == 0
    pair.call("fcntl", other, f.F_GETFL, 0)
    pair.call("write", other, text, 5)
    pair.tree()


def test_seeks(pair: Pair) -> None:
    """Every whence, also beyond the end, before the beginning, and into a hole."""
    pair.file("file", b"x" * 10000)
    pair.prepare(lambda d: os.truncate(d / "file", 1 << 20))
    handle = pair.open(b"file", f.O_RDWR)
    for whence in range(-1, 7):
        for offset in (0, 1, -1, 9999, 1 << 20, 1 << 62, -(1 << 62), -(1 << 63)):
            pair.call("lseek", handle, offset, whence)
    assert pair.call("lseek", 999, 0, 99) == "EBADF"


STAT_SAME = slice(16, 40)
"""The parts of struct stat that the two sides share: st_nlink, st_mode, st_uid, st_gid."""


def test_stat_family(pair: Pair) -> None:
    """Results and errors of all the calls on all kinds of names."""
    pair.file("file", b"hello", 0o640)
    pair.prepare(lambda d: (d / "dir").mkdir())
    pair.prepare(lambda d: (d / "link").symlink_to("file"))
    pair.prepare(lambda d: (d / "dangling").symlink_to("nowhere"))
    handle, path = pair.open(b"file"), pair.open(b"link", f.O_PATH | f.O_NOFOLLOW)
    for name in (b"file", b"dir", b"link", b"dangling", b"absent", b"file/", b"file/x", b"dir/", b"link/", b"/", b""):
        for call in ("stat", "lstat"):
            room = pair.room(144)
            if pair.call(call, name, room) == 0:
                native = Path(os.fsdecode(name)).stat(follow_symlinks=call == "stat")
                guest = struct.unpack_from("<QQQIII4xQqqq", pair.task.mem.read(room.guest, 144))
                assert guest[2:8] == (
                    native.st_nlink, native.st_mode, native.st_uid, native.st_gid, native.st_rdev, native.st_size,
                )  # fmt: skip
        for flags in (0, f.AT_SYMLINK_NOFOLLOW, f.AT_EMPTY_PATH, f.AT_NO_AUTOMOUNT, 1, f.AT_SYMLINK_FOLLOW):
            pair.call("newfstatat", AT_FDCWD, name, pair.room(144), flags)
            pair.call("statx", AT_FDCWD, name, flags, 0x7FF, pair.room(256))
    for file in (handle, path, AT_FDCWD, 999):
        pair.call("newfstatat", file, b"", pair.room(144), f.AT_EMPTY_PATH)
        pair.call("newfstatat", file, b"", BAD, f.AT_EMPTY_PATH)
        pair.call("newfstatat", file, b"file", pair.room(144), 0)
        pair.call("statx", file, b"", f.AT_EMPTY_PATH, 0x7FF, pair.room(256))
        pair.call("fstat", file, pair.room(144))
        pair.call("fstat", file, BAD)
    assert pair.call("statx", AT_FDCWD, b"file", 0x6000, 0, pair.room(256)) == "EINVAL"
    assert pair.call("statx", AT_FDCWD, b"file", 0, 1 << 31, pair.room(256)) == "EINVAL"
    assert pair.call("stat", b"file", BAD) == "EFAULT"
    assert pair.call("stat", BAD, BAD) == "EFAULT"


def test_stat_of_the_same_file_is_byte_for_byte_the_hosts(pair: Pair) -> None:
    """struct stat, struct statx and struct statfs are what the host's kernel writes, device and inode included."""
    for path in (b"/", b"/etc/passwd", b"/dev/null", b"/proc/version", b"/dev/tty"):
        room = pair.room(144)
        assert pair.call("stat", path, room) == 0
        pair.contents(room)
        room = pair.room(256)
        assert pair.call("statx", AT_FDCWD, path, 0, 0x7FF, room) == 0
        pair.contents(room, but=slice(144, 152))  # stx_mnt_id
    room = pair.room(120)
    f_flags = slice(80, 88)  # the mount's
    assert pair.call("statfs", b"/dev", room) == 0
    native = pair.contents(room, but=f_flags)
    assert struct.unpack_from("<q", native)[0] != 0
    assert pair.call("fstatfs", pair.open(b"/dev"), room) == 0
    pair.contents(room, but=f_flags)
    assert pair.call("statfs", b"/nowhere", room) == "ENOENT"


def test_directory_listings(pair: Pair) -> None:
    """The same names and types; small buffers, seeks, removed directories."""
    for name in ("b", "a", "long" * 60, "zz"):
        pair.file(name)
    pair.prepare(lambda d: (d / "dir").mkdir())
    pair.prepare(lambda d: (d / "link").symlink_to("a"))
    pair.prepare(lambda d: os.mkfifo(d / "fifo"))
    handle, plain = pair.open(b"."), pair.open(b"a")
    assert pair.call("getdents64", handle, BAD, 20) == "EINVAL"
    assert pair.call("getdents64", plain, BAD, 20) == "ENOTDIR"
    assert pair.call("getdents64", 999, BAD, 20) == "EBADF"
    assert pair.call("getdents64", handle, BAD, 2000) == "EFAULT"
    room = pair.room(4096)
    size = pair.call("getdents64", handle, room, 4096)
    assert isinstance(size, int)
    native = _entries(os.open(".", os.O_RDONLY))
    guest = [(name, kind) for name, kind, _ in _dirents(pair.task.mem.read(room.guest, size))]
    assert sorted(guest) == sorted(native)
    assert guest == sorted(guest)
    assert pair.call("getdents64", handle, room, 4096) == 0
    assert pair.call("lseek", handle, 0, 0) == 0
    assert pair.call("getdents", handle, room, 4096) == size
    pair.prepare(lambda d: (d / "gone").mkdir())
    gone = pair.open(b"gone")
    pair.prepare(lambda d: (d / "gone").rmdir())
    assert pair.call("getdents64", gone, room, 4096) == "ENOENT"


def _dirents(data: bytes) -> list[tuple[bytes, int, int]]:
    found = []
    at = 0
    while at < len(data):
        _, after, length, kind = struct.unpack_from("<QqHB", data, at)
        found.append((data[at + 19 : at + length].split(b"\0")[0], kind, after))
        at += length
    return found


def _entries(fd: int) -> list[tuple[bytes, int]]:
    with os.scandir(fd) as entries:
        found = [(os.fsencode(e.name), e.stat(follow_symlinks=False).st_mode >> 12) for e in entries]
    os.close(fd)
    return [(b".", 4), (b"..", 4), *found]


def test_listing_resumes_at_any_offset(pair: Pair) -> None:
    """Entry by entry through a small buffer gives the same list; d_off leads back to what follows."""
    for number in range(30):
        pair.file(f"f{number:02}")
    task = pair.task
    fd = task.fd(b".", f.O_DIRECTORY, 0)
    room = task.mem.alloc(4096)
    seen = []
    while size := task.call("getdents64", fd, room, 32):
        assert isinstance(size, int)
        seen += _dirents(task.mem.read(room, size))
    assert len(seen) == 32
    assert task.call("lseek", fd, seen[9][2], 0) == seen[9][2]
    size = task.call("getdents64", fd, room, 32)
    assert isinstance(size, int)
    assert _dirents(task.mem.read(room, size))[0] == seen[10]
    (pair.directories[1] / "f00").unlink()
    assert task.call("lseek", fd, 0, 0) == 0
    size = task.call("getdents64", fd, room, 4096)
    assert isinstance(size, int)
    assert len(_dirents(task.mem.read(room, size))) == 31


def test_names_are_made_and_removed(pair: Pair) -> None:
    """mkdir, rmdir, unlink, link, symlink, rename on every kind of name."""
    kinds = (
        b"file",
        b"dir",
        b"full",
        b"link",
        b"dangling",
        b"absent",
        b"file/",
        b"dir/",
        b"absent/",
        b"x/y",
        b".",
        b"",
    )

    def reset() -> None:
        for directory in pair.directories:
            for path in directory.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            (directory / "file").write_bytes(b"data")
            (directory / "dir").mkdir()
            (directory / "full").mkdir()
            (directory / "full" / "inside").write_bytes(b"")
            (directory / "link").symlink_to("file")
            (directory / "dangling").symlink_to("nowhere")

    for first in kinds:
        reset()
        pair.call("mkdir", first, 0o755)
        pair.call("symlink", b"target", first)
        pair.call("unlink", first)
        pair.call("rmdir", first)
        pair.call("unlinkat", AT_FDCWD, first, 0)
        pair.call("unlinkat", AT_FDCWD, first, f.AT_REMOVEDIR)
        pair.call("symlinkat", first, AT_FDCWD, b"to")
        pair.tree()
        for second in kinds:
            reset()
            pair.call("link", first, second)
            pair.call("linkat", AT_FDCWD, first, AT_FDCWD, second, f.AT_SYMLINK_FOLLOW)
            pair.call("renameat2", AT_FDCWD, first, AT_FDCWD, second, f.RENAME_NOREPLACE)
            pair.tree()
            pair.call("rename", first, second)
            pair.tree()
            pair.call("renameat2", AT_FDCWD, first, AT_FDCWD, second, f.RENAME_EXCHANGE)
            pair.tree()
    for flags in (8, f.RENAME_EXCHANGE | f.RENAME_NOREPLACE):
        assert pair.call("renameat2", AT_FDCWD, b"file", AT_FDCWD, b"dir", flags) == "EINVAL"
    assert pair.call("unlinkat", AT_FDCWD, b"file", 1) == "EINVAL"
    assert pair.call("linkat", AT_FDCWD, b"file", AT_FDCWD, b"new", 1) == "EINVAL"


def test_dirfd_is_where_names_start(pair: Pair) -> None:
    """The *at calls with a directory's descriptor, O_PATH or not, and with other descriptors."""
    pair.prepare(lambda d: (d / "dir").mkdir())
    pair.file("dir/file", b"1")
    for flags in (f.O_RDONLY | f.O_DIRECTORY, f.O_PATH):
        handle = pair.open(b"dir", flags)
        assert pair.call("mkdirat", handle, b"sub", 0o700) == 0
        assert pair.call("symlinkat", b"file", handle, b"sub/link") == 0
        assert pair.call("linkat", handle, b"file", handle, b"sub/hard", 0) == 0
        assert pair.call("renameat", handle, b"sub/hard", AT_FDCWD, b"moved") == 0
        assert pair.call("fchmodat", handle, b"file", 0o600) == 0
        assert pair.call("faccessat", handle, b"file", 6) == 0
        assert pair.call("readlinkat", handle, b"sub/link", pair.room(8), 3) == 3
        assert pair.call("unlinkat", handle, b"sub/link", 0) == 0
        assert pair.call("unlinkat", handle, b"sub", f.AT_REMOVEDIR) == 0
        assert pair.call("unlinkat", AT_FDCWD, b"moved", 0) == 0
        pair.tree()
    plain = pair.open(b"dir/file")
    assert pair.call("mkdirat", plain, b"x", 0) == "ENOTDIR"
    assert pair.call("mkdirat", 999, b"x", 0) == "EBADF"


def test_readlink(pair: Pair) -> None:
    """Cut, not ended; sizes of 0 and less; what is no link; the link behind an O_PATH descriptor."""
    pair.prepare(lambda d: (d / "link").symlink_to("some/target"))
    pair.file("file")
    for size in (-1, 0, 1, 5, 11, 4096):
        room = pair.room(4096)
        pair.call("readlink", b"link", room, size)
        pair.contents(room)
    for name in (b"file", b"absent", b"link/", b".", b""):
        pair.call("readlink", name, pair.room(8), 8)
    assert pair.call("readlink", b"link", BAD, 8) == "EFAULT"
    handle = pair.open(b"link", f.O_PATH | f.O_NOFOLLOW)
    assert pair.call("readlinkat", handle, b"", pair.room(16), 16) == 11
    assert pair.call("readlinkat", pair.open(b"file"), b"", pair.room(16), 16) == "ENOENT"
    assert pair.call("readlinkat", AT_FDCWD, b"", pair.room(16), 16) == "ENOENT"


def test_working_directory(pair: Pair) -> None:
    """chdir and fchdir, and getcwd's length and errors; a removed and a renamed directory."""
    pair.prepare(lambda d: (d / "dir").mkdir())
    pair.prepare(lambda d: (d / "away").mkdir())
    pair.file("file")
    for name in (b"file", b"absent", b"", b"file/"):
        pair.call("chdir", name)
    home, other = pair.open(b"."), pair.open(b"dir", f.O_PATH)
    assert pair.call("fchdir", other) == 0
    assert pair.call("mkdir", b"below", 0o755) == 0
    assert pair.call("rmdir", b"below") == 0
    room = pair.room(4096)
    assert pair.task.call("getcwd", room.guest, 4096) == len(os.fsencode(pair.directories[1])) + 5
    assert pair.call("getcwd", room, 3) == "ERANGE"
    assert pair.call("getcwd", BAD, 4096) == "EFAULT"
    pair.prepare(lambda d: (d / "dir").rename(d / "renamed"))
    assert pair.task.call("getcwd", room.guest, 4096) == len(os.fsencode(pair.directories[1])) + 9
    pair.prepare(lambda d: (d / "renamed").rmdir())
    assert pair.call("getcwd", room, 4096) == "ENOENT"
    assert pair.call("mkdir", b"x", 0o755) == "ENOENT"
    assert pair.call("fchdir", pair.make("openat", home, b"file", 0, 0)) == "ENOTDIR"
    assert pair.call("fchdir", home) == 0
    assert pair.call("fchdir", 999) == "EBADF"


def test_dup_family(pair: Pair) -> None:
    """Numbers, flags and errors; the table stays sound."""
    pair.file("file", b"abc")
    handle = pair.open(b"file", f.O_CLOEXEC)
    assert pair.call("fcntl", handle, f.F_GETFD, 0) == 1
    twin = pair.make("dup", handle)
    assert pair.call("fcntl", twin, f.F_GETFD, 0) == 0
    assert pair.call("dup", 999) == "EBADF"
    assert pair.call("dup2", 999, 5) == "EBADF"
    assert pair.call("dup2", 999, 999) == "EBADF"
    assert pair.call("dup3", handle, handle, 0) == "EINVAL"
    assert pair.call("dup3", handle, 999, 1) == "EINVAL"
    assert pair.call("dup2", handle, -1) == "EBADF"
    assert pair.call("fcntl", handle, f.F_DUPFD, 1 << 31) == "EINVAL"
    assert pair.call("fcntl", handle, 9999, 0) == "EINVAL"
    assert pair.call("close", -1) == "EBADF"
    assert pair.call("fcntl", 999, 9999, 0) == "EBADF"
    task = pair.task
    fd = handle.guest
    assert task.call("dup2", fd, fd) == fd
    assert task.call("dup2", fd, 60) == 60
    assert task.call("dup3", fd, 61, f.O_CLOEXEC) == 61
    assert task.call("fcntl", 61, f.F_GETFD, 0) == 1
    assert task.call("dup2", fd, 64) == "EBADF"
    assert task.call("fcntl", fd, f.F_DUPFD, 59) == 59
    assert task.call("fcntl", fd, f.F_DUPFD_CLOEXEC, 59) == 62
    assert task.call("fcntl", fd, f.F_DUPFD, 63) == 63
    assert task.call("fcntl", fd, f.F_DUPFD, 63) == "EMFILE"
    assert task.call("fcntl", fd, f.F_DUPFD, 64) == "EINVAL"
    assert task.call("fcntl", 62, f.F_SETFD, 0) == 0
    assert task.call("close_range", 59, 61, 0) == 0
    assert task.call("close_range", 62, -1 & 0xFFFFFFFF, f.CLOSE_RANGE_CLOEXEC) == 0
    assert task.files.cloexec == {fd, 62, 63}
    assert task.call("close_range", 2, 1, 0) == "EINVAL"
    assert task.call("close_range", 1, 2, 1) == "EINVAL"
    task.files.check_invariants()


def test_descriptors_run_out(pair: Pair) -> None:
    """RLIMIT_NOFILE: EMFILE before the file is opened, so nothing is created."""
    task = pair.task
    while isinstance(result := task.call("openat", AT_FDCWD, b".", 0, 0), int):
        assert result < 64
    assert result == "EMFILE"
    assert task.call("openat", AT_FDCWD, b"new", f.O_CREAT, 0o600) == "EMFILE"
    assert task.call("openat", AT_FDCWD, BAD, 0, 0) == "EFAULT"
    assert task.call("dup", 0) == "EMFILE"
    assert task.call("socket", 1, 1, 0) == "EMFILE"
    task.call("close", 5)
    assert task.call("pipe2", task.mem.alloc(8), 0) == "EMFILE"
    assert task.call("dup", 0) == 5
    assert not (pair.directories[1] / "new").exists()


def test_sizes(pair: Pair) -> None:
    """truncate and ftruncate, with all that can be wrong."""
    pair.file("file", b"0123456789")
    pair.prepare(lambda d: (d / "dir").mkdir())
    writable, readable, directory = pair.open(b"file", f.O_RDWR), pair.open(b"file"), pair.open(b"dir")
    null = pair.open(b"/dev/null", f.O_RDWR)
    for length in (5, 0, 100, -1, 1 << 62):
        for name in (b"file", b"dir", b"absent", b"/dev/null", b""):
            pair.call("truncate", name, length)
        for handle in (writable, readable, directory, null, 999):
            pair.call("ftruncate", handle, length)
        if length < 1000:
            pair.tree()


def test_modes_owners_times(pair: Pair) -> None:
    """chmod, chown, utimensat and their relatives, on names, links and descriptors."""
    pair.file("file")
    pair.prepare(lambda d: (d / "link").symlink_to("file"))
    pair.prepare(lambda d: (d / "dangling").symlink_to("nowhere"))
    handle, path = pair.open(b"file"), pair.open(b"file", f.O_PATH)
    uid, gid = os.geteuid(), os.getegid()
    for name in (b"file", b"link", b"dangling", b"absent", b""):
        pair.call("chmod", name, 0o10750)
        pair.call("fchmodat", AT_FDCWD, name, 0o604)
        pair.call("chown", name, uid, 0xFFFFFFFF)
        pair.call("lchown", name, 0xFFFFFFFF, gid)
        pair.call("fchownat", AT_FDCWD, name, uid, gid, f.AT_SYMLINK_NOFOLLOW)
        pair.call("fchownat", AT_FDCWD, name, uid, gid, 1)
        pair.call("utime", name, 0)
    for file in (handle, path, 999):
        pair.call("fchmod", file, 0o640)
        pair.call("fchown", file, uid, gid)
        pair.call("fchownat", file, b"", uid, gid, f.AT_EMPTY_PATH)
    pair.tree()
    now, omit = (1 << 30) - 1, (1 << 30) - 2
    times = [(1, 5), (-5, 999_999_999), (0, now), (0, omit), (5, 1_000_000_000), (5, -1)]
    for first in times:
        for second in times:
            values = pair.put(struct.pack("<qqqq", *first, *second))
            for name in (b"file", b"link", b"absent"):
                pair.call("utimensat", AT_FDCWD, name, values, f.AT_SYMLINK_NOFOLLOW)
                pair.call("utimensat", AT_FDCWD, name, values, 0)
            for file in (handle, path, 999):
                pair.call("utimensat", file, 0, values, 0)
                pair.call("utimensat", file, 0, values, f.AT_SYMLINK_NOFOLLOW)
            pair.call("utimensat", AT_FDCWD, 0, values, 0)
            pair.call("utimensat", AT_FDCWD, b"file", values, 1)
            _same_times(pair, first, second)
    pair.call("utimes", b"file", pair.put(struct.pack("<qqqq", 1, 2, 3, 999999)))
    _same_times(pair, (1, 0), (3, 0))
    assert pair.call("utimes", b"file", pair.put(struct.pack("<qqqq", 1, 2, 3, 1000000))) == "EINVAL"


def _same_times(pair: Pair, *given: tuple[int, int]) -> None:
    """Equal but for what was set to the clock."""
    for name in ("file", "link"):
        native, guest = ((d / name).lstat() for d in pair.directories)
        for (_, nanoseconds), attribute in zip(given, ("st_atime_ns", "st_mtime_ns"), strict=True):
            if nanoseconds < (1 << 30) - 2:
                times = getattr(native, attribute), getattr(guest, attribute)
                assert times[0] == times[1] or min(times) > 10**18


def test_access(pair: Pair) -> None:
    """Modes, flags, and every reason to refuse."""
    pair.file("file", b"", 0o640)
    pair.file("nothing", b"", 0)
    pair.prepare(lambda d: (d / "dangling").symlink_to("nowhere"))
    for name in (b"file", b"nothing", b"dangling", b"absent", b"file/x", b".", b""):
        for mode in (0, 1, 2, 4, 7, 8, -1):
            pair.call("access", name, mode)
            pair.call("faccessat", AT_FDCWD, name, mode)
            for flags in (0, f.AT_EACCESS, f.AT_SYMLINK_NOFOLLOW, f.AT_EMPTY_PATH, 1):
                pair.call("faccessat2", AT_FDCWD, name, mode, flags)
    for handle in (pair.open(b"file"), pair.open(b"file", f.O_PATH), 999):
        pair.call("faccessat2", handle, b"", 4, f.AT_EMPTY_PATH)
        pair.call("faccessat2", handle, b"", 1, f.AT_EMPTY_PATH)


def test_copies_between_files(pair: Pair) -> None:
    """sendfile and copy_file_range: positions, offsets, ends, and what they refuse."""
    pair.file("in", bytes(range(256)) * 600)
    source = pair.open(b"in")
    target = pair.open(b"out", f.O_CREAT | f.O_RDWR, 0o644)
    append = pair.open(b"out", f.O_WRONLY | f.O_APPEND)
    directory = pair.open(b".")
    offset = pair.put(struct.pack("<q", 100_000))
    minus = pair.put(struct.pack("<q", -5))
    assert pair.call("sendfile", target, source, 0, 1000) == 1000
    assert pair.call("sendfile", target, source, offset, 1 << 20) == 53600
    pair.contents(offset)
    assert pair.call("lseek", source, 0, 1) == 1000
    for out, into in ((append, source), (source, target), (target, append), (target, directory), (999, source)):
        pair.call("sendfile", out, into, 0, 10)
        pair.call("copy_file_range", into, 0, out, 0, 10, 0)
    pair.call("sendfile", target, source, minus, 10)
    pair.call("sendfile", target, source, BAD, 10)
    assert pair.call("copy_file_range", source, 0, target, offset, 5000, 0) == 5000
    pair.contents(offset)
    assert pair.call("copy_file_range", source, minus, target, 0, 10, 0) == "EOVERFLOW"
    assert pair.call("copy_file_range", source, minus, target, 0, 4, 0) == "EINVAL"
    assert pair.call("copy_file_range", source, 0, target, 0, 10, 1) == "EINVAL"
    assert pair.call("copy_file_range", target, 0, target, 0, 10, 0) in (0, 10, "EINVAL")
    pair.tree()


def test_hints_and_flushes(pair: Pair) -> None:
    """fsync and its relatives accept what Linux accepts."""
    pair.file("file", b"data")
    os.mkfifo(pair.directories[0] / "fifo")
    os.mkfifo(pair.directories[1] / "fifo")
    handles = (pair.open(b"file", f.O_RDWR), pair.open(b"."), pair.open(b"fifo", f.O_RDWR), 999)
    for handle in handles:
        pair.call("fsync", handle)
        pair.call("fdatasync", handle)
        for advice in (-1, 0, 2, 5, 6):
            pair.call("fadvise64", handle, 0, 0, advice)
        pair.call("fadvise64", handle, 0, -1, 0)
        for flags in (0, 2, 7, 8):
            pair.call("sync_file_range", handle, 0, 4096, flags)
        pair.call("sync_file_range", handle, -1, 4096, 0)


def test_extended_attributes(pair: Pair) -> None:
    """Values, lengths and refusals."""
    pair.file("file")

    def mark(directory: Path) -> None:
        os.setxattr(directory / "file", "user.colour", b"green")

    try:
        pair.prepare(mark)
    except OSError:
        pytest.skip("no user attributes here")
    handle = pair.open(b"file")
    room = pair.room(64)
    for size in (0, 4, 5, 64, 1 << 40):
        for name in (b"user.colour", b"user.none", b"", b"user." + b"x" * 300, b"nonsense", b"user."):
            pair.call("getxattr", b"file", name, room, size)
            pair.call("lgetxattr", b"file", name, room, size)
            pair.call("fgetxattr", handle, name, room, size)
        pair.call("listxattr", b"file", room, size)
        pair.call("flistxattr", handle, room, size)
        pair.call("llistxattr", b"absent", room, size)
    pair.contents(room)
    pair.call("getxattr", b"file", b"user.colour", BAD, 64)
    pair.call("getxattr", b"file", BAD, room, 64)


def test_ioctls(pair: Pair) -> None:
    """No terminal here: ENOTTY before a bad pointer; FIONREAD, FIOCLEX, FIONBIO on files."""
    pair.file("file", b"0123456789")
    for handle in (
        pair.open(b"file", f.O_RDWR),
        pair.open(b"."),
        pair.open(b"/dev/null"),
        pair.open(b"file", f.O_PATH),
    ):
        for request in (0x5401, 0x5402, 0x5413, 0x5414, 0x540F, 0x80045430, 0x12345678, 0x541B, 0x5460):
            pair.call("ioctl", handle, request, BAD)
            pair.call("ioctl", handle, request, pair.room(64))
        pair.call("ioctl", handle, 0x5421, BAD)
        pair.call("ioctl", handle, 0x5421, pair.put(struct.pack("<i", 1)))
        pair.call("fcntl", handle, f.F_GETFL, 0)
        pair.call("ioctl", handle, 0x5451, BAD)
        pair.call("fcntl", handle, f.F_GETFD, 0)
        pair.call("ioctl", handle, 0x5450, BAD)
        pair.call("fcntl", handle, f.F_GETFD, 0)
    assert pair.call("ioctl", 999, 0x5401, BAD) == "EBADF"


def test_locks_and_small_fcntls(pair: Pair) -> None:
    """Locks against nobody succeed; what is not a pipe has no size."""
    pair.file("file", b"0123456789")
    handle, path = pair.open(b"file", f.O_RDWR), pair.open(b"file", f.O_PATH)
    for command in (f.F_SETLK, f.F_GETLK, f.F_SETLKW, f.F_OFD_SETLK, f.F_OFD_GETLK):
        lock = pair.put(struct.pack("<hh4xqqi4x", f.F_WRLCK, 0, 2, 3, 0))
        pair.call("fcntl", handle, command, lock)
        pair.contents(lock)
        pair.call("fcntl", handle, command, BAD)
        pair.call("fcntl", path, command, lock)
    for command in (f.F_GETPIPE_SZ, f.F_GETOWN, f.F_GETSIG, f.F_GETLEASE, f.F_DUPFD, f.F_GETFL):
        if command != f.F_DUPFD:
            pair.call("fcntl", handle, command, 0)
            pair.call("fcntl", path, command, 0)
    for operation in (1, 2, 8, 2 | 4, 0, 7):
        pair.call("flock", handle, operation)
        pair.call("flock", path, operation)


def test_pipes(pair: Pair) -> None:
    """Bytes go through in order; ends, SIGPIPE, atomic writes, EAGAIN; a pipe cannot seek."""
    ends = pair.room(8)
    assert pair.call("pipe2", ends, 1) == "EINVAL"
    assert pair.call("pipe2", BAD, 0) == "EFAULT"
    assert pair.call("pipe2", ends, f.O_NONBLOCK | f.O_CLOEXEC) == 0
    from tests.syscalls.native_task import Handle  # noqa: PLC0415

    native = struct.unpack("<ii", __import__("ctypes").string_at(ends.native, 8))
    guest = struct.unpack("<ii", pair.task.mem.read(ends.guest, 8))
    reader, writer = (Handle(n, g) for n, g in zip(native, guest, strict=True))
    pair._handles += [reader, writer]
    big = pair.put(bytes(range(256)) * 400)
    room = pair.room(102400)
    for handle in (reader, writer):
        pair.call("fcntl", handle, f.F_GETFL, 0)
        pair.call("fcntl", handle, f.F_GETFD, 0)
        pair.call("fcntl", handle, f.F_GETPIPE_SZ, 0)
        pair.call("lseek", handle, 0, 0)
        pair.call("pread64", handle, room, 1, 0)
        pair.call("read", handle, room, 0)
        pair.call("write", handle, room, 0)
        pair.call("fsync", handle)
        pair.call("ftruncate", handle, 0)
        pair.call("getdents64", handle, room, 100)
        pair.call("ioctl", handle, 0x5401, room)
        pair.call("fadvise64", handle, 0, 0, 0)
        pair.call("mkdirat", handle, b"x", 0)
        pair.call("statx", handle, b"", f.AT_EMPTY_PATH, 1, pair.room(256))
    assert pair.call("read", reader, room, 10) == "EAGAIN"
    assert pair.call("write", reader, big, 10) == "EBADF"
    assert pair.call("read", writer, big, 10) == "EBADF"
    assert pair.call("write", writer, big, 102400) == 65536
    assert pair.call("write", writer, big, 1) == "EAGAIN"
    assert pair.call("read", reader, room, 100) == 100
    assert pair.call("ioctl", reader, 0x541B, pair.room(4)) == 0
    assert pair.call("read", reader, room.at(100), 102300) == 65436
    pair.contents(room)
    assert pair.call("write", writer, big, 5) == 5
    assert pair.call("close", writer) == 0
    assert pair.call("read", reader, room, 100) == 5
    assert pair.call("read", reader, room, 100) == 0
    assert pair.call("close", reader) == 0


def test_broken_pipe_sends_sigpipe(pair: Pair) -> None:
    """EPIPE comes with a signal, for pipes inside pyuk and for the host's."""
    task = pair.task
    ends = task.mem.alloc(8)
    assert task.call("pipe2", ends, 0) == 0
    reader, writer = struct.unpack("<ii", task.mem.read(ends, 8))
    task.call("close", reader)
    assert task.call("write", writer, ends, 1) == "EPIPE"
    assert task.call("writev", writer, task.mem.put(_iovec((ends, 8))), 1) == "EPIPE"
    assert task.signals == [13, 13]


def test_sockets(pair: Pair) -> None:
    """What a program learns that looks for a daemon that is not there."""
    for family, kind, protocol in (
        (1, 1, 0),
        (1, 2, 0),
        (1, 3, 0),
        (1, 5, 1),
        (1, 9, 0),
        (1, 1, 6),
        (1, 1 | 1 << 20, 0),
    ):
        pair.call("socket", family, kind, protocol)
    handle = pair.make("socket", 1, 1 | 0x80000 | 0x800, 0)
    pair.file("plain")

    def address(path: bytes) -> bytes:
        return b"\1\0" + path

    for path in (b"/nowhere/socket", b"plain", b"absent", b"\0abstract-name-nobody-has", b"plain/x", b""):
        pair.call("connect", handle, pair.put(address(path) + bytes(8)), len(address(path)) + 1)
    for length in (-1, 0, 1, 2, 111, 129):
        pair.call("connect", handle, pair.put(bytes(200)), length)
    pair.call("connect", handle, BAD, 110)
    pair.call("connect", pair.open(b"plain"), BAD, 110)
    pair.call("fcntl", handle, f.F_GETFL, 0)
    pair.call("write", handle, pair.put(b"x"), 1)
    pair.call("read", handle, pair.put(b"x"), 1)
    pair.call("lseek", handle, 0, 0)
    pair.call("fstat", handle, pair.room(144))
