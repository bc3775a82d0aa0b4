"""Random sequences of file calls: the same results, bytes and trees as on the host's kernel."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from pyuk.abi import fcntl as f
from tests.syscalls.native_task import AT_FDCWD, BAD, Handle, Pair, native_only

pytestmark = native_only

NAMES = st.sampled_from(
    [
        b"a",
        b"b",
        b"d",
        b"d/a",
        b"d/b",
        b"d/e",
        b"l",
        b"l/a",
        b"d/../a",
        b"./b",
        b"a/",
        b"d/",
        b"d/..",
        b"x/y",
        b"l/../b",
    ]
)
FLAGS = st.builds(
    lambda mode, extra: mode | sum(extra),
    st.sampled_from([f.O_RDONLY, f.O_WRONLY, f.O_RDWR]),
    st.sets(
        st.sampled_from(
            [f.O_CREAT, f.O_EXCL, f.O_TRUNC, f.O_APPEND, f.O_NOFOLLOW, f.O_DIRECTORY, f.O_PATH, f.O_NONBLOCK]
        ),
        max_size=3,
    ),
)
SIZES = st.sampled_from([0, 1, 7, 4095, 4096, 4097, 9000])
OFFSETS = st.sampled_from([-1, 0, 1, 5, 4096, 10_000])
MODES = st.sampled_from([0o600, 0o644, 0o755, 0o700])
HANDLE = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("openat"), NAMES, FLAGS, MODES),
    st.tuples(st.just("read"), HANDLE, SIZES),
    st.tuples(st.just("write"), HANDLE, SIZES),
    st.tuples(st.just("pread64"), HANDLE, SIZES, OFFSETS),
    st.tuples(st.just("pwrite64"), HANDLE, SIZES, OFFSETS),
    st.tuples(st.just("lseek"), HANDLE, OFFSETS, st.integers(0, 4)),
    st.tuples(st.just("close"), HANDLE),
    st.tuples(st.just("dup"), HANDLE),
    st.tuples(st.just("ftruncate"), HANDLE, OFFSETS),
    st.tuples(st.just("truncate"), NAMES, OFFSETS),
    st.tuples(st.just("fcntl"), HANDLE, st.sampled_from([f.F_GETFL, f.F_GETFD]), st.just(0)),
    st.tuples(st.just("fcntl"), HANDLE, st.just(f.F_SETFL), st.sampled_from([0, f.O_APPEND, f.O_NONBLOCK])),
    st.tuples(st.just("sendfile"), HANDLE, HANDLE, st.just(0), SIZES),
    st.tuples(st.just("copy_file_range"), HANDLE, st.just(0), HANDLE, st.just(0), SIZES, st.just(0)),
    st.tuples(st.sampled_from(["unlink", "rmdir", "chdir"]), NAMES),
    st.tuples(st.sampled_from(["mkdir", "chmod"]), NAMES, MODES),
    st.tuples(st.sampled_from(["rename", "link", "symlink"]), NAMES, NAMES),
    st.tuples(st.just("fchdir"), HANDLE),
    st.tuples(st.just("access"), NAMES, st.sampled_from([0, 1, 2, 4, 6])),
    st.tuples(st.just("readlink"), NAMES, st.just(BAD), SIZES),
    st.tuples(st.sampled_from(["stat", "lstat"]), NAMES, st.just(BAD)),
)
TAKES_BUFFER = {"read": 1, "write": 1, "pread64": 1, "pwrite64": 1}


def _play(pair: Pair, steps: list[tuple[str | int | bytes, ...]]) -> None:
    pair.prepare(lambda directory: (directory / "d").mkdir())
    pair.prepare(lambda directory: (directory / "l").symlink_to("d"))
    pair.file("a", b"first" * 1000)
    pair.file("d/a", b"second")
    text = pair.put(bytes(i % 251 for i in range(12288)))
    absent = Handle(999, 999)
    opened: list[Handle] = []
    home = pair.open(b".")
    for name, *arguments in steps:
        assert isinstance(name, str)
        if name == "openat":
            if pair.call("openat", AT_FDCWD, *arguments) == 0:  # type: ignore[arg-type]
                opened.append(pair.last)
            continue
        values: list[object] = list(arguments)
        n_handles = 2 if name == "sendfile" else 1
        if isinstance(values[0], int):
            places = (0, 2) if name == "copy_file_range" else range(n_handles)
            for place in places:
                index = values[place]
                assert isinstance(index, int)
                values[place] = opened[index] if index < len(opened) else absent
        room = pair.room(12288) if name in ("read", "pread64") else text
        if name in TAKES_BUFFER:
            values.insert(1, room)
        result = pair.call(name, *values)  # type: ignore[arg-type]
        if name == "dup" and result == 0:
            opened.append(pair.last)
        if name == "close" and result == 0:
            opened.remove(values[0])  # type: ignore[arg-type]
        if room is not text:
            pair.contents(room)
    pair.tree()
    assert pair.call("fchdir", home) == 0
    pair.tree()


@settings(deadline=None, max_examples=60)
@given(st.lists(STEPS, min_size=5, max_size=40))
def test_random_sequences(steps: list[tuple[str | int | bytes, ...]]) -> None:
    """Whatever a program does with a few names and descriptors, it cannot tell the two kernels apart."""
    with tempfile.TemporaryDirectory() as directory:
        pair = Pair(Path(directory))
        try:
            _play(pair, steps)
        finally:
            pair.close()
