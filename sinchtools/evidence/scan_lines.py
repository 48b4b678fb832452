"""How lines of access logs and lines of pairs are read in a scan: each part by its own pattern."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping

from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_sql as sql
from sinchtools.evidence.formats import access_log, log_lines, mapping
from sinchtools.evidence.pieces import HTTP_METHODS, Piece
from sinchtools.evidence.scan_times import Instants
from sinchtools.evidence.scan_views import (
    TEXTS,
    Found,
    View,
    condition,
    extracted,
    plan_with,
    steps_of,
    values_of,
)
from sinchtools.evidence.times import BEGINNING

_SAFE = '[^"]*"(?:[^"\\\\]|\\\\.)*" +'  # up to the status of the combined form
_PIECES = r"^([^\"]*)\"((?:[^\"\\]|\\.)*)\"([^\"]*)"


def _cut(number: int) -> str:
    """Return the text before, in or behind the first quotation marks, cut there if none escaped."""
    escaped = f"regexp_extract(line, {sql.literal(_PIECES)}, {number})"
    return (
        f"CASE WHEN contains(line, '\\') THEN {escaped} ELSE split_part(line, '\"', {number}) END"
    )


_BRACKETS = "split_part(split_part(line, '[', 2), ']', 1)"
_DATED = r"^[^\"]*?\[(\d{1,2}/[A-Z][a-z]{2}/\d{4}[^\]\"]*|\d{4}-\d\d-\d\d[T ][^\]\"]*)\]"
_REST = sql.captured("line", rf"^{_SAFE}(?:\d{{3}}|-)(?: +(?:\d+|-))?(.*)$")
_BEHIND_ENVOY = access_log.ENVOY_TIME.pattern.replace("(\\d+)", "\\d+") + '(?:[^"]*" "){3}([^"]*)"'
_COMBINED = {
    "status": sql.captured(_cut(3), r"^ +(\d{3}|-)"),
    "request": _cut(2),
    "at": f"CASE WHEN brackets LIKE '__/___/____:%' THEN brackets "
    f"ELSE {sql.captured('line', _DATED)} END",
    "host": sql.captured(_cut(1), r"^([A-Za-z][\w.-]*(?::\d+)?)(?: +[^\s\"\[]+){3,} *\["),
    "envoy host": sql.captured(_REST, _BEHIND_ENVOY),
    "rest": _REST,
}


def lines_view(lines: list[str], instants: Instants, given: str) -> View | None:
    """Return how lines of an access log, which `given` gives, are read in the sample's forms."""
    piece = Piece("sample", "\n".join(lines))
    forms: dict[int, list[tuple[str, Exchange]]] = {}
    for line in lines:
        for number, form in enumerate(access_log.FORMS):
            match = access_log.matched(form, line)
            if match:
                exchange = form.made(piece, match, 1)
                forms.setdefault(number, []).append((line, exchange))
                break
    if not forms:
        return None
    parts = [_of_form(n, forms[n], instants) for n in sorted(forms)]
    values = {
        name: sql.first([one[name] for one in parts], _KINDS.get(name, "VARCHAR")) for name in TEXTS
    }
    texts = [one["status text"] for one in parts]
    status = _plain(texts[0]) if len(texts) == 1 else sql.first(texts)
    as_number = 'TRY_CAST("status text" AS SMALLINT)'
    values["status"] = f"CASE WHEN {as_number} > 0 THEN {as_number} END"
    found = [one["request"] for one in parts if "request" in one]
    found += [f"{_BRACKETS} AS brackets"] if 0 in forms else []
    # an unnest is not pushed below: the status is looked for once
    told = ", ".join(("*", f'unnest([{status}]) AS "status text"', *found))
    source = f"(SELECT {told} FROM {given})"
    shown = dict.fromkeys(("at", "method", "url", "status", "elapsed_ms"), "the line")
    return View(
        "lines",
        source,
        "line",
        values,
        "\"status text\" != ''",
        shown,
        _of_line,
        lambda line: _of_line(piece, line) is not None,
    )


def _plain(captured: str) -> str:
    """Return what a pattern captures, empty for nothing: an unnest would look for a null twice."""
    return captured.removeprefix("nullif(").removesuffix(", '')")


_KINDS = {"at": "TIMESTAMP", "elapsed_ms": "DOUBLE"}


def _of_line(piece: Piece, text: str) -> Exchange | None:
    for form in access_log.FORMS:
        if match := access_log.matched(form, text):
            return form.made(piece, match, 1)
    return None


def _request(number: int) -> str:
    """Return the column of the request lines of a form."""
    return sql.quoted(f"request {number}")


