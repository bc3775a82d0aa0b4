"""Core files: when there is one, what stands in it, and that the host's gdb reads it as it reads Linux's own."""

from __future__ import annotations

import re
import resource
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from tests.guests import guest
from tests.native import place, run_native, run_pyuk, strace_pyuk

CRASHER = guest("debug/crasher")
SHELL_STATUS = 128
needs_gdb = pytest.mark.skipif(shutil.which("gdb") is None, reason="gdb is not installed")

GDB_SCRIPT = """
bt
info threads
print heap
x/s heap
print kept + 4096
x/s kept + 4096
print data
x/s left_out
x/2dw untouched + 8192
info registers rip rsp rbp
info float
p $_siginfo.si_signo
p $_siginfo.si_code
p $_siginfo._sifields._sigfault.si_addr
thread 2
bt 2
frame function body
print half
"""


def crash(tmp_path: Path, *args: str) -> tuple[Path, Path]:
    """Let the program die on pyuk with --core; give the core file and the program."""
    cores = tmp_path / "cores"
    cores.mkdir()
    program = place(CRASHER, tmp_path)
    outcome = run_pyuk(program, args, cwd=tmp_path, options=("--core", str(cores)))
    assert outcome.signal is not None
    (core,) = cores.iterdir()
    return core, tmp_path / program


def gdb_on(program: Path, core: Path, tmp_path: Path) -> str:
    """What gdb says of a core file, without addresses and numbers of threads."""
    script = tmp_path / "script"
    script.write_text(GDB_SCRIPT)
    command = ["gdb", "-nx", "-batch", "-x", str(script), str(program), str(core)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    text = re.sub(r"warning: Section `.reg-xstate/\d+' in core file too small.", "", done.stdout + done.stderr)
    text = re.sub(r"\bLWP \d+", "LWP", text)
    text = re.sub(r"0x0*7[ef][0-9a-f]{10}|\b14\d{13}\b", "ADDR", text)
    text = re.sub(
        r"^(FPU|Last|Instruction Pointer|Operand Pointer|Opcode|Core was generated).*\n", "", text, flags=re.MULTILINE
    )
    return re.sub(r" +", " ", re.sub(r"^\n", "", text, flags=re.MULTILINE))


@needs_gdb
@pytest.mark.parametrize(("args", "signo"), [((), "SIGSEGV"), (("abort",), "SIGABRT")])
def test_gdb_reads_the_core(args: tuple[str, ...], signo: str, tmp_path: Path) -> None:
    """gdb finds signal, stacks of all threads, variables and memory in it."""
    core, program = crash(tmp_path, *args)
    text = gdb_on(program, core, tmp_path)
    assert f"Program terminated with signal {signo}" in text
    assert "in body (argument=0x0)" in text
    assert '"in the middle"' in text
    assert "= 0.5" in text
    assert "not this" not in text
    if not args:
        assert "inner (at=0x1, number=1.5)" in text
        assert '"on the heap"' in text


@needs_gdb
@pytest.mark.skipif(
    Path("/proc/sys/kernel/core_pattern").read_text() != "core\n", reason="the host puts core files elsewhere"
)
def test_gdb_says_the_same_of_the_hosts(tmp_path: Path) -> None:
    """Everything that gdb says of pyuk's core file it says of the one that the host's kernel writes."""
    core, program = crash(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        run_native(program, cwd=tmp_path, fixed_layout=True)
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    native = tmp_path / "core"
    if not native.exists():
        pytest.skip("the host's limits allow no core file")
    assert gdb_on(program, core, tmp_path) == gdb_on(program, native, tmp_path)


def test_what_stands_in_it(tmp_path: Path) -> None:
    """Each thread has a status, the process its own notes; anonymous memory is there, text and DONTDUMP are not."""
    core, _program = crash(tmp_path)
    assert core.stat().st_blocks * 512 < core.stat().st_size  # what was never touched is a hole
    with core.open("rb") as file:
        elf = ELFFile(file)
        assert elf["e_type"] == "ET_CORE"
        (segment,) = elf.iter_segments("PT_NOTE")
        assert isinstance(segment, NoteSegment)
        notes = [note["n_type"] for note in segment.iter_notes()]
        assert notes == [
            "NT_PRSTATUS", "NT_PRPSINFO", "NT_SIGINFO", "NT_AUXV", "NT_FILE", "NT_FPREGSET",
            "NT_PRSTATUS", "NT_FPREGSET",
        ]  # fmt: skip
        for segment in elf.iter_segments("PT_LOAD"):
            assert segment["p_filesz"] in (0, 4096, segment["p_memsz"])
            if segment["p_flags"] & 1:  # text is in its file; the vDSO is nowhere else
                assert segment["p_filesz"] == 0 or segment["p_memsz"] <= 2 * 4096


def _copied(tmp_path: Path) -> str:
    """The program itself, not a link: a guest's /tmp is its own, and the link may lead there."""
    shutil.copy(CRASHER.build(), tmp_path / "crasher")
    return "./crasher"


def _shell(tmp_path: Path, command: str) -> str:
    _copied(tmp_path)
    return run_pyuk("/bin/sh", ["-c", command + "; echo $?; ls"], cwd=tmp_path).stdout.decode()


def test_limit_and_directory(tmp_path: Path) -> None:
    """RLIMIT_CORE decides, and the file is `core` in the working directory; an old one is replaced."""
    status = SHELL_STATUS + signal.SIGSEGV
    assert _shell(tmp_path, "./crasher 2>&-") == f"{status}\ncrasher\n"
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if 0 <= hard < 1 << 26:
        pytest.skip("the host's limits allow no core file")
    (tmp_path / "core").write_text("old")
    assert _shell(tmp_path, "ulimit -c 100000; ./crasher 2>&-") == f"{status}\ncore\ncrasher\n"
    assert (tmp_path / "core").read_bytes()[:4] == b"\x7fELF"
    (tmp_path / "core").unlink()
    _shell(tmp_path, "ulimit -c 100; ./crasher 2>&-")
    assert 0 < (tmp_path / "core").stat().st_size <= 100 * 1024


def test_trace_says_so(tmp_path: Path) -> None:
    """The log's last line has it, and a wait status in a parent's log too."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if 0 <= hard < 1 << 26:
        pytest.skip("the host's limits allow no core file")
    program = _copied(tmp_path)
    _, log = strace_pyuk("/bin/sh", ["-c", f"ulimit -c 100000; exec {program}"], cwd=tmp_path)
    assert log.endswith("+++ killed by SIGSEGV (core dumped) +++\n")
    _, log = strace_pyuk("/bin/sh", ["-c", f"ulimit -c 100000; {program} abort; :"], cwd=tmp_path)
    assert "WTERMSIG(s) == SIGABRT && WCOREDUMP(s)" in log
