"""Tables of names: which constant a number is, for whoever shows numbers to people.

A table is a prefix of a header module's constants, so no name is listed twice; the order of the constants in
their module is the order in which flags are shown. It is read only when something is shown.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Table:
    """The constants of `pyuk.abi.<module>` whose names begin with one of `prefixes`; each may be several words.

    without: names (or prefixes ending in "*") that are not values of this word, such as masks.
    unknown: what stands in the comment beside a number without a name, "O_???".
    """

    __slots__ = ("_names", "_pairs", "module", "prefixes", "unknown", "without")

    def __init__(self, module: str, prefixes: str, *, without: str = "", unknown: str = "") -> None:
        self.module = module
        self.prefixes = prefixes
        self.without = without
        self.unknown = unknown or prefixes.partition(" ")[0] + "???"
        self._pairs: list[tuple[int, str]] | None = None
        self._names: dict[int, str] | None = None

    @property
    def pairs(self) -> list[tuple[int, str]]:
        """(value, name) in the header's order."""
        if self._pairs is None:
            found: dict[str, Any] = {}
            for module in self.module.split():
                path = f"pyuk.abi.{module}"
                __import__(path)
                found.update(vars(sys.modules[path]))
            prefixes = tuple(self.prefixes.split()) or ("",)
            exact = {word for word in self.without.split() if not word.endswith("*")}
            left_out = tuple(word[:-1] for word in self.without.split() if word.endswith("*")) or ("?",)
            self._pairs = [
                (value, name)
                for name, value in found.items()
                if name.startswith(prefixes)
                and name.isupper()
                and isinstance(value, int)
                and name not in exact
                and not name.startswith(left_out)
            ]
        return self._pairs

    def name(self, value: int) -> str | None:
        """The first name of this value, or None."""
        if self._names is None:
            self._names = {}
            for number, name in self.pairs:
                self._names.setdefault(number, name)
        return self._names.get(value)

    def split(self, word: int) -> tuple[list[str], int]:
        """The names of the bits of `word`, and the bits that have none."""
        names = []
        for bits, name in self.pairs:
            if bits and word & bits == bits:
                names.append(name)
                word &= ~bits
        return names, word
