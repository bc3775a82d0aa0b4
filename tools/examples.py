"""Keep the examples in documents real: run them, compare, or write what they print.

An example is a console block under a line `<!-- log: NAME -->`. Its commands (`$ ...`) run in a directory with nothing
but the programs of PROGRAMS below build/, and in a fixed environment. `python -m tools.examples [--check] FILE...`
"""

from __future__ import annotations

import difflib
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAMS = {"hello_world": "guest/hello/hello_world.S", "null_read": "guest/cpu/deaths/null_read.S"}
ENVIRONMENT = {"HOME": "/", "LC_ALL": "C", "PATH": "/usr/bin:/bin"}
TIMEOUT_S = 60

_EXAMPLE = re.compile(r"^<!-- log: (?P<name>[\w-]+) -->\n```console\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SCRUBS = (
    (re.compile(r"0x[0-9a-f]+"), "0xADDRESS"),
    (re.compile(r"/\* \d+ vars \*/"), "/* N vars */"),
    (re.compile(r"\b[0-9a-f]{8,16}-[0-9a-f]{8,16}\b"), "START-END"),
    (re.compile(r"\b[0-9a-f]{2,}:[0-9a-f]{2,} \d+ +"), "DEV INODE "),
)


class ExampleError(Exception):
    """The programs of the examples cannot be built; says why."""


@dataclass(frozen=True, slots=True)
class Example:
    """One block: what is between its fences."""

    name: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Its lines that start with `$ `, in order."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def examples(document: str) -> list[Example]:
    """The examples of a document, in order."""
    return [Example(found["name"], found["text"]) for found in _EXAMPLE.finditer(document)]


def run(example: Example) -> str:
    """The block as it should be: each command and what it prints, standard error included.

    Errors: ExampleError.
    """
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        _furnish(directory)
        environment = {**ENVIRONMENT, "PATH": f"{directory}/bin:{ENVIRONMENT['PATH']}"}
        lines = []
        for command in example.commands:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=directory / "work",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
            output = done.stdout if done.stdout.endswith("\n") or not done.stdout else done.stdout + "\n"
            lines.append(f"$ {command}\n{output}")
        return "".join(lines)


def scrub(text: str) -> str:
    """The text without what differs from machine to machine: addresses, inode numbers, the size of the environment."""
    for pattern, replacement in _SCRUBS:
        text = pattern.sub(replacement, text)
    return text


def difference(example: Example) -> str:
    """What the block says (-) and what really happens (+), as a unified diff; empty where they agree."""
    said, happens = scrub(example.text).splitlines(), scrub(run(example)).splitlines()
    return "\n".join(difflib.unified_diff(said, happens, "documented", "actual", lineterm=""))


def update(document: str) -> str:
    """The document with the output of every example that differs written anew."""
    for example in examples(document):
        if difference(example):
            document = document.replace(example.text, run(example))
    return document


def _furnish(directory: Path) -> None:
    """work/build/PROGRAM for each of PROGRAMS, and bin/pyuk, which is this repository's under this Python."""
    build = directory / "work" / "build"
    build.mkdir(parents=True)
    if shutil.which("gcc") is None:
        raise ExampleError("gcc is not installed (Debian package gcc)")
    for name, source in PROGRAMS.items():
        flags = ["-nostdlib", "-static", "-Wl,-z,noexecstack", "-o", str(build / name)]
        done = subprocess.run(["gcc", *flags, str(REPOSITORY / source)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ExampleError(done.stderr)
    launcher = directory / "bin" / "pyuk"
    launcher.parent.mkdir()
    lines = (REPOSITORY / "tools" / "pyuk").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[0] = f"#!{sys.executable}\n"
    at = lines.index("import os\n") + 1
    lines.insert(at, f"import sys\n\nsys.path.insert(0, {str(REPOSITORY)!r})\n")
    launcher.write_text("".join(lines), encoding="utf-8")
    launcher.chmod(0o755)


def main(arguments: list[str]) -> int:
    """Write the examples of the files anew, or with --check print how they differ from what happens."""
    check = "--check" in arguments
    status = 0
    for name in arguments:
        if name == "--check":
            continue
        path = Path(name)
        document = path.read_text(encoding="utf-8")
        if not check:
            path.write_text(update(document), encoding="utf-8")
            continue
        for example in examples(document):
            if found := difference(example):
                print(f"{name}: example {example.name}\n{found}", file=sys.stderr)
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
