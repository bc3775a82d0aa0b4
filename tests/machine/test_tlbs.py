"""The TLBs that are kept for other address spaces: they have what a flush at each switch would have, only sooner."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pyuk.machine.cpu import PAGE_FAULT, RDI, RIP
from pyuk.machine.paging import NX, PAGE_BYTES, PAGE_SHIFT, P, U
from pyuk.machine.tlbs import Tlbs
from tests.machine.rig import CODE, DATA, STACK, Rig

if TYPE_CHECKING:
    from pyuk.machine.paging import PageTable

PAGES = DATA + PAGE_BYTES
N_SPACES, N_PAGES, N_STEPS = 20, 6, 4000
RBX, ABSENT = 3, (1 << 64) - 1
LOAD_BYTES = 3
ASK = "again: mov eax, 1\n syscall\n mov rdi, [rbx]\n jmp again"


class Model:
    """Spaces with other data at the same addresses, and what each page should read as."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.text, self.stack = rig.code(ASK), rig.stack
        self.chance = random.Random(7)  # noqa: S311
        self.spaces: list[PageTable] = []
        self.pages: dict[PageTable, list[int]] = {}
        self.n_values = 0
        for _ in range(N_SPACES):
            self.add()
        self.now = self.spaces[0]
        self.asked: int | None = None
        self.n_steps = self.n_wrong = 0
        rig.on_syscall, rig.on_trap = self.step, self.fault

    def add(self) -> None:
        space = self.rig.machine.new_page_table()
        self.rig.show(CODE, self.text, rights="rx", space=space)
        self.rig.show(STACK, self.stack, rights="rw", space=space)
        self.spaces.append(space)
        self.pages[space] = []
        for page in range(N_PAGES):
            self.pages[space].append(self.new_value(space, page))

    def new_value(self, space: PageTable, page: int) -> int:
        self.n_values += 1
        self.rig.map(PAGES + page * PAGE_BYTES, self.n_values.to_bytes(8, "little"), rights="rw", space=space)
        return self.n_values

    def fault(self, vector: int) -> None:
        assert vector == PAGE_FAULT
        self.rig.regs[RDI] = ABSENT
        self.rig.regs[RIP] += LOAD_BYTES

    def step(self, _number: int) -> None:
        if self.asked is not None:
            self.n_wrong += self.rig.regs[RDI] != self.pages[self.now][self.asked]
        self.n_steps += 1
        if self.n_steps == N_STEPS:
            self.rig.cpu.stop()
            return
        if self.n_steps // 100 % 2:  # or long times in which no flush makes all stale
            for _ in range(self.chance.choice((0, 0, 0, 1, 2))):
                self.change()
        if self.chance.random() < 0.7:
            self.now = self.chance.choice(self.spaces)
            self.rig.cpu.load_space(self.now)
        self.asked = self.chance.randrange(N_PAGES)
        self.rig.regs[RBX] = PAGES + self.asked * PAGE_BYTES

    def change(self) -> None:
        """Something that happens to a space, loaded or not, with the flush that it needs."""
        rig, space, page = self.rig, self.chance.choice(self.spaces), self.chance.randrange(N_PAGES)
        va = PAGES + page * PAGE_BYTES
        what = self.chance.choice(("replace", "replace", "remove", "appear", "end"))
        if what == "end" and space is not self.now:
            rig.cpu.unload_space(space)
            self.spaces.remove(space)
            del self.pages[space]
            self.add()
            return
        absent = self.pages[space][page] == ABSENT
        if what == "appear" and absent:
            self.pages[space][page] = self.new_value(space, page)
        elif what in ("replace", "remove"):
            space.set(va, 0)
            self.pages[space][page] = ABSENT if what == "remove" else self.new_value(space, page)
            if not absent:
                self.chance.choice((rig.cpu.flush_tlb, lambda: rig.cpu.flush_page(va)))()


def test_kept_tlbs_against_a_model(rig: Rig) -> None:
    """More spaces than are kept, switched, changed, ended and made anew: each load reads what its table says."""
    model = Model(rig)
    rig.cpu.load_space(model.now)
    rig.go()
    assert model.n_steps == N_STEPS
    assert model.n_wrong == 0


def ping_pong(rig: Rig, n_switches: int, n_pages: int) -> None:
    """Two spaces, each with pages that it touches at each of its turns."""
    source = f"""
        again: mov ecx, {n_pages}
        mov ebx, {PAGES}
        touch: inc qword ptr [rbx]
        add rbx, {PAGE_BYTES}
        dec ecx
        jnz touch
        mov eax, 1
        syscall
        jmp again
    """
    text, other, left = rig.code(source), rig.machine.new_page_table(), [n_switches]
    rig.show(CODE, text, rights="rx", space=other)
    rig.show(STACK, rig.stack, rights="rw", space=other)
    turn = [rig.space, other]
    for space in turn:
        for page in range(n_pages):
            rig.map(PAGES + page * PAGE_BYTES, rights="rw", space=space)

    def on_syscall(_number: int) -> None:
        left[0] -= 1
        if left[0] == 0:
            rig.cpu.stop()
        turn.reverse()
        rig.cpu.load_space(turn[0])

    rig.on_syscall = on_syscall
    rig.go()


@pytest.mark.parametrize("n_pages", [10, 700])
def test_a_switch_does_not_flush(live_rig: Rig, n_pages: int) -> None:
    """Two spaces in turns: after each has been loaded once, and its TLB has grown, nothing is flushed."""
    ping_pong(live_rig, 40, n_pages)
    assert live_rig.cpu.n_tlb_flushes <= 2 + 2 * (n_pages > 100) * 3
    assert [live_rig.word(PAGES + page * PAGE_BYTES) for page in range(n_pages)] == [20] * n_pages


def test_lost_right_of_a_space_that_is_not_loaded(rig: Rig) -> None:
    """A page of a space that does not run becomes read-only: after the flush that belongs to it, its store faults."""
    ping_pong(rig, 4, 3)
    frame = rig.space.entry(PAGES) >> PAGE_SHIFT & 0xFFFFF
    rig.space.set(PAGES, frame << PAGE_SHIFT | P | U | NX)
    rig.cpu.flush_tlb()
    rig.on_syscall = lambda _number: rig.cpu.load_space(rig.space)
    trap = rig.resume()
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 7, PAGES)


def test_an_exception_anywhere_in_a_switch(live_rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a host signal's handler raises around a switch is raised from `run`, and each space keeps its own."""
    rig = live_rig
    switch = Tlbs.switch
    raised: list[int] = []

    def failing(tlbs: Tlbs, table: PageTable) -> bool:
        raised.append(1)
        if len(raised) % 3 == 1:
            raise KeyboardInterrupt
        result = switch(tlbs, table)
        if len(raised) % 3 == 2:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Tlbs, "switch", failing)
    model = Model(rig)
    rig.cpu.load_space(model.now)
    started = False
    for _ in range(2 * N_STEPS):
        try:
            if started:
                rig.resume()
            else:
                started = True
                rig.go()
            break
        except KeyboardInterrupt:
            continue
    assert model.n_steps == N_STEPS
    assert model.n_wrong == 0
    assert len(raised) > N_STEPS // 2


def test_closing_gives_the_tables_back() -> None:
    """Machines with several spaces can be made and closed."""
    for _ in range(3):
        rig = Rig()
        ping_pong(rig, 10, 3)
        rig.close()
