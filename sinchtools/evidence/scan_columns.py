"""What comes out of a scan, whatever went in: our columns, without what may be a secret."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import reduce
from typing import TYPE_CHECKING

from sinchtools.core.columns import COLUMNS
from sinchtools.evidence import scan_sql
from sinchtools.evidence.formats import mapping
from sinchtools.evidence.scan_sql import NULL, quoted
from sinchtools.evidence.scan_views import FILE, TEXTS
from sinchtools.privacy.spans import NEEDLES

if TYPE_CHECKING:
    import duckdb

LEFT_OUT = (
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",  # secrets stand in these four: `read` brings single rows in whole
    "delivery",  # told by other rows
    "variables_not_shown",  # of requests that are written, not logged
)
SCANNED = tuple(name for name in COLUMNS if name not in LEFT_OUT)
TYPES = {
    "string": "VARCHAR",
    "Int16": "SMALLINT",
    "Float64": "DOUBLE",
    "datetime64[us, UTC]": "TIMESTAMPTZ",
}
HELD_BACK = "[hidden: may contain a secret; st.read(lazy, ids) brings the row in]"
_NAMES = "|".join(
    needle
    for needle in NEEDLES
    if needle.isalpha() and needle not in ("bearer", "basic", "eyj", "hooks", "pw")
)
# wider than what `Redactor` marks, since a whole value is held back: a name with a sign or line
# after it, a user of curl, a scheme, a JWT, user info
SECRET_LIKE = (
    rf"(?is)(?:{_NAMES}).*(?:[:=>|\n]|%3d|val)|\s-{{1,2}}(?:proxy-)?u.*:|(?:bearer"
    rf"|basic)(?:\s|%20|\+)|eyj[\w-]+\.|://[^/?#]*@"
)
SECRET_LIKE += r"|(?:token|secret|passw(?:or)?d|key) [\w-]{16}|bearer\W.*[:=]|pw\W|sid=|hooks[./]"
_NEVER_IN_A_SECRET = ("attempt", "at", "elapsed_ms", "status", "outcome", "region")
_TOLD_BY_OTHERS = ("attempt", "origin", "target", "region", "account", "endpoint", "source")
_GIVEN = {"attempt": "1", "origin": "'import'", "target": "'unknown'"}
_NO_STATUS = "CAST(NULL AS SMALLINT)"
_OUTCOME = (
    "CASE WHEN {status} IS NULL OR {status} <= 0 THEN 'no_response' WHEN {status} // 100 = 2 "
    "THEN 'success'"
    " WHEN {status} // 100 = 4 THEN 'user_error' WHEN {status} // 100 = 5 THEN 'sinch_error' "
    "ELSE 'other' END"
)
Steps = list[list[str]]


def taken(rows: duckdb.DuckDBPyRelation, steps: Steps) -> duckdb.DuckDBPyRelation:
    """Return the rows of a relation after some steps."""
    return reduce(lambda so_far, step: so_far.project(", ".join(step)), steps, rows)


def steps_of_own(values: dict[str, str], body: str | None) -> Steps:
    """
    Return the steps from rows that have our columns to those of a scan.

    Each step is what one SELECT has; `body` is the column that may hold the code of an error.
    """
    first = _with_error(values, body) if body else []
    return [*first, [selected(name, values) for name in SCANNED]]


def steps_of_view(told: Collection[str]) -> Steps:
    """Return the steps from what a `View` selects, with its id, to the columns of a scan."""
    found = {name: quoted(name) for name in TEXTS if name != "body" and name in told}
    found |= {name: quoted(name) for name in ("id", FILE)}
    first = []
    if "body" in told:
        found = {"code": NULL, "text": NULL} | found
        first = _with_error(found, "body")
    if "failure" in found:
        is_silent = " AND ".join(
            f"{found[one]} IS NULL" for one in ("status", "code") if one in found
        )
        found["failure"] = f"CASE WHEN {is_silent or 'true'} THEN failure END"
    values = {
        name: quoted(name) if name in found else value_of(name, [], {})
        for name in (*SCANNED, FILE)
        if name != "outcome"
    }
    renamed = [f"{value} AS {quoted(name)}" for name, value in found.items()]
    # each step by itself, so that what one step finds is not looked for again in the next
    return [*first, renamed, [selected(name, values) for name in SCANNED]]


def _with_error(values: dict[str, str], body: str) -> Steps:
    """Take code and text out of an error's body where no field has them."""
    fields, body = quoted("error of sinchtools"), quoted(body)
    code, text = (
        scan_sql.error_text(fields, body, *names) for names in (("code",), scan_sql.ERROR_TEXTS)
    )
    values["code"] = f"coalesce({values['code']}, {code})"
    values["text"] = f"coalesce({text}, {values['text']})"  # a field may have the client's words
    return [["*", f"{scan_sql.error_fields(body, values.get('status', _NO_STATUS))} AS {fields}"]]


