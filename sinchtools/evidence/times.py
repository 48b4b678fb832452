"""
Times and durations as logs, tables and clocks write them.

A unit or an order of day and month that is not written is said to be guessed.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from dateutil import parser


def words(text: str) -> tuple[str, ...]:
    """Return the words of a table that is easier to read and to extend as text."""
    return tuple(text.split())


_EPOCH_UNITS = (
    (1e17, 1e9),
    (1e14, 1e6),
    (1e11, 1e3),
    (0, 1.0),
)  # from: divisor (nanoseconds, microseconds, milliseconds, seconds)
_APACHE = re.compile(
    r"(\d{1,2})[/ -]([A-Z][a-z]{2})[/ -](\d{4})[: ,T]{1,3}"
    r"(\d\d:\d\d:\d\d(?:[.,]\d+)?)(?: ?(UTC|GMT|[+-]\d\d:?\d\d|Z))?"
)
BEGINNING = re.compile(  # how a line of a log begins
    r"(?:[A-Z], )?[\[(]?(?:[A-Z] )?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d"
    r"(?:[.,]\d+)?(?: ?Z| ?[+-]\d\d:?\d\d)?"
    r"|\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?: UTC)?)"  # of PHP
)
_DOTTED = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?[ T]+(\d\d:\d\d(?::\d\d)?))?"
)  # day.month.year, as a spreadsheet writes it
_ISO = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)"
    r"(?:(?:[T _]+|, | - )(\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.IGNORECASE,
)
_BASIC = re.compile(r"\d{8}T\d{6}(?:\.\d{1,6})?(?:Z|[+-]\d{4})?")
_CLOCK_OF_12 = re.compile(r"\d\s?[ap]\.?m\b", re.IGNORECASE)
_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?![\d/])")
_WRITTEN = re.compile(
    r"(?=.{0,40}\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\b)"
    r"(?=.{0,40}\b\d{4}\b)(?=.{0,40}\d:\d\d|[^:]*$)",
    re.IGNORECASE,
)
_MONTHS = dict(
    zip(words("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"), range(1, 13), strict=True)
)
_MOST_DATES = 100_000  # that are looked at for the order of day and month
EXCEL_DAYS = (20_000, 80_000)  # days since 1900 that a spreadsheet shows as a number
_UNIT_WORDS = {
    1e-6: "nanoseconds nanosecond nanos ns",
    1e-3: "microseconds microsecond micros us µs μs",
    1.0: "milliseconds millisecond millis msec ms",
    1000.0: "seconds second secs sec s",
    60_000.0: "minutes minute mins min m",
}
UNITS = {word: factor for factor, listed in _UNIT_WORDS.items() for word in listed.split()}
_UNIT = re.compile(rf"\s*+([\d.,]++)\s*+({'|'.join(UNITS)})?\s*", re.IGNORECASE)
_PARTS = re.compile(r"(?:(\d+)d )?(\d{1,3}):(\d\d):(\d\d(?:\.\d+)?)|(?:PT)?(?:(\d+)M)?([\d.]+)S")
_STEMS = words(
    "duration elapsed elapsedtime latency took taken timetaken responsetime responseduration "
    "responselatency requesttime requestduration requestlatency totaltime totalduration total "
    "roundtrip roundtriptime rtt upstreamresponsetime upstreamtime upstreamservicetime timeelapsed "
    "processingtime executiontime calltime servicetime service latenciesrequest runtime "
    "responseelapsed httpduration eventduration httprequestlatency originresponseduration "
    "originresponsetime durationtime totalelapsed callduration timing exectime dauer "
    "elapsedtimetotal timetotal responsetimetotal"
)
_SUFFIX_WORDS = {
    1.0: "ms msec millis milliseconds",
    1000.0: "s sec secs seconds",
    1e-3: "us usec micros microseconds",
    1e-6: "ns nano nanos nanoseconds",
}
_SUFFIXES = {word: factor for factor, listed in _SUFFIX_WORDS.items() for word in listed.split()}
# name of a duration, without separators: how many milliseconds one unit is, None when it is not
# said; those with a unit in the name come first
DURATIONS: dict[str, float | None] = {
    stem + suffix: factor for stem in _STEMS for suffix, factor in _SUFFIXES.items()
}
DURATIONS |= dict.fromkeys(_STEMS, None)
DURATIONS |= {
    # known formats: ECS, Kong, API Gateway, pino, Serilog
    "eventduration": 1e-6,
    "latenciesrequest": 1.0,
    "responselatency": 1.0,
    "responsetime": 1.0,
    "elapsed": None,
}
# nginx, CloudFront, Azure and curl write 0.123, IIS 123
SECONDS_IF_FRACTION = set(
    words(
        "requesttime upstreamresponsetime upstreamtime timetaken originresponsetime "
        "requestduration timetotal totaltime"
    )
)
LONGEST_NANOSECONDS = 1e6  # of a duration in milliseconds: 17 minutes; more is nanoseconds


def instant(value: object, *, day_first: bool | None = None) -> datetime | None:
    """
    Return the moment that a number since 1970 or a date in any common notation means.

    It is naive when no zone is named. `day_first` says how ``01/05/2024`` is read; a clock with AM
    and PM has the month first when it is not said.

    Examples
    --------
    >>> instant("20/Jul/2009:22:59:26 +0200")
    datetime.datetime(2009, 7, 20, 22, 59, 26,
    tzinfo=datetime.timezone(datetime.timedelta(seconds=7200)))
    >>> instant("5/1/2024, 10:00:00 PM")
    datetime.datetime(2024, 5, 1, 22, 0)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float) or re.fullmatch(r"\d{9,19}(\.\d+)?", str(value)):
        return _since_1970(float(str(value)))
    text = str(value).strip().strip("[]\"'")[:60]
    try:
        return _by_pattern(text, day_first) if text else None
    except (ValueError, KeyError, OverflowError):
        return None


