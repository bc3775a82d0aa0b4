"""Whose turn it is: ranks, weights, places in the queue."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from pyuk.abi.sched import SCHED_FIFO, SCHED_IDLE, SCHED_OTHER, SCHED_RR
from pyuk.kernel.runqueue import STEP_NS, RunQueue, charge

if TYPE_CHECKING:
    from pyuk.kernel.task import Task

MS = 1_000_000


def task(name: str = "", *, policy: int = SCHED_OTHER, priority: int = 0, nice: int = 0, had_ns: int = 0) -> Task:
    """What the queue knows of a task."""
    made = SimpleNamespace(
        name=name, policy=policy, realtime_priority=priority, nice=nice, virtual_ns=had_ns, turn_ns=0, turn=None,
        is_ready=False,
    )  # fmt: skip
    return cast("Task", made)


def names(queue: RunQueue) -> str:
    """All that are in it, in their order."""
    return "".join(queue.pop().name for _ in range(len(queue)))  # type: ignore[attr-defined]


def queue_of(*tasks: Task, is_fair: bool = True) -> RunQueue:
    """With these, which have come in this order."""
    queue = RunQueue()
    queue.is_fair = is_fair
    for each in tasks:
        queue.add(each)
    return queue


def test_who_has_computed_little_takes_turns() -> None:
    """Less than a step of difference is none: first come, first served."""
    assert names(queue_of(task("a", had_ns=3 * MS), task("b"), task("c", had_ns=MS))) == "abc"


def test_who_has_had_least_is_next() -> None:
    """By steps; equals by age."""
    tasks = task("a", had_ns=9 * STEP_NS), task("b", had_ns=STEP_NS), task("c", had_ns=9 * STEP_NS), task("d")
    assert names(queue_of(*tasks)) == "dbac"
    assert names(queue_of(*tasks, is_fair=False)) == "abcd"


def test_real_time_comes_first() -> None:
    """The highest priority, in the order of arrival; one that was interrupted before its equals."""
    queue = queue_of(
        task("a"), task("b", policy=SCHED_RR, priority=5), task("c", policy=SCHED_FIFO, priority=9),
        task("d", policy=SCHED_FIFO, priority=5),
    )  # fmt: skip
    queue.add(task("e", policy=SCHED_FIFO, priority=5), first=True)
    assert names(queue) == "cebda"


def test_a_sleeper_is_not_owed_all_its_sleep() -> None:
    """It comes back with a step of advantage, not with all."""
    queue = queue_of(hog := task("h", had_ns=100 * STEP_NS))
    assert queue.pop() is hog
    sleeper = task("s")
    queue.wake(sleeper)
    assert sleeper.virtual_ns == 99 * STEP_NS
    assert queue.yields_to(hog, is_slice_over=False)


@pytest.mark.parametrize(
    ("running", "other", "at_once", "at_the_end"),
    [
        (task(), task(), False, True),
        (task(had_ns=STEP_NS), task(), True, True),
        (task(), task(had_ns=STEP_NS), False, False),
        (task(), task(policy=SCHED_RR, priority=1), True, True),
        (task(policy=SCHED_FIFO, priority=1), task(), False, False),
        (task(policy=SCHED_FIFO, priority=1), task(policy=SCHED_FIFO, priority=1), False, False),
        (task(policy=SCHED_FIFO, priority=1), task(policy=SCHED_FIFO, priority=2), True, True),
        (task(policy=SCHED_RR, priority=1), task(policy=SCHED_RR, priority=1), False, False),
    ],
)
def test_who_gives_way(running: Task, other: Task, at_once: bool, at_the_end: bool) -> None:  # noqa: FBT001
    """When somebody comes, and when the slice is over."""
    queue = queue_of(other)
    assert queue.yields_to(running, is_slice_over=False) == at_once
    assert queue.yields_to(running, is_slice_over=True) == at_the_end


def test_round_robin() -> None:
    """After a slice of 100 ms an equal one is next."""
    queue = queue_of(task(policy=SCHED_RR, priority=1))
    running = task(policy=SCHED_RR, priority=1)
    charge(running, 100 * MS)
    assert queue.yields_to(running, is_slice_over=True)
    assert not queue.yields_to(running, is_slice_over=False)


def test_nobody_gives_way_to_nobody() -> None:
    """An empty queue."""
    assert not RunQueue().yields_to(task(), is_slice_over=True)


@pytest.mark.parametrize(
    ("nice", "policy", "weight"),
    [(0, SCHED_OTHER, 1024), (19, SCHED_OTHER, 15), (-20, SCHED_OTHER, 88761), (0, SCHED_IDLE, 3)],
)
def test_weights(nice: int, policy: int, weight: int) -> None:
    """CPU time counts for less with a better nice value."""
    some = task(nice=nice, policy=policy)
    charge(some, 1024 * MS)
    assert some.virtual_ns == 1024 * 1024 * MS // weight
    assert some.turn_ns == 1024 * MS


def test_step_back() -> None:
    """Behind the first of the others, whatever one has had."""
    queue = queue_of(task("a", had_ns=7 * STEP_NS), task("b", had_ns=9 * STEP_NS))
    running = task("r")
    queue.step_back(running)
    queue.add(running)
    assert names(queue) == "arb"


def test_leaving() -> None:
    """From anywhere in the queue."""
    tasks = [task(name, had_ns=n * STEP_NS) for n, name in enumerate("abc")]
    queue = queue_of(*tasks)
    queue.remove(tasks[1])
    assert [each.is_ready for each in tasks] == [True, False, True]
    assert names(queue) == "ac"
