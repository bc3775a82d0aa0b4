"""/proc is the guest's: by every way that leads there, and never the Python process."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import EACCES, ENOENT, ENOTDIR, SyscallError
from pyuk.fs.context import FsContext
from pyuk.fs.file import FdTable
from pyuk.fs.hostfs import HostFs
from pyuk.fs.namespace import Namespace
from pyuk.fs.pipe import new_pipe
from pyuk.fs.procfs import ProcFs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pyuk.fs.file import OpenFile

PID = 4_000_321
"""No host process has it: pid_max is 2^22."""

pytestmark = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="the host's /proc is what must not show")  # noqa: PTH112


class OneProcess:
    """What the system hands in."""

    def __init__(self) -> None:
        self.table = FdTable()
        self.windows: Mapping[bytes, Callable[[int], Any]] = {}
        self.texts: Mapping[bytes, Callable[[int], bytes]] = {
            b"maps": lambda pid: b"maps of %d\n" % pid,
            b"comm": lambda _pid: b"guest\n",
            b"auxv": lambda _pid: bytes(16),
        }
        self.links: Mapping[bytes, Callable[[int], bytes]] = {
            b"exe": lambda _pid: b"/etc/hostname",
            b"cwd": lambda _pid: b"/etc",
            b"root": lambda _pid: b"/",
        }

    def pids(self) -> list[int]:
        """One."""
        return [PID]

    def current(self) -> int:
        """The one."""
        return PID

    def fd_table(self, _pid: int) -> FdTable:
        """Its descriptors."""
        return self.table


@pytest.fixture
def process() -> Iterator[OneProcess]:
    """A process with descriptors of its own numbers."""
    one = OneProcess()
    yield one
    one.table.close_all()


@pytest.fixture
def fs(process: OneProcess, tmp_path: Path) -> Iterator[FsContext]:
    """A view with a scratch directory as its working directory."""
    namespace = Namespace()
    namespace.mount(b"/", lambda: HostFs(has_devices=True), b"host")
    namespace.mount(b"/proc", lambda: ProcFs(process), b"proc")
    context = FsContext(namespace, None, 0o022)
    context.chdir(os.path.realpath(os.fsencode(tmp_path)))
    yield context
    context.release()
    context.namespace.close()


def read(file: OpenFile) -> bytes:
    """All of a file, which is closed."""
    room = bytearray(65536)
    n = file.read([memoryview(room)])
    file.release()
    return bytes(room[:n])


WAYS = (
    b"/proc/self/comm", b"/proc/thread-self/comm", b"/proc/%d/comm" % PID, b"/proc/%d/task/%d/comm" % (PID, PID),
    b"//proc/./self//comm", b"/etc/../proc/self/comm", b"/proc/self/root/proc/self/comm", b"/proc/sys/../self/comm",
    b"/proc/self/cwd/../proc/self/task/../comm",
)  # fmt: skip


@pytest.mark.parametrize("path", WAYS)
def test_every_absolute_way_leads_to_the_guest(fs: FsContext, path: bytes) -> None:
    """Absolute paths, with dots, doubled slashes and links on the way."""
    assert read(fs.open(path)) == b"guest\n"


def test_relative_ways_lead_to_the_guest(fs: FsContext) -> None:
    """From a directory of ours and from one of the host's within /proc."""
    for start, path in ((b"/proc", b"self/comm"), (b"/proc/sys", b"../self/comm"), (b"/proc/self", b"comm"),
                        (b"/", b"proc/self/comm"), (b"/proc/self/fd", b"../comm")):  # fmt: skip
        directory = fs.open(start, f.O_DIRECTORY)
        assert read(fs.open(path, at=directory)) == b"guest\n"
        fs.fchdir(directory)
        assert fs.getcwd() == start.replace(b"self", b"%d" % PID)
        assert read(fs.open(path)) == b"guest\n"
        directory.release()


def test_links_elsewhere_lead_to_the_guest(fs: FsContext, tmp_path: Path) -> None:
    """A link with an innocent name into /proc/self is found out by where it ended."""
    (tmp_path / "innocent").symlink_to("/proc/self/comm")
    (tmp_path / "directory").symlink_to("/proc/self")
    assert read(fs.open(b"innocent")) == b"guest\n"
    assert read(fs.open(b"directory/comm")) == b"guest\n"


