"""What /proc says of the processes: the texts and links that fs/procfs.py asks for, by pid."""

from __future__ import annotations

import struct

from pyuk.abi.types import Tid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from pyuk.fs.file import FdTable
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task


class ProcessTable:
    """fs.procfs.Processes over the kernel's tasks; a pid here is always one that lives."""

    texts: Mapping[bytes, Callable[[int], bytes]]
    links: Mapping[bytes, Callable[[int], bytes]]

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.texts = {
            b"maps": lambda pid: self._task(pid).mm.maps().encode("utf-8", "surrogateescape"),
            b"auxv": lambda pid: _auxv(self._task(pid)),
            b"cmdline": lambda pid: _strings(self._task(pid), arguments=True),
            b"environ": lambda pid: _strings(self._task(pid), arguments=False),
            b"comm": lambda pid: self._task(pid).comm + b"\n",
            b"status": lambda pid: _status(self._task(pid)),
            b"smaps": lambda pid: self._task(pid).mm.smaps().encode("utf-8", "surrogateescape"),
            b"smaps_rollup": lambda pid: _smaps().smaps_rollup(self._task(pid).mm).encode(),
            b"statm": lambda pid: _smaps().statm(self._task(pid).mm).encode(),
            b"limits": lambda pid: _limits(self._task(pid)),
        }
        self.links = {
            b"exe": lambda pid: self._task(pid).process.exe.path,
            b"cwd": lambda pid: self._task(pid).fs.cwd.link_text(),
            b"root": lambda _pid: b"/",
        }

    def pids(self) -> list[int]:
        """All processes, in order."""
        return sorted(task.process.pid for task in self._kernel.tasks.values())

    def current(self) -> int:
        """Who asks: what /proc/self points to."""
        return self._kernel.current.process.pid

    def fd_table(self, pid: int) -> FdTable:
        """The descriptors of a process."""
        return self._task(pid).files

    def _task(self, pid: int) -> Task:
        return self._kernel.tasks[Tid(pid)]


def _smaps() -> Any:
    """Few programs ask."""
    from pyuk.mm import smaps  # noqa: PLC0415

    return smaps


def _auxv(task: Task) -> bytes:
    return b"".join(struct.pack("<QQ", tag & 0xFFFFFFFFFFFFFFFF, value) for tag, value in task.process.loaded.auxv)


def _strings(task: Task, *, arguments: bool) -> bytes:
    """The strings as they stand in the process's memory now: it may have changed them (setproctitle)."""
    strings = task.process.loaded.strings
    start, end = (strings.arg_start, strings.arg_end) if arguments else (strings.env_start, strings.env_end)
    return task.mem.peek(start, end - start)


def _status(task: Task) -> bytes:
    """The lines of proc(5) that this kernel knows."""
    process, creds, mm = task.process, task.creds, task.mm
    ids = f"{creds.uid}\t{creds.euid}\t{creds.suid}\t{creds.euid}"
    gids = f"{creds.gid}\t{creds.egid}\t{creds.sgid}\t{creds.egid}"
    caught = sum(1 << (s - 1) for s in range(1, 65) if task.actions.get(s).handler > 1)
    ignored = sum(1 << (s - 1) for s in range(1, 65) if task.actions.get(s).handler == 1)
    pending = task.pending.mask
    lines = (
        f"Name:\t{task.comm.decode(errors='replace')}",
        f"Umask:\t{task.fs.umask:04o}",
        "State:\tR (running)",
        f"Tgid:\t{process.pid}",
        "Ngid:\t0",
        f"Pid:\t{task.tid}",
        f"PPid:\t{process.parent_pid}",
        "TracerPid:\t0",
        f"Uid:\t{ids}",
        f"Gid:\t{gids}",
        f"FDSize:\t{max(64, len(task.files.numbers()))}",
        f"Groups:\t{' '.join(str(gid) for gid in creds.groups)} ",
        *_smaps().status_lines(mm),
        "Threads:\t1",
        f"SigPnd:\t{pending:016x}",
        "ShdPnd:\t0000000000000000",
        f"SigBlk:\t{task.blocked:016x}",
        f"SigIgn:\t{ignored:016x}",
        f"SigCgt:\t{caught:016x}",
        "NoNewPrivs:\t0",
        "Seccomp:\t0",
        "Cpus_allowed:\t1",
        "Cpus_allowed_list:\t0",
    )
    return ("\n".join(lines) + "\n").encode()


_LIMIT_NAMES = (
    ("Max cpu time", "seconds"), ("Max file size", "bytes"), ("Max data size", "bytes"), ("Max stack size", "bytes"),
    ("Max core file size", "bytes"), ("Max resident set", "bytes"), ("Max processes", "processes"),
    ("Max open files", "files"), ("Max locked memory", "bytes"), ("Max address space", "bytes"),
    ("Max file locks", "locks"), ("Max pending signals", "signals"), ("Max msgqueue size", "bytes"),
    ("Max nice priority", ""), ("Max realtime priority", ""), ("Max realtime timeout", "us"),
)  # fmt: skip
"""By RLIMIT number (fs/proc/base.c, lnames)."""


def _limits(task: Task) -> bytes:
    lines = [f"{'Limit':25} {'Soft Limit':20} {'Hard Limit':20} {'Units':10}"]
    for resource, (name, unit) in enumerate(_LIMIT_NAMES):
        soft, hard = (
            "unlimited" if value == (1 << 64) - 1 else str(value)
            for value in (task.limits.soft[resource], task.limits.hard[resource])
        )
        lines.append(f"{name:25} {soft:20} {hard:20} {unit:10}")
    return ("\n".join(lines) + "\n").encode()
