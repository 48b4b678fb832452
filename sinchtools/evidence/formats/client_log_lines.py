"""
What stands before the message of a log line: time, level, thread, logger.

Where a prefix ends is not known: each place where one may end is tried.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,:]\d{1,9})?)?"
_DATE = (
    r"20\d{6}(?= )|\d{4}[-/.]\d\d[-/.]\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}"
    r"|[A-Z][a-z]{2} \d{1,2},? \d{4}"
)
_TIME = re.compile(
    rf"(?:(?:{_DATE})(?:,? |T)?{_CLOCK}|\d\d-\d\d {_CLOCK}"
    rf"|[A-Z][a-z]{{2}} [A-Z][a-z]{{2}} +\d{{1,2}} {_CLOCK} (?:[A-Z]{{2,5}} )?\d{{4}}"
    rf"|[A-Z][a-z]{{2}} {{1,2}}\d{{1,2}} {_CLOCK}"
    rf"|{_CLOCK})(?: ?(?:[AP]M\b|Z\b|UTC\b|[+-]\d\d:?\d\d\b))?"
)
_LEVELS = (
    "TRACE|DEBUG|VERBOSE|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|SEVERE|CONFIG"
    "|FINE|FINER|FINEST|TRC|DBG|INF|WRN|ERR|trace|debug|info|warn|warning|error|trce|dbug|fail|crit"
)
_TOKEN = re.compile(
    rf"""(?P<time>{_TIME.pattern.replace(" ", "[ ]")})
    |(?P<channel>[\w.-]{{1,60}}\.(?:{_LEVELS}):)
    |(?P<level>(?:{_LEVELS})(?::(?=[A-Za-z_][\w.]*:)|\b:?)|[VDIWEF],(?=\ \[)|[VDIWEF](?=\ )
      |[VDIWEF]/[\w.-]{{1,40}}\ *(?:\(\ *\d+\))?:)
    |(?P<bracket>\[[^\]\n]{{0,120}}\]|\{{[A-Za-z][\w.$:]{{2,120}}\}}
      |\((?:Main)?Thread[^)\n]{{0,60}}\))
    |(?P<name>[\w$.-]{{1,60}}(?:\[\d+\])?\ {{0,40}}:(?=\ )
      |[\w$-]{{1,60}}(?:[.][\w$<>-]{{1,60}})+(?:\[\d+\])?(?:\#\w+|\ (?=[a-z]\w+$))?:?
      |[\w$]{{1,40}}(?=\ [-|]\ ))
    |(?P<sign>[^\x00-\x7f]{{1,3}}(?=\ ))
    |(?P<number>\#?\d{{1,9}}(?:-\d{{1,9}}(?:/[\w.]+)?)?(?=\ ))
    |(?P<word>[\w$]{{2,40}}(?=\ ))
    |(?P<dash>-{{1,3}}(?=\ |$)|\|(?=\ |$)|:(?=\ |$|[A-Z]{{4,5}}:))""",
    re.VERBOSE,
)
_MOST_TOKENS, _LONGEST = 12, 400
_PLACE = re.compile(
    rf"\.\w{{1,5}}:\d+|^\W*\d*\W*$|^\W*(?:request|response|req|res|{_LEVELS})\W*$", re.IGNORECASE
)
_SIDE = re.compile(r"\b(?:request|response)\b", re.IGNORECASE)


@dataclass(slots=True)
class Prefix:
    """What may stand before the message of a line."""

    kinds: tuple[str, ...]  # the kind of each part: `time`, `level`, `bracket`, ...
    ends: tuple[int, ...]  # where the message may begin, the first of them at 0
    time: str | None  # the time that it tells, as written
    # what stands in brackets up to each place, without times: lines of a thread have the same
    threads: tuple[str, ...]

    @property
    def is_log(self) -> bool:
        """Whether a time or a level is told."""
        return bool({"time", "level", "channel"} & {*self.kinds})


def prefix_of(line: str) -> Prefix:
    """
    Return what may stand before the message of a line.

    Examples
    --------
    >>> prefix_of("10:00:00.1 [main] DEBUG a.b.Client - POST").kinds
    ('time', 'bracket', 'level', 'name', 'dash')
    """
    at, ends, threads = 0, [0], [""]
    kinds: list[str] = []
    time: str | None = None
    while len(kinds) < _MOST_TOKENS and (match := _TOKEN.match(line, at, _LONGEST)):
        kind = match.lastgroup or ""
        inside = _TIME.search(match[0]) if kind in ("time", "bracket") else None
        kind = "time" if inside else kind
        if not _may_stand(kind, kinds, match[0]):
            break
        kinds.append(kind)
        at = match.end()
        while line[at : at + 1] in (" ", "\t") and at < _LONGEST:
            at += 1
        ends.append(at)
        time = time or (inside[0] if inside else None)
        is_thread = kind in ("bracket", "number") and not inside and not _PLACE.search(match[0])
        threads.append(threads[-1] + _SIDE.sub("", match[0]) if is_thread else threads[-1])
    return Prefix(tuple(kinds), tuple(ends), time, tuple(threads))


def _may_stand(kind: str, before: list[str], text: str) -> bool:
    """Tell whether a part may stand here: a word with a colon may be a header."""
    if kind in ("name", "word") and not {"time", "level", "channel"} & {*before}:
        return kind == "name" and "." in text and text[-1:] in ":-"
    return bool(before) or kind not in ("dash", "number")
