"""
The command line: data to standard output, messages to standard error.

0 success, 1 a problem was found, 2 wrong use.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from sinchtools.cases.replies import LENGTHS
from sinchtools.core import settings
from sinchtools.core.errors import SinchToolsError
from sinchtools.core.records import visible
from sinchtools.terminal.hand_over import run_chart, run_log, run_report
from sinchtools.terminal.look import run_diagnose, run_explain, run_read
from sinchtools.terminal.machine import run_doctor, run_lab, run_sandbox
from sinchtools.terminal.output import flush, let_go, say
from sinchtools.terminal.repeat import run_compare, run_replay


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
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    return int(options.run(options))


# --- parsing --------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        if message:  # argparse's own passes over a full disk
            say(
                message.rstrip("\n"),
                file=sys.stderr if file is None or file is sys.stderr else None,
            )

    def error(self, message: str) -> NoReturn:
        self.exit(2, visible(f"{self.prog}: {message}. See: {self.prog} --help\n"))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="sinchtools", description="Troubleshooting for the Sinch SMS REST API.")
    parser.add_argument("--version", action="version", version=settings.version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str,
        run: Callable[[argparse.Namespace], int],
        words: str,
        *,
        files: bool | Sequence[str] = False,
        data: bool = False,
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        words = "a file, folder or glob; - reads standard input"
        if files is True:
            made.add_argument("files", nargs="+", metavar="FILE", help=words)
        for side in files if not isinstance(files, bool) else ():
            made.add_argument(side.lower(), metavar=side, help=words)
        if files:
            made.add_argument(
                "--format", help="force the format instead of finding it from the content"
            )
            made.add_argument(
                "--files",
                dest="folder",
                metavar="DIR",
                help="the folder that @name arguments of a curl command are read from",
            )
            made.add_argument(
                "--column",
                action="append",
                default=[],
                metavar="THEIRS=OURS",
                help="what a column of a table or a field of a log is",
            )
            made.add_argument("--tz", help="time zone of times that do not name one (default: UTC)")
        if data:
            made.add_argument("--json", action="store_true", help="write JSON")
        return made

    command("lab", run_lab, "Open JupyterLab on the notebooks; further arguments go to it.")
    command(
        "read",
        run_read,
        "Read evidence of any kind, and show what was read.",
        files=True,
        data=True,
    )
    found = command(
        "diagnose",
        run_diagnose,
        "Show what is wrong, where, and what to do.",
        files=True,
        data=True,
    )
    again = command(
        "replay",
        run_replay,
        "Replay requests in the sandbox, or elsewhere after confirmation.",
        files=True,
        data=True,
    )
    for made in (found, again):
        made.add_argument(
            "--as-of", metavar="TIME", help="the time to judge dates by (default: now)"
        )
    again.epilog = (
        "Exits with 0 when every failed request is FIXED, 1 when one is not, "
        "2 on wrong use or without the confirmation."
    )
    again.add_argument(
        "--target",
        default="sandbox",
        choices=settings.TARGETS,
        help="preview: show what would be sent; sandbox: simulated, on this machine (default); "
        "dry-run: the vendor is asked, no SMS; live: for real",
    )
    again.add_argument(
        "--confirm", metavar="EFFECT", help="the effect of a dry-run or live plan, word for word"
    )
    again.add_argument(
        "--check",
        action="store_true",
        help="before dry-run or live: ask the vendor, by reads only, what became of the originals",
    )
    again.add_argument("--test-number", metavar="NUMBER", help="replaces every recipient")
    again.add_argument(
        "--workers", type=int, default=1, help="number of requests at a time (default: 1, in order)"
    )
    again.add_argument(
        "--rate",
        type=float,
        metavar="PER_S",
        help="maximum number of requests per second (default: 10 to the vendor, else no limit)",
    )
    again.add_argument("--fix", action="store_true", help="make the suggested fixes before sending")
    again.add_argument("--log", help="call log to write to (default: the work folder's)")
    sides = command(
        "compare",
        run_compare,
        "Compare two requests, or two captures: what can matter first.",
        files=("A", "B"),
        data=True,
    )
    sides.epilog = "Exits with 0 when nothing that can matter differs, else with 1."
    sides.add_argument(
        "--prove", action="store_true", help="find the difference that decides, in the sandbox"
    )
    entry = command(
        "explain",
        run_explain,
        "Explain a status, its code, a delivery code or an SMPP code.",
        data=True,
    )
    entry.add_argument("status", nargs="?")
    entry.add_argument("code", nargs="?")
    entry.add_argument("--delivery", metavar="CODE")
    entry.add_argument("--smpp", metavar="CODE")
    chart = command(
        "chart",
        run_chart,
        "Draw error codes and timeline as PNG and SVG, with the data as CSV.",
        files=True,
    )
    chart.add_argument("-o", "--output", required=True, metavar="DIR")
    chart.add_argument(
        "--all",
        action="store_true",
        help="every chart: also by hour, endpoint, account, duration and delivery code",
    )
    written = command(
        "report",
        run_report,
        "Write the case report (an HTML page or a zip) or the reply, people hidden.",
        files=True,
    )
    written.add_argument("-o", "--output", metavar="FILE", help="case.html or case.zip")
    written.add_argument(
        "--reply",
        nargs="?",
        const="short",
        choices=LENGTHS,
        help="print the reply to the customer (default: short)",
    )
    command(
        "doctor",
        run_doctor,
        "Check this machine and its configuration.",
        data=True,
    )
    _sandbox_arguments(
        command("sandbox", run_sandbox, "Serve the simulated API on 127.0.0.1 until stopped.")
    )
    log = command("log", run_log, "Show the call log, or check that it is intact.", data=True)
    log.add_argument("log", nargs="?", help="the file (default: the work folder's)")
    log.add_argument(
        "--verify", action="store_true", help="check that the file is whole and refuses changes"
    )
    log.add_argument(
        "--export", metavar="FILE", help="write .jsonl, .har or .sh instead, people as aliases"
    )
    log.add_argument(
        "--keep-people", action="store_true", help="export numbers and texts as they are"
    )
    return parser


def _sandbox_arguments(made: argparse.ArgumentParser) -> None:
    made.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for name in ("service-plan-id", "api-token", "project-id", "key-id", "key-secret"):
        made.add_argument(f"--{name}")
    made.add_argument("--openapi", action="store_true", help="print the OpenAPI document instead")
