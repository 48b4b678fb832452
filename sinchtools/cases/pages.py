"""The report as a page: what goes into ``templates/report.html``, with people hidden."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sinchtools.api.description import split_url
from sinchtools.api.links import link_of
from sinchtools.cases.commands import as_curl
from sinchtools.cases.kept import KeptChart
from sinchtools.cases.replies import escalation_of, facts_of, response_of
from sinchtools.cases.side_by_side import side_by_side
from sinchtools.cases.story import MOST_GROUPS, Story
from sinchtools.core.glossary import glossary
from sinchtools.core.records import Exchange, visible
from sinchtools.core.words import counted, day, instant, moment, short, spelled
from sinchtools.diagnosis.diagnosis import Diagnosis
from sinchtools.playbooks.playbook import tips

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.runtime import Context

PARTS = (
    "change",
    "when",
    "accounts",
    "others",
    "checked",
    "charts",
    "notes",
    "request",
    "manager",
)
_FEWEST_FOR_A_CHART = 20
_MOST_CHECKS, _MOST_TRIED, _MOST_OTHERS = 8, 5, 5
_CHART_WIDTH = 772  # pixels: the column of the page
_MARKS = re.compile(r'<g class="st-marks">.*</g></svg>', re.DOTALL)
_ROLE = re.compile(r'role="group" aria-label="[^"]*"')
_SIGNS = {  # of a verdict: class, sign
    "FIXED": ("good", "✓"),
    "CHANGED": ("warn", "≠"),
    "SAME": ("same", "="),
    "WORSE": ("bad", "✕"),
    "INCONCLUSIVE": ("note", "?"),
}
_CAUSE = "bad"
_CHECKED = {  # of a step: class, sign, word
    "problem": (_CAUSE, "✕", "Cause"),
    "caution": ("warn", "!", "Careful"),
    "ok": ("good", "✓", "Fine"),
    "done": (_CAUSE, "✕", "Cause"),
    "skipped": ("note", "?", "Skipped"),
    "failed": ("good", "✓", "Not the cause"),
}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a report is made of."""

    story: Story
    parts: Sequence[str] = PARTS  # the sections that go in if they have something to say
    created: datetime | None = None  # shown as the time of writing, or None
    # the charts that were saved into the case
    kept: Sequence[KeptChart] = field(default_factory=tuple)

    def html(self) -> bytes:
        """Return the page, in UTF-8."""
        sections = {part: (part in self.parts and _SECTIONS[part](self)) or None for part in PARTS}
        facts = facts_of(self.story)
        page = _template().render(
            story=self.story,
            title=f"Case {self.story.title}",
            written=moment(self.created),
            headline=_headline(self.story, facts),
            figures=list(_figures(self.story, facts)),
            sections=sections,
            more_charts=len(_worth_showing(self)) - MOST_GROUPS,
            more_others=len(self.story.others) - _MOST_OTHERS,
            simulated=sum(map(_is_simulated, self.story.rows)),
            glossary=glossary(),
            **facts,
        )
        return page.encode("utf-8", "replace")


# --- the head -------------------------------------------------------------------------------------


