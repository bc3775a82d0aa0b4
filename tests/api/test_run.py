"""pyuk.run: like subprocess.run, and everything about the run can be asked for."""

from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

import pyuk
from pyuk.api import warm

HELLO = """
    .globl _start, message
_start:
    mov $1, %eax
    mov $1, %edi
    lea message(%rip), %rsi
    mov $14, %edx
    syscall
    mov $60, %eax
    mov $7, %edi
    syscall
    .data
message:
    .ascii "Hello, Python\\n"
"""
CRASH = """
    .globl _start
_start:
    mov $0x1234, %ebx
    mov %rax, 0x10(%rip)
"""


def assemble(source: str, directory: Path, name: str = "program") -> Path:
    """A static program from assembler text."""
    program = directory / name
    command = ["gcc", "-nostdlib", "-static", "-x", "assembler", "-", "-o", str(program)]
    subprocess.run(command, input=source.encode(), check=True)
    return program


def test_everything_about_a_run(tmp_path: Path) -> None:
    """Output, calls, registers, memory, maps."""
    done = pyuk.run(assemble(HELLO, tmp_path))
    assert (done.returncode, done.stdout, done.stderr, done.signal) == (7, b"Hello, Python\n", b"", None)
    assert [call.name for call in done.syscalls] == ["execve", "write", "exit"]
    write = done.syscalls[1]
    assert (write.args[0], write.args[2], write.result, write.errno) == (1, 14, 14, "")
    assert write.text.startswith('write(1, "Hello, Python\\n", 14)')
    assert write.text.endswith("= 14")
    assert done.trace.splitlines()[1] == write.text
    assert done.trace.endswith("+++ exited with 7 +++\n")
    assert done.registers["rdi"] == 7
    assert done.registers["rax"] == 60
    assert done.memory("message", 5) == b"Hello" == done.memory(write.args[1], 5)
    assert done.maps.splitlines()[0].endswith("/program")
    assert done.stats["Page faults: file read"] > 0
    assert done.crash is None
    assert done.crash_report == ""


def test_a_crash_is_told(tmp_path: Path) -> None:
    """Signal, registers and instruction."""
    done = pyuk.run(assemble(CRASH, tmp_path))
    assert done.returncode == -signal.SIGSEGV
    assert done.signal is signal.SIGSEGV
    assert done.registers["rbx"] == 0x1234
    assert done.crash is not None
    assert "killed by SIGSEGV" in done.crash_report
    assert "mov qword ptr" in done.crash_report


