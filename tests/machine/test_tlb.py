"""Which changes of a page table the CPU sees by itself, which need a flush, and the change of address space."""

from __future__ import annotations

import pytest

from pyuk.machine.cpu import PAGE_FAULT, RDI
from pyuk.machine.paging import NX, PAGE_BYTES, PAGE_SHIFT, P, U, W
from tests.machine.asm import assemble
from tests.machine.rig import CODE, DATA, EXIT, STACK, Rig, Trap

PAGE = DATA + PAGE_BYTES
PROBE = f"mov rdi, [{PAGE:#x}]"


def at_syscall(rig: Rig, *actions: object) -> None:
    """Do the actions, one at each system call before `exit`."""
    left = list(actions)

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            action = left.pop(0)
            assert callable(action)
            action()

    rig.on_syscall = on_syscall


def test_host_writes_are_seen_at_once(rig: Rig) -> None:
    """Data that Python writes into a frame is what the next load reads: there is no copy."""
    rig.map(PAGE, rights="rw")
    at_syscall(rig, lambda: rig.set_word(PAGE, 9))
    assert rig.exits(f"{PROBE}\n mov eax, 1\n syscall\n {PROBE}") == 9


def test_guest_writes_are_seen_at_once(rig: Rig) -> None:
    """What the program stores is in the frame when its system call comes."""
    seen = []
    rig.map(PAGE, rights="rw")
    at_syscall(rig, lambda: seen.append(rig.word(PAGE)))
    rig.exits(f"mov qword ptr [{PAGE:#x}], 31\n mov eax, 1\n syscall")
    assert seen == [31]


def test_new_page_needs_no_flush(rig: Rig) -> None:
    """An entry that goes from absent to present in a system call is used at once."""
    at_syscall(rig, lambda: rig.map(PAGE, b"\x05", rights="r"))
    assert rig.exits(f"mov rdi, [{DATA:#x}]\n mov eax, 1\n syscall\n {PROBE}") == 5
    assert rig.cpu.n_tlb_flushes == 1


def test_gained_right_needs_no_flush(rig: Rig) -> None:
    """An entry that becomes writable after it was read through is written through."""
    frame = rig.map(PAGE, b"\x05", rights="r")
    at_syscall(rig, lambda: rig.space.set(PAGE, frame << PAGE_SHIFT | P | U | W | NX))
    assert rig.exits(f"{PROBE}\n mov eax, 1\n syscall\n inc qword ptr [{PAGE:#x}]\n {PROBE}") == 6
    assert (rig.traps, rig.cpu.n_tlb_flushes) == ([], 1)


def test_copy_on_write_inside_its_fault_needs_no_flush(rig: Rig) -> None:
    """A page read before, copied in its write fault: the store and all later loads go to the copy. 600 times."""
    old = {}

    def on_trap(_vector: int) -> None:
        va = rig.cpu.cr2 & -PAGE_BYTES
        old[va] = rig.space.entry(va) >> PAGE_SHIFT & 0xFFFFF
        rig.map(va, bytes(rig.ram.frame(old[va])), rights="rw")

    rig.on_trap = on_trap
    for i in range(600):
        rig.map(PAGE + i * PAGE_BYTES, i.to_bytes(8, "little"), rights="r")
    source = f"""
        mov ebx, {PAGE}
        mov ecx, 600
        xor edi, edi
        again: add rdi, [rbx]
        add qword ptr [rbx], 1000
        add rdi, [rbx]
        add rbx, {PAGE_BYTES}
        dec ecx
        jnz again
    """
    n_flushes = rig.cpu.n_tlb_flushes
    assert rig.exits(source) == 2 * sum(range(600)) + 600 * 1000
    assert len(rig.traps) == 600
    assert {trap.error_code for trap in rig.traps} == {7}
    assert rig.cpu.n_tlb_flushes == n_flushes + 1
    assert [rig.ram.words[old[PAGE + i * PAGE_BYTES] << 9] for i in range(600)] == list(range(600))


@pytest.mark.parametrize("flush", ["flush_tlb", "flush_page"])
def test_lost_right_needs_a_flush(rig: Rig, flush: str) -> None:
    """After a flush in a system call, a page made read-only faults on a store: at once, with P and W set."""
    frame = rig.map(PAGE, rights="rw")

    def protect() -> None:
        rig.space.set(PAGE, frame << PAGE_SHIFT | P | U | NX)
        rig.machine.flush_tlb() if flush == "flush_tlb" else rig.machine.flush_page(PAGE)

    at_syscall(rig, protect)
    source = f"inc qword ptr [{PAGE:#x}]\n mov eax, 1\n syscall\n inc qword ptr [{PAGE:#x}]"
    trap = rig.run(source)
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 7, PAGE)
    assert rig.word(PAGE) == 1


