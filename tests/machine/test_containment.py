"""No instruction of a guest kills the host process; every one that would has the end that a real CPU gives it."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pyuk.machine import containment
from pyuk.machine.cpu import DIVIDE_ERROR, INVALID_OPCODE, PAGE_FAULT, RAX, RCX, RDI, RDX, RIP
from pyuk.machine.engine import Engine
from tests.machine.asm import assemble
from tests.machine.fuzz_translate import KINDS, fuzz
from tests.machine.rig import CODE, DATA, NOP, Rig

STATES = ("live",)
ROOT = Path(__file__).resolve().parents[2]

LOCKED = [
    f".byte 0xf0\n {name} {operands}"
    for name in ("bt", "bts", "btr", "btc")
    for operands in ("eax, eax", "rcx, rdx", "r9w, r10w", "edi, 3", "r15, 63")
]
LEAKING = ["fadd st(1), st", "fadd st, st(3)", "pshufw mm1, mm2, 3", "fcomi st, st(1)", "lock xadd [rbx], eax"]
ILLEGAL = ".byte 0xf0, 0x0f, 0xab, 0xc8"  # lock bts eax, ecx
ILLEGAL_BYTES = b"\xf0\x0f\xab\xc8"
INT3 = b"\xcc"

pytestmark = pytest.mark.skipif(not containment.install(Engine()), reason="another build of Unicorn: nothing is caught")


def test_code_is_its_assembly() -> None:
    """containment.py has what containment.S says, and enters it where it should."""
    source = Path(__file__).with_name("containment.S").read_text()
    labels = (
        "tb_gen_code",
        "gen_intermediate_code",
        "tcg_temp_new_internal",
        "tcg_gen_op2",
        "abort",
        "idivl",
        "pcmpestri",
        "pcmpestrm",
    )
    entries = assemble(source + "".join(f"\n.quad {label} - tb_gen_code" for label in labels))
    code, tail = containment._CODE, entries[-8 * len(labels) :]
    assert entries[: len(code)] == code
    assert not any(entries[len(code) : -8 * len(labels)]), "the constants begin elsewhere"
    build = containment._Unicorn214
    stubs = [stub for stub, *_rest in build.jumps] + [containment._ABORT] + [stub for stub, *_rest in build.helpers]
    assert tail == b"".join(stub.to_bytes(8, "little") for stub in stubs)


@pytest.mark.parametrize("source", LOCKED)
def test_locked_bit_test_is_undefined(rig: Rig, source: str) -> None:
    """#UD at the instruction, what precedes it in its block done and nothing of what follows."""
    head = f"mov ebx, {DATA}\n mov qword ptr [rbx], 77\n"
    trap = rig.run(f"{head}{source}\n mov qword ptr [rbx], 99")
    assert trap is not None
    assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + len(assemble(head)))
    assert rig.word(DATA) == 77


@pytest.mark.parametrize("n_before", [0, 1, 2, 7, 8, 9, 63, 64, 65, 100, 511, 512, 513, 1000])
def test_place_in_a_block(rig: Rig, n_before: int) -> None:
    """RIP is exact and what precedes has run once, wherever in a long block the instruction is."""
    trap = rig.run("inc rdi\n" * n_before + ILLEGAL + "\n inc rdi" * 20)
    assert trap is not None
    assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + 3 * n_before)
    assert rig.regs[RDI] == n_before


def test_last_instruction_of_a_page(rig: Rig) -> None:
    """The successor of its page is not mapped."""
    rig.on_trap = lambda vector: rig.cpu.stop() if vector != PAGE_FAULT or rig.cpu.confirm_fault() else None
    start = rig.code_at_page_end(f"inc rdi\n {ILLEGAL}")
    trap = rig.go(start)
    assert trap is not None
    assert (trap.vector, trap.rip) == (INVALID_OPCODE, start + 3)
    assert rig.regs[RDI] == 1


def test_handler_may_step_over_it(rig: Rig) -> None:
    """A kernel, or a SIGILL handler, that moves RIP on: the program goes on behind the instruction."""

    def skip(vector: int) -> None:
        assert vector == INVALID_OPCODE
        rig.regs[RIP] += 4

    rig.on_trap = skip
    assert rig.exits(f"inc edi\n {ILLEGAL}\n inc edi\n mov ecx, 5\n again: {ILLEGAL}\n inc edi\n loop again") == 7
    assert {trap.vector for trap in rig.traps} == {INVALID_OPCODE}
    assert len(rig.traps) == 6


