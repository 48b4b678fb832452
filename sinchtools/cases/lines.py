"""The lines of a case's files, checked before they are believed, and rows of one id told apart."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from sinchtools.core.columns import as_json, from_json
from sinchtools.core.files import opened_own
from sinchtools.core.progress import told
from sinchtools.core.records import EXCHANGE_FIELDS, POSITION, Exchange, Skipped
from sinchtools.privacy import seen
from sinchtools.privacy.markers import unnumbered
from sinchtools.privacy.redaction import Redactor

CUT_OFF = "cut off: a kernel was stopped while it wrote"
FOREIGN = "not as a case writes it"
_TEXT = (str, NoneType)
_NUMBERS = ({...: int}, NoneType)
_LISTED = ([{"source": str, "reason": str, "count": int}], NoneType)
_STEP = {"title": str, "state": str, "proof": _TEXT, "reason": str, "at": datetime}
_REQUEST = {
    "method": _TEXT,
    "url": _TEXT,
    "request_headers": ({...: str}, NoneType),
    "request_body": _TEXT,
    "request_body_base64": _TEXT,
}
_RESULT = {
    "parent_id": str,
    "id": _TEXT,
    "verdict": str,
    "reasons": [str],
    "was": str,
    "now": str,
    "endpoint": _TEXT,
    "target": str,
    "request": (_REQUEST, NoneType),
}
_SHAPES: dict[str, dict[Any, Any]] = {  # by kind of event: what must stand in it
    "evidence": {
        "given": _TEXT,
        "place": _TEXT,
        "skipped": _LISTED,
        "warnings": _LISTED,
        "secrets": _NUMBERS,
        "formats": _NUMBERS,
        "name": _TEXT,
        "span": ([int], NoneType),
        "rows": (int, NoneType),
    },
    "removed": {"span": [int]},
    "note": {"text": str},
    "walk": {"exchange": _TEXT, "label": str, "title": str, "transcript": [_STEP], "ended": _TEXT},
    "replay": {"results": [_RESULT]},
    "closed": {"file": str, "helped": str},
}
_WORDS = [
    name
    for name in EXCHANGE_FIELDS
    if not re.search(r"headers|body|^(at|attempt|status|elapsed_ms)$", name)
]
_ALWAYS = ("id", "origin", "target")
_CONTENT = [
    name
    for name in EXCHANGE_FIELDS
    if name not in ("id", "source", "endpoint", "region", "account", "delivery")
]  # the last four follow from the rest
_REFERENCES = ("parent_id", "call_id")
_KEY_BYTES, _DIGEST_BYTES = 32, 16  # of what is kept of a secret
_MOST_SWEEPS = 10
_LARGEST = 2**15 - 1  # of a status or an attempt: the frame's columns hold no more


@dataclass(slots=True)
class Row:
    """A row of a case; its sign, which tells its content from another's, is made when needed."""

    exchange: Exchange
    _sign: str = ""

    @property
    def sign(self) -> str:
        """What `sign_of` says of the row."""
        self._sign = self._sign or sign_of(self.exchange)
        return self._sign


