"""pyuk: an x86-64 Linux-ABI user-mode emulator. Unicorn executes; a kernel in Python is Linux to the program.

    import pyuk
    done = pyuk.run("/bin/echo", ["hello"], text=True)
    done.stdout, done.returncode, [call.name for call in done.syscalls]

`run` and `System` are described in docs/api.md. They are imported when they are first asked for: the command, which
imports this package too, starts without them.
"""

from __future__ import annotations

__version__ = "0.1.0"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.api.completed import Completed
    from pyuk.api.intercept import SyscallCall
    from pyuk.api.process import DeadlockError, Process
    from pyuk.api.records import Syscall
    from pyuk.api.run import run
    from pyuk.api.system import DEVNULL, PIPE, STDOUT, System

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Completed",
    "DeadlockError",
    "Process",
    "Syscall",
    "SyscallCall",
    "System",
    "run",
]

_HOMES = {
    "Completed": "completed", "DEVNULL": "system", "DeadlockError": "process", "PIPE": "system",
    "Process": "process", "STDOUT": "system", "Syscall": "records", "SyscallCall": "intercept", "System": "system",
    "run": "run",
}  # fmt: skip


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pyuk' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    value: object = getattr(import_module(f"pyuk.api.{home}"), name)
    globals()[name] = value
    return value
