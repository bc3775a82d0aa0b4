"""From the words of `pyuk strace`'s command line to a tracer."""

from __future__ import annotations

import os

from pyuk.trace.filter import Filter, FilterError
from pyuk.trace.options import QUIET, Options, parse_clock, precision
from pyuk.trace.sink import file_sink, null_sink, stderr_sink
from pyuk.trace.strace import Tracer
from pyuk.trace.style import ABBREVIATED, RAW, VERBOSE
from pyuk.trace.summary import Summary, SummaryError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from pyuk.trace.sink import Sink

    class Words(Protocol):
        """options.Parsed."""

        def get(self, key: str, default: str = "") -> str: ...
        def all(self, key: str) -> list[str]: ...
        def has(self, key: str) -> bool: ...


_QUIETER = (QUIET[0], QUIET[3]), (QUIET[0], QUIET[3], QUIET[1]), QUIET
_HEX = {"non-ascii": 1, "all": 2, "non-ascii-chars": 3}
_NO_CALLS = Filter((), inverted=False)


class LogError(Exception):
    """An option's value means nothing; the text is one line."""


def make_tracer(parsed: Words) -> Tracer:
    """The tracer that the options describe. Errors: LogError, OSError the file cannot be opened."""
    try:
        options = _options(parsed)
        summary = None
        if parsed.has("count") or parsed.has("count_too"):
            summary = Summary(parsed.get("sort", "time"), parsed.get("columns"))
    except (FilterError, SummaryError) as error:
        raise LogError(str(error).removeprefix("strace: ")) from None
    sink, separate = _sinks(parsed)
    tracer = Tracer(sink, options=options, follows=_follows(parsed), separate=separate)
    tracer.summary = summary
    tracer.summary_only = parsed.has("count")
    if parsed.has("wall"):
        tracer.cpu_ns = tracer.now_ns
    return tracer


def _follows(parsed: Words) -> bool:
    return parsed.has("follow") or parsed.has("separately")


def _sinks(parsed: Words) -> tuple[Sink, Callable[[int], Sink] | None]:
    output, append = parsed.get("output"), parsed.has("append")
    if not output:
        return stderr_sink(), None
    if _follows(parsed) and (parsed.has("separately") or len(parsed.all("follow")) > 1):
        return null_sink(), lambda tid: file_sink(f"{output}.{tid}", append=append)
    return file_sink(output, append=append), None


def _options(parsed: Words) -> Options:
    options = Options()
    for expression in parsed.all("expression"):
        options.take(expression)
    for name in (
        "trace",
        "abbrev",
        "verbose",
        "raw",
        "signal",
        "read",
        "write",
        "fault",
        "inject",
        "status",
        "decode-fds",
    ):
        for value in parsed.all(f"e {name}"):
            options.take(f"{name}={value}")
    if parsed.has("quiet"):
        options.take(f"quiet={parsed.get('quiet')}")
    n_quieter = len(parsed.all("quieter"))
    if n_quieter:
        options.quiet |= frozenset(_QUIETER[min(n_quieter, len(_QUIETER)) - 1])
    if parsed.has("successful") or parsed.has("failed"):
        options.take("status=" + ("successful" if parsed.has("successful") else "failed"))
    for path in parsed.all("path"):
        options.paths += {os.fsencode(path), os.path.realpath(os.fsencode(path))}
    options.column = _number(parsed, "column", options.column)
    options.has_ip, options.has_number = parsed.has("ip"), parsed.has("number")
    _take_clocks(options, parsed)
    _take_style(options, parsed)
    return options


def _take_clocks(options: Options, parsed: Words) -> None:
    n_t = len(parsed.all("stamps"))
    if n_t and parsed.has("clock"):
        raise LogError("-t and --absolute-timestamps cannot be provided simultaneously")
    if n_t:
        options.clock, options.clock_digits = ("unix" if n_t > 2 else "time"), (6 if n_t > 1 else 0)  # noqa: PLR2004
    elif parsed.has("clock"):
        options.clock, options.clock_digits = parse_clock(parsed.get("clock"))
    if parsed.has("relative") or parsed.has("relative_to"):
        options.relative_digits = precision(parsed.get("relative_to", "us"))
    if parsed.has("durations") or parsed.has("durations_to"):
        options.call_digits = precision(parsed.get("durations_to", "us"))


def _take_style(options: Options, parsed: Words) -> None:
    style = options.style
    style.string_limit = _number(parsed, "limit", style.string_limit)
    if parsed.has("whole"):
        style.abbreviated = _NO_CALLS
    style.hex_strings = min(len(parsed.all("hex")), 2)
    if parsed.has("hex_how"):
        if parsed.get("hex_how") not in _HEX:
            raise LogError(f"invalid --strings-in-hex argument: '{parsed.get('hex_how')}'")
        style.hex_strings = _HEX[parsed.get("hex_how")]
    style.constants = parsed.get("constants", ABBREVIATED)
    if style.constants not in (ABBREVIATED, RAW, VERBOSE):
        raise LogError(f"invalid -X argument: '{style.constants}'")
    n_y = len(parsed.all("descriptors"))
    if n_y:
        style.take_descriptors("path" if n_y == 1 else "all")


def _number(parsed: Words, key: str, default: int) -> int:
    text = parsed.get(key)
    if text and not text.isdecimal():
        raise LogError(f"invalid number '{text}'")
    return int(text) if text else default
