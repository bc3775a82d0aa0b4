"""Time slices, stops, and exceptions: a run ends where it should, and the program notices nothing."""

from __future__ import annotations

import _thread
import signal
import sys
import time
from itertools import count
from typing import TYPE_CHECKING

import pytest

from pyuk.machine import cpu as vectors
from pyuk.machine.cpu import INVALID_OPCODE, PAGE_FAULT, RAX, RDI, RIP, Cpu
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, EXIT, Rig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

STATES = ("live", "copied", "probe")


def test_preemption_is_exact(live_rig: Rig) -> None:
    """25,000,000 increments in memory are 25,000,000, while another thread stops the engine every few milliseconds."""
    n_ticks = []
    live_rig.cpu.on_tick = lambda: n_ticks.append(1)
    source = f"mov ecx, 25000000\n again: inc dword ptr [{DATA:#x}]\n dec ecx\n jnz again"
    live_rig.exits(source)
    assert live_rig.word(DATA) == 25_000_000
    assert n_ticks


def test_preemption_of_every_kind_of_instruction(live_rig: Rig) -> None:
    """Adds, string stores, calls and SSE under a thread that stops the engine all the time: sums are right."""
    stop, ended = live_rig.cpu._engine.stop, [False]

    def nuisance() -> None:
        while not ended[0]:
            stop()
            time.sleep(0.0001)

    n_ticks = []
    live_rig.cpu.on_tick = lambda: n_ticks.append(1)
    source = f"""
        mov ebx, {DATA}
        mov r12d, 4000000
        again: add qword ptr [rbx], 3
        lock inc qword ptr [rbx + 8]
        push r12
        call f
        pop r12
        paddq xmm0, xmm1
        dec r12
        jnz again
        jmp end
        f: inc r13
        ret
        end: mov rdi, r13
    """
    _thread.start_new_thread(nuisance, ())
    try:
        live_rig.exits(source)
    finally:
        ended[0] = True
    assert (live_rig.word(DATA), live_rig.word(DATA + 8), live_rig.regs[RDI]) == (12_000_000, 4_000_000, 4_000_000)
    assert n_ticks


def test_tick_may_stop(live_rig: Rig) -> None:
    """`stop` in on_tick ends the run; the next run goes on from there."""
    n_ticks = []

    def on_tick() -> None:
        n_ticks.append(1)
        live_rig.cpu.stop()

    live_rig.cpu.on_tick = on_tick
    assert live_rig.run("again: inc rdi\n jmp again") is None
    first = live_rig.regs[RDI]
    assert live_rig.resume() is None
    assert len(n_ticks) == 2
    assert 0 < first < live_rig.regs[RDI]
    assert live_rig.regs[RIP] in (CODE, CODE + 3)


def test_tick_may_change_registers(live_rig: Rig) -> None:
    """Registers and address space written in on_tick are the program's: how a signal is delivered to a busy one."""

    def on_tick() -> None:
        live_rig.regs[RIP] = CODE + 0x100

    live_rig.cpu.on_tick = on_tick
    live_rig.run(f"again: jmp again\n .org 0x100\n mov edi, 5\n mov eax, {EXIT}\n syscall")
    assert live_rig.regs[RDI] == 5


def test_tick_while_a_fault_is_confirmed(live_rig: Rig) -> None:
    """A slice that ends among confirm_fault's single steps: on_tick does not see their TF, and the fault comes."""
    seen = []
    live_rig.cpu.on_tick = lambda: seen.append(live_rig.cpu.rflags)
    stops = iter([1, 1, 1])

    def on_trap(_vector: int) -> None:
        if live_rig.cpu.confirm_fault():
            live_rig.cpu.stop()
        elif next(stops, 0):
            live_rig.cpu._engine.stop()

    live_rig.on_trap = on_trap
    trap = live_rig.go(live_rig.code_at_page_end("inc eax\n inc eax\n inc eax"))
    assert trap is not None
    assert (trap.vector, trap.cr2, trap.rip, live_rig.regs[RAX]) == (PAGE_FAULT, CODE + 4096, CODE + 4096, 3)
    assert seen
    assert not any(flags & vectors.TF for flags in seen)


