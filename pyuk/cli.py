"""The command `pyuk`: arguments in, exit status out."""

from __future__ import annotations

import gc
import os
import sys

import pyuk
from pyuk import caller
from pyuk.options import Option, Parsed, UsageError, help_text, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyuk.fs.context import FsContext
    from pyuk.fs.view import MountSpec
    from pyuk.kernel.protocols import Clock, Tracer
    from pyuk.kernel.task import Task
    from pyuk.system import System

USAGE_STATUS, FAILURE_STATUS, CANNOT_EXECUTE_STATUS, NOT_FOUND_STATUS = 2, 125, 126, 127
"""What env(1) and the shells give for a command line not understood, a failure of their own, EACCES and ENOENT."""
_KILLED_BY_SIGSEGV = 128 + 11
_ENOENT = 2
_MOST_CPUS = 64

_HELP = Option("-h --help", "help", "show this text")
_RUN_OPTIONS = (
    Option("--strace", "strace", "log the program's system calls to stderr in strace's format"),
    Option("-E --env", "env", "set a variable, or without '=' remove it", value="NAME=VALUE", many=True),
    Option("--clear-env", "clear_env", "begin with an empty environment"),
    Option("-C --chdir", "chdir", "run in this directory of the program's view", value="DIR"),
    Option("--root", "root", "use DIR as /, with a /dev, /proc and /sys of pyuk's own", value="DIR"),
    Option(
        "--bind",
        "bind",
        "show a file or directory of the host's; MODE is rw, ro or cow; /:/ is the host's own tree",
        value="HOST:GUEST[:MODE]",
        many=True,
    ),
    Option("--tmpfs", "tmpfs", "an empty directory in memory", value="GUEST", many=True),
    Option(
        "--overlay",
        "overlay",
        "write to no file of the host's, but to memory or, to keep it, to DIR",
        value="DIR",
        is_optional=True,
    ),
    Option("--read-only", "read_only", "let the working directory and --root be read only"),
    Option("--core", "core", "write a core file of each process that dies so to DIR, as core.PID", value="DIR"),
    Option("--stats", "stats", "say at its end what memory the program used, and of the page faults"),
    Option("--memory", "memory", "guest RAM, with K, M or G (default 4G); it costs nothing until used", value="SIZE"),
    Option("--cpus", "cpus", "tell the program of N CPUs (1 to 64, default 1); all run on one", value="N"),
    Option("--deterministic", "deterministic", "the same in every run: time, randomness, who runs when"),
    Option("--seed", "seed", "with --deterministic: another order and other random numbers (default 0)", value="N"),
    Option("--time", "time", "begin at DATE (2024-02-29, 2024-02-29T12:30:00, UTC; @SECONDS since 1970)", value="DATE"),
    Option("--time-scale", "time_scale", "let clocks go X times as fast as the host's", value="X"),
    Option("--argv0", "argv0", "the program's argv[0]", value="NAME"),
    _HELP,
)
_STRACE_OPTIONS = (
    Option("-f --follow-forks", "follow", "log children and threads too; twice: each to FILE.PID", many=True),
    Option("--output-separately", "separately", "with -f -o: a file for each, FILE.PID"),
    Option("-o --output", "output", "write the log to FILE instead of stderr", value="FILE"),
    Option("-A --output-append-mode", "append", "add to FILE"),
    Option("-q", "quieter", "say nothing of processes that are attached; -qq nor of exits, -qqq of nothing", many=True),
    Option(
        "--quiet --silent --silence", "quiet", "attach, exit, path-resolution, personality, thread-execve", value="SET"
    ),
    Option(
        "-e",
        "expression",
        "OPTION=SET: trace, abbrev, verbose, raw, signal, read, write, fault, inject,\n"
        "status, quiet, decode-fds; without OPTION= it is trace",
        value="EXPR",
        many=True,
    ),
    *(
        Option(f"--{name}", f"e {name}", f"the same as -e {name}=SET", value="SET", many=True)
        for name in ("trace", "abbrev", "verbose", "raw", "signal", "read", "write", "fault", "inject", "status")
    ),
    Option("-P --trace-path", "path", "only calls that name PATH or use a descriptor of it", value="PATH", many=True),
    Option("-z --successful-only", "successful", "only calls that succeeded"),
    Option("-Z --failed-only", "failed", "only calls that failed"),
    Option("-a --columns", "column", "where results are aligned (40)", value="COLUMN"),
    Option("-i --instruction-pointer", "ip", "show where calls are made"),
    Option("-n --syscall-number", "number", "show the calls' numbers"),
    Option("-t", "stamps", "show the time of day; -tt with microseconds, -ttt since 1970", many=True),
    Option("--absolute-timestamps", "clock", "[format:]time|unix|none[,[precision:]s|ms|us|ns]", value="FORMAT"),
    Option("-r", "relative", "show the time since the last call"),
    Option("--relative-timestamps", "relative_to", "the same, with s, ms, us or ns", value="PRECISION"),
    Option("-T", "durations", "show the time that each call took"),
    Option("--syscall-times", "durations_to", "the same, with s, ms, us or ns", value="PRECISION"),
    Option("-s --string-limit", "limit", "show so many bytes of strings (32)", value="SIZE"),
    Option("-v --no-abbrev", "whole", "show structs whole"),
    Option("-x", "hex", "show strings that are no text in hex; -xx all strings", many=True),
    Option("--strings-in-hex", "hex_how", "non-ascii, non-ascii-chars or all", value="WHICH"),
    Option("-X --const-print-style", "constants", "raw, abbrev or verbose", value="FORMAT"),
    Option("-y", "descriptors", "show the paths of descriptors; -yy all that is known", many=True),
    Option("--decode-fds", "e decode-fds", "dev, path, pidfd, socket, all", value="SET", many=True),
    Option("-c --summary-only", "count", "count calls, errors and CPU time, and show only that"),
    Option("-C --summary", "count_too", "the same, and the log"),
    Option("-S --summary-sort-by", "sort", "time, calls, errors, name, min-time, max-time, avg-time", value="SORTBY"),
    Option("-U --summary-columns", "columns", "time-percent, total-time, min-time, ... name", value="COLUMNS"),
    Option("-w --summary-wall-clock", "wall", "count the time that calls took, and not CPU time"),
    Option("--seccomp-bpf", "seccomp", "accepted: pyuk's log needs no help of a filter"),
    Option("-I --interruptible", "interruptible", "accepted", value="WHEN"),
    Option("--chdir", "chdir", "run in this directory of the program's view", value="DIR"),
    *(option for option in _RUN_OPTIONS if option.key not in ("strace", "chdir")),
)
_SHOW_OPTIONS = (
    Option("--at-exit", "at_exit", "maps: run the program, and show them as they are at its end"),
    *(option for option in _RUN_OPTIONS if option.key not in ("strace", "stats")),
)

