"""openat2(2) and chroot(2), on the host and in pyuk."""

from __future__ import annotations

import os
import struct
from itertools import product
from typing import TYPE_CHECKING

import pytest

from pyuk.abi import fcntl as f
from pyuk.abi.errno import ENOTDIR, SyscallError
from pyuk.fs import openat2
from tests.fs.views import Makers, plain
from tests.syscalls.native_task import AT_FDCWD, BAD, Handle, Pair, native_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [native_only, pytest.mark.skipif(not openat2.is_available(), reason="the host has no openat2(2)")]

RESOLVE = (0, f.RESOLVE_NO_SYMLINKS, f.RESOLVE_BENEATH, f.RESOLVE_IN_ROOT, f.RESOLVE_NO_MAGICLINKS, f.RESOLVE_NO_XDEV)
PATHS = (
    b"file", b"sub", b"sub/file", b"link", b"sub/up", b"up/file", b"loop", b"absent", b"absent/x", b"..", b"sub/..",
    b"sub/../..", b"../here/file", b"abs", b"/", b"/sub/file", b"sub/root", b"sub/top/file", b"file/x", b".", b"sub/.",
    b"link/", b"sub/../../sub/file", b"dirlink/file", b"dirlink/../file",
)  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Both sides with the same tree."""
    both = Pair(tmp_path)
    both.prepare(lambda directory: (directory / "sub").mkdir())
    for filename in ("file", "sub/file"):
        both.file(filename, b"text")
    links = {"link": "file", "loop": "loop", "sub/up": "../file", "up": "..", "sub/root": "/sub", "sub/top": "/",
             "dirlink": "sub"}  # fmt: skip
    for name, target in links.items():
        both.prepare(lambda directory, name=name, target=target: (directory / name).symlink_to(target))  # type: ignore[misc]
    both.prepare(lambda directory: (directory / "abs").symlink_to(directory / "file"))
    yield both
    both.close()


def ask(
    pair: Pair, start: Handle | int, path: bytes, flags: int, mode: int = 0, resolve: int = 0, *, more: bytes = b"",
    size: int | None = None,
) -> int | str:  # fmt: skip
    """Open on both sides, and close again what was opened."""
    how = pair.put(struct.pack("<QQQ", flags, mode, resolve) + more)
    result = pair.call("openat2", start, path, how, 24 + len(more) if size is None else size)
    if result == 0:
        pair.call("close", pair.last)
    return result


@pytest.mark.parametrize("resolve", RESOLVE)
def test_paths(pair: Pair, resolve: int) -> None:
    """What each restriction lets through, from the working directory and from a descriptor."""
    top, sub = pair.open(b".", f.O_DIRECTORY), pair.open(b"sub", f.O_DIRECTORY)
    for path, flags in product(PATHS, (f.O_RDONLY, f.O_PATH | f.O_NOFOLLOW, f.O_RDONLY | f.O_DIRECTORY)):
        if path == b"/" and not resolve:
            continue
        for start in (AT_FDCWD, top, sub):
            ask(pair, start, path, flags, resolve=resolve)


def test_arguments(pair: Pair) -> None:
    """Nothing is ignored: unknown flags and bits, modes without a use, sizes."""
    cases = (
        (f.O_RDONLY, 0o644, 0), (1 << 40, 0, 0), (0x20000000, 0, 0), (f.O_RDONLY, 0, 0x40), (f.O_RDONLY, 0, 0x18),
        (f.O_CREAT | f.O_RDWR, 0o10644, 0), (f.O_CREAT | f.O_RDWR, 1 << 33, 0), (f.O_PATH | f.O_RDWR, 0, 0),
        (f.O_PATH | f.O_CLOEXEC | f.O_DIRECTORY, 0, 0), (f.O_TMPFILE, 0o600, 0), (f.O_TMPFILE | f.O_RDWR, 0o600, 0),
        (f.O_CREAT | f.O_RDWR, 0o600, f.RESOLVE_CACHED), (f.O_TRUNC | f.O_RDWR, 0, f.RESOLVE_CACHED),
        (f.O_CREAT | f.O_WRONLY, 0o600, f.RESOLVE_BENEATH), (f.O_CREAT | f.O_EXCL, 0o600, f.RESOLVE_IN_ROOT),
    )  # fmt: skip
    for flags, mode, resolve in cases:
        for path in (b"file", b"new", b"."):
            ask(pair, AT_FDCWD, path, flags, mode, resolve)
    for more, size in ((b"", 0), (b"", 23), (bytes(8), 32), (b"\1", 25), (bytes(5000), 5024)):
        ask(pair, AT_FDCWD, b"file", f.O_RDONLY, more=more, size=size)
    assert pair.call("openat2", AT_FDCWD, b"file", BAD, 24) == "EFAULT"
    assert ask(pair, 999, b"/file", 0, resolve=f.RESOLVE_IN_ROOT) == "EBADF"
    pair.tree()


def test_chroot(tmp_path: Path) -> None:
    """Paths begin and end at the new root; a directory left open outside is still a way out."""
    (tmp_path / "jail" / "sub").mkdir(parents=True)
    (tmp_path / "jail" / "file").write_text("in")
    (tmp_path / "jail" / "link").symlink_to("/file")
    (tmp_path / "file").write_text("out!")
    fs = plain(os.fsencode(tmp_path), Makers())
    above = fs.open(b".", f.O_DIRECTORY)
    with pytest.raises(SyscallError) as refused:
        fs.chroot(b"jail/file")
    assert refused.value.errno == ENOTDIR
    fs.chroot(b"jail")
    assert fs.getcwd() == b"(unreachable)" + os.fsencode(tmp_path.resolve())
    assert fs.stat(b"file").st_size == 4
    fs.chdir(b"/sub")
    assert fs.getcwd() == b"/sub"
    for path in (b"/file", b"../file", b"../../../file", b"/../file", b"/link", b"../link", b"/sub/../../file"):
        assert fs.stat(path).st_size == 2
    child = fs.copy()
    child.fchdir(above)
    assert child.stat(b"file").st_size == 4
    assert child.stat(b"../" + os.fsencode(tmp_path.name) + b"/file").st_size == 4
    assert child.stat(b"jail/link").st_size == 2
    child.chdir(b"jail")
    assert child.getcwd() == b"/"
    assert child.stat(b"../file").st_size == 2
    child.chroot(b"/sub")
    assert child.getcwd() == b"(unreachable)" + os.fsencode(tmp_path.resolve() / "jail")
    above.release()
    child.release()
    fs.release()
    fs.namespace.close()
