"""
The command line: data to standard output, messages to standard error.

0 success, 1 a problem was found, 2 wrong use.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TextIO

from sinchtools.api.catalogue import explain
from sinchtools.api.validation import instant_of
from sinchtools.cases.case import aliased, export
from sinchtools.cases.reports import report
from sinchtools.client.log import CallLog
from sinchtools.core import settings
from sinchtools.core.columns import COLUMNS, as_json, frame
from sinchtools.core.errors import (
    MissingInputError,
    SinchToolsError,
    WriteError,
    WrongUseError,
    told,
    told_path,
)
from sinchtools.core.files import failing_as
from sinchtools.core.records import visible
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.evidence import Evidence, read
from sinchtools.evidence.exports import to_json
from sinchtools.evidence.files import LARGEST
from sinchtools.notebook import savehook
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.planning import plan
from sinchtools.replays.results import ReplayResults
from sinchtools.replays.runner import Progress
from sinchtools.terminal.health import doctor

_WHERE = {
    "live": "LIVE     ",
    "dry-run": "DRY RUN  ",
    "sandbox": "simulated",
    "unknown": "unknown  ",
}
_MOST_SHOWN = 100  # diagnoses as text: nobody reads more
FIRST_NOTEBOOK = "notebooks/00-start-here.ipynb"
_QUIET = "sinchtools.notebook.kernels.QuietKernelManager"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        try:
            return _run(arguments)
        finally:
            _flush()
    except SinchToolsError as error:
        _say(f"sinchtools: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return 130
    finally:
        _let_go(sys.stderr)


def _run(arguments: Sequence[str] | None) -> int:
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "lab":
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.rest = rest
    return int(options.run(options))


# --- the commands ---------------------------------------------------------------------------------


def _read(options: argparse.Namespace) -> int:
    evidence = _evidence(options)
    if options.json:
        _print_json(evidence.as_json())
    else:
        _say(evidence)
    return 0 if len(evidence) else 1


def _diagnose(options: argparse.Namespace) -> int:
    evidence = _evidence(options)
    found = diagnose(evidence, now=_instant(options.as_of))
    if options.json:
        _print_json({"diagnoses": [one.as_json() for one in found]})
    else:
        _say("\n\n".join(_most_telling(found)))
    return _nothing_read(evidence) or int(any(map(_is_wrong, found)))


def _most_telling(found: Sequence[Diagnosis]) -> list[str]:
    shown = (
        found
        if len(found) <= _MOST_SHOWN
        else sorted(found, key=_is_wrong, reverse=True)[:_MOST_SHOWN]
    )
    more = (
        f"... and {len(found) - len(shown):,} more, what is wrong shown first; --json has them all"
    )
    return [one.as_text() for one in shown] + [more] * (len(found) > len(shown))


def _is_wrong(one: Diagnosis) -> bool:
    return any(finding.severity == "error" for finding in one.findings)


def _replay(options: argparse.Namespace) -> int:
    as_of = _instant(options.as_of)
    if options.target not in VENDOR and (options.check or options.confirm is not None):
        raise WrongUseError(
            "--check and --confirm are for --target dry-run and live.",
            hint="The sandbox needs neither.",
        )
    evidence = _evidence(options)
    if not len(evidence):
        if options.json:
            _print_json(ReplayResults([], options.target).as_json())
        return _nothing_read(evidence)
    edits = (
        {one.exchange.id: one.fix.edit for one in diagnose(evidence, now=as_of) if one.fix}
        if options.fix
        else {}
    )
    with CallLog(options.log) as log:
        made = plan(
            evidence,
            target=options.target,
            edits=edits,
            log=log,
            test_number=options.test_number,
            workers=options.workers,
            requests_per_s=options.rate,
        )
        made = made.check() if options.check else made
        _say(made, file=sys.stderr)
        done = made.run(
            confirm=options.confirm, progress=_progress if sys.stderr.isatty() else None
        )
    if options.json:
        _print_json(done.as_json())
    else:
        _say(done)
    return int(options.target != "preview" and _unfixed(done))


def _progress(progress: Progress) -> None:
    print(
        f"\r{progress}", end="\n" * (progress.done == progress.total), file=sys.stderr, flush=True
    )


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
            f"{told_path(path)} is no call log.",
            hint="Evidence is shown by read; a call log is written by replay.",
        )


def _explain(options: argparse.Namespace) -> int:
    given = [options.status, options.delivery, options.smpp]
    if sum(one is not None for one in given) != 1:
        raise WrongUseError(
            "Explain takes one thing at a time.",
            hint="For instance: explain 403 missing_callback_url, explain --delivery 412, "
            "explain --smpp 310.",
        )
    code_alone = options.code is None and re.fullmatch(r"[a-z_]+", options.status or "")
    status, code = (None, options.status) if code_alone else (options.status, options.code)
    entry = explain(status, code, delivery=options.delivery, smpp=options.smpp)
    if options.json:
        _print_json(entry.as_json())
    else:
        _say(entry)
    return 0


def _chart(options: argparse.Namespace) -> int:
    from sinchtools import charts

    evidence = _evidence(options)
    folder = Path(options.output)
    if _nothing_read(evidence):
        return 1
    rows = frame(aliased(evidence))
    for draw in charts.ALL if options.all else charts.ALL[:2]:
        for path in charts.save(
            draw(rows), folder / draw.__name__.replace("_", "-"), formats=("png", "svg")
        ):
            _say(path)
    return 0


def _report(options: argparse.Namespace) -> int:
    evidence = _evidence(options)
    if len(evidence):
        _say(report(evidence, options.output))
    return _nothing_read(evidence)


def _doctor(options: argparse.Namespace) -> int:
    checkup = doctor()
    if options.json:
        _print_json(checkup.as_json())
    else:
        _say(checkup)
    return int(checkup.has_problem)


def _sandbox(options: argparse.Namespace) -> int:
    from sinchtools.sandbox import Sandbox
    from sinchtools.sandbox.openapi import openapi

    if options.openapi:
        _print_json(openapi())
        return 0
    sandbox = Sandbox(
        port=options.port,
        service_plan_id=options.service_plan_id,
        api_token=options.api_token,
        project_id=options.project_id,
        key_id=options.key_id,
        key_secret=options.key_secret,
    )
    with sandbox:
        _say(sandbox.url)
        _flush()
        who = f"Service plan {sandbox.service_plan_id}, API token {sandbox.api_token}"
        _say(f"{who} (simulated: good here only).", file=sys.stderr)
        _say("The token also opens /__sandbox__/. Stop with Ctrl-C.", file=sys.stderr)
        threading.Event().wait()
    return 0


def _show_log(options: argparse.Namespace) -> int:
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
                _print_json({"problems": problems, "exchanges": len(log)})
            else:
                _say("\n".join(problems) or f"{log.path}: intact, {len(log)} exchanges.")
            return int(bool(problems))
        rows = list(log)
    if options.export:
        _say(export(rows, options.export, keep_people=options.keep_people))
        return 0
    for row in rows:
        _say(
            to_json(as_json(row))
            if options.json
            else f"{str(row.at)[:19]}  {_WHERE.get(row.target or '', row.target or '')}  {row!r}"
        )
    if not rows and not options.json:
        _say("The log is empty.", file=sys.stderr)
    return 0


def _lab(options: argparse.Namespace) -> int:
    root = _lab_root()
    os.environ.setdefault("SINCHTOOLS_HOME", str(root / "sinchtools-work"))
    ours = {
        "--ServerApp.root_dir": root,
        "--LabApp.default_url": f"/lab/tree/{FIRST_NOTEBOOK}",
        "--LabApp.news_url": "",
        "--LabApp.app_settings_dir": settings.share_folder("data/lab"),
        "--LabApp.extension_manager": "readonly",
        "--ContentsManager.pre_save_hook": savehook.HOOK,
        "--LanguageServerManager.autodetect": False,
        "--MultiKernelManager.kernel_manager_class": _QUIET,
    }
    theirs = {argument.partition("=")[0] for argument in options.rest}
    if "--ContentsManager.pre_save_hook" not in theirs:
        os.environ[savehook.SWITCHED_ON] = "1"
    os.environ["HISTFILE"] = os.devnull  # of the shells in its terminals
    unless_given = [f"{name}={value}" for name, value in ours.items() if name not in theirs]
    command = [sys.executable, "-m", "jupyterlab", *unless_given, *options.rest]
    if os.name == "nt":  # there, execv returns to the prompt at once
        import subprocess

        return subprocess.call(command)
    os.execv(sys.executable, command)


def _lab_root() -> Path:
    notebooks = settings.share_folder("notebooks")
    if notebooks.parent == Path(__file__).parents[2]:
        return notebooks.parent
    root = Path("sinchtools-lab").resolve()
    for name in ("notebooks", "data/samples"):
        if not (root / name).exists():
            _copied(settings.share_folder(name), root / name)
    _say(f"Notebooks and samples are in {root}", file=sys.stderr)
    return root


def _copied(source: Path, folder: Path) -> None:
    """Copy a folder, whole or not at all."""
    waiting = folder.with_name(f".{folder.name}-{os.getpid()}")
    try:
        with failing_as(folder):
            shutil.copytree(source, waiting)
            waiting.rename(folder)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)


# --- parsing --------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def _print_message(self, message: str, file: Any = None) -> None:
        if message:  # argparse's own passes over a full disk
            _say(
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
        files: bool = False,
        data: bool = False,
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words)
        made.set_defaults(run=run)
        if files:
            made.add_argument(
                "files",
                nargs="+",
                metavar="FILE",
                help="a file, folder or glob; - reads standard input",
            )
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

    command("lab", _lab, "Open JupyterLab on the notebooks; further arguments go to it.")
    command("read", _read, "Read evidence of any kind into exchanges.", files=True, data=True)
    found = command(
        "diagnose", _diagnose, "Say what is wrong, where, and what to do.", files=True, data=True
    )
    again = command(
        "replay",
        _replay,
        "Replay exchanges in the sandbox, or by confirmation elsewhere.",
        files=True,
        data=True,
    )
    for made in (found, again):
        made.add_argument(
            "--as-of", metavar="TIME", help="the moment to judge dates by (default: now)"
        )
    again.epilog = (
        "Exits with 0 when all that failed before is FIXED, 1 when something is not, "
        "2 on wrong use or when it was not confirmed."
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
    again.add_argument("--test-number", metavar="NUMBER", help="stands in for every recipient")
    again.add_argument(
        "--workers", type=int, default=1, help="requests under way at once (default: 1, in order)"
    )
    again.add_argument(
        "--rate",
        type=float,
        metavar="PER_S",
        help="at most so many requests a second (default: 10 to the vendor, else no limit)",
    )
    again.add_argument("--fix", action="store_true", help="make the certain repairs before sending")
    again.add_argument("--log", help="call log to write to (default: the work folder's)")
    entry = command(
        "explain",
        _explain,
        "Explain a status, its code, a delivery code or an SMPP code.",
        data=True,
    )
    entry.add_argument("status", nargs="?")
    entry.add_argument("code", nargs="?")
    entry.add_argument("--delivery", metavar="CODE")
    entry.add_argument("--smpp", metavar="CODE")
    chart = command(
        "chart",
        _chart,
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
        _report,
        "Write the case report, people as aliases: one HTML page, or a zip capsule.",
        files=True,
    )
    written.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="case.html or case.zip"
    )
    command(
        "doctor",
        _doctor,
        "Say what is wrong with this machine or configuration, and what to do.",
        data=True,
    )
    _sandbox_arguments(
        command("sandbox", _sandbox, "Serve the simulated API on 127.0.0.1 until stopped.")
    )
    log = command("log", _show_log, "Show the call log, or check that it is intact.", data=True)
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


def _evidence(options: argparse.Namespace) -> Evidence:
    columns = dict(_pair(one) for one in options.column)
    evidence = read(
        list(_sources(options.files)),
        format=options.format,
        files=options.folder,
        tz=options.tz,
        columns=columns,
    )
    for one in (*evidence.skipped, *evidence.warnings) if options.command != "read" else ():
        _say(
            f"{one.source}: {one.reason}" + (f" ({one.count} times)" if one.count > 1 else ""),
            file=sys.stderr,
        )
    return evidence


def _sources(names: Iterable[str]) -> Iterable[Path | bytes | str]:
    for name in names:
        if name == "-":
            yield _standard_input()
        elif any(character in name for character in "*?[") and not Path(name).exists():
            yield name
        elif Path(name).exists():
            yield Path(name)
        else:
            raise MissingInputError(name)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise MissingInputError(Path("standard input"), "is closed")
    try:
        data = sys.stdin.buffer.read(LARGEST + 1)
    except OSError as error:
        raise MissingInputError(Path("standard input"), "cannot be read") from error
    if len(data) > LARGEST:
        raise MissingInputError(Path("standard input"), f"holds more than {LARGEST // 2**20} MB")
    return data


def _pair(given: str) -> tuple[str, str]:
    theirs, equals, ours = given.rpartition("=")
    if not equals or ours not in COLUMNS:
        raise WrongUseError(
            f"{told(given)} names no column.",
            hint=f"Write THEIRS=OURS; ours is one of: {', '.join(COLUMNS)}.",
        )
    return theirs, ours


def _instant(value: str | None) -> datetime | None:
    if value is None:
        return None
    if (instant := instant_of(value)) is None:
        raise WrongUseError(f"{told(value)} is no time.", hint="Write it as 2026-11-23T08:00:00Z.")
    return instant


def _nothing_read(evidence: Evidence) -> int:
    if not len(evidence):
        _say("sinchtools: no exchange was read; the reasons stand above.", file=sys.stderr)
    return int(not len(evidence))


def _unfixed(done: ReplayResults) -> bool:
    return bool(done.stopped) or any(
        (r.original.http_outcome != "success" and r.verdict != "FIXED") or r.verdict == "WORSE"
        for r in done
    )


def _print_json(value: dict[str, Any]) -> None:
    _say(to_json(value, indent=1))


def _say(words: object, *, file: TextIO | None = None) -> None:
    """Print, so that nothing that was read commands the terminal or turns its text around."""
    if file is not None:  # a message: it may be lost, what was done is not undone
        with suppress(OSError):
            print(visible(str(words)), file=file, flush=True)
        return
    if sys.stdout is None:
        raise WriteError(Path("standard output"), OSError(0, "it is closed"))
    with failing_as(Path("standard output")):
        print(visible(str(words)))


def _flush() -> None:
    """
    Write what was printed.

    If that fails, Python does not try again when it ends.
    """
    try:
        with failing_as(Path("standard output")):
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError:
        _let_go(sys.stdout)
        raise


def _let_go(stream: TextIO | None) -> None:
    """
    Silence a stream that accepts nothing more.

    Otherwise Python would complain about it when it ends.
    """
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError), Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), stream.fileno())
