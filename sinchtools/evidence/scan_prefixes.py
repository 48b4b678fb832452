"""How a scan takes off what stands before the lines of a log: syslog, docker, kubectl, a time."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_sql as sql
from sinchtools.evidence.containers import prefixes
from sinchtools.evidence.formats import log_lines
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.scan_lines import kind_of, only
from sinchtools.evidence.scan_times import Instants
from sinchtools.evidence.scan_views import FILE, View, text_of
from sinchtools.evidence.times import BEGINNING

AT, WHOLE = '"time of the prefix"', '"whole line"'


@dataclass(frozen=True, slots=True)
class Prefix:
    """What stands before each line of some files, if anything."""

    pattern: re.Pattern[str] | None

    def left(self, line: str) -> str:
        """Return a line without it."""
        match = self.pattern.match(line) if self.pattern else None
        return line[match.end() :] if match else line

    def source(self, files: list[str], lines: list[str], instants: Instants) -> str:
        """Return the SQL of the lines without it, and of the time that it tells."""
        if self.pattern is None:
            return text_of(files)
        text = re.sub(r"\(\?=[^)]*\)", "", self.pattern.pattern).replace("\\ufeff", "\\x{FEFF}")
        told = [
            match["at"]
            for line in lines
            if (match := self.pattern.match(line)) and match.groupdict().get("at")
        ]
        at = instants(told, sql.captured("line", f"^{only(text, 'at')}")) if told else _NEVER
        left = f"regexp_replace(line, {sql.literal(f'^(?:{only(text, chr(0))})')}, '')"
        return (
            f"(SELECT {left} AS line, line AS {WHOLE}, {at} AS {AT}, {sql.quoted(FILE)} FROM "
            f"{text_of(files)})"
        )

    def around(self, view: View) -> View:
        """Return how the lines are read with the prefix, by what reads them without it."""
        pattern = self.pattern
        if pattern is None:
            return view

        def exchange(piece: Piece, text: str) -> Exchange | None:
            found = view.exchange(piece, self.left(text))
            match = pattern.match(text)
            told = match.groupdict().get("at") if match else None
            at: datetime | None = piece.instant(told) if told else None
            return replace(found, at=found.at or at) if found else None

        known = view.values["at"]
        at_all = AT if known.startswith(sql.NOTHING) else f"coalesce({known}, {AT})"
        values = view.values | {"at": at_all}
        return replace(
            view,
            whole=WHOLE,
            values=values,
            exchange=exchange,
            is_read=lambda line: view.is_read(self.left(line)),
        )


NONE = Prefix(None)
_NEVER = f"{sql.NOTHING}TIMESTAMP)"


def of(lines: list[str]) -> Prefix:
    """Return what stands before the lines of a sample, or before the objects at their ends."""
    text = "\n".join(lines)
    if text[:100].lstrip("\ufeff \t\r\n[")[:1] == "{":
        return NONE
    found = Prefix(prefixes.pattern_of(lines, text))
    filled = [found.left(line) for line in lines if line.strip()]
    ending = [
        line
        for line in filled
        if (match := _OBJECT.search(line)) and not log_lines.LABEL.search(line, 0, match.start())
    ]
    if len(ending) * 10 < len(filled) * 9 or kind_of(filled) != "table":
        return found
    before = found.pattern.pattern if found.pattern else _BEGINNING
    return Prefix(re.compile(rf"{before}[^{{]*"))


_OBJECT = re.compile(r"(?<=\s)\{\s*\".*\}\s*$")
_BEGINNING = BEGINNING.pattern.replace(r"(\d{4}", r"(?P<at>\d{4}")
