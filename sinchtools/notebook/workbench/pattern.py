"""The pattern of many requests: one sentence, a chart, and a table of the failed ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from sinchtools.core.json import object_of
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted, day
from sinchtools.notebook.workbench.controls import button, column, html, row, seen, show, text
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.state import State

if TYPE_CHECKING:
    from sinchtools.charts import Kind
    from sinchtools.notebook.workbench.desk import Workbench

MORE_THAN = 20  # requests: fewer are no pattern
_ROWS = 9
_WIDTH = 800  # pixels, until the browser says how wide it is


class PatternPart:
    """The part above the request in front, when there are many."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._kind, self.width, self._first = "timeline", _WIDTH, 0
        self._shown: object = None
        self._ready: tuple[object, str, str] = (None, "", "")
        self.head, self.chart, self.table = html(), html("", "st-chart"), html("", "st-scroll")
        self.tabs = row("st-tabs")  # once there is a pattern: charts load slowly
        self.filter = text("Filter requests", "st-filter", placeholder="Filter: account, status…")
        self.before_button = button("Previous page", "quiet")
        self.after_button = button("Next page", "quiet")
        self.counts = html("", "muted small")
        keys = html("<kbd>/</kbd> <kbd>j</kbd> <kbd>k</kbd>", "small")
        self.list_head = row("st-head", html("<h2>Requests</h2>"), self.counts, keys, self.filter)
        pages = row("row", self.before_button, self.after_button)
        self.requests = column("st-part", self.list_head, self.table, pages)
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
        if self._desk.worker.is_busy and self._ready[0] != self._key():
            self._shown = None
            show(self.head, page("looking.html", n=len(state.requests)))
            show(self.chart, "")
            seen(self.tabs, False)
        elif self._shown != self._key():
            self._show_pattern()
        self._show_table()

    def prepare(self) -> None:
        """Find the pattern and draw its chart, to be shown at once later."""
        state, key = self._desk.state, self._key()
        if len(state.requests) > MORE_THAN and self._ready[0] != key:
            self._ready = key, sentence_html(state), chart_html(state, self._kind, self.width)

    def _key(self) -> object:
        state = self._desk.state
        return state.case and state.case.folder, state.version, self._kind, self.width

    def _show_pattern(self) -> None:
        self.prepare()
        self._shown, sentence, chart = self._ready
        self._show_tabs()
        show(self.head, sentence)
        show(self.chart, chart)

    def resize(self, width: int) -> None:
        """Draw the chart for another width."""
        if abs(width - self.width) > 20 and width >= 300:
            self.width = width
            self.show()

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
        if front is not None and front in found and state.walked:
            self._first = found.index(front) // _ROWS * _ROWS
            state.walked = False
        shown = found[self._first : self._first + _ROWS]
        show(self.table, table_html(shown, front))
        last = self._first + len(shown)
        first = self._first + 1 if shown else 0
        show(self.counts, f"{first:,} to {last:,} of {counted(len(found), 'failed request')}")
        seen(self.pages, len(found) > _ROWS)
        self.before_button.disabled = self._first == 0
        self.after_button.disabled = last >= len(found)


def sentence_html(state: State) -> str:
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


def chart_html(state: State, kind: str, width: int) -> str:
    """Return a chart as it is drawn for a width."""
    from sinchtools import charts
    from sinchtools.charts.screen import stylesheet, to_svg

    found, options = state.pattern, {}
    if kind == "timeline":
        options = {"pattern": found} | (
            {"account": found.value} if found.field == "account" else {}
        )
    drawn = getattr(charts, kind)(state.frame, **options)
    is_said = drawn.title.startswith(found.sentence.rstrip("."))  # above the chart
    return f"<style>{stylesheet()}</style>{to_svg(drawn.at(width, is_titled=not is_said))}"


def table_html(rows: Sequence[Exchange], front: Exchange | None) -> str:
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
