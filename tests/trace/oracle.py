"""The programs whose traces are compared: how they are built, run under the host's strace, and scrubbed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from pyuk.trace.sink import file_sink
from pyuk.trace.strace import Tracer
from tests.trace import native

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
PROGRAMS = ("files", "polling", "process", "results", "terminals")

_N = r"-?\d+"
RULES: tuple[tuple[str, str, str], ...] = (
    (r"0x7ff[0-9a-f]{9}\b", "0xSTACK", "the stack and the mappings begin where the environment and strace leave them"),
    (r"/\* \d+ vars \*/", "/* N vars */", "setarch(8) adds to the environment"),
    (r'getrandom\(".*?"', 'getrandom("RANDOM"', "random bytes"),
    (r"(getpgrp\(\)|getpgid\(0\)|getsid\(0\))( += ).*", r"\1\2N", "the process group of the test run"),
    (r"getcpu\(.*", "getcpu(N)", "the CPU of the moment"),
    (r"(\[)\d+( /\* )\S+( \*/\])", r"\1N\2DATE\3", "time(2) stores the time"),
    (r"^time\((.*)\)( += ).*", r"time(\1)\2TIME", "the time"),
    (r"(tv_u?n?sec=)\d{5,}", r"\1N", "clocks, and what an interrupted sleep had left"),
    (r"(CLOCK_MONOTONIC, \{tv_sec=)(?!60)\d+(, tv_nsec=\w+\}\))", r"\1N\2", "a clock"),
    (r"^gettimeofday\(\{tv_sec=.*?\}", "gettimeofday({}", "the time"),
    (r"f_(bfree|bavail|ffree)=\d+", r"f_\1=N", "room on the disk"),
    (r"^times\((.*)\)( += ).*", r"times()\2TIME", "CPU times"),
    (r"ru_(u|s)time=\{.*?\}", r"ru_\1time={}", "CPU times"),
    (rf"(\w+)={_N}(?=.*mem_unit)", r"\1=N", "sysinfo(2)"),
    (r"loads=\[.*?\]", "loads=[]", "sysinfo(2)"),
)
"""What differs between two runs on one kernel: (pattern, replacement, why)."""


def build(program: str, directory: Path) -> Path:
    """Compile one of PROGRAMS, static and at fixed addresses."""
    source, path = HERE / "programs" / f"{program}.c", directory / program
    command = ["gcc", "-w", "-O1", "-static", "-no-pie", "-fno-pie", "-o", str(path), str(source)]
    subprocess.run(command, check=True)
    return path


def host_trace(argv: list[str], directory: Path) -> str:
    """What the host's strace writes about a run."""
    log = directory / "strace.txt"
    command = ["setarch", "-R", "strace", "-o", str(log), *argv]
    null = subprocess.DEVNULL
    subprocess.run(command, cwd=directory, env=native.ENVIRONMENT, stdin=null, stdout=null, stderr=null, check=False)
    return log.read_text()


def own_trace(argv: list[str], directory: Path, record: Path | None = None) -> str:
    """What pyuk's tracer writes about the same native run."""
    log = directory / "own.txt"
    tracer = Tracer(file_sink(str(log)))
    native.run(argv, tracer, directory, record)
    tracer.close()
    return log.read_text()


def replayed_trace(recording: Path, directory: Path) -> str:
    """What pyuk's tracer writes about a recorded run."""
    log = directory / "replayed.txt"
    tracer = Tracer(file_sink(str(log)))
    native.replay(recording, tracer)
    tracer.close()
    return log.read_text()


def scrub(text: str) -> str:
    """A trace as it can be compared with that of another run."""
    pid = re.search(r"^set_tid_address\(.*= (\d+)$", text, re.MULTILINE)
    if pid is not None:
        text = re.sub(rf"(?<![\w.]){pid[1]}\b", "PID", text)
    for pattern, replacement, _why in RULES:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
