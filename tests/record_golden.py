"""Record the golden files of this host: `make golden`, or `python tests/record_golden.py [NAME...]`.

They come from the host's strace and from deathwatch, never from pyuk, and are stored scrubbed below tests/golden/:

    strace/FAMILY/WORD.txt    the log of a case in tests/programs/cases.py
    strace/subjects.json      for each log, the files it was made with and their SHA-256 (first 16 digits): where one is
                              another (a newer libc, say), that log says nothing and only a fresh strace does
    deaths.txt                for each guest of the death families, the line of guest/tools/deathwatch.c

A NAME is a case ("programs/cat") or "deaths"; without one, everything is recorded.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
from functools import cache
from pathlib import Path

if __name__ == "__main__":  # a script's path is its own directory's
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.guests import REPOSITORY, Guest, ToolMissingError, guests
from tests.native import deathwatch, strace_native, why_no_deathwatch, why_no_strace
from tests.programs.cases import CASES, Case
from tests.scrub import death_line, scrub_trace

GOLDEN_DIR = REPOSITORY / "tests" / "golden"
STRACE_DIR = GOLDEN_DIR / "strace"
SUBJECTS = STRACE_DIR / "subjects.json"
DEATHS = GOLDEN_DIR / "deaths.txt"
DEATH_FAMILIES = ("cpu/deaths", "mm/deaths")


def golden_trace(case: Case) -> Path:
    """Return where the log of a case is kept."""
    return STRACE_DIR / f"{case.name}.txt"


def why_golden_is_silent(case: Case) -> str:
    """Return why the recorded log of a case cannot be compared with on this host, or ""."""
    if not case.golden:
        return "the trace depends on this machine's files: only a fresh strace is compared"
    recorded = _read_subjects().get(case.name)
    if recorded is None:
        return "no golden log was recorded (python tests/record_golden.py)"
    for subject, digest in recorded.items():
        path = _guest_program(case) if subject == "program" else Path(subject)
        if not path.exists() or _digest(path) != digest:
            return f"{subject} is not the file the golden log was recorded with"
    return ""


def host_trace(case: Case) -> str:
    """Return the scrubbed log of a case, made now by the host's strace."""
    with tempfile.TemporaryDirectory() as directory:
        program = case.start(Path(directory))
        _, log = strace_native(program, case.args, cwd=Path(directory))
        return scrub_trace(log, case.name, cwd=directory)


def host_death(guest: Guest) -> str:
    """Return how the host ends a death guest, as deaths.txt has it."""
    with tempfile.TemporaryDirectory() as directory:
        return death_line(deathwatch(guest.build(), cwd=Path(directory)), guest.build())


def read_deaths() -> dict[str, str]:
    """Return the recorded deaths by the guest's name."""
    lines = DEATHS.read_text(encoding="utf-8").splitlines() if DEATHS.exists() else []
    return dict(line.split(": ", 1) for line in lines)


def record_trace(case: Case) -> None:
    """Write the log of a case, and what it was made with."""
    trace = host_trace(case)
    path = golden_trace(case)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(trace, encoding="utf-8", errors="surrogateescape")
    subjects = _read_subjects()
    subjects[case.name] = {
        "program" if path == _guest_program(case) else str(path): _digest(path)
        for path in [_guest_program(case), *_libraries(case, trace)]
    }
    SUBJECTS.write_text(json.dumps(subjects, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def record_deaths() -> None:
    """Write deaths.txt anew."""
    lines = [f"{guest}: {host_death(guest)}\n" for guest in guests(*DEATH_FAMILIES)]
    DEATHS.write_text("".join(lines), encoding="utf-8")


def _guest_program(case: Case) -> Path:
    return case.program.build() if isinstance(case.program, Guest) else Path(case.program).resolve()


def _libraries(case: Case, trace: str) -> list[Path]:
    """The run-time linker the program names and the libraries it opened."""
    interpreter = re.search(rb"/lib(?:64)?/ld-[\w.-]+\.so\.\d", _guest_program(case).read_bytes()[:4096])
    opened = re.findall(r'^open(?:at)?\((?:AT_FDCWD, )?"(/[^"]*\.so[.\d]*)", .* = \d+$', trace, re.MULTILINE)
    return [*([Path(interpreter[0].decode())] if interpreter else []), *map(Path, opened)]


def _read_subjects() -> dict[str, dict[str, str]]:
    if not SUBJECTS.exists():
        return {}
    subjects: dict[str, dict[str, str]] = json.loads(SUBJECTS.read_text(encoding="utf-8"))
    return subjects


@cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def main(names: list[str]) -> int:
    """Record what is named, or everything; return the exit status."""
    known = {case.name for case in CASES if case.golden} | {"deaths"}
    if unknown := set(names) - known:
        print(f"no golden file is called {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    if reason := why_no_strace() or why_no_deathwatch():
        print(reason, file=sys.stderr)
        return 1
    for case in CASES:
        if case.golden and (not names or case.name in names):
            try:
                record_trace(case)
            except ToolMissingError as error:
                print(f"{case.name} is not recorded: {error}", file=sys.stderr)
    if not names or "deaths" in names:
        record_deaths()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
