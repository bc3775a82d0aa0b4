"""A debugger's hand on the processes of a System: steps, breakpoints, watchpoints, calls that wait to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

from pyuk.api import intercept
from pyuk.kernel import dispatch
from pyuk.kernel.dispatch import DoesNotReturn
from pyuk.kernel.scheduler import Sleep
from pyuk.kernel.task import TRACED
from pyuk.machine.cpu import DEBUG, RIP, TF
from pyuk.mm.access import MemoryWindow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.api.intercept import Entry
    from pyuk.api.system import System
    from pyuk.kernel.kernel import Kernel
    from pyuk.kernel.task import Task
    from pyuk.machine.cpu import RegisterFile
    from pyuk.mm.space import AddressSpace

_INT3 = b"\xcc"


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a process stands still.

    reason: "breakpoint", "watchpoint", "syscall" (about to be made), "step", "exit", or "idle": it sleeps, and
    nobody will wake it. address: of the next instruction; where: of the breakpoint or the watched memory.
    """

    reason: str
    address: int = 0
    where: int = 0
    name: str = ""
    """The system call's."""


class Breakpoint:
    """Where a process stops. The guest can see it in its memory, as one of gdb's."""

    def __init__(self, space: AddressSpace, address: int) -> None:
        self.address = address
        self.n_hits = 0
        self._window = MemoryWindow(space)
        self._true_byte = bytearray(1)
        self._window.read([memoryview(self._true_byte)], address)

    def put(self) -> None:
        """Into the guest's memory."""
        self._window.write([memoryview(bytearray(_INT3))], self.address)

    def take(self) -> None:
        """The guest's own byte is back."""
        self._window.write([memoryview(self._true_byte)], self.address)


class Held(Sleep):
    """A call that is not made before somebody says so. It stands in Task.sleep."""

    __slots__ = ("name",)
    is_special = True

    def __init__(self, task: Task, name: str, number: int, arguments: tuple[int, ...]) -> None:
        self.task = task
        self.name = name
        self.number = number
        self.arguments = arguments
        self.operation = _NOTHING
        self.is_over = False

    def enqueue(self) -> None:
        """Nothing in the guests' world ends it."""

    def wake(self, events: int = 0) -> bool:
        """Neither does a signal."""
        return False

    def dequeue(self) -> None:
        """The thread ends."""
        self.is_over = True

    def release(self) -> None:
        """Have the call made when it is the thread's turn."""
        self.is_over = True
        self.task.kernel.scheduler.make_ready(self.task)

    def go_on(self, kernel: Kernel) -> bool:
        """Make it now."""
        if not self.is_over:
            return False
        task = self.task
        task.sleep = None
        dispatch.carry_out(kernel, task, self.number, self.arguments, dispatch.close)
        return kernel.may_run(task)


class _Nothing:
    """What a held call has to be closed."""

    def step(self) -> int:
        """Never called."""
        raise NotImplementedError

    interrupted = timed_out = step

    def close(self) -> None:
        """Nothing is held."""


_NOTHING = _Nothing()


