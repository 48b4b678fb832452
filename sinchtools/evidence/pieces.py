"""
Define what a parser gets and what it reports.

It gets one `Piece` of evidence with its clock, and lists what was lost or guessed.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from sinchtools.core.records import Skipped
from sinchtools.evidence.files import bytes_of
from sinchtools.evidence.times import BEGINNING, instant, is_ambiguous, order_of
from sinchtools.evidence.times import words as words

HTTP_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT")
METHODS = "|".join(HTTP_METHODS)  # of a pattern
LARGEST_FILE = 10_000_000  # bytes of a file that a command names
MOST_VALUES = (
    20_000_000  # of one JSON document, and lines of one text: their objects would fill the memory
)
MOST_SKIPPED = 1_000_000  # pieces of one reading that hold nothing
TOO_MANY_VALUES = (
    f"JSON of more than {MOST_VALUES:,} values: split it, or write one object a line "
    "and use st.scan"
)
_OPENING = re.compile(r"\{|^[ \t]*+\[", re.MULTILINE)
_MOST_TRIES = 10  # times that the length of a text is looked at for JSON


_LOOKED_AT = 80  # lines that tell whether a text is a log of one kind


class TooMuchError(Exception):
    """There is more than is read in one go; never leaves this package."""


class Piece:
    """
    The text of one file, archive member or paste, while it is being parsed.

    It still holds secrets: it is never kept, shown or raised.
    """

    def __init__(
        self,
        name: str,
        text: str,
        *,
        files: Path | None = None,
        tz: tzinfo | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name  # what the source is called in the report: file name, or ``paste``
        self.text = text
        self.files = files  # the one folder that ``@name`` arguments are read from
        self.tz = tz  # the zone of times that name none
        self.columns = columns or {}  # of a table, as the caller wants it: its column to ours
        self.variables: dict[str, str] = {}
        self.secrets: set[str] = set()  # values that the evidence calls secret, wherever they stand
        self.skipped: list[Skipped] = []  # what was not read so far
        self.guessed: list[Skipped] = []  # what was read, but guessed
        self.room = MOST_SKIPPED  # how many more pieces may be skipped
        self.is_too_much = False  # whether it is JSON with more values than are read at once
        # when a line was logged, by its number, where a prefix that was taken off said it
        self.times: dict[int, datetime] = {}
        # lines that belong to what was read beside those it was read from: assignments, imports
        self.used: set[int] = set()
        # lines of commands: where the next begins, the output of the one before ends
        self.commands: set[int] = set()
        # the line of the source that each line here comes from, or None when they are the same
        self.numbers: list[int] | None = None
        # how many lines of a text were used, and how many it has, empty ones left out
        self.counted: list[tuple[int, int]] = []
        self._said: set[str] = set()

    def __repr__(self) -> str:
        """Show the name and the size, never the text."""
        return f"<Piece {self.name}, {len(self.text)} characters>"

    @cached_property
    def document(self) -> Any:
        """The text as one JSON document, or None when it is not one."""
        if self.text.lstrip()[:1] not in ("{", "["):
            return None
        try:
            return loaded(self.text)
        except TooMuchError:
            self.is_too_much = True
        except (ValueError, RecursionError):
            pass
        return None

    @cached_property
    def lines(self) -> list[str]:
        """
        The lines.

        Only line feeds separate them, since other separators occur inside of JSON strings.
        """
        lines = self.text.split("\n", MOST_VALUES)
        if len(lines) > MOST_VALUES:
            self.skip(
                MOST_VALUES + 1,
                f"more than {MOST_VALUES:,} lines: the rest was not read; split the file, "
                "or use st.scan",
            )
            lines.pop()
        return [line.rstrip("\r") for line in lines]

    @cached_property
    def line_starts(self) -> list[int]:
        """Where each line begins in the text."""
        return [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]

    def line_of(self, position: int) -> int:
        """Return the number of the line of a position in the text, counted from 1."""
        return bisect_right(self.line_starts, position)

    @cached_property
    def day_first(self) -> bool | None:
        """Whether the day stands first in dates such as 01/05/2024, or None: no date tells."""
        return order_of(self.text)

    def is_mostly(self, is_known: Callable[[str], bool]) -> bool:
        """Tell whether nine of ten lines at the start are of one kind, and there are enough."""
        head = [line for line in self.text[:20_000].split("\n")[:_LOOKED_AT] if line.strip()]
        return len(head) * 4 >= _LOOKED_AT and sum(map(is_known, head)) * 10 >= len(head) * 9

    def without(self, taken: Iterable[tuple[int, int]]) -> Piece:
        """
        Return this piece with some lines empty: first and last of each run, counted from 1.

        What is listed there is listed here.
        """
        lines, runs = self.lines, list(taken)
        if not runs:
            return self
        left = list(lines)
        for start, end in runs:
            left[start - 1 : end] = [""] * len(left[start - 1 : end])
        return self.with_text("\n".join(left), self.numbers)

    def with_text(self, text: str, numbers: list[int] | None = None) -> Piece:
        """Return this piece with another text; what is listed there is listed here."""
        changed = copy(self)
        changed.text, changed.document = text, None
        changed.numbers = self._in_source(numbers) if numbers else self.numbers
        for derived in ("lines", "line_starts"):
            changed.__dict__.pop(derived, None)
        return changed

    def use(self, start: int, end: int | None = None) -> None:
        """Say that lines belong to what is read, though no row begins or ends there."""
        self.used.update(range(start, (end or start) + 1))

    def inner(self, text: str, numbers: list[int] | None = None, name: str | None = None) -> Piece:
        """
        Return a piece of what this one is wrapped around.

        `numbers` are the lines here that the lines of the text come from.
        """
        piece = Piece(name or self.name, text, files=self.files, tz=self.tz, columns=self.columns)
        piece.variables, piece.secrets, piece.room = self.variables, self.secrets, self.room
        if numbers is not None:
            times = ((place, self.times.get(number)) for place, number in enumerate(numbers, 1))
            piece.times = {place: time for place, time in times if time}
            piece.numbers = self._in_source(numbers)
        return piece

    def _in_source(self, numbers: list[int]) -> list[int]:
        """Return the lines of the source that lines of this piece come from."""
        known = self.numbers
        return [known[n - 1] if n <= len(known) else n for n in numbers] if known else numbers

    def time_of(self, line: int) -> datetime | None:
        """Return when a line was logged, as the prefix said that was taken off it."""
        return self.times.get(line)

    def logged_at(self, line: int) -> datetime | None:
        """Return when a line was logged, as a prefix said or as it begins."""
        begins = BEGINNING.match(self.lines[line - 1]) if 0 < line <= len(self.lines) else None
        return self.time_of(line) or (self.instant(begins[1]) if begins else None)

    def at(self, position: int | str | None = None) -> str:
        """Return the name of a place in this piece: ``case.har#17``."""
        if self.numbers and isinstance(position, int) and position <= len(self.numbers):
            position = self.numbers[position - 1]
        return self.name if position is None else f"{self.name}#{position}"

    def skip(self, position: int | str | None, reason: str) -> None:
        """List a part that was not read, if there is room; a run of the same reason is folded."""
        if self.room <= 0:
            raise TooMuchError
        self.room -= 1
        self._list(self.skipped, position, reason)

    def guess(self, position: int | str | None, reason: str) -> None:
        """List a part that was read, but not as it stands."""
        self._list(self.guessed, position, reason)

    def _list(self, listed: list[Skipped], position: int | str | None, reason: str) -> None:
        last = listed[-1] if listed else None
        if last and last.reason == reason:
            listed[-1] = Skipped(source=last.source, reason=reason, count=last.count + 1)
        else:
            listed.append(Skipped(source=self.at(position), reason=reason))

    def file(self, name: str, position: int | str | None) -> bytes | None:
        """
        Return what is in a file of the one folder that was given for it, or None with a warning.

        No other file is ever read.
        """
        content = _inside(self.files, name)
        if content is None:
            why = "it is not in the folder given, or too large"
            if self.files is None:
                why = "no folder was given to read it from (files=, --files)"
            self.guess(
                position,
                f"the content of a file that @ names is not known: {why}; it stays as written",
            )
        return content

    def instant(self, value: object) -> datetime | None:
        """
        Return a time in UTC from any common notation, or None.

        A time without a zone takes `tz`, and the report says so once.
        """
        if isinstance(value, str) and value[10:11] == "T" and value[-1:] == "Z":  # the most common
            with suppress(ValueError):
                return datetime.fromisoformat(value)
        moment = instant(value, day_first=self._day_first(value))
        if moment is None or moment.tzinfo is not None:
            return _utc(moment)
        self.guess_once(
            f"times without a zone were taken as {self.tz or 'UTC'}; "
            "say tz= (--tz) when they are not"
        )
        return _utc(moment.replace(tzinfo=self.tz or UTC))

    def guess_once(self, reason: str) -> None:
        """List what holds for the whole piece, once."""
        if reason not in self._said:
            self._said.add(reason)
            self.guess(None, reason)

    def _day_first(self, value: object) -> bool | None:
        if not isinstance(value, str) or not is_ambiguous(value):
            return None
        if self.day_first is None:
            self.guess_once(
                "whether day or month comes first is not said by any date: the day was taken as "
                "first, the month where the clock has AM and PM"
            )
        return self.day_first


