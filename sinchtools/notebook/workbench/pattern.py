"""The pattern of many requests: one sentence, a chart, and a table of the failed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from markupsafe import Markup

from sinchtools.core.html import untypeset
from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange, visible
from sinchtools.core.words import counted, day
from sinchtools.notebook.workbench.controls import button, column, html, row, seen, show, text
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.state import State, ids_of, place_of

if TYPE_CHECKING:
    from sinchtools.charts import Chart, Kind
    from sinchtools.charts.chart import Mark
    from sinchtools.notebook.panels.touch import Touch
    from sinchtools.notebook.workbench.desk import Workbench

MORE_THAN = 20  # requests: fewer are no pattern
_ROWS = 9
_WIDTH = 800  # pixels of the still picture
_HINT = "Click a mark to filter the requests{drag}. Arrow keys move, Enter filters."
_DRAG = ", or drag across the chart to pick a time"


class _Ready(NamedTuple):
    """What was found and drawn, to be shown at once later."""

    about: object = None  # the case and the version of its evidence
    key: object = None
    sentence: str = ""
    chart: Chart | None = None


class PatternPart:
    """
    The part above the request in front, when there are many.

    A click, a key or a brush on the chart narrows the list; each filter is a chip. Where no page
    says how wide it is, a still picture stands in its place.
    """

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._kind, self._first = "timeline", 0
        self._shown: object = None
        self._ready = _Ready()
        self._only = ""  # the mark that no filter can say
        self._marks: list[Mark] = []  # of what the page shows
        self.picture: Touch | None = None  # once there is a pattern, as the tabs
        self.head, self.still, self.table = html(), html("", "st-chart"), html("", "st-scroll")
        self.hint = html("", "muted small")
        self.chart = column("", self.still)
        self.chips = row("st-chips")
        self.tabs = row("st-tabs")  # once there is a pattern: charts load slowly
        self.filter = text("Filter requests", "st-filter", placeholder="Filter: account, status…")
        self.before_button = button("Previous page", "quiet")
        self.after_button = button("Next page", "quiet")
        self.counts = html("", "muted small")
        keys = html("<kbd>/</kbd> <kbd>j</kbd> <kbd>k</kbd>", "small")
        self.list_head = row("st-head", html("<h2>Requests</h2>"), self.counts, keys, self.filter)
        pages = row("row", self.before_button, self.after_button)
        self.requests = column("st-part", self.list_head, self.chips, self.table, pages)
        self.pages = pages
        pattern = column("st-part", self.head, self.tabs, self.chart)
        self.widget = column("st-pattern", pattern, self.requests)
        self.filter.observe(lambda _: self._search(), names="value")
        self.before_button.on_click(desk.doing(lambda: self._turn(-_ROWS)))
        self.after_button.on_click(desk.doing(lambda: self._turn(_ROWS)))

    def show(self) -> None:
        """Show sentence, chart and table, when there are many requests."""
        state = self._desk.state
        is_many = len(state.requests) > MORE_THAN
        seen(self.widget, is_many)
        wide = self._desk.wide
        wide.add_class("many") if is_many else wide.remove_class("many")
        if not is_many:
            return
        if self._desk.worker.is_busy and self._ready.about != self._about():
            self._shown = None
            show(self.head, page("looking.html", n=len(state.requests)))
            for part in (self.chart, self.tabs):
                seen(part, False)
        elif self._shown != self._key():
            self._show_pattern()
        self._show_table()

    def prepare(self) -> None:
        """Find the pattern and draw its chart, to be shown at once later."""
        state, key = self._desk.state, self._key()
        if len(state.requests) <= MORE_THAN or self._ready.key == key:
            return
        if state.filters is None:
            state.filters = filters_kept(state)
            self._only, key = "", self._key()
        sentence, _ = sentence_html(state), state.calls  # these take seconds, and nobody waits
        with self._desk.worker.lock:
            self._ready = _Ready(self._about(), key, sentence, chart_of(state, self._kind))

    def _about(self) -> object:
        state = self._desk.state
        return state.case and state.case.folder, state.version

    def _key(self) -> object:
        return self._about(), self._kind, repr(self._desk.state.filters), self._only

    def _show_pattern(self) -> None:
        from sinchtools.charts.screen import stylesheet

        self.prepare()
        self._shown = self._ready.key
        self._show_tabs()
        self._show_chips()
        show(self.head, self._ready.sentence)
        seen(self.chart, True)
        if self.picture is None:
            self._make_picture()
        if self.picture is not None and self.picture.width:
            self.picture.refresh()
        else:
            show(self.still, f"<style>{stylesheet()}</style>{self._svg(_WIDTH)}")

    # --- the chart that is touched ----------------------------------------------------------------

    def _make_picture(self) -> None:
        from sinchtools.notebook.panels.touch import Touch

        self.picture = Touch(self._svg_of_page, self._heard)
        self.chart.children = (self.still, self.picture, self.hint)

    def _svg_of_page(self, width: int) -> str:
        """Return the chart as wide as the page says; the still picture is needed no more."""
        with self._desk.worker.lock:
            show(self.still, "")
            drag = _DRAG if self._kind == "timeline" else ""
            show(self.hint, _HINT.format(drag=drag))
            return untypeset(f"<div>{self._svg(width)}</div>")

    def _svg(self, width: int) -> str:
        from sinchtools.charts.screen import fitted
        from sinchtools.notebook.panels.filters import chosen_of

        state, chart = self._desk.state, self._ready.chart
        if chart is None:
            return ""
        is_said = chart.title.startswith(state.pattern.sentence.rstrip("."))  # above the chart
        chosen = chosen_of(kind_of(self._kind), chart, state.filters or {})
        if self._only:
            chosen.append(self._only)
        svg, self._marks = fitted(chart, width, f"st-{id(self)}", chosen, is_titled=not is_said)
        return svg

    def _heard(self, event: str, message: dict[str, Any]) -> None:
        from sinchtools.notebook.panels.touch import heed

        self._desk.doing(lambda: heed(self, self._marks, event, message))(None)

    def clear(self) -> None:
        """Take all filters away."""
        self.narrow()

    def brush(self, start: float, end: float) -> None:
        """Show the requests of a stretch of time, in seconds since 1970."""
        from sinchtools.notebook.panels.filters import brushed

        self._change(brushed(start, end))

    def touch(self, name: str) -> None:
        """Do what a click on a mark does: set its filter, or take it away again."""
        from sinchtools.notebook.panels.filters import touched

        state, chart = self._desk.state, self._ready.chart
        if chart is None:
            return
        changes = touched(kind_of(self._kind), chart, name, state.filters or {})
        if changes is not None:
            self._change(changes)
            return
        self._only = name if name != self._only else ""
        state.only = ids_of(chart.behind(name)) if self._only else None
        self._show_narrowed()

    def _change(self, changes: dict[str, Any]) -> None:
        """Set filters; None takes one away. The chart's own account becomes one."""
        from sinchtools.notebook.panels.filters import changed

        state = self._desk.state
        self.narrow(**changed(state.filters or own_filters(state, self._kind), **changes))

    def narrow(self, **filters: Any) -> None:
        """Show the requests that fit these filters, and keep them in the case."""
        from sinchtools.notebook.panels.filters import keep, kept

        state = self._desk.state
        state.filters, state.only, self._only = filters, None, ""
        keep(state.case, {**kept(state.case), "filters": filters})
        self._show_narrowed()

    def _show_narrowed(self) -> None:
        self._first = 0
        self.show()
        self._desk.problem.show_kinds()

    def _show_chips(self) -> None:
        from sinchtools.notebook.panels.filters import changed, chips_of
        from sinchtools.notebook.panels.touch import chip

        filters = self._desk.state.filters or {}
        removals: list[tuple[str, Callable[[], object]]] = [
            (words, partial(self.narrow, **changed(filters, **dict.fromkeys(names))))
            for names, words in chips_of(filters)
        ]
        if self._only:
            removals.append((f"Only: {visible(self._only)[:60]}", partial(self.touch, self._only)))
        old = self.chips.children
        self.chips.children = [chip(words, self._desk.doing(work)) for words, work in removals]
        seen(self.chips, bool(removals))
        for one in old:
            one.close()

    def _show_tabs(self) -> None:
        from sinchtools import charts

        kinds = [kind for kind in charts.KINDS if kind.in_workbench]
        if not self.tabs.children:
            self.tabs.children = tuple(map(self._tab, kinds))
        for tab, kind in zip(self.tabs.children, kinds, strict=True):
            tab.add_class("on") if kind.name == self._kind else tab.remove_class("on")
        seen(self.tabs, True)

    def _tab(self, kind: Kind) -> Any:
        made = button(kind.tab)
        made.on_click(self._desk.doing(partial(self._choose, kind.name)))
        return made

    def _choose(self, kind: str) -> None:
        self._kind = kind
        self.show()

    def _search(self) -> None:
        self._first = 0
        self._desk.state.wanted = self.filter.value
        self._show_table()

    def _turn(self, by: int) -> None:
        self._first += by
        self._show_table()

    def _show_table(self) -> None:
        state = self._desk.state
        found, front = state.listed, state.exchange
        self._first = max(0, min(self._first, len(found) - 1))
        if state.walked and (at := place_of(found, front)) is not None:
            self._first = at // _ROWS * _ROWS
            state.walked = False
        shown = found[self._first : self._first + _ROWS]
        show(self.table, table_html(shown, front))
        last = self._first + len(shown)
        where = f"{self._first + 1:,} to {last:,} of " if shown else ""
        noun = "failed request" if all(one.failed for one in found) else "request"
        show(self.counts, f"{where}{counted(len(found), noun)}")
        seen(self.pages, len(found) > _ROWS)
        self.before_button.disabled = self._first == 0
        self.after_button.disabled = last >= len(found)


