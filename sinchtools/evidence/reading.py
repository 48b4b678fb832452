"""
Read all evidence through one door.

Text is opened, its format found and its secrets removed. Only then is there a row.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from operator import attrgetter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sinchtools.api import deliveries, description
from sinchtools.core.columns import COLUMNS
from sinchtools.core.errors import MissingInputError, WrongUseError, told
from sinchtools.core.progress import tell
from sinchtools.core.records import EXCHANGE_FIELDS, Exchange, Skipped, header
from sinchtools.evidence import files as sources
from sinchtools.evidence import mixed, terminal, unpacking, variables
from sinchtools.evidence.evidence import Evidence
from sinchtools.evidence.formats import dataframe
from sinchtools.evidence.formats.mapping import OWN
from sinchtools.evidence.kinds import CONTAINERS, FINDERS, FORMATS, OF_TOOLS, format_of
from sinchtools.evidence.pieces import MOST_SKIPPED, TOO_MANY_VALUES, Piece, TooMuchError, words
from sinchtools.evidence.retold import without_retold
from sinchtools.evidence.scanning import is_lazy
from sinchtools.evidence.scanning import rows as scanned_rows
from sinchtools.privacy.markers import MARKER
from sinchtools.privacy.redaction import Redactor

Source = str | Path | bytes | bytearray | Exchange | Mapping[str, Any] | Iterable[Any]
_STRINGS = tuple(
    name
    for name, (dtype, _) in COLUMNS.items()
    if dtype == "string" and not name.endswith("_headers") and name != "outcome"
)
MOST_ROWS = 1_000_000
TOO_MANY_ROWS = (
    f"more than {MOST_ROWS:,} exchanges: the rest was not read; st.scan reads files of any size"
)
TOO_MANY_SKIPPED = (
    f"more than {MOST_SKIPPED:,} pieces without HTTP data: the rest was not "
    f"read; leave them out, or use st.scan"
)
_TOLD_EVERY = 256  # rows
_BY_LINE = (None, "jsonl", "table")  # their rows are in the order of the lines
_DEEPEST = 5  # containers within containers
NO_FORMAT = "no HTTP data in any known form"
_STRING_VALUES = attrgetter(*_STRINGS)
_HALVES = re.compile("[\ud800-\udfff]")
_ID_NAMES = words(  # of which an id is made
    "parent_id call_id source method url request_body status code text response_body failure at"
)
_ID_VALUES = attrgetter(*_ID_NAMES)


def read(
    source: Source,
    ids: str | Iterable[str] | None = None,
    *,
    format: str | None = None,
    files: str | Path | None = None,
    tz: str | tzinfo | None = None,
    columns: Mapping[str, str] | None = None,
) -> Evidence:
    r"""
    Read any evidence.

    It may be a path, folder, glob, archive, pasted text, bytes, exchanges, or a list of these.

    Parameters
    ----------
    source
        What to read, or a dict of name and what to read. A text that could be a path and is one is
        read from there. Also what `scan` returned, together with `ids`.
    ids
        The rows of a scan to bring in whole.
    format
        One of `FORMATS` or `FINDERS`, to force it; else it is found from the content.
    files
        The one folder that ``@name`` arguments of a curl command are read from.
    tz
        The zone of times that name none; UTC when not given.
    columns
        Column of a table to column of ours, where the names do not tell.

    Returns
    -------
    Evidence
        The exchanges in order, and what was skipped or guessed; `.frame()` is a pandas frame.

    Raises
    ------
    MissingInputError
        A path does not exist or cannot be read. All else that cannot be read is listed under
        `skipped`.

    Examples
    --------
    >>> read('HTTP/1.1 403 Forbidden\n\n{"code": "unknown_group", "text": "No such group"}')[0].code
    'unknown_group'
    """
    format = "table" if format in ("csv", "tsv") else format
    if format is not None and format not in FORMATS and format not in FINDERS:
        raise WrongUseError(
            f"{told(format)} is not a format that is read here.",
            hint=f"Use one of: {', '.join((*FORMATS, *FINDERS))}.",
        )
    reading = _Reading(files=_folder(files), tz=_zone(tz), columns=columns, forced=format)
    with _garbage_left():
        if is_lazy(source) or ids is not None:
            wanted = [ids] if ids and isinstance(ids, str) else ids or ()
            reading.fetch(source, [str(one) for one in wanted])
        else:
            reading.take(source, "paste")
        return reading.evidence()


@contextmanager
def _garbage_left() -> Iterator[None]:
    """
    Let the garbage collector rest.

    A reading makes millions of objects that all stay, and looking through them costs a third of its
    time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(slots=True)
