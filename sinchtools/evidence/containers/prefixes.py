"""
Take off what carries a log line and is no part of it.

Syslog, container runtimes, kubectl, the system journal, Android, cloud consoles: what each puts
before a line is removed, and the time that it says is kept.
"""

from __future__ import annotations

import re
from datetime import datetime

from sinchtools.evidence.pieces import Piece

_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_STAMP = rf"(?P<at>{_ISO})"
_BSD = r"(?:(?P<yearless>[A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d(?:\.\d+)?)|(?P<at>" + _ISO + "))"
# source: RFC 5424, RFC 3164, docker, kubernetes CRI, logcat, AWS, Heroku, Grafana documentation
PATTERNS: dict[str, re.Pattern[str]] = {
    "syslog 5424": re.compile(
        rf"<\d{{1,3}}>1 (?:{_STAMP}|-) \S+ \S+ \S+ \S+ "
        r"(?:-|(?:\[(?:[^\]\\]|\\.)*+\])+)(?: \ufeff?|$)"
    ),
    "syslog 3164": re.compile(
        rf"(?:<\d{{1,3}}>)?{_BSD} [\w.:-]+ (?:[A-Za-z_/(][\w./()-]*\[?[\w.-]*\]?):(?: |$)"
    ),
    "docker compose": re.compile(r"[\w.-]{1,80} +\| (?=\S)"),
    "kubectl": re.compile(rf"\[?pod/[\w./-]+\]? (?:{_STAMP} )?"),
    "CRI": re.compile(rf"{_STAMP} std(?:out|err) (?P<part>[FP]) "),
    "logcat": re.compile(
        r"(?:\d{4}-)?\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}(?: +[+-]\d{4})? +\d+[ -/]+\d+(?:/\S+)?"
        r" +(?:[VDIWEF][ /][\w.$:-]{0,60}?\s*: ?|[\w.$-]+ +[\w.]+ +[VDIWEF] {1,2})"
    ),
    "klog": re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{3,6} +\d+ [\w.-]+:\d+\] "),
    "ServiceNow": re.compile(r"\*\*\* Script: "),
    "Terraform": re.compile(r"[\w.\[\]\"-]{3,120} \((?:local|remote)-exec\): ?"),
    "Playwright": re.compile(r"[ \t]*(?:\x1b\[[\d;]*m)?pw:api(?:\x1b\[0m)? "),
    "logcat brief": re.compile(r"[VDIWEF]/[\w.$-]{1,60} *\( *\d+\): ?"),
    "Flutter": re.compile(r"flutter: ?"),
    "Lambda": re.compile(rf"{_STAMP}\t[0-9a-f-]{{36}}\t(?:[A-Z]+\t)?"),
    "CloudWatch": re.compile(rf"{_STAMP} [^\s{{\"]*/[^\s{{\"]+ (?=\S)"),
    "Heroku": re.compile(rf"{_STAMP} (?:heroku|app)\[[\w.-]+\]: "),
    "Loki": re.compile(rf"{_STAMP} \{{(?:[\w.]+=\"(?:[^\"\\]|\\.)*+\"(?:, ?)?)+\}} "),
    "Grafana": re.compile(rf"\d{{13,19}}\t{_STAMP}\t"),
    "time": re.compile(r"(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) "),
}
_OF_MOST_LINES = ("time", "docker compose", "CloudWatch")  # these could be text of another kind
_NO_LINES = re.compile(r"^#Fields|^-\[ RECORD |^[ \t>$#%]*curl[ \t]", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[\d;]*[A-Za-z]|\[\d{1,2}(?:;\d{1,3})*m")
_LOOKED_AT = 500


def unwrap(piece: Piece) -> list[Piece] | None:
    """Return the piece without the prefixes of its lines, or None when they have none."""
    if piece.text[:100].lstrip("\ufeff \t\r\n[")[:1] == "{":
        return None  # JSON, alone or one a line
    lines = _without_colours(piece)
    pattern = pattern_of(lines, piece.text)
    if pattern is None and lines is piece.lines:
        return None
    times: dict[int, datetime] = {}
    left = lines if pattern is None else _stripped(piece, pattern, lines, times)
    inner = piece.inner("\n".join(left))
    inner.numbers, inner.times = piece.numbers, piece.times | times
    return [inner]


def _without_colours(piece: Piece) -> list[str]:
    if not _COLOURS.search(piece.text):
        return piece.lines
    return [_COLOURS.sub("", line) for line in piece.lines]


def pattern_of(lines: list[str], text: str) -> re.Pattern[str] | None:
    """Return the pattern of the prefix that most lines have."""
    filled = [line for line in lines[:_LOOKED_AT] if line.strip()]
    if not filled or _NO_LINES.search(text[:200_000]):
        return None
    best, most = None, 0
    for name, pattern in PATTERNS.items():
        number = sum(pattern.match(line) is not None for line in filled)
        needed = 0.8 * len(filled) if name in _OF_MOST_LINES else 1
        if number >= needed and number > most:
            best, most = pattern, number
    return best


def _stripped(
    piece: Piece, pattern: re.Pattern[str], lines: list[str], times: dict[int, datetime]
) -> list[str]:
    left: list[str] = []
    whole = 0  # the line to which the parts of a long one belong
    for number, line in enumerate(lines, start=1):
        match = pattern.match(line)
        if not match:
            left.append(line)
            continue
        groups = match.groupdict()
        if groups.get("at") and (moment := piece.instant(groups["at"])):
            times[number] = moment
        rest = line[match.end() :]
        if whole and groups.get("part"):
            left[whole - 1] += rest
            left.append("")
        else:
            left.append(rest)
        whole = (whole or number) if groups.get("part") == "P" else 0
    return left
