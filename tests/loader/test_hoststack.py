"""The stack, word by word, against the host's."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import pytest

from pyuk.abi import elf as tags
from pyuk.loader.stack import STACK_TOP, Cpu
from pyuk.mm.usermem import UserMemory
from tests.loader.elfmaker import EXEC, STATIC_PIE, Elf
from tests.loader.guestside import Guests, differences
from tests.loader.hostexec import execve, needs_native

pytestmark = needs_native

HOST_ONLY = {tags.AT_SYSINFO_EHDR, tags.AT_RSEQ_FEATURE_SIZE, tags.AT_RSEQ_ALIGN}
"""The vDSO, which the stacks compared here are made without, and what Linux 6.3 added."""


class Stack:
    """What a program finds at its stack pointer."""

    def __init__(self, sp: int, memory: bytes) -> None:
        words = [word for (word,) in struct.iter_unpack("<Q", memory[: len(memory) & ~7])]
        argc = words[0]
        self.argv = words[1 : argc + 1]
        rest = words[argc + 2 :]
        self.envp = rest[: rest.index(0)]
        pairs = rest[len(self.envp) + 1 :]
        self.auxv = list(zip(pairs[0::2], pairs[1::2], strict=False))
        del self.auxv[self.auxv.index((tags.AT_NULL, 0)) + 1 :]
        self.strings = memory[self.argv[0] - sp :]
        self.below_strings = memory[dict(self.auxv)[tags.AT_RANDOM] + 16 - sp : self.argv[0] - sp]


@pytest.mark.parametrize("program", ["static", "static-pie", "pie", "/bin/ls"])
@pytest.mark.parametrize("argv", [["x"], [], ["a", "", "bc" * 40], ["x"] * 1000, ["y" * 5000] * 7])
@pytest.mark.parametrize("env", [{}, {"A": "b"}, {f"V{i}": "v" * i for i in range(50)}])
def test_same_stack(tmp_path: Path, program: str, argv: list[str], env: dict[str, str]) -> None:
    """All addresses and values, but for the host's own CPU and its additional entries, which come in whole pairs."""
    path = str(tmp_path / "program")
    if program == "/bin/ls":
        path = os.path.realpath(program)
        if not Path(path).exists():
            pytest.skip("no /bin/ls")
    else:
        elf = {"static": EXEC, "static-pie": STATIC_PIE, "pie": STATIC_PIE.but(interp=b"interp\0")}[program]
        for file, maker in ((tmp_path / "program", elf), (tmp_path / "interp", STATIC_PIE)):
            assert isinstance(maker, Elf)
            file.write_bytes(maker.build())
            file.chmod(0o755)
    native = execve(path, argv, env, cwd=str(tmp_path), run=False)
    assert native.loaded
    theirs = Stack(native.rsp, native.stack)
    host = dict(theirs.auxv)
    guests = Guests(str(tmp_path))
    cpu = Cpu(host[tags.AT_HWCAP], host[tags.AT_HWCAP2], host[tags.AT_MINSIGSTKSZ])
    outcome = guests.execve(path, argv, env, cpu=cpu)
    assert differences(native, outcome) == []
    assert outcome.loaded is not None
    assert outcome.space is not None
    sp = outcome.loaded.sp
    ours = Stack(sp, UserMemory(outcome.space).read(sp, STACK_TOP - sp))
    assert ours.argv == theirs.argv
    assert ours.envp == theirs.envp
    assert ours.strings == theirs.strings
    assert ours.below_strings == theirs.below_strings
    assert ours.auxv == [pair for pair in theirs.auxv if pair[0] not in HOST_ONLY]
    n_host_only = sum(tag in HOST_ONLY for tag, _ in theirs.auxv)
    assert sp - native.rsp == 16 * n_host_only
    guests.finish(outcome)
    guests.close()


@pytest.mark.parametrize("name", ["ls", "sh", "busybox", "ldconfig", "python3", "gcc", "perl", "git"])
def test_real_program(tmp_path: Path, name: str) -> None:
    """A distribution's programs are laid out as the host does it; ldconfig is a static PIE, busybox may be static."""
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    native = execve(path, run=False)
    guests = Guests(str(tmp_path))
    outcome = guests.execve(path)
    assert differences(native, outcome) == []
    guests.finish(outcome)
    guests.close()
