"""The machine tests run on both ways there are to the CPU's state (docs/cpu.md, PYUK_STATE)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.machine.rig import Rig

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module's STATES are the values of PYUK_STATE that its tests run with."""
    if "state" in metafunc.fixturenames:
        metafunc.parametrize("state", getattr(metafunc.module, "STATES", ("live", "copied")), indirect=True)


@pytest.fixture
def state(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What PYUK_STATE is."""
    monkeypatch.setenv("PYUK_STATE", request.param)
    return str(request.param)


@pytest.fixture
def rig(state: str) -> Iterator[Rig]:
    """A machine of its own for the test, in each state."""
    assert state
    made = Rig()
    yield made
    made.close()


@pytest.fixture
def live_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    """A machine with exact preemption; for what takes time, or does not depend on the state."""
    monkeypatch.setenv("PYUK_STATE", "live")
    made = Rig()
    yield made
    made.close()
