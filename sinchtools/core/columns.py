"""
The columns, dtypes and meaning of every DataFrame.

The reference page and the docstrings are made from here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sinchtools.core.records import EXCHANGE_FIELDS, Exchange

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, str]] = {  # name: (dtype, meaning)
    "id": ("string", "unique id; stays the same when the same evidence is read again"),
    "parent_id": ("string", "the exchange that this one replays"),
    "call_id": ("string", "the logical call that automatic retries belong to"),
    "attempt": ("Int16", "1-based number of the attempt within its call"),
    "at": ("datetime64[us, UTC]", "when the request left; NaT when the evidence does not say"),
    "origin": ("string", "client, replay or import"),
    "source": ("string", "file and position, `case.har#17`"),
    "target": ("string", "sandbox, dry-run, live or unknown"),
    "method": ("string", "HTTP method"),
    "url": ("string", "the URL, its secrets replaced by markers"),
    "endpoint": (
        "string",
        "template of the route: `POST /batches/{batch_id}`; <NA> when no route of the API fits",
    ),
    "region": ("string", "from the host: us, eu, au, br, ca"),
    "account": ("string", "service plan ID or project ID, from the path"),
    "request_headers": (
        "string",
        "JSON object; each secret replaced by `[secret KIND LENGTH #N FACTS]`",
    ),
    "request_body": ("string", "the body as text; bytes that are not UTF-8 as \\xNN"),
    "status": ("Int16", "HTTP status; <NA> when no response came back"),
    "code": ("string", "the API's own `code` from an error body"),
    "text": ("string", "the API's own `text` from an error body"),
    "outcome": (
        "string",
        "success (2xx), user_error (4xx), sinch_error (5xx), not_delivered (by a delivery report), "
        "other (1xx, 3xx), no_response",
    ),
    "response_headers": ("string", "JSON object"),
    "response_body": ("string", "the body as text; bytes that are not UTF-8 as \\xNN"),
    "elapsed_ms": ("Float64", "milliseconds, from first byte sent to last byte read"),
    "failure": ("string", "network error class when no response came back"),
    "delivery": (
        "string",
        "what a delivery report says of the message: `412 Failed`; `inbound` for one that came in",
    ),
    "variables_not_shown": (
        "string",
        "variables of a tool, a shell or code whose value is not shown: `{{token}}; {{plan}}`",
    ),
}


def frame(exchanges: Iterable[Exchange]) -> pd.DataFrame:
    """
    Return one row per attempt, in the order given, with `COLUMNS` and their dtypes.

    An empty frame has the same columns and dtypes.

    Examples
    --------
    >>> frame([]).dtypes["at"]
    datetime64[us, UTC]
    """
    import pandas as pd

    rows = list(exchanges)
    series = {name: _series(name, _cells(name, rows)) for name in COLUMNS}
    return pd.DataFrame(series, columns=list(COLUMNS))


def as_json(exchange: Exchange, columns: Iterable[str] = COLUMNS) -> dict[str, Any]:
    """
    Return the exchange, or some of its columns, as the native file and the command line show it.

    Headers are objects. Bodies that are not text are base64.
    """
    import base64

    row: dict[str, Any] = {}
    for name in columns:
        value = getattr(exchange, name)
        if isinstance(value, bytes):
            row[f"{name}_base64"] = base64.b64encode(value).decode("ascii")
        elif name == "at" and value is not None:
            row[name] = value.isoformat().replace("+00:00", "Z")
        else:
            row[name] = dict(value) if name.endswith("_headers") else value
    return row


def from_json(row: Mapping[str, Any]) -> Exchange:
    """
    Return the exchange that `as_json` wrote; keys that are no field are passed over.

    Raises
    ------
    ValueError
        A value is not of its column's kind.
    """
    import base64

    fields: dict[str, Any] = {name: row[name] for name in EXCHANGE_FIELDS if name in row}
    for name in ("request_body", "response_body"):
        if f"{name}_base64" in row:
            fields[name] = base64.b64decode(row[f"{name}_base64"])
    if fields.get("at") is not None:
        fields["at"] = datetime.fromisoformat(fields["at"]).astimezone(UTC)
    return Exchange(**fields)


def reference() -> str:
    """Return the columns as the Markdown page ``docs/columns.md``."""
    rows = "\n".join(
        f"| `{name}` | {dtype} | {meaning.replace('|', '&#124;')} |"
        for name, (dtype, meaning) in COLUMNS.items()
    )
    head = "# The exchange columns\n\nOne row per attempt. Made from `sinchtools/core/columns.py`."
    return f"{head}\n\n| Column | dtype | Meaning |\n|---|---|---|\n{rows}\n"


def _cells(name: str, rows: list[Exchange]) -> list[Any]:
    values = list(map(attrgetter(name), rows))
    if name.endswith("_headers"):
        return [json.dumps(dict(value), ensure_ascii=False) if value else "{}" for value in values]
    if name.endswith("_body"):
        return [_text(value) if isinstance(value, bytes) else value for value in values]
    return values


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _series(name: str, values: list[Any]) -> Any:
    import pandas as pd

    dtype: Any = COLUMNS[name][0]
    if name != "at" or not values:
        return pd.Series(values, dtype=dtype)
    return pd.Series(pd.to_datetime(values, utc=True).astype(dtype))