def test_early_ticks_grow_the_tlb(live_rig: Rig) -> None:
    """The first slices of a program end in a TLB flush each, again after expect_growth, and no more then."""
    live_rig.cpu._n_early_flushes = 10
    ticks = []

    def on_tick() -> None:
        ticks.append(live_rig.cpu._flush_wanted)
        if len(ticks) == 4:
            live_rig.cpu.expect_growth()
        if len(ticks) == 6:
            live_rig.cpu.stop()

    live_rig.cpu.on_tick = on_tick
    live_rig.run("again: jmp again")
    assert ticks == [True, True, False, False, True, True]


def test_stop_in_a_system_call(rig: Rig) -> None:
    """`stop` in on_syscall ends the run after the instruction; the next run goes on with what follows."""
    rig.on_syscall = lambda _number: rig.cpu.stop()
    rig.run("mov eax, 1\n syscall\n mov eax, 2\n syscall\n mov eax, 3\n syscall")
    assert rig.regs[RIP] == CODE + 7
    rig.resume()
    rig.resume()
    assert rig.syscalls == [1, 2, 3]


def test_stop_in_a_trap(rig: Rig) -> None:
    """`stop` in on_trap ends the run at the fault; what the kernel then mends, the next run uses."""
    rig.run(f"mov edi, [{DATA + 4096:#x}]\n mov eax, {EXIT}\n syscall")
    rig.map(DATA + 4096, b"\x08", rights="r")
    assert rig.resume() is None
    assert rig.regs[RDI] == 8


def test_stop_in_a_trap_that_came_between_runs_of_the_engine(rig: Rig) -> None:
    """`stop` in the #GP of IN, which is raised when the engine has stopped already, and in a planted #UD."""
    rig.run("in al, dx\n vaddps xmm0, xmm1, xmm2")
    rig.regs[RIP] += 1
    rig.resume()
    assert [trap.vector for trap in rig.traps] == [vectors.GENERAL_PROTECTION, INVALID_OPCODE]


def test_stop_before_a_run_is_forgotten(rig: Rig) -> None:
    """`stop` is for the run that goes on."""
    rig.cpu.stop()
    assert rig.exits("mov edi, 3") == 3


class FirstError(Exception):
    """What a handler of the test raises."""


@pytest.mark.parametrize("error", [FirstError, KeyboardInterrupt, SystemExit])
def test_exception_in_a_system_call(rig: Rig, error: type[BaseException]) -> None:
    """What on_syscall raises is raised by `run`, with RIP after the instruction and the registers as it left them."""

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
            return
        rig.regs[RDI] = 9
        raise error

    rig.on_syscall = on_syscall
    with pytest.raises(error):
        rig.run(f"mov eax, 1\n syscall\n mov eax, {EXIT}\n syscall")
    assert rig.regs[RDI] == 9
    rig.resume()
    assert rig.syscalls == [1, EXIT]


@pytest.mark.parametrize("source", ["mov eax, [0]", "ud2", "in al, dx", "int3", "vzeroupper"])
def test_exception_in_a_trap(rig: Rig, source: str) -> None:
    """What on_trap raises is raised by `run`, whatever the trap; the next run goes on from its RIP."""

    def on_trap(_vector: int) -> None:
        rig.regs[RIP] = CODE + 0x100
        raise FirstError

    rig.on_trap = on_trap
    with pytest.raises(FirstError):
        rig.run(f"{source}\n .org 0x100\n mov eax, {EXIT}\n syscall")
    assert rig.resume() is None


def test_exception_on_a_tick(live_rig: Rig) -> None:
    """What on_tick raises is raised by `run`."""

    def on_tick() -> None:
        raise FirstError

    live_rig.cpu.on_tick = on_tick
    with pytest.raises(FirstError):
        live_rig.run("again: jmp again")


def runs_inside(frame: FrameType | None) -> bool:
    """Whether `cpu.run` is what this frame came from."""
    while frame is not None:
        if frame.f_code is Cpu.run.__code__:
            return True
        frame = frame.f_back
    return False


ARM = (signal.ITIMER_REAL, 0.002)


