"""Open file descriptions, and the table of descriptors that refer to them (open(2), "open file description")."""

from __future__ import annotations

from pyuk.abi.errno import (
    EBADF,
    EFAULT,
    EINVAL,
    EMFILE,
    ENODEV,
    ENOENT,
    ENOTDIR,
    ENOTTY,
    EOPNOTSUPP,
    EPERM,
    ERESTARTSYS,
    EROFS,
    ESPIPE,
    EXDEV,
    SyscallError,
)  # fmt: skip
from pyuk.abi.fcntl import O_ACCMODE, O_PATH, O_RDONLY, O_RDWR, O_WRONLY
from pyuk.abi.unistd import MAX_RW_COUNT, SEEK_CUR

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from typing import Protocol

    from pyuk.abi.types import Fd
    from pyuk.fs.backing import HostBacking
    from pyuk.fs.epoll import EpollItem
    from pyuk.fs.filesystem import FileSystem, Times
    from pyuk.fs.locks import FileLocks
    from pyuk.fs.mount import Mount
    from pyuk.fs.place import Place
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.wait.queue import WaitQueue

    class Attached(Protocol):
        """What an open file description carries along."""

        def released(self, file: OpenFile) -> None: ...


NR_OPEN = 1 << 20
"""fs.nr_open: the most that RLIMIT_NOFILE can be."""

_PIECE_BYTES = 4096
_TERMIOS_BYTES = 36
_ALWAYS_READY = 0x145  # POLLIN POLLOUT POLLRDNORM POLLWRNORM (include/linux/poll.h, DEFAULT_POLLMASK)
_FEW_FDS, _MANY_FDS = 64, 128
_WORD_BITS = 10
_WORD = (1 << _WORD_BITS) - 1
_ALL = (1 << (1 << _WORD_BITS)) - 1


