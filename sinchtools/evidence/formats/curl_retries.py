"""Read the attempts that curl repeats by itself (``--retry``), as its warnings tell of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sinchtools.evidence.found import Found
from sinchtools.evidence.pieces import Piece

_AGAIN = re.compile(
    r"Warning: (?:Transient p|P)roblem(?: \([\w ]+\))?: (?P<why>[\w ]{3,60}?)\.? "
    r"Will retry in [\d.]+ seconds?\. \d+ retr(?:y|ies) left\.?\s*\Z"
)
_BETWEEN = re.compile(r"\s*\Z|\s*\d+ .*[-:\d]+:[-:\d]+|\s*% Total")
_ANSWERED = "HTTP error"  # some response came back, of an unknown status


def with_attempts(piece: Piece, sent: Found) -> Iterator[Found]:
    """Yield a request of curl, or each attempt of it: one begins with each warning."""
    warnings = list(_warnings(piece, sent.end))
    if not warnings:
        yield sent
        return
    call, first, last = piece.at(sent.start), sent.start, sent.end
    for number, (line, why) in enumerate(warnings, start=1):
        lost = replace(sent.exchange, call_id=call, attempt=number, failure=why)
        piece.use(line)
        if why != _ANSWERED:
            yield Found(first, last, lost)
        first = last = line
    final = replace(sent.exchange, call_id=call, attempt=len(warnings) + 1)
    yield Found(first, last, replace(final, source=piece.at(first)))


def _warnings(piece: Piece, after: int) -> Iterator[tuple[int, str]]:
    """Yield the line of each warning below a command, and what went wrong."""
    for number, line in enumerate(piece.lines[after:], start=after + 1):
        if again := _AGAIN.match(line):
            yield number, again["why"]
        elif not _BETWEEN.match(line):
            return
