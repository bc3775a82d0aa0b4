"""Deterministic systems: the same output and trace in every run, and other interleavings with other seeds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyuk.machine.engine import MachineError
from pyuk.system import Platform, Repeatable, System
from pyuk.trace.filter import EVERYTHING
from pyuk.trace.sink import file_sink
from pyuk.trace.strace import Tracer
from tests.guests import guest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MEMORY_BYTES = 1 << 28
RACY = ("time/race_threads", "time/race_processes", "time/race_signals")
N_SEEDS = 100


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A machine that gets warmer from run to run."""
    made = Platform(MEMORY_BYTES, counts_blocks=True)
    yield made
    made.close()


class Runner:
    """Runs programs and gives what they wrote, and their log."""

    def __init__(self, directory: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self._log = directory / "log"
        self._capfd = capfd

    def __call__(self, command: Sequence[str], seed: int, platform: Platform | None = None) -> tuple[str, str]:
        """Without a platform on a machine that has run nothing yet."""
        machine = platform or Platform(MEMORY_BYTES, counts_blocks=True)
        system = System(platform=machine, repeatable=Repeatable(seed))
        tracer = Tracer(file_sink(str(self._log)), EVERYTHING, follows=True)
        argv = [os.fsencode(word) for word in command]
        try:
            task = system.start(argv[0], argv, [b"PATH=/usr/bin:/bin", b"LC_ALL=C"], tracer=tracer)
            assert system.run(task) == 0
        finally:
            system.close()
            tracer.close()
            if platform is None:
                machine.close()
        return self._capfd.readouterr().out, self._log.read_text()


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Runner:
    """See Runner."""
    return Runner(tmp_path, capfd)


@pytest.mark.parametrize("name", RACY)
def test_two_runs_are_the_same(name: str, run: Runner, platform: Platform) -> None:
    """Output and log, byte for byte: on two new machines, and on one that has run it before."""
    command = (str(guest(name).build()), "aloud")
    cold = [run(command, 5) for _ in range(2)]
    warm = [run(command, 5, platform) for _ in range(3)]
    assert cold[0][0].strip()
    assert cold[0] == cold[1] == warm[0] == warm[1] == warm[2]


@pytest.mark.parametrize("name", RACY)
def test_seeds_find_interleavings(name: str, run: Runner, platform: Platform) -> None:
    """100 seeds: many orders, and each seed's is the same when it comes again."""
    command = (str(guest(name).build()), "aloud")
    found = [run(command, seed, platform)[0] for seed in range(N_SEEDS)]
    assert len(set(found)) >= N_SEEDS // 2
    for seed in (0, 37, N_SEEDS - 1):
        assert run(command, seed, platform)[0] == found[seed]


def test_another_program_in_between(run: Runner, platform: Platform) -> None:
    """What the machine has run before, and what is in its cache, makes no difference."""
    command = (str(guest("time/race_threads").build()), "aloud")
    first = run(command, 8)
    for other in ("/bin/ls", "/bin/true"):
        run((other,), 1, platform)
    assert run(command, 8, platform) == first


JOBS = "for i in 1 2 3; do (echo $i $RANDOM $BASHPID; date +%s.%N) & done; wait; echo $SECONDS"
DEVICES = "head -c 16 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/uuid; ls /usr/bin | head; free"
THREADS = """
import threading, time, random, os, resource
out = []
def f(n):
    for i in range(200):
        out.append(n)
        if i % 50 == 0:
            time.sleep(0)
threads = [threading.Thread(target=f, args=(n,)) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(hash('x'), hash(tuple(out)), time.time(), random.random(), os.urandom(4), id(out), os.uname())
print(resource.getrusage(resource.RUSAGE_SELF), os.times())
"""


@pytest.mark.parametrize(
    "command",
    [("/bin/bash", "-c", JOBS), ("/bin/sh", "-c", DEVICES), ("python3", "-c", THREADS)],
    ids=["bash", "devices", "python"],
)
def test_programs_of_the_host(command: tuple[str, ...], run: Runner, platform: Platform) -> None:
    """Shells with background jobs, random devices, an interpreter with threads, hashes, addresses and clocks."""
    program = shutil.which(command[0], path="/usr/bin:/bin")
    if program is None:
        pytest.skip(f"no {command[0]} in /usr/bin")
    runs = [run((program, *command[1:]), 3, machine) for machine in (None, platform, platform)]
    assert runs[0][0].strip()
    assert runs[0] == runs[1] == runs[2]


def test_sleeping_takes_no_time(run: Runner, platform: Platform) -> None:
    """When all sleep, the clock jumps: an hour passes, to the second."""
    out, _log = run(("/bin/bash", "-c", "sleep 3600; echo $SECONDS; date +%s"), 0, platform)
    seconds, now = out.split()
    assert seconds == "3600"
    assert int(now) == 1_700_000_000 + 3600


def test_a_platform_that_does_not_count() -> None:
    """It is refused."""
    made = Platform(MEMORY_BYTES)
    with pytest.raises(MachineError, match="count"):
        System(platform=made, repeatable=Repeatable())
    made.close()
