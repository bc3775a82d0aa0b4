"""-e trace=SET: what strace 6.1 takes, what it refuses, and with which words."""

from __future__ import annotations

import pytest

from pyuk.abi.numbers import NUMBERS
from pyuk.trace.filter import EVERYTHING, FilterError, parse_filter

_SAMPLE = ("read", "openat", "mmap", "kill", "getpid", "execve", "clock_gettime", "statx", "statfs", "getuid")


def _chosen(expression: str) -> set[str]:
    found = parse_filter(expression)
    return {name for name in _SAMPLE if NUMBERS[name] in found}


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("trace=read", "read"),
        ("t=read,mmap", "read mmap"),
        ("read,", "read"),
        ("read@64", "read"),
        ("read@32", ""),
        ("0", "read"),
        ("400", ""),
        ("%file", "openat execve statx statfs"),
        ("file", "openat execve statx statfs"),
        ("%process", "kill execve"),
        ("%memory", "mmap"),
        ("%desc", "read openat mmap statx"),
        ("%signal", "kill"),
        ("%creds", "getuid"),
        ("%clock", "clock_gettime"),
        ("%pure", "getpid getuid"),
        ("%%stat", "statx"),
        ("%%statfs", "statfs"),
        ("%file,read", "openat execve statx statfs read"),
        ("!%file", "read mmap kill getpid clock_gettime getuid"),
        ("!!read", "read"),
        ("/^stat", "statx statfs"),
        ("?foo,read", "read"),
        ("?foo", ""),
        ("?%foo", ""),
        ("?/zzz", ""),
        ("none", ""),
        ("!none", " ".join(_SAMPLE)),
        ("all", " ".join(_SAMPLE)),
        ("all,read", " ".join(_SAMPLE)),
        ("!all", ""),
    ],
)
def test_sets(expression: str, wanted: str) -> None:
    """Names, numbers, groups, negation, expressions, and what is forgiven."""
    assert _chosen(expression) == set(wanted.split())


@pytest.mark.parametrize(
    "word", ["foo", "", "%foo", "net", "creds", "foo@64", "99999", "-1", "/zzz", "%%file", "READ", " read", "none,read"]
)
def test_refused(word: str) -> None:
    """One line, strace's own, that names the word."""
    named = "none" if word == "none,read" else word
    with pytest.raises(FilterError) as caught:
        parse_filter(f"trace={word}")
    assert str(caught.value) == f"strace: invalid system call '{named}'"


def test_a_negation_within_a_list_is_refused() -> None:
    """The mark stands before the whole set."""
    with pytest.raises(FilterError, match="invalid system call '!write'"):
        parse_filter("trace=read,!write")


def test_a_wrong_expression_says_what_is_wrong() -> None:
    """As regcomp(3) does."""
    with pytest.raises(FilterError, match=r"^strace: regcomp: \[:"):
        parse_filter("trace=/[")


def test_other_qualifiers_are_not_known_yet() -> None:
    """Better one line than a filter that does not filter."""
    with pytest.raises(FilterError, match="only trace= is known"):
        parse_filter("signal=none")


def test_everything_is_everything() -> None:
    """The default, unknown numbers included."""
    assert 0 in EVERYTHING
    assert 4242 in EVERYTHING