def _headline(story: Story, facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the sentence, the code in it, and the line below."""
    row, n, code = facts["row"], facts["n"], facts["response"]
    said = f'{facts["who"]}: "{row.text}"' if row.text else ""
    if story.kind == "undelivered":
        entry = facts["delivery"]
        text = "Accepted, but not delivered: " if row.status else "Not delivered: "
        return {"text": text + code, "code": code, "lead": entry.meaning if entry else said}
    if story.kind == "nothing":
        calls = counted(facts["n_calls"], "request")
        return {"text": f"No failure in {calls}", "code": "", "lead": ""}
    what = row.endpoint or "A request"
    if n == 1:
        text = f"{what} failed with {code}" if code else f"{what}: no response is known"
        return {"text": text, "code": code, "lead": said}
    of = f" of {facts['n_calls']:,}" if facts["n_calls"] > n else ""
    text = f"{n:,}{of} requests failed with {code}"
    if story.pattern:
        return {"text": story.pattern.rstrip("."), "code": code, "lead": f"{text}. {said}".strip()}
    return {"text": text, "code": code, "lead": said}


def _figures(story: Story, facts: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, value, what is below it, and its class; what is not known is left out."""
    row, n, calls = facts["row"], facts["n"], facts["n_calls"]
    if calls > 1 and story.kind != "nothing":
        yield "Failing", f"{n:,}", f"of {counted(calls, 'request')}", "bad-ink"
    first = instant((story.group or {}).get("first") or row.at)
    if first:
        name = "Since" if facts["first"] != facts["last"] else "When"
        yield name, day(first), f"{first:%Y-%m-%d %H:%M:%S} UTC", ""
    if row.account:
        many = story.n_accounts
        region = f"{row.region.upper()} region" if row.region else ""
        yield (
            "Account",
            short(row.account),
            f"1 of {counted(many, 'account')}" if many > 1 else region,
            "",
        )
    yield from _fix_figure(story, facts)


def _fix_figure(story: Story, facts: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    fix = story.fix
    if fix is not None:
        where = "simulated" if fix.is_simulated else fix.target
        of = f"{fix.fixed:,} of {fix.tried:,}, " if fix.tried > 1 else ""
        yield "Fix", "Proven", f"{of}{where}", "good-ink"
    elif story.kind == "suggested":
        yield "Fix", "Suggested", "not tested yet", ""
    elif story.kind == "undelivered" and facts["delivery"]:
        yield "Delivery code", str(facts["row"].delivery_code), facts["delivery"].title, "bad-ink"
    elif story.is_not_the_request:
        yield "Cause", "Not the request", "account manager", ""


# --- the sections ---------------------------------------------------------------------------------


def _change(page: Page) -> dict[str, Any] | None:
    story = page.story
    working = story.working
    if not story.findings and working is None:
        return None
    before, after = (
        side_by_side(_sent(story), working, story.masks.exchange) if working else ([], [])
    )
    errors = [one for one in story.findings if one.severity == "error"]
    rest = [one for one in story.findings if one.severity != "error"]
    return {
        "changes": story.changes,
        "before": before,
        "after": after,
        "errors": errors[:MOST_GROUPS],
        "rest": rest[:MOST_GROUPS],
        "tried": [] if story.fix else list(_tried(story)),
        "source": _source(story.example),
    }


def _sent(story: Story) -> Exchange:
    return story.fix.original if story.fix else story.example


def _tried(story: Story) -> Iterator[dict[str, Any]]:
    """Yield the verdicts of the replays of like requests, the most frequent first."""
    alike = story.alike
    found = Counter(
        (row["verdict"], row["was"], row["now"], "; ".join(row["reasons"]))
        for row in story.replays
        if row["parent_id"] in alike and row["now"] != "not sent"
    )
    for (verdict, was, now, reason), n in found.most_common(_MOST_TRIED):
        kind, sign = _SIGNS.get(verdict, ("note", "?"))
        yield {
            "verdict": verdict,
            "was": was,
            "now": now,
            "reason": reason,
            "n": n,
            "kind": kind,
            "sign": sign,
        }


def _when(page: Page) -> dict[str, Any] | None:
    story = page.story
    if not _is_drawn(story):
        return None
    chart = story.charts["timeline"]
    is_titled = not story.pattern or not chart.title.startswith(story.pattern.rstrip("."))
    return {"chart": _drawn(chart, is_titled), "dark": _dark_colours()}


def _is_drawn(story: Story) -> bool:
    """Whether there is enough to draw over time."""
    dated = int(story.counted["n"]) - int(story.counted["undated"])
    return dated >= _FEWEST_FOR_A_CHART and bool(story.groups)


def _accounts(page: Page) -> list[dict[str, Any]]:
    story = page.story
    if story.n_accounts < 2:
        return []
    mine = {id(row) for row in story.rows}
    others = [row for row in story.everything if id(row) not in mine]
    named = f"{story.n_accounts - 1:,} other account{'s' if story.n_accounts > 2 else ''}"
    groups = ((story.example.account or "", story.rows, True), (named, others, False))
    return [{"name": name, "is_it": is_it, **_share(rows)} for name, rows, is_it in groups]


def _share(rows: Sequence[Exchange]) -> dict[str, Any]:
    from sinchtools import analysis

    counts = analysis.overview(rows).iloc[0]
    n, failing = int(counts["n"]), int(counts["n_failing"])
    return {"n": n, "failing": failing, "share": failing / n if n else 0.0}


def _others(page: Page) -> list[dict[str, Any]]:
    story = page.story
    found = []
    for one in story.others[:_MOST_OTHERS]:
        diagnosis: Diagnosis = one["diagnosis"]
        fix = story.fix_of(one["example"])
        row = story.masks.exchange(one["example"])
        found.append(
            {
                "response": response_of(row) or "no response",
                "endpoint": row.endpoint or "",
                "n": int(one["n"]),
                "first": moment(one["first"]),
                "finding": diagnosis.top and story.for_customers(diagnosis.top, one["example"]),
                "fix": fix,
            }
        )
    return found


def _checks(page: Page) -> list[dict[str, Any]]:
    """Return what a person answered, causes first, and what the evidence decides of the tips."""
    story = page.story
    answered = sorted(_answered(story), key=lambda one: one["kind"] != _CAUSE)
    steps: dict[str, dict[str, Any]] = {}
    for one in (*answered, *_decided(story)):
        steps.setdefault(one["title"], one)
    return [*steps.values()][:_MOST_CHECKS]


def _answered(story: Story) -> Iterator[dict[str, Any]]:
    for walk in story.walks:
        for event in walk["transcript"]:
            if event["state"] in _CHECKED:
                yield _step(event["title"], event["state"], event["reason"], moment(event["at"]))


def _decided(story: Story) -> Iterator[dict[str, Any]]:
    if not story.example.failed:
        return
    told = [finding.says for finding in story.diagnosis.findings]
    walk = tips(story.example, findings=story.diagnosis.findings)
    for step in walk.playbook.steps:
        checked = walk.decided(step)
        is_told = any(says in checked.proof for says in told)
        if checked.state in ("problem", "ok") and not is_told:
            yield _step(step.title, checked.kind, checked.proof, "")


def _step(title: str, state: str, words: str, at: str) -> dict[str, Any]:
    kind, sign, word = _CHECKED[state]
    return {"title": title, "kind": kind, "sign": sign, "word": word, "words": words, "at": at}


def _kept_charts(page: Page) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "words": one.words,
            "picture": base64.b64encode(one.picture).decode("ascii"),
            "is_old": one.is_old,
            "names_a_person": one.names_a_person(page.story.known),
        }
        for one in _worth_showing(page)[:MOST_GROUPS]
    ]


