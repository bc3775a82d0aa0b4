"""Steps, breakpoints, watchpoints and held calls."""

from __future__ import annotations

from pathlib import Path

import pytest

import pyuk
from tests.api.test_run import assemble

LOOP = """
    .globl _start, again, done, counter
_start:
    mov $3, %ecx
again:
    incq counter(%rip)
    dec %ecx
    jnz again
done:
    mov $39, %eax
    syscall
    mov $60, %eax
    mov counter(%rip), %edi
    syscall
    .data
    .balign 8
counter:
    .quad 0
"""


def start(system: pyuk.System, directory: Path) -> pyuk.Process:
    """The loop, about to begin."""
    return system.spawn(assemble(LOOP, directory))


def test_step(tmp_path: Path) -> None:
    """Instruction by instruction, also over a call and to the end."""
    with pyuk.System() as system:
        process = start(system, tmp_path)
        assert process.step().reason == "step"
        assert process.registers["rcx"] == 3
        assert process.registers["rip"] == process.symbol("again")
        assert process.step(3).address == process.symbol("again")
        assert process.memory.read_int("counter") == 1
        assert process.step(6).address == process.symbol("done")
        assert process.step(2).reason == "step"
        assert process.registers["rax"] == process.pid
        assert not process.registers["rflags"] & 0x100
        assert process.step(10).reason == "exit"
        assert process.returncode == 3


def test_breakpoints(tmp_path: Path) -> None:
    """Met each time, taken away, by symbol and by address."""
    with pyuk.System() as system:
        process = start(system, tmp_path)
        point = process.break_at("again")
        counts = []
        while (stop := process.resume()).reason == "breakpoint":
            assert stop.address == stop.where == point.address == process.registers["rip"]
            counts.append(process.memory.read_int("counter"))
        assert (counts, point.n_hits, stop.reason, process.returncode) == ([0, 1, 2], 3, "exit", 3)

        process = start(system, tmp_path)
        process.break_at("again")
        process.resume()
        process.clear("again")
        assert process.run_to("done").where == process.symbol("done")
        process.memory.write("counter", (77).to_bytes(8, "little"))
        assert process.wait() == 77
        assert process.resume().reason == "exit"


def test_watchpoint(tmp_path: Path) -> None:
    """Told behind the instruction that wrote."""
    with pyuk.System() as system:
        process = start(system, tmp_path)
        process.watch("counter")
        seen = []
        while (stop := process.resume()).reason == "watchpoint":
            assert stop.where == process.symbol("counter")
            seen.append(process.memory.read_int("counter"))
        assert (seen, process.returncode) == ([1, 2, 3], 3)


def test_run_to_a_system_call(tmp_path: Path) -> None:
    """It has not been made yet, and its arguments can be changed."""
    with pyuk.System(trace=True) as system:
        process = start(system, tmp_path)
        stop = process.run_to_syscall()
        assert (stop.reason, stop.name) == ("syscall", "getpid")
        assert process.registers["rax"] == 39
        stop = process.run_to_syscall("exit")
        assert stop.name == "exit"
        process.registers["rdi"] = 5
        assert process.wait() == 5
        assert [call.name for call in process.completed().syscalls] == ["execve", "getpid", "exit"]


def test_one_that_sleeps() -> None:
    """Idle is a reason too; what it sleeps in can be held."""
    with pyuk.System() as system:
        cat = system.spawn("/bin/cat", stdin=pyuk.PIPE)
        assert cat.run_to_syscall("read").name == "read"  # ld.so reads a library
        while cat.registers["rdi"] != 0:
            assert cat.run_to_syscall("read").name == "read"
        assert cat.resume().reason == "idle"
        assert cat.stdin is not None
        cat.stdin.write(b"x")
        cat.stdin.close()
        assert cat.wait() == 0
        assert cat.completed().stdout == b"x"


FORK = """
    .globl _start, both
_start:
    mov $57, %eax
    syscall
    mov %eax, %ebx
both:
    mov $60, %eax
    xor %edi, %edi
    test %ebx, %ebx
    jz 1f
    mov $4, %edi
1:  syscall
"""


def test_a_child_does_not_stop(tmp_path: Path) -> None:
    """Its copy of the breakpoint is taken out when it is met."""
    with pyuk.System(trace=True) as system:
        process = system.spawn(assemble(FORK, tmp_path))
        point = process.break_at("both")
        assert process.resume().reason == "breakpoint"
        system.run()
        assert (process.returncode, point.n_hits) == (4, 1)
        assert [call.name for call in process.completed().syscalls] == ["execve", "fork", "exit", "exit"]
        assert process.completed().trace.count("+++ exited with 0 +++") == 1
        with pytest.raises(ProcessLookupError):
            process.break_at("both")
