"""Finds and loads pyuk's own modules the short way: 15 us each instead of 40, and a start imports eighty.

Python's own finder looks for extension modules first, asks the host three times about each file and reads it in
several calls. Here a module is its .pyc, provided that Python wrote it from the source as it is now. Of anything else
this finder knows nothing: then Python's own finds the source, compiles it, and writes the .pyc for the next time.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib import ModuleSpec  # what importlib.machinery and importlib.util give, without importing them
from _frozen_importlib_external import MAGIC_NUMBER
from marshal import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_PYC = f".{sys.implementation.cache_tag}.pyc"
_HEADER_BYTES = 16
_UNCHECKED_HEADER = MAGIC_NUMBER + bytes(4)
"""PEP 552: the flags are 0 where the source's time and size follow, which say whether it has changed."""
_U32 = (1 << 32) - 1


class Finder:
    """Finder and loader in one (importlib.abc.MetaPathFinder, importlib.abc.Loader)."""

    def find_spec(self, name: str, path: Sequence[str] | None, _target: object = None) -> ModuleSpec | None:
        """The module of a package of pyuk, if its .pyc is there and fresh."""
        if path is None or not name.startswith("pyuk."):
            return None
        folder, tail = path[0], name.rpartition(".")[2]
        return self._spec(name, folder, tail) or self._spec(name, f"{folder}/{tail}", "__init__")

    def _spec(self, name: str, folder: str, tail: str) -> ModuleSpec | None:
        source, pyc = f"{folder}/{tail}.py", f"{folder}/__pycache__/{tail}{_PYC}"
        try:
            now = os.stat(source)
            fd = os.open(pyc, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            data = os.read(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
        time_and_size = (int(now.st_mtime) & _U32).to_bytes(4, "little") + (now.st_size & _U32).to_bytes(4, "little")
        if data[:_HEADER_BYTES] != _UNCHECKED_HEADER + time_and_size:
            return None
        spec = ModuleSpec(name, self, origin=source, is_package=tail == "__init__")  # type: ignore[arg-type]
        if spec.submodule_search_locations is not None:
            spec.submodule_search_locations.append(folder)
        spec.has_location = True  # the origin is __file__
        spec.cached = pyc
        spec.loader_state = loads(memoryview(data)[_HEADER_BYTES:])  # noqa: S302  # as Python does
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        """A module as Python makes them."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the code that the search has brought."""
        spec = module.__spec__
        assert spec is not None  # noqa: S101
        code, spec.loader_state = spec.loader_state, None
        exec(code, module.__dict__)  # noqa: S102  # what a loader is for


def install() -> None:
    """Look here first, unless Python was told to keep its .pyc files elsewhere or make others."""
    if sys.pycache_prefix is None and not sys.flags.optimize:
        sys.meta_path.insert(0, Finder())