def test_single_step(rig: Rig) -> None:
    """With the guest's own TF the exception comes in the same place, and TF stays."""
    rig.on_trap = lambda vector: rig.cpu.stop() if vector == INVALID_OPCODE else None
    rig.code(f"nop\n nop\n {ILLEGAL}")
    trap = rig.go(flags=0x302)
    assert trap is not None
    assert (trap.vector, trap.rip) == (INVALID_OPCODE, CODE + 2)
    assert rig.cpu.rflags & 0x100


@pytest.mark.parametrize("source", LEAKING)
def test_long_block_of_leaking_instructions(rig: Rig, source: str) -> None:
    """A whole page of instructions whose temporaries the translator loses runs to its end, each instruction once."""
    one = assemble(f"{source}\n inc rdi\n")
    n_times = 4000 // len(one)
    assert rig.exits(f".rept {n_times}\n {source}\n inc rdi\n .endr", r3=DATA) == n_times


@pytest.mark.parametrize("source", ["idiv ecx", "idiv dword ptr [rbx]"])
def test_quotient_that_does_not_fit(rig: Rig, source: str) -> None:
    """-2**63 / -1 in EDX:EAX is #DE at the instruction, and EDX:EAX keep their value."""
    rig.set_word(DATA, 0xFFFF_FFFF)
    head = "mov edx, 0x80000000\n xor eax, eax\n mov ecx, -1\n"
    trap = rig.run(f"{head}{source}\n mov eax, 7", r3=DATA)
    assert trap is not None
    assert (trap.vector, trap.rip) == (DIVIDE_ERROR, CODE + len(assemble(head)))
    assert (rig.regs[RAX], rig.regs[RDX]) == (0, 1 << 31)


@pytest.mark.parametrize(
    ("eax", "edx", "ecx", "quotient", "remainder"),
    [(0, 1 << 31, -2, None, 0), (1, 1 << 31, -1, None, 0), (0, 0x7FFF_FFFF, -1, None, 0), (10, 0, -1, -10, 0),
     (0, 0, -1, 0, 0), (-7, -1, 2, -3, -1), (-(2**31) + 1, -1, -1, 2**31 - 1, 0), (-(2**31), -1, -1, None, 0)],
)  # fmt: skip
def test_other_divisions(rig: Rig, eax: int, edx: int, ecx: int, quotient: int | None, remainder: int) -> None:
    """The neighbours of that division are what they were."""
    trap = rig.run(f"mov eax, {eax}\n mov edx, {edx}\n mov ecx, {ecx}\n idiv ecx\n ud2")
    assert trap is not None
    if quotient is None:
        assert trap.vector == DIVIDE_ERROR
    else:
        assert trap.vector == INVALID_OPCODE
        assert (rig.regs[RAX], rig.regs[RDX]) == (quotient & 0xFFFF_FFFF, remainder & 0xFFFF_FFFF)


LENGTHS = {
    16: (16, -16, 17, 1 << 30, -(2**31), 2**31 - 1, 0x1_0000_0010),
    5: (5, -5, 0x1_0000_0005, 0x7_FFFF_FFFB),
    0: (0, 1 << 32),
}
WIDE = {16: (1 << 31, 1 << 32, 1 << 63, -(2**31), 0x1_8000_0000, 0xF000_0000, -(2**63)), 5: (5, -5), 0: (0,)}


@pytest.mark.parametrize("name", ["pcmpestri", "pcmpestrm"])
@pytest.mark.parametrize("control", [0x00, 0x02, 0x08, 0x1A, 0x40, 0x4C])
@pytest.mark.parametrize("wide", [False, True], ids=["", "rex.w"])
def test_explicit_lengths(rig: Rig, name: str, control: int, *, wide: bool) -> None:
    """Lengths count as absolute values of at most 16, in EAX and EDX, with REX.W in RAX and RDX."""
    rig.map(DATA + 0x1000, bytes(range(65, 97)) * 2, rights="rw")
    lengths = WIDE if wide else LENGTHS
    rig.code(
        f"movdqu xmm0, [rbx]\n movdqu xmm1, [rbx + 3]\n mov ecx, 77\n"
        f" {'rex.w ' if wide else ''}{name} xmm1, [rbx + 4], {control}\n"
        " setc dil\n sets r8b\n setz r9b\n seto r10b\n movq r11, xmm0\n pextrq r12, xmm0, 1\n ud2"
    )

    def result(rax: int, rdx: int) -> list[int]:
        mask = (1 << 64) - 1
        trap = rig.go(r3=DATA + 0x1000, r0=rax & mask, r2=rdx & mask)
        assert trap is not None
        assert trap.vector == INVALID_OPCODE
        assert (rig.regs[RAX], rig.regs[RDX]) == (rax & mask, rdx & mask)
        return [rig.regs[index] for index in (RCX, RDI, 8, 9, 10, 11, 12)]

    for first, first_values in lengths.items():
        for second, second_values in lengths.items():
            expected = result(first, second)
            for value in first_values:
                assert result(value, second) == expected, hex(value)
            for value in second_values:
                assert result(first, value) == expected, hex(value)


