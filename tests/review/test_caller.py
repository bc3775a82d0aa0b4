"""What the caller of the command leaves to the program: descriptors, signals, environment, limits, directory."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests import REPOSITORY

PYUK = [sys.executable, "-m", "pyuk"]
OPEN_ALL = "#include <fcntl.h>\n#include <time.h>\n#include <unistd.h>\n#include <sys/stat.h>\n"


def compile_c(directory: Path, name: str, text: str) -> str:
    """A native program from C."""
    source = directory / f"{name}.c"
    source.write_text(text)
    subprocess.run(["gcc", "-w", "-o", directory / name, source], check=True)
    return str(directory / name)


def sh(command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """A shell line in which $PYUK is the command."""
    environment = dict(os.environ, PYUK=shlex.join(PYUK), PYTHONPATH=str(REPOSITORY))
    return subprocess.run(["sh", "-c", command], cwd=cwd, capture_output=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize("limit", ["-n 40", "-Sn 40"])
def test_a_program_that_opens_all_it_may(tmp_path: Path, limit: str) -> None:
    """Out of descriptors is EMFILE for the guest; pyuk goes on importing, sleeping and reading directories."""
    program = compile_c(
        tmp_path,
        "all",
        OPEN_ALL + 'int main(void){int n=0;char b[99];while(open("/dev/null",0)>=0)n++;'
        'struct timespec t={0,1000};nanosleep(&t,0);mkdir("/nonexistent/x",0);getcwd(b,99);umask(0);'
        'close(5);int d=open("/",O_DIRECTORY);return d==5&&n>15?7:1;}',
    )
    done = sh(f"ulimit {limit}; $PYUK run {program}")
    assert (done.returncode, done.stderr) == (7, b"")


def test_closed_standard_files_are_closed_for_the_program() -> None:
    """`<&-` and its kind: the program finds exactly these descriptors closed, and gets their numbers for new files."""
    line = "exec 2>&1; echo out; ls -l /proc/self/fd/0 >/dev/null 2>&1; echo $?; exec 5</dev/null; echo a >&5"
    for closed in ("<&-", "2>&-", "<&- 2>&-", ">&-"):
        command = f"/bin/sh -c {shlex.quote(line)} {closed}"
        mine, native = sh(f"$PYUK run {command}"), sh(command)
        assert (mine.returncode, mine.stdout) == (native.returncode, native.stdout), closed


def test_ctrl_c_while_starting_is_no_traceback() -> None:
    """SIGINT before the program runs ends pyuk as it would have ended the program."""
    program = "from pyuk.caller import settle; settle(); print(flush=True); import time; time.sleep(20)"
    child = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    assert child.communicate(timeout=30)[1] == b""
    assert child.returncode == -signal.SIGINT


@pytest.mark.parametrize("name", ["pyuk/__main__.py", "tools/pyuk"])
def test_settling_comes_first(name: str) -> None:
    """Both ways to start pyuk settle before they import anything large."""
    text = (REPOSITORY / name).read_text()
    assert 0 < text.index("settle()") < text.index("from pyuk.cli import main")


def test_blocked_signals_are_inherited(tmp_path: Path) -> None:
    """The mask of the caller is the program's, and pyuk still passes signals on."""
    program = compile_c(
        tmp_path,
        "mask",
        "#include <signal.h>\nint main(void){sigset_t s;sigprocmask(0,0,&s);"
        "return sigismember(&s,SIGTERM)|sigismember(&s,SIGUSR1)<<1|sigismember(&s,SIGHUP)<<2;}",
    )
    done = subprocess.run(
        [*PYUK, "run", program],
        cwd=REPOSITORY,
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1]),
        check=False,
    )
    assert done.returncode == 3