def selected(name: str, values: Mapping[str, str]) -> str:
    """Return the SQL of one of our columns, without what may be a secret."""
    if name == "outcome":
        return f"{_OUTCOME.format(status=values['status'])} AS outcome"
    value, url = values[name], values["url"]
    if value.startswith(scan_sql.NOTHING) and name not in _TOLD_BY_OTHERS:
        return f'{value} AS "{name}"'
    if name == "url":
        value = f"regexp_replace(regexp_replace({value}, '[?#].*$', ''), '://[^/@]*@', '://')"
    elif name in _GIVEN:
        value = f"coalesce({value}, {_GIVEN[name]})"
    elif name == "region":
        value = f"nullif(coalesce({value}, {scan_sql.region(url)}), '')"
    elif name == "account":
        value = f"nullif(coalesce({value}, {scan_sql.account(url)}), '')"
    elif name == "endpoint":
        value = f"coalesce({value}, {scan_sql.endpoint(values['method'], url)})"
    if name not in _NEVER_IN_A_SECRET:
        value = (
            f"CASE WHEN regexp_matches({value}, '{SECRET_LIKE}') THEN '{HELD_BACK}' "
            f"ELSE {value} END"
        )
    if name == "source":
        file = f"parse_filename(regexp_replace({values[FILE]}, '^(https?:[^?#]*).*$', '\\1'))"
        value = f"coalesce({value}, {file})"
    return f'{value} AS "{name}"'


def value_of(name: str, present: Collection[str], columns: Mapping[str, str]) -> str:
    """Return the SQL of one of our columns as its own type; null where it is not present."""
    theirs = theirs_of(name, columns)
    kind = TYPES[COLUMNS[name][0]]
    if theirs not in present:
        return "CAST(NULL AS TIMESTAMP)" if name == "at" else f"CAST(NULL AS {kind})"
    value = f"TRY_CAST({quoted(theirs)} AS {kind})"
    if name == "status":
        return f"CASE WHEN {value} > 0 THEN {value} END"
    return f"({value} AT TIME ZONE 'UTC')" if name == "at" else value


def theirs_of(ours: str, columns: Mapping[str, str]) -> str:
    """Return the name that the caller gave for one of our columns, else our own."""
    return next((theirs for theirs, name in columns.items() if name == ours), ours)


def are_own(keys: set[str]) -> bool:
    """Tell whether the names of a record's fields are those that we write."""
    marks = {"parent_id", "call_id", "origin", "attempt", "target"}
    return keys <= mapping.OWN or bool(marks & keys and len(mapping.OWN & keys) > 3)


def said_of(place: str, shown: Mapping[str, str], columns: Mapping[str, str]) -> list[str]:
    """Return the sentence of which columns were taken for which, if there is any."""
    places = ", ".join(
        f"{ours} from {theirs[:60]!r}"
        for ours, theirs in shown.items()
        if theirs not in (ours, "the line", *columns)
    )
    return [f"columns of {place}: {places}; columns= overrides"] if places else []
