"""Rows of one id told apart: by their content, which a sign stands for."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sinchtools.core.columns import as_json
from sinchtools.core.records import EXCHANGE_FIELDS, POSITION, Exchange, Skipped
from sinchtools.privacy.markers import unnumbered

_FOLLOWS = ("endpoint", "region", "account", "delivery")  # from the rest
_CONTENT = [name for name in EXCHANGE_FIELDS if name not in ("id", "source", *_FOLLOWS)]
_REFERENCES = ("parent_id", "call_id")
_MOST_SWEEPS = 10


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
        found.setdefault(identity, _renamed(one, identity))
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
            held[identity] = _renamed(one, identity)
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


def _renamed(one: Row, identity: str) -> Row:
    """Return a row with another id, also where it refers to itself."""
    exchange = one.exchange
    if identity == exchange.id:
        return one
    itself: dict[str, Any] = {
        name: identity for name in ("id", *_REFERENCES) if getattr(exchange, name) == exchange.id
    }
    return Row(replace(exchange, **itself))


def _file(exchange: Exchange) -> str:
    return re.sub(POSITION, "", exchange.source or "")
