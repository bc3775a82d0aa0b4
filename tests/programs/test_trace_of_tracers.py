"""What the log says of ptrace(2), of the stops that wait4(2) tells, and of seccomp(2): the host's strace's words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guests import Guest, guests
from tests.native import place, strace_native, strace_pyuk
from tests.scrub import scrub_trace

CALLS = re.compile(r"^(?:ptrace|wait4|waitid|seccomp|prctl|ioctl)\(")
LEFT_OUT = re.compile(r"WNOHANG|<unfinished|ERESTARTSYS")
PID = r"\b[1-9]\d{2,8}\b"


RULES = (
    (r"(NOTIF_RECV, )\{.*\} => ", r"\1"),  # pyuk does not show what was there before
    (r"\b(r\w+|[a-z]s_base|eflags|orig_rax)=\w+", r"\1=N"),
    (rf"^(ptrace\([^,]+, |wait4\(|waitid\(P_PID, ){PID}", r"\1PID"),
    (rf"\[{PID}\]|\[0x[0-9a-f]{{3,5}}\]", "[N]"),
    (rf"(SI_\w+, si_pid=|si_addr=0x|= ){PID}", r"\1PID"),
    (r"si_addr=0x[0-9a-f]{3,6}\b|si_addr=0xPID", "si_addr=ADDR"),
    (r"\{id=0x\w+, (pid=\d+)?", "{id=ID, "),
    (r"(st_space|xmm_space|padding|mxcr_mask|rdp)=(\[[^]]*\]|\w+)", r"\1=N"),
)


def chosen_lines(log: str, case: str, cwd: Path) -> list[str]:
    """The lines of these calls, in order, without pids and the values of registers.

    Polls and waits that a signal has interrupted are left out: there may be any number of them.
    """
    text = scrub_trace(log, case, cwd=str(cwd))
    lines = [line for line in text.splitlines() if CALLS.match(line) and not LEFT_OUT.search(line)]
    for pattern, replacement in RULES:
        lines = [re.sub(pattern, replacement, line) for line in lines]
    return lines


@pytest.mark.usefixtures("host_strace")
@pytest.mark.parametrize("guest", guests("ptrace", "seccomp"), ids=str)
def test_words_of_tracers(guest: Guest, tmp_path: Path) -> None:
    """Each guest of ptrace and seccomp, whose first process alone is logged."""
    texts = []
    for where, run in (("host", strace_native), ("pyuk", strace_pyuk)):
        directory = tmp_path / where
        directory.mkdir()
        outcome, log = run(place(guest, directory), cwd=directory)
        assert outcome.status == 0, outcome
        texts.append(chosen_lines(log, "ptrace", directory))
    assert texts[1] == texts[0]
