"""Which calls are traced: the SET of `strace -e trace=SET`.

Source: strace(1), "Filtering".
"""

from __future__ import annotations

from pyuk.abi.numbers import GROUPS, NUMBERS, groups_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_OLD_GROUPS = ("file", "process", "network", "desc", "memory", "signal", "ipc")
"""Groups that strace still takes without the percent sign."""


class FilterError(Exception):
    """The set cannot be understood; the text is strace's own line."""


class Filter:
    """A set of system-call numbers, or with `inverted` all others."""

    __slots__ = ("inverted", "numbers")

    def __init__(self, numbers: Iterable[int] = (), *, inverted: bool = True) -> None:
        self.numbers = frozenset(numbers)
        self.inverted = inverted

    def __contains__(self, number: int) -> bool:
        return (number in self.numbers) != self.inverted


EVERYTHING = Filter()


def parse_filter(expression: str) -> Filter:
    """What stands after -e of the calls to trace: `trace=SET`, `t=SET`, or SET alone. Raises FilterError."""
    qualifier, equals, words = expression.partition("=")
    if not equals:
        words = expression
    elif qualifier not in ("trace", "t"):
        raise FilterError(f"strace: invalid -e expression '{expression}': only trace= is known here")
    return parse_set(words)


def parse_set(words: str) -> Filter:
    """A set of system calls: names, %groups, /regular expressions, `all` or `none`, after `!` all others."""
    inverted = False
    while words.startswith("!"):
        inverted = not inverted
        words = words[1:]
    if words == "none":
        return Filter((), inverted=inverted)
    parts = [word for word in words.split(",") if word]
    if not parts:
        raise FilterError(f"strace: invalid system call '{words}'")
    if "all" in parts:
        return Filter((), inverted=not inverted)
    numbers: set[int] = set()
    for word in parts:
        numbers |= _numbers_of(word)
    return Filter(numbers, inverted=inverted)


def _numbers_of(word: str) -> set[int]:
    """The calls of one word; "?" before it forgives that there is none."""
    wanted = word.removeprefix("?")
    found = _lookup(wanted)
    if found is None and wanted == word:
        raise FilterError(f"strace: invalid system call '{word}'")
    return found or set()


def _lookup(word: str) -> set[int] | None:
    """None where the word means nothing."""
    if word.startswith("/"):
        return _matching(word[1:]) or None
    if word.isdecimal():
        return {int(word)} if int(word) <= max(NUMBERS.values()) else None
    name, at, personality = word.partition("@")
    if at and personality not in ("64", "32", "x32"):
        return None
    letter = GROUPS.get(name[1:]) if name.startswith("%") else GROUPS[name] if name in _OLD_GROUPS else None
    if letter is not None:
        found = {number for number in NUMBERS.values() if letter in groups_of(number)}
    elif name in NUMBERS:
        found = {NUMBERS[name]}
    else:
        return None
    return found if personality in ("", "64") else set()  # calls of other personalities are none of ours


def _matching(pattern: str) -> set[int]:
    import re

    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise FilterError(f"strace: regcomp: {pattern}: {error}") from None
    return {number for name, number in NUMBERS.items() if regex.search(name)}
