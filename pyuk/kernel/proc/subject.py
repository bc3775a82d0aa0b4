"""Whom a directory of /proc is about, and the nodes in it (Linux 6.1 fs/proc/base.c)."""

from __future__ import annotations

from pyuk.abi.errno import EACCES, ENOENT, EPERM, ESRCH, SyscallError
from pyuk.fs.pseudo.files import BlobFile, PseudoFile, SeqFile, WindowFile
from pyuk.fs.pseudo.node import Directory, File, Link, Node
from pyuk.kernel.access import may_access

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pyuk.fs.file import OpenFile
    from pyuk.fs.pseudo.files import Window
    from pyuk.fs.pseudo.system import PseudoFs
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Process, Task
    from pyuk.mm.space import AddressSpace

    Show = Callable[["Subject"], bytes]
    Write = Callable[["Subject", bytes, int], int]
    Maker = Callable[["Subject", int], Node]

_ROOT = (0, 0)
_SUID_DUMP_USER = 1
_OPEN_DIRECTORY = 0o40555


class Subject:
    """A process, seen through the thread whose tid is its pid, or one of its threads."""

    __slots__ = ("_task", "kernel", "process", "tid")

    def __init__(self, kernel: Kernel, process: Process, task: Task | None = None) -> None:
        """task: for /proc/PID/task/TID; None for the process as a whole."""
        self.kernel = kernel
        self.process = process
        self._task = task
        self.tid = process.pid if task is None else task.tid

    @property
    def is_whole(self) -> bool:
        """Whether times and counts are those of all threads."""
        return self._task is None

    @property
    def task(self) -> Task:
        """Whose the rest is."""
        return self.process.leader if self._task is None else self._task

    @property
    def is_there(self) -> bool:
        """Whether it lives, or is a zombie that nobody has waited for."""
        if self.kernel.processes.get(self.process.pid) is not self.process:
            return False
        task = self.task
        return not task.is_dead or task is self.process.leader

    def check(self) -> None:
        """Errors: ESRCH it is not there any more."""
        if not self.is_there:
            raise SyscallError(ESRCH)

    @property
    def mm(self) -> AddressSpace | None:
        """Its memory; a zombie has none."""
        return None if self.task.is_dead else self.task.mm

    @property
    def viewer(self) -> Task:
        """Who asks."""
        return self.kernel.current

    def may_look(self) -> bool:
        """ptrace_may_access with the credentials that count for files."""
        return may_access(self.viewer, self.task, by_real_ids=False)

    def check_access(self) -> None:
        """Errors: ESRCH; EACCES the viewer may not look."""
        self.check()
        if not self.may_look():
            raise SyscallError(EACCES)

    def check_attach(self) -> None:
        """Errors: ESRCH; EPERM the viewer may not look (fs/proc/base.c, lock_trace)."""
        self.check()
        if not self.may_look():
            raise SyscallError(EPERM)

    def owner(self, mode: int) -> tuple[int, int]:
        """task_dump_owner: root where the process does not want to be looked at; not so for what anybody may enter."""
        task = self.task
        if mode != _OPEN_DIRECTORY and (task.is_dead or self.process.dumpable != _SUID_DUMP_USER):
            return _ROOT
        return task.creds.euid, task.creds.egid


class Entry:
    """A row of the tables in fs/proc/base.c: a name and how its node is made."""

    __slots__ = ("make", "name")

    def __init__(self, name: bytes, make: Maker) -> None:
        self.name = name
        self.make = make


class TaskDirectory(Directory):
    """A directory about a subject."""

    __slots__ = ("subject",)

    def __init__(self, ino: int, subject: Subject, mode: int = 0o555) -> None:
        super().__init__(ino, mode)
        self.subject = subject

    @property
    def owner(self) -> tuple[int, int]:
        """See Subject.owner."""
        return self.subject.owner(self.st_mode)

    def revalidate(self) -> None:
        """See Node."""
        if not self.subject.is_there:
            raise SyscallError(ENOENT)


class TableDirectory(TaskDirectory):
    """One with a fixed table of names."""

    __slots__ = ("_ino_bits", "_table")

    def __init__(self, ino: int, subject: Subject, table: dict[bytes, Entry], *, ino_bits: int = 0) -> None:
        """ino_bits: how many bits of their inode numbers are the names' own."""
        super().__init__(ino, subject)
        self._table = table
        self._ino_bits = ino_bits

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        entry = self._table.get(name)
        if entry is None:
            raise SyscallError(ENOENT)
        return entry.make(self.subject, self._ino_of(name))

    def entries(self) -> Iterable[tuple[bytes, Node]]:
        """In the table's order."""
        self.revalidate()
        return [(name, entry.make(self.subject, self._ino_of(name))) for name, entry in self._table.items()]

    def _ino_of(self, name: bytes) -> int:
        return self.ino + (1 + list(self._table).index(name) << self._ino_bits)


INO_BITS = 24
"""Below these an inode number has what is in a directory of a process: a descriptor, for one."""


