"""pyuk's pseudoterminals beside the host's: the same settings, the same bytes, the same answers."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import struct
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyuk.abi import ioctls
from pyuk.abi.errno import SyscallError
from pyuk.fs.devices import DeviceTable
from pyuk.fs.permission import ROOT
from pyuk.fs.tty.devpts import DevPts, PtsVolume
from pyuk.wait.park import WouldBlock

_FLAGS = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK
_DONE, _BLOCKS = b"done", "EAGAIN"
_OUT = {ioctls.TCGETS: 36, ioctls.TCGETS2: 44, ioctls.TCGETA: 18, ioctls.FIONREAD: 4, ioctls.TIOCGWINSZ: 8}
_NUMBERS = {ioctls.TCFLSH, ioctls.TCXONC, ioctls.TCSBRK}


class FakeSessions:
    """Nobody has the terminal; what would be signalled is kept."""

    def __init__(self) -> None:
        self.caller = SimpleNamespace(pid=1, pgid=1, sid=1, tty=object(), old_tty_pgid=0)
        self.sent: list[tuple[int, int]] = []

    def thread(self) -> object:
        return self

    def is_asleep(self, _thread: object) -> bool:
        return False

    def ignores(self, _signo: int) -> bool:
        return False

    def is_orphaned(self) -> bool:
        return False

    def is_admin(self) -> bool:
        return True

    def owner(self) -> tuple[int, int]:
        return 0, 0

    def now_ns(self) -> int:
        return 0

    def members(self, _sid: int) -> list[Any]:
        return []

    def session_of_group(self, _pgid: int) -> int:
        return 0

    def signal_group(self, pgid: int, signo: int) -> None:
        self.sent.append((pgid, signo))

    def signal_process(self, _process: Any, _signo: int) -> None:
        raise AssertionError


class Waiter:
    """Whoever waits for a terminal."""

    events = 0
    in_line = exclusive = is_woken = False

    def wake(self, _events: int) -> bool:
        self.is_woken = True
        return True


class Ours:
    """A pair of pyuk's. Each operation gives bytes, a number or the name of an error."""

    def __init__(self) -> None:
        no_cache: Any = None
        volume = PtsVolume(no_cache, 24, lambda: ROOT, lambda: 0)
        self.master = DevPts(volume, DeviceTable(), FakeSessions()).open_master(None, _FLAGS)
        self.control("master", ioctls.TIOCSPTLCK, bytes(4))
        self.slave: Any = self.master.open_peer(_FLAGS)

    def read(self, end: str, n_bytes: int) -> Any:
        buffer = bytearray(n_bytes)
        try:
            return bytes(buffer[: getattr(self, end).read([memoryview(buffer)])])
        except SyscallError as error:
            return errno.errorcode[error.errno]

    def write(self, end: str, data: bytes) -> Any:
        done = 0
        try:
            while done < len(data):
                done += getattr(self, end).write([memoryview(data)[done : done + 2048]])
        except SyscallError as error:
            return done or errno.errorcode[error.errno]
        return done

    def control(self, end: str, request: int, data: bytes) -> Any:
        try:
            return getattr(self, end).control(request, data) or _DONE
        except SyscallError as error:
            return errno.errorcode[error.errno]

    def poll(self, end: str) -> int:
        return getattr(self, end).poll()  # type: ignore[no-any-return]

    def close(self) -> None:
        """Nothing is the host's."""


class Hosts:
    """The same for a pair of the host's, where bytes take a moment from end to end."""

    def __init__(self, patience_s: float) -> None:
        self.master = os.open("/dev/ptmx", _FLAGS)
        fcntl.ioctl(self.master, ioctls.TIOCSPTLCK, bytes(4))
        self.slave = fcntl.ioctl(self.master, ioctls.TIOCGPTPEER, _FLAGS)
        self.patience_s = patience_s

    def settle(self) -> None:
        """Let the host's workers do what they have."""
        time.sleep(self.patience_s)
        for end in ("slave", "master"):
            self.poll(end)

    def read(self, end: str, n_bytes: int) -> Any:
        try:
            return os.read(getattr(self, end), n_bytes)
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        finally:
            self.settle()

    def write(self, end: str, data: bytes) -> Any:
        try:
            return os.write(getattr(self, end), data)
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        finally:
            self.settle()

    def control(self, end: str, request: int, data: bytes) -> Any:
        fd = getattr(self, end)
        try:
            if request in _NUMBERS:
                fcntl.ioctl(fd, request, int.from_bytes(data, "little"))
                return _DONE
            answer = fcntl.ioctl(fd, request, data)
        except OSError as error:
            return errno.errorcode[error.errno or 0]
        else:
            return answer if request in _OUT else _DONE
        finally:
            self.settle()

    def poll(self, end: str) -> int:
        poll = select.poll()
        poll.register(getattr(self, end), 0xFFF)
        ready = poll.poll(0)
        return ready[0][1] if ready else 0

    def close(self) -> None:
        os.close(self.slave)
        os.close(self.master)