class OpenFile:
    """An open file description: shared by dup(2) and fork(2), closed when the last reference goes.

    The methods are what a system call asks of any file; each raises the errno of a file that cannot do it.
    Slices are views of guest RAM that the data moves into or out of, in order; a count returned is at most their sum.
    `can_poll` says whether it ever makes anybody wait, so that epoll takes it; `sends_sigpipe`, whether EPIPE is a
    signal too; `has_messages`, that a write is one thing and never cut; `is_counted`, that what is moved is counted
    as read or written (/proc/PID/io); `takes_direct`, that F_SETFL may set O_DIRECT; `takes_unread`, that a write takes
    everything without a look at it.
    Invariants: refs >= 1 while a descriptor, a mapping's set-up or a parked call holds it; flags has the access mode
    and the status flags, as F_GETFL shows them.
    """

    __slots__ = (
        "attached", "covers", "epoll_items", "filesystem", "flags", "ident", "mount", "owner", "readable", "refs",
        "stream", "writable",
    )  # fmt: skip
    can_poll = False
    sends_sigpipe = True
    sends_sigpipe_late = True
    """Also where some bytes were written before."""
    has_messages = False
    takes_direct = False
    takes_unread = False
    is_counted = True
    is_socket = False
    waits_in = (b"wait_woken", b"wait_woken")
    """The kernel's functions in which a read and a write sleep (/proc/PID/wchan)."""
    is_listener = False
    """Of seccomp(2): its ioctls are its own."""

    def __init__(self, flags: int) -> None:
        mode = flags & O_ACCMODE
        self.flags = flags
        self.readable = mode in (O_RDONLY, O_RDWR) and not flags & O_PATH
        self.writable = mode in (O_WRONLY, O_RDWR) and not flags & O_PATH
        self.refs = 1
        self.stream = False
        """Reads give what there is now and never fill up: pipes, terminals, sockets."""
        self.ident = (-1, -1)
        """st_dev and st_ino of a host's regular file, by which the page cache knows it, or directory."""
        self.mount: Mount | None = None
        """The mount by which it was opened; None for what has no name: pipes, the caller's standard files."""
        self.filesystem: FileSystem | None = None
        """Whose directory this is, where it can be the start of a path walk."""
        self.covers = False
        """Of a directory: there was a mount on or below it when it was opened."""
        self.epoll_items: list[EpollItem] | None = None
        """Where epolls have it: they forget it when it is closed."""
        self.attached: list[Attached] | None = None
        """What else ends with it: its locks, its signals."""
        self.owner: object = None
        """Who gets its signals (kernel/sigio.py); None for nobody."""

    @property
    def has_fasync(self) -> bool:
        """Whether O_ASYNC means anything to it: pipes, sockets, terminals."""
        return self.stream and self.can_poll

    def hold(self) -> OpenFile:
        """One more owner."""
        self.refs += 1
        return self

    def release(self) -> None:
        """One owner less; the last one closes."""
        self.refs -= 1
        if self.refs == 0:
            if self.epoll_items:
                for item in tuple(self.epoll_items):
                    item.leave()
            if self.attached is not None:
                for other in self.attached:
                    other.released(self)
            self.close()

    def attach(self, other: Attached) -> None:
        """Have something told, once, when the description is closed."""
        if self.attached is None:
            self.attached = [other]
        elif other not in self.attached:
            self.attached.append(other)

    def close(self) -> None:
        """Give back what the description holds; called once, by the last release()."""

    def read(self, slices: list[memoryview]) -> int:
        """Read at the file's position and move it."""
        raise SyscallError(EINVAL, "the file cannot be read")

    def read_rest(self, slices: list[memoryview]) -> int:
        """What a read gives that has waited and waits no longer: a terminal may have some bytes, but not enough."""
        return 0

    def await_bytes(self) -> None:
        """Of a stream that knows it: raise what a read of something would, before the buffer is looked at."""

    def await_room(self, n_bytes: int) -> None:
        """The same for a write."""

    def write(self, slices: list[memoryview]) -> int:
        """Write at the file's position and move it."""
        raise SyscallError(EINVAL, "the file cannot be written")

    def pread(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Read at offset, or with -1 at the position; rwf are preadv2's RWF_ flags."""
        raise SyscallError(ESPIPE)

    def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int:
        """Write at offset, or with -1 at the position."""
        raise SyscallError(ESPIPE)

    def whole_pieces(self, slices: list[memoryview], n_bytes: int) -> list[memoryview]:
        """What a stream takes of a write of n_bytes of which only the slices could be read (fs/pipe.c, pipe_write).

        A piece goes in whole or not at all; a pipe's are pages, counted from the write's beginning.
        """
        return first_bytes(slices, sum(map(len, slices)) & -_PIECE_BYTES)

    def maps_zeros(self) -> bool:
        """Whether a mapping of it is memory of nobody's (/dev/zero)."""
        return False

    def read_nothing_at_all(self) -> None:
        """A vector call has read 0 bytes, which whoever watches the file is told (watched.py)."""

    def read_limit(self, offset: int | None) -> int:
        """At most what a read here can give, where that is known: a larger buffer need not be there."""
        return MAX_RW_COUNT

    def read_nothing(self, offset: int | None) -> bool:
        """Whether a read here gives 0 bytes without looking at the buffer (end of file)."""
        return False

    def write_unread(self) -> bool:
        """Whether a write takes everything without looking at it (/dev/null)."""
        return False

    def read_fault(self, offset: int | None, n_bytes: int) -> int:
        """A read of n_bytes into a bad buffer: the file's own refusal and the end of file come first."""
        if offset is None:
            self.read([])
        else:
            self.pread([], offset)
        if self.read_nothing(offset):
            return 0
        raise SyscallError(EFAULT)

    def write_fault(self, offset: int | None, n_bytes: int) -> int:
        """A write from a bad buffer, which /dev/null does not notice, and /dev/full refuses for another reason."""
        if offset is None:
            self.write([])
        else:
            self.pwrite([], offset)
        if self.write_unread():
            return min(n_bytes, MAX_RW_COUNT)
        raise SyscallError(EFAULT)

    def interruption(self, *, filling: bool) -> int:
        """The errno of a read (filling) or write that a signal has ended before it moved anything."""
        return ERESTARTSYS

    def give_up(self) -> int:
        """The result of a read or write whose time is over: terminals have such a time, VTIME in termios(3)."""
        return 0

    def poll(self) -> int:
        """What poll(2) can say of it now, whatever is asked for; a file that never waits is always ready."""
        return _ALWAYS_READY

    def poll_queues(self) -> tuple[WaitQueue, ...]:
        """Who is told when that changes."""
        return ()

    def lseek(self, offset: int, whence: int) -> int:
        """Move the position and return it."""
        raise SyscallError(ESPIPE)

    def stat(self) -> os.stat_result | Stat:
        """What fstat(2) shows."""
        raise NotImplementedError

    def statx(self, flags: int, mask: int) -> bytes | None:
        """See FileSystem.statx."""
        return None

    def statfs(self) -> StatFs:
        """What fstatfs(2) shows."""
        raise NotImplementedError

    def access(self, mode: int, *, effective: bool) -> None:
        """See FileSystem.access: for AT_EMPTY_PATH."""

    def readlink(self) -> bytes:
        """The target, where this is a link opened with O_PATH | O_NOFOLLOW."""
        raise SyscallError(ENOENT)

    def pipe_bytes(self) -> int:
        """F_GETPIPE_SZ."""
        raise SyscallError(EBADF)

    def set_pipe_bytes(self, n_bytes: int, *, is_privileged: bool) -> int:
        """F_SETPIPE_SZ; gives what it has become."""
        raise SyscallError(EBADF)

    def copy_range(self, start: int | None, target: OpenFile, target_start: int | None, count: int) -> int:
        """As copy_file_range(2), between regular files; None is a file's position."""
        raise SyscallError(EXDEV)

    def truncate(self, size_bytes: int) -> None:
        """Set the size (ftruncate(2))."""
        raise SyscallError(EINVAL)

    def allocate(self, mode: int, offset: int, length: int) -> None:
        """As fallocate(2), on checked numbers."""
        raise SyscallError(ENODEV if self.writable else EBADF)

    def seals(self) -> int:
        """F_GET_SEALS."""
        raise SyscallError(EINVAL)

    def add_seals(self, seals: int) -> None:
        """F_ADD_SEALS."""
        raise SyscallError(EINVAL)

    def sync(self, *, data_only: bool) -> None:
        """As fsync(2), or fdatasync(2)."""
        raise SyscallError(EINVAL)

    def sync_all(self) -> None:
        """As syncfs(2)."""

    def sync_range(self, offset: int, n_bytes: int, flags: int) -> None:
        """As sync_file_range(2)."""

    def advise(self, offset: int, n_bytes: int, advice: int) -> None:
        """As posix_fadvise(2)."""

    def entries(self) -> Iterator[tuple[int, int, int, bytes]]:
        """Directory entries from the position on: inode, offset of the next, DT_ type, name."""
        raise SyscallError(ENOTDIR)

    def control(self, request: int, data: bytes) -> bytes:
        """As ioctl(2) with its argument's bytes; what comes back is copied out."""
        raise SyscallError(ENOTTY)

    def check_request(self, request: int) -> None:
        """What ioctl(2) says before it looks at a pointer. Errors: ENOTTY the file knows no such request."""
        from pyuk.abi.ioctls import TCGETS  # noqa: PLC0415  # for a bad pointer only

        self.control(TCGETS, bytes(_TERMIOS_BYTES))

    def open_peer(self, flags: int) -> OpenFile:
        """The other end of a pseudoterminal (TIOCGPTPEER)."""
        raise SyscallError(ENOTTY)

    def chmod(self, mode: int) -> None:
        """As fchmod(2)."""
        raise SyscallError(EPERM)

    def chown(self, uid: int, gid: int) -> None:
        """As fchown(2)."""
        raise SyscallError(EPERM)

    def utime(self, times_ns: Times) -> None:
        """As futimens(3)."""
        raise SyscallError(EPERM)

    def getxattr(self, name: bytes) -> bytes:
        """As fgetxattr(2), the whole value."""
        raise SyscallError(EOPNOTSUPP)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """As fsetxattr(2)."""
        raise SyscallError(EOPNOTSUPP)

    def removexattr(self, name: bytes) -> None:
        """As fremovexattr(2)."""
        raise SyscallError(EOPNOTSUPP)

    def listxattr(self) -> list[bytes]:
        """As flistxattr(2)."""
        return []

    def status_flags(self) -> int:
        """F_GETFL."""
        return self.flags

    def set_status(self, flags: int) -> None:
        """F_SETFL: flags has the new O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME, O_ASYNC; the rest stays."""
        self.flags = flags

    def backing(self) -> HostBacking:
        """The file as something that can be mapped, held once for the caller."""
        raise SyscallError(ENODEV)

    def host_fd(self) -> int:
        """The host's descriptor behind this, -1 where there is none. Never shown to a guest."""
        return -1

    def host_name(self) -> bytes:
        """A path by which the host finds exactly this file. Never shown to a guest."""
        raise SyscallError(EXDEV)

    def want_write(self) -> None:
        """EROFS where the mount is read-only: what an open file carries may be changed only elsewhere."""
        if self.mount is not None and self.mount.is_read_only:
            raise SyscallError(EROFS)

    def link_to(self, new: Place) -> None:
        """Give it one more name."""
        new.link_file(self)

    def link_text(self) -> bytes:
        """What readlink of /proc/self/fd/N gives."""
        if self.mount is None:
            raise NotImplementedError
        return self.mount.path_of(self)

    def position_now(self) -> int:
        """Its position, 0 where it has none."""
        try:
            return 0 if self.stream else self.lseek(0, SEEK_CUR)
        except SyscallError:
            return 0

    def fdinfo(self) -> bytes:
        """The lines of /proc/PID/fdinfo that are its kind's own."""
        return b""

    def reopen(self, flags: int) -> OpenFile:
        """A new description of the same file: open("/proc/self/fd/N")."""
        return self.hold()


class FdTable:
    """Descriptor numbers to open files. The lowest free number is found in a bitmap of two levels.

    Invariants: bit fd & 1023 of _words[fd >> 10] is set for every open fd; bit w of _full is set when word w is all
    all ones; cloexec is a subset of the open fds. `refs` counts the tasks that share the table (CLONE_FILES).
    """

    __slots__ = ("_full", "_next", "_open", "_words", "cloexec", "locked", "refs")

    def __init__(self) -> None:
        self._open: dict[int, OpenFile] = {}
        self._words: dict[int, int] = {}
        self._full = 0
        self._next = 0
        """All numbers below are open."""
        self.cloexec: set[int] = set()
        self.locked: dict[FileLocks, None] = {}
        """The files on which it holds record locks: it gives them up when it closes one."""
        self.refs = 1

    def get(self, fd: Fd | int) -> OpenFile:
        """The file for reading, writing or controlling: EBADF too for one opened with O_PATH."""
        file = self._open.get(fd)
        if file is None or file.flags & O_PATH:
            raise SyscallError(EBADF)
        return file

    def get_any(self, fd: Fd | int) -> OpenFile:
        """The file, O_PATH or not: for fstat, dup, close, fchdir, F_GETFD and as a dirfd."""
        file = self._open.get(fd)
        if file is None:
            raise SyscallError(EBADF)
        return file

    def find(self, fd: int) -> OpenFile | None:
        """The file, if there is one."""
        return self._open.get(fd)

    def is_open(self, fd: int) -> bool:
        """Whether there is a file, O_PATH or not."""
        return fd in self._open

    def table_size(self) -> int:
        """How many numbers Linux's table has room for (fs/file.c, alloc_fdtable).

        Deviation: a table there never gets smaller.
        """
        highest = max(self._open, default=0)
        return _FEW_FDS if highest < _FEW_FDS else _MANY_FDS << (highest // _MANY_FDS).bit_length()

    def lowest_free(self, lowest: int = 0) -> int:
        """The first free number at or above lowest."""
        if lowest <= self._next:
            lowest = self._next
            if lowest not in self._open:
                return lowest
        word = lowest >> _WORD_BITS
        free = ~self._words.get(word, 0) & _ALL & -1 << (lowest & _WORD)
        if not free:
            above = ~(self._full >> (word + 1))
            word += (above & -above).bit_length()
            free = ~self._words.get(word, 0) & _ALL
        return word << _WORD_BITS | (free & -free).bit_length() - 1

    def install(self, file: OpenFile, *, cloexec: bool = False, lowest: int = 0, n_max: int = NR_OPEN) -> Fd:
        """Give the file the lowest free number; the caller's reference becomes the table's.

        Errors: EMFILE no number below n_max (RLIMIT_NOFILE) is free; the reference stays the caller's.
        """
        fd = self.lowest_free(lowest)
        if fd >= n_max:
            raise SyscallError(EMFILE)
        if fd == self._next:
            self._next = fd + 1
        self._set(fd, file, cloexec=cloexec)
        return fd  # type: ignore[return-value]

    def check_room(self, n_max: int) -> None:
        """EMFILE where install would say so: Linux takes the number before it opens the file."""
        if self.lowest_free() >= n_max:
            raise SyscallError(EMFILE)

    def replace(self, fd: int, file: OpenFile, *, cloexec: bool = False) -> None:
        """Put the file at fd, closing what was there without a moment in between (dup2(2))."""
        old = self._open.get(fd)
        self._set(fd, file, cloexec=cloexec)
        if old is not None:
            if self.locked:
                self._unlock(old)
            try:
                old.release()
            except SyscallError:
                pass  # dup2(2), NOTES: errors of the close are lost

    def _set(self, fd: int, file: OpenFile, *, cloexec: bool) -> None:
        self._open[fd] = file
        word = fd >> _WORD_BITS
        bits = self._words.get(word, 0) | 1 << (fd & _WORD)
        self._words[word] = bits
        if bits == _ALL:
            self._full |= 1 << word
        if cloexec:
            self.cloexec.add(fd)
        else:
            self.cloexec.discard(fd)

    def close(self, fd: Fd | int) -> None:
        """Free the number, then let go of the file. Errors: EBADF, and what the file's close reports."""
        file = self._open.pop(fd, None)
        if file is None:
            raise SyscallError(EBADF)
        self._next = min(self._next, fd)
        word = fd >> _WORD_BITS
        self._words[word] &= ~(1 << (fd & _WORD))
        self._full &= ~(1 << word)
        self.cloexec.discard(fd)
        if self.locked:
            self._unlock(file)
        file.release()

    def attach(self, locks: FileLocks) -> None:
        """It has locks there."""
        self.locked[locks] = None

    def _unlock(self, file: OpenFile) -> None:
        """The close of any descriptor of a file gives up the process's record locks on it (filp_close)."""
        if not file.flags & O_PATH:
            for locks in tuple(self.locked):
                if locks.is_of(file):
                    locks.drop(file, self)

    def files(self) -> list[OpenFile]:
        """The open files."""
        return list(self._open.values())

    def numbers(self) -> list[int]:
        """The open descriptors in order."""
        return sorted(self._open)

    def copy(self) -> FdTable:
        """A child's own table of the same open files (fork(2))."""
        twin = FdTable()
        twin._open = {fd: file.hold() for fd, file in self._open.items()}
        twin._words = self._words.copy()
        twin._full = self._full
        twin._next = self._next
        twin.cloexec = self.cloexec.copy()
        return twin

    def share(self) -> FdTable:
        """One more task with this very table (CLONE_FILES)."""
        self.refs += 1
        return self

    def unshare(self) -> FdTable:
        """A table that nobody else has, for the caller to have instead of this one."""
        if self.refs == 1:
            return self
        self.refs -= 1
        return self.copy()

    def release(self) -> None:
        """One task less; the last one closes everything."""
        self.refs -= 1
        if not self.refs:
            self.close_all()

    def close_on_exec(self) -> None:
        """What a successful execve(2) does."""
        for fd in sorted(self.cloexec):
            self.close_quietly(fd)

    def close_all(self) -> None:
        """What the last task's exit does."""
        for fd in self.numbers():
            self.close_quietly(fd)

    def close_quietly(self, fd: int) -> None:
        """Nobody is there to hear what a file's close reports."""
        try:
            self.close(fd)
        except SyscallError:
            pass

    def check_invariants(self) -> None:
        """Raise AssertionError where the class's invariants do not hold."""
        used = {word << _WORD_BITS | bit for word, bits in self._words.items() for bit in _bits(bits)}
        full = {word for word, bits in self._words.items() if bits == _ALL}
        ok = used == set(self._open) and full == set(_bits(self._full)) and self.cloexec <= used
        ok &= set(range(self._next)) <= used
        if not ok or any(file.refs < 1 for file in self._open.values()):
            raise AssertionError(self._open, self._words, self._full, self.cloexec)


def _bits(word: int) -> list[int]:
    return [bit for bit in range(word.bit_length()) if word >> bit & 1]


def first_bytes(slices: list[memoryview], n_bytes: int) -> list[memoryview]:
    """The beginning of the slices."""
    kept = []
    for piece in slices:
        if n_bytes <= 0:
            break
        kept.append(piece[:n_bytes])
        n_bytes -= len(piece)
    return kept


def without_bytes(slices: list[memoryview], n_bytes: int) -> list[memoryview]:
    """What is left of the slices behind their first n_bytes."""
    rest = []
    for piece in slices:
        if n_bytes < len(piece):
            rest.append(piece[n_bytes:])
            n_bytes = 0
        else:
            n_bytes -= len(piece)
    return rest


def scatter(slices: list[memoryview], data: bytes | memoryview) -> int:
    """Store data in the slices, as much of it as they take; gives how much that is."""
    at = 0
    for piece in slices:
        n = min(len(piece), len(data) - at)
        piece[:n] = data[at : at + n]
        at += n
    return at
