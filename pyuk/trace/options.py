"""strace's options as data: which calls, signals and outcomes are shown, and how a line looks.

Source: strace(1) of 6.1. The text of values (strings, constants, descriptors) is trace/style.py's business.
"""

from __future__ import annotations

from pyuk.abi.siginfo import signal_name
from pyuk.abi.signal import SIGRTMAX, SIGRTMIN
from pyuk.trace.filter import EVERYTHING, Filter, FilterError, parse_set
from pyuk.trace.style import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.trace.inject import Injection

STATUSES = ("successful", "failed", "unfinished", "unavailable", "detached")
QUIET = ("attach", "exit", "path-resolution", "personality", "thread-execve")
_QUIET_ALIASES = {"exits": "exit", "path": "path-resolution", "thread": "thread-execve"}
_PRECISIONS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_WORDS = {
    "t": "trace", "a": "abbrev", "v": "verbose", "x": "raw", "s": "signal", "signals": "signal", "r": "read",
    "reads": "read", "w": "write", "writes": "write", "q": "quiet", "silent": "quiet", "silence": "quiet",
    "decode-fd": "decode-fds",
}  # fmt: skip
_NOTHING = Filter((), inverted=False)


class Options:
    """What stands on a command line of strace, by meaning."""

    def __init__(self) -> None:
        self.calls = EVERYTHING
        self.style = Style()
        self.raw = _NOTHING
        """Calls whose arguments are shown as numbers."""
        self.signals = frozenset(range(1, SIGRTMAX + 1))
        self.statuses = frozenset(STATUSES)
        self.quiet: frozenset[str] = frozenset()
        self.paths: list[bytes] = []
        self.dumps: dict[str, set[int] | None] = {"read": set(), "write": set()}
        """Descriptors whose data is dumped; None for all of them."""
        self.column = 40
        self.clock = ""
        """Before each line: `time` of day or `unix` time; "" for none."""
        self.clock_digits = 0
        self.relative_digits: int | None = None
        self.call_digits: int | None = None
        self.has_number = self.has_ip = False
        self.injections: list[tuple[Filter, Injection]] = []

    def has_stamps(self) -> bool:
        """Whether anything stands before a call."""
        return bool(self.clock) or self.relative_digits is not None or self.has_number or self.has_ip

    def take(self, expression: str) -> None:
        """What stands after -e. Errors: FilterError."""
        word, equals, value = expression.partition("=")
        if not equals:
            word, value = "trace", expression
        word = _WORDS.get(word, word)
        if word == "trace":
            self.calls = parse_set(value)
        elif word == "raw":
            self.raw = parse_set(value)
        elif word == "abbrev":
            self.style.abbreviated = parse_set(value)
        elif word == "verbose":
            self.style.verbose = parse_set(value)
        elif word == "signal":
            self.signals = _signals(value)
        elif word == "status":
            self.statuses = _words(value, STATUSES, "status")
        elif word == "quiet":
            named = ",".join(_QUIET_ALIASES.get(part, part) for part in value.split(","))
            self.quiet = _words(named, QUIET, "quiet")
        elif word in ("read", "write"):
            self.dumps[word] = _descriptors(value)
        elif word in ("fault", "inject"):
            self.injections.append(_injection(value, is_fault=word == "fault"))
        elif word == "decode-fds":
            self.style.take_descriptors(value)
        elif word == "kvm":
            pass  # there is no KVM here whose exits could be shown
        else:
            raise FilterError(f"strace: invalid -e expression '{expression}'")


def precision(word: str) -> int:
    """Digits behind the point of `s`, `ms`, `us`, `ns`. Errors: FilterError."""
    try:
        return _PRECISIONS[word]
    except KeyError:
        raise FilterError(f"strace: invalid precision '{word}'") from None


def parse_clock(text: str) -> tuple[str, int]:
    """--absolute-timestamps=[[format:]FORMAT[,[precision:]PRECISION]]: the format and the digits."""
    clock, digits = "time", 0
    for part in text.split(",") if text else ():
        word = part.removeprefix("format:").removeprefix("precision:")
        if word in ("time", "unix", "none"):
            clock = "" if word == "none" else word
        else:
            digits = precision(word)
    return clock, digits


def _words(value: str, known: tuple[str, ...], what: str) -> frozenset[str]:
    is_inverted = value.startswith("!")
    parts = [part for part in value.lstrip("!").split(",") if part]
    if "all" in parts:
        chosen = frozenset(known)
    elif parts == ["none"]:
        chosen = frozenset()
    else:
        for part in parts:
            if part not in known:
                raise FilterError(f"strace: invalid {what} '{part}'")
        chosen = frozenset(parts)
    return frozenset(known) - chosen if is_inverted else chosen


def _signals(value: str) -> frozenset[int]:
    names = {signal_name(signo): signo for signo in range(1, SIGRTMAX + 1)}
    is_inverted = value.startswith("!")
    everything = frozenset(names.values())
    chosen: set[int] = set()
    for part in value.lstrip("!").split(","):
        word = part.upper()
        if word == "ALL":
            chosen |= everything
        elif word == "NONE":
            continue
        elif word.isdecimal() and 0 < int(word) <= SIGRTMAX:
            chosen.add(int(word))
        elif word in names or "SIG" + word in names:
            chosen.add(names.get(word) or names["SIG" + word])
        elif word.removeprefix("SIG").startswith("RTMIN+") and word.rpartition("+")[2].isdecimal():
            chosen.add(SIGRTMIN + int(word.rpartition("+")[2]))
        else:
            raise FilterError(f"strace: invalid signal '{part}'")
    return everything - chosen if is_inverted else frozenset(chosen)


def _descriptors(value: str) -> set[int] | None:
    if value == "all":
        return None
    if value == "none":
        return set()
    if not all(part.isdecimal() for part in value.split(",")):
        raise FilterError(f"strace: invalid descriptor '{value}'")
    return {int(part) for part in value.split(",")}


def _injection(value: str, *, is_fault: bool) -> tuple[Filter, Injection]:
    """SET[:error=E][:retval=V][:signal=S][:syscall=N][:delay_enter=US][:delay_exit=US][:when=W]."""
    from pyuk.trace.inject import parse_injection  # noqa: PLC0415  # few logs have one

    names, _colon, rest = value.partition(":")
    try:
        injection = parse_injection(rest, is_fault=is_fault)
    except ValueError as error:
        raise FilterError(f"strace: {error}") from None
    return parse_set(names), injection
