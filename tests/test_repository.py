"""The repository keeps its promises: commands exist, documents are true and fresh, versions agree."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tools import examples

REPOSITORY = Path(__file__).resolve().parent.parent
NOT_OURS = {".git", ".hypothesis", ".venv", ".venv-qiling", "build", "dist", "__pycache__"}
TEXT_SUFFIXES = {"", ".S", ".c", ".cc", ".cfg", ".h", ".inc", ".json", ".md", ".py", ".toml", ".txt", ".yml"}
USER_TARGETS = ["run", "test", "check", "format", "docs", "bench", "bench-qiling", "golden", "clean"]

# Each has a bracket, so that this file does not name them itself.
MACHINE_PATHS = re.compile(r"/work[/](?:main|shared|\.)|/tmp[/](?:venv|contract)|/root[/]\.")


@cache
def text_files() -> list[Path]:
    """Every text file that belongs to the repository; without asking git, which a test machine may not have."""
    found = []
    for directory, names, files in os.walk(REPOSITORY):
        names[:] = [name for name in names if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info"))]
        found += [Path(directory, name) for name in files if Path(name).suffix in TEXT_SUFFIXES]
    return sorted(found)


def documents() -> list[Path]:
    """The Markdown files."""
    return [path for path in text_files() if path.suffix == ".md"]


def name_of(path: Path) -> str:
    """A path as test ids and messages show it."""
    return path.relative_to(REPOSITORY).as_posix()


def project_settings() -> dict[str, object]:
    """The [project] table of pyproject.toml."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        table: dict[str, object] = tomllib.load(file)["project"]
    return table


