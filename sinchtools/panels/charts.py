"""The charts panel: filters, a chart with its words, the exchanges behind it, and export."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from sinchtools import charts
from sinchtools.analysis import filtered
from sinchtools.errors import WrongUseError
from sinchtools.panels.look import WIDE, Panel, button, labelled, row, table
from sinchtools.records import Exchange
from sinchtools.settings import work_folder
from sinchtools.tables import frame

KINDS: dict[str, Callable[..., charts.Chart]] = {
    "Error codes": charts.error_codes,
    "Timeline": charts.timeline,
    "Hour by weekday": charts.heatmap,
    "Endpoints": charts.endpoints,
    "Accounts": charts.accounts,
    "Latency": charts.latency,
    "Delivery codes": charts.delivery_codes,
}
OUTCOMES = {
    "All": None,
    "Errors of the request (4xx)": "user_error",
    "Errors of the API (5xx)": "sinch_error",
    "Successes (2xx)": "success",
    "No response": "no_response",
}
ALL = "All"
ROWS_A_PAGE = 10


class ChartsPanel(Panel):
    """
    See the pattern by clicking; the function twins are ``st.charts.error_codes(frame, ...)`` and its sisters.

    Parameters
    ----------
    evidence
        Exchanges, evidence, or a frame with the exchange columns.
    folder
        Where exports go; None is ``charts`` in the work folder.

    Attributes
    ----------
    chart
        The chart that is shown.
    rows
        The exchanges behind it.
    """

    def __init__(self, evidence: Iterable[Exchange] | pd.DataFrame, *, folder: str | Path | None = None) -> None:
        super().__init__("See the pattern", "Which errors, since when, where, how slow. The numbers stand in the words under the chart.")
        self._all: pd.DataFrame = evidence if isinstance(evidence, pd.DataFrame) else frame(evidence)
        self._folder = Path(folder) if folder else None
        self.kind = labelled(widgets.Dropdown, "Chart", "What is drawn", options=list(KINDS))
        self.per = labelled(
            widgets.Dropdown,
            "Count",
            "A call with its automatic retries counts once, or every attempt counts",
            options=[("calls", "call"), ("attempts", "attempt")],
        )
        self.outcome = labelled(widgets.Dropdown, "Outcome", "Status class", options=list(OUTCOMES))
        self.code = self._filter("Code", "The API's own code", "code")
        self.endpoint = self._filter("Endpoint", "Method and path", "endpoint")
        self.account = self._filter("Account", "Service plan or project", "account")
        self.since = labelled(widgets.Text, "Since (UTC)", "2026-11-20 or 2026-11-20T08:00", placeholder="2026-11-20T08:00", continuous_update=False)
        self.until = labelled(widgets.Text, "Until (UTC)", "2026-11-21 or 2026-11-21T08:00", placeholder="2026-11-21T08:00", continuous_update=False)
        self.text = labelled(widgets.Text, "Contains", "Words anywhere in URL, code, text or bodies", continuous_update=False)
        self.picture, self.table = widgets.HTML(layout=WIDE), widgets.HTML(layout=WIDE)
        self.export_button = button("Export chart and data", "PNG, SVG, PDF and CSV into the work folder", primary=True)
        self.clear_button = button("Clear the filters", "Show everything again")
        self.newer, self.older = button("Previous rows", "Page back"), button("Next rows", "Page on")
        self._page = 0
        self._controls = (self.kind, self.per, self.outcome, self.code, self.endpoint, self.account, self.since, self.until, self.text)
        for control in self._controls:
            control.observe(lambda _: self.guard(self.draw)(None), names="value")
        self.export_button.on_click(self.guard(self.export, self.export_button, busy="Writing ..."))
        self.clear_button.on_click(self.guard(self.clear, self.clear_button))
        self.newer.on_click(self.guard(lambda: self.turn(-1)))
        self.older.on_click(self.guard(lambda: self.turn(1)))
        grid = widgets.GridBox(
            self._controls, layout=widgets.Layout(width="99%", grid_template_columns="repeat(auto-fit, minmax(300px, 1fr))", grid_gap="2px 16px")
        )
        self.rows(grid, row(self.export_button, self.clear_button), self.picture, self.table, row(self.newer, self.older))
        self.draw()

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that are set, as ``st.charts`` and ``st.analysis.filtered`` take them."""
        found = {
            "outcome": OUTCOMES[self.outcome.value], "code": self.code.value, "endpoint": self.endpoint.value, "account": self.account.value,
            "since": self.since.value.strip(), "until": self.until.value.strip(), "text": self.text.value.strip(),
        }  # fmt: skip
        return {name: value for name, value in found.items() if value not in (None, "", ALL)}

    def draw(self) -> None:
        """Draw the chart for the controls as they stand."""
        options = {} if self.kind.value == "Delivery codes" else {"per": self.per.value}
        self.chart = KINDS[self.kind.value](self._all, **options, **self.filters)
        self.picture.value = self.chart._repr_html_()
        self.shown = filtered(self._all, **self.filters) if self.filters else self._all
        self._page = 0
        self._list()
        self.say(f"{len(self.shown):,} of {len(self._all):,} attempts fit the filters.")

    def turn(self, pages: int) -> None:
        """Page through the exchanges behind the chart."""
        last = max(0, (len(self.shown) - 1) // ROWS_A_PAGE)
        self._page = min(max(self._page + pages, 0), last)
        self._list()
        self.say(f"Page {self._page + 1} of {last + 1}.")

    def clear(self) -> None:
        """Take all filters away."""
        for control in (self.since, self.until, self.text):
            control.value = ""
        for control in (self.outcome, self.code, self.endpoint, self.account):
            control.value = control.options[0] if isinstance(control.options[0], str) else control.options[0][1]
        self.draw()

    def export(self) -> list[Path]:
        """Write the chart as PNG, SVG and PDF with its data as CSV, and say where."""
        folder = self._folder or work_folder() / "charts"
        folder.mkdir(parents=True, exist_ok=True)
        name = self.kind.value.lower().replace(" ", "-")
        if not len(self.shown):
            raise WrongUseError("There is nothing behind this chart.", hint="Clear the filters first.")
        paths = charts.save(self.chart, folder / name)
        self.say(f"Written to {folder}: {', '.join(path.name for path in paths)}.")
        return paths

    def _list(self) -> None:
        start = self._page * ROWS_A_PAGE
        part = self.shown.iloc[start : start + ROWS_A_PAGE]
        names = ["at", "status", "code", "endpoint", "account", "elapsed_ms", "id"]
        rows = [[_cell(value) for value in one] for one in part[[name for name in names if name in part]].itertuples(index=False)]
        self.table.value = (
            table([name for name in names if name in part], rows, caption=f"Exchanges {start + 1:,} to {start + len(rows):,} of {len(self.shown):,}")
            if rows
            else ""
        )

    def _filter(self, words: str, tooltip: str, column: str) -> widgets.Widget:
        counts = self._all[column].value_counts().head(200).items() if column in self._all else ()
        options = [(ALL, ALL), *((f"{str(name)[:60]} ({n:,})", str(name)) for name, n in counts)]
        return labelled(widgets.Dropdown, words, tooltip, options=options)


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return f"{value:.1f}" if isinstance(value, float) else str(value)
