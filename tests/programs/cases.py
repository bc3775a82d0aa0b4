"""The programs that pyuk must run as the host does: what is started, with what, and in which directory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.guests import Guest, ToolMissingError, directive, guest, guests
from tests.native import place


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a program, in a directory made by prepare().

    name: `FAMILY/WORD`, what HOST_DIFFERENCES and the golden files call it.
    golden: the trace does not depend on this machine's files, so a recorded one can be compared with.
    """

    name: str
    program: str | Guest
    args: tuple[str, ...] = ()
    golden: bool = True

    def __str__(self) -> str:
        return self.name

    def start(self, directory: Path) -> str:
        """Make `directory` ready and return what to start there.

        Errors: ToolMissingError when the program is not installed or cannot be built.
        """
        prepare(directory)
        if isinstance(self.program, Guest):
            return place(self.program, directory)
        if shutil.which(self.program) is None:
            package = "busybox-static" if "busybox" in self.program else "coreutils"
            raise ToolMissingError(f"{self.program} is not installed (Debian package {package})")
        return self.program


def prepare(directory: Path) -> None:
    """Make the files the cases name: lines to sort, bytes over several pages, a directory with one entry."""
    (directory / "fruit.txt").write_text("pear\napple\nfig\n\nbanana 10\nbanana 9\ncherry")
    (directory / "bytes.bin").write_bytes(bytes(i * i % 251 for i in range(300_000)))
    (directory / "folder").mkdir(exist_ok=True)
    (directory / "folder" / "only").write_text("x")


def _hello() -> Iterator[Case]:
    for program in guests("hello"):
        word = program.source.name if program.variant in {"asm", "cxx-pie"} else f"hello-{program.variant}"
        args = () if program.variant == "asm" else ("one", "two words")
        yield Case(f"hello/{word}", program, args)


PROGRAMS: tuple[Case, ...] = (
    *_hello(),
    Case("programs/true", "/bin/true"),
    Case("programs/false", "/bin/false"),
    Case("programs/echo", "/bin/echo", ("-e", r"a\tb", "end")),
    Case("programs/cat", "/bin/cat", ("fruit.txt",)),
    Case("programs/cat-large", "/bin/cat", ("bytes.bin",)),
    Case("programs/cat-missing", "/bin/cat", ("fruit.txt", "none.txt")),
    Case("programs/ls", "/bin/ls", ("folder",)),
    Case("programs/ls-l", "/bin/ls", ("-l", "folder"), golden=False),
    Case("programs/ls-l-etc", "/bin/ls", ("-l", "/etc"), golden=False),
    Case("programs/uname", "/bin/uname", ("-a",)),
    Case("programs/sha256sum", "/usr/bin/sha256sum", ("bytes.bin",)),
    Case("programs/expr", "/usr/bin/expr", ("6", "*", "7"), golden=False),
    Case("programs/expr-false", "/usr/bin/expr", ("1", ">", "2"), golden=False),
    Case("programs/seq", "/usr/bin/seq", ("1", "3", "1000")),
    Case("programs/sort", "/usr/bin/sort", ("fruit.txt",)),
    Case("programs/sort-n", "/usr/bin/sort", ("-r", "-k2n", "fruit.txt")),
    Case("programs/busybox-echo", "/bin/busybox", ("echo", "from", "busybox")),
    Case("programs/busybox-cat", "/bin/busybox", ("cat", "fruit.txt")),
    Case("programs/busybox-ls", "/bin/busybox", ("ls", "folder")),
    Case("programs/busybox-sha256sum", "/bin/busybox", ("sha256sum", "bytes.bin")),
)

# How a death looks in a trace: the siginfo of `--- SIG... ---` and the last line.
DEATHS: tuple[Case, ...] = tuple(
    Case(f"deaths/{name.rpartition('/')[2]}", guest(name))
    for name in (
        "cpu/deaths/null_read",
        "cpu/deaths/unmapped_read_offset",
        "cpu/deaths/write_text",
        "cpu/deaths/cli",
        "cpu/deaths/int3",
        "cpu/deaths/ud2",
        "cpu/deaths/div_by_zero",
        "cpu/deaths/noncanonical_rsp",
        "mm/deaths/sigbus_past_eof",
        "mm/deaths/stack_overflow",
    )
)

# The guests whose system calls cover a family's errors, so that the text of those is compared too: all of `sys`, and of
# `file` those that say `// strace: same`: one process, and nothing that depends on the moment.
SYSCALLS: tuple[Case, ...] = tuple(
    Case(
        program.name,
        program,
        tuple(program.args),
        golden=program.source.stem in {"close", "unknown_syscall"},
    )
    for program in [*guests("sys"), *(one for one in guests("file") if directive(one.source, "strace") == "same")]
)

CASES: tuple[Case, ...] = PROGRAMS + DEATHS + SYSCALLS
