"""
Write a case as a self-contained HTML page or as a zip bundle.

People are hidden in both, and both pass the gate. The same input and key give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sinchtools.cases.bundles import bundle
from sinchtools.cases.case import Case
from sinchtools.cases.kept import kept_charts
from sinchtools.cases.pages import PARTS, Page
from sinchtools.cases.telling import told_of
from sinchtools.core.errors import LeakError, WrongUseError, told
from sinchtools.core.records import Exchange
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy.gate import write_checked
from sinchtools.replays.proof import Proof
from sinchtools.replays.results import ReplayResults, Result

__all__ = ["PARTS", "report"]


def report(
    what: Case | Exchange | Iterable[Exchange],
    path: str | Path,
    *,
    key: bytes | None = None,
    exchange: Exchange | str | None = None,
    proof: Result | Proof | None = None,
    replays: Iterable[ReplayResults] = (),
    walks: Iterable[Walk] = (),
    notes: Iterable[str] = (),
    parts: Iterable[str] = PARTS,
    created: datetime | None = None,
) -> Path:
    """
    Write the case report, about one account.

    ``.html`` is one page that needs nothing else, ``.zip`` a bundle that `read` opens again; the
    data in a bundle is the whole evidence.

    Parameters
    ----------
    what
        A case, or evidence.
    key
        Key of the aliases in a bundle; a case has its own, and evidence without one gets a key that
        is not kept.
    exchange, proof
        The request that the report is about, and the replay that proves its fix, as in `reply`.
    replays, walks, notes
        What was done, in addition to what the case knows.
    parts
        Which of `PARTS` go in. A part with nothing to say is left out.
    created
        Shown as the time of writing; left out otherwise, so that the same input gives the same
        bytes.
    path
        Where to write: ``.html`` or ``.zip``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    LeakError
        The report would hold a secret or a person; nothing is written.
    WrongUseError
        The path ends in neither, a part is not known, or there is no request.

    Examples
    --------
    >>> import tempfile
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> bad = Exchange(id="a", method="POST", url=url, request_body="{", status=400)
    >>> report(bad, tempfile.mkdtemp() + "/case-1.html", parts=["change"]).name
    'case-1.html'
    """
    path, chosen = Path(path), list(parts)
    if path.suffix.lower() not in (".html", ".zip"):
        ending = told(path.suffix) if path.suffix else "a file without an ending"
        raise WrongUseError(f"A report cannot be written as {ending}.", hint="Use .html or .zip.")
    if unknown := [part for part in chosen if part not in PARTS]:
        raise WrongUseError(
            f"A report has no part {told(unknown[0])}.", hint=f"Choose from {', '.join(PARTS)}."
        )
    is_page = path.suffix.lower() == ".html"
    story = told_of(
        what,
        key=key,
        about=exchange,
        given=proof,
        replays=replays,
        walks=walks,
        notes=notes,
        title=path.stem,
        is_data=not is_page,
    )
    kept = tuple(kept_charts(what)) if isinstance(what, Case) else ()
    page = Page(story=story, parts=chosen, created=created, kept=kept)
    if not is_page:
        return write_checked(path, bundle(page), story.known, story.shown)
    try:
        return write_checked(path, page.html(), story.known)
    except LeakError:  # a chart names somebody: with aliases it does not, and the row is named
        story = replace(story, is_data=True)
        return write_checked(path, replace(page, story=story).html(), story.known, story.shown)
