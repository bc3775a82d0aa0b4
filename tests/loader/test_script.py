"""The `#!` line."""

from __future__ import annotations

import pytest

from pyuk.abi.errno import ENOEXEC
from pyuk.loader import LoadError
from pyuk.loader.script import parse_shebang


def parse(line: bytes) -> tuple[bytes, bytes | None] | None:
    """As the kernel sees a file that starts so."""
    return parse_shebang(line[:256].ljust(256, b"\0"))


@pytest.mark.parametrize(
    ("line", "name", "argument"),
    [
        (b"#!/bin/sh\n", b"/bin/sh", None),
        (b"#!/bin/sh", b"/bin/sh", None),
        (b"#! \t /bin/sh \t \n", b"/bin/sh", None),
        (b"#!/bin/sh -e\n", b"/bin/sh", b"-e"),
        (b"#!/bin/sh \t -e  -x \t\n", b"/bin/sh", b"-e  -x"),
        (b"#!/bin/sh\0-e\n", b"/bin/sh", None),
        (b"#!/bin/sh -e\0f\n", b"/bin/sh", b"-e"),
        (b"#!/bin/sh\r\n", b"/bin/sh\r", None),
        (b"#!\0", b"", None),
        (b"#!" + b"/" * 252 + b" x\n", b"/" * 252, None),
        (b"#!" + b"/" * 253 + b"\n", b"/" * 253, None),
        (b"#!" + b"/" * 252 + b"\n", b"/" * 252, None),
        (b"#!/bin/sh " + b"a" * 300 + b"\n", b"/bin/sh", b"a" * 245),
    ],
)
def test_name_and_one_argument(line: bytes, name: bytes, argument: bytes | None) -> None:
    """The rest of the line is one argument without its outer blanks; only that may be cut after 255 bytes."""
    assert parse(line) == (name, argument)


@pytest.mark.parametrize(
    "line", [b"#!\n", b"#! \n", b"#! \t\t\n", b"#!" + b" " * 300, b"#!" + b"/" * 254, b"#!" + b"/" * 300 + b"\n"]
)
def test_no_name_or_a_cut_one(line: bytes) -> None:
    """ENOEXEC: no interpreter is named, or what there is of its name may not be all."""
    with pytest.raises(LoadError) as caught:
        parse(line)
    assert caught.value.errno == ENOEXEC


@pytest.mark.parametrize("line", [b"", b"#", b"#\n", b" #!/bin/sh\n", b"\x7fELF"])
def test_not_a_script(line: bytes) -> None:
    """Only the first two bytes decide."""
    assert parse(line) is None
