"""The same calls on the host's kernel, and both side by side: a result or errno must be the same.

A `Handle` stands for a descriptor whose number differs between the two, a `Room` for an address.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyuk.abi.errno import name
from pyuk.abi.numbers import NUMBERS
from tests.host_context import host_context
from tests.syscalls.file_task import FileTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyuk.fs.context import FsContext

native_only = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="the oracle is an x86-64 Linux kernel"
)
BAD = 0x1000
"""An address that is mapped nowhere."""
AT_FDCWD = -100
_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


class Handle:
    """A descriptor on both sides."""

    def __init__(self, native: int, guest: int) -> None:
        self.native = native
        self.guest = guest

    def __repr__(self) -> str:
        return f"fd {self.guest}"


class Room:
    """Memory on both sides: n_bytes, and behind them a page that is not there."""

    def __init__(self, native: int, guest: int, n_bytes: int) -> None:
        self.native = native
        self.guest = guest
        self.n_bytes = n_bytes

    def __repr__(self) -> str:
        return f"room of {self.n_bytes}"

    def at(self, offset: int) -> Room:
        """Further in."""
        return Room(self.native + offset, self.guest + offset, self.n_bytes - offset)


Argument = int | bytes | Handle | Room
RETURNS_FD = {"open", "openat", "openat2", "creat", "dup", "socket"}


class Pair:
    """A scratch directory each, the working directory both times; close() checks that no host descriptor leaks."""

    def __init__(self, root: Path, see: Callable[[bytes], FsContext] = host_context) -> None:
        """see: the guest's view from its directory."""
        self.directories = [root / "native" / "here", root / "guests" / "here"]
        for directory in self.directories:
            directory.mkdir(parents=True)
        gc.collect()  # what others have left open
        self._n_fds = _count_fds()
        self._maps: list[mmap.mmap] = []
        self._handles: list[Handle] = []
        self.task = FileTask(see(os.fsencode(self.directories[1])))
        self._before = Path.cwd()
        os.chdir(self.directories[0])

    def prepare(self, action: Callable[[Path], object]) -> None:
        """Do the same in both directories, natively."""
        for directory in self.directories:
            action(directory)

    def file(self, filename: str, data: bytes = b"", mode: int = 0o644) -> None:
        """A file on both sides."""
        for directory in self.directories:
            (directory / filename).write_bytes(data)
            (directory / filename).chmod(mode)

    def room(self, n_bytes: int) -> Room:
        """Writable memory that ends at a bad page where n_bytes is whole pages."""
        whole = (n_bytes + 4095) // 4096 * 4096
        native = mmap.mmap(-1, whole + 4096)
        self._maps.append(native)
        address = ctypes.addressof(ctypes.c_char.from_buffer(native))
        _libc.mprotect(ctypes.c_void_p(address + whole), 4096, 0)
        guest = self.task.mem.alloc(whole + 4096)
        self.task.mem.write(guest, bytes(whole))
        self.task.mem.bad.add((guest + whole) // 4096)
        return Room(address, guest, n_bytes)

    def put(self, data: bytes) -> Room:
        """Data on both sides."""
        room = self.room(len(data))
        ctypes.memmove(room.native, data, len(data))
        self.task.mem.write(room.guest, data)
        return room

    def contents(self, room: Room, *, but: slice = slice(0)) -> bytes:
        """What stands in a room, the same on both sides, `but` for what is each side's own."""
        native = bytearray(ctypes.string_at(room.native, room.n_bytes))
        guest = bytearray(self.task.mem.read(room.guest, room.n_bytes))
        native[but] = guest[but]
        assert guest == native, [i for i in range(room.n_bytes) if native[i] != guest[i]][:20]
        return bytes(native)

    def call(self, call_name: str, *arguments: Argument) -> int | str:
        """The common result or errno name; a new descriptor is kept as `last`."""
        native_result = _native(call_name, arguments)
        guest_result = self.task.call(call_name, *(_side(argument, guest=True) for argument in arguments))
        if call_name in RETURNS_FD and isinstance(native_result, int) and isinstance(guest_result, int):
            self._handles.append(Handle(native_result, guest_result))
            return 0
        assert guest_result == native_result, (
            f"{call_name}({', '.join(map(repr, arguments))}): {guest_result}, natively {native_result}"
        )
        if call_name == "close" and guest_result == 0:
            self._handles = [handle for handle in self._handles if handle is not arguments[0]]
        return guest_result

    def make(self, call_name: str, *arguments: Argument) -> Handle:
        """A call that makes a descriptor and must work."""
        result = self.call(call_name, *arguments)
        assert result == 0, result
        return self._handles[-1]

    def open(self, path: bytes, flags: int = 0, mode: int = 0) -> Handle:
        """A call to openat that must work."""
        return self.make("openat", AT_FDCWD, path, flags, mode)

    @property
    def last(self) -> Handle:
        """The newest descriptor."""
        return self._handles[-1]

    def tree(self) -> list[tuple[str, int, int, bytes]]:
        """The common contents of both directories: path, mode, link count, data."""
        trees = [_tree(directory) for directory in self.directories]
        assert trees[0] == trees[1]
        return trees[0]

    def close(self) -> None:
        """End both sides."""
        for native in {handle.native for handle in self._handles}:
            with suppress(OSError):
                os.close(native)
        self.task.close()
        os.chdir(self._before)
        assert _count_fds() == self._n_fds


def _count_fds() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _side(argument: Argument, *, guest: bool) -> int | bytes:
    if isinstance(argument, (Handle, Room)):
        return argument.guest if guest else argument.native
    return argument


def _native(call_name: str, arguments: tuple[Argument, ...]) -> int | str:
    words = []
    for argument in arguments:
        value = _side(argument, guest=False)
        words.append(ctypes.c_char_p(value) if isinstance(value, bytes) else ctypes.c_long(value))
    result: int = _libc.syscall(ctypes.c_long(NUMBERS[call_name]), *words)
    return result if result != -1 else name(ctypes.get_errno())


def _target(link: Path, directory: Path) -> bytes:
    return os.fsencode(link.readlink()).replace(os.fsencode(directory), b"HERE")


def _tree(directory: Path) -> list[tuple[str, int, int, bytes]]:
    found = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        data = _target(path, directory) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found.append((str(path.relative_to(directory)), status.st_mode, status.st_nlink, data))
    return found
