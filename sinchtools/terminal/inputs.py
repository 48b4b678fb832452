"""The evidence that a command is given: files, folders, globs or standard input."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from sinchtools.api.validation import instant_of
from sinchtools.core.columns import COLUMNS
from sinchtools.core.errors import MissingInputError, WrongUseError, told
from sinchtools.core.words import counted
from sinchtools.evidence import Evidence, read
from sinchtools.evidence.unpacking import LARGEST
from sinchtools.terminal.output import say

_MOST_NOTES = 8


def evidence_of(options: argparse.Namespace) -> Evidence:
    """Read what the options name; what was not read or was guessed is said."""
    columns = dict(_pair(one) for one in options.column)
    evidence = read(
        list(_sources(options.files)),
        format=options.format,
        files=options.folder,
        tz=options.tz,
        columns=columns,
    )
    if options.command != "read":
        _say_notes(evidence)
    return evidence


def _say_notes(evidence: Evidence) -> None:
    notes = [
        f"{one.source}: {one.reason}{f' ({one.count:,} times)' if one.count > 1 else ''}"
        for one in (*evidence.skipped, *evidence.warnings)
    ]
    for note in notes[:_MOST_NOTES]:
        say(note, file=sys.stderr)
    more = len(notes) - _MOST_NOTES
    if more > 0:
        say(f"... and {counted(more, 'more note')}: sinchtools read", file=sys.stderr)


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
        raise MissingInputError(Path("standard input"), f"has more than {LARGEST // 2**20} MB")
    return data


def _pair(given: str) -> tuple[str, str]:
    theirs, equals, ours = given.rpartition("=")
    if not equals or ours not in COLUMNS:
        raise WrongUseError(
            f"{told(given)} does not name a column.",
            hint=f"Write THEIRS=OURS; ours is one of: {', '.join(COLUMNS)}.",
        )
    return theirs, ours


def instant_given(value: str | None) -> datetime | None:
    """Return the time that an option gives."""
    if value is None:
        return None
    if (instant := instant_of(value)) is None:
        raise WrongUseError(
            f"{told(value)} is not a time.", hint="Write it as 2026-11-23T08:00:00Z."
        )
    return instant


def nothing_read(evidence: Evidence) -> int:
    """Say so when nothing was read, and return the exit code."""
    if not len(evidence):
        say("sinchtools: no request was read; the reasons are above.", file=sys.stderr)
    return int(not len(evidence))
