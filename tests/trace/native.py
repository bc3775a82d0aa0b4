"""A native process under ptrace(2), given to pyuk's tracer in the place of a guest.

So the tracer's text can be held against that of the host's strace on the same program, whatever pyuk's own kernel
can do by now. A run can also be recorded, and played back to the tracer where there is no ptrace.
"""

from __future__ import annotations

import ctypes
import gzip
import json
import os
import signal
import struct
from typing import TYPE_CHECKING, Any

from pyuk.abi.syscall import find
from pyuk.syscalls import load_all

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pyuk.trace.strace import Tracer

load_all()
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long

_TRACEME, _SYSCALL, _GETREGS, _SETOPTIONS, _GETSIGINFO = 0, 24, 12, 0x4200, 0x4202
_O_TRACESYSGOOD, _O_TRACEEXEC, _O_EXITKILL = 1, 0x10, 0x100000
_EVENT_EXEC = 4
_ADDR_NO_RANDOMIZE = 0x0040000
_ORIG_RAX, _RAX, _RSP = 15, 10, 19
_ARGUMENTS = (14, 13, 12, 7, 9, 8)  # rdi rsi rdx r10 r8 r9 in struct user_regs_struct
_ENOSYS = 38


class _IoVec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class NativeMemory:
    """task.mem of a process: reads what its page tables let it read, and notes what was read."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.reads: list[tuple[int, bytes]] = []

    def peek(self, address: int, n_bytes: int) -> bytes:
        """The good prefix of [address, address + n_bytes)."""
        data = b""
        while len(data) < n_bytes:  # page by page, as process_vm_readv(2) is all or nothing for one iovec
            at = address + len(data)
            n_wanted = min(n_bytes - len(data), 4096 - at % 4096)
            piece = self._read(at, n_wanted) if at >> 47 == 0 else b""
            data += piece
            if len(piece) < n_wanted:
                break
        self.reads.append((address, data))
        return data

    def _read(self, at: int, n_bytes: int) -> bytes:
        buffer = ctypes.create_string_buffer(n_bytes)
        local, remote = _IoVec(ctypes.addressof(buffer), n_bytes), _IoVec(at, n_bytes)
        n_read = _libc.process_vm_readv(self.pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
        return buffer.raw[:n_read] if n_read > 0 else b""


class RecordedMemory:
    """task.mem as it was: answers from what was read when the run was recorded."""

    def __init__(self) -> None:
        self.reads: list[tuple[int, bytes]] = []

    def peek(self, address: int, n_bytes: int) -> bytes:
        """The good prefix."""
        found = [data[address - start :] for start, data in self.reads if start <= address < start + len(data)]
        return max(found, key=len, default=b"")[:n_bytes]


class NativeTask:
    """What the tracer sees of a task."""

    def __init__(self, pid: int, mem: Any) -> None:
        self.tid = pid
        self.mem = mem


class NativeSignal:
    """A siginfo as the host gave it."""

    def __init__(self, signo: int, data: bytes) -> None:
        self.signo = signo
        self.data = data

    def pack(self) -> bytes:
        """The 128 bytes."""
        return self.data


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "TZ": "UTC"}
"""What both tracers give the program."""


def run(argv: Sequence[str], tracer: Tracer, cwd: Path, record: Path | None = None) -> None:
    """Run a program to its end and tell the tracer everything. Its standard files are /dev/null."""
    pid = os.fork()
    if pid == 0:
        _become(argv, cwd)
    events: list[list[Any]] = []
    task = NativeTask(pid, NativeMemory(pid))
    _follow(pid, task, argv, tracer, events)
    if record is not None:
        record.write_bytes(gzip.compress(json.dumps(events).encode(), mtime=0))


def replay(recording: Path, tracer: Tracer) -> None:
    """Tell the tracer what was recorded."""
    memory = RecordedMemory()
    task: Any = None
    for event, arguments, reads in json.loads(gzip.decompress(recording.read_bytes())):
        task = task or NativeTask(arguments[0], memory)
        memory.reads = [(address, bytes.fromhex(data)) for address, data in reads]
        _tell(tracer, task, event, arguments)


def _become(argv: Sequence[str], cwd: Path) -> None:
    try:
        null = os.open("/dev/null", os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        os.closerange(3, 256)
        os.chdir(cwd)
        os.umask(0o022)
        for signo in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
            signal.signal(signo, signal.SIG_DFL)
        _libc.personality(_ADDR_NO_RANDOMIZE)
        _libc.ptrace(_TRACEME, 0, None, None)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execve(argv[0], list(argv), ENVIRONMENT)
    finally:
        os._exit(127)


def _follow(pid: int, task: NativeTask, argv: Sequence[str], tracer: Tracer, events: list[list[Any]]) -> None:
    def tell(event: str, *arguments: Any) -> None:
        task.mem.reads = []
        _tell(tracer, task, event, [pid, *arguments])
        events.append([event, [pid, *arguments], [(at, data.hex()) for at, data in task.mem.reads]])

    os.waitpid(pid, 0)
    _libc.ptrace(_SETOPTIONS, pid, None, _O_TRACESYSGOOD | _O_TRACEEXEC | _O_EXITKILL)
    started = inside = False
    deliver = 0
    while True:
        _libc.ptrace(_SYSCALL, pid, None, deliver)
        deliver = 0
        _pid, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            tell("exited", os.WEXITSTATUS(status))
            return
        if os.WIFSIGNALED(status):
            tell("killed", os.WTERMSIG(status), os.WCOREDUMP(status))
            return
        signo = os.WSTOPSIG(status)
        if signo == signal.SIGTRAP and status >> 16 == _EVENT_EXEC:
            if not started:
                tell("exec", list(argv), len(ENVIRONMENT))
            continue
        if signo == signal.SIGTRAP | 0x80:
            regs = _registers(pid)
            number, result = regs[_ORIG_RAX] & 0xFFFFFFFF, struct.unpack("<q", struct.pack("<Q", regs[_RAX]))[0]
            inside = not inside
            if not started:
                started = not inside and result == 0
            elif inside:
                tell("enter", number, [regs[i] for i in _ARGUMENTS], regs[_RSP])
            else:
                tell("leave", number, [regs[i] for i in _ARGUMENTS], result)
            continue
        info = ctypes.create_string_buffer(128)
        _libc.ptrace(_GETSIGINFO, pid, None, ctypes.addressof(info))
        tell("signal", signo, info.raw.hex())
        deliver = signo


def _registers(pid: int) -> tuple[int, ...]:
    buffer = ctypes.create_string_buffer(27 * 8)
    _libc.ptrace(_GETREGS, pid, None, ctypes.addressof(buffer))
    return struct.unpack("<27Q", buffer.raw)


def _tell(tracer: Tracer, task: NativeTask, event: str, arguments: list[Any]) -> None:
    _pid, *rest = arguments
    if event == "exec":
        argv, n_environment = rest
        tracer.exec(task, os.fsencode(argv[0]), [os.fsencode(word) for word in argv], 0x7FFFFFFFE000, n_environment)
    elif event == "enter":
        number, args, rsp = rest
        tracer.stack_pointer = lambda: rsp
        tracer.enter(task, find(number), number, tuple(args))
    elif event == "leave":
        number, args, result = rest
        tracer.leave(task, find(number), number, tuple(args), result)
    elif event == "signal":
        tracer.signal(task, NativeSignal(rest[0], bytes.fromhex(rest[1])))
    elif event == "exited":
        tracer.ended(task, rest[0] << 8)
    else:
        tracer.ended(task, rest[0] | (0x80 if rest[1] else 0))
