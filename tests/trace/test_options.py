"""The options of strace: each line as the host's strace 6.1 writes it with the same ones."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.native import strace_native, strace_pyuk, why_no_strace
from tests.scrub import scrub_trace

SCRIPT = "echo hi; read x </etc/hostname; cd /; test -e /nowhere; kill -USR2 $$"
CALLS = "openat,read,write,mmap,newfstatat,rt_sigaction,kill,fcntl,dup2,close,chdir,access"
OPTIONS = (
    "", "-t", "-tt", "-ttt", "-r", "-r -tt", "-T", "-n", "-i", "-n -i -tt -T", "--syscall-times=ns",
    "--relative-timestamps=ms", "--absolute-timestamps=unix,ns", "--absolute-timestamps=format:time,precision:ms",
    "-e status=failed", "-e status=!failed", "-z", "-Z", "-e signal=none", "-e signal=!USR2", "-e signal=kill,usr2",
    "-qq", "-a 60", "-a 1", "-e raw=all", "-e raw=newfstatat,kill", "-e read=3 -e write=1", "-e write=all",
    "-P /etc/hostname", "-P /etc/hostname -P /nowhere", "-s 5", "-s 0", "-x", "-xx", "--strings-in-hex=non-ascii-chars",
    "-X raw", "-X verbose", "-y", "-yy", "-v", "-e abbrev=none", "-e abbrev=!newfstatat",
    "-e fault=openat:error=EIO:when=3", "-e fault=access", "-e inject=write:signal=USR1",
    "-e inject=openat:delay_enter=1000:when=2", "-e inject=openat:delay_exit=1000:when=2..3",
    "-e inject=write:retval=3", "-e inject=chdir:error=EACCES:signal=SIGTERM",
)  # fmt: skip
_SCRUBS = (
    (r"\d\d:\d\d:\d\d", "TIME"),
    (r"\b\d{10}\b", "UNIX"),
    (r"\.\d{3}(\d{3})?(\d{3})?\b(?=[ >)])", ".FRACTION"),
    (r"\[0000[0-9a-f]{12}\]", "[IP]"),
    (r" /\* 20\d\d-.*? \*/", ""),
    (r"(_nsec|st_dev|st_ino|st_blocks)=(makedev\(.*?\)|\d+)", r"\1=N"),
    (r"(pipe|socket):\[\d+\]", r"\1:[N]"),
    (r"\bkill\((0x)?[0-9a-f]+", "kill(PID"),
    (r" +(= )", r" \1"),
    (r"^(.*)execve\(.*\n", ""),
)


def scrubbed(log: str, cwd: Path) -> str:
    """Without times and addresses; the first line, whose environment differs, is dropped."""
    text = scrub_trace(log, "options/sh", cwd=str(cwd))
    for pattern, replacement in _SCRUBS:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


@pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace())
@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options or "none")
def test_as_the_hosts(options: str, tmp_path: Path) -> None:
    """Both write the same, and the program ends the same way."""
    words = [*shlex.split(options), "-e", f"trace={CALLS}"]
    outcome, wanted = strace_native("/bin/sh", ["-c", SCRIPT], cwd=tmp_path, options=words)
    own, log = strace_pyuk("/bin/sh", ["-c", SCRIPT], cwd=tmp_path, options=words)
    assert scrubbed(log, tmp_path) == scrubbed(wanted, tmp_path)
    assert (own.status, own.signal, own.stdout) == (outcome.status, outcome.signal, outcome.stdout)
