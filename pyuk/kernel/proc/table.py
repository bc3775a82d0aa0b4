"""The names in /proc/PID and in /proc/PID/task/TID, in Linux 6.1's order (fs/proc/base.c, tgid_base_stuff).

Not there: autogroup, cpu_resctrl_groups, ksm_merging_pages, ksm_stat, latency, patch_state, timens_offsets: what they
are about does not exist here.
"""

from __future__ import annotations

from pyuk.fs.pseudo.files import PseudoFile, SeqFile
from pyuk.kernel.proc import links, memory, settings, status, texts, wchan
from pyuk.kernel.proc.subject import (
    INO_BITS,
    BlobNode,
    Entry,
    MemoryBlobNode,
    MemoryNode,
    Subject,
    TableDirectory,
    TaskFile,
    TaskLink,
    TextNode,
    WindowNode,
)  # fmt: skip
from pyuk.mm.access import MemoryWindow, PagemapWindow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pyuk.fs.file import OpenFile
    from pyuk.fs.permission import Who
    from pyuk.fs.pseudo.files import Window
    from pyuk.fs.pseudo.node import Node
    from pyuk.fs.pseudo.system import PseudoFs
    from pyuk.kernel.proc.subject import Show, Write
    from pyuk.mm.space import AddressSpace

_NAME_BITS = 7  # so many names a table has at most
_TID_SHIFT = INO_BITS + _NAME_BITS + 1


class RecordsNode(TaskFile):
    """Records that are made one after the other."""

    __slots__ = ("_records",)

    def __init__(
        self, ino: int, mode: int, subject: Subject, records: Callable[[Subject], Iterable[bytes]],
        check: Callable[[Subject], None] | None,
    ) -> None:  # fmt: skip
        super().__init__(ino, mode, subject, check)
        self._records = records

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        return SeqFile(fs, self, path, flags, lambda: self._records(self.subject))


def _one(name: bytes, mode: int, show: Show, write: Write | None = None) -> Entry:
    return Entry(name, lambda subject, ino: TextNode(ino, mode, subject, show, write))


def _blob(name: bytes, mode: int, show: Show, write: Write | None = None) -> Entry:
    return Entry(name, lambda subject, ino: BlobNode(ino, mode, subject, show, write))


def _records(
    name: bytes, mode: int, records: Callable[[Subject], Iterable[bytes]],
    check: Callable[[Subject], None] | None = None,
) -> Entry:  # fmt: skip
    return Entry(name, lambda subject, ino: RecordsNode(ino, mode, subject, records, check))


def _memory(name: bytes, records: Callable[[AddressSpace], Iterable[bytes]]) -> Entry:
    return Entry(name, lambda subject, ino: MemoryNode(ino, subject, records))


def _memory_blob(name: bytes, get: Callable[[Subject, AddressSpace], bytes]) -> Entry:
    return Entry(name, lambda subject, ino: MemoryBlobNode(ino, subject, get, 0o400))


def _window(name: bytes, mode: int, make: Callable[[AddressSpace], Window]) -> Entry:
    return Entry(name, lambda subject, ino: WindowNode(ino, subject, make, mode))


def _link(name: bytes, find: Callable[[Subject], tuple[bytes, OpenFile | bytes] | None]) -> Entry:
    return Entry(name, lambda subject, ino: TaskLink(ino, subject, find))


def _directory(name: bytes, make: Callable[[int, Subject], Node]) -> Entry:
    return Entry(name, lambda subject, ino: make(ino, subject))


def _attributes(ino: int, subject: Subject) -> Node:
    """attr: what a security module would say."""
    names = (b"current", b"prev", b"exec", b"fscreate", b"keycreate", b"sockcreate")
    rows = [_one(name, 0o444 if name == b"prev" else 0o666, texts.no_label) for name in names]
    return TableDirectory(ino, subject, {row.name: row for row in rows})


def _net(ino: int, subject: Subject) -> Node:
    from pyuk.kernel.proc.net import net_directory  # noqa: PLC0415

    return net_directory(ino, subject)


def _mounts(name: bytes) -> Entry:
    def records(subject: Subject) -> Iterable[bytes]:
        from pyuk.kernel.proc import mounts  # noqa: PLC0415

        made: Iterable[bytes] = getattr(mounts, name.decode())(subject)
        return made

    def check(subject: Subject) -> None:
        from pyuk.kernel.proc import mounts  # noqa: PLC0415

        mounts.check(subject)

    return _records(name, 0o400 if name == b"mountstats" else 0o444, records, check)


