"""How a program dies of one instruction or one access: signal, code, address and RIP are those of the real kernel."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guests import Guest, guest, guests
from tests.native import CRASH_LINE, deathwatch, place, run_native, run_pyuk, why_no_deathwatch
from tests.record_golden import DEATH_FAMILIES, host_death, read_deaths
from tests.scrub import death_difference, death_line

DEATHS = guests(*DEATH_FAMILIES)
SURVIVED = 99  # of death.inc
NEXT_PAGE = 0x10001000  # of death.inc

every_death = pytest.mark.parametrize("guest", DEATHS, ids=str)


def ending(line: str) -> str:
    """The part of a line of deaths.txt that pyuk's crash line tells too: without flags, registers and memory."""
    return line.partition(" flags=")[0]


def wanted_of_pyuk(guest: Guest) -> str:
    """What HOST_DIFFERENCES wants, else what the host does now, else what was recorded."""
    if difference := death_difference(guest.name):
        if difference.pyuk != "survives":
            return difference.pyuk
        fell_off = death_line(f"SIGSEGV SEGV_MAPERR addr={NEXT_PAGE:#x} rip={NEXT_PAGE:#x}", guest.build())
        return fell_off if guest.variant == "page_end" else f"exited {SURVIVED}"
    return ending(host_death(guest) if not why_no_deathwatch() else read_deaths()[guest.name])


@pytest.mark.usefixtures("host_deathwatch")
@every_death
def test_native_death_is_as_recorded(guest: Guest) -> None:
    """deaths.txt says what this host does, RIP, registers, flags and memory alike, but for HOST_DIFFERENCES."""
    if difference := death_difference(guest.name):
        pytest.skip(f"depends on the host: {difference.reason}")
    assert host_death(guest) == read_deaths()[guest.name]


@pytest.mark.usefixtures("guest", "host_deathwatch")
@every_death
def test_dies_without_being_watched(program: str, tmp_path: Path) -> None:
    """The signal that deathwatch stops at is the one that kills: ptrace changed nothing."""
    native = run_native(program, cwd=tmp_path)
    line = deathwatch(tmp_path / program, cwd=tmp_path)
    assert line.split()[0] == (native.signal or "exited")
    if native.signal is None:
        assert native.status == SURVIVED


@every_death
def test_pyuk_death(guest: Guest, program: str, tmp_path: Path) -> None:
    """pyuk ends the program with that signal, and its crash line tells that code, address and RIP."""
    here = run_pyuk(program, cwd=tmp_path)
    if here.signal is None:
        assert f"exited {here.status}" == wanted_of_pyuk(guest), here
        return
    assert here.death is not None, here
    death = here.death
    line = f"{death.signal} {death.code} addr={death.address:#x} rip={death.rip:#x}"
    assert death_line(line, guest.build()) == wanted_of_pyuk(guest)
    assert here.stdout == here.stderr == b""


@pytest.mark.parametrize(
    ("name", "words"),
    {
        "null_read": "at address 0x0, rip 0xADDR <fault+0x0>: mov eax, dword ptr [rbx]",
        "cli": "rip 0xADDR <fault+0x0>: cli",
        "ud2": "rip 0xADDR <fault+0x0>: ud2",
        "int3": "rip 0xADDR <fault+0x1>",
        "null_exec": "killed by SIGSEGV (SEGV_MAPERR) at address 0x0, rip 0x0",
        "vex_vaddps_xmm": "<fault+0x0>: vaddps xmm0, xmm1, xmm2 (AVX instruction",
        "vex_vmovdqu_ymm": "(AVX instruction",
        "vex_vzeroupper": "<fault+0x0>: vzeroupper (AVX instruction",
    }.items(),
)
def test_crash_line_is_for_people(name: str, words: str, tmp_path: Path) -> None:
    """One line names the program, the signal, the place by its symbol, the instruction, and AVX where that is why."""
    dying = guest(f"cpu/deaths/{name}")
    crash_line = run_pyuk(place(dying, tmp_path), cwd=tmp_path).crash_line
    assert crash_line.startswith(f"pyuk: ./{name}: killed by SIG")
    assert words in re.sub(r"rip 0x[0-9a-f]{6,}", "rip 0xADDR", crash_line)


def test_crash_line_is_read() -> None:
    """The crash line as the issue words it, with and without a symbol, an address, an instruction."""
    line = b"pyuk: ./g: killed by SIGSEGV (SEGV_MAPERR) at address 0x7b, rip 0x401000 <_start+0x4>: mov eax, [0x7b]\n"
    match = CRASH_LINE.search(b"guest's own words\n" + line)
    assert match is not None
    assert match.groupdict() == {"signal": b"SIGSEGV", "code": b"SEGV_MAPERR", "address": b"0x7b", "rip": b"0x401000"}
    match = CRASH_LINE.search(b"pyuk: a b: killed by SIGABRT\n")
    assert match is not None
    assert match["signal"] == b"SIGABRT"


def test_every_death_is_recorded() -> None:
    """No guest was added without `python tests/record_golden.py deaths`."""
    assert set(read_deaths()) == {guest.name for guest in DEATHS}
