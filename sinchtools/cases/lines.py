"""The lines of a case's files, checked before they are believed."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from sinchtools.cases.same_ids import Row
from sinchtools.core.columns import from_json
from sinchtools.core.files import opened_own
from sinchtools.core.progress import told
from sinchtools.core.records import EXCHANGE_FIELDS, Exchange, Skipped
from sinchtools.privacy import seen
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
    "assumed": ([str], NoneType),
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
_KEY_BYTES, _DIGEST_BYTES = 32, 16  # of what is kept of a secret
_LARGEST = 2**15 - 1  # of a status or an attempt: the frame's columns hold no more


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


def _is_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(part, str) for pair in value.items() for part in pair
    )


def _is_duration(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and math.isfinite(value))


def _is_count(value: Any) -> bool:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value is None or (is_whole and abs(value) <= _LARGEST)


def _is(*types: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, types)


_CHECKS: dict[str, Callable[[Any], bool]] = {  # by column; every other one is text or nothing
    **dict.fromkeys(EXCHANGE_FIELDS, _is(str, NoneType)),
    **dict.fromkeys(("id", "origin", "target"), _is(str)),
    **dict.fromkeys(("request_headers", "response_headers"), _is_headers),
    **dict.fromkeys(("request_body", "response_body"), _is(str, bytes, NoneType)),
    **dict.fromkeys(("status", "attempt"), _is_count),
    "at": _is(datetime, NoneType),
    "elapsed_ms": _is_duration,
}


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
