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
    "id": ("string", "unique ID; stays the same when the same evidence is read again"),
    "parent_id": ("string", "ID of the exchange that this one replays"),
    "call_id": ("string", "ID of the call that automatic retries belong to"),
    "attempt": ("Int16", "number of the attempt within its call, from 1"),
    "at": ("datetime64[us, UTC]", "when the request was sent; NaT if unknown"),
    "origin": ("string", "`client`, `replay` or `import`"),
    "source": ("string", "file and position, such as `case.har#17`"),
    "target": ("string", "`sandbox`, `dry-run`, `live` or `unknown`"),
    "method": ("string", "HTTP method"),
    "url": ("string", "the URL, with secrets replaced by markers"),
    "endpoint": (
        "string",
        "route template, such as `POST /batches/{batch_id}`; NA if no route of the API matches",
    ),
    "region": ("string", "region, from the host: `us`, `eu`, `au`, `br` or `ca`"),
    "account": ("string", "service plan ID or project ID, from the path"),
    "request_headers": (
        "string",
        "JSON object, with each secret replaced by `[secret KIND LENGTH #N FACTS]`",
    ),
    "request_body": ("string", "the body as text; bytes that are not UTF-8 are shown as `\\xNN`"),
    "status": ("Int16", "HTTP status; NA if there was no response"),
    "code": ("string", "the API's `code`, from an error body"),
    "text": ("string", "the API's `text`, from an error body"),
    "outcome": (
        "string",
        "`success` (2xx), `user_error` (4xx), `sinch_error` (5xx), `not_delivered` (according to a "
        "delivery report), `other` (1xx, 3xx) or `no_response`",
    ),
    "response_headers": ("string", "JSON object"),
    "response_body": ("string", "the body as text; bytes that are not UTF-8 are shown as `\\xNN`"),
    "elapsed_ms": ("Float64", "milliseconds from the first byte sent to the last byte read"),
    "failure": ("string", "name of the network error if there was no response"),
    "delivery": (
        "string",
        "from a delivery report, such as `412 Failed`; `inbound` for a received message",
    ),
    "variables_not_shown": (
        "string",
        "variables whose value the evidence does not show, such as `{{token}}; {{plan}}`",
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
    head = (
        "# The exchange columns\n\nOne row per attempt. `sinchtools/core/columns.py` defines them."
    )
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
