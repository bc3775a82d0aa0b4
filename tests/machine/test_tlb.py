"""Which changes of a page table the CPU sees by itself, which need a flush, and the change of address space."""

from __future__ import annotations

import pytest

from pyuk.abi.types import FrameNr
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
    old: dict[int, FrameNr] = {}

    def on_trap(_vector: int) -> None:
        va = rig.cpu.cr2 & -PAGE_BYTES
        old[va] = FrameNr(rig.space.entry(va) >> PAGE_SHIFT & 0xFFFFF)
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


@pytest.fixture(autouse=True)
def every_machine_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """flush_page flushes one page, however little RAM is in use."""
    monkeypatch.setattr("pyuk.machine.machine._SMALL_FRAMES", 0)


def flush_one(rig: Rig, how: str, va: int) -> None:
    """By either of the machine's two ways."""
    if how == "flush_tlb":
        rig.machine.flush_tlb()
    else:
        rig.machine.flush_page(va)


@pytest.mark.parametrize("flush", ["flush_tlb", "flush_page"])
def test_lost_right_needs_a_flush(rig: Rig, flush: str) -> None:
    """After a flush in a system call, a page made read-only faults on a store: at once, with P and W set."""
    frame = rig.map(PAGE, rights="rw")

    def protect() -> None:
        rig.space.set(PAGE, frame << PAGE_SHIFT | P | U | NX)
        flush_one(rig, flush, PAGE)

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
            flush_one(rig, flush, page)

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

    def flush() -> None:
        for _ in range(100):
            rig.cpu.flush_tlb()

    at_syscall(rig, flush)
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
    source = (
        f"again: mov eax, 1\n syscall\n add rdi, [{DATA:#x}]\n cmp rdi, 1000\n jb again\n mov eax, {EXIT}\n syscall"
    )
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
    rig.cpu.unload_space(rig.space)
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
    rig.cpu.unload_space(rig.space)
    assert rig.go() == Trap(PAGE_FAULT, 0x14, CODE, CODE)


def test_freed_frame_is_not_reachable(rig: Rig) -> None:
    """A frame that is released and given out again: the old mapping's TLB entry is gone by then."""
    rig.map(PAGE, b"\x01", rights="rw")

    def reuse() -> None:
        frame = FrameNr(rig.space.entry(PAGE) >> PAGE_SHIFT & 0xFFFFF)
        rig.hide(PAGE)  # and no flush: the quarantine's business
        rig.ram.release(frame)
        while rig.ram.alloc() != frame:
            pass

    at_syscall(rig, reuse)
    trap = rig.run(f"{PROBE}\n mov eax, 1\n syscall\n {PROBE}")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 4, PAGE)


def test_flush_page_leaves_the_others(rig: Rig) -> None:
    """Of two entries that are both out of date, flush_page of one makes that one right; the other is not touched."""
    other = PAGE + PAGE_BYTES
    rig.map(PAGE, b"\x01", rights="rw")
    rig.map(other, b"\x02", rights="rw")

    def change() -> None:
        rig.map(PAGE, b"\x05", rights="rw")
        rig.map(other, b"\x06", rights="rw")
        rig.cpu.flush_page(PAGE + 0x123)

    at_syscall(rig, change)
    both = f"mov rdi, [{PAGE:#x}]\n shl rdi, 8\n mov dil, [{other:#x}]"
    assert rig.exits(f"{both}\n mov eax, 1\n syscall\n {both}") == 0x0502
    assert (rig.cpu.n_pages_flushed, rig.cpu.n_tlb_flushes) == (1, 1)


def test_flush_page_changes_nothing_else(rig: Rig) -> None:
    """Registers, flags, SSE and x87 state go through the kernel context of flush_page and back."""
    image, flags = [], []

    def on_syscall(number: int) -> None:
        image.append(rig.cpu.read_fxsave())
        flags.append(rig.cpu.rflags)
        if number == EXIT:
            rig.cpu.stop()
        else:
            rig.cpu.flush_page(PAGE)

    rig.on_syscall = on_syscall
    source = f"""
        fldpi
        mov rbx, 0x1122334455667788
        movq xmm7, rbx
        mov r15, rsp
        mov eax, 1
        cmp ecx, 1
        syscall
        mov eax, {EXIT}
        syscall
    """
    rig.run(source, r5=55, r7=77, r6=66)
    assert image[0] == image[1]
    assert flags == [0x297, 0x297]
    assert (rig.regs[3], rig.regs[5], rig.regs[6], rig.regs[7]) == (0x1122_3344_5566_7788, 55, 66, 77)
    assert rig.regs[15] == rig.regs[4]
    assert rig.cpu.n_pages_flushed == 1