def _of_form(number: int, seen: list[tuple[str, Exchange]], instants: Instants) -> dict[str, str]:
    form = access_log.FORMS[number]
    is_combined = form.pattern is access_log.FORMS[0].pattern

    def part(name: str) -> str:
        if is_combined:
            return _COMBINED[name]
        if name not in form.pattern.groupindex:
            return sql.NULL
        return sql.captured("line", only(form.pattern.pattern, name))

    values = dict.fromkeys(TEXTS, sql.NULL)
    values["status text"] = part("status")
    if "request" in form.pattern.groupindex:
        values |= _of_request(part("request"), _request(number))
    else:
        values |= {"method": part("method"), "url": part("url")}
    if is_combined and any(
        "://" in (one.url or "") and "://" not in line.partition('"')[2][:200] for line, one in seen
    ):
        host = part("envoy host" if _is_envoy(seen[0]) else "host")
        values["url"] = _of_vhost(values["url"], host)
    times = [
        m["at"]
        for line, _ in seen
        if (m := access_log.matched(form, line)) and m.groupdict().get("at")
    ]
    values["at"] = instants(times, part("at")) if times else _logged_at(seen, instants)
    values["elapsed_ms"] = _trailing(seen, part) if is_combined else _span(form, seen, part)
    return values


def _of_request(made: str, line: str) -> dict[str, str]:
    """Return the method and the URL of a request line, cut at its two spaces where it has two."""
    method = _verb(sql.captured(line, r"^\s*([A-Za-z]+) +\S"))
    second, third, fourth = (f"split_part({line}, ' ', {n})" for n in (2, 3, 4))
    is_common = " OR ".join(f"{third} = 'HTTP/{version}'" for version in ("1.1", "2.0", "1.0", "2"))
    url = sql.captured(line, r"^\s*[A-Za-z]+ +(\S.*?)(?: +HTTP/[\d.]+)?\s*$")
    url = (
        f"CASE WHEN {method} IS NULL THEN NULL WHEN ({is_common}) AND {fourth} = '' AND {second} "
        f"!= '' THEN {second} ELSE {url} END"
    )
    return {"request": f"{made} AS {line}", "method": method, "url": url}


def only(pattern: str, name: str) -> str:
    """Return a pattern with one group only, for an engine that never goes back."""
    one = re.sub(r"\(\?P<(\w+)>", lambda m: "(" if m[1] == name else "(?:", pattern)
    return one.replace("*+", "*").replace("}+", "}")


def _verb(value: str) -> str:
    return f"CASE WHEN {sql.among(f'upper({value})', HTTP_METHODS)} THEN {value} END"


def _is_envoy(seen: tuple[str, Exchange]) -> bool:
    match = access_log.matched(access_log.FORMS[0], seen[0])
    return match is not None and access_log.ENVOY_TIME.search(match["rest"]) is not None


def _of_vhost(url: str, host: str) -> str:
    scheme = f"CASE WHEN {host} LIKE '%:80' THEN 'http' ELSE 'https' END"
    return (
        f"CASE WHEN {url} LIKE '/%' AND ({host} LIKE '%.%' OR {host} LIKE '%:%') THEN {scheme} || "
        f"'://' || {host} || {url} ELSE {url} END"
    )


def _logged_at(seen: list[tuple[str, Exchange]], instants: Instants) -> str:
    times = [m[1] for line, _ in seen if (m := BEGINNING.match(line))]
    pattern = "^" + BEGINNING.pattern
    return instants(times, sql.captured("line", pattern)) if times else sql.NULL


_TIMES = (  # where a server writes the duration after the combined form, and its unit
    (access_log.NAMED_TIME, None),
    (access_log.INGRESS_TIME, 1000.0),
    (access_log.LAST_SPAN, None),
    (access_log.LAST_NUMBER, 0.0),
)


def _trailing(seen: list[tuple[str, Exchange]], part: Callable[[str], str]) -> str:
    if not any(one.elapsed_ms is not None for _, one in seen):
        return "CAST(NULL AS DOUBLE)"
    found = [
        f"TRY_CAST({sql.captured(part('rest'), access_log.ENVOY_TIME.pattern)} AS DOUBLE)"
        for _ in filter(_is_envoy, seen[:1])
    ]
    for pattern, factor in _TIMES:
        text = sql.captured(part("rest"), pattern.pattern)
        by = f"CASE WHEN {text} LIKE '%.%' THEN 1000.0 ELSE 0.001 END"
        if factor is None:
            unit = f"CASE WHEN {text} LIKE '%.%' THEN 1000.0 ELSE 1.0 END"
            number = f"TRY_CAST({text} AS DOUBLE) * {unit}"
            found.append(f"coalesce({number}, {sql.duration(text, '', 1.0)})")
        else:
            found.append(f"TRY_CAST({text} AS DOUBLE) * {factor or by}")
    return sql.first(found)


