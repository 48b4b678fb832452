"""
Keep a keyed digest of each secret that was removed.

With it, the secret is found again wherever it is quoted.

This process knows every secret that it removed, under a key that it draws at its start. A case
keeps the digests of its own evidence.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import secrets
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from string import ascii_letters, digits
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus, unquote

SHORTEST, LONGEST = 8, 4096
_KEY = secrets.token_bytes(32)
_RUN = r"[^\x00- \"'<>`]"  # what a secret consists of
# what it may directly follow, besides the start of a word
_BEFORE = r"_|\\(?:u[0-9a-fA-F]{4}|[abefnrtv])|%[0-9a-fA-F]{2}|\x1b\[[0-9;]*m"
_ALNUM = frozenset(ascii_letters + digits)
_END = "(?![a-zA-Z0-9])"
_CORE = re.compile(r"[a-zA-Z0-9](?:.*[a-zA-Z0-9])?", re.DOTALL)
_ONE_RUN = re.compile(f"{_RUN}{{{SHORTEST},{LONGEST}}}")
_UNRESERVED = re.compile(r"[\w.~-]+", re.ASCII)
_MOST_SIZES, _LARGE = (
    24,
    256,
)  # that one pattern tells apart; what is larger is told apart by its digest only
_MOST_HEADS, _HEAD = 32, 4


class Digest(NamedTuple):
    """What is kept of one secret: its length, and its digest under a key."""

    key: bytes
    size: int
    digest: bytes


_known: dict[int, dict[bytes, set[bytes]]] = {}  # by length and key
_heads: set[str] = (
    set()
)  # how the secrets of this process begin: a text without any of these is passed over quickly


def remember(value: str) -> set[Digest]:
    """
    Keep what is needed to find a secret again, however it is quoted, and return that.

    Examples
    --------
    >>> kept = remember("5c1e9a7b3d2f4e69")
    >>> [digest.size for digest in kept], list(spans("Credential 5c1e9a7b3d2f4e69 is unknown"))
    ([16], [(11, 27)])
    """
    cores = (_CORE.search(form) for form in _forms(value)) if len(value) <= LONGEST else ()
    written = {core[0] for core in cores if core and _ONE_RUN.fullmatch(core[0])}
    _heads.update(form[:_HEAD] for form in written)
    kept = {Digest(_KEY, len(form), _digest(_KEY, form)) for form in written}
    _keep(kept)
    return kept


def learn(found: Iterable[Digest]) -> None:
    """Look for these from now on: a case kept them, or another process did."""
    others = [digest for digest in found if digest.key != _KEY]
    if others:
        _heads.add("")  # unknown: every text is looked through
        _keep(others)


def forget() -> None:
    """Forget every secret that this process removed."""
    _known.clear()
    _heads.clear()


def known() -> frozenset[Digest]:
    """Return all that is looked for now."""
    return frozenset(
        Digest(key, size, digest)
        for size, by_key in list(_known.items())
        for key, held in list(by_key.items())
        for digest in list(held)
    )


def count() -> int:
    """Return how many digests are looked for now."""
    return sum(len(held) for by_key in list(_known.values()) for held in list(by_key.values()))


def may_be_in(text: str) -> bool:
    """Tell quickly whether to look through a text at all."""
    return bool(_known) and (
        len(_heads) > _MOST_HEADS or any(head in text for head in list(_heads))
    )


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where secrets that were removed elsewhere are in a text: start and end."""
    if not may_be_in(text):
        return
    done = 0
    for at in _starts(text):
        if at >= done and (size := _size_at(text, at)):
            done = at + size
            while text.startswith("=", done):  # of base64
                done += 1
            yield at, done


def as_lines(kept: Iterable[Digest]) -> str:
    """Return digests as JSON lines, one for each key."""
    lines = []
    for key, group in groupby(sorted(kept), lambda digest: digest.key):
        pairs = [[one.size, one.digest.hex()] for one in group]
        lines.append(json.dumps({"key": key.hex(), "digests": pairs}) + "\n")
    return "".join(lines)


def from_json(line: dict[str, Any]) -> list[Digest]:
    """
    Return the digests of a line.

    Examples
    --------
    >>> kept = remember("5c1e9a7b3d2f4e69")
    >>> set(from_json(json.loads(as_lines(kept)))) == kept
    True
    """
    key = bytes.fromhex(line["key"])
    return [Digest(key, int(size), bytes.fromhex(digest)) for size, digest in line["digests"]]


def _keep(kept: Iterable[Digest]) -> None:
    for key, size, digest in kept:
        _known.setdefault(size, {}).setdefault(key, set()).add(digest)


def _forms(value: str) -> set[str]:
    """Return how a value is written in a URL, a form, HTML and JSON (also as PHP writes it)."""
    if _UNRESERVED.fullmatch(value):
        return {value}
    quoted = quote(value, safe="", errors="replace")
    lowered = re.sub("%..", lambda match: match[0].lower(), quoted)
    dumped = json.dumps(value)[1:-1]
    in_urls = {unquote(value), quoted, lowered, quote_plus(value, errors="replace")}
    return {
        value,
        "".join(value.split()),
        *in_urls,
        dumped,
        dumped.replace("/", "\\/"),
        html.escape(value),
    }


def _digest(key: bytes, value: str) -> bytes:
    return hashlib.blake2b(value.encode("utf-8", "replace"), key=key, digest_size=16).digest()


def _starts(text: str) -> list[int]:
    word, behind = _patterns(tuple(sorted(_known)))
    found = [match.start() for match in word.finditer(text)]
    more = [match.end() for match in behind.finditer(text)]
    return sorted(found + more) if more else found


@lru_cache(maxsize=64)
def _patterns(sizes: tuple[int, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    ahead = f"{_RUN}{{{min(sizes[0], _LARGE)}}}"
    more = [size - sizes[0] for size in sizes]
    if len(sizes) <= _MOST_SIZES and sizes[0] <= _LARGE:
        exact = [f"{_RUN}{{{size}}}{_END}" for size in more if size <= _LARGE]
        longer = [f"{_RUN}{{{_LARGE}}}"] if more[-1] > _LARGE else []
        ahead += f"(?:{'|'.join(exact + longer)})"
    return re.compile(rf"\b(?={ahead})", re.ASCII), re.compile(
        rf"(?:{_BEFORE})(?={ahead})", re.ASCII
    )


def _size_at(text: str, at: int) -> int:
    """Return how long the secret is that begins here, the longest one of several; 0 for none."""
    found = 0
    for size, by_key in list(_known.items()):
        end = at + size
        if size <= found or end > len(text) or (end < len(text) and text[end] in _ALNUM):
            continue
        if any(_is_one(text, at, end, key, held) for key, held in list(by_key.items())):
            found = size
    return found


def _is_one(text: str, start: int, end: int, key: bytes, held: set[bytes]) -> bool:
    if key == _KEY and text[start : start + _HEAD] not in _heads:
        return False
    return _digest(key, text[start:end]) in held
