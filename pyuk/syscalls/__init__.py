"""The system calls. Importing the package declares them all (pyuk.abi.declare.SYSCALLS)."""

from pyuk.syscalls import files, futex, io, memory, names, process, resource, signal, system, time, transfer

__all__ = [
    "files", "futex", "io", "memory", "names", "process", "resource", "signal", "system", "time", "transfer",
]  # fmt: skip