def _bits(names: str) -> Any:
    return st.sets(st.sampled_from(names.split())).map(lambda some: sum(getattr(ioctls, name) for name in some))


_KEYS = b"abcXYZ_# \t\n\r\x03\x04\x08\x11\x12\x13\x15\x16\x17\x1a\x1c\x7f\x80\xa9\xc3\xdf\xff\x00\x01"
_C_CC = b"\x03\x1c\x7f\x15\x04\x00\x01\x00\x11\x13\x1a\x00\x12\x0f\x17\x16\x00\x00\x00"


@st.composite
def _termios(draw: Any) -> bytes:
    """Usual settings with some unusual bits."""
    iflag = draw(_bits("ICRNL IXON IUTF8")) | draw(_bits("ISTRIP INLCR IGNCR IUCLC IXANY PARMRK IGNBRK BRKINT INPCK"))
    oflag = draw(_bits("OPOST ONLCR")) | draw(_bits("OCRNL ONOCR ONLRET OLCUC TABDLY"))
    lflag = ioctls.ICANON | ioctls.ECHO | ioctls.ECHOE | ioctls.IEXTEN
    lflag ^= draw(_bits("ISIG ICANON ECHO ECHOE ECHOK ECHOCTL ECHOKE IEXTEN ECHONL ECHOPRT NOFLSH EXTPROC"))
    cc = bytearray(_C_CC)
    cc[ioctls.VMIN], cc[ioctls.VTIME] = draw(st.sampled_from(((1, 0), (0, 0), (2, 0), (5, 0), (70, 0), (3, 1))))
    for place in draw(st.sets(st.sampled_from((0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 14, 15, 16)), max_size=2)):
        cc[place] = draw(st.sampled_from(_KEYS))
    return struct.pack("<IIIIB19s", iflag, oflag, draw(st.sampled_from((0xBF, 0xF, 0x1CB2))), lflag, 0, bytes(cc))


_typed = st.lists(st.sampled_from(_KEYS), min_size=1, max_size=12).map(bytes)
_text = _typed | st.binary(min_size=1, max_size=40)
_ends = st.sampled_from(("slave", "master"))
_number = st.integers(0, 4).map(lambda n: n.to_bytes(8, "little"))
_step = st.one_of(
    st.tuples(st.just("write"), st.just("master"), _typed),
    st.tuples(st.just("write"), st.just("master"), _typed),
    st.tuples(st.just("write"), st.just("slave"), _text),
    st.tuples(st.just("read"), _ends, st.sampled_from((1, 2, 7, 63, 64, 65, 200))),
    st.tuples(st.just("poll"), _ends),
    st.tuples(st.just("control"), _ends, st.sampled_from((ioctls.TCSETS, ioctls.TCSETSF)), _termios()),
    st.tuples(st.just("control"), _ends, st.sampled_from(tuple(_OUT))).map(lambda some: (*some, bytes(_OUT[some[2]]))),
    st.tuples(st.just("control"), _ends, st.sampled_from((ioctls.TCFLSH, ioctls.TCXONC)), _number),
    st.tuples(st.just("control"), st.just("master"), st.just(ioctls.TIOCPKT), _number),
)  # fmt: skip


def _one_by_one(steps: list[Any]) -> list[Any]:
    """What is typed comes a key at a time: what the host throws away with a ^C depends on how far it had come."""
    apart: list[Any] = []
    for step in steps:
        if step[:2] == ("write", "master"):
            apart += [("write", "master", bytes((c,))) for c in step[2]]
        else:
            apart.append(step)
    return apart


