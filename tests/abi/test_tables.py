"""Tables: names of values, drawn from the header modules."""

from __future__ import annotations

from pyuk.abi.tables import Table


def test_table_is_in_the_modules_order() -> None:
    """Flags come in the order of the header, not of their values."""
    names, rest = Table("fcntl", "O_", without="O_ACCMODE").split(0o2004000 | 1 << 30)
    assert names == ["O_NONBLOCK", "O_CLOEXEC"]
    assert rest == 1 << 30


def test_first_name_of_a_value_wins() -> None:
    """FASYNC is how strace calls O_ASYNC."""
    assert Table("fcntl", "O_ FASYNC").name(0o20000) == "FASYNC"


def test_without_takes_names_and_prefixes() -> None:
    """Masks and neighbours are left out."""
    table = Table("signal", "SIG", without="SIG_* SIGEV_* SIGRTMIN SIGRTMAX")
    assert table.name(9) == "SIGKILL"
    assert table.name(0) is None
    assert table.unknown == "SIG???"


def test_longer_names_come_before_their_parts() -> None:
    """O_TMPFILE holds O_DIRECTORY's bit and is named for both."""
    assert Table("fcntl", "O_ __O_").split(0o20200000) == (["O_TMPFILE"], 0)
