"""Measure pyuk beside bare Unicorn, qemu-user and Qiling.

Usage: python bench/run.py [--section NAME]... [--rounds N | --quick] [--markdown | --write] [--qiling PYTHON]

Status 1 means that a contestant failed or printed something else than the host does.
"""

from __future__ import annotations

import argparse
import sys

from bench.contestants import QILING_VARIABLE, find_contestants
from bench.guests import REPOSITORY, BuildError
from bench.report import as_markdown, as_text, machine_facts, write_into
from bench.sections import SECTIONS, Setting

DOCUMENT = REPOSITORY / "docs" / "performance.md"
ROUNDS = 5


def main() -> int:
    """Run the sections that the command line asks for; return the exit status."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--section", choices=SECTIONS, action="append", help="only this one; may be repeated")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"medians of N rounds ({ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="one round: for a look, not for a figure")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--markdown", action="store_true", help="print the tables as docs/performance.md has them")
    output.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument(
        "--qiling", metavar="PYTHON", help=f"an interpreter that has Qiling (${QILING_VARIABLE}, .venv-qiling)"
    )
    options = parser.parse_args()
    n_rounds = 1 if options.quick else options.rounds
    if n_rounds < 1:
        parser.error("--rounds: at least 1")

    try:
        setting = Setting(find_contestants(options.qiling), n_rounds)
        sections = [SECTIONS[name](setting) for name in options.section or SECTIONS]
    except BuildError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    facts = machine_facts()
    if options.write:
        write_into(DOCUMENT, sections, facts)
    else:
        for section in sections:
            print(as_markdown(section, facts) if options.markdown else as_text(section))
        if not options.markdown:
            print(facts)
    n_failures = sum(len(section.failures) for section in sections)
    if n_failures:
        print(f"bench: {n_failures} failed", file=sys.stderr)
    return 1 if n_failures else 0


if __name__ == "__main__":
    sys.exit(main())
