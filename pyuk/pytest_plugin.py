"""The pytest plugin: fixtures `guest`, `system` and `golden`, and tests made of `*.S` files with a header.

It is loaded by pytest for everybody who has pyuk installed, so it imports nothing of pyuk before a test wants it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pyuk.api.golden import Goldens
    from pyuk.api.guest import GuestFactory
    from pyuk.api.system import System

_TRACES = pytest.StashKey[list[tuple[str, str]]]()
_HEADER_BYTES = 8192


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("pyuk", "guest programs under pyuk")
    group.addoption("--pyuk-update-golden", action="store_true", help="write golden traces anew instead of comparing")
    group.addoption("--pyuk-native", action="store_true", help="run each guest on the host's kernel as well")
    group.addoption("--pyuk-trace", action="store_true", help="attach the system calls of failing tests to the report")
    group.addoption("--pyuk-seeds", type=int, default=1, metavar="N", help="repeat tests of guests with N schedules")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """--pyuk-seeds: one test for each."""
    if "pyuk_seed" in metafunc.fixturenames:
        n_seeds = metafunc.config.getoption("--pyuk-seeds")
        if n_seeds > 1:
            metafunc.parametrize("pyuk_seed", range(n_seeds), ids=lambda seed: f"seed{seed}")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A *.S file whose comments say what is expected is a test."""
    if file_path.suffix == ".S":
        with file_path.open("rb") as file:
            if b"pyuk:" in file.read(_HEADER_BYTES):
                return AssemblyFile.from_parent(parent, path=file_path)
    return None


@pytest.fixture
def pyuk_seed() -> int:
    """The seed of this test's randomness and schedule: 0, or with --pyuk-seeds each in turn."""
    return 0


@pytest.fixture
def guest(request: pytest.FixtureRequest, pyuk_seed: int) -> GuestFactory:
    """Make guest programs: guest.asm(TEXT), guest.c(TEXT), guest.program(PATH), guest.shellcode(BYTES)."""
    from pyuk.api.guest import GuestFactory  # noqa: PLC0415

    traces: list[tuple[str, str]] = []
    request.node.stash[_TRACES] = traces
    return GuestFactory(
        seed=pyuk_seed, native=request.config.getoption("--pyuk-native"), report=lambda *run: traces.append(run)
    )


@pytest.fixture
def system(request: pytest.FixtureRequest, pyuk_seed: int) -> Iterator[System]:
    """A pyuk.System that records system calls, closed after the test."""
    from pyuk.api.system import System  # noqa: PLC0415

    with System(seed=pyuk_seed, trace=True) as made:
        yield made
        if made.recorder is not None:
            request.node.stash[_TRACES] = [("system", made.recorder.text)]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Goldens:
    """golden("name"): the trace in golden/name.strace beside the test file, for `expect(strace=...)`."""
    from pyuk.api.golden import Goldens  # noqa: PLC0415

    directory = Path(request.node.path).parent / "golden"
    return Goldens(directory, update=request.config.getoption("--pyuk-update-golden"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """--pyuk-trace: what the guests of a failing test asked of the kernel."""
    report = yield
    if report.when == "call" and report.failed and item.config.getoption("--pyuk-trace"):
        for name, text in item.stash.get(_TRACES, []):
            report.sections.append((f"system calls of {name}", text))
    return report


class AssemblyFile(pytest.File):
    """A program and what is expected of it in one file."""

    def collect(self) -> Iterator[AssemblyTest]:
        """One test."""
        yield AssemblyTest.from_parent(self, name=self.path.stem)


class AssemblyTest(pytest.Item):
    """Assemble, run, compare."""

    def runtest(self) -> None:
        """Errors: HeaderError, ToolchainError, ExpectationError."""
        from pyuk.api.guest import GuestFactory  # noqa: PLC0415
        from pyuk.api.header import read_header  # noqa: PLC0415

        traces: list[tuple[str, str]] = []
        self.stash[_TRACES] = traces
        source = self.path.read_text(encoding="utf-8")
        header = read_header(source)
        factory = GuestFactory(
            seed=0, native=self.config.getoption("--pyuk-native"), report=lambda *run: traces.append(run)
        )
        program = factory.asm(source, *header.flags, origin=(str(self.path), 1))
        run = program.run(*header.args, input=header.stdin)
        run.expect(**header.expected)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """The differences alone: no line of Python has to do with them."""
        module = sys.modules.get("pyuk.api.guest")
        known = (module.ExpectationError, module.ToolchainError, module.HeaderError) if module is not None else ()
        if isinstance(excinfo.value, known):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, 0, f"guest {self.name}"
