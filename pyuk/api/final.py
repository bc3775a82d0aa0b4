"""A process at its end: registers and memory, kept for as long as somebody may ask for them."""

from __future__ import annotations

from pyuk.api.symbols import Symbols
from pyuk.machine.cpu import R8, RAX, RBP, RBX, RCX, RDI, RDX, RIP, RSI, RSP
from pyuk.mm.usermem import UserMemory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.api.warm import Platform
    from pyuk.kernel.crash import Crash
    from pyuk.kernel.task import Process, Task
    from pyuk.mm.space import AddressSpace

REGISTERS = {
    "rax": RAX, "rbx": RBX, "rcx": RCX, "rdx": RDX, "rsi": RSI, "rdi": RDI, "rbp": RBP, "rsp": RSP,
    **{f"r{n}": R8 + n - 8 for n in range(8, 16)}, "rip": RIP,
}  # fmt: skip
"""Name to index in cpu.regs."""


class FinalState:
    """Filled in while the process ends. Its address space goes back to the platform when this object goes."""

    def __init__(self, process: Process, platform: Platform) -> None:
        self.process = process
        self.registers: dict[str, int] = {}
        self._platform = platform
        self._space: AddressSpace | None = None

    def __del__(self) -> None:
        space, self._space = self._space, None
        if space is not None:
            self._platform.left.append(space)  # guests may be running now: it is given back before the next ones do

    def note_end(self, task: Task) -> None:
        """A thread ends the process: its registers are in the CPU."""
        cpu = task.kernel.machine.cpu
        self.registers = {name: cpu.regs[index] for name, index in REGISTERS.items()}
        self.registers["rflags"] = cpu.rflags

    def keep(self, space: AddressSpace) -> None:
        """The last user of the address space has gone: it stays."""
        space.users += 1
        self._space = space

    @property
    def crash(self) -> Crash | None:
        """Of a process that a signal has ended."""
        return self.process.crash

    def maps(self) -> str:
        """/proc/PID/maps."""
        return self._kept().maps()

    def stats(self) -> dict[str, int]:
        """The rows of `pyuk run --stats` by name."""
        from pyuk.mm.stats import totals

        return totals(self._kept())

    def memory(self, where: int | str, n_bytes: int) -> bytes:
        """See Completed.memory."""
        space = self._kept()
        address = Symbols(self.process, space).address_of(where) if isinstance(where, str) else where
        data = UserMemory(space).peek(address, n_bytes)
        if len(data) != n_bytes:
            raise ValueError(f"{where if isinstance(where, str) else hex(where)}: only {len(data)} bytes are mapped")
        return data

    def _kept(self) -> AddressSpace:
        if self._space is None:
            raise ValueError("the process has left no memory: it shares that with another, or has not ended")
        return self._space
