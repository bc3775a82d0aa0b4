"""The counter that the guest's `rdtsc` reads, for the host's Python."""

from __future__ import annotations

import os
import sys
import time

from pyuk.machine.clib import PYFUNCTYPE, PyDLL, c_uint64
from pyuk.machine.containment import new_code_page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CODE = bytes.fromhex("0f31 48c1e220 4809d0 c3")  # rdtsc; shl rdx, 32; or rax, rdx; ret
_SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
_STEADY = ("tsc", "kvm-clock", "hyperv_clocksource_tsc_page")


def open_counter() -> Callable[[], int] | None:
    """A function that reads it; None where it is no measure of time.

    That is so unless the host's kernel itself takes its time from the counter. On other CPUs than x86 the engine's
    `rdtsc` gives the monotonic clock (QEMU, cpu_get_host_ticks).
    """
    if not sys.platform.startswith("linux"):
        return None
    if os.uname().machine != "x86_64":
        return time.monotonic_ns
    try:
        with open(_SOURCE, encoding="ascii") as file:
            is_steady = file.read().strip() in _STEADY
    except OSError:
        return None
    code = new_code_page(PyDLL(None), _CODE, ()) if is_steady else 0
    return PYFUNCTYPE(c_uint64)(code) if code else None
