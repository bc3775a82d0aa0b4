"""Real programs that wait for several things: they write what they write natively, and end as they end there."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.guests import REPOSITORY
from tests.native import ENVIRONMENT, pyuk_command

pytestmark = pytest.mark.corpus
TIMEOUT_S = 60
Script = Sequence[tuple[float, bytes]]

ASYNCIO = """
import asyncio, os, signal
async def main():
    await asyncio.sleep(0.01)
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec("/bin/cat", stdin=pipe, stdout=pipe)
    out, _ = await child.communicate(b"q" * 300000)
    print(len(out), child.returncode)
    print(await asyncio.gather(*(asyncio.to_thread(pow, i, 2) for i in range(5))))
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.add_signal_handler(signal.SIGUSR1, done.set_result, "signal")
    os.kill(os.getpid(), signal.SIGUSR1)
    print(await done)
    r, w = os.pipe()
    done = loop.create_future()
    loop.add_reader(r, lambda: (done.set_result(os.read(r, 9)), loop.remove_reader(r)))
    loop.call_later(0.02, os.write, w, b"abc")
    print(await done)
    try:
        await asyncio.wait_for(asyncio.sleep(50), 0.02)
    except asyncio.TimeoutError:
        print("timeout")
asyncio.run(main())
"""
SUBPROCESS = """
import selectors, os, socket, subprocess, threading
print(subprocess.run(["cat"], input=b"abc" * 100000, capture_output=True).stdout.count(b"a"))
try:
    subprocess.run(["sleep", "50"], timeout=0.05)
except subprocess.TimeoutExpired:
    print("killed")
for kind in selectors.SelectSelector, selectors.PollSelector, selectors.EpollSelector:
    with kind() as selector:
        r, w = os.pipe()
        selector.register(r, selectors.EVENT_READ, "r")
        print(selector.select(0), selector.select(0.01))
        threading.Timer(0.02, os.write, (w, b"x")).start()
        print([(key.data, mask) for key, mask in selector.select(50)])
a, b = socket.socketpair()
threading.Timer(0.02, b.send, (b"later",)).start()
a.settimeout(50)
print(a.recv(10))
a.settimeout(0.02)
try:
    a.recv(1)
except TimeoutError:
    print("timeout")
"""
MULTIPROCESSING = """
import multiprocessing as mp
def double(pipe): pipe.send(pipe.recv() * 2)
def square(n): return n * n
mp.set_start_method("fork")
ours, theirs = mp.Pipe()
child = mp.Process(target=double, args=(theirs,)); child.start()
ours.send(21); print(ours.recv()); child.join()
with mp.Pool(3) as pool: print(pool.map(square, range(10)))
queue = mp.Queue()
child = mp.Process(target=queue.put, args=("x" * 100000,)); child.start()
print(len(queue.get())); child.join()
"""
BASH = """
read -t 0.02 x; echo "$?"
coproc cat; echo hi >&${COPROC[1]}; read -t 50 -u ${COPROC[0]} y; echo "got $y"; kill $COPROC_PID; wait
{ sleep 0.2; echo late; } | { read -t 0.02 x; echo $?; read -t 50 x; echo $x; }
for i in 1 2 3 4; do (sleep 0.0$i; echo $i) & done | sort; wait
"""
MAKEFILE = "all: 1 2 3 4 5 6 7 8\n1 2 3 4 5 6 7 8:\n\t@sleep 0.05; echo $@ > $@.out\nsub:\n\t@$(MAKE) all\n"


def both(command: Sequence[str], cwd: Path) -> list[tuple[int, bytes, bytes]]:
    """Status, standard output and standard error: natively, and on pyuk; standard input stays open and says nothing."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]}")
    ends = []
    for prefix in ([], [*pyuk_command(), "run"]):
        waiting, silent = os.pipe()
        done = subprocess.run(
            [*prefix, *command], cwd=cwd, env=dict(ENVIRONMENT), stdin=waiting, capture_output=True, check=False,
            timeout=TIMEOUT_S,
        )  # fmt: skip
        os.close(waiting)
        os.close(silent)
        ends.append((done.returncode, done.stdout, done.stderr))
    return ends


@pytest.mark.parametrize("script", [ASYNCIO, SUBPROCESS, MULTIPROCESSING], ids=["asyncio", "subprocess", "processes"])
def test_python(script: str, tmp_path: Path) -> None:
    """Event loops, child processes with pipes and time-outs, selectors, socket pairs, pools."""
    native, here = both(["/usr/bin/python3", "-c", script], tmp_path)
    assert here == native


def test_bash(tmp_path: Path) -> None:
    """`read -t`, a coprocess, pipelines with background jobs."""
    native, here = both(["/bin/bash", "-c", BASH], tmp_path)
    assert here == native


def test_make_in_parallel(tmp_path: Path) -> None:
    """`make -j4` with a job server that a sub-make shares (pselect(2) and a pipe of tokens)."""
    (tmp_path / "Makefile").write_text(MAKEFILE)
    native, here = both(["/usr/bin/make", "-s", "-j4", "sub"], tmp_path)
    assert here == native
    assert len(list(tmp_path.glob("*.out"))) == 8