def _by_pattern(text: str, day_first: bool | None) -> datetime | None:
    if match := _ISO.match(text):
        return _iso(match) if not _CLOCK_OF_12.search(text) else _written(text, False)
    if match := _APACHE.match(text):
        day, month, year, clock, zone = match.groups()
        zone = "+00:00" if zone in ("UTC", "GMT") else zone or ""
        clock = clock.replace(",", ".")
        return datetime.fromisoformat(f"{year}-{_MONTHS[month]:02}-{int(day):02}T{clock}{zone}")
    if match := _DOTTED.match(text):
        day, month, year, clock = match.groups()
        if _CLOCK_OF_12.search(text):
            return _written(text, True)
        date = f"{year}-{int(month):02}-{int(day):02}"
        return datetime.fromisoformat(f"{date}T{clock or '00:00'}")
    if _SLASHED.match(text):
        return _written(text, day_first)
    if match := _BASIC.match(text):
        return datetime.fromisoformat(match[0].replace("Z", "+00:00"))
    if re.match(r"[A-Z][a-z]{2}, \d", text):
        return parsedate_to_datetime(text)
    return _written(text, day_first) if _WRITTEN.match(text) else None


def _iso(match: re.Match[str]) -> datetime:
    year, month, day, clock, fraction, zone = match.groups()
    zone = "+00:00" if (zone or "").upper() in ("Z", "UTC", "GMT") else zone or ""
    fraction = f".{fraction[:6]}" if fraction else ""
    return datetime.fromisoformat(f"{year}-{month}-{day}T{clock or '00:00'}{fraction}{zone}")