def _worth_showing(page: Page) -> list[KeptChart]:
    """Return the saved charts that the report does not draw anyway."""
    if not page.kept or "when" not in page.parts or not _is_drawn(page.story):
        return list(page.kept)
    drawn = page.story.charts["timeline"].description
    return [one for one in page.kept if one.words != drawn]


def _notes(page: Page) -> list[dict[str, str]]:
    before = page.story.seen_before.sentence
    notes = [{"text": before, "at": ""}] if before else []
    notes += [{"text": one["text"], "at": moment(one["at"])} for one in page.story.notes]
    return notes


def _request(page: Page) -> dict[str, Any] | None:
    story = page.story
    request = story.working or story.example
    is_whole = request.method and split_url(request.url or "").netloc
    if not is_whole or story.kind == "undelivered":
        return None
    return {"command": as_curl(story.masks.exchange(request)), "is_changed": bool(story.working)}


_SECTIONS: dict[str, Callable[[Page], object]] = {  # what is empty is left out
    "change": _change,
    "when": _when,
    "accounts": _accounts,
    "others": _others,
    "checked": _checks,
    "charts": _kept_charts,
    "notes": _notes,
    "request": _request,
    "manager": lambda page: escalation_of(page.story),
}


# --- small things ---------------------------------------------------------------------------------


def _drawn(chart: Any, is_titled: bool = True) -> Any:
    """Return a chart as a picture of the page: in its colors, without marks to click."""
    from markupsafe import Markup, escape

    from sinchtools.charts.screen import to_svg

    svg = _MARKS.sub("</svg>", visible(to_svg(chart.at(_CHART_WIDTH, is_titled=is_titled))))
    words = f'role="img" aria-label="{escape(visible(chart.description))}"'
    return Markup(_ROLE.sub(lambda _: words, svg, count=1))


def _dark_colours() -> str:
    """Return the colours of charts on a dark screen, as variables."""
    from sinchtools.charts.style import DARK

    colours = {**DARK, "face": "var(--face)"}
    return "; ".join(f"--st-c-{name}: {colour}" for name, colour in colours.items())


def _source(row: Exchange) -> str:
    return row.source or row.id


def _is_simulated(exchange: Exchange) -> bool:
    names = (name.lower() for name in exchange.response_headers)
    return exchange.target == "sandbox" or "x-simulated" in names


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
    from markupsafe import Markup

    @pass_context
    def hidden(context: Context, value: Any) -> Any:
        """Hide people in everything that the page shows."""
        is_text = isinstance(value, str) and not isinstance(value, Markup)
        return context["story"].plain(value) if is_text else value

    made = Environment(
        loader=PackageLoader("sinchtools.cases"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=hidden,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(counted=counted, spelled=spelled, link=link_of)
    return made.get_template("report.html")