def test_host_processes_are_not_there(fs: FsContext) -> None:
    """No process of the host, pyuk's own least of all, and no file of it that nobody made."""
    for name in (b"self/mem", b"self/environ", b"%d" % os.getpid(), b"%d/maps" % os.getpid(), b"1/comm"):
        with pytest.raises(SyscallError) as refused:
            fs.open(b"/proc/" + name)
        assert refused.value.errno == ENOENT
        with pytest.raises(SyscallError) as refused:
            fs.stat(b"/proc/" + name)
        assert refused.value.errno == ENOENT


def test_listings_show_the_guest_only(fs: FsContext) -> None:
    """/proc has our pid and no other, the host's general files, and the links."""
    names = [entry[3] for entry in fs.open(b"/proc").entries()]
    assert [name for name in names if name.isdigit()] == [b"%d" % PID]
    assert {b".", b"..", b"self", b"thread-self", b"cpuinfo"} <= set(names)
    own = fs.open(b"/proc/self")
    assert {entry[3] for entry in own.entries()} >= {b"exe", b"fd", b"maps", b"comm", b"task", b"cwd", b"root"}
    for ino, _, kind, name in own.entries():
        if name not in (b".", b".."):
            status = fs.stat(b"/proc/self/" + name, follow=False)
            assert (status.st_ino, stat.S_IFMT(status.st_mode) >> 12) == (ino, kind)


def test_links(fs: FsContext) -> None:
    """readlink and lstat of what are links, and stat through them."""
    assert fs.readlink(b"/proc/self") == b"%d" % PID
    assert fs.readlink(b"/proc/thread-self") == b"%d/task/%d" % (PID, PID)
    assert fs.readlink(b"/proc/self/exe") == b"/etc/hostname"
    assert fs.stat(b"/proc/self/exe").st_ino == os.stat("/etc/hostname").st_ino  # noqa: PTH116
    assert stat.S_ISLNK(fs.stat(b"/proc/self/exe", follow=False).st_mode)
    assert stat.S_ISDIR(fs.stat(b"/proc/self").st_mode)
    with pytest.raises(SyscallError) as refused:
        fs.open(b"/proc/self/comm/x")
    assert refused.value.errno == ENOTDIR
    with pytest.raises(SyscallError) as refused:
        fs.open(b"/proc/self/comm", f.O_WRONLY)
    assert refused.value.errno == EACCES


def test_descriptors_are_the_guests_numbers(fs: FsContext, process: OneProcess, tmp_path: Path) -> None:
    """/proc/self/fd and /dev/fd: guest numbers, opened anew with an offset and rights of their own."""
    (tmp_path / "file").write_bytes(b"0123456789")
    fd = process.table.install(fs.open(b"file"), lowest=7)
    reader, writer = new_pipe(0)
    process.table.install(reader, lowest=20)
    process.table.install(writer, lowest=20)
    assert [entry[3] for entry in fs.open(b"/proc/self/fd").entries()] == [b".", b"..", b"7", b"20", b"21"]
    assert fs.readlink(b"/proc/self/fd/7") == os.fsencode(tmp_path / "file")
    assert fs.readlink(b"/dev/fd/20").startswith(b"pipe:[")
    process.table.get(fd).read([memoryview(bytearray(4))])
    again = fs.open(b"/dev/fd/7", f.O_RDWR)
    assert read(again) == b"0123456789"
    assert fs.stat(b"/proc/self/fd/7").st_size == 10
    assert stat.S_IMODE(fs.stat(b"/proc/self/fd/21", follow=False).st_mode) == 0o300
    other_writer = fs.open(b"/proc/self/fd/21", f.O_WRONLY)
    process.table.close(21)
    assert other_writer.write([memoryview(b"x")]) == 1
    other_writer.release()
    assert read(fs.open(b"/proc/self/fd/20")) == b"x"
    for absent in (b"0", b"007", b"x", b"99"):
        with pytest.raises(SyscallError) as refused:
            fs.open(b"/proc/self/fd/" + absent)
        assert refused.value.errno == ENOENT


def test_loops_end(fs: FsContext, tmp_path: Path) -> None:
    """A loop on the way to /proc is ELOOP like any other."""
    (tmp_path / "proc").symlink_to("proc")
    for path in (b"proc", b"proc/self"):
        with pytest.raises(SyscallError) as refused:
            fs.stat(path)
        with pytest.raises(OSError, match="symbolic links") as native:
            os.stat(os.fsencode(tmp_path) + b"/" + path)  # noqa: PTH116
        assert refused.value.errno == native.value.errno
