"""Programs that move whole trees about, on an overlay and in memory: they end up with what they make natively."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.native import run_native, run_pyuk

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = r"""set -e
cp -a src copy
mv src moved
echo more >> moved/a
sed -i s/one/ONE/ moved/sub/b
ln moved/a hard
ln -s hard soft
rm -r copy/sub
mkdir copy/sub
echo new > copy/sub/b
chmod 600 moved/sub/b
mkfifo copy/p
touch -d @1000000000 moved/sub
tar cf t.tar moved
tar tf t.tar | sort
mkdir x
tar xf t.tar -C x
diff -r moved x/moved
mv moved/sub x/sub
rm -rf x/moved
dd if=/dev/zero of=zeros bs=64k count=3 2> /dev/null
truncate -s 1000 zeros
find . ! -name . ! -name '*.tar' -printf '%y %m %l %p\n' | sort -k3
find . -type f ! -name '*.tar' -printf '%s %n %p\n' | sort -k3
cat moved/a x/sub/b copy/sub/b
cp /bin/true ./true
./true
find x -delete
test ! -e x
cd copy
rmdir ../copy 2> /dev/null || echo full
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with what the script begins with."""
    place = tmp_path / "place"
    (place / "src" / "sub").mkdir(parents=True)
    (place / "src" / "a").write_bytes(b"one\n")
    (place / "src" / "sub" / "b").write_bytes(b"one two\n")
    (place / "script").write_text(SCRIPT)
    return place


def _tree(place: Path) -> list[tuple[str, int, int]]:
    return [(str(path), path.lstat().st_mode, path.lstat().st_mtime_ns) for path in sorted(place.rglob("*"))]


@pytest.fixture
def native(place: Path, tmp_path: Path) -> bytes:
    """What the script writes natively, in a copy of the place."""
    twin = tmp_path / "twin"
    shutil.copytree(place, twin, symlinks=True)
    outcome = run_native("/bin/sh", ["script"], cwd=twin)
    assert (outcome.status, outcome.stderr) == (0, b"")
    return outcome.stdout


def test_an_overlay_in_memory(place: Path, native: bytes) -> None:
    """With --overlay the program cannot tell, and the host has what it had."""
    before = _tree(place)
    outcome = run_pyuk("/bin/sh", ["script"], cwd=place, options=["--overlay"])
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, native, b"")
    assert _tree(place) == before


def test_an_overlay_in_a_directory(place: Path, native: bytes, tmp_path: Path) -> None:
    """With --overlay=DIR too; the next run begins where this one ended, and the host has what it had."""
    before = _tree(place)
    options = [f"--overlay={tmp_path / 'upper'}"]
    outcome = run_pyuk("/bin/sh", ["script"], cwd=place, options=options)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, native, b"")
    outcome = run_pyuk("/bin/sh", ["-c", "ls; cat moved/a copy/sub/b"], cwd=place, options=options)
    assert outcome.stdout == b"copy\nhard\nmoved\nscript\nsoft\nt.tar\ntrue\nzeros\none\nmore\nnew\n"
    assert _tree(place) == before


def test_a_tmpfs(place: Path, native: bytes) -> None:
    """In memory, with the times and modes that cp -a brings there."""
    outcome = run_pyuk("/bin/sh", ["-c", "cp -a src script /dev/shm && cd /dev/shm && . ./script"], cwd=place)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, native, b"")


def test_what_a_tmpfs_says_of_itself(tmp_path: Path) -> None:
    """df, stat and mount agree: half of the memory, and what is written is taken from it."""
    script = "stat -f -c '%T %S %b' /dev/shm; head -c 1M /dev/zero > /dev/shm/x; df -P -B1 /dev/shm; rm /dev/shm/x"
    outcome = run_pyuk("/bin/sh", ["-c", script], cwd=tmp_path, options=["--memory", "64M"])
    lines = outcome.stdout.decode().splitlines()
    assert lines[0] == f"tmpfs 4096 {(32 << 20) // 4096}"
    assert lines[2].split()[1:4] == [str(32 << 20), str(1 << 20), str(31 << 20)]
    assert lines[2].split()[-1] == "/dev/shm"  # noqa: S108  # the guest's


def test_a_full_tmpfs(tmp_path: Path) -> None:
    """A program that writes too much is told so, what fitted is there, and the memory is free again afterwards."""
    script = (
        "dd if=/dev/zero of=/dev/shm/x bs=1M 2>&1 | grep -o 'No space left on device'; stat -c %s /dev/shm/x;"
        "rm /dev/shm/x; head -c 20M /dev/zero > /dev/shm/x && echo again"
    )
    outcome = run_pyuk("/bin/sh", ["-c", script], cwd=tmp_path, options=["--memory", "64M"])
    assert outcome.stdout == b"No space left on device\n%d\nagain\n" % (32 << 20)


def test_devices_as_everybody_uses_them(tmp_path: Path) -> None:
    """The shell's favourites."""
    script = (
        "echo lost > /dev/null; head -c 5 /dev/zero | od -An -tx1; echo x > /dev/full || echo full;"
        "echo text | cat /dev/stdin; test -c /dev/urandom && head -c 16 /dev/urandom | wc -c; ls /dev/fd/ > /dev/null;"
        "echo error > /dev/stderr; stat -c '%t:%T %a' /dev/null"
    )
    outcome = run_pyuk("/bin/sh", ["-c", script], cwd=tmp_path)
    assert outcome.stdout == b" 00 00 00 00 00\nfull\ntext\n16\n1:3 666\n"
    assert b"error\n" in outcome.stderr
    assert os.fsencode(tmp_path) not in outcome.stderr
