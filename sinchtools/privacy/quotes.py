"""
Find message texts where they are quoted.

A quote may be whole or partial, with other capitals, punctuation, accents or markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from sinchtools.privacy.folding import folded

SHORTEST_TEXT = 12  # characters: a shorter one is found only where it stands alone
_SHORTEST_ALONE = 6
_WORDS, _LETTERS = 4, 10  # as many together are a part of a text
# scripts without spaces
_CLOSED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_CLOSED}]|[^\W_{_CLOSED}]+")
_STRUCTURE = re.compile(
    r"[\"']\s*[:,]\s*[\"'\[{\d]?|[{}\[\]<>&]|=[\"']?$"
)  # of JSON, HTML or a form, between two values
_LONGEST_GAP = 16
_OPENS, _CLOSES = (
    re.compile(r"(?:\A|[\"'“”‘’«»>(\[{:=*_`\n|,;/])\s*\Z"),
    re.compile(r"\s*(?:\Z|[\"'“”‘’«»<)\]}*_`\n|,;.!?&])"),
)


class Quotes:
    """
    Texts, ready to be found where somebody quotes them: a run of four words is enough.

    Parameters
    ----------
    texts
        Those of fewer words are found when all of their words stand together; those under 12
        characters when they stand alone.
    names
        Found whole wherever they stand, however short.

    Attributes
    ----------
    least
        Fewer characters quote none of them.

    Examples
    --------
    >>> quotes = Quotes(["Dear Anna Svensson, your parcel waits"])
    >>> said = "it begins 'DEAR Anna **Svensson** - your par"
    >>> [(said[start:end], text) for start, end, text in quotes.spans(said)]
    [('DEAR Anna **Svensson** - your par', 'Dear Anna Svensson, your parcel waits')]
    """

    def __init__(self, texts: Iterable[str], names: Iterable[str] = ()) -> None:
        self._texts: list[str] = []
        self._runs: dict[
            int, tuple[int, int]
        ] = {}  # by hash: the text and the word that a run begins with
        self._wholes: dict[str, str] = {}
        self._alone: set[str] = set()
        self._firsts: set[str] = set()
        self.least = 10**9
        self._sizes: set[int] = set()
        for text in sorted(texts, key=lambda text: (-len(text), text)):
            self._add(text)
        for name in names:
            self._add_whole(_words(name), name)

    def _add(self, text: str) -> None:
        runs = _runs_of(text)
        if not runs:
            self._add_short(text, _words(text))
            return
        for at, (run, word, size) in enumerate(runs):
            self._runs.setdefault(run, (len(self._texts), at))
            self._firsts.add(word)
            self.least = min(self.least, size)
        self._texts.append(text)

    def _add_short(self, text: str, words: tuple[str, ...]) -> None:
        size = len(" ".join(text.split()))
        if size >= SHORTEST_TEXT:
            self._add_whole(words, text)
        elif size >= _SHORTEST_ALONE and len(words) > 1:
            self._add_whole(words, text)
            self._alone.add(" ".join(words))

    def _add_whole(self, words: tuple[str, ...], text: str) -> None:
        if words:
            joined = " ".join(words)
            self._wholes.setdefault(joined, text)
            self.least = min(self.least, len(joined))
            self._firsts.add(words[0])
            self._sizes.add(len(words))

    def spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """
        Yield where the texts are in a folded text, in order.

        Each has start, end and the text that is quoted.
        """
        if len(text) < self.least:
            return
        lowered = text.lower()
        words = _WORD.findall(lowered)
        if self._firsts.isdisjoint(words):
            return
        places: list[tuple[int, int]] = []
        at = 0
        for i, word in enumerate(words):
            if i >= at and word in self._firsts and (found := self._starting(words, i)):
                places = places or [match.span() for match in _WORD.finditer(lowered)]
                end, known = self._quoted(text, words, places, i, *found)
                if end > i:
                    yield places[i][0], places[end - 1][1], known
                    at = end

    def _starting(self, words: list[str], i: int) -> tuple[int, int, str] | None:
        """
        Return how many words from one on are a quote, with the word in its text after them.

        If the quote ends the text, the word is -1. The text is returned too.
        """
        size = _size_of_run(words, i)
        if size and (place := self._runs.get(hash(" ".join(words[i : i + size])))):
            return size, place[1] + size, self._texts[place[0]]
        for size in sorted(self._sizes, reverse=True):
            joined = " ".join(words[i : i + size])
            if joined in self._wholes and i + size <= len(words):
                return size, -1, self._wholes[joined]
        return None

    def _quoted(
        self,
        text: str,
        words: list[str],
        places: list[tuple[int, int]],
        i: int,
        size: int,
        rest: int,
        known: str,
    ) -> tuple[int, str]:
        """
        Return the word after the end of a quote, and the text.

        If there is no quote, return the first word itself.
        """
        if rest < 0:
            return (
                i + size
                if self._is_whole(text, places[i : i + size], " ".join(words[i : i + size]))
                else i
            ), known
        if not _is_one(text, places[i : i + size]):
            return i, known
        return self._end(text, words, places, i + size, _words(known), rest), known

    def _end(
        self,
        text: str,
        words: list[str],
        places: list[tuple[int, int]],
        end: int,
        whole: tuple[str, ...],
        at: int,
    ) -> int:
        """Return the word after the end of a quote that goes on as the rest of its text does."""
        for of in range(at, len(whole)):
            word = whole[of]
            if (
                end == len(words)
                or not word.startswith(words[end])
                or not _is_one(text, places[end - 1 : end + 1])
            ):
                break
            end += 1
            if words[end - 1] != word:  # cut off
                break
        return end

    def _is_whole(self, text: str, places: list[tuple[int, int]], joined: str) -> bool:
        if not _is_one(text, places):
            return False
        start, end = places[0][0], places[-1][1]
        return joined not in self._alone or bool(
            _OPENS.search(text[max(0, start - 8) : start]) and _CLOSES.match(text, end)
        )


@lru_cache(maxsize=256)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text).lower()))


@lru_cache(maxsize=4096)
def _runs_of(text: str) -> list[tuple[int, str, int]]:
    """Return the hash of each run of words that is enough, with its first word and its length."""
    words = _words(text)
    sizes = ((at, _size_of_run(words, at)) for at in range(len(words)))
    runs = ((words[at], " ".join(words[at : at + size])) for at, size in sizes if size)
    return [(hash(run), word, len(run)) for word, run in runs]


def _size_of_run(words: Sequence[str], at: int) -> int:
    """Return how many words from one on are enough to be a part of a text, or 0."""
    letters = 0
    for size, word in enumerate(words[at : at + _LETTERS], start=1):
        letters += len(word)
        if size >= _WORDS and letters >= _LETTERS:
            return size
    return 0


def _is_one(text: str, places: list[tuple[int, int]]) -> bool:
    """Tell whether words are in one text, not in several JSON values or table cells."""
    for (_, end), (start, _) in pairwise(places):
        gap = text[end:start]
        if gap != " " and (len(gap) > _LONGEST_GAP or _STRUCTURE.search(gap)):
            return False
    return True
