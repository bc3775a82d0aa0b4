"""How much of the time between some traps is the guest's, and how much of it the kernel's handling of them.

To read a clock at every trap would cost more than 1 % of a system call. So nothing is timed until somebody asks for the
next few traps, and then the two entries of the kernel are exchanged for others that look at the clock.
"""

from __future__ import annotations

from time import perf_counter_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pyuk.machine.cpu import Cpu

USER, KERNEL = 0, 1


class TrapTimer:
    """Times a number of traps. `owner` is whose time passes now.

    Invariant: the CPU has the timing entries exactly while `is_open`.
    """

    __slots__ = (
        "_cpu", "_is_in_kernel", "_last_ns", "_n_left", "_n_traps", "_on_end", "_on_syscall", "_on_trap", "_owner",
        "_spent_ns", "is_open",
    )  # fmt: skip

    def __init__(
        self, cpu: Cpu, on_syscall: Callable[[], object], on_trap: Callable[[int], object],
        on_end: Callable[[dict[Any, list[int]]], object], n_traps: int,
    ) -> None:  # fmt: skip
        """on_syscall, on_trap: the kernel's entries. on_end: is told by owner how much was USER and how much KERNEL."""
        self._n_traps = n_traps
        self._cpu = cpu
        self._on_syscall = on_syscall
        self._on_trap = on_trap
        self._on_end = on_end
        self._last_ns = 0
        self._n_left = 0
        self._is_in_kernel = False
        self._owner: Any = None
        self.is_open = False
        self._spent_ns: dict[Any, list[int]] = {}

    def begin(self, owner: object) -> None:
        """The guest is about to go on: time the next traps, and end what was before."""
        if self.is_open:
            self.end()
        self._owner = owner
        self._n_left = self._n_traps
        self._is_in_kernel = False
        self.is_open = True
        self._cpu.attach(self._syscall, self._trap)
        self._last_ns = perf_counter_ns()

    def change_owner(self, owner: object) -> None:
        """Another guest gets the CPU: what comes from now on is its."""
        if self._is_in_kernel:
            self._add()
        else:  # between slices, before any guest has gone on
            self._last_ns = perf_counter_ns()
        self._owner = owner

    def end(self) -> None:
        """Stop timing: the time has come, or nobody runs any more."""
        self._add()
        self.is_open = False
        self._cpu.attach(self._on_syscall, self._on_trap)
        spent_ns, self._spent_ns = self._spent_ns, {}
        self._on_end(spent_ns)

    def _add(self) -> None:
        now_ns = perf_counter_ns()
        spent = self._spent_ns.setdefault(self._owner, [0, 0])
        spent[self._is_in_kernel] += now_ns - self._last_ns
        self._last_ns = now_ns

    def _syscall(self) -> None:
        self._add()
        self._is_in_kernel = True
        try:
            self._on_syscall()
            self._cpu.settle()
        finally:
            self._leave()

    def _trap(self, vector: int) -> None:
        self._add()
        self._is_in_kernel = True
        try:
            self._on_trap(vector)
            self._cpu.settle()
        finally:
            self._leave()

    def _leave(self) -> None:
        if not self.is_open:
            return
        self._add()
        self._is_in_kernel = False
        self._n_left -= 1
        if self._n_left <= 0:
            self.end()
