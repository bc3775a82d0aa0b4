"""Guests from source text: an assembler and a C compiler that are there, and a cache of what they made.

The system's gcc is taken where it makes x86-64 programs, else a cross compiler, else zig (`pip install pyuk[cc]`),
which makes them on any host.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_X86_64 = ("x86_64", "amd64")
_CROSS = "x86_64-linux-gnu-gcc"
_BASE = 0x400000
_EHDR_BYTES, _PHDR_BYTES = 64, 56
_PF_RWX = 7


class ToolchainError(Exception):
    """The source has mistakes, or nothing is there to build it; the text is what the compiler says."""


def cache_directory() -> Path:
    """Where built guests are kept: $PYUK_CACHE, or pyuk in the user's cache directory."""
    given = os.environ.get("PYUK_CACHE")
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyuk"


def assemble(source: str, flags: tuple[str, ...] = (), *, origin: tuple[str, int] | None = None) -> Path:
    """A static program from assembler text (GNU syntax, after the C preprocessor); its entry is _start.

    origin: file and line of the text's first line, for messages. Errors: ToolchainError.
    """
    return _build(source, "assembler-with-cpp", ("-nostdlib", "-static", *flags), _compiler(""), origin)


def compile_c(
    source: str, flags: tuple[str, ...] = (), *, static: bool = True, libc: str = "glibc",
    origin: tuple[str, int] | None = None,
) -> Path:  # fmt: skip
    """A program from C. libc: glibc or musl. Errors: ToolchainError, ValueError another libc."""
    if libc not in ("glibc", "musl"):
        raise ValueError(f"libc={libc!r}: there are glibc and musl")
    linking = ("-static",) if static else ()
    return _build(source, "c", ("-O1", "-g", *linking, *flags), _compiler("musl" if libc == "musl" else ""), origin)


def from_bytes(code: bytes) -> Path:
    """A program that is these bytes of machine code, writable and executable; no compiler is needed."""
    entry = _BASE + _EHDR_BYTES + _PHDR_BYTES
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    header = struct.pack("<16sHHIQQQIHHHHHH", ident, 2, 62, 1, entry, _EHDR_BYTES, 0, 0, 64, _PHDR_BYTES, 1, 0, 0, 0)
    size = _EHDR_BYTES + _PHDR_BYTES + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, _PF_RWX, 0, _BASE, _BASE, size, size, 0x1000)
    image = header + segment + code
    return _keep(hashlib.sha256(image).hexdigest(), lambda output: output.write_bytes(image))


def _build(
    source: str, language: str, flags: tuple[str, ...], compiler: tuple[str, ...], origin: tuple[str, int] | None
) -> Path:
    key = hashlib.sha256(repr((source, language, flags, compiler, _version(compiler))).encode()).hexdigest()

    def build(output: Path) -> None:
        done = _compile(source, language, flags, compiler, output)
        if done.returncode and origin is not None:  # once more, so that the messages name the user's own lines
            done = _compile(_marked(source, language, origin), language, flags, compiler, output)
        if done.returncode:
            raise ToolchainError(done.stderr.strip())

    return _keep(key, build)


def _compile(
    source: str, language: str, flags: tuple[str, ...], compiler: tuple[str, ...], output: Path
) -> subprocess.CompletedProcess[str]:
    command = [*compiler, "-x", language, "-", "-o", str(output), *flags]
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, input=source, env=environment, capture_output=True, text=True, check=False)


def _marked(source: str, language: str, origin: tuple[str, int]) -> str:
    file, line = origin
    word = "#line" if language == "c" else "#"
    return f'{word} {line} "{file}"\n{source}'


def _keep(key: str, build: Callable[[Path], object]) -> Path:
    directory = cache_directory() / key[:2]
    program = directory / key[2:]
    if program.exists():
        return program
    directory.mkdir(parents=True, exist_ok=True)
    scratch = directory / f".{key[2:]}.{os.getpid()}"
    try:
        build(scratch)
        scratch.chmod(0o755)
        scratch.replace(program)  # others may be building the same
    finally:
        scratch.unlink(missing_ok=True)
    return program


@cache
def _compiler(libc: str) -> tuple[str, ...]:
    """The command. Errors: ToolchainError none is there."""
    if libc == "musl":
        if shutil.which("musl-gcc") and _makes_x86_64("musl-gcc"):
            return ("musl-gcc",)
        zig = _zig("x86_64-linux-musl")
        if zig:
            return zig
        raise ToolchainError("no C compiler for musl: apt-get install musl-tools, or pip install 'pyuk[cc]'")
    chosen = os.environ.get("CC", "").split()
    if chosen:
        return tuple(chosen)
    for name in ("gcc", "cc", _CROSS):
        if shutil.which(name) and _makes_x86_64(name):
            return (name,)
    zig = _zig("x86_64-linux-gnu")
    if zig:
        return zig
    raise ToolchainError("no compiler makes x86-64 Linux programs here: apt-get install gcc, or pip install 'pyuk[cc]'")


def _makes_x86_64(name: str) -> bool:
    done = subprocess.run([name, "-dumpmachine"], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.startswith(_X86_64) and "linux" in done.stdout


def _zig(target: str) -> tuple[str, ...]:
    from importlib.util import find_spec

    if find_spec("ziglang") is None:
        return ()
    return (sys.executable, "-m", "ziglang", "cc", "-target", target)


@cache
def _version(compiler: tuple[str, ...]) -> str:
    return subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=False).stdout
