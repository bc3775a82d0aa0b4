"""Errors: names and texts."""

from __future__ import annotations

import errno as host
import os

from pyuk.abi import errno


def test_texts_are_strerrors() -> None:
    """Every host errno has the same name and the text that glibc gives it."""
    for number in host.errorcode:
        assert errno.message(number) == os.strerror(number)
        assert getattr(errno, errno.name(number)) == number


def test_unknown_number_has_no_name() -> None:
    """A number that means nothing is shown as it is."""
    assert not errno.known(1234)
    assert errno.name(1234) == "1234"
    assert errno.message(1234) == "Unknown error 1234"


def test_error_says_its_reason() -> None:
    """The reason is for people; the guest sees the number."""
    error = errno.SyscallError(errno.EINVAL, "length is 0")
    assert error.errno == 22
    assert str(error) == "EINVAL: length is 0"
    assert str(errno.SyscallError(errno.ENOENT)) == "ENOENT"


def test_restart_codes_have_straces_words() -> None:
    """What never leaves the kernel has a text for tracers."""
    assert errno.message(errno.ERESTARTSYS) == "To be restarted if SA_RESTART is set"
