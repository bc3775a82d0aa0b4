"""Seccomp: filters that decide which system calls a thread may make (Linux 6.1 kernel/seccomp.c)."""

from __future__ import annotations

import struct

from pyuk.abi.seccomp import (
    ACTION_MASK,
    AUDIT_ARCH_X86_64,
    SECCOMP_MODE_STRICT,
    SECCOMP_RET_ALLOW,
)
from pyuk.abi.signal import SIGSYS, SYS_SECCOMP
from pyuk.kernel.signals import Siginfo
from pyuk.kernel.task import GUARDED
from pyuk.machine.cpu import R8, R9, R10, RDI, RDX, RIP, RSI

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.bpf import Program
    from pyuk.kernel.seccomp_notify import Listener
    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import RegisterFile

MAX_INSNS_PER_PATH = 32768
PENALTY_INSNS = 4
"""Counted for each filter beside its own."""
_DATA = struct.Struct("<iIQ6Q")  # struct seccomp_data
_ALLOWED_STRICT = frozenset((0, 1, 60, 15))
"""read, write, exit, rt_sigreturn."""


class Filter:
    """One filter, and those that were there before it; shared by all threads that have inherited it."""

    __slots__ = ("has_log", "is_wait_killable", "listener", "n_users", "previous", "program")

    def __init__(self, program: Program, previous: Filter | None) -> None:
        self.program = program
        self.previous = previous
        self.has_log = self.is_wait_killable = False
        self.listener: Listener | None = None
        """Who is asked for SECCOMP_RET_USER_NOTIF."""
        self.n_users = 0
        """Threads that have this as their newest, and filters put on it. When there are none, its listener hangs up."""

    def chain(self) -> list[Filter]:
        """This and those before it, the newest first."""
        found, at = [], self
        while at is not None:
            found.append(at)
            at = at.previous  # type: ignore[assignment]
        return found

    def hold(self) -> Filter:
        """One more user."""
        self.n_users += 1
        return self

    def drop(self) -> None:
        """One user less."""
        self.n_users -= 1
        if not self.n_users:
            if self.listener is not None:
                self.listener.hang_up()
            if self.previous is not None:
                self.previous.drop()


class Guard:
    """What seccomp(2) knows of a thread: SECCOMP_MODE_, and the newest filter."""

    __slots__ = ("filter", "mode")

    def __init__(self, mode: int, newest: Filter | None) -> None:
        self.mode = mode
        self.filter = newest


class SigsysSiginfo(Siginfo):
    """What a filter's SIGSYS tells (force_sig_seccomp)."""

    __slots__ = ("number",)

    def __init__(self, number: int, rip: int, reason: int) -> None:
        super().__init__(SIGSYS, SYS_SECCOMP, address=rip)
        self.number = number
        self.errno = reason

    def pack(self) -> bytes:
        """si_call_addr, si_syscall, si_arch."""
        from pyuk.abi.structs import SIGINFO_SYS  # noqa: PLC0415

        return SIGINFO_SYS.pack(
            (self.signo, self.errno, self.code), self.address, self.number, AUDIT_ARCH_X86_64
        )  # fmt: skip


def set_guard(task: Task, mode: int, newest: Filter | None) -> None:
    """Give a thread a mode and filters, instead of what it had."""
    if newest is not None:
        newest.hold()
    old = task.guard
    task.guard = Guard(mode, newest)
    task.work |= GUARDED
    if old is not None and old.filter is not None:
        old.filter.drop()


def inherit(child: Task, task: Task) -> None:
    """A new thread or process is guarded as its parent."""
    if task.guard is not None:
        set_guard(child, task.guard.mode, task.guard.filter)


def leave(task: Task) -> None:
    """The thread ends."""
    guard, task.guard = task.guard, None
    if guard is not None and guard.filter is not None:
        guard.filter.drop()


def data_of(regs: RegisterFile, number: int) -> bytes:
    """struct seccomp_data of the call that the registers make."""
    return _DATA.pack(
        (number & 0xFFFFFFFF ^ 1 << 31) - (1 << 31), AUDIT_ARCH_X86_64, regs[RIP],
        regs[RDI], regs[RSI], regs[RDX], regs[R10], regs[R8], regs[R9],
    )  # fmt: skip


def judge(guard: Guard, data: bytes) -> tuple[int, Filter | None]:
    """What the filters say of a call: the most severe, of equals the newest's; and whose it is."""
    verdict, decisive = SECCOMP_RET_ALLOW, None
    severity = _severity(verdict)
    at = guard.filter
    while at is not None:
        value = at.program.run(data)
        if _severity(value) < severity:
            verdict, decisive, severity = value, at, _severity(value)
        at = at.previous
    return verdict, decisive


def _severity(value: int) -> int:
    """ACTION_ONLY: the action as a signed number."""
    return (value & ACTION_MASK ^ 1 << 31) - (1 << 31)


def is_strict(guard: Guard) -> bool:
    """Whether only four calls are allowed."""
    return guard.mode == SECCOMP_MODE_STRICT


def allows_strict(number: int) -> bool:
    """Whether a call is one of them."""
    return number in _ALLOWED_STRICT


def mode_of(task: Task) -> int:
    """PR_GET_SECCOMP."""
    return 0 if task.guard is None else task.guard.mode
