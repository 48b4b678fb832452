"""A chart one can touch: a click, a key or a brush filters, and every filter is a chip."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets
import pandas as pd
from markupsafe import Markup

from sinchtools import analysis, charts
from sinchtools.cases.case import Case
from sinchtools.charts.screen import fitted
from sinchtools.core.errors import SinchToolsError, WrongUseError
from sinchtools.core.html import untypeset
from sinchtools.core.records import Exchange, visible
from sinchtools.notebook.panels.filters import (
    NAMES,
    OUTCOMES,
    brushed,
    changed,
    chips_of,
    chosen_of,
    drawn,
    drawn_by,
    keep,
    kept,
    rows_listed,
    rows_that_fit,
    touched,
)
from sinchtools.notebook.panels.requests import RequestList
from sinchtools.notebook.panels.theme import WIDE, Html, button, error_card, view
from sinchtools.notebook.panels.touch import Touch, chip, heed

KINDS = {kind.tab: kind for kind in charts.KINDS}
_FEW = 20  # rows; with fewer a chart over time says little
_HINTS = {"Timeline": "Drag across the chart to pick a time. Arrow keys move, Enter filters."}
_HINT = "Click a mark to filter, and again to take the filter away. Arrow keys move, Enter filters."


class PatternChart(widgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    Chips of filters, a tab for each kind of chart, the chart, and the requests behind it.

    Parameters
    ----------
    source
        A case, exchanges, evidence, a frame, or what ``st.scan`` returned. In a case the filters
        are kept: they survive the kernel, and other notebooks begin with them.
    on_filter
        Called with the filters, as `analysis.filtered` takes them, after each change.
    on_open
        Called with the exchange that was opened in the list, and with None when none is.
    on_draw
        Called after each drawing.
    per
        ``call`` or ``attempt``, as in `analysis.codes`.
    begin
        Filters to begin with where the case has none.
    guard
        Wraps what a click or key does, as `Panel.guard`; None shows an error below the chart.

    Attributes
    ----------
    chart
        The chart that is shown.
    filters
        What narrows the calls: account, endpoint, status, code, outcome, since, until, text, hour.
    n
        How many requests fit.
    exchange
        The one that is open, or None.
    list
        The widget with the requests; it is the last child, and can be shown elsewhere.

    Examples
    --------
    >>> chart = PatternChart([Exchange(id="a", status=401), Exchange(id="b", status=201)])
    >>> chart.select(status=401)
    >>> chart.filters, chart.n
    ({'status': 401}, 1)
    """

    def __init__(
        self,
        source: Case | Iterable[Exchange] | pd.DataFrame | Any,
        *,
        on_filter: Callable[[dict[str, Any]], object] | None = None,
        on_open: Callable[[Exchange | None], object] | None = None,
        on_draw: Callable[[], object] | None = None,
        per: analysis.Per = "call",
        begin: dict[str, Any] | None = None,
        guard: Callable[[Callable[[], object]], Callable[[Any], None]] | None = None,
    ) -> None:
        self.case = source if isinstance(source, Case) else None
        self._on_filter = on_filter
        self._on_draw: Callable[[], object] | None = None
        self._guard = guard or _guarded(self)
        self._per: analysis.Per = per
        self.chips = widgets.HBox(layout=WIDE)
        self.chips.add_class("st-chips")
        self.picture = Touch(self._svg, self._heard)
        self._marks: list[charts.chart.Mark] = []  # of what the page shows
        self.words = Html(layout=WIDE)
        self.list = RequestList(on_open or (lambda _: None), guard=self._guard)
        self._make_controls()
        self._take(source)
        was = kept(self.case)
        self.filters: dict[str, Any] = dict(was.get("filters", begin or {}))
        self._bar: tuple[str, Any] | None = None
        few = "Error codes" if self._size <= _FEW else "Timeline"
        self.kind: str = was["kind"] if was.get("kind") in KINDS else few
        super().__init__(
            (self.chips, self.adding, self.tabs, self.picture, self.words, self.list),
            layout=widgets.Layout(width="100%", overflow="visible"),
        )
        self.draw()
        self._on_draw = on_draw

    # --- what is drawn ----------------------------------------------------------------------------

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that is open."""
        return None if self.list.chosen is None else self.list.page[self.list.chosen]

    @property
    def n(self) -> int:
        """How many requests fit."""
        return self.list.n

    @property
    def per(self) -> analysis.Per:
        """Whether calls or attempts are counted."""
        return self._per

    @property
    def drawn_by(self) -> dict[str, Any]:
        """The filters of the chart: its shares are of all calls, whatever failed."""
        return drawn_by(KINDS[self.kind], self.filters)

    @property
    def code(self) -> str:
        """The line that draws the same in a cell."""
        usual = inspect.signature(KINDS[self.kind].draw).parameters
        chosen = {k: v for k, v in self._options().items() if v != usual[k].default}
        given = chosen | self.drawn_by
        arguments = "".join(f", {name}={value!r}" for name, value in given.items())
        return f"st.charts.{KINDS[self.kind].name}(frame{arguments})"

    @property
    def traffic(self) -> Any:
        """The rows that fit the filters of the chart, failing or not."""
        return rows_that_fit(self._table(self.per), self.drawn_by)

    @property
    def columns(self) -> list[str]:
        """The columns of the rows."""
        return list(self._all.columns)

    def update(self, source: Any) -> None:
        """Show other rows, or what the case holds now; filters and kind stay."""
        self._take(source)
        self.draw()

    def draw(self) -> None:
        """Draw the chart and list the requests for the filters as they are."""
        rows = self._table(self.per)
        options = self._options()
        if self.kind == "Timeline":
            options["pattern"] = self._pattern_of(self.per)
        if self.kind == "Accounts":  # if it is known: to find it may take a second
            options["pattern"] = self._patterns.get(self.per)
        self.chart = drawn(KINDS[self.kind], rows, self.filters, **options)
        self.picture.refresh()
        self._list()
        self._show_chips()
        for name, tab in zip(KINDS, self.tabs.children, strict=True):
            (tab.add_class if name == self.kind else tab.remove_class)("on")
        hint = _HINTS.get(self.kind, _HINT)
        self.words.value = view(
            "words.html", seen=self.chart.seen, hint=Markup(hint), code=self.code
        )
        if self._on_draw:
            self._on_draw()

    def _options(self) -> dict[str, Any]:
        takes_it = "per" in inspect.signature(KINDS[self.kind].draw).parameters
        return {"per": self.per} if takes_it else {}

    def _svg(self, width: int) -> str:
        """Return the chart as it is on the page, at the width of the panel."""
        chosen = chosen_of(KINDS[self.kind], self.chart, self.filters)
        svg, self._marks = fitted(self.chart, width, f"st-{id(self)}", chosen)
        return untypeset(f"<div>{svg}</div>")

    # --- filters ----------------------------------------------------------------------------------

    def choose(self, kind: str) -> None:
        """Show another kind of chart."""
        if kind not in KINDS:
            raise WrongUseError(f"There is no chart {kind!r}.", hint=f"Use {', '.join(KINDS)}.")
        self.kind = kind
        self.draw()
        self._keep()

    def count(self, per: analysis.Per) -> None:
        """Count calls or attempts."""
        self._per = per
        self.draw()

    def select(self, **filters: Any) -> None:
        """Set filters; None takes one away."""
        before, self.filters = self.filters, changed(self.filters, **filters)
        self._bar = None
        try:
            self.draw()
        except SinchToolsError:
            self.filters = before
            self.draw()
            raise
        self._changed()

    def remove(self, *names: str) -> None:
        """Take filters away."""
        self.select(**dict.fromkeys(names))

    def clear(self) -> None:
        """Take all filters away."""
        self.remove(*self.filters)

    def touch(self, name: str) -> None:
        """Do what a click on a bar, cell or point does: set its filter, or take it away again."""
        changes = touched(KINDS[self.kind], self.chart, name, self.filters)
        if changes is None:
            self._bar = (name, self.chart.behind(name)) if name != self._bar_name else None
            self._list()
            self._show_chips()
        else:
            self.select(**changes)

    def brush(self, start: float, end: float) -> None:
        """Show a stretch of time, in seconds since 1970."""
        self.select(**brushed(start, end))

    @property
    def _bar_name(self) -> str:
        return self._bar[0] if self._bar else ""

    def _keep(self) -> None:
        """Keep what was chosen by hand; a panel that is only shown writes nothing."""
        keep(self.case, {"kind": self.kind, "filters": self.filters})

    def _changed(self) -> None:
        self._keep()
        if self._on_filter:
            self._on_filter(dict(self.filters))

    def _heard(self, event: str, message: dict[str, Any]) -> None:
        self._try(lambda: heed(self, self._marks, event, message))

    def _try(self, work: Callable[[], object]) -> None:
        self._guard(work)(None)

    # --- rows -------------------------------------------------------------------------------------

    def _take(self, source: Any) -> None:
        given: Any = source.evidence if isinstance(source, Case) else source
        self._is_scan = hasattr(given, "fetchall")
        self._all: Any = given if self._is_scan else analysis.in_memory(given)
        self._tables: dict[str, Any] = {"attempt": self._all}
        self._patterns: dict[str, analysis.Pattern] = {}
        self._size = _FEW + 1 if self._is_scan else self._rows_in(self._all)

    def _rows_in(self, rows: Any) -> int:
        return int(rows.aggregate("count(*)").fetchall()[0][0])

    def _table(self, per: analysis.Per) -> Any:
        """Return the rows, retries folded once for all charts; a scan stays where it is."""
        if per not in self._tables:
            folded = analysis.calls(self._all)
            if not self._is_scan:
                names = [name for name in folded.columns if name != "call_id"]
                folded = analysis.in_memory(folded.select(*names))
            self._tables[per] = folded
        return self._tables[per]

    def _pattern_of(self, per: analysis.Per) -> analysis.Pattern:
        if per not in self._patterns:
            self._patterns[per] = analysis.pattern(self._all, per=per)
        return self._patterns[per]

    def _list(self) -> None:
        if self._bar:
            found = self._bar[1]
        elif self.kind == "Delivery codes":
            found = self.chart.behind()
        else:
            is_failing = KINDS[self.kind].counts_failures
            found = rows_listed(self._table(self.per), self.filters, is_failing=is_failing)
        self.shown = found
        self.list.show_rows(found, self._all, is_narrowed=bool(self.filters or self._bar))

    # --- chips and tabs ---------------------------------------------------------------------------

    def _make_controls(self) -> None:
        self.tabs = widgets.HBox([_flat(name, "st-kind") for name in KINDS], layout=WIDE)
        self.tabs.add_class("st-kinds")
        for name, tab in zip(KINDS, self.tabs.children, strict=True):
            tab.on_click(lambda _, name=name: self._try(lambda: self.choose(name)))
        self.add_button = button("+ Filter", "Add a filter by hand")
        self.add_button.on_click(lambda _: self._offer_fields())
        self.field = widgets.Dropdown(
            options=[(words, name) for name, words in NAMES.items() if name != "hour"],
            description="Filter",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="auto"),
        )
        self.value = widgets.Combobox(
            description="Value",
            style={"description_width": "initial"},
            layout=widgets.Layout(width="380px", margin="2px 2px 2px 12px"),
            continuous_update=False,
        )
        self.set_button = button("Add", "Filter by this value", primary=True)
        self.field.observe(lambda _: self._offer_values(), names="value")
        self.set_button.on_click(lambda _: self._try(self._add))
        self.adding = widgets.HBox(
            (self.field, self.value, self.set_button),
            layout=widgets.Layout(display="none", flex_flow="row wrap", width="100%"),
        )
        self.clear_button = button("Clear filters", "Show everything again")
        self.clear_button.on_click(lambda _: self._try(self.clear))

    def _show_chips(self) -> None:
        chips = [self._chip(names, words) for names, words in chips_of(self.filters)]
        if self._bar:
            chips.append(self._chip((), f"Only: {visible(self._bar_name)[:60]}"))
        more = (self.clear_button,) if len(chips) > 1 else ()
        old = [one for one in self.chips.children if getattr(one, "is_chip", False)]
        self.chips.children = (*chips, self.add_button, *more)
        for one in old:
            one.close()

    def _chip(self, names: tuple[str, ...], words: str) -> widgets.Button:
        def removed(_: Any) -> None:
            self._try(lambda: self.remove(*names) if names else self.touch(self._bar_name))

        return chip(words, removed)

    def _offer_fields(self) -> None:
        is_open = self.adding.layout.display != "none"
        self.adding.layout.display = "none" if is_open else "flex"
        if not is_open:
            self._offer_values()

    def _offer_values(self) -> None:
        name, self.value.value = self.field.value, ""
        self.value.placeholder = "2026-11-24T09:41" if name in ("since", "until") else ""
        self.value.options = self._values(name)

    def _values(self, name: str) -> tuple[str, ...]:
        if name == "outcome":
            return tuple(OUTCOMES.values())
        counts = {"account": analysis.accounts, "endpoint": analysis.endpoints}
        counts |= {"status": analysis.codes, "code": analysis.codes}
        if name not in counts:
            return ()
        found = counts[name](self._table(self.per), per="attempt")[name].dropna().astype(str)
        return tuple(dict.fromkeys(found))[:300]

    def _add(self) -> None:
        name, value = self.field.value, self.value.value.strip()
        if not value:
            raise WrongUseError("The filter has no value.", hint="Choose one, or write it.")
        if name == "outcome":
            value = next((key for key, words in OUTCOMES.items() if words == value), value)
        self.select(**{name: int(value) if name == "status" and value.isdecimal() else value})
        self.adding.layout.display = "none"


def _guarded(chart: PatternChart) -> Callable[[Callable[[], object]], Callable[[Any], None]]:
    def guard(work: Callable[[], object]) -> Callable[[Any], None]:
        def callback(_: Any) -> None:
            try:
                work()
            except Exception as error:  # whatever it is: a swallowed exception helps nobody
                chart.words.value = error_card(error)

        return callback

    return guard


def _flat(words: str, look: str) -> widgets.Button:
    made = widgets.Button(description=words, layout=widgets.Layout(width="auto"))
    made.add_class(look)
    return made