_SUMMARY = """pyuk runs x86-64 Linux programs and is their kernel.

Commands:
  run      run a program
  strace   run a program and log its system calls as strace does
  show     show a program's headers, auxv, args, maps or libs as the kernel sees them

'pyuk COMMAND --help' says more."""


class Refusal(Exception):  # noqa: N818  # an answer to the user, not an error of pyuk's
    """Why the command could not be done: one line and an exit status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def main(arguments: Sequence[str] | None = None) -> int:
    """The whole command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _command(words)
    except Refusal as refusal:
        return _say(str(refusal), refusal.status)
    except UsageError as error:
        return _say(f"{error} (see pyuk --help)", USAGE_STATUS)
    except BrokenPipeError:
        return FAILURE_STATUS


def _say(text: str, status: int) -> int:
    """A line for people. Where nobody can hear it, the status still says it all."""
    try:
        _write(2, f"pyuk: {text}\n")
    except OSError:
        pass
    return status


def _print(text: str) -> int:
    """What the user asked for: where it cannot be written, the command has failed."""
    try:
        _write(1, text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refusal(f"standard output: {error.strerror}", FAILURE_STATUS) from None
    return 0


def _write(fd: int, text: str) -> None:
    """All of it at once: what sys.stdout keeps is written when Python ends, and a failure is then a traceback."""
    data = memoryview(os.fsencode(text))
    while data:
        data = data[os.write(fd, data) :]


def _command(words: list[str]) -> int:
    if not words:
        raise UsageError("no command given")
    command = _COMMANDS.get(words[0])
    if command is not None:
        return command(words[1:])
    if words[0] in ("-h", "--help"):
        return _print(f"Usage: pyuk COMMAND [OPTIONS] PROGRAM [ARG...]\n\n{_SUMMARY}\n")
    if words[0] in ("-V", "--version"):
        return _print(_version() + "\n")
    raise UsageError(f"unknown command {words[0]}")


def _version() -> str:
    from pyuk.machine.engine import Engine  # noqa: PLC0415

    unicorn = ".".join(str(part) for part in Engine().version())
    return f"pyuk {pyuk.__version__} (Unicorn {unicorn}, Python {sys.version.split()[0]})"


def _run(words: list[str]) -> int:
    parsed = parse(words, _RUN_OPTIONS)
    if parsed.has("help"):
        return _help(
            "pyuk run [OPTIONS] PROGRAM [ARG...]",
            "Run a program with the caller's standard files, environment and directory.\n"
            "The exit status is the program's; 128+N if signal N killed it, 126 if it cannot be executed,\n"
            "127 if it is not found.",
            _RUN_OPTIONS,
            ("pyuk run /bin/ls -l /etc", "pyuk run --strace ./hello", "pyuk run -E LC_ALL=C --memory 512M sort FILE"),
        )
    tracer: Tracer | None = None
    if parsed.has("strace"):
        from pyuk.trace.sink import stderr_sink  # noqa: PLC0415
        from pyuk.trace.strace import Tracer as Strace  # noqa: PLC0415

        tracer = Strace(stderr_sink())
    return _execute(parsed, tracer)


def _strace(words: list[str]) -> int:
    parsed = parse(words, _STRACE_OPTIONS)
    if parsed.has("help"):
        return _help(
            "pyuk strace [OPTIONS] PROGRAM [ARG...]",
            "Run a program and log its system calls in strace's format.",
            _STRACE_OPTIONS,
            ("pyuk strace /bin/true", "pyuk strace -o log -e trace=%file,read /bin/cat /etc/hostname"),
        )
    from pyuk.trace.command import LogError, make_tracer  # noqa: PLC0415

    try:
        tracer = make_tracer(parsed)
    except LogError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise Refusal(f"{parsed.get('output')}: {error.strerror}", FAILURE_STATUS) from None
    try:
        return _execute(parsed, tracer)
    finally:
        tracer.close()


def _show(words: list[str]) -> int:
    what, rest = (words[0], words[1:]) if words and not words[0].startswith("-") else ("", words)
    parsed = parse(rest, _SHOW_OPTIONS)
    from pyuk.trace import show  # noqa: PLC0415

    if parsed.has("help"):
        return _help(
            "pyuk show headers|auxv|args|maps|libs [OPTIONS] PROGRAM [ARG...]",
            "\n".join(f"  {name:9}{text}" for name, text in show.VIEWS.items()),
            _SHOW_OPTIONS,
            ("pyuk show maps /bin/ls", "pyuk show maps --at-exit /bin/true", "pyuk show libs /usr/bin/python3"),
        )
    if what not in show.VIEWS:
        raise UsageError(f"show what? one of {', '.join(show.VIEWS)}")
    if what == "libs":
        parsed.values.setdefault("env", []).append("LD_TRACE_LOADED_OBJECTS=1")
        return _execute(parsed, None)
    if parsed.has("at_exit"):
        if what != "maps":
            raise UsageError("only maps can be shown at exit")
        return _execute(parsed, None)
    system, task, program = _start(parsed, None)
    try:
        text = show.view(what, task, program)
    finally:
        system.close()
    return _print(text)


def _help(usage: str, summary: str, options: Sequence[Option], examples: Sequence[str]) -> int:
    return _print(help_text(usage, summary, options, examples) + "\n")


def _execute(parsed: Parsed, tracer: Tracer | None) -> int:
    """Run what the command line names; the shell's exit status for it."""
    from pyuk.outside import Outside  # noqa: PLC0415

    system, task, program = _start(parsed, tracer)
    Outside(system).watch(task.actions)
    gc.freeze()  # what has been imported stays: never look through it again
    gc.enable()
    reports: list[str] = []
    if parsed.has("stats") or parsed.has("at_exit"):
        _report_memory(system, task, reports, maps_only=parsed.has("at_exit"))
    status = system.run(task)
    if reports and parsed.has("at_exit"):
        _print(reports[-1])
    elif reports:
        _write(2, reports[-1])
    for message in system.kernel.messages:
        _say(message, 0)
    crash = task.process.crash
    if crash is None:
        return status
    from pyuk.trace.crash import crash_line  # noqa: PLC0415

    _say(crash_line(program, crash), 0)
    return 128 - status


def _report_memory(system: System, task: Task, reports: list[str], *, maps_only: bool) -> None:
    """Note what there is to say of the program's memory when it ends."""
    process, cpu = task.process, system.machine.cpu

    def look(last: Task) -> None:
        if last.process is process:
            from pyuk.mm.stats import report  # noqa: PLC0415

            memory = last.mm
            reports.append(memory.maps() if maps_only else report(memory, cpu.n_tlb_flushes, cpu.n_frames_dropped))

    system.kernel.on_memory_end = look


def _keep_cores(system: System, directory: str | None) -> None:
    if directory:
        if not os.path.isdir(directory):
            raise Refusal(f"--core {directory}: not a directory", FAILURE_STATUS)
        system.keep_cores(os.path.abspath(directory))


def _seed(parsed: Parsed) -> int | None:
    text = parsed.get("seed", "0")
    if not parsed.has("deterministic"):
        if parsed.has("seed"):
            raise UsageError("--seed is of use with --deterministic only")
        return None
    if not text.isdecimal():
        raise UsageError(f"--seed {text}: not a whole number")
    return int(text)


def _n_cpus(parsed: Parsed) -> int:
    text = parsed.get("cpus", "1")
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_CPUS:
        raise UsageError(f"--cpus {text}: not a number from 1 to {_MOST_CPUS}")
    return int(text)


def _clock(parsed: Parsed) -> tuple[Clock | None, int | None]:
    """What --time and --time-scale ask for: a clock, None for the usual one, and when that begins, None: now."""
    if not parsed.has("time") and not parsed.has("time_scale"):
        return None, None
    from pyuk.kernel.shifted import ShiftedClock, parse_date, parse_scale  # noqa: PLC0415

    try:
        start_ns = parse_date(parsed.get("time")) if parsed.has("time") else None
        scale = parse_scale(parsed.get("time_scale")) if parsed.has("time_scale") else None
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not parsed.has("deterministic"):
        return ShiftedClock(start_ns, 1.0 if scale is None else scale), None
    if scale is not None:
        raise UsageError("--time-scale means nothing with --deterministic: its time is counted in what is executed")
    return None, start_ns


def _start(parsed: Parsed, tracer: Tracer | None) -> tuple[System, Task, str]:
    if not parsed.rest:
        raise UsageError("no program given")
    from pyuk.abi.errno import message  # noqa: PLC0415
    from pyuk.fs.stdio import stdio_table  # noqa: PLC0415
    from pyuk.fs.view import ViewError  # noqa: PLC0415
    from pyuk.loader import LoadError  # noqa: PLC0415
    from pyuk.machine.engine import MachineError  # noqa: PLC0415
    from pyuk.system import DEFAULT_MEMORY_BYTES, Repeatable, System  # noqa: PLC0415

    environment = _environment(parsed)
    name, *arguments = parsed.rest
    memory = parsed.get("memory")
    seed, (clock, start_ns), n_cpus = _seed(parsed), _clock(parsed), _n_cpus(parsed)
    limits = caller.limits()
    caller.raise_own_limits()
    try:
        system = System(
            memory_bytes=_size(memory) if memory else DEFAULT_MEMORY_BYTES,
            clock=clock,
            nodename="pyuk" if parsed.has("deterministic") else os.uname().nodename,
            host_order=not parsed.has("deterministic"),
            mounts=_mounts(parsed),
            repeatable=None if seed is None else Repeatable(seed, start_ns),
        )
    except (MachineError, ViewError, OSError, OverflowError, ValueError) as error:
        what = f"--memory {memory}: " if memory and not isinstance(error, (MachineError, ViewError)) else ""
        raise Refusal(what + (getattr(error, "strerror", None) or str(error)), FAILURE_STATUS) from None
    system.kernel.n_cpus = n_cpus
    _keep_cores(system, parsed.get("core"))
    fs = _directory(system, parsed.get("chdir"))
    program = _search(system, fs, name, environment)
    try:
        task = system.start(
            program,
            [os.fsencode(word) for word in (parsed.get("argv0", name), *arguments)],
            environment,
            fs=fs,
            limits=limits,
            files=stdio_table(system.host, caller.standard_fds()),
            signals=caller.signals(),
            tracer=tracer,
        )
    except LoadError as error:
        status = NOT_FOUND_STATUS if error.errno == _ENOENT else CANNOT_EXECUTE_STATUS
        if error.fatal:  # past the point where execve(2) can fail: Linux kills what is left of the process
            raise Refusal(
                f"{name}: killed by SIGSEGV while it was loaded: {error.reason}", _KILLED_BY_SIGSEGV
            ) from None
        raise Refusal(f"{name}: cannot execute: {error.reason or message(error.errno)}", status) from None
    return system, task, name


def _mounts(parsed: Parsed) -> list[MountSpec] | None:
    """What the options say of the program's tree; None where they say nothing. Raises UsageError, ViewError."""
    keys = ("root", "bind", "tmpfs", "overlay", "read_only")
    if not any(parsed.has(key) for key in keys):
        return None
    from pyuk.fs.view import chosen_view, parse_bind  # noqa: PLC0415

    try:
        return chosen_view(
            root=os.fsencode(parsed.get("root")), binds=[parse_bind(os.fsencode(text)) for text in parsed.all("bind")],
            tmpfs=[os.fsencode(text) for text in parsed.all("tmpfs")], has_overlay=parsed.has("overlay"),
            upper=os.fsencode(parsed.get("overlay")), read_only=parsed.has("read_only"),
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(str(error)) from None


def _directory(system: System, chosen: str) -> FsContext:
    """The program's view from the directory it starts in."""
    from pyuk.abi.errno import SyscallError, message  # noqa: PLC0415

    try:
        return system.look_from(*((os.fsencode(chosen),) if chosen else caller.directory()))
    except SyscallError as error:
        raise Refusal(f"{chosen or '.'}: {message(error.errno)}", FAILURE_STATUS) from None
    except OSError as error:
        raise Refusal(f"{chosen or '.'}: {error.strerror}", FAILURE_STATUS) from None


def _environment(parsed: Parsed) -> list[bytes]:
    """The caller's strings, with -E as putenv(3) and unsetenv(3) would change them."""
    environment = [] if parsed.has("clear_env") else caller.environment()
    for setting in parsed.all("env"):
        text = os.fsencode(setting)
        key, equals, _value = text.partition(b"=")
        places = [at for at, entry in enumerate(environment) if entry.startswith(key + b"=")]
        if not equals:
            environment = [entry for at, entry in enumerate(environment) if at not in places]
        elif places:
            environment[places[0]] = text
        else:
            environment.append(text)
    return environment


def _search(system: System, fs: FsContext, name: str, environment: Sequence[bytes]) -> bytes:
    """The path that execvp(3) would execute in the program's view, or in what of the host's is hidden there."""
    if "/" in name:
        return os.fsencode(name)
    from pyuk.abi.errno import EACCES, SyscallError  # noqa: PLC0415
    from pyuk.abi.stat import S_IFMT, S_IFREG  # noqa: PLC0415
    from pyuk.abi.unistd import X_OK  # noqa: PLC0415

    denied = False
    paths = [entry[5:] for entry in environment if entry.startswith(b"PATH=")]
    places = [
        (directory or b".") + b"/" + os.fsencode(name)
        for directory in (paths[0] if paths else b"/bin:/usr/bin").split(b":")
    ]
    for path in places:
        try:
            if fs.stat(path).st_mode & S_IFMT == S_IFREG:
                fs.access(path, X_OK)
                return path
        except SyscallError as error:
            denied = denied or error.errno == EACCES
    for path in places:
        if path[:1] == b"/" and system.admit_program(path):
            return path
    if denied:
        raise Refusal(f"{name}: Permission denied", CANNOT_EXECUTE_STATUS)
    raise Refusal(f"{name}: command not found", NOT_FOUND_STATUS)


def _size(text: str) -> int:
    """Bytes from "64M" or "4G". Raises UsageError."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper(), 1)
    digits = text[:-1] if factor > 1 else text
    if not digits.isdecimal() or int(digits) * factor < 1 << 20:
        raise UsageError(f"--memory {text}: not a size of at least 1M")
    return int(digits) * factor


_COMMANDS: dict[str, Callable[[list[str]], int]] = {"run": _run, "strace": _strace, "show": _show}
