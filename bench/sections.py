"""The sections of the bench. Each takes the contestants and returns one table."""

from __future__ import annotations

import shutil
import sys
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from bench.contestants import Contestants
from bench.guests import CPU_GUESTS, cpu_guest, files, getppid_loop, hello_world, memory, nothing, socket_pairs
from bench.guests import tasks as tasks_program
from bench.measure import Job, geometric_mean, run, take_turns
from bench.report import ABSENT, Section, milliseconds, quotient, ratio

# A start is short and a few milliseconds of noise are many per cent: more rounds than elsewhere.
START_ROUNDS_FACTOR = 4

EMPTY_HOOK = "empty hook"
# How often the getppid loop goes round: enough to dwarf the start-up, whatever a call costs.
N_CALLS = {"native": 3_000_000, "qemu": 1_000_000, EMPTY_HOOK: 3_000_000, "pyuk": 300_000, "qiling": 10_000}
N_CALLS_OF_START = 1_000

# A module that imports nothing (it prints a line): what `python -m` alone costs.
IDLE_MODULE = "__hello__"
# Modules that have no business in the start of a small program: each costs milliseconds, or drags in those that do.
DENIED_MODULES = frozenset(
    {
        *("argparse", "ast", "asyncio", "capstone", "concurrent", "contextlib", "ctypes.util", "dataclasses"),
        *("elftools", "enum", "hashlib", "importlib.metadata", "importlib.resources", "inspect", "json", "logging"),
        *("pathlib", "pkg_resources", "pprint", "random", "re", "selectors", "shutil", "signal", "socket"),
        *("subprocess", "tempfile", "textwrap", "threading", "traceback", "typing", "unicorn", "unittest"),
    }
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What every section is given."""

    contestants: Contestants
    n_rounds: int


def start(setting: Setting) -> Section:
    """CPU time of hello_world from nothing to exit, beside an interpreter that does nothing."""
    base = "python -c pass"
    program = str(hello_world())
    expected = run([program]).stdout
    jobs = [Job("start", base, (sys.executable, "-c", "pass"), b"")]
    jobs += [
        Job("start", name, (*command, program), expected) for name, command in setting.contestants.commands.items()
    ]
    result = take_turns("start", jobs, setting.n_rounds * START_ROUNDS_FACTOR)
    times = {column: cpu_s for (_row, column), cpu_s in result.cpu_s.items()}
    rows = []
    for name in (base, *setting.contestants.commands, *setting.contestants.absent):
        cpu_s = times.get(name)
        more_s = cpu_s - times[base] if cpu_s is not None and base in times else None
        rows.append((name, milliseconds(cpu_s), ratio(quotient(cpu_s, times.get(base))), milliseconds(more_s)))
    header = ("hello_world under", "CPU ms", f"x {base}", "ms more")
    return Section(
        "start", header, rows, [result.remark, *_absences(setting, setting.contestants.absent)], result.failures
    )


def syscall(setting: Setting) -> Section:
    """CPU time of one getppid(2): the difference of a long and a short loop over the difference of their counts."""
    commands = {name: setting.contestants.commands[name] for name in N_CALLS if name in setting.contestants.commands}
    commands[EMPTY_HOOK] = (sys.executable, "-m", "bench.empty_hook")
    jobs = []
    for name, command in commands.items():
        for row, n_calls in (("long", N_CALLS[name]), ("short", N_CALLS_OF_START)):
            program = str(getppid_loop(n_calls))
            # The empty hook answers no write either.
            expected = b"" if name == EMPTY_HOOK else b"getppid_loop done\n"
            jobs.append(Job(row, name, (*command, program), expected))
    result = take_turns("syscall", jobs, setting.n_rounds)
    call_us: dict[str, float] = {}
    for name in commands:
        long_s, short_s = result.cpu_s.get(("long", name)), result.cpu_s.get(("short", name))
        if long_s is not None and short_s is not None:
            call_us[name] = (long_s - short_s) / (N_CALLS[name] - N_CALLS_OF_START) * 1e6
    rows = []
    for name, n_calls in N_CALLS.items():
        cost_us = call_us.get(name)
        cost = ABSENT if cost_us is None else f"{cost_us:.3f}"
        rows.append((name, f"{n_calls:,}", cost, ratio(quotient(cost_us, call_us.get(EMPTY_HOOK)))))
    header = ("getppid under", "calls", "CPU us a call", f"x {EMPTY_HOOK}")
    return Section("syscall", header, rows, [result.remark, *_absences(setting, N_CALLS)], result.failures)


def cpu(setting: Setting) -> Section:
    """CPU time of whole programs that compute, start included; every contestant prints the host's checksum."""
    columns = ("native", "qemu", "floor", "pyuk")
    pairs = (("floor", "qemu"), ("pyuk", "floor"), ("pyuk", "qemu"))
    present = [name for name in columns if name in setting.contestants.commands]
    jobs = []
    for guest in CPU_GUESTS:
        program = str(cpu_guest(guest))
        expected = run([program]).stdout
        jobs += [Job(guest, name, (*setting.contestants.commands[name], program), expected) for name in present]
    result = take_turns("cpu", jobs, setting.n_rounds)
    rows = []
    ratios: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for guest in CPU_GUESTS:
        times = {name: result.cpu_s.get((guest, name)) for name in columns}
        cells = [milliseconds(times[name]) for name in columns]
        for name, base in pairs:
            value = quotient(times[name], times[base])
            cells.append(ratio(value))
            if value is not None:
                ratios[name, base].append(value)
        rows.append((guest, *cells))
    means = [ratio(geometric_mean(values)) for values in ratios.values()]
    rows.append(("geometric mean", *("" for _ in columns), *means))
    header = ("guest", *(f"{name} ms" for name in columns), *(f"{name}/{base}" for name, base in pairs))
    return Section("cpu", header, rows, [result.remark, *_absences(setting, columns)], result.failures)


def imports(setting: Setting) -> Section:
    """The modules that running hello_world imports beyond those of `python -m` itself, the dearest first."""
    header = ("module", "modules", "ms (clock)", "")
    remarks = _absences(setting, ["pyuk"])
    if "pyuk" not in setting.contestants.commands:
        return Section("imports", header, [], remarks)
    importtime = (sys.executable, "-X", "importtime")
    idle = _imported(run([*importtime, "-m", IDLE_MODULE]).stderr)
    samples_us: dict[str, list[int]] = defaultdict(list)
    for _ in range(setting.n_rounds):
        outcome = run([*importtime, *setting.contestants.commands["pyuk"][1:], str(hello_world())])
        for name, own_us in _imported(outcome.stderr).items():
            if name not in idle:
                samples_us[name].append(own_us)
    groups: dict[str, list[int]] = defaultdict(list)
    for name, times_us in samples_us.items():
        # pyuk's own are what it is for: one line a room. The least, as importtime reads the clock.
        is_own = name.partition(".")[0] == "pyuk"
        groups[".".join(name.split(".")[:2]) if is_own else name].append(min(times_us))
    rows = []
    for name, times_us in sorted(groups.items(), key=lambda group: -sum(group[1])):
        denied = any(name == module or name.startswith(module + ".") for module in DENIED_MODULES)
        rows.append((name, str(len(times_us)), f"{sum(times_us) / 1e3:.1f}", "DENIED" if denied else ""))
    flagged = [row[0] for row in rows if row[-1]]
    total_ms = sum(sum(times_us) for times_us in groups.values()) / 1e3
    remarks.append(f"{total_ms:.1f} ms more than `python -m` alone; on the deny list: {', '.join(flagged) or 'none'}.")
    return Section("imports", header, rows, remarks)


def mm(setting: Setting) -> Section:
    """CPU time of one memory operation: the difference of a long and a short run over that of their counts."""
    return _operations("mm", setting, str(memory()), MEMORY_KINDS)


def file_calls(setting: Setting) -> Section:
    """CPU time of one file call, in the same way."""
    return _operations("files", setting, str(files()), FILE_KINDS)


def _operations(name: str, setting: Setting, program: str, kinds: dict[str, tuple[str, int, int, int]]) -> Section:
    columns = ("native", "qemu", "pyuk")
    present = [name for name in columns if name in setting.contestants.commands]
    jobs = []
    for kind, (_what, _unit, short, long) in kinds.items():
        for column in present:
            for count in (short, long):
                command = (*setting.contestants.commands[column], program, kind, str(count))
                jobs.append(Job(f"{kind} {count}", column, command, f"{kind} done\n".encode()))
    result = take_turns(name, jobs, setting.n_rounds)
    rows = []
    for kind, (what, n_per_count, short, long) in kinds.items():
        costs: dict[str, float | None] = {}
        for column in columns:
            short_s, long_s = (result.cpu_s.get((f"{kind} {count}", column)) for count in (short, long))
            if short_s is None or long_s is None:
                costs[column] = None
            else:
                costs[column] = (long_s - short_s) / (long - short) / n_per_count * 1e6
        cells = [ABSENT if cost is None else f"{cost:.3f}" for cost in costs.values()]
        rows.append((what, *cells, ratio(quotient(costs["pyuk"], costs["qemu"]))))
    header = ("operation", *(f"{column} CPU us" for column in columns), "pyuk/qemu")
    return Section(name, header, rows, [result.remark, *_absences(setting, columns)], result.failures)


def sockets(setting: Setting) -> Section:
    """CPU time of one socket operation between two processes, counted as in mm; for streams MB per CPU second too."""
    columns = ("native", "pyuk")
    program = str(socket_pairs())
    jobs = []
    for kind, (_what, short, long) in SOCKET_KINDS.items():
        for name in columns:
            for count in (short, long):
                command = (*setting.contestants.commands[name], program, kind, str(count))
                jobs.append(Job(f"{kind} {count}", name, command, f"{kind} done\n".encode()))
    result = take_turns("sockets", jobs, setting.n_rounds)
    rows = []
    for kind, (what, short, long) in SOCKET_KINDS.items():
        cells = []
        for name in columns:
            short_s, long_s = (result.cpu_s.get((f"{kind} {count}", name)) for count in (short, long))
            cost_us = None if short_s is None or long_s is None else (long_s - short_s) / (long - short) * 1e6
            cells.append(ABSENT if cost_us is None else f"{cost_us:.1f}")
            if name == "pyuk":
                is_stream = kind in ("tcp", "unix") and cost_us
                cells.append(f"{65536 / cost_us:.0f} MB/s" if is_stream and cost_us else "")
        rows.append((what, *cells))
    header = ("operation", "native CPU us", "pyuk CPU us", "pyuk")
    return Section("sockets", header, rows, [result.remark], result.failures)


# The kinds of guest/bench/sockets.c: what one is, a short and a long run.
SOCKET_KINDS = {
    "tcp": ("write and read of 64 KiB, TCP", 10, 2_000),
    "unix": ("write and read of 64 KiB, AF_UNIX stream", 10, 2_000),
    "ping": ("a byte there and back, TCP", 10, 5_000),
    "unixping": ("a byte there and back, AF_UNIX stream", 10, 5_000),
    "udp": ("a datagram there and back, UDP", 10, 5_000),
    "accept": ("socket, connect, accept, two closes", 10, 3_000),
}

# How each kind of guest/bench/memory.c is counted: what one of it is, how many make a count, a short and a long run.
MEMORY_KINDS = {
    "map": ("mmap, touch, munmap of 64 KiB", 1, 100, 5_000),
    "protect": ("mprotect twice, store", 1, 100, 20_000),
    "touch": ("first store to a page, 2 MiB pages allowed", 256, 16, 256),
    "fault": ("first store to a page, 4 KiB pages", 256, 16, 256),
    "fork1": ("fork, exit, wait; 1 MiB touched", 1, 10, 200),
    "fork256": ("fork, exit, wait; 256 MiB touched", 1, 10, 100),
    "chase": ("dependent load in 64 MiB", 1_000_000, 1, 9),
}

# The same of guest/bench/files.c.
FILE_KINDS = {
    "write1": ("write of 1 byte to /dev/null", 1, 10_000, 200_000),
    "lseek": ("lseek", 1, 10_000, 200_000),
    "fstat": ("fstat", 1, 10_000, 100_000),
    "pread4k": ("pread of 4 KiB", 1, 10_000, 100_000),
    "read64k": ("read of 64 KiB of /dev/zero", 1, 5_000, 50_000),
    "open": ("open, fstat, close", 1, 1_000, 20_000),
    "pipe64k": ("64 KiB through a pipe, both processes", 1, 1_000, 20_000),
    "copy1m": ("1 MiB from /dev/zero to /dev/null", 1, 100, 5_000),
}

# The same of guest/bench/tasks.c.
TASK_KINDS = {
    "pipe": ("a byte to and fro between two processes", 1, 100, 5_000),
    "futex": ("a word to and fro between two threads", 1, 100, 5_000),
    "alone0": ("the same bytes within one process", 1, 100, 5_000),
    "pair256": ("a byte to and fro, 256 pages touched at each turn", 1, 100, 4_000),
    "alone256": ("the same within one process", 1, 100, 4_000),
    "pair4096": ("a byte to and fro, 16 MiB touched at each turn", 1, 20, 400),
    "alone4096": ("the same within one process", 1, 20, 400),
    "raise": ("raise, handler, sigreturn", 1, 100, 5_000),
    "segv": ("SIGSEGV, siglongjmp", 1, 100, 5_000),
    "thread": ("pthread_create, pthread_join", 1, 20, 1_000),
    "fork": ("fork, exit, wait", 1, 20, 600),
    "execstatic": ("vfork, exec of a static program, wait", 1, 10, 200),
    "execdynamic": ("vfork, exec of /bin/true, wait", 1, 5, 60),
    "bash": ("bash: /bin/true in a loop", 1, 10, 200),
    "clock": ("clock_gettime", 1, 10_000, 1_000_000),
    "yield": ("sched_yield alone", 1, 1_000, 50_000),
}
SWITCHES = {"": ("pipe", "alone0"), ", 256 pages": ("pair256", "alone256"), ", 16 MiB": ("pair4096", "alone4096")}


def tasks(setting: Setting) -> Section:
    """CPU time of what processes, threads and signals do, the children's included."""
    columns = ("native", "qemu", "pyuk")
    present = [name for name in columns if name in setting.contestants.commands]
    jobs = []
    for kind, (_what, _unit, short, long) in TASK_KINDS.items():
        for name in present:
            for count in (short, long):
                command, expected = _task_command(kind, count, setting.contestants.commands[name], name)
                jobs.append(Job(f"{kind} {count}", name, command, expected))
    result = take_turns("tasks", jobs, setting.n_rounds)
    costs: dict[str, dict[str, float | None]] = {}
    for kind, (_what, _unit, short, long) in TASK_KINDS.items():
        costs[kind] = {}
        for name in columns:
            short_s, long_s = (result.cpu_s.get((f"{kind} {count}", name)) for count in (short, long))
            known = short_s is not None and long_s is not None
            costs[kind][name] = (long_s - short_s) / (long - short) * 1e6 if known else None  # type: ignore[operator]
    rows = [_task_row(TASK_KINDS[kind][0], by_name) for kind, by_name in costs.items()]
    for what, (pair, alone) in SWITCHES.items():
        switch = {name: _half(costs[pair][name], costs[alone][name]) for name in columns}
        rows.append(_task_row(f"a switch of processes{what}: half the difference", switch))
    header = ("operation", *(f"{name} CPU us" for name in columns), "pyuk/qemu")
    return Section("tasks", header, rows, [result.remark, *_absences(setting, columns)], result.failures)


def _task_command(kind: str, count: int, contestant: tuple[str, ...], name: str) -> tuple[tuple[str, ...], bytes]:
    """What a contestant runs. qemu-user executes children on the host: there each child is a qemu of its own."""
    prefix = contestant if name == "qemu" else ()
    if kind == "bash":
        script = f'for i in $(seq {count}); do "$@"; done; echo done'
        return (*contestant, "/bin/bash", "-c", script, "bash", *prefix, "/bin/true"), b"done\n"
    program: tuple[str, ...] = ()
    if kind.startswith("exec"):
        program = (*prefix, str(nothing()) if kind == "execstatic" else "/bin/true")
        program = (shutil.which(program[0]) or program[0], *program[1:])
    return (*contestant, str(tasks_program()), kind, str(count), *program), f"{kind} done\n".encode()


def _task_row(what: str, costs: dict[str, float | None]) -> tuple[str, ...]:
    cells = [ABSENT if cost is None else f"{cost:.2f}" for cost in costs.values()]
    return (what, *cells, ratio(quotient(costs["pyuk"], costs["qemu"])))


def _half(more: float | None, less: float | None) -> float | None:
    return None if more is None or less is None else (more - less) / 2


SECTIONS = {
    "start": start, "syscall": syscall, "files": file_calls, "cpu": cpu, "mm": mm, "tasks": tasks, "sockets": sockets,
    "imports": imports,
}  # fmt: skip


def _imported(importtime: str) -> dict[str, int]:
    """Read what -X importtime wrote: "import time: OWN | CUMULATIVE | MODULE"; module -> its own microseconds."""
    modules = {}
    for line in importtime.splitlines():
        if line.startswith("import time:"):
            own_us, _cumulative, name = line.removeprefix("import time:").split("|")
            if own_us.strip().isdigit():  # the first line is a heading
                modules[name.strip()] = int(own_us)
    return modules


def _absences(setting: Setting, names: Collection[str]) -> list[str]:
    absent = setting.contestants.absent
    return [f"{name} did not take part: {reason}." for name, reason in absent.items() if name in names]
