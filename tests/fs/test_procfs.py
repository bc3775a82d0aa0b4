"""/proc is the guest's: by every way that leads there, and never the Python process."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENODEV, ENOENT, ENOTDIR, EPERM, SyscallError
from pyuk.fs.pipe import new_pipe
from pyuk.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyuk.fs.context import FsContext
    from pyuk.fs.file import OpenFile
    from pyuk.kernel.task import Task

PID = 1000
"""The first process of a kernel, which is a copy of /bin/true with another name."""
NAME = b"a guest"

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the host's /proc is what must not show")  # noqa: PTH112


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Task]:
    """A process that is about to begin, in a scratch directory."""
    program = tmp_path / NAME.decode()
    shutil.copy("/bin/true", program)
    system = System(memory_bytes=256 << 20)
    begun = system.start(
        os.fsencode(program),
        [b"first", b"second argument"],
        [b"A=B"],
        directory=os.path.realpath(os.fsencode(tmp_path)),
    )
    yield begun
    system.kernel.end_all()
    system.close()


@pytest.fixture
def fs(task: Task) -> FsContext:
    """Its view."""
    return task.fs


def read(file: OpenFile, n_bytes: int = 1 << 20) -> bytes:
    """All of a file, in reads of so many bytes; it is closed."""
    room = bytearray(n_bytes)
    found = b""
    while n := file.read([memoryview(room)]):
        found += room[:n]
    file.release()
    return found


def errno_of(call: object, *args: object, **more: object) -> int:
    """What a call raises; 0 for nothing."""
    try:
        call(*args, **more)  # type: ignore[operator]
    except SyscallError as error:
        return error.errno
    return 0


WAYS = (
    b"/proc/self/comm", b"/proc/thread-self/comm", b"/proc/%d/comm" % PID, b"/proc/%d/task/%d/comm" % (PID, PID),
    b"//proc/./self//comm", b"/etc/../proc/self/comm", b"/proc/self/root/proc/self/comm", b"/proc/sys/../self/comm",
    b"/proc/self/cwd/../../../../../../../../proc/self/task/../comm",
)  # fmt: skip


@pytest.mark.parametrize("path", WAYS)
def test_every_absolute_way_leads_to_the_guest(fs: FsContext, path: bytes) -> None:
    """Absolute paths, with dots, doubled slashes and links on the way."""
    assert read(fs.open(path)) == NAME + b"\n"


def test_relative_ways_lead_to_the_guest(fs: FsContext) -> None:
    """From a directory of /proc, and from others."""
    for start, path in ((b"/proc", b"self/comm"), (b"/proc/sys", b"../self/comm"), (b"/proc/self", b"comm"),
                        (b"/", b"proc/self/comm"), (b"/proc/self/fd", b"../comm")):  # fmt: skip
        directory = fs.open(start, f.O_DIRECTORY)
        assert read(fs.open(path, at=directory)) == NAME + b"\n"
        fs.fchdir(directory)
        assert fs.getcwd() == start.replace(b"self", b"%d" % PID)
        assert read(fs.open(path)) == NAME + b"\n"
        directory.release()


def test_links_elsewhere_lead_to_the_guest(fs: FsContext, tmp_path: Path) -> None:
    """A link with an innocent name into /proc."""
    (tmp_path / "innocent").symlink_to("/proc/self/comm")
    (tmp_path / "directory").symlink_to("/proc/self")
    assert read(fs.open(b"innocent")) == NAME + b"\n"
    assert read(fs.open(b"directory/comm")) == NAME + b"\n"


def test_host_processes_are_not_there(fs: FsContext) -> None:
    """No process of the host, pyuk's own least of all."""
    for name in (b"%d" % os.getpid(), b"%d/maps" % os.getpid(), b"1/comm", b"01000", b"1000x", b"+1000", b""):
        if name:
            assert errno_of(fs.open, b"/proc/" + name) == ENOENT
            assert errno_of(fs.stat, b"/proc/" + name) == ENOENT


