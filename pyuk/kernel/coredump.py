"""When a process leaves a core file, and where (core(5)). Source: Linux 6.1 fs/coredump.c, do_coredump."""

from __future__ import annotations

from pyuk.abi.errno import ENOENT, SyscallError
from pyuk.abi.fcntl import O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR
from pyuk.abi.resource import RLIM64_INFINITY, RLIMIT_CORE
from pyuk.abi.signal import (
    SIGABRT,
    SIGBUS,
    SIGFPE,
    SIGILL,
    SIGQUIT,
    SIGSEGV,
    SIGSYS,
    SIGTRAP,
    SIGXCPU,
    SIGXFSZ,
)  # fmt: skip
from pyuk.kernel import corefile
from pyuk.machine.paging import PAGE_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from pyuk.kernel.signals import Siginfo
    from pyuk.kernel.task import Task

    class CoreSink(Protocol):
        """What is written to: an open file of the guest's, or one of the host's."""

        def pwrite(self, slices: list[memoryview], offset: int, rwf: int = 0) -> int: ...
        def truncate(self, size_bytes: int) -> None: ...
        def release(self) -> None: ...


SIGNALS = frozenset((SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS))
"""Those whose default action is a core file (sig_kernel_coredump)."""
_NAME = b"core"
_MODE = 0o600
_SUID_DUMP_USER = 1
_RUN_PAGES = 256


def dump(task: Task, info: Siginfo) -> bool:
    """Write the core file of a process that a signal ends; whether all of it could be written.

    The task has the CPU. /proc/sys/kernel/core_pattern is "core": the file is in the working directory.
    """
    kernel = task.kernel
    if info.signo not in SIGNALS or task.process.dumpable != _SUID_DUMP_USER:
        return False
    limit = RLIM64_INFINITY
    if kernel.open_core is None:
        limit = task.limits.soft[RLIMIT_CORE]
        if limit < PAGE_BYTES:
            return False
    try:
        sink = _open_in_directory(task) if kernel.open_core is None else kernel.open_core(task)
    except SyscallError:
        return False
    try:
        return _write(task, info, sink, limit)
    except SyscallError:
        return False
    finally:
        sink.release()


def _open_in_directory(task: Task) -> CoreSink:
    """`core`, which must not be there: an old one is removed."""
    try:
        task.fs.find(_NAME, follow=False).unlink()
    except SyscallError as error:
        if error.errno != ENOENT:
            raise
    return task.fs.open(_NAME, O_CREAT | O_RDWR | O_NOFOLLOW | O_EXCL, _MODE)


def _write(task: Task, info: Siginfo, sink: CoreSink, limit: int) -> bool:
    segments = corefile.segments_of(task)
    head = corefile.header(task, info, segments)
    if len(head) > limit:
        return False
    at = _put(sink, [memoryview(head)], 0)
    for segment in segments:
        run: list[memoryview] = []
        for page in corefile.pages_of(task, segment):
            if page is not None:
                run.append(memoryview(page))
            if run and (page is None or len(run) == _RUN_PAGES):
                at = _put(sink, run, at)
                run = []
            if page is None:
                at += PAGE_BYTES
            if at + PAGE_BYTES * len(run) > limit:
                return False
        at = _put(sink, run, at)
    sink.truncate(at)
    return True


def _put(sink: CoreSink, slices: list[memoryview], at: int) -> int:
    """All of it, at an offset; gives the offset behind it."""
    while slices:
        done = sink.pwrite(slices, at)
        at += done
        while slices and done >= len(slices[0]):
            done -= len(slices.pop(0))
        if slices and done:
            slices[0] = slices[0][done:]
    return at
