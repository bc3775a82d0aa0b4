"""Nothing leads out of what is mounted: links, `..`, descriptors, renames, and others who change the tree meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import EACCES, ELOOP, ENOENT, ENOTDIR, EXDEV, SyscallError
from pyuk.fs import hostcalls, openat2
from pyuk.fs.context import FsContext
from pyuk.fs.view import BIND, TMPFS, MountSpec, View
from tests.fs.views import Makers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the ways are Linux's")
N_TRIES = 400


@pytest.fixture(params=["openat2", "components"])
def makers(request: pytest.FixtureRequest) -> Makers:
    """Each of the two ways in which host directories are confined."""
    if request.param == "openat2" and not openat2.is_available():
        pytest.skip("the host has no openat2(2)")
    return Makers(opens_beneath=request.param == "openat2")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A directory for the guest, `jail`, beside one that it must not reach, `outside`."""
    root = Path(os.path.realpath(tmp_path))
    for name, text in (("jail", "inside"), ("outside", "outside")):
        (root / name / "d").mkdir(parents=True)
        (root / name / "d" / "secret").write_text(text)
        (root / name / "secret").write_text(text)
    return root


@pytest.fixture
def fs(makers: Makers, tree: Path) -> Iterator[FsContext]:
    """The guest's view: `jail` is its whole tree."""
    context = FsContext(View(makers, [MountSpec(BIND, b"/", bytes(tree / "jail"))]).namespace, None, 0o022)
    yield context
    context.release()
    context.namespace.close()


def read(fs: FsContext, path: bytes) -> bytes:
    """What a guest reads there."""
    file = fs.open(path)
    room = bytearray(100)
    try:
        return bytes(room[: file.read([memoryview(room)])])
    finally:
        file.release()


def snapshot(directory: Path) -> dict[str, tuple[object, ...]]:
    """All that a guest could change."""
    found: dict[str, tuple[object, ...]] = {}
    for path in [directory, *sorted(directory.rglob("*"))]:
        status = path.lstat()
        data = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        times = status.st_mtime_ns, status.st_ctime_ns
        found[str(path)] = status.st_mode, status.st_nlink, status.st_uid, status.st_gid, status.st_size, times, data
    return found


Attempt = Callable[[FsContext, bytes], object]
ATTEMPTS: dict[str, Attempt] = {
    "open": read,
    "open to write": lambda fs, path: fs.open(path, f.O_WRONLY | f.O_CREAT | f.O_TRUNC, 0o600).release(),
    "open a path": lambda fs, path: fs.open(path, f.O_PATH).release(),
    "tmpfile": lambda fs, path: fs.open(path, f.O_TMPFILE | f.O_RDWR, 0o600).release(),
    "access": lambda fs, path: fs.access(path, 6),
    "statfs": lambda fs, path: fs.find(path).statfs(),
    "statx": lambda fs, path: fs.find(path).statx(0, 0x7FF),
    "truncate": lambda fs, path: fs.find(path).truncate(0),
    "chmod": lambda fs, path: fs.find(path).chmod(0o777),
    "chown": lambda fs, path: fs.find(path).chown(os.getuid(), os.getgid()),
    "lchown": lambda fs, path: fs.find(path, follow=False).chown(os.getuid(), os.getgid()),
    "utime": lambda fs, path: fs.find(path).utime((1, 1)),
    "listxattr": lambda fs, path: fs.find(path).listxattr(),
    "mkdir": lambda fs, path: fs.find(path + b"/new", follow=False).mkdir(0o755, 0),
    "mknod": lambda fs, path: fs.find(path + b"/fifo", follow=False).mknod(0o10600, (0, 0), 0),
    "symlink": lambda fs, path: fs.find(path + b"/link", follow=False).symlink(b"x"),
    "link": lambda fs, path: fs.find(path).link(fs.find(b"stolen", follow=False)),
    "link into": lambda fs, path: fs.find(b"secret").link(fs.find(path + b"/put", follow=False)),
    "rename": lambda fs, path: fs.find(path, follow=False).rename(fs.find(b"moved", follow=False), 0),
    "rename into": lambda fs, path: fs.find(b"moved", follow=False).rename(fs.find(path + b"/in", follow=False), 0),
    "unlink": lambda fs, path: fs.find(path, follow=False).unlink(),
    "rmdir": lambda fs, path: fs.find(path, follow=False).rmdir(),
    "chdir": lambda fs, path: fs.chdir(path),
}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_path_leads_out(fs: FsContext, tree: Path, attempt: str) -> None:
    """Links of all kinds, chains of `..`, and paths that the host would understand."""
    jail, outside = tree / "jail", tree / "outside"
    links = {
        "absolute": str(outside / "secret"), "up": "../../outside/secret", "directory": str(outside), "above": "..",
        "far": "../" * 30 + str(outside)[1:], "self": "self", "twice": "directory/d", "over": "above/outside",
        "proc": f"/proc/{os.getpid()}/root{outside}", "fd": "/proc/self/fd/0",
    }  # fmt: skip
    for name, target in links.items():
        (jail / name).symlink_to(target)
    before = snapshot(outside)
    paths = [os.fsencode(name) for name in links]
    paths += [
        b"../outside/secret",
        b"/../../../.." + bytes(outside),
        bytes(outside),
        b"d/../../outside",
        b"d/../above/..",
    ]
    paths += [path + b"/secret" for path in (b"directory", b"above/outside", b"twice", b"over", b"far", b"proc")]
    for path in paths:
        try:
            result = ATTEMPTS[attempt](fs, path)
        except SyscallError:
            continue
        assert result != b"outside", path
    assert snapshot(outside) == before
    assert not (jail / "stolen").exists() or (jail / "stolen").read_text() != "outside"


