"""A page of exchanges as a table whose rows can be opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import ipywidgets as widgets
import pandas as pd

from sinchtools.charts.words import moment
from sinchtools.core.columns import from_json
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted
from sinchtools.notebook.panels.theme import WIDE, Html, button, row, view
from sinchtools.notebook.panels.touch import Touch

if TYPE_CHECKING:
    import duckdb

ROWS_A_PAGE = 10
_COLUMNS = {
    "at": "Time (UTC)",
    "status": "Status",
    "code": "Code",
    "endpoint": "Endpoint",
    "account": "Account",
    "elapsed_ms": "ms",
    "id": "ID",
}


class RequestList(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    Exchanges in the order of time, ten a page; a click or Enter opens one.

    Parameters
    ----------
    on_open
        Called with the exchange that was opened; None when the list has changed.
    guard
        Wraps what a click or key does.

    Attributes
    ----------
    page
        The exchanges of the page.
    n
        How many there are on all pages.
    chosen
        The place of the open one on the page, or None.
    """

    def __init__(
        self,
        on_open: Callable[[Exchange | None], object],
        guard: Callable[[Callable[[], object]], Callable[[Any], None]],
    ) -> None:
        self.page: list[Exchange] = []
        self.n, self.chosen = 0, cast("int | None", None)
        self._on_open, self._guard, self._first = on_open, guard, 0
        self._is_narrowed = False
        self._rows: Any = None
        self._whole: Any = None
        self.table = Touch(self._html, self._heard)
        self.counted = Html(layout=widgets.Layout(width="auto"))
        self.previous = button("Previous", "The rows before these")
        self.next = button("Next", "The rows after these")
        self.previous.on_click(guard(lambda: self.turn(-1)))
        self.next.on_click(guard(lambda: self.turn(1)))
        bar = row(self.counted, self.previous, self.next)
        super().__init__((self.table, bar), layout=WIDE)

    def show_rows(self, rows: Any, whole: Any, *, is_narrowed: bool = False) -> None:
        """List rows from the first; `whole` has their bodies, filters may have left none."""
        self._rows, self._whole, self._first = rows, whole, 0
        self._is_narrowed = is_narrowed
        self.n = int(rows.aggregate("count(*)").fetchall()[0][0])
        self._turned()

    def turn(self, pages: int) -> None:
        """Page through the rows; the last page stays."""
        last = max(0, (self.n - 1) // ROWS_A_PAGE) * ROWS_A_PAGE
        self._first = min(max(self._first + pages * ROWS_A_PAGE, 0), last)
        self._turned()

    def open_at(self, index: int) -> None:
        """Open one of the page."""
        self.chosen = index
        self.table.refresh()
        self._on_open(self.page[index])

    def close_one(self) -> None:
        """Open none."""
        self.chosen = None
        self.table.refresh()
        self._on_open(None)

    def _turned(self) -> None:
        self.page = [_exchange(one) for one in _page(self._rows, self._first, self._whole)]
        last = self._first + len(self.page)
        words = f"{self._first + 1:,} to {last:,} of {counted(self.n, 'request')}, oldest first"
        self.counted.value = view("quiet.html", words=words) if self.page else ""
        for one in (self.previous, self.next):
            one.layout.display = "none" if self.n <= ROWS_A_PAGE else ""
        self.previous.disabled = self._first == 0
        self.next.disabled = self._first + ROWS_A_PAGE >= self.n
        self.close_one()

    def _html(self, _width: int) -> str:
        if not self.page:
            more = "matches. Remove a filter." if self._is_narrowed else "is behind this chart."
            return view("quiet.html", words=f"No request {more}")
        used = [name for name in _COLUMNS if any(_value(x, name) is not None for x in self.page)]
        rows = [(x.failed, {name: _cell(_value(x, name)) for name in used}) for x in self.page]
        heads = {name: _COLUMNS[name] for name in used}
        return view("requests.html", heads=heads, rows=rows, chosen=self.chosen)

    def _heard(self, event: str, message: dict[str, Any]) -> None:
        if event == "row" and 0 <= int(message["index"]) < len(self.page):
            self._guard(lambda: self.open_at(int(message["index"])))(None)
        elif event == "escape":
            self._guard(self.close_one)(None)


def _value(x: Exchange, name: str) -> Any:
    """Return what a column shows; a message that was not delivered has the code of its report."""
    lost = x.delivery_code if name == "code" and x.code is None else None
    return getattr(x, name) if lost is None else f"delivery code {lost}"


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return "—"
    if isinstance(value, datetime):
        return f"{moment(pd.Timestamp(value))}:{value:%S}"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)


# --- out of DuckDB --------------------------------------------------------------------------------


def _page(
    rows: duckdb.DuckDBPyRelation, offset: int, whole: duckdb.DuckDBPyRelation
) -> list[dict[str, Any]]:
    """
    Return a page in the order of time.

    IDs are sorted first, then their rows are taken from `whole`: sorting whole rows takes five
    times as long.
    """
    import duckdb

    order = [f'"{name}"' for name in ("at", "id") if name in rows.columns]
    if len(order) == 2 and "request_body" in whole.columns:
        times = rows.project('epoch_us("at") AS "at", "id"')
        ids = [one for _, one in _ordered(times, order, offset).fetchall()]
        if not ids:
            return []
        wanted = duckdb.ColumnExpression("id").isin(*map(duckdb.ConstantExpression, ids))
        found = _dicts(whole.filter(wanted)) if all(ids) else []
        if len(found) == len(ids):  # else an id stands for several rows
            return sorted(found, key=lambda row: ids.index(row["id"]))
    return _dicts(_ordered(rows, order, offset))


def _ordered(
    rows: duckdb.DuckDBPyRelation, order: list[str], offset: int
) -> duckdb.DuckDBPyRelation:
    return rows.order(", ".join(f"{name} NULLS LAST" for name in order) or "1").limit(
        ROWS_A_PAGE, offset
    )


def _dicts(rows: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    micros = rows.project('* REPLACE (epoch_us("at") AS "at")') if "at" in rows.columns else rows
    return [dict(zip(rows.columns, one, strict=True)) for one in micros.fetchall()]


def _exchange(given: dict[str, Any]) -> Exchange:
    found = {name: value for name, value in given.items() if value is not None}
    if "at" in found:
        moved = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=found["at"])
        found["at"] = moved.isoformat()
    headers: dict[str, Any] = {
        name: json.loads(found[name])
        for name in ("request_headers", "response_headers")
        if name in found
    }
    return from_json({**found, **headers})
