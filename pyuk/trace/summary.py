"""strace -c: how often each call was made, how often it failed, and the time it took."""

from __future__ import annotations

from pyuk.abi.numbers import NUMBERS

_NS_PER_US = 1000
_SORTS = {
    "time": "time", "time-total": "time", "total-time": "time", "calls": "calls", "count": "calls", "errors": "errors",
    "error": "errors", "name": "name", "syscall": "name", "syscall-name": "name", "nothing": "nothing",
    "none": "nothing", "avg-time": "average", "time-avg": "average", "min-time": "least", "time-min": "least",
    "max-time": "most", "time-max": "most",
}  # fmt: skip
_COLUMNS = {
    "time-percent": ("% time", 6), "total-time": ("seconds", 11), "min-time": ("shortest", 8),
    "max-time": ("longest", 8), "avg-time": ("usecs/call", 11), "calls": ("calls", 9), "errors": ("errors", 9),
    "name": ("syscall", 16),
}  # fmt: skip
_ALIASES = {
    "time": "time-percent", "time_percent": "time-percent", "time-total": "total-time", "total_time": "total-time",
    "min_time": "min-time", "shortest": "min-time", "time-min": "min-time", "max_time": "max-time",
    "longest": "max-time", "time-max": "max-time", "avg_time": "avg-time", "time-avg": "avg-time", "count": "calls",
    "error": "errors", "syscall": "name", "syscall-name": "name",
}  # fmt: skip
_DEFAULT = ("time-percent", "total-time", "avg-time", "calls", "errors", "name")


class SummaryError(Exception):
    """An order or a column that nobody knows; the text is strace's own line."""


class Row:
    """One system call's."""

    __slots__ = ("calls", "errors", "least_ns", "most_ns", "name", "total_ns")

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = self.errors = self.total_ns = self.most_ns = 0
        self.least_ns = 1 << 62

    def add(self, elapsed_ns: int, *, failed: bool) -> None:
        """One call more."""
        self.calls += 1
        self.errors += failed
        self.total_ns += elapsed_ns
        self.least_ns = min(self.least_ns, elapsed_ns)
        self.most_ns = max(self.most_ns, elapsed_ns)


class Summary:
    """The rows of a run."""

    def __init__(self, sort: str = "time", columns: str = "") -> None:
        """sort, columns: as -S and -U take them. Errors: SummaryError."""
        if sort not in _SORTS:
            raise SummaryError(f"strace: invalid sortby: '{sort}'")
        self._sort = _SORTS[sort]
        names = [_ALIASES.get(word, word) for word in columns.split(",")] if columns else list(_DEFAULT)
        for name in names:
            if name not in _COLUMNS:
                raise SummaryError(f"strace: unknown column name: '{name}'")
        self._columns = names if "name" in names else [*names, "name"]
        self.rows: dict[str, Row] = {}

    def add(self, name: str, elapsed_ns: int, *, failed: bool) -> None:
        """One call of this name has ended."""
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = Row(name)
        row.add(elapsed_ns, failed=failed)

    def text(self) -> str:
        """The table."""
        total = Row("total")
        for row in self.rows.values():
            total.calls += row.calls
            total.errors += row.errors
            total.total_ns += row.total_ns
            total.least_ns, total.most_ns = min(total.least_ns, row.least_ns), max(total.most_ns, row.most_ns)
        rule = " ".join("-" * _COLUMNS[name][1] for name in self._columns)
        titles = self._joined({name: _COLUMNS[name][0] for name in self._columns})
        rows = [self._line(row, total.total_ns) for row in self._sorted()]
        return "\n".join([titles, rule, *rows, rule, self._line(total, total.total_ns)]) + "\n"

    def _sorted(self) -> list[Row]:
        rows = sorted(self.rows.values(), key=lambda row: NUMBERS.get(row.name, 1 << 20))
        if self._sort == "name":
            return sorted(rows, key=lambda row: row.name)
        keys = {
            "time": lambda row: -row.total_ns, "calls": lambda row: -row.calls, "errors": lambda row: -row.errors,
            "average": lambda row: -row.total_ns // row.calls, "least": lambda row: -row.least_ns,
            "most": lambda row: -row.most_ns, "nothing": lambda _row: 0,
        }  # fmt: skip
        return sorted(rows, key=keys[self._sort])

    def _line(self, row: Row, total_ns: int) -> str:
        share = 100 * row.total_ns / total_ns if total_ns else (100.0 if row.name == "total" else 0.0)
        values = {
            "time-percent": f"{share:.2f}", "total-time": _seconds(row.total_ns), "min-time": _seconds(row.least_ns),
            "max-time": _seconds(row.most_ns), "avg-time": str(row.total_ns // _NS_PER_US // max(1, row.calls)),
            "calls": str(row.calls), "errors": str(row.errors or ""), "name": row.name,
        }  # fmt: skip
        return self._joined(values)

    def _joined(self, values: dict[str, str]) -> str:
        last = len(self._columns) - 1
        return " ".join(self._cell(name, values[name], last=i == last) for i, name in enumerate(self._columns))

    def _cell(self, name: str, text: str, *, last: bool) -> str:
        width = _COLUMNS[name][1]
        return text if last else text.ljust(width) if name == "name" else text.rjust(width)


def _seconds(value_ns: int) -> str:
    return f"{value_ns / 1e9:.6f}"
