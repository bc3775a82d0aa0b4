"""/proc/PID/net: a place for what sockets and interfaces tell of themselves (Kernel.proc_files)."""

from __future__ import annotations

from pyuk.fs.pseudo.node import Folder, Node
from pyuk.kernel.proc.plain import PlainText

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.proc.subject import Subject

_PREFIX = b"net/"


def net_directory(ino: int, subject: Subject) -> Node:
    """The same for all, as there is one network namespace."""
    files = subject.kernel.proc_files
    names = sorted((path[len(_PREFIX) :] for path in files if path.startswith(_PREFIX)), key=by_length)
    children: dict[bytes, Node] = {
        name: PlainText(ino + 1 + index, files[_PREFIX + name]) for index, name in enumerate(names)
    }
    return NetDirectory(ino, subject, children)


def by_length(name: bytes) -> tuple[int, bytes]:
    """The order in which procfs keeps names (fs/proc/generic.c, proc_match)."""
    return len(name), name


class NetDirectory(Folder):
    """Owned by whom it is about."""

    __slots__ = ("_subject",)

    def __init__(self, ino: int, subject: Subject, children: dict[bytes, Node]) -> None:
        super().__init__(ino, children)
        self._subject = subject

    @property
    def owner(self) -> tuple[int, int]:
        """See Subject.owner."""
        return self._subject.owner(self.st_mode)
