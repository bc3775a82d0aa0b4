"""The CPU: registers, traps, and the run loop.

One object for all guests. The kernel gives two functions, one for the syscall instruction and one
for every other trap. Both run inside the engine's hook, read and write `regs` in place, and the
guest goes on when they return, unless they called `stop`.
"""

from __future__ import annotations

import sys

from pyuk.machine import containment
from pyuk.machine import engine as uc
from pyuk.machine.boot import INVALIDATE, INVALIDATED, KernelHalf, enter_kernel, enter_ring_3
from pyuk.machine.clib import c_int, c_uint32, c_uint64, c_void_p
from pyuk.machine.engine import Engine
from pyuk.machine.paging import PAGE_SHIFT
from pyuk.machine.plant import Planter
from pyuk.machine.registers import Registers
from pyuk.machine.state import open_state
from pyuk.machine.ticker import Ticker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, TypeAlias

    from pyuk.abi.types import FrameNr
    from pyuk.machine.blocks import BlockCounter
    from pyuk.machine.paging import PageTable
    from pyuk.machine.ram import Ram
    from pyuk.machine.tlbs import Tlbs

    RegisterFile: TypeAlias = "memoryview[int]"

# Indices of `regs`: the order of ModRM
RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI = range(8)
R8, R9, R10, R11, R12, R13, R14, R15 = range(8, 16)
RIP = 16

# Exception vectors (Intel SDM vol. 3A, table 6-1)
DIVIDE_ERROR, DEBUG, BREAKPOINT, OVERFLOW, INVALID_OPCODE = 0, 1, 3, 4, 6
STACK_FAULT, GENERAL_PROTECTION, PAGE_FAULT, X87_FAULT, ALIGNMENT_CHECK = 12, 13, 14, 16, 17

FAULT_WRITE, FAULT_FETCH = 1 << 1, 1 << 4  # bits of a page fault's error code
TF = 1 << 8  # RFLAGS: trap after every instruction

_N_EARLY_FLUSHES = 12
_LONG_SLICE_BLOCKS = 1_000_000
_N_SINGLE_PAGES = 4  # more than so many are flushed as one
_TCG_BUFFER_BYTES = 128 << 20
_INSN_BYTES_MAX = 15
_SYSCALL_BYTES = _INT_N_BYTES = 2
_ICEBP, _RDPMC = b"\xf1", b"\x0f\x33"
_MASK = (1 << 64) - 1

# What makes a hook look closer than usual; bits of _mode
_STEPPING = 1  # one instruction at a time, for confirm_fault
_VOID = 2  # the rest of the block does not count, for _refuse
_IN_KERNEL = 4  # between slices: the CPU is at CPL 0, for _invalidate
_TF_HIDDEN = 8  # RFLAGS.TF is set when the engine starts again: for _hide_step