def test_links_are_resolved_in_the_guests_tree(fs: FsContext, tree: Path) -> None:
    """An absolute link begins at the guest's root, `..` ends there, and a loop is ELOOP."""
    (tree / "jail" / "absolute").symlink_to("/d/secret")
    (tree / "jail" / "up").symlink_to("../../../secret")
    (tree / "jail" / "loop").symlink_to("loop")
    assert read(fs, b"absolute") == read(fs, b"up") == read(fs, b"/../../d/../secret") == b"inside"
    with pytest.raises(SyscallError) as refused:
        read(fs, b"loop/x")
    assert refused.value.errno == ELOOP


def swapper(first: Path, second: Path) -> subprocess.Popen[bytes]:
    """A program of the host's that exchanges two names as fast as it can."""
    code = (
        "import ctypes, sys\n"
        "call = ctypes.CDLL(None).renameat2\n"
        "first, second = (name.encode() for name in sys.argv[1:])\n"
        "print(call(-100, first, -100, second, 2), flush=True)\n"
        "while call(-100, first, -100, second, 2) == 0: pass\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, first, second], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"0\n"
    return child


def end(child: subprocess.Popen[bytes]) -> None:
    """It still runs: nothing has disturbed it."""
    assert child.poll() is None
    child.kill()
    child.wait()
    assert child.stdout is not None
    child.stdout.close()


@pytest.mark.skipif(not hostcalls.has("renameat2"), reason="names cannot be exchanged at once here")
@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_directory_that_is_swapped_for_a_link(fs: FsContext, tree: Path, kind: str) -> None:
    """While a program of the host's swaps them, a path through either ends inside or nowhere, whatever is done."""
    jail, outside = tree / "jail", tree / "outside"
    (jail / "lead").symlink_to(outside / "d" if kind == "absolute" else "../outside/d")
    (jail / "sub").mkdir()
    (jail / "sub" / "secret").write_text("inside")
    before = snapshot(outside)
    child = swapper(jail / "lead", jail / "sub")
    seen: set[object] = set()
    n_tries, give_up_at = 0, time.monotonic() + 50
    while n_tries < N_TRIES or (not {b"", b"inside"} & seen and time.monotonic() < give_up_at):  # until both were met
        n_tries += 1
        for path in (b"sub/secret", b"/sub/secret", b"d/../sub/secret"):
            try:
                seen.add(read(fs, path))
            except SyscallError as error:
                seen.add(error.errno)
        for attempt in ("chmod", "utime", "access", "statx", "chown", "truncate"):
            try:
                ATTEMPTS[attempt](fs, b"sub/secret")
            except SyscallError as error:
                seen.add(error.errno)
        for make, undo in (("mkdir", "rmdir"), ("symlink", "unlink"), ("mknod", "unlink")):
            name = {"mkdir": b"/new", "symlink": b"/link", "mknod": b"/fifo"}[make]
            try:
                ATTEMPTS[make](fs, b"sub")
                ATTEMPTS[undo](fs, b"sub" + name)
            except SyscallError as error:
                seen.add(error.errno)
    end(child)
    assert snapshot(outside) == before
    assert seen <= {b"inside", b"", ENOENT, ENOTDIR, errno.EEXIST}
    assert {b"", b"inside"} & seen


def test_a_working_directory_that_is_moved_out(makers: Makers, tree: Path) -> None:
    """What is open stays open, as natively; but `..` of it is ENOENT, and it has no path."""
    jail, outside = tree / "jail", tree / "outside"
    view = View(makers, [MountSpec(TMPFS, b"/"), MountSpec(BIND, b"/jail", bytes(jail))])
    fs = FsContext(view.namespace, None, 0)
    fs.chdir(b"/jail/d")
    assert fs.getcwd() == b"/jail/d"
    (jail / "d").rename(outside / "moved")
    assert read(fs, b"secret") == b"inside"
    for path in (b"../secret", b"..", b"../../outside/secret"):
        with pytest.raises(SyscallError) as refused:
            fs.stat(path)
        assert refused.value.errno == ENOENT
    assert fs.getcwd().startswith(b"(unreachable)")
    (outside / "moved").rename(jail / "back")
    assert fs.getcwd() == b"/jail/back"
    assert read(fs, b"../secret") == b"inside"
    fs.release()
    fs.namespace.close()


def test_devices_of_the_host_are_not_opened(fs: FsContext, tree: Path) -> None:
    """As on a mount with nodev: EACCES. They can be looked at."""
    try:
        os.mknod(tree / "jail" / "zero", 0o20666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes device nodes")
    for flags in (f.O_RDONLY, f.O_RDWR, f.O_WRONLY | f.O_TRUNC):
        with pytest.raises(SyscallError) as refused:
            fs.open(b"zero", flags)
        assert refused.value.errno == EACCES
    assert stat.S_ISCHR(fs.stat(b"zero").st_mode)
    fs.open(b"zero", f.O_PATH).release()


def test_the_hosts_proc_is_not_opened(makers: Makers) -> None:
    """Wherever it is mounted: its processes are pyuk and its neighbours."""
    view = View(makers, [MountSpec(TMPFS, b"/"), MountSpec(BIND, b"/p", b"/proc"), MountSpec(BIND, b"/all", b"/")])
    fs = FsContext(view.namespace, None, 0)
    for path in (b"/p/self/environ", b"/all/proc/self/mem", b"/p/version", b"/all/proc/%d/root/etc" % os.getpid()):
        with pytest.raises(SyscallError) as refused:
            fs.open(path)
        assert refused.value.errno in (EACCES, ELOOP, ENOENT)
    fs.release()
    fs.namespace.close()


def test_nothing_goes_from_mount_to_mount(makers: Makers, tree: Path) -> None:
    """rename and link between two mounts are EXDEV, also of one directory and its own twice."""
    jail = bytes(tree / "jail")
    specs = [MountSpec(TMPFS, b"/"), MountSpec(BIND, b"/one", jail), MountSpec(BIND, b"/two", jail)]
    fs = FsContext(View(makers, specs).namespace, None, 0)
    for call in ("rename", "link"):
        for path, new in ((b"/one/secret", b"/two/new"), (b"/one/secret", b"/new")):
            old, to = fs.find(path, follow=False), fs.find(new, follow=False)
            with pytest.raises(SyscallError) as refused:
                old.rename(to, 0) if call == "rename" else old.link(to)
            assert refused.value.errno == EXDEV
    fs.release()
    fs.namespace.close()