def test_listings_show_the_guest_only(fs: FsContext) -> None:
    """/proc has our pid and no other; every name in a listing is found, with the inode number and type listed."""
    names = [entry[3] for entry in fs.open(b"/proc").entries()]
    assert [name for name in names if name.isdigit()] == [b"%d" % PID]
    assert {b".", b"..", b"self", b"thread-self", b"cpuinfo"} <= set(names)
    assert names.index(b"thread-self") == names.index(b"self") + 1 < names.index(b"%d" % PID)
    directories, seen = [b"/proc"], set()
    while directories:
        path = directories.pop()
        for ino, offset, kind, name in fs.open(path).entries():
            if name in (b".", b".."):
                continue
            status = fs.stat(path + b"/" + name, follow=False)
            assert (status.st_ino, stat.S_IFMT(status.st_mode) >> 12) == (ino, kind), (path, name)
            assert ino not in seen, (path, name)
            assert offset > 0
            seen.add(ino)
            if stat.S_ISDIR(status.st_mode):
                directories.append(path + b"/" + name)
    assert len(seen) > 300  # all settings, and all of a process


def test_links(fs: FsContext, tmp_path: Path) -> None:
    """readlink and lstat of what are links, stat and open through them."""
    assert fs.readlink(b"/proc/self") == b"%d" % PID
    assert fs.readlink(b"/proc/thread-self") == b"%d/task/%d" % (PID, PID)
    program = os.path.realpath(os.fsencode(tmp_path)) + b"/" + NAME
    assert fs.readlink(b"/proc/self/exe") == program
    assert fs.stat(b"/proc/self/exe").st_ino == os.stat(program).st_ino  # noqa: PTH116
    os.unlink(program)  # noqa: PTH108
    assert fs.readlink(b"/proc/self/exe") == program + b" (deleted)"
    assert read(fs.open(b"/proc/self/exe"))[:4] == b"\x7fELF"
    assert stat.S_ISLNK(fs.stat(b"/proc/self/exe", follow=False).st_mode)
    assert stat.S_ISDIR(fs.stat(b"/proc/self").st_mode)
    assert errno_of(fs.open, b"/proc/self/exe", f.O_NOFOLLOW) == ELOOP
    assert fs.open(b"/proc/self/exe", f.O_NOFOLLOW | f.O_PATH).readlink() == program + b" (deleted)"
    assert fs.readlink(b"/proc/self/ns/uts").startswith(b"uts:[")
    assert fs.stat(b"/proc/self/ns/uts").st_ino == int(fs.readlink(b"/proc/self/ns/uts")[5:-1])
    assert errno_of(fs.readlink, b"/proc/self/comm") == EINVAL


def test_descriptors_are_the_guests_numbers(fs: FsContext, task: Task, tmp_path: Path) -> None:
    """/proc/self/fd: guest numbers, opened anew with an offset and rights of their own."""
    (tmp_path / "file").write_bytes(b"0123456789")
    table = task.files
    table.close_all()
    fd = table.install(fs.open(b"file"), lowest=7)
    reader, writer = new_pipe(0)
    table.install(reader, lowest=20)
    table.install(writer, lowest=20)
    assert [entry[3] for entry in fs.open(b"/proc/self/fd").entries()] == [b".", b"..", b"7", b"20", b"21"]
    assert fs.readlink(b"/proc/self/fd/7") == os.path.realpath(os.fsencode(tmp_path)) + b"/file"
    assert fs.readlink(b"/proc/self/fd/20").startswith(b"pipe:[")
    table.get(fd).read([memoryview(bytearray(4))])
    assert read(fs.open(b"/proc/self/fdinfo/7")).startswith(b"pos:\t4\nflags:\t0100000\nmnt_id:\t")
    again = fs.open(b"/proc/self/fd/7", f.O_RDWR)
    assert read(again) == b"0123456789"
    assert fs.stat(b"/proc/self/fd/7").st_size == 10
    assert stat.S_IMODE(fs.stat(b"/proc/self/fd/21", follow=False).st_mode) == 0o300
    other_writer = fs.open(b"/proc/self/fd/21", f.O_WRONLY)
    table.close(21)
    assert other_writer.write([memoryview(b"x")]) == 1
    other_writer.release()
    assert read(fs.open(b"/proc/self/fd/20")) == b"x"
    for absent in (b"0", b"007", b"x", b"99", b"99999999999999999999"):
        assert errno_of(fs.open, b"/proc/self/fd/" + absent) == ENOENT


