"""Begin the story of a case, or of evidence: of which account it is, and what was done."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sinchtools.cases.case import Case
from sinchtools.cases.kept import replay_rows, walk_row
from sinchtools.cases.story import Story
from sinchtools.core.errors import NoExchangeError, WrongUseError, told
from sinchtools.core.records import Exchange, most_frequent
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.redaction import Redactor, without_quotes
from sinchtools.replays.proof import Proof
from sinchtools.replays.results import ReplayResults, Result


def told_of(
    what: Case | Exchange | Iterable[Exchange],
    *,
    key: bytes | None = None,
    about: Exchange | str | None = None,
    given: Result | Proof | None = None,
    replays: Iterable[ReplayResults] = (),
    walks: Iterable[Walk] = (),
    notes: Iterable[str] = (),
    title: str = "",
    is_text: bool = False,
    is_data: bool = False,
) -> Story:
    """
    Return the story of a case, or of evidence.

    Raises
    ------
    WrongUseError
        There is no exchange to tell of, or none with that id.
    """
    case = what if isinstance(what, Case) else None
    evidence = what.evidence if isinstance(what, Case) else what
    rows = without_quotes([evidence] if isinstance(evidence, Exchange) else evidence)
    if not rows:
        raise WrongUseError(
            "There is no request to report on.",
            hint="Read evidence first: st.read(...), then case.add(evidence).",
        )
    done = list(replays)
    story = Story(
        title=title.removeprefix("case-"),
        rows=rows,
        everything=rows,
        aliases=Aliases(key or secrets.token_bytes(32)),
        replays=[row for one in done for row in replay_rows(one)],
        walks=[walk_row(walk, Redactor()) for walk in walks],
        notes=[{"text": Redactor().text(note), "at": None} for note in notes],
        as_of=max((row.at for row in rows if row.at), default=None),
        about=_chosen(rows, about, given),
        given=given,
        is_text=is_text,
        is_data=is_data,
        children=without_quotes(result.child for one in done for result in one if result.child),
    )
    return _of_one_account(_with_kept(story, case) if case else story)


def _with_kept(story: Story, case: Case) -> Story:
    """Return the story with what its case keeps."""
    return replace(
        story,
        title=case.name,
        aliases=Aliases(case.key),
        replays=[*case.replays, *story.replays],
        walks=[*case.walks, *story.walks],
        notes=[*case.notes, *story.notes],
        as_of=case.read_at or story.as_of,
        closed_as=case.closed_as,
        children=[*without_quotes(case.log), *story.children],
    )


def _of_one_account(story: Story) -> Story:
    """Return the story with the rows of one account, and those that name none."""
    if story.n_accounts < 2:
        return story
    account = story.about.account if story.about else _most_affected(story)
    rows = [row for row in story.rows if row.account in (account, None)]
    told = replace(story, rows=rows)
    if story.is_data:
        told.aliased = story.aliased  # the same evidence
    return told


def _most_affected(story: Story) -> str | None:
    """Return the account that a fix was proven for, else the one that fails most often."""
    if story.fixed_rows:
        return list(story.fixed_rows.values())[-1].account
    failing = most_frequent(story.rows)
    if not failing:
        return story.rows[0].account
    return Counter(row.account for row in failing[0]).most_common(1)[0][0]


def _chosen(
    rows: Sequence[Exchange], about: Exchange | str | None, given: Result | Proof | None
) -> Exchange | None:
    if about is None:
        return given.original if isinstance(given, Result) else None
    wanted = about if isinstance(about, str) else about.id
    found = next((row for row in rows if row.id == wanted), None)
    if found is None and isinstance(about, str):
        raise NoExchangeError(f"There is no request {told(about)} in this case.")
    return found or about  # type: ignore[return-value]