def test_check_and_text_and_input() -> None:
    """As subprocess.run has them."""
    done = pyuk.run("/usr/bin/tr", ["a-z", "A-Z"], input="grüße\n", text=True, check=True)
    assert done.stdout == "GRüßE\n"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        pyuk.run("/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], text=True, check=True)
    assert (caught.value.returncode, caught.value.stdout, caught.value.stderr) == (3, "out\n", "err\n")


def test_streams_as_subprocess_has_them(tmp_path: Path) -> None:
    """STDOUT, DEVNULL, files."""
    both = pyuk.run("/bin/sh", ["-c", "echo one; echo two >&2; echo three"], stderr=pyuk.STDOUT)
    assert (both.stdout, both.stderr) == (b"one\ntwo\nthree\n", None)
    with (tmp_path / "out").open("wb") as out:
        assert pyuk.run("/bin/echo", ["hello"], stdout=out).stdout is None
    assert (tmp_path / "out").read_bytes() == b"hello\n"
    with (tmp_path / "out").open("rb") as inp:
        assert pyuk.run("/bin/cat", stdin=inp).stdout == b"hello\n"
    quiet = pyuk.run("/bin/sh", ["-c", "cat; echo x"], stdout=pyuk.DEVNULL)
    assert quiet.stdout is None
    assert quiet.returncode == 0


def test_much_output_and_much_input() -> None:
    """More than any pipe holds."""
    data = os.urandom(1 << 16) * 48
    assert pyuk.run("/bin/cat", input=data, trace=False).stdout == data
    done = pyuk.run("/usr/bin/head", ["-c", "100000000", "/dev/zero"], trace=False)
    assert len(done.stdout or b"") == 100_000_000


@pytest.mark.parametrize("what", ["while :; do :; done", "cat", "read x"])
def test_a_timeout_kills_in_a_loop_and_in_a_call(what: str) -> None:
    """And what came before is told."""
    read_end, write_end = os.pipe()
    try:
        with pytest.raises(subprocess.TimeoutExpired) as caught, os.fdopen(read_end, "rb") as stdin:
            pyuk.run("/bin/sh", ["-c", f"echo before; {what}"], stdin=stdin, timeout=0.4)
    finally:
        os.close(write_end)
    assert caught.value.output == b"before\n"


def test_a_timeout_kills_among_page_faults(tmp_path: Path) -> None:
    """The kernel is busy all the time."""
    source = """
        .globl _start
        _start: lea space(%rip), %rdi
        again:  mov $0x4000, %ecx
        touch:  movb $1, (%rdi)
                add $0x1000, %rdi
                loop touch
                lea space(%rip), %rdi
                mov $0x4000000, %esi
                mov $4, %edx
                mov $28, %eax
                syscall
                jmp again
                .bss
                .balign 0x1000
        space:  .skip 0x4000000
    """
    with pytest.raises(subprocess.TimeoutExpired):
        pyuk.run(assemble(source, tmp_path), timeout=0.3, trace=False)


def test_what_cannot_be_executed(tmp_path: Path) -> None:
    """The errors of execve, and of the caller."""
    with pytest.raises(FileNotFoundError):
        pyuk.run("/no/such/program")
    with pytest.raises(PermissionError):
        pyuk.run("/etc/passwd")
    junk = tmp_path / "junk"
    junk.write_bytes(b"\1\2\3\4" * 64)
    junk.chmod(0o755)
    with pytest.raises(OSError, match="not an ELF file") as caught:
        pyuk.run(junk)
    assert caught.value.errno == errno.ENOEXEC
    with pytest.raises(ValueError, match="input and stdin"):
        pyuk.run("/bin/cat", input=b"", stdin=pyuk.DEVNULL)
    with pytest.raises(ValueError, match="not traced"):
        _ = pyuk.run("/bin/true", trace=False).syscalls


def test_runs_are_alike_and_know_nothing_of_each_other() -> None:
    """Clock and pids are as in the first run."""
    script = "date +%s; /bin/sh -c 'echo $$ $PPID'; echo $$"
    first, second = (pyuk.run("/bin/sh", ["-c", script], text=True) for _ in range(2))
    assert first.stdout == second.stdout == "1700000000\n1002 1000\n1000\n"
    assert pyuk.run("/bin/sh", ["-c", script], time=86400, text=True).stdout.startswith("86400\n")


def test_memory_comes_back(tmp_path: Path) -> None:
    """What a Completed keeps is free again when it goes, and no run leaves anything."""
    program = assemble(HELLO, tmp_path)
    pyuk.run(program)
    gc.collect()
    platform = warm.take(pyuk.system.DEFAULT_MEMORY_BYTES)
    before = platform.machine.ram.n_used
    warm.give_back(platform)
    kept = [pyuk.run(program) for _ in range(3)]
    assert [done.memory("message", 5) for done in kept] == [b"Hello"] * 3
    del kept
    for _ in range(20):
        pyuk.run(program)
    gc.collect()
    assert warm.take(pyuk.system.DEFAULT_MEMORY_BYTES) is platform
    assert platform.machine.ram.n_used == before
    warm.give_back(platform)


def test_in_several_threads_at_once() -> None:
    """Each thread has a System of its own."""
    results: list[bytes] = []

    def work(number: int) -> None:
        results.append(pyuk.run("/bin/sh", ["-c", f"for i in 1 2 3; do /bin/echo {number}; done"]).stdout)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [b"%d\n" % number * 3 for number in range(4)]


def test_what_it_writes_is_told_and_does_not_reach_the_host(tmp_path: Path) -> None:
    """Created, changed and deleted names with their contents."""
    (tmp_path / "old").write_text("before")
    (tmp_path / "gone").write_text("x")
    script = "echo new > new; echo more >> old; rm gone; mkdir d; ln -s new d/link; cat old new"
    done = pyuk.run("/bin/sh", ["-c", script], cwd=tmp_path, text=True, check=True)
    assert done.stdout == "beforemore\nnew\n"
    changes = {name.removeprefix(f"{tmp_path}/"): (c.kind, c.data) for name, c in done.files.items()}
    assert changes == {
        "new": ("created", b"new\n"), "old": ("changed", b"beforemore\n"), "gone": ("deleted", None),
        "d": ("created", None), "d/link": ("created", b"new"),
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gone", "old"]
    assert (tmp_path / "old").read_text() == "before"


def test_other_trees(tmp_path: Path) -> None:
    """Mounts as on the command line, and the directory of the caller's as it is."""
    (tmp_path / "file").write_text("here")
    seen = pyuk.run("/bin/sh", ["-c", "cat /srv/data/file; echo x > /srv/data/out; ls /empty"],
                    mounts=[f"{tmp_path}:/srv/data:rw"], tmpfs=["/empty"], text=True)  # fmt: skip
    assert (seen.stdout, seen.stderr) == ("here", "")
    assert (tmp_path / "out").read_text() == "x\n"
    plain = pyuk.run("/bin/sh", ["-c", "echo y > out; echo z > /var/out"], cwd=tmp_path, overlay=False, text=True)
    assert "Read-only file system" in plain.stderr
    assert (tmp_path / "out").read_text() == "y\n"
    assert plain.files == {}
    with pytest.raises(ValueError, match="HOST:GUEST"):
        pyuk.run("/bin/true", mounts=["nonsense"])
    with pytest.raises(ValueError, match="No such file"):
        pyuk.run("/bin/true", mounts=["/no/such/dir:/x"])
