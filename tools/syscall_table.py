"""Write what is generated from the declarations of the system calls: `python -m tools.syscall_table [--check]`.

docs/syscalls.md, and pyuk/syscalls/index.py, which says where to find a call without importing all of them, and how to
call it without importing the words of its declaration.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyuk.abi.numbers import GROUPS, NUMBERS
from pyuk.abi.syscall import DECLARED

if TYPE_CHECKING:
    from pyuk.abi.syscall import Declaration

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "syscalls.md"
INDEX = ROOT / "pyuk" / "syscalls" / "index.py"

HEAD = """\
# The system calls

Generated from the declarations in `pyuk/syscalls/` by `make docs`; `make check` fails when this page is stale.

{n_declared} of the {n_known} system calls that Linux 6.1 has on x86-64 are declared. Any other number, x32's included,
is ENOSYS and shows in the log as `syscall_0x14e(...)`. A call without a note is complete for its arguments, or refuses
what it does not do with an errno that Linux has for it.

| number | call | classes of `-e trace=` | note |
|---:|---|---|---|
"""


def declarations() -> list[Declaration]:
    """Every declaration, by number: importing a module of pyuk.syscalls declares its calls."""
    package = importlib.import_module("pyuk.syscalls")
    for module in pkgutil.walk_packages(package.__path__, "pyuk.syscalls."):
        importlib.import_module(module.name)
    return sorted(DECLARED.values(), key=lambda declaration: declaration.number)


def page() -> str:
    """The page as it should be."""
    rows = [_row(declaration) for declaration in declarations()]
    return HEAD.format(n_declared=len(rows), n_known=len(NUMBERS)) + "".join(rows)


def _row(declaration: Declaration) -> str:
    names = ", ".join(name for name, _kind in declaration.params)
    first_names = {letter: name for name, letter in reversed(GROUPS.items())}
    classes = " ".join(f"`%{first_names[letter]}`" for letter in declaration.groups)
    note = declaration.note.replace("|", "\\|")
    return f"| {declaration.number} | `{declaration.name}({names})` | {classes} | {note} |\n"


INDEX_HEAD = """\
\"\"\"Where each system call is and what C types it takes. Generated from the declarations by `make docs`.

A line has number, name, shape (`Declaration.shape`, "-" where there is nothing to take) and module of pyuk.syscalls.
\"\"\"

CALLS = \"\"\"
"""


def index() -> str:
    """The text of pyuk/syscalls/index.py as it should be."""
    return INDEX_HEAD + "".join(_line(declaration) for declaration in declarations()) + '"""\n'


def _line(declaration: Declaration) -> str:
    family = declaration.handler.__module__.rpartition(".")[2]
    return f"{declaration.number} {declaration.name} {declaration.shape or '-'} {family}\n"


def main(arguments: list[str]) -> int:
    """Write both, or with --check say whether they are as they should be."""
    stale = 0
    for path, text in ((PAGE, page()), (INDEX, index())):
        if arguments != ["--check"]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            print(f"{path.relative_to(ROOT)} is stale: run make docs", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
