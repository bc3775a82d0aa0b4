"""What a fatal instruction leaves: all registers, arithmetic flags, and memory stored to exactly once, as natively.

In one process and one System, so that a guest's second run meets the page cache, the translations and the planted traps
of its first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyuk.abi.siginfo import code_name, signal_name
from pyuk.kernel.crash import Crash
from pyuk.system import System
from tests.guests import Guest, ToolMissingError, guests
from tests.native import why_no_deathwatch
from tests.record_golden import host_death, read_deaths
from tests.scrub import DeathDifference, death_difference, death_line

DEATHS = guests("cpu/deaths")
RIP = 16
FLAGS = {0: "CF", 2: "PF", 4: "AF", 6: "ZF", 7: "SF", 10: "DF", 11: "OF"}
FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """One kernel for all guests of this file."""
    system = System()
    yield system
    system.close()


def state_line(crash: Crash, program: Path) -> str:
    """Return what deathwatch would print about a process of pyuk, but for the memory at `witness` and `count`.

    FAULT in death.inc loads both into r14 and r15, so `regs` speaks for them.
    """
    info = crash.info
    flags = "|".join(name for bit, name in FLAGS.items() if crash.rflags >> bit & 1) or "0"
    registers = b"".join(value.to_bytes(8, "little") for value in crash.regs[:16])
    digest = FNV_START
    for byte in registers:
        digest = (digest ^ byte) * FNV_PRIME % 2**64
    return death_line(
        f"{signal_name(info.signo)} {code_name(info.signo, info.code)} addr={info.address if info.is_fault else 0:#x}"
        f" rip={crash.regs[RIP]:#x} flags={flags} regs={digest:016x} witness=",
        program,
    )


def run_once(system: System, program: Path) -> str:
    """Return how the program ends, in deathwatch's words."""
    task = system.start(os.fsencode(program), [os.fsencode(program)], [])
    status = system.run(task)
    crash = task.process.crash
    return f"exited {status}" if crash is None else state_line(crash, program)


@pytest.mark.parametrize("guest", [guest for guest in DEATHS if not death_difference(guest.name)], ids=str)
def test_state_at_death_is_native(guest: Guest, system: System) -> None:
    """Signal, code, address, RIP, flags and all sixteen registers are the host's, in a first and a second process."""
    try:
        program = guest.build()
    except ToolMissingError as error:
        pytest.skip(str(error))
    wanted = host_death(guest) if not why_no_deathwatch() else read_deaths()[guest.name]
    for _ in range(2):
        assert run_once(system, program) == re.sub(" witness=.*", " witness=", wanted)


LISTED = [(guest, known) for guest in DEATHS if (known := death_difference(guest.name)) and known.pyuk != "survives"]


@pytest.mark.parametrize(("guest", "difference"), LISTED, ids=lambda value: value.name)
def test_listed_death_comes_every_time(guest: Guest, difference: DeathDifference, system: System) -> None:
    """A VEX instruction, and what else HOST_DIFFERENCES lists, ends a second process of the same text alike."""
    for _ in range(2):
        assert run_once(system, guest.build()).partition(" flags=")[0] == difference.pyuk
