"""`python -m tests.golden [NAME...]`: record the golden files again, from the host's strace."""

from __future__ import annotations

import sys

from tests.record_golden import main

sys.exit(main(sys.argv[1:]))
