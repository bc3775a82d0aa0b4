"""The oracle: what the host's own execve(2) does with a file, seen through ptrace(2).

A tracee stops after a successful execve and before its first instruction, so a refusal, a death inside execve and a
program that dies at once can be told apart, and the new program's memory can be looked at.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PTRACE_TRACEME, PTRACE_CONT, PTRACE_KILL, PTRACE_GETREGS = 0, 7, 8, 12
ADDR_NO_RANDOMIZE = 0x0040000
STACK_TOP = 0x7FFF_FFFF_F000
ADDRESS_SPACE_BYTES = 4 << 30

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

needs_native = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64", reason="the oracle is an x86-64 Linux kernel"
)


@dataclass(frozen=True)
class Someone:
    """Credentials, by default those of the user who runs the tests."""

    uid: int = field(default_factory=os.getuid)
    euid: int = field(default_factory=os.geteuid)
    gid: int = field(default_factory=os.getgid)
    egid: int = field(default_factory=os.getegid)
    groups: tuple[int, ...] = ()


@dataclass
class Native:
    """How an execve went: `errno`; or `killed` by a signal inside it; or `loaded`, and then `end` of the program."""

    errno: int = 0
    killed: int = 0
    loaded: bool = False
    end: str = ""
    regs: tuple[int, ...] = ()
    maps: str = ""
    auxv: bytes = b""
    stat: list[str] = field(default_factory=list)
    stack: bytes = b""

    @property
    def verdict(self) -> str:
        """One word for comparing."""
        if self.errno:
            return f"errno {self.errno}"
        return f"killed {self.killed}" if self.killed else "loaded"

    @property
    def rip(self) -> int:
        return self.regs[16]

    @property
    def rsp(self) -> int:
        return self.regs[19]


def execve(
    path: str,
    argv: list[str] | None = None,
    env: dict[str, str] | None = None,
    *,
    cwd: str | None = None,
    uid: int | None = None,
    run: bool = True,
) -> Native:
    """Run a file under the host's kernel; without `run` it is killed before its first instruction."""
    arguments = _vector([path] if argv is None else argv)
    environment = _vector([f"{name}={value}" for name, value in (env or {}).items()])
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read_end)
            null = os.open("/dev/null", os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            if cwd is not None:
                os.chdir(cwd)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            _libc.personality(ADDR_NO_RANDOMIZE)
            if uid is not None:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            signal.alarm(10)
            _libc.ptrace(PTRACE_TRACEME, 0, None, None)
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
            _libc.execve(os.fsencode(path), arguments, environment)
            os.write(write_end, struct.pack("i", ctypes.get_errno()))
        finally:
            os._exit(127)
    os.close(write_end)
    native = Native()
    try:
        _, status = os.waitpid(pid, 0)
        if os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTRAP:
            native.loaded = True
            _look(pid, native)
            status = _finish(pid, run=run)
            native.end = f"exit {os.WEXITSTATUS(status)}" if os.WIFEXITED(status) else f"signal {os.WTERMSIG(status)}"
        else:
            while os.WIFSTOPPED(status):
                _libc.ptrace(PTRACE_CONT, pid, None, os.WSTOPSIG(status))
                _, status = os.waitpid(pid, 0)
            report = os.read(read_end, 4)
            if report:
                (native.errno,) = struct.unpack("i", report)
            else:
                native.killed = os.WTERMSIG(status)
    finally:
        os.close(read_end)
    return native


def _vector(strings: list[str]) -> ctypes.Array[ctypes.c_char_p]:
    """For libc, as Python's own execve takes no empty argv."""
    return (ctypes.c_char_p * (len(strings) + 1))(*map(os.fsencode, strings), None)


def _look(pid: int, native: Native) -> None:
    regs = (ctypes.c_ulonglong * 27)()
    _libc.ptrace(PTRACE_GETREGS, pid, None, ctypes.cast(regs, ctypes.c_void_p))
    native.regs = tuple(regs)
    proc = Path(f"/proc/{pid}")
    native.maps = (proc / "maps").read_text()
    native.auxv = (proc / "auxv").read_bytes()
    native.stat = (proc / "stat").read_text().rpartition(")")[2].split()
    try:
        with (proc / "mem").open("rb") as memory:
            memory.seek(native.rsp)
            native.stack = memory.read(STACK_TOP - native.rsp)
    except OSError:
        native.stack = b""


def _finish(pid: int, *, run: bool) -> int:
    if not run:
        os.kill(pid, signal.SIGKILL)
    signo = 0
    while True:
        _libc.ptrace(PTRACE_CONT, pid, None, signo)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return status
        signo = os.WSTOPSIG(status)
