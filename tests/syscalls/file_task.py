"""A task that has files and memory but no CPU: file handlers are called as dispatch calls them."""

from __future__ import annotations

import os
import time
from array import array
from typing import TYPE_CHECKING, Any

from pyuk.abi.errno import EFAULT, ENAMETOOLONG, SyscallError, name
from pyuk.abi.numbers import NUMBERS
from pyuk.abi.resource import RLIM_NLIMITS, RLIMIT_NOFILE
from pyuk.abi.syscall import find_entry
from pyuk.fs.file import FdTable
from pyuk.kernel.usage import Usage
from pyuk.net.network import Network
from pyuk.syscalls import (  # noqa: F401
    copying,
    dirs,
    fcntl,
    files,
    io,
    ioctl,
    locks,
    paths,
    socket,
    stat,
    sync,
    xattr,
)  # fmt: skip

if TYPE_CHECKING:
    from pyuk.fs.context import FsContext

BASE, SIZE = 0x10000, 0x4000000
PAGE = 4096


class Memory:
    """[BASE, BASE + SIZE) readable and writable but for the pages in `bad`."""

    def __init__(self) -> None:
        self.ram = bytearray(SIZE)
        self.bad: set[int] = set()
        self.next = BASE

    def alloc(self, n_bytes: int) -> int:
        """Fresh room, at a page's beginning."""
        at = self.next
        self.next += (n_bytes + PAGE - 1) // PAGE * PAGE + PAGE
        assert self.next <= BASE + SIZE
        return at

    def put(self, data: bytes) -> int:
        """Data somewhere."""
        at = self.alloc(len(data))
        self.ram[at - BASE : at - BASE + len(data)] = data
        return at

    def _good(self, addr: int, n_bytes: int) -> int:
        end = addr
        while end < addr + n_bytes and BASE <= end < BASE + SIZE and end // PAGE not in self.bad:
            end = (end // PAGE + 1) * PAGE
        return max(0, min(end, addr + n_bytes) - addr)

    def slices(self, addr: int, n_bytes: int, writing: bool) -> list[memoryview]:  # noqa: FBT001
        good = self._good(addr, n_bytes)
        if n_bytes and not good:
            raise SyscallError(EFAULT)
        view = memoryview(self.ram)[addr - BASE : addr - BASE + good]
        middle = good // 2 if good > PAGE else good
        return [piece for piece in (view[:middle], view[middle:]) if len(piece)]

    def read(self, addr: int, n_bytes: int) -> bytes:
        if self._good(addr, n_bytes) < n_bytes:
            raise SyscallError(EFAULT)
        return bytes(self.ram[addr - BASE : addr - BASE + n_bytes])

    def write(self, addr: int, data: bytes) -> None:
        if self._good(addr, len(data)) < len(data):
            raise SyscallError(EFAULT)
        self.ram[addr - BASE : addr - BASE + len(data)] = data

    def read_i32(self, addr: int) -> int:
        return int.from_bytes(self.read(addr, 4), "little", signed=True)

    def read_i64(self, addr: int) -> int:
        return int.from_bytes(self.read(addr, 8), "little", signed=True)

    def cstr(self, addr: int, limit: int = PAGE) -> bytes:
        good = bytes(self.ram[addr - BASE : addr - BASE + self._good(addr, limit)])
        text, nul, _ = good.partition(b"\0")
        if nul:
            return text
        raise SyscallError(ENAMETOOLONG if len(good) == limit else EFAULT)


class Limits:
    """Only RLIMIT_NOFILE matters."""

    def __init__(self) -> None:
        self.soft = [1 << 40] * RLIM_NLIMITS
        self.soft[RLIMIT_NOFILE] = 64


class Creds:
    """Ours."""

    euid = os.geteuid()


class Kernel:
    """What it has of one: no locks yet, and no processes."""

    locks: Any = None
    network = Network(
        monotonic_ns=time.monotonic_ns, realtime_ns=time.time_ns, after=lambda _ns, _act: None,  # type: ignore[arg-type,return-value]
        random_bytes=os.urandom, current=lambda: (os.getpid(), Creds()),  # type: ignore[arg-type,return-value]
    )  # fmt: skip
    tasks: dict[int, Any] = {}  # noqa: RUF012
    processes: dict[int, Any] = {}  # noqa: RUF012


class Process:
    """Ours."""

    pid = os.getpid()

    def __init__(self, limits: Limits) -> None:
        self.limits = limits


class FileTask:
    """What the file handlers use of a Task. `call` returns the result, or the errno's name."""

    def __init__(self, fs: FsContext) -> None:
        self.mem: Any = Memory()
        self.files = FdTable()
        self.fs = fs
        self.limits = Limits()
        self.creds = Creds()
        self.kernel = Kernel()
        self.usage = Usage()
        self.process = Process(self.limits)
        self.signals: list[int] = []

    def send_signal(self, signo: int) -> None:
        self.signals.append(signo)

    def call(self, call_name: str, *arguments: int | bytes) -> int | str:
        """bytes are put into memory first, with a NUL."""
        before = self.mem.next
        values = [self.mem.put(argument + b"\0") if isinstance(argument, bytes) else argument for argument in arguments]
        self.mem.next = before
        registers = array("Q", [0] * 18)
        for register, value in zip((7, 6, 2, 10, 8, 9), values, strict=False):
            registers[register] = value & (1 << 64) - 1
        entry = find_entry(NUMBERS[call_name])
        assert entry is not None
        try:
            return entry(self, memoryview(registers))
        except SyscallError as error:
            return name(error.errno)

    def fd(self, *arguments: int | bytes) -> int:
        """openat that must work."""
        result = self.call("openat", -100, *arguments)
        assert isinstance(result, int), result
        return result

    def close(self) -> None:
        self.files.check_invariants()
        self.files.close_all()
        self.fs.release()
        self.fs.namespace.close()
