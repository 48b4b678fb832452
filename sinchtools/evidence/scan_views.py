"""
What the files of a scan look like: found with the readers of `read` in a sample, told as SQL.

A `View` says for some files alike which SQL gives their lines, and which gives each of our columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sinchtools.core.records import Exchange
from sinchtools.evidence import scan_sql as sql
from sinchtools.evidence.formats import mapping
from sinchtools.evidence.formats.values import body_of, parsed
from sinchtools.evidence.pieces import Piece
from sinchtools.evidence.scan_times import Instants
from sinchtools.evidence.times import DURATIONS, milliseconds, squashed

FILE = "file of sinchtools"
LINES = "format = 'newline_delimited', ignore_errors = true, maximum_object_size = 67108864"
TEXTS = ("at", "method", "url", "status", "code", "text", "elapsed_ms", "failure", "body")
Record = Mapping[str, Any]
Plan = dict[str, tuple[str, ...]]


@dataclass(slots=True)
class View:
    """How the rows of some files are found."""

    kind: str  # ``json``, ``table`` or ``lines``
    source: str  # what stands after FROM: their lines, with the name of the file
    whole: str  # a whole row, as text
    values: dict[str, str]  # SQL of each of our columns, and of `body`, an error's
    is_row: str  # the condition that a line is a row
    shown: dict[str, str]  # our columns, and where each is found, in words
    exchange: Callable[[Piece, str], Exchange | None]  # the exchange in the text of a whole row
    is_read: Callable[[str], bool]  # whether a line of the sample is a row, or the names of a table

    @property
    def is_line(self) -> str:
        """The condition that a line is there, be it a row or not."""
        return "line != ''" if self.kind == "lines" else "true"

    @property
    def told(self) -> tuple[str, ...]:
        """The columns that the files tell anything of."""
        return tuple(name for name in TEXTS if not self.values[name].startswith(sql.NOTHING))

    @property
    def id(self) -> str:
        """An id that stays the same: of the line, else of what is read of it."""
        told = self.whole if self.kind != "json" else self._told()
        made = f"left(md5({told}), 12)"
        return f"coalesce({self.values['id']}, {made})" if "id" in self.values else made

    def _told(self) -> str:
        values = self.values | {"at": f"epoch_us({self.values['at']})"}
        texts = (f"CAST({values[name]} AS VARCHAR)" for name in TEXTS if name != "body")
        return f"concat_ws(chr(31), {', '.join(f'coalesce({one}, chr(0))' for one in texts)})"

    def selection(self, *more: str) -> str:
        """Return the query of the rows, with further columns."""
        texts = (f"{self.values[name]} AS {sql.quoted(name)}" for name in TEXTS)
        return (
            f"SELECT {', '.join((*texts, sql.quoted(FILE), *more))} FROM {self.source} "
            f"WHERE {self.is_row}"
        )


def files_as_sql(files: Iterable[str]) -> str:
    """Return names of files as SQL; they are no patterns any more."""
    return "[" + ", ".join(map(sql.literal, map(_escaped, files))) + "]"


def text_of(files: list[str]) -> str:
    """Return the lines of files as SQL."""
    return (
        f"read_csv({files_as_sql(files)}, columns = {{'line': 'VARCHAR'}}, delim = '\x01', quote = "
        f"'', escape = '', header = false, auto_detect = false, ignore_errors = true, filename = "
        f"'{FILE}')"
    )


def _escaped(name: str) -> str:
    if re.match(r"https?:", name):  # DuckDB takes no pattern there, and a query begins with "?"
        return name
    return re.sub(r"([*?\[])", r"[\1]", name)


# --- what JSON and tables have in common ----------------------------------------------------------


@dataclass(slots=True)
class Found:
    """Which fields of the sample tell what."""

    flats: list[dict[str, Any]]
    exchanges: list[Exchange]
    plan: Plan
    access: Callable[..., str]  # SQL of a path, and which type it is read as
    instants: Instants

    def used(self, name: str, fits: Callable[[Any], Any]) -> list[str]:
        """Return the paths that give a field a value, the most telling first."""
        first = (
            next((p for p in self.plan[name] if _filled(flat.get(p)) and fits(flat[p])), None)
            for flat in self.flats
        )
        wanted = {*first, *(p for p in self.plan[name] if not self.examples(p))}
        return [path for path in self.plan[name] if path in wanted]

    def examples(self, path: str) -> list[Any]:
        """Return what the sample has in a path."""
        return [flat[path] for flat in self.flats if _filled(flat.get(path))]


def _filled(value: Any) -> bool:
    return value not in (None, "", "-")


def values_of(found: Found) -> tuple[dict[str, str], dict[str, str]]:
    """Return the SQL of each of our columns, and the names that are shown."""
    shown: dict[str, str] = {}

    def take(ours: str, fits: Callable[[Any], Any], made: Callable[[str], str]) -> str:
        paths = found.used(ours, fits)
        shown.update({ours: " or ".join(path for path in paths)} if paths else {})
        return sql.first(map(made, paths))

    def plain(path: str) -> str:
        return f"nullif(nullif({found.access(path)}, ''), '-')"

    def status(path: str) -> str:
        words = any(not re.fullmatch(r"-?\d{1,4}", str(v)) for v in found.examples(path))
        value = found.access(path) if words else found.access(path, "SMALLINT")
        return sql.status(value, in_words=words)

    code = take("code", mapping.code_of, lambda p: _coded(plain(p)))
    text = take("text", _is_text, plain)
    values = {
        "status": sql.first(map(status, found.used("status", mapping.http_status)), "SMALLINT"),
        "at": sql.first(
            [
                found.instants(found.examples(p), found.access(p))
                for p in found.used("at", _is_time)
            ],
            "TIMESTAMP",
        ),
        "method": take("method", mapping.method_of, lambda p: sql.method(found.access(p))),
        "code": code,
        "text": sql.NULL
        if sql.NULL in (code, text)
        else f"CASE WHEN {code} IS NOT NULL THEN nullif({text}, {code}) END",
        "failure": take("failure", mapping.failure_of, plain),
        "elapsed_ms": sql.first(
            [_duration(found, p) for p in found.used("elapsed", _is_duration)], "DOUBLE"
        ),
        "body": sql.first(_bodies(found)),
    }
    for ours, name in (("status", "status"), ("at", "at"), ("elapsed_ms", "elapsed")):
        fits = {"status": mapping.http_status, "at": _is_time, "elapsed": _is_duration}[name]
        if paths := found.used(name, fits):
            shown[ours] = " or ".join(paths)
    values["url"] = _url(found, shown, plain)
    _by_request_line(found, values, shown, plain)
    return values, shown


def _coded(value: str) -> str:
    of_clients = " OR ".join(f"starts_with({value}, '{one}')" for one in mapping.OF_CLIENTS)
    fits = sql.fits(value, mapping.CODE.pattern)
    return f"CASE WHEN {fits} AND NOT ({of_clients}) THEN {value} END"


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    return Piece("sample", "").instant(value) is not None


def _is_duration(value: Any) -> bool:
    return not isinstance(value, Mapping | list) and milliseconds(value, "ms", 1.0) is not None


def _duration(found: Found, path: str) -> str:
    names = (name for _, name in mapping.names_of(path) if name in DURATIONS)
    factor = next(
        (factor for flat in found.flats if (factor := mapping.factor_of(flat, path)) is not None),
        None,
    )
    commas = any("," in str(value) for value in found.examples(path))
    name = next(names, squashed(path))
    return sql.duration(found.access(path), name, factor, in_commas=commas)


def _bodies(found: Found) -> list[str]:
    """Return the SQL of each place of a response body."""
    paths = [p for name in ("response_body", "body", "response") for p in found.plan[name]]
    told = [
        (flat, one.response_body)
        for flat, one in zip(found.flats, found.exchanges, strict=True)
        if one.response_body is not None
    ]
    places = [
        path
        for path in dict.fromkeys(paths)
        if any(_filled(v := flat.get(path)) and body_of(v) == body for flat, body in told)
        or (path in found.plan["response_body"] and not found.examples(path))
    ]
    if len(places) == 1:
        return [found.access(places[0])]
    return [f"nullif(nullif({found.access(path)}, ''), '-')" for path in places]


def _url(found: Found, shown: dict[str, str], plain: Callable[[str], str]) -> str:
    def is_url(value: Any) -> bool:
        return isinstance(value, str) and mapping.URL.match(value) is not None

    paths = [p for p in found.plan["url"] if any(map(is_url, found.examples(p)))]
    if not paths:
        return sql.NULL
    urls = [
        f"CASE WHEN {at} LIKE '/%' OR {at} LIKE '%://%' OR {at} LIKE '%/xms/v%' THEN {at} END"
        for at in map(found.access, paths)
    ]
    shown["url"] = " or ".join(paths)
    whole = [f"CASE WHEN {at} LIKE '%://%' THEN {at} END" for at in map(found.access, paths)]
    url = urls[0] if len(paths) == 1 else sql.first([*whole, *urls])
    hosts, schemes = (
        [plain(p) for p in found.plan[name] if any(map(_is_text, found.examples(p)))]
        for name in ("host", "scheme")
    )
    is_path = any(str(v).startswith("/") for p in paths for v in found.examples(p))
    return sql.with_host(url, sql.first(hosts), sql.first(schemes)) if hosts and is_path else url


def _by_request_line(
    found: Found, values: dict[str, str], shown: dict[str, str], plain: Callable[[str], str]
) -> None:
    if values["method"] != sql.NULL and values["url"] != sql.NULL:
        return
    lines = found.used(
        "request", lambda v: isinstance(v, str) and mapping.REQUEST_LINE.fullmatch(v.strip())
    )
    if lines:
        line = sql.first(map(plain, lines))
        values["method"] = sql.method(sql.captured(line, r"^\s*\"?([A-Za-z]+) +\S"))
        values["url"] = sql.captured(line, r"^\s*\"?[A-Za-z]+ +([^\s\"]+)")
        shown |= {"method": lines[0], "url": lines[0]}


def plan_with(flats: list[dict[str, Any]], asked: Mapping[str, str]) -> Plan:
    """Return which paths may hold each field; what the caller asked for is the only one."""
    paths = tuple(dict.fromkeys(path for flat in flats for path in flat))
    plan = dict(mapping.plan_of(paths))
    for theirs, ours in asked.items():
        name = "elapsed" if ours == "elapsed_ms" else ours
        if theirs in paths and name in plan:
            plan[name] = (theirs,)
    return plan


_CASE = re.compile(r"CASE WHEN (.*) THEN (.*) END", re.DOTALL)


def _has(value: str) -> str:
    """Return the condition that there is a value, without the detour of a value of one case."""
    case = _CASE.fullmatch(value)
    is_one = case is not None and value.count("CASE ") == 1 and " ELSE " not in value
    return f"({case[1]})" if case and is_one else f"({value}) IS NOT NULL"


def condition(values: Mapping[str, str], *, is_alone: bool = False) -> str:
    """Return when a record is a row, as `mapping.Record.is_whole` has it."""
    url, status, method, code = (_has(values[name]) for name in ("url", "status", "method", "code"))
    if is_alone:
        return f"({status} OR ({url} AND {method}))"
    also = "" if values["code"].startswith(sql.NOTHING) else f" OR ({status} AND {code})"
    # the likely and cheap one first: what OR and AND say, DuckDB would look for again and again
    return (
        f"CASE WHEN {url} AND {status} THEN true ELSE ({method} AND ({status} OR {url})){also} END"
    )


# --- JSON Lines -----------------------------------------------------------------------------------


def json_view(
    files: list[str],
    records: list[dict[str, Any]],
    columns: Mapping[str, str],
    instants: Instants,
    *,
    is_whole: bool = False,
    given: str = "",
) -> View | None:
    """Return how JSON Lines are read; `is_whole` reads each line as one value, `given` gives it."""
    piece = Piece("sample", "")
    asked = _asked(records, columns)
    known = [(one, mapping.exchange_of(piece, one, 1)) for one in records]
    flats = [mapping.flattened(one) for one, exchange in known if exchange or asked]
    exchanges = [exchange or Exchange(id="") for _, exchange in known if exchange or asked]
    if not flats:
        return None
    places = {path: steps_of(records, path) for flat in flats for path in flat}
    tree = _Tree(records, is_whole=is_whole or bool(given))

    def access(path: str, kind: str = "VARCHAR") -> str:
        return tree.access(places[path], kind)

    found = Found(flats, exchanges, plan_with(flats, asked), access, instants)
    values, shown = values_of(found)
    files_ = files_as_sql(files)
    file = f"filename = '{FILE}'"
    source = (
        f"read_json_objects({files_}, {LINES}, {file})"
        if tree.is_whole
        else f"read_json({files_}, columns = {{{tree.types()}}}, records = 'true', {LINES}, {file})"
    )
    return View(
        "lines" if given else "json",
        given or source,
        "json" if tree.is_whole else sql.NULL,
        values,
        condition(values),
        shown,
        _of_json,
        _is_row,
    )


def _asked(records: list[dict[str, Any]], columns: Mapping[str, str]) -> Mapping[str, str]:
    return columns if columns and records else {}


def _is_row(line: str) -> bool:
    return _of_json(Piece("sample", ""), line) is not None


def _of_json(piece: Piece, text: str) -> Exchange | None:
    value = parsed(text)
    return mapping.exchange_of(piece, value, 1) if isinstance(value, dict) else None


def steps_of(records: list[dict[str, Any]], path: str) -> tuple[str, ...]:
    """Return the names, one below the other, that a path of a flattened record is made of."""
    return next((found for one in records if (found := _walk(one, path))), (path,))


def _walk(value: Any, path: str) -> tuple[str, ...] | None:
    if isinstance(value, str) and value[:1] in ("{", '"'):
        value = parsed(value)
        value = parsed(value) if isinstance(value, str) else value
    if not isinstance(value, dict):
        return None
    if path in value:
        return (path,)
    for name, inner in value.items():
        if path.startswith(f"{name}.") and (rest := _walk(inner, path[len(name) + 1 :])):
            return (name, *rest)
    return None


class _Tree:
    """The columns that DuckDB is told of: objects within objects, texts, and JSON in a text."""

    def __init__(self, records: list[dict[str, Any]], *, is_whole: bool) -> None:
        self.records, self.children = records, dict[str, Any]()
        self.is_whole = is_whole or _has_twins(records)

    def access(self, steps: tuple[str, ...], kind: str = "VARCHAR") -> str:
        """Return the SQL of the value in a place, read as a type, unless another use wants text."""
        if self.is_whole:
            texts = self._texts(steps)
            value = extracted("json", steps[:texts])
            return extracted(value, steps[texts:]) if steps[texts:] else value
        depth = self._depth(steps)
        node = self.children
        for step in steps[: depth + 1]:
            node = node.setdefault(step, {})
        top, *below = steps[: depth + 1]
        value = sql.quoted(top)
        for step in below:
            value = f"struct_extract({value}, {sql.literal(step)})"
        if not steps[depth + 1 :]:
            node[""] = kind if node.get("", kind) == kind else "VARCHAR"
            return value
        node[""] = "VARCHAR"
        return extracted(value, steps[depth + 1 :])

    def _texts(self, steps: tuple[str, ...]) -> int:
        """Return how many steps lead to a text that is JSON again; all when none does."""
        values: list[Any] = list(self.records)
        for number, step in enumerate(steps[:-1], start=1):
            values = [v[step] for v in values if isinstance(v, dict) and step in v]
            if any(isinstance(v, str) for v in values):
                return number
        return len(steps)

    def _depth(self, steps: tuple[str, ...]) -> int:
        """Return how deep a place stands in objects that are always objects."""
        values: list[Any] = list(self.records)
        for depth, step in enumerate(steps):
            values = [v[step] for v in values if isinstance(v, dict) and v.get(step) is not None]
            is_last = depth + 1 == len(steps)
            if is_last or any(not isinstance(v, dict) or _has_twins([v]) for v in values):
                return depth
        return len(steps) - 1

    def types(self) -> str:
        """Return the columns and their types."""
        return ", ".join(
            f"{sql.literal(name)}: {sql.literal(_type(node))}"
            for name, node in self.children.items()
        )


def _has_twins(records: list[dict[str, Any]]) -> bool:
    """Tell whether names differ only in case: DuckDB takes them for one."""
    names = {str(name) for one in records for name in one}
    return len({name.casefold() for name in names}) < len(names)


def _type(node: dict[str, Any]) -> str:
    below = {name: inner for name, inner in node.items() if name}
    if not below:
        return str(node[""])
    inner = ", ".join(f"{sql.quoted(name)} {_type(one)}" for name, one in below.items())
    return f"STRUCT({inner})"


def extracted(value: str, steps: tuple[str, ...]) -> str:
    """Return the SQL of a place in what is JSON."""
    path = sql.literal("$" + "".join('."' + step.replace('"', '\\"') + '"' for step in steps))
    if value == "json":
        return f"json_extract_string({value}, {path})"
    return f"CASE WHEN json_valid({value}) THEN json_extract_string({value}, {path}) END"
