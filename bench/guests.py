"""Build the programs that are measured, into build/bench/."""

from __future__ import annotations

import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = REPOSITORY / "guest" / "bench"
HELLO_WORLD = REPOSITORY / "guest" / "hello" / "hello_world.S"
BUILD = REPOSITORY / "build" / "bench"

_STATIC = ("-static", "-no-pie", "-fno-pic")
_ASSEMBLY = ("-nostdlib", "-static", "-no-pie", "-Wl,-z,noexecstack")
_C = ("-std=gnu11", "-O2", "-Wall", "-Wextra", *_STATIC)
# No libc: so sqrt must not set errno, and loops must not become calls of memset.
_FREESTANDING = ("-ffreestanding", "-fno-stack-protector", "-fno-math-errno", "-fno-tree-loop-distribute-patterns")

# The guests of the `cpu` section, with the flags each is built with.
CPU_GUESTS = {
    "sieve": (*_C, *_FREESTANDING, "-nostdlib"),
    "matmul": (*_C, *_FREESTANDING, "-nostdlib"),
    "fib": (*_C, *_FREESTANDING, "-nostdlib"),
    "sha256": (*_C, *_FREESTANDING, "-nostdlib"),
    "qsort": _C,
    "memcpy": _C,
    "bytecode": (*_C, *_FREESTANDING, "-nostdlib"),
    "nbody": (*_C, *_FREESTANDING, "-nostdlib"),
    "nbody_x87": (*_C, *_FREESTANDING, "-nostdlib"),
    "chase": (*_C, *_FREESTANDING, "-nostdlib"),
    "alu": (*_C, *_FREESTANDING, "-nostdlib"),
}


class BuildError(Exception):
    """gcc is missing or refused a guest."""


def cpu_guest(name: str) -> Path:
    """Return the program of a guest of the `cpu` section."""
    return _build(SOURCES / f"{name}.c", BUILD / name, CPU_GUESTS[name])


def getppid_loop(n_calls: int) -> Path:
    """Return the program that calls getppid(2) so many times."""
    flags = (*_ASSEMBLY, f"-Wa,--defsym,LOOPS={n_calls}")
    return _build(SOURCES / "getppid_loop.S", BUILD / f"getppid_loop_{n_calls}", flags)


def socket_pairs() -> Path:
    """The program of the sockets' section."""
    return _build(SOURCES / "sockets.c", BUILD / "sockets", _C)


def memory() -> Path:
    """Return the program of the `mm` section."""
    return _build(SOURCES / "memory.c", BUILD / "memory", _C)


def files() -> Path:
    """Return the program of the `files` section."""
    return _build(SOURCES / "files.c", BUILD / "files", _C)


def tasks() -> Path:
    """Return the program of the `tasks` section."""
    return _build(SOURCES / "tasks.c", BUILD / "tasks", (*_C, "-pthread"))


def nothing() -> Path:
    """Return a static program that ends at once."""
    return _build(SOURCES / "nothing.c", BUILD / "nothing", _C)


def hello_world() -> Path:
    """Return the program of two system calls."""
    return _build(HELLO_WORLD, BUILD / "hello_world", _ASSEMBLY)


def _build(source: Path, program: Path, flags: tuple[str, ...]) -> Path:
    """Compile unless the program is newer than its source, every header, and the flags in this file."""
    depends_on = (source, Path(__file__), *SOURCES.glob("*.h"))
    if program.exists() and program.stat().st_mtime > max(path.stat().st_mtime for path in depends_on):
        return program
    BUILD.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["gcc", *flags, "-o", str(program), str(source)], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise BuildError("gcc is missing: apt-get install gcc") from error
    if done.returncode:
        raise BuildError(f"gcc refused {source}:\n{done.stderr}")
    return program
