"""What is wrong: the header, the request with the places at fault, its findings and their fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from markupsafe import Markup

from sinchtools.api import deliveries
from sinchtools.api.links import link_of
from sinchtools.cases.solved import seen_before
from sinchtools.core.records import Exchange
from sinchtools.core.words import counted
from sinchtools.diagnosis.rules import text_of
from sinchtools.notebook.workbench import words
from sinchtools.notebook.workbench.controls import (
    box,
    button,
    classed,
    column,
    html,
    row,
    seen,
    show,
)
from sinchtools.notebook.workbench.editing import EditForm
from sinchtools.notebook.workbench.fixing import Suggestion
from sinchtools.notebook.workbench.listing import Line, Spot, folded, laid_out, listing, spot_of
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.request_head import head_lines, is_in_head
from sinchtools.notebook.workbench.state import State

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_NO_REQUEST = "The evidence has no request to replay. Ask the customer for the request they sent."
_MOST_KINDS = 8
_PLACE = Markup("<span class='muted small'>{:,} of {:,}</span>")
_NUMBER = Markup("<span class='st-n {}'>{}</span>")
_PARAGRAPH = Markup("<p>{}</p>")
_FINE = ("0", "400", "401")  # delivery codes: delivered, or still under way


class Problem:
    """The part below the evidence."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self._shown: object = None
        self.kinds = row("st-tabs")
        self.head, self.code = html(), html()
        self.findings = column("st-find")
        self.two = box("st-two", self.code, self.findings)
        self.replay_button = button("Replay", "primary st-replay", "Send it to the sandbox")
        self.edit_button = button("Edit by hand", "quiet", "Change method, path, headers or body")
        self.form = EditForm(desk)
        self.no_replay = html("", "muted")
        self.keys = html("<kbd>Ctrl</kbd> <kbd>Enter</kbd>")
        self.do = row("st-do", self.replay_button, self.keys, self.edit_button, self.no_replay)
        self.widget = column(
            "st-part st-problem", self.kinds, self.head, self.two, self.form.widget, self.do
        )
        self.replay_button.on_click(desk.doing(desk.replay, busy="Replaying…"))
        self.edit_button.on_click(desk.doing(self.form.toggle))

    def show(self) -> None:
        """Show the request in front."""
        state = self._desk.state
        self.show_kinds()
        show(self.head, heading_html(state))
        found = shown_suggestions(state)
        key = (state.exchange and state.exchange.id, state.version)
        if self._shown != key:  # else nothing moves
            self._shown = key
            notes = notes_html(state)
            below = [html(one) for one in (before_html(state), notes) if one]
            self.findings.children = [*map(self._finding, found), *below]
        show(self.code, code_html(state))
        seen(self.two, bool(found or self.code.value))
        classed(self.two, "single") if not found else self.two.remove_class("single")
        self.form.show()
        self.show_ticks()

    def forget(self) -> None:
        """Draw all of it anew at the next look: another request is in front."""
        self._shown = None
        self.form.close()

    def show_ticks(self) -> None:
        """Show what the button does with the fixes that are ticked now."""
        state, front = self._desk.state, self._desk.state.exchange
        can = front is not None and can_be_replayed(front)
        self.replay_button.description = replay_words(state)
        is_hopeless = state.diagnosis is not None and bool(state.diagnosis.not_fixable_because)
        can_replay = can and (not is_hopeless or bool(state.ticked) or self.form.is_open)
        for one in (self.replay_button, self.keys):
            seen(one, can_replay)
        seen(self.edit_button, can)
        is_missing = front is not None and not can and lacks_its_request(front)
        show(self.no_replay, _NO_REQUEST if is_missing else "")
        seen(self.do, can or is_missing)

    def show_kinds(self) -> None:
        """Show how many requests failed how, and which of those that are listed is in front."""
        state = self._desk.state
        kinds, front = state.kinds, state.exchange
        several = len(state.failing) > 1 and front is not None
        children: list[Any] = []
        for kind, n in islice(kinds.items(), _MOST_KINDS) if several else ():
            is_on = front is not None and front.status_in_words == kind
            tab = button(f"{kind} ({n:,})" if n > 1 else kind, "on" if is_on else "", kind)
            tab.on_click(self._desk.doing(partial(self._choose_kind, kind)))
            children.append(tab)
        if several:
            children.append(self._walk(state))
        self.kinds.children = children
        seen(self.kinds, bool(children))

    def _walk(self, state: State) -> Any:
        rows, front = state.listed, state.exchange
        at = next((i for i, one in enumerate(rows, start=1) if one is front), 0)
        before = button("Previous", "quiet st-previous-request", "Previous request (k)")
        after = button("Next", "quiet st-next-request", "Next request (j)")
        before.on_click(self._desk.doing(lambda: self._desk.step(-1)))
        after.on_click(self._desk.doing(lambda: self._desk.step(1)))
        where = html(_PLACE.format(at, len(rows)) if at else "")
        return row("st-walk", where, before, after)

    def _choose_kind(self, kind: str) -> None:
        first = next(one for one in self._desk.state.failing if one.status_in_words == kind)
        self._desk.choose(first.id)

    def _finding(self, one: Suggestion) -> Any:
        tone = {"error": "", "warning": "warn", "note": "note"}[one.finding.severity]
        number = html(_NUMBER.format(tone, one.number))
        says = html(finding_html(one))
        if one.title is None:
            return box("st-finding plain", number, says)
        tick = widgets.Checkbox(
            value=one.number not in self._desk.state.unticked,
            indent=False,
            description=f"Apply fix {one.number}",
        )
        tick.observe(lambda change: self._desk.tick(one.number, change["new"]), names="value")
        return box("st-finding", tick, number, says)


