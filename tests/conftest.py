"""Fixtures every test shares. The helpers are modules beside this file: guests, native, scrub."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guests import NOT_YET, Guest, ToolMissingError
from tests.native import place, why_no_deathwatch, why_no_strace
from tests.scrub import guest_difference


@pytest.fixture
def program(guest: Guest, tmp_path: Path) -> str:
    """The guest of a test parametrised by `guest`, built, as `./NAME` in the test's own directory."""
    try:
        return place(guest, tmp_path)
    except ToolMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def pyuk_has_it(guest: Guest, request: pytest.FixtureRequest) -> None:
    """Expect a test to fail whose guest needs what pyuk does not have, and fail it when it passes all the same."""
    reasons = [NOT_YET[feature] for feature in guest.needs if feature in NOT_YET]
    if difference := guest_difference(guest.name):
        reasons.append(difference.reason)
    if reasons:
        request.applymarker(pytest.mark.xfail(strict=True, reason="; ".join(reasons)))


@pytest.fixture
def host_strace() -> None:
    """Skip a test where strace cannot trace on this host."""
    if reason := why_no_strace():
        pytest.skip(reason)


@pytest.fixture
def host_deathwatch() -> None:
    """Skip a test where deathwatch (ptrace) cannot trace on this host."""
    if reason := why_no_deathwatch():
        pytest.skip(reason)