def loaded(text: str) -> Any:
    """Return the value of a JSON text, unless its values would fill the memory: TooMuchError."""
    if len(text) > MOST_VALUES and sum(map(text.count, "[{,")) > MOST_VALUES:
        raise TooMuchError
    return json.loads(text)


def json_end(text: str, start: int = 0) -> int | None:
    """Return where the JSON value ends that starts at a place, or None."""
    if text[start : start + 1] not in ("{", "["):
        return None
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def json_values(text: str) -> Iterator[tuple[int, int, Any]]:
    """
    Yield where each JSON object or array of a text starts and ends, and its value.

    An array counts only where a line begins. A text of many that never end is given up.

    Examples
    --------
    >>> list(json_values('it said {"code": "x"}, again'))
    [(8, 21, {'code': 'x'})]
    """
    decoder, at, left = json.JSONDecoder(), 0, _MOST_TRIES * len(text) + 10_000
    for opening in _OPENING.finditer(text):
        start = opening.end() - 1
        if start < at or left < 0:
            continue
        try:
            value, at = decoder.raw_decode(text, start)
        except RecursionError:
            return
        except json.JSONDecodeError as error:
            left -= error.pos - start + start // 20  # the error counts the lines before it
            continue
        yield start, at, value


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    Return headers as a dict: names as first written, the values of a repeated one joined by ``, ``.

    Examples
    --------
    >>> joined([("Via", "a"), ("via", "b")])
    {'Via': 'a, b'}
    """
    headers: dict[str, str] = {}
    spelling: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in pairs:
        name = spelling.setdefault(name.lower(), name)
        if name in headers:
            repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
    return (
        headers | {name: ", ".join(values) for name, values in repeated.items()}
        if repeated
        else headers
    )


def status_of(value: object) -> int | None:
    """
    Return the status that a value means, or None for no response.

    A value of 0 or less, or one that is not a number, means no response.
    """
    try:
        number = int(float(str(value)))
    except (ValueError, OverflowError):
        return None
    return number if 0 < number <= 32767 else None


def _inside(folder: Path | None, name: str) -> bytes | None:
    if folder is None:
        return None
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        content, refused = (
            bytes_of(path, LARGEST_FILE) if path.is_relative_to(root) else (b"", "elsewhere")
        )
    except (OSError, ValueError):
        return None
    return None if refused else content


def _utc(moment: datetime | None) -> datetime | None:
    try:
        return moment and moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