@pytest.fixture
def interrupts() -> Iterator[None]:
    """A timer raises KeyboardInterrupt, as Ctrl-C does, once when it is armed: in `run`, where a test can catch it."""

    def handler(_signo: int, frame: FrameType | None) -> None:
        if runs_inside(frame):
            raise KeyboardInterrupt
        signal.setitimer(*ARM)

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(*ARM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("interrupts")
def test_ctrl_c_is_never_lost(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python runs a signal's handler as a hook begins: its exception still comes out of `run`, and no call is lost.

    Kernel and program both count the system calls, and agree. (The kernel is a function in C: a handler
    cannot begin inside it.)
    """
    assert state
    calls = count()
    printed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    rig = Rig(entry=calls.__next__)
    rig.code("again: syscall\n inc rdi\n cmp rdi, r15\n jb again\n ud2")
    go, n_raised, n_rounds = rig.go, 0, 60_000
    while not rig.traps:
        try:
            go(r15=n_rounds)
        except KeyboardInterrupt:
            n_raised += 1
            signal.setitimer(*ARM)
        go = lambda **_registers: rig.resume()  # noqa: E731
    rig.close()
    assert printed == []
    assert (rig.traps[0].vector, next(calls)) == (INVALID_OPCODE, n_rounds)
    assert n_raised > 0


def test_unraisable_exceptions_of_others_are_theirs(rig: Rig) -> None:
    """While a program runs, an exception in somebody's __del__ goes to the hook that was there, which is put back."""

    class Breaks:
        def __del__(self) -> None:
            raise FirstError

    def on_syscall(_number: int) -> None:
        Breaks()
        rig.cpu.stop()

    seen = []
    before = sys.unraisablehook
    hook = sys.unraisablehook = lambda report: seen.append(report.exc_type)
    try:
        rig.on_syscall = on_syscall
        rig.run("syscall")
        assert sys.unraisablehook is hook
    finally:
        sys.unraisablehook = before
    assert seen == [FirstError]


def test_closing_while_the_ticker_runs() -> None:
    """Machines are opened, run and closed in quick succession: no stop reaches an engine that is gone."""
    for _ in range(5):
        rig = Rig()
        rig.code("again: jmp again")
        rig.cpu.on_tick = rig.cpu.stop
        rig.go()
        rig.close()


def test_a_busy_program_leaves_other_threads_running(live_rig: Rig) -> None:
    """The engine runs without the interpreter's lock."""
    n_turns = [0]
    ended = [False]

    def other() -> None:
        while not ended[0]:
            n_turns[0] += 1
            time.sleep(0.0005)

    _thread.start_new_thread(other, ())
    live_rig.exits("mov ecx, 20000000\n again: dec ecx\n jnz again")
    ended[0] = True
    assert n_turns[0] > 0


@pytest.mark.parametrize("how", ["the same goes on", "another runs"])
@pytest.mark.parametrize(
    ("source", "vector"), [("in al, dx", vectors.GENERAL_PROTECTION), ("vzeroupper", INVALID_OPCODE)]
)
def test_exception_before_a_trap_is_delivered(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, source: str, vector: int, how: str
) -> None:
    """A signal's exception between the engine's stop and the trap: the instruction traps when its program goes on."""
    rig.code(f"inc r8d\n {source}\n inc r9d")

    def interrupted() -> None:
        raise KeyboardInterrupt

    for i in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(rig.cpu, "_finish", interrupted)
            if i == 0 or vector != INVALID_OPCODE:  # a trap that is planted needs no stop
                with pytest.raises(KeyboardInterrupt):
                    rig.go()
        if how == "another runs":
            frame, space = rig.cpu.save(), rig.space
            other = rig.machine.new_page_table()
            code = assemble(f"mov r8d, 77\n mov edi, 5\n mov eax, {EXIT}\n syscall")
            rig.map(CODE, code, rights="rx", space=other)
            rig.cpu.load_space(other)
            assert rig.go() is None
            assert rig.regs[RDI] == 5
            rig.cpu.load_space(space)
            rig.cpu.restore(frame)
        trap = rig.resume() if i == 0 or vector != INVALID_OPCODE else rig.go()
        assert trap is not None
        assert (trap.vector, trap.rip, rig.regs[8], rig.regs[9]) == (vector, CODE + 3, 1, 0)
