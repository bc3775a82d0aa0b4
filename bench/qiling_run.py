"""Run a static program under Qiling, as little of Qiling as there is: the other emulator made of Unicorn and Python.

Usage: VENV/bin/python bench/qiling_run.py PROGRAM

VENV is one of its own with `pip install 'qiling==1.4.*' setuptools` (`make bench-qiling` makes `.venv-qiling`);
PYUK_QILING_PYTHON names its python to `bench/run.py`. The root file system holds nothing but the program, which
Qiling wants to find in it when a static glibc asks for /proc/self/exe.
"""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run the program the command line names; return its exit status."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    # By name, as no other interpreter than the one this file is run by has these modules.
    qiling = importlib.import_module("qiling")
    verbosity = importlib.import_module("qiling.const").QL_VERBOSE.DISABLED
    with tempfile.TemporaryDirectory(prefix="pyuk-bench-qiling-") as rootfs:
        program = shutil.copy(arguments[0], Path(rootfs) / Path(arguments[0]).name)
        emulator = qiling.Qiling([str(program)], rootfs, verbose=verbosity)
        emulator.run()
    return int(emulator.os.exit_code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