def test_flush_page_with_a_stop(rig: Rig) -> None:
    """A page flushed in the trap that ends the run, or between runs, is flushed before the next."""
    rig.map(PAGE, b"\x01", rights="rw")

    def change_and_stop() -> None:
        rig.map(PAGE, b"\x02", rights="rw")
        rig.cpu.flush_page(PAGE)
        rig.cpu.stop()

    at_syscall(rig, change_and_stop, rig.cpu.stop)
    rig.run(f"{PROBE}\n mov eax, 1\n syscall\n {PROBE}\n mov eax, 2\n syscall\n {PROBE}\n mov eax, {EXIT}\n syscall")
    rig.resume()
    assert rig.regs[RDI] == 2
    rig.map(PAGE, b"\x03", rights="rw")
    rig.cpu.flush_page(PAGE)
    rig.resume()
    assert rig.regs[RDI] == 3


def test_flush_page_in_a_fault(rig: Rig) -> None:
    """flush_page from on_trap, of another page than the one that faulted."""
    rig.map(PAGE, b"\x01", rights="rw")

    def on_trap(_vector: int) -> None:
        rig.map(rig.cpu.cr2 & -PAGE_BYTES, rights="rw")
        rig.map(PAGE, b"\x04", rights="rw")
        rig.cpu.flush_page(PAGE)

    rig.on_trap = on_trap
    assert rig.exits(f"{PROBE}\n inc dword ptr [{PAGE + 0x5000:#x}]\n {PROBE}") == 4
    assert rig.word(PAGE + 0x5000) == 1


def test_many_single_pages_are_one_flush(rig: Rig) -> None:
    """Beyond a handful of pages all are flushed."""

    def flush() -> None:
        for i in range(20):
            rig.cpu.flush_page(PAGE + i * PAGE_BYTES)

    at_syscall(rig, flush)
    rig.exits("mov eax, 1\n syscall")
    assert (rig.cpu.n_pages_flushed, rig.cpu.n_tlb_flushes) == (0, 2)


def test_flush_page_of_the_page_that_runs(rig: Rig) -> None:
    """The code's own page is replaced and flushed in a system call: what follows is the new page's."""
    rig.code(f"mov eax, 1\n syscall\n mov edi, 1\n mov eax, {EXIT}\n syscall")

    def change() -> None:
        rig.map(CODE, assemble(f"nop\n .org 7\n mov edi, 2\n mov eax, {EXIT}\n syscall"), rights="rx")
        rig.cpu.flush_page(CODE)

    at_syscall(rig, change)
    rig.go()
    assert rig.regs[RDI] == 2


def test_large_page(rig: Rig) -> None:
    """A 2 MiB page reads, writes, faults and is flushed like others; its neighbours as well."""
    run = rig.ram.alloc_run()
    region = 0x4000_0000 >> 21
    rig.ram.words[(run << 9) + 512 * 300] = 12  # its page 300
    va = 0x4000_0000 + 300 * PAGE_BYTES
    rig.space.set_large(region, run << PAGE_SHIFT | P | U | NX)
    rig.map(PAGE, b"\x01", rights="rw")
    read = f"mov rdi, [{va:#x}]"
    assert rig.exits(read) == 12
    trap = rig.run(f"{read}\n mov [{va:#x}], rdi")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 7, va)
    rig.space.clear_large(region)
    rig.space.set_large(region, run << PAGE_SHIFT | P | U | W | NX)
    assert rig.exits(f"{PROBE}\n inc qword ptr [{va:#x}]\n {read}") == 13

    def change() -> None:
        rig.space.clear_large(region)
        rig.hide(PAGE)
        rig.cpu.flush_page(va + PAGE_BYTES)
        rig.cpu.flush_page(PAGE)

    at_syscall(rig, change, lambda: None)
    trap = rig.run(f"{PROBE}\n {read}\n mov eax, 1\n syscall\n {read}")
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 4, va)
    trap = rig.run(PROBE)
    assert trap is not None
    assert (trap.vector, trap.error_code, trap.cr2) == (PAGE_FAULT, 4, PAGE)
