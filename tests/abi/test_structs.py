"""Struct codecs: the host's layouts, and round trips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyuk.abi import structs
from pyuk.abi.structs import SIGINFO_BYTES, Struct
from tests.abi.cprogram import needs_gcc, printed

NATIVE = {
    "CLONE_ARGS": (["linux/types.h", "linux/sched.h"], "struct clone_args"),
    "FLOCK": (["fcntl.h"], "struct flock"),
    "IOVEC": (["sys/uio.h"], "struct iovec"),
    "ITIMERSPEC": (["time.h"], "struct itimerspec"),
    "ITIMERVAL": (["sys/time.h"], "struct itimerval"),
    "LINUX_DIRENT64": (["dirent.h"], "struct dirent64"),
    "OPEN_HOW": (["linux/openat2.h"], "struct open_how"),
    "POLLFD": (["poll.h"], "struct pollfd"),
    "RLIMIT": (["sys/resource.h"], "struct rlimit"),
    "ROBUST_LIST_HEAD": (["linux/futex.h"], "struct robust_list_head"),
    "RUSAGE": (["sys/resource.h"], "struct rusage"),
    "SCHED_PARAM": (["sched.h"], "struct sched_param"),
    "SOCKADDR_UN": (["sys/un.h"], "struct sockaddr_un"),
    "STACK": (["signal.h"], "stack_t"),
    "STAT": (["asm/stat.h"], "struct stat"),
    "STATX": (["linux/stat.h"], "struct statx"),
    "STATX_TIMESTAMP": (["linux/stat.h"], "struct statx_timestamp"),
    "SYSINFO": (["sys/sysinfo.h"], "struct sysinfo"),
    "TERMIOS": (["asm/termbits.h"], "struct termios"),
    "TERMIOS2": (["asm/termbits.h"], "struct termios2"),
    "TIMESPEC": (["time.h"], "struct timespec"),
    "TIMEVAL": (["sys/time.h"], "struct timeval"),
    "TIMEZONE": (["sys/time.h"], "struct timezone"),
    "TMS": (["sys/times.h"], "struct tms"),
    "UTIMBUF": (["utime.h"], "struct utimbuf"),
    "UTSNAME": (["linux/utsname.h"], "struct new_utsname"),
    "WINSIZE": (["sys/ioctl.h"], "struct winsize"),
}
_ALL = {name: value for name, value in vars(structs).items() if isinstance(value, Struct)}
_PACKED_BY_HAND = ("LINUX_DIRENT64",)  # its size in C has the name in it


@needs_gcc
@pytest.mark.parametrize("name", NATIVE)
def test_layout_is_the_headers(name: str) -> None:
    """Size and offsets are those that the host's compiler sees."""
    layout = _ALL[name]
    headers, c_name = NATIVE[name]
    lines = printed(headers, [f'printf("size %zu\\n", sizeof({c_name}));'])
    assert lines is not None
    if name not in _PACKED_BY_HAND:
        assert int(lines[0][1]) == layout.size
    for field in layout.fields:
        lines = printed(headers, [f'printf("%zu\\n", offsetof({c_name}, {field.name}));'])
        if lines is not None:  # some fields have another name in libc's headers
            assert int(lines[0][0]) == field.offset, field.name


def _values(layout: Struct) -> st.SearchStrategy[tuple[object, ...]]:
    return st.tuples(*[_value(field.format) for field in layout.fields])


def _value(form: str | Struct) -> st.SearchStrategy[object]:
    if isinstance(form, Struct):
        return _values(form)
    if form.endswith("s"):
        size = int(form[:-1])
        return st.binary(min_size=size, max_size=size)
    bits = {"b": 8, "h": 16, "i": 32, "q": 64}[form.lower()]
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if form.islower() else (0, (1 << bits) - 1)
    return st.integers(low, high)


@pytest.mark.parametrize("name", _ALL)
@given(st.data())
def test_round_trip(name: str, data: st.DataObject) -> None:
    """What is packed is unpacked, by position, by name, and from within a longer buffer."""
    layout = _ALL[name]
    values = data.draw(_values(layout))
    packed = layout.pack(*values)
    assert len(packed) == layout.size
    assert layout.unpack(packed) == values
    assert layout.unpack(b"\xff" * 5 + packed, 5) == values
    assert layout.pack(**dict(zip(layout.names, values, strict=True))) == packed


def test_fields_not_named_are_zero() -> None:
    """As a designated initialiser in C."""
    assert structs.TIMESPEC.pack(tv_nsec=5) == bytes(8) + b"\5" + bytes(7)
    assert structs.ITIMERVAL.pack(it_value=(1, 2)) == bytes(16) + b"\1" + bytes(7) + b"\2" + bytes(7)


def test_a_field_that_is_not_there_is_a_bug() -> None:
    """And is said to be one."""
    with pytest.raises(TypeError, match="timespec has no tv_usec"):
        structs.TIMESPEC.pack(tv_usec=5)


def test_numbers_wrap_as_in_c() -> None:
    """A value that is too wide for its field is cut."""
    assert structs.WINSIZE.unpack(structs.WINSIZE.pack(70000, -1, 2, 3)) == (70000 - 65536, 65535, 2, 3)
    assert structs.TIMESPEC.unpack(structs.TIMESPEC.pack((1 << 64) - 1, 0)) == (-1, 0)


def test_record_has_the_c_names() -> None:
    """For code that reads better with names."""
    record = structs.ITIMERVAL.record(structs.ITIMERVAL.pack((1, 2), (3, 4)))
    assert (record.it_interval.tv_usec, record.it_value.tv_sec) == (2, 3)


def test_every_siginfo_has_its_size() -> None:
    """The union is as long as its longest member."""
    for name, layout in _ALL.items():
        if name.startswith("SIGINFO") and name != "SIGINFO_HEAD":
            assert layout.size == SIGINFO_BYTES
