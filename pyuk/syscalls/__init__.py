"""The system calls, a file a man-page family, each declared when one of its calls is first made.

Twenty families take 3 ms to import and most programs use five. `index` says which family has which
call; it is generated from the declarations.
"""

from __future__ import annotations

from pyuk.abi import syscall
from pyuk.syscalls.index import CALLS


def look_up(number: int) -> tuple[str, str, str] | None:
    """Name, shape (`Declaration.shape`) and module of a call, if it is declared."""
    start = CALLS.find(f"\n{number} ") + 1
    if not start:
        return None
    _number, name, shape, family = CALLS[start : CALLS.index("\n", start)].split(" ")
    return name, shape.strip("-"), f"{__name__}.{family}"


def load_all() -> None:
    """Declare every call: for documentation, and for whoever goes through all of them."""
    for row in CALLS.splitlines()[1:]:
        syscall.find(int(row.split(" ", 1)[0]))


syscall.look_up = look_up
