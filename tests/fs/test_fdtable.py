"""The descriptor table against a plain model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyuk.abi.errno import EBADF, EMFILE, SyscallError
from pyuk.abi.fcntl import O_PATH
from pyuk.fs.file import FdTable, OpenFile

FDS = st.integers(0, 12) | st.sampled_from([1022, 1023, 1024, 1025, 2047, 2048, 5000])
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["install", "close", "replace", "copy", "exec"]), FDS, st.booleans()), max_size=60
)


class Counted(OpenFile):
    """Knows whether it was closed."""

    __slots__ = ("closed",)

    def __init__(self) -> None:
        super().__init__(0)
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@given(OPERATIONS)
def test_table_behaves_as_a_dictionary_with_lowest_free_numbers(operations: list[tuple[str, int, bool]]) -> None:
    """Every number, flag and reference is what a dictionary and a linear search give."""
    table = FdTable()
    model: dict[int, Counted] = {}
    cloexec: set[int] = set()
    made: list[Counted] = []
    twins: list[FdTable] = []
    for what, number, flag in operations:
        if what == "install":
            made.append(Counted())
            expected = next(fd for fd in range(number, number + 10**6) if fd not in model)
            assert table.install(made[-1], cloexec=flag, lowest=number) == expected
            model[expected] = made[-1]
            cloexec = cloexec | {expected} if flag else cloexec - {expected}
        elif what == "close":
            if number in model:
                table.close(number)
                del model[number]
                cloexec.discard(number)
            else:
                with pytest.raises(SyscallError) as refused:
                    table.close(number)
                assert refused.value.errno == EBADF
        elif what == "replace":
            made.append(Counted())
            table.replace(number, made[-1], cloexec=flag)
            model[number] = made[-1]
            cloexec = cloexec | {number} if flag else cloexec - {number}
        elif what == "copy":
            twins.append(table.copy())
            assert twins[-1].numbers() == table.numbers()
        else:
            table.close_on_exec()
            model = {fd: file for fd, file in model.items() if fd not in cloexec}
            cloexec = set()
        table.check_invariants()
        assert table.cloexec == cloexec
        assert table.numbers() == sorted(model)
        assert all(table.get(fd) is file for fd, file in model.items())
    for twin in twins:
        twin.check_invariants()
        twin.close_all()
    assert all(file.closed == (file not in model.values()) for file in made)
    table.close_all()
    assert all(file.closed == 1 and file.refs == 0 for file in made)


def test_numbers_across_many_words() -> None:
    """Words that fill up are skipped, and a hole in the middle of many is found at once."""
    table = FdTable()
    file = OpenFile(0)
    for expected in range(5000):
        assert table.install(file.hold()) == expected
    table.check_invariants()
    table.close(3333)
    table.close(17)
    assert table.lowest_free() == 17
    assert table.lowest_free(18) == 3333
    assert table.lowest_free(3334) == 5000
    table.check_invariants()


def test_limit_is_emfile_and_keeps_the_reference() -> None:
    """No number below RLIMIT_NOFILE: EMFILE, and the file is still the caller's."""
    table = FdTable()
    table.install(OpenFile(0), n_max=1)
    file = OpenFile(0)
    with pytest.raises(SyscallError) as refused:
        table.install(file, n_max=1)
    assert refused.value.errno == EMFILE
    assert file.refs == 1
    with pytest.raises(SyscallError):
        table.check_room(1)


def test_o_path_files_are_for_get_any_only() -> None:
    """A descriptor opened with O_PATH is EBADF for read and write, and there for dup and fstat (open(2), O_PATH)."""
    table = FdTable()
    fd = table.install(OpenFile(O_PATH))
    with pytest.raises(SyscallError) as refused:
        table.get(fd)
    assert refused.value.errno == EBADF
    assert table.get_any(fd).flags == O_PATH
    for absent in (-1, 7, 1 << 31):
        with pytest.raises(SyscallError):
            table.get_any(absent)