@pytest.mark.parametrize("flush", ["flush_tlb", "flush_page"])
def test_removed_page_needs_a_flush(rig: Rig, flush: str) -> None:
    """After a flush a page that is gone faults as absent, and one that was replaced reads as its new frame."""
    rig.map(PAGE, b"\x01", rights="rw")
    rig.map(PAGE + PAGE_BYTES, b"\x02", rights="rw")

    def change() -> None:
        rig.hide(PAGE)
        rig.map(PAGE + PAGE_BYTES, b"\x03", rights="rw")
        for page in (PAGE, PAGE + PAGE_BYTES):
            rig.machine.flush_tlb() if flush == "flush_tlb" else rig.machine.flush_page(page)

    at_syscall(rig, change)
    other = PROBE.replace(f"{PAGE:#x}", f"{PAGE + PAGE_BYTES:#x}")
    trap = rig.run(f"{PROBE}\n {other}\n mov eax, 1\n syscall\n {other}\n mov rax, [{PAGE:#x}]")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 4, PAGE)
    assert rig.regs[RDI] == 3


def test_flush_outside_a_run(rig: Rig) -> None:
    """A flush asked for between runs is done before the next."""
    rig.map(PAGE, b"\x01", rights="r")
    assert rig.exits(PROBE) == 1
    rig.space.set(PAGE, 0)
    rig.cpu.flush_tlb()
    assert rig.go() == Trap(PAGE_FAULT, 4, PAGE, CODE)


def test_flushes_are_merged(rig: Rig) -> None:
    """Any number of flushes asked for in one trap cost one."""
    at_syscall(rig, lambda: [rig.cpu.flush_tlb() for _ in range(100)])
    rig.exits("mov eax, 1\n syscall")
    assert rig.cpu.n_tlb_flushes == 2  # and the first load of CR3


def test_flush_survives_an_exception(rig: Rig) -> None:
    """A handler that asks for a flush and then raises: the flush is done before the program goes on."""
    rig.map(PAGE, b"\x01", rights="r")

    def fail() -> None:
        rig.space.set(PAGE, 0)
        rig.cpu.flush_tlb()
        raise KeyError

    at_syscall(rig, fail)
    with pytest.raises(KeyError):
        rig.exits(f"{PROBE}\n mov eax, 1\n syscall\n {PROBE}")
    trap = rig.resume()
    assert trap is not None
    assert (trap.vector, trap.cr2) == (PAGE_FAULT, PAGE)


def test_switching_address_spaces(rig: Rig) -> None:
    """Two tables, the same addresses, other code and data: after load_space, in any order, each sees its own."""
    spaces = {"a": rig.space, "b": rig.machine.new_page_table()}
    for tag, (space, datum) in enumerate(zip(spaces.values(), (b"\x0a", b"\x14"), strict=True), 1):
        code = assemble(f"mov rdi, [{DATA:#x}]\n lea rdi, [rdi*8 + {tag}]\n mov eax, {EXIT}\n syscall")
        rig.map(CODE, code, rights="rx", space=space)
        rig.map(DATA, datum, rights="rw", space=space)
    found = []
    for name in "abaabbab":
        rig.cpu.load_space(spaces[name])
        rig.go()
        found.append(rig.regs[RDI])
    assert found == [{"a": 81, "b": 162}[name] for name in "abaabbab"]


def test_switching_inside_a_system_call(rig: Rig) -> None:
    """load_space in on_syscall: the next instruction is fetched from the new space, and shared text is shared."""
    source = f"again: mov eax, 1\n syscall\n add rdi, [{DATA:#x}]\n cmp rdi, 1000\n jb again\n mov eax, {EXIT}\n syscall"
    text = rig.code(source)
    rig.set_word(DATA, 1)
    other = rig.machine.new_page_table()
    rig.show(CODE, text, rights="rx", space=other)
    rig.map(DATA, b"\x64", rights="rw", space=other)
    turn = [rig.space, other]

    def on_syscall(number: int) -> None:
        if number == EXIT:
            rig.cpu.stop()
        else:
            turn.reverse()
            rig.cpu.load_space(turn[0])

    rig.on_syscall = on_syscall
    rig.go()
    assert rig.regs[RDI] == 9 * (100 + 1) + 100


def test_unloaded_space_may_be_freed(rig: Rig) -> None:
    """After unload_space its frames can go to others; the next space runs as if it had never been."""
    rig.exits("mov edi, 1")
    rig.cpu.unload_space()
    rig.space.free()
    rig.space = rig.machine.new_page_table()
    rig.map(DATA, rights="rw")
    rig.map(STACK, rights="rw")
    rig.cpu.load_space(rig.space)
    assert rig.exits("push 4\n pop rdi") == 4


def test_no_space_at_all(rig: Rig) -> None:
    """With nothing loaded every fetch faults."""
    rig.code("nop")
    rig.go()
    rig.cpu.unload_space()
    assert rig.go() == Trap(PAGE_FAULT, 0x14, CODE, CODE)


def test_freed_frame_is_not_reachable(rig: Rig) -> None:
    """A frame that is released and given out again: the old mapping's TLB entry is gone by then."""
    rig.map(PAGE, b"\x01", rights="rw")

    def reuse() -> None:
        frame = rig.space.entry(PAGE) >> PAGE_SHIFT & 0xFFFFF
        rig.hide(PAGE)  # and no flush: the quarantine's business
        rig.ram.release(frame)  # type: ignore[arg-type]
        while rig.ram.alloc() != frame:
            pass

    at_syscall(rig, reuse)
    trap = rig.run(f"{PROBE}\n mov eax, 1\n syscall\n {PROBE}")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 4, PAGE)
