"""
Find phone numbers in a text.

Find any possible number, and those that are known, in any notation.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache

from sinchtools.privacy.folding import folded

SHORTEST_NUMBER = 8  # shorter ones stand everywhere by chance
MASKED = re.compile(r"\d{1,4}0{5,}")  # stands for a number without quotes
# digits of a number, in a class
BETWEEN = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000().\-/\u2010-\u2015\u2212"
_FREE = re.compile(
    r"(?P<uuid>\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b)"
    rf"|(?<![0-9•])[+]*[0-9](?:[{BETWEEN}]{{0,2}}[0-9]){{6,}}"
)
_ODD = re.compile(  # the same odd character between all groups
    r"(?<![\w:*~|·=#,;.-])\+?[0-9]{1,4}(?P<odd>[:*~|·=#,;_])[0-9]{2,12}(?:"
    r"(?P=odd)[0-9]{2,12}){0,4}(?![\w*~|·=#-]|[:,;.][0-9])"
)
_LIST_ODD = ",;"  # also between the items of a list
_DIGITS_APART = re.compile(rf"[0-9](?:[\t{BETWEEN}]{{0,2}}[0-9]){{7,}}")
_GROUPS_APART = re.compile(rf"[0-9](?:[{BETWEEN}\s,_:*~|·=#'\\]{{0,3}}[0-9]){{7,}}")
_ODD_BETWEEN = set(",:*~|·=#'\\")
_MOST_GROUPS = 7  # 4, 6, 7, 0 ... are a list
_GROUP, _SEVEN, _NO_DIGIT = (
    re.compile("[0-9]+"),
    re.compile(r"(?:[0-9][^0-9]{0,3}){7}"),
    re.compile("[^0-9]+"),
)
_DATE = re.compile(r"(?:19|20)\d\d-[01]\d-[0-3]\d(?=\D|\Z)[ ]?(?:[0-2]\d\b)?")
_STAMP = re.compile(  # a date without separators; milliseconds since 1970
    r"20(?:1[6-9]|[23]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:(?:[01]\d|2[0-3])[0-5]\d"
    r"(?:[0-5]\d(?:\d{3})?)?)?|1[5-9]\d{11}"
)
_BYTE = r"(?:25[0-5]|2[0-4]\d|[01]?\d?\d)"
_NO_NUMBER = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}|\d{{1,6}}\.\d+")  # an IP address; a fraction
_ID = re.compile(  # a ULID; a hash
    r"0[0-9A-HJKMNP-TV-Z]{25}|0[0-9a-hjkmnp-tv-z]{25}|(?=(?:\d*[a-f]){2})[0-9a-f]{16,}|(?="
    r"(?:\d*[A-F]){2})[0-9A-F]{16,}"
)
_WORD_BEFORE, _WORD_AFTER = re.compile(r"[0-9A-Za-z]{0,64}\Z"), re.compile(r"[0-9A-Za-z]{0,64}")


def canonical(number: str) -> str:
    """Return the digits of a number, in any script, without the international prefix ``00``."""
    found = _NO_DIGIT.sub("", folded(number))
    return found[2:] if found.startswith("00") else found


def national(number: str) -> str:
    """Return the digits of a number without its country code."""
    return number[len(country_code(number)) :]


def country_code(digits: str) -> str:
    """Return the country code that digits begin with, or nothing."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    sizes = (1, 2, 3) if digits[:1] not in ("", "0") else ()
    return next(
        (digits[:size] for size in sizes if int(digits[:size]) in COUNTRY_CODE_TO_REGION_CODE), ""
    )


@lru_cache(maxsize=65_536)
def is_possible(digits: str) -> bool:
    """Tell whether digits with a country code have the length of a number of that country."""
    import phonenumbers

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(f"+{digits}", None))
    except phonenumbers.NumberParseException:
        return False


def may_hold_one(text: str) -> bool:
    """Tell whether a folded text has digits enough close together; most have not."""
    return len(text) >= SHORTEST_NUMBER - 1 and _SEVEN.search(text) is not None


# --- any number -----------------------------------------------------------------------------------


def numbers_in(text: str) -> Iterator[tuple[int, int]]:
    """
    Yield where what may be a number stands in a folded text.

    Dates, addresses, hashes, ULIDs and UUIDs are none.

    Examples
    --------
    >>> text = "order_447700900123 for +46 70-174 06 05 at 2026-11-23 from 127.0.0.1"
    >>> [text[start:end] for start, end in numbers_in(text)]
    ['447700900123', '+46 70-174 06 05']
    """
    if not may_hold_one(text):
        return
    found: list[tuple[int, int]] = []
    for match in _FREE.finditer(text):
        if not match["uuid"]:
            found += _free(text, *match.span())
    if odd := [match.span() for match in _ODD.finditer(text) if _is_odd(match)]:
        taken = {place for start, end in found for place in range(start, end)}
        found = sorted([*found, *(span for span in odd if taken.isdisjoint(range(*span)))])
    yield from found


