"""-f: children and threads in the log, each as the host's strace has it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guests import REPOSITORY
from tests.native import strace_native, strace_pyuk, why_no_strace
from tests.scrub import scrub_trace

THREADS = r"""
#include <pthread.h>
#include <unistd.h>
static void *sleeper(void *ignored) { sleep(30); return ignored; }
static void *quick(void *ignored) { return ignored; }
static void *execs(void *ignored) { usleep(20000); execl("/bin/true", "true", NULL); return ignored; }
int main(int argc, char **argv)
{
    pthread_t thread;
    pthread_create(&thread, NULL, argc == 1 ? quick : argv[1][0] == 'x' ? execs : sleeper, NULL);
    if (argc == 1)
        pthread_join(thread, NULL);
    else if (argv[1][0] == 'x')
        sleep(30);
    usleep(20000);
    _exit(3);
}
"""
COMMANDS = {
    "subshell": ["/bin/sh", "-c", "(exit 3); exit 1"],
    "pipeline": ["/bin/sh", "-c", "/bin/echo one | cat"],
    "killed": ["/bin/sh", "-c", "kill -SEGV $$"],
    "ignored": ["/bin/sh", "-c", "trap '' USR1; kill -USR1 $$; kill -CHLD $$; kill -WINCH $$"],
    "vfork": [
        "/usr/bin/env",
        "python3",
        "-IS",
        "-c",
        "import os; os.posix_spawn('/bin/true', ['true'], {}); os.wait()",
    ],
    "thread": ["./threads"],
    "group": ["./threads", "sleep"],
    "superseded": ["./threads", "x"],
}
_RACES = re.compile(r"^(futex|restart_syscall|sched_yield|poll|--- SIGCHLD|rt_sigreturn|wait4).*\n", re.MULTILINE)
"""What depends on who was first."""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the program of THREADS."""
    made = tmp_path_factory.mktemp("follow")
    source = made / "threads.c"
    source.write_text(THREADS)
    subprocess.run(["gcc", "-o", str(made / "threads"), str(source)], check=True)
    return made


def by_task(log: str, name: str, cwd: Path) -> list[str]:
    """The lines of each task, in the order in which the tasks came, put together where they were cut."""
    tasks: dict[str, list[str]] = {}
    for line in log.splitlines():
        tid, text = re.fullmatch(r"(\d+) +(.*)", line).groups()  # type: ignore[union-attr]
        lines = tasks.setdefault(tid, [])
        resumed = re.match(r"<\.\.\. \w+ resumed>", text)
        if resumed and lines and lines[-1].endswith(" <unfinished ...>"):
            lines[-1] = lines[-1].removesuffix(" <unfinished ...>") + text[resumed.end() :]
        else:
            lines.append(text)
    tids = sorted(tasks, key=int)
    texts = []
    for tid in tids:
        text = re.sub(r" +(= \S+)", r" \1", "\n".join(tasks[tid]) + "\n")
        for number, other in enumerate(tids):
            text = re.sub(rf"\b{other}\b", f"TASK{number}", text)
        texts.append(_RACES.sub("", scrub_trace(text, f"follow/{name}", cwd=str(cwd))))
    return texts


@pytest.mark.skipif(bool(why_no_strace()), reason=why_no_strace())
@pytest.mark.parametrize("name", COMMANDS)
def test_each_task_as_on_the_host(name: str, directory: Path) -> None:
    """Attached, resumed, superseded, exited, killed; ignored signals are seen."""
    program, *args = COMMANDS[name]
    outcome, wanted = strace_native(program, args, cwd=directory, options=["-f"])
    own, log = strace_pyuk(program, args, cwd=directory, options=["-f"])
    assert str(own) == str(outcome)
    assert by_task(log, name, directory) == by_task(wanted, name, directory)


def strace(*words: str) -> str:
    """`pyuk strace`; gives its standard error."""
    command = [sys.executable, "-m", "pyuk", "strace", *words]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False).stderr


def test_on_a_terminal() -> None:
    """Prefixes while there are several; new ones are announced in the open line, but not with -q."""
    log = strace("-f", "/bin/sh", "-c", "(exit 3); exit 1")
    assert "SIGCHLDstrace: Process 1001 attached\n, child_tidptr=" in log
    assert "\n[pid  1001] +++ exited with 3 +++\n" in log
    assert log.endswith("\nexit_group(1)                           = ?\n+++ exited with 1 +++\n")
    assert "attached" not in strace("-fq", "/bin/sh", "-c", "(exit 3); exit 1")


def test_a_file_for_each(tmp_path: Path) -> None:
    """-ff -o."""
    log = tmp_path / "log"
    assert strace("-ff", "-o", str(log), "/bin/sh", "-c", "/bin/true; exit 2") == ""
    assert (tmp_path / "log.1000").read_text().endswith("+++ exited with 2 +++\n")
    assert 'execve("/bin/true"' in (tmp_path / "log.1001").read_text()
    assert not log.exists()
    strace("-A", "-ff", "-o", str(log), "/bin/true")
    assert (tmp_path / "log.1000").read_text().count("+++ exited") == 2