def test_loops_end(fs: FsContext, tmp_path: Path) -> None:
    """A loop on the way to /proc is ELOOP like any other."""
    (tmp_path / "proc").symlink_to("proc")
    for path in (b"proc", b"proc/self"):
        with pytest.raises(OSError, match="symbolic links") as native:
            os.stat(os.fsencode(tmp_path) + b"/" + path)  # noqa: PTH116
        assert errno_of(fs.stat, path) == native.value.errno


def test_nothing_can_be_made_or_removed(fs: FsContext, task: Task) -> None:
    """The errors of a file system that has no such operations, natively taken."""
    task.creds.effective = task.creds.permitted = (1 << 41) - 1
    place = fs.find
    assert errno_of(fs.open, b"/proc/new", f.O_CREAT | f.O_WRONLY, 0o600) == ENOENT
    assert errno_of(fs.open, b"/proc/version", f.O_CREAT | f.O_EXCL, 0o600) == EEXIST
    assert errno_of(fs.open, b"/proc/self/comm/x") == ENOTDIR
    assert errno_of(fs.open, b"/proc/self", f.O_WRONLY) == EISDIR
    assert errno_of(fs.open, b"/proc/version", f.O_DIRECTORY) == ENOTDIR
    assert errno_of(place(b"/proc/new", follow=False).mkdir, 0o700, 0) == ENOENT
    assert errno_of(place(b"/proc/sys", follow=False).mkdir, 0o700, 0) == EEXIST
    assert errno_of(place(b"/proc/version", follow=False).unlink) == EPERM
    assert errno_of(place(b"/proc/self/task", follow=False).rmdir) == EPERM
    assert errno_of(place(b"/proc/version", follow=False).rename, place(b"/proc/new", follow=False), 0) == ENOENT
    assert errno_of(fs.open(b"/proc/self/maps").backing) == ENODEV


def test_modes_and_owners_are_looked_at(fs: FsContext, task: Task) -> None:
    """An ordinary user may not write what is root's, nor read what is private to another."""
    task.creds.set_uids(1234, 1234, 1234)
    task.creds.set_gids(1234, 1234, 1234)
    assert fs.stat(b"/proc/self/comm").st_uid == 1234
    for path in (b"/proc/version", b"/proc/sys/kernel/hostname", b"/proc/sys/vm/swappiness", b"/proc/self/status"):
        assert errno_of(fs.open, path, f.O_WRONLY) == EACCES
        assert errno_of(fs.access, path, os.W_OK) == EACCES
        assert errno_of(fs.access, path, os.R_OK) == 0
    fs.open(b"/proc/self/environ").release()
    task.process.dumpable = 0
    assert fs.stat(b"/proc/self/comm").st_uid == 0
    assert fs.stat(b"/proc/self").st_uid == 1234
    assert errno_of(fs.open, b"/proc/self/environ") == EACCES
    assert [entry[3] for entry in fs.open(b"/proc/self/fd").entries()]  # its own it may always list


def test_small_reads_make_the_same_text(fs: FsContext) -> None:
    """Reads of any size put together are what one large read gives."""
    for name in (b"maps", b"smaps", b"limits", b"cmdline", b"environ", b"auxv", b"mountinfo"):
        whole = read(fs.open(b"/proc/self/" + name))
        assert whole
        for n_bytes in (1, 7, 100, 4095, 4096, 5000):
            assert read(fs.open(b"/proc/self/" + name), n_bytes) == whole, (name, n_bytes)
        file = fs.open(b"/proc/self/" + name)
        for offset in (len(whole) // 2, 3, len(whole) - 1, len(whole), len(whole) + 9, 0):
            room = bytearray(50)
            n = file.pread([memoryview(room)], offset)
            assert room[:n] == whole[offset : offset + n], (name, offset)
            assert bool(n) == (offset < len(whole))
        file.release()


def test_arguments_are_those_of_memory_now(fs: FsContext, task: Task) -> None:
    """cmdline is what stands there; without its last NUL it goes on as setproctitle(3) wants it."""
    assert read(fs.open(b"/proc/self/cmdline")) == b"first\0second argument\0"
    start, end = task.mm.arg_range
    task.mem.write(start, b"FIRST")
    assert read(fs.open(b"/proc/self/cmdline")) == b"FIRST\0second argument\0"
    task.mem.write(start, b"a title as long as it is\0"[: end - start + 3])
    assert read(fs.open(b"/proc/self/cmdline")) == b"a title as long as it is\0"[: end - start + 3]
