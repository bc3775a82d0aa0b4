"""What a review found: guests natively first, then on pyuk, and a command line under hostile conditions."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.guests import REPOSITORY, Guest, guests
from tests.native import run_native, run_pyuk

PYUK = [sys.executable, "-m", "pyuk"]


@pytest.mark.parametrize("guest", guests("review"), ids=str)
@pytest.mark.parametrize("where", ["host", "pyuk"])
def test_guest(guest: Guest, where: str, tmp_path: Path) -> None:
    """The host's kernel does what the guest's comment claims, and pyuk too."""
    program = f"./{guest.build().name}"
    shutil.copy(guest.build(), tmp_path)  # not a link: where it was built it could not be written in any case
    run = run_native if where == "host" else run_pyuk
    outcome = run(program, guest.args, cwd=tmp_path)
    assert (outcome.signal, outcome.status) == (None, guest.status), outcome


def sh(command: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell line in which $PYUK is the command."""
    environment = dict(os.environ, PYUK=" ".join(PYUK), PYTHONPATH=str(REPOSITORY))
    return subprocess.run(["sh", "-c", command], capture_output=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize(
    "line", ["--help >/dev/full", "show maps /bin/true >/dev/full", "show maps /bin/true >&-", "run nonex 2>/dev/full"]
)
def test_output_that_fails_is_no_traceback(line: str) -> None:
    """A full or closed standard output gives one line."""
    done = sh(f"$PYUK {line}")
    assert b"Traceback" not in done.stderr


def test_status_survives_a_full_stderr() -> None:
    """The exit status does not depend on whether the message could be written."""
    assert sh("$PYUK run nonex 2>/dev/full").returncode == 127
    assert sh("$PYUK run nonex 2>&-").returncode == 127


def test_log_is_not_a_guest_descriptor(tmp_path: Path) -> None:
    """With standard output closed, strace -o must not become the guest's descriptor 1."""
    log = tmp_path / "log"
    sh(f"$PYUK strace -o {log} /bin/echo hello >&-")
    assert b"hello\n" not in log.read_bytes().splitlines(keepends=True)
    assert b"write(1" not in log.read_bytes() or b"EBADF" in log.read_bytes()


def test_environment_is_the_callers() -> None:
    """Python's locale coercion (PEP 538) is not the guest's business."""
    done = subprocess.run(
        [*PYUK, "run", "/usr/bin/env"], env={"A": "1"}, cwd=REPOSITORY, capture_output=True, check=False
    )
    assert done.stdout == b"A=1\n"


def test_ignored_signals_stay_ignored() -> None:
    """nohup(1): what the caller ignores, the program ignores."""
    done = sh("trap '' HUP; $PYUK run /bin/sh -c 'kill -HUP $$; echo alive'")
    assert done.stdout == b"alive\n"


def test_interrupted_large_write_is_not_repeated(tmp_path: Path) -> None:
    """pipe(7): a blocking write that a handler interrupts returns what it wrote; SA_RESTART repeats nothing."""
    source = tmp_path / "bw.c"
    source.write_text(
        "#include <signal.h>\n#include <stdlib.h>\n#include <unistd.h>\nstatic void h(int s){(void)s;}\n"
        "int main(void){struct sigaction a={.sa_handler=h,.sa_flags=SA_RESTART};sigaction(SIGTERM,&a,0);\n"
        "unsigned*b=malloc(1<<20);for(int i=0;i<1<<18;i++)b[i]=i;long n=write(1,b,1<<20);return n!=65536;}\n"
    )
    program = tmp_path / "bw"
    subprocess.run(["gcc", "-o", program, source], check=True)
    for command in ([str(program)], [*PYUK, "run", str(program)]):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=REPOSITORY)
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)  # a reader would make room before the signal has been seen
        out = process.communicate(timeout=30)[0]
        assert (len(out), process.returncode) == (65536, 0), command


def test_system_gives_everything_back() -> None:
    """Twenty programs, twenty failures while loading: no descriptor, task or frame more than after the first."""
    script = """
import os, struct, sys
from pyuk.abi.errno import SyscallError
from pyuk.system import System
elf = struct.pack('<16sHHIQQQIHHHHHH', b'\\x7fELF\\x02\\x01\\x01', 2, 62, 1, 1 << 63, 64, 0, 0, 64, 56, 1, 0, 0, 0)
elf += struct.pack('<IIQQQQQQ', 1, 5, 0, 0x400000, 0x400000, 0x1000, 0x1000, 0x1000)
open('late', 'wb').write(elf.ljust(8192, b'\\0')); os.chmod('late', 0o755)
system = System(memory_bytes=1 << 28)
def once():
    system.run(system.start(b'/bin/true', [b'true'], []))
    try:
        system.start(b'late', [b'late'], [])
    except SyscallError:
        pass
    return len(os.listdir('/proc/self/fd')), system.machine.ram.n_used, len(system.kernel.tasks)
once(); first = once()
for _ in range(20): last = once()
sys.exit(f'{first} became {last}' if first != last else 0)
"""
    environment = dict(os.environ, PYTHONPATH=str(REPOSITORY))
    with tempfile.TemporaryDirectory() as cwd:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, cwd=cwd, env=environment, check=False
        )
    assert done.returncode == 0, done.stderr.decode()