class Lines(NamedTuple):
    """What was read of a file; what is after `whole` bytes is read again when it has grown."""

    size: int = 0
    whole: int = 0
    number: int = 0
    values: tuple[Any, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    open_values: tuple[Any, ...] = ()
    open_skipped: tuple[Skipped, ...] = ()

    def with_written(self, values: Iterable[Any], size: int) -> Lines:
        """Return the same with lines that were just added here, after an empty one."""
        values = tuple(values)
        return self._replace(
            size=size,
            whole=size,
            number=self.number + len(values) + 1,
            values=self.values + values,
        )

    @property
    def all(self) -> tuple[Any, ...]:
        """What the lines stand for, the last one too if it has no end."""
        return self.values + self.open_values

    @property
    def passed_over(self) -> tuple[Skipped, ...]:
        """The lines that are not as a case writes them."""
        return tuple(
            replace(one, count=count)
            for one, count in Counter(self.skipped + self.open_skipped).items()
        )


def read_on(path: Path, before: Lines, made: Callable[[Any], Any]) -> Lines:
    """
    Return what a file holds by now, of which some was read before.

    Raises
    ------
    LogError
        It is a link or no plain file, or somebody else's.
    """
    with opened_own(path, os.O_RDONLY) as handle, os.fdopen(handle, "rb", closefd=False) as file:
        size = os.fstat(handle).st_size
        before = before if size >= before.size else Lines()
        file.seek(before.whole)
        whole, end, rest = file.read(size - before.whole).rpartition(b"\n")
    lines = whole.split(b"\n") if end else []
    values, skipped = _looked_at(path.name, lines, before.number, made)
    open_values, open_skipped = _looked_at(path.name, [rest], before.number + len(lines), made)
    return Lines(
        size=size,
        whole=before.whole + len(whole) + len(end),
        number=before.number + len(lines),
        values=before.values + values,
        skipped=before.skipped + skipped,
        open_values=open_values,
        open_skipped=open_skipped,
    )


def _looked_at(
    name: str, lines: Sequence[bytes], before: int, made: Callable[[Any], Any]
) -> tuple[tuple[Any, ...], tuple[Skipped, ...]]:
    values: list[Any] = []
    skipped: list[Skipped] = []
    for number, line in enumerate(told("rows opened", lines), start=before + 1):
        if not line.strip():
            continue
        try:
            values.append(made(_json(line)))
        except (
            ArithmeticError,
            AttributeError,
            LookupError,
            RecursionError,
            TypeError,
            ValueError,
        ) as error:
            is_cut = isinstance(error, json.JSONDecodeError) and line.startswith(b"{")
            skipped.append(
                Skipped(source=name, reason=CUT_OFF)
                if is_cut
                else Skipped(source=f"{name}#{number}", reason=FOREIGN)
            )
    return tuple(values), tuple(skipped)


def _json(line: bytes) -> Any:
    value = json.loads(line.decode("utf-8").removeprefix("\ufeff"))
    if b"\\ud" in line.lower():
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a character raises
    return value


def row_of(value: Mapping[str, Any], redactor: Redactor) -> Row:
    """
    Return the row of a line without secrets, whoever wrote it.

    Raises
    ------
    ValueError
        A value is not of its column's kind; other errors of Python where it is no row at all.
    """
    exchange = replace(from_json(value), id=value["id"])
    if wrong := wrong_field(exchange):
        raise ValueError(wrong)
    exchange = redactor.exchange(exchange)
    return Row(exchange)


def wrong_field(exchange: Exchange) -> str:
    """Return the first field whose value is not of its column's kind, or nothing."""
    for name, is_right in _CHECKS.items():
        if not is_right(getattr(exchange, name)):
            return name
    return ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(part, str) for pair in value.items() for part in pair
    )


def _is_body(value: Any) -> bool:
    return value is None or isinstance(value, str | bytes)


def _is_moment(value: Any) -> bool:
    return value is None or isinstance(value, datetime)


def _is_duration(value: Any) -> bool:
    return value is None or (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )


def _is_count(value: Any) -> bool:
    return value is None or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST
    )


def _check_of(name: str) -> Callable[[Any], bool]:
    if name in _WORDS:
        return _is_text if name in _ALWAYS else _is_text_or_none
    if name.endswith("_headers"):
        return _is_headers
    if name.endswith("_body"):
        return _is_body
    return {"at": _is_moment, "elapsed_ms": _is_duration}.get(name, _is_count)


_CHECKS = {name: _check_of(name) for name in EXCHANGE_FIELDS}


def event_of(value: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """
    Return the event of a line without secrets, whoever wrote it.

    Raises
    ------
    ValueError
        A value is not of its kind; other errors of Python where it is no event at all.
    """
    if not _fits(value, {"kind": str, "at": datetime, **_SHAPES[value["kind"]]}):
        raise ValueError
    cleaned: dict[str, Any] = _cleaned(value, redactor)
    return cleaned


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return any(_fits(value, one) for one in shape)
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(one, shape[0]) for one in value)
    if isinstance(shape, dict):
        wanted = (
            dict.fromkeys(value, shape[...]) if ... in shape and isinstance(value, dict) else shape
        )
        return isinstance(value, dict) and all(
            _fits(value.get(name), one) for name, one in wanted.items()
        )
    if shape is datetime:
        moment = datetime.fromisoformat(value)
        return moment.tzinfo is not None and bool(moment.astimezone(UTC))
    return isinstance(value, shape) and not isinstance(value, bool)