class _Reading:
    files: Path | None
    tz: tzinfo | None
    columns: Mapping[str, str] | None
    forced: str | None
    redactor: Redactor = field(default_factory=lambda: Redactor(waits=True))
    variables: dict[str, str] = field(default_factory=dict)
    waiting: list[Piece] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    warnings: list[Skipped] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    ids: Counter[str] = field(default_factory=Counter)
    room: int = MOST_SKIPPED
    lines: list[tuple[int, int]] = field(default_factory=list)

    def take(self, source: Source, name: str) -> None:
        if isinstance(source, Exchange):
            self.keep(source, {})
        elif isinstance(source, str | Path | bytes | bytearray):
            for opened in sources.opened(source, name):
                self.open(opened)
        elif dataframe.is_frame(source):
            self.parse(self.of_frame(source, name), "frame")
        elif isinstance(source, Mapping):
            for called, part in source.items():
                self.take(part, called)
        else:
            for number, part in enumerate(source, start=1):
                self.take(part, f"paste-{number}")

    def of_frame(self, frame: Any, name: str) -> Piece:
        piece = Piece(name.replace("paste", "frame"), "", tz=self.tz, columns=self.columns)
        piece.document = frame
        return piece

    def fetch(self, lazy: Any, ids: list[str]) -> None:
        if not is_lazy(lazy) or not ids:
            raise WrongUseError(
                "Single rows are read from a scan by their ids.",
                hint='Say st.read(st.scan("logs/*.jsonl"), ["row-1", "row-2"]).',
            )
        for file, rows in scanned_rows(lazy, ids).items():
            piece = Piece(file, "", tz=self.tz)
            piece.document = [{n: row[n] for n in row if n in OWN} for row in rows]
            self.parse(piece, "jsonl")
        missing = [
            one
            for one in dict.fromkeys(ids)
            if one not in {exchange.id for exchange in self.exchanges}
        ]
        self.skipped += [
            Skipped(source=f"id {one[:80]}", reason="no row of the scanned files has this id")
            for one in missing
        ]

    def open(self, opened: unpacking.Opened) -> None:
        if opened.warning:
            self.warnings.append(Skipped(source=opened.name, reason=opened.warning))
        if opened.refused or not opened.text.strip("\0 \r\n\t\ufeff"):
            self.skipped.append(Skipped(source=opened.name, reason=opened.refused or "empty"))
            return
        try:
            piece = Piece(
                opened.name, opened.text, files=self.files, tz=self.tz, columns=self.columns
            )
            if opened.at and (at := piece.instant(opened.at)):
                piece.times[1] = at
            self.sort(piece)
        except MemoryError:
            self.skipped.append(Skipped(source=opened.name, reason=unpacking.TOO_LARGE))

    def sort(self, piece: Piece, depth: int = 0) -> None:
        is_whole = self.forced or depth > _DEEPEST or format_of(piece, OF_TOOLS)
        inner = None if is_whole else _inside(piece)
        if inner is not None:
            for part in inner:
                self.sort(part, depth + 1)
            self.report(piece)
            return
        name = self.forced or format_of(piece)
        if name is None and piece.is_too_much:
            self.skipped.append(Skipped(source=piece.name, reason=TOO_MANY_VALUES))
        elif name == "postman":
            self.waiting.append(piece)
        else:
            self.parse(piece, name)

    def parse(self, piece: Piece, name: str | None) -> None:
        before, stopped, piece.room = len(self.exchanges), "", self.room
        lines = piece.text.count("\n") if name in _BY_LINE else 0
        try:
            for form, raw in self.rows(piece, name):
                if not len(self.exchanges) % _TOLD_EVERY:
                    _tell(len(self.exchanges), raw.source if lines else None, lines)
                if len(self.exchanges) >= MOST_ROWS:
                    stopped = TOO_MANY_ROWS
                    break
                self.keep(*self.cleaned(piece, variables.of_tool(form, raw)))
                self.formats[form] += 1
        except TooMuchError:
            stopped = TOO_MANY_SKIPPED
        except MemoryError:
            stopped = unpacking.TOO_LARGE
        except MissingInputError:
            raise
        except (
            Exception
        ) as error:  # a reader's defect costs the rest of one file, never the reading
            stopped = (
                f"the reader of {name or 'text'} stopped here ({type(error).__name__}); what came "
                f"before was read"
            )
        self.room = piece.room
        if len(self.exchanges) == before and not piece.skipped:
            stopped = stopped or (
                f"no HTTP data, though it looks like {name}" if name else NO_FORMAT
            )
        if stopped:
            piece.skipped.append(Skipped(source=piece.name, reason=stopped))
        self.report(piece)
        self.variables |= piece.variables if name == "postman-environment" else {}

    def rows(self, piece: Piece, name: str | None) -> Iterator[tuple[str, Exchange]]:
        if name == "frame":
            yield from ((name, raw) for raw in dataframe.parse(piece, piece.document))
            return
        if name in FORMATS:
            yield from ((name, raw) for raw in FORMATS[name].parse(piece))
            return
        text = terminal.plain(piece.text.replace("\r\n", "\n").replace("\r", "\n"))
        text, numbers = terminal.unglued(self.redactor.prepared(text))
        piece = piece.with_text(text, numbers)
        finders = FINDERS if name is None else {name: FINDERS[name]}
        yield from mixed.parse(piece, finders)

    def report(self, piece: Piece) -> None:
        self.skipped += map(self.said, piece.skipped)
        self.warnings += map(self.said, piece.guessed)
        self.lines += piece.counted

    def cleaned(self, piece: Piece, raw: Exchange) -> tuple[Exchange, dict[str, Any]]:
        """Return a row without secrets, and the fields that the rest of it tells."""
        exchange = self.redactor.exchange(raw, piece.secrets)
        derived = description.derived(exchange)
        if exchange.at is None and (date := header(exchange.response_headers, "Date")):
            derived["at"] = piece.instant(date)
            piece.guess_once("the request shows no time: the response's Date was used")
        if _is_ascii(exchange, derived):
            return exchange, derived
        return self.repaired(piece, replace(exchange, **derived)), {}

    def repaired(self, piece: Piece, exchange: Exchange) -> Exchange:
        repaired = {
            name: whole
            for name in EXCHANGE_FIELDS
            if (whole := _unmangled(value := getattr(exchange, name))) is not value
        }
        if not repaired:
            return exchange
        exchange = replace(exchange, **repaired)
        piece.guess(
            (exchange.source or "").rpartition("#")[2],
            "halves of characters (lone surrogates) were replaced",
        )
        return exchange

    def said(self, entry: Skipped) -> Skipped:
        return replace(
            entry, source=self.redactor.text(entry.source), reason=self.redactor.text(entry.reason)
        )

    def keep(self, exchange: Exchange, derived: Mapping[str, Any]) -> None:
        """Take a row, with what the rest of it tells, under an id of its own."""
        wanted = exchange.id or _content_id(exchange, derived)
        self.ids[wanted] += 1
        made = wanted
        while self.ids[wanted] > 1 and (made := f"{wanted}-{self.ids[wanted]}") in self.ids:
            self.ids[wanted] += 1
        if made != wanted:
            self.ids[made] += 1
            self.warnings.append(
                Skipped(
                    source=exchange.source or "exchange",
                    reason=f"an id occurs more than once; this one is now {made[:80]}",
                )
            )
        is_done = exchange.id == made and not derived
        self.exchanges.append(exchange if is_done else replace(exchange, **{**derived, "id": made}))

    def evidence(self) -> Evidence:
        for piece in self.waiting:
            piece.variables |= self.variables
            self.parse(piece, "postman")
        known = deliveries.joined(map(self.redactor.without_quotes, self.exchanges))
        exchanges = tuple(without_retold(known))
        skipped, warnings = (
            tuple(map(self.unquoted, entries)) for entries in (self.skipped, self.warnings)
        )
        secrets = Counter(
            {_unmangled(place): number for place, number in self.redactor.removed.items()}
        )
        return Evidence(
            exchanges,
            skipped,
            warnings,
            secrets,
            +self.formats,
            sum(used for used, _ in self.lines),
            sum(lines for _, lines in self.lines),
            frozenset(self.redactor.kept),
        )

    def unquoted(self, entry: Skipped) -> Skipped:
        source, reason = map(self.redactor.unquoted, (entry.source, entry.reason))
        return replace(entry, source=source, reason=reason)


