"""Look for guest instructions that kill or hang the host process: a script, run for a few seconds by test_containment.

    python tests/machine/fuzz_translate.py [--seconds N] [--seed N] [--bare] [KIND...]

Every test is a few bytes of code, run from its first byte until the first trap, in a child process that writes down
which test it is at. A child that dies or stands still is a finding: its bytes are printed, and the next child goes on
behind them. `--bare` leaves containment out, which shows what it is for.

Kinds: sweep (all opcode maps x prefixes x REX x ModRM), single (one random instruction), several (a block of them),
noise (random bytes), page (one instruction over a whole page: the longest blocks), each also as KIND+compat
(32-bit code segment), KIND+smc (code pages writable) and KIND+flush (translations get 1 MiB and are thrown away often).
"""

from __future__ import annotations

import argparse
import itertools
import json
import mmap
import random
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from pyuk.machine import containment, cpu
from pyuk.machine.cpu import PAGE_FAULT, RBX, RDI, RIP, RSI, RSP
from pyuk.machine.machine import Machine
from pyuk.machine.paging import NX, P, U, W

_NAMES = ("sweep", "single", "several", "noise", "page")
KINDS = tuple(name + flag for flag in ("", "+compat", "+smc", "+flush") for name in _NAMES)

CODE, DATA = 0x40_0000, 0x700_0000
N_CODE_PAGES, N_DATA_PAGES = 1024, 16
STILL_S = 15  # a child that runs one test for so long hangs
_INT3 = b"\xcc"
LOOP_TICKS = 3