_HEAD = (
    _directory(b"fd", links.FdDirectory),
    _directory(b"map_files", links.MapFilesDirectory),
    _directory(b"fdinfo", links.FdInfoDirectory),
    _directory(b"ns", links.NamespaceDirectory),
    _directory(b"net", _net),
    _memory_blob(b"environ", memory.environ),
    _memory_blob(b"auxv", memory.auxv),
    _one(b"status", 0o444, status.status),
    _one(b"personality", 0o400, texts.personality),
    _one(b"limits", 0o444, texts.limits),
    _one(b"sched", 0o644, texts.sched),
    _one(b"comm", 0o644, settings.comm, settings.set_comm),
    _one(b"syscall", 0o400, texts.syscall),
    _blob(b"cmdline", 0o444, memory.cmdline),
    _one(b"stat", 0o444, status.stat),
    _one(b"statm", 0o444, status.statm),
    _memory(b"maps", memory.map_records),
)
_CHILDREN = _one(b"children", 0o444, texts.children)
_TAIL = (
    _memory(b"numa_maps", memory.numa_records),
    _window(b"mem", 0o600, MemoryWindow),
    _link(b"cwd", links.cwd),
    _link(b"root", links.root),
    _link(b"exe", links.exe),
    _mounts(b"mounts"),
    _mounts(b"mountinfo"),
    _mounts(b"mountstats"),
    Entry(b"clear_refs", lambda subject, ino: TextNode(ino, 0o200, subject, texts.no_label, memory.clear_refs)),
    _memory(b"smaps", memory.smap_records),
    Entry(b"smaps_rollup", lambda subject, ino: RollupNode(ino, subject, memory.rollup_records)),
    _window(b"pagemap", 0o400, PagemapWindow),
    _directory(b"attr", _attributes),
    _one(b"wchan", 0o444, wchan.wchan),
    _one(b"stack", 0o400, texts.stack),
    _one(b"schedstat", 0o444, texts.schedstat),
    _one(b"cpuset", 0o444, lambda _subject: b"/\n"),
    _one(b"cgroup", 0o444, lambda _subject: b"0::/\n"),
    _one(b"oom_score", 0o444, settings.oom_score),
    _blob(b"oom_adj", 0o644, settings.oom_adj, settings.set_oom_adj),
    _blob(b"oom_score_adj", 0o644, settings.oom_score_adj, settings.set_oom_score_adj),
    _blob(b"loginuid", 0o644, settings.loginuid, settings.set_loginuid),
    _blob(b"sessionid", 0o444, lambda _subject: b"4294967295"),
    _blob(b"coredump_filter", 0o644, settings.coredump_filter, settings.set_coredump_filter),
    _one(b"io", 0o400, texts.io),
    _one(b"uid_map", 0o644, texts.identity_map, texts.refuse_map),
    _one(b"gid_map", 0o644, texts.identity_map, texts.refuse_map),
    _one(b"projid_map", 0o644, texts.identity_map, texts.refuse_map),
    _one(b"setgroups", 0o644, lambda _subject: b"allow\n", texts.refuse_map),
    _records(b"timers", 0o444, texts.timers),
    _one(b"timerslack_ns", 0o666, texts.timer_slack, texts.set_timer_slack),
    _one(b"arch_status", 0o444, lambda _subject: b""),
)
_NOT_OF_THREADS = (b"map_files", b"mountstats", b"coredump_filter", b"timers", b"timerslack_ns")


class RollupNode(MemoryNode):
    """smaps_rollup, which a zombie does not have."""

    __slots__ = ()

    def open_checked(self, fs: PseudoFs, path: bytes, flags: int) -> PseudoFile:
        """See TaskFile."""
        mm, subject = self.subject.mm, self.subject

        def show() -> Iterator[bytes]:
            from pyuk.abi.errno import ESRCH, SyscallError  # noqa: PLC0415

            subject.check()
            if mm is None or not mm.users:
                raise SyscallError(ESRCH)
            yield from self._records(mm)

        return SeqFile(fs, self, path, flags, show)


def _of_names(rows: Iterable[Entry]) -> dict[bytes, Entry]:
    return {row.name: row for row in rows}


_PROCESS = _of_names((_directory(b"task", links.ThreadsDirectory), *_HEAD, *_TAIL))
_THREAD = _of_names(row for row in (*_HEAD, _CHILDREN, *_TAIL) if row.name not in _NOT_OF_THREADS)


def process_directory(subject: Subject) -> TableDirectory:
    """/proc/PID."""
    return _SubjectDirectory(subject.tid << _TID_SHIFT, subject, _PROCESS, ino_bits=INO_BITS)


def thread_directory(subject: Subject) -> TableDirectory:
    """/proc/PID/task/TID."""
    return _SubjectDirectory(subject.tid << _TID_SHIFT | 1 << _TID_SHIFT - 1, subject, _THREAD, ino_bits=INO_BITS)


class _SubjectDirectory(TableDirectory):
    """One of these two. Its own inode is the first of its range."""

    __slots__ = ()

    def allows(self, who: Who, wanted: int) -> bool:
        """See Node. Errors: ESRCH the process is no more (proc_pid_permission)."""
        if self.subject.is_whole:
            self.subject.check()
        return super().allows(who, wanted)

    @property
    def n_links(self) -> int:
        """Its directories are always the same."""
        return 9 if self.subject.is_whole else 7
