"""``python -m sinchtools`` is the command line."""

import sys

from sinchtools.terminal.cli import main

sys.exit(main())
