"""--deterministic, --seed, --time, --time-scale and --cpus of the command."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from pyuk.kernel.shifted import ShiftedClock, parse_date, parse_scale
from tests.guests import guest


def pyuk(*arguments: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    """Run the command."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    command = (sys.executable, "-m", "pyuk", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_deterministic_runs_are_the_same() -> None:
    """Output and log of two commands; another seed gives another."""
    program = str(guest("time/race_threads").build())
    runs = [pyuk("strace", "-f", "--deterministic", "--seed", seed, program, "aloud") for seed in ("4", "4", "5")]
    assert [done.returncode for done in runs] == [0, 0, 0]
    assert (runs[0].stdout, runs[0].stderr) == (runs[1].stdout, runs[1].stderr)
    assert runs[0].stdout != runs[2].stdout


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01", 0), ("2024-02-29", 1709164800), ("2024-02-29T12:30:00", 1709209800),
        ("2024-02-29T12:30:00+02:00", 1709202600), ("2024-02-29 12:30:00Z", 1709209800), ("@1700000000", 1700000000),
        ("@1.5", 1.5),
    ],
)  # fmt: skip
def test_dates(text: str, seconds: float) -> None:
    """In ISO 8601, UTC unless they say otherwise, and seconds."""
    assert parse_date(text) == int(seconds * 1e9)


@pytest.mark.parametrize("text", ["", "tomorrow", "2024-02-30", "1969-12-31", "@x", "@1e30", "@nan"])
def test_no_dates(text: str) -> None:
    """What is none, and what is too early."""
    with pytest.raises(ValueError, match="--time"):
        parse_date(text)


@pytest.mark.parametrize("text", ["", "0", "-1", "x", "nan", "inf", "1e7"])
def test_no_scales(text: str) -> None:
    """Time neither stands nor goes back."""
    with pytest.raises(ValueError, match="--time-scale"):
        parse_scale(text)


@pytest.mark.parametrize("mode", [(), ("--deterministic",)])
def test_time_begins_there(mode: tuple[str, ...]) -> None:
    """The program's calendar."""
    done = pyuk("run", *mode, "--time", "2024-02-29T12:30:00", "/bin/date", "-u", "+%F %H")
    assert (done.stdout, done.stderr, done.returncode) == ("2024-02-29 12\n", "", 0)


def test_time_goes_faster() -> None:
    """A sleep of 100 seconds takes a tenth of one, and the program's clocks say 100."""
    began = time.monotonic()
    done = pyuk("run", "--time-scale", "1000", "/bin/bash", "-c", "sleep 100; echo $SECONDS")
    assert (done.stderr, done.returncode) == ("", 0)
    assert int(done.stdout) >= 100
    assert time.monotonic() - began < 50


def test_the_vdso_goes_as_fast() -> None:
    """guest/time/vdso.c holds when time goes a hundred times as fast, and ten times as slow."""
    program = str(guest("time/vdso").build())
    for scale in ("100", "0.1"):
        done = pyuk("run", "--time-scale", scale, program)
        assert (done.stderr, done.returncode) == ("", 0)


def test_a_scaled_clock() -> None:
    """Its clocks go on together; what it waits for is the scaled time."""
    clock = ShiftedClock(7_000_000_000, 1000.0)
    before = clock.monotonic_ns(), clock.realtime_ns(), clock.boottime_ns(), clock.raw_ns()
    clock.wait(2_000_000_000)
    after = clock.monotonic_ns(), clock.realtime_ns(), clock.boottime_ns(), clock.raw_ns()
    assert all(new - old >= 2_000_000_000 for old, new in zip(before, after, strict=True))
    assert before[1] >= 7_000_000_000


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--seed", "3"), "--deterministic"), (("--deterministic", "--seed", "x"), "--seed x"),
        (("--deterministic", "--seed", "-1"), "--seed -1"), (("--time", "soon"), "--time soon"),
        (("--cpus", "0"), "--cpus 0"), (("--cpus", "65"), "--cpus 65"), (("--time-scale", "0"), "--time-scale 0"),
        (("--deterministic", "--time-scale", "2"), "--time-scale"),
    ],
)  # fmt: skip
def test_bad_options(options: tuple[str, ...], what: str) -> None:
    """One line, and the status of a command line that is not understood."""
    done = pyuk("run", *options, "/bin/true")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert what in done.stderr


@pytest.mark.parametrize("n_cpus", [1, 2, 5, 64])
def test_cpus(n_cpus: int) -> None:
    """So many are told of, by affinity, /proc and the vDSO."""
    program = str(guest("process/affinity", "glibc-pie").build())
    done = pyuk("run", "--cpus", str(n_cpus), program)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    script = "nproc; grep -c ^processor /proc/cpuinfo; taskset -c 0 grep Cpus_allowed_list /proc/self/status"
    done = pyuk("run", "--cpus", str(n_cpus), "/bin/sh", "-c", script)
    assert done.stdout == f"{n_cpus}\n{n_cpus}\nCpus_allowed_list:\t0\n"
