"""
Frames of Spark: the same projection, run where the data is.

The SQL of a scan is written for DuckDB. sqlglot puts it into the words of Spark; what it does not
know is in the table `_CALLS`. No Python runs on the cluster, and nothing is installed there.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sinchtools.core.errors import WrongUseError
from sinchtools.evidence.scan_frames import found_in
from sinchtools.evidence.scan_sql import IN_ANY_ZONE, literal, quoted, whole_or
from sinchtools.evidence.scan_tables import Cell
from sinchtools.evidence.scan_views import extracted

if TYPE_CHECKING:
    from sqlglot import exp

_LOOKED_AT = 1_000  # rows
_NESTED = ("struct", "map", "array", "variant")


def of_spark(frame: Any, columns: Mapping[str, str]) -> tuple[Any, list[str]]:
    """Return the rows of a frame of Spark in our columns, as one, and what is to be said of it."""
    _check_installed()
    fields = [(one.name, one.dataType) for one in frame.schema.fields]
    cells = [cell_of(quoted(name), kind) for name, kind in fields]
    try:
        texts = [f"{as_spark(cell.text)} AS c{i}" for i, cell in enumerate(cells)]
        rows = frame.limit(_LOOKED_AT).selectExpr(*texts).collect()
        some = [[text or "" for text in row] for row in rows]
    except Exception:  # its text may quote a row; the classes differ between Spark and its Connect
        some = None
    if some is None:  # raised here, where no error of Spark is its context
        raise WrongUseError(
            "Spark cannot read the rows of this frame.",
            hint="Ask for one row without st.scan to see why: frame.limit(1).collect().",
        )
    found = found_in([name for name, _ in fields], cells, some, columns)
    rows = frame.filter(as_spark(found.is_row)) if found.is_row else frame
    for step in found.steps:
        rows = rows.selectExpr(*map(as_spark, step))
    return rows, found.said


def _check_installed() -> None:
    if importlib.util.find_spec("sqlglot") is None:
        raise WrongUseError(
            "A scan of a Spark frame needs sqlglot.", hint="pip install 'sinchtools[spark]'"
        )


def cell_of(value: str, kind: Any) -> Cell:
    """Return how a value in Spark is read, by its SQL and type."""
    name = kind.typeName()
    text = f"CAST({value} AS VARCHAR)"
    if name in _NESTED:
        whole = f"to_json({value})"
        return Cell(whole, is_nested=True, below=lambda steps: _within(value, kind, steps))
    if name == "timestamp":
        return Cell(text, value)
    if name == "timestamp_ntz":
        return Cell(text, re.sub(r"(.*)", IN_ANY_ZONE, text, count=1))
    if name == "date":
        return Cell(text, f"TRY_CAST({text} || 'T00:00:00Z' AS TIMESTAMPTZ)")
    if name in ("double", "float") or name.startswith("decimal"):  # 403.0 is 403
        return Cell(whole_or(value, text))
    return Cell(value if name == "string" else text)


def _within(value: str, kind: Any, steps: tuple[str, ...]) -> str | None:
    """Return the SQL of a field within a struct, be it a struct itself or JSON in a text."""
    for number, step in enumerate(steps):
        if kind.typeName() != "struct":
            return extracted(cell_of(value, kind).text, steps[number:])
        if step not in kind.fieldNames():
            return None
        value, kind = f"struct_extract({value}, {literal(step)})", kind[step].dataType
    return cell_of(value, kind).text


# --- from DuckDB's words to Spark's ---------------------------------------------------------------


def as_spark(sql: str) -> str:
    """Return SQL of DuckDB as that of Spark."""
    import sqlglot

    if sql == "*":
        return sql
    whole = sqlglot.exp.Paren(this=sqlglot.parse_one(sql, read="duckdb"))
    for node in reversed(list(whole.dfs())):
        name = node.name.lower() if isinstance(node, sqlglot.exp.Anonymous) else type(node).__name__
        made = _CALLS[name](node) if name in _CALLS else node
        if made is not node:
            node.replace(made)
    return str(whole.this.sql(dialect="spark"))


def _call(name: str, *arguments: Any) -> exp.Expression:
    import sqlglot

    return sqlglot.exp.Anonymous(this=name, expressions=list(arguments))


def _text(value: str) -> exp.Expression:
    import sqlglot

    return sqlglot.exp.Literal.string(value)


def _full_match(node: Any) -> exp.Expression:
    return _call("REGEXP_LIKE", node.this, _text(rf"\A(?:{node.expression.this})\z"))


def _replaced(node: Any) -> Any:
    node.set("replacement", _text(re.sub(r"\\(\d)", r"$\1", node.args["replacement"].this)))
    return node


def _fields(node: Any) -> exp.Expression:
    names = re.findall(r'"(\w+)": "VARCHAR"', node.expression.this)
    return _call("FROM_JSON", node.this, _text(", ".join(f"{name} STRING" for name in names)))


def _is_text(node: Any) -> exp.Expression:
    """Return ``json_type(body, '$.code')`` as Spark can tell it: a text begins with a quote."""
    name = node.expression.this.removeprefix("$.")
    begins = _call("REGEXP_LIKE", node.this, _text(rf'"{name}"\s*:\s*"'))
    return _call("IF", begins, _text("VARCHAR"), _text(""))


def _instant(node: Any) -> exp.Expression:
    """Return a written time: without a zone it is in UTC, whatever the zone of the session is."""
    value, form = node.expressions[0], node.expressions[1].this
    if form.startswith("%a"):  # Spark reads no day of the week
        form = form[2:].lstrip(", ")
        value = _call("REGEXP_REPLACE", value, _text("^[A-Za-z]+,? "), _text(""))
    form = re.sub(r"%([dmHI])(?![%\w])", r"%\g<1>1", form)  # one digit or two
    pattern = re.sub(r"%(.1?)|([A-Za-z]+)", lambda m: _PARTS[m[1]] if m[1] else f"'{m[2]}'", form)
    if "%z" in form:
        return _call("TRY_TO_TIMESTAMP", value, _text(pattern))
    whole = _call("CONCAT", value, _text(" +0000"))
    return _call("TRY_TO_TIMESTAMP", whole, _text(f"{pattern} Z"))


_PARTS = {
    "d": "dd", "b": "MMM", "Y": "yyyy", "H": "HH", "M": "mm", "S": "ss", "f": "SSSSSS",
    "m": "MM", "I": "hh", "p": "a", "z": "Z",
    "d1": "d", "m1": "M", "H1": "H", "I1": "h",
}  # fmt: skip


def _from_map(node: Any) -> exp.Expression:
    import sqlglot

    given = node.this
    pairs = given.this.expressions
    flat = [
        part for pair in pairs for part in (pair.this, sqlglot.exp.cast(pair.expression, "DOUBLE"))
    ]
    return _call("TRY_ELEMENT_AT", _call("MAP", *flat), given.expressions[0])


def _moment(node: Any) -> Any:
    import sqlglot

    kinds = sqlglot.exp.DataType.Type
    if node.this in (kinds.TIMESTAMPNTZ, kinds.TIMESTAMP):
        node.set("this", kinds.TIMESTAMPTZ)
    return node


_CALLS: dict[str, Callable[[Any], Any]] = {
    "RegexpFullMatch": _full_match,
    "RegexpReplace": _replaced,
    "FromJson": _fields,
    "JSONType": _is_text,
    "ToMap": _from_map,
    "DataType": _moment,
    "Try": lambda node: node.this,
    "AtTimeZone": lambda node: node.this,  # a moment of Spark has no zone to take off
    "strlen": lambda node: _call("OCTET_LENGTH", *node.expressions),
    "json_valid": lambda node: _call(
        "ISNOTNULL", _call("GET_JSON_OBJECT", *node.expressions, _text("$"))
    ),
    "parse_filename": lambda node: node.expressions[0],
    "try_strptime": _instant,
    "epoch_us": lambda node: _call("UNIX_MICROS", *node.expressions),
}
