"""Random sequences of calls on names: natively in one directory and in pyuk in another, with the same results.

The guest's directory is reached in several ways: in the host's tree as it is, with openat2(2) and without, and as a
mount of its own over memory, so that every path crosses mounts.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.abi import fcntl as f
from pyuk.abi.stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG, S_IFSOCK
from pyuk.fs import openat2
from tests.fs.views import Makers, bound_over_memory, plain
from tests.syscalls.native_task import AT_FDCWD, BAD, Handle, Pair, native_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.context import FsContext

pytestmark = native_only

SCRATCH = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # a disk would have to be waited for
WAYS: dict[str, Callable[[bytes], FsContext]] = {
    "openat2": lambda directory: plain(directory, Makers(opens_beneath=True)),
    "components": lambda directory: plain(directory, Makers(opens_beneath=False)),
    "mounted": lambda directory: bound_over_memory(directory, Makers()),
}
NAMES = st.sampled_from(
    [
        *[b"a", b"b", b"d", b"d/a", b"d/b", b"d/e", b"l", b"l/a", b"f", b"abs/a", b"up/b"] * 2,
        *[
            b"d/../a",
            b"./b",
            b"a/",
            b"d/",
            b"d/.",
            b"d/..",
            b"l/",
            b"l/.",
            b"l/../b",
            b"x/y",
            b".",
            b"..",
            b"./",
            b"d//a",
        ],
        *[
            b"loop",
            b"loop/",
            b"loop/a",
            b"dangling",
            b"dangling/",
            b"f/",
            b"f/.",
            b"f/..",
            b"s" * 256,
            b"d/" + b"s" * 256,
        ],
        *[b"slash", b"slash/a", b"dot", b"dot/a", b"dotdot", b"dotdot/a", b"../here/a", b"abs/../b", b"d/e/../../a"],
        *[b"fifo", b"fifo/x", b"chain9", b"chain9/a", b"up/../here/d/a"],
    ]
)


def _valid(flags: int) -> int:
    """O_CREAT | O_DIRECTORY is EINVAL from Linux 6.4 on."""
    return flags & ~f.O_DIRECTORY if flags & f.O_CREAT and not flags & 0o20000000 else flags


MODES = st.sampled_from([0o600, 0o644, 0o755, 0o700, 0o2755])
FLAGS = st.builds(
    lambda mode, extra: _valid(mode | sum(extra) | f.O_NONBLOCK),
    st.sampled_from([f.O_RDONLY, f.O_WRONLY, f.O_RDWR]),
    st.sets(
        st.sampled_from([f.O_CREAT, f.O_EXCL, f.O_TRUNC, f.O_NOFOLLOW, f.O_DIRECTORY, f.O_PATH, f.O_TMPFILE]),
        max_size=3,
    ),
)
KINDS = st.sampled_from([S_IFREG, S_IFIFO, S_IFSOCK, S_IFDIR, S_IFCHR, 0, 0o150000])
DIRFD = st.integers(-1, 3)
AT_FLAGS = st.sampled_from([0, f.AT_SYMLINK_NOFOLLOW, f.AT_SYMLINK_FOLLOW, f.AT_EMPTY_PATH, f.AT_REMOVEDIR])
STEPS = st.one_of(
    st.tuples(st.just("openat"), DIRFD, NAMES, FLAGS, MODES),
    st.tuples(st.just("openat"), DIRFD, NAMES, st.just(f.O_RDONLY | f.O_DIRECTORY), st.just(0)),
    st.tuples(st.just("close"), DIRFD),
    st.tuples(st.just("unlinkat"), DIRFD, NAMES, AT_FLAGS),
    st.tuples(st.just("mkdirat"), DIRFD, NAMES, MODES),
    st.tuples(st.just("mknodat"), DIRFD, NAMES, st.builds(int.__or__, KINDS, MODES), st.just(0x103)),
    st.tuples(st.just("renameat2"), DIRFD, NAMES, DIRFD, NAMES, st.sampled_from([0, 0, 0, 1, 2, 3, 8])),
    st.tuples(st.just("linkat"), DIRFD, NAMES, DIRFD, NAMES, AT_FLAGS),
    st.tuples(st.just("symlinkat"), NAMES, DIRFD, NAMES),
    st.tuples(st.just("fchmodat"), DIRFD, NAMES, MODES),
    st.tuples(st.just("fchownat"), DIRFD, NAMES, st.just(os.getuid()), st.just(os.getgid()), AT_FLAGS),
    st.tuples(st.just("faccessat2"), DIRFD, NAMES, st.sampled_from([0, 1, 2, 4, 6]), AT_FLAGS),
    st.tuples(st.just("newfstatat"), DIRFD, NAMES, st.just(BAD), AT_FLAGS),
    st.tuples(st.just("statx"), DIRFD, NAMES, AT_FLAGS, st.just(0x7FF), st.just(BAD)),
    st.tuples(st.just("utimensat"), DIRFD, NAMES, st.just(0), AT_FLAGS),
    st.tuples(st.just("readlinkat"), DIRFD, NAMES, st.just(BAD), st.just(64)),
    st.tuples(st.sampled_from(["truncate"]), NAMES, st.sampled_from([0, 10])),
    st.tuples(st.sampled_from(["unlink", "rmdir", "chdir"]), NAMES),
    st.tuples(st.sampled_from(["rename", "link", "symlink"]), NAMES, NAMES),
    st.tuples(st.sampled_from(["listxattr", "llistxattr"]), NAMES, st.just(BAD), st.just(0)),
    st.tuples(st.just("statfs"), NAMES, st.just(BAD)),
    st.tuples(st.just("fchdir"), DIRFD),
)  # fmt: skip


def _set_up(directory: Path) -> None:
    (directory / "d" / "e").mkdir(parents=True)
    (directory / "a").write_bytes(b"first" * 10)
    (directory / "d" / "a").write_bytes(b"second")
    (directory / "f").write_bytes(b"file")
    os.mkfifo(directory / "fifo")
    links = {
        "l": "d", "loop": "loop", "dangling": "nothing", "abs": str(directory / "d"), "up": "..", "slash": "d/",
        "dot": "d/.", "dotdot": "d/..", "chain0": "d",
    }  # fmt: skip
    links |= {f"chain{n}": f"chain{n - 1}" for n in range(1, 10)}
    for name, target in links.items():
        (directory / name).symlink_to(target)


def _play(pair: Pair, steps: list[tuple[str | int | bytes, ...]]) -> None:
    pair.prepare(_set_up)
    opened: list[Handle] = []
    absent = Handle(999, 999)
    for name, *arguments in steps:
        assert isinstance(name, str)
        values: list[int | bytes | Handle] = [*arguments]  # type: ignore[list-item]
        places = {"renameat2": (0, 2), "linkat": (0, 2), "symlinkat": (1,)}.get(name, (0,))
        for place in places:
            index = values[place]
            if isinstance(index, int):
                here = Handle(AT_FDCWD, AT_FDCWD)
                values[place] = here if index < 0 else opened[index] if index < len(opened) else absent
        if name == "close" and values[0] not in opened:
            continue
        result = pair.call(name, *values)
        if name == "openat" and result == 0:
            opened.append(pair.last)
        if name == "close":
            opened.remove(values[0])  # type: ignore[arg-type]
    pair.tree()


@pytest.mark.parametrize("way", WAYS)
@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_random_sequences(way: str, steps: list[tuple[str | int | bytes, ...]]) -> None:
    """Whatever a program does with names, it cannot tell the two kernels apart."""
    if way == "openat2" and not openat2.is_available():
        pytest.skip("the host has no openat2(2)")
    with tempfile.TemporaryDirectory(dir=SCRATCH) as directory:
        pair = Pair(Path(os.path.realpath(directory)), WAYS[way])
        try:
            _play(pair, steps)
        finally:
            pair.close()


if sys.platform != "linux":
    WAYS.clear()