def _free(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    left, right = _is_glued(text, start - 1), _is_glued(text, end)
    if not (left or right):
        yield from _alone(text, start, end)
    elif _is_glued_number(text, start, end):
        yield start, end
    else:
        yield from _by_group(text, start, end, left=left, right=right)


def _by_group(
    text: str, start: int, end: int, *, left: bool, right: bool
) -> Iterator[tuple[int, int]]:
    groups = [match.span() for match in _GROUP.finditer(text, start, end)]
    if len(groups) == 1:
        return
    first, last = (1 if left else 0), (len(groups) - 1 if right else len(groups))
    if left and _is_glued_number(text, *groups[0]):
        yield groups[0]
    if first < last:
        begin = groups[first][0] if left else start
        if sum(stop - begun for begun, stop in groups[first:last]) >= SHORTEST_NUMBER - 1:
            yield from _alone(text, begin, groups[last - 1][1])
    if right and _is_glued_number(text, *groups[-1]):
        yield groups[-1]


def _is_glued(text: str, place: int) -> bool:
    return 0 <= place < len(text) and (text[place].isalnum() or text[place] == "_")


def _is_glued_number(text: str, start: int, end: int) -> bool:
    """
    Tell whether digits beside letters are a number.

    They have the length of a number and are not part of an ID.
    """
    found = text[start:end]
    digits = canonical(found)
    if not 10 <= len(digits) <= 15 or _STAMP.fullmatch(found) or not is_possible(digits):
        return False
    before = _WORD_BEFORE.search(text, max(0, start - 64), start)
    after = _WORD_AFTER.match(text, end)
    word = (before[0] if before else "") + found + (after[0] if after else "")
    return not _ID.fullmatch(word)


def _alone(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while date := _DATE.match(text, start, end):
        group = _GROUP.search(text, date.end(), end)
        start = group.start() if group else end
    found = text[start:end]
    digits = sum(character.isdigit() for character in found)
    if digits < SHORTEST_NUMBER - found.startswith("+") or _is_no_number(found):
        return
    if digits <= 15 or " " not in found:
        yield start, end
        return
    at = start
    for part in found.split(" "):
        yield from _alone(text, at, at + len(part))
        at += len(part) + 1


def _is_no_number(found: str) -> bool:
    return any(pattern.fullmatch(found) for pattern in (_NO_NUMBER, MASKED, _STAMP))


def _is_odd(match: re.Match[str]) -> bool:
    groups = _GROUP.findall(match[0])
    digits = "".join(groups)
    if match["odd"] in _LIST_ODD or not 10 <= len(digits) <= 15 or len({*map(len, groups)}) == 1:
        return False
    return not _STAMP.fullmatch(digits) and is_possible(canonical(digits))


# --- known numbers --------------------------------------------------------------------------------


class Numbers:
    """
    Known numbers, ready to be found with anything between their digits.

    Examples
    --------
    >>> list(Numbers({"46701740605"}).spans("to 46_701,740  605, u46701740605 and 7"))
    [(3, 18, '46701740605'), (21, 32, '46701740605')]
    """

    def __init__(self, digits: Iterable[str]) -> None:
        self.digits = frozenset(digits)
        self._sizes = sorted({len(number) for number in self.digits}, reverse=True)

    @cached_property
    def _starts(self) -> Collection[str]:
        return {number[:size] for number in self.digits for size in range(1, len(number))}

    def spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield where known numbers stand in a folded text, in order; start, end and digits."""
        if not self.digits or not may_hold_one(text):
            return
        found = [
            span
            for match in _DIGITS_APART.finditer(text)
            for span in self._within(match[0], match.start())
        ]
        found += self.grouped(text)
        at = 0
        for start, end, digits in sorted(found, key=lambda span: (span[0], -span[1])):
            if start >= at:
                yield start, end, digits
                at = end

    def grouped(self, text: str) -> Iterator[tuple[int, int, str]]:
        """
        Yield where a known number is in whole groups of digits.

        Anything may be between the groups.
        """
        for run in _GROUPS_APART.finditer(text) if self.digits and may_hold_one(text) else ():
            if run[0].isdecimal():
                continue
            groups = [match.span() for match in _GROUP.finditer(text, *run.span())]
            for i, (start, end) in enumerate(groups):
                if text[start:end] in self._starts and (
                    found := self._joined(text, groups[i : i + _MOST_GROUPS])
                ):
                    yield start, *found

    def _within(self, run: str, start: int) -> Iterator[tuple[int, int, str]]:
        bare = run
        places: Sequence[int] = range(len(run))
        if not run.isdecimal():
            places = [place for place, character in enumerate(run) if character.isdecimal()]
            bare = "".join(run[place] for place in places)
        at = 0
        while at < len(bare):
            size = next(
                (
                    size
                    for size in self._sizes
                    if bare[at : at + size] in self.digits and at + size <= len(bare)
                ),
                0,
            )
            if size:
                yield start + places[at], start + places[at + size - 1] + 1, bare[at : at + size]
            at += size or 1

    def _joined(self, text: str, groups: list[tuple[int, int]]) -> tuple[int, str] | None:
        """Return where the number ends that the first of the groups begins, and its digits."""
        digits = ""
        for start, end in groups:
            digits += text[start:end]
            if digits in self.digits:
                between = set(_GROUP.sub("", text[groups[0][0] : end]))
                is_mixed = len(between & _ODD_BETWEEN) > 1 or {",", "."} <= between  # decimals
                return None if is_mixed else (end, digits)
            if digits not in self._starts:
                return None
        return None


def form_of(number: str) -> str:
    """
    Return how a number is written: international, national or other.

    Examples
    --------
    >>> form_of("+447700900123"), form_of("07700900123"), form_of("ACME")
    ('international', 'national', 'other')
    """
    digits = re.sub(r"[\s().-]", "", number)
    if re.fullmatch(r"(?:\+|00)?[1-9]\d{6,14}", digits):
        return "international"
    return "national" if re.fullmatch(r"0[1-9]\d{5,13}", digits) else "other"
