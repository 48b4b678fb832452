"""The commands that look at evidence: read, diagnose, explain."""

from __future__ import annotations

import argparse
import re

from sinchtools.api.catalogue import explain
from sinchtools.core.errors import WrongUseError
from sinchtools.core.words import counted
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.terminal.blocks import MOST_BLOCKS, block_of, grouped, quiet_line
from sinchtools.terminal.inputs import evidence_of, instant_given, nothing_read
from sinchtools.terminal.output import Line, say, say_json, say_lines


def run_read(options: argparse.Namespace) -> int:
    """Read evidence, and say what was read and what was not."""
    evidence = evidence_of(options)
    if options.json:
        say_json(evidence.as_json())
    else:
        say(evidence.summary)
    return 0 if len(evidence) else 1


def run_diagnose(options: argparse.Namespace) -> int:
    """Say what is wrong: one block for each group of like requests."""
    evidence = evidence_of(options)
    found = diagnose(evidence, now=instant_given(options.as_of))
    if options.json:
        say_json({"diagnoses": [one.as_json() for one in found]})
        return nothing_read(evidence) or int(any(group.is_wrong for group in grouped(found)))
    groups = grouped(found)
    told = [group for group in groups if group.has_news]
    quiet = [group for group in groups if not (group.has_news or group.is_told)]
    lines: list[Line] = []
    for group in told[:MOST_BLOCKS]:
        lines += [*block_of(group), [""]]
    if more := sum(len(group.diagnoses) for group in told[MOST_BLOCKS:]):
        lines += [[f"... and {counted(more, 'more request')}; --json has all of them"], [""]]
    if quiet:
        lines += [quiet_line(quiet), [""]]
    if lines:
        say_lines(lines[:-1])
    return nothing_read(evidence) or int(any(group.is_wrong for group in groups))


def run_explain(options: argparse.Namespace) -> int:
    """Explain a status, a code, a delivery code or an SMPP code."""
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
        say_json(entry.as_json())
    else:
        say(entry)
    return 0