class Debugger:
    """One for each System that is debugged; from then on it sees every #DB and #BP first."""

    def __init__(self, system: System, kernel: Kernel) -> None:
        self._system = system
        self._kernel = kernel
        self._points: dict[tuple[AddressSpace, int], Breakpoint] = {}
        self._watched: dict[tuple[AddressSpace, int, int], bytes] = {}
        self._told: dict[Task, Breakpoint] = {}  # where a task has stopped, and not gone on
        self._passing: dict[Task, tuple[Breakpoint, bool]] = {}  # whose byte is back for one step; whether TF was set
        self._stepping: Task | None = None
        self._stopped: Stop | None = None
        self._wanted: dict[int, tuple[Task, str]] = {}  # by number of call: whose is held
        self._wrapped: set[int] = set()
        kernel.on_trap = self._on_trap

    # What a user asks for

    def add(self, task: Task, address: int) -> Breakpoint:
        """Errors: OSError nothing is mapped there."""
        key = (task.mm, address)
        if key not in self._points:
            self._points[key] = Breakpoint(task.mm, address)
            self._points[key].put()
        return self._points[key]

    def remove(self, task: Task, address: int) -> None:
        """Nothing where there is none."""
        point = self._points.pop((task.mm, address), None)
        if point is not None:
            point.take()

    def watch(self, task: Task, address: int, n_bytes: int) -> None:
        """Stop when these bytes change: from then on the process runs step by step."""
        self._watched[task.mm, address, n_bytes] = task.mem.peek(address, n_bytes)

    def step(self, task: Task) -> Stop:
        """One instruction, or a system call to its end."""
        if task.is_dead:
            return Stop("exit")
        with self._system.with_cpu(task) as cpu:
            point = self._points.get((task.mm, cpu.regs[RIP]))
            is_own = bool(cpu.rflags & TF)
            cpu.rflags |= TF
        if point is not None:
            self._told[task] = point
        self._stepping, self._stopped = task, None
        try:
            self._system.run_until(lambda: self._stopped is not None or task.is_dead)
        finally:
            self._stepping = None
            if task.tid in self._kernel.tasks and not is_own:
                with self._system.with_cpu(task) as cpu:
                    cpu.rflags &= ~TF
        return self._outcome(task)

    def resume(self, task: Task) -> Stop:
        """Until it stops at a breakpoint, watched memory changes, a wanted call comes, it ends, or all sleep."""
        if task.is_dead:
            return Stop("exit")
        if any(space is task.mm for space, _address, _n_bytes in self._watched):
            return self._resume_watching(task)
        self._stopped = None
        self._system.run_until(lambda: self._stopped is not None or task.is_dead)
        return self._outcome(task)

    def _outcome(self, task: Task) -> Stop:
        if self._stopped is not None:
            return self._stopped
        return Stop("exit") if task.tid not in self._kernel.tasks else Stop("idle", self._rip(task))

    def hold(self, task: Task, names: str) -> None:
        """Stop when the task is about to make one of these calls."""
        for number in intercept.numbers_of(names):
            self._wanted[number] = (task, names)
            if number not in self._wrapped:
                self._wrapped.add(number)
                self._kernel.entries[number] = self._holding(number, self._kernel.entries[number])

    def release(self) -> None:
        """All run on: the calls that were held are made."""
        for task in self._kernel.tasks.values():
            if isinstance(task.sleep, Held):
                task.sleep.release()

    def let_go(self) -> None:
        """Hold no calls any more."""
        self._wanted.clear()

    # What the kernel tells

    def _on_trap(self, task: Task, vector: int) -> bool:
        """Whether the trap was this debugger's own doing."""
        cpu = self._kernel.machine.cpu
        regs = cpu.regs
        if vector == DEBUG:
            return self._has_stepped(task)
        at = regs[RIP] - 1
        point = self._points.get((task.mm, at))
        if point is None:
            return self._is_of_a_parent(task, at)
        regs[RIP] = at
        if self._told.pop(task, None) is point:  # it has stopped here: now the guest's own instruction is executed
            point.take()
            self._passing[task] = point, bool(cpu.rflags & TF)
            cpu.rflags |= TF
            return True
        point.n_hits += 1
        self._told[task] = point
        self._stop(Stop("breakpoint", at, at))
        return True

    def _has_stepped(self, task: Task) -> bool:
        """Over a breakpoint, or because that was asked for."""
        cpu = self._kernel.machine.cpu
        point, had_tf = self._passing.pop(task, (None, False))
        if point is not None:
            if (task.mm, point.address) in self._points:
                point.put()
            if not had_tf:
                cpu.rflags &= ~TF
        if task is self._stepping:
            self._stop(Stop("step", cpu.regs[RIP]))
        return point is not None or task is self._stepping

    def _is_of_a_parent(self, task: Task, at: int) -> bool:
        """A child of fork has the parent's breakpoints in its copy of the memory: they are taken out when met."""
        for (_space, address), point in self._points.items():
            if address == at:
                Breakpoint.take(_moved(point, task.mm))
                self._kernel.machine.cpu.regs[RIP] = at
                return True
        return False

    def _stop(self, stop: Stop) -> None:
        self._stopped = stop
        self._kernel.pause()

    def _holding(self, number: int, entry: Entry) -> Entry:
        def hold(task: Task, regs: RegisterFile) -> int:
            wanted = self._wanted.get(number)
            if wanted is None or wanted[0] is not task or task is passing[0]:
                passing[0] = None
                return entry(task, regs)
            passing[0] = task
            name = intercept.name_of(number)
            arguments = tuple(regs[index] for index in intercept.ARGUMENTS) if task.work & TRACED else ()
            self._kernel.begin_sleep(task, Held(task, name, number, arguments))
            self._stop(Stop("syscall", regs[RIP], name=name))
            raise DoesNotReturn

        passing: list[Task | None] = [None]
        return hold

    # Watching

    def _resume_watching(self, task: Task) -> Stop:
        while True:
            stop = self.step(task)
            for (space, address, n_bytes), before in self._watched.items():
                if space is task.mm and not task.is_dead:
                    now = task.mem.peek(address, n_bytes)
                    if now != before:
                        self._watched[space, address, n_bytes] = now
                        return Stop("watchpoint", stop.address, address)
            if stop.reason != "step":
                return stop

    def _rip(self, task: Task) -> int:
        with self._system.with_cpu(task) as cpu:
            return cpu.regs[RIP]


def _moved(point: Breakpoint, space: AddressSpace) -> Breakpoint:
    twin = Breakpoint(space, point.address)
    twin._true_byte = point._true_byte  # noqa: SLF001
    return twin
