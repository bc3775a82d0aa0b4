"""What goes with the bytes of one send or receive: names, control messages, open files (cmsg(3))."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.fs.context import FsContext
    from pyuk.fs.file import OpenFile

    Ucred = tuple[int, int, int]
    Control = tuple[int, int, bytes]


class Outgoing:
    """Of a send: `control` are the messages that are not SOL_SOCKET's, as (level, type, data).

    name: the struct sockaddr, empty for the peer. credentials: pid, uid and gid as SCM_CREDENTIALS gave them. rights:
    the open files of SCM_RIGHTS, each held once for this object. max_in_flight: how many files the user may have on
    their way.
    """

    __slots__ = ("control", "credentials", "fs", "max_in_flight", "name", "rights")

    def __init__(self, name: bytes = b"", fs: FsContext | None = None) -> None:
        """fs: where a path in the name leads."""
        self.name = name
        self.fs = fs
        self.max_in_flight: int | None = None
        self.control: list[Control] = []
        self.credentials: Ucred | None = None
        self.rights: list[OpenFile] = []

    def release(self) -> None:
        """Let go of the files that were not sent."""
        rights, self.rights = self.rights, []
        for file in rights:
            file.release()


class Incoming:
    """Of a receive: filled by the socket. `flags` is what msg_flags tells; the rights are held for the receiver."""

    __slots__ = ("control", "credentials", "flags", "is_cut", "name", "rights")

    def __init__(self) -> None:
        self.name = b""
        self.credentials: Ucred | None = None
        self.is_cut = False
        """MSG_WAITALL or not, the call ends here."""
        self.control: list[Control] = []
        self.rights: list[OpenFile] = []
        self.flags = 0

    def release(self) -> None:
        """Let go of the files that nobody took."""
        rights, self.rights = self.rights, []
        for file in rights:
            file.release()