def can_be_replayed(exchange: Exchange) -> bool:
    """Tell whether there is a request: a method and a URL of the API."""
    is_report = deliveries.is_callback(exchange) and exchange.endpoint in (None, "callback")
    return bool(exchange.method and exchange.url) and not is_report


def lacks_its_request(exchange: Exchange) -> bool:
    """Tell whether a request failed that the evidence does not show."""
    return exchange.failed and not deliveries.is_callback(exchange)


def replay_words(state: State) -> str:
    """Return what the button says that it does."""
    if state.by_hand is not None:
        return "Replay with my edit"
    fixes = len(state.ticked)
    return f"Replay with {counted(fixes, 'fix', 'fixes')}" if fixes else "Replay unchanged"


# --- as HTML --------------------------------------------------------------------------------------


def heading_html(state: State) -> Markup:
    """Return the header."""
    return page("problem.html", **words.heading(state)._asdict())


def before_html(state: State) -> Markup:
    """Return what helped in closed cases of the same kind, or nothing."""
    if state.diagnosis is None:
        return Markup()
    said = seen_before(state.diagnosis, without=state.case.closed_as if state.case else "").sentence
    return _PARAGRAPH.format(said) if said else Markup()


def shown_suggestions(state: State) -> list[Suggestion]:
    """Return the findings that are listed: all errors, and the rest where there is no error."""
    found = state.suggestions
    errors = [one for one in found if one.finding.severity == "error"]
    return errors or found


def notes_html(state: State) -> Markup:
    """Return what is only worth a look beside the errors, folded."""
    listed = shown_suggestions(state)
    rest = [one.finding for one in state.suggestions if one not in listed]
    return page("notes.html", notes=rest) if rest else Markup()


def finding_html(one: Suggestion) -> Markup:
    """Return a finding without its tick."""
    finding = one.finding
    is_swap = bool(one.title and (one.old or one.new))
    title, below = words.title_and_words(finding, one.title, is_swapped=is_swap)
    later = "The API reports this only after the errors above are fixed. "
    return page(
        "finding.html",
        title=title,
        finding=finding,
        old=one.old if is_swap else "",
        new=one.new if is_swap else "",
        words=f"{later}{below}" if one.shows_later else below,
        assumes=one.assumes,
        why=finding.says if not below else f"{finding.says} {finding.then}",
        engineer=finding.engineer or "",
        place=words.place_of(finding),
        link=link_of(finding.page),
    )


def code_html(state: State) -> Markup:
    """Return the request, or the delivery report, with what is at fault marked."""
    lines = list(code_lines(state))
    return page("listing.html", lines=folded(lines), label="Request") if lines else Markup()


def code_lines(state: State) -> Iterator[Line]:
    """Yield the lines of the request that its findings are about."""
    front = state.exchange
    if front is None:
        return
    if front.outcome == "not_delivered" and (report := _report_on(state, front)):
        yield from listing(laid_out(report), list(_spots_of_report(report)))
        return
    found = state.suggestions
    body = text_of(front.request_body)
    in_head = [one for one in found if is_in_head(one.finding)]
    if in_head or (not body and front.method):
        yield from head_lines(front, in_head, numbered=not body)
        if body:
            yield Line()
    if body:
        yield from listing(laid_out(body), list(_spots(body, shown_suggestions(state))))


def _spots(body: str, found: list[Suggestion]) -> Iterator[Spot]:
    for one in found:
        finding = one.finding
        if finding.location != "body":
            continue
        spot = spot_of(
            body,
            one.number,
            finding.severity,
            line=finding.line,
            column=finding.column,
            pointer=finding.pointer or "",
        )
        if spot:
            yield spot


def _report_on(state: State, front: Exchange) -> str:
    """Return the delivery report that says that a request was not delivered."""
    if deliveries.is_callback(front):
        return text_of(front.request_body) or ""
    batch = deliveries.batch_sent_by(front)
    for row_ in state.evidence:
        if any(batch_id == batch for batch_id, _ in deliveries.reports_of(row_)):
            for body in (row_.request_body, row_.response_body):
                if batch and batch in (text := text_of(body) or ""):
                    return text if '"code"' in text else ""
    return ""


def _spots_of_report(report: str) -> Iterator[Spot]:
    for found in re.finditer(r'"code"\s*:\s*(\d+)', report):
        if found[1] not in _FINE:
            yield Spot(start=found.start(1), end=found.end(1), number=1)
