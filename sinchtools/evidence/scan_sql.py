"""What the reader of lines and records does to a value, told as SQL of DuckDB."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sinchtools.api import description
from sinchtools.core.settings import REGIONS
from sinchtools.evidence.pieces import HTTP_METHODS
from sinchtools.evidence.times import DURATIONS, LONGEST_NANOSECONDS, SECONDS_IF_FRACTION, UNITS

NOTHING = "CAST(NULL AS "
NULL = f"{NOTHING}VARCHAR)"
_NAIVE = (
    "%d/%b/%Y:%H:%M:%S", "%d/%b/%Y:%H:%M:%S.%f", "%d/%b/%Y %H:%M:%S",
    "%d-%b-%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y, %I:%M:%S %p", "%d/%m/%Y, %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M",
    "%d.%m.%Y, %H:%M:%S", "%a, %d %b %Y %H:%M:%S GMT", "%Y%m%dT%H%M%SZ", "%Y%m%dT%H%M%S",
    "%Y/%m/%d - %H:%M:%S", "%a %b %d %H:%M:%S %Y", "%b %d, %Y @ %H:%M:%S.%f",
)  # fmt: skip
_ZONED = ("%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%d %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %z")
_UTC = "AT TIME ZONE 'UTC'"
# ways to read a time, of which the sample tells those that are needed: an ISO date, a number since
# 1970, and written dates
INSTANTS = (
    "CASE WHEN {0} LIKE '%Z' AND {0} NOT LIKE '%NZ' THEN TRY_CAST({0} AS TIMESTAMP) ELSE "  # fast
    f"TRY_CAST({{0}} AS TIMESTAMPTZ) {_UTC} END",
    "CASE WHEN regexp_full_match({0}, '\\d{9,19}(?:\\.\\d+)?') THEN make_timestamp(CAST(CASE WHEN "
    "CAST({0} AS DOUBLE) >= 1e17 THEN CAST({0} AS DOUBLE) / 1e3 WHEN CAST({0} AS DOUBLE) >= 1e14 "
    "THEN CAST({0} AS DOUBLE) WHEN CAST({0} AS DOUBLE) >= 1e11 THEN CAST({0} AS DOUBLE) * 1e3 ELSE "
    "CAST({0} AS DOUBLE) * 1e6 END AS BIGINT)) END",
    *(
        f"CASE WHEN {{0}} LIKE '%+0000' THEN try_strptime({{0}}, '{form.replace('%z', '+0000')}') "
        f"ELSE try_strptime({{0}}, '{form}') {_UTC} END"
        for form in _ZONED
    ),
    *(f"try_strptime({{0}}, '{form}')" for form in _NAIVE),
    f"(TRY_CAST(regexp_replace(replace({{0}}, ',', '.'), ' ([+-]\\d{{4}})$', '\\1') AS TIMESTAMPTZ)"
    f" {_UTC})",
    f"(TRY_CAST(trim({{0}}, '[]\"'' ') AS TIMESTAMPTZ) {_UTC})",
)
# a time without a zone is in UTC, whatever the zone of the connection is
ANY_ZONE = re.compile(r"TRY_CAST\(((?:(?!TRY_CAST).)+?) AS TIMESTAMPTZ\)")
IN_ANY_ZONE = r"coalesce(TRY_CAST(\1 || 'Z' AS TIMESTAMPTZ), TRY_CAST(\1 AS TIMESTAMPTZ))"
_WRITTEN = rf"^\s*([\d.,]+)\s*({'|'.join(UNITS)})\s*$"


def literal(text: str) -> str:
    """Return a text as SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return the name of a column as SQL."""
    return '"' + name.replace('"', '""') + '"'


def first(values: Iterable[str], kind: str = "VARCHAR") -> str:
    """Return the first of several values that is none of the empty ones."""
    listed = list(values)
    if not listed:
        return f"{NOTHING}{kind})"
    return listed[0] if len(listed) == 1 else f"coalesce({', '.join(listed)})"


def among(value: str, texts: Iterable[str]) -> str:
    """Return the condition that a value is one of some texts: IN would become a join."""
    return fits(value, "|".join(map(re.escape, texts)))


def captured(value: str, pattern: str) -> str:
    """Return what the first group of a pattern matches in a value, or null."""
    return f"nullif(regexp_extract({value}, {literal(pattern)}, 1), '')"


def fits(value: str, pattern: str) -> str:
    """Return the condition that the whole of a value matches a pattern."""
    return f"regexp_full_match({value}, {literal(pattern)})"


def status(value: str, *, in_words: bool = False) -> str:
    """Return the HTTP status in a value, `in_words` as in ``403 Forbidden``."""
    if in_words:
        value = captured(
            value, r"^\s*\"?([1-5]\d\d)(?:\.0)?(?:[ :-]+[A-Za-z][A-Za-z ()'-]*)?\"?\s*$"
        )
    number = f"TRY_CAST({value} AS SMALLINT)"
    return f"CASE WHEN {number} BETWEEN 100 AND 599 THEN {number} END"


def method(value: str) -> str:
    """Return the HTTP method that a value is."""
    return f"CASE WHEN {among(f'upper({value})', HTTP_METHODS)} THEN upper({value}) END"


def duration(value: str, name: str, factor: float | None = None, *, in_commas: bool = False) -> str:
    """Return the milliseconds of a duration, whose name may tell its unit; `in_commas` as 87,5."""
    unit = factor or DURATIONS.get(name)
    number = _number(value, in_commas=in_commas)
    plain = f"{number} * {unit!r}" if unit else _guessed(number, name)
    digits, unit_of = (f"regexp_extract(lower({value}), {literal(_WRITTEN)}, {n})" for n in (1, 2))
    written = f"{_number(digits, in_commas=in_commas)} * MAP {UNITS}[{unit_of}]"
    found = f"coalesce({plain}, {written})"
    return f"CASE WHEN {found} BETWEEN 0 AND {400 * 86_400_000 - 0.001} THEN {found} END"


def _number(value: str, *, in_commas: bool) -> str:
    """Return a number, whose separators may be those of other countries."""
    if not in_commas:
        return f"TRY_CAST({value} AS DOUBLE)"
    thousands = fits(value, r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
    plain = f"replace(replace({value}, '.', ''), ',', '.')"
    return (
        f"CASE WHEN NOT contains({value}, ',') THEN TRY_CAST({value} AS DOUBLE) WHEN {thousands} "
        f"THEN TRY_CAST(replace({value}, ',', '') AS DOUBLE) ELSE TRY_CAST({plain} AS DOUBLE) END"
    )


def _guessed(number: str, name: str) -> str:
    seconds = (
        f"WHEN {number} != floor({number}) THEN {number} * 1000.0 "
        if name in SECONDS_IF_FRACTION
        else ""
    )
    return (
        f"CASE {seconds}WHEN {number} > 0 AND {number} < 1 THEN {number} * 1000.0 WHEN {number} >= "
        f"{LONGEST_NANOSECONDS!r} THEN {number} * 1e-6 ELSE {number} END"
    )


def with_host(url: str, host: str, scheme: str) -> str:
    """Return a URL whose host stands in another field."""
    is_name = fits(host, r"[\w.:\[\]-]+")
    is_number = fits(host, r"[\d.:]+")
    return (
        f"CASE WHEN {url} LIKE '/%' AND {is_name} AND NOT {is_number} AND ({host} LIKE '%.%' OR "
        f"{host} LIKE 'localhost%') THEN coalesce({scheme}, 'https') || '://' || {host} || {url} "
        f"ELSE {url} END"
    )


ERROR_TEXTS = ("text", "description", "message")


def error_fields(body: str, status: str) -> str:
    """Return the fields of an error's body, all found in one walk through it."""
    names = ", ".join(f'"{name}": "VARCHAR"' for name in ("code", *ERROR_TEXTS))
    indented = fits(body, r"(?s)\s+[{].*")
    return (
        f"CASE WHEN ({status} IS NULL OR {status} >= 400) AND strlen({body}) <= 100000 AND ({body} "
        f"LIKE '{{%' OR {indented}) THEN TRY(from_json({body}, '{{{names}}}')) "
        "END"
    )


