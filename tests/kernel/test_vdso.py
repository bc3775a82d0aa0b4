"""The vDSO in a whole system: who answers it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pyuk.kernel.host import HostClock
from pyuk.kernel.virtual import VirtualClock
from pyuk.machine.tsc import open_counter
from pyuk.system import System
from tests.guests import guest

if TYPE_CHECKING:
    from pyuk.kernel.protocols import Clock

GETTIMEOFDAY, TIME, CLOCK_GETTIME = 96, 201, 228
CLOCKS = {GETTIMEOFDAY, TIME, CLOCK_GETTIME}


def run(name: str, clock: Clock, *arguments: bytes) -> tuple[int, set[int]]:
    """Status, and which of the calls for the time were made."""
    system = System(memory_bytes=1 << 28, clock=clock)
    program = os.fsencode(guest(name).build())
    try:
        return system.run(system.start(program, [program, *arguments], [])), CLOCKS & set(system.kernel.entries)
    finally:
        system.close()


@pytest.mark.skipif(open_counter() is None, reason="the host takes its time from something slower than the counter")
def test_reading_a_clock_is_no_system_call() -> None:
    """20,000 times each, of all clocks that Linux's own vDSO knows."""
    assert run("time/reads_clocks", HostClock()) == (0, set())


def test_virtual_time_is_asked_for() -> None:
    """With virtual time the same functions enter the kernel."""
    assert run("time/reads_clocks", VirtualClock()) == (0, CLOCKS)


def test_without_a_steady_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    """On such a host too."""
    monkeypatch.setattr("pyuk.machine.tsc._STEADY", ())
    monkeypatch.setattr("pyuk.machine.tsc.os.uname", lambda: os.uname_result(("Linux", "", "", "", "x86_64")))
    assert run("time/reads_clocks", HostClock()) == (0, CLOCKS)


def test_the_counter_of_virtual_time(capfd: pytest.CaptureFixture[str]) -> None:
    """`rdtsc` is as virtual as the clock: two runs print the same."""
    runs = []
    for _ in range(2):
        status, _calls = run("time/prints_counter", VirtualClock(), b"aloud")
        runs.append((status, capfd.readouterr().out))
    assert runs[0] == runs[1]
    assert runs[0][0] == 0
    assert len(runs[0][1].splitlines()) == 5
