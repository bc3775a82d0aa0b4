"""What the kernel asks of clock, randomness and tracer. For the type checker: nothing imports it to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol  # noqa: TID253  # see above

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyuk.abi.syscall import Declaration
    from pyuk.kernel.signals import Siginfo
    from pyuk.kernel.task import Task


class Clock(Protocol):
    """kernel/host.py has the host's, kernel/virtual.py one that repeats."""

    def realtime_ns(self) -> int: ...
    def monotonic_ns(self) -> int: ...
    def peek_ns(self) -> int: ...
    def boottime_ns(self) -> int: ...
    def cpu_ns(self) -> int: ...
    def wait(self, duration_ns: int | None) -> None: ...


class Random(Protocol):
    """kernel/host.py has the host's, kernel/virtual.py one that repeats."""

    def bytes(self, n_bytes: int) -> bytes: ...


class Tracer(Protocol):
    """What a watcher of system calls is told (trace/strace.py)."""

    stack_pointer: Callable[[], int] | None

    def exec(self, task: Task, path: bytes, argv: Sequence[bytes], envp_at: int, n_environment: int) -> None: ...
    def enter(self, task: Task, declaration: Declaration | None, number: int, arguments: tuple[int, ...]) -> None: ...
    def leave(
        self, task: Task, declaration: Declaration | None, number: int, arguments: tuple[int, ...], result: int
    ) -> None: ...
    def signal(self, task: Task, info: Siginfo) -> None: ...
    def exited(self, task: Task, status: int) -> None: ...
    def killed(self, task: Task, signo: int, dumped: bool) -> None: ...  # noqa: FBT001
