"""`python -m pyuk`."""

from pyuk.caller import settle

settle()

import sys  # noqa: E402  # settling comes before all else

from pyuk.cli import main  # noqa: E402

sys.exit(main())