def _written(text: str, day_first: bool | None) -> datetime | None:
    if day_first is None:
        day_first = not _CLOCK_OF_12.search(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zones that have a name: they are taken as not known
        moment = parser.parse(
            re.sub(r" [-@] |GMT(?=[+-]\d)", " ", text).partition(" (")[0],
            dayfirst=day_first,
            default=datetime(1, 1, 1),
        )
    return moment if isinstance(moment, datetime) and moment.year > 1 else None


def order_of(text: str) -> bool | None:
    """
    Return whether the day stands before the month in dates with slashes, or None.

    All dates of the text settle it: a first number above 12 is a day, a second one too.

    Examples
    --------
    >>> order_of("01/05/2024 and 13/05/2024"), order_of("5/1/2024")
    (True, None)
    """
    first = second = False
    for number, match in enumerate(_SLASHED.finditer(text)):
        first, second = first or int(match[1]) > 12, second or int(match[2]) > 12
        if number > _MOST_DATES:
            break
    return None if first == second else first


def is_ambiguous(text: str) -> bool:
    """Tell whether a date is one with slashes whose day could be the month."""
    match = _SLASHED.match(text.strip().strip("[]\"'"))
    return bool(match and int(match[1]) <= 12 and int(match[2]) <= 12 and match[1] != match[2])


def excel_instant(value: float) -> datetime | None:
    """Return the moment of a spreadsheet's serial number, which is days since 1900."""
    if not EXCEL_DAYS[0] < value < EXCEL_DAYS[1]:
        return None
    moment = datetime(1899, 12, 30) + timedelta(days=value)
    return (moment + timedelta(milliseconds=500)).replace(microsecond=0)


@lru_cache(maxsize=2048)
def squashed(name: str) -> str:
    """Return a field's name in lower case, without what separates its words."""
    return re.sub(r"[\s_.@()\[\]/-]+", "", name).lower()


def milliseconds(value: object, name: str, factor: float | None = None) -> tuple[float, str] | None:
    """
    Return what a duration means in milliseconds, and what was guessed of its unit.

    The unit that is written counts, then that of the format or of the name; without one it is
    milliseconds.

    Examples
    --------
    >>> milliseconds("0.5s", "latency"), milliseconds(123, "duration")[0]
    ((500.0, ''), 123.0)
    """
    written = _with_unit(value) if isinstance(value, str) else (_plain(value), None)
    number, unit = written or (None, None)
    if number is None:
        return None
    unit = unit or factor or DURATIONS.get(name)
    said = ""
    if unit is None:
        unit, said = _guessed(number, name)
    return (number * unit, said) if 0 <= number * unit < 400 * 86_400_000 else None


def _guessed(number: float, name: str) -> tuple[float, str]:
    is_whole = number == int(number)
    if name in SECONDS_IF_FRACTION and not is_whole:
        return 1000.0, ""
    if 0 < number < 1:
        return 1000.0, "seconds, since it is below 1"
    if number >= LONGEST_NANOSECONDS:
        return 1e-6, "nanoseconds, since it is very large"
    return 1.0, "milliseconds"


def _with_unit(value: str) -> tuple[float | None, float | None] | None:
    if match := _UNIT.fullmatch(value[:60]):
        unit = (match[2] or "").lower()
        return _plain(_decimal(match[1])), UNITS.get(unit)
    if match := _PARTS.fullmatch(value[:60]):
        days, hours, minutes, seconds, more, rest = match.groups()
        if seconds is not None:
            whole = int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60
            return whole + float(seconds), 1000.0
        return _plain(int(more or 0) * 60 + float(_plain(rest) or 0)), 1000.0
    return None


def _decimal(text: str) -> str:
    """Return a number with a decimal point, whatever its separators: ``1.234,5``, ``204,5``."""
    if "," in text and "." in text:
        last, other = (",", ".") if text.rfind(",") > text.rfind(".") else (".", ",")
        return text.replace(other, "").replace(last, ".")
    is_thousand = re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", text)
    return text.replace(",", "" if is_thousand else ".")


def _plain(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number == number and abs(number) != float("inf") else None


def _since_1970(number: float) -> datetime | None:
    divisor = next(
        (divisor for start, divisor in _EPOCH_UNITS if abs(number) >= start), 1.0
    )  # not a number is in no range
    try:
        return datetime.fromtimestamp(number / divisor, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def mostly_serial(cells: Iterable[str]) -> bool:
    """Tell whether the cells of a column of times are a spreadsheet's serial numbers."""
    numbers = [_plain(_decimal(cell)) for cell in cells if cell.strip()]
    low, high = EXCEL_DAYS
    return bool(numbers) and all(one is not None and low < one < high for one in numbers)
