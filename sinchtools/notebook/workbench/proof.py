"""The proof: the verdict in colour and words, before and after, and the request to copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from sinchtools.core.records import Exchange
from sinchtools.core.words import counted, response, sentence
from sinchtools.diagnosis.diagnosis import diagnose
from sinchtools.diagnosis.rules import text_of
from sinchtools.notebook.workbench.controls import button, column, html, row, seen, show
from sinchtools.notebook.workbench.listing import Line, compared, paired
from sinchtools.notebook.workbench.page import page
from sinchtools.notebook.workbench.proving import Proven
from sinchtools.notebook.workbench.request_head import head_of

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.desk import Workbench

_MARKS = {"FIXED": "✓", "CHANGED": "≠", "SAME": "=", "WORSE": "✕", "INCONCLUSIVE": "?"}
_SEEN_BEFORE = "not sent again"
COPIES = {"curl": "Copy curl", "body": "Copy body", "python": "Copy as Python"}


class Proof:
    """The part with the verdict."""

    def __init__(self, desk: Workbench) -> None:
        self._desk = desk
        self.verdict = html()
        self.buttons = [button(words, f"st-copy st-copy-{what}") for what, words in COPIES.items()]
        note = "Token as $SINCH_API_TOKEN, phone numbers as they are"
        self.copies = row("st-do", *self.buttons, html(note, "muted small push"))
        self.widget = column("st-part st-proof", self.verdict, self.copies)

    def show(self) -> None:
        """Show the last replay of the request in front."""
        proven = self._desk.state.proven
        seen(self.widget, proven is not None)
        if proven is None:
            return
        show(self.verdict, proof_html(proven))
        seen(self.copies, proven.result.verdict == "FIXED")


def proof_html(proven: Proven) -> Markup:
    """Return verdict, way to it, and both requests side by side."""
    result = proven.result
    before, after = sides(result.original, result.request)
    verdict = "INCONCLUSIVE" if proven.hopeless else result.verdict
    return page(
        "proof.html",
        verdict=verdict,
        mark=_MARKS.get(verdict, "?"),
        says=_says(proven),
        was="" if proven.hopeless else result.original.status_in_words,
        now=now_of(result.child),
        reasons=_reasons(proven),
        path=_path(proven),
        before=before,
        after=after,
        next=_next(proven),
    )


def now_of(child: Exchange | None) -> str:
    """Return what came back: ``201 Created``."""
    return response(child.status, child.code) if child else "not sent"


def _says(proven: Proven) -> str:
    if proven.hopeless:
        return "No change to the request can fix this."
    if proven.unchanged is None:
        return "The request was replayed as it was sent:"
    return f"with {counted(proven.changes, 'change')}:" if proven.changes else "with your edit:"


def _reasons(proven: Proven) -> list[str]:
    """Return why, in sentences; of a fixed request only what was assumed."""
    result = proven.result
    if proven.hopeless:
        return [
            f"Unchanged, the sandbox returns {now_of(result.child)}. {sentence(proven.hopeless)}"
        ]
    said = [one for one in result.why if not one.startswith(_SEEN_BEFORE)]
    if result.verdict == "FIXED":
        said = []
    if result.assumed:
        said.append(f"Assumes {', '.join(result.assumed)}")
    return [sentence(one) for one in said]


def _path(proven: Proven) -> list[tuple[str, str]]:
    if proven.unchanged is None:
        return []
    original, result = proven.result.original, proven.result
    is_same = (proven.unchanged.status, proven.unchanged.code) == (original.status, original.code)
    unchanged = "Unchanged, same as the customer" if is_same else "Unchanged"
    steps = [(unchanged, now_of(proven.unchanged))]
    if proven.first_alone is not None:
        steps.append(("Fix 1 alone", now_of(proven.first_alone)))
    last = f"All {proven.changes}" if proven.changes > 1 else "Changed"
    return [*steps, (last, now_of(result.child))]


def _next(proven: Proven) -> list[str]:
    """Return what is wrong with a request that was changed and is still refused."""
    child = proven.result.child
    if child is None or proven.result.verdict not in ("CHANGED", "WORSE"):
        return []
    return [one.says for one in diagnose(child).findings if one.severity == "error"]


def sides(original: Exchange, request: Exchange) -> tuple[list[Line], list[Line]]:
    """Return the request before and after, as far as it was changed."""
    left: list[Line] = []
    right: list[Line] = []
    heads = head_of(original), head_of(_in_order_of(original, request))
    if heads[0] != heads[1]:
        left, right = paired(*heads)
        left, right = _only_changed(left), _only_changed(right)
    bodies = text_of(original.request_body) or "", text_of(request.request_body) or ""
    if bodies[0] != bodies[1]:
        one, two = compared(*bodies)
        gap = [Line()] if left or right else []
        left, right = [*left, *gap, *one], [*right, *gap, *two]
    return left, right


def _only_changed(lines: list[Line]) -> list[Line]:
    return [replace(line, number=None) for line in lines if line.kind in ("in", "out")]


def _in_order_of(original: Exchange, request: Exchange) -> Exchange:
    """Return a request with its headers in the order of the original, new ones last."""
    names = [name.lower() for name in original.request_headers]
    at = {name: i for i, name in enumerate(names)}
    headers = sorted(
        request.request_headers.items(), key=lambda one: at.get(one[0].lower(), len(at))
    )
    return replace(request, request_headers=dict(headers))
