"""The table of system calls against the host's headers, and strace's own answers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pyuk.abi.numbers import GROUPS, NUMBERS, X32_FIRST, X32_NAMES, groups_of, n_args_of, name_of

_UNISTD = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
_UNISTD_X32 = Path("/usr/include/x86_64-linux-gnu/asm/unistd_x32.h")


@pytest.mark.skipif(not _UNISTD.exists(), reason="no kernel headers")
def test_numbers_are_the_headers() -> None:
    """Every call of the header is in the table, and under its number."""
    header = dict(re.findall(r"#define __NR_(\w+) (\d+)", _UNISTD.read_text()))
    for name, number in NUMBERS.items():
        assert header.pop(name, str(number)) == str(number)
    assert [name for name, number in header.items() if int(number) <= 450] == []


@pytest.mark.skipif(not _UNISTD_X32.exists(), reason="no kernel headers")
def test_x32_numbers_are_the_headers() -> None:
    """The calls that x32 numbers in its own way are in order."""
    header = re.findall(r"#define __NR_(\w+) \(__X32_SYSCALL_BIT \+ (\d+)\)", _UNISTD_X32.read_text())
    own = [name for name, number in header if int(number) >= X32_FIRST]
    assert X32_NAMES.split()[: len(own)] == own


def test_rows_are_found_by_number() -> None:
    """Name, arguments and groups of known calls, and what an unknown number gives."""
    assert name_of(0) == "read"
    assert n_args_of(NUMBERS["mmap"]) == 6
    assert n_args_of(NUMBERS["getppid"]) == 0
    assert set(groups_of(NUMBERS["openat"])) == {GROUPS["file"], GROUPS["desc"]}
    assert groups_of(NUMBERS["sched_yield"]) == ""
    assert name_of(400) is None
    assert n_args_of(400) == 6
    assert groups_of(400) == ""
