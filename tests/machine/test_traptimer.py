"""Timing the next few traps: whose time it was, and that the CPU is as before when it is over."""

from __future__ import annotations

import pytest

from pyuk.machine import traptimer
from pyuk.machine.traptimer import KERNEL, USER, TrapTimer

SECOND = 10
N = 3


class FakeCpu:
    """Calls the entries that it has been given."""

    def __init__(self) -> None:
        self.entries: tuple[object, object] = (None, None)
        self.n_settled = 0

    def attach(self, on_syscall: object, on_trap: object) -> None:
        """See Cpu."""
        self.entries = on_syscall, on_trap

    def settle(self) -> None:
        """See Cpu."""
        self.n_settled += 1


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A clock that goes on by hand."""
    time = [0]
    monkeypatch.setattr(traptimer, "perf_counter_ns", lambda: time[0])
    return time


def test_time_is_divided(now: list[int]) -> None:
    """Between traps it is the guest's, in them the kernel's; after the last one the plain entries are back."""
    cpu = FakeCpu()
    told: list[object] = []

    def on_syscall() -> None:
        now[0] += 7

    def on_trap(vector: int) -> None:
        now[0] += vector

    timer = TrapTimer(cpu, on_syscall, on_trap, told.append, N)  # type: ignore[arg-type]
    timer.begin("one")
    for which, arguments in ((0, ()), (1, (14,)), (0, ())):
        now[0] += SECOND
        assert timer.is_open
        cpu.entries[which](*arguments)  # type: ignore[operator]
    assert not timer.is_open
    assert cpu.entries == (on_syscall, on_trap)
    assert cpu.n_settled == 3
    [spent] = told
    assert spent == {"one": [3 * SECOND, 7 + 14 + 7]}
    assert (USER, KERNEL) == (0, 1)


def test_owners_change_in_traps(now: list[int]) -> None:
    """What a switch has cost is the first one's; outside a trap, nobody has had any time yet."""
    cpu = FakeCpu()
    told: list[object] = []

    def on_syscall() -> None:
        now[0] += 5
        timer.change_owner("two")
        now[0] += 3

    timer = TrapTimer(cpu, on_syscall, lambda _vector: None, told.append, N)  # type: ignore[arg-type]
    timer.begin("nobody")
    now[0] += 100
    timer.change_owner("one")
    now[0] += SECOND
    cpu.entries[0]()  # type: ignore[operator]
    now[0] += 2 * SECOND
    timer.end()
    assert told == [{"one": [SECOND, 5], "two": [2 * SECOND, 3]}]


def test_a_new_window_ends_the_last(now: list[int]) -> None:
    """A program without traps is all user time."""
    told: list[object] = []
    timer = TrapTimer(FakeCpu(), lambda: None, lambda _vector: None, told.append, N)  # type: ignore[arg-type]
    for _ in range(2):
        timer.begin("one")
        now[0] += SECOND
    assert told == [{"one": [SECOND, 0]}]
