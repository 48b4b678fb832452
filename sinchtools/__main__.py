"""``python -m sinchtools`` is the command line."""

import sys

from sinchtools.cli import main

sys.exit(main())
