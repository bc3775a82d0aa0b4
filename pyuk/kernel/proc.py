"""What /proc says of the processes: the texts and links that fs/procfs.py asks for, by pid."""

from __future__ import annotations

import struct

from pyuk.abi.errno import ESRCH, SyscallError
from pyuk.abi.types import Tid
from pyuk.kernel.creds import ALL_CAPABILITIES

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
    windows: Mapping[bytes, Callable[[int], Any]]

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
        self.windows = {
            b"mem": lambda pid: _access().MemoryWindow(self._task(pid).mm),
            b"pagemap": lambda pid: _access().PagemapWindow(self._task(pid).mm),
        }
        self.links = {
            b"exe": lambda pid: self._task(pid).process.exe.path,
            b"cwd": lambda pid: self._task(pid).fs.cwd.link_text(),
            b"root": lambda _pid: b"/",
        }

    def pids(self) -> list[int]:
        """All processes, in order."""
        return sorted(pid for pid, process in self._kernel.processes.items() if process.tasks)

    def current(self) -> int:
        """Who asks: what /proc/self points to."""
        return self._kernel.current.process.pid

    def fd_table(self, pid: int) -> FdTable:
        """The descriptors of a process."""
        return self._task(pid).files

    def _task(self, pid: int) -> Task:
        """Its oldest thread that lives: the first may have ended. Errors: ESRCH the process has ended."""
        process = self._kernel.processes.get(Tid(pid))
        if process is None or not process.tasks:
            raise SyscallError(ESRCH)
        return process.tasks[0]


def _smaps() -> Any:
    """Few programs ask."""
    from pyuk.mm import smaps  # noqa: PLC0415

    return smaps


def _access() -> Any:
    from pyuk.mm import access  # noqa: PLC0415

    return access


def _auxv(task: Task) -> bytes:
    return b"".join(struct.pack("<QQ", tag & 0xFFFFFFFFFFFFFFFF, value) for tag, value in task.process.loaded.auxv)


def _strings(task: Task, *, arguments: bool) -> bytes:
    """The strings as they stand in the process's memory now: it may have changed them (setproctitle)."""
    strings = task.process.loaded.strings
    start, end = (strings.arg_start, strings.arg_end) if arguments else (strings.env_start, strings.env_end)
    return task.mem.peek(start, end - start)


def _state(task: Task) -> str:
    """fs/proc/array.c, task_state_array."""
    if task.process.is_stopped:
        return "T (stopped)"
    return "R (running)" if task.sleep is None or task.sleep.is_over else "S (sleeping)"


def _status(task: Task) -> bytes:
    """The lines of proc(5) that this kernel knows."""
    process, creds, mm = task.process, task.creds, task.mm
    ids = f"{creds.uid}\t{creds.euid}\t{creds.suid}\t{creds.fsuid}"
    gids = f"{creds.gid}\t{creds.egid}\t{creds.sgid}\t{creds.fsgid}"
    caught = sum(1 << (s - 1) for s in range(1, 65) if task.actions.get(s).handler > 1)
    ignored = sum(1 << (s - 1) for s in range(1, 65) if task.actions.get(s).handler == 1)
    pending = task.pending.mask
    lines = (
        f"Name:\t{task.comm.decode(errors='replace')}",
        f"Umask:\t{task.fs.umask:04o}",
        f"State:\t{_state(task)}",
        f"Tgid:\t{process.pid}",
        "Ngid:\t0",
        f"Pid:\t{process.pid}",
        f"PPid:\t{process.parent_pid}",
        "TracerPid:\t0",
        f"Uid:\t{ids}",
        f"Gid:\t{gids}",
        f"FDSize:\t{max(64, len(task.files.numbers()))}",
        f"Groups:\t{' '.join(str(gid) for gid in creds.groups)} ",
        *_smaps().status_lines(mm),
        f"Threads:\t{len(process.tasks)}",
        f"SigPnd:\t{pending:016x}",
        f"ShdPnd:\t{process.pending.mask:016x}",
        f"SigBlk:\t{task.blocked:016x}",
        f"SigIgn:\t{ignored:016x}",
        f"SigCgt:\t{caught:016x}",
        f"CapInh:\t{creds.inheritable:016x}",
        f"CapPrm:\t{creds.permitted:016x}",
        f"CapEff:\t{creds.effective:016x}",
        f"CapBnd:\t{ALL_CAPABILITIES:016x}",
        f"CapAmb:\t{0:016x}",
        f"NoNewPrivs:\t{int(task.no_new_privs)}",
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
