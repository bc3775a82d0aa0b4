"""The CPU state as Python sees it: views of the engine's own memory, or copies where those cannot be had."""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_uint8, c_uint32, c_uint64

from pyuk.machine import layout
from pyuk.machine import engine as uc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pyuk.machine.engine import Engine

_N_REGS = 17


class LiveState:
    """Views of CPUX86State. Reading or writing `regs` is reading or writing the CPU: 0.03 us."""

    live = True
    stops_are_exact = True

    def __init__(self, engine: Engine, where: layout.Layout, env: int) -> None:
        self._env = env
        self._context_bytes = engine.context_bytes()
        self.regs: memoryview = _view(env + where.regs, _N_REGS * 8, "Q")
        self._cr = _view(env + where.cr, 5 * 8, "Q")
        self._error_code = c_int32.from_address(env + where.error_code)
        self._is_int = c_int32.from_address(env + where.exception_is_int)
        self._old_exception = _view(env + where.old_exception, 4, "i")
        uc_struct = engine.handle.value or 0
        self._no_exit_request = c_uint8.from_address(uc_struct + where.no_exit_request)

    def forbid_exit_requests(self) -> None:
        """Blocks are left only at their ends, so a stop never repeats or tears an instruction.

        Read when code is translated: to be set before the first block.
        """
        self._no_exit_request.value = 1

    def fetch(self) -> None:
        """Nothing to copy."""

    def flush(self) -> None:
        """Nothing to copy."""

    @property
    def cr2(self) -> int:
        return int(self._cr[2])

    @property
    def cr3(self) -> int:
        return int(self._cr[3])

    @cr3.setter
    def cr3(self, value: int) -> None:
        self._cr[3] = value  # without the API's TLB flush

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
        return ctypes.string_at(self._env, self._context_bytes)

    def restore(self, saved: bytes) -> None:
        """Put `save`'s registers back; the TLB stays as it is."""
        ctypes.memmove(self._env, saved, len(saved))


def open_state(engine: Engine) -> LiveState:
    """The quickest state this build of the engine allows."""
    found = layout.find(engine)
    if found is None:
        raise uc.MachineError("the layout of this Unicorn build is not known")
    return LiveState(engine, *found)


def _view(address: int, n_bytes: int, code: Any) -> memoryview:
    array = (c_uint8 * n_bytes).from_address(address)
    return memoryview(array).cast("B").cast(code)
