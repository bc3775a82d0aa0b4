"""A terminal as such: what those of pyuk's own and the host's have in common (struct tty_struct)."""

from __future__ import annotations

from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.stat import Stat, StatFs
    from pyuk.fs.tty.file import TtyFile
    from pyuk.fs.tty.jobs import Sessions

_WINSIZE_BYTES = 8
PTS_MAJOR = 136  # Documentation/admin-guide/devices.txt: UNIX98_PTY_SLAVE_MAJOR
# Why a read or a write ends
HUNG_UP = -1


class Tty:
    """One terminal.

    Invariants: sid and pgid are the session that it controls and that session's foreground, or both 0; a process whose
    `tty` this is belongs to the session sid. `files` are the open descriptions.
    """

    __slots__ = ("files", "index", "is_exclusive", "pgid", "read_wait", "sessions", "sid", "write_wait")
    is_master = False

    def __init__(self, sessions: Sessions, index: int) -> None:
        self.sessions = sessions
        self.index = index
        self.sid = self.pgid = 0
        self.is_exclusive = False
        self.files: set[TtyFile] = set()
        self.read_wait = WaitQueue()
        self.write_wait = WaitQueue()

    @property
    def rdev(self) -> int:
        """Its device number, as stat(2) shows it."""
        return PTS_MAJOR << 8 | self.index & 0xFF | (self.index >> 8) << 20

    @property
    def name(self) -> bytes:
        """Where it is found."""
        return b"/dev/pts/%d" % self.index

    @property
    def slave(self) -> Tty:
        """What the settings, the size and the foreground belong to: a master asks its slave."""
        return self

    def read(self, file: TtyFile, n_most: int) -> bytes:
        """What a read gives; empty is an end of file. May raise WouldBlock. Errors: EIO, EAGAIN, ERESTARTSYS."""
        raise NotImplementedError

    def read_rest(self, n_most: int) -> bytes:
        """What a read gives that waits no longer: what there is in non-canonical mode."""
        return b""

    def write(self, file: TtyFile, data: bytes) -> int:
        """Write what there is room for. May raise WouldBlock. Errors: EIO, EAGAIN, ERESTARTSYS."""
        raise NotImplementedError

    def poll(self) -> int:
        """See OpenFile.poll."""
        raise NotImplementedError

    def control(self, file: TtyFile, request: int, data: bytes) -> bytes:
        """See OpenFile.control."""
        raise NotImplementedError

    def closed(self, file: TtyFile) -> None:
        """A description less."""
        self.files.discard(file)

    def stat(self) -> Stat:
        """As its device node."""
        raise NotImplementedError

    def statfs(self) -> StatFs:
        """Of where the node stands."""
        raise NotImplementedError

    def wake_readers(self) -> None:
        """There is something to read."""
        self.read_wait.wake()