def error_text(fields: str, body: str, *names: str) -> str:
    """Return the first field of an error's body that is a text, no number and no object."""
    found = []
    for name in names:
        value = f"struct_extract({fields}, '{name}')"
        is_text = f"json_type({body}, '$.{name}') = 'VARCHAR'"
        may_be_none = f"{value} < 'A' OR {value} LIKE '[%' OR {value} LIKE '{{%'"
        found.append(
            f"CASE WHEN {may_be_none} OR {value} = 'true' OR {value} = 'false' THEN CASE WHEN "
            f"{is_text} THEN nullif({value}, '') END ELSE {value} END"
        )
    return first(found)


# --- what a URL tells -----------------------------------------------------------------------------

_HOST = r"^[A-Za-z][\w+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)"
_BELOW = rf"^(?:[A-Za-z][\w+.-]*://[^/?#]*)?{description.PREFIX}/[^/?#]+(/[^?#]*)?"
_ACCOUNT = rf"^(?:[A-Za-z][\w+.-]*://[^/?#]*)?{description.PREFIX}/([^/?#]+)"


def is_of_api(url: str) -> str:
    """Return the condition that a URL is one of this API, or tells no host."""
    host = f"lower(regexp_extract({url}, {literal(_HOST)}, 1))"
    ours = r"(?:zt\.)?[\w{}$<>-]+\.sms\.api\.sinch\.com"
    own = r"|localhost|127\.[\d.]+|\[::1\]|"
    return f"({fits(host, ours + own)} OR {among(host, description.LEGACY_HOSTS)})"


def account(url: str) -> str:
    """Return the account in the path of a URL."""
    return f"CASE WHEN {is_of_api(url)} THEN {captured(url, _ACCOUNT)} END"


def region(url: str) -> str:
    """Return the region in the host of a URL."""
    names = "|".join(REGIONS)
    host = rf"^https?://(?:[^/?#@]*@)?(?:zt\.)?({names})\.sms\.api\.sinch\.com(?:[:/?#]|$)"
    return captured(url, host)


def endpoint(verb: str, url: str) -> str:
    """Return the template of the route that a method and a URL are of."""
    below = f"regexp_replace(regexp_extract({url}, {literal(_BELOW)}, 1), '(.)/$', '\\1')"
    cases = " ".join(
        f"WHEN {fits(below, pattern)} THEN CASE upper({verb}) "
        + " ".join(f"WHEN '{one.method}' THEN {literal(one.template)}" for one in endpoints)
        + " END"
        for pattern, endpoints in description.routes()
    )
    return f"CASE WHEN {is_of_api(url)} THEN CASE {cases} END END"


def whole_or(number: str, text: str) -> str:
    """Return the SQL of a whole number without its point, else of the text."""
    is_whole = f"{number} = floor({number}) AND abs({number}) < 1e15"
    return f"CASE WHEN {is_whole} THEN CAST(CAST({number} AS BIGINT) AS VARCHAR) ELSE {text} END"
