"""The Python in the documents is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    """Name and text of each, by document."""
    found = []
    for document in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))):
        for number, text in enumerate(_BLOCK.findall(document.read_text(encoding="utf-8")), 1):
            found.append((f"{document.stem}-{number}", text))
    return found


@pytest.mark.parametrize(("name", "text"), blocks(), ids=[name for name, _ in blocks()])
def test_python_of_the_documents(name: str, text: str, tmp_path: Path) -> None:
    """A block with tests is given to pytest, any other to Python."""
    file = tmp_path / f"test_{name}.py".replace("-", "_")
    file.write_text(text, encoding="utf-8")
    is_test = "def test_" in text
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"] if is_test else []
    done = subprocess.run(
        [sys.executable, *options, str(file)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
