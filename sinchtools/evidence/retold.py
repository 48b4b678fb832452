"""Leave out what a mail only tells again of a failure that its attachment shows."""

from __future__ import annotations

from collections.abc import Iterable

from sinchtools.core.records import Exchange

_OF_A_CALL = (
    "method", "url", "endpoint", "request_headers", "request_body", "response_headers",
    "response_body", "at", "failure", "delivery", "call_id", "parent_id", "elapsed_ms",
)  # fmt: skip


def without_retold(rows: Iterable[Exchange]) -> list[Exchange]:
    """
    Return the rows less a status that one file only names, where another file shows its requests.

    Examples
    --------
    >>> shown = Exchange(source="app.log#1", method="POST", url="/batches", status=403)
    >>> told = Exchange(source="mail.txt#3", status=403)
    >>> [one.source for one in without_retold([told, shown])]
    ['app.log#1']
    """
    rows = list(rows)
    told = [row for row in rows if row.status and not any(getattr(row, n) for n in _OF_A_CALL)]
    if not told or len(told) == len(rows):
        return rows
    wanted = {row.status for row in told}
    shown = [row for row in rows if row.status in wanted and row.url]
    again = {id(row) for row in told if any(_is_again(row, one) for one in shown)}
    return [row for row in rows if id(row) not in again]


def _is_again(told: Exchange, shown: Exchange) -> bool:
    is_same = told.status == shown.status and told.code in (None, shown.code)
    return is_same and _file(told) != _file(shown)


def _file(row: Exchange) -> str:
    return (row.source or "").rpartition("#")[0]
