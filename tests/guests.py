"""Build the guest programs of `guest/`, once for each content and command line.

The first comment lines of a source may say how it is built:

    // build: -static -Wl,-z,execstack      flags for gcc, instead of a named variant
    // flags: -Wl,-z,execstack              more flags for its variants
    // variants: glibc-static musl-static   one program for each; the names are the keys of VARIANTS
    // needs: signal-delivery               what pyuk must have before it can run this; see NOT_YET
    // args: one "two words"                the arguments it is run with
    // status: 7                            the exit status it has, when all is well, instead of 0
    // strace: same                         pyuk's log of it is compared with the host's

Without them a `.S` is the variant `asm` (and `page_end` too, when it includes death.inc) and a `.c` is `raw`: no libc,
with guest/include/raw.h. Programs go to build/guests/HASH/NAME, where HASH covers the source, what it includes by
quotes, the command and the compiler's version; they appear there by rename, so any number of test processes may build
at once.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
GUEST_DIR = REPOSITORY / "guest"
INCLUDE_DIR = GUEST_DIR / "include"
BUILD_DIR = Path(os.environ.get("PYUK_GUEST_BUILD", REPOSITORY / "build" / "guests"))

_C = ("-O1", "-Wall", "-Wextra", f"-I{INCLUDE_DIR}")
_RAW = ("-ffreestanding", "-fno-stack-protector", "-fcf-protection=none", "-nostdlib")

VARIANTS: dict[str, tuple[str, ...]] = {
    "asm": ("gcc", "-nostdlib", "-static", "-no-pie"),
    "page_end": ("gcc", "-nostdlib", "-static", "-no-pie", "-DPAGE_END"),
    "raw": ("gcc", *_C, *_RAW, "-static", "-no-pie", "-fno-pic"),
    "raw-static-pie": ("gcc", *_C, *_RAW, "-static-pie", "-fPIE"),
    "glibc-static": ("gcc", *_C, "-static", "-no-pie", "-fno-pic"),
    "glibc-static-pie": ("gcc", *_C, "-static-pie", "-fPIE"),
    "glibc-pie": ("gcc", *_C, "-pie", "-fPIE"),
    "glibc-no-pie": ("gcc", *_C, "-no-pie", "-fno-pic"),
    "musl-static": ("musl-gcc", *_C, "-static", "-no-pie", "-fno-pic"),
    "musl-pie": ("musl-gcc", *_C, "-pie", "-fPIE"),
    "cxx-pie": ("g++", *_C, "-pie", "-fPIE"),
}

# The Debian package to name when a tool is missing.
PACKAGES = {"gcc": "gcc", "g++": "g++", "musl-gcc": "musl-tools"}

# Features that pyuk does not have yet, by the word in a guest's `// needs:` line. The guests that need them run
# natively all the same, and are expected to fail on pyuk: the day one passes, its test fails until the line is removed.
NOT_YET: dict[str, str] = {}


class ToolMissingError(Exception):
    """A compiler that a variant needs is not installed; the message names the package."""


@dataclass(frozen=True, slots=True, order=True)
class Guest:
    """One program: a source below `guest/` and the variant it is built in, "build" when the source gives its flags."""

    source: Path
    variant: str

    @property
    def name(self) -> str:
        """The family path without suffix, with the variant where it is not the plain one: `hello/hello[musl-pie]`."""
        path = self.source.relative_to(GUEST_DIR).with_suffix("").as_posix()
        return path if self.variant in {"asm", "raw", "build"} else f"{path}[{self.variant}]"

    def __str__(self) -> str:
        return self.name

    @property
    def needs(self) -> list[str]:
        return directive(self.source, "needs").split()

    @property
    def status(self) -> int:
        return int(directive(self.source, "status") or 0)

    @property
    def args(self) -> list[str]:
        return shlex.split(directive(self.source, "args"))

    def build(self) -> Path:
        """Return the path of the program, compiled if this content was not compiled before.

        Errors: ToolMissingError; AssertionError with the compiler's words when it refuses the source.
        """
        command = self._command()
        if shutil.which(command[0]) is None:
            raise ToolMissingError(f"{command[0]} is not installed (Debian package {PACKAGES[command[0]]})")
        digest = _digest(self.source, command)
        program = BUILD_DIR / digest / self.source.stem
        if not program.exists():
            _compile([*command, str(self.source)], program)
        return program

    def _command(self) -> list[str]:
        if self.variant == "build":
            return ["gcc", f"-I{INCLUDE_DIR}", *shlex.split(directive(self.source, "build"))]
        return [*VARIANTS[self.variant], *shlex.split(directive(self.source, "flags"))]


def guests(*families: str) -> list[Guest]:
    """Return every program of these directories below `guest/` (subdirectories are families of their own), by name."""
    found = []
    for family in families:
        for source in sorted((GUEST_DIR / family).glob("*.*")):
            if source.suffix in {".S", ".c", ".cc"}:
                found += [Guest(source, variant) for variant in _variants(source)]
    return found


def guest(name: str, variant: str | None = None) -> Guest:
    """Return the program `name` ("mm/brk"), in its first variant unless one is given."""
    for suffix in (".S", ".c", ".cc"):
        source = GUEST_DIR / (name + suffix)
        if source.exists():
            return Guest(source, variant or _variants(source)[0])
    raise FileNotFoundError(name)


def directive(source: Path, key: str) -> str:
    """Return what the comment line `// KEY: ...` among the first five lines of a source says, or ""."""
    for line in source.read_text(encoding="utf-8").splitlines()[:5]:
        if line.startswith(f"// {key}:"):
            return line.partition(":")[2].strip()
    return ""


def _variants(source: Path) -> list[str]:
    if directive(source, "build"):
        return ["build"]
    if named := directive(source, "variants"):
        return named.split()
    if source.suffix == ".S":
        return ["asm", "page_end"] if '"death.inc"' in source.read_text(encoding="utf-8") else ["asm"]
    return ["raw"]


def _digest(source: Path, command: list[str]) -> str:
    digest = hashlib.sha256()
    digest.update(_compiler_version(command[0]).encode())
    digest.update("\0".join(command).encode())
    for path in _with_includes(source):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _with_includes(source: Path) -> list[Path]:
    """The source and the files it includes by quotes, at any depth."""
    paths, waiting = [], [source]
    while waiting:
        path = waiting.pop()
        paths.append(path)
        for name in re.findall(r'^\s*#\s*include "([^"]+)"', path.read_text(encoding="utf-8"), re.MULTILINE):
            candidates = [path.parent / name, INCLUDE_DIR / name]
            waiting += [found for found in candidates if found.exists() and found not in paths][:1]
    return paths


@cache
def _compiler_version(compiler: str) -> str:
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout


def _compile(command: list[str], program: Path) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    (BUILD_DIR / ".gitignore").write_text("*\n")
    with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
        output = Path(scratch) / program.name
        done = subprocess.run([*command, "-o", str(output)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"
        output.replace(program)
