"""A system that has run a program is as it was before: no frame, task, descriptor, timer or futex is left of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyuk.system import System
from tests.guests import Guest, ToolMissingError, guests

pytestmark = pytest.mark.usefixtures("pyuk_has_it")


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """One kernel for all programs: what one leaves behind would meet the next."""
    made = System(memory_bytes=1 << 30)
    yield made
    made.close()


def _counts(system: System) -> dict[str, int]:
    kernel = system.kernel
    return {
        "frames": system.machine.ram.n_used,
        "tasks": len(kernel.tasks),
        "processes": len(kernel.processes),
        "traced threads": len(kernel.tracees),
        "futexes": len(kernel.futexes),
        "AF_UNIX sockets": len(kernel.network.unix.everybody),
        "names of AF_UNIX": len(kernel.network.unix.abstract),
        "TCP sockets": len(kernel.network.inet.connections) + len(kernel.network.inet.listeners),
        "UDP sockets": len(kernel.network.inet.udp_sockets),
        "files on their way": sum(kernel.network.unix.n_in_flight.values()),
        "terminals": len(system._file_systems.terminals.devpts().ttys),
        "host descriptors": len(list(Path("/proc/self/fd").iterdir())),
    }


def _run(system: System, program: Path, directory: Path) -> int:
    name = os.fsencode(program)
    return system.run(system.start(name, [name], [b"PATH=/usr/bin:/bin"], fs=system.look_from(os.fsencode(directory))))


@pytest.mark.parametrize("guest", guests("process", "net", "tmpfs", "ptrace", "seccomp", "tty"), ids=str)
def test_nothing_is_left(guest: Guest, system: System, tmp_path: Path) -> None:
    """The second and the third run of a guest end with the same counts (the first may fill the page cache)."""
    try:
        program = guest.build()
    except ToolMissingError as error:
        pytest.skip(str(error))
    left = []
    for turn in ("first", "second", "third"):
        directory = tmp_path / turn
        directory.mkdir()
        assert _run(system, program, directory) == guest.status
        left.append(_counts(system))
    assert left[1] == left[2]