def source_version() -> str:
    """The version that pyuk/__init__.py states: the only place that does."""
    text = (REPOSITORY / "pyuk" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    assert found, "pyuk/__init__.py has no line __version__ = ..."
    return found[1]


def make(*arguments: str, cwd: Path = REPOSITORY, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run make with nothing inherited from a make that runs these tests."""
    program = shutil.which("make")
    if program is None:
        pytest.skip("make is not installed (Debian package make)")
    environment = {"LC_ALL": "C", "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


# --- commands


def test_make_alone_lists_every_target_for_users() -> None:
    """`make` without a target prints the list, and the list is complete."""
    done = make()
    assert done.returncode == 0, done.stderr
    listed = re.findall(r"^  make ([a-z-]+)  +\S", done.stdout, re.MULTILINE)
    assert sorted(listed) == sorted([*USER_TARGETS, "help"])


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_documents_name_only_make_targets_that_exist(document: Path) -> None:
    """A `make TARGET` in a document is a target of the Makefile."""
    rules = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"(?:`|^\s*\$ |^    )make ([a-z-]+)", document.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= rules


FAKE_PYTHONS = {
    # The two questions of the Makefile: sys.exit(version >= 3.11), and whether ensurepip is there.
    "old-python": "#!/bin/sh\nexit 0\n",
    "split-python": '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; *version_info*) exit 1;; esac\n',
}


@pytest.mark.parametrize(
    ("arguments", "package"),
    [
        (["build/hello_world", "CC=no-such-compiler"], "gcc"),
        (["build/hello_world", "CC=old-python"], "gcc-x86-64-linux-gnu"),
        (["test", "CC=no-such-compiler"], "gcc"),
        (["run", "CC=no-such-compiler"], "gcc"),
        ([".venv/.created", "PYTHON=no-such-python"], "python3 python3-venv"),
        ([".venv/.created", "PYTHON=old-python"], "python3 python3-venv"),
        ([".venv/.created", "PYTHON=split-python"], "python3-venv"),
        (["need-strace"], "strace"),
    ],
    ids=["no-gcc", "other-gcc", "no-gcc-test", "no-gcc-run", "no-python", "old-python", "no-venv", "no-strace"],
)
def test_missing_tool_is_one_line_that_names_the_package(tmp_path: Path, arguments: list[str], package: str) -> None:
    """What a newcomer's machine lacks is said in one line with the package to install, before anything is made."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / "guest" / "hello").mkdir(parents=True)
    shutil.copy(REPOSITORY / "guest" / "hello" / "hello_world.S", tmp_path / "guest" / "hello")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in FAKE_PYTHONS.items():
        (tools / name).write_text(script)
        (tools / name).chmod(0o755)
    done = make(*arguments, cwd=tmp_path, path=str(tools))
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert f"apt-get install {package}" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_script_is_executable_and_parses() -> None:
    """.ci/run can be started as it is."""
    script = REPOSITORY / ".ci" / "run"
    assert os.access(script, os.X_OK)
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_launcher_is_what_the_wheel_installs_as_pyuk() -> None:
    """The command pyuk is tools/pyuk, which starts without the 4 ms of an entry point's wrapper."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        settings = tomllib.load(file)
    scripts = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-scripts"]
    assert scripts == {"tools/pyuk": "pyuk"}
    assert "scripts" not in settings["project"]
    launcher = REPOSITORY / "tools" / "pyuk"
    assert os.access(launcher, os.X_OK)
    imports = [line for line in launcher.read_text(encoding="utf-8").splitlines() if "import " in line]
    modules = ("pyuk.caller import settle", "pyuk.finder import install", "pyuk.cli import main")
    assert imports == ["import gc", "import os", *(f"from {name}" for name in modules)]


# --- versions and licence


def test_version_has_one_source_and_the_changelog_knows_it() -> None:
    """pyproject.toml takes the version from pyuk/__init__.py; CHANGELOG.md's newest section is that version."""
    assert project_settings()["dynamic"] == ["version"]
    assert "version" not in project_settings()
    changelog = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)[0] == source_version()


def test_installed_version_is_the_source_version() -> None:
    """What pip shows is what the source says: an editable install keeps the version it was made with."""
    try:
        installed = importlib.metadata.version("pyuk")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pyuk is not installed in this environment")
    assert installed == source_version()


def test_licence_is_gpl_2_or_later_in_full() -> None:
    """LICENSE holds the choice of versions and the whole text."""
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "SPDX-License-Identifier: GPL-2.0-or-later" in text
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert project_settings()["license"] == "GPL-2.0-or-later"


# --- documents


def test_no_file_names_a_path_of_a_developer_machine() -> None:
    """Nothing in the repository depends on, or gives away, where it was written."""
    offenders = []
    for path in text_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        offenders += [f"{name_of(path)}: {found[0]}" for found in MACHINE_PATHS.finditer(text)]
    assert offenders == []


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_links_of_document_resolve(document: Path) -> None:
    """Every relative link leads to a file, and every fragment to a heading of it."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, fragment = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert broken == []


def anchors(document: Path) -> set[str]:
    """The fragments of a Markdown file's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_document_has_no_placeholder_left(document: Path) -> None:
    """What was to be filled in has been."""
    assert re.findall(r"TODO\S*", document.read_text(encoding="utf-8")) == []


def readme_examples() -> list[examples.Example]:
    """The console blocks of README.md that show a real run."""
    return examples.examples((REPOSITORY / "README.md").read_text(encoding="utf-8"))


def test_readme_shows_the_hello_world_log() -> None:
    """The first thing a reader sees is a log of the program that `make run` runs."""
    assert readme_examples()[0].name == "hello_world"


@pytest.mark.parametrize("example", readme_examples(), ids=lambda example: str(example.name))
def test_readme_example_is_what_happens(example: examples.Example) -> None:
    """An example of README.md, run again, prints what README.md says (addresses aside). Cure: make docs."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed (Debian package gcc)")
    assert examples.difference(example) == ""


def test_syscall_page_is_fresh() -> None:
    """docs/syscalls.md and pyuk/syscalls/index.py are what the declarations say. Cure: make docs."""
    from tools import syscall_table  # noqa: PLC0415  # imports pyuk.abi.declare

    assert syscall_table.PAGE.read_text(encoding="utf-8") == syscall_table.page()
    assert syscall_table.INDEX.read_text(encoding="utf-8") == syscall_table.index()


def test_every_handler_is_reached_by_its_declaration() -> None:
    """A function sys_NAME in pyuk.syscalls handles the call NAME: none is undeclared, or declared twice."""
    from tools import syscall_table  # noqa: PLC0415  # imports pyuk.abi.declare

    handlers = {declaration.handler for declaration in syscall_table.declarations()}
    modules = [module for name, module in sys.modules.items() if name.startswith("pyuk.syscalls.")]
    unreached = [
        f"{module.__name__}.{name}"
        for module in modules
        for name, value in vars(module).items()
        if name.startswith("sys_") and callable(value) and value not in handlers
    ]
    assert unreached == []


def test_example_scrub_hides_what_differs_between_machines() -> None:
    """Addresses, inode numbers and the size of the environment are equal after scrubbing; nothing else is."""
    mine = 'execve("a", ["a"], 0x7ffd1 /* 3 vars */) = 0\n00400000-00401000 r-xp 00001000 fe:01 77   /a'
    yours = 'execve("a", ["a"], 0x7ffe2 /* 30 vars */) = 0\n00410000-00411000 r-xp 00001000 08:01 123   /a'
    assert examples.scrub(mine) == examples.scrub(yours)
    assert examples.scrub("write(1, 15) = 15") == "write(1, 15) = 15"


def test_rooms_of_the_layer_contract_are_the_rooms_there_are() -> None:
    """Every room in pyproject.toml's contract exists, unless it is marked as planned."""
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    rooms = [room.strip() for layer in layers for room in layer.split("|")]
    missing = [room for room in rooms if not room.startswith("(") and importlib.util.find_spec(f"pyuk.{room}") is None]
    assert missing == []