def sentence_html(state: State) -> Markup:
    """Return the pattern in one sentence, with its figures."""
    found = state.pattern
    facts = [("Failed", f"{found.n_failing:,}", f"of {counted(found.n, 'call')}")]
    if found.start:
        until = f"until {day(found.end)}" if found.end else "still failing"
        facts.append(("Since", f"{found.start:%a} {found.start.day} {found.start:%b}", until))
    accounts = {one.account for one in state.requests if one.account}
    if found.field == "account" and accounts:
        facts.append(("Account", f"1 of {len(accounts):,}", found.value or ""))
    if found.share_after is not None:
        before = f"before: {found.share_before:.0%}" if found.share_before is not None else ""
        facts.append(("Share that fails", f"{found.share_after:.0%}", before))
    return page("pattern.html", sentence=found.sentence, facts=facts)


def kind_of(name: str) -> Kind:
    """Return a kind of chart by its name."""
    from sinchtools import charts

    return next(kind for kind in charts.KINDS if kind.name == name)


def own_filters(state: State, kind: str) -> dict[str, Any]:
    """Return what a chart is narrowed to before any filter: the account that the pattern names."""
    found = state.pattern
    is_of_account = kind == "timeline" and found.field == "account"
    return {"account": found.value} if is_of_account else {}


