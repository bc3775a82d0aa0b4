"""The CPU state where the engine's own memory cannot be viewed: a copy, fetched and put back."""

from __future__ import annotations

from pyuk.machine.state import LiveState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.machine.engine import Engine
    from pyuk.machine.layout import Layout


class CopiedState(LiveState):
    """The same views of a uc_context, which `fetch` and `flush` exchange with the CPU: 0.2 us each.

    All by the public API, but for the offsets inside a context. The engine cannot be stopped from
    another thread here: without `no_exit_request` four stops in five would repeat an instruction.
    """

    live = False

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self._engine = engine
        self._context = engine.new_context()
        self.fetch, self.flush = engine.copiers(self._context)  # type: ignore[method-assign]
        super().__init__(engine, layout, (self._context.value or 0) + layout.context)
        self.fetch()

    @property
    def cr3(self) -> int:
        return self._control[1]

    @cr3.setter
    def cr3(self, value: int) -> None:
        self._control[1] = value
        self.flush()

    def save(self) -> bytes:
        self.fetch()
        return super().save()

    def restore(self, saved: bytes) -> None:
        super().restore(saved)
        self.flush()

    def close(self) -> None:
        self._engine.free_context(self._context)
