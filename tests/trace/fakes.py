"""A task for the tracer without a kernel: memory is a dict from address to bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyuk.abi.syscall import Declaration
from pyuk.trace.sink import Sink
from pyuk.trace.strace import Tracer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class DictMemory:
    """Regions by their first address; reading stops where a region ends."""

    def __init__(self, regions: Mapping[int, bytes]) -> None:
        self.regions = dict(regions)

    def peek(self, address: int, n_bytes: int) -> bytes:
        """The good prefix of [address, address + n_bytes)."""
        for start, data in self.regions.items():
            if start <= address < start + len(data):
                return data[address - start :][:n_bytes]
        return b""


class FakeTask:
    """What the tracer sees of a task."""

    def __init__(self, regions: Mapping[int, bytes] | None = None, tid: int = 1000) -> None:
        self.tid = tid
        self.mem = DictMemory(regions or {})


class ListSink(Sink):
    """A sink that keeps what it is given, piece by piece."""

    def __init__(self, *, buffered: bool = True) -> None:
        super().__init__(-1, buffered=buffered)
        self.pieces: list[str] = []

    def write(self, text: str) -> None:
        """Keep it."""
        self.pieces.append(text)

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


def declared(name: str, handler: Callable[..., int]) -> Declaration:
    """A declaration that is in no table."""
    return Declaration(name, handler, "")


def line(declaration: Declaration, args: tuple[int, ...], result: int, regions: Mapping[int, bytes]) -> str:
    """The line of one call."""
    sink = ListSink()
    tracer, task = Tracer(sink), FakeTask(regions)
    args = (*args, *(0,) * (6 - len(args)))
    tracer.enter(task, declaration, declaration.number, args)
    tracer.leave(task, declaration, declaration.number, args, result)
    return sink.text
