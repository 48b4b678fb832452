"""The commands that hand something over: chart, report, log."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from sinchtools.cases.exporting import aliased, export
from sinchtools.cases.replies import reply
from sinchtools.cases.reports import report
from sinchtools.cases.telling import told_of
from sinchtools.client.log import CallLog
from sinchtools.core.columns import as_json, frame
from sinchtools.core.errors import MissingInputError, WrongUseError, told_path
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted
from sinchtools.evidence.exports import to_json
from sinchtools.replays.simulated import proven
from sinchtools.terminal.blocks import request_of, response_of
from sinchtools.terminal.inputs import evidence_of, nothing_read
from sinchtools.terminal.output import Line, Part, say, say_json, say_lines

_WHERE: dict[str, Part] = {
    "live": ("LIVE", "red bold"),
    "dry-run": ("DRY RUN", "yellow"),
    "sandbox": "simulated",
}


def run_chart(options: argparse.Namespace) -> int:
    """Draw charts."""
    from sinchtools import charts

    evidence = evidence_of(options)
    folder = Path(options.output)
    if nothing_read(evidence):
        return 1
    rows = frame(aliased(evidence))
    for kind in charts.KINDS:
        if options.all or kind.draw in (charts.error_codes, charts.timeline):
            for path in charts.save(kind.draw(rows), folder / kind.file, formats=("png", "svg")):
                say(path)
    return 0


def run_report(options: argparse.Namespace) -> int:
    """Write the report or print the reply; the suggested fix is tried in the sandbox first."""
    if not options.output and not options.reply:
        raise WrongUseError(
            "There is nothing to write to.", hint="Give -o case.html, -o case.zip, or --reply."
        )
    evidence = evidence_of(options)
    if nothing_read(evidence):
        return 1
    rows = list(evidence)
    story = told_of(rows, is_text=True)
    about, proof = story.example, proven(story.example, story.diagnosis.fix)
    if options.output:
        say(report(rows, options.output, exchange=about, proof=proof))
    if options.reply:
        say(reply(rows, exchange=about, proof=proof, length=options.reply))
    return 0


def run_log(options: argparse.Namespace) -> int:
    """Show, check or export the call log."""
    if options.log is not None:
        _refuse_no_log(Path(options.log))
    if options.export and (options.verify or options.json):
        raise WrongUseError("--export goes without --verify and --json.", hint="Call it twice.")
    if options.keep_people and not options.export:
        raise WrongUseError(
            "--keep-people is for --export.", hint="Here they are shown as they are."
        )
    with CallLog(options.log) as log:
        if options.verify:
            problems = log.verify()
            if options.json:
                say_json({"problems": problems, "exchanges": len(log)})
            else:
                say("\n".join(problems) or f"{log.path}: intact, {counted(len(log), 'request')}.")
            return int(bool(problems))
        rows = list(log)
    if options.export:
        say(export(rows, options.export, keep_people=options.keep_people))
        return 0
    for row in rows:
        if options.json:
            say(to_json(as_json(row)))
        else:
            say_lines([_row(row)])
    if not rows and not options.json:
        say("The log is empty.", file=sys.stderr)
    return 0


def _row(row: Exchange) -> Line:
    style = "red" if row.failed else "green" if row.outcome == "success" else ""
    where = _WHERE.get(row.target or "", row.target or "")
    answer = (f"{response_of(row):<36}", style)
    time = f"{row.at:%Y-%m-%d %H:%M:%S}" if row.at else " " * 19
    return [
        (f"{time}  ", "dim"),
        where,
        "  ",
        answer,
        f"  {row.endpoint or request_of(row)}  ",
        (row.id, "dim"),
    ]


def _refuse_no_log(path: Path) -> None:
    if not path.is_file():
        raise WrongUseError(
            f"There is no call log {told_path(path)}.",
            hint="A replay writes one: give the path that its --log had.",
        )
    try:
        with path.open("rb") as file:
            head = file.read(15)
    except OSError as error:
        raise MissingInputError(path, "cannot be read") from error
    if head != b"SQLite format 3":
        raise WrongUseError(
            f"{told_path(path)} is not a call log.",
            hint="Evidence is shown by read; a call log is written by replay.",
        )