STDIN = """
import os, select
def asked(wait): print("?", flush=True); return wait()
r, w = os.pipe()
poll = select.poll(); poll.register(0, select.POLLIN); poll.register(r, select.POLLIN)
print(asked(poll.poll) == [(0, select.POLLIN)], os.read(0, 100))
if os.fork() == 0:
    os.write(w, b"x"); os._exit(0)
print(poll.poll() == [(r, select.POLLIN)], os.read(r, 1), os.wait()[1])
epoll = select.epoll(); epoll.register(0, select.EPOLLIN); epoll.register(r, select.EPOLLIN)
print(asked(epoll.poll), os.read(0, 100), epoll.poll(0.01))
epoll.modify(0, select.EPOLLIN | select.EPOLLET)
print(asked(epoll.poll), epoll.poll(0.01), asked(epoll.poll), epoll.poll(0.01), os.read(0, 100))
print(asked(lambda: select.select([0, r], [], [])[0]), os.read(0, 100))
outer = select.epoll(); outer.register(epoll.fileno(), select.EPOLLIN)
print(len(asked(outer.poll)), epoll.poll(0), os.read(0, 100))
print(asked(epoll.poll), os.read(0, 100))
"""
NAP_S = 0.05  # so that the guest is asleep when something comes


def test_standard_input_is_waited_for_with_the_rest(tmp_path: Path) -> None:
    """A pipe of the host's among those of the guest: poll, select, epoll level- and edge-triggered, nested, its end."""
    outputs = []
    for prefix in ([], [*pyuk_command(), "run"]):
        with subprocess.Popen(
            [*prefix, "/usr/bin/python3", "-c", STDIN], cwd=tmp_path, env=dict(ENVIRONMENT), bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        ) as child:  # fmt: skip
            assert child.stdin is not None
            assert child.stdout is not None
            lines, words = [], [b"one", b"two", b"three", b"four", b"five", b"six"]
            for line in child.stdout:
                lines.append(line)
                if line == b"?\n":
                    time.sleep(NAP_S)
                    if words:
                        child.stdin.write(words.pop(0))
                    else:
                        child.stdin.close()
            outputs.append(lines)
    assert outputs[1] == outputs[0]


EDGES = """
import os, select
epoll = select.epoll(); epoll.register(0, select.EPOLLIN | select.EPOLLET)
for i in 0, 1: print(epoll.poll(50), epoll.poll(0.1), os.read(0, 99))
"""
TERMINAL: dict[str, tuple[str, Script]] = {
    "no input, MIN 0 TIME 5": ("stty -icanon -echo min 0 time 5; dd bs=1 count=1 2>&-; echo $?", ()),
    "input within TIME": ("stty -icanon -echo min 0 time 50; dd bs=1 count=1 2>&-; echo $?", ((0.8, b"z"),)),
    "no input, MIN 0 TIME 0": ("stty -icanon -echo min 0 time 0; dd bs=1 count=1 2>&-; echo $?", ()),
    "read -t": (
        "read -t 0.2 x; echo $?; read -t 50 x; echo got $x; read -n 1 -t 50 y; echo; echo $y",
        ((1.2, b"hello\n"), (1.6, b"q")),
    ),
    "cat": ("cat", ((0.8, b"line\n"), (1.1, b"\x04"))),
    "edges of input, not of the echo": (
        f"/usr/bin/python3 -c '{EDGES}'",
        ((1.2, b"abc\n"), (1.8, b"def\n")),
    ),
    "an interrupt": ("trap 'echo INT' INT; sleep 50; read -t 0.1 z; echo $?", ((1.2, b"\x03"),)),
}


@pytest.mark.skipif(sys.platform != "linux", reason="terminals are passed through on Linux")
@pytest.mark.parametrize("name", TERMINAL)
def test_terminal(name: str) -> None:
    """On a terminal the guest waits, and is waited for, as natively."""
    command, script = TERMINAL[name]
    native = on_terminal(["/bin/bash", "-c", command], script)
    assert on_terminal([*pyuk_command(), "run", "/bin/bash", "-c", command], script) == native


def on_terminal(command: Sequence[str], script: Script) -> tuple[bytes, int]:
    """What a command writes to a terminal on which the script's bytes are typed, each at its second; and its status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(REPOSITORY)
        os.execve(command[0], list(command), dict(ENVIRONMENT))
    output, start, to_type = b"", time.monotonic(), list(script)
    while True:
        limit = to_type[0][0] - (time.monotonic() - start) if to_type else TIMEOUT_S
        if select.select([terminal], [], [], max(0, limit))[0]:
            try:
                output += os.read(terminal, 4096)
            except OSError:
                break
        elif to_type:
            os.write(terminal, to_type.pop(0)[1])
        else:
            os.kill(pid, 9)
    status = os.waitpid(pid, 0)[1]
    os.close(terminal)
    return output, status
