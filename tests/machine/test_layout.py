"""Where the CPU's state is found: known, searched for, verified, or done without."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pyuk.machine import layout as layouts
from pyuk.machine.copied import CopiedState
from pyuk.machine.engine import Engine, MachineError, library_path
from pyuk.machine.layout import Layout
from pyuk.machine.livefpu import open_live_fpu
from pyuk.machine.probe import discover
from pyuk.machine.state import LiveState, open_state
from tests.machine.rig import Rig

KNOWN = layouts._KNOWN.get(layouts.build_id(library_path()))
needs_known_build = pytest.mark.skipif(KNOWN is None, reason="this build of Unicorn is not in layout._KNOWN")
MISSING = "/nonexistent/self/mem"  # as on macOS and Windows


def changed(layout: Layout, **offsets: int) -> Layout:
    """The layout with other offsets for some."""
    return Layout(**{name: getattr(layout, name) for name in Layout.__slots__} | offsets)


def as_dict(layout: Layout) -> dict[str, int]:
    """To compare."""
    return {name: getattr(layout, name) for name in Layout.__slots__}


@pytest.fixture
def engine() -> Engine:
    """An engine before its machine is made of it."""
    return Engine()


@needs_known_build
def test_search_finds_what_is_known() -> None:
    """The search comes to the same offsets as layout.py has for this build; those of the FPU it does not look for."""
    found = discover()
    assert found is not None
    assert KNOWN is not None
    assert as_dict(found) == as_dict(changed(KNOWN, fpu=0, mxcsr=0, tlb=0, xmm=0))


def test_search_finds_the_state_without_the_engines_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where /proc/self/mem does not exist the offsets inside a context are found all the same, and no others."""
    with_memory = discover()
    monkeypatch.setattr("pyuk.machine.probe.OWN_MEMORY", MISSING)
    found = discover()
    assert found is not None
    assert with_memory is not None
    assert as_dict(found) == as_dict(changed(with_memory, cpu_pointer=0, env=0, no_exit_request=0))


def test_live_view_where_it_can_be_had(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux the state is live, and the engine may be stopped from another thread."""
    monkeypatch.delenv("PYUK_STATE", raising=False)
    state = open_state(engine)
    assert type(state) is LiveState
    assert state.stops_are_exact


def test_unknown_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library with another build id is searched, and its programs run."""
    monkeypatch.setattr(layouts, "_KNOWN", {})
    monkeypatch.setenv("PYUK_STATE", "live")
    rig = Rig()
    assert rig.exits("mov edi, 3") == 3
    rig.close()


@pytest.mark.parametrize("known", [True, False])
def test_no_view_of_the_engines_memory(monkeypatch: pytest.MonkeyPatch, *, known: bool) -> None:
    """Without /proc/self/mem registers are copied; there is no ticker, because stops would not be exact."""
    monkeypatch.delenv("PYUK_STATE", raising=False)
    monkeypatch.setattr(layouts, "OWN_MEMORY", MISSING)
    monkeypatch.setattr("pyuk.machine.probe.OWN_MEMORY", MISSING)
    if not known:
        monkeypatch.setattr(layouts, "_KNOWN", {})
    rig = Rig()
    assert type(rig.cpu._state) is CopiedState
    assert not rig.cpu._state.stops_are_exact
    assert rig.cpu.ticker is None
    assert rig.exits("mov edi, 3") == 3
    rig.close()


WRONG = {
    "cpu_pointer": 8, "env": 8, "rip": 0x300, "fs_base": 8, "gs_base": 8, "cr2": 8, "eflags": 8,
    "old_exception": -4,
}  # fmt: skip


@needs_known_build
@pytest.mark.parametrize("name", WRONG)
def test_wrong_offset_is_noticed(engine: Engine, name: str) -> None:
    """A layout with one wrong offset gives no live view, and no crash."""
    assert KNOWN is not None
    assert layouts.live_address(engine, KNOWN)
    assert layouts.live_address(engine, changed(KNOWN, **{name: getattr(KNOWN, name) + WRONG[name]})) == 0


@needs_known_build
@pytest.mark.parametrize("name", ["", "fpu", "mxcsr", "xmm"])
def test_wrong_offset_of_the_fpu_is_noticed(engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The FPU is viewed only where all of it reads and writes as by the public API; else nothing has changed."""
    monkeypatch.setenv("PYUK_STATE", "live")
    assert KNOWN is not None
    state = open_state(engine)
    before = state.save()
    layout = changed(KNOWN, **{name: getattr(KNOWN, name) + 8}) if name else KNOWN
    assert (open_live_fpu(engine, state, layout) is None) == bool(name)
    assert state.save() == before


@needs_known_build
def test_wrong_layout_falls_back_to_copies(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A known build whose live state is not where it should be runs on copies; PYUK_STATE=live refuses it."""
    assert KNOWN is not None
    wrong = changed(KNOWN, env=KNOWN.env + 8)
    monkeypatch.setattr(layouts, "_KNOWN", {layouts.build_id(engine.path): wrong})
    monkeypatch.delenv("PYUK_STATE", raising=False)
    assert type(open_state(engine)) is CopiedState
    monkeypatch.setenv("PYUK_STATE", "live")
    with pytest.raises(MachineError, match="PYUK_STATE=live"):
        open_state(engine)


@needs_known_build
def test_layout_that_fits_nothing_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """If not even a context reads as it should there is an error, and no guessing."""
    assert KNOWN is not None
    wrong = changed(KNOWN, cr2=KNOWN.cr2 + 8)
    monkeypatch.setattr(layouts, "_KNOWN", {layouts.build_id(engine.path): wrong})
    monkeypatch.setenv("PYUK_STATE", "copied")
    with pytest.raises(MachineError, match="is not what it should be"):
        open_state(engine)


def test_nothing_found_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown build in which the search finds nothing is an error that says so."""
    monkeypatch.setattr(layouts, "_KNOWN", {})
    monkeypatch.setattr("pyuk.machine.probe.discover", lambda: None)
    with pytest.raises(MachineError, match="cannot be found"):
        open_state(engine)


def test_build_id_of_what_is_no_library() -> None:
    """A file that is missing or no ELF file has no build id."""
    assert layouts.build_id("/nonexistent") == ""
    assert layouts.build_id(__file__) == ""


@needs_known_build
def test_no_search_for_a_known_build() -> None:
    """The search's module is not imported when the build is known: it costs ten times the rest of the start."""
    code = "import sys, pyuk.machine.machine as m; m.Machine(1 << 24); print('pyuk.machine.probe' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
