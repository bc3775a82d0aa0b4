"""The CPU state as Python sees it: views of the engine's own memory, or of a copy (copied.py) where that fails."""

from __future__ import annotations

import os

from pyuk.machine import engine as uc
from pyuk.machine import layout as layouts
from pyuk.machine.clib import c_int, c_uint8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine
    from pyuk.machine.layout import Layout

_N_REGS = 17  # 16 general ones and RIP
_N_CONTROL = 2  # CR2, CR3


class LiveState:
    """Views of CPUX86State. Reading or writing `regs` is reading or writing the CPU: 0.03 us."""

    live = True

    def __init__(self, engine: Engine, layout: Layout, base: int) -> None:
        if layout.rip != (_N_REGS - 1) * 8:
            raise uc.MachineError("RIP does not follow the general registers in this build of Unicorn")
        array = (c_uint8 * (engine.context_bytes() - layout.context)).from_address(base)
        self.layout = layout
        self.address = base
        self.whole = whole = memoryview(array).cast("B")
        """All of it, as `save` takes it."""
        self.regs: memoryview[int] = whole[: _N_REGS * 8].cast("Q")
        self._control: memoryview[int] = whole[layout.cr2 : layout.cr2 + _N_CONTROL * 8].cast("Q")
        self._eflags: memoryview[int] = whole[layout.eflags : layout.eflags + 8].cast("Q")
        self._error_code = c_int.from_address(base + layout.error_code)
        self._is_int = c_int.from_address(base + layout.exception_is_int)
        self._old_exception: memoryview[int] = whole[layout.old_exception : layout.old_exception + 4].cast("i")
        self._no_exit_request: c_uint8 | None = None
        if self.live and layout.no_exit_request:
            self._no_exit_request = c_uint8.from_address((engine.handle.value or 0) + layout.no_exit_request)

    @property
    def stops_are_exact(self) -> bool:
        """Whether another thread may stop the engine: a stop never repeats or tears an instruction."""
        return self._no_exit_request is not None

    def forbid_exit_requests(self) -> None:
        """Let blocks be left only at their ends. Read when code is translated: call it before the first block."""
        if self._no_exit_request is not None:
            self._no_exit_request.value = 1

    def fetch(self) -> None:
        """After the engine has run or the API has written: make the views true. Nothing to do here."""

    def flush(self) -> None:
        """Before the engine runs or the API writes: make what was written into the views true. Nothing to do here."""

    @property
    def eflags(self) -> int:
        """RFLAGS as the engine has it: inside a hook the arithmetic bits and DF are elsewhere."""
        return self._eflags[0]

    @eflags.setter
    def eflags(self, value: int) -> None:
        self._eflags[0] = value

    @property
    def cr2(self) -> int:
        return self._control[0]

    @property
    def cr3(self) -> int:
        """Set without the TLB flush that belongs to it."""
        return self._control[1]

    @cr3.setter
    def cr3(self, value: int) -> None:
        self._control[1] = value

    @property
    def error_code(self) -> int:
        return self._error_code.value

    @error_code.setter
    def error_code(self, value: int) -> None:
        self._error_code.value = value

    @property
    def exception_is_int(self) -> int:
        return self._is_int.value

    def clear_exception(self) -> None:
        """Forget the last exception, which the engine never delivers: else the next is a double fault."""
        self._old_exception[0] = -1

    def save(self) -> bytes:
        """All registers, x87, SSE and control registers included."""
        return self.whole.tobytes()

    def restore(self, saved: bytes) -> None:
        """Put `save`'s registers back; the TLB stays as it is."""
        self.whole[:] = saved

    def close(self) -> None:
        """Give back what is not the engine's own."""


def open_state(engine: Engine) -> LiveState:
    """The quickest state that this build of the engine allows.

    PYUK_STATE chooses for tests: "probe" searches for the layout of a known build too, "copied"
    keeps off the engine's memory, "live" refuses anything slower. Errors: MachineError.
    """
    wish = os.environ.get("PYUK_STATE", "")
    layout = layouts.find(engine, probe=wish == "probe")
    base = 0 if wish == "copied" else layouts.live_address(engine, layout)
    if base:
        return LiveState(engine, layout, base)
    if wish == "live":
        raise uc.MachineError("PYUK_STATE=live: the CPU state is not where it should be in the engine's memory")
    from pyuk.machine.copied import CopiedState  # noqa: PLC0415  # other builds only

    state = CopiedState(engine, layout)
    marks = layouts.write_marks(engine, 2)
    if not layouts.reads_as(layout, state.save(), marks):
        raise uc.MachineError("the layout of the CPU state in this build of Unicorn is not what it should be")
    return state
