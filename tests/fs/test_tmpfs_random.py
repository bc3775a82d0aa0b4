"""Random sequences of operations on a tmpfs of pyuk's and on one of the host's: results, errors and trees are the same.

Where the tests run as root, some operations are done by somebody else, so that permissions count.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.abi import fcntl as f
from pyuk.fs import hostcalls
from tests.fs.memory import Maker
from tests.fs.sides import NOBODY, Guest, Native, play, remove

SHM = "/dev/shm"  # noqa: S108  # the one place where every Linux has a tmpfs
_TMPFS_MAGIC = 0x01021994


def _has_tmpfs() -> bool:
    try:
        return (
            sys.platform == "linux"
            and os.access(SHM, os.W_OK)
            and hostcalls.statfs_identity(SHM.encode())[0] == _TMPFS_MAGIC
        )
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not _has_tmpfs(), reason="the oracle is a tmpfs of the host's at /dev/shm")

NAMES = st.sampled_from(
    [
        *[b"a", b"b", b"d", b"d/a", b"d/b", b"d/e", b"d/e/a", b"l", b"l/a", b"p"] * 3,
        *[b"loop", b"x/y", b"s" * 256, b"d/e/f/g"],
    ]
)
MODES = st.sampled_from([0o600, 0o644, 0o755, 0o700, 0o777, 0o6755, 0o1777, 0o2777, 0o2755, 0o000, 0o444])
FLAGS = st.builds(
    lambda mode, extra: mode | sum(extra),
    st.sampled_from([f.O_RDONLY, f.O_WRONLY, f.O_RDWR]),
    st.sets(
        st.sampled_from([f.O_CREAT, f.O_EXCL, f.O_TRUNC, f.O_APPEND, f.O_NOFOLLOW, f.O_PATH, f.O_NOATIME]), max_size=3
    ),
)
DIRECTORY_FLAGS = st.sampled_from([f.O_DIRECTORY, f.O_DIRECTORY | f.O_NOFOLLOW, f.O_DIRECTORY | f.O_PATH])
HANDLE = st.integers(0, 4)
SIZES = st.sampled_from([0, 1, 7, 4095, 4096, 4097, 9000])
OFFSETS = st.sampled_from([0, 1, 5, 4096, 10_000, 100_000])
IDS = st.sampled_from([-1, 0, NOBODY])
ATTRIBUTES = st.sampled_from([b"trusted.a", b"trusted.b", b"security.a", b"system.x", b"odd", b"security."])
KINDS = st.sampled_from([stat.S_IFIFO, stat.S_IFREG, stat.S_IFSOCK, stat.S_IFCHR])
START = (
    ("mkdir", b"d", 0o755),
    ("mkdir", b"d/e", 0o777),
    ("symlink", b"l", b"d"),
    ("symlink", b"loop", b"loop"),
    ("mknod", b"p", stat.S_IFIFO, 0o666),
    ("open", b"a", f.O_RDWR | f.O_CREAT, 0o666),
    ("write", 0, 9000),
    ("open", b"d/a", f.O_RDWR | f.O_CREAT | f.O_APPEND, 0o4755),
    ("write", 1, 7),
    ("open", b"d", f.O_DIRECTORY, 0),
)
_OF_FILES = st.one_of(
    st.tuples(st.just("open"), NAMES, FLAGS | DIRECTORY_FLAGS, MODES),
    st.tuples(st.just("open"), NAMES, FLAGS, MODES),
    st.tuples(st.just("tmpfile"), NAMES, st.sampled_from([f.O_RDWR, f.O_WRONLY, f.O_RDWR | f.O_EXCL]), MODES),
    st.tuples(st.just("close"), HANDLE),
    st.tuples(st.just("read"), HANDLE, SIZES),
    st.tuples(st.just("pread"), HANDLE, SIZES, OFFSETS),
    st.tuples(st.just("write"), HANDLE, SIZES),
    st.tuples(st.just("pwrite"), HANDLE, SIZES, OFFSETS),
    st.tuples(st.just("seek"), HANDLE, OFFSETS, st.integers(0, 4)),
    st.tuples(st.just("ftruncate"), HANDLE, OFFSETS),
    st.tuples(st.just("fallocate"), HANDLE, st.sampled_from([0, 1, 3, 3, 2, 16, 256]), OFFSETS, SIZES),
    st.tuples(st.just("fstat"), HANDLE),
    st.tuples(st.just("fchmod"), HANDLE, MODES),
    st.tuples(st.just("link_handle"), HANDLE, NAMES),
    st.tuples(st.just("entries"), HANDLE),
    st.tuples(st.just("copy"), HANDLE, HANDLE, SIZES),
)
_OF_NAMES = st.one_of(
    st.tuples(st.just("truncate"), NAMES, OFFSETS),
    st.tuples(st.sampled_from(["unlink", "rmdir", "readlink", "stat", "lstat"]), NAMES),
    st.tuples(st.just("mkdir"), NAMES, MODES),
    st.tuples(st.just("mkdir"), NAMES, MODES),
    st.tuples(
        st.just("mknod"), NAMES, st.sampled_from([stat.S_IFIFO, stat.S_IFREG, stat.S_IFSOCK, stat.S_IFCHR]), MODES
    ),
    st.tuples(st.just("symlink"), NAMES, st.sampled_from([b"a", b"d", b"d/a", b"loop", b"gone", b"t" * 200])),
    st.tuples(st.just("link"), NAMES, NAMES, st.booleans()),
    st.tuples(st.just("rename"), NAMES, NAMES, st.sampled_from([0, 0, 0, f.RENAME_NOREPLACE, f.RENAME_EXCHANGE])),
    st.tuples(st.just("chmod"), NAMES, MODES),
    st.tuples(st.just("chown"), NAMES, IDS, IDS, st.booleans()),
    st.tuples(st.just("utime"), NAMES, st.booleans(), st.booleans()),
    st.tuples(st.just("access"), NAMES, st.integers(0, 7), st.booleans()),
    st.tuples(st.just("setxattr"), NAMES, ATTRIBUTES, st.integers(0, 2)),
    st.tuples(st.sampled_from(["getxattr", "removexattr"]), NAMES, ATTRIBUTES),
    st.tuples(st.just("listxattr"), NAMES),
    st.tuples(st.just("who"), st.booleans()),
)
STEPS = _OF_FILES | _OF_NAMES


@settings(deadline=None, max_examples=300)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_random_sequences(steps: list[tuple[str | int | bytes, ...]]) -> None:
    """Whatever is done to a few names and open files, nobody can tell the two apart; and nothing is left of it."""
    maker = Maker()
    root = tempfile.mkdtemp(dir=SHM)
    native, guest = Native(root), Guest(maker.tmpfs(), maker)
    try:
        os.chmod(root, 0o1777)  # noqa: S103, PTH101  # as the other one is
        for side in (native, guest):
            for step in START:
                side.do(*step)
        play(native, guest, steps)
        guest.end()
        guest.empty()
        assert maker.cache.ram.n_used == 0
    finally:
        native.end()
        remove(root)
