"""Run commands and weigh them: CPU time of the child, in rounds that take turns, medians.

CPU time (user and system, of the child and the children it waited for) and not the clock, because the machine may be
busy; in turns (A B C A B C ...) and not in rows, because its speed drifts.
"""

from __future__ import annotations

import math
import os
import select
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.guests import REPOSITORY

# Far more than any run takes; a contestant that hangs is reported, not waited for.
LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did."""

    status: int  # as subprocess has it: negative for a signal
    cpu_s: float
    stdout: bytes
    stderr: str

    @property
    def last_words(self) -> str:
        """The end of standard error, for a report of one line."""
        lines = self.stderr.strip().splitlines()
        return lines[-1].strip() if lines else "nothing on standard error"


@dataclass(frozen=True, slots=True)
class Job:
    """One cell of a table: a command, and what it must print to count."""

    row: str
    column: str
    command: tuple[str, ...]
    expected: bytes | None  # standard output; None where it does not matter


@dataclass(slots=True)
class Result:
    """Median CPU times in seconds by (row, column), and one line for each job that failed."""

    cpu_s: dict[tuple[str, str], float]
    failures: list[str]
    n_rounds: int

    @property
    def remark(self) -> str:
        """What to say below a table of these."""
        return "One round, not to be quoted." if self.n_rounds == 1 else f"Medians of {self.n_rounds} rounds."


def run(command: Sequence[str]) -> Outcome:
    """Run a command in the repository's directory and measure it; a hanging one is killed after LIMIT_S."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, cwd=REPOSITORY)
        pidfd = os.pidfd_open(child.pid)
        if not select.select([pidfd], [], [], LIMIT_S)[0]:
            child.kill()
        os.close(pidfd)
        _pid, wait_status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(wait_status)  # so that Popen does not wait for it again
        stdout.seek(0)
        stderr.seek(0)
        words = stderr.read().decode(errors="replace")
        return Outcome(child.returncode, usage.ru_utime + usage.ru_stime, stdout.read(), words)


def refusal(outcome: Outcome, expected: bytes | None) -> str | None:
    """Return what is wrong with an outcome, in one line, or None."""
    if outcome.status != 0:
        return f"status {outcome.status} ({outcome.last_words})"
    if expected is not None and outcome.stdout != expected:
        return f"printed {outcome.stdout[:60]!r} where the host prints {expected[:60]!r}"
    return None


def take_turns(title: str, jobs: Sequence[Job], n_rounds: int) -> Result:
    """Run all jobs in order, n_rounds times over. A job that fails is not run again and has no time."""
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    failures: dict[tuple[str, str], str] = {}
    for round_number in range(1, n_rounds + 1):
        print(f"bench: {title}, round {round_number} of {n_rounds}", file=sys.stderr)
        for job in jobs:
            key = (job.row, job.column)
            if key in failures:
                continue
            outcome = run(job.command)
            if reason := refusal(outcome, job.expected):
                failures[key] = f"{title}: {job.column}, {job.row}: {reason}"
                samples.pop(key, None)
            else:
                samples[key].append(outcome.cpu_s)
    medians = {key: statistics.median(times) for key, times in samples.items()}
    return Result(medians, list(failures.values()), n_rounds)


def geometric_mean(ratios: Iterable[float]) -> float | None:
    """Return the geometric mean, or None of nothing."""
    logarithms = [math.log(ratio) for ratio in ratios]
    return math.exp(statistics.fmean(logarithms)) if logarithms else None