def _inside(piece: Piece) -> list[Piece] | None:
    """Return what a piece is wrapped around, or None when it is no container."""
    for unwrap in CONTAINERS.values():
        try:
            inner = unwrap(piece)
        except (RecursionError, ValueError, TypeError, AttributeError, KeyError):
            continue
        if inner is not None:
            return list(inner)
    return None


def _content_id(exchange: Exchange, derived: Mapping[str, Any]) -> str:
    sent, received = exchange.request_headers, exchange.response_headers
    headers = (*sent, *sent.values(), *received, *received.values())
    values = zip(_ID_NAMES, _ID_VALUES(exchange), strict=True)
    text = "\0".join(map(str, (*(derived.get(name, value) for name, value in values), *headers)))
    text = MARKER.sub("secret", text) if "[secret " in text else text
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=6).hexdigest()


def _tell(rows: int, source: str | None, lines: int) -> None:
    """Say how far the reading is: in lines where the place of the last row is a line."""
    line = (source or "").rpartition("#")[2].partition("-")[0]
    if line.isdecimal():
        tell("lines read", min(int(line), lines), lines)
    else:
        tell("requests read", rows)


def _is_ascii(exchange: Exchange, derived: Mapping[str, Any]) -> bool:
    sent, received = exchange.request_headers, exchange.response_headers
    for headers in (sent, received):
        if headers and not "".join((*headers, *headers.values())).isascii():
            return False
    values = (*_STRING_VALUES(exchange), *derived.values())
    return all(map(str.isascii, [value for value in values if isinstance(value, str)]))


def _unmangled(value: Any) -> Any:
    """Return a text, or headers, with lone halves of characters replaced."""
    if isinstance(value, Mapping):
        whole = {_unmangled(name): _unmangled(text) for name, text in value.items()}
        return value if whole == value else whole
    if not isinstance(value, str) or not _HALVES.search(value):
        return value
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _folder(files: str | Path | None) -> Path | None:
    if files is None:
        return None
    try:
        is_folder = Path(files).is_dir()
    except OSError:
        is_folder = False
    if not is_folder:
        raise MissingInputError(files, "is not a folder")
    return Path(files)


def _zone(tz: str | tzinfo | None) -> tzinfo | None:
    if not isinstance(tz, str):
        return tz
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise WrongUseError(
        f"{told(tz)} is not a time zone.", hint="Use a name such as Europe/Stockholm or UTC."
    )
