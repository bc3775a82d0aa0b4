"""System calls answered, changed and spoilt from Python."""

from __future__ import annotations

import errno
import signal

import pytest

import pyuk
from pyuk.trace.inject import parse_when


def test_a_call_can_be_answered() -> None:
    """An OSError is the guest's errno, an int its result, None is the kernel's business."""
    with pyuk.System(trace=True) as system:
        asked: list[bytes] = []

        @system.syscall("openat,open")
        def hide(call: pyuk.SyscallCall) -> None:
            path = call.memory.read_cstring(call.args[1])
            asked.append(path)
            if path == b"/etc/hostname":
                raise FileNotFoundError(errno.ENOENT, "hidden")

        @system.syscall("geteuid")
        def nobody(_call: pyuk.SyscallCall) -> int:
            return 65534

        cat = system.spawn("/bin/cat", ["/etc/hostname"])
        assert cat.wait() == 1
        assert b"No such file" in cat.completed().stderr
        assert b"/etc/hostname" in asked
        assert 'openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = -1 ENOENT' in cat.completed().trace
        who = system.spawn("/usr/bin/id", ["-u"])
        who.wait()
        assert who.completed().stdout == b"65534\n"


def test_a_call_can_be_changed() -> None:
    """Arguments before, the result after."""
    with pyuk.System() as system:
        written: list[int] = []

        @system.syscall("write")
        def shout(call: pyuk.SyscallCall) -> int:
            text = call.memory.read(call.args[1], call.args[2])
            call.memory.write(call.args[1], text.upper())
            call.args[2] -= 1  # without the newline
            written.append(call.proceed())
            return written[-1] + 1

        echo = system.spawn("/bin/echo", ["hello"])
        assert echo.wait() == 0
        assert echo.completed().stdout == b"HELLO"
        assert written == [5]


def test_an_exception_ends_the_run_and_is_seen() -> None:
    """The System survives it."""
    with pyuk.System() as system:

        @system.syscall("write")
        def fail(_call: pyuk.SyscallCall) -> int:
            raise ZeroDivisionError

        @system.syscall("uname")
        def run_in_vain(_call: pyuk.SyscallCall) -> None:
            system.run()

        with pytest.raises(ZeroDivisionError):
            system.spawn("/bin/echo", ["hello"]).wait()
        with pytest.raises(RuntimeError, match="waits for this very function"):
            system.spawn("/bin/uname").wait()
        assert system.spawn("/bin/true").wait() == 0


@pytest.mark.parametrize(
    ("when", "calls"),
    [("2", [2]), ("2+", [2, 3, 4, 5, 6]), ("2+2", [2, 4, 6]), ("2..4", [2, 3, 4]), ("1..5+2", [1, 3, 5])],
)
def test_when(when: str, calls: list[int]) -> None:
    """The words of strace(1)."""
    assert [count for count in range(1, 7) if parse_when(when).has(count)] == calls


@pytest.mark.parametrize("when", ["", "0", "x", "1+0", "2..", "+1", "70000"])
def test_when_that_means_nothing(when: str) -> None:
    """Refused."""
    with pytest.raises(ValueError, match="when"):
        parse_when(when)


def test_faults() -> None:
    """Errors, short reads and signals at the chosen calls."""
    with pyuk.System() as system:
        system.inject("write", error="ENOSPC", when=2)
        sh = system.spawn("/bin/sh", ["-c", "echo one; echo two; echo three"])
        assert sh.wait() == 0
        assert sh.completed().stdout == b"one\nthree\n"
        assert b"I/O error" in sh.completed().stderr
    with pyuk.System(trace="read") as system:
        system.inject("read", n_bytes=3)
        cat = system.spawn("/usr/bin/head", ["-c", "10"], stdin=pyuk.PIPE)
        assert cat.communicate(b"0123456789").stdout == b"0123456789"
        assert all((call.result or 0) <= 3 for call in cat.completed().syscalls)
    with pyuk.System() as system:
        system.inject("getpid", signal=signal.SIGUSR1)
        assert system.spawn("/bin/sh", ["-c", "exit 3"]).wait() == -signal.SIGUSR1
    with pyuk.System() as system:
        system.inject("mmap", error=errno.ENOMEM, when="3+")
        assert system.spawn("/bin/true").wait() == 127
    with pyuk.System() as system, pytest.raises(ValueError, match="invalid error"):
        system.inject("read", error="EVERYTHING")
    with pyuk.System() as system, pytest.raises(ValueError, match="invalid system call"):
        system.inject("reed", error="EIO")
