"""The finder of pyuk's own modules: Python's result by a shorter way, or none."""

from __future__ import annotations

import os
import py_compile
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import TYPE_CHECKING

import pytest

from pyuk.finder import Finder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package's directory with a module and a package, both compiled."""
    (tmp_path / "inner").mkdir()
    for name in ("module.py", "inner/__init__.py"):
        (tmp_path / name).write_text("answer = 42\n", encoding="utf-8")
        py_compile.compile(str(tmp_path / name))
    return tmp_path


@pytest.mark.parametrize("tail", ["module", "inner"])
def test_what_is_found_is_what_python_finds(folder: Path, tail: str) -> None:
    """File, cached file, package and search path are those of Python's own finder; the code runs."""
    name, path = f"pyuk.{tail}", [str(folder)]
    ours, pythons = Finder().find_spec(name, path), PathFinder.find_spec(name, path)
    assert ours is not None
    assert pythons is not None
    for attribute in ("name", "origin", "cached", "parent", "has_location", "submodule_search_locations"):
        assert getattr(ours, attribute) == getattr(pythons, attribute)
    module = module_from_spec(ours)
    assert ours.loader is not None
    ours.loader.exec_module(module)
    assert module.answer == 42
    assert module.__file__ == pythons.origin


def test_changed_source_is_left_to_python(folder: Path) -> None:
    """Another size or another time of the source makes the .pyc stale."""
    source = folder / "module.py"
    status = source.stat()
    source.write_text("answer = 43 \n", encoding="utf-8")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert Finder().find_spec("pyuk.module", [str(folder)]) is None
    source.write_text("answer = 43\n", encoding="utf-8")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 2_000_000_000))
    assert Finder().find_spec("pyuk.module", [str(folder)]) is None


def test_what_it_does_not_know_is_left_to_python(folder: Path) -> None:
    """Modules of others, top-level ones, absent ones, and a .pyc that is not checked by time."""
    finder, path = Finder(), [str(folder)]
    assert finder.find_spec("other.module", path) is None
    assert finder.find_spec("pyuk", None) is None
    assert finder.find_spec("pyuk.absent", path) is None
    py_compile.compile(str(folder / "module.py"), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    assert finder.find_spec("pyuk.module", path) is None
