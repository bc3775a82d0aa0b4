"""The initial stack."""

from __future__ import annotations

import struct

import pytest

from pyuk.abi.elf import (
    AT_BASE,
    AT_ENTRY,
    AT_EXECFN,
    AT_NULL,
    AT_PHDR,
    AT_PHNUM,
    AT_PLATFORM,
    AT_RANDOM,
    AT_SECURE,
    AT_SYSINFO_EHDR,
)
from pyuk.abi.errno import E2BIG
from pyuk.loader import LoadError
from pyuk.loader.stack import STACK_TOP, Cpu, Strings, Tables, check_limits
from tests.loader.hostexec import Someone

RANDOM = bytes(range(16))
PROGRAM = {AT_PHDR: 1, AT_PHNUM: 2, AT_BASE: 3, AT_ENTRY: 4, AT_SECURE: 0}


def lay_out(argv: list[bytes], envp: list[bytes], execfn: bytes = b"/x") -> tuple[Strings, Tables, bytes]:
    """The two parts and the stack they make, from sp to the top."""
    strings = Strings(STACK_TOP, argv, envp, execfn)
    tables = Tables(strings, RANDOM, Someone(), Cpu(), PROGRAM)
    return strings, tables, tables.data + strings.data


@pytest.mark.parametrize("argv", [[b"a"], [b"", b""], [b"x" * n for n in range(20)]])
@pytest.mark.parametrize("envp", [[], [b"A=1"], [b"B" * 100, b""]])
def test_every_pointer_points_at_its_string(argv: list[bytes], envp: list[bytes]) -> None:
    """argc, argv, NULL, envp, NULL, auxv from a multiple of 16 on; strings to the top, which ends with eight zeros."""
    _, tables, memory = lay_out(argv, envp)
    assert tables.sp % 16 == 0
    assert tables.sp + len(memory) == STACK_TOP

    def string_at(address: int) -> bytes:
        return memory[address - tables.sp :].split(b"\0", 1)[0]

    words = list(struct.unpack_from(f"<{len(tables.data) // 8}Q", memory))
    assert words.pop(0) == len(argv)
    for vector in (argv, envp):
        assert [string_at(address) for address in words[: len(vector)]] == vector
        assert words[len(vector)] == 0
        del words[: len(vector) + 1]
    auxv = dict(zip(words[0::2], words[1::2], strict=False))
    assert string_at(auxv[AT_EXECFN]) == b"/x"
    assert string_at(auxv[AT_PLATFORM]) == b"x86_64"
    assert memory[auxv[AT_RANDOM] - tables.sp :][:16] == RANDOM
    assert tables.auxv[-1] == (AT_NULL, 0)
    assert memory.endswith(bytes(9))


def test_saved_positions() -> None:
    """What /proc/PID/cmdline and environ show."""
    strings, tables, memory = lay_out([b"a", b"bc"], [b"D=e"])
    assert memory[strings.arg_start - tables.sp : strings.arg_end - tables.sp] == b"a\0bc\0"
    assert memory[strings.env_start - tables.sp : strings.env_end - tables.sp] == b"D=e\0"


def test_vdso_comes_first() -> None:
    """AT_SYSINFO_EHDR is there only with a vDSO."""
    strings = Strings(STACK_TOP, [b"a"], [], b"/x")
    tables = Tables(strings, RANDOM, Someone(), Cpu(), PROGRAM | {AT_SYSINFO_EHDR: 0x7000})
    assert tables.auxv[0] == (AT_SYSINFO_EHDR, 0x7000)
    assert AT_SYSINFO_EHDR not in dict(lay_out([b"a"], [])[1].auxv)


@pytest.mark.parametrize(
    ("argv", "stack_limit", "fits"),
    [
        ([b"x" * 131071], 8 << 20, True),
        ([b"x" * 131072], 8 << 20, False),
        ([b""] * 233016, 8 << 20, True),
        ([b""] * 233017, 8 << 20, False),
        ([b"x" * 131071] * 47, 1 << 60, True),
        ([b"x" * 131071] * 48, 1 << 60, False),
        ([b"x" * 1000] * 129, 1 << 10, True),
        ([b"x" * 1000] * 130, 1 << 10, False),
    ],
)
def test_too_big(argv: list[bytes], stack_limit: int, fits: bool) -> None:  # noqa: FBT001
    """E2BIG: a string of more than 128 KiB with its NUL, or all and their pointers more than a quarter of the stack."""
    if fits:
        check_limits(argv, [], b"/x", len(argv), stack_limit)
        return
    with pytest.raises(LoadError) as caught:
        check_limits(argv, [], b"/x", len(argv), stack_limit)
    assert caught.value.errno == E2BIG
