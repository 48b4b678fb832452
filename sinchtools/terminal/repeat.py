"""The command that replays: the plan in words, the verdicts, the difference, the fixed command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from sinchtools.cases.changes import changes
from sinchtools.cases.commands import as_curl
from sinchtools.cases.side_by_side import side_by_side
from sinchtools.client.log import CallLog
from sinchtools.core.errors import WrongUseError
from sinchtools.core.words import counted, sentence, spelled
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.replays.comparing import compare
from sinchtools.replays.effects import VENDOR
from sinchtools.replays.planning import plan
from sinchtools.replays.plans import Plan
from sinchtools.replays.results import ReplayResults, Result
from sinchtools.replays.runner import Progress
from sinchtools.terminal.blocks import response_of
from sinchtools.terminal.inputs import evidence_of, instant_given, nothing_read
from sinchtools.terminal.output import Line, say, say_json, say_lines, wrapped

_MOST_GROUPS, _MOST_SOURCES = 12, 3
_STYLES = {
    "FIXED": "green bold",
    "CHANGED": "yellow bold",
    "WORSE": "red bold",
    "INCONCLUSIVE": "cyan bold",
}
_WHERE = {"sandbox": "simulated", "dry-run": "dry run", "live": "LIVE"}


def run_compare(options: argparse.Namespace) -> int:
    """Compare two requests, and say what decides where that is asked for."""
    given = (vars(options) | {"files": [side]} for side in (options.a, options.b))
    a, b = (evidence_of(argparse.Namespace(**one)) for one in given)
    found = compare(a, b, prove=options.prove)
    if options.json:
        say_json(found.as_json())
    else:
        say(found)
    return int(any(not one.folded for one in found.differences))


def run_replay(options: argparse.Namespace) -> int:
    """Replay what was read, and say what it proves."""
    as_of = instant_given(options.as_of)
    if options.target not in VENDOR and (options.check or options.confirm is not None):
        raise WrongUseError(
            "--check and --confirm are for --target dry-run and live.",
            hint="The sandbox needs neither.",
        )
    evidence = evidence_of(options)
    if not len(evidence):
        if options.json:
            say_json(ReplayResults([], options.target).as_json())
        return nothing_read(evidence)
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
        say_lines(_plan(made), file=sys.stderr)
        done = made.run(
            confirm=options.confirm, progress=_progress if sys.stderr.isatty() else None
        )
    if options.json:
        say_json(done.as_json())
    elif done.target == "preview":
        say("\n\n".join(as_curl(one.request) for one in done))
    else:
        say_lines(_told(done))
    return int(options.target != "preview" and _unfixed(done))


def _progress(progress: Progress) -> None:
    end = "\n" if progress.done == progress.total else ""
    print(f"\r{progress}", end=end, file=sys.stderr, flush=True)


def _plan(made: Plan) -> Iterator[Line]:
    target = {"sandbox": "Sandbox (simulated)"}.get(made.target, made.target.capitalize())
    yield [f"{target}: {made.summary}."]
    if made.reasons:
        yield [(f"On hold: {made.why_held}.", "yellow")]


# --- what became of it ----------------------------------------------------------------------------


def _told(done: ReplayResults) -> Iterator[Line]:
    groups: dict[Any, list[Result]] = {}
    for one in done:
        groups.setdefault(_key(one), []).append(one)
    first = True
    ranked = sorted(groups.values(), key=lambda group: _rank(group[0]))
    for group in ranked[:_MOST_GROUPS]:
        if not first:
            yield [""]
        first = False
        yield from _group(group, done.target)
    if more := sum(map(len, ranked[_MOST_GROUPS:])):
        yield [""]
        yield [f"... and {counted(more, 'more request')}; --json has all of them"]
    yield [""]
    yield [(done.summary, "bold")]


def _rank(one: Result) -> int:
    """Return what comes first: what was proven, then what was not, then what was not sent."""
    proven = ("FIXED", "WORSE", "CHANGED", "INCONCLUSIVE", "SAME")
    return len(proven) if one.child is None else proven.index(one.verdict)


def _key(one: Result) -> Any:
    rule = tuple(change.says for change in changes(one.original, one.request))
    return (
        one.verdict,
        one.original.status_in_words,
        one.status_in_words,
        one.child is None,
        one.reasons,
        (rule if one.verdict == "FIXED" else one.original.endpoint),
    )


def _group(group: Sequence[Result], target: str) -> Iterator[Line]:
    one = group[0]
    yield _verdict(group, target)
    yield ["  ", (_sources(group), "dim")]
    for reason in one.reasons:
        yield from wrapped(["  "], sentence(reason))
    found = changes(one.original, one.request)
    if not found or one.child is None:
        return
    yield from _difference(one)
    for number, change in enumerate(found, start=1):
        yield from wrapped([f"  {number}. "], str(change))
    if one.verdict == "FIXED":
        yield [""]
        yield from ([line] for line in as_curl(one.request).splitlines())


def _verdict(group: Sequence[Result], target: str) -> Line:
    one = group[0]
    count = f"   {counted(len(group), 'request')}" if len(group) > 1 else ""
    if one.child is None:
        what = one.original.endpoint
        return [("NOT SENT", "yellow bold"), f"  {what}" if what else "", count]
    n = len(changes(one.original, one.request))
    made = f", {spelled(n, 'change')}" if n else ""
    return [
        (one.verdict, _STYLES.get(one.verdict, "bold")),
        (f"  {_WHERE.get(target, target)}  ", "dim"),
        f"{one.original.status_in_words} -> {response_of(one.child)}{made}{count}",
    ]


def _sources(group: Sequence[Result]) -> str:
    named = [one.original.source or one.original.id for one in group[:_MOST_SOURCES]]
    more = f" and {len(group) - _MOST_SOURCES:,} more" if len(group) > _MOST_SOURCES else ""
    return ", ".join(named) + more


def _difference(one: Result) -> Iterator[Line]:
    """Yield the changed lines, before and after, the changed characters in bold."""
    before, after = side_by_side(one.original, one.request)
    yield [""]
    for side, sign, style in ((before, "-", "red"), (after, "+", "green")):
        for line in side:
            if line.is_changed:
                parts = [
                    (text, f"{style} bold" if marked else style) for text, marked in line.parts
                ]
                yield [f"{line.number:>5} ", (f"{sign} ", style), *parts]
    yield [""]


def _unfixed(done: ReplayResults) -> bool:
    return bool(done.stopped) or any(
        (r.original.http_outcome != "success" and r.verdict != "FIXED") or r.verdict == "WORSE"
        for r in done
    )
