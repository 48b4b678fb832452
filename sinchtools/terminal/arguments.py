"""The arguments of the command line, command by command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from sinchtools.cases.replies import LENGTHS
from sinchtools.core import settings
from sinchtools.core.records import visible
from sinchtools.terminal.hand_over import run_chart, run_log, run_report
from sinchtools.terminal.look import run_diagnose, run_explain, run_read
from sinchtools.terminal.machine import run_clean, run_doctor, run_lab, run_mcp, run_sandbox
from sinchtools.terminal.output import say
from sinchtools.terminal.repeat import run_compare, run_replay

Run = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        if message:  # argparse's own passes over a full disk
            say(
                message.rstrip("\n"),
                file=sys.stderr if file is None or file is sys.stderr else None,
            )

    def error(self, message: str) -> NoReturn:
        self.exit(2, visible(f"{self.prog}: {message}. See: {self.prog} --help\n"))


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = _Parser(prog="sinchtools", description="Troubleshooting for the Sinch SMS REST API.")
    made.add_argument("--version", action="version", version=settings.version())
    commands = _Commands(made.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    commands.add("lab", run_lab, "Open JupyterLab on the notebooks; further arguments go to it.")
    _read(commands)
    _diagnose(commands)
    _replay(commands)
    _compare(commands)
    _explain(commands)
    _chart(commands)
    _report(commands)
    _clean(commands)
    commands.add("doctor", run_doctor, "Check this machine and its configuration.", data=True)
    commands.add("mcp", run_mcp, "Serve the tools for agents on standard input and output.")
    _sandbox(commands)
    _log(commands)
    return made


class _Commands:
    def __init__(self, parsers: Any) -> None:
        self._parsers = parsers

    def add(
        self,
        name: str,
        run: Run,
        words: str,
        *,
        files: bool | Sequence[str] = False,
        data: bool = False,
    ) -> argparse.ArgumentParser:
        """
        Add a command.

        Parameters
        ----------
        files
            Whether it reads evidence; the names of the files, if each is one of its own.
        data
            Whether it writes JSON on demand.
        """
        made: argparse.ArgumentParser = self._parsers.add_parser(
            name, help=words, description=words
        )
        made.set_defaults(run=run)
        if files:
            _add_files(made, [] if files is True else files)
        if data:
            made.add_argument("--json", action="store_true", help="write JSON")
        return made


def _add_files(made: argparse.ArgumentParser, sides: Sequence[str]) -> None:
    words = "a file, folder or glob; - reads standard input"
    if not sides:
        made.add_argument("files", nargs="+", metavar="FILE", help=words)
    for side in sides:
        made.add_argument(side.lower(), metavar=side, help=words)
    made.add_argument("--format", help="force the format instead of finding it from the content")
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


def _read(commands: _Commands) -> None:
    commands.add(
        "read",
        run_read,
        "Read evidence of any kind, and show the requests in it.",
        files=True,
        data=True,
    )


def _diagnose(commands: _Commands) -> None:
    made = commands.add(
        "diagnose",
        run_diagnose,
        "Show what is wrong, where, and what to do.",
        files=True,
        data=True,
    )
    _add_as_of(made)


def _add_as_of(made: argparse.ArgumentParser) -> None:
    made.add_argument("--as-of", metavar="TIME", help="the time to judge dates by (default: now)")


def _replay(commands: _Commands) -> None:
    again = commands.add(
        "replay",
        run_replay,
        "Replay requests in the sandbox, or elsewhere after confirmation.",
        files=True,
        data=True,
    )
    _add_as_of(again)
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
        help="before dry-run or live: ask the API, by reads only, what happened to the originals",
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


def _compare(commands: _Commands) -> None:
    sides = commands.add(
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


def _explain(commands: _Commands) -> None:
    entry = commands.add(
        "explain",
        run_explain,
        "Explain a status, its code, a delivery code or an SMPP code.",
        data=True,
    )
    entry.add_argument("status", nargs="?")
    entry.add_argument("code", nargs="?")
    entry.add_argument("--delivery", metavar="CODE")
    entry.add_argument("--smpp", metavar="CODE")


def _chart(commands: _Commands) -> None:
    chart = commands.add(
        "chart",
        run_chart,
        "Draw error codes and timeline as PNG and SVG, with the data as CSV.",
        files=True,
    )
    chart.add_argument("-o", "--output", required=True, metavar="DIR")
    chart.add_argument(
        "--all",
        action="store_true",
        help="every chart of st.charts",
    )


def _report(commands: _Commands) -> None:
    written = commands.add(
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


def _clean(commands: _Commands) -> None:
    words = "Clean saved notebooks: no secrets, and only outputs that name nobody."
    made = commands.add("clean", run_clean, words)
    made.add_argument("notebooks", nargs="+", metavar="NOTEBOOK")


def _sandbox(commands: _Commands) -> None:
    made = commands.add(
        "sandbox", run_sandbox, "Serve the simulated API on 127.0.0.1 until stopped."
    )
    made.add_argument("--port", type=int, default=0, help="0 takes a free one")
    for name in ("service-plan-id", "api-token", "project-id", "key-id", "key-secret"):
        made.add_argument(f"--{name}")
    made.add_argument("--openapi", action="store_true", help="print the OpenAPI document instead")


def _log(commands: _Commands) -> None:
    log = commands.add("log", run_log, "Show the call log, or check that it is intact.", data=True)
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
