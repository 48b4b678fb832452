"""
The charts panel.

Touch a chart to filter, open a request behind it, replay it, see what stands out, export.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd
from markupsafe import Markup

from sinchtools import analysis, charts
from sinchtools.cases.case import Case
from sinchtools.charts.words import moment
from sinchtools.core.errors import WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.core.settings import work_folder
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.notebook.panels.base import Panel
from sinchtools.notebook.panels.filters import NAMES, in_words
from sinchtools.notebook.panels.pattern_chart import KINDS, PatternChart
from sinchtools.notebook.panels.picker import label
from sinchtools.notebook.panels.theme import Html, button, row, view
from sinchtools.privacy.aliases import Aliases
from sinchtools.replays.planning import replay

if TYPE_CHECKING:
    import duckdb

__all__ = ["KINDS", "ChartsPanel", "findings_html"]
_COUNTS: dict[str, analysis.Per] = {"calls": "call", "attempts": "attempt"}


class ChartsPanel(Panel):
    """
    See the pattern by clicking; under each chart is the line of code that does the same.

    Parameters
    ----------
    evidence
        A case, exchanges, evidence, a frame with the exchange columns, or what ``st.scan`` returned
        (which is read again for each chart; ``st.analysis.in_memory`` takes a part of it into
        memory).
    folder
        Where exports go; None is ``charts`` in the folder of the case, or in the work folder.

    Attributes
    ----------
    pattern
        The `PatternChart`: its filters, its chart, and the requests behind it.
    chart
        The chart that is shown.
    shown
        The exchanges that fit, as a DuckDB relation.
    exchange
        The exchange that is open; None when none is.

    Examples
    --------
    >>> panel = ChartsPanel([Exchange(id="a", status=401), Exchange(id="b", status=201)])
    >>> panel.pattern.select(status=401)
    >>> panel.pattern.n
    1
    """

    def __init__(
        self,
        evidence: Case | Iterable[Exchange] | pd.DataFrame | duckdb.DuckDBPyRelation,
        *,
        folder: str | Path | None = None,
    ) -> None:
        promise = (
            "Which errors, since when, for whom. Click a mark, or drag across time, to filter."
        )
        super().__init__("See the pattern", promise, source=evidence)
        self._folder = Path(folder) if folder else None
        self._judged: tuple[charts.Chart | None, bool] = (None, False)
        self.detail, self.findings, self.replayed = (
            Html(layout=widgets.Layout(width="100%", flex="0 0 auto")) for _ in range(3)
        )
        self._make_buttons()
        self.pattern = PatternChart(
            self.case or evidence, on_open=self._opened, on_draw=self._drawn, guard=self.guard
        )
        tools = row(self.export_button, self.find_button, self.count)
        self.rows(self.status, tools, self.pattern, self.findings)
        below = (self.detail, self.replay_row, self.replayed)
        self.pattern.children = (*self.pattern.children, *below)
        self._drawn()

    def _make_buttons(self) -> None:
        self.export_button = button(
            "Export chart and data", "PNG, SVG, PDF and CSV into the work folder", primary=True
        )
        self.find_button = button(
            "What stands out",
            "Changes, what failing and succeeding differ in, and groups of failures",
        )
        self.count = widgets.Dropdown(
            options=list(_COUNTS),
            description="Count",
            tooltip="A call with its automatic retries counts once, or every attempt counts",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="auto", margin="2px 2px 2px 12px"),
        )
        self.replay_button = button(
            "Replay in the sandbox",
            "Send this request to the simulator; no SMS is sent",
            primary=True,
        )
        self.replay_row = row(self.replay_button)
        self.replay_row.layout.display = "none"
        self.export_button.on_click(self.guard(self.export, self.export_button, busy="Writing ..."))
        self.find_button.on_click(self.guard(self.find, self.find_button, busy="Comparing ..."))
        self.replay_button.on_click(
            self.guard(self.replay, self.replay_button, busy="Replaying ...")
        )
        self.count.observe(
            self.guard(lambda: self.pattern.count(_COUNTS[self.count.value])), names="value"
        )

    @property
    def chart(self) -> charts.Chart:
        """The chart that is shown."""
        return self.pattern.chart

    @property
    def shown(self) -> Any:
        """The exchanges that fit, as a DuckDB relation."""
        return self.pattern.shown

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that is open."""
        return self.pattern.exchange

    def redraw(self) -> None:
        """Draw what the case contains now; kind and filters stay."""
        self.pattern.update(self.exchanges)

    def static(self, people: Aliases) -> tuple[str, list[Exchange]]:
        """Return the chart with its words, what it is filtered by, and which exchange is open."""
        filters = self.pattern.filters
        by = "; ".join(f"{NAMES[name]}: {in_words(name, filters[name])}" for name in filters)
        said = [f"Chart: {self.pattern.kind}. Filtered by: {by or 'nothing'}.", self._counted]
        said += [f"Open: {label(people.exchange(self.exchange))}"] if self.exchange else []
        if (
            self._judged[0] is not self.chart
        ):  # once: to ask all exchanges behind it may take seconds
            self._judged = self.chart, charts.names_nobody(self.chart)
        names_nobody = self._judged[1]
        hidden = "The picture is not shown here, because it names people."
        said.append(self.chart.description if names_nobody else hidden)
        picture = Markup(self.chart._repr_html_()) if names_nobody else ""
        still = view("lines.html", said=map(people.words, said), picture=picture)
        return still, self.pattern.list.page

    def find(self) -> None:
        """
        Say what stands out among the exchanges that fit the filters.

        ``st.analysis.change_points``, ``.differences`` and ``.groups``.
        """
        self.findings.value = findings_html(self.pattern.traffic, self.pattern.per)
        self.say("What stands out is listed at the end.")

    def replay(self) -> None:
        """Replay the open exchange in the sandbox, and show the verdict."""
        if self.exchange is None:
            raise WrongUseError("No request is open.", hint="Click one in the list.")
        replayed = replay(self.exchange, log=self.case.log if self.case else None)
        if self.case:
            with self.own(self.case):
                self.case.add_replay(replayed)
        self.replayed.value = replayed._repr_html_()
        self.say(f"Replayed in the sandbox, simulated: {replayed[0].verdict}.")

    def export(self) -> list[Path]:
        """Write the chart as PNG, SVG and PDF with its data as CSV, and say where."""
        if not self.pattern.n:
            raise WrongUseError(
                "There is nothing behind this chart.", hint="Clear the filters first."
            )
        folder = self._folder or (self.case.charts if self.case else work_folder() / "charts")
        name = self.pattern.kind.lower().replace(" ", "-")
        paths = charts.save(self.chart, folder / name)
        self.say(f"Written to {folder}: {', '.join(path.name for path in paths)}.")
        return paths

    @property
    def _counted(self) -> str:
        n = self.pattern.n
        return f"{n:,} request{' is' if n == 1 else 's are'} behind the chart."

    def _drawn(self) -> None:
        self.findings.value = ""
        self.say(self._counted)

    def _opened(self, x: Exchange | None) -> None:
        self.replayed.value = ""
        self.replay_row.layout.display = "none" if x is None or not x.url else "flex"
        if x is None:
            self.detail.value = ""
        else:
            is_whole = "request_body" in self.pattern.columns
            self.detail.value = _exchange_html(x, whole=is_whole)
            self.say(f"Request {x.id} is shown below the list.")


