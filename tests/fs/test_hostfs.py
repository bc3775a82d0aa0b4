"""Host files as open files: errors by name, mappings, standard files, terminals, and no descriptor left behind."""

from __future__ import annotations

import errno as host_errno
import os
import pty
import signal
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

import pytest

from pyuk.abi import errno as linux
from pyuk.abi.errno import EACCES, EAGAIN, EIO, ENODEV, EOPNOTSUPP, SyscallError
from pyuk.abi.fcntl import O_NONBLOCK, O_RDWR, O_WRONLY
from pyuk.abi.ioctls import TCGETS, TCSETS, TIOCGWINSZ
from pyuk.fs import errors
from pyuk.fs.errors import guest_error
from pyuk.fs.hostfs import HostFs
from pyuk.fs.stdio import StdioFile
from tests.host_context import host_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyuk.fs.context import FsContext


@pytest.fixture
def fs(tmp_path: Path) -> Iterator[FsContext]:
    """The host's tree from a scratch directory."""
    context = host_context(os.fsencode(tmp_path))
    yield context
    context.release()
    context.namespace.close()


def test_errors_go_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with other numbers (macOS: ENOTEMPTY 66, ENOATTR 93) gives the guest Linux's."""
    assert guest_error(OSError(host_errno.ENOTEMPTY, "")).errno == linux.ENOTEMPTY
    assert guest_error(OSError(host_errno.EOPNOTSUPP, "")).errno == EOPNOTSUPP
    assert guest_error(OSError(9999, "")).errno == EIO
    with pytest.raises(OSError, match="ours"):
        guest_error(OSError("ours"))

    class Darwin:
        """Some of <sys/errno.h>."""

        ENOTEMPTY, ENOATTR, EDEADLK, EAGAIN, ENOTSUP, EAUTH = 66, 93, 11, 35, 45, 80

    for name, value in (("host_errno", Darwin), ("_known", {})):
        monkeypatch.setattr(errors, name, value)
    expected = {66: linux.ENOTEMPTY, 93: linux.ENODATA, 11: linux.EDEADLK, 35: EAGAIN, 45: EOPNOTSUPP, 80: EIO}
    assert {number: guest_error(OSError(number, "")).errno for number in expected} == expected


def test_backing_outlives_close_and_follows_changes(fs: FsContext, tmp_path: Path) -> None:
    """One backing serves a file's mappings until it changes; its key is looked at with each new one."""
    (tmp_path / "library").write_bytes(b"text" * 2000)
    file = fs.open(b"library")
    first, second = file.backing(), file.backing()
    assert first is second
    assert first.path == os.fsencode(tmp_path / "library")
    assert first.key[:3] == (first.dev, first.ino, 8000)
    file.release()
    page = bytearray(4096)
    assert first.preadv([memoryview(page)], 4096) == 3904
    assert page[:4] == b"text"
    os.utime(tmp_path / "library", ns=(1, 1))
    reopened = fs.open(b"library")
    third = reopened.backing()
    assert third.key != first.key
    first.drop()
    assert second.size_bytes == 8000
    second.drop()
    assert first.file.fd == -1
    third.drop()
    assert reopened.host_fd() >= 0
    reopened.release()


def test_what_cannot_be_mapped(fs: FsContext, tmp_path: Path) -> None:
    """Directories and devices are ENODEV, a file only for writing EACCES (mmap(2))."""
    (tmp_path / "file").write_bytes(b"")
    for path, flags, expected in ((b".", 0, ENODEV), (b"/dev/null", O_RDWR, ENODEV), (b"file", O_WRONLY, EACCES)):
        file = fs.open(path, flags)
        with pytest.raises(SyscallError) as refused:
            file.backing()
        assert refused.value.errno == expected
        file.release()


def test_standard_files_are_left_as_they_were() -> None:
    """Closing the guest's stdin leaves the host's; O_NONBLOCK stays the guest's own; only what is asked is read."""
    reader, writer = os.pipe()
    host = HostFs()
    file = StdioFile(host, reader, O_RDWR, os.fstat(reader).st_mode, 0)
    file.set_status(file.status_flags() | O_NONBLOCK)
    assert os.get_blocking(reader)
    room = memoryview(bytearray(100))
    with pytest.raises(SyscallError) as refused:
        file.read([room])
    assert refused.value.errno == EAGAIN
    os.write(writer, b"line 1\nline 2\n")
    assert file.read([room[:7]]) == 7
    file.release()
    assert os.read(reader, 100) == b"line 2\n"
    os.close(reader)
    os.close(writer)


def test_terminal_settings_are_the_hosts(fs: FsContext) -> None:
    """TCSETS goes to the host's terminal, which stays as the guest leaves it, as natively."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    file = fs.open(os.fsencode(os.ttyname(slave)), O_RDWR)
    settings = bytearray(file.control(TCGETS, bytes(36)))
    settings[12] ^= 0x8  # c_lflag: ECHO
    file.control(TCSETS, bytes(settings))
    assert termios.tcgetattr(slave)[3] != before[3]
    assert len(file.control(TIOCGWINSZ, bytes(8))) == 8
    file.release()
    os.close(master)
    os.close(slave)


def test_a_blocking_read_can_be_interrupted() -> None:
    """SIGINT to pyuk while its guest waits for stdin is SIGINT to the guest, which it kills."""
    child = subprocess.Popen(
        [sys.executable, "-m", "pyuk", "run", "/bin/cat"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"ready\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGINT)
    stderr = child.communicate(timeout=30)[1]
    assert (child.returncode, b"killed by SIGINT" in stderr) == (128 + signal.SIGINT, True)


def test_host_descriptors_are_not_inherited(fs: FsContext) -> None:
    """Whatever pyuk executes on the host gets none of them."""
    file = fs.open(b"/etc/passwd")
    assert not os.get_inheritable(file.host_fd())
    assert not os.get_inheritable(fs.cwd.host_fd())
    file.release()
