"""Time slices that are counted in executed blocks of code, and are therefore the same in every run.

A hook on blocks in Python would cost 60 times. This one is ten bytes of machine code in the host's own instructions: it
counts down, and at zero asks the engine to stop, before the block is executed (1-2 ns a block). It must be there before
the first block is translated, since a block has its hook built in.

What is counted must not depend on what is cached anywhere. A block begins at a branch's target, and where the last one
has ended or faulted; so a repaired fault makes two blocks of one, and the second is not counted (Cpu._repair).
"""

from __future__ import annotations

import os
import struct

from pyuk.machine import engine as uc
from pyuk.machine.clib import PyDLL, addressof, c_char, c_uint64, c_void_p
from pyuk.machine.containment import new_code_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine

# uc_cb_hookcode_t(uc, address, size, user_data): user_data is the counter and, behind it, uc_emu_stop
_CODE = {
    "x86_64": bytes.fromhex("48ff09 7401 c3 ff6108"),  # dec [rcx]; jz 1f; ret; 1: jmp [rcx + 8]
    "aarch64": struct.pack(
        "<7I",
        0xF9400069,  # ldr x9, [x3]
        0xF1000529,  # subs x9, x9, #1
        0xF9000069,  # str x9, [x3]
        0x54000061,  # b.ne 1f
        0xF9400470,  # ldr x16, [x3, #8]
        0xD61F0200,  # br x16
        0xD65F03C0,  # 1: ret
    ),
}
_NEVER = 1 << 62


class BlockCounter:
    """`n_executed` counts the guest's blocks; after `grant(n)` of them the engine stops."""

    def __init__(self, engine: Engine) -> None:
        """Errors: MachineError on a host whose CPU's code is not known here."""
        code = _CODE.get(os.uname().machine) if hasattr(os, "uname") else None
        address = new_code_page(PyDLL(None), code, ()) if code else 0
        if not address:
            raise uc.MachineError("time slices cannot be counted in blocks on this host")
        data = (c_char * 16)()
        words = memoryview(data).cast("B").cast("Q")
        words[1] = c_uint64.from_address(addressof(engine.held.uc_emu_stop)).value
        self._left: memoryview[int] = words[:1].cast("B").cast("q")
        self._left[0] = _NEVER
        self._granted = _NEVER
        self._n_before = 0
        self.is_over = False
        """The slice has ended by itself."""
        self._data = data
        engine.hook_code(uc.UC_HOOK_BLOCK, address, c_void_p(addressof(data)))

    @property
    def n_executed(self) -> int:
        """So far, in all slices."""
        return self._n_before + self._granted - self._left[0]

    @property
    def n_left(self) -> int:
        """Of the slice. Set to what it was for blocks that are not the guest's, or are executed anew."""
        return self._left[0]

    @n_left.setter
    def n_left(self, value: int) -> None:
        self._left[0] = value

    def grant(self, n_blocks: int) -> None:
        """A new slice begins."""
        self._n_before = self.n_executed
        self._left[0] = self._granted = n_blocks + 1  # the engine is stopped at the head of the block behind them
        self.is_over = False

    def end(self) -> None:
        """The engine has been stopped before the block that was counted last."""
        self._left[0] += 1
        self.is_over = True
