"""What is kept of a process that a signal ended, for the people who want to know why."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.signals import Siginfo


class Crash:
    """The registers (cpu.regs' order) and the bytes at RIP as the signal found them."""

    __slots__ = ("code", "info", "maps", "regs", "rflags")

    def __init__(self, info: Siginfo, regs: list[int], rflags: int, code: bytes, maps: str) -> None:
        self.info = info
        self.regs = regs
        self.rflags = rflags
        self.code = code
        self.maps = maps
        """/proc/PID/maps at that moment."""
