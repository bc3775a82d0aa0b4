"""The system calls, a file a man-page family. Importing the package declares them all (pyuk.abi.declare.SYSCALLS)."""

from pyuk.syscalls import (
    dirs, fcntl, files, futex, io, ioctl, memory, paths, prctl, process, resource, signal, socket, stat, sync, system, time, transfer,
    xattr,
)  # fmt: skip

__all__ = [
    "dirs", "fcntl", "files", "futex", "io", "ioctl", "memory", "paths", "prctl", "process", "resource", "signal", "socket", "stat",
    "sync", "system", "time", "transfer", "xattr",
]  # fmt: skip
