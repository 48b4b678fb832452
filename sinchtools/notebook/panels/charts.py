"""
The charts panel.

Choose a chart, filter, see the exchanges behind a bar and what stands out, export.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from sinchtools import analysis, charts
from sinchtools.cases.case import Case
from sinchtools.core.columns import from_json
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange, visible
from sinchtools.core.settings import work_folder
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.picker import label
from sinchtools.notebook.panels.theme import WIDE, Html, button, labelled, row, shown, table
from sinchtools.privacy.aliases import Aliases

if TYPE_CHECKING:
    import duckdb

KINDS: dict[str, Callable[..., charts.Chart]] = {
    "Error codes": charts.error_codes,
    "Timeline": charts.timeline,
    "Hour by weekday": charts.heatmap,
    "Endpoints": charts.endpoints,
    "Accounts": charts.accounts,
    "Latency": charts.latency,
    "Delivery codes": charts.delivery_codes,
}
UNKNOWN = "Answer not known"
OUTCOMES = {
    "All": None,
    "Errors of the request (4xx)": "user_error",
    "Errors of the API (5xx)": "sinch_error",
    "Successes (2xx)": "success",
    "Accepted, not delivered": "not_delivered",
    "No status (no response, or a code alone)": "no_response",
    UNKNOWN: "",
}
ALL = "All"
WHOLE, NO_ONE = "the whole chart", -1  # a dropdown shows no words for a value of None
OFFERED = 300  # a dropdown has at most so many
ROWS_A_PAGE = 10


class ChartsPanel(Panel):
    """
    See the pattern by clicking; under each chart stands the line of code that does the same.

    Parameters
    ----------
    evidence
        A case, exchanges, evidence, a frame with the exchange columns, or what ``st.scan`` returned
        (which is read anew for each chart; ``st.analysis.in_memory`` takes a part of it into
        memory).
    folder
        Where exports go; None is ``charts`` in the folder of the case, or in the work folder.

    Attributes
    ----------
    chart
        The chart that is shown.
    shown
        The exchanges behind it, or behind the bar that is chosen, as a DuckDB relation.
    exchange
        The exchange that is shown below; None when none is chosen.
    """

    keeps = (
        "kind",
        "per",
        "outcome",
        "http",
        "code",
        "endpoint",
        "account",
        "since",
        "until",
        "text",
    )

    def __init__(
        self,
        evidence: Case | Iterable[Exchange] | pd.DataFrame | duckdb.DuckDBPyRelation,
        *,
        folder: str | Path | None = None,
    ) -> None:
        promise = (
            "Which errors, since when, where, how slow. What a chart shows stands below "
            "it in words."
        )
        super().__init__("See the pattern", promise, source=evidence)
        self._folder = Path(folder) if folder else None
        self._page, self._paused, self._of_page = 0, False, list[Exchange]()
        self._judged: tuple[charts.Chart | None, bool] = (None, False)
        self.kind = labelled(widgets.Dropdown, "Chart", "What is drawn", options=list(KINDS))
        self.per = labelled(
            widgets.Dropdown,
            "Count",
            "A call with its automatic retries counts once, or every attempt counts",
            options=[("calls", "call"), ("attempts", "attempt")],
        )
        self.outcome = labelled(widgets.Dropdown, "Outcome", "Status class", options=list(OUTCOMES))
        self.http, self.code = (
            _filter("Status", "HTTP status"),
            _filter("Code", "The API's own code"),
        )
        self.endpoint, self.account = (
            _filter("Endpoint", "Method and path"),
            _filter("Account", "Service plan or project"),
        )
        self.since, self.until = (
            _time("Since (UTC)", "The first moment"),
            _time("Until (UTC)", "Up to this moment, without it"),
        )
        self.text = labelled(
            widgets.Text,
            "Contains",
            "Words anywhere in URL, code, text or bodies",
            continuous_update=False,
        )
        self.picture, self.words, self.findings = (Html(layout=WIDE) for _ in range(3))
        self.export_button = button(
            "Export chart and data", "PNG, SVG, PDF and CSV into the work folder", primary=True
        )
        self.find_button = button(
            "What stands out",
            "Spikes, what failing and succeeding differ in, and groups of like failures",
        )
        self.clear_button = button("Clear the filters", "Show everything again")
        self.bar = labelled(
            widgets.Dropdown,
            "Behind the bar",
            "List only the exchanges that one bar, cell or point of the chart counts",
            options=[],
        )
        self.table = Html(layout=WIDE)
        self.newer, self.older = (
            button("Previous rows", "Page back"),
            button("Next rows", "Page on"),
        )
        self.one = labelled(
            widgets.Dropdown,
            "Exchange",
            "Show one exchange of the page: what is wrong with it, and its request",
            options=[],
        )
        self.detail = Html(layout=WIDE)
        self._controls = (
            self.kind,
            self.per,
            self.outcome,
            self.http,
            self.code,
            self.endpoint,
            self.account,
            self.since,
            self.until,
            self.text,
        )
        self._take()
        self.begin()
        for control in self._controls:
            control.layout = widgets.Layout(width="auto")  # the cell of the grid, less margins
            control.observe(self._unless_paused(self.draw), names="value")
        self.bar.observe(self._unless_paused(self.list_rows), names="value")
        self.one.observe(self._unless_paused(self.show), names="value")
        self.export_button.on_click(self.guard(self.export, self.export_button, busy="Writing ..."))
        self.find_button.on_click(self.guard(self.find, self.find_button, busy="Comparing ..."))
        self.clear_button.on_click(self.guard(self.clear, self.clear_button))
        self.newer.on_click(self.guard(lambda: self.turn(-1)))
        self.older.on_click(self.guard(lambda: self.turn(1)))
        grid = widgets.GridBox(
            self._controls,
            layout=widgets.Layout(
                width="100%",
                grid_template_columns="repeat(auto-fit, minmax(300px, 1fr))",
                grid_gap="2px 16px",
            ),
        )
        self.rows(
            grid,
            row(self.export_button, self.find_button, self.clear_button),
            self.status,
            self.picture,
            self.words,
            self.findings,
            self.bar,
            self.table,
            row(self.newer, self.older),
            self.one,
            self.detail,
        )
        self.children = self.children[
            :-1
        ]  # the status line stands above the chart, where a change of filter is seen
        self.draw()

    def redraw(self) -> None:
        """
        Draw what the case contains now.

        Chart, page and chosen bar stay, if they are still there.
        """
        bar = self.bar.value
        with self._pause():
            self._take()
        self.draw()
        if bar in self.chart.bars:
            self.bar.value = bar

    def _take(self) -> None:
        """Take the exchanges in, and offer what can be filtered by; values that are chosen stay."""
        given: Any = self.exchanges
        self._all = given if hasattr(given, "fetchall") else analysis.in_memory(given)
        self._offer_filters()

    def _offer_filters(self) -> None:
        self._offered_per = per = self.per.value
        codes = analysis.codes(self._all, per=per)
        for control, column in ((self.http, "status"), (self.code, "code")):
            _offer(
                control,
                codes.dropna(subset=column).groupby(column)["n"].sum().sort_values(ascending=False),
            )
        _offer(self.endpoint, analysis.endpoints(self._all, per=per).set_index("endpoint")["n"])
        _offer(self.account, analysis.accounts(self._all, per=per).set_index("account")["n"])
        for control, at in zip(
            (self.since, self.until),
            analysis.overview(self._all, per=per)[["since", "until"]].iloc[0],
            strict=True,
        ):
            control.placeholder = "" if pd.isna(at) else f"{at:%Y-%m-%dT%H:%M}"

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return the chart with its words, what it is filtered by, and which exchange is shown."""
        by = "; ".join(f"{name}: {value}" for name, value in self.filters.items())
        said = [f"Chart: {self.kind.value}. Filtered by: {by or 'nothing'}.", self._counted]
        said += [f"Chosen: {label(people.exchange(self.exchange))}"] if self.exchange else []
        if (
            self._judged[0] is not self.chart
        ):  # once: to ask all exchanges behind it may take seconds
            self._judged = self.chart, charts.names_nobody(self.chart)
        said.append(
            self.chart.description
            if self._judged[1]
            else "The picture is not shown here: it names somebody."
        )
        return "".join(f"<p>{shown(people.words(one))}</p>" for one in said) + (
            self.picture.value if self._judged[1] else ""
        ), self._of_page

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that are set, as ``st.charts`` and ``st.analysis.filtered`` take them."""
        outcome = {} if self.outcome.value == ALL else {"outcome": OUTCOMES[self.outcome.value]}
        found = {
            "status": self.http.value,
            "code": self.code.value,
            "endpoint": self.endpoint.value,
            "account": self.account.value,
            "since": self.since.value.strip(),
            "until": self.until.value.strip(),
            "text": self.text.value.strip(),
        }
        return outcome | {
            name: value for name, value in found.items() if value not in (None, "", ALL)
        }

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that is shown below."""
        return None if self.one.value in (None, NO_ONE) else self._of_page[self.one.value]

    def draw(self) -> None:
        """Draw the chart for the controls as they stand."""
        if self._offered_per != self.per.value:
            with self._pause():
                self._offer_filters()
        options = {} if self.kind.value == "Delivery codes" else {"per": self.per.value}
        self.chart = KINDS[self.kind.value](self._all, **options, **self.filters)
        self.picture.value = self.chart._repr_html_()
        code = (
            f"st.charts.{KINDS[self.kind.value].__name__}(frame,"
            f" {', '.join(f'{k}={v!r}' for k, v in (options | self.filters).items())})"
        )
        self.words.value = (
            f"<p>{shown(self.chart.description)}</p><p class='st-quiet'>The same "
            f"in a cell: <code>{shown(code)}</code></p>"
        )
        self.findings.value = ""
        with self._pause():
            self.bar.options = [
                (WHOLE, ""),
                *((visible(name)[:120], name) for name in list(self.chart.bars)[:OFFERED]),
            ]
            self.bar.value = ""
        self.list_rows()

    def list_rows(self) -> None:
        """
        List the exchanges behind the chosen bar, from the first.

        On request, list those that no bar counts because they have no response.
        """
        unknown = self.outcome.value == UNKNOWN
        self.shown = (
            analysis.filtered(self._all, **self.filters)
            if unknown
            else self.chart.behind(self.bar.value or None)
        )
        self.n = int(self.shown.aggregate("count(*)").fetchall()[0][0])
        self._page = 0
        self._list()
        self.say(self._counted)

    @property
    def _counted(self) -> str:
        many = "exchange is" if self.n == 1 else "exchanges are"
        what = (
            "without a known answer"
            if self.outcome.value == UNKNOWN
            else f"behind {self.bar.value or 'the chart'}"
        )
        return f"{self.n:,} {many} {what}."

    def turn(self, pages: int) -> None:
        """Page through the exchanges behind the chart."""
        last = max(0, (self.n - 1) // ROWS_A_PAGE)
        self._page = min(max(self._page + pages, 0), last)
        self._list()
        self.say(f"Page {self._page + 1:,} of {last + 1:,}.")

    def show(self) -> None:
        """Show what is wrong with the chosen exchange, and its request and answer."""
        x = self.exchange
        self.detail.value = (
            "" if x is None else _exchange_html(x, whole="request_body" in self._all.columns)
        )
        self.say(
            "Choose an exchange to see it." if x is None else f"Exchange {x.id} is shown below."
        )

    def find(self) -> None:
        """
        Say what stands out among the exchanges that fit the filters.

        ``st.analysis.spikes``, ``.differences`` and ``.groups``.
        """
        rows = analysis.filtered(self._all, **self.filters)
        self.findings.value = findings_html(rows, self.per.value)
        self.say("What stands out is listed under the chart.")

    def clear(self) -> None:
        """Take all filters away."""
        with self._pause():
            for control in (self.since, self.until, self.text):
                control.value = ""
            for control in (self.outcome, self.http, self.code, self.endpoint, self.account):
                control.index = 0
        self.draw()

    def export(self) -> list[Path]:
        """Write the chart as PNG, SVG and PDF with its data as CSV, and say where."""
        if not self.n:
            raise WrongUseError(
                "There is nothing behind this chart.", hint="Clear the filters first."
            )
        folder = self._folder or (self.case.charts if self.case else work_folder() / "charts")
        paths = charts.save(self.chart, folder / self.kind.value.lower().replace(" ", "-"))
        self.say(f"Written to {folder}: {', '.join(path.name for path in paths)}.")
        return paths

    def _list(self) -> None:
        self._of_page = [
            _exchange(one) for one in _page(self.shown, self._page * ROWS_A_PAGE, self._all)
        ]
        cells = [[_cell(getattr(x, name)) for name in _SHOWN] for x in self._of_page]
        first = self._page * ROWS_A_PAGE + 1
        caption = f"Exchanges {first:,} to {first + len(cells) - 1:,} of {self.n:,}"
        self.table.value = table(list(_SHOWN), cells, caption=caption) if cells else ""
        with self._pause():
            self.one.options = [
                ("none", NO_ONE),
                *((label(x), i) for i, x in enumerate(self._of_page)),
            ]
            self.one.value = NO_ONE
        self.detail.value = ""

    @contextmanager
    def _pause(self) -> Iterator[None]:
        """Let controls change without a redraw for each."""
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def _unless_paused(self, work: Callable[[], None]) -> Callable[[Any], None]:
        guarded = self.guard(work)
        return lambda change: None if self._paused else guarded(change)


def findings_html(frame: Any, per: analysis.Per = "call") -> str:
    """
    Return spikes, differences and groups of like failures as tables, each with its verdict.

    The differences are between failing and succeeding exchanges.
    """
    spikes, differences, groups = (
        find(frame, per=per) for find in (analysis.spikes, analysis.differences, analysis.groups)
    )
    of_spikes = [
        [
            analysis.label(s["status"], s["code"]),
            f"{s['start']:%Y-%m-%d %H:%M} to {s['end']:%Y-%m-%d %H:%M}",
            f"{s['n']:,}",
            f"{s['expected']:,.1f}",
        ]
        for s in spikes.to_dict("records")
    ]
    of_sides = [
        [
            d["field"],
            d["value"],
            _share(d["share_failing"], d["n_failing"]),
            _share(d["share_succeeding"], d["n_succeeding"]),
        ]
        for d in differences.to_dict("records")
    ]
    of_groups = [
        [_share(g["share"], g["n"]), g["fingerprint"], _cell(g["first"]), _cell(g["last"])]
        for g in groups.head(10).to_dict("records")
    ]
    return (
        _found(
            f"Spikes: {spikes.attrs['verdict']}",
            ["Code", "When (UTC)", "Count", "Usual"],
            of_spikes,
        )
        + _found(
            f"Failing and succeeding: {differences.attrs['verdict']}",
            ["Field", "Value", "Of the failing", "Of the succeeding"],
            of_sides,
        )
        + _found(
            f"Like failures: {len(groups):,} groups",
            ["Of the failures", "Why they are one group", "First", "Last"],
            of_groups,
        )
    )


def _found(title: str, head: list[str], rows: list[list[str]]) -> str:
    return f"<h4>{shown(title)}</h4>" + (table(head, rows) if rows else "")


def _share(share: float, n: int) -> str:
    return f"{share:.0%} ({n:,})"


_SHOWN = ("at", "status", "code", "endpoint", "account", "elapsed_ms", "id")


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
    if len(order) == 2 and "request_body" in rows.columns:
        ids = [
            one
            for _, one in _ordered(
                rows.project('epoch_us("at") AS "at", "id"'), order, offset
            ).fetchall()
        ]
        found = (
            _dicts(
                whole.filter(
                    duckdb.ColumnExpression("id").isin(*map(duckdb.ConstantExpression, ids))
                )
            )
            if all(ids) and ids
            else []
        )
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
        found["at"] = (
            datetime.fromtimestamp(0, UTC) + timedelta(microseconds=found["at"])
        ).isoformat()
    return from_json(
        {
            **found,
            **{
                name: json.loads(found[name])
                for name in ("request_headers", "response_headers")
                if name in found
            },
        }
    )


def _exchange_html(x: Exchange, *, whole: bool) -> str:
    if not whole:
        answer = Exchange(id=x.id, at=x.at, status=x.status, code=x.code, text=x.text)
        note = (
            "<p class='st-quiet'>A scanned log has no headers and bodies: st.read brings the "
            "rows of a file in whole.</p>"
        )
        return diagnose(answer, now=x.at)._repr_html_() + note
    sent = [
        f"{x.method or '?'} {x.url or '?'}",
        *(f"{name}: {value}" for name, value in x.request_headers.items()),
        "",
        str(x.request_body or ""),
    ]
    got = [
        f"{x.status or x.failure or 'no response'}",
        *(f"{k}: {v}" for k, v in x.response_headers.items()),
        "",
        str(x.response_body or ""),
    ]
    parts = "".join(
        f"<h4>{title}</h4><pre>{shown(chr(10).join(lines))}</pre>"
        for title, lines in (("Request", sent), ("Answer", got))
    )
    return diagnose(x, now=x.at)._repr_html_() + parts


def _filter(words: str, tooltip: str) -> widgets.Widget:
    return labelled(widgets.Dropdown, words, tooltip, options=[ALL])


def _offer(control: widgets.Widget, counts: pd.Series[Any]) -> None:
    chosen, counts = control.value, counts[counts.index.notna()].head(OFFERED)
    found = [
        (f"{visible(str(name))[:60]} ({n:,})", name if isinstance(name, str) else int(str(name)))
        for name, n in counts.items()
    ]
    control.options = [(ALL, ALL), *found]
    control.value = chosen if chosen in [value for _, value in control.options] else ALL


def _time(words: str, tooltip: str) -> widgets.Widget:
    return labelled(
        widgets.Text, words, f"{tooltip}, such as 2026-11-20T08:00", continuous_update=False
    )


def _cell(value: Any) -> str:
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return f"{value:.1f}" if isinstance(value, float) else str(value)