def _cleaned(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.text(value)
    if isinstance(value, list):
        return [_cleaned(one, redactor) for one in value]
    return (
        {name: _cleaned(one, redactor) for name, one in value.items()}
        if isinstance(value, dict)
        else value
    )


def digests_of(value: Mapping[str, Any]) -> list[seen.Digest]:
    """
    Return the digests of a line.

    Raises
    ------
    ValueError
        One is none; other errors of Python where it is not an object or has no such value.
    """
    found = seen.from_json(dict(value))
    if not all(
        len(one.key) == _KEY_BYTES
        and seen.SHORTEST <= one.size <= _LARGEST
        and len(one.digest) == _DIGEST_BYTES
        for one in found
    ):
        raise ValueError
    return found


def unquoted(one: Row, redactor: Redactor) -> Row:
    """Return a row without what was found to be a secret since it was read."""
    exchange = redactor.without_quotes(one.exchange)
    return one if exchange == one.exchange else Row(exchange)


# --- rows of one id ------------------------------------------------------------------------------


def sign_of(exchange: Exchange) -> str:
    """Return what tells a row's content from another's, without ids, places and marker numbers."""
    told = as_json(exchange, _CONTENT)
    told |= {name: "itself" for name in _REFERENCES if told[name] == exchange.id}
    text = unnumbered(json.dumps(told, sort_keys=True, ensure_ascii=False))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def told_apart(rows: Iterable[Row]) -> dict[str, Row]:
    """Return the rows by id, a row once; another row of the same id has one of its own."""
    found: dict[str, Row] = {}
    for one in rows:
        identity = _own_id(one, found)
        found.setdefault(identity, _renamed_row(one, identity))
    return found


def unknown(
    rows: Iterable[Exchange], known: Mapping[str, Row]
) -> tuple[list[Exchange], list[Skipped]]:
    """
    Return the rows that a case does not hold, and a warning for each whose id is another row's.

    Such a row gets an id of its own, the same at each reading; parents and calls within its file
    follow it.
    """
    rows = list(rows)
    made: dict[tuple[str, str], str] = {}
    for _ in range(_MOST_SWEEPS):  # once, unless a row stands before the one that it names
        before = dict(made)
        new, said = _sweep(rows, dict(known), made)
        if made == before or not any(
            (_file(x), getattr(x, name)) in made for x in rows for name in _REFERENCES
        ):
            break
    return new, list(dict.fromkeys(said))


def _sweep(
    rows: Iterable[Exchange], held: dict[str, Row], made: dict[tuple[str, str], str]
) -> tuple[list[Exchange], list[Skipped]]:
    places = {(one.exchange.source, one.sign): identity for identity, one in held.items()}
    new: list[Exchange] = []
    said: list[Skipped] = []
    for exchange in rows:
        one = _resolved(exchange, made)
        twin = places.get((exchange.source, one.sign)) if places else None
        identity = twin if twin is not None and _is_twin(exchange.id, twin) else _own_id(one, held)
        if identity != exchange.id:
            made[_file(exchange), exchange.id] = identity
            said.append(
                Skipped(
                    source=exchange.source or "exchange",
                    reason=f"another row has the same id; this one is now {identity[:80]}",
                )
            )
        if identity not in held:
            held[identity] = _renamed_row(one, identity)
            new.append(held[identity].exchange)
    return new, said


def _resolved(exchange: Exchange, made: Mapping[tuple[str, str], str]) -> Row:
    """Return a row that names others of its file by the ids that they got."""
    named = {
        name: str(getattr(exchange, name))
        for name in _REFERENCES
        if getattr(exchange, name) != exchange.id
    }
    own: dict[str, Any] = {
        name: made[_file(exchange), value]
        for name, value in named.items()
        if (_file(exchange), value) in made
    }
    return Row(replace(exchange, **own) if own else exchange)


def _own_id(one: Row, held: Mapping[str, Row]) -> str:
    """Return the id that is free for a row, or that it has already."""
    identity, length = one.exchange.id, 8
    while identity in held and held[identity].sign != one.sign and length <= len(one.sign):
        identity, length = f"{one.exchange.id}-{one.sign[:length]}", length + 8
    return identity


def _is_twin(identity: str, held: str) -> bool:
    """Whether two ids differ only in what a reading or a case put behind one of them."""
    plain = re.sub(r"-(?:[0-9a-f]{8}){1,4}$", "", held)
    return any(
        re.fullmatch(rf"{re.escape(one)}(-\d+)?", other)
        for one, other in ((plain, identity), (identity, plain))
    )


def _renamed_row(one: Row, identity: str) -> Row:
    if identity == one.exchange.id:
        return one
    return Row(_renamed(one.exchange, identity))


def _renamed(exchange: Exchange, identity: str) -> Exchange:
    itself: dict[str, Any] = {
        name: identity for name in ("id", *_REFERENCES) if getattr(exchange, name) == exchange.id
    }
    return replace(exchange, **itself)


def _file(exchange: Exchange) -> str:
    return re.sub(POSITION, "", exchange.source or "")
