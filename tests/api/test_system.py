"""pyuk.System: several processes, their pipes, registers and memory, and misuse."""

from __future__ import annotations

import signal
import subprocess
import threading

import pytest

import pyuk


def test_talk_to_a_process() -> None:
    """Its pipes, fed and read."""
    with pyuk.System() as system:
        cat = system.spawn("/bin/cat", stdin=pyuk.PIPE)
        assert cat.stdin is not None
        assert cat.stdout is not None
        cat.stdin.write(b"one\n")
        assert cat.stdout.readline() == b"one\n"
        assert cat.poll() is None
        cat.stdin.write(b"two three")
        assert cat.stdout.read_until(b"o") == b"two"
        assert cat.stdout.read(3) == b" th"
        assert cat.stdout.read() == b"ree", "all guests sleep"
        cat.stdin.close()
        assert cat.wait() == 0
        assert cat.stdout.read() == b""
        assert cat.stdout.captured == b"one\ntwo three"
        with pytest.raises(ValueError, match="closed"):
            cat.stdin.write(b"more")


def test_processes_side_by_side() -> None:
    """One kernel, several processes of ours."""
    with pyuk.System() as system:
        first, second = (system.spawn("/bin/sh", ["-c", f"echo {name}; exit {n}"]) for n, name in enumerate("ab"))
        assert (first.pid, second.pid) == (1000, 1001)
        system.run()
        assert (first.returncode, second.returncode) == (0, 1)
        assert (first.completed().stdout, second.completed().stdout) == (b"a\n", b"b\n")
        assert list(system.spawn("/usr/bin/seq", ["3"]).stdout or ()) == [b"1\n", b"2\n", b"3\n"]


def test_signals() -> None:
    """From outside, as kill(1)."""
    with pyuk.System() as system:
        sleeper = system.spawn("/bin/sh", ["-c", "trap 'echo got; exit 5' USR1; echo ready; while read x; do :; done"],
                               stdin=pyuk.PIPE)  # fmt: skip
        assert sleeper.stdout is not None
        assert sleeper.stdout.readline() == b"ready\n"
        sleeper.send_signal(signal.SIGUSR1)
        assert sleeper.wait() == 5
        assert sleeper.stdout.read() == b"got\n"
        other = system.spawn("/bin/cat", stdin=pyuk.PIPE)
        other.kill()
        assert other.wait() == -signal.SIGKILL
        other.kill()  # nothing is left to be killed


def test_registers_and_memory_of_one_that_sleeps() -> None:
    """Read and changed."""
    with pyuk.System() as system:
        cat = system.spawn("/bin/cat", stdin=pyuk.PIPE)
        system.run()
        registers = cat.registers
        assert registers["rdi"] == 0
        assert registers["rip"] >> 40 == 0x7F
        assert cat.memory.read(registers["rip"] - 2, 2) == b"\x0f\x05", "syscall"
        buffer = registers["rsi"]
        assert cat.stdin is not None
        assert cat.stdout is not None
        cat.stdin.write(b"hello\n")
        cat.stdout.readline()
        assert cat.memory.read_cstring(buffer) == b"hello\n"
        cat.memory.write(buffer, b"J")
        assert cat.memory.read_int(buffer, 1) == ord("J")
        with pytest.raises(ValueError, match="only 0 of 8 bytes"):
            cat.memory.read(16, 8)
        with pytest.raises(KeyError, match="no register"):
            _ = registers["eax"]
        with pytest.raises(LookupError, match="no symbol"):
            cat.symbol("no_such_symbol")
        assert set(registers.as_dict()) >= {"rax", "r15", "rip", "rflags"}


def test_deadlock_and_timeout() -> None:
    """Neither hangs, and the process lives on."""
    with pyuk.System() as system:
        cat = system.spawn("/bin/cat", stdin=pyuk.PIPE)
        with pytest.raises(pyuk.DeadlockError):
            cat.wait()
        loop = system.spawn("/bin/sh", ["-c", "while :; do :; done"])
        with pytest.raises(subprocess.TimeoutExpired):
            loop.wait(timeout=0.2)
        assert loop.poll() is None
        loop.terminate()
        assert loop.wait() == -signal.SIGTERM


def test_misuse_is_told() -> None:
    """Another thread, a closed System, a dead process."""
    system = pyuk.System()
    loop = system.spawn("/bin/sh", ["-c", "while :; do :; done"])
    caught: list[BaseException] = []

    def meddle() -> None:
        try:
            system.spawn("/bin/true")
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Timer(0.1, meddle)
    thread.start()
    with pytest.raises(subprocess.TimeoutExpired):
        loop.wait(timeout=0.6)
    thread.join()
    assert "in use" in str(caught[0])
    system.close()
    system.close()
    assert loop.returncode == -signal.SIGKILL
    with pytest.raises(RuntimeError, match="closed"):
        system.spawn("/bin/true")
    with pytest.raises(ProcessLookupError):
        _ = loop.registers
