r"""
The tools. Each takes and returns plain values, so that any server of tools can offer them.

Evidence is read once, by `read`, which gives it a name; the other tools refer to it by that name.

Examples
--------
>>> found = read(text="HTTP/1.1 403 Forbidden\n\n"
...                   '{"code": "missing_callback_url", "text": "No callback"}')
>>> found["summary"]
'1 request was read, 1 of them failed. 0 secrets were removed.'
>>> diagnose(found["evidence"])["entries"][0]["code"]
'missing_callback_url'
"""

# The servers read these annotations, so they are not postponed.
import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec

from sinchtools.agents.desk import Held, files_inside, held, hold
from sinchtools.agents.results import (
    PAGE,
    UNTRUSTED,
    aliased,
    finding_of,
    line_of,
    page_of,
    response_of,
    shown,
    sides_of,
    whole_of,
)
from sinchtools.api import catalogue
from sinchtools.api.validation import instant_of
from sinchtools.cases import reports
from sinchtools.cases.changes import changes
from sinchtools.cases.solved import seen_before
from sinchtools.cases.telling import told_of
from sinchtools.core.columns import frame
from sinchtools.core.errors import SinchToolsError, WrongUseError
from sinchtools.core.files import scratch_in
from sinchtools.core.records import Step, calls_of
from sinchtools.core.settings import work_folder
from sinchtools.core.words import counted
from sinchtools.diagnosis.diagnosis import Diagnosis
from sinchtools.playbooks import playbook as playbooks
from sinchtools.replays import comparing, proof
from sinchtools.replays.results import Result
from sinchtools.replays.simulated import proven, simulate

MOST_REPLAYED = 20  # requests in one call
_REPORT_NAME = re.compile(r"[\w-][\w. -]{0,80}\.(?:html|zip)")
_CODE = re.compile(r"[a-z0-9_]{0,64}")
_Parameters = ParamSpec("_Parameters")
_Result = dict[str, Any]


