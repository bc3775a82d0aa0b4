"""The system calls, a file a man-page family, each declared when one of its calls is first made.

Sixteen families take 2 ms to import and most programs use five. `index` says which family has which
call; it is generated from the declarations.
"""

from __future__ import annotations

from pyuk.abi import declare
from pyuk.syscalls.index import FAMILIES

_family_of = {int(number): family for family, numbers in FAMILIES.items() for number in numbers.split()}


def load(number: int) -> None:
    """Declare the call with this number, if there is one."""
    family = _family_of.get(number)
    if family is not None:
        __import__(f"{__name__}.{family}")


def load_all() -> None:
    """Declare every call: for documentation, and for whoever goes through all of them."""
    for family in FAMILIES:
        __import__(f"{__name__}.{family}")


declare.load = load
