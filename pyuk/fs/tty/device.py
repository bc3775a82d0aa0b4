"""A terminal as such: what those of pyuk's own and the host's have in common (struct tty_struct)."""

from __future__ import annotations

from pyuk.wait.queue import WaitQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.tmpnode import Entry
    from pyuk.fs.tty.file import TtyFile
    from pyuk.fs.tty.jobs import Sessions


class Tty:
    """One terminal.

    Invariants: sid and pgid are the session that it controls and that session's foreground, or both 0; a process whose
    `tty` this is belongs to the session sid. `files` are the open descriptions.
    """

    __slots__ = ("entry", "files", "index", "is_exclusive", "pgid", "read_wait", "sessions", "sid", "write_wait")
    is_master = False

    def __init__(self, sessions: Sessions, index: int, entry: Entry) -> None:
        """index, entry: its number and its name in /dev/pts."""
        self.sessions = sessions
        self.index = index
        self.entry = entry
        self.sid = self.pgid = 0
        self.is_exclusive = False
        self.files: set[TtyFile] = set()
        self.read_wait = WaitQueue()
        self.write_wait = WaitQueue()

    @property
    def rdev(self) -> int:
        """Its device number."""
        return self.entry.inode.st_rdev

    @property
    def slave(self) -> Tty:
        """What the settings, the size and the foreground belong to: a master asks its slave."""
        return self

    def open(self, entry: Entry, flags: int) -> TtyFile:
        """As open(2), by this node. Errors: EIO, EBUSY."""
        raise NotImplementedError

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

    def hang_up(self) -> None:
        """vhangup(2). The host's terminal is not the guests' to hang up."""

    def wake_readers(self) -> None:
        """There is something to read."""
        self.read_wait.wake()