def test_nohup() -> None:
    """What nohup(1) ignores does not end the program either when it comes from outside."""
    child = subprocess.Popen(
        ["nohup", *PYUK, "run", "/bin/sh", "-c", "echo ready; sleep 1; echo alive"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    child.send_signal(signal.SIGHUP)
    assert child.communicate(timeout=30)[0] == b"alive\n"
    assert child.returncode == 0


def test_environment_is_bytes_in_order(tmp_path: Path) -> None:
    """Order, duplicates, entries without '=' and bytes that are no text come through; -E edits them as putenv(3)."""
    dump = compile_c(
        tmp_path,
        "dump",
        "#include <unistd.h>\n#include <string.h>\nint main(int c,char**v,char**e)"
        "{while(*e){write(1,*e,strlen(*e)+1);e++;}return 0;}",
    )
    start = compile_c(
        tmp_path,
        "start",
        '#include <unistd.h>\nint main(int c,char**v){char*e[]={"Z=1","noequals","A=\\xff\\xfe","Z=2","",0};'
        "execve(v[1],v+1,e);return 99;}",
    )
    given = [b"Z=1", b"noequals", b"A=\xff\xfe", b"Z=2", b""]
    environment_of = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from pyuk.cli import main; sys.exit(main())"
    pyuk = [start, sys.executable, "-c", environment_of, "run"]
    for options, wanted in (
        ([], given),
        (["-E", "Z=9"], [b"Z=9", *given[1:]]),
        (["-E", "Z"], [b"noequals", b"A=\xff\xfe", b""]),
        (["-E", "B=3"], [*given, b"B=3"]),
        (["--clear-env", "-E", "B=3"], [b"B=3"]),
    ):
        done = subprocess.run([*pyuk, *options, dump], capture_output=True, check=False)
        assert done.stdout == b"".join(entry + b"\0" for entry in wanted), (options, done.stderr)


@pytest.mark.parametrize("line", ["--help", "--version", "show maps /bin/true", "run --help", "show auxv /bin/true"])
def test_a_full_disk_is_one_line_and_125(line: str) -> None:
    """What was asked for cannot be written: the command has failed, and says so."""
    done = sh(f"$PYUK {line} >/dev/full")
    assert done.returncode == 125
    assert done.stderr == b"pyuk: standard output: No space left on device\n"
    done = sh(f"$PYUK {line} >&-")
    assert done.returncode == 125
    assert done.stderr == b"pyuk: standard output: Bad file descriptor\n"


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"])
def test_statuses_do_not_need_stderr(stderr: str) -> None:
    """127, 126 and 128+N stay what they are where nobody can read why."""
    assert sh(f"$PYUK run nonexistent {stderr}").returncode == 127
    assert sh(f"$PYUK run /etc/passwd {stderr}").returncode == 126
    assert sh(f"$PYUK run /bin/sh -c 'kill -SEGV $$' {stderr}").returncode == 139
    assert sh(f"$PYUK strace /bin/true {stderr}").returncode == 0
    assert sh(f"$PYUK nonsense {stderr}").returncode == 2


def test_memory_that_nobody_has_is_one_line() -> None:
    """--memory beyond the host's."""
    done = sh("$PYUK run --memory 100000000G /bin/true")
    assert done.returncode == 125
    assert done.stderr.startswith(b"pyuk: --memory 100000000G: ")
    assert b"Errno" not in done.stderr
    assert done.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_start_in_a_directory_that_may_not_be_searched(tmp_path: Path) -> None:
    """The working directory is inherited even where its name `.` is refused."""
    directory = tmp_path / "private"
    directory.mkdir(mode=0o700)
    try:
        done = subprocess.run(
            [*PYUK, "run", "/bin/sh", "-c", "echo here"],
            cwd=directory,
            env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
            user=65534,
            group=65534,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
    except PermissionError:
        pytest.skip("nobody may not execute this interpreter")
    assert done.stdout == b"here\n", done.stderr


def test_200_programs_leave_nothing(tmp_path: Path) -> None:
    """Programs, failures of both kinds, and children left over: all is as after the first round."""
    script = tmp_path / "rounds.py"
    script.write_text("""
import os, struct, sys
from pyuk.abi.errno import SyscallError
from pyuk.system import System
elf = struct.pack('<16sHHIQQQIHHHHHH', b'\\x7fELF\\x02\\x01\\x01', 2, 62, 1, 1 << 63, 64, 0, 0, 64, 56, 1, 0, 0, 0)
elf += struct.pack('<IIQQQQQQ', 1, 5, 0, 0x400000, 0x400000, 0x1000, 0x1000, 0x1000)
open('late', 'wb').write(elf.ljust(8192, b'\\0')); os.chmod('late', 0o755)
system = System(memory_bytes=1 << 28)
kernel = system.kernel
def once(n):
    if n % 4 == 0: system.run(system.start(b'/bin/true', [b'true'], []))
    if n % 4 == 1: system.run(system.start(b'/bin/sh', [b'sh', b'-c', b'sleep 9 & sleep 9 & read x </dev/null'], []))
    for path in (b'late', b'absent', b'/etc/passwd', b'/'):
        try: system.start(path, [path], [])
        except SyscallError: pass
    try: system.start(b'/bin/true', [b'true'], [], fs=system.look_from(b'/absent'))
    except OSError: pass
    return (len(os.listdir('/proc/self/fd')), system.machine.ram.n_used - system.cache.n_frames, len(kernel.tasks),
            len(kernel.processes), len(kernel.futexes), kernel.scheduler.has_others)
for n in range(4): first = once(n)
for n in range(196):
    last = once(n)
sys.exit(f'{first} became {last}' if first != last else 0)
""")
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        cwd=tmp_path,
        env=dict(os.environ, PYTHONPATH=str(REPOSITORY)),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
