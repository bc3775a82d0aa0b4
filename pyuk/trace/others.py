"""The calls that pyuk does not have, so that a log says what a program wanted and did not get.

A line is a prototype as in a man page, with kinds for types: the aliases of pyuk.abi.declare without their "Arg",
and the pointers below. They are shown by the same rules as the calls that have handlers. Who writes a handler
deletes the line: no call is declared twice (tests/trace/test_others.py).
"""

from __future__ import annotations

from pyuk.abi import declare
from pyuk.abi.kinds import IN, OUT, Buffer, Flags, Kind, Number, SignalSet, SocketAddress, StructAt
from pyuk.abi.numbers import NUMBERS
from pyuk.abi.structs import (
    CLONE_ARGS,
    FD,
    ITIMERVAL,
    RUSAGE,
    SCHED_PARAM,
    SIGINFO,
    TIMESPEC,
    TIMEVAL,
    TIMEZONE,
    UINT32,
    WAIT_STATUS,
)
from pyuk.abi.tables import Table

_POINTERS: dict[str, Kind] = {
    "CloneArgs": StructAt(IN, CLONE_ARGS),
    "CloneFlags": Flags(Table("sched", "CLONE_", without="CLONE_DETACHED")),
    "Data": Buffer(IN, "size"),
    "FdPair": StructAt(OUT, FD, 2),
    "Hex": Number("ulong", 16),
    "IdArray": StructAt(IN, UINT32, "size"),
    "IdType": Flags(Table("sched", "P_"), enum=True),
    "Itimerval": StructAt(IN, ITIMERVAL),
    "NewItimerval": StructAt(OUT, ITIMERVAL),
    "NewRusage": StructAt(OUT, RUSAGE),
    "NewSiginfo": StructAt(OUT, SIGINFO),
    "NewStatus": StructAt(OUT, WAIT_STATUS),
    "SchedParam": StructAt(IN, SCHED_PARAM),
    "NewSchedParam": StructAt(OUT, SCHED_PARAM),
    "Sigset": SignalSet(IN, "sigsetsize"),
    "Siginfo": StructAt(IN, SIGINFO),
    "Sockaddr": SocketAddress(IN, "addrlen"),
    "SocketType": Flags(Table("socket", "SOCK_"), modes=0xF),
    "Timespec": StructAt(IN, TIMESPEC),
    "Timeval": StructAt(IN, TIMEVAL),
    "Timezone": StructAt(IN, TIMEZONE),
}

_PROTOTYPES = """
Long io_setup(UInt nr_reqs, Address ctx)
"""

_rows: dict[int, str] = {}


def prototype_of(number: int) -> tuple[str, tuple[tuple[str, Kind], ...], Kind] | None:
    """Name, parameters and result of a call listed here, or None."""
    if not _rows:
        _rows.update({NUMBERS[name_in(line)]: line for line in _PROTOTYPES.split("\n") if line})
    line = _rows.get(number)
    if line is None:
        return None
    result, _space, rest = line.partition(" ")
    name, _paren, rest = rest.partition("(")
    words = [word.split() for word in rest.rstrip(")").split(", ") if word]
    params = tuple((param, _kind(kind, "Arg")) for kind, param in words)
    return name, params, _kind(result, "Result")


def name_in(line: str) -> str:
    """The name in a prototype."""
    return line.split("(", 1)[0].split(" ")[1]


def _kind(word: str, suffix: str) -> Kind:
    found = _POINTERS.get(word) or getattr(declare, word + suffix, None) or getattr(declare, word)
    if not isinstance(found, Kind):
        raise TypeError(f"{word} is no kind")
    return found
