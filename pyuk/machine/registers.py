"""The registers: the sixteen general ones and RIP at hand, the others by the engine's API."""

from __future__ import annotations

from pyuk.machine import engine as uc
from pyuk.machine import fpu

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine
    from pyuk.machine.livefpu import LiveFpu
    from pyuk.machine.state import LiveState

_CR4_TSD = 1 << 2
_N_REGS = 17  # 16 general ones and RIP
_RFLAGS_AT_ENTRY = 0x202  # IF, and the bit that is always set


class Registers:
    """What a task has of the CPU. Good inside hooks and between runs."""

    def __init__(self, engine: Engine, state: LiveState) -> None:
        self._engine = engine
        self._state = state
        self._fresh = b""
        """The state after `reset`."""
        self._is_inside = False
        """The engine runs: this is inside a hook."""
        self._fpu: LiveFpu | None = None
        self._fpu_opened = False
        self.regs = state.regs
        """RAX RCX RDX RBX RSP RBP RSI RDI R8-R15 RIP: indices are in cpu.py."""
        self.read_flags = engine.read_flags
        """RFLAGS without the property's look-ups: on the path of every syscall."""

    @property
    def rflags(self) -> int:
        """RFLAGS, whole; the engine keeps the arithmetic bits in another form and works them out here."""
        return self._engine.read_flags()

    @rflags.setter
    def rflags(self, value: int) -> None:
        self._write(uc.UC_X86_REG_EFLAGS, value)

    @property
    def fs_base(self) -> int:
        """The base of FS, a canonical address: thread-local storage."""
        return self._engine.read(uc.UC_X86_REG_FS_BASE)

    @fs_base.setter
    def fs_base(self, value: int) -> None:
        self._write(uc.UC_X86_REG_FS_BASE, value)

    @property
    def gs_base(self) -> int:
        """The base of GS, a canonical address."""
        return self._engine.read(uc.UC_X86_REG_GS_BASE)

    @gs_base.setter
    def gs_base(self, value: int) -> None:
        self._write(uc.UC_X86_REG_GS_BASE, value)

    @property
    def selectors(self) -> tuple[int, int, int, int]:
        """DS, ES, FS and GS."""
        read = self._engine.read
        return (
            read(uc.UC_X86_REG_DS), read(uc.UC_X86_REG_ES), read(uc.UC_X86_REG_FS), read(uc.UC_X86_REG_GS)
        )  # fmt: skip

    @property
    def rdtsc_traps(self) -> bool:
        """CR4.TSD: `rdtsc` is #GP."""
        return bool(self._engine.read(uc.UC_X86_REG_CR4) & _CR4_TSD)

    @rdtsc_traps.setter
    def rdtsc_traps(self, value: bool) -> None:
        old = self._engine.read(uc.UC_X86_REG_CR4)
        self._write(uc.UC_X86_REG_CR4, old | _CR4_TSD if value else old & ~_CR4_TSD)

    def read_fxsave(self) -> bytes:
        """The x87 and SSE state as `fxsave64` stores it, 512 bytes."""
        live = self._live_fpu()
        return fpu.read_fxsave(self._engine) if live is None else live.read()

    def write_fxsave(self, image: bytes) -> None:
        """Load the x87 and SSE state as `fxrstor64`."""
        live = self._live_fpu()
        if live is not None:
            live.write(image)
            return
        self._state.flush()
        fpu.write_fxsave(self._engine, image)
        self._state.fetch()

    def reset_fpu(self) -> None:
        """The state of a new program: everything masked, 64-bit precision, registers empty."""
        live = self._live_fpu()
        if live is None:
            self.write_fxsave(fpu.initial_fxsave())
        else:
            live.reset()

    def _live_fpu(self) -> LiveFpu | None:
        if not self._fpu_opened:
            from pyuk.machine.livefpu import open_live_fpu  # noqa: PLC0415  # most programs handle no signal

            self._fpu_opened = True
            self._fpu = open_live_fpu(self._engine, self._state, self._state.layout)
        return self._fpu

    def reset(self) -> None:
        """All registers as a new program finds them (arch/x86/kernel/process_64.c, start_thread_common).

        The first time register by register, 0.1 ms; from then on as that left them.
        """
        if self._fresh:
            state = self._state
            root = state.cr3
            state.restore(self._fresh)
            state.cr3 = root
            state.clear_exception()
            self.rflags = _RFLAGS_AT_ENTRY  # flags are kept in two forms, inside a hook and outside
            return
        for index in range(len(self.regs)):
            self.regs[index] = 0
        self.rflags = _RFLAGS_AT_ENTRY
        for selector in (uc.UC_X86_REG_DS, uc.UC_X86_REG_ES, uc.UC_X86_REG_FS, uc.UC_X86_REG_GS):
            self._write(selector, 0)
        self.fs_base = self.gs_base = 0
        self._state.flush()
        fpu.write_fxsave(self._engine, fpu.initial_fxsave())
        self._state.fetch()
        self._fresh = self.save()

    @property
    def error_code(self) -> int:
        """What the last fault pushed: the page-fault bits, or a selector."""
        return self._state.error_code

    @property
    def cr2(self) -> int:
        """The address of the last page fault."""
        return self._state.cr2

    def save(self) -> bytes:
        """The trap frame of a task: all registers, x87 and SSE included. Inside a hook and outside."""
        self._state.flush()
        return self._state.save()

    @staticmethod
    def general_of(frame: bytes) -> list[int]:
        """What `regs` was when a frame was saved."""
        return memoryview(frame)[: _N_REGS * 8].cast("Q").tolist()

    def restore(self, frame: bytes) -> None:
        """Go on where `save` was; the address space is `load_space`'s business."""
        state = self._state
        root = state.cr3
        state.restore(frame)
        state.cr3 = root
        state.clear_exception()
        if not self._is_inside:  # inside a hook flags have a form that outside is taken for another
            state.flush()
            self._engine.settle_flags()
            state.fetch()

    def _write(self, register: int, value: int) -> None:
        self._state.flush()
        self._engine.write(register, value)
        self._state.fetch()
