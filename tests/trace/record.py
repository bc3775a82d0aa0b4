"""Record the golden traces: `python -m tests.trace.record` on a host with strace 6.1 and ptrace(2).

golden/NAME.txt is what the host's strace says of programs/NAME.c; golden/NAME.json.gz is what the same program did,
as test_golden plays it to pyuk's tracer.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.trace import oracle


def main() -> None:
    """Record all of them."""
    oracle.GOLDEN.mkdir(exist_ok=True)
    for name in oracle.PROGRAMS:
        with tempfile.TemporaryDirectory(prefix="pyuk-trace-") as directory:
            path = Path(directory)
            oracle.build(name, path)
            text = oracle.host_trace([f"./{name}"], path)
            (oracle.GOLDEN / f"{name}.txt").write_text(text)
            oracle.own_trace([f"./{name}"], path, oracle.GOLDEN / f"{name}.json.gz")
        print(f"{name}: {text.count(chr(10))} lines")


if __name__ == "__main__":
    main()