def chart_of(state: State, name: str) -> Chart:
    """Return a chart of the calls that fit the filters, or of what the pattern is about."""
    from sinchtools.notebook.panels.filters import drawn

    options = {"pattern": state.pattern} if name == "timeline" else {}
    filters = state.filters or own_filters(state, name)
    return drawn(kind_of(name), state.calls, filters, **options)


def filters_kept(state: State) -> dict[str, Any]:
    """Return the filters that were chosen last in the case, also in another notebook."""
    from sinchtools.notebook.panels.filters import NAMES, kept

    found = kept(state.case).get("filters", {})
    return {name: value for name, value in found.items() if name in NAMES}


def table_html(rows: Sequence[Exchange], front: Exchange | None) -> Markup:
    """Return requests as a table; one is selected."""
    cells = [
        {
            "id": one.id,
            "is_front": front is not None and one.id == front.id,
            "time": f"{one.at:%a} {one.at.day} {one.at:%b %H:%M:%S}" if one.at else "—",
            "status": one.status_in_words,
            "account": one.account or "—",
            "to": recipient_of(one),
        }
        for one in rows
    ]
    return page("requests.html", rows=cells)


def recipient_of(exchange: Exchange) -> str:
    """Return the first recipient, and how many more there are."""
    numbers = object_of(exchange.request_body).get("to")
    if not isinstance(numbers, list) or not numbers:
        return "—"
    more = f" +{len(numbers) - 1:,}" if len(numbers) > 1 else ""
    return f"{numbers[0]}{more}"