class Cpu(Registers):
    """The one CPU.

    Invariant outside hooks: CPL 3, long mode, and CR3 the root of `page_table` as soon as the guest
    goes on. `error_code` and `cr2` belong to the last fault.
    """

    def __init__(self, ram: Ram, *, counts_blocks: bool = False) -> None:
        """counts_blocks: slices are so many blocks of code (`blocks`), and no timer ends them."""
        self.ram = ram
        engine = Engine()
        containment.install(engine)
        engine.ctl(uc.UC_CTL_CPU_MODEL, c_int(uc.UC_CPU_X86_WESTMERE))
        engine.ctl(uc.UC_CTL_TCG_BUFFER_SIZE, c_uint32(_TCG_BUFFER_BYTES))
        memory = (c_uint64(0), c_uint64(ram.size_bytes), uc.UC_PROT_ALL, c_void_p(ram.host_address))
        engine.check(engine.held.uc_mem_map_ptr(engine.handle, *memory))
        state = open_state(engine)
        super().__init__(engine, state)
        self._half = half = KernelHalf(ram)
        self.kernel_entry = half.entry
        """The top-level page-table entry that every address space shares."""
        enter_kernel(engine, half)
        self._kernel = state.save()
        enter_ring_3(engine)
        self.blocks: BlockCounter | None = None
        """What time slices are measured with; None: the host's time."""
        if counts_blocks:
            from pyuk.machine.blocks import BlockCounter  # noqa: PLC0415

            self.blocks = BlockCounter(engine)
        state.fetch()
        engine.ctl(uc.UC_CTL_USE_EXITS, c_int(1))  # and no exits: an `until` address costs 4-10 us a return
        state.forbid_exit_requests()

        self.page_table: PageTable | None = None
        self._tlbs: Tlbs | None = None
        self._has_tlbs = state.live and state.layout.tlb != 0
        self.on_tick: Callable[[], None] = lambda: None
        """Called between time slices, outside any hook."""
        self.on_switch: Callable[[], bool] = lambda: False
        """Called for `switch`; gives whether there is somebody to go on with, whose registers the CPU now has."""
        self._set_syscall: Callable[[Callable[[], object]], None] | None = None
        self._start = engine.free.uc_emu_start
        self._begin, self._none = c_uint64(), c_uint64(0)
        self._attention = False  # something of the following is wanted before the guest goes on
        self._stop_wanted = self._switch_wanted = self._flush_wanted = self._root_changed = False
        self._unfinished = False  # a hook has stopped the engine for something that cannot be done inside
        self._mode = 0
        self._kept = b""  # in _VOID and _IN_KERNEL: the CPU as it was before
        self._stale_pages: list[int] = []
        self._stepped = False  # the exception in hand came while _STEPPING
        self.was_single_step = False
        """Of the last DEBUG: RFLAGS.TF made it, and not the instruction INT1 (DR6.BS)."""
        self._error: BaseException | None = None
        self._catcher = self._on_unraisable
        self._unraisable = sys.unraisablehook
        self._repeat: dict[CodeType, Callable[[dict[str, Any]], object]] = {}
        self._planter = Planter(ram)
        self._n_early_flushes = 0
        self.n_tlb_flushes = self.n_pages_flushed = self.n_frames_dropped = 0
        self.ticker = Ticker(engine.stop) if state.stops_are_exact and not counts_blocks else None
        """What ends time slices; None: nothing does, or `blocks`."""
        self._n_left = -1  # of the slice's blocks, when a hook stopped the engine; -1: none did
        self._n_blocks_flushed = 0  # how many had been executed when the TLB was flushed last to let it grow

    # What the kernel asks of the CPU

    def attach(self, on_syscall: Callable[[], object], on_trap: Callable[[int], object]) -> None:
        """Give the kernel's two entries; `regs[RIP]` in on_syscall is the instruction after it.

        Another kernel's take the place of the last one's, which has no guests any more.
        """
        self._trap = on_trap
        if self._set_syscall is None:
            self._set_syscall = self._hook_syscalls(on_syscall)
            self._hook_traps()
        else:
            self._set_syscall(on_syscall)

    def tell_number(self, number: int) -> None:
        """The number that the program believes this CPU to have (vdso(7), getcpu)."""
        self._half.tell_cpu(number)

    def load_space(self, page_table: PageTable) -> None:
        """Make this the address space; its TLB entries are all new."""
        if self.page_table is not page_table:
            self.page_table = page_table
            self._root_changed = self._attention = True

    def unload_space(self, page_table: PageTable) -> None:
        """This address space is about to be freed: do not have it loaded."""
        if self._tlbs is not None:
            self._tlbs.drop(page_table)
        if self.page_table is page_table:
            self.page_table = None
            self._root_changed = self._attention = True

    def flush_tlb(self) -> None:
        """Forget all cached page-table entries before the guest goes on (several calls cost one)."""
        self._flush_wanted = self._attention = True

    def flush_page(self, va: int) -> None:
        """Forget one cached entry before the guest goes on: 4 us, and the others stay; a refill costs 0.06 us each."""
        self._stale_pages.append(va)
        self._attention = True

    def interrupt(self) -> None:
        """Have `on_tick` called soon, where slices are ended by time. Any thread may call this."""
        if self.ticker is not None:
            self.ticker.interrupt()

    def stop(self) -> None:
        """Come back from `run` after this trap."""
        self._stop_wanted = self._attention = True

    def settle(self) -> None:
        """Within a trap: do now what would be done at its end."""
        if self._attention:
            self._settle()

    def switch(self) -> None:
        """Have `on_switch` called before the guest goes on: without leaving the engine, which saves 4 us."""
        self._switch_wanted = self._attention = True

    def drop_translations(self, frames: list[FrameNr]) -> None:
        """Forget the code made from these frames, in every address space: their bytes have changed or will.

        The engine finds code by the address it is mapped at now, so this runs under a table that
        maps all RAM at its own address: 18 us a run of frames.
        """
        state, engine = self._state, self._engine
        root = state.cr3
        try:
            state.cr3 = self._half.identity_root << PAGE_SHIFT
            engine.ctl(uc.UC_CTL_TLB_FLUSH)
            for start, end in _runs(frames):
                engine.ctl(uc.UC_CTL_TB_REMOVE_CACHE, c_uint64(start << PAGE_SHIFT), c_uint64(end << PAGE_SHIFT))
        finally:
            state.clear_exception()
            state.cr3 = root
            engine.ctl(uc.UC_CTL_TLB_FLUSH)
            if self._tlbs is not None:
                self._tlbs.forget()
        self.n_frames_dropped += len(frames)

    def code_at(self, address: int, n_bytes: int = _INSN_BYTES_MAX) -> bytes:
        """Up to n_bytes of what the CPU would fetch at address, as far as pages are present and executable."""
        return b"" if self.page_table is None else self.page_table.code_at(address, n_bytes)

    def confirm_fault(self) -> bool:
        """Whether the page fault in hand, which is about to become a signal, is what a real CPU would raise.

        False: there is nothing to do for the kernel. Either IN or OUT of a string touched memory before
        its right to the port was checked, and #GP has been raised instead; or a block of code that runs
        into a page that is not there has faulted at its start, before any of it ran. Then it is executed
        one instruction at a time until the fault comes again, at the true place. (A PUSHF in it shows TF.)
        """
        from pyuk.machine import insn  # noqa: PLC0415  # most programs have no fault that is a signal

        regs = self.regs
        if insn.is_string_io(self.code_at(regs[RIP])):
            self._state.error_code = 0
            self._trap(GENERAL_PROTECTION)
            return False
        if self._stepped or not self.error_code & FAULT_FETCH or self.cr2 >> PAGE_SHIFT == regs[RIP] >> PAGE_SHIFT:
            return True
        if self.rflags & TF:
            return True  # by the guest's own wish its blocks are single instructions
        self._mode |= _STEPPING
        self.rflags |= TF
        return False

    def run(self) -> None:
        """Run the guest until a trap's handler calls `stop`. What a handler raises is raised here."""
        regs, state = self.regs, self._state
        start, handle, begin, none = self._start, self._engine.handle, self._begin, self._none
        self._stop_wanted = False
        if sys.unraisablehook is not self._catcher:
            self._unraisable = sys.unraisablehook
            sys.unraisablehook = self._catcher
        if self.ticker is not None:
            self.ticker.arm()
        try:
            while not self._stop_wanted:
                if self._attention:
                    self._settle()
                    if self._stop_wanted:
                        break
                if self._stale_pages:
                    self._invalidate()
                state.clear_exception()
                state.flush()
                begin.value = regs[RIP]
                self._is_inside = True
                try:
                    error = start(handle, begin, none, none, none)
                finally:
                    self._is_inside = False
                    state.fetch()
                if self.blocks is not None:
                    self._count_stop(self.blocks)
                if self._unfinished:
                    self._finish()
                elif error:
                    self._engine.check(error)
                elif self._is_slice_over():
                    self._tick()
        finally:
            if self._unfinished:
                self._abandon()
            if self.ticker is not None:
                self.ticker.disarm()
            sys.unraisablehook = self._unraisable

    def close(self) -> None:
        """Give the engine back; the object is of no use afterwards."""
        if self.ticker is not None:
            self.ticker.close()
        if self._tlbs is not None:
            self._tlbs.close()
        self._state.close()
        self._engine.close()

    # Between slices and after traps

    def _tick(self) -> None:
        """A slice has ended. The engine's TLB grows only when it is flushed while it is full: do so early on."""
        if self.ticker is not None:
            self.ticker.seen()
        if self._mode & _STEPPING:
            self._end_stepping()
        if self._n_early_flushes < _N_EARLY_FLUSHES and self._is_long_slice():
            self._n_early_flushes += 1
            self.flush_tlb()
        self.on_tick()

    def _is_slice_over(self) -> bool:
        """Whether the engine has stopped for nothing else."""
        return not self._stop_wanted and (self.blocks is None or self.blocks.is_over)

    def _is_long_slice(self) -> bool:
        """Since the last flush of this kind."""
        if self.blocks is None:
            return True
        n_executed = self.blocks.n_executed
        is_long = n_executed - self._n_blocks_flushed > _LONG_SLICE_BLOCKS
        if is_long:
            self._n_blocks_flushed = n_executed
        return is_long

    def _halt(self) -> None:
        """Stop the engine from inside a hook: nothing more of the guest is executed."""
        if self.blocks is not None and self._n_left < 0 and self._is_inside:
            self._n_left = self.blocks.n_left
        self._engine.stop()

    def _count_stop(self, blocks: BlockCounter) -> None:
        """The engine counts a block and looks only then whether it shall stop."""
        if self._n_left >= 0:
            blocks.n_left = self._n_left
            self._n_left = -1
        elif blocks.n_left <= 0:
            blocks.end()

    def expect_growth(self) -> None:
        """A new program begins: its first slices are short, and may grow the TLB again."""
        self._n_early_flushes = 0
        if self.ticker is not None:
            self.ticker.hurry()

    def _settle(self) -> None:
        """Do what was asked for during the trap. A signal's exception may come at any point: then it is done again."""
        if self._switch_wanted:
            self._switch_wanted = False
            if not self.on_switch():
                self._stop_wanted = True
            if self._is_inside and self._state.eflags & TF:
                self._hide_step()
        is_ready = self._load_root() if self._root_changed else True
        if (self._stale_pages or self._flush_wanted) and self._tlbs is not None:
            self._tlbs.forget()
        if not is_ready or self._flush_wanted or len(self._stale_pages) > _N_SINGLE_PAGES:
            self._engine.ctl(uc.UC_CTL_TLB_FLUSH)
            if self._tlbs is not None:
                self._tlbs.flushed()
            self._root_changed = self._flush_wanted = False
            self._stale_pages.clear()
            self.n_tlb_flushes += 1
        if self._stale_pages:
            self._unfinished = True
            self._halt()
        elif self._stop_wanted:
            self._halt()
        self._attention = False

    def _load_root(self) -> bool:
        """Write CR3 and load the TLB that belongs to it; false where it is to be flushed."""
        table = self.page_table
        if table is None:
            self._state.cr3 = self._half.empty_root << PAGE_SHIFT
            return False
        self._state.cr3 = table.root << PAGE_SHIFT
        tlbs = self._tlbs
        if tlbs is None:
            if self._has_tlbs:
                from pyuk.machine.tlbs import open_tlbs  # noqa: PLC0415  # most programs are alone

                self._has_tlbs = False
                self._tlbs = tlbs = open_tlbs(self._state)
            if tlbs is None:
                return False
        if not tlbs.switch(table) or self._stale_pages:
            return False
        self._root_changed = False
        return True

    def _hide_step(self) -> None:
        """After a hook for `syscall` the engine looks at TF once more, but these registers have made no system call."""
        self._state.eflags &= ~TF
        self._mode |= _TF_HIDDEN
        self._unfinished = True
        self._halt()

    def _fail(self, error: BaseException) -> None:
        """An exception must not cross the engine: keep it, and raise it from `run`."""
        if self._error is None:
            self._error = error
        self._unfinished = True
        self._halt()

    def _finish(self) -> None:
        """Do what a hook has stopped the engine for."""
        if self._planter.found:
            n_left = self.blocks.n_left if self.blocks is not None else 0
            self._planter.plant(self._engine)
            if self.blocks is not None:
                self.blocks.n_left, self._n_left = n_left, -1
        if self._mode & _VOID:
            self._deliver_refusal()
        if self._mode & _TF_HIDDEN:
            self._show_step()
        self._unfinished = False
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _abandon(self) -> None:
        """An exception came before `_finish` was through: the guest, or another, finds all as if it began now."""
        if self._mode & (_VOID | _IN_KERNEL):
            self._leave()
        if self._mode & _TF_HIDDEN:
            self._show_step()
        if self._planter.found:
            self.drop_translations(self._planter.forget())
        self._unfinished = False
        self._error = None

    def _show_step(self) -> None:
        self._state.eflags |= TF
        self._mode &= ~_TF_HIDDEN

    def _leave(self) -> None:
        """Put back the registers that were kept: the CPU is out of the void, or out of the kernel."""
        self._state.restore(self._kept)
        self.rflags = self._engine.read_flags()  # kept in the form they have inside a block
        self._mode &= ~(_VOID | _IN_KERNEL)
        self.flush_tlb()

    def _invalidate(self) -> None:
        """Take single pages out of the TLB, by invlpg in a kernel context. Only between slices."""
        engine, state, regs = self._engine, self._state, self.regs
        begin, none = c_uint64(INVALIDATE), c_uint64(0)
        self._kept = state.save()
        n_left = self.blocks.n_left if self.blocks is not None else 0
        self._mode |= _IN_KERNEL
        self._unfinished = True
        try:
            while self._stale_pages:
                state.restore(self._kernel)
                regs[RDI] = self._stale_pages[-1]
                state.flush()
                engine.check(engine.held.uc_emu_start(engine.handle, begin, none, none, none))
                state.fetch()
                if regs[RIP] != INVALIDATED:  # the ticker's stop came between
                    engine.ctl(uc.UC_CTL_TLB_FLUSH)
                    self.n_tlb_flushes += 1
                self.n_pages_flushed += 1
                self._stale_pages.pop()
        finally:
            state.restore(self._kept)
            if self.blocks is not None:
                self.blocks.n_left = n_left
            self._mode &= ~_IN_KERNEL
            self._unfinished = False

    # The hooks

    def _hook_syscalls(self, on_syscall: Callable[[], object]) -> Callable[[Callable[[], object]], None]:
        """Hook the instruction; gives the function that replaces on_syscall."""
        state, regs, fail = self._state, self.regs, self._fail
        copied = not state.live

        def syscall() -> None:
            try:
                if copied:
                    state.fetch()
                if self._mode:
                    if self._mode & _VOID:
                        return
                    self._end_stepping()
            except BaseException as error:  # noqa: BLE001  # a signal's; re-raised from run
                again()
                fail(error)
                return
            try:
                regs[RIP] += _SYSCALL_BYTES  # as Linux sees it; the engine adds the 2 when the hook returns
                try:
                    on_syscall()
                    if self._attention:
                        self._settle()
                finally:
                    try:
                        regs[RIP] -= _SYSCALL_BYTES
                    except ValueError:  # sent to 0 or 1; masking always would cost 30 ns
                        regs[RIP] = regs[RIP] - _SYSCALL_BYTES & _MASK
                    if copied:
                        state.flush()
            except BaseException as error:  # noqa: BLE001
                fail(error)

        def again() -> None:
            """Make the system call when the guest goes on, and not now."""
            if copied:
                state.fetch()
            regs[RIP] = regs[RIP] - _SYSCALL_BYTES & _MASK
            if copied:
                state.flush()

        def replace(other: Callable[[], object]) -> None:
            nonlocal on_syscall
            on_syscall = other

        self._engine.hook(uc.UC_HOOK_INSN, uc.PLAIN_CALLBACK, syscall, uc.UC_X86_INS_SYSCALL)
        self._repeat[syscall.__code__] = lambda _arguments: again()
        return replace

    def _hook_traps(self) -> None:
        engine, state, fail = self._engine, self._state, self._fail
        wants = self._planter.wants
        copied = not state.live

        def interrupt(_uc: int, vector: int) -> None:
            try:
                if copied:
                    state.fetch()
                is_int = state.exception_is_int
                state.clear_exception()
                if self._mode & _VOID:
                    self._halt()  # nothing of what follows counts
                    return
                try:
                    self._exception(vector, is_int)
                    if self._attention:
                        self._settle()
                finally:
                    if copied:
                        state.flush()
            except BaseException as error:  # noqa: BLE001
                fail(error)

        def invalid() -> bool:
            try:
                interrupt(0, INVALID_OPCODE)
            except BaseException as error:  # noqa: BLE001
                fail(error)
            return True

        block, block_at = uc.Block(), 0

        def edge(_uc: int, at: int) -> None:
            nonlocal block, block_at
            try:
                if at != block_at:  # on the engine's stack: nearly always the same
                    block, block_at = uc.Block.from_address(at), at
                if wants(self.page_table, block.pc, block.n_bytes):
                    self._unfinished = True
                    self._halt()
            except BaseException as error:  # noqa: BLE001
                fail(error)

        def refuse() -> int:
            try:
                self._refuse()
            except BaseException as error:  # noqa: BLE001
                fail(error)
            return 0

        engine.hook(uc.UC_HOOK_INTR, uc.INTR_CALLBACK, interrupt)
        engine.hook(uc.UC_HOOK_INSN_INVALID, uc.INVALID_CALLBACK, invalid)
        engine.hook(uc.UC_HOOK_EDGE_GENERATED, uc.EDGE_CALLBACK, edge)
        engine.hook(uc.UC_HOOK_INSN, uc.IN_CALLBACK, refuse, uc.UC_X86_INS_IN)
        engine.hook(uc.UC_HOOK_INSN, uc.IN_CALLBACK, refuse, uc.UC_X86_INS_OUT)
        engine.hook(uc.UC_HOOK_INSN, uc.IN_CALLBACK, refuse, uc.UC_X86_INS_SYSENTER)
        self._repeat |= {
            interrupt.__code__: lambda arguments: interrupt(0, arguments["vector"]),
            invalid.__code__: lambda _arguments: invalid(),
            edge.__code__: lambda arguments: edge(0, arguments["at"]),
            refuse.__code__: lambda _arguments: refuse(),
        }

    def _on_unraisable(self, report: sys.UnraisableHookArgs) -> None:
        """Python runs a signal's handler when a function begins: what it raises may come before a hook's `try`.

        ctypes would print it and forget it. It is raised from `run`, and the hook does its work: but for
        a system call, which is made again when the guest goes on.
        """
        trace = report.exc_traceback
        code = None if trace is None else trace.tb_frame.f_code
        if trace is None or code not in self._repeat or report.exc_value is None:
            self._unraisable(report)
            return
        if trace.tb_lineno == code.co_firstlineno:
            self._repeat[code](trace.tb_frame.f_locals)
        self._fail(report.exc_value)

    def _exception(self, vector: int, is_int: int) -> None:
        """Make of the engine's vector what a CPU with Linux's IDT raises, and hand it to the kernel."""
        regs = self.regs
        self._stepped = False
        if self._mode & _STEPPING:
            if vector == DEBUG:
                return
            self._stepped = self.rflags & TF != 0  # POPF ends the stepping too soon
            self._end_stepping()
        self.was_single_step = vector == DEBUG
        if is_int and vector not in (BREAKPOINT, OVERFLOW):
            # int n: the gates of all others are closed to CPL 3 (arch/x86/kernel/idt.c)
            regs[RIP] -= _INT_N_BYTES
            self._state.error_code = vector << 3 | 2
            vector = GENERAL_PROTECTION
        elif vector == INVALID_OPCODE:
            code = self.code_at(regs[RIP], 2)
            if code[:1] == _ICEBP:
                regs[RIP] += 1
                vector = DEBUG
            elif code == _RDPMC:
                self._state.error_code = 0
                vector = GENERAL_PROTECTION
        elif vector == GENERAL_PROTECTION:
            from pyuk.machine import insn  # noqa: PLC0415

            if insn.is_stack_reference(self.code_at(regs[RIP]), 0):
                vector = STACK_FAULT
        if self.blocks is not None and vector == PAGE_FAULT and not self._state.error_code & FAULT_FETCH:
            self._repair()
        else:
            self._trap(vector)

    def _repair(self) -> None:
        """A page fault: where the instruction is made again its block is counted again, which is not to be."""
        rip = self.regs[RIP]
        self._trap(PAGE_FAULT)
        if self.blocks is not None and self.regs[RIP] == rip:
            self.blocks.n_left += 1

    def _end_stepping(self) -> None:
        self._mode &= ~_STEPPING
        self.rflags &= ~TF

    def _refuse(self) -> None:
        """IN, OUT, SYSENTER: #GP at CPL 3, which the engine does not raise.

        The block cannot be left from here, so what it does further must not count: the registers are
        kept, and with no page mapped the first memory access ends it.
        """
        if self._mode & _VOID:
            return  # a further one of the same block
        state = self._state
        self._kept = state.save()
        self._mode |= _VOID
        self._unfinished = True
        state.cr3 = self._half.empty_root << PAGE_SHIFT
        self._engine.ctl(uc.UC_CTL_TLB_FLUSH)
        self._halt()

    def _deliver_refusal(self) -> None:
        self._leave()
        self._state.error_code = 0
        self._exception(GENERAL_PROTECTION, 0)


def _runs(frames: list[FrameNr]) -> list[tuple[int, int]]:
    """The frames as half-open runs of neighbours."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(frames):
        if runs and runs[-1][1] == frame:
            runs[-1] = (runs[-1][0], frame + 1)
        else:
            runs.append((frame, frame + 1))
    return runs
