"""What a saved notebook shows of a workbench: its parts without controls, people as aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from sinchtools.core.errors import LeakError
from sinchtools.notebook.twin import nameless
from sinchtools.notebook.workbench import words
from sinchtools.notebook.workbench.page import page, style
from sinchtools.notebook.workbench.problem import (
    code_html,
    finding_html,
    heading_html,
    shown_suggestions,
)
from sinchtools.notebook.workbench.proof import proof_html
from sinchtools.privacy.aliases import Aliases

if TYPE_CHECKING:
    from sinchtools.notebook.workbench.state import State

_LOOKED_AT = 500  # rows whose people are looked for


def still_html(state: State) -> Markup:
    """Return the workbench as HTML that needs no kernel and names nobody."""
    case = state.case
    if case is not None and state.is_held:
        return _framed(f"Case {case.name}: {words.counts(state)}", [])
    if case is None or not len(state.evidence):
        return _framed("New case", [])
    front = [state.exchange] if state.exchange else []
    rows = [*front, *state.evidence.exchanges[:_LOOKED_AT]]
    if state.proven:
        rows.append(state.proven.result.request)
    people = Aliases(case.key)
    try:
        parts = nameless(_parts(state), people, rows)
    except LeakError:
        parts = []
    return _framed(f"Case {case.name}: {words.counts(state)}", parts)


def _parts(state: State) -> list[str]:
    findings = [finding_html(one) for one in shown_suggestions(state)]
    wrong = page(
        "wrong.html", heading=heading_html(state), code=code_html(state), findings=findings
    )
    parts = [str(wrong)]
    if state.proven:
        parts.append(proof_html(state.proven))
    return parts


def _framed(title: str, parts: list[Markup]) -> Markup:
    return page("still.html", style=style(), title=title, parts=parts)


def still_text(state: State) -> str:
    """Return the same in one line, for where no HTML is shown."""
    name = f"case {state.case.name}" if state.case else "no case yet"
    return f"Workbench, {name}: {words.counts(state)}. Run this cell to work on the case."