_PREFIXES = (b"", b"\x66", b"\xf2", b"\xf3", b"\xf0", b"\xf0\x66", b"\xf0\xf2", b"\xf0\xf3", b"\x66\xf2", b"\x66\xf3")
_MAPS = (b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a")
_BYTES = (0, 1, 2, 3, 4, 7, 8, 0x0C, 0x10, 0x1F, 0x20, 0x3F, 0x40, 0x7F, 0x80, 0xFE, 0xFF)
_VALUES = (
    0, 1, 2**64 - 1, 2**63, 2**31, 2**31 - 1, 2**32 - 1, 2**63 - 1, 0xFF, 0x80, 0x8000, 63, 64, 31, 32, 2**64 - 2**31,
    DATA + 0x8000, DATA + 0x8008, DATA + 0x7FF1, CODE,
)  # fmt: skip


def sweep() -> Iterator[bytes]:
    """8 million: every opcode with every ModRM byte."""
    for opcode_map, prefix, rex in itertools.product(_MAPS, _PREFIXES, (b"", b"\x48", b"\x4f")):
        for opcode, modrm in itertools.product(range(256), range(256)):
            sib = b"\x24" if modrm & 7 == 4 and modrm < 0xC0 else b""
            yield prefix + rex + opcode_map + bytes((opcode, modrm)) + sib + b"\x10\x01\0\0\0\x7f\0\0"


def _insn(rng: random.Random) -> bytes:
    """One instruction or nearly: random where it matters, interesting where it can be."""
    n_prefixes = rng.choice((0, 0, 0, 1, 1, 1, 2, 3))
    prefixes = bytes(rng.choices(b"\x66\xf2\xf3\xf0\xf0\x67\x2e\x36\x64\x65\x3e", k=n_prefixes))
    rex = bytes((0x40 | rng.getrandbits(4),)) if rng.random() < 0.5 else b""
    opcode_map = rng.choices(
        (b"", b"\x0f", b"\x0f\x38", b"\x0f\x3a", b"\xc5", b"\xc4", b"\x62", b"\x8f"),
        (30, 32, 13, 13, 4, 4, 2, 2),
    )[0]
    if opcode_map == b"\xc5":
        opcode_map += rng.randbytes(1)
    elif opcode_map == b"\xc4":
        opcode_map += bytes((rng.getrandbits(3) << 5 | rng.choice((1, 2, 3, rng.getrandbits(5))), rng.getrandbits(8)))
    elif opcode_map in {b"\x62", b"\x8f"}:
        opcode_map += rng.randbytes(3)
    operand = rng.random()
    if operand < 0.5:
        modrm = bytes((0xC0 | rng.getrandbits(6),))
    elif operand < 0.8:
        modrm = bytes((rng.getrandbits(3) << 3 | rng.choice((6, 7, 3, 0x46, 0x47)), rng.choice(_BYTES)))
    else:
        modrm = rng.randbytes(2)
    tail = bytes(rng.choice(_BYTES) if rng.random() < 0.8 else rng.getrandbits(8) for _ in range(8))
    return (prefixes + rex + opcode_map + rng.randbytes(1) + modrm + tail)[:15]


def tests_of(kind: str, seed: int) -> Iterator[bytes]:
    """The endless (but for sweep) and repeatable tests of a kind."""
    name = kind.partition("+")[0]
    if name == "sweep":
        yield from sweep()
        return
    rng = random.Random(seed)  # noqa: S311  # repeatable
    while True:
        if name == "single":
            yield _insn(rng)
        elif name == "several":
            yield b"".join(_insn(rng)[: rng.randint(2, 8)] for _ in range(rng.randint(2, 6)))
        elif name == "noise":
            yield rng.randbytes(rng.randint(2, 62))
        else:
            one = _insn(rng)[: rng.randint(1, 9)]
            yield (one * 4096)[:4096]  # the page behind it is not there


class Finding(NamedTuple):
    """How a child ended (a signal's number negative, 0 for one that stood still) and the test it was at."""

    kind: str
    number: int
    status: int
    code: bytes
    stderr: str

    def how(self) -> str:
        """For people."""
        if self.status > 0:
            return self.stderr.strip().rpartition("\n")[2]
        return f"signal {-self.status}" if self.status else "hang"


class Report(NamedTuple):
    """`ends` counts how tests ended: by vector, "syscall", or "loop" for those that went on for three ticks."""

    n_tests: int
    ends: Counter[str]
    findings: list[Finding]


class Child:
    """Runs tests one after another, each from the hook that ended the one before."""

    def __init__(self, kind: str, seed: int, start: int, progress: memoryview) -> None:
        self.slot_bytes = 4096 if kind.startswith("page") else 64
        self.tests = itertools.islice(tests_of(kind, seed), start, None)
        self.index, self.progress = start, progress
        self.rng = random.Random(seed ^ start)  # noqa: S311  # repeatable
        self.ends: Counter[str] = Counter()
        self.n_ticks = self.slot = 0
        self.batch: list[bytes] = []
        if "+flush" in kind:
            cpu._TCG_BUFFER_BYTES = 1 << 20
        self.machine = machine = Machine(64 << 20)
        self.cpu = machine.cpu
        table = machine.new_page_table()
        self.frames = [machine.ram.alloc() for _ in range(N_CODE_PAGES)]
        for page, frame in enumerate(self.frames):
            table.set(CODE + 2 * page * 4096, frame << 12 | P | U | (W if "+smc" in kind else 0))
            machine.ram.executable[frame] = 1
        self.data = [machine.ram.alloc() for _ in range(N_DATA_PAGES)]
        for page, frame in enumerate(self.data):
            table.set(DATA + page * 4096, frame << 12 | P | W | U | NX)
        self.cpu.attach(lambda: self.end("syscall"), self.on_trap)
        self.cpu.on_tick = self.on_tick
        self.cpu.load_space(table)
        self.cpu.reset()
        # A far return to the next page, whose int3 ends this: `kept` is the state with the code segment wanted.
        selector = 0x23 if "+compat" in kind else 0x33
        self._write(0, bytes((0x6A, selector, 0x68)) + struct.pack("<I", CODE + 2 * 4096) + b"\x48\xcb")
        self._write(1, _INT3)
        self.cpu.regs[RIP], self.cpu.regs[RSP] = CODE, DATA + 0x8100
        self.cpu.run()
        assert self.cpu.regs[RIP] == CODE + 2 * 4096 + 1
        self.kept = self.cpu._state.save()

    def _write(self, page: int, code: bytes) -> None:
        self.machine.ram.frame(self.frames[page])[: len(code)] = code

    def run(self, n_tests: int, seconds: float) -> bool:
        """Up to n_tests tests, whole batches of them as long as there is time. Whether all are done."""
        deadline = time.monotonic() + seconds
        per_page = 4096 // self.slot_bytes
        while n_tests > 0 and time.monotonic() < deadline:
            self.batch = batch = list(itertools.islice(self.tests, min(n_tests, N_CODE_PAGES * per_page)))
            n_tests = n_tests - len(batch) if batch else 0
            self.machine.drop_translations(self.frames)
            for page in range(N_CODE_PAGES):
                part = batch[page * per_page : (page + 1) * per_page]
                self._write(page, b"".join(test.ljust(self.slot_bytes, _INT3) for test in part).ljust(4096, _INT3))
            for frame in self.data:
                self.machine.ram.frame(frame)[:] = self.rng.randbytes(4096)
            self.slot = 0
            self.next()
            while self.slot <= len(batch):
                self.cpu.run()
        return n_tests <= 0

    def next(self) -> None:
        """Begin the next test: the kept state with other registers."""
        slot = self.slot
        self.slot = slot + 1
        if slot >= len(self.batch):
            self.cpu.stop()
            return
        self.index += 1
        self.progress[0] = self.index
        self.n_ticks = 0
        regs, state = self.cpu.regs, self.cpu._state
        state.restore(self.kept)
        state.clear_exception()
        for register, value in enumerate(self.rng.choices(_VALUES, k=16)):
            regs[register] = value
        regs[RSP] = DATA + 0x8100
        if slot & 3:
            regs[RSI], regs[RDI], regs[RBX] = DATA + 0x7FF1, DATA + 0x8000, DATA + 0x8010
        page, index = divmod(slot, 4096 // self.slot_bytes)
        regs[RIP] = CODE + 2 * page * 4096 + index * self.slot_bytes

    def end(self, how: str) -> None:
        """A test is over."""
        self.ends[how] += 1
        self.next()

    def on_trap(self, vector: int) -> None:
        """The kernel's part: nothing is ever mapped, so every fault is final."""
        if vector != PAGE_FAULT or self.cpu.confirm_fault():
            self.end(str(vector))

    def on_tick(self) -> None:
        """A time slice is over, for a test or between two."""
        self.n_ticks += 1
        if self.n_ticks == LOOP_TICKS:
            self.end("loop")


def fuzz(kind: str, seed: int, start: int, n_tests: int, seconds: float, *, bare: bool = False) -> Report:
    """Run tests [start, start + n_tests) of a kind, as far as they go in that time."""
    report = Report(0, Counter(), [])
    at, end, deadline = start, start + n_tests, time.monotonic() + seconds
    with tempfile.NamedTemporaryFile() as file:
        while at < end and (left := deadline - time.monotonic()) > 0:
            Path(file.name).write_bytes(bytes(8))
            arguments = (kind, str(seed), str(at), str(end - at), str(left), file.name, str(int(bare)))
            command = (sys.executable, __file__, "--child", *arguments)
            child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            stood_still = _watch(child, Path(file.name))
            output, errors = child.communicate()
            if child.returncode == 0:
                ended = json.loads(output)
                report.ends.update(ended["ends"])
                at = ended["next"]
                break
            (begun,) = struct.unpack("Q", Path(file.name).read_bytes())
            assert begun, errors
            at = begun - 1
            code = next(itertools.islice(tests_of(kind, seed), at, None))
            report.findings.append(Finding(kind, at, 0 if stood_still else child.returncode, code, errors[-1000:]))
            at += 1
    return report._replace(n_tests=at - start)


def _watch(child: subprocess.Popen[str], progress: Path) -> bool:
    """Wait for the child; whether it had to be killed."""
    last, since = b"", time.monotonic()
    while child.poll() is None:
        time.sleep(0.02)
        now = progress.read_bytes()
        if now != last:
            last, since = now, time.monotonic()
        elif any(now) and time.monotonic() - since > STILL_S:  # before the first, it makes the ones to pass over
            child.kill()
            return True
    return False


def _be_child(kind: str, seed: str, start: str, n_tests: str, seconds: str, path: str, bare: str) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if int(bare):
        containment._BUILDS = ()
    with Path(path).open("r+b") as file:
        progress = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
    child = Child(kind, int(seed), int(start), progress)
    child.run(int(n_tests), float(seconds))
    json.dump({"ends": child.ends, "next": child.index}, sys.stdout)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Fuzz the machine with instructions.")
    parser.add_argument("kinds", nargs="*", default=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--seconds", type=float, default=20, help="per kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="index of the first test")
    parser.add_argument("--tests", type=int, default=1 << 40, help="per kind")
    parser.add_argument("--bare", action="store_true", help="without containment")
    options = parser.parse_args()
    n_findings = 0
    for kind in options.kinds:
        report = fuzz(kind, options.seed, options.start, options.tests, options.seconds, bare=options.bare)
        print(f"{kind}: {report.n_tests} tests, {len(report.findings)} findings; ends {dict(report.ends)}", flush=True)
        for finding in report.findings:
            print(f"  {finding.number}: {finding.how()}: {finding.code.hex()[:60]}", flush=True)
        n_findings += len(report.findings)
    return min(n_findings, 1)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _be_child(*sys.argv[2:])
    else:
        sys.exit(main())
