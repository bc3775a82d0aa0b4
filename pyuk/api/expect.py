"""What a test expects of a run, and words for what is different, with the first place where it is."""

from __future__ import annotations

import difflib
import re
import signal as signals
from fnmatch import fnmatchcase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyuk.api.completed import Completed
    from pyuk.api.records import Syscall

_N_BEFORE = 5
_CUT_CHARS = 2000


def differences(
    done: Completed, *, stdout: bytes | str | None = None, stderr: bytes | str | None = None,
    exit: int | None = None, signal: int | str | None = None,
    syscalls: Sequence[str] | None = None, registers: Mapping[str, int] | None = None,
    memory: Mapping[int | str, bytes | int] | None = None,
) -> list[str]:  # fmt: skip
    """One text for each thing that is not as expected; see Run.expect."""
    found: list[str] = []
    if exit is not None and done.returncode != exit:
        found.append(f"exit: expected {exit}, {_end(done)}")
    if signal is not None and done.returncode != -_signo(signal):
        found.append(f"signal: expected {signals.Signals(_signo(signal)).name}, {_end(done)}")
    for name, wanted, got in (("stdout", stdout, done.stdout), ("stderr", stderr, done.stderr)):
        if wanted is not None:
            found += _text_difference(name, wanted, got)
    if syscalls is not None:
        found += calls_difference(syscalls, done.syscalls)
    for name, value in (registers or {}).items():
        got = done.registers.get(name)
        if got is None:
            found.append(f"registers: there is no {name}; there are {', '.join(done.registers)}")
        elif got != value & (1 << 64) - 1:
            found.append(f"registers: {name} is {got:#x} ({_signed(got)}), expected {value:#x}")
    for where, content in (memory or {}).items():
        found += _memory_difference(done, where, content)
    return found


def _end(done: Completed) -> str:
    if done.returncode < 0:
        return f"killed by {signals.Signals(-done.returncode).name}: {done.crash_report}"
    return f"exited with {done.returncode}"


def _signo(signal: int | str) -> int:
    return signals.Signals[signal].value if isinstance(signal, str) else int(signal)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _text_difference(name: str, wanted: bytes | str, got: bytes | str | None) -> list[str]:
    if got is None:
        return [f"{name}: it was not captured"]
    if isinstance(wanted, str) and isinstance(got, bytes):
        wanted = wanted.encode()
    elif isinstance(wanted, bytes) and isinstance(got, str):
        got = got.encode()
    if wanted == got:
        return []
    lines = difflib.unified_diff(_lines(wanted), _lines(got), "expected", "got", lineterm="", n=2)
    difference = "\n  ".join(lines)
    if not difference or len(difference) > _CUT_CHARS:  # ends of lines, or too much of it
        at = next((i for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), min(len(wanted), len(got)))
        around = slice(max(0, at - 20), at + 20)
        difference = f"at byte {at}: expected ...{wanted[around]!r}..., got ...{got[around]!r}..."
    return [f"{name}:\n  {difference}"]


def _lines(text: bytes | str) -> list[str]:
    return (text.decode(errors="backslashreplace") if isinstance(text, bytes) else text).splitlines()


def calls_difference(wanted: Sequence[str], got: Sequence[Syscall]) -> list[str]:
    """Where a list of calls first differs from the patterns: names, or strace's text with `*` and `...`."""
    for index, pattern in enumerate(wanted):
        if index == len(got):
            return [f"syscalls: call {index + 1} is missing: expected {pattern}{_context(got, index)}"]
        if not matches(pattern, got[index]):
            difference = f"\n  expected {pattern}\n  got      {got[index].text}"
            return [f"syscalls: call {index + 1} differs{difference}{_context(got, index)}"]
    if len(got) > len(wanted):
        return [f"syscalls: call {len(wanted) + 1} was not expected: {got[len(wanted)].text}"]
    return []


def matches(pattern: str, call: Syscall) -> bool:
    """Whether a name, or a text with wildcards in which blanks count once, is this call."""
    if re.fullmatch(r"\w+", pattern):
        return pattern == call.name
    return fnmatchcase(_plain(call.text), _plain(pattern).replace("...", "*").replace("[", "[[]"))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _context(got: Sequence[Syscall], index: int) -> str:
    before = [call.text for call in got[max(0, index - _N_BEFORE) : index]]
    return "\n  after:\n    " + "\n    ".join(before) if before else ""


def _memory_difference(done: Completed, where: int | str, value: bytes | int) -> list[str]:
    name = where if isinstance(where, str) else hex(where)
    data = value.to_bytes(8, "little", signed=value < 0) if isinstance(value, int) else bytes(value)
    try:
        got = done.memory(where, len(data))
    except (ValueError, LookupError) as error:
        return [f"memory: {error}"]
    if got == data:
        return []
    at = next(i for i, (a, b) in enumerate(zip(data, got, strict=True)) if a != b)
    return [f"memory: {name}+{at}: expected {data[at : at + 16].hex(' ')}, got {got[at : at + 16].hex(' ')}"]