class TaskFile(File):
    """A file about a subject."""

    __slots__ = ("_check", "subject")

    def __init__(self, ino: int, mode: int, subject: Subject, check: Callable[[Subject], None] | None = None) -> None:
        """check: what open(2) refuses beside the mode."""
        super().__init__(ino, mode)
        self.subject = subject
        self._check = check

    @property
    def owner(self) -> tuple[int, int]:
        """See Subject.owner."""
        return self.subject.owner(self.st_mode)

    def revalidate(self) -> None:
        """See Node."""
        if not self.subject.is_there:
            raise SyscallError(ENOENT)

    def open(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See File."""
        if self._check is not None:
            self._check(self.subject)
        return self.open_checked(fs, path, flags)

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """The kind's own."""
        raise NotImplementedError


class TextNode(TaskFile):
    """One text, made as a whole (ONE in fs/proc/base.c); perhaps it can be written."""

    __slots__ = ("_show", "_write")

    def __init__(
        self, ino: int, mode: int, subject: Subject, show: Show, write: Write | None = None,
        check: Callable[[Subject], None] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(ino, mode, subject, check)
        self._show = show
        self._write = write

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        return SeqFile(fs, self, path, flags, lambda: (self._made(),))

    def _made(self) -> bytes:
        self.subject.check()
        return self._show(self.subject)

    def write(self, data: bytes, offset: int) -> int:
        """See File."""
        if self._write is None:
            return super().write(data, offset)
        self.subject.check()
        return self._write(self.subject, data, offset)


class BlobNode(TextNode):
    """The same where each read sees what is there now, from any place on."""

    __slots__ = ()

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        return BlobFile(fs, self, path, flags, self._made)


class MemoryNode(TaskFile):
    """What is about a memory, the one that was there at open: `records` makes its text, `window` what has offsets."""

    __slots__ = ("_records",)

    def __init__(
        self, ino: int, subject: Subject, records: Callable[[AddressSpace], Iterable[bytes]], mode: int = 0o444
    ) -> None:
        super().__init__(ino, mode, subject, Subject.check_access)
        self._records = records

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        mm, subject = self.subject.mm, self.subject

        def show() -> Iterable[bytes]:
            subject.check()
            return self._records(mm) if mm is not None and mm.users else ()

        return SeqFile(fs, self, path, flags, show)


class MemoryBlobNode(TaskFile):
    """Bytes of the memory that was there at open, from any place on: environ, auxv."""

    __slots__ = ("_get",)

    def __init__(self, ino: int, subject: Subject, get: Callable[[Subject, AddressSpace], bytes], mode: int) -> None:
        super().__init__(ino, mode, subject, Subject.check_access)
        self._get = get

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        mm, subject = self.subject.mm, self.subject
        return BlobFile(fs, self, path, flags, lambda: self._get(subject, mm) if mm is not None and mm.users else b"")


class WindowNode(TaskFile):
    """A file whose offsets are addresses."""

    __slots__ = ("_make",)

    def __init__(self, ino: int, subject: Subject, make: Callable[[AddressSpace], Window], mode: int) -> None:
        super().__init__(ino, mode, subject, Subject.check_access)
        self._make = make

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        mm = self.subject.mm
        if mm is None:
            return BlobFile(fs, self, path, flags, lambda: b"")
        return WindowFile(fs, self, path, flags, LiveWindow(mm, self._make(mm)))

    def write(self, data: bytes, offset: int) -> int:
        """Of a zombie: nothing goes in."""
        return 0


class LiveWindow:
    """A window into a memory for as long as somebody has it."""

    __slots__ = ("_mm", "_window")

    def __init__(self, mm: AddressSpace, window: Window) -> None:
        self._mm = mm
        self._window = window

    def read(self, slices: list[memoryview], offset: int) -> int:
        """See Window."""
        return self._window.read(slices, offset) if self._mm.users else 0

    def write(self, slices: list[memoryview], offset: int) -> int:
        """See Window."""
        return self._window.write(slices, offset) if self._mm.users else 0


class TaskLink(Link):
    """A magic link: text for readlink(2), and the file itself for a walk. `find` gives None where there is nothing."""

    __slots__ = ("_find", "subject")

    def __init__(
        self, ino: int, subject: Subject, find: Callable[[Subject], tuple[bytes, OpenFile | bytes] | None],
        mode: int = 0o777,
    ) -> None:  # fmt: skip
        """find: the text, and the file (not held) or the path behind it."""
        super().__init__(ino, mode)
        self.subject = subject
        self._find = find

    @property
    def owner(self) -> tuple[int, int]:
        """See Subject.owner."""
        return self.subject.owner(self.st_mode)

    def revalidate(self) -> None:
        """See Node."""
        if not self.subject.is_there:
            raise SyscallError(ENOENT)

    def _found(self) -> tuple[bytes, OpenFile | bytes]:
        if not self.subject.is_there:
            raise SyscallError(ENOENT)
        if not self.subject.may_look():
            raise SyscallError(EACCES)
        found = self._find(self.subject)
        if found is None:
            raise SyscallError(ENOENT)
        return found

    def text(self) -> bytes:
        """See Link. Errors: EACCES the viewer may not look, ENOENT there is nothing."""
        return self._found()[0]

    def target(self) -> bytes | OpenFile:
        """See Link."""
        behind = self._found()[1]
        return behind if isinstance(behind, bytes) else behind.hold()
