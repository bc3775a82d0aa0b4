"""The page from which the vDSO tells the time, against clocks and counters of the test's own."""

from __future__ import annotations

import random
import struct

import pytest

from pyuk.kernel.timekeeper import Timekeeper

PAGE_BYTES = 4096
LINES = struct.Struct("<II3Q3Q12Q")
HZ = 2.9e9
MS = 1_000_000


class FakeHost:
    """A counter, clocks that run off it at a wandering rate, and reads that take some time."""

    goes_by_itself = True
    tai_offset_s = 37

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.now = 5e9
        """True time in nanoseconds."""
        self.skew = 1.0
        self.step_ns = 10**18
        self.slept: list[int | None] = []

    def pass_time(self, duration_ns: float) -> None:
        self.now += duration_ns

    def _read(self) -> float:
        self.now += self.chance.choice((30, 35, 40, 60, 4000 if self.chance.random() < 0.01 else 50))
        return self.now

    def counter(self) -> int:
        return int(self._read() * HZ / 1e9 * self.skew)

    def monotonic_ns(self) -> int:
        return int(self._read())

    def peek_ns(self) -> int:
        return int(self.now)

    def raw_ns(self) -> int:
        return int(self._read() * 1.00002)

    def realtime_ns(self) -> int:
        return int(self._read()) + self.step_ns

    def boottime_ns(self) -> int:
        return int(self._read()) + 77

    def cpu_ns(self) -> int:
        return 0

    def host_ns(self, duration_ns: int) -> int:
        return duration_ns

    def wait(self, duration_ns: int | None) -> None:
        self.slept.append(duration_ns)
        self.pass_time(10_000 * MS)


def vdso(host: FakeHost, page: memoryview, clock: int = 1) -> int:
    """What clock_gettime of guest/vdso/vdso.c says of CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW (4) or the others."""
    _sequence, usable, *words = LINES.unpack_from(page)
    assert usable
    last, base_ns, rate = words[3:6] if clock == 4 else words[:3]
    since = host.counter() - last
    now_ns: int = base_ns + max(since * rate >> 48, 0) + words[6 + clock] & (1 << 64) - 1
    return now_ns


@pytest.mark.parametrize("seed", range(5))
def test_no_clock_goes_back(seed: int) -> None:
    """Read by the page, by the clock itself, after slices and sleeps, in any order: time goes on."""
    host = FakeHost(seed)
    page = memoryview(bytearray(PAGE_BYTES))
    keeper = Timekeeper(host, host.counter, page)
    last = {0: 0, 1: 0, 4: 0, 7: 0, 11: 0}
    functions = {0: keeper.realtime_ns, 1: keeper.monotonic_ns, 4: keeper.raw_ns, 7: keeper.boottime_ns}
    for _ in range(3000):
        what = host.chance.randrange(12)
        if what == 0:
            keeper.look()
        elif what == 1 and host.chance.random() < 0.1:
            keeper.wait(None)
        else:
            host.pass_time(host.chance.expovariate(1 / (5 * MS)))
        clock = host.chance.choice(list(last))
        now_ns = functions[clock]() if what % 2 and clock in functions else vdso(host, page, clock)
        assert now_ns >= last[clock]
        last[clock] = now_ns
        if clock == 1:
            assert abs(now_ns - host.now) < 0.02 * MS


def test_the_rate_becomes_exact() -> None:
    """After a minute of slices a second without any is told to a microsecond."""
    host = FakeHost(1)
    page = memoryview(bytearray(PAGE_BYTES))
    keeper = Timekeeper(host, host.counter, page)
    for _ in range(600):
        host.pass_time(100 * MS)
        keeper.look()
    host.pass_time(1000 * MS)
    assert abs(vdso(host, page) - host.now) < 1000


def test_a_step_of_the_wall_clock() -> None:
    """Somebody sets the host's clock back an hour: after the next slice the page says so, and the others go on."""
    host = FakeHost(2)
    page = memoryview(bytearray(PAGE_BYTES))
    keeper = Timekeeper(host, host.counter, page)
    before, monotonic = vdso(host, page, 0), vdso(host, page)
    host.step_ns -= 3600 * 10**9
    keeper.look()
    assert -3600 * 10**9 <= vdso(host, page, 0) - before < -3599 * 10**9
    assert 0 < vdso(host, page) - monotonic < MS
    assert vdso(host, page, 11) - vdso(host, page, 0) == pytest.approx(37 * 10**9, abs=MS)


def test_a_long_sleep_is_not_extrapolated() -> None:
    """The first rate is rough; a sleep of ten seconds right after it does not put the clock ahead."""
    host = FakeHost(3)
    page = memoryview(bytearray(PAGE_BYTES))
    keeper = Timekeeper(host, host.counter, page)
    keeper.wait(5)
    assert host.slept == [5]
    assert abs(vdso(host, page) - host.now) < 10_000


def test_a_counter_that_goes_back_a_little() -> None:
    """As between two CPUs of the host: the page and the clock stand still until it is back."""
    host = FakeHost(4)
    page = memoryview(bytearray(PAGE_BYTES))
    keeper = Timekeeper(host, host.counter, page)
    before = keeper.monotonic_ns()
    host.now -= 500
    assert vdso(host, page) >= before
    assert keeper.monotonic_ns() >= before
