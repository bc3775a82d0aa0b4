"""The links of a process: exe, cwd, root, descriptors, mapped files, namespaces (fs/proc/base.c, fs/proc/fd.c)."""

from __future__ import annotations

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.fcntl import O_ACCMODE, O_RDONLY, O_WRONLY
from pyuk.kernel.proc.nsfs import NAMESPACES, NamespaceFile
from pyuk.kernel.proc.subject import INO_BITS, Subject, TaskDirectory, TaskLink, TextNode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyuk.fs.file import OpenFile
    from pyuk.fs.permission import Who
    from pyuk.fs.pseudo.node import Node


def exe(subject: Subject) -> tuple[bytes, OpenFile | bytes] | None:
    """The program's file."""
    if subject.task.is_dead:
        return None
    backing = subject.process.exe
    file = getattr(backing, "file", None)
    return backing.path, backing.path if file is None else file


def cwd(subject: Subject) -> tuple[bytes, OpenFile | bytes] | None:
    """The working directory."""
    if subject.task.is_dead:
        return None
    directory = subject.task.fs.cwd
    return directory.link_text(), directory


def root(subject: Subject) -> tuple[bytes, OpenFile | bytes] | None:
    """The root directory."""
    if subject.task.is_dead:
        return None
    directory = getattr(subject.task.fs, "root", None)
    return (b"/", b"/") if directory is None else (directory.link_text(), directory)


def _number(name: bytes) -> int:
    """name_to_int: a number as it is written. Errors: ENOENT."""
    if not name.isdigit() or (name[:1] == b"0" and name != b"0") or len(name) > 10:  # noqa: PLR2004  # of 32 bits
        raise SyscallError(ENOENT)
    return int(name)


class FdDirectory(TaskDirectory):
    """fd: a link for each descriptor."""

    __slots__ = ()

    def __init__(self, ino: int, subject: Subject) -> None:
        super().__init__(ino, subject, 0o500)

    def allows(self, who: Who, wanted: int) -> bool:
        """Threads may look into their own process, whoever they are by now (proc_fd_permission)."""
        return super().allows(who, wanted) or self.subject.viewer.process is self.subject.process

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        fd = _number(name)
        file = self._file(fd)
        if file is None:
            raise SyscallError(ENOENT)
        return self._link(fd, file)

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """In the order of their numbers."""
        task = self.subject.task
        for fd in () if task.is_dead else task.files.numbers():
            file = self._file(fd)
            if file is not None:
                yield b"%d" % fd, self._link(fd, file)

    def _file(self, fd: int) -> OpenFile | None:
        task = self.subject.task
        if not self.subject.is_there or task.is_dead or not task.files.is_open(fd):
            return None
        return task.files.get_any(fd)

    def _link(self, fd: int, file: OpenFile) -> Node:
        access = file.status_flags() & O_ACCMODE
        rights = 0o100 | (0 if access == O_WRONLY else 0o400) | (0 if access == O_RDONLY else 0o200)
        return FdLink(self.ino + 1 + fd, self.subject, fd, rights)


class FdLink(TaskLink):
    """fd/N: the open file itself."""

    __slots__ = ()
    size_bytes = 64

    def __init__(self, ino: int, subject: Subject, fd: int, mode: int) -> None:
        def find(whose: Subject) -> tuple[bytes, OpenFile | bytes] | None:
            task = whose.task
            if task.is_dead or not task.files.is_open(fd):
                return None
            file = task.files.get_any(fd)
            return file.link_text(), file

        super().__init__(ino, subject, find, mode)


class FdInfoDirectory(TaskDirectory):
    """fdinfo: a text for each descriptor."""

    __slots__ = ()

    def allows(self, who: Who, wanted: int) -> bool:
        """Those who may look at the process (proc_fdinfo_access_allowed)."""
        return super().allows(who, wanted) and self.subject.may_look()

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        fd = _number(name)
        task = self.subject.task
        if not self.subject.is_there or task.is_dead or not task.files.is_open(fd):
            raise SyscallError(ENOENT)
        return self._text(fd)

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """In the order of their numbers."""
        task = self.subject.task
        for fd in () if task.is_dead else task.files.numbers():
            yield b"%d" % fd, self._text(fd)

    def _text(self, fd: int) -> Node:
        from pyuk.kernel.proc.fdinfo import fdinfo  # noqa: PLC0415

        return TextNode(self.ino + 1 + fd, 0o444, self.subject, lambda subject: fdinfo(subject, fd))


class MapFilesDirectory(TaskDirectory):
    """map_files: a link for each area that shows a file."""

    __slots__ = ()

    def __init__(self, ino: int, subject: Subject) -> None:
        super().__init__(ino, subject, 0o500)

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        for found, node in self.entries():
            if found == name:
                return node
        raise SyscallError(ENOENT)

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """In the order of their addresses. Errors: EACCES the viewer may not look."""
        self.subject.check_access()
        mm = self.subject.mm
        for vma in () if mm is None else list(mm.vmas):
            backing = vma.backing
            if backing is not None:
                name = b"%x-%x" % (vma.start, vma.end)
                file = getattr(backing, "file", None)
                behind = backing.path, backing.path if file is None else file
                ino = self.ino + 1 + (vma.start >> 12 & (1 << INO_BITS - 1) - 1)
                yield name, TaskLink(ino, self.subject, lambda _subject, found=behind: found, 0o500)  # type: ignore[misc]


class NamespaceDirectory(TaskDirectory):
    """ns: the namespaces, which are the same for all."""

    __slots__ = ()

    def __init__(self, ino: int, subject: Subject) -> None:
        super().__init__(ino, subject, 0o511)

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        if name not in NAMESPACES:
            raise SyscallError(ENOENT)
        return self._link(name)

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """All of them."""
        for name in NAMESPACES:
            yield name, self._link(name)

    def _link(self, name: bytes) -> Node:
        def find(subject: Subject) -> tuple[bytes, OpenFile | bytes] | None:
            if subject.task.is_dead:
                return None
            file = NamespaceFile(name)
            file.refs = 0  # whoever takes it holds it
            return file.link_text(), file

        return TaskLink(self.ino + 1 + list(NAMESPACES).index(name), self.subject, find)


class ThreadsDirectory(TaskDirectory):
    """task: a directory for each thread."""

    __slots__ = ()

    def allows(self, who: Who, wanted: int) -> bool:
        """See Node. Errors: ESRCH the process is no more (proc_pid_permission)."""
        self.subject.check()
        return super().allows(who, wanted)

    @property
    def n_links(self) -> int:
        """A directory for each."""
        return 2 + len(self._tids())

    def _tids(self) -> list[int]:
        process = self.subject.process
        tids: list[int] = [task.tid for task in process.tasks]
        return tids if process.pid in tids else [process.pid, *tids]

    def lookup(self, name: bytes) -> Node:
        """See Directory."""
        tid = _number(name)
        if tid not in self._tids():
            raise SyscallError(ENOENT)
        return self._directory(tid)

    def entries(self) -> Iterator[tuple[bytes, Node]]:
        """The oldest first. Errors: ENOENT the process is no more."""
        self.revalidate()
        for tid in self._tids():
            yield b"%d" % tid, self._directory(tid)

    def _directory(self, tid: int) -> Node:
        from pyuk.kernel.proc.table import thread_directory  # noqa: PLC0415  # the table has this class

        kernel, process = self.subject.kernel, self.subject.process
        task = process.leader if tid == process.pid else kernel.tasks[tid]  # type: ignore[index]
        return thread_directory(Subject(kernel, process, task))