def _play(pair: Ours | Hosts, steps: list[Any]) -> list[Any]:
    answers = []
    for name, *arguments in steps:
        try:
            answers.append(getattr(pair, name)(*arguments))
        except WouldBlock:
            answers.append(_BLOCKS)
    pair.close()
    return answers


_WHAT_IS_LEFT = [("read", end, 9000) for end in ("slave", "master", "slave", "master")]


@pytest.mark.skipif(not Path("/dev/ptmx").exists(), reason="this host has no pseudoterminals to compare with")
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(_termios(), st.lists(_step, max_size=14))
def test_random_typing(first: bytes, steps: list[Any]) -> None:
    """Whatever is set, typed, written and read, both sides see what they see on the host."""
    steps = [("control", "slave", ioctls.TCSETS, first), *_one_by_one(steps), *_WHAT_IS_LEFT]
    ours = _play(Ours(), steps)
    for patience_s in (0.0003, 0.003, 0.03):  # a host that is busy gets more time
        hosts = _play(Hosts(patience_s), steps)
        if ours == hosts:
            break
    assert list(zip(steps, ours, strict=True)) == list(zip(steps, hosts, strict=True))


@pytest.mark.skipif(not Path("/dev/ptmx").exists(), reason="this host has no pseudoterminals to compare with")
@pytest.mark.parametrize("newlines", [b"", b"\n"], ids=["no-line", "line"])
def test_long_line(newlines: bytes) -> None:
    """A line of more than 4095 bytes loses what is too much, and can still be ended."""
    steps: list[Any] = [
        ("control", "slave", ioctls.TCSETS, struct.pack("<IIIIB19s", 0, 0, 0xBF, ioctls.ICANON, 0, _C_CC)),
        ("write", "master", b"a" * 5000 + newlines),
        ("control", "slave", ioctls.FIONREAD, bytes(4)),
        ("write", "master", b"\x7f\x7fyz\n"),
        *_WHAT_IS_LEFT,
    ]
    assert _play(Ours(), steps) == _play(Hosts(0.02), steps)


def test_nobody_reads() -> None:
    """A writer is stopped when the reader's buffers are full, and woken when they have been read."""
    pair = Ours()
    pair.control("slave", ioctls.TCSETS, struct.pack("<IIIIB19s", 0, 0, 0xBF, 0, 0, _C_CC))
    n_written = 0
    while isinstance(n := pair.write("slave", bytes(1000)), int):
        n_written += n
    assert n == _BLOCKS
    assert 4095 + 4096 <= n_written <= 1 << 16
    assert not pair.poll("slave") & select.POLLOUT
    waiter = Waiter()
    pair.slave.tty.write_wait.add(waiter)
    n_read = 0
    while isinstance(data := pair.read("master", 1000), bytes):
        n_read += len(data)
    assert n_read == n_written
    assert waiter.is_woken
    assert pair.poll("slave") & select.POLLOUT


def test_hang_up() -> None:
    """The end of the master is the slave's: who reads finds the end, who writes EIO; the next pair is a new one."""
    pair = Ours()
    pair.write("master", b"lost\n")
    pair.master.release()
    assert pair.read("slave", 10) == b""
    assert pair.write("slave", b"x") == "EIO"
    assert pair.control("slave", ioctls.TCGETS, bytes(36)) == "EIO"
    assert pair.control("slave", ioctls.TIOCSPGRP, bytes(4)) == "ENOTTY"
    assert pair.poll("slave") == 0x15D
    pair.slave.release()


def test_slave_closed_and_opened_again() -> None:
    """The master reads what is left and then EIO, until somebody opens the slave again."""
    pair = Ours()
    pair.write("slave", b"hi")
    pair.slave.release()
    assert pair.poll("master") & select.POLLHUP
    assert (pair.read("master", 10), pair.read("master", 10)) == (b"hi", "EIO")
    assert pair.write("master", b"late\n") == 5
    pair.slave = pair.master.open_peer(_FLAGS)
    assert pair.read("slave", 10) == b"late\n"
    assert not pair.poll("master") & select.POLLHUP