def _tool(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Let a tool fail with one sentence of ours, and throw away only inside the work folder."""

    @functools.wraps(function)
    def run(*args: _Parameters.args, **options: _Parameters.kwargs) -> _Result:
        try:
            with scratch_in(work_folder() / "scratch"):
                return function(*args, **options)
        except SinchToolsError:
            raise
        except Exception as error:
            name = type(error).__name__
            raise SinchToolsError(f"Unexpected error ({name}). Nothing was sent.") from None

    return run


@_tool
def read(
    text: str = "",
    path: str = "",
    evidence: str = "",
    row: int = 0,
    page: int = 1,
    failing: bool = False,
) -> _Result:
    """
    Read evidence of any kind (a log, HAR, curl command, ticket) and keep it under a name.

    Secrets are removed, people are aliases. Call it again with that name for more rows, or one row.

    Parameters
    ----------
    text
        The pasted evidence.
    path
        Instead of a text: a file, folder or glob inside the work folder.
    evidence
        Instead of both: the name of what was read before, such as "e1".
    row
        The number of the row to show whole, with its request and response.
    page
        Which page of the rows to list.
    failing
        List the rows that failed, and no others.
    """
    if sum(map(bool, (text, path, evidence))) != 1:
        raise WrongUseError("Give one of text, path and evidence.")
    if evidence:
        found = held(evidence)
    else:
        found = hold(text.encode("utf-8", "replace") if text else files_inside(path))
    if row:
        one = whole_of(row, aliased(found.row(row), found))
        return shown({"evidence": found.name, **one}, found)
    numbered = enumerate(found.rows, start=1)
    listed = page_of([(n, one) for n, one in numbered if one.failed or not failing], page)
    listed["entries"] = [line_of(number, one) for number, one in listed["entries"]]
    return shown({**_summed_up(found), **listed}, found)


def _summed_up(found: Held) -> _Result:
    calls = calls_of(found.rows)
    failed = Counter((one.status, one.code) for one in calls if one.failed)
    n, removed = len(found.rows), found.evidence.secrets_removed
    notes = [one.reason for one in (*found.evidence.skipped, *found.evidence.warnings)]
    return {
        "evidence": found.name,
        "summary": f"{counted(n, 'request')} {'was' if n == 1 else 'were'} read, "
        f"{failed.total():,} of them failed. "
        f"{counted(removed, 'secret')} {'was' if removed == 1 else 'were'} removed.",
        "failing": [
            {"count": n, **response_of(status, code)}
            for (status, code), n in failed.most_common(PAGE)
        ],
        UNTRUSTED: {"not_read_or_guessed": notes[:PAGE]},
    }


@_tool
def diagnose(evidence: str, row: int = 0, page: int = 1, as_of: str = "") -> _Result:
    """
    Say what is wrong with the requests, where exactly, and what to do. Nothing is sent.

    Without a row, requests with the same problem are one entry. The first finding is the cause.

    Parameters
    ----------
    evidence
        The name that read returned.
    row
        The number of one request, to see all of its findings.
    page
        Which page of the entries.
    as_of
        The time to judge dates by, such as "2026-11-23T08:00:00Z".
    """
    found, moment = held(evidence), instant_of(as_of) if as_of else None
    if as_of and moment is None:
        raise WrongUseError("as_of is not a time.", hint="Write it as 2026-11-23T08:00:00Z.")
    if row:
        [(_, one)] = found.diagnosed([row], moment)
        return shown({"evidence": found.name, **_whole(row, one)}, found)
    looked_at = found.diagnosed(found.worth_a_look, moment)
    groups = page_of(_grouped(looked_at, found.worth_a_look), page)
    groups["entries"] = [_entry(some, n) for some, n in groups["entries"]]
    wrong = sum(bool(one.failing) for _, one in looked_at)
    summary = (
        f"{counted(len(looked_at), 'request')} of {len(found.rows):,} looked at, "
        f"{wrong:,} with a problem."
    )
    made = {"evidence": found.name, "summary": summary, **groups}
    return shown(made, found)


def _whole(number: int, one: Diagnosis) -> _Result:
    made = line_of(number, one.exchange)
    expected = response_of(one.expected_status, one.expected_code)
    return made | {
        "expected": expected,
        "response_fits_request": one.consistent,
        "findings": [finding_of(finding) for finding in one.findings],
        "retry": one.retry.advice,
        UNTRUSTED: made.get(UNTRUSTED, {})
        | ({"suggested_fix": list(one.fix.changes)} if one.fix else {}),
    }


def _grouped(
    found: Sequence[tuple[int, Diagnosis]], stands_for: Mapping[int, int]
) -> list[tuple[list[tuple[int, Diagnosis]], int]]:
    """Return what has the same problem with how many requests that is, the wrong ones first."""
    groups: dict[object, list[tuple[int, Diagnosis]]] = {}
    for number, one in found:
        rules = tuple((finding.rule, finding.field) for finding in one.findings)
        kind = (one.exchange.status_in_words, one.exchange.endpoint, rules)
        groups.setdefault(kind, []).append((number, one))

    def count(some: Sequence[tuple[int, Diagnosis]]) -> int:
        return max(len(some), sum(stands_for[number] for number, _ in some))

    counts = [(some, count(some)) for some in groups.values()]
    return sorted(counts, key=lambda one: (not one[0][0][1].failing, -one[1]))


def _entry(some: Sequence[tuple[int, Diagnosis]], count: int) -> _Result:
    before = seen_before(some[0][1])
    made = _whole(*some[0]) | {"rows": [n for n, _ in some][:PAGE], "count": count}
    if before:
        helped = [text for text, _ in before.helped]
        made |= {"seen_before": {"times": before.times, UNTRUSTED: {"helped": helped}}}
    return made


@_tool
def explain(status: int = 0, code: str = "", delivery: int = 0, smpp: int = 0) -> _Result:
    """
    Explain an HTTP status and its code, a delivery code or an SMPP code, with its source.

    Parameters
    ----------
    status, code
        Such as 403 and "missing_callback_url"; each may be given alone.
    delivery
        The code of a delivery report, such as 412. Give nothing else.
    smpp
        An SMPP error code, such as 310. Give nothing else.
    """
    if sum(map(bool, (status or code, delivery, smpp))) != 1:
        raise WrongUseError("Give a status and code, or delivery, or smpp.")
    _refuse_no_code(code)
    entry = catalogue.explain(
        status or None, code or None, delivery=delivery or None, smpp=smpp or None
    )
    return shown(entry.as_json())


def _refuse_no_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise WrongUseError("This is not a code.", hint="Codes look like missing_callback_url.")


@_tool
def tips(evidence: str = "", row: int = 0, status: int = 0, code: str = "") -> _Result:
    """
    List the troubleshooting steps for a request, with what the evidence decides of each.

    Parameters
    ----------
    evidence, row
        The name that read returned, and the number of a request.
    status, code
        Instead of a request: such as 403 and "missing_callback_url".
    """
    if bool(evidence) == bool(status or code):
        raise WrongUseError("Give evidence and row, or a status and code.")
    if not evidence:
        _refuse_no_code(code)
        walk = playbooks.tips(status or None, code or None)
        return shown(_walked(walk))
    found = held(evidence)
    one = found.row(row)
    [(_, diagnosis)] = found.diagnosed([row])
    return shown(_walked(playbooks.tips(one, findings=diagnosis.findings)), found)


def _walked(walk: playbooks.Walk) -> _Result:
    return {
        "title": walk.playbook.title,
        "source": walk.playbook.source,
        "steps": [
            {"title": step.title, "look": step.look, "do": step.do, **_decided(step, walk)}
            for step in walk.playbook.steps
        ],
    }


def _decided(step: Step, walk: playbooks.Walk) -> _Result:
    if walk.exchange is None or step.check is None:
        return {"decided": "a person has to look"}
    checked = walk.decided(step)
    return {"decided": checked.state, UNTRUSTED: {"proof": checked.proof}}


@_tool
def replay_in_sandbox(evidence: str, row: int = 0, with_fix: bool = True) -> _Result:
    """
    Replay requests in the simulated API on this machine, and say what that proves.

    No SMS is sent and the vendor is not asked; every response is simulated.

    Parameters
    ----------
    evidence
        The name that read returned.
    row
        The number of one request; 0 takes the first 20 that have a problem.
    with_fix
        Make the suggested fixes first, where there are any.
    """
    found = held(evidence)
    looked_at = found.diagnosed([row] if row else found.worth_a_look)
    chosen = [(n, one) for n, one in looked_at if row or one.failing or one.exchange.failed]
    chosen = chosen[:MOST_REPLAYED]
    numbered = {one.exchange.id: number for number, one in chosen}
    edits = {one.exchange.id: one.fix.edit for _, one in chosen if with_fix and one.fix}
    done = simulate([one.exchange for _, one in chosen], edits)
    entries = [_replayed(numbered[result.original.id], result) for result in done]
    made = {"evidence": found.name, "summary": done.summary, "entries": entries}
    return shown(made, found)


def _replayed(number: int, result: Result) -> _Result:
    child = result.child
    changed = [str(change) for change in changes(result.original, result.request)]
    return {
        "row": number,
        "verdict": result.verdict,
        "before": response_of(result.original.status, result.original.code),
        "simulated": response_of(child.status, child.code) if child else None,
        UNTRUSTED: {"reasons": list(result.reasons), "changed": changed},
    }


@_tool
def smallest_change(evidence: str, row: int) -> _Result:
    """
    Find the smallest change after which the simulated API accepts a request.

    It is a proposal: nothing is sent, and the responses are simulated.

    Parameters
    ----------
    evidence
        The name that read returned.
    row
        The number of the request.
    """
    found = held(evidence)
    [(_, diagnosis)] = found.diagnosed([row])
    made = proof.smallest_change(diagnosis)
    quoted = {
        "changes": list(made.changes),
        "alternatives": list(made.alternatives),
        "reason": made.reason,
    }
    summary = "A change was found." if made.changes else "No change was found."
    result = {"evidence": found.name, "row": row, "summary": summary, "trials": made.trials}
    return shown(result | {UNTRUSTED: quoted}, found)


@_tool
def compare(
    evidence: str,
    row: int = 0,
    other_evidence: str = "",
    other_row: int = 0,
    prove: bool = False,
) -> _Result:
    """
    Compare two requests, or two pieces of evidence: what can matter comes first.

    Parameters
    ----------
    evidence, row
        One side: a request, or all of the evidence when row is 0.
    other_evidence, other_row
        The other side; the same evidence when no other name is given.
    prove
        Find out in the simulated API which difference decides.
    """
    found = held(evidence)
    other = held(other_evidence) if other_evidence else found
    if other is found and not (row and other_row):
        raise WrongUseError("Name two rows of the evidence, or two pieces of evidence.")
    sides = [
        one.row(number) if number else list(one.rows)
        for one, number in ((found, row), (other, other_row))
    ]
    made = comparing.compare(*sides, prove=prove)
    differences = [
        {
            "can_matter": not one.folded,
            "decides": one in made.cause,
            UNTRUSTED: sides_of(one),
        }
        for one in made.differences
    ]
    summary = (
        f"{counted(sum(not one.folded for one in made.differences), 'difference')} can matter."
    )
    result = {"summary": summary, "reason": made.reason, "trials": made.trials}
    return shown(result | page_of(differences, 1), found, other)


@_tool
def change_points(evidence: str) -> _Result:
    """
    Say since when requests fail more or less often, and for whom.

    Parameters
    ----------
    evidence
        The name that read returned. It takes 20 calls with a time, 5 of them failing.
    """
    from sinchtools import analysis

    found = held(evidence)
    rows = frame(found.rows)
    table = analysis.change_points(rows)
    entries = [_changed(one) for one in table.head(PAGE).to_dict("records")]
    made = {
        "evidence": found.name,
        "summary": table.attrs["verdict"],
        "entries": entries,
        UNTRUSTED: {"in_words": analysis.pattern(rows).sentence},
    }
    return shown(made, found)


def _changed(row: Any) -> _Result:
    import pandas as pd

    known = {name: None if pd.isna(value) else value for name, value in row.items()}
    return {
        "start": known["start"],
        "end": known["end"],
        **{name: known[name] for name in ("share_before", "share_after", "n_before", "n_after")},
        UNTRUSTED: {name: known[name] for name in ("field", "value")},
    }


@_tool
def report(evidence: str, name: str = "case.html", row: int = 0) -> _Result:
    """
    Write the case report, people hidden, into the folder reports of the work folder.

    The suggested fix is tried in the simulated API first.

    Parameters
    ----------
    evidence
        The name that read returned.
    name
        A file name that ends in .html (a page) or .zip (a bundle with the data).
    row
        The request to report on; 0 takes the most frequent failure.
    """
    if not _REPORT_NAME.fullmatch(name):
        raise WrongUseError("This is not a name for a report.", hint="Write it as case-1.html.")
    found = held(evidence)
    story = told_of(found.rows, about=found.row(row) if row else None, is_text=True)
    fixed = proven(story.example, story.diagnosis.fix)
    path = reports.report(
        found.rows, work_folder() / "reports" / name, exchange=story.example, proof=fixed
    )
    proof = " It shows a proven fix (simulated)." if fixed else ""
    return shown(
        {
            "evidence": found.name,
            "summary": f"The report was written.{proof}",
            "file": f"reports/{path.name}",
        },
        found,
    )
