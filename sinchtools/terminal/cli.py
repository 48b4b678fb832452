"""
The command line: data to standard output, messages to standard error.

0 success, 1 a problem was found, 2 wrong use.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from sinchtools.core.errors import SinchToolsError
from sinchtools.terminal import arguments as command_line
from sinchtools.terminal.output import flush, let_go, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        try:
            return _run(arguments)
        finally:
            flush()
    except SinchToolsError as error:
        say(f"sinchtools: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    finally:
        let_go(sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    parser = command_line.parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    return int(options.run(options))
