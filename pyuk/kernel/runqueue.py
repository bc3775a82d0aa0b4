"""Whose turn it is among those that are ready (sched(7)): real-time tasks by priority, others by what they have had.

These are weighed as by Linux's fair scheduler (kernel/sched/fair.c): a task's virtual run time is its CPU time divided
by the weight of its nice value, and who has had least is next. It counts in steps of 4 ms: tasks that compute little
take turns in the order in which they came, in every run the same.
"""

from __future__ import annotations

from _bisect import bisect_left, insort_right

from pyuk.abi.sched import SCHED_FIFO, SCHED_IDLE, SCHED_RR

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyuk.kernel.task import Task

    Entry = tuple[int, int, int, Task]

_WEIGHTS = (
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
    9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
    1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
    110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
)  # fmt: skip
"""kernel/sched/core.c, sched_prio_to_weight: of the nice values from -20 to 19."""
NICE_0, _IDLE = 1024, 3
STEP_NS = 4_000_000
_RR_SLICE_NS = 100_000_000
_REALTIME, _FAIR = 0, 1


class RunQueue:
    """Invariant: sorted; `task.turn` is the entry of a task that is in it, and `task.is_ready` says so."""

    __slots__ = ("_entries", "_first_number", "_last_number", "is_fair", "least_ns")

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._first_number = self._last_number = 0
        self.is_fair = True
        """By what they have had; else in the order in which they came."""
        self.least_ns = 0
        """The virtual run time of who has come to the CPU last, which only grows."""

    def add(self, task: Task, *, first: bool = False) -> None:
        """A task is ready. first: before those of its rank, for one that was interrupted by a better one."""
        if first:
            self._first_number -= 1
            number = self._first_number
        else:
            self._last_number += 1
            number = self._last_number
        rank, key = self._rank(task)
        task.turn = entry = (rank, key, number, task)
        task.is_ready = True
        insort_right(self._entries, entry)

    def wake(self, task: Task) -> None:
        """The same for one that has slept: it is not owed all the time that it has slept through."""
        task.virtual_ns = max(task.virtual_ns, self.least_ns - STEP_NS)
        self.add(task)

    def pop(self) -> Task:
        """Who is next, and is ready no more."""
        task = self._entries.pop(0)[3]
        task.is_ready = False
        self.least_ns = max(self.least_ns, task.virtual_ns)
        return task

    def remove(self, task: Task) -> None:
        """The task shall not run."""
        del self._entries[bisect_left(self._entries, task.turn)]  # type: ignore[type-var]  # numbers differ
        task.is_ready = False

    def yields_to(self, task: Task, *, is_slice_over: bool) -> bool:
        """Whether the task that runs is to give way to the first here. At its slice's end also to an equal one."""
        if not self._entries:
            return False
        mine, first = self._rank(task), self._entries[0][:2]
        if is_slice_over and mine == first:
            return not (task.policy == SCHED_FIFO or (task.policy == SCHED_RR and task.turn_ns < _RR_SLICE_NS))
        return first < mine

    def step_back(self, task: Task) -> None:
        """sched_yield(2): let at least one other of its rank go first."""
        if self._entries and self._entries[0][0] == _FAIR:
            task.virtual_ns = max(task.virtual_ns, self._entries[0][3].virtual_ns)

    def _rank(self, task: Task) -> tuple[int, int]:
        if task.policy in (SCHED_FIFO, SCHED_RR):
            return _REALTIME, -task.realtime_priority
        return _FAIR, task.virtual_ns // STEP_NS if self.is_fair else 0

    def __len__(self) -> int:
        return len(self._entries)


def charge(task: Task, cpu_ns: int) -> None:
    """The task has had so much of the CPU."""
    task.turn_ns += cpu_ns
    if task.nice or task.policy == SCHED_IDLE:
        cpu_ns = cpu_ns * NICE_0 // weight_of(task)
    task.virtual_ns += cpu_ns


def weight_of(task: Task) -> int:
    """How much of the CPU it is owed beside others; NICE_0 is usual."""
    return _IDLE if task.policy == SCHED_IDLE else _WEIGHTS[task.nice + 20]
