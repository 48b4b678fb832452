"""The findings of a request as a list with ticks: what each fix changes, and all ticked ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sinchtools.cases.changes import changes
from sinchtools.core.records import Exchange, Finding, header
from sinchtools.diagnosis.assessment import assess
from sinchtools.diagnosis.diagnosis import Diagnosis
from sinchtools.diagnosis.fixes import Fix, joined, suggested_fix
from sinchtools.notebook.workbench.listing import swap, with_token_named

_MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """
    One finding, and what its fix changes.

    Attributes
    ----------
    number
        As it is shown beside the line and the finding.
    title
        The fix as one sentence; None when there is none.
    old, new
        The value before and after, where it is one.
    assumes
        What the fix takes for granted, for the customer to confirm.
    shows_later
        Whether the API says so only after the fixes before it.
    """

    number: int
    finding: Finding
    title: str | None = None
    old: str = ""
    new: str = ""
    assumes: str = ""
    shows_later: bool = False


def suggestions(diagnosis: Diagnosis) -> list[Suggestion]:
    """Return all findings in order, errors that show only after a fix included."""
    found: list[Suggestion] = []
    request, waiting, met = diagnosis.exchange, list(diagnosis.findings), set[Any]()
    for attempt in range(_MOST_ROUNDS):
        before = request
        for finding in waiting:
            met.add(_identity(finding))
            fix = fix_of(request, finding)
            one = _suggestion(len(found) + 1, finding, request, fix, later=attempt > 0)
            found.append(one)
            request = fix.exchange if fix else request
        if request is before:
            break
        errors = (one for one in assess(request, diagnosis.clock).findings if _is_hidden(one))
        waiting = [one for one in errors if _identity(one) not in met]
    return found


def chosen_fix(diagnosis: Diagnosis, numbers: Collection[int]) -> Fix | None:
    """Return the fixes with these numbers, one after the other, as one; None without any."""
    total: Fix | None = None
    for one in suggestions(diagnosis):
        if one.title is None or one.number not in numbers:
            continue
        request = total.exchange if total else diagnosis.exchange
        if fix := fix_of(request, one.finding):
            total = joined(diagnosis.exchange, total, fix) if total else fix
    return total


def fix_of(request: Exchange, finding: Finding) -> Fix | None:
    """Return the fix of one finding alone, if it is certain."""
    return None if finding.severity == "note" else suggested_fix(request, [finding])


def _is_hidden(finding: Finding) -> bool:
    """Tell whether an error can have been hidden by another; of a head all is seen at once."""
    return finding.severity == "error" and finding.location == "body"


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.location, finding.field, finding.pointer


def _suggestion(
    number: int, finding: Finding, request: Exchange, fix: Fix | None, *, later: bool
) -> Suggestion:
    old, new = _values(request, fix.edit) if fix else ("", "")
    made = changes(request, fix.exchange) if fix else []
    return Suggestion(
        number=number,
        finding=finding,
        title=" ".join(one.says for one in made) or None,
        old=old,
        new=new,
        assumes=" ".join(one.assumes for one in made if one.assumes),
        shows_later=later,
    )


def _values(request: Exchange, edit: Mapping[str, Any]) -> tuple[str, str]:
    """Return the one value that an edit changes, before and after."""
    if "headers" in edit:
        name, new = next(iter(edit["headers"].items()))
        old = header(request.request_headers, name) or ""
        shown = with_token_named(old)
        if old != old.strip():
            shown = shown.replace(" ", "␣")
        return shown, with_token_named(new or "")
    for part, was in (("method", request.method), ("url", request.url)):
        if part in edit:
            return swap(was or "", edit[part])
    body, after = request.request_body, edit.get("body")
    if isinstance(body, str) and isinstance(after, str) and body and after:
        return swap(body, after)
    return "", ""


def ticked(found: Sequence[Suggestion], unticked: Collection[int]) -> Iterator[Suggestion]:
    """Yield what has a fix and was not unticked."""
    return (one for one in found if one.title is not None and one.number not in unticked)
