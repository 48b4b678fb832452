"""
Write a case as a self-contained HTML page or as a zip capsule.

Both are aliased and pass the gate. The same input and key give the same bytes.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import secrets
import string
import tomllib
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinchtools.cases.case import Case, replay_rows
from sinchtools.core.columns import frame
from sinchtools.core.errors import WrongUseError, told
from sinchtools.core.files import opened_own
from sinchtools.core.records import Exchange, Finding, in_words, visible
from sinchtools.core.settings import share_folder
from sinchtools.diagnosis.diagnosis import Diagnosis, diagnose
from sinchtools.evidence.exports import to_curl, to_jsonl
from sinchtools.playbooks.playbook import Walk
from sinchtools.privacy import gate
from sinchtools.privacy.aliases import Aliases
from sinchtools.privacy.gate import Known, write
from sinchtools.privacy.redaction import Redactor, without_quotes
from sinchtools.replays.results import ReplayResults

if TYPE_CHECKING:
    import pandas as pd

PARTS = (
    "summary",
    "timeline",
    "findings",
    "groups",
    "charts",
    "steps",
    "replays",
    "simulated",
    "reply",
    "escalation",
    "request",
)
MOST_GROUPS, MOST_ROWS = 10, 200
_EPOCH = datetime(
    1970, 1, 1, tzinfo=UTC
)  # held against dates when the evidence knows no time: nothing is then called past
_WIDTHS = {
    **dict.fromkeys(("What", "Why", "What they share", "Proof", "Note"), ' class="wide"'),
    "Row": ' class="row"',
}
_LARGEST_FILE, _MOST_PIXELS = 20 * 2**20, 25_000_000  # of a chart that was saved
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def report(
    what: Case | Exchange | Iterable[Exchange],
    path: str | Path,
    *,
    key: bytes | None = None,
    replays: Iterable[ReplayResults] = (),
    walks: Iterable[Walk] = (),
    notes: Iterable[str] = (),
    parts: Iterable[str] = PARTS,
    created: datetime | None = None,
) -> Path:
    """
    Write the case report.

    ``.html`` is one page that needs nothing else, ``.zip`` a capsule that `read` opens again.

    Parameters
    ----------
    what
        A case, or evidence.
    key
        Key of the aliases; a case has its own, and evidence without one gets a key that nobody
        keeps.
    replays, walks, notes
        What was done, beside what the case knows.
    parts
        Which of `PARTS` go in, in their own order.
    created
        Shown as the time of writing; left out otherwise, so that the same input gives the same
        bytes.

    Raises
    ------
    LeakError
        The report would hold a secret or a person; nothing is written.
    WrongUseError
        The path ends in neither, a part is not known, or there is no exchange.

    Examples
    --------
    >>> import tempfile
    >>> url = "https://us.sms.api.sinch.com/xms/v1/p1/batches"
    >>> bad = Exchange(id="a", method="POST", url=url, request_body="{", status=400)
    >>> report(bad, tempfile.mkdtemp() + "/case-1.html", parts=["summary", "findings"]).name
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
    content = _content(what, key, replays, walks, notes, created, path.stem)
    page = _page(content, [part for part in PARTS if part in chosen]).encode("utf-8", "replace")
    return write(
        path,
        page if path.suffix.lower() == ".html" else _capsule(content, page),
        content.known,
        content.shown,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """
    A chart that was saved into the case.

    It has the picture if it can be read, its words and numbers, and whether evidence was added
    after it.
    """

    name: str
    picture: bytes = b""
    words: str = ""
    numbers: str = ""
    is_old: bool = False


@dataclass(kw_only=True)
class _Content:
    """All that the report tells, people aliased; only `rows` and `known` still know them."""

    title: str
    rows: list[Exchange]
    aliases: Aliases
    replays: list[dict[str, Any]]
    walks: list[dict[str, Any]]
    notes: list[dict[str, Any]]
    as_of: datetime | None
    created: datetime | None
    children: list[Exchange] = field(default_factory=list)
    saved: list[_Kept] = field(default_factory=list)

    shown: list[Exchange] = field(init=False)
    known: Known = field(init=False)

    def __post_init__(self) -> None:
        for child in self.children:
            self.aliases.exchange(child)
        self.shown, self.known = gate.aliased(self.rows, self.aliases)

    @cached_property
    def frame(self) -> pd.DataFrame:
        return frame(self.shown)

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        from sinchtools import analysis

        return [
            {str(name): value for name, value in row.items()}
            for row in analysis.groups(self.frame).to_dict("records")
        ]

    @cached_property
    def counted(self) -> dict[Any, Any]:
        from sinchtools import analysis

        return analysis.overview(self.frame).iloc[0].to_dict()

    @cached_property
    def counted_there(self) -> dict[Any, Any]:
        """The counts of the account and region of the example alone."""
        from sinchtools import analysis

        there = (self.example.account, self.example.region)
        return (
            analysis.overview([row for row in self.shown if (row.account, row.region) == there])
            .iloc[0]
            .to_dict()
        )

    @cached_property
    def replayed(self) -> list[tuple[bool, dict[str, Any]]]:
        """
        The replays of the example and of its like, each with whether it is of the example itself.

        Replays of other exchanges prove nothing about the example.
        """
        shown = {row.id: shown for row, shown in zip(self.rows, self.shown, strict=True)}
        example, of = (
            self.example,
            [(shown.get(replay["parent_id"]), replay) for replay in self.replays],
        )
        alike = _fingerprint(example)
        return [
            (parent.id == example.id, replay)
            for parent, replay in of
            if parent and _fingerprint(parent) == alike
        ]

    @cached_property
    def diagnoses(self) -> dict[str, Diagnosis]:
        """
        One diagnosis for an example of each group, by the row's ID as shown.

        It is made on the original, so that places are correct.
        """
        original = {shown.id: row for shown, row in zip(self.shown, self.rows, strict=True)}
        wanted = [group["example_id"] for group in self.groups[:MOST_GROUPS]] or [
            shown.id for shown in self.shown[:1]
        ]
        return {
            i: diagnose(
                original[i], now=None if original[i].at else self.as_of or _EPOCH, history=self.rows
            )
            for i in wanted
        }

    @property
    def example(self) -> Exchange:
        """The main failing exchange: an example of the largest group, else the first row."""
        wanted = next(iter(self.diagnoses))
        return next(shown for shown in self.shown if shown.id == wanted)

    @cached_property
    def charts(self) -> dict[str, Any]:
        from sinchtools import charts

        return {
            "error-codes": charts.error_codes(self.frame),
            "timeline": charts.timeline(self.frame),
        }

    @property
    def kept(self) -> list[_Kept]:
        """The charts that were saved, without those that the report draws anyway."""
        drawn = {chart.description for chart in self.charts.values()}
        return [one for one in self.saved if one.words not in drawn]

    def names_a_person(self, kept: _Kept) -> bool:
        """
        Whether a person can be read in a saved chart.

        The pixels show the same as its words and numbers.
        """
        text = f"{kept.words}\n{kept.numbers}"
        return bool(any(self.known.numbers_in(text)) or self.known.texts_in(text))


def _content(
    what: Case | Exchange | Iterable[Exchange],
    key: bytes | None,
    replays: Iterable[ReplayResults],
    walks: Iterable[Walk],
    notes: Iterable[str],
    created: datetime | None,
    title: str,
) -> _Content:
    case = what if isinstance(what, Case) else None
    given = case.evidence if case else [what] if isinstance(what, Exchange) else what
    rows = without_quotes(given)  # type: ignore[arg-type]
    if not rows:
        raise WrongUseError(
            "There is no exchange to report on.",
            hint="Read evidence first: st.read(...), then case.add(evidence).",
        )
    replays = list(replays)
    walked = [
        {
            "exchange": w.exchange and w.exchange.id,
            "label": "",
            "title": w.playbook.title,
            "transcript": w.transcript,
            "ended": w.ended,
        }
        for w in walks
    ]
    return _Content(
        title=f"Case {case.name if case else title.removeprefix('case-')}",
        rows=rows,
        aliases=Aliases(case.key if case else key or secrets.token_bytes(32)),
        replays=[
            *(case.replays if case else []),
            *(row for done in replays for row in replay_rows(done)),
        ],
        walks=[_clean(walk) for walk in [*(case.walks if case else []), *walked]],
        notes=[
            *(case.notes if case else []),
            *({"text": Redactor().text(note), "at": None} for note in notes),
        ],
        as_of=(case.read_at if case else None)
        or max((row.at for row in rows if row.at), default=None),
        created=created,
        children=without_quotes(
            [
                *(case.log if case else []),
                *(result.child for done in replays for result in done if result.child),
            ]
        ),
        saved=list(_saved(case)) if case else [],
    )


def _saved(case: Case) -> Iterator[_Kept]:
    for path in sorted(case.charts.glob("*.png")):
        try:
            picture, said = _picture(_content_of(path))
            numbers = _content_of(path.with_suffix(".csv")) if said else b""
        except FileNotFoundError:  # no numbers: no chart of ours, so nobody knows whom it shows
            continue
        except (
            Exception
        ):  # half a picture, one that unpacks without end, or none; a report is not lost over it
            yield _Kept(name=path.stem)
            continue
        if said:
            yield _Kept(
                name=path.stem,
                picture=picture,
                words=said["Description"],
                numbers=f"{said['Title']}\n{numbers.decode('utf-8', 'replace')}",
                is_old=bool(case.read_at and path.stat().st_mtime < case.read_at.timestamp()),
            )


def _content_of(path: Path) -> bytes:
    with opened_own(path, os.O_RDONLY) as handle, os.fdopen(handle, "rb", closefd=False) as file:
        data = file.read(_LARGEST_FILE + 1)
    if len(data) > _LARGEST_FILE:
        raise ValueError
    return data


def _picture(data: bytes) -> tuple[bytes, dict[str, str]]:
    """
    Draw a chart of ours again, and return it with its words.

    Nothing can hide in the new file. For any other picture nothing is returned.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a picture that is too large
        image = Image.open(io.BytesIO(data), formats=["PNG"])
    with image, io.BytesIO() as buffer:
        said: dict[str, str] = {
            name: str(image.info[name]) for name in ("Title", "Description") if name in image.info
        }
        if len(said) < 2:
            return b"", {}
        if image.width * image.height > _MOST_PIXELS:
            raise ValueError
        words = PngInfo()
        for name, value in said.items():
            words.add_itxt(name, value)
        image.save(buffer, "PNG", pnginfo=words)
        return buffer.getvalue(), said


def _clean(walk: Mapping[str, Any]) -> dict[str, Any]:
    """Return a walk without the secrets that somebody wrote into an answer."""
    return {
        **walk,
        "transcript": [
            {**event, "reason": Redactor().text(event["reason"])} for event in walk["transcript"]
        ],
    }


# --- the page -------------------------------------------------------------------------------------


def _page(content: _Content, parts: Sequence[str]) -> str:
    template = string.Template(
        (share_folder("data/report") / "report.html").read_text(encoding="utf-8")
    )
    about = (
        "Phone numbers and message texts are aliases, keyed by the case; credentials were "
        "removed when the evidence was read. All times UTC."
    )
    if content.created:
        about += f" Written {_time(content.created)}."
    sections = "\n".join(_SECTIONS[part](content) for part in parts)
    title = _plain(content, content.title)
    return template.substitute(
        title=escape(title), footer=re.sub(r"[^\w .-]", "", title), about=about, sections=sections
    )


def _summary(content: _Content) -> str:
    facts = _facts(content)
    sentences = [
        f"The evidence holds {facts['calls']}{facts['period']}; {facts['failed']} "
        f"failed{facts['when']}."
    ]
    if facts["not_known"]:
        sentences.append(f"The evidence shows no answer to {facts['not_known']:,} of them.")
    if facts["failing"]:
        sentences.append(
            f"The largest group of like failures is {facts['answer']}: {facts['top_n']}, "
            f"{facts['share']} of all failures."
        )
    top = next(iter(content.diagnoses.values())).top
    if top:
        sentences += [f"Finding: {top.says}", f"What to do: {top.then}"]
    sentences.append(_replayed(content, facts))
    notes = "".join(
        f"<li>{_html(content, note['text'])} "
        f"<small>{_html(content, _time(note['at']))}</small></li>"
        for note in content.notes
    )
    listed = f"<h3>Notes</h3><ul>{notes}</ul>" if notes else ""
    return _section(
        "Summary",
        f"<p>{_html(content, ' '.join(sentences))} {_row_ref(content, content.example.id)}</p"
        f">{listed}",
    )


def _replayed(content: _Content, facts: Mapping[str, Any]) -> str:
    if facts.get("verdict"):
        return f"The replay of {facts['tried']}: {facts['verdict']}, {facts['replay_reason']}."
    return "Only other requests were replayed." if content.replays else "Nothing was replayed."


def _timeline(content: _Content) -> str:
    from sinchtools import analysis

    events: list[tuple[Any, str, str]] = []
    dated = [shown for shown in content.shown if shown.at]
    if dated:
        first, last = min(dated, key=lambda x: (x.at, x.id)), max(dated, key=lambda x: (x.at, x.id))
        events += [
            (first.at, "First request of the evidence", first.id),
            (last.at, "Last request of the evidence", last.id),
        ]
    for group in content.groups[:MOST_GROUPS]:
        if str(group["first"]) != "NaT":
            events.append(
                (
                    group["first"],
                    f"First of {group['n']:,}: {group['fingerprint']}",
                    group["example_id"],
                )
            )
    for spike in analysis.spikes(content.frame).to_dict("records")[:MOST_GROUPS]:
        what = (
            f"Spike of {analysis.label(spike['status'], spike['code'])}: {spike['n']:,} "
            f"until {_time(spike['end'])}"
        )
        usual = f"about {spike['expected']:.1f}" if spike["expected"] >= 0.1 else "less than one"
        events.append((spike["start"], f"{what}, where {usual} is usual", ""))
    rows = [
        [_time(at), what, row]
        for at, what, row in sorted(events, key=lambda event: (event[0], event[1]))
    ]
    undated = (
        f"<p>{len(content.shown) - len(dated):,} requests tell no time.</p>"
        if len(dated) < len(content.shown)
        else ""
    )
    return _section(
        "Timeline",
        _table(content, ["Time (UTC)", "What", "Row"], rows, "What happened when") + undated,
    )


def _findings(content: _Content) -> str:
    return _section(
        "Findings",
        "".join(
            _diagnosed(content, row, diagnosis) for row, diagnosis in content.diagnoses.items()
        ),
    )


def _diagnosed(content: _Content, row: str, diagnosis: Diagnosis) -> str:
    x = diagnosis.exchange
    what = x.endpoint or ("" if x.delivery and not x.url else x.method or "a request")
    title = f"{x.status_in_words}: {what}" if what else x.status_in_words
    head = f"<h3>{_html(content, title)} {_row_ref(content, row)}</h3>"
    if not diagnosis.findings:
        return f"{head}<p>Nothing wrong was found in the request.</p>"
    items = "".join(_finding(content, finding) for finding in diagnosis.findings[:MOST_GROUPS])
    return f"{head}<ol>{items}</ol>"


def _finding(content: _Content, finding: Finding) -> str:
    proof = f"<pre>{_html(content, finding.proof)}</pre>" if finding.proof else ""
    answered = f", answered with {in_words(finding.status, finding.code)}" if finding.status else ""
    details = (
        f"{finding.severity} {finding.rule} at {_place(finding)}{answered}. "
        f"Source: {finding.page} ({finding.tag})."
    )
    return (
        f"<li><strong>{_html(content, finding.says)}</strong> {_html(content, finding.then)}{proof}"
        f"<p><small>{_html(content, details)}</small></p></li>"
    )


def _groups(content: _Content) -> str:
    rows = [
        [
            group["fingerprint"],
            f"{group['n']:,}",
            f"{group['share']:.1%}",
            _time(group["first"]),
            _time(group["last"]),
            group["example_id"],
        ]
        for group in content.groups[:MOST_GROUPS]
    ]
    more = (
        f"<p>Shown are {MOST_GROUPS} of {len(content.groups):,} groups.</p>"
        if len(content.groups) > MOST_GROUPS
        else ""
    )
    head = ["What they share", "Calls", "Share", "First", "Last", "Row"]
    return _section("Groups of failures", _table(content, head, rows, "Largest first") + more)


def _charts(content: _Content) -> str:
    figures = (
        (visible(chart._repr_html_()), _html(content, chart.description))
        for chart in content.charts.values()
    )
    drawn = "".join(
        f"<figure>{image}<figcaption>{words}</figcaption></figure>" for image, words in figures
    )
    left = len(content.kept) - MOST_GROUPS
    more = f"<p>{left} more charts of the case are in the capsule.</p>" if left > 0 else ""
    return _section(
        "Charts", drawn + "".join(_kept(content, one) for one in content.kept[:MOST_GROUPS]) + more
    )


def _kept(content: _Content, kept: _Kept) -> str:
    name = _html(content, kept.name)
    if not kept.picture:
        return f"<p>The picture {name} is left out: it cannot be read. Save the chart again.</p>"
    if content.names_a_person(kept):
        return (
            f"<p>The chart {name} is left out: a person can be read in it. Save it again "
            f"without the filter that names them.</p>"
        )
    image = base64.b64encode(kept.picture).decode("ascii")
    words = _html(content, kept.words)
    old = "Drawn before evidence was last brought in. " if kept.is_old else ""
    return (
        f'<figure><img alt="{words}" '
        f'src="data:image/png;base64,{image}"><figcaption>{old}{words} (kept '
        f"as {name})</figcaption></figure>"
    )


def _steps(content: _Content) -> str:
    if not content.walks:
        return _section("Steps done", "<p>No troubleshooting tips were gone through.</p>")
    return _section("Steps done", "".join(_walk(content, walk) for walk in content.walks))


def _walk(content: _Content, walk: Mapping[str, Any]) -> str:
    rows = [
        [_time(event["at"]), event["title"], event["state"], event["proof"], event["reason"]]
        for event in walk["transcript"]
    ]
    row = walk.get("exchange")
    title = " ".join(filter(None, (walk.get("label"), walk["title"])))
    head = f"<h3>{_html(content, title)}</h3>"
    table = _table(
        content,
        ["Time (UTC)", "Step", "Answer", "Proof", "Note"],
        rows,
        f"Row {row}" if row else "Steps and answers",
    )
    return f"{head}{table}<p>{_html(content, walk['ended'] or 'Not ended.')}</p>"


def _replays(content: _Content) -> str:
    if not content.replays:
        return _section("Replays", "<p>Nothing was replayed.</p>")
    rows = [
        [
            r["verdict"],
            r.get("endpoint") or "",
            r["was"],
            r["now"],
            r["target"] + (" (simulated)" if r["target"] == "sandbox" else ""),
            "; ".join(r["reasons"]),
            r["parent_id"],
        ]
        for r in content.replays[:MOST_ROWS]
    ]
    more = (
        f"<p>Shown are {MOST_ROWS} of {len(content.replays):,}.</p>"
        if len(content.replays) > MOST_ROWS
        else ""
    )
    head = ["Verdict", "Request", "Was", "Now", "Where", "Why", "Row"]
    return _section(
        "Replays", _table(content, head, rows, "Each row is a child of its original") + more
    )


def _simulated(content: _Content) -> str:
    rows = sum(_is_simulated(row) for row in content.rows)
    replays = sum(
        replay["target"] == "sandbox" and replay["now"] != "not sent" for replay in content.replays
    )
    of = f"{rows:,} of the {len(content.rows):,} answers in the evidence"
    said = [f"{of} are simulated: they come from the sandbox, not from the vendor."] if rows else []
    said += (
        [
            f"{replays:,} replays were answered by the sandbox on this machine: no message was "
            f"sent, nobody was asked."
        ]
        if replays
        else []
    )
    return _section(
        "What is simulated", f"<p>{' '.join(said) or 'Nothing in this report is simulated.'}</p>"
    )


def _reply(content: _Content) -> str:
    return _section("Reply to the customer (draft)", _draft(content, "reply"))


def _escalation(content: _Content) -> str:
    return _section("Escalation to engineering (draft)", _draft(content, "escalation"))


def _request(content: _Content) -> str:
    words = (
        "The main failing request as a command; credentials are markers and people aliases, "
        "so it does not run as it is."
    )
    return _section(
        "The request",
        f"<p>{words} {_row_ref(content, content.example.id)}</p><pre"
        f">{_html(content, to_curl(content.example))}</pre>",
    )


_SECTIONS = {
    "summary": _summary,
    "timeline": _timeline,
    "findings": _findings,
    "groups": _groups,
    "charts": _charts,
    "steps": _steps,
    "replays": _replays,
    "simulated": _simulated,
    "reply": _reply,
    "escalation": _escalation,
    "request": _request,
}


# --- the drafts -----------------------------------------------------------------------------------


def drafted(content: _Content, which: str) -> list[tuple[str, str]]:
    """Return the sentences of a draft, each with the id of the row that it rests on."""
    facts = _facts(content)
    table = tomllib.loads(
        (share_folder("data/catalogue") / "drafts.toml").read_text(encoding="utf-8")
    )
    used = [
        entry
        for entry in table[which]
        if all(facts.get(name) for name in entry.get("needs", ()))
        and not any(facts.get(name) for name in entry.get("unless", ()))
    ]
    return [
        (entry["says"].format_map(facts), str(facts.get(entry["row"]) or content.example.id))
        for entry in used
    ]


def _draft(content: _Content, which: str) -> str:
    paragraphs = "".join(
        f"<p>{_html(content, says)} {_row_ref(content, row)}</p>"
        for says, row in drafted(content, which)
    )
    return f'<div class="draft">{paragraphs}</div>'


def _facts(content: _Content) -> dict[str, Any]:
    """
    Return what the sentences of the drafts are filled from.

    A fact that is not known is left out or empty.
    """
    x = content.example
    facts = {
        "example": x.id,
        "first": content.shown[0].id,
        "account": x.account,
        "region": x.region,
        "endpoint": x.endpoint,
        "text": x.text,
    }
    return (
        facts
        | _count_facts(content)
        | _group_facts(content)
        | _finding_facts(content)
        | _replay_facts(content)
    )


def _count_facts(content: _Content) -> dict[str, Any]:
    n, failing, there = (
        content.counted["n"],
        int(content.counted["n_failing"]),
        content.counted_there,
    )
    accounts = len({row.account for row in content.shown if row.account})
    of = f" of {_many(accounts, 'account')}" if accounts else ""
    asked = sum(row.endpoint != "callback" for row in content.shown)
    folded = f" ({_many(asked, 'exchange')}; automatic retries counted once)" if n != asked else ""
    times = sorted(row.at for row in content.shown if row.at)
    return {
        "calls": f"{_many(n, 'call')}{folded}{of}",
        "not_known": int(content.counted["not_known"]),
        "failing": failing,
        "failed": f"{failing:,}" if failing else "none",
        "period": f" between {_time(times[0])} and {_time(times[-1])} UTC" if times else "",
        "when": _when(content.groups),
        "there": f"{there['n_failing']:,} of {_many(there['n'], 'call')}",
    }


def _when(groups: Sequence[Mapping[str, Any]]) -> str:
    """Return when the first and the last failed, as the end of a sentence."""
    dated = [group for group in groups if _time(group["first"])]
    if not dated:
        return ""
    first, last = (
        _time(min(group["first"] for group in dated)),
        _time(max(group["last"] for group in dated)),
    )
    return (
        f", the first at {first}, the last at {last} UTC" if first != last else f", at {first} UTC"
    )


def _group_facts(content: _Content) -> dict[str, Any]:
    if not content.groups:
        return {}
    x, group = content.example, content.groups[0]
    facts = {
        "top_n": "once" if group["n"] == 1 else f"{group['n']:,} times",
        "share": f"{group['share']:.0%}",
        "since": _time(group["first"]),
        "until": _time(group["last"]),
    }
    return {**facts, "answer": x.status_in_words}


def _finding_facts(content: _Content) -> dict[str, Any]:
    diagnosis = next(iter(content.diagnoses.values()))
    x, top, failing = content.example, diagnosis.top, bool(content.groups)
    if not top:
        return {}
    vendor = top.location in ("server", "account") or (x.status or 0) >= 500
    return {
        "says": top.says,
        "then": top.then,
        "page": top.page,
        "rule": top.rule,
        "tag": top.tag,
        "proof": top.proof,
        "place": _place(top),
        "vendor_side": failing and vendor,
        "customer_side": failing and not vendor,
        "unfitting": failing and diagnosis.consistent is False,
        "outside": failing and diagnosis.consistent and diagnosis.not_fixable_because,
    }


def _replay_facts(content: _Content) -> dict[str, Any]:
    """
    Return what the latest replay of the reported failure gave.

    A replay that fixed it comes first, then a replay of the same request.
    """
    if not content.replayed:
        return {}
    is_own, best = min(
        reversed(content.replayed), key=lambda one: (one[1]["verdict"] != "FIXED", not one[0])
    )
    fixed = best["parent_id"] if best["verdict"] == "FIXED" else None
    target = best["target"] + (" (simulated)" if best["target"] == "sandbox" else "")
    facts = {
        "replayed": best["parent_id"],
        "verdict": best["verdict"],
        "replay_reason": "; ".join(best["reasons"]),
        "replay_target": target,
    }
    tried = "this request" if is_own else "another request with a like answer"
    return {
        **facts,
        "tried": tried,
        "fixed": fixed,
        "fixed_in_sandbox": fixed and best["target"] == "sandbox",
    }


def _fingerprint(exchange: Exchange) -> str:
    """Return what groups an exchange, as in `analysis.groups`."""
    from sinchtools import analysis

    lost = exchange.outcome == "not_delivered"
    return analysis.fingerprint(
        None if lost else exchange.status,
        f"delivery code {exchange.delivery_code}" if lost else exchange.code,
        exchange.endpoint,
        exchange.failure if exchange.text is None else exchange.text,
    )


def _many(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


# --- the capsule ----------------------------------------------------------------------------------


def _capsule(content: _Content, page: bytes) -> bytes:
    """Return the zip: `exchanges.jsonl` is what `read` opens again, the rest is for people."""
    members = {
        "capsule.json": _json(
            {
                "kind": "sinchtools-capsule",
                "data": "exchanges.jsonl",
                "title": _plain(content, content.title),
            }
        ),
        "exchanges.jsonl": to_jsonl(content.shown).encode("utf-8", "replace"),
        "report.html": page,
        "request.sh": _plain(content, to_curl(content.example) + "\n").encode("utf-8", "replace"),
        "transcript.json": _json(
            _told(content, {"walks": content.walks, "replays": content.replays})
        ),
        **_chart_files(content),
    }
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name, _ZIP_TIME)
                entry.compress_type, entry.external_attr, entry.create_system = (
                    zipfile.ZIP_DEFLATED,
                    0o600 << 16,
                    3,
                )
                archive.writestr(entry, data)
        return buffer.getvalue()


def _chart_files(content: _Content) -> dict[str, bytes]:
    import tempfile

    from sinchtools import charts

    with tempfile.TemporaryDirectory() as folder:
        written = [
            path
            for name, chart in content.charts.items()
            for path in charts.save(chart, Path(folder) / name, formats=("png",))
        ]
        drawn = {f"charts/{path.name}": path.read_bytes() for path in written}
    kept = [one for one in content.kept if one.picture and not content.names_a_person(one)]
    return {
        **{f"charts/kept-{_plain(content, one.name)}.png": one.picture for one in kept},
        **drawn,
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "replace")


# --- small things ---------------------------------------------------------------------------------


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def _table(
    content: _Content, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str
) -> str:
    if not rows:
        return "<p>Nothing to list.</p>"
    heads = "".join(f'<th scope="col"{_WIDTHS.get(name, "")}>{escape(name)}</th>' for name in head)
    lines = "\n".join(
        "<tr>"
        + "".join(f"<td>{_html(content, str(cell)).replace('_', '_<wbr>')}</td>" for cell in row)
        + "</tr>"
        for row in rows
    )
    words = _html(content, caption)
    table = (
        f"<table><caption>{words}</caption><thead><tr>{heads}</tr></thead><tbody>\n{lines}\n"
        f"</tbody></table>"
    )
    # a reader without a mouse scrolls it too
    return f'<div class="scroll" role="group" aria-label="{words}" tabindex="0">{table}</div>'


def _row_ref(content: _Content, row: str) -> str:
    return f"<small>[row {_html(content, row)}]</small>"


def _html(content: _Content, text: str) -> str:
    return escape(_plain(content, text))


def _plain(content: _Content, text: str) -> str:
    """Return any text with people aliased and hidden or bidirectional characters made visible."""
    return visible(content.aliases.words(content.known.replaced(text, content.aliases)))


def _told(content: _Content, value: Any) -> Any:
    """Return what JSON can hold with the texts in it as `_plain` gives them."""
    if isinstance(value, dict):
        return {_plain(content, name): _told(content, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_told(content, inner) for inner in value]
    return _plain(content, value) if isinstance(value, str) else value


def _place(finding: Finding) -> str:
    where = f"line {finding.line}, column {finding.column}" if finding.line else ""
    return ", ".join(
        part
        for part in (finding.location, finding.field or "", finding.pointer or "", where)
        if part
    )


def _is_simulated(exchange: Exchange) -> bool:
    return exchange.target == "sandbox" or any(
        name.lower() == "x-simulated" for name in exchange.response_headers
    )


def _time(at: Any) -> str:
    """Return a time to the second, or nothing when it is not known."""
    if at is None or str(at) == "NaT":
        return ""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    return str(moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
