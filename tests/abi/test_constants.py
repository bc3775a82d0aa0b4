"""Every constant has the value that the host's headers give it."""

from __future__ import annotations

import importlib

import pytest

from tests.abi.cprogram import needs_gcc, printed

HEADERS = {
    "elf": ["elf.h", "linux/auxvec.h"],
    "errno": ["errno.h"],
    "fcntl": ["fcntl.h", "linux/openat2.h", "linux/fcntl.h", "linux/falloc.h", "linux/close_range.h", "linux/fs.h"],
    "futex": ["linux/futex.h"],
    "ioctls": ["sys/ioctl.h", "asm/termbits.h", "linux/fs.h", "linux/random.h"],
    "magic": ["linux/magic.h", "sys/statvfs.h"],
    "mman": ["sys/mman.h", "linux/mman.h", "linux/memfd.h"],
    "poll": ["poll.h"],
    "prctl": ["linux/prctl.h", "asm/prctl.h"],
    "random": ["linux/random.h"],
    "resource": ["sys/resource.h"],
    "sched": ["linux/sched.h", "linux/wait.h"],
    "signal": ["signal.h", "asm/signal.h", "asm/siginfo.h"],
    "socket": ["sys/socket.h"],
    "stat": ["sys/stat.h", "linux/stat.h"],
    "time": ["time.h", "sys/time.h", "sys/timerfd.h"],
    "unistd": ["unistd.h", "linux/fs.h", "linux/limits.h", "linux/uio.h"],
}
"""The headers of each module; one that does not go with the others is compiled alone."""

OURS = {
    "O_LARGEFILE": "0 in 64-bit libc headers, 0100000 in the kernel's",
    "F_GETLK": "glibc's 64-bit names",
    "SIGRTMIN": "glibc's is a call, the kernel's is 32",
    "SIGRTMAX": "the same",
    "MINSIGSTKSZ": "glibc 2.34: sysconf(3)",
    "SIG_DFL": "pointers in C",
    "SIG_IGN": "pointers in C",
    "SIG_ERR": "a pointer in C",
    "AT_EACCESS": "linux/fcntl.h has it since 5.x only",
    "STATX_ALL": "deprecated in the headers, not in strace",
}
"""Where libc's headers and the kernel's interface say different things, the kernel's counts."""


@needs_gcc
@pytest.mark.parametrize("module", HEADERS)
def test_values_are_the_headers(module: str) -> None:
    """A name that a header of the host defines has that header's value here."""
    values = vars(importlib.import_module(f"pyuk.abi.{module}"))
    constants = {name: value for name, value in values.items() if name.isupper() and isinstance(value, int)}
    compared = 0
    for header in HEADERS[module]:
        names = [name for name in constants if name not in OURS and not name.startswith("__O")]
        lines = printed(
            [header],
            [f'#ifdef {name}\nprintf("{name} %lld\\n", (long long) ({name}));\n#endif' for name in names],
        )
        for name, text in lines or []:
            compared += 1
            assert int(text) & (1 << 64) - 1 == constants[name] & (1 << 64) - 1, name
    assert compared > len(constants) // 3
