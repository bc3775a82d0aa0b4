"""Tables, as text for a terminal and as Markdown for docs/performance.md, and the facts about the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ABSENT = "-"


@dataclass(slots=True)
class Section:
    """What one section of the bench found: one table, remarks below it, and what went wrong."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    remarks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def milliseconds(value_s: float | None) -> str:
    """A time for a table."""
    return ABSENT if value_s is None else f"{value_s * 1e3:.1f}"


def quotient(value: float | None, base: float | None) -> float | None:
    """Return value / base where both were measured."""
    return value / base if value is not None and base else None


def ratio(value: float | None) -> str:
    """A ratio for a table."""
    return ABSENT if value is None else f"{value:.2f}"


def as_text(section: Section) -> str:
    """Align the columns, the first to the left and the others to the right."""
    lines = [section.header, *section.rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(section.header))]
    text = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join([f"== {section.name}", *(line.rstrip() for line in text), *section.remarks, *_failed(section), ""])


def as_markdown(section: Section, facts: str) -> str:
    """The same between the two comments that `write_into` looks for."""
    begin, end = _markers(section.name)
    remarks = [*section.remarks, *_failed(section)]
    ruler = ("---", *("---:" for _ in section.header[1:]))
    table = [f"| {' | '.join(line)} |" for line in (section.header, ruler, *section.rows)]
    return "\n".join([begin, "", *table, "", *(f"{remark}  " for remark in remarks), facts, "", end])


def write_into(document: Path, sections: Sequence[Section], facts: str) -> None:
    """Replace, in a Markdown file, what stands between each section's comments."""
    text = document.read_text(encoding="utf-8")
    for section in sections:
        begin, end = _markers(section.name)
        block = as_markdown(section, facts)
        before, begin_found, rest = text.partition(begin)
        _old, end_found, after = rest.partition(end)
        if not (begin_found and end_found):
            raise ValueError(f"{document}: no {begin} ... {end}")
        text = before + block + after
    document.write_text(text, encoding="utf-8")


def machine_facts() -> str:
    """What a reader must know of the machine to judge the figures, and nothing that names it."""
    cpu_model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            cpu_model = line.partition(":")[2].strip()
            break
    tools = [_first_version(tool) for tool in ("qemu-x86_64", "gcc")]
    return (
        f"Measured {time.strftime('%Y-%m-%d', time.gmtime())}: {cpu_model}, "
        f"{len(os.sched_getaffinity(0))} cores, Linux {platform.release()}, Python {platform.python_version()}, "
        f"Unicorn {importlib.metadata.version('unicorn')}, {', '.join(tool for tool in tools if tool)}."
    )


def _first_version(tool: str) -> str | None:
    try:
        text = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"\d+(\.\d+)+", text)
    return f"{tool} {found[0]}" if found else tool


def _failed(section: Section) -> list[str]:
    return [f"FAILED: {failure}." for failure in section.failures]


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- bench {name} -->", f"<!-- end of bench {name} -->"