def findings_html(frame: Any, per: analysis.Per = "call") -> str:
    """
    Return changes, differences and groups of similar failures as tables, each with its verdict.

    The differences are between failing and succeeding exchanges.
    """
    changes, differences, groups = (
        find(frame, per=per)
        for find in (analysis.change_points, analysis.differences, analysis.groups)
    )
    of_changes = [
        [
            analysis.label(one["status"], one["code"]),
            "everywhere" if pd.isna(one["field"]) else f"{one['field']} {one['value']}",
            _time(one["start"]) + ("" if pd.isna(one["end"]) else f" to {_time(one['end'])}"),
            f"{one['share_before']:.0%} of {one['n_before']:,}",
            f"{one['share_after']:.0%} of {one['n_after']:,}",
        ]
        for one in changes.to_dict("records")
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
        [_share(g["share"], g["n"]), g["fingerprint"], _time(g["first"]), _time(g["last"])]
        for g in groups.head(10).to_dict("records")
    ]
    found = [
        (
            f"Changes: {changes.attrs['verdict']}",
            ["Code", "Where", "Since (UTC)", "Before", "After"],
            of_changes,
        ),
        (
            f"Failing and succeeding: {differences.attrs['verdict']}",
            ["Field", "Value", "Of the failing", "Of the succeeding"],
            of_sides,
        ),
        (
            f"Similar failures: {len(groups):,} groups",
            ["Of the failures", "What they share", "First", "Last"],
            of_groups,
        ),
    ]
    return view("found.html", found=found)


def _share(share: float, n: int) -> str:
    return f"{share:.0%} ({n:,})"


def _time(at: Any) -> str:
    return "" if pd.isna(at) else moment(at).replace(" ", "\N{NO-BREAK SPACE}")


def _exchange_html(x: Exchange, *, whole: bool) -> str:
    if not whole:
        answer = Exchange(id=x.id, at=x.at, status=x.status, code=x.code, text=x.text)
        return view("scanned.html", diagnosis=diagnose(answer, now=x.at)._repr_html_())
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
    return view(
        "exchange.html",
        diagnosis=diagnose(x, now=x.at)._repr_html_(),
        request="\n".join(sent),
        response="\n".join(got),
    )