def _span(
    form: access_log.Form, seen: list[tuple[str, Exchange]], part: Callable[[str], str]
) -> str:
    names = form.pattern.groupindex
    if not any(one.elapsed_ms is not None for _, one in seen):
        return "CAST(NULL AS DOUBLE)"
    if "timers" in names and form.made is access_log.balancer:
        one = f"string_split({part('timers')}, ' ')"
        parts = [f"TRY_CAST({one}[{i}] AS DOUBLE)" for i in (1, 2, 3)]
        least = f"least({', '.join(parts)})"
        return f"CASE WHEN {least} >= 0 THEN round(({' + '.join(parts)}) * 1000, 3) END"
    if "timers" in names:
        return f"TRY_CAST({sql.captured(part('timers'), r'/[+]?([0-9]{1,12})$')} AS DOUBLE)"
    if "ms" in names:
        return f"TRY_CAST({part('ms')} AS DOUBLE)"
    if "span" in names:
        return sql.duration(part("span"), "")
    if "old" in names:
        return sql.first(
            sql.duration(sql.captured(part(name), r"(?:.*[^\d.])?([\d.]+ms)"), "")
            for name in ("rest", "old")
        )
    span = r"(?:^|[^\w.])(\d{1,9}(?:\.\d{1,9})? ?(?:ms|s|[uµμ]s|ns|seconds))(?:\W|$)"
    return sql.duration(sql.captured(part("rest"), span), "")


_FEW_PAIRS = 2


def kind_of(lines: list[str]) -> str:
    """Return what lines are: ``json``, ``lines``, ``pairs``, else ``table``."""
    filled = [line for line in lines if line.strip()]
    objects = [line for line in filled if line.lstrip("\ufeff\x1e ").startswith("{")]
    if filled and len(objects) * 2 >= len(filled):
        return "json"
    told = Counter(
        any(access_log.matched(form, line) for form in access_log.FORMS) for line in filled[:50]
    )
    if told[True] * 2 > sum(told.values()):
        return "lines"
    paired = sum(len(log_lines.pairs_of(line)) > _FEW_PAIRS for line in filled[:50])
    return "pairs" if paired * 2 > len(filled[:50]) else "table"


def pairs_view(
    lines: list[str], columns: Mapping[str, str], instants: Instants, given: str
) -> View | None:
    """Return how lines of pairs are read, which `given` gives."""
    piece = Piece("sample", "")
    records = [pairs for line in lines if (pairs := log_lines.pairs_of(line))]
    known = [(one, mapping.exchange_of(piece, one, 1)) for one in records]
    flats = [mapping.flattened(one) for one, exchange in known if exchange or columns]
    if not flats:
        return None
    places = {path: steps_of(records, path) for flat in flats for path in flat}
    exchanges = [exchange or Exchange(id="") for _, exchange in known if exchange or columns]

    def access(path: str, *_: str) -> str:
        name, *below = places[path]
        value = _value(name)
        return extracted(value, tuple(below)) if below else value

    values, shown = values_of(Found(flats, exchanges, plan_with(flats, columns), access, instants))
    names_a_call = f"({values['method']} IS NOT NULL OR {values['url']} IS NOT NULL)"
    return View(
        "lines",
        given,
        "line",
        values,
        f"{condition(values)} AND {names_a_call}",
        shown,
        _of_pairs,
        lambda line: _of_pairs(piece, line) is not None,
    )


def _of_pairs(piece: Piece, text: str) -> Exchange | None:
    pairs = log_lines.pairs_of(text)
    found = mapping.exchange_of(piece, pairs, 1) if pairs else None
    return found if found and (found.method or found.url) else None


def _value(name: str) -> str:
    """Return the SQL of what stands behind a name and its sign."""
    quoted, plain = (
        f"regexp_extract(line, {sql.literal(_PAIR.format(name=re.escape(name)))}, {number})"
        for number in (1, 2)
    )
    unescaped = f"replace({quoted}, '\\\"', '\"')"
    value = f"CASE WHEN {quoted} != '' THEN {unescaped} ELSE nullif({plain}, '') END"
    if name != "timestamp":
        return value
    return f"coalesce({value}, {sql.captured('line', '^' + BEGINNING.pattern)})"


_PAIR = r"(?:^|[^\w.@/=-]){name}=(?:\"((?:[^\"\\]|\\.)*)\"|((?:[^\s\",]|,[^\s])*))(?:\s|$|,)"