def test_ten_thousand_times(live_rig: Rig) -> None:
    """Nothing leaks and nothing is spoilt: new code between the exceptions computes what it should."""
    rig = live_rig
    n_times, n_left = 10_000, [10_000]
    page = ILLEGAL_BYTES + NOP * 60
    rig.map(CODE, page * 63 + INT3 * 64, rights="rx")
    sums: list[int] = []

    def on_trap(vector: int) -> None:
        assert vector == INVALID_OPCODE
        n_left[0] -= 1
        rig.regs[RIP] = CODE + n_left[0] % 63 * 64
        if not n_left[0]:
            rig.cpu.stop()

    rig.on_trap = on_trap
    rig.go()
    before = _resident_bytes()
    for round_ in range(10):
        n_left[0] = n_times // 10
        rig.go()
        rig.on_trap = lambda _vector: rig.cpu.stop()
        body = "".join(f"add rdi, {round_ * 50 + i}\n" for i in range(50))
        rig.code(f"{body} mov eax, 60\n syscall", at=CODE + 0x10000 + round_ * 4096)
        rig.go(CODE + 0x10000 + round_ * 4096)
        sums.append(rig.regs[RDI])
        rig.on_trap = on_trap
    assert sums == [sum(range(round_ * 50, round_ * 50 + 50)) for round_ in range(10)]
    assert _resident_bytes() - before < 32 << 20, "the engine's buffer of 128 MiB may fill, nothing else"


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_two_machines_in_two_threads() -> None:
    """Each thread's failures are its own."""
    rigs = [Rig(16 << 20), Rig(16 << 20)]
    n_left = [2000, 2000]

    def play(index: int) -> None:
        rig = rigs[index]

        def on_trap(_vector: int) -> None:
            n_left[index] -= 1
            if n_left[index] == 0:
                rig.cpu.stop()

        rig.on_trap = on_trap
        rig.run("nop\n" * index + ILLEGAL)

    threads = [threading.Thread(target=play, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert n_left == [0, 0]
    assert [rig.regs[RIP] for rig in rigs] == [CODE, CODE + 1]
    for rig in rigs:
        rig.close()


def test_after_fork(rig: Rig) -> None:
    """A child of fork(2) is contained as well."""
    rig.code(ILLEGAL)
    assert rig.go() is not None
    child = os.fork()
    if not child:
        trap = rig.go()
        os._exit(7 if trap is not None and trap.vector == INVALID_OPCODE else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


_ABORT_ELSEWHERE = """
import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from pyuk.machine import clib, containment
from pyuk.machine.engine import Engine
engine = Engine()
assert containment.install(engine)
base, build = containment._identify(engine.held)
slot = clib.c_uint64.from_address(base + build.abort[1])
clib.CFUNCTYPE(None)(slot.value)()
"""


def test_other_aborts_still_abort() -> None:
    """An abort that is not the translator's ends the process, as ever."""
    child = subprocess.run([sys.executable, "-c", _ABORT_ELSEWHERE], cwd=ROOT, check=False)
    assert child.returncode == -signal.SIGABRT


def test_other_build_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With another build id nothing is changed, and the machine works."""
    monkeypatch.setattr(containment._Unicorn214, "build_id", "00" * 20)
    monkeypatch.setattr(containment, "_installed", [])
    assert not containment.install(Engine())
    rig = Rig(16 << 20)
    assert rig.exits("mov edi, 3") == 3
    rig.close()


def test_changed_slot_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not as it should be is not touched: here, because it has been changed by this process already."""
    monkeypatch.setattr(containment, "_installed", [])
    assert not containment.install(Engine())


def test_fuzzer_sees_what_is_not_contained() -> None:
    """Without containment the fuzzer finds deaths within its first tests."""
    report = fuzz("single", 1, 0, 6000, 60, bare=True)
    assert report.findings
    assert all(finding.status < 0 for finding in report.findings)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_fuzz(kind: str) -> None:
    """Two seconds of every kind of instructions kill and hang nothing."""
    report = fuzz(kind, 5, 0, 1 << 40, 2)
    assert report.n_tests > 1000
    assert not report.findings
